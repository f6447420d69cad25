"""A PostgreSQL server for the length of a block: Debian's, with a folder and a port of its own."""

import contextlib
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from local.home import free_port

BINARIES: Final = Path("/usr/lib/postgresql")
UNPRIVILEGED: Final = "postgres"
"""Debian's package makes this user; the server refuses to run as root."""
OPTIONS: Final = (
    "-c listen_addresses=127.0.0.1 -c shared_preload_libraries=pg_stat_statements "
    "-c max_connections=60"
)
"""Everything else is as Debian ships it: writes are on the disk before they are answered."""
STATEMENTS: Final = """
SELECT coalesce(sum(calls), 0) FROM pg_stat_statements
WHERE query NOT LIKE '%pg_stat_statements%'
"""


class NoServerError(Exception):
    """PostgreSQL is not installed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A running server."""

    binaries: Path
    folder: Path
    port: int

    def address(self, database: str) -> str:
        """For libpq."""
        return f"host=127.0.0.1 port={self.port} dbname={database} user={UNPRIVILEGED}"

    def create(self, database: str, schema: str) -> str:
        """Make a database with a schema; its address."""
        self.run("postgres", f"CREATE DATABASE {database}")
        self.run(database, f"CREATE EXTENSION pg_stat_statements; {schema}")
        return self.address(database)

    def run(self, database: str, statements: str) -> str:
        """Run SQL; what it answers, unadorned."""
        return _output([
            str(self.binaries / "psql"), "-XAtq", "-v", "ON_ERROR_STOP=1",
            "-d", self.address(database), "-c", statements,
        ])  # fmt: skip

    def version(self) -> str:
        return self.run("postgres", "SHOW server_version").strip()

    def statements(self, database: str) -> int:
        """How many statements have been sent to the server so far; each is a round trip."""
        return int(self.run(database, STATEMENTS))

    def cpu_seconds(self) -> float:
        """CPU time of the server's processes, those included that have ended."""
        first = int((self.folder / "data" / "postmaster.pid").read_text().split()[0])
        ticks = _ticks(first, children=True)
        ticks += sum(_ticks(pid, children=False) for pid in _children(first))
        return ticks / os.sysconf("SC_CLK_TCK")


@contextlib.contextmanager
def server() -> Iterator[Server]:
    """Run a server. Raises NoServerError where PostgreSQL is not installed."""
    installed = sorted(BINARIES.glob("*/bin"), key=lambda path: int(path.parent.name))
    if not installed:
        raise NoServerError("PostgreSQL is missing: apt-get install postgresql")
    binaries = installed[-1]
    folder = Path(tempfile.mkdtemp(prefix="points-ledger-peers-"))
    as_user = _as_unprivileged(folder)
    data = str(folder / "data")
    control = [*as_user, str(binaries / "pg_ctl"), "-D", data]
    port = free_port()
    try:
        _output([
            *as_user, str(binaries / "initdb"), "-D", data, "-U", UNPRIVILEGED,
            "--auth=trust", "--encoding=UTF8", "--locale=C",
        ])  # fmt: skip
        options = f"-p {port} -k {folder} {OPTIONS}"
        log = str(folder / "log")
        _output([*control, "-w", "-l", log, "-o", options, "start"])
        try:
            yield Server(binaries=binaries, folder=folder, port=port)
        finally:
            _output([*control, "-m", "immediate", "stop"])
    finally:
        shutil.rmtree(folder)


def _as_unprivileged(folder: Path) -> list[str]:
    """What to put before a command so that it does not run as root."""
    if os.getuid() != 0:
        return []
    user = pwd.getpwnam(UNPRIVILEGED)
    os.chown(folder, user.pw_uid, user.pw_gid)
    return [
        "setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups", "--"
    ]  # fmt: skip


def _output(command: Sequence[str]) -> str:
    finished = subprocess.run(  # noqa: S603 - programs of the installed server
        command, capture_output=True, text=True, check=False, cwd="/"
    )
    if finished.returncode:
        raise RuntimeError(f"{command[-1]}: {finished.stderr}")
    return finished.stdout


def _ticks(pid: int, *, children: bool) -> int:
    """User and system time of a process; with `children`, of those that it has waited for too."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(int(value) for value in fields[11 : 15 if children else 13])


def _children(parent: int) -> Iterator[int]:
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            if int(stat.read_text().rpartition(")")[2].split()[1]) == parent:
                yield int(stat.parent.name)
