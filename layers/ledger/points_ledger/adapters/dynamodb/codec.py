"""Items of the table and the values that they stand for.

Every item carries `format`; what is read has the format of the day it was written, so every
format that ever was stays readable and has a stored sample under test. Nothing is verified here
that costs time: hashes are checked by replay.

What an item's key says is not repeated in its attributes. An entry keeps its amounts, type,
rules and source as attributes of their own, and the state after it as the canonical text that its
hash covers. Where an entry or earning would take more than one write unit, its long texts are
stored deflated instead: 40 lots, or a purchase of 40 lines, still fit.
"""

import base64
import json
import zlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Final, assert_never, cast

from points_ledger.adapters.dynamodb import keys
from points_ledger.adapters.dynamodb.earning_json import (
    decode_earning,
    encode_earning,
    parse_earning_key,
)
from points_ledger.adapters.dynamodb.item_size import WRITE_UNIT_BYTES, size_bytes
from points_ledger.adapters.dynamodb.tracing import traced
from points_ledger.contracts import messages
from points_ledger.contracts.stored_program import program_from_stored
from points_ledger.domain.budget import SHARDS
from points_ledger.domain.calendar import format_instant
from points_ledger.domain.earning import Earning
from points_ledger.domain.entry import ENTRY_FORMAT, Entry, Posting
from points_ledger.domain.error import BrokenInvariantError
from points_ledger.domain.fact import Fact
from points_ledger.domain.identity import (
    ApprovalId,
    CouponCode,
    EarningKey,
    ExternalId,
    MemberId,
    PaymentKey,
    RedemptionId,
    RewardId,
    SimulationId,
)
from points_ledger.domain.program import VersionPeriod
from points_ledger.domain.state import (
    ReservationChanges,
    Standing,
    State,
    decode_lots,
    decode_reservations,
    decode_standing,
    decode_state,
    encode_lots,
    encode_reservations,
    encode_standing,
    encode_state,
)
from points_ledger.service.ports import (
    Answered,
    Approval,
    Board,
    Budget,
    Coupon,
    ExternalLink,
    Item,
    Listed,
    Marker,
    MarkerKind,
    Note,
    Park,
    PaymentLink,
    PendingShare,
    Profile,
    ProgramVersion,
    Redemption,
    Request,
    RequestKey,
    Reward,
    RewardGrant,
    Score,
    Simulation,
    SimulationDraft,
    Stock,
    Stored,
    VersionList,
    Wait,
)

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef

Attributes = dict[str, "AttributeValueTypeDef"]
"""An item, or part of one, as DynamoDB takes it."""

FORMAT: Final = 1
"""The format in which everything but entries is written; theirs is ENTRY_FORMAT."""

PENDING_MEMBER: Final = "pending_member"
PENDING_SINCE: Final = "pending_since"
NO_NOTIFICATIONS: Final = "off"
MARKER_KEPT_SECONDS: Final = 400 * 86_400
"""How long a marker stays after the hour in which it is looked at."""


# --- Entries --------------------------------------------------------------------------------

_LONG_TEXTS: Final = ("state", "lots", "counters", "inputs")
"""Of an entry: deflated in this order where it would not fit into a write unit."""


def encode_entry(entry: Entry, correlation_id: str | None = None) -> Attributes:
    """An entry, without what is zero or absent, and what it was written for.

    The correlation id is beside the entry and no part of it: reading an entry leaves it out.
    """
    posting = entry.posting
    texts = {
        "type": posting.type,
        "at": format_instant(posting.at),
        "recorded_at": format_instant(entry.recorded_at),
        "lots": encode_lots(posting.lots) or None,
        "reservations": _reserved(posting.reservations, entry.state)
        if posting.reservations
        else None,
        "counters": _json(posting.counters) if posting.counters else None,
        "standing": _json(encode_standing(posting.standing)) if posting.standing else None,
        "rules": _json(posting.rules) if posting.rules else None,
        "source": str(posting.source) if posting.source else None,
        "actor": posting.actor,
        "reason": posting.reason,
        "details": _json(posting.details) if posting.details else None,
        "inputs": _json(posting.inputs) if posting.inputs else None,
        "state": encode_state(entry.state),
    }
    numbers = {
        "pending": posting.pending or None,
        "reserved": posting.reserved or None,
        "debt": posting.debt or None,
        "program_version": posting.program_version,
        "format": ENTRY_FORMAT,
    }
    item = _item(keys.entry_key(entry.member_id, entry.number), texts, numbers)
    item["previous_hash"] = {"B": entry.previous_hash}
    item["hash"] = {"B": entry.hash}
    fitted = _fitted(traced(item, correlation_id), *_LONG_TEXTS)
    if correlation_id is None or size_bytes(fitted) <= WRITE_UNIT_BYTES:
        return fitted
    return _fitted(item, *_LONG_TEXTS)


