"""Tamper evidence: an export against a published checkpoint, edited a thousand times over."""

import copy
import io
import json
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, Final, get_args

import pytest

from points_ledger.adapters.dynamodb import codec
from points_ledger.adapters.dynamodb.codec import encode_entry
from points_ledger.contracts.checkpoint import (
    UnreadableCheckpointError,
    checkpoint_document,
    proof_document,
)
from points_ledger.contracts.evidence import compared, read_evidence
from points_ledger.contracts.export import (
    Misread,
    UnreadableExportError,
    exported_entry,
    read_entry,
    read_exports,
)
from points_ledger.contracts.stated import read_statements, stated
from points_ledger.contracts.statement import statement_document
from points_ledger.domain.checkpoint import (
    Checkpoint,
    Head,
    Part,
    Proof,
    Shard,
    part_of,
    proof_of,
    shard_of_parts,
)
from points_ledger.domain.entry import Entry, EntryType
from points_ledger.domain.identity import MemberId
from points_ledger.domain.reconciliation import broken_in_chain
from points_ledger.service.statements import Statements
from points_ledger.verify import AGREES, DIFFERS, UNREADABLE, main, verified
from tests.chronicle import ADA, CLEO, chronicle, exported
from tests.corruption import changes, corrupted, leaves, rehashed, rewritten

Json = dict[str, Any]
EDITS = 1_000
ROUNDS = 10
LATE = timedelta(days=1)


# --- A published checkpoint -----------------------------------------------------------------


def head_at(entries: tuple[Entry, ...], number: int) -> Head:
    hash_ = entries[number - 1].hash if number else bytes(32)
    return Head(member_id=entries[0].member_id, number=number, hash=hash_)


def published(
    day: date, begun_at: datetime, *heads: Head
) -> tuple[Checkpoint, dict[MemberId, Proof]]:
    """A checkpoint with some heads among those of strangers, in parts of three."""
    strangers = [
        Head(member_id=MemberId(f"stranger-{number:02d}"), number=number, hash=bytes([number] * 32))
        for number in range(20)
    ]
    listed = sorted([*heads, *strangers], key=lambda head: head.member_id)
    groups = [listed[at : at + 3] for at in range(0, len(listed), 3)]
    parts: list[Part] = [part_of(group) for group in groups]
    empty = shard_of_parts([])
    shards: tuple[Shard, ...] = (empty, shard_of_parts(parts), empty)
    checkpoint = Checkpoint(day=day, begun_at=begun_at, previous=b"p" * 32, shards=shards)
    proofs: dict[MemberId, Proof] = {}
    for head in heads:
        group = next(group for group in groups if head in group)
        found = proof_of(head.member_id, shard=1, parts=parts, heads=group)
        assert found is not None
        proofs[head.member_id] = found
    return checkpoint, proofs


