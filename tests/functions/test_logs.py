"""What the functions write down: one line per outcome, and nobody's name in any of them.

`Deployed` holds every invocation of every test here to it; these tests show that it would notice.
"""

import json
from collections.abc import Callable
from typing import Any

import pytest

from points_ledger.runtime import observability
from points_ledger.runtime.observability import Outcome
from tests.functions import records
from tests.functions.deployed import EMAIL, NAME, PERSONAL, PHONE, Deployed, named_in, sold
from tests.functions.gateway import NOBODY, OTHER_MEMBER

Json = dict[str, Any]
MAX_LINE_CHARACTERS = 4_000


def printed_by(deployed: Deployed, *calls: Callable[[], object]) -> str:
    texts: list[str] = []
    for call in calls:
        call()
        texts.append(deployed.printed.text)
    return "".join(texts)


def test_each_name_email_and_phone_of_these_tests_would_be_found() -> None:
    for text in (NAME, EMAIL, PHONE):
        assert named_in(text)


@pytest.mark.parametrize("text", [NAME, EMAIL, PHONE])
def test_a_line_that_names_somebody_fails_the_test_that_caused_it(
    text: str, deployed: Deployed, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = observability.log

    def tell(_: Outcome) -> None:
        log(Outcome(name="told", ids={"name": text}))

    monkeypatch.setattr(observability, "log", tell)
    with pytest.raises(AssertionError):
        deployed.ask("GET /health", NOBODY)


def test_what_is_told_about_people_is_in_no_line(deployed: Deployed) -> None:
    person = {"name": NAME, "email": EMAIL, "phone": PHONE, "birthday": "1984-02-29"}
    text = printed_by(
        deployed,
        lambda: deployed.ask("POST /members", body=person, key="k"),
        lambda: deployed.ask("POST /members", body={**person, "tags": ["x"]}, key="k"),
        lambda: deployed.ask("POST /members", body={**person, NAME: EMAIL}, key="other"),
        lambda: deployed.ask("POST /members", OTHER_MEMBER, body=person, key="k"),
        lambda: deployed.ask("POST /members", body=json.dumps(person)[:-1], key="k"),
        lambda: deployed.accrue(sold()),
        lambda: deployed.accrue(sold(), NAME, json.dumps({"type": NAME}), EMAIL),
        lambda: deployed.ask("GET /members", query={"external_id": EMAIL}),
    )
    assert named_in(text, (*PERSONAL, "1984")) == []


def test_an_email_in_the_place_of_an_id_is_in_no_line(deployed: Deployed) -> None:
    answer = deployed.ask("GET /members/{member_id}", path={"member_id": EMAIL})
    assert answer.status == 404


def test_an_unexpected_error_does_not_quote_what_was_sent(
    deployed: Deployed, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError(f"{NAME} {EMAIL}")

    monkeypatch.setattr("functions.members.app.read", fail)
    answer = deployed.ask("POST /members", body={"name": NAME}, key="k")
    assert (answer.status, answer.printed.line()["message"]) == (500, "failed")
    assert NAME not in json.dumps(answer.body)


@pytest.mark.parametrize("status", [200, 201, 400, 401, 403, 404, 422])
def test_each_request_is_one_line_with_its_route_and_status(
    status: int, deployed: Deployed
) -> None:
    member_id = deployed.enrol()
    spend: Json = {"member_id": member_id, "points": 1}
    answers = {
        200: lambda: deployed.ask("GET /health", NOBODY),
        201: lambda: deployed.ask("POST /members", body={"name": NAME}, key="k"),
        400: lambda: deployed.ask("POST /redemptions", body={}, key="k"),
        401: lambda: deployed.ask("POST /redemptions", NOBODY, body=spend, key="k"),
        403: lambda: deployed.ask("POST /redemptions", OTHER_MEMBER, body=spend, key="k"),
        404: lambda: deployed.ask("GET /members/{member_id}", path={"member_id": "mbr_none"}),
        422: lambda: deployed.ask("POST /redemptions", body=spend, key="k"),
    }
    answer = answers[status]()
    line = answer.printed.line()
    assert (answer.status, line["ids"]["status"]) == (status, status)
    assert line["ids"]["route"].split(" ")[0] in ("GET", "POST")
    assert line["correlation_id"] == "request-1"
    assert line.get("code") == answer.body.get("code")


@pytest.mark.parametrize("function", ["accrual", "maturation"])
def test_each_message_is_one_line_and_one_count(function: str, deployed: Deployed) -> None:
    deployed.take(function, sold(), sold(), "[]")
    assert deployed.printed.messages == ["posted", "duplicate", "refused"]
    [metric] = deployed.printed.metrics
    assert {name: metric[name] for name in ("posted", "duplicate", "refused")} == {
        "posted": [1.0],
        "duplicate": [1.0],
        "refused": [1.0],
    }


def test_lines_of_a_batch_are_told_apart_by_their_correlation_ids(deployed: Deployed) -> None:
    given = [
        records.message(sold(id_=f"T-{n}"), f"m-{n}", correlation_id=f"request-{n}")
        for n in range(3)
    ]
    deployed.invoke("accrual", records.batch(*given))
    found = [line["correlation_id"] for line in deployed.printed.lines]
    assert found == ["request-0", "request-1", "request-2"]


def test_nothing_that_is_sent_makes_a_line_long_or_begins_one(deployed: Deployed) -> None:
    long = "x" * 100_000
    deployed.ask("GET /members/{member_id}", path={"member_id": f"a\n{{}}\n{long}"})
    deployed.invoke("accrual", records.batch(records.message(long, "m", correlation_id=long)))
    for line in deployed.printed.text.splitlines():
        assert len(line) < MAX_LINE_CHARACTERS
        assert isinstance(json.loads(line), dict)
