"""Which version of the program is in force, and what a tier multiplies (semantics 3.1)."""

from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from points_ledger.domain.program import VersionPeriod, version_in_force
from tests.builders import acme, after, earned_by, line, posted, program

MOMENT = timedelta(microseconds=1)
PERIODS = (
    VersionPeriod(version=1, effective_from=after(days=0)),
    VersionPeriod(version=3, effective_from=after(days=20)),
    VersionPeriod(version=2, effective_from=after(days=10)),
)


@pytest.mark.parametrize(
    ("at", "version"),
    [
        (after(days=-400), 1),
        (after(days=0), 1),
        (after(days=10) - MOMENT, 1),
        (after(days=10), 2),
        (after(days=20) - MOMENT, 2),
        (after(days=20), 3),
        (after(days=9_000), 3),
    ],
)
def test_a_version_is_in_force_from_its_instant_and_the_first_serves_anything_earlier(
    at: datetime, version: int
) -> None:
    assert version_in_force(PERIODS, at) == version


def test_of_two_versions_of_one_instant_the_later_number_is_in_force() -> None:
    twice = (*PERIODS, VersionPeriod(version=4, effective_from=after(days=20)))
    assert version_in_force(twice, after(days=20)) == 4


@pytest.mark.parametrize(
    ("tier", "multiplier"), [("gold", "1.5"), ("silver", "1.25"), ("unknown", "1"), (None, "1")]
)
def test_a_tier_that_a_version_does_not_know_multiplies_by_one(
    tier: str | None, multiplier: str
) -> None:
    given = program(tiers={"silver": "1.25", "gold": "1.5"})
    assert given.tier_multiplier(tier) == Decimal(multiplier)


@pytest.mark.parametrize(
    ("category", "item", "points"),
    [("original", None, 75), ("retail", None, 1250), ("retail", "GIFTCARD", 0), ("other", None, 0)],
)
def test_the_program_of_the_local_stack_earns_as_its_document_says(
    category: str, item: str | None, points: int
) -> None:
    sold = posted(line("1250.00", category=category, item=item))
    assert earned_by(acme(), sold) == points
