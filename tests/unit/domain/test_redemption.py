"""Spending points: the checks of semantics 4 in their order, and what points are worth."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from points_ledger.domain.calendar import parse_instant
from points_ledger.domain.error import (
    AmountNotWholePointsError,
    BelowMinimumError,
    EarnedOnSameTicketError,
    InsufficientPointsError,
    InvalidRequestError,
    LimitExceededError,
    MemberInactiveError,
    RedemptionNotPermittedError,
    RedemptionPausedError,
    Rejection,
    TicketTooLowError,
    YearlyCapExceededError,
)
from points_ledger.domain.identity import RedemptionId
from points_ledger.domain.limit import MAX_POINTS
from points_ledger.domain.program import PointValue, Program
from points_ledger.domain.redemption import (
    Redeemer,
    Ticket,
    earned_on,
    points_for,
    quote,
    redeem,
    refusals,
    value_of,
)
from points_ledger.domain.state import Standing, State
from tests.builders import (
    START,
    Balances,
    World,
    after,
    paid,
    posted,
    program,
    purchase_key,
    refunded,
)

LAST_DAY = date(2027, 12, 31)

# Everything that can be wrong is wrong: each check is reached by putting the ones before it right.
STRICT = program(
    mode="analysis",
    paused=True,
    minimum_amount="5.00",
    ticket_must_exceed=True,
    yearly_amount_cap="2.00",
    excluded_jurisdictions=["US"],
)


def account(available: int = 500, **standing: object) -> State:
    """A member with one lot."""
    return State(lots={LAST_DAY: available}, standing=Standing(**standing))  # type: ignore[arg-type]  # a table


def ticket(amount: str, id: str = "ticket-1") -> Ticket:  # noqa: A002 - the field's own name
    """The sale on which points are spent."""
    return Ticket(key=purchase_key(id, kind="ticket"), amount=Decimal(amount))


def redeemer(
    given: Program | None = None,
    *,
    state: State | None = None,
    on: str | None = None,
    earned_on_ticket: int = 0,
) -> Redeemer:
    """What is known when a redemption is decided, at START."""
    return Redeemer(
        state=state or account(),
        program=given or program(),
        now=START,
        ticket=ticket(on) if on else None,
        earned_on_ticket=earned_on_ticket,
    )


def refused(who: Redeemer, points: int) -> Rejection:
    """The first check that fails."""
    with pytest.raises(Rejection) as caught:
        redeem(who, points=points, redemption_id=RedemptionId("r"), actor="test")
    return caught.value


def lenient(given: Program, **terms: object) -> Program:
    """The program with other terms of redemption."""
    return replace(given, redemption=replace(given.redemption, **terms))  # type: ignore[arg-type]  # a table


# ---- The checks


@pytest.mark.parametrize("status", ["frozen", "closed", "erased", "merged"])
def test_1_the_member_must_be_active(status: str) -> None:
    who = redeemer(STRICT, state=account(0, status=status, jurisdiction="US"), on="1.00")
    assert refused(who, 900) == MemberInactiveError(status)


def test_2_not_in_analysis_mode() -> None:
    who = redeemer(STRICT, state=account(0, jurisdiction="US"), on="1.00")
    assert refused(who, 900) == RedemptionNotPermittedError("analysis_mode")


REWARDS = replace(STRICT, mode="rewards")


def test_2_not_in_an_excluded_jurisdiction() -> None:
    who = redeemer(REWARDS, state=account(0, jurisdiction="US"), on="1.00")
    assert refused(who, 900) == RedemptionNotPermittedError("jurisdiction")


def test_3_not_while_paused() -> None:
    assert refused(redeemer(REWARDS, on="1.00"), 0) == RedemptionPausedError()


OPEN = lenient(REWARDS, paused=False)


@pytest.mark.parametrize("points", [0, -1, -1_000])
def test_4_points_are_a_positive_number(points: int) -> None:
    assert isinstance(refused(redeemer(OPEN, on="1.00"), points), InvalidRequestError)


def test_4_points_of_one_command_are_bounded() -> None:
    who = redeemer(OPEN, state=account(2 * MAX_POINTS))
    assert refused(who, MAX_POINTS + 1) == LimitExceededError("points", MAX_POINTS)


def test_5_the_amount_reaches_the_minimum() -> None:
    assert refused(redeemer(OPEN, on="1.00"), 499) == BelowMinimumError("5.00", "4.99")


@pytest.mark.parametrize("amount", ["5.00", "4.99", "0.00"])
def test_6_the_ticket_strictly_exceeds_the_value(amount: str) -> None:
    assert refused(redeemer(OPEN, on=amount), 500) == TicketTooLowError(amount, "5.00")


def test_7_points_earned_on_the_ticket_are_not_spent_on_it() -> None:
    who = redeemer(OPEN, on="50.00", earned_on_ticket=1)
    assert refused(who, 500) == EarnedOnSameTicketError(500, 499)


def test_7_comes_before_the_cap_and_before_the_balance() -> None:
    who = redeemer(OPEN, on="50.00", earned_on_ticket=1)
    assert refused(who, 501) == EarnedOnSameTicketError(501, 499)


def test_8_the_yearly_cap() -> None:
    assert refused(redeemer(OPEN, on="50.00"), 500) == YearlyCapExceededError("2.00", "2.00")


UNCAPPED = lenient(OPEN, yearly_amount_cap=None)


def test_9_enough_points() -> None:
    assert refused(redeemer(UNCAPPED, on="50.00"), 501) == InsufficientPointsError(501, 500)


def test_what_passes_all_checks_is_spent() -> None:
    posting = redeem(
        redeemer(UNCAPPED, on="5.01"), points=500, redemption_id=RedemptionId("r"), actor="till"
    )
    assert (posting.type, dict(posting.lots), posting.counters, posting.source) == (
        "redemption",
        {LAST_DAY: -500},
        {"redeemed": 500, "redeemed_value:2026": 500},
        purchase_key("ticket-1", kind="ticket"),
    )


def test_all_refusals_come_in_the_order_of_the_checks() -> None:
    frozen = account(0, status="frozen", jurisdiction="US")
    codes = [r.code for r in refusals(redeemer(STRICT, state=frozen, on="1.00"), 400)]
    assert codes == [
        "member_inactive",
        "redemption_not_permitted",
        "redemption_not_permitted",
        "redemption_paused",
        "below_minimum",
        "ticket_too_low",
        "yearly_cap_exceeded",
        "insufficient_points",
    ]


@pytest.mark.parametrize("minimum", ["0.00", "0"])
def test_a_minimum_of_nothing_is_none(minimum: str) -> None:
    who = redeemer(program(minimum_amount=minimum, point_value=(1_000, "1.00")))
    assert list(refusals(who, 1)) == []


def test_without_the_rule_a_ticket_may_be_smaller_than_the_value() -> None:
    assert list(refusals(redeemer(on="0.01"), 500)) == []


def test_no_ticket_no_ticket_rule() -> None:
    assert list(refusals(redeemer(UNCAPPED), 500)) == []


def test_debt_leaves_nothing_to_spend() -> None:
    who = redeemer(state=State(debt=30))
    assert refused(who, 1) == InsufficientPointsError(1, -30)


def test_lots_that_have_passed_do_not_count_even_before_the_sweep() -> None:
    state = State(lots={date(2026, 3, 1): 100, LAST_DAY: 10})
    assert refused(redeemer(state=state), 11) == InsufficientPointsError(11, 10)


def test_pending_points_do_not_count() -> None:
    world = World(program())
    world.tell(posted("50.00"))
    assert refused(world.redeemer(), 1) == InsufficientPointsError(1, 0)


# ---- Points of the same ticket


@pytest.mark.parametrize(("points", "accepted"), [(470, True), (471, False), (500, False)])
def test_of_500_with_30_from_this_ticket_at_most_470(points: int, accepted: bool) -> None:
    who = redeemer(on="100.00", earned_on_ticket=30)
    assert (list(refusals(who, points)) == []) is accepted


def test_what_a_ticket_earned_is_what_has_matured_for_this_member() -> None:
    world = World(program(partial_payment="proportional"))
    world.share("ada", {"ada": 50, "ben": 50})
    world.tell(posted("100.00"), paid("60.00"))
    earning = world.earnings[purchase_key()]
    assert (
        earned_on(earning, frozenset(["ada"])),
        earned_on(earning, frozenset(["ada", "ben"])),
        earned_on(earning, frozenset(["eve"])),
        earned_on(None, frozenset(["ada"])),
    ) == (30, 60, 0, 0)


def test_what_a_ticket_earned_and_gave_back_no_longer_counts() -> None:
    world = World(program(clawback="within_balance"))
    world.tell(posted("100.00"), paid("100.00"))
    world.redeem(60)
    world.tell(refunded("100.00"))
    assert earned_on(world.earnings[purchase_key()], frozenset(["ada"])) == 0


# ---- The yearly cap


def test_the_cap_counts_value_by_calendar_year_of_the_zone() -> None:
    world = World(
        program(yearly_amount_cap="5.00", zone="America/Chicago", expires_after=None),
        now=parse_instant("2026-12-31T20:00:00Z"),
    )
    world.tell(posted("1000.00"), paid("1000.00"))
    world.redeem(400)
    still_2026 = refused(replace(world.redeemer(), now=parse_instant("2027-01-01T05:59:59Z")), 101)
    world.now = parse_instant("2027-01-01T06:00:00Z")
    world.redeem(500)
    assert (still_2026, world.balances()) == (
        YearlyCapExceededError("5.00", "1.00"),
        Balances(0, 100, 0, 0),
    )


def test_a_cap_lowered_below_what_was_used_leaves_nothing() -> None:
    state = replace(account(), counters={"redeemed_value:2026": 900})
    who = redeemer(program(yearly_amount_cap="5.00"), state=state)
    assert refused(who, 1) == YearlyCapExceededError("5.00", "0.00")


# ---- What points are worth


@pytest.mark.parametrize(
    ("points", "point_value", "currency", "value"),
    [
        (500, (100, "1.00"), "USD", "5.00"),
        (1, (100, "1.00"), "USD", "0.01"),
        (1, (3, "1.00"), "USD", "0.33"),
        (2, (3, "1.00"), "USD", "0.66"),
        (3, (3, "1.00"), "USD", "1.00"),
        (19, (1_000, "1.00"), "USD", "0.01"),
        (9, (1_000, "1.00"), "USD", "0.00"),
        (7, (10, "15"), "JPY", "10"),
        (7, (10, "0.125"), "KWD", "0.087"),
        (0, (100, "1.00"), "USD", "0.00"),
        (-50, (100, "1.00"), "USD", "0.00"),
        (1_000_000_000, (1, "0.99"), "USD", "990000000.00"),
    ],
)
def test_a_value_is_rounded_down_to_the_currency_and_never_negative(
    points: int, point_value: tuple[int, str], currency: str, value: str
) -> None:
    worth = PointValue(points=point_value[0], amount=Decimal(point_value[1]))
    assert str(value_of(points, worth, currency)) == value


@pytest.mark.parametrize(
    ("amount", "point_value", "currency", "points"),
    [
        ("5.00", (100, "1.00"), "USD", 500),
        ("5", (100, "1.00"), "USD", 500),
        ("0.07", (100, "1.00"), "USD", 7),
        ("2.00", (3, "1.00"), "USD", 6),
        ("3", (10, "15"), "JPY", 2),
        ("0.125", (10, "0.125"), "KWD", 10),
    ],
)
def test_an_amount_of_whole_points_is_converted(
    amount: str, point_value: tuple[int, str], currency: str, points: int
) -> None:
    given = program(point_value=point_value, currency=currency)
    assert points_for(Decimal(amount), given) == points


@pytest.mark.parametrize(
    ("amount", "point_value", "currency"),
    [
        ("0.005", (1_000, "1.00"), "USD"),
        ("0.50", (3, "1.00"), "USD"),
        ("0.33", (3, "1.00"), "USD"),
        ("0.01", (10, "1.00"), "USD"),
        ("1.5", (10, "15"), "JPY"),
        ("0.0001", (10_000, "1.00"), "KWD"),
    ],
)
def test_an_amount_of_no_whole_number_of_points_is_refused(
    amount: str, point_value: tuple[int, str], currency: str
) -> None:
    with pytest.raises(AmountNotWholePointsError) as caught:
        points_for(Decimal(amount), program(point_value=point_value, currency=currency))
    assert caught.value.amount == amount


# ---- The posting


def test_points_are_spent_soonest_last_day_first() -> None:
    world = World(program())
    state = State(lots={date(2027, 1, 1): 50, date(2027, 2, 1): 50})
    posting = redeem(
        redeemer(state=state), points=70, redemption_id=RedemptionId("r"), actor="test"
    )
    assert dict(posting.lots) == {date(2027, 1, 1): -50, date(2027, 2, 1): -20}
    assert world.entries == {}


def test_a_redemption_without_a_ticket_is_its_own_source() -> None:
    posting = redeem(redeemer(), points=1, redemption_id=RedemptionId("r-1"), actor="test")
    assert str(posting.source) == "points-ledger:redemption:r-1"


@pytest.mark.parametrize(
    ("note_hash", "details"),
    [(None, {"redemption": "r"}), ("abc", {"redemption": "r", "note": "abc"})],
)
def test_a_note_leaves_only_its_hash(note_hash: str | None, details: dict[str, str]) -> None:
    posting = redeem(
        redeemer(), points=1, redemption_id=RedemptionId("r"), actor="test", note_hash=note_hash
    )
    assert posting.details == details


# ---- The quote


@pytest.mark.parametrize(
    ("who", "max_points", "max_amount", "reasons"),
    [
        (redeemer(), 500, "5.00", ()),
        (redeemer(on="3.00"), 500, "5.00", ()),
        (redeemer(UNCAPPED, on="50.00"), 500, "5.00", ()),
        (redeemer(UNCAPPED, on="5.01"), 500, "5.00", ()),
        (redeemer(UNCAPPED, on="5.00"), 0, "0.00", ("below_minimum",)),
        (redeemer(program(ticket_must_exceed=True), on="3.00"), 299, "2.99", ()),
        (redeemer(program(ticket_must_exceed=True), on="0.01"), 0, "0.00", ("ticket_too_low",)),
        (redeemer(program(yearly_amount_cap="2.00")), 200, "2.00", ()),
        (redeemer(on="50.00", earned_on_ticket=30), 470, "4.70", ()),
        (redeemer(on="50.00", earned_on_ticket=500), 0, "0.00", ("earned_on_same_ticket",)),
        (redeemer(state=State()), 0, "0.00", ("insufficient_points",)),
        (redeemer(state=State(debt=9)), 0, "0.00", ("insufficient_points",)),
        (redeemer(program(paused=True)), 0, "0.00", ("redemption_paused",)),
        (redeemer(state=account(status="frozen")), 0, "0.00", ("member_inactive",)),
        (redeemer(program(point_value=(3, "1.00"))), 500, "166.66", ()),
        (
            redeemer(program(point_value=(1_000, "1.00"), ticket_must_exceed=True), on="0.02"),
            19,
            "0.01",
            (),
        ),
        (
            redeemer(program(point_value=(1_000, "1.00"), ticket_must_exceed=True), on="0.00"),
            0,
            "0.00",
            ("ticket_too_low",),
        ),
    ],
)
def test_a_quote_is_the_most_that_would_be_accepted(
    who: Redeemer, max_points: int, max_amount: str, reasons: tuple[str, ...]
) -> None:
    found = quote(who)
    assert (found.max_points, found.max_amount, found.reasons, found.allowed) == (
        max_points,
        Decimal(max_amount),
        reasons,
        max_points > 0,
    )


def test_a_quote_names_the_minimum() -> None:
    assert quote(redeemer(UNCAPPED)).minimum_amount == 5


def test_a_redemption_is_an_entry_with_the_balance_after_it() -> None:
    world = World(program(), now=after(days=1))
    world.tell(posted("50.00"), paid("50.00"))
    entry = world.redeem(20)
    assert (entry.posting.available, entry.state.available) == (-20, 30)
