"""GET /integrity: what the reconciliation found, and how far the one under way has come."""

from points_ledger.contracts.responses import Document
from points_ledger.domain.calendar import format_instant
from points_ledger.service.integrity import Finding, Integrity, Run


def integrity_document(integrity: Integrity) -> Document:
    """The last run that was finished and the one under way, null where there is none.

    `status` is `unknown` before the first run; otherwise it says whether anything that is known
    now, by the last run or the one under way, is not as it has to be.
    """
    runs = [run for run in (integrity.last, integrity.running) if run is not None]
    status = "inconsistent" if any(run.difference_count for run in runs) else "consistent"
    return {
        "status": status if runs else "unknown",
        "last": _run(integrity.last),
        "running": _run(integrity.running),
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
