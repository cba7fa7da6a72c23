"""Readers of a layer that is being republished see whole versions only, and do not wait."""

import asyncio
import itertools
import random
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import httpx
import mapbox_vector_tile
import numpy as np
import psycopg
import pytest
import sqlalchemy as sa
from publishing import publish_grid, schema
from serving import Served

from cim.model.access import Grade, ReadContext
from cim.model.collection import CollectionSchema, Field
from cim.store.cluster_logins import Logins

ZOOM = 14
READERS = 4
READS_A_SECOND = 50
SAMPLE_S = 0.005
SETTLE_S = 1.0
SWAP_LIMIT_S = 0.2
LOCK_WAIT = """SELECT coalesce(max(extract(epoch FROM clock_timestamp() - l.waitstart)), 0)
    FROM pg_locks l JOIN pg_stat_activity a USING (pid)
    WHERE NOT l.granted AND a.usename = 'cim_reader' AND a.datname = current_database()"""


@dataclass
class Seen:
    """What the readers met."""

    mixed: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    versions: set[int] = field(default_factory=set)
    seconds: list[float] = field(default_factory=list)
    lock_wait_s: float = 0.0


class Readers:
    """Reads tiles, pages and single features of ``grid`` at a steady rate until told to stop."""

    def __init__(self, served: Served, count: int) -> None:
        self.seen = Seen()
        self.stopped = asyncio.Event()
        self._client = served.anonymous
        self._count = count
        self._random = random.Random(5)

    async def read(self) -> None:
        pause = READERS / READS_A_SECOND
        for kind in itertools.cycle((self._tile, self._page, self._box, self._feature)):
            if self.stopped.is_set():
                return
            address, look = kind()
            began = time.monotonic()
            answer = await self._client.get(address)
            took = time.monotonic() - began
            self.seen.seconds.append(took)
            if answer.status_code not in (200, 204):
                self.seen.failed.append(f"{answer.status_code} {address}: {answer.text[:200]}")
            elif answer.status_code == 200:
                look(answer)
            await asyncio.sleep(max(0.0, pause - took))

    def _tile(self) -> tuple[str, Callable[[httpx.Response], None]]:
        x, y = tile_at(103.8 + self._random.random() * 0.25, 30.9 + self._random.random() * self._count / 1e6)
        return f"/tiles/grid/{ZOOM}/{x}/{y}.mvt", self._look_at_tile

    def _page(self) -> tuple[str, Callable[[httpx.Response], None]]:
        return f"/collections/grid/items?limit=100&after={self._random.randrange(self._count // 2)}", self._look_at_page

    def _box(self) -> tuple[str, Callable[[httpx.Response], None]]:
        west, south = 103.8 + self._random.random() * 0.2, 30.9 + self._random.random() * self._count / 1e6 * 0.5
        box = f"{west:.5f},{south:.5f},{west + 0.01:.5f},{south + 0.01:.5f}"
        return f"/collections/grid/items?limit=1000&bbox={box}", self._look_at_box

    def _feature(self) -> tuple[str, Callable[[httpx.Response], None]]:
        number = 99 + 100 * self._random.randrange(self._count // 100)
        return f"/collections/grid/items/{number}", self._look_at_feature

    def _note(self, what: str, versions: set[float]) -> int:
        if len(versions) > 1:
            self.seen.mixed.append(f"{what}: features of versions {versions}")
        self.seen.versions |= {int(version) for version in versions}
        return int(max(versions, default=0))

    def _look_at_tile(self, answer: httpx.Response) -> None:
        layer = mapbox_vector_tile.decode(answer.content)["grid"]
        self._note("tile", {feature["properties"]["height_m"] for feature in layer["features"]})

    def _look_at_page(self, answer: httpx.Response) -> None:
        document = answer.json()
        version = self._note("page", {feature["properties"]["height_m"] for feature in document["features"]})
        if version and document["numberMatched"] != held(self._count, version):
            self.seen.mixed.append(f"page: features of version {version}, but {document['numberMatched']} in all")
        told = int(re.sub(r"\D", "", answer.headers["etag"]))
        if version and told != version:
            self.seen.mixed.append(f"page: features of version {version} under the mark of {told}")

    def _look_at_box(self, answer: httpx.Response) -> None:
        document = answer.json()
        self._note("box", {feature["properties"]["height_m"] for feature in document["features"]})
        if document["numberReturned"] < 1000 and document["numberMatched"] != document["numberReturned"]:
            self.seen.mixed.append(f"box: {document['numberReturned']} of {document['numberMatched']} given")

    def _look_at_feature(self, answer: httpx.Response) -> None:
        self._note("feature", {answer.json()["properties"]["height_m"]})


def tile_at(lon: float, lat: float) -> tuple[int, int]:
    """The tile of ``ZOOM`` that holds a place."""
    y = (1 - np.arcsinh(np.tan(np.radians(lat))) / np.pi) / 2
    return int((lon + 180) / 360 * 2**ZOOM), int(y * 2**ZOOM)


def held(count: int, version: int) -> int:
    """How many features a version has: each lacks a hundredth more than the one before."""
    return count - sum(1 for n in range(1, count + 1) if n % 100 < version)


async def sample_locks(logins: Logins, seen: Seen, stopped: asyncio.Event) -> None:
    """Watch how long reading sessions wait for locks."""
    async with await psycopg.AsyncConnection.connect(psycopg_url(logins), autocommit=True) as admin:
        while not stopped.is_set():
            row = await (await admin.execute(LOCK_WAIT.encode())).fetchone()
            seen.lock_wait_s = max(seen.lock_wait_s, float(row[0]) if row else 0.0)
            await asyncio.sleep(SAMPLE_S)


def psycopg_url(logins: Logins) -> str:
    return logins.admin_url.replace("postgresql+psycopg", "postgresql")


def grid(*more: str) -> CollectionSchema:
    """The layer, with further fields."""
    plain = schema("grid")
    fields = (*plain.fields, *(Field(name, "text") for name in more))
    return CollectionSchema("grid", "Polygon", 4490, fields, "code")


async def republish(served: Served, logins: Logins, count: int, times: int, *, wider: bool = False) -> Seen:
    """Publish a layer anew several times under readers; every feature carries its version."""
    await publish_grid(served.database, count, height="1", where="n % 100 >= 1", layer=grid())
    await served.state.live.refresh()
    readers = Readers(served, count)
    tasks = [asyncio.create_task(readers.read()) for _ in range(READERS)]
    tasks.append(asyncio.create_task(sample_locks(logins, readers.seen, readers.stopped)))
    try:
        for version in range(2, times + 2):
            more = [f"note_{version}"] if wider else []
            made = await publish_grid(
                served.database, count, height=str(version), where=f"n % 100 >= {version}", layer=grid(*more)
            )
            assert made is not None
            assert made.number == version
        await asyncio.wait(tasks, timeout=SETTLE_S, return_when=asyncio.FIRST_EXCEPTION)
    finally:
        readers.stopped.set()
        await asyncio.gather(*tasks)
    return readers.seen


def keep(figures: Callable[..., None], rows: int, times: int, seen: Seen) -> None:
    figures(
        "D1",
        rows=rows,
        republished=times,
        reads=len(seen.seconds),
        mixed=len(seen.mixed),
        errors=len(seen.failed),
        lock_wait_ms=round(seen.lock_wait_s * 1000, 1),
        p95_ms=round(float(np.percentile(seen.seconds, 95)) * 1000, 1),
        slowest_ms=round(max(seen.seconds) * 1000, 1),
    )


@pytest.mark.parametrize(
    ("rows", "times"),
    [(5_000, 2), pytest.param(250_000, 20, marks=[pytest.mark.slow, pytest.mark.timeout(1500)])],
)
async def test_every_answer_is_wholly_of_one_version(
    served: Served, logins: Logins, figures: Callable[..., None], rows: int, times: int
) -> None:
    """Goal D1."""
    seen = await republish(served, logins, rows, times)
    keep(figures, rows, times, seen)
    assert seen.failed == []
    assert seen.mixed == []
    assert seen.versions <= set(range(1, times + 2))
    assert {1, times + 1} <= seen.versions
    assert seen.lock_wait_s <= SWAP_LIMIT_S


async def test_a_page_is_marked_and_counted_as_what_it_holds(served: Served) -> None:
    """Even when the server has not yet heard of the version it reads."""
    await publish_grid(served.database, 200, height="1", layer=grid())
    await served.state.live.stop()
    await served.state.live.refresh()
    await publish_grid(served.database, 150, height="2", layer=grid())
    assert served.state.live.collections["grid"].version == 1
    answer = await served.anonymous.get("/collections/grid/items?limit=100")
    assert {feature["properties"]["height_m"] for feature in answer.json()["features"]} == {2}
    assert answer.json()["numberMatched"] == 150
    assert answer.headers["etag"] == 'W/"2"'


async def test_a_reading_transaction_sees_one_version(served: Served) -> None:
    """However long it takes, and whatever is published meanwhile."""
    await publish_grid(served.database, 20, height="1", layer=grid())
    count = sa.text("SELECT count(*) FROM city.grid")
    async with served.database.reading(ReadContext(((Grade.PUBLIC, None),))) as connection:
        assert await connection.scalar(count) == 20
        await publish_grid(served.database, 10, height="2", layer=grid())
        assert await connection.scalar(count) == 20
    async with served.database.reading(ReadContext(((Grade.PUBLIC, None),))) as connection:
        assert await connection.scalar(count) == 10
