"""Whose an earning is: the member behind a customer, found by its link or enrolled now.

Where the program enrols nobody by itself, the earning waits for its customer (enrolling.py).
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from points_ledger.domain.dataclass import dataclass
from points_ledger.domain.earning import Earning, MergeableFact
from points_ledger.domain.enrolment import enrolment
from points_ledger.domain.entry import Entry, chain
from points_ledger.domain.error import BrokenInvariantError
from points_ledger.domain.fact import Customer
from points_ledger.domain.identity import EarningKey, ExternalId, MemberId
from points_ledger.domain.state import Standing
from points_ledger.service.anniversaries import anniversary_writes
from points_ledger.service.ledger import View, posting_writes
from points_ledger.service.ports import (
    Create,
    ExternalLink,
    GuardAbsent,
    GuardHead,
    Profile,
    Wait,
    Write,
)
from points_ledger.service.profiles import profile_writes
from points_ledger.service.programs import Programs


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundMember:
    """The member who earns, or whose customer it is; `writes` enrol a newcomer.

    `head` is the newest entry of the member that the id stands for.
    """

    member_id: MemberId
    head: Entry
    may_earn: bool = True
    is_new: bool = False
    writes: tuple[Write, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class UnknownCustomer:
    """Nobody yet; `writes` note that the earning waits."""

    writes: tuple[Write, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Earners:
    """Finds who earns, by the id or the customer that the source names."""

    programs: Programs
    clock: Callable[[], datetime]
    new_member_id: Callable[[], MemberId]

    def earner_of(
        self, view: View, earning: Earning, fact: MergeableFact, actor: str
    ) -> FoundMember | UnknownCustomer:
        """The member who earns, enrolled now if the program enrols unknown customers."""
        earner = earning.earner
        assert earner is not None
        guards: tuple[Write, ...] = ()
        if earner.member_id is not None:
            if view.head(earner.member_id) is not None:
                return self.member(view, earner.member_id)
            # The source names a member that does not exist: its customer earns instead.
            guards = (GuardHead(member_id=earner.member_id, number=0),)
        found = self._customer_who_earns(view, earning, fact, actor)
        return replace(found, writes=(*guards, *found.writes))

    def _customer_who_earns(
        self, view: View, earning: Earning, fact: MergeableFact, actor: str
    ) -> FoundMember | UnknownCustomer:
        earner, posted_at = earning.earner, earning.posted_at
        assert earner is not None
        assert posted_at is not None
        link = view.link(earner.external_id)
        program = self.programs.at(self.clock())
        if link is not None:
            earns = program.enrolment == "automatic" or posted_at >= link.linked_at - timedelta(
                days=program.enrolment_lookback_days
            )
            return self.linked_to(view, link, may_earn=earns)
        if program.enrolment == "manual":
            waiting = Wait(external_id=earner.external_id, earning=earning.key)
            return UnknownCustomer(writes=(waiting, GuardAbsent(key=earner.external_id)))
        customer = getattr(fact, "customer", None) or Customer(external_id=earner.external_id)
        return self.enrolled(customer, earner.external_id, source=earning.key, actor=actor)

    def member(self, view: View, member_id: MemberId, *, may_earn: bool = True) -> FoundMember:
        """The member that an id stands for.

        Raises:
            BrokenInvariantError: nobody has this id.
        """
        head = view.resolved_head(member_id)
        if head is None:
            raise BrokenInvariantError(f"member {member_id} is linked and has no entry")
        return FoundMember(member_id=member_id, head=head, may_earn=may_earn)

    def linked_to(self, view: View, link: ExternalLink, *, may_earn: bool = True) -> FoundMember:
        """The member behind a customer, who is nobody's once the member is erased.

        Raises:
            BrokenInvariantError: the member is erased; the link was read before it went, or the
                erasure has left it behind.
        """
        found = self.member(view, link.member_id, may_earn=may_earn)
        if found.head.state.standing.status == "erased":
            raise BrokenInvariantError(f"{link.external_id} is linked to an erased member")
        return found

    def enrolled(
        self,
        customer: Customer,
        *external_ids: ExternalId,
        source: EarningKey | None,
        actor: str,
    ) -> FoundMember:
        """A new member with these external ids; `source` is the earning that enrols, if any."""
        now, member_id = self.clock(), self.new_member_id()
        standing = Standing(organisation=customer.organisation)
        posting = enrolment(at=now, standing=standing, actor=actor, source=source)
        head = chain(None, member_id, posting, now)
        links = (
            Create(item=ExternalLink(external_id=each, member_id=member_id, linked_at=now))
            for each in external_ids
        )
        profile = Profile(
            member_id=member_id,
            name=customer.name,
            email=customer.email,
            phone=customer.phone,
            external_ids=external_ids,
            created_at=now,
            updated_at=now,
        )
        program = self.programs.at(now)
        days = anniversary_writes(None, profile, now=now, zone=program.zone)
        writes = (*posting_writes([head], [], program), *links, *days)
        return FoundMember(
            member_id=member_id,
            head=head,
            is_new=True,
            writes=(*writes, *profile_writes(None, profile)),
        )
