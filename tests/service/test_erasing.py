"""Erasing: the balance is forfeited, the person is gone, and the ledger stays whole."""

from dataclasses import replace

import pytest

from points_ledger.domain.error import (
    IdempotencyKeyReusedError,
    InsufficientPointsError,
    MemberInactiveError,
    NotFoundError,
)
from points_ledger.domain.fact import EarningReconsidered
from points_ledger.domain.identity import MemberId
from points_ledger.domain.state import Standing
from points_ledger.service.erasing import Erased
from points_ledger.service.finding import ByEmail, ByExternalId, ByName
from points_ledger.service.ports import Note, Put
from tests.builders import after, bounced, paid, posted, purchase_key, refunded
from tests.service.desk import customer_id
from tests.service.party import ADA, BOB, EVE, check, earn, put_standing
from tests.service.registry import Registry


@pytest.fixture
def registry() -> Registry:
    return Registry()


def holding_everything(registry: Registry) -> None:
    """Ada has 70 available, 10 reserved and 40 pending; 20 are spent."""
    registry.desk.redeem(20)
    registry.desk.redeem(10, reserve=True, key="hold")
    registry.desk.tell(posted("40.00", id="unpaid", customer="ada"))


def test_everything_that_is_held_is_forfeited_by_one_entry(registry: Registry) -> None:
    holding_everything(registry)
    before = registry.desk.memory.chain(ADA)[-1]
    assert registry.erase() == Erased(member_id=ADA, forfeited=120)
    entry = registry.desk.memory.chain(ADA)[-1]
    assert (entry.number, entry.posting.type) == (before.number + 1, "forfeit")
    state, posting = entry.state, entry.posting
    assert (state.pending, state.available, state.reserved, state.debt) == (0, 0, 0, 0)
    assert (posting.pending, posting.available, posting.reserved) == (-40, -70, -10)
    assert state.reservations == {}
    assert state.counter("forfeited") == 120
    check(registry.desk)


def test_debt_is_forgiven(registry: Registry) -> None:
    registry.desk.redeem(100)
    registry.desk.tell(refunded("100.00", id="of-ada"))
    assert registry.desk.balances(ADA) == (0, -100, 100)
    assert registry.erase().forfeited == -100
    assert registry.desk.balances(ADA) == (0, 0, 0)
    check(registry.desk)


def test_what_had_expired_is_not_forfeited(registry: Registry) -> None:
    registry.desk.wait(after(days=1_000))
    assert registry.erase().forfeited == 0
    assert registry.desk.types(ADA)[-2:] == ["expiry", "forfeit"]
    check(registry.desk)


def test_nothing_that_says_who_it_was_is_left(registry: Registry) -> None:
    registry.change(
        customers=("ada-2",), tags=("press",), jurisdiction="US-IL", personal={"phone": "1"}
    )
    registry.desk.share({ADA: 50, BOB: 50})
    note = Note(member_id=ADA, id="rdm_1", text="for grandmother", salt="salt")
    registry.desk.memory.commit([Put(item=note)])
    registry.erase()
    assert registry.profile() is None
    assert registry.desk.memory.notes(ADA) == []
    assert (registry.linked("ada"), registry.linked("ada-2")) == (None, None)
    # Like the entries, the place in the directory stays under the opaque id.
    places = [place for place in registry.desk.memory.snapshot().lists if place.list != "members"]
    assert all(place.id != ADA for place in places)
    standing = registry.desk.memory.chain(ADA)[-1].state.standing
    assert standing == Standing(status="erased")
    for search in (ByExternalId(customer_id("ada")), ByEmail("ada@example.com"), ByName("a")):
        assert registry.find(search) == []


def test_the_same_request_again_is_the_first_answer_and_another_is_refused(
    registry: Registry,
) -> None:
    first = registry.erase()
    before = registry.desk.memory.snapshot()
    assert registry.erase() == replace(first, replayed=True)
    with pytest.raises(MemberInactiveError) as error:
        registry.erase(key="erase-2")
    assert error.value.member_status == "erased"
    with pytest.raises(IdempotencyKeyReusedError):
        registry.erase(BOB)
    assert registry.desk.memory.snapshot() == before


def test_nobody_is_not_erased(registry: Registry) -> None:
    with pytest.raises(NotFoundError):
        registry.erase(MemberId("nobody"))


def test_a_refusal_takes_no_note_away(registry: Registry) -> None:
    registry.desk.merge(ADA, BOB)
    note = Note(member_id=ADA, id="rdm_1", text="for grandmother", salt="salt")
    registry.desk.memory.commit([Put(item=note)])
    with pytest.raises(MemberInactiveError):
        registry.erase()
    assert registry.desk.memory.notes(ADA) == [note]


