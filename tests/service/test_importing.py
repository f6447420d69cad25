"""Importing: members, customers and opening lots, once for each row whatever happens."""

from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal

import pytest

from points_ledger.domain.error import (
    IdempotencyKeyReusedError,
    InvalidRequestError,
    LimitExceededError,
    MemberInactiveError,
)
from points_ledger.domain.identity import EarningKey
from points_ledger.domain.limit import MAX_EXTERNAL_IDS_PER_MEMBER
from points_ledger.domain.lot import NEVER
from points_ledger.domain.replay import replay
from points_ledger.service.finding import ByName
from tests.builders import START, refunded
from tests.service.desk import customer_id
from tests.service.party import ADA, BOB, put_standing
from tests.service.registry import Registry, import_row

NEXT_YEAR = date(2027, 6, 30)


@pytest.fixture
def registry() -> Registry:
    return Registry()


def test_a_row_enrols_a_member_and_opens_a_lot(registry: Registry) -> None:
    done = registry.take(points=500, last_day=NEXT_YEAR, customers=("ida", "ida-2"))
    assert (done.created, done.opened, done.replayed) == (True, 500, False)
    chain = registry.desk.memory.chain(done.member_id)
    assert [entry.posting.type for entry in chain] == ["enrolment", "opening"]
    state, posting = chain[-1].state, chain[-1].posting
    assert (state.available, state.lots, state.counter("opened")) == (500, {NEXT_YEAR: 500}, 500)
    assert state.standing.organisation == "acme"
    assert posting.actor == "import:file-1"
    assert posting.source == EarningKey(source="points-ledger", kind="import", id="file-1:row-1")
    assert posting.inputs == {"points": "500", "last_day": "2027-06-30"}
    assert registry.external_ids(done.member_id) == (customer_id("ida"), customer_id("ida-2"))
    assert registry.linked("ida-2") == done.member_id
    assert registry.find(ByName("ida")) == [done.member_id]
    assert replay(chain) == state


def test_further_rows_open_further_lots_of_the_same_member(registry: Registry) -> None:
    first = registry.take("row-1", points=500, last_day=NEXT_YEAR, customers=("ida",))
    second = registry.take("row-2", points=20, last_day=NEVER, customers=("ida", "ida-2"))
    assert second.member_id == first.member_id
    assert (second.created, second.opened) == (False, 20)
    state = registry.desk.memory.chain(first.member_id)[-1].state
    assert state.lots == {NEXT_YEAR: 500, NEVER: 20}
    assert registry.linked("ida-2") == first.member_id


def test_a_member_who_is_known_stays_who_they_are(registry: Registry) -> None:
    done = registry.take(points=7, last_day=NEXT_YEAR, customers=("ada",), name="Somebody else")
    assert (done.member_id, done.created) == (ADA, False)
    profile = registry.profile(ADA)
    assert profile is not None
    assert profile.name == "Ada"
    assert registry.desk.balances(ADA) == (0, 107, 0)


def test_a_row_without_points_opens_nothing(registry: Registry) -> None:
    done = registry.take(customers=("ida",))
    assert registry.desk.types(done.member_id) == ["enrolment"]


def test_the_same_rows_again_change_nothing(registry: Registry) -> None:
    rows = [("row-1", 500, ("ida",)), ("row-2", 20, ("ida",)), ("row-3", 0, ())]

    def take_all() -> list[bool]:
        return [
            registry.take(
                id_, points=points, last_day=NEXT_YEAR if points else None, customers=customers
            ).replayed
            for id_, points, customers in rows
        ]

    assert take_all() == [False, False, False]
    before = registry.desk.memory.snapshot()
    assert take_all() == [True, True, True]
    assert registry.desk.memory.snapshot() == before


def test_a_row_is_repeated_though_its_day_is_over_by_then(registry: Registry) -> None:
    first = registry.take(points=500, last_day=NEXT_YEAR, customers=("ida",))
    registry.desk.wait(START + timedelta(days=1_000))
    again = registry.take(points=500, last_day=NEXT_YEAR, customers=("ida",))
    assert again == replace(first, replayed=True)


