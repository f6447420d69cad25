"""Build and deployment of ``template.yaml`` to a local stack, with the tool that deploys to AWS."""

import hashlib
import os
import platform
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from local import cloud
from local.error import StepError
from local.home import ROOT, TOOLS, Home

STACK_NAME = "points-ledger"
PROGRAM_DOCUMENT = ROOT / "events" / "program.json"
OUTPUT_LINES_SHOWN = 40
EMULATOR_LINES_SHOWN = 5

RUNTIME = f"python{sys.version_info.major}.{sys.version_info.minor}"
ARCHITECTURE = "arm64" if platform.machine() in {"aarch64", "arm64"} else "x86_64"

MAIL_SENDER = "points@ledger.example"

PARAMETERS = {
    # The emulator runs the functions itself, so they are built for this machine.
    "RuntimeVersion": RUNTIME,
    "Architecture": ARCHITECTURE,
    # Tests and the demonstration wind the clock forward.
    "AllowFutureSchedules": "true",
    "DeletionProtection": "false",
    "LogRetentionDays": "1",
    # A poisoned message is set aside after five of these.
    "QueueVisibilitySeconds": "3",
    # The emulator compares the number with a text, and then reads no queue at all.
    "WorkerMaximumConcurrency": "0",
    "SweepMaximumConcurrency": "0",
    "LeadingKeysAbsent": "true",
    "CheckpointPolicyAbsent": "true",
    # Tests listen on this machine, and do not wait for days.
    "OutboundAllowLoopback": "true",
    "OutboundRetryDelaysSeconds": "1,2,2",
    # Nothing leaves the emulator: mails can be read at /_ministack/ses/messages.
    "EmailSender": MAIL_SENDER,
    # The emulator asks about sending a mail without naming the identity.
    "EmailIdentityArn": "*",
    "NotificationDelaySeconds": "1",
    # What a client calls here is longer than the path that the emulator hands on.
    "SquareNotificationUrl": "http://{host}/_aws/execute-api/{api_id}/{stage}{path}",
}


def fingerprint() -> str:
    """Return a digest of everything that a deployment is made of."""
    digest = hashlib.sha256()
    for name, value in sorted(PARAMETERS.items()):
        digest.update(f"{name}={value}\n".encode())
    for path in _sources():
        digest.update(f"{path.relative_to(ROOT)}\n".encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def build_folder(home: Home) -> Path:
    """Return where the built functions and layers are."""
    return home.folder / "build"


def deploy(home: Home) -> None:
    """Build the template and deploy it. Raises ``StepError`` with what the tool printed."""
    build = build_folder(home)
    # The ledger layer also holds the program document, which is not in its source folder: a cache
    # of its own for each state of the document keeps a cached build from missing a change.
    document = hashlib.sha256(PROGRAM_DOCUMENT.read_bytes()).hexdigest()[:12]
    public_url = f"{home.endpoint_url}/_aws/execute-api/{{api_id}}/$default"
    chosen = PARAMETERS | {"PublicApiUrl": public_url}
    parameters = [f"{name}={value}" for name, value in chosen.items()]
    _sam(
        home,
        "build",
        "--cached",
        "--parallel",
        "--cache-dir",
        str(home.build_cache / document),
        "--build-dir",
        str(build),
        "--parameter-overrides",
        *parameters,
    )
    _sam(
        home,
        "deploy",
        "--template-file",
        str(build / "template.yaml"),
        "--stack-name",
        STACK_NAME,
        "--capabilities",
        "CAPABILITY_IAM",
        "--resolve-s3",
        "--no-confirm-changeset",
        "--no-fail-on-empty-changeset",
        "--no-progressbar",
        # What failed stays, with its log; the next `make up` starts from nothing anyway.
        "--disable-rollback",
        "--parameter-overrides",
        *parameters,
    )


def _sam(home: Home, command: str, *arguments: str) -> None:
    path = [TOOLS / "sam" / "bin", TOOLS / "bootstrap" / "bin", Path(sys.executable).parent]
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "SAM_"))
    }
    environment |= cloud.environment(home)
    environment |= {
        "PATH": os.pathsep.join([*map(str, path), os.environ["PATH"]]),
        "LAMBDA_RUNTIME": RUNTIME,
        "LAMBDA_ARCHITECTURE": ARCHITECTURE,
        "SAM_CLI_TELEMETRY": "0",
        "SAM_CLI_POLL_DELAY": "0.1",
    }
    # The calling make hands its own flags on; the layers' makefiles are not part of that build.
    for name in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS", "VIRTUAL_ENV"):
        environment.pop(name, None)
    finished = subprocess.run(
        [str(TOOLS / "sam" / "bin" / "sam"), command, *arguments],
        cwd=ROOT,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if finished.returncode != 0:
        lines = finished.stdout.splitlines()[-OUTPUT_LINES_SHOWN:]
        # A function that cannot even be imported logs nothing; only the emulator says why.
        logged = home.emulator_log.read_text(errors="replace").splitlines()
        lines += [line for line in logged if " ERROR " in line][-EMULATOR_LINES_SHOWN:]
        raise StepError(f"sam {command}", "\n".join(lines))


def _sources() -> Iterator[Path]:
    yield ROOT / "template.yaml"
    yield PROGRAM_DOCUMENT
    for folder in ("functions", "layers"):
        for path in sorted((ROOT / folder).rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                yield path
