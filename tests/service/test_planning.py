"""Sharing plans, and purchases that are split by them."""

from collections.abc import Mapping
from dataclasses import replace

import pytest

from points_ledger.domain.error import (
    FieldError,
    IdempotencyKeyReusedError,
    InvalidRequestError,
    LimitExceededError,
    MemberInactiveError,
    NotFoundError,
    TransferNotPermittedError,
)
from points_ledger.domain.identity import MemberId
from points_ledger.domain.limit import MAX_MEMBERS_READ_FOR_PLAN
from points_ledger.domain.sharing import Share
from points_ledger.domain.state import Status
from points_ledger.service.ports import GuardHead
from tests.builders import DAY, HOUR, START, paid, posted, program, refunded
from tests.service.desk import Desk
from tests.service.party import (
    ADA,
    BOB,
    EVE,
    ZOE,
    check,
    earn,
    enrol,
    put_standing,
    within_organisation,
)
from tests.service.party import party as make_party


@pytest.fixture
def desk() -> Desk:
    return make_party()


def plan_of(desk: Desk, member_id: MemberId = ADA) -> dict[str, int]:
    return {share.member_id: share.percent for share in desk.planning.sharing(member_id)}


def gained(desk: Desk, amount: str = "75.00", *, customer: str = "ada") -> dict[MemberId, int]:
    """What everybody gets of one purchase that is paid."""
    before = {id_: desk.memory.chain(id_)[-1].state.available for id_ in desk.memory.members()}
    earn(desk, customer, amount, id=f"split-{len(desk.memory.earnings())}")
    check(desk)
    after = {id_: desk.memory.chain(id_)[-1].state.available for id_ in desk.memory.members()}
    return {id_: after[id_] - before[id_] for id_ in after if after[id_] != before[id_]}


# ---- The plan


def test_a_plan_is_an_entry_and_is_shown(desk: Desk) -> None:
    result = desk.share({ADA: 50, BOB: 25, EVE: 25}).result
    assert result == {
        "shares": [
            {"member_id": ADA, "percent": 50},
            {"member_id": BOB, "percent": 25},
            {"member_id": EVE, "percent": 25},
        ]
    }
    entry = desk.memory.chain(ADA)[-1]
    assert (entry.posting.type, entry.posting.reason) == ("change", "sharing")
    assert plan_of(desk) == {ADA: 50, BOB: 25, EVE: 25}
    assert plan_of(desk, BOB) == {}


def test_the_owner_may_be_absent_and_members_named_by_email(desk: Desk) -> None:
    desk.share({"Bob@example.com": 60, "eve@example.com": 40})
    assert plan_of(desk) == {BOB: 60, EVE: 40}


def test_no_shares_end_a_plan_and_so_does_oneself_alone(desk: Desk) -> None:
    for ending in ({}, {ADA: 100}):
        desk.share({BOB: 100})
        desk.share(ending)
        assert plan_of(desk) == {}


def test_the_same_plan_again_is_no_entry(desk: Desk) -> None:
    desk.share({BOB: 100})
    before = len(desk.memory.chain(ADA))
    assert desk.share({BOB: 100}).result == {"shares": [{"member_id": BOB, "percent": 100}]}
    assert len(desk.memory.chain(ADA)) == before


def test_the_same_request_again_gets_the_same_answer(desk: Desk) -> None:
    first = desk.share({BOB: 100}, key="k")
    desk.share({EVE: 100})
    again = desk.share({BOB: 100}, key="k")
    assert (again.result, again.replayed) == (first.result, True)
    assert plan_of(desk) == {EVE: 100}
    with pytest.raises(IdempotencyKeyReusedError):
        desk.share({EVE: 100}, key="k")


# ---- Refused


def refused(desk: Desk, shares: Mapping[str, int], *, owner: MemberId = ADA) -> tuple[str, ...]:
    """The fields that a plan is wrong in."""
    before = desk.memory.snapshot()
    with pytest.raises(InvalidRequestError) as error:
        desk.share(shares, owner=owner)
    assert desk.memory.snapshot() == before
    return tuple(each.field for each in error.value.errors)


@pytest.mark.parametrize(
    ("shares", "fields"),
    [
        ({ADA: 50, BOB: 49}, ("shares",)),
        ({ADA: 50, BOB: 51}, ("shares",)),
        ({ADA: 101}, ("shares.0.percent",)),
        ({ADA: 100, BOB: 0}, ("shares.1.percent",)),
        ({ADA: 120, BOB: -20}, ("shares.0.percent", "shares.1.percent")),
        ({BOB: 50, "bob@example.com": 50}, ("shares.1.member_id",)),
    ],
)
def test_what_is_no_plan(desk: Desk, shares: Mapping[str, int], fields: tuple[str, ...]) -> None:
    assert refused(desk, shares) == fields


def test_the_same_member_by_an_id_that_was_merged(desk: Desk) -> None:
    desk.merge(EVE, BOB)
    assert refused(desk, {BOB: 50, EVE: 50}) == ("shares.1.member_id",)


