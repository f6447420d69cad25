"""Checkpoints as documents: what is published, and what proves a member's entries by it.

Standard library only: the verifier reads these without anything installed.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Final

from points_ledger.domain.calendar import format_instant, parse_instant
from points_ledger.domain.checkpoint import FORMAT, Checkpoint, Head, Part, Place, Proof, Shard
from points_ledger.domain.identity import MemberId
from points_ledger.domain.merkle import HASH_BYTES, MAX_DEPTH

Document = dict[str, Any]
MAX_PROOFS: Final = 100
"""Proofs in one document; a member has one for each chain."""


class UnreadableCheckpointError(ValueError):
    """What was given is no checkpoint, or no proof."""


# --- Writing --------------------------------------------------------------------------------


def checkpoint_document(checkpoint: Checkpoint) -> Document:
    """What is published of a day."""
    return {
        "format": FORMAT,
        "day": str(checkpoint.day),
        "root": checkpoint.root.hex(),
        "begun_at": format_instant(checkpoint.begun_at),
        "previous": None if checkpoint.previous is None else checkpoint.previous.hex(),
        "members": checkpoint.members,
        "shards": [
            {"members": shard.members, "root": shard.root.hex()} for shard in checkpoint.shards
        ],
    }


def parts_document(parts: Sequence[Part]) -> Document:
    """The parts of a shard."""
    return {"format": FORMAT, "parts": [_part(part) for part in parts]}


def heads_document(heads: Sequence[Head]) -> Document:
    """The heads of a part, each in short: member, number, hash."""
    return {
        "format": FORMAT,
        "heads": [[head.member_id, head.number, head.hash.hex()] for head in heads],
    }


def proof_document(
    member_id: MemberId, checkpoint: Checkpoint, proofs: Sequence[Proof]
) -> Document:
    """What GET /members/{member_id}/proof answers."""
    return {
        "member_id": member_id,
        "day": str(checkpoint.day),
        "root": checkpoint.root.hex(),
        "checkpoint": checkpoint_document(checkpoint),
        "proofs": [
            {
                "member_id": proof.head.member_id,
                "entry": proof.head.number,
                "hash": proof.head.hash.hex(),
                "shard": proof.shard,
                "part": _part(proof.part),
                "in_part": _place(proof.in_part),
                "in_shard": _place(proof.in_shard),
            }
            for proof in proofs
        ],
    }


def _part(part: Part) -> Document:
    return {
        "first": part.first,
        "last": part.last,
        "members": part.size,
        "root": part.root.hex(),
    }


def _place(place: Place) -> Document:
    return {
        "index": place.index,
        "size": place.size,
        "path": [each.hex() for each in place.path],
    }


# --- Reading --------------------------------------------------------------------------------


def read_checkpoint(document: object) -> Checkpoint:
    """A published checkpoint; the root that it names has to be its own.

    Raises:
        UnreadableCheckpointError: it is none, or its root is not the one of what it says.
    """
    try:
        content = _object(document)
        previous = content["previous"]
        checkpoint = Checkpoint(
            day=date.fromisoformat(content["day"]),
            begun_at=parse_instant(content["begun_at"]),
            previous=None if previous is None else _hash(previous),
            shards=tuple(
                Shard(members=_whole(shard["members"]), root=_hash(shard["root"]))
                for shard in content["shards"]
            ),
        )
        named = (content["format"], _hash(content["root"]), content["members"])
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise UnreadableCheckpointError(f"no checkpoint: {error!r}") from error
    if named != (FORMAT, checkpoint.root, checkpoint.members):
        raise UnreadableCheckpointError("the checkpoint does not have the root that it names")
    return checkpoint


def read_parts(document: object) -> tuple[Part, ...]:
    """The parts of a shard.

    Raises:
        UnreadableCheckpointError: these are none.
    """
    try:
        return tuple(_read_part(part) for part in _object(document)["parts"])
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise UnreadableCheckpointError(f"no parts: {error!r}") from error


def read_heads(document: object) -> tuple[Head, ...]:
    """The heads of a part.

    Raises:
        UnreadableCheckpointError: these are none.
    """
    try:
        return tuple(
            Head(member_id=MemberId(_text(id_)), number=_whole(number), hash=_hash(hash_))
            for id_, number, hash_ in _object(document)["heads"]
        )
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise UnreadableCheckpointError(f"no heads: {error!r}") from error


def read_proofs(document: object) -> tuple[Checkpoint, tuple[Proof, ...]]:
    """What `proof_document` wrote: the checkpoint that it names, and the proofs.

    Raises:
        UnreadableCheckpointError: it is none.
    """
    try:
        content = _object(document)
        published, listed = content["checkpoint"], _proofs(content["proofs"])
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise UnreadableCheckpointError(f"no proof: {error!r}") from error
    return read_checkpoint(published), listed


def _proofs(documents: object) -> tuple[Proof, ...]:
    if not isinstance(documents, list) or not 0 < len(documents) <= MAX_PROOFS:
        raise TypeError("not a list of proofs")
    return tuple(map(_read_proof, documents))


def _read_proof(document: object) -> Proof:
    content = _object(document)
    return Proof(
        head=Head(
            member_id=MemberId(_text(content["member_id"])),
            number=_whole(content["entry"]),
            hash=_hash(content["hash"]),
        ),
        shard=_whole(content["shard"]),
        part=_read_part(content["part"]),
        in_part=_read_place(content["in_part"]),
        in_shard=_read_place(content["in_shard"]),
    )


def _read_part(document: object) -> Part:
    content = _object(document)
    return Part(
        first=MemberId(_text(content["first"])),
        last=MemberId(_text(content["last"])),
        size=_whole(content["members"]),
        root=_hash(content["root"]),
    )


def _read_place(document: object) -> Place:
    content = _object(document)
    path = content["path"]
    if not isinstance(path, list) or len(path) > MAX_DEPTH:
        raise ValueError("not a path")
    return Place(
        index=_whole(content["index"]),
        size=_whole(content["size"]),
        path=tuple(_hash(each) for each in path),
    )


def _object(value: object) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise TypeError("not an object")
    return value


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("not a text")
    value.encode()  # a lone surrogate cannot be hashed
    return value


def _whole(value: object) -> int:
    if type(value) is not int or value < 0:
        raise TypeError("not a whole number")
    return value


def _hash(value: object) -> bytes:
    found = bytes.fromhex(_text(value))
    if len(found) != HASH_BYTES:
        raise ValueError("not a hash")
    return found
