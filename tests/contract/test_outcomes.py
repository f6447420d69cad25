"""What no emulator shows: throttling, conflicts, lost replies, keys left unread.

The client is a fake at the SDK's edge: it answers what the test says, or raises it.
"""

from collections.abc import Sequence
from typing import Any, cast

import pytest
from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    ReadTimeoutError,
)
from botocore.parsers import ResponseParserError

from points_ledger.adapters.dynamodb import DynamoDbStore, codec, keys
from points_ledger.adapters.dynamodb.store import MAX_READ_ATTEMPTS
from points_ledger.domain.entry import chain
from points_ledger.domain.error import ConflictError
from points_ledger.domain.identity import PaymentKey
from points_ledger.service.ports import (
    Append,
    Committed,
    Create,
    ExternalLink,
    GuardHead,
    HeadKey,
    ItemKey,
    Link,
    Lost,
    Marker,
    PaymentLink,
    Put,
    Save,
    Wait,
    Write,
)
from tests.contract import shapes
from tests.contract.backends import Clock
from tests.contract.shapes import CUSTOMER, INVOICE, MEMBER, RECORDED_AT

TABLE = "ledger"
HEAD = HeadKey(member_id=MEMBER)
ENTRY = shapes.maturation(3)
APPEND = Append(entry=ENTRY)
LINK = ExternalLink(external_id=CUSTOMER, member_id=MEMBER, linked_at=RECORDED_AT)
WRITES: tuple[Write, ...] = (APPEND, Save(item=shapes.purchase(), expected=2), Create(item=LINK))

Json = Any


class FakeClient:
    """Answers each request with the next of its answers, and keeps what was asked."""

    def __init__(self, *answers: Json) -> None:
        self.answers = list(answers)
        self.requests: list[tuple[str, Json]] = []

    def __getattr__(self, operation: str) -> Json:
        def ask(**request: Json) -> Json:
            self.requests.append((operation, request))
            answer = self.answers.pop(0)
            if isinstance(answer, Exception):
                raise answer
            return answer

        return ask


def store(client: FakeClient, pauses: list[float] | None = None) -> DynamoDbStore:
    kept = pauses if pauses is not None else []
    return DynamoDbStore(cast("Any", client), TABLE, Clock(), kept.append)


def refused(code: str, status: int = 400, **more: Json) -> ClientError:
    response: Json = {
        "Error": {"Code": code, "Message": "…"},
        "ResponseMetadata": {"HTTPStatusCode": status},
        **more,
    }
    return ClientError(response, "TransactWriteItems")


def cancelled(*codes: str, items: dict[int, Json] | None = None) -> ClientError:
    reasons = [
        {"Code": code, **({"Item": items[n]} if items and n in items else {})}
        for n, code in enumerate(codes)
    ]
    return refused("TransactionCanceledException", CancellationReasons=reasons)


def outcome(error: Exception, writes: Sequence[Write] = WRITES) -> object:
    client = FakeClient(error)
    result = store(client).commit(writes)
    assert len(client.requests) == 1
    return result