def test_more_than_ten_shares(desk: Desk) -> None:
    shares = {enrol(desk, f"friend-{n}", organisation="acme"): 9 for n in range(11)}
    with pytest.raises(LimitExceededError) as error:
        desk.share(shares)
    assert error.value == LimitExceededError("shares", 10)


def test_plans_that_lead_back_to_the_owner(desk: Desk) -> None:
    desk.share({BOB: 50, ADA: 50})
    assert refused(desk, {ADA: 100}, owner=BOB) == ("shares",)
    desk.share({EVE: 100}, owner=BOB)
    with pytest.raises(InvalidRequestError) as error:
        desk.share({BOB: 1, ADA: 99}, owner=EVE)
    assert error.value == InvalidRequestError(
        (
            FieldError(
                "shares", "a member who is given a share shares with this member, directly or not"
            ),
        )
    )


def test_a_circle_by_way_of_an_id_that_was_merged(desk: Desk) -> None:
    desk.share({EVE: 100}, owner=BOB)
    desk.merge(EVE, ADA)
    assert refused(desk, {BOB: 100}) == ("shares",)


def test_two_plans_at_once_make_no_circle(desk: Desk) -> None:
    desk.store.meanwhile["commit"] = lambda: desk.share({ADA: 100}, owner=BOB)
    with pytest.raises(InvalidRequestError):
        desk.share({BOB: 100})
    assert (plan_of(desk), plan_of(desk, BOB)) == ({}, {ADA: 100})


def test_every_account_that_was_read_is_written_or_guarded(desk: Desk) -> None:
    desk.share({EVE: 100}, owner=BOB)
    desk.share({BOB: 50, ADA: 50})
    guarded = {w.member_id for w in desk.store.commits[-1] if isinstance(w, GuardHead)}
    assert guarded == {BOB, EVE}


def test_how_far_plans_are_followed_is_bounded(desk: Desk) -> None:
    members = [
        enrol(desk, f"friend-{n}", organisation="acme")
        for n in range(MAX_MEMBERS_READ_FOR_PLAN + 1)
    ]
    for owner, follower in zip(reversed(members[:-1]), reversed(members[1:]), strict=True):
        if follower != members[-1] or owner == members[-2]:
            desk.share({follower: 100}, owner=owner)
    with pytest.raises(LimitExceededError) as error:
        desk.share({members[0]: 100})
    assert error.value == LimitExceededError("members_in_plan", MAX_MEMBERS_READ_FOR_PLAN)
    desk.share({members[1]: 100})


def test_outside_the_circle(desk: Desk) -> None:
    with pytest.raises(TransferNotPermittedError) as error:
        desk.share({ZOE: 100})
    assert error.value.reason == "outside_circle"
    for email in ("zoe@example.com", "nobody@example.com"):
        with pytest.raises(NotFoundError):
            desk.share({email: 100})


def test_a_circle_of_anyone() -> None:
    desk = make_party(replace(within_organisation(), sharing_within="anyone"))
    desk.share({ZOE: 100})
    assert plan_of(desk) == {ZOE: 100}


@pytest.mark.parametrize("status", ["frozen", "closed", "erased"])
def test_members_who_are_not_active(desk: Desk, status: Status) -> None:
    put_standing(desk, BOB, status=status)
    with pytest.raises(TransferNotPermittedError) as error:
        desk.share({BOB: 100})
    assert error.value.reason == "receiver_inactive"
    with pytest.raises(MemberInactiveError):
        desk.share({EVE: 100}, owner=BOB)


def test_unknown_members(desk: Desk) -> None:
    with pytest.raises(NotFoundError):
        desk.share({"nobody": 100})
    with pytest.raises(NotFoundError):
        desk.share({BOB: 100}, owner=MemberId("nobody"))
    with pytest.raises(NotFoundError):
        desk.planning.sharing(MemberId("nobody"))


# ---- Splits


def test_a_purchase_is_split_by_the_plan(desk: Desk) -> None:
    desk.share({ADA: 50, BOB: 25, EVE: 25})
    assert gained(desk) == {ADA: 37, BOB: 19, EVE: 19}


@pytest.mark.parametrize("others", [1, 2])
def test_a_split_costs_two_requests_and_one_for_each_member(desk: Desk, others: int) -> None:
    desk.share({ADA: 50, BOB: 50} if others == 1 else {ADA: 50, BOB: 25, EVE: 25})
    desk.store.requests.clear()
    desk.tell(posted("75.00", id="split", customer="ada", at=START - HOUR))
    assert desk.store.requests == ["get", *["head"] * (1 + others), "commit"]


def test_all_of_a_split_is_one_commit(desk: Desk) -> None:
    desk.share({ADA: 50, BOB: 25, EVE: 25})
    before = len(desk.store.commits)
    desk.tell(posted("75.00", id="split", customer="ada", at=START - HOUR))
    assert len(desk.store.commits) == before + 1
    assert [desk.balances(id_)[0] for id_ in (ADA, BOB, EVE)] == [37, 19, 19]


