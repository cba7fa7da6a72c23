"""Transitions of the sample city's land against a plain overlay of the two files, and of any land at all."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import geopandas
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from trapezoids import area_m2

from cim.analysis.analysis import Analysis
from cim.analysis.context import Context
from cim.analysis.registry import the_analysis
from cim.analysis.transition_matrix import Side, transition
from cim.analysis.transition_tables import matrix_table
from cim.errors import BadRequest, NotFound
from cim.model.analysis import Table
from cim.model.ellipsoid import ellipsoidal_areas_m2
from cim.model.redline import moved
from cim.store.database import Database

SAMPLES = Path(__file__).parents[4] / "data_samples" / "small"
MATRIX: Analysis[Any] = the_analysis("transition-matrix")
View = Callable[..., Awaitable[Context]]


def cells(table: Table) -> dict[tuple[str, str], float]:
    names = [column.name for column in table.columns]
    return {
        (row[0], name.removeprefix("to_")): value
        for row in table.rows
        for name, value in zip(names[2:], row[2:], strict=True)
        if value is not None
    }


def lonlat_area(shape: shapely.Geometry) -> float:
    (degrees,) = moved(np.array([shape], dtype=object), 4523, 4490)
    return area_m2(degrees)


def before() -> geopandas.GeoDataFrame:
    return geopandas.read_file(SAMPLES / "land_status.shp", encoding="GBK")


def sums_close(table: Table) -> None:
    """Rows and columns sum up to the totals in whole hundredths of a square metre."""
    body = [row for row in table.rows if row[0] not in ("none", "total")]
    for row in body:
        assert sum(round(value * 100) for value in row[2:-1]) == round(row[-1] * 100)
    total = table.rows[-1]
    for place in range(2, len(table.columns) - 2):
        rows = [*body, table.rows[-2]]
        assert sum(round(row[place] * 100) for row in rows) == round(total[place] * 100)


async def test_every_cell_equals_an_independent_overlay(business: Database, view: View, changed: Any) -> None:
    answer = await MATRIX.answer({"from_version": 1, "to_version": 2}, await view(business))
    (matrix, listed) = answer.tables
    found = cells(matrix)
    old, new = before(), changed
    tree = shapely.STRtree(new.geometry.to_numpy())
    same = {shape.wkb: code for shape, code in zip(new.geometry, new["DLBM"], strict=True)}
    pairs: list[tuple[str, str]] = []
    pieces: list[shapely.Geometry] = []
    for shape, code in zip(old.geometry, old["DLBM"], strict=True):
        known = same.get(shape.wkb)
        near = [] if known else tree.query(shape, predicate="intersects")
        pairs += [(code, known)] if known else [(code, new["DLBM"][k]) for k in near]
        pieces += [shape] if known else [shape.intersection(new.geometry[k]) for k in near]
    expected: dict[tuple[str, str], float] = {}
    for pair, area in zip(pairs, areas(pieces), strict=True):
        expected[pair] = expected.get(pair, 0.0) + area
    expected = {pair: area for pair, area in expected.items() if area > 0}
    for pair, area in expected.items():
        assert found[pair] == pytest.approx(area, abs=0.02), pair
    sums_close(matrix)
    assert answer.summary["before_m2"] == pytest.approx(areas(old.geometry).sum(), abs=0.05)
    gone = old[~old["BSM"].isin(new["BSM"])]
    assert found["0301", "none"] == pytest.approx(sum(map(lonlat_area, gone.geometry)), abs=0.02)
    assert {row[0] for row in listed.rows} == {"0101", "0102"}
    assert {(place.properties["from"], place.properties["to"]) for place in answer.places} == {
        ("0101", "0601"),
        ("0102", "1104"),
    }


def areas(shapes: Any) -> np.ndarray:
    return ellipsoidal_areas_m2(moved(np.array(list(shapes), dtype=object), 4523, 4490))


async def test_levels_sum_up_the_same_changes(business: Database, view: View) -> None:
    context = await view(business)
    second = await MATRIX.answer({}, context)
    first = cells((await MATRIX.answer({"level": "first"}, context)).tables[0])
    three = cells((await MATRIX.answer({"level": "three-way"}, context)).tables[0])
    found = cells(second.tables[0])
    assert first["01", "06"] == pytest.approx(found["0101", "0601"], abs=0.02)
    assert three["agricultural", "construction"] == pytest.approx(found["0101", "0601"], abs=0.02)
    arable = sum(area for (a, b), area in found.items() if a[:2] == b[:2] == "01")
    assert first["01", "01"] == pytest.approx(arable, abs=0.05)


async def test_an_area_cuts_both_sides(business: Database, view: View, changed: Any) -> None:
    old = before()
    shape = moved(np.array([old[old["DLBM"] == "0101"].geometry.iloc[7]], dtype=object), 4523, 4490)[0]
    west, south, east, north = shape.bounds
    half = shapely.box(west - 0.002, south - 0.002, (west + east) / 2, north + 0.002)
    answer = await MATRIX.answer({"area": dict(shapely.geometry.mapping(half))}, await view(business))
    found = cells(answer.tables[0])
    sums_close(answer.tables[0])
    (plane,) = moved(np.array([half], dtype=object), 4490, 4523)
    fields = old[(old["DLBM"] == "0101") & old["BSM"].isin(changed[changed["DLBM"] == "0601"]["BSM"])].geometry
    expected = areas(fields.intersection(plane)).sum()
    assert found["0101", "0601"] == pytest.approx(expected, abs=0.02)
    assert expected > 10


@pytest.mark.parametrize(
    ("inputs", "word"),
    [
        ({"from_version": 2, "to_version": 2}, "from version 2 to version 2"),
        ({"from_version": 2, "to_version": 1}, "from version 2 to version 1"),
        ({"to_version": 1}, "from version 0"),
        ({"from_at": "2001-01-01T00:00:00+08:00"}, "from version 0"),
        ({"from_at": "2001-01-01T00:00:00"}, "no zone"),
        ({"from_at": "2001-01-01T00:00:00Z", "from_version": 1}, "not both"),
        ({"level": "third"}, "three-way"),
        ({"area": {"type": "Point", "coordinates": [104, 31]}}, "not an area"),
    ],
)
async def test_bad_input_is_named(business: Database, view: View, inputs: dict[str, Any], word: str) -> None:
    with pytest.raises(BadRequest, match=word):
        await MATRIX.answer(inputs, await view(business))


async def test_a_version_that_is_not_there(business: Database, view: View) -> None:
    with pytest.raises(NotFound):
        await MATRIX.answer({"to_version": 9}, await view(business))


async def test_without_land_status_there_is_no_matrix(database: Database, view: View) -> None:
    with pytest.raises(BadRequest, match="land_status"):
        await MATRIX.answer({}, await view(database))


def squares(count: int, codes: list[str], shift: float) -> Side:
    shapes = np.array(
        [shapely.box(104 + 0.001 * k + shift, 31, 104.001 + 0.001 * k + shift, 31.001) for k in range(count)],
        dtype=object,
    )
    return Side(shapes, codes, ellipsoidal_areas_m2(shapes))


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_rows_and_columns_close_whatever_lies_where(data: st.DataObject) -> None:
    classes = st.sampled_from(["0101", "0601", "1104"])
    left, right = (data.draw(st.lists(classes, min_size=0, max_size=6)) for _ in range(2))
    shift = data.draw(st.floats(-0.004, 0.004))
    kept = data.draw(st.dictionaries(classes, st.floats(0, 1e6)))
    found, _ = transition(squares(len(left), left, 0.0), squares(len(right), right, shift), kept, 4490)
    sums_close(matrix_table(found, {}))
    assert sum(found.before_m2.values()) == pytest.approx(
        sum(kept.values()) + ellipsoidal_areas_m2(squares(len(left), left, 0.0).shapes).sum()
    )
