"""Redeeming in the portal: told while one types, sent once, safe when the session ends."""

import re

import pytest
from playwright.sync_api import Route, expect

from tests.browser.visitor import MAX_CALLS_PER_PAGE, Account, Visitor, account_for
from tests.stack.circle import Circle
from tests.stack.client import StackClient

pytestmark = pytest.mark.stack

SLOW_MILLISECONDS = 1_500


@pytest.fixture
def member(ledger: StackClient) -> Account:
    person = Circle(ledger).join(1_500)
    return account_for(ledger, person.member_id)


def redemptions(ledger: StackClient, member: Account) -> list[int]:
    query = {"member_id": str(member.member_id)}
    answer = ledger.get("/redemptions", token=ledger.staff_token, query=query)
    return [each["points"] for each in answer.json()["redemptions"]]


def enter(visitor: Visitor, member: Account) -> None:
    visitor.enter("portal", member)
    visitor.go("/redeem")


def test_what_points_are_worth_is_told_while_one_types(visitor: Visitor, member: Account) -> None:
    enter(visitor, member)
    assert 0 < len(visitor.calls) <= MAX_CALLS_PER_PAGE, visitor.calls
    offer = visitor.page.get_by_role("region", name="What you can redeem now")
    expect(offer).to_contain_text("1,500 points, worth $15.00")
    visitor.page.get_by_label("Points", exact=True).press_sequentially("750")
    expect(visitor.page.get_by_text("worth $7.50")).to_be_visible()

    visitor.page.get_by_label("Number").fill("T-1")
    visitor.page.get_by_label("What it comes to, in USD").fill("9.00")

    # The ticket has to be above what is redeemed on it.
    expect(offer).to_contain_text("899 points, worth $8.99")
    assert visitor.violations() == []


def test_points_are_redeemed_and_the_page_says_what_is_left(
    visitor: Visitor, member: Account, ledger: StackClient
) -> None:
    enter(visitor, member)
    visitor.page.get_by_label("What for").select_option("cash")
    visitor.page.get_by_label("By amount").check()
    visitor.page.get_by_label("Amount in USD").fill("6.00")
    visitor.page.get_by_role("button", name="Redeem").click()

    outcome = visitor.page.get_by_role("region", name="What came of it")
    expect(outcome).to_contain_text("600 points, worth $6.00")
    expect(outcome).to_contain_text("Completed")
    expect(outcome).to_contain_text("900 points are left.")
    expect(outcome).to_be_focused()
    expect(visitor.page.get_by_role("region", name="What you can redeem now")).to_contain_text(
        "900 points, worth $9.00"
    )
    assert redemptions(ledger, member) == [600]
    assert visitor.violations() == []


def test_a_double_click_redeems_once(
    visitor: Visitor, member: Account, ledger: StackClient
) -> None:
    enter(visitor, member)
    sent: list[str] = []

    def slowly(route: Route) -> None:
        sent.append(route.request.headers["idempotency-key"])
        visitor.page.wait_for_timeout(SLOW_MILLISECONDS)
        route.continue_()

    visitor.page.route(re.compile(r"/redemptions$"), slowly)
    visitor.page.get_by_label("Points", exact=True).fill("500")
    button = visitor.page.get_by_role("button", name="Redeem", exact=True)
    button.dblclick()
    visitor.page.get_by_label("Points", exact=True).press("Enter")

    expect(visitor.page.get_by_role("region", name="What came of it")).to_be_visible()
    assert len(sent) == 1
    assert redemptions(ledger, member) == [500]


def test_a_reply_that_was_lost_and_sent_again_redeems_once(
    visitor: Visitor, member: Account, ledger: StackClient
) -> None:
    enter(visitor, member)
    keys: list[str] = []

    def losing_the_first_reply(route: Route) -> None:
        keys.append(route.request.headers["idempotency-key"])
        answer = route.fetch()
        if len(keys) == 1:
            route.abort()
        else:
            route.fulfill(response=answer)

    visitor.page.route(re.compile(r"/redemptions$"), losing_the_first_reply)
    visitor.page.get_by_label("Points", exact=True).fill("500")
    visitor.page.get_by_role("button", name="Redeem", exact=True).click()
    expect(visitor.page.get_by_text("The server cannot be reached")).to_be_visible()
    visitor.page.get_by_role("button", name="Redeem", exact=True).click()

    expect(visitor.page.get_by_role("region", name="What came of it")).to_be_visible()
    assert keys == [keys[0]] * 2
    assert redemptions(ledger, member) == [500]
    visitor.problems[:] = [each for each in visitor.problems if "ERR_FAILED" not in each]


