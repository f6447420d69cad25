"""The table: every endpoint with every kind of caller, and the status that each gets.

`self` is the member that the call is about, `other` another one. A member learns of what belongs
to somebody else no more than that it does not exist (404) where the path names a thing, and gets
403 where it names a member.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

CALLERS: Final = (
    "no token",
    "expired token",
    "other pool",
    "self",
    "other",
    "staff",
    "admin",
    "till",
)
"""In the order of the columns."""
UNAUTHENTICATED: Final = CALLERS[:3]

Statuses = Mapping[str, int]


def _row(self_: int, other: int, staff: int, admin: int, till: int) -> Statuses:
    """A route behind the authorizer."""
    asked = dict(zip(CALLERS[3:], (self_, other, staff, admin, till), strict=True))
    return MappingProxyType({**dict.fromkeys(UNAUTHENTICATED, 401), **asked})


_PUBLIC: Final = MappingProxyType(dict.fromkeys(CALLERS, 200))
_LINK: Final = MappingProxyType(dict.fromkeys(CALLERS, 400))
"""Open to whoever has the link out of a mail, which these calls have not."""
_OWN_OR_STAFF: Final = _row(200, 403, 200, 200, 403)
_ADMIN: Final = _row(403, 403, 403, 200, 403)
_OWN_STAFF_OR_TILL: Final = _row(200, 403, 200, 200, 200)
_STAFF: Final = _row(403, 403, 200, 200, 403)
_STAFF_OR_TILL: Final = _row(403, 403, 200, 200, 200)

EXPECTED: Final[Mapping[str, Statuses]] = MappingProxyType(
    {
        "GET /health": _PUBLIC,
        "GET /openapi.json": _PUBLIC,
        "GET /portal": _PUBLIC,
        "GET /console": _PUBLIC,
        "GET /portal/{proxy+}": _PUBLIC,
        "GET /program": _PUBLIC,
        "GET /program/schema": _PUBLIC,
        "GET /program/versions": _row(403, 403, 403, 200, 403),
        "POST /program/versions": _row(403, 403, 403, 201, 403),
        "POST /program/validations": _row(403, 403, 403, 200, 403),
        "POST /program/simulations": _row(403, 403, 403, 202, 403),
        "GET /program/simulations/{simulation_id}": _row(403, 403, 403, 200, 403),
        "POST /members": _row(403, 403, 201, 201, 201),
        "GET /members": _STAFF_OR_TILL,
        "GET /members/{member_id}": _OWN_OR_STAFF,
        "PATCH /members/{member_id}": _OWN_OR_STAFF,
        "DELETE /members/{member_id}": _row(403, 403, 403, 200, 403),
        "GET /members/{member_id}/export": _OWN_OR_STAFF,
        "POST /members/{member_id}/invitation": _row(403, 403, 201, 201, 403),
        # The program of these calls has no membership: whoever may ask is told so.
        "POST /members/{member_id}/memberships": _row(403, 403, 404, 404, 403),
        "GET /members/{member_id}/balance": _OWN_STAFF_OR_TILL,
        "GET /members/{member_id}/benefits": _OWN_STAFF_OR_TILL,
        "GET /members/{member_id}/pending": _OWN_OR_STAFF,
        "GET /members/{member_id}/entries": _OWN_OR_STAFF,
        "GET /members/{member_id}/statement": _OWN_OR_STAFF,
        "GET /members/{member_id}/overview": _OWN_OR_STAFF,
        "GET /members/{member_id}/requests": _OWN_OR_STAFF,
        # Nothing was published of that day: whoever may ask is told so.
        "GET /members/{member_id}/proof": _row(404, 403, 404, 404, 403),
        "GET /members/{member_id}/challenges": _OWN_OR_STAFF,
        # For everybody who is signed in; the program of these calls has no leaderboard.
        "GET /leaderboards/{leaderboard_id}": _row(404, 404, 404, 404, 404),
        "GET /members/{member_id}/sharing": _OWN_OR_STAFF,
        "PUT /members/{member_id}/sharing": _OWN_OR_STAFF,
        "POST /members/{member_id}/merge": _STAFF,
        "POST /redemptions/quote": _OWN_STAFF_OR_TILL,
        "POST /redemptions": _row(201, 403, 201, 201, 201),
        "GET /redemptions": _OWN_STAFF_OR_TILL,
        "GET /redemptions/{redemption_id}": _row(200, 404, 200, 200, 200),
        "POST /redemptions/{redemption_id}/capture": _STAFF_OR_TILL,
        "POST /redemptions/{redemption_id}/cancel": _row(200, 404, 200, 200, 200),
        "POST /redemptions/{redemption_id}/reverse": _STAFF_OR_TILL,
        "POST /transfers": _row(201, 403, 201, 201, 403),
        "POST /actions": _row(403, 403, 201, 201, 201),
        "POST /adjustments": _row(403, 403, 201, 201, 403),
        "GET /approvals": _STAFF,
        "POST /approvals/{approval_id}/approve": _STAFF,
        "POST /approvals/{approval_id}/reject": _STAFF,
        "GET /rewards": _row(200, 200, 200, 200, 200),
        "POST /rewards": _row(403, 403, 403, 201, 403),
        "PATCH /rewards/{reward_id}": _row(403, 403, 403, 200, 403),
        "GET /members/{member_id}/coupons": _OWN_OR_STAFF,
        "GET /notifications/templates": _row(403, 403, 403, 200, 403),
        "PUT /notifications/templates": _row(403, 403, 403, 200, 403),
        "POST /notifications/previews": _row(403, 403, 403, 200, 403),
        "GET /unsubscribe": _LINK,
        "POST /unsubscribe": _LINK,
        "GET /coupons/{code}": _row(200, 404, 200, 200, 200),
        "POST /coupons/{code}/use": _STAFF_OR_TILL,
        "POST /coupons/{code}/cancel": _STAFF_OR_TILL,
        "GET /reports/liability": _STAFF,
        "GET /reports/activity": _STAFF,
        "GET /reports/sales": _STAFF,
        "GET /reports/engagement": _STAFF,
        "GET /reports/leaderboard": _STAFF,
        "GET /dead-letters": _row(403, 403, 403, 200, 403),
        "POST /dead-letters/redrive": _row(403, 403, 403, 200, 403),
        "GET /integrity": _STAFF,
        "GET /outbound-webhooks": _ADMIN,
        "POST /outbound-webhooks": _row(403, 403, 403, 201, 403),
        "DELETE /outbound-webhooks/{webhook_id}": _ADMIN,
        "POST /outbound-webhooks/{webhook_id}/secret": _ADMIN,
        "POST /outbound-webhooks/{webhook_id}/enable": _ADMIN,
        "POST /outbound-webhooks/{webhook_id}/test": _row(403, 403, 403, 202, 403),
        "GET /outbound-webhooks/{webhook_id}/deliveries": _ADMIN,
        # The endpoint of these calls was sent nothing: whoever may ask is told so.
        "POST /outbound-webhooks/{webhook_id}/deliveries/{delivery_id}/retry": _row(
            403, 403, 403, 404, 403
        ),
    }
)

SIGNED: Final = "POST /webhooks/{provider}"
"""Open at the gateway; the provider's signature is what authorises it."""
SESSIONS: Final = frozenset(
    {
        "POST /session",
        "POST /session/new-password",
        "POST /session/forgotten-password",
        "POST /session/reset-password",
        "POST /session/renewal",
        "DELETE /session",
    }
)
"""Open at the gateway; a password, a code or the cookie of a session is what authorises them."""
CODES: Final = MappingProxyType({401: "unauthenticated", 403: "forbidden", 404: "not_found"})
