"""Messages of the standard provider, about one purchase at a till."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

Json = dict[str, Any]


def written(instant: datetime) -> str:
    return instant.astimezone(UTC).isoformat().replace("+00:00", "Z")


def message(type_: str, data: Mapping[str, Any], *, at: datetime | None = None) -> Json:
    return {"type": type_, "timestamp": written(at or datetime.now(UTC)), "data": dict(data)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Purchase:
    """A ticket with one line; `amount` is both its net amount and what is owed."""

    customer_id: str
    amount: str
    posted_at: datetime
    updated_at: datetime | None = None
    id: str = field(default_factory=lambda: f"ticket-{secrets.token_hex(6)}")
    source: str = "pos"
    kind: str = "ticket"
    category: str = "original"
    currency: str = "USD"
    person: Mapping[str, str] = field(default_factory=dict)

    @property
    def earning_id(self) -> str:
        return f"{self.source}:{self.kind}:{self.id}"

    def document(self) -> Json:
        return {
            "id": self.id,
            "kind": self.kind,
            "customer": {"id": self.customer_id, **self.person},
            "posted_at": written(self.posted_at),
            "updated_at": written(self.updated_at or self.posted_at),
            "currency": self.currency,
            "lines": [
                {"id": "1", "item": "PAGES", "category": self.category, "amount": self.amount}
            ],
            "total": self.amount,
        }

    def posted(self, **changes: object) -> Json:
        purchase = {**self.document(), **changes}
        return message("purchase.posted", {"source": self.source, "purchase": purchase})

    def adjusted(self, amount: str, *, at: datetime) -> Json:
        changed = replace(self, amount=amount, updated_at=at)
        return message(
            "purchase.adjusted", {"source": self.source, "purchase": changed.document()}, at=at
        )

    def paid(self, payment_id: str, amount: str, *, at: datetime) -> Json:
        payment = {"id": f"{self.id}-{payment_id}", "amount": amount, "at": written(at)}
        return message("purchase.paid", {**self._named, "payment": payment}, at=at)

    def settled(self, *, at: datetime) -> Json:
        return message("purchase.paid", {**self._named, "settled": {"at": written(at)}}, at=at)

    def bounced(self, payment_id: str, *, at: datetime) -> Json:
        payment = {"id": f"{self.id}-{payment_id}", "at": written(at)}
        return message("purchase.payment_reversed", {**self._named, "payment": payment}, at=at)

    def refunded(self, refund_id: str, amount: str, *, at: datetime) -> Json:
        refund = {"id": f"{self.id}-{refund_id}", "amount": amount, "at": written(at)}
        return message("purchase.refunded", {**self._named, "refund": refund}, at=at)

    def lines_refunded(self, refund_id: str, lines: Sequence[Json], *, at: datetime) -> Json:
        refund = {"id": f"{self.id}-{refund_id}", "lines": list(lines), "at": written(at)}
        return message("purchase.refunded", {**self._named, "refund": refund}, at=at)

    def refund_cancelled(self, refund_id: str, *, at: datetime) -> Json:
        refund = {"id": f"{self.id}-{refund_id}", "at": written(at)}
        return message("purchase.refund_cancelled", {**self._named, "refund": refund}, at=at)

    def voided(self, *, at: datetime) -> Json:
        return message("purchase.voided", {**self._named, "at": written(at)}, at=at)

    @property
    def _named(self) -> Json:
        return {"source": self.source, "purchase_id": self.id, "kind": self.kind}
