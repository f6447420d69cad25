"""The reconciliation: each invariant broken in what is stored is found, named, and freezes one."""

import base64
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final, get_args

import pytest

from points_ledger.adapters.dynamodb import codec
from points_ledger.adapters.dynamodb.codec import encode_entry
from points_ledger.domain.entry import Entry, entry_hash
from points_ledger.domain.identity import EarningKey, MemberId, RedemptionId
from points_ledger.domain.reconciliation import Broken, Invariant, broken_beside
from points_ledger.domain.state import State
from points_ledger.runtime import bootstrap, operations, services
from points_ledger.runtime import stream as runtime_stream
from points_ledger.service import reconciling
from points_ledger.service.ports import Redemption, RedemptionKey
from tests.functions.deployed import (
    NOW,
    TABLE,
    Context,
    Deploy,
    Deployed,
    program,
    settled,
    sold,
    ticket,
)
from tests.functions.gateway import STAFF

Json = dict[str, Any]


@pytest.fixture
def ledger(deploy: Deploy) -> Deployed:
    """Three members with something of everything; C-1 has points pending and reserved."""
    return opened(deploy, 3)


def opened(deploy: Deploy, members: int) -> Deployed:
    """A ledger with some members."""
    deployed = deploy(program(maturation={"hold": "PT24H"}))
    deployed.hear()
    for n in range(1, members + 1):
        deployed.enrol(f"C-{n}", organisation="Acme")
        deployed.give(f"C-{n}", 400)
        deployed.accrue(sold("50.00", id_=f"P-{n}", customer=f"C-{n}", at=NOW))
    body = {"member_id": deployed.linked("C-1"), "points": 120, "kind": "cash", "reserve": True}
    assert deployed.ask("POST /redemptions", body=body, key="r-1").status == 201
    runtime_stream._noted.clear()
    return deployed


def run(ledger: Deployed, context: Context | None = None) -> Json:
    return ledger.invoke("reconciliation", {}, context)


def integrity(ledger: Deployed) -> Json:
    answer = ledger.ask("GET /integrity", STAFF)
    assert answer.status == 200
    return answer.body


def found(ledger: Deployed) -> dict[str, list[Json]]:
    """What the last run found, by member."""
    by_member: dict[str, list[Json]] = {}
    for each in integrity(ledger)["last"]["differences"]:
        by_member.setdefault(each["member_id"], []).append(each)
    return by_member


def status(ledger: Deployed, customer: str) -> str:
    return ledger.head(ledger.linked(customer)).state.standing.status


def entry(ledger: Deployed, customer: str, number: int) -> Entry:
    member_id = ledger.linked(customer)
    item = ledger.stored()[f"MEMBER#{member_id} ENTRY#{number:012d}"]
    return codec.decode_entry(dict(item))


def rewrite(ledger: Deployed, changed: Entry, *, rehash: bool = False) -> None:
    """Store another entry in the place of one, with a hash that fits if that is asked for."""
    if rehash:
        right = entry_hash(
            changed.member_id,
            changed.number,
            changed.recorded_at,
            changed.posting,
            changed.state,
            changed.previous_hash,
        )
        changed = replace(changed, hash=right)
    ledger.overwrite(encode_entry(changed))


def drop(ledger: Deployed, pk: str, sk: str) -> None:
    del ledger
    bootstrap.dynamodb().delete_item(TableName=TABLE, Key={"PK": {"S": pk}, "SK": {"S": sk}})


def inserted(ledger: Deployed) -> list[Json]:
    """The records of the stream for the entries that are there; moto's own stream is slow."""
    return [
        {
            "eventName": "INSERT",
            "dynamodb": {
                "ApproximateCreationDateTime": NOW.timestamp(),
                "Keys": {"PK": item["PK"], "SK": item["SK"]},
                "NewImage": {name: _image(dict(value)) for name, value in item.items()},
            },
        }
        for key, item in ledger.stored().items()
        if key.startswith("MEMBER#")
    ]


def _image(value: Json) -> Json:
    """Binary values are text in what Lambda hands on."""
    return {"B": base64.b64encode(value["B"]).decode()} if "B" in value else value


def changed_state(ledger: Deployed, n: int, change: Callable[[State], State]) -> None:
    """Another account in the newest entry, and all hashes as they should be then."""
    head = ledger.head(ledger.linked(f"C-{n}"))
    rewrite(ledger, replace(head, state=change(head.state)), rehash=True)


