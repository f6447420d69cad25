"""What staff do over HTTP: adjust, approve, and keep the catalogue of rewards."""

from typing import Any

import httpx

from tests.stack.client import StackClient, unique

Json = dict[str, Any]

MAX_ATTEMPTS = 60


def made(answer: httpx.Response, status: int = 201) -> Json:
    """The body of an answer of the status that is expected."""
    assert answer.status_code == status, answer.text
    body: Json = answer.json()
    return body


def adjust(
    ledger: StackClient,
    member_id: str,
    points: int,
    *,
    token: str | None = None,
    key: str | None = None,
    **more: object,
) -> httpx.Response:
    body = {"member_id": member_id, "points": points, "reason": "goodwill", **more}
    return ledger.post(
        "/adjustments", body, token=token or ledger.staff_token, key=key or unique("key")
    )


def member_with(ledger: StackClient, points: int) -> str:
    """A new member to whom staff have given points."""
    member_id = ledger.enrol("Somebody")
    assert made(adjust(ledger, member_id, points))["status"] == "completed"
    return member_id


def decide(
    ledger: StackClient,
    decision: str,
    approval_id: str,
    *,
    token: str | None = None,
    key: str | None = None,
) -> httpx.Response:
    """Approve or reject; by an admin unless another token is given."""
    path = f"/approvals/{approval_id}/{decision}"
    return ledger.post(path, {}, token=token or ledger.admin_token, key=key or unique("key"))


def approvals(
    ledger: StackClient, status: str = "open", *, mine: bool = False, token: str | None = None
) -> list[Json]:
    """All approvals of a status, page by page."""
    found: list[Json] = []
    query: dict[str, str | int] = {"status": status, "limit": 50}
    if mine:
        query["mine"] = "true"
    for _ in range(100):
        page = made(ledger.get("/approvals", token=token or ledger.staff_token, query=query), 200)
        found += page["approvals"]
        if page["cursor"] is None:
            return found
        query["cursor"] = page["cursor"]
    raise AssertionError("the list of approvals does not end")


def rewards(ledger: StackClient, token: str) -> dict[str, Json]:
    """The whole catalogue by id, as a caller sees it."""
    found: dict[str, Json] = {}
    query: dict[str, str | int] = {"limit": 100}
    for _ in range(100):
        page = made(ledger.get("/rewards", token=token, query=query), 200)
        found |= {each["reward_id"]: each for each in page["rewards"]}
        if page["cursor"] is None:
            return found
        query["cursor"] = page["cursor"]
    raise AssertionError("the catalogue does not end")


def create_reward(ledger: StackClient, **fields: object) -> str:
    body = {"name": unique("reward"), "kind": "item", "points": 500, **fields}
    answer = ledger.post("/rewards", body, token=ledger.admin_token, key=unique("key"))
    return str(made(answer)["reward_id"])


def change_reward(ledger: StackClient, reward_id: str, **changes: object) -> httpx.Response:
    headers = {"Authorization": f"Bearer {ledger.admin_token}"}
    return ledger.http.patch(f"/rewards/{reward_id}", json=changes, headers=headers)


def until_definite(
    ledger: StackClient, member_id: str, *, token: str, **body: object
) -> httpx.Response:
    """409 says that nothing was decided, and a lost answer nothing at all: the same again."""
    key = unique("key")
    for _ in range(MAX_ATTEMPTS):
        try:
            answer = ledger.redeem(member_id, key=key, token=token, **body)
        except httpx.TimeoutException:
            continue
        if answer.status_code != 409:
            return answer
    raise AssertionError(f"nothing definite in {MAX_ATTEMPTS} attempts")
