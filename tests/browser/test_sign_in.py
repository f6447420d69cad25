"""Signing in and out, in the portal and the console."""

import pytest
from playwright.sync_api import expect

from tests.browser.visitor import MAX_CALLS_PER_PAGE, Visitor, account_for, account_of
from tests.stack.client import StackClient

pytestmark = pytest.mark.stack


def test_a_member_signs_in_and_is_still_signed_in_after_a_reload(visitor: Visitor) -> None:
    member = account_of(visitor.stack, "member")
    visitor.enter("portal", member)
    expect(visitor.page.get_by_role("heading", name="Overview")).to_be_visible()

    visitor.calls.clear()
    visitor.page.reload()
    visitor.settle()

    expect(visitor.page.get_by_role("heading", name="Overview")).to_be_visible()
    expect(visitor.page.get_by_role("dialog")).to_have_count(0)
    assert 0 < len(visitor.calls) <= MAX_CALLS_PER_PAGE, visitor.calls


def test_a_wrong_password_is_said_and_nothing_else(visitor: Visitor) -> None:
    member = account_of(visitor.stack, "member")
    visitor.open("portal")
    dialog = visitor.page.get_by_role("dialog")
    dialog.get_by_label("Email or user name").fill(member.username)
    dialog.get_by_label("Password", exact=True).fill("not the password")
    dialog.get_by_role("button", name="Sign in").click()

    expect(dialog.get_by_role("alert")).to_contain_text("The name or the password is not right")
    assert visitor.violations() == []


def test_no_token_is_kept_where_a_script_could_find_it_later(visitor: Visitor) -> None:
    visitor.enter("portal", account_of(visitor.stack, "member"))

    stored = visitor.page.evaluate(
        "() => JSON.stringify([localStorage, sessionStorage, document.cookie])"
    )

    assert "eyJ" not in stored
    [cookie] = visitor.page.context.cookies()
    assert (cookie["name"], cookie["httpOnly"], cookie["sameSite"], cookie["secure"]) == (
        "session",
        True,
        "Strict",
        True,
    )


def test_whoever_signs_out_has_to_sign_in_again(visitor: Visitor) -> None:
    visitor.enter("portal", account_of(visitor.stack, "member"))

    visitor.page.get_by_role("button", name="Sign out").click()
    expect(visitor.page.get_by_role("dialog")).to_be_visible()
    visitor.page.reload()

    expect(visitor.page.get_by_role("dialog")).to_be_visible()
    assert visitor.page.context.cookies() == []


def test_a_member_is_not_shown_the_console(visitor: Visitor, ledger: StackClient) -> None:
    visitor.open("console")
    dialog = visitor.page.get_by_role("dialog")
    account = account_for(ledger, ledger.enrol("Somebody"))
    dialog.get_by_label("Email or user name").fill(account.username)
    dialog.get_by_label("Password", exact=True).fill(account.password)
    dialog.get_by_role("button", name="Sign in").click()

    expect(visitor.page.get_by_text("The console is for staff.")).to_be_visible()
    expect(visitor.page.get_by_role("navigation")).to_have_count(0)
