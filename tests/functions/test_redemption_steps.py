"""redemption: two steps, giving back, time-outs, approvals and a member's list, over HTTP."""

from typing import Any

import pytest

from points_ledger.domain.limit import MAX_OPEN_RESERVATIONS
from tests.functions.deployed import Answer, Deploy, Deployed, program
from tests.functions.gateway import OTHER_MEMBER, STAFF, STRANGER, TILL, CallerKind, member

Json = dict[str, Any]

REDEEM = "POST /redemptions"
LIST = "GET /redemptions"
SHOW = "GET /redemptions/{redemption_id}"
EACH_STEP = pytest.mark.parametrize("step", ["capture", "cancel", "reverse"])
EACH_PART = pytest.mark.parametrize("step", ["capture", "reverse"])


class Counter:
    """A till with a member in front of it, who has 500 points worth 5.00."""

    def __init__(self, deployed: Deployed) -> None:
        self.deployed = deployed
        deployed.give("C-1", 500)
        self.member_id = deployed.linked("C-1")
        self.own = member(self.member_id)
        self.steps = 0

    def redeem(
        self, points: int = 200, *, caller: CallerKind = TILL, reserve: bool = False
    ) -> Json:
        """A redemption that is accepted."""
        self.steps += 1
        body = {"member_id": self.member_id, "points": points, "kind": "cash", "reserve": reserve}
        answer = self.deployed.ask(REDEEM, caller, body=body, key=f"redeem-{self.steps}")
        assert answer.status == 201, answer.body
        return answer.body

    def reserve(self, points: int = 200, *, caller: CallerKind = TILL) -> Json:
        return self.redeem(points, caller=caller, reserve=True)

    def go_on(
        self,
        step: str,
        redemption: Json | str,
        *,
        caller: CallerKind = TILL,
        key: str | None = "",
        body: object = None,
    ) -> Answer:
        """One step; it has a key of its own unless one is given, None sends none."""
        self.steps += 1
        id_ = redemption if isinstance(redemption, str) else redemption["redemption_id"]
        return self.deployed.ask(
            f"POST /redemptions/{{redemption_id}}/{step}",
            caller,
            path={"redemption_id": id_},
            body=body,
            key=f"step-{self.steps}" if key == "" else key,
        )

    def shown(self, redemption: Json, caller: CallerKind = TILL) -> Json:
        answer = self.deployed.ask(
            SHOW, caller, path={"redemption_id": redemption["redemption_id"]}
        )
        assert answer.status == 200, answer.body
        return answer.body

    def listed(self, caller: CallerKind = TILL, **query: str) -> Answer:
        return self.deployed.ask(LIST, caller, query={"member_id": self.member_id, **query})

    def holdings(self) -> tuple[int, int]:
        """Available and reserved."""
        balance = self.deployed.balance(self.member_id)
        return balance["available"], balance["reserved"]


@pytest.fixture
def counter(deployed: Deployed) -> Counter:
    return Counter(deployed)


@pytest.fixture
def asking(deploy: Deploy) -> Counter:
    """A counter where redemptions of more than 100 points wait for a second person."""
    return Counter(deploy(program(redemption={"approval_above_points": 100})))


# --- Reserving ------------------------------------------------------------------------------


def test_a_reservation_is_answered_in_exactly_the_published_shape(counter: Counter) -> None:
    body = counter.reserve()
    assert body.pop("redemption_id").startswith("rdm_")
    assert body == {
        "status": "reserved",
        "member_id": counter.member_id,
        "points": 200,
        "amount": "2.00",
        "currency": "USD",
        "expires_at": "2026-09-04T12:15:00Z",
        "balance": {"available": 300, "pending": 0, "reserved": 200, "debt": 0},
    }


def test_a_reservation_is_shown_with_what_it_is_now(counter: Counter) -> None:
    made = counter.reserve()
    assert counter.shown(made) == {
        "redemption_id": made["redemption_id"],
        "status": "reserved",
        "member_id": counter.member_id,
        "points": 200,
        "amount": "2.00",
        "currency": "USD",
        "kind": "cash",
        "ticket": None,
        "captured": 0,
        "captured_amount": "0.00",
        "reversed": 0,
        "expires_at": "2026-09-04T12:15:00Z",
        "approval_id": None,
        "reward_id": None,
        "coupon": None,
        "created_at": "2026-09-04T12:00:00Z",
        "entry": 4,
    }
    counter.go_on("capture", made, body={"points": 150})
    shown = counter.shown(made)
    assert (shown["status"], shown["captured"], shown["captured_amount"]) == (
        "completed",
        150,
        "1.50",
    )


