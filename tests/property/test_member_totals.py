"""Sales, engagement and top members from the stream equal a recount of entries and earnings."""

import random
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from points_ledger.domain.calendar import local_day
from points_ledger.domain.entry import Entry
from points_ledger.domain.fact import Customer
from points_ledger.domain.identity import MemberId, RedemptionId
from points_ledger.domain.leaderboard import FROM_THE_TOP
from points_ledger.domain.periods import LIFETIME, month_name, place_of
from points_ledger.domain.program import Program
from points_ledger.domain.state import Status
from points_ledger.runtime.totals import COUNTING, REMEMBERING
from points_ledger.service.engagement_report import Engagement, EngagementReports
from points_ledger.service.erasing import EraseMember, Erasing
from points_ledger.service.ledger import WritePath
from points_ledger.service.ports import RequestKey
from points_ledger.service.ranking_reports import RankingReports, TopBy
from points_ledger.service.sales_totals import By
from points_ledger.service.totalling import Change, Totalling
from tests.builders import (
    ONE_PER_UNIT,
    line,
    paid,
    performed,
    posted,
    program,
    refunded,
    rule,
    voided,
)
from tests.followed import Followed
from tests.memory_rankings import MemoryRankings
from tests.memory_totals import MemoryTotals
from tests.service.desk import customer_id
from tests.service.office import Office

CUSTOMERS = ("ada", "bob", "cleo", "dan")
ORGANISATIONS = {"ada": "Acme", "bob": "Acme", "cleo": "Bell & Sons #1", "dan": None}
PURCHASES = ("p-1", "p-2", "p-3", "p-4", "p-5", "p-6", "p-7")

STATUSES: tuple[Status, ...] = ("active", "frozen", "closed")
LEFT = ("closed", "erased", "merged")


@dataclass(frozen=True)
class Step:
    """One thing that happens."""

    kind: str
    purchase: str
    customer: str
    other: str
    number: int
    own: bool
    status: Status


ONCE = ("refund", "void", "reverse", "status", "erase", "merge")
STEPS = st.builds(
    Step,
    kind=st.sampled_from(
        [*["post"] * 5, *["pay"] * 3, *["wait"] * 4, *["act"] * 2, *["redeem"] * 2, *ONCE]
    ),
    purchase=st.sampled_from(PURCHASES),
    customer=st.sampled_from(CUSTOMERS),
    other=st.sampled_from(CUSTOMERS),
    number=st.integers(1, 40),
    own=st.booleans(),
    status=st.sampled_from(STATUSES),
)


