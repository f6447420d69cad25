"""Two years of a member's points: earned, spent, set aside, warned of and expired.

The same history is lived by desks whose sweeps come on time, late or never. What counts never
depends on the sweeps; warnings do, and no lot expires without those that the program requires.
"""

from collections import Counter
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Literal
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from points_ledger.domain.calendar import Period, local_day
from points_ledger.domain.entry import Entry
from points_ledger.domain.program import ExpiryTerms, Program
from points_ledger.domain.replay import replay
from points_ledger.domain.settling import settlement
from points_ledger.domain.state import decode_lots
from points_ledger.service.redeeming import Redeemed
from tests.builders import paid, posted, program
from tests.service.desk import ADA, Desk

ZONE = ZoneInfo("America/Chicago")
HOURS = st.sampled_from([0, 1, 5, 6, 12, 23]) | st.integers(0, 30 * 24)
Sweeps = Literal["on time", "late", "never"]


@dataclass(frozen=True, kw_only=True)
class Happening:
    """What a member does, so many hours after the one before; amounts are percentages."""

    after_hours: int
    what: Literal["earn", "spend", "reserve", "cancel", "wait"]
    percent: int
    sweeps: bool
    """Whether a late desk comes to run its sweeps."""


HAPPENINGS = st.lists(
    st.builds(
        Happening,
        after_hours=HOURS,
        what=st.sampled_from(["earn", "earn", "spend", "reserve", "cancel", "wait"]),
        percent=st.sampled_from([10, 50, 100]),
        sweeps=st.booleans(),
    ),
    min_size=2,
    max_size=24,
)


@st.composite
def programs(draw: st.DrawFn, *, requires_notice: bool) -> Program:
    terms = ExpiryTerms(
        kind=draw(st.sampled_from(["period", "inactivity"])),
        after=Period(days=draw(st.sampled_from([5, 20, 45, 120]))),
        round_to=draw(st.sampled_from(["day", "month"])),
        warn_days_before=draw(st.sampled_from([(), (7,), (30, 7), (60, 30, 1)])),
        return_grace_days=draw(st.sampled_from([0, 0, 4])),
        requires_notice_days=draw(st.sampled_from([1, 7, 14, 40])) if requires_notice else None,
    )
    given_ = replace(program(), zone=ZONE, expiry=terms)
    minutes = draw(st.sampled_from([60, 60 * 24 * 9]))
    return replace(given_, redemption=replace(given_.redemption, reservation_minutes=minutes))


