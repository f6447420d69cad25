"""Ways of getting the write path wrong, each of which the simulation must notice.

A mutant is a small patch: what a careless change of the service or of a store would do. Those
about commands that came later are in mutants_of_commands.py.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from datetime import datetime
from typing import Any, Final
from unittest.mock import patch

from points_ledger.domain import convergence, entry
from points_ledger.domain.earning import Earning
from points_ledger.domain.entry import Entry, Posting
from points_ledger.domain.identity import ExternalId, MemberId, PaymentKey, RedemptionId
from points_ledger.domain.settling import settlement
from points_ledger.domain.warning import LookTarget
from points_ledger.service import customers, earners, expiring, ledger, recording, redeeming
from points_ledger.service.expiring import Expiring
from points_ledger.service.ledger import Decision, View, posting_writes
from points_ledger.service.ports import (
    Append,
    Committed,
    ExternalLink,
    HeadKey,
    Lost,
    Marker,
    Outcome,
    Put,
    Redemption,
    Request,
    RequestKey,
    Save,
    Store,
    Write,
)
from points_ledger.service.recording import Recording
from points_ledger.service.redeeming import Redeeming, RedeemPoints
from tests.simulation import (
    mutants_of_budgets,
    mutants_of_challenges,
    mutants_of_commands,
    mutants_of_releases,
    mutants_of_tiers,
)
from tests.simulation.patching import (
    Mutant,
    creates,
    guards_absent,
    in_two,
    run_changed,
    unchecked,
)

# ---- After a lost race


def _adopts_nothing(stack: ExitStack) -> None:
    """Decides again from what it had read, whoever won."""

    def adopt(_view: View, _lost: Lost, _writes: Sequence[Write]) -> None:
        pass

    stack.enter_context(patch.object(View, "adopt", adopt))


def _reads_missing_as_absent(stack: ExitStack) -> None:
    """Takes what did not come back with a lost transaction for something that does not exist."""
    original = View.adopt

    def adopt(view: View, lost: Lost, writes: Sequence[Write]) -> None:
        original(view, lost, writes)
        view._known |= lost.returned

    stack.enter_context(patch.object(View, "adopt", adopt))


def _keeps_unguarded_reads(stack: ExitStack) -> None:
    """Never again reads what no condition of the lost transaction has confirmed."""

    def adopt(view: View, lost: Lost, _writes: Sequence[Write]) -> None:
        view._has_adopted = True
        unconfirmed = {} if lost.unknown else view._known
        view._known = {key: i for key, i in unconfirmed.items() if key not in lost.returned}
        view._known |= {key: item for key, item in lost.returned.items() if item is not None}

    stack.enter_context(patch.object(View, "adopt", adopt))
    stack.enter_context(patch.object(View, "forget", lambda _view: None))


def _keeps_the_customer_unknown(stack: ExitStack) -> None:
    """Adopts accounts and earnings, and tries to enrol a customer whom another has enrolled."""
    original = View.adopt

    def adopt(view: View, lost: Lost, writes: Sequence[Write]) -> None:
        original(view, lost, writes)
        for key in lost.returned:
            if isinstance(key, ExternalId):
                view._known[key] = None

    stack.enter_context(patch.object(View, "adopt", adopt))


def _commits_the_first_decision_again(stack: ExitStack) -> None:
    """Repeats the transaction instead of deciding again."""

    def around(command: Callable[[View], Decision[Any]]) -> Callable[[View], Decision[Any]]:
        decided: list[Decision[Any]] = []

        def first(view: View) -> Decision[Any]:
            decided.append(decided[0] if decided else command(view))
            return decided[0]

        return first

    run_changed(stack, around=around)


def _gives_up_at_once(stack: ExitStack) -> None:
    """Does not try again at all."""
    stack.enter_context(patch.object(ledger, "MAX_COMMIT_ATTEMPTS", 1))


def _arms_only_at_first(stack: ExitStack) -> None:
    """Arms the marker in the first attempt only."""

    def change(store: Store, writes: Sequence[Write], attempt: int) -> Outcome:
        def is_marker(write: Write) -> bool:
            return isinstance(write, Put) and isinstance(write.item, Marker)

        return store.commit([w for w in writes if attempt == 1 or not is_marker(w)])

    run_changed(stack, change)


# ---- After a lost reply


def _takes_unknown_for_done(stack: ExitStack) -> None:
    """A lost reply counts as success."""

    def change(store: Store, writes: Sequence[Write], _attempt: int) -> Outcome:
        outcome = store.commit(writes)
        return Committed() if isinstance(outcome, Lost) and outcome.unknown else outcome

    run_changed(stack, change)


def _begins_anew_with_another_id(stack: ExitStack) -> None:
    """Each attempt makes a redemption of its own."""
    ids = iter(range(1_000_000_000))

    def redemption_id(request: RequestKey) -> RedemptionId:
        return RedemptionId(f"{request.key}-{next(ids)}")

    stack.enter_context(patch.object(redeeming, "redemption_id", redemption_id))


def _does_not_know_its_request(stack: ExitStack) -> None:
    """Decides a known redemption anew instead of answering what was answered."""
    stack.enter_context(patch.object(View, "redemption", lambda _view, _key: None))


# ---- Conditions that are missing


def _appends_over(stack: ExitStack) -> None:
    """The next entry is put whatever is there."""
    unchecked(stack, lambda write: isinstance(write, Append))


def _saves_over(stack: ExitStack) -> None:
    """An earning is saved whatever its revision."""
    unchecked(stack, lambda write: isinstance(write, Save))


def _links_over(stack: ExitStack) -> None:
    """A customer is linked to a new member whoever they are linked to."""
    unchecked(stack, lambda write: creates(write, ExternalLink))


def _redeems_over(stack: ExitStack) -> None:
    """A redemption is put whatever is there."""
    unchecked(stack, lambda write: creates(write, Redemption))


def _requests_over(stack: ExitStack) -> None:
    """The result of a request is put whatever is there."""
    unchecked(stack, lambda write: creates(write, Request))


def _waits_unguarded(stack: ExitStack) -> None:
    """A purchase waits for a customer who may be enrolled already."""
    unchecked(stack, lambda write: guards_absent(write, ExternalId))


def _parks_unguarded(stack: ExitStack) -> None:
    """A refund waits for a payment that may be known already."""
    unchecked(stack, lambda write: guards_absent(write, PaymentKey))


def _decides_by_unguarded_accounts(stack: ExitStack) -> None:
    """Leaves an account alone by what it was, without a condition that it still is."""
    stack.enter_context(patch.object(recording, "_unmoved", lambda _heads, _entries: ()))


# ---- Transactions in two parts


def _remembers_redemptions_later(stack: ExitStack) -> None:
    """The redemption is written after its entry."""
    in_two(stack, lambda write: creates(write, Redemption))


def _remembers_requests_later(stack: ExitStack) -> None:
    """The request is written after the account that it opened."""
    in_two(stack, lambda write: creates(write, Request))


def _saves_the_earning_later(stack: ExitStack) -> None:
    """The fact is kept after its points were posted."""
    in_two(stack, lambda write: isinstance(write, Save))


def _arms_later(stack: ExitStack) -> None:
    """The marker is written after what falls due."""
    in_two(stack, lambda write: isinstance(write, Put) and isinstance(write.item, Marker))


# ---- Decisions from what was never true


def _believes_torn_reads(stack: ExitStack) -> None:
    """Refuses by an account and an earning that were never like this at one moment."""
    stack.enter_context(patch.object(View, "is_current", lambda _view: True))


def _believes_adopted_entries(stack: ExitStack) -> None:
    """Refuses by an entry in the middle of the transaction that won."""
    original = View.is_current

    def is_current(view: View) -> bool:
        view._has_adopted = False
        return original(view)

    stack.enter_context(patch.object(View, "is_current", is_current))


def _reads_the_ticket_first(stack: ExitStack) -> None:
    """Reads what the ticket earned before the account that it may have been posted to."""
    original = Redeeming._decide

    def decide(self: Redeeming, view: View, command: RedeemPoints, salt: str) -> Decision[Any]:
        view.load(*([command.ticket.key] if command.ticket else []))
        return original(self, view, command, salt)

    stack.enter_context(patch.object(Redeeming, "_decide", decide))


def _forgets_only_accounts(stack: ExitStack) -> None:
    """Reads accounts again after a pause, and goes on believing that its request is unknown."""

    def forget(view: View) -> None:
        view._known = {k: i for k, i in view._known.items() if not isinstance(k, HeadKey)}

    stack.enter_context(patch.object(View, "forget", forget))


def _expires_what_it_saw_first(stack: ExitStack) -> None:
    """Posts the expiry that it decided first, whatever has been spent or expired since."""
    seen: dict[tuple[int, datetime], Posting | None] = {}
    views: list[View] = []  # kept, so that an id stands for one view

    def decide(
        self: Expiring, view: View, look: LookTarget, now: datetime, actor: str
    ) -> Decision[int]:
        member_id = look.member_id
        head = view.head(member_id)
        assert head is not None
        program = self.programs.at(now)
        known = id(view), now
        if known not in seen:
            seen[known] = settlement(head.state, now=now, program=program, actor=actor)
            views.append(view)
        posting = seen[known]
        if posting is None:
            return Decision(result=0)
        expired = entry.chain(head, member_id, posting, now)
        return Decision(result=1, writes=posting_writes([expired], [head], program))

    stack.enter_context(patch.object(Expiring, "_decide", decide))


def _trusts_its_own_clock(stack: ExitStack) -> None:
    """Records by the worker's clock even where the newest entry is later."""

    def chain(head: Entry | None, member_id: MemberId, posting: Posting, now: datetime) -> Entry:
        behind = replace(head, recorded_at=now) if head else None
        return entry.chain(behind, member_id, posting, now)

    for module in (convergence, earners, expiring, redeeming):
        stack.enter_context(patch.object(module, "chain", chain))
    for module in (customers, expiring, recording, redeeming):
        stack.enter_context(patch.object(module, "latest", lambda now, _heads: now))


