"""The member portal's first page: what there is, what it waits for, and what becomes of it."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import NARROW, NewVisitor
from tests.browser.visitor import MAX_CALLS_PER_PAGE, Account, Visitor, account_for
from tests.stack.circle import Circle
from tests.stack.client import StackClient
from tests.stack.office import adjust, made

pytestmark = pytest.mark.stack

SCRIPT = "<img src=x onerror=alert(1)><script>alert(2)</script>"


@pytest.fixture
def member(ledger: StackClient) -> Account:
    """Somebody with 600 points, 300 of which end in March 2099, and 75 that are not paid."""
    circle = Circle(ledger)
    person = circle.join(300)
    made(adjust(ledger, person.member_id, 300, last_day="2099-03-31"))
    ledger.deliver(circle.purchase(person, 75).posted())
    ledger.wait_for_amounts(person.member_id, available=600, pending=75)
    return account_for(ledger, person.member_id)


def test_a_member_sees_what_there_is_and_what_it_waits_for(
    visitor: Visitor, member: Account
) -> None:
    visitor.enter("portal", member)
    main = visitor.page.get_by_role("main")

    figures = main.locator(".figures")
    expect(figures).to_contain_text("600")
    expect(figures).to_contain_text("worth $6.00")
    pending = main.get_by_role("region", name="Pending")
    expect(pending).to_contain_text("75 points")
    expect(pending).to_contain_text("Waits for payment")
    expect(pending).to_contain_text("Since")
    chart = main.get_by_role("img", name=re.compile("Points by the month in which they expire"))
    expect(chart).to_be_visible()
    expiring = main.get_by_role("region", name="What expires when")
    expect(expiring).to_contain_text("the last of the others through Mar 31, 2099")
    expiring.get_by_text("The numbers").click()
    expect(expiring.get_by_role("row", name="Mar 2099 300")).to_be_visible()
    tier = main.get_by_role("region", name="Tier")
    expect(tier).to_contain_text("None yet")
    expect(tier).to_contain_text("300 of 1,000 qualifying points: 700 more until Silver")
    expect(tier.get_by_role("progressbar")).to_have_accessible_name("On the way to Silver")
    last = main.get_by_role("region", name="What happened last")
    expect(last).to_contain_text("3 points for every full 50.00 USD of original")
    assert visitor.violations() == []


def test_the_first_page_makes_few_calls(visitor: Visitor, member: Account) -> None:
    visitor.enter("portal", member)
    visitor.go("/rules")
    visitor.go("/")
    assert 0 < len(visitor.calls) <= MAX_CALLS_PER_PAGE, visitor.calls


def test_balances_change_on_the_page_without_a_reload(
    visitor: Visitor, member: Account, ledger: StackClient
) -> None:
    visitor.enter("portal", member)
    expect(visitor.page.locator(".figures .main dd")).to_contain_text("600")

    made(adjust(ledger, str(member.member_id), 50))

    expect(visitor.page.locator(".figures .main dd")).to_contain_text("650")
    said = visitor.page.locator("#announcements")
    expect(said).to_have_attribute("aria-live", "polite")
    expect(said).to_contain_text("Available: 650 points")
    # What was open on the page is the new state too.
    expect(visitor.page.get_by_role("region", name="What happened last")).to_contain_text("+50")


def test_a_reservation_is_given_up_after_a_question(
    visitor: Visitor, member: Account, ledger: StackClient
) -> None:
    ledger.redeem(str(member.member_id), points=500, kind="cash", reserve=True)
    visitor.enter("portal", member)
    waiting = visitor.page.get_by_role("region", name="Open")
    expect(waiting).to_contain_text("500 points ($5.00)")
    expect(waiting).to_contain_text("Reserved until")

    waiting.get_by_role("button", name="Cancel 500 points").click()
    visitor.page.get_by_role("dialog").get_by_role("button", name="Close").click()
    assert ledger.balance(str(member.member_id))["reserved"] == 500

    waiting.get_by_role("button", name="Cancel 500 points").click()
    visitor.page.get_by_role("dialog").get_by_role("button", name="Yes, cancel").click()

    expect(waiting).to_contain_text("Nothing is reserved")
    assert ledger.amounts(str(member.member_id)) == (75, 600, 0)


def test_on_a_telephone_nothing_runs_out_of_the_page(
    new_visitor: NewVisitor, member: Account
) -> None:
    visitor = new_visitor(NARROW)
    visitor.enter("portal", member)
    for route in ("/", "/history", "/redeem", "/rewards", "/transfer", "/sharing", "/preferences"):
        visitor.go(route)
        width = visitor.page.evaluate("document.documentElement.scrollWidth")
        assert width <= NARROW[0], route
        assert visitor.violations() == [], route


def test_what_people_have_typed_is_shown_as_text(visitor: Visitor, ledger: StackClient) -> None:
    member_id = ledger.enrol(SCRIPT, organisation=SCRIPT)
    made(adjust(ledger, member_id, 10, reason=SCRIPT))
    visitor.enter("portal", account_for(ledger, member_id))
    expect(visitor.page.get_by_role("main")).to_contain_text(SCRIPT)
    visitor.go("/preferences")
    expect(visitor.page.get_by_label("Name")).to_have_value(SCRIPT)
    expect(visitor.page.get_by_role("main")).to_contain_text(SCRIPT)
    assert visitor.page.locator("main img, main script").count() == 0


def test_nobody_sees_another_members_page_by_any_address(
    visitor: Visitor, member: Account, ledger: StackClient
) -> None:
    other = ledger.enrol("Somebody else")
    visitor.enter("portal", member)
    statuses = visitor.page.evaluate(
        """async (other) => {
          const { token } = await import(
            document.querySelector('link[href*="core/session.js"]').href);
          const authorization = `Bearer ${await token()}`;
          const paths = ["overview", "balance", "entries", "requests", "coupons", "pending",
            "sharing", "statement?month=2026-11", "export", ""];
          const root = location.pathname.replace(/portal$/, "");
          return Promise.all(paths.map(async (path) => {
            const answer = await fetch(`${root}members/${other}/${path}`.replace(/\\/$/, ""),
              { headers: { authorization } });
            return answer.status;
          }));
        }""",
        other,
    )
    assert set(statuses) == {403}
