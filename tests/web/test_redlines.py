"""Red lines over the web: read with areas, their owner's alone, refused naming parcel and point, leaving nothing."""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from serving import Served

from cim.store.files import FileStore
from importers.redline_reading import read_red_line
from layers.catalog import Catalog
from web.worker import Worker

HEAD = """[属性描述]
坐标系=2000国家大地坐标系
几度分带=3
投影类型=高斯克吕格
计量单位=米
带号={zone}
精度=0.001
转换参数=,,,,,,
[地块坐标]
"""
GOOD = [(3430000, 35400000), (3430100, 35400000), (3430100, 35400100), (3430000, 35400100), (3430000, 35400000)]
Sent = Callable[..., Awaitable[httpx.Response]]


def parcel(corners: list[tuple[float, float]], number: str = "7") -> str:
    lines = [f"{len(corners)},1.0000,{number},一号地块,面,,工业用地,,@"]
    lines += [f"J{place},1,{north:.3f},{east:.3f}" for place, (north, east) in enumerate(corners, 1)]
    return "\n".join(lines) + "\n"


def text(*parcels: str, zone: int = 35) -> bytes:
    return (HEAD.format(zone=zone) + "".join(parcels)).encode("gbk")


def ring(*points: tuple[float, float]) -> dict[str, Any]:
    return {"type": "Polygon", "coordinates": [[list(point) for point in points]]}


def feature(shape: dict[str, Any], number: str) -> dict[str, Any]:
    return {"type": "Feature", "properties": {"parcel_no": number}, "geometry": shape}


def box(west: float, south: float, side: float = 0.001) -> dict[str, Any]:
    east, north = west + side, south + side
    return ring((west, south), (east, south), (east, north), (west, north), (west, south))


@pytest.fixture
def sent(served: Served, catalog: Catalog, files: FileStore, uploads_work: None) -> Sent:
    """Hands a file in and has a worker read it."""

    async def send(name: str, content: bytes, query: str = "", **headers: str) -> httpx.Response:
        worker = Worker(served.database, catalog, files)
        call = served.viewer.post(f"/redlines{query}", files={"file": (name, content)}, headers=headers)
        task = asyncio.create_task(call)
        while not task.done():
            if await queued(served):
                await worker.run(wait=False)
            await asyncio.sleep(0.05)
        return task.result()

    return send


async def queued(served: Served) -> bool:
    """Whether a reading waits for a worker."""
    async with served.database.writing() as connection:
        return bool(await connection.scalar(sa.text("SELECT EXISTS (SELECT FROM jobs.procrastinate_jobs)")))


async def kept(served: Served) -> tuple[int, int, list[str]]:
    """Rows of red lines and of jobs, and files that were handed in."""
    async with served.database.writing() as connection:
        rows = [await connection.scalar(sa.text(f"SELECT count(*) FROM cim.{n}")) for n in ("redline", "analysis_job")]
    left = [path.name for path in served.state.files.root.rglob("*") if path.is_file()]
    return int(rows[0] or 0), int(rows[1] or 0), left


async def test_a_text_is_read_with_its_system_and_areas(served: Served, sent: Sent) -> None:
    answer = await sent("红线.txt", text(parcel(GOOD)))
    assert answer.status_code == 201, answer.text
    document = answer.json()
    assert answer.headers["location"].endswith(f"/redlines/{document['id']}")
    assert document["crs"] == "EPSG:4523"
    (first,) = document["parcels"]
    assert (first["number"], first["name"], first["declared_m2"]) == ("7", "一号地块", 10_000.0)
    assert first["area_m2"] == pytest.approx(10_000, rel=1e-3)
    assert document["area_m2"] == first["area_m2"]
    shape = document["geojson"]["features"][0]["geometry"]
    assert shape["coordinates"][0][0] == pytest.approx([103.95, 30.99], abs=0.1)
    assert await kept(served) == (1, 0, [])
    told = await served.viewer.get(f"/redlines/{document['id']}", headers={"Accept-Language": "zh"})
    assert "带号 35" in told.json()["crs_evidence"]


