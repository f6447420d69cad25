"""When pending points become available: the table and the prose of semantics 3.3."""

from dataclasses import replace
from datetime import date, datetime

import pytest

from points_ledger.domain.aim import aim
from points_ledger.domain.earning import MergeableFact
from points_ledger.domain.lot import NEVER
from points_ledger.domain.maturation import Condition, Target, Waiting
from points_ledger.domain.program import Program
from tests.builders import (
    START,
    Balances,
    World,
    after,
    bounced,
    line,
    match,
    paid,
    performed,
    posted,
    program,
    refund_cancelled,
    refunded,
    rule,
    settled,
    target_of,
    voided,
)

SIXTY = rule(6, "100.00")
"""60 points on 1,000.00, as the tables have it."""

PROPORTIONAL = program(SIXTY, partial_payment="proportional")
IN_FULL = program(SIXTY)
THOUSAND = posted("1000.00")


def waiting(found: Target) -> list[Waiting]:
    """What a target waits for."""
    return [condition.waiting_for for condition in found.waits]


# ---- Payment


def test_each_payment_matures_its_part() -> None:
    world = World(PROPORTIONAL)
    world.tell(THOUSAND)
    matured = []
    for number, amount in enumerate(("400.00", "250.00", "350.00")):
        world.tell(paid(amount, f"p{number}"))
        matured.append(world.last("maturation").available)
    assert matured == [24, 15, 21]


@pytest.mark.parametrize(
    ("given", "facts", "pending", "available"),
    [
        pytest.param(
            PROPORTIONAL, [THOUSAND, paid("400.00"), refunded("200.00")], 24, 24,
            id="proportional, paid 400 of 1,000, 200 refunded",
        ),
        pytest.param(
            program(), [posted("100.00"), paid("60.00"), refunded("40.00")], 0, 60,
            id="in full: the remaining 60 mature",
        ),
        pytest.param(
            program(), [posted("100.00"), refunded("40.00"), paid("60.00")], 0, 60,
            id="refund before the payment",
        ),
        pytest.param(
            program(), [posted("100.00", points_paid="20.00"), paid("80.00")], 0, 80,
            id="20 paid with points and 80 in cash",
        ),
        pytest.param(
            program(), [posted("100.00", points_paid="20.00"), paid("79.99")], 80, 0,
            id="20 paid with points and not all of the rest",
        ),
        pytest.param(IN_FULL, [THOUSAND], 60, 0, id="unpaid"),
        pytest.param(IN_FULL, [THOUSAND, paid("999.99")], 60, 0, id="in full: not quite paid"),
        pytest.param(IN_FULL, [THOUSAND, paid("1000.00")], 0, 60, id="in full: paid"),
        pytest.param(IN_FULL, [THOUSAND, paid("1500.00")], 0, 60, id="in full: overpaid"),
        pytest.param(IN_FULL, [paid("1000.00"), THOUSAND], 0, 60, id="paid before posted"),
        pytest.param(
            IN_FULL, [THOUSAND, paid("400.00"), paid("600.00", "p2")], 0, 60, id="in two parts"
        ),
        pytest.param(PROPORTIONAL, [THOUSAND, paid("1500.00")], 0, 60, id="overpaid"),
        pytest.param(
            PROPORTIONAL, [THOUSAND, paid("1000.00"), refunded("1000.00", "r")], 0, 0,
            id="paid and all given back",
        ),
        pytest.param(
            PROPORTIONAL, [THOUSAND, paid("1000.00"), refunded("500.00", "r")], 0, 30,
            id="refunds lower what is owed and not what is paid",
        ),
        pytest.param(
            PROPORTIONAL, [THOUSAND, paid("16.66")], 60, 0, id="less than a point's worth"
        ),
        pytest.param(
            PROPORTIONAL, [THOUSAND, paid("16.67")], 59, 1, id="a point's worth"
        ),
        pytest.param(
            PROPORTIONAL, [posted("1000.00", points_paid="400.00")], 22, 14,
            id="the part paid with points is paid at once",
        ),
        pytest.param(
            IN_FULL, [posted("1000.00", total="0.00")], 0, 60, id="in full: nothing owed"
        ),
        pytest.param(
            PROPORTIONAL, [posted("1000.00", total="0.00")], 0, 60, id="nothing owed"
        ),
        pytest.param(
            IN_FULL, [THOUSAND, paid("1000.00", currency="EUR")], 60, 0, id="in another currency"
        ),
        pytest.param(
            IN_FULL, [posted("1000.00", total="1100.00"), paid("1000.00")], 60, 0,
            id="the tax is owed too",
        ),
        pytest.param(
            program(SIXTY, requires_payment=False), [THOUSAND], 0, 60, id="no payment required"
        ),
        pytest.param(
            program(SIXTY, requires_payment=False, partial_payment="proportional"), [THOUSAND],
            0, 60, id="no payment required, even in proportion",
        ),
    ],
)  # fmt: skip
def test_points_mature_as_they_are_paid_for(
    given: Program, facts: list[MergeableFact], pending: int, available: int
) -> None:
    world = World(given)
    world.tell(*facts)
    world.check()
    assert world.balances() == Balances(pending, available, 0, 0)


