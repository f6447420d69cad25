"""Lists: pages, their cursors, and what does not belong to them."""

import base64
import json
from dataclasses import replace
from datetime import timedelta

import pytest

from points_ledger.domain.earning import Earning, Pin, Posted
from points_ledger.domain.entry import Entry, EntryType, Posting, chain
from points_ledger.domain.identity import EarningKey, MemberId
from points_ledger.domain.sharing import whole
from points_ledger.service.ports import Append, Committed, Save
from tests.contract import shapes
from tests.contract.backends import Backend
from tests.contract.shapes import MEMBER, POSTED_AT, RECORDED_AT

EVERY: frozenset[EntryType] = frozenset()


def appended(backend: Backend, types: list[EntryType], member_id: MemberId = MEMBER) -> list[Entry]:
    """One entry of each type, oldest first."""
    made: list[Entry] = []
    for type_ in types:
        posting = Posting(type=type_, at=POSTED_AT, actor="test")
        made.append(chain(made[-1] if made else None, member_id, posting, RECORDED_AT))
    for start in range(0, len(made), 100):
        writes = [Append(entry=entry) for entry in made[start : start + 100]]
        assert backend.store.commit(writes) == Committed()
    return made


def all_pages(
    backend: Backend, limit: int, types: frozenset[EntryType] = EVERY, before: int | None = None
) -> list[list[Entry]]:
    pages: list[list[Entry]] = []
    for _ in range(100):
        page = backend.reader.entries(MEMBER, limit=limit, before=before, types=types)
        pages.append(list(page.entries))
        before = page.next_number
        if before is None:
            return pages
    raise AssertionError("the list does not end")


class TestEntries:
    def test_an_unknown_member_has_none(self, backend: Backend) -> None:
        page = backend.reader.entries(MEMBER, limit=10, before=None, types=EVERY)
        assert (page.entries, page.next_number) == ((), None)

    @pytest.mark.parametrize("limit", [1, 3, 7, 8, 100])
    def test_pages_are_newest_first_and_lose_nothing(self, backend: Backend, limit: int) -> None:
        made = appended(backend, ["accrual"] * 7)
        appended(backend, ["accrual"] * 2, MemberId(f"{MEMBER}#"))
        pages = all_pages(backend, limit)
        assert [entry for page in pages for entry in page] == made[::-1]
        assert all(0 < len(page) <= limit for page in pages)

    def test_a_page_continues_before_a_number(self, backend: Backend) -> None:
        made = appended(backend, ["accrual"] * 5)
        page = backend.reader.entries(MEMBER, limit=2, before=4, types=EVERY)
        assert (list(page.entries), page.next_number) == ([made[2], made[1]], 2)
        page = backend.reader.entries(MEMBER, limit=2, before=1, types=EVERY)
        assert (page.entries, page.next_number) == ((), None)

    @pytest.mark.parametrize("limit", [1, 2, 5])
    def test_only_the_types_asked_for(self, backend: Backend, limit: int) -> None:
        made = appended(backend, ["accrual", "maturation", "accrual", "redemption", "expiry"] * 2)
        types: frozenset[EntryType] = frozenset({"maturation", "expiry"})
        found = [entry for page in all_pages(backend, limit, types) for entry in page]
        assert found == [e for e in made[::-1] if e.posting.type in types]

    def test_rare_entries_are_found_in_a_long_history(self, backend: Backend) -> None:
        made = appended(backend, ["enrolment", *["accrual"] * 230, "expiry"])  # type: ignore[list-item]  # literals
        types: frozenset[EntryType] = frozenset({"enrolment", "expiry"})
        found = [entry for page in all_pages(backend, 10, types) for entry in page]
        assert found == [made[-1], made[0]]


def pending(number: int, member_id: MemberId = MEMBER) -> Earning:
    """One earning a day, in the order of their numbers."""
    return replace(
        shapes.purchase(1),
        key=EarningKey(source="stripe", kind="invoice", id=f"in#{9 - number}%"),
        posted_at=POSTED_AT + timedelta(days=number),
        posted={member_id: Posted(earned=10)},
    )


