"""What operation stores, as it was first stored: it is read as ever, and still written so.

A sample is never changed. A new format gets a sample of its own beside the old ones.
"""

import base64
import copy
import json
import zlib
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Final, NamedTuple

import pytest

from points_ledger.adapters.dynamodb import checkpoints, failures, integrity, outbound, recounts
from points_ledger.domain.checkpoint import Part, Shard
from points_ledger.domain.error import BrokenInvariantError
from points_ledger.domain.identity import MemberId
from points_ledger.domain.outbound import (
    Delivery,
    DeliveryId,
    Endpoint,
    Occurrence,
    SigningSecrets,
    Try,
    WebhookId,
)
from points_ledger.service.checkpointing import Progress, Walk
from points_ledger.service.dead_letters import FailureNote
from points_ledger.service.integrity import Finding, Integrity, Run
from points_ledger.service.recounts import Discrepancy, Recount, Year
from points_ledger.service.totalling import TotalsKey

Json = dict[str, Any]

SAMPLES: Final = Path(__file__).parent / "samples_of_operation"
AT: Final = datetime(2026, 11, 22, 7, 30, 5, 250_000, tzinfo=UTC)
LATER: Final = datetime(2026, 11, 22, 7, 41, tzinfo=UTC)
MEMBER: Final = MemberId("mbr_7h2k9x4qv1w8")
DAYS: Final = ("ledger", "days")
WEBHOOK: Final = WebhookId("whk_1")


class Stored(NamedTuple):
    """A value, and how it becomes an item and is read again."""

    value: Any
    encode: Callable[[Any], Any]
    decode: Callable[[Any], Any]


