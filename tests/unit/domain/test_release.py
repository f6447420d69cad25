"""When a purchase is closed, and when it is firm, by its facts alone."""

from datetime import datetime

import pytest

from points_ledger.domain.earning import MergeableFact
from points_ledger.domain.identity import EarningKey, MemberId
from points_ledger.domain.release import closed_at, firm_at, referral_key, referred_friend
from tests.builders import (
    after,
    bounced,
    merged,
    paid,
    posted,
    program,
    refund_cancelled,
    refunded,
    settled,
    voided,
)

TERMS = program(hold="PT24H", return_window="P2D")
SOLD = posted("20.00")
PAID = paid("20.00", at=after(hours=1))

CASES: list[tuple[str, list[MergeableFact], datetime | None, datetime | None]] = [
    ("unpaid", [SOLD], None, None),
    ("the payment alone", [PAID], None, None),
    ("paid", [SOLD, PAID], after(hours=1), after(days=2, hours=1)),
    ("settled", [SOLD, settled(at=after(hours=2))], after(hours=2), after(days=2, hours=2)),
    (
        "paid before it was posted",
        [SOLD, paid("20.00", at=after(hours=-3))],
        after(),
        after(days=2, hours=-3),
    ),
    (
        "in two parts",
        [SOLD, paid("5.00", at=after()), paid("15.00", "2", at=after(days=3))],
        after(days=3),
        after(days=5),
    ),
    ("in part", [SOLD, paid("5.00")], None, None),
    (
        "in part, the rest returned",
        [SOLD, paid("5.00"), refunded("15.00", at=after(hours=3))],
        after(hours=3),
        after(days=2, hours=3),
    ),
    (
        "returned in part",
        [SOLD, PAID, refunded("5.00", at=after(hours=2))],
        after(hours=1),
        after(days=2, hours=1),
    ),
    (
        "returned in the window",
        [SOLD, PAID, refunded("20.00", at=after(days=1))],
        after(hours=1),
        None,
    ),
    (
        "returned after it",
        [SOLD, PAID, refunded("20.00", at=after(days=3))],
        after(hours=1),
        after(days=2, hours=1),
    ),
    (
        "returned, and that withdrawn",
        [SOLD, PAID, refunded("20.00", at=after(days=1)), refund_cancelled(at=after(days=3))],
        after(hours=1),
        after(days=3),
    ),
    ("voided in the window", [SOLD, PAID, voided(at=after(days=1))], after(hours=1), None),
    (
        "voided after it",
        [SOLD, PAID, voided(at=after(days=3))],
        after(hours=1),
        after(days=2, hours=1),
    ),
    ("bounced", [SOLD, PAID, bounced(at=after(hours=2))], after(hours=1), None),
    (
        "bounced and paid again",
        [SOLD, PAID, bounced(at=after(hours=2)), paid("20.00", "2", at=after(days=1))],
        after(hours=1),
        after(days=3),
    ),
    ("nothing owed", [posted("0.00"), settled()], None, None),
]


@pytest.mark.parametrize(
    ("facts", "closed", "firm"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_both_instants_follow_from_the_facts(
    facts: list[MergeableFact], closed: datetime | None, firm: datetime | None
) -> None:
    purchase = merged(*facts)
    assert (closed_at(purchase, TERMS), firm_at(purchase, TERMS)) == (closed, firm)


def test_without_payment_a_posted_purchase_is_closed() -> None:
    terms = program(requires_payment=False, hold="PT24H")
    assert closed_at(merged(SOLD), terms) == after()
    assert firm_at(merged(SOLD), terms) == after(days=1)


def test_a_referral_has_the_friend_s_id() -> None:
    key = referral_key(MemberId("mbr_1"))
    assert str(key) == "points-ledger:action:referral:mbr_1"
    assert referred_friend(key) == "mbr_1"
    for other in (
        EarningKey(source="pos", kind="action", id="referral:mbr_1"),
        EarningKey(source="points-ledger", kind="action", id="birthday:mbr_1:2026"),
    ):
        assert referred_friend(other) is None
