"""Values as they look in a real ledger: what the stored samples and the sizes are made of."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from points_ledger.domain.calendar import Period, round_up
from points_ledger.domain.earning import Earned, Earning, Pin, Posted
from points_ledger.domain.entry import Entry, Posting, chain
from points_ledger.domain.fact import Earner, Line, Payment, Snapshot
from points_ledger.domain.identity import EarningKey, ExternalId, MemberId, PaymentKey
from points_ledger.domain.lot import Lots
from points_ledger.domain.sharing import whole
from points_ledger.domain.state import Standing, State

MEMBER = MemberId("mbr_7h2k9x4qv1w8d3nz")
CUSTOMER = ExternalId(source="stripe", id="cus_NffrFeUfNV2Hib")
INVOICE = EarningKey(source="stripe", kind="invoice", id="in_1MtHbELkdIwHu7ixl4OzzPMv")
PAYMENT = PaymentKey(source="stripe", id="pi_1MtHbELkdIwHu7ixl4OzzPMv")
RECORDED_AT = datetime(2027, 1, 31, 6, 0, 0, 123456, tzinfo=UTC)
POSTED_AT = datetime(2027, 1, 30, 5, 59, 58, tzinfo=UTC)


def month_ends(count: int) -> list[date]:
    first = date(2027, 2, 1)
    return [round_up(Period(months=n).after_day(first), "month") for n in range(count)]


def lots(count: int) -> Lots:
    points = (120, 1250, 75, 980, 12500)
    return {day: points[n % len(points)] for n, day in enumerate(month_ends(count))}


def state(lot_count: int = 40) -> State:
    held = lots(lot_count)
    counters = {
        "expired": 1200,
        "expired_lot:2026-12-31": 1200,
        "redeemed": 40210,
        "redeemed_value:2027": 4020,
        "reversed": 350,
        "used:campaign:black-friday": 480,
        "used:rule:signup:lifetime": 1,
    }
    pending = 1250
    earned = pending + sum(held.values()) + 1200 + 40210 + 350
    return State(
        pending=pending,
        lots=held,
        counters={"earned": earned, **counters},
        standing=Standing(tier="gold"),
    )


def head(lot_count: int = 40) -> Entry:
    """The newest entry of a member with a history, as the one before the next."""
    posting = Posting(type="enrolment", at=POSTED_AT, actor="webhook:stripe")
    first = chain(None, MEMBER, posting, RECORDED_AT - timedelta(days=1))
    return Entry(
        member_id=MEMBER,
        number=4711,
        recorded_at=RECORDED_AT - timedelta(days=1),
        posting=posting,
        state=state(lot_count),
        previous_hash=first.previous_hash,
        hash=first.hash,
    )


def maturation(lot_count: int = 40) -> Entry:
    return chain(
        head(lot_count),
        MEMBER,
        Posting(
            type="maturation",
            at=POSTED_AT + timedelta(days=1),
            pending=-195,
            lots={month_ends(1)[0]: 195},
            source=INVOICE,
            rules=(("retail", 120), ("black-friday", 75)),
            program_version=12,
            actor="schedule:hold_release",
        ),
        RECORDED_AT,
    )


def accrual(lot_count: int = 40) -> Entry:
    return chain(
        head(lot_count),
        MEMBER,
        Posting(
            type="accrual",
            at=POSTED_AT,
            pending=195,
            counters={"earned": 195, "used:campaign:black-friday": 20},
            source=INVOICE,
            rules=(("retail", 120), ("black-friday", 75)),
            program_version=12,
            actor="webhook:stripe",
        ),
        RECORDED_AT,
    )


def redemption(lot_count: int = 40) -> Entry:
    return chain(
        head(lot_count),
        MEMBER,
        Posting(
            type="redemption",
            at=RECORDED_AT,
            lots={day: -points for day, points in list(lots(lot_count).items())[:3]},
            counters={"redeemed": 1445, "redeemed_value:2027": 1445},
            source=EarningKey(source="pos", kind="ticket", id="T-2027-000123"),
            program_version=12,
            actor="till:3f9c2f1e-7a64-4d0e-9a51-0d9b3b1d2c11",
            details={"redemption": "rdm_7h2k9x4qv1w8d3nz"},
        ),
        RECORDED_AT,
    )


def lines(count: int) -> tuple[Line, ...]:
    return tuple(
        Line(
            id=f"il_1MtHbELkdIwHu7ixl4OzzP{n:02d}",
            amount=Decimal(f"{1250 + n}.50"),
            item=f"price_1MtHbELkdIwHu7ixl4Oz{n:02d}",
            product=f"prod_NeLvkAsdfQwEr{n:02d}",
            category="retail" if n % 2 else "original",
        )
        for n in range(count)
    )


def purchase(line_count: int = 5, *, pending: bool = True) -> Earning:
    """A purchase of a few lines with one payment, posted for one member."""
    posted = Posted(earned=195) if pending else Posted(earned=195, matured=195, lots=lots(1))
    payment = Payment(
        id="pi_1MtHbELkdIwHu7ixl4OzzPMv", amount=Decimal("1371.15"), at=POSTED_AT, currency="USD"
    )
    return Earning(
        key=INVOICE,
        revision=3,
        snapshot=Snapshot(
            posted_at=POSTED_AT,
            updated_at=POSTED_AT + timedelta(hours=1),
            currency="USD",
            lines=lines(line_count),
            total=Decimal("1371.15"),
            earner=Earner(external_id=CUSTOMER),
        ),
        posted_at=POSTED_AT,
        payments={payment.id: payment},
        earner_id=MEMBER,
        program_version=12,
        pinned_for=POSTED_AT,
        pins={MEMBER: Pin(allocation=whole(MEMBER), tier="gold")},
        posted={MEMBER: posted},
        earned=Earned(points=195, rules=(("retail", 120), ("black-friday", 75))),
        due_at=POSTED_AT + timedelta(days=1),
    )
