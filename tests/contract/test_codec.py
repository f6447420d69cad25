"""Items and values: nothing is lost on the way, what was stored once stays readable, sizes hold."""

import base64
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from points_ledger.adapters.dynamodb import codec, keys, sweeps
from points_ledger.adapters.dynamodb.codec import Attributes, decode_stream_image
from points_ledger.adapters.dynamodb.item_size import WRITE_UNIT_BYTES, size_bytes
from points_ledger.adapters.dynamodb.tracing import correlation_of
from points_ledger.contracts.stored_program import program_from_stored
from points_ledger.domain.earning import Action, BoughtMembership, Earned, Earning, Pin, Posted
from points_ledger.domain.entry import Entry, Posting, chain, entry_hash
from points_ledger.domain.error import BrokenInvariantError
from points_ledger.domain.fact import (
    Earner,
    Line,
    LineRefund,
    Payment,
    PurchaseRefunded,
    Refund,
    RefundCancelled,
    Snapshot,
)
from points_ledger.domain.identity import (
    ApprovalId,
    CouponCode,
    EarningKey,
    ExternalId,
    MemberId,
    PaymentKey,
    RedemptionId,
    RewardId,
    SimulationId,
)
from points_ledger.domain.lot import NEVER
from points_ledger.domain.program import VersionPeriod
from points_ledger.domain.sharing import Share, whole
from points_ledger.domain.state import EMPTY, Grant, Reservation, Standing
from points_ledger.service.ports import (
    Answered,
    Approval,
    Board,
    Budget,
    Coupon,
    ExternalLink,
    Listed,
    Marker,
    Note,
    Park,
    PaymentLink,
    PendingShare,
    Profile,
    ProgramVersion,
    Redemption,
    Request,
    RequestKey,
    Reward,
    RewardGrant,
    Score,
    Simulation,
    SimulationDraft,
    Stock,
    Stored,
    VersionList,
    Wait,
)
from points_ledger.service.sweep_ports import ShardProgress, SweepProgress
from tests.contract import shapes
from tests.contract.shapes import CUSTOMER, MEMBER, POSTED_AT, RECORDED_AT

SAMPLES = Path(__file__).resolve().parent / "samples"
DOCUMENT = (
    '{"name":"Acme","currency":"USD","time_zone":"America/Chicago",'
    '"point_value":{"points":100,"amount":"1.00"},'
    '"earning_rules":[{"id":"all","on":"purchase","points":1,"per_amount":"1.00"}]}'
)
DAY = timedelta(days=1)
FRIEND = MemberId("mbr_friend")
TICKET = EarningKey(source="pos", kind="ticket", id="T:1#%")
PAYMENT = PaymentKey(source="stripe", id="pi_1#")
COUPON_CODE = CouponCode("7Q2M-0XKC-9D4T-HB3F-W")

# --- What the stored samples stand for ------------------------------------------------------

ENROLMENT = chain(
    None,
    MEMBER,
    Posting(
        type="enrolment",
        at=POSTED_AT,
        standing=Standing(
            tags=("press", "vip"), organisation="Kanzlei Müller", jurisdiction="US-IL", earns=False
        ),
        actor="staff:4f0c",
        reason="asked by phone",
        details={"note": "ab" * 32},
    ),
    RECORDED_AT,
)

WHOLE_LIFE = Earning(
    key=TICKET,
    revision=9,
    snapshot=Snapshot(
        posted_at=POSTED_AT,
        updated_at=POSTED_AT + DAY,
        currency="USD",
        lines=(
            Line(id="1", amount=Decimal("60.00"), item="ITEM-1", category="original"),
            Line(id="2", amount=Decimal("-10.5"), product="prod_1", quantity=Decimal("2.5")),
            Line(id="3", amount=Decimal(0)),
        ),
        total=Decimal(110),
        earner=Earner(external_id=CUSTOMER, member_id=MEMBER),
        points_paid_amount=Decimal("20.00"),
        own_order=False,
        billed_to=ExternalId(source="pos", id="bill:to"),
    ),
    posted_at=POSTED_AT - DAY,
    payments={
        "p1": Payment(id="p1", amount=Decimal("40.00"), at=POSTED_AT),
        "p2": Payment(id="p2", amount=Decimal(50), at=POSTED_AT + DAY, currency="USD"),
    },
    payment_reversals={"p1": POSTED_AT + 2 * DAY},
    refunds={
        "r1": Refund(id="r1", at=POSTED_AT + DAY, amount=Decimal("5.00"), currency="USD"),
        "r2": Refund(
            id="r2",
            at=RECORDED_AT,
            lines=(LineRefund(line_id="1", amount=Decimal(60)),),
            settles=("r0", "r1"),
        ),
    },
    refund_cancellations={"r1": RECORDED_AT},
    settled_at=POSTED_AT + DAY,
    voided_at=RECORDED_AT,
    earner_id=MEMBER,
    program_version=2,
    pinned_for=POSTED_AT,
    pins={
        MEMBER: Pin(
            allocation=(
                Share(member_id=MEMBER, percent=60),
                Share(member_id=FRIEND, percent=40),
            ),
            tier="gold",
            tags=("press",),
            organisation="Kanzlei Müller",
            jurisdiction="US-IL",
            earns=False,
        ),
        FRIEND: Pin(allocation=whole(FRIEND)),
    },
    posted={
        MEMBER: Posted(
            earned=60,
            matured=50,
            written_off=20,
            lapsed=10,
            lots={date(2029, 1, 31): 30, NEVER: 20},
            absorbed={date(2027, 1, 31): 5},
            used={"used:campaign:x": 3},
        ),
        FRIEND: Posted(earned=40),
    },
    earned=Earned(
        points=100,
        rules=(("all", 90), ("all", 10)),
        used={"used:campaign:x": 3},
        truncated=("x",),
        releases=("linked_purchase",),
        excess_refund=True,
    ),
    due_at=RECORDED_AT,
)

