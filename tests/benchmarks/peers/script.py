"""The fault script: what goes wrong between a till and a ledger, and the balance it must end with.

The program is the same for everybody and as small as can be: one point for each whole 1.00 of what
a purchase still costs after refunds, granted when it is paid, good for VALID_DAYS. Members begin
with nothing. A message that fails is delivered again later, up to MAX_DELIVERIES times, as a queue
does it; a worker that dies is started again.

The expected balances stand here as numbers; oracle.py computes them a second time.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

VALID_DAYS: Final = 30
MAX_DELIVERIES: Final = 5
WORKERS: Final = 4
REDELIVERY_DAYS: Final = 1 / 96
"""A message that failed comes again a quarter of an hour later."""

Doing = Literal["posted", "paid", "refunded", "voided", "redeem", "sweep"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message or request; `id` is the originator's own and the same at each delivery.

    Attributes:
        amount: what the purchase costs, or what is given back.
        told_minutes: how long after the sale the source says so.
    """

    do: Doing
    id: str
    purchase: str = ""
    amount: str = ""
    told_minutes: int = 0
    points: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Tell:
    """Deliver a message, so many times one after the other."""

    message: Message
    copies: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Together:
    """Deliver messages to as many workers at the same moment."""

    messages: tuple[Message, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Killed:
    """Deliver a message to a worker that dies after a write and before it answers.

    The fault is played once for every write that the worker makes.
    """

    message: Message


@dataclass(frozen=True, slots=True, kw_only=True)
class Pass:
    """Let time go by."""

    days: float


Step = Tell | Together | Killed | Pass


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One fault.

    Attributes:
        expected: points available at the end.
        accepted: redemptions that took points, where it matters.
    """

    group: str
    name: str
    steps: tuple[Step, ...]
    expected: int
    accepted: int | None = None


def post(amount: str = "100.00", *, purchase: str = "a", told: int = 0) -> Message:
    return Message(
        do="posted",
        id=f"posted-{purchase}-{told}",
        purchase=purchase,
        amount=amount,
        told_minutes=told,
    )


def pay(purchase: str = "a") -> Message:
    return Message(do="paid", id=f"paid-{purchase}", purchase=purchase)


def refund(amount: str, id_: str = "1", *, purchase: str = "a") -> Message:
    return Message(do="refunded", id=f"refund-{purchase}-{id_}", purchase=purchase, amount=amount)


def void(purchase: str = "a") -> Message:
    return Message(do="voided", id=f"void-{purchase}", purchase=purchase)


def redeem(points: int, key: str = "k1") -> Message:
    return Message(do="redeem", id=f"redeem-{key}", points=points)


SWEEP: Final = Message(do="sweep", id="sweep")


def told(*messages: Message) -> tuple[Tell, ...]:
    """One message after the other, each once."""
    return tuple(Tell(message=message) for message in messages)


def thrice(*messages: Message) -> tuple[Tell, ...]:
    return tuple(Tell(message=message, copies=3) for message in messages)


def together(*messages: Message) -> Together:
    return Together(messages=messages)


def bought(*purchases: str, amount: str = "100.00") -> tuple[Tell, ...]:
    """Purchases posted and paid without any fault."""
    each = [(post(amount, purchase=purchase), pay(purchase)) for purchase in purchases]
    return told(*(message for pair in each for message in pair))


def _faults(group: str, *faults: tuple[str, Sequence[Step], int]) -> tuple[Fault, ...]:
    return tuple(
        Fault(group=group, name=name, steps=tuple(steps), expected=expected)
        for name, steps, expected in faults
    )


DUPLICATES: Final = (
    *_faults(
        "duplicates",
        (
            "every message three times",
            [*thrice(post(), pay(), refund("30.00")), *thrice(redeem(20))],
            50,
        ),
        (
            "a payment told again after four days",
            [*bought("a"), Pass(days=4), *told(pay())],
            100,
        ),
        (
            "a refund told again after four days",
            [*bought("a"), *told(refund("30.00")), Pass(days=4), *told(refund("30.00"))],
            70,
        ),
        (
            "a redemption asked for again the next day",
            [*bought("a"), *told(redeem(40)), Pass(days=1), *told(redeem(40))],
            60,
        ),
    ),
    Fault(
        group="duplicates",
        name="the key of a redemption used again for another number of points",
        steps=(*bought("a"), *told(redeem(40), redeem(10))),
        expected=60,
        accepted=1,
    ),
)

ORDER: Final = _faults(
    "order",
    ("paid before posted", told(pay(), post()), 100),
    ("refunded before posted", told(refund("30.00"), post(), pay()), 70),
    ("refunded before paid", told(post(), refund("30.00"), pay()), 70),
    ("voided before posted", told(void(), post(), pay()), 0),
    ("voided before paid", told(post(), void(), pay()), 0),
    (
        "an older shape of the purchase after a newer one",
        told(post(), post("60.00", told=20), post("80.00", told=10), pay()),
        60,
    ),
    (
        "an older shape of the purchase after the payment",
        told(post(), pay(), post("60.00", told=20), post("80.00", told=10)),
        60,
    ),
    (
        "everything in reverse",
        told(refund("30.00"), pay(), post("60.00", told=20), post()),
        30,
    ),
)

KILLED: Final = _faults(
    "killed after a write, before the answer",
    ("while a purchase is posted", [Killed(message=post()), *told(pay())], 100),
    ("while a payment is recorded", [*told(post()), Killed(message=pay())], 100),
    ("while a refund is recorded", [*bought("a"), Killed(message=refund("30.00"))], 70),
    ("while a purchase is voided", [*bought("a"), Killed(message=void())], 0),
    ("while points are redeemed", [*bought("a"), Killed(message=redeem(40))], 60),
    (
        "while points expire",
        [*bought("a"), Pass(days=VALID_DAYS + 1), Killed(message=SWEEP)],
        0,
    ),
)

TOGETHER: Final = (
    *_faults(
        "at the same moment",
        ("one payment at four workers", [*told(post()), together(*[pay()] * 4)], 100),
        (
            "payments of four purchases",
            [
                *told(*(post(purchase=each) for each in "abcd")),
                together(*(pay(each) for each in "abcd")),
            ],
            400,
        ),
        (
            "four refunds of one purchase",
            [*bought("a"), together(*(refund("10.00", str(n)) for n in range(4)))],
            60,
        ),
        ("a payment and a refund", [*told(post()), together(pay(), refund("30.00"))], 70),
    ),
    Fault(
        group="at the same moment",
        name="four tills spend the same 100 points",
        steps=(*bought("a"), together(*(redeem(100, f"k{n}") for n in range(4)))),
        expected=0,
        accepted=1,
    ),
    Fault(
        group="at the same moment",
        name="one redemption asked for four times",
        steps=(*bought("a"), together(*[redeem(40)] * 4)),
        expected=60,
    ),
)

MONEY_BACK: Final = _faults(
    "money back",
    (
        "ten refunds of 0.50 on 49.95",
        [*bought("a", amount="49.95"), *told(*(refund("0.50", str(n)) for n in range(10)))],
        44,
    ),
    (
        "two refunds of 60.00 on 100.00",
        [*bought("a"), *told(refund("60.00", "1"), refund("60.00", "2"))],
        0,
    ),
    ("voided after a refund", [*bought("a"), *told(refund("30.00"), void())], 0),
    ("refunded after it was voided", [*bought("a"), *told(void(), refund("30.00"))], 0),
    (
        "all refunded after all was spent, then another purchase",
        [*bought("a"), *told(redeem(100), refund("100.00")), *bought("b", amount="130.00")],
        30,
    ),
)

TIME: Final = (
    *_faults(
        "time",
        (
            "spent soonest first, then the older points expire",
            [
                *bought("a", amount="50.00"),
                Pass(days=10),
                *bought("b", amount="50.00"),
                *told(redeem(70)),
                Pass(days=VALID_DAYS - 9),
                *told(SWEEP),
            ],
            30,
        ),
        (
            "the sweep four times at once, and once more",
            [
                *bought("a"),
                Pass(days=10),
                *bought("b", amount="50.00"),
                Pass(days=VALID_DAYS - 9),
                together(*[SWEEP] * 4),
                *told(SWEEP),
            ],
            50,
        ),
        (
            "points expired, then their purchase is refunded",
            [
                *bought("a"),
                Pass(days=10),
                *bought("b", amount="50.00"),
                Pass(days=VALID_DAYS - 9),
                *told(SWEEP, refund("100.00")),
            ],
            50,
        ),
    ),
    Fault(
        group="time",
        name="spending points that have passed while the sweep is late",
        steps=(*bought("a"), Pass(days=VALID_DAYS + 1), *told(redeem(50), SWEEP)),
        expected=0,
        accepted=0,
    ),
)

FAULTS: Final = (*DUPLICATES, *ORDER, *KILLED, *TOGETHER, *MONEY_BACK, *TIME)
