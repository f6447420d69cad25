"""The table as it stands in docs/security.md.

    python -m tests.authorization.document

writes it there; a test says when it has to be written again.
"""

from pathlib import Path
from typing import Final

from tests.authorization.table import CALLERS, EXPECTED, SESSIONS, SIGNED

DOCUMENT: Final = Path(__file__).resolve().parents[2] / "docs" / "security.md"
BEGIN: Final = "<!-- authorization table: generated from tests/authorization/table.py -->"
END: Final = "<!-- end of the authorization table -->"


def rendered() -> str:
    """The table in Markdown, one row per endpoint."""
    head = ["endpoint", *CALLERS]
    rows = [
        head,
        ["---", *("---:" for _ in CALLERS)],
        *(
            [f"`{route}`", *(str(row[caller]) for caller in CALLERS)]
            for route, row in EXPECTED.items()
        ),
    ]
    lines = [f"| {' | '.join(cells)} |" for cells in rows]
    signature = f"`{SIGNED}` asks for no token: the provider's signature authorises it, else 401."
    names = ", ".join(f"`{route}`" for route in sorted(SESSIONS))
    sessions = f"{names} ask for no token: a password, a mailed code or the session's cookie does."
    return "\n".join([BEGIN, "", *lines, "", signature, "", sessions, "", END])


def with_table(text: str) -> str:
    """The document with the table of today."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{rendered()}{after}"


if __name__ == "__main__":
    DOCUMENT.write_text(with_table(DOCUMENT.read_text("utf-8")), "utf-8")