class Life:
    """One desk that lives a history, in which sweeps run as they do."""

    def __init__(self, rules: Program, sweeps: Sweeps) -> None:
        self.desk = Desk(rules)
        self.rules = rules
        self.sweeps = sweeps
        self.commands = 0
        self.reservations: list[Redeemed] = []
        self.desk.tell(posted("100.00"), paid("100.00"))

    def live(self, happening: Happening) -> int:
        """Let time pass and do something; what is available afterwards."""
        until = self.desk.now + timedelta(hours=happening.after_hours)
        if self.sweeps == "on time":
            self.sweep_until(until)
        self.desk.wait(until)
        if self.sweeps == "late" and happening.sweeps:
            self.sweep()
        self.act(happening)
        return self.available

    def sweep_until(self, until: datetime) -> None:
        """Every sweep comes when its marker is due, and no lot or reservation waits for another."""
        while True:
            markers = [*self.desk.markers("expiry"), *self.desk.markers("reservation")]
            due = [m.due_at for m in markers if self.desk.now < m.due_at <= until]
            if not due:
                return
            self.desk.wait(min(due))
            self.sweep()
            state = self.chain[-1].state
            left = settlement(state, now=self.desk.now, program=self.rules, actor="nobody")
            assert left is None, "each marker leads to the next one"

    def sweep(self) -> None:
        for marker in [*self.desk.markers("expiry"), *self.desk.markers("reservation")]:
            if marker.due_at <= self.desk.now:
                self.desk.expiring.visit(marker.target, now=self.desk.now, actor="sweep")

    def act(self, happening: Happening) -> None:
        self.commands += 1
        key = f"key-{self.commands}"
        points = self.available * happening.percent // 100
        match happening.what:
            case "earn":
                amount, id_ = str(Decimal(happening.percent)), f"purchase-{key}"
                at = self.desk.now
                self.desk.tell(posted(amount, id=id_, at=at), paid(amount, id=id_, at=at))
            case "spend" if points > 0:
                self.desk.redeem(points, key=key)
            case "reserve" if points > 0 and len(self.chain[-1].state.reservations) < 8:
                self.reservations.append(self.desk.redeem(points, key=key, reserve=True))
            case "cancel" if self.open_reservations:
                self.desk.go_on("cancel", self.open_reservations[-1])
            case _:
                pass

    @property
    def open_reservations(self) -> list[Redeemed]:
        held = self.chain[-1].state.reservations
        return [
            each
            for each in self.reservations
            if (found := held.get(str(each.result["redemption_id"]))) is not None
            and found.expires_at > self.desk.now
        ]

    @property
    def available(self) -> int:
        return self.desk.queries.balance(ADA).available

    @property
    def chain(self) -> list[Entry]:
        return self.desk.memory.chain(ADA)

    def day_of(self, entry: Entry) -> date:
        return local_day(entry.recorded_at, ZONE)

    def check(self) -> None:
        """The chain replays, points are conserved, and a day has at most one notice."""
        replay(self.chain)
        notices = Counter(self.day_of(e) for e in self.chain if e.posting.type == "notice")
        assert all(count == 1 for count in notices.values())
        for entry in self.chain:
            if entry.posting.type == "notice":
                named = decode_lots(entry.posting.details["lots"])
                assert named.items() <= entry.state.lots.items()
                assert entry.posting.available == 0
                assert min(named) >= self.day_of(entry)


@settings(max_examples=4 * settings().max_examples)
@given(rules=programs(requires_notice=False), history=HAPPENINGS)
def test_what_counts_does_not_depend_on_the_sweeps(
    rules: Program, history: list[Happening]
) -> None:
    on_time, late, never = (Life(rules, sweeps) for sweeps in ("on time", "late", "never"))
    for happening in [*history, Happening(after_hours=200, what="wait", percent=1, sweeps=True)]:
        assert on_time.live(happening) == late.live(happening) == never.live(happening)
    for life in (on_time, late, never):
        life.check()


@settings(max_examples=4 * settings().max_examples)
@given(
    rules=programs(requires_notice=True),
    history=HAPPENINGS,
    sweeps=st.sampled_from(["on time", "late", "never"]),
)
def test_no_lot_expires_without_the_notice_that_is_required(
    rules: Program, history: list[Happening], sweeps: Sweeps
) -> None:
    life = Life(rules, sweeps)
    for happening in [*history, Happening(after_hours=900, what="wait", percent=1, sweeps=True)]:
        life.live(happening)
    life.check()
    notice_days = rules.expiry.requires_notice_days
    assert notice_days is not None
    warned: dict[date, date] = {}
    for entry in life.chain:
        today = life.day_of(entry)
        expired = {
            date.fromisoformat(name.removeprefix("expired_lot:"))
            for name, points in entry.posting.counters.items()
            if name.startswith("expired_lot:") and points > 0
        }
        for day in expired:
            assert warned[day] <= day - timedelta(days=notice_days)
        if "extended" in entry.posting.details or entry.posting.type in ("release", "capture"):
            warned.setdefault(today + timedelta(days=notice_days), today)
        if entry.posting.type == "notice":
            for day in decode_lots(entry.posting.details["lots"]):
                warned.setdefault(day, today)


@given(rules=programs(requires_notice=True), history=HAPPENINGS)
def test_required_notice_never_costs_a_point(rules: Program, history: list[Happening]) -> None:
    """Only what was spent makes a difference, so nobody spends here."""
    without = replace(rules, expiry=replace(rules.expiry, requires_notice_days=None))
    lives = Life(rules, "on time"), Life(without, "on time")
    for happening in history:
        idle = replace(happening, what="earn" if happening.what == "earn" else "wait")
        more, less = (life.live(idle) for life in lives)
        assert more >= less
