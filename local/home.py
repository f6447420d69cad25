"""Where a local stack keeps its files."""

import socket
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
"""The root of the checkout."""

TOOLS = ROOT / ".local" / "tools"
"""Environments of the tools, one folder each; made by the Makefile and kept by ``make down``."""

DEFAULT_PORT = 4566


@dataclass(frozen=True, slots=True, kw_only=True)
class Home:
    """The folder of one stack, its port, and the file that describes it to clients."""

    port: int
    folder: Path
    stack_file: Path

    @property
    def endpoint_url(self) -> str:
        """Where every service of the stack is served."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def build_cache(self) -> Path:
        """What `sam build` need not do again; kept when the stack is removed."""
        return ROOT / ".local" / "cache" / self.folder.name

    @property
    def emulator_log(self) -> Path:
        """What the emulator printed; the first place to look when it does not start."""
        return self.folder / "emulator.log"


def home_of_checkout(port: int) -> Home:
    """Return the home of the stack that ``make up`` and ``make run`` start."""
    local = ROOT / ".local"
    return Home(port=port, folder=local / "stack", stack_file=local / "stack.json")


def home_of_tests(port: int | None = None) -> Home:
    """Return the home of a stack that lives as long as a test run, on a free port by default.

    It is apart from the home of the checkout, so that tests leave a running stack alone.
    """
    chosen = free_port() if port is None else port
    folder = ROOT / ".local" / "test-stack"
    return Home(port=chosen, folder=folder, stack_file=folder / "stack.json")


def free_port() -> int:
    """Return a port that nothing listens on at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
