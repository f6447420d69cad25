"""Rewards and coupons over HTTP: the catalogue, what points buy of it, and coupons at the till."""

from typing import Any

import pytest

from points_ledger.domain.coupon import ALPHABET
from tests.functions import gateway
from tests.functions.deployed import Answer, Deploy, Deployed, program
from tests.functions.gateway import ADMIN, OTHER_MEMBER, STAFF, TILL, CallerKind

Json = dict[str, Any]

LIST = "GET /rewards"
CREATE = "POST /rewards"
CHANGE = "PATCH /rewards/{reward_id}"
REDEEM = "POST /redemptions"
COUPON = "GET /coupons/{code}"
COUPONS = "GET /members/{member_id}/coupons"
USE = "POST /coupons/{code}/use"
CANCEL = "POST /coupons/{code}/cancel"


class Shop:
    """A member with 500 points, and an admin who keeps the catalogue."""

    def __init__(self, deployed: Deployed) -> None:
        self.deployed = deployed
        self.member_id = deployed.enrol("C-1")
        self.owner = gateway.member(self.member_id)
        self.calls = 0
        deployed.give("C-1", 500)

    def key(self) -> str:
        self.calls += 1
        return f"call-{self.calls}"

    def create(self, *, key: str | None = None, **fields: Any) -> Answer:  # noqa: ANN401 - JSON
        body = {"name": "Mug", "kind": "item", "points": 100, **fields}
        return self.deployed.ask(CREATE, ADMIN, body=body, key=key or self.key())

    def reward(self, **fields: Any) -> str:  # noqa: ANN401 - JSON
        answer = self.create(**fields)
        assert answer.status == 201, answer.body
        return str(answer.body["reward_id"])

    def change(self, reward_id: str, **changes: object) -> Answer:
        return self.deployed.ask(CHANGE, ADMIN, path={"reward_id": reward_id}, body=changes)

    def rewards(self, caller: CallerKind = STAFF, **query: str) -> list[Json]:
        answer = self.deployed.ask(LIST, caller, query=query)
        assert answer.status == 200, answer.body
        return list(answer.body["rewards"])

    def redeem(self, *, key: str | None = None, **body: Any) -> Answer:  # noqa: ANN401 - JSON
        sent = {"member_id": self.member_id, **body}
        return self.deployed.ask(REDEEM, TILL, body=sent, key=key or self.key())

    def coupon(self, **body: Any) -> str:  # noqa: ANN401 - JSON
        answer = self.redeem(**{"kind": "coupon", "points": 100, **body})
        assert answer.status == 201, answer.body
        return str(answer.body["coupon"]["code"])

    def show(self, code: str, caller: CallerKind = TILL) -> Answer:
        return self.deployed.ask(COUPON, caller, path={"code": code})

    def coupons(self, caller: CallerKind) -> list[Json]:
        answer = self.deployed.ask(COUPONS, caller, path={"member_id": self.member_id})
        assert answer.status == 200, answer.body
        return list(answer.body["coupons"])

    def close(self, route: str, code: str, *, key: str | None = None, **body: object) -> Answer:
        path = {"code": code}
        return self.deployed.ask(route, TILL, path=path, body=body, key=key or self.key())

    def available(self) -> int:
        return int(self.deployed.balance(self.member_id)["available"])


@pytest.fixture
def shop(deploy: Deploy) -> Shop:
    return Shop(deploy(program()))


# --- The catalogue --------------------------------------------------------------------------


def test_a_reward_is_shown_in_its_shape(shop: Shop) -> None:
    created = shop.create(
        description="Blue",
        amount="12.5",
        amount_due="3.00",
        stock=7,
        tiers=["gold"],
        valid_from="2026-09-01T00:00:00Z",
        valid_until="2027-01-01T00:00:00-06:00",
    )
    assert created.status == 201
    expected = {
        "reward_id": created.body["reward_id"],
        "name": "Mug",
        "description": "Blue",
        "kind": "item",
        "points": 100,
        "amount": "12.50",
        "amount_due": "3.00",
        "currency": "USD",
        "stock": 7,
        "tiers": ["gold"],
        "valid_from": "2026-09-01T00:00:00Z",
        "valid_until": "2027-01-01T06:00:00Z",
        "active": True,
        "created_at": "2026-09-04T12:00:00Z",
    }
    assert created.body == expected
    assert shop.rewards() == [expected]