class Auditor:
    """Runs the command on files in a folder, with the proof and the root of the last day."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.export = exported(chronicle(), ADA, merged=(CLEO,))
        self.chains = chronicle().chains()
        newest = max(self.chains[id_][-1].recorded_at for id_ in (ADA, CLEO))
        self.day = (newest + LATE).date()
        heads = [head_at(self.chains[id_], len(self.chains[id_])) for id_ in (ADA, CLEO)]
        self.checkpoint, self.proofs = published(self.day, newest + LATE, *heads)
        self.proof = proof_document(ADA, self.checkpoint, list(self.proofs.values()))
        self.root = checkpoint_document(self.checkpoint)

    def file(self, name: str, content: object) -> str:
        path = self.folder / f"{name}.json"
        path.write_text(json.dumps(content), encoding="utf-8")
        return str(path)

    def copied(self) -> Json:
        """The export with lists of entries of its own; the entries are those of the export."""
        merged = [{**each, "entries": [*each["entries"]]} for each in self.export["merged"]]
        return {**self.export, "entries": [*self.export["entries"]], "merged": merged}

    def document(self, place: int, entry: Entry) -> Json:
        """An entry at a place as it is exported; that of the export where it is the same one."""
        whole = self.chains[ADA]
        if place < len(whole) and entry is whole[place]:
            exported: Json = self.export["entries"][place]
            return exported
        written: Json = json.loads(json.dumps(exported_entry(entry)))
        return written

    def run(self, export: object, *, proofs: list[Json] | None = None, roots: Any = ()) -> Any:  # noqa: ANN401 - JSON documents
        proofs = [self.proof] if proofs is None else proofs
        roots = [self.root] if roots == () else roots
        arguments = [self.file("export", export)]
        if proofs:
            names = [self.file(f"proof{n}", each) for n, each in enumerate(proofs)]
            arguments += ["--proof", *names]
        if roots:
            arguments += ["--root", *(self.file(f"root{n}", each) for n, each in enumerate(roots))]
        out = io.StringIO()
        status = main(arguments, out=out)
        return status, out.getvalue().splitlines()


@pytest.fixture(scope="module")
def auditor(tmp_path_factory: pytest.TempPathFactory) -> Auditor:
    return Auditor(tmp_path_factory.mktemp("audit"))


# --- What the chain covers ------------------------------------------------------------------


def test_every_attribute_of_an_entry_of_every_type_is_covered() -> None:
    """What is stored, changed in each attribute, cannot be read or does not fit any more."""
    seen: Counter[str] = Counter()
    for entries in chronicle().chains().values():
        for place, entry in enumerate(entries):
            if seen[entry.posting.type] >= 3:
                continue
            seen[entry.posting.type] += 1
            item = dict(encode_entry(entry))
            for name, value in item.items():
                for other in other_values(value):
                    assert is_found(entries, place, {**item, name: other}), (entry, name, other)
            for name in item:
                left = {key: value for key, value in item.items() if key != name}
                assert is_found(entries, place, left), (entry, name)
    assert seen.keys() == set(get_args(EntryType))


def other_values(value: Any) -> list[Any]:  # noqa: ANN401 - an attribute of any type
    [(kind, content)] = value.items()
    match kind:
        case "N":
            return [{"N": str(int(content) + 1)}, {"N": str(-int(content) - 1)}]
        case "B":
            return [{"B": bytes([content[0] ^ 1]) + content[1:]}, {"B": content[:-1]}]
        case _:
            digits = str.maketrans("0123456789", "1234567890")
            changed = content.translate(digits)
            return [{"S": content + "x"}, {"S": changed if changed != content else f"x{content}"}]


def is_found(entries: tuple[Entry, ...], place: int, item: Any) -> bool:  # noqa: ANN401 - an item
    try:
        entry = codec.decode_entry(item)
    except Exception:  # noqa: BLE001 - an item that cannot be read is found
        return True
    chain = (*entries[:place], entry, *entries[place + 1 :])
    return any(broken_in_chain(entries[0].member_id, chain)) or dict(encode_entry(entry)) != item


# --- What agrees ----------------------------------------------------------------------------


def test_what_was_published_agrees(auditor: Auditor) -> None:
    status, lines = auditor.run(auditor.export)
    assert status == AGREES, lines
    for id_ in (ADA, CLEO):
        count = len(auditor.chains[id_])
        said = f"{id_}: entries 1 to {count} are as published on {auditor.day}, 0 are later"
        assert said in lines


def test_entries_after_the_checkpoint_are_told_as_such(auditor: Auditor) -> None:
    entries = auditor.chains[ADA]
    begun_at = entries[9].recorded_at
    known = sum(entry.recorded_at < begun_at for entry in auditor.chains[CLEO])
    heads = (head_at(entries, 10), head_at(auditor.chains[CLEO], known))
    checkpoint, proofs = published(begun_at.date(), begun_at, *heads)
    proof = proof_document(ADA, checkpoint, list(proofs.values()))
    status, lines = auditor.run(
        auditor.export, proofs=[proof], roots=[checkpoint_document(checkpoint)]
    )
    assert status == AGREES, lines
    assert any(f"entries 1 to 10 are as published on {begun_at.date()}, " in li for li in lines)


def test_without_the_published_root_it_is_named(auditor: Auditor) -> None:
    status, lines = auditor.run(auditor.export, roots=[])
    assert status == AGREES
    assert lines[-1].endswith(f"root {auditor.checkpoint.root.hex()}")


# --- What does not --------------------------------------------------------------------------


def forged(auditor: Auditor, place: int, change: Callable[[Entry], Entry]) -> Json:
    """The export with one entry changed and all that follows made to fit: accounts and hashes."""
    entries = list(auditor.chains[ADA])
    entries[place] = change(entries[place])
    before = entries[place - 1]
    rest = rewritten(entries[place:], before.state, before.hash)
    return with_entries(auditor, [*entries[:place], *rest])


def with_entries(auditor: Auditor, entries: list[Entry]) -> Json:
    documents = [auditor.document(place, entry) for place, entry in enumerate(entries)]
    return {**auditor.copied(), "entries": documents}


def a_random_edit(auditor: Auditor, chance: random.Random) -> tuple[str, Json]:
    """One edit of an export, of any kind, by somebody who knows how hashes are made or does not."""
    export = auditor.copied()
    documents: list[Json] = chance.choice([export["entries"], export["merged"][0]["entries"]])
    place = chance.randrange(len(documents))
    whole = list(auditor.chains[ADA])
    at = chance.randrange(1, len(whole))
    kind = chance.choice(
        ["change", "remove", "reorder", "duplicate", "cut", "reword", "reprice", "drop", "append"]
    )
    match kind:
        case "change":
            path, value = chance.choice(list(leaves(documents[place])))
            documents[place] = corrupted(documents[place], path, chance.choice([*changes(value)]))
        case "remove":
            del documents[place]
        case "reorder":
            other = chance.choice([n for n in range(len(documents)) if n != place])
            documents[place], documents[other] = documents[other], documents[place]
        case "duplicate":
            documents.insert(chance.randrange(len(documents) + 1), documents[place])
        case "cut":
            del documents[place:]
        case "reword":
            entry = whole[at]
            posting = replace(entry.posting, reason=f"because {chance.random()}")
            tail = rehashed(
                [replace(entry, posting=posting), *whole[at + 1 :]], entry.previous_hash
            )
            export = with_entries(auditor, [*whole[:at], *tail])
        case "reprice":
            posting = replace(whole[at].posting, pending=whole[at].posting.pending + 1)
            export = forged(auditor, at, lambda entry: replace(entry, posting=posting))
        case "drop":
            # One entry less, and the others numbered anew.
            later = [replace(e, number=e.number - 1) for e in whole[at + 1 :]]
            before = whole[at - 1]
            tail = rewritten(later, before.state, before.hash)
            export = with_entries(auditor, [*whole[:at], *tail])
        case _:
            # One entry more at the end, of a time before the checkpoint.
            last = whole[-1]
            posting = replace(last.posting, actor="staff:sam", reason=f"{chance.random()}")
            more = rewritten(
                [replace(last, number=last.number + 1, posting=posting)], last.state, last.hash
            )
            export = with_entries(auditor, [*whole, *more])
    return kind, export


@pytest.mark.parametrize("seed", range(ROUNDS))
def test_every_random_edit_is_found(auditor: Auditor, seed: int) -> None:
    """A thousand edits in all, in rounds that can run side by side."""
    chance = random.Random(seed)  # noqa: S311 - the same edits each time
    kinds: Counter[str] = Counter()
    while kinds.total() < EDITS // ROUNDS:
        kind, export = a_random_edit(auditor, chance)
        if export == auditor.export:
            continue
        kinds[kind] += 1
        status, lines = auditor.run(export)
        assert status in (DIFFERS, UNREADABLE), (kind, kinds.total(), lines)
        if status == UNREADABLE:
            # Only an export without any entry of the member says so little.
            assert kind in ("cut", "change", "remove"), kind
    assert len(kinds) == 9


def test_only_what_was_published_shows_a_forgery_that_fits(auditor: Auditor) -> None:
    """Somebody writes another reason and makes all later hashes new: the chain itself agrees."""
    reworded = forged(auditor, 15, _reworded)
    assert auditor.run(reworded, proofs=[], roots=[])[0] == AGREES
    status, lines = auditor.run(reworded)
    assert status == DIFFERS
    count = len(auditor.chains[ADA])
    said = f"{ADA}: entries 1 to {count} are not those published on {auditor.day}: "
    assert any(line.startswith(said) for line in lines)


def test_several_days_say_where_it_was_changed(auditor: Auditor) -> None:
    entries = auditor.chains[ADA]
    begun_at = entries[8].recorded_at
    checkpoint, proofs = published(begun_at.date(), begun_at, head_at(entries, 9))
    early = proof_document(ADA, checkpoint, list(proofs.values()))
    changed = forged(auditor, 21, _reworded)
    roots = [auditor.root, checkpoint_document(checkpoint)]
    status, lines = auditor.run(changed, proofs=[auditor.proof, early], roots=roots)
    assert status == DIFFERS
    assert any("entries 1 to 9 are as published" in line for line in lines)
    assert any(f"entries 10 to {len(entries)} are not those" in line for line in lines)


def _reworded(entry: Entry) -> Entry:
    return replace(entry, posting=replace(entry.posting, reason="another reason"))


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (lambda entries: entries.pop(4), "entry 5 is missing"),
        (lambda entries: entries.insert(5, entries[4]), "entry 5 is there more than once"),
        (lambda entries: entries.insert(8, entries.pop(4)), "entry 5 is not at its place"),
        (lambda entries: entries[4].update(reason="else"), "entry 5 was changed: its hash"),
        (
            lambda entries: entries[4].update(previous_hash="0" * 64),
            "entry 5 does not continue the entry before it",
        ),
    ],
)
def test_what_was_done_is_named(
    auditor: Auditor, edit: Callable[[list[Json]], object], said: str
) -> None:
    export = copy.deepcopy(auditor.export)
    edit(export["entries"])
    status, lines = auditor.run(export)
    assert status == DIFFERS
    assert any(line.startswith(f"{ADA}: {said}") for line in lines), lines


def test_an_entry_of_a_schedule_may_be_late(auditor: Auditor) -> None:
    last = auditor.chains[ADA][-1]
    posting = replace(last.posting, actor="schedule:expiry", reason=None)
    more = replace(last, number=last.number + 1, posting=posting)
    tail = rewritten([more], last.state, last.hash)
    export = with_entries(auditor, [*auditor.chains[ADA], *tail])
    _, lines = auditor.run(export)
    assert any("a run that was repeated late, or forged" in line for line in lines)


# --- Proofs that are none -------------------------------------------------------------------


def test_every_change_of_a_proof_is_found(auditor: Auditor) -> None:
    """With the published root at hand nobody can give another proof.

    The entries, which are the same each time, are verified once.
    """
    book = read_exports([auditor.export], None)
    found = verified(book)

    def is_believed(proof: Json) -> bool:
        try:
            evidence = read_evidence([proof], [auditor.root])
        except UnreadableCheckpointError:
            return False
        assert evidence is not None
        return compared(book, found, evidence).agrees

    assert not any(each.difference for each in found)
    assert is_believed(auditor.proof)
    for path, value in leaves(auditor.proof):
        for other in changes(value):
            changed = corrupted(auditor.proof, path, other)
            # Some only repeat what the checkpoint says; how many parts a shard has is told nowhere
            # else, and another one that leads the same way says the same.
            if path[0] not in ("day", "root", "member_id") and path[-2:] != ("in_shard", "size"):
                assert not is_believed(changed), (path, other)


def test_a_root_of_another_day_or_content_is_refused(auditor: Auditor) -> None:
    other, _ = published(auditor.day, auditor.checkpoint.begun_at)
    status, lines = auditor.run(auditor.export, roots=[checkpoint_document(other)])
    assert status == DIFFERS
    assert any("another root than was published: forged" in line for line in lines)
    later, _ = published(auditor.day + LATE, auditor.checkpoint.begun_at)
    status, lines = auditor.run(auditor.export, roots=[checkpoint_document(later)])
    assert status == DIFFERS
    assert any("no root was given for the proof of" in line for line in lines)


def test_a_proof_of_somebody_else_proves_nothing(auditor: Auditor) -> None:
    proof = {**auditor.proof, "proofs": auditor.proof["proofs"][1:]}
    status, lines = auditor.run(auditor.export, proofs=[proof])
    assert status == DIFFERS
    assert f"{ADA}: none of the proofs is about this member" in lines


@pytest.mark.parametrize("content", [None, [], {}, {"checkpoint": {}, "proofs": []}, "text"])
def test_what_is_no_proof_cannot_be_read(auditor: Auditor, content: Any) -> None:  # noqa: ANN401
    assert auditor.run(auditor.export, proofs=[content])[0] == UNREADABLE
    assert auditor.run(auditor.export, roots=[content])[0] == UNREADABLE


def test_a_root_alone_proves_nothing(auditor: Auditor) -> None:
    assert auditor.run(auditor.export, proofs=[])[0] == UNREADABLE


def test_what_is_exported_can_be_read_again(auditor: Auditor) -> None:
    for entry in auditor.chains[ADA]:
        document = json.loads(json.dumps(exported_entry(entry)))
        read = read_entry(document)
        assert not isinstance(read, Misread)
        assert read.hash == entry.hash


# --- Statements -----------------------------------------------------------------------------


def statements(month: date, *, limit: int = 100) -> list[Json]:
    """The pages of a month's statement, as they are answered."""
    office = chronicle()
    drawing = Statements(store=office.memory, reader=office.memory, programs=office.programs)
    pages: list[Json] = []
    begin: int | None = None
    while not pages or begin is not None:
        page = drawing.statement(ADA, month, begin=begin, limit=limit)
        document = statement_document(page, None if page.next_number is None else "more")
        pages.append(json.loads(json.dumps(document)))
        begin = page.next_number
    return pages


