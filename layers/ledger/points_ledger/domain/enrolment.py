"""Enrolment: the first entry of a member's chain."""

from datetime import datetime

from points_ledger.domain.entry import Posting
from points_ledger.domain.identity import EarningKey
from points_ledger.domain.state import ENROLLED_AT, Standing


def enrolment(
    *, at: datetime, standing: Standing, actor: str, source: EarningKey | None = None
) -> Posting:
    """The posting that opens an account; `source` is the purchase that brought the member."""
    return Posting(
        type="enrolment",
        at=at,
        counters={ENROLLED_AT: int(at.timestamp()) // 60},
        standing=standing,
        source=source,
        actor=actor,
    )
