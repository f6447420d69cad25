"""What members and staff see."""

from decimal import Decimal

import pytest

from points_ledger.domain.error import NotFoundError
from points_ledger.domain.identity import MemberId
from tests.builders import DAY, HOUR, START, after, paid, posted, program
from tests.service.desk import ADA, BOB, Desk
from tests.service.party import EVE, party

NOBODY = MemberId("nobody")


def test_a_balance_has_all_that_counts() -> None:
    desk = Desk(program())
    desk.tell(posted("100.00"), paid("100.00"), posted("20.00", id="purchase-2"))
    desk.redeem(30)
    balance = desk.queries.balance(ADA)
    assert (balance.pending, balance.available, balance.debt) == (20, 70, 0)
    assert balance.value == Decimal("0.70")
    assert balance.lifetime == {"earned": 120, "redeemed": 30, "reversed": 0, "expired": 0}


def test_a_balance_leaves_out_what_has_passed_before_the_sweep_has_run() -> None:
    desk = Desk(program(expires_after="P1D", round_to="day"))
    desk.tell(posted("100.00", at=START - DAY), paid("100.00", at=START - DAY))
    desk.tell(posted("50.00", id="purchase-2"), paid("50.00", id="purchase-2"))
    desk.now = START + 12 * HOUR
    before = desk.queries.balance(ADA)
    desk.expire()
    after_sweep = desk.queries.balance(ADA)
    assert before == after_sweep
    assert (before.available, before.lifetime["expired"]) == (50, 100)


def test_nothing_is_known_of_nobody() -> None:
    queries = Desk(program()).queries
    with pytest.raises(NotFoundError):
        queries.balance(NOBODY)
    with pytest.raises(NotFoundError):
        queries.member(NOBODY)
    with pytest.raises(NotFoundError):
        queries.entries(NOBODY, limit=10, before=None, types=frozenset())
    with pytest.raises(NotFoundError):
        queries.pending(NOBODY, limit=10, cursor=None)


def test_entries_come_newest_first_in_pages_and_by_type() -> None:
    desk = Desk(program())
    desk.tell(posted("100.00"), paid("100.00"))
    page, following = desk.queries.entries(ADA, limit=2, before=None, types=frozenset())
    assert [entry.number for entry in page] == [3, 2]
    rest, end = desk.queries.entries(ADA, limit=2, before=following, types=frozenset())
    assert ([entry.number for entry in rest], end) == ([1], None)
    accruals, _ = desk.queries.entries(ADA, limit=9, before=None, types=frozenset({"accrual"}))
    assert [entry.number for entry in accruals] == [2]


def test_pending_says_what_it_waits_for_and_until_when() -> None:
    desk = Desk(program(hold="PT24H"), now=after(hours=1))
    desk.tell(posted("100.00"), posted("20.00", id="purchase-2", at=after(hours=1)))
    desk.tell(paid("20.00", id="purchase-2", at=after(hours=1)))
    (unpaid, held), cursor = desk.queries.pending(ADA, limit=10, cursor=None)
    assert cursor is None
    assert [wait.waiting_for for wait in unpaid.target.waits] == ["payment", "hold"]
    assert (unpaid.points, unpaid.since, unpaid.target.matures_at) == (100, START, None)
    assert [wait.waiting_for for wait in held.target.waits] == ["hold"]
    assert (held.points, held.target.matures_at) == (20, after(hours=25))


def test_pending_comes_in_pages_and_ends() -> None:
    desk = Desk(program())
    for number in range(3):
        desk.tell(posted("10.00", id=f"purchase-{number}", at=after(hours=number)))
    first, cursor = desk.queries.pending(ADA, limit=2, cursor=None)
    second, end = desk.queries.pending(ADA, limit=2, cursor=cursor)
    found = [pending.earning.key.id for pending in (*first, *second)]
    assert (found, end) == (["purchase-0", "purchase-1", "purchase-2"], None)


def test_what_has_matured_is_not_pending() -> None:
    desk = Desk(program())
    desk.tell(posted("100.00"), paid("100.00"))
    assert desk.queries.pending(ADA, limit=10, cursor=None) == ((), None)


# --- Pending of members who were merged -----------------------------------------------------


def pending_of(desk: Desk, member_id: MemberId, limit: int = 10) -> list[tuple[str, int]]:
    """All pages of what is pending: purchase and points."""
    rows: list[tuple[str, int]] = []
    cursor: str | None = None
    for _ in range(50):
        page, cursor = desk.queries.pending(member_id, limit=limit, cursor=cursor)
        assert len(page) <= limit
        rows += [(each.earning.key.id, each.points) for each in page]
        if cursor is None:
            return rows
    raise AssertionError("the pages do not end")


@pytest.fixture
def merged() -> Desk:
    """Ada and Eve were merged into Bob; each has pending points, some of one purchase."""
    desk = party()
    desk.share({ADA: 50, BOB: 30, EVE: 20})
    desk.tell(posted("100.00", id="shared", customer="ada"))
    desk.tell(posted("7.00", id="of-bob-alone", customer="bob"))
    desk.tell(*(posted("5.00", id=f"of-eve-{n}", customer="eve") for n in range(4)))
    desk.merge(ADA, BOB)
    desk.merge(EVE, BOB)
    return desk


@pytest.mark.parametrize("limit", [1, 2, 3, 10])
def test_pending_of_a_merged_member_has_every_earning_once_with_all_its_points(
    limit: int, merged: Desk
) -> None:
    rows = pending_of(merged, BOB, limit)
    assert sorted(rows) == sorted(
        [("shared", 100), ("of-bob-alone", 7), *((f"of-eve-{n}", 5) for n in range(4))]
    )
    head = merged.memory.chain(BOB)[-1]
    assert sum(points for _, points in rows) == head.state.pending


@pytest.mark.parametrize("member_id", [ADA, EVE])
def test_an_old_id_shows_what_is_pending_of_who_survived(member_id: MemberId, merged: Desk) -> None:
    assert pending_of(merged, member_id) == pending_of(merged, BOB)


@pytest.mark.parametrize(
    "cursor", ["", "forged", "[]", '["member-4", null]', '["member-2", 1]', '["member-2", "x"]']
)
def test_a_place_of_nobody_here_is_refused(cursor: str, merged: Desk) -> None:
    with pytest.raises(ValueError):
        merged.queries.pending(BOB, limit=1, cursor=cursor)
