"""The operations of the cost table, each prepared and then measured once.

Every operation runs in a warm process: another purchase has just been recorded at the same time, so
the program and the hours of the markers are known. What a cold process reads and writes in addition
is measured by operations of their own. Bars are those of the design (docs/architecture.md) for the
reference shape; two of them say what a ticket and a payment's second name add to it.
"""

import itertools
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Final, Literal

from points_ledger.adapters.dynamodb import DynamoDbReader
from points_ledger.adapters.dynamodb.checkpoints import DynamoDbHeads
from points_ledger.adapters.dynamodb.integrity import DynamoDbIntegrity
from points_ledger.adapters.dynamodb.mail import DynamoDbMail
from points_ledger.adapters.dynamodb.outbound import DynamoDbOutbound
from points_ledger.adapters.dynamodb.recounts import DynamoDbRecounts
from points_ledger.adapters.dynamodb.scanning import DynamoDbScan
from points_ledger.adapters.dynamodb.totals import DynamoDbTotals
from points_ledger.contracts.events import entry_detail, event_id
from points_ledger.domain.anniversary import upcoming
from points_ledger.domain.calendar import format_instant
from points_ledger.domain.entry import Entry
from points_ledger.domain.fact import Fact, PurchasePosted, PurchaseSettled
from points_ledger.domain.identity import EarningKey, MemberId, RedemptionId
from points_ledger.domain.lot import Lots
from points_ledger.domain.mail import MailedEvent
from points_ledger.domain.outbound import (
    MAX_ENDPOINTS,
    Endpoint,
    Occurrence,
    SigningSecrets,
    Try,
    TryOutcome,
    WebhookId,
    delivery_id,
)
from points_ledger.domain.redemption import Ticket
from points_ledger.domain.state import Standing
from points_ledger.domain.tier import ReviewTarget
from points_ledger.domain.warning import LookTarget
from points_ledger.runtime.totals import COUNTING, REMEMBERING
from points_ledger.service.adjusting import AdjustPoints
from points_ledger.service.challenges import Challenges
from points_ledger.service.directory import SHARDS
from points_ledger.service.erasing import EraseMember, Erasing
from points_ledger.service.importing import Importing, ImportRow
from points_ledger.service.leaderboards import Leaderboards
from points_ledger.service.ledger import WritePath
from points_ledger.service.mail_ports import Letter, Sent
from points_ledger.service.mailing import Mailing, Told
from points_ledger.service.outbound_delivery import Delivering
from points_ledger.service.outbound_ports import Errand
from points_ledger.service.overview import SHOWN, Overviews
from points_ledger.service.ports import RequestKey
from points_ledger.service.publishing import FIRST_VERSION
from points_ledger.service.reconciling import Reconciling
from points_ledger.service.recounting import Recounting
from points_ledger.service.recounts import Recount
from points_ledger.service.redeeming import RedeemPoints
from points_ledger.service.redemption_steps import StepName
from points_ledger.service.redemptions import Redemptions
from points_ledger.service.reporting import Reporting
from points_ledger.service.requested import Requested
from points_ledger.service.standing import ChangeMember, Changing
from points_ledger.service.statements import Statements
from points_ledger.service.sweep import Sweep
from points_ledger.service.totalling import Change, Totalling
from tests.benchmarks import member_reports, reference, synthetic
from tests.benchmarks.meter import Usage
from tests.benchmarks.reference import ACTOR, HOLD, START, Ledger, invoice, payment, settlement

Measured = Callable[[], object]
"""The measured part; it asserts that it did what its name says."""

HISTORIES: Final = (10, 1_000)
"""Entries of a chain whose balance is read; `make bench` adds LONGEST_HISTORY."""
LONGEST_HISTORY: Final = 100_000

