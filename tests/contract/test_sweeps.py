"""Markers of what falls due: found in their hour, in order, page by page, in every shard."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from points_ledger.adapters.dynamodb import DynamoDbStore
from points_ledger.service.ports import Committed, Marker, MarkerKind, Put, Remove
from points_ledger.service.sweep_ports import (
    MARKERS_PER_SHARD,
    ShardProgress,
    SweepProgress,
)
from tests.contract.backends import Backend

HOUR = timedelta(hours=1)
SIX = datetime(2027, 1, 31, 6, tzinfo=UTC)
"""The hour that the backends' clock is in; it shows half past."""


def put(backend: Backend, *markers: Marker) -> None:
    for marker in markers:
        assert backend.store.commit([Put(item=marker)]) == Committed()


def marker(due_at: datetime, target: str = "mbr_1", kind: MarkerKind = "hold_release") -> Marker:
    return Marker(kind=kind, due_at=due_at, target=target)


def hours_of(
    backend: Backend, since: datetime | None, until: datetime
) -> list[tuple[datetime, int]]:
    return list(backend.sweeps.due_hours("hold_release", since=since, until=until, limit=48))


def found(
    backend: Backend, hour: datetime, *, until: datetime, shard: int = 0, limit: int = 100
) -> list[Marker]:
    markers: list[Marker] = []
    after = None
    for _ in range(100):
        page = backend.sweeps.markers(
            "hold_release", hour, shard, until=until, after=after, limit=limit
        )
        assert len(page.markers) <= limit
        markers += page.markers
        after = page.cursor
        if after is None:
            return markers
    raise AssertionError("the list does not end")


class TestHours:
    def test_only_hours_that_have_markers(self, backend: Backend) -> None:
        put(backend, marker(SIX + 3 * HOUR), marker(SIX + 30 * HOUR), marker(SIX + 3 * HOUR))
        hours = backend.sweeps.due_hours(
            "hold_release", since=None, until=SIX + 100 * HOUR, limit=48
        )
        assert list(hours) == [(SIX + 3 * HOUR, 1), (SIX + 30 * HOUR, 1)]

    def test_both_ends_belong_to_the_range(self, backend: Backend) -> None:
        put(backend, *(marker(SIX + n * HOUR) for n in (1, 2, 3, 4)))
        hours = backend.sweeps.due_hours(
            "hold_release",
            since=SIX + 2 * HOUR,
            until=SIX + 3 * HOUR + timedelta(minutes=59),
            limit=48,
        )
        assert [hour for hour, _ in hours] == [SIX + 2 * HOUR, SIX + 3 * HOUR]

    def test_a_range_that_ends_before_it_begins_is_empty(self, backend: Backend) -> None:
        put(backend, marker(SIX + HOUR))
        hours = backend.sweeps.due_hours(
            "hold_release", since=SIX + 2 * HOUR, until=SIX + HOUR, limit=48
        )
        assert list(hours) == []

    def test_kinds_do_not_see_each_other(self, backend: Backend) -> None:
        put(backend, marker(SIX + HOUR, kind="expiry"))
        until = SIX + 2 * HOUR
        assert (hours_of(backend, None, until)) == []
        assert found(backend, SIX + HOUR, until=until) == []

    def test_what_is_due_already_is_looked_at_in_the_current_hour(self, backend: Backend) -> None:
        late = marker(SIX - 500 * HOUR)
        put(backend, late)
        hours = hours_of(backend, None, SIX)
        assert list(hours) == [(SIX, 1)]
        assert found(backend, SIX, until=SIX) == [late]

    def test_an_hour_is_known_before_its_first_marker(self, dynamodb: Backend) -> None:
        """What the store has seen of an hour it need not write again for a minute."""
        put(dynamodb, marker(SIX + HOUR))
        client, table_name = dynamodb.client, dynamodb.table_name
        assert client is not None
        place = {"PK": {"S": "DUE#hold_release"}, "SK": {"S": "HOUR#2027-01-31T07"}}
        client.delete_item(TableName=table_name, Key=place)
        put(dynamodb, marker(SIX + HOUR, "mbr_2"))
        assert "Item" not in client.get_item(TableName=table_name, Key=place)
        dynamodb.clock.now += timedelta(seconds=60)
        put(dynamodb, marker(SIX + HOUR, "mbr_3"))
        assert "Item" in client.get_item(TableName=table_name, Key=place)