@pytest.mark.parametrize(
    ("facts", "available"),
    [
        pytest.param([settled()], 60, id="settled stands for all payments"),
        pytest.param([settled(), paid("1000.00")], 60, id="settled counts no money twice"),
        pytest.param([paid("1000.00"), bounced(at=after(hours=1))], 0, id="bounced"),
        pytest.param(
            [paid("1000.00"), settled(), bounced(at=after(hours=1))], 0,
            id="a later bounce ends settled",
        ),
        pytest.param(
            [paid("1000.00"), bounced(at=after(hours=1)), settled(at=after(hours=2))], 60,
            id="settled after the bounce",
        ),
        pytest.param(
            [bounced(at=after(hours=1)), settled(at=after(hours=2)), paid("1000.00")], 60,
            id="the bounce is known before the payment",
        ),
        pytest.param(
            [settled(at=after(hours=2)), settled(), bounced(at=after(hours=1)),
             paid("1000.00")], 60, id="the newest statement counts",
        ),
        pytest.param(
            [paid("1000.00"), bounced(at=after(hours=1)),
             paid("1000.00", "p2", at=after(hours=2))], 60, id="bounced and paid again",
        ),
        pytest.param(
            [paid("400.00"), paid("600.00", "p2"), bounced("p2", at=after(hours=1))], 0,
            id="one of two bounced",
        ),
    ],
)  # fmt: skip
@pytest.mark.parametrize("partial_payment", ["full_only", "proportional"])
def test_settled_and_bounced(
    partial_payment: str, facts: list[MergeableFact], available: int
) -> None:
    one_of_two = 24 if partial_payment == "proportional" and facts[0] == paid("400.00") else 0
    world = World(program(SIXTY, partial_payment=partial_payment))  # type: ignore[arg-type]  # a table
    world.tell(THOUSAND, *facts, now=after(days=1))
    assert world.balances().available == max(available, one_of_two)


def test_a_bounce_puts_the_points_back_to_pending() -> None:
    world = World(PROPORTIONAL)
    world.tell(THOUSAND, paid("400.00"), bounced(at=after(hours=1)), now=after(hours=1))
    assert (world.balances(), world.types()) == (
        Balances(60, 0, 0, 0),
        ["accrual", "maturation", "reversal"],
    )


# ---- Hold and return window


@pytest.mark.parametrize(
    ("now", "available"), [(after(hours=24, days=-1e-9), 0), (after(hours=24), 10)]
)
def test_the_hold_has_passed_at_exactly_its_end(now: datetime, available: int) -> None:
    world = World(program(hold="PT24H"))
    world.tell(posted("10.00"), paid("10.00"))
    world.wait(now)
    assert world.balances().available == available


def test_a_sweep_releases_a_hold_and_the_entry_says_when_it_ended() -> None:
    world = World(program(hold="PT24H"))
    world.tell(posted("10.00"), paid("10.00"))
    (entry,) = world.wait(after(days=3))
    assert (entry.posting.at, entry.recorded_at) == (after(hours=24), after(days=3))


def test_a_sweep_run_twice_releases_once() -> None:
    world = World(program(hold="PT24H"))
    world.tell(posted("10.00"), paid("10.00"))
    world.wait(after(days=2))
    assert (world.wait(after(days=2)), world.look()) == ((), ())


def test_an_actions_hold_runs_from_when_it_happened() -> None:
    world = World(program(rule(100, action="signup"), hold="PT24H"))
    world.tell(performed(at=START), now=after(hours=23))
    before = world.balances()
    world.wait(after(hours=24))
    assert (before, world.balances()) == (Balances(100, 0, 0, 0), Balances(0, 100, 0, 0))


