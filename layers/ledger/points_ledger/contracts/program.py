"""The program document (docs/program.md): one pydantic model that judges it, and its conversion.

`parse_program` judges a document from outside and names everything that is wrong with it: what
one field alone can get wrong, its type refuses; what fields get wrong together is found in the
plain document, so that one mistake never hides another.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Final, Literal
from zoneinfo import ZoneInfo

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    WithJsonSchema,
)

from points_ledger.contracts.stored_program import program_of
from points_ledger.domain.anniversary import ANNIVERSARY, BIRTHDAY
from points_ledger.domain.calendar import Period, Rounding
from points_ledger.domain.error import FieldError, InvalidRequestError
from points_ledger.domain.identity import clean_id, clean_text
from points_ledger.domain.limit import MAX_ID_CHARACTERS, MAX_POINTS, MAX_TEXT_CHARACTERS
from points_ledger.domain.money import EXPONENTS, check_amount
from points_ledger.domain.program import (
    BoardPeriod,
    Circle,
    Clawback,
    LimitPeriod,
    PointsRounding,
    Program,
    StreakPeriod,
)
from points_ledger.domain.release import REFERRAL

MAX_EARNING_RULES: Final = 200
MAX_CAMPAIGNS: Final = 200
MAX_TIERS: Final = 20
MAX_CHALLENGES: Final = 20
"""One purchase may complete all of them and every streak; each prize is two writes of its one
transaction."""
MAX_CHALLENGE_COUNT: Final = 10_000
MAX_STREAKS: Final = 10
MAX_STREAK_LENGTH: Final = 52
"""A streak keeps one number per period with the member, so it has to stay short."""
MAX_LEADERBOARDS: Final = 20
MAX_PRIZE_RANK: Final = 100
MAX_FREEZE_DAYS: Final = 366
MAX_MEMBERSHIPS: Final = 50
MAX_BENEFITS: Final = 100
MAX_PERCENT: Final = Decimal(100)
MAX_MATCH_VALUES: Final = 1_000
MAX_ITEM_CATEGORIES: Final = 5_000
MAX_WARNINGS: Final = 10
MAX_RULE_POINTS: Final = 1_000_000
MAX_LIMIT_TIMES: Final = 1_000_000
MAX_MULTIPLIER: Final = Decimal(100)
MAX_QUANTITY: Final = Decimal(1_000_000)
MAX_DAYS: Final = 36_525
"""A century: the longest duration of any kind."""

MAX_ERRORS: Final = 200
"""As many errors of one document are named; of more, only the number."""

_MAX_MONTHS: Final = 1_200
_MONTHS_PER_YEAR: Final = 12
_MINUTES_PER_DAY: Final = 1_440
_MAX_PATH_PART_CHARACTERS: Final = 64
_MAX_MESSAGE_CHARACTERS: Final = 200
_DECIMAL: Final = re.compile(r"(?:0|[1-9][0-9]{0,17})(?:\.[0-9]{1,9})?")
_LOCAL_TIME: Final = re.compile(
    r"(?:19[7-9][0-9]|[2-9][0-9]{3})-[0-1][0-9]-[0-3][0-9]"
    r"T[0-2][0-9]:[0-5][0-9](?::[0-5][0-9])?"
)
_TIME_ZONE: Final = re.compile(r"[A-Za-z][A-Za-z0-9_+-]*(?:/[A-Za-z0-9_+-]+)*")
_ZONES_OF_ONE_MACHINE: Final = frozenset({"Factory", "localtime", "posixrules"})


def _decimal(value: object) -> Decimal:
    if not isinstance(value, str) or not _DECIMAL.fullmatch(value):
        raise ValueError('must be a decimal number as text, not below 0, such as "12.50"')
    return Decimal(value)


def _amount(value: object, info: ValidationInfo) -> str:
    """Text that is an amount of the program's currency, not below zero."""
    amount = _decimal(value)
    check_amount(amount)
    currency = (info.context or {}).get("currency")
    decimals = -int(amount.as_tuple().exponent)
    if currency is not None and decimals > EXPONENTS[currency]:
        raise ValueError(
            f"has {decimals} decimals, an amount of {currency} has at most {EXPONENTS[currency]}"
        )
    return str(value)


