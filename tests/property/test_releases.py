"""Referrals and linked purchases: any order ends in the same balances (semantics 8).

As long as the purchases stay worth something: what was released stays, whatever comes later.
"""

import random
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from points_ledger.domain.earning import MergeableFact
from points_ledger.domain.fact import EarningReconsidered
from points_ledger.domain.identity import MemberId
from points_ledger.domain.program import Program
from points_ledger.domain.verification import Book, verify
from tests.builders import (
    START,
    after,
    bounced,
    paid,
    posted,
    program,
    purchase_key,
    refunded,
    rule,
)
from tests.service.desk import ADA, BOB, Desk, customer_id

CY = MemberId("member-3")
Step = tuple[str, Callable[[Desk], object]]


def rules(hold: str, window: str) -> Program:
    terms = program(
        rule(1, "10.00"),
        rule(50, id="referral", action="referral", release="referred_first_purchase"),
        rule(30, id="booking", action="booking", release="linked_purchase"),
        hold=hold,
        return_window=window,
        cancel_unpaid_after="P90D",
    )
    return replace(terms, enrolment="manual", enrolment_lookback_days=365)


def enrolled(desk: Desk) -> None:
    """The friend's enrolment, and what the stream queues again because of it."""
    desk.enrol("cy", key="cy", name="Cy", referred_by=ADA)
    for key in desk.memory.waiting(customer_id("cy")):
        desk.tell(EarningReconsidered(purchase=key))


@st.composite
def happenings(draw: st.DrawFn) -> list[Step]:
    """The friend's enrolment, some facts about two purchases, and a booking of one of them."""
    minutes = timedelta(minutes=1)
    steps: list[Step] = [("enrolment", enrolled)]
    for number in range(draw(st.integers(1, 2))):
        id_ = f"purchase-{number}"
        total = draw(st.sampled_from(["5.00", "40.00", "99.50"]))
        facts: list[MergeableFact] = [posted(total, id=id_, customer="cy")]
        more: list[MergeableFact] = [
            paid(total, f"all of {id_}", id=id_, at=START + 2 * minutes),
            paid("1.00", f"part of {id_}", id=id_, at=START + minutes),
            refunded("1.00", f"of {id_}", id=id_, at=START + 3 * minutes),
            bounced(f"part of {id_}", id=id_, at=START + 4 * minutes),
        ]
        chosen = draw(st.lists(st.sampled_from(more), unique_by=str, max_size=4))
        steps += [
            (f"{fact.type} of {id_}", lambda desk, fact=fact: desk.tell(fact))  # type: ignore[misc]  # bound now
            for fact in [*facts, *chosen]
        ]
    if draw(st.booleans()):
        key = purchase_key("purchase-0")
        steps.append(
            ("booking", lambda desk: desk.act("booking", member_id=BOB, at=START, linked=key))
        )
    return steps


def played(terms: Program, steps: list[Step]) -> Desk:
    """All steps on one day, then all time until everything has matured or lapsed."""
    desk = Desk(terms)
    desk.enrol("ada", key="ada")
    desk.enrol("bob", key="bob", name="Bob")
    for _, step in steps:
        step(desk)
    for days in (1, 15, 40, 91):
        desk.wait(after(days=days))
        desk.sweep("hold_release")
    return desk


@given(
    happenings(),
    st.randoms(use_true_random=False),
    st.sampled_from(["PT1H", "PT24H"]),
    st.sampled_from(["P0D", "P14D"]),
)
def test_any_order_ends_in_the_same_balances(
    steps: list[Step], dice: random.Random, hold: str, window: str
) -> None:
    terms = rules(hold, window)
    shuffled = [*steps]
    dice.shuffle(shuffled)
    one, other = played(terms, steps), played(terms, shuffled)
    for member_id in (ADA, BOB, CY):
        assert one.balances(member_id) == other.balances(member_id), [name for name, _ in shuffled]
        lapsed = [d.memory.chain(member_id)[-1].state.counter("lapsed") for d in (one, other)]
        assert lapsed[0] == lapsed[1]
    check_receipts(other, terms)


def check_receipts(desk: Desk, terms: Program) -> None:
    """Every entry can be computed again from what it says."""
    chains = {member_id: desk.memory.chain(member_id) for member_id in desk.memory.members()}
    for found in verify(Book(chains=chains, programs={1: terms})):
        assert found.difference is None, found.difference
        assert not found.not_recomputed, found.not_recomputed