def test_a_ninth_open_reservation_is_one_too_many(counter: Counter) -> None:
    for _ in range(MAX_OPEN_RESERVATIONS):
        counter.reserve(1)
    body = {"member_id": counter.member_id, "points": 1, "reserve": True}
    answer = counter.deployed.ask(REDEEM, TILL, body=body, key="one-more")
    assert answer.refusal == (422, "limit_exceeded")
    assert answer.body["maximum"] == MAX_OPEN_RESERVATIONS


def test_members_reserve_their_own_points(counter: Counter) -> None:
    assert counter.reserve(caller=counter.own)["status"] == "reserved"


# --- The steps ------------------------------------------------------------------------------


def test_a_capture_is_answered_in_exactly_the_published_shape(counter: Counter) -> None:
    made = counter.reserve()
    answer = counter.go_on("capture", made, body={"points": 150})
    assert (answer.status, answer.body) == (
        200,
        {
            "redemption_id": made["redemption_id"],
            "status": "completed",
            "member_id": counter.member_id,
            "points": 200,
            "amount": "2.00",
            "currency": "USD",
            "captured": 150,
            "captured_amount": "1.50",
            "reversed": 0,
            "balance": {"available": 350, "pending": 0, "reserved": 0, "debt": 0},
        },
    )


@pytest.mark.parametrize("body", [None, {}, {"points": 200}, {"points": None}])
def test_without_points_all_are_meant(body: object, counter: Counter) -> None:
    made = counter.reserve()
    assert counter.go_on("capture", made, body=body).body["captured"] == 200
    assert counter.go_on("reverse", made, body=body).body["reversed"] == 200
    assert counter.holdings() == (500, 0)


def test_a_cancelled_reservation_is_given_back(counter: Counter) -> None:
    made = counter.reserve()
    assert counter.holdings() == (300, 200)
    answer = counter.go_on("cancel", made)
    assert (answer.status, answer.body["status"]) == (200, "cancelled")
    assert counter.holdings() == (500, 0)


def test_a_reversal_gives_back_what_was_spent_at_once(counter: Counter) -> None:
    made = counter.redeem()
    assert counter.go_on("reverse", made, body={"points": 50}).body["status"] == "completed"
    assert counter.go_on("reverse", made).body["status"] == "reversed"
    assert counter.holdings() == (500, 0)
    assert counter.deployed.types(counter.member_id)[-2:] == ["reversal", "reversal"]


@EACH_STEP
def test_the_same_step_again_gets_the_first_answer(step: str, counter: Counter) -> None:
    made = counter.redeem() if step == "reverse" else counter.reserve()
    first = counter.go_on(step, made, key="once")
    counter.deployed.clock.move(days=1)
    again = counter.go_on(step, made, key="once")
    assert (again.status, again.body) == (200, first.body)
    assert again.headers["idempotency-replayed"] == "true"
    assert "idempotency-replayed" not in first.headers


@EACH_PART
def test_a_key_is_for_one_input(step: str, counter: Counter) -> None:
    made = counter.redeem() if step == "reverse" else counter.reserve()
    counter.go_on(step, made, key="once", body={"points": 10})
    answer = counter.go_on(step, made, key="once", body={"points": 11})
    assert answer.refusal == (422, "idempotency_key_reused")


@EACH_STEP
def test_without_a_key_nothing_happens(step: str, counter: Counter) -> None:
    made = counter.redeem() if step == "reverse" else counter.reserve()
    answer = counter.go_on(step, made, key=None)
    assert answer.refusal == (400, "idempotency_key_missing")


@EACH_STEP
def test_on_what_is_closed_the_reason_is_told(step: str, counter: Counter) -> None:
    made = counter.reserve()
    counter.go_on("cancel", made)
    answer = counter.go_on(step, made)
    assert answer.refusal == (422, "reservation_not_open")
    assert answer.body["reservation_status"] == "cancelled"


