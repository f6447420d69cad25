"""Keys: no two things share one, no id forges another's, and what sorts as text sorts as time."""

import string
from datetime import UTC, datetime, timedelta
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from points_ledger.adapters.dynamodb import keys
from points_ledger.domain.identity import (
    ApprovalId,
    CouponCode,
    EarningKey,
    ExternalId,
    MemberId,
    PaymentKey,
    RedemptionId,
    RewardId,
    SimulationId,
)
from points_ledger.service.ports import (
    ApprovalKey,
    BudgetKey,
    CouponKey,
    ItemKey,
    Listed,
    ProfileKey,
    RedemptionKey,
    RequestKey,
    RewardKey,
    SimulationDraftKey,
    SimulationKey,
    StockKey,
    VersionKey,
    VersionListKey,
)

# Ids made of what keys are made of are the ones that could forge another.
ids = st.one_of(
    st.text("#%2534:ab", min_size=1, max_size=8),
    st.sampled_from(["ENTRY", "EARNING", "PROFILE", "NOTE#1", "WAITING#", "stripe#in_1", "%23"]),
    st.text(min_size=1, max_size=12).filter(
        lambda text: text.strip() and text.isprintable() and text.isascii()
    ),
)
sources = st.sampled_from(["stripe", "pos", "a", "a.b", "a-b"])
item_keys: st.SearchStrategy[ItemKey] = st.one_of(
    st.builds(EarningKey, source=sources, kind=sources, id=ids),
    st.builds(ExternalId, source=sources, id=ids),
    st.builds(PaymentKey, source=sources, id=ids),
    st.builds(RedemptionKey, redemption_id=ids.map(RedemptionId)),
    st.builds(ApprovalKey, approval_id=ids.map(ApprovalId)),
    st.builds(RewardKey, reward_id=ids.map(RewardId)),
    st.builds(StockKey, reward_id=ids.map(RewardId)),
    st.builds(BudgetKey, campaign_id=ids, shard=st.integers(0, 3)),
    st.builds(CouponKey, code=ids.map(CouponCode)),
    st.builds(RequestKey, caller=ids, key=ids),
    st.builds(SimulationKey, simulation_id=ids.map(SimulationId)),
    st.builds(SimulationDraftKey, simulation_id=ids.map(SimulationId)),
    st.builds(ProfileKey, member_id=ids.map(MemberId)),
    st.builds(VersionKey, version=st.integers(1, 99_999_999)),
    st.just(VersionListKey()),
)
instants = st.integers(0, 250_000_000_000_000_000).map(
    lambda micros: datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=micros)
)


@given(st.lists(item_keys, min_size=2, max_size=8, unique=True))
def test_no_two_items_share_a_place(found: list[ItemKey]) -> None:
    assert len({keys.item_key(key) for key in found}) == len(found)


@given(st.lists(item_keys, min_size=2, max_size=8, unique=True))
def test_no_partition_is_the_beginning_of_anothers_parts(found: list[ItemKey]) -> None:
    partitions = {keys.item_key(key).pk for key in found}
    for one, other in combinations(partitions, 2):
        assert not other.startswith(f"{one}#")
        assert not one.startswith(f"{other}#")


@given(item_keys)
def test_nothing_but_an_entry_is_in_a_members_chain(key: ItemKey) -> None:
    assert not keys.item_key(key).pk.startswith("MEMBER#")
    assert not keys.item_key(key).sk.startswith(keys.ENTRY_PREFIX)


@given(st.lists(ids, min_size=1, max_size=3))
def test_parts_are_read_as_they_were_written(names: list[str]) -> None:
    request = RequestKey(caller=names[0], key=names[-1])
    assert keys.parts(keys.item_key(request).pk) == ["REQUEST", names[0], names[-1]]


@given(st.builds(EarningKey, source=sources, kind=sources, id=ids))
def test_an_earning_is_named_by_its_partition(key: EarningKey) -> None:
    assert keys.earning_key_of(keys.item_key(key).pk) == key


@pytest.mark.parametrize("pk", ["", "EARNING", "EARNING#a", "EARNING#a#b", "MEMBER#a#b#c"])
def test_no_other_partition_names_an_earning(pk: str) -> None:
    with pytest.raises(ValueError):
        keys.earning_key_of(pk)


@given(ids, ids)
def test_what_waits_stands_beside_what_it_waits_for(customer: str, purchase: str) -> None:
    external_id = ExternalId(source="stripe", id=customer)
    place = keys.waiting_key(external_id, EarningKey(source="stripe", kind="invoice", id=purchase))
    assert place.pk == keys.item_key(external_id).pk
    assert place.sk.startswith(keys.WAITING_PREFIX)
    assert place.sk != keys.item_key(external_id).sk


@given(st.lists(st.integers(1, 999_999_999_999), min_size=2, max_size=5))
def test_entries_sort_by_number(numbers: list[int]) -> None:
    places = [keys.entry_key(MemberId("m"), number).sk for number in sorted(numbers)]
    assert places == sorted(places)
    assert [keys.number_of(place) for place in places] == sorted(numbers)
    assert all(keys.ENTRY_PREFIX < place < keys.AFTER_ENTRIES for place in places)


