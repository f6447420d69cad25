"""The local stack: up, down, and running for as long as a block."""

import atexit
import contextlib
import dataclasses
import json
import os
import re
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from local import deployment, emulator, routes, users, webhook_secrets
from local.cloud import REGION, Cloud
from local.error import LocalStackError, StackNotRunningError
from local.home import DEFAULT_PORT, Home, home_of_checkout, home_of_tests
from local.tail import POLL_SECONDS, Tail, Wanted

STACK_FILE_VARIABLE = "POINTS_LEDGER_STACK"
"""Names the stack file of a running stack that tests are to use."""

HIGHEST_PORT = 65535

STORY_MILLISECONDS = 24 * 60 * 60 * 1_000
"""How far back the lines of one request are looked for; else only what comes is shown."""

FUNCTION_OUTPUT = re.compile(r"(?P<name>\w+)FunctionName")
QUEUE_OUTPUT = re.compile(r"(?P<name>\w+)QueueUrl")
WORD_START = re.compile(r"(?<!^)(?=[A-Z])")

Description = dict[str, Any]
"""What the stack file holds: see docs, "make up writes .local/stack.json"."""

Report = Callable[[str], None]


def port_from_environment() -> int:
    """Return the port that ``PORT`` asks for. Raises ``LocalStackError`` when it is no port."""
    text = os.environ.get("PORT") or str(DEFAULT_PORT)
    if not text.isdecimal() or not 1 <= int(text) <= HIGHEST_PORT:
        raise LocalStackError(f"PORT is {text!r}; it has to be a number from 1 to {HIGHEST_PORT}.")
    return int(text)


def up(home: Home, *, tied_to_parent: bool = False, report: Report = print) -> Description:
    """Bring the stack up, or up to date, and return its description; harmless when repeated."""
    described = _read(home)
    is_running = emulator.running_process(home) is not None
    if is_running and emulator.recorded_port(home) != home.port:
        raise LocalStackError(
            f"The stack of this checkout runs on port {emulator.recorded_port(home)}; "
            "`make down` stops it."
        )
    if is_running and described is not None and emulator.is_healthy(home):
        fingerprint = deployment.fingerprint()
        if _fingerprint_file(home).read_text() == fingerprint:
            report(f"The local stack is up: {described['api_url']}")
            return described
        report("The code has changed: deploying it.")
    else:
        # What is left of a stack that failed half-way or was killed cannot be continued.
        down(home)
        report(f"Starting the local cloud on port {home.port}.")
        home.folder.mkdir(parents=True, exist_ok=True)
        emulator.start(home, tied_to_parent=tied_to_parent)
        report("Building and deploying template.yaml.")
        described = None
    return _deploy(home, described, report)


def down(home: Home) -> bool:
    """Stop the stack and remove all of its files; return whether one was running."""
    was_running = emulator.stop(home)
    home.stack_file.unlink(missing_ok=True)
    shutil.rmtree(home.folder, ignore_errors=True)
    return was_running


def describe(home: Home) -> Description:
    """Return the description of a stack that is up. Raises ``StackNotRunningError``."""
    described = _read(home)
    if described is None or emulator.running_process(home) is None:
        raise StackNotRunningError
    return described


def logged(home: Home, function: str) -> Iterator[str]:
    """Yield what a function has logged, oldest first; also of a stack that did not come up."""
    if emulator.running_process(home) is None:
        raise StackNotRunningError
    # The stack may have been started on another port than PORT says now.
    logs = Cloud(replace(home, port=emulator.recorded_port(home) or home.port)).logs
    group = f"/{deployment.STACK_NAME}/{function}"
    if not logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"]:
        raise LocalStackError(f"There is no log group {group}.")
    for page in logs.get_paginator("filter_log_events").paginate(logGroupName=group):
        for event in page["events"]:
            yield event["message"].rstrip()


def tail(home: Home, wanted: Wanted) -> Iterator[str]:
    """Yield what functions log from now on, as it comes, for as long as the stack runs."""
    if emulator.running_process(home) is None:
        raise StackNotRunningError
    port, now = emulator.recorded_port(home) or home.port, int(time.time() * 1_000)
    following = Tail(
        logs=Cloud(replace(home, port=port)).logs,
        prefix=f"/{deployment.STACK_NAME}/",
        wanted=wanted,
        since_milliseconds=now - (0 if wanted.correlation is None else STORY_MILLISECONDS),
    )

    def wait() -> bool:
        time.sleep(POLL_SECONDS)
        return emulator.running_process(home) is not None

    return following.follow(wait)


