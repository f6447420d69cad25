"""Members are invited to sign in, see their account, and cannot any more once they are erased."""

import secrets
from http import HTTPStatus

import pytest

from tests.stack.client import StackClient, problem, unique

pytestmark = pytest.mark.stack


def users(ledger: StackClient, username: str) -> list[str]:
    """The names in the pool that begin so."""
    found = ledger.identities.list_users(UserPoolId=ledger.stack["user_pool_id"])["Users"]
    return [each["Username"] for each in found if each["Username"].startswith(username)]


def test_a_member_is_invited_signs_in_and_is_forgotten(ledger: StackClient) -> None:
    email = f"{unique('person')}@example.com"
    member_id = ledger.enrol("Somebody", email=email)
    path = f"/members/{member_id}/invitation"

    first = ledger.post(path, {}, token=ledger.staff_token)
    again = ledger.post(path, {}, token=ledger.staff_token)

    assert (first.status_code, again.status_code) == (HTTPStatus.CREATED, HTTPStatus.OK)
    invited = {"member_id": member_id, "email": email, "status": "invited"}
    assert first.json() == again.json() == invited

    password = f"aA1-{secrets.token_urlsafe(18)}"
    ledger.identities.admin_set_user_password(
        UserPoolId=ledger.stack["user_pool_id"],
        Username=email,
        Password=password,
        Permanent=True,
    )
    token = ledger.sign_in(email, password)
    mine = ledger.get("/members/me/overview", token=token).json()
    assert (mine["member"]["member_id"], mine["member"]["email"]) == (member_id, email)
    other = ledger.enrol("Somebody else", email=email)
    refused = ledger.post(f"/members/{other}/invitation", {}, token=ledger.staff_token)
    assert problem(refused) == (422, "sign_in_taken")

    headers = {"Authorization": f"Bearer {ledger.admin_token}", "Idempotency-Key": unique("key")}
    erased = ledger.http.delete(f"/members/{member_id}", headers=headers)
    assert erased.status_code == HTTPStatus.OK, erased.text
    ledger.wait_for("the user is gone", lambda: users(ledger, email), lambda left: left == [])
