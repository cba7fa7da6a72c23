"""Point clouds from a file to the globe: made after the import, raised by the undulation, asked of the policy."""

from pathlib import Path
from typing import Any

import laspy
import numpy as np
import pyproj
from cloud_tiles import read_points
from made_clouds import written_cloud
from serving import Served
from structlog.testing import capture_logs
from terrain_meshes import geocentric

from cim.model.access import Grade
from cim.model.imports import ImportReport
from cim.store.backups import _is_kept
from cim.store.collections import set_grade
from importers.importer import ReadOptions
from importers.run import ImportRequest, import_file
from layers.catalog import Catalog
from web.cloud_tiles import clouds_of_all, make_cloud_tiles, tiles_of

UNDULATION_M = -39.5


def written(path: Path, seed: int = 1, crs: str = "EPSG:4544+5737") -> Path:
    """3 000 points on 50 m, 560 to 580 m high."""
    random = np.random.default_rng(seed)
    x, y = random.uniform(0, 50, (2, 3_000))
    red = random.integers(0, 65_535, 3_000).astype(np.uint16)
    return written_cloud(path, (x, y, random.uniform(560, 580, 3_000)), crs, red=red)


async def load(city: Served, path: Path, layer: str = "scan", **options: Any) -> ImportReport:
    request = ImportRequest(path, "test", "administrator", layer, options=ReadOptions(trust_file=True, **options))
    (report,) = await import_file(city.database, Catalog({}, (), {}, {}), request, files=city.state.files)
    await city.state.live.refresh()
    return report


async def test_a_cloud_is_drawn_where_it_was_measured(city: Served, tmp_path: Path) -> None:
    path = written(tmp_path / "a.laz")
    assert (await load(city, path)).status == "published"
    with capture_logs():
        waiting = await city.technician.get("/3dtiles/scan/tileset.json")
    assert (waiting.status_code, waiting.headers["retry-after"]) == (503, "2")
    assert await make_cloud_tiles(city.database, city.state.files) == 1
    assert await make_cloud_tiles(city.database, city.state.files) == 0
    document = (await city.technician.get("/3dtiles/scan/tileset.json")).json()
    (child,) = document["root"]["children"]
    lift = np.array(child["transform"]).reshape(4, 4).T
    inner = f"/3dtiles/scan/{child['content']['uri']}"
    tree = (await city.technician.get(inner)).json()
    content = inner.replace("tileset.json", tree["root"]["content"]["uri"])
    answer = await city.technician.get(content)
    assert answer.headers["content-type"] == "model/gltf-binary"
    assert answer.headers["content-encoding"] == "gzip"
    bare = await city.technician.get(content, headers={"accept-encoding": "identity"})
    assert bare.content == answer.content
    points = read_points(answer.content)
    shown = points.places @ lift[:3, :3].T + lift[:3, 3]
    cloud = laspy.read(path)
    lon, lat = pyproj.Transformer.from_crs(4544, 4490, always_xy=True).transform(
        np.asarray(cloud.x), np.asarray(cloud.y)
    )
    measured = geocentric(lon, lat, np.asarray(cloud.z) + UNDULATION_M)
    apart = np.linalg.norm(shown[:, None] - measured[None, :], axis=2).min(axis=1)
    assert apart.max() <= 0.02
    await closed_to_the_public(city, ["/3dtiles/scan/tileset.json", inner, content])
    low, high = child["boundingVolume"]["region"][4:]
    assert 560 + UNDULATION_M - 2 < low < 562 + UNDULATION_M
    assert 578 + UNDULATION_M < high < 580 + UNDULATION_M + 2


async def closed_to_the_public(city: Served, paths: list[str]) -> None:
    async with city.database.writing() as connection:
        await set_grade(connection, "scan", Grade.INTERNAL)
    await city.state.live.refresh()
    for path in paths:
        for client, status in ((city.anonymous, 404), (city.viewer, 200), (city.technician, 200)):
            assert (await client.get(path)).status_code == status, path
    catalog = (await city.viewer.get("/catalog")).json()
    (entry,) = [one for one in catalog["layers"] if one["id"] == "scan"]
    assert (entry["content"], entry["scene"]["kind"]) == ("pointcloud", "points")


async def test_a_new_version_is_drawn_anew_and_old_tiles_go(city: Served, tmp_path: Path) -> None:
    await load(city, written(tmp_path / "a.laz"))
    await make_cloud_tiles(city.database, city.state.files)
    first = (await city.technician.get("/3dtiles/scan/tileset.json")).json()["root"]["children"][0]["content"]["uri"]
    await load(city, written(tmp_path / "a.laz", seed=2))
    with capture_logs():
        assert (await city.technician.get("/3dtiles/scan/tileset.json")).status_code == 503
    assert (await city.technician.get(f"/3dtiles/scan/{first}")).status_code == 404
    assert await make_cloud_tiles(city.database, city.state.files) == 1
    second = (await city.technician.get("/3dtiles/scan/tileset.json")).json()["root"]["children"][0]["content"]["uri"]
    assert first != second
    named = {tiles_of(cloud) for cloud in await clouds_of_all(city.database)}
    assert city.state.files.remove_cloud_tiles_but(named, -1) == 1
    assert (await city.technician.get(f"/3dtiles/scan/{second}")).status_code == 200
    (made,) = city.state.files.cloud_tiles_path("").glob("*")
    assert not _is_kept(made.relative_to(city.state.files.root)), "what can be made again is in no backup"
    assert _is_kept(Path("clouds/a.laz"))


async def test_a_cloud_that_cannot_be_drawn_is_tried_once(city: Served, tmp_path: Path) -> None:
    await load(city, written(tmp_path / "a.laz"))
    (kept,) = city.state.files.cloud_path("").glob("*.laz")
    whole = kept.read_bytes()
    kept.write_bytes(whole[: len(whole) // 2])
    with capture_logs() as told:
        assert await make_cloud_tiles(city.database, city.state.files) == 0
    assert any(entry.get("cloud") == "a.laz" for entry in told)
    (failed,) = city.state.files.cloud_tiles_path("").glob("*")
    assert failed.suffix == ".failed"
    assert "status" in failed.read_text("utf-8")
    kept.write_bytes(whole)
    assert await make_cloud_tiles(city.database, city.state.files) == 0
    failed.unlink()
    assert await make_cloud_tiles(city.database, city.state.files) == 1
    await load(city, written(tmp_path / "b.laz"), "own", height_datum="local")
    await make_cloud_tiles(city.database, city.state.files)
    answer = await city.technician.get("/3dtiles/own/tileset.json")
    assert answer.status_code == 409
    assert "local" in answer.json()["detail"]
