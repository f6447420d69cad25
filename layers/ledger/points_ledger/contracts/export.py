"""Entries as they are exported, with everything that their hashes cover, and read back again.

An exported entry is the entry of the interface with the member, the changes of counters,
reservations and standing, the inputs that its numbers were computed from, and the whole account
after it. Beside the entries stand the program versions that they name (docs/receipts.md).
"""

import json
from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime
from typing import Any, Final, cast, get_args

from points_ledger.contracts.responses import Document, balance_document, entry_document
from points_ledger.contracts.stored_program import program_of
from points_ledger.domain.calendar import format_instant, parse_instant
from points_ledger.domain.dataclass import dataclass
from points_ledger.domain.entry import Entry, EntryType, Posting
from points_ledger.domain.identity import EarningKey, MemberId
from points_ledger.domain.lot import NEVER, Lots
from points_ledger.domain.program import Program, VersionPeriod, version_in_force
from points_ledger.domain.state import (
    Reservation,
    ReservationChanges,
    Standing,
    State,
    Status,
    decode_standing,
    encode_standing,
)
from points_ledger.service.ports import ProgramVersion
from points_ledger.service.queries import balance_of

_TYPES: Final = frozenset(get_args(EntryType))
_STATUSES: Final = frozenset(get_args(Status))
_NEVER: Final = "never"
_VERSIONS: Final = ("program_versions", "programs", "versions")
"""Under which names program versions may stand in a file."""
_HASH_CHARACTERS: Final = 64


@dataclass(eq=False)
class UnreadableExportError(ValueError):
    """What was given is no export at all, or lacks what verifying needs."""

    message: str

    def __str__(self) -> str:
        """What is wrong with it."""
        return self.message


@dataclass(frozen=True, slots=True, kw_only=True)
class DatedProgram:
    """A program version of an export; `effective_from` may be unknown."""

    program: Program
    effective_from: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Misread:
    """A field of an exported entry that cannot be what the ledger exported."""

    field: str
    expected: str
    found: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """An export as it was read.

    Attributes:
        member_id: whose export it is.
        chains: entries by member, oldest first, each up to the first that cannot be read.
        misread: what is wrong with that entry, by member.
        programs: the program versions, by number.
        periods: from when each was in force; empty where any of them does not say.
        balance: the balance document of the last page with entries of this member, if there is
            one: the one that belongs to the last of them.
    """

    member_id: MemberId
    chains: Mapping[MemberId, tuple[Entry, ...]]
    misread: Mapping[MemberId, Misread]
    programs: Mapping[int, Program]
    periods: tuple[VersionPeriod, ...]
    balance: Mapping[str, Any] | None


# --- Writing --------------------------------------------------------------------------------


def exported_entry(entry: Entry) -> Document:
    """An entry with everything that its hash covers."""
    posting = entry.posting
    return {
        "member_id": entry.member_id,
        **entry_document(entry),
        "counters": dict(posting.counters),
        "reservations": _reservations(posting.reservations),
        "standing": _standing(posting.standing) if posting.standing else None,
        "state": _state(entry.state),
    }


def exported_program(version: ProgramVersion, effective_from: datetime) -> Document:
    """A program version as it was published."""
    return {
        "version": version.program.version,
        "effective_from": format_instant(effective_from),
        "program": json.loads(version.document),
    }


def versions_named(entries: Iterable[Entry]) -> list[int]:
    """The numbers of the program versions that entries were computed by."""
    named = {entry.posting.program_version for entry in entries}
    priced = (entry.posting.inputs.get("priced_by", "") for entry in entries)
    named |= {int(text) for text in priced if text.isdecimal()}
    return sorted(number for number in named if number is not None)


def _state(state: State) -> Document:
    return {
        "pending": state.pending,
        "reserved": state.reserved,
        "debt": state.debt,
        "lots": _lots(state.lots),
        "reservations": _reservations(state.reservations),
        "counters": dict(state.counters),
        "standing": _standing(state.standing),
    }


