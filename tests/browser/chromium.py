"""Debian's Chromium, driven without a screen."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from playwright.sync_api import Browser, Playwright, expect, sync_playwright

PATIENCE_MILLISECONDS: Final = 30_000
PROGRAMS: Final = ("chromium", "chromium-browser", "google-chrome")
ARGUMENTS: Final = [
    # The tests may run as root, where the sandbox does not.
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-gpu",
    "--disable-quic",
    "--disable-sync",
    "--no-first-run",
]


@contextmanager
def launched() -> Iterator[Browser]:
    """A browser for the length of a block."""
    # Assertions wait as long as actions do; a machine that is busy is no mistake of a page.
    expect.set_options(timeout=PATIENCE_MILLISECONDS)
    with sync_playwright() as playwright:
        yield from _launched(playwright)


def _launched(playwright: Playwright) -> Iterator[Browser]:
    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    assert program is not None, "Chromium is missing: `make test` installs it"
    with playwright.chromium.launch(executable_path=program, args=ARGUMENTS) as browser:
        yield browser
