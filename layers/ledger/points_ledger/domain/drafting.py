"""Wording one member's step as postings: their numbers, counters, rules and details.

What is posted of the member before and after the step is decided already (posting_steps.py).
"""

from collections.abc import Iterable, Mapping
from datetime import date, datetime

from points_ledger.domain.activity import lot_day
from points_ledger.domain.aim import Aim
from points_ledger.domain.calendar import local_day
from points_ledger.domain.challenge import tallied
from points_ledger.domain.clawback import Fall
from points_ledger.domain.dataclass import dataclass
from points_ledger.domain.earning import NOTHING_POSTED, Earning, Posted
from points_ledger.domain.entry import EntryType, Posting, RulePoints
from points_ledger.domain.lot import NO_LOTS, Lots, negative, total
from points_ledger.domain.occasion import Occasion
from points_ledger.domain.program import Program
from points_ledger.domain.rules import attributed
from points_ledger.domain.state import Counters, State, credited, record_of
from points_ledger.domain.usage import within_bounds


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """What all postings of one look at an earning come of.

    `before` is the earning as it was stored, whose rules the last entries named; `program` is the
    pinned version.
    """

    aimed: Aim
    before: Earning
    program: Program
    occasion: Occasion

    def lot_day(self, state: State) -> date:
        """The lot into which this step's maturation goes."""
        matured_at = self.aimed.target.matured_at or self.occasion.fact_at
        today = local_day(self.occasion.now, self.program.zone)
        return lot_day(state, matured_at, program=self.program, today=today)


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """The postings of one member's step, all with the same origin."""

    before: Posted
    after: Posted
    origin: Origin

    def postings(self, state: State, fall: Fall, credit: int) -> Iterable[Posting]:
        """Accrual, reversal, maturation and lapse, as far as each has something to say."""
        before, after, found = self.before, self.after, self.origin.aimed.target
        fact_at = self.origin.occasion.fact_at
        grown = max(after.earned, after.matured) - max(before.earned, before.matured)
        gone = total(fall.taken) + fall.debt
        pending, lapsed = before.pending, before.lapsed
        used = tallied(
            _difference(before.used, after.used),
            state,
            program=self.origin.program,
            in_force=self.origin.occasion.in_force,
            now=self.origin.occasion.now,
        )
        used = self._kept_within_bounds(used, state)
        records = {record_of(day): -points for day, points in fall.absorbed.items()}
        months = _difference(before.qualified, after.qualified)
        risen, fallen = (months, {}) if sum(months.values()) >= 0 else ({}, months)

        if grown > 0 or (not grown and not gone and any(n > 0 for n in used.values())):
            pending += grown
            counters = {"earned": grown, **used}
            yield self._posting(
                "accrual", grown, self._accrued_at(), pending=grown, counters=counters
            )
            used = {}
        reversed_points = max(0, -grown)
        if reversed_points or gone or records or used or fallen:
            # What is not taken from matured points comes off pending first, then off lapsed.
            back = gone - reversed_points
            from_lapsed = max(0, -back - pending)
            pending += back + from_lapsed
            lapsed -= from_lapsed
            counters = {
                "reversed": reversed_points, "lapsed": -from_lapsed, **records, **used, **fallen
            }  # fmt: skip
            yield self._posting(
                "reversal", -(reversed_points or gone), fact_at, pending=back + from_lapsed,
                lots=negative(fall.taken), debt=fall.debt, counters=counters,
            )  # fmt: skip
        if credit or risen:
            from_lapsed = max(0, credit - pending)
            pending -= credit - from_lapsed
            lapsed -= from_lapsed
            into = credited(state, {self.origin.lot_day(state): credit} if credit else NO_LOTS)
            yield self._posting(
                "maturation", credit, found.matured_at or fact_at, pending=from_lapsed - credit,
                lots=into.lots, debt=-into.repaid,
                counters={"lapsed": -from_lapsed, **into.counters, **risen},
            )  # fmt: skip
        if after.lapsed != lapsed:
            more = after.lapsed - lapsed
            at = found.lapses_at if more > 0 and found.lapses_at else fact_at
            yield self._posting("lapse", more, at, pending=-more, counters={"lapsed": more})

    def _kept_within_bounds(self, used: Counters, state: State) -> Counters:
        """The change of what is used of limits and caps, with what is over dropped."""
        occasion = self.origin.occasion
        return within_bounds(
            used,
            state,
            in_force=occasion.in_force,
            today=occasion.today,
            forgets=occasion.forgets,
        )

    def nothing(self) -> Posting:
        """The accrual of what earns nothing."""
        return self._posting("accrual", 0, self._accrued_at(), pending=0, counters={})

    def _accrued_at(self) -> datetime:
        """The first accrual happened when the purchase was posted, later ones with their fact."""
        posted_at = self.origin.aimed.earning.posted_at
        first = self.before == NOTHING_POSTED
        return posted_at if first and posted_at is not None else self.origin.occasion.fact_at

    def _posting(
        self,
        type_: EntryType,
        points: int,
        at: datetime,
        *,
        pending: int,
        counters: Mapping[str, int],
        lots: Lots = NO_LOTS,
        debt: int = 0,
    ) -> Posting:
        return Posting(
            type=type_,
            at=at,
            pending=pending,
            lots=lots,
            debt=debt,
            counters={name: change for name, change in counters.items() if change},
            source=self.origin.aimed.earning.key,
            rules=self._rules(points),
            program_version=self.origin.program.version,
            actor=self.origin.occasion.actor,
            reason=None if type_ in ("accrual", "maturation") else self.origin.occasion.reason,
            details=self._details(type_),
        )

    def _rules(self, points: int) -> RulePoints:
        """Points by rule: the exact change of each rule where that is what was posted."""
        new_rules = self.origin.aimed.earning.earned.rules
        old_rules = self.origin.before.earned.rules
        new, old = dict(new_rules), dict(old_rules)
        change = {id_: new.get(id_, 0) - old.get(id_, 0) for id_ in {**old, **new}}
        if old and sum(change.values()) == points:
            return tuple((id_, part) for id_, part in change.items() if part)
        sign = -1 if points < 0 else 1
        parts = attributed(abs(points), new_rules or old_rules)
        return tuple((id_, sign * part) for id_, part in parts)

    def _details(self, type_: EntryType) -> dict[str, str]:
        details: dict[str, str] = {}
        earned = self.origin.aimed.earning.earned
        if type_ == "accrual" and earned.truncated:
            details["truncated"] = ",".join(earned.truncated)
        if type_ == "reversal":
            if earned.excess_refund:
                details["refund"] = "exceeds_purchase"
            if self.after.written_off != self.before.written_off:
                details["written_off"] = str(self.after.written_off)
        return details


def _difference(before: Mapping[str, int], after: Mapping[str, int]) -> dict[str, int]:
    change = {name: after.get(name, 0) - before.get(name, 0) for name in {**before, **after}}
    return {name: value for name, value in change.items() if value}
