"""Warnings, extensions and expiry by sweep: what is posted, and which look comes next."""

from dataclasses import replace
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from points_ledger.domain.calendar import Period
from points_ledger.domain.entry import Entry
from points_ledger.domain.program import ExpiryTerms, Program, VersionPeriod
from points_ledger.service.ports import Create, Marker, ProgramVersion, Save, VersionList
from points_ledger.service.sweep import SweepReport
from tests.builders import START, after, paid, posted, program
from tests.service.desk import ADA, Desk

LAST_DAY = date(2026, 5, 1)
"""60 days after START."""
NOTHING = SweepReport(visited=1)
ONE = SweepReport(due=1, posted=1, visited=1)


def rules(
    *,
    after_: str = "P60D",
    warn: tuple[int, ...] = (30, 7),
    notice_days: int | None = None,
    inactivity: bool = False,
) -> Program:
    terms = ExpiryTerms(
        kind="inactivity" if inactivity else "period",
        after=Period.parse(after_),
        warn_days_before=warn,
        requires_notice_days=notice_days,
    )
    return replace(program(), expiry=terms)


def midnight(days_before: int, day: date = LAST_DAY) -> datetime:
    return datetime.fromisoformat(f"{day - timedelta(days=days_before)}T00:00:00Z")


def give(desk: Desk, points: int = 50, id_: str = "purchase-1", at: datetime | None = None) -> None:
    """Points that mature now."""
    at = at or desk.now
    desk.tell(posted(f"{points}.00", id=id_, at=at), paid(f"{points}.00", id=id_, at=at))


def swept(desk: Desk, at: datetime) -> SweepReport:
    desk.wait(at)
    return desk.sweep("expiry")


def ahead(desk: Desk) -> list[Marker]:
    return [marker for marker in desk.markers("expiry") if marker.due_at > desk.now]


def looks(desk: Desk) -> list[tuple[datetime, str]]:
    return [(marker.due_at, marker.target) for marker in ahead(desk)]


def last(desk: Desk) -> Entry:
    return desk.memory.chain(ADA)[-1]


def publish(desk: Desk, changed: Program) -> None:
    """Another version is in force from now on."""
    second = replace(changed, version=2)
    version = ProgramVersion(program=second, document="{}", published_at=desk.now)
    periods = (
        VersionPeriod(version=1, effective_from=START),
        VersionPeriod(version=2, effective_from=desk.now),
    )
    desk.memory.commit([Create(item=version), Save(item=VersionList(periods=periods), expected=1)])
    desk.wait(desk.now + timedelta(minutes=2))


@pytest.fixture
def desk() -> Desk:
    """Ada has 50 points through 1 May."""
    desk = Desk(rules())
    give(desk)
    return desk


# ---- One marker at a time


def test_a_lot_is_looked_at_on_each_warning_day_and_when_it_expires(desk: Desk) -> None:
    assert looks(desk) == [(midnight(30), f"{ADA} 2026-05-01 30")]
    assert swept(desk, midnight(30)) == ONE
    assert looks(desk) == [(midnight(7), f"{ADA} 2026-05-01 7")]
    assert swept(desk, midnight(7)).posted == 1
    assert looks(desk) == [(midnight(-1), f"{ADA} 2026-05-01 -1")]
    assert swept(desk, midnight(-1)).posted == 1
    assert looks(desk) == []
    assert desk.types()[-3:] == ["notice", "notice", "expiry"]


def test_the_same_sweep_again_and_the_one_that_closes_the_hour_do_nothing(desk: Desk) -> None:
    swept(desk, midnight(30))
    before = desk.memory.snapshot()
    for hours in (0, 1, 2, 3, 30):
        assert swept(desk, midnight(30) + timedelta(hours=hours)).posted == 0
    assert desk.memory.snapshot() == before


