"""Operations in the console: how whole the ledger is, and trying again what failed for good."""

import pytest
from playwright.sync_api import expect

from points_ledger.contracts.messages import encode
from tests.browser.visitor import MAX_CALLS_PER_PAGE, Visitor, account_of
from tests.stack.client import StackClient, unique
from tests.stack.test_queues import a_posted_purchase, send

pytestmark = pytest.mark.stack


def test_staff_see_integrity_and_no_dead_letters(visitor: Visitor) -> None:
    visitor.enter("console", account_of(visitor.stack, "staff"))

    visitor.go("/operations")

    integrity = visitor.page.get_by_role("region", name="Integrity")
    expect(integrity.get_by_role("heading", name="The last check")).to_be_visible()
    expect(visitor.page.get_by_role("heading", name="Dead letters")).to_have_count(0)
    assert 0 < len(visitor.calls) <= MAX_CALLS_PER_PAGE, visitor.calls
    assert visitor.violations() == []


def test_an_admin_tries_a_dead_letter_again(visitor: Visitor, ledger: StackClient) -> None:
    member_id, customer_id = ledger.customer()
    ticket_id = unique("ticket")
    send(ledger, "earning_events_dead_letters", [encode(a_posted_purchase(customer_id, ticket_id))])
    visitor.enter("console", account_of(visitor.stack, "admin"))

    visitor.go("/operations")

    assert 0 < len(visitor.calls) <= MAX_CALLS_PER_PAGE, visitor.calls
    row = visitor.page.get_by_role("row").filter(has_text=ticket_id)
    expect(row).to_be_visible()
    visitor.screenshot("console_dead_letters")
    assert visitor.violations() == []
    row.get_by_role("button", name="Try message").click()

    expect(visitor.page.locator("#announcements")).to_contain_text("1 message is tried again.")
    expect(row).to_have_count(0)
    ledger.wait_for_amounts(member_id, pending=150)
