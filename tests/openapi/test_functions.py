"""What Schemathesis asks of every route, put to the functions themselves: right and wrong requests.

No answer is a mistake of ours, and none differs from the description (also by its status, its media
type and its code: `Deployed.answer` judges that more strictly than Schemathesis).
"""

import base64
import json
import os
from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import parse_qsl, unquote, urlsplit

import pytest
import requests
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis.core.transport import Response

from points_ledger.runtime import bootstrap
from tests.authorization.calls import CALLS, Call
from tests.functions import gateway
from tests.functions.deployed import Answer, Deployed, new_stack, program
from tests.functions.desk import Desk
from tests.functions.gateway import ADMIN, NOBODY, OTHER_MEMBER, STAFF, TILL, CallerKind, member
from tests.openapi.requests_of import CHECKS, WRITE_FOR_GOOD, AnyCase, asked, cases, laid_over

Json = dict[str, Any]

IS_LONG: Final = bool(os.environ.get("SOAK"))
EXAMPLES: Final = 20 if IS_LONG else 2
BASE_URL: Final = "https://a1b2c3d4e5.execute-api.us-east-1.amazonaws.com"
PASSED_ON: Final = ("idempotency-key", "accept", "cookie")
PROVIDERS: Final = ("stripe", "square", "shopify", "standard")
ANSWERED_WRONGLY_BY_MOTO: Final = frozenset(
    {"POST /session/new-password", "POST /session/reset-password"}
)
"""It knows another error than Cognito for a challenge or a person that there is not."""


@pytest.fixture(scope="module")
def desk() -> Iterator[Desk]:
    with pytest.MonkeyPatch.context() as monkeypatch, new_stack(monkeypatch) as stack:
        stack.set_up(program())
        stack.hear()
        stack.open_post(None)
        set_up_webhooks(stack, monkeypatch)
        yield Desk(stack)


def set_up_webhooks(stack: Deployed, monkeypatch: pytest.MonkeyPatch) -> None:
    """Secrets that nobody signs with, and the queue of payments beside that of earnings."""
    made = bootstrap.secrets().create_secret(
        Name="webhooks",
        SecretString=json.dumps({each: ["whsec_c2VjcmV0LW9mLW5vYm9keS0x"] for each in PROVIDERS}),
    )
    payments = bootstrap.sqs().create_queue(QueueName="payments")["QueueUrl"]
    monkeypatch.setenv("WEBHOOK_SECRET_ARN", made["ARN"])
    monkeypatch.setenv("PAYMENT_QUEUE_URL", payments)
    monkeypatch.setenv("SQUARE_NOTIFICATION_URL", "{scheme}://{host}{path}")
    assert stack.earning_queue_url


@pytest.mark.parametrize(("route", "mode"), asked(thorough=IS_LONG, but=ANSWERED_WRONGLY_BY_MOTO))
def test_what_is_answered_is_described(route: str, mode: str, desk: Desk) -> None:
    known = CALLS[route](desk) if route in CALLS else Call()

    @settings(
        max_examples=EXAMPLES,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
        derandomize=not IS_LONG,
    )
    @given(case=cases(route, mode), caller=callers(desk), over=st.booleans())
    def ask(case: AnyCase, caller: CallerKind, over: bool) -> None:
        sent = laid_over(case, known) if over and route not in WRITE_FOR_GOOD else case
        request = prepared(sent)
        answer = desk.deployed.answer(event_of(route, sent, request, caller))
        sent.validate_response(response_of(answer, request), checks=CHECKS)

    ask()


def callers(desk: Desk) -> st.SearchStrategy[CallerKind]:
    """Mostly those who may."""
    return st.sampled_from(
        [ADMIN, ADMIN, STAFF, TILL, member(desk.member_id), OTHER_MEMBER, NOBODY]
    )


def prepared(case: AnyCase) -> requests.PreparedRequest:
    """The request as it would go over the wire."""
    sent = case.as_transport_kwargs(base_url=BASE_URL)
    names = ("method", "url", "headers", "params", "json", "data", "cookies")
    return requests.Request(**{name: sent[name] for name in names if name in sent}).prepare()


def event_of(
    route: str, case: AnyCase, request: requests.PreparedRequest, caller: CallerKind
) -> Json:
    """The request as the gateway would hand it on."""
    address = urlsplit(str(request.url))
    headers = {
        name.lower(): value if isinstance(value, str) else value.decode("latin-1")
        for name, value in request.headers.items()
        if name.lower() in PASSED_ON
    }
    event = gateway.request(
        route,
        caller,
        path={name: unquote(str(value)) for name, value in (case.path_parameters or {}).items()},
        query=dict(parse_qsl(address.query, keep_blank_values=True)),
        headers=headers,
    )
    if request.body:
        sent: Any = request.body
        body = sent.encode() if isinstance(sent, str) else sent
        event |= {"body": base64.b64encode(body).decode(), "isBase64Encoded": True}
    return event


def response_of(answer: Answer, request: requests.PreparedRequest) -> Response:
    return Response(
        status_code=answer.status,
        headers={name.lower(): [value] for name, value in answer.headers.items()},
        content=answer.text.encode(),
        request=request,
        elapsed=0.0,
        verify=False,
    )
