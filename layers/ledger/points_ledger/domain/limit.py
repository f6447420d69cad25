"""The upper bound of everything that a caller or a source can make grow (semantics 1 and 2)."""

from decimal import Decimal
from typing import Final

MAX_AMOUNT: Final = Decimal("999999999.99")
MAX_POINTS: Final = 1_000_000_000
MAX_LINES_PER_PURCHASE: Final = 500
MAX_PAYMENTS_PER_PURCHASE: Final = 500
MAX_REFUNDS_PER_PURCHASE: Final = 500
MAX_FOLLOWERS_PER_PURCHASE: Final = 20
"""Actions that are linked to one purchase and wait for it."""
MAX_REFERRERS_WALKED: Final = 32
"""Who has brought whom, step by step, when a referrer is set later on: no circle goes unseen."""
MAX_SHARES_PER_PLAN: Final = 10
MAX_BODY_BYTES: Final = 256 * 1024
MAX_TEXT_CHARACTERS: Final = 1_000
MAX_ID_CHARACTERS: Final = 255
MAX_SOURCE_CHARACTERS: Final = 64
MAX_IDEMPOTENCY_KEY_CHARACTERS: Final = 255
MAX_LOTS: Final = 40
MAX_OPEN_RESERVATIONS: Final = 8
MAX_COMMANDS_PER_REDEMPTION: Final = 16
"""Captures, cancels and reversals of one redemption."""
MAX_EXTERNAL_IDS_PER_MEMBER: Final = 10
MAX_TAGS: Final = 20
MAX_TIERS_OF_REWARD: Final = 20
MAX_GRANTS: Final = 8
"""Tiers that one member has been given for a time, by rewards and memberships."""
MAX_GRANT_MONTHS: Final = 120
MAX_ALIAS_DEPTH: Final = 8
MAX_ALIASES: Final = 16
"""Members that were merged into one, itself not counted."""
MAX_EXTERNAL_IDS_AFTER_MERGE: Final = 40
"""Of a member who was merged from several: more than one alone may have."""
MAX_MEMBERS_READ_FOR_PLAN: Final = 32
"""Whose plans are followed to see that a new one leads nowhere back."""
MAX_MEMBERS_PER_EMAIL: Final = 25
"""Found when somebody is addressed by email; an address of more belongs to nobody."""
MAX_COMMIT_ATTEMPTS: Final = 8
MAX_PAGE_SIZE: Final = 100
"""A page of a list in the interface, unless another bound is named for it."""
MAX_MEMBERS_PER_SEARCH: Final = 25
"""A page of members that were searched for: each is one more read."""
MAX_ENTRIES_PER_STATEMENT: Final = 1_000
"""A page of a statement; a longer month goes on by cursor."""
MAX_ITEMS_PER_EXPORT: Final = 500
"""Entries, and notes, on a page of somebody's data: the answer of a function has at most 6 MB."""
MAX_PROGRAM_VERSIONS: Final = 2_000
"""Their list is one item, which every function reads: about 30 bytes for each."""
MAX_VERSIONS_PER_PAGE: Final = 20
MAX_IMPORT_ROWS: Final = 200_000
MAX_IMPORT_BYTES: Final = 256 * 1024 * 1024

EXPIRED_LOT_RECORD_DAYS: Final = 400
"""How long the state remembers what expired from a lot (semantics 3.4)."""
