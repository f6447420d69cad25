"""The scheduled functions, invoked as their schedules do, with the time that they take as now."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from tests.stack.client import StackClient, days_ago, now
from tests.stack.standard import Purchase

pytestmark = pytest.mark.stack

CHICAGO = ZoneInfo("America/Chicago")


def a_held_purchase(ledger: StackClient, amount: str = "2500.00") -> tuple[str, Purchase]:
    """A member with 150 points that wait for the hold alone."""
    member_id, customer_id = ledger.customer()
    purchase = Purchase(customer_id=customer_id, amount=amount, posted_at=now())
    ledger.settle(purchase.posted(), purchase.settled(at=now()))
    return member_id, purchase


def midnight_after_the_last_day(ledger: StackClient, member_id: str) -> datetime:
    last_day = max(lot["last_day"] for lot in ledger.balance(member_id)["lots"])
    day = datetime.fromisoformat(last_day).date() + timedelta(days=1)
    return datetime.combine(day, time(), tzinfo=CHICAGO).astimezone(UTC)


def test_the_same_sweep_again_posts_nothing(ledger: StackClient) -> None:
    member_id, purchase = a_held_purchase(ledger)
    released_at = purchase.posted_at + timedelta(hours=24)

    first = ledger.sweep("hold_release", released_at)
    again = ledger.sweep("hold_release", released_at)

    assert first["posted"] >= 1
    assert first["failed"] == 0
    assert (again["due"], again["posted"], again["failed"]) == (0, 0, 0)
    assert ledger.amounts(member_id) == (0, 150, 0)
    maturation = ledger.entries(member_id)[-1]
    assert datetime.fromisoformat(maturation["at"]) == released_at
    assert maturation["actor"] == "schedule:hold_release"

    midnight = midnight_after_the_last_day(ledger, member_id)
    first = ledger.sweep("expiry", midnight)
    again = ledger.sweep("expiry", midnight)

    assert first["posted"] >= 1
    assert (again["due"], again["posted"], again["failed"]) == (0, 0, 0)
    assert ledger.amounts(member_id) == (0, 0, 0)
    assert ledger.entry_types(member_id).count("expiry") == 1


@pytest.mark.parametrize("function", ["hold_release", "expiry"])
@pytest.mark.parametrize(
    "scheduled_time",
    [None, "", "<aws.scheduler.scheduled-time>", "tomorrow", "2099-01-01T00:00:00", "2099-13-01"],
)
def test_a_value_that_is_not_a_time_means_the_clock(
    ledger: StackClient, function: str, scheduled_time: str | None
) -> None:
    counts = ledger.sweep(function, scheduled_time)

    assert counts["failed"] == 0


def test_the_clock_does_not_release_a_hold_that_has_not_passed(ledger: StackClient) -> None:
    member_id, _ = a_held_purchase(ledger)

    ledger.sweep("hold_release", "not a time")
    ledger.sweep("expiry", "not a time")

    assert ledger.amounts(member_id) == (150, 0, 0)


def test_after_a_time_far_ahead_the_others_go_on_as_before(ledger: StackClient) -> None:
    unpaid_id, customer_id = ledger.customer()
    unpaid = Purchase(customer_id=customer_id, amount="2500.00", posted_at=now())
    ledger.settle(unpaid.posted())
    far_ahead = now() + timedelta(days=3_000)

    ledger.sweep("hold_release", far_ahead)
    ledger.sweep("expiry", far_ahead)
    assert ledger.amounts(unpaid_id) == (0, 0, 0)
    assert ledger.entry_types(unpaid_id)[-1] == "lapse"

    member_id, purchase = a_held_purchase(ledger)
    ledger.sweep("hold_release", purchase.posted_at + timedelta(hours=23))
    assert ledger.amounts(member_id) == (150, 0, 0)
    ledger.sweep("hold_release", purchase.posted_at + timedelta(hours=24))
    assert ledger.amounts(member_id) == (0, 150, 0)
    ledger.sweep("expiry", midnight_after_the_last_day(ledger, member_id))
    assert ledger.amounts(member_id) == (0, 0, 0)


def test_lapsed_points_come_back_with_a_late_payment(ledger: StackClient) -> None:
    member_id, customer_id = ledger.customer()
    purchase = Purchase(customer_id=customer_id, amount="2500.00", posted_at=days_ago(170))
    ledger.settle(purchase.posted())
    assert ledger.amounts(member_id) == (150, 0, 0)

    ledger.sweep("hold_release", now() + timedelta(days=20))
    assert ledger.amounts(member_id) == (0, 0, 0)
    ledger.settle(purchase.settled(at=now()))

    assert ledger.amounts(member_id) == (0, 150, 0)


def test_a_late_sweep_matures_into_the_lot_of_the_day_on_which_it_was_due(
    ledger: StackClient,
) -> None:
    on_time, purchase = a_held_purchase(ledger)
    ledger.sweep("hold_release", purchase.posted_at + timedelta(hours=24))
    late, purchase = a_held_purchase(ledger)
    ledger.sweep("hold_release", purchase.posted_at + timedelta(days=90))

    lots = [ledger.balance(member_id)["lots"] for member_id in (on_time, late)]

    assert lots[0] == lots[1]


def test_a_lot_whose_day_has_passed_when_it_is_recorded_is_good_until_midnight(
    ledger: StackClient,
) -> None:
    member_id, customer_id = ledger.customer()
    purchase = Purchase(customer_id=customer_id, amount="10000.00", posted_at=days_ago(900))
    before = datetime.now(CHICAGO).date()

    ledger.settle(purchase.posted(), purchase.settled(at=days_ago(899)))

    maturation = ledger.entries(member_id)[-1]
    assert maturation["type"] == "maturation"
    (last_day,) = maturation["lots"]
    assert str(before) <= last_day <= str(datetime.now(CHICAGO).date())