# --- Clean ----------------------------------------------------------------------------------


def test_a_clean_ledger_has_no_differences(ledger: Deployed) -> None:
    counts = run(ledger)
    assert counts == {
        "checked": 3,
        "differences": 0,
        "frozen": 0,
        "rearmed": 0,
        "failed": 0,
        "recounted": 3,
        "totals_wrong": 0,
        "totals_healed": 0,
    }
    body = integrity(ledger)
    assert (body["status"], body["running"]) == ("consistent", None)
    assert (body["last"]["checked"], body["last"]["differences"]) == (3, [])
    assert ledger.published() == []


def test_before_the_first_run_nothing_is_known(ledger: Deployed) -> None:
    nothing = dict.fromkeys(("last", "running", "totals"))
    assert integrity(ledger) == {"status": "unknown", **nothing}


def test_all_that_members_can_do_leaves_no_differences(ledger: Deployed) -> None:
    one, two, three = (ledger.linked(f"C-{n}") for n in (1, 2, 3))
    [held] = ledger.ask("GET /redemptions", query={"member_id": one}).body["redemptions"]
    path = {"redemption_id": held["redemption_id"]}
    for step in ("capture", "reverse"):
        route = f"POST /redemptions/{{redemption_id}}/{step}"
        assert ledger.ask(route, path=path, body={"points": 50}, key=step).status == 200
    ledger.clock.move(days=2)
    ledger.mature(settled("P-1", at=NOW), settled("P-2", at=NOW))
    ledger.invoke("hold_release", {})
    body = {"from_member_id": one, "to_member_id": two, "points": 30}
    assert ledger.ask("POST /transfers", body=body, key="t-1").status == 201
    body = {"member_id": two, "points": 25, "reason": "goodwill"}
    assert ledger.ask("POST /adjustments", body=body, key="a-1").status == 201
    shares = {"shares": [{"member_id": two, "percent": 60}, {"member_id": one, "percent": 40}]}
    path = {"member_id": two}
    assert (
        ledger.ask("PUT /members/{member_id}/sharing", path=path, body=shares, key="s-1").status
        == 200
    )
    ledger.accrue(sold("90.00", id_="S-1", customer="C-2", at=ledger.clock.now))
    path = {"member_id": three}
    merged = ledger.ask("POST /members/{member_id}/merge", path=path, body={"into": two}, key="m-1")
    assert merged.status == 200, merged.body
    ledger.mature(settled("P-3", at=ledger.clock.now))
    counts = run(ledger)
    assert (counts["checked"], counts["differences"], counts["failed"]) == (3, 0, 0)
    assert found(ledger) == {}


# --- Broken ---------------------------------------------------------------------------------


def amount(ledger: Deployed, n: int) -> None:
    """A posting that says more than the account after it has."""
    stored = entry(ledger, f"C-{n}", 2)
    rewrite(ledger, replace(stored, posting=replace(stored.posting, pending=401)), rehash=True)


def forged_hash(ledger: Deployed, n: int) -> None:
    stored = entry(ledger, f"C-{n}", 2)
    rewrite(ledger, replace(stored, posting=replace(stored.posting, reason="another")))


def relinked(ledger: Deployed, n: int) -> None:
    stored = entry(ledger, f"C-{n}", 3)
    rewrite(ledger, replace(stored, previous_hash=bytes(32)), rehash=True)


def gap(ledger: Deployed, n: int) -> None:
    drop(ledger, f"MEMBER#{ledger.linked(f'C-{n}')}", "ENTRY#000000000002")


def conserved(ledger: Deployed, n: int) -> None:
    changed_state(
        ledger, n, lambda state: replace(state, counters={**state.counters, "redeemed": 7})
    )


def debt_and_lots(ledger: Deployed, n: int) -> None:
    changed_state(ledger, n, lambda state: replace(state, debt=5))


def unreadable(ledger: Deployed, n: int) -> None:
    key = f"MEMBER#{ledger.linked(f'C-{n}')} ENTRY#000000000002"
    ledger.overwrite({**ledger.stored()[key], "state": {"S": "{not JSON"}})


def lost_earning(ledger: Deployed, n: int) -> None:
    drop(ledger, f"EARNING#pos#ticket#P-{n}", "EARNING")


def other_allocation(ledger: Deployed, n: int) -> None:
    _with_posted(ledger, n, earned=60)


