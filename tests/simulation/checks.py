"""What must hold after every schedule, whatever happened in it.

The strongest check comes last: the store is exactly what the same commands leave when each runs
alone, in the order in which they took effect.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from itertools import pairwise
from typing import Final

from points_ledger.domain.convergence import aim
from points_ledger.domain.entry import Entry
from points_ledger.domain.error import BrokenInvariantError, LedgerError, Rejection
from points_ledger.domain.identity import ExternalId, MemberId
from points_ledger.domain.limit import MAX_COMMIT_ATTEMPTS
from points_ledger.domain.replay import replay
from points_ledger.service.enrolling import EnrolMember
from points_ledger.service.ledger import WritePath
from points_ledger.service.ports import (
    Append,
    ExternalLink,
    Item,
    Marker,
    Outcome,
    Redemption,
    Write,
)
from points_ledger.service.redeeming import Redeemed, RedeemPoints, redemption_id
from tests.memory_store import MemoryStore
from tests.simulation.scenario import Scenario, scenario_of
from tests.simulation.world import ENDED_AT, History, Refusal, Services, World, copied, no_pause


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
    after = _After(scenario, world, history)
    for name, check in CHECKS.items():
        for what in check(after):
            return Failure(name, seed, scenario.family, what)
    return None


@dataclass(frozen=True, slots=True)
class _After:
    """A scenario, and what one schedule made of it."""

    scenario: Scenario
    world: World
    history: History

    @property
    def store(self) -> MemoryStore:
        return self.world.store


def _only_expected_errors(after: _After) -> Iterable[str]:
    for run, error in after.history.errors:
        yield f"{run.name} #{run.number} ended with {error!r}"


def _everything_delivered(after: _After) -> Iterable[str]:
    for name in after.history.undelivered:
        yield f"{name} never succeeded"


def _losses_were_real(after: _After) -> Iterable[str]:
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


def _refusals_wrote_nothing(after: _After) -> Iterable[str]:
    for refusal in after.history.refusals:
        if refusal.run.applied and not refusal.run.uncertain:
            yield f"{refusal.run.name} was rejected ({refusal.code}) and wrote"


def _chains_are_whole(after: _After) -> Iterable[str]:
    """Gap-free, linked, the state is the sum of the postings, points are conserved."""
    appended: dict[MemberId, int] = {}
    for sent in after.history.log:
        for write in sent.writes:
            if isinstance(write, Append):
                member_id = write.entry.member_id
                appended[member_id] = appended.get(member_id, 0) + 1
    for member_id in after.store.members():
        chain = after.store.chain(member_id)
        before = len(after.scenario.prepared.chain(member_id))
        try:
            replay(chain)
        except BrokenInvariantError as error:
            yield str(error)
        if len(chain) != before + appended.get(member_id, 0):
            yield f"{member_id}: {len(chain)} entries, {appended.get(member_id, 0)} were appended"
        if any(a.recorded_at > b.recorded_at for a, b in pairwise(chain)):
            yield f"{member_id}: recorded_at goes back"


def _pending_is_unmatured(after: _After) -> Iterable[str]:
    earnings = after.store.earnings()
    for member_id in after.store.members():
        pending = after.store.chain(member_id)[-1].state.pending
        unmatured = sum(e.posted[member_id].pending for e in earnings if member_id in e.posted)
        if pending != unmatured:
            yield f"{member_id}: pending {pending}, unmatured {unmatured}"


def _nothing_is_due(after: _After) -> Iterable[str]:
    """After the last sweep every earning is where its facts want it."""
    for earning in after.store.earnings():
        if earning.earner_id is not None:
            aimed = aim(earning, program=after.scenario.rules, now=ENDED_AT)
            if not aimed.is_met:
                yield f"{earning.key}: {aimed.goals} wanted, {earning.posted} posted"


def _one_member_each(after: _After) -> Iterable[str]:
    """Every account has been opened by a link or a request, and each of those opened one."""
    members = set(after.store.members())
    links = _links(after.store)
    linked = set(links.values())
    requested = {
        answer.member_id
        for key, command in after.scenario.requests
        if isinstance(command, EnrolMember)
        for answer in after.history.answers.get(key, [])
        if not isinstance(answer, Redeemed)
    }
    for member_id in sorted(members - linked - requested):
        yield f"{member_id} belongs to nobody"
    for member_id in sorted((linked | requested) - members):
        yield f"{member_id} has no account"
    if len(linked) != len(links):
        yield f"{links} share a member"


def _answers_are_definite(after: _After) -> Iterable[str]:
    """The same key, the same answer; what was answered is what is stored."""
    for key, command in dict(after.scenario.requests).items():
        answers = after.history.answers.get(key, [])
        if isinstance(command, EnrolMember):
            found = {answer.member_id for answer in answers if not isinstance(answer, Redeemed)}
            if len(found) != 1:
                yield f"{key} was answered with {sorted(found)}"
            continue
        results = [dict(answer.result) for answer in answers if isinstance(answer, Redeemed)]
        if any(result != results[0] for result in results):
            yield f"{key} was answered with {results}"
        stored = _stored_redemption(after.store, command)
        late = any(r.run.name == key and r.run.uncertain for r in after.history.refusals)
        if (stored is None) != (not results) and not late:
            yield f"{key} was answered with {results}, stored is {stored}"
        if sum(1 for answer in answers if isinstance(answer, Redeemed) and not answer.replayed) > 1:
            yield f"{key} was carried out twice"


def _spent_as_answered(after: _After) -> Iterable[str]:
    """What redemptions took is what they say, and never more than there was."""
    redemptions = [item for item in after.store._items.values() if isinstance(item, Redemption)]
    for member_id in after.store.members():
        chain = after.store.chain(member_id)
        spent = sum(r.points for r in redemptions if r.member_id == member_id)
        if chain[-1].state.counter("redeemed") != spent:
            yield f"{member_id}: redemptions of {spent}, {chain[-1].state.counter('redeemed')} gone"
        for entry in chain:
            if entry.posting.type == "redemption" and entry.state.available < 0:
                yield f"{member_id}: entry {entry.number} spends more than there is"


@dataclass(frozen=True, slots=True)
class _Sums:
    """What of a member's account does not depend on the order of events."""

    earned: int
    matured: int
    pending: int | None
    lapsed: int | None
    available: int | None
    debt: int | None


