"""From an event of the bus to the endpoints: fanned out, posted, put off, and set aside."""

import json
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest

from points_ledger.adapters.outbound_http import HttpCourier
from points_ledger.adapters.outbound_queue import ErrandsNotTakenError, decode_errand
from points_ledger.domain.outbound import FAILING_AFTER, Try, TryOutcome
from points_ledger.runtime import bootstrap, services
from tests.functions import records
from tests.functions.deployed import Context, Deployed, failures
from tests.functions.gateway import ADMIN

Json = dict[str, Any]

HOOKS = "POST /outbound-webhooks"
DELIVERIES = "GET /outbound-webhooks/{webhook_id}/deliveries"
RETRY = "POST /outbound-webhooks/{webhook_id}/deliveries/{delivery_id}/retry"
RECORDED = "2026-09-04T11:59:59.250000Z"


@dataclass
class Exchange:
    """The workers with their queues, and endpoints that answer as they are told."""

    deployed: Deployed
    urls: dict[str, str]
    answers: list[TryOutcome] = field(default_factory=list)
    posted: list[str] = field(default_factory=list)

    def register(self, *events: str) -> str:
        body = {"url": "https://hooks.example.org/", **({"events": list(events)} if events else {})}
        answer = self.deployed.ask(HOOKS, ADMIN, body=body)
        assert answer.status == 201
        return str(answer.body["webhook_id"])

    def tell(self, *numbers: int, type_: str = "PointsAccrued") -> list[str]:
        """Hand events of the bus to the function that fans them out."""
        return self.hand("outbound_events", *(told(number, type_) for number in numbers))

    def hand(self, function: str, *bodies: str, context: Context | None = None) -> list[str]:
        batch = records.batch(*(records.message(body, f"m-{n}") for n, body in enumerate(bodies)))
        return failures(self.deployed.invoke(function, batch, context))

    def waiting(self, name: str) -> list[str]:
        """The messages of a queue, those held back too, taken off it."""
        return [each["Body"] for each in self.deployed.queued(self.urls[name])]

    def log(self, webhook_id: str, **query: str) -> Json:
        path = {"webhook_id": webhook_id}
        answer = self.deployed.ask(DELIVERIES, ADMIN, path=path, query=query)
        assert answer.status == 200
        return answer.body

    def status(self, webhook_id: str) -> str:
        shown = self.deployed.ask("GET /outbound-webhooks", ADMIN).body["outbound_webhooks"]
        [status] = (each["status"] for each in shown if each["webhook_id"] == webhook_id)
        return str(status)


def told(number: int, type_: str = "PointsAccrued") -> str:
    """An event as a rule of the bus hands it to a queue."""
    entry = {"entry": number, "recorded_at": RECORDED}
    detail = {"id": f"mbr_a#{number}", "member_id": "mbr_a", "points": 5, "entry": entry}
    event = {"source": "points-ledger", "detail-type": type_, "time": "2026-09-04T11:59:59Z"}
    return json.dumps({**event, "detail": detail})


@pytest.fixture
def exchange(deployed: Deployed) -> Exchange:
    exchange = Exchange(deployed, deployed.queue_outbound())

    def post(_: HttpCourier, _url: str, **said: Any) -> Try:  # noqa: ANN401 - as the port has it
        exchange.posted.append(said["occurrence"].content)
        outcome = exchange.answers.pop(0) if exchange.answers else "delivered"
        status = {"delivered": 204, "refused": 500, "gone": 410}[outcome]
        return Try(at=said["at"], outcome=outcome, status_code=status, duration_milliseconds=12)

    deployed.monkeypatch.setattr(HttpCourier, "post", post)
    # What is held back, or hidden, is looked at here without waiting for it.
    client = bootstrap.sqs()
    send: Any = client.send_message_batch

    def send_at_once(**asked: Any) -> Any:  # noqa: ANN401 - botocore's
        entries = [{**each, "DelaySeconds": 0} for each in asked["Entries"]]
        return send(QueueUrl=asked["QueueUrl"], Entries=entries)

    deployed.monkeypatch.setattr(client, "send_message_batch", send_at_once)
    deployed.monkeypatch.setattr(client, "change_message_visibility", lambda **_: None)
    return exchange


def test_an_event_goes_to_each_endpoint_that_wants_it(exchange: Exchange) -> None:
    everything = exchange.register()
    exchange.register("PointsMatured")
    chosen = exchange.register("PointsAccrued")

    assert exchange.tell(3) == []

    errands = [decode_errand(each) for each in exchange.waiting("deliveries")]
    assert sorted(each.webhook_id for each in errands) == sorted([everything, chosen])
    assert {each.occurrence.id for each in errands} == {"mbr_a#3"}
    document = json.loads(errands[0].occurrence.content)
    assert document["type"] == "PointsAccrued"
    assert document["timestamp"] == RECORDED
    assert document["data"]["points"] == 5


