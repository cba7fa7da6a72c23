"""QGIS reads the services over a real server: pictures, tiles and features in four reference systems, to a pixel."""

import asyncio
import json
import os
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlencode

import pytest
import rasterio
from control_points import CORNERS, SYSTEMS, check_place, window
from publishing import publish_rows, square
from pyproj import Transformer
from serving import Served, listening

from cim.model.collection import ImportMode
from cim.store import identities
from tiles.grid import GRIDS

pytestmark = pytest.mark.slow

READER = Path(__file__).parents[1] / "qgis_reader.py"
PYTHON = Path("/usr/bin/python3")
"""The one QGIS of Debian belongs to."""
QGIS = Path("/usr/lib/python3/dist-packages/qgis")
ZOOM = 17
ALL = ["甲栋", "乙栋", "丙栋", "西栋", "东栋"]
Answers = list[dict[str, object]]


@pytest.fixture
async def address(served: Served) -> AsyncIterator[str]:
    """A server whose layer reaches beyond the pictures, as QGIS asks only for the announced box."""
    far = [("西栋", None, square(103.94, 30.96)), ("东栋", None, square(104.0, 31.0))]
    await publish_rows(served.database, far, mode=ImportMode.UPSERT)
    async with listening(served) as found:
        yield found


@pytest.fixture(autouse=True)
def installed() -> None:
    if not QGIS.exists():
        pytest.skip("QGIS is not installed; the Debian package python3-qgis brings it")


async def qgis(folder: Path, *jobs: dict[str, object]) -> Answers:
    """What QGIS answers to jobs of its reader."""
    environment = {"PATH": os.defpath, "HOME": str(folder), "QT_QPA_PLATFORM": "offscreen", "LANG": "C.UTF-8"}
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        PYTHON, READER, stdin=pipe, stdout=pipe, stderr=pipe, env=environment
    )
    out, err = await process.communicate(json.dumps(jobs).encode())
    assert process.returncode == 0, err.decode()
    answers: Answers = json.loads(out)
    return answers


async def check_pictures(
    folder: Path, provider: str, sources: dict[str, str], cells: dict[str, float] | None = None
) -> None:
    """The picture of each source, in the reference system it is named by, holds the control points at their places."""
    windows = {system: window(SYSTEMS[system], (cells or {}).get(system)) for system in sources}
    files = {system: folder / f"{SYSTEMS[system]}.png" for system in sources}
    jobs = [
        {"provider": provider, "source": source, "crs": system, "bounds": windows[system][0], "target": str(file)}
        for (system, source), file in zip(sources.items(), files.values(), strict=True)
    ]
    answers = await qgis(folder, *jobs)
    assert answers == [{"errors": [], "crs": system} for system in sources]
    for system, (bounds, cell) in windows.items():
        with rasterio.open(files[system]) as picture:
            check_place((picture.read()[:3] < 250).any(axis=0), SYSTEMS[system], bounds, cell)


def check_features(answer: dict[str, object], srid: int, system: str) -> None:
    """All features with their Chinese names, the first square at its place in the reference system of the answer."""
    assert answer["crs"] == system
    features = {feature["fields"]["code"]: feature["bounds"] for feature in answer["features"]}  # type: ignore[attr-defined]
    assert sorted(features) == sorted(ALL)
    way = Transformer.from_crs(4490, srid, always_xy=True)
    places = [way.transform(*corner) for corner in CORNERS]
    wanted = [*(min(axis) for axis in zip(*places, strict=True)), *(max(axis) for axis in zip(*places, strict=True))]
    assert features["甲栋"] == pytest.approx(wanted, abs=1e-7 if srid == 4490 else 0.01)


def source(**words: str) -> str:
    """A source as QGIS writes those of web maps: parameters whose address stays readable."""
    return urlencode(words, safe=":/?=,{}")


async def test_wms(address: str, tmp_path: Path) -> None:
    words = {"format": "image/png", "layers": "squares", "styles": "", "dpiMode": "7", "url": f"{address}/wms"}
    await check_pictures(tmp_path, "wms", {system: source(crs=system, **words) for system in SYSTEMS})


async def test_wmts(address: str, tmp_path: Path) -> None:
    words = {"format": "image/png", "layers": "squares", "styles": "default", "dpiMode": "7"}
    words["url"] = f"{address}/wmts/1.0.0/WMTSCapabilities.xml"
    grids = {"EPSG:3857": "WebMercatorQuad", "EPSG:4490": "CGCS2000Quad"}
    sources = {system: source(crs=system, tileMatrixSet=grid, **words) for system, grid in grids.items()}
    cells = {system: GRIDS[grid].cell_size(ZOOM) for system, grid in grids.items()}
    await check_pictures(tmp_path, "wms", sources, cells)


async def test_vector_tiles(address: str, tmp_path: Path) -> None:
    tiles = f"{address}/collections/squares/tiles/WebMercatorQuad/{{z}}/{{y}}/{{x}}"
    await check_pictures(tmp_path, "vectortile", {"EPSG:3857": source(type="xyz", zmin="0", zmax="18", url=tiles)})


async def test_wfs(address: str, tmp_path: Path) -> None:
    jobs = [
        {
            "provider": "WFS",
            "source": f"url='{address}/wfs' typename='cim:squares' version='2.0.0' srsname='{system}'",
        }
        for system in SYSTEMS
    ]
    answers = await qgis(tmp_path, *jobs)
    for answer, (system, srid) in zip(answers, SYSTEMS.items(), strict=True):
        check_features(answer, srid, system)


async def test_ogc_api_features(address: str, tmp_path: Path) -> None:
    (answer,) = await qgis(tmp_path, {"provider": "OAPIF", "source": f"url='{address}/' typename='squares'"})
    check_features(answer, 4490, "EPSG:4326")


async def test_a_key_opens_a_graded_layer(served: Served, address: str, tmp_path: Path) -> None:
    async with served.database.writing() as connection:
        _, secret = await identities.create_key(connection, "technician")
    login = f"username='qgis' password='{secret}'"
    words = {"layers": "hidden", "styles": "", "format": "image/png", "url": f"{address}/wms"}
    words |= {"crs": "EPSG:4490", "username": "qgis", "password": secret}
    (answer,) = await qgis(
        tmp_path, {"provider": "WFS", "source": f"url='{address}/wfs' typename='cim:hidden' version='2.0.0' {login}"}
    )
    assert [feature["fields"]["code"] for feature in answer["features"]] == ["甲栋", "乙栋", "丙栋"]  # type: ignore[attr-defined]
    await check_pictures(tmp_path, "wms", {"EPSG:4490": source(**words)})
