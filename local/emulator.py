"""The emulator's process: started in the background, found again, stopped with all it started."""

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

import httpx

from local.error import EmulatorError, PortTakenError
from local.home import TOOLS, Home

START_SECONDS = 60
STOP_SECONDS = 5

# What the emulator and the functions may see of the caller's environment. It hands its own on to
# every function, and nothing of a developer's AWS profile or Python set-up belongs in there.
INHERITED_VARIABLES = ("HOME", "LANG", "LC_ALL", "TZ")


def start(home: Home, *, tied_to_parent: bool) -> None:
    """Start the emulator and return when it answers.

    With ``tied_to_parent`` the system also ends it when the calling process dies without stopping
    it. Raises ``PortTakenError`` and ``EmulatorError``.
    """
    if _is_listening(home.port):
        raise PortTakenError(home.port)
    temporary = home.folder / "tmp"
    temporary.mkdir(parents=True, exist_ok=True)
    programs = TOOLS / "ministack" / "bin"
    command = [str(programs / "ministack")]
    if tied_to_parent and (setpriv := shutil.which("setpriv")):
        command = [setpriv, "--pdeathsig", "TERM", *command]
    environment = {name: os.environ[name] for name in INHERITED_VARIABLES if name in os.environ}
    environment |= {
        "PATH": f"{programs}:/usr/local/bin:/usr/bin:/bin",
        "TMPDIR": str(temporary),
        # Keys of the user pools among others; by default shared by all stacks of a machine.
        "STATE_DIR": str(home.folder / "state"),
        "GATEWAY_PORT": str(home.port),
        "BIND_HOST": "127.0.0.1",
        "MINISTACK_HOST": "127.0.0.1",
        "AUTH": "true",
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        "LAMBDA_ACCOUNT_CONCURRENCY": "32",
        "LOG_LEVEL": "WARNING",
    }
    with home.emulator_log.open("wb") as log:
        process = subprocess.Popen(
            command,
            cwd=home.folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            # A group of its own: it outlives `make up`, and its workers can be ended with it.
            start_new_session=True,
        )
    _process_file(home).write_text(
        json.dumps({"pid": process.pid, "started": _start_time(process.pid), "port": home.port})
    )
    deadline = time.monotonic() + START_SECONDS
    while not is_healthy(home):
        if process.poll() is not None:
            raise EmulatorError(
                f"The emulator ended with code {process.returncode}.", home.emulator_log
            )
        if time.monotonic() > deadline:
            stop(home)
            raise EmulatorError(f"No answer within {START_SECONDS} seconds.", home.emulator_log)
        time.sleep(0.1)


def stop(home: Home) -> bool:
    """Stop the emulator and everything that it started; return whether one was running."""
    pid = running_process(home)
    if pid is None:
        return False
    os.kill(pid, signal.SIGTERM)
    if not _wait_for_end_of_group(pid, STOP_SECONDS):
        os.killpg(pid, signal.SIGKILL)
        if not _wait_for_end_of_group(pid, STOP_SECONDS):
            raise EmulatorError(f"Process group {pid} does not end.", home.emulator_log)
    _process_file(home).unlink(missing_ok=True)
    return True


def running_process(home: Home) -> int | None:
    """Return the id of the emulator's process, or None when it does not run (any more)."""
    recorded = _recorded_process(home)
    if recorded is None:
        return None
    pid, started, _ = recorded
    # A process id is used again some day; together with the time of its start it is not.
    return pid if started is not None and _start_time(pid) == started else None


def recorded_port(home: Home) -> int | None:
    """Return the port on which the emulator of this home was started."""
    recorded = _recorded_process(home)
    return None if recorded is None else recorded[2]


def is_healthy(home: Home) -> bool:
    """Return whether an emulator answers on the port."""
    try:
        answer = httpx.get(f"{home.endpoint_url}/_ministack/health", timeout=5, trust_env=False)
    except httpx.TransportError:
        return False
    return answer.is_success


def _is_listening(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(2)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _process_file(home: Home) -> Path:
    return home.folder / "emulator.json"


def _recorded_process(home: Home) -> tuple[int, str | None, int] | None:
    try:
        recorded = json.loads(_process_file(home).read_text())
    except FileNotFoundError:
        return None
    return recorded["pid"], recorded["started"], recorded["port"]


def _start_time(pid: int) -> str | None:
    """Return when a process was started, in ticks since boot; None when it is gone or a zombie."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return None
    # The name, in parentheses, may contain anything; the fields that follow it are numbered from 3.
    state, *fields = stat.rpartition(")")[2].split()
    return None if state == "Z" else fields[18]


def _wait_for_end_of_group(group: int, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while _has_living_members(group):
        _reap(group)
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    _reap(group)
    return True


def _reap(pid: int) -> None:
    """Take the exit status of an ended child, which otherwise stays in the process table."""
    # No child of ours when another command started it.
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)


def _has_living_members(group: int) -> bool:
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            stat = (folder / "stat").read_text()
        except (FileNotFoundError, ProcessLookupError):
            continue
        state, _, process_group, *_ = stat.rpartition(")")[2].split()
        if int(process_group) == group and state != "Z":
            return True
    return False