def test_an_event_that_is_told_twice_is_one_delivery(exchange: Exchange) -> None:
    hook = exchange.register()
    exchange.tell(3)
    exchange.tell(3)

    messages = exchange.waiting("deliveries")
    assert len(messages) == 2
    assert exchange.hand("outbound_deliveries", *messages) == []

    assert len(exchange.posted) == 1
    [logged] = exchange.log(hook)["deliveries"]
    assert (logged["status"], logged["attempt"], logged["status_code"]) == ("delivered", 1, 204)
    assert logged["occurred_at"] == RECORDED


def test_what_fails_goes_to_the_retries_and_in_the_end_to_the_dead_letters(
    exchange: Exchange,
) -> None:
    hook = exchange.register()
    exchange.answers = ["refused"] * 4
    exchange.tell(3)
    assert exchange.hand("outbound_deliveries", *exchange.waiting("deliveries")) == []

    [message] = exchange.waiting("retries")
    for seconds in (5, 300):
        assert exchange.hand("outbound_retries", message) == ["m-0"], "too early"
        exchange.deployed.clock.move(seconds=seconds)
        assert exchange.hand("outbound_retries", message) == ["m-0"]
    exchange.deployed.clock.move(seconds=1800)
    assert exchange.hand("outbound_retries", message) == []

    assert len(exchange.posted) == 4
    [logged] = exchange.log(hook)["deliveries"]
    assert (logged["status"], logged["attempt"]) == ("failed", 4)
    [letter] = exchange.deployed.queued(exchange.urls["retries_dead_letters"])
    assert letter["MessageAttributes"]["reason"]["StringValue"] == "refused"
    dead = letter["Body"]
    # Sent back to its queue, it begins anew.
    assert exchange.hand("outbound_retries", dead) == []
    assert exchange.log(hook)["deliveries"][0]["status"] == "delivered"
    # And comes to nothing when it is sent back twice.
    assert exchange.hand("outbound_retries", dead) == []
    assert len(exchange.posted) == 5


def test_who_asks_for_a_retry_twice_gets_one(exchange: Exchange) -> None:
    hook = exchange.register()
    exchange.tell(3)
    exchange.hand("outbound_deliveries", *exchange.waiting("deliveries"))
    path = {
        "webhook_id": hook,
        "delivery_id": exchange.log(hook)["deliveries"][0]["delivery_id"],
    }
    for _ in range(2):
        assert exchange.deployed.ask(RETRY, ADMIN, path=path).status == 202

    messages = exchange.waiting("deliveries")
    assert len(messages) == 2
    exchange.hand("outbound_deliveries", *messages)

    assert len(exchange.posted) == 2
    assert exchange.posted[0] == exchange.posted[1]


def test_an_endpoint_that_fails_again_and_again_is_served_apart(exchange: Exchange) -> None:
    hook = exchange.register()
    exchange.answers = ["refused"] * FAILING_AFTER
    exchange.tell(*range(1, FAILING_AFTER + 1))
    exchange.hand("outbound_deliveries", *exchange.waiting("deliveries"))
    exchange.waiting("retries")
    assert exchange.status(hook) == "failing"

    exchange.tell(99)

    assert exchange.waiting("deliveries") == []
    [apart] = exchange.waiting("retries")
    assert exchange.hand("outbound_retries", apart) == []
    assert exchange.status(hook) == "active"


def test_an_endpoint_that_is_gone_is_told_nothing_more(exchange: Exchange) -> None:
    hook = exchange.register()
    exchange.answers = ["gone"]
    exchange.tell(1, 2)
    exchange.hand("outbound_deliveries", *exchange.waiting("deliveries"))

    assert exchange.status(hook) == "disabled"
    assert [each["status"] for each in exchange.log(hook)["deliveries"]] == ["cancelled"] * 2
    assert len(exchange.posted) == 1
    exchange.tell(3)
    assert exchange.waiting("deliveries") == []
    path = {"webhook_id": hook}
    assert (
        exchange.deployed.ask("POST /outbound-webhooks/{webhook_id}/enable", ADMIN, path=path)
    ).body["status"] == "active"
    exchange.tell(3)
    assert len(exchange.waiting("deliveries")) == 1


def test_nothing_but_failures_for_five_days_is_an_alarm(exchange: Exchange) -> None:
    hook = exchange.register()
    exchange.answers = ["refused", "refused"]
    exchange.tell(1)
    exchange.hand("outbound_deliveries", *exchange.waiting("deliveries"))
    exchange.deployed.clock.now += timedelta(days=5)
    exchange.tell(2)
    exchange.hand("outbound_deliveries", *exchange.waiting("deliveries"))

    assert "endpoint_disabled" in exchange.deployed.printed.messages
    assert exchange.status(hook) == "disabled"


