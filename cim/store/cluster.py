"""The private PostGIS: a PostgreSQL cluster of our own inside the data folder.

It listens on a Unix socket only, in a folder nobody else may enter, and asks every login for its password. Layout
of the data folder::

    postgres/            the cluster
    passwords.json       the logins' passwords, 0600
    log/                 the server's log, one file per weekday
    start.lock           held while somebody starts or stops the cluster
    users.lock           held (shared) by every process that uses it; the last one stops it
"""

import fcntl
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

import psycopg

from cim.errors import ClusterError
from cim.store import cluster_logins as logins_
from cim.store.cluster_account import (
    SOCKET_PORT,
    check_reachable,
    disk_floor,
    free_disk_problem,
    make_private_dir,
    running_account,
    socket_dir,
)
from cim.store.cluster_logins import ADMIN, DATABASE, Logins
from cim.store.cluster_programs import (
    Progress,
    clear_stale_locks,
    find_programs,
    postmaster_pid,
    run_program,
)
from cim.store.cluster_settings import INCLUDES, SETTINGS_FILE, memory_bytes, settings_text

START_LIMIT_S = 3600
OLD_PROCESSES_LIMIT_S = 30
ANSWER_LIMIT_S = 600
LOG_TAIL_BYTES = 2000


@dataclass(frozen=True)
class ClusterStatus:
    """What is known about a cluster without starting it; ``pid`` and ``version`` are None when there is none."""

    created: bool
    running: bool
    pid: int | None
    version: str | None
    data_dir: Path
    socket_dir: Path


def _silent(_message: str) -> None:
    return


