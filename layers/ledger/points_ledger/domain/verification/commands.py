"""Entries that commands and schedules make: computed again by the functions that made them.

What an entry itself decides on (how many points, which lots another member sent, a new standing)
is taken from it; everything that follows from that and from the account before is computed.
"""

import itertools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import field
from datetime import date, timedelta
from typing import Final

from points_ledger.domain.adjustment import Adjustment, adjust
from points_ledger.domain.calendar import format_instant, local_day, whole_second
from points_ledger.domain.dataclass import dataclass, replace
from points_ledger.domain.enrolment import enrolment
from points_ledger.domain.entry import Entry, EntryType, Posting
from points_ledger.domain.erasure import forfeit
from points_ledger.domain.grant import (
    GRANT,
    GRANT_ENDED,
    MEMBERSHIP_REASON,
    Granting,
    bought,
    ended,
    granted,
    read_grant,
    reward_source,
    without_grant,
)
from points_ledger.domain.identity import (
    AdjustmentId,
    ApprovalId,
    EarningKey,
    MemberId,
    RedemptionId,
    TransferId,
)
from points_ledger.domain.lot import Lots, negative, take, total
from points_ledger.domain.merge import Merging, closing, opening, repointed
from points_ledger.domain.opening import opening as opened_lot
from points_ledger.domain.program import Program
from points_ledger.domain.receipt import WHOLE
from points_ledger.domain.redemption import Redeemer, redeem, source_of
from points_ledger.domain.reservation import (
    Step,
    capture,
    prolong,
    release,
    reserve,
    reverse,
    still_spent,
)
from points_ledger.domain.settling import settlement
from points_ledger.domain.state import ENROLLED_AT, Reservation, Standing, State, decode_lots
from points_ledger.domain.tier import REVIEW_REASON, review, with_standing
from points_ledger.domain.transfer import (
    Party,
    Transfer,
    given,
    put_aside,
    received,
    rejected,
)
from points_ledger.domain.verification.book import Book
from points_ledger.domain.verification.outcome import DiffersError, OutOfReachError
from points_ledger.domain.warning import notice


@dataclass(kw_only=True)
class RedemptionSeen:
    """What earlier entries say of one redemption: under which version, and what is spent."""

    version: int | None
    year: int
    source: EarningKey | None
    lots: Lots = field(default_factory=dict)
    captured: int = 0
    reversed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Occurrence:
    """One entry of a command, and the account before it."""

    entry: Entry
    state: State
    book: Book
    redemptions: dict[str, RedemptionSeen]

    @property
    def posting(self) -> Posting:
        """What the entry posts."""
        return self.entry.posting

    @property
    def program(self) -> Program:
        """The version that it names, which has to be the one in force when it was recorded."""
        return self.book.program(self.posting.program_version)

    @property
    def today(self) -> date:
        """The recording day."""
        return local_day(self.entry.recorded_at, self.program.zone)

    @property
    def is_complete(self) -> bool:
        """Whether the entries of everybody who was merged into this member are there too."""
        return set(self.state.standing.aliases) <= self.book.chains.keys()

    def detail(self, name: str) -> str:
        """One of the ids that the entry names."""
        return _named("details", self.posting.details, name)

    def input(self, name: str) -> str:
        """One of the texts that its numbers were computed from."""
        return _named("inputs", self.posting.inputs, name)


def posting_of_command(found: Occurrence) -> Posting:
    """What the entry should post.

    Raises:
        DiffersError: a field of the entry that decides cannot be right.
        OutOfReachError: that takes entries that are not given.
        Rejection: nobody would have been allowed to do this.
        ValueError, ArithmeticError, LookupError: a text in the entry cannot be read.
    """
    posting = found.posting
    if posting.program_version is not None:
        found.book.check_in_force(posting.program_version, found.entry.recorded_at)
    make = _MAKERS.get(posting.type)
    if make is None:
        raise DiffersError("type", "one that a command makes", posting.type)
    return make(found)


