"""The running totals of a backtest: bounded, whatever the size of the ledger.

A tally is kept between the pages of a job as plain JSON, so what a worker has counted survives it.
"""

import bisect
from collections.abc import Mapping
from dataclasses import field
from typing import Any, Final, NamedTuple

from points_ledger.domain.backtest import Compared
from points_ledger.domain.dataclass import dataclass
from points_ledger.domain.identity import MemberId

MAX_LISTED_MEMBERS: Final = 10
"""How many of those who gain most, and of those who lose most, are named."""


class Change(NamedTuple):
    """What one member earns really and by the draft, after every split."""

    member_id: MemberId
    actual: int
    draft: int

    @property
    def gain(self) -> int:
        """How much more the draft gives; below zero where it gives less."""
        return self.draft - self.actual


@dataclass(slots=True, kw_only=True)
class Both:
    """The same number really and by the draft."""

    actual: int = 0
    draft: int = 0

    def add(self, actual: int, draft: int) -> None:
        """Count more of it."""
        self.actual += actual
        self.draft += draft


@dataclass(slots=True, kw_only=True)
class Tally:
    """Counted so far.

    Attributes:
        members, earnings: how many were looked at; an earning counts once, with its earner.
        issued: points earned, before the split.
        owed: pending and matured points of these earnings.
        rules: points by rule, campaign and tier.
        tiers: members by their real tier and the one that the draft gives, where these differ.
        gaining, losing: members who earn more, and less, by the draft.
        gainers, losers: the first of them, those who gain (lose) most first.
        drawn: by how much the draft drew more from the budgets of campaigns (`DraftBudgets`).
    """

    members: int = 0
    earnings: int = 0
    issued: Both = field(default_factory=Both)
    owed: Both = field(default_factory=Both)
    rules: dict[str, Both] = field(default_factory=dict)
    tiers: dict[tuple[str | None, str | None], int] = field(default_factory=dict)
    gaining: int = 0
    losing: int = 0
    gainers: list[Change] = field(default_factory=list)
    losers: list[Change] = field(default_factory=list)
    drawn: dict[str, int] = field(default_factory=dict)

    def add_earning(self, compared: Compared) -> None:
        """Count an earning, seen from its earner."""
        actual, draft = compared.actual, compared.draft
        self.earnings += 1
        self.issued.add(actual.points, draft.points)
        self.owed.add(actual.owed, draft.owed)
        for id_, points in actual.rules:
            self.rules.setdefault(id_, Both()).add(points, 0)
        for id_, points in draft.rules:
            self.rules.setdefault(id_, Both()).add(0, points)

    def add_member(self, change: Change, *, tier: str | None, tier_by_draft: str | None) -> None:
        """Count a member, when all of the member's earnings are known."""
        self.members += 1
        if tier != tier_by_draft:
            move = (tier, tier_by_draft)
            self.tiers[move] = self.tiers.get(move, 0) + 1
        if change.gain > 0:
            self.gaining += 1
            _enlist(self.gainers, change)
        elif change.gain < 0:
            self.losing += 1
            _enlist(self.losers, change)

    def encode(self) -> dict[str, object]:
        """As plain JSON."""
        return {
            "members": self.members,
            "earnings": self.earnings,
            "issued": [self.issued.actual, self.issued.draft],
            "owed": [self.owed.actual, self.owed.draft],
            "rules": {id_: [both.actual, both.draft] for id_, both in self.rules.items()},
            "tiers": [[*move, members] for move, members in self.tiers.items()],
            "gaining": self.gaining,
            "losing": self.losing,
            "gainers": [list(change) for change in self.gainers],
            "losers": [list(change) for change in self.losers],
            "drawn": self.drawn,
        }


def read_tally(content: Mapping[str, Any]) -> Tally:
    """The inverse of `Tally.encode`; what is not there is nothing yet."""
    return Tally(
        members=content.get("members", 0),
        earnings=content.get("earnings", 0),
        issued=_both(content.get("issued", (0, 0))),
        owed=_both(content.get("owed", (0, 0))),
        rules={id_: _both(pair) for id_, pair in content.get("rules", {}).items()},
        tiers={(was, by_draft): n for was, by_draft, n in content.get("tiers", ())},
        gaining=content.get("gaining", 0),
        losing=content.get("losing", 0),
        gainers=[Change(*change) for change in content.get("gainers", ())],
        losers=[Change(*change) for change in content.get("losers", ())],
        drawn=dict(content.get("drawn", {})),
    )


def _both(pair: tuple[int, int]) -> Both:
    actual, draft = pair
    return Both(actual=actual, draft=draft)


def _enlist(listed: list[Change], change: Change) -> None:
    """Keep the first MAX_LISTED_MEMBERS: the largest change first, ties by id."""
    bisect.insort(listed, change, key=lambda each: (-abs(each.gain), each.member_id))
    del listed[MAX_LISTED_MEMBERS:]
