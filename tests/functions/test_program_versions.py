"""program: publishing versions, and refusing documents with every error and its path."""

import copy
import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Final

import pytest

from points_ledger.domain.calendar import format_instant
from points_ledger.domain.limit import MAX_BODY_BYTES, MAX_PROGRAM_VERSIONS
from points_ledger.domain.program import VersionPeriod
from points_ledger.runtime import services
from points_ledger.service import publishing
from points_ledger.service.ports import Save, VersionList
from tests.functions.deployed import NOW, PROGRAM_SAMPLE, Answer, Deployed, program, settled, sold
from tests.functions.gateway import ADMIN, NOBODY, PERSONS_ACCESS_TOKEN, STAFF

Json = dict[str, Any]

PUBLISH: Final = "POST /program/versions"
LIST: Final = "GET /program/versions"
SOON: Final = NOW + timedelta(minutes=2)
TOMORROW: Final = NOW + timedelta(days=1)


def publish(
    deployed: Deployed,
    document: object,
    effective_from: datetime | None = None,
    key: str | None = None,
) -> Answer:
    body: Json = {"program": document}
    if effective_from is not None:
        body["effective_from"] = format_instant(effective_from)
    return deployed.ask(PUBLISH, ADMIN, body=body, key=key)


def listed(deployed: Deployed, **query: str) -> Json:
    answer = deployed.ask(LIST, ADMIN, query=query)
    assert answer.status == 200, answer.body
    return answer.body


def in_force(deployed: Deployed) -> int:
    return int(deployed.ask("GET /program", NOBODY).body["version"])


# --- Publishing -----------------------------------------------------------------------------


def test_a_version_is_published_two_minutes_ahead_unless_it_says_when(deployed: Deployed) -> None:
    answer = publish(deployed, program(name="Second"))
    assert (answer.status, answer.body) == (
        201,
        {"version": 2, "effective_from": format_instant(SOON), "effective_until": None},
    )
    line = answer.printed.line()
    assert (line["message"], line["ids"]["program_version"]) == ("program_published", 2)


def test_the_time_it_begins_is_a_whole_second_and_never_too_soon(deployed: Deployed) -> None:
    deployed.clock.move(microseconds=1)
    answer = publish(deployed, program())
    assert answer.body["effective_from"] == format_instant(SOON + timedelta(seconds=1))


def test_a_version_is_in_force_from_its_time_on_and_not_before(deployed: Deployed) -> None:
    assert publish(deployed, program(name="Second"), TOMORROW).status == 201
    deployed.clock.move(hours=24, microseconds=-1)
    assert in_force(deployed) == 1
    deployed.clock.move(microseconds=1)
    assert in_force(deployed) == 2
    shown = deployed.ask("GET /program", NOBODY).body
    assert (shown["name"], shown["effective_from"]) == ("Second", format_instant(TOMORROW))


def test_earnings_stay_with_the_version_in_force_when_they_were_posted(deployed: Deployed) -> None:
    member_id = deployed.enrol("C-1")
    doubled = program()
    doubled["earning_rules"][1]["points"] = 2
    publish(deployed, doubled)
    deployed.clock.move(minutes=3)
    before, after = SOON - timedelta(seconds=1), SOON
    deployed.accrue(sold("10.00", id_="T-1", at=before), sold("10.00", id_="T-2", at=after))
    found = [
        (entry["program_version"], entry["pending"])
        for entry in deployed.entries(member_id)
        if entry["type"] == "accrual"
    ]
    assert found == [(1, 10), (2, 20)]
    # A refund or a payment later is still reckoned by the version of the sale.
    deployed.clock.move(days=3)
    deployed.mature(settled("T-1"), settled("T-2"))
    matured = [each for each in deployed.entries(member_id) if each["type"] == "maturation"]
    assert [(each["program_version"], each["available"]) for each in matured] == [(1, 10), (2, 20)]


def test_versions_are_listed_newest_first_with_their_documents(deployed: Deployed) -> None:
    second, third = program(name="Second"), program(name="Third")
    publish(deployed, second)
    deployed.clock.move(seconds=30)
    publish(deployed, third, TOMORROW)
    page = listed(deployed)
    assert page["cursor"] is None
    assert page["versions"][:2] == [
        {
            "version": 3,
            "effective_from": format_instant(TOMORROW),
            "effective_until": None,
            "published_at": format_instant(NOW + timedelta(seconds=30)),
            "published_by": "person:sub-ada",
            "program": third,
        },
        {
            "version": 2,
            "effective_from": format_instant(SOON),
            "effective_until": format_instant(TOMORROW),
            "published_at": format_instant(NOW),
            "published_by": "person:sub-ada",
            "program": second,
        },
    ]
    first = page["versions"][2]
    assert (first["version"], first["published_by"]) == (1, None)
    assert first["effective_until"] == format_instant(SOON)