ACTION = Earning(
    key=EarningKey(source="standard", kind="action", id="signup:7"),
    revision=1,
    action=Action(
        name="signup",
        at=POSTED_AT,
        earner=Earner(external_id=CUSTOMER),
        linked_purchase=TICKET,
    ),
    posted_at=POSTED_AT,
)

RELEASED = replace(
    ACTION,
    key=EarningKey(source="api", kind="action", id="booking:7"),
    action=Action(
        name="booking",
        at=POSTED_AT,
        earner=Earner(external_id=ExternalId(source="member", id=str(MEMBER)), member_id=MEMBER),
        linked_purchase=TICKET,
        linked_also=replace(TICKET, source="standard"),
    ),
    released_at=RECORDED_AT,
)
FOLLOWED = replace(
    shapes.purchase(1),
    pins={MEMBER: Pin(allocation=whole(MEMBER), referral=FRIEND)},
    followers=frozenset({RELEASED.key, ACTION.key}),
    told=frozenset({RELEASED.key}),
)

RESERVED = {date(2027, 2, 28): 100, NEVER: 40}
RESERVATION = chain(
    shapes.head(3),
    MEMBER,
    Posting(
        type="reservation",
        at=RECORDED_AT,
        reserved=140,
        lots={date(2027, 2, 28): -100, date(2027, 3, 31): -40},
        reservations={
            "rdm_1": Reservation(
                lots={date(2027, 2, 28): 100, date(2027, 3, 31): 40},
                expires_at=RECORDED_AT + timedelta(minutes=15),
                value=140,
                year=2027,
            )
        },
        counters={"redeemed_value:2027": 140},
        source=TICKET,
        program_version=12,
        actor="till:3f9c",
        details={"redemption": "rdm_1"},
        inputs={"points": "140", "amount": "1.40"},
    ),
    RECORDED_AT,
)
CAPTURE = chain(
    RESERVATION,
    MEMBER,
    Posting(
        type="capture",
        at=RECORDED_AT + timedelta(minutes=1),
        reserved=-140,
        lots={date(2027, 3, 31): 10},
        reservations={"rdm_1": None},
        counters={"redeemed": 130, "redeemed_value:2027": -10},
        source=TICKET,
        program_version=12,
        actor="till:3f9c",
        inputs={"spent": "130"},
    ),
    RECORDED_AT + timedelta(minutes=1),
)
MERGED = chain(
    None,
    MEMBER,
    Posting(
        type="enrolment",
        at=POSTED_AT,
        standing=Standing(
            sharing=(Share(member_id=MEMBER, percent=60), Share(member_id=FRIEND, percent=40)),
            aliases=(MemberId("mbr_old"), MemberId("mbr_#2")),
        ),
        actor="person:4f0c",
    ),
    RECORDED_AT,
)

