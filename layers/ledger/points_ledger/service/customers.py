"""What a source tells of its customers: that one was seen, and that two are one."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from points_ledger.domain.dataclass import dataclass
from points_ledger.domain.entry import Entry
from points_ledger.domain.error import (
    LimitExceededError,
    MergeNotPermittedError,
    MergeRefusedError,
)
from points_ledger.domain.fact import Customer, CustomerSeen, CustomersMerged
from points_ledger.domain.identity import ExternalId
from points_ledger.domain.limit import MAX_EXTERNAL_IDS_AFTER_MERGE
from points_ledger.service.earners import Earners
from points_ledger.service.ledger import Decision, View, WritePath, latest
from points_ledger.service.merging import merge_writes
from points_ledger.service.ports import Append, Create, ExternalLink, GuardHead, Write
from points_ledger.service.profiles import profile_writes
from points_ledger.service.programs import Programs
from points_ledger.service.recorded import Recorded


@dataclass(frozen=True, slots=True, kw_only=True)
class Customers:
    """Takes in what is told of customers. Safe to call again with the same fact."""

    path: WritePath
    programs: Programs
    clock: Callable[[], datetime]
    earners: Earners

    def record(self, fact: CustomerSeen | CustomersMerged, *, actor: str) -> Recorded:
        """Take one fact in.

        Raises:
            MergeRefusedError: two customers cannot be made one, now or ever.
            ConflictError: other writers won too often; the same fact may come again.
        """
        if isinstance(fact, CustomersMerged):
            return self._merged(fact, actor)
        return self.path.run(lambda view: self._seen(view, fact, actor))

    def _seen(self, view: View, fact: CustomerSeen, actor: str) -> Decision[Recorded]:
        """Enrol a customer where the program does so; of a known one keep the newer profile."""
        customer = fact.customer
        link = view.link(customer.external_id)
        if link is not None:
            head = self.earners.linked_to(view, link).head
            return _updated_profile(view, head, fact)
        if self.programs.at(self.clock()).enrolment == "manual":
            return Decision(result=Recorded(outcome="ignored"))
        found = self.earners.enrolled(customer, customer.external_id, source=None, actor=actor)
        return Decision(result=Recorded(outcome="enrolled", entries=1), writes=found.writes)

    def _merged(self, fact: CustomersMerged, actor: str) -> Recorded:
        """Two customers of a source are one, so are the members behind them.

        Raises:
            MergeRefusedError: they cannot be merged, now or ever; the fact may come again.
        """
        if fact.former == fact.into:
            raise MergeRefusedError("same_customer")
        try:
            return self.path.run(lambda view: self._one_customer(view, fact, actor))
        except MergeNotPermittedError as error:
            raise MergeRefusedError(error.reason) from error
        except LimitExceededError as error:
            raise MergeRefusedError(f"limit_of_{error.limit}") from error

    def _one_customer(self, view: View, fact: CustomersMerged, actor: str) -> Decision[Recorded]:
        view.load(fact.former, fact.into)
        former, into = view.link(fact.former), view.link(fact.into)
        if former is not None and into is not None:
            source = self.earners.linked_to(view, former).head
            target = self.earners.linked_to(view, into).head
            if source.member_id == target.member_id:
                return Decision(result=Recorded(outcome="duplicate"))
            writes, _ = merge_writes(
                view, source, target, programs=self.programs, clock=self.clock, actor=actor
            )
            posted = sum(isinstance(write, Append) for write in writes)
            return Decision(result=Recorded(outcome="merged", entries=posted), writes=writes)
        known, unknown = former or into, fact.into if former else fact.former
        if known is not None:
            head = self.earners.linked_to(view, known).head
            return Decision(
                result=Recorded(outcome="linked"), writes=self._linked(view, head, unknown)
            )
        if self.programs.at(self.clock()).enrolment == "manual":
            return Decision(result=Recorded(outcome="ignored"))
        found = self.earners.enrolled(
            Customer(external_id=fact.into), fact.into, fact.former, source=None, actor=actor
        )
        return Decision(result=Recorded(outcome="enrolled", entries=1), writes=found.writes)

    def _linked(self, view: View, head: Entry, external_id: ExternalId) -> tuple[Write, ...]:
        """A further customer of a member; whoever closes or merges the member posts an entry."""
        now, profile = latest(self.clock(), [head]), view.profile(head.member_id)
        more: tuple[Write, ...] = ()
        if profile is not None:
            ids = (*profile.external_ids, external_id)
            if len(ids) > MAX_EXTERNAL_IDS_AFTER_MERGE:
                raise LimitExceededError("external_ids", MAX_EXTERNAL_IDS_AFTER_MERGE)
            more = profile_writes(profile, replace(profile, external_ids=ids))
        link = ExternalLink(external_id=external_id, member_id=head.member_id, linked_at=now)
        guard = GuardHead(member_id=head.member_id, number=head.number)
        return (Create(item=link), guard, *more)


def _updated_profile(view: View, head: Entry, fact: CustomerSeen) -> Decision[Recorded]:
    profile, customer = view.profile(head.member_id), fact.customer
    if profile is None or profile.updated_at >= fact.at:
        return Decision(result=Recorded(outcome="duplicate"))
    newer = replace(
        profile,
        name=customer.name or profile.name,
        email=customer.email or profile.email,
        phone=customer.phone or profile.phone,
        updated_at=fact.at,
    )
    # Whoever merges the member meanwhile posts an entry; then it is another profile.
    guard = GuardHead(member_id=head.member_id, number=head.number)
    writes = (*profile_writes(profile, newer), guard)
    return Decision(result=Recorded(outcome="stored"), writes=writes)
