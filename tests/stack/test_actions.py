"""Actions and referrals, through the public endpoints of the running stack."""

from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest

from tests.stack.client import StackClient, days_ago, in_parallel, now, problem, unique
from tests.stack.office import made
from tests.stack.standard import Purchase, message, written

pytestmark = pytest.mark.stack

Json = dict[str, Any]

PARALLEL = 8
SIGNUP, REFERRAL = 100, 50
HOLD = timedelta(hours=24)


def act(
    ledger: StackClient,
    member_id: str,
    action: str = "signup",
    *,
    action_id: str | None = None,
    key: str | None = None,
    token: str | None = None,
    **more: object,
) -> httpx.Response:
    body = {
        "member_id": member_id,
        "action": action,
        "action_id": action_id or unique("action"),
        **more,
    }
    return ledger.post("/actions", body, token=token or ledger.till_token, key=key or unique("key"))


def friend_of(ledger: StackClient, member_id: str) -> tuple[str, str]:
    """Somebody whom the member has brought; the id and the customer's id."""
    customer_id = unique("customer")
    ids = [{"source": "pos", "id": customer_id}]
    return ledger.enrol("Friend", external_ids=ids, referred_by=member_id), customer_id


def bought(customer_id: str, posted_at: datetime, amount: str = "50.00") -> Purchase:
    return Purchase(customer_id=customer_id, amount=amount, posted_at=posted_at)


# ---- POST /actions


def test_a_signup_is_pending_until_its_hold_has_passed(ledger: StackClient) -> None:
    member_id = ledger.enrol("Somebody")

    done = made(act(ledger, member_id))

    assert (done["points"], done["status"], done["waiting_for"]) == (SIGNUP, "pending", ["hold"])
    assert done["balance"]["pending"] == SIGNUP
    [pending] = ledger.pending(member_id)
    assert (pending["earning_id"], pending["points"]) == (done["earning_id"], SIGNUP)

    ledger.sweep("hold_release", now() + HOLD + timedelta(minutes=1))
    assert ledger.amounts(member_id) == (0, SIGNUP, 0)


def test_an_action_of_some_days_ago_is_available_at_once(ledger: StackClient) -> None:
    member_id = ledger.enrol("Somebody")
    done = made(act(ledger, member_id, occurred_at=written(days_ago(3))))
    assert (done["status"], done["balance"]["available"]) == ("available", SIGNUP)
    assert ledger.amounts(member_id) == (0, SIGNUP, 0)


def test_a_repeat_under_any_key_earns_once(ledger: StackClient) -> None:
    member_id, action_id, key = ledger.enrol("Somebody"), unique("action"), unique("key")

    first = act(ledger, member_id, action_id=action_id, key=key)
    again = act(ledger, member_id, action_id=action_id, key=key)
    other = act(ledger, member_id, action_id=action_id)
    reused = act(ledger, member_id, "review", action_id=action_id, key=key)

    assert [first.status_code, again.status_code, other.status_code] == [201, 201, 200]
    assert first.json() == again.json() == other.json()
    assert again.headers["idempotency-replayed"] == "true"
    assert problem(reused) == (422, "idempotency_key_reused")
    assert ledger.amounts(member_id) == (SIGNUP, 0, 0)


def test_a_limit_holds_for_parallel_requests(ledger: StackClient) -> None:
    member_id, token = ledger.enrol("Somebody"), ledger.till_token

    answers = in_parallel([lambda: act(ledger, member_id, token=token)] * PARALLEL)

    assert {answer.status_code for answer in answers} == {201}
    assert sorted(answer.json()["points"] for answer in answers) == [
        *[0] * (PARALLEL - 1),
        SIGNUP,
    ]
    assert ledger.amounts(member_id) == (SIGNUP, 0, 0)
    assert ledger.entry_types(member_id) == ["enrolment", "accrual"]


def test_the_same_action_in_parallel_is_one_earning(ledger: StackClient) -> None:
    member_id, token, action_id = ledger.enrol("Somebody"), ledger.till_token, unique("action")

    answers = in_parallel(
        [lambda: act(ledger, member_id, action_id=action_id, token=token)] * PARALLEL
    )

    assert sorted(answer.status_code for answer in answers) == [*[200] * (PARALLEL - 1), 201]
    assert ledger.amounts(member_id) == (SIGNUP, 0, 0)


def test_an_action_that_no_rule_names_earns_nothing(ledger: StackClient) -> None:
    member_id = ledger.enrol("Somebody")
    done = made(act(ledger, member_id, "review"))
    assert (done["points"], done["status"]) == (0, "none")
    assert ledger.entry_types(member_id) == ["enrolment"]


def test_what_is_wrong_is_refused_and_writes_nothing(ledger: StackClient) -> None:
    member_id = ledger.enrol("Somebody")
    assert problem(act(ledger, member_id, "challenge:five")) == (400, "invalid_request")
    late = written(now() + timedelta(hours=25))
    assert problem(act(ledger, member_id, occurred_at=late)) == (400, "invalid_request")
    assert problem(act(ledger, unique("mbr"))) == (404, "not_found")
    assert ledger.amounts(member_id) == (0, 0, 0)


def test_a_member_does_not_report_actions(ledger: StackClient) -> None:
    member_id = ledger.enrol("Somebody")
    token = ledger.sign_up(member_id)
    assert problem(act(ledger, member_id, token=token)) == (403, "forbidden")


