"""The ledger against the model, command by command: purchases of several members, payments,
bounces, refunds, edits, voids, redemptions, sweeps, and time passing."""

from datetime import UTC, datetime, time, timedelta
from decimal import Decimal

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from points_ledger.domain.earning import MergeableFact
from points_ledger.domain.error import EarnedOnSameTicketError, InsufficientPointsError
from points_ledger.domain.money import from_minor_units
from points_ledger.domain.program import Clawback
from points_ledger.domain.redemption import Ticket
from tests import builders
from tests.builders import World, purchase_key
from tests.property.ledger_model import Account, Model, Sale, Terms

PLANS = {"ada": {"ada": 60, "ben": 40}, "ben": {"ben": 100}, "eve": {"eve": 100}}
"""Ada shares with Ben; the others keep what they earn."""

OWNERS = st.sampled_from(sorted(PLANS))
CENTS = st.sampled_from([0, 50, 1_000, 2_500, 3_999]) | st.integers(0, 4_000)
WHICH = st.integers(0, 5)
NUMBERS = st.integers(0, 2)
SPENT = st.fixed_dictionaries({member: st.integers(0, 4) for member in PLANS})
"""How many quarters of what they have members spend before anything else happens."""
DAYS = st.integers(0, 6 * 24).map(lambda hours: timedelta(hours=hours))


def terms(clawback: Clawback) -> st.SearchStrategy[Terms]:
    """Programs of one policy."""
    return st.builds(
        Terms,
        points=st.sampled_from([1, 3]),
        per_cents=st.sampled_from([100, 500]),
        proportional=st.booleans(),
        hold=st.sampled_from([timedelta(0), timedelta(days=1)]),
        return_window=st.sampled_from([timedelta(0), timedelta(days=3)]),
        lapse_after=st.sampled_from([timedelta(days=2), timedelta(days=10), None]),
        clawback=st.just(clawback),
        valid_days=st.sampled_from([5, 8, 30, None]),
        to_month_end=st.booleans(),
    )


def money(cents: int) -> str:
    return str(from_minor_units(cents, "USD"))


def hours(period: timedelta) -> str:
    return f"PT{int(period.total_seconds() // 3600)}H"