def note_redemption(found: Occurrence) -> None:
    """Remember what later steps of a redemption go by."""
    posting = found.posting
    id_ = posting.details.get("redemption")
    if id_ is None:
        return
    if posting.type in ("redemption", "reservation"):
        found.redemptions[id_] = RedemptionSeen(
            version=posting.program_version, year=found.today.year, source=posting.source
        )
    seen = found.redemptions.get(id_)
    if seen is None:
        return
    match posting.type:
        case "redemption":
            seen.lots, seen.captured = negative(posting.lots), posting.counters.get("redeemed", 0)
        case "capture":
            reservation = found.state.reservations.get(id_)
            seen.captured = posting.counters.get("redeemed", 0)
            seen.lots = take(reservation.lots, seen.captured) if reservation else {}
        case "reversal":
            seen.reversed -= posting.counters.get("redeemed", 0)
        case _:
            pass


def _named(field_: str, texts: Mapping[str, str], name: str) -> str:
    if name not in texts:
        raise DiffersError(f"{field_}.{name}", "a value", "nothing")
    return texts[name]


# --- What time ends, and warnings -----------------------------------------------------------


def _settled(found: Occurrence) -> Posting:
    expected = settlement(
        found.state,
        now=found.entry.recorded_at,
        program=found.program,
        actor=found.posting.actor,
    )
    if expected is None:
        raise DiffersError("type", "no entry: nothing has ended", found.posting.type)
    return expected


def _warned(found: Occurrence) -> Posting:
    expected = notice(
        found.state,
        now=found.entry.recorded_at,
        program=found.program,
        actor=found.posting.actor,
    )
    if expected is None:
        raise DiffersError("type", "no entry: no warning is due", found.posting.type)
    return expected


# --- Members --------------------------------------------------------------------------------


def _enrolled(found: Occurrence) -> Posting:
    standing, posting = found.posting.standing, found.posting
    if found.entry.number != 1:
        raise DiffersError("type", "another one: the member is enrolled", posting.type)
    if standing is None:
        raise DiffersError("standing", "one to begin with", None)
    for name, value in (("status", "active"), ("alias_of", None), ("aliases", ())):
        if getattr(standing, name) != value:
            raise DiffersError(f"standing.{name}", value, getattr(standing, name))
    expected = enrolment(
        at=found.entry.recorded_at, standing=standing, actor=posting.actor, source=posting.source
    )
    # The first accounts were opened without it.
    return expected if ENROLLED_AT in posting.counters else replace(expected, counters={})


def _changed(found: Occurrence) -> Posting:
    """A new standing is what the entry decides; no number may come with it."""
    posting = found.posting
    if posting.standing is None:
        return _prolonged(found)
    alias_of = posting.standing.alias_of
    if alias_of is not None and posting.reason == "alias":
        merging = _merging(found, source=found.entry.member_id, target=alias_of, other=State())
        return repointed(found.state.standing, merging)
    if posting.reason == REVIEW_REASON:
        return _reviewed(found)
    if posting.reason == MEMBERSHIP_REASON:
        return _membership(found)
    _check_tier(posting.standing, found.state.standing)
    if (alias_of, posting.standing.aliases) != (None, found.state.standing.aliases):
        raise DiffersError("standing", "the same aliases", posting.standing)
    plan = posting.standing.sharing
    if plan and sum(share.percent for share in plan) != sum(WHOLE):
        raise DiffersError("standing.sharing", "percentages that sum to 100", plan)
    return Posting(
        type="change",
        at=found.entry.recorded_at,
        standing=posting.standing,
        actor=posting.actor,
        reason=posting.reason,
    )


def _check_tier(standing: Standing, before: Standing) -> None:
    """No entry of any other kind changes the tier."""
    for name in ("tier", "points_tier", "fell_on", "grants"):
        if getattr(standing, name) != getattr(before, name):
            right, wrong = getattr(before, name), getattr(standing, name)
            raise DiffersError(f"standing.{name}", right, wrong)


