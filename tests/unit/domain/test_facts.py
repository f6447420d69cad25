"""What a fact refuses by itself, and how facts merge into an earning (semantics 3)."""

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from itertools import permutations

import pytest

from points_ledger.domain.earning import Earning, MergeableFact, merge
from points_ledger.domain.error import ContradictionError, LimitReachedByFactError
from points_ledger.domain.fact import Customer, LineRefund, PurchaseRefunded, Refund
from points_ledger.domain.identity import ExternalId, PaymentKey
from points_ledger.domain.limit import (
    MAX_LINES_PER_PURCHASE,
    MAX_PAYMENTS_PER_PURCHASE,
    MAX_REFUNDS_PER_PURCHASE,
)
from tests.builders import (
    START,
    after,
    bounced,
    line,
    merged,
    paid,
    performed,
    posted,
    purchase_key,
    refund_cancelled,
    refunded,
    settled,
    snapshot,
    voided,
)

NAIVE = datetime(2026, 3, 2, 12)  # noqa: DTZ001 - what is refused


# ---- What can be judged from the fact alone


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(lambda: snapshot("10.00", total="-0.01"), id="negative total"),
        pytest.param(lambda: snapshot("10.00", points_paid="-1.00"), id="negative points paid"),
        pytest.param(lambda: snapshot("10.00", points_paid="10.01"), id="more points than total"),
        pytest.param(lambda: snapshot("10.00", currency="XXX"), id="no such currency"),
        pytest.param(lambda: snapshot("10.00", at=NAIVE), id="a time without a zone"),
        pytest.param(lambda: snapshot(line("1"), line("2")), id="two lines of one id"),
        pytest.param(
            lambda: snapshot(*["1.00"] * (MAX_LINES_PER_PURCHASE + 1)), id="too many lines"
        ),
        pytest.param(lambda: line("1000000000.00"), id="a line above the largest amount"),
        pytest.param(lambda: line("-1000000000.00"), id="a line below the smallest amount"),
        pytest.param(lambda: line("NaN"), id="a line that is no number"),
        pytest.param(lambda: line("1.00001"), id="a line finer than any currency"),
        pytest.param(lambda: line("1.00", quantity="-1"), id="a negative quantity"),
        pytest.param(lambda: line("1.00", category="a\nb"), id="a control character"),
        pytest.param(lambda: line("1.00", id="x" * 2_000), id="an id of 2,000 characters"),
        pytest.param(lambda: paid("-1.00"), id="negative payment"),
        pytest.param(lambda: paid("1.00", at=NAIVE), id="a payment without a zone"),
        pytest.param(lambda: paid("1.00", ""), id="a payment without an id"),
        pytest.param(lambda: refunded("-1.00"), id="negative refund"),
        pytest.param(lambda: refunded(lines={"1": "-1.00"}), id="negative line refund"),
        pytest.param(refunded, id="a refund of nothing named"),
        pytest.param(lambda: refunded("1.00", lines={"1": "1.00"}), id="a refund of both"),
        pytest.param(
            lambda: refunded(lines={str(n): "1" for n in range(MAX_LINES_PER_PURCHASE + 1)}),
            id="a refund of too many lines",
        ),
        pytest.param(lambda: settled(at=NAIVE), id="settled without a zone"),
        pytest.param(lambda: voided(at=NAIVE), id="voided without a zone"),
        pytest.param(lambda: bounced(at=NAIVE), id="bounced without a zone"),
        pytest.param(lambda: refund_cancelled(at=NAIVE), id="cancelled without a zone"),
        pytest.param(lambda: performed("x" * 256), id="an action's name too long"),
        pytest.param(
            lambda: Customer(external_id=ExternalId(source="pos", id="1"), name="x" * 1_001),
            id="a name of more than 1,000 characters",
        ),
    ],
)
def test_a_fact_refuses_what_is_wrong_by_itself(make: Callable[[], object]) -> None:
    with pytest.raises(ValueError):
        make()


@pytest.mark.parametrize("both", [True, False])
def test_a_refund_names_its_purchase_or_one_of_its_payments(both: bool) -> None:
    refund = Refund(id="r", at=START, amount=Decimal(1))
    with pytest.raises(ValueError):
        PurchaseRefunded(
            purchase=purchase_key() if both else None,
            payment=PaymentKey(source="pos", id="p") if both else None,
            refund=refund,
        )


def test_the_largest_purchase_is_accepted() -> None:
    assert len(snapshot(*["1.00"] * MAX_LINES_PER_PURCHASE).lines) == MAX_LINES_PER_PURCHASE


def test_an_empty_name_is_no_name() -> None:
    customer = Customer(external_id=ExternalId(source="pos", id="1"), name="  ")
    assert customer.name is None


# ---- Merging


def test_hearing_a_fact_again_gives_the_same_earning() -> None:
    facts = (
        posted("10.00"),
        paid("10.00"),
        bounced("payment-2"),
        refunded("1.00"),
        refund_cancelled("r2"),
        settled(),
        voided(),
    )
    earning = merged(*facts)
    assert all(merge(earning, fact) is earning for fact in facts)


def total_after(*facts: MergeableFact) -> Decimal:
    """The total of the snapshot that counts."""
    earning = merged(*facts)
    assert earning.snapshot is not None
    return earning.snapshot.total


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_the_latest_snapshot_by_the_sources_own_time_counts(order: tuple[int, ...]) -> None:
    versions = [posted("10.00"), posted("20.00", updated_at=after(hours=1)),
                posted("15.00", updated_at=after(hours=2))]  # fmt: skip
    assert total_after(*(versions[place] for place in order)) == 15


