"""A load and what came of it: everything drained, the ledger whole, and the books met."""

import contextlib
import io
import json
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

from local.demo.client import WORK_QUEUES
from points_ledger.verify import AGREES
from points_ledger.verify import main as verify
from tests.load.traffic import CLIENTS, Traffic
from tests.stack.client import StackClient

Json = dict[str, Any]

DRAINED_SECONDS: Final = 300.0
MAX_RUNS: Final = 60
MAX_PAGES: Final = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """What a load was, and what it left.

    Attributes:
        seconds: how long each kind of request waited for a definite answer, each time.
        again: attempts without a definite answer, by status or failure.
        refused: definite refusals, by code.
        drained_seconds: from the last request until the work queues were empty.
        run: the reconciliation afterwards, as GET /integrity shows it.
        wrong: balances that differ from the books, chains that do not verify; and members with a
            difference. All empty.
    """

    lasted_seconds: float
    seconds: Mapping[str, Sequence[float]]
    again: Counter[str]
    refused: Counter[str]
    drained_seconds: float
    members: int
    entries: int
    run: Json
    wrong: tuple[str, ...]

    @property
    def requests(self) -> int:
        """All that were answered definitely."""
        return sum(map(len, self.seconds.values()))


def loaded(ledger: StackClient, *, seconds: float, members: int, seed: int) -> Loaded:
    """Put a load on the stack for so many seconds, and judge it."""
    traffic = Traffic(ledger=ledger, members=members, seed=seed)
    traffic.set_up()
    began = time.perf_counter()
    traffic.run(seconds)
    lasted = time.perf_counter() - began
    began = time.perf_counter()
    ledger.wait_for(
        "the work queues are empty",
        lambda: {name: ledger.messages_waiting(name) for name in WORK_QUEUES},
        lambda waiting: not any(waiting.values()),
        seconds=DRAINED_SECONDS,
    )
    drained = time.perf_counter() - began
    run = reconciled(ledger)
    known = list(traffic.books.accounts)
    with ThreadPoolExecutor(CLIENTS) as threads:
        chains = dict(
            zip(known, threads.map(lambda each: exported(ledger, each), known), strict=True)
        )
    wrong = [*_not_as_written(ledger, traffic), *_not_verified(chains), *_differing(run, known)]
    return Loaded(
        lasted_seconds=lasted,
        seconds=traffic.log.seconds,
        again=traffic.log.again,
        refused=traffic.log.refused,
        drained_seconds=drained,
        members=len(known),
        entries=sum(len(page["entries"]) for pages in chains.values() for page in pages),
        run=run,
        wrong=tuple(wrong),
    )


def reconciled(ledger: StackClient) -> Json:
    """The reconciliation of everything that was written, to its end."""
    for _ in range(MAX_RUNS):
        ledger.sweep("reconciliation", None)
        answer = ledger.get("/integrity", token=ledger.staff_token)
        assert answer.status_code == HTTPStatus.OK, answer.text
        integrity: Json = answer.json()
        if integrity["running"] is None:
            last: Json = integrity["last"]
            return last
    raise AssertionError(f"the reconciliation did not end in {MAX_RUNS} invocations")


def exported(ledger: StackClient, member_id: str) -> list[Json]:
    """All pages of a member's export."""
    pages: list[Json] = []
    query: dict[str, str | int] = {}
    for _ in range(MAX_PAGES):
        path = f"/members/{member_id}/export"
        answer = ledger.get(path, token=ledger.staff_token, query=query)
        assert answer.status_code == HTTPStatus.OK, answer.text
        pages.append(answer.json())
        if pages[-1]["cursor"] is None:
            return pages
        query["cursor"] = pages[-1]["cursor"]
    raise AssertionError("the pages do not end")


def _not_as_written(ledger: StackClient, traffic: Traffic) -> Iterator[str]:
    for member_id, account in traffic.books.accounts.items():
        found = ledger.balance(member_id)
        expected = {"available": account.available, "pending": account.pending, "reserved": 0}
        got = {name: found[name] for name in expected}
        if got != expected:
            yield f"{member_id} has {got} and not {expected}"


def _not_verified(chains: Mapping[str, Sequence[Json]]) -> Iterator[str]:
    with tempfile.TemporaryDirectory() as folder:
        for member_id, pages in chains.items():
            paths = [Path(folder) / f"{member_id}-{number}.json" for number in range(len(pages))]
            for path, page in zip(paths, pages, strict=True):
                path.write_text(json.dumps(page), encoding="utf-8")
            said = io.StringIO()
            with contextlib.redirect_stdout(said):
                verdict = verify([str(path) for path in paths])
            if verdict != AGREES:
                yield f"{member_id}: {said.getvalue()}"


def _differing(run: Json, members: Sequence[str]) -> Iterator[str]:
    """Members of this load that do not add up: others may have been broken by other tests."""
    for difference in run["differences"]:
        if difference["member_id"] in members:
            yield f"{difference['member_id']}: {difference['invariant']} {difference['detail']}"
