"""The private cluster: made, started, stopped, killed, squatted, out of disk; with real PostgreSQL."""

import multiprocessing
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import psycopg
import pytest

from cim.errors import ClusterError
from cim.store import cluster as cluster_module
from cim.store import cluster_account, cluster_programs
from cim.store.cluster import Cluster
from cim.store.cluster_logins import create_database, drop_database


class Usage(NamedTuple):
    total: int
    used: int
    free: int


@pytest.fixture
def folder() -> Iterator[Path]:
    """A short folder that the postgres account can reach, unlike pytest's own 0700 one."""
    path = Path(tempfile.mkdtemp(prefix="cimt-", dir="/tmp"))
    path.chmod(0o755)
    yield path
    for data in path.iterdir():
        if data.is_dir():
            cluster = Cluster(data, durable=False, floor_bytes=0)
            cluster.stop()
            shutil.rmtree(cluster.socket_dir, ignore_errors=True)
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture(scope="module")
def shared() -> Iterator[Cluster]:
    path = Path(tempfile.mkdtemp(prefix="cimt-", dir="/tmp"))
    path.chmod(0o755)
    cluster = Cluster(path / "data", durable=False)
    cluster.ensure_running()
    yield cluster
    cluster.stop()
    shutil.rmtree(cluster.socket_dir, ignore_errors=True)
    shutil.rmtree(path, ignore_errors=True)


def make(folder: Path, name: str = "data") -> Cluster:
    return Cluster(folder / name, durable=False)


def connect(url: str) -> psycopg.Connection[tuple[object, ...]]:
    return psycopg.connect(url.replace("+psycopg", ""), autocommit=True)


def ask(url: str, query: str) -> object:
    with connect(url) as connection:
        row = connection.execute(query).fetchone()
        return row[0] if row else None


def wait_until_ended(pid: int) -> None:
    for _ in range(200):
        if not Path(f"/proc/{pid}/cmdline").exists() or not Path(f"/proc/{pid}/cmdline").read_bytes():
            return
        time.sleep(0.05)
    raise AssertionError(f"process {pid} still runs")


def test_is_created_started_again_and_stopped(folder: Path) -> None:
    cluster = make(folder)
    assert not cluster.status().created
    logins = cluster.ensure_running()
    assert str(ask(logins.owner_url, "SELECT postgis_full_version()")).startswith("POSTGIS=")
    pid = cluster.status().pid
    assert make(folder).ensure_running().owner_url == logins.owner_url
    assert cluster.status().pid == pid
    cluster.stop()
    assert not cluster.status().running
    assert not cluster.socket_dir.exists()
    cluster.stop()
    cluster.ensure_running()
    assert cluster.status().pid != pid


def test_the_last_user_stops_it(folder: Path) -> None:
    first, second = make(folder), make(folder)
    with first:
        second.ensure_running()
    assert first.status().running
    second.release()
    assert not first.status().running


def test_nobody_else_can_enter(shared: Cluster) -> None:
    for path in (shared.data_dir, shared.pgdata, shared.socket_dir):
        assert path.stat().st_mode & 0o077 == 0
    assert (shared.data_dir / "passwords.json").stat().st_mode & 0o177 == 0
    assert ask(shared.logins().admin_url, "SHOW listen_addresses") == ""
    wrong = shared.logins().reader_url.replace("cim_reader:", "cim_reader:x")
    with pytest.raises(psycopg.OperationalError, match="password"):
        connect(wrong)
    assert shared.logins().passwords["cim_reader"] not in repr(shared.logins())


@pytest.mark.slow
def test_loses_nothing_when_the_server_is_killed(folder: Path) -> None:
    cluster = Cluster(folder / "data")
    logins = cluster.ensure_running()
    with connect(logins.owner_url) as connection:
        connection.execute("CREATE TABLE public.kept AS SELECT generate_series(1, 1000) AS n")
    with connect(logins.owner_url):
        os.kill(cluster.status().pid or 0, signal.SIGKILL)
        logins = Cluster(folder / "data").ensure_running()
    assert ask(logins.owner_url, "SELECT count(*) FROM public.kept") == 1000