def lost_redemption(ledger: Deployed, n: int) -> None:
    """Of somebody who reserves something first."""
    body = {"member_id": ledger.linked(f"C-{n}"), "points": 10, "kind": "cash", "reserve": True}
    made = ledger.ask("POST /redemptions", body=body, key=f"r-{n}")
    drop(ledger, f"REDEMPTION#{made.body['redemption_id']}", "REDEMPTION")


def ended_redemption(ledger: Deployed, n: int) -> None:
    """A redemption that says it was cancelled while the account still has it reserved."""
    body = {"member_id": ledger.linked(f"C-{n}"), "points": 10, "kind": "cash", "reserve": True}
    made = ledger.ask("POST /redemptions", body=body, key=f"r-{n}")
    key = RedemptionKey(redemption_id=RedemptionId(made.body["redemption_id"]))
    stored: Any = services.store().get([key])[key]
    assert isinstance(stored, Redemption)
    ledger.overwrite(codec.encode_create(replace(stored, status="cancelled")))


def first_entry_gone(ledger: Deployed, n: int) -> None:
    drop(ledger, f"MEMBER#{ledger.linked(f'C-{n}')}", "ENTRY#000000000001")


def cut_off(ledger: Deployed, n: int) -> None:
    """The newest entry is gone, and nothing in the chain shows it; its earning does."""
    head = ledger.head(ledger.linked(f"C-{n}"))
    assert head.posting.type == "accrual"
    drop(ledger, f"MEMBER#{head.member_id}", f"ENTRY#{head.number:012d}")


def recorded_before(ledger: Deployed, n: int) -> None:
    """An entry that a statement of an earlier month would show from now on."""
    head = ledger.head(ledger.linked(f"C-{n}"))
    earlier = head.recorded_at - timedelta(days=40)
    rewrite(ledger, replace(head, recorded_at=earlier), rehash=True)


def other_lots(ledger: Deployed, n: int) -> None:
    later = timedelta(days=365)
    changed_state(
        ledger, n, lambda state: replace(state, lots={d + later: n for d, n in state.lots.items()})
    )


def negative_lot(ledger: Deployed, n: int) -> None:
    changed_state(
        ledger, n, lambda state: replace(state, lots={d: -n for d, n in state.lots.items()})
    )


def reserved_for_nothing(ledger: Deployed, n: int) -> None:
    changed_state(ledger, n, lambda state: replace(state, reserved=state.reserved + 5))


def negative_pending(ledger: Deployed, n: int) -> None:
    changed_state(ledger, n, lambda state: replace(state, pending=-1))


def other_status(ledger: Deployed, n: int) -> None:
    """What decides is changed without an entry."""
    tier = "gold"
    changed_state(
        ledger, n, lambda state: replace(state, standing=replace(state.standing, tier=tier))
    )


def unposted_maturation(ledger: Deployed, n: int) -> None:
    """An earning that says its points have matured, though no entry ever credited them."""
    _with_posted(ledger, n, matured=50, earned=100)


def invented_earning(ledger: Deployed, n: int) -> None:
    """An earning with points pending that nobody ever posted."""
    key = EarningKey(source="pos", kind="ticket", id=f"P-{n}")
    earning: Any = services.store().get([key])[key]
    invented = replace(earning, key=replace(key, id=f"Q-{n}"))
    ledger.overwrite(codec.encode_save(invented, invented.revision))


def other_redemption(ledger: Deployed, n: int) -> None:
    """A redemption that says it took less than its entry did."""
    body = {"member_id": ledger.linked(f"C-{n}"), "points": 10, "kind": "cash"}
    made = ledger.ask("POST /redemptions", body=body, key=f"r-{n}")
    key = RedemptionKey(redemption_id=RedemptionId(made.body["redemption_id"]))
    stored: Any = services.store().get([key])[key]
    ledger.overwrite(codec.encode_create(replace(stored, captured=4)))


def _with_posted(ledger: Deployed, n: int, **changes: int) -> None:
    key = EarningKey(source="pos", kind="ticket", id=f"P-{n}")
    earning: Any = services.store().get([key])[key]
    member_id = MemberId(ledger.linked(f"C-{n}"))
    posted = {member_id: replace(earning.posted[member_id], **changes)}
    ledger.overwrite(codec.encode_save(replace(earning, posted=posted), earning.revision))