def _reservations(reservations: ReservationChanges) -> Document:
    return {
        id_: None
        if each is None
        else {
            "lots": _lots(each.lots),
            "expires_at": format_instant(each.expires_at),
            "value": each.value,
            "year": each.year,
        }
        for id_, each in reservations.items()
    }


def _standing(standing: Standing) -> Document:
    encoded = encode_standing(standing)
    return cast("Document", json.loads(json.dumps(encoded))) if encoded else {}


def _lots(lots: Lots) -> dict[str, int]:
    return {day.isoformat() if day != NEVER else _NEVER: n for day, n in sorted(lots.items())}


# --- Reading --------------------------------------------------------------------------------


def read_exports(pages: Iterable[object], programs: object = None) -> Exported:
    """The pages of one export in order, with the program versions given beside it.

    Raises:
        UnreadableExportError: something is no export, or names no member or no program.
    """
    documents: dict[MemberId, list[object]] = {}
    versions: list[object] = list(_listed(programs)) if programs is not None else []
    balance: Mapping[str, Any] | None = None
    for page in pages:
        content = {"entries": page} if isinstance(page, list) else page
        if not isinstance(content, Mapping) or not isinstance(content.get("entries"), list):
            raise UnreadableExportError("an export is an object with a list of entries")
        own = _owner(content)
        documents.setdefault(own, []).extend(content["entries"])
        for merged in _parts(content, "merged"):
            id_ = MemberId(_named(merged, "member_id"))
            documents.setdefault(id_, []).extend(_parts(merged, "entries"))
        if content["entries"] and isinstance(content.get("balance"), Mapping):
            balance = content["balance"]
        for name in _VERSIONS:
            versions += [each for each in _parts(content, name) if each not in versions]
    if not documents:
        raise UnreadableExportError("there is no page")
    read = {id_: _read_chain(chain) for id_, chain in documents.items()}
    dated = [read_program(version) for version in versions]
    known = {each.program.version: each for each in dated}
    if not known:
        raise UnreadableExportError("there is no program version; give them with --programs")
    if len(known) != len(dated):
        raise UnreadableExportError("a program version is there twice, and not the same")
    return Exported(
        member_id=next(iter(documents)),
        chains={id_: entries for id_, (entries, _) in read.items()},
        misread={id_: misread for id_, (_, misread) in read.items() if misread is not None},
        programs={number: each.program for number, each in known.items()},
        periods=_periods(known.values()),
        balance=balance,
    )


def _periods(programs: Iterable[DatedProgram]) -> tuple[VersionPeriod, ...]:
    periods = [
        VersionPeriod(version=each.program.version, effective_from=each.effective_from)
        for each in programs
        if each.effective_from is not None
    ]
    return tuple(periods) if len(periods) == len(list(programs)) else ()


def _listed(programs: object) -> list[object]:
    """Program versions: a list, the object with one, or one alone."""
    if isinstance(programs, list):
        return programs
    if isinstance(programs, Mapping):
        for name in _VERSIONS:
            if isinstance(programs.get(name), list):
                return list(programs[name])
        return [programs]
    raise UnreadableExportError("program versions are a list")


def _owner(content: Mapping[str, Any]) -> MemberId:
    """Whose entries they are: by the page, else by its first entry."""
    member = content.get("member")
    named = [content, member, *content["entries"][:1]]
    found = (each.get("member_id") for each in named if isinstance(each, Mapping))
    id_ = next((each for each in found if isinstance(each, str)), None)
    if id_ is None:
        raise UnreadableExportError("the export names no member")
    return MemberId(id_)


def _parts(content: Mapping[str, Any], name: str) -> list[Any]:
    parts = content.get(name, [])
    if not isinstance(parts, list):
        raise UnreadableExportError(f"{name} is no list")
    return parts


def _named(content: object, name: str) -> str:
    value = content.get(name) if isinstance(content, Mapping) else None
    if not isinstance(value, str):
        raise UnreadableExportError(f"{name} is no text")
    return value


