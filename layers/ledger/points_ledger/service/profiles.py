"""Storing personal data, and the two lists by which staff find a member: name and email.

The lists change in the same transaction as the profile, so what is found is never somebody else
and an erased person is in none.
"""

import unicodedata
from collections.abc import Iterable
from typing import Final

from points_ledger.service.ports import Create, Listed, Profile, Put, Remove, Save, Write

MAX_SEARCHED_CHARACTERS: Final = 200
"""Of a name or an address: a key of the table has at most 1,024 bytes. What two people have in
common so far is told apart by the profiles themselves."""


def search_text(text: str) -> str:
    """A name or address as it is compared: without case, compatibility forms and extra spaces."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def searched_text(text: str) -> str:
    """As much of `search_text` as stands in a list."""
    return search_text(text)[:MAX_SEARCHED_CHARACTERS]


def has_name(profile: Profile | None, beginning: str) -> bool:
    """Whether a person's name begins so."""
    name = search_text(profile.name or "") if profile else ""
    return name.startswith(search_text(beginning))


def has_email(profile: Profile | None, email: str) -> bool:
    """Whether this is a person's address."""
    return profile is not None and search_text(profile.email or "") == search_text(email)


def name_partition(searched: str) -> str:
    """The part of the list of names in which a name, or the beginning of one, is found."""
    return searched[:1]


def profile_writes(before: Profile | None, after: Profile | None) -> tuple[Write, ...]:
    """The writes that make `after` of `before`; None is a person without data, or erased."""
    old, new = _places(before), _places(after)
    lists: list[Write] = [Remove(item=place) for place in old if place not in new]
    lists += [Put(item=place) for place in new if place not in old]
    return (*_profile(before, after), *lists)


def _profile(before: Profile | None, after: Profile | None) -> Iterable[Write]:
    if after is not None and before is None:
        yield Create(item=after)
    elif after is not None and before is not None:
        yield Save(item=after, expected=before.revision)
    elif before is not None:
        # What was added meanwhile, a link to unlink above all, may not go unseen.
        yield Remove(item=before.key, expected=before.revision)


def _places(profile: Profile | None) -> list[Listed]:
    """Where a person is found. Whitespace and case alone make no name."""
    if profile is None:
        return []
    id_, places = profile.member_id, []
    name = searched_text(profile.name or "")
    email = searched_text(profile.email or "")
    if name:
        places.append(Listed(list="names", partition=name_partition(name), sort=name, id=id_))
    if email:
        places.append(Listed(list="emails", partition=email, sort="", id=id_))
    return places
