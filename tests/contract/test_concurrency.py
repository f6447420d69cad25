"""Many writers of one chain at once: every entry is there once, and the chain has no gap."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from points_ledger.domain.entry import Entry, Posting, chain
from points_ledger.domain.identity import MemberId
from points_ledger.domain.replay import replay
from points_ledger.service.ports import (
    Append,
    Committed,
    Create,
    HeadKey,
    Request,
    RequestKey,
    Store,
    Write,
)
from tests.contract.backends import Backend
from tests.contract.shapes import MEMBER, POSTED_AT, RECORDED_AT

WRITERS = 16
ENTRIES_EACH = 10
MAX_ATTEMPTS = 2_000


def posted(store: Store, writer: int, *, with_request: bool) -> list[str]:
    """Append entries one after the other, adopting whatever a rival wrote first."""
    head = store.head(MEMBER)
    keys: list[str] = []
    for number in range(ENTRIES_EACH):
        key = f"{writer}-{number}"
        posting = Posting(
            type="accrual", at=POSTED_AT, pending=1, counters={"earned": 1}, actor=key
        )
        for _ in range(MAX_ATTEMPTS):
            entry = chain(head, MEMBER, posting, RECORDED_AT)
            writes: list[Write] = [Append(entry=entry)]
            if with_request:
                request = RequestKey(caller="test", key=key)
                writes.append(Create(item=Request(key=request, fingerprint="", result="")))
            outcome = store.commit(writes)
            if isinstance(outcome, Committed):
                head = entry
                keys.append(key)
                break
            winner = outcome.returned.get(HeadKey(member_id=MEMBER))
            head = winner if isinstance(winner, Entry) else store.head(MEMBER)
    return keys


def whole_chain(backend: Backend, member_id: MemberId) -> Sequence[Entry]:
    entries: list[Entry] = []
    before = None
    while True:
        page = backend.reader.entries(member_id, limit=100, before=before, types=frozenset())
        entries += page.entries
        before = page.next_number
        if before is None:
            return entries[::-1]


class TestManyWriters:
    def test_single_puts_leave_one_whole_chain(self, concurrent: Backend) -> None:
        self.post_at_once(concurrent, with_request=False)

    def test_transactions_leave_one_whole_chain(self, concurrent: Backend) -> None:
        self.post_at_once(concurrent, with_request=True)

    def post_at_once(self, backend: Backend, *, with_request: bool) -> None:
        with ThreadPoolExecutor(WRITERS) as threads:
            made = threads.map(
                lambda writer: posted(backend.store, writer, with_request=with_request),
                range(WRITERS),
            )
            expected = sorted(key for keys in made for key in keys)
        entries = whole_chain(backend, MEMBER)
        assert len(expected) == WRITERS * ENTRIES_EACH
        assert sorted(entry.posting.actor for entry in entries) == expected
        assert replay(entries).pending == WRITERS * ENTRIES_EACH
