"""Challenges, streaks and leaderboards under random orders of purchases and refunds.

Whatever comes in whichever order: counters are never negative and equal to a recount of what is
left of the purchases, a prize is paid at most once for each period, and every entry recomputes. A
counter that somebody has changed is found.
"""

import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from fractions import Fraction
from typing import Final

import pytest

from points_ledger.domain.earning import Earning, MergeableFact
from points_ledger.domain.entry import Entry
from points_ledger.domain.identity import MemberId
from points_ledger.domain.periods import period_of
from points_ledger.domain.prize import prize_rules
from points_ledger.domain.program import Challenge, Leaderboard, Program, Streak, VersionPeriod
from points_ledger.domain.purchase import remaining, standing_refunds
from points_ledger.domain.verification import Book, verify
from points_ledger.service.merging import MergeMembers
from points_ledger.service.ports import RequestKey
from tests.builders import (
    START,
    line,
    match,
    posted,
    program,
    refund_cancelled,
    refunded,
    rule,
    voided,
)
from tests.corruption import Checkpoints, rewritten
from tests.service.desk import Desk

DRINKS: Final = match(categories=["drinks"])
CHALLENGES: Final = (
    Challenge(id="three", count=3, points=50, per="month"),
    Challenge(id="thirsty", count=2, points=7, per="week", match=DRINKS),
    Challenge(id="life", count=6, points=100),
)
STREAKS: Final = (
    Streak(id="daily", every="day", length=2, points=5),
    Streak(id="weekly", every="week", length=2, points=11, match=DRINKS),
)
BOARDS: Final = (
    Leaderboard(id="top", per="month"),
    Leaderboard(id="often", per="week", by="purchases"),
)
FAMILIES: Final = ("challenge:", "streak:", "board:")


def rules() -> Program:
    base = program(rule(1, "1.00"), requires_payment=False)
    return replace(
        base,
        challenges=CHALLENGES,
        streaks=STREAKS,
        leaderboards=BOARDS,
        rules=(*base.rules, *prize_rules(CHALLENGES, STREAKS, BOARDS)),
    )


def story(dice: random.Random) -> Iterator[tuple[datetime, MergeableFact]]:
    """Sales of a fortnight and what becomes of them, as it is told, some of it late."""
    now = START
    told: list[tuple[datetime, MergeableFact]] = []
    for number in range(dice.randint(3, 10)):
        now += timedelta(hours=dice.choice((1, 12, 24, 30)))
        id_, customer = f"p{number}", dice.choice(("ada", "ada", "bob"))
        category = dice.choice((None, "drinks"))
        amount = dice.choice(("10.00", "3.50", "0.00"))
        sold = line(amount, category=category)
        facts: list[MergeableFact] = [posted(sold, id=id_, at=now, customer=customer)]
        if dice.random() < 0.6:
            facts.append(refunded(dice.choice(("1.00", amount)), id=id_, at=now))
        if dice.random() < 0.3:
            facts.append(refund_cancelled(id=id_, at=now))
        if dice.random() < 0.2:
            facts.append(voided(id=id_, at=now))
        if dice.random() < 0.3:
            other = line(dice.choice(("4.00", "0.00")), category="drinks")
            later = now + timedelta(minutes=1)
            facts.append(posted(other, id=id_, at=now, updated_at=later, customer="bob"))
        dice.shuffle(facts)
        told += [(now + timedelta(hours=dice.choice((0, 0, 5, 40))), fact) for fact in facts]
    told += dice.sample(told, min(3, len(told)))
    yield from sorted(told, key=lambda pair: pair[0])


def played(seed: int) -> Desk:
    desk = Desk(rules())
    desk.enrol("ada", key="ada")
    desk.enrol("bob", key="bob")
    for at, fact in story(random.Random(seed)):  # noqa: S311 - repeatable, guards nothing
        desk.wait(max(desk.now, at))
        desk.tell(fact)
    return desk


def amounts(earning: Earning) -> tuple[Fraction, Fraction]:
    """What is left of a purchase, and of its drinks."""
    if earning.voided_at or earning.snapshot is None:
        return Fraction(0), Fraction(0)
    lines = remaining(earning.snapshot, standing_refunds(earning)).lines
    drinks = (each.amount for each in lines if each.category == "drinks")
    return sum((each.amount for each in lines), Fraction(0)), sum(drinks, Fraction(0))


def recounted(desk: Desk, customer: str) -> Counter[str]:
    """What should be counted of a customer's purchases, by the facts that are known of them."""
    found: Counter[str] = Counter()
    for earning in desk.memory.earnings():
        if earning.snapshot is None or earning.snapshot.earner.external_id.id != customer:
            continue
        assert earning.posted_at is not None
        day = earning.posted_at.date()
        left, drinks = amounts(earning)
        if left > 0:
            found[f"challenge:three:{period_of(day, 'month')}"] += 1
            found["challenge:life:lifetime"] += 1
            found[f"streak:daily:{day}"] += 1
            found[f"board:often:{period_of(day, 'week')}"] += 1
            found[f"board:top:{period_of(day, 'month')}"] += int(left)
        if drinks > 0:
            found[f"challenge:thirsty:{period_of(day, 'week')}"] += 1
            found[f"streak:weekly:{period_of(day, 'week')}"] += 1
    return +found