MINUTE: Final = timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """At most so much."""

    requests: int
    write_units: int
    read_units: int

    def holds(self, usage: Usage) -> bool:
        return (
            usage.requests <= self.requests
            and usage.write_units <= self.write_units
            and usage.read_units <= self.read_units
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One row: `prepare` sets the stage and returns the measured part, which posts `entries`.

    Without a bar it is only reported. An entry is one write unit large, unless `entry_units` says
    that counters have outgrown it. `index_units` are those of rankings.
    """

    name: str
    bar: Bar | None
    entries: int
    prepare: Callable[[Ledger], Measured]
    entry_units: int = 1
    index_units: int = 0


OPERATIONS: Final[list[Operation]] = []

Prepare = Callable[[Ledger], Measured]


def row(
    name: str,
    bar: tuple[int, int, int] | None = None,
    *,
    entries: int = 0,
    entry_units: int = 1,
    index_units: int = 0,
) -> Callable[[Prepare], Prepare]:
    """Add an operation; its bar is requests, write units, read units."""

    def add(prepare: Prepare) -> Prepare:
        known = Bar(requests=bar[0], write_units=bar[1], read_units=bar[2]) if bar else None
        OPERATIONS.append(
            Operation(
                name=name,
                bar=known,
                entries=entries,
                prepare=prepare,
                entry_units=entry_units,
                index_units=index_units,
            )
        )
        return prepare

    return add


def measured(operation: Operation, ledger: Ledger) -> Usage:
    """Prepare and run an operation once."""
    run = operation.prepare(ledger)
    with ledger.meter.measure() as usage:
        run()
    assert len(usage.sizes_of("MEMBER#")) == operation.entries
    return usage


# --- Balance --------------------------------------------------------------------------------


def balance(entries: int) -> Operation:
    """Reading the balance of a chain that really has so many entries."""

    def prepare(ledger: Ledger) -> Measured:
        member_id = ledger.member_with_history(entries)
        warm(ledger)

        def run() -> None:
            assert ledger.queries.balance(member_id).available > 0

        return run

    bar = Bar(requests=1, write_units=0, read_units=1)
    return Operation(name=f"balance, {entries:,} entries", bar=bar, entries=0, prepare=prepare)


OPERATIONS.extend(map(balance, HISTORIES))


def overviews(ledger: Ledger) -> Overviews:
    reader = DynamoDbReader(ledger.client, ledger.table_name)
    return Overviews(
        store=ledger.store,
        reader=reader,
        queries=ledger.queries,
        redemptions=Redemptions(
            store=ledger.store, reader=reader, programs=ledger.programs, clock=ledger.clock
        ),
        requested=Requested(store=ledger.store, lists=reader, clock=ledger.clock),
    )


def overview(entries: int) -> Operation:
    """The whole story of a member with a history of that length: the same at any."""

    def prepare(ledger: Ledger) -> Measured:
        member_id = ledger.member_with_history(entries)
        warm(ledger)
        drawing = overviews(ledger)

        def run() -> None:
            assert len(drawing.overview(member_id).entries.entries) == SHOWN

        return run

    bar = Bar(requests=5, write_units=0, read_units=6)
    return Operation(name=f"overview, {entries:,} entries", bar=bar, entries=0, prepare=prepare)


OPERATIONS.extend(map(overview, HISTORIES))


@row("overview, with something pending and something reserved", (7, 0, 8))
def overview_of_what_waits(ledger: Ledger) -> Measured:
    posted = pending_purchase(ledger)
    member_id = reference.earner_of(ledger, posted)
    reserved(ledger, reference.redemption(member_id, 1))
    warm(ledger)
    drawing = overviews(ledger)

    def run() -> None:
        found = drawing.overview(member_id)
        assert (len(found.pending.earnings), len(found.redemptions)) == (1, 1)

    return run


# --- Facts ----------------------------------------------------------------------------------


@row("accrual, one known member", (3, 7, 3), entries=1)
def accrual(ledger: Ledger) -> Measured:
    _, customer = ledger.member()
    warm(ledger)
    posted = invoice(1, customer, posted_at=START)
    return lambda: recorded(ledger, posted, "posted")


@row("accrual drawing from a budget", (3, 9, 4), entries=1)
def accrual_drawing(ledger: Ledger) -> Measured:
    ledger.play(budget_points=100_000)
    _, customer = ledger.member()
    warm(ledger)
    posted = invoice(1, customer, posted_at=START)
    return lambda: recorded(ledger, posted, "posted")


@row("accrual in a campaign that has given its budget", (4, 7, 7), entries=1)
def accrual_without_budget(ledger: Ledger) -> Measured:
    ledger.play(budget_points=4)
    _, customer = ledger.member()
    warm(ledger)
    posted = invoice(1, customer, posted_at=START)
    return lambda: recorded(ledger, posted, "posted")


@row("refund that gives back to a budget", (3, 9, 3), entries=1)
def refund_giving_back(ledger: Ledger) -> Measured:
    ledger.play(budget_points=100_000)
    posted = pending_purchase(ledger)
    warm(ledger)
    return lambda: recorded(ledger, reference.full_refund(posted, at=START), "posted")


@row("accrual, customer enrolled by it", entries=2)
def accrual_of_newcomer(ledger: Ledger) -> Measured:
    warm(ledger)
    customer = reference.customer(1)
    posted = invoice(1, customer, posted_at=START)
    return lambda: recorded(ledger, posted, "posted")


def split(members: int) -> Operation:
    """A purchase that is split between so many members."""

    def prepare(ledger: Ledger) -> Measured:
        others = tuple(ledger.member()[0] for _ in range(members - 1))
        _, customer = ledger.member(shares_with=others)
        warm(ledger)
        posted = invoice(1, customer, posted_at=START)
        return lambda: recorded(ledger, posted, "posted")

    bar = Bar(
        requests=2 + members,
        write_units=5 + 2 * members + 3 * (members - 1),
        read_units=2 + members,
    )
    name = f"purchase split between {members} members"
    return Operation(name=name, bar=bar, entries=members, prepare=prepare)


OPERATIONS.extend(map(split, (2, 3)))


@row("purchase told again, nothing but its time new")
def newer_snapshot(ledger: Ledger) -> Measured:
    posted = pending_purchase(ledger)
    warm(ledger)
    newer = reference.retold(posted, START + MINUTE)
    return lambda: recorded(ledger, newer, "stored")


@row("payment noted while the hold runs", (2, 2, 2))
def payment_noted(ledger: Ledger) -> Measured:
    posted = pending_purchase(ledger)
    warm(ledger)
    return lambda: recorded(ledger, settlement(posted, at=START), "stored")


@row("payment noted, and its name for refunds", (2, 4, 2))
def payment_with_reference_noted(ledger: Ledger) -> Measured:
    posted = pending_purchase(ledger)
    warm(ledger)
    return lambda: recorded(ledger, payment(posted, 1, at=START), "stored")


@row("maturation by payment", (3, 5, 2), entries=1)
def maturation(ledger: Ledger) -> Measured:
    posted = pending_purchase(ledger, age=2 * HOLD)
    warm(ledger)
    return lambda: recorded(ledger, settlement(posted, at=START - HOLD), "posted")


@row("maturation by payment, opening a lot", (3, 7, 2), entries=1)
def maturation_opening_lot(ledger: Ledger) -> Measured:
    posted = pending_purchase(ledger, age=2 * HOLD, without_lot=True)
    warm(ledger)
    return lambda: recorded(ledger, settlement(posted, at=START - HOLD), "posted")


@row("maturation by hold release", (3, 5, 2), entries=1)
def hold_release(ledger: Ledger) -> Measured:
    return released(ledger, pending_purchase(ledger).purchase)


@row("maturation by hold release, opening a lot", (3, 7, 2), entries=1)
def hold_release_opening_lot(ledger: Ledger) -> Measured:
    return released(ledger, pending_purchase(ledger, without_lot=True).purchase)


@row("refund of one line before maturation", entries=1)
def refund(ledger: Ledger) -> Measured:
    posted = pending_purchase(ledger)
    warm(ledger)
    return lambda: recorded(ledger, reference.line_refund(posted, at=START), "posted")


@row("refund of one line after maturation", entries=1)
def refund_of_matured(ledger: Ledger) -> Measured:
    posted = pending_purchase(ledger, age=2 * HOLD)
    ledger.recording.record(settlement(posted, at=START - HOLD), actor=ACTOR)
    warm(ledger)
    return lambda: recorded(ledger, reference.line_refund(posted, at=START), "posted")


@row("duplicate purchase", (2, 0, 2))
def duplicate_purchase(ledger: Ledger) -> Measured:
    posted = pending_purchase(ledger)
    warm(ledger)
    return lambda: recorded(ledger, posted, "duplicate")


@row("duplicate payment", (2, 0, 2))
def duplicate_payment(ledger: Ledger) -> Measured:
    posted = pending_purchase(ledger)
    paid = payment(posted, 1, at=START)
    ledger.recording.record(paid, actor=ACTOR)
    warm(ledger)
    return lambda: recorded(ledger, paid, "duplicate")


# --- Commands -------------------------------------------------------------------------------


@row("redemption at once", (3, 4, 2), entries=1)
def redemption(ledger: Ledger) -> Measured:
    member_id, _ = ledger.member()
    warm(ledger)
    command = reference.redemption(member_id, 1)
    return lambda: redeemed(ledger, command)


@row("redemption at once, on a ticket that earned", (3, 4, 3), entries=1)
def redemption_on_ticket(ledger: Ledger) -> Measured:
    posted = pending_purchase(ledger)
    warm(ledger)
    member_id = reference.earner_of(ledger, posted)
    ticket = Ticket(key=posted.purchase, amount=Decimal("250.00"))
    command = reference.redemption(member_id, 1, ticket=ticket)
    return lambda: redeemed(ledger, command)


@row("redemption at once, settling first", (3, 6, 2), entries=2)
def redemption_settling(ledger: Ledger) -> Measured:
    member_id, _ = ledger.member()
    ledger.clock.now = START + timedelta(days=40)
    warm(ledger)
    command = reference.redemption(member_id, 1)
    return lambda: redeemed(ledger, command)


@row("duplicate redemption", (2, 0, 2))
def duplicate_redemption(ledger: Ledger) -> Measured:
    member_id, _ = ledger.member()
    command = reference.redemption(member_id, 1)
    ledger.redeeming.redeem(command)
    warm(ledger)

    def run() -> None:
        assert ledger.redeeming.redeem(command).replayed

    return run


@row("reserve and capture", (6, 10, 4), entries=2)
def reserve_and_capture(ledger: Ledger) -> Measured:
    return again(ledger, lambda command: stepped(ledger, reserved(ledger, command), "capture"))


@row("reserve and capture in part", (6, 12, 4), entries=2)
def reserve_and_capture_in_part(ledger: Ledger) -> Measured:
    return again(ledger, lambda command: stepped(ledger, reserved(ledger, command), "capture", 100))


@row("duplicate capture", (1, 0, 1))
def duplicate_capture(ledger: Ledger) -> Measured:
    member_id, _ = ledger.member()
    id_ = reserved(ledger, reference.redemption(member_id, 1))
    capture = reference.step(id_, "capture", 1)
    ledger.redeeming.go_on(capture)
    warm(ledger)

    def run() -> None:
        assert ledger.redeeming.go_on(capture).replayed

    return run


@row("cancel", (3, 6, 2), entries=1)
def cancel(ledger: Ledger) -> Measured:
    return afterwards(ledger, lambda command: reserved(ledger, command), "cancel")


@row("reverse", (3, 6, 2), entries=1)
def reverse(ledger: Ledger) -> Measured:
    return afterwards(ledger, lambda command: redeemed(ledger, command), "reverse")


@row("transfer", (4, 6, 3), entries=2)
def transfer(ledger: Ledger) -> Measured:
    (sender, _), (receiver, _) = ledger.member(), ledger.member()
    warm(ledger)
    command = reference.transfer(sender, receiver, 1)

    def run() -> None:
        assert ledger.transferring.transfer(command).result["status"] == "completed"

    return run


@row("transfer, opening a lot", (4, 8, 3), entries=2)
def transfer_opening_lot(ledger: Ledger) -> Measured:
    # A lot of points that mature now: the warm process knows the hours of its markers.
    day = reference.lot_day(START)
    sender, _ = ledger.member({day: 1_250})
    receiver, _ = ledger.member(reference.lots(without=day))
    warm(ledger)
    command = reference.transfer(sender, receiver, 1)

    def run() -> None:
        assert ledger.transferring.transfer(command).result["status"] == "completed"

    return run


@row("duplicate transfer", (2, 0, 2))
def duplicate_transfer(ledger: Ledger) -> Measured:
    (sender, _), (receiver, _) = ledger.member(), ledger.member()
    command = reference.transfer(sender, receiver, 1)
    ledger.transferring.transfer(command)
    warm(ledger)

    def run() -> None:
        assert ledger.transferring.transfer(command).replayed

    return run


@row("sharing plan with two others", (5, 8, 4), entries=1)
def sharing_plan(ledger: Ledger) -> Measured:
    owner, *others = (ledger.member()[0] for _ in range(3))
    warm(ledger)
    command = reference.sharing(owner, tuple(others), 1)

    def run() -> None:
        assert not ledger.planning.plan(command).replayed

    return run


@row("merge of two members with five lots each", (5, 6, 5), entries=2)
def merge(ledger: Ledger) -> Measured:
    (source, _), (target, _) = (ledger.member(reference.lots(5)) for _ in range(2))
    warm(ledger)
    command = reference.merge(source, target, 1)

    def run() -> None:
        assert not ledger.merging.merge(command).replayed

    return run


@row("quote on a ticket")
def quote(ledger: Ledger) -> Measured:
    member_id, _ = ledger.member()
    warm(ledger)
    ticket = Ticket(key=reference.invoice_key(7), amount=Decimal("250.00"))

    def run() -> None:
        found, _ = ledger.redeeming.quote(member_id, ticket)
        assert found.allowed

    return run


@row("enrolment by hand", entries=1)
def enrolment(ledger: Ledger) -> Measured:
    warm(ledger)

    def run() -> None:
        assert ledger.enrolling.enrol(reference.enrolment(1)).created

    return run


# --- Actions --------------------------------------------------------------------------------


@row("action, reported by request", (3, 9, 3), entries=1)
def action(ledger: Ledger) -> Measured:
    # As an accrual, and the request that is kept for good.
    member_id, _ = ledger.member()
    warm(ledger)
    command = reference.action(member_id, 1)

    def run() -> None:
        assert ledger.acting.perform(command).created

    return run


@row("action that no rule names", (3, 8, 3))
def action_unknown(ledger: Ledger) -> Measured:
    member_id, _ = ledger.member()
    warm(ledger)
    command = replace(reference.action(member_id, 1), action="knitting")

    def run() -> None:
        assert ledger.acting.perform(command).result["status"] == "none"

    return run


@row("duplicate action, with the same key", (2, 0, 2))
def duplicate_action(ledger: Ledger) -> Measured:
    return action_again(ledger, key=1)


@row("duplicate action, with another key", (2, 0, 3))
def duplicate_action_with_another_key(ledger: Ledger) -> Measured:
    return action_again(ledger, key=2)


def action_again(ledger: Ledger, *, key: int) -> Measured:
    member_id, _ = ledger.member()
    ledger.acting.perform(reference.action(member_id, 1))
    warm(ledger)
    command = replace(reference.action(member_id, 1), request=reference.action_request(key))

    def run() -> None:
        done = ledger.acting.perform(command)
        assert done.replayed == (key == 1)
        assert done.replayed == done.created

    return run


@row("enrolment by hand, brought by a member", entries=2)
def enrolment_of_friend(ledger: Ledger) -> Measured:
    member_id, _ = ledger.member()
    warm(ledger)
    ledger.enrolling.enrol(reference.enrolment(1))

    def run() -> None:
        command = replace(reference.enrolment(2), referred_by=member_id)
        assert ledger.enrolling.enrol(command).created

    return run


@row("maturation by hold release that releases a referral", entries=2)
def referral_released(ledger: Ledger) -> Measured:
    member_id, _ = ledger.member()
    ledger.enrolling.enrol(replace(reference.enrolment(1), referred_by=member_id))
    posted = invoice(1, reference.customer(1), posted_at=START)
    ledger.recording.record(posted, actor=ACTOR)
    return released(ledger, posted.purchase)


@row("duplicate payment of somebody who was brought", (2, 0, 2))
def duplicate_payment_of_friend(ledger: Ledger) -> Measured:
    member_id, _ = ledger.member()
    ledger.enrolling.enrol(replace(reference.enrolment(1), referred_by=member_id))
    early = START - 2 * HOLD
    posted = invoice(1, reference.customer(1), posted_at=early)
    paid = payment(posted, 1, at=early)
    ledger.recording.record(posted, actor=ACTOR)
    ledger.recording.record(paid, actor=ACTOR)
    warm(ledger)
    return lambda: recorded(ledger, paid, "duplicate")


@row("visit of a birthday without a rule for it", (3, 6, 2))
def birthday_without_rule(ledger: Ledger) -> Measured:
    visits = []
    for number in range(2):
        command = replace(reference.enrolment(number), birthday="1990-05-17")
        member_id = ledger.enrolling.enrol(command).member_id
        program = ledger.programs.at(START)
        visits.append(upcoming(member_id, date(1990, 5, 17), now=START, zone=program.zone))
    first, second = visits
    assert first is not None
    assert second is not None
    ledger.clock.now = first.due_at
    warm(ledger)
    ledger.celebrating.visit("birthday", str(first), now=first.due_at, actor=ACTOR)

    def run() -> None:
        ledger.celebrating.visit("birthday", str(second), now=second.due_at, actor=ACTOR)

    return run


# --- Backtests ------------------------------------------------------------------------------


def backtest(members: int, purchases: int) -> Operation:
    """A backtest of so many members with so many purchases each, which are one page."""

    def prepare(ledger: Ledger) -> Measured:
        for number in range(members * purchases):
            posted = invoice(number, reference.customer(number % members), posted_at=START)
            ledger.recording.record(posted, actor=ACTOR)
        warm(ledger)
        starting, job = reference.backtests(ledger)
        simulation_id = starting.start(reference.backtest()).simulation_id

        def run() -> None:
            assert job.run(simulation_id, has_time=lambda: True) == "done"

        return run

    name = f"backtest, a page of {members} members with {purchases} purchases each"
    # Each member's entries, what has none, and earnings; the shards of the directory; the backtest
    # itself, its draft and the budget; its two writes.
    requests = 3 * members + SHARDS + 6
    read_units = members * purchases + 2 * members + SHARDS
    bar = Bar(requests=requests, write_units=2, read_units=read_units)
    return Operation(name=name, bar=bar, entries=0, prepare=prepare)


OPERATIONS.append(backtest(10, 5))

# --- Members --------------------------------------------------------------------------------


def enrolled(ledger: Ledger) -> MemberId:
    """A member with a profile, and points that were imported."""
    row = ImportRow(
        file_id="benchmark",
        row_id="row-1",
        fingerprint="0" * 64,
        name="Jane Doe",
        email="jane.doe@example.com",
        standing=Standing(organisation="acme"),
        external_ids=(reference.customer(77),),
        points=500,
        last_day=START.date() + timedelta(days=400),
    )
    return importing(ledger).take(row).member_id


def importing(ledger: Ledger) -> Importing:
    return Importing(
        path=path_of(ledger),
        programs=ledger.programs,
        clock=ledger.clock,
        new_member_id=ledger.new_member_id,
    )


def path_of(ledger: Ledger) -> WritePath:
    return WritePath(store=ledger.store, pause=lambda _: None)


@row("import of a member with a lot", entries=2)
def import_of_a_row(ledger: Ledger) -> Measured:
    warm(ledger)

    def run() -> None:
        enrolled(ledger)

    return run


def change(ledger: Ledger, command: ChangeMember) -> Measured:
    changing = Changing(
        path=path_of(ledger),
        programs=ledger.programs,
        clock=ledger.clock,
        recording=ledger.recording,
    )

    def run() -> None:
        assert not changing.change(command).replayed

    return run


@row("change of what decides about a member", entries=1)
def change_of_standing(ledger: Ledger) -> Measured:
    member_id = enrolled(ledger)
    warm(ledger)
    return change(
        ledger,
        ChangeMember(
            request=RequestKey(caller="7d9c1f4e-3a52-4c0b-9f61-0d9b3b1d2c11", key="change-1"),
            fingerprint="1" * 64,
            actor=ACTOR,
            member_id=member_id,
            standing={"tags": ("press",)},
        ),
    )


@row("change of personal data, name and address")
def change_of_profile(ledger: Ledger) -> Measured:
    member_id = enrolled(ledger)
    warm(ledger)
    personal = {"name": "Jane Roe", "email": "jane.roe@example.com"}
    return change(
        ledger,
        ChangeMember(
            request=None,
            fingerprint="2" * 64,
            actor=ACTOR,
            member_id=member_id,
            personal=personal,
        ),
    )


@row("erasure of a member", entries=1)
def erasure(ledger: Ledger) -> Measured:
    member_id = enrolled(ledger)
    warm(ledger)
    erasing = Erasing(
        path=path_of(ledger),
        programs=ledger.programs,
        clock=ledger.clock,
        personal_data=DynamoDbReader(ledger.client, ledger.table_name),
    )
    command = EraseMember(
        request=RequestKey(caller="7d9c1f4e-3a52-4c0b-9f61-0d9b3b1d2c11", key="erase-1"),
        fingerprint="3" * 64,
        actor=ACTOR,
        member_id=member_id,
    )

    def run() -> None:
        assert erasing.erase(command).forfeited == 500

    return run


@row("statement, a page of ten out of 1,000 entries")
def statement(ledger: Ledger) -> Measured:
    member_id = ledger.member_with_history(1_000)
    warm(ledger)
    statements = Statements(
        store=ledger.store,
        reader=DynamoDbReader(ledger.client, ledger.table_name),
        programs=ledger.programs,
    )

    def run() -> None:
        found = statements.statement(member_id, date(2026, 12, 1), begin=None, limit=10)
        assert len(found.entries) == 10

    return run


@row("adjustment at once", (3, 4, 2), entries=1)
def adjustment(ledger: Ledger) -> Measured:
    member_id, _ = ledger.member()
    warm(ledger)
    command = reference.adjustment(member_id, 1, points=-100)
    return lambda: adjusted(ledger, command, "completed")


@row("adjustment that waits for a second person", (3, 8, 2))
def adjustment_waiting(ledger: Ledger) -> Measured:
    member_id, _ = ledger.member()
    warm(ledger)
    command = reference.adjustment(member_id, 1, points=-1_000_000)
    return lambda: adjusted(ledger, command, "awaiting_approval")


@row("adjustment, approved", (3, 10, 3), entries=1)
def adjustment_approved(ledger: Ledger) -> Measured:
    member_id, _ = ledger.member({reference.lot_day(START): 5_000})
    asked = ledger.adjusting.adjust(reference.adjustment(member_id, 1, points=-6_000))
    warm(ledger)
    command = reference.approval(str(asked.result["approval_id"]), 1)

    def run() -> None:
        assert ledger.approving.run(command).result["status"] == "approved"

    return run


@row("reward claimed from its stock", (3, 6, 4), entries=1)
def reward_claim(ledger: Ledger) -> Measured:
    member_id, _ = ledger.member()
    reward_id = ledger.rewarding.create(reference.reward(1)).reward_id
    warm(ledger)
    command = replace(
        reference.redemption(member_id, 1), kind="reward", points=None, reward_id=reward_id
    )
    return lambda: redeemed(ledger, command)


@row("coupon made from points", (3, 6, 2), entries=1)
def coupon(ledger: Ledger) -> Measured:
    member_id, _ = ledger.member()
    warm(ledger)
    command = replace(reference.redemption(member_id, 1), kind="coupon")
    return lambda: redeemed(ledger, command)


@row("coupon used", (2, 4, 2))
def coupon_used(ledger: Ledger) -> Measured:
    return closing_coupon(ledger, "used")


@row("coupon cancelled", (4, 8, 4), entries=1)
def coupon_cancelled(ledger: Ledger) -> Measured:
    return closing_coupon(ledger, "cancelled")


# --- The program ----------------------------------------------------------------------------


@row("program version published", (2, 10, 3))
def program_version(ledger: Ledger) -> Measured:
    warm(ledger)
    command = reference.publication(ledger.programs.stored(FIRST_VERSION), 1)

    def run() -> None:
        assert ledger.publishing.publish(command).version > FIRST_VERSION

    return run


# --- Sweeps ---------------------------------------------------------------------------------


@row("expiry by sweep", (2, 1, 1), entries=1)
def expiry(ledger: Ledger) -> Measured:
    # Nobody has to be warned on that day: the next lot is not yet 30 days from its end.
    member_id, _ = ledger.member(reference.lots(without=date(2027, 3, 31)))
    ledger.clock.now = START + timedelta(days=40)
    warm(ledger)

    def run() -> None:
        assert ledger.expiring.expire(member_id, now=ledger.clock.now, actor="schedule:expiry") == 1

    return run


@row("expiry by sweep, nothing due", (1, 0, 1))
def nothing_to_expire(ledger: Ledger) -> Measured:
    member_id, _ = ledger.member()
    warm(ledger)

    def run() -> None:
        assert ledger.expiring.expire(member_id, now=START, actor="schedule:expiry") == 0

    return run


@row("reservation timed out by the sweep", (3, 2, 1), entries=1)
def reservation_timed_out(ledger: Ledger) -> Measured:
    members = [ledger.member()[0] for _ in range(2)]
    for number, member_id in enumerate(members):
        # The warning that is due today is no part of it.
        ledger.expiring.expire(member_id, now=START, actor="schedule:expiry")
        reserved(ledger, reference.redemption(member_id, number))
    ledger.clock.now = START + timedelta(minutes=16)
    warm(ledger)

    def timed_out(member_id: MemberId) -> None:
        now = ledger.clock.now
        assert ledger.expiring.expire(member_id, now=now, actor="schedule:hold_release") == 1

    timed_out(members[0])
    return lambda: timed_out(members[1])


@row("warning by sweep", (3, 2, 1), entries=1)
def warning(ledger: Ledger) -> Measured:
    return visited(ledger, reference.lots(without=date(2027, 2, 28)))


@row("expiry by sweep, and the warning of another lot", (4, 3, 1), entries=2)
def expiry_and_warning(ledger: Ledger) -> Measured:
    return visited(ledger, reference.lots())


@row("lot looked at on a day that is no warning day any more", (2, 1, 1))
def lot_looked_at_again(ledger: Ledger) -> Measured:
    member_id, _ = ledger.member()
    another, _ = ledger.member()
    warm(ledger)

    def visit(visited_id: MemberId) -> None:
        target = LookTarget(member_id=visited_id, day=date(2027, 4, 30), days_before=90)
        assert ledger.expiring.visit(str(target), now=START, actor="schedule:expiry") == 0

    visit(another)
    return lambda: visit(member_id)


@row("tier lowered by review", (2, 1, 1), entries=1)
def tier_lowered(ledger: Ledger) -> Measured:
    member_id, _ = ledger.member()
    # The last of its points were of December: a year later the grace is over, too.
    ledger.clock.now = START + timedelta(days=400)
    warm(ledger)
    return lambda: reviewed(ledger, member_id, posted=1)


@row("fall of a tier noted by review", (2, 4, 1), entries=1)
def fall_noted(ledger: Ledger) -> Measured:
    member_id, _ = ledger.member()
    another, _ = ledger.member()
    # Most of its points were of the year before, and the grace is not over yet.
    ledger.clock.now, moved_on = START + timedelta(days=300), date(2027, 11, 1)
    warm(ledger)
    reviewed(ledger, another, posted=1, due_on=moved_on)
    return lambda: reviewed(ledger, member_id, posted=1, due_on=moved_on)


@row("tier review, the window moved on and nothing changes", (2, 4, 1))
def tier_kept(ledger: Ledger) -> Measured:
    member_id, _ = ledger.member()
    another, _ = ledger.member()
    warm(ledger)
    reviewed(ledger, another, posted=0)
    return lambda: reviewed(ledger, member_id, posted=0)


@row("tier review, no tier", (1, 0, 1))
def no_tier(ledger: Ledger) -> Measured:
    member_id, _ = ledger.member(standing=replace(reference.GOLD, tier=None))
    # Long after its last qualifying points; before that a review would raise the tier.
    ledger.clock.now = START + timedelta(days=800)
    warm(ledger)
    return lambda: reviewed(ledger, member_id, posted=0)


@row("a tick of a sweep, no marker due")
def idle_tick(ledger: Ledger) -> Measured:
    warm(ledger)

    def visit(_target: str, _now: datetime) -> int:
        raise AssertionError("there is nothing to visit")

    sweep = Sweep(kind="expiry", store=ledger.sweeps, visit=visit, clock=ledger.clock)

    def run() -> None:
        assert sweep.run(ledger.clock.now).complete

    return run


def reviewed(
    ledger: Ledger, member_id: MemberId, *, posted: int, due_on: date = date(2027, 2, 1)
) -> None:
    """A look at a tier on a day of the window."""
    target = str(ReviewTarget(member_id=member_id, day=due_on))
    now = ledger.clock.now
    assert ledger.reviewing.visit(target, now=now, actor="schedule:tier_review") == posted


def visited(ledger: Ledger, held: Lots) -> Measured:
    """A look on the day on which February is over and the warning for March is due."""
    member_id, _ = ledger.member(held)
    another, _ = ledger.member(held)
    ledger.clock.now = START + timedelta(days=29)
    warm(ledger)

    def visit(visited_id: MemberId) -> None:
        now = ledger.clock.now
        assert ledger.expiring.expire(visited_id, now=now, actor="schedule:expiry")

    visit(another)
    return lambda: visit(member_id)


# --- Challenges and leaderboards ------------------------------------------------------------


@row("accrual, ten challenges and five streaks", (3, 9, 3), entries=1, entry_units=2)
def accrual_with_challenges(ledger: Ledger) -> Measured:
    ledger.play(reference.challenges(10, count=5), reference.streaks(5))
    posted = bought_before(ledger, 1)
    return lambda: recorded(ledger, posted, "posted")


@row("accrual that wins a challenge, and its prize", (7, 18, 6), entries=2)
def accrual_with_prize(ledger: Ledger) -> Measured:
    ledger.play(reference.challenges(1, count=2))
    posted = bought_before(ledger, 1, lots=5)
    return lambda: recorded(ledger, posted, "posted")


@row("challenges of a member", (1, 0, 1))
def challenges_shown(ledger: Ledger) -> Measured:
    ledger.play(reference.challenges(10, count=5), reference.streaks(5))
    posted = bought_before(ledger, 1)
    member_id = reference.earner_of(ledger, posted)
    challenges = Challenges(store=ledger.store, programs=ledger.programs, clock=ledger.clock)

    def run() -> None:
        assert challenges.progress(member_id).challenges[0].count == 1

    return run


@row("score of a leaderboard, of a member who is on it", (2, 8, 2))
def score_kept(ledger: Ledger) -> Measured:
    ledger.play(leaderboards=[reference.LEADERBOARD])
    boards, entries = leaderboards(ledger), scored(ledger, 2)
    boards.keep(entries[0])

    def run() -> None:
        assert boards.keep(entries[1]) == 1

    return run


@row("score of a leaderboard, told again", (1, 0, 2))
def score_kept_again(ledger: Ledger) -> Measured:
    ledger.play(leaderboards=[reference.LEADERBOARD])
    boards, [entry] = leaderboards(ledger), scored(ledger, 1)
    boards.keep(entry)

    def run() -> None:
        boards.keep(entry)

    return run


@row("leaderboard, the first ten", (2, 0, 2))
def leaderboard_shown(ledger: Ledger) -> Measured:
    ledger.play(leaderboards=[reference.LEADERBOARD])
    boards = leaderboards(ledger)
    for _ in range(12):
        boards.keep(scored(ledger, 1)[0])

    def run() -> None:
        assert len(boards.show("top-customers", None, limit=10).places) == 10

    return run


@row("leaderboard frozen, three prizes awarded", (10, 22, 9))
def leaderboard_frozen(ledger: Ledger) -> Measured:
    ledger.play(leaderboards=[reference.LEADERBOARD])
    boards = leaderboards(ledger)
    for _ in range(3):
        boards.keep(scored(ledger, 1)[0])
    ledger.clock.now = START + timedelta(days=2)
    warm(ledger)

    def run() -> None:
        assert boards.freeze("top-customers:2027-01", now=ledger.clock.now) == 3

    return run


def leaderboards(ledger: Ledger) -> Leaderboards:
    return Leaderboards(
        path=path_of(ledger),
        store=ledger.store,
        lists=DynamoDbReader(ledger.client, ledger.table_name),
        programs=ledger.programs,
        clock=ledger.clock,
    )


def bought_before(ledger: Ledger, purchases: int, lots: int = reference.LOTS) -> PurchasePosted:
    """One more purchase of a member who has made so many in this period."""
    _, customer = ledger.member(reference.lots(lots))
    warm(ledger)
    for number in range(purchases):
        ledger.recording.record(invoice(50 + number, customer, posted_at=START), actor=ACTOR)
    return invoice(1, customer, posted_at=START)


def scored(ledger: Ledger, purchases: int) -> list[Entry]:
    """The entries of a member's purchases."""
    member_id, customer = ledger.member()
    warm(ledger)
    entries: list[Entry] = []
    for number in range(purchases):
        posted = invoice(100 * ledger.members + number, customer, posted_at=START)
        ledger.recording.record(posted, actor=ACTOR)
        head = ledger.store.head(member_id)
        assert head is not None
        entries.append(head)
    return entries


# --- Reports of members ---------------------------------------------------------------------


row("totals of a purchase", (3, 42, 2), index_units=12)(member_reports.purchase_counted)


@row("totals of 50 purchases of 50 members, one batch", (5, 972, 51), index_units=412)
def purchases_counted(ledger: Ledger) -> Measured:
    return member_reports.purchase_counted(ledger, 50)


for entries in (1_000, 1_000_000):
    row(f"report of sales, {entries:,} entries", (3, 0, 151))(member_reports.sales(entries))
    row(f"report of top members, {entries:,} entries", (3, 0, 151))(
        member_reports.top_members(entries)
    )
    row(f"report of engagement, {entries:,} entries", (1, 0, 4))(member_reports.engagement(entries))


# --- What a cold process adds ---------------------------------------------------------------


@row("cold process: the program")
def cold_program(ledger: Ledger) -> Measured:
    return lambda: ledger.another_process().programs.at(START)


@row("cold process: accrual, with the program and an hour", entries=1)
def cold_accrual(ledger: Ledger) -> Measured:
    _, customer = ledger.member()
    cold = ledger.another_process()
    posted = invoice(1, customer, posted_at=START)
    return lambda: recorded(cold, posted, "posted")


# --- Parts ----------------------------------------------------------------------------------


def warm(ledger: Ledger) -> None:
    """Let the process know what one that works all day knows."""
    ledger.warm()


def pending_purchase(
    ledger: Ledger, *, age: timedelta = timedelta(), without_lot: bool = False
) -> PurchasePosted:
    """A purchase that is recorded; `without_lot`, its points will need a lot of their own."""
    posted_at = START - age
    day = reference.lot_day(posted_at + HOLD) if without_lot else None
    _, customer = ledger.member(reference.lots(without=day))
    posted = invoice(1, customer, posted_at=posted_at)
    ledger.recording.record(posted, actor=ACTOR)
    return posted


def recorded(ledger: Ledger, fact: Fact, outcome: str) -> None:
    """Record a fact and see that it became what the row is about."""
    assert ledger.recording.record(fact, actor=ACTOR).outcome == outcome


def released(ledger: Ledger, key: EarningKey) -> Measured:
    """The release of a purchase that was paid for while its hold ran."""
    paid = PurchaseSettled(purchase=key, at=START)
    ledger.recording.record(paid, actor=ACTOR)
    ledger.clock.now = START + HOLD
    warm(ledger)

    def run() -> None:
        done = ledger.recording.release(key, now=ledger.clock.now, actor="schedule:hold_release")
        assert done.outcome == "posted"

    return run


def adjusted(ledger: Ledger, command: AdjustPoints, status: str) -> None:
    """Adjust for the first time and see that it became what the row is about."""
    assert ledger.adjusting.adjust(command).result["status"] == status


def closing_coupon(ledger: Ledger, to: Literal["used", "cancelled"]) -> Measured:
    """Using or cancelling a coupon that has just been made, of a part of a lot."""
    member_id, _ = ledger.member({reference.lot_day(START): 5_000})
    made = ledger.redeeming.redeem(replace(reference.redemption(member_id, 1), kind="coupon"))
    told = made.result["coupon"]
    assert isinstance(told, dict)
    warm(ledger)
    command = reference.closing(told["code"], to, 1)

    def run() -> None:
        assert ledger.couponing.close(command).result["status"] == to

    return run


def redeemed(ledger: Ledger, command: RedeemPoints) -> RedemptionId:
    """Redeem for the first time."""
    done = ledger.redeeming.redeem(command)
    assert not done.replayed
    return RedemptionId(str(done.result["redemption_id"]))


def reserved(ledger: Ledger, command: RedeemPoints) -> RedemptionId:
    """Reserve for the first time."""
    return redeemed(ledger, replace(command, reserve=True))


def stepped(ledger: Ledger, id_: RedemptionId, step: StepName, points: int | None = None) -> None:
    """Go on with a redemption, as only one request does."""
    assert not ledger.redeeming.go_on(reference.step(id_, step, 1, points=points)).replayed


def again(ledger: Ledger, run: Callable[[RedeemPoints], object]) -> Measured:
    """What has just been done for another member: the hours of all its markers are known."""
    commands = [reference.redemption(ledger.member()[0], number) for number in range(2)]
    warm(ledger)
    run(commands[0])
    return lambda: run(commands[1])


def afterwards(
    ledger: Ledger, begin: Callable[[RedeemPoints], RedemptionId], step: StepName
) -> Measured:
    """Only what comes after a redemption was begun, just done for another member."""
    ids = [begin(reference.redemption(ledger.member()[0], number)) for number in range(2)]
    warm(ledger)
    stepped(ledger, ids[0], step)
    return lambda: stepped(ledger, ids[1], step)


# --- Mails ----------------------------------------------------------------------------------


class Postbox:
    """A mail service that takes everything; what a mail costs there is its own affair."""

    def send(self, letter: Letter) -> Sent:
        assert letter.mail.text
        return Sent("mail-1")


def mailed(ledger: Ledger, event: MailedEvent, outcome: str) -> Measured:
    """The mail about a redemption, the second entry of a member with a profile."""
    member_id = enrolled(ledger)
    ledger.redeeming.redeem(reference.redemption(member_id, 1, points=500))
    head = ledger.store.head(member_id)
    assert head is not None
    if outcome == "unsubscribed":
        wish = ChangeMember(
            request=None,
            fingerprint="0" * 64,
            actor=ACTOR,
            member_id=member_id,
            personal={"notifications": False},
        )
        change(ledger, wish)()
    warm(ledger)
    mailing = Mailing(
        store=DynamoDbMail(ledger.client, ledger.table_name),
        mailer=Postbox(),
        programs=ledger.programs,
        clock=ledger.clock,
        key=lambda: "k" * 64,
        new_token=map("{:032x}".format, itertools.count()).__next__,
        unsubscribe_url="https://api.example/unsubscribe",
        portal_url="https://api.example/portal",
    )
    told = Told(event=event, member_id=member_id, number=head.number)

    if outcome == "duplicate":
        assert mailing.tell(told).name == "sent"

    def run() -> None:
        assert mailing.tell(told).name == outcome

    return run


@row("mail", (4, 2, 4))
def mail(ledger: Ledger) -> Measured:
    return mailed(ledger, "PointsRedeemed", "sent")


@row("mail that unites what one sweep posted", (5, 2, 6))
def mail_of_a_sweep(ledger: Ledger) -> Measured:
    return mailed(ledger, "PointsMatured", "sent")


@row("mail that nobody wants", (2, 0, 4))
def unwanted_mail(ledger: Ledger) -> Measured:
    return mailed(ledger, "PointsRedeemed", "unsubscribed")


@row("mail told again", (3, 1, 4))
def duplicate_mail(ledger: Ledger) -> Measured:
    return mailed(ledger, "PointsRedeemed", "duplicate")


# --- Totals and reports ---------------------------------------------------------------------


def totalling(ledger: Ledger) -> Totalling:
    """Everything that is counted of the stream."""
    return Totalling(
        store=DynamoDbTotals(ledger.client, ledger.table_name),
        program_at=ledger.programs.at,
        counting=COUNTING,
        remembering=REMEMBERING,
    )


def accruals(ledger: Ledger, members: int) -> list[Change]:
    """An accrual of each of some members, as the stream tells it."""
    changes = []
    for number in range(1, members + 1):
        member_id, billed = ledger.member()
        recorded(ledger, invoice(number, billed, posted_at=START), "posted")
        head = ledger.store.head(member_id)
        assert head is not None
        changes.append(Change(sequence_number=number, at=START, after=head))
    return changes


def counted(entries: int, bar: tuple[int, int, int]) -> Operation:
    def prepare(ledger: Ledger) -> Measured:
        # The items of the month are there, and what is remembered of the members.
        changes = accruals(ledger, entries)
        counting = totalling(ledger)
        counting.count("before", changes)
        warm(ledger)

        def run() -> None:
            assert counting.count("shard", changes) == entries

        return run

    name = f"totals of {entries} entries in one batch" if entries > 1 else "totals of one entry"
    requests, write_units, read_units = bar
    limit = Bar(requests=requests, write_units=write_units, read_units=read_units)
    # The points of a member, of the month and in all, stand in an index by their rank.
    return Operation(name=name, bar=limit, entries=0, prepare=prepare, index_units=4 * entries)


def reporting(ledger: Ledger, entries: int) -> Reporting:
    """Reports over three years of synthetic totals, asked for at their end."""
    totals = DynamoDbTotals(ledger.client, ledger.table_name)
    synthetic.fill(totals, entries, START)
    warm(ledger)
    ledger.programs.at(START)
    return Reporting(
        totals=totals, store=ledger.store, programs=ledger.programs, clock=lambda: START
    )


def report(entries: int) -> list[Operation]:
    """Each report of the ledger; the bars do not know how many entries there are."""

    def owed(ledger: Ledger) -> Measured:
        reports = reporting(ledger, entries)
        return lambda: reports.liability(None, Decimal(0))

    def owed_at(ledger: Ledger) -> Measured:
        reports = reporting(ledger, entries)
        return lambda: reports.liability(date(2026, 12, 31), Decimal(0))

    def rolled_forward(ledger: Ledger) -> Measured:
        reports = reporting(ledger, entries)
        return lambda: reports.activity(date(2025, 1, 1), date(2026, 12, 1))

    rows = (
        ("report of what is owed", owed, (1, 0, 20)),
        ("report of what was owed at a day", owed_at, (2, 0, 36)),
        ("report of 24 months of activity", rolled_forward, (3, 0, 32)),
    )
    return [
        Operation(
            name=f"{name}, {entries:,} entries",
            bar=Bar(requests=requests, write_units=write_units, read_units=read_units),
            entries=0,
            prepare=prepare,
        )
        for name, prepare, (requests, write_units, read_units) in rows
    ]


OPERATIONS.extend([counted(1, (2, 20, 2)), counted(50, (3, 424, 2))])
OPERATIONS.extend(operation for entries in (1_000, 1_000_000) for operation in report(entries))


class Endpoints:
    """Endpoints of outbound webhooks that all answer alike."""

    def __init__(self, outcome: TryOutcome) -> None:
        self.outcome = outcome

    def post(
        self,
        url: str,  # noqa: ARG002 - as the port has it
        *,
        secrets: Sequence[str],
        occurrence: Occurrence,
        at: datetime,
    ) -> Try:
        assert secrets
        assert occurrence.content
        return Try(at=at, outcome=self.outcome, status_code=None, duration_milliseconds=20)


def posted(ledger: Ledger, outcome: TryOutcome) -> tuple[DynamoDbOutbound, Measured]:
    """The event of a member's newest entry at an endpoint among as many as there may be."""
    member_id = enrolled(ledger)
    head = ledger.store.head(member_id)
    assert head is not None
    store = DynamoDbOutbound(ledger.client, ledger.table_name)
    for endpoint in store.endpoints():
        store.remove(endpoint.webhook_id)
    hooks = [WebhookId(f"whk_{number:024d}") for number in range(MAX_ENDPOINTS)]
    for hook in hooks:
        endpoint = Endpoint(
            webhook_id=hook, url="https://hooks.example.org/points", created_at=ledger.clock()
        )
        secrets = SigningSecrets(webhook_id=hook, current=f"whsec_{'k' * 44}")
        assert store.register(endpoint, secrets, None)
    at, id_ = head.recorded_at, event_id(member_id, head.number)
    detail = {"id": id_, **entry_detail(head)}
    document = {"type": "PointsMatured", "timestamp": format_instant(at), "data": detail}
    occurrence = Occurrence(id=id_, type="PointsMatured", at=at, content=json.dumps(document))
    to = delivery_id(hooks[0], id_, at)
    errand = Errand(webhook_id=hooks[0], delivery_id=to, occurrence=occurrence)
    delivering = Delivering(
        store=store, courier=Endpoints(outcome), clock=ledger.clock, delays=(MINUTE,)
    )
    warm(ledger)
    return store, lambda: delivering.deliver(errand)


@row("outbound webhook: endpoints of an event", (1, 0, 2))
def outbound_endpoints(ledger: Ledger) -> Measured:
    store, _ = posted(ledger, "delivered")

    def run() -> None:
        assert len(store.endpoints()) == MAX_ENDPOINTS

    return run


@row("outbound webhook delivered", (2, 1, 3))
def outbound_delivered(ledger: Ledger) -> Measured:
    return posted(ledger, "delivered")[1]


@row("outbound webhook that fails", (3, 2, 3))
def outbound_failed(ledger: Ledger) -> Measured:
    return posted(ledger, "refused")[1]


@row("outbound webhook told again", (1, 0, 3))
def outbound_duplicate(ledger: Ledger) -> Measured:
    _, deliver = posted(ledger, "delivered")
    deliver()
    return deliver


# --- Looking after the ledger ---------------------------------------------------------------


@row("reconciliation, one member of four entries", (4, 0, 4))
def member_checked(ledger: Ledger) -> Measured:
    # The chain, the earnings, what the index has under the member, the redemptions.
    member_id = honest_member(ledger)
    scan = DynamoDbScan(ledger.client, ledger.table_name)
    reader = DynamoDbReader(ledger.client, ledger.table_name)
    reconciling = Reconciling(
        path=WritePath(store=ledger.store, pause=lambda _: None),
        store=ledger.store,
        scan=scan,
        reader=reader,
        lists=reader,
        integrity=DynamoDbIntegrity(ledger.client, ledger.table_name),
        programs=ledger.programs,
        clock=ledger.clock,
        tell=lambda _: None,
    )
    warm(ledger)

    def run() -> None:
        assert reconciling._check(member_id, ledger.clock.now).broken == ()

    return run


@row("recount, one member of four entries", (1, 0, 1))
def member_recounted(ledger: Ledger) -> Measured:
    member_id = honest_member(ledger)
    recounts = DynamoDbRecounts(ledger.client, ledger.table_name)
    recounting = Recounting(
        scan=DynamoDbScan(ledger.client, ledger.table_name),
        lists=DynamoDbReader(ledger.client, ledger.table_name),
        store=recounts,
        totals=DynamoDbTotals(ledger.client, ledger.table_name),
        mender=recounts,
        programs=ledger.programs,
        clock=ledger.clock,
    )
    until = Recount(until=ledger.clock.now.date() + timedelta(days=400))
    warm(ledger)

    def run() -> None:
        assert recounting._member(until)(member_id).entries == MADE

    return run


@row("checkpoint, one head", (1, 0, 1))
def head_checkpointed(ledger: Ledger) -> Measured:
    member_id = honest_member(ledger)
    heads = DynamoDbHeads(ledger.client, ledger.table_name)
    warm(ledger)

    def run() -> None:
        assert heads.head(member_id).number == MADE

    return run


MADE: Final = 4
"""Entries of `honest_member`."""


def honest_member(ledger: Ledger) -> MemberId:
    """A member who was enrolled, got points, spent some and bought something: four entries."""
    member_id = ledger.enrolling.enrol(reference.enrolment(1)).member_id
    ledger.adjusting.adjust(reference.adjustment(member_id, 1, points=5_000))
    redeemed(ledger, reference.redemption(member_id, 1))
    recorded(ledger, invoice(1, reference.customer(1), posted_at=START), "posted")
    return member_id
