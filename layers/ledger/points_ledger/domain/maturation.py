"""From facts to target: how many points are earned, and how many of them should be available.

Nothing here depends on what was posted before. The target of an earning at an instant is a pure
function of its facts, which is why any order of events ends in the same balance (semantics 3.3).
"""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from fractions import Fraction
from typing import Final, Literal

from points_ledger.domain.dataclass import dataclass, replace
from points_ledger.domain.earning import NOTHING_EARNED, Earned, Earning, Pin
from points_ledger.domain.identity import LEDGER_SOURCE
from points_ledger.domain.program import Program
from points_ledger.domain.purchase import amount_owed, remaining, standing_refunds
from points_ledger.domain.receipt import ALL, NOTHING, SETTLED, Cover
from points_ledger.domain.rules import Room, action_points, purchase_points

Waiting = Literal["payment", "hold", "return_window", "referral", "linked_purchase"]

_BEGINNING: Final = datetime.min.replace(tzinfo=UTC)
_END: Final = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """One thing that pending points wait for; `at` is when it will be met, where that is known."""

    waiting_for: Waiting
    at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What the ledger should hold of an earning at one instant.

    Attributes:
        earned: points earned.
        matured: points that should be available, at most `earned`: those that `due` is good for.
        due: the part of the price that is in and waits for nothing; None: nothing is due.
        matured_at: the instant at which the last of them became due by the facts.
        paid: points whose money is in, whether or not they still wait for time to pass.
        covered: the part of the price that `paid` stands for.
        lapses: whether what is not paid has lapsed.
        lapses_at: when that happened or will happen.
        waits: what the rest waits for.
        due_at: the next instant at which time alone may change this target.
    """

    earned: int = 0
    matured: int = 0
    due: Cover | None = None
    matured_at: datetime | None = None
    paid: int = 0
    covered: Cover = NOTHING
    lapses: bool = False
    lapses_at: datetime | None = None
    waits: tuple[Condition, ...] = ()
    due_at: datetime | None = None

    @property
    def matures_at(self) -> datetime | None:
        """When all waiting points mature by what is known; None while something has no time."""
        times = [wait.at for wait in self.waits]
        known = [at for at in times if at is not None]
        return max(known) if known and len(known) == len(times) else None


def earned_points(earning: Earning, *, program: Program, pin: Pin, room: Room) -> Earned:
    """What the content of an earning is worth by its pinned version: the facts but payments.

    A purchase in another currency than the program's earns nothing (semantics 3).
    """
    if earning.voided_at is not None or earning.posted_at is None:
        return NOTHING_EARNED
    if earning.action is not None:
        if ":" in earning.action.name and earning.key.source != LEDGER_SOURCE:
            return NOTHING_EARNED  # the names of prizes (prize.py): nobody else awards them
        return action_points(
            earning.action.name, program=program, pin=pin, at=earning.action.at, room=room
        )
    snapshot = earning.snapshot
    if snapshot is None or snapshot.currency != program.currency:
        return NOTHING_EARNED
    return purchase_points(
        remaining(
            snapshot,
            standing_refunds(earning),
            points_paid_part_earns=program.redemption.points_paid_part_earns,
        ),
        program=program,
        pin=pin,
        posted_at=earning.posted_at,
        own_order=snapshot.own_order,
        room=room,
    )


def target(earning: Earning, *, program: Program, now: datetime) -> Target:
    """The target of an earning by what its content is worth (`earning.earned`) and the time."""
    if not earning.earned.points:
        return Target()
    if earning.action is not None:
        return _action_target(earning, program=program, now=now)
    return _purchase_target(earning, program=program, now=now)


def _action_target(earning: Earning, *, program: Program, now: datetime) -> Target:
    happened_at, points = earning.posted_at, earning.earned.points
    assert happened_at is not None
    hold_ends = program.maturation.hold.after(happened_at, program.zone)
    hold = Condition(waiting_for="hold", at=hold_ends)
    if earning.earned.releases and earning.released_at is None:
        waits: Iterable[Waiting] = (
            "referral" if release == "referred_first_purchase" else "linked_purchase"
            for release in earning.earned.releases
        )
        unknown = tuple(Condition(waiting_for=w, at=None) for w in waits)
        # The end of the hold alone makes nothing due, so nobody has to look then.
        waiting = Target(earned=points, waits=(*unknown, hold) if hold_ends > now else unknown)
        return _with_lapse(earning, waiting, program=program, now=now)
    if hold_ends <= now:
        released_at = earning.released_at if earning.earned.releases else None
        return Target(
            earned=points,
            matured=points,
            due=ALL,
            matured_at=max(hold_ends, released_at) if released_at else hold_ends,
            paid=points,
            covered=ALL,
        )
    return Target(earned=points, paid=points, covered=ALL, waits=(hold,), due_at=hold_ends)


def _purchase_target(earning: Earning, *, program: Program, now: datetime) -> Target:
    points = earning.earned.points
    if pays_in_full(program):
        due = _in_full(earning, points, program, now)
    else:
        due = _proportional(earning, points, program, now)
    found = Target(
        earned=points,
        matured=due.matured,
        due=due.due,
        matured_at=due.matured_at,
        paid=due.paid,
        covered=due.covered,
        waits=due.waits,
        due_at=due.due_at,
    )
    return _with_lapse(earning, found, program=program, now=now)


def pays_in_full(program: Program) -> bool:
    """Whether points mature all at once, when the whole price is complete."""
    terms = program.maturation
    return terms.partial_payment == "full_only" or not terms.requires_payment


@dataclass(frozen=True, slots=True, kw_only=True)
class _Due:
    """How far a purchase's points are paid for and due."""

    matured: int
    due: Cover | None
    matured_at: datetime | None
    paid: int
    covered: Cover
    waits: tuple[Condition, ...]
    due_at: datetime | None


