"""The catalogue of rewards: what it has, and changing it.

What a reward is and how many are left are two items: a claim draws from the stock and does not
touch the rest. A claim relies on the reward as it was read after the account, so one that runs
beside a change may come before or after it.
"""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final, Literal, cast

from points_ledger.domain.dataclass import dataclass
from points_ledger.domain.error import (
    FieldError,
    InvalidRequestError,
    NotFoundError,
)
from points_ledger.domain.identity import RewardId
from points_ledger.domain.limit import MAX_GRANT_MONTHS
from points_ledger.domain.money import format_amount, round_down
from points_ledger.domain.program import Program
from points_ledger.domain.reward import has_ended
from points_ledger.service.ledger import Decision, View, WritePath
from points_ledger.service.ports import (
    Create,
    Listed,
    ListReader,
    Put,
    Request,
    RequestKey,
    Reward,
    RewardGrant,
    RewardKey,
    Save,
    Stock,
    StockKey,
    Store,
    Write,
)
from points_ledger.service.programs import Programs

CATALOGUE: Final = "all"
"""The one partition of the list of rewards."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A reward as an admin writes it; amounts are in the program's currency.

    `amount` is what a coupon, or the thing itself, is worth; `amount_due` is money on top of the
    points. `stock` is how many are left, None where there is no end of them.
    """

    name: str
    description: str | None = None
    kind: Literal["item", "coupon"] = "item"
    points: int
    amount: Decimal | None = None
    amount_due: Decimal | None = None
    stock: int | None = None
    tiers: tuple[str, ...] = ()
    valid_from: datetime | None = None
    valid_until: datetime | None = None
    active: bool = True
    grants: RewardGrant | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateReward:
    """Add a reward. `request` and `fingerprint` identify the command for good."""

    request: RequestKey
    fingerprint: str
    draft: Draft


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeReward:
    """Change the fields that are named, each to the value of a `Draft`."""

    reward_id: RewardId
    changes: Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A reward with what is left of it; None where there is no end."""

    reward: Reward
    remaining: int | None
    currency: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Created:
    """The new reward's id."""

    reward_id: RewardId
    replayed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Rewarding:
    """Shows and changes the catalogue."""

    path: WritePath
    store: Store
    reader: ListReader
    programs: Programs
    clock: Callable[[], datetime]

    def rewards(
        self, *, everything: bool, limit: int, cursor: str | None
    ) -> tuple[tuple[Shown, ...], str | None]:
        """A page of the catalogue, oldest first, and where the next page begins.

        Without `everything` what is not active, or has ended, is left out: a page may then have
        fewer than `limit`, or none.

        Raises:
            ValueError: the cursor does not belong to this list.
        """
        page = self.reader.listed("rewards", CATALOGUE, limit=limit, cursor=cursor)
        ids, now = [RewardId(id_) for id_ in page.ids], self.clock()
        # A page is as long as one read may be.
        rewards = self.store.get([RewardKey(reward_id=id_) for id_ in ids]) if ids else {}
        stocks = self.store.get([StockKey(reward_id=id_) for id_ in ids]) if ids else {}
        currency = self.programs.at(now).currency
        found = (
            _shown(
                cast("Reward", rewards[RewardKey(reward_id=id_)]),
                cast("Stock | None", stocks.get(StockKey(reward_id=id_))),
                currency,
            )
            for id_ in ids
            if RewardKey(reward_id=id_) in rewards
        )
        shown = tuple(each for each in found if everything or _is_offered(each.reward, now))
        return shown, page.cursor

    def reward(self, reward_id: RewardId) -> Shown:
        """One reward.

        Raises:
            NotFoundError: there is none with this id.
        """
        view = View(self.store)
        view.load(RewardKey(reward_id=reward_id), StockKey(reward_id=reward_id))
        reward = view.reward(reward_id)
        if reward is None:
            raise NotFoundError("reward", reward_id)
        return _shown(reward, view.stock(reward_id), self.programs.at(self.clock()).currency)

    def create(self, command: CreateReward) -> Created:
        """Add a reward, once per request.

        Raises:
            InvalidRequestError: it does not fit the program.
            IdempotencyKeyReusedError: the same key came with another input before.
        """
        return self.path.run(lambda view: self._create(view, command))

    def change(self, command: ChangeReward) -> None:
        """Change a reward.

        Raises:
            NotFoundError: there is none with this id.
            InvalidRequestError: it would not fit the program.
        """
        self.path.run(lambda view: self._change(view, command))

    def _create(self, view: View, command: CreateReward) -> Decision[Created]:
        first = view.first_answer(command.request, command.fingerprint)
        if first is not None:
            return Decision(result=Created(reward_id=RewardId(first["reward_id"]), replayed=True))
        now, id_ = self.clock(), reward_id(command.request)
        program = self.programs.at(now)
        _check(command.draft, program)
        reward = _reward(command.draft, program, id_=id_, created_at=now)
        made_at = now.astimezone(UTC).isoformat(timespec="microseconds")
        place = Listed(list="rewards", partition=CATALOGUE, sort=made_at, id=id_)
        request = Request(
            key=command.request,
            fingerprint=command.fingerprint,
            result=json.dumps({"reward_id": id_}),
        )
        return Decision(
            result=Created(reward_id=id_),
            writes=(
                Create(item=reward),
                *_stock(command.draft, id_),
                Put(item=place),
                Create(item=request),
            ),
        )

    def _change(self, view: View, command: ChangeReward) -> Decision[None]:
        id_ = command.reward_id
        view.load(RewardKey(reward_id=id_), StockKey(reward_id=id_))
        before, stock = view.reward(id_), view.stock(id_)
        if before is None:
            raise NotFoundError("reward", id_)
        program = self.programs.at(self.clock())
        draft = replace(_draft(before, stock), **command.changes)  # type: ignore[arg-type]  # read as a draft's
        _check(draft, program)
        after = _reward(draft, program, id_=id_, created_at=before.created_at)
        after = replace(after, revision=before.revision)
        # What is left is only written where it was named: claims go on drawing from it.
        left = _stock(draft, id_) if "stock" in command.changes else ()
        saved = () if after == before else (Save(item=after, expected=before.revision),)
        return Decision(result=None, writes=(*saved, *left))


