"""What is known and posted of an earning as one compact JSON text, and back.

Defaults are left out, and so is what follows from the rest: an allocation that gives everything
to the one it is pinned for, a time that equals the one it comes from. Lines and payments are
arrays without trailing nulls, so that an ordinary purchase fits into one write unit.
"""

import json
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final

from points_ledger.domain.calendar import format_instant
from points_ledger.domain.earning import (
    NOTHING_EARNED,
    Action,
    BoughtMembership,
    Earned,
    Earning,
    Pin,
    Posted,
)
from points_ledger.domain.fact import Earner, Line, LineRefund, Payment, Refund, Snapshot
from points_ledger.domain.identity import EarningKey, ExternalId, MemberId
from points_ledger.domain.sharing import Share, whole
from points_ledger.domain.state import (
    Grant,
    decode_lots,
    decode_months,
    encode_lots,
    encode_months,
)

Json = dict[str, Any]

_ONE: Final = Decimal(1)
_MISSING: Final = object()


def encode_earning(earning: Earning) -> str:
    """Everything of an earning but its key and revision."""
    content: Json = {
        "snapshot": _snapshot(earning.snapshot) if earning.snapshot else None,
        "action": _action(earning.action) if earning.action else None,
        "payments": [_payment(payment) for payment in earning.payments.values()],
        "payment_reversals": _instants(earning.payment_reversals),
        "refunds": [_refund(refund) for refund in earning.refunds.values()],
        "refund_cancellations": _instants(earning.refund_cancellations),
        "settled": _instant(earning.settled_at),
        "voided": _instant(earning.voided_at),
        "program": earning.program_version,
        "earned": _earned(earning.earned) if earning.earned != NOTHING_EARNED else None,
        "pins": {member_id: _pin(member_id, pin) for member_id, pin in earning.pins.items()},
        "posted": {member_id: _posted(posted) for member_id, posted in earning.posted.items()},
        "due": _instant(earning.due_at),
        "released": _instant(earning.released_at),
        "followers": sorted(map(str, earning.followers)),
        "told": sorted(map(str, earning.told)),
        "grants": {id_: list(map(list, each.items())) for id_, each in earning.grants.items()},
        "membership": _membership(earning.membership),
    }
    kept = {name: value for name, value in content.items() if value not in (None, {}, [])}
    # These three usually follow from the rest; where they do not, even None is written.
    if earning.posted_at != _implied_posted_at(earning.snapshot, earning.action):
        kept["posted_at"] = _instant(earning.posted_at)
    if earning.pinned_for != _implied_pinned_for(earning.posted_at, earning.program_version):
        kept["pinned_for"] = _instant(earning.pinned_for)
    if earning.earner_id != _implied_earner_id(earning.pins):
        kept["earner"] = earning.earner_id
    return json.dumps(kept, separators=(",", ":"), ensure_ascii=False)


def decode_earning(key: EarningKey, revision: int, text: str) -> Earning:
    """The inverse of `encode_earning`."""
    content: Json = json.loads(text)
    snapshot = _read_snapshot(content["snapshot"]) if "snapshot" in content else None
    action = _read_action(content["action"]) if "action" in content else None
    posted_at = _read_stated(content, "posted_at", _implied_posted_at(snapshot, action))
    program_version = content.get("program")
    pins = {
        MemberId(member_id): _read_pin(MemberId(member_id), pin)
        for member_id, pin in content.get("pins", {}).items()
    }
    earner = content.get("earner", _MISSING)
    return Earning(
        key=key,
        revision=revision,
        snapshot=snapshot,
        action=action,
        posted_at=posted_at,
        payments={payment[0]: _read_payment(payment) for payment in content.get("payments", ())},
        payment_reversals=_read_instants(content.get("payment_reversals", {})),
        refunds={refund["id"]: _read_refund(refund) for refund in content.get("refunds", ())},
        refund_cancellations=_read_instants(content.get("refund_cancellations", {})),
        settled_at=_read_instant(content.get("settled")),
        voided_at=_read_instant(content.get("voided")),
        earner_id=_implied_earner_id(pins) if earner is _MISSING else earner,
        program_version=program_version,
        pinned_for=_read_stated(
            content, "pinned_for", _implied_pinned_for(posted_at, program_version)
        ),
        pins=pins,
        posted={
            MemberId(member_id): _read_posted(posted)
            for member_id, posted in content.get("posted", {}).items()
        },
        earned=_read_earned(content["earned"]) if "earned" in content else NOTHING_EARNED,
        due_at=_read_instant(content.get("due")),
        released_at=_read_instant(content.get("released")),
        followers=frozenset(map(EarningKey.parse, content.get("followers", ()))),
        told=frozenset(map(EarningKey.parse, content.get("told", ()))),
        grants={id_: dict(each) for id_, each in content.get("grants", {}).items()},
        membership=_read_membership(content.get("membership")),
    )


