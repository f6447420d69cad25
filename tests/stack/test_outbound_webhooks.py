"""Outbound webhooks on the whole stack: entries are posted to receivers on this machine."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from standardwebhooks.webhooks import Webhook

from tests.receiver import Receiver, listening
from tests.stack.client import StackClient, problem, unique

pytestmark = pytest.mark.stack

Json = dict[str, Any]

HOOKS = "/outbound-webhooks"
PATIENCE_SECONDS = 60.0
TRIES = 4
"""The first, and one after each delay that local/deployment.py gives."""


@dataclass
class Registry:
    """Endpoints of one test, taken away at its end."""

    ledger: StackClient
    receiver: Receiver
    made: list[str] = field(default_factory=list)

    def ask(self, method: str, path: str, **more: object) -> Json:
        token = self.ledger.admin_token
        headers = {"Authorization": f"Bearer {token}"}
        sent = {} if method == "GET" else {"json": more}
        answer = self.ledger.http.request(method, f"{HOOKS}{path}", headers=headers, **sent)  # type: ignore[arg-type]  # one of two
        assert answer.status_code in (200, 201, 202), answer.text
        return dict(answer.json())

    def register(self, path: str, *events: str) -> Json:
        more: Json = {"events": list(events)} if events else {}
        made = self.ask("POST", "", url=self.receiver.url(path), **more)
        self.made.append(made["webhook_id"])
        return made

    def shown(self, webhook_id: str) -> Json:
        [found] = (
            each
            for each in self.ask("GET", "")["outbound_webhooks"]
            if each["webhook_id"] == webhook_id
        )
        return dict(found)

    def log(self, webhook_id: str) -> list[Json]:
        return list(self.ask("GET", f"/{webhook_id}/deliveries")["deliveries"])

    def wait_for_log(self, webhook_id: str, status: str, event_id: str | None = None) -> Json:
        ends = time.monotonic() + PATIENCE_SECONDS
        while True:
            found = self.log(webhook_id)
            for each in found:
                if each["status"] == status and event_id in (None, each["event_id"]):
                    return each
            assert time.monotonic() < ends, found
            time.sleep(0.2)


@pytest.fixture
def registry(ledger: StackClient) -> Iterator[Registry]:
    with listening() as receiver:
        registry = Registry(ledger, receiver)
        yield registry
        for webhook_id in registry.made:
            registry.ask("DELETE", f"/{webhook_id}")


def test_an_entry_is_posted_once_signed_and_logged(registry: Registry, ledger: StackClient) -> None:
    hook = registry.register("/ok", "MemberEnrolled")
    member_id = ledger.enrol(unique("Told"))

    def told() -> bool:
        return any(each.document["data"]["member_id"] == member_id for each in received())

    def received() -> list[Any]:
        return list(registry.receiver.at("/ok"))

    ends = time.monotonic() + PATIENCE_SECONDS
    while not told():
        assert time.monotonic() < ends
        time.sleep(0.1)
    [got] = (each for each in received() if each.document["data"]["member_id"] == member_id)
    assert Webhook(hook["secret"]).verify(got.body, dict(got.headers))
    assert got.document["type"] == "MemberEnrolled"
    assert got.document["data"]["id"] == got.id == f"{member_id}#1"
    logged = registry.wait_for_log(hook["webhook_id"], "delivered", got.id)
    assert (logged["attempt"], logged["status_code"], logged["outcome"]) == (1, 204, "delivered")


def test_an_endpoint_that_fails_twice_gets_the_same_event_again(registry: Registry) -> None:
    hook = registry.register("/twice", "LedgerInconsistent")
    registry.receiver.answers["/twice"] = [500, 503, 200]

    sent = registry.ask("POST", f"/{hook['webhook_id']}/test")

    got = registry.receiver.wait_for("/twice", 3)
    assert {each.id for each in got} == {sent["event_id"]}
    assert len({each.body for each in got}) == 1
    for each in got:
        assert Webhook(hook["secret"]).verify(each.body, dict(each.headers))
    logged = registry.wait_for_log(hook["webhook_id"], "delivered")
    assert [each["status_code"] for each in logged["attempts"]] == [200, 503, 500]
    assert logged["next_attempt_at"] is None
    assert registry.shown(hook["webhook_id"])["status"] == "active"


def test_an_endpoint_that_is_gone_is_disabled_until_somebody_enables_it(
    registry: Registry, ledger: StackClient
) -> None:
    hook = registry.register("/gone", "LedgerInconsistent")["webhook_id"]
    registry.receiver.answers["/gone"] = [410, 200]

    registry.ask("POST", f"/{hook}/test")
    registry.wait_for_log(hook, "cancelled")

    assert registry.shown(hook)["disabled_because"] == "gone"
    refused = ledger.http.post(
        f"{HOOKS}/{hook}/test", headers={"Authorization": f"Bearer {ledger.admin_token}"}
    )
    assert problem(refused) == (422, "webhook_disabled")
    assert registry.ask("POST", f"/{hook}/enable")["status"] == "active"
    registry.ask("POST", f"/{hook}/test")
    registry.wait_for_log(hook, "delivered")


def test_what_is_never_taken_ends_in_the_dead_letters_and_can_be_tried_again(
    registry: Registry, ledger: StackClient
) -> None:
    hook = registry.register("/moved", "LedgerInconsistent")["webhook_id"]
    registry.receiver.answers["/moved"] = [302] * TRIES + [200]
    before = ledger.messages_waiting("outbound_retries_dead_letters")

    sent = registry.ask("POST", f"/{hook}/test")
    failed = registry.wait_for_log(hook, "failed")

    assert [each["outcome"] for each in failed["attempts"]] == ["redirected"] * TRIES
    assert registry.receiver.at("/elsewhere") == []
    ends = time.monotonic() + PATIENCE_SECONDS
    while ledger.messages_waiting("outbound_retries_dead_letters") == before:
        assert time.monotonic() < ends
        time.sleep(0.2)
    registry.ask("POST", f"/{hook}/deliveries/{sent['delivery_id']}/retry")
    again = registry.wait_for_log(hook, "delivered")
    assert again["attempt"] == TRIES + 1
    assert len(registry.receiver.at("/moved")) == TRIES + 1


def test_one_that_never_answers_does_not_hold_up_another(registry: Registry) -> None:
    slow = registry.register("/slow/20", "LedgerInconsistent")["webhook_id"]
    quick = registry.register("/quick", "LedgerInconsistent")["webhook_id"]

    registry.ask("POST", f"/{slow}/test")
    began = time.monotonic()
    registry.ask("POST", f"/{quick}/test")
    registry.receiver.wait_for("/quick", 1)

    assert time.monotonic() - began < 15
    ends = time.monotonic() + PATIENCE_SECONDS
    while not (logged := registry.log(slow)):
        assert time.monotonic() < ends
        time.sleep(0.5)
    assert logged[0]["attempts"][-1]["outcome"] == "timed_out"


def test_while_a_secret_is_replaced_both_sign(registry: Registry) -> None:
    hook = registry.register("/both", "LedgerInconsistent")
    rotated = registry.ask("POST", f"/{hook['webhook_id']}/secret")

    registry.ask("POST", f"/{hook['webhook_id']}/test")

    [got] = registry.receiver.wait_for("/both", 1)
    for secret in (hook["secret"], rotated["secret"]):
        assert Webhook(secret).verify(got.body, dict(got.headers))