def test_the_same_request_makes_one_reward(shop: Shop) -> None:
    first, again = (shop.create(key="k") for _ in range(2))
    assert (again.status, again.body) == (201, first.body)
    assert again.headers["idempotency-replayed"] == "true"
    assert shop.create(key="k", points=1).refusal == (422, "idempotency_key_reused")
    assert len(shop.rewards()) == 1


def test_members_and_tills_see_what_is_offered(shop: Shop) -> None:
    offered, hidden = shop.reward(), shop.reward(active=False)
    for caller, ids in (
        (shop.owner, [offered]),
        (TILL, [offered]),
        (STAFF, [offered, hidden]),
        (ADMIN, [offered, hidden]),
    ):
        assert {each["reward_id"] for each in shop.rewards(caller)} == set(ids)


def test_what_is_named_is_changed(shop: Shop) -> None:
    id_ = shop.reward(stock=3, description="Blue")
    answer = shop.change(id_, points=150, description=None, stock=10, active=False)
    assert answer.status == 200
    assert (answer.body["points"], answer.body["description"]) == (150, None)
    assert (answer.body["stock"], answer.body["active"], answer.body["name"]) == (10, False, "Mug")
    assert shop.change(id_, stock=None).body["stock"] is None
    assert shop.change("rwd_none", points=1).refusal == (404, "not_found")


@pytest.mark.parametrize(
    ("changes", "fields"),
    [
        ({"name": ""}, ["name"]),
        ({"kind": "voucher"}, ["kind"]),
        ({"kind": "coupon"}, ["amount"]),
        ({"points": 0}, ["points"]),
        ({"points": 1_000_000_001}, ["points"]),
        ({"points": "100"}, ["points"]),
        ({"amount": 5}, ["amount"]),
        ({"amount": "0.00"}, ["amount"]),
        ({"amount": "1.001"}, ["amount"]),
        ({"amount_due": "-1.00"}, ["amount_due"]),
        ({"stock": -1}, ["stock"]),
        ({"stock": 1.5}, ["stock"]),
        ({"tiers": ["tin"]}, ["tiers.0"]),
        ({"tiers": "gold"}, ["tiers"]),
        ({"valid_from": "2026-09-01"}, ["valid_from"]),
        (
            {"valid_from": "2026-09-02T00:00:00Z", "valid_until": "2026-09-01T00:00:00Z"},
            ["valid_until"],
        ),
        ({"active": "yes"}, ["active"]),
        ({"grants": {"tier": "tin", "months": 12}}, ["grants.tier"]),
        ({"grants": {"tier": "gold", "months": 0}}, ["grants.months"]),
        ({"grants": {"tier": "gold"}}, ["grants.months"]),
        ({"grants": {"tier": "gold", "months": 1, "days": 1}}, ["grants.days"]),
    ],
)
def test_what_is_no_reward_is_refused(changes: Json, fields: list[str], shop: Shop) -> None:
    known = shop.reward()
    before = shop.deployed.stored()
    assert shop.create(**changes).fields == fields
    assert shop.change(known, **changes).fields == fields
    assert shop.deployed.stored() == before


@pytest.mark.parametrize("name", ["name", "kind", "points", "tiers", "active"])
def test_what_a_reward_has_to_have_cannot_be_taken_away(name: str, shop: Shop) -> None:
    assert shop.change(shop.reward(), **{name: None}).fields == [name]


def test_a_change_names_something(shop: Shop) -> None:
    assert shop.change(shop.reward()).fields == ["body"]


def test_pages_go_on_with_their_cursor_alone(shop: Shop) -> None:
    ids = []
    for _ in range(3):
        shop.deployed.clock.move(seconds=1)
        ids.append(shop.reward(stock=1))
    first = shop.deployed.ask(LIST, query={"limit": "2"}).body
    second = shop.deployed.ask(LIST, query={"limit": "2", "cursor": first["cursor"]}).body
    shown = [each["reward_id"] for each in (*first["rewards"], *second["rewards"])]
    assert (shown, second["cursor"]) == (ids, None)
    assert shop.deployed.ask(LIST, query={"cursor": "x"}).fields == ["cursor"]


# --- Claims ---------------------------------------------------------------------------------


