"""Reading a program document that was judged when it was published.

Without pydantic: building its validators would take a cold start longer than all the rest.
`contracts.program` judges documents from outside and ends in the same conversion, so the two
cannot differ.
"""

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from points_ledger.domain.calendar import Period
from points_ledger.domain.error import BrokenInvariantError
from points_ledger.domain.program import (
    AdjustmentTerms,
    Campaign,
    CouponTerms,
    ExpiryTerms,
    Limit,
    Match,
    MaturationTerms,
    PointValue,
    Program,
    RedemptionTerms,
    Rule,
    Tier,
    TransferTerms,
)

_Plain = Mapping[str, Any]
"""A part of a valid document; what it leaves out has the default of the domain's class."""


def program_from_stored(document: str, version: int) -> Program:
    """The program of a stored document, which `parse_program` accepted before it was stored.

    Raises:
        BrokenInvariantError: the text is no such document after all.
    """
    try:
        return program_of(json.loads(document), version)
    except (AttributeError, LookupError, TypeError, ValueError, ArithmeticError) as error:
        raise BrokenInvariantError(f"program version {version} cannot be read") from error


def program_of(plain: _Plain, version: int) -> Program:
    """The one place where a valid document becomes the domain's program."""
    return Program(
        version=version,
        name=plain["name"],
        mode=plain.get("mode", "rewards"),
        currency=plain["currency"],
        zone=ZoneInfo(plain["time_zone"]),
        point_value=PointValue(**_present(plain["point_value"], amount=Decimal)),
        enrolment=plain.get("enrolment", "automatic"),
        enrolment_lookback_days=plain.get("enrolment_lookback_days", 0),
        item_categories=dict(plain.get("item_categories", {})),
        rules=tuple(map(_rule, plain["earning_rules"])),
        campaigns=tuple(map(_campaign, plain.get("campaigns", ()))),
        campaign_stacking=plain.get("campaign_stacking", "add"),
        tiers=tuple(Tier(**_present(tier, multiplier=Decimal)) for tier in plain.get("tiers", ())),
        maturation=_maturation(plain.get("maturation", {})),
        clawback=plain.get("reversal", {}).get("clawback", "unlimited"),
        expiry=_expiry(plain.get("expiry", {"kind": "never"})),
        redemption=_redemption(plain.get("redemption", {})),
        adjustments=AdjustmentTerms(**plain.get("adjustments", {})),
        coupons=CouponTerms(**plain.get("coupons", {})),
        sharing_within=plain.get("sharing", {}).get("within", "organisation"),
        transfers=TransferTerms(**plain.get("transfers", {"enabled": False})),
        document=plain,
    )


def _present(plain: _Plain, **conversions: Callable[[Any], object]) -> dict[str, Any]:
    """The fields that are there, converted where they are not null and a conversion is named."""
    return {
        name: conversions[name](value) if name in conversions and value is not None else value
        for name, value in plain.items()
    }


def _rule(plain: _Plain) -> Rule:
    converted = _present(
        plain, match=_match, per_amount=Decimal, per_quantity=Decimal, limit=_limit
    )
    return Rule(**converted)


def _limit(plain: _Plain) -> Limit:
    return Limit(**plain)


def _match(plain: _Plain) -> Match:
    converted = _present(plain, minimum_amount=Decimal)
    for name, value in plain.items():
        if isinstance(value, list):
            converted[name] = frozenset(value)
    return Match(**converted)


def _campaign(plain: _Plain) -> Campaign:
    converted = _present(plain, match=_match, multiplier=Decimal)
    begins, ends = (datetime.fromisoformat(converted.pop(name)) for name in ("from", "to"))
    return Campaign(begins=begins, ends=ends, **converted)


def _maturation(plain: _Plain) -> MaturationTerms:
    parse = Period.parse
    return MaturationTerms(
        **_present(plain, hold=parse, return_window=parse, cancel_unpaid_after=parse)
    )


def _expiry(plain: _Plain) -> ExpiryTerms:
    kept = {name: value for name, value in plain.items() if name != "after" or value is not None}
    return ExpiryTerms(**_present(kept, after=Period.parse, warn_days_before=_soonest_last))


def _soonest_last(days: list[int]) -> tuple[int, ...]:
    return tuple(sorted(set(days), reverse=True))


def _redemption(plain: _Plain) -> RedemptionTerms:
    return RedemptionTerms(
        **_present(
            plain,
            minimum_amount=Decimal,
            yearly_amount_cap=Decimal,
            excluded_jurisdictions=frozenset,
        )
    )
