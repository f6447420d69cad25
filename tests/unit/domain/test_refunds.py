"""What is left of a purchase after refunds, and what is owed for it (semantics 3.1)."""

import pytest

from points_ledger.domain.earning import MergeableFact
from points_ledger.domain.purchase import amount_owed, remaining, standing_refunds
from tests.builders import (
    PURCHASE,
    World,
    after,
    earned_by,
    line,
    match,
    merged,
    paid,
    posted,
    program,
    purchase_key,
    refund_cancelled,
    refunded,
    rule,
)

BY_CATEGORY = program(
    rule(1, "1.00", id="a", match=match(categories=["a"])),
    rule(1, "1.00", id="b", match=match(categories=["b"])),
)
A_60_B_40 = posted(
    line("60.00", id="a", category="a"), line("40.00", id="b", category="b"), total="110.00"
)


def left(*facts: MergeableFact) -> tuple[object, object]:
    """Remaining amounts by category, and what is owed."""
    earning = merged(*facts)
    assert earning.snapshot is not None
    rest = remaining(earning.snapshot, standing_refunds(earning))
    assert amount_owed(earning.snapshot, standing_refunds(earning)) == rest.owed
    return {part.category: part.amount for part in rest.lines}, rest.owed


def exceeds(*facts: MergeableFact) -> bool:
    """Whether refunds named more than there was."""
    earning = merged(*facts)
    assert earning.snapshot is not None
    return remaining(earning.snapshot, standing_refunds(earning)).excess


@pytest.mark.parametrize("reverse", [False, True])
def test_a_line_refund_and_an_amount_refund_count_alike_in_either_order(reverse: bool) -> None:
    refunds = [
        refunded(lines={"a": "60.00"}, refund="line", at=after(days=1)),
        refunded("22.00", refund="amount", at=after(days=2)),
    ]
    facts = [A_60_B_40, *(reversed(refunds) if reverse else refunds)]
    assert left(*facts) == ({"a": 0, "b": 20}, 22)


@pytest.mark.parametrize(
    ("refunds", "a", "b", "owed"),
    [
        pytest.param([], 60, 40, 110, id="none"),
        pytest.param([refunded("55.00")], 30, 20, 55, id="half by amount"),
        pytest.param([refunded("110.00")], 0, 0, 0, id="all by amount"),
        pytest.param([refunded("500.00")], 0, 0, 0, id="above the total"),
        pytest.param([refunded(lines={"a": "60.00", "b": "40.00"})], 0, 0, 0, id="all by lines"),
        pytest.param([refunded(lines={"a": "500.00"})], 0, 40, 44, id="above a line"),
        pytest.param([refunded(lines={"a": "30.00"})], 30, 40, 77, id="part of a line"),
        pytest.param([refunded(lines={"unknown": "30.00"})], 60, 40, 110, id="unknown line"),
        pytest.param(
            [refunded(lines={"a": "30.00"}), refunded("1000.00", "r2")], 0, 0, 0,
            id="both, above what is left",
        ),
        pytest.param([refunded("50.00", currency="EUR")], 60, 40, 110, id="another currency"),
        pytest.param(
            [refunded("27.50", "r1"), refunded("27.50", "r2")], 30, 20, 55, id="two halves"
        ),
        pytest.param(
            [refunded("55.00"), refund_cancelled()], 60, 40, 110, id="withdrawn"
        ),
        pytest.param(
            [refund_cancelled("r2"), refunded("55.00"), refunded("11.00", "r2")], 30, 20, 55,
            id="withdrawn before it was known",
        ),
        pytest.param([refunded("0.00")], 60, 40, 110, id="nothing"),
    ],
)  # fmt: skip
def test_refunds_leave(refunds: list[MergeableFact], a: int, b: int, owed: int) -> None:
    assert left(A_60_B_40, *refunds) == ({"a": a, "b": b}, owed)


@pytest.mark.parametrize(
    ("credit_note", "owed"),
    [
        pytest.param(
            [refunded("33.00", "note", settles=["r1"])], 77, id="a note contains a refund"
        ),
        pytest.param(
            [refunded("33.00", "note", settles=["r1"]), refund_cancelled("note")], 99,
            id="a voided note lets the refund count again",
        ),
        pytest.param([refunded("33.00", "note", settles=["other"])], 66, id="of another refund"),
        pytest.param(
            [refunded("33.00", "note"), refunded("33.00", "note", settles=["r1"])], 77,
            id="what a note settles may become known later",
        ),
        pytest.param([refunded("33.00", "note", settles=["note"])], 66, id="of itself"),
    ],
)  # fmt: skip
def test_a_refund_inside_a_credit_note_is_not_counted_twice(
    credit_note: list[MergeableFact], owed: int
) -> None:
    facts = [A_60_B_40, refunded("11.00", "r1"), *credit_note]
    assert left(*facts)[1] == owed


@pytest.mark.parametrize(
    ("refunds", "excess"),
    [
        ([refunded("110.00")], False),
        ([refunded("110.01")], True),
        ([refunded(lines={"a": "60.01"})], True),
        ([refunded(lines={"unknown": "1.00"})], True),
        ([refunded(lines={"a": "60.00"}), refunded("44.00", "r2")], False),
        ([refunded(lines={"a": "60.00"}), refunded("44.01", "r2")], True),
    ],
)
def test_naming_more_than_there_was_is_noticed(refunds: list[MergeableFact], excess: bool) -> None:
    assert exceeds(A_60_B_40, *refunds) is excess


def test_the_entry_says_that_a_refund_exceeded_the_purchase() -> None:
    world = World(program())
    world.tell(posted("10.00"), paid("10.00"), refunded("11.00"))
    assert world.last("reversal").details["refund"] == "exceeds_purchase"


@pytest.mark.parametrize(
    "refunds",
    [
        [refunded("5.00", "r1"), refunded("5.00", "r2")],
        [refunded("10.00", "r1")],
        [refunded("10.00", "r1")] * 3,
    ],
)
def test_two_refunds_of_5_equal_one_of_10(refunds: list[MergeableFact]) -> None:
    assert earned_by(program(), posted("30.00"), *refunds) == 20


def test_a_purchase_without_lines_owes_its_total_and_earns_nothing() -> None:
    assert (left(posted(total="10.00")), earned_by(program(), posted(total="10.00"))) == (
        ({}, 10),
        0,
    )


def test_a_full_return_never_takes_more_than_was_earned() -> None:
    world = World(program())
    world.tell(posted("50.00"), paid("50.00"))
    world.tell(*(refunded("50.00", f"r{number}") for number in range(3)))
    assert world.balances().available == 0


def test_a_line_that_a_later_snapshot_lacks_can_still_be_named_by_a_refund() -> None:
    facts = (
        A_60_B_40,
        refunded(lines={"a": "60.00"}),
        posted(line("40.00", id="b", category="b"), total="44.00", updated_at=after(days=1)),
    )
    assert left(*facts) == ({"b": 40}, 44)


def test_refunds_of_other_purchases_do_not_count() -> None:
    world = World(program())
    world.tell(posted("50.00"), refunded("50.00", id="another"))
    assert world.earnings[purchase_key(PURCHASE)].earned.points == 50