def reward_id(request: RequestKey) -> RewardId:
    """The id of the reward that a request makes: the same request, the same reward."""
    content = json.dumps(["reward", request.caller, request.key]).encode()
    return RewardId(f"rwd_{hashlib.sha256(content).hexdigest()[:24]}")


def _check(draft: Draft, program: Program) -> None:
    errors = tuple(_errors(draft, program))
    if errors:
        raise InvalidRequestError(errors)


def _errors(draft: Draft, program: Program) -> Iterator[FieldError]:
    """What about a draft does not fit the program, or itself."""
    if draft.kind == "coupon" and draft.amount is None:
        yield FieldError("amount", "is what the coupon is worth, and is required")
    for name, amount in (("amount", draft.amount), ("amount_due", draft.amount_due)):
        if amount is not None and round_down(amount, program.currency) != amount:
            yield FieldError(name, f"is finer than {program.currency}")
    known = {tier.id for tier in program.tiers}
    for place, tier in enumerate(draft.tiers):
        if tier not in known:
            yield FieldError(f"tiers.{place}", "is no tier of the program")
    if draft.grants is not None and draft.grants.tier not in known:
        yield FieldError("grants.tier", "is no tier of the program")
    if draft.grants is not None and not 1 <= draft.grants.months <= MAX_GRANT_MONTHS:
        yield FieldError("grants.months", f"must be 1 to {MAX_GRANT_MONTHS}")
    begins, ends = draft.valid_from, draft.valid_until
    if begins is not None and ends is not None and ends <= begins:
        yield FieldError("valid_until", "must be after valid_from")


def _reward(draft: Draft, program: Program, *, id_: RewardId, created_at: datetime) -> Reward:
    def written(amount: Decimal | None) -> str | None:
        return None if amount is None else format_amount(amount, program.currency)

    return Reward(
        reward_id=id_,
        name=draft.name,
        description=draft.description,
        kind=draft.kind,
        points=draft.points,
        amount=written(draft.amount),
        amount_due=written(draft.amount_due),
        tiers=draft.tiers,
        valid_from=draft.valid_from,
        valid_until=draft.valid_until,
        is_active=draft.active,
        is_limited=draft.stock is not None,
        grants=draft.grants,
        created_at=created_at,
    )


def _draft(reward: Reward, stock: Stock | None) -> Draft:
    """A reward as it would be written now."""
    return Draft(
        name=reward.name,
        description=reward.description,
        kind=reward.kind,
        points=reward.points,
        amount=_amount(reward.amount),
        amount_due=_amount(reward.amount_due),
        stock=stock.remaining if stock is not None and reward.is_limited else None,
        tiers=reward.tiers,
        valid_from=reward.valid_from,
        valid_until=reward.valid_until,
        active=reward.is_active,
        grants=reward.grants,
    )


def _amount(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


def _stock(draft: Draft, id_: RewardId) -> tuple[Write, ...]:
    if draft.stock is None:
        return ()
    return (Put(item=Stock(reward_id=id_, remaining=draft.stock)),)


def _shown(reward: Reward, stock: Stock | None, currency: str) -> Shown:
    remaining = stock.remaining if stock is not None and reward.is_limited else None
    return Shown(reward=reward, remaining=remaining, currency=currency)


def _is_offered(reward: Reward, now: datetime) -> bool:
    return reward.is_active and not has_ended(reward.valid_until, now)
