"""Who may do what: every endpoint for every kind of caller."""

import base64
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import httpx
import pytest

from tests.authorization.calls import CALLS, Call
from tests.authorization.table import CALLERS, CODES, EXPECTED
from tests.stack.client import StackClient, problem, unique

Json = dict[str, Any]

pytestmark = pytest.mark.stack

FORBIDDEN = (403, "forbidden")
PARAMETERS = {name for route in EXPECTED for name in re.findall(r"\{([^}]+)\}", route)}


@dataclass(kw_only=True)
class People:
    """Two members with sign-ins, and a colleague who sets the stage."""

    ledger: StackClient
    member_id: str
    other_id: str
    friend_id: str
    tokens: dict[str, str | None]
    colleague_token: str

    def ask(self, route: str, call: Call, token: str | None) -> httpx.Response:
        method, _, path = route.partition(" ")
        headers = {"Idempotency-Key": unique("key")}
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        return self.ledger.http.request(
            method,
            path.format(**call.path),
            params=dict(call.query) or None,
            json=call.body,
            headers=headers,
        )

    def colleague(self, route: str, call: Call) -> Json:
        answer = self.ask(route, call, self.colleague_token)
        assert answer.status_code in (200, 201, 202), answer.text
        body: Json = answer.json()
        return body

    def enrol(self) -> str:
        return self.ledger.enrol("Somebody")

    @property
    def member_token(self) -> str:
        return str(self.tokens["self"])

    @property
    def other_token(self) -> str:
        return str(self.tokens["other"])


@pytest.fixture(scope="module")
def people(ledger: StackClient) -> People:
    organisation = unique("firm")
    customer_id = unique("customer")
    member_id = ledger.enrol(
        "Somebody",
        organisation=organisation,
        external_ids=[{"source": "pos", "id": customer_id}],
    )
    friend_id = ledger.enrol("A friend", organisation=organisation)
    other_id = ledger.enrol("Somebody else")
    ledger.make_rich(member_id, customer_id, 90_000)
    return People(
        ledger=ledger,
        member_id=member_id,
        other_id=other_id,
        friend_id=friend_id,
        colleague_token=ledger.sign_up_colleague("admin"),
        tokens={
            "no token": None,
            "expired token": ledger.expired_token(),
            "other pool": ledger.token_of_another_pool(),
            "self": ledger.sign_up(member_id),
            "other": ledger.sign_up(other_id),
            "staff": ledger.staff_token,
            "admin": ledger.admin_token,
            "till": ledger.till_token,
        },
    )


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
