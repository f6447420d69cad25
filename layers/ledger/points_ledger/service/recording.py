"""Recording facts: merge one fact into its earning, and post the difference.

The queues of facts about sales and about payments, the sweep that releases holds, and the
enrolment that purchases waited for all end here. Who earns is found in earners.py; what a source
tells of its customers is customers.py.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from points_ledger.domain.aim import Aim, aim
from points_ledger.domain.budget import granted
from points_ledger.domain.calendar import format_instant, local_day
from points_ledger.domain.convergence import converge
from points_ledger.domain.dataclass import dataclass
from points_ledger.domain.earning import NOTHING_EARNED, Earning, MergeableFact, Pin, merge
from points_ledger.domain.entry import Entry
from points_ledger.domain.error import BrokenInvariantError, FutureFactError
from points_ledger.domain.fact import (
    ActionPerformed,
    CustomerSeen,
    CustomersMerged,
    EarningReconsidered,
    Fact,
    PaymentReceived,
    PaymentReversed,
    PurchasePosted,
    PurchaseRefunded,
    PurchaseSettled,
    PurchaseVoided,
    RefundCancelled,
)
from points_ledger.domain.identity import EarningKey, ExternalId, MemberId
from points_ledger.domain.occasion import Occasion
from points_ledger.domain.tier import current_tier
from points_ledger.service.budgeting import draws, own_shards, valued_within_budgets
from points_ledger.service.customers import Customers
from points_ledger.service.earners import Earners, FoundMember, UnknownCustomer
from points_ledger.service.ledger import Decision, View, WritePath, latest, posting_writes
from points_ledger.service.planning import split_of
from points_ledger.service.ports import (
    Append,
    BudgetKey,
    GuardAbsent,
    GuardHead,
    Link,
    Marker,
    Park,
    PaymentLink,
    PendingShare,
    Put,
    Save,
    Write,
)
from points_ledger.service.prizes import won_prizes
from points_ledger.service.programs import Programs
from points_ledger.service.recorded import Recorded, RecordedAs
from points_ledger.service.releasing import (
    is_of_oneself,
    referral_of,
    released_already,
    with_releases,
)
from points_ledger.service.unposted import listed_unposted

MAX_FACT_LEAD: Final = timedelta(hours=24)
"""A fact dated further ahead of the clock is refused (semantics 1)."""

_PAYMENT_FACTS = (PaymentReceived, PurchaseSettled, PaymentReversed)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """Records facts. Safe to call again with the same fact, in any order, at any time."""

    path: WritePath
    programs: Programs
    clock: Callable[[], datetime]
    new_member_id: Callable[[], MemberId]

    @property
    def _earners(self) -> Earners:
        return Earners(programs=self.programs, clock=self.clock, new_member_id=self.new_member_id)

    @property
    def _customers(self) -> Customers:
        return Customers(
            path=self.path, programs=self.programs, clock=self.clock, earners=self._earners
        )

    def record(self, fact: Fact, *, actor: str) -> Recorded:
        """Take one fact in.

        Raises:
            FactRefusedError: the fact is wrong by itself or contradicts a stored one.
            ConflictError: other writers won too often; the same fact may come again.
        """
        at = fact_instant(fact)
        if at is not None and at > self.clock() + MAX_FACT_LEAD:
            raise FutureFactError(format_instant(at))
        if isinstance(fact, CustomerSeen | CustomersMerged):
            return self._customers.record(fact, actor=actor)
        return self._followed(self.path.run(lambda view: self.decide(view, fact, actor)), actor)

    def decide(self, view: View, fact: MergeableFact, actor: str) -> Decision[Recorded]:
        """What one fact changes, for a command that commits it together with more.

        Whoever commits the decision has to look at its follow-ups afterwards (`follow`).

        Raises:
            FactRefusedError: see `record`.
        """
        return self._telling(view, self._fact(view, fact, actor), now=self.clock())

    def follow(self, keys: Iterable[EarningKey], *, now: datetime, actor: str) -> int:
        """Look at what a decision has made due; the number of entries."""
        return sum(self.release(key, now=now, actor=actor).entries for key in keys)

    def release(self, key: EarningKey, *, now: datetime, actor: str) -> Recorded:
        """Post what became due by time alone, and arm the next marker where more is to come.

        Due is a hold or a return window that has passed, or unpaid points that lapse.
        """
        released = self.path.run(
            lambda view: self._telling(view, self._release(view, key, now, actor), now=now)
        )
        return self._followed(released, actor, now=now)

    def _followed(self, recorded: Recorded, actor: str, *, now: datetime | None = None) -> Recorded:
        """Look at what this has made due; the sweep does so too if this worker is killed here."""
        self.follow(recorded.follow_ups, now=now or self.clock(), actor=actor)
        return recorded

    def _telling(
        self, view: View, decision: Decision[Recorded], *, now: datetime
    ) -> Decision[Recorded]:
        """With what the purchase releases, and whom an action asks for its release."""
        return with_releases(view, decision, programs=self.programs, now=now)

    def _release(
        self, view: View, key: EarningKey, now: datetime, actor: str
    ) -> Decision[Recorded]:
        earning = view.earning(key)
        action = earning.action if earning is not None else None
        named = action.earner.member_id if action is not None else None
        if earning is None or (earning.earner_id is None and named is None):
            return Decision(result=Recorded(outcome="ignored", earning=key))
        fact = EarningReconsidered(purchase=key)
        if earning.earner_id is None:
            # Made by the ledger itself (follow_ups.py) and looked at for the first time.
            return self._content(view, earning, earning, fact, actor, now=now)
        if is_of_oneself(view, earning):
            void = replace(earning, voided_at=now)
            return self._content(view, earning, void, fact, actor, now=now)
        return self._converged(
            view, earning, earning, now=now, fact_at=now, reason="due", actor=actor
        )

    def _fact(self, view: View, fact: MergeableFact, actor: str) -> Decision[Recorded]:
        key = _earning_key(fact)
        if key is None:
            assert isinstance(fact, PurchaseRefunded | RefundCancelled)
            assert fact.payment is not None
            link = view.payment_link(fact.payment)
            if link is None:
                writes = (Park(payment=fact.payment, fact=fact), GuardAbsent(key=fact.payment))
                return Decision(result=Recorded(outcome="parked"), writes=writes)
            key = link.purchase
        named = _named_earner(fact)
        view.load(key, *([named] if named else []), *self._budgets(fact))
        stored = view.earning(key) or Earning(key=key)
        merged = merge(stored, fact)
        if isinstance(fact, ActionPerformed) and merged is not stored:
            merged = released_already(view, merged, self.programs)
        links = _payment_links(fact, key)
        if merged is stored and not isinstance(fact, EarningReconsidered):
            missing = tuple(put for put in links if view.payment_link(put.item.payment) is None)
            return Decision(result=Recorded(outcome="duplicate", earning=key), writes=missing)
        if isinstance(fact, _PAYMENT_FACTS) and merged.earner_id is not None:
            decision = self._converged(
                view, stored, merged, now=self.clock(), fact_at=_at(fact, self.clock()),
                reason=fact.type, actor=actor,
            )  # fmt: skip
        else:
            decision = self._content(view, stored, merged, fact, actor)
        return replace(decision, writes=(*decision.writes, *links)) if links else decision

    def _budgets(self, fact: MergeableFact) -> tuple[BudgetKey, ...]:
        """What a new purchase draws from, where a campaign with a budget is running."""
        if not isinstance(fact, PurchasePosted):
            return ()
        posted_at = fact.snapshot.posted_at
        return own_shards(fact.purchase, program=self.programs.at(posted_at), posted_at=posted_at)

    def _content(
        self,
        view: View,
        stored: Earning,
        merged: Earning,
        fact: MergeableFact,
        actor: str,
        *,
        now: datetime | None = None,
    ) -> Decision[Recorded]:
        """A fact that may change what is earned or by whom: find the earner, value, converge.

        `now` is the clock, but for a sweep that has a time of its own.
        """
        if merged.earner is None or merged.posted_at is None:
            return _kept(stored, merged, "stored")
        # Whoever earned it keeps it as long as the source names the same customer: after an erasure
        # that customer is unlinked, and what is told of old purchases enrols nobody.
        earner_id = stored.earner_id if stored.earner == merged.earner else None
        found = (
            self._earners.member(view, earner_id)
            if earner_id is not None
            else self._earners.earner_of(view, merged, fact, actor)
        )
        if isinstance(found, UnknownCustomer):
            decision = self._unearned(view, stored, merged, fact, actor)
            return replace(decision, writes=(*decision.writes, *found.writes))
        now = latest(now or self.clock(), [found.head])
        pinned, split_between = self._pinned(view, merged, found)
        assert pinned.program_version is not None
        program = self.programs.version(pinned.program_version)
        earner = found.head.state
        pinned = valued_within_budgets(
            view, pinned, program=program, earner=earner, known_as=_ids_of(found.head)
        )
        decision = self._converged(
            view, stored, pinned, now=now, fact_at=_at(fact, now), reason=fact.type, actor=actor,
            newcomer=found.head if found.is_new else None,
        )  # fmt: skip
        unposted = listed_unposted(stored, decision.writes)
        drawn = draws(stored, pinned, program=program)
        writes = (*found.writes, *decision.writes, *drawn, *unposted)
        return replace(decision, writes=(*writes, *_unwritten(split_between, writes)))

    def _unearned(
        self, view: View, stored: Earning, merged: Earning, fact: MergeableFact, actor: str
    ) -> Decision[Recorded]:
        """Nobody earns yet; who did by an earlier snapshot keeps nothing (semantics 3)."""
        if merged.earner_id is None:
            return _kept(stored, merged, "waiting")
        assert merged.program_version is not None
        now, program = self.clock(), self.programs.version(merged.program_version)
        unearned = granted(replace(merged, earned=NOTHING_EARNED), {}, program=program)
        decision = self._converged(
            view, stored, unearned, now=now, fact_at=_at(fact, now), reason=fact.type, actor=actor,
        )  # fmt: skip
        returned = draws(stored, unearned, program=program)
        return Decision(
            result=replace(decision.result, outcome="waiting"),
            writes=(*(_without_earner(write) for write in decision.writes), *returned),
        )

    def _converged(
        self,
        view: View,
        stored: Earning,
        earning: Earning,
        *,
        now: datetime,
        fact_at: datetime,
        reason: str,
        actor: str,
        newcomer: Entry | None = None,
    ) -> Decision[Recorded]:
        """Post what is missing to the target; read accounts only when something is."""
        assert earning.program_version is not None
        program = self.programs.version(earning.program_version)
        aimed = aim(earning, program=program, now=now)
        if aimed.is_met:
            return _kept(stored, aimed.earning, "stored", _markers(aimed))
        heads, resolved = _accounts(view, aimed, newcomer)
        # With the accounts read, now may be later than the clock; then more may be due.
        recorded_at = latest(now, heads.values())
        if recorded_at != now:
            now = recorded_at
            aimed = aim(earning, program=program, now=now)
        in_force = self.programs.at(now)
        occasion = Occasion(now=now, fact_at=fact_at, reason=reason, actor=actor, in_force=in_force)
        done = converge(
            aimed, before=stored, heads=heads, resolved=resolved, program=program,
            occasion=occasion,
        )  # fmt: skip
        decision = _kept(stored, done.earning, "posted", _markers(aimed))
        if not decision.writes:
            return decision
        posting = posting_writes(done.entries, heads.values(), in_force)
        assert earning.posted_at is not None
        won = won_prizes(view, done.entries, program, at=earning.posted_at, now=now)
        unmoved = _unmoved(heads.values(), done.entries)
        return Decision(
            result=replace(decision.result, entries=len(done.entries), follow_ups=won.keys),
            writes=(*posting, *unmoved, *decision.writes, *won.writes),
        )

    def _pinned(
        self, view: View, earning: Earning, found: FoundMember
    ) -> tuple[Earning, tuple[GuardHead, ...]]:
        """The earning with its earner, its program version and what the earner is now.

        Each is fixed at the first posting; an earlier posted_at chooses the version anew. The
        guards are of the accounts that have decided a new pin. A pin stays what it is when the
        earner is merged into another member: then it is found under the former id.
        """
        posted_at, head = earning.posted_at, found.head
        assert posted_at is not None
        if earning.pinned_for is None or posted_at < earning.pinned_for:
            version = self.programs.number_at(posted_at)
            earning = replace(earning, program_version=version, pinned_for=posted_at)
        ids = (found.member_id, *_ids_of(head))
        pinned_as = next((id_ for id_ in ids if id_ in earning.pins), None)
        if pinned_as is not None:
            return replace(earning, earner_id=pinned_as), ()
        allocation, guards = split_of(view, head)
        standing = head.state.standing
        now = latest(self.clock(), [head])
        in_force = self.programs.at(now)
        pin = Pin(
            allocation=allocation,
            tier=current_tier(standing, today=local_day(now, in_force.zone), program=in_force),
            tags=standing.tags,
            organisation=standing.organisation,
            jurisdiction=standing.jurisdiction,
            earns=standing.earns and standing.status != "closed" and found.may_earn,
            referral=referral_of(head) if earning.snapshot is not None else None,
        )
        pins = {**earning.pins, head.member_id: pin}
        return replace(earning, pins=pins, earner_id=head.member_id), guards


def fact_instant(fact: Fact) -> datetime | None:
    """When a fact says that it happened; None where it only repeats something."""
    match fact:
        case PurchasePosted():
            return max(fact.snapshot.posted_at, fact.snapshot.updated_at)
        case PurchaseRefunded():
            return fact.refund.at
        case PaymentReceived():
            return fact.payment.at
        case EarningReconsidered():
            return None
        case (
            RefundCancelled()
            | PurchaseVoided()
            | ActionPerformed()
            | CustomerSeen()
            | CustomersMerged()
            | PurchaseSettled()
            | PaymentReversed()
        ):
            return fact.at


def _at(fact: Fact, now: datetime) -> datetime:
    return fact_instant(fact) or now


def _earning_key(fact: MergeableFact) -> EarningKey | None:
    return fact.key if isinstance(fact, ActionPerformed) else fact.purchase


def _named_earner(fact: MergeableFact) -> ExternalId | None:
    match fact:
        case PurchasePosted():
            return fact.snapshot.earner.external_id
        case ActionPerformed():
            # Whoever is named outright is found by that; the customer only where there is nobody.
            return None if fact.earner.member_id is not None else fact.earner.external_id
        case _:
            return None


def _payment_links(fact: MergeableFact, purchase: EarningKey) -> tuple[Link, ...]:
    """Under which other names refunds may speak of this payment."""
    references = fact.references if isinstance(fact, PaymentReceived) else ()
    return tuple(
        Link(item=PaymentLink(payment=reference, purchase=purchase)) for reference in references
    )


def _kept(
    stored: Earning, earning: Earning, outcome: RecordedAs, more: tuple[Write, ...] = ()
) -> Decision[Recorded]:
    """The decision that stores an earning if it changed."""
    if earning == stored:
        return Decision(result=Recorded(outcome="duplicate", earning=earning.key))
    item = replace(earning, revision=stored.revision + 1)
    return Decision(
        result=Recorded(outcome=outcome, earning=earning.key),
        writes=(Save(item=item, expected=stored.revision), *_shares(stored, earning), *more),
    )


def _shares(stored: Earning, earning: Earning) -> Iterator[Put]:
    """Bring the further members' lists of pending earnings up to date."""
    before = stored.pending_members - {stored.home}
    after = earning.pending_members - {earning.home}
    if stored.posted_at != earning.posted_at:
        before -= after
    for member_id in sorted(before ^ after):
        since = earning.posted_at if member_id in after else None
        yield Put(item=PendingShare(earning=earning.key, member_id=member_id, since=since))


