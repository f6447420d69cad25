"""Sales: what a purchase adds to revenue, and for whom."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from points_ledger.domain.earning import Earning, MergeableFact, Pin, merge
from points_ledger.domain.identity import ExternalId, MemberId
from points_ledger.domain.sales import MAX_LABEL_BYTES, Sale, amount_of, label_of, sale_of
from points_ledger.domain.sharing import whole
from tests.builders import line, paid, performed, posted, purchase_key, refunded, voided

ADA = MemberId("member-1")
CHICAGO = ZoneInfo("America/Chicago")


def earning(*facts: MergeableFact, organisation: str | None = "Acme") -> Earning:
    known = Earning(key=purchase_key())
    for fact in facts:
        known = merge(known, fact)
    pin = Pin(allocation=whole(ADA), organisation=organisation)
    return replace(known, earner_id=ADA, pins={ADA: pin})


def sale(*facts: MergeableFact) -> Sale | None:
    return sale_of(earning(*facts), lambda _: CHICAGO)


def revenue(*facts: MergeableFact) -> int:
    found = sale(*facts)
    assert found is not None
    return found.revenue


def test_revenue_is_what_was_sold_before_tax_and_before_what_points_paid() -> None:
    lines = (line("80.00"), line("20.00", id="2"))
    assert revenue(posted(*lines, total="108.25", points_paid="25.00")) == 10_000


def test_a_discount_of_the_whole_purchase_lowers_it() -> None:
    assert revenue(posted(line("100.00"), line("-12.50", id="2", category=None))) == 8_750


@pytest.mark.parametrize(
    ("facts", "cents"),
    [
        ((refunded("20.00"),), 8_000),
        ((refunded("20.00"), refunded("30.00", "refund-2")), 5_000),
        ((refunded(None, lines={"1": "35.00"}),), 6_500),
        ((refunded("500.00"),), 0),
    ],
)
def test_refunds_lower_it(facts: tuple[MergeableFact, ...], cents: int) -> None:
    assert revenue(posted(line("100.00")), *facts) == cents


def test_it_is_rounded_once_half_up() -> None:
    third = (posted(line("10.00"), total="30.00"), refunded("10.00"))
    assert revenue(*third) == 667
    assert revenue(posted(line("0.0050"), total="1.00")) == 1
    assert revenue(posted(line("-0.0050", category="retail"), total="1.00")) == 0


def test_payments_do_not_matter() -> None:
    assert sale(posted("100.00")) == sale(posted("100.00"), paid("40.00"))


def test_a_voided_purchase_is_no_sale_and_an_action_neither() -> None:
    assert sale(posted("100.00"), voided()) is None
    assert sale(performed()) is None
    assert sale(refunded("1.00")) is None


def test_it_belongs_to_the_month_of_its_posting_in_the_zone_of_the_program() -> None:
    last_minute = datetime(2026, 12, 1, 5, 59, tzinfo=UTC)
    found = sale(posted("1.00", at=last_minute))
    assert found is not None
    assert found.periods == ("2026-11", "lifetime")


def test_it_is_the_organisations_of_then_whoever_was_billed() -> None:
    fact = posted("100.00")
    billed = replace(fact.snapshot, billed_to=ExternalId(source="pos", id="insurer"))
    found = sale(replace(fact, snapshot=billed))
    assert found == sale(fact)
    assert found is not None
    assert (found.member_id, found.organisation) == (ADA, "Acme")


def test_of_a_customer_who_is_not_enrolled_only_the_revenue_is_known() -> None:
    known = replace(earning(posted("5.00")), earner_id=None)
    found = sale_of(known, lambda _: CHICAGO)
    assert found is not None
    assert (found.member_id, found.organisation, found.revenue) == (None, None, 500)


def test_own_orders_and_copies_are_counted_apart() -> None:
    own, copy = sale(posted("5.00")), sale(posted("5.00", own_order=False))
    assert own is not None
    assert copy is not None
    assert own.counters == {"score": 500, "own_revenue": 500, "own_purchases": 1}
    assert copy.counters == {"score": 500, "copy_revenue": 500, "copy_purchases": 1}


@pytest.mark.parametrize(
    ("currency", "units", "amount"), [("JPY", 7, "7"), ("USD", 7, "0.07"), ("KWD", -7, "-0.007")]
)
def test_amounts_are_of_the_smallest_unit(currency: str, units: int, amount: str) -> None:
    assert amount_of(units, currency) == Decimal(amount)


def test_a_long_organisation_fits_into_a_key_and_stays_another_than_its_like() -> None:
    long, like = "é#%" * 333, "é#%" * 332 + "é#!"
    assert label_of("Bell & Sons #1") == "Bell & Sons #1"
    assert label_of(long) != label_of(like)
    escaped = label_of(long).replace("%", "%25").replace("#", "%23")
    assert len(escaped.encode()) <= MAX_LABEL_BYTES
