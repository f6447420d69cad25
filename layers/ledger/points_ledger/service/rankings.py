"""Rows of totals, highest score first, with the names of members joined when they are read.

Totals hold ids only, so an erased person is in no report, and a changed name in all of them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import field
from typing import Protocol, cast

from points_ledger.domain.dataclass import dataclass
from points_ledger.domain.engagement import decode_statistics
from points_ledger.domain.identity import MemberId
from points_ledger.service.engagement_totals import statistics_key
from points_ledger.service.ports import Profile, ProfileKey, Store
from points_ledger.service.totalling import TotalsKey


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One item of a ranking."""

    place: str
    score: int
    counters: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class RankingPage:
    """Rows, highest score first, and where the next page begins."""

    rows: tuple[Row, ...]
    cursor: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredTotals:
    """What stands under one key: counters, or a text."""

    counters: Mapping[str, int] = field(default_factory=dict)
    text: str | None = None


class RankingReader(Protocol):
    """Reads totals as rankings; what it says may be a moment old."""

    def ranked(self, partition: tuple[str, ...], *, limit: int, cursor: str | None) -> RankingPage:
        """A page of the rows of a partition that have a score: one request.

        Raises:
            ValueError: the cursor is not one of this ranking.
        """

    def stored(self, keys: Sequence[TotalsKey]) -> Mapping[TotalsKey, StoredTotals]:
        """What exists of the keys, at most 100: one request."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Who is behind a member's id.

    Attributes:
        merged_into: the member that the id stands for, where that is another one.
        name: of the member that the id stands for; None once the person is erased.
    """

    merged_into: MemberId | None
    name: str | None


UNKNOWN = Person(merged_into=None, name=None)


def people(
    members: Sequence[MemberId],
    stored: Mapping[TotalsKey, StoredTotals],
    store: Store,
) -> Mapping[MemberId, Person]:
    """Who the members are: one request; `stored` has their statistics, as far as they exist."""
    resolved: dict[MemberId, MemberId] = {}
    for member_id in members:
        known = stored.get(statistics_key(member_id))
        statistics = decode_statistics(known.text) if known and known.text else None
        resolved[member_id] = (statistics and statistics.alias_of) or member_id
    wanted = [ProfileKey(member_id=each) for each in dict.fromkeys(resolved.values())]
    profiles = store.get(wanted) if wanted else {}
    return {
        member_id: _person(member_id, target, profiles.get(ProfileKey(member_id=target)))
        for member_id, target in resolved.items()
    }


def _person(member_id: MemberId, target: MemberId, profile: object) -> Person:
    return Person(
        merged_into=target if target != member_id else None,
        name=cast("Profile", profile).name if profile is not None else None,
    )
