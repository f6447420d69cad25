"""One browser for all tests of the session, a fresh context for each; all against the local stack.

A test fails on whatever its pages did wrong on the way, and leaves a picture of where it ended.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import pytest
from playwright.sync_api import Browser, BrowserContext, Route

from tests.browser import chromium
from tests.browser.visitor import Visitor
from tests.stack.client import StackClient
from tests.stack.published import Published, published_once

WIDE: Final = (1280, 900)
NARROW: Final = (360, 740)
FILES: Final = re.compile(r"/portal/[0-9a-f]{8,}/")
FOR_GOOD: Final = "immutable"

NewVisitor = Callable[..., Visitor]


@pytest.fixture(scope="session")
def ledger(stack: Mapping[str, Any]) -> Iterator[StackClient]:
    with StackClient(stack) as client:
        yield client


@pytest.fixture(scope="session", autouse=True)
def published(ledger: StackClient) -> Published:
    """The version of this session: it takes effect while other tests run."""
    return published_once(ledger)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with chromium.launched() as browser:
        yield browser


@pytest.fixture(scope="session")
def kept_files() -> Callable[[Route], None]:
    """Answers for files under a version as a browser's cache does, for the browser of each test.

    The first one is asked for; its answer may be kept for good, and is.
    """
    kept: dict[str, tuple[bytes, dict[str, str]]] = {}

    def answer(route: Route) -> None:
        url = route.request.url
        if url not in kept:
            found = route.fetch()
            if not found.ok or FOR_GOOD not in found.headers["cache-control"]:
                route.fulfill(response=found)
                return
            kept[url] = (found.body(), found.headers)
        body, headers = kept[url]
        route.fulfill(body=body, headers=headers)

    return answer


@pytest.fixture
def new_visitor(
    browser: Browser,
    stack: Mapping[str, Any],
    kept_files: Callable[[Route], None],
    request: pytest.FixtureRequest,
) -> Iterator[NewVisitor]:
    """Makes visitors: `new_visitor()`, or with a `size` such as NARROW."""
    made: list[tuple[BrowserContext, Visitor]] = []

    def make(size: tuple[int, int] = WIDE) -> Visitor:
        context = browser.new_context(
            viewport={"width": size[0], "height": size[1]}, locale="en-US", reduced_motion="reduce"
        )
        context.set_default_timeout(chromium.PATIENCE_MILLISECONDS)
        context.route(FILES, kept_files)
        visitor = Visitor(context.new_page(), stack)
        made.append((context, visitor))
        return visitor

    yield make
    name = re.sub(r"[^a-z0-9]+", "_", request.node.name.removeprefix("test_").lower()).strip("_")
    for number, (context, visitor) in enumerate(made):
        visitor.screenshot(name if number == 0 else f"{name}_{number + 1}")
        context.close()
    assert [problem for _, visitor in made for problem in visitor.problems] == []


@pytest.fixture
def visitor(new_visitor: NewVisitor) -> Visitor:
    return new_visitor()