def _in_full(earning: Earning, points: int, program: Program, now: datetime) -> _Due:
    """All points at once: the price is complete, the hold and the return window have passed."""
    assert earning.posted_at is not None
    hold_ends = program.maturation.hold.after(earning.posted_at, program.zone)
    if program.maturation.requires_payment:
        completed_at = completed_since(earning)
    else:
        completed_at = earning.posted_at
    window_ends = (
        program.maturation.return_window.after(completed_at, program.zone)
        if completed_at is not None
        else None
    )
    waits = [Condition(waiting_for="payment", at=None)] if window_ends is None else []
    if hold_ends > now:
        waits.append(Condition(waiting_for="hold", at=hold_ends))
    if window_ends is not None and window_ends > now:
        waits.append(Condition(waiting_for="return_window", at=window_ends))
    met = not waits
    known = [wait.at for wait in waits if wait.at is not None]
    covered = _cover(earning, program)
    due = covered if hold_ends <= now and (window_ends is None or window_ends <= now) else None
    matured = due.points(points, in_full=True) if due is not None else 0
    assert matured == (points if met else 0), "complete means paid as much as is owed"
    return _Due(
        matured=matured,
        due=due,
        matured_at=max(hold_ends, window_ends) if met and window_ends else None,
        paid=points if completed_at is not None else 0,
        covered=covered,
        waits=tuple(waits),
        due_at=min(known) if known else None,
    )


def _proportional(earning: Earning, points: int, program: Program, now: datetime) -> _Due:
    """Points in proportion to the money in: each payment waits for its own return window."""
    posted_at = earning.posted_at
    assert posted_at is not None
    owed = _owed_at(earning, at=None)
    hold_ends = program.maturation.hold.after(posted_at, program.zone)
    money = _money(earning, program)
    covered = Cover(paid=sum((amount for _, amount in money), Fraction(0)), owed=owed)
    paid = covered.points(points, in_full=False)
    ready = sum((amount for ready_at, amount in money if ready_at <= now), Fraction(0))
    due = Cover(paid=ready, owed=owed) if hold_ends <= now else None
    matured = due.points(points, in_full=False) if due is not None else 0
    windows = sorted(ready_at for ready_at, amount in money if amount and ready_at > now)
    waits = [Condition(waiting_for="payment", at=None)] if paid < points else []
    if hold_ends > now:
        waits.append(Condition(waiting_for="hold", at=hold_ends))
    if windows and matured < paid:
        waits.append(Condition(waiting_for="return_window", at=windows[-1]))
    known = [at for at in (hold_ends, *windows[:1]) if at > now]
    since = _matured_since(earning, points, matured, money) if matured else None
    return _Due(
        matured=matured,
        due=due,
        matured_at=max(hold_ends, since) if since else None,
        paid=paid,
        covered=covered,
        waits=tuple(waits) if matured < points else (),
        due_at=min(known) if known and matured < points else None,
    )


def _cover(earning: Earning, program: Program) -> Cover:
    """The part of the price that is in, by all facts."""
    if not program.maturation.requires_payment:
        return ALL
    if settled_since(earning) is not None:
        return SETTLED
    return Cover(paid=_paid_at(earning, None), owed=_owed_at(earning, at=None))


