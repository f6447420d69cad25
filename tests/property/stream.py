"""What the table's stream would tell of a schedule, and how it is delivered."""

import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import timedelta

from points_ledger.domain.earning import Earning
from points_ledger.service.ports import Append, Create, Item, ItemKey, Redemption, Save
from points_ledger.service.totalling import Change, Totalling
from tests.builders import START
from tests.memory_store import MemoryStore
from tests.simulation.world import Sent

KINDS = (Earning, Redemption)


def changes_of(prepared: MemoryStore, log: Iterable[Sent]) -> Iterator[Change]:
    """Every change of an entry, an earning or a redemption, in the order in which they happened."""
    snapshot = prepared.snapshot()
    known: dict[ItemKey, Item] = dict(snapshot.items)
    first = [entry for chain in snapshot.chains.values() for entry in chain]
    changes = [Change(sequence_number=0, at=START, after=entry) for entry in first]
    changes += [
        Change(sequence_number=0, at=START, after=item)
        for item in known.values()
        if isinstance(item, KINDS)
    ]
    for sent in log:
        for write in sent.writes:
            match write:
                case Append(entry=entry):
                    changes.append(Change(sequence_number=0, at=START, after=entry))
                case Save(item=item) | Create(item=item):
                    if isinstance(item, KINDS):
                        before = known.get(item.key)
                        changes.append(
                            Change(sequence_number=0, at=START, before=before, after=item)
                        )
                    known[item.key] = item
                case _:
                    continue
    for number, change in enumerate(changes, 1):
        yield replace(change, sequence_number=number * 7, at=START + timedelta(seconds=number))


def delivered(
    totalling: Totalling, changes: Sequence[Change], dice: random.Random, shards: int = 2
) -> None:
    """Count them in random batches, some of them again, each item always on the same shard."""
    for shard in range(shards):
        mine = [each for each in changes if _shard(each, shards) == shard]
        done = 0
        while done < len(mine):
            begin = dice.randint(max(0, done - 4), done)
            batch = mine[begin : begin + dice.randint(1, 30)]
            totalling.count(f"shard {shard}", batch)
            done = max(done, begin + len(batch))


def _shard(change: Change, shards: int) -> int:
    after = change.after
    is_item = isinstance(after, KINDS)
    return (len(str(after.key)) if is_item else 1) % shards  # type: ignore[union-attr]
