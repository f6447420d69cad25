"""What verifying comes to: agreement, the first difference, and what could not be computed."""

from points_ledger.domain.dataclass import dataclass
from points_ledger.domain.identity import MemberId


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """The first field of the first entry that is not what it should be, both as text."""

    member_id: MemberId
    number: int
    field: str
    expected: str
    found: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NotRecomputed:
    """An entry that is whole, but whose numbers need what this export does not have."""

    member_id: MemberId
    number: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """One member's entries: how many, what differs first, and what was not computed again."""

    member_id: MemberId
    entries: int
    difference: Difference | None
    not_recomputed: tuple[NotRecomputed, ...]


class DiffersError(Exception):
    """Ends the computing of one entry: `field` is not what it should be."""

    def __init__(self, field: str, expected: object, found: object) -> None:
        """Both values are told as text."""
        super().__init__(field, expected, found)
        self.field = field
        self.expected = str(expected)
        self.found = str(found)


class OutOfReachError(Exception):
    """Ends the computing of one entry: `reason` says what it needs beyond this export."""

    def __init__(self, reason: str) -> None:
        """Told to whoever verifies."""
        super().__init__(reason)
        self.reason = reason