def test_what_was_reversed_in_full_is_not_reversed_again(counter: Counter) -> None:
    made = counter.redeem()
    counter.go_on("reverse", made)
    assert counter.go_on("reverse", made).refusal == (422, "already_reversed")


@pytest.mark.parametrize(("step", "limit"), [("capture", "reserved"), ("reverse", "captured")])
def test_no_more_than_there_is(step: str, limit: str, counter: Counter) -> None:
    made = counter.redeem() if step == "reverse" else counter.reserve()
    before = counter.deployed.stored()
    answer = counter.go_on(step, made, body={"points": 201})
    assert answer.refusal == (422, "limit_exceeded")
    assert (answer.body["limit"], answer.body["maximum"]) == (f"{limit}_points", 200)
    assert counter.deployed.stored() == before


@EACH_STEP
@pytest.mark.parametrize("id_", ["rdm_unheardof", "a#b", "x" * 2_000, "a\u0000"])
def test_no_id_finds_a_redemption_that_it_is_not(step: str, id_: str, counter: Counter) -> None:
    assert counter.go_on(step, id_).refusal == (404, "not_found")


@EACH_PART
@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"points": 0}, "points"),
        ({"points": -1}, "points"),
        ({"points": 1.5}, "points"),
        ({"points": "1"}, "points"),
        ({"points": True}, "points"),
        ({"points": 1, "amount": "1.00"}, "amount"),
        ([], "body"),
        ("{", "body"),
    ],
)
def test_a_body_that_is_none_is_refused(
    step: str, body: object, field: str, cut_off: Deployed
) -> None:
    route = f"POST /redemptions/{{redemption_id}}/{step}"
    answer = cut_off.ask(route, TILL, path={"redemption_id": "rdm_1"}, body=body, key="k")
    assert answer.fields == [field]


def test_a_cancel_says_nothing_more(cut_off: Deployed) -> None:
    route, path = "POST /redemptions/{redemption_id}/cancel", {"redemption_id": "rdm_1"}
    answer = cut_off.ask(route, TILL, path=path, body={"points": 1}, key="k")
    assert answer.fields == ["points"]


# --- Whose it is ----------------------------------------------------------------------------


def test_members_cancel_their_own_and_capture_nothing(counter: Counter) -> None:
    made = counter.reserve()
    for step in ("capture", "reverse"):
        assert counter.go_on(step, made, caller=counter.own).refusal == (403, "forbidden")
    assert counter.go_on("cancel", made, caller=counter.own).status == 200


@pytest.mark.parametrize("caller", [OTHER_MEMBER, STRANGER], ids=["other member", "stranger"])
def test_to_others_it_does_not_exist(caller: CallerKind, counter: Counter) -> None:
    made = counter.reserve()
    assert counter.go_on("cancel", made, caller=caller).refusal == (404, "not_found")
    path = {"redemption_id": made["redemption_id"]}
    assert counter.deployed.ask(SHOW, caller, path=path).refusal == (404, "not_found")
    assert counter.listed(caller).refusal == (403, "forbidden")


# --- Time-out -------------------------------------------------------------------------------


@pytest.mark.parametrize("function", ["hold_release", "expiry"])
def test_either_schedule_releases_what_has_timed_out(function: str, counter: Counter) -> None:
    made = counter.reserve()
    counter.deployed.clock.move(minutes=15)
    counts = counter.deployed.invoke(function, {})
    assert (counts["due"], counts["posted"], counts["failed"]) == (1, 1, 0)
    assert counter.holdings() == (500, 0)
    assert counter.deployed.types(counter.member_id)[-1] == "release"
    assert counter.shown(made)["status"] == "timed_out"
    for other in ("hold_release", "expiry"):
        assert counter.deployed.invoke(other, {})["posted"] == 0


def test_a_moment_earlier_nothing_is_released(counter: Counter) -> None:
    counter.reserve()
    counter.deployed.clock.move(minutes=14, seconds=59)
    assert counter.deployed.invoke("hold_release", {})["posted"] == 0
    assert counter.holdings() == (300, 200)