def _decode_entry_1(item: Attributes) -> Entry:
    _, member_id = keys.parts(item["PK"]["S"])
    source, version = _text(item, "source"), _number(item, "program_version")
    standing, state = _text(item, "standing"), decode_state(_fitted_text(item["state"]))
    posting = Posting(
        type=cast("Any", item["type"]["S"]),  # written from a posting
        at=datetime.fromisoformat(item["at"]["S"]),
        pending=_number(item, "pending") or 0,
        reserved=_number(item, "reserved") or 0,
        debt=_number(item, "debt") or 0,
        lots=decode_lots(_fitted_text(item["lots"])) if "lots" in item else {},
        reservations=_read_reserved(_text(item, "reservations") or "{}", state),
        counters=json.loads(_fitted_text(item["counters"])) if "counters" in item else {},
        standing=_standing(standing) if standing is not None else None,
        source=parse_earning_key(source) if source is not None else None,
        rules=tuple((id_, n) for id_, n in json.loads(_text(item, "rules") or "[]")),
        program_version=version,
        actor=item["actor"]["S"],
        reason=_text(item, "reason"),
        details=json.loads(_text(item, "details") or "{}"),
        inputs=json.loads(_fitted_text(item["inputs"])) if "inputs" in item else {},
    )
    return Entry(
        member_id=MemberId(member_id),
        number=keys.number_of(item["SK"]["S"]),
        recorded_at=datetime.fromisoformat(item["recorded_at"]["S"]),
        posting=posting,
        state=state,
        previous_hash=item["previous_hash"]["B"],
        hash=item["hash"]["B"],
    )


def _reserved(changes: ReservationChanges, state: State) -> str:
    """The changes of reservations; `true` for one that the state after the entry holds as it is."""
    full = encode_reservations(changes)
    held = state.reservations
    return _json(
        {
            id_: True if each is not None and held.get(id_) == each else full[id_]
            for id_, each in changes.items()
        }
    )


def _read_reserved(text: str, state: State) -> ReservationChanges:
    """The inverse of `_reserved`."""
    content = json.loads(text)
    held = {id_: state.reservations[id_] for id_, each in content.items() if each is True}
    others = {id_: each for id_, each in content.items() if each is not True}
    changes = {**held, **decode_reservations(others)}
    return {id_: changes[id_] for id_ in content}


def _standing(text: str) -> Standing:
    return decode_standing(json.loads(text))


# --- Earnings -------------------------------------------------------------------------------


def encode_save(
    item: Earning
    | VersionList
    | Redemption
    | Approval
    | Reward
    | Coupon
    | Profile
    | Simulation
    | Score
    | Board,
    expected: int,
) -> Attributes:
    """An item as it is stored over revision `expected`."""
    match item:
        case VersionList():
            return _encode_version_list(item)
        case Earning():
            return _encode_earning(item, expected + 1)
        case Score() | Board():
            return _encode_of_board(item, expected + 1)
        case _:
            return encode_create(replace(item, revision=expected + 1))


def _encode_earning(earning: Earning, revision: int) -> Attributes:
    texts: dict[str, str | None] = {"facts": encode_earning(earning)}
    # The sparse index holds the earning only while its home has something pending.
    if earning.home is not None and earning.home in earning.pending_members:
        texts |= _pending(earning.home, earning.posted_at)
    item = _item(keys.item_key(earning.key), texts, {"revision": revision, "format": FORMAT})
    return _fitted(item, "facts")


