"""The catalogue as it stands in docs/faults.md.

    python -m tests.faults.document

writes it there; a test says when it has to be written again.
"""

from pathlib import Path
from typing import Final

from tests.faults.catalogue import FAULTS, Entry

DOCUMENT: Final = Path(__file__).resolve().parents[2] / "docs" / "faults.md"
BEGIN: Final = "<!-- catalogue: generated from tests/faults/catalogue.py -->"
END: Final = "<!-- end of the catalogue -->"


def rendered() -> str:
    """A table for each group, one row for each fault."""
    lines = [BEGIN, ""]
    for group in FAULTS:
        lines += [f"## {group.name}", "", "| fault | required behaviour | tests |"]
        lines += ["| --- | --- | --- |", *map(_row, group.entries), ""]
    return "\n".join([*lines, END])


def with_catalogue(text: str) -> str:
    """The document with the catalogue of today."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{rendered()}{after}"


def _row(entry: Entry) -> str:
    tests = "<br>".join(f"`{test}`" for test in entry.tests)
    return f"| {entry.fault} | {entry.required} | {tests} |"


if __name__ == "__main__":
    DOCUMENT.write_text(with_catalogue(DOCUMENT.read_text("utf-8")), "utf-8")
