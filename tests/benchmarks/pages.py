"""What the pages cost a visitor: bytes, calls, first paint, and how soon a click shows.

Each visit is a fresh context with an empty cache that signs in and then loads the page once more
with nothing kept but the session. Bytes are what came over the wire, headers included, the API's
answers too. They are exact; times are Chromium's own and depend on the machine.
"""

import statistics
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from playwright.sync_api import Browser, Page

from tests.browser import chromium
from tests.browser.visitor import Visitor, account_of

ROUNDS: Final = 5
MAX_TRANSFER_BYTES: Final = 200_000
VISITS: Final[Mapping[str, tuple[str, str]]] = {
    "member portal": ("portal", "member"),
    "staff console": ("console", "staff"),
}
"""By name: the page, and who visits it."""

_PAINTED: Final = """() => performance.getEntriesByName("first-contentful-paint")[0].startTime"""
_LARGEST: Final = """() => new Promise(resolve => new PerformanceObserver(list =>
    resolve(list.getEntries().at(-1).startTime)).observe(
    {type: "largest-contentful-paint", buffered: true}))"""
_CLICKED: Final = """selector => new Promise(resolve => {
    const began = performance.now();
    document.querySelector(selector).click();
    requestAnimationFrame(() => setTimeout(() => resolve(performance.now() - began)));
})"""
_SECOND_LINK: Final = "nav li:nth-child(2) a"


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """One loading of a page; times in milliseconds."""

    transfer_bytes: int
    files: int
    calls: int
    first_paint: float
    largest_paint: float
    click_to_paint: float


def visits(stack: Mapping[str, Any], rounds: int = ROUNDS) -> dict[str, Visit]:
    """The median visit to each page, by name."""
    with chromium.launched() as browser:
        return {
            name: _median([visit(browser, stack, place, role) for _ in range(rounds)])
            for name, (place, role) in VISITS.items()
        }


def visit(browser: Browser, stack: Mapping[str, Any], place: str, role: str) -> Visit:
    """Sign in, and load a page with an empty cache."""
    with browser.new_context(locale="en-US") as context:
        first = Visitor(context.new_page(), stack)
        first.enter(place, account_of(stack, role))
        page = context.new_page()
        watched = _watched(page)
        again = Visitor(page, stack)
        again.open(place)
        again.settle()
        calls = len(again.calls)
        return Visit(
            transfer_bytes=sum(watched.values()),
            files=len(watched) - calls,
            calls=calls,
            first_paint=page.evaluate(_PAINTED),
            largest_paint=page.evaluate(_LARGEST),
            click_to_paint=page.evaluate(_CLICKED, _SECOND_LINK),
        )


def _watched(page: Page) -> dict[str, int]:
    """Bytes over the wire by request, filled in while the page loads."""
    session = page.context.new_cdp_session(page)
    session.send("Network.enable")
    session.send("Network.setCacheDisabled", {"cacheDisabled": True})
    received: dict[str, int] = {}
    schemes: dict[str, str] = {}

    def asked(event: dict[str, Any]) -> None:
        schemes[event["requestId"]] = urlsplit(event["request"]["url"]).scheme

    def finished(event: dict[str, Any]) -> None:
        if schemes.get(event["requestId"]) in {"http", "https"}:
            received[event["requestId"]] = int(event["encodedDataLength"])

    session.on("Network.requestWillBeSent", asked)
    session.on("Network.loadingFinished", finished)
    return received


def _median(found: list[Visit]) -> Visit:
    return Visit(
        transfer_bytes=max(each.transfer_bytes for each in found),
        files=max(each.files for each in found),
        calls=max(each.calls for each in found),
        first_paint=statistics.median(each.first_paint for each in found),
        largest_paint=statistics.median(each.largest_paint for each in found),
        click_to_paint=statistics.median(each.click_to_paint for each in found),
    )
