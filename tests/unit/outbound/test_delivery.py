"""A delivery's way: when it is tried, put off, given up, and begun again."""

# ruff: noqa: ARG002 - what stands in for a port takes all that the port takes

import base64
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest

from points_ledger.domain.error import ConflictError
from points_ledger.domain.outbound import (
    DISABLED_AFTER,
    FAILING_AFTER,
    MAX_KEPT_TRIES,
    SLOW_MILLISECONDS,
    Delivery,
    DeliveryId,
    DisabledBecause,
    Endpoint,
    Occurrence,
    SigningSecrets,
    Try,
    TryOutcome,
    WebhookId,
    delivery_id,
)
from points_ledger.service.outbound_delivery import Delivering, Told
from points_ledger.service.outbound_ports import Errand, Known

NOW = datetime(2026, 9, 4, 12, tzinfo=UTC)
HOOK = WebhookId("whk_1")
EVENT = Occurrence(id="mbr_a#3", type="PointsAccrued", at=NOW, content="{}")
ERRAND = Errand(
    webhook_id=HOOK, delivery_id=delivery_id(HOOK, EVENT.id, EVENT.at), occurrence=EVENT
)
DELAYS = (timedelta(seconds=5), timedelta(minutes=5))
SECRET = "whsec_" + base64.b64encode(b"x" * 32).decode()


@dataclass
class Office:
    """Store, courier and clock in one; `answers` are given one after the other."""

    answers: list[TryOutcome] = field(default_factory=list)
    now: datetime = NOW
    milliseconds: int = 20
    endpoint: Endpoint | None = field(
        default_factory=lambda: Endpoint(webhook_id=HOOK, url="https://a.example", created_at=NOW)
    )
    deliveries: dict[DeliveryId, Delivery] = field(default_factory=dict)
    posts: list[tuple[str, ...]] = field(default_factory=list)
    loses: bool = False

    def deliver(self, errand: Errand = ERRAND) -> Told:
        delivering = Delivering(store=self, courier=self, clock=lambda: self.now, delays=DELAYS)
        return delivering.deliver(errand)

    @property
    def delivery(self) -> Delivery:
        return self.deliveries[ERRAND.delivery_id]

    def known(self, webhook_id: WebhookId, delivery_id: DeliveryId | None = None) -> Known:
        secrets = SigningSecrets(webhook_id=webhook_id, current=SECRET)
        found = self.deliveries.get(delivery_id) if delivery_id else None
        return Known(endpoint=self.endpoint, secrets=secrets, delivery=found)

    def save(self, delivery: Delivery) -> bool:
        if self.loses:
            return False
        known = self.deliveries.get(delivery.delivery_id)
        assert delivery.revision == (known.revision if known else 0)
        self.deliveries[delivery.delivery_id] = replace(delivery, revision=delivery.revision + 1)
        return True

    def failed(self, webhook_id: WebhookId, at: datetime) -> Endpoint | None:
        assert self.endpoint is not None
        since = self.endpoint.failing_since or at
        failures = self.endpoint.failures + 1
        self.endpoint = replace(self.endpoint, failures=failures, failing_since=since)
        return self.endpoint

    def slow(self, webhook_id: WebhookId) -> None:
        assert self.endpoint is not None
        failures = self.endpoint.failures + 1
        self.endpoint = replace(self.endpoint, failures=failures, failing_since=None)

    def succeeded(self, webhook_id: WebhookId) -> None:
        assert self.endpoint is not None
        self.endpoint = replace(self.endpoint, failures=0, failing_since=None)

    def disable(self, webhook_id: WebhookId, at: datetime, because: DisabledBecause) -> bool:
        assert self.endpoint is not None
        was = self.endpoint.disabled_at
        self.endpoint = replace(self.endpoint, disabled_at=at, disabled_because=because)
        return was is None

    def post(
        self, url: str, *, secrets: Sequence[str], occurrence: Occurrence, at: datetime
    ) -> Try:
        self.posts.append((url, *secrets))
        return Try(
            at=at,
            outcome=self.answers.pop(0),
            status_code=None,
            duration_milliseconds=self.milliseconds,
        )


def test_what_is_taken_is_never_posted_again() -> None:
    office = Office(["delivered"])

    assert office.deliver().name == "delivered"
    assert office.deliver().name == "duplicate"
    assert office.posts == [("https://a.example", SECRET)]
    assert office.delivery.status == "delivered"


def test_what_fails_is_tried_after_each_delay_and_then_given_up() -> None:
    office = Office(["refused", "timed_out", "refused"])

    first = office.deliver()
    assert (first.name, first.again_at) == ("postponed", NOW + DELAYS[0])
    office.now += DELAYS[0]
    second = office.deliver()
    assert (second.name, second.again_at) == ("postponed", office.now + DELAYS[1])
    office.now += DELAYS[1]
    last = office.deliver()

    assert (last.name, last.set_aside) == ("given_up", replace(ERRAND, round=3))
    assert office.delivery.status == "failed"
    assert office.delivery.next_try_at is None
    # Killed before the dead letters had it: the same again, and no further try.
    assert office.deliver().set_aside == last.set_aside
    assert len(office.posts) == 3


