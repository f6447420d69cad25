"""A small model of the ledger with explicit lots, written from semantics.md and nothing else.

It moves one point at a time and looks at whole histories, so that it can be read against the
text. Amounts are cents; a purchase is one line without tax; the zone is UTC; facts happen when
they are told.
"""

from collections import Counter
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from fractions import Fraction
from functools import cache
from itertools import count
from typing import Literal

Moment = tuple[datetime, str, str, int]
"""When, what, which id, how many cents."""


@dataclass(frozen=True)
class Terms:
    """What the program of a model may be like."""

    points: int
    per_cents: int
    proportional: bool
    hold: timedelta
    return_window: timedelta
    lapse_after: timedelta | None
    clawback: Literal["unlimited", "within_balance", "only_pending"]
    valid_days: int | None
    to_month_end: bool


@dataclass
class Account:
    """A member: lots by last day, debt, and what expired from which lot."""

    lots: Counter[date] = field(default_factory=Counter)
    expired_lots: Counter[date] = field(default_factory=Counter)
    debt: int = 0
    redeemed: int = 0
    expired: int = 0

    @property
    def available(self) -> int:
        return self.lots.total() - self.debt

    def usable(self, today: date) -> int:
        """What may be spent: lots that have passed never count."""
        return sum(n for day, n in self.lots.items() if day >= today) - self.debt

    def soonest(self, days: Counter[date]) -> date | None:
        """The soonest day of `days` that has points left."""
        return min((day for day, points in days.items() if points > 0), default=None)

    def expire(self, today: date) -> None:
        """Lots whose last day is over go, and are remembered."""
        for day in [day for day in self.lots if day < today]:
            points = self.lots.pop(day)
            self.expired += points
            self.expired_lots[day] += points

    def spend(self, points: int, today: date) -> None:
        """Soonest last day first."""
        self.expire(today)
        for _ in range(points):
            day = self.soonest(self.lots)
            assert day is not None
            self.lots[day] -= 1
        self.redeemed += points
        self.lots += Counter()


@dataclass
class Holding:
    """What one member has of one purchase.

    `own` are the points that went into each lot and were not taken back; `counted` those of them
    that expired and were set against a reversal.
    """

    earned: int = 0
    matured: int = 0
    written_off: int = 0
    lapsed: int = 0
    own: Counter[date] = field(default_factory=Counter)
    counted: Counter[date] = field(default_factory=Counter)

    @property
    def pending(self) -> int:
        return max(0, self.earned - self.matured) - self.lapsed


@dataclass
class Sale:
    """One purchase: its facts in the order in which they happened."""

    owner: str
    shares: dict[str, int]
    total: int = 0
    posted_at: datetime | None = None
    voided: bool = False
    moments: list[Moment] = field(default_factory=list)
    holdings: dict[str, Holding] = field(default_factory=dict)

    # ---- The facts at an instant

    def known(self, kind: str, at: datetime) -> dict[str, tuple[datetime, int]]:
        return {
            id_: (when, n) for when, what, id_, n in self.moments if what == kind and when <= at
        }

    def owed(self, at: datetime) -> int:
        """total less refunds that stand."""
        refunds, cancelled = self.known("refund", at), self.known("cancel", at)
        given_back = sum(n for id_, (_, n) in refunds.items() if id_ not in cancelled)
        return max(0, self.total - given_back)

    def payments(self, at: datetime) -> list[tuple[datetime, int]]:
        bounced = self.known("bounce", at)
        return [part for id_, part in self.known("pay", at).items() if id_ not in bounced]

    def settled_at(self, at: datetime) -> datetime | None:
        """The last time the source said so, unless a payment bounced later."""
        said = [when for when, _ in self.known("settle", at).values()]
        bounces = [when for when, _ in self.known("bounce", at).values()]
        if not said or (bounces and max(bounces) > max(said)):
            return None
        return max(said)

    def instants(self) -> list[datetime]:
        return sorted(
            {*([self.posted_at] if self.posted_at else []), *(when for when, *_ in self.moments)}
        )

    # ---- The target

    def earned(self, terms: Terms, now: datetime) -> int:
        return 0 if self.voided else self.owed(now) // terms.per_cents * terms.points

    def complete_since(self, now: datetime) -> datetime | None:
        """Since when the price has been complete, by the newest total."""
        since = None
        for at in self.instants():
            paid = sum(n for _, n in self.payments(at))
            settled = self.settled_at(now)
            complete = (settled is not None and settled <= at) or paid >= self.owed(at)
            since = (since or at) if complete else None
        return since

    def share_paid(self, at: datetime, now: datetime, window: timedelta) -> Fraction:
        """How much of what was owed at `at` had been paid a return window before; payments that
        have bounced by now do not count."""
        owed = self.owed(at)
        settled = self.settled_at(now)
        if not owed or (settled is not None and settled + window <= at):
            return Fraction(1)
        good = [part for part in self.payments(now) if part[0] + window <= at]
        return min(Fraction(1), Fraction(sum(n for _, n in good), owed))

    def matured(self, terms: Terms, now: datetime) -> tuple[int, datetime]:
        """How many points should have matured, and since when."""
        assert self.posted_at is not None
        held_until = self.posted_at + terms.hold
        if held_until > now:
            return 0, now
        earned = self.earned(terms, now)
        if not terms.proportional:
            since = self.complete_since(now)
            if since is None or since + terms.return_window > now:
                return 0, now
            return earned, max(held_until, since + terms.return_window)
        points = int(earned * self.share_paid(now, now, terms.return_window))
        instants = {*self.instants(), *(at + terms.return_window for at in self.instants())}
        since = None
        for at in sorted(at for at in instants if at <= now):
            enough = int(earned * self.share_paid(at, now, terms.return_window)) >= points
            since = (since or at) if enough else None
        return points, max(held_until, since or held_until)

    def paid_points(self, terms: Terms, now: datetime) -> int:
        """Points whose money is in, whether or not they wait for time."""
        earned = self.earned(terms, now)
        if not terms.proportional:
            return earned if self.complete_since(now) is not None else 0
        return int(earned * self.share_paid(now, now, timedelta(0)))


