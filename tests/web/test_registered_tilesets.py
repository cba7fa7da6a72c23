"""Registered sets of 3D Tiles from a folder to the globe: where they stand, who gets them, versions and rollback."""

import gzip
import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import sqlalchemy as sa
from clones import Clones
from made_tilesets import HERE, HIGH_M, b3dm, frame, mesh_set, region, written
from serving import Served, serving
from terrain_meshes import geocentric

from cim.model.access import Grade
from cim.model.imports import ImportReport
from cim.store.collections import set_grade, tileset_files
from cim.store.database import Database
from cim.store.files import FileStore
from cim.store.tile_archives import TileArchive
from cim.store.versions import rollback
from importers.importer import ReadOptions
from importers.run import ImportRequest, import_file
from layers.catalog import Catalog, load_catalog
from web.settings import ServerSettings
from web.worker import Worker

NO_CATALOG = Catalog({}, (), {}, {})
UNDULATION_M = -39.5
PLACE = (104.0, 31.0, 500.0, 90.0)


async def load(city: Served, path: Path, layer: str = "mesh", **options: Any) -> ImportReport:
    request = ImportRequest(path, "test", "administrator", layer, options=ReadOptions(trust_file=True, **options))
    (report,) = await import_file(city.database, NO_CATALOG, request, files=city.state.files)
    await city.state.live.refresh()
    return report


async def got(client: httpx.AsyncClient, address: str) -> dict[str, Any]:
    answer = await client.get(address)
    assert answer.status_code == 200, (address, answer.text)
    document: dict[str, Any] = answer.json()
    return document


async def drawn(client: httpx.AsyncClient, address: str, above: np.ndarray) -> list[tuple[str, np.ndarray, Any]]:
    """As a viewer walks: the address of each content, the whole transform of its tile, and the tile's volume."""
    document = await got(client, address)
    found = []
    open_ = [(document["root"], above)]
    while open_:
        tile, transform = open_.pop()
        transform = transform @ np.array(tile.get("transform", np.eye(4).ravel())).reshape(4, 4).T
        open_ += [(child, transform) for child in tile.get("children", [])]
        if "content" not in tile:
            continue
        content = str(httpx.URL(f"http://test{address}").join(tile["content"]["uri"]).raw_path.decode())
        if content.partition("?")[0].endswith(".json"):
            found += await drawn(client, content, transform)
        else:
            found.append((content, transform, tile["boundingVolume"]))
    return found


def uris(document: Any) -> Iterator[str]:
    if isinstance(document, dict):
        if isinstance(document.get("uri"), str):
            yield document["uri"]
        for part in document.values():
            yield from uris(part)
    elif isinstance(document, list):
        for part in document:
            yield from uris(part)


async def test_a_set_stands_where_it_says(city: Served, tmp_path: Path) -> None:
    """Ellipsoidal heights do not move; levelled ones do by the undulation; own coordinates go where they are put."""
    there, lifted, own = (
        written(tmp_path / name, mesh_set(placed=name != "own")) for name in ("there", "lifted", "own")
    )
    assert (await load(city, there, "there")).status == "published"
    assert (await load(city, lifted, "lifted", height_datum="1985")).status == "published"
    assert (await load(city, own, "own", place=PLACE)).status == "published"
    at = geocentric(np.array([HERE[0]]), np.array([HERE[1]]), np.array([HIGH_M]))[0]
    below = geocentric(np.array([HERE[0]]), np.array([HERE[1]]), np.array([HIGH_M + UNDULATION_M]))[0]
    put = geocentric(np.array([PLACE[0]]), np.array([PLACE[1]]), np.array([PLACE[2] + UNDULATION_M]))[0]
    for layer, expected in (("there", at), ("lifted", below), ("own", put)):
        tiles = await drawn(city.technician, f"/3dtiles/{layer}/tileset.json", np.eye(4))
        assert len(tiles) == 3
        for content, transform, _ in tiles:
            assert np.abs(transform[:3, 3] - expected).max() < 0.001
            assert np.linalg.det(transform[:3, :3]) == pytest.approx(1)
            answer = await city.technician.get(content)
            assert (answer.status_code, answer.content) == (200, b3dm())
    east = np.array(frame(PLACE[0], PLACE[1], 0)[0:3])
    north = np.array(frame(PLACE[0], PLACE[1], 0)[4:7])
    turned = (await drawn(city.technician, "/3dtiles/own/tileset.json", np.eye(4)))[0][1]
    assert turned[:3, 1] == pytest.approx(east, abs=1e-9), "its north looks east: 90 degrees clockwise"
    assert turned[:3, 0] == pytest.approx(-north, abs=1e-9)


