"""hold_release and expiry: what falls due by time alone, by schedule or by a given instant."""

from datetime import datetime, timedelta

import pytest

from points_ledger.runtime.schedule import FutureScheduleError
from points_ledger.runtime.settings import SettingsError
from tests.functions.deployed import (
    NOW,
    Context,
    Deploy,
    Deployed,
    program,
    settled,
    sold,
)

EITHER = pytest.mark.parametrize("function", ["hold_release", "expiry"])

NOTHING = {"due": 0, "posted": 0, "failed": 0, "visited": 0}
HOLD = timedelta(hours=24)


@pytest.fixture
def holding(deploy: Deploy) -> Deployed:
    """Two members, each with a paid purchase sold just now that is held for 24 hours."""
    deployed = deploy(program(maturation={"hold": "PT24H"}))
    for n in ("1", "2"):
        deployed.accrue(sold("100.00", id_=f"T-{n}", customer=f"C-{n}", at=NOW))
        deployed.mature(settled(f"T-{n}", at=NOW))
    return deployed


@pytest.fixture
def expiring(deploy: Deploy) -> Deployed:
    """Two members with 100 points each, good through 12 September in Chicago."""
    terms = {"after": "P10D", "round_to": "day", "warn_days_before": []}
    deployed = deploy(program(expiry=terms))
    for customer in ("C-1", "C-2"):
        deployed.give(customer, 100)
    return deployed


def at(instant: str) -> dict[str, str]:
    return {"scheduled_time": instant}


def points(deployed: Deployed, customer: str = "C-1") -> tuple[int, int]:
    """Available and pending."""
    member_id = deployed.member_of(customer)
    assert member_id is not None
    balance = deployed.balance(member_id)
    return balance["available"], balance["pending"]


# --- hold_release ---------------------------------------------------------------------------


def test_a_hold_that_has_passed_releases_the_points(holding: Deployed) -> None:
    holding.clock.now = NOW + HOLD
    counts = holding.invoke("hold_release", at("2026-09-05T12:00:00Z"))
    assert counts == {"due": 2, "posted": 2, "failed": 0, "visited": 2}
    assert points(holding) == (100, 0)


def test_a_hold_is_not_released_a_second_early(holding: Deployed) -> None:
    holding.clock.now = NOW + HOLD
    assert holding.invoke("hold_release", at("2026-09-05T11:59:59Z")) == NOTHING
    assert points(holding) == (0, 100)


def test_the_maturation_is_dated_when_the_hold_ended_however_late_the_sweep(
    holding: Deployed,
) -> None:
    holding.clock.now = NOW + HOLD + timedelta(hours=7)
    holding.invoke("hold_release", at("2026-09-05T19:00:00Z"))
    member_id = holding.member_of("C-1")
    assert member_id is not None
    maturation = holding.entries(member_id)[-1]
    assert (maturation["type"], maturation["at"]) == ("maturation", "2026-09-05T12:00:00Z")
    assert maturation["recorded_at"] == "2026-09-05T19:00:00Z"
    assert maturation["actor"] == "schedule:hold_release"


def test_unpaid_points_lapse_when_their_time_is_over(deploy: Deploy) -> None:
    deployed = deploy(program(maturation={"cancel_unpaid_after": "P30D"}))
    deployed.accrue(sold("100.00", at=NOW))
    deployed.clock.move(days=30)
    counts = deployed.invoke("hold_release", at("2026-10-04T12:00:00Z"))
    assert (counts["due"], counts["posted"]) == (1, 1)
    member_id = deployed.member_of("C-1")
    assert member_id is not None
    assert deployed.types(member_id)[-1] == "lapse"


# --- expiry ---------------------------------------------------------------------------------


def test_points_expire_when_their_last_day_is_over(expiring: Deployed) -> None:
    expiring.clock.now = NOW + timedelta(days=9)
    counts = expiring.invoke("expiry", at("2026-09-13T05:00:00Z"))
    assert counts == {"due": 2, "posted": 2, "failed": 0, "visited": 2}
    assert points(expiring) == (0, 0)


def test_points_are_good_to_the_end_of_their_last_day_in_the_zone(expiring: Deployed) -> None:
    expiring.clock.now = NOW + timedelta(days=9)
    assert expiring.invoke("expiry", at("2026-09-13T04:59:59Z")) == NOTHING