@pytest.mark.parametrize(
    ("facts", "matures_at"),
    [
        pytest.param([paid("10.00")], after(days=14), id="from the payment"),
        pytest.param(
            [paid("4.00"), paid("6.00", "p2", at=after(days=3))], after(days=17),
            id="from the payment that completed the price",
        ),
        pytest.param(
            [paid("10.00"), paid("5.00", "p2", at=after(days=3))], after(days=14),
            id="not from what came on top",
        ),
        pytest.param(
            [paid("6.00"), refunded("4.00", at=after(days=2))], after(days=16),
            id="from the refund that completed it",
        ),
        pytest.param(
            [paid("10.00"), bounced(at=after(days=1)), paid("10.00", "p2", at=after(days=2))],
            after(days=16), id="from the payment after a bounce",
        ),
        pytest.param(
            [paid("4.00"), settled(at=after(days=5))], after(days=19), id="from settled"
        ),
        pytest.param(
            [paid("6.00"), refunded("4.00", at=after(days=2)),
             refund_cancelled(at=after(days=3)), paid("4.00", "p2", at=after(days=4))],
            after(days=18), id="incomplete in between",
        ),
    ],
)  # fmt: skip
def test_the_return_window_runs_since_the_price_is_complete(
    facts: list[MergeableFact], matures_at: datetime
) -> None:
    given = program(return_window="P14D")
    early = target_of(given, posted("10.00"), *facts, now=matures_at.replace(microsecond=0))
    late = target_of(given, posted("10.00"), *facts, now=after(days=13))
    assert (early.matured, early.matured_at, late.matured) == (early.earned, matures_at, 0)


def test_each_payments_share_waits_for_its_own_return_window() -> None:
    given = program(SIXTY, partial_payment="proportional", return_window="P14D")
    world = World(given)
    world.tell(THOUSAND, paid("400.00"), now=START)
    world.tell(paid("600.00", "p2", at=after(days=5)), now=after(days=5))
    balances = []
    for days in (13, 14, 18, 19):
        world.wait(after(days=days))
        balances.append(world.balances().available)
    assert balances == [0, 24, 24, 60]


# ---- What is waited for


@pytest.mark.parametrize(
    ("facts", "now", "expected"),
    [
        ([], START, ["payment", "hold"]),
        ([], after(days=1), ["payment"]),
        ([paid("1000.00")], START, ["hold", "return_window"]),
        ([paid("1000.00")], after(days=1), ["return_window"]),
        ([paid("1000.00")], after(days=14), []),
    ],
)
@pytest.mark.parametrize("partial_payment", ["full_only", "proportional"])
def test_an_earning_says_what_it_waits_for(
    partial_payment: str, facts: list[MergeableFact], now: datetime, expected: list[Waiting]
) -> None:
    given = program(SIXTY, hold="PT24H", return_window="P14D", partial_payment=partial_payment)  # type: ignore[arg-type]  # a table
    assert waiting(target_of(given, THOUSAND, *facts, now=now)) == expected


def test_a_condition_says_when_it_will_be_met() -> None:
    found = target_of(program(hold="PT24H"), posted("10.00"), paid("10.00"))
    assert found.waits == (Condition(waiting_for="hold", at=after(hours=24)),)


@pytest.mark.parametrize(
    ("release", "expected"),
    [("referred_first_purchase", ["referral"]), ("linked_purchase", ["linked_purchase"])],
)
def test_an_action_may_wait_for_something_else(release: str, expected: list[Waiting]) -> None:
    given = program(rule(50, action="referral", release=release))  # type: ignore[arg-type]  # a table
    found = target_of(given, performed("referral"), now=after(days=400))
    assert (waiting(found), found.earned, found.matured) == (expected, 50, 0)


@pytest.mark.parametrize(
    ("given", "facts", "due_at"),
    [
        (program(hold="PT24H"), [], after(hours=24)),
        (program(hold="PT24H"), [paid("10.00")], after(hours=24)),
        (program(), [], None),
        (program(), [paid("10.00")], None),
        (program(return_window="P14D"), [paid("10.00")], after(days=14)),
        (program(cancel_unpaid_after="P30D"), [], after(days=30)),
        (program(cancel_unpaid_after="P30D", hold="PT24H"), [], after(hours=24)),
        (program(cancel_unpaid_after="P30D"), [paid("10.00")], None),
        (program(hold="PT24H"), [refunded("10.00")], None),
        (program(hold="PT24H"), [voided()], None),
    ],
)
def test_the_next_instant_at_which_time_alone_matters(
    given: Program, facts: list[MergeableFact], due_at: datetime | None
) -> None:
    assert target_of(given, posted("10.00"), *facts).due_at == due_at


