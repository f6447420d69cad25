"""python -m points_ledger.verify: what the interface exports is computed again and agrees."""

import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import pytest

from local.home import ROOT
from points_ledger.verify import AGREES, DIFFERS, UNREADABLE, main
from tests.chronicle import ADA, BOB, CLEO, chronicle
from tests.chronicle import exported as exported_from
from tests.corruption import changes, corrupted, leaves
from tests.functions.deployed import Deployed, settled, sold
from tests.functions.gateway import STAFF

Json = dict[str, Any]

EXPORT: Final = "GET /members/{member_id}/export"


class Command:
    """The command line, on files in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._files = 0

    def file(self, content: object) -> str:
        self._files += 1
        path = self._folder / f"{self._files}.json"
        text = content if isinstance(content, str) else json.dumps(content)
        path.write_text(text, encoding="utf-8")
        return str(path)

    def run(self, *contents: object, programs: object = None) -> tuple[int, list[str]]:
        out = io.StringIO()
        arguments = [self.file(content) for content in contents]
        if programs is not None:
            arguments += ["--programs", self.file(programs)]
        status = main(arguments, out=out)
        return status, out.getvalue().splitlines()


@pytest.fixture
def command(tmp_path: Path) -> Command:
    return Command(tmp_path)


def exported(deployed: Deployed, member_id: str, **query: str) -> Json:
    answer = deployed.ask(EXPORT, STAFF, path={"member_id": member_id}, query=query)
    assert answer.status == 200
    return answer.body


def life(deployed: Deployed) -> str:
    """A member who earns, reserves, captures, gives back, and is refunded nothing yet."""
    member_id = deployed.enrol("C-1")
    deployed.give("C-1", 120, ticket="T-1")
    deployed.accrue(sold("30.00", id_="T-2"))
    deployed.mature(settled("T-2"))
    held = deployed.ask(
        "POST /redemptions", body={"member_id": member_id, "points": 60, "reserve": True}, key="a"
    ).body
    path = {"redemption_id": held["redemption_id"]}
    deployed.ask(
        "POST /redemptions/{redemption_id}/capture", body={"points": 40}, path=path, key="b"
    )
    deployed.ask(
        "POST /redemptions/{redemption_id}/reverse", body={"points": 10}, path=path, key="c"
    )
    return member_id


# --- What agrees ----------------------------------------------------------------------------


def test_what_the_interface_exports_agrees(deployed: Deployed, command: Command) -> None:
    member_id = life(deployed)
    export = exported(deployed, member_id)
    count = len(export["entries"])
    line = f"{member_id}: {count} entries agree, {count} recomputed"
    assert command.run(export) == (AGREES, [line])


def test_pages_are_named_in_order(deployed: Deployed, command: Command) -> None:
    member_id = life(deployed)
    pages = [exported(deployed, member_id, limit="2")]
    while pages[-1]["cursor"]:
        pages.append(exported(deployed, member_id, limit="2", cursor=pages[-1]["cursor"]))
    assert len(pages) > 2
    status, lines = command.run(*pages)
    assert (status, len(lines)) == (AGREES, 1)


def test_the_program_may_come_from_get_program(deployed: Deployed, command: Command) -> None:
    member_id = life(deployed)
    entries = exported(deployed, member_id)["entries"]
    program = deployed.ask("GET /program").body
    assert command.run(entries, programs=program)[0] == AGREES


def test_one_line_for_each_member(command: Command) -> None:
    status, lines = command.run(exported_from(chronicle(), ADA, merged=(CLEO,)))
    assert status == AGREES
    assert [line.split(":")[0] for line in lines] == [CLEO, ADA]


def test_what_cannot_be_recomputed_is_said(command: Command) -> None:
    export = exported_from(chronicle(), ADA)
    status, lines = command.run(export)
    assert status == AGREES
    reason = f"it takes over the account of {CLEO}, whose entries it needs"
    assert lines[0] == f"{ADA}: 37 entries agree, 34 recomputed"
    assert lines[1] == f"{ADA}: entry 34 not recomputed: {reason}"
    assert len(lines) == 4


# --- What differs ---------------------------------------------------------------------------


def test_the_first_entry_that_differs_is_named(deployed: Deployed, command: Command) -> None:
    member_id = life(deployed)
    export = exported(deployed, member_id)
    export["entries"][1]["pending"] += 1
    export["entries"][3]["pending"] += 1
    expected = "expected 120, found 121"
    line = f"{member_id}: entry 2 differs in pending: {expected}"
    assert command.run(export) == (DIFFERS, [line])


def test_every_field_that_the_interface_exports_is_checked(
    deployed: Deployed, command: Command
) -> None:
    member_id = life(deployed)
    export = exported(deployed, member_id)
    for place, entry in enumerate(export["entries"]):
        for path, value in leaves(entry):
            other = next(iter(changes(value)))
            entries = list(export["entries"])
            entries[place] = corrupted(entry, path, other)
            status, lines = command.run({**export, "entries": entries})
            assert status == DIFFERS, (place + 1, path)
            assert lines[0].startswith(f"{member_id}: entry {place + 1} differs in "), path


def test_a_field_of_a_merged_member_is_checked_as_well(command: Command) -> None:
    export = exported_from(chronicle(), ADA, merged=(CLEO,))
    changed = corrupted(export, ("merged", 0, "entries", 2, "actor"), "nobody")
    status, lines = command.run(changed)
    assert status == DIFFERS
    assert lines[0].startswith(f"{CLEO}: entry 3 differs in hash: ")


def test_another_balance_is_named(command: Command) -> None:
    export = exported_from(chronicle(), BOB)
    export["balance"]["lifetime"]["earned"] += 1
    status, lines = command.run(export)
    assert status == DIFFERS
    assert " differs in balance.lifetime.earned: " in lines[0]


def test_a_program_that_is_not_the_one_is_noticed(deployed: Deployed, command: Command) -> None:
    member_id = life(deployed)
    export = exported(deployed, member_id)
    export["program_versions"][0]["program"]["earning_rules"][1]["points"] = 2
    status, lines = command.run(export)
    assert status == DIFFERS
    assert lines[0].startswith(f"{member_id}: entry 2 differs in pending: expected 240")


# --- What cannot be read --------------------------------------------------------------------


@pytest.mark.parametrize("content", ["", "{", "[" * 100_000, "[]", "{}", '{"entries": 1}', "null"])
def test_what_is_no_export_is_said(
    command: Command, capsys: pytest.CaptureFixture[str], content: str
) -> None:
    assert command.run(content) == (UNREADABLE, [])
    assert capsys.readouterr().err.startswith("cannot be read: ")


def test_a_file_that_is_not_there(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["/nowhere/export.json"]) == UNREADABLE
    assert "/nowhere/export.json" in capsys.readouterr().err


def test_bytes_that_are_no_text(tmp_path: Path) -> None:
    path = tmp_path / "export.json"
    path.write_bytes(b"\xff\xfe")
    assert main([str(path)]) == UNREADABLE


# --- As it is called ------------------------------------------------------------------------


def test_it_runs_as_a_module_without_any_library(command: Command) -> None:
    """-I and -S: neither the environment nor installed packages, only the ledger itself."""
    path = command.file(exported_from(chronicle(), BOB))
    start = f"import sys; sys.path.insert(0, {str(ROOT / 'layers' / 'ledger')!r}); "
    run = "import runpy; runpy.run_module('points_ledger.verify', run_name='__main__')"
    done = subprocess.run(  # noqa: S603 - this Python, on our own file
        [sys.executable, "-I", "-S", "-c", start + run, path],
        check=False,
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (AGREES, "")
    assert done.stdout.startswith(f"{BOB}: ")