class TestPendingEarnings:
    @pytest.mark.parametrize("limit", [1, 2, 5, 6, 100])
    def test_pages_are_oldest_first_and_lose_nothing(self, backend: Backend, limit: int) -> None:
        made = [pending(number) for number in range(5)]
        for earning in [*made, pending(7, MemberId("mbr_other"))]:
            backend.store.commit([Save(item=earning, expected=0)])
        found: list[EarningKey] = []
        cursor = None
        for _ in range(10):
            page = backend.reader.pending_earnings(MEMBER, limit=limit, cursor=cursor)
            assert len(page.keys) <= limit
            found += page.keys
            cursor = page.cursor
            if cursor is None:
                break
        assert cursor is None
        assert found == [earning.key for earning in made]

    def test_what_has_matured_leaves_the_list(self, backend: Backend) -> None:
        backend.store.commit([Save(item=shapes.purchase(), expected=0)])
        page = backend.reader.pending_earnings(MEMBER, limit=10, cursor=None)
        assert page.keys == (shapes.INVOICE,)
        backend.store.commit([Save(item=shapes.purchase(pending=False), expected=1)])
        page = backend.reader.pending_earnings(MEMBER, limit=10, cursor=None)
        assert page.keys == ()

    def test_the_list_is_that_of_the_member_whose_points_wait(self, backend: Backend) -> None:
        latest_id = MemberId("mbr_latest")
        earning = replace(
            shapes.purchase(),
            earner_id=latest_id,
            pins={latest_id: Pin(allocation=whole(latest_id))},
            posted={MEMBER: Posted(), latest_id: Posted(earned=5)},
        )
        backend.store.commit([Save(item=earning, expected=0)])
        mine = backend.reader.pending_earnings(MEMBER, limit=10, cursor=None)
        latest = backend.reader.pending_earnings(latest_id, limit=10, cursor=None)
        assert (mine.keys, latest.keys) == ((), (shapes.INVOICE,))

    def test_a_cursor_of_another_member_is_refused(self, backend: Backend) -> None:
        for number in range(3):
            backend.store.commit([Save(item=pending(number), expected=0)])
        cursor = backend.reader.pending_earnings(MEMBER, limit=1, cursor=None).cursor
        assert cursor is not None
        with pytest.raises(ValueError, match="cursor"):
            backend.reader.pending_earnings(MemberId("mbr_other"), limit=1, cursor=cursor)

    @pytest.mark.parametrize("cursor", ["", "x", "%%%", "é", "bnVsbA==", "e30=", "a" * 5_000])
    def test_what_is_no_cursor_is_refused(self, backend: Backend, cursor: str) -> None:
        with pytest.raises(ValueError):
            backend.reader.pending_earnings(MEMBER, limit=1, cursor=cursor)

    @pytest.mark.parametrize(
        "place",
        [
            [],
            {},
            7,
            [MEMBER, "2027-01-30T00:00:00Z"],
            [MEMBER, "2027-01-30T00:00:00Z", "stripe:in_1"],
            [MEMBER, "2027-01-30T00:00:00", "stripe:invoice:in_1"],
            [MEMBER, "", "stripe:invoice:in_1"],
            [MEMBER, 7, "stripe:invoice:in_1"],
            ["mbr_other", "2027-01-30T00:00:00Z", "stripe:invoice:in_1"],
            [[MEMBER], "2027-01-30T00:00:00Z", "stripe:invoice:in_1"],
        ],
    )
    def test_a_forged_cursor_is_refused(self, dynamodb: Backend, place: object) -> None:
        text = base64.urlsafe_b64encode(json.dumps(place).encode()).decode()
        with pytest.raises(ValueError, match="not a cursor of this list"):
            dynamodb.reader.pending_earnings(MEMBER, limit=1, cursor=text)
