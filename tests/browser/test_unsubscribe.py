"""The page behind the link in a mail: read, and used by the keyboard alone."""

from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest
from playwright.sync_api import expect

from points_ledger.domain.identity import MemberId
from points_ledger.domain.unsubscribing import token_of
from tests.browser.conftest import NARROW, NewVisitor
from tests.browser.visitor import Visitor
from tests.stack.client import StackClient, unique

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient

pytestmark = pytest.mark.stack


def open_link(visitor: Visitor, ledger: StackClient, member_id: str) -> None:
    """As if the link of a mail to the member had been clicked."""
    token = token_of(MemberId(member_id), mail_key(ledger))
    visitor.open(f"unsubscribe?token={quote(token)}")


def mail_key(ledger: StackClient) -> str:
    """What the stack signs links with."""
    secrets: SecretsManagerClient = ledger.session.client(
        "secretsmanager", endpoint_url=ledger.stack["endpoint_url"]
    )
    [key] = (
        each["ARN"]
        for each in secrets.list_secrets()["SecretList"]
        if "links in mails" in each.get("Description", "")
    )
    return secrets.get_secret_value(SecretId=key)["SecretString"]


def wants_mails(ledger: StackClient, member_id: str) -> bool:
    shown = ledger.get(f"/members/{member_id}", token=ledger.staff_token).json()
    return bool(shown["notifications"])


def test_a_button_ends_the_mails(new_visitor: NewVisitor, ledger: StackClient) -> None:
    visitor = new_visitor(NARROW)
    member_id = ledger.enrol("Dana", email=f"{unique('reader')}@example.com")
    open_link(visitor, ledger, member_id)

    expect(visitor.page.get_by_role("heading", level=1)).to_have_text(
        "Stop mails about your points?"
    )
    assert visitor.violations() == []
    assert wants_mails(ledger, member_id)
    button = visitor.page.get_by_role("button", name="Stop the mails")
    # That the policy lets the style through is seen by the size of what is pressed.
    box = button.bounding_box()
    assert box is not None
    assert box["height"] >= 44
    visitor.page.keyboard.press("Tab")
    expect(button).to_be_focused()
    visitor.page.keyboard.press("Enter")

    expect(visitor.page.get_by_role("heading", level=1)).to_have_text(
        "You get no more mails about your points"
    )
    assert visitor.violations() == []
    assert not wants_mails(ledger, member_id)


def test_a_link_that_was_cut_off_says_what_to_do(visitor: Visitor) -> None:
    visitor.open("unsubscribe?token=bWJy")

    expect(visitor.page.get_by_role("heading", level=1)).to_have_text("This link does not work")
    assert visitor.violations() == []
