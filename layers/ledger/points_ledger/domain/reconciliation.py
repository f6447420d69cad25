"""What has to hold of a member's stored ledger, whatever has happened to the items since."""

from typing import Literal

Invariant = Literal[
    "readable",
    "entries_gap_free",
    "entries_linked",
    "entry_hash",
    "balances_are_sums",
    "account_consistent",
    "points_conserved",
    "entry_recomputed",
    "pending_allocations",
    "pending_indexed",
    "reservations_open",
]
"""The invariants of semantics 9, by what would be broken."""