def test_a_lot_that_opens_within_its_warning_days_is_looked_at_on_the_next_one() -> None:
    desk = Desk(rules(after_="P20D"))
    give(desk)
    (marker,) = ahead(desk)
    assert marker.due_at == midnight(7, date(2026, 3, 22))


def test_a_late_sweep_warns_once_and_goes_on(desk: Desk) -> None:
    assert swept(desk, midnight(5)) == ONE
    assert [marker.due_at for marker in ahead(desk)] == [midnight(-1)]
    assert last(desk).posting.details == {"lots": "20260501:50", "days": "5"}


def test_a_sweep_that_comes_after_the_last_day_only_expires(desk: Desk) -> None:
    assert swept(desk, midnight(-3)) == ONE
    assert desk.types()[-1] == "expiry"
    assert ahead(desk) == []


def test_a_lot_that_was_spent_is_forgotten(desk: Desk) -> None:
    desk.redeem(50)
    assert swept(desk, midnight(30)) == NOTHING
    assert ahead(desk) == []


def test_one_visit_expires_a_lot_and_warns_of_another() -> None:
    desk = Desk(rules(warn=(30,)))
    give(desk)
    desk.wait(after(days=31))
    give(desk, 20, "purchase-2")
    swept(desk, midnight(30))
    desk.wait(midnight(-1))
    report = desk.sweep("expiry")
    assert (report.due, report.posted) == (1, 2)
    assert desk.types()[-2:] == ["expiry", "notice"]
    assert last(desk).posting.details == {"lots": "20260601:20", "days": "30"}


def test_a_member_who_is_gone_is_not_warned() -> None:
    assert Desk(rules()).expiring.visit("nobody 2026-05-01 30", now=START, actor="sweep") == 0


def test_a_marker_without_a_lot_settles_and_warns_all_the_same(desk: Desk) -> None:
    desk.wait(midnight(30))
    assert desk.expire() == 1
    assert looks(desk) == [(midnight(7), f"{ADA} 2026-05-01 7")]


# ---- The program changes


def test_a_look_that_is_no_warning_day_any_more_leads_to_the_next_one(desk: Desk) -> None:
    publish(desk, rules(warn=(14,)))
    assert swept(desk, midnight(30)) == NOTHING
    assert looks(desk) == [(midnight(14), f"{ADA} 2026-05-01 14")]
    assert swept(desk, midnight(14)).posted == 1
    assert swept(desk, midnight(-1)).posted == 1
    assert desk.balances() == (0, 0, 0)


def test_a_look_that_comes_too_early_in_another_zone_is_taken_again(desk: Desk) -> None:
    publish(desk, replace(rules(), zone=ZoneInfo("America/Chicago")))
    assert swept(desk, midnight(30)) == NOTHING
    assert [marker.due_at for marker in ahead(desk)] == [midnight(30) + timedelta(hours=5)]


def test_from_a_program_of_inactivity_to_one_of_periods_nothing_is_lost() -> None:
    desk = Desk(rules(inactivity=True))
    give(desk)
    desk.wait(after(days=10))
    give(desk, 20, "purchase-2")
    publish(desk, rules())
    swept(desk, midnight(30))
    assert [marker.due_at for marker in ahead(desk)] == [midnight(30, date(2026, 5, 11))]


# ---- Activity


def test_a_moved_lot_is_found_from_the_marker_of_its_old_day() -> None:
    desk = Desk(rules(inactivity=True))
    give(desk)
    desk.wait(after(days=10))
    give(desk, 20, "purchase-2")
    assert [marker.due_at for marker in ahead(desk)] == [midnight(30)]
    assert swept(desk, midnight(30)) == NOTHING
    assert looks(desk) == [(midnight(20), f"{ADA} 2026-05-11 30")]
    assert swept(desk, midnight(20)).posted == 1
    assert last(desk).posting.details == {"lots": "20260511:70", "days": "30"}


