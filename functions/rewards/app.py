"""The catalogue of rewards, and coupons at the till.

Trigger: HTTP API with JWT. Contract: docs/api.md, contracts/rewards.py. Failures are answered as
problems; a lost answer is safe to ask for again with the same Idempotency-Key.
"""

from typing import Literal

from points_ledger.contracts.cursors import opened, opened_number, sealed, sealed_number
from points_ledger.contracts.requests import read
from points_ledger.contracts.rewards import (
    CancelCouponBody,
    CouponsQuery,
    RewardBody,
    RewardsQuery,
    UseCouponBody,
    read_changes,
    reward_document,
)
from points_ledger.domain.coupon import clean_code
from points_ledger.domain.error import NotFoundError
from points_ledger.domain.identity import CouponCode, RewardId
from points_ledger.runtime import services
from points_ledger.runtime.commands import answered, asked, request_key
from points_ledger.runtime.http import Api, Request, Response
from points_ledger.runtime.settings import LedgerSettings
from points_ledger.service.couponing import CloseCoupon, coupon_answer
from points_ledger.service.rewarding import ChangeReward, CreateReward

api = Api(LedgerSettings)
handler = api.handle


@api.route("GET /rewards")
def rewards(request: Request) -> Response:
    """The catalogue; staff see what is not offered, too."""
    caller = request.caller()
    query = read(RewardsQuery, request.query)
    place = opened("rewards", "", query.cursor)
    page, following = services.rewarding().rewards(
        everything=caller.is_staff, limit=query.limit, cursor=place
    )
    shown = [reward_document(each) for each in page]
    return Response(body={"rewards": shown, "cursor": sealed("rewards", "", following)})


@api.route("POST /rewards")
def create(request: Request) -> Response:
    """Add a reward."""
    caller = request.caller().require_admin()
    body = read(RewardBody, request.json())
    command = CreateReward(
        request=request_key(request, caller),
        fingerprint=request.fingerprint(),
        draft=body.draft,
    )
    done = services.rewarding().create(command)
    shown = reward_document(services.rewarding().reward(done.reward_id))
    return answered(done, "created", {"reward_id": done.reward_id}, body=shown, status=201)


@api.route("PATCH /rewards/{reward_id}")
def change(request: Request) -> Response:
    """Change what is named; `stock` sets how many are left."""
    request.caller().require_admin()
    reward_id = RewardId(request.parameter("reward_id"))
    changes = read_changes(request.json())
    services.rewarding().change(ChangeReward(reward_id=reward_id, changes=changes))
    return Response(body=reward_document(services.rewarding().reward(reward_id)))


@api.route("GET /coupons/{code}")
def coupon(request: Request) -> Response:
    """One coupon; to another member it does not exist."""
    caller = request.caller()
    found = services.couponing().coupon(code_of(request), asked_by=caller.asker)
    return Response(body=coupon_answer(found))


@api.route("GET /members/{member_id}/coupons")
def coupons(request: Request) -> Response:
    """The coupons that a member's points were made into, newest first."""
    member_id = request.own_or_any_member()
    query = read(CouponsQuery, request.query)
    before = opened_number("coupons", member_id, query.cursor)
    page, number = services.coupons_of_member().of_member(
        member_id, limit=query.limit, before=before
    )
    cursor = sealed_number("coupons", member_id, number)
    return Response(body={"coupons": [coupon_answer(each) for each in page], "cursor": cursor})


@api.route("POST /coupons/{code}/use")
def use(request: Request) -> Response:
    """Use a coupon, once."""
    request.caller().require_staff_or_till()
    body = read(UseCouponBody, request.json_if_given())
    return closed(request, to="used", used_on=body.used_on)


@api.route("POST /coupons/{code}/cancel")
def cancel(request: Request) -> Response:
    """Cancel a coupon; its points go back."""
    request.caller().require_staff_or_till()
    read(CancelCouponBody, request.json_if_given())
    return closed(request, to="cancelled")


def closed(
    request: Request, *, to: Literal["used", "cancelled"], used_on: str | None = None
) -> Response:
    """Use or cancel. A log line names no code: whoever reads it could use it."""
    caller = request.caller()
    command = CloseCoupon(
        **asked(request, caller),
        code=code_of(request),
        to=to,
        used_on=used_on,
    )
    done = services.couponing().close(command)
    ids = {"redemption_id": str(done.result["redemption_id"])}
    return answered(done, f"coupon_{to}", ids, body=done.result)


def code_of(request: Request) -> CouponCode:
    """The coupon's code in the path, however it was typed."""
    try:
        return clean_code(request.parameter("code"))
    except ValueError as error:
        raise NotFoundError(what="coupon", id="") from error
