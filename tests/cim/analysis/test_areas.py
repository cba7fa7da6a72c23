"""The survey's ellipsoidal area, in Python and in SQL, against 40 digits and against a geodesic library."""

import numpy as np
import pytest
import shapely
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import Geod
from trapezoids import area_m2

from cim.model.ellipsoid import ellipsoidal_areas_m2
from cim.store.database import Database

CELL = shapely.box(103.94, 30.98, 103.95, 30.99)
CELL_M2 = 1_059_013.882


def ours(*shapes: shapely.Geometry) -> np.ndarray:
    return ellipsoidal_areas_m2(np.array(shapes, dtype=object))


def star(rng: np.random.Generator, size_deg: float, corners: int) -> shapely.Polygon:
    """A ragged polygon with a hole somewhere in the county."""
    lon, lat = rng.uniform(103.7, 104.1), rng.uniform(30.95, 31.4)
    angle = np.sort(rng.uniform(0, 2 * np.pi, corners))
    reach = size_deg * rng.uniform(0.4, 1.0, corners)
    outer = np.column_stack([lon + reach * np.cos(angle), lat + reach * np.sin(angle)])
    hole = np.column_stack([lon + reach * 0.2 * np.cos(angle), lat + reach * 0.2 * np.sin(angle)])
    whole = shapely.make_valid(shapely.Polygon(outer, [hole[::-1]]))
    parts = [part for part in shapely.get_parts(whole) if part.geom_type == "Polygon"]
    return max(parts, key=shapely.area)


def test_the_published_cell() -> None:
    assert ours(CELL)[0] == pytest.approx(CELL_M2, abs=0.001)
    assert area_m2(CELL) == pytest.approx(CELL_M2, abs=0.001)
    geodesic, _ = Geod(a=6378137, rf=298.257222101).geometry_area_perimeter(shapely.segmentize(CELL, 0.0001))
    assert abs(geodesic) == pytest.approx(CELL_M2, abs=0.01)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6), st.floats(0.0002, 0.02), st.integers(5, 60))
def test_ragged_polygons_with_holes_against_forty_digits(seed: int, size: float, corners: int) -> None:
    shape = star(np.random.default_rng(seed), size, corners)
    exact = area_m2(shape)
    assert ours(shape)[0] == pytest.approx(exact, rel=1e-12, abs=1e-6)


def test_other_kinds_have_no_area_and_do_not_shift_their_neighbours() -> None:
    point, line = shapely.Point(104, 31), shapely.LineString([(104, 31), (104.1, 31)])
    mixed = shapely.GeometryCollection([CELL, point, line])
    areas = ours(
        point, CELL, line, mixed, shapely.Polygon(), shapely.MultiPolygon([CELL, shapely.box(104, 31, 104.1, 31.1)])
    )
    assert areas[[0, 2, 4]].tolist() == [0, 0, 0]
    assert areas[1] == areas[3]
    assert areas[5] > areas[1]


async def test_sql_and_python_agree(database: Database) -> None:
    rng = np.random.default_rng(7)
    shapes = [star(rng, size, n) for size in (0.0002, 0.002, 0.02, 0.2) for n in (5, 40, 400) for _ in range(8)]
    shapes += [shapely.MultiPolygon([star(rng, 0.01, 9), CELL]), shapely.Polygon(), shapely.Point(104, 31)]
    query = sa.text("SELECT cim.ellipsoidal_area(ST_GeomFromWKB(:shape, 4490))")
    async with database.writing("test") as connection:
        found = [await connection.scalar(query, {"shape": shapely.to_wkb(shape)}) for shape in shapes]
        nothing = await connection.scalar(sa.text("SELECT cim.ellipsoidal_area(NULL)"))
    assert nothing is None
    for shape, sql, python in zip(shapes, found, ours(*shapes), strict=True):
        assert sql == pytest.approx(python, rel=1e-12, abs=1e-6), shape


async def test_sql_takes_plane_coordinates_to_degrees_first(database: Database) -> None:
    query = sa.text("SELECT cim.ellipsoidal_area(ST_Transform(ST_GeomFromWKB(:shape, 4490), 4523))")
    async with database.writing("test") as connection:
        assert await connection.scalar(query, {"shape": shapely.to_wkb(CELL)}) == pytest.approx(CELL_M2, abs=0.01)
