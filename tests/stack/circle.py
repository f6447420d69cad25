"""Members of one organisation, between whom points may pass."""

from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.stack.client import (
    POINTS_PER_STEP,
    STEP_AMOUNT,
    StackClient,
    days_ago,
    unique,
)
from tests.stack.standard import Purchase

Json = dict[str, Any]


@dataclass(frozen=True)
class Person:
    """A member, under a customer of the till and an email address of its own."""

    member_id: str
    customer_id: str
    email: str


@dataclass(frozen=True)
class Circle:
    """One organisation of the stack under test."""

    ledger: StackClient
    organisation: str = field(default_factory=lambda: unique("organisation"))

    def join(self, points: int = 0) -> Person:
        """A new member with so many available points; a multiple of 3."""
        customer_id = unique("customer")
        email = f"{customer_id}@example.com"
        member_id = self.ledger.enrol(
            "Somebody",
            organisation=self.organisation,
            email=email,
            external_ids=[{"source": "pos", "id": customer_id}],
        )
        person = Person(member_id, customer_id, email)
        if points:
            self.earn(person, points)
            self.ledger.wait_for_amounts(member_id, available=points)
        return person

    def purchase(self, person: Person, points: int) -> Purchase:
        """A purchase three days ago that earns so many points; a multiple of 3."""
        assert points % POINTS_PER_STEP == 0
        amount = f"{points // POINTS_PER_STEP * STEP_AMOUNT}.00"
        return Purchase(customer_id=person.customer_id, amount=amount, posted_at=days_ago(3))

    def earn(self, person: Person, points: int) -> Purchase:
        """A purchase that is paid."""
        purchase = self.purchase(person, points)
        self.ledger.deliver(purchase.posted(), purchase.paid("1", purchase.amount, at=days_ago(2)))
        return purchase

    def transfer(
        self,
        sender: Person,
        receiver: Person,
        points: int,
        *,
        key: str | None = None,
        token: str | None = None,
        **more: object,
    ) -> httpx.Response:
        body = {
            "from_member_id": sender.member_id,
            "to_member_id": receiver.member_id,
            "points": points,
            **more,
        }
        token = token or self.ledger.staff_token
        return self.ledger.post("/transfers", body, token=token, key=key or unique("key"))

    def share(
        self,
        owner: Person,
        shares: list[Json],
        *,
        key: str | None = None,
        token: str | None = None,
    ) -> httpx.Response:
        return self.ledger.http.put(
            f"/members/{owner.member_id}/sharing",
            json={"shares": shares},
            headers={
                "Authorization": f"Bearer {token or self.ledger.staff_token}",
                "Idempotency-Key": key or unique("key"),
            },
        )

    def merge(
        self,
        source: Person,
        into: Person,
        *,
        key: str | None = None,
        token: str | None = None,
    ) -> httpx.Response:
        return self.ledger.post(
            f"/members/{source.member_id}/merge",
            {"into": into.member_id},
            token=token or self.ledger.staff_token,
            key=key or unique("key"),
        )

    def lots(self, person: Person) -> Json:
        """Points by last day."""
        lots = self.ledger.balance(person.member_id)["lots"]
        return {lot["last_day"]: lot["points"] for lot in lots}


def share_of(person: Person, percent: int) -> Json:
    """One share of a plan."""
    return {"member_id": person.member_id, "percent": percent}
