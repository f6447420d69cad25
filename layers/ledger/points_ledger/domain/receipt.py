"""Receipts: what the numbers of an earning's entries were computed from, as text.

A receipt stands in the `inputs` of every entry that an earning makes, so that its points can be
computed again from the program version alone. All of it is exact; nothing here rounds.

    rule:<id>       the quantity that the rule met: an amount, pieces, how often, or what is left
    campaign:<id>   points that the lines it matched earn alone, and the room where its cap or its
                    budget cut it
    tier            the earner's tier, where it multiplies
    posted          when the purchase was posted, or the action happened
    due             which part is due, by money: "400 of 1000", "settled" or "all"
    paid            where unpaid points lapse: which part is paid for, or "none"
    plan            the percentages by which the points are split between members
    holder          how this member stands in the plan, where not as the only one: "place=1",
                    "place=none" outside it; "earner=no" for all whose caps do not count;
                    "member=<id>" under the id of a member merged into this one; "kept=50" for
                    points that earlier falls had left by policy. Several, each for one id: "; "
    released        since when what an action waited for is true: the friend's first purchase, or
                    the purchase that it is linked to
    was             points by rule before this entry, where they were others
    counts          the challenges, streaks and leaderboards that it counts in: "five weekly"
"""

from collections.abc import Mapping
from dataclasses import field
from datetime import datetime
from fractions import Fraction
from typing import Final

from points_ledger.domain.calendar import format_instant, parse_instant
from points_ledger.domain.dataclass import dataclass
from points_ledger.domain.entry import RulePoints
from points_ledger.domain.identity import MemberId

Inputs = Mapping[str, str]

_RULE: Final = "rule:"
_CAMPAIGN: Final = "campaign:"
_OUTSIDE: Final = "none"
_COUNTS: Final = "counts"


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignBasis:
    """Points that a campaign's lines earn alone; `room` is what its cap or budget left, if cut."""

    alone: int
    room: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """What of a purchase or action met which rule: all that its points depend on, exactly."""

    rules: Mapping[str, Fraction] = field(default_factory=dict)
    campaigns: Mapping[str, CampaignBasis] = field(default_factory=dict)
    tier: str | None = None

    def encode(self) -> dict[str, str]:
        """As inputs of an entry."""
        inputs = {f"{_RULE}{id_}": exact_text(quantity) for id_, quantity in self.rules.items()}
        for id_, basis in self.campaigns.items():
            cut = "" if basis.room is None else f" room {basis.room}"
            inputs[f"{_CAMPAIGN}{id_}"] = f"{basis.alone}{cut}"
        if self.tier is not None:
            inputs["tier"] = self.tier
        return inputs


NO_CONTENT: Final = Content()


def read_content(inputs: Inputs) -> Content:
    """The inverse of `Content.encode`; other inputs are left aside.

    Raises:
        ValueError: a quantity is no number.
    """
    return Content(
        rules={
            name.removeprefix(_RULE): Fraction(text)
            for name, text in inputs.items()
            if name.startswith(_RULE)
        },
        campaigns={
            name.removeprefix(_CAMPAIGN): _read_basis(text)
            for name, text in inputs.items()
            if name.startswith(_CAMPAIGN)
        },
        tier=inputs.get("tier"),
    )


