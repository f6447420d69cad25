"""Convergence: the facts of one purchase, in any order and any number of times, end in the same
balances (semantics 3).

Every history is played twice: each fact once in the order in which it happened, and shuffled with
repeats. In between time passes by other steps, holds are released, and every account is replayed.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Literal

from hypothesis import given
from hypothesis import strategies as st

from points_ledger.domain.earning import MergeableFact
from points_ledger.domain.fact import Line
from points_ledger.domain.money import from_minor_units
from points_ledger.domain.program import Clawback, Program
from tests.builders import (
    Balances,
    World,
    after,
    bounced,
    campaign,
    line,
    match,
    paid,
    posted,
    program,
    refund_cancelled,
    refunded,
    rule,
    settled,
    voided,
)

MEMBERS = ("ada", "ben", "eve")
END = after(days=100)
"""By then everything that time alone can do has happened; nothing expires before."""

MONEY = st.integers(0, 12_000).map(lambda cents: str(from_minor_units(cents, "USD")))
HOURS = st.integers(-48, 20 * 24)
INSTANTS = HOURS.map(lambda hours: after(hours=hours))


@st.composite
def lines(draw: st.DrawFn) -> list[Line]:
    """One to three lines of two categories, and sometimes a discount."""
    sold = [
        line(
            draw(MONEY),
            id=str(place),
            category=draw(st.sampled_from([None, "a", "b"])),
            quantity=str(draw(st.integers(1, 3))),
        )
        for place in range(draw(st.integers(1, 3)))
    ]
    if draw(st.booleans()):
        discount = f"-{draw(MONEY)}"
        sold.append(line(discount, id="discount", category=draw(st.sampled_from([None, "a"]))))
    return sold


@st.composite
def snapshots(draw: st.DrawFn) -> MergeableFact:
    """One shape of the purchase; several of them may carry the same timestamp."""
    sold = draw(lines())
    net = max(Decimal(0), sum((part.amount for part in sold), Decimal(0)))
    total = draw(st.sampled_from([net, net * 11 / 10, Decimal(0)])).quantize(Decimal("0.01"))
    paid_with_points = total * draw(st.sampled_from([0, 0, 0, 1, 2])) / 4
    return posted(
        *sold,
        total=str(total),
        at=after(hours=draw(st.integers(-24, 24))),
        updated_at=after(hours=draw(st.integers(0, 5))),
        customer=draw(st.sampled_from(["ada", "ada", "ada", "ben"])),
        points_paid=str(paid_with_points.quantize(Decimal("0.0001"))),
        currency=draw(st.sampled_from(["USD"] * 5 + ["EUR"])),
    )


@st.composite
def refunds(draw: st.DrawFn, id_: str) -> MergeableFact:
    """A refund by amount, tax included, or by lines, of which one may be unknown."""
    at = draw(INSTANTS)
    settles = draw(st.lists(st.sampled_from(["r0", "r1"]), max_size=1)) if id_ == "r2" else []
    if draw(st.booleans()):
        return refunded(draw(MONEY), id_, at=at, settles=settles)
    named = draw(st.dictionaries(st.sampled_from(["0", "1", "unknown"]), MONEY, min_size=1))
    return refunded(refund=id_, lines=named, at=at, settles=settles)


@st.composite
def histories(draw: st.DrawFn) -> list[MergeableFact]:
    """All that one purchase's source ever said."""
    facts: list[MergeableFact] = draw(st.lists(snapshots(), min_size=1, max_size=3))
    payments, given_back = draw(st.integers(0, 3)), draw(st.integers(0, 3))
    bounces, withdrawn = (draw(st.lists(st.integers(0, 3), max_size=3)) for _ in range(2))
    facts += [paid(draw(MONEY), f"p{n}", at=draw(INSTANTS)) for n in range(payments)]
    facts += [draw(refunds(f"r{n}")) for n in range(given_back)]
    facts += [bounced(f"p{n}", at=draw(INSTANTS)) for n in bounces]
    facts += [refund_cancelled(f"r{n}", at=draw(INSTANTS)) for n in withdrawn]
    facts += [settled(at=at) for at in draw(st.lists(INSTANTS, max_size=2))]
    if draw(st.integers(0, 9)) == 0:
        facts.append(voided(at=draw(INSTANTS)))
    return facts


@st.composite
def programs(draw: st.DrawFn, clawback: Clawback) -> Program:
    """Every way in which purchases earn and mature."""
    on_refund: Literal["keep", "proportional", "revoke"] = draw(
        st.sampled_from(["keep", "proportional", "revoke"])
    )
    rules = draw(
        st.lists(
            st.sampled_from(
                [
                    rule(1, "1.00", id="one"),
                    rule(3, "50.00", id="steps", rounding="step"),
                    rule(7, "3.00", id="a", rounding="nearest", match=match(categories=["a"])),
                    rule(2, per_quantity="1", id="pieces", match=match(categories=["b"])),
                    rule(25, id="fixed", on_partial_refund=on_refund),
                    rule(11, "10.00", id="only b", exclusive=True, match=match(categories=["b"])),
                ]
            ),
            min_size=1,
            max_size=3,
            unique_by=lambda found: found.id,
        )
    )
    campaigns = [
        campaign("double", multiplier="2", match=match(categories=["a"]), member_cap_points=40),
        campaign("bonus", points=9),
    ]
    return program(
        *rules,
        campaigns=draw(st.sampled_from([[], campaigns[:1], campaigns])),
        stacking=draw(st.sampled_from(["add", "highest"])),
        requires_payment=draw(st.sampled_from([True, True, True, False])),
        partial_payment=draw(st.sampled_from(["full_only", "proportional"])),
        hold=draw(st.sampled_from(["P0D", "PT24H", "P10D"])),
        return_window=draw(st.sampled_from(["P0D", "P14D"])),
        cancel_unpaid_after=draw(st.sampled_from([None, "P15D"])),
        clawback=clawback,
        points_paid_part_earns=draw(st.booleans()),
    )


