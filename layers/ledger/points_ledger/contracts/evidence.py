"""An export against what was published: the lines that `verify` tells with `--proof` and `--root`.

Standard library only, as all that the verifier needs.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Final

from points_ledger.contracts.checkpoint import (
    UnreadableCheckpointError,
    read_checkpoint,
    read_proofs,
)
from points_ledger.contracts.export import Exported
from points_ledger.domain.checkpoint import Checkpoint, Proof
from points_ledger.domain.dataclass import dataclass
from points_ledger.domain.entry import Entry
from points_ledger.domain.evidence import (
    LATE,
    Irregularity,
    Judged,
    Published,
    irregularities,
    judged,
)
from points_ledger.domain.identity import MemberId
from points_ledger.domain.verification import Verified

MAX_FILES: Final = 4_000
"""Proofs of ten years of days."""

_WORDS: Final[Mapping[str, str]] = {
    "missing": "is missing",
    "repeated": "is there more than once",
    "reordered": "is not at its place",
    "changed": "was changed: its hash is not that of what it says",
    "forged": "does not continue the entry before it",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """Proofs with the checkpoint that each names, and the published checkpoints, if any."""

    proofs: tuple[tuple[Checkpoint, Proof], ...]
    published: tuple[Checkpoint, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """Whether the export is what was published, and the lines that say so."""

    agrees: bool
    lines: tuple[str, ...]


def read_evidence(proofs: Iterable[object], published: Iterable[object]) -> Evidence | None:
    """The documents that were given; None where there is none.

    Raises:
        UnreadableCheckpointError: one is none of these, or there are roots and no proof.
    """
    read = [read_proofs(document) for document in proofs]
    roots = tuple(read_checkpoint(document) for document in published)
    if len(read) > MAX_FILES or len(roots) > MAX_FILES:
        raise UnreadableCheckpointError(f"more than {MAX_FILES} files")
    if not read:
        if roots:
            raise UnreadableCheckpointError("a root proves nothing without a proof of the member")
        return None
    pairs = [(checkpoint, proof) for checkpoint, listed in read for proof in listed]
    return Evidence(proofs=tuple(sorted(pairs, key=lambda pair: pair[0].begun_at)), published=roots)


def compared(exported: Exported, found: Sequence[Verified], evidence: Evidence) -> Compared:
    """Compare every chain of an export with what was published of it."""
    agreed = {each.member_id: _agreed(each, exported) for each in found}
    wrong = list(_wrong_proofs(evidence)) + list(_unproven(exported, evidence))
    lines = list(wrong)
    agrees = not wrong
    for member_id in dict.fromkeys(proof.head.member_id for _, proof in evidence.proofs):
        chain = exported.chains.get(member_id, ())
        verdicts = [
            judged(chain, agreed.get(member_id, 0), published)
            for published in _of(member_id, evidence)
        ]
        lines += _told(member_id, verdicts, chain)
        agrees = agrees and all(each.agrees and each.forged is None for each in verdicts)
    for member_id, chain in exported.chains.items():
        for irregularity in irregularities(chain):
            agrees = False
            lines.append(_irregular(member_id, irregularity))
    if not evidence.published:
        roots = dict.fromkeys((str(c.day), c.root.hex()) for c, _ in evidence.proofs)
        lines += [f"compare with what was published on {day}: root {root}" for day, root in roots]
    return Compared(agrees=agrees, lines=tuple(lines))


def _agreed(found: Verified, exported: Exported) -> int:
    """How many entries of a chain fit together, from the first."""
    difference = found.difference
    if difference is None or difference.field.startswith("balance."):
        return len(exported.chains.get(found.member_id, ()))
    return difference.number - 1


def _of(member_id: MemberId, evidence: Evidence) -> Iterator[Published]:
    for checkpoint, proof in evidence.proofs:
        if proof.head.member_id == member_id:
            yield Published(day=checkpoint.day, begun_at=checkpoint.begun_at, head=proof.head)


def _wrong_proofs(evidence: Evidence) -> Iterator[str]:
    """Proofs that prove nothing, and those of another checkpoint than the published one."""
    published = {checkpoint.day: checkpoint.root for checkpoint in evidence.published}
    for checkpoint, proof in evidence.proofs:
        member_id, day = proof.head.member_id, checkpoint.day
        if not proof.agrees(checkpoint):
            yield f"{member_id}: the proof of {day} does not lead to its root: forged"
        if not evidence.published:
            continue
        if day not in published:
            yield f"{member_id}: no root was given for the proof of {day}"
        elif published[day] != checkpoint.root:
            yield f"{member_id}: the proof of {day} has another root than was published: forged"


def _unproven(exported: Exported, evidence: Evidence) -> Iterator[str]:
    """A chain of which no proof says anything is not what was asked about."""
    proven = {proof.head.member_id for _, proof in evidence.proofs}
    newest = max(checkpoint.begun_at for checkpoint, _ in evidence.proofs)
    for member_id, chain in exported.chains.items():
        # Who was merged in may have been enrolled after the checkpoint, which then has no head.
        is_later = member_id != exported.member_id and chain[:1] and not _is_older(chain[0], newest)
        if member_id not in proven and not is_later:
            yield f"{member_id}: none of the proofs is about this member"


def _is_older(entry: Entry, begun_at: datetime) -> bool:
    return entry.recorded_at < begun_at - LATE


def _told(member_id: MemberId, verdicts: Sequence[Judged], chain: Sequence[Entry]) -> Iterator[str]:
    """One line for each day, from the oldest, with how far the entries were unchanged before."""
    good = 0
    for verdict in verdicts:
        day, head = verdict.published.day, verdict.published.head
        if not verdict.agrees:
            known = {entry.number: entry.hash for entry in chain}
            found = known.get(head.number)
            yield (
                f"{member_id}: entries {good + 1} to {head.number} are not those published on "
                f"{day}: expected entry {head.number} with {head.hash.hex()}, found "
                f"{'nothing' if found is None else found.hex()}"
            )
            continue
        good = max(good, head.number)
        yield (
            f"{member_id}: entries 1 to {head.number} are as published on {day}, "
            f"{verdict.later} are later"
        )
        if verdict.forged is not None:
            yield (
                f"{member_id}: entry {verdict.forged} says that it is older than the checkpoint of "
                f"{day}, which does not have it: forged"
            )
        if verdict.doubtful is not None:
            yield (
                f"{member_id}: entry {verdict.doubtful} of a schedule says that it is older than "
                f"the checkpoint of {day}: a run that was repeated late, or forged"
            )


def _irregular(member_id: MemberId, irregularity: Irregularity) -> str:
    return f"{member_id}: entry {irregularity.number} {_WORDS[irregularity.what]}"
