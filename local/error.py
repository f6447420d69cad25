"""Errors of the local stack.

``LocalStackError``
    ├── ``PortTakenError``
    ├── ``StackNotRunningError``
    ├── ``EmulatorError``
    └── ``StepError``
"""

from pathlib import Path


class LocalStackError(Exception):
    """The local stack cannot do what it was asked; the text says why and what helps."""


class PortTakenError(LocalStackError):
    """Something else listens on the port."""

    def __init__(self, port: int) -> None:
        """Name the port."""
        super().__init__(
            f"Port {port} is taken by another program. Stop it, or choose another port: "
            "PORT=4600 make up"
        )
        self.port = port


class StackNotRunningError(LocalStackError):
    """No stack runs here."""

    def __init__(self) -> None:
        """Say how to start one."""
        super().__init__("The local stack is not running; `make up` starts it.")


class EmulatorError(LocalStackError):
    """The emulator did not start, or did not stop."""

    def __init__(self, what: str, log: Path) -> None:
        """Give the last lines of the emulator's log with what happened."""
        text = log.read_text(errors="replace") if log.exists() else ""
        super().__init__("\n".join([what, *text.splitlines()[-20:]]))
        self.log = log


class StepError(LocalStackError):
    """A step of bringing the stack up failed."""

    def __init__(self, step: str, detail: str) -> None:
        """Name the step and what it printed or answered."""
        super().__init__(f"{step} failed:\n{detail}")
        self.step = step
