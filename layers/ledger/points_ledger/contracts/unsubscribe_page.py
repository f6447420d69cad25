"""The page behind the link in a mail: a question with a button, and what came of it.

Opening it changes nothing, because mail scanners open every link; the button does (and so does the
one-click request of RFC 8058, to the same address).
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

HTML_TYPE: Final = "text/html; charset=utf-8"
HEADERS: Final[Mapping[str, str]] = MappingProxyType(
    {
        # The address is a key: no other site is told of it, and no frame shows the button.
        "referrer-policy": "no-referrer",
        "content-security-policy": (
            "default-src 'none'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
        ),
        "x-content-type-options": "nosniff",
        "x-robots-tag": "noindex",
    }
)

_PAGE: Final = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
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
_QUESTION: Final = """<p>You will get no more mails about your points. In your account you can
switch them on again.</p>
<form method="post">
<button type="submit">Stop the mails</button>
</form>"""


def question_page() -> str:
    """Asks whether to stop."""
    return _PAGE.format(title="Stop mails about your points?", body=_QUESTION)


def done_page() -> str:
    """Says that it is done."""
    body = "<p>In your account you can switch them on again.</p>"
    return _PAGE.format(title="You get no more mails about your points", body=body)


def unknown_page() -> str:
    """Says that the link is of no use."""
    body = (
        "<p>It may have been cut off: please open it from the mail once more, or copy all of it. "
        "In your account you can switch mails off, too.</p>"
    )
    return _PAGE.format(title="This link does not work", body=body)
