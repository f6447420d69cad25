"""Every key of the table: the only module that builds one or reads one.

A key is a partition (PK) and a place in it (SK). Its parts are joined by `#`; a part that comes
from outside is escaped, so that no id can forge the key of something else, and the number of
parts of each kind is fixed. Instants in keys have a fixed width and sort as time.

| item                          | PK                                 | SK                        |
|-------------------------------|------------------------------------|---------------------------|
| entry                         | MEMBER#<member>                    | ENTRY#<number, 12 digits> |
| earning, share of another     | EARNING#<source>#<kind>#<id>       | EARNING, SHARE#<member>   |
| redemption                    | REDEMPTION#<id>                    | REDEMPTION                |
| approval                      | APPROVAL#<id>                      | APPROVAL                  |
| reward, its stock             | REWARD#<id>                        | REWARD, STOCK             |
| shard of a campaign's budget  | BUDGET#<campaign>                  | <shard>                   |
| coupon                        | COUPON#<code>                      | COUPON                    |
| place in a list               | LIST#<list>#<partition>            | <sort>#<id>               |
| frozen leaderboard, score     | BOARD#<leaderboard>#<period>       | BOARD, MEMBER#<member>    |
| request                       | REQUEST#<caller>#<key>             | REQUEST                   |
| backtest, its draft           | SIMULATION#<id>                    | SIMULATION, DRAFT         |
| profile, free text            | PROFILE#<member>                   | PROFILE, NOTE#<id>        |
| name of a sign-in             | PROFILE#<member>                   | SIGNIN#<digest>           |
| external id, what waits for it| EXTERNAL#<source>#<id>             | EXTERNAL, WAITING#<digest>|
| payment, what waits for it    | PAYMENT#<source>#<id>              | PAYMENT, PARKED#<digest>  |
| program versions              | PROGRAM                            | VERSIONS, VERSION#<8 dig.>|
| hours that have due markers   | DUE#<kind>                         | HOUR#<hour>               |
| due marker                    | DUE#<kind>#<hour>#<shard>          | <due instant>#<digest>    |
| progress of a sweep           | SWEEP#<kind>                       | PROGRESS                  |
| progress of a shard           | SWEEP#<kind>                       | SHARD#<hour>#<4 digits>   |
| totals, what they rest on     | TOTALS#<part>…                     | <place>                   |
| checkpoint of a stream shard  | CHECKPOINT#<shard>                 | CHECKPOINT                |
| why a message failed          | FAILURE#<message id>               | FAILURE                   |
| reconciliation                | INTEGRITY                          | RECONCILIATION            |
| recount of totals, its sums   | INTEGRITY                          | RECOUNT, RECOUNT#<year>   |
| progress of checkpoints       | CHECKPOINTS                        | PROGRESS                  |
| member with changes           | CHANGED#<hour>#<shard>             | <member>                  |
| outbound webhooks, their count| OUTBOUND#ENDPOINTS                 | ENDPOINT#<id>, COUNT      |
| secrets of an outbound webhook| OUTBOUND#SECRETS#<id>              | SECRETS                   |
| log of an outbound webhook    | OUTBOUND#DELIVERIES#<id>           | <delivery id>             |
| templates of mails            | NOTIFICATIONS                      | TEMPLATES                 |
| mail that was sent            | MAIL#<member>                      | <event>#<occasion>        |
"""

import hashlib
from datetime import UTC, datetime
from typing import Final, NamedTuple, assert_never

from points_ledger.domain.identity import EarningKey, ExternalId, MemberId, PaymentKey
from points_ledger.service.ports import (
    ApprovalKey,
    BoardKey,
    BudgetKey,
    CouponKey,
    ItemKey,
    Listed,
    ListName,
    MarkerKind,
    ProfileKey,
    RedemptionKey,
    RequestKey,
    RewardKey,
    ScoreKey,
    SimulationDraftKey,
    SimulationKey,
    StockKey,
    VersionKey,
    VersionListKey,
)

