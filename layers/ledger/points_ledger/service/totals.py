"""Reading totals: pages of items with counters, or with what is remembered."""

from collections.abc import Mapping
from dataclasses import field
from datetime import datetime
from typing import Protocol

from points_ledger.domain.dataclass import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class TotalsPage:
    """Items of one partition, in the order of their places.

    Attributes:
        counters: by place, those that are not nothing.
        texts: by place, where a text is stored.
        counted_through: when the newest change that these counters have was stored.
        next_place: where the next page goes on; None at the end.
    """

    counters: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    texts: Mapping[str, str] = field(default_factory=dict)
    counted_through: datetime | None = None
    next_place: str | None = None


class TotalsReader(Protocol):
    """Totals as reports read them."""

    def page(
        self,
        partition: tuple[str, ...],
        *,
        first: str = "",
        last: str = "",
        limit: int,
        backwards: bool = False,
        after: str | None = None,
    ) -> TotalsPage:
        """Items from `first` to `last` and what begins with it: one request, read consistently."""
