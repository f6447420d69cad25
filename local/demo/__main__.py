"""``python -m local.demo``, which is ``make run``: plays the main job on the local stack.

On a terminal the stack stays up afterwards until Ctrl-C. With ``ONCE`` set, or without a terminal,
it is stopped at once, and the exit code is 0 only when everything matched. Without ``ONCE`` a stack
that was running before stays running.
"""

import contextlib
import os
import signal
import sys
import time
from collections.abc import Iterator
from types import FrameType
from typing import Any

from local import emulator, stack, tour
from local.demo.client import LedgerClient
from local.demo.narration import Narration
from local.demo.story import Story
from local.error import LocalStackError
from local.home import Home

ONCE_VARIABLE = "ONCE"
ERRORS_SHOWN = 5
INTERRUPTED = 128 + signal.SIGINT


def main() -> int:
    """Play, and return the exit code."""
    signal.signal(signal.SIGTERM, _interrupt)
    narration = Narration()
    try:
        home = stack.checkout()
        with _stack(home, narration) as description:
            matched = _play(narration, description)
            if narration.is_on_terminal and sys.stdin.isatty() and not _is_once():
                _stay(narration, description)
            elif not matched:
                _show_errors(narration, home, description)
    except LocalStackError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return INTERRUPTED
    return 0 if matched else 1


@contextlib.contextmanager
def _stack(home: Home, narration: Narration) -> Iterator[dict[str, Any]]:
    """Run the stack for the length of a block.

    One that was running before is left running, unless it was to be played once.
    """
    was_running = emulator.running_process(home) is not None
    try:
        with narration.waiting("a minute or two the first time"):
            description = stack.up(home, tied_to_parent=True, report=narration.progress)
        yield description
    finally:
        if _is_once() or not was_running:
            # Asking twice must not leave half of it behind.
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            if stack.down(home):
                narration.progress("The local stack is stopped.")


def _play(narration: Narration, description: dict[str, Any]) -> bool:
    begun = time.monotonic()
    with LedgerClient(description) as client:
        story = Story(client, narration)
        narration.begin(
            "Points Ledger: the main job on the local stack",
            description["api_url"],
            steps=len(story.steps),
        )
        story.play()
    return narration.summary(time.monotonic() - begun)


def _stay(narration: Narration, description: dict[str, Any]) -> None:
    """Say where everything is, and wait for Ctrl-C."""
    tour.furnish(description)
    for line in _directions(description):
        narration.notice(line)
    with contextlib.suppress(KeyboardInterrupt):
        while True:
            signal.pause()


def _directions(description: dict[str, Any]) -> Iterator[str]:
    users, till = description["users"], description["till"]
    yield ""
    yield "The stack stays up until Ctrl-C. How to look further:"
    yield ""
    yield f"  portal  {description['portal_url']}  (sign in as member)"
    yield f"  console {description['console_url']}  (sign in as staff or admin)"
    yield f"  API     {description['api_url']}"
    yield f"  AWS     {description['endpoint_url']}  (credentials test / test)"
    for role, user in users.items():
        yield f"  {role:<7} {user['username']} / {user['password']}"
    yield f"  till    {till['client_id']} / {till['client_secret']}"
    yield ""
    yield "  make status                 all of this and more, as JSON"
    yield "  make logs FUNCTION=accrual  what a function has logged"
    yield "  make run                    the same again, with other people"
    yield ""
    yield f"  API='{description['api_url']}'"
    yield "  TOKEN=$(.venv/bin/python -m local token staff)"
    yield "  curl -s $API/program"
    yield '  curl -s -H "Authorization: Bearer $TOKEN" $API/members/<member id>/entries'


def _show_errors(narration: Narration, home: Home, description: dict[str, Any]) -> None:
    """Show what the functions complained about; the stack is about to go."""
    for function in description["functions"]:
        complaints = [line for line in stack.logged(home, function) if '"level":"ERROR"' in line]
        for line in complaints[-ERRORS_SHOWN:]:
            narration.notice(f"{function}: {line}")


def _is_once() -> bool:
    return os.environ.get(ONCE_VARIABLE, "") not in {"", "0"}


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