MEMBER: Final = "MEMBER"
EARNING: Final = "EARNING"
REDEMPTION: Final = "REDEMPTION"
APPROVAL: Final = "APPROVAL"
REWARD: Final = "REWARD"
STOCK: Final = "STOCK"
BUDGET: Final = "BUDGET"
COUPON: Final = "COUPON"
LIST: Final = "LIST"
BOARD: Final = "BOARD"
REQUEST: Final = "REQUEST"
PROFILE: Final = "PROFILE"
EXTERNAL: Final = "EXTERNAL"
PAYMENT: Final = "PAYMENT"
PROGRAM: Final = "PROGRAM"
SIMULATION: Final = "SIMULATION"
DRAFT: Final = "DRAFT"
DUE: Final = "DUE"
SWEEP: Final = "SWEEP"
TOTALS: Final = "TOTALS"
CHECKPOINT: Final = "CHECKPOINT"
CHECKPOINTS: Final = "CHECKPOINTS"
FAILURE: Final = "FAILURE"
INTEGRITY: Final = "INTEGRITY"
CHANGED: Final = "CHANGED"
OUTBOUND: Final = "OUTBOUND"
NOTIFICATIONS: Final = "NOTIFICATIONS"
MAIL: Final = "MAIL"

ENTRY_PREFIX: Final = "ENTRY#"
AFTER_ENTRIES: Final = "ENTRY$"
"""Sorts after every entry: '$' is the character after the separator '#'."""
WAITING_PREFIX: Final = "WAITING#"
PARKED_PREFIX: Final = "PARKED#"
NOTE_PREFIX: Final = "NOTE#"
SIGN_IN_PREFIX: Final = "SIGNIN#"
SHARE_PREFIX: Final = "SHARE#"
ENDPOINT_PREFIX: Final = "ENDPOINT#"
FIRST_MARKER: Final = "0"
"""Sorts before every marker of an hour."""

_ENTRY_DIGITS: Final = 12
_VERSION_DIGITS: Final = 8
_HOUR_PREFIX: Final = "HOUR#"
_SHARD_PREFIX: Final = "SHARD#"
_SHARD_DIGITS: Final = 4
_AFTER_ALL: Final = "\U0010ffff"
"""Sorts after every character: keys are compared as UTF-8."""


class TableKey(NamedTuple):
    """Where an item is stored."""

    pk: str
    sk: str


# --- The ledger -----------------------------------------------------------------------------


def chain_pk(member_id: MemberId) -> str:
    """The partition of a member's entries; nothing else lives there."""
    return _joined(MEMBER, member_id)


def entry_key(member_id: MemberId, number: int) -> TableKey:
    """One entry; numbers sort as text because their width is fixed."""
    return TableKey(chain_pk(member_id), entry_sk(number))


def entry_sk(number: int) -> str:
    """The place of an entry in its chain."""
    return f"{ENTRY_PREFIX}{number:0{_ENTRY_DIGITS}d}"


def item_key(key: ItemKey) -> TableKey:
    """The place of every item that is read by its own key."""
    match key:
        case EarningKey():
            return TableKey(_joined(EARNING, key.source, key.kind, key.id), EARNING)
        case ExternalId():
            return TableKey(_external_pk(key), EXTERNAL)
        case PaymentKey():
            return TableKey(_payment_pk(key), PAYMENT)
        case RedemptionKey():
            return TableKey(_joined(REDEMPTION, key.redemption_id), REDEMPTION)
        case ApprovalKey():
            return TableKey(_joined(APPROVAL, key.approval_id), APPROVAL)
        case RewardKey() | StockKey():
            place = STOCK if isinstance(key, StockKey) else REWARD
            return TableKey(_joined(REWARD, key.reward_id), place)
        case BudgetKey():
            return TableKey(_joined(BUDGET, key.campaign_id), str(key.shard))
        case CouponKey():
            return TableKey(_joined(COUPON, key.code), COUPON)
        case RequestKey():
            return TableKey(_joined(REQUEST, key.caller, key.key), REQUEST)
        case ProfileKey():
            return TableKey(profile_pk(key.member_id), PROFILE)
        case SimulationKey():
            return TableKey(_joined(SIMULATION, key.simulation_id), SIMULATION)
        case SimulationDraftKey():
            return TableKey(_joined(SIMULATION, key.simulation_id), DRAFT)
        case BoardKey() | ScoreKey():
            return _board_key(key)
        case VersionListKey():
            return TableKey(PROGRAM, "VERSIONS")
        case VersionKey():
            return TableKey(PROGRAM, f"VERSION#{key.version:0{_VERSION_DIGITS}d}")
        case _:
            assert_never(key)


