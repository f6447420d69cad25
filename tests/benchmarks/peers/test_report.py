"""The document says what was found, and who is ahead where."""

from dataclasses import replace

import pytest

from local.home import ROOT
from tests.benchmarks.peers.measuring import KINDS, SDK, Cost, Start
from tests.benchmarks.peers.playing import Outcome
from tests.benchmarks.peers.report import OURS, TITLES, Comparison, ahead, score, text
from tests.benchmarks.peers.script import FAULTS

PEERS = tuple(name for name in TITLES if name != OURS)
EQUAL = Cost(requests=3, write_units=4, read_units=2, cpu=2)
START = Start(wall=300, cpu=290, least_cpu=280)


def outcomes(*wrong: str) -> list[Outcome]:
    """All right but some."""
    return [
        Outcome(
            fault=fault,
            got=fault.expected + 7 * (fault.name in wrong),
            accepted=fault.accepted or 0,
        )
        for fault in FAULTS
    ]


@pytest.fixture
def found() -> Comparison:
    """Everybody alike."""
    return Comparison(
        machine=[("processor", "one")],
        versions=dict.fromkeys(TITLES, "1.0"),
        outcomes={name: outcomes() for name in TITLES},
        costs={name: dict.fromkeys(KINDS, EQUAL) for name in TITLES},
        sweeps=dict.fromkeys(TITLES, EQUAL),
        starts=dict.fromkeys((SDK, *TITLES), START),
        pgbench={1: 100.0},
    )


def test_nobody_is_ahead_of_an_equal(found: Comparison) -> None:
    assert list(ahead(found)) == []
    assert "Nowhere in this run." in text(found)


@pytest.mark.parametrize("peer", PEERS)
def test_a_peer_that_is_right_where_we_are_wrong_is_named(found: Comparison, peer: str) -> None:
    wrong = FAULTS[3].name
    theirs = {name: outcomes(wrong) for name in TITLES} | {peer: outcomes()}

    [line] = ahead(replace(found, outcomes=theirs))

    assert line == f"{TITLES[peer]} comes through where we do not: {wrong}."


@pytest.mark.parametrize(
    ("better", "words"),
    [
        (replace(EQUAL, requests=1), "sends fewer requests: balance (1 to 3)"),
        (replace(EQUAL, write_units=0), "fewer capacity units: balance (0.25 to 2.75 dollars"),
        (replace(EQUAL, cpu=0.5), "takes less CPU time, the database's own included: balance"),
        (replace(EQUAL, cpu=0.5, server_cpu=0.2), "balance (0.7 to 2.0 ms)"),
    ],
)
def test_a_cheaper_message_of_a_peer_is_named(found: Comparison, better: Cost, words: str) -> None:
    costs = {**found.costs, PEERS[0]: {**found.costs[PEERS[0]], "balance": better}}

    [line] = ahead(replace(found, costs=costs))

    assert words in line
    assert line.startswith(TITLES[PEERS[0]])


def test_a_database_s_own_time_counts(found: Comparison) -> None:
    as_much = dict.fromkeys(KINDS, replace(EQUAL, cpu=0.5, server_cpu=1.5))

    assert list(ahead(replace(found, costs={**found.costs, PEERS[0]: as_much}))) == []


def test_a_lighter_sweep_and_a_quicker_start_are_named(found: Comparison) -> None:
    lighter = replace(EQUAL, requests=0.001, cpu=0.1)
    faster = replace(START, least_cpu=100)

    lines = list(
        ahead(
            replace(
                found,
                sweeps={**found.sweeps, PEERS[0]: lighter, PEERS[1]: None},
                starts={**found.starts, PEERS[1]: faster},
            )
        )
    )

    assert [line.partition(" with ")[0] for line in lines if " with " in line] == [
        f"{TITLES[PEERS[0]]} expires a member's points",
        f"{TITLES[PEERS[1]]} starts",
    ]


def test_wrong_balances_are_shown_and_lower_the_score(found: Comparison) -> None:
    wrong = outcomes(FAULTS[0].name)

    assert score(wrong) == f"{len(FAULTS) - 1} of {len(FAULTS)}"
    [row] = [
        line
        for line in text(replace(found, outcomes={**found.outcomes, PEERS[0]: wrong})).split("\n")
        if f"| duplicates: {FAULTS[0].name} |" in line
    ]
    assert row.count(f"**{FAULTS[0].expected + 7}**") == 1
    assert row.count("right") == len(TITLES) - 1


def test_what_a_peer_has_nothing_for_is_neither_right_nor_wrong(found: Comparison) -> None:
    lacking = [replace(each, is_offered=False) for each in found.outcomes[OURS]]

    assert score(lacking) == f"0 of {len(FAULTS)}"
    shown = text(replace(found, outcomes={**found.outcomes, PEERS[0]: lacking}))
    assert shown.count("| – |") >= len(FAULTS)


def test_a_database_by_the_month_wins_from_some_load_on(found: Comparison) -> None:
    """Three messages of 2.75 dollars a million are 8.25; 27.96 a month are 3.4 million."""
    assert "From 3,389,091 purchases a month on, a db.t4g.micro costs less" in text(found)


def test_the_document_is_about_the_faults_of_today() -> None:
    written = (ROOT / "docs" / "peers.md").read_text()

    assert [fault.name for fault in FAULTS if f": {fault.name} |" not in written] == []
    assert all(title in written for title in TITLES.values())
