"""What the interface answers: domain values written as the JSON of docs/api.md."""

from collections.abc import Mapping
from datetime import date

from points_ledger.domain.calendar import format_instant
from points_ledger.domain.entry import Entry
from points_ledger.domain.lot import NEVER, Lots
from points_ledger.domain.money import format_amount
from points_ledger.service.ports import Profile
from points_ledger.service.queries import Balance, MemberDetails, PendingEarning

Document = dict[str, object]


def balance_document(balance: Balance) -> Document:
    """A balance; lots soonest first."""
    return {
        "member_id": balance.member_id,
        "available": balance.available,
        "pending": balance.pending,
        "reserved": balance.reserved,
        "debt": balance.debt,
        "value": {
            "amount": format_amount(balance.value, balance.currency),
            "currency": balance.currency,
        },
        "lots": [
            {"points": points, "last_day": _day(day)}
            for day, points in sorted(balance.lots.items())
        ],
        "tier": balance.tier,
        "lifetime": dict(balance.lifetime),
        "as_of": format_instant(balance.as_of),
    }


def entry_document(entry: Entry) -> Document:
    """One entry: the changes, the balances after it, where it came from, and its link."""
    posting, state, source = entry.posting, entry.state, entry.posting.source
    return {
        "entry": entry.number,
        "type": posting.type,
        "at": format_instant(posting.at),
        "recorded_at": format_instant(entry.recorded_at),
        "pending": posting.pending,
        "available": posting.available,
        "reserved": posting.reserved,
        "debt": posting.debt,
        "lots": _lots(posting.lots),
        "balance": {
            "available": state.available,
            "pending": state.pending,
            "reserved": state.reserved,
            "debt": state.debt,
        },
        "source": {"system": source.source, "kind": source.kind, "id": source.id}
        if source
        else None,
        "rules": [{"id": id_, "points": points} for id_, points in posting.rules],
        "program_version": posting.program_version,
        "actor": posting.actor,
        "reason": posting.reason,
        "details": dict(posting.details),
        "inputs": dict(posting.inputs),
        "previous_hash": entry.previous_hash.hex(),
        "hash": entry.hash.hex(),
    }


def pending_document(pending: PendingEarning) -> Document:
    """One pending earning and what it waits for."""
    matures_at = pending.target.matures_at
    return {
        "earning_id": str(pending.earning.key),
        "source": {
            "system": pending.earning.key.source,
            "kind": pending.earning.key.kind,
            "id": pending.earning.key.id,
        },
        "points": pending.points,
        "waiting_for": [wait.waiting_for for wait in pending.target.waits],
        "matures_at": format_instant(matures_at) if matures_at else None,
        "since": format_instant(pending.since) if pending.since else None,
    }


def member_document(member: MemberDetails) -> Document:
    """A member; personal data is null where there is none."""
    profile = member.profile
    return {
        "member_id": member.member_id,
        "status": member.standing.status,
        "name": profile.name if profile else None,
        "email": profile.email if profile else None,
        "phone": profile.phone if profile else None,
        "birthday": profile.birthday if profile else None,
        "language": profile.language if profile else None,
        "notifications": profile.notifications if profile else None,
        "organisation": member.standing.organisation,
        "jurisdiction": member.standing.jurisdiction,
        "tags": list(member.standing.tags),
        "tier": member.standing.tier,
        "earns": member.standing.earns,
        "referred_by": member.standing.referred_by,
        "external_ids": _external_ids(profile),
        "aliases": list(member.standing.aliases),
    }


def _external_ids(profile: Profile | None) -> list[Mapping[str, str]]:
    return [{"source": e.source, "id": e.id} for e in profile.external_ids] if profile else []


def _lots(lots: Lots) -> dict[str, int]:
    return {day.isoformat() if day != NEVER else "never": n for day, n in sorted(lots.items())}


def _day(day: date) -> str | None:
    return None if day == NEVER else day.isoformat()
