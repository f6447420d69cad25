"""The bucket of checkpoints: objects are put where there is none, and never again.

Parts and shards are named by their roots, so that an object's name says what has to be in it. The
bucket keeps every version under a lock, and refuses what is put without this condition.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any, Final, Protocol

from botocore.exceptions import ClientError

from points_ledger.contracts.checkpoint import (
    Document,
    checkpoint_document,
    heads_document,
    parts_document,
    read_checkpoint,
    read_heads,
    read_parts,
)
from points_ledger.domain.checkpoint import Checkpoint, Head, Part, Shard

MAX_OBJECT_BYTES: Final = 8 * 1024 * 1024
"""More than any object of ours has."""
_THERE_IS_ONE: Final = frozenset({"PreconditionFailed", "412"})
_THERE_IS_NONE: Final = frozenset({"NoSuchKey", "404"})


class Objects(Protocol):
    """What this needs of an S3 client."""

    def put_object(self, **parameters: Any) -> Mapping[str, Any]:  # noqa: ANN401 - botocore's
        """Put an object."""

    def get_object(self, **parameters: Any) -> Mapping[str, Any]:  # noqa: ANN401 - botocore's
        """Get an object."""


class S3Archive:
    """`Archive` in one bucket."""

    def __init__(self, client: Callable[[], Objects], bucket_name: str) -> None:
        """The client is made for the first question: making it costs much of a cold start."""
        self._client = client
        self._bucket_name = bucket_name

    def put_heads(self, part: Part, heads: Sequence[Head]) -> None:
        """Keep the heads of a part under its root."""
        self._put(heads_key(part.root), heads_document(heads))

    def put_parts(self, shard: Shard, parts: Sequence[Part]) -> None:
        """Keep the parts of a shard under its root."""
        self._put(parts_key(shard.root), parts_document(parts))

    def publish(self, checkpoint: Checkpoint) -> bool:
        """Keep a checkpoint under its day, if there is none; whether there was none."""
        return self._put(day_key(checkpoint.day), checkpoint_document(checkpoint))

    def checkpoint(self, day: date) -> Checkpoint | None:
        """What was published of a day."""
        found = self._get(day_key(day))
        return None if found is None else read_checkpoint(found)

    def parts(self, root: bytes) -> Sequence[Part]:
        """The parts of a shard by its root; none where the object is missing."""
        found = self._get(parts_key(root))
        return () if found is None else read_parts(found)

    def heads(self, root: bytes) -> Sequence[Head]:
        """The heads of a part by its root; none where the object is missing."""
        found = self._get(heads_key(root))
        return () if found is None else read_heads(found)

    def _put(self, key: str, document: Document) -> bool:
        body = json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode()
        try:
            self._client().put_object(
                Bucket=self._bucket_name,
                Key=key,
                Body=body,
                ContentType="application/json",
                IfNoneMatch="*",
            )
        except ClientError as error:
            if error.response["Error"]["Code"] in _THERE_IS_ONE:
                return False
            raise
        return True

    def _get(self, key: str) -> object:
        try:
            answer = self._client().get_object(Bucket=self._bucket_name, Key=key)
        except ClientError as error:
            if error.response["Error"]["Code"] in _THERE_IS_NONE:
                return None
            raise
        return json.loads(answer["Body"].read(MAX_OBJECT_BYTES))


def day_key(day: date) -> str:
    """The checkpoint of a day."""
    return f"days/{day}.json"


def parts_key(root: bytes) -> str:
    """The parts of a shard."""
    return f"shards/{root.hex()}.json"


def heads_key(root: bytes) -> str:
    """The heads of a part."""
    return f"heads/{root.hex()}.json"
