"""Receipts over HTTP: what a member exports is computed again, and no corruption of it agrees."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from points_ledger.verify import AGREES, DIFFERS, main
from tests.corruption import changes, corrupted, leaves
from tests.stack.circle import Circle, Person
from tests.stack.client import StackClient, days_ago, unique

pytestmark = pytest.mark.stack

Json = dict[str, Any]


@pytest.fixture
def circle(ledger: StackClient) -> Circle:
    return Circle(ledger)


def exported(ledger: StackClient, member_id: str, *, token: str, limit: int = 100) -> list[Json]:
    """All pages of an export."""
    pages: list[Json] = []
    query: dict[str, str | int] = {"limit": limit}
    for _ in range(50):
        answer = ledger.get(f"/members/{member_id}/export", token=token, query=query)
        assert answer.status_code == 200, answer.text
        pages.append(answer.json())
        if pages[-1]["cursor"] is None:
            return pages
        query["cursor"] = pages[-1]["cursor"]
    raise AssertionError("the pages do not end")


def verified(folder: Path, pages: list[Json], *more: str) -> int:
    paths = [folder / f"page-{number}.json" for number in range(len(pages))]
    for path, page in zip(paths, pages, strict=True):
        path.write_text(json.dumps(page), encoding="utf-8")
    return main([*map(str, paths), *more])


def lived(circle: Circle) -> Person:
    """A member who earned, shared, spent in steps, gave away, and took over somebody else."""
    ledger, person, friend, former = (
        circle.ledger,
        circle.join(600),
        circle.join(),
        circle.join(30),
    )
    returned = circle.earn(person, 300)
    ledger.wait_for_amounts(person.member_id, available=900)
    ledger.settle(
        returned.refunded("refund-1", "1000.00", at=days_ago(1)),
        returned.bounced("1", at=days_ago(1)),
    )
    held = ledger.redeem(person.member_id, points=520, reserve=True).json()
    path = f"/redemptions/{held['redemption_id']}"
    for step, points in (("capture", 510), ("reverse", 20)):
        answer = ledger.post(
            f"{path}/{step}", {"points": points}, token=ledger.staff_token, key=unique("key")
        )
        assert answer.status_code in (200, 201), answer.text
    assert circle.transfer(person, friend, 12).status_code == 201
    late = circle.purchase(former, 60)
    ledger.settle(late.posted())
    assert circle.merge(former, person).status_code in (200, 201)
    ledger.settle(late.paid("1", late.amount, at=days_ago(2)))
    return person


def test_what_a_member_exports_agrees(circle: Circle, tmp_path: Path) -> None:
    person = lived(circle)
    token = circle.ledger.sign_up(person.member_id)
    whole = exported(circle.ledger, person.member_id, token=token)
    types = {entry["type"] for page in whole for entry in page["entries"]}
    assert {"accrual", "maturation", "reversal", "reservation", "capture", "merge"} <= types
    assert verified(tmp_path, whole) == AGREES
    in_parts = exported(circle.ledger, person.member_id, token=token, limit=3)
    assert len(in_parts) > 2
    assert verified(tmp_path, in_parts) == AGREES


def test_no_field_can_be_changed(circle: Circle, tmp_path: Path) -> None:
    person = circle.join(600)
    circle.ledger.redeem(person.member_id, points=510)
    [page] = exported(circle.ledger, person.member_id, token=circle.ledger.staff_token)
    assert verified(tmp_path, [page]) == AGREES
    for place, entry in enumerate(page["entries"]):
        for path, value in leaves(entry):
            changed = copy.copy(page)
            changed["entries"] = list(page["entries"])
            changed["entries"][place] = corrupted(entry, path, next(iter(changes(value))))
            assert verified(tmp_path, [changed]) == DIFFERS, (place, path)


def test_the_program_may_be_taken_from_the_interface(circle: Circle, tmp_path: Path) -> None:
    person = circle.join(30)
    [page] = exported(circle.ledger, person.member_id, token=circle.ledger.staff_token)
    program = tmp_path / "program.json"
    versions = circle.ledger.get("/program/versions", token=circle.ledger.admin_token).json()
    program.write_text(json.dumps(versions), encoding="utf-8")
    alone = {**page, "program_versions": []}
    assert verified(tmp_path, [alone], "--programs", str(program)) == AGREES
