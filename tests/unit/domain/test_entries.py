"""The chain of entries, its hashes, and its replay (semantics 2 and 9)."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date, timedelta

import pytest

from points_ledger.domain.entry import GENESIS_HASH, Entry, Posting, chain, entry_hash, post
from points_ledger.domain.error import BrokenInvariantError
from points_ledger.domain.identity import EarningKey, MemberId
from points_ledger.domain.replay import replay
from points_ledger.domain.state import Standing, State
from tests.builders import START, World, after, paid, posted, program

ADA = MemberId("ada")
DAY_1, DAY_2 = date(2027, 1, 31), date(2027, 2, 28)

FULL = Posting(
    type="maturation",
    at=START,
    pending=-5,
    reserved=1,
    debt=-2,
    lots={DAY_1: 3},
    counters={"earned": 1},
    standing=Standing(tier="gold"),
    source=EarningKey(source="pos", kind="invoice", id="1"),
    rules=(("base", 5),),
    program_version=1,
    actor="test",
    reason="paid",
    details={"note": "x"},
)


def history() -> list[Entry]:
    """The entries of a member who enrolled, earned and was paid for."""
    world = World(program())
    world.tell(posted("10.00"), paid("10.00"))
    return world.entries[ADA]


def credit(points: int, day: date = DAY_1) -> Posting:
    """An accrual that is available at once."""
    return Posting(
        type="maturation", at=START, lots={day: points}, counters={"earned": points}, actor="test"
    )


# ---- The chain


def test_entries_are_numbered_from_1_and_linked_to_the_one_before() -> None:
    entries = history()
    assert [(entry.number, entry.previous_hash) for entry in entries] == [
        (1, GENESIS_HASH),
        (2, entries[0].hash),
        (3, entries[1].hash),
    ]


def test_an_entry_shows_the_balances_after_it() -> None:
    balances = [(entry.state.pending, entry.state.available) for entry in history()]
    assert balances == [(0, 0), (10, 0), (0, 10)]


def test_an_entry_is_never_recorded_before_the_one_before_it() -> None:
    head = chain(None, ADA, credit(1), after(days=1))
    assert chain(head, ADA, credit(1), START).recorded_at == after(days=1)


def test_several_postings_are_chained_one_after_the_other() -> None:
    head = chain(None, ADA, credit(1), START)
    entries = post({ADA: head}, ADA, [credit(2), credit(3)], START)
    assert [(entry.number, entry.state.available) for entry in entries] == [(2, 3), (3, 6)]


@pytest.mark.parametrize(
    ("broken", "name"),
    [
        (Posting(type="accrual", at=START, pending=-1, actor="t"), "pending is not negative"),
        (
            Posting(type="accrual", at=START, reserved=-1, actor="t"),
            "reserved is what the open reservations hold",
        ),
        (Posting(type="accrual", at=START, debt=-1, actor="t"), "debt is not negative"),
        (
            Posting(type="accrual", at=START, lots={DAY_1: -11}, actor="t"),
            "lots are positive",
        ),
        (
            Posting(type="accrual", at=START, debt=1, counters={"reversed": 1}, actor="t"),
            "debt means no lots",
        ),
        (Posting(type="accrual", at=START, pending=1, actor="t"), "points are conserved"),
        (
            Posting(type="redemption", at=START, lots={DAY_1: -1}, actor="t"),
            "points are conserved",
        ),
    ],
)
def test_a_posting_that_breaks_an_invariant_is_refused(broken: Posting, name: str) -> None:
    head = chain(None, ADA, credit(10), START)
    with pytest.raises(BrokenInvariantError, match=name):
        chain(head, ADA, broken, START)


def test_too_many_lots_are_refused() -> None:
    lots = {DAY_1 + timedelta(days=place): 1 for place in range(41)}
    with pytest.raises(BrokenInvariantError, match="lots are few"):
        State(lots=lots, counters={"earned": 41}).check()


# ---- The hash


def hash_of(
    posting: Posting = FULL,
    *,
    member: str = "ada",
    number: int = 7,
    days: int = 0,
    state: State | None = None,
    previous: bytes = GENESIS_HASH,
) -> bytes:
    """The hash of an entry that says everything an entry can say."""
    return entry_hash(
        MemberId(member), number, after(days=days), posting, state or State(), previous
    )


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(hash_of(member="ben"), id="member"),
        pytest.param(hash_of(number=8), id="number"),
        pytest.param(hash_of(days=1), id="recorded_at"),
        pytest.param(hash_of(state=State(pending=1)), id="state.pending"),
        pytest.param(hash_of(state=State(reserved=1)), id="state.reserved"),
        pytest.param(hash_of(state=State(debt=1)), id="state.debt"),
        pytest.param(hash_of(state=State(lots={DAY_1: 1})), id="state.lots"),
        pytest.param(hash_of(state=State(counters={"earned": 1})), id="state.counters"),
        pytest.param(hash_of(state=State(standing=Standing(tags=("a",)))), id="state.standing"),
        pytest.param(hash_of(previous=bytes([1]) * 32), id="previous_hash"),
    ],
)
def test_a_hash_covers_the_entrys_place(other: bytes) -> None:
    assert other != hash_of()


@pytest.mark.parametrize(
    "change",
    [
        {"type": "accrual"},
        {"at": after(days=1)},
        {"pending": -4},
        {"reserved": 2},
        {"debt": -1},
        {"lots": {DAY_1: 4}},
        {"lots": {DAY_2: 3}},
        {"counters": {"earned": 2}},
        {"counters": {}},
        {"standing": None},
        {"standing": Standing(tier="silver")},
        {"source": None},
        {"source": EarningKey(source="pos", kind="ticket", id="1")},
        {"rules": (("base", 4), ("other", 1))},
        {"rules": ()},
        {"program_version": 2},
        {"program_version": None},
        {"actor": "other"},
        {"reason": None},
        {"details": {"note": "y"}},
        {"details": {}},
    ],
    ids=",".join,
)
def test_a_hash_covers_every_field_of_the_posting(change: Mapping[str, object]) -> None:
    assert hash_of(replace(FULL, **change)) != hash_of()  # type: ignore[arg-type]  # a table


def test_a_hash_does_not_depend_on_the_order_of_keys() -> None:
    one = replace(FULL, counters={"a": 1, "b": 2}, details={"a": "1", "b": "2"})
    other = replace(FULL, counters={"b": 2, "a": 1}, details={"b": "2", "a": "1"})
    assert hash_of(one) == hash_of(other)


# ---- Replay


def test_replaying_a_history_gives_the_stored_state() -> None:
    entries = history()
    assert replay(entries) == entries[-1].state


@pytest.mark.parametrize(
    ("spoil", "problem"),
    [
        pytest.param(lambda e: e[1:], "entry 2 of ada: expected number 1", id="first is missing"),
        pytest.param(lambda e: [e[0], e[2]], "entry 3 of ada: expected number 2", id="a gap"),
        pytest.param(
            lambda e: [e[0], e[0]], "entry 1 of ada: expected number 2", id="twice the same"
        ),
        pytest.param(
            lambda e: [e[0], replace(e[1], state=State(pending=11)), e[2]],
            "entry 2 of ada: the state is not the sum",
            id="another state",
        ),
        pytest.param(
            lambda e: [e[0], replace(e[1], posting=replace(e[1].posting, actor="x")), e[2]],
            "entry 2 of ada: the hash does not fit",
            id="another actor",
        ),
        pytest.param(
            lambda e: [e[0], replace(e[1], recorded_at=after(days=9)), e[2]],
            "entry 2 of ada: the hash does not fit",
            id="another time",
        ),
        pytest.param(
            lambda e: [e[0], replace(e[1], previous_hash=GENESIS_HASH), e[2]],
            "entry 2 of ada: the hash does not fit",
            id="another link",
        ),
        pytest.param(
            lambda e: [e[0], e[1], replace(e[2], hash=bytes(32))],
            "entry 3 of ada: the hash does not fit",
            id="another hash",
        ),
    ],
)
def test_replay_names_the_first_entry_that_does_not_fit(
    spoil: Callable[[list[Entry]], list[Entry]], problem: str
) -> None:
    with pytest.raises(BrokenInvariantError, match=problem):
        replay(spoil(history()))
