"""The version that the tests of a session publish, once and first of all.

A version takes effect two minutes after it is published at the earliest. So everything that tests
need beyond the shipped document is in one version, published when the session begins, and the tests
that need it come last (conftest.py). All of it is about items of its own: it changes nothing for
other tests.
"""

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

import httpx

from tests.stack.client import StackClient, now, unique
from tests.stack.office import made
from tests.stack.standard import written

Json = dict[str, Any]

LEAD: Final = timedelta(minutes=2)
FAR_AHEAD: Final = "2099-01-01T00:00:00Z"
"""Long after everything that is asked of this stack."""
TAKES_EFFECT_SECONDS: Final = 240.0
PRIZE, STREAK_PRIZE, FIRST, SECOND = 50, 20, 300, 100
BUDGET: Final = 307
EXTRA_POINTS: Final = 7


class Played:
    """The ids of what this module has published."""

    def __init__(self) -> None:
        self.item = unique("item")
        self.challenge, self.streak = unique("three"), unique("daily")
        self.board = unique("top")

    def into(self, document: Json) -> Json:
        match = {"items": [self.item]}
        extra: dict[str, list[Json]] = {
            "challenges": [
                {"id": self.challenge, "count": 3, "points": PRIZE, "per": "month", "match": match}
            ],
            "streaks": [
                {
                    "id": self.streak,
                    "every": "day",
                    "length": 2,
                    "points": STREAK_PRIZE,
                    "match": match,
                }
            ],
            "leaderboards": [
                {
                    "id": self.board,
                    "per": "week",
                    "by": "purchases",
                    "match": match,
                    "prizes": [
                        {"rank": 1, "points": FIRST},
                        {"rank": 3, "points": SECOND},
                    ],
                }
            ],
        }
        return document | {name: [*document.get(name, []), *new] for name, new in extra.items()}


class Budgeted:
    """The ids of what this module has published."""

    def __init__(self) -> None:
        self.item, self.rule, self.campaign = unique("item"), unique("rule"), unique("budget")

    def into(self, document: Json) -> Json:
        match = {"items": [self.item]}
        today = now().astimezone(ZoneInfo(document["time_zone"])).date()
        rule = {
            "id": self.rule,
            "on": "purchase",
            "match": match,
            "points": 1,
            "per_amount": "1.00",
        }
        campaign = {
            "id": self.campaign,
            "from": f"{today - timedelta(days=2)}T00:00",
            "to": f"{today + timedelta(days=30)}T00:00",
            "match": match,
            "multiplier": "2",
            "budget_points": BUDGET,
        }
        return document | {
            "earning_rules": [*document["earning_rules"], rule],
            "campaigns": [*document.get("campaigns", []), campaign],
        }


ASKED_ABOVE: Final = 5_000_000
"""Redemptions and transfers of more points than any other test moves wait for approval."""


def asking(document: Json) -> Json:
    limit = {"approval_above_points": ASKED_ABOVE}
    return document | {
        part: {**document.get(part, {}), **limit} for part in ("redemption", "transfers")
    }


class Published:
    """The version of this session, and what is in it."""

    def __init__(self, ledger: StackClient) -> None:
        """Publish it."""
        self.played, self.budgeted = Played(), Budgeted()
        self.item, self.rule = unique("item"), unique("rule")
        extra = {
            "id": self.rule,
            "on": "purchase",
            "match": {"items": [self.item]},
            "points": EXTRA_POINTS,
        }
        document = planned(ledger)
        document["earning_rules"].append(extra)
        self.document = asking(self.budgeted.into(self.played.into(document)))
        self.version_before = int(ledger.program()["version"])
        self.asked = now()
        self.effective_from = written(self.asked + LEAD)
        self.answer = publish(ledger, self.document, self.effective_from)
        self.version = int(made(self.answer)["version"])
        self.version_after_publishing = int(ledger.program()["version"])

    def wait(self, ledger: StackClient) -> Json:
        """The program, once this version is in force."""
        return ledger.wait_for(
            f"version {self.version} is in force",
            ledger.program,
            lambda program: program["version"] >= self.version,
            seconds=TAKES_EFFECT_SECONDS,
        )


_PUBLISHED: Final[dict[str, Published]] = {}


def published_once(ledger: StackClient) -> Published:
    """The version of a stack: made by whoever asks first."""
    stack = ledger.stack["api_url"]
    if stack not in _PUBLISHED:
        _PUBLISHED[stack] = Published(ledger)
    return _PUBLISHED[stack]


def publish(
    ledger: StackClient, program: Json, effective_from: str | None = FAR_AHEAD, key: str = ""
) -> httpx.Response:
    body: Json = {"program": program}
    if effective_from is not None:
        body["effective_from"] = effective_from
    return ledger.post("/program/versions", body, token=ledger.admin_token, key=key or None)


def versions(ledger: StackClient) -> Iterator[Json]:
    """All versions, newest first."""
    for page in ledger._pages("/program/versions", ledger.admin_token):
        yield from page["versions"]


def newest(ledger: StackClient) -> Json:
    return next(versions(ledger))


def planned(ledger: StackClient) -> Json:
    """The document that will be in force last before what tests put far ahead."""
    scheduled = [each for each in versions(ledger) if each["effective_from"] < "2099"]
    begins = {each["version"]: datetime.fromisoformat(each["effective_from"]) for each in scheduled}
    last = max(scheduled, key=lambda each: (begins[each["version"]], each["version"]))
    return json.loads(json.dumps(last["program"]))  # type: ignore[no-any-return]  # a copy of it
