"""The main job, step by step: what is sent, what is seen, and what has to be seen."""

import secrets
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from functools import cached_property
from http import HTTPStatus
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import httpx

from local.demo.client import (
    ClientError,
    LedgerClient,
    NothingHappenedError,
    UnexpectedAnswerError,
)
from local.demo.narration import AMOUNTS, Narration
from local.demo.stripe_events import Customer, Invoice, Line, event

Json = dict[str, Any]

TRANSCRIPTS = 1_200_000
BINDERS, BINDERS_DISCOUNT, BINDERS_TAX = 13_500, 1_000, 1_000
GIFT_CARD = 5_000
TRANSCRIPT_POINTS = 720  # 3 for each full 50.00 of 12,000.00
BINDER_POINTS = 125  # 1 for each 1.00 of 125.00, the discount taken off, the tax left out
REDEEMED_POINTS, REDEEMED_AMOUNT = 500, "5.00"
TICKET_AMOUNT = "18.40"
HOLD = timedelta(hours=24)
VALID_MONTHS = 24
GENESIS_HASH = "0" * 64


class Story:
    """One run with people of its own, so that it can be played again on the same stack."""

    def __init__(self, client: LedgerClient, narration: Narration) -> None:
        """Nothing is sent yet."""
        self._client = client
        self._tell = narration
        self._finalized_at = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=2)
        self._paid_at = self._finalized_at + timedelta(minutes=1)
        self._dana = Customer(name="Dana Reyes", email="dana@example.com")
        self._sam = Customer(name="Sam Okafor", email="sam@example.com")
        self._invoice = self._bill(self._dana)
        self._key = f"till-7-sale-{secrets.token_hex(4)}"
        self._shown: dict[str, int] = {}

    @property
    def steps(self) -> Sequence[tuple[str, Callable[[], None]]]:
        """Every step with its title, in order."""
        return (
            ("The rules in force", self.rules),
            ("Stripe finalizes an invoice: its points are pending", self.posted),
            ("Stripe delivers the same event again: nothing changes", self.delivered_again),
            ("Somebody forges a delivery: refused", self.forged),
            ("The invoice is paid: the points now wait for the hold only", self.paid),
            ("25 hours later the hold has passed: the points are available", self.released),
            ("At the till, Dana pays a part with points", self.redeemed),
            ("The till lost the answer and sends the same request again", self.replayed),
            ("The binders come back: their points are taken back", self.refunded),
            ("Sam's events arrive in the wrong order: the same points", self.wrong_order),
            ("Two years later the rest expires, and not a minute early", self.expired),
            ("Dana looks at her own account and checks every link of it", self.own_view),
        )

    def play(self) -> None:
        """Play every step, until one cannot go on."""
        for title, play in self.steps:
            self._tell.step(title)
            try:
                play()
            except (ClientError, httpx.HTTPError) as error:
                self._tell.broke_off(str(error))
                return

    # --- the steps ------------------------------------------------------------------------

    def rules(self) -> None:
        """Public, in sentences and as data."""
        health = self._client.get("/health")
        self._tell.sent("GET /health", str(health.status_code))
        self._tell.check("the stack answers", expected="ok", seen=_json(health).get("status"))
        self._tell.sent("GET /program", f"{self._program['name']}, version {self._version}")
        for sentence in self._program["sentences"]:
            self._tell.say(f"- {sentence}")

    def posted(self) -> None:
        """``invoice.finalized`` enrols the customer and accrues."""
        message = self._finalized(self._invoice)
        self._tell.say(
            "12,000.00 of original pages, 125.00 of binders after discount, a gift card of 50.00"
        )
        self._deliver(message)
        member_id = self._wait_for_member(self._dana)
        self._tell.say(f"enrolled as {member_id}")
        self._wait_for_balance(self._dana, pending=self._earned)
        self._see(self._dana, pending=self._earned, available=0)
        self._check_waiting_for(self._dana, "hold and payment")

    def delivered_again(self) -> None:
        """The same event, signed anew, as after a timeout."""
        before = len(self._entries(self._dana))
        for _ in range(2):
            self._deliver(self._finalized(self._invoice))
        self._settle()
        self._tell.check("entries", expected=before, seen=len(self._entries(self._dana)))
        self._see(self._dana, pending=self._earned, available=0)

    def forged(self) -> None:
        """A wrong secret, and a right one an hour ago."""
        message = self._finalized(self._bill(self._dana))
        wrong = self._client.deliver_stripe(message, secret=f"whsec_{secrets.token_hex(16)}")
        self._check_refused("signed with another secret", wrong)
        an_hour_ago = datetime.now(UTC) - timedelta(hours=1)
        self._check_refused(
            "rightly signed an hour ago", self._client.deliver_stripe(message, at=an_hour_ago)
        )
        self._settle()
        self._see(self._dana, pending=self._earned, available=0)

    def paid(self) -> None:
        """``invoice_payment.paid`` names the payment, ``invoice.paid`` says that it is enough."""
        for message in self._paid(self._invoice):
            self._deliver(message)
        self._settle()
        self._see(self._dana, pending=self._earned, available=0)
        self._check_waiting_for(self._dana, "hold")

    def released(self) -> None:
        """The schedule's function, invoked with the time at which it would run."""
        early = self._finalized_at + HOLD - timedelta(minutes=1)
        self._sweep("hold_release", early)
        self._see(self._dana, pending=self._earned, available=0)
        self._sweep("hold_release", self._finalized_at + HOLD + timedelta(hours=1))
        balance = self._see(self._dana, pending=0, available=self._earned)
        self._tell.check(
            "to be used until",
            expected=[self._last_day.isoformat()],
            seen=[lot["last_day"] for lot in balance["lots"]],
        )

    def redeemed(self) -> None:
        """Quote and redemption, with the till's own credentials."""
        ticket = {"id": self._key, "amount": TICKET_AMOUNT}
        body = {"member_id": self._member_id(self._dana), "ticket": ticket}
        answer = self._client.post("/redemptions/quote", body, token=self._client.till_token)
        quote = _json(answer)
        self._tell.sent(f"POST /redemptions/quote  ticket {TICKET_AMOUNT}", _result(answer))
        self._tell.check("allowed", expected=True, seen=quote.get("allowed"))
        self._tell.check("at most", expected=self._earned, seen=quote.get("max_points"))
        answer = self._redeem(REDEEMED_POINTS)
        self._tell.check("status", expected=HTTPStatus.CREATED.value, seen=answer.status_code)
        redemption = _json(answer)
        self._tell.check("redemption", expected="completed", seen=redemption.get("status"))
        self._tell.check("amount", expected=REDEEMED_AMOUNT, seen=redemption.get("amount"))
        self._see(self._dana, pending=0, available=self._earned - REDEEMED_POINTS)

    def replayed(self) -> None:
        """The same key again, the same key for something else, and more than there is."""
        answer = self._redeem(REDEEMED_POINTS)
        self._tell.check("status", expected=HTTPStatus.CREATED.value, seen=answer.status_code)
        replay = answer.headers.get("Idempotency-Replayed")
        self._tell.check("Idempotency-Replayed", expected="true", seen=replay)
        self._tell.check(
            "the same key for 600 points",
            expected="idempotency_key_reused",
            seen=_json(self._redeem(600)).get("code"),
        )
        too_much = self._earned - REDEEMED_POINTS + 1
        more = _json(self._redeem(too_much + REDEEMED_POINTS, key=f"{self._key}-more"))
        self._tell.check(
            "more than there is", expected="insufficient_points", seen=more.get("code")
        )
        self._see(self._dana, pending=0, available=self._earned - REDEEMED_POINTS)

    def refunded(self) -> None:
        """A credit note for one line of the invoice."""
        self._deliver(self._credited(self._invoice))
        self._wait_for_balance(self._dana, available=self._left)
        self._see(self._dana, pending=0, available=self._left)

    def wrong_order(self) -> None:
        """Refund, payment and settlement first, each twice; the invoice itself last."""
        invoice = self._bill(self._sam)
        last = self._finalized(invoice)
        for message in (self._credited(invoice), *self._paid(invoice), last):
            self._deliver(message)
            self._deliver(message)
        self._wait_for_member(self._sam)
        self._wait_for_balance(self._sam, pending=TRANSCRIPT_POINTS)
        self._settle()
        self._see(self._sam, pending=TRANSCRIPT_POINTS, available=0)
        self._sweep("hold_release", self._finalized_at + HOLD + timedelta(hours=1))
        self._see(self._sam, pending=0, available=TRANSCRIPT_POINTS)
        lifetime = self._balance(self._dana)["lifetime"]
        self._tell.check(
            "what Dana keeps of the same invoice, in order",
            expected=TRANSCRIPT_POINTS,
            seen=lifetime["earned"] - lifetime["reversed"],
        )

    def expired(self) -> None:
        """A lot is good through the end of its last day in the program's time zone."""
        midnight = datetime.combine(
            self._last_day + timedelta(days=1), time(), tzinfo=self._zone
        ).astimezone(UTC)
        self._sweep("expiry", midnight - timedelta(minutes=1))
        self._see(self._dana, pending=0, available=self._left)
        self._sweep("expiry", midnight)
        balance = self._see(self._dana, pending=0, available=0)
        self._tell.check("expired", expected=self._left, seen=balance["lifetime"]["expired"])
        self._sweep("expiry", midnight)
        self._see(self._sam, pending=0, available=0)
        types = [entry["type"] for entry in self._entries(self._sam)]
        self._tell.check(
            "expiry entries after a second run", expected=1, seen=types.count("expiry")
        )

    def own_view(self) -> None:
        """With a token of her own: her account, all of it, and nobody else's."""
        token = self._client.sign_up(self._member_id(self._dana))
        balance = self._client.balance("me", token=token)
        self._tell.sent("GET /members/me/balance", "200")
        self._tell.balance(self._dana.name, balance)
        entries = self._client.entries("me", token=token)
        self._tell.sent("GET /members/me/entries", f"200, {len(entries)} entries")
        self._tell.table(
            ("", "entry", "recorded at", *AMOUNTS[:2], "balance", "hash"),
            [_row(entry) for entry in entries],
        )
        self._tell.check(
            "entries",
            expected="enrolment, accrual, maturation, redemption, reversal, notice, expiry",
            seen=", ".join(entry["type"] for entry in entries),
        )
        self._check_chain(entries)
        sums = {name: sum(entry[name] for entry in entries) for name in AMOUNTS}
        self._tell.check(
            "the balance is the sum of the entries",
            expected=_amounts(sums),
            seen=_amounts(balance),
        )
        foreign = self._client.get(f"/members/{self._member_id(self._sam)}/balance", token=token)
        self._tell.sent("GET /members/{Sam}/balance", _result(foreign))
        self._tell.check(
            "Sam's account", expected=HTTPStatus.FORBIDDEN.value, seen=foreign.status_code
        )

    # --- what the steps are made of -------------------------------------------------------

    @cached_property
    def _program(self) -> Json:
        return self._client.program()

    @property
    def _version(self) -> int:
        version: int = self._program["version"]
        return version

    @cached_property
    def _zone(self) -> ZoneInfo:
        return ZoneInfo(self._program["time_zone"])

    @cached_property
    def _binder_points(self) -> int:
        """Retail may be in a campaign on the day of the demonstration."""
        local = self._finalized_at.astimezone(self._zone).replace(tzinfo=None)
        bonus = sum(
            Decimal(campaign["multiplier"]) - 1
            for campaign in self._program["program"]["campaigns"]
            if "retail" in campaign["match"].get("categories", [])
            and datetime.fromisoformat(campaign["from"])
            <= local
            < datetime.fromisoformat(campaign["to"])
        )
        return int(BINDER_POINTS * (1 + bonus))

    @property
    def _earned(self) -> int:
        return TRANSCRIPT_POINTS + self._binder_points

    @property
    def _left(self) -> int:
        return self._earned - REDEEMED_POINTS - self._binder_points

    @property
    def _last_day(self) -> date:
        """The end of the month, 24 months after the hold has passed."""
        matured = (self._finalized_at + HOLD).astimezone(self._zone).date()
        first_of_next = date(
            matured.year + (matured.month + VALID_MONTHS) // 12,
            (matured.month + VALID_MONTHS) % 12 + 1,
            1,
        )
        return first_of_next - timedelta(days=1)

    def _bill(self, customer: Customer) -> Invoice:
        return Invoice(
            customer=customer,
            finalized_at=self._finalized_at,
            lines=(
                Line(
                    description="Deposition transcripts, 2,400 original pages",
                    amount=TRANSCRIPTS,
                    category="original",
                ),
                Line(
                    description="Exhibit binders",
                    amount=BINDERS,
                    discount=BINDERS_DISCOUNT,
                    tax=BINDERS_TAX,
                    category="retail",
                ),
                Line(
                    description="Gift card", amount=GIFT_CARD, category="retail", price="GIFTCARD"
                ),
            ),
        )

    def _finalized(self, invoice: Invoice) -> Json:
        return event("invoice.finalized", invoice.document(), created=self._finalized_at)

    def _paid(self, invoice: Invoice) -> tuple[Json, Json]:
        paid = invoice.document(status="paid", paid_at=self._paid_at)
        payment = invoice.payment(paid_at=self._paid_at)
        return (
            event("invoice_payment.paid", payment, created=self._paid_at),
            event("invoice.paid", paid, created=self._paid_at),
        )

    def _credited(self, invoice: Invoice) -> Json:
        at = self._paid_at + timedelta(seconds=30)
        note = invoice.credit_note([invoice.lines[1]], at=at)
        return event("credit_note.created", note, created=at)

    def _deliver(self, message: Json) -> None:
        answer = self._client.deliver_stripe(message)
        subject = message["data"]["object"]["id"]
        self._tell.sent(f"POST /webhooks/stripe  {message['type']} {subject}", _result(answer))
        if answer.status_code != HTTPStatus.ACCEPTED:
            raise UnexpectedAnswerError(answer)

    def _redeem(self, points: int, *, key: str | None = None) -> httpx.Response:
        body = {
            "member_id": self._member_id(self._dana),
            "points": points,
            "ticket": {"id": self._key, "amount": TICKET_AMOUNT},
        }
        chosen = key or self._key
        answer = self._client.post("/redemptions", body, token=self._client.till_token, key=chosen)
        self._tell.sent(
            f"POST /redemptions  {points} points, Idempotency-Key {chosen}", _result(answer)
        )
        return answer

    def _sweep(self, function: str, at: datetime) -> None:
        with self._tell.waiting(f"{function} at {at:%Y-%m-%d %H:%M} UTC"):
            counts = self._client.sweep(function, at)
        told = ", ".join(f"{name} {number}" for name, number in counts.items())
        self._tell.sent(f"invoke {function}  at {at:%Y-%m-%d %H:%M} UTC", told)

    def _settle(self) -> None:
        with self._tell.waiting("the queues run empty"):
            self._client.wait_until_processed()

    def _wait_for_member(self, customer: Customer) -> str:
        with self._tell.waiting(f"{customer.name} is enrolled"):
            return self._client.wait_for_member(customer.external_id)

    def _wait_for_balance(self, customer: Customer, **expected: int) -> None:
        """Wait for amounts; when they do not come, the check that follows says what is there."""
        with self._tell.waiting(f"{customer.name}'s balance changes"):
            try:
                self._client.wait_for(
                    "the balance",
                    lambda: self._balance(customer),
                    lambda balance: all(balance[name] == n for name, n in expected.items()),
                )
            except NothingHappenedError:
                return

    def _member_id(self, customer: Customer) -> str:
        member_id = self._client.member_of(customer.external_id)
        if member_id is None:
            raise ClientError(f"{customer.name} is not enrolled")
        return member_id

    def _balance(self, customer: Customer) -> Json:
        return self._client.balance(self._member_id(customer))

    def _entries(self, customer: Customer) -> list[Json]:
        return self._client.entries(self._member_id(customer))

    def _see(self, customer: Customer, *, pending: int, available: int) -> Json:
        """Show what was posted since the last time, and the balance, and check it."""
        entries = self._entries(customer)
        for entry in entries[self._shown.get(customer.id, 0) :]:
            self._tell.entry(entry)
        self._shown[customer.id] = len(entries)
        balance = self._balance(customer)
        self._tell.balance(customer.name, balance)
        self._tell.check(
            "balance",
            expected=f"{pending} pending, {available} available",
            seen=f"{balance['pending']} pending, {balance['available']} available",
        )
        return balance

    def _check_waiting_for(self, customer: Customer, reasons: str) -> None:
        earnings = self._client.pending(self._member_id(customer))
        waiting = [" and ".join(sorted(earning["waiting_for"])) for earning in earnings]
        self._tell.check("waiting for", expected=reasons, seen=", ".join(waiting))

    def _check_refused(self, what: str, answer: httpx.Response) -> None:
        self._tell.sent(f"POST /webhooks/stripe  {what}", _result(answer))
        self._tell.check(
            "refused",
            expected=f"{HTTPStatus.UNAUTHORIZED} unauthenticated",
            seen=_result(answer),
        )

    def _check_chain(self, entries: Sequence[Json]) -> None:
        numbers = [entry["entry"] for entry in entries]
        without_gaps = list(range(1, len(entries) + 1))
        self._tell.check("numbered without gaps", expected=without_gaps, seen=numbers)
        links = [GENESIS_HASH, *(entry["hash"] for entry in entries)]
        linked = sum(
            entry["previous_hash"] == link for entry, link in zip(entries, links, strict=False)
        )
        self._tell.check("linked by hash to the one before", expected=len(entries), seen=linked)
        steps = sum(_follows(before, after) for before, after in pairwise([_NOTHING, *entries]))
        self._tell.check("each balance follows", expected=len(entries), seen=steps)


_NOTHING: Mapping[str, Any] = {"balance": dict.fromkeys(AMOUNTS, 0)}


def _follows(before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    return all(after["balance"][name] == before["balance"][name] + after[name] for name in AMOUNTS)


def _amounts(of: Mapping[str, Any]) -> str:
    return ", ".join(f"{of[name]} {name}" for name in AMOUNTS)


def _row(entry: Json) -> tuple[str, ...]:
    balance = entry["balance"]
    return (
        f"#{entry['entry']}",
        entry["type"],
        f"{datetime.fromisoformat(entry['recorded_at']):%Y-%m-%d %H:%M}",
        f"{entry['pending']:+}" if entry["pending"] else "",
        f"{entry['available']:+}" if entry["available"] else "",
        f"{balance['pending']} / {balance['available']}",
        entry["hash"][:12],
    )


def _json(answer: httpx.Response) -> Json:
    try:
        body = answer.json()
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def _result(answer: httpx.Response) -> str:
    """Return the status, with the code of a problem."""
    code = _json(answer).get("code")
    return f"{answer.status_code} {code}" if code else str(answer.status_code)
