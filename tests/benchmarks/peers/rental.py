"""What a PostgreSQL database costs by the month on AWS, whatever it does in it."""

from dataclasses import dataclass
from typing import Final

from tests.benchmarks.prices import MONTH_HOURS

DISK_GIGABYTES: Final = 20
DISK_DOLLARS: Final = 0.115
"""A month of a GB of gp3, in each of the two zones."""
ZONES: Final = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Instance:
    """An RDS instance in one zone of us-east-1, on demand; a standby doubles it."""

    name: str
    hour: float

    @property
    def month(self) -> float:
        """Dollars for two zones, with the disks."""
        return ZONES * (self.hour * MONTH_HOURS + DISK_GIGABYTES * DISK_DOLLARS)


SMALLEST: Final = Instance(name="db.t4g.micro", hour=0.016)
MEDIUM: Final = Instance(name="db.t4g.medium", hour=0.065)
"""List prices of public pages of 2026."""