FINDING: Final = Finding(
    member_id=MEMBER,
    invariant="pending_allocations",
    entry=7,
    detail="pos/ticket/P-2: 0 by the earning, 50 by the entries",
    found_at=AT,
    frozen=True,
)
DONE: Final = Run(
    now=AT,
    started_at=AT,
    updated_at=LATER,
    finished_at=LATER,
    phase="done",
    place="17",
    checked=40,
    changed=12,
    sampled=28,
    failed=1,
    rearmed=2,
    frozen=1,
    difference_count=1,
    findings=(FINDING,),
)
BEGUN: Final = Run(now=LATER, started_at=LATER, updated_at=LATER)
DELIVERY: Final = Delivery(
    webhook_id=WEBHOOK,
    delivery_id=DeliveryId("dlv_1"),
    occurrence=Occurrence(id="evt_1", type="PointsAccrued", at=AT, content='{"points":85}'),
    status="waiting",
    tried=1,
    round=1,
    tries=(Try(at=AT, outcome="refused", status_code=500, duration_milliseconds=120),),
    next_try_at=LATER,
    revision=3,
)
LACKING: Final = {TotalsKey(partition=DAYS, place="2026-11-20"): {"earned:pending": 50}}
STORED: Final = {
    "integrity": Stored(
        Integrity(
            revision=9,
            run=BEGUN,
            previous=DONE,
            covered_until=AT,
            sample_shard=3,
            sample_cursor="members 03 mbr_1",
        ),
        integrity.encode_integrity,
        integrity.decode_integrity,
    ),
    "integrity_at_first": Stored(
        Integrity(revision=1), integrity.encode_integrity, integrity.decode_integrity
    ),
    "checkpoints": Stored(
        Progress(revision=4, day=date(2026, 11, 21), root=bytes(range(32))),
        checkpoints.encode_progress,
        checkpoints.decode_progress,
    ),
    "checkpoints_under_way": Stored(
        Progress(
            revision=5,
            day=date(2026, 11, 21),
            root=bytes(range(32)),
            walk=Walk(
                day=date(2026, 11, 22),
                begun_at=AT,
                shards=(Shard(members=2, root=bytes(32)),),
                parts=(Part(first=MEMBER, last=MEMBER, size=1, root=bytes(range(1, 33))),),
                cursor="members 01 mbr_1",
            ),
        ),
        checkpoints.encode_progress,
        checkpoints.decode_progress,
    ),
    "recount": Stored(
        Recount(
            revision=40,
            begun_at=AT,
            finished_at=LATER,
            before_at=datetime(2026, 11, 15, 7, 30, tzinfo=UTC),
            until=date(2026, 11, 22),
            heals=True,
            shard=16,
            members=2,
            entries=9,
            unreadable=1,
            whole={"earned": 120, "available": 120},
            differing=2,
            confirmed=1,
            healed=1,
            shown=(
                Discrepancy(
                    key=TotalsKey(partition=DAYS, place="2026-11-20"),
                    missing={"earned:pending": 50},
                    confirmed=True,
                    healed=True,
                ),
            ),
        ),
        recounts.encode_recount,
        recounts.decode_recount,
    ),
    "recount_under_way": Stored(
        Recount(
            revision=3,
            begun_at=AT,
            until=date(2026, 11, 22),
            shard=2,
            cursor="members 02 mbr_1",
            years=("2025", "2026"),
        ),
        recounts.encode_recount,
        recounts.decode_recount,
    ),
    "recount_year": Stored(
        Year(
            begun_at=AT,
            sums={TotalsKey(partition=DAYS, place="2026-11-20"): {"earned:pending": 85}},
            missing=LACKING,
            missing_before=LACKING,
        ),
        lambda year: recounts.encode_year("2026", year),
        recounts.decode_year,
    ),
    "failure": Stored(
        FailureNote(
            message_id="059f36b4-87a3-44ab-83d2-661975830a7d",
            code="fact_malformed",
            at=AT,
            detail={"kind": "purchase.paid", "field": "payment.at"},
        ),
        failures.encode_note,
        failures.decode_note,
    ),
    "outbound_endpoint": Stored(
        Endpoint(
            webhook_id=WEBHOOK,
            url="https://example.com/points",
            events=("PointsAccrued", "PointsMatured"),
            description="till",
            created_at=AT,
        ),
        outbound._encode_endpoint,
        outbound._decode_endpoint,
    ),
    "outbound_secrets": Stored(
        SigningSecrets(
            webhook_id=WEBHOOK,
            current="whsec_bmV3",
            generation=2,
            previous="whsec_b2xk",
            previous_until=LATER,
        ),
        outbound._encode_secrets,
        outbound._decode_secrets,
    ),
    "outbound_delivery": Stored(
        DELIVERY,
        # Each save is the next revision.
        lambda each: {**outbound._encode_delivery(each), "revision": {"N": str(each.revision)}},
        outbound._decode_delivery,
    ),
}


def path_of(name: str) -> Path:
    return SAMPLES / f"format_1_{name}.json"


def written(item: Any) -> Json:  # noqa: ANN401 - an item with values of any type
    """An item as a sample has it: bytes as base64."""
    found: Json = copy.deepcopy(dict(item))
    for value in found.values():
        if "B" in value:
            value["B"] = base64.b64encode(bytes(value["B"])).decode()
    return found


def read(name: str) -> Json:
    """A sample as an item."""
    item: Json = json.loads(path_of(name).read_text(encoding="utf-8"))
    for value in item.values():
        if "B" in value:
            value["B"] = base64.b64decode(value["B"])
    return item


def inflated(item: Json) -> Json:
    """An item with what is deflated as text: other versions of zlib write it otherwise."""
    return {
        name: {"B": zlib.decompress(bytes(value["B"])).decode()} if "B" in value else value
        for name, value in item.items()
    }


@pytest.mark.parametrize("name", STORED)
def test_it_is_stored_and_read_as_ever(name: str) -> None:
    stored = STORED[name]
    assert inflated(dict(stored.encode(stored.value))) == inflated(read(name))
    assert stored.decode(read(name)) == stored.value


def test_each_sample_is_read_by_a_test() -> None:
    assert {path.name for path in SAMPLES.iterdir()} == {path_of(name).name for name in STORED}


@pytest.mark.parametrize("name", STORED)
def test_a_format_of_the_future_is_not_guessed_at(name: str) -> None:
    with pytest.raises((BrokenInvariantError, ValueError)):
        STORED[name].decode({**read(name), "format": {"N": "2"}})
