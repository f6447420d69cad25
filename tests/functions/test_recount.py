"""The recount through the function: what differs is told, and set right where that is asked for."""

from typing import Any

import pytest

from points_ledger.adapters.dynamodb.recounts import DynamoDbRecounts
from points_ledger.runtime import bootstrap
from points_ledger.service import reconciling, recounting
from tests.functions.deployed import NOW, TABLE, Context, Deploy, Deployed, program, settled, sold
from tests.functions.gateway import STAFF

Json = dict[str, Any]
DAY = "TOTALS#ledger#days 2026-09-04"
MONTH = "TOTALS#ledger#months 2026-09"
EARNED = ".earned:pending"


@pytest.fixture
def ledger(deploy: Deploy) -> Deployed:
    """Two members who have earned something, all of it counted from the stream."""
    deployed = deploy(None)
    deployed.listen()
    deployed.load(program(maturation={"hold": "P0D"}))
    for n in (1, 2):
        deployed.enrol(f"C-{n}", organisation="Acme")
        deployed.give(f"C-{n}", 400)
        deployed.accrue(sold("50.00", id_=f"P-{n}", customer=f"C-{n}", at=NOW))
    deployed.mature(settled("P-1", at=NOW))
    one, two = (deployed.linked(f"C-{n}") for n in (1, 2))
    body = {"from_member_id": one, "to_member_id": two, "points": 30}
    assert deployed.ask("POST /transfers", body=body, key="t-1").status == 201
    deployed.invoke("report_totals", {"Records": deployed.streamed(), "shardId": "shard-1"})
    deployed.clock.move(days=2)
    return deployed


def run(ledger: Deployed, context: Context | None = None, **event: object) -> tuple[int, int, int]:
    """Members recounted, totals that are wrong, and totals that were set right."""
    counts = ledger.invoke("reconciliation", event, context)
    return counts["recounted"], counts["totals_wrong"], counts["totals_healed"]


def totals(ledger: Deployed) -> Json:
    answer = ledger.ask("GET /integrity", STAFF)
    assert answer.status == 200
    return {**answer.body["totals"], "integrity": answer.body["status"]}


def lose(ledger: Deployed, *keys: str) -> None:
    """Take 50 points off counters, as if the stream had lost the entry of P-1."""
    for key in keys:
        item = dict(ledger.stored()[key])
        ledger.overwrite({**item, EARNED: {"N": str(int(item[EARNED]["N"]) - 50)}})


def test_what_was_counted_is_what_all_entries_come_to(ledger: Deployed) -> None:
    assert run(ledger) == (2, 0, 0)
    found = totals(ledger)
    assert (found["status"], found["conserved"], found["integrity"]) == ("done", True, "consistent")
    assert (found["members"], found["differing"], found["differences"]) == (2, 0, [])
    assert found["entries"] == sum(ledger.head(ledger.linked(f"C-{n}")).number for n in (1, 2))
    assert found["until"] == "2026-09-06"


def test_it_is_done_once_a_week(ledger: Deployed) -> None:
    assert run(ledger)[0] == 2
    ledger.clock.move(days=6)
    assert run(ledger)[0] == 0
    ledger.clock.move(days=1)
    assert run(ledger)[0] == 2


def test_what_two_recounts_see_is_an_alarm_and_is_set_right_when_asked_for(
    ledger: Deployed,
) -> None:
    right = ledger.stored()[DAY][EARNED], ledger.stored()[MONTH][EARNED]
    lose(ledger, DAY, MONTH)
    assert run(ledger) == (2, 0, 0), "one look is none"
    assert (totals(ledger)["differing"], totals(ledger)["integrity"]) == (1, "consistent")
    ledger.clock.move(days=7)
    assert run(ledger) == (2, 1, 0)
    assert any(each.get("totals_wrong") == [1.0] for each in ledger.printed.metrics)
    [difference] = totals(ledger)["differences"]
    assert difference == {
        "totals": "ledger days 2026-09-04",
        "missing": {"earned:pending": 50},
        "confirmed": True,
        "healed": False,
    }
    assert totals(ledger)["integrity"] == "inconsistent"
    ledger.clock.move(days=2)
    assert run(ledger, heal_totals=True) == (2, 1, 1)
    assert (ledger.stored()[DAY][EARNED], ledger.stored()[MONTH][EARNED]) == right
    assert totals(ledger)["integrity"] == "consistent"
    ledger.clock.move(days=7)
    assert run(ledger) == (2, 0, 0)


