"""Windows of campaigns: wall-clock times of the program's zone, also where clocks change.

A time that a gap leaves out comes as much later as the gap is long; a time that there is twice
means the first of the two.
"""

from datetime import datetime, timedelta

import pytest

from points_ledger.domain.calendar import parse_instant
from tests.builders import campaign, earned_by, posted, program

SECOND = timedelta(seconds=1)


def window_begins(zone: str, local: str, instant: str) -> None:
    """A campaign from that local time on is running at the instant, and not a second before."""
    given = program(
        campaigns=[
            campaign(
                multiplier="2",
                begins=datetime.fromisoformat(local),
                ends=datetime.fromisoformat(local) + timedelta(days=3),
            )
        ],
        zone=zone,
    )
    begins = parse_instant(instant)
    assert earned_by(given, posted("10.00", at=begins - SECOND)) == 10
    assert earned_by(given, posted("10.00", at=begins)) == 20


def window_ends(zone: str, local: str, instant: str) -> None:
    """A campaign until that local time is over at the instant, and not a second before."""
    given = program(
        campaigns=[
            campaign(
                multiplier="2",
                begins=datetime.fromisoformat(local) - timedelta(days=3),
                ends=datetime.fromisoformat(local),
            )
        ],
        zone=zone,
    )
    ends = parse_instant(instant)
    assert earned_by(given, posted("10.00", at=ends - SECOND)) == 20
    assert earned_by(given, posted("10.00", at=ends)) == 10


EDGES = pytest.mark.parametrize(
    ("zone", "local", "instant"),
    [
        # Ordinary days, in winter and in summer time.
        ("America/Chicago", "2026-11-27T00:00", "2026-11-27T06:00:00Z"),
        ("America/Chicago", "2026-07-04T00:00", "2026-07-04T05:00:00Z"),
        ("Europe/Berlin", "2026-12-24T18:30", "2026-12-24T17:30:00Z"),
        ("Asia/Kolkata", "2026-11-08T00:00", "2026-11-07T18:30:00Z"),
        ("Asia/Kathmandu", "2026-11-08T00:00", "2026-11-07T18:15:00Z"),
        ("Pacific/Kiritimati", "2027-01-01T00:00", "2026-12-31T10:00:00Z"),
        # The day on which the clock changes still begins at its own midnight.
        ("America/Chicago", "2026-03-08T00:00", "2026-03-08T06:00:00Z"),
        ("America/Chicago", "2026-03-09T00:00", "2026-03-09T05:00:00Z"),
        ("America/Chicago", "2026-11-01T00:00", "2026-11-01T05:00:00Z"),
        ("America/Chicago", "2026-11-02T00:00", "2026-11-02T06:00:00Z"),
        # Gaps: 02:30 does not exist, nor does midnight in Santiago and Beirut.
        ("America/Chicago", "2026-03-08T02:00", "2026-03-08T08:00:00Z"),
        ("America/Chicago", "2026-03-08T02:30", "2026-03-08T08:30:00Z"),
        ("America/Chicago", "2026-03-08T03:00", "2026-03-08T08:00:00Z"),
        ("Europe/Berlin", "2026-03-29T02:30", "2026-03-29T01:30:00Z"),
        ("America/Santiago", "2026-09-06T00:00", "2026-09-06T04:00:00Z"),
        ("Asia/Beirut", "2026-03-29T00:00", "2026-03-28T22:00:00Z"),
        ("Australia/Lord_Howe", "2026-10-04T02:15", "2026-10-03T15:45:00Z"),
        # Overlaps: 01:30 is there twice.
        ("America/Chicago", "2026-11-01T01:00", "2026-11-01T06:00:00Z"),
        ("America/Chicago", "2026-11-01T01:30", "2026-11-01T06:30:00Z"),
        ("America/Chicago", "2026-11-01T02:00", "2026-11-01T08:00:00Z"),
        ("Europe/Berlin", "2026-10-25T02:30", "2026-10-25T00:30:00Z"),
        ("Australia/Lord_Howe", "2026-04-05T01:45", "2026-04-04T14:45:00Z"),
    ],
)


@EDGES
def test_a_campaign_begins_at_a_time_of_the_zone(zone: str, local: str, instant: str) -> None:
    window_begins(zone, local, instant)


@EDGES
def test_a_campaign_ends_at_a_time_of_the_zone(zone: str, local: str, instant: str) -> None:
    window_ends(zone, local, instant)


def test_a_campaign_over_a_change_of_clocks_is_an_hour_shorter_or_longer() -> None:
    for day, hours in ((datetime(2026, 3, 8), 23), (datetime(2026, 11, 1), 25)):  # noqa: DTZ001
        given = program(
            campaigns=[campaign(multiplier="2", begins=day, ends=day + timedelta(days=1))],
            zone="America/Chicago",
        )
        start = parse_instant(f"{day:%Y-%m-%d}T05:00:00Z")
        inside = [
            quarter
            for quarter in range(4 * 30)
            if earned_by(given, posted("1.00", at=start + quarter * timedelta(minutes=15))) == 2
        ]
        assert len(inside) == 4 * hours
