"""The upper bound of everything that a caller or a source can make grow (semantics 1 and 2)."""

from decimal import Decimal
from typing import Final

MAX_AMOUNT: Final = Decimal("999999999.99")
MAX_POINTS: Final = 1_000_000_000
MAX_LINES_PER_PURCHASE: Final = 500
MAX_PAYMENTS_PER_PURCHASE: Final = 500
MAX_REFUNDS_PER_PURCHASE: Final = 500
MAX_SHARES_PER_PLAN: Final = 10
MAX_BODY_BYTES: Final = 256 * 1024
MAX_TEXT_CHARACTERS: Final = 1_000
MAX_ID_CHARACTERS: Final = 255
MAX_SOURCE_CHARACTERS: Final = 64
MAX_IDEMPOTENCY_KEY_CHARACTERS: Final = 255
MAX_LOTS: Final = 40
MAX_OPEN_RESERVATIONS: Final = 8
MAX_EXTERNAL_IDS_PER_MEMBER: Final = 10
MAX_TAGS: Final = 20
MAX_ALIAS_DEPTH: Final = 8
MAX_COMMIT_ATTEMPTS: Final = 8
MAX_PAGE_SIZE: Final = 100
"""A page of any list in the interface."""

EXPIRED_LOT_RECORD_DAYS: Final = 400
"""How long the state remembers what expired from a lot (semantics 3.4)."""
