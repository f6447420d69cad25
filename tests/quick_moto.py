"""Moto without its slowest habits.

For each write of a transaction moto copies the whole table, value by value, to be able to go back.
It replaces plain values when it writes and never changes them, so that a copy of each item is as
good, and takes a hundredth of the time. And for each query it sorts the whole table, where only
one partition is asked for.

What is the same each time it works out each time: under which names a member of an answer may be
found, which methods a service has, what the names of actions are in Python, which nodes of an
expression a pass is about, which addresses are AWS's, the key that tokens are signed with. And for
each message that a queue gets it asks twice of every other message what time it is, by calendar.
"""

import copy
import functools
import inspect
import json
import time
from collections import defaultdict
from types import SimpleNamespace
from typing import Any, Final

import botocore.useragent
import moto.cognitoidp.models
import moto.core.models
import moto.core.responses
import moto.dynamodb.models
import moto.sqs.models
import pytest
from joserfc import jwk
from moto.core import serialize
from moto.core.custom_responses_mock import CallbackResponse
from moto.core.utils import camelcase_to_underscores, method_names_from_class
from moto.dynamodb.models.table import Table
from moto.dynamodb.parsing import ast_nodes

_Nodes: Final[Any] = vars(ast_nodes)["DepthFirstTraverser"]


@functools.cache
def _key(text: str) -> Any:  # noqa: ANN401 - a key of RSA, which nobody changes
    return jwk.RSAKey.import_key(json.loads(text))


def _imported_key(given: dict[str, str]) -> Any:  # noqa: ANN401 - as above
    return _key(json.dumps(given))


_in_python: Final = functools.cache(camelcase_to_underscores)
_WORKED_OUT_ONCE: Final[tuple[tuple[Any, str, Any], ...]] = (
    (moto.core.responses, "camelcase_to_underscores", _in_python),
    (moto.sqs.models, "camelcase_to_underscores", _in_python),
    (moto.sqs.models, "unix_time_millis", lambda: time.time() * 1_000),
    (moto.core.responses, "method_names_from_class", functools.cache(method_names_from_class)),
    # Nothing that they are matched with changes them.
    (moto.core.models, "CallbackResponse", functools.cache(CallbackResponse)),
    (
        moto.cognitoidp.models,
        "jwk",
        SimpleNamespace(RSAKey=SimpleNamespace(import_key=_imported_key)),
    ),
    (
        botocore.useragent,
        "sanitize_user_agent_string_component",
        functools.cache(botocore.useragent.sanitize_user_agent_string_component),
    ),
)
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
    _remember(patched)


def _remember(patched: pytest.MonkeyPatch) -> None:
    for module, name, quick in _WORKED_OUT_ONCE:
        patched.setattr(module, name, quick)
    picked = serialize.ResponseSerializer.get_value

    def of_a_dict(self: Any, value: Any, key: str, shape: Any) -> Any:  # noqa: ANN401 - moto's
        picker = self._value_picker
        if (
            type(value) is not dict
            or type(picker) is not serialize.XFormedAttributePicker
            or picker.alias_providers is not serialize.DEFAULT_ALIAS_PROVIDERS
            or picker.response_transformers
            or "." in key
        ):
            return picked(self, value, key, shape)
        for name in _names_in_a_dict(picker, key, shape):
            if name in value:
                return value[name]
        return None

    patched.setattr(serialize.ResponseSerializer, "get_value", of_a_dict)
    nodes = _Nodes.nodes_to_be_processed

    def known_nodes(self: Any) -> Any:  # noqa: ANN401 - moto's
        if "known_nodes" not in self.__dict__:
            self.known_nodes = nodes(self)
        return self.known_nodes

    patched.setattr(_Nodes, "nodes_to_be_processed", known_nodes)


def _names_in_a_dict(picker: Any, key: str, shape: Any) -> tuple[str, ...]:  # noqa: ANN401 - moto's
    """What a dict may call a member of a shape; they are kept with the shape, as long as it is."""
    known, parent = shape.__dict__.setdefault("names_in_a_dict", {}), getattr(shape, "parent", None)
    if key not in known or known[key][0] is not parent:
        asked = serialize.AttributePickerContext(obj={}, key=key, shape=shape)
        known[key] = (parent, tuple(dict.fromkeys(picker.get_possible_keys(asked))))
    names: tuple[str, ...] = known[key][1]
    return names


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
