"""What must hold after every schedule, whatever happened in it.

The strongest check comes last: the store is exactly what the same commands leave when each runs
alone, in the order in which they took effect.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from functools import lru_cache
from itertools import pairwise
from typing import Any, Final

from points_ledger.domain.activity import counts_activity
from points_ledger.domain.coupon import RANDOM_BYTES, code_of
from points_ledger.domain.entry import Entry
from points_ledger.domain.error import (
    BrokenInvariantError,
    LedgerError,
    MergeRefusedError,
    Rejection,
)
from points_ledger.domain.identity import MemberId
from points_ledger.domain.limit import MAX_COMMIT_ATTEMPTS
from points_ledger.domain.replay import replay
from points_ledger.domain.state import State
from points_ledger.service.acting import PerformAction
from points_ledger.service.enrolling import Enrolled, EnrolMember
from points_ledger.service.ledger import WritePath
from points_ledger.service.ports import Append, Item, Marker, Outcome, Write
from tests.memory_store import MemoryStore
from tests.simulation import accounts, counted, drawn, released, standings
from tests.simulation.after import After, links, survivor
from tests.simulation.scenario import Scenario, prepared_scenario, scenario_of
from tests.simulation.services import Answer, Command, Services, name_of, remembered, told
from tests.simulation.world import Refusal, Sent, World, copied, marks_ahead, no_pause


@dataclass(frozen=True, slots=True)
class Failure:
    """A check that a schedule did not pass."""

    check: str
    seed: int
    family: str
    what: str

    def __str__(self) -> str:
        return (
            f"{self.check}: {self.what}\n"
            f"  scenario {self.family}, seed {self.seed}; to see the schedule:\n"
            f"  PYTHONPATH=layers/ledger:. python -m tests.simulation {self.seed}"
        )


def first_failure(seed: int, trace: Callable[[str], None] | None = None) -> Failure | None:
    """Play one schedule and check it; the first check that fails, if any."""
    scenario = scenario_of(seed)
    world = scenario.world(seed, trace)
    history = world.play()
    after = After(scenario, world, history)
    for name, check in CHECKS.items():
        for what in check(after):
            return Failure(name, seed, scenario.family, what)
    return None


def _only_expected_errors(after: After) -> Iterable[str]:
    for run, error in after.history.errors:
        yield f"{run.name} #{run.number} ended with {error!r}"


def _everything_delivered(after: After) -> Iterable[str]:
    for name in after.history.undelivered:
        yield f"{name} never succeeded"


def _losses_were_real(after: After) -> Iterable[str]:
    """A commit is lost to a fault or to what another run has just committed, never to itself.

    A winner of several entries may cost as many attempts: only the next entry comes back.
    """
    for run, last in after.history.losers:
        others = (sent for sent in after.history.log[run.began : last] if sent.run is not run)
        chances = run.faults + sum(_conditions(sent.writes) for sent in others)
        if run.commits_lost > chances:
            yield f"{run.name} #{run.number} lost {run.commits_lost} times to {chances} writes"
    for run in after.history.conflicts:
        if run.losses < MAX_COMMIT_ATTEMPTS:
            yield f"{run.name} #{run.number} gave up after {run.losses} losses"


def _conditions(writes: Iterable[Write]) -> int:
    return max(1, sum(1 for write in writes if isinstance(write, Append)))


def _refusals_wrote_nothing(after: After) -> Iterable[str]:
    for refusal in after.history.refusals:
        if refusal.run.applied and not refusal.run.uncertain:
            yield f"{refusal.run.name} was rejected ({refusal.code}) and wrote"


def _chains_are_whole(after: After) -> Iterable[str]:
    """Gap-free, linked, the state is the sum of the postings, points are conserved."""
    appended: dict[MemberId, int] = {}
    for sent in after.history.log:
        for write in sent.writes:
            if isinstance(write, Append):
                member_id = write.entry.member_id
                appended[member_id] = appended.get(member_id, 0) + 1
    for member_id, chain in after.chains.items():
        before = len(after.scenario.prepared.chain(member_id))
        try:
            replay(chain)
        except BrokenInvariantError as error:
            yield str(error)
        if len(chain) != before + appended.get(member_id, 0):
            yield f"{member_id}: {len(chain)} entries, {appended.get(member_id, 0)} were appended"
        if any(a.recorded_at > b.recorded_at for a, b in pairwise(chain)):
            yield f"{member_id}: recorded_at goes back"


# ---- Answers


def _answers_are_definite(after: After) -> Iterable[str]:
    """The same key, the same answer; what was answered is what is remembered."""
    for command in {name_of(each): each for each in after.scenario.commands}.values():
        answers = [
            answer
            for answer in after.history.answers.get(name_of(command), [])
            if not _found_done(command, answer)
        ]
        found = [_as_json(told(answer)) for answer in answers]
        known = remembered(after.store, command)
        stored = None if known is None else _as_json(known)
        if any(each != stored for each in found):
            yield f"{name_of(command)} was answered with {found}, stored is {stored}"
        if stored is not None and not found and not _came_late(after, command):
            yield f"{name_of(command)} was never answered, stored is {stored}"
        if sum(not answer.replayed for answer in answers) > 1:
            yield f"{name_of(command)} was carried out twice"


def _found_done(command: Command, answer: Answer) -> bool:
    """Whether there was nothing to do, and so nothing to remember: the customers were linked."""
    if not isinstance(command, EnrolMember):
        return False
    return isinstance(answer, Enrolled) and not answer.created and not answer.replayed


def _came_late(after: After, command: Command) -> bool:
    """Whether a commit arrived although its sender had given up and was then refused."""
    name = name_of(command)
    late = any(r.run.name == name and r.run.uncertain for r in after.history.refusals)
    return late or bool(after.history.answers.get(name))


def _as_json(content: Mapping[str, object]) -> str:
    return json.dumps(content, sort_keys=True)


# ---- Facts in any order


@dataclass(frozen=True, slots=True)
class _Sums:
    """What of a member's account does not depend on the order of events."""

    earned: int = 0
    matured: int = 0
    pending: int | None = 0
    lapsed: int | None = 0
    available: int | None = 0
    debt: int | None = 0

    def __add__(self, other: "_Sums") -> "_Sums":
        added: dict[str, Any] = {}
        for each in fields(self):
            one, more = getattr(self, each.name), getattr(other, each.name)
            added[each.name] = None if one is None or more is None else one + more
        return _Sums(**added)