class Cluster:
    """One private PostGIS cluster over a data folder.

    As a context manager it is started on entry and stopped on exit, unless another process still uses it.

    Parameters
    ----------
    data_dir: where everything is kept; made when missing. For root it must be reachable by the postgres account.
    durable: False may lose what was committed last when the server is killed, and all in a power cut: for tests only.
    floor_bytes: free disk space below which the cluster is not started; None takes ``CIM_DISK_FLOOR_MB``.
    progress: called with one line whenever something takes longer.

    """

    def __init__(
        self,
        data_dir: Path,
        *,
        durable: bool = True,
        floor_bytes: int | None = None,
        progress: Progress = _silent,
    ) -> None:
        self.data_dir = data_dir.expanduser().absolute()
        self.durable = durable
        self.account = running_account()
        self.socket_dir = socket_dir(self.data_dir, self.account)
        self._floor_bytes = floor_bytes
        self._progress = progress
        self._users: int | None = None

    @property
    def pgdata(self) -> Path:
        """The folder of the PostgreSQL cluster itself."""
        return self.data_dir / "postgres"

    def ensure_running(self) -> Logins:
        """Create the cluster if there is none, start it if it is down, and return how to reach its database.

        Any number of processes may call this at once. After a crash it waits for PostgreSQL's recovery. Raises
        ClusterError, with the remedy, when the cluster cannot be made or started.
        """
        self._prepare_folder()
        with self._starting():
            self._hold()
            try:
                return self._running_logins()
            except BaseException:
                with suppress(ClusterError):
                    self._stop_if_last()
                raise

    def stop(self) -> None:
        """Stop the cluster if it runs, whoever uses it; open transactions are rolled back."""
        if not self.pgdata.exists():
            return
        with self._starting():
            self._let_go()
            self._stop()

    def release(self) -> None:
        """Say that this process no longer uses the cluster; the last user to say so stops it."""
        if self._users is None:
            return
        with self._starting():
            self._stop_if_last()

    def status(self) -> ClusterStatus:
        """What there is and whether it runs; changes nothing."""
        version = self._version()
        pid = postmaster_pid(self.pgdata)
        return ClusterStatus(
            created=version is not None,
            running=pid is not None,
            pid=pid,
            version=version,
            data_dir=self.data_dir,
            socket_dir=self.socket_dir,
        )

    def logins(self) -> Logins:
        """How to reach the database of an existing cluster, running or not."""
        passwords = logins_.read_passwords(self.data_dir / "passwords.json")
        return Logins(self.socket_dir, SOCKET_PORT, passwords)

    def __enter__(self) -> Logins:
        return self.ensure_running()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()

    # Folders and locks

    def _prepare_folder(self) -> None:
        problem = free_disk_problem(self.data_dir, disk_floor() if self._floor_bytes is None else self._floor_bytes)
        if problem:
            raise ClusterError(problem, where=str(self.data_dir))
        make_private_dir(self.data_dir, self.account)
        check_reachable(self.data_dir, self.account)
        make_private_dir(self.data_dir / "log", self.account)

    def _open_lock(self, name: str) -> int:
        path = self.data_dir / name
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        if os.geteuid() == 0:
            os.fchown(descriptor, self.account.uid, self.account.gid)
        return descriptor

    @contextmanager
    def _starting(self) -> Iterator[None]:
        """Hold the lock under which the cluster changes between running and stopped."""
        descriptor = self._open_lock("start.lock")
        try:
            waited = 0
            while True:
                try:
                    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    waited += 1
                    if waited % 20 == 0:
                        self._progress(f"waiting for another process to start or stop the database ({waited // 10} s)")
                    time.sleep(0.1)
            yield
        finally:
            os.close(descriptor)

    def _hold(self) -> None:
        if self._users is None:
            self._users = self._open_lock("users.lock")
            fcntl.flock(self._users, fcntl.LOCK_SH)

    def _let_go(self) -> None:
        if self._users is not None:
            os.close(self._users)
            self._users = None

    # Creating, starting, stopping; all under the start lock

    def _stop_if_last(self) -> None:
        self._let_go()
        descriptor = self._open_lock("users.lock")
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return
        finally:
            os.close(descriptor)
        self._stop()

    def _running_logins(self) -> Logins:
        created = self._version() is not None
        passwords_file = self.data_dir / "passwords.json"
        if not created:
            logins_.write_passwords(passwords_file, self.account)
            self._create()
        logins = self.logins()
        make_private_dir(self.socket_dir, self.account)  # before any password is sent through it
        if postmaster_pid(self.pgdata) and not (self.socket_dir / f".s.PGSQL.{SOCKET_PORT}").exists():
            self._progress("the socket of the running database is gone: restarting it")
            self._stop()
        if postmaster_pid(self.pgdata) is None:
            self._start()
        self._wait_for_answer(logins, restart=True)
        self._bootstrap(logins)
        return logins

    def _version(self) -> str | None:
        try:
            return (self.pgdata / "PG_VERSION").read_text().strip()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise ClusterError(
                f"the cluster cannot be read ({error.strerror})",
                where=str(self.pgdata),
                remedy="start as the user that created it, or name another folder with --data",
            ) from error

    def _create(self) -> None:
        self._progress("creating the database cluster")
        programs = find_programs()
        unfinished = self.data_dir / "postgres.new"
        shutil.rmtree(unfinished, ignore_errors=True)
        password_file = self.data_dir / "initdb.password"
        password_file.unlink(missing_ok=True)
        descriptor = os.open(password_file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(self.logins().passwords[ADMIN] + "\n")
        if os.geteuid() == 0:
            os.chown(password_file, self.account.uid, self.account.gid)
        command: list[str | Path] = [programs / "initdb", "-D", unfinished, "-U", ADMIN, "-E", "UTF8"]
        command += ["--locale=C.UTF-8", "-A", "scram-sha-256", f"--pwfile={password_file}"]
        command += [] if self.durable else ["--no-sync"]
        try:
            status, said = run_program(command, self.account, self._progress, "creating the database cluster")
        finally:
            password_file.unlink(missing_ok=True)
        if status != 0:
            shutil.rmtree(unfinished, ignore_errors=True)
            raise self._failed("the database cluster could not be created", said)
        with (unfinished / "postgresql.conf").open("a") as file:
            file.write(INCLUDES)
        self._write_settings(unfinished)
        try:
            unfinished.replace(self.pgdata)
        except OSError as error:
            raise ClusterError(
                "there is something here that is not a database cluster",
                where=str(self.pgdata),
                remedy="move it away, or name another folder with --data",
            ) from error

    def _write_settings(self, folder: Path) -> None:
        path = folder / SETTINGS_FILE
        text = settings_text(self.data_dir, self.socket_dir, durable=self.durable, memory=memory_bytes())
        if not path.exists() or path.read_text() != text:
            partial = folder / f"{SETTINGS_FILE}.new"
            partial.write_text(text)
            partial.chmod(0o600)
            if os.geteuid() == 0:
                os.chown(partial, self.account.uid, self.account.gid)
            partial.replace(path)

    def _start(self) -> None:
        make_private_dir(self.socket_dir, self.account)
        self._write_settings(self.pgdata)
        clear_stale_locks(self.pgdata, self.socket_dir)
        start_log = self.data_dir / "log" / "start.log"
        give_up = time.monotonic() + OLD_PROCESSES_LIMIT_S
        doing = "starting the database, which may be recovering from a crash"
        while True:
            start_log.unlink(missing_ok=True)
            status, said = self._pg_ctl(doing, START_LIMIT_S, "-l", start_log, "start")
            if status == 0:
                return
            said = f"{said}\n{_tail(start_log)}"
            old_processes = "shared memory block" in said and "still in use" in said
            if not old_processes or time.monotonic() > give_up:
                raise self._failed("the database could not be started", said)
            self._progress("waiting for processes of the killed database to end")
            time.sleep(0.3)

    def _stop(self) -> None:
        if postmaster_pid(self.pgdata) is None:
            return
        said = ""
        for mode, seconds in (("fast", 60), ("immediate", 20)):
            status, said = self._pg_ctl("stopping the database", seconds, "-m", mode, "stop")
            if status == 0 or postmaster_pid(self.pgdata) is None:
                with suppress(OSError):
                    self.socket_dir.rmdir()
                return
        raise self._failed("the database could not be stopped", said)

    def _pg_ctl(self, doing: str, limit_s: int, *words: str | Path) -> tuple[int, str]:
        program = find_programs(self._version()) / "pg_ctl"
        command = [program, "-D", self.pgdata, "-s", "-w", "-t", str(limit_s), *words]
        return run_program(command, self.account, self._progress, doing)

    def _wait_for_answer(self, logins: Logins, *, restart: bool = False) -> None:
        """Wait until the server takes connections: it may still be recovering for a starter that was killed.

        ``restart`` starts it once more when it ends meanwhile: a killed server's main process outlives it by a moment.
        """
        begun = time.monotonic()
        said = -1
        while True:
            try:
                logins.connect_admin("postgres").close()
            except psycopg.OperationalError as error:
                waited = time.monotonic() - begun
                running = postmaster_pid(self.pgdata) is not None
                if restart and not running:
                    self._start()
                    restart = False
                elif not running or waited > ANSWER_LIMIT_S or "password" in str(error):
                    raise self._failed("the database does not answer", str(error)) from error
                if int(waited) // 2 > said:
                    said = int(waited) // 2
                    self._progress(f"waiting for the database to answer ({waited:.0f} s)")
                time.sleep(0.2)
            else:
                return

    def _bootstrap(self, logins: Logins) -> None:
        """Make the roles and the database once; a marker says that it was done to its end.

        Extensions that the machine has got since are made at every start.
        """
        marker = self.data_dir / "bootstrapped"
        if marker.exists():
            with logins.connect_admin() as connection:
                logins_.make_installed_extensions(connection)
            return
        self._progress("creating the logins and the database")
        with logins.connect_admin("postgres") as connection:
            logins_.bootstrap_roles(connection, logins.passwords, DATABASE)
            connection.execute("REVOKE ALL ON DATABASE postgres, template1 FROM PUBLIC")
        with logins.connect_admin() as connection:
            logins_.prepare_database(connection)
        marker.touch(mode=0o600)
        if os.geteuid() == 0:
            os.chown(marker, self.account.uid, self.account.gid)

    def _failed(self, what: str, said: str) -> ClusterError:
        """An error that quotes what PostgreSQL said, with a remedy where its cause is known."""
        lines = [line.strip() for line in said.splitlines() if line.strip()]
        telling = [line for line in lines if "FATAL" in line or "error" in line.lower() or "PANIC" in line]
        remedy = f"see the files in {self.data_dir / 'log'}"
        if "No space left on device" in said:
            remedy = f"free some space on the disk of {self.data_dir}"
        elif "could not map" in said or "Cannot allocate memory" in said:
            remedy = f"free some memory, or set a smaller shared_buffers in {self.pgdata / 'local.conf'}"
        elif "Permission denied" in said:
            remedy = f"let the account '{self.account.name}' read and write {self.data_dir}"
        quoted = (telling or lines or ["it said nothing"])[-1]
        return ClusterError(f"{what}: {quoted}", where=str(self.data_dir), remedy=remedy)


def _tail(path: Path) -> str:
    try:
        return path.read_text(errors="replace")[-LOG_TAIL_BYTES:]
    except OSError:
        return ""
