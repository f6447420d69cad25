"""Reports in the console: figures and charts of what the API says, and their tables as files."""

import csv
import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import NARROW, NewVisitor
from tests.browser.visitor import MAX_CALLS_PER_PAGE, Visitor, account_of
from tests.stack.client import StackClient, now, unique
from tests.stack.standard import Purchase

pytestmark = pytest.mark.stack

COUNTED_SECONDS = 60.0
REPORTS = {
    "liability": "What is owed",
    "activity": "Roll-forward",
    "sales": "Sales",
    "engagement": "Engagement",
    "leaderboard": "Top members",
}
FORMULA = '=HYPERLINK("http://example.com")'
SCRIPT = "<img src=x onerror=alert(1)>"

Json = dict[str, Any]


def _report(ledger: StackClient, name: str, query: Mapping[str, str]) -> Json:
    answer = ledger.get(f"/reports/{name}", token=ledger.staff_token, query=query)
    found: Json = answer.json()
    return found


@pytest.fixture(scope="module")
def buyer(ledger: StackClient) -> str:
    """A member named by a formula, of a firm named by markup: 3,000 points, some of them spent."""
    customer_id = unique("customer")
    member_id = ledger.enrol(
        FORMULA,
        organisation=f"{SCRIPT} {unique('firm')}",
        external_ids=[{"source": "pos", "id": customer_id}],
    )
    ledger.make_rich(member_id, customer_id, 3_000)
    copy = Purchase(customer_id=unique("other"), amount="40.00", posted_at=now())
    ledger.settle(copy.posted(requested_by={"id": customer_id}, own_order=False))
    redeemed = ledger.redeem(member_id, points=600, kind="gift_card")
    assert redeemed.status_code == 201, redeemed.text
    ledger.wait_for(
        "the report counts the redemption",
        lambda: _report(ledger, "leaderboard", {"by": "redeemed", "limit": "100"}),
        lambda told: any(
            each["member_id"] == member_id and each["points"] == 600 for each in told["members"]
        ),
        seconds=COUNTED_SECONDS,
    )
    return member_id


@pytest.mark.parametrize("name", REPORTS)
@pytest.mark.usefixtures("buyer")
def test_staff_see_a_report_with_its_charts(visitor: Visitor, name: str) -> None:
    visitor.enter("console", account_of(visitor.stack, "staff"))

    visitor.go(f"/reports/{name}")

    expect(visitor.page.get_by_role("heading", level=1, name=REPORTS[name])).to_be_visible()
    expect(visitor.page.get_by_role("img").first).to_be_visible()
    expect(visitor.page.get_by_text("As of")).to_be_visible()
    assert 0 < len(visitor.calls) <= MAX_CALLS_PER_PAGE, visitor.calls
    assert visitor.page.locator("main img").count() == 0
    visitor.screenshot(f"console_report_{name}")
    assert visitor.violations() == []


def test_the_reserve_follows_the_breakage(visitor: Visitor, buyer: str) -> None:
    assert buyer
    visitor.enter("console", account_of(visitor.stack, "staff"))
    visitor.go("/reports/liability")
    page = visitor.page
    reserve = page.locator(".figures > div").filter(has=page.get_by_text("Reserve", exact=True))
    expect(reserve).to_contain_text("with a breakage of 0%")
    before = reserve.locator("dd").inner_text()

    page.get_by_label("Breakage in percent").fill("20")
    page.get_by_role("button", name="Show").click()

    expect(reserve).to_contain_text("with a breakage of 20%")
    assert reserve.locator("dd").inner_text() != before
    expect(page.get_by_label("Breakage in percent")).to_have_value("20")


def test_the_roll_forward_says_that_it_adds_up(visitor: Visitor, buyer: str) -> None:
    assert buyer
    visitor.enter("console", account_of(visitor.stack, "staff"))
    visitor.go("/reports/activity")

    expect(visitor.page.get_by_text("adds up in every month")).to_be_visible()
    visitor.page.get_by_label("Points that are").select_option("available")
    visitor.page.get_by_role("button", name="Show").click()

    table = visitor.page.get_by_role("region", name="Available points by month")
    expect(table.get_by_role("columnheader", name="Redeemed")).to_be_visible()
    expect(visitor.page.get_by_role("img", name="Points redeemed by kind")).to_be_visible()


def test_a_report_is_saved_as_csv_without_formulas(
    visitor: Visitor, buyer: str, tmp_path: Path
) -> None:
    visitor.enter("console", account_of(visitor.stack, "staff"))
    visitor.go("/reports/sales")

    with visitor.page.expect_download() as saving:
        visitor.page.get_by_role("button", name="Sales as CSV").click()

    path = tmp_path / "sales.csv"
    saving.value.save_as(path)
    [line] = [
        each for each in csv.DictReader(io.StringIO(path.read_text())) if each["member_id"] == buyer
    ]
    assert (line["name"], line["copy_revenue"]) == (f"'{FORMULA}", "40.00")


def test_a_wrong_month_is_said_and_the_questions_stay(visitor: Visitor) -> None:
    visitor.enter("console", account_of(visitor.stack, "staff"))

    visitor.go("/reports/activity?from=2020-01&to=2026-01")

    expect(visitor.page.get_by_role("alert")).to_contain_text("at most 24 months")
    expect(visitor.page.get_by_label("From")).to_have_value("2020-01")


@pytest.mark.usefixtures("buyer")
def test_reports_fit_a_phone(new_visitor: NewVisitor) -> None:
    visitor = new_visitor(size=NARROW)
    visitor.enter("console", account_of(visitor.stack, "staff"))
    for name in REPORTS:
        visitor.go(f"/reports/{name}")
        wide = visitor.page.evaluate("document.documentElement.scrollWidth")
        assert wide <= NARROW[0], name