def _board_key(key: BoardKey | ScoreKey) -> TableKey:
    pk = _joined(BOARD, key.board_id, key.period)
    place = f"{MEMBER}#{_escaped(key.member_id)}" if isinstance(key, ScoreKey) else BOARD
    return TableKey(pk, place)


def note_key(member_id: MemberId, note_id: str) -> TableKey:
    """Free text about a member, beside the profile and erased with it."""
    return TableKey(profile_pk(member_id), f"{NOTE_PREFIX}{_escaped(note_id)}")


def profile_pk(member_id: MemberId) -> str:
    """The partition of a member's personal data."""
    return _joined(PROFILE, member_id)


def sign_in_key(member_id: MemberId, username: str) -> TableKey:
    """A name under which a member was invited; the same one again is the same item."""
    return TableKey(profile_pk(member_id), f"{SIGN_IN_PREFIX}{_digest(username)}")


def share_key(earning: EarningKey, member_id: MemberId) -> TableKey:
    """That a further member has points pending of an earning, beside the earning."""
    return TableKey(item_key(earning).pk, f"{SHARE_PREFIX}{_escaped(member_id)}")


# --- Lists ----------------------------------------------------------------------------------


def list_pk(name: ListName, partition: str) -> str:
    """The partition of a list."""
    return _joined(LIST, name, partition)


def listed_key(listed: Listed) -> TableKey:
    """A place in a list."""
    place = f"{_escaped(listed.sort)}#{_escaped(listed.id)}"
    return TableKey(list_pk(listed.list, listed.partition), place)


def listed_from(prefix: str) -> str:
    """Sorts before everything in a list that begins with a prefix; no key may be empty."""
    return _escaped(prefix) or " "


def listed_until(prefix: str) -> str:
    """Sorts after everything in a list that begins with a prefix."""
    return f"{_escaped(prefix)}{_AFTER_ALL}"


def listed_id(sk: str) -> str:
    """The id of what stands at a place of a list."""
    return parts(sk)[-1]


# --- What waits -----------------------------------------------------------------------------


def waiting_key(external_id: ExternalId, earning: EarningKey) -> TableKey:
    """An earning that waits for a customer; the same one again is the same item."""
    return TableKey(_external_pk(external_id), f"{WAITING_PREFIX}{_digest(str(earning))}")


def parked_key(payment: PaymentKey, fact_text: str) -> TableKey:
    """A fact that waits for a payment; the same one again is the same item."""
    return TableKey(_payment_pk(payment), f"{PARKED_PREFIX}{_digest(fact_text)}")


# --- What falls due -------------------------------------------------------------------------


def hour_key(kind: MarkerKind, hour: datetime) -> TableKey:
    """The note that an hour has markers, with the number of its shards."""
    return TableKey(_joined(DUE, kind), f"{_HOUR_PREFIX}{format_hour(hour)}")


def marker_pk(kind: MarkerKind, hour: datetime, shard: int) -> str:
    """The partition of an hour's markers of one kind and shard."""
    return _joined(DUE, kind, format_hour(hour), str(shard))


def marker_key(
    kind: MarkerKind, hour: datetime, shards: int, *, due_at: datetime, target: str
) -> TableKey:
    """A marker, in the shard that its target falls into."""
    digest = _digest(target)
    shard = int(digest[:8], 16) % shards
    return TableKey(marker_pk(kind, hour, shard), f"{format_key_instant(due_at)}#{digest}")


