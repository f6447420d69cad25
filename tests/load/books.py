"""What a load must leave behind: purchases with what they come to, and everybody's books.

Nothing here knows the ledger. A purchase is a set of facts that are sent in any order, some of them
twice; what it comes to follows from semantics 3 in a line of arithmetic, because prices and refunds
are whole steps of the rule. Points that are given, spent and passed on simply add up.
"""

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final

from tests.stack.client import POINTS_PER_STEP, STEP_AMOUNT, days_ago
from tests.stack.standard import Purchase

Json = dict[str, Any]

MAX_STEPS_PER_PURCHASE: Final = 6
MAX_EARNED: Final = 900
"""Of one member: below the first tier, whose multiplier would depend on what came first."""
SOLD_DAYS_AGO: Final = 3.0
PAID_DAYS_AGO: Final = 2.0
CHANGED_DAYS_AGO: Final = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """One purchase with everything that happens to it, in whole steps of the rule."""

    purchase: Purchase
    steps: int
    refunded_steps: tuple[int, ...] = ()
    is_paid: bool = False
    is_bounced: bool = False
    is_voided: bool = False

    def messages(self) -> Iterator[Json]:
        """Every fact once, in no order that matters."""
        yield self.purchase.posted()
        paid = _amount(self.steps)
        if self.is_paid:
            yield self.purchase.paid("1", paid, at=days_ago(PAID_DAYS_AGO))
        if self.is_bounced:
            yield self.purchase.bounced("1", at=days_ago(CHANGED_DAYS_AGO))
        for number, steps in enumerate(self.refunded_steps):
            yield self.purchase.refunded(str(number), _amount(steps), at=days_ago(CHANGED_DAYS_AGO))
        if self.is_voided:
            yield self.purchase.voided(at=days_ago(CHANGED_DAYS_AGO))

    @property
    def earned(self) -> int:
        """What remains earned."""
        remaining = max(0, self.steps - sum(self.refunded_steps))
        return 0 if self.is_voided else remaining * POINTS_PER_STEP

    @property
    def matured(self) -> int:
        """What of it is available: paid in full, and the payment has held."""
        return self.earned if self.is_paid and not self.is_bounced else 0


def story(customer_id: str, random: Random) -> Story:
    """A purchase of a customer, and what becomes of it."""
    steps = random.randint(1, MAX_STEPS_PER_PURCHASE)
    refunds = random.choice([(), (), (), (1,), (1, 1), (steps,)])
    is_paid = random.random() < 0.85
    return Story(
        purchase=Purchase(
            customer_id=customer_id, amount=_amount(steps), posted_at=days_ago(SOLD_DAYS_AGO)
        ),
        steps=steps,
        refunded_steps=refunds if sum(refunds) <= steps else (steps,),
        is_paid=is_paid,
        is_bounced=is_paid and random.random() < 0.1,
        is_voided=random.random() < 0.05,
    )


def _amount(steps: int) -> str:
    return f"{steps * STEP_AMOUNT}.00"


@dataclass(slots=True)
class Account:
    """What one member has to have in the end."""

    available: int = 0
    pending: int = 0
    earned: int = 0


@dataclass(slots=True)
class Books:
    """Everybody's accounts; threads write into them at once."""

    accounts: dict[str, Account] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def open(self, member_id: str, *, available: int = 0) -> None:
        """A member begins with so many points."""
        with self._lock:
            self.accounts[member_id] = Account(available=available)

    def buy(self, member_id: str, told: Story) -> bool:
        """Write a purchase down; False where it could lift the member into a tier."""
        with self._lock:
            account = self.accounts[member_id]
            most = account.earned + told.steps * POINTS_PER_STEP
            if most > MAX_EARNED:
                return False
            account.earned = most
            account.available += told.matured
            account.pending += told.earned - told.matured
            return True

    def move(self, member_id: str, points: int) -> None:
        """Points that were given, or, below zero, taken."""
        with self._lock:
            self.accounts[member_id].available += points
