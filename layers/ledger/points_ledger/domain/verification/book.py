"""What is given to verify: chains of entries and the program versions that they name."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from points_ledger.domain.dataclass import dataclass
from points_ledger.domain.entry import Entry
from points_ledger.domain.identity import MemberId
from points_ledger.domain.program import Program, VersionPeriod, version_in_force
from points_ledger.domain.verification.outcome import DiffersError


@dataclass(frozen=True, slots=True, kw_only=True)
class Book:
    """Chains, oldest entry first, and programs by version number.

    `periods` may be empty, where it is not known from when versions were in force; then whether
    an entry names the right one is not checked.
    """

    chains: Mapping[MemberId, Sequence[Entry]]
    programs: Mapping[int, Program]
    periods: tuple[VersionPeriod, ...] = ()

    def program(self, number: int | None, field: str = "program_version") -> Program:
        """A version by its number.

        Raises:
            DiffersError: there is no such version.
        """
        program = None if number is None else self.programs.get(number)
        if program is None:
            known = ", ".join(str(each) for each in sorted(self.programs))
            raise DiffersError(field, f"one of the versions given ({known})", number)
        return program

    def in_force(self, at: datetime) -> Program | None:
        """The version in force at an instant, as far as is known."""
        return self.programs.get(version_in_force(self.periods, at)) if self.periods else None

    def check_in_force(self, number: int | None, at: datetime) -> None:
        """See that a version is the one in force at an instant.

        Raises:
            DiffersError: another one was.
        """
        right = self.in_force(at)
        if right is not None and number != right.version:
            raise DiffersError("program_version", right.version, number)
