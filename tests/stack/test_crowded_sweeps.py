"""A sweep that was off for sixty days, and an hour too crowded for a tick, on the local stack."""

import json
import time
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final
from uuid import uuid4

import boto3
import pytest
from botocore.config import Config

from points_ledger.adapters.dynamodb import codec, keys
from points_ledger.adapters.dynamodb.sweeps import DynamoDbSweeps, encode_progress
from points_ledger.domain.calendar import format_instant
from points_ledger.domain.enrolment import enrolment
from points_ledger.domain.entry import Entry, chain
from points_ledger.domain.identity import EarningKey, MemberId
from points_ledger.domain.opening import opening
from points_ledger.domain.state import Standing
from points_ledger.service.directory import in_directory
from points_ledger.service.ports import Append, Committed, Marker, Put
from points_ledger.service.sweep import PAGE_SIZE
from points_ledger.service.sweep_ports import SweepProgress
from tests.benchmarks.meter import Meter
from tests.benchmarks.reference import Ledger
from tests.contract.backends import dynamodb_client

pytestmark = pytest.mark.stack

DAYS: Final = 60
CROWD: Final = PAGE_SIZE + 50
LAST_DAY: Final = date(2026, 1, 31)
"""Long over, so that the lots have passed whenever this runs."""
WAIT_SECONDS: Final = 240
ACTOR: Final = "test"


def test_a_stack_that_was_off_for_sixty_days_catches_up_completely(stack: dict[str, Any]) -> None:
    client = dynamodb_client(stack["endpoint_url"], stack["region"])
    ledger = Ledger(client, stack["table"], Meter(client))
    now = datetime.now(UTC)
    off_since = (now - timedelta(days=DAYS)).replace(minute=0, second=0, microsecond=0)
    hours = [off_since + timedelta(days=day, hours=1) for day in range(DAYS - 1)]
    members = [*arm(ledger, hours[0], CROWD)]
    for hour in hours[1:]:
        members += arm(ledger, hour, 1)
    was_off_since(ledger, off_since)

    report = sweep(stack, now)
    assert report["queued"] >= 1
    assert report["posted"] >= DAYS - 2, "each small hour is worked by the tick itself"
    heads = wait_until_expired(ledger, members)
    assert {(head.number, head.posting.type) for head in heads.values()} == {(3, "expiry")}
    assert not any(head.state.lots for head in heads.values())

    again = sweep(stack, datetime.now(UTC))
    assert again["posted"] == again["failed"] == 0
    reached = DynamoDbSweeps(client, stack["table"]).progress("expiry").first_open_hour
    assert reached is not None
    assert now - reached < timedelta(hours=3)


def arm(ledger: Ledger, hour: datetime, count: int) -> list[MemberId]:
    """So many members with a lot that has passed and a marker in an hour of the past."""
    members = [MemberId(f"mbr_{uuid4().hex[:16]}") for _ in range(count)]
    opened_at = datetime.combine(LAST_DAY - timedelta(days=30), hour.timetz())
    program = ledger.programs.at(opened_at)
    for member_id in members:
        row = EarningKey(source="points-ledger", kind="import", id=f"crowd {member_id}")
        enrolled = enrolment(at=opened_at, standing=Standing(), actor=ACTOR, source=row)
        first = chain(None, member_id, enrolled, opened_at)
        opened = opening(
            first.state, points=100, last_day=LAST_DAY, source=row, now=opened_at,
            program=program, actor=ACTOR,
        )  # fmt: skip
        second = chain(first, member_id, opened, opened_at)
        writes = (Append(entry=first), Append(entry=second), Put(item=in_directory(member_id)))
        assert ledger.store.commit(writes) == Committed()
        marker = Marker(kind="expiry", due_at=hour, target=f"{member_id} {LAST_DAY} -1")
        ledger.put(codec.encode_marker(marker, hour, 1))
    place = keys.hour_key("expiry", hour)
    ledger.put(
        {
            "PK": {"S": place.pk},
            "SK": {"S": place.sk},
            "shards": {"N": "1"},
            "markers": {"N": str(count)},
            "format": {"N": "1"},
        }
    )
    return members


def was_off_since(ledger: Ledger, hour: datetime) -> None:
    """As if no tick had come since: the first open hour is that one."""
    ledger.put(encode_progress("expiry", SweepProgress(first_open_hour=hour)))


def sweep(stack: Mapping[str, Any], now: datetime) -> dict[str, int]:
    client = boto3.client(
        "lambda",
        endpoint_url=stack["endpoint_url"],
        region_name=stack["region"],
        aws_access_key_id="test",
        aws_secret_access_key="test",
        # A tick that is slow is waited for: one that is called again finds its shards queued.
        config=Config(read_timeout=150, retries={"total_max_attempts": 1}),
    )
    answer = client.invoke(
        FunctionName=stack["functions"]["expiry"],
        Payload=json.dumps({"scheduled_time": format_instant(now)}),
    )
    report: dict[str, int] = json.loads(answer["Payload"].read())
    assert "errorMessage" not in report, report
    return report


def wait_until_expired(ledger: Ledger, members: list[MemberId]) -> dict[MemberId, Entry]:
    """The newest entries, once the workers have come to everybody."""
    heads: dict[MemberId, Entry] = {}
    until = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < until:
        for member_id in members:
            if member_id not in heads:
                head = ledger.store.head(member_id)
                assert head is not None
                if head.number > 2:
                    heads[member_id] = head
        if len(heads) == len(members):
            return heads
        time.sleep(1)
    raise AssertionError(f"{len(members) - len(heads)} lots have not expired")