def test_a_worker_that_is_killed_before_it_notes_its_try_posts_again(exchange: Exchange) -> None:
    exchange.register()
    exchange.tell(1)
    [message] = exchange.waiting("deliveries")
    store = services._outbound_store()
    save = type(store).save

    def die(*_: object) -> bool:
        raise ConnectionError

    exchange.deployed.monkeypatch.setattr(type(store), "save", die)
    assert exchange.hand("outbound_deliveries", message) == ["m-0"]
    exchange.deployed.monkeypatch.setattr(type(store), "save", save)
    assert exchange.hand("outbound_deliveries", message) == []

    assert exchange.posted[0] == exchange.posted[1]


def test_a_worker_that_is_killed_before_it_hands_on_does_so_when_asked_again(
    exchange: Exchange,
) -> None:
    exchange.register()
    exchange.answers = ["refused"]
    exchange.tell(1)
    [message] = exchange.waiting("deliveries")
    exchange.hand("outbound_deliveries", message)
    assert len(exchange.waiting("retries")) == 1, "and is lost with its worker"

    assert exchange.hand("outbound_deliveries", message) == []

    assert len(exchange.waiting("retries")) == 1
    assert len(exchange.posted) == 1


def test_what_is_no_message_comes_again_and_takes_nothing_with_it(exchange: Exchange) -> None:
    exchange.register()

    flat, deep = '{"detail-type": "T", "time": "now", "detail": "text"}', "[" * 100_000
    wrong = exchange.hand("outbound_events", "{}", told(1), "[]", "no", told(2), flat, deep)

    assert wrong == ["m-0", "m-2", "m-3", "m-5", "m-6"]
    assert len(exchange.waiting("deliveries")) == 2
    for function in ("outbound_deliveries", "outbound_retries"):
        wrong = exchange.hand(function, '{"webhook_id": 7}', "[]", "no", deep)
        assert wrong == ["m-0", "m-1", "m-2", "m-3"]


def test_what_was_cancelled_before_its_first_try_can_be_tried_later(exchange: Exchange) -> None:
    hook = exchange.register()
    exchange.answers = ["gone"]
    exchange.tell(1, 2)
    exchange.hand("outbound_deliveries", *exchange.waiting("deliveries"))
    untried = [each for each in exchange.log(hook)["deliveries"] if not each["attempt"]]
    assert [each["status"] for each in untried] == ["cancelled"]
    path = {"webhook_id": hook}
    exchange.deployed.ask("POST /outbound-webhooks/{webhook_id}/enable", ADMIN, path=path)

    path["delivery_id"] = untried[0]["delivery_id"]
    assert exchange.deployed.ask(RETRY, ADMIN, path=path).status == 202
    [message] = exchange.waiting("deliveries")
    assert exchange.hand("outbound_deliveries", message) == []
    assert exchange.hand("outbound_deliveries", message) == []

    assert len(exchange.posted) == 2
    shown = {each["delivery_id"]: each["status"] for each in exchange.log(hook)["deliveries"]}
    assert shown[untried[0]["delivery_id"]] == "delivered"


def test_when_a_queue_does_not_take_them_all_events_come_again(exchange: Exchange) -> None:
    exchange.register()

    def refuse(*_: object, **__: object) -> None:
        raise ErrandsNotTakenError(("ServiceUnavailable",))

    exchange.deployed.monkeypatch.setattr(
        "points_ledger.adapters.outbound_queue.ErrandQueue.send", refuse
    )
    assert exchange.tell(1, 2) == ["m-0", "m-1"]


def test_no_try_is_begun_without_the_time_for_it(exchange: Exchange) -> None:
    exchange.register()
    exchange.tell(1)
    [message] = exchange.waiting("deliveries")

    assert exchange.hand("outbound_deliveries", message, context=Context(1_000)) == ["m-0"]
    assert exchange.posted == []


def test_a_log_has_pages_newest_first(exchange: Exchange) -> None:
    hook = exchange.register()
    exchange.tell(*range(5))
    exchange.hand("outbound_deliveries", *exchange.waiting("deliveries"))
    seen: list[str] = []
    cursor = ""
    for _ in range(3):
        page = exchange.log(hook, limit="2", cursor=cursor)
        seen += [each["delivery_id"] for each in page["deliveries"]]
        cursor = page["cursor"] or ""
    assert len(set(seen)) == 5
    assert seen == sorted(seen, reverse=True)
    assert cursor == ""


def test_a_delivery_keeps_its_event_as_it_was(exchange: Exchange) -> None:
    hook = exchange.register()
    exchange.tell(1)
    [message] = exchange.waiting("deliveries")
    exchange.hand("outbound_deliveries", message)

    errand = decode_errand(message)
    known = services._outbound_store().known(errand.webhook_id, errand.delivery_id)
    assert known.delivery is not None
    assert known.delivery.occurrence == errand.occurrence
    assert replace(known.delivery, revision=0).webhook_id == hook
    [item] = (
        each for key, each in exchange.deployed.stored().items() if "OUTBOUND#DELIVERIES" in key
    )
    expires = int(str(item["expires_at_epoch"]["N"]))
    assert expires == int((exchange.deployed.clock.now + timedelta(days=30)).timestamp())