def _reviewed(found: Occurrence) -> Posting:
    expected = review(
        found.state,
        since=date.fromisoformat(found.input("since")),
        now=found.entry.recorded_at,
        program=found.program,
        actor=found.posting.actor,
    )
    if expected is None:
        raise DiffersError("type", "no entry: the tier is as it should be", found.posting.type)
    return expected


def _membership(found: Occurrence) -> Posting:
    """A membership that was bought or given, or the end of one that was bought."""
    posting, granting = found.posting, _granting(found)
    before, standing = found.state.standing, found.state.standing
    if GRANT_ENDED in posting.inputs:
        standing = without_grant(granting, posting.inputs[GRANT_ENDED])
    if GRANT in posting.inputs:
        state = replace(found.state, standing=standing)
        grant = read_grant(posting.inputs[GRANT])
        standing = bought(replace(granting, state=state), grant)
    if standing == before:
        raise DiffersError("type", "no entry: the membership is there already", posting.type)
    expected = Posting(
        type="change",
        at=found.entry.recorded_at,
        source=posting.source,
        program_version=found.program.version,
        actor=posting.actor,
        reason=MEMBERSHIP_REASON,
        inputs=posting.inputs,
    )
    return with_standing(expected, before, standing)


def _merged(found: Occurrence) -> Posting:
    """The closing entry follows from its own account, the opening one from the source's."""
    posting, own = found.posting, found.entry.member_id
    if "into" in posting.details:
        target = MemberId(posting.details["into"])
        return closing(_merging(found, source=own, target=target, other=State()))
    source = MemberId(found.detail("from"))
    if posting.standing is None or source not in posting.standing.aliases:
        raise DiffersError("details.from", "one of the aliases that the entry adds", source)
    return opening(_merging(found, source=source, target=own, other=_closed(found, source)))


def _closed(found: Occurrence, source: MemberId) -> State:
    """The account of a source before its closing entry into this member."""
    entries = found.book.chains.get(source)
    if entries is None:
        raise OutOfReachError(f"it takes over the account of {source}, whose entries it needs")
    for before, entry in itertools.pairwise(entries):
        if entry.posting.details.get("into") == found.entry.member_id:
            return before.state
    raise DiffersError("details.from", f"a member that was merged into this one, not {source}", "")


def _merging(found: Occurrence, *, source: MemberId, target: MemberId, other: State) -> Merging:
    is_source = source == found.entry.member_id
    version = found.posting.program_version
    # An alias that is pointed elsewhere names no version, because nothing depends on one.
    program = found.program if version is not None else next(iter(found.book.programs.values()))
    return Merging(
        source_id=source,
        source=found.state if is_source else other,
        target_id=target,
        target=other if is_source else found.state,
        program=program,
        now=found.entry.recorded_at,
        actor=found.posting.actor,
    )


def _forfeited(found: Occurrence) -> Posting:
    return forfeit(
        found.state,
        now=found.entry.recorded_at,
        program=found.program,
        actor=found.posting.actor,
    )


# --- Redemptions ----------------------------------------------------------------------------


def _redeemer(found: Occurrence) -> Redeemer:
    """Who redeems; what a ticket or a reward forbids is not judged again: kind reward."""
    return Redeemer(
        state=found.state,
        program=found.program,
        now=found.entry.recorded_at,
        kind="reward",
    )


def _ticket(found: Occurrence, id_: RedemptionId) -> EarningKey | None:
    """The sale that it is about, which all its entries name alike."""
    seen, source = found.redemptions.get(id_), found.posting.source
    if seen is not None and source != seen.source:
        raise DiffersError("source", seen.source, source)
    return None if source == source_of(None, id_) else source


def _redeemed(found: Occurrence) -> Posting:
    id_ = RedemptionId(found.detail("redemption"))
    expected = redeem(
        _redeemer(found),
        points=found.posting.counters.get("redeemed", 0),
        redemption_id=id_,
        actor=found.posting.actor,
        note_hash=found.posting.details.get("note"),
    )
    return _about(_with_grant(expected, found, id_), found.posting.source, id_)