@pytest.mark.parametrize(
    ("armed", "now", "arm_at"),
    [
        pytest.param(None, START, after(days=1), id="nothing was armed"),
        pytest.param(after(days=1), START, None, id="the same instant is armed"),
        pytest.param(after(days=9), START, after(days=1), id="it moved earlier"),
        pytest.param(after(hours=20), START, None, id="it moved later: the old marker comes first"),
        pytest.param(after(hours=20), after(hours=20), after(days=1), id="the old marker came"),
        pytest.param(None, after(days=1), None, id="time has nothing more to do"),
    ],
)
def test_a_marker_is_armed_only_where_the_next_would_come_too_late(
    armed: datetime | None, now: datetime, arm_at: datetime | None
) -> None:
    world = World(program(hold="P1D"))
    world.tell(posted("10.00"))
    (earning,) = world.earnings.values()
    aimed = aim(replace(earning, due_at=armed), program=world.program, now=now)
    assert (aimed.arm_at, aimed.earning.due_at) == (arm_at, arm_at or armed)


# ---- Into which lot


@pytest.mark.parametrize(
    ("given", "at", "last_day"),
    [
        pytest.param(
            program(expires_after="P12M"), datetime.fromisoformat("2020-07-06T12:00:00Z"),
            date(2021, 7, 31), id="12 months rounded to the month",
        ),
        pytest.param(
            program(expires_after="P12M", round_to="day"),
            datetime.fromisoformat("2024-02-29T12:00:00Z"), date(2025, 2, 28), id="leap day",
        ),
        pytest.param(
            program(expires_after="P12M", round_to="year"),
            datetime.fromisoformat("2026-01-01T12:00:00Z"), date(2027, 12, 31), id="the year",
        ),
        pytest.param(
            program(expires_after="P1M", round_to="day", zone="America/Chicago"),
            datetime.fromisoformat("2026-03-01T05:59:00Z"), date(2026, 3, 28), id="local day",
        ),
        pytest.param(
            program(expires_after=None), datetime.fromisoformat("2026-03-01T12:00:00Z"), NEVER,
            id="never",
        ),
    ],
)  # fmt: skip
def test_points_mature_into_the_lot_of_the_day_they_matured(
    given: Program, at: datetime, last_day: date
) -> None:
    world = World(given, now=at)
    world.tell(posted("10.00", at=at), paid("10.00", at=at))
    assert world.lots() == {last_day: 10}


def test_the_lot_goes_by_the_facts_and_not_by_the_clock() -> None:
    world = World(program(expires_after="P1M", round_to="day"), now=after(days=10))
    world.tell(posted("10.00"), paid("10.00"))
    assert world.lots() == {date(2026, 4, 2): 10}


def test_where_the_day_has_passed_when_recorded_the_recording_day_is_used() -> None:
    world = World(program(expires_after="P1M", round_to="day"), now=after(days=100))
    world.tell(posted("10.00"), paid("10.00"))
    assert world.lots() == {after(days=100).date(): 10}


def test_points_already_posted_keep_their_lot_when_only_dates_change() -> None:
    world = World(program(expires_after="P1M", round_to="day"))
    world.tell(posted("10.00"), paid("10.00", at=after(days=1)), now=after(days=1))
    lots = world.lots()
    world.tell(paid("10.00", at=after(days=9)), now=after(days=9))
    assert world.lots() == lots


@pytest.mark.parametrize(
    ("facts", "matured_at"),
    [
        pytest.param([paid("1000.00")], START, id="the payment"),
        pytest.param(
            [paid("400.00"), paid("600.00", "p2", at=after(days=2))], after(days=2),
            id="the last payment",
        ),
        pytest.param(
            [paid("1000.00"), paid("50.00", "p2", at=after(days=2))], START,
            id="not what was paid on top",
        ),
        pytest.param(
            [paid("400.00"), settled(at=after(days=3)), paid("600.00", "p2", at=after(days=2))],
            after(days=2), id="settled after all was paid",
        ),
    ],
)  # fmt: skip
@pytest.mark.parametrize("partial_payment", ["full_only", "proportional"])
def test_the_maturation_is_dated_when_its_last_condition_came_true(
    partial_payment: str, facts: list[MergeableFact], matured_at: datetime
) -> None:
    given = program(SIXTY, partial_payment=partial_payment)  # type: ignore[arg-type]  # a table
    assert target_of(given, THOUSAND, *facts, now=after(days=9)).matured_at == matured_at


def test_a_refund_that_raises_the_share_paid_dates_the_maturation() -> None:
    # A fixed bonus of 100 is kept: half is paid, and after the refund that is all that is owed.
    given = program(rule(100), partial_payment="proportional")
    facts = (posted("1000.00"), paid("500.00"), refunded("500.00", at=after(days=3)))
    found = target_of(given, *facts, now=after(days=9))
    assert (found.matured, found.matured_at) == (100, after(days=3))


