"""cim up as it runs: several processes as one server, killed ones replaced, nginx in front."""

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import httpx
import morecantile
import pytest
import sqlalchemy as sa
from publishing import publish_rows, schema, square
from running_up import Server, children, running_up

from cim.model.access import Grade
from cim.store import identities
from cim.store.collections import set_grade
from cim.store.database import Database
from cim.store.deployment import DatabaseUrls
from web.cli.proxying import nginx_settings

GRID = morecantile.tms.get("WebMercatorQuad")
PLACE = (103.9605, 30.9805)
GRADED = "密级内容甲乙丙丁"
pytestmark = pytest.mark.timeout(300)
needs_nginx = pytest.mark.skipif(
    not any(Path(folder, "nginx").exists() for folder in ("/usr/sbin", "/usr/local/sbin", "/usr/bin")),
    reason="nginx is not installed",
)


def tile(layer: str = "squares", z: int = 15) -> str:
    found = GRID.tile(*PLACE, z)
    return f"/tiles/{layer}/{found.z}/{found.x}/{found.y}.mvt"


@contextlib.asynccontextmanager
async def served(urls: DatabaseUrls, folder: Path, *options: str) -> AsyncIterator[Server]:
    environment = {
        "CIM_DATABASE_URL": urls.owner_url,
        "CIM_DATABASE_URL_WRITER": urls.writer_url,
        "CIM_DATABASE_URL_READER": urls.reader_url,
    }
    async with running_up(folder, *options, **environment) as server:
        yield server


@pytest.fixture
def folder(run_folder: Path, request: pytest.FixtureRequest) -> Path:
    place = run_folder / f"up{abs(hash(request.node.name)) % 10**6}"
    place.mkdir(mode=0o777)
    place.chmod(0o777)
    return place


async def edit(database: Database, code: str) -> None:
    async with database.writing() as connection:
        await connection.execute(sa.text("UPDATE city.squares SET code = :code"), {"code": code})


@pytest.mark.slow
async def test_two_processes_are_one_server(
    database: Database, urls: DatabaseUrls, folder: Path, figures: Callable[..., None]
) -> None:
    await publish_rows(database, [("one", 1.0, square(103.96, 30.98))])
    async with database.writing() as connection:
        _, secret = await identities.create_key(connection, "administrator")
    async with served(urls, folder) as server:
        assert len(server.web_processes()) == 2
        for _ in range(12):
            assert (await server.get(tile())).status_code == 200
        await asyncio.sleep(3)
        counts = {await counted(server, secret) for _ in range(8)}
        assert counts == {12.0}

        seconds = await edits_seen(server, database, 12)
        figures("L-visible", seconds=sorted(seconds))
        assert sorted(seconds)[-2] < 2

        first = server.web_processes()[0]
        began = time.monotonic()
        os.kill(first, signal.SIGKILL)
        answers = await asyncio.gather(*(server.get(tile()) for _ in range(20)), return_exceptions=True)
        lost = [one for one in answers if not isinstance(one, httpx.Response) or one.status_code != 200]
        assert len(lost) <= 16
        while len(server.web_processes()) < 2:
            await asyncio.sleep(0.05)
            assert time.monotonic() - began < 5
        assert first not in server.web_processes()
        assert {await counted(server, secret) for _ in range(6)} != set()
        began = time.monotonic()
        os.kill(server.process.pid, signal.SIGTERM)
        assert await asyncio.to_thread(server.process.wait, 30) == 0
        figures("F3", stop_s=time.monotonic() - began)
    assert not [pid for pid in children(1) if pid in server.web_processes()]


async def counted(server: Server, secret: str) -> float:
    text = (await server.get("/metrics", Authorization=f"Bearer {secret}")).text
    lines = [line for line in text.splitlines() if line.startswith('cim_requests_total{kind="tile",status="200"}')]
    return float(lines[0].split()[-1]) if lines else 0.0


async def edits_seen(server: Server, database: Database, edits: int) -> list[float]:
    """Seconds from committing an edit until two connections to each process in turn have shown it."""
    seconds = []
    for number in range(edits):
        code = f"edit{number}"
        await edit(database, code)
        began = time.monotonic()
        while not all([code.encode() in (await server.get(tile())).content for _ in range(4)]):
            assert time.monotonic() - began < 10
        seconds.append(time.monotonic() - began)
    return seconds