def test_a_moved_lot_that_is_due_sooner_than_the_old_one_gets_its_own_marker() -> None:
    desk = Desk(rules(inactivity=True, after_="P10D"))
    give(desk)
    (first,) = ahead(desk)
    swept(desk, first.due_at)
    give(desk, 20, "purchase-2")
    assert [marker.due_at for marker in ahead(desk)] == [
        midnight(7, date(2026, 3, 15)),
        midnight(-1, date(2026, 3, 12)),
    ]


def test_members_who_stay_active_are_neither_warned_nor_lose_points() -> None:
    desk = Desk(rules(inactivity=True, after_="P20D", warn=(7,)))
    for number in range(12):
        desk.wait(after(days=10 * number))
        desk.sweep("expiry")
        give(desk, 10, f"purchase-{number}")
    assert desk.balances() == (0, 120, 0)
    assert {"notice", "expiry"}.isdisjoint(desk.types())
    swept(desk, after(days=125))
    assert desk.types()[-1] == "notice"
    swept(desk, after(days=131))
    assert desk.balances() == (0, 0, 0)


# ---- Notice that is required


def test_without_notice_in_time_the_sweep_extends_and_warns_in_one_visit() -> None:
    desk = Desk(rules(warn=(7,), notice_days=14))
    give(desk)
    assert swept(desk, midnight(-1)) == SweepReport(due=1, posted=2, visited=1)
    assert desk.types()[-2:] == ["extension", "notice"]
    extended = date(2026, 5, 16)
    assert list(last(desk).state.lots) == [extended]
    assert [marker.due_at for marker in ahead(desk)] == [midnight(7, extended)]
    assert swept(desk, midnight(7, extended)).posted == 1
    assert desk.types()[-1] == "notice"
    assert swept(desk, midnight(-1, extended)).posted == 1
    assert desk.balances() == (0, 0, 0)


def test_a_redemption_spends_from_a_lot_that_it_extends_and_the_warning_follows() -> None:
    desk = Desk(rules(notice_days=14))
    give(desk)
    desk.wait(midnight(-3))
    desk.redeem(20)
    assert desk.types()[-2:] == ["extension", "redemption"]
    assert desk.balances() == (0, 30, 0)
    assert desk.sweep("expiry").posted == 1
    assert last(desk).posting.details == {"lots": "20260518:30", "days": "14"}


def test_the_balance_shows_the_extended_lot_before_it_is_posted() -> None:
    desk = Desk(rules(notice_days=14))
    give(desk)
    desk.wait(midnight(-3))
    balance = desk.queries.balance(ADA)
    assert (balance.available, dict(balance.lots)) == (50, {date(2026, 5, 18): 50})


def test_where_the_day_has_had_its_notice_the_extended_lot_is_named_tomorrow() -> None:
    desk = Desk(rules(warn=(30,), notice_days=31))
    give(desk)
    desk.wait(after(days=31))
    give(desk, 20, "purchase-2")
    desk.wait(midnight(-1))
    assert desk.sweep("expiry").posted == 2
    assert desk.types()[-2:] == ["extension", "notice"]
    assert last(desk).posting.details == {"lots": "20260601:20 20260602:50", "days": "30"}
    desk.wait(midnight(-1) + timedelta(hours=5))
    assert desk.sweep("expiry").posted == 0


def test_a_blocked_warning_is_given_on_the_next_day() -> None:
    desk = Desk(rules())
    give(desk)
    swept(desk, midnight(30))
    publish(desk, rules(warn=(60, 30, 7)))
    desk.wait(midnight(30) + timedelta(hours=5))
    give(desk, 20, "purchase-2")
    target = f"{ADA} 2026-05-31 60"
    assert desk.expiring.visit(target, now=desk.now, actor="sweep") == 0
    (tomorrow,) = [m for m in ahead(desk) if m.target.startswith(f"{ADA} 2026-05-31")][:1]
    assert tomorrow.due_at == midnight(29)
    assert swept(desk, midnight(29)).posted == 1
    assert last(desk).posting.details == {"lots": "20260531:20", "days": "59"}