def test_another_file_is_another_import(registry: Registry) -> None:
    first = registry.take(points=5, last_day=NEXT_YEAR, customers=("ida",))
    registry.take(points=5, last_day=NEXT_YEAR, customers=("ida",), file_id="file-2")
    assert registry.desk.balances(first.member_id) == (0, 10, 0)


def test_a_row_that_says_something_else_now_is_refused(registry: Registry) -> None:
    registry.take(points=500, last_day=NEXT_YEAR)
    with pytest.raises(IdempotencyKeyReusedError):
        registry.take(points=501, last_day=NEXT_YEAR)


def test_an_opening_repays_debt_first(registry: Registry) -> None:
    registry.desk.redeem(100)
    registry.desk.tell(refunded("60.00", id="of-ada"))
    assert registry.desk.balances(ADA) == (0, -60, 60)
    registry.take(points=100, last_day=NEXT_YEAR, customers=("ada",))
    assert registry.desk.balances(ADA) == (0, 40, 0)


@pytest.mark.parametrize(("days", "is_taken"), [(0, True), (-1, False)])
def test_the_last_day_may_be_today_and_not_before(
    days: int, is_taken: bool, registry: Registry
) -> None:
    last_day = START.date() + timedelta(days=days)
    if is_taken:
        assert registry.take(points=5, last_day=last_day).opened == 5
        return
    with pytest.raises(InvalidRequestError) as error:
        registry.take(points=5, last_day=last_day)
    assert [each.field for each in error.value.errors] == ["last_day"]
    assert len(registry.desk.memory.members()) == 4


def test_customers_of_different_members_are_refused(registry: Registry) -> None:
    before = registry.desk.memory.snapshot()
    with pytest.raises(InvalidRequestError):
        registry.take(customers=("ada", "bob"))
    assert registry.desk.memory.snapshot() == before


def test_customers_of_members_who_are_one_by_now_are_fine(registry: Registry) -> None:
    registry.desk.merge(ADA, BOB)
    done = registry.take(points=5, last_day=NEXT_YEAR, customers=("ada", "bob", "new"))
    assert (done.member_id, registry.linked("new")) == (BOB, BOB)


def test_a_member_who_is_closed_is_refused(registry: Registry) -> None:
    put_standing(registry.desk, ADA, status="closed")
    with pytest.raises(MemberInactiveError):
        registry.take(points=5, last_day=NEXT_YEAR, customers=("ada",))


def test_external_ids_are_few(registry: Registry) -> None:
    more = tuple(f"ada-{n}" for n in range(MAX_EXTERNAL_IDS_PER_MEMBER))
    with pytest.raises(LimitExceededError):
        registry.take(customers=("ada", *more))


def test_checking_says_the_same_and_writes_nothing(registry: Registry) -> None:
    before = registry.desk.memory.snapshot()
    row = import_row("row-1", "file-1", 500, NEXT_YEAR, ("ada",), "Ida")
    checked = registry.importing.check(row)
    assert registry.desk.memory.snapshot() == before
    assert registry.importing.take(row) == checked
    assert registry.importing.check(row).replayed
    with pytest.raises(InvalidRequestError):
        registry.importing.check(import_row("row-2", "file-1", 0, None, ("ada", "bob"), "Ida"))


def test_who_is_enrolled_meanwhile_is_not_enrolled_again(registry: Registry) -> None:
    def enrol() -> None:
        registry.desk.enrol("ida", key="meanwhile", name="Ida")

    registry.desk.store.meanwhile["commit"] = enrol
    done = registry.take(points=5, last_day=NEXT_YEAR, customers=("ida",))
    assert (done.created, registry.linked("ida")) == (False, done.member_id)
    assert registry.desk.types(done.member_id) == ["enrolment", "opening"]


def test_imported_points_are_spent_and_expire_like_others(registry: Registry) -> None:
    done = registry.take(points=500, last_day=NEXT_YEAR, customers=("ida",))
    registry.desk.redeem(100, member_id=done.member_id)
    registry.desk.wait(datetime.fromisoformat("2027-07-02T00:00:00+00:00"))
    registry.desk.sweep("expiry")
    balance = registry.desk.queries.balance(done.member_id)
    assert (balance.available, balance.lifetime["expired"]) == (0, 400)
    assert balance.value == Decimal("0.00")
