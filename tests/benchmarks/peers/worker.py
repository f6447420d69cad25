"""One process of a peer: takes a message a line on its input, answers a line on its output.

It runs in the peer's own environment, so it imports the standard library only; the peer's module
brings in what the peer is made of. `main(NAME)` serves the module `<NAME>_peer`.
"""

import importlib
import json
import os
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, Final, Protocol

KILLED: Final = 137
"""The exit code of a worker that died on purpose."""


class RefusedError(Exception):
    """The peer decided against it for good: too few points, or a key used for something else."""


class NotOfferedError(Exception):
    """The peer has nothing for this."""


class Usage(Protocol):
    """What a block used of a database that is billed by units."""

    @property
    def requests(self) -> int:
        """Calls of the client."""

    @property
    def write_units(self) -> float:
        """Write capacity."""

    @property
    def read_units(self) -> float:
        """Read capacity."""


class Death:
    """Lets the process die right after a write has become durable, and before it can answer."""

    def __init__(self) -> None:
        self._writes_left = 0

    def after(self, writes: int) -> None:
        """Die after so many writes from now; never, if it is 0."""
        self._writes_left = writes

    def wrote(self) -> None:
        """Tell that a write has become durable."""
        self._writes_left -= 1
        if self._writes_left == 0:
            os._exit(KILLED)


class Peer(Protocol):
    """What a peer can be asked for. Errors of other classes than ours mean: deliver it again."""

    def enrol(self, name: str) -> str:
        """Open an account; what it is called from now on."""

    def tell(self, message: Mapping[str, Any]) -> None:
        """Take in a fact about a purchase: posted, paid, refunded or voided."""

    def redeem(self, message: Mapping[str, Any]) -> None:
        """Spend points, once for each id."""

    def sweep(self) -> None:
        """Expire what has passed."""

    def balance(self, member: str) -> int:
        """Points available."""

    def pass_days(self, days: float, *, stored: bool) -> None:
        """Let time go by; `stored` on one worker only, where it is stored times that move."""

    def measure(self) -> AbstractContextManager[Usage | None]:
        """Count what is used inside the block, where it is billed by units."""


@dataclass(frozen=True, slots=True)
class NotMetered:
    """A peer whose database is not billed by units."""

    def measure(self) -> AbstractContextManager[Usage | None]:
        return nullcontext()


def serve(peer: Peer, death: Death, answer: Callable[[Mapping[str, Any]], None]) -> None:
    """Answer every line of the input."""
    for line in sys.stdin:
        message = json.loads(line)
        death.after(message.get("die_after", 0))
        began = time.process_time()
        reply: dict[str, Any] = {"outcome": "done"}
        # Moving the clock is the bench's work, not the peer's.
        with nullcontext() if message["do"] == "pass" else peer.measure() as usage:
            try:
                reply |= carried_out(peer, message)
            except RefusedError as error:
                reply = {"outcome": "refused", "error": str(error)}
            except NotOfferedError:
                reply = {"outcome": "not_offered"}
            except Exception as error:  # noqa: BLE001 - whatever it is, the message comes again
                reply = {"outcome": "again", "error": f"{type(error).__name__}: {error}"[:300]}
        death.after(0)
        reply["cpu"] = time.process_time() - began
        if usage is not None:
            reply["usage"] = [usage.requests, usage.write_units, usage.read_units]
        answer(reply)


def carried_out(peer: Peer, message: Mapping[str, Any]) -> dict[str, Any]:
    """Do what one message asks for; what the answer has in addition."""
    match message["do"]:
        case "enrol":
            return {"member": peer.enrol(message["member"])}
        case "redeem":
            peer.redeem(message)
        case "sweep":
            peer.sweep()
        case "balance":
            return {"balance": peer.balance(message["member"])}
        case "pass":
            peer.pass_days(message["days"], stored=message["stored"])
        case _:
            peer.tell(message)
    return {}


def main(name: str) -> None:
    """Serve until the input ends. What handlers log costs what it costs, and goes nowhere."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    with open(os.devnull, "w") as nowhere:  # noqa: PTH123 - one line less to import
        os.dup2(nowhere.fileno(), sys.stdout.fileno())

    def answer(reply: Mapping[str, Any]) -> None:
        answers.write(json.dumps(reply) + "\n")
        answers.flush()

    death = Death()
    module = importlib.import_module(f"tests.benchmarks.peers.{name}_peer")
    answer({"outcome": "ready"})
    serve(module.peer(death), death, answer)