STORED: dict[str, Stored] = {
    "entry": shapes.maturation(3),
    "entry_enrolment": ENROLMENT,
    "entry_redemption": shapes.redemption(5),
    "entry_deflated": shapes.accrual(40),
    "earning": shapes.purchase(2),
    "earning_whole_life": WHOLE_LIFE,
    "earning_action": ACTION,
    "earning_released": RELEASED,
    "earning_followed": FOLLOWED,
    "earning_granted": replace(
        shapes.purchase(1), grants={"black-friday": {0: 20, 3: 480}, "spring": {2: 1}}
    ),
    "earning_deflated": shapes.purchase(40),
    "external_link": ExternalLink(external_id=CUSTOMER, member_id=MEMBER, linked_at=RECORDED_AT),
    "payment_link": PaymentLink(payment=PAYMENT, purchase=TICKET),
    "redemption": Redemption(
        redemption_id=RedemptionId("rdm_1"),
        member_id=MEMBER,
        fingerprint="f" * 64,
        points=500,
        amount="5.00",
        currency="USD",
        kind="ticket",
        status="completed",
        created_at=RECORDED_AT,
        entry=7,
        ticket=TICKET,
        result='{"status":"completed"}',
    ),
    "entry_reservation": RESERVATION,
    "entry_capture": CAPTURE,
    "entry_sharing": MERGED,
    "redemption_in_steps": Redemption(
        redemption_id=RedemptionId("rdm_2"),
        revision=4,
        member_id=MEMBER,
        fingerprint="f" * 64,
        points=140,
        amount="1.40",
        currency="USD",
        kind="reward",
        status="reversed",
        created_at=RECORDED_AT,
        entry=8,
        ticket=TICKET,
        result='{"status":"reserved"}',
        program_version=12,
        year=2027,
        lots=RESERVED,
        captured=130,
        reversed=130,
        expires_at=RECORDED_AT + timedelta(minutes=15),
        holds=True,
        requested_by="4f0c",
        approval_id=ApprovalId("apr_1"),
        reward_id=RewardId("rwd_1"),
        coupon=COUPON_CODE,
        commands={"ab" * 12: Answered(fingerprint="e" * 64, result='{"status":"reversed"}')},
    ),
    "approval": Approval(
        approval_id=ApprovalId("apr_#1"),
        kind="transfer",
        member_id=MEMBER,
        points=-501,
        requested_by="4f0c",
        subject="trf_1",
        command='{"to":"mbr_friend"}',
        created_at=RECORDED_AT,
        expires_at=RECORDED_AT + 30 * DAY,
    ),
    "approval_decided": Approval(
        approval_id=ApprovalId("apr_2"),
        revision=2,
        kind="adjustment",
        member_id=MEMBER,
        points=501,
        requested_by="4f0c",
        subject="adj_1",
        status="approved",
        created_at=RECORDED_AT,
        decided_by="9a1d",
        decided_at=RECORDED_AT + DAY,
    ),
    "reward": Reward(
        reward_id=RewardId("rwd_1"),
        revision=3,
        name="Köln mug",
        description="Blue, 0.3 l",
        kind="coupon",
        points=140,
        amount="5.00",
        amount_due="2.50",
        tiers=("gold", "platin#um"),
        valid_from=POSTED_AT,
        valid_until=RECORDED_AT,
        is_limited=True,
        created_at=POSTED_AT,
    ),
    "reward_plain": Reward(
        reward_id=RewardId("rwd_2"),
        name="Mug",
        points=1,
        is_active=False,
        created_at=RECORDED_AT,
    ),
    "stock": Stock(reward_id=RewardId("rwd_1"), remaining=0),
    "coupon": Coupon(
        code=COUPON_CODE,
        member_id=MEMBER,
        redemption_id=RedemptionId("rdm_2"),
        points=140,
        amount="1.40",
        currency="USD",
        last_day=date(2027, 5, 1),
        created_at=RECORDED_AT,
    ),
    "coupon_used": Coupon(
        code=CouponCode("0000-0000-0000-0000-0"),
        revision=2,
        member_id=MEMBER,
        redemption_id=RedemptionId("rdm_3"),
        reward_id=RewardId("rwd_1"),
        points=140,
        amount="5.00",
        currency="USD",
        status="used",
        last_day=date(2027, 5, 1),
        created_at=RECORDED_AT,
        used_at=RECORDED_AT + DAY,
        used_on="T:1#%",
    ),
    "profile_changed": Profile(
        member_id=FRIEND, revision=2, updated_at=RECORDED_AT, created_at=POSTED_AT
    ),
    "profile_unsubscribed": Profile(
        member_id=FRIEND,
        revision=3,
        language="pt-BR",
        notifications=False,
        updated_at=RECORDED_AT,
        created_at=POSTED_AT,
    ),
    "request": Request(key=RequestKey(caller="c#1", key="k%1"), fingerprint="f", result="{}"),
    "profile": Profile(
        member_id=MEMBER,
        name="Zoë",
        email="zoe@example.org",
        phone="+1 312 555 0100",
        birthday="1990-02-28",
        external_ids=(CUSTOMER, ExternalId(source="pos", id="c:1")),
        updated_at=RECORDED_AT,
        created_at=POSTED_AT,
    ),
    "program_version": ProgramVersion(
        program=program_from_stored(DOCUMENT, 3), document=DOCUMENT, published_at=RECORDED_AT
    ),
    "program_version_published": ProgramVersion(
        program=program_from_stored(DOCUMENT, 4),
        document=DOCUMENT,
        published_at=RECORDED_AT,
        published_by="person:sub-1",
    ),
    "simulation": Simulation(
        simulation_id=SimulationId("sim_#1"),
        begins=POSTED_AT,
        ends=RECORDED_AT,
        compared_at=RECORDED_AT,
        created_at=RECORDED_AT,
        requested_by="person:sub-1",
    ),
    "simulation_half_done": Simulation(
        simulation_id=SimulationId("sim_1"),
        revision=7,
        begins=POSTED_AT,
        ends=RECORDED_AT,
        compared_at=RECORDED_AT,
        created_at=RECORDED_AT,
        requested_by="person:sub-1",
        shard=3,
        cursor="cursor#1",
        attempts=2,
        tally='{"members":120,"issued":[75,150]}',
    ),
    "simulation_failed": Simulation(
        simulation_id=SimulationId("sim_2"),
        revision=9,
        status="failed",
        begins=POSTED_AT,
        ends=RECORDED_AT,
        compared_at=RECORDED_AT,
        created_at=RECORDED_AT,
        requested_by="person:sub-1",
        shard=16,
        reason="interrupted",
    ),
    "simulation_draft": SimulationDraft(simulation_id=SimulationId("sim_#1"), document=DOCUMENT),
    "score": Score(
        board_id="top", period="2027-W04", member_id=MemberId("mbr_#%"), score=1250, number=4711
    ),
    "board": Board(
        board_id="top",
        period="2027-01",
        program_version=3,
        frozen_at=RECORDED_AT,
    ),
    "board_half_awarded": Board(
        board_id="top",
        period="2027",
        revision=7,
        program_version=3,
        frozen_at=RECORDED_AT,
        cursor="b#1",
        places=120,
        rank=118,
        score=75,
    ),
    "board_awarded": Board(
        board_id="top",
        period="2027-W04",
        revision=2,
        program_version=1,
        frozen_at=POSTED_AT,
        is_awarded=True,
    ),
    "budget": Budget(campaign_id="black-friday", shard=3, given=25_000),
    "version_list": VersionList(
        periods=(
            VersionPeriod(version=1, effective_from=POSTED_AT),
            VersionPeriod(version=2, effective_from=RECORDED_AT),
        )
    ),
}