class TestMarkers:
    @pytest.mark.parametrize("limit", [1, 2, 5, 6, 100])
    def test_in_order_of_their_time(self, backend: Backend, limit: int) -> None:
        minutes = [0, 7, 7.5, 8, 59]
        due = [marker(SIX + HOUR + timedelta(minutes=m), f"t{59 - m}") for m in minutes]
        put(backend, *reversed(due))
        assert found(backend, SIX + HOUR, until=SIX + 2 * HOUR, limit=limit) == due

    def test_up_to_an_instant_which_is_included(self, backend: Backend) -> None:
        at = SIX + HOUR + timedelta(minutes=30)
        before, later = marker(at, "a"), marker(at + timedelta(microseconds=1), "b")
        put(backend, before, later)
        assert found(backend, SIX + HOUR, until=at - timedelta(microseconds=1)) == []
        assert found(backend, SIX + HOUR, until=at) == [before]
        assert found(backend, SIX + HOUR, until=at + timedelta(microseconds=1)) == [before, later]

    def test_several_at_the_same_instant(self, backend: Backend) -> None:
        at = SIX + HOUR
        put(backend, *(marker(at, f"target {n}") for n in range(7)))
        targets = [m.target for m in found(backend, SIX + HOUR, until=at, limit=2)]
        assert sorted(targets) == [f"target {n}" for n in range(7)]

    def test_the_same_marker_twice_is_one(self, backend: Backend) -> None:
        put(backend, marker(SIX + HOUR), marker(SIX + HOUR))
        assert found(backend, SIX + HOUR, until=SIX + 2 * HOUR) == [marker(SIX + HOUR)]

    def test_a_full_page_always_has_a_cursor(self, backend: Backend) -> None:
        """So that a reader may go on as long as pages are full."""
        put(backend, *(marker(SIX + HOUR, f"t{n}") for n in range(4)))
        until = SIX + 2 * HOUR
        page = backend.sweeps.markers(
            "hold_release", SIX + HOUR, 0, until=until, after=None, limit=4
        )
        assert page.cursor is not None
        rest = backend.sweeps.markers(
            "hold_release", SIX + HOUR, 0, until=until, after=page.cursor, limit=4
        )
        assert (rest.markers, rest.cursor) == ((), None)

    def test_a_cursor_holds_when_its_time_is_moved_back(self, backend: Backend) -> None:
        put(backend, *(marker(SIX + HOUR + timedelta(minutes=n), f"t{n}") for n in range(4)))
        page = backend.sweeps.markers(
            "hold_release", SIX + HOUR, 0, until=SIX + 2 * HOUR, after=None, limit=3
        )
        rest = backend.sweeps.markers(
            "hold_release", SIX + HOUR, 0, until=SIX + HOUR, after=page.cursor, limit=3
        )
        assert (rest.markers, rest.cursor) == ((), None)

    def test_markers_spread_over_the_shards_of_a_crowded_hour(self, backend: Backend) -> None:
        hour = SIX + HOUR
        put(backend, *(marker(hour, f"early {n}") for n in range(3)))
        backend.grow_shards("hold_release", hour, 4)
        backend.clock.now += timedelta(minutes=2)
        put(backend, *(marker(hour, f"late {n}") for n in range(40)))
        [(_, shards)] = hours_of(backend, None, hour)
        by_shard = [found(backend, hour, until=hour, shard=shard) for shard in range(shards)]
        assert shards == 4
        assert all(by_shard)
        targets = sorted(m.target for markers in by_shard for m in markers)
        assert targets == sorted(
            [f"early {n}" for n in range(3)] + [f"late {n}" for n in range(40)]
        )

    def test_targets_of_any_kind(self, backend: Backend) -> None:
        due = [marker(SIX + HOUR, target) for target in ("a:b:c#%", "漢" * 255, "🎉")]
        put(backend, *due)
        assert set(found(backend, SIX + HOUR, until=SIX + HOUR)) == set(due)

    def test_a_marker_goes_400_days_after_it_was_looked_at(self, dynamodb: Backend) -> None:
        put(dynamodb, marker(SIX + HOUR), marker(SIX - 20_000 * HOUR, "long ago"))
        assert dynamodb.client is not None
        epochs = []
        for hour in ("07", "06"):
            items = dynamodb.client.query(
                TableName=dynamodb.table_name,
                KeyConditionExpression="PK = :pk",
                ExpressionAttributeValues={":pk": {"S": f"DUE#hold_release#2027-01-31T{hour}#0"}},
            )["Items"]
            epochs += [int(item["expires_at_epoch"]["N"]) for item in items]
        kept = timedelta(days=400)
        assert epochs == [int((h + kept).timestamp()) for h in (SIX + HOUR, SIX)]