def drawn_up(auditor: Auditor, pages: list[Json]) -> tuple[int, list[str]]:
    names = [auditor.file(f"statement{n}", page) for n, page in enumerate(pages)]
    arguments = [auditor.file("export", auditor.export), "--statement", *names]
    arguments += ["--proof", auditor.file("proof", auditor.proof)]
    arguments += ["--root", auditor.file("root", auditor.root)]
    out = io.StringIO()
    return main(arguments, out=out), out.getvalue().splitlines()


FIRST_MONTH: Final = date(2026, 1, 1)


def test_every_month_of_a_member_is_proven_by_the_root(auditor: Auditor) -> None:
    proven = 0
    for number in range(1, 9):
        pages = statements(FIRST_MONTH.replace(month=number))
        status, lines = drawn_up(auditor, pages)
        assert status == AGREES, lines
        assert f"{ADA}: the statement of 2026-0{number} is what " in lines[-1]
        proven += sum(len(page["entries"]) for page in pages)
    assert proven == len(auditor.chains[ADA])


def busiest() -> date:
    months = [FIRST_MONTH.replace(month=number) for number in range(1, 9)]
    return max(months, key=lambda month: len(statements(month)[0]["entries"]))


def test_all_pages_of_a_month_are_one_statement_in_any_order(auditor: Auditor) -> None:
    pages = statements(busiest(), limit=2)
    assert len(pages) > 2
    assert drawn_up(auditor, pages[::-1])[0] == AGREES
    for left_out in (0, len(pages) // 2, len(pages) - 1):
        status, lines = drawn_up(auditor, [*pages[:left_out], *pages[left_out + 1 :]])
        assert status == DIFFERS, lines


def test_every_change_of_a_statement_is_found(auditor: Auditor) -> None:
    """Without verifying the entries each time, which the tests before do."""
    book = read_exports([auditor.export], None)
    agreed = {id_: len(entries) for id_, entries in book.chains.items()}

    def agrees(document: Json) -> bool:
        try:
            return stated(book, agreed, read_statements([document]))[0]
        except UnreadableExportError:
            return False

    [page] = statements(busiest())
    assert agrees(page)
    for path, value in leaves(page):
        if path != ("cursor",):
            other = next(iter(changes(value)))
            assert not agrees(corrupted(page, path, other)), (path, other)
    del page["entries"][1]
    assert not agrees(page)


def test_what_is_no_statement_cannot_be_read(auditor: Auditor) -> None:
    documents: list[Any] = [None, [], {}, {"entries": [1]}, {"entries": [], "member_id": "m"}]
    for document in documents:
        assert drawn_up(auditor, [document])[0] == UNREADABLE


def test_a_statement_says_what_is_there_and_nothing_else(auditor: Auditor) -> None:
    [page] = statements(busiest())
    first, *others = page["entries"]
    nothing = {name: dict.fromkeys(page[name], 0) for name in ("opening", "closing", "totals")}
    floating = {name: float(points) for name, points in page["closing"].items()}
    for forged in (
        {**page, "value": {"amount": "1000000.00", "currency": "USD"}},
        {**page, "entries": [{**first, "gift": "nothing"}, *others]},
        {**page, "closing": floating},
        {**page, "member_id": "stranger", "entries": [], **nothing},
    ):
        assert drawn_up(auditor, [forged])[0] == DIFFERS, forged


@pytest.mark.parametrize("month", ["9999-12", "0001-01"])
def test_a_month_that_no_ledger_has_cannot_be_read(month: str, auditor: Auditor) -> None:
    [page] = statements(busiest())
    assert drawn_up(auditor, [{**page, "month": month}])[0] == UNREADABLE


# --- What a second reader would read otherwise ----------------------------------------------


def test_a_name_that_is_there_twice_cannot_be_read(auditor: Auditor) -> None:
    """Whoever reads it by the first of both would see what was never proven."""
    text = json.dumps(auditor.export)
    for place in ('"entries": [{', '"balance": {'):
        twice = text.replace(place, f'{place}"available": 999999, ', 1)
        assert twice != text
        path = auditor.folder / "twice.json"
        path.write_text(twice, encoding="utf-8")
        proof = ["--proof", auditor.file("proof", auditor.proof)]
        assert main([str(path), *proof], out=io.StringIO()) == UNREADABLE


@pytest.mark.parametrize("name", ["organisation", "jurisdiction"])
def test_what_cannot_be_hashed_is_named_as_any_other_change(name: str, auditor: Auditor) -> None:
    export = copy.deepcopy(auditor.export)
    entry = next(each for each in export["entries"] if each["standing"])
    entry["standing"][name] = entry["state"]["standing"][name] = "\ud800"
    status, lines = auditor.run(export)
    assert status == DIFFERS
    assert any(f"entry {entry['entry']} differs in standing" in line for line in lines)


def test_a_chain_that_was_merged_in_is_not_proven_by_leaving_its_proof_out(
    auditor: Auditor,
) -> None:
    """Its entries may say anything that fits together: only a proof shows that they are others."""
    forged = [
        replace(entry, posting=replace(entry.posting, actor="staff:nobody"))
        for entry in auditor.chains[CLEO]
    ]
    export = copy.deepcopy(auditor.export)
    [merged] = export["merged"]
    merged["entries"] = [exported_entry(entry) for entry in rehashed(forged, bytes(32))]
    own = [each for each in auditor.proof["proofs"] if each["member_id"] == ADA]
    status, lines = auditor.run(export, proofs=[{**auditor.proof, "proofs": own}])
    assert status == DIFFERS
    assert f"{CLEO}: none of the proofs is about this member" in lines


def test_who_was_enrolled_after_the_checkpoint_and_merged_in_needs_no_proof(
    auditor: Auditor,
) -> None:
    begun_at = auditor.chains[CLEO][0].recorded_at - LATE
    known = sum(entry.recorded_at < begun_at for entry in auditor.chains[ADA])
    head = head_at(auditor.chains[ADA], known)
    checkpoint, proofs = published(begun_at.date(), begun_at, head)
    proof = proof_document(ADA, checkpoint, list(proofs.values()))
    status, lines = auditor.run(
        auditor.export, proofs=[proof], roots=[checkpoint_document(checkpoint)]
    )
    assert status == AGREES, lines
