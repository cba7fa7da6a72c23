"""PostgreSQL's own programs: where they are, and running them as the right account."""

import os
import re
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from cim.errors import ClusterError
from cim.store.cluster_account import Account

PROGRAMS_ROOT = Path("/usr/lib/postgresql")
SHARE_ROOT = Path("/usr/share/postgresql")
PROGRESS_EVERY_S = 2.0

Progress = Callable[[str], None]


def find_programs(major: str | None = None) -> Path:
    """The ``bin`` folder of the newest PostgreSQL that has PostGIS, or of exactly ``major`` for existing data.

    Raises ClusterError with what to install when there is none.
    """
    found = {
        folder.parent.name: folder
        for folder in PROGRAMS_ROOT.glob("*/bin")
        if folder.parent.name.isdecimal()
        and (folder / "initdb").exists()
        and (SHARE_ROOT / folder.parent.name / "extension" / "postgis.control").exists()
    }
    if major is not None:
        if major in found:
            return found[major]
        raise ClusterError(
            f"the data was made by PostgreSQL {major}, which is not installed here with PostGIS",
            remedy=f"apt install postgresql-{major} postgresql-{major}-postgis-3",
        )
    if not found:
        raise ClusterError(
            f"no PostgreSQL with PostGIS was found below {PROGRAMS_ROOT}",
            remedy="apt install postgresql postgresql-postgis, or set CIM_DATABASE_URL to use an existing PostGIS",
        )
    return found[max(found, key=int)]


def run_program(command: Sequence[str | Path], account: Account, progress: Progress, doing: str) -> tuple[int, str]:
    """Run one PostgreSQL program as ``account`` to its end; returns its exit status and what it printed.

    It gets a session of its own, so that Ctrl-C in a terminal does not reach the database server it starts.
    ``progress`` is called every few seconds with ``doing`` and the time passed.
    """
    root = os.geteuid() == 0
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PG")}
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(
            [str(word) for word in command],
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            umask=0o077,
            env=environment | {"LC_ALL": "C.UTF-8"},
            user=account.uid if root else None,
            group=account.gid if root else None,
            extra_groups=[] if root else None,
        )
        status = _wait(process, progress, doing)
        output.seek(0)
        return status, output.read().decode(errors="replace").strip()


def _wait(process: subprocess.Popen[bytes], progress: Progress, doing: str) -> int:
    waited = 0.0
    while True:
        try:
            return process.wait(timeout=PROGRESS_EVERY_S)
        except subprocess.TimeoutExpired:
            waited += PROGRESS_EVERY_S
            progress(f"{doing} ({waited:.0f} s)")


def postmaster_pid(pgdata: Path) -> int | None:
    """The process id of the server that runs on ``pgdata``, or None.

    The pid file alone proves nothing: after a crash its number may belong to any other program, so the process
    must be a PostgreSQL server started on this very folder.
    """
    pid = recorded_pid(pgdata / "postmaster.pid")
    if pid is None:
        return None
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return None
    ours = bool(words) and Path(os.fsdecode(words[0])).name == "postgres" and os.fsencode(pgdata) in words
    return pid if ours else None


def recorded_pid(path: Path) -> int | None:
    """The number on the first line of a PostgreSQL lock file, or None when there is no such file."""
    try:
        first = path.read_text(errors="replace").partition("\n")[0].strip()
    except OSError:
        return None
    return int(first) if re.fullmatch(r"[0-9]{1,9}", first) else None


def clear_stale_locks(pgdata: Path, sockets: Path) -> None:
    """Make lock files of a dead server harmless; call only when ``postmaster_pid`` is None and under the start lock.

    The pid file keeps everything but its number: from the rest PostgreSQL itself sees whether processes of the dead
    server still use its shared memory, and refuses to start beside them.
    """
    for left in sockets.glob(".s.PGSQL.*"):
        left.unlink(missing_ok=True)
    pid_file = pgdata / "postmaster.pid"
    if not pid_file.exists():
        return
    _first, _break, rest = pid_file.read_text(errors="replace").partition("\n")
    if not rest.strip():
        pid_file.unlink()
        return
    with pid_file.open("r+") as file:
        file.write(f"{DEAD_PID}\n{rest}")
        file.truncate()


DEAD_PID = 2_147_483_646
"""A process number no Linux kernel hands out (the most is 4 194 304)."""
