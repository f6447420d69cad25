"""Endpoints of outbound webhooks over HTTP: registered, shown, rotated, tested and removed."""

import base64
import json
from datetime import timedelta

import pytest

from points_ledger.contracts.events import (
    APPROVAL_REQUESTED,
    EVENT_NAMES,
    INCONSISTENT,
    TIER_CHANGED,
)
from points_ledger.contracts.outbound import EVENT_TYPES
from points_ledger.domain.outbound import MAX_ENDPOINTS
from tests.functions.deployed import Answer, Deployed, Json
from tests.functions.gateway import ADMIN

LIST = "GET /outbound-webhooks"
REGISTER = "POST /outbound-webhooks"
REMOVE = "DELETE /outbound-webhooks/{webhook_id}"
ROTATE = "POST /outbound-webhooks/{webhook_id}/secret"
ENABLE = "POST /outbound-webhooks/{webhook_id}/enable"
TEST = "POST /outbound-webhooks/{webhook_id}/test"
DELIVERIES = "GET /outbound-webhooks/{webhook_id}/deliveries"
RETRY = "POST /outbound-webhooks/{webhook_id}/deliveries/{delivery_id}/retry"

URL = "https://hooks.example.org/points?tenant=7"
NOBODY = {"webhook_id": "whk_nobody"}


@pytest.fixture
def queue_url(deployed: Deployed) -> str:
    return deployed.queue_outbound()["deliveries"]


def registered(deployed: Deployed, key: str | None = None, **body: object) -> Answer:
    answer = deployed.ask(REGISTER, ADMIN, body={"url": URL, **body}, key=key)
    assert answer.status == 201, answer.body
    return answer


def listed(deployed: Deployed) -> list[Json]:
    answer = deployed.ask(LIST, ADMIN)
    assert answer.status == 200
    return list(answer.body["outbound_webhooks"])


@pytest.mark.usefixtures("queue_url")
def test_the_secret_is_shown_once_and_never_listed_or_logged(deployed: Deployed) -> None:
    made = registered(deployed, events=["PointsMatured", "PointsAccrued"], description="Shop")

    secret = made.body.pop("secret")
    assert len(base64.b64decode(secret.removeprefix("whsec_"))) == 32
    assert secret not in made.printed.text
    assert made.body == {
        "webhook_id": made.body["webhook_id"],
        "url": URL,
        "events": ["PointsAccrued", "PointsMatured"],
        "description": "Shop",
        "status": "active",
        "created_at": "2026-09-04T12:00:00Z",
        "failures": 0,
        "failing_since": None,
        "disabled_at": None,
        "disabled_because": None,
    }
    assert listed(deployed) == [made.body]
    assert deployed.ask(LIST, ADMIN).text.count("whsec_") == 0


@pytest.mark.usefixtures("queue_url")
def test_the_same_request_is_one_endpoint_with_one_secret(deployed: Deployed) -> None:
    first = registered(deployed, key="E-1")
    again = registered(deployed, key="E-1")
    other = deployed.ask(REGISTER, ADMIN, body={"url": f"{URL}8"}, key="E-1")

    assert again.body == first.body
    assert again.headers["idempotency-replayed"] == "true"
    assert other.refusal == (422, "idempotency_key_reused")
    assert len(listed(deployed)) == 1


@pytest.mark.usefixtures("queue_url")
def test_without_a_key_each_request_is_an_endpoint(deployed: Deployed) -> None:
    registered(deployed)
    deployed.clock.move(seconds=1)
    registered(deployed, description="second")

    assert [each["description"] for each in listed(deployed)] == [None, "second"]


@pytest.mark.usefixtures("queue_url")
def test_a_kept_request_holds_no_secret(deployed: Deployed) -> None:
    made = registered(deployed, key="E-1")

    kept = [
        text
        for key, item in deployed.stored().items()
        if "SECRETS" not in key
        for text in [json.dumps(item, default=str)]
    ]
    assert not [text for text in kept if made.body["secret"] in text]


@pytest.mark.usefixtures("queue_url")
def test_a_replay_after_a_rotation_shows_no_secret(deployed: Deployed) -> None:
    made = registered(deployed, key="E-1")
    path = {"webhook_id": made.body["webhook_id"]}
    rotated = deployed.ask(ROTATE, ADMIN, path=path, key="R-1")
    again = deployed.ask(ROTATE, ADMIN, path=path, key="R-1")

    assert rotated.status == 200
    assert rotated.body["secret"] != made.body["secret"]
    assert rotated.body["previous_secret_until"] == "2026-09-05T12:00:00Z"
    assert again.body == rotated.body
    assert registered(deployed, key="E-1").body == {**made.body, "secret": None}


