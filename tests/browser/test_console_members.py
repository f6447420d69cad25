"""People in the console: finding them, their story, enrolling, changing and merging them."""

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.conftest import NARROW, NewVisitor
from tests.browser.console import at_console, card, enrolled, main_part
from tests.browser.visitor import MAX_CALLS_PER_PAGE, Visitor
from tests.stack.client import StackClient, unique

pytestmark = pytest.mark.stack

MAX_TABS = 30
PAGES = ("", "/edit", "/adjust", "/action", "/redeem", "/merge")


def tab_to(wanted: Locator) -> None:
    """Press the tabulator until something has the focus."""
    for _ in range(MAX_TABS):
        wanted.page.keyboard.press("Tab")
        if wanted.evaluate("element => element === document.activeElement"):
            return
    pytest.fail(f"the keyboard does not reach {wanted}")


@pytest.mark.parametrize("by", ["name", "email", "customer_id", "member_id"])
def test_a_member_is_found_by_one_box(by: str, visitor: Visitor, ledger: StackClient) -> None:
    person = enrolled(ledger)
    term = {
        "name": person.name[:-3].upper(),
        "email": person.email.upper(),
        "customer_id": f"pos:{person.customer_id}",
        "member_id": person.member_id,
    }[by]
    at_console(visitor, "/members")
    visitor.calls.clear()

    visitor.page.get_by_label("Name, email or external id").fill(term)
    visitor.page.keyboard.press("Enter")

    expect(visitor.page.get_by_role("link", name=person.name)).to_be_visible()
    expect(visitor.page.get_by_text("One member found")).to_be_visible()
    assert len(visitor.calls) <= MAX_CALLS_PER_PAGE
    assert visitor.violations() == []


def test_who_is_not_there_is_not_found(visitor: Visitor) -> None:
    at_console(visitor, "/members")
    visitor.page.get_by_label("Name, email or external id").fill(unique("nobody"))
    visitor.page.get_by_role("button", name="Find").click()

    expect(visitor.page.get_by_text("Nobody was found")).to_be_visible()


def test_going_back_shows_what_was_found(visitor: Visitor, ledger: StackClient) -> None:
    person = enrolled(ledger)
    at_console(visitor, "/members")
    visitor.page.get_by_label("Name, email or external id").fill(person.email)
    visitor.page.keyboard.press("Enter")
    visitor.page.get_by_role("link", name=person.name).click()
    expect(visitor.page.get_by_role("heading", name=person.name)).to_be_visible()

    visitor.page.go_back()

    expect(visitor.page.get_by_role("link", name=person.name)).to_be_visible()


def test_a_member_is_found_and_adjusted_with_the_keyboard_alone(
    visitor: Visitor, ledger: StackClient
) -> None:
    person = enrolled(ledger)
    at_console(visitor, "/members")
    keyboard, page = visitor.page.keyboard, visitor.page
    expect(page.get_by_role("heading", name="Members", level=1)).to_be_focused()

    tab_to(page.get_by_label("Name, email or external id"))
    keyboard.type(person.email)
    keyboard.press("Enter")
    expect(page.get_by_role("link", name=person.name)).to_be_visible()
    tab_to(page.get_by_role("link", name=person.name))
    keyboard.press("Enter")
    expect(page.get_by_role("heading", name=person.name, level=1)).to_be_focused()
    tab_to(page.get_by_role("link", name="Adjust points"))
    keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Adjust points of")).to_be_focused()
    tab_to(page.get_by_label("Points", exact=True))
    keyboard.type("30")
    tab_to(page.get_by_label("Reason"))
    keyboard.type("for patience")
    keyboard.press("Enter")

    expect(page.get_by_text("Adjusted by +30: 30 points are available now")).to_be_visible()
    assert ledger.balance(person.member_id)["available"] == 30


def test_the_whole_story_is_one_page(visitor: Visitor, ledger: StackClient) -> None:
    person = enrolled(ledger, points=900, organisation="Jones & Sons", tags=["vip"])
    ledger.redeem(person.member_id, amount="5.00", ticket={"id": "T-1", "amount": "40.00"})
    body = {"member_id": person.member_id, "action": "signup", "action_id": person.customer_id}
    ledger.post("/actions", body, token=ledger.staff_token, key=unique("key"))
    at_console(visitor, person.story)

    expect(visitor.page.get_by_role("heading", name=person.name, level=1)).to_be_visible()
    assert 0 < len(visitor.calls) <= MAX_CALLS_PER_PAGE, visitor.calls
    shown = main_part(visitor)
    for text in ("Jones & Sons", "vip", person.email, f"pos:{person.customer_id}", "worth $4.00"):
        expect(shown).to_contain_text(text)
    expect(card(visitor, "Pending")).to_contain_text("Waits for the hold to pass")
    history = card(visitor, "History")
    expect(history).to_contain_text("3 points for every full 50.00 USD of original")
    expect(history).to_contain_text("−500 available")
    assert visitor.violations() == []

    history.get_by_label("Show").select_option("redemption")
    expect(history.get_by_role("listitem")).to_have_count(1)
    card(visitor, "Redemptions").get_by_role("button", name="Show all redemptions").click()
    expect(card(visitor, "Redemptions")).to_contain_text("on ticket T-1")
    assert visitor.violations() == []


