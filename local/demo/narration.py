"""What the person at the screen reads: steps, what was sent, what was posted, and checks.

On a terminal in colour and with a spinner while something is waited for; anywhere else as plain
lines, in ASCII where the output knows nothing else.
"""

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

Json = Mapping[str, Any]

AMOUNTS = ("pending", "available", "reserved", "debt")
INDENT = "     "


@dataclass(frozen=True, slots=True, kw_only=True)
class Mismatch:
    """A check that failed, and in which step."""

    step: str
    what: str
    expected: object
    seen: object


@dataclass(frozen=True, slots=True, kw_only=True)
class Signs:
    """The marks at the beginning of lines."""

    good: str
    bad: str
    sent: str
    rule: str
    more: str
    pause: str


FANCY = Signs(good="✓", bad="✗", sent="→", rule="─", more="…", pause="·")
PLAIN = Signs(good="ok", bad="FAILED", sent="->", rule="-", more="...", pause="-")


class Narration:
    """Tells the story, and remembers which checks failed."""

    def __init__(self) -> None:
        """Nothing is told yet."""
        self._steps = 0
        self._step = ""
        self._begun = 0
        self._passed = 0
        self.mismatches: list[Mismatch] = []
        # Long lines go on where they are: a log or a pipe has no width to be wrapped to.
        self._console = Console(highlight=False, soft_wrap=True, emoji=False)
        encoding = (sys.stdout.encoding or "ascii").lower()
        self._signs = FANCY if encoding.startswith("utf") else PLAIN

    @property
    def is_on_terminal(self) -> bool:
        """Whether a person is looking."""
        return self._console.is_terminal

    def begin(self, title: str, detail: str, *, steps: int) -> None:
        """Begin the whole; `steps` is how many there will be."""
        self._steps = steps
        self._print(f"\n[bold]{escape(title)}[/]  [dim]{escape(detail)}[/]")

    def step(self, title: str) -> None:
        """Begin a step."""
        self._begun += 1
        self._step = title
        self._print(f"\n[bold cyan]{self._begun:>2}/{self._steps}[/]  [bold]{escape(title)}[/]")

    def say(self, text: str) -> None:
        """Explain something."""
        self._print(f"{INDENT}[dim]{escape(self._ascii(text))}[/]")

    def sent(self, what: str, answer: str) -> None:
        """Tell what was sent, and what came back."""
        sign = self._signs.sent
        self._print(f"{INDENT}[blue]{sign}[/] {escape(what)}  [blue]{escape(answer)}[/]")

    def entry(self, entry: Json) -> None:
        """Show an entry that was posted."""
        self._print(f"{INDENT}[magenta]#{entry['entry']}[/] {escape(described(entry))}")

    def balance(self, name: str, balance: Json) -> None:
        """Show what somebody has now."""
        shown = [f"{balance['pending']} pending", f"[bold]{balance['available']} available[/]"]
        shown += [f"{balance[name]} {name}" for name in ("reserved", "debt") if balance[name]]
        value = balance["value"]
        shown.append(f"worth {value['amount']} {value['currency']}")
        lots = [f"{lot['points']} until {lot['last_day']}" for lot in balance["lots"]]
        tail = f"  [dim]({', '.join(lots)})[/]" if lots else ""
        pause = f" {self._signs.pause} "
        self._print(f"{INDENT}[yellow]=[/] {escape(name)}: {pause.join(shown)}{tail}")

    def check(self, what: str, *, expected: object, seen: object) -> bool:
        """Compare, and say how it came out."""
        matches = expected == seen
        if matches:
            self._passed += 1
            self._print(f"{INDENT}[green]{self._signs.good}[/] {escape(what)}: {escape(str(seen))}")
        else:
            self.mismatches.append(
                Mismatch(step=self._step, what=what, expected=expected, seen=seen)
            )
            self._print(
                f"{INDENT}[bold red]{self._signs.bad} {escape(what)}: expected "
                f"{escape(str(expected))}, seen {escape(str(seen))}[/]"
            )
        return matches

    def broke_off(self, reason: str) -> None:
        """Say that the story cannot go on."""
        self.mismatches.append(
            Mismatch(step=self._step, what="it goes on", expected="an answer", seen=reason)
        )
        self._print(f"{INDENT}[bold red]{self._signs.bad} {escape(reason)}[/]")

    def table(self, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """Show rows under headings; every column but the first two is of numbers or codes."""
        if self.is_on_terminal:
            table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
            for column in columns:
                table.add_column(column, no_wrap=True)
            for row in rows:
                table.add_row(*(Text(cell) for cell in row))
            with self._console.capture() as captured:
                self._console.print(table, soft_wrap=False)
            for line in captured.get().rstrip("\n").split("\n"):
                self._console.print(Text.from_ansi(INDENT + line))
            return
        widths = [max(len(cell) for cell in column) for column in zip(columns, *rows, strict=True)]
        for row in (columns, *rows):
            cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
            self._print(escape(f"{INDENT}{'  '.join(cells)}".rstrip()))

    @contextmanager
    def waiting(self, what: str) -> Iterator[None]:
        """Show on a terminal that something is waited for."""
        if not self.is_on_terminal:
            yield
            return
        with self._console.status(f"[dim]{escape(what)}{self._signs.more}[/]"):
            yield

    def progress(self, line: str) -> None:
        """Tell how something that takes its time comes along."""
        self._print(f"[dim]{escape(line)}[/]")

    def notice(self, line: str) -> None:
        """Say something outside of the story."""
        self._print(escape(line))

    def summary(self, seconds: float) -> bool:
        """Say how it came out; true when everything matched and every step was played."""
        rule = self._signs.rule * 60
        self._print(f"\n[dim]{rule}[/]")
        total = self._passed + len(self.mismatches)
        played = f"{self._begun} of {self._steps} steps, {seconds:.1f} seconds"
        if not self.mismatches and self._begun == self._steps:
            self._print(
                f"[bold green]{self._signs.good} Everything matched:[/] "
                f"all {total} checks, {played}."
            )
            return True
        self._print(
            f"[bold red]{self._signs.bad} {len(self.mismatches)} of {total} checks failed,[/] "
            f"{played}."
        )
        for mismatch in self.mismatches:
            self._print(
                f"  [red]{self._signs.bad}[/] {escape(mismatch.step)}: {escape(mismatch.what)}: "
                f"expected {escape(str(mismatch.expected))}, seen {escape(str(mismatch.seen))}"
            )
        return False

    def _print(self, markup: str) -> None:
        self._console.print(markup)

    def _ascii(self, text: str) -> str:
        if self._signs is FANCY:
            return text
        return text.encode("ascii", "replace").decode()


def described(entry: Json) -> str:
    """Return an entry as one line: its type, what it changed, by which rules, into which lots."""
    changes = [f"{name} {entry[name]:+}" for name in AMOUNTS if entry[name]]
    rules = [f"{rule['id']} {rule['points']:+}" for rule in entry["rules"]]
    lots = [f"{points:+} until {day}" for day, points in entry["lots"].items()]
    parts = [", ".join(changes), "; ".join(rules), ", ".join(lots)]
    detail = " | ".join(part for part in parts if part)
    return f"{entry['type']:<11} {detail}".rstrip()
