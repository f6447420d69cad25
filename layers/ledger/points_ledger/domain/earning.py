"""Earnings: all that is known of one purchase or action, as a set of facts that converges.

`merge` adds one fact. It is commutative and idempotent: the order and the number of deliveries
do not matter, because every part of the state is a maximum, a minimum or a grow-only set
(semantics 3). What was posted so far lives beside the facts in `Posted`, one per member.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import field
from datetime import datetime
from decimal import Decimal
from typing import Final, assert_never

from points_ledger.domain.calendar import format_instant
from points_ledger.domain.dataclass import dataclass, replace
from points_ledger.domain.entry import RulePoints
from points_ledger.domain.error import ContradictionError, LimitReachedByFactError
from points_ledger.domain.fact import (
    ActionPerformed,
    Earner,
    EarningReconsidered,
    Payment,
    PaymentReceived,
    PaymentReversed,
    PurchasePosted,
    PurchaseRefunded,
    PurchaseSettled,
    PurchaseVoided,
    Refund,
    RefundCancelled,
    Snapshot,
)
from points_ledger.domain.identity import EarningKey, MemberId
from points_ledger.domain.limit import MAX_PAYMENTS_PER_PURCHASE, MAX_REFUNDS_PER_PURCHASE
from points_ledger.domain.lot import Lots, total
from points_ledger.domain.sharing import Allocation
from points_ledger.domain.state import Grant

MergeableFact = (
    PurchasePosted
    | PurchaseRefunded
    | RefundCancelled
    | PurchaseVoided
    | ActionPerformed
    | EarningReconsidered
    | PaymentReceived
    | PurchaseSettled
    | PaymentReversed
)
"""Facts that change one earning, once it is known which."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """What happened instead of a purchase.

    `linked_purchase` is the purchase that it waits for, where a rule says so; `linked_also` is
    another key that the same purchase may have.
    """

    name: str
    at: datetime
    earner: Earner
    linked_purchase: EarningKey | None = None
    linked_also: EarningKey | None = None

    @property
    def linked(self) -> tuple[EarningKey, ...]:
        """All keys that the linked purchase may have."""
        return tuple(key for key in (self.linked_purchase, self.linked_also) if key is not None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Earned:
    """What the content of an earning is worth, as last computed.

    Attributes:
        points: before any split.
        rules: points by rule and campaign, summing to `points`.
        used: what it takes of caps and limits of the earner, by counter.
        truncated: campaigns whose cap or budget cut their part.
        releases: what rules of actions wait for, beside the hold.
        excess_refund: refunds named more than there was; only what was there counts.
        inputs: what the points were computed from, as receipt.py writes it.
    """

    points: int = 0
    rules: RulePoints = ()
    used: Mapping[str, int] = field(default_factory=dict)
    truncated: tuple[str, ...] = ()
    releases: tuple[str, ...] = ()
    excess_refund: bool = False
    inputs: Mapping[str, str] = field(default_factory=dict)


NOTHING_EARNED: Final = Earned()

Grants = Mapping[str, Mapping[int, int]]
"""Points drawn from budgets: by campaign, and by shard of its budget (budget.py)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pin:
    """What the earner was when the earning was first computed for them, kept for all later facts.

    `allocation` says between whom the points are split; `referral` is the id under which somebody
    has brought the earner, on a purchase of somebody who was brought.
    """

    allocation: Allocation
    tier: str | None = None
    tags: tuple[str, ...] = ()
    organisation: str | None = None
    jurisdiction: str | None = None
    earns: bool = True
    referral: MemberId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Posted:
    """What the ledger holds of this earning for one member.

    Attributes:
        earned: the earned points by the last posting.
        matured: points now matured, with those in `written_off`.
        written_off: matured points that a fall left with the member, by policy or expiry.
        lapsed: unpaid points that lapsed.
        lots: `matured` by the lot it went into.
        absorbed: the part of `written_off` that had expired, by lot.
        used: what the earning took of this member's caps and limits, by counter.
        qualified: the qualifying points that the target counted, by the counter of their month.
    """

    earned: int = 0
    matured: int = 0
    written_off: int = 0
    lapsed: int = 0
    lots: Lots = field(default_factory=dict)
    absorbed: Lots = field(default_factory=dict)
    used: Mapping[str, int] = field(default_factory=dict)
    qualified: Mapping[str, int] = field(default_factory=dict)

    @property
    def pending(self) -> int:
        """Earned and neither matured nor lapsed."""
        return max(0, self.earned - self.matured) - self.lapsed

    @property
    def kept(self) -> int:
        """The part of `written_off` that had not expired: what a policy left with the member."""
        return self.written_off - total(self.absorbed)


