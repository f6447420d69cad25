"""A client of the public interface: HTTP API, webhooks, sign-in, scheduled functions, queues.

Everything that it needs is in the stack file.

``ClientError``
    ├── ``UnexpectedAnswerError``
    ├── ``FunctionFailedError``
    └── ``NothingHappenedError``
"""

import json
import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from functools import cached_property
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Self, TypeVar

import boto3
import httpx
from botocore.config import Config

from local.cloud import CREDENTIALS
from local.demo import stripe_events

if TYPE_CHECKING:
    from mypy_boto3_cognito_idp import CognitoIdentityProviderClient
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_sqs import SQSClient

Json = dict[str, Any]
Seen = TypeVar("Seen")

WAIT_SECONDS = 60.0
FIRST_PAUSE_SECONDS = 0.02
LONGEST_PAUSE_SECONDS = 0.25
MAX_PAGES = 100
WORK_QUEUES = ("earning_events", "payment_events")
MEMBER_ATTRIBUTE = "custom:member_id"


class ClientError(Exception):
    """The stack did not do what the interface promises; the text says what was seen."""


class UnexpectedAnswerError(ClientError):
    """The API answered with another status than the one that the caller goes on with."""

    def __init__(self, answer: httpx.Response) -> None:
        """Name the request and what came back."""
        request = answer.request
        super().__init__(
            f"{request.method} {request.url.path} answered {answer.status_code}: {answer.text}"
        )
        self.answer = answer


class FunctionFailedError(ClientError):
    """An invoked function raised."""

    def __init__(self, function: str, payload: str) -> None:
        """Name the function and what it answered."""
        super().__init__(f"the function {function} failed: {payload}")
        self.function = function


class NothingHappenedError(ClientError):
    """What was waited for did not come in time."""

    def __init__(self, what: str, seconds: float, last_seen: object) -> None:
        """Say what was waited for and what was there instead."""
        super().__init__(f"{what}: not within {seconds:g} seconds; last seen: {last_seen}")
        self.last_seen = last_seen


