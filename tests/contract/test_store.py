"""What a store promises to the write path, whatever it is made of."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from points_ledger.contracts.stored_program import program_from_stored
from points_ledger.domain.earning import Earning
from points_ledger.domain.entry import Entry, Posting, chain
from points_ledger.domain.fact import Fact, PurchaseRefunded, Refund, RefundCancelled
from points_ledger.domain.identity import (
    EarningKey,
    ExternalId,
    MemberId,
    PaymentKey,
    RedemptionId,
)
from points_ledger.domain.program import VersionPeriod
from points_ledger.service.ports import (
    Append,
    Committed,
    Create,
    ExternalLink,
    GuardAbsent,
    GuardHead,
    HeadKey,
    ItemKey,
    Link,
    Lost,
    Marker,
    Note,
    Park,
    PaymentLink,
    Profile,
    ProfileKey,
    ProgramVersion,
    Put,
    Redemption,
    RedemptionKey,
    Request,
    RequestKey,
    Save,
    VersionKey,
    VersionList,
    VersionListKey,
    Wait,
    Write,
)
from tests.contract import shapes
from tests.contract.backends import Backend
from tests.contract.shapes import CUSTOMER, INVOICE, MEMBER, POSTED_AT, RECORDED_AT

OTHER = MemberId("mbr_another")
PAYMENT = PaymentKey(source="stripe", id="pi_1")
REQUEST = RequestKey(caller="till-1", key="k-1")
DOCUMENT = (Path(__file__).resolve().parents[2] / "events" / "program.json").read_text()

STRANGE_IDS = [
    "#",
    "a#b",
    "a%23b",
    "%",
    "%25",
    "a:b:c",
    "José 漢字 🎉",
    "x" * 255,
    "漢" * 255,
    "#" * 255,
]


def entries(count: int, member_id: MemberId = MEMBER) -> list[Entry]:
    """The first entries of a chain."""
    made: list[Entry] = []
    for number in range(1, count + 1):
        posting = Posting(
            type="accrual",
            at=POSTED_AT,
            pending=number,
            counters={"earned": number},
            actor="webhook:stripe",
        )
        made.append(chain(made[-1] if made else None, member_id, posting, RECORDED_AT))
    return made


def appended(backend: Backend, count: int, member_id: MemberId = MEMBER) -> list[Entry]:
    made = entries(count, member_id)
    for entry in made:
        assert backend.store.commit([Append(entry=entry)]) == Committed()
    return made


def rival(entry: Entry, before: Entry | None) -> Entry:
    """Another entry for the same number."""
    posting = Posting(type="accrual", at=POSTED_AT, actor="webhook:standard")
    return chain(before, entry.member_id, posting, RECORDED_AT)


def link(member_id: MemberId = MEMBER) -> ExternalLink:
    return ExternalLink(external_id=CUSTOMER, member_id=member_id, linked_at=RECORDED_AT)


def redemption(id_: str = "rdm_1") -> Redemption:
    return Redemption(
        redemption_id=RedemptionId(id_),
        member_id=MEMBER,
        fingerprint="f" * 64,
        points=500,
        amount="5.00",
        currency="USD",
        kind="ticket",
        status="completed",
        created_at=RECORDED_AT,
        entry=7,
        ticket=EarningKey(source="pos", kind="ticket", id="T-1"),
        result='{"status":"completed"}',
    )


def profile() -> Profile:
    return Profile(
        member_id=MEMBER,
        name="Zoë",
        email="zoe@example.org",
        birthday="1990-02-28",
        external_ids=(CUSTOMER, ExternalId(source="pos", id="c:1")),
        updated_at=RECORDED_AT,
        created_at=POSTED_AT,
    )


def program_version(number: int = 1) -> ProgramVersion:
    program = program_from_stored(DOCUMENT, number)
    return ProgramVersion(program=program, document=DOCUMENT, published_at=RECORDED_AT)


def versions(count: int) -> VersionList:
    periods = [
        VersionPeriod(version=n + 1, effective_from=POSTED_AT + timedelta(days=n))
        for n in range(count)
    ]
    return VersionList(periods=tuple(periods))


def read(backend: Backend, key: ItemKey) -> object:
    return backend.store.get([key]).get(key)


class TestReading:
    def test_nothing_is_there_at_first(self, backend: Backend) -> None:
        assert backend.store.get([INVOICE]) == {}
        assert backend.store.get([INVOICE, CUSTOMER, PAYMENT]) == {}
        assert backend.store.get([]) == {}
        assert backend.store.head(MEMBER) is None

    def test_many_keys_at_once_present_and_absent(self, backend: Backend) -> None:
        backend.store.commit([Create(item=link()), Save(item=shapes.purchase(), expected=0)])
        found = backend.store.get([INVOICE, PAYMENT, CUSTOMER, INVOICE, REQUEST])
        assert found == {INVOICE: replace(shapes.purchase(), revision=1), CUSTOMER: link()}

    def test_as_many_keys_as_one_read_takes(self, backend: Backend) -> None:
        keys = [PaymentKey(source="stripe", id=f"pi_{n}") for n in range(100)]
        for key in keys[::10]:
            backend.store.commit([Link(item=PaymentLink(payment=key, purchase=INVOICE))])
        assert set(backend.store.get(keys)) == set(keys[::10])

    def test_the_head_is_the_newest_entry_of_that_member_alone(self, backend: Backend) -> None:
        mine = appended(backend, 12)
        theirs = appended(backend, 2, MemberId(f"{MEMBER}x"))
        assert backend.store.head(MEMBER) == mine[-1]
        assert backend.store.head(MemberId(f"{MEMBER}x")) == theirs[-1]

    @pytest.mark.parametrize("id_", STRANGE_IDS)
    def test_strange_ids_come_back_as_they_were(self, backend: Backend, id_: str) -> None:
        member_id = MemberId(id_)
        external_id = ExternalId(source="stripe", id=id_)
        payment = PaymentKey(source="stripe", id=id_)
        earning = Earning(key=EarningKey(source="stripe", kind="invoice", id=id_))
        request = Request(
            key=RequestKey(caller=id_, key=id_), fingerprint="f", result="漢字 # % 🎉"
        )
        [first] = entries(1, member_id)
        writes: list[Write] = [
            Append(entry=first),
            Create(
                item=ExternalLink(
                    external_id=external_id, member_id=member_id, linked_at=RECORDED_AT
                )
            ),
            Create(item=request),
            Create(item=redemption(id_)),
            Save(item=earning, expected=0),
            Link(item=PaymentLink(payment=payment, purchase=earning.key)),
            Wait(external_id=external_id, earning=earning.key),
        ]
        assert backend.store.commit(writes) == Committed()
        assert backend.store.head(member_id) == first
        keys: list[ItemKey] = [
            external_id,
            request.key,
            RedemptionKey(redemption_id=RedemptionId(id_)),
            earning.key,
            payment,
        ]
        found = backend.store.get(keys)
        assert set(found) == set(keys)
        assert found[request.key] == request
        assert found[earning.key] == replace(earning, revision=1)
        assert found[payment] == PaymentLink(payment=payment, purchase=earning.key)
        assert backend.reader.waiting(external_id) == [earning.key]

    def test_every_kind_of_item_comes_back_as_it_was(self, backend: Backend) -> None:
        purchase = replace(shapes.purchase(), revision=1)
        stored: dict[ItemKey, object] = {
            INVOICE: purchase,
            CUSTOMER: link(),
            PAYMENT: PaymentLink(payment=PAYMENT, purchase=INVOICE),
            redemption().key: redemption(),
            REQUEST: Request(key=REQUEST, fingerprint="f", result=""),
            ProfileKey(member_id=MEMBER): profile(),
            VersionKey(version=1): program_version(),
            VersionListKey(): versions(1),
        }
        writes: list[Write] = [
            Save(item=purchase, expected=0),
            Create(item=link()),
            Link(item=PaymentLink(payment=PAYMENT, purchase=INVOICE)),
            Create(item=redemption()),
            Create(item=Request(key=REQUEST, fingerprint="f", result="")),
            Create(item=profile()),
            Put(item=Note(member_id=MEMBER, id="n1", text="Zoë asked", salt="s")),
            Create(item=program_version()),
            Save(item=versions(1), expected=0),
        ]
        assert backend.store.commit(writes) == Committed()
        assert backend.store.get(list(stored)) == stored


class TestAppending:
    def test_the_loser_gets_the_winner_and_changes_nothing(self, backend: Backend) -> None:
        first, second = appended(backend, 2)
        outcome = backend.store.commit([Append(entry=rival(second, first))])
        assert outcome == Lost(returned={HeadKey(member_id=MEMBER): second})
        assert backend.store.head(MEMBER) == second

    def test_the_loser_of_a_transaction_gets_the_winner(self, backend: Backend) -> None:
        first, second = appended(backend, 2)
        writes: list[Write] = [
            Append(entry=rival(second, first)),
            Save(item=shapes.purchase(), expected=0),
        ]
        outcome = backend.store.commit(writes)
        assert outcome == Lost(returned={HeadKey(member_id=MEMBER): second})
        assert read(backend, INVOICE) is None

    def test_of_several_winners_the_highest_is_returned(self, backend: Backend) -> None:
        first, second, third = appended(backend, 3)
        other = rival(second, first)
        writes: list[Write] = [Append(entry=other), Append(entry=rival(third, other))]
        outcome = backend.store.commit(writes)
        assert outcome == Lost(returned={HeadKey(member_id=MEMBER): third})

    def test_several_entries_of_one_chain_go_together(self, backend: Backend) -> None:
        made = entries(3)
        assert backend.store.commit([Append(entry=entry) for entry in made]) == Committed()
        assert backend.store.head(MEMBER) == made[-1]


class TestGuards:
    def test_an_unchanged_head_lets_the_rest_through(self, backend: Backend) -> None:
        appended(backend, 2)
        writes: list[Write] = [GuardHead(member_id=MEMBER, number=2), Create(item=link())]
        assert backend.store.commit(writes) == Committed()
        assert read(backend, CUSTOMER) == link()

    def test_a_newer_entry_is_returned_and_nothing_is_stored(self, backend: Backend) -> None:
        second = appended(backend, 2)[1]
        writes: list[Write] = [Create(item=link()), GuardHead(member_id=MEMBER, number=1)]
        outcome = backend.store.commit(writes)
        assert outcome == Lost(returned={HeadKey(member_id=MEMBER): second})
        assert read(backend, CUSTOMER) is None

    def test_a_guard_against_any_entry_at_all(self, backend: Backend) -> None:
        guard = GuardHead(member_id=MEMBER, number=0)
        assert backend.store.commit([guard]) == Committed()
        [first] = appended(backend, 1)
        assert backend.store.commit([guard]) == Lost(returned={HeadKey(member_id=MEMBER): first})

    def test_what_is_absent_may_be_waited_for(self, backend: Backend) -> None:
        writes: list[Write] = [
            GuardAbsent(key=CUSTOMER),
            Wait(external_id=CUSTOMER, earning=INVOICE),
        ]
        assert backend.store.commit(writes) == Committed()

    def test_a_link_that_came_first_is_returned(self, backend: Backend) -> None:
        backend.store.commit([Create(item=link())])
        writes: list[Write] = [
            GuardAbsent(key=CUSTOMER),
            Wait(external_id=CUSTOMER, earning=INVOICE),
        ]
        assert backend.store.commit(writes) == Lost(returned={CUSTOMER: link()})
        assert backend.reader.waiting(CUSTOMER) == []

    def test_a_payment_that_came_first_is_returned(self, backend: Backend) -> None:
        known = PaymentLink(payment=PAYMENT, purchase=INVOICE)
        backend.store.commit([Link(item=known)])
        fact = RefundCancelled(payment=PAYMENT, refund_id="re_1", at=RECORDED_AT)
        writes: list[Write] = [Park(payment=PAYMENT, fact=fact), GuardAbsent(key=PAYMENT)]
        assert backend.store.commit(writes) == Lost(returned={PAYMENT: known})
        assert backend.reader.parked(PAYMENT) == []


class TestSaving:
    def test_each_save_counts_one_revision(self, backend: Backend) -> None:
        for revision in range(3):
            item = replace(shapes.purchase(), revision=revision + 1)
            assert backend.store.commit([Save(item=item, expected=revision)]) == Committed()
            assert read(backend, INVOICE) == item

    @pytest.mark.parametrize("expected", [0, 1, 3])
    def test_another_revision_is_returned(self, backend: Backend, expected: int) -> None:
        stored = replace(shapes.purchase(), revision=2)
        backend.store.commit([Save(item=shapes.purchase(), expected=0)])
        backend.store.commit([Save(item=stored, expected=1)])
        late = replace(shapes.purchase(pending=False), revision=expected + 1)
        outcome = backend.store.commit([Save(item=late, expected=expected)])
        assert outcome == Lost(returned={INVOICE: stored})
        assert read(backend, INVOICE) == stored

    def test_a_revision_of_what_is_absent(self, backend: Backend) -> None:
        outcome = backend.store.commit([Save(item=shapes.purchase(), expected=4)])
        assert outcome == Lost(returned={INVOICE: None})

    def test_the_revision_of_the_version_list_is_its_length(self, backend: Backend) -> None:
        assert backend.store.commit([Save(item=versions(1), expected=0)]) == Committed()
        assert backend.store.commit([Save(item=versions(2), expected=1)]) == Committed()
        outcome = backend.store.commit([Save(item=versions(3), expected=1)])
        assert outcome == Lost(returned={VersionListKey(): versions(2)})

    def test_a_purchase_of_many_lines_comes_back(self, backend: Backend) -> None:
        large = replace(shapes.purchase(500), revision=1)
        backend.store.commit([Save(item=large, expected=0)])
        assert read(backend, INVOICE) == large


class TestCreating:
    def test_twice_returns_the_first(self, backend: Backend) -> None:
        assert backend.store.commit([Create(item=link())]) == Committed()
        outcome = backend.store.commit([Create(item=link(OTHER))])
        assert outcome == Lost(returned={CUSTOMER: link()})
        assert read(backend, CUSTOMER) == link()

    def test_putting_twice_is_harmless(self, backend: Backend) -> None:
        known = PaymentLink(payment=PAYMENT, purchase=INVOICE)
        marker = Marker(kind="expiry", due_at=RECORDED_AT, target=MEMBER)
        writes: list[Write] = [Link(item=known), Put(item=marker)]
        for _ in range(2):
            assert backend.store.commit(writes) == Committed()
        assert read(backend, PAYMENT) == known

    def test_the_same_put_may_stand_twice_in_one_commit(self, backend: Backend) -> None:
        marker = Put(item=Marker(kind="expiry", due_at=RECORDED_AT, target=MEMBER))
        assert backend.store.commit([marker, marker, Create(item=link())]) == Committed()


class TestAtomicity:
    def writes(self) -> list[Write]:
        fact = RefundCancelled(payment=PAYMENT, refund_id="re_1", at=RECORDED_AT)
        return [
            *(Append(entry=entry) for entry in entries(2)),
            Save(item=shapes.purchase(), expected=0),
            Create(item=Request(key=REQUEST, fingerprint="f", result="{}")),
            Create(item=profile()),
            Link(item=PaymentLink(payment=PAYMENT, purchase=INVOICE)),
            Wait(external_id=CUSTOMER, earning=INVOICE),
            Park(payment=PaymentKey(source="stripe", id="pi_2"), fact=fact),
            Put(item=Marker(kind="hold_release", due_at=RECORDED_AT, target=str(INVOICE))),
        ]

    def stored(self, backend: Backend) -> list[object]:
        hour = RECORDED_AT.replace(minute=0, second=0, microsecond=0)
        keys: list[ItemKey] = [INVOICE, REQUEST, ProfileKey(member_id=MEMBER), PAYMENT]
        page = backend.sweeps.markers(
            "hold_release", hour, 0, until=RECORDED_AT, after=None, limit=10
        )
        return [
            *backend.store.get(keys).values(),
            *filter(None, [backend.store.head(MEMBER)]),
            *backend.reader.waiting(CUSTOMER),
            *backend.reader.parked(PaymentKey(source="stripe", id="pi_2")),
            *page.markers,
        ]

    def test_one_failing_write_leaves_nothing(self, backend: Backend) -> None:
        backend.store.commit([Create(item=link(OTHER))])
        for place in (0, 5, 9):
            writes = self.writes()
            writes.insert(place, Create(item=link()))
            assert backend.store.commit(writes) == Lost(returned={CUSTOMER: link(OTHER)})
            assert self.stored(backend) == []

    def test_otherwise_all_of_it_is_there(self, backend: Backend) -> None:
        backend.clock.now = RECORDED_AT
        assert backend.store.commit(self.writes()) == Committed()
        assert len(self.stored(backend)) == 8

    def test_every_failed_condition_is_reported(self, backend: Backend) -> None:
        first = appended(backend, 1)[0]
        backend.store.commit([Create(item=link(OTHER))])
        writes: Sequence[Write] = [
            Append(entry=rival(first, None)),
            Create(item=link()),
            Save(item=shapes.purchase(), expected=2),
            Create(item=Request(key=REQUEST, fingerprint="f", result="{}")),
        ]
        assert backend.store.commit(writes) == Lost(
            returned={
                HeadKey(member_id=MEMBER): first,
                CUSTOMER: link(OTHER),
                INVOICE: None,
            }
        )

    def test_two_conditions_on_one_item_are_a_mistake(self, backend: Backend) -> None:
        writes: list[Write] = [Create(item=link()), GuardAbsent(key=CUSTOMER)]
        with pytest.raises(ValueError, match="two writes"):
            backend.store.commit(writes)
        assert read(backend, CUSTOMER) is None

    def test_no_writes_are_committed(self, backend: Backend) -> None:
        assert backend.store.commit([]) == Committed()


class TestWaiting:
    def test_each_earning_waits_once(self, backend: Backend) -> None:
        other = EarningKey(source="stripe", kind="invoice", id="in_2")
        for earning in (INVOICE, other, INVOICE):
            backend.store.commit([Wait(external_id=CUSTOMER, earning=earning)])
        assert sorted(backend.reader.waiting(CUSTOMER)) == sorted([INVOICE, other])
        assert backend.reader.waiting(ExternalId(source="stripe", id="cus_other")) == []

    def test_facts_come_back_as_they_were(self, backend: Backend) -> None:
        refund = Refund(
            id="re_1", at=RECORDED_AT, amount=Decimal("5.00"), currency="USD", settles=("re_0",)
        )
        facts: list[Fact] = [
            PurchaseRefunded(payment=PAYMENT, refund=refund),
            RefundCancelled(payment=PAYMENT, refund_id="re_1", at=RECORDED_AT),
        ]
        for fact in [*facts, facts[0]]:
            backend.store.commit([Park(payment=PAYMENT, fact=fact)])
        assert sorted(backend.reader.parked(PAYMENT), key=repr) == sorted(facts, key=repr)
