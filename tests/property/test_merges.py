"""Whenever members are merged, they end where they would be if they had been one from the start.

Purchases of all customers, some of them split by a plan, are told in the same order to two desks:
to one where the members are merged in between, and to one where they were one member before
anything happened. Amounts are multiples of 100 points, so that every split is exact.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Literal

from hypothesis import given
from hypothesis import strategies as st

from points_ledger.domain.fact import CustomersMerged
from points_ledger.domain.identity import MemberId
from points_ledger.domain.program import Program
from tests.builders import HOUR, START, bounced, paid, posted, program, refunded, voided
from tests.service.desk import Desk, customer_id
from tests.service.party import check, enrol, within_organisation

CUSTOMERS: Final = ("ada", "bob", "cleo", "eve")
MERGED: Final = CUSTOMERS[:3]
"""Eve is never merged: the plan is hers, and a source's own plan would end."""

Kind = Literal["post", "pay", "refund", "bounce", "void", "redeem", "merge", "wait"]


@dataclass(frozen=True)
class Step:
    """One thing that happens; each kind takes of it what it needs."""

    kind: Kind
    purchase: int
    customer: str
    other: str
    hundreds: int


STEPS = st.builds(
    Step,
    kind=st.sampled_from(
        (
            "post",
            "post",
            "post",
            "pay",
            "pay",
            "refund",
            "bounce",
            "void",
            "redeem",
            "merge",
            "merge",
            "wait",
        )
    ),
    purchase=st.integers(0, 3),
    customer=st.sampled_from(CUSTOMERS),
    other=st.sampled_from(MERGED),
    hundreds=st.integers(1, 5),
)
PLANS = st.sampled_from(
    [
        {"ada": 50, "bob": 30, "eve": 20},
        {"ada": 34, "bob": 33, "cleo": 33},
        {"cleo": 60, "ada": 40},
        {"eve": 100},
    ]
)


@st.composite
def programs(draw: st.DrawFn) -> Program:
    """Holds and partial payments, so that points are pending when members are merged."""
    return within_organisation(
        program(
            hold=draw(st.sampled_from(["P0D", "PT24H"])),
            partial_payment=draw(st.sampled_from(["full_only", "proportional"])),
        )
    )


class Told:
    """A desk, and who of its members stands for whom."""

    def __init__(self, rules: Program, plan: Mapping[str, int]) -> None:
        self.desk = Desk(rules)
        self.ids = {name: enrol(self.desk, name, organisation="acme") for name in CUSTOMERS}
        self.desk.share({self.ids[name]: part for name, part in plan.items()}, owner=self.eve)

    @property
    def eve(self) -> MemberId:
        return self.ids["eve"]

    def who(self, customer: str) -> MemberId:
        """The member that a customer's first member has become."""
        return self.desk.queries.balance(self.ids[customer]).member_id

    def merge(self, source: str, into: str) -> None:
        """Merge two members, unless they are one already."""
        if self.who(source) != self.who(into):
            self.desk.merge(self.who(source), self.who(into))

    def spendable(self, customer: str) -> int:
        return self.desk.redeeming.quote(self.who(customer), None)[0].max_points

    def tell(self, step: Step, number: int) -> None:
        """Facts that every desk hears; a purchase has the same customer and time for good."""
        id_ = f"purchase-{step.purchase}-{step.customer}"
        amount = f"{step.hundreds}00.00"
        desk, at = self.desk, START - HOUR
        match step.kind:
            case "post":
                desk.tell(
                    posted(
                        amount,
                        id=id_,
                        customer=step.customer,
                        at=at,
                        updated_at=at + timedelta(seconds=number),
                    )
                )
            case "pay":
                desk.tell(paid("500.00", id=id_, at=at))
            case "refund":
                desk.tell(refunded(amount, f"refund-{number}", id=id_, at=at))
            case "bounce":
                desk.tell(bounced(id=id_, at=at + HOUR / 2))
            case "void":
                desk.tell(voided(id=id_, at=at))
            case "wait":
                desk.wait(desk.now + 12 * HOUR)
                desk.sweep("hold_release")
            case _:
                pass

    def balances(self) -> Mapping[str, tuple[int, int, int]]:
        return {name: self.desk.balances(self.who(name)) for name in CUSTOMERS}


def united(steps: Sequence[Step]) -> list[tuple[str, str]]:
    """Who is merged with whom in the end."""
    return [(step.customer, step.other) for step in steps if is_merge(step)]


def is_merge(step: Step) -> bool:
    return step.kind == "merge" and step.customer in MERGED


@given(programs(), PLANS, st.lists(STEPS, max_size=25))
def test_merged_members_end_as_if_they_had_been_one(
    rules: Program, plan: Mapping[str, int], steps: list[Step]
) -> None:
    merging, one = Told(rules, plan), Told(rules, plan)
    for source, into in united(steps):
        one.merge(source, into)
    for number, step in enumerate(steps):
        if is_merge(step):
            merging.merge(step.customer, step.other)
        elif step.kind == "redeem":
            points = min(each.spendable(step.customer) for each in (merging, one))
            if points:
                for each in (merging, one):
                    member_id = each.who(step.customer)
                    each.desk.redeem(points, member_id=member_id, key=f"redeem-{number}")
        else:
            merging.tell(step, number)
            one.tell(step, number)
    for each in (merging, one):
        each.desk.wait(START + 72 * HOUR)
        each.desk.sweep("hold_release")
        check(each.desk)
    assert merging.balances() == one.balances()


@given(programs(), PLANS, st.lists(STEPS, max_size=12))
def test_a_source_that_says_it_merges_as_staff_does(
    rules: Program, plan: Mapping[str, int], steps: list[Step]
) -> None:
    by_staff, by_source = Told(rules, plan), Told(rules, plan)
    for number, step in enumerate(steps):
        if is_merge(step):
            by_staff.merge(step.customer, step.other)
            if step.customer != step.other:
                fact = CustomersMerged(
                    former=customer_id(step.customer), into=customer_id(step.other), at=START
                )
                by_source.desk.tell(fact)
        elif step.kind != "redeem":
            by_staff.tell(step, number)
            by_source.tell(step, number)
    check(by_source.desk)
    assert by_source.balances() == by_staff.balances()
