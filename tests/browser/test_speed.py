"""What a visit costs in bytes and calls; both are exact, so they are a gate."""

from collections.abc import Mapping
from typing import Any

import pytest
from playwright.sync_api import Browser

from tests.benchmarks.pages import MAX_TRANSFER_BYTES, VISITS, visit
from tests.browser.visitor import MAX_CALLS_PER_PAGE

pytestmark = pytest.mark.stack


@pytest.mark.parametrize("name", VISITS)
def test_a_first_visit_is_small(name: str, browser: Browser, stack: Mapping[str, Any]) -> None:
    found = visit(browser, stack, *VISITS[name])
    assert 0 < found.transfer_bytes <= MAX_TRANSFER_BYTES
    assert 0 < found.calls <= MAX_CALLS_PER_PAGE