def _above_zero(text: str) -> str:
    if Decimal(text) <= 0:
        raise ValueError(f"must be more than 0, is {text}")
    return text


def _number(value: object) -> str:
    """A decimal as text; a whole number may be written as one."""
    if type(value) is int and abs(value) <= MAX_POINTS:
        return str(value)
    return str(_decimal(value))


def _multiplier(text: str) -> str:
    if not 1 <= Decimal(text) <= MAX_MULTIPLIER:
        raise ValueError(f"must be from 1 to {MAX_MULTIPLIER}, is {text}")
    return text


def _quantity(text: str) -> str:
    if not 0 < Decimal(text) <= MAX_QUANTITY:
        raise ValueError(f"must be more than 0 and at most {MAX_QUANTITY}, is {text}")
    return text


def _percent(text: str) -> str:
    if not 0 < Decimal(text) <= MAX_PERCENT:
        raise ValueError(f"must be more than 0 and at most {MAX_PERCENT}, is {text}")
    return text


def _label(text: str) -> str:
    """A name given by a source; kept as it is, so it has to be clean as it is."""
    if clean_id(text, what="a name") != text:
        raise ValueError("must be in Unicode normal form C")
    return text


def _action(text: str) -> str:
    if ":" in text:
        raise ValueError("must not contain a colon")
    return _label(text)


def _title(text: str) -> str:
    clean_text(text, maximum=MAX_TEXT_CHARACTERS, what="a name")
    return text


def _currency(code: str) -> str:
    if code not in EXPONENTS:
        raise ValueError("must be an ISO 4217 currency in capitals, such as USD")
    return code


def _time_zone(name: str) -> str:
    if not _TIME_ZONE.fullmatch(name) or name in _ZONES_OF_ONE_MACHINE or not _zone_exists(name):
        raise ValueError("must be a time zone of the IANA database, such as America/Chicago")
    return name