def _read_basis(text: str) -> CampaignBasis:
    alone, cut, room = text.partition(" room ")
    return CampaignBasis(alone=int(alone), room=int(room) if cut else None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cover:
    """How much of the price is there: `paid` of what is `owed`.

    With a `word` instead, all of it ("settled": the source says so; "all": nothing has to be
    paid) or nothing ("none": what has to happen is no payment).
    """

    paid: Fraction = Fraction(0)
    owed: Fraction = Fraction(0)
    word: str | None = None

    def encode(self) -> str:
        """Written as `400 of 1000`, or as the word."""
        return self.word or f"{exact_text(self.paid)} of {exact_text(self.owed)}"

    def points(self, earned: int, *, in_full: bool) -> int:
        """The points that this part of the price is good for.

        floor(earned × min(paid, owed) / owed), or all of them only once the price is complete.
        """
        if self.word is not None:
            return 0 if self.word == NONE else earned
        if self.paid >= self.owed:
            return earned
        return 0 if in_full else int(earned * self.paid / self.owed)


NONE: Final = "none"
ALL: Final = Cover(word="all")
SETTLED: Final = Cover(word="settled")
NOTHING: Final = Cover(word=NONE)
_WORDS: Final = {cover.word: cover for cover in (ALL, SETTLED, NOTHING)}


def read_cover(text: str) -> Cover:
    """The inverse of `Cover.encode`.

    Raises:
        ValueError: neither a known word nor two numbers.
    """
    if text in _WORDS:
        return _WORDS[text]
    paid, separator, owed = text.partition(" of ")
    if not separator:
        raise ValueError(f"{text!r} is not a part of a price")
    return Cover(paid=Fraction(paid), owed=Fraction(owed))


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """How a member stands towards an earning under one of its ids.

    Attributes:
        place: the place in the plan, None outside it.
        is_earner: whether caps and limits are counted on this member.
        member_id: the id that the earning knows the member by, where it is not the chain's.
        kept: points by which the member held more than the target before, by policy.
    """

    place: int | None = 0
    is_earner: bool = True
    member_id: MemberId | None = None
    kept: int = 0

    def encode(self) -> str:
        """What is not as usual, the place first."""
        parts = [f"place={_OUTSIDE if self.place is None else self.place}"]
        if not self.is_earner:
            parts.append("earner=no")
        if self.member_id is not None:
            parts.append(f"member={self.member_id}")
        if self.kept:
            parts.append(f"kept={self.kept}")
        return " ".join(parts)


def _read_holder(text: str) -> Holder:
    parts = dict(part.split("=", 1) for part in text.split(" "))
    place, member = parts.get("place", ""), parts.get("member")
    return Holder(
        place=None if place == _OUTSIDE else int(place),
        is_earner="earner" not in parts,
        member_id=None if member is None else MemberId(member),
        kept=int(parts.get("kept", "0")),
    )


ALONE: Final = (Holder(),)
WHOLE: Final = (100,)


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What one member's entries of one earning come from.

    Attributes:
        percents: the percentages of the plan.
        holders: how this member stands in it, under each of its ids.
        due: the part of the price that is there and waits for nothing; None: none of it.
        paid: the part that is there at all, where the unpaid rest has lapsed.
        released_at: since when what an action waited for is true, where something is due.
        was: points by rule before, where they were others.
        counts: what it counts in beside its points (challenge.py), by id.
    """

    content: Content
    posted_at: datetime
    percents: tuple[int, ...] = WHOLE
    holders: tuple[Holder, ...] = ALONE
    due: Cover | None = None
    paid: Cover | None = None
    released_at: datetime | None = None
    was: RulePoints = ()
    counts: tuple[str, ...] = ()

    def encode(self) -> dict[str, str]:
        """As inputs of an entry."""
        inputs = {**self.content.encode(), "posted": format_instant(self.posted_at)}
        if self.percents != WHOLE:
            inputs["plan"] = " ".join(map(str, self.percents))
        if self.holders != ALONE:
            inputs["holder"] = "; ".join(holder.encode() for holder in self.holders)
        if self.due is not None:
            inputs["due"] = self.due.encode()
        if self.paid is not None:
            inputs["paid"] = self.paid.encode()
        if self.released_at is not None:
            inputs["released"] = format_instant(self.released_at)
        if self.was:
            inputs["was"] = ", ".join(f"{id_}={points}" for id_, points in self.was)
        return inputs | encode_counts(self.counts)


def read_receipt(inputs: Inputs) -> Receipt:
    """The inverse of `Receipt.encode`.

    Raises:
        ValueError: something is missing, unknown, or written in another way than `encode` does.
    """
    if "posted" not in inputs:
        raise ValueError("posted is missing")
    receipt = Receipt(
        content=read_content(inputs),
        posted_at=parse_instant(inputs["posted"]),
        percents=tuple(map(int, inputs["plan"].split(" "))) if "plan" in inputs else WHOLE,
        holders=tuple(map(_read_holder, inputs["holder"].split("; ")))
        if "holder" in inputs
        else ALONE,
        due=read_cover(inputs["due"]) if "due" in inputs else None,
        paid=read_cover(inputs["paid"]) if "paid" in inputs else None,
        released_at=parse_instant(inputs["released"]) if "released" in inputs else None,
        was=_read_points(inputs.get("was", "")),
        counts=read_counts(inputs),
    )
    if sum(receipt.percents) != sum(WHOLE):
        raise ValueError("plan does not sum to 100")
    if any(h.place is not None and h.place >= len(receipt.percents) for h in receipt.holders):
        raise ValueError("holder has no place in the plan")
    written = receipt.encode()
    for name in sorted({*inputs, *written}):
        if inputs.get(name) != written.get(name):
            raise ValueError(f"{name} is written {inputs.get(name)!r}, not {written.get(name)!r}")
    return receipt


def encode_counts(counts: tuple[str, ...]) -> dict[str, str]:
    """What something counts in, as an input; ids have no spaces."""
    return {_COUNTS: " ".join(counts)} if counts else {}


def read_counts(inputs: Inputs) -> tuple[str, ...]:
    """The inverse of `encode_counts`."""
    return tuple(inputs.get(_COUNTS, "").split())


def _read_points(text: str) -> RulePoints:
    pairs = (part.rpartition("=") for part in text.split(", ") if part)
    return tuple((id_, int(points)) for id_, _, points in pairs)


def exact_text(number: Fraction) -> str:
    """The number as a decimal where it is one, otherwise as a fraction: `49.95`, `100/3`."""
    twos = fives = 0
    rest = number.denominator
    while rest % 2 == 0:
        rest, twos = rest // 2, twos + 1
    while rest % 5 == 0:
        rest, fives = rest // 5, fives + 1
    if rest != 1:
        return str(number)
    decimals = max(twos, fives)
    digits = str(abs(number.numerator) * 10**decimals // number.denominator).zfill(decimals + 1)
    sign = "-" if number < 0 else ""
    whole = digits[: len(digits) - decimals]
    return f"{sign}{whole}.{digits[len(whole) :]}" if decimals else f"{sign}{whole}"