def test_a_claim_spends_points_and_draws_one(shop: Shop) -> None:
    id_ = shop.reward(stock=1, amount_due="4.50")
    answer = shop.redeem(kind="reward", reward_id=id_)
    assert answer.status == 201
    assert (answer.body["points"], answer.body["amount_due"]) == (100, "4.50")
    assert (answer.body["reward_id"], answer.body["status"]) == (id_, "completed")
    assert (shop.available(), shop.rewards()[0]["stock"]) == (400, 0)
    refused = shop.redeem(kind="reward", reward_id=id_)
    assert (refused.refusal, refused.body["reward_id"]) == ((422, "out_of_stock"), id_)
    shown = shop.deployed.ask(
        "GET /redemptions/{redemption_id}", path={"redemption_id": answer.body["redemption_id"]}
    ).body
    assert (shown["kind"], shown["reward_id"], shown["coupon"]) == ("reward", id_, None)


def test_reversed_it_is_in_stock_again(shop: Shop) -> None:
    id_ = shop.reward(stock=1)
    made = shop.redeem(kind="reward", reward_id=id_).body
    path = {"redemption_id": made["redemption_id"]}
    answer = shop.deployed.ask(
        "POST /redemptions/{redemption_id}/reverse", TILL, path=path, key="reverse"
    )
    assert answer.status == 200, answer.body
    assert (shop.available(), shop.rewards()[0]["stock"]) == (500, 1)


def test_a_gate_refuses_with_its_reason(shop: Shop) -> None:
    answer = shop.redeem(kind="reward", reward_id=shop.reward(tiers=["silver"]))
    assert (answer.refusal, answer.body["reason"]) == ((422, "reward_not_available"), "tier")


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({"kind": "reward"}, ["body"]),
        ({"kind": "reward", "points": 5}, ["body"]),
        ({"kind": "reward", "reward_id": "rwd_1", "amount": "1.00"}, ["body"]),
        ({"kind": "reward", "reward_id": "rwd_1", "reserve": True}, ["body"]),
        ({"kind": "coupon", "points": 5, "reserve": True}, ["body"]),
        ({"kind": "coupon"}, ["body"]),
        ({"kind": "ticket", "points": 5, "reward_id": "rwd_1"}, ["body"]),
        ({"kind": "reward", "reward_id": ""}, ["reward_id"]),
    ],
)
def test_what_is_no_claim_is_refused(body: Json, fields: list[str], shop: Shop) -> None:
    assert shop.redeem(**body).fields == fields


def test_an_unknown_reward_is_not_found(shop: Shop) -> None:
    assert shop.redeem(kind="reward", reward_id="rwd_1").refusal == (404, "not_found")


# --- Coupons --------------------------------------------------------------------------------


def test_a_coupon_is_made_and_shown_in_its_shape(shop: Shop) -> None:
    made = shop.redeem(kind="coupon", points=250)
    code = made.body["coupon"]["code"]
    assert made.body["coupon"] == {
        "code": code,
        "amount": "2.50",
        "currency": "USD",
        "last_day": "2026-12-03",
        "status": "active",
    }
    for caller in (TILL, STAFF, shop.owner):
        assert shop.show(code, caller).body == {
            "code": code,
            "status": "active",
            "member_id": shop.member_id,
            "redemption_id": made.body["redemption_id"],
            "reward_id": None,
            "points": 250,
            "amount": "2.50",
            "currency": "USD",
            "last_day": "2026-12-03",
            "created_at": "2026-09-04T12:00:00Z",
            "used_at": None,
            "used_on": None,
        }
    assert shop.show(code, OTHER_MEMBER).refusal == (404, "not_found")


def test_a_member_sees_the_own_coupons_newest_first(shop: Shop) -> None:
    used, cancelled = shop.coupon(), shop.coupon()
    shop.redeem(kind="cash", points=10)
    kept = shop.coupon(points=120)
    shop.close(USE, used)
    shop.close(CANCEL, cancelled)
    listed = shop.coupons(shop.owner)
    assert [(each["code"], each["status"]) for each in listed] == [
        (kept, "active"),
        (cancelled, "cancelled"),
        (used, "used"),
    ]
    assert listed == [shop.show(each["code"]).body for each in listed]
    shop.deployed.clock.move(days=91)
    assert shop.coupons(STAFF)[0]["status"] == "expired"


def test_coupons_go_on_by_cursor(shop: Shop) -> None:
    codes = [shop.coupon() for _ in range(3)]
    seen: list[str] = []
    query = {"limit": "2"}
    for _ in range(4):
        page = shop.deployed.ask(
            COUPONS, shop.owner, path={"member_id": shop.member_id}, query=query
        ).body
        seen += [each["code"] for each in page["coupons"]]
        if page["cursor"] is None:
            break
        query["cursor"] = page["cursor"]
    assert seen == codes[::-1]


