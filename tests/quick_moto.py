"""Moto's table without its two slowest habits.

For each write of a transaction moto copies the whole table, value by value, to be able to go back.
It replaces plain values when it writes and never changes them, so that a copy of each item is as
good, and takes a hundredth of the time. And for each query it sorts the whole table, where only
one partition is asked for.
"""

import copy
import inspect
from collections import defaultdict
from types import SimpleNamespace
from typing import Any, Final

import moto.dynamodb.models
import pytest
from moto.dynamodb.models.table import Table

_CHANGED_IN_PLACE: Final = frozenset({"SS", "NS", "BS", "L", "M"})


def connect(patched: pytest.MonkeyPatch) -> None:
    """Let moto copy tables quickly, and look only where it is asked to."""
    quick = SimpleNamespace(copy=copy.copy, deepcopy=_copied)
    patched.setattr(moto.dynamodb.models, "copy", quick)
    query = Table.query

    signature = inspect.signature(query)

    def in_one_partition(table: Any, *given: Any, **named: Any) -> Any:  # noqa: ANN401 - moto's
        asked = signature.bind(table, *given, **named).arguments
        if asked.get("index_name") is not None:
            return query(table, *given, **named)
        narrow = copy.copy(table)
        narrow.items = {asked["hash_key"]: table.items.get(asked["hash_key"], {})}
        return query(narrow, *given, **named)

    patched.setattr(Table, "query", in_one_partition)


def copied_items(items: Any) -> Any:  # noqa: ANN401 - moto's
    """The items of a table by both keys, each its own; the values are the same ones."""
    made: Any = defaultdict(dict)
    for partition, found in items.items():
        made[partition] = {place: _copied_item(item) for place, item in found.items()}
    return made


def _copied(value: Any) -> Any:  # noqa: ANN401 - anything
    if not isinstance(value, Table):
        return copy.deepcopy(value)
    made = copy.copy(value)
    made.items = copied_items(value.items)
    if made.stream_shard is not None:
        shard = copy.copy(made.stream_shard)
        shard.items, shard.table = list(shard.items), made
        made.stream_shard = shard
    return made


def _copied_item(item: Any) -> Any:  # noqa: ANN401 - moto's
    made = copy.copy(item)
    made.attrs = item.attrs.__class__.__new__(item.attrs.__class__)
    dict.update(made.attrs, item.attrs)
    for name, value in item.attrs.items():
        if value.type in _CHANGED_IN_PLACE:
            dict.__setitem__(made.attrs, name, copy.deepcopy(value))
    return made
