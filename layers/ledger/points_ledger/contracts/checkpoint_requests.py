"""What is asked about checkpoints; apart from their documents, which need no library."""

import re
from datetime import date
from typing import Annotated, Final

from points_ledger.contracts.reading import By, Schema
from points_ledger.domain.dataclass import dataclass

_DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


def _day(value: object) -> date:
    if not isinstance(value, str) or not _DAY.fullmatch(value):
        raise ValueError("a day is written YYYY-MM-DD")
    return date.fromisoformat(value)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProofQuery:
    """GET /members/{member_id}/proof; without a day the last checkpoint is meant."""

    day: Annotated[date, By(_day), Schema(type="string", format="date")] | None = None
