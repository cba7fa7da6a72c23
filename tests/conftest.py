"""Real PostGIS for every test that needs it: one cluster a run, a migrated template, one clone a test."""

import fcntl
import json
import os
import shutil
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest
import structlog
from clones import Clones
from hypothesis import settings

from cim.garbage import collect_seldom
from cim.store.cluster import Cluster
from cim.store.cluster_logins import Logins
from cim.store.cluster_settings import memory_bytes
from cim.store.database import Database
from cim.store.deployment import DatabaseUrls
from cim.store.files import FileStore
from cim.store.migrating import migrate

settings.register_profile("shared machines", deadline=None)
settings.load_profile("shared machines")
structlog.configure(
    processors=[
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper("%H:%M:%S"),
        structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback),
    ]
)
"""Tracebacks without the values of variables: to write those of one failed request takes half a minute."""
MEMORY_DISK = Path("/dev/shm")
ROOMY_BYTES = 5 * 2**30
REAL_DATA = Path(__file__).resolve().parents[2] / "shared" / "real-data"


def folder_of_run(uid: str) -> Path:
    """Where a run keeps its clusters: in memory where the machine has plenty, as a clone takes a tenth of the time."""
    roomy = MEMORY_DISK.is_dir() and min(shutil.disk_usage(MEMORY_DISK).total, memory_bytes() // 2) > ROOMY_BYTES
    return (MEMORY_DISK if roomy else Path("/tmp")) / f"cimt-{uid[:10]}"


@pytest.fixture(scope="session")
def run_folder(request: pytest.FixtureRequest) -> Iterator[Path]:
    """A short folder shared by all processes of this test run, reachable by the postgres account."""
    folder = folder_of_run(os.environ.get("PYTEST_XDIST_TESTRUNUID") or uuid.uuid4().hex)
    folder.mkdir(mode=0o755, exist_ok=True)
    yield folder
    if not os.environ.get("PYTEST_XDIST_WORKER"):
        shutil.rmtree(folder, ignore_errors=True)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests in a browser come first: the first of several workers has them all, so that no two browsers compete."""
    items.sort(key=lambda item: "page" not in getattr(item, "fixturenames", ()))


def pytest_collection_finish() -> None:
    """As in the programs of the product: what is loaded is not looked through for garbage again and again."""
    collect_seldom()


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> Iterator[None]:
    """The controlling process removes the run's folder once every worker is done and has stopped its share."""
    yield
    workers = session.config.pluginmanager.get_plugin("dsession")
    if workers is not None and workers.nodemanager is not None:
        shutil.rmtree(folder_of_run(workers.nodemanager.testrunuid), ignore_errors=True)


def crashes(folder: Path) -> list[str]:
    """What the database servers of a run say of processes of theirs that died: the signal, and the statement run."""
    told = []
    for log in sorted(folder.glob("*/log/*.log")):
        lines = log.read_text(errors="replace").splitlines()
        for place, line in enumerate(lines):
            if "was terminated by signal" in line or "PANIC:" in line:
                told += [line, *(after[:400] for after in lines[place + 1 : place + 2] if "DETAIL" in after)]
    return told


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """A server that died beneath a test is told whatever became of the test, which may have been run again."""
    workers = config.pluginmanager.get_plugin("dsession")
    if workers is None or workers.nodemanager is None:
        return
    if told := crashes(folder_of_run(workers.nodemanager.testrunuid)):
        terminalreporter.section("database servers that died")
        terminalreporter.write_line("\n".join(told))


@pytest.fixture(scope="session")
def cluster_logins(run_folder: Path) -> Iterator[Logins]:
    """The run's private cluster with a migrated database ``cim`` to clone."""
    with Cluster(run_folder / "d", durable=False) as logins:
        with (run_folder / "migrate.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            migrate(logins.owner_url)
        yield logins


@pytest.fixture(scope="session")
def clones(cluster_logins: Logins, run_folder: Path) -> Iterator[Clones]:
    """Makes databases of their own for tests and modules."""
    made = Clones(cluster_logins, run_folder)
    yield made
    made.close()


@pytest.fixture
def logins(clones: Clones) -> Iterator[Logins]:
    """A database of the test's own."""
    with clones.made() as logins:
        yield logins


@pytest.fixture
def urls(logins: Logins) -> DatabaseUrls:
    """The three logins' addresses of the test's own database."""
    return DatabaseUrls(logins.owner_url, logins.writer_url, logins.reader_url)


@pytest.fixture
async def database(logins: Logins) -> AsyncIterator[Database]:
    """An open Database on the test's own database."""
    opened = Database(logins.reader_url, logins.writer_url, pool_size=4)
    yield opened
    await opened.close()


@pytest.fixture
def files(run_folder: Path) -> Iterator[FileStore]:
    """A folder for uploads and rasters."""
    root = run_folder / f"files-{uuid.uuid4().hex[:8]}"
    root.mkdir()
    yield FileStore(root)
    shutil.rmtree(root, ignore_errors=True)


@pytest.fixture
def real_data() -> Path:
    """The folder of real files; tests that need it skip, saying so, where it is absent."""
    if not REAL_DATA.is_dir():
        pytest.skip(f"real files are not here: {REAL_DATA.name} beside the checkout is absent")
    return REAL_DATA


Figures = Callable[..., None]
"""Takes the id of a goal and what was measured for it."""


@pytest.fixture
def figures(request: pytest.FixtureRequest, record_property: Callable[[str, object], None]) -> Figures:
    """Keeps what a test measured: as properties of the test, and as a line of JSON below ``CIM_FIGURES``."""

    def keep(goal: str, **measured: object) -> None:
        for name, value in measured.items():
            record_property(f"{goal} {name}", json.dumps(value, default=str))
        folder = os.environ.get("CIM_FIGURES")
        if folder:
            Path(folder).mkdir(parents=True, exist_ok=True)
            line = json.dumps({"id": goal, "test": request.node.name, **measured}, ensure_ascii=False, default=str)
            with (Path(folder) / "reliability.jsonl").open("a", encoding="utf-8") as file:
                file.write(line + "\n")

    return keep