def _granting(found: Occurrence) -> Granting:
    return Granting(state=found.state, today=found.today, program=found.program)


def _with_grant(expected: Posting, found: Occurrence, id_: RedemptionId) -> Posting:
    """The posting with the tier that the reward gave, which only the entry itself says."""
    if GRANT not in found.posting.inputs:
        return expected
    grant = read_grant(found.posting.inputs[GRANT])
    if grant.source != reward_source(id_):
        raise DiffersError(f"inputs.{GRANT}", reward_source(id_), grant.source)
    return granted(expected, grant, _granting(found))


def _reserved(found: Occurrence) -> Posting:
    if "transfer" in found.posting.details:
        return put_aside(_transfer(found, points=found.posting.reserved))
    id_ = RedemptionId(found.detail("redemption"))
    ends = found.posting.reservations.get(id_)
    if ends is None:
        raise DiffersError(f"reservations.{id_}", "a reservation", "nothing")
    _check_end(f"reservations.{id_}", ends, found)
    expected = reserve(
        _redeemer(found),
        points=found.posting.reserved,
        redemption_id=id_,
        expires_at=ends.expires_at,
        actor=found.posting.actor,
        note_hash=found.posting.details.get("note"),
    )
    return _about(expected, found.posting.source, id_)


def _check_end(field_: str, reservation: Reservation, found: Occurrence) -> None:
    """A reservation lasts the minutes of the program, or its days where somebody approves."""
    terms, now = found.program.redemption, found.entry.recorded_at
    ends = (
        whole_second(now + timedelta(minutes=terms.reservation_minutes)),
        whole_second(now + timedelta(days=terms.approval_days)),
    )
    if reservation.expires_at not in ends:
        expected = " or ".join(format_instant(end) for end in ends)
        raise DiffersError(field_, expected, format_instant(reservation.expires_at))


def _about(expected: Posting, source: EarningKey | None, id_: RedemptionId) -> Posting:
    """The posting about its ticket, which only the entry itself names."""
    return replace(expected, source=source or source_of(None, id_))


def _step(found: Occurrence, *, priced_by: Program | None = None) -> Step:
    id_ = RedemptionId(found.detail("redemption"))
    return Step(
        redemption_id=id_,
        state=found.state,
        now=found.entry.recorded_at,
        program=found.program,
        priced_by=priced_by or found.program,
        ticket=_ticket(found, id_),
        actor=found.posting.actor,
    )


def _priced_by(found: Occurrence) -> Program:
    """The version that the redemption was made under."""
    seen = found.redemptions.get(found.detail("redemption"))
    text = found.input("priced_by")
    if seen is not None and text != str(seen.version):
        raise DiffersError("inputs.priced_by", seen.version, text)
    return found.book.program(int(text), "inputs.priced_by")


def _captured(found: Occurrence) -> Posting:
    expected = capture(_step(found, priced_by=_priced_by(found)), int(found.input("spent")))
    return _with_grant(expected, found, RedemptionId(found.detail("redemption")))


def _released(found: Occurrence) -> Posting:
    posting = found.posting
    if posting.reason == "reservation_ended":
        return _settled(found)
    if "transfer" in posting.details:
        id_ = posting.details["transfer"]
        reservation = found.state.reservations.get(id_)
        if reservation is None:
            raise DiffersError("details.transfer", "an open reservation", id_)
        return rejected(_transfer(found, points=reservation.points), reservation)
    return release(_step(found), reason=posting.reason or "")


def _prolonged(found: Occurrence) -> Posting:
    id_ = found.detail("redemption")
    longer = found.posting.reservations.get(id_)
    if longer is None:
        raise DiffersError(f"reservations.{id_}", "a reservation", "nothing")
    _check_end(f"reservations.{id_}", longer, found)
    return prolong(_step(found), expires_at=longer.expires_at, reason=found.posting.reason or "")


