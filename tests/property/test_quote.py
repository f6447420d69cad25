"""The quote and the redemption agree: the quoted points are accepted, one more is not."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from points_ledger.domain.entry import Posting, apply
from points_ledger.domain.identity import RedemptionId
from points_ledger.domain.limit import MAX_POINTS
from points_ledger.domain.lot import NEVER
from points_ledger.domain.money import from_minor_units
from points_ledger.domain.program import PointValue
from points_ledger.domain.redemption import Redeemer, Ticket, quote, redeem, refusals, value_of
from points_ledger.domain.state import Standing, State
from tests.builders import START, program, purchase_key

CURRENCIES = st.sampled_from(["USD", "JPY", "KWD"])
DAYS = st.one_of(
    st.integers(-2, 5).map(lambda days: (START + timedelta(days=days)).date()), st.just(NEVER)
)
SMALL = st.integers(0, 3_000)


@st.composite
def redeemers(draw: st.DrawFn) -> Redeemer:
    """Any account, program and ticket; amounts are small so that their bounds meet."""
    currency = draw(CURRENCIES)

    def amount(at_least: int = 0) -> Decimal:
        return from_minor_units(draw(st.integers(at_least, 300)), currency)

    base = program(currency=currency, mode=draw(st.sampled_from(["rewards"] * 9 + ["analysis"])))
    given_program = replace(
        base,
        point_value=PointValue(points=draw(st.integers(1, 40)), amount=amount(1)),
        redemption=replace(
            base.redemption,
            paused=draw(st.integers(0, 9)) == 0,
            minimum_amount=draw(st.just(Decimal(0)) | st.builds(amount)),
            ticket_must_exceed=draw(st.booleans()),
            yearly_amount_cap=draw(st.none() | st.builds(amount)),
            excluded_jurisdictions=frozenset(draw(st.sampled_from([[], ["US"]]))),
        ),
    )
    lots = draw(st.dictionaries(DAYS, SMALL.filter(bool) | st.just(MAX_POINTS), max_size=4))
    state = State(
        lots=lots,
        debt=0 if lots else draw(SMALL),
        counters={"redeemed_value:2026": draw(st.integers(0, 200))},
        standing=Standing(
            status=draw(st.sampled_from(["active"] * 9 + ["frozen"])),
            jurisdiction=draw(st.sampled_from([None, "US", "CA"])),
        ),
    )
    finer = draw(st.sampled_from([Decimal(0), Decimal("0.0005")]))
    ticket = draw(
        st.none() | st.builds(lambda: Ticket(key=purchase_key(), amount=amount() + finer))
    )
    return Redeemer(
        state=state,
        program=given_program,
        now=START,
        ticket=ticket,
        earned_on_ticket=draw(SMALL) if ticket else 0,
    )


def spent(who: Redeemer, points: int) -> Posting:
    return redeem(who, points=points, redemption_id=RedemptionId("r"), actor="test")


@given(redeemers())
def test_the_quoted_points_are_accepted(who: Redeemer) -> None:
    found = quote(who)
    if found.allowed:
        assert list(refusals(who, found.max_points)) == []


@given(redeemers())
def test_one_point_more_than_quoted_is_refused(who: Redeemer) -> None:
    assert next(refusals(who, quote(who).max_points + 1), None) is not None


@given(redeemers(), st.integers(1, 4_000))
def test_nothing_above_the_quote_is_accepted(who: Redeemer, points: int) -> None:
    accepted = next(refusals(who, points), None) is None
    assert not accepted or points <= quote(who).max_points


@given(redeemers())
def test_a_quote_that_allows_nothing_says_why(who: Redeemer) -> None:
    found = quote(who)
    assert found.allowed or found.reasons


@given(redeemers())
def test_the_quoted_amount_is_what_the_quoted_points_are_worth(who: Redeemer) -> None:
    found = quote(who)
    worth = value_of(found.max_points, who.program.point_value, who.program.currency)
    assert found.max_amount == worth


@given(redeemers())
def test_spending_takes_exactly_the_points_and_only_from_lots_that_count(who: Redeemer) -> None:
    found = quote(who)
    if found.allowed:
        posting = spent(who, found.max_points)
        after = apply(who.state, posting)
        assert -posting.available == found.max_points
        assert all(points > 0 for points in after.lots.values())
        assert all(day >= START.date() for day in posting.lots)