def test_one_entry_lists_all_lots_that_passed(expiring: Deployed) -> None:
    expiring.clock.move(days=1)
    expiring.accrue(sold("50.00", id_="T-9", at=NOW))
    expiring.mature(settled("T-9", at=expiring.clock.now))
    expiring.clock.move(days=30)
    counts = expiring.invoke("expiry", {})
    assert (counts["due"], counts["posted"]) == (2, 2)
    member_id = expiring.member_of("C-1")
    assert member_id is not None
    last = expiring.entries(member_id)[-1]
    assert last["type"] == "expiry"
    assert last["lots"] == {"2026-09-12": -100, "2026-09-15": -50}


def test_members_are_warned_on_each_warning_day_and_then_the_points_expire(deploy: Deploy) -> None:
    deployed = deploy(program(expiry={"after": "P40D", "round_to": "day"}))
    deployed.give("C-1", 100)
    member_id = deployed.member_of("C-1")
    assert member_id is not None
    seen = []
    for instant in (
        "2026-09-12T04:59:59Z",
        "2026-09-12T05:00:00Z",
        "2026-09-12T06:00:00Z",
        "2026-10-05T05:00:00Z",
        "2026-10-13T05:00:00Z",
    ):
        deployed.clock.now = datetime.fromisoformat(instant)
        deployed.invoke("expiry", at(instant))
        seen.append(deployed.types(member_id)[3:])
    once = ["notice"]
    assert seen == [[], once, once, once * 2, [*once * 2, "expiry"]]
    first, second, _ = deployed.entries(member_id)[3:]
    assert first["details"] == {"lots": "20261012:100", "days": "30"}
    assert second["details"] == {"lots": "20261012:100", "days": "7"}
    assert (first["available"], first["lots"], first["actor"]) == (0, {}, "schedule:expiry")
    assert points(deployed) == (0, 0)


def test_where_notice_is_required_a_lot_without_it_is_extended_and_still_counts(
    deploy: Deploy,
) -> None:
    terms = {"after": "P10D", "round_to": "day", "requires_notice_days": 14}
    deployed = deploy(program(expiry={**terms, "warn_days_before": [7]}))
    deployed.give("C-1", 100)
    member_id = deployed.member_of("C-1")
    assert member_id is not None
    deployed.clock.now = NOW + timedelta(days=10)
    assert deployed.balance(member_id)["lots"] == [{"points": 100, "last_day": "2026-09-28"}]
    deployed.invoke("expiry", at("2026-09-14T05:00:00Z"))
    assert deployed.types(member_id)[3:] == ["extension", "notice"]
    extension, notice = deployed.entries(member_id)[3:]
    assert extension["lots"] == {"2026-09-12": -100, "2026-09-28": 100}
    assert (extension["available"], extension["reason"]) == (0, "notice_required")
    assert notice["details"] == {"lots": "20260928:100", "days": "14"}
    deployed.clock.now = NOW + timedelta(days=30)
    deployed.invoke("expiry", at("2026-09-29T05:00:00Z"))
    assert deployed.types(member_id)[-1] == "expiry"
    assert points(deployed) == (0, 0)


def test_a_member_whose_account_cannot_be_read_fails_alone(expiring: Deployed) -> None:
    member_id = expiring.member_of("C-1")
    head = expiring.stored()[f"MEMBER#{member_id} ENTRY#000000000003"]
    expiring.overwrite({**head, "format": {"N": "99"}})
    expiring.clock.now = NOW + timedelta(days=9)
    counts = expiring.invoke("expiry", {})
    assert counts == {"due": 1, "posted": 1, "failed": 1, "visited": 2}
    assert expiring.printed.messages == ["failed", "swept"]


@pytest.mark.parametrize("state", ["{", "{}", '{"lots":"20260912:x"}'])
def test_an_account_that_makes_no_sense_fails_alone(state: str, expiring: Deployed) -> None:
    member_id = expiring.member_of("C-1")
    head = expiring.stored()[f"MEMBER#{member_id} ENTRY#000000000003"]
    expiring.overwrite({**head, "state": {"S": state}})
    expiring.clock.now = NOW + timedelta(days=30)
    counts = expiring.invoke("expiry", {})
    assert (counts["posted"], counts["visited"]) == (1, 2)


# --- Both -----------------------------------------------------------------------------------


