"""Files are handed in, looked into, imported, watched, cancelled and undone over the web; workers may die."""

import asyncio
import hashlib
import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from serving import Served

from cim.errors import BadRequest
from cim.store.deployment import DatabaseUrls
from cim.store.files import FileStore
from importers.sandbox import Isolation
from layers.catalog import Catalog
from web.receiving import main_name, safe_name
from web.worker import Worker

PROJECT = Path(__file__).parents[2]


def squares(count: int, side: float = 0.001) -> bytes:
    """A GeoJSON file of squares."""
    features = []
    for number in range(count):
        x, y = 103.9 + number % 300 * 0.001, 30.9 + number // 300 * 0.001
        ring = [[x, y], [x + side, y], [x + side, y + side], [x, y + side], [x, y]]
        features.append(
            {
                "type": "Feature",
                "properties": {"code": f"c{number}", "height_m": 1.5 * number},
                "geometry": {"type": "Polygon", "coordinates": [ring]},
            }
        )
    return json.dumps({"type": "FeatureCollection", "features": features}).encode()


@pytest.fixture
async def worker(served: Served, catalog: Catalog, files: FileStore, uploads_work: None) -> Worker:
    """A worker for what is queued; its sandbox needs a network namespace."""
    return Worker(served.database, catalog, files)


def parts_in(folder: Path) -> list[tuple[str, tuple[str, bytes]]]:
    """The files of a folder as form fields."""
    return [("file", (path.name, path.read_bytes())) for path in sorted(folder.glob("地块.*"))]


async def hand_in(client: httpx.AsyncClient, name: str, content: bytes, **fields: str) -> dict[str, Any]:
    answer = await client.post("/imports", files={"file": (name, content)}, data=fields)
    assert answer.status_code == 201, answer.text
    document: dict[str, Any] = answer.json()
    return document


async def test_a_file_is_inspected_imported_and_undone(served: Served, worker: Worker) -> None:
    content = squares(3, side=0.0007)
    upload = await hand_in(served.technician, "方块.geojson", content, sha256=hashlib.sha256(content).hexdigest())
    address = f"/imports/uploads/{upload['id']}"
    assert upload["status"] == "received"
    early = await served.technician.post(f"{address}/start", json={"layer": "squares"})
    assert early.status_code == 409
    await worker.run(wait=False)
    seen = (await served.technician.get(address)).json()
    assert seen["status"] == "inspected"
    assert seen["inspection"]["driver"] == "GeoJSON"
    assert seen["inspection"]["layers"][0]["feature_count"] == 3

    assert (await served.technician.post(f"{address}/start", json={"layer": "squares"})).status_code == 202
    await worker.run(wait=False)
    done = (await served.technician.get(address)).json()
    assert done["status"] == "done", done
    run = (await served.technician.get(f"/imports/{done['runs'][0]}")).json()
    assert (run["status"], run["version"], run["loaded"]) == ("published", 2, 3)
    assert run["author"] == upload["author"]

    back = await served.technician.post("/collections/squares/rollback", json={"version": 1})
    assert back.json()["status"] == "published"
    shapes = (await served.technician.get("/collections/squares/diff?from=2&to=3&f=geojson")).json()
    assert (shapes["added"], shapes["removed"]) == (3, 3)
    assert all(feature["geometry"]["type"] == "Polygon" for feature in shapes["features"])
    await served.state.live.refresh()
    found = (await served.technician.get("/collections/squares/items")).json()["features"]
    lineage = (await served.technician.get(f"/collections/squares/items/{found[0]['id']}/lineage")).json()["steps"]
    assert [step["origin"] for step in lineage] == ["rollback", "import"]
    gone = await served.technician.delete(address)
    assert gone.json()["status"] == "removed"
    assert (await served.technician.get(address)).status_code == 404


async def test_events_tell_the_way_of_an_upload(served: Served, worker: Worker) -> None:
    upload = await hand_in(served.technician, "a.geojson", squares(2))

    async def watch() -> list[str]:
        answer = await served.technician.get(f"/imports/uploads/{upload['id']}/events")
        return [json.loads(line[6:]).get("status", "") for line in answer.text.splitlines() if line.startswith("data:")]

    watching = asyncio.create_task(watch())
    await asyncio.sleep(0.5)
    await worker.run(wait=False)
    told = await asyncio.wait_for(watching, 30)
    assert told[0] == "received"
    assert told[-2:] == ["inspected", ""]


