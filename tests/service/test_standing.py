"""Changing members: personal data, what decides, and further external ids."""

from dataclasses import replace

import pytest

from points_ledger.domain.error import (
    IdempotencyKeyReusedError,
    InvalidRequestError,
    LimitExceededError,
    MemberInactiveError,
    NotFoundError,
)
from points_ledger.domain.identity import MemberId
from points_ledger.domain.limit import MAX_EXTERNAL_IDS_PER_MEMBER
from points_ledger.service.finding import ByEmail, ByName
from points_ledger.service.standing import Changed
from tests.service.desk import customer_id
from tests.service.party import ADA, BOB, EVE, check
from tests.service.registry import Registry


@pytest.fixture
def registry() -> Registry:
    return Registry()


def test_a_change_of_what_decides_is_one_entry_without_points(registry: Registry) -> None:
    before = registry.desk.memory.chain(ADA)[-1]
    done = registry.change(organisation="globex", tags=("press",), status="frozen")
    entry = registry.desk.memory.chain(ADA)[-1]
    assert done == Changed(member_id=ADA, entry=before.number + 1)
    assert (entry.posting.type, entry.posting.actor) == ("change", "staff")
    standing = replace(
        before.state.standing, organisation="globex", tags=("press",), status="frozen"
    )
    assert entry.state == replace(before.state, standing=standing)
    check(registry.desk)


def test_what_is_as_it_was_is_no_entry(registry: Registry) -> None:
    entries = len(registry.desk.memory.chain(ADA))
    assert registry.change(organisation="acme").entry is None
    assert len(registry.desk.memory.chain(ADA)) == entries


def test_personal_data_is_no_entry_and_needs_no_key(registry: Registry) -> None:
    entries = len(registry.desk.memory.chain(ADA))
    personal = {"name": "Ada King", "phone": "1", "email": None}
    assert registry.change(key=None, personal=personal) == Changed(member_id=ADA)
    profile = registry.profile()
    assert profile is not None
    assert (profile.name, profile.phone, profile.email) == ("Ada King", "1", None)
    assert profile.external_ids == (customer_id("ada"),)
    assert len(registry.desk.memory.chain(ADA)) == entries


def test_who_is_renamed_is_found_under_the_new_name_only(registry: Registry) -> None:
    registry.change(key=None, personal={"name": "Grace", "email": "grace@example.com"})
    assert registry.find(ByName("gra")) == [ADA]
    assert registry.find(ByName("ada")) == []
    assert registry.find(ByEmail("grace@example.com")) == [ADA]
    assert registry.find(ByEmail("ada@example.com")) == []


def test_the_same_request_again_is_the_first_answer_and_nothing_more(registry: Registry) -> None:
    first = registry.change(organisation="globex")
    registry.change(organisation="acme", key="change-2")
    before = registry.desk.memory.snapshot()
    again = registry.change(organisation="globex")
    assert again == replace(first, replayed=True)
    assert registry.desk.memory.snapshot() == before


def test_a_request_that_changed_nothing_is_remembered_too(registry: Registry) -> None:
    registry.change(organisation="acme")
    registry.change(organisation="globex", key="change-2")
    assert registry.change(organisation="acme") == Changed(member_id=ADA, replayed=True)
    assert registry.desk.memory.chain(ADA)[-1].state.standing.organisation == "globex"


def test_a_key_is_for_one_input(registry: Registry) -> None:
    registry.change(organisation="globex")
    with pytest.raises(IdempotencyKeyReusedError):
        registry.change(organisation="initech")


def test_nobody_is_not_changed(registry: Registry) -> None:
    with pytest.raises(NotFoundError):
        registry.change(MemberId("nobody"), organisation="globex")


def test_who_is_gone_is_not_changed(registry: Registry) -> None:
    registry.desk.merge(ADA, BOB)
    registry.erase(EVE)
    for member_id, status in ((ADA, "merged"), (EVE, "erased")):
        with pytest.raises(MemberInactiveError) as error:
            registry.change(member_id, personal={"name": "X"}, key=None)
        assert error.value.member_status == status


def test_who_is_closed_can_be_opened_again(registry: Registry) -> None:
    registry.change(status="closed")
    registry.change(status="active", key="change-2")
    assert registry.desk.memory.chain(ADA)[-1].state.standing.status == "active"


# --- External ids ---------------------------------------------------------------------------


def test_an_external_id_is_linked_and_noted_in_the_profile(registry: Registry) -> None:
    registry.change(customers=("ada-2", "ada"))
    assert registry.linked("ada-2") == ADA
    assert registry.external_ids() == (customer_id("ada"), customer_id("ada-2"))


def test_another_members_external_id_is_refused(registry: Registry) -> None:
    before = registry.desk.memory.snapshot()
    with pytest.raises(InvalidRequestError) as error:
        registry.change(customers=("ada-2", "bob"))
    assert [each.field for each in error.value.errors] == ["external_ids"]
    assert registry.desk.memory.snapshot() == before


def test_the_external_id_of_who_was_merged_into_the_member_is_its_own(registry: Registry) -> None:
    registry.desk.merge(BOB, ADA)
    before = registry.desk.memory.snapshot()
    registry.change(customers=("bob",), key=None)
    assert registry.desk.memory.snapshot() == before


def test_external_ids_are_few(registry: Registry) -> None:
    more = tuple(f"ada-{n}" for n in range(1, MAX_EXTERNAL_IDS_PER_MEMBER))
    registry.change(customers=more)
    with pytest.raises(LimitExceededError) as error:
        registry.change(customers=("one-more",), key="change-2")
    assert error.value.maximum == MAX_EXTERNAL_IDS_PER_MEMBER
    assert registry.linked("one-more") is None


def test_an_id_that_somebody_links_meanwhile_is_refused(registry: Registry) -> None:
    def take_it() -> None:
        registry.change(BOB, customers=("new",), key="other")

    registry.desk.store.meanwhile["commit"] = take_it
    with pytest.raises(InvalidRequestError):
        registry.change(customers=("new",))
    assert registry.linked("new") == BOB
