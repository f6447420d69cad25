"""Importing an existing program, as an operator does: from outside, with a command."""

import os
import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path

import pytest

from local.cloud import CREDENTIALS
from local.home import ROOT
from tests.stack.client import StackClient, unique

pytestmark = pytest.mark.stack

HEAD = "row_id,name,email,organisation,external_ids,points,last_day"
LAST_DAY = date.today() + timedelta(days=700)  # noqa: DTZ011 - any day far ahead
ROWS = 120


def command(ledger: StackClient, *arguments: str) -> "subprocess.Popen[str]":
    stack = ledger.stack
    environment = {
        **os.environ,
        **CREDENTIALS,
        "AWS_ENDPOINT_URL": stack["endpoint_url"],
        "AWS_DEFAULT_REGION": stack["region"],
        "TABLE_NAME": stack["table"],
        "PYTHONPATH": str(ROOT / "layers" / "ledger"),
    }
    return subprocess.Popen(  # noqa: S603 - this interpreter, with files made here
        [sys.executable, "-m", "points_ledger.import_members", *arguments],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run(ledger: StackClient, *arguments: str) -> tuple[int, list[str]]:
    process = command(ledger, *arguments)
    out, errors = process.communicate(timeout=300)
    assert "Traceback" not in errors, errors
    return process.returncode, out.splitlines()


def written(folder: Path, rows: list[str]) -> str:
    path = folder / "members.csv"
    path.write_text("\n".join([HEAD, *rows, ""]), encoding="utf-8")
    return str(path)


def test_a_file_is_checked_imported_stopped_and_finished(
    ledger: StackClient, tmp_path: Path
) -> None:
    batch = unique("import")
    rows = [
        f"r-{n},Somebody,{batch}-{n}@example.com,{batch},pos:{batch}-{n},{n + 1},{LAST_DAY}"
        for n in range(ROWS)
    ]
    path = written(tmp_path, rows)

    status, lines = run(ledger, path, "--check")
    assert (status, lines[-1]) == (0, f"{ROWS} rows: {ROWS} ok; {ROWS * (ROWS + 1) // 2} points")
    assert ledger.member_of(f"pos:{batch}-0") is None

    process = command(ledger, path)
    assert process.stdout is not None
    assert process.stdout.readline().startswith("line 2, row r-0: enrolled")
    process.kill()
    process.communicate(timeout=60)

    status, lines = run(ledger, path)
    assert status == 0
    repeated = sum(": repeated" in line for line in lines)
    assert 1 <= repeated < ROWS, "it was stopped in the middle"
    assert sum(": enrolled" in line for line in lines) == ROWS - repeated
    for n in (0, 1, repeated, ROWS - 1):
        member_id = ledger.member_of(f"pos:{batch}-{n}")
        assert member_id is not None
        balance = ledger.balance(member_id)
        assert balance["lots"] == [{"points": n + 1, "last_day": LAST_DAY.isoformat()}]
        assert ledger.entry_types(member_id) == ["enrolment", "opening"]


def test_a_bad_file_is_told_line_by_line_and_writes_nothing(
    ledger: StackClient, tmp_path: Path
) -> None:
    member_id, customer_id = ledger.customer()
    fresh = unique("customer")
    rows = [
        f"a,Somebody,,,pos:{fresh},5,{LAST_DAY}",
        f"b,Somebody,,,pos:{fresh};pos:{customer_id},5,{LAST_DAY}",
        "c,Somebody,nobody,,,5,2020-01-01",
        "a,Somebody,,,,,",
    ]
    path = written(tmp_path, rows)
    status, lines = run(ledger, path, "--check")
    assert status == 1
    assert [": ok" in line for line in lines[:4]] == [True, False, False, False]
    assert "email: is not an email address" in lines[2]
    assert ledger.member_of(f"pos:{fresh}") is None
    assert ledger.entry_types(member_id) == ["enrolment"]
    text = "\n".join(lines)
    assert "Somebody" not in text