def test_each_member_sees_its_own_part_pending(desk: Desk) -> None:
    desk.share({BOB: 60, EVE: 40})
    desk.tell(posted("75.00", id="split", customer="ada", at=START - HOUR))
    shown = {
        id_: [each.points for each in desk.queries.pending(id_, limit=10, cursor=None)[0]]
        for id_ in (ADA, BOB, EVE)
    }
    assert shown == {ADA: [], BOB: [45], EVE: [30]}
    desk.tell(paid("75.00", id="split"))
    assert all(not desk.queries.pending(id_, limit=10, cursor=None)[0] for id_ in (ADA, BOB, EVE))


def test_the_plan_is_that_of_the_first_posting(desk: Desk) -> None:
    desk.share({ADA: 50, BOB: 50})
    desk.tell(posted("100.00", id="split", customer="ada", at=START - HOUR))
    desk.share({})
    desk.tell(paid("100.00", id="split"))
    assert desk.balances(BOB) == (0, 70, 0)
    assert gained(desk) == {ADA: 75}


def test_a_plan_that_changes_at_the_same_moment_counts_before_or_after(desk: Desk) -> None:
    desk.store.meanwhile["commit"] = lambda: desk.share({BOB: 100})
    desk.tell(posted("75.00", id="split", customer="ada", at=START - HOUR))
    assert desk.balances(BOB)[0] == 75


def test_a_plan_counts_for_a_purchase_that_earns_nothing_yet(desk: Desk) -> None:
    desk.store.meanwhile["commit"] = lambda: desk.share({BOB: 100})
    desk.tell(posted("0.50", id="split", customer="ada", at=START - HOUR))
    later = posted(
        "75.00", id="split", customer="ada", at=START - HOUR, updated_at=START - HOUR / 2
    )
    desk.tell(later)
    assert desk.balances(BOB)[0] == 75


def test_a_return_takes_from_each_what_it_gave(desk: Desk) -> None:
    desk.share({ADA: 50, BOB: 25, EVE: 25})
    desk.tell(posted("75.00", id="split", customer="ada"), paid("75.00", id="split"))
    desk.redeem(19, member_id=EVE)
    desk.tell(refunded("75.00", id="split"))
    assert [desk.balances(id_) for id_ in (ADA, BOB, EVE)] == [
        (0, 100, 0),
        (0, 20, 0),
        (0, -19, 19),
    ]
    check(desk)


@pytest.mark.parametrize("status", ["closed", "erased"])
def test_the_share_of_who_has_gone_is_the_owners(desk: Desk, status: Status) -> None:
    desk.share({BOB: 60, EVE: 40})
    put_standing(desk, EVE, status=status)
    assert gained(desk) == {ADA: 30, BOB: 45}


def test_a_frozen_member_still_earns(desk: Desk) -> None:
    desk.share({BOB: 60, EVE: 40})
    put_standing(desk, EVE, status="frozen")
    assert gained(desk) == {BOB: 45, EVE: 30}


def test_plans_are_not_followed_from_share_to_share(desk: Desk) -> None:
    desk.share({EVE: 100}, owner=BOB)
    desk.share({ADA: 50, BOB: 50})
    assert gained(desk, "100.00") == {ADA: 50, BOB: 50}


def test_a_share_goes_to_the_member_that_its_id_stands_for(desk: Desk) -> None:
    desk.share({BOB: 60, EVE: 40})
    desk.merge(EVE, BOB)
    assert plan_of(desk) == {BOB: 100}
    assert gained(desk) == {BOB: 75}


def test_what_was_pinned_for_a_former_id_is_one_entry_of_the_new_one(desk: Desk) -> None:
    desk.share({ADA: 20, BOB: 40, EVE: 40})
    desk.tell(posted("75.00", id="split", customer="ada", at=START - HOUR))
    desk.merge(EVE, BOB)
    before = len(desk.memory.chain(BOB))
    desk.tell(paid("75.00", id="split"))
    matured = desk.memory.chain(BOB)[before:]
    assert [(e.posting.type, e.posting.available) for e in matured] == [("maturation", 60)]
    assert desk.balances(BOB) == (0, 80, 0)
    [earning] = [e for e in desk.memory.earnings() if e.key.id == "split"]
    assert {id_: part.matured for id_, part in earning.posted.items()} == {
        ADA: 15, BOB: 30, EVE: 30,
    }  # fmt: skip
    check(desk)


def test_a_hold_is_released_for_all_of_a_split() -> None:
    desk = make_party(within_organisation(program(hold="PT24H")))
    desk.share({ADA: 50, BOB: 50})
    desk.tell(posted("100.00", id="split", customer="ada", at=START), paid("100.00", id="split"))
    desk.wait(START + DAY)
    desk.sweep("hold_release")
    assert (desk.balances(ADA), desk.balances(BOB)) == ((0, 150, 0), (0, 70, 0))


def test_plans_are_shown_as_they_are_stored() -> None:
    desk = make_party()
    desk.share({BOB: 60, ADA: 40})
    assert desk.memory.chain(ADA)[-1].state.standing.sharing == (
        Share(member_id=BOB, percent=60),
        Share(member_id=ADA, percent=40),
    )