@contextlib.contextmanager
def running(home: Home | None = None, *, report: Report = print) -> Iterator[Description]:
    """Run a new stack for the length of a block, and stop it whatever happens in there.

    By default it is one for tests, on a free port and apart from the stack of ``make up``.
    """
    chosen = home or home_of_tests()
    if emulator.running_process(chosen) is not None and home is None:
        raise LocalStackError(f"Another test run uses {chosen.folder}.")
    down(chosen)
    atexit.register(down, chosen)
    try:
        yield up(chosen, tied_to_parent=True, report=report)
    finally:
        down(chosen)
        atexit.unregister(down)


@contextlib.contextmanager
def stack_for_tests() -> Iterator[Description]:
    """Give the stack that ``POINTS_LEDGER_STACK`` names, else one that runs for the block."""
    if stack_file := os.environ.get(STACK_FILE_VARIABLE):
        yield json.loads(Path(stack_file).read_text())
    else:
        with running() as description:
            yield description


def checkout() -> Home:
    """Return the home of this checkout's stack on the port that ``PORT`` asks for."""
    return home_of_checkout(port_from_environment())


def _deploy(home: Home, described: Description | None, report: Report) -> Description:
    fingerprint = deployment.fingerprint()
    deployment.deploy(home)
    cloud = Cloud(home)
    routes.create_routes(cloud, deployment.STACK_NAME)
    description = _endpoints(home, cloud)
    if described is None:
        report("Creating users and webhook secrets.")
        description |= _people_and_secrets(cloud, description)
    else:
        description |= {name: described[name] for name in ("webhook_secrets", "till", "users")}
    _fingerprint_file(home).write_text(fingerprint)
    _write(home, description)
    report(f"The local stack is up: {description['api_url']}")
    return description


def _endpoints(home: Home, cloud: Cloud) -> Description:
    stack = cloud.cloudformation.describe_stacks(StackName=deployment.STACK_NAME)["Stacks"][0]
    outputs = {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}
    api_url = f"{home.endpoint_url}/_aws/execute-api/{outputs['ApiId']}/$default"
    return {
        "api_url": api_url,
        "portal_url": f"{api_url}/portal",
        "console_url": f"{api_url}/console",
        "endpoint_url": home.endpoint_url,
        "region": REGION,
        "stack_name": deployment.STACK_NAME,
        "build_folder": str(deployment.build_folder(home)),
        "user_pool_id": outputs["UserPoolId"],
        "client_id": outputs["PeopleClientId"],
        "till_client_id": outputs["TillClientId"],
        "table": outputs["TableName"],
        "event_bus": outputs["EventBusName"],
        "webhook_secret_arn": outputs["WebhookSecretArn"],
        "functions": _named(outputs, FUNCTION_OUTPUT),
        "queues": _named(outputs, QUEUE_OUTPUT),
    }


def _people_and_secrets(cloud: Cloud, description: Description) -> Description:
    cloud.emails.create_email_identity(EmailIdentity=deployment.MAIL_SENDER)
    secrets = webhook_secrets.random_secrets()
    webhook_secrets.activate(cloud, description["webhook_secret_arn"], secrets)
    user_pool_id = description["user_pool_id"]
    created = users.create_users(
        cloud,
        user_pool_id=user_pool_id,
        client_id=description["client_id"],
        api_url=description["api_url"],
    )
    return {
        "webhook_secrets": secrets,
        "till": users.till_credentials(
            cloud, user_pool_id=user_pool_id, client_id=description["till_client_id"]
        ),
        "users": {
            role: _without_absent(dataclasses.asdict(user)) for role, user in created.items()
        },
    }


def _named(outputs: dict[str, str], pattern: re.Pattern[str]) -> dict[str, str]:
    """Return the outputs whose key matches, under the snake-case form of its name."""
    return {
        WORD_START.sub("_", found["name"]).lower(): value
        for key, value in outputs.items()
        if (found := pattern.fullmatch(key))
    }


def _without_absent(fields: dict[str, str | None]) -> dict[str, str]:
    return {name: value for name, value in fields.items() if value is not None}


def _fingerprint_file(home: Home) -> Path:
    return home.folder / "fingerprint"


def _read(home: Home) -> Description | None:
    try:
        described: Description = json.loads(home.stack_file.read_text())
    except FileNotFoundError:
        return None
    return described


def _write(home: Home, description: Description) -> None:
    # It holds passwords, and readers must never see half of it.
    partial = home.stack_file.with_suffix(".partial")
    partial.touch(mode=0o600)
    partial.write_text(json.dumps(description, indent=2) + "\n")
    partial.replace(home.stack_file)
