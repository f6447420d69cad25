"""The templates that are shipped: English, Spanish and German, one for each event that is mailed.

All are switched on but PointsAdjusted: what staff correct by hand they explain themselves.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from points_ledger.domain.mail import MAILED_EVENTS, MailedEvent, MailTemplate

SWITCHED_OFF: Final[frozenset[MailedEvent]] = frozenset({"PointsAdjusted"})

_Texts = Mapping[MailedEvent, tuple[str, str]]
"""Subject and message by event; greeting and balance are the same for all."""

_ENGLISH: Final[_Texts] = MappingProxyType(
    {
        "PointsAccrued": (
            "You have earned {points} points",
            (
                "You have earned {points} points ({value}) with {program_name}.\n"
                "What for: {reason}. Rules: {rules}.\n\n"
                "They are pending until everything they wait for has happened, such as the payment."
            ),
        ),
        "PointsMatured": (
            "{points} points are ready to be spent",
            (
                "{points} points ({value}) are yours to spend from now on.\n"
                "What for: {reason}. Rules: {rules}.\n\n"
                "Last day to use them: {last_day}."
            ),
        ),
        "PointsExpiring": (
            "{points} points expire soon",
            (
                "{points} points ({value}) expire soon, the first of them after {last_day}, "
                "which is {days} days from now.\n\n{lots}"
            ),
        ),
        "PointsExpired": (
            "{points} points have expired",
            "{points} points ({value}) have expired.",
        ),
        "PointsRedeemed": (
            "You have redeemed {points} points",
            (
                "You have redeemed {points} points, worth {value}. "
                "If this was not you, please tell us at once."
            ),
        ),
        "PointsReversed": (
            "{points} points were taken back",
            (
                "{points} points ({value}) were taken back, because a purchase was returned, "
                "changed or not paid.\nWhat for: {reason}."
            ),
        ),
        "PointsTransferred": (
            "A transfer of {points} points",
            (
                "A transfer of points has changed your balance by {change}. "
                "If you know nothing of it, please tell us at once."
            ),
        ),
        "PointsAdjusted": (
            "Your points were adjusted",
            "Our staff have adjusted your balance by {change} points.",
        ),
        "TierChanged": (
            "Your tier has changed",
            "Your tier with {program_name} is now: {new_tier}. Before, it was: {old_tier}.",
        ),
    }
)
_SPANISH: Final[_Texts] = MappingProxyType(
    {
        "PointsAccrued": (
            "Ha ganado {points} puntos",
            (
                "Ha ganado {points} puntos ({value}) con {program_name}.\n"
                "Motivo: {reason}. Reglas: {rules}.\n\n"
                "Quedan pendientes hasta que se cumpla todo lo que esperan, como el pago."
            ),
        ),
        "PointsMatured": (
            "{points} puntos están disponibles",
            (
                "Desde ahora puede gastar {points} puntos ({value}).\n"
                "Motivo: {reason}. Reglas: {rules}.\n\n"
                "Último día para usarlos: {last_day}."
            ),
        ),
        "PointsExpiring": (
            "{points} puntos caducan pronto",
            (
                "{points} puntos ({value}) caducan pronto, los primeros después del {last_day}, "
                "dentro de {days} días.\n\n{lots}"
            ),
        ),
        "PointsExpired": (
            "{points} puntos han caducado",
            "{points} puntos ({value}) han caducado.",
        ),
        "PointsRedeemed": (
            "Ha canjeado {points} puntos",
            (
                "Ha canjeado {points} puntos, por un valor de {value}. "
                "Si no ha sido usted, avísenos enseguida."
            ),
        ),
        "PointsReversed": (
            "Se han retirado {points} puntos",
            (
                "Se han retirado {points} puntos ({value}), porque una compra se devolvió, cambió "
                "o no se pagó.\nMotivo: {reason}."
            ),
        ),
        "PointsTransferred": (
            "Una transferencia de {points} puntos",
            (
                "Una transferencia ha cambiado su saldo en {change} puntos. "
                "Si no sabe nada de ella, avísenos enseguida."
            ),
        ),
        "PointsAdjusted": (
            "Se ha ajustado su saldo",
            "Nuestro personal ha ajustado su saldo en {change} puntos.",
        ),
        "TierChanged": (
            "Su nivel ha cambiado",
            "Su nivel en {program_name} es ahora: {new_tier}. Antes era: {old_tier}.",
        ),
    }
)
_GERMAN: Final[_Texts] = MappingProxyType(
    {
        "PointsAccrued": (
            "Sie haben {points} Punkte gesammelt",
            (
                "Sie haben {points} Punkte ({value}) bei {program_name} gesammelt.\n"
                "Wofür: {reason}. Regeln: {rules}.\n\n"
                "Sie werden verfügbar, wenn alles geschehen ist, worauf sie warten, "
                "etwa die Zahlung."
            ),
        ),
        "PointsMatured": (
            "{points} Punkte sind verfügbar",
            (
                "Ab jetzt können Sie {points} Punkte ({value}) einlösen.\n"
                "Wofür: {reason}. Regeln: {rules}.\n\n"
                "Letzter Tag dafür: {last_day}."
            ),
        ),
        "PointsExpiring": (
            "{points} Punkte verfallen bald",
            (
                "{points} Punkte ({value}) verfallen bald, die ersten nach dem {last_day}, "
                "das ist in {days} Tagen.\n\n{lots}"
            ),
        ),
        "PointsExpired": (
            "{points} Punkte sind verfallen",
            "{points} Punkte ({value}) sind verfallen.",
        ),
        "PointsRedeemed": (
            "Sie haben {points} Punkte eingelöst",
            (
                "Sie haben {points} Punkte im Wert von {value} eingelöst. "
                "Wenn Sie das nicht waren, sagen Sie uns bitte gleich Bescheid."
            ),
        ),
        "PointsReversed": (
            "{points} Punkte wurden zurückgenommen",
            (
                "{points} Punkte ({value}) wurden zurückgenommen, weil ein Einkauf zurückgegeben, "
                "geändert oder nicht bezahlt wurde.\nWofür: {reason}."
            ),
        ),
        "PointsTransferred": (
            "Eine Übertragung von {points} Punkten",
            (
                "Eine Übertragung hat Ihren Stand um {change} Punkte verändert. "
                "Wenn Sie davon nichts wissen, sagen Sie uns bitte gleich Bescheid."
            ),
        ),
        "PointsAdjusted": (
            "Ihr Punktestand wurde angepasst",
            "Unser Personal hat Ihren Stand um {change} Punkte angepasst.",
        ),
        "TierChanged": (
            "Ihre Stufe hat sich geändert",
            "Ihre Stufe bei {program_name} ist jetzt: {new_tier}. Vorher war sie: {old_tier}.",
        ),
    }
)
_AROUND: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        "en": (
            "Hello {member_name},",
            (
                "Available now: {available} points, worth {available_value}. Pending: {pending}.\n"
                "Your account: {portal_url}"
            ),
        ),
        "es": (
            "Hola, {member_name}:",
            (
                "Disponibles ahora: {available} puntos, por un valor de {available_value}. "
                "Pendientes: {pending}.\nSu cuenta: {portal_url}"
            ),
        ),
        "de": (
            "Guten Tag, {member_name},",
            (
                "Jetzt verfügbar: {available} Punkte im Wert von {available_value}. "
                "Ausstehend: {pending}.\nIhr Konto: {portal_url}"
            ),
        ),
    }
)


def _shipped(language: str, texts: _Texts) -> tuple[MailTemplate, ...]:
    greeting, balance = _AROUND[language]
    return tuple(
        MailTemplate(
            event=event,
            language=language,
            subject=texts[event][0],
            text=f"{greeting}\n\n{texts[event][1]}\n\n{balance}\n",
            enabled=event not in SWITCHED_OFF,
        )
        for event in MAILED_EVENTS
    )


SHIPPED: Final[Mapping[tuple[MailedEvent, str], MailTemplate]] = MappingProxyType(
    {
        (each.event, each.language): each
        for language, texts in (("de", _GERMAN), ("en", _ENGLISH), ("es", _SPANISH))
        for each in _shipped(language, texts)
    }
)
"""By event and language."""