MARKER = Marker(kind="hold_release", due_at=RECORDED_AT, target=str(TICKET))
MARKER_HOUR = datetime(2027, 1, 31, 6, tzinfo=UTC)
WAIT = Wait(external_id=CUSTOMER, earning=TICKET)
PARKS = {
    "parked_refund": Park(
        payment=PAYMENT,
        fact=PurchaseRefunded(
            payment=PAYMENT,
            refund=Refund(id="re_1", at=RECORDED_AT, amount=Decimal("5.00"), currency="USD"),
        ),
    ),
    "parked_cancellation": Park(
        payment=PAYMENT, fact=RefundCancelled(payment=PAYMENT, refund_id="re_1", at=RECORDED_AT)
    ),
}
CORRELATION_ID = "JKJaXmPLvHcESHA="
"""As the gateway makes them."""
NOTE = Note(member_id=MEMBER, id="n1", text="Zoë asked", salt="ab12")
LISTED = Listed(list="names", partition="é", sort="é#%b c", id="mbr_#1")
SHARE = PendingShare(earning=TICKET, member_id=FRIEND, since=POSTED_AT)
ENDED_SHARE = replace(SHARE, since=None)
PROGRESS = SweepProgress(first_open_hour=MARKER_HOUR)
SHARD = ShardProgress(
    hour=MARKER_HOUR,
    shard=17,
    revision=3,
    cursor="a#b",
    closing="a#a",
    has_failed=True,
    queued_at=RECORDED_AT,
)
CLOSED_SHARD = ShardProgress(hour=MARKER_HOUR, shard=0, revision=1, is_closed=True)


def encoded(stored: Stored) -> Attributes:
    match stored:
        case Entry():
            return codec.encode_entry(stored)
        case Earning(revision=revision):
            return codec.encode_save(stored, revision - 1)
        case VersionList(periods=periods):
            return codec.encode_save(stored, len(periods) - 1)
        case Score(revision=revision) | Board(revision=revision):
            return codec.encode_save(stored, revision - 1)
        case Budget():
            # Nothing but the store's update writes one.
            place = keys.item_key(stored.key)
            return {
                "PK": {"S": place.pk},
                "SK": {"S": place.sk},
                "given": {"N": str(stored.given)},
                "format": {"N": "1"},
            }
        case PaymentLink() | Stock():
            return codec.encode_put(stored)
        case _:
            return codec.encode_create(stored)


ITEMS: dict[str, Attributes] = {
    **{name: encoded(stored) for name, stored in STORED.items()},
    **{name: codec.encode_park(park) for name, park in PARKS.items()},
    "marker": codec.encode_marker(MARKER, MARKER_HOUR, 4),
    "waiting": codec.encode_wait(WAIT),
    "note": codec.encode_put(NOTE),
    "listed": codec.encode_put(LISTED),
    "pending_share": codec.encode_put(SHARE),
    "pending_share_ended": codec.encode_put(ENDED_SHARE),
    "progress": sweeps.encode_progress("expiry", PROGRESS),
    "sweep_shard": sweeps.encode_shard("expiry", SHARD),
    "sweep_shard_closed": sweeps.encode_shard("expiry", CLOSED_SHARD),
}


def image(item: Attributes) -> dict[str, dict[str, str]]:
    """An item as the table's stream delivers it to Lambda, and as the samples are kept."""
    return {
        name: {"B": base64.b64encode(value["B"]).decode()}
        if "B" in value
        else cast("dict[str, str]", dict(value))
        for name, value in item.items()
    }


def sample(name: str, format_: int = 1) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = json.loads(
        (SAMPLES / f"format_{format_}_{name}.json").read_text()
    )
    return found


