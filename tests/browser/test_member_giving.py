"""Transfers, sharing plans, rewards and coupons, and preferences in the portal."""

import re

import pytest
from playwright.sync_api import Route, expect

from tests.browser.visitor import MAX_CALLS_PER_PAGE, Visitor, account_for
from tests.stack.circle import Circle, Person
from tests.stack.client import StackClient, unique
from tests.stack.office import create_reward

pytestmark = pytest.mark.stack


@pytest.fixture
def circle(ledger: StackClient) -> Circle:
    return Circle(ledger)


def enter(visitor: Visitor, circle: Circle, person: Person, route: str) -> None:
    visitor.enter("portal", account_for(circle.ledger, person.member_id))
    visitor.go(route)
    assert 0 < len(visitor.calls) <= MAX_CALLS_PER_PAGE, visitor.calls


# --- Transfers ------------------------------------------------------------------------------


def test_points_are_given_to_a_colleague(visitor: Visitor, circle: Circle) -> None:
    giver, receiver = circle.join(300), circle.join()
    enter(visitor, circle, giver, "/transfer")
    visitor.page.get_by_label("Email of the member").fill(receiver.email)
    visitor.page.get_by_label("Points", exact=True).fill("120")
    visitor.page.get_by_label("Note").fill("happy birthday")
    visitor.page.get_by_role("button", name="Transfer").dblclick()

    main = visitor.page.get_by_role("main")
    expect(main.get_by_text("120 points were transferred.")).to_be_focused()
    expect(main.get_by_role("region", name="What you have")).to_contain_text("180 points")
    past = main.get_by_role("region", name="Your last transfers")
    expect(past.get_by_role("listitem")).to_have_count(1)
    expect(past).to_contain_text("Sent")
    circle.ledger.wait_for_amounts(receiver.member_id, available=120)
    assert visitor.violations() == []


def test_a_stranger_and_somebody_outside_are_answered_alike(
    visitor: Visitor, circle: Circle
) -> None:
    giver, outsider = circle.join(300), Circle(circle.ledger).join()
    enter(visitor, circle, giver, "/transfer")
    for email in (outsider.email, "nobody@example.com"):
        visitor.page.get_by_label("Email of the member").fill(email)
        visitor.page.get_by_label("Points", exact=True).fill("10")
        visitor.page.get_by_role("button", name="Transfer").click()
        alert = visitor.page.get_by_text("There is no such member among those with whom")
        expect(alert).to_be_visible()
        expect(visitor.page.get_by_label("Points", exact=True)).to_have_value("10")
    assert circle.ledger.amounts(giver.member_id) == (0, 300, 0)


# --- Sharing --------------------------------------------------------------------------------


def test_a_plan_is_set_changed_and_ended(visitor: Visitor, circle: Circle) -> None:
    owner, colleague = circle.join(), circle.join()
    enter(visitor, circle, owner, "/sharing")
    page = visitor.page
    plan = page.get_by_role("region", name="Your plan")
    expect(plan).to_contain_text("All that your purchases earn is yours.")
    page.get_by_label("Percent").fill("60")
    page.get_by_role("button", name="Add somebody").click()
    expect(page.get_by_label("Email")).to_be_focused()
    page.keyboard.type(colleague.email)
    page.get_by_label("Percent").last.fill("30")
    expect(page.get_by_text("Together 90 %; it has to be 100 %")).to_be_visible()
    page.get_by_role("button", name="Save the plan").click()
    expect(page.get_by_role("main").get_by_role("alert")).not_to_be_empty()
    page.get_by_label("Percent").last.fill("40")
    page.get_by_role("button", name="Save the plan").click()

    expect(plan).to_contain_text("You")
    expect(plan).to_contain_text("60 %")
    expect(plan).to_contain_text(colleague.member_id)
    assert visitor.violations() == []

    visitor.go("/")
    visitor.go("/sharing")
    for _ in range(2):
        page.get_by_role("button", name=re.compile("^Remove")).first.click()
    page.get_by_role("button", name="Save the plan").click()
    expect(plan).to_contain_text("All that your purchases earn is yours.")


# --- Rewards and coupons --------------------------------------------------------------------


MAX_PAGES = 10


