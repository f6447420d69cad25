"""Who can have a reward: windows, gates and what is left."""

from datetime import timedelta
from typing import Any

import pytest

from points_ledger.domain.error import OutOfStockError, RewardNotAvailableError
from points_ledger.domain.identity import RewardId
from points_ledger.domain.reward import Offer, check_claim, passes_gate
from tests.builders import START, program

SECOND = timedelta(seconds=1)
RULES = program(tiers={"silver": "1", "gold": "1", "platinum": "1"})


def offer(**changes: Any) -> Offer:  # noqa: ANN401 - of an offer
    plain: dict[str, Any] = {
        "reward_id": RewardId("rwd_1"),
        "tiers": (),
        "valid_from": None,
        "valid_until": None,
        "is_active": True,
        "remaining": None,
    }
    return Offer(**{**plain, **changes})


def reason(**changes: Any) -> str | None:  # noqa: ANN401 - as above
    """Why an offer is refused; None where it is not."""
    try:
        check_claim(offer(**changes), tier="silver", program=RULES, now=START)
    except RewardNotAvailableError as error:
        return error.reason
    except OutOfStockError:
        return "stock"
    return None


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, None),
        ({"is_active": False}, "not_active"),
        ({"valid_from": START}, None),
        ({"valid_from": START + SECOND}, "not_yet"),
        ({"valid_until": START + SECOND}, None),
        ({"valid_until": START}, "ended"),
        ({"tiers": ("silver",)}, None),
        ({"tiers": ("gold",)}, "tier"),
        ({"remaining": 1}, None),
        ({"remaining": 0}, "stock"),
    ],
)
def test_an_offer_is_refused_for(changes: dict[str, Any], expected: str | None) -> None:
    assert reason(**changes) == expected


def test_of_several_reasons_the_first_in_order_is_told() -> None:
    everything = {
        "is_active": False,
        "valid_from": START + SECOND,
        "valid_until": START,
        "tiers": ("gold",),
        "remaining": 0,
    }
    told = []
    for name, harmless in (
        ("is_active", True),
        ("valid_from", None),
        ("valid_until", None),
        ("tiers", ()),
        ("remaining", None),
    ):
        told.append(reason(**everything))
        everything[name] = harmless
    assert told == ["not_active", "not_yet", "ended", "tier", "stock"]


@pytest.mark.parametrize(
    ("tier", "wanted", "passes"),
    [
        (None, (), True),
        (None, ("silver",), False),
        ("gold", ("silver",), True),
        ("gold", ("gold",), True),
        ("gold", ("platinum",), False),
        ("silver", ("platinum", "silver"), True),
        ("gold", ("platinum", "silver"), True),
        ("former", ("former",), True),
        ("platinum", ("former",), False),
        ("former", ("silver",), False),
    ],
)
def test_a_gate_is_passed_from_its_tier_upwards(
    tier: str | None, wanted: tuple[str, ...], passes: bool
) -> None:
    assert passes_gate(tier, wanted, RULES.tiers) is passes