_NOTHING: Final = _Sums()
_LIKE_FACTS: Final = (EnrolMember, PerformAction)
"""Commands that do not depend on the order of events either."""


def _as_in_sequence(after: After) -> Iterable[str]:
    """Whatever the order, facts end in the balances of their sequential run."""
    if after.scenario.compared == "not":
        return
    expected = _reference(after.scenario)
    found = _sums(after.store, after.scenario)
    for whose in sorted(expected.keys() | found.keys(), key=str):
        # A customer whom only an outdated snapshot names is enrolled in some orders: for nothing.
        one, other = found.get(whose, _NOTHING), expected.get(whose, _NOTHING)
        if one != other and any((one.earned, one.matured, other.earned, other.matured)):
            yield f"{whose}: {one}, expected {other}"


def forget() -> None:
    """Drop what was worked out of scenarios: it holds for the code that worked it out."""
    _reference.cache_clear()
    prepared_scenario.cache_clear()


@lru_cache(maxsize=32)
def _reference(scenario: Scenario) -> Mapping[object, _Sums]:
    """The facts one after the other, the enrolments after them, then all time passes."""
    world = World(copied(scenario.prepared), scenario.programs, seed=0, expires=scenario.expires)
    world._fault_rate = world._kill_rate = 0.0
    world._calm = True
    for fact in scenario.facts:
        world.deliver(fact)
    for command in scenario.commands:
        if isinstance(command, _LIKE_FACTS):
            world.ask(command)
    world._calm_down()
    assert not world.history.errors, world.history.errors
    return _sums(world.store, scenario)


def _sums(store: MemoryStore, scenario: Scenario) -> Mapping[object, _Sums]:
    """By customer, or of everybody together where members give each other what they earn."""
    if scenario.compared == "each":
        return {
            customer: _sums_of(store, scenario, survivor(store, member_id))
            for customer, member_id in links(store).items()
        }
    together = _NOTHING
    for member_id in store.members():
        together += _sums_of(store, scenario, member_id)
    return {"all": together}