def split(points: int, shares: dict[str, int]) -> dict[str, int]:
    """The points of each member."""
    return dict(zip(shares, parts(points, tuple(shares.values())), strict=True))


@cache
def parts(points: int, percents: tuple[int, ...]) -> tuple[int, ...]:
    """One by one to the highest percent / (2 x points so far + 1), ties to the earlier share."""
    if not points:
        return (0,) * len(percents)
    before = parts(points - 1, percents)
    claims = [Fraction(share, 2 * had + 1) for share, had in zip(percents, before, strict=True)]
    winner = claims.index(max(claims))
    return tuple(had + (place == winner) for place, had in enumerate(before))


@dataclass
class Model:
    """All members and all purchases."""

    terms: Terms
    accounts: dict[str, Account]
    sales: dict[str, Sale] = field(default_factory=dict)

    def look(self, sale: Sale, now: datetime) -> None:
        """Post the difference between the target and what has been posted."""
        if sale.posted_at is None:
            return
        terms, today = self.terms, now.date()
        earned = split(sale.earned(terms, now), sale.shares)
        points, since = sale.matured(terms, now)
        matured = split(points, sale.shares)
        paid = split(sale.paid_points(terms, now), sale.shares)
        overdue = terms.lapse_after is not None and sale.posted_at + terms.lapse_after <= now
        for member in sale.shares:
            account, has = self.accounts[member], sale.holdings.setdefault(member, Holding())
            difference = matured[member] - (has.matured - has.written_off)
            if difference < 0:
                account.expire(today)
            for _ in range(-difference):
                self.take_back_one(account, has)
            for _ in range(difference):
                self.give_one(account, has, self.last_day(since, today))
            account.lots += Counter()
            has.earned = earned[member]
            unpaid = earned[member] - paid[member] if overdue else 0
            has.lapsed = min(unpaid, max(0, has.earned - has.matured))

    def take_back_one(self, account: Account, has: Holding) -> None:
        """Own expired points count first; then the own lot, other lots, and the policy."""
        if self.terms.clawback == "only_pending":
            has.written_off += 1
            return
        left = has.own - has.counted
        gone = account.soonest(left & account.expired_lots)
        if gone is not None:
            account.expired_lots[gone] -= 1
            has.counted[gone] += 1
            has.written_off += 1
            return
        day = account.soonest(left & account.lots) or account.soonest(account.lots)
        if day is not None:
            account.lots[day] -= 1
        elif self.terms.clawback == "unlimited":
            account.debt += 1
        else:
            has.written_off += 1
            return
        has.matured -= 1
        has.own[day if day is not None and left[day] else account.soonest(left) or date.max] -= 1

    def give_one(self, account: Account, has: Holding, last_day: date) -> None:
        """A rise lowers what was written off first; a credit repays debt first."""
        if has.written_off:
            has.written_off -= 1
            if has.counted.total() > has.written_off:
                day = account.soonest(has.counted)
                assert day is not None
                has.counted[day] -= 1
                account.expired_lots[day] += 1
            return
        has.matured += 1
        has.own[last_day] += 1
        if account.debt:
            account.debt -= 1
        else:
            account.lots[last_day] += 1

    def last_day(self, at: datetime, today: date) -> date:
        if self.terms.valid_days is None:
            return date.max
        day = at.date() + timedelta(days=self.terms.valid_days)
        if self.terms.to_month_end:
            day = next(
                candidate
                for more in count()
                if (candidate := day + timedelta(days=more)).month
                != (candidate + timedelta(days=1)).month
            )
        return max(day, today)

    def pending(self, member: str) -> int:
        return sum(sale.holdings[member].pending for sale in self.held_by(member))

    def lapsed(self, member: str) -> int:
        return sum(sale.holdings[member].lapsed for sale in self.held_by(member))

    def written_off(self, member: str) -> int:
        return sum(sale.holdings[member].written_off for sale in self.held_by(member))

    def held_by(self, member: str) -> list[Sale]:
        return [sale for sale in self.sales.values() if member in sale.holdings]
