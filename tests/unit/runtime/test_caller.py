"""Who may do what, by the claims of a verified token."""

from collections.abc import Callable

import pytest

from points_ledger.domain.error import ForbiddenError, UnauthenticatedError
from points_ledger.domain.identity import MemberId
from points_ledger.runtime.caller import Caller

PERSON = {"token_use": "id", "sub": "sub-1"}
TILL = {"token_use": "access", "sub": "client-1", "client_id": "client-1", "scope": "ledger/till"}
OWN = MemberId("m-1")
OTHER = MemberId("m-2")

member = Caller.from_claims(PERSON | {"custom:member_id": "m-1"})
stranger = Caller.from_claims(PERSON)
staff = Caller.from_claims(PERSON | {"cognito:groups": "[staff]"})
admin = Caller.from_claims(PERSON | {"cognito:groups": "[admin]"})
till = Caller.from_claims(TILL)


@pytest.mark.parametrize(
    ("claim", "groups"),
    [
        ("[admin staff]", {"admin", "staff"}),
        ("[staff]", {"staff"}),
        ("[]", set()),
        ("staff", {"staff"}),
        ("[admin, staff]", {"admin", "staff"}),
        (["admin", "staff"], {"admin", "staff"}),
        (None, set()),
        (7, set()),
        ("[administrators staffing]", {"administrators", "staffing"}),
    ],
)
def test_groups_are_read_in_every_form(claim: object, groups: set[str]) -> None:
    assert Caller.from_claims(PERSON | {"cognito:groups": claim}).groups == groups


def test_a_group_whose_name_only_contains_staff_is_not_staff() -> None:
    caller = Caller.from_claims(PERSON | {"cognito:groups": "[staffing not-admin]"})
    assert not caller.is_staff
    assert not caller.is_admin


def test_a_person_is_named_by_sub_and_member_id() -> None:
    assert (member.id, member.member_id, member.is_till) == ("sub-1", "m-1", False)
    assert member.actor == "person:sub-1"


def test_a_till_is_named_by_its_client_and_has_no_groups() -> None:
    claims = TILL | {"cognito:groups": "[admin]", "custom:member_id": "m-1"}
    caller = Caller.from_claims(claims)
    assert (caller.id, caller.member_id, caller.is_till) == ("client-1", None, True)
    assert not caller.is_staff
    assert caller.actor == "till:client-1"


@pytest.mark.parametrize(
    "claims",
    [
        {},
        {"sub": "sub-1"},
        {"token_use": "id"},
        {"token_use": "id", "sub": ""},
        {"token_use": "refresh", "sub": "sub-1"},
        {"token_use": ["id"], "sub": "sub-1"},
        TILL | {"scope": "aws.cognito.signin.user.admin", "username": "dana"},
        TILL | {"username": "dana"},
        TILL | {"scope": "ledger/tills"},
        TILL | {"scope": ""},
        {"token_use": "access", "sub": "sub-1", "scope": "ledger/till"},
    ],
    ids=str,
)
def test_any_other_token_is_refused(claims: dict[str, object]) -> None:
    with pytest.raises(UnauthenticatedError):
        Caller.from_claims(claims)


def test_the_scope_may_stand_among_others() -> None:
    assert Caller.from_claims(TILL | {"scope": "openid ledger/till"}).is_till


ALL = {"member": member, "stranger": stranger, "staff": staff, "admin": admin, "till": till}


@pytest.mark.parametrize(
    ("require", "allowed"),
    [
        (lambda caller: caller.require_admin(), {"admin"}),
        (lambda caller: caller.require_staff(), {"staff", "admin"}),
        (lambda caller: caller.require_staff_or_till(), {"staff", "admin", "till"}),
        (lambda caller: caller.own_or_any(OWN), {"member", "staff", "admin"}),
        (lambda caller: caller.own_or_any(OTHER), {"staff", "admin"}),
        (lambda caller: caller.own_or_served(OWN), {"member", "staff", "admin", "till"}),
        (lambda caller: caller.own_or_served(OTHER), {"staff", "admin", "till"}),
    ],
    ids=["admin", "staff", "staff or till", "self", "not self", "self or till", "other or till"],
)
def test_only_these_may(require: Callable[[Caller], object], allowed: set[str]) -> None:
    for name, caller in ALL.items():
        if name in allowed:
            require(caller)
        else:
            with pytest.raises(ForbiddenError):
                require(caller)


def test_a_member_sees_its_own_and_staff_and_tills_see_all() -> None:
    assert member.may_see(OWN)
    assert not member.may_see(OTHER)
    assert not stranger.may_see(OWN)
    assert all(caller.may_see(OTHER) for caller in (staff, admin, till))


def test_me_is_the_caller_and_another_id_is_itself() -> None:
    assert member.resolve_me("me") == "m-1"
    assert member.resolve_me("m-2") == "m-2"


@pytest.mark.parametrize("caller", [stranger, staff, till])
def test_me_means_nothing_to_who_is_no_member(caller: Caller) -> None:
    with pytest.raises(ForbiddenError):
        caller.resolve_me("me")


def test_a_member_asks_for_itself_and_who_serves_for_anybody() -> None:
    assert member.asker == OWN
    assert [caller.asker for caller in (staff, admin, till)] == [None] * 3


def test_who_is_no_member_and_serves_nobody_asks_as_nobody() -> None:
    assert stranger.asker == ""


def test_the_members_that_are_named_me_are_the_callers_own() -> None:
    assert member.own_or_any("me") == member.own_or_served("me") == OWN
    assert staff.own_or_any(OTHER) == till.own_or_served(OTHER) == OTHER
