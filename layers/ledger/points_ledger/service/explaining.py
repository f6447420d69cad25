"""Why entries are there, in the words of whoever made them."""

from collections.abc import Mapping, Sequence

from points_ledger.domain.adjustment import FREE_TEXT
from points_ledger.domain.entry import Entry
from points_ledger.service.approving import note_ids
from points_ledger.service.ports import NotePlace, PersonalData


def reasons(texts: PersonalData, entries: Sequence[Entry]) -> Mapping[int, str]:
    """The sentence that came with each adjustment, by the number of the entry.

    Entries themselves keep codes only. What was erased is left out; where there is nothing to look
    for, nothing is read.
    """
    places = {
        entry.number: place for entry in entries if (place := _place_of_reason(entry)) is not None
    }
    found = texts.texts(list(places.values())) if places else {}
    return {number: found[place] for number, place in places.items() if place in found}


def _place_of_reason(entry: Entry) -> NotePlace | None:
    posting = entry.posting
    if posting.type != "adjustment" or posting.reason != FREE_TEXT or posting.source is None:
        return None
    return entry.member_id, note_ids(posting.source.id)["reason"]