def _pending(member_id: MemberId, since: datetime | None) -> dict[str, str | None]:
    if since is None:
        return {}
    return {PENDING_MEMBER: member_id, PENDING_SINCE: keys.format_key_instant(since)}


def encode_pending_share(share: PendingShare) -> Attributes:
    """A further member of an earning, in the index while something of theirs is pending."""
    place = keys.share_key(share.earning, share.member_id)
    return _item(place, _pending(share.member_id, share.since), {"format": FORMAT})


def _decode_earning_1(item: Attributes) -> Earning:
    key = keys.earning_key_of(item["PK"]["S"])
    return decode_earning(key, int(item["revision"]["N"]), _fitted_text(item["facts"]))


# --- Links, commands, profiles --------------------------------------------------------------


def encode_create(
    item: ExternalLink
    | Redemption
    | Approval
    | Reward
    | Coupon
    | Request
    | ProgramVersion
    | Profile
    | Simulation
    | SimulationDraft,
) -> Attributes:
    """An item that is created once; some are saved again later."""
    texts: dict[str, str | None]
    numbers: dict[str, int | None] = {"format": FORMAT}
    match item:
        case ExternalLink():
            texts = {"member_id": item.member_id, "linked_at": format_instant(item.linked_at)}
        case Redemption():
            texts = _redemption(item)
            numbers |= _redemption_numbers(item)
        case Approval():
            texts = _approval(item)
            numbers |= {"revision": item.revision, "points": item.points}
        case Reward():
            texts = _reward(item)
            numbers |= {"revision": item.revision, "points": item.points}
        case Coupon():
            texts = _coupon(item)
            numbers |= {"revision": item.revision, "points": item.points}
        case Profile():
            return _encode_profile(item)
        case Simulation():
            texts = _simulation(item)
            numbers |= {
                "revision": item.revision,
                "shard": item.shard,
                "attempts": item.attempts or None,
            }
        case SimulationDraft():
            texts = {"document": item.document}
        case Request():
            texts = {"fingerprint": item.fingerprint, "result": item.result}
        case ProgramVersion():
            texts = {
                "document": item.document,
                "published_at": format_instant(item.published_at),
                "published_by": item.published_by,
            }
        case _:
            assert_never(item)
    return _item(keys.item_key(item.key), texts, numbers)


def _decode_external_1(item: Attributes) -> ExternalLink:
    _, source, id_ = keys.parts(item["PK"]["S"])
    return ExternalLink(
        external_id=ExternalId(source=source, id=id_),
        member_id=MemberId(item["member_id"]["S"]),
        linked_at=datetime.fromisoformat(item["linked_at"]["S"]),
    )


def _redemption(redemption: Redemption) -> dict[str, str | None]:
    return {
        "member_id": redemption.member_id,
        "fingerprint": redemption.fingerprint,
        "amount": redemption.amount,
        "currency": redemption.currency,
        "kind": redemption.kind,
        "status": redemption.status,
        "created_at": format_instant(redemption.created_at),
        "ticket": str(redemption.ticket) if redemption.ticket else None,
        "result": redemption.result,
        "lots": encode_lots(redemption.lots) or None,
        "expires_at": _instant(redemption.expires_at),
        "holds": "yes" if redemption.holds else None,
        "requested_by": redemption.requested_by,
        "approval_id": redemption.approval_id,
        "reward_id": redemption.reward_id,
        "coupon": redemption.coupon,
        "changed_at": _instant(redemption.changed_at),
        "commands": _json({k: [a.fingerprint, a.result] for k, a in redemption.commands.items()})
        if redemption.commands
        else None,
    }


def _redemption_numbers(redemption: Redemption) -> dict[str, int | None]:
    return {
        "revision": redemption.revision,
        "points": redemption.points,
        "entry": redemption.entry,
        "program_version": redemption.program_version,
        "year": redemption.year or None,
        "captured": redemption.captured or None,
        "reversed": redemption.reversed or None,
    }