def test_who_was_merged_into_a_person_is_erased_with_the_person(registry: Registry) -> None:
    registry.desk.merge(ADA, BOB)
    note = Note(member_id=ADA, id="rdm_1", text="for grandmother", salt="salt")
    registry.desk.memory.commit([Put(item=note)])
    assert registry.erase(BOB).forfeited == 120
    assert (registry.profile(ADA), registry.profile(BOB)) == (None, None)
    assert (registry.linked("ada"), registry.linked("bob")) == (None, None)
    assert registry.desk.memory.notes(ADA) == []
    assert registry.desk.memory.chain(BOB)[-1].state.standing.aliases == (ADA,)
    assert registry.desk.queries.member(ADA).standing.status == "erased"
    assert registry.find(ByName("ada")) == []
    check(registry.desk)


def test_a_customer_who_is_linked_meanwhile_is_unlinked_too(registry: Registry) -> None:
    def link_another() -> None:
        registry.change(customers=("ada-2",), key=None)

    registry.desk.store.meanwhile["commit"] = link_another
    registry.erase()
    assert registry.linked("ada-2") is None
    assert registry.profile() is None


def test_nothing_is_spent_by_who_was_erased(registry: Registry) -> None:
    registry.erase()
    with pytest.raises((MemberInactiveError, InsufficientPointsError)):
        registry.desk.redeem(1)


# --- Afterwards -----------------------------------------------------------------------------


def test_facts_about_old_earnings_are_stored_and_post_nothing(registry: Registry) -> None:
    registry.desk.tell(posted("40.00", id="unpaid", customer="ada"))
    registry.erase()
    members, entries = registry.desk.memory.members(), registry.desk.memory.chain(ADA)
    registry.desk.tell(
        paid("40.00", id="unpaid", at=after(hours=1)),
        refunded("5.00", id="of-ada", at=after(hours=1)),
        bounced(id="of-ada", at=after(hours=2)),
        posted("90.00", id="of-ada", customer="ada", updated_at=after(hours=3)),
        EarningReconsidered(purchase=purchase_key("of-ada")),
    )
    registry.desk.release(purchase_key("unpaid"))
    assert registry.desk.memory.members() == members
    assert registry.desk.memory.chain(ADA) == entries
    earnings = {str(each.key): each for each in registry.desk.memory.earnings()}
    assert len(earnings["pos:invoice:unpaid"].payments) == 1
    assert len(earnings["pos:invoice:of-ada"].refunds) == 1


def test_a_new_purchase_of_the_customer_is_somebody_new(registry: Registry) -> None:
    registry.erase()
    entries = registry.desk.memory.chain(ADA)
    earn(registry.desk, "ada", "30.00", id="after")
    newcomer = registry.linked("ada")
    assert newcomer is not None
    assert newcomer not in (ADA, BOB, EVE)
    assert registry.desk.balances(newcomer) == (0, 30, 0)
    assert registry.desk.memory.chain(ADA) == entries
    registry.desk.tell(refunded("5.00", id="of-ada"))
    assert registry.desk.balances(newcomer) == (0, 30, 0)


def test_of_a_split_only_who_is_still_there_is_posted_to(registry: Registry) -> None:
    registry.desk.share({ADA: 50, BOB: 50})
    registry.desk.tell(posted("80.00", id="shared", customer="ada"))
    assert (registry.desk.balances(ADA)[0], registry.desk.balances(BOB)[0]) == (40, 40)
    registry.erase(BOB)
    before = registry.desk.memory.chain(BOB)
    registry.desk.tell(paid("80.00", id="shared"))
    assert registry.desk.balances(ADA) == (0, 140, 0)
    registry.desk.tell(refunded("80.00", id="shared", at=after(hours=1)))
    assert registry.desk.balances(ADA) == (0, 100, 0)
    assert registry.desk.memory.chain(BOB) == before


def test_what_a_closed_member_earned_before_follows_its_purchase(registry: Registry) -> None:
    registry.desk.tell(posted("40.00", id="before"))
    put_standing(registry.desk, ADA, status="closed")
    registry.desk.tell(
        paid("40.00", id="before"), posted("30.00", id="after"), paid("30.00", id="after")
    )
    assert registry.desk.balances(ADA) == (0, 140, 0)
    registry.desk.tell(refunded("40.00", id="before", at=after(hours=1)))
    assert registry.desk.balances(ADA) == (0, 100, 0)


def test_nothing_is_shown_as_pending_of_who_was_erased(registry: Registry) -> None:
    registry.desk.tell(posted("40.00", id="unpaid", customer="ada"))
    registry.erase()
    assert registry.desk.queries.pending(ADA, limit=10, cursor=None) == ((), None)


def test_a_sweep_visits_who_was_erased_in_vain(registry: Registry) -> None:
    registry.desk.redeem(10, reserve=True, key="hold")
    registry.erase()
    registry.desk.wait(after(days=1_000))
    entries = registry.desk.memory.chain(ADA)
    registry.desk.sweep("expiry")
    registry.desk.sweep("hold_release")
    assert registry.desk.memory.chain(ADA) == entries