@EITHER
def test_a_second_run_posts_nothing(function: str, deploy: Deploy) -> None:
    deployed = deploy(
        program(maturation={"hold": "PT24H"}, expiry={"after": "P10D", "round_to": "day"})
    )
    deployed.accrue(sold("100.00", at=NOW))
    deployed.mature(settled(at=NOW))
    deployed.clock.move(days=1)
    assert deployed.invoke("hold_release", {})["posted"] == 1
    deployed.clock.move(days=20)
    assert deployed.invoke("expiry", {})["posted"] == 1
    before = deployed.stored()
    assert deployed.invoke(function, {})["posted"] == 0
    after = deployed.stored()
    assert {name: item for name, item in after.items() if not name.startswith("SWEEP#")} == {
        name: item for name, item in before.items() if not name.startswith("SWEEP#")
    }


@EITHER
def test_a_run_for_an_earlier_time_after_a_later_one_posts_nothing(
    function: str, holding: Deployed
) -> None:
    holding.clock.move(days=2)
    holding.invoke("hold_release", {})
    assert holding.invoke(function, at("2026-09-04T12:00:00Z"))["posted"] == 0


@pytest.mark.parametrize(
    "event",
    [
        {},
        None,
        {"scheduled_time": "<aws.scheduler.scheduled-time>"},
        {"scheduled_time": "2026-09-05T12:00:00"},
        {"scheduled_time": 1788523200},
    ],
    ids=str,
)
def test_what_is_not_a_time_means_the_clock(event: object, holding: Deployed) -> None:
    holding.clock.now = NOW + HOLD
    assert holding.invoke("hold_release", event)["posted"] == 2
    assert holding.printed.line()["ids"]["now"] == "2026-09-05T12:00:00Z"


def test_a_time_with_an_offset_is_that_instant(holding: Deployed) -> None:
    holding.clock.now = NOW + HOLD
    assert holding.invoke("hold_release", at("2026-09-05T07:00:00-05:00"))["posted"] == 2


@EITHER
def test_a_time_in_the_future_is_refused_and_nothing_is_posted(
    function: str, holding: Deployed
) -> None:
    before = holding.stored()
    with pytest.raises(FutureScheduleError) as refused:
        holding.invoke(function, at("2026-09-04T12:05:01Z"))
    assert refused.value.scheduled_time == "2026-09-04T12:05:01Z"
    assert holding.printed.line()["failure"]["type"] == "FutureScheduleError"
    assert holding.stored() == before


@EITHER
def test_a_schedule_may_be_five_minutes_ahead_of_the_clock(
    function: str, holding: Deployed
) -> None:
    assert holding.invoke(function, at("2026-09-04T12:05:00Z"))["failed"] == 0


def test_where_it_is_allowed_a_future_time_is_now(
    holding: Deployed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALLOW_FUTURE_SCHEDULES", "true")
    assert holding.invoke("hold_release", at("2026-09-06T00:00:00Z"))["posted"] == 2
    assert points(holding) == (100, 0)


def test_a_run_for_the_future_leaves_no_gap_behind(
    holding: Deployed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALLOW_FUTURE_SCHEDULES", "true")
    holding.invoke("hold_release", at("2027-09-06T00:00:00Z"))
    holding.accrue(sold("10.00", id_="T-3", customer="C-3", at=holding.clock.now))
    holding.mature(settled("T-3", at=holding.clock.now))
    holding.clock.move(days=2)
    assert holding.invoke("hold_release", {})["posted"] == 1


@EITHER
def test_when_time_runs_out_the_next_run_goes_on(function: str, holding: Deployed) -> None:
    holding.clock.now = NOW + HOLD
    if function == "expiry":
        holding.invoke("hold_release", {})
        holding.clock.move(days=1_000)
    assert holding.invoke(function, {}, Context(19_999)) == NOTHING
    assert holding.printed.messages == ["out_of_time", "swept"]
    assert holding.invoke(function, {})["posted"] == 2


@EITHER
def test_a_run_with_nothing_to_do_says_so_in_one_line(function: str, deployed: Deployed) -> None:
    assert deployed.invoke(function, {}) == NOTHING
    line = deployed.printed.line()
    assert line["message"] == "swept"
    assert line["ids"] == {"now": "2026-09-04T12:00:00Z", **NOTHING}


@EITHER
def test_without_its_settings_a_sweep_fails(
    function: str, deployed: Deployed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALLOW_FUTURE_SCHEDULES", "perhaps")
    with pytest.raises(SettingsError):
        deployed.invoke(function, {})
