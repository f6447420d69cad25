"""Merges: everything passes to the target, and whatever names the source finds it there."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from points_ledger.domain.entry import Posting, chain
from points_ledger.domain.error import (
    EarnedOnSameTicketError,
    IdempotencyKeyReusedError,
    LimitExceededError,
    MergeNotPermittedError,
    MergeRefusedError,
    NotFoundError,
)
from points_ledger.domain.fact import Customer, CustomerSeen, CustomersMerged
from points_ledger.domain.identity import MemberId
from points_ledger.domain.limit import MAX_ALIASES, MAX_LOTS, MAX_TAGS
from points_ledger.domain.redemption import Ticket
from points_ledger.domain.state import EXPIRED, JOINED, Status
from points_ledger.service.ports import Append, Profile, Save
from tests.builders import (
    DAY,
    HOUR,
    START,
    campaign,
    paid,
    posted,
    program,
    purchase_key,
    refunded,
    rule,
    settled,
)
from tests.service.desk import Desk, by_hand, customer_id
from tests.service.party import (
    ADA,
    BOB,
    EVE,
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


def refused(desk: Desk, source: MemberId = ADA, into: MemberId = BOB) -> str:
    before = desk.memory.snapshot()
    with pytest.raises(MergeNotPermittedError) as error:
        desk.merge(source, into)
    assert desk.memory.snapshot() == before
    return error.value.reason


def profile(desk: Desk, member_id: MemberId) -> Profile:
    [found] = [
        item
        for item in desk.memory.snapshot().items.values()
        if isinstance(item, Profile) and item.member_id == member_id
    ]
    return found


# ---- What passes


def test_everything_passes_in_one_commit_and_the_source_is_an_alias(desk: Desk) -> None:
    before = len(desk.store.commits)
    result = desk.merge().result
    assert result == {
        "member_id": BOB,
        "merged_member_id": ADA,
        "balance": {"available": 120, "pending": 0, "reserved": 0, "debt": 0},
    }
    assert len(desk.store.commits) == before + 1
    closing, opening = (desk.memory.chain(id_)[-1] for id_ in (ADA, BOB))
    assert (closing.posting.type, opening.posting.type) == ("merge", "merge")
    assert closing.posting.details == {"into": BOB}
    assert opening.posting.details == {"from": ADA}
    assert closing.state.standing.status == "merged"
    assert closing.state.standing.alias_of == BOB
    assert closing.state.available == 0
    assert closing.state.counters == {}
    assert opening.state.standing.aliases == (ADA,)
    assert opening.state.counter("earned") == 120
    check(desk)


def test_the_old_id_shows_the_target(desk: Desk) -> None:
    desk.merge()
    assert desk.queries.balance(ADA) == desk.queries.balance(BOB)
    assert desk.queries.balance(ADA).member_id == BOB


def test_pending_points_pass_and_are_shown(desk: Desk) -> None:
    desk.tell(posted("30.00", id="later", customer="ada", at=START - HOUR))
    desk.merge()
    assert desk.balances(BOB) == (30, 120, 0)
    shown, _ = desk.queries.pending(BOB, limit=10, cursor=None)
    assert [(each.earning.key.id, each.points) for each in shown] == [("later", 30)]


@pytest.mark.parametrize("who_owes", ["ada", "bob"])
def test_debt_meets_lots_on_either_side(desk: Desk, who_owes: str) -> None:
    owing, amount = (ADA, 100) if who_owes == "ada" else (BOB, 20)
    desk.redeem(amount, member_id=owing)
    desk.tell(refunded(f"{amount}.00", id=f"of-{who_owes}"))
    desk.merge()
    left = 20 - 100 if who_owes == "ada" else 100 - 20
    assert desk.balances(BOB) == (0, left, max(0, -left))
    check(desk)


def test_debts_add_up(desk: Desk) -> None:
    for member_id, amount, purchase in ((ADA, 100, "of-ada"), (BOB, 20, "of-bob")):
        desk.redeem(amount, member_id=member_id, key=purchase)
        desk.tell(refunded(f"{amount}.00", id=purchase))
    desk.merge()
    assert desk.balances(BOB) == (0, -120, 120)
    check(desk)


def test_lots_keep_their_days_and_what_has_passed_expires_first() -> None:
    desk = make_party(within_organisation(program(expires_after="P2D", round_to="day")))
    desk.wait(START + DAY)
    earn(desk, "ada", "7.00", id="later")
    desk.wait(START + 2 * DAY + 12 * HOUR)
    desk.merge()
    assert desk.types(ADA)[-2:] == ["expiry", "merge"]
    assert desk.types(BOB)[-2:] == ["expiry", "merge"]
    assert dict(desk.memory.chain(BOB)[-1].state.lots) == {date(2026, 3, 5): 7}
    assert any(marker.target.startswith(BOB) for marker in desk.markers("expiry"))
    check(desk)


def test_many_lots_are_joined_and_what_is_remembered_of_lots_is_bounded() -> None:
    desk = make_party(within_organisation(program(expires_after="P50D", round_to="day")))
    for day in range(30):
        desk.wait(START + day * DAY)
        earn(desk, "ada", "1.00", id=f"ada-{day}")
        desk.wait(START + day * DAY + 13 * HOUR)
        earn(desk, "bob", "1.00", id=f"bob-{day}")
    for day in range(30, 75):
        desk.wait(START + day * DAY)
        desk.expire(ADA)
        desk.expire(BOB)
        earn(desk, "ada", "1.00", id=f"ada-{day}")
    desk.merge()
    state = desk.memory.chain(BOB)[-1].state
    for prefix in (EXPIRED, JOINED):
        assert len([name for name in state.counters if name.startswith(prefix)]) <= MAX_LOTS
    assert len(state.lots) <= MAX_LOTS
    check(desk)


def test_where_a_joined_lot_went_is_a_distance_that_does_not_add_up(desk: Desk) -> None:
    name = f"{JOINED}2026-03-31"
    for member_id, gap in ((ADA, 3), (BOB, 5)):
        _put_counter(desk, member_id, name, gap)
    desk.merge()
    assert desk.memory.chain(BOB)[-1].state.counter(name) == 5


def _put_counter(desk: Desk, member_id: MemberId, name: str, value: int) -> None:
    head = desk.memory.chain(member_id)[-1]
    posting = Posting(type="change", at=desk.now, counters={name: value}, actor="test")
    desk.memory.commit([Append(entry=chain(head, member_id, posting, desk.now))])


@pytest.mark.parametrize(
    ("source", "target", "expected"),
    [
        ("gold", "silver", "gold"),
        ("silver", "gold", "gold"),
        (None, "silver", "silver"),
        ("silver", None, "silver"),
        ("unknown", "silver", "silver"),
        (None, None, None),
    ],
)
def test_the_higher_tier_stays(source: str | None, target: str | None, expected: str) -> None:
    desk = make_party(within_organisation(program(tiers={"silver": "1.25", "gold": "1.5"})))
    put_standing(desk, ADA, tier=source)
    put_standing(desk, BOB, tier=target)
    desk.merge()
    assert desk.memory.chain(BOB)[-1].state.standing.tier == expected


def test_tags_are_united_and_the_targets_own_standing_stays(desk: Desk) -> None:
    put_standing(desk, ADA, tags=("vip", "press"), jurisdiction="US-CA")
    put_standing(desk, BOB, tags=("press", "law"))
    desk.merge()
    standing = desk.memory.chain(BOB)[-1].state.standing
    assert standing.tags == ("press", "law", "vip")
    assert (standing.organisation, standing.jurisdiction) == ("acme", "US-CA")


def test_caps_and_limits_add_up() -> None:
    rules = program(campaigns=[campaign("double", multiplier="2", member_cap_points=50)])
    desk = make_party(within_organisation(rules))
    # 100 and 20 have earned 150 and 40: of each cap 50 and 20 are used.
    desk.merge()
    earn(desk, "bob", "40.00", id="later")
    assert desk.memory.chain(BOB)[-1].posting.available == 40


def test_external_ids_pass_to_the_targets_profile(desk: Desk) -> None:
    desk.merge()
    assert profile(desk, BOB).external_ids == (customer_id("bob"), customer_id("ada"))
    assert profile(desk, ADA).external_ids == ()
    assert profile(desk, ADA).name == "Ada"


@pytest.mark.parametrize("source_wants", [True, False])
@pytest.mark.parametrize("target_wants", [True, False])
def test_who_wants_no_mails_gets_none_after_a_merge(
    desk: Desk, source_wants: bool, target_wants: bool
) -> None:
    for member_id, wants in ((ADA, source_wants), (BOB, target_wants)):
        before = profile(desk, member_id)
        after = replace(before, notifications=wants)
        desk.memory.commit([Save(item=after, expected=before.revision)])
    desk.merge()
    assert profile(desk, BOB).notifications is (source_wants and target_wants)


def test_the_sources_own_plan_ends_and_its_share_is_the_targets(desk: Desk) -> None:
    desk.share({EVE: 100}, owner=ADA)
    desk.merge()
    assert desk.planning.sharing(ADA) == ()
    earn(desk, "ada", "10.00", id="later")
    assert desk.balances(BOB) == (0, 130, 0)


# ---- What comes later


def test_facts_for_the_old_id_are_the_targets(desk: Desk) -> None:
    desk.tell(posted("30.00", id="open", customer="ada", at=START - HOUR))
    desk.merge()
    desk.tell(paid("30.00", id="open"), refunded("50.00", id="of-ada"))
    earn(desk, "ada", "5.00", id="new")
    assert desk.balances(BOB) == (0, 120 + 30 - 50 + 5, 0)
    assert desk.memory.chain(ADA)[-1].posting.type == "merge"
    check(desk)


def test_a_purchase_after_the_merge_is_pinned_for_the_target(desk: Desk) -> None:
    desk.merge()
    earn(desk, "ada", "5.00", id="new")
    [earning] = [e for e in desk.memory.earnings() if e.key.id == "new"]
    assert (earning.earner_id, list(earning.pins)) == (BOB, [BOB])


def test_the_targets_plan_splits_what_the_old_id_earns(desk: Desk) -> None:
    desk.merge()
    desk.share({BOB: 50, EVE: 50}, owner=BOB)
    earn(desk, "ada", "10.00", id="new")
    assert (desk.balances(BOB), desk.balances(EVE)) == ((0, 125, 0), (0, 5, 0))


def test_a_purchase_that_moves_between_the_two_ids_changes_nothing(desk: Desk) -> None:
    desk.tell(posted("30.00", id="moves", customer="ada", at=START - 2 * HOUR))
    desk.merge()
    desk.tell(
        posted("30.00", id="moves", customer="bob", at=START - 2 * HOUR, updated_at=START - HOUR),
        settled(id="moves"),
    )
    assert desk.balances(BOB) == (0, 150, 0)
    check(desk)


def test_a_split_between_ids_of_one_member_is_one_entry_of_each_type(desk: Desk) -> None:
    desk.share({ADA: 30, BOB: 30, EVE: 40}, owner=EVE)
    desk.tell(posted("100.00", id="split", customer="eve", at=START - HOUR))
    desk.merge()
    desk.tell(paid("100.00", id="split"))
    before = len(desk.memory.chain(BOB))
    desk.tell(refunded("50.00", id="split"))
    made = [entry.posting for entry in desk.memory.chain(BOB)[before:]]
    assert [(each.type, each.available) for each in made] == [("reversal", -30)]
    assert sum(points for _, points in made[0].rules) == -30
    check(desk)


def test_points_earned_on_a_ticket_by_the_old_id_cannot_be_spent_on_it(desk: Desk) -> None:
    desk.merge()
    ticket = Ticket(key=purchase_key("of-ada"), amount=Decimal("100.00"))
    with pytest.raises(EarnedOnSameTicketError) as error:
        desk.redeem(30, member_id=BOB, ticket=ticket)
    assert error.value == EarnedOnSameTicketError(requested=30, spendable=20)


def test_an_update_of_the_old_customer_is_kept_with_the_target(desk: Desk) -> None:
    desk.merge()
    seen = Customer(external_id=customer_id("ada"), email="new@example.com")
    desk.tell(CustomerSeen(customer=seen, at=START + HOUR))
    assert profile(desk, BOB).email == "new@example.com"


def test_enrolling_the_old_customer_again_finds_the_target(desk: Desk) -> None:
    desk.merge()
    assert desk.enrol("ada", key="again").member_id == BOB
    assert desk.enrol("ada", "bob", key="both").member_id == BOB


def test_older_aliases_are_pointed_to_the_new_target(desk: Desk) -> None:
    desk.merge(ADA, BOB)
    desk.merge(BOB, EVE)
    alias = desk.memory.chain(ADA)[-1]
    assert (alias.posting.type, alias.posting.reason) == ("change", "alias")
    assert alias.state.standing.alias_of == EVE
    assert desk.memory.chain(EVE)[-1].state.standing.aliases == (BOB, ADA)
    assert desk.queries.balance(ADA).available == 120
    desk.tell(refunded("100.00", id="of-ada"))
    assert desk.balances(EVE) == (0, 20, 0)
    check(desk)


# ---- Refused


def test_into_oneself_and_in_a_circle(desk: Desk) -> None:
    assert refused(desk, ADA, ADA) == "same_member"
    desk.merge(ADA, BOB)
    assert refused(desk, BOB, ADA) == "same_member"


def test_twice(desk: Desk) -> None:
    desk.merge(ADA, BOB)
    assert refused(desk, ADA, EVE) == "already_merged"


@pytest.mark.parametrize("status", ["frozen", "closed", "erased"])
@pytest.mark.parametrize("who", [ADA, BOB])
def test_with_somebody_who_is_not_active(desk: Desk, who: MemberId, status: Status) -> None:
    put_standing(desk, who, status=status)
    assert refused(desk) == "inactive"


def test_with_an_open_reservation() -> None:
    desk = make_party(within_organisation(approval_above_points=30))
    desk.transfer(50)
    assert refused(desk) == "open_reservations"
    desk.merge(BOB, ADA)
    assert desk.memory.chain(ADA)[-1].state.reserved == 50
    check(desk)


def test_once_it_has_ended_it_is_in_nobodys_way() -> None:
    desk = make_party(within_organisation(approval_above_points=30))
    desk.transfer(50)
    desk.wait(START + 30 * DAY)
    desk.merge()
    assert desk.types(ADA)[-2:] == ["release", "merge"]
    check(desk)


def test_unknown_members(desk: Desk) -> None:
    for source, into in ((MemberId("nobody"), BOB), (ADA, MemberId("nobody"))):
        with pytest.raises(NotFoundError):
            desk.merge(source, into)


def test_aliases_and_tags_are_bounded(desk: Desk) -> None:
    put_standing(desk, BOB, aliases=tuple(f"former-{n}" for n in range(MAX_ALIASES)))
    with pytest.raises(LimitExceededError) as error:
        desk.merge()
    assert error.value == LimitExceededError("aliases", MAX_ALIASES)
    put_standing(desk, BOB, aliases=(), tags=tuple(f"tag-{n}" for n in range(MAX_TAGS)))
    put_standing(desk, ADA, tags=("one more",))
    with pytest.raises(LimitExceededError):
        desk.merge()


def test_the_same_request_again_gets_the_same_answer(desk: Desk) -> None:
    first = desk.merge(key="k")
    again = desk.merge(key="k")
    assert (again.result, again.replayed) == (first.result, True)
    with pytest.raises(IdempotencyKeyReusedError):
        desk.merge(EVE, BOB, key="k")


def test_two_merges_into_each_other_at_once(desk: Desk) -> None:
    desk.store.meanwhile["commit"] = lambda: desk.merge(BOB, ADA, key="other")
    assert refused_late(desk) == "same_member"
    check(desk)


def refused_late(desk: Desk) -> str:
    with pytest.raises(MergeNotPermittedError) as error:
        desk.merge()
    return error.value.reason


def test_points_that_are_spent_meanwhile_do_not_pass(desk: Desk) -> None:
    desk.store.meanwhile["commit"] = lambda: desk.redeem(60, member_id=ADA)
    desk.merge()
    assert desk.balances(BOB) == (0, 60, 0)
    check(desk)


# ---- Because a source says so


def say(desk: Desk, former: str = "ada", into: str = "bob") -> str:
    fact = CustomersMerged(former=customer_id(former), into=customer_id(into), at=START)
    return desk.outcomes(fact)[0]


def test_customers_who_are_one_are_one_member(desk: Desk) -> None:
    assert say(desk) == "merged"
    assert desk.balances(BOB) == (0, 120, 0)
    assert desk.memory.chain(BOB)[-1].posting.actor == "test"
    before = desk.memory.snapshot()
    assert say(desk) == "duplicate"
    assert say(desk, "bob", "ada") == "duplicate"
    assert desk.memory.snapshot() == before


def test_a_customer_whose_member_was_merged_before_brings_the_survivor(desk: Desk) -> None:
    say(desk, "ada", "bob")
    assert say(desk, "ada", "eve") == "merged"
    assert desk.balances(EVE) == (0, 120, 0)


@pytest.mark.parametrize(("former", "into"), [("new", "bob"), ("bob", "new")])
def test_an_unknown_customer_is_linked_to_the_known_one(desk: Desk, former: str, into: str) -> None:
    assert say(desk, former, into) == "linked"
    assert say(desk, former, into) == "duplicate"
    assert profile(desk, BOB).external_ids == (customer_id("bob"), customer_id("new"))
    earn(desk, "new", "5.00", id="later")
    assert desk.balances(BOB) == (0, 25, 0)


def test_two_unknown_customers_are_enrolled_as_one() -> None:
    desk = Desk(program())
    assert say(desk) == "enrolled"
    assert desk.memory.members() == [ADA]
    earn(desk, "ada", "5.00")
    earn(desk, "bob", "7.00")
    assert desk.balances(ADA) == (0, 12, 0)
    assert Desk(by_hand(program())).outcomes(
        CustomersMerged(former=customer_id("ada"), into=customer_id("bob"), at=START)
    ) == ["ignored"]


def test_what_cannot_be_merged_is_refused_with_its_reason(desk: Desk) -> None:
    put_standing(desk, BOB, status="closed")
    for former, into, why in (("ada", "bob", "inactive"), ("ada", "ada", "same_customer")):
        before = desk.memory.snapshot()
        with pytest.raises(MergeRefusedError) as error:
            say(desk, former, into)
        assert error.value.reason == why
        assert desk.memory.snapshot() == before


def test_a_limit_is_named_in_the_refusal(desk: Desk) -> None:
    put_standing(desk, BOB, aliases=tuple(f"former-{n}" for n in range(MAX_ALIASES)))
    with pytest.raises(MergeRefusedError) as error:
        say(desk)
    assert error.value.reason == "limit_of_aliases"


def test_a_member_who_is_enrolled_meanwhile_is_merged(desk: Desk) -> None:
    desk.store.meanwhile["commit"] = lambda: enrol(desk, "new", organisation="acme")
    assert say(desk, "new", "bob") == "merged"
    check(desk)


def test_rules_by_which_two_ids_of_one_member_earn_add_up() -> None:
    desk = make_party(within_organisation(program(rule(10, id="fixed"), rule(1, "1.00", id="one"))))
    desk.share({ADA: 50, BOB: 50}, owner=EVE)
    desk.merge()
    desk.tell(posted("20.00", id="split", customer="eve", at=START - HOUR))
    assert sum(points for _, points in desk.memory.chain(BOB)[-1].posting.rules) == 30


def test_redemptions_of_the_old_id_are_listed_with_those_of_the_new(desk: Desk) -> None:
    desk.redeem(5, key="old")
    desk.merge(ADA, BOB)
    shown, following = desk.redemptions.of_member(ADA, limit=10, before=None)
    assert ([each.redemption.points for each in shown], following) == ([5], None)
