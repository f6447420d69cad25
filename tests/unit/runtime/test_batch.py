"""A batch: what failed comes again, what succeeded does not."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest

from points_ledger.contracts.messages import encode
from points_ledger.domain.error import ConflictError, ContradictionError
from points_ledger.domain.fact import Fact, PurchaseVoided
from points_ledger.domain.identity import EarningKey
from points_ledger.runtime.batch import (
    RESERVED_MILLISECONDS,
    UNNAMED_ACTOR,
    Message,
    process_facts,
)
from points_ledger.runtime.observability import Outcome
from points_ledger.runtime.settings import LedgerSettings, SettingsError
from tests.unit.runtime.conftest import Printed


@dataclass
class Context:
    remaining_milliseconds: int = 120_000

    def get_remaining_time_in_millis(self) -> int:
        return self.remaining_milliseconds


def fact(purchase_id: str) -> PurchaseVoided:
    key = EarningKey(source="stripe", kind="invoice", id=purchase_id)
    return PurchaseVoided(purchase=key, at=datetime(2026, 9, 1, tzinfo=UTC))


def record(message_id: str, body: str, correlation_id: str | None = "request-1") -> dict[str, Any]:
    attribute = {"stringValue": correlation_id, "dataType": "String"}
    return {
        "messageId": message_id,
        "body": body,
        "attributes": {"ApproximateReceiveCount": "2"},
        "messageAttributes": {} if correlation_id is None else {"correlation_id": attribute},
    }


def posted(message: Message) -> Outcome:
    assert isinstance(message.fact, PurchaseVoided)
    return Outcome(name="posted", ids={"earning_id": str(message.fact.purchase)})


def process(
    *records: dict[str, Any],
    handle: Callable[[Message], Outcome] = posted,
    context: Context | None = None,
) -> list[str]:
    answer = process_facts(
        {"Records": list(records)}, context or Context(), handle, settings_class=LedgerSettings
    )
    return [failed["itemIdentifier"] for failed in answer["batchItemFailures"]]


def test_a_good_batch_reports_no_failure(printed: Callable[[], Printed]) -> None:
    assert process(record("1", encode(fact("in_1"))), record("2", encode(fact("in_2")))) == []
    found = printed()
    assert [line["ids"]["earning_id"] for line in found.lines] == [
        "stripe:invoice:in_1",
        "stripe:invoice:in_2",
    ]
    assert [line["correlation_id"] for line in found.lines] == ["request-1", "request-1"]
    assert found.counted("posted") == 2


def test_what_was_delivered_before_is_counted(printed: Callable[[], Printed]) -> None:
    first = record("1", encode(fact("in_1"))) | {"attributes": {"ApproximateReceiveCount": "1"}}
    process(first, record("2", encode(fact("in_2"))))
    assert printed().counted("redelivered") == 1


def test_facts_are_handled_in_the_order_of_the_batch() -> None:
    seen: list[tuple[Fact, str | None]] = []

    def handle(message: Message) -> Outcome:
        seen.append((message.fact, message.correlation_id))
        return Outcome(name="posted")

    facts = [fact("in_1"), fact("in_2"), fact("in_1")]
    process(
        *[record(str(n), encode(each), f"c-{n}") for n, each in enumerate(facts)], handle=handle
    )
    assert seen == [(facts[0], "c-0"), (facts[1], "c-1"), (facts[2], "c-2")]


@pytest.mark.parametrize(
    "body", ["", "not json", "[]", '{"type":"refused"}', '{"type":"purchase_voided"}', "\ud800"]
)
def test_a_poisoned_message_fails_alone_with_its_code(
    body: str, printed: Callable[[], Printed]
) -> None:
    assert process(record("1", body), record("2", encode(fact("in_2")))) == ["1"]
    refused, done = printed().lines
    assert (refused["message"], refused["level"]) == ("refused", "ERROR")
    assert refused["code"] == "fact_malformed"
    assert refused["ids"]["message_id"] == "1"
    assert refused["ids"]["received"] == "2"
    assert done["message"] == "posted"


@pytest.mark.parametrize(
    ("error", "message", "code"),
    [
        (ConflictError(), "conflict", "conflict"),
        (RuntimeError("dana@example.com"), "failed", "internal_error"),
        (
            ContradictionError(what="payment", id="pi_1"),
            "refused",
            "fact_contradicts_stored",
        ),
    ],
)
def test_an_error_fails_its_record_and_no_other(
    error: Exception, message: str, code: str, printed: Callable[[], Printed]
) -> None:
    def handle(message: Message) -> Outcome:
        if message.fact == fact("in_bad"):
            raise error
        return posted(message)

    records = [record(name, encode(fact(name))) for name in ("in_1", "in_bad", "in_2")]
    assert process(*records, handle=handle) == ["in_bad"]
    found = printed()
    assert [line["message"] for line in found.lines] == ["posted", message, "posted"]
    assert found.lines[1]["code"] == code
    assert "dana" not in found.text


def test_when_time_runs_out_the_rest_comes_again(printed: Callable[[], Printed]) -> None:
    context = Context()

    def handle(message: Message) -> Outcome:
        context.remaining_milliseconds = RESERVED_MILLISECONDS - 1
        return posted(message)

    records = [record(name, encode(fact(name))) for name in ("in_1", "in_2", "in_3")]
    assert process(*records, handle=handle, context=context) == ["in_2", "in_3"]
    assert [line["message"] for line in printed().lines] == ["posted", "postponed", "postponed"]


def test_a_message_says_who_told_it() -> None:
    actors: list[str] = []

    def handle(message: Message) -> Outcome:
        actors.append(message.actor)
        return Outcome(name="posted")

    told = record("1", encode(fact("in_1")))
    told["messageAttributes"]["actor"] = {"stringValue": "webhook:stripe", "dataType": "String"}
    process(told, record("2", encode(fact("in_2"))), handle=handle)
    assert actors == ["webhook:stripe", UNNAMED_ACTOR]


def test_a_message_without_attributes_is_handled(printed: Callable[[], Printed]) -> None:
    assert process(record("1", encode(fact("in_1")), None)) == []
    assert "correlation_id" not in printed().line()


def test_without_settings_every_message_comes_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TABLE_NAME")
    with pytest.raises(SettingsError):
        process(record("1", encode(fact("in_1"))))
