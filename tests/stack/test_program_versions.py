"""Publishing over HTTP: what is published is listed, takes effect later, and pins earnings."""

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.stack.client import StackClient, in_parallel, now, problem, unique
from tests.stack.published import EXTRA_POINTS, Published, newest, planned, publish, versions
from tests.stack.standard import Purchase, written

pytestmark = pytest.mark.stack

Json = dict[str, Any]

ROOT = Path(__file__).parents[2]


def fields(answer: httpx.Response) -> list[str]:
    assert problem(answer) == (400, "invalid_request"), answer.text
    return [error["field"] for error in answer.json()["errors"]]


def test_a_version_takes_effect_two_minutes_later_and_pins_what_is_posted(
    ledger: StackClient, published: Published
) -> None:
    number, before = published.version, published.version_before
    assert number > before
    assert published.answer.status_code == 201
    assert published.answer.json()["effective_from"] == published.effective_from
    assert published.version_after_publishing == before
    listed = next(each for each in versions(ledger) if each["version"] == number)
    assert listed["program"] == published.document
    assert listed["published_by"].startswith("person:")
    assert datetime.fromisoformat(listed["published_at"]) >= published.asked - timedelta(seconds=5)

    shown = published.wait(ledger)
    assert shown["version"] == number
    assert shown["effective_from"] == published.effective_from
    assert any(rule["id"] == published.rule for rule in shown["rules"])

    first_id, first_customer = ledger.customer()
    bought_before = Purchase(customer_id=first_customer, amount="50.00", posted_at=published.asked)
    ledger.deliver(bought_before.posted(lines=lines(published.item, "50.00")))
    ledger.wait_for_amounts(first_id, pending=3)
    second_id, second_customer = ledger.customer()
    bought_after = Purchase(customer_id=second_customer, amount="50.00", posted_at=now())
    ledger.deliver(bought_after.posted(lines=lines(published.item, "50.00")))
    ledger.wait_for_amounts(second_id, pending=3 + EXTRA_POINTS)
    assert pinned(ledger, first_id, bought_before) == before
    assert pinned(ledger, second_id, bought_after) == number

    # What becomes known of the earlier purchase now is still reckoned by its own version.
    adjusted = bought_before.posted(
        lines=lines(published.item, "100.00"), total="100.00", updated_at=written(now())
    )
    ledger.deliver(adjusted)
    ledger.wait_for_amounts(first_id, pending=6)
    assert pinned(ledger, first_id, bought_before) == before


def lines(item: str, amount: str) -> list[Json]:
    return [{"id": "1", "item": item, "category": "original", "amount": amount}]


def pinned(ledger: StackClient, member_id: str, purchase: Purchase) -> int:
    """The version of everything that was posted for a purchase."""
    [number] = {
        entry["program_version"]
        for entry in ledger.entries(member_id)
        if entry["source"] and entry["source"]["id"] == purchase.id
    }
    return int(number)


def test_two_admins_at_once_get_two_versions(ledger: StackClient) -> None:
    names = [unique("program") for _ in range(4)]
    document = planned(ledger)
    answers = in_parallel(
        [lambda name=name: publish(ledger, document | {"name": name}) for name in names]  # type: ignore[misc]
    )
    assert [answer.status_code for answer in answers] == [201] * len(names), answers
    numbers = [answer.json()["version"] for answer in answers]
    assert len(set(numbers)) == len(names)
    listed = {each["version"]: each["program"]["name"] for each in versions(ledger)}
    assert [listed[number] for number in numbers] == names
    assert sorted(listed) == list(range(1, len(listed) + 1))


def test_the_same_request_is_one_version(ledger: StackClient) -> None:
    document, key = planned(ledger), unique("key")
    first, again = publish(ledger, document, key=key), publish(ledger, document, key=key)
    assert (again.status_code, again.json()) == (201, first.json())
    assert again.headers["idempotency-replayed"] == "true"
    other = publish(ledger, document | {"name": "Other"}, key=key)
    assert problem(other) == (422, "idempotency_key_reused")


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"currency": "EUR"}, "program.currency"),
        ({"colour": "red"}, "program.colour"),
        ({"campaigns": [{"id": "c", "multiplier": "0"}]}, "program.campaigns.0.multiplier"),
        ({"tiers": [{"id": "a", "points": 9}, {"id": "b", "points": 3}]}, "program.tiers.1.points"),
        ({"streaks": [{"id": "s", "every": "week", "length": -1}]}, "program.streaks.0.length"),
        (
            {
                "campaigns": [
                    {
                        "id": "c",
                        "from": "2027-02-01T00:00",
                        "to": "2027-01-01T00:00",
                        "points": 5,
                    }
                ]
            },
            "program.campaigns.0.to",
        ),
    ],
)
def test_a_bad_document_is_refused_and_leaves_the_running_version(
    ledger: StackClient, changes: Json, path: str
) -> None:
    before, listed = ledger.program(), newest(ledger)
    assert path in fields(publish(ledger, planned(ledger) | changes))
    assert (ledger.program(), newest(ledger)) == (before, listed)


def test_nothing_is_published_into_the_past(ledger: StackClient) -> None:
    document = planned(ledger)
    for ahead in (timedelta(days=-1), timedelta(0), timedelta(minutes=1)):
        answer = publish(ledger, document, written(now() + ahead))
        assert fields(answer) == ["effective_from"]


def test_a_body_that_is_too_large_or_too_deep_is_refused(ledger: StackClient) -> None:
    document = planned(ledger)
    large = publish(ledger, document | {"name": "x" * 300_000})
    assert large.status_code == 413
    deep: object = 1
    for _ in range(60):
        deep = [deep]
    assert fields(publish(ledger, document | {"item_categories": deep})) == ["body"]


def test_the_schema_is_the_one_in_the_documentation(ledger: StackClient) -> None:
    answer = ledger.get("/program/schema")
    assert answer.status_code == 200
    assert answer.json() == json.loads((ROOT / "docs" / "program.schema.json").read_text())


@pytest.mark.parametrize("name", ["salon", "law_support", "online_shop"])
def test_the_example_programs_can_be_published(ledger: StackClient, name: str) -> None:
    document = json.loads((ROOT / "events" / "programs" / f"{name}.json").read_text())
    answer = publish(ledger, document)
    assert answer.status_code == 201, answer.text
    assert newest(ledger)["program"] == document