class TestTransactions:
    def test_a_failed_condition_returns_what_was_found(self) -> None:
        winner = shapes.accrual(3)
        error = cancelled(
            "ConditionalCheckFailed", "None", "None", items={0: codec.encode_entry(winner)}
        )
        assert outcome(error) == Lost(returned={HEAD: winner})

    def test_a_failed_condition_without_an_item_means_read_again(self) -> None:
        error = cancelled("None", "ConditionalCheckFailed", "None")
        assert outcome(error) == Lost(returned={INVOICE: None})

    def test_a_conflict_means_read_that_item_again(self) -> None:
        error = cancelled("TransactionConflict", "None", "TransactionConflict")
        assert outcome(error) == Lost(returned={HEAD: None, CUSTOMER: None})

    def test_a_returned_entry_counts_more_than_a_conflict_on_its_chain(self) -> None:
        writes: list[Write] = [
            APPEND,
            Append(entry=chain(ENTRY, MEMBER, ENTRY.posting, RECORDED_AT)),
        ]
        item = codec.encode_entry(shapes.accrual(3))
        for codes, place in (
            (("ConditionalCheckFailed", "TransactionConflict"), 0),
            (("TransactionConflict", "ConditionalCheckFailed"), 1),
        ):
            error = cancelled(*codes, items={place: item})
            assert outcome(error, writes) == Lost(returned={HEAD: shapes.accrual(3)})

    def test_a_conflict_over_what_has_no_key_leaves_everything_open(self) -> None:
        writes: list[Write] = [APPEND, Wait(external_id=CUSTOMER, earning=INVOICE)]
        assert outcome(cancelled("None", "TransactionConflict"), writes) == Lost(unknown=True)

    @pytest.mark.parametrize(
        "code", ["ThrottlingError", "ProvisionedThroughputExceeded", "SomethingNew"]
    )
    def test_any_other_reason_leaves_everything_open(self, code: str) -> None:
        assert outcome(cancelled("None", code, "None")) == Lost(unknown=True)
        error = cancelled("TransactionConflict", code, "None")
        assert outcome(error) == Lost(returned={HEAD: None}, unknown=True)

    def test_no_reasons_leave_everything_open(self) -> None:
        assert outcome(cancelled()) == Lost(unknown=True)
        assert outcome(cancelled("None", "None", "None")) == Lost(unknown=True)

    def test_an_invalid_write_is_a_defect(self) -> None:
        with pytest.raises(ClientError):
            outcome(cancelled("None", "ValidationError", "None"))

    def test_every_condition_asks_for_what_it_finds(self) -> None:
        client = FakeClient({})
        writes = (*WRITES, GuardHead(member_id=MEMBER, number=1))
        assert store(client).commit(writes) == Committed()
        [(operation, request)] = client.requests
        actions = [part for action in request["TransactItems"] for part in action.values()]
        assert operation == "transact_write_items"
        assert request.keys() == {"TransactItems"}
        assert [a["ReturnValuesOnConditionCheckFailure"] for a in actions] == ["ALL_OLD"] * 4
        assert [a["ConditionExpression"] for a in actions] == [
            "attribute_not_exists(PK)",
            "revision = :expected",
            "attribute_not_exists(PK)",
            "attribute_not_exists(PK)",
        ]


class TestSinglePuts:
    def test_one_write_is_one_put(self) -> None:
        client = FakeClient({})
        assert store(client).commit([APPEND]) == Committed()
        [(operation, request)] = client.requests
        assert operation == "put_item"
        assert request["ReturnValuesOnConditionCheckFailure"] == "ALL_OLD"

    def test_the_winner_is_returned(self) -> None:
        winner = shapes.accrual(3)
        error = refused("ConditionalCheckFailedException", Item=codec.encode_entry(winner))
        assert outcome(error, [APPEND]) == Lost(returned={HEAD: winner})

    def test_without_the_winner_it_is_read_again(self) -> None:
        error = refused("ConditionalCheckFailedException")
        assert outcome(error, [APPEND]) == Lost(returned={HEAD: None})

    def test_a_transaction_under_way_means_read_again(self) -> None:
        error = refused("TransactionConflictException")
        assert outcome(error, [APPEND]) == Lost(returned={HEAD: None})
        link = Link(
            item=PaymentLink(payment=PaymentKey(source="stripe", id="pi"), purchase=INVOICE)
        )
        assert outcome(error, [link]) == Lost(unknown=True)


@pytest.mark.parametrize("writes", [WRITES, (APPEND,)], ids=["transaction", "put"])
class TestRequests:
    @pytest.mark.parametrize(
        "error",
        [
            refused("ProvisionedThroughputExceededException"),
            refused("RequestLimitExceeded"),
            refused("ThrottlingException"),
            refused("TransactionInProgressException"),
            refused("InternalServerError", 500),
            refused("SomethingNew", 503),
            ReadTimeoutError(endpoint_url="https://…"),
            ConnectTimeoutError(endpoint_url="https://…"),
            EndpointConnectionError(endpoint_url="https://…"),
            ConnectionClosedError(endpoint_url="https://…"),
            ResponseParserError("cut off"),
        ],
        ids=lambda error: str(error)[:60],
    )
    def test_nobody_knows_what_is_stored(self, error: Exception, writes: list[Write]) -> None:
        assert outcome(error, writes) == Lost(unknown=True)

    @pytest.mark.parametrize(
        "code",
        [
            "AccessDeniedException",
            "ValidationException",
            "ResourceNotFoundException",
            "ExpiredTokenException",
        ],
    )
    def test_trying_again_would_not_help(self, code: str, writes: list[Write]) -> None:
        with pytest.raises(ClientError, match=code):
            outcome(refused(code), writes)


