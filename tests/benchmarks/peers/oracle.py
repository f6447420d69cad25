"""What the fault script must end with, computed from the rules alone.

It knows nothing of messages that fail or workers that die: those change nothing. Facts of a
purchase are kept whenever they come, and the points it should have granted follow from them.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal

from tests.benchmarks.peers.script import (
    VALID_DAYS,
    Killed,
    Message,
    Pass,
    Step,
    Tell,
    Together,
)


@dataclass(slots=True)
class _Purchase:
    """The facts of a purchase, and what its points have become."""

    shapes: dict[int, Decimal] = field(default_factory=dict)
    refunds: dict[str, Decimal] = field(default_factory=dict)
    is_paid: bool = False
    is_voided: bool = False
    granted: int = 0
    lot: int = 0
    expired: int = 0
    ends: float = 0

    @property
    def due(self) -> int:
        if self.is_voided or not self.is_paid or not self.shapes:
            return 0
        cost = self.shapes[max(self.shapes)] - sum(self.refunds.values())
        return math.floor(max(cost, Decimal(0)))


@dataclass(slots=True)
class Account:
    """One member: points available, and how many redemptions took points."""

    today: float = 0
    debt: int = 0
    purchases: dict[str, _Purchase] = field(default_factory=dict)
    accepted: set[str] = field(default_factory=set)

    @property
    def available(self) -> int:
        return sum(each.lot for each in self._usable()) - self.debt

    def take(self, message: Message) -> None:
        """Let one message have its effect, once."""
        if message.do == "redeem":
            self._redeem(message)
        elif message.do == "sweep":
            self._expire()
        else:
            purchase = self.purchases.setdefault(message.purchase, _Purchase())
            _learn(purchase, message)
            self._settle(purchase)

    def _redeem(self, message: Message) -> None:
        if message.id not in self.accepted and message.points <= self.available:
            self.accepted.add(message.id)
            self._spend(message.points)

    def _settle(self, purchase: _Purchase) -> None:
        missing = purchase.due - purchase.granted
        purchase.granted = purchase.due
        if missing > 0:
            repaid = min(self.debt, missing)
            self.debt -= repaid
            purchase.lot += missing - repaid
            purchase.ends = purchase.ends or self.today + VALID_DAYS
        elif missing < 0:
            back = -missing
            gone = min(purchase.expired, back)
            purchase.expired -= gone
            own = min(purchase.lot, back - gone)
            purchase.lot -= own
            self.debt += self._spend(back - gone - own)

    def _spend(self, points: int) -> int:
        """Take points soonest first; what could not be taken."""
        for purchase in sorted(self._usable(), key=lambda each: each.ends):
            taken = min(purchase.lot, points)
            purchase.lot -= taken
            points -= taken
        return points

    def _expire(self) -> None:
        for purchase in self.purchases.values():
            if purchase.ends < self.today:
                purchase.expired += purchase.lot
                purchase.lot = 0

    def _usable(self) -> list[_Purchase]:
        return [each for each in self.purchases.values() if each.ends >= self.today]


def _learn(purchase: _Purchase, message: Message) -> None:
    match message.do:
        case "posted":
            purchase.shapes[message.told_minutes] = Decimal(message.amount)
        case "paid":
            purchase.is_paid = True
        case "refunded":
            purchase.refunds[message.id] = Decimal(message.amount)
        case "voided":
            purchase.is_voided = True
        case _:
            raise ValueError(f"{message.do} is no fact of a purchase")


def after(steps: Iterable[Step]) -> Account:
    """The account that all this leaves behind."""
    account = Account()
    for step in steps:
        match step:
            case Pass(days=days):
                account.today += days
            case Tell(message=message, copies=copies):
                for _ in range(copies):
                    account.take(message)
            case Killed(message=message):
                account.take(message)
            case Together(messages=messages):
                for message in messages:
                    account.take(message)
    return account
