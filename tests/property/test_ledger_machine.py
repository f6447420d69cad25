"""The ledger against the model, command by command: purchases of several members, payments,
bounces, refunds, edits, voids, redemptions, sweeps, and time passing."""

from datetime import timedelta
from decimal import Decimal

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from points_ledger.domain.earning import MergeableFact
from points_ledger.domain.error import EarnedOnSameTicketError, InsufficientPointsError
from points_ledger.domain.money import from_minor_units
from points_ledger.domain.redemption import Ticket
from tests import builders
from tests.builders import World, purchase_key
from tests.property.ledger_model import Account, Model, Sale, Terms

PLANS = {"ada": {"ada": 60, "ben": 40}, "ben": {"ben": 100}, "eve": {"eve": 100}}
"""Ada shares with Ben; the others keep what they earn."""

CENTS = st.integers(0, 9_000)
PLACES = st.integers(0, 2)
DAYS = st.integers(0, 12 * 24).map(lambda hours: timedelta(hours=hours))

TERMS = st.builds(
    Terms,
    points=st.just(1),
    per_cents=st.just(100),
    proportional=st.booleans(),
    hold=st.sampled_from([timedelta(0), timedelta(days=1)]),
    return_window=st.sampled_from([timedelta(0), timedelta(days=3)]),
    lapse_after=st.sampled_from([None, timedelta(days=10)]),
    clawback=st.sampled_from(["unlimited", "unlimited", "within_balance", "only_pending"]),
    valid_days=st.sampled_from([None, 8, 30]),
    to_month_end=st.booleans(),
) | st.builds(
    Terms,
    points=st.just(3),
    per_cents=st.just(500),
    proportional=st.booleans(),
    hold=st.just(timedelta(0)),
    return_window=st.just(timedelta(0)),
    lapse_after=st.none(),
    clawback=st.just("unlimited"),
    valid_days=st.just(5),
    to_month_end=st.just(value=False),
)


def money(cents: int) -> str:
    return str(from_minor_units(cents, "USD"))


def hours(period: timedelta) -> str:
    return f"PT{int(period.total_seconds() // 3600)}H"