async def test_a_red_line_is_its_authors_alone(served: Served) -> None:
    answer = await served.viewer.post("/redlines", json=box(103.95, 30.98))
    address = f"/redlines/{answer.json()['id']}"
    assert (await served.viewer.get(address)).status_code == 200
    for client in (served.technician, served.administrator):
        assert (await client.get(address)).status_code == 404
        assert (await client.delete(address)).status_code == 404
        body = {"inputs": {"area": answer.json()["id"]}}
        assert (await client.post("/processes/compliance-review/execution", json=body)).status_code == 404
    for call in (served.anonymous.get, served.anonymous.delete):
        assert (await call(address)).status_code == 401
    assert (await served.anonymous.post("/redlines", json=box(103.95, 30.98))).status_code == 401
    assert (await served.viewer.delete(address)).status_code == 204
    assert (await served.viewer.get(address)).status_code == 404


CROSSING = [GOOD[0], GOOD[2], GOOD[1], GOOD[3], GOOD[0]]
SHIFTED = [(north + 50, east + 50) for north, east in GOOD]
FILES = {
    "open ring": ("a.txt", text(parcel(GOOD[:4])), "parcel 7", ("open", "3430000.000", "35400100.000")),
    "crossing ring": ("a.txt", text(parcel(CROSSING)), "parcel 7", ("boundary is not valid", "35400050")),
    "overlap": (
        "a.txt",
        text(parcel(GOOD), parcel(SHIFTED, "8")),
        "parcel 7",
        ("overlaps parcel 8", "2499.38 m2", "X=3430075.000"),
    ),
    "zone against header": ("a.txt", text(parcel(GOOD), zone=34), "a", ("zone 34", "35400000")),
    "swapped axes": ("a.txt", text(parcel([(e, n) for n, e in GOOD])), "a", ("zone 35",)),
    "empty file": ("a.txt", b"", "a.txt", ("empty",)),
    "no parcel": ("a.txt", text(), "a.txt", ("no parcel",)),
    "not a number": ("a.txt", text(parcel(GOOD).replace("3430100.000", "north")), "a.txt:", ()),
}


@pytest.mark.parametrize("fault", FILES)
async def test_a_faulty_file_is_refused_and_leaves_nothing(served: Served, sent: Sent, fault: str) -> None:
    name, content, where, words = FILES[fault]
    answer = await sent(name, content)
    problem = answer.json()
    assert answer.status_code == 422, answer.text
    assert problem["where"].startswith(where), problem
    assert all(word in problem["detail"] for word in words), problem
    assert problem["remedy"]
    assert await kept(served) == (0, 0, [])


GEOJSON = {
    "open ring": (
        feature(ring((103.9, 30.9), (103.91, 30.9), (103.91, 30.91), (103.9, 30.91)), "7"),
        ("ring 1", "103.9"),
    ),
    "crossing ring": (
        feature(ring((103.9, 30.9), (103.91, 30.91), (103.91, 30.9), (103.9, 30.91), (103.9, 30.9)), "7"),
        ("lines cross", "longitude 103.905"),
    ),
    "swapped axes": (
        feature(ring((30.9, 103.9), (30.9, 103.91), (30.91, 103.9), (30.9, 103.9)), "7"),
        ("latitude first",),
    ),
    "metres": (feature(ring((4e5, 34e5), (4.1e5, 34e5), (4e5, 34.1e5), (4e5, 34e5)), "7"), ("metres", "point 1")),
    "two points": (feature(ring((103.9, 30.9), (103.9, 30.9)), "7"), ("2 points",)),
    "elsewhere": (feature(box(2.3, 48.8), "7"), ("not in China",)),
    "no number": (feature({"type": "Polygon", "coordinates": [[["a", 1]]]}, "7"), ("point 1 of ring 1",)),
    "a line": (feature({"type": "LineString", "coordinates": [[103.9, 30.9], [104, 31]]}, "7"), ("LineString",)),
    "overlap": (
        {"type": "FeatureCollection", "features": [feature(box(103.9, 30.9), "7"), feature(box(103.9005, 30.9), "8")]},
        ("overlaps parcel 8", "longitude 103.90"),
    ),
}