def item_of(stored_image: dict[str, dict[str, str]]) -> Attributes:
    item = {
        name: {"B": base64.b64decode(value["B"])} if "B" in value else value
        for name, value in stored_image.items()
    }
    return cast("Attributes", item)


DEFLATED = {"entry_deflated", "earning_deflated"}
"""The same text need not be the same bytes with every version of zlib."""
WRITTEN_OTHERWISE = {
    *("earning_whole_life", "entry_reservation", "profile", "progress", "redemption"),
}
"""As they were written before: without a revision, with the list of whoever had points pending of
an earning where now stands whose list the earning itself is in, with an opened reservation in
full, which the state after the entry has anyway, and with the cursors of a sweep in one item."""


class TestSamples:
    """Items as format 1 wrote them; the files never change, whatever the code does."""

    @pytest.mark.parametrize("name", STORED)
    def test_are_read_as_what_they_stand_for(self, name: str) -> None:
        assert decode_stream_image(sample(name)) == STORED[name]

    @pytest.mark.parametrize("name", sorted(ITEMS.keys() - {*DEFLATED, *WRITTEN_OTHERWISE}))
    def test_are_what_is_written_today(self, name: str) -> None:
        assert image(ITEMS[name]) == sample(name)

    def test_every_sample_is_tested(self) -> None:
        found = {path.stem.removeprefix("format_1_") for path in SAMPLES.iterdir()}
        assert found == set(ITEMS)

    def test_lists_of_what_waits(self) -> None:
        assert codec.decode_marker(item_of(sample("marker"))) == MARKER
        assert codec.decode_waiting(item_of(sample("waiting"))) == TICKET
        assert sweeps.decode_progress(item_of(sample("progress"))) == PROGRESS
        assert sweeps.decode_progress(ITEMS["progress"]) == PROGRESS
        assert sweeps.decode_shard(item_of(sample("sweep_shard"))) == SHARD
        assert sweeps.decode_shard(item_of(sample("sweep_shard_closed"))) == CLOSED_SHARD
        assert codec.decode_note(item_of(sample("note"))) == NOTE
        for name, park in PARKS.items():
            assert codec.decode_parked(item_of(sample(name))) == park.fact

    @pytest.mark.parametrize("name", sorted(WRITTEN_OTHERWISE - {"progress"}))
    def test_what_is_written_otherwise_now_is_read_the_same(self, name: str) -> None:
        assert image(ITEMS[name]) != sample(name)
        assert codec.decode(ITEMS[name]) == codec.decode(item_of(sample(name))) == STORED[name]

    @pytest.mark.parametrize(
        "name",
        [
            *("marker", "waiting", "parked_refund", "note", "progress"),
            *("sweep_shard", "sweep_shard_closed"),
            *("listed", "pending_share", "pending_share_ended"),
        ],
    )
    def test_what_no_command_reads_is_skipped_in_the_stream(self, name: str) -> None:
        assert decode_stream_image(sample(name)) is None

    @pytest.mark.parametrize("name", [name for name in STORED if name.startswith("entry")])
    def test_stored_hashes_stay_verifiable(self, name: str) -> None:
        entry = decode_stream_image(sample(name))
        assert isinstance(entry, Entry)
        assert entry.hash == entry_hash(
            entry.member_id,
            entry.number,
            entry.recorded_at,
            entry.posting,
            entry.state,
            entry.previous_hash,
        )

    @pytest.mark.parametrize("name", ITEMS)
    def test_an_unknown_format_is_not_guessed_at(self, name: str) -> None:
        item = {**ITEMS[name], "format": {"N": "2"}}
        readers = {
            "marker": codec.decode_marker,
            "waiting": codec.decode_waiting,
            "progress": sweeps.decode_progress,
            "sweep_shard": sweeps.decode_shard,
            "sweep_shard_closed": sweeps.decode_shard,
            "note": codec.decode_note,
            **dict.fromkeys(PARKS, codec.decode_parked),
        }
        with pytest.raises(BrokenInvariantError, match="format 2"):
            readers.get(name, codec.decode)(cast("Attributes", item))


RECEIPT = {
    "rule:retail": "120.5",
    "campaign:black-friday": "75",
    "tier": "gold",
    "posted": "2027-01-30T05:59:58Z",
    "due": "1371.15 of 1371.15",
}