class TestProgress:
    def test_is_empty_at_first(self, backend: Backend) -> None:
        assert backend.sweeps.progress("expiry") == SweepProgress()

    def test_only_moves_on_by_kind(self, backend: Backend) -> None:
        early, late = SweepProgress(first_open_hour=SIX), SweepProgress(first_open_hour=SIX + HOUR)
        for progress in (early, late, late, early):
            backend.sweeps.save_progress("expiry", progress)
        assert backend.sweeps.progress("expiry") == late
        assert backend.sweeps.progress("hold_release") == SweepProgress()


class TestShards:
    FULL = ShardProgress(
        hour=SIX,
        shard=17,
        cursor="a#b",
        closing="a#a",
        has_failed=True,
        is_closed=True,
        queued_at=SIX + timedelta(minutes=7),
    )

    def test_nothing_was_worked_off_at_first(self, backend: Backend) -> None:
        assert backend.sweeps.shard("expiry", SIX, 3) == ShardProgress(hour=SIX, shard=3)
        assert backend.sweeps.shards("expiry", first=SIX, last=SIX + HOUR) == {}

    @pytest.mark.parametrize("progress", [FULL, ShardProgress(hour=SIX, shard=17)])
    def test_what_is_kept_is_found_with_its_revision(
        self, progress: ShardProgress, backend: Backend
    ) -> None:
        stored = backend.sweeps.save_shard("expiry", progress)
        assert stored == replace(progress, revision=1)
        assert backend.sweeps.shard("expiry", SIX, 17) == stored
        assert backend.sweeps.save_shard("expiry", stored) == replace(progress, revision=2)

    def test_whoever_read_an_older_revision_learns_of_the_newer(self, backend: Backend) -> None:
        read = ShardProgress(hour=SIX, shard=0)
        first = backend.sweeps.save_shard("expiry", replace(read, cursor="first"))
        assert backend.sweeps.save_shard("expiry", replace(read, cursor="second")) == first
        assert backend.sweeps.shard("expiry", SIX, 0) == first

    def test_are_listed_by_hour(self, backend: Backend) -> None:
        places = [(SIX, 0), (SIX + HOUR, 0), (SIX + HOUR, 255), (SIX + 2 * HOUR, 1)]
        for hour, shard in places:
            backend.sweeps.save_shard("expiry", ShardProgress(hour=hour, shard=shard))
        backend.sweeps.save_shard("hold_release", ShardProgress(hour=SIX + HOUR, shard=7))
        backend.sweeps.save_progress("expiry", SweepProgress(first_open_hour=SIX))
        found = backend.sweeps.shards("expiry", first=SIX + HOUR, last=SIX + HOUR)
        assert list(found) == places[1:3]
        assert {place: (each.hour, each.shard) for place, each in found.items()} == {
            place: place for place in places[1:3]
        }


