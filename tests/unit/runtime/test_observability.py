"""One line per outcome: findable, countable, and free of what must not be logged."""

from collections.abc import Callable
from threading import Thread

import pytest
from botocore.exceptions import ClientError

from points_ledger.domain.error import (
    BrokenInvariantError,
    ConflictError,
    FieldError,
    InvalidRequestError,
)
from points_ledger.runtime import observability
from points_ledger.runtime.observability import MAX_VALUE_CHARACTERS, Outcome
from tests.unit.runtime.conftest import Printed

PERSONAL = "dana@example.com"


def raised(error: Exception) -> Exception:
    def raise_it() -> None:
        raise error

    try:
        raise_it()
    except Exception as caught:  # noqa: BLE001 - to give it a traceback
        return caught
    raise AssertionError


def test_an_outcome_is_one_line_with_ids_code_and_correlation(
    printed: Callable[[], Printed],
) -> None:
    with observability.invocation("request-1"):
        observability.log(Outcome(name="posted", code="late", ids={"member_id": "m-1", "entry": 3}))
    found = printed()
    line = found.line()
    assert line["message"] == "posted"
    assert line["code"] == "late"
    assert line["ids"] == {"member_id": "m-1", "entry": 3}
    assert line["correlation_id"] == "request-1"
    assert line["level"] == "INFO"
    assert line["service"].startswith("service-")
    assert found.counted("posted") == 1


def test_a_correlation_id_ends_with_its_invocation(printed: Callable[[], Printed]) -> None:
    with observability.invocation("request-1"):
        pass
    observability.log(Outcome(name="later"))
    assert "correlation_id" not in printed().line()


def test_outcomes_are_counted_even_when_the_function_fails(
    printed: Callable[[], Printed],
) -> None:
    def fail() -> None:
        with observability.invocation():
            observability.count("conflict", 3)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert printed().counted("conflict") == 3


def test_what_many_threads_count_at_once_is_all_counted(printed: Callable[[], Printed]) -> None:
    def count() -> None:
        for _ in range(250):
            observability.count("race_lost")

    with observability.invocation():
        threads = [Thread(target=count) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert printed().counted("race_lost") == 2_000


def test_nothing_is_printed_where_nothing_was_counted(printed: Callable[[], Printed]) -> None:
    with observability.invocation("request-1"):
        pass
    assert printed().text == ""


@pytest.mark.parametrize(
    "hostile",
    ['x"}\n{"level":"ERROR"', "a\u2028b\u0085c\x1b[31m", "\ud800", "\x00\r\n"],
    ids=["new line", "exotic separators", "surrogate", "controls"],
)
def test_a_value_cannot_begin_a_line_of_its_own(
    hostile: str, printed: Callable[[], Printed]
) -> None:
    with observability.invocation(hostile):
        observability.log(Outcome(name="rejected", ids={"member_id": hostile}))
    found = printed()
    assert found.line()["ids"] == {"member_id": hostile}
    assert found.text.isascii()
    assert all(character.isprintable() or character == "\n" for character in found.text)


def test_values_and_their_number_are_bounded(printed: Callable[[], Printed]) -> None:
    ids = {f"id_{n}": "x" * 5_000 for n in range(100)}
    with observability.invocation("y" * 5_000):
        observability.log(Outcome(name="rejected", ids=ids))
    line = printed().line()
    assert len(line["ids"]) == observability.MAX_IDS
    assert {len(value) for value in line["ids"].values()} == {MAX_VALUE_CHARACTERS}
    assert len(line["correlation_id"]) == MAX_VALUE_CHARACTERS


def test_a_failure_tells_type_and_place_but_not_its_text(
    printed: Callable[[], Printed],
) -> None:
    observability.log_failure(raised(RuntimeError(f"cannot mail {PERSONAL}")), ids={"a_id": "1"})
    found = printed()
    line = found.line()
    assert line["level"] == "ERROR"
    assert line["code"] == "internal_error"
    assert line["failure"]["type"] == "RuntimeError"
    assert "test_observability" in line["failure"]["frames"][-1]
    assert PERSONAL not in found.text


def test_a_failure_of_aws_tells_operation_and_code(printed: Callable[[], Printed]) -> None:
    response = {"Error": {"Code": "AccessDeniedException", "Message": PERSONAL}}
    error = ClientError(response, "TransactWriteItems")  # type: ignore[arg-type]  # all that is read
    observability.log_failure(raised(error))
    found = printed()
    assert found.line()["failure"]["operation"] == "TransactWriteItems"
    assert found.line()["failure"]["aws_code"] == "AccessDeniedException"
    assert PERSONAL not in found.text


def test_a_deep_failure_is_cut_to_its_innermost_frames(printed: Callable[[], Printed]) -> None:
    def fall(depth: int) -> None:
        if depth == 0:
            raise RuntimeError
        fall(depth - 1)

    try:
        fall(200)
    except RuntimeError as error:
        observability.log_failure(error)
    frames = printed().line()["failure"]["frames"]
    assert len(frames) == observability.MAX_FRAMES
    assert "fall" in frames[-1]


def test_the_values_of_a_refused_request_are_not_logged(printed: Callable[[], Printed]) -> None:
    cause = InvalidRequestError(errors=(FieldError("email", PERSONAL),))
    failure = RuntimeError()
    failure.__cause__ = cause
    observability.log_failure(raised(failure))
    found = printed()
    assert found.line()["failure"]["cause"] == "InvalidRequestError"
    assert PERSONAL not in found.text


def test_a_conflict_is_a_warning_of_its_own(printed: Callable[[], Printed]) -> None:
    with observability.invocation():
        observability.log_failure(ConflictError())
    found = printed()
    assert found.line()["level"] == "WARNING"
    assert found.line()["message"] == "conflict"
    assert found.counted("conflict") == 1


def test_an_inconsistent_ledger_keeps_its_code(printed: Callable[[], Printed]) -> None:
    observability.log_failure(BrokenInvariantError())
    assert printed().line()["code"] == "ledger_inconsistent"
