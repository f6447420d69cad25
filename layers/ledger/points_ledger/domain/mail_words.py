"""Numbers, money, days and the few words of mails, in the languages that are shipped.

In another language numbers are plain and days are written as ISO 8601.
"""

from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from types import MappingProxyType
from typing import Final

from points_ledger.domain.identity import EarningKey
from points_ledger.domain.lot import NEVER
from points_ledger.domain.money import format_amount

SHIPPED_LANGUAGES: Final = ("de", "en", "es")

_MONTHS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "de": (
            *("Januar", "Februar", "März", "April", "Mai", "Juni", "Juli", "August"),
            *("September", "Oktober", "November", "Dezember"),
        ),
        "en": (
            *("January", "February", "March", "April", "May", "June", "July", "August"),
            *("September", "October", "November", "December"),
        ),
        "es": (
            *("enero", "febrero", "marzo", "abril", "mayo", "junio", "julio", "agosto"),
            *("septiembre", "octubre", "noviembre", "diciembre"),
        ),
    }
)
_DAYS: Final = MappingProxyType(
    {
        "de": "{day}. {month} {year}",
        "en": "{day} {month} {year}",
        "es": "{day} de {month} de {year}",
    }
)
_WORDS: Final[Mapping[str, Mapping[str, str]]] = MappingProxyType(
    {
        "de": MappingProxyType(
            {
                "invoice": "Rechnung",
                "ticket": "Kassenbon",
                "order": "Bestellung",
                "action": "Aktion",
                "several": "mehrere Einkäufe oder Aktionen",
                "account": "Ihr Konto",
                "never": "unbegrenzt",
                "none": "keine",
                "member": "Mitglied",
                "lot": "{points} Punkte: gültig bis {day}",
                "footer": "Keine E-Mails mehr über Ihre Punkte: {unsubscribe_url}",
            }
        ),
        "en": MappingProxyType(
            {
                "invoice": "invoice",
                "ticket": "ticket",
                "order": "order",
                "action": "action",
                "several": "several purchases or actions",
                "account": "your account",
                "never": "no last day",
                "none": "none",
                "member": "member",
                "lot": "{points} points: good until {day}",
                "footer": "No more mails about your points: {unsubscribe_url}",
            }
        ),
        "es": MappingProxyType(
            {
                "invoice": "factura",
                "ticket": "recibo",
                "order": "pedido",
                "action": "acción",
                "several": "varias compras o acciones",
                "account": "su cuenta",
                "never": "sin fecha límite",
                "none": "ninguno",
                "member": "miembro",
                "lot": "{points} puntos: válidos hasta el {day}",
                "footer": "No recibir más correos sobre sus puntos: {unsubscribe_url}",
            }
        ),
    }
)


def word(name: str, language: str) -> str:
    """One of the words above, in English where the language is not shipped."""
    return _WORDS.get(language.partition("-")[0], _WORDS["en"])[name]


def number(points: int, language: str) -> str:
    """Points with the separators of the language."""
    grouped = f"{points:,}"
    if _base(language) in ("de", "es"):
        return grouped.replace(",", ".")
    return grouped if _base(language) == "en" else str(points)


def signed(points: int, language: str) -> str:
    """A change of points, always with its sign."""
    return f"{'−' if points < 0 else '+'}{number(abs(points), language)}"


def money(amount: Decimal, currency: str, language: str) -> str:
    """An amount with its currency's code: `1,234.50 USD`, `1.234,50 USD`."""
    whole, dot, fraction = format_amount(amount, currency).partition(".")
    mark = "," if _base(language) in ("de", "es") else "."
    return f"{number(int(whole), language)}{dot and mark}{fraction} {currency}"


def day(value: date, language: str) -> str:
    """A day written out, or the word for a lot that has no last one."""
    if value == NEVER:
        return word("never", language)
    base = _base(language)
    if base not in _MONTHS:
        return value.isoformat()
    month = _MONTHS[base][value.month - 1]
    return _DAYS[base].format(day=value.day, month=month, year=value.year)


def reason(sources: Iterable[EarningKey | None], language: str) -> str:
    """What the points are for: one purchase or action by its id, several, or the account itself."""
    known = list(dict.fromkeys(sources))
    if known == [None] or not known:
        return word("account", language)
    if len(known) > 1 or known[0] is None:
        return word("several", language)
    [source] = known
    assert source is not None
    words = _WORDS.get(_base(language), _WORDS["en"])
    id_ = source.id.partition(":")[0] if source.kind == "action" else source.id
    return f"{words.get(source.kind, source.kind)} {id_}"


def _base(language: str) -> str:
    return language.partition("-")[0]