BREAKS: dict[Callable[[Deployed, int], None], set[str]] = {
    amount: {"balances_are_sums", "entries_linked"},
    forged_hash: {"entry_hash"},
    relinked: {"entries_linked"},
    gap: {"entries_gap_free", "entries_linked", "balances_are_sums"},
    conserved: {"balances_are_sums", "points_conserved"},
    debt_and_lots: {"balances_are_sums", "account_consistent"},
    unreadable: {"readable"},
    lost_earning: {"pending_allocations"},
    other_allocation: {"pending_allocations"},
    lost_redemption: {"reservations_open"},
    ended_redemption: {"reservations_open"},
    first_entry_gone: {"entries_gap_free", "entries_linked"},
    cut_off: {"pending_allocations"},
    recorded_before: {"recorded_in_order"},
    other_lots: {"balances_are_sums"},
    negative_lot: {"balances_are_sums", "account_consistent"},
    reserved_for_nothing: {"account_consistent"},
    negative_pending: {"account_consistent"},
    other_status: {"balances_are_sums"},
    unposted_maturation: {"matured_allocations"},
    invented_earning: {"pending_allocations"},
    other_redemption: {"redemptions_agree"},
}
"""Each clause of the invariants 1 to 6 of the semantics, and what a break of it is called.

Of the whole program: test_recount.py. What only the table's stream sees (an entry that is changed
or removed at all): test_ledger_events.py.
"""


def test_every_invariant_is_broken_by_a_test() -> None:
    told_only = {"pending_indexed", "entry_recomputed"}  # each has a test of its own
    assert set().union(*BREAKS.values()) | told_only == set(get_args(Invariant))


GROUP: Final = 6
GROUPS: Final = [list(BREAKS)[first : first + GROUP] for first in range(0, len(BREAKS), GROUP)]


@pytest.mark.parametrize("group", GROUPS, ids=range(len(GROUPS)))
def test_what_is_broken_is_found_and_named_and_only_those_members_frozen(
    deploy: Deploy, group: list[Callable[[Deployed, int], None]]
) -> None:
    """Each member with another break, between the first and the last with none."""
    ledger = opened(deploy, len(group) + 2)
    broken = {ledger.linked(f"C-{n}"): BREAKS[breaks] for n, breaks in enumerate(group, start=2)}
    for n, breaks in enumerate(group, start=2):
        breaks(ledger, n)
    counts = run(ledger)
    assert (counts["checked"], counts["differences"], counts["frozen"]) == (
        len(group) + 2,
        len(group),
        len(group),
    )
    all_ = found(ledger)
    assert all_.keys() == broken.keys()
    for id_, expected in broken.items():
        assert {each["invariant"] for each in all_[id_]} >= expected, id_
        assert all(each["frozen"] for each in all_[id_])
        assert ledger.head(id_).state.standing.status == "frozen"
    for healthy in (1, len(group) + 2):
        assert status(ledger, f"C-{healthy}") == "active"
    told = ledger.published()
    assert {each["detail-type"] for each in told} == {"LedgerInconsistent"}
    assert {each["detail"]["member_id"] for each in told} == broken.keys()
    assert integrity(ledger)["status"] == "inconsistent"


def test_who_was_frozen_cannot_redeem_and_the_entry_says_why(ledger: Deployed) -> None:
    lost_earning(ledger, 2)
    run(ledger)
    member_id = ledger.linked("C-2")
    body = {"member_id": member_id, "points": 10, "kind": "cash"}
    answer = ledger.ask("POST /redemptions", body=body, key="r-9")
    assert answer.refusal == (422, "member_inactive")
    last = ledger.entries(member_id)[-1]
    assert (last["type"], last["actor"], last["reason"]) == (
        "change",
        "schedule:reconciliation",
        "reconciliation",
    )


def test_a_difference_that_stays_is_told_and_frozen_once(ledger: Deployed) -> None:
    lost_earning(ledger, 2)
    run(ledger)
    member_id = ledger.linked("C-2")
    first = found(ledger)[member_id]
    ledger.published()
    path = {"member_id": member_id}
    body = {"status": "active"}
    answer = ledger.ask("PATCH /members/{member_id}", path=path, body=body, key="thaw")
    assert answer.status == 200, answer.body
    ledger.clock.move(days=1)
    counts = run(ledger)
    assert (counts["differences"], counts["frozen"]) == (1, 0)
    assert ledger.published() == []
    assert status(ledger, "C-2") == "active"
    assert found(ledger)[member_id][0]["found_at"] == first[0]["found_at"]