class TestGrowing:
    def test_an_hour_is_counted_and_grows_when_it_is_crowded(self, dynamodb: Backend) -> None:
        hour, client = SIX + HOUR, dynamodb.client
        assert client is not None
        put(dynamodb, *(marker(hour, f"early {n}") for n in range(3)))
        place = {"PK": {"S": "DUE#hold_release"}, "SK": {"S": "HOUR#2027-01-31T07"}}
        client.update_item(
            TableName=dynamodb.table_name,
            Key=place,
            UpdateExpression="SET markers = :many",
            ExpressionAttributeValues={":many": {"N": str(2 * MARKERS_PER_SHARD)}},
        )
        dynamodb.clock.now += timedelta(minutes=2)
        put(dynamodb, *(marker(hour, f"late {n}") for n in range(12)))
        dynamodb.clock.now += timedelta(minutes=2)
        put(dynamodb, marker(hour, "last"))
        [(_, shards)] = dynamodb.sweeps.due_hours("hold_release", since=None, until=hour, limit=1)
        by_shard = [found(dynamodb, hour, until=hour, shard=shard) for shard in range(shards)]
        assert shards == 4
        assert sum(map(len, by_shard)) == 16
        assert all(by_shard)
        noted = client.get_item(TableName=dynamodb.table_name, Key=place)["Item"]
        # What a process has put since it last asked is told when it asks again.
        assert int(noted["markers"]["N"]) == 2 * MARKERS_PER_SHARD + 15

    def test_a_marker_is_taken_away_from_the_shard_that_it_once_fell_into(
        self, backend: Backend
    ) -> None:
        hour = SIX + HOUR
        targets = [f"target {n}" for n in range(12)]
        put(backend, *(marker(hour, target) for target in targets[:6]))
        backend.grow_shards("hold_release", hour, 8)
        backend.clock.now += timedelta(minutes=2)
        put(backend, *(marker(hour, target) for target in targets[6:]))
        for target in targets:
            assert backend.store.commit([Remove(item=marker(hour, target))]) == Committed()
        assert [found(backend, hour, until=hour, shard=shard) for shard in range(8)] == [[]] * 8

    def test_what_is_not_due_is_taken_away_though_the_hour_has_only_just_grown(
        self, backend: Backend
    ) -> None:
        """By somebody else, within the minute for which this process relies on what it knows."""
        hour = SIX + HOUR
        put(backend, marker(hour, "known"))
        backend.grow_shards("hold_release", hour, 64)
        another = (
            DynamoDbStore(backend.client, backend.table_name, backend.clock)
            if backend.client
            else backend.store
        )
        targets = [f"target {n}" for n in range(6)]
        for target in targets:
            another.commit([Put(item=marker(hour, target))])
            assert backend.store.commit([Remove(item=marker(hour, target))]) == Committed()
        left = [found(backend, hour, until=hour, shard=shard) for shard in range(64)]
        assert [each.target for markers in left for each in markers] == ["known"]


class TestTakingMarkersAway:
    def test_it_is_gone_and_the_others_stay(self, backend: Backend) -> None:
        at = SIX + HOUR + timedelta(minutes=5)
        gone, kept = marker(at, "gone", "birthday"), marker(at, "kept", "birthday")
        put(backend, gone, kept, marker(at, "gone"))
        assert backend.store.commit([Remove(item=gone)]) == Committed()
        place = SIX + HOUR
        page = backend.sweeps.markers(
            "birthday", place, 0, until=place + HOUR, after=None, limit=10
        )
        assert page.markers == (kept,)
        assert found(backend, place, until=place + HOUR) == [marker(at, "gone")]

    def test_that_it_is_gone_already_changes_nothing(self, backend: Backend) -> None:
        assert backend.store.commit([Remove(item=marker(SIX + HOUR))]) == Committed()

    def test_another_one_takes_its_place_in_one_commit(self, backend: Backend) -> None:
        old, new = marker(SIX + HOUR, "old"), marker(SIX + HOUR, "new")
        put(backend, old)
        assert backend.store.commit([Remove(item=old), Put(item=new)]) == Committed()
        assert found(backend, SIX + HOUR, until=SIX + 2 * HOUR) == [new]
