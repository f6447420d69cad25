"""invitations: sign-ins for members, and taking them away from whoever is erased."""

from typing import Any, Final

import pytest

from points_ledger.adapters.user_pool import UserPool
from points_ledger.domain.identity import MemberId
from points_ledger.runtime import bootstrap, services
from points_ledger.service.inviting import InviteMember
from tests.functions.deployed import EMAIL, Answer, Deployed
from tests.functions.gateway import ADMIN, STAFF

Json = dict[str, Any]

INVITE: Final = "POST /members/{member_id}/invitation"
DELETE: Final = "DELETE /members/{member_id}"
OTHER: Final = "grace@example.com"


@pytest.fixture
def pool_id(deployed: Deployed) -> str:
    deployed.listen()
    return deployed.open_pool()


def invite(deployed: Deployed, member_id: str, **body: object) -> Answer:
    return deployed.ask(INVITE, STAFF, path={"member_id": member_id}, body=body or None)


def users(pool_id: str) -> dict[str, dict[str, str]]:
    """The attributes of every user of the pool by name."""
    found = bootstrap.identities().list_users(UserPoolId=pool_id)["Users"]
    return {
        user["Username"]: {each["Name"]: each["Value"] for each in user["Attributes"]}
        for user in found
    }


def erase(deployed: Deployed, member_id: str) -> None:
    path = {"member_id": member_id}
    assert deployed.ask(DELETE, ADMIN, path=path, key=f"erase {member_id}").status == 200


def follow(deployed: Deployed) -> None:
    """Hand all that the stream holds to its function."""
    deployed.invoke("ledger_events", {"Records": deployed.streamed()})


def names(member_id: str) -> list[str]:
    return list(services.inviting().names.names(MemberId(member_id)))


# --- Inviting -------------------------------------------------------------------------------


def test_a_member_is_invited_under_the_address_of_the_profile(
    deployed: Deployed, pool_id: str
) -> None:
    member_id = deployed.enrol()
    answer = invite(deployed, member_id)
    assert (answer.status, answer.body) == (
        201,
        {"member_id": member_id, "email": EMAIL, "status": "invited"},
    )
    [(name, attributes)] = users(pool_id).items()
    assert name == EMAIL
    assert attributes["email"] == EMAIL
    assert attributes["email_verified"] == "true"
    assert attributes["custom:member_id"] == member_id
    assert answer.printed.line()["message"] == "invited"


def test_an_address_can_be_given_and_its_case_does_not_matter(
    deployed: Deployed, pool_id: str
) -> None:
    member_id = deployed.enrol(email=None)
    assert invite(deployed, member_id, email="Grace@Example.com").body["email"] == OTHER
    assert invite(deployed, member_id, email="GRACE@example.com").status == 200
    assert list(users(pool_id)) == [OTHER]


def test_the_same_invitation_again_makes_nobody(deployed: Deployed, pool_id: str) -> None:
    member_id = deployed.enrol()
    first, again = invite(deployed, member_id), invite(deployed, member_id)
    assert (again.status, again.body) == (200, first.body)
    assert again.printed.line()["message"] == "invited_before"
    assert len(users(pool_id)) == 1


def test_it_says_whether_somebody_has_signed_in(deployed: Deployed, pool_id: str) -> None:
    member_id = deployed.enrol()
    invite(deployed, member_id)
    bootstrap.identities().admin_set_user_password(
        UserPoolId=pool_id, Username=EMAIL, Password="aA1-long-enough", Permanent=True
    )
    assert invite(deployed, member_id).body["status"] == "confirmed"