class LedgerMachine(RuleBasedStateMachine):
    """Tells the ledger and the model the same, and compares them after each step."""

    def begin(self, terms: Terms, spent_quarters: dict[str, int]) -> None:
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
        # Everyone has something to spend and to lose, in lots of different days.
        for cents in (2_000, 3_000):
            for owner in PLANS:
                self.sell(owner, cents)
            self.days_pass(timedelta(days=4), sweep=False)
        for member, quarters in spent_quarters.items():
            self.redeem(member, quarters)

    # ---- Facts

    def tell(self, fact: MergeableFact, sale: Sale) -> None:
        self.world.tell(fact)
        self.told.append(fact)
        self.model.look(sale, self.world.now)

    def open(self, owner: str) -> str:
        """A purchase that nobody has spoken of before."""
        id_ = f"sale-{len(self.model.sales)}"
        self.model.sales[id_] = Sale(owner=owner, shares=PLANS[owner])
        return id_

    def chosen(self, which: int) -> tuple[str, Sale]:
        """One of the purchases, counted from the newest."""
        ids = list(self.model.sales)
        id_ = ids[-1 - which % len(ids)]
        return id_, self.model.sales[id_]

    def note(self, sale: Sale, kind: str, id_: str, cents: int = 0) -> bool:
        """Keep a moment in the model, unless the same kind and id came before."""
        known = any((what, which) == (kind, id_) for _, what, which, _ in sale.moments)
        if known and kind != "settle":
            return False
        sale.moments.append((self.world.now, kind, id_, cents))
        return True

    def post(self, id_: str, cents: int) -> None:
        sale, now = self.model.sales[id_], self.world.now
        sale.posted_at = sale.posted_at or now
        sale.total = cents
        self.tell(
            builders.posted(
                money(cents), id=id_, at=sale.posted_at, updated_at=now, customer=sale.owner
            ),
            sale,
        )

    def pay(self, id_: str, number: int, cents: int) -> None:
        sale, now = self.model.sales[id_], self.world.now
        if self.note(sale, "pay", f"p{number}", cents):
            self.tell(builders.paid(money(cents), f"p{number}", id=id_, at=now), sale)

    def refund(self, id_: str, number: int, cents: int) -> None:
        sale, now = self.model.sales[id_], self.world.now
        if self.note(sale, "refund", f"r{number}", cents):
            self.tell(builders.refunded(money(cents), f"r{number}", id=id_, at=now), sale)

    def sell(self, owner: str, cents: int) -> None:
        id_ = self.open(owner)
        self.post(id_, cents)
        self.pay(id_, 0, cents)

    @rule(owner=OWNERS, cents=CENTS, first=st.sampled_from(["all", "all", "posted", "paid"]))
    def sell_something(self, owner: str, cents: int, first: str) -> None:
        """A new purchase: posted and paid, only posted so far, or paid before it is posted."""
        match first:
            case "all":
                self.sell(owner, cents)
            case "posted":
                self.post(self.open(owner), cents)
            case _:
                self.pay(self.open(owner), 0, cents)

    @rule(which=WHICH, cents=CENTS)
    def post_or_edit(self, which: int, cents: int) -> None:
        id_, sale = self.chosen(which)
        # Equal timestamps are decided by a hash, which is not the model's business.
        if sale.posted_at is None or self.world.now != self.last_update(id_):
            self.post(id_, cents)

    def last_update(self, id_: str) -> object:
        snapshot = self.world.earnings[purchase_key(id_)].snapshot
        assert snapshot is not None
        return snapshot.updated_at

    @rule(which=WHICH, number=NUMBERS, cents=st.none() | CENTS)
    def pay_something(self, which: int, number: int, cents: int | None) -> None:
        """A payment of some cents, or of the rest."""
        id_, sale = self.chosen(which)
        now = self.world.now
        rest = sale.owed(now) - sum(part for _, part in sale.payments(now))
        self.pay(id_, number, max(0, rest) if cents is None else cents)

    @rule(which=WHICH, number=NUMBERS)
    def bounce(self, which: int, number: int) -> None:
        id_, sale = self.chosen(which)
        if self.note(sale, "bounce", f"p{number}"):
            self.tell(builders.bounced(f"p{number}", id=id_, at=self.world.now), sale)

    @rule(which=WHICH, number=NUMBERS, cents=st.none() | CENTS)
    def refund_something(self, which: int, number: int, cents: int | None) -> None:
        """A refund of some cents, or of all that is left."""
        id_, sale = self.chosen(which)
        self.refund(id_, number, sale.owed(self.world.now) if cents is None else cents)

    @rule(which=WHICH, number=NUMBERS)
    def cancel_refund(self, which: int, number: int) -> None:
        id_, sale = self.chosen(which)
        if self.note(sale, "cancel", f"r{number}"):
            self.tell(builders.refund_cancelled(f"r{number}", id=id_, at=self.world.now), sale)

    @rule(which=WHICH)
    def settle(self, which: int) -> None:
        id_, sale = self.chosen(which)
        self.note(sale, "settle", f"at {self.world.now}")
        self.tell(builders.settled(id=id_, at=self.world.now), sale)

    @precondition(lambda self: len(self.told) > 25)
    @rule(which=WHICH)
    def void(self, which: int) -> None:
        id_, sale = self.chosen(which)
        sale.voided = True
        self.tell(builders.voided(id=id_, at=self.world.now), sale)

    @precondition(lambda self: self.told)
    @rule(data=st.data())
    def tell_again(self, data: st.DataObject) -> None:
        fact = data.draw(st.sampled_from(self.told))
        assert self.world.tell(fact) == ()

    # ---- Spending

    @rule(member=OWNERS, quarters=st.integers(1, 4))
    def redeem(self, member: str, quarters: int) -> None:
        """Some or all of what there is."""
        account, today = self.model.accounts[member], self.world.now.date()
        points = account.usable(today) * quarters // 4
        if points > 0:
            self.world.redeem(points, member)
            account.spend(points, today)

    @rule(member=OWNERS, more=st.integers(1, 50))
    def redeem_too_much(self, member: str, more: int) -> None:
        usable = self.model.accounts[member].usable(self.world.now.date())
        self.refuse(InsufficientPointsError, max(0, usable) + more, member)

    @rule(which=WHICH, less=st.integers(0, 1))
    def redeem_on_the_ticket_that_earned(self, which: int, less: int) -> None:
        id_, sale = self.chosen(which)
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

    @rule(period=DAYS, sweep=st.booleans())
    def days_pass(self, period: timedelta, *, sweep: bool) -> None:
        """Time passes and the schedules run."""
        self.world.now += period
        self.holds_are_released()
        if sweep:
            self.lots_expire()

    @rule(member=OWNERS, sweep=st.booleans())
    def the_next_lot_passes(self, member: str, sweep: bool) -> None:
        days = [day for day in self.world.lots(member) if day.year < self.world.now.year + 2]
        if days:
            passed = datetime.combine(days[0] + timedelta(days=1), time(), UTC)
            self.world.now = max(self.world.now, passed)
        if sweep:
            self.lots_expire()

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


class UnlimitedMachine(LedgerMachine):
    """What cannot be taken back becomes debt."""

    @initialize(terms=terms("unlimited"), spent=SPENT)
    def begin_unlimited(self, terms: Terms, spent: dict[str, int]) -> None:
        self.begin(terms, spent)


class WithinBalanceMachine(LedgerMachine):
    """What cannot be taken back is written off."""

    @initialize(terms=terms("within_balance"), spent=SPENT)
    def begin_within_balance(self, terms: Terms, spent: dict[str, int]) -> None:
        self.begin(terms, spent)


class OnlyPendingMachine(LedgerMachine):
    """Matured points are safe."""

    @initialize(terms=terms("only_pending"), spent=SPENT)
    def begin_only_pending(self, terms: Terms, spent: dict[str, int]) -> None:
        self.begin(terms, spent)


TestUnlimited = UnlimitedMachine.TestCase
TestUnlimited.settings = settings(max_examples=2 * settings().max_examples)
TestWithinBalance = WithinBalanceMachine.TestCase
TestOnlyPending = OnlyPendingMachine.TestCase
TestOnlyPending.settings = settings(max_examples=settings().max_examples // 2)
