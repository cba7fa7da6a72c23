"""Two workers import into one layer at the same moment: one version after another, never a mixture, never a hole."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
import sqlalchemy as sa
from serving import Served

from cim.store.database import Database
from cim.store.deployment import DatabaseUrls
from cim.store.files import FileStore
from layers.catalog import Catalog
from web.worker import Worker

ROWS = 400
RUNS = sa.text("SELECT status, version, message FROM cim.import_run WHERE id = ANY(:runs) ORDER BY id")
TOGETHER = sa.text(
    "SELECT max(started_at) < min(finished_at) FROM cim.import_run WHERE id = ANY(:runs) AND finished_at IS NOT NULL"
)


def lots(height: float) -> bytes:
    """A delivery whose every feature has the same height."""
    features = []
    for number in range(ROWS):
        x, y = 103.9 + number % 20 * 0.001, 30.9 + number // 20 * 0.001
        ring = [[x, y], [x + 0.0007, y], [x + 0.0007, y + 0.0007], [x, y + 0.0007], [x, y]]
        properties = {"code": f"c{number}", "height_m": height}
        geometry = {"type": "Polygon", "coordinates": [ring]}
        features.append({"type": "Feature", "properties": properties, "geometry": geometry})
    return json.dumps({"type": "FeatureCollection", "features": features}).encode()


@pytest.fixture
async def workers(
    served: Served, urls: DatabaseUrls, catalog: Catalog, files: FileStore, uploads_work: None
) -> AsyncIterator[tuple[Worker, Worker]]:
    """Two workers, each with connections of its own."""
    databases = [Database(urls.reader_url, urls.writer_url, pool_size=4) for _ in range(2)]
    yield Worker(databases[0], catalog, files), Worker(databases[1], catalog, files)
    for database in databases:
        await database.close()


async def work(workers: tuple[Worker, Worker]) -> None:
    """Both work what is queued."""
    async with asyncio.timeout(60):
        await asyncio.gather(*(worker.run(wait=False) for worker in workers))


async def race(
    served: Served, workers: tuple[Worker, Worker], layer: str, deliveries: tuple[bytes, bytes]
) -> tuple[list[dict[str, Any]], bool]:
    """Hand two deliveries in, start both, and return their runs, and whether they were under way together."""
    addresses = []
    for content in deliveries:
        answer = await served.technician.post("/imports", files={"file": ("lots.geojson", content)})
        addresses.append(f"/imports/uploads/{answer.json()['id']}")
    await work(workers)
    options = {"layer": layer, "key": "code"}
    started = await asyncio.gather(*(served.technician.post(f"{a}/start", json=options) for a in addresses))
    assert [answer.status_code for answer in started] == [202, 202]
    await work(workers)
    runs = []
    for address in addresses:
        upload = (await served.technician.get(address)).json()
        assert upload["status"] in {"done", "failed"}, upload
        runs += upload["runs"]
    assert len(runs) == 2
    async with served.database.writing() as connection:
        found = await connection.execute(RUNS, {"runs": runs})
        together = await connection.scalar(TOGETHER, {"runs": runs})
        return [dict(row) for row in found.mappings()], bool(together)


async def versions(served: Served, layer: str) -> list[int]:
    async with served.database.writing() as connection:
        query = sa.text("SELECT number FROM cim.version WHERE layer = :layer ORDER BY number")
        return list((await connection.execute(query, {"layer": layer})).scalars())


async def heights(served: Served, layer: str) -> tuple[int, set[float]]:
    async with served.database.writing() as connection:
        rows = await connection.execute(sa.text(f"SELECT height_m::float8 FROM city.{layer}"))
        found = list(rows.scalars())
    return len(found), set(found)


@pytest.mark.parametrize(
    "races",
    [
        pytest.param(3, marks=pytest.mark.timeout(180)),
        pytest.param(20, marks=[pytest.mark.slow, pytest.mark.timeout(600)]),
    ],
)
async def test_of_two_equal_imports_one_publishes(
    served: Served, workers: tuple[Worker, Worker], figures: Callable[..., None], races: int
) -> None:
    """Goal F12. Every fourth race is for the first version of a new layer."""
    numbers: Counter[str] = Counter()
    outcomes: Counter[str] = Counter()
    met = 0
    for number in range(races):
        layer = f"lots_{number // 4}"
        delivery = lots(float(number))
        runs, together = await race(served, workers, layer, (delivery, delivery))
        numbers[layer] += 1
        met += together
        published = [run for run in runs if run["status"] == "published"]
        (other,) = [run for run in runs if run not in published]
        assert [run["version"] for run in published] == [numbers[layer]]
        assert other["status"] == "unchanged" or "another change of the same data" in other["message"], other
        outcomes[other["status"]] += 1
        assert await versions(served, layer) == list(range(1, numbers[layer] + 1))
        assert await heights(served, layer) == (ROWS, {float(number)})
    figures("F12", races=races, together=met, losers=outcomes)
    assert met >= races // 2


async def test_of_two_different_imports_one_is_whole_on_top(served: Served, workers: tuple[Worker, Worker]) -> None:
    runs, _ = await race(served, workers, "lots", (lots(1.0), lots(2.0)))
    made = sorted(run["version"] for run in runs if run["status"] == "published")
    assert made == list(range(1, len(made) + 1))
    assert await versions(served, "lots") == made
    count, found = await heights(served, "lots")
    assert count == ROWS
    assert len(found) == 1