@given(st.lists(instants, min_size=2, max_size=5), st.integers(1, 9))
def test_markers_sort_by_time(due: list[datetime], shards: int) -> None:
    hour = datetime(2027, 1, 31, 6, tzinfo=UTC)
    places = [
        keys.marker_key("expiry", hour, shards, due_at=at, target=f"t{n}")
        for n, at in enumerate(sorted(due))
    ]
    assert [keys.due_of(place.sk) for place in places] == sorted(due)
    assert [place.sk[:27] for place in places] == sorted(place.sk[:27] for place in places)
    for place in places:
        at = keys.due_of(place.sk)
        assert keys.FIRST_MARKER < place.sk < keys.next_marker(place.sk)
        assert place.sk < keys.markers_until(at)
        assert place.sk > keys.markers_until(at - timedelta(microseconds=1))


@given(st.text(string.printable, min_size=1), st.integers(1, 16))
def test_a_target_keeps_its_shard(target: str, shards: int) -> None:
    at = datetime(2027, 1, 31, 6, 30, tzinfo=UTC)
    hour = at.replace(minute=0)
    place = keys.marker_key("expiry", hour, shards, due_at=at, target=target)
    assert place == keys.marker_key("expiry", hour, shards, due_at=at, target=target)
    assert place.pk in {keys.marker_pk("expiry", hour, shard) for shard in range(shards)}


@given(instants)
def test_hours_are_read_as_they_were_written(instant: datetime) -> None:
    hour = instant.replace(minute=0, second=0, microsecond=0)
    assert keys.hour_of(keys.hour_key("expiry", instant).sk) == hour


def test_the_keys_of_the_table() -> None:
    """As docs/table.md and the roles in template.yaml have them."""
    member_id, hour = MemberId("m#1"), datetime(2027, 1, 31, 6, tzinfo=UTC)
    assert keys.entry_key(member_id, 7) == ("MEMBER#m%231", "ENTRY#000000000007")
    assert keys.note_key(member_id, "n%") == ("PROFILE#m%231", "NOTE#n%25")
    listed = Listed(list="names", partition="a#", sort="a#b", id=member_id)
    assert keys.listed_key(listed) == ("LIST#names#a%23", "a%23b#m%231")
    invoice = EarningKey(source="stripe", kind="invoice", id="in_1")
    customer, payment = ExternalId(source="stripe", id="c"), PaymentKey(source="pos", id="p")
    found = [
        keys.item_key(key)
        for key in (
            invoice,
            customer,
            payment,
            RedemptionKey(redemption_id=RedemptionId("r")),
            ApprovalKey(approval_id=ApprovalId("a")),
            RewardKey(reward_id=RewardId("w")),
            StockKey(reward_id=RewardId("w")),
            CouponKey(code=CouponCode("7-Q")),
            RequestKey(caller="a", key="b"),
            SimulationKey(simulation_id=SimulationId("s#1")),
            SimulationDraftKey(simulation_id=SimulationId("s#1")),
            ProfileKey(member_id=member_id),
            VersionListKey(),
            VersionKey(version=3),
        )
    ]
    assert found == [
        ("EARNING#stripe#invoice#in_1", "EARNING"),
        ("EXTERNAL#stripe#c", "EXTERNAL"),
        ("PAYMENT#pos#p", "PAYMENT"),
        ("REDEMPTION#r", "REDEMPTION"),
        ("APPROVAL#a", "APPROVAL"),
        ("REWARD#w", "REWARD"),
        ("REWARD#w", "STOCK"),
        ("COUPON#7-Q", "COUPON"),
        ("REQUEST#a#b", "REQUEST"),
        ("SIMULATION#s%231", "SIMULATION"),
        ("SIMULATION#s%231", "DRAFT"),
        ("PROFILE#m%231", "PROFILE"),
        ("PROGRAM", "VERSIONS"),
        ("PROGRAM", "VERSION#00000003"),
    ]
    share = keys.share_key(invoice, member_id)
    assert share == ("EARNING#stripe#invoice#in_1", "SHARE#m%231")
    assert keys.hour_key("expiry", hour) == ("DUE#expiry", "HOUR#2027-01-31T06")
    assert keys.progress_key("expiry") == ("SWEEP#expiry", "PROGRESS")
    place = keys.marker_key("hold_release", hour, 1, due_at=hour, target="t")
    assert place.pk == "DUE#hold_release#2027-01-31T06#0"
    assert place.sk.startswith("2027-01-31T06:00:00.000000Z#")


@given(ids, ids)
def test_a_place_in_a_list_names_what_stands_there(sort: str, id_: str) -> None:
    place = keys.listed_key(Listed(list="names", partition=sort[:1], sort=sort, id=id_))
    assert keys.listed_id(place.sk) == id_
    assert keys.listed_from(sort) <= place.sk <= keys.listed_until(sort)
    assert keys.listed_from("") <= place.sk <= keys.listed_until("")


@given(ids, ids, ids)
def test_under_a_prefix_stands_only_what_begins_with_it(prefix: str, sort: str, id_: str) -> None:
    place = keys.listed_key(Listed(list="names", partition="x", sort=sort, id=id_))
    within = keys.listed_from(prefix) <= place.sk <= keys.listed_until(prefix)
    assert within == sort.startswith(prefix)