def _reversed(found: Occurrence) -> Posting:
    id_ = found.detail("redemption")
    seen = found.redemptions.get(id_)
    if seen is None and found.is_complete:
        raise DiffersError("details.redemption", "a redemption of this member", id_)
    if seen is None:
        raise OutOfReachError(f"it reverses {id_}, whose entries it needs")
    spent = still_spent(seen.lots, captured=seen.captured, reversed_points=seen.reversed)
    undone = int(found.input("undone"))
    expected = reverse(
        _step(found, priced_by=_priced_by(found)), spent=spent, points=undone, year=seen.year
    )
    if seen.reversed + undone != seen.captured:
        return expected
    return ended(expected, reward_source(RedemptionId(id_)), _granting(found))


# --- Adjustments and transfers --------------------------------------------------------------


def _adjusted(found: Occurrence) -> Posting:
    posting = found.posting
    hashes = {
        name: text
        for name, text in posting.details.items()
        if name not in ("adjustment", "approval")
    }
    approval = posting.details.get("approval")
    if posting.debt > 0 and approval is None:
        raise DiffersError("details.approval", "an approval, because it makes debt", "nothing")
    asked_day = posting.inputs.get("last_day")
    return adjust(
        Adjustment(
            id=AdjustmentId(found.detail("adjustment")),
            points=int(found.input("points")),
            last_day=None if asked_day is None else date.fromisoformat(asked_day),
            reason=posting.reason or "",
            hashes=hashes,
        ),
        state=found.state,
        program=found.program,
        now=found.entry.recorded_at,
        actor=posting.actor,
        approval=None if approval is None else ApprovalId(approval),
    )


def _opened(found: Occurrence) -> Posting:
    posting = found.posting
    source = posting.source
    if source is None or (source.source, source.kind) != ("points-ledger", "import"):
        raise DiffersError("source", "the row that was imported", source)
    return opened_lot(
        found.state,
        points=int(found.input("points")),
        last_day=date.fromisoformat(found.input("last_day")),
        source=source,
        now=found.entry.recorded_at,
        program=found.program,
        actor=posting.actor,
    )


def _transferred(found: Occurrence) -> Posting:
    """The side that gives follows from its account, the one that gets from the lots it got."""
    posting = found.posting
    points = posting.counters.get("transferred", 0)
    if points > 0:
        lots = decode_lots(found.input("lots"))
        if total(lots) != points:
            raise DiffersError("inputs.lots", f"{points} points", posting.inputs["lots"])
        return received(_transfer(found, points=points), lots)
    reservation = next(iter(posting.reservations), None)
    set_aside_before = None if reservation is None else found.state.reservations.get(reservation)
    if reservation is not None and set_aside_before is None:
        raise DiffersError("reservations", "one that was open", reservation)
    return given(_transfer(found, points=-points), set_aside_before)


def _transfer(found: Occurrence, *, points: int) -> Transfer:
    own = Party(member_id=found.entry.member_id, state=found.state)
    other = Party(member_id=MemberId(found.detail("member")), state=State())
    gets = found.posting.counters.get("transferred", 0) > 0
    return Transfer(
        transfer_id=TransferId(found.detail("transfer")),
        points=points,
        sender=other if gets else own,
        receiver=own if gets else other,
        program=found.program,
        now=found.entry.recorded_at,
        actor=found.posting.actor,
        note_hash=found.posting.details.get("note"),
    )


def _makers() -> Iterator[tuple[EntryType, Callable[[Occurrence], Posting]]]:
    yield "enrolment", _enrolled
    yield "change", _changed
    yield "merge", _merged
    yield "forfeit", _forfeited
    yield "redemption", _redeemed
    yield "reservation", _reserved
    yield "capture", _captured
    yield "release", _released
    yield "reversal", _reversed
    yield "expiry", _settled
    yield "extension", _settled
    yield "notice", _warned
    yield "adjustment", _adjusted
    yield "opening", _opened
    yield "transfer", _transferred


_MAKERS: Final = dict(_makers())