@dataclass(frozen=True)
class Case:
    """One purchase, told in two ways."""

    program: Program
    plan: dict[str, int] | None
    straight: Sequence[MergeableFact]
    shuffled: Sequence[MergeableFact]
    pauses: Sequence[datetime]


@st.composite
def cases(draw: st.DrawFn, clawback: Clawback) -> Case:
    """A program, a plan, a history, and another order of it with repeats and pauses."""
    facts = draw(histories())
    again = draw(st.lists(st.sampled_from(facts), max_size=3))
    shuffled = draw(st.permutations([*facts, *again]))
    pauses = draw(st.lists(st.integers(0, 60 * 24), min_size=len(shuffled), max_size=len(shuffled)))
    plans = [None, {"ada": 50, "ben": 30, "eve": 20}, {"ben": 67, "eve": 33}]
    return Case(
        program=draw(programs(clawback)),
        plan=draw(st.sampled_from(plans)),
        straight=facts,
        shuffled=shuffled,
        pauses=[after(hours=hours) for hours in sorted(pauses)],
    )


def fresh(case: Case) -> World:
    """A world in which all members exist."""
    world = World(case.program, now=after(days=-3))
    for member in MEMBERS:
        world.enrol(member)
    if case.plan:
        world.share("ada", case.plan)
    return world


def after_spending(case: Case) -> World:
    """A world in which members already have points, and debt, from other purchases."""
    world = World(replace(case.program, rules=(rule(1, "1.00", id="one"),), campaigns=()))
    world.now = after(days=-40)
    for member, earned, spends in (("ada", "30.00", 25), ("ben", "20.00", 20)):
        id_, at = f"before-{member}", after(days=-40)
        world.tell(posted(earned, id=id_, at=at, customer=member), paid(earned, id=id_, at=at))
        world.wait(after(days=-20))
        points = min(spends, world.balances(member).available)
        if points:
            world.redeem(points, member)
    world.tell(voided(id="before-ben", at=after(days=-10)), now=after(days=-10))
    world.program = case.program
    world.enrol("eve")
    if case.plan:
        world.share("ada", case.plan)
    return world


def play_straight(world: World, case: Case) -> World:
    """Every fact once, in the order of the history, long before time has done its part."""
    world.tell(*case.straight, now=after(days=-3))
    world.wait(END)
    world.check()
    return world


def play_shuffled(world: World, case: Case) -> World:
    """Shuffled and repeated, with time passing and holds being released in between."""
    for fact, now in zip(case.shuffled, case.pauses, strict=True):
        world.wait(now)
        world.tell(fact)
    world.wait(END)
    world.check()
    return world


def balances(world: World) -> list[Balances]:
    return [world.balances(member) for member in MEMBERS]


def settled_balances(world: World) -> list[int]:
    """What converges where a policy leaves points with members."""
    return [world.balances(member).available - world.written_off(member) for member in MEMBERS]


@given(cases("unlimited"))
def test_any_order_ends_in_the_same_balances(case: Case) -> None:
    straight, shuffled = play_straight(fresh(case), case), play_shuffled(fresh(case), case)
    assert balances(shuffled) == balances(straight)


@given(cases("unlimited"))
def test_any_order_ends_in_the_same_balances_after_other_spending(case: Case) -> None:
    straight = play_straight(after_spending(case), case)
    shuffled = play_shuffled(after_spending(case), case)
    assert balances(shuffled) == balances(straight)


@given(cases("within_balance"))
def test_within_balance_any_order_ends_alike_up_to_what_is_written_off(case: Case) -> None:
    straight, shuffled = play_straight(fresh(case), case), play_shuffled(fresh(case), case)
    assert settled_balances(shuffled) == settled_balances(straight)


@given(cases("within_balance"))
def test_within_balance_after_other_spending(case: Case) -> None:
    straight = play_straight(after_spending(case), case)
    shuffled = play_shuffled(after_spending(case), case)
    assert settled_balances(shuffled) == settled_balances(straight)


@given(cases("only_pending"))
def test_only_pending_any_order_ends_alike_up_to_what_is_written_off(case: Case) -> None:
    straight, shuffled = play_straight(fresh(case), case), play_shuffled(fresh(case), case)
    assert settled_balances(shuffled) == settled_balances(straight)


@given(cases("unlimited"))
def test_a_history_told_again_posts_nothing(case: Case) -> None:
    world = play_straight(fresh(case), case)
    assert world.tell(*case.shuffled) == ()


@given(cases("unlimited"))
def test_looking_again_posts_nothing(case: Case) -> None:
    world = play_shuffled(fresh(case), case)
    assert (world.look(), world.wait(END)) == ((), ())


@given(cases("within_balance"))
def test_the_mild_policies_never_make_debt(case: Case) -> None:
    world = play_shuffled(fresh(case), case)
    assert all(found.debt == 0 for found in balances(world))


@given(cases("only_pending"))
def test_only_pending_never_takes_matured_points(case: Case) -> None:
    world = play_shuffled(fresh(case), case)
    taken = [entry for entries in world.entries.values() for entry in entries
             if entry.posting.available < 0]  # fmt: skip
    assert taken == []


@given(cases("unlimited"))
def test_a_refund_never_takes_more_than_was_earned(case: Case) -> None:
    world = play_shuffled(fresh(case), case)
    assert all(found.available >= 0 and found.pending >= 0 for found in balances(world))