def markers_until(instant: datetime) -> str:
    """Sorts after every marker due at or before an instant, and before every later one."""
    return f"{format_key_instant(instant)}$"


def next_marker(sk: str) -> str:
    """Sorts after a marker and before every other one: the digest has a fixed length."""
    return f"{sk}!"


def progress_key(kind: MarkerKind) -> TableKey:
    """How far the sweep of a kind has come."""
    return TableKey(_joined(SWEEP, kind), "PROGRESS")


def shard_key(kind: MarkerKind, hour: datetime, shard: int) -> TableKey:
    """How far one shard of an hour was worked off, beside the progress of its sweep."""
    return TableKey(_joined(SWEEP, kind), f"{shards_from(hour)}{shard:0{_SHARD_DIGITS}d}")


def shards_from(hour: datetime) -> str:
    """Sorts before the shards of an hour, and after those of every earlier one."""
    return f"{_SHARD_PREFIX}{format_hour(hour)}#"


def shards_until(hour: datetime) -> str:
    """Sorts after the shards of an hour, and before those of every later one."""
    return f"{_SHARD_PREFIX}{format_hour(hour)}$"


def hour_and_shard(sk: str) -> tuple[datetime, int]:
    """What the progress of a shard is about."""
    _, hour, shard = parts(sk)
    return hour_of(hour), int(shard)


# --- Totals ---------------------------------------------------------------------------------


def totals_pk(partition: tuple[str, ...]) -> str:
    """A partition of totals, by its parts."""
    return _joined(TOTALS, *partition)


def totals_key(partition: tuple[str, ...], place: str) -> TableKey:
    """One item of totals; places sort as text."""
    return TableKey(totals_pk(partition), _escaped(place))


def totals_place(sk: str) -> str:
    """The place of an item of totals, as it was before escaping."""
    return parts(sk)[0]


def totals_until(place: str) -> str:
    """Sorts after a place and after everything that begins with it."""
    return f"{_escaped(place)}{_AFTER_ALL}"


def checkpoint_key(shard: str) -> TableKey:
    """How far a shard of the stream has been counted."""
    return TableKey(_joined(CHECKPOINT, shard), CHECKPOINT)


# --- Operations ----------------------------------------------------------------------------


def failure_key(message_id: str) -> TableKey:
    """Why a message of a queue failed."""
    return TableKey(_joined(FAILURE, message_id), FAILURE)


def integrity_key() -> TableKey:
    """How far the reconciliation has come, and what it found."""
    return TableKey(INTEGRITY, "RECONCILIATION")


def recount_key() -> TableKey:
    """How far the recount of the totals has come."""
    return TableKey(integrity_key().pk, "RECOUNT")


def recount_year_key(year: str) -> TableKey:
    """What the recount knows of a year."""
    return TableKey(integrity_key().pk, f"RECOUNT#{year}")


def checkpoints_key() -> TableKey:
    """How far the checkpoints of all heads have come."""
    return TableKey(CHECKPOINTS, "PROGRESS")


def changed_pk(hour: datetime, shard: int) -> str:
    """The partition of members whose ledger was written in an hour."""
    return _joined(CHANGED, format_hour(hour), str(shard))


def changed_key(hour: datetime, shard: int, member_id: MemberId) -> TableKey:
    """That a member's ledger was written in an hour."""
    return TableKey(changed_pk(hour, shard), _escaped(member_id))


def changed_shard(member_id: MemberId, shard_count: int) -> int:
    """Which part of an hour's partitions a member falls into."""
    return int(_digest(member_id)[:8], 16) % shard_count


def changed_member(sk: str) -> MemberId:
    """Whose ledger was written."""
    return MemberId(parts(sk)[0])


# --- Outbound webhooks ----------------------------------------------------------------------


def endpoints_pk() -> str:
    """The partition of all endpoints and of their number."""
    return _joined(OUTBOUND, "ENDPOINTS")