@dataclass
class Told:
    """An office whose stream is followed, and what it was told."""

    rules: Program
    told: int = 0
    redeemed: list[tuple[MemberId, RedemptionId]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.office = Office(self.rules)
        self.zone = self.rules.zone
        self.stream = Followed(self.office.memory)
        self.erasing = Erasing(
            path=WritePath(store=self.office.store, pause=lambda _: None),
            programs=self.office.programs,
            clock=self.office.clock,
            personal_data=self.office.memory,
        )

    def tell(self, step: Step) -> None:
        """One step, where it is possible."""
        self.told += 1
        office, now = self.office, self.office.now
        amount = f"{step.number}.50"
        match step.kind:
            case "post":
                at = now - timedelta(days=step.number % 3)
                fact = posted(
                    line(amount),
                    id=step.purchase,
                    customer=step.customer,
                    at=at,
                    updated_at=now + timedelta(seconds=self.told),
                    own_order=step.own,
                )
                seen = Customer(
                    external_id=customer_id(step.customer),
                    organisation=ORGANISATIONS[step.customer],
                )
                office.tell(replace(fact, customer=seen))
            case "pay":
                office.tell(paid("50.00", id=step.purchase, at=now))
            case "refund":
                office.tell(refunded(amount, f"refund-{self.told}", id=step.purchase, at=now))
            case "void":
                office.tell(voided(id=step.purchase, at=now))
            case "act":
                office.tell(
                    performed("review", id=f"act-{self.told}", customer=step.customer, at=now)
                )
            case "wait":
                office.wait(now + timedelta(days=step.number))
            case _:
                self._of_member(step)

    def _of_member(self, step: Step) -> None:
        """What somebody who is there may do, or have done to them."""
        office = self.office
        if step.kind == "status":
            there = [each for each in self.members if self.status(each) in STATUSES]
            if there:
                office.put_standing(there[step.number % len(there)], step.status)
            return
        known = [each for each in self.members if self.status(each) == "active"]
        if not known:
            return
        member_id = known[step.number % len(known)]
        match step.kind:
            case "redeem":
                points = min(step.number, self.spendable(member_id))
                if points > 0:
                    key = f"redeem-{self.told}"
                    done = office.redeem(points, member_id=member_id, key=key)
                    id_ = RedemptionId(str(done.result["redemption_id"]))
                    self.redeemed.append((member_id, id_))
            case "reverse":
                if self.redeemed:
                    owner, id_ = self.redeemed.pop()
                    if self.status(owner) == "active":
                        office.go_on("reverse", id_)
            case "erase":
                if step.number > 20:
                    command = EraseMember(
                        request=RequestKey(caller="admin", key=f"erase-{self.told}"),
                        fingerprint=str(member_id),
                        actor="admin",
                        member_id=member_id,
                    )
                    self.erasing.erase(command)
            case "merge":
                other = known[-1]
                if other != member_id:
                    office.merge(member_id, other)
            case _:
                raise AssertionError(step.kind)

    @property
    def chains(self) -> Mapping[MemberId, tuple[Entry, ...]]:
        return self.office.memory.snapshot().chains

    @property
    def members(self) -> list[MemberId]:
        return sorted(self.chains)

    def status(self, member_id: MemberId) -> str:
        return self.chains[member_id][-1].state.standing.status

    def spendable(self, member_id: MemberId) -> int:
        return self.office.redeeming.quote(member_id, None)[0].max_points

    def month(self, instant: datetime) -> int:
        return place_of(local_day(instant, self.zone), "month")


# --- The same, counted from what is stored --------------------------------------------------


def sales_recounted(told: Told, by: By) -> Mapping[tuple[str, str | None], Counter[str]]:
    """By period and name; every purchase has one line, without tax."""
    sums: dict[tuple[str, str | None], Counter[str]] = {}
    for earning in told.office.memory.earnings():
        snapshot, posted_at = earning.snapshot, earning.posted_at
        if snapshot is None or posted_at is None or earning.voided_at is not None:
            continue
        refunds = sum((each.amount or Decimal(0) for each in earning.refunds.values()), Decimal(0))
        cents = int(max(Decimal(0), snapshot.total - refunds) * 100)
        member_id = earning.earner_id
        pin = earning.pins[member_id] if member_id is not None else None
        organisation = pin.organisation if pin is not None else None
        name = member_id if by == "member" else organisation
        part = "own" if snapshot.own_order else "copy"
        for period in (month_name(told.month(posted_at)), LIFETIME):
            row = sums.setdefault((period, name), Counter())
            row.update({f"{part}_revenue": cents, f"{part}_purchases": 1})
    return {key: Counter({n: v for n, v in row.items() if v}) for key, row in sums.items()}


def revenue_of(row: Mapping[str, int]) -> int:
    return row.get("own_revenue", 0) + row.get("copy_revenue", 0)


def points_recounted(told: Told, measure: TopBy) -> Mapping[tuple[str, MemberId], int]:
    """By period and member."""
    sums: Counter[tuple[str, MemberId]] = Counter()
    for member_id, chain in told.chains.items():
        sums[LIFETIME, member_id] += chain[-1].state.counter(measure)
        for entry in chain:
            if entry.posting.type != "merge":
                month = month_name(told.month(entry.recorded_at))
                sums[month, member_id] += entry.posting.counters.get(measure, 0)
    return {key: points for key, points in sums.items() if points > 0}


@dataclass
class Life:
    """One member, looked at from outside."""

    enrolled: int
    enrolled_on: date
    left: int | None = None
    redeemed_on: date | None = None
    purchases: Counter[int] = field(default_factory=Counter)
    actions: Counter[int] = field(default_factory=Counter)

    def is_there(self, month: int) -> bool:
        """At the end of the month."""
        return self.enrolled <= month and (self.left is None or month < self.left)

    def did(self, *months: int) -> bool:
        """Anything, as a member, in one of the months."""
        happened = (self.purchases[m] + self.actions[m] for m in months if m >= self.enrolled)
        return any(happened)

    def bought(self, month: int) -> int:
        """Purchases in the month and the two before."""
        return sum(self.purchases[m] for m in range(month - 2, month + 1) if m >= self.enrolled)


def lives(told: Told) -> Mapping[MemberId, Life]:
    """All members."""
    found: dict[MemberId, Life] = {}
    for member_id, chain in told.chains.items():
        first = chain[0].recorded_at
        life = found[member_id] = Life(told.month(first), local_day(first, told.zone))
        for entry in chain:
            gone = entry.state.standing.status in LEFT
            life.left = (life.left or told.month(entry.recorded_at)) if gone else None
            redeems = entry.posting.counters.get("redeemed", 0) > 0
            if redeems and entry.posting.type != "merge" and life.redeemed_on is None:
                life.redeemed_on = local_day(entry.recorded_at, told.zone)
    for earning in told.office.memory.earnings():
        if earning.earner_id is None or earning.posted_at is None or earning.voided_at:
            continue
        life, month = found[earning.earner_id], told.month(earning.posted_at)
        (life.purchases if earning.snapshot else life.actions)[month] += 1
    return found


def check_engagement(told: Told, report: Engagement) -> None:
    people = list(lives(told).values())
    assert report.enrolled == len(people)
    assert report.members == sum(life.left is None for life in people)
    for shown in report.months:
        month = place_of(date.fromisoformat(f"{shown.month}-01"), "month")
        there = [life for life in people if life.is_there(month)]
        window = (month - 2, month - 1, month)
        frequent = sum(life.bought(month) >= 3 for life in there)
        assert shown.members == len(there)
        assert shown.enrolled == sum(life.enrolled == month for life in people)
        assert shown.left == sum(life.left == month for life in people)
        assert shown.active == sum(life.did(month) for life in there)
        assert shown.frequent == frequent
        assert shown.occasional == sum(life.did(*window) for life in there) - frequent
        assert shown.inactive == sum(not life.did(*window) for life in there)
        for measure in ("earned", "redeemed"):
            entries = (entry for chain in told.chains.values() for entry in chain)
            points = sum(
                entry.posting.counters.get(measure, 0)
                for entry in entries
                if entry.posting.type != "merge" and told.month(entry.recorded_at) == month
            )
            assert points == (shown.issued if measure == "earned" else shown.redeemed)
    for cohort in report.cohorts:
        month = place_of(date.fromisoformat(f"{cohort.month}-01"), "month")
        of_cohort = [life for life in people if life.enrolled == month]
        assert cohort.members == len(of_cohort)
        assert cohort.active_after == tuple(
            sum(life.did(month + age) and life.is_there(month + age) for life in of_cohort)
            for age in range(len(cohort.active_after))
        )
    days = [(life.redeemed_on - life.enrolled_on).days for life in people if life.redeemed_on]
    assert report.redeemers == len(days)
    assert report.mean_days == (Fraction(sum(days), len(days)) if days else None)
    for bucket in report.buckets:
        inside = [each for each in days if bucket.from_days <= each]
        last = bucket.to_days
        assert bucket.members == sum(last is None or each <= last for each in inside)


# --- The reports ----------------------------------------------------------------------------


def delivered(changes: Sequence[Change], seed: int) -> Iterable[tuple[str, Sequence[Change]]]:
    """The changes in random batches with repeats; from some change on by a child of the shard."""
    draw = random.Random(seed)  # noqa: S311 - a test's
    split = draw.randint(0, len(changes))
    for shard, part in (("parent", changes[:split]), ("child", changes[split:])):
        done = 0
        while done < len(part):
            begin = draw.randint(max(0, done - 4), done)
            end = begin + draw.randint(1, 9)
            yield shard, part[begin:end]
            done = max(done, end)


def totals_of(told: Told, seed: int) -> MemoryTotals:
    store = MemoryTotals()
    counted = Totalling(
        store=store,
        program_at=told.office.programs.at,
        counting=COUNTING,
        remembering=REMEMBERING,
    )
    for shard, batch in delivered(told.stream.changes, seed):
        counted.count(shard, batch)
    return store


def check_rankings(told: Told, totals: MemoryTotals) -> None:
    office = told.office
    reports = RankingReports(
        rankings=MemoryRankings(totals),
        store=office.memory,
        programs=office.programs,
        clock=office.clock,
    )
    bys: tuple[By, ...] = ("member", "organisation")
    for by in bys:
        recounted = sales_recounted(told, by)
        for period in {LIFETIME, *(period for period, _ in recounted)}:
            sales = reports.sales(period=period, by=by, limit=99)
            shown = {(period, row.name): Counter(row.counters) for row in sales.rows}
            for counters in shown.values():
                counters.pop("score", None)
            expected = {key: row for key, row in recounted.items() if key[0] == period}
            assert shown == {key: row for key, row in expected.items() if revenue_of(row)}
            assert Counter(sales.total) == sum(expected.values(), Counter())
            scores = [row.counters.get("score", 0) for row in sales.rows]
            assert scores == sorted(scores, reverse=True)
    tops: tuple[TopBy, ...] = ("earned", "redeemed")
    for measure in tops:
        points = points_recounted(told, measure)
        for period in {LIFETIME, *(period for period, _ in points)}:
            top = reports.top_members(period=period, by=measure, limit=99, after=FROM_THE_TOP)
            assert {(period, each.member_id): each.score for each in top.members} == {
                key: score for key, score in points.items() if key[0] == period
            }


@given(st.lists(STEPS, min_size=10, max_size=60), st.integers(0, 10_000))
def test_reports_equal_a_recount(steps: list[Step], seed: int) -> None:
    told = Told(program(ONE_PER_UNIT, rule(30, action="review"), zone="America/Chicago"))
    for step in steps:
        told.tell(step)
    totals = totals_of(told, seed)
    office = told.office
    reports = EngagementReports(totals=totals, programs=office.programs, clock=office.clock)
    last = told.month(office.now)
    for first in (last - 11, last - 2):
        check_engagement(told, reports.engagement(first=month_name(first)))
        if first < last - 3:
            report = reports.engagement(first=month_name(first), last=month_name(last - 3))
            check_engagement(told, report)
    check_rankings(told, totals)
