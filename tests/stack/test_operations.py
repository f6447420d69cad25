"""Dead letters and the reconciliation on a whole stack."""

import json
from typing import Any

import pytest

from tests.stack.client import DEAD_LETTER_SECONDS, StackClient, unique

pytestmark = pytest.mark.stack

Json = dict[str, Any]
QUEUE = "earning_events_dead_letters"
MAX_RUNS = 20


def test_a_poisoned_fact_is_listed_with_its_reason_and_tried_again(ledger: StackClient) -> None:
    sent = ledger.queues.send_message(
        QueueUrl=ledger.stack["queues"]["earning_events"],
        MessageBody=json.dumps({"type": unique("renamed")}),
    )
    id_ = sent["MessageId"]

    def listed() -> list[Json]:
        answer = ledger.get(f"/dead-letters?queue={QUEUE}", token=ledger.admin_token)
        assert answer.status_code == 200, answer.text
        letters = [each for each in answer.json()["dead_letters"] if each["message_id"] == id_]
        return [each for each in letters if each["failed_at"] is not None]

    [letter] = ledger.wait_for("it is set aside", listed, bool, seconds=DEAD_LETTER_SECONDS)
    assert letter["reason"] == "fact_malformed"

    body = {"queue": QUEUE, "message_ids": [id_]}
    answer = ledger.post("/dead-letters/redrive", body, token=ledger.admin_token)
    assert answer.status_code == 200, answer.text
    assert answer.json()["message_ids"] == [id_]
    assert listed() == []


def test_the_reconciliation_finds_no_difference(ledger: StackClient) -> None:
    member_id = ledger.rich_member(600)
    assert member_id

    def integrity() -> Json:
        counts = ledger.sweep("reconciliation", None)
        assert (counts["differences"], counts["failed"]) == (0, 0)
        answer: Json = ledger.get("/integrity", token=ledger.staff_token).json()
        return answer

    def is_done(answer: Json) -> bool:
        totals = answer["totals"] or {"status": "running"}
        return answer["running"] is None and totals["status"] == "done"

    found = next(each for _ in range(MAX_RUNS) if is_done(each := integrity()))
    assert found["status"] == "consistent"
    assert found["last"]["checked"] > 0
    totals = found["totals"]
    assert (totals["conserved"], totals["confirmed"]) == (True, 0)
    assert totals["members"] > 0
