"""The member's history: every entry with the rule behind it, by kind, page by page, as a file."""

import csv
import io
from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.visitor import MAX_CALLS_PER_PAGE, Account, Visitor, account_for
from tests.stack.circle import Circle
from tests.stack.client import StackClient
from tests.stack.office import adjust, made

pytestmark = pytest.mark.stack

ADJUSTMENTS = 22
"""More than a page of the history has."""


@pytest.fixture
def member(ledger: StackClient) -> Account:
    person = Circle(ledger).join(75)
    for number in range(ADJUSTMENTS):
        made(adjust(ledger, person.member_id, number + 1, reason=f"gift number {number + 1}"))
    return account_for(ledger, person.member_id)


def test_a_member_finds_why_each_entry_is_there(visitor: Visitor, member: Account) -> None:
    visitor.enter("portal", member)
    visitor.go("/history")
    assert 0 < len(visitor.calls) <= MAX_CALLS_PER_PAGE, visitor.calls
    entries = visitor.page.get_by_role("region", name="Entries")
    expect(entries.get_by_role("listitem")).to_have_count(20)
    expect(entries).to_contain_text("gift number 22")

    entries.get_by_role("button", name="Show more").click()

    expect(entries.get_by_role("listitem")).to_have_count(ADJUSTMENTS + 3)
    expect(entries.get_by_role("button", name="Show more")).to_have_count(0)
    # Reading goes on where the new ones begin.
    assert "gift number 2" in str(visitor.page.evaluate("document.activeElement.textContent"))

    visitor.page.get_by_label("Kind").select_option("accrual")
    visitor.settle()
    expect(entries.get_by_role("listitem")).to_have_count(1)
    expect(entries).to_contain_text("75 points: 3 points for every full 50.00 USD of original")
    expect(entries).to_contain_text("from the till")
    expect(entries).to_contain_text("+75 pending")
    assert visitor.violations() == []


def test_a_kind_without_entries_says_so(visitor: Visitor, member: Account) -> None:
    visitor.enter("portal", member)
    visitor.go("/history?type=expiry")
    expect(visitor.page.get_by_text("There is nothing of this kind.")).to_be_visible()


def test_the_statement_of_a_month_is_downloaded_as_a_table(
    visitor: Visitor, member: Account, tmp_path: Path
) -> None:
    month = datetime.now(UTC).strftime("%Y-%m")
    visitor.enter("portal", member)
    visitor.go("/history")
    visitor.page.get_by_label("Month").fill(month)
    with visitor.page.expect_download() as waited:
        visitor.page.get_by_role("button", name="Download as CSV").click()

    download = waited.value
    assert download.suggested_filename == f"statement-{month}.csv"
    path = tmp_path / "statement.csv"
    download.save_as(path)
    rows = list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8-sig"))))
    assert len(rows) == ADJUSTMENTS + 3
    expect(visitor.page.locator("#announcements")).to_contain_text("downloaded")


def test_a_list_that_fails_can_be_tried_again(visitor: Visitor, member: Account) -> None:
    visitor.enter("portal", member)
    visitor.page.route("**/members/me/entries?**", lambda route: route.abort())
    visitor.go("/history")
    alert = visitor.page.get_by_role("main").get_by_role("alert").filter(has_text="server")
    expect(alert).to_contain_text("The server cannot be reached")

    visitor.page.unroute("**/members/me/entries?**")
    alert.get_by_role("button", name="Try again").click()

    entries = visitor.page.get_by_role("region", name="Entries")
    expect(entries.get_by_role("listitem")).to_have_count(20)
    # The line of the browser about the call that was stopped on purpose.
    visitor.problems[:] = [each for each in visitor.problems if "ERR_FAILED" not in each]
