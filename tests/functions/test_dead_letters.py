"""What failed for good: shown with its reason, tried again after a fix, and never lost between."""

import json
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from points_ledger.adapters.dead_letters import SqsLastResorts
from points_ledger.contracts.messages import encode
from points_ledger.domain.fact import Payment, PaymentReceived
from points_ledger.runtime import bootstrap, operations
from points_ledger.service.dead_letters import MAX_LOOKED
from tests.functions import records
from tests.functions.deployed import (
    NAME,
    SALE,
    Answer,
    Deployed,
    last_resorts,
    named_in,
    sold,
    ticket,
)
from tests.functions.gateway import ADMIN

Json = dict[str, Any]

FACTS = "earning_events_dead_letters"
PAYMENTS = "payment_events_dead_letters"
SWEEPS = "expiry_failures"
STREAM = "ledger_events_failures"
STARTS = "schedule_dead_letters"
SCHEDULED = {"scheduled_time": "2026-09-04T06:00:00Z"}


class Lambda:
    """Keeps what was called; refuses it while `broken`."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, Json]] = []
        self.broken = False

    def invoke(self, *, FunctionName: str, InvocationType: str, Payload: bytes) -> Json:  # noqa: N803
        if self.broken:
            error: Any = {"Error": {"Code": "TooManyRequestsException"}}
            raise ClientError(error, "Invoke")
        assert InvocationType == "Event"
        self.calls.append((FunctionName, json.loads(Payload)))
        return {"StatusCode": 202}


@pytest.fixture
def functions(monkeypatch: pytest.MonkeyPatch) -> Lambda:
    made = Lambda()
    known = {"cache_clear": lambda: None}
    monkeypatch.setattr(bootstrap, "functions", _cached(made, known))
    return made


def _cached(made: Lambda, known: Json) -> Any:  # noqa: ANN401 - stands for a cached function
    def functions() -> Lambda:
        return made

    for name, value in known.items():
        setattr(functions, name, value)
    return functions


@pytest.fixture
def failing(deployed: Deployed) -> Deployed:
    deployed.make_last_resorts()
    return deployed


def url(name: str, place: int = 0) -> str:
    written = json.loads(last_resorts())[name]
    queue = written[2] if place else written[0]
    return str(bootstrap.sqs().get_queue_url(QueueName=queue)["QueueUrl"])


def put(name: str, body: str, **attributes: str) -> str:
    """Put a message into a queue of last resort, as AWS does."""
    answer = bootstrap.sqs().send_message(
        QueueUrl=url(name),
        MessageBody=body,
        MessageAttributes={
            key: {"DataType": "String", "StringValue": value} for key, value in attributes.items()
        },
    )
    return str(answer["MessageId"])


def failed_invocation(payload: object = SCHEDULED) -> str:
    return json.dumps(
        {
            "version": "1.0",
            "timestamp": "2026-09-04T06:02:00.000Z",
            "requestContext": {
                "requestId": "e4b46cbf",
                "functionArn": "arn:aws:lambda:us-east-1:123456789012:function:x:$LATEST",
                "condition": "RetriesExhausted",
                "approximateInvokeCount": 3,
            },
            "requestPayload": payload,
            "responseContext": {"statusCode": 200, "functionError": "Unhandled"},
            "responsePayload": {"errorMessage": f"{NAME} is wrong", "errorType": "ConflictError"},
        }
    )


def shown(failing: Deployed, **query: str) -> Answer:
    answer = failing.ask("GET /dead-letters", ADMIN, query=query or None)
    assert answer.status == 200, answer.body
    return answer


def letters(failing: Deployed, **query: str) -> list[Json]:
    found: list[Json] = shown(failing, **query).body["dead_letters"]
    return found


def redrive(failing: Deployed, queue: str, *ids: str) -> Json:
    body: Json = {"queue": queue, **({"message_ids": list(ids)} if ids else {})}
    answer = failing.ask("POST /dead-letters/redrive", ADMIN, body=body)
    assert answer.status == 200, answer.body
    return answer.body


# --- Showing --------------------------------------------------------------------------------


def test_nothing_failed(failing: Deployed) -> None:
    body = shown(failing).body
    assert (body["dead_letters"], body["cursor"]) == ([], None)
    assert {each["queue"] for each in body["queues"]} == set(json.loads(last_resorts()))
    assert all(each["messages"] == 0 for each in body["queues"])


def test_a_fact_is_shown_by_its_kind_and_ids_and_nobody_is_named(failing: Deployed) -> None:
    id_ = put(FACTS, encode(sold(customer="C-9")), correlation_id="request-7", actor="webhook:x")
    answer = shown(failing)
    [letter] = answer.body["dead_letters"]
    assert (letter["queue"], letter["message_id"], letter["redrivable"]) == (FACTS, id_, True)
    assert letter["about"] == {
        "type": "purchase_posted",
        "purchase": "pos:ticket:T-1",
        "correlation_id": "request-7",
    }
    assert letter["reason"] is None
    assert named_in(answer.text) == []


def test_the_reason_is_noted_at_the_last_delivery(failing: Deployed) -> None:
    failing.accrue(sold("100.00"))
    first = Payment(id="P-1", amount=sold("60").snapshot.total, at=SALE)
    again = Payment(id="P-1", amount=sold("70").snapshot.total, at=SALE)
    failing.mature(PaymentReceived(purchase=ticket("T-1"), payment=first))
    contradiction = encode(PaymentReceived(purchase=ticket("T-1"), payment=again))
    id_ = put(PAYMENTS, contradiction)
    before = records.batch(records.message(contradiction, id_, received=4))
    last = records.batch(records.message(contradiction, id_, received=5))
    failing.invoke("maturation", before)
    assert letters(failing)[0]["reason"] is None
    failing.invoke("maturation", last)
    [letter] = letters(failing)
    assert letter["reason"] == "fact_contradicts_stored"
    assert letter["failed_at"] == "2026-09-04T12:00:00Z"
    assert letter["about"]["payment"] == "P-1"
    assert letter["about"]["what"] == "payment"


@pytest.mark.parametrize(
    ("function", "turns"),
    [
        ("notifications", 8),
        ("outbound_events", 5),
        ("outbound_deliveries", 5),
        ("outbound_retries", 5),
    ],
)
def test_every_worker_of_a_queue_notes_it(function: str, turns: int, failing: Deployed) -> None:
    queue = f"{function}_dead_letters"
    id_ = put(queue, "no message of ours")
    for received, reason in ((turns - 1, "fact_malformed"), (turns, "malformed")):
        message = records.message("no message of ours", id_, received=received)
        assert failing.invoke(function, records.batch(message)) == {
            "batchItemFailures": [{"itemIdentifier": id_}]
        }
        assert [each["reason"] for each in letters(failing, queue=queue)] == [reason]


def test_events_and_deliveries_are_shown_by_their_ids(failing: Deployed) -> None:
    detail = {"id": "mbr_a#3", "member_id": "mbr_a", "name": NAME, "correlation_id": "request-7"}
    put(
        "notifications_dead_letters", json.dumps({"detail-type": "PointsMatured", "detail": detail})
    )
    delivery = {"type": "PointsMatured", "webhook_id": "whk_1", "event_id": "mbr_a#3"}
    content = {"delivery_id": "dlv_1", "content": {"data": detail}}
    put("outbound_retries_dead_letters", json.dumps({**delivery, **content}), reason="timed_out")
    of_mail, of_hook = sorted(letters(failing), key=lambda each: str(each["queue"]))
    common = {"type": "PointsMatured", "event_id": "mbr_a#3", "correlation_id": "request-7"}
    assert (of_mail["reason"], of_mail["about"]) == (None, {**common, "member_id": "mbr_a"})
    assert (of_hook["reason"], of_hook["about"]) == (
        "timed_out",
        {**common, "webhook_id": "whk_1", "delivery_id": "dlv_1"},
    )


def test_a_shard_of_a_sweep_is_shown_by_its_hour(failing: Deployed) -> None:
    shard = {"kind": "expiry", "hour": "2026-09-04T06:00:00Z", "shard": 3, **SCHEDULED}
    put("expiry_sweep_dead_letters", json.dumps(shard))
    [letter] = letters(failing)
    assert letter["reason"] is None
    assert letter["about"] == {**shard, "shard": "3"}


@pytest.mark.parametrize("body", [{"detail-type": 7, "detail": 8}, {"delivery_id": {}, "type": []}])
def test_what_only_looks_like_one_is_shown_all_the_same(body: Json, failing: Deployed) -> None:
    put("outbound_events_dead_letters", json.dumps(body))
    assert len(letters(failing)) == 1


def test_a_worker_whose_note_cannot_be_written_still_sets_the_message_aside(
    failing: Deployed, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError(NAME)

    monkeypatch.setattr(operations, "note_failure", broken)
    answer = failing.invoke("accrual", records.batch(records.message("{}", "m-1", received=5)))
    assert answer == {"batchItemFailures": [{"itemIdentifier": "m-1"}]}


def test_what_is_no_fact_is_shown_by_what_it_says_of_itself(failing: Deployed) -> None:
    refused = {"type": "refused", "reason": "payload_incomplete", "provider": "stripe"}
    put(FACTS, json.dumps({**refused, "event_id": "evt_1"}))
    put(FACTS, f"{NAME} <dana@example.com>")
    put("simulations_dead_letters", json.dumps({"simulation_id": "sim_1"}))
    found = letters(failing)
    assert sorted((each["reason"] or "") for each in found) == [
        "",
        "fact_malformed",
        "payload_incomplete",
    ]
    assert {"simulation_id": "sim_1"} in [each["about"] for each in found]


def test_a_failed_run_is_shown_with_its_time_and_without_what_it_said(failing: Deployed) -> None:
    put(SWEEPS, failed_invocation())
    answer = shown(failing)
    [letter] = answer.body["dead_letters"]
    assert letter["reason"] == "ConflictError"
    assert letter["about"] == {**SCHEDULED, "condition": "RetriesExhausted"}
    assert named_in(answer.text) == []


def test_records_of_the_stream_are_shown_by_their_position(failing: Deployed) -> None:
    batch = {
        "shardId": "shardId-1",
        "startSequenceNumber": "100",
        "endSequenceNumber": "200",
        "batchSize": 3,
    }
    body = {"requestContext": {"condition": "RetryAttemptsExhausted"}, "DDBStreamBatchInfo": batch}
    put(STREAM, json.dumps(body))
    [letter] = letters(failing)
    assert (letter["reason"], letter["redrivable"]) == ("RetryAttemptsExhausted", False)
    assert letter["about"] == {"shard": "shardId-1", "first": "100", "last": "200", "records": "3"}


def test_a_look_waits_long_enough_for_sqs_to_ask_everywhere() -> None:
    asked: list[Json] = []

    def receive_message(**request: Any) -> Json:  # noqa: ANN401 - as SQS is asked
        asked.append(request)
        return {}

    client: Any = SimpleNamespace(receive_message=receive_message)
    assert SqsLastResorts(client=client, sibling_url="sqs/one").take(FACTS, limit=10) == []
    assert [each["WaitTimeSeconds"] for each in asked] == [1]


def test_looking_takes_nothing_and_hides_nothing(failing: Deployed) -> None:
    ids = {put(FACTS, encode(sold(id_=f"T-{n}"))) for n in range(13)}
    for _ in range(2):
        assert {each["message_id"] for each in letters(failing)} == ids


def test_pages_go_on_over_all_queues_and_show_each_message_once(failing: Deployed) -> None:
    ids = [put(queue, encode(sold(id_="T-1"))) for queue in (FACTS, FACTS, FACTS, PAYMENTS)]
    ids.append(put(SWEEPS, failed_invocation()))
    seen: list[str] = []
    query = {"limit": "2"}
    for _ in range(5):
        body = shown(failing, **query).body
        seen += [each["message_id"] for each in body["dead_letters"]]
        if body["cursor"] is None:
            break
        query["cursor"] = body["cursor"]
    assert sorted(seen) == sorted(ids)


def test_one_queue_alone(failing: Deployed) -> None:
    put(FACTS, encode(sold()))
    mine = put(SWEEPS, failed_invocation())
    body = shown(failing, queue=SWEEPS).body
    assert [each["message_id"] for each in body["dead_letters"]] == [mine]
    assert [each["queue"] for each in body["queues"]] == [SWEEPS]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"queue": "nobody"}, "queue"),
        ({"queue": "../x"}, "queue"),
        ({"limit": "0"}, "limit"),
        ({"limit": "101"}, "limit"),
        ({"cursor": "abc"}, "cursor"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_a_question_that_makes_no_sense(failing: Deployed, query: Json, field: str) -> None:
    assert failing.ask("GET /dead-letters", ADMIN, query=query).fields == [field]


# --- Trying again ---------------------------------------------------------------------------


def test_a_whole_queue_goes_back_where_it_came_from(failing: Deployed) -> None:
    bodies = {encode(sold(id_=f"T-{n}")) for n in range(12)}
    for body in bodies:
        put(FACTS, body, actor="webhook:stripe", correlation_id="request-7")
    done = redrive(failing, FACTS)
    assert (done["redriven"], done["not_redriven"], done["remaining"]) == (12, [], 0)
    sent = failing.queued(url(FACTS, 1))
    assert {each["Body"] for each in sent} == bodies
    assert sent[0]["MessageAttributes"]["actor"]["StringValue"] == "webhook:stripe"
    assert sent[0]["MessageAttributes"]["correlation_id"]["StringValue"] == "request-7"
    assert letters(failing) == []


def test_only_the_messages_that_are_named_go_back(failing: Deployed) -> None:
    chosen = put(FACTS, encode(sold(id_="T-1")))
    other = put(FACTS, encode(sold(id_="T-2")))
    done = redrive(failing, FACTS, chosen, "unknown-1")
    assert (done["message_ids"], done["not_found"], done["remaining"]) == (
        [chosen],
        ["unknown-1"],
        1,
    )
    assert [each["message_id"] for each in letters(failing)] == [other]
    assert len(failing.queued(url(FACTS, 1))) == 1


def test_one_call_tries_a_bounded_number(failing: Deployed) -> None:
    for n in range(MAX_LOOKED + 5):
        put(FACTS, encode(sold(id_=f"T-{n}")))
    assert (redrive(failing, FACTS)["redriven"], redrive(failing, FACTS)["redriven"]) == (
        MAX_LOOKED,
        5,
    )


def test_a_failed_run_is_called_again_with_its_own_time(
    failing: Deployed, functions: Lambda
) -> None:
    put(SWEEPS, failed_invocation())
    assert redrive(failing, SWEEPS)["redriven"] == 1
    assert functions.calls == [("ExpiryFunction", SCHEDULED)]


def test_a_schedule_that_could_not_start_is_started(failing: Deployed, functions: Lambda) -> None:
    arn = "arn:aws:lambda:us-east-1:123456789012:function:TierReviewFunction"
    put(STARTS, json.dumps(SCHEDULED), TARGET_ARN=arn, ERROR_CODE="AccessDenied")
    assert letters(failing)[0]["reason"] == "AccessDenied"
    assert redrive(failing, STARTS)["redriven"] == 1
    assert functions.calls == [("TierReviewFunction", SCHEDULED)]


def test_a_function_that_no_schedule_starts_is_not_called(
    failing: Deployed, functions: Lambda
) -> None:
    arn = "arn:aws:lambda:us-east-1:123456789012:function:somebody-elses"
    id_ = put(STARTS, json.dumps(SCHEDULED), TARGET_ARN=arn)
    assert redrive(failing, STARTS)["not_redriven"] == [{"message_id": id_, "reason": "unreadable"}]
    assert functions.calls == []


def test_what_cannot_be_sent_stays(failing: Deployed, functions: Lambda) -> None:
    functions.broken = True
    id_ = put(SWEEPS, failed_invocation())
    unreadable = put(SWEEPS, "not JSON")
    done = redrive(failing, SWEEPS)
    assert {each["message_id"]: each["reason"] for each in done["not_redriven"]} == {
        id_: "not_sent",
        unreadable: "unreadable",
    }
    assert {each["message_id"] for each in letters(failing)} == {id_, unreadable}


def test_killed_after_sending_the_message_is_there_twice_and_never_lost(
    failing: Deployed, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(FACTS, encode(sold()))

    def killed(**_: object) -> None:
        raise SystemExit

    client = bootstrap.sqs()
    with monkeypatch.context() as patched:
        patched.setattr(client, "delete_message", killed)
        with pytest.raises(SystemExit):
            failing.ask("POST /dead-letters/redrive", ADMIN, body={"queue": FACTS})
    assert len(letters(failing)) == 1
    assert redrive(failing, FACTS)["redriven"] == 1
    assert len(failing.queued(url(FACTS, 1))) == 2


def test_records_of_the_stream_are_not_tried_again(failing: Deployed) -> None:
    id_ = put(STREAM, json.dumps({"DDBStreamBatchInfo": {"shardId": "s"}}))
    assert redrive(failing, STREAM)["not_redriven"] == [
        {"message_id": id_, "reason": "stream_position"}
    ]
    assert len(letters(failing)) == 1


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "queue"),
        ({"queue": "earning_events"}, "queue"),
        ({"queue": 7}, "queue"),
        ({"queue": FACTS, "message_ids": []}, "message_ids"),
        ({"queue": FACTS, "message_ids": ["a b"]}, "message_ids"),
        ({"queue": FACTS, "message_ids": [f"m-{n}" for n in range(101)]}, "message_ids"),
        ({"queue": FACTS, "all": True}, "all"),
    ],
)
def test_an_order_that_makes_no_sense(failing: Deployed, body: Json, field: str) -> None:
    assert failing.ask("POST /dead-letters/redrive", ADMIN, body=body).fields == [field]
