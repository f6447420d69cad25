"""Writes what docs/ says of program documents from their model and from the example files.

docs/program.schema.json is the JSON Schema that GET /program/schema answers; at the end of
docs/program.md stand the examples, each with the sentences that GET /program would give.
"""

import json
from pathlib import Path
from typing import Final

from points_ledger.contracts.program import parse_program, program_schema
from points_ledger.domain.explanation import explain

ROOT: Final = Path(__file__).resolve().parents[1]
SCHEMA: Final = ROOT / "docs" / "program.schema.json"
PAGE: Final = ROOT / "docs" / "program.md"
BEGIN: Final = "<!-- examples: written by make schema from the files that they show -->"
END: Final = "<!-- end of the examples -->"

EXAMPLES: Final = (
    (
        "The program of the local stack",
        "events/program.json",
        "what `make up` starts with.",
    ),
    (
        "A salon",
        "events/programs/salon.json",
        (
            "points for services and products, a welcome on the first visit, points for booking "
            "online that wait until the visit is closed, tiers by the year of membership, one that "
            "can be bought, and rewards for coming back every month."
        ),
    ),
    (
        "A law-support firm",
        "events/programs/law_support.json",
        (
            "court reporting and transcription: points in full steps on originals that the member "
            "ordered, by the page on copies, nothing on copies of somebody else's original; an "
            "organisation with negotiated terms, jurisdictions with limits on gifts, points that "
            "become available as law firms pay, and second persons who approve."
        ),
    ),
    (
        "An online shop",
        "events/programs/online_shop.json",
        (
            "a rate on everything but shipping and vouchers, extra points by the piece, a black "
            "weekend with a cap and a budget, reviews that wait for the order, three tiers, and "
            "free shipping as a benefit."
        ),
    ),
)
"""Title, file, and what it is about."""


def schema_text() -> str:
    """The schema as it stands in the file."""
    return json.dumps(program_schema(), indent=2) + "\n"


def examples_text() -> str:
    """The examples as they stand in the page."""
    return "\n".join([BEGIN, "", *(_example(*each) for each in EXAMPLES), END])


def with_examples(page: str) -> str:
    """The page with the examples of today."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{examples_text()}{after}"


def _example(title: str, path: str, about: str) -> str:
    text = (ROOT / path).read_text(encoding="utf-8")
    sentences = [f"- {each}" for each in explain(parse_program(json.loads(text), 1))]
    intro = f"### {title}\n[`{path}`](../{path}): {about} In sentences:"
    return "\n".join([intro, "", *sentences, "", f"```json\n{text}```", ""])


if __name__ == "__main__":
    SCHEMA.write_text(schema_text(), encoding="utf-8")
    PAGE.write_text(with_examples(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
