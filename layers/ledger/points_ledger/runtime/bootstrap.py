"""The only maker of AWS clients, and the only place where the wall clock is read.

One botocore session per process with low-level clients, each made when it is first asked for.
Region, credentials and endpoint come from the environment as botocore itself reads it.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any, Final, Literal

import botocore.session
from botocore.config import Config

from points_ledger.runtime import observability

if TYPE_CHECKING:  # stubs, absent at run time
    from mypy_boto3_cognito_idp import CognitoIdentityProviderClient
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_events import EventBridgeClient
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_secretsmanager import SecretsManagerClient
    from mypy_boto3_sesv2 import SESV2Client
    from mypy_boto3_sqs import SQSClient

    from points_ledger.adapters.checkpoint_archive import Objects

Service = Literal[
    "cognito-idp", "dynamodb", "events", "lambda", "s3", "secretsmanager", "sesv2", "sqs"
]

CONNECT_TIMEOUT_SECONDS: Final = 1
READ_TIMEOUT_SECONDS: Final = 2
MAX_ATTEMPTS: Final = 3
"""Three attempts of two seconds with at most three seconds of backoff between them end within the
ten seconds that the webhook function has. Every call that we make is answered in milliseconds."""

MAIL_READ_TIMEOUT_SECONDS: Final = 10
"""A mail whose answer is lost is never sent again, so it is waited for."""

OBJECT_READ_TIMEOUT_SECONDS: Final = 10
"""Objects are some hundred kilobytes."""

MAX_POOL_CONNECTIONS: Final = 16
"""Parallel requests of one sweep worker."""


def utc_now() -> datetime:
    """The wall clock."""
    return datetime.now(UTC)


@cache
def dynamodb() -> "DynamoDBClient":
    """The client of the ledger's table."""
    client: DynamoDBClient = _client("dynamodb")
    return client


@cache
def sqs() -> "SQSClient":
    """The client of the work queues."""
    client: SQSClient = _client("sqs")
    return client


@cache
def events() -> "EventBridgeClient":
    """The client of the event bus."""
    client: EventBridgeClient = _client("events")
    return client


@cache
def functions() -> "LambdaClient":
    """The client that calls other functions."""
    client: LambdaClient = _client("lambda")
    return client


@cache
def secrets() -> "SecretsManagerClient":
    """The client of the webhook secret."""
    client: SecretsManagerClient = _client("secretsmanager")
    return client


@cache
def identities() -> "CognitoIdentityProviderClient":
    """The client of the user pool."""
    client: CognitoIdentityProviderClient = _client("cognito-idp")
    return client


@cache
def objects() -> "Objects":
    """The client of the bucket of checkpoints."""
    client: Objects = _client("s3", read_timeout=OBJECT_READ_TIMEOUT_SECONDS)
    return client


@cache
def emails() -> "SESV2Client":
    """The client of the mail service; it tries once, for a mail that is sent twice is worse."""
    client: SESV2Client = _client("sesv2", read_timeout=MAIL_READ_TIMEOUT_SECONDS, attempts=1)
    return client


@cache
def _session() -> botocore.session.Session:
    return botocore.session.get_session()


def _client(  # type: ignore[no-untyped-def]  # noqa: ANN202 - botocore builds the class at run time; the callers name it
    service: Service,
    *,
    read_timeout: int = READ_TIMEOUT_SECONDS,
    attempts: int = MAX_ATTEMPTS,
):
    config = Config(
        connect_timeout=CONNECT_TIMEOUT_SECONDS,
        read_timeout=read_timeout,
        retries={"mode": "standard", "total_max_attempts": attempts},
        max_pool_connections=MAX_POOL_CONNECTIONS,
        tcp_keepalive=True,
    )
    client = _session().create_client(service, config=config)
    client.meta.events.register("after-call", _count_retries)
    return client


def _count_retries(parsed: Mapping[str, Any], **_: object) -> None:
    """Count the requests that botocore sent again: throttled, or without an answer."""
    retries = parsed.get("ResponseMetadata", {}).get("RetryAttempts", 0)
    if retries:
        observability.count("request_retried", retries)