def test_a_difference_that_is_mended_is_gone_with_the_next_run(ledger: Deployed) -> None:
    key = "EARNING#pos#ticket#P-2 EARNING"
    kept = ledger.stored()[key]
    lost_earning(ledger, 2)
    run(ledger)
    ledger.overwrite(kept)
    ledger.clock.move(days=1)
    assert run(ledger)["differences"] == 0
    assert integrity(ledger)["status"] == "consistent"


def test_an_index_that_misses_an_earning_is_told_and_freezes_nobody(ledger: Deployed) -> None:
    key = "EARNING#pos#ticket#P-2 EARNING"
    item = dict(ledger.stored()[key])
    del item["pending_member"], item["pending_since"]
    ledger.overwrite(item)
    run(ledger)
    [finding] = found(ledger)[ledger.linked("C-2")]
    assert (finding["invariant"], finding["frozen"]) == ("pending_indexed", False)
    assert status(ledger, "C-2") == "active"


def test_an_entry_that_its_rules_do_not_give_is_told_and_freezes_nobody(
    ledger: Deployed,
) -> None:
    stored = entry(ledger, "C-2", 2)
    posting = replace(stored.posting, rules=(("nobodys-rule", 400),))
    member_id, previous = ledger.linked("C-2"), None
    for number in range(2, ledger.head(ledger.linked("C-2")).number + 1):
        each = entry(ledger, "C-2", number)
        if number == 2:
            each = replace(each, posting=posting)
        if previous is not None:
            each = replace(each, previous_hash=previous)
        rewrite(ledger, each, rehash=True)
        previous = entry(ledger, "C-2", number).hash
    run(ledger)
    [finding] = found(ledger)[member_id]
    assert (finding["invariant"], finding["entry"]) == ("entry_recomputed", 2)
    assert status(ledger, "C-2") == "active"


# --- Runs -----------------------------------------------------------------------------------


def test_a_run_goes_on_where_the_time_was_over(
    ledger: Deployed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reconciling, "PAGE_MEMBERS", 1)
    checked, invocations = 0, 0
    while invocations < 30:
        checked += run(ledger, Context(120_000, 120_000, 1_000))["checked"]
        invocations += 1
        if integrity(ledger)["running"] is None:
            break
    assert invocations > 2
    assert checked == 3 == integrity(ledger)["last"]["checked"]


def test_while_a_run_goes_on_the_one_before_is_still_shown(ledger: Deployed) -> None:
    run(ledger)
    ledger.clock.move(days=1)
    run(ledger, Context(1_000))
    body = integrity(ledger)
    assert body["last"]["checked"] == 3
    assert body["running"]["checked"] == 0


def test_killed_after_freezing_nothing_is_frozen_or_counted_twice(
    ledger: Deployed, monkeypatch: pytest.MonkeyPatch
) -> None:
    lost_earning(ledger, 2)
    store = operations.integrity_store()
    save = store.save
    saved = 0

    def killed(*args: Any, **more: Any) -> bool:  # noqa: ANN401 - as it was called
        nonlocal saved
        saved += 1
        if saved > 3:
            raise SystemExit
        return save(*args, **more)

    with monkeypatch.context() as patched:
        patched.setattr(store, "save", killed)
        with pytest.raises(SystemExit):
            run(ledger)
    entries = len(ledger.entries(ledger.linked("C-2")))
    run(ledger)
    assert len(ledger.entries(ledger.linked("C-2"))) == entries
    assert integrity(ledger)["last"]["difference_count"] == 1


def test_two_workers_count_a_page_once(ledger: Deployed, monkeypatch: pytest.MonkeyPatch) -> None:
    store = operations.integrity_store()
    save, others = store.save, [True]

    def overtaken(integrity_: Any, *, expected: int) -> bool:  # noqa: ANN401 - as it was called
        if expected > 0 and others:
            others.pop()
            return save(integrity_, expected=expected) and False
        return save(integrity_, expected=expected)

    with monkeypatch.context() as patched:
        patched.setattr(store, "save", overtaken)
        run(ledger)
    assert integrity(ledger)["running"] is not None
    run(ledger)
    assert integrity(ledger)["last"]["checked"] == 3


