"""Notifications in the console: templates of mails, and endpoints that are told of events."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from tests.browser.visitor import MAX_CALLS_PER_PAGE, Visitor, account_of
from tests.stack.client import StackClient, unique

pytestmark = pytest.mark.stack

MAX_LOOKS = 60
"""At a list that a queue adds to, a second apart."""


@pytest.fixture
def as_shipped(ledger: StackClient) -> Iterator[None]:
    """Templates and settings are as shipped again afterwards."""
    yield
    answer = ledger.http.put(
        "/notifications/templates",
        json={
            "templates": [],
            "settings": {"quiet_hours": None, "default_language": "en"},
        },
        headers={"Authorization": f"Bearer {ledger.admin_token}"},
    )
    assert answer.status_code == 200, answer.text


def _enter(visitor: Visitor, route: str) -> None:
    visitor.enter("console", account_of(visitor.stack, "admin"))
    visitor.go(route)


@pytest.mark.usefixtures("as_shipped")
def test_a_template_is_written_seen_and_saved(visitor: Visitor) -> None:
    _enter(visitor, "/notifications")
    assert 0 < len(visitor.calls) <= MAX_CALLS_PER_PAGE, visitor.calls
    assert visitor.violations() == []
    visitor.calls.clear()
    page = visitor.page
    page.get_by_role("link", name="Change Points Redeemed in English").click()
    visitor.settle()
    assert 0 < len(visitor.calls) <= MAX_CALLS_PER_PAGE, visitor.calls
    seen = page.get_by_role("region", name="As somebody would get it")
    expect(seen.get_by_role("heading", level=3)).to_be_visible()

    page.get_by_role("textbox", name="Text", exact=True).fill("You spent <b>")
    page.get_by_role("button", name="{points}", exact=True).click()
    expect(seen.locator(".letter")).to_contain_text("You spent <b>")
    expect(seen.locator(".letter")).not_to_contain_text("{points}")
    expect(seen.locator("b")).to_have_count(0)
    visitor.screenshot("console_mail")
    assert visitor.violations() == []
    page.get_by_role("button", name="Save").click()

    row = page.get_by_role("row").filter(has_text="Points Redeemed").filter(has_text="English")
    expect(row).to_contain_text("your own")
    row.get_by_role("link").click()
    expect(page.get_by_role("textbox", name="Text", exact=True)).to_have_value(
        "You spent <b>{points}"
    )
    page.get_by_role("button", name="Back to the shipped text").click()
    page.get_by_role("button", name="Give it up").click()
    expect(row).to_contain_text("as shipped")


@pytest.mark.usefixtures("as_shipped")
def test_a_placeholder_that_the_event_has_not_is_said_at_its_field(visitor: Visitor) -> None:
    _enter(visitor, "/notifications/mails/PointsMatured/en")
    page = visitor.page

    page.get_by_label("Subject").fill("Hello {nonsense}")
    page.get_by_role("button", name="Save").click()

    expect(page.get_by_label("Subject")).to_have_attribute("aria-invalid", "true")
    expect(page.locator("form .error").first).to_contain_text("nonsense")
    expect(page.get_by_label("Subject")).to_be_focused()


@pytest.mark.usefixtures("as_shipped")
def test_another_language_and_quiet_hours_are_set(visitor: Visitor) -> None:
    _enter(visitor, "/notifications")
    page = visitor.page
    page.get_by_label("Quiet from").fill("21:00")
    page.get_by_label("Quiet to").fill("07:30")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#announcements")).to_contain_text("quiet from 21:00 to 07:30")

    page.get_by_label("Language", exact=True).fill("fr")
    page.get_by_role("button", name="Write it").click()
    expect(page.get_by_text("French")).to_be_visible()
    page.get_by_label("Subject").fill("Bonjour")
    page.get_by_role("button", name="Save").click()

    expect(page.get_by_role("row").filter(has_text="Bonjour")).to_contain_text("French")
    expect(page.get_by_label("Quiet from")).to_have_value("21:00")


def test_an_endpoint_is_added_once_with_a_secret_seen_once(visitor: Visitor) -> None:
    _enter(visitor, "/notifications/webhooks")
    assert 0 < len(visitor.calls) <= MAX_CALLS_PER_PAGE, visitor.calls
    page = visitor.page
    url = f"https://example.com/{unique('hook')}"
    page.get_by_label("Address").fill(url)
    page.get_by_label("Description").fill("<script>alert(1)</script>")
    page.get_by_text("Only some events").click()
    page.get_by_label("Points Redeemed").check()
    visitor.calls.clear()
    page.get_by_role("button", name="Add").dblclick()

    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("whsec_")
    assert visitor.violations() == []
    dialog.get_by_role("button", name="Close").click()

    assert visitor.calls.count("POST /outbound-webhooks") == 1
    row = page.get_by_role("row").filter(has_text=url)
    expect(row).to_contain_text("<script>alert(1)</script>")
    expect(row).to_contain_text("Points Redeemed")
    assert "whsec_" not in page.locator("main").inner_text()
    visitor.screenshot("console_webhooks")
    assert visitor.violations() == []

    row.get_by_role("button", name="Test").click()
    expect(page.locator("#announcements")).to_contain_text("A test event is on its way")
    visitor.calls.clear()
    row.get_by_role("link", name="Deliveries").click()
    visitor.settle()
    assert 0 < len(visitor.calls) <= MAX_CALLS_PER_PAGE, visitor.calls
    delivery = page.get_by_role("row").filter(has_text="Webhook Test")
    for _ in range(MAX_LOOKS):
        if delivery.count():
            break
        # It is sent by a queue, in its own time.
        page.wait_for_timeout(1_000)
        page.get_by_role("button", name="Look again").click()
        visitor.settle()
    expect(delivery).to_be_visible()
    assert visitor.violations() == []

    visitor.go("/notifications/webhooks")
    row.get_by_role("button", name="Remove").click()
    page.get_by_role("dialog").get_by_role("button", name="Remove").click()
    expect(row).to_have_count(0)


def test_an_address_that_may_not_be_called_is_said_at_its_field(visitor: Visitor) -> None:
    _enter(visitor, "/notifications/webhooks")
    page = visitor.page

    page.get_by_label("Address").fill("https://169.254.169.254/latest")
    page.get_by_role("button", name="Add").click()

    expect(page.get_by_label("Address")).to_have_attribute("aria-invalid", "true")
    expect(page.get_by_label("Address")).to_have_value("https://169.254.169.254/latest")