def test_a_month_that_is_over_is_set_right_by_itself(ledger: Deployed) -> None:
    right = ledger.stored()[MONTH][EARNED]
    ledger.clock.move(days=30)
    lose(ledger, MONTH)
    run(ledger)
    ledger.clock.move(days=2)
    assert run(ledger, heal_totals=True) == (2, 1, 1)
    assert ledger.stored()[MONTH][EARNED] == right


def test_a_worker_that_dies_after_mending_mends_nothing_twice(
    ledger: Deployed, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = ledger.stored()[DAY][EARNED]
    lose(ledger, DAY, MONTH)
    run(ledger)
    ledger.clock.move(days=2)
    mend = DynamoDbRecounts.mend

    def killed(*args: Any) -> bool:  # noqa: ANN401 - as it was called
        mend(*args)
        raise SystemExit

    with monkeypatch.context() as patched:
        patched.setattr(DynamoDbRecounts, "mend", killed)
        with pytest.raises(SystemExit):
            run(ledger, heal_totals=True)
    assert ledger.stored()[DAY][EARNED] == right
    run(ledger)
    assert ledger.stored()[DAY][EARNED] == right
    assert totals(ledger)["status"] == "done"


def test_points_that_come_from_nowhere_are_an_alarm(ledger: Deployed) -> None:
    """A member who got points that nobody gave: their own chain fits, the whole does not."""
    head = ledger.head(ledger.linked("C-2"))
    assert head.posting.type == "transfer"
    giver = ledger.head(ledger.linked("C-1"))
    key = {"PK": {"S": f"MEMBER#{giver.member_id}"}, "SK": {"S": f"ENTRY#{giver.number:012d}"}}
    bootstrap.dynamodb().delete_item(TableName=TABLE, Key=key)
    assert run(ledger)[1] == 1
    assert (totals(ledger)["conserved"], totals(ledger)["integrity"]) == (False, "inconsistent")


def test_who_cannot_be_read_leaves_everything_as_it_is(ledger: Deployed) -> None:
    lose(ledger, DAY, MONTH)
    before = ledger.stored()[DAY][EARNED]
    key = f"MEMBER#{ledger.linked('C-2')} ENTRY#000000000001"
    ledger.overwrite({**ledger.stored()[key], "state": {"S": "{not JSON"}})
    run(ledger)
    ledger.clock.move(days=2)
    assert run(ledger, heal_totals=True)[2] == 0
    assert (totals(ledger)["unreadable"], ledger.stored()[DAY][EARNED]) == (1, before)


def test_a_recount_goes_on_where_the_time_was_over(ledger: Deployed) -> None:
    recounted, invocations = 0, 0
    while invocations < 40:
        # Twice there is time: for a page of the reconciliation, then for one of the recount.
        recounted += run(ledger, Context(120_000, 120_000, 120_000, 120_000, 120_000, 1_000))[0]
        invocations += 1
        if totals(ledger)["status"] == "done":
            break
    assert 1 < invocations < 40
    assert (recounted, totals(ledger)["differing"]) == (2, 0)


def test_one_account_that_is_too_long_stops_neither_the_recount_nor_the_metrics(
    ledger: Deployed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recounting, "ENTRIES_PER_READ", 2)
    monkeypatch.setattr(recounting, "MAX_READS", 2)
    one = ledger.head(ledger.linked("C-1")).number
    assert one >= 4
    assert run(ledger)[0] == 2
    assert any("members_inconsistent" in each for each in ledger.printed.metrics)
    assert (totals(ledger)["status"], totals(ledger)["unreadable"]) == ("done", 2)


def test_who_is_checked_is_counted_also_where_adding_up_fails(
    ledger: Deployed, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: Any, **__: Any) -> None:  # noqa: ANN401 - as it is called
        raise OSError("down")

    monkeypatch.setattr(recounting.Recounting, "run", fails)
    with pytest.raises(OSError, match="down"):
        run(ledger)
    assert any("members_inconsistent" in each for each in ledger.printed.metrics)


def test_an_account_that_is_too_long_to_be_checked_is_told(
    ledger: Deployed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reconciling, "ENTRIES_PER_READ", 2)
    monkeypatch.setattr(reconciling, "MAX_ENTRIES", 2)
    counts = ledger.invoke("reconciliation", {})
    assert (counts["failed"], counts["differences"]) == (2, 0)
    assert any(each.get("failed") for each in ledger.printed.metrics)
