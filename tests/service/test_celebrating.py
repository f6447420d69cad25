"""Birthdays and anniversaries: performed once a year, and forgotten with the person."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from points_ledger.domain.identity import MemberId
from points_ledger.domain.program import Program, VersionPeriod
from points_ledger.service.ports import Create, ProgramVersion, Save, VersionList
from tests.builders import START, after, posted, program, rule
from tests.service.desk import ADA, Desk
from tests.service.registry import Registry

BIRTHDAY = "1990-05-17"
MIDNIGHT = datetime(2026, 5, 17, 5, tzinfo=UTC)
"""00:00 of the birthday in Chicago."""
NEW = MemberId("member-5")
"""Who is enrolled after a party of four."""


def rules(*, zone: str = "America/Chicago") -> Program:
    return program(
        rule(25, id="birthday", action="birthday"),
        rule(40, id="anniversary", action="anniversary"),
        zone=zone,
        hold="PT24H",
    )


@pytest.fixture
def desk() -> Desk:
    """Ada, with a birthday in May, enrolled on 2 March."""
    desk = Desk(rules())
    desk.enrol("ada", birthday=BIRTHDAY)
    return desk


def swept(desk: Desk, at: datetime) -> int:
    desk.wait(at)
    return desk.sweep("birthday").posted


def test_nothing_comes_before_the_day_begins_in_the_program_s_zone(desk: Desk) -> None:
    assert swept(desk, MIDNIGHT - timedelta(seconds=1)) == 0
    assert desk.balances() == (0, 0, 0)


def test_a_birthday_is_an_action_at_midnight(desk: Desk) -> None:
    assert swept(desk, MIDNIGHT) == 1
    assert desk.balances() == (25, 0, 0)
    entry = desk.memory.chain(ADA)[-1]
    assert (entry.posting.type, entry.posting.at) == ("accrual", MIDNIGHT)
    assert str(entry.posting.source) == "points-ledger:action:birthday:member-1:2026"
    desk.wait(MIDNIGHT + timedelta(hours=24))
    desk.sweep("hold_release")
    assert desk.balances() == (0, 25, 0)


def test_a_sweep_twice_and_late_does_it_once(desk: Desk) -> None:
    assert swept(desk, MIDNIGHT + timedelta(days=3)) == len(["accrual", "maturation"])
    assert desk.memory.chain(ADA)[-2].posting.at == MIDNIGHT
    assert swept(desk, MIDNIGHT + timedelta(days=3)) == 0
    assert desk.sweep("birthday").posted == 0


def test_a_visit_that_comes_again_changes_nothing(desk: Desk) -> None:
    (marker,) = desk.markers("birthday")
    desk.wait(MIDNIGHT)
    for _ in range(3):
        desk.celebrating.visit("birthday", marker.target, now=MIDNIGHT, actor="sweep")
    assert desk.balances() == (25, 0, 0)
    assert len(desk.markers("birthday")) == 1


def test_it_comes_again_the_next_year(desk: Desk) -> None:
    swept(desk, MIDNIGHT)
    assert [marker.due_at for marker in desk.markers("birthday")] == [MIDNIGHT.replace(year=2027)]
    assert swept(desk, MIDNIGHT.replace(year=2027)) == 1


def test_an_anniversary_is_the_day_of_the_enrolment(desk: Desk) -> None:
    desk.wait(datetime(2027, 3, 2, 6, tzinfo=UTC))
    assert desk.sweep("anniversary").posted == 1
    assert desk.balances() == (40, 0, 0)


def test_who_comes_by_a_purchase_has_anniversaries_too() -> None:
    desk = Desk(rules())
    desk.tell(posted("20.00"))
    assert [marker.due_at.year for marker in desk.markers("anniversary")] == [2027]
    assert desk.markers("birthday") == []


def test_somebody_imported_has_days_too() -> None:
    registry = Registry(rules())
    registry.take()
    due = [m for m in registry.desk.markers("anniversary") if m.target.startswith(NEW)]
    assert len(due) == 1


def test_the_29th_of_february_is_the_28th_in_a_common_year() -> None:
    desk = Desk(rules())
    desk.enrol("ada", birthday="1992-02-29")
    assert swept(desk, datetime(2027, 2, 28, 6, tzinfo=UTC)) == 1
    (marker,) = desk.markers("birthday")
    assert marker.due_at == datetime(2028, 2, 29, 6, tzinfo=UTC)
    assert swept(desk, marker.due_at) == 1


def test_without_a_rule_a_visit_only_arms_the_next_one() -> None:
    desk = Desk(program(zone="America/Chicago"))
    desk.enrol("ada", birthday=BIRTHDAY)
    desk.wait(MIDNIGHT)
    desk.store.requests.clear()
    assert desk.sweep("birthday").posted == 0
    assert desk.store.requests == ["head", "get", "commit"]
    assert [marker.due_at.year for marker in desk.markers("birthday")] == [2027]
    assert desk.memory.earnings() == []


def test_who_is_frozen_has_a_birthday_and_who_is_closed_keeps_the_next_one() -> None:
    for status, points in (("frozen", 25), ("closed", 0)):
        registry = Registry(rules())
        registry.change(personal={"birthday": BIRTHDAY})
        registry.change(key="status", status=status)
        desk = registry.desk
        swept(desk, MIDNIGHT)
        assert desk.balances()[0] == points
        assert [marker.due_at.year for marker in desk.markers("birthday")] == [2027]


def test_a_merged_member_has_no_days_any_more() -> None:
    registry = Registry(rules())
    registry.change(personal={"birthday": BIRTHDAY})
    registry.desk.merge()
    assert swept(registry.desk, MIDNIGHT) == 0
    assert registry.desk.markers("birthday") == []


def test_another_birthday_takes_the_place_of_the_first() -> None:
    registry = Registry(rules())
    registry.change(key="1", personal={"birthday": BIRTHDAY})
    registry.change(key="2", personal={"birthday": "1990-08-01"})
    assert [marker.due_at.month for marker in registry.desk.markers("birthday")] == [8]
    registry.change(key="3", personal={"birthday": None})
    assert registry.desk.markers("birthday") == []


def test_a_birthday_in_another_year_of_birth_stays_where_it_is() -> None:
    registry = Registry(rules())
    registry.change(key="1", personal={"birthday": BIRTHDAY})
    before = registry.desk.markers("birthday")
    registry.change(key="2", personal={"birthday": BIRTHDAY.replace("1990", "1991")})
    assert registry.desk.markers("birthday") == before


def test_a_stale_marker_is_taken_away_and_gives_nothing(desk: Desk) -> None:
    (marker,) = desk.markers("birthday")
    target = marker.target.replace("2026-05-17", "2026-05-16")
    desk.wait(MIDNIGHT)
    assert desk.celebrating.visit("birthday", target, now=MIDNIGHT, actor="sweep") == 0
    assert desk.balances() == (0, 0, 0)


@pytest.mark.parametrize("late", [False, True], ids=["armed", "due and not visited yet"])
def test_no_birthday_outlives_the_person(*, late: bool) -> None:
    registry = Registry(rules())
    registry.change(personal={"birthday": BIRTHDAY})
    if late:
        registry.desk.wait(MIDNIGHT + timedelta(hours=1))
    registry.erase()
    assert registry.desk.markers("birthday") == []


def test_an_erasure_in_the_middle_of_a_visit_leaves_no_marker() -> None:
    registry = Registry(rules())
    registry.change(personal={"birthday": BIRTHDAY})
    desk = registry.desk
    desk.wait(MIDNIGHT)
    desk.store.meanwhile["commit"] = registry.erase
    desk.sweep("birthday")
    assert desk.markers("birthday") == []


def test_a_program_in_another_zone_begins_the_day_there(desk: Desk) -> None:
    later = replace(rules(zone="America/Los_Angeles"), version=2)
    version = ProgramVersion(program=later, document="{}", published_at=START)
    periods = (
        VersionPeriod(version=1, effective_from=START),
        VersionPeriod(version=2, effective_from=after(days=1)),
    )
    desk.memory.commit([Create(item=version), Save(item=VersionList(periods=periods), expected=1)])
    assert swept(desk, MIDNIGHT) == 0
    assert swept(desk, MIDNIGHT + timedelta(hours=2)) == 1
    assert len(desk.markers("birthday")) == 1
