"""Somebody invented, for whom a template can be looked at before it is used."""

from collections.abc import Mapping
from datetime import date
from types import MappingProxyType
from typing import Final

from points_ledger.domain.identity import EarningKey
from points_ledger.domain.mail import MailedEvent
from points_ledger.domain.mail_values import Occasion, Reader

_INVOICE: Final = EarningKey(source="pos", kind="invoice", id="2027-0042")
_LOTS: Final = MappingProxyType({date(2028, 11, 30): 1200})

EXAMPLE_READER: Final = Reader(
    name="Alex Example",
    available=4250,
    pending=320,
    portal_url="https://points.example/portal",
    unsubscribe_url="https://points.example/unsubscribe?token=example",
)


def _example(event: MailedEvent, change: int = 0) -> Occasion:
    has_source = event in ("PointsAccrued", "PointsMatured", "PointsReversed")
    return Occasion(
        event=event,
        points=1200,
        change=change,
        sources=(_INVOICE,) if has_source else (None,),
        rules=("retail",) if has_source else (),
        lots=_LOTS,
        days=30,
        new_tier="silver",
    )


EXAMPLES: Final[Mapping[MailedEvent, Occasion]] = MappingProxyType(
    {
        "PointsAccrued": _example("PointsAccrued"),
        "PointsMatured": _example("PointsMatured", 1200),
        "PointsExpiring": _example("PointsExpiring"),
        "PointsExpired": _example("PointsExpired", -1200),
        "PointsRedeemed": _example("PointsRedeemed", -1200),
        "PointsReversed": _example("PointsReversed", -1200),
        "PointsTransferred": _example("PointsTransferred", -1200),
        "PointsAdjusted": _example("PointsAdjusted", 1200),
        "TierChanged": _example("TierChanged"),
    }
)
"""By event."""
