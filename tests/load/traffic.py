"""Mixed traffic on a stack: a number of clients at once, each doing one thing after another.

Every request is sent again until its answer is definite (409, 429, 5xx and a lost answer are not),
with the same Idempotency-Key, as clients have to. What was accepted is written into the books.
"""

import secrets
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http import HTTPStatus
from random import Random
from types import MappingProxyType
from typing import Any, Final

import httpx

from tests.load.books import Books, Story, story
from tests.stack.client import StackClient

Json = dict[str, Any]

CLIENTS: Final = 8
STARTING_POINTS: Final = 200_000
STORIES_AT_ONCE: Final = 8
MAX_ATTEMPTS: Final = 30
FIRST_PAUSE_SECONDS: Final = 0.05
LONGEST_PAUSE_SECONDS: Final = 1.0
TWICE: Final = 0.15
"""Of everything that is written, so much is sent once more."""
LEAST_REDEEMED: Final = 500
INDEFINITE: Final = frozenset(
    {
        HTTPStatus.CONFLICT,
        HTTPStatus.TOO_MANY_REQUESTS,
        *(each for each in HTTPStatus if each >= HTTPStatus.INTERNAL_SERVER_ERROR),
    }
)


class NothingDefiniteError(Exception):
    """A request was not decided in all its attempts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Customer:
    """A member, and how the till calls that member."""

    member_id: str
    customer_id: str


@dataclass(slots=True)
class Log:
    """What the clients saw: seconds until a definite answer, by kind; attempts that were none."""

    seconds: dict[str, list[float]] = field(default_factory=dict)
    again: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def took(self, kind: str, seconds: float) -> None:
        with self._lock:
            self.seconds.setdefault(kind, []).append(seconds)

    def tried_again(self, why: str) -> None:
        with self._lock:
            self.again[why] += 1

    def was_refused(self, code: str) -> None:
        with self._lock:
            self.refused[code] += 1


@dataclass(kw_only=True)
class Traffic:
    """All clients together."""

    ledger: StackClient
    members: int
    seed: int
    books: Books = field(default_factory=Books)
    log: Log = field(default_factory=Log)
    customers: list[Customer] = field(default_factory=list)
    _facts: list[Json] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def set_up(self) -> None:
        """Members of one organisation who have something to spend."""
        _ = self.ledger.staff_token, self.ledger.till_token  # fetched once
        with ThreadPoolExecutor(CLIENTS) as threads:
            list(threads.map(lambda _: self._enrol("enrolment (set-up)"), range(self.members)))

    def run(self, seconds: float) -> None:
        """Let all clients work for so long; then deliver what is left of every purchase."""
        until = time.monotonic() + seconds
        with ThreadPoolExecutor(CLIENTS) as threads:
            workers = [threads.submit(self._work, number, until) for number in range(CLIENTS)]
            for worker in workers:
                worker.result()
            list(threads.map(self._deliver, self._facts))

    def _work(self, number: int, until: float) -> None:
        random = Random(f"{self.seed}:{number}")  # noqa: S311 - a load, no secret
        kinds, weights = zip(*KINDS.items(), strict=True)
        while time.monotonic() < until:
            [kind] = random.choices(kinds, weights)
            kind(self, random)

    # --- What a client does -----------------------------------------------------------------

    def fact(self, random: Random) -> None:
        """One fact of some purchase, in no order; now and then twice."""
        message = self._next_fact(random)
        self._deliver(message)
        if random.random() < TWICE:
            self._deliver(message, kind="webhook again")

    def look(self, random: Random) -> None:
        """A balance at any moment adds up."""
        member_id = self._anybody(random).member_id
        path = f"/members/{member_id}/balance"
        answer = self._definite("balance", lambda: self._get(path))
        balance = answer.json()
        lots = sum(lot["points"] for lot in balance["lots"])
        assert balance["available"] == lots - balance["debt"], balance

    def redeem(self, random: Random) -> None:
        """Spend at once; now and then the request comes twice, and now and then it is reversed."""
        member_id = self._anybody(random).member_id
        points = LEAST_REDEEMED + 100 * random.randrange(5)
        body = {"member_id": member_id, "points": points, "kind": "gift_card"}
        made = self._posted("redemption", "/redemptions", body, random)
        if made is None:
            return
        self.books.move(member_id, -points)
        if random.random() < 0.2:
            path = f"/redemptions/{made['redemption_id']}/reverse"
            if self._posted("reversal", path, {"points": 200}, random) is not None:
                self.books.move(member_id, 200)

    def reserve(self, random: Random) -> None:
        """Reserve, then capture a part, or cancel."""
        member_id = self._anybody(random).member_id
        body = {"member_id": member_id, "points": 600, "kind": "gift_card", "reserve": True}
        made = self._posted("reservation", "/redemptions", body, random)
        if made is None:
            return
        path = f"/redemptions/{made['redemption_id']}"
        if random.random() < 0.3:
            assert self._posted("cancellation", f"{path}/cancel", {}, random) is not None
            return
        captured = random.choice([300, 600])
        done = self._posted("capture", f"{path}/capture", {"points": captured}, random)
        assert done is not None
        self.books.move(member_id, -captured)

    def give(self, random: Random) -> None:
        """Points from one member to another."""
        giver, taker = random.sample(self.customers, 2)
        points = random.randint(1, 50)
        body = {
            "from_member_id": giver.member_id,
            "to_member_id": taker.member_id,
            "points": points,
        }
        if self._posted("transfer", "/transfers", body, random) is not None:
            self.books.move(giver.member_id, -points)
            self.books.move(taker.member_id, points)

    def enrol(self, random: Random) -> None:  # noqa: ARG002 - every kind takes it
        """Somebody new."""
        self._enrol("enrolment")

    # --- How it is sent ---------------------------------------------------------------------

    def _enrol(self, kind: str) -> None:
        customer_id = f"customer-{secrets.token_hex(6)}"
        body = {
            "name": "Somebody",
            "organisation": "Load",
            "external_ids": [{"source": "pos", "id": customer_id}],
        }
        random = Random(customer_id)  # noqa: S311 - a load, no secret
        member = self._posted(kind, "/members", body, random)
        assert member is not None
        member_id = member["member_id"]
        gift = {"member_id": member_id, "points": STARTING_POINTS, "reason": "load"}
        assert self._posted("adjustment", "/adjustments", gift, random) is not None
        self.books.open(member_id, available=STARTING_POINTS)
        self.customers.append(Customer(member_id=member_id, customer_id=customer_id))

    def _anybody(self, random: Random) -> Customer:
        """Some are asked for far more often than others."""
        return self.customers[int(len(self.customers) * random.random() ** 2)]

    def _next_fact(self, random: Random) -> Json:
        with self._lock:
            if not self._facts:
                told = [each for _ in range(STORIES_AT_ONCE) for each in self._told(random)]
                random.shuffle(told)
                self._facts = told
            return self._facts.pop()

    def _told(self, random: Random) -> Sequence[Json]:
        customer = self._anybody(random)
        made: Story = story(customer.customer_id, random)
        return list(made.messages()) if self.books.buy(customer.member_id, made) else []

    def _deliver(self, message: Json, kind: str = "webhook") -> None:
        body = httpx.Request("POST", "http://x", json=message).content
        answer = self._definite(kind, lambda: self.ledger.post_standard(body))
        assert answer.status_code == HTTPStatus.ACCEPTED, answer.text

    def _posted(self, kind: str, path: str, body: Json, random: Random) -> Json | None:
        """The answer of a write; None where it was refused. Sent again, it is answered alike."""
        key = secrets.token_hex(12)
        answer = self._definite(kind, lambda: self._post(path, body, key))
        if random.random() < TWICE:
            again = self._definite(f"{kind} again", lambda: self._post(path, body, key))
            if not answer.is_success:
                answer = again  # refusals are not remembered: the second one may succeed
            else:
                assert again.headers.get("idempotency-replayed") == "true", again.text
                assert again.json() == answer.json() or path == "/members"
        if answer.is_success:
            done: Json = answer.json()
            return done
        assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY, answer.text
        self.log.was_refused(answer.json()["code"])
        return None

    def _post(self, path: str, body: Json, key: str) -> httpx.Response:
        return self.ledger.post(path, body, token=self.ledger.staff_token, key=key)

    def _get(self, path: str) -> httpx.Response:
        return self.ledger.get(path, token=self.ledger.staff_token)

    def _definite(self, kind: str, send: Callable[[], httpx.Response]) -> httpx.Response:
        began, pause = time.perf_counter(), FIRST_PAUSE_SECONDS
        for _ in range(MAX_ATTEMPTS):
            try:
                answer = send()
            except httpx.TransportError as error:
                self.log.tried_again(type(error).__name__)
            else:
                if answer.status_code not in INDEFINITE:
                    self.log.took(kind, time.perf_counter() - began)
                    return answer
                self.log.tried_again(str(answer.status_code))
            time.sleep(pause)
            pause = min(LONGEST_PAUSE_SECONDS, pause * 2)
        raise NothingDefiniteError(kind)


KINDS: Final[Mapping[Callable[[Traffic, Random], None], int]] = MappingProxyType(
    {
        Traffic.fact: 50,
        Traffic.look: 18,
        Traffic.redeem: 12,
        Traffic.reserve: 8,
        Traffic.give: 10,
        Traffic.enrol: 2,
    }
)
"""What clients do, and how often."""