async def test_what_cannot_be_read_ends_with_the_reason(served: Served, worker: Worker) -> None:
    upload = await hand_in(served.technician, "plan.geojson", b"<OGRVRTDataSource/>")
    await worker.run(wait=False)
    seen = (await served.technician.get(f"/imports/uploads/{upload['id']}")).json()
    assert seen["status"] == "failed"
    assert "no format that can be read" in seen["message"]
    start = await served.technician.post(f"/imports/uploads/{upload['id']}/start", json={})
    assert start.status_code == 409


async def test_where_nothing_keeps_a_reader_from_the_network_no_upload_is_looked_into(
    served: Served, catalog: Catalog, files: FileStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importers.sandbox.network_isolation", lambda: Isolation(False, "no namespaces here"))
    monkeypatch.setattr("web.worker.require_safe_reading", lambda: None)
    upload = await hand_in(served.technician, "a.geojson", squares(1))
    await Worker(served.database, catalog, files).run(wait=False)
    seen = (await served.technician.get(f"/imports/uploads/{upload['id']}")).json()
    assert (seen["status"], seen.get("inspection")) == ("failed", None)
    assert "no namespaces here" in seen["message"]


async def test_uploads_are_refused_by_right_size_quota_and_checksum(served: Served) -> None:
    for client, status in ((served.anonymous, 401), (served.viewer, 403)):
        answer = await client.post("/imports", files={"file": ("a.geojson", b"{}")})
        assert answer.status_code == status
    settings = served.state.settings
    settings.upload_mb = 1
    too_large = await served.technician.post("/imports", files={"file": ("a.geojson", b" " * 2_000_000)})
    assert (too_large.status_code, too_large.json()["where"]) == (413, "file")
    settings.upload_mb, settings.upload_quota_mb = 10, 1
    over = await served.technician.post("/imports", files={"file": ("a.geojson", b" " * 2_000_000)})
    assert (over.status_code, over.json()["where"]) == (507, "quota")
    wrong = await served.technician.post("/imports", files={"file": ("a.geojson", b"{}")}, data={"sha256": "0" * 64})
    assert (wrong.status_code, wrong.json()["where"]) == (400, "sha256")
    nothing = await served.technician.post("/imports", files={"other": ("a.geojson", b"{}")})
    assert nothing.status_code == 400
    plain = await served.technician.post("/imports", content=b"{}")
    assert (plain.status_code, plain.json()["where"]) == (400, "Content-Type")
    assert not list(served.state.files.root.rglob("*.geojson"))


async def test_a_full_disk_is_said_and_leaves_nothing(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CIM_DISK_FLOOR_MB", str(10**9))
    answer = await served.technician.post("/imports", files={"file": ("a.geojson", squares(3))})
    assert answer.status_code == 507
    assert not [path for path in served.state.files.root.rglob("*") if path.is_file()]
    monkeypatch.delenv("CIM_DISK_FLOOR_MB")
    assert (await served.technician.post("/imports", files={"file": ("a.geojson", squares(3))})).status_code == 201


async def test_an_upload_is_its_authors_and_the_administrators(served: Served) -> None:
    upload = await hand_in(served.technician, "a.geojson", squares(1))
    address = f"/imports/uploads/{upload['id']}"
    assert (await served.administrator.get(address)).status_code == 200
    async with served.database.writing() as connection:
        await connection.execute(sa.text("UPDATE cim.upload SET author = 'another'"))
    for call in (served.technician.get, served.technician.delete):
        assert (await call(address)).status_code == 404
    assert (await served.technician.get("/imports/uploads")).json()["uploads"] == []


async def test_a_waiting_import_is_cancelled(served: Served, worker: Worker) -> None:
    upload = await hand_in(served.technician, "a.geojson", squares(2))
    await worker.run(wait=False)
    address = f"/imports/uploads/{upload['id']}"
    await served.technician.post(f"{address}/start", json={"layer": "squares"})
    cancelled = (await served.technician.delete(address)).json()
    assert cancelled["status"] == "cancelled"
    await worker.run(wait=False)
    assert (await served.technician.get("/collections/squares/versions")).json()["versions"][0]["version"] == 1


async def test_a_running_import_is_cancelled(served: Served, worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("web.worker.STATE_EVERY_S", 0.02)
    upload = await hand_in(served.technician, "many.geojson", squares(40_000))
    await worker.run(wait=False)
    address = f"/imports/uploads/{upload['id']}"
    await served.technician.post(f"{address}/start", json={"layer": "squares"})
    working = asyncio.create_task(worker.run(wait=False))
    for _ in range(400):
        seen = (await served.technician.get(address)).json()
        if seen["progress"].get("done"):
            break
        await asyncio.sleep(0.02)
    await served.technician.delete(address)
    await asyncio.wait_for(working, 60)
    seen = (await served.technician.get(address)).json()
    assert seen["status"] == "cancelled", seen
    async with served.database.writing() as connection:
        assert await connection.scalar(sa.text("SELECT version FROM cim.collection WHERE id = 'squares'")) == 1
        assert await connection.scalar(sa.text("SELECT count(*) FROM pg_tables WHERE schemaname = 'staging'")) == 0


async def test_the_parts_of_a_shapefile_come_together(served: Served, worker: Worker, tmp_path: Path) -> None:
    import geopandas
    from shapely.geometry import box

    frame = geopandas.GeoDataFrame({"code": ["a"]}, geometry=[box(103.9, 30.9, 103.91, 30.91)], crs=4490)
    frame.to_file(tmp_path / "地块.shp", encoding="UTF-8")
    parts = parts_in(tmp_path)
    answer = await served.technician.post("/imports", files=parts)
    assert answer.status_code == 201
    await worker.run(wait=False)
    seen = (await served.technician.get(f"/imports/uploads/{answer.json()['id']}")).json()
    assert seen["inspection"]["driver"] == "ESRI Shapefile", seen


@pytest.mark.slow
async def test_an_import_goes_on_after_its_worker_was_killed(
    served: Served, worker: Worker, urls: DatabaseUrls, files: FileStore
) -> None:
    upload = await hand_in(served.technician, "many.geojson", squares(60_000))
    await worker.run(wait=False)
    address = f"/imports/uploads/{upload['id']}"
    await served.technician.post(f"{address}/start", json={"layer": "many"})
    script = (
        "import sys, asyncio; from pathlib import Path; from cim.store.database import Database;"
        "from cim.store.files import FileStore; from layers.catalog import load_catalog; from web.worker import Worker;"
        "r, w, f = sys.argv[1:];"
        "asyncio.run(Worker(Database(r, w), load_catalog(), FileStore(Path(f))).run(wait=False))"
    )
    command = [sys.executable, "-c", script, urls.reader_url, urls.writer_url, str(files.root)]
    process = await asyncio.create_subprocess_exec(*command, cwd=PROJECT, stderr=subprocess.DEVNULL)
    for _ in range(1000):
        seen = (await served.technician.get(address)).json()
        if seen["progress"].get("done", 0) > 20_000:
            break
        await asyncio.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    await process.wait()
    assert (await served.technician.get(address)).json()["status"] == "running"
    async with served.database.writing() as connection:
        await connection.execute(
            sa.text("UPDATE jobs.procrastinate_workers SET last_heartbeat = now() - interval '1 hour'")
        )
    await worker.run(wait=False)
    seen = (await served.technician.get(address)).json()
    assert seen["status"] == "done", seen
    run = (await served.technician.get(f"/imports/{seen['runs'][0]}")).json()
    assert (run["loaded"], run["version"]) == (60_000, 1)


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\data\\地块.shp", "地块.shp"),
        ("..", None),
        (".ssh", "ssh"),
        ("a\x00b\u202egpj.shp", "abgpj.shp"),
        ("x" * 300, None),
        ("", None),
    ],
)
def test_file_names_lose_what_is_dangerous(given: str, kept: str | None) -> None:
    if kept is None:
        with pytest.raises(BadRequest, match="usable name"):
            safe_name(given)
    else:
        assert safe_name(given) == kept


def test_only_the_parts_of_one_shapefile_are_several_files() -> None:
    assert main_name(["a.dbf", "a.shp", "a.shx"]) == "a.shp"
    for names in ([], ["a.shp", "b.shp"], ["a.shp", "b.dbf"], ["a.geojson", "a.csv"]):
        with pytest.raises(BadRequest, match="file"):
            main_name(names)
