"""program: the rules for everyone, and the first version that the deployment loads."""

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from botocore.exceptions import ClientError

from points_ledger import __version__
from points_ledger.domain.error import InvalidRequestError
from points_ledger.runtime import bootstrap, deployment
from tests.functions.deployed import NAME, PROGRAM_SAMPLE, Deploy, Deployed, program
from tests.functions.gateway import NOBODY

Json = dict[str, Any]

DENIED = ClientError({"Error": {"Code": "AccessDeniedException"}}, "BatchGetItem")


@dataclass
class CloudFormation:
    """Takes the answers of custom resources at an address of its own."""

    url: str = ""
    answers: list[Json] = field(default_factory=list)
    content_types: list[str | None] = field(default_factory=list)

    def event(self, kind: str = "Create") -> Json:
        return {
            "RequestType": kind,
            "ResponseURL": self.url,
            "StackId": "arn:aws:cloudformation:us-east-1:123456789012:stack/points-ledger/1",
            "RequestId": "request-1",
            "ResourceType": "Custom::ProgramVersion",
            "LogicalResourceId": "FirstProgramVersion",
            "ResourceProperties": {"ServiceTimeout": "60"},
        }

    def answer(self) -> Json:
        [answer] = self.answers
        return answer


@pytest.fixture
def cloudformation() -> Iterator[CloudFormation]:
    told = CloudFormation()

    class Handler(BaseHTTPRequestHandler):
        def do_PUT(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            told.answers.append(json.loads(body))
            told.content_types.append(self.headers["Content-Type"])
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        told.url = f"http://127.0.0.1:{server.server_port}/answer?signature=s"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield told
        server.shutdown()
        thread.join()


# --- For everyone ---------------------------------------------------------------------------


def test_health_says_ok_and_which_version(deploy: Deploy) -> None:
    answer = deploy(None).ask("GET /health", NOBODY)
    assert (answer.status, answer.body) == (200, {"status": "ok", "version": __version__})


def test_the_program_is_shown_as_sentences_and_as_data(deploy: Deploy) -> None:
    sample = json.loads(PROGRAM_SAMPLE.read_text(encoding="utf-8"))
    answer = deploy(sample).ask("GET /program", NOBODY)
    assert answer.status == 200
    assert answer.body["version"] == 1
    assert answer.body["program"] == sample
    assert answer.body["effective_from"] == "2026-09-04T12:00:00Z"
    assert "100 points are worth 1.00 USD" in answer.body["sentences"]


def test_without_a_program_there_are_no_rules_to_show(deploy: Deploy) -> None:
    answer = deploy(None).ask("GET /program", NOBODY)
    assert answer.refusal == (500, "ledger_inconsistent")


# --- Loading --------------------------------------------------------------------------------


def test_the_first_load_makes_version_one(deploy: Deploy) -> None:
    deployed = deploy(None)
    assert deployed.load(program()) == {"loaded": True}
    assert deployed.printed.line()["message"] == "program_loaded"
    assert deployed.ask("GET /program", NOBODY).body["version"] == 1


def test_a_second_load_keeps_version_one_as_it_was(deploy: Deploy) -> None:
    deployed = deploy(program(name="First"))
    before = deployed.stored()
    assert deployed.load(program(name="Second")) == {"loaded": False}
    assert deployed.printed.line()["message"] == "program_kept"
    assert deployed.stored() == before
    assert deployed.ask("GET /program", NOBODY).body["name"] == "First"


def test_a_document_that_is_not_valid_is_not_loaded(deploy: Deploy) -> None:
    deployed = deploy(None)
    with pytest.raises(InvalidRequestError) as refused:
        deployed.load(program(currency="DOLLARS"))
    assert [error.field for error in refused.value.errors] == ["currency"]
    assert deployed.stored() == {}


# --- As a custom resource -------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["Create", "Update", "Delete"])
def test_every_kind_of_request_is_answered(
    kind: str, deployed: Deployed, cloudformation: CloudFormation
) -> None:
    deployed.invoke("program", cloudformation.event(kind))
    assert cloudformation.answer() == {
        "Status": "SUCCESS",
        "Reason": "",
        "PhysicalResourceId": "program-version-1",
        "StackId": "arn:aws:cloudformation:us-east-1:123456789012:stack/points-ledger/1",
        "RequestId": "request-1",
        "LogicalResourceId": "FirstProgramVersion",
    }


def test_the_address_is_signed_without_a_content_type(
    deployed: Deployed, cloudformation: CloudFormation
) -> None:
    deployed.invoke("program", cloudformation.event())
    assert cloudformation.content_types in ([None], [""])


@pytest.mark.parametrize(("kind", "version"), [("Create", 1), ("Update", 1), ("Delete", None)])
def test_a_deployment_loads_the_program_and_a_removal_does_not(
    kind: str, version: int | None, deploy: Deploy, cloudformation: CloudFormation
) -> None:
    deployed = deploy(None)
    deployed.ship(program())
    deployed.invoke("program", cloudformation.event(kind))
    assert deployed.ask("GET /program", NOBODY).body.get("version") == version


def test_a_removal_leaves_the_versions_where_they_are(
    deployed: Deployed, cloudformation: CloudFormation
) -> None:
    before = deployed.stored()
    deployed.invoke("program", cloudformation.event("Delete"))
    assert deployed.stored() == before


@pytest.mark.parametrize("kind", ["Create", "Update"])
def test_a_document_that_is_not_valid_fails_the_deployment_and_says_where(
    kind: str, deploy: Deploy, cloudformation: CloudFormation
) -> None:
    deployed = deploy(None)
    deployed.ship(program(redemption={"minimum_amount": 5}))
    assert deployed.invoke("program", cloudformation.event(kind)) == {"loaded": False}
    answer = cloudformation.answer()
    assert answer["Status"] == "FAILED"
    assert "redemption.minimum_amount" in answer["Reason"]
    assert deployed.printed.messages == ["failed"]
    assert deployed.stored() == {}


def test_a_document_that_is_no_json_fails_the_deployment(
    deploy: Deploy, cloudformation: CloudFormation
) -> None:
    deployed = deploy(None)
    deployed.ship("{")
    deployed.invoke("program", cloudformation.event())
    assert cloudformation.answer()["Status"] == "FAILED"


def test_a_function_without_its_settings_fails_the_deployment(
    deploy: Deploy, cloudformation: CloudFormation, monkeypatch: pytest.MonkeyPatch
) -> None:
    deployed = deploy(None)
    deployed.ship(program())
    monkeypatch.delenv("TABLE_NAME")
    deployed.invoke("program", cloudformation.event())
    assert cloudformation.answer()["Status"] == "FAILED"


def test_a_reason_fits_into_the_answer(deploy: Deploy, cloudformation: CloudFormation) -> None:
    deployed = deploy(None)
    wrong = [{"id": f"rule {n}", "on": "purchase", "points": 0} for n in range(100)]
    deployed.ship(program(earning_rules=wrong))
    deployed.invoke("program", cloudformation.event())
    assert len(json.dumps(cloudformation.answer())) < 4_096


def test_a_role_that_is_too_young_is_waited_for(
    deploy: Deploy, cloudformation: CloudFormation, monkeypatch: pytest.MonkeyPatch
) -> None:
    deployed = deploy(None)
    deployed.ship(program())
    refusals = iter([DENIED, DENIED])
    waited: list[float] = []

    def deny(**_: object) -> None:
        for refusal in refusals:
            raise refusal

    bootstrap.dynamodb().meta.events.register("before-call.dynamodb.*", deny)
    monkeypatch.setattr("points_ledger.runtime.deployment.time.sleep", waited.append)
    deployed.invoke("program", cloudformation.event())
    assert (cloudformation.answer()["Status"], len(waited)) == ("SUCCESS", 2)


def test_a_role_that_stays_without_rights_fails_the_deployment(
    deploy: Deploy, cloudformation: CloudFormation, monkeypatch: pytest.MonkeyPatch
) -> None:
    deployed = deploy(None)
    deployed.ship(program())

    def deny(**_: object) -> None:
        raise DENIED

    bootstrap.dynamodb().meta.events.register("before-call.dynamodb.*", deny)
    monkeypatch.setattr(deployment, "PAUSE_SECONDS", 0)
    deployed.invoke("program", cloudformation.event())
    assert cloudformation.answer()["Status"] == "FAILED"


def test_two_who_load_at_once_leave_one_version(deploy: Deploy) -> None:
    deployed = deploy(program(name="First"))
    again = deployed.load(program(name="First"))
    names = [name for name in deployed.stored() if name.startswith("PROGRAM")]
    assert again == {"loaded": False}
    assert sorted(names) == ["PROGRAM VERSION#00000001", "PROGRAM VERSIONS"]


def test_the_first_version_serves_what_happened_before_it_was_loaded(deployed: Deployed) -> None:
    member_id = deployed.enrol("C-1", name=NAME)
    deployed.give("C-1", 10)
    assert deployed.entries(member_id)[-1]["program_version"] == 1
