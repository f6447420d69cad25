"""Commands over HTTP: what every request says of one, and how one that is done is answered."""

from collections.abc import Mapping
from typing import Protocol, TypedDict

from points_ledger.runtime.caller import Caller
from points_ledger.runtime.http import Request, Response
from points_ledger.runtime.observability import Identifier, Outcome
from points_ledger.service.ports import RequestKey


class Asked(TypedDict):
    """The fields of `service.command.Command`: a command begins with `**asked(request, caller)`."""

    request: RequestKey
    fingerprint: str
    actor: str


class Done(Protocol):
    """What a service answers; `replayed` where the same request was answered before."""

    @property
    def replayed(self) -> bool:
        """Whether it was done before."""


def asked(request: Request, caller: Caller) -> Asked:
    """Which request it is, what it says, and who asks.

    Raises:
        IdempotencyKeyMissingError, InvalidRequestError: see `http.idempotency_key`.
    """
    return Asked(
        request=request_key(request, caller),
        fingerprint=request.fingerprint(),
        actor=caller.actor,
    )


def request_key(request: Request, caller: Caller) -> RequestKey:
    """The key of a command: each caller has keys of its own.

    Raises:
        IdempotencyKeyMissingError, InvalidRequestError: see `http.idempotency_key`.
    """
    return RequestKey(caller=caller.id, key=request.idempotency_key())


def request_key_if_given(request: Request, caller: Caller) -> RequestKey | None:
    """The key of a command that does without one; None where there is none.

    Raises:
        InvalidRequestError: see `http.idempotency_key`.
    """
    key = request.key_if_given()
    return None if key is None else RequestKey(caller=caller.id, key=key)


def answered(
    done: Done,
    name: str,
    ids: Mapping[str, Identifier],
    *,
    body: Mapping[str, object],
    status: int = 200,
) -> Response:
    """The answer of a command, logged as `name`, or as replayed where it was given before."""
    outcome = Outcome(name="replayed" if done.replayed else name, ids=ids)
    return Response(status=status, body=body, outcome=outcome, is_replay=done.replayed)
