"""Members over HTTP: changed, found, exported and erased."""

import httpx
import pytest

from tests.stack.circle import Circle, Person
from tests.stack.client import StackClient, in_parallel, now, problem, unique
from tests.stack.standard import Purchase

pytestmark = pytest.mark.stack

PARALLEL = 6


@pytest.fixture
def circle(ledger: StackClient) -> Circle:
    return Circle(ledger)


def change(
    ledger: StackClient,
    member_id: str,
    *,
    token: str | None = None,
    key: str | None = None,
    **body: object,
) -> httpx.Response:
    headers = {"Authorization": f"Bearer {token or ledger.staff_token}"}
    if key is not None:
        headers["Idempotency-Key"] = key
    return ledger.http.patch(f"/members/{member_id}", json=body, headers=headers)


def erase(
    ledger: StackClient, member_id: str, *, token: str | None = None, key: str | None = None
) -> httpx.Response:
    headers = {
        "Authorization": f"Bearer {token or ledger.admin_token}",
        "Idempotency-Key": key or unique("key"),
    }
    return ledger.http.delete(f"/members/{member_id}", headers=headers)


def found(ledger: StackClient, **query: str) -> list[str]:
    answer = ledger.get("/members", token=ledger.till_token, query=query)
    assert answer.status_code == 200, answer.text
    return [each["member_id"] for each in answer.json()["members"]]


# --- Changing -------------------------------------------------------------------------------


def test_staff_change_what_decides_and_members_their_own_data(circle: Circle) -> None:
    ledger, person = circle.ledger, circle.join()
    token = ledger.sign_up(person.member_id)
    key = unique("key")

    own = change(ledger, "me", token=token, phone="+1 555 0100", birthday="1990-12-10")
    not_own = change(ledger, "me", token=token, key=unique("key"), tags=["vip"])
    keyless = change(ledger, person.member_id, tags=["vip"])
    first = change(ledger, person.member_id, key=key, tags=["vip"], status="frozen")
    again = change(ledger, person.member_id, key=key, tags=["vip"], status="frozen")

    assert (own.status_code, own.json()["phone"]) == (200, "+1 555 0100")
    assert problem(not_own) == (403, "forbidden")
    assert problem(keyless) == (400, "idempotency_key_missing")
    assert (first.status_code, first.json()["tags"], first.json()["status"]) == (
        200,
        ["vip"],
        "frozen",
    )
    assert again.headers["idempotency-replayed"] == "true"
    assert again.json() == first.json()
    assert ledger.entry_types(person.member_id) == ["enrolment", "change"]


def test_one_external_id_linked_to_several_members_at_once_belongs_to_one(circle: Circle) -> None:
    ledger = circle.ledger
    people = [circle.join() for _ in range(PARALLEL)]
    external_id = {"source": "pos", "id": unique("customer")}

    answers = in_parallel(
        [
            lambda id_=person.member_id: change(ledger, id_, external_ids=[external_id])  # type: ignore[misc]  # mypy cannot type the bound default
            for person in people
        ]
    )

    assert sorted(each.status_code for each in answers) == [200, *[400] * (PARALLEL - 1)]
    [winner] = (each.json()["member_id"] for each in answers if each.status_code == 200)
    assert ledger.member_of(f"pos:{external_id['id']}") == winner


# --- Finding --------------------------------------------------------------------------------


def test_members_are_found_by_email_and_name(circle: Circle) -> None:
    ledger, person = circle.ledger, circle.join()
    name = f"Zo\u00eb {unique('querfurth')}"
    change(ledger, person.member_id, name=name)

    assert found(ledger, email=person.email.upper()) == [person.member_id]
    assert found(ledger, name=name.upper()) == [person.member_id]
    assert found(ledger, name=name[:-2]) == [person.member_id]
    both = ledger.get("/members", token=ledger.staff_token, query={"name": "z", "email": "a@b"})
    assert problem(both) == (400, "invalid_request")


def test_who_was_merged_is_found_as_who_survived(circle: Circle) -> None:
    ledger, source, target = circle.ledger, circle.join(), circle.join()
    circle.merge(source, target)

    assert found(ledger, email=source.email) == [target.member_id]
    assert found(ledger, external_id=f"pos:{source.customer_id}") == [target.member_id]


# --- Erasing --------------------------------------------------------------------------------


def test_an_erased_person_is_gone_and_the_ledger_stays(circle: Circle) -> None:
    ledger, person = circle.ledger, circle.join(600)
    note = f"for {unique('grandmother')}"
    assert ledger.redeem(person.member_id, points=510, note=note).status_code == 201
    open_purchase = circle.purchase(person, 15)
    ledger.settle(open_purchase.posted())
    key = unique("key")

    first = erase(ledger, person.member_id, key=key)
    again = erase(ledger, person.member_id, key=key)
    other = erase(ledger, person.member_id)

    assert first.status_code == 200, first.text
    assert first.json() == {"member_id": person.member_id, "status": "erased", "forfeited": 105}
    assert again.headers["idempotency-replayed"] == "true"
    assert again.json() == first.json()
    assert problem(other) == (422, "member_inactive")
    shown = ledger.get(f"/members/{person.member_id}", token=ledger.staff_token).json()
    assert (shown["status"], shown["name"], shown["email"]) == ("erased", None, None)
    assert (shown["organisation"], shown["external_ids"]) == (None, [])
    assert found(ledger, email=person.email) == []
    exported = ledger.get(f"/members/{person.member_id}/export", token=ledger.staff_token)
    assert (exported.json()["notes"], exported.json()["earnings_pending"]) == ([], [])
    for text in (note, person.email):
        assert text not in exported.text
    entries = ledger.entries(person.member_id)
    assert entries[-1]["type"] == "forfeit"
    assert entries[-1]["balance"] == dict.fromkeys(("available", "pending", "reserved", "debt"), 0)


