"""Who may do what: every endpoint for every kind of caller."""

import base64
import json
import re
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from tests.authorization.calls import CALLS, Call
from tests.authorization.table import CALLERS, CODES, EXPECTED
from tests.stack.client import StackClient, problem
from tests.stack.people import People, people_of

Json = dict[str, Any]

pytestmark = pytest.mark.stack

FORBIDDEN = (403, "forbidden")
PARAMETERS = {name for route in EXPECTED for name in re.findall(r"\{([^}]+)\}", route)}


@pytest.fixture(scope="module")
def people(ledger: StackClient) -> People:
    found = people_of(ledger)
    found.tokens |= {
        "expired token": ledger.expired_token(),
        "other pool": ledger.token_of_another_pool(),
    }
    return found


@pytest.mark.parametrize("route", EXPECTED)
def test_who_may_call(people: People, route: str) -> None:
    answers = {
        caller: people.ask(route, CALLS[route](people), people.tokens[caller]) for caller in CALLERS
    }

    statuses = {caller: answer.status_code for caller, answer in answers.items()}
    assert statuses == EXPECTED[route], {c: a.text[:200] for c, a in answers.items()}
    for answer in answers.values():
        if answer.status_code in (403, 404):
            assert problem(answer) == (answer.status_code, CODES[answer.status_code])


def without_signature(token: str) -> str:
    header, claims, _ = token.split(".")
    return f"{header}.{claims}."


def with_another_signature(token: str) -> str:
    header, claims, signature = token.split(".")
    return f"{header}.{claims}.{signature[:-8]}{signature[-8:].swapcase()}"


def as_admin(token: str) -> str:
    """The same signature under claims that say more."""
    header, claims, signature = token.split(".")
    padded = claims + "=" * (-len(claims) % 4)
    said = json.loads(base64.urlsafe_b64decode(padded)) | {"cognito:groups": ["admin"]}
    more = base64.urlsafe_b64encode(json.dumps(said).encode()).decode().rstrip("=")
    return f"{header}.{more}.{signature}"


def signed_with_nothing(token: str) -> str:
    none = base64.urlsafe_b64encode(b'{"alg":"none","typ":"JWT"}').decode().rstrip("=")
    return f"{none}.{token.split('.')[1]}."


TAMPERED: dict[str, Callable[[str], str | None]] = {
    "none": lambda _: None,
    "no token": lambda _: "abc",
    "without signature": without_signature,
    "with another signature": with_another_signature,
    "with more groups": as_admin,
    "signed with nothing": signed_with_nothing,
}


@pytest.mark.parametrize(
    "route", [route for route, row in EXPECTED.items() if row["no token"] == 401]
)
def test_nobody_without_a_valid_token(people: People, route: str) -> None:
    call = Call(path=dict.fromkeys(PARAMETERS, "x"), body={})

    answers = {
        name: people.ask(route, call, tamper(people.member_token)).status_code
        for name, tamper in TAMPERED.items()
    }

    assert answers == dict.fromkeys(TAMPERED, 401)


def test_the_access_token_of_a_person_is_refused(people: People) -> None:
    ledger = people.ledger
    staff = ledger.stack["users"]["staff"]
    signed_in = ledger.identities.initiate_auth(
        ClientId=ledger.stack["client_id"],
        AuthFlow="USER_PASSWORD_AUTH",
        AuthParameters={"USERNAME": staff["username"], "PASSWORD": staff["password"]},
    )

    answer = ledger.get(
        f"/members/{people.member_id}", token=signed_in["AuthenticationResult"]["AccessToken"]
    )

    assert answer.status_code == 401


def test_me_is_the_member_of_the_token(people: People) -> None:
    ledger = people.ledger
    for what in ("", "/balance", "/pending", "/entries"):
        by_id = ledger.get(f"/members/{people.member_id}{what}", token=people.member_token)
        by_me = ledger.get(f"/members/me{what}", token=people.member_token)
        assert by_me.status_code == 200
        assert by_me.json().keys() == by_id.json().keys()
    assert ledger.balance("me", token=people.member_token)["member_id"] == people.member_id
    assert ledger.balance("me", token=people.other_token)["member_id"] == people.other_id


def test_me_is_nobody_for_those_who_are_no_member(people: People) -> None:
    ledger = people.ledger
    for token in (ledger.staff_token, ledger.till_token):
        assert problem(ledger.get("/members/me/balance", token=token)) == FORBIDDEN


def test_a_member_redeems_for_itself_only(people: People) -> None:
    redeem = partial(people.ledger.redeem, token=people.other_token, points=500)
    assert problem(redeem(people.member_id)) == FORBIDDEN
    assert problem(redeem("me")) == (422, "insufficient_points")


def test_a_member_learns_nothing_about_who_exists(people: People) -> None:
    ledger = people.ledger
    existing = ledger.get(f"/members/{people.member_id}/balance", token=people.other_token)
    unknown = ledger.get("/members/mbr_aaaaaaaaaaaaaaaa/balance", token=people.other_token)

    assert existing.json() == unknown.json()


def test_the_till_is_named_in_what_it_posts(people: People) -> None:
    ledger = people.ledger
    member_id = ledger.rich_member(600)
    ledger.redeem(member_id, points=600, token=ledger.till_token)

    actor = ledger.entries(member_id)[-1]["actor"]

    assert actor == f"till:{ledger.stack['till']['client_id']}"
