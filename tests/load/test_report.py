"""The page about a load says what was asked, how long it waited, and what is wrong."""

from collections import Counter

from tests.load.judging import Loaded
from tests.load.report import page


def judged(*wrong: str) -> Loaded:
    return Loaded(
        lasted_seconds=30.0,
        seconds={"balance": [0.010, 0.020, 0.030], "transfer": [0.5]},
        again=Counter({"409": 2}),
        refused=Counter(),
        drained_seconds=1.5,
        members=24,
        entries=1_234,
        run={"checked": 24, "difference_count": 0, "differences": []},
        wrong=wrong,
    )


def test_waits_are_told_by_kind_and_in_all() -> None:
    lines = page(judged()).splitlines()
    assert "| balance | 3 | 20 | 29 | 30 | 30 |" in lines
    assert "| transfer | 1 | 500 | 500 | 500 | 500 |" in lines
    assert any(line.startswith("| **all** | 4 |") for line in lines)


def test_what_had_to_be_sent_again_is_told_by_reason() -> None:
    text = page(judged())
    assert "| attempts that had to be sent again | 409 × 2 |" in text
    assert "| definite refusals | none |" in text


def test_what_is_wrong_is_counted() -> None:
    assert "that are wrong | 0 of 24 |" in page(judged())
    assert "that are wrong | 1 of 24 |" in page(judged("mbr_1 has another balance"))