def _decode_redemption_1(item: Attributes) -> Redemption:
    _, id_ = keys.parts(item["PK"]["S"])
    ticket = _text(item, "ticket")
    return Redemption(
        redemption_id=RedemptionId(id_),
        member_id=MemberId(item["member_id"]["S"]),
        fingerprint=item["fingerprint"]["S"],
        points=int(item["points"]["N"]),
        amount=item["amount"]["S"],
        currency=item["currency"]["S"],
        kind=item["kind"]["S"],
        status=cast("Any", item["status"]["S"]),  # written from a redemption
        created_at=datetime.fromisoformat(item["created_at"]["S"]),
        entry=int(item["entry"]["N"]),
        ticket=parse_earning_key(ticket) if ticket is not None else None,
        result=item["result"]["S"],
        revision=_number(item, "revision") or 1,
        program_version=_number(item, "program_version"),
        year=_number(item, "year") or 0,
        lots=decode_lots(_text(item, "lots") or ""),
        captured=_number(item, "captured") or 0,
        reversed=_number(item, "reversed") or 0,
        expires_at=_read_instant(item, "expires_at"),
        holds="holds" in item,
        requested_by=_text(item, "requested_by"),
        approval_id=cast("ApprovalId | None", _text(item, "approval_id")),
        reward_id=cast("RewardId | None", _text(item, "reward_id")),
        coupon=cast("CouponCode | None", _text(item, "coupon")),
        changed_at=_read_instant(item, "changed_at"),
        commands={
            command: Answered(fingerprint=fingerprint, result=result)
            for command, (fingerprint, result) in json.loads(
                _text(item, "commands") or "{}"
            ).items()
        },
    )


def _approval(approval: Approval) -> dict[str, str | None]:
    return {
        "kind": approval.kind,
        "member_id": approval.member_id,
        "requested_by": approval.requested_by,
        "subject": approval.subject,
        "command": approval.command,
        "status": approval.status,
        "created_at": format_instant(approval.created_at),
        "expires_at": _instant(approval.expires_at),
        "decided_by": approval.decided_by,
        "decided_at": _instant(approval.decided_at),
    }


def _decode_approval_1(item: Attributes) -> Approval:
    _, id_ = keys.parts(item["PK"]["S"])
    return Approval(
        approval_id=ApprovalId(id_),
        revision=int(item["revision"]["N"]),
        kind=cast("Any", item["kind"]["S"]),  # written from an approval
        member_id=MemberId(item["member_id"]["S"]),
        points=int(item["points"]["N"]),
        requested_by=item["requested_by"]["S"],
        subject=item["subject"]["S"],
        command=item["command"]["S"],
        status=cast("Any", item["status"]["S"]),  # written from an approval
        created_at=datetime.fromisoformat(item["created_at"]["S"]),
        expires_at=_read_instant(item, "expires_at"),
        decided_by=_text(item, "decided_by"),
        decided_at=_read_instant(item, "decided_at"),
    )


# --- Rewards and coupons --------------------------------------------------------------------


def _reward(reward: Reward) -> dict[str, str | None]:
    return {
        "name": reward.name,
        "description": reward.description,
        "kind": reward.kind,
        "amount": reward.amount,
        "amount_due": reward.amount_due,
        "tiers": _json(reward.tiers) if reward.tiers else None,
        "valid_from": _instant(reward.valid_from),
        "valid_until": _instant(reward.valid_until),
        "active": "yes" if reward.is_active else None,
        "limited": "yes" if reward.is_limited else None,
        "grants": _json([reward.grants.tier, reward.grants.months]) if reward.grants else None,
        "created_at": format_instant(reward.created_at),
    }


def _reward_grant(text: str | None) -> RewardGrant | None:
    if text is None:
        return None
    tier, months = json.loads(text)
    return RewardGrant(tier=tier, months=months)


def _decode_reward_1(item: Attributes) -> Reward:
    _, id_ = keys.parts(item["PK"]["S"])
    return Reward(
        reward_id=RewardId(id_),
        revision=int(item["revision"]["N"]),
        name=item["name"]["S"],
        description=_text(item, "description"),
        kind=cast("Any", item["kind"]["S"]),  # written from a reward
        points=int(item["points"]["N"]),
        amount=_text(item, "amount"),
        amount_due=_text(item, "amount_due"),
        tiers=tuple(json.loads(_text(item, "tiers") or "[]")),
        valid_from=_read_instant(item, "valid_from"),
        valid_until=_read_instant(item, "valid_until"),
        is_active="active" in item,
        is_limited="limited" in item,
        grants=_reward_grant(_text(item, "grants")),
        created_at=datetime.fromisoformat(item["created_at"]["S"]),
    )