def test_after_an_erasure_old_facts_post_nothing_and_new_purchases_enrol(circle: Circle) -> None:
    ledger, person = circle.ledger, circle.join(60)
    open_purchase = circle.purchase(person, 15)
    ledger.settle(open_purchase.posted())
    erase(ledger, person.member_id)
    entries = ledger.entries(person.member_id)

    ledger.settle(
        open_purchase.paid("1", open_purchase.amount, at=now()),
        open_purchase.adjusted("500.00", at=now()),
    )
    assert ledger.entries(person.member_id) == entries
    assert ledger.member_of(f"pos:{person.customer_id}") is None

    circle.earn(person, 9)
    newcomer = ledger.wait_for_member(f"pos:{person.customer_id}")
    assert newcomer != person.member_id
    ledger.wait_for_amounts(newcomer, available=9)
    assert ledger.entries(person.member_id) == entries


def test_an_erasure_beside_redemptions_leaves_nothing(circle: Circle) -> None:
    ledger, person = circle.ledger, circle.join(60)

    answers = in_parallel(
        [
            lambda: erase(ledger, person.member_id, key="erase-" + person.member_id),
            *[lambda: ledger.redeem(person.member_id, points=3, note=unique("note"))] * PARALLEL,
        ]
    )

    first, *redeemed = answers
    if first.status_code == 409:
        first = erase(ledger, person.member_id, key="erase-" + person.member_id)
    spent = sum(each.status_code == 201 for each in redeemed)
    assert first.json()["forfeited"] == 60 - 3 * spent
    assert {each.status_code for each in redeemed} <= {201, 409, 422}
    export = ledger.wait_for(
        "no note is left",
        lambda: ledger.get(f"/members/{person.member_id}/export", token=ledger.staff_token).json(),
        lambda seen: seen["notes"] == [],
    )
    assert export["balance"]["available"] == 0


# --- Exporting ------------------------------------------------------------------------------


def pages(ledger: StackClient, person: Person, token: str) -> list[dict[str, object]]:
    found_pages: list[dict[str, object]] = []
    query: dict[str, str | int] = {"limit": 2}
    for _ in range(50):
        answer = ledger.get(f"/members/{person.member_id}/export", token=token, query=query)
        assert answer.status_code == 200, answer.text
        found_pages.append(answer.json())
        cursor = found_pages[-1]["cursor"]
        if cursor is None:
            return found_pages
        query["cursor"] = str(cursor)
    raise AssertionError("the pages do not end")


def test_a_person_gets_everything_about_them(circle: Circle) -> None:
    ledger, person, other = circle.ledger, circle.join(600), circle.join(30)
    redeemed = ledger.redeem(person.member_id, points=510, note="for a friend")
    assert redeemed.status_code == 201
    circle.merge(other, person)
    token = ledger.sign_up(person.member_id)

    whole = ledger.get("/members/me/export", token=token).json()
    parts = pages(ledger, person, token)

    assert whole["balance"]["available"] == 120
    assert [note["text"] for note in whole["notes"]] == ["for a friend"]
    numbers = [entry["entry"] for entry in whole["entries"]]
    assert numbers == list(range(1, len(ledger.entries(person.member_id)) + 1))
    [merged] = whole["merged"]
    assert merged["member_id"] == other.member_id
    assert [entry["type"] for entry in merged["entries"]][-1] == "merge"
    assert [e for page in parts for e in page["entries"]] == whole["entries"]  # type: ignore[attr-defined]  # a list
    assert whole["program_versions"]


def test_a_cursor_is_of_no_use_to_anybody_else(circle: Circle) -> None:
    ledger, person, other = circle.ledger, circle.join(9), circle.join(9)
    mine, theirs = ledger.sign_up(person.member_id), ledger.sign_up(other.member_id)
    for part in ("entries", "export"):
        path = f"/members/{person.member_id}/{part}"
        cursor = ledger.get(path, token=mine, query={"limit": 1}).json()["cursor"]
        query = {"limit": 1, "cursor": cursor}
        assert ledger.get(path, token=mine, query=query).status_code == 200
        foreign = ledger.get(path, token=theirs, query=query)
        own = ledger.get(f"/members/{other.member_id}/{part}", token=theirs, query=query)
        assert problem(foreign) == (403, "forbidden")
        assert problem(own) == (400, "invalid_request")
        assert [error["field"] for error in own.json()["errors"]] == ["cursor"]


def test_pending_of_merged_members_is_found_under_the_survivor(circle: Circle) -> None:
    ledger, source, target = circle.ledger, circle.join(), circle.join()
    purchases: list[Purchase] = [circle.purchase(each, 15) for each in (source, target, source)]
    ledger.settle(*(purchase.posted() for purchase in purchases))
    circle.merge(source, target)

    rows: list[str] = []
    query: dict[str, str | int] = {"limit": 1}
    for _ in range(5):
        path = f"/members/{target.member_id}/pending"
        page = ledger.get(path, token=ledger.staff_token, query=query).json()
        rows += [each["earning_id"] for each in page["earnings"]]
        if page["cursor"] is None:
            break
        query["cursor"] = page["cursor"]

    assert sorted(rows) == sorted(purchase.earning_id for purchase in purchases)
    assert ledger.balance(target.member_id)["pending"] == 45