class TestSizes:
    """An item that grows over a write unit doubles what its writes cost."""

    @pytest.mark.parametrize("entry", [shapes.maturation, shapes.accrual, shapes.redemption])
    @pytest.mark.parametrize("lot_count", [0, 1, 12, 24, 30, 40])
    def test_an_entry_takes_one_write_unit(
        self, entry: Callable[[int], Entry], lot_count: int
    ) -> None:
        for correlation_id in (None, CORRELATION_ID):
            item = codec.encode_entry(entry(max(3, lot_count)), correlation_id)
            assert size_bytes(item) <= WRITE_UNIT_BYTES
            assert correlation_of(item) == correlation_id

    def test_an_entry_without_room_goes_without_its_correlation_id(self) -> None:
        entry = shapes.maturation(3)
        large = replace(entry, posting=replace(entry.posting, reason="x" * WRITE_UNIT_BYTES))
        assert codec.encode_entry(large, CORRELATION_ID) == codec.encode_entry(large)

    @pytest.mark.parametrize("entry", [shapes.maturation, shapes.accrual])
    @pytest.mark.parametrize("lot_count", [3, 24, 40])
    def test_with_its_receipt_as_well(self, entry: Callable[[int], Entry], lot_count: int) -> None:
        posting = replace(entry(lot_count).posting, inputs=RECEIPT)
        with_receipt = chain(shapes.head(lot_count), shapes.MEMBER, posting, RECORDED_AT)
        item = codec.encode_entry(with_receipt, CORRELATION_ID)
        assert size_bytes(item) <= WRITE_UNIT_BYTES
        assert codec.decode_entry(item) == with_receipt

    def test_an_earning_keeps_what_its_points_were_computed_from(self) -> None:
        known = shapes.purchase()
        purchase = replace(known, earned=replace(known.earned, inputs=RECEIPT))
        assert codec.decode(codec.encode_save(purchase, 2)) == replace(purchase, revision=3)

    def test_even_with_as_many_records_of_expired_lots(self) -> None:
        records = {f"expired_lot:{d}": 100 + d.day for d in shapes.month_ends(40)}
        entry = shapes.maturation(40)
        state = replace(entry.state, counters={**entry.state.counters, **records})
        item = codec.encode_entry(replace(entry, state=state))
        assert size_bytes(item) <= WRITE_UNIT_BYTES

    @pytest.mark.parametrize("line_count", [1, 5, 10, 40])
    def test_an_earning_takes_one_write_unit(self, line_count: int) -> None:
        item = codec.encode_save(shapes.purchase(line_count), 2)
        assert size_bytes(item) <= WRITE_UNIT_BYTES

    def test_a_state_is_readable_text_as_long_as_it_fits(self) -> None:
        assert "S" in codec.encode_entry(shapes.maturation(12))["state"]
        assert "S" in codec.encode_save(shapes.purchase(2), 2)["facts"]
        assert "B" in codec.encode_entry(shapes.maturation(40))["state"]

    def test_sizes_are_counted_as_dynamodb_does(self) -> None:
        item: Attributes = {
            "PK": {"S": "é"},
            "n": {"N": "-1200"},
            "m": {"N": "0"},
            "b": {"B": b"abc"},
        }
        assert size_bytes(item) == (2 + 2) + (1 + 3) + (1 + 1) + (1 + 3)


class TestIndex:
    """The sparse index holds an earning while something of it is pending, and no longer."""

    def test_names_the_member_at_home_in_it_while_their_points_are_pending(self) -> None:
        posted = {MEMBER: Posted(earned=5, matured=2), FRIEND: Posted(earned=5, matured=2)}
        item = codec.encode_save(replace(shapes.purchase(), posted=posted), 0)
        assert item["pending_member"] == {"S": MEMBER}
        assert item["pending_since"] == {"S": "2027-01-30T05:59:58.000000Z"}

    def test_has_a_place_beside_it_for_each_further_member(self) -> None:
        assert "pending_member" not in codec.encode_put(ENDED_SHARE)
        item = codec.encode_put(SHARE)
        assert item["PK"] == codec.encode_save(Earning(key=TICKET), 0)["PK"]
        assert item["pending_member"] == {"S": FRIEND}
        assert item["pending_since"] == {"S": "2027-01-30T05:59:58.000000Z"}

    @pytest.mark.parametrize(
        "posted",
        [
            {},
            {MEMBER: Posted()},
            {MEMBER: Posted(earned=5, matured=5)},
            {MEMBER: Posted(earned=5, lapsed=5)},
            {MEMBER: Posted(earned=0, matured=9, written_off=9)},
            {MEMBER: Posted(earned=5, matured=5), FRIEND: Posted(earned=5, matured=2)},
        ],
    )
    def test_names_nobody_when_nothing_of_the_member_at_home_is_pending(
        self, posted: dict[MemberId, Posted]
    ) -> None:
        item = codec.encode_save(replace(shapes.purchase(), posted=posted), 0)
        assert not {"pending_member", "pending_since"} & item.keys()


# --- Any earning and any entry --------------------------------------------------------------

