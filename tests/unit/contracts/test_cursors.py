"""Cursors: opaque, bound to their list and to whose it is, and refused when touched."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from points_ledger.contracts.cursors import opened, opened_number, sealed, sealed_number
from points_ledger.domain.error import InvalidRequestError

places = st.text(st.characters(exclude_categories=["Cs"]), max_size=50)


def refused(kind: str, owner: str, cursor: str) -> bool:
    try:
        opened(kind, owner, cursor)  # type: ignore[arg-type]  # kinds of these tests
    except InvalidRequestError as error:
        return [each.field for each in error.errors] == ["cursor"]
    return False


@given(places, places)
def test_a_cursor_leads_where_it_was_made_for(owner: str, place: str) -> None:
    cursor = sealed("entries", owner, place)
    assert cursor is not None
    assert opened("entries", owner, cursor) == place


@given(places, places, places)
def test_a_cursor_is_of_one_list_and_one_owner(owner: str, other: str, place: str) -> None:
    cursor = sealed("entries", owner, place)
    assert cursor is not None
    assert refused("pending", owner, cursor)
    assert refused("entries", other, cursor) is (owner != other)


@given(places, st.data())
def test_a_cursor_with_one_bit_changed_is_refused(place: str, data: st.DataObject) -> None:
    cursor = sealed("entries", "mbr_ada", place)
    assert cursor is not None
    content = bytearray(base64.urlsafe_b64decode(cursor))
    bit = data.draw(st.integers(0, 8 * len(content) - 1))
    content[bit // 8] ^= 1 << (bit % 8)
    assert refused("entries", "mbr_ada", base64.urlsafe_b64encode(bytes(content)).decode())


@given(st.text(max_size=100))
def test_what_is_no_cursor_is_refused(text: str) -> None:
    assert refused("entries", "mbr_ada", text)


def test_the_end_has_no_cursor_and_the_beginning_needs_none() -> None:
    assert sealed("entries", "mbr_ada", None) is None
    assert opened("entries", "mbr_ada", None) is None
    assert sealed_number("entries", "mbr_ada", None) is None
    assert opened_number("entries", "mbr_ada", None) is None


@pytest.mark.parametrize("number", [1, 7, 10**12 - 1])
def test_a_number_comes_back(number: int) -> None:
    cursor = sealed_number("entries", "mbr_ada", number)
    assert opened_number("entries", "mbr_ada", cursor) == number


@pytest.mark.parametrize(
    "place", ["0", "-1", "01", "1.0", "", "x", "1" * 16, "\u0661", "1\n", "9" * 5_000]
)
def test_what_is_no_number_is_refused(place: str) -> None:
    with pytest.raises(InvalidRequestError):
        opened_number("entries", "mbr_ada", sealed("entries", "mbr_ada", place))
