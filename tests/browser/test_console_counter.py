"""At the counter: redeeming in one and two steps, coupons, rewards, actions."""

import pytest
from playwright.sync_api import expect

from tests.browser.console import at_console, card, enrolled
from tests.browser.visitor import MAX_CALLS_PER_PAGE, Visitor
from tests.stack.client import StackClient, unique

pytestmark = pytest.mark.stack


def test_points_are_redeemed_on_a_ticket(visitor: Visitor, ledger: StackClient) -> None:
    person = enrolled(ledger, points=900)
    at_console(visitor, "/counter")
    page = visitor.page
    page.get_by_label("Name, email or external id").fill(f"pos:{person.customer_id}")
    page.keyboard.press("Enter")
    page.get_by_role("link", name=person.name).click()
    visitor.settle()
    assert len(visitor.calls) - 1 <= MAX_CALLS_PER_PAGE, visitor.calls  # one is the search
    expect(page.get_by_text("Up to $9.00 (900 points)")).to_be_visible()

    page.get_by_label("Ticket id").fill("T-7")
    page.get_by_label("Ticket amount").fill("8.00")
    expect(page.get_by_text("Up to $7.99 (799 points)")).to_be_visible()
    page.get_by_role("button", name="Use it all").click()
    expect(page.get_by_label("How much")).to_have_value("7.99")
    page.get_by_label("How much").fill("9.00")
    page.get_by_role("button", name="Redeem", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("ticket must exceed")
    page.get_by_label("How much").fill("6.50")
    page.get_by_role("button", name="Redeem", exact=True).click()

    expect(card(visitor, "New redemption")).to_contain_text("650 points ($6.50) redeemed.")
    expect(card(visitor, "Redemptions")).to_contain_text("on ticket T-7")
    expect(page.get_by_text("250 available")).to_be_visible()
    assert visitor.violations() == []
    assert ledger.balance(person.member_id)["available"] == 250


def test_points_are_reserved_captured_and_given_back(visitor: Visitor, ledger: StackClient) -> None:
    person = enrolled(ledger, points=1500)
    at_console(visitor, f"{person.story}/redeem")
    page, listed = visitor.page, card(visitor, "Redemptions")
    page.get_by_label("What for").select_option("gift_card")
    page.get_by_label("In", exact=True).select_option("points")
    page.get_by_label("How much").fill("1000")
    expect(page.get_by_text("Worth $10.00.")).to_be_visible()
    page.get_by_label("Only reserve, and finish later").check()
    page.get_by_role("button", name="Redeem", exact=True).click()
    expect(listed).to_contain_text("Reserved")
    assert ledger.balance(person.member_id)["reserved"] == 1000

    listed.get_by_role("button", name="Capture").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Points").fill("600")
    assert visitor.violations() == []
    dialog.get_by_role("button", name="Capture").click()
    expect(listed).to_contain_text("600 points spent")
    expect(page.get_by_text("900 available")).to_be_visible()

    listed.get_by_role("button", name="Reverse").click()
    expect(dialog.get_by_label("Points")).to_have_value("600")
    dialog.get_by_role("button", name="Give points back").click()
    expect(page.get_by_text("1,500 available")).to_be_visible()
    expect(listed.get_by_role("button")).to_have_count(0)


def test_a_reservation_is_cancelled(visitor: Visitor, ledger: StackClient) -> None:
    person = enrolled(ledger, points=600)
    ledger.redeem(person.member_id, points=500, kind="cash", reserve=True)
    at_console(visitor, person.story)
    card(visitor, "Redemptions").get_by_role("button", name="Cancel").click()
    visitor.page.get_by_role("button", name="Cancel it and release the points").click()

    expect(card(visitor, "Redemptions")).to_contain_text("Nothing is reserved.")
    assert ledger.amounts(person.member_id) == (0, 600, 0)


def test_a_coupon_is_made_checked_and_used_once(visitor: Visitor, ledger: StackClient) -> None:
    person = enrolled(ledger, points=600)
    at_console(visitor, f"{person.story}/redeem")
    page = visitor.page
    page.get_by_label("What for").select_option("coupon")
    page.get_by_label("How much").fill("5.00")
    page.get_by_role("button", name="Redeem", exact=True).click()
    told = card(visitor, "New redemption").get_by_text("The coupon's code is")
    code = told.inner_text().removesuffix(".").split()[-1]

    visitor.go("/counter")
    check = card(visitor, "Check a coupon")
    check.get_by_label("Coupon code").fill(code.lower().replace("-", ""))
    check.get_by_role("button", name="Check").click()
    expect(check).to_contain_text("$5.00")
    assert visitor.violations() == []
    check.get_by_role("button", name="Use", exact=True).click()
    page.get_by_role("dialog").get_by_label("Used on").fill("T-9")
    page.get_by_role("dialog").get_by_role("button", name="Use it now").click()

    expect(check).to_contain_text("Used")
    expect(check).to_contain_text("T-9")
    expect(check.get_by_role("button", name="Use", exact=True)).to_have_count(0)
    check.get_by_label("Coupon code").fill("NOT-A-CODE")
    check.get_by_role("button", name="Check").click()
    expect(check.get_by_role("alert")).not_to_be_empty()


def test_an_action_is_recorded_and_earns_once(visitor: Visitor, ledger: StackClient) -> None:
    person = enrolled(ledger)
    at_console(visitor, f"{person.story}/action")
    page = visitor.page
    for _ in range(2):
        page.get_by_label("Action").fill("signup")
        page.get_by_label("Its id").fill(person.customer_id)
        page.get_by_role("button", name="Record").click()
        expect(page.get_by_label("Its id")).to_have_value("")
        expect(page.get_by_text("Signup is recorded: 100 points are pending")).to_be_visible()

    assert visitor.violations() == []
    assert ledger.balance(person.member_id)["pending"] == 100


def test_an_admin_adds_a_reward_changes_it_and_it_is_claimed(
    visitor: Visitor, ledger: StackClient
) -> None:
    person, name = enrolled(ledger, points=600), f"Coffee {unique('cup')}"
    at_console(visitor, "/rewards", role="admin")
    page, dialog = visitor.page, visitor.page.get_by_role("dialog")
    assert 0 < len(visitor.calls) <= MAX_CALLS_PER_PAGE
    page.get_by_role("button", name="Add a reward").click()
    dialog.get_by_label("Name").fill(name)
    dialog.get_by_label("Price in points").fill("250")
    dialog.get_by_label("Worth in USD").fill("3,50")
    dialog.get_by_label("How many are left").fill("2")
    assert visitor.violations() == []
    dialog.get_by_role("button", name="Add").click()
    expect(page.get_by_text(f"{name} is in the catalogue")).to_be_visible()

    page.get_by_role("button", name=f"Edit {name}").click()
    expect(dialog.get_by_label("Worth in USD")).to_have_value("3.50")
    dialog.get_by_label("Price in points").fill("300")
    dialog.get_by_role("button", name="Save").click()
    reward = page.get_by_role("listitem").filter(has_text=name)
    expect(reward).to_contain_text("300 points")
    expect(reward).to_contain_text("2 left")
    assert visitor.violations() == []

    visitor.go(f"{person.story}/redeem")
    page.get_by_label("What for").select_option("reward")
    page.get_by_label("Reward").select_option(label=f"{name}: 300 points")
    page.get_by_role("button", name="Redeem", exact=True).click()
    expect(page.get_by_text("300 available")).to_be_visible()


def test_staff_see_the_catalogue_and_cannot_change_it(visitor: Visitor) -> None:
    at_console(visitor, "/rewards")

    expect(card(visitor, "Catalogue")).to_be_visible()
    expect(visitor.page.get_by_role("button", name="Add a reward")).to_have_count(0)