# --- What follows from the rest -------------------------------------------------------------


def _implied_posted_at(snapshot: Snapshot | None, action: Action | None) -> datetime | None:
    if action is not None:
        return action.at
    return snapshot.posted_at if snapshot is not None else None


def _implied_pinned_for(posted_at: datetime | None, program_version: int | None) -> datetime | None:
    return posted_at if program_version is not None else None


def _implied_earner_id(pins: Mapping[MemberId, Pin]) -> MemberId | None:
    """The latest pin is the latest earner's, unless an earlier earner came back."""
    return list(pins)[-1] if pins else None


# --- Parts, one pair of functions each ------------------------------------------------------


def _snapshot(snapshot: Snapshot) -> Json:
    content: Json = {
        "posted": format_instant(snapshot.posted_at),
        "currency": snapshot.currency,
        "total": str(snapshot.total),
        "lines": [_line(line) for line in snapshot.lines],
        **_earner(snapshot.earner),
    }
    if snapshot.updated_at != snapshot.posted_at:
        content["updated"] = format_instant(snapshot.updated_at)
    if snapshot.points_paid_amount:
        content["points_paid"] = str(snapshot.points_paid_amount)
    if not snapshot.own_order:
        content["own_order"] = False
    if snapshot.billed_to is not None:
        content["billed_to"] = str(snapshot.billed_to)
    return content


def _read_snapshot(content: Json) -> Snapshot:
    posted_at = datetime.fromisoformat(content["posted"])
    return Snapshot(
        posted_at=posted_at,
        updated_at=_read_instant(content.get("updated")) or posted_at,
        currency=content["currency"],
        lines=tuple(_read_line(line) for line in content["lines"]),
        total=Decimal(content["total"]),
        earner=_read_earner(content),
        points_paid_amount=Decimal(content.get("points_paid", 0)),
        own_order=content.get("own_order", True),
        billed_to=ExternalId.parse(content["billed_to"]) if "billed_to" in content else None,
    )


def _line(line: Line) -> list[str | None]:
    quantity = None if line.quantity == _ONE else str(line.quantity)
    return _trimmed([line.id, str(line.amount), line.item, line.category, line.product, quantity])


def _read_line(values: list[str | None]) -> Line:
    id_, amount, item, category, product, quantity = _padded(values, 6)
    return Line(
        id=id_,
        amount=Decimal(amount),
        item=item,
        category=category,
        product=product,
        quantity=_ONE if quantity is None else Decimal(quantity),
    )


def _earner(earner: Earner) -> Json:
    content: Json = {"earner": str(earner.external_id)}
    if earner.member_id is not None:
        content["member"] = earner.member_id
    return content


def _read_earner(content: Json) -> Earner:
    return Earner(external_id=ExternalId.parse(content["earner"]), member_id=content.get("member"))


def _action(action: Action) -> Json:
    content: Json = {
        "name": action.name,
        "at": format_instant(action.at),
        **_earner(action.earner),
    }
    if action.linked_purchase is not None:
        content["linked"] = str(action.linked_purchase)
    if action.linked_also is not None:
        content["linked_also"] = str(action.linked_also)
    return content


def _read_action(content: Json) -> Action:
    linked, also = content.get("linked"), content.get("linked_also")
    return Action(
        name=content["name"],
        at=datetime.fromisoformat(content["at"]),
        earner=_read_earner(content),
        linked_purchase=parse_earning_key(linked) if linked is not None else None,
        linked_also=parse_earning_key(also) if also is not None else None,
    )


def _payment(payment: Payment) -> list[str | None]:
    return _trimmed([payment.id, str(payment.amount), format_instant(payment.at), payment.currency])


def _read_payment(values: list[str | None]) -> Payment:
    id_, amount, at, currency = _padded(values, 4)
    return Payment(id=id_, amount=Decimal(amount), at=datetime.fromisoformat(at), currency=currency)


def _refund(refund: Refund) -> Json:
    content: Json = {"id": refund.id, "at": format_instant(refund.at)}
    if refund.amount is not None:
        content["amount"] = str(refund.amount)
    if refund.lines:
        content["lines"] = [[line.line_id, str(line.amount)] for line in refund.lines]
    if refund.currency is not None:
        content["currency"] = refund.currency
    if refund.settles:
        content["settles"] = refund.settles
    return content


