"""Desktops read the services over a real server: GDAL (WMS, WMTS, WFS) and OWSLib, positions compared to a pixel."""

import asyncio
import io
import json
import shutil
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import rasterio
import skia
from control_points import CORNERS, SIDE_PIXELS, SYSTEMS, check_place, window
from owslib.wfs import WebFeatureService
from owslib.wms import WebMapService
from owslib.wmts import WebMapTileService
from serving import Served, listening

from tiles.grid import GRIDS


@pytest.fixture
async def address(shared: Served) -> AsyncIterator[str]:
    async with listening(shared) as found:
        yield found


def gdal(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed; the Debian package gdal-bin brings it")
    return found


async def run(*words: str) -> str:
    with tempfile.TemporaryDirectory() as cache:
        process = await asyncio.create_subprocess_exec(
            *words,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env={"PATH": "/usr/bin", "HOME": cache, "GDAL_DEFAULT_WMS_CACHE_PATH": cache},
        )
        out, err = await process.communicate()
    assert process.returncode == 0, err.decode()
    return out.decode()


@pytest.mark.parametrize("version", ["1.3.0", "1.1.1"])
@pytest.mark.parametrize("system", list(SYSTEMS))
async def test_owslib_reads_the_wms(address: str, system: str, version: str) -> None:
    bounds, cell = window(SYSTEMS[system])

    def read() -> bytes:
        service = WebMapService(f"{address}/wms", version=version)
        assert list(service.contents) == ["squares"]
        picture: bytes = service.getmap(
            layers=["squares"], srs=system, bbox=bounds, size=(SIDE_PIXELS, SIDE_PIXELS), format="image/png"
        ).read()
        return picture

    picture = skia.Image.MakeFromEncoded(skia.Data.MakeWithCopy(await asyncio.to_thread(read))).toarray()
    check_place((picture[:, :, :3] < 250).any(axis=2), SYSTEMS[system], bounds, cell)


@pytest.mark.parametrize("tms", list(GRIDS))
async def test_owslib_reads_the_wmts(address: str, tms: str) -> None:
    tile = GRIDS[tms].matrices.tile(103.9605, 30.9805, 17)

    def read() -> tuple[bytes, list[str]]:
        service = WebMapTileService(f"{address}/wmts")
        answer = service.gettile(
            layer="squares", tilematrixset=tms, tilematrix="17", row=tile.y, column=tile.x, format="image/png"
        )
        return answer.read(), list(service.tilematrixsets)

    content, sets = await asyncio.to_thread(read)
    assert sets == list(GRIDS)
    assert skia.Image.MakeFromEncoded(skia.Data.MakeWithCopy(content)).toarray().any()


async def test_owslib_reads_the_wfs(address: str) -> None:
    def read() -> tuple[dict[str, object], bytes]:
        service = WebFeatureService(f"{address}/wfs", version="2.0.0")
        assert list(service.contents) == ["cim:squares"]
        schema = service.get_schema("cim:squares")
        answer = service.getfeature(typename=["cim:squares"], maxfeatures=2, outputFormat="application/json")
        return schema, answer.read()

    schema, content = await asyncio.to_thread(read)
    assert schema["properties"] == {"code": "string"}
    assert [feature["properties"]["code"] for feature in json.load(io.BytesIO(content))["features"]] == ["甲栋", "乙栋"]


@pytest.mark.parametrize("system", list(SYSTEMS))
async def test_gdal_reads_the_wms(address: str, tmp_path: Path, system: str) -> None:
    program, target = gdal("gdal_translate"), tmp_path / "map.tif"
    bounds, cell = window(SYSTEMS[system])
    source = (
        f"WMS:{address}/wms?SERVICE=WMS&VERSION=1.1.1&REQUEST=GetMap&LAYERS=squares&STYLES=&SRS={system}"
        f"&BBOX={','.join(map(repr, bounds))}&FORMAT=image/png&TRANSPARENT=TRUE"
    )
    size = ["-outsize", str(SIDE_PIXELS), str(SIDE_PIXELS)]
    await run(program, "-q", "-r", "nearest", *size, source, str(target))
    with rasterio.open(target) as picture:
        check_place(picture.read()[:3].any(axis=0), SYSTEMS[system], bounds, cell)


@pytest.mark.parametrize("tms", list(GRIDS))
async def test_gdal_reads_the_wmts(address: str, tmp_path: Path, tms: str) -> None:
    program, target = gdal("gdal_translate"), tmp_path / "map.tif"
    grid = GRIDS[tms]
    bounds, _ = window(grid.srid)
    cell = grid.cell_size(18)
    corners = [repr(value) for value in (bounds[0], bounds[3], bounds[2], bounds[1])]
    source = f"WMTS:{address}/wmts/1.0.0/WMTSCapabilities.xml,layer=squares,tilematrixset={tms},tilematrix=18"
    await run(program, "-q", "-projwin", *corners, source, str(target))
    with rasterio.open(target) as picture:
        west, north = picture.transform.c, picture.transform.f
        assert picture.transform.a == pytest.approx(cell, rel=1e-6)
        check_place(picture.read(4) > 0, grid.srid, (west, 0, 0, north), cell)


async def test_gdal_reads_the_wfs(address: str, tmp_path: Path) -> None:
    program = gdal("ogr2ogr")
    for system, srid in SYSTEMS.items():
        target = tmp_path / f"{srid}.geojson"
        where = ["-where", "code <> '丙栋'", "-oo", "PAGE_SIZE=1"]
        await run(
            program,
            "-f",
            "GeoJSON",
            "-lco",
            "RFC7946=NO",
            "-t_srs",
            "EPSG:4490",
            *where,
            str(target),
            f"WFS:{address}/wfs?SRSNAME={system}",
            "cim:squares",
        )
        features = json.loads(target.read_text("utf-8"))["features"]
        assert [feature["properties"]["code"] for feature in features] == ["甲栋", "乙栋"]
        place = features[0]["geometry"]["coordinates"][0][0]
        assert min(abs(place[0] - lon) + abs(place[1] - lat) for lon, lat in CORNERS) < 1e-6