class LedgerClient:
    """Speaks to one local stack."""

    def __init__(self, stack: Mapping[str, Any]) -> None:
        """`stack` is what the stack file holds."""
        self.stack = stack
        self.http = httpx.Client(
            base_url=stack["api_url"],
            timeout=60,
            trust_env=False,
            limits=httpx.Limits(max_connections=64),
        )

    def __enter__(self) -> Self:
        """Use the client for the length of a block."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close all connections."""
        self.http.close()
        for name in ("identities", "functions", "queues"):
            if name in self.__dict__:
                getattr(self, name).close()

    # --- tokens ---------------------------------------------------------------------------

    @cached_property
    def staff_token(self) -> str:
        """An id token of somebody in the group staff."""
        return self._sign_in_as("staff")

    @cached_property
    def admin_token(self) -> str:
        """An id token of somebody in the group admin."""
        return self._sign_in_as("admin")

    @cached_property
    def till_token(self) -> str:
        """An access token of a till, by client credentials."""
        till = self.stack["till"]
        answer = httpx.post(
            till["token_url"],
            data={"grant_type": "client_credentials", "scope": till["scope"]},
            auth=(till["client_id"], till["client_secret"]),
            timeout=30,
            trust_env=False,
        )
        token: str = _expected(answer, HTTPStatus.OK)["access_token"]
        return token

    def sign_in(self, username: str, password: str) -> str:
        """Return the id token of a person."""
        answer = self.identities.initiate_auth(
            ClientId=self.stack["client_id"],
            AuthFlow="USER_PASSWORD_AUTH",
            AuthParameters={"USERNAME": username, "PASSWORD": password},
        )
        return answer["AuthenticationResult"]["IdToken"]

    def sign_up(self, member_id: str) -> str:
        """Give a member a sign-in, as an administrator does, and return the member's token."""
        username, password = f"person-{secrets.token_hex(8)}", f"aA1{secrets.token_urlsafe(18)}"
        pool = self.stack["user_pool_id"]
        self.identities.admin_create_user(
            UserPoolId=pool,
            Username=username,
            MessageAction="SUPPRESS",
            UserAttributes=[{"Name": MEMBER_ATTRIBUTE, "Value": member_id}],
        )
        self.identities.admin_set_user_password(
            UserPoolId=pool, Username=username, Password=password, Permanent=True
        )
        return self.sign_in(username, password)

    def _sign_in_as(self, role: str) -> str:
        user = self.stack["users"][role]
        return self.sign_in(user["username"], user["password"])

    # --- HTTP API -------------------------------------------------------------------------

    def get(
        self, path: str, *, token: str | None = None, query: Mapping[str, str | int] | None = None
    ) -> httpx.Response:
        """Send a GET."""
        return self.http.get(path, headers=_headers(token), params=query)

    def post(
        self, path: str, body: object, *, token: str | None = None, key: str | None = None
    ) -> httpx.Response:
        """Send a POST of a JSON body, with an Idempotency-Key if given."""
        return self.http.post(path, headers=_headers(token, key), json=body)

    def balance(self, member_id: str, *, token: str | None = None) -> Json:
        """Return a balance, as staff unless another token is given."""
        answer = self.get(f"/members/{member_id}/balance", token=token or self.staff_token)
        return _expected(answer, HTTPStatus.OK)

    def pending(self, member_id: str, *, token: str | None = None) -> list[Json]:
        """Return what is pending and why."""
        path = f"/members/{member_id}/pending"
        return [
            each for page in self._pages(path, token or self.staff_token)
            for each in page["earnings"]
        ]  # fmt: skip

    def entries(self, member_id: str, *, token: str | None = None) -> list[Json]:
        """Return all entries, oldest first."""
        path = f"/members/{member_id}/entries"
        newest_first = [
            each for page in self._pages(path, token or self.staff_token)
            for each in page["entries"]
        ]  # fmt: skip
        return newest_first[::-1]

    def member_of(self, external_id: str) -> str | None:
        """Return the member behind a source's customer."""
        answer = self.get("/members", token=self.staff_token, query={"external_id": external_id})
        members = _expected(answer, HTTPStatus.OK)["members"]
        return members[0]["member_id"] if members else None

    def enrol(self, name: str, **more: object) -> str:
        """Enrol a member as staff and return the id."""
        key = secrets.token_hex(8)
        answer = self.post("/members", {"name": name, **more}, token=self.staff_token, key=key)
        member_id: str = _expected(answer, HTTPStatus.CREATED)["member_id"]
        return member_id

    def program(self) -> Json:
        """Return the rules in force."""
        return _expected(self.get("/program"), HTTPStatus.OK)

    def _pages(self, path: str, token: str) -> Iterator[Json]:
        query: dict[str, str | int] = {"limit": 100}
        for _ in range(MAX_PAGES):
            page = _expected(self.get(path, token=token, query=query), HTTPStatus.OK)
            yield page
            if page["cursor"] is None:
                return
            query["cursor"] = page["cursor"]
        raise ClientError(f"{path} has more than {MAX_PAGES} pages")

    # --- webhooks -------------------------------------------------------------------------

    def deliver_stripe(
        self, message: Json, *, secret: str | None = None, at: datetime | None = None
    ) -> httpx.Response:
        """Deliver an event as Stripe does; by default rightly signed, and now."""
        body = stripe_events.encode(message)
        header = stripe_events.signature(
            body,
            secret=secret or self.stack["webhook_secrets"]["stripe"],
            at=at or datetime.now(UTC),
        )
        headers = {"Content-Type": "application/json", "Stripe-Signature": header}
        return self.http.post("/webhooks/stripe", headers=headers, content=body)

    # --- scheduled functions and queues ---------------------------------------------------

    def sweep(self, function: str, scheduled_time: datetime | str | None) -> Json:
        """Invoke a scheduled function as its schedule does, and return its counts."""
        if isinstance(scheduled_time, datetime):
            scheduled_time = scheduled_time.astimezone(UTC).isoformat().replace("+00:00", "Z")
        event = {} if scheduled_time is None else {"scheduled_time": scheduled_time}
        answer = self.functions.invoke(
            FunctionName=self.stack["functions"][function], Payload=json.dumps(event).encode()
        )
        payload = answer["Payload"].read().decode()
        if answer.get("FunctionError"):
            raise FunctionFailedError(function, payload)
        counts: Json = json.loads(payload)
        return counts

    def messages_waiting(self, queue: str) -> int:
        """Return how many messages of a queue are waiting or being worked on."""
        answer = self.queues.get_queue_attributes(
            QueueUrl=self.stack["queues"][queue],
            AttributeNames=[
                "ApproximateNumberOfMessages",
                "ApproximateNumberOfMessagesNotVisible",
                "ApproximateNumberOfMessagesDelayed",
            ],
        )
        return sum(int(number) for number in answer["Attributes"].values())

    def wait_until_processed(self) -> None:
        """Wait until the workers have nothing left to do."""
        self.wait_for(
            "the work queues are empty",
            lambda: {name: self.messages_waiting(name) for name in WORK_QUEUES},
            lambda waiting: not any(waiting.values()),
        )

    def wait_for(
        self,
        what: str,
        look: Callable[[], Seen],
        is_there: Callable[[Seen], bool],
        *,
        seconds: float = WAIT_SECONDS,
    ) -> Seen:
        """Look until what is seen is what was waited for, at most for `seconds`."""
        deadline = time.monotonic() + seconds
        pause = FIRST_PAUSE_SECONDS
        while not is_there(seen := look()):
            if time.monotonic() > deadline:
                raise NothingHappenedError(what, seconds, seen)
            time.sleep(pause)
            pause = min(LONGEST_PAUSE_SECONDS, pause * 1.5)
        return seen

    def wait_for_member(self, external_id: str) -> str:
        """Wait until a source's customer is a member, and return the id."""
        found = self.wait_for(
            f"{external_id} is a member",
            lambda: self.member_of(external_id),
            lambda member_id: member_id is not None,
        )
        assert found is not None  # noqa: S101 - waited for
        return found

    # --- services of AWS ------------------------------------------------------------------

    @cached_property
    def identities(self) -> "CognitoIdentityProviderClient":
        """Cognito."""
        return self.session.client(
            "cognito-idp", endpoint_url=self.stack["endpoint_url"], config=self.config
        )

    @cached_property
    def functions(self) -> "LambdaClient":
        """Lambda."""
        return self.session.client(
            "lambda", endpoint_url=self.stack["endpoint_url"], config=self.config
        )

    @cached_property
    def queues(self) -> "SQSClient":
        """SQS."""
        return self.session.client(
            "sqs", endpoint_url=self.stack["endpoint_url"], config=self.config
        )

    @cached_property
    def session(self) -> boto3.Session:
        """A session on the local stack, whatever the caller's AWS profile says."""
        return boto3.Session(
            aws_access_key_id=CREDENTIALS["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
            region_name=self.stack["region"],
        )

    @cached_property
    def config(self) -> Config:
        """A sweep over many members takes its time; nothing is sent twice unasked."""
        return Config(
            connect_timeout=5, read_timeout=120, retries={"total_max_attempts": 1}, proxies={}
        )


def _headers(token: str | None, key: str | None = None) -> dict[str, str]:
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    return headers if key is None else {**headers, "Idempotency-Key": key}


def _expected(answer: httpx.Response, status: HTTPStatus) -> Json:
    if answer.status_code != status:
        raise UnexpectedAnswerError(answer)
    body: Json = answer.json()
    return body