def test_what_has_timed_out_is_free_before_any_schedule_has_run(counter: Counter) -> None:
    made = counter.reserve()
    counter.deployed.clock.move(minutes=15)
    assert counter.holdings() == (500, 0)
    assert counter.shown(made)["status"] == "timed_out"
    answer = counter.go_on("capture", made)
    assert answer.refusal == (422, "reservation_not_open")
    assert counter.redeem(500)["balance"]["available"] == 0


# --- Approvals ------------------------------------------------------------------------------


def test_what_waits_for_a_second_person_says_so(asking: Counter) -> None:
    body = asking.redeem(200)
    assert (body["status"], body["expires_at"]) == ("awaiting_approval", "2026-10-04T12:00:00Z")
    assert body["approval_id"].startswith("apr_")
    assert asking.shown(body)["approval_id"] == body["approval_id"]
    assert asking.holdings() == (300, 200)
    assert asking.go_on("capture", body).refusal == (422, "reservation_not_open")


def test_what_waits_can_be_cancelled_and_is_in_no_list_any_more(asking: Counter) -> None:
    body = asking.redeem(200)
    before = [name for name in asking.deployed.stored() if name.startswith("LIST#approvals")]
    assert asking.go_on("cancel", body, caller=asking.own).status == 200
    after = [name for name in asking.deployed.stored() if name.startswith("LIST#approvals")]
    assert (len(before), after) == (1, [])
    assert asking.holdings() == (500, 0)


def test_members_requests_wait_where_the_program_wants_it(deploy: Deploy) -> None:
    rules = {"member_requests_need_approval": True}
    counter = Counter(deploy(program(redemption=rules)))
    assert counter.redeem(1, caller=counter.own)["status"] == "awaiting_approval"
    assert counter.redeem(1, caller=TILL)["status"] == "completed"
    assert counter.redeem(1, caller=STAFF)["status"] == "completed"


# --- A member's list ------------------------------------------------------------------------


def test_the_newest_comes_first_page_by_page(counter: Counter) -> None:
    made = [counter.redeem(n)["redemption_id"] for n in (1, 2, 3)]
    first = counter.listed(limit="2")
    assert [each["redemption_id"] for each in first.body["redemptions"]] == [made[2], made[1]]
    rest = counter.listed(limit="2", cursor=first.body["cursor"])
    assert [each["redemption_id"] for each in rest.body["redemptions"]] == [made[0]]
    assert rest.body["cursor"] is None
    assert counter.shown({"redemption_id": made[0]}) == rest.body["redemptions"][0]


@pytest.mark.parametrize("who", ["me", "id"])
def test_members_list_their_own(who: str, counter: Counter) -> None:
    made = counter.redeem(1)
    member_id = "me" if who == "me" else counter.member_id
    answer = counter.deployed.ask(LIST, counter.own, query={"member_id": member_id})
    assert [each["redemption_id"] for each in answer.body["redemptions"]] == [made["redemption_id"]]


@pytest.mark.parametrize("cursor", ["x", "e30=", "cmVkZW1wdGlvbjox", "\u00e9"])
def test_a_cursor_that_is_none_is_refused(cursor: str, counter: Counter) -> None:
    assert counter.listed(cursor=cursor).fields == ["cursor"]


def test_a_cursor_is_of_one_members_list(counter: Counter) -> None:
    for points in (1, 2):
        counter.redeem(points)
    cursor = counter.listed(limit="1").body["cursor"]
    other = counter.deployed.enrol("C-2")
    query = {"member_id": other, "cursor": cursor}
    assert counter.deployed.ask(LIST, TILL, query=query).fields == ["cursor"]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({}, "member_id"),
        ({"member_id": ""}, "member_id"),
        ({"member_id": "m", "limit": "0"}, "limit"),
        ({"member_id": "m", "limit": "101"}, "limit"),
        ({"member_id": "m", "status": "reserved"}, "status"),
    ],
)
def test_a_query_that_is_none_is_refused(
    query: dict[str, str], field: str, cut_off: Deployed
) -> None:
    assert cut_off.ask(LIST, TILL, query=query).fields == [field]


def test_the_list_of_nobody_is_not_found(deployed: Deployed) -> None:
    answer = deployed.ask(LIST, TILL, query={"member_id": "mbr_unheardof"})
    assert answer.refusal == (404, "not_found")
