"""The page behind the link in a mail: a question with a button, and what came of it.

Opening it changes nothing, because mail scanners open every link; the button does (and so does the
one-click request of RFC 8058, to the same address). It is written in the languages in which mails
are shipped; which one the reader's browser says, for the link is as old as its mail.
"""

import base64
import hashlib
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from points_ledger.domain.mail import FALLBACK_LANGUAGE

HTML_TYPE: Final = "text/html; charset=utf-8"

MAX_LANGUAGES: Final = 20
"""Of those that a browser asks for, in its order."""

# As the pages of portal and console look; colours are pairs that reach 4.5:1, in light and in dark.
_STYLE: Final = """
:root { color-scheme: light dark; --ground: #f6f7f9; --card: #fff; --text: #1c2430;
  --line: #d5dae1; --strong: #0b5d56; --on-strong: #fff; }
@media (prefers-color-scheme: dark) { :root { --ground: #12161c; --card: #1b2129;
  --text: #eef1f5; --line: #333c48; --strong: #6fd1c4; --on-strong: #06231f; } }
body { margin: 0; padding: 1rem; background: var(--ground); color: var(--text);
  font: 100%/1.5 system-ui, sans-serif; }
main { box-sizing: border-box; max-width: 34rem; margin: 2rem auto; padding: 1.5rem;
  background: var(--card); border: 1px solid var(--line); border-radius: 0.6rem; }
h1 { margin: 0 0 0.6rem; font-size: 1.5rem; line-height: 1.25; }
p { margin: 0 0 1rem; }
p:last-child { margin: 0; }
button { min-height: 2.75rem; padding: 0.5rem 1.25rem; border: 0; border-radius: 0.6rem;
  background: var(--strong); color: var(--on-strong); font: inherit; font-weight: 600;
  cursor: pointer; }
button:focus-visible { outline: 3px solid var(--text); outline-offset: 3px; }
"""
_STYLE_HASH: Final = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()

HEADERS: Final[Mapping[str, str]] = MappingProxyType(
    {
        # The address is a key: no other site is told of it, and no frame shows the button.
        "referrer-policy": "no-referrer",
        "content-security-policy": (
            f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; form-action 'self'; "
            "frame-ancestors 'none'; base-uri 'none'"
        ),
        "x-content-type-options": "nosniff",
        "x-robots-tag": "noindex",
    }
)

_PAGE: Final = """<!doctype html>
<html lang="{language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
<main>
<h1>{title}</h1>
{body}
</main>
</body>
</html>
"""
# Without an action a form goes to the address of its page, token included.
_FORM: Final = """<form method="post">
<button type="submit">{stop}</button>
</form>"""

_WORDS: Final[Mapping[str, Mapping[str, str]]] = MappingProxyType(
    {
        "de": MappingProxyType(
            {
                "question": "Keine E-Mails mehr über Ihre Punkte?",
                "consequence": "Sie erhalten dann keine E-Mails mehr über Ihre Punkte. "
                "In Ihrem Konto können Sie sie wieder einschalten.",
                "stop": "E-Mails abbestellen",
                "done": "Sie erhalten keine E-Mails mehr über Ihre Punkte",
                "again": "In Ihrem Konto können Sie sie wieder einschalten.",
                "unknown": "Dieser Link ist ungültig",
                "cut_off": "Vielleicht wurde er abgeschnitten: Bitte öffnen Sie ihn noch einmal "
                "aus der E-Mail, oder kopieren Sie ihn ganz. Auch in Ihrem Konto können Sie "
                "E-Mails abschalten.",
            }
        ),
        "en": MappingProxyType(
            {
                "question": "Stop mails about your points?",
                "consequence": "You will get no more mails about your points. "
                "In your account you can switch them on again.",
                "stop": "Stop the mails",
                "done": "You get no more mails about your points",
                "again": "In your account you can switch them on again.",
                "unknown": "This link does not work",
                "cut_off": "It may have been cut off: please open it from the mail once more, or "
                "copy all of it. In your account you can switch mails off, too.",
            }
        ),
        "es": MappingProxyType(
            {
                "question": "¿No recibir más correos sobre sus puntos?",
                "consequence": "No recibirá más correos sobre sus puntos. "
                "En su cuenta puede volver a activarlos.",
                "stop": "Dejar de recibir correos",
                "done": "Ya no recibirá correos sobre sus puntos",
                "again": "En su cuenta puede volver a activarlos.",
                "unknown": "Este enlace no funciona",
                "cut_off": "Puede que esté cortado: ábralo de nuevo desde el correo o cópielo "
                "entero. También puede desactivar los correos en su cuenta.",
            }
        ),
    }
)
LANGUAGES: Final = frozenset(_WORDS)


def language_of(accepted: str) -> str:
    """The first language of an Accept-Language header that the page has; English if there is none.

    Browsers name languages in the order of their weights.
    """
    for named in accepted.split(",")[:MAX_LANGUAGES]:
        language = named.partition(";")[0].strip().partition("-")[0].lower()
        if language in LANGUAGES:
            return language
    return FALLBACK_LANGUAGE


def question_page(language: str) -> str:
    """Asks whether to stop."""
    words = _WORDS[language]
    return _page(language, "question", f"<p>{words['consequence']}</p>\n{_FORM.format(**words)}")


def done_page(language: str) -> str:
    """Says that it is done."""
    return _page(language, "done", f"<p>{_WORDS[language]['again']}</p>")


def unknown_page(language: str) -> str:
    """Says that the link is of no use."""
    return _page(language, "unknown", f"<p>{_WORDS[language]['cut_off']}</p>")


def _page(language: str, title: str, body: str) -> str:
    words = _WORDS[language]
    return _PAGE.format(language=language, title=words[title], style=_STYLE, body=body)