def _read_refund(content: Json) -> Refund:
    return Refund(
        id=content["id"],
        at=datetime.fromisoformat(content["at"]),
        amount=Decimal(content["amount"]) if "amount" in content else None,
        lines=tuple(
            LineRefund(line_id=line_id, amount=Decimal(amount))
            for line_id, amount in content.get("lines", ())
        ),
        currency=content.get("currency"),
        settles=tuple(content.get("settles", ())),
    )


def _earned(earned: Earned) -> Json:
    content: Json = {
        "points": earned.points,
        "rules": earned.rules,
        "used": earned.used,
        "truncated": earned.truncated,
        "releases": earned.releases,
        "excess_refund": earned.excess_refund,
        "inputs": earned.inputs,
    }
    return {name: value for name, value in content.items() if value}


def _read_earned(content: Json) -> Earned:
    return Earned(
        points=content.get("points", 0),
        rules=tuple((id_, points) for id_, points in content.get("rules", ())),
        used=content.get("used", {}),
        truncated=tuple(content.get("truncated", ())),
        releases=tuple(content.get("releases", ())),
        excess_refund=content.get("excess_refund", False),
        inputs=content.get("inputs", {}),
    )


def _pin(member_id: MemberId, pin: Pin) -> Json:
    content: Json = {
        "tier": pin.tier,
        "tags": pin.tags,
        "organisation": pin.organisation,
        "jurisdiction": pin.jurisdiction,
    }
    kept = {name: value for name, value in content.items() if value not in (None, ())}
    if not pin.earns:
        kept["earns"] = False
    if pin.referral is not None:
        kept["referral"] = pin.referral
    if pin.allocation != whole(member_id):
        kept["allocation"] = [[share.member_id, share.percent] for share in pin.allocation]
    return kept


def _read_pin(member_id: MemberId, content: Json) -> Pin:
    shares = content.get("allocation")
    return Pin(
        allocation=whole(member_id)
        if shares is None
        else tuple(Share(member_id=MemberId(id_), percent=percent) for id_, percent in shares),
        tier=content.get("tier"),
        tags=tuple(content.get("tags", ())),
        organisation=content.get("organisation"),
        jurisdiction=content.get("jurisdiction"),
        earns=content.get("earns", True),
        referral=content.get("referral"),
    )


def _posted(posted: Posted) -> Json:
    content: Json = {
        "earned": posted.earned,
        "matured": posted.matured,
        "written_off": posted.written_off,
        "lapsed": posted.lapsed,
        "lots": encode_lots(posted.lots),
        "absorbed": encode_lots(posted.absorbed),
        "used": posted.used,
        "qualified": encode_months(posted.qualified),
    }
    return {name: value for name, value in content.items() if value}


def _read_posted(content: Json) -> Posted:
    return Posted(
        earned=content.get("earned", 0),
        matured=content.get("matured", 0),
        written_off=content.get("written_off", 0),
        lapsed=content.get("lapsed", 0),
        lots=decode_lots(content.get("lots", "")),
        absorbed=decode_lots(content.get("absorbed", "")),
        used=content.get("used", {}),
        qualified=decode_months(content.get("qualified", "")),
    )


def _membership(bought: BoughtMembership | None) -> list[str] | None:
    if bought is None:
        return None
    grant = bought.grant
    return [bought.member_id, grant.tier, grant.last_day.isoformat(), grant.source]


def _read_membership(content: list[str] | None) -> BoughtMembership | None:
    if content is None:
        return None
    member_id, tier, last_day, source = content
    grant = Grant(tier=tier, last_day=date.fromisoformat(last_day), source=source)
    return BoughtMembership(member_id=MemberId(member_id), grant=grant)


# --- Values ---------------------------------------------------------------------------------


def parse_earning_key(text: str) -> EarningKey:
    """The inverse of `str(EarningKey)`: source and kind have no colon, the id may have some."""
    source, kind, id_ = text.split(":", 2)
    return EarningKey(source=source, kind=kind, id=id_)


def _instant(instant: datetime | None) -> str | None:
    return None if instant is None else format_instant(instant)


def _read_instant(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def _read_stated(content: Json, name: str, implied: datetime | None) -> datetime | None:
    return _read_instant(content[name]) if name in content else implied


def _instants(instants: Mapping[str, datetime]) -> dict[str, str]:
    return {id_: format_instant(instant) for id_, instant in instants.items()}


def _read_instants(content: Mapping[str, str]) -> dict[str, datetime]:
    return {id_: datetime.fromisoformat(text) for id_, text in content.items()}


def _trimmed(values: list[str | None]) -> list[str | None]:
    while values[-1] is None:
        values.pop()
    return values


def _padded(values: list[str | None], length: int) -> list[Any]:
    return values + [None] * (length - len(values))