def _money(earning: Earning, program: Program) -> list[tuple[datetime, Fraction]]:
    """The money in, each part with the end of its return window.

    What the source says is settled stands for the whole price.
    """
    snapshot, posted_at = earning.snapshot, earning.posted_at
    assert snapshot is not None
    assert posted_at is not None
    parts = [(posted_at, Fraction(snapshot.points_paid_amount))]
    parts += [
        (payment.at, Fraction(payment.amount))
        for payment in earning.payments.values()
        if payment.id not in earning.payment_reversals
        and payment.currency in (None, snapshot.currency)
    ]
    settled_at = settled_since(earning)
    if settled_at is not None:
        parts.append((settled_at, Fraction(snapshot.total)))
    window = program.maturation.return_window
    return [(window.after(at, program.zone), amount) for at, amount in parts]


def _matured_since(
    earning: Earning,
    points: int,
    matured: int,
    money: list[tuple[datetime, Fraction]],
) -> datetime | None:
    """Since when the money that was ready has been worth `matured` points without interruption."""
    changes_of_owed = {refund.at for refund in earning.refunds.values()}
    changes_of_owed |= set(earning.refund_cancellations.values())
    since: datetime | None = None
    owed = _owed_at(earning, at=_BEGINNING)
    for at in sorted(changes_of_owed | {ready_at for ready_at, _ in money}):
        if at in changes_of_owed:
            owed = _owed_at(earning, at=at)
        ready = sum((amount for ready_at, amount in money if ready_at <= at), Fraction(0))
        if Cover(paid=ready, owed=owed).points(points, in_full=False) < matured:
            since = None
        elif since is None:
            since = at
    return since


def completed_since(earning: Earning) -> datetime | None:
    """Since when the price has been complete without interruption; None while it is not.

    Walks the instants at which a payment, refund or statement of the source changed something:
    complete means settled, or paid at least what was then owed by the latest snapshot.
    """
    since: datetime | None = None
    for moment in moments_of_price(earning):
        if not moment.is_complete:
            since = None
        elif since is None:
            since = moment.at
    return since


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceMoment:
    """How things stand with the price of a purchase from `at` on, until the next moment."""

    at: datetime
    owed: Fraction
    is_complete: bool


def moments_of_price(earning: Earning) -> Iterator[PriceMoment]:
    """All instants at which something about the price changed, in order of time."""
    posted_at = earning.posted_at
    assert posted_at is not None
    changes_of_owed = {posted_at, *(refund.at for refund in earning.refunds.values())}
    changes_of_owed |= set(earning.refund_cancellations.values())
    changes_of_paid = {payment.at for payment in earning.payments.values()}
    changes_of_paid |= set(earning.payment_reversals.values())
    settled_at = settled_since(earning)
    if settled_at is not None:
        changes_of_paid.add(settled_at)
    owed = _owed_at(earning, at=posted_at)
    for at in sorted(changes_of_owed | changes_of_paid):
        if at in changes_of_owed:
            owed = _owed_at(earning, at=at)
        settled = settled_at is not None and settled_at <= at
        is_complete = settled or _paid_at(earning, at) >= owed
        yield PriceMoment(at=at, owed=owed, is_complete=is_complete)


def settled_since(earning: Earning) -> datetime | None:
    """When the source last said that the purchase is paid, unless a payment bounced later."""
    last_bounce = max(earning.payment_reversals.values(), default=_BEGINNING)
    settled_at = earning.settled_at
    return settled_at if settled_at is not None and settled_at >= last_bounce else None


def _paid_at(earning: Earning, at: datetime | None) -> Fraction:
    """The money in: payments not reversed, and the part paid with points.

    With `at`: what was in by then.
    """
    snapshot = earning.snapshot
    assert snapshot is not None
    return Fraction(snapshot.points_paid_amount) + sum(
        Fraction(payment.amount)
        for payment in earning.payments.values()
        if (
            payment.id not in earning.payment_reversals
            if at is None
            else payment.at <= at < earning.payment_reversals.get(payment.id, _END)
        )
        and payment.currency in (None, snapshot.currency)
    )


def _owed_at(earning: Earning, *, at: datetime | None) -> Fraction:
    assert earning.snapshot is not None
    return amount_owed(earning.snapshot, standing_refunds(earning, at))


def _with_lapse(earning: Earning, found: Target, *, program: Program, now: datetime) -> Target:
    """Add when unpaid points lapse, or that they have (semantics 3.3, cancel_unpaid_after)."""
    patience = program.maturation.cancel_unpaid_after
    unpaid = found.earned - found.paid
    if patience is None or not unpaid:
        return found
    assert earning.posted_at is not None
    lapses_at = patience.after(earning.posted_at, program.zone)
    if lapses_at <= now:
        return replace(found, lapses=True, lapses_at=lapses_at)
    due_at = min(found.due_at, lapses_at) if found.due_at else lapses_at
    return replace(found, lapses_at=lapses_at, due_at=due_at)
