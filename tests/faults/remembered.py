"""What moto holds of a stack at one moment, to compare it and to go back to it."""

import copy
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from moto.cognitoidp.models import cognitoidp_backends
from moto.dynamodb.models import dynamodb_backends
from moto.s3.models import s3_backends

from tests.functions.deployed import BUCKET, TABLE
from tests.quick_moto import copied_items

Json = dict[str, Any]

ACCOUNT = "123456789012"
REGION = "us-east-1"


def _table() -> Any:  # noqa: ANN401 - moto's
    return dynamodb_backends[ACCOUNT][REGION].tables[TABLE]


def _bucket() -> Any:  # noqa: ANN401 - moto's
    return s3_backends[ACCOUNT]["aws"].buckets[BUCKET]


def _pool() -> Any:  # noqa: ANN401 - moto's
    [pool] = cognitoidp_backends[ACCOUNT][REGION].user_pools.values()
    return pool


@dataclass(frozen=True, slots=True)
class Moment:
    """Copies that nobody changes: of the table, of the bucket, of who can sign in."""

    items: Any
    versions: dict[str, list[Any]]
    users: Any

    @classmethod
    def now(cls) -> "Moment":
        keys = _bucket().keys
        return cls(
            items=copied_items(_table().items),
            versions={name: list(keys.getlist(name)) for name in keys},
            users=copy.deepcopy(_pool().users),
        )

    def restore(self) -> None:
        """Put everything back."""
        _table().items = copied_items(self.items)
        keys = _bucket().keys
        dict.clear(keys)
        for name, versions in self.versions.items():
            keys.setlist(name, list(versions))
        _pool().users = copy.deepcopy(self.users)

    def partitions(self) -> list[str]:
        """All partition keys of the table."""
        return [str(partition.value) for partition in self.items]

    def changes(self) -> Iterator[Json]:
        """Each item that is there now and was not, or was another; only the key of what is gone."""
        now = _table().items
        for partition, found in now.items():
            before = self.items.get(partition, {})
            for place, item in found.items():
                if place not in before or before[place].attrs != item.attrs:
                    yield item.to_json()["Attributes"]
        for partition, known in self.items.items():
            for place, item in known.items():
                if place not in now.get(partition, {}):
                    yield {"gone": [item.hash_key.value, item.range_key.value]}
