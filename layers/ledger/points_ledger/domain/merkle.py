"""Merkle trees as RFC 6962 has them: one hash stands for a list, and a short path for a place.

A leaf is hashed with the prefix 0 and a node with 1, so that neither can be taken for the other. A
list of n leaves is split at the largest power of two below n, which is the same as pairing them
level by level and lifting the last one of an odd number as it is.
"""

import hashlib
from collections.abc import Sequence
from typing import Final

_LEAF: Final = b"\x00"
_NODE: Final = b"\x01"
HASH_BYTES: Final = 32
MAX_DEPTH: Final = 64
"""No list has more than 2^64 leaves."""


def leaf_hash(content: bytes) -> bytes:
    """The hash of a leaf by what it holds."""
    return hashlib.sha256(_LEAF + content).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of a node by those below it."""
    return hashlib.sha256(_NODE + left + right).digest()


def root_of(leaves: Sequence[bytes]) -> bytes:
    """The root over hashes of leaves, in their order; of an empty list the hash of nothing."""
    if not leaves:
        return hashlib.sha256().digest()
    level = list(leaves)
    while len(level) > 1:
        level = _above(level)
    return level[0]


def path_of(leaves: Sequence[bytes], index: int) -> tuple[bytes, ...]:
    """What is needed beside a leaf to come to the root, from below.

    Raises:
        IndexError: there is no such leaf.
    """
    if not 0 <= index < len(leaves):
        raise IndexError(index)
    level, path = list(leaves), []
    while len(level) > 1:
        if index ^ 1 < len(level):
            path.append(level[index ^ 1])
        level, index = _above(level), index // 2
    return tuple(path)


def root_by(leaf: bytes, *, index: int, size: int, path: Sequence[bytes]) -> bytes | None:
    """The root that a path leads to from the leaf at a place; None where it is no such path."""
    if not 0 <= index < size or size > 1 << MAX_DEPTH:
        return None
    rest = list(path)
    while size > 1:
        if index ^ 1 < size:
            if not rest:
                return None
            beside = rest.pop(0)
            leaf = node_hash(beside, leaf) if index % 2 else node_hash(leaf, beside)
        index, size = index // 2, (size + 1) // 2
    return None if rest else leaf


def _above(level: list[bytes]) -> list[bytes]:
    pairs = [node_hash(*level[at : at + 2]) for at in range(0, len(level) - 1, 2)]
    return pairs + level[-1:] if len(level) % 2 else pairs
