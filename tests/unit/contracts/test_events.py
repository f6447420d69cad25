"""How many points an event is about."""

from collections.abc import Mapping
from datetime import date

import pytest

from points_ledger.contracts.events import entry_detail
from points_ledger.domain.entry import EntryType, Posting, chain
from points_ledger.domain.identity import MemberId
from points_ledger.domain.state import decode_lots
from tests.builders import START

LOTS = {date(2026, 12, 31): 50, date(2027, 1, 31): 20}


@pytest.mark.parametrize(
    ("type_", "details", "lots", "points"),
    [
        ("notice", {"lots": "20261231:50 20270131:20", "days": "7"}, "", 70),
        ("extension", {"extended": "20261231:50"}, "20261231:-50 20270114:50", 50),
        ("expiry", {"extended": "20270131:20"}, "20261231:-50 20270131:-20 20270214:20", 50),
    ],
)
def test_an_event_about_lots_says_how_many_points_they_are(
    type_: EntryType, details: Mapping[str, str], lots: str, points: int
) -> None:
    member = MemberId("ada")
    opening = Posting(
        type="opening", at=START, lots=LOTS, counters={"opened": 70}, actor="import:test"
    )
    posting = Posting(
        type=type_,
        at=START,
        lots=decode_lots(lots),
        counters={"expired": points} if type_ == "expiry" else {},
        actor="sweep",
        details=details,
    )
    entry = chain(chain(None, member, opening, START), member, posting, START)
    assert entry_detail(entry)["points"] == points
