"""GET /integrity: what the reconciliation found, and how far the one under way has come."""

from datetime import datetime

from points_ledger.contracts.responses import Document
from points_ledger.domain.calendar import format_instant
from points_ledger.service.integrity import Finding, Integrity, Run
from points_ledger.service.recounts import Discrepancy, Recount


def integrity_document(integrity: Integrity, recount: Recount) -> Document:
    """The last run that was finished and the one under way, null where there is none.

    `totals` is the recount of the totals that is under way, or the last one.

    `status` is `unknown` before the first run; otherwise it says whether anything that is known
    now, by the last run or the one under way, is not as it has to be.
    """
    runs = [run for run in (integrity.last, integrity.running) if run is not None]
    is_broken = any(run.difference_count for run in runs) or recount.is_wrong
    status = "inconsistent" if is_broken else "consistent"
    return {
        "status": status if runs else "unknown",
        "last": _run(integrity.last),
        "running": _run(integrity.running),
        "totals": None if recount.begun_at is None else _recount(recount, recount.begun_at),
    }


def _recount(recount: Recount, begun_at: datetime) -> Document:
    finished_at = recount.finished_at
    return {
        "status": "running" if recount.is_running else "done",
        "started_at": format_instant(begun_at),
        "finished_at": None if finished_at is None else format_instant(finished_at),
        "until": recount.until.isoformat(),
        "members": recount.members,
        "entries": recount.entries,
        "unreadable": recount.unreadable,
        "conserved": None if recount.is_running else recount.conserves,
        "differing": recount.differing,
        "confirmed": recount.confirmed,
        "healed": recount.healed,
        "differences": [_discrepancy(each) for each in recount.shown],
    }


def _discrepancy(found: Discrepancy) -> Document:
    return {
        "totals": " ".join((*found.key.partition, found.key.place)),
        "missing": dict(found.missing),
        "confirmed": found.confirmed,
        "healed": found.healed,
    }


def _run(run: Run | None) -> Document | None:
    if run is None:
        return None
    ended = run.finished_at or run.updated_at
    return {
        "status": run.status,
        "scheduled_time": format_instant(run.now),
        "started_at": format_instant(run.started_at),
        "finished_at": None if run.finished_at is None else format_instant(run.finished_at),
        "duration_seconds": int((ended - run.started_at).total_seconds()),
        "checked": run.checked,
        "changed": run.changed,
        "sampled": run.sampled,
        "failed": run.failed,
        "rearmed": run.rearmed,
        "frozen": run.frozen,
        "difference_count": run.difference_count,
        "differences": [_finding(each) for each in run.findings],
    }


def _finding(finding: Finding) -> Document:
    return {
        "member_id": finding.member_id,
        "invariant": finding.invariant,
        "entry": finding.entry,
        "detail": finding.detail,
        "found_at": format_instant(finding.found_at),
        "frozen": finding.frozen,
    }


def inconsistent_detail(finding: Finding) -> Document:
    """What `LedgerInconsistent` says of a difference that the reconciliation found."""
    return {
        "member_id": finding.member_id,
        "entry": finding.entry,
        "invariant": finding.invariant,
        "detail": finding.detail,
        "frozen": finding.frozen,
    }