NOTHING_POSTED: Final = Posted()


@dataclass(frozen=True, slots=True, kw_only=True)
class BoughtMembership:
    """The membership that a purchase gives a member, once the whole price is complete."""

    member_id: MemberId
    grant: Grant


@dataclass(frozen=True, slots=True, kw_only=True)
class Earning:
    """The facts of one purchase or action, and what was posted because of them.

    Attributes:
        revision: counts stored changes.
        posted_at: the earliest posting time seen; for an action, when it happened.
        earner_id: the member that the latest earner was found to be.
        program_version: the version in force at `pinned_for`, the posted_at it was chosen by.
        earned: what the content is worth, computed anew when a fact changes the content.
        due_at: the instant of the one marker that will bring the earning back to a sweep.
        released_at: when what an action waited for (the friend's first purchase, the linked
            purchase) came true; never taken back.
        followers: actions that wait for this purchase, which it has to tell once it is closed.
        told: the followers that have been told.
        grants: what was drawn from budgets for what the content is worth.
        membership: the membership that it was last found to give.
    """

    key: EarningKey
    revision: int = 0
    snapshot: Snapshot | None = None
    action: Action | None = None
    posted_at: datetime | None = None
    payments: Mapping[str, Payment] = field(default_factory=dict)
    payment_reversals: Mapping[str, datetime] = field(default_factory=dict)
    refunds: Mapping[str, Refund] = field(default_factory=dict)
    refund_cancellations: Mapping[str, datetime] = field(default_factory=dict)
    settled_at: datetime | None = None
    voided_at: datetime | None = None
    earner_id: MemberId | None = None
    program_version: int | None = None
    pinned_for: datetime | None = None
    pins: Mapping[MemberId, Pin] = field(default_factory=dict)
    posted: Mapping[MemberId, Posted] = field(default_factory=dict)
    earned: Earned = NOTHING_EARNED
    due_at: datetime | None = None
    released_at: datetime | None = None
    followers: frozenset[EarningKey] = frozenset()
    told: frozenset[EarningKey] = frozenset()
    grants: Grants = field(default_factory=dict)
    membership: BoughtMembership | None = None

    @property
    def earner(self) -> Earner | None:
        """Who the source says earns, by the latest snapshot."""
        content = self.snapshot or self.action
        return content.earner if content else None

    @property
    def pending(self) -> int:
        """Pending points of all members."""
        return sum(posted.pending for posted in self.posted.values())

    @property
    def home(self) -> MemberId | None:
        """The member in whose list of pending earnings this one stands itself.

        The first of the allocation; whoever else has points pending has a share beside it.
        """
        if self.earner_id is None or self.earner_id not in self.pins:
            return next(iter(self.posted), None)
        return self.pins[self.earner_id].allocation[0].member_id

    @property
    def pending_members(self) -> frozenset[MemberId]:
        """The members who have points pending of it."""
        return frozenset(member for member, posted in self.posted.items() if posted.pending > 0)


def merge(earning: Earning, fact: MergeableFact) -> Earning:
    """The earning with one more fact; the same object where the fact says nothing new.

    Raises:
        ContradictionError: a payment or refund id came before with the same time and other
            content.
        LimitReachedByFactError: one purchase has more payments or refunds than the ledger keeps.
    """
    merged = _merged(earning, fact)
    return earning if merged == earning else merged


