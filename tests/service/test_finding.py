"""Finding members by external id, address and the beginning of a name."""

import pytest

from points_ledger.domain.identity import MemberId
from points_ledger.service.finding import ByEmail, ByExternalId, ByName
from tests.service.desk import customer_id
from tests.service.party import ADA, BOB, EVE, ZOE, enrol
from tests.service.registry import Registry


@pytest.fixture
def registry() -> Registry:
    return Registry()


def test_a_customer_is_one_member(registry: Registry) -> None:
    assert registry.find(ByExternalId(customer_id("ada"))) == [ADA]
    assert registry.find(ByExternalId(customer_id("nobody"))) == []


@pytest.mark.parametrize("email", ["ada@example.com", "ADA@Example.com", "ada@example\uff0ecom"])
def test_case_and_the_form_of_letters_make_no_address(email: str, registry: Registry) -> None:
    assert registry.find(ByEmail(email)) == [ADA]


def test_two_people_may_have_one_address(registry: Registry) -> None:
    registry.change(EVE, personal={"email": "Ada@example.com"}, key=None)
    assert registry.find(ByEmail("ada@example.com")) == [ADA, EVE]


@pytest.mark.parametrize(
    ("beginning", "found"),
    [
        ("a", [ADA]),
        ("A", [ADA]),
        ("ada", [ADA]),
        (" Ada ", [ADA]),
        ("adam", []),
        ("da", []),
        ("e", [EVE]),
        ("%", []),
        ("#", []),
    ],
)
def test_a_name_is_found_by_its_beginning(
    beginning: str, found: list[MemberId], registry: Registry
) -> None:
    assert registry.find(ByName(beginning)) == found


def test_people_are_listed_by_name(registry: Registry) -> None:
    names = ["Adam", "Ada Lovelace", "ADELE", "Ad%a", "ad#a"]
    ids = {name: enrol(registry.desk, name) for name in names}
    found = registry.find(ByName("ad"))
    assert found == [ids["ad#a"], ids["Ad%a"], ids["Ada Lovelace"], ADA, ids["Adam"], ids["ADELE"]]


def test_long_names_that_begin_alike_are_told_apart(registry: Registry) -> None:
    ids = [enrol(registry.desk, "x" * 250 + last) for last in "yz"]
    assert registry.find(ByName("X" * 250)) == ids
    assert registry.find(ByName("x" * 250 + "z")) == ids[1:]


def test_addresses_are_found_however_long_they_become(registry: Registry) -> None:
    address = f"{chr(0xFDFA) * 60}@{'x' * 250}"
    registry.change(personal={"email": address}, key=None)
    assert registry.find(ByEmail(address)) == [ADA]
    assert registry.find(ByEmail(f"{address}y")) == []


def test_who_was_merged_is_found_as_who_survived_and_only_once(registry: Registry) -> None:
    registry.change(EVE, personal={"name": "Adam"}, key=None)
    registry.desk.merge(ADA, EVE)
    assert registry.find(ByName("ad")) == [EVE]
    assert registry.find(ByEmail("ada@example.com")) == [EVE]
    assert registry.find(ByExternalId(customer_id("ada"))) == [EVE]


def test_pages_go_on_until_the_end(registry: Registry) -> None:
    ids = {enrol(registry.desk, f"Mia {n}") for n in range(7)}
    seen: list[MemberId] = []
    cursor = None
    for _ in range(5):
        found, cursor = registry.finding.find(ByName("mia"), limit=3, cursor=cursor)
        assert len(found) <= 3
        seen += [each.member_id for each in found]
        if cursor is None:
            break
    assert (len(seen), set(seen)) == (7, ids)


def test_a_page_costs_one_head_for_each_member(registry: Registry) -> None:
    store = registry.desk.store
    store.requests.clear()
    registry.find(ByName("a"))
    assert (store.requests.count("head"), store.requests.count("get")) == (1, 1)


@pytest.mark.parametrize("search", [ByEmail("ada@example.com"), ByName("a")])
def test_a_cursor_of_another_search_is_refused(
    search: ByEmail | ByName, registry: Registry
) -> None:
    for n in range(2):
        enrol(registry.desk, f"Mia {n}")
    _, cursor = registry.finding.find(ByName("mia"), limit=1, cursor=None)
    assert cursor is not None
    with pytest.raises(ValueError):
        registry.finding.find(search, limit=1, cursor=cursor)


def test_whose_data_changed_since_the_list_was_read_is_not_found(registry: Registry) -> None:
    def rename() -> None:
        registry.change(personal={"name": "Grace"}, key=None)

    registry.desk.store.meanwhile["get"] = rename
    assert registry.find(ByName("ada")) == []
    assert {ADA, BOB, ZOE} <= set(registry.desk.memory.members())