def test_a_message_that_comes_too_early_waits() -> None:
    office = Office(["refused"])
    due = office.deliver().again_at

    told = office.deliver()

    assert (told.name, told.again_at) == ("postponed", due)
    assert len(office.posts) == 1


def test_who_asks_again_begins_one_round_however_often_it_asks() -> None:
    office = Office(["refused", "refused", "refused", "refused", "delivered"])
    for delay in (*DELAYS, timedelta()):
        office.deliver()
        office.now += delay
    again = replace(ERRAND, round=3)

    assert office.deliver(again).again_at == office.now + DELAYS[0]
    assert office.deliver(again).name == "postponed"
    assert office.deliver(ERRAND).name == "duplicate"
    office.now += DELAYS[0]
    assert office.deliver(again).name == "delivered"
    assert office.deliver(again).name == "duplicate"
    assert office.delivery.tried == 5


def test_what_was_delivered_is_posted_again_for_who_asks() -> None:
    office = Office(["delivered", "delivered"])
    office.deliver()

    assert office.deliver(replace(ERRAND, round=1)).name == "delivered"
    assert len(office.posts) == 2


def test_an_endpoint_that_is_gone_is_disabled_and_told_nothing_more() -> None:
    office = Office(["gone"])

    told = office.deliver()

    assert (told.name, told.disabled) == ("cancelled", "gone")
    other = replace(ERRAND, delivery_id=DeliveryId("dlv_2"))
    assert office.deliver(other).name == "cancelled"
    assert len(office.posts) == 1
    assert office.deliveries[DeliveryId("dlv_2")].status == "cancelled"


def test_an_endpoint_that_was_removed_leaves_nothing() -> None:
    office = Office(endpoint=None)

    assert office.deliver().name == "removed"
    assert office.deliveries == {}


def test_nothing_but_failures_for_days_disables_and_one_success_forgets_them() -> None:
    office = Office(["refused", "delivered", "refused", "refused", "refused"])
    for number in range(5):
        told = office.deliver(replace(ERRAND, delivery_id=DeliveryId(f"dlv_{number}")))
        assert told.disabled == ("failing" if number == 4 else None)
        # From the failure that is third in all, and first of those that end it.
        office.now += DISABLED_AFTER if number in (0, 3) else timedelta(seconds=1)
    assert office.endpoint is not None
    assert office.endpoint.disabled_because == "failing"


def test_failures_and_slow_answers_set_an_endpoint_apart() -> None:
    failing = Office(["refused"] * FAILING_AFTER)
    slow = Office(["delivered"] * FAILING_AFTER, milliseconds=SLOW_MILLISECONDS)
    for office in (failing, slow):
        for number in range(FAILING_AFTER):
            assert office.endpoint is not None
            assert not office.endpoint.stands_apart
            office.deliver(replace(ERRAND, delivery_id=DeliveryId(f"dlv_{number}")))
    assert failing.endpoint is not None
    assert slow.endpoint is not None
    assert (failing.endpoint.status, slow.endpoint.status) == ("failing", "slow")


def test_who_loses_a_race_looks_again_later() -> None:
    office = Office(["delivered"], loses=True)

    with pytest.raises(ConflictError):
        office.deliver()


def test_a_log_keeps_the_newest_tries() -> None:
    office = Office(["delivered"] * (MAX_KEPT_TRIES + 5))
    for number in range(MAX_KEPT_TRIES + 5):
        office.deliver(replace(ERRAND, round=number))

    assert office.delivery.tried == MAX_KEPT_TRIES + 5
    assert len(office.delivery.tries) == MAX_KEPT_TRIES


def test_ids_of_deliveries_sort_as_their_events_and_know_their_endpoint() -> None:
    later = delivery_id(HOOK, "a", NOW + timedelta(milliseconds=1))

    assert delivery_id(HOOK, "b", NOW) < later
    assert delivery_id(HOOK, "a", NOW) == delivery_id(HOOK, "a", NOW)
    assert delivery_id(HOOK, "a", NOW) != delivery_id(WebhookId("whk_2"), "a", NOW)


def test_the_old_secret_signs_along_for_a_day() -> None:
    secrets = SigningSecrets(webhook_id=HOOK, current="a").rotated("b", NOW)

    assert secrets.at(NOW + timedelta(hours=23)) == ("b", "a")
    assert secrets.at(NOW + timedelta(hours=24)) == ("b",)
    assert secrets.rotated("c", NOW).at(NOW) == ("c", "b")