def show_all_rewards(visitor: Visitor) -> None:
    """Whatever other tests have added: what is new stands last."""
    more = visitor.page.get_by_role("button", name="Show more rewards")
    for _ in range(MAX_PAGES):
        if more.count() == 0:
            return
        more.click()
        visitor.settle()


def test_a_reward_is_claimed_once_and_its_coupon_shown(visitor: Visitor, circle: Circle) -> None:
    name = unique("Voucher")
    create_reward(circle.ledger, name=name, kind="coupon", points=300, amount="4.00", stock=5)
    person = circle.join(600)
    enter(visitor, circle, person, "/rewards")
    page = visitor.page
    expect(page.get_by_text("You have no coupons.")).to_be_visible()
    show_all_rewards(visitor)
    expect(page.get_by_role("listitem").filter(has_text=name)).to_contain_text("5 left.")
    sent: list[str] = []

    def counted(route: Route) -> None:
        sent.append(route.request.headers["idempotency-key"])
        route.continue_()

    page.route(re.compile(r"/redemptions$"), counted)
    page.get_by_role("button", name=f"Claim {name}").click()
    expect(page.get_by_role("dialog")).to_contain_text("It costs 300 points.")
    page.get_by_role("button", name="Yes, claim it").dblclick(no_wait_after=True)

    outcome = page.get_by_role("region", name="What came of it")
    expect(outcome).to_contain_text("Your coupon:")
    code = outcome.locator(".code").inner_text()
    coupons = page.get_by_role("region", name="Your coupons")
    expect(coupons).to_contain_text(code)
    expect(coupons).to_contain_text("Ready to use")
    expect(coupons.get_by_role("listitem")).to_have_count(1)
    show_all_rewards(visitor)
    expect(page.get_by_role("listitem").filter(has_text=name)).to_contain_text("4 left.")
    assert len(sent) == 1
    assert visitor.violations() == []


def test_what_cannot_be_claimed_says_why(visitor: Visitor, circle: Circle) -> None:
    dear, gone, noble = unique("Dear"), unique("Gone"), unique("Noble")
    create_reward(circle.ledger, name=dear, points=900)
    create_reward(circle.ledger, name=gone, points=3, stock=0)
    create_reward(circle.ledger, name=noble, points=3, tiers=["gold"])
    enter(visitor, circle, circle.join(300), "/rewards")
    show_all_rewards(visitor)
    for name, why in (
        (dear, "600 points more are needed."),
        (gone, "Sold out."),
        (noble, "For tier Gold."),
    ):
        offer = visitor.page.get_by_role("listitem").filter(has_text=name)
        expect(offer).to_contain_text(why)
        expect(offer.get_by_role("button")).to_have_count(0)
    assert visitor.violations() == []


# --- Rules and preferences ------------------------------------------------------------------


def test_the_rules_are_told_in_plain_words(visitor: Visitor, circle: Circle) -> None:
    visitor.enter("portal", account_for(circle.ledger, circle.join().member_id))
    visitor.go("/rules")
    main = visitor.page.get_by_role("main")
    expect(main).to_contain_text("Acme Rewards: 100 points are worth $1.00.")
    expect(main.get_by_role("region", name="How you earn")).to_contain_text(
        "3 points for every full 50.00 USD of original"
    )
    expect(main.get_by_role("region", name="Tiers and what they give")).to_contain_text("silver")
    assert visitor.violations() == []


def test_preferences_are_kept(visitor: Visitor, circle: Circle) -> None:
    person = circle.join()
    enter(visitor, circle, person, "/preferences")
    page = visitor.page
    page.get_by_label("Phone").fill("+1 312 555 0142")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator("#announcements")).to_contain_text("Saved.")
    page.get_by_label("Tell me by email").uncheck()
    page.get_by_label("Language").select_option("de")
    page.get_by_role("button", name="Save mails").click()
    expect(page.get_by_role("button", name="Save mails")).to_be_enabled()
    visitor.go("/")
    visitor.go("/preferences")

    expect(page.get_by_label("Phone")).to_have_value("+1 312 555 0142")
    expect(page.get_by_label("Tell me by email")).not_to_be_checked()
    expect(page.get_by_label("Language")).to_have_value("de")
    assert visitor.violations() == []
