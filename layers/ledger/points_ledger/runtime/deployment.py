"""Loading the program document that was shipped with the deployment.

CloudFormation's custom resource waits for an answer at a pre-signed address; without one it waits
an hour and fails. A direct invocation (`{"load_program": true}`) gets the answer itself.
"""

import json
import time
import urllib.request
from collections.abc import Mapping
from importlib import resources
from typing import Any, Final

from botocore.exceptions import ClientError

from points_ledger.runtime import bootstrap, observability, services
from points_ledger.runtime.observability import Outcome
from points_ledger.service.ports import ProgramVersion
from points_ledger.service.publishing import FIRST_VERSION

DOCUMENT: Final = "program.json"
ANSWER_TIMEOUT_SECONDS: Final = 10
MAX_ATTEMPTS: Final = 6
PAUSE_SECONDS: Final = 5
PHYSICAL_ID: Final = "program-version-1"


def load_program(event: Mapping[str, Any]) -> dict[str, object]:
    """Make the shipped document the first version where there is none; otherwise change nothing.

    A custom resource that is updated or deleted changes nothing either: versions are immutable.
    """
    with observability.invocation():
        answers = "ResponseURL" in event
        try:
            loaded = event.get("RequestType") != "Delete" and _load_patiently()
        except Exception as error:  # whatever it is, CloudFormation waits for an answer
            observability.log_failure(error)
            if not answers:
                raise
            _answer(event, status="FAILED", reason=f"{type(error).__name__}: {error}")
            return {"loaded": False}
        if answers:
            _answer(event, status="SUCCESS", reason="")
        observability.log(Outcome(name="program_loaded" if loaded else "program_kept"))
        return {"loaded": loaded}


def _load_patiently() -> bool:
    """Load; a role that was created seconds ago may not have its rights yet."""
    for _ in range(MAX_ATTEMPTS - 1):
        try:
            return _load()
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") != "AccessDeniedException":
                raise
            time.sleep(PAUSE_SECONDS)
    return _load()


def _load() -> bool:
    # Only here: everybody else who starts this function asks for the rules, without pydantic.
    from points_ledger.contracts.program import parse_program  # noqa: PLC0415 - as said above

    text = resources.files("points_ledger").joinpath(DOCUMENT).read_text(encoding="utf-8")
    document = json.loads(text)
    version = ProgramVersion(
        program=parse_program(document, FIRST_VERSION),
        document=json.dumps(document, separators=(",", ":"), ensure_ascii=False),
        published_at=bootstrap.utc_now(),
    )
    return services.publishing().load_first(version)


def _answer(event: Mapping[str, Any], *, status: str, reason: str) -> None:
    body = {
        "Status": status,
        "Reason": reason[:1_000],
        "PhysicalResourceId": PHYSICAL_ID,
        "StackId": event["StackId"],
        "RequestId": event["RequestId"],
        "LogicalResourceId": event["LogicalResourceId"],
    }
    # The address is signed without a content type; urllib's own would break the signature.
    request = urllib.request.Request(  # noqa: S310 - the address comes from CloudFormation itself
        event["ResponseURL"],
        data=json.dumps(body).encode(),
        headers={"Content-Type": ""},
        method="PUT",
    )
    with urllib.request.urlopen(request, timeout=ANSWER_TIMEOUT_SECONDS):  # noqa: S310 - as above
        pass