def endpoint_key(webhook_id: str) -> TableKey:
    """One endpoint."""
    return TableKey(endpoints_pk(), f"{ENDPOINT_PREFIX}{_escaped(webhook_id)}")


def endpoint_count_key() -> TableKey:
    """How many endpoints there are."""
    return TableKey(endpoints_pk(), "COUNT")


def endpoint_secrets_key(webhook_id: str) -> TableKey:
    """The secrets of an endpoint, apart from it: few functions may read them."""
    return TableKey(_joined(OUTBOUND, "SECRETS", webhook_id), "SECRETS")


def deliveries_pk(webhook_id: str) -> str:
    """The partition of an endpoint's log."""
    return _joined(OUTBOUND, "DELIVERIES", webhook_id)


def delivery_key(webhook_id: str, delivery_id: str) -> TableKey:
    """One delivery; their ids sort by the time of the event."""
    return TableKey(deliveries_pk(webhook_id), _escaped(delivery_id))


# --- Mails ----------------------------------------------------------------------------------


def mail_templates_key() -> TableKey:
    """The templates of mails and their settings."""
    return TableKey(NOTIFICATIONS, "TEMPLATES")


def mail_key(member_id: MemberId, event: str, occasion: str) -> TableKey:
    """That the mail of an event is sent to a member, by whom, and what became of it."""
    return TableKey(_joined(MAIL, member_id), f"{event}#{_escaped(occasion)}")


# --- Reading keys ---------------------------------------------------------------------------


def parts(pk: str) -> list[str]:
    """The parts of a partition key as they were before escaping; the first is its kind."""
    split = pk.split("#")
    if "%" in pk:
        return [part.replace("%23", "#").replace("%25", "%") for part in split]
    return split


def stored_kind(pk: str, sk: str) -> str:
    """What kind of item stands under a key, such as `MEMBER/ENTRY`."""
    return f"{pk.partition('#')[0]}/{sk.partition('#')[0]}"


def entry_at(pk: str, sk: str) -> tuple[MemberId, int] | None:
    """Whose entry with which number is under a key; None for any other item."""
    if stored_kind(pk, sk) != stored_kind(chain_pk(MemberId("x")), entry_sk(1)):
        return None
    return MemberId(parts(pk)[1]), number_of(sk)


def number_of(sk: str) -> int:
    """The number of an entry or of a program version."""
    return int(sk.rpartition("#")[2])


def earning_key_of(pk: str) -> EarningKey:
    """The natural key of an earning.

    Raises:
        ValueError: this is not the partition of an earning.
    """
    kind, *names = parts(pk)
    if kind != EARNING:
        raise ValueError("not the key of an earning")
    source, purchase_kind, id_ = names
    return EarningKey(source=source, kind=purchase_kind, id=id_)


def hour_of(sk: str) -> datetime:
    """The hour that has markers."""
    return datetime.fromisoformat(sk.removeprefix(_HOUR_PREFIX)).replace(tzinfo=UTC)


def due_of(sk: str) -> datetime:
    """The instant at which a marker falls due."""
    return datetime.fromisoformat(sk.partition("#")[0])


def format_key_instant(instant: datetime) -> str:
    """An instant with a fixed width, so that text sorts as time."""
    return instant.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def format_hour(instant: datetime) -> str:
    """The UTC hour that an instant is in, such as `2027-01-31T06`."""
    return instant.astimezone(UTC).isoformat(timespec="hours")[:13]


# --- Parts ----------------------------------------------------------------------------------


def _external_pk(external_id: ExternalId) -> str:
    return _joined(EXTERNAL, external_id.source, external_id.id)


def _payment_pk(payment: PaymentKey) -> str:
    return _joined(PAYMENT, payment.source, payment.id)


def _joined(kind: str, *names: str) -> str:
    return "#".join([kind, *map(_escaped, names)])


def _escaped(part: str) -> str:
    return part.replace("%", "%25").replace("#", "%23")


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
