"""The directory of members: where a job that is about everybody finds them, page by page.

A member is put into it in the transaction of the first entry, and stays there: the entries stay,
too, whatever becomes of the member. It holds ids and nothing else.
"""

import hashlib
from typing import Final

from points_ledger.domain.identity import MemberId
from points_ledger.service.ports import Listed

FIRST_ENTRY: Final = 1
SHARDS: Final = 16
"""Parts of the directory: enrolments are spread over them, and a job works them off in order."""


def partition_of(shard: int) -> str:
    """The partition of the list `members` that a shard is."""
    return f"{shard:02d}"


def shard_of(member_id: MemberId) -> int:
    """Where a member stands, for ever."""
    return int(hashlib.sha256(member_id.encode()).hexdigest()[:8], 16) % SHARDS


def in_directory(member_id: MemberId) -> Listed:
    """A member's place."""
    return Listed(
        list="members",
        partition=partition_of(shard_of(member_id)),
        sort=member_id,
        id=member_id,
    )