def balance_difference(exported: Exported) -> Misread | None:
    """Where the exported balance is not the one after the last entry, settled at its `as_of`.

    None also where that cannot be told: no balance, or not known which program was in force.
    """
    balance, entries = exported.balance, exported.chains[exported.member_id]
    if balance is None or not entries or not exported.periods:
        return None
    try:
        as_of = _instant(balance.get("as_of"))
    except (TypeError, ValueError):
        return Misread(field="as_of", expected="an instant", found=_shown(balance.get("as_of")))
    head = entries[-1]
    program = exported.programs[version_in_force(exported.periods, as_of)]
    if as_of < head.recorded_at:
        expected = f"not before {format_instant(head.recorded_at)}"
        return Misread(field="as_of", expected=expected, found=format_instant(as_of))
    right = balance_document(balance_of(head, now=as_of, program=program))
    unlike = first_difference(_plain(right), dict(balance))
    if unlike is None:
        return None
    field, expected_value, found = unlike
    return Misread(field=field, expected=_shown(expected_value), found=_shown(found))


def _read_chain(documents: list[object]) -> tuple[tuple[Entry, ...], Misread | None]:
    """Entries up to the first that cannot be read, oldest first whichever way they are listed."""
    if len(documents) > 1 and _number(documents[0]) > _number(documents[-1]):
        return _read_chain(documents[::-1])
    entries: list[Entry] = []
    for document in documents:
        entry = read_entry(document)
        if isinstance(entry, Misread):
            return tuple(entries), entry
        entries.append(entry)
    return tuple(entries), None


def _number(document: object) -> int:
    number = document.get("entry") if isinstance(document, Mapping) else None
    return number if isinstance(number, int) else 0


def read_entry(document: object) -> Entry | Misread:
    """The inverse of `exported_entry`, or the first field that it cannot have written."""
    if not isinstance(document, Mapping):
        return Misread(field="", expected="an entry", found=_shown(document))
    reader = _Reader(document)
    entry = reader.entry()
    if entry is None:
        found = document.get(reader.field)
        return Misread(field=reader.field, expected="a value of the format", found=_shown(found))
    written = exported_entry(entry)
    if _canonical(written) == _canonical(document):
        return entry
    unlike = first_difference(_plain(written), dict(document))
    if unlike is None:
        return entry
    field, expected, found = unlike
    return Misread(field=field, expected=_shown(expected), found=_shown(found))


def _canonical(document: Mapping[str, Any]) -> str:
    """The one text of a document; where two are equal, `first_difference` finds nothing."""
    return json.dumps(document, sort_keys=True)


def _plain(document: Document) -> object:
    return json.loads(json.dumps(document))


def _shown(value: object) -> str:
    return "nothing" if value is None else json.dumps(value, default=str)


def first_difference(
    expected: object, found: object, path: str = ""
) -> tuple[str, object, object] | None:
    """Where two JSON values differ first, by dotted path, and both values there.

    A number is no text, and `1.0` or `true` is no `1`.
    """
    if isinstance(expected, dict) and isinstance(found, dict):
        for name in dict.fromkeys([*expected, *found]):
            inner = f"{path}.{name}" if path else str(name)
            if name not in expected or name not in found:
                return inner, expected.get(name), found.get(name)
            unlike = first_difference(expected[name], found[name], inner)
            if unlike is not None:
                return unlike
        return None
    if isinstance(expected, list) and isinstance(found, list) and len(expected) == len(found):
        for index, (one, other) in enumerate(zip(expected, found, strict=True)):
            unlike = first_difference(one, other, f"{path}.{index}")
            if unlike is not None:
                return unlike
        return None
    same = type(expected) is type(found) and expected == found
    return None if same else (path, expected, found)