def _sums_of(store: MemoryStore, scenario: Scenario, member_id: MemberId) -> _Sums:
    exact = scenario.rules.clawback == "unlimited" and not scenario.expires
    untouched = exact and all(isinstance(command, _LIKE_FACTS) for command in scenario.commands)
    state = store.chain(member_id)[-1].state
    posted = [e.posted[member_id] for e in store.earnings() if member_id in e.posted]
    left = sum(part.written_off for part in posted)
    return _Sums(
        earned=sum(part.earned for part in posted),
        matured=_matured(state) - left,
        pending=state.pending if exact else None,
        lapsed=state.counter("lapsed") if exact else None,
        available=state.available if untouched else None,
        debt=state.debt if untouched else None,
    )


def _matured(state: State) -> int:
    """What purchases brought that is left, or went by commands and time; no gifts are in it."""
    gone = sum(state.counter(name) for name in ("redeemed", "expired", "forfeited"))
    came = sum(state.counter(name) for name in ("opened", "adjusted", "transferred"))
    return state.available + state.reserved + gone - came


# ---- As alone


class _WouldWriteError(Exception):
    """The command was not rejected."""


class _Probe(MemoryStore):
    """Shows a store and refuses to change it."""

    def __init__(self, store: MemoryStore) -> None:
        super().__init__()
        self._chains, self._items, self._lists = store._chains, store._items, store._lists

    def commit(self, writes: Sequence[Write]) -> Outcome:  # noqa: ARG002 - the port's name
        raise _WouldWriteError


class _EndedError(Exception):
    """The command has made the commit that is looked at."""


class _OneEntryStore(MemoryStore):
    """The content of a store, on which a command comes as far as its first entry.

    A look at an account commits its markers and its entries one by one. Each is a commit of its
    own, after which the look would decide the rest in the same way from the beginning.
    """

    def __init__(self, store: MemoryStore) -> None:
        super().__init__()
        self.__dict__.update(store.__dict__)
        self._has_ended = False

    def commit(self, writes: Sequence[Write]) -> Outcome:
        if self._has_ended:
            raise _EndedError
        self._has_ended = any(isinstance(write, Append) for write in writes)
        return super().commit(writes)


def _as_in_commit_order(after: After) -> Iterable[str]:
    """The store is what the commands leave when each runs alone, in the order of their commits.

    On the way every rejection must be true at some moment since it last tried to commit.
    """
    history = after.history
    open_refusals = [
        refusal
        for refusal in history.refusals
        # What was read while nothing was committed was true.
        if (refusal.first < refusal.last or refusal.run.losses) and not refusal.run.uncertain
    ]
    begin = len(history.log) if history.alone_until is None else history.alone_until
    if any(refusal.first < begin for refusal in open_refusals):
        store, begin = copied(after.scenario.prepared), 0
    else:
        store = after.world.alone
    for place in range(begin, len(history.log) + 1):
        open_refusals = [r for r in open_refusals if not _holds(r, place, store, after)]
        if place == len(history.log):
            break
        sent = history.log[place]
        if marks_ahead(sent):
            # Whatever was decided by: nothing depends on it, and it is right by itself.
            store.commit(sent.writes)
            continue
        try:
            sent.run.command(_alone(after, _OneEntryStore(store), sent.at, sent))
        except _EndedError:
            continue
        except LedgerError as error:
            yield f"{sent.run.name} #{sent.run.number} wrote; alone it ends with {error!r}"
            return
    for refusal in open_refusals:
        yield f"{refusal.run.name} was rejected ({refusal.code}), which was true at no moment"
    yield from _differences(store, after.store)
    if not counts_activity(after.scenario.rules):
        yield from _markers_differ(store, after.store)


def _alone(after: After, store: MemoryStore, at: datetime, sent: Sent | None = None) -> Services:
    """A process with a store of its own, which knows the time and the ids of a former attempt."""
    member_id = (sent.member_id if sent else None) or MemberId("nobody")
    code = (sent.code if sent else None) or code_of(bytes(RANDOM_BYTES))
    return Services(
        path=WritePath(store=store, pause=no_pause),
        reader=store,
        programs=after.world.programs,
        clock=lambda: at,
        new_member_id=lambda: member_id,
        new_code=lambda: code,
        # What was looked at afterwards has a commit of its own.
        look=lambda _key, _now: 0,
    )


