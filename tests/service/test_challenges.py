"""Prizes of challenges and streaks: paid once, whatever happens in between; and the progress."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

import pytest

from points_ledger.adapters.dynamodb.store import MAX_ACTIONS_PER_COMMIT
from points_ledger.contracts.program import MAX_CHALLENGES, MAX_STREAKS
from points_ledger.domain.error import NotFoundError
from points_ledger.domain.identity import EarningKey, MemberId
from points_ledger.domain.limit import MAX_SHARES_PER_PLAN
from points_ledger.domain.prize import prize_rules
from points_ledger.domain.program import Challenge, Program, Streak
from points_ledger.domain.state import Standing
from points_ledger.service.challenges import Challenges, Progress
from points_ledger.service.merging import MergeMembers
from points_ledger.service.ports import Marker, RequestKey
from tests.builders import (
    CUSTOMER,
    after,
    paid,
    performed,
    posted,
    program,
    refund_cancelled,
    refunded,
    voided,
)
from tests.service.desk import ADA, BOB, Desk
from tests.service.office import Office

TWO: Final = Challenge(id="two", count=2, points=50, per="month")
DAILY: Final = Streak(id="daily", every="day", length=2, points=10)


def playing(
    *challenges: Challenge, streaks: Iterable[Streak] = (), rules: Program | None = None
) -> Program:
    base = rules or program()
    run = tuple(streaks)
    return replace(
        base,
        challenges=challenges,
        streaks=run,
        rules=(*base.rules, *prize_rules(challenges, run, ())),
    )


def buy(desk: Desk, id_: str, *, customer: str = CUSTOMER, days: float = 0) -> None:
    desk.wait(after(days=days))
    desk.tell(posted("10.00", id=id_, at=desk.now, customer=customer))


def prize_key(
    what: str = "challenge:two", member: str = ADA, period: str = "2026-03"
) -> EarningKey:
    return EarningKey(source="points-ledger", kind="action", id=f"{what}:{member}:{period}")


def paid_out(desk: Desk, member_id: MemberId = ADA) -> dict[str, int]:
    """Points by the natural key of each prize of a member."""
    found: dict[str, int] = {}
    for entry in desk.memory.chain(member_id):
        source, posting = entry.posting.source, entry.posting
        if posting.type == "accrual" and source and source.source == "points-ledger":
            assert source.id not in found, "a prize is accrued once"
            found[source.id] = posting.counters["earned"]
    return found


# --- Paying ---------------------------------------------------------------------------------


def test_a_prize_is_earned_and_matures_as_an_action_of_the_ledger() -> None:
    desk = Desk(playing(TWO, streaks=[DAILY]))
    buy(desk, "p1")
    buy(desk, "p2", days=1)
    assert paid_out(desk) == {
        "challenge:two:member-1:2026-03": 50,
        "streak:daily:member-1:2026-03-03": 10,
    }
    state = desk.memory.chain(ADA)[-1].state
    assert (state.pending, state.available) == (20, 60)
    accruals = [e.posting for e in desk.memory.chain(ADA) if e.posting.type == "accrual"]
    assert [posting.rules for posting in accruals][2:] == [(("two", 50),), (("daily", 10),)]


def test_a_prize_waits_for_the_hold_since_the_deciding_purchase() -> None:
    desk = Desk(playing(TWO, rules=program(hold="PT24H")))
    buy(desk, "p1")
    desk.wait(after(hours=20))
    desk.tell(posted("10.00", id="p2", at=after(hours=2)))
    assert desk.memory.chain(ADA)[-1].state.pending == 70
    [marker] = [m for m in markers(desk) if m.due_at == after(hours=26)]
    assert marker.target == str(prize_key())
    desk.wait(after(hours=26))
    desk.release(prize_key())
    assert desk.memory.chain(ADA)[-1].state.available == 50


def markers(desk: Desk) -> tuple[Marker, ...]:
    return tuple(m for m in desk.memory.snapshot().markers if "points-ledger" in m.target)


def test_a_prize_is_paid_once_when_the_count_falls_and_rises_again() -> None:
    desk = Desk(playing(TWO))
    buy(desk, "p1")
    buy(desk, "p2")
    desk.tell(refunded("10.00", id="p1"), voided(id="p2"))
    assert paid_out(desk) == {"challenge:two:member-1:2026-03": 50}
    assert desk.memory.chain(ADA)[-1].state.available == 50
    desk.tell(refund_cancelled(id="p1"))
    buy(desk, "p3")
    buy(desk, "p4")
    assert paid_out(desk) == {"challenge:two:member-1:2026-03": 50}


def test_a_prize_whose_worker_was_killed_is_paid_by_the_sweep() -> None:
    desk = Desk(playing(TWO))
    buy(desk, "p1")

    def killed() -> None:
        raise KeyboardInterrupt

    desk.store.meanwhile["commit"] = lambda: desk.store.meanwhile.update(commit=killed)
    with pytest.raises(KeyboardInterrupt):
        buy(desk, "p2")
    assert paid_out(desk) == {}
    desk.store.meanwhile.clear()
    [marker] = markers(desk)
    assert (marker.kind, marker.due_at) == ("hold_release", desk.now)
    desk.release(EarningKey.parse(marker.target))
    desk.release(EarningKey.parse(marker.target))
    assert paid_out(desk) == {"challenge:two:member-1:2026-03": 50}


def test_a_lost_reply_wins_no_second_prize() -> None:
    desk = Desk(playing(TWO))
    buy(desk, "p1")
    desk.store.lost_replies_ahead = 1
    buy(desk, "p2")
    buy(desk, "p3")
    for marker in markers(desk):
        desk.release(EarningKey.parse(marker.target))
    assert paid_out(desk) == {"challenge:two:member-1:2026-03": 50}


def test_actions_that_members_do_count_and_prizes_do_not() -> None:
    critic = Challenge(id="critic", on="action", action="review", count=1, points=5)
    meta = Challenge(id="meta", on="action", action="challenge:critic", count=1, points=99)
    desk = Desk(playing(critic, meta))
    desk.tell(performed("review"))
    assert paid_out(desk) == {"challenge:critic:member-1:lifetime": 5}


def test_analysis_counts_nothing() -> None:
    desk = Desk(playing(replace(TWO, count=1), rules=program(mode="analysis")))
    buy(desk, "p1")
    assert paid_out(desk) == {}
    assert [entry.posting.type for entry in desk.memory.chain(ADA)] == ["enrolment"]


def test_a_closed_member_counts_nothing() -> None:
    office = Office(playing(replace(TWO, count=1)))
    office.enrol(CUSTOMER)
    office.put_standing_of(ADA, Standing(status="closed"))
    buy(office, "p1")
    assert paid_out(office) == {}


def test_a_purchase_of_ten_that_wins_everything_at_once_fits_into_one_transaction() -> None:
    challenges = [replace(TWO, id=f"c{n}") for n in range(MAX_CHALLENGES)]
    streaks = [replace(DAILY, id=f"s{n}") for n in range(MAX_STREAKS)]
    base = replace(program(requires_payment=False), sharing_within="anyone")
    desk = Desk(playing(*challenges, streaks=streaks, rules=base))
    for n in range(MAX_SHARES_PER_PLAN):
        desk.enrol(CUSTOMER if n == 0 else f"c{n}", key=f"enrol-{n}")
    desk.share({f"member-{n + 1}": 10 for n in range(MAX_SHARES_PER_PLAN)})
    buy(desk, "p1")
    desk.store.commits.clear()
    buy(desk, "p2", days=1)
    assert len(desk.store.commits[0]) <= MAX_ACTIONS_PER_COMMIT
    assert len(paid_out(desk)) == MAX_CHALLENGES + MAX_STREAKS


# --- Merges ---------------------------------------------------------------------------------


def merge(desk: Desk, source: MemberId, into: MemberId) -> None:
    desk.merging.merge(
        MergeMembers(
            request=RequestKey(caller="staff", key=f"{source} {into}"),
            fingerprint=f"{source} {into}",
            actor="staff",
            member_id=source,
            into=into,
        )
    )


def test_two_counts_that_become_enough_by_a_merge_win_together() -> None:
    desk = Desk(playing(TWO, streaks=[DAILY]))
    buy(desk, "p1")
    buy(desk, "p2", customer="bob", days=1)
    merge(desk, BOB, ADA)
    assert paid_out(desk) == {}
    for marker in markers(desk):
        desk.release(EarningKey.parse(marker.target))
    assert paid_out(desk) == {
        "challenge:two:member-1:2026-03": 50,
        "streak:daily:member-1:2026-03-03": 10,
    }
    buy(desk, "p3", days=1)
    assert len(paid_out(desk)) == 2


def test_counts_of_a_period_that_is_over_win_nothing_together() -> None:
    desk = Desk(playing(TWO, streaks=[DAILY]))
    buy(desk, "p1")
    buy(desk, "p2", customer="bob", days=1)
    desk.wait(after(days=60))
    merge(desk, BOB, ADA)
    for marker in markers(desk):
        desk.release(EarningKey.parse(marker.target))
    assert paid_out(desk) == {}


def test_what_one_has_won_is_not_won_again_after_the_merge() -> None:
    desk = Desk(playing(TWO, streaks=[DAILY]))
    buy(desk, "p1")
    buy(desk, "p2", days=1)
    buy(desk, "q1", customer="bob", days=1)
    merge(desk, ADA, BOB)
    buy(desk, "q2", customer="bob", days=1)
    assert paid_out(desk, BOB) == {}
    desk.tell(voided(id="p1"), voided(id="q1"))
    head = desk.memory.chain(BOB)[-1].state
    assert head.counter("challenge:two:2026-03") == 2
    assert head.counter("won:challenge:two:2026-03") == 1
    assert min(head.counters.values()) >= 0


# --- Versions -------------------------------------------------------------------------------


def test_the_deciding_purchase_says_which_version_counts() -> None:
    desk = Desk(playing(replace(TWO, count=3)))
    buy(desk, "p1")
    buy(desk, "p2")
    assert paid_out(desk) == {}
    buy(desk, "p3")
    assert paid_out(desk) == {"challenge:two:member-1:2026-03": 50}


# --- Progress -------------------------------------------------------------------------------


def progress(desk: Desk, member_id: MemberId = ADA) -> Progress:
    shown = Challenges(store=desk.store, programs=desk.programs, clock=desk.clock)
    before = len(desk.store.requests)
    found = shown.progress(member_id)
    assert len(desk.store.requests) - before == 1, "one read"
    return found


def test_the_progress_is_of_the_current_periods() -> None:
    desk = Desk(playing(TWO, streaks=[replace(DAILY, length=3)]))
    buy(desk, "p1")
    buy(desk, "p2", days=1)
    desk.wait(after(days=2))
    found = progress(desk)
    [challenge] = found.challenges
    [streak] = found.streaks
    assert (challenge.period, challenge.count, challenge.is_won) == ("2026-03", 2, True)
    assert (streak.period, streak.count, streak.is_active) == ("2026-03-04", 2, False)
    buy(desk, "p3", days=2)
    [streak] = progress(desk).streaks
    assert (streak.count, streak.is_active, streak.last_won) == (0, False, "2026-03-04")
    desk.wait(after(days=40))
    [challenge] = progress(desk).challenges
    assert (challenge.period, challenge.count, challenge.is_won) == ("2026-04", 0, False)


def test_a_gap_of_a_whole_period_ends_the_run_that_is_shown() -> None:
    desk = Desk(playing(streaks=[replace(DAILY, length=3)]))
    buy(desk, "p1")
    desk.wait(after(days=1))
    assert progress(desk).streaks[0].count == 1
    desk.wait(after(days=2))
    assert progress(desk).streaks[0].count == 0


def test_a_day_ahead_counts_once_it_has_begun() -> None:
    desk = Desk(playing(streaks=[replace(DAILY, length=3)]))
    buy(desk, "p1")
    desk.tell(posted("10.00", id="p2", at=after(days=1)))
    assert progress(desk).streaks[0].count == 1
    desk.wait(after(days=1))
    assert progress(desk).streaks[0].count == 2


def test_nobody_has_no_progress() -> None:
    with pytest.raises(NotFoundError):
        progress(Desk(playing(TWO)), MemberId("nobody"))


def test_paying_does_not_change_a_count() -> None:
    desk = Desk(playing(replace(TWO, count=9)))
    buy(desk, "p1")
    desk.tell(paid("10.00", id="p1"))
    assert progress(desk).challenges[0].count == 1