def test_a_long_history_goes_on(visitor: Visitor, ledger: StackClient) -> None:
    person = enrolled(ledger)
    for number in range(12):
        body = {"member_id": person.member_id, "points": 1, "reason": f"number {number}"}
        ledger.post("/adjustments", body, token=ledger.staff_token, key=unique("key"))
    at_console(visitor, person.story)
    history = card(visitor, "History")
    expect(history).not_to_contain_text("number 0")

    history.get_by_role("button", name="Show more").click()

    expect(history).to_contain_text("number 0")
    expect(history).to_contain_text("Enrolled")
    expect(history.get_by_role("button", name="Show more")).to_be_hidden()


def test_a_statement_is_downloaded(visitor: Visitor, ledger: StackClient) -> None:
    person = enrolled(ledger)
    at_console(visitor, person.story)
    visitor.page.get_by_role("button", name="Statement").click()
    with visitor.page.expect_download() as download:
        visitor.page.get_by_role("button", name="Download as CSV").click()

    assert "enrolment" in download.value.path().read_text()


@pytest.mark.parametrize("page", PAGES)
def test_pages_of_a_member_are_accessible_also_on_a_phone(
    page: str, new_visitor: NewVisitor, ledger: StackClient
) -> None:
    visitor = new_visitor(size=NARROW)
    person = enrolled(ledger, points=600, organisation="A rather long name of an organisation")
    at_console(visitor, person.story + page, role="admin")

    assert 0 < len(visitor.calls) <= MAX_CALLS_PER_PAGE, visitor.calls
    assert visitor.violations() == []
    assert visitor.page.evaluate("document.documentElement.scrollWidth") <= NARROW[0]


@pytest.mark.parametrize("page", ["/members", "/enrol", "/counter", "/approvals", "/rewards"])
def test_pages_for_all_are_accessible_also_on_a_phone(page: str, new_visitor: NewVisitor) -> None:
    visitor = new_visitor(size=NARROW)
    at_console(visitor, page, role="admin")

    assert len(visitor.calls) <= MAX_CALLS_PER_PAGE, visitor.calls
    assert visitor.violations() == []
    assert visitor.page.evaluate("document.documentElement.scrollWidth") <= NARROW[0]


def test_enrolling_warns_of_who_may_be_the_same(visitor: Visitor, ledger: StackClient) -> None:
    known = enrolled(ledger)
    at_console(visitor, "/enrol")
    page, name = visitor.page, f"Zoë {unique('Person')}"
    page.get_by_label("Name").fill(known.name)
    page.get_by_label("Email").fill(known.email)
    page.get_by_label("Organisation").fill("Jones & Sons")
    expect(page.get_by_text("There is already a member with this name")).to_be_visible()
    expect(page.get_by_text("There is already a member with this email")).to_be_visible()
    assert visitor.violations() == []

    page.get_by_label("Name").fill(name)
    page.get_by_label("Email").fill("")
    page.get_by_label("External id").fill(f"pos:{unique('new')}")
    page.get_by_role("button", name="Enrol").click()

    expect(page.get_by_role("heading", name=name, level=1)).to_be_visible()
    expect(page.get_by_text(f"{name} is enrolled")).to_be_visible()


def test_enrolling_a_known_customer_shows_the_member(visitor: Visitor, ledger: StackClient) -> None:
    known = enrolled(ledger)
    at_console(visitor, "/enrol")
    visitor.page.get_by_label("Name").fill("Somebody else")
    visitor.page.get_by_label("External id").fill(f"pos:{known.customer_id}")
    visitor.page.get_by_role("button", name="Enrol").click()

    expect(visitor.page.get_by_text(f"{known.name} is a member already")).to_be_visible()


def test_a_wrong_field_is_said_at_the_field(visitor: Visitor) -> None:
    at_console(visitor, "/enrol")
    visitor.page.get_by_label("Email").fill("not an address")
    visitor.page.get_by_role("button", name="Enrol").click()

    name = visitor.page.get_by_label("Name")
    expect(name).to_be_focused()
    expect(name).to_have_attribute("aria-invalid", "true")
    expect(visitor.page.get_by_label("Email")).to_have_attribute("aria-invalid", "true")
    assert visitor.violations() == []


