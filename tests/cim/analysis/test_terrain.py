"""Terrain analyses on surfaces whose slopes and volumes are known by formula, imported as small GeoTIFFs."""

import shutil
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
import shapely
from clones import Clones
from made_city import EASTING_M, NORTHING_M, area_of, lonlat, view_of
from rasterio.transform import Affine

from cim.analysis.registry import ANALYSES
from cim.analysis.terrain.cells import cell_shares, lattice_over
from cim.errors import BadRequest
from cim.model.analysis import Answer
from cim.store.cluster_logins import Logins
from cim.store.database import Database, run
from cim.store.files import FileStore
from importers.importer import ReadOptions
from importers.run import ImportRequest, import_file
from layers.catalog import load_catalog

CELL_M, SIDE = 5.0, 160
"""The surfaces are squares of 800 m: the plane, with a hole in its north-west corner, and the cone east of it."""
Surface = Callable[[np.ndarray, np.ndarray], np.ndarray]


def plane(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Rises to the east by a tenth and to the north by a fifth."""
    return 500 + 0.1 * x + 0.2 * y


def cone(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """A cone of 30 degrees whose tip is in the middle of its square."""
    return 900 - np.tan(np.radians(30)) * np.hypot(x - 1400, y - 400)


def write(path: Path, surface: Surface, west_m: float, hole: bool) -> None:
    x, y = np.meshgrid(west_m + (np.arange(SIDE) + 0.5) * CELL_M, (SIDE - 0.5 - np.arange(SIDE)) * CELL_M)
    values = surface(x, y).astype(np.float32)
    if hole:
        values[:20, :20] = -9999
    corner = Affine(CELL_M, 0, EASTING_M + west_m, 0, -CELL_M, NORTHING_M + SIDE * CELL_M)
    facts = {"driver": "GTiff", "width": SIDE, "height": SIDE, "count": 1, "dtype": "float32", "nodata": -9999}
    with rasterio.open(path, "w", crs="EPSG:4544", transform=corner, **facts) as file:
        file.write(values, 1)


async def _fill(logins: Logins, folder: Path, files: FileStore) -> None:
    database = Database(logins.reader_url, logins.writer_url, pool_size=4)
    write(folder / "plane.tif", plane, 0.0, True)
    write(folder / "cone.tif", cone, 1000.0, False)
    options = ReadOptions(height_datum="1985", trust_file=True)
    request = ImportRequest(folder, "test", "administrator", "dem", options=options)
    (report,) = await import_file(database, load_catalog(), request, files=files)
    assert report.status == "published", report.message
    await database.close()


@pytest.fixture(scope="module")
def filled(
    clones: Clones, run_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Logins, FileStore]]:
    """A database with the two surfaces as layer ``dem``, and the folder of its files."""
    root = run_folder / f"heights-{uuid.uuid4().hex[:8]}"
    root.mkdir()
    folder = tmp_path_factory.mktemp("dem")
    with clones.made() as logins:
        run(_fill(logins, folder, FileStore(root)))
        yield logins, FileStore(root)
    shutil.rmtree(root, ignore_errors=True)


Ask = Callable[..., Any]


@pytest.fixture
async def ask(filled: tuple[Logins, FileStore]) -> AsyncIterator[Ask]:
    logins, files = filled
    database = Database(logins.reader_url, logins.writer_url, pool_size=4)

    async def answer(process: str, role: str = "administrator", **inputs: Any) -> Answer:
        return await ANALYSES[process].answer(inputs, await view_of(database, role, files))

    yield answer
    await database.close()


async def test_a_profile_of_the_plane_is_a_straight_line(ask: Ask) -> None:
    corners = [(50.0, 50.0), (450.0, 50.0), (450.0, 350.0)]
    answer = await ask("terrain-profile", line={"type": "LineString", "coordinates": lonlat(corners)})
    found = answer.summary
    rows = {round(row[0]): row for row in answer.tables[1].rows}
    assert found["length_m"] == pytest.approx(700, abs=0.3)
    assert (found["lowest_m"], found["highest_m"]) == (pytest.approx(515, abs=0.02), pytest.approx(615, abs=0.02))
    assert found["climb_m"] == pytest.approx(100, abs=0.02)
    assert (found["descent_m"], found["unknown_points"]) == (0.0, 0)
    assert found["height_datum"] == "EPSG:5737"
    assert found["source_cells_m"] == [pytest.approx(5, abs=0.01)]
    assert rows[200][1] == pytest.approx(535, abs=0.1)
    assert rows[200][2] == pytest.approx(np.degrees(np.arctan(0.1)), abs=0.1)
    assert found["steepest_deg"] == pytest.approx(np.degrees(np.arctan(0.2)), abs=0.3)


async def test_gaps_in_a_profile_are_gaps(ask: Ask) -> None:
    answer = await ask("terrain-profile", line={"type": "LineString", "coordinates": lonlat([(50, 600), (50, 790)])})
    assert answer.summary["unknown_points"] > 10
    assert answer.summary["climb_m"] is answer.summary["surface_length_m"] is None
    assert None in [row[1] for row in answer.tables[1].rows]
    assert any("没有高程" in note for note in answer.summary["notes"])


async def test_a_line_due_east_or_north_is_a_line_like_any_other(ask: Ask) -> None:
    lon, lat = lonlat([(100.0, 300.0)])[0]
    for end in ([lon + 0.002, lat], [lon, lat + 0.002], [lon + 1.0, lat]):
        found = (await ask("terrain-profile", line={"type": "LineString", "coordinates": [[lon, lat], end]})).summary
        assert found["lowest_m"] <= plane(np.array(100.0), np.array(300.0)) + 0.05 <= found["highest_m"] + 0.1


async def test_slopes_of_plane_and_cone(ask: Ask) -> None:
    flat = (await ask("slope-aspect", area=area_of(100.0, 100.0, 300.0, 200.0))).summary
    assert flat["mean_slope_deg"] == pytest.approx(np.degrees(np.arctan(np.hypot(0.1, 0.2))), abs=0.02)
    assert flat["slope_m2"]["3"] == flat["aspect_m2"]["SW"] == pytest.approx(flat["area_m2"], abs=0.02)
    around = [(1400 + 350 * np.sin(t), 400 + 350 * np.cos(t)) for t in np.linspace(0, 2 * np.pi, 181)]
    disc = {"type": "Polygon", "coordinates": [[*lonlat(around)[:-1], lonlat(around)[0]]]}
    found = (await ask("slope-aspect", area=disc)).summary
    assert found["slope_m2"]["5"] == pytest.approx(found["area_m2"], rel=0.002)
    for name in ("N", "NE", "E", "SE", "S", "SW", "W", "NW"):
        assert found["aspect_m2"][name] == pytest.approx(found["area_m2"] / 8, rel=0.01)
    assert sum(found["aspect_m2"].values()) == pytest.approx(found["area_m2"], abs=0.02)
    assert found["cell_m"] == pytest.approx(5, abs=0.01)


async def test_cut_and_fill_of_plane_and_cone(ask: Ask) -> None:
    level = (await ask("cut-fill", area=area_of(101.0, 103.0, 297.0, 201.0))).summary
    middle = plane(np.array(101 + 297 / 2), np.array(103 + 201 / 2))
    assert level["design_height_m"] == level["mean_height_m"] == pytest.approx(middle, abs=0.01)
    assert level["cut_m3"] == pytest.approx(level["fill_m3"], rel=1e-6)
    x, y = np.meshgrid(101 + (np.arange(2970) + 0.5) / 10, 103 + (np.arange(2010) + 0.5) / 10)
    expected = np.maximum(plane(x, y) - middle, 0).mean() * level["area_m2"]
    assert level["cut_m3"] == pytest.approx(expected, rel=0.002)
    low = (await ask("cut-fill", area=area_of(101.0, 103.0, 297.0, 201.0), height_m=400.0)).summary
    assert (low["fill_m3"], low["balance_m3"]) == (0.0, low["cut_m3"])
    assert low["cut_m3"] == pytest.approx((middle - 400) * level["area_m2"], rel=1e-4)
    tip = 900 - np.tan(np.radians(30)) * 200
    peak = (await ask("cut-fill", area=area_of(1150.0, 150.0, 500.0, 500.0), height_m=float(tip))).summary
    assert peak["cut_m3"] == pytest.approx(np.pi * 200**2 * (900 - tip) / 3, rel=0.005)


async def test_places_without_heights_and_wrong_input(ask: Ask) -> None:
    partly = (await ask("cut-fill", area=area_of(60.0, 650.0, 100.0, 100.0))).summary
    assert partly["unknown_m2"] == pytest.approx(40 * 50 + 0, rel=0.02)
    assert partly["cut_m3"] is partly["design_height_m"] is None
    for process in ("cut-fill", "slope-aspect"):
        with pytest.raises(BadRequest, match="no heights there"):
            await ask(process, area=area_of(5_000.0, 0.0, 50.0, 50.0))
        with pytest.raises(BadRequest, match="no layer 'dem' that you may see"):
            await ask(process, "viewer", area=area_of(100.0, 100.0, 50.0, 50.0))
    with pytest.raises(BadRequest, match="no heights there"):
        await ask("terrain-profile", line={"type": "LineString", "coordinates": lonlat([(5_000, 0), (5_100, 0)])})
    with pytest.raises(BadRequest, match="two points or more"):
        await ask("terrain-profile", line={"type": "LineString", "coordinates": lonlat([(0, 0)])})
    with pytest.raises(BadRequest, match="no length"):
        await ask("terrain-profile", line={"type": "LineString", "coordinates": lonlat([(9, 9), (9, 9)])})
    with pytest.raises(BadRequest, match="latitude first"):
        await ask("terrain-profile", line={"type": "LineString", "coordinates": [[30.98, 103.95], [30.99, 103.95]]})


def test_shares_of_cells_sum_to_the_area() -> None:
    rng = np.random.default_rng(7)
    for _ in range(20):
        shape = shapely.convex_hull(shapely.MultiPoint(rng.uniform(0, 300, (8, 2))))
        shape = shapely.difference(shape, shapely.box(100, 100, 160, 140))
        lattice = lattice_over(np.array([shape]), 4544, float(rng.uniform(2, 30)))
        shares = cell_shares(shape, lattice)
        assert shares.sum() * lattice.cell_m**2 == pytest.approx(shape.area, rel=1e-9)
        assert shares.max() <= 1 + 1e-9
        assert not shares[0].any()
        assert not shares[:, 0].any()
