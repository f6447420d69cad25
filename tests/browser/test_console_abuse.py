"""What may go wrong at the console: markup that people typed, double clicks, lost replies, sessions
that end in the middle of something."""

import pytest
from playwright.sync_api import Route, expect

from tests.browser.console import IMAGE, SCRIPT, at_console, card, enrolled, main_part
from tests.browser.visitor import Visitor, account_of
from tests.stack.client import StackClient, unique

pytestmark = pytest.mark.stack

SLOW_MILLISECONDS = 1_500

LISTEN = """addEventListener("securitypolicyviolation", event => {
    (window.violated ??= []).push(event.violatedDirective)
})"""
HARM = """() => ({
    harmed: window.harmed ?? false,
    violated: window.violated ?? [],
    planted: document.querySelectorAll("main script, main img, main iframe, [onerror]").length,
})"""
UNHARMED = {"harmed": False, "violated": [], "planted": 0}


def test_markup_that_people_typed_is_shown_as_text_everywhere(
    visitor: Visitor, ledger: StackClient
) -> None:
    visitor.page.add_init_script(LISTEN)
    name = f"{IMAGE} {unique('person')}"
    person = enrolled(
        ledger, name=name, organisation=SCRIPT, tags=[IMAGE], jurisdiction=SCRIPT, phone=IMAGE
    )
    other = enrolled(ledger, name=f"{SCRIPT} {unique('person')}", organisation=IMAGE)
    for points in (3, -50):
        body = {"member_id": person.member_id, "points": points, "reason": IMAGE, "note": SCRIPT}
        ledger.post("/adjustments", body, token=ledger.staff_token, key=unique("key"))
    reward = {"name": f"{IMAGE} {unique('reward')}", "description": SCRIPT, "points": 1}
    ledger.post("/rewards", reward, token=ledger.admin_token, key=unique("key"))
    body = {"member_id": person.member_id, "action": IMAGE, "action_id": SCRIPT + name}
    ledger.post("/actions", body, token=ledger.staff_token, key=unique("key"))

    at_console(visitor, person.story, role="admin")
    for page, text in {
        person.story: (name, SCRIPT, IMAGE),
        f"{person.story}/edit": (name,),
        f"{person.story}/adjust": (name,),
        f"{person.story}/action": (name,),
        f"{person.story}/redeem": (name,),
        f"{person.story}/merge?with={other.member_id}": (name, other.name, SCRIPT, IMAGE),
        "/approvals": (name, f"Reason: {IMAGE}", f"Note: {SCRIPT}"),
        "/rewards": (reward["name"], SCRIPT),
    }.items():
        visitor.go(page)
        for each in text:
            expect(main_part(visitor)).to_contain_text(str(each))
        assert visitor.page.evaluate(HARM) == UNHARMED, page
    visitor.go("/members")
    visitor.page.get_by_label("Name, email or external id").fill(person.email)
    visitor.page.keyboard.press("Enter")
    expect(visitor.page.get_by_role("link", name=name)).to_be_visible()
    visitor.go("/enrol")
    visitor.page.get_by_label("Name").fill(name)
    visitor.page.get_by_label("Email").fill(person.email)
    visitor.page.keyboard.press("Tab")
    expect(main_part(visitor)).to_contain_text("There is already a member with this email")
    assert visitor.page.evaluate(HARM) == UNHARMED


def test_a_double_click_redeems_once_on_a_slow_line(visitor: Visitor, ledger: StackClient) -> None:
    person = enrolled(ledger, points=1200)
    at_console(visitor, f"{person.story}/redeem")
    sent: list[str] = []

    def slowly(route: Route) -> None:
        sent.append(route.request.headers["idempotency-key"])
        visitor.page.wait_for_timeout(SLOW_MILLISECONDS)
        route.continue_()

    visitor.page.route("**/redemptions", slowly)
    visitor.page.get_by_label("What for").select_option("cash")
    visitor.page.get_by_label("How much").fill("5.00")
    button = visitor.page.get_by_role("button", name="Redeem", exact=True)
    button.dblclick()
    visitor.page.get_by_label("How much").press("Enter")

    expect(card(visitor, "New redemption")).to_contain_text("500 points ($5.00) redeemed.")
    assert len(sent) == 1
    assert ledger.balance(person.member_id)["available"] == 700


def test_a_reply_that_was_lost_is_asked_for_again_and_nothing_doubles(
    visitor: Visitor, ledger: StackClient
) -> None:
    person = enrolled(ledger)
    at_console(visitor, f"{person.story}/adjust")
    keys: list[str] = []

    def lose_the_first(route: Route) -> None:
        keys.append(route.request.headers["idempotency-key"])
        if len(keys) > 1:
            route.continue_()
            return
        assert route.fetch().ok
        route.abort()

    visitor.page.route("**/adjustments", lose_the_first)
    visitor.page.get_by_label("Points", exact=True).fill("40")
    visitor.page.get_by_label("Reason").fill("for patience")
    visitor.page.get_by_role("button", name="Adjust").click()
    expect(visitor.page.get_by_role("alert")).to_contain_text("The server cannot be reached")
    visitor.page.get_by_role("button", name="Adjust").click()

    expect(visitor.page.get_by_text("40 points are available now")).to_be_visible()
    assert keys[0] == keys[1]
    assert ledger.balance(person.member_id)["available"] == 40
    visitor.problems.clear()  # the browser's own line about the reply that was lost


def test_a_session_that_ends_while_typing_loses_nothing(
    visitor: Visitor, ledger: StackClient
) -> None:
    person = enrolled(ledger)
    at_console(visitor, f"{person.story}/adjust")
    page = visitor.page
    page.get_by_label("Points", exact=True).fill("40")
    page.get_by_label("Reason").fill("typed at length")
    posted: list[str] = []

    def expired_at_first(route: Route) -> None:
        posted.append(route.request.headers["idempotency-key"])
        if len(posted) > 1:
            route.continue_()
        else:
            route.fulfill(status=401, json={"message": "Unauthorized"})

    page.route("**/adjustments", expired_at_first)
    page.context.clear_cookies()
    page.get_by_role("button", name="Adjust").click()
    dialog = page.get_by_role("dialog", name="Sign in")
    expect(dialog).to_be_visible()
    expect(page.get_by_label("Reason")).to_have_value("typed at length")
    assert visitor.violations() == []
    assert ledger.balance(person.member_id)["available"] == 0

    visitor.sign_in(account_of(visitor.stack, "staff"))

    expect(page.get_by_text("Adjusted by +40: 40 points are available now")).to_be_visible()
    assert len(posted) == 2
    assert posted[0] == posted[1]
    assert ledger.entry_types(person.member_id) == ["enrolment", "adjustment"]


def test_a_failure_can_be_tried_again(visitor: Visitor, ledger: StackClient) -> None:
    person = enrolled(ledger)
    at_console(visitor, "/members")
    visitor.page.route("**/overview", lambda route: route.abort())
    visitor.page.evaluate("route => { location.hash = route }", f"#{person.story}")
    expect(visitor.page.get_by_role("alert")).to_contain_text("The server cannot be reached")
    assert visitor.violations() == []

    visitor.page.unroute("**/overview")
    visitor.page.get_by_role("button", name="Try again").click()

    expect(visitor.page.get_by_role("heading", name=person.name)).to_be_visible()
    visitor.problems.clear()  # the browser's own line about the call that was stopped
