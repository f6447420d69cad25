"""Somebody in front of a browser: signs in, looks, types, and is watched by the tests' rules."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]  # has no types
from playwright.sync_api import ConsoleMessage, Error, Page, Request, expect

from local.home import ROOT
from tests.stack.client import StackClient, unique

SCREENSHOTS: Final = ROOT / ".local" / "screenshots"
MAX_CALLS_PER_PAGE: Final = 3
PAUSE_MILLISECONDS: Final = 20
MAX_PAUSES: Final = 250
CALLS: Final = frozenset({"fetch", "xhr"})
SEEN_STATUSES: Final = ("401", "400", "403", "404", "409", "422")
"""The browser's own line about an answer that the page itself shows to the person."""


_GONE: Final = """route => new Promise(resolve => {
    if (location.hash === route) resolve();
    addEventListener("hashchange", () => resolve(), {once: true});
    location.hash = route;
})"""
"""Fulfilled after the page's own listener, which was there first, has begun to show the route."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Who can sign in with a password."""

    username: str
    password: str
    member_id: str | None = None


class Visitor:
    """A page of a browser with what happened on it.

    `problems` are errors that no page may have: an exception, a line of the console, something that
    the Content-Security-Policy stopped.
    """

    def __init__(self, page: Page, stack: Mapping[str, Any]) -> None:
        self.page = page
        self.stack = stack
        self.problems: list[str] = []
        self.calls: list[str] = []
        self._open: set[Request] = set()
        page.on("console", self._heard)
        page.on("pageerror", self._failed)
        page.on("request", self._asked)
        page.on("requestfinished", self._answered)
        page.on("requestfailed", self._answered)

    def open(self, place: str) -> None:
        """Open `portal`, `console`, or a page of them such as `portal#/history`."""
        self.page.goto(f"{self.stack['api_url']}/{place}")

    def go(self, route: str) -> None:
        """Change to another page, with its calls counted from nothing."""
        self.calls.clear()
        self.page.evaluate(_GONE, f"#{route}")
        self.settle()

    def settle(self) -> None:
        """Wait until the page has what it shows."""
        expect(self.page.locator("main h1")).to_be_visible()
        expect(self.page.locator("main .loading")).to_have_count(0)
        for _ in range(MAX_PAUSES):
            if not self._open:
                return
            self.page.wait_for_timeout(PAUSE_MILLISECONDS)
        # The browser does not tell of each call that a reload has cut off.
        self._open.clear()

    def sign_in(self, account: Account) -> None:
        dialog = self.page.get_by_role("dialog")
        dialog.get_by_label("Email or user name").fill(account.username)
        dialog.get_by_label("Password", exact=True).fill(account.password)
        dialog.get_by_role("button", name="Sign in").click()
        expect(dialog).to_have_count(0)
        self.settle()

    def enter(self, place: str, account: Account) -> None:
        """Open a place and sign in."""
        self.open(place)
        self.sign_in(account)

    def violations(self) -> list[str]:
        """What axe finds on the page as it is: rule, impact and the elements."""
        found = Axe().run(self.page)
        return [
            f"{each['id']} ({each['impact']}): {[node['target'] for node in each['nodes']]}"
            for each in found.response["violations"]
        ]

    def screenshot(self, name: str, *, full_page: bool = True) -> Path:
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        path = SCREENSHOTS / f"{name}.png"
        # A bar that stays at the top would stand in the middle of a long picture.
        self.page.evaluate("scrollTo(0, 0)")
        self.page.screenshot(path=path, full_page=full_page)
        return path

    def _heard(self, message: ConsoleMessage) -> None:
        answered = any(f"status of {status}" in message.text for status in SEEN_STATUSES)
        if message.type in {"error", "warning"} and not answered:
            self.problems.append(f"{message.type}: {message.text}")

    def _failed(self, error: Error) -> None:
        self.problems.append(f"exception: {error.message}")

    def _answered(self, request: Request) -> None:
        self._open.discard(request)

    def _asked(self, request: Request) -> None:
        if request.resource_type in CALLS:
            self._open.add(request)
            base = urlsplit(self.stack["api_url"]).path
            self.calls.append(f"{request.method} {urlsplit(request.url).path.removeprefix(base)}")


def account_of(stack: Mapping[str, Any], role: str) -> Account:
    """The admin, the staff or the member that the stack began with."""
    user = stack["users"][role]
    return Account(
        username=user["username"], password=user["password"], member_id=user.get("member_id")
    )


def account_for(ledger: StackClient, member_id: str) -> Account:
    """A new account of a member."""
    username, password = unique("person"), f"aA1-{secrets.token_urlsafe(18)}"
    pool = ledger.stack["user_pool_id"]
    ledger._create_user(pool, username, password)
    ledger.identities.admin_update_user_attributes(
        UserPoolId=pool,
        Username=username,
        UserAttributes=[{"Name": "custom:member_id", "Value": member_id}],
    )
    return Account(username=username, password=password, member_id=member_id)
