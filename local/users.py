"""Users of the local stack: one of each role, and a till."""

import secrets
import time
from dataclasses import dataclass
from http import HTTPStatus

import httpx

from local.cloud import Cloud
from local.error import StepError

GROUPS = {"admin": "admin", "staff": "staff", "member": None}
MEMBER_NAME = "Local Member"
MEMBER_ATTRIBUTE = "custom:member_id"
ENROL_RETRIES = 5
ENROL_PAUSE_SECONDS = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """Somebody who can sign in with a password."""

    username: str
    password: str
    member_id: str | None = None


def create_users(
    cloud: Cloud, *, user_pool_id: str, client_id: str, api_url: str
) -> dict[str, User]:
    """Create admin, staff and member, and enrol the member through the public API."""
    users = {}
    for role, group in GROUPS.items():
        user = User(username=role, password=_random_password())
        cloud.identities.admin_create_user(
            UserPoolId=user_pool_id, Username=user.username, MessageAction="SUPPRESS"
        )
        cloud.identities.admin_set_user_password(
            UserPoolId=user_pool_id, Username=user.username, Password=user.password, Permanent=True
        )
        if group is not None:
            cloud.identities.admin_add_user_to_group(
                UserPoolId=user_pool_id, Username=user.username, GroupName=group
            )
        users[role] = user
    staff_token = id_token(cloud, client_id=client_id, user=users["staff"])
    member_id = _enrol(api_url, staff_token)
    cloud.identities.admin_update_user_attributes(
        UserPoolId=user_pool_id,
        Username=users["member"].username,
        UserAttributes=[{"Name": MEMBER_ATTRIBUTE, "Value": member_id}],
    )
    users["member"] = User(
        username=users["member"].username,
        password=users["member"].password,
        member_id=member_id,
    )
    return users


def id_token(cloud: Cloud, *, client_id: str, user: User) -> str:
    """Sign in and return the id token."""
    answer = cloud.identities.initiate_auth(
        ClientId=client_id,
        AuthFlow="USER_PASSWORD_AUTH",
        AuthParameters={"USERNAME": user.username, "PASSWORD": user.password},
    )
    return answer["AuthenticationResult"]["IdToken"]


def till_credentials(cloud: Cloud, *, user_pool_id: str, client_id: str) -> dict[str, str]:
    """Return what a till needs to fetch a token with client credentials."""
    client = cloud.identities.describe_user_pool_client(UserPoolId=user_pool_id, ClientId=client_id)
    return {
        "client_id": client_id,
        "client_secret": client["UserPoolClient"]["ClientSecret"],
        "token_url": f"{cloud.home.endpoint_url}/oauth2/token",
        "scope": "ledger/till",
    }


def _enrol(api_url: str, staff_token: str) -> str:
    headers = {"Authorization": f"Bearer {staff_token}", "Idempotency-Key": "local-member"}
    body = {"name": MEMBER_NAME, "earns": True}
    answer = _post(f"{api_url}/members", headers, body)
    for _ in range(ENROL_RETRIES):
        # The first calls of a new stack may meet a function that is still being started.
        if answer.status_code < HTTPStatus.INTERNAL_SERVER_ERROR:
            break
        time.sleep(ENROL_PAUSE_SECONDS)
        answer = _post(f"{api_url}/members", headers, body)
    if answer.status_code not in {HTTPStatus.OK, HTTPStatus.CREATED}:
        raise StepError(
            "POST /members for the local member",
            f"{answer.status_code} {answer.text}\n`make logs FUNCTION=members` shows why.",
        )
    member_id = answer.json().get("member_id")
    if not isinstance(member_id, str):
        raise StepError("POST /members for the local member", f"no member_id in {answer.text}")
    return member_id


def _post(url: str, headers: dict[str, str], body: dict[str, object]) -> httpx.Response:
    return httpx.post(url, headers=headers, json=body, timeout=30, trust_env=False)


def _random_password() -> str:
    # The policy of the pool asks for a lower-case letter, an upper-case letter and a digit.
    return f"aA1{secrets.token_urlsafe(18)}"