def test_profile_and_standing_are_changed(visitor: Visitor, ledger: StackClient) -> None:
    person = enrolled(ledger, organisation="Jones & Sons")
    at_console(visitor, f"{person.story}/edit")
    page = visitor.page
    card(visitor, "Profile").get_by_label("Phone").fill("+1 555 0100")
    card(visitor, "Profile").get_by_role("button", name="Save").click()
    expect(page.get_by_text(f"{person.name} is saved")).to_be_visible()
    expect(card(visitor, "Profile")).to_contain_text("+1 555 0100")

    visitor.go(f"{person.story}/edit")
    standing = card(visitor, "Standing")
    standing.get_by_label("Status").select_option("frozen")
    standing.get_by_label("Tags").fill("vip, early bird")
    standing.get_by_label("Organisation").fill("")
    standing.get_by_role("button", name="Save").click()
    expect(page.get_by_text("early bird")).to_be_visible()

    found = ledger.get(f"/members/{person.member_id}", token=ledger.staff_token).json()
    assert (found["status"], found["organisation"]) == ("frozen", None)
    assert found["tags"] == ["vip", "early bird"]
    assert (found["phone"], found["email"]) == ("+1 555 0100", person.email)


def test_two_members_become_one(visitor: Visitor, ledger: StackClient) -> None:
    stays, goes = enrolled(ledger, points=300), enrolled(ledger, points=600)
    at_console(visitor, f"{stays.story}/merge")
    page = visitor.page
    page.get_by_label("Name, email or external id").fill(goes.email)
    page.get_by_role("button", name="Find").click()
    page.get_by_role("link", name=goes.name).click()
    expect(page.get_by_text(f"{goes.name} passes 600 points")).to_be_visible()
    visitor.settle()
    assert visitor.violations() == []
    page.get_by_label(f"{goes.name} ({goes.member_id})").check()
    expect(page.get_by_text(f"{stays.name} passes 300 points")).to_be_visible()
    page.get_by_label(f"{stays.name} ({stays.member_id})").check()

    page.get_by_role("button", name="Merge for good").click()
    expect(page.get_by_label("Type MERGE to go on")).to_have_attribute("aria-invalid", "true")
    assert ledger.balance(stays.member_id)["available"] == 300
    page.get_by_label("Type MERGE to go on").fill("MERGE")
    page.get_by_role("button", name="Merge for good").click()

    expect(page.get_by_role("heading", name=stays.name, level=1)).to_be_visible()
    expect(card(visitor, "Profile")).to_contain_text(goes.member_id)
    assert ledger.balance(goes.member_id)["available"] == 900
    visitor.go(goes.story)
    expect(page.get_by_text("This member was merged")).to_be_visible()


def test_only_admins_may_erase_and_only_with_the_word(
    new_visitor: NewVisitor, ledger: StackClient
) -> None:
    person = enrolled(ledger, points=300)
    staff = new_visitor()
    at_console(staff, f"{person.story}/edit")
    expect(staff.page.get_by_role("button", name="Erase")).to_have_count(0)

    admin = new_visitor()
    at_console(admin, f"{person.story}/edit", role="admin")
    admin.page.get_by_role("button", name="Erase").click()
    dialog = admin.page.get_by_role("dialog")
    expect(dialog).to_contain_text("300 available")
    assert admin.violations() == []
    dialog.get_by_role("button", name="Erase").click()
    expect(dialog.get_by_label("Type ERASE")).to_have_attribute("aria-invalid", "true")
    dialog.get_by_label("Type ERASE").fill("ERASE")
    dialog.get_by_role("button", name="Erase").click()

    expect(admin.page.get_by_text("The person is erased")).to_be_visible()
    found = ledger.get(f"/members/{person.member_id}", token=ledger.staff_token).json()
    assert (found["status"], found["name"]) == ("erased", None)


def test_a_member_is_invited_to_the_portal(visitor: Visitor, ledger: StackClient) -> None:
    person = enrolled(ledger)
    at_console(visitor, person.story)
    visitor.page.get_by_role("button", name="Invite to the portal").click()
    dialog = visitor.page.get_by_role("dialog")
    expect(dialog.get_by_label("Email")).to_have_value(person.email)
    assert visitor.violations() == []
    dialog.get_by_role("button", name="Send the invitation").click()

    expect(visitor.page.get_by_text(f"{person.name} is invited")).to_be_visible()
    found = ledger.identities.list_users(
        UserPoolId=ledger.stack["user_pool_id"], Filter=f'email = "{person.email}"'
    )
    assert len(found["Users"]) == 1
