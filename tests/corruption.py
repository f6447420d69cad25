"""Corrupting an export: every leaf of every entry, in several ways, with and without new hashes.

`Checkpoints` remembers how far verifying had come before each entry, so that thousands of
corruptions can be judged without walking through the whole chain for each.
"""

import copy
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, Final

from points_ledger.contracts.export import Exported
from points_ledger.domain.entry import Entry, apply, entry_hash
from points_ledger.domain.identity import MemberId
from points_ledger.domain.state import State
from points_ledger.domain.verification import Book, Difference
from points_ledger.domain.verification.commands import RedemptionSeen
from points_ledger.domain.verification.earnings import EarningsSeen
from points_ledger.domain.verification.walk import _sources_first, _Walk

Json = dict[str, Any]
Path = tuple[str | int, ...]

_SHIFTED_DIGITS: Final = str.maketrans("0123456789", "1234567890")


def leaves(value: object, path: Path = ()) -> Iterator[tuple[Path, object]]:
    """Every value that has no values in it, with the way there."""
    if isinstance(value, dict) and value:
        for name, inner in value.items():
            yield from leaves(inner, (*path, name))
    elif isinstance(value, list) and value:
        for place, inner in enumerate(value):
            yield from leaves(inner, (*path, place))
    else:
        yield path, value


def changes(value: object) -> Iterator[object]:
    """Other values that may stand in its place."""
    match value:
        case bool():
            yield not value
        case int():
            yield from (value + 1, value - 1, -value - 1, value * 10 + 7, str(value), None)
        case str():
            yield value + "x"
            yield value.translate(_SHIFTED_DIGITS) if any(c.isdigit() for c in value) else "other"
            yield None
        case None:
            yield from ("something", 1)
        case dict():
            yield from ({"more": 1}, {"more": "text"}, [], None)
        case _:
            yield from ([1], {}, None)


def corrupted(document: Any, path: Path, value: object) -> Any:  # noqa: ANN401 - JSON
    """The document with another value at one place; it shares all that is not on the way there."""
    step, *rest = path
    changed = copy.copy(document)
    changed[step] = corrupted(document[step], tuple(rest), value) if rest else value
    return changed


class Checkpoints:
    """How far verifying had come before each entry of an export."""

    def __init__(self, exported: Exported | Book) -> None:
        """Verify the whole export once; it has to agree."""
        self.book = Book(
            chains=exported.chains, programs=exported.programs, periods=exported.periods
        )
        self._before: dict[MemberId, list[_Walk]] = {}
        earnings, redemptions = EarningsSeen(), dict[str, RedemptionSeen]()
        for id_ in _sources_first(self.book):
            walk = _Walk(book=self.book, earnings=earnings, redemptions=redemptions)
            self._before[id_] = []
            entries = exported.chains[id_]
            for place, entry in enumerate(entries):
                self._before[id_].append(_copy_of(walk))
                walk._check(id_, entries[place:])
                assert walk._caught(entry) is None

    def judged(self, id_: MemberId, place: int, entries: Sequence[Entry]) -> Difference | None:
        """What differs first in the entries that a chain has from a place on."""
        return _copy_of(self._before[id_][place]).through(id_, entries).difference

    def walk_before(self, id_: MemberId, place: int) -> _Walk:
        """What had been seen before the entry at a place."""
        return self._before[id_][place]


def rehashed(entries: Sequence[Entry], previous_hash: bytes) -> list[Entry]:
    """The entries with links and hashes that fit, whatever they say."""
    linked: list[Entry] = []
    for entry in entries:
        hash_ = entry_hash(
            entry.member_id,
            entry.number,
            entry.recorded_at,
            entry.posting,
            entry.state,
            previous_hash,
        )
        linked.append(replace(entry, previous_hash=previous_hash, hash=hash_))
        previous_hash = hash_
    return linked


def rewritten(entries: Sequence[Entry], state: State, previous_hash: bytes) -> list[Entry]:
    """The same with accounts that follow from what the entries post, as if it were all true."""
    summed: list[Entry] = []
    for entry in entries:
        state = apply(state, entry.posting)
        summed.append(replace(entry, state=state))
    return rehashed(summed, previous_hash)


def _copy_of(walk: _Walk) -> _Walk:
    """A walk that goes on by itself; what both have seen of earnings is immutable."""
    seen = walk.earnings
    return replace(
        walk,
        earnings=EarningsSeen(
            posted=dict(seen.posted),
            known_since=dict(seen.known_since),
            may_keep=set(seen.may_keep),
        ),
        redemptions={id_: replace(each) for id_, each in walk.redemptions.items()},
        expected=list(walk.expected),
    )
