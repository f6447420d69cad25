"""Challenges, streaks and leaderboards through the functions: queue, stream, schedule and API."""

from typing import Any, Final

import pytest

from tests.functions.deployed import NOW, Deploy, Deployed, program, sold
from tests.functions.gateway import STAFF, TILL, member

Json = dict[str, Any]

CHALLENGES: Final = "GET /members/{member_id}/challenges"
BOARD: Final = "GET /leaderboards/{leaderboard_id}"
TOP: Final = {"leaderboard_id": "top"}
PERIOD: Final = {"period": "2026-09"}


def playing() -> Json:
    return program(
        challenges=[
            {"id": "two", "count": 2, "points": 50, "per": "month"},
            {"id": "critic", "count": 1, "points": 5, "on": "action", "action": "review"},
        ],
        streaks=[{"id": "daily", "every": "day", "length": 2, "points": 10}],
        leaderboards=[
            {
                "id": "top",
                "per": "month",
                "freeze_after": "P2D",
                "prizes": [{"rank": 1, "points": 100}, {"rank": 2, "points": 30}],
            }
        ],
    )


@pytest.fixture
def deployed(deploy: Deploy) -> Deployed:
    stack = deploy(None)
    stack.listen()
    stack.load(playing())
    return stack


def follow(deployed: Deployed) -> None:
    """All that the stream holds, from its beginning."""
    deployed.invoke("ledger_events", {"Records": deployed.streamed()})


def test_a_challenge_is_shown_while_it_goes_on_and_paid_when_it_is_done(deployed: Deployed) -> None:
    member_id = deployed.enrol("C-1")
    deployed.accrue(sold("10.00", id_="T-1", at=NOW))
    shown = deployed.ask(CHALLENGES, member(member_id), path={"member_id": "me"})
    assert shown.body == {
        "challenges": [
            {
                "id": "two",
                "period": "2026-09",
                "count": 1,
                "of": 2,
                "points": 50,
                "running": True,
                "won": False,
            },
            {
                "id": "critic",
                "period": "lifetime",
                "count": 0,
                "of": 1,
                "points": 5,
                "running": True,
                "won": False,
            },
        ],
        "streaks": [
            {
                "id": "daily",
                "every": "day",
                "period": "2026-09-04",
                "count": 1,
                "of": 2,
                "points": 10,
                "active": True,
                "last_won": None,
            }
        ],
    }
    deployed.clock.move(days=1)
    deployed.accrue(sold("10.00", id_="T-2", at=deployed.clock()))
    balance = deployed.balance(member_id)
    assert (balance["available"], balance["pending"]) == (60, 20)
    shown = deployed.ask(CHALLENGES, path={"member_id": member_id})
    assert [each["won"] for each in shown.body["challenges"]] == [True, False]
    assert shown.body["streaks"][0]["last_won"] == "2026-09-05"
    sources = [entry["source"]["id"] for entry in deployed.entries(member_id)[1:]]
    assert f"challenge:two:{member_id}:2026-09" in sources
    assert f"streak:daily:{member_id}:2026-09-05" in sources


def test_nobody_is_paid_twice_for_a_delivery_that_comes_again(deployed: Deployed) -> None:
    member_id = deployed.enrol("C-1")
    for _ in range(3):
        for id_ in ("T-1", "T-2"):
            deployed.accrue(sold("10.00", id_=id_, at=NOW))
    assert deployed.balance(member_id)["lifetime"]["earned"] == 20 + 50
    deployed.invoke("hold_release", {})
    assert deployed.balance(member_id)["lifetime"]["earned"] == 20 + 50


def test_a_board_shows_ranks_to_members_and_members_to_staff(deployed: Deployed) -> None:
    ids = [deployed.enrol(f"C-{n}") for n in range(3)]
    for n, amount in enumerate(("10.00", "10.00", "7.00")):
        deployed.accrue(sold(amount, id_=f"T-{n}", customer=f"C-{n}", at=NOW))
    follow(deployed)
    follow(deployed)
    shown = deployed.ask(BOARD, path=TOP)
    assert shown.body == {
        "leaderboard_id": "top",
        "by": "points",
        "period": "2026-09",
        "status": "open",
        "freezes_at": "2026-10-03T05:00:00Z",
        "prizes": [{"rank": 1, "points": 100}, {"rank": 2, "points": 30}],
        "places": [
            *({"rank": 1, "member_id": id_, "score": 10} for id_ in sorted(ids[:2])),
            {"rank": 3, "member_id": ids[2], "score": 7},
        ],
        "cursor": None,
    }
    own = deployed.ask(BOARD, member(ids[2]), path=TOP, query=PERIOD).body
    assert own["me"] == {"rank": 3, "score": 7}
    assert own["places"] == [{"rank": rank, "score": n} for rank, n in ((1, 10), (1, 10), (3, 7))]
    assert deployed.ask(BOARD, TILL, path=TOP).body["me"] is None


