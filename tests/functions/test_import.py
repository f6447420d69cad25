"""import_members: a file is checked, imported, and imported again without doubling."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from points_ledger import import_members
from points_ledger.domain.limit import MAX_EXTERNAL_IDS_PER_MEMBER
from points_ledger.runtime import services
from tests.functions.deployed import EVENTS, TABLE, Deploy, Deployed, named_in, program

SAMPLE = EVENTS / "members_import.csv"
HEAD = "row_id,name,external_ids,points,last_day"

Run = Callable[..., tuple[int, list[str], str]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Run:
    """Run the command on a file, or on the lines of one; its status, lines and complaints."""

    def command(file: Path | str | bytes, *options: str) -> tuple[int, list[str], str]:
        path = file
        if not isinstance(file, Path):
            path = tmp_path / "members.csv"
            path.write_bytes(file if isinstance(file, bytes) else file.encode())
        capsys.readouterr()
        status = import_members.main([str(path), *options])
        printed = capsys.readouterr()
        return status, printed.out.splitlines(), printed.err

    return command


def problems(lines: list[str]) -> dict[str, str]:
    """What is told of each line that is wrong, by its number and row id."""
    told = (line.partition(": ") for line in lines if ": refused: " in line)
    return {place: text.removeprefix("refused: ") for place, _, text in told}


def test_the_sample_is_checked_then_imported_then_repeated(deployed: Deployed, run: Run) -> None:
    before = deployed.stored()
    status, lines, _ = run(SAMPLE, "--check")
    assert (status, lines[-1]) == (0, "5 rows: 5 ok; 1670 points")
    assert deployed.stored() == before

    status, lines, _ = run(SAMPLE)
    assert (status, lines[-1]) == (0, "5 rows: 4 enrolled, 1 known; 1670 points")
    dana, ngozi = deployed.member_of("C-501"), deployed.member_of("C-502")
    assert dana is not None
    assert ngozi is not None
    assert lines[:2] == [
        f"line 2, row old-1001: enrolled {dana}, opened 1250 until 2028-06-30",
        f"line 3, row old-1001-b: known {dana}, opened 300 until 2029-06-30",
    ]
    assert f"line 4, row old-1002: enrolled {ngozi}, opened 80 that never expire" in lines
    balance = deployed.balance(dana)
    assert balance["lots"] == [
        {"points": 1250, "last_day": "2028-06-30"},
        {"points": 300, "last_day": "2029-06-30"},
    ]
    assert deployed.types(dana) == ["enrolment", "opening", "opening"]

    imported = deployed.stored()
    status, lines, _ = run(SAMPLE)
    assert (status, lines[-1]) == (0, "5 rows: 5 repeated; 0 points")
    status, lines, _ = run(SAMPLE, "--check")
    assert (status, lines[-1]) == (0, "5 rows: 5 repeated; 0 points")
    assert deployed.stored() == imported


def test_what_is_imported_is_shown(deployed: Deployed, run: Run) -> None:
    run(SAMPLE)
    [dana] = deployed.ask("GET /members", query={"email": "dana@example.com"}).body["members"]
    dana.pop("member_id")
    assert dana == {
        "status": "active",
        "name": "Dana Reyes",
        "email": "dana@example.com",
        "phone": "+1 312 555 0142",
        "birthday": "1984-02-29",
        "language": None,
        "notifications": True,
        "organisation": "Reyes & Osei LLP",
        "jurisdiction": "US-IL",
        "tags": ["press", "court"],
        "tier": None,
        "earns": True,
        "referred_by": None,
        "external_ids": [
            {"source": "pos", "id": "C-501"},
            {"source": "stripe", "id": "cus_Old1001"},
        ],
        "aliases": [],
    }
    [amara] = deployed.ask("GET /members", query={"name": "okafor"}).body["members"]
    assert (amara["earns"], amara["external_ids"]) == (False, [])


def test_no_line_of_the_report_names_anybody(deployed: Deployed, run: Run) -> None:
    bad = f"{HEAD},email\nr-1,Dana Reyes,,5,2020-01-01,dana@nowhere dana\n"
    for _, lines, errors in (run(SAMPLE), run(bad), run(bad, "--check")):
        text = "\n".join([*lines, errors])
        assert named_in(text, ("Dana", "dana", "Reyes", "Osei", "@")) == []
    assert len(deployed.stored()) > 1


def test_a_run_that_stopped_is_finished_by_the_next(
    deployed: Deployed, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = "".join(f"r-{n},Dana {n},pos:C-{n},10,2028-12-31\n" for n in range(6))
    store = services.store()
    commit = store.commit
    done: list[object] = []

    def stops(writes: Any) -> object:  # noqa: ANN401 - handed on
        if len(done) == 3:
            raise KeyboardInterrupt
        done.append(writes)
        return commit(writes)

    with monkeypatch.context() as patched:
        patched.setattr(store, "commit", stops)
        with pytest.raises(KeyboardInterrupt):
            run(f"{HEAD}\n{rows}")
    status, lines, _ = run(f"{HEAD}\n{rows}")
    assert (status, lines[-1]) == (0, "6 rows: 3 enrolled, 3 repeated; 30 points")
    ids = [deployed.member_of(f"C-{n}") for n in range(6)]
    assert [deployed.balance(str(id_))["available"] for id_ in ids] == [10] * 6


BAD_ROWS = {
    "r-1,Dana,pos,,": "external_ids: an external id is written source:id",
    "r-2,Dana,,5,": "last_day: is required for points: a day, or never",
    "r-3,Dana,,,2028-12-31": "points: are required for a last day",
    "r-4,Dana,,-5,never": "points: must be a whole number from 0 to 1000000000",
    "r-5,Dana,,1.5,never": "points: must be a whole number from 0 to 1000000000",
    "r-6,Dana,,1000000001,never": "points: must be a whole number from 0 to 1000000000",
    "r-7,Dana,,5,31.12.2028": "last_day: a last day is written YYYY-MM-DD, or never",
    "r-8,Dana,,5,2026-02-30": "last_day: day is out of range for month",
    "r-9,Dana,,5,2026-09-03": "last_day: is over",
    "r-10,,,5,never": "name: is required where there is no external id",
    "r-11,Dana,pos:C-1;pos:C-2,,": "external_ids: they belong to different members",
    "r-12,Dana,,,,extra": "row: has 6 cells for 5 columns",
    "no id,Dana,,,": "row_id: source must be 1 to 64 letters, digits, '.', '_' or '-'",
    ",Dana,,,": "row_id: is required",
    f"r-13,{'x' * 1_001},,,": "name: text must have at most 1000 characters, has 1001",
    f"r-14,,{';'.join(f'p:{n}' for n in range(11))},,": "external_ids: at most 10 external ids",
}


def test_every_line_that_is_wrong_is_listed(deployed: Deployed, run: Run) -> None:
    deployed.enrol("C-1")
    deployed.enrol("C-2")
    before = deployed.stored()
    content = "\n".join([HEAD, *BAD_ROWS, "r-99,Dana,pos:C-9,5,2026-09-04", ""])
    for options in (["--check"], []):
        status, lines, _ = run(content, *options)
        assert status == 1
        assert list(problems(lines).values()) == list(BAD_ROWS.values())
        assert next(iter(problems(lines))) == "line 2, row r-1"
        if options:
            assert deployed.stored() == before
            assert lines[-1] == f"{len(BAD_ROWS) + 1} rows: 1 ok, {len(BAD_ROWS)} refused; 5 points"
    assert deployed.member_of("C-9") is not None


def test_lines_that_contradict_one_another_are_listed(deployed: Deployed, run: Run) -> None:
    deployed.enrol("C-1")
    many = [f"r-{n + 10},Dana,pos:X;pos:X-{n},," for n in range(MAX_EXTERNAL_IDS_PER_MEMBER)]
    rows = [
        "r-1,Dana,pos:A,,",
        "r-2,Dana,pos:B,,",
        "r-3,Dana,pos:A;pos:B,,",
        "r-1,Dana,pos:C,,",
        "r-4,Dana,pos:C-1;pos:D,,",
        "r-5,Dana,pos:A;pos:D,,",
        *many,
    ]
    status, lines, _ = run("\n".join([HEAD, *rows]), "--check")
    assert status == 1
    assert problems(lines) == {
        "line 4, row r-3": "external_ids: they belong to different members of this file",
        "line 5, row r-1": "row_id: is the id of an earlier row too",
        "line 7, row r-5": "external_ids: they belong to different members of this file",
        "line 17, row r-19": "external_ids: more than 10 of one member",
    }
    status, lines, _ = run("\n".join([HEAD, *rows]))
    assert list(problems(lines)) == [
        "line 4, row r-3",
        "line 5, row r-1",
        "line 7, row r-5",
        "line 17, row r-19",
    ]


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("", "has to name the columns"),
        ("name,points\nDana,5\n", "has to name the columns"),
        ("row_id,nmae\nr-1,Dana\n", "not nmae"),
        ("row_id,name,name\nr-1,Dana,Dana\n", "not one twice"),
        (b"row_id,name\nr-1,\xff\xfe\n", "not UTF-8"),
        ('row_id,name\nr-1,"Dana\n', "not CSV"),
        ('row_id,name\nr-1,"Da"na\n', "not CSV"),
    ],
)
def test_a_file_that_is_none_is_refused_as_a_whole(
    content: str | bytes, problem: str, deployed: Deployed, run: Run
) -> None:
    before = deployed.stored()
    status, lines, errors = run(content)
    assert (status, lines) == (2, [])
    assert problem in errors
    assert deployed.stored() == before


def test_a_file_that_is_not_there_is_said_so(deployed: Deployed, run: Run) -> None:
    status, _, errors = run(Path("/nowhere/members.csv"))
    assert (status, "No such file" in errors) == (2, True)
    assert deployed.stored()


def test_spreadsheets_are_read_as_they_write(deployed: Deployed, run: Run) -> None:
    content = '\ufeffrow_id,name\r\n\r\nr-1,"Dana\r\nReyes"\r\nr-2,Dana,\r\n'
    status, lines, _ = run(content)
    assert status == 1
    assert list(problems(lines)) == ["line 3, row r-1", "line 5, row r-2"]
    status, lines, _ = run("\ufeffrow_id,name\r\n\r\n r-1 , Dana Reyes \r\n")
    assert (status, lines[0][:21]) == (0, "line 3, row r-1: enro")
    assert deployed.ask("GET /members", query={"name": "dana r"}).body["members"]


def test_a_file_has_an_id_of_its_own_or_a_given_one(deployed: Deployed, run: Run) -> None:
    row = "r-1,Dana,pos:C-1,5,2028-12-31"
    run(f"{HEAD}\n{row}\n")
    _, lines, _ = run(f"{HEAD}\n{row}\n\n")
    assert "known" in lines[0], "another content is another file"
    run(f"{HEAD}\n{row}\n", "--file-id", "old-program")
    status, lines, _ = run(f"{HEAD}\n{row}\nr-2,Dana,,,\n", "--file-id", "old-program")
    assert (status, lines[-1]) == (0, "2 rows: 1 enrolled, 1 repeated; 0 points")
    status, lines, _ = run(f"{HEAD}\n{row.replace(',5,', ',6,')}\n", "--file-id", "old-program")
    assert (status, "used for another request" in lines[0]) == (1, True)
    assert deployed.balance(str(deployed.member_of("C-1")))["available"] == 15
    assert run(f"{HEAD}\n{row}\n", "--file-id", "no id")[0] == 2


def test_a_file_is_checked_without_a_table(
    cut_off: Deployed, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TABLE_NAME")
    status, lines, _ = run(SAMPLE, "--check")
    assert (status, lines[-2]) == (0, "5 rows: 5 ok; 1670 points")
    assert lines[-1].startswith("checked by itself")
    status, lines, _ = run(f"{HEAD}\nr-1,Dana,,5,2020-01-01\n", "--check")
    assert (status, problems(lines)) == (1, {"line 2, row r-1": "last_day: is over"})
    status, _, errors = run(SAMPLE)
    assert (status, "TABLE_NAME" in errors) == (2, True)
    assert cut_off.printed.text == ""


def test_a_table_that_is_not_there_is_said_so(deployed: Deployed, run: Run) -> None:
    services.store.cache_clear()
    services.programs.cache_clear()
    services.importing.cache_clear()
    status, _, errors = run(SAMPLE, "--table", "another")
    assert (status, "cannot be reached" in errors) == (2, True)
    assert deployed.stored()


def test_a_stack_without_a_program_is_said_so(deploy: Deploy, run: Run) -> None:
    deploy(None)
    status, _, errors = run(SAMPLE, "--table", TABLE)
    assert (status, "no program has been loaded" in errors) == (2, True)


def test_days_are_those_of_the_programs_zone(deploy: Deploy, run: Run) -> None:
    deployed = deploy(program(time_zone="Pacific/Kiritimati"))
    status, lines, _ = run(f"{HEAD}\nr-1,Dana,,5,2026-09-04\nr-2,Dana,,5,2026-09-05\n")
    assert (status, problems(lines)) == (1, {"line 2, row r-1": "last_day: is over"})
    assert deployed.stored()