@pytest.mark.usefixtures("queue_url")
def test_there_is_room_for_so_many_and_again_when_one_is_gone(deployed: Deployed) -> None:
    made = [registered(deployed).body["webhook_id"] for _ in range(MAX_ENDPOINTS)]

    refused = deployed.ask(REGISTER, ADMIN, body={"url": URL})
    assert refused.refusal == (422, "limit_exceeded")
    assert refused.body["maximum"] == MAX_ENDPOINTS

    assert deployed.ask(REMOVE, ADMIN, path={"webhook_id": made[3]}).status == 200
    assert deployed.ask(REMOVE, ADMIN, path={"webhook_id": made[3]}).refusal == (404, "not_found")
    registered(deployed)
    assert len(listed(deployed)) == MAX_ENDPOINTS


@pytest.mark.usefixtures("queue_url")
def test_what_is_removed_leaves_no_secret(deployed: Deployed) -> None:
    made = registered(deployed, key="E-1")
    deployed.ask(REMOVE, ADMIN, path={"webhook_id": made.body["webhook_id"]})

    assert made.body["secret"] not in json.dumps(deployed.stored(), default=str)
    assert registered(deployed, key="E-1").body == {**made.body, "secret": None}
    assert listed(deployed) == []


def test_a_test_event_is_queued_and_the_same_request_is_the_same_event(
    deployed: Deployed, queue_url: str
) -> None:
    path = {"webhook_id": registered(deployed).body["webhook_id"]}

    first = deployed.ask(TEST, ADMIN, path=path, key="T-1")
    deployed.clock.now += timedelta(hours=1)
    again = deployed.ask(TEST, ADMIN, path=path, key="T-1")

    assert first.status == again.status == 202
    assert again.body == first.body
    messages = [json.loads(each["Body"]) for each in deployed.queued(queue_url)]
    assert [each["delivery_id"] for each in messages] == [first.body["delivery_id"]] * 2
    assert messages[0] == messages[1]
    assert messages[0]["content"]["type"] == "WebhookTest"


@pytest.mark.usefixtures("queue_url")
@pytest.mark.parametrize("route", [REMOVE, ROTATE, ENABLE, TEST, DELIVERIES])
def test_an_endpoint_that_is_not_there_is_not_found(deployed: Deployed, route: str) -> None:
    assert deployed.ask(route, ADMIN, path=NOBODY).refusal == (404, "not_found")


@pytest.mark.usefixtures("queue_url")
def test_a_delivery_that_is_not_there_is_not_found(deployed: Deployed) -> None:
    path = {"webhook_id": registered(deployed).body["webhook_id"], "delivery_id": "dlv_none"}

    assert deployed.ask(RETRY, ADMIN, path=path).refusal == (404, "not_found")
    assert deployed.ask(RETRY, ADMIN, path={**path, **NOBODY}).refusal == (404, "not_found")


@pytest.mark.usefixtures("queue_url")
@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "url"),
        ({"url": 7}, "url"),
        ({"url": "http://hooks.example.org/"}, "url"),
        ({"url": "http://127.0.0.1/"}, "url"),
        ({"url": "https://127.0.0.1/"}, "url"),
        ({"url": "https://169.254.169.254/latest/meta-data"}, "url"),
        ({"url": "https://user:word@hooks.example.org/"}, "url"),
        ({"url": URL, "events": []}, "events"),
        ({"url": URL, "events": ["PointsAccrued", "Points"]}, "events.1"),
        ({"url": URL, "events": "PointsAccrued"}, "events"),
        ({"url": URL, "description": ""}, "description"),
        ({"url": URL, "secret": "whsec_x"}, "secret"),
    ],
)
def test_what_is_wrong_is_named_and_nothing_is_stored(
    deployed: Deployed, body: Json, field: str
) -> None:
    assert deployed.ask(REGISTER, ADMIN, body=body).fields == [field]
    assert listed(deployed) == []


@pytest.mark.usefixtures("queue_url")
def test_the_log_of_an_endpoint_begins_empty_and_knows_its_own_cursors(deployed: Deployed) -> None:
    path = {"webhook_id": registered(deployed).body["webhook_id"]}

    assert deployed.ask(DELIVERIES, ADMIN, path=path).body == {"deliveries": [], "cursor": None}
    assert deployed.ask(DELIVERIES, ADMIN, path=path, query={"cursor": "x"}).fields == ["cursor"]
    assert deployed.ask(DELIVERIES, ADMIN, path=path, query={"limit": "0"}).fields == ["limit"]


def test_every_event_of_the_bus_can_be_chosen() -> None:
    told = {*EVENT_NAMES.values(), APPROVAL_REQUESTED, INCONSISTENT, TIER_CHANGED}
    assert told == EVENT_TYPES
