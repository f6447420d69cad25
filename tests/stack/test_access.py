"""Who may do what: every endpoint for every kind of caller."""

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import httpx
import pytest

from tests.stack.client import StackClient, problem, unique

pytestmark = pytest.mark.stack

FORBIDDEN = (403, "forbidden")
UNSPENT = 422  # allowed, and then refused for want of points


@dataclass(frozen=True, kw_only=True)
class People:
    """Two members with sign-ins, and what one of them redeemed."""

    ledger: StackClient
    member_id: str
    other_id: str
    member_token: str
    other_token: str
    redemption_id: str


@pytest.fixture(scope="module")
def people(ledger: StackClient) -> People:
    member_id, other_id = ledger.rich_member(600), ledger.enrol("Somebody else")
    redeemed = ledger.redeem(member_id, points=600)
    return People(
        ledger=ledger,
        member_id=member_id,
        other_id=other_id,
        member_token=ledger.sign_up(member_id),
        other_token=ledger.sign_up(other_id),
        redemption_id=redeemed.json()["redemption_id"],
    )


Call = Callable[[People, str | None], httpx.Response]


def reading(path: str) -> Call:
    def call(people: People, token: str | None) -> httpx.Response:
        filled = path.format(member=people.member_id, redemption=people.redemption_id)
        return people.ledger.get(filled, token=token)

    return call


def enrolling(people: People, token: str | None) -> httpx.Response:
    return people.ledger.post("/members", {"name": "Somebody"}, token=token, key=unique("key"))


def quoting(people: People, token: str | None) -> httpx.Response:
    return people.ledger.post("/redemptions/quote", {"member_id": people.member_id}, token=token)


def redeeming(people: People, token: str | None) -> httpx.Response:
    body = {"member_id": people.member_id, "points": 500}
    return people.ledger.post("/redemptions", body, token=token, key=unique("key"))


# Of each endpoint: the status for the member it is about, another member, staff, admin, a till.
ENDPOINTS: dict[str, tuple[Call, tuple[int, int, int, int, int]]] = {
    "POST /members": (enrolling, (403, 403, 201, 201, 201)),
    "GET /members?external_id": (
        reading("/members?external_id=pos:nobody"),
        (403, 403, 200, 200, 200),
    ),
    "GET /members/{id}": (reading("/members/{member}"), (200, 403, 200, 200, 403)),
    "GET /members/{id}/balance": (reading("/members/{member}/balance"), (200, 403, 200, 200, 200)),
    "GET /members/{id}/pending": (reading("/members/{member}/pending"), (200, 403, 200, 200, 403)),
    "GET /members/{id}/entries": (reading("/members/{member}/entries"), (200, 403, 200, 200, 403)),
    "POST /redemptions/quote": (quoting, (200, 403, 200, 200, 200)),
    "POST /redemptions": (redeeming, (UNSPENT, 403, UNSPENT, UNSPENT, UNSPENT)),
    # To a stranger it does not exist.
    "GET /redemptions/{id}": (reading("/redemptions/{redemption}"), (200, 404, 200, 200, 200)),
}


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_who_may_call(people: People, endpoint: str) -> None:
    call, expected = ENDPOINTS[endpoint]
    ledger = people.ledger
    tokens = (
        people.member_token,
        people.other_token,
        ledger.staff_token,
        ledger.admin_token,
        ledger.till_token,
    )

    answers = [call(people, token) for token in tokens]

    assert tuple(answer.status_code for answer in answers) == expected
    for answer in answers:
        if answer.status_code == 403:
            assert problem(answer) == FORBIDDEN
        if answer.status_code == UNSPENT:
            assert problem(answer) == (UNSPENT, "insufficient_points")


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


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_nobody_without_a_valid_token(people: People, endpoint: str) -> None:
    call, _ = ENDPOINTS[endpoint]

    answers = {
        name: call(people, tamper(people.member_token)).status_code
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


@pytest.mark.parametrize("path", ["/health", "/program"])
def test_what_everybody_may_read(ledger: StackClient, path: str) -> None:
    assert ledger.get(path).status_code == 200


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