def test_no_member_learns_from_a_cursor_who_the_others_are(deployed: Deployed) -> None:
    ids = [deployed.enrol(f"C-{n}") for n in range(3)]
    for n in range(3):
        deployed.accrue(sold("10.00", id_=f"T-{n}", customer=f"C-{n}", at=NOW))
    follow(deployed)
    query = {"limit": "1"}
    for other in (member(ids[0]), TILL):
        assert deployed.ask(BOARD, other, path=TOP, query=query).body["cursor"] is None
    cursor = deployed.ask(BOARD, path=TOP, query=query).body["cursor"]
    forbidden = deployed.ask(BOARD, member(ids[0]), path=TOP, query={**query, "cursor": cursor})
    assert forbidden.refusal == (403, "forbidden")


def test_a_board_is_read_in_pages(deployed: Deployed) -> None:
    for n in range(5):
        deployed.enrol(f"C-{n}")
        deployed.accrue(sold("10.00", id_=f"T-{n}", customer=f"C-{n}", at=NOW))
    follow(deployed)
    ranks: list[int] = []
    query = {"limit": "2"}
    while True:
        page = deployed.ask(BOARD, path=TOP, query=query).body
        ranks += [place["rank"] for place in page["places"]]
        if page["cursor"] is None:
            break
        query = {"limit": "2", "cursor": page["cursor"]}
    assert ranks == [1] * 5
    foreign = {**query, "period": "2026-08"}
    assert deployed.ask(BOARD, path=TOP, query=foreign).refusal == (400, "invalid_request")


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"period": "2026-W40"}, "period"),
        ({"period": "2026-13"}, "period"),
        ({"period": "soon"}, "period"),
        ({"limit": "0"}, "limit"),
        ({"cursor": "e30="}, "cursor"),
        ({"name": "x"}, "name"),
    ],
)
def test_a_query_that_says_nothing_is_refused(
    deployed: Deployed, query: dict[str, str], field: str
) -> None:
    assert deployed.ask(BOARD, STAFF, path=TOP, query=query).fields == [field]


def test_a_board_that_is_not_there(deployed: Deployed) -> None:
    answer = deployed.ask(BOARD, path={"leaderboard_id": "bottom"})
    assert answer.refusal == (404, "not_found")


def test_the_schedule_freezes_a_board_and_pays_its_prizes_once(deployed: Deployed) -> None:
    ids = [deployed.enrol(f"C-{n}") for n in range(3)]
    for n, amount in enumerate(("10.00", "20.00", "7.00")):
        deployed.accrue(sold(amount, id_=f"T-{n}", customer=f"C-{n}", at=NOW))
    follow(deployed)
    early = deployed.invoke("hold_release", {"scheduled_time": "2026-09-04T12:00:00Z"})
    assert early["posted"] == 0
    deployed.clock.move(days=30)
    counts = deployed.invoke("hold_release", {})
    assert counts["failed"] == 0
    shown = deployed.ask(BOARD, path=TOP, query=PERIOD).body
    assert shown["status"] == "final"
    won = [deployed.balance(member_id)["available"] for member_id in ids]
    assert won == [30, 100, 0]
    deployed.invoke("hold_release", {})
    assert [deployed.balance(member_id)["available"] for member_id in ids] == won
    first = deployed.entries(ids[1])[-2]
    assert first["source"]["id"] == f"leaderboard:top:2026-09:{ids[1]}"
    assert first["rules"] == [{"id": "top#1", "points": 100}]


def test_two_counts_that_a_merge_completes_are_paid_by_the_schedule(deployed: Deployed) -> None:
    ids = [deployed.enrol(f"C-{n}") for n in range(2)]
    for n in range(2):
        deployed.accrue(sold("10.00", id_=f"T-{n}", customer=f"C-{n}", at=NOW))
    merged = deployed.ask(
        "POST /members/{member_id}/merge",
        path={"member_id": ids[0]},
        body={"into": ids[1]},
        key="merge",
    )
    assert merged.status == 200
    deployed.invoke("hold_release", {})
    assert deployed.balance(ids[1])["available"] == 50
    follow(deployed)
    [place] = deployed.ask(BOARD, path=TOP).body["places"]
    assert place == {"rank": 1, "member_id": ids[1], "score": 20}
