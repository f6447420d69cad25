"""The pictures of the README, taken from a local stack that has just been furnished.

python -m local within python -m tests.browser.pictures
"""

import json
import os
import sys
from pathlib import Path
from typing import Any, Final

from local import tour
from local.home import ROOT
from local.stack import STACK_FILE_VARIABLE
from tests.browser import chromium
from tests.browser.visitor import Visitor, account_of
from tests.stack.client import StackClient, unique
from tests.stack.office import adjust, made

FOLDER: Final = ROOT / "docs" / "pictures"
SIZE: Final = (1120, 860)
SETTLED_SECONDS: Final = 60.0


def main() -> int:
    """Take them."""
    stack: dict[str, Any] = json.loads(Path(os.environ[STACK_FILE_VARIABLE]).read_text())
    FOLDER.mkdir(exist_ok=True)
    tour.furnish(stack)
    member_id = stack["users"]["member"]["member_id"]
    with StackClient(stack) as ledger:
        made(adjust(ledger, member_id, 120, reason="A late delivery", key=unique("picture")))
        made(ledger.redeem(member_id, points=500, kind="gift_card"))
        ledger.wait_for(
            "the totals have counted it",
            lambda: ledger.get("/reports/liability", token=ledger.staff_token).json(),
            lambda report: report["outstanding"]["points"] > 0,
            seconds=SETTLED_SECONDS,
        )
    _take(stack, "portal", "member", "/", "portal")
    _take(stack, "console", "staff", f"/members/{member_id}", "console")
    _take(stack, "console", "staff", "/reports", "reports")
    return 0


def _take(stack: dict[str, Any], place: str, role: str, route: str, name: str) -> None:
    with chromium.launched() as browser:
        viewport = {"width": SIZE[0], "height": SIZE[1]}
        context = browser.new_context(viewport=viewport, locale="en-US")  # type: ignore[arg-type]  # a typed dictionary
        context.set_default_timeout(chromium.PATIENCE_MILLISECONDS)
        visitor = Visitor(context.new_page(), stack)
        visitor.enter(place, account_of(stack, role))
        visitor.go(route)
        visitor.page.screenshot(path=FOLDER / f"{name}.png")


if __name__ == "__main__":
    sys.exit(main())