class TestMarkers:
    def test_a_throttled_registration_stores_nothing(self) -> None:
        client = FakeClient(refused("ThrottlingException"))
        marker = Put(item=Marker(kind="expiry", due_at=RECORDED_AT, target=MEMBER))
        assert store(client).commit([APPEND, marker]) == Lost(unknown=True)
        assert [operation for operation, _ in client.requests] == ["update_item"]

    def test_the_hour_is_registered_before_the_marker(self) -> None:
        registered = {"shards": {"N": "1"}, "markers": {"N": "1"}}
        client = FakeClient({"Attributes": registered}, {})
        marker = Put(item=Marker(kind="expiry", due_at=RECORDED_AT, target=MEMBER))
        assert store(client).commit([marker]) == Committed()
        assert [operation for operation, _ in client.requests] == ["update_item", "put_item"]


class TestUnprocessedKeys:
    KEYS: tuple[ItemKey, ...] = (INVOICE, CUSTOMER)
    PLACES = tuple(codec.key_attributes(keys.item_key(key)) for key in KEYS)
    ITEMS = (codec.encode_save(shapes.purchase(), 2), codec.encode_create(LINK))

    def test_are_asked_for_again(self) -> None:
        client = FakeClient(
            {"Responses": {}, "UnprocessedKeys": {TABLE: {"Keys": list(self.PLACES)}}},
            {
                "Responses": {TABLE: [self.ITEMS[1]]},
                "UnprocessedKeys": {TABLE: {"Keys": [self.PLACES[0]], "ConsistentRead": True}},
            },
            {"Responses": {TABLE: [self.ITEMS[0]]}, "UnprocessedKeys": {}},
        )
        pauses: list[float] = []
        found = store(client, pauses).get(self.KEYS)
        assert found == {INVOICE: shapes.purchase(), CUSTOMER: LINK}
        asked = [request["RequestItems"][TABLE] for _, request in client.requests]
        assert [part["Keys"] for part in asked] == [
            list(self.PLACES),
            list(self.PLACES),
            [self.PLACES[0]],
        ]
        assert all(part["ConsistentRead"] for part in asked)
        assert len(pauses) == 2

    def test_are_never_read_as_absent(self) -> None:
        unread = {"Responses": {}, "UnprocessedKeys": {TABLE: {"Keys": [self.PLACES[0]]}}}
        client = FakeClient(*[unread] * (MAX_READ_ATTEMPTS + 1))
        with pytest.raises(ConflictError):
            store(client).get(self.KEYS)
        assert len(client.requests) == MAX_READ_ATTEMPTS

    def test_a_single_key_needs_no_batch(self) -> None:
        client = FakeClient({"Item": self.ITEMS[0]})
        assert store(client).get([INVOICE]) == {INVOICE: shapes.purchase()}
        [(operation, request)] = client.requests
        assert (operation, request["ConsistentRead"]) == ("get_item", True)

    def test_more_keys_than_one_read_takes_are_a_mistake(self) -> None:
        many = [PaymentKey(source="stripe", id=str(n)) for n in range(101)]
        with pytest.raises(ValueError, match="at most 100"):
            store(FakeClient()).get(many)


def test_more_writes_than_one_commit_takes_are_a_mistake() -> None:
    many = [
        Link(item=PaymentLink(payment=PaymentKey(source="s", id=str(n)), purchase=INVOICE))
        for n in range(101)
    ]
    with pytest.raises(ValueError, match="at most 100"):
        store(FakeClient()).commit(many)