names = st.text('ab#%:é漢"\\', min_size=1, max_size=6)
members = names.map(MemberId)
sources = st.sampled_from(["stripe", "pos"])
amounts = st.decimals(-100, 1_000, places=2)
positive = st.decimals(0, 1_000, places=2)
instants = st.floats(0, 4e9).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))
days = st.one_of(st.dates(date(2020, 1, 1), date(2040, 1, 1)), st.just(NEVER))
changes = st.dictionaries(days, st.integers(-(10**9), 10**9).filter(bool), max_size=45)
counters = st.dictionaries(names, st.integers(-(10**9), 10**9), max_size=4)
customers = st.builds(ExternalId, source=sources, id=names)
purchases = st.builds(EarningKey, source=sources, kind=sources, id=names)
earners = st.builds(Earner, external_id=customers, member_id=st.none() | members)
optional = st.none() | names
currencies = st.none() | st.sampled_from(["USD", "JPY"])
lines = st.builds(
    Line,
    id=names,
    amount=amounts,
    item=optional,
    product=optional,
    category=optional,
    quantity=st.one_of(st.just(Decimal(1)), positive),
)
snapshots = st.builds(
    Snapshot,
    posted_at=instants,
    updated_at=instants,
    currency=st.just("USD"),
    lines=st.lists(lines, max_size=6, unique_by=lambda line: line.id).map(tuple),
    total=st.decimals(500, 1_000, places=2),
    earner=earners,
    points_paid_amount=st.decimals(0, 500, places=2),
    own_order=st.booleans(),
    billed_to=st.none() | customers,
)
actions = st.builds(
    Action,
    name=names,
    at=instants,
    earner=earners,
    linked_purchase=st.none() | purchases,
    linked_also=st.none() | purchases,
)
payments = st.builds(Payment, id=names, amount=positive, at=instants, currency=currencies)
line_refunds = st.builds(LineRefund, line_id=names, amount=positive)
settled = st.lists(names, max_size=2).map(tuple)
refunds = st.one_of(
    st.builds(Refund, id=names, at=instants, amount=positive, currency=currencies, settles=settled),
    st.builds(
        Refund,
        id=names,
        at=instants,
        lines=st.lists(line_refunds, min_size=1, max_size=3).map(tuple),
        settles=settled,
    ),
)
texts = st.lists(names, max_size=2).map(tuple)
shares = st.builds(Share, member_id=members, percent=st.integers(1, 100))
pins = st.builds(
    Pin,
    allocation=st.lists(shares, min_size=1, max_size=3).map(tuple),
    tier=optional,
    tags=texts,
    organisation=optional,
    jurisdiction=optional,
    earns=st.booleans(),
    referral=st.none() | members,
)
points = st.integers(0, 10**9)
plain_days = st.dates(date(2020, 1, 1), date(2040, 1, 1))
months = st.dictionaries(
    plain_days.map(lambda day: f"qualifying:{day:%Y-%m}"),
    st.integers(-(10**9), 10**9).filter(bool),
    max_size=14,
)
grants = st.builds(Grant, tier=names, last_day=plain_days, source=names)
memberships = st.builds(BoughtMembership, member_id=members, grant=grants)
posted_parts = st.builds(
    Posted,
    earned=points,
    matured=points,
    written_off=points,
    lapsed=points,
    lots=changes,
    absorbed=changes,
    used=counters,
    qualified=months,
)
rules = st.lists(st.tuples(names, st.integers(-100, 100)), max_size=3).map(tuple)
optional_instants = st.none() | instants
earnings = st.builds(
    Earning,
    key=purchases,
    revision=st.integers(1, 10**6),
    snapshot=st.none() | snapshots,
    action=st.none() | actions,
    posted_at=optional_instants,
    payments=st.lists(payments, max_size=3).map(lambda found: {p.id: p for p in found}),
    payment_reversals=st.dictionaries(names, instants, max_size=2),
    refunds=st.lists(refunds, max_size=3).map(lambda found: {r.id: r for r in found}),
    refund_cancellations=st.dictionaries(names, instants, max_size=2),
    settled_at=optional_instants,
    voided_at=optional_instants,
    earner_id=st.none() | members,
    program_version=st.none() | st.integers(1, 10**4),
    pinned_for=optional_instants,
    pins=st.dictionaries(members, pins, max_size=2),
    posted=st.dictionaries(members, posted_parts, max_size=2),
    membership=st.none() | memberships,
    earned=st.builds(
        Earned,
        points=points,
        rules=rules,
        used=counters,
        truncated=texts,
        releases=texts,
        excess_refund=st.booleans(),
    ),
    due_at=optional_instants,
    released_at=optional_instants,
    followers=st.frozensets(purchases, max_size=2),
    told=st.frozensets(purchases, max_size=2),
)
reservations = st.builds(
    Reservation,
    lots=changes,
    expires_at=instants,
    value=points,
    year=st.integers(0, 2_100),
)
standings = st.builds(
    Standing,
    status=st.sampled_from(["active", "frozen", "merged"]),
    alias_of=st.none() | members,
    tier=optional,
    tags=texts,
    organisation=optional,
    jurisdiction=optional,
    earns=st.booleans(),
    sharing=st.lists(shares, max_size=3).map(tuple),
    aliases=st.lists(members, max_size=2).map(tuple),
    referred_by=st.none() | members,
    referred_as=st.none() | members,
    points_tier=optional,
    fell_on=st.none() | plain_days,
    grants=st.lists(grants, max_size=2).map(tuple),
)
postings = st.builds(
    Posting,
    type=st.sampled_from(["accrual", "reversal", "expiry", "enrolment"]),
    at=instants,
    pending=st.integers(-(10**9), 10**9),
    reserved=st.integers(-(10**9), 10**9),
    debt=st.integers(-(10**9), 10**9),
    lots=changes,
    counters=counters,
    standing=st.none() | standings,
    source=st.none() | purchases,
    rules=rules,
    program_version=st.none() | st.integers(1, 10**4),
    actor=names,
    reason=optional,
    details=st.dictionaries(names, names, max_size=2),
    reservations=st.dictionaries(names, st.none() | reservations, max_size=3),
    inputs=st.dictionaries(names, names, max_size=2),
)
states = st.builds(
    replace,
    st.just(EMPTY),
    reservations=st.dictionaries(names, reservations, max_size=8),
    pending=points,
    reserved=points,
    debt=points,
    lots=changes,
    counters=st.builds(lambda plain, counted: plain | counted, counters, months),
    standing=standings,
)
entries = st.builds(
    Entry,
    member_id=members,
    number=st.integers(1, 10**12 - 1),
    recorded_at=instants,
    posting=postings,
    state=states,
    previous_hash=st.binary(min_size=32, max_size=32),
    hash=st.binary(min_size=32, max_size=32),
)


