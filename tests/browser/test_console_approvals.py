"""Adjustments with a reason, and the second person who agrees or does not."""

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.conftest import NewVisitor
from tests.browser.console import Person, at_console, card, enrolled
from tests.browser.visitor import Visitor
from tests.stack.client import StackClient, unique

pytestmark = pytest.mark.stack


def asked_by_staff(ledger: StackClient, person: Person, points: int) -> None:
    body = {"member_id": person.member_id, "points": points, "reason": "counted twice"}
    answer = ledger.post("/adjustments", body, token=ledger.staff_token, key=unique("key"))
    assert answer.json()["status"] == "awaiting_approval"


def request_of(visitor: Visitor, person: Person) -> Locator:
    asked = card(visitor, "What was asked for").get_by_role("listitem")
    return asked.filter(has_text=person.name)


def test_points_are_given_with_a_reason(visitor: Visitor, ledger: StackClient) -> None:
    person = enrolled(ledger)
    at_console(visitor, f"{person.story}/adjust")
    page = visitor.page
    page.get_by_label("Points", exact=True).fill("40")
    page.get_by_label("Reason").fill("Sorry for the wait")
    page.get_by_label("Note").fill("The printer was broken")
    page.get_by_label("Last day").fill("2099-06-30")
    page.get_by_role("button", name="Adjust").click()

    expect(page.get_by_text("Adjusted by +40: 40 points are available now")).to_be_visible()
    expect(card(visitor, "History")).to_contain_text("Reason: Sorry for the wait")
    assert ledger.balance(person.member_id)["lots"] == [{"points": 40, "last_day": "2099-06-30"}]


def test_nothing_is_adjusted_without_a_reason(visitor: Visitor, ledger: StackClient) -> None:
    person = enrolled(ledger)
    at_console(visitor, f"{person.story}/adjust")
    visitor.page.get_by_label("Points", exact=True).fill("40")
    visitor.page.get_by_role("button", name="Adjust").click()

    expect(visitor.page.get_by_label("Reason")).to_be_focused()
    expect(visitor.page.get_by_label("Reason")).to_have_attribute("aria-invalid", "true")
    assert ledger.balance(person.member_id)["available"] == 0


def test_what_takes_the_balance_below_zero_is_foretold_and_waits(
    new_visitor: NewVisitor, ledger: StackClient
) -> None:
    person, staff = enrolled(ledger, points=30), new_visitor()
    at_console(staff, f"{person.story}/adjust")
    staff.page.get_by_label("Points", exact=True).fill("-50")
    expect(staff.page.get_by_text("a second person has to approve it first")).to_be_visible()
    assert staff.violations() == []
    staff.page.get_by_label("Reason").fill("Booked twice")
    staff.page.get_by_role("button", name="Adjust").click()
    expect(staff.page.get_by_text("waits until a second person has approved it")).to_be_visible()

    staff.go("/approvals")
    own = request_of(staff, person)
    expect(own).to_contain_text("You asked for this yourself: somebody else has to decide.")
    expect(own.get_by_role("button", name="Approve")).to_be_disabled()
    expect(own.get_by_role("button", name="Reject")).to_be_disabled()
    assert staff.violations() == []

    admin = new_visitor()
    at_console(admin, "/approvals", role="admin")
    asked = request_of(admin, person)
    expect(asked).to_contain_text("Reason: Booked twice")
    asked.get_by_role("button", name="Approve").click()
    admin.page.get_by_role("dialog").get_by_label("Note").fill("Seen on the receipt")
    assert admin.violations() == []
    admin.page.get_by_role("dialog").get_by_role("button", name="Approve").click()

    expect(asked).to_have_count(0)
    assert ledger.balance(person.member_id)["available"] == -20
    admin.page.get_by_label("Show").select_option("approved")
    expect(request_of(admin, person)).to_contain_text("decided")


def test_a_request_is_rejected_and_nothing_changes(visitor: Visitor, ledger: StackClient) -> None:
    person = enrolled(ledger)
    asked_by_staff(ledger, person, -10)
    at_console(visitor, "/approvals", role="admin")
    request_of(visitor, person).get_by_role("button", name="Reject").click()
    visitor.page.get_by_role("dialog").get_by_role("button", name="Reject").click()

    expect(request_of(visitor, person)).to_have_count(0)
    assert ledger.balance(person.member_id)["available"] == 0


def test_only_own_requests_are_shown_where_wanted(visitor: Visitor, ledger: StackClient) -> None:
    person = enrolled(ledger)
    asked_by_staff(ledger, person, -10)
    at_console(visitor, "/approvals", role="admin")
    expect(request_of(visitor, person)).to_be_visible()

    visitor.page.get_by_label("Whose").select_option("true")

    expect(visitor.page.get_by_text("Loading")).to_have_count(0)
    expect(request_of(visitor, person)).to_have_count(0)