def test_a_session_that_ends_while_one_types_loses_nothing(
    visitor: Visitor, member: Account, ledger: StackClient
) -> None:
    enter(visitor, member)
    with visitor.page.expect_response(re.compile(r"/redemptions/quote$")):
        visitor.page.get_by_label("What for").select_option("cash")
    visitor.page.get_by_label("Points", exact=True).fill("700")
    visitor.page.get_by_label("Note").fill("for the dentist")
    visitor.page.evaluate(
        """async () => {
          const link = document.querySelector('link[href*="core/session.js"]');
          (await import(link.href)).distrust();
        }"""
    )
    visitor.page.context.clear_cookies()

    visitor.page.get_by_role("button", name="Redeem", exact=True).click()
    dialog = visitor.page.get_by_role("dialog")
    expect(dialog).to_be_visible()
    expect(visitor.page.get_by_label("Points", exact=True)).to_have_value("700")
    dialog.get_by_label("Email or user name").fill(member.username)
    dialog.get_by_label("Password", exact=True).fill(member.password)
    dialog.get_by_role("button", name="Sign in").click()

    expect(visitor.page.get_by_role("region", name="What came of it")).to_contain_text("700 points")
    assert redemptions(ledger, member) == [700]


def test_points_are_set_aside_and_shown_on_the_first_page(
    visitor: Visitor, member: Account
) -> None:
    enter(visitor, member)
    visitor.page.get_by_label("Points", exact=True).fill("500")
    visitor.page.get_by_label("Only set the points aside for now").check()
    visitor.page.get_by_role("button", name="Redeem", exact=True).click()
    outcome = visitor.page.get_by_role("region", name="What came of it")
    expect(outcome).to_contain_text("Set aside until")

    visitor.go("/")
    expect(visitor.page.get_by_role("region", name="Open")).to_contain_text("500 points ($5.00)")


def test_what_cannot_be_redeemed_is_said_in_plain_words(
    visitor: Visitor, member: Account, ledger: StackClient
) -> None:
    enter(visitor, member)
    points = visitor.page.get_by_label("Points", exact=True)
    button = visitor.page.get_by_role("button", name="Redeem", exact=True)
    button.click()
    expect(points).to_be_focused()
    expect(points).to_have_attribute("aria-invalid", "true")
    points.fill("9000")
    button.click()
    expect(visitor.page.get_by_text("You asked for 9,000 points and have 1,500.")).to_be_visible()
    points.fill("10")
    button.click()
    expect(visitor.page.get_by_text("The smallest redemption is 5.00.")).to_be_visible()
    assert redemptions(ledger, member) == []
    assert visitor.violations() == []


def test_the_whole_way_goes_by_keyboard_alone(
    visitor: Visitor, member: Account, ledger: StackClient
) -> None:
    """From the sign-in to a redemption without a pointer; the focus is always to be seen."""
    page = visitor.page
    visitor.open("portal")
    expect(page.get_by_label("Email or user name")).to_be_focused()
    page.keyboard.type(member.username)
    page.keyboard.press("Tab")
    page.keyboard.type(member.password)
    page.keyboard.press("Enter")
    visitor.settle()
    _tab_to(visitor, "Redeem")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Redeem", level=1)).to_be_focused()
    visitor.settle()
    _tab_to(visitor, "Points")
    page.keyboard.type("500")
    _tab_to(visitor, "Redeem", "BUTTON")
    page.keyboard.press("Enter")

    expect(page.get_by_role("region", name="What came of it")).to_be_focused()
    assert redemptions(ledger, member) == [500]


MAX_STEPS = 40


def _tab_to(visitor: Visitor, name: str, kind: str | None = None) -> None:
    """Press Tab until what is focused has a name, and see that each stop shows the focus."""
    for _ in range(MAX_STEPS):
        visitor.page.keyboard.press("Tab")
        found = visitor.page.evaluate(
            """() => {
              const element = document.activeElement;
              const label = element.labels?.[0]?.textContent ?? element.textContent;
              const shown = getComputedStyle(element);
              return [label.trim(), element.tagName, shown.outlineStyle, shown.outlineWidth];
            }"""
        )
        label, tag, style, width = found
        assert (style, width) != ("none", "0px"), found
        if label == name and kind in (None, tag):
            return
    raise AssertionError(f"Tab does not reach {name}")