def _holds(refusal: Refusal, place: int, store: MemoryStore, after: After) -> bool:
    if not refusal.first <= place <= refusal.last:
        return False
    try:
        refusal.run.command(_alone(after, _Probe(store), refusal.at))
    except (Rejection, MergeRefusedError) as error:
        return error.code == refusal.code
    except (_WouldWriteError, LedgerError):
        return False
    return False


def _differences(alone: MemoryStore, together: MemoryStore) -> Iterable[str]:
    if alone._chains != together._chains:
        for member_id in alone._chains.keys() | together._chains.keys():
            one, other = (_written(store.chain(member_id)) for store in (alone, together))
            if one != other:
                yield f"{member_id}: {other}, alone {one}"
        yield "the same entries, with other contents"
    if alone._items != together._items:
        for key in alone._items.keys() | together._items.keys():
            one_item: Item | None = alone._items.get(key)
            other_item: Item | None = together._items.get(key)
            if one_item != other_item:
                yield f"{key}: {other_item}, alone {one_item}"
    for what in ("_waiting", "_parked"):
        if {k: set(v) for k, v in getattr(alone, what).items()} != {
            k: set(v) for k, v in getattr(together, what).items()
        }:
            yield f"{what} differs: {getattr(together, what)}, alone {getattr(alone, what)}"
    for what in ("_lists", "_shares"):
        if getattr(alone, what) != getattr(together, what):
            yield f"{what} differs: {getattr(together, what)}, alone {getattr(alone, what)}"
    yield from _notes_differ(alone, together)


def _notes_differ(alone: MemoryStore, together: MemoryStore) -> Iterable[str]:
    """Of whoever was erased there may be less: the stream takes away what came after it, too."""
    for place in alone._notes.keys() | together._notes.keys():
        one, other = alone._notes.get(place), together._notes.get(place)
        head = together.head(survivor(together, place[0]))
        erased = head is not None and head.state.standing.status == "erased"
        if one != other and not (erased and other is None):
            yield f"note {place}: {other}, alone {one}"


def _markers_differ(alone: MemoryStore, together: MemoryStore) -> Iterable[str]:
    """Where activity moves lots they may: whichever look comes next finds where the lot is then.

    Whether it did shows where nothing is left due.
    """
    if _markers(alone) != _markers(together):
        yield f"markers differ: {_markers(together)}, alone {_markers(alone)}"


def _markers(store: MemoryStore) -> set[Marker]:
    return {marker for markers in store._markers.values() for marker in markers.values()}


def _written(chain: Iterable[Entry]) -> list[str]:
    return [
        f"{e.number} {e.posting.type} {e.posting.pending:+} {e.posting.available:+} "
        f"at {e.recorded_at:%d %H:%M:%S}"
        for e in chain
    ]


CHECKS: Final[Mapping[str, Callable[[After], Iterable[str]]]] = {
    "only expected errors": _only_expected_errors,
    "everything is delivered": _everything_delivered,
    "commits are lost to others": _losses_were_real,
    "a rejection writes nothing": _refusals_wrote_nothing,
    "chains are whole": _chains_are_whole,
    "aliases lead to one member": accounts.aliases_lead_to_one,
    "points are conserved": accounts.points_are_conserved,
    "pending is what is unmatured": accounts.pending_is_unmatured,
    "splits add up": accounts.splits_add_up,
    "one member for each customer": accounts.one_member_each,
    "the erased are forgotten": accounts.erased_are_forgotten,
    "answers are definite": _answers_are_definite,
    "spent is what was answered": accounts.spent_as_answered,
    "decided once": accounts.decided_once,
    "stock is conserved": accounts.stock_is_conserved,
    "coupons are used once": accounts.coupons_are_used_once,
    "nothing is left due": accounts.nothing_is_due,
    "tiers are reviewed": standings.tiers_are_reviewed,
    "qualifying points add up": standings.qualifying_points_add_up,
    "what was told is released": released.told_are_released,
    "prizes are paid once": counted.prizes_are_paid_once,
    "counts are what is left": counted.counts_are_what_is_left,
    "budgets are kept": drawn.budgets_are_kept,
    "facts end as in sequence": _as_in_sequence,
    "as alone in commit order": _as_in_commit_order,
}
