"""What a mail says: the values of its placeholders, out of the entries that it is about."""

from collections.abc import Sequence
from datetime import date
from typing import Final

from points_ledger.domain import mail_words
from points_ledger.domain.dataclass import dataclass
from points_ledger.domain.entry import Entry, Posting
from points_ledger.domain.identity import EarningKey
from points_ledger.domain.lot import Lots
from points_ledger.domain.mail import MailedEvent, Values, one_line
from points_ledger.domain.program import Program
from points_ledger.domain.redemption import value_of
from points_ledger.domain.state import decode_lots
from points_ledger.domain.tier import changed_tier
from points_ledger.domain.told import points_told

UNITED: Final[frozenset[MailedEvent]] = frozenset(
    {"PointsAccrued", "PointsMatured", "PointsReversed"}
)
"""A sweep matures many purchases at one instant: entries of one kind that were recorded at the
same instant are told in one mail."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Occasion:
    """What a mail is about; points are not negative, `change` is signed.

    `lots` are those that opened, or that expire soon; `days` from the notice to the first of them.
    """

    event: MailedEvent
    points: int
    change: int
    sources: tuple[EarningKey | None, ...] = ()
    rules: tuple[str, ...] = ()
    lots: Lots
    days: int = 0
    old_tier: str | None = None
    new_tier: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """Who reads the mail: a name if one is known, and what the account has now."""

    name: str | None
    available: int
    pending: int
    portal_url: str
    unsubscribe_url: str


def occasion_of(event: MailedEvent, entries: Sequence[Entry]) -> Occasion:
    """What entries of one kind are about together; there is at least one."""
    postings = [entry.posting for entry in entries]
    newest = postings[-1]
    former, new = changed_tier(newest.details) or (None, None)
    return Occasion(
        event=event,
        points=abs(sum(map(points_told, postings))),
        change=sum(posting.available for posting in postings),
        sources=tuple(posting.source for posting in postings),
        rules=tuple(dict.fromkeys(id_ for posting in postings for id_, _ in posting.rules)),
        lots=_lots(postings),
        days=int(newest.details.get("days", "0")) if newest.type == "notice" else 0,
        old_tier=former,
        new_tier=new,
    )


def _lots(postings: Sequence[Posting]) -> Lots:
    united: dict[date, int] = {}
    for posting in postings:
        is_notice = posting.type == "notice"
        about = decode_lots(posting.details.get("lots", "")) if is_notice else posting.lots
        for day, points in about.items():
            united[day] = united.get(day, 0) + points
    return {day: points for day, points in sorted(united.items()) if points > 0}


def values_of(occasion: Occasion, reader: Reader, program: Program, language: str) -> Values:
    """Every placeholder of any event with its value, in the words of a language."""

    def worth(points: int) -> str:
        amount = value_of(points, program.point_value, program.currency)
        return mail_words.money(amount, program.currency, language)

    def tier(id_: str | None) -> str:
        return id_ if id_ is not None else mail_words.word("none", language)

    lots = occasion.lots
    return {
        "member_name": one_line(reader.name or "") or mail_words.word("member", language),
        "program_name": one_line(program.name),
        "available": mail_words.number(reader.available, language),
        "available_value": worth(reader.available),
        "pending": mail_words.number(reader.pending, language),
        "portal_url": reader.portal_url,
        "unsubscribe_url": reader.unsubscribe_url,
        "points": mail_words.number(occasion.points, language),
        "value": worth(occasion.points),
        "change": mail_words.signed(occasion.change, language),
        "reason": mail_words.reason(occasion.sources, language),
        "rules": ", ".join(occasion.rules) or mail_words.word("none", language),
        "last_day": mail_words.day(min(lots), language)
        if lots
        else mail_words.word("none", language),
        "days": str(occasion.days),
        "lots": "\n".join(_lot(day, points, language) for day, points in lots.items()),
        "old_tier": tier(occasion.old_tier),
        "new_tier": tier(occasion.new_tier),
    }


def _lot(day: date, points: int, language: str) -> str:
    line = mail_words.word("lot", language)
    return line.format(
        points=mail_words.number(points, language), day=mail_words.day(day, language)
    )