async def test_regions_are_raised_with_the_rest(city: Served, tmp_path: Path) -> None:
    files = mesh_set()
    for document in (files["tileset.json"], files["more/inner.json"]):
        document["root"].pop("children", None)
        document["root"]["boundingVolume"] = region()
        document["root"].pop("transform", None)
    files["tileset.json"]["root"]["content"]["uri"] = "more/inner.json"
    files["more/inner.json"] = gzip.compress(json.dumps(files["more/inner.json"]).encode())
    assert (await load(city, written(tmp_path / "set", files), height_datum="1985")).status == "published"
    document = await got(city.technician, "/3dtiles/mesh/tileset.json")
    low, high = document["root"]["boundingVolume"]["region"][4:]
    assert (low, high) == pytest.approx((HIGH_M + UNDULATION_M - 1, HIGH_M + 30 + UNDULATION_M + 1))
    ((content, _, volume),) = await drawn(city.technician, "/3dtiles/mesh/tileset.json", np.eye(4))
    assert volume["region"][4:] == pytest.approx([HIGH_M + UNDULATION_M, HIGH_M + 30 + UNDULATION_M])
    assert content.endswith("/tiles/right.b3dm")


async def test_every_file_is_asked_of_the_policy(city: Served, tmp_path: Path) -> None:
    await load(city, written(tmp_path / "set", mesh_set()))
    document = await got(city.technician, "/3dtiles/mesh/tileset.json")
    (inside,) = uris(document)
    paths = ["tileset.json", f"{inside}", inside.replace("tileset.json", "tiles/left.b3dm")]
    for grade, statuses in ((Grade.RESTRICTED, (404, 404, 200)), (Grade.PUBLIC, (200, 200, 200))):
        async with city.database.writing() as connection:
            await set_grade(connection, "mesh", grade)
        await city.state.live.refresh()
        for path in paths:
            for client, status in zip((city.anonymous, city.viewer, city.technician), statuses, strict=True):
                assert (await client.get(f"/3dtiles/mesh/{path}")).status_code == status, (grade, path)
    kept = await city.anonymous.get(f"/3dtiles/mesh/{paths[2]}")
    assert kept.headers["cache-control"].endswith("immutable")
    assert kept.headers["x-content-type-options"] == "nosniff"
    again = await city.anonymous.get(f"/3dtiles/mesh/{paths[2]}", headers={"if-none-match": kept.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    graded = await city.technician.get(f"/3dtiles/mesh/{paths[2]}")
    assert graded.headers["cache-control"] == "private, no-cache"
    listed = {one["id"]: one for one in (await got(city.anonymous, "/catalog"))["layers"]}
    scene = {"tileset": "/3dtiles/mesh/tileset.json?v=1", "kind": "mesh", "fields": [], "footprints": None}
    assert listed["mesh"]["scene"] == scene
    joined = await got(city.anonymous, "/3dtiles/tileset.json")
    assert list(uris(joined)) == ["mesh/tileset.json?v=1"]


async def test_what_is_no_file_of_the_set_is_not_found(city: Served, tmp_path: Path) -> None:
    await load(city, written(tmp_path / "set", {**mesh_set(), "notes.txt": b"not named by any document"}))
    (inside,) = uris(await got(city.technician, "/3dtiles/mesh/tileset.json"))
    folder = inside.removesuffix("/tileset.json")
    name = folder.removeprefix("files/")
    for path in (
        f"{folder}/nothing.b3dm",
        f"{folder}/notes.txt",
        f"{folder}/",
        f"{folder}/..%2f..%2fpasswords.json",
        f"{folder}/%00",
        f"{folder}/@3dtilesIndex1@",
        f"files/{'0' * 40}-x/tileset.json",
        f"files/..%2f{name}/tileset.json",
        "files/-/tileset.json",
    ):
        answer = await city.technician.get(f"/3dtiles/mesh/{path}")
        assert answer.status_code == 404, path
        assert "traceback" not in answer.text.lower()
    for query in ("?datetime=2026-01-01T00:00:00Z", "?scenario=a"):
        assert (await city.technician.get(f"/3dtiles/mesh/tileset.json{query}")).status_code == 400
    ranged = await city.technician.get(
        f"/3dtiles/mesh/{folder}/tiles/left.b3dm", headers={"range": "bytes=9-2,0-," * 500}
    )
    assert ranged.content == b3dm()


async def test_versions_come_and_go_with_their_files(city: Served, tmp_path: Path) -> None:
    first = await load(city, written(tmp_path / "set", mesh_set()))
    same = await load(city, tmp_path / "set")
    assert (first.version, same.status) == (1, "unchanged")
    (one,) = uris(await got(city.technician, "/3dtiles/mesh/tileset.json"))
    files = mesh_set()
    files["tileset.json"]["asset"]["generator"] = "another"
    assert (await load(city, written(tmp_path / "set", files))).version == 2
    (two,) = uris(await got(city.technician, "/3dtiles/mesh/tileset.json"))
    assert one != two
    assert (await city.technician.get(f"/3dtiles/mesh/{one}")).status_code == 404
    async with city.database.writing() as connection:
        await rollback(connection, "mesh", 1, author="test")
    await city.state.live.refresh()
    assert list(uris(await got(city.technician, "/3dtiles/mesh/tileset.json"))) == [one]
    async with city.database.writing() as connection:
        named = await tileset_files(connection)
    assert len(named) == 2
    files_ = city.state.files
    assert files_.remove_tilesets_but(named, -1) == 0
    assert files_.remove_tilesets_but(set(list(named)[:1]), -1) == 1


async def test_sets_beside_each_other_and_archives(city: Served, tmp_path: Path) -> None:
    """Two sets in one layer, the second from a zip; each with its own place in the tree."""
    await load(city, written(tmp_path / "north", mesh_set()))
    files = mesh_set()
    files["tileset.json"]["root"]["transform"] = frame(HERE[0] + 0.01)
    (tmp_path / "south.zip").write_bytes(zipped(files, "data/"))
    options = ReadOptions(trust_file=True)
    request = ImportRequest(tmp_path / "south.zip", "test", "administrator", "mesh", "append", options=options)
    (report,) = await import_file(city.database, NO_CATALOG, request, files=city.state.files)
    assert report.status == "published", report
    await city.state.live.refresh()
    document = await got(city.technician, "/3dtiles/mesh/tileset.json")
    assert [child["extras"]["name"] for child in document["root"]["children"]] == ["north", "south"]
    assert len(await drawn(city.technician, "/3dtiles/mesh/tileset.json", np.eye(4))) == 6
    (kept, _) = city.state.files.tileset_path("").glob("*.3tz")
    archive = TileArchive.opened(kept)
    assert archive.read("tiles/whole.b3dm") == b3dm()
    assert zipfile.ZipFile(kept).testzip() is None
    entry = (await got(city.technician, "/collections/mesh/items"))["features"][0]
    assert entry["properties"]["contents"] == "b3dm: 3"
    assert entry["geometry"]["type"] == "MultiPolygon"


def zipped(files: dict[str, Any], folder: str = "") -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(f"{folder}{name}", content if isinstance(content, bytes) else json.dumps(content))
    return data.getvalue()


async def test_a_set_handed_in_over_the_web_is_put_in_its_place(city: Served, uploads_work: None) -> None:
    worker = Worker(city.database, NO_CATALOG, city.state.files)
    given = {"file": ("campus.3tz", zipped(mesh_set(placed=False)))}
    upload = (await city.technician.post("/imports", files=given)).json()
    address = f"/imports/uploads/{upload['id']}"
    await worker.run(wait=False)
    (layer,) = (await city.technician.get(address)).json()["inspection"]["layers"]
    assert (layer["kind"], layer["would_load"]) == ("tileset", 0)
    assert "--place" in layer["would_not_load"][0]
    for place in ([104.0, 31.0, 500.0], [104.0, 31.0, 1e9, 0.0], "here"):
        wrong = await city.technician.post(f"{address}/start", json={"layer": "campus", "place": place})
        assert wrong.status_code == 400
    begun = await city.technician.post(f"{address}/start", json={"layer": "campus", "place": list(PLACE)})
    assert begun.status_code == 202
    await worker.run(wait=False)
    assert (await city.technician.get(address)).json()["status"] == "done"
    await city.state.live.refresh()
    put = geocentric(np.array([PLACE[0]]), np.array([PLACE[1]]), np.array([PLACE[2] + UNDULATION_M]))[0]
    tiles = await drawn(city.technician, "/3dtiles/campus/tileset.json", np.eye(4))
    assert np.abs(tiles[0][1][:3, 3] - put).max() < 0.001


async def test_a_broken_set_changes_nothing(city: Served, tmp_path: Path) -> None:
    report = await load(city, written(tmp_path / "bad", {**mesh_set(), "tiles/left.b3dm": b3dm()[:-9]}))
    assert report.status == "refused"
    assert "announces" in report.message
    assert (await load(city, written(tmp_path / "own", mesh_set(placed=False)), "other")).status == "refused"
    assert not city.state.files.tileset_path("").exists()
    assert (await city.technician.get("/3dtiles/mesh/tileset.json")).status_code == 404
    async with city.database.writing() as connection:
        runs = (
            await connection.execute(sa.text("SELECT count(*) FROM cim.import_run WHERE status = 'refused'"))
        ).scalar()
    assert runs == 2


async def test_levelled_sets_wait_for_an_undulation(clones: Clones, tmp_path: Path) -> None:
    (tmp_path / "files").mkdir()
    with clones.made() as logins:
        database = Database(logins.reader_url, logins.writer_url, pool_size=4)
        async with serving(database, load_catalog(), FileStore(tmp_path / "files"), ServerSettings()) as city:
            await load(city, written(tmp_path / "a", mesh_set()))
            assert (await city.technician.get("/3dtiles/mesh/tileset.json")).status_code == 200
            async with database.writing() as connection:
                await connection.execute(sa.text("UPDATE city.mesh SET height_datum = 'EPSG:5737'"))
            await city.state.live.refresh()
            answer = await city.technician.get("/3dtiles/mesh/tileset.json")
            assert answer.status_code == 409
            assert "CIM_UNDULATION_M" in answer.json()["remedy"]