def _merged(earning: Earning, fact: MergeableFact) -> Earning:
    match fact:
        case PurchasePosted():
            return replace(
                earning,
                snapshot=_latest(earning.snapshot, fact.snapshot),
                posted_at=_earliest(earning.posted_at, fact.snapshot.posted_at),
            )
        case ActionPerformed():
            reported = Action(
                name=fact.action,
                at=fact.at,
                earner=fact.earner,
                linked_purchase=fact.linked_purchase,
                linked_also=fact.linked_also,
            )
            action = _first(earning.action, reported)
            return replace(earning, action=action, posted_at=action.at)
        case PaymentReceived():
            return replace(earning, payments=_with_payment(earning.payments, fact.payment))
        case PaymentReversed():
            reversals = _with_instant(earning.payment_reversals, fact.payment_id, fact.at)
            _bound(reversals, MAX_PAYMENTS_PER_PURCHASE, "payments")
            return replace(earning, payment_reversals=reversals)
        case PurchaseSettled():
            return replace(earning, settled_at=_newest(earning.settled_at, fact.at))
        case PurchaseRefunded():
            return replace(earning, refunds=_with_refund(earning.refunds, fact.refund))
        case RefundCancelled():
            cancelled = _with_instant(earning.refund_cancellations, fact.refund_id, fact.at)
            _bound(cancelled, MAX_REFUNDS_PER_PURCHASE, "refunds")
            return replace(earning, refund_cancellations=cancelled)
        case PurchaseVoided():
            return replace(earning, voided_at=_earliest(earning.voided_at, fact.at))
        case EarningReconsidered():
            return earning
        case _:
            assert_never(fact)


def _latest(known: Snapshot | None, new: Snapshot) -> Snapshot:
    """By the source's own timestamp; at equal times the greater hash of the content wins."""
    if known is None:
        return new
    if known.updated_at != new.updated_at:
        return max(known, new, key=lambda snapshot: snapshot.updated_at)
    return max(known, new, key=_content_hash)


def _first(known: Action | None, new: Action) -> Action:
    """An action id stands for one event: the report with the earliest time counts."""
    if known is None:
        return new
    return min(known, new, key=lambda a: (a.at, a.name, str(a.earner), str(a.linked_purchase)))


def _content_hash(snapshot: Snapshot) -> bytes:
    content = [
        format_instant(snapshot.posted_at),
        snapshot.currency,
        str(snapshot.total.normalize()),
        str(snapshot.points_paid_amount.normalize()),
        snapshot.own_order,
        str(snapshot.earner.external_id),
        snapshot.earner.member_id,
        str(snapshot.billed_to),
        [
            [
                line.id,
                line.item,
                line.product,
                line.category,
                str(line.amount.normalize()),
                str(line.quantity.normalize()),
            ]
            for line in snapshot.lines
        ],
    ]
    text = json.dumps(content, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).digest()


def _with_payment(known: Mapping[str, Payment], new: Payment) -> Mapping[str, Payment]:
    before = known.get(new.id)
    if before is not None and before.at >= new.at:
        same = (before.amount, before.currency) == (new.amount, new.currency)
        if before.at == new.at and not same:
            raise ContradictionError("payment", new.id)
        return known
    payments = {**known, new.id: new}
    _bound(payments, MAX_PAYMENTS_PER_PURCHASE, "payments")
    return payments


def _with_refund(known: Mapping[str, Refund], new: Refund) -> Mapping[str, Refund]:
    """The later statement about a refund id wins; what it settles only grows."""
    before = known.get(new.id)
    if before is None:
        refunds = {**known, new.id: replace(new, settles=tuple(sorted(set(new.settles))))}
        _bound(refunds, MAX_REFUNDS_PER_PURCHASE, "refunds")
        return refunds
    if before.at == new.at and _refunded(before) != _refunded(new):
        raise ContradictionError("refund", new.id)
    settles = tuple(sorted({*before.settles, *new.settles}))
    newest = new if new.at > before.at else before
    return {**known, new.id: replace(newest, settles=settles)}


def _refunded(refund: Refund) -> tuple[Decimal | None, str | None, dict[str, Decimal]]:
    by_line: dict[str, Decimal] = {}
    for line in refund.lines:
        by_line[line.line_id] = by_line.get(line.line_id, Decimal(0)) + line.amount
    return refund.amount, refund.currency, by_line


def _with_instant(
    known: Mapping[str, datetime], id_: str, instant: datetime
) -> Mapping[str, datetime]:
    return {**known, id_: _earliest(known.get(id_), instant)}


def _earliest(known: datetime | None, new: datetime) -> datetime:
    return new if known is None else min(known, new)


def _newest(known: datetime | None, new: datetime) -> datetime:
    return new if known is None else max(known, new)


def _bound(known: Mapping[str, object], maximum: int, what: str) -> None:
    if len(known) > maximum:
        raise LimitReachedByFactError(what, maximum)