@pytest.mark.parametrize("caller", [OTHER_MEMBER, TILL])
def test_coupons_are_listed_for_their_owner_and_staff_only(shop: Shop, caller: CallerKind) -> None:
    answer = shop.deployed.ask(COUPONS, caller, path={"member_id": shop.member_id})
    assert answer.refusal == (403, "forbidden")


def test_no_log_line_and_no_event_has_the_code(shop: Shop) -> None:
    made = shop.redeem(kind="coupon", points=100)
    code = str(made.body["coupon"]["code"])
    texts = [made.printed.text, str(shop.deployed.entries(shop.member_id))]
    texts += [answer.printed.text for answer in (shop.show(code), shop.close(USE, code))]
    assert [text for text in texts if code[:9] in text] == []


def test_a_code_may_be_typed_in_other_ways(shop: Shop) -> None:
    code = shop.coupon()
    typed = [code.lower(), code.replace("-", ""), code.replace("-", " "), f" {code} "]
    typed += [code.replace("0", "O").replace("1", "l")]
    for text in typed:
        assert shop.show(text).body["code"] == code


def test_a_mistyped_code_is_not_found(shop: Shop) -> None:
    code = shop.coupon()
    wrong = ALPHABET[(ALPHABET.index(code[0]) + 1) % 32] + code[1:]
    for text in (wrong, code[:-1], f"{code}0", "a#b", "x" * 500, "\u0661" * 17, "ä"):
        assert shop.show(text).refusal == (404, "not_found")


def test_a_coupon_is_used_once(shop: Shop) -> None:
    code = shop.coupon()
    first = shop.close(USE, code, key="k", used_on="T-7")
    assert (first.status, first.body["status"], first.body["used_on"]) == (200, "used", "T-7")
    again = shop.close(USE, code, key="k", used_on="T-7")
    assert (again.body, again.headers["idempotency-replayed"]) == (first.body, "true")
    other = shop.close(USE, code)
    assert (other.refusal, other.body["coupon_status"]) == ((422, "coupon_not_usable"), "used")
    assert shop.close(CANCEL, code).refusal == (422, "coupon_not_usable")
    assert shop.available() == 400


def test_a_cancelled_coupon_returns_its_points(shop: Shop) -> None:
    code = shop.coupon()
    answer = shop.close(CANCEL, code)
    assert (answer.status, answer.body["status"]) == (200, "cancelled")
    assert answer.body["balance"]["available"] == 500
    assert shop.close(USE, code).body["coupon_status"] == "cancelled"
    assert shop.available() == 500


def test_a_coupon_expires_after_its_last_day(shop: Shop) -> None:
    code = shop.coupon()
    shop.deployed.clock.move(days=91)
    assert shop.show(code).body["status"] == "expired"
    assert shop.close(USE, code).body["coupon_status"] == "expired"


def test_coupons_begin_at_their_minimum(deploy: Deploy) -> None:
    shop = Shop(deploy(program(coupons={"minimum_points": 200, "valid_days": 90})))
    answer = shop.redeem(kind="coupon", points=199)
    assert answer.refusal == (422, "below_minimum")
    assert (answer.body["minimum_points"], answer.body["points"]) == (200, 199)
    assert (answer.body["minimum_amount"], answer.body["amount"]) == ("2.00", "1.99")


def test_a_reward_may_be_a_coupon(shop: Shop) -> None:
    id_ = shop.reward(kind="coupon", amount="7.00", stock=1)
    made = shop.redeem(kind="reward", reward_id=id_).body
    assert made["coupon"]["amount"] == "7.00"
    assert shop.close(CANCEL, made["coupon"]["code"]).status == 200
    assert shop.rewards()[0]["stock"] == 1


def test_a_coupon_needs_a_key_and_no_other_fields(shop: Shop) -> None:
    code = shop.coupon()
    path = {"code": code}
    for route in (USE, CANCEL):
        answer = shop.deployed.ask(route, TILL, path=path, body={})
        assert answer.refusal == (400, "idempotency_key_missing")
        assert shop.close(route, code, ticket="T-7").fields == ["ticket"]
    assert shop.close(USE, code, used_on="").fields == ["used_on"]