def _zone_exists(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # unknown, misshapen, or a folder such as America
        return False
    return True


def _duration(text: str) -> str:
    period = Period.parse(text) if text.isascii() else None
    if period is None:
        raise ValueError("must be a duration such as P24M, P14D or PT24H")
    days = period.days + period.minutes / _MINUTES_PER_DAY
    if period.months > _MAX_MONTHS or days > MAX_DAYS:
        raise ValueError(f"must be at most {_MAX_MONTHS} months or {MAX_DAYS} days")
    return text


def _lasting(text: str) -> str:
    if Period.parse(text) == Period():
        raise ValueError("must be longer than nothing")
    return text


def _whole_days(text: str) -> str:
    if "T" in text:
        raise ValueError("must be in years, months, weeks and days")
    return text


def _within_a_year(text: str) -> str:
    period = Period.parse(text)
    days = period.days + period.minutes / _MINUTES_PER_DAY
    if period.months > _MONTHS_PER_YEAR or days > MAX_FREEZE_DAYS:
        raise ValueError(f"must be at most {_MONTHS_PER_YEAR} months or {MAX_FREEZE_DAYS} days")
    return text


def _local_time(text: str) -> str:
    if not _LOCAL_TIME.fullmatch(text):
        raise ValueError(
            "must be a time of the program's zone from 1970 on, such as 2026-11-27T00:00, "
            "without an offset"
        )
    datetime.fromisoformat(text)  # refuses days and hours that there are not
    return text


_SOME: Final = r"(?=.*[1-9])"
_AMOUNT: Final = r"(0|[1-9][0-9]{0,8})(\.[0-9]{1,3})?"
_FRACTION: Final = r"(\.[0-9]{1,9})?"
_UP_TO_100: Final = rf"([1-9]?[0-9]{_FRACTION}|100(\.0{{1,9}})?)"
_DAYS: Final = r"([0-9]{1,3}Y)?([0-9]{1,4}M)?([0-9]{1,4}W)?([0-9]{1,5}D)?"
_TIME: Final = r"(T(?=[0-9])([0-9]{1,6}H)?([0-9]{1,7}M)?)?"


def _written(pattern: str, *examples: str) -> dict[str, Any]:
    """What the schema says of a text that the model judges by more than a pattern."""
    return {"type": "string", "pattern": f"^{pattern}$", "examples": [*examples]}


def _clean(maximum: int, *, without: str = "") -> Any:  # noqa: ANN401 - as Field returns
    """Text that says something, has no control characters and none of those in `without`."""
    pattern = rf"^(?=.*\S)[^{without}\x00-\x1f\x7f-\x9f]+$"
    return Field(min_length=1, max_length=maximum, json_schema_extra={"pattern": pattern})


def _number_schema(pattern: str, *, maximum: Decimal) -> WithJsonSchema:
    """What the schema says of a decimal as text, or a whole number from 1."""
    bounds = {"minimum": 1, "maximum": int(maximum)}
    return WithJsonSchema({"type": ["string", "integer"], "pattern": f"^{pattern}$", **bounds})


_AmountText = Annotated[str, BeforeValidator(_amount), WithJsonSchema(_written(_AMOUNT, "12.50"))]
_PositiveAmountText = Annotated[
    str,
    BeforeValidator(_amount),
    AfterValidator(_above_zero),
    WithJsonSchema(_written(_SOME + _AMOUNT, "12.50")),
]
_Multiplier = Annotated[
    str,
    BeforeValidator(_number),
    AfterValidator(_multiplier),
    _number_schema(rf"(?!0){_UP_TO_100}", maximum=MAX_MULTIPLIER),
]
_Quantity = Annotated[
    str,
    BeforeValidator(_number),
    AfterValidator(_quantity),
    _number_schema(rf"{_SOME}(0|[1-9][0-9]{{0,6}}){_FRACTION}", maximum=MAX_QUANTITY),
]
_Percent = Annotated[
    str,
    BeforeValidator(_number),
    AfterValidator(_percent),
    _number_schema(_SOME + _UP_TO_100, maximum=MAX_PERCENT),
]
_Id = Annotated[str, Field(max_length=64, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]
_Label = Annotated[str, AfterValidator(_label), _clean(MAX_ID_CHARACTERS)]
_Labels = Annotated[list[_Label], Field(max_length=MAX_MATCH_VALUES)]
_Duration = Annotated[
    str,
    AfterValidator(_duration),
    WithJsonSchema(_written(rf"P(?=[0-9T]){_DAYS}{_TIME}", "P24M", "PT24H")),
]
_DurationInDays = Annotated[
    str,
    AfterValidator(_duration),
    AfterValidator(_whole_days),
    WithJsonSchema(_written(rf"P(?=[0-9]){_DAYS}", "P24M", "P14D")),
]
_LocalTime = Annotated[
    str,
    AfterValidator(_local_time),
    WithJsonSchema(_written(_LOCAL_TIME.pattern, "2026-11-27T00:00")),
]
_Action = Annotated[str, AfterValidator(_action), _clean(MAX_ID_CHARACTERS, without=":")]
_Title = Annotated[str, AfterValidator(_title), _clean(MAX_TEXT_CHARACTERS)]
_Days = Annotated[int, Field(ge=0, le=MAX_DAYS)]
_RulePoints = Annotated[int, Field(ge=1, le=MAX_RULE_POINTS)]
_SomePoints = Annotated[int, Field(ge=1, le=MAX_POINTS)]
_PointsOrNone = Annotated[int, Field(ge=0, le=MAX_POINTS)]


class _Part(BaseModel):
    """Any object of the document: nothing unknown, nothing converted, nothing changed later."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, defer_build=True)


class MatchDocument(_Part):
    """Which lines, members and purchases a rule or campaign is about; empty means all."""

    categories: _Labels = []
    items: _Labels = []
    exclude_categories: _Labels = []
    exclude_items: _Labels = []
    tags: _Labels = []
    exclude_tags: _Labels = []
    tiers: _Labels = []
    organisations: _Labels = []
    jurisdictions: _Labels = []
    exclude_jurisdictions: _Labels = []
    own_orders: bool | None = None
    minimum_amount: _AmountText | None = None


class LimitDocument(_Part):
    """How many times a member may earn by a rule in each day, month or year, or ever."""

    times: Annotated[int, Field(ge=1, le=MAX_LIMIT_TIMES)]
    per: LimitPeriod


class RuleDocument(_Part):
    """One earning rule, on purchases or on one kind of action."""

    id: _Id
    on: Literal["purchase", "action"]
    points: _RulePoints
    match: MatchDocument = Field(default_factory=MatchDocument)
    action: _Action | None = None
    per_amount: _PositiveAmountText | None = None
    per_quantity: _Quantity | None = None
    rounding: PointsRounding = "down"
    exclusive: bool = False
    priority: Annotated[int, Field(ge=-1_000, le=1_000)] = 0
    on_partial_refund: Literal["keep", "proportional", "revoke"] = "keep"
    qualifying: bool = True
    limit: LimitDocument | None = None
    release: Literal["referred_first_purchase", "linked_purchase"] | None = None


class CampaignDocument(_Part):
    """Extra points in a window of the program's zone."""

    id: _Id
    begins: _LocalTime = Field(alias="from")
    ends: _LocalTime = Field(alias="to")
    match: MatchDocument = Field(default_factory=MatchDocument)
    multiplier: _Multiplier = "1"
    points: Annotated[int, Field(ge=0, le=MAX_RULE_POINTS)] = 0
    member_cap_points: _SomePoints | None = None
    budget_points: _SomePoints | None = None


class TierDocument(_Part):
    """A level that members reach by qualifying points."""

    id: _Id
    points: _SomePoints
    multiplier: _Multiplier = "1"


class TierWindowDocument(_Part):
    """Over which time qualifying points count, and how a tier ends that they no longer reach."""

    kind: Literal["rolling", "calendar", "anniversary"] = "rolling"
    months: Annotated[int, Field(ge=1, le=_MAX_MONTHS)] = 12
    grace_days: _Days = 0
    downgrade: Literal["reassess", "one_step"] = "reassess"


class ChallengeDocument(_Part):
    """Points for so many purchases or actions within each period, or within a window."""

    id: _Id
    count: Annotated[int, Field(ge=1, le=MAX_CHALLENGE_COUNT)]
    points: _RulePoints
    on: Literal["purchase", "action"] = "purchase"
    action: _Action | None = None
    match: MatchDocument = Field(default_factory=MatchDocument)
    per: Literal["day", "week", "month", "year", "lifetime"] | None = None
    begins: _LocalTime | None = Field(default=None, alias="from")
    ends: _LocalTime | None = Field(default=None, alias="to")


class StreakDocument(_Part):
    """Points for a purchase or action in each of so many consecutive periods."""

    id: _Id
    every: StreakPeriod
    length: Annotated[int, Field(ge=2, le=MAX_STREAK_LENGTH)]
    points: _RulePoints
    on: Literal["purchase", "action"] = "purchase"
    action: _Action | None = None
    match: MatchDocument = Field(default_factory=MatchDocument)


class PrizeDocument(_Part):
    """Points for everyone who shares a rank."""

    rank: Annotated[int, Field(ge=1, le=MAX_PRIZE_RANK)]
    points: _RulePoints


class LeaderboardDocument(_Part):
    """Members ranked within each period, and what the first of them win."""

    id: _Id
    per: BoardPeriod
    by: Literal["points", "purchases"] = "points"
    match: MatchDocument = Field(default_factory=MatchDocument)
    freeze_after: Annotated[_Duration, AfterValidator(_within_a_year)] = "P0D"
    prizes: Annotated[list[PrizeDocument], Field(max_length=MAX_PRIZE_RANK)] = []


class MembershipDocument(_Part):
    """A tier for a time: bought as one of `items`, or granted by staff."""

    id: _Id
    tier: _Id
    lasts: Annotated[_DurationInDays, AfterValidator(_lasting)]
    items: _Labels = []
    name: _Title | None = None


class BenefitDocument(_Part):
    """What members of some tiers get at the till."""

    id: _Id
    description: _Title
    tiers: _Labels = []
    categories: _Labels = []
    discount_percent: _Percent | None = None


class PointValueDocument(_Part):
    """What points are worth: `amount` for every `points`."""

    points: _SomePoints
    amount: _PositiveAmountText


class MaturationDocument(_Part):
    """When pending points become available."""

    requires_payment: bool = True
    partial_payment: Literal["full_only", "proportional"] = "full_only"
    hold: _Duration = "P0D"
    return_window: _Duration = "P0D"
    cancel_unpaid_after: Annotated[_Duration, AfterValidator(_lasting)] | None = None


class ReversalDocument(_Part):
    """What happens to points that were spent before they are taken back."""

    clawback: Clawback = "unlimited"


class ExpiryDocument(_Part):
    """How long available points stay valid."""

    kind: Literal["period", "inactivity", "never"]
    after: _DurationInDays | None = None
    round_to: Rounding = "day"
    warn_days_before: Annotated[
        list[Annotated[int, Field(ge=1, le=MAX_DAYS)]], Field(max_length=MAX_WARNINGS)
    ] = []
    return_grace_days: _Days = 0
    requires_notice_days: Annotated[int, Field(ge=1, le=MAX_DAYS)] | None = None


class RedemptionDocument(_Part):
    """When and how points may be spent."""

    paused: bool = False
    minimum_amount: _AmountText = "0"
    ticket_must_exceed: bool = False
    points_paid_part_earns: bool = False
    reservation_minutes: Annotated[int, Field(ge=1, le=MAX_DAYS * _MINUTES_PER_DAY)] = 15
    approval_above_points: _PointsOrNone | None = None
    approval_days: Annotated[int, Field(ge=1, le=MAX_DAYS)] = 30
    member_requests_need_approval: bool = False
    yearly_amount_cap: _AmountText | None = None
    excluded_jurisdictions: _Labels = []


class AdjustmentsDocument(_Part):
    """Which adjustments need a second person."""

    approval_above_points: _PointsOrNone | None = None
    approval_below_zero: bool = True


class CouponsDocument(_Part):
    """Coupons made from points."""

    minimum_points: _PointsOrNone = 0
    valid_days: Annotated[int, Field(ge=1, le=MAX_DAYS)] = 90


class SharingDocument(_Part):
    """With whom a member may share what they earn."""

    within: Circle = "organisation"


class TransfersDocument(_Part):
    """Whether and to whom members may transfer points."""

    enabled: bool
    within: Circle = "organisation"
    minimum_points: _SomePoints = 1
    approval_above_points: _PointsOrNone | None = None


class ProgramDocument(_Part):
    """The rules of one loyalty program."""

    name: _Title
    mode: Literal["rewards", "analysis"] = "rewards"
    currency: Annotated[
        str, AfterValidator(_currency), WithJsonSchema({"type": "string", "enum": [*EXPONENTS]})
    ]
    time_zone: Annotated[
        str,
        AfterValidator(_time_zone),
        WithJsonSchema(_written(_TIME_ZONE.pattern, "America/Chicago")),
    ]
    point_value: PointValueDocument
    enrolment: Literal["automatic", "manual"] = "automatic"
    enrolment_lookback_days: _Days = 0
    item_categories: Annotated[dict[_Label, _Label], Field(max_length=MAX_ITEM_CATEGORIES)] = {}
    earning_rules: Annotated[list[RuleDocument], Field(max_length=MAX_EARNING_RULES)]
    campaigns: Annotated[list[CampaignDocument], Field(max_length=MAX_CAMPAIGNS)] = []
    campaign_stacking: Literal["add", "highest"] = "add"
    tiers: Annotated[list[TierDocument], Field(max_length=MAX_TIERS)] = []
    tier_window: TierWindowDocument = Field(default_factory=TierWindowDocument)
    maturation: MaturationDocument = Field(default_factory=MaturationDocument)
    reversal: ReversalDocument = Field(default_factory=ReversalDocument)
    expiry: ExpiryDocument = Field(default_factory=lambda: ExpiryDocument(kind="never"))
    redemption: RedemptionDocument = Field(default_factory=RedemptionDocument)
    adjustments: AdjustmentsDocument = Field(default_factory=AdjustmentsDocument)
    coupons: CouponsDocument = Field(default_factory=CouponsDocument)
    sharing: SharingDocument = Field(default_factory=SharingDocument)
    transfers: TransfersDocument = Field(default_factory=lambda: TransfersDocument(enabled=False))
    challenges: Annotated[list[ChallengeDocument], Field(max_length=MAX_CHALLENGES)] = []
    streaks: Annotated[list[StreakDocument], Field(max_length=MAX_STREAKS)] = []
    leaderboards: Annotated[list[LeaderboardDocument], Field(max_length=MAX_LEADERBOARDS)] = []
    memberships: Annotated[list[MembershipDocument], Field(max_length=MAX_MEMBERSHIPS)] = []
    benefits: Annotated[list[BenefitDocument], Field(max_length=MAX_BENEFITS)] = []


def parse_program(document: object, version: int) -> Program:
    """Judge a document that came as JSON, and convert it.

    Raises:
        InvalidRequestError: with everything that is wrong and where, for example
            `earning_rules.0.per_amount`; the path of the document as a whole is `program`.
    """
    if not isinstance(document, dict):
        raise InvalidRequestError((FieldError("program", "must be an object"),))
    currency = document.get("currency")
    known = isinstance(currency, str) and currency in EXPONENTS
    errors: list[FieldError] = []
    try:
        ProgramDocument.model_validate(document, context={"currency": currency if known else None})
    except ValidationError as refused:
        errors = [_field_error(e) for e in refused.errors(include_url=False, include_input=False)]
    named = {error.field for error in errors}
    errors += [error for error in _contradictions(document) if error.field not in named]
    if errors:
        raise InvalidRequestError(_bounded(errors))
    return program_of(document, version)


def program_schema() -> dict[str, Any]:
    """The JSON Schema of the document; rules between fields are only known to `parse_program`."""
    schema = ProgramDocument.model_json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


_SIDE_BY_SIDE: Final = (
    "earning_rules",
    "campaigns",
    "challenges",
    "streaks",
    "leaderboards",
    "memberships",
    "benefits",
)
"""The parts whose ids must all differ; tiers are named in other places and stand for themselves."""

_NAME_TIERS: Final = (
    *(f"{part}.*.match.tiers.*" for part in _SIDE_BY_SIDE[:5]),
    "memberships.*.tier",
    "benefits.*.tiers.*",
)


def _contradictions(document: Mapping[str, object]) -> Iterator[FieldError]:
    """What fields get wrong together; what has a wrong type is left to the model."""
    yield from _repeated_ids(document, *(f"{part}.*.id" for part in _SIDE_BY_SIDE))
    yield from _repeated_ids(document, "tiers.*.id")
    yield from _tiers_out_of_order(document)
    yield from _unknown_tiers(document)
    for path, rule in _objects(document, "earning_rules.*"):
        yield from _rule_contradictions(path, rule)
    yield from _mixed_releases(document)
    for path, campaign in _objects(document, "campaigns.*"):
        yield from _campaign_contradictions(path, campaign, document.get("time_zone"))
    for path, challenge in _objects(document, "challenges.*"):
        yield from _counted_contradictions(path, challenge)
        yield from _challenge_window_contradictions(path, challenge, document.get("time_zone"))
    for path, streak in _objects(document, "streaks.*"):
        yield from _counted_contradictions(path, streak)
    for path, board in _objects(document, "leaderboards.*"):
        yield from _repeated_ranks(path, board)
    yield from _repeated_items(document)
    for path, expiry in _objects(document, "expiry"):
        yield from _expiry_contradictions(path, expiry)


def _repeated_ids(document: Mapping[str, object], *patterns: str) -> Iterator[FieldError]:
    """What stands side by side in the entries or in the program must not share an id."""
    seen: dict[str, str] = {}
    for pattern in patterns:
        for path, id_ in _at(document, pattern):
            if isinstance(id_, str) and seen.setdefault(id_, path) != path:
                yield FieldError(path, f"is already the id at {seen[id_]}")


def _tiers_out_of_order(document: Mapping[str, object]) -> Iterator[FieldError]:
    highest = 0
    for path, points in _at(document, "tiers.*.points"):
        if type(points) is not int or not 1 <= points <= MAX_POINTS:
            continue
        if points <= highest:
            yield FieldError(path, f"must be more than {highest}: tiers stand in ascending order")
        highest = max(highest, points)


def _unknown_tiers(document: Mapping[str, object]) -> Iterator[FieldError]:
    known = {id_ for _, id_ in _at(document, "tiers.*.id") if isinstance(id_, str)}
    for pattern in _NAME_TIERS:
        for path, tier in _at(document, pattern):
            if isinstance(tier, str) and tier not in known:
                yield FieldError(path, "is not the id of a tier")


_ONLY_FOR_PURCHASES: Final = (
    "per_amount",
    "per_quantity",
    "rounding",
    "exclusive",
    "priority",
    "on_partial_refund",
)
_ONLY_FOR_LINES: Final = (
    "categories",
    "items",
    "exclude_categories",
    "exclude_items",
    "own_orders",
    "minimum_amount",
)


_LINKED_TO_NOTHING: Final = (REFERRAL, BIRTHDAY, ANNIVERSARY)
"""Actions that the ledger performs itself, so that nobody names a purchase with them."""


def _rule_contradictions(path: str, rule: Mapping[str, object]) -> Iterator[FieldError]:
    match rule.get("on"):
        case "purchase":
            yield from _purchase_rule_contradictions(path, rule)
        case "action":
            yield from _action_rule_contradictions(path, rule)


def _purchase_rule_contradictions(path: str, rule: Mapping[str, object]) -> Iterator[FieldError]:
    for name in ("action", "release"):
        if rule.get(name) is not None:
            yield FieldError(f"{path}.{name}", "is only for rules on actions")
    fixed = rule.get("per_amount") is None and rule.get("per_quantity") is None
    if rule.get("per_amount") is not None and rule.get("per_quantity") is not None:
        yield FieldError(f"{path}.per_quantity", "must not stand beside per_amount")
    if not fixed and rule.get("on_partial_refund", "keep") != "keep":
        yield FieldError(
            f"{path}.on_partial_refund",
            "is only for fixed points: points per amount or piece follow what is left",
        )


def _action_rule_contradictions(path: str, rule: Mapping[str, object]) -> Iterator[FieldError]:
    if rule.get("action") is None:
        yield FieldError(f"{path}.action", "is required for a rule on actions")
    for name in _ONLY_FOR_PURCHASES:
        default = RuleDocument.model_fields[name].default
        if rule.get(name, default) != default:
            yield FieldError(f"{path}.{name}", "is only for rules on purchases")
    yield from _endless_wait(path, rule)
    yield from _lines_of_an_action(path, rule)


def _endless_wait(path: str, rule: Mapping[str, object]) -> Iterator[FieldError]:
    """Points that would wait for what never comes."""
    match rule.get("release"), rule.get("action"):
        case "referred_first_purchase", action if action != REFERRAL:
            yield FieldError(f"{path}.release", f"is only for the action {REFERRAL}")
        case "linked_purchase", str(action) if action in _LINKED_TO_NOTHING:
            yield FieldError(f"{path}.release", f"{action} is never linked to a purchase")


def _lines_of_an_action(path: str, part: Mapping[str, object]) -> Iterator[FieldError]:
    match = part.get("match")
    for name in _ONLY_FOR_LINES:
        if isinstance(match, dict) and match.get(name) not in (None, []):
            yield FieldError(f"{path}.match.{name}", "an action has no lines to match")


def _mixed_releases(document: Mapping[str, object]) -> Iterator[FieldError]:
    """All points of one action wait together, so its rules have to agree on what they wait for."""
    seen: dict[str, object] = {}
    for path, rule in _objects(document, "earning_rules.*"):
        action, release = rule.get("action"), rule.get("release")
        if isinstance(action, str) and seen.setdefault(action, release) != release:
            yield FieldError(f"{path}.release", "must be the same in all rules for one action")


def _campaign_contradictions(
    path: str, campaign: Mapping[str, object], time_zone: object
) -> Iterator[FieldError]:
    yield from _ends_before_it_begins(path, campaign, time_zone)
    if campaign.get("points", 0) == 0 and _is_one(campaign.get("multiplier", 1)):
        yield FieldError(path, "needs a multiplier above 1 or points")


def _ends_before_it_begins(
    path: str, part: Mapping[str, object], time_zone: object
) -> Iterator[FieldError]:
    begins = _timestamp(part.get("from"), time_zone)
    ends = _timestamp(part.get("to"), time_zone)
    if begins is not None and ends is not None and ends <= begins:
        yield FieldError(f"{path}.to", "must be after from")


def _counted_contradictions(path: str, part: Mapping[str, object]) -> Iterator[FieldError]:
    """What a challenge or a streak says about purchases and actions."""
    if part.get("on", "purchase") == "action":
        if part.get("action") is None:
            yield FieldError(f"{path}.action", "is required to count actions")
        yield from _lines_of_an_action(path, part)
    elif part.get("on", "purchase") == "purchase" and part.get("action") is not None:
        yield FieldError(f"{path}.action", 'is only for what counts actions ("on": "action")')


def _challenge_window_contradictions(
    path: str, challenge: Mapping[str, object], time_zone: object
) -> Iterator[FieldError]:
    begins, ends = challenge.get("from"), challenge.get("to")
    if begins is None and ends is None:
        return
    for name, given in (("from", begins), ("to", ends)):
        if given is None:
            yield FieldError(f"{path}.{name}", "is required: a window has both ends")
    if challenge.get("per") is not None:
        yield FieldError(f"{path}.per", "must not stand beside from and to")
    yield from _ends_before_it_begins(path, challenge, time_zone)


def _repeated_ranks(path: str, board: Mapping[str, object]) -> Iterator[FieldError]:
    seen: dict[int, str] = {}
    for place, rank in _at(board, "prizes.*.rank"):
        if type(rank) is int and seen.setdefault(rank, place) != place:
            yield FieldError(f"{path}.{place}", f"is already the rank at {path}.{seen[rank]}")


def _repeated_items(document: Mapping[str, object]) -> Iterator[FieldError]:
    """What is bought has to begin one membership and no other."""
    seen: dict[str, str] = {}
    for path, item in _at(document, "memberships.*.items.*"):
        if isinstance(item, str) and seen.setdefault(item, path) != path:
            yield FieldError(path, f"is already an item at {seen[item]}")


def _is_one(multiplier: object) -> bool:
    try:
        return Decimal(_number(multiplier)) == 1
    except ValueError:
        return False


def _timestamp(text: object, time_zone: object) -> float | None:
    """When a time of the zone comes, as the rule engine takes it; None where it is none."""
    try:
        local = datetime.fromisoformat(_local_time(str(text)))
        zone = ZoneInfo(_time_zone(str(time_zone)))
    except ValueError:
        return None
    return local.replace(tzinfo=zone).timestamp()


def _expiry_contradictions(path: str, expiry: Mapping[str, object]) -> Iterator[FieldError]:
    after = expiry.get("after")
    if expiry.get("kind") in ("period", "inactivity") and after is None:
        yield FieldError(f"{path}.after", "is required")


def _objects(
    document: Mapping[str, object], pattern: str
) -> Iterator[tuple[str, Mapping[str, object]]]:
    for path, value in _at(document, pattern):
        if isinstance(value, dict):
            yield path, value


def _at(document: Mapping[str, object], pattern: str) -> list[tuple[str, object]]:
    """What stands at a dotted path, where `*` is every member; with the path of each."""
    found: list[tuple[str, object]] = [("", document)]
    for step in pattern.split("."):
        found = [
            (f"{path}.{key}" if path else key, value)
            for path, holder in found
            for key, value in _members(holder)
            if step in ("*", key)
        ]
    return found


def _members(holder: object) -> Iterator[tuple[str, object]]:
    match holder:
        case dict():
            yield from ((key, value) for key, value in holder.items() if isinstance(key, str))
        case list():
            yield from ((str(number), value) for number, value in enumerate(holder))


def _field_error(error: Mapping[str, Any]) -> FieldError:
    parts = [str(part) for part in error["loc"] if part != "[key]"]
    path = ".".join(part[:_MAX_PATH_PART_CHARACTERS] for part in parts)
    problem = error.get("ctx", {}).get("error")
    message = str(problem) if problem is not None else str(error["msg"])
    return FieldError(path or "program", message[:_MAX_MESSAGE_CHARACTERS])


def _bounded(errors: list[FieldError]) -> tuple[FieldError, ...]:
    if len(errors) <= MAX_ERRORS:
        return tuple(errors)
    rest = len(errors) - MAX_ERRORS
    return (*errors[:MAX_ERRORS], FieldError("program", f"has {rest} more errors"))