def test_who_was_written_is_checked_first(
    ledger: Deployed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reconciling, "SAMPLE_MEMBERS", 0)
    assert run(ledger)["checked"] == 0
    ledger.invoke("ledger_events", {"Records": inserted(ledger)})
    ledger.clock.move(minutes=10)
    assert run(ledger)["checked"] == 3
    assert integrity(ledger)["last"]["changed"] == 3
    # The hour of the last run was not over, so it comes once more, and then no more.
    ledger.clock.move(hours=3)
    assert run(ledger)["checked"] == 3
    ledger.clock.move(hours=3)
    assert run(ledger)["checked"] == 0


def test_a_member_is_noted_once_an_hour(ledger: Deployed) -> None:
    records = inserted(ledger)
    for _ in range(3):
        ledger.invoke("ledger_events", {"Records": records})
    noted = [key for key in ledger.stored() if key.startswith("CHANGED#")]
    assert len(noted) == 3
    assert runtime_stream._noted == {
        (NOW.replace(minute=0), MemberId(ledger.linked(f"C-{n}"))) for n in (1, 2, 3)
    }


def test_everybody_comes_to_their_turn(ledger: Deployed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reconciling, "SAMPLE_MEMBERS", 1)
    lost_earning(ledger, 2)
    for _ in range(3):
        run(ledger)
    assert set(found(ledger)) == {ledger.linked("C-2")}


def test_a_page_of_many_broken_members_freezes_a_bounded_number(
    ledger: Deployed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reconciling, "MAX_FROZEN", 1)
    for n in (1, 2, 3):
        drop(ledger, f"EARNING#pos#ticket#P-{n}", "EARNING")
    counts = run(ledger)
    assert (counts["differences"], counts["frozen"]) == (3, 1)
    assert len(ledger.published()) == 3


def test_a_defect_of_ours_freezes_nobody(ledger: Deployed, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise KeyError("a defect")

    monkeypatch.setattr(reconciling, "broken_beside", broken)
    counts = run(ledger)
    assert (counts["failed"], counts["differences"], counts["frozen"]) == (3, 0, 0)
    assert status(ledger, "C-2") == "active"


def test_a_difference_that_only_one_look_sees_is_none(
    ledger: Deployed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a member seems who is written between two reads of one look."""
    seen: list[str] = []

    def torn(holdings: Any, asked: Any) -> Any:  # noqa: ANN401 - as it was called
        if holdings.member_id not in seen:
            seen.append(holdings.member_id)
            return [Broken(invariant="pending_allocations")]
        return list(broken_beside(holdings, asked))

    monkeypatch.setattr(reconciling, "broken_beside", torn)
    assert run(ledger)["differences"] == 0


# --- Due work -------------------------------------------------------------------------------


def test_a_marker_of_a_pending_earning_past_its_time_is_made_again(ledger: Deployed) -> None:
    ledger.mature(settled("P-2", at=NOW))
    for key in [key for key in ledger.stored() if key.startswith("DUE#hold_release#")]:
        pk, _, sk = key.partition(" ")
        drop(ledger, pk, sk)
    ledger.clock.move(days=2)
    ledger.invoke("hold_release", {})  # a reservation has ended
    assert ledger.invoke("hold_release", {})["posted"] == 0
    assert run(ledger)["rearmed"] == 1
    assert ledger.invoke("hold_release", {})["posted"] == 1
    ledger.clock.move(hours=1)
    assert run(ledger)["rearmed"] == 0


def test_what_waits_for_payment_is_not_late(ledger: Deployed) -> None:
    ledger.clock.move(days=20)
    ledger.invoke("hold_release", {})
    assert run(ledger)["rearmed"] == 0


def test_a_time_far_ahead_is_refused(ledger: Deployed) -> None:
    ahead = (NOW + timedelta(hours=1)).isoformat()
    with pytest.raises(Exception, match="scheduled for"):
        ledger.invoke("reconciliation", {"scheduled_time": ahead})


def test_the_findings_of_a_run_are_stored_without_anything_personal(ledger: Deployed) -> None:
    lost_earning(ledger, 2)
    run(ledger)
    stored = ledger.stored()["INTEGRITY RECONCILIATION"]
    [finding] = json.loads(stored["run"]["S"])["findings"]
    assert finding["detail"] == f"{ticket('P-2')}: 0 by the earning, 50 by the entries"