_NOTHING: Final = _Sums(earned=0, matured=0, pending=0, lapsed=0, available=0, debt=0)


def _as_in_sequence(after: _After) -> Iterable[str]:
    """Whatever the order, facts end in the balances of their sequential run."""
    expected = _reference(after.scenario)
    found = _sums(after.store, after.scenario)
    for external_id in sorted(expected.keys() | found.keys()):
        # A customer whom only an outdated snapshot names is enrolled in some orders: for nothing.
        one, other = found.get(external_id, _NOTHING), expected.get(external_id, _NOTHING)
        if one != other and any((one.earned, one.matured, other.earned, other.matured)):
            yield f"{external_id}: {one}, expected {other}"


@lru_cache(maxsize=32)
def _reference(scenario: Scenario) -> Mapping[ExternalId, _Sums]:
    """The facts one after the other, the enrolments after them, then all time passes."""
    world = World(copied(scenario.prepared), scenario.programs, seed=0, expires=scenario.expires)
    world._fault_rate = world._kill_rate = 0.0
    world._calm = True
    for fact in scenario.facts:
        world.deliver(fact)
    for key, command in scenario.requests:
        if isinstance(command, EnrolMember):
            world.request(key, command)
    world._calm_down()
    assert not world.history.errors, world.history.errors
    return _sums(world.store, scenario)