class LedgerMachine(RuleBasedStateMachine):
    """Tells the ledger and the model the same, and compares them after each step."""

    @initialize(terms=TERMS)
    def begin(self, terms: Terms) -> None:
        given = builders.program(
            builders.rule(terms.points, money(terms.per_cents), rounding="step"),
            partial_payment="proportional" if terms.proportional else "full_only",
            hold=hours(terms.hold),
            return_window=hours(terms.return_window),
            cancel_unpaid_after=hours(terms.lapse_after) if terms.lapse_after else None,
            clawback=terms.clawback,
            expires_after=f"P{terms.valid_days}D" if terms.valid_days is not None else None,
            round_to="month" if terms.to_month_end else "day",
        )
        self.world = World(given)
        self.model = Model(terms=terms, accounts={member: Account() for member in PLANS})
        for owner, percents in PLANS.items():
            self.world.share(owner, percents)
        self.told: list[MergeableFact] = []
        self.ids = 0

    # ---- Facts

    def tell(self, fact: MergeableFact, sale: Sale) -> None:
        self.world.tell(fact)
        self.told.append(fact)
        self.model.look(sale, self.world.now)

    def sale(self, place: int) -> tuple[str, Sale]:
        """One of the purchases, or one that will be posted later."""
        id_ = f"sale-{place + self.ids}"
        owner = list(PLANS)[(place + self.ids) % len(PLANS)]
        return id_, self.model.sales.setdefault(id_, Sale(owner=owner, shares=PLANS[owner]))

    def note(self, sale: Sale, kind: str, id_: str, cents: int = 0) -> bool:
        """Keep a moment in the model, unless the same kind and id came before."""
        known = any((what, which) == (kind, id_) for _, what, which, _ in sale.moments)
        if known and kind != "settle":
            return False
        sale.moments.append((self.world.now, kind, id_, cents))
        return True

    @rule(place=PLACES, cents=CENTS)
    def post_or_edit(self, place: int, cents: int) -> None:
        id_, sale = self.sale(place)
        first = sale.posted_at is None
        if not first and self.world.now == self.last_update(id_):
            return  # equal timestamps are decided by a hash, which is not the model's business
        sale.posted_at = sale.posted_at or self.world.now
        sale.total = cents
        self.tell(
            builders.posted(
                money(cents),
                id=id_,
                at=sale.posted_at,
                updated_at=self.world.now,
                customer=sale.owner,
            ),
            sale,
        )

    def last_update(self, id_: str) -> object:
        snapshot = self.world.earnings[purchase_key(id_)].snapshot
        assert snapshot is not None
        return snapshot.updated_at

    @rule(place=PLACES, number=PLACES, cents=CENTS)
    def pay(self, place: int, number: int, cents: int) -> None:
        id_, sale = self.sale(place)
        if self.note(sale, "pay", f"p{number}", cents):
            now = self.world.now
            self.tell(builders.paid(money(cents), f"p{number}", id=id_, at=now), sale)

    @rule(place=PLACES, number=PLACES)
    def pay_the_rest(self, place: int, number: int) -> None:
        _, sale = self.sale(place)
        now = self.world.now
        rest = sale.owed(now) - sum(cents for _, cents in sale.payments(now))
        self.pay(place, number, max(0, rest))

    @rule(place=PLACES, number=PLACES)
    def bounce(self, place: int, number: int) -> None:
        id_, sale = self.sale(place)
        if self.note(sale, "bounce", f"p{number}"):
            self.tell(builders.bounced(f"p{number}", id=id_, at=self.world.now), sale)

    @rule(place=PLACES, number=PLACES, cents=CENTS)
    def refund(self, place: int, number: int, cents: int) -> None:
        id_, sale = self.sale(place)
        if self.note(sale, "refund", f"r{number}", cents):
            now = self.world.now
            self.tell(builders.refunded(money(cents), f"r{number}", id=id_, at=now), sale)

    @rule(place=PLACES, number=PLACES)
    def cancel_refund(self, place: int, number: int) -> None:
        id_, sale = self.sale(place)
        if self.note(sale, "cancel", f"r{number}"):
            self.tell(builders.refund_cancelled(f"r{number}", id=id_, at=self.world.now), sale)

    @rule(place=PLACES)
    def settle(self, place: int) -> None:
        id_, sale = self.sale(place)
        self.note(sale, "settle", f"at {self.world.now}")
        self.tell(builders.settled(id=id_, at=self.world.now), sale)

    @precondition(lambda self: len(self.told) > 10)
    @rule(place=PLACES)
    def void(self, place: int) -> None:
        id_, sale = self.sale(place)
        sale.voided = True
        self.tell(builders.voided(id=id_, at=self.world.now), sale)

    @rule()
    def later_purchases(self) -> None:
        """From here on other purchases are spoken of, and fewer of the old ones."""
        self.ids += 1

    @precondition(lambda self: self.told)
    @rule(data=st.data())
    def tell_again(self, data: st.DataObject) -> None:
        fact = data.draw(st.sampled_from(self.told))
        assert self.world.tell(fact) == ()

    # ---- Spending

    @rule(member=st.sampled_from(list(PLANS)), points=st.integers(1, 120))
    def redeem(self, member: str, points: int) -> None:
        account, today = self.model.accounts[member], self.world.now.date()
        if points <= account.usable(today):
            self.world.redeem(points, member)
            account.spend(points, today)
        else:
            self.refuse(InsufficientPointsError, points, member)

    @rule(member=st.sampled_from(list(PLANS)))
    def redeem_everything(self, member: str) -> None:
        points = self.model.accounts[member].usable(self.world.now.date())
        if points > 0:
            self.redeem(member, points)

    @rule(place=PLACES, less=st.integers(0, 1))
    def redeem_on_the_ticket_that_earned(self, place: int, less: int) -> None:
        id_, sale = self.sale(place)
        has = sale.holdings.get(sale.owner)
        account, today = self.model.accounts[sale.owner], self.world.now.date()
        earned_here = has.matured - has.written_off if has else 0
        usable = account.usable(today)
        most = max(0, usable - earned_here)
        points = most + 1 - less
        ticket = Ticket(key=purchase_key(id_), amount=Decimal(1_000))
        if 0 < points <= most:
            self.world.redeem(points, sale.owner, ticket=ticket)
            account.spend(points, today)
        elif most < points <= usable:
            self.refuse(EarnedOnSameTicketError, points, sale.owner, ticket)

    def refuse(
        self,
        error: type[Exception],
        points: int,
        member: str,
        ticket: Ticket | None = None,
    ) -> None:
        before = self.world.state(member)
        try:
            self.world.redeem(points, member, ticket=ticket)
        except error:
            assert self.world.state(member) is before
        else:
            raise AssertionError(f"{points} points of {member} should have been refused")

    # ---- Time

    @rule(period=DAYS)
    def time_passes(self, period: timedelta) -> None:
        self.world.now += period

    @rule()
    def holds_are_released(self) -> None:
        self.world.wait(self.world.now)
        for sale in self.model.sales.values():
            self.model.look(sale, self.world.now)

    @rule()
    def lots_expire(self) -> None:
        self.world.expire()
        for account in self.model.accounts.values():
            account.expire(self.world.now.date())

    # ---- Always

    @invariant()
    def the_balances_are_those_of_the_model(self) -> None:
        for member, account in self.model.accounts.items():
            state = self.world.state(member)
            assert state.pending == self.model.pending(member)
            assert (state.available, state.debt) == (account.available, account.debt)
            assert dict(state.lots) == {d: n for d, n in sorted(account.lots.items()) if n}
            assert self.world.written_off(member) == self.model.written_off(member)

    @invariant()
    def points_are_conserved(self) -> None:
        for member, account in self.model.accounts.items():
            state = self.world.state(member)
            used = {name: state.counter(name) for name in ("redeemed", "expired", "lapsed")}
            assert used == {
                "redeemed": account.redeemed,
                "expired": account.expired,
                "lapsed": self.model.lapsed(member),
            }
            assert state.counter("earned") == (
                account.available
                + self.model.pending(member)
                + sum(used.values())
                + state.counter("reversed")
            )

    def teardown(self) -> None:
        """Every chain is whole."""
        if hasattr(self, "world"):
            self.world.check()


TestLedgerMachine = LedgerMachine.TestCase
TestLedgerMachine.settings = settings(max_examples=8 * settings().max_examples)