@pytest.mark.slow
async def test_a_locked_layer_and_clients_that_leave(database: Database, urls: DatabaseUrls, folder: Path) -> None:
    await publish_rows(database, [("one", 1.0, square(103.96, 30.98))])
    await publish_rows(database, [("one", 1.0, square(103.96, 30.98))], layer=schema("others"))
    waiting = sa.text(
        "SELECT count(*) FROM pg_stat_activity WHERE usename = 'cim_reader' AND state = 'active'"
        " AND datname = current_database() AND wait_event_type = 'Lock'"
    )
    async with served(urls, folder, "--processes", "1") as server, database.writer.connect() as watching:
        async with database.writer.begin() as holder:
            await holder.execute(sa.text("LOCK TABLE history.squares IN ACCESS EXCLUSIVE MODE"))
            began = time.monotonic()
            locked = await server.get(tile())
            assert locked.status_code == 503
            assert locked.headers["retry-after"]
            assert time.monotonic() - began < 5
            many = [asyncio.create_task(server.get(tile(z=z))) for z in range(5, 19)]
            await asyncio.sleep(0.3)
            began = time.monotonic()
            assert (await server.get(tile("others"))).status_code == 200
            assert (await server.get("/readyz")).status_code == 200
            assert time.monotonic() - began < 2
            for one in many:
                one.cancel()
            await asyncio.gather(*many, return_exceptions=True)
            await asyncio.sleep(0.5)
            assert await watching.scalar(waiting) == 0
        assert (await server.get(tile())).status_code == 200


@pytest.mark.slow
@needs_nginx
async def test_the_proxy_keeps_what_is_open_and_nothing_else(
    database: Database, urls: DatabaseUrls, folder: Path
) -> None:
    await publish_rows(database, [("open", 1.0, square(103.96, 30.98))])
    await publish_rows(database, [(GRADED, 1.0, square(103.96, 30.98))], layer=schema("hidden"), grade=Grade.RESTRICTED)
    async with database.writing() as connection:
        _, secret = await identities.create_key(connection, "technician")
    key = {"Authorization": f"Bearer {secret}", "Accept-Encoding": "identity"}
    cache = folder / "d" / "proxy" / "cache"
    async with served(urls, folder, "--proxy") as server:
        for path in (tile() + "?v=1", tile("hidden") + "?v=1", tile("hidden"), tile("squares,hidden"), tile()):
            for _ in range(2):
                assert (await server.get(path, **key)).status_code == 200
                cookie = {"Cookie": "a=b", "Accept-Encoding": "identity"}
                assert (await server.get(path, **cookie)).status_code == (404 if "hidden" in path else 200)
        assert kept(cache) == []

        first = await server.get(tile() + "?v=1")
        again = await server.get(tile() + "?v=1")
        assert first.headers["x-request-id"] == again.headers["x-request-id"]
        assert "x-accel-expires" not in first.headers
        assert (await server.get(tile() + "?v=1&x=1")).headers["cache-control"] == "public, no-cache"
        plain = await server.get(tile() + "?v=1", **{"Accept-Encoding": "identity"})
        assert plain.content == first.content
        assert "content-encoding" not in plain.headers
        assert len(kept(cache)) == 2
        assert not any(GRADED.encode() in path.read_bytes() for path in kept(cache))

        described = (await server.get("/tiles/squares.json")).json()
        assert described["tiles"] == [f"http://127.0.0.1:{server.port}/tiles/squares/{{z}}/{{x}}/{{y}}.mvt?v=1"]

        seconds = await edits_seen(server, database, 5)
        assert max(seconds) < 2

        async with database.writing() as connection:
            await set_grade(connection, "squares", Grade.RESTRICTED)
        began = time.monotonic()
        while (await server.get(tile() + "?v=1")).status_code != 404:
            assert time.monotonic() - began < 10
            await asyncio.sleep(0.2)
        await asyncio.sleep(max(0.0, 10 - (time.monotonic() - began)))
        assert kept(cache) == []


def kept(cache: Path) -> list[Path]:
    return [path for path in cache.rglob("*") if path.is_file()]


@needs_nginx
@pytest.mark.slow
async def test_slow_clients_are_cut_at_the_proxy(database: Database, urls: DatabaseUrls, folder: Path) -> None:
    await publish_rows(database, [("open", 1.0, square(103.96, 30.98))])
    async with served(urls, folder, "--proxy") as server:
        slow = []
        for _ in range(100):
            reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
            writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n")
            slow.append((reader, writer))
        began = time.monotonic()
        good = [await server.get(tile()) for _ in range(20)]
        assert {one.status_code for one in good} == {200}
        assert (time.monotonic() - began) / 20 < 0.5
        reads = asyncio.gather(*(reader.read() for reader, _ in slow), return_exceptions=True)
        ends = await asyncio.wait_for(reads, 30)
        assert all(end == b"" or isinstance(end, ConnectionResetError) or b" 408 " in end for end in ends), ends
        for _, writer in slow:
            writer.close()


def test_the_proxy_says_what_it_lacks(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("web.cli.proxying.shutil.which", lambda *_, **__: None)
    from typer.testing import CliRunner

    from web.cli.main import app

    answer = CliRunner().invoke(app, ["up", "--proxy", "--data", str(tmp_path)])
    assert "apt-get install nginx-light" in str(answer.exception)
    with pytest.raises(Exception, match="without blanks"):
        nginx_settings(Path("/tmp/a b"), "127.0.0.1", 80, [], 1)
