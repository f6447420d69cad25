"""Verifying: the entries of a member computed again, and the first that differs named.

An export has the entries of a member, those of everybody who was merged into it, and the program
versions that they name. Of every entry the number, the link and the hash are checked, the account
after it and its invariants, and what it posts is computed again from the account before it, the
program version and its inputs (docs/receipts.md).
"""

from points_ledger.domain.verification.book import Book
from points_ledger.domain.verification.outcome import Difference, NotRecomputed, Verified
from points_ledger.domain.verification.walk import verify

__all__ = ["Book", "Difference", "NotRecomputed", "Verified", "verify"]