async def test_faulty_geojson_is_refused_and_leaves_nothing(served: Served) -> None:
    for fault, (body, words) in GEOJSON.items():
        answer = await served.viewer.post("/redlines", json=body)
        problem = answer.json()
        assert answer.status_code == 400, fault
        assert problem["where"] == "parcel 7", fault
        assert all(word in problem["detail"] for word in words), problem
        told = (await served.viewer.post("/redlines", json=body, headers={"Accept-Language": "zh"})).json()
        assert told["where"] == "地块 7"
        assert not any(word in told["detail"] for word in ("ring ", "parcel", "point", "latitude")), told
    assert await kept(served) == (0, 0, [])


@pytest.mark.parametrize(
    ("content", "kind"),
    [(b"{", "application/json"), (b"[]", "application/json"), (b"[" * 5000, "application/json"), (b"", "text/plain")],
)
async def test_what_is_no_red_line_is_refused(served: Served, content: bytes, kind: str) -> None:
    answer = await served.viewer.post("/redlines", content=content, headers={"Content-Type": kind})
    assert answer.status_code == 400, answer.text
    assert answer.json()["remedy"]
    assert await kept(served) == (0, 0, [])


async def test_a_hundred_thousand_corners_are_too_many(served: Served, sent: Sent) -> None:
    count = 100_000
    there = [(103.9 + n * 1e-7, 30.9) for n in range(count // 2)]
    back = [(103.9 + n * 1e-7, 30.91) for n in reversed(range(count // 2))]
    shape = ring(*there, *back, there[0])
    answer = await served.viewer.post("/redlines", json=feature(shape, "7"))
    assert answer.status_code == 400
    assert "100001 corner points" in answer.json()["detail"]
    assert answer.json()["where"] == "parcel 7"
    document = {"type": "FeatureCollection", "features": [feature(shape, "7")]}
    from_file = await sent("a.geojson", json.dumps(document).encode())
    assert (from_file.status_code, from_file.json()["where"]) == (422, "parcel 7")
    assert await kept(served) == (0, 0, [])


async def test_more_bytes_than_are_taken_are_refused(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("web.routes.redlines.MOST_GEOJSON_BYTES", 100)
    assert (await served.viewer.post("/redlines", json=box(103.95, 30.98))).status_code == 413


async def test_a_reading_that_nobody_waits_for_keeps_nothing(
    served: Served, catalog: Catalog, files: FileStore, uploads_work: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("web.routes.redlines.WAIT_S", 0.1)
    answer = await served.viewer.post("/redlines", files={"file": ("a.txt", text(parcel(GOOD)))})
    assert answer.status_code == 503
    await Worker(served.database, catalog, files).run(wait=False)
    assert await kept(served) == (0, 0, [])


async def test_a_reading_whose_place_in_the_queue_is_lost_is_queued_again(
    served: Served, catalog: Catalog, files: FileStore, uploads_work: None
) -> None:
    call = asyncio.create_task(served.viewer.post("/redlines", files={"file": ("a.txt", text(parcel(GOOD)))}))
    for _ in range(200):
        if await queued(served):
            break
        await asyncio.sleep(0.05)
    async with served.database.writing() as connection:
        await connection.execute(sa.text("SET LOCAL search_path = jobs, public"))
        await connection.execute(sa.text("DELETE FROM procrastinate_jobs"))
    await Worker(served.database, catalog, files).run(wait=False)
    assert (await call).status_code == 201


async def test_a_long_reading_is_not_broken_off(sent: Sent, monkeypatch: pytest.MonkeyPatch) -> None:
    def slowly(*args: Any, **options: Any) -> Any:
        time.sleep(0.5)
        return read_red_line(*args, **options)

    monkeypatch.setattr("web.worker.STOP_AFTER_S", 0.05)
    monkeypatch.setattr("web.analysts.read_red_line", slowly)
    assert (await sent("a.txt", text(parcel(GOOD)))).status_code == 201