# ---- Lapse


def test_unpaid_points_lapse_and_a_later_payment_still_matures_them() -> None:
    world = World(program(SIXTY, partial_payment="proportional", cancel_unpaid_after="P30D"))
    world.tell(THOUSAND, paid("400.00"))
    world.wait(after(days=30))
    lapsed = (world.balances(), world.state().counter("lapsed"))
    world.tell(paid("250.00", "p2", at=after(days=40)), now=after(days=40))
    later = (world.balances(), world.state().counter("lapsed"))
    world.check()
    assert (lapsed, later) == (
        (Balances(0, 24, 0, 0), 36),
        (Balances(0, 39, 0, 0), 21),
    )


@pytest.mark.parametrize(("now", "pending"), [(after(days=30, hours=-1), 60), (after(days=30), 0)])
def test_points_lapse_at_exactly_that_time(now: datetime, pending: int) -> None:
    world = World(program(SIXTY, cancel_unpaid_after="P30D"))
    world.tell(THOUSAND)
    world.wait(now)
    assert world.balances().pending == pending


def test_a_lapse_is_dated_when_it_was_due() -> None:
    world = World(program(SIXTY, cancel_unpaid_after="P30D"))
    world.tell(THOUSAND)
    world.wait(after(days=31))
    assert world.last("lapse").at == after(days=30)


def test_paid_points_that_wait_for_time_do_not_lapse() -> None:
    world = World(program(SIXTY, cancel_unpaid_after="P10D", return_window="P14D"))
    world.tell(THOUSAND, paid("1000.00"))
    world.wait(after(days=11))
    assert world.balances() == Balances(60, 0, 0, 0)


def test_only_the_unpaid_part_lapses_while_the_paid_part_waits() -> None:
    given = program(
        SIXTY, partial_payment="proportional", cancel_unpaid_after="P10D", return_window="P14D"
    )
    world = World(given)
    world.tell(THOUSAND, paid("400.00"))
    world.wait(after(days=10))
    assert (world.balances(), world.state().counter("lapsed")) == (Balances(24, 0, 0, 0), 36)


def test_a_refund_of_lapsed_points_lowers_what_lapsed() -> None:
    world = World(program(SIXTY, cancel_unpaid_after="P30D"))
    world.tell(THOUSAND)
    world.wait(after(days=30))
    world.tell(refunded("500.00", at=after(days=31)), now=after(days=31))
    world.check()
    assert (world.state().counter("lapsed"), world.balances()) == (30, Balances(0, 0, 0, 0))


def test_a_purchase_posted_late_lapses_at_once_where_its_time_is_over() -> None:
    world = World(program(SIXTY, cancel_unpaid_after="P30D"), now=after(days=60))
    world.tell(THOUSAND)
    assert world.types() == ["accrual", "lapse"]


def test_an_action_whose_release_never_comes_lapses() -> None:
    given = program(
        rule(50, action="referral", release="referred_first_purchase"), cancel_unpaid_after="P30D"
    )
    world = World(given)
    world.tell(performed("referral"))
    world.wait(after(days=30))
    assert (world.balances(), world.types()) == (Balances(0, 0, 0, 0), ["accrual", "lapse"])


# ---- Repeats


def test_every_fact_heard_again_posts_nothing() -> None:
    world = World(PROPORTIONAL)
    facts: tuple[MergeableFact, ...] = (
        posted(line("1000.00", category="a"), total="1100.00"),
        paid("400.00"),
        paid("700.00", "p2"),
        refunded(lines={"1": "100.00"}),
        bounced("p2", at=after(hours=1)),
        refund_cancelled(at=after(hours=2)),
    )
    world.tell(*facts, now=after(days=1))
    assert world.tell(*facts, *reversed(facts)) == ()


def test_a_former_earners_target_becomes_nothing() -> None:
    world = World(program())
    world.tell(posted("10.00"), paid("10.00"))
    world.tell(posted("10.00", customer="ben", updated_at=after(hours=1)))
    assert (world.balances("ada"), world.balances("ben")) == (
        Balances(0, 0, 0, 0),
        Balances(0, 10, 0, 0),
    )


def test_an_edit_moves_the_points_to_what_was_really_sold() -> None:
    given = program(rule(1, "1.00", match=match(categories=["a"])))
    world = World(given)
    world.tell(posted(line("10.00", category="a")), paid("10.00"))
    world.tell(posted(line("4.00", category="a"), line("6.00", id="2"), updated_at=after(hours=1)))
    assert world.balances() == Balances(0, 4, 0, 0)