def test_of_equal_times_the_same_snapshot_counts_in_either_order() -> None:
    one, other = posted("10.00"), posted("20.00")
    assert total_after(one, other) == total_after(other, one)


@pytest.mark.parametrize(
    "other",
    [
        posted("10.00", total="11.00"),
        posted("10.00", points_paid="1.00"),
        posted("10.00", customer="ben"),
        posted("10.00", currency="EUR"),
        posted("10.00", own_order=False),
        posted(line("10.00", category="a")),
        posted(line("10.00", item="a")),
        posted(line("10.00", product="a")),
        posted(line("10.00", quantity="2")),
        posted(line("10.00", id="2")),
    ],
)
def test_the_content_decides_between_snapshots_of_equal_time(other: MergeableFact) -> None:
    base = posted("10.00")
    assert merged(base, other).snapshot == merged(other, base).snapshot


def test_equal_content_written_with_other_zeros_is_the_same_snapshot() -> None:
    assert total_after(posted("10.00"), posted("10.0")) == 10


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_the_earliest_posting_time_counts(order: tuple[int, ...]) -> None:
    versions = [posted("1", at=START), posted("1", at=after(days=-1), updated_at=after(days=2))]
    assert merged(*(versions[place] for place in order)).posted_at == after(days=-1)


@pytest.mark.parametrize(
    ("facts", "amounts"),
    [
        ([paid("1"), paid("2", "payment-2")], {"payment-1": 1, "payment-2": 2}),
        ([paid("1"), paid("1")], {"payment-1": 1}),
        ([paid("1"), paid("2", at=after(hours=1))], {"payment-1": 2}),
        ([paid("2", at=after(hours=1)), paid("1")], {"payment-1": 2}),
        ([paid("1.00"), paid("1")], {"payment-1": 1}),
    ],
)
def test_payments_are_kept_by_their_id(facts: list[MergeableFact], amounts: dict[str, int]) -> None:
    kept = {id_: payment.amount for id_, payment in merged(*facts).payments.items()}
    assert kept == amounts


@pytest.mark.parametrize(
    ("first", "second", "what", "id_"),
    [
        (paid("1.00"), paid("2.00"), "payment", "payment-1"),
        (paid("1.00"), paid("1.00", currency="EUR"), "payment", "payment-1"),
        (refunded("1.00"), refunded("2.00"), "refund", "refund-1"),
        (refunded("1.00"), refunded(lines={"1": "1.00"}), "refund", "refund-1"),
        (
            refunded(lines={"1": "1.00"}),
            refunded(lines={"1": "2.00"}),
            "refund",
            "refund-1",
        ),
    ],
)
def test_the_same_id_and_time_with_other_content_contradicts(
    first: MergeableFact, second: MergeableFact, what: str, id_: str
) -> None:
    with pytest.raises(ContradictionError) as caught:
        merged(first, second)
    assert (caught.value.what, caught.value.id) == (what, id_)


def test_line_refunds_in_another_order_do_not_contradict() -> None:
    one = refunded(lines={"1": "1.00", "2": "2.00"})
    other = refunded(lines={"2": "2.00", "1": "1.00"})
    assert merged(one, other) == merged(one)


def test_one_line_named_twice_is_refunded_the_sum() -> None:
    twice = Refund(
        id="refund-1",
        at=START,
        lines=(
            LineRefund(line_id="1", amount=Decimal(1)),
            LineRefund(line_id="1", amount=Decimal(2)),
        ),
    )
    first = PurchaseRefunded(purchase=purchase_key(), refund=twice)
    assert merged(first, refunded(lines={"1": "3.00"})) == merged(first)


def test_a_reversal_of_an_unknown_payment_is_kept() -> None:
    assert merged(bounced("later")).payment_reversals == {"later": START}


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_of_two_reports_of_a_reversal_the_earliest_counts(order: tuple[int, ...]) -> None:
    reports = [bounced(), bounced(at=after(days=1))]
    assert merged(*(reports[place] for place in order)).payment_reversals == {"payment-1": START}


def test_a_cancellation_of_an_unknown_refund_is_kept() -> None:
    assert merged(refund_cancelled("later")).refund_cancellations == {"later": START}


@pytest.mark.parametrize(
    ("maximum", "make"),
    [
        (MAX_PAYMENTS_PER_PURCHASE, lambda number: paid("1", f"p{number}")),
        (MAX_PAYMENTS_PER_PURCHASE, lambda number: bounced(f"p{number}")),
        (MAX_REFUNDS_PER_PURCHASE, lambda number: refunded("1", f"r{number}")),
        (MAX_REFUNDS_PER_PURCHASE, lambda number: refund_cancelled(f"r{number}")),
    ],
)
def test_what_one_purchase_can_collect_is_bounded(
    maximum: int, make: Callable[[int], MergeableFact]
) -> None:
    earning = merged(*(make(number) for number in range(maximum)))
    with pytest.raises(LimitReachedByFactError) as caught:
        merge(earning, make(maximum))
    assert caught.value.maximum == maximum


def test_an_action_id_stands_for_one_event() -> None:
    earning = merged(performed("signup"), performed("review", at=after(hours=1)))
    assert earning.action is not None
    assert earning.action.name == "signup"


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_of_two_reports_of_an_action_the_same_counts_in_either_order(
    order: tuple[int, ...],
) -> None:
    reports = [performed("signup"), performed("signup", at=after(days=1))]
    assert merged(*(reports[place] for place in order)).posted_at == START


def test_an_earning_without_content_has_no_earner() -> None:
    assert Earning(key=purchase_key()).earner is None
