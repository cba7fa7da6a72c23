"""A surface between stations: asked for as a process, taken as GeoTIFF, imported, drawn as a raster layer."""

import io
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
import rasterio
import rasterio.warp
from made_devices import MICROGRAMS, device, make_devices, make_stream, observe
from PIL import Image
from serving import Served

from cim.model.access import Grade
from importers.importer import ReadOptions
from importers.run import ImportRequest, import_file
from importers.sandbox import network_isolation

AT = datetime(2026, 10, 1, 4, tzinfo=UTC)
PLACES = [(103.90, 30.95), (104.00, 30.95), (103.90, 31.05), (104.00, 31.05), (103.95, 31.00), (103.93, 30.97)]


def plane(lon: float, lat: float) -> float:
    return 40 + 200 * (lon - 103.95) + 100 * (lat - 31.0)


@pytest.fixture
async def stations(served: Served) -> Served:
    """Six stations whose values lie on a plane, one of them in mg/m³; a seventh that is internal and far off it."""
    await make_devices(served.database, [device(f"S{k}", lon=x, lat=y) for k, (x, y) in enumerate(PLACES)])
    await make_devices(served.database, [device("S9", lon=103.97, lat=31.02, grade=Grade.INTERNAL)])
    milligrams = {**MICROGRAMS, "symbol": "mg/m³"}
    for k, (lon, lat) in enumerate(PLACES):
        stream = await make_stream(served.database, f"S{k}", unit=milligrams if k == 5 else MICROGRAMS)
        value = plane(lon, lat) / (1000 if k == 5 else 1)
        await observe(served.database, stream, [(AT - timedelta(minutes=30), value), (AT + timedelta(hours=1), 999.0)])
        await observe(served.database, stream, [(AT - timedelta(minutes=20), 888.0)], "D")
    await observe(served.database, await make_stream(served.database, "S9"), [(AT - timedelta(minutes=1), 500.0)])
    return served


async def run(served: Served, role: str = "anonymous", f: str = "json", **inputs: object) -> object:
    body = {"inputs": {"property": "pm25", "at": AT.isoformat(), **inputs}}
    return await getattr(served, role).post(f"/processes/interpolated-surface/execution?f={f}", json=body)


async def test_a_surface_is_told_with_its_error_and_drawn_as_a_layer(stations: Served, tmp_path: Path) -> None:
    for method in ("kriging", "idw"):
        document = (await run(stations, method=method)).json()
        summary = document["summary"]
        assert (summary["stations"], summary["unit"]) == (6, "µg/m³")
        assert summary["cross_validation_rmse"] > 0
        assert 20 <= summary["least"] <= summary["greatest"] <= 60, "flagged and later values do not count"
        bands = [one for one in document["geojson"]["features"] if one["properties"]["kind"] == "band"]
        assert 2 <= len(bands) <= 8
        (table,) = document["tables"]
        assert len(table["rows"]) == 6
    answer = await run(stations, f="tif")
    assert answer.headers["content-type"].startswith("image/tiff")
    path = tmp_path / "surface.tif"
    path.write_bytes(answer.content)
    with rasterio.open(path) as opened:
        values = opened.read(1, masked=True)
        assert opened.tags()["unit"] == "µg/m³"
        to_grid = rasterio.warp.transform("EPSG:4490", opened.crs, *([c] for c in PLACES[4]))
        row, column = opened.index(to_grid[0][0], to_grid[1][0])
        assert float(values[row, column]) == pytest.approx(plane(*PLACES[4]), abs=1.5)
        assert values.mask[0].all(), "outside of the hull there is nothing"
    options = ReadOptions(trust_file=not network_isolation().isolated, height_datum="local")
    request = ImportRequest(path, "test", "administrator", "pm25_surface", options=options)
    (report,) = await import_file(stations.database, stations.state.catalog, request, files=stations.state.files)
    assert report.status == "published", report
    await stations.state.live.refresh()
    told = (await stations.administrator.get("/rasters/pm25_surface.json")).json()
    assert told
    picture = await stations.administrator.get("/rasters/pm25_surface/11/1615/838.png?style=value")
    assert picture.status_code == 200, picture.text
    pixels = np.asarray(Image.open(io.BytesIO(picture.content)).convert("RGBA"))
    shown = pixels[:, :, 0][pixels[:, :, 3] > 0]
    assert len(shown) > 1_000
    assert int(shown.max()) - int(shown.min()) > 150, "from the least to the greatest value"


async def test_what_the_caller_may_not_see_is_not_in_the_surface(stations: Served) -> None:
    hidden = (await run(stations)).json()
    hidden.pop("raster")
    assert "S9" not in str(hidden)
    seen = (await run(stations, "viewer")).json()
    assert seen["summary"]["stations"] == 7
    assert seen["summary"]["greatest"] > 100


async def test_a_surface_that_cannot_be_made_is_refused(stations: Served) -> None:
    square = [[103.94, 30.99], [103.96, 30.99], [103.96, 31.01], [103.94, 31.01], [103.94, 30.99]]
    inside = (await run(stations, area={"type": "Polygon", "coordinates": [square]})).json()
    assert inside["summary"]["cells"] < 45_000
    near = (await run(stations, beyond_m=500)).json()
    assert near["summary"]["cells"] < inside["summary"]["cells"] * 50
    far = [[[x + 1, y] for x, y in square]]
    for inputs, word in (
        ({"at": (AT - timedelta(days=9)).isoformat()}, "needs 5"),
        ({"property": "nothing"}, "observed"),
        ({"at": "2026-10-01"}, "instant"),
        ({"cell_m": 10, "window_h": 2}, "cells"),
        ({"method": "magic"}, "method"),
        ({"area": {"type": "Polygon", "coordinates": far}}, "outside of the stations"),
        ({"power": 0}, "power"),
    ):
        answer = await run(stations, **inputs)
        assert answer.status_code == 400, (inputs, answer.text[:300])
        assert word in answer.text, inputs
