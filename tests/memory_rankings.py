"""Rankings over the totals in memory, as the index orders them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from points_ledger.service.rankings import RankingPage, Row, StoredTotals
from points_ledger.service.sales_totals import SCORE
from points_ledger.service.totalling import TotalsKey
from tests.memory_totals import MemoryTotals


@dataclass
class MemoryRankings:
    """`RankingReader`; `requests` counts what was asked."""

    totals: MemoryTotals
    requests: int = 0

    def ranked(self, partition: tuple[str, ...], *, limit: int, cursor: str | None) -> RankingPage:
        self.requests += 1
        rows = sorted(
            (
                Row(
                    place=key.place,
                    score=counters[SCORE],
                    counters={name: n for name, n in counters.items() if n},
                )
                for key, counters in self.totals.counters.items()
                if key.partition == partition and SCORE in counters
            ),
            key=lambda row: (-row.score, row.place),
        )
        begin = int(cursor) if cursor is not None else 0
        end = begin + limit
        return RankingPage(
            rows=tuple(rows[begin:end]), cursor=str(end) if end < len(rows) else None
        )

    def stored(self, keys: Sequence[TotalsKey]) -> Mapping[TotalsKey, StoredTotals]:
        self.requests += 1
        assert 0 < len(set(keys)) == len(keys) <= 100
        return {
            key: StoredTotals(
                counters={n: v for n, v in self.totals.counters.get(key, {}).items() if v},
                text=self.totals.texts[key].text if key in self.totals.texts else None,
            )
            for key in keys
            if key in self.totals.counters or key in self.totals.texts
        }