def test_an_action_by_webhook_is_recorded(ledger: StackClient) -> None:
    member_id, customer_id = ledger.customer()
    data = {
        "source": "pos",
        "customer": {"id": customer_id},
        "action": "signup",
        "action_id": unique("action"),
        "at": written(days_ago(3)),
    }
    ledger.settle(message("action.performed", data), message("action.performed", data))
    assert ledger.amounts(member_id) == (0, SIGNUP, 0)


# ---- Referrals


def test_a_referral_is_pending_with_the_friend_s_enrolment(ledger: StackClient) -> None:
    member_id = ledger.enrol("Somebody")

    friend, _ = friend_of(ledger, member_id)

    assert ledger.amounts(member_id) == (REFERRAL, 0, 0)
    [pending] = ledger.pending(member_id)
    assert "referral" in pending["waiting_for"]
    assert pending["matures_at"] is None
    details = ledger.get(f"/members/{friend}", token=ledger.staff_token).json()
    assert details["referred_by"] == member_id


def test_the_friend_s_first_firm_purchase_releases_it(ledger: StackClient) -> None:
    member_id = ledger.enrol("Somebody")
    friend, customer_id = friend_of(ledger, member_id)
    posted_at = now()
    purchase = bought(customer_id, posted_at)

    ledger.settle(purchase.posted(), purchase.paid("1", "50.00", at=posted_at))
    ledger.sweep("hold_release", posted_at + HOLD - timedelta(minutes=30))
    assert ledger.amounts(member_id) == (REFERRAL, 0, 0)

    released_at = posted_at + HOLD + timedelta(minutes=30)
    ledger.sweep("hold_release", released_at)
    ledger.sweep("hold_release", released_at)
    assert ledger.amounts(member_id) == (0, REFERRAL, 0)
    assert ledger.amounts(friend) == (0, 3, 0)
    assert ledger.entry_types(member_id) == ["enrolment", "accrual", "maturation"]


def test_a_purchase_that_earns_nothing_releases_and_a_return_takes_nothing_back(
    ledger: StackClient,
) -> None:
    member_id = ledger.enrol("Somebody")
    friend, customer_id = friend_of(ledger, member_id)
    purchase = bought(customer_id, days_ago(3), amount="1.00")

    ledger.settle(purchase.paid("1", "1.00", at=days_ago(2)), purchase.posted())
    ledger.sweep("hold_release", now() + HOLD + timedelta(minutes=30))
    assert ledger.amounts(member_id) == (0, REFERRAL, 0)

    ledger.settle(purchase.refunded("1", "1.00", at=now()), purchase.voided(at=now()))
    assert ledger.amounts(member_id) == (0, REFERRAL, 0)
    assert ledger.amounts(friend) == (0, 0, 0)


def test_a_purchase_that_is_returned_in_its_hold_releases_nothing(ledger: StackClient) -> None:
    member_id = ledger.enrol("Somebody")
    _, customer_id = friend_of(ledger, member_id)
    posted_at = now()
    purchase = bought(customer_id, posted_at)

    ledger.settle(
        purchase.refunded("1", "50.00", at=posted_at),
        purchase.posted(),
        purchase.paid("1", "50.00", at=posted_at),
    )
    ledger.sweep("hold_release", posted_at + HOLD + timedelta(minutes=30))

    assert ledger.amounts(member_id) == (REFERRAL, 0, 0)


def test_a_referrer_is_somebody_else_and_stays(ledger: StackClient) -> None:
    member_id = ledger.enrol("Somebody")
    friend, _ = friend_of(ledger, member_id)

    unknown = ledger.post(
        "/members",
        {"name": "Friend", "referred_by": unique("mbr")},
        token=ledger.staff_token,
        key=unique("key"),
    )
    assert problem(unknown) == (400, "invalid_request")
    assert [error["field"] for error in unknown.json()["errors"]] == ["referred_by"]

    for changed, referrer in ((member_id, member_id), (member_id, friend), (friend, friend)):
        answer = ledger.http.patch(
            f"/members/{changed}",
            json={"referred_by": referrer},
            headers={
                "Authorization": f"Bearer {ledger.staff_token}",
                "Idempotency-Key": unique("key"),
            },
        )
        assert problem(answer) == (400, "invalid_request")
    assert ledger.amounts(member_id) == (REFERRAL, 0, 0)


def test_a_referral_of_oneself_after_a_merge_earns_nothing(ledger: StackClient) -> None:
    member_id = ledger.enrol("Somebody")
    friend, customer_id = friend_of(ledger, member_id)

    made(
        ledger.post(
            f"/members/{member_id}/merge",
            {"into": friend},
            token=ledger.staff_token,
            key=unique("key"),
        ),
        200,
    )
    purchase = bought(customer_id, days_ago(3))
    ledger.settle(purchase.posted(), purchase.paid("1", "50.00", at=days_ago(2)))
    ledger.sweep("hold_release", now() + HOLD + timedelta(minutes=30))

    assert ledger.amounts(friend) == (0, 3, 0)


# ---- The schedule of birthdays


def test_the_schedule_of_birthdays_runs_and_runs_again(ledger: StackClient) -> None:
    # The program of this stack has no rule for birthdays: a visit only arms the next one.
    born = (now() + timedelta(days=10)).date().replace(year=1992)
    member_id = ledger.enrol("Somebody", birthday=born.isoformat())
    at = now() + timedelta(days=12)
    assert ledger.sweep("anniversary", at)["visited"] >= 1
    assert ledger.sweep("anniversary", at)["failed"] == 0
    assert ledger.entry_types(member_id) == ["enrolment"]