def encode_stock(stock: Stock) -> Attributes:
    """How many of a reward are left."""
    return _item(keys.item_key(stock.key), {}, {"remaining": stock.remaining, "format": FORMAT})


def _decode_stock_1(item: Attributes) -> Stock:
    _, id_ = keys.parts(item["PK"]["S"])
    return Stock(reward_id=RewardId(id_), remaining=int(item["remaining"]["N"]))


def _decode_budget_1(item: Attributes) -> Budget:
    """A shard of a budget; only the store's draws write it."""
    _, campaign_id = keys.parts(item["PK"]["S"])
    return Budget(
        campaign_id=campaign_id, shard=int(item["SK"]["S"]), given=int(item["given"]["N"])
    )


def _coupon(coupon: Coupon) -> dict[str, str | None]:
    return {
        "member_id": coupon.member_id,
        "redemption_id": coupon.redemption_id,
        "reward_id": coupon.reward_id,
        "amount": coupon.amount,
        "currency": coupon.currency,
        "status": coupon.status,
        "last_day": coupon.last_day.isoformat(),
        "created_at": format_instant(coupon.created_at),
        "used_at": _instant(coupon.used_at),
        "used_on": coupon.used_on,
    }


def _decode_coupon_1(item: Attributes) -> Coupon:
    _, code = keys.parts(item["PK"]["S"])
    return Coupon(
        code=CouponCode(code),
        revision=int(item["revision"]["N"]),
        member_id=MemberId(item["member_id"]["S"]),
        redemption_id=RedemptionId(item["redemption_id"]["S"]),
        reward_id=cast("RewardId | None", _text(item, "reward_id")),
        points=int(item["points"]["N"]),
        amount=item["amount"]["S"],
        currency=item["currency"]["S"],
        status=cast("Any", item["status"]["S"]),  # written from a coupon
        last_day=date.fromisoformat(item["last_day"]["S"]),
        created_at=datetime.fromisoformat(item["created_at"]["S"]),
        used_at=_read_instant(item, "used_at"),
        used_on=_text(item, "used_on"),
    )


def _decode_request_1(item: Attributes) -> Request:
    _, caller, key = keys.parts(item["PK"]["S"])
    return Request(
        key=RequestKey(caller=caller, key=key),
        fingerprint=item["fingerprint"]["S"],
        result=item["result"]["S"],
    )


def _encode_profile(profile: Profile) -> Attributes:
    texts = {
        "name": profile.name,
        "email": profile.email,
        "phone": profile.phone,
        "birthday": profile.birthday,
        "language": profile.language,
        # Only where it says something: what was stored before knew no such choice.
        "notifications": None if profile.notifications else NO_NOTIFICATIONS,
        "external_ids": _json([str(id_) for id_ in profile.external_ids]),
        "updated_at": format_instant(profile.updated_at),
        "created_at": format_instant(profile.created_at),
    }
    numbers = {"revision": profile.revision, "format": FORMAT}
    return _item(keys.item_key(profile.key), texts, numbers)


def _decode_profile_1(item: Attributes) -> Profile:
    _, member_id = keys.parts(item["PK"]["S"])
    return Profile(
        member_id=MemberId(member_id),
        revision=_number(item, "revision") or 1,
        name=_text(item, "name"),
        email=_text(item, "email"),
        phone=_text(item, "phone"),
        birthday=_text(item, "birthday"),
        language=_text(item, "language"),
        notifications=_text(item, "notifications") != NO_NOTIFICATIONS,
        external_ids=tuple(map(ExternalId.parse, json.loads(item["external_ids"]["S"]))),
        updated_at=datetime.fromisoformat(item["updated_at"]["S"]),
        created_at=datetime.fromisoformat(item["created_at"]["S"]),
    )


