"""Stocks, lists, free texts and whatever is saved again: what the stores and readers promise."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest

from points_ledger.domain.identity import (
    ApprovalId,
    CouponCode,
    EarningKey,
    MemberId,
    RedemptionId,
    RewardId,
    SimulationId,
)
from points_ledger.service.ports import (
    Append,
    Approval,
    Committed,
    Coupon,
    Create,
    Draw,
    HeadKey,
    Item,
    ItemKey,
    Listed,
    ListName,
    Lost,
    Note,
    PendingShare,
    Profile,
    ProfileKey,
    Put,
    Redemption,
    Remove,
    Reward,
    Save,
    Simulation,
    Stock,
    StockKey,
    Write,
)
from tests.contract import shapes
from tests.contract.backends import Backend
from tests.contract.shapes import CUSTOMER, INVOICE, MEMBER, POSTED_AT, RECORDED_AT
from tests.contract.test_store import appended, link, profile, redemption, rival

FRIEND = MemberId("mbr_friend")
REWARD = RewardId("rwd_#1")
STOCK = StockKey(reward_id=REWARD)

Versioned = Redemption | Approval | Reward | Coupon | Profile | Simulation


def approval() -> Approval:
    return Approval(
        approval_id=ApprovalId("apr_#1"),
        kind="adjustment",
        member_id=MEMBER,
        points=501,
        requested_by="sam",
        subject="adj_1",
        created_at=RECORDED_AT,
    )


def reward() -> Reward:
    return Reward(
        reward_id=REWARD, name="Köln mug", points=50, is_limited=True, created_at=RECORDED_AT
    )


def coupon() -> Coupon:
    return Coupon(
        code=CouponCode("7Q2M-0XKC-9D4T-HB3F-W"),
        member_id=MEMBER,
        redemption_id=RedemptionId("rdm_1"),
        points=50,
        amount="0.50",
        currency="USD",
        last_day=RECORDED_AT.date(),
        created_at=RECORDED_AT,
    )


def simulation() -> Simulation:
    return Simulation(
        simulation_id=SimulationId("sim_#1"),
        begins=POSTED_AT,
        ends=RECORDED_AT,
        compared_at=RECORDED_AT,
        created_at=RECORDED_AT,
        requested_by="sam",
    )


def changed(item: Versioned) -> Versioned:
    """Another version of the same item."""
    match item:
        case Redemption():
            return replace(item, status="reversed", reversed=500)
        case Approval():
            return replace(item, status="approved", decided_by="kim", decided_at=RECORDED_AT)
        case Reward():
            return replace(item, name="Cup", is_active=False)
        case Coupon():
            return replace(item, status="used", used_at=RECORDED_AT, used_on="T-1")
        case Profile():
            return replace(item, name=None)
        case Simulation():
            return replace(item, shard=3, cursor="c", tally='{"members":7}')


VERSIONED: tuple[Versioned, ...] = (
    *(redemption(), approval(), reward(), coupon(), profile(), simulation()),
)
each_kind = pytest.mark.parametrize("item", VERSIONED, ids=lambda item: type(item).__name__)


def read(backend: Backend, key: ItemKey) -> Item | None:
    return backend.store.get([key]).get(key)


def stocked(backend: Backend, remaining: int) -> None:
    stock = Stock(reward_id=REWARD, remaining=remaining)
    assert backend.store.commit([Put(item=stock)]) == Committed()


class TestSavingAgain:
    @each_kind
    def test_created_and_saved_twice(self, backend: Backend, item: Versioned) -> None:
        assert backend.store.commit([Create(item=item)]) == Committed()
        assert read(backend, item.key) == item
        other = changed(item)
        assert backend.store.commit([Save(item=other, expected=1)]) == Committed()
        assert read(backend, item.key) == replace(other, revision=2)
        assert backend.store.commit([Save(item=item, expected=2)]) == Committed()
        assert read(backend, item.key) == replace(item, revision=3)

    @each_kind
    @pytest.mark.parametrize("expected", [0, 1, 3])
    def test_over_another_revision_nothing_is_stored(
        self, backend: Backend, item: Versioned, expected: int
    ) -> None:
        backend.store.commit([Create(item=item)])
        backend.store.commit([Save(item=item, expected=1)])
        stored = replace(item, revision=2)
        outcome = backend.store.commit([Save(item=changed(item), expected=expected)])
        assert outcome == Lost(returned={item.key: stored})
        assert read(backend, item.key) == stored

    @each_kind
    def test_what_is_absent_has_no_revision(self, backend: Backend, item: Versioned) -> None:
        outcome = backend.store.commit([Save(item=item, expected=1)])
        assert outcome == Lost(returned={item.key: None})
        assert backend.store.commit([Save(item=item, expected=0)]) == Committed()
        assert read(backend, item.key) == replace(item, revision=1)

    @each_kind
    def test_it_is_created_once(self, backend: Backend, item: Versioned) -> None:
        backend.store.commit([Create(item=item)])
        outcome = backend.store.commit([Create(item=changed(item))])
        assert outcome == Lost(returned={item.key: item})

    @pytest.mark.parametrize("item", [redemption(), profile()], ids=["redemption", "profile"])
    def test_an_item_of_before_revisions_is_saved_as_the_first(
        self, dynamodb: Backend, item: Redemption | Profile
    ) -> None:
        dynamodb.store.commit([Create(item=item)])
        assert dynamodb.client is not None
        [stored] = dynamodb.client.scan(TableName=dynamodb.table_name)["Items"]
        del stored["revision"]
        dynamodb.client.put_item(TableName=dynamodb.table_name, Item=stored)
        assert read(dynamodb, item.key) == item
        assert dynamodb.store.commit([Save(item=changed(item), expected=1)]) == Committed()
        assert read(dynamodb, item.key) == replace(changed(item), revision=2)

    def test_beside_other_writes_all_or_nothing_is_stored(self, backend: Backend) -> None:
        before = appended(backend, 1)[0]
        backend.store.commit([Create(item=approval())])
        place = Listed(list="approvals", partition="open", sort="1", id="apr_#1")
        backend.store.commit([Put(item=place)])
        late: list[Write] = [
            Save(item=changed(approval()), expected=7),
            Remove(item=place),
            Put(item=replace(place, partition="approved")),
            Put(item=Note(member_id=MEMBER, id="n", text="t", salt="s")),
        ]
        assert backend.store.commit(late) == Lost(returned={approval().key: approval()})
        assert listed(backend, "approvals", "open") == ["apr_#1"]
        assert listed(backend, "approvals", "approved") == []
        assert list(backend.reader.notes(MEMBER)) == []
        assert backend.store.head(MEMBER) == before


class TestDrawing:
    def test_down_to_nothing_and_no_further(self, backend: Backend) -> None:
        stocked(backend, 3)
        drawn = Draw(key=STOCK, quantity=1)
        assert [backend.store.commit([drawn]) for _ in range(3)] == [Committed()] * 3
        empty = Stock(reward_id=REWARD, remaining=0)
        assert backend.store.commit([drawn]) == Lost(returned={STOCK: empty})
        assert read(backend, STOCK) == empty

    def test_more_than_is_left_is_not_drawn_in_part(self, backend: Backend) -> None:
        stocked(backend, 3)
        stock = Stock(reward_id=REWARD, remaining=3)
        assert backend.store.commit([Draw(key=STOCK, quantity=4)]) == Lost(returned={STOCK: stock})
        assert read(backend, STOCK) == stock

    def test_some_can_be_put_back(self, backend: Backend) -> None:
        stocked(backend, 0)
        assert backend.store.commit([Draw(key=STOCK, quantity=-1)]) == Committed()
        assert read(backend, STOCK) == Stock(reward_id=REWARD, remaining=1)

    def test_from_a_stock_that_is_not_there_nothing_is_drawn_or_put_back(
        self, backend: Backend
    ) -> None:
        for quantity in (1, -1):
            outcome = backend.store.commit([Draw(key=STOCK, quantity=quantity)])
            assert outcome == Lost(returned={STOCK: None})
        assert read(backend, STOCK) is None

    def test_a_stock_can_be_set_whatever_it_is(self, backend: Backend) -> None:
        for remaining in (5, 0, 2):
            stocked(backend, remaining)
            assert read(backend, STOCK) == Stock(reward_id=REWARD, remaining=remaining)

    def test_the_reward_beside_it_is_another_item(self, backend: Backend) -> None:
        stocked(backend, 1)
        backend.store.commit([Create(item=reward())])
        backend.store.commit([Draw(key=STOCK, quantity=1)])
        assert backend.store.get([reward().key, STOCK]) == {
            reward().key: reward(),
            STOCK: Stock(reward_id=REWARD, remaining=0),
        }

    def test_with_other_writes_all_or_nothing_is_stored(self, backend: Backend) -> None:
        first, second = appended(backend, 2)
        stocked(backend, 1)
        writes: list[Write] = [Create(item=coupon()), Draw(key=STOCK, quantity=2)]
        one_left = Stock(reward_id=REWARD, remaining=1)
        assert backend.store.commit(writes) == Lost(returned={STOCK: one_left})
        assert read(backend, coupon().key) is None
        lost = backend.store.commit([Draw(key=STOCK, quantity=1), Save(item=coupon(), expected=4)])
        assert lost == Lost(returned={coupon().key: None})
        assert read(backend, STOCK) == one_left
        lost = backend.store.commit(
            [Append(entry=rival(second, first)), Draw(key=STOCK, quantity=2)]
        )
        assert lost == Lost(returned={HeadKey(member_id=MEMBER): second, STOCK: one_left})

    def test_drawing_twice_in_one_commit_is_a_mistake(self, backend: Backend) -> None:
        stocked(backend, 9)
        with pytest.raises(ValueError, match="two writes"):
            backend.store.commit([Draw(key=STOCK, quantity=1), Draw(key=STOCK, quantity=1)])

    def test_a_hundred_who_draw_at_once_get_exactly_what_there_was(
        self, concurrent: Backend
    ) -> None:
        stocked(concurrent, 10)

        def draw(number: int) -> bool:
            """Whether one was had; a lost commit is tried again as long as there are any."""
            mine = replace(coupon(), code=CouponCode(f"code-{number}"))
            for _ in range(200):
                writes: Sequence[Write] = [Draw(key=STOCK, quantity=1), Create(item=mine)]
                outcome = concurrent.store.commit(writes)
                if outcome == Committed():
                    return True
                left = read(concurrent, STOCK)
                if isinstance(left, Stock) and left.remaining == 0:
                    return False
            raise AssertionError("nothing definite")

        with ThreadPoolExecutor(16) as threads:
            had = list(threads.map(draw, range(100)))
        assert had.count(True) == 10
        assert read(concurrent, STOCK) == Stock(reward_id=REWARD, remaining=0)


class TestRemoving:
    def test_what_is_taken_away_is_gone_and_may_be_gone_already(self, backend: Backend) -> None:
        backend.store.commit([Create(item=profile()), Create(item=link())])
        for _ in range(2):
            writes: list[Write] = [
                Remove(item=ProfileKey(member_id=MEMBER)),
                Remove(item=CUSTOMER),
            ]
            assert backend.store.commit(writes) == Committed()
        assert backend.store.get([ProfileKey(member_id=MEMBER), CUSTOMER]) == {}
        assert backend.store.commit([Remove(item=CUSTOMER)]) == Committed()

    def test_a_revision_may_be_asked_for(self, backend: Backend) -> None:
        key = ProfileKey(member_id=MEMBER)
        assert backend.store.commit([Remove(item=key, expected=1)]) == Lost(returned={key: None})
        backend.store.commit([Create(item=profile())])
        lost = backend.store.commit([Remove(item=key, expected=2), Remove(item=CUSTOMER)])
        assert lost == Lost(returned={key: profile()})
        assert backend.store.commit([Remove(item=key, expected=1)]) == Committed()
        assert read(backend, key) is None


def listed(
    backend: Backend,
    name: ListName,
    partition: str,
    *,
    prefix: str = "",
    limit: int = 100,
    newest_first: bool = False,
) -> list[str]:
    """All ids of a partition, page by page."""
    found: list[str] = []
    cursor = None
    for _ in range(100):
        page = backend.reader.listed(
            name, partition, prefix=prefix, limit=limit, cursor=cursor, newest_first=newest_first
        )
        assert len(page.ids) <= limit
        found += page.ids
        cursor = page.cursor
        if cursor is None:
            return found
    raise AssertionError("the list does not end")


def put_names(backend: Backend, *names: str) -> None:
    writes = [
        Put(item=Listed(list="names", partition=name[:1], sort=name, id=f"mbr_{name}"))
        for name in names
    ]
    assert backend.store.commit(writes) == Committed()


class TestListed:
    @pytest.mark.parametrize("limit", [1, 2, 3, 4, 5, 100])
    @pytest.mark.parametrize("newest_first", [False, True])
    def test_pages_are_in_order_and_lose_nothing(
        self, backend: Backend, limit: int, newest_first: bool
    ) -> None:
        ids = [f"apr_{n}" for n in (3, 1, 2, 0)]
        for second, id_ in enumerate(ids):
            at = (RECORDED_AT + timedelta(seconds=second)).isoformat(timespec="microseconds")
            place = Listed(list="approvals", partition="open", sort=at, id=id_)
            backend.store.commit([Put(item=place)])
            backend.store.commit([Put(item=replace(place, partition="rejected", id="other"))])
            backend.store.commit([Put(item=replace(place, list="rewards", id="other"))])
        found = listed(backend, "approvals", "open", limit=limit, newest_first=newest_first)
        assert found == (ids[::-1] if newest_first else ids)

    def test_one_place_put_twice_is_one(self, backend: Backend) -> None:
        put_names(backend, "ada")
        put_names(backend, "ada")
        assert listed(backend, "names", "a") == ["mbr_ada"]

    def test_what_is_taken_away_is_not_listed(self, backend: Backend) -> None:
        put_names(backend, "ada", "adam")
        place = Listed(list="names", partition="a", sort="ada", id="mbr_ada")
        for _ in range(2):
            assert backend.store.commit([Remove(item=place)]) == Committed()
        assert listed(backend, "names", "a") == ["mbr_adam"]

    @pytest.mark.parametrize(
        ("prefix", "expected"),
        [
            ("", ["a", "a b", "a#", "a%23", "ada", "adam", "adele", "aé", "a漢", "a🎉"]),
            ("a", ["a", "a b", "a#", "a%23", "ada", "adam", "adele", "aé", "a漢", "a🎉"]),
            ("ad", ["ada", "adam", "adele"]),
            ("ada", ["ada", "adam"]),
            ("adam ", []),
            ("a#", ["a#"]),
            ("a%", ["a%23"]),
            ("a%23", ["a%23"]),
            ("a ", ["a b"]),
            ("a漢", ["a漢"]),
            ("a🎉", ["a🎉"]),
            ("b", []),
        ],
    )
    @pytest.mark.parametrize("limit", [1, 3, 100])
    def test_under_a_prefix(
        self, backend: Backend, prefix: str, expected: list[str], limit: int
    ) -> None:
        names = ["a", "a b", "a#", "a%23", "ada", "adam", "adele", "aé", "a漢", "a🎉"]
        put_names(backend, *names)
        found = listed(backend, "names", "a", prefix=prefix, limit=limit)
        assert sorted(found) == sorted(f"mbr_{name}" for name in expected)
        ascii_only = [name for name in found if name.isascii() and not set(name) & set("#% ")]
        assert ascii_only == sorted(ascii_only)

    def test_an_empty_sort_has_its_place(self, backend: Backend) -> None:
        address = "ada@example.org"
        ids = ["mbr_1", "mbr_#2", "mbr_%3"]
        for id_ in ids:
            place = Listed(list="emails", partition=address, sort="", id=id_)
            assert backend.store.commit([Put(item=place)]) == Committed()
        assert sorted(listed(backend, "emails", address, limit=1)) == sorted(ids)
        assert listed(backend, "emails", "b@example.org") == []

    def test_no_partition_is_read_as_the_beginning_of_another(self, backend: Backend) -> None:
        for partition in ("a", "a#", "a#b", "a%23", "b"):
            place = Listed(list="emails", partition=partition, sort="", id=f"in {partition}")
            backend.store.commit([Put(item=place)])
        for partition in ("a", "a#", "a#b", "a%23", "b"):
            assert listed(backend, "emails", partition) == [f"in {partition}"]

    def test_a_cursor_is_of_its_list_and_partition_alone(self, backend: Backend) -> None:
        put_names(backend, "ada", "adam", "adele")
        cursor = backend.reader.listed("names", "a", limit=1).cursor
        assert cursor is not None
        for name, partition in (("names", "b"), ("emails", "a")):
            with pytest.raises(ValueError, match="cursor"):
                backend.reader.listed(name, partition, limit=1, cursor=cursor)  # type: ignore[arg-type]

    @pytest.mark.parametrize("cursor", ["", "x", "%%%", "é", "bnVsbA==", "e30=", "W10=", "WzFd"])
    def test_what_is_no_cursor_is_refused(self, backend: Backend, cursor: str) -> None:
        with pytest.raises(ValueError):
            backend.reader.listed("names", "a", limit=1, cursor=cursor)

    def test_a_cursor_from_beyond_a_prefix_is_refused(self, backend: Backend) -> None:
        for sort in ("aa", "ab", "ac"):
            backend.store.commit(
                [Put(item=Listed(list="names", partition="a", sort=sort, id=sort))]
            )
        first = backend.reader.listed("names", "a", limit=1)
        assert first.cursor is not None
        assert backend.reader.listed("names", "a", prefix="a", limit=1, cursor=first.cursor).ids
        for prefix in ("ab", "ac", "b"):
            with pytest.raises(ValueError):
                backend.reader.listed("names", "a", prefix=prefix, limit=1, cursor=first.cursor)


class TestTexts:
    def notes(self, backend: Backend) -> list[Note]:
        made = [
            Note(member_id=MEMBER, id=id_, text=text, salt="s")
            for id_, text in (("adj_1", "für Zoë"), ("adj_1.reason", "two words"), ("a#%", "x"))
        ]
        others = [replace(made[0], member_id=FRIEND, text="of a friend")]
        assert backend.store.commit([Create(item=profile())]) == Committed()
        assert backend.store.commit([Put(item=each) for each in [*made, *others]]) == Committed()
        return made

    def test_all_of_a_member_are_read_and_nothing_else(self, backend: Backend) -> None:
        made = self.notes(backend)
        found = backend.reader.notes(MEMBER)
        assert sorted(found, key=lambda note: note.id) == sorted(made, key=lambda note: note.id)
        assert list(backend.reader.notes(MemberId("nobody"))) == []

    def test_some_are_read_by_their_place(self, backend: Backend) -> None:
        self.notes(backend)
        places = [
            (MEMBER, "adj_1"),
            (FRIEND, "adj_1"),
            (MEMBER, "a#%"),
            (MEMBER, "adj_1"),
            (FRIEND, "a#%"),
            *((MEMBER, f"unknown-{n}") for n in range(150)),
        ]
        assert backend.reader.texts(places) == {
            (MEMBER, "adj_1"): "für Zoë",
            (FRIEND, "adj_1"): "of a friend",
            (MEMBER, "a#%"): "x",
        }
        assert backend.reader.texts([]) == {}

    def test_erased_they_are_gone_and_the_rest_is_there(self, backend: Backend) -> None:
        self.notes(backend)
        assert backend.reader.erase_notes(MEMBER) == 3
        assert backend.reader.erase_notes(MEMBER) == 0
        assert list(backend.reader.notes(MEMBER)) == []
        assert [note.text for note in backend.reader.notes(FRIEND)] == ["of a friend"]
        assert read(backend, ProfileKey(member_id=MEMBER)) == profile()

    def test_the_same_text_again_is_one(self, backend: Backend) -> None:
        self.notes(backend)
        again = Note(member_id=MEMBER, id="adj_1", text="für Zoë", salt="s")
        assert backend.store.commit([Put(item=again)]) == Committed()
        assert len(backend.reader.notes(MEMBER)) == 3


class TestPendingShares:
    def test_an_earning_is_in_the_lists_of_all_who_have_points_pending(
        self, backend: Backend
    ) -> None:
        share = PendingShare(earning=INVOICE, member_id=FRIEND, since=POSTED_AT)
        backend.store.commit([Save(item=shapes.purchase(), expected=0), Put(item=share)])
        for member_id in (MEMBER, FRIEND):
            page = backend.reader.pending_earnings(member_id, limit=10, cursor=None)
            assert page.keys == (INVOICE,)
        backend.store.commit([Put(item=replace(share, since=None))])
        page = backend.reader.pending_earnings(FRIEND, limit=10, cursor=None)
        assert page.keys == ()

    @pytest.mark.parametrize("limit", [1, 2, 100])
    def test_pages_over_shares_and_earnings_lose_nothing(
        self, backend: Backend, limit: int
    ) -> None:
        made: list[EarningKey] = []
        for number in range(5):
            key = EarningKey(source="pos", kind="ticket", id=f"T#{number}")
            since = POSTED_AT + timedelta(seconds=number)
            if number % 2:
                share = PendingShare(earning=key, member_id=MEMBER, since=since)
                backend.store.commit([Put(item=share)])
            else:
                earning = replace(shapes.purchase(), key=key, posted_at=since)
                backend.store.commit([Save(item=earning, expected=0)])
            made.append(key)
        found: list[EarningKey] = []
        cursor = None
        for _ in range(10):
            page = backend.reader.pending_earnings(MEMBER, limit=limit, cursor=cursor)
            found += page.keys
            cursor = page.cursor
            if cursor is None:
                break
        assert found == made

    def test_a_share_never_decides(self, backend: Backend) -> None:
        share = PendingShare(earning=INVOICE, member_id=FRIEND, since=POSTED_AT)
        backend.store.commit([Put(item=share)])
        assert backend.store.get([INVOICE]) == {}
