"""Messages of the sweeps' queues: each names one shard of an hour that a worker is to work off."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, cast, get_args

from points_ledger.domain.calendar import format_instant, parse_instant
from points_ledger.service.ports import MarkerKind
from points_ledger.service.sweep_ports import MAX_SHARDS, DueShard


def encode(shard: DueShard) -> str:
    """`{"kind", "hour", "shard", "scheduled_time"}`."""
    content = {
        "kind": shard.kind,
        "hour": format_instant(shard.hour),
        "shard": shard.shard,
        "scheduled_time": format_instant(shard.now),
    }
    return json.dumps(content, separators=(",", ":"))


def decode(body: str) -> DueShard:
    """The inverse of `encode`.

    Raises:
        ValueError: it is no such message.
    """
    message: Any = json.loads(body)
    if not isinstance(message, Mapping):
        raise ValueError("a message is an object")  # noqa: TRY004 - whatever is wrong, it is none
    kind, shard = message.get("kind"), message.get("shard")
    if kind not in get_args(MarkerKind):
        raise ValueError("an unknown kind of marker")
    if type(shard) is not int or not 0 <= shard < MAX_SHARDS:
        raise ValueError("a shard is a small number")
    hour = _instant(message, "hour")
    if hour != hour.replace(minute=0, second=0, microsecond=0):
        raise ValueError("an hour begins with the hour")
    return DueShard(
        kind=cast("MarkerKind", kind),
        hour=hour,
        shard=shard,
        now=_instant(message, "scheduled_time"),
    )


def _instant(message: Mapping[str, Any], name: str) -> datetime:
    text = message.get(name)
    if not isinstance(text, str):
        raise ValueError(f"{name} is a time")  # noqa: TRY004 - as above
    return parse_instant(text).astimezone(UTC)