def _former_earner_keeps(stack: ExitStack) -> None:
    """A purchase whose new customer is unknown stays with the former one."""

    def unearned(
        _self: Recording, _view: View, stored: Earning, merged: Earning, *_: object
    ) -> Decision[Any]:
        return recording._kept(stored, merged, "waiting")

    stack.enter_context(patch.object(Recording, "_unearned", unearned))


_FAMILIES: Final = (
    (_adopts_nothing, "spending"),
    (_reads_missing_as_absent, "waiting"),
    (_keeps_unguarded_reads, "on_ticket"),
    (_keeps_the_customer_unknown, "newcomers"),
    (_commits_the_first_decision_again, "spending"),
    (_gives_up_at_once, "purchases"),
    (_arms_only_at_first, "newcomers"),
    (_takes_unknown_for_done, "spending"),
    (_begins_anew_with_another_id, "spending"),
    (_does_not_know_its_request, "spending"),
    (_appends_over, "spending"),
    (_saves_over, "purchases"),
    (_links_over, "newcomers"),
    (_redeems_over, "spending"),
    (_requests_over, "newcomers"),
    (_waits_unguarded, "waiting"),
    (_parks_unguarded, "by_payment"),
    (_decides_by_unguarded_accounts, "spending"),
    (_remembers_redemptions_later, "spending"),
    (_remembers_requests_later, "newcomers"),
    (_saves_the_earning_later, "purchases"),
    (_arms_later, "newcomers"),
    (_believes_torn_reads, "on_ticket"),
    (_believes_adopted_entries, "moving"),
    (_reads_the_ticket_first, "on_ticket"),
    (_forgets_only_accounts, "spending"),
    (_expires_what_it_saw_first, "expiring"),
    (_trusts_its_own_clock, "expiring"),
    (_former_earner_keeps, "waiting"),
)
"""Each with the family of scenarios that it shows in."""
MUTANTS: Final[Mapping[str, Mutant]] = {
    change.__name__.strip("_"): Mutant(change.__name__.strip("_"), family, change)
    for change, family in (
        *_FAMILIES,
        *mutants_of_commands.FAMILIES,
        *mutants_of_tiers.FAMILIES,
        *mutants_of_releases.FAMILIES,
        *mutants_of_challenges.FAMILIES,
        *mutants_of_budgets.FAMILIES,
    )
}