def _without_earner(write: Write) -> Write:
    """The write of an earning that belongs to nobody, so that any next fact looks for somebody."""
    if isinstance(write, Save) and isinstance(write.item, Earning):
        return replace(write, item=replace(write.item, earner_id=None))
    return write


def _markers(aimed: Aim) -> tuple[Write, ...]:
    if aimed.arm_at is None:
        return ()
    key = aimed.earning.key
    return (Put(item=Marker(kind="hold_release", due_at=aimed.arm_at, target=str(key))),)


def _accounts(
    view: View, aimed: Aim, newcomer: Entry | None
) -> tuple[dict[MemberId, Entry], dict[MemberId, MemberId]]:
    """The newest entries of all members concerned, and which id each name stands for."""
    heads: dict[MemberId, Entry] = {}
    resolved: dict[MemberId, MemberId] = {}
    for member_id in aimed.goals:
        is_new = newcomer is not None and newcomer.member_id == member_id
        head = newcomer if is_new else view.resolved_head(member_id)
        if head is None:
            raise BrokenInvariantError(f"member {member_id} has an earning and no entry")
        heads[head.member_id] = head
        resolved[member_id] = head.member_id
    return heads, resolved


def _ids_of(head: Entry) -> tuple[MemberId, ...]:
    """All ids that stand for a member."""
    return (head.member_id, *head.state.standing.aliases)


def _unwritten(guards: Iterable[GuardHead], writes: Iterable[Write]) -> Iterator[GuardHead]:
    """The guards of accounts that the writes themselves are not conditional on."""
    written = {
        write.entry.member_id if isinstance(write, Append) else write.member_id
        for write in writes
        if isinstance(write, Append | GuardHead)
    }
    return (guard for guard in guards if guard.member_id not in written)


def _unmoved(heads: Iterable[Entry], entries: Iterable[Entry]) -> Iterator[GuardHead]:
    """Guards for the accounts that decided and get no entry.

    A fall that takes nothing because there is nothing must not miss what was credited meanwhile.
    """
    moved = {entry.member_id for entry in entries}
    for head in heads:
        if head.member_id not in moved:
            yield GuardHead(member_id=head.member_id, number=head.number)