def used_up(name: str, counters: dict[str, int]) -> bool:
    """Whether a streak's period is not behind its last prize."""
    if not name.startswith("streak:"):
        return False
    _, id_, period = name.split(":")
    until = date.fromordinal(counters.get(f"won:streak:{id_}", 1))
    return period <= period_of(until, "day" if id_ == "daily" else "week")


SEEDS: Final = 150


@pytest.mark.parametrize("begin", range(0, SEEDS, 30))
def test_counters_equal_a_recount_and_prizes_are_paid_once(begin: int) -> None:
    prizes = 0
    for seed in range(begin, begin + 30):
        desk = played(seed)
        for number, customer in enumerate(("ada", "bob"), start=1):
            chain = desk.memory.chain(MemberId(f"member-{number}"))
            for entry in chain:
                assert min(entry.state.counters.values(), default=0) >= 0, (seed, entry)
            counters = dict(chain[-1].state.counters)
            kept = {n: v for n, v in counters.items() if n.startswith(FAMILIES)}
            expected = recounted(desk, customer)
            # A month is a fortnight longer than the story: only days of streaks are over.
            is_kept = {n: v for n, v in expected.items() if not n.startswith("streak:")}
            assert {n: v for n, v in kept.items() if not n.startswith("streak:")} == is_kept, seed
            for name, value in kept.items():
                assert value == expected[name], (seed, name)
                assert not used_up(name, counters), (seed, name)
            paid = Counter(
                str(entry.posting.source)
                for entry in chain
                if entry.posting.type == "accrual"
                and entry.posting.source is not None
                and entry.posting.source.source == "points-ledger"
            )
            assert set(paid.values()) <= {1}, (seed, paid)
            prizes += len(paid)
            for challenge in CHALLENGES:
                for name, value in kept.items():
                    if name.startswith(f"challenge:{challenge.id}:") and value >= challenge.count:
                        assert counters[f"won:{name}"] == 1, (seed, name)
    assert prizes > 30


def book_of(desk: Desk, chains: dict[MemberId, list[Entry]]) -> Book:
    period = VersionPeriod(version=1, effective_from=START)
    return Book(chains=chains, programs={1: desk.programs.version(1)}, periods=(period,))


def verified(desk: Desk, chains: dict[MemberId, list[Entry]]) -> list[object]:
    found = verify(book_of(desk, chains))
    return [each.difference for each in found if each.difference is not None]


def chains_of(desk: Desk) -> dict[MemberId, list[Entry]]:
    return {member_id: desk.memory.chain(member_id) for member_id in desk.memory.members()}


def test_every_entry_recomputes_also_after_a_merge() -> None:
    for seed in range(40):
        desk = played(seed)
        assert verified(desk, chains_of(desk)) == [], seed
        request = RequestKey(caller="staff", key="merge")
        desk.merging.merge(
            MergeMembers(
                request=request, fingerprint="f", actor="staff",
                member_id=MemberId("member-2"), into=MemberId("member-1"),
            )
        )  # fmt: skip
        desk.tell(posted(line("5.00", category="drinks"), id="last", at=desk.now, customer="bob"))
        desk.tell(*(voided(id=f"p{n}", at=desk.now) for n in range(3)))
        chains = chains_of(desk)
        assert min(chains[MemberId("member-1")][-1].state.counters.values()) >= 0
        assert verified(desk, chains) == [], seed


def corruptions(entry: Entry) -> Iterator[Entry]:
    """The entry with one counter of a challenge, streak or leaderboard, or one input, wrong."""
    posting = entry.posting
    for name, value in posting.counters.items():
        if name.startswith((*FAMILIES, "won:")):
            for other in (value + 1, value - 1, -value):
                counters = {**posting.counters, name: other}
                yield replace(entry, posting=replace(posting, counters=counters))
            renamed = {n: v for n, v in posting.counters.items() if n != name}
            yield replace(entry, posting=replace(posting, counters=renamed))
            renamed = {**renamed, f"{name}x": value}
            yield replace(entry, posting=replace(posting, counters=renamed))
    counts = posting.inputs.get("counts")
    if counts is not None:
        first, *rest = counts.split()
        without = {n: v for n, v in posting.inputs.items() if n != "counts"}
        for text in (" ".join(rest), f"{counts} nobody", f"{counts} {first}", f"{counts} "):
            inputs = {**without, "counts": text} if text else without
            yield replace(entry, posting=replace(posting, inputs=inputs))


def test_a_corrupted_counter_is_found() -> None:
    judged = 0
    for seed in range(8):
        desk = played(seed)
        chains = chains_of(desk)
        points = Checkpoints(book_of(desk, chains))
        for member_id, chain in chains.items():
            for place, entry in enumerate(chain):
                before = chain[place - 1] if place else None
                assert points.judged(member_id, place, chain[place:]) is None
                for wrong in corruptions(entry):
                    if before is None:
                        continue
                    rest = rewritten([wrong, *chain[place + 1 :]], before.state, before.hash)
                    found = points.judged(member_id, place, rest)
                    assert found is not None, (seed, member_id, place, wrong.posting)
                    assert found.member_id == member_id
                    judged += 1
    assert judged > 200