@given(earnings)
def test_any_earning_comes_back_as_it_was(earning: Earning) -> None:
    item = codec.encode_save(earning, earning.revision - 1)
    assert codec.decode(item) == earning
    assert decode_stream_image(image(item)) == earning


@given(entries)
def test_any_entry_comes_back_as_it_was(entry: Entry) -> None:
    item = codec.encode_entry(entry, CORRELATION_ID)
    assert codec.decode(item) == entry
    assert decode_stream_image(image(item)) == entry


revisions = st.integers(1, 10**6)
redemptions = st.builds(
    Redemption,
    redemption_id=names.map(RedemptionId),
    revision=revisions,
    member_id=members,
    fingerprint=names,
    points=points,
    amount=names,
    currency=names,
    kind=names,
    status=st.sampled_from(["completed", "reserved", "awaiting_approval", "reversed"]),
    created_at=instants,
    entry=st.integers(1, 10**12 - 1),
    ticket=st.none() | purchases,
    result=names,
    program_version=st.none() | st.integers(1, 10**4),
    year=st.integers(0, 2_100),
    lots=changes,
    captured=points,
    reversed=points,
    expires_at=optional_instants,
    holds=st.booleans(),
    requested_by=optional,
    approval_id=st.none() | names.map(ApprovalId),
    reward_id=st.none() | names.map(RewardId),
    coupon=st.none() | names.map(CouponCode),
    commands=st.dictionaries(
        names, st.builds(Answered, fingerprint=names, result=names), max_size=3
    ),
)
approvals = st.builds(
    Approval,
    approval_id=names.map(ApprovalId),
    revision=revisions,
    kind=st.sampled_from(["redemption", "transfer", "adjustment"]),
    member_id=members,
    points=st.integers(-(10**9), 10**9),
    requested_by=names,
    subject=names,
    command=names,
    status=st.sampled_from(["open", "approved", "rejected"]),
    created_at=instants,
    expires_at=optional_instants,
    decided_by=optional,
    decided_at=optional_instants,
)
rewards = st.builds(
    Reward,
    reward_id=names.map(RewardId),
    revision=revisions,
    name=names,
    description=optional,
    kind=st.sampled_from(["item", "coupon"]),
    points=points,
    amount=optional,
    amount_due=optional,
    tiers=texts,
    valid_from=optional_instants,
    valid_until=optional_instants,
    is_active=st.booleans(),
    is_limited=st.booleans(),
    grants=st.none() | st.builds(RewardGrant, tier=names, months=st.integers(1, 120)),
    created_at=instants,
)
coupons = st.builds(
    Coupon,
    code=names.map(CouponCode),
    revision=revisions,
    member_id=members,
    redemption_id=names.map(RedemptionId),
    reward_id=st.none() | names.map(RewardId),
    points=points,
    amount=names,
    currency=names,
    status=st.sampled_from(["active", "used", "cancelled"]),
    last_day=st.dates(),
    created_at=instants,
    used_at=optional_instants,
    used_on=optional,
)
profiles = st.builds(
    Profile,
    member_id=members,
    revision=revisions,
    name=optional,
    email=optional,
    phone=optional,
    birthday=optional,
    external_ids=st.lists(customers, max_size=2).map(tuple),
    updated_at=instants,
    created_at=instants,
)


@given(st.one_of(redemptions, approvals, rewards, coupons, profiles))
def test_what_is_saved_again_comes_back_with_the_next_revision(
    item: Redemption | Approval | Reward | Coupon | Profile,
) -> None:
    assert codec.decode(codec.encode_create(item)) == item
    saved = codec.encode_save(item, item.revision)
    assert codec.decode(saved) == replace(item, revision=item.revision + 1)
    assert decode_stream_image(image(saved)) == codec.decode(saved)


@given(st.builds(Stock, reward_id=names.map(RewardId), remaining=points))
def test_any_stock_comes_back_as_it_was(stock: Stock) -> None:
    assert codec.decode(codec.encode_put(stock)) == stock