def _sums(store: MemoryStore, scenario: Scenario) -> Mapping[ExternalId, _Sums]:
    exact = scenario.rules.clawback == "unlimited" and not scenario.expires
    untouched = exact and not any(isinstance(c, RedeemPoints) for _, c in scenario.requests)
    earnings = store.earnings()
    sums = {}
    for external_id, member_id in _links(store).items():
        state = store.chain(member_id)[-1].state
        posted = [earning.posted[member_id] for earning in earnings if member_id in earning.posted]
        left = sum(part.written_off for part in posted)
        gone = state.counter("redeemed") + state.counter("expired")
        sums[external_id] = _Sums(
            earned=sum(part.earned for part in posted),
            matured=state.available + gone - left,
            pending=state.pending if exact else None,
            lapsed=state.counter("lapsed") if exact else None,
            available=state.available if untouched else None,
            debt=state.debt if untouched else None,
        )
    return sums


def _links(store: MemoryStore) -> dict[ExternalId, MemberId]:
    return {
        item.external_id: item.member_id
        for item in store._items.values()
        if isinstance(item, ExternalLink)
    }


def _stored_redemption(store: MemoryStore, command: RedeemPoints) -> Redemption | None:
    id_ = redemption_id(command.request)
    found = [i for i in store._items.values() if isinstance(i, Redemption)]
    return next((item for item in found if item.redemption_id == id_), None)


class _WouldWriteError(Exception):
    """The command was not rejected."""


class _Probe(MemoryStore):
    """Shows a store and refuses to change it."""

    def commit(self, writes: Sequence[Write]) -> Outcome:  # noqa: ARG002 - the port's name
        raise _WouldWriteError


def _as_in_commit_order(after: _After) -> Iterable[str]:
    """The store is what the commands leave when each runs alone, in the order of their commits.

    On the way every rejection must be true at some moment between its request and its answer.
    """
    history = after.history
    open_refusals = [r for r in history.refusals if r.first < r.last and not r.run.uncertain]
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
        try:
            sent.run.command(_alone(after, store, sent.at, sent.member_id))
        except LedgerError as error:
            yield f"{sent.run.name} #{sent.run.number} wrote; alone it ends with {error!r}"
            return
    for refusal in open_refusals:
        yield f"{refusal.run.name} was rejected ({refusal.code}), which was true at no moment"
    yield from _differences(store, after.store)


def _alone(after: _After, store: MemoryStore, at: datetime, member_id: MemberId | None) -> Services:
    """A process with a store of its own, which knows the time and the id of a former attempt."""
    path = WritePath(store=store, pause=no_pause)
    new_id = member_id or MemberId("nobody")
    return Services(path, after.world.programs, lambda: at, lambda: new_id)


def _holds(refusal: Refusal, place: int, store: MemoryStore, after: _After) -> bool:
    if not refusal.first <= place <= refusal.last:
        return False
    probe = _Probe()
    probe._chains, probe._items = store._chains, store._items
    try:
        refusal.run.command(_alone(after, probe, refusal.at, None))
    except Rejection as error:
        return error.code == refusal.code
    except _WouldWriteError:
        return False
    return False


def _differences(alone: MemoryStore, together: MemoryStore) -> Iterable[str]:
    if alone._chains != together._chains:
        for member_id in alone._chains.keys() | together._chains.keys():
            one, other = (_written(store.chain(member_id)) for store in (alone, together))
            if one != other:
                yield f"{member_id}: {other}, alone {one}"
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


CHECKS: Final[Mapping[str, Callable[[_After], Iterable[str]]]] = {
    "only expected errors": _only_expected_errors,
    "everything is delivered": _everything_delivered,
    "commits are lost to others": _losses_were_real,
    "a rejection writes nothing": _refusals_wrote_nothing,
    "chains are whole": _chains_are_whole,
    "pending is what is unmatured": _pending_is_unmatured,
    "one member for each customer": _one_member_each,
    "answers are definite": _answers_are_definite,
    "spent is what was answered": _spent_as_answered,
    "nothing is left due": _nothing_is_due,
    "facts end as in sequence": _as_in_sequence,
    "as alone in commit order": _as_in_commit_order,
}
