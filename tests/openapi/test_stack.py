"""What Schemathesis asks of every route of a whole stack, by each kind of caller.

Beside what the functions alone are asked, here the gateway, the authorizer, the user pool and real
concurrency of reads and the workers answer too.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis.core.transport import Response

from tests.authorization.calls import CALLS, Call
from tests.functions import described
from tests.openapi.requests_of import CHECKS, WRITE_FOR_GOOD, AnyCase, asked, cases, laid_over
from tests.stack.client import StackClient
from tests.stack.people import People, people_of

pytestmark = [pytest.mark.stack, pytest.mark.soak]

EXAMPLES: Final = 12
CALLERS: Final = ("admin", "admin", "staff", "till", "self", "other", "no token")


@dataclass(frozen=True)
class Seen:
    """An answer as the description is held against it."""

    status: int
    headers: dict[str, str]
    body: Any


@pytest.fixture(scope="module")
def people(stack: dict[str, Any]) -> Iterator[People]:
    with StackClient(stack) as ledger:
        yield people_of(ledger)


@pytest.mark.parametrize(("route", "mode"), asked(thorough=True))
def test_what_is_answered_is_described(route: str, mode: str, people: People) -> None:
    known = CALLS[route](people) if route in CALLS else Call()

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=cases(route, mode), caller=st.sampled_from(CALLERS), over=st.booleans())
    def ask(case: AnyCase, caller: str, over: bool) -> None:
        sent = laid_over(case, known) if over and route not in WRITE_FOR_GOOD else case
        token = people.tokens[caller]
        sent.headers.pop("Authorization", None)
        response = sent.call(
            base_url=people.ledger.stack["api_url"],
            headers={"Authorization": f"Bearer {token}"} if token else {},
        )
        sent.validate_response(response, checks=CHECKS)
        assert described.faults(route, seen(response)) == []

    ask()


def seen(response: Response) -> Seen:
    headers = {name: values[0] for name, values in response.headers.items()}
    is_json = "json" in headers["content-type"]
    return Seen(response.status_code, headers, response.json() if is_json else {})
