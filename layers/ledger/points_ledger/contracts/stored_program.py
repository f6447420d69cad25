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
from points_ledger.domain.prize import prize_rules
from points_ledger.domain.program import (
    AdjustmentTerms,
    Benefit,
    Campaign,
    Challenge,
    ChallengePeriod,
    CouponTerms,
    ExpiryTerms,
    Leaderboard,
    Limit,
    Match,
    MaturationTerms,
    Membership,
    PointValue,
    Prize,
    Program,
    RedemptionTerms,
    Rule,
    Streak,
    Tier,
    TierWindow,
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
    challenges = tuple(map(_challenge, plain.get("challenges") or ()))
    streaks = tuple(Streak(**_present(each, match=_match)) for each in plain.get("streaks") or ())
    leaderboards = tuple(map(_leaderboard, plain.get("leaderboards") or ()))
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
        rules=(
            *map(_rule, plain["earning_rules"]),
            *prize_rules(challenges, streaks, leaderboards),
        ),
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
        tier_window=TierWindow(**plain.get("tier_window", {})),
        challenges=challenges,
        streaks=streaks,
        leaderboards=leaderboards,
        memberships=tuple(map(_membership, plain.get("memberships") or ())),
        benefits=tuple(map(_benefit, plain.get("benefits") or ())),
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


def _challenge(plain: _Plain) -> Challenge:
    converted = _present(plain, match=_match)
    begins, ends = converted.pop("from", None), converted.pop("to", None)
    per: ChallengePeriod = converted.pop("per", None) or "lifetime"
    if begins is None or ends is None:
        return Challenge(per=per, **converted)
    return Challenge(
        per="window",
        begins=datetime.fromisoformat(begins),
        ends=datetime.fromisoformat(ends),
        **converted,
    )


def _leaderboard(plain: _Plain) -> Leaderboard:
    return Leaderboard(**_present(plain, match=_match, freeze_after=Period.parse, prizes=_prizes))


def _prizes(plain: list[_Plain]) -> tuple[Prize, ...]:
    return tuple(sorted((Prize(**each) for each in plain), key=lambda prize: prize.rank))


def _membership(plain: _Plain) -> Membership:
    return Membership(**_present(plain, lasts=Period.parse, items=frozenset))


def _benefit(plain: _Plain) -> Benefit:
    return Benefit(
        **_present(plain, tiers=frozenset, categories=frozenset, discount_percent=Decimal)
    )


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