def test_a_long_list_comes_in_pages(deployed: Deployed) -> None:
    for number in range(2, 6):
        publish(deployed, program(name=f"Version {number}"))
    numbers: list[list[int]] = []
    query: dict[str, str] = {"limit": "2"}
    for _ in range(3):
        page = listed(deployed, **query)
        numbers.append([each["version"] for each in page["versions"]])
        query["cursor"] = page["cursor"] or ""
    assert (numbers, query["cursor"]) == ([[5, 4], [3, 2], [1]], "")


def test_a_page_of_large_documents_is_shorter(
    deployed: Deployed, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(2, 5):
        publish(deployed, program(name=f"Version {number}"))
    monkeypatch.setattr(publishing, "MAX_PAGE_CHARACTERS", len(json.dumps(program())) * 2)
    first = listed(deployed)
    assert [each["version"] for each in first["versions"]] == [4, 3]
    rest = listed(deployed, cursor=first["cursor"])
    assert [each["version"] for each in rest["versions"]] == [2, 1]
    monkeypatch.setattr(publishing, "MAX_PAGE_CHARACTERS", 1)
    assert [each["version"] for each in listed(deployed)["versions"]] == [4]


@pytest.mark.parametrize(
    ("query", "field"),
    [({"limit": "101"}, "limit"), ({"limit": "0"}, "limit"), ({"cursor": "Mg=="}, "cursor")],
)
def test_a_list_is_asked_for_as_it_is(deployed: Deployed, query: Json, field: str) -> None:
    assert deployed.ask(LIST, ADMIN, query=query).fields == [field]


def test_what_begins_before_a_later_version_ends_with_it(deployed: Deployed) -> None:
    publish(deployed, program(name="Christmas"), TOMORROW)
    answer = publish(deployed, program(name="Autumn"))
    assert answer.body["effective_until"] == format_instant(TOMORROW)
    deployed.clock.move(hours=1)
    assert in_force(deployed) == 3
    deployed.clock.move(hours=23)
    assert in_force(deployed) == 2


def test_a_scheduled_version_is_replaced_by_one_at_the_same_instant(deployed: Deployed) -> None:
    publish(deployed, program(name="A mistake"), TOMORROW)
    publish(deployed, program(name="Put right"), TOMORROW)
    deployed.clock.move(hours=24)
    assert in_force(deployed) == 3
    mistake = listed(deployed)["versions"][1]
    assert mistake["effective_from"] == mistake["effective_until"]


def test_versions_never_change_afterwards(deployed: Deployed) -> None:
    publish(deployed, program(name="Second"))
    before = {key: item for key, item in deployed.stored().items() if "VERSION#" in key}
    publish(deployed, program(name="Third"))
    after = deployed.stored()
    assert {key: after[key] for key in before} == before


def test_the_same_program_may_be_published_in_another_time_zone(deployed: Deployed) -> None:
    assert publish(deployed, program(time_zone="Europe/Berlin")).status == 201


# --- Twice and at once ----------------------------------------------------------------------


def test_the_same_key_and_body_is_one_version(deployed: Deployed) -> None:
    first = publish(deployed, program(), key="publish-1")
    deployed.clock.move(minutes=30)
    again = publish(deployed, program(), key="publish-1")
    assert (again.status, again.body) == (first.status, first.body)
    assert again.headers["idempotency-replayed"] == "true"
    assert "idempotency-replayed" not in first.headers
    assert len(listed(deployed)["versions"]) == 2


def test_the_same_key_with_another_body_is_refused(deployed: Deployed) -> None:
    publish(deployed, program(), key="publish-1")
    answer = publish(deployed, program(name="Other"), key="publish-1")
    assert answer.refusal == (422, "idempotency_key_reused")


def test_without_a_key_each_request_is_a_version(deployed: Deployed) -> None:
    numbers = [publish(deployed, program()).body["version"] for _ in range(3)]
    assert numbers == [2, 3, 4]


def test_a_key_of_a_refused_document_stays_free(deployed: Deployed) -> None:
    assert publish(deployed, program(currency="EUR"), key="publish-1").status == 400
    assert publish(deployed, program(), key="publish-1").status == 201


def test_two_who_publish_at_once_get_two_numbers(
    deployed: Deployed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever commits second finds the list grown, and takes the next number."""
    monkeypatch.setattr("points_ledger.runtime.services.time.sleep", lambda _: None)
    clock, others = deployed.clock, iter([program(name="The other")])

    def meanwhile() -> datetime:
        # The command looks at the clock after it has read the list.
        for document in others:
            assert publish(deployed, document).body["version"] == 2
        return clock()

    usual = services.publishing()
    disturbed = iter([publishing.Publishing(path=usual.path, clock=meanwhile)])
    monkeypatch.setattr(services, "publishing", lambda: next(disturbed, usual))
    mine = deployed.ask(PUBLISH, ADMIN, body={"program": program(name="Mine")})
    assert mine.body["version"] == 3
    assert [each["program"]["name"] for each in listed(deployed)["versions"]][:2] == [
        "Mine",
        "The other",
    ]


def test_there_is_an_end_to_versions(deployed: Deployed) -> None:
    periods = tuple(
        VersionPeriod(version=number, effective_from=NOW)
        for number in range(1, MAX_PROGRAM_VERSIONS + 1)
    )
    deployed.commit(Save(item=VersionList(periods=periods), expected=1))
    before = deployed.stored()
    answer = publish(deployed, program())
    assert answer.refusal == (422, "limit_exceeded")
    assert answer.body["maximum"] == MAX_PROGRAM_VERSIONS
    assert deployed.stored() == before


# --- Bad input ------------------------------------------------------------------------------


def rule(**more: object) -> Json:
    return {"id": "new", "on": "purchase", "points": 1, **more}


def changed(**parts: object) -> Callable[[], Json]:
    return lambda: program(**parts)


def with_rule(**more: object) -> Callable[[], Json]:
    return lambda: program(earning_rules=[rule(**more)], campaigns=[])


def with_campaign(**more: object) -> Callable[[], Json]:
    campaign = {"id": "c", "from": "2027-01-01T00:00", "to": "2027-02-01T00:00", "multiplier": "2"}
    return lambda: program(campaigns=[{**campaign, **more}])


def with_challenge(**more: object) -> Callable[[], Json]:
    return lambda: program(challenges=[{"id": "five", "count": 5, "points": 50, **more}])


def with_streak(**more: object) -> Callable[[], Json]:
    streak = {"id": "weekly", "every": "week", "length": 4, "points": 30}
    return lambda: program(streaks=[{**streak, **more}])


def with_board(**more: object) -> Callable[[], Json]:
    return lambda: program(leaderboards=[{"id": "top", "per": "month", **more}])


def with_membership(**more: object) -> Callable[[], Json]:
    return lambda: program(memberships=[{"id": "club", "tier": "gold", "lasts": "P1Y", **more}])


def with_benefit(**more: object) -> Callable[[], Json]:
    return lambda: program(benefits=[{"id": "ten", "description": "10% off", **more}])


BAD: Final[dict[str, tuple[Callable[[], Json], list[str]]]] = {
    "overlapping ids of rules": (
        lambda: program(earning_rules=[rule(), rule()]),
        ["earning_rules.1.id"],
    ),
    "a rule and a campaign of one id": (with_campaign(id="retail"), ["campaigns.0.id"]),
    "a campaign and a challenge of one id": (
        with_challenge(id="black-friday"),
        ["challenges.0.id"],
    ),
    "a rule and a membership of one id": (with_membership(id="signup"), ["memberships.0.id"]),
    "a rule and a benefit of one id": (with_benefit(id="signup"), ["benefits.0.id"]),
    "two tiers of one id": (
        changed(tiers=[{"id": "silver", "points": 1}, {"id": "silver", "points": 2}]),
        ["tiers.1.id"],
    ),
    "an unknown field of the program": (changed(colour="red"), ["colour"]),
    "an unknown field of a rule": (with_rule(per_cent=5), ["earning_rules.0.per_cent"]),
    "an unknown field of a match": (
        with_rule(match={"category": ["retail"]}),
        ["earning_rules.0.match.category"],
    ),
    "an unknown field of a challenge": (with_challenge(price=5), ["challenges.0.price"]),
    "negative points": (with_rule(points=-1), ["earning_rules.0.points"]),
    "no points at all": (with_rule(points=0), ["earning_rules.0.points"]),
    "points beyond measure": (with_rule(points=10**12), ["earning_rules.0.points"]),
    "a negative amount": (with_rule(per_amount="-1.00"), ["earning_rules.0.per_amount"]),
    "an amount of zero": (with_rule(per_amount="0.00"), ["earning_rules.0.per_amount"]),
    "an amount beyond measure": (
        with_rule(per_amount="1000000000.00"),
        ["earning_rules.0.per_amount"],
    ),
    "an amount finer than the currency": (
        with_rule(per_amount="1.001"),
        ["earning_rules.0.per_amount"],
    ),
    "an amount as a float": (with_rule(per_amount=1.5), ["earning_rules.0.per_amount"]),
    "points as text": (with_rule(points="5"), ["earning_rules.0.points"]),
    "true as a number": (with_rule(points=True), ["earning_rules.0.points"]),
    "pieces below zero": (with_rule(per_quantity="-2"), ["earning_rules.0.per_quantity"]),
    "a limit of zero times": (
        with_rule(limit={"times": 0, "per": "day"}),
        ["earning_rules.0.limit.times"],
    ),
    "a multiplier of 0": (with_campaign(multiplier="0"), ["campaigns.0.multiplier"]),
    "a multiplier of 1e9": (with_campaign(multiplier="1000000000"), ["campaigns.0.multiplier"]),
    "a multiplier of 1e9 as a float": (with_campaign(multiplier=1e9), ["campaigns.0.multiplier"]),
    "a multiplier of 1e9 as text": (with_campaign(multiplier="1e9"), ["campaigns.0.multiplier"]),
    "a tier that divides": (
        changed(tiers=[{"id": "silver", "points": 1, "multiplier": "0.5"}]),
        ["tiers.0.multiplier"],
    ),
    "a tier with a multiplier of 1e9": (
        changed(tiers=[{"id": "silver", "points": 1, "multiplier": 1_000_000_000}]),
        ["tiers.0.multiplier"],
    ),
    "a campaign that ends before it begins": (
        with_campaign(to="2026-12-31T00:00"),
        ["campaigns.0.to"],
    ),
    "a campaign that ends as it begins": (
        with_campaign(to="2027-01-01T00:00"),
        ["campaigns.0.to"],
    ),
    "a campaign at a time with an offset": (
        with_campaign(**{"from": "2027-01-01T00:00Z"}),
        ["campaigns.0.from"],
    ),
    "a budget of nothing": (with_campaign(budget_points=0), ["campaigns.0.budget_points"]),
    "a budget below zero": (with_campaign(budget_points=-5), ["campaigns.0.budget_points"]),
    "a cap below zero": (with_campaign(member_cap_points=-5), ["campaigns.0.member_cap_points"]),
    "tiers out of order": (
        changed(tiers=[{"id": "gold", "points": 5000}, {"id": "silver", "points": 1000}]),
        ["tiers.1.points"],
    ),
    "tiers of the same points": (
        changed(tiers=[{"id": "silver", "points": 9}, {"id": "gold", "points": 9}]),
        ["tiers.1.points"],
    ),
    "a rule for a tier that there is not": (
        with_rule(match={"tiers": ["platinum"]}),
        ["earning_rules.0.match.tiers.0"],
    ),
    "a window of no months": (changed(tier_window={"months": 0}), ["tier_window.months"]),
    "a window of an unknown kind": (changed(tier_window={"kind": "weekly"}), ["tier_window.kind"]),
    "grace below zero": (changed(tier_window={"grace_days": -1}), ["tier_window.grace_days"]),
    "an unknown downgrade": (
        changed(tier_window={"downgrade": "never"}),
        ["tier_window.downgrade"],
    ),
    "a challenge of nothing": (with_challenge(count=0), ["challenges.0.count"]),
    "a challenge without a prize": (with_challenge(points=0), ["challenges.0.points"]),
    "a challenge with one end": (
        with_challenge(**{"from": "2027-01-01T00:00"}),
        ["challenges.0.to"],
    ),
    "a challenge that ends before it begins": (
        with_challenge(**{"from": "2027-02-01T00:00", "to": "2027-01-01T00:00"}),
        ["challenges.0.to"],
    ),
    "a challenge with a window and a period": (
        with_challenge(**{"from": "2027-01-01T00:00", "to": "2027-02-01T00:00", "per": "day"}),
        ["challenges.0.per"],
    ),
    "a challenge on actions without one": (with_challenge(on="action"), ["challenges.0.action"]),
    "a challenge on purchases with an action": (
        with_challenge(action="review"),
        ["challenges.0.action"],
    ),
    "a challenge on actions with lines": (
        with_challenge(on="action", action="review", match={"items": ["A"]}),
        ["challenges.0.match.items"],
    ),
    "a challenge on the ledger's own action": (
        with_challenge(on="action", action="challenge:other"),
        ["challenges.0.action"],
    ),
    "a challenge for a tier that there is not": (
        with_challenge(match={"tiers": ["platinum"]}),
        ["challenges.0.match.tiers.0"],
    ),
    "a streak of one": (with_streak(length=1), ["streaks.0.length"]),
    "a streak beyond measure": (with_streak(length=53), ["streaks.0.length"]),
    "a streak of hours": (with_streak(every="hour"), ["streaks.0.every"]),
    "a board of days": (with_board(per="day"), ["leaderboards.0.per"]),
    "a board with one rank twice": (
        with_board(prizes=[{"rank": 1, "points": 5}, {"rank": 1, "points": 9}]),
        ["leaderboards.0.prizes.1.rank"],
    ),
    "a board with rank zero": (
        with_board(prizes=[{"rank": 0, "points": 5}]),
        ["leaderboards.0.prizes.0.rank"],
    ),
    "a board with a prize below zero": (
        with_board(prizes=[{"rank": 1, "points": -5}]),
        ["leaderboards.0.prizes.0.points"],
    ),
    "a board that freezes years later": (
        with_board(freeze_after="P2Y"),
        ["leaderboards.0.freeze_after"],
    ),
    "a membership of no tier": (with_membership(tier="platinum"), ["memberships.0.tier"]),
    "a membership of no time": (with_membership(lasts="P0D"), ["memberships.0.lasts"]),
    "a membership of hours": (with_membership(lasts="PT5H"), ["memberships.0.lasts"]),
    "two memberships of one item": (
        lambda: program(
            memberships=[
                {"id": "a", "tier": "silver", "lasts": "P1Y", "items": ["CARD"]},
                {"id": "b", "tier": "gold", "lasts": "P1Y", "items": ["CARD"]},
            ]
        ),
        ["memberships.1.items.0"],
    ),
    "a discount of nothing": (with_benefit(discount_percent="0"), ["benefits.0.discount_percent"]),
    "a discount of more than all": (
        with_benefit(discount_percent="101"),
        ["benefits.0.discount_percent"],
    ),
    "a discount below zero": (with_benefit(discount_percent=-5), ["benefits.0.discount_percent"]),
    "a benefit of a tier that there is not": (
        with_benefit(tiers=["platinum"]),
        ["benefits.0.tiers.0"],
    ),
    "release on purchases": (
        with_rule(release="linked_purchase"),
        ["earning_rules.0.release"],
    ),
    "a currency that there is not": (changed(currency="DOLLARS"), ["currency"]),
    "another currency than the ledger's": (changed(currency="EUR"), ["currency"]),
    "a time zone that there is not": (changed(time_zone="Mars/Olympus"), ["time_zone"]),
    "expiry without a period": (
        changed(expiry={"kind": "period", "after": None}),
        ["expiry.after"],
    ),
    "a point that is worth nothing": (
        changed(point_value={"points": 100, "amount": "0.00"}),
        ["point_value.amount"],
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_document_is_refused_with_paths_and_changes_nothing(
    case: str, deployed: Deployed
) -> None:
    make, paths = BAD[case]
    before, shown = deployed.stored(), deployed.ask("GET /program", NOBODY).body
    answer = publish(deployed, make())
    assert answer.fields == [f"program.{path}" for path in paths]
    assert all(error["message"] for error in answer.body["errors"])
    assert deployed.stored() == before
    assert deployed.ask("GET /program", NOBODY).body == shown


def test_every_error_of_a_document_is_named_at_once(deployed: Deployed) -> None:
    document = program(
        currency="DOLLARS",
        earning_rules=[rule(points=0), rule(per_amount="-1")],
        tiers=[{"id": "gold", "points": 5}, {"id": "silver", "points": 4}],
        campaigns=[{"id": "c", "from": "2027-02-01T00:00", "to": "2027-01-01T00:00"}],
    )
    answer = deployed.ask(
        PUBLISH, ADMIN, body={"program": document, "effective_from": "soon", "colour": "red"}
    )
    assert set(answer.fields) == {
        "effective_from",
        "colour",
        "program.currency",
        "program.earning_rules.0.points",
        "program.earning_rules.1.id",
        "program.earning_rules.1.per_amount",
        "program.tiers.1.points",
        "program.campaigns.0.to",
        "program.campaigns.0",
    }


@pytest.mark.parametrize(
    "effective_from",
    [
        NOW - timedelta(days=365),
        NOW - timedelta(seconds=1),
        NOW,
        NOW + timedelta(minutes=1),
        NOW + timedelta(seconds=110),
        NOW + timedelta(days=40_000),
    ],
)
def test_a_version_begins_neither_in_the_past_nor_too_soon(
    effective_from: datetime, deployed: Deployed
) -> None:
    before = deployed.stored()
    assert publish(deployed, program(), effective_from).fields == ["effective_from"]
    assert deployed.stored() == before


def test_two_minutes_are_reckoned_from_when_the_request_was_sent(deployed: Deployed) -> None:
    asked = deployed.clock.now + timedelta(minutes=2)
    deployed.clock.move(seconds=4)
    answer = publish(deployed, program(), asked)
    assert (answer.status, answer.body["effective_from"]) == (201, format_instant(asked))


def test_currency_and_time_are_refused_together(deployed: Deployed) -> None:
    answer = publish(deployed, program(currency="EUR"), NOW)
    assert answer.fields == ["program.currency", "effective_from"]


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({}, ["program"]),
        ([], ["body"]),
        ("text", ["body"]),
        ({"program": None}, ["program"]),
        ({"program": []}, ["program"]),
        ({"program": {}}, None),
        ({"program": {}, "effective_from": 5}, None),
        ({"program": {}, "effective_from": "2027-01-01T00:00:00"}, None),
    ],
)
def test_a_body_that_is_no_publication_is_refused(
    body: object, fields: list[str] | None, deployed: Deployed
) -> None:
    answer = deployed.ask(PUBLISH, ADMIN, body=body)
    found = answer.fields
    required = {"name", "currency", "time_zone", "point_value", "earning_rules"}
    if fields is None:
        assert {f"program.{name}" for name in required} <= set(found)
        sent = isinstance(body, dict) and "effective_from" in body
        assert ("effective_from" in found) == sent
    else:
        assert found == fields


def test_a_body_that_is_too_large_is_refused(deployed: Deployed) -> None:
    document = program(name="x" * MAX_BODY_BYTES)
    before = deployed.stored()
    assert publish(deployed, document).refusal == (413, "payload_too_large")
    assert deployed.stored() == before


def test_a_body_that_is_too_deep_is_refused(deployed: Deployed) -> None:
    deep: object = 1
    for _ in range(100):
        deep = [deep]
    before = deployed.stored()
    assert publish(deployed, program(item_categories=deep)).fields == ["body"]
    assert deployed.stored() == before


def test_a_body_of_very_many_mistakes_is_answered_shortly(deployed: Deployed) -> None:
    document = program(item_categories={f"item {number}": 5 for number in range(6_000)})
    answer = publish(deployed, document)
    assert answer.status == 400
    assert len(answer.body["errors"]) <= 201


@pytest.mark.parametrize("route", [PUBLISH, LIST])
def test_only_admins_publish_and_list(route: str, deployed: Deployed) -> None:
    before = deployed.stored()
    for caller, status in ((STAFF, 403), (PERSONS_ACCESS_TOKEN, 401), (NOBODY, 401)):
        # Not even what is wrong with it is said.
        assert deployed.ask(route, caller, body={"program": "?"}).status == status
    assert deployed.stored() == before


def test_nothing_is_published_into_an_empty_stack(deploy: Callable[[None], Deployed]) -> None:
    assert publish(deploy(None), program()).refusal == (500, "ledger_inconsistent")


# --- The schema -----------------------------------------------------------------------------


def test_the_schema_is_for_everyone(deployed: Deployed) -> None:
    answer = deployed.ask("GET /program/schema", NOBODY)
    assert answer.status == 200
    schema = copy.deepcopy(answer.body)
    sample = json.loads(PROGRAM_SAMPLE.read_text(encoding="utf-8"))
    assert sample.keys() <= schema["properties"].keys()
    assert schema["additionalProperties"] is False