def _decode_payment_1(item: Attributes) -> PaymentLink:
    _, source, id_ = keys.parts(item["PK"]["S"])
    return PaymentLink(
        payment=PaymentKey(source=source, id=id_),
        purchase=parse_earning_key(item["purchase"]["S"]),
    )


# --- Leaderboards ---------------------------------------------------------------------------


def _encode_of_board(item: Score | Board, revision: int) -> Attributes:
    """A member's score, or the note that a period is frozen."""
    texts: dict[str, str | None] = {}
    numbers: dict[str, int | None] = {"revision": revision, "format": FORMAT}
    match item:
        case Score():
            numbers |= {"score": item.score, "number": item.number}
        case Board():
            texts = {
                "frozen_at": format_instant(item.frozen_at),
                "cursor": item.cursor,
                "awarded": "yes" if item.is_awarded else None,
            }
            numbers |= {
                "program_version": item.program_version,
                "places": item.places or None,
                "rank": item.rank or None,
                "score": item.score,
            }
        case _:
            assert_never(item)
    return _item(keys.item_key(item.key), texts, numbers)


def _decode_score_1(item: Attributes) -> Score:
    _, board_id, period = keys.parts(item["PK"]["S"])
    return Score(
        board_id=board_id,
        period=period,
        member_id=MemberId(keys.parts(item["SK"]["S"])[1]),
        revision=int(item["revision"]["N"]),
        score=int(item["score"]["N"]),
        number=int(item["number"]["N"]),
    )


def _decode_board_1(item: Attributes) -> Board:
    _, board_id, period = keys.parts(item["PK"]["S"])
    return Board(
        board_id=board_id,
        period=period,
        revision=int(item["revision"]["N"]),
        program_version=int(item["program_version"]["N"]),
        frozen_at=datetime.fromisoformat(item["frozen_at"]["S"]),
        is_awarded="awarded" in item,
        cursor=_text(item, "cursor"),
        places=_number(item, "places") or 0,
        rank=_number(item, "rank") or 0,
        score=_number(item, "score"),
    )


# --- The program ----------------------------------------------------------------------------


def _decode_program_version_1(item: Attributes) -> ProgramVersion:
    document = item["document"]["S"]
    return ProgramVersion(
        program=program_from_stored(document, keys.number_of(item["SK"]["S"])),
        document=document,
        published_at=datetime.fromisoformat(item["published_at"]["S"]),
        published_by=_text(item, "published_by"),
    )


def _encode_version_list(versions: VersionList) -> Attributes:
    periods = [
        [period.version, format_instant(period.effective_from)] for period in versions.periods
    ]
    # Every change adds a version, so their number is the revision.
    numbers = {"revision": len(versions.periods), "format": FORMAT}
    return _item(keys.item_key(versions.key), {"periods": _json(periods)}, numbers)


def _decode_version_list_1(item: Attributes) -> VersionList:
    return VersionList(
        periods=tuple(
            VersionPeriod(version=version, effective_from=datetime.fromisoformat(begins))
            for version, begins in json.loads(item["periods"]["S"])
        )
    )


# --- Backtests ------------------------------------------------------------------------------


def _simulation(simulation: Simulation) -> dict[str, str | None]:
    return {
        "status": simulation.status,
        "begins": format_instant(simulation.begins),
        "ends": format_instant(simulation.ends),
        "compared_at": format_instant(simulation.compared_at),
        "created_at": format_instant(simulation.created_at),
        "requested_by": simulation.requested_by,
        "cursor": simulation.cursor,
        "tally": simulation.tally,
        "reason": simulation.reason,
    }


def _decode_simulation_1(item: Attributes) -> Simulation:
    _, id_ = keys.parts(item["PK"]["S"])
    return Simulation(
        simulation_id=SimulationId(id_),
        revision=int(item["revision"]["N"]),
        status=cast("Any", item["status"]["S"]),  # written from a simulation
        begins=datetime.fromisoformat(item["begins"]["S"]),
        ends=datetime.fromisoformat(item["ends"]["S"]),
        compared_at=datetime.fromisoformat(item["compared_at"]["S"]),
        created_at=datetime.fromisoformat(item["created_at"]["S"]),
        requested_by=item["requested_by"]["S"],
        shard=_number(item, "shard") or 0,
        cursor=_text(item, "cursor"),
        attempts=_number(item, "attempts") or 0,
        tally=item["tally"]["S"],
        reason=_text(item, "reason"),
    )


