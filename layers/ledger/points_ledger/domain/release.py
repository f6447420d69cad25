"""When a purchase releases what waits for it: a referral, or an action that is linked to it.

A purchase is *closed* once it is posted, its price is complete and something is owed for it. It is
*firm* once its hold and its return window have passed as well; that is what a referral waits for
(semantics 8). Both are instants that follow from the facts of the purchase alone, so that a late
look finds what an early one would have. What has been released once is never taken back.

Whether the purchase earns anything does not matter here.
"""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Final

from points_ledger.domain.dataclass import dataclass
from points_ledger.domain.earning import Earning
from points_ledger.domain.identity import LEDGER_SOURCE, EarningKey, MemberId
from points_ledger.domain.maturation import PriceMoment, moments_of_price
from points_ledger.domain.program import Program

REFERRAL: Final = "referral"
"""The action by which a member has brought another one."""
_END: Final = datetime.max.replace(tzinfo=UTC)


def referral_key(friend: MemberId) -> EarningKey:
    """The referral of a friend: there is one for each member, whoever brought them."""
    return EarningKey(source=LEDGER_SOURCE, kind="action", id=f"{REFERRAL}:{friend}")


def referred_friend(key: EarningKey) -> MemberId | None:
    """Whose referral an earning is; None for any other."""
    name, _, friend = key.id.partition(":")
    is_own = (key.source, key.kind, name) == (LEDGER_SOURCE, "action", REFERRAL)
    return MemberId(friend) if is_own else None


def closed_at(purchase: Earning, program: Program) -> datetime | None:
    """Since when, or from when on, a purchase is closed; None while nothing says so."""
    return _first(purchase, program, lambda since: since)


def firm_at(purchase: Earning, program: Program) -> datetime | None:
    """Since when a purchase is firm, or will be by what is known now; None while it is unpaid."""
    posted_at, terms = purchase.posted_at, program.maturation
    if posted_at is None:
        return None
    hold_ends = terms.hold.after(posted_at, program.zone)
    return _first(
        purchase,
        program,
        lambda since: max(hold_ends, terms.return_window.after(since, program.zone)),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Span:
    """A time from `begins` to `ends` in which the same was owed, complete since `since`."""

    begins: datetime
    ends: datetime
    since: datetime


def _first(
    purchase: Earning, program: Program, ready: Callable[[datetime], datetime]
) -> datetime | None:
    """The first instant at which the price is complete, something is owed, and `ready` has come."""
    if purchase.snapshot is None or purchase.posted_at is None:
        return None
    for span in _spans(purchase, program):
        instant = max(span.begins, purchase.posted_at, ready(span.since))
        if instant < min(span.ends, purchase.voided_at or _END):
            return instant
    return None


def _spans(purchase: Earning, program: Program) -> Iterator[_Span]:
    """The times in which the price was complete and something was owed."""
    moments = [*moments_of_price(purchase)]
    ends = [*(moment.at for moment in moments[1:]), _END]
    since: datetime | None = None
    for moment, end in zip(moments, ends, strict=True):
        if not _is_complete(moment, program):
            since = None
            continue
        since = since or moment.at
        if moment.owed > 0:
            yield _Span(begins=moment.at, ends=end, since=since)


def _is_complete(moment: PriceMoment, program: Program) -> bool:
    """Where nothing has to be paid, the price is complete from the beginning."""
    return moment.is_complete or not program.maturation.requires_payment
