"""The store of totals in memory: every condition honoured, every chunk atomic."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from points_ledger.service.totalling import (
    MAX_COUNTERS_PER_WRITE,
    MAX_WRITES_PER_CHUNK,
    Checkpoint,
    Chunk,
    Remembered,
    TotalsKey,
)
from points_ledger.service.totals import TotalsPage


@dataclass
class MemoryTotals:
    """`TotalsStore` and `TotalsReader`; `requests` counts pages that were read."""

    checkpoints: dict[str, Checkpoint] = field(default_factory=dict)
    counters: dict[TotalsKey, dict[str, int]] = field(default_factory=dict)
    texts: dict[TotalsKey, Remembered] = field(default_factory=dict)
    counted_through: dict[TotalsKey, datetime] = field(default_factory=dict)
    requests: int = 0

    def checkpoint(self, shard: str) -> Checkpoint | None:
        return self.checkpoints.get(shard)

    def remembered(self, keys: Sequence[TotalsKey]) -> Mapping[TotalsKey, Remembered]:
        return {key: self.texts[key] for key in keys if key in self.texts}

    def add(self, chunk: Chunk) -> bool:
        assert len(chunk.counters) + len(chunk.texts) <= MAX_WRITES_PER_CHUNK
        assert not chunk.counters.keys() & chunk.texts.keys()
        known = self.checkpoints.get(chunk.shard)
        if (None if known is None else known.position) != chunk.expected:
            return False
        if (0 if known is None else len(known.remainder)) != chunk.expected_remainder:
            return False
        for key, text in chunk.texts.items():
            stored = self.texts.get(key)
            if text.expected is not None and text.expected != (stored.revision if stored else 0):
                return False
        for key, text in chunk.texts.items():
            if text.text is None:
                self.texts.pop(key, None)
            else:
                self.texts[key] = Remembered(text=text.text, revision=(text.expected or 0) + 1)
        for key, added in chunk.counters.items():
            assert 0 < len(added) <= MAX_COUNTERS_PER_WRITE
            counters = self.counters.setdefault(key, {})
            for name, number in added.items():
                counters[name] = counters.get(name, 0) + number
            self.counted_through[key] = chunk.counted_through
        self.checkpoints[chunk.shard] = Checkpoint(
            position=chunk.position,
            counted_through=chunk.counted_through if chunk.remainder else None,
            remainder=chunk.remainder,
        )
        return True

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
        self.requests += 1
        places = sorted(
            {
                key.place
                for key in (*self.counters, *self.texts)
                if key.partition == partition and first <= key.place <= f"{last}\U0010ffff"
            },
            reverse=backwards,
        )
        if after is not None:
            places = [p for p in places if (p < after if backwards else p > after)]
        shown = [TotalsKey(partition=partition, place=place) for place in places[:limit]]
        return TotalsPage(
            counters={
                key.place: {name: n for name, n in self.counters[key].items() if n}
                for key in shown
                if key in self.counters
            },
            texts={key.place: self.texts[key].text for key in shown if key in self.texts},
            counted_through=max(
                (self.counted_through[key] for key in shown if key in self.counted_through),
                default=None,
            ),
            next_place=shown[-1].place if len(places) > limit else None,
        )