def _decode_simulation_draft_1(item: Attributes) -> SimulationDraft:
    _, id_ = keys.parts(item["PK"]["S"])
    return SimulationDraft(simulation_id=SimulationId(id_), document=item["document"]["S"])


# --- What is put whether or not it is there -------------------------------------------------


def encode_put(item: Note | PaymentLink | Listed | PendingShare | Stock) -> Attributes:
    """An item whose being there twice changes nothing."""
    match item:
        case Note():
            place = keys.note_key(item.member_id, item.id)
            return _item(place, {"text": item.text, "salt": item.salt}, {"format": FORMAT})
        case Listed():
            return _item(keys.listed_key(item), {}, {"format": FORMAT})
        case PendingShare():
            return encode_pending_share(item)
        case Stock():
            return encode_stock(item)
        case PaymentLink():
            texts = {"purchase": str(item.purchase)}
            return _item(keys.item_key(item.key), texts, {"format": FORMAT})
        case _:
            assert_never(item)


def decode_note(item: Attributes) -> Note:
    """The inverse of `encode_put` for notes."""
    _check_format(item)
    _, member_id = keys.parts(item["PK"]["S"])
    return Note(
        member_id=MemberId(member_id),
        id=keys.parts(item["SK"]["S"])[1],
        text=item["text"]["S"],
        salt=item["salt"]["S"],
    )


def encode_marker(marker: Marker, hour: datetime, shards: int) -> Attributes:
    """A marker among those that are looked at in `hour`, which is not before the current one."""
    place = keys.marker_key(marker.kind, hour, shards, due_at=marker.due_at, target=marker.target)
    expires = int(max(hour, marker.due_at).timestamp()) + MARKER_KEPT_SECONDS
    return _item(place, {"target": marker.target}, {"expires_at_epoch": expires, "format": FORMAT})


def decode_marker(item: Attributes) -> Marker:
    """The inverse of `encode_marker`."""
    _check_format(item)
    _, kind, *_ = keys.parts(item["PK"]["S"])
    return Marker(
        kind=cast("MarkerKind", kind),
        due_at=keys.due_of(item["SK"]["S"]),
        target=item["target"]["S"],
    )


def encode_wait(wait: Wait) -> Attributes:
    """An earning that waits for a customer."""
    place = keys.waiting_key(wait.external_id, wait.earning)
    return _item(place, {"earning": str(wait.earning)}, {"format": FORMAT})


def decode_waiting(item: Attributes) -> EarningKey:
    """The inverse of `encode_wait`."""
    _check_format(item)
    return parse_earning_key(item["earning"]["S"])


def encode_park(park: Park) -> Attributes:
    """A fact that waits for a payment."""
    text = messages.encode(park.fact)
    return _item(keys.parked_key(park.payment, text), {"fact": text}, {"format": FORMAT})


def decode_parked(item: Attributes) -> Fact:
    """The inverse of `encode_park`."""
    _check_format(item)
    return messages.decode(item["fact"]["S"])


# --- Any stored item ------------------------------------------------------------------------

_DECODERS: Final[Mapping[str, Mapping[int, Callable[[Attributes], Stored]]]] = {
    "MEMBER/ENTRY": {1: _decode_entry_1},
    "EARNING/EARNING": {1: _decode_earning_1},
    "EXTERNAL/EXTERNAL": {1: _decode_external_1},
    "PAYMENT/PAYMENT": {1: _decode_payment_1},
    "REDEMPTION/REDEMPTION": {1: _decode_redemption_1},
    "APPROVAL/APPROVAL": {1: _decode_approval_1},
    "REWARD/REWARD": {1: _decode_reward_1},
    "REWARD/STOCK": {1: _decode_stock_1},
    **{f"BUDGET/{shard}": {1: _decode_budget_1} for shard in range(SHARDS)},
    "COUPON/COUPON": {1: _decode_coupon_1},
    "REQUEST/REQUEST": {1: _decode_request_1},
    "PROFILE/PROFILE": {1: _decode_profile_1},
    "SIMULATION/SIMULATION": {1: _decode_simulation_1},
    "SIMULATION/DRAFT": {1: _decode_simulation_draft_1},
    "BOARD/MEMBER": {1: _decode_score_1},
    "BOARD/BOARD": {1: _decode_board_1},
    "PROGRAM/VERSION": {1: _decode_program_version_1},
    "PROGRAM/VERSIONS": {1: _decode_version_list_1},
}
"""By kind of key and format. A format is never taken out: items of it are out there."""