class _Reader:
    """Reads one document; `field` is the one that it was reading last."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._document = document
        self.field = ""

    def entry(self) -> Entry | None:
        """The entry; None where `field` cannot be read."""
        try:
            return self._entry()
        except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError):
            return None

    def _entry(self) -> Entry:
        number = self._read("entry", _integer)
        member_id = MemberId(self._read("member_id", _text))
        posting = Posting(
            type=self._read("type", _type),
            at=self._read("at", _instant),
            pending=self._read("pending", _integer),
            reserved=self._read("reserved", _integer),
            debt=self._read("debt", _integer),
            lots=self._read("lots", _read_lots),
            reservations=self._read("reservations", _read_reservations),
            counters=self._read("counters", _integers),
            standing=self._read("standing", _or_null(_read_standing)),
            source=self._read("source", _read_source),
            rules=tuple(self._read("rules", _read_rules)),
            program_version=self._read("program_version", _or_null(_integer)),
            actor=self._read("actor", _text),
            reason=self._read("reason", _or_null(_text)),
            details=self._read("details", _texts),
            inputs=self._read("inputs", _texts),
        )
        return Entry(
            member_id=member_id,
            number=number,
            recorded_at=self._read("recorded_at", _instant),
            posting=posting,
            state=self._read("state", _read_state),
            previous_hash=self._read("previous_hash", _hash),
            hash=self._read("hash", _hash),
        )

    def _read(self, field: str, read: Callable[[Any], Any]) -> Any:  # noqa: ANN401 - by field
        self.field = field
        return read(self._document[field])


def _or_null(read: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda value: None if value is None else read(value)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("not a text")
    value.encode()  # a lone surrogate cannot be hashed
    return value


def _integer(value: object) -> int:
    if type(value) is not int:
        raise TypeError("not a whole number")
    return value


def _object(value: object) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise TypeError("not an object")
    return value


def _texts(value: object) -> dict[str, str]:
    return {_text(name): _text(text) for name, text in _object(value).items()}


def _integers(value: object) -> dict[str, int]:
    return {_text(name): _integer(number) for name, number in _object(value).items()}


def _instant(value: object) -> datetime:
    return parse_instant(_text(value))


def _hash(value: object) -> bytes:
    text = _text(value)
    if len(text) != _HASH_CHARACTERS:
        raise ValueError("a hash has 64 characters")
    return bytes.fromhex(text)


def _type(value: object) -> EntryType:
    if value not in _TYPES:
        raise ValueError("not a type of entry")
    return cast("EntryType", value)


def _read_lots(value: object) -> Lots:
    return {
        NEVER if day == _NEVER else date.fromisoformat(day): points
        for day, points in _integers(value).items()
    }


def _read_source(value: object) -> EarningKey | None:
    if value is None:
        return None
    source = _object(value)
    return EarningKey(
        source=_text(source["system"]), kind=_text(source["kind"]), id=_text(source["id"])
    )


def _read_rules(value: object) -> list[tuple[str, int]]:
    if not isinstance(value, list):
        raise TypeError("not a list")
    return [(_text(rule["id"]), _integer(rule["points"])) for rule in value]


def _read_reservations(value: object) -> dict[str, Reservation | None]:
    return {
        _text(id_): None
        if each is None
        else Reservation(
            lots=_read_lots(each["lots"]),
            expires_at=_instant(each["expires_at"]),
            value=_integer(each["value"]),
            year=_integer(each["year"]),
        )
        for id_, each in _object(value).items()
    }


def _read_standing(value: object) -> Standing:
    json.dumps(value, ensure_ascii=False).encode()  # a lone surrogate cannot be hashed
    standing = decode_standing(_object(value))
    if standing.status not in _STATUSES:
        raise ValueError("not a status of a member")
    return standing


def _read_state(value: object) -> State:
    state = _object(value)
    reservations = _read_reservations(state["reservations"])
    return State(
        pending=_integer(state["pending"]),
        reserved=_integer(state["reserved"]),
        debt=_integer(state["debt"]),
        lots=_read_lots(state["lots"]),
        reservations={id_: each for id_, each in reservations.items() if each is not None},
        counters=_integers(state["counters"]),
        standing=_read_standing(state["standing"]),
    )


def read_program(value: object) -> DatedProgram:
    """A program version of an export, or of GET /program/versions.

    Raises:
        UnreadableExportError: it is none.
    """
    try:
        version = _object(value)
        dated = version.get("effective_from")
        return DatedProgram(
            program=program_of(_object(version["program"]), _integer(version["version"])),
            effective_from=None if dated is None else _instant(dated),
        )
    except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
        raise UnreadableExportError(f"a program version cannot be read: {error!r}") from error
