"""Identifiers and the one way of accepting them from outside.

Ids are compared as exact bytes after NFC. What cannot be shown or typed (control characters,
lone surrogates) is refused rather than stripped: two different ids must never become one.
"""

import unicodedata
from typing import Final, NewType

from points_ledger.domain.dataclass import dataclass
from points_ledger.domain.limit import MAX_ID_CHARACTERS, MAX_SOURCE_CHARACTERS

MemberId = NewType("MemberId", str)
RedemptionId = NewType("RedemptionId", str)
TransferId = NewType("TransferId", str)
AdjustmentId = NewType("AdjustmentId", str)
ApprovalId = NewType("ApprovalId", str)
RewardId = NewType("RewardId", str)
CouponCode = NewType("CouponCode", str)
SimulationId = NewType("SimulationId", str)

LEDGER_SOURCE: Final = "points-ledger"
"""The source of what the ledger does by itself; no other source may call itself so."""

_SOURCE_CHARACTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")


def clean_text(value: str, *, maximum: int, what: str) -> str:
    """Return `value` in NFC.

    Raises:
        ValueError: empty, longer than `maximum` characters, or with a control character.
    """
    if value.isascii() and value.isprintable() and value.strip() and len(value) <= maximum:
        return value  # the usual case, at a tenth of the cost
    text = unicodedata.normalize("NFC", value)
    if not text.strip():
        raise ValueError(f"{what} must not be empty")
    if len(text) > maximum:
        raise ValueError(f"{what} must have at most {maximum} characters, has {len(text)}")
    if any(unicodedata.category(character) in ("Cc", "Cs") for character in text):
        raise ValueError(f"{what} must not contain control characters")
    return text


def clean_id(value: str, *, what: str = "id") -> str:
    """An identifier given by a source or a client: 1–255 characters after NFC."""
    return clean_text(value, maximum=MAX_ID_CHARACTERS, what=what)


def clean_source(value: str) -> str:
    """The name of a source system: 1–64 of letters, digits, `.`, `_` and `-`."""
    if not 1 <= len(value) <= MAX_SOURCE_CHARACTERS or not _SOURCE_CHARACTERS.issuperset(value):
        raise ValueError(
            f"source must be 1 to {MAX_SOURCE_CHARACTERS} letters, digits, '.', '_' or '-'"
        )
    return value


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class ExternalId:
    """A customer as one source system names it."""

    source: str
    id: str

    def __post_init__(self) -> None:
        """Bring the id into NFC and refuse what no source may send."""
        object.__setattr__(self, "source", clean_source(self.source))
        object.__setattr__(self, "id", clean_id(self.id, what="customer id"))

    @classmethod
    def parse(cls, text: str) -> "ExternalId":
        """Read `source:id`; the id may itself contain colons."""
        source, separator, id_ = text.partition(":")
        if not separator:
            raise ValueError("an external id is written source:id")
        return cls(source=source, id=id_)

    def __str__(self) -> str:
        """Written as `source:id`."""
        return f"{self.source}:{self.id}"


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class EarningKey:
    """The permanent natural key of one purchase or action: source, kind, external id."""

    source: str
    kind: str
    id: str

    def __post_init__(self) -> None:
        """Bring the id into NFC and refuse what no source may send."""
        object.__setattr__(self, "source", clean_source(self.source))
        object.__setattr__(self, "kind", clean_source(self.kind))
        object.__setattr__(self, "id", clean_id(self.id, what=f"{self.kind} id"))

    @classmethod
    def parse(cls, text: str) -> "EarningKey":
        """Read `source:kind:id`; the id may itself contain colons."""
        source, _, rest = text.partition(":")
        kind, separator, id_ = rest.partition(":")
        if not separator:
            raise ValueError("an earning id is written source:kind:id")
        return cls(source=source, kind=kind, id=id_)

    def __str__(self) -> str:
        """Written as `source:kind:id`, which is the public earning_id."""
        return f"{self.source}:{self.kind}:{self.id}"


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class PaymentKey:
    """A payment (or charge, or payment intent) as one source names it."""

    source: str
    id: str

    def __post_init__(self) -> None:
        """Bring the id into NFC and refuse what no source may send."""
        object.__setattr__(self, "source", clean_source(self.source))
        object.__setattr__(self, "id", clean_id(self.id, what="payment id"))