@pytest.mark.parametrize("stranger", [pytest.param("own account", marks=pytest.mark.slow), "this account"])
def test_a_pid_file_that_names_a_living_stranger(folder: Path, stranger: str) -> None:
    cluster = make(folder)
    cluster.ensure_running()
    pid = cluster.status().pid or 0
    os.kill(pid, signal.SIGKILL)
    wait_until_ended(pid)
    account = cluster.account if os.geteuid() == 0 and stranger == "own account" else None
    with subprocess.Popen(["/bin/sleep", "60"], user=account.uid if account else None) as sleeper:
        pid_file = cluster.pgdata / "postmaster.pid"
        pid_file.write_text(pid_file.read_text().replace(str(pid), str(sleeper.pid), 1))
        lock = cluster.socket_dir / ".s.PGSQL.5432.lock"
        lock.write_text(lock.read_text().replace(str(pid), str(sleeper.pid), 1))
        assert not cluster.status().running
        assert ask(cluster.ensure_running().reader_url, "SELECT 1") == 1
        assert sleeper.poll() is None
        sleeper.kill()


@pytest.mark.slow
def test_never_starts_beside_processes_of_a_killed_server(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cluster = make(folder)
    logins = cluster.ensure_running()
    with connect(logins.reader_url) as connection:
        pid, left_over = cluster.status().pid or 0, connection.info.backend_pid
        os.kill(left_over, signal.SIGSTOP)
        os.kill(pid, signal.SIGKILL)
        wait_until_ended(pid)
        pid_file = cluster.pgdata / "postmaster.pid"
        pid_file.write_text(pid_file.read_text().replace(str(pid), str(os.getpid()), 1))
        monkeypatch.setattr(cluster_module, "OLD_PROCESSES_LIMIT_S", 1)
        with pytest.raises(ClusterError, match="shared memory"):
            cluster.ensure_running()
        os.kill(left_over, signal.SIGCONT)
    monkeypatch.undo()
    assert ask(cluster.ensure_running().reader_url, "SELECT 1") == 1


@pytest.mark.slow
def test_a_cleaned_up_socket_folder_is_made_again(folder: Path) -> None:
    cluster = make(folder)
    cluster.ensure_running()
    shutil.rmtree(cluster.socket_dir)
    assert ask(make(folder).ensure_running().reader_url, "SELECT 1") == 1


@pytest.mark.slow
def test_an_interrupted_creation_is_begun_anew(folder: Path) -> None:
    cluster = make(folder)
    (cluster.data_dir / "postgres.new").mkdir(parents=True)
    (cluster.data_dir / "postgres.new" / "PG_VERSION").write_text("15")
    if os.geteuid() == 0:
        os.chown(cluster.data_dir, cluster.account.uid, cluster.account.gid)
    assert ask(cluster.ensure_running().reader_url, "SELECT 1") == 1


def start_one(data_dir: Path, answers: "multiprocessing.Queue[object]") -> None:
    cluster = Cluster(data_dir, durable=False)
    logins = cluster.ensure_running()
    answers.put((cluster.status().pid, ask(logins.writer_url, "SELECT 1")))
    answers.close()
    answers.join_thread()
    time.sleep(0.5)


def test_many_starters_at_once_make_one_cluster(folder: Path) -> None:
    context = multiprocessing.get_context("fork")
    answers: multiprocessing.Queue[object] = context.Queue()
    starters = [context.Process(target=start_one, args=(folder / "data", answers)) for _ in range(4)]
    for starter in starters:
        starter.start()
    seen = {answers.get(timeout=60) for _ in starters}
    for starter in starters:
        starter.join(10)
    assert seen == {(make(folder).status().pid, 1)}
    answers.close()
    answers.join_thread()


def test_a_socket_path_too_long_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CIM_SOCKET_DIR", "/tmp/" + "长" * 30)
    with pytest.raises(ClusterError, match=r"107.*CIM_SOCKET_DIR"):
        make(folder)


def test_the_longest_data_folder_still_works(folder: Path) -> None:
    assert len(str(make(folder, "城" * 80).socket_dir)) < 60


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a folder of somebody else")
def test_a_squatted_socket_folder_is_refused(folder: Path) -> None:
    cluster = make(folder)
    cluster.socket_dir.mkdir()
    os.chown(cluster.socket_dir, 65534, 65534)
    with pytest.raises(ClusterError, match="belongs to user id 65534"):
        cluster.ensure_running()
    cluster.socket_dir.rmdir()


def test_a_link_in_place_of_the_socket_folder_is_refused(folder: Path) -> None:
    cluster = make(folder)
    cluster.socket_dir.symlink_to(folder)
    with pytest.raises(ClusterError, match="not a folder"):
        cluster.ensure_running()
    cluster.socket_dir.unlink()


@pytest.mark.skipif(os.geteuid() != 0, reason="others run PostgreSQL as themselves")
def test_a_folder_the_account_cannot_reach_is_refused(folder: Path) -> None:
    closed = folder / "closed"
    closed.mkdir(mode=0o700)
    with pytest.raises(ClusterError, match="chmod o\\+x"):
        Cluster(closed / "data", durable=False).ensure_running()
    shutil.rmtree(closed)


def test_a_full_disk_is_refused_and_works_again(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cluster = make(folder)
    with monkeypatch.context() as full:
        full.setattr(shutil, "disk_usage", lambda _path: Usage(10**12, 10**12 - 10**8, 10**8))
        with pytest.raises(ClusterError, match="only 95 MB are free"):
            cluster.ensure_running()
        full.setenv("CIM_DISK_FLOOR_MB", "50")
        assert cluster_account.free_disk_problem(folder, cluster_account.disk_floor()) is None
        full.setenv("CIM_DISK_FLOOR_MB", "much")
        with pytest.raises(ClusterError, match="whole number"):
            cluster.ensure_running()
    assert not cluster.status().created
    assert cluster_account.free_disk_problem(folder / "not" / "yet", 1) is None


def test_without_postgis_it_says_what_to_install(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster_programs, "PROGRAMS_ROOT", folder)
    with pytest.raises(ClusterError, match="apt install postgresql"):
        make(folder).ensure_running()
    with pytest.raises(ClusterError, match="postgresql-9-postgis-3"):
        cluster_programs.find_programs("9")


def test_a_failed_start_tells_the_reason(folder: Path) -> None:
    cluster = make(folder)
    cluster.ensure_running()
    cluster.stop()
    (cluster.pgdata / "local.conf").write_text("shared_buffers = 'nonsense'\n")
    with pytest.raises(ClusterError, match="could not be started"):
        cluster.ensure_running()
    (cluster.pgdata / "local.conf").write_text("max_connections = 33\n")
    assert ask(cluster.ensure_running().admin_url, "SHOW max_connections") == "33"


def test_damaged_passwords_are_told(folder: Path) -> None:
    cluster = make(folder)
    cluster.ensure_running()
    cluster.stop()
    kept = (cluster.data_dir / "passwords.json").read_text()
    (cluster.data_dir / "passwords.json").write_text("{}")
    with pytest.raises(ClusterError, match="damaged"):
        cluster.ensure_running()
    (cluster.data_dir / "passwords.json").write_text(kept.replace('"cim_admin": "', '"cim_admin": "x'))
    with pytest.raises(ClusterError, match="password"):
        cluster.ensure_running()
    assert not cluster.status().running


def test_what_the_logins_can_and_cannot(shared: Cluster) -> None:
    logins = shared.logins()
    with connect(logins.owner_url) as owner:
        owner.execute("CREATE SCHEMA probe")
        owner.execute("CREATE TABLE probe.thing (n int)")
        owner.execute("DROP SCHEMA probe CASCADE")
    for url in (logins.reader_url, logins.writer_url):
        with connect(url) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("CREATE TABLE public.mine (n int)")
        with pytest.raises(psycopg.OperationalError, match="permission denied"):
            connect(url.replace("@/cim?", "@/postgres?"))
    with connect(logins.reader_url) as reader:
        for refused in ("CREATE TEMP TABLE mine (n int)", "SET ROLE cim_owner", "CREATE DATABASE mine"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                reader.execute(refused)
    for url in (logins.owner_url, logins.writer_url, logins.reader_url):
        assert ask(url, "SELECT rolsuper OR rolbypassrls OR rolcreaterole FROM pg_roles WHERE rolname = user") is False


def test_the_box_operator_is_leakproof_also_in_a_clone(shared: Cluster) -> None:
    logins = shared.logins()
    with logins.connect_admin("postgres") as admin:
        create_database(admin, "clone", template="cim")
        try:
            query = "SELECT proleakproof FROM pg_proc WHERE oid = 'geometry_overlaps(geometry,geometry)'::regprocedure"
            assert ask(logins.for_database("clone").owner_url, query) is True
            assert ask(logins.for_database("clone").reader_url, "SELECT current_database()") == "clone"
        finally:
            drop_database(admin, "clone")


def test_passwords_never_reach_the_log(shared: Cluster) -> None:
    text = "".join(path.read_text() for path in (shared.data_dir / "log").iterdir())
    assert text
    assert not any(password in text for password in shared.logins().passwords.values())
