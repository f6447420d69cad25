"""Markers of what falls due: found in their hour, in order, page by page, in every shard."""

from datetime import UTC, datetime, timedelta

import pytest

from points_ledger.service.ports import Committed, Marker, MarkerKind, Put, Remove, SweepProgress
from tests.contract.backends import Backend

HOUR = timedelta(hours=1)
SIX = datetime(2027, 1, 31, 6, tzinfo=UTC)
"""The hour that the backends' clock is in; it shows half past."""


def put(backend: Backend, *markers: Marker) -> None:
    for marker in markers:
        assert backend.store.commit([Put(item=marker)]) == Committed()


def marker(due_at: datetime, target: str = "mbr_1", kind: MarkerKind = "hold_release") -> Marker:
    return Marker(kind=kind, due_at=due_at, target=target)


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
        hours = backend.sweeps.due_hours("hold_release", since=None, until=SIX + 100 * HOUR)
        assert list(hours) == [(SIX + 3 * HOUR, 1), (SIX + 30 * HOUR, 1)]

    def test_both_ends_belong_to_the_range(self, backend: Backend) -> None:
        put(backend, *(marker(SIX + n * HOUR) for n in (1, 2, 3, 4)))
        hours = backend.sweeps.due_hours(
            "hold_release", since=SIX + 2 * HOUR, until=SIX + 3 * HOUR + timedelta(minutes=59)
        )
        assert [hour for hour, _ in hours] == [SIX + 2 * HOUR, SIX + 3 * HOUR]

    def test_a_range_that_ends_before_it_begins_is_empty(self, backend: Backend) -> None:
        put(backend, marker(SIX + HOUR))
        hours = backend.sweeps.due_hours("hold_release", since=SIX + 2 * HOUR, until=SIX + HOUR)
        assert list(hours) == []

    def test_kinds_do_not_see_each_other(self, backend: Backend) -> None:
        put(backend, marker(SIX + HOUR, kind="expiry"))
        until = SIX + 2 * HOUR
        assert list(backend.sweeps.due_hours("hold_release", since=None, until=until)) == []
        assert found(backend, SIX + HOUR, until=until) == []

    def test_what_is_due_already_is_looked_at_in_the_current_hour(self, backend: Backend) -> None:
        late = marker(SIX - 500 * HOUR)
        put(backend, late)
        hours = backend.sweeps.due_hours("hold_release", since=None, until=SIX)
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
        [(_, shards)] = backend.sweeps.due_hours("hold_release", since=None, until=hour)
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

    def test_the_last_writer_wins_by_kind(self, backend: Backend) -> None:
        early = SweepProgress(first_open_hour=SIX)
        late = SweepProgress(first_open_hour=SIX + HOUR, cursors={"2027-01-31T07#0": "x#y"})
        backend.sweeps.save_progress("expiry", early)
        backend.sweeps.save_progress("expiry", late)
        assert backend.sweeps.progress("expiry") == late
        assert backend.sweeps.progress("hold_release") == SweepProgress()


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