def decode(item: Attributes) -> Stored:
    """What an item stands for, in whichever format it was written.

    Raises:
        BrokenInvariantError: no such kind of item, or a format that this version does not know.
    """
    kind, format_ = keys.stored_kind(item["PK"]["S"], item["SK"]["S"]), _number(item, "format")
    decoder = _DECODERS.get(kind, {}).get(format_ or 0)
    if decoder is None:
        raise BrokenInvariantError(f"no way to read format {format_} of {kind}")
    return decoder(item)


def decode_entry(item: Attributes) -> Entry:
    """An item of a member's chain."""
    return cast("Entry", decode(item))


def decode_item(item: Attributes) -> Item:
    """An item that is read by its own key."""
    return cast("Item", decode(item))


def decode_stream_image(image: Mapping[str, Mapping[str, str]]) -> Stored | None:
    """What an image in a record of the table's stream stands for, as Lambda delivers it.

    None for items that are not read by their own key: markers, notes, what waits, progress.
    """
    item = cast("Attributes", {name: _from_stream(value) for name, value in image.items()})
    kind = keys.stored_kind(item["PK"]["S"], item["SK"]["S"])
    return decode(item) if kind in _DECODERS else None


def _from_stream(value: Mapping[str, str]) -> Mapping[str, str | bytes]:
    return {"B": base64.b64decode(value["B"])} if "B" in value else value


def _check_format(item: Attributes) -> None:
    format_ = _number(item, "format")
    if format_ != FORMAT:
        kind = keys.stored_kind(item["PK"]["S"], item["SK"]["S"])
        raise BrokenInvariantError(f"no way to read format {format_} of {kind}")


# --- Attributes -----------------------------------------------------------------------------


def _item(
    place: keys.TableKey, texts: Mapping[str, str | None], numbers: Mapping[str, int | None]
) -> Attributes:
    """An item of texts and numbers; what is None is left out."""
    item: Attributes = key_attributes(place)
    for name, text in texts.items():
        if text is not None:
            item[name] = {"S": text}
    for name, number in numbers.items():
        if number is not None:
            item[name] = {"N": str(number)}
    return item


def _fitted(item: Attributes, *names: str) -> Attributes:
    """The item with its long texts deflated, one after the other, until it is one write unit."""
    size = size_bytes(item)
    for name in names:
        if size <= WRITE_UNIT_BYTES:
            break
        if name in item:
            item[name] = {"B": zlib.compress(item[name]["S"].encode())}
            size = size_bytes(item)
    return item


def _fitted_text(value: "AttributeValueTypeDef") -> str:
    return value["S"] if "S" in value else zlib.decompress(value["B"]).decode()


def key_attributes(place: keys.TableKey) -> Attributes:
    """A key as DynamoDB takes it."""
    return {"PK": {"S": place.pk}, "SK": {"S": place.sk}}


def _text(item: Attributes, name: str) -> str | None:
    value = item.get(name)
    return value["S"] if value is not None else None


def _instant(instant: datetime | None) -> str | None:
    return None if instant is None else format_instant(instant)


def _read_instant(item: Attributes, name: str) -> datetime | None:
    text = _text(item, name)
    return None if text is None else datetime.fromisoformat(text)


def _number(item: Attributes, name: str) -> int | None:
    value = item.get(name)
    return int(value["N"]) if value is not None else None


def _json(content: Mapping[str, object] | Iterable[object]) -> str:
    return json.dumps(content, separators=(",", ":"), ensure_ascii=False)
