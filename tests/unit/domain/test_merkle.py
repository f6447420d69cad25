"""Merkle trees, against the definition of RFC 6962 written down a second time."""

import hashlib

import pytest

from points_ledger.domain.merkle import leaf_hash, node_hash, path_of, root_by, root_of

SIZES = [*range(70), 127, 128, 129, 1000]


def leaves(count: int) -> list[bytes]:
    return [leaf_hash(str(number).encode()) for number in range(count)]


def defined_root(hashes: list[bytes]) -> bytes:
    """RFC 6962, 2.1: split at the largest power of two that is smaller than the number."""
    if not hashes:
        return hashlib.sha256(b"").digest()
    if len(hashes) == 1:
        return hashes[0]
    split = 1
    while split * 2 < len(hashes):
        split *= 2
    both = defined_root(hashes[:split]) + defined_root(hashes[split:])
    return hashlib.sha256(b"\x01" + both).digest()


@pytest.mark.parametrize("size", SIZES)
def test_the_root_is_the_one_of_the_definition(size: int) -> None:
    assert root_of(leaves(size)) == defined_root(leaves(size))


def test_roots_of_the_test_vectors_of_certificate_transparency() -> None:
    inputs = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657"]
    inputs.append("606162636465666768696a6b6c6d6e6f")
    hashes = [leaf_hash(bytes.fromhex(text)) for text in inputs]
    assert root_of(hashes[:1]).hex() == (
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
    )
    assert root_of(hashes).hex() == (
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"
    )


@pytest.mark.parametrize("size", [size for size in SIZES if size])
def test_every_leaf_has_a_path_to_the_root(size: int) -> None:
    hashes = leaves(size)
    root = root_of(hashes)
    for index in range(size) if size < 70 else (0, size // 2, size - 1):
        path = path_of(hashes, index)
        assert len(path) <= max(1, (size - 1).bit_length())
        assert root_by(hashes[index], index=index, size=size, path=path) == root


@pytest.mark.parametrize("size", [2, 3, 7, 8, 21])
def test_no_other_path_place_or_leaf_leads_there(size: int) -> None:
    hashes = leaves(size)
    root = root_of(hashes)
    for index in range(size):
        path = path_of(hashes, index)
        wrong = [
            root_by(leaf_hash(b"other"), index=index, size=size, path=path),
            root_by(hashes[index], index=index, size=size, path=path[:-1]),
            root_by(hashes[index], index=index, size=size, path=(*path, root)),
            root_by(hashes[index], index=index, size=size, path=(root, *path[1:])),
            root_by(hashes[index], index=-1, size=size, path=path),
            root_by(hashes[index], index=size, size=size, path=path),
            root_by(hashes[index], index=index, size=1 << 65, path=path),
        ]
        wrong += [
            root_by(hashes[index], index=other, size=size, path=path)
            for other in range(size)
            if other != index
        ]
        assert root not in wrong


def test_a_leaf_is_no_node() -> None:
    one, other = leaves(2)
    assert leaf_hash(one + other) != node_hash(one, other)


def test_there_is_no_path_from_where_nothing_is() -> None:
    for index in (-1, 3):
        with pytest.raises(IndexError):
            path_of(leaves(3), index)