def test_the_mail_is_sent_again_when_asked_for_and_not_used(
    deployed: Deployed, pool_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[str] = []
    monkeypatch.setattr(UserPool, "send_again", lambda _self, username: sent.append(username))
    member_id = deployed.enrol()
    invite(deployed, member_id)
    invite(deployed, member_id)
    assert sent == []
    invite(deployed, member_id, send_again=True)
    assert sent == [EMAIL]
    bootstrap.identities().admin_set_user_password(
        UserPoolId=pool_id, Username=EMAIL, Password="aA1-long-enough", Permanent=True
    )
    invite(deployed, member_id, send_again=True)
    assert sent == [EMAIL]


def test_an_address_of_another_members_sign_in_is_refused(deployed: Deployed, pool_id: str) -> None:
    first, second = deployed.enrol(), deployed.enrol()
    invite(deployed, first)
    answer = invite(deployed, second)
    assert answer.refusal == (422, "sign_in_taken")
    assert first not in answer.text
    assert users(pool_id)[EMAIL]["custom:member_id"] == first
    assert names(second) == []


def test_staff_do_not_become_members_by_an_invitation(deployed: Deployed, pool_id: str) -> None:
    bootstrap.identities().admin_create_user(UserPoolId=pool_id, Username=EMAIL)
    assert invite(deployed, deployed.enrol()).refusal == (422, "sign_in_taken")
    assert "custom:member_id" not in users(pool_id)[EMAIL]


def test_whoever_is_faster_has_the_address(
    deployed: Deployed, pool_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two members are invited under one address at once: the pool has one winner."""
    first, second = deployed.enrol(), deployed.enrol()
    usual = UserPool.find
    looks: list[str] = []

    def find_before_the_other(self: UserPool, username: str) -> Any:  # noqa: ANN401 - as find
        looks.append(username)
        if len(looks) == 1:
            services.inviting().invite(InviteMember(member_id=MemberId(first)))
            return None
        return usual(self, username)

    monkeypatch.setattr(UserPool, "find", find_before_the_other)
    assert invite(deployed, second).refusal == (422, "sign_in_taken")
    assert (names(first), names(second)) == ([EMAIL], [])
    assert users(pool_id)[EMAIL]["custom:member_id"] == first


@pytest.mark.usefixtures("pool_id")
def test_there_has_to_be_an_address(deployed: Deployed) -> None:
    assert invite(deployed, deployed.enrol(email=None)).fields == ["email"]


@pytest.mark.usefixtures("pool_id")
@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"email": "nobody"}, "email"),
        ({"email": f"{'a' * 60}@{'b' * 80}.com"}, "email"),
        ({"colour": "red"}, "colour"),
        ({"send_again": "yes"}, "send_again"),
    ],
)
def test_an_invitation_that_is_none_is_refused(deployed: Deployed, body: Json, field: str) -> None:
    assert invite(deployed, deployed.enrol(), **body).fields == [field]


@pytest.mark.usefixtures("pool_id")
def test_nobody_can_be_invited_who_is_not_there(deployed: Deployed) -> None:
    assert invite(deployed, "mbr_nobody").refusal == (404, "not_found")
    erased = deployed.enrol()
    erase(deployed, erased)
    assert invite(deployed, erased, email=OTHER).refusal == (422, "member_inactive")


def test_who_was_merged_keeps_signing_in_as_the_survivor(deployed: Deployed, pool_id: str) -> None:
    source, target = deployed.enrol(), deployed.enrol(email=OTHER)
    invite(deployed, source)
    path = {"member_id": source}
    deployed.ask("POST /members/{member_id}/merge", path=path, body={"into": target}, key="m")
    again = invite(deployed, target, email=EMAIL)
    assert (again.status, again.body["member_id"]) == (200, target)
    assert users(pool_id)[EMAIL]["custom:member_id"] == source
    assert invite(deployed, source).body == {
        "member_id": target,
        "email": OTHER,
        "status": "invited",
    }


# --- Erasing --------------------------------------------------------------------------------


def test_the_sign_ins_of_the_erased_are_taken_away(deployed: Deployed, pool_id: str) -> None:
    member_id, other = deployed.enrol(), deployed.enrol()
    invite(deployed, member_id)
    invite(deployed, member_id, email=OTHER)
    invite(deployed, other, email="ada@example.com")
    path = {"member_id": member_id}
    deployed.ask("PATCH /members/{member_id}", path=path, body={"email": None})
    erase(deployed, member_id)
    follow(deployed)
    assert list(users(pool_id)) == ["ada@example.com"]
    assert (names(member_id), names(other)) == ([], ["ada@example.com"])
    follow(deployed)
    assert list(users(pool_id)) == ["ada@example.com"]


def test_so_are_those_of_members_merged_into_them(deployed: Deployed, pool_id: str) -> None:
    source, target = deployed.enrol(), deployed.enrol(email=OTHER)
    invite(deployed, source)
    invite(deployed, target)
    path = {"member_id": source}
    deployed.ask("POST /members/{member_id}/merge", path=path, body={"into": target}, key="m")
    erase(deployed, target)
    follow(deployed)
    assert users(pool_id) == {}


def test_a_name_that_somebody_else_has_by_now_is_left_alone(
    deployed: Deployed, pool_id: str
) -> None:
    first, second = deployed.enrol(), deployed.enrol()
    invite(deployed, first)
    bootstrap.identities().admin_delete_user(UserPoolId=pool_id, Username=EMAIL)
    invite(deployed, second)
    erase(deployed, first)
    follow(deployed)
    assert users(pool_id)[EMAIL]["custom:member_id"] == second


def test_a_process_that_ends_halfway_leaves_nothing_behind(
    deployed: Deployed, pool_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    member_id = deployed.enrol()
    invite(deployed, member_id)
    erase(deployed, member_id)

    class Killed(BaseException):
        pass

    def die(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(UserPool, "remove", die)
        with pytest.raises(Killed):
            follow(deployed)
    assert names(member_id) == [EMAIL]
    follow(deployed)
    assert (users(pool_id), names(member_id)) == ({}, [])


def test_a_sign_in_made_while_the_member_was_erased_is_taken_away(
    deployed: Deployed, pool_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    member_id = deployed.enrol()
    usual = UserPool.create

    def create_too_late(self: UserPool, username: str, id_: MemberId) -> bool:
        erase(deployed, id_)
        return usual(self, username, id_)

    monkeypatch.setattr(UserPool, "create", create_too_late)
    assert invite(deployed, member_id).refusal == (422, "member_inactive")
    assert (users(pool_id), names(member_id)) == ({}, [])
