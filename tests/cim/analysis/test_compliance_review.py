"""A review of the sample city against sums made from its files, and every way a rule can come out."""

from collections.abc import Awaitable, Callable
from datetime import date
from pathlib import Path
from typing import Any

import geopandas
import numpy as np
import pytest
import shapely
import sqlalchemy as sa
from publishing import publish_rows, schema, square
from trapezoids import area_m2

from cim.analysis.analysis import Analysis
from cim.analysis.compliance_review.levels import MEASURE_NAMES, acts_table
from cim.analysis.compliance_review.rules import NAME, check_names, read_rules
from cim.analysis.context import Context
from cim.analysis.registry import the_analysis
from cim.analysis.rule_sets import RuleText, shipped_rules
from cim.errors import BadRequest, NotFound
from cim.model.access import Grade
from cim.model.analysis import Answer, Finding, Table
from cim.model.redline import RedLine, RedLineParcel, moved
from cim.store.database import Database
from cim.store.redlines import keep_redline
from layers.catalog import Catalog

SAMPLES = Path(__file__).parents[3] / "data_samples" / "small"
REVIEW: Analysis[Any] = the_analysis("compliance-review")
SITE = shapely.Polygon([(103.940, 30.980), (103.9475, 30.9805), (103.9470, 30.9868), (103.9395, 30.9860)])
View = Callable[..., Awaitable[Context]]


def geojson(shape: shapely.Geometry) -> dict[str, Any]:
    return dict(shapely.geometry.mapping(shape))


def finding(answer: Answer, rule: str) -> Finding:
    return next(found for found in answer.findings if found.rule == rule)


def table(answer: Answer, name: str) -> Table:
    return next(found for found in answer.tables if found.id == name)


def column(found: Table, name: str) -> list[Any]:
    place = [known.name for known in found.columns].index(name)
    return [row[place] for row in found.rows]


def sample(name: str) -> geopandas.GeoDataFrame:
    return geopandas.read_file(SAMPLES / name, encoding="GBK" if name.endswith(".shp") else None)


async def test_areas_by_class_equal_an_independent_overlay_of_the_files(city: Database, view: View) -> None:
    answer = await REVIEW.answer({"area": geojson(SITE)}, await view(city))
    found = table(answer, "land_status")
    parcels = sample("land_status.shp")
    degrees = moved(parcels.geometry.to_numpy(), 4523, 4490)
    near = shapely.STRtree(degrees).query(SITE, predicate="intersects")
    sums: dict[str, float] = {}
    register: dict[str, float] = {}
    for place in near:
        part = area_m2(SITE.intersection(degrees[place]))
        code, whole = parcels["DLBM"][place], float(parcels["TBMJ"][place])
        sums[code] = sums.get(code, 0.0) + part
        register[code] = register.get(code, 0.0) + whole * part / area_m2(degrees[place])
    sums, register = ({k: v for k, v in each.items() if v > 0} for each in (sums, register))
    factor = answer.summary["closure"]["factor"]
    assert column(found, "code") == sorted(sums)
    for code, computed, registered in zip(
        column(found, "code"), column(found, "computed_m2"), column(found, "register_m2"), strict=True
    ):
        assert computed / factor == pytest.approx(sums[code], abs=0.02)
        assert registered == pytest.approx(register[code], abs=0.02)
    assert sum(round(value * 100) for value in column(found, "computed_m2")) == round(area_m2(SITE) * 100)
    assert answer.summary["closure"]["relative"] <= 1e-7


async def test_a_red_line_in_metres_is_laid_over_in_metres(city: Database, view: View) -> None:
    plane = moved(np.array([SITE], dtype=object), 4490, 4523)
    red_line = RedLine(4523, (RedLineParcel("1", "一号", plane[0], 492_000.0),), "测试")
    async with city.writing("test") as connection:
        redline = await keep_redline(connection, red_line, "王工")
    answer = await REVIEW.answer({"area": redline}, await view(city))
    parcels = sample("land_status.shp")
    shapes = parcels.geometry.to_numpy()
    near = shapely.STRtree(shapes).query(plane[0], predicate="intersects")
    pieces = np.array([plane[0].intersection(shapes[k]) for k in near], dtype=object)
    paddy = [part for part, k in zip(moved(pieces, 4523, 4490), near, strict=True) if parcels["DLBM"][k] == "0101"]
    found = table(answer, "land_status")
    computed = dict(zip(column(found, "code"), column(found, "computed_m2"), strict=True))
    assert computed["0101"] / answer.summary["closure"]["factor"] == pytest.approx(sum(map(area_m2, paddy)), abs=0.02)
    (row,) = table(answer, "parcels").rows
    assert row[:3] == ("1", "一号", 492_000.0)
    assert row[4] == pytest.approx(answer.summary["area_m2"] - 492_000.0, abs=0.006)


async def test_basic_farmland_is_refused_with_patches_clause_and_state_level(city: Database, view: View) -> None:
    answer = await REVIEW.answer({"area": geojson(SITE)}, await view(city))
    found = finding(answer, "basic-farmland")
    farmland = moved(sample("basic_farmland.shp").geometry.to_numpy(), 4523, 4490)
    inside = sum(area_m2(SITE.intersection(shape)) for shape in farmland[shapely.intersects(SITE, farmland)])
    assert (found.verdict, found.limit, found.unit) == ("not", 0, "m2")
    assert found.measured == pytest.approx(inside, abs=0.02)
    assert "第三十五条" in found.clause
    assert "永久基本农田 第1版" in found.edition
    assert sum(column(table(answer, "patches-basic-farmland"), "inside_m2")) == pytest.approx(inside, abs=0.02)
    acts = {row[0]: row[1:3] for row in table(answer, "acts").rows}
    assert acts["农用地转用"] == ("需要", "国务院")
    assert acts["土地征收"] == ("需要", "国务院")
    assert answer.summary["verdict"] == "not"


async def test_a_layer_that_is_not_there_is_never_a_pass(city: Database, view: View) -> None:
    answer = await REVIEW.answer({"area": geojson(SITE)}, await view(city))
    missing = [found for found in answer.findings if found.layer in ("mineral_rights", "land_supply", "heritage_zones")]
    assert len(missing) == 3
    assert {found.verdict for found in missing} == {"not-assessed"}
    assert all("未入库" in found.message for found in missing)


async def test_what_a_role_may_not_see_is_not_assessed_either(city: Database, view: View) -> None:
    answer = await REVIEW.answer({"area": geojson(SITE)}, await view(city, "anonymous"))
    assert {found.verdict for found in answer.findings} == {"not-assessed"}
    assert table(answer, "land_status").rows == []
    assert answer.summary["measures"]["basic_farmland_m2"] is None
    assert {row[1] for row in table(answer, "acts").rows[1:]} == {"不能判定"}


async def test_beyond_the_county_nothing_passes(city: Database, view: View) -> None:
    outside = shapely.box(104.30, 30.60, 104.305, 30.605)
    answer = await REVIEW.answer({"area": geojson(outside)}, await view(city))
    assert not {"conforms", "not"} & {found.verdict for found in answer.findings if found.rule != "urban-boundary"}
    assert finding(answer, "land-status").measured == pytest.approx(answer.summary["area_m2"], abs=0.02)
    assert {row[1] for row in table(answer, "acts").rows} == {"不能判定"}


async def test_the_map_shows_what_lies_outside_the_urban_boundary(city: Database, view: View) -> None:
    answer = await REVIEW.answer({"area": geojson(SITE)}, await view(city))
    boundary = shapely.union_all(sample("urban_boundary.geojson").geometry.to_numpy())
    outside = [place for place in answer.places if place.properties.get("rule") == "urban-boundary"]
    shown = sum(area_m2(shapely.geometry.shape(place.geometry)) for place in outside)
    assert shown == pytest.approx(area_m2(SITE.difference(boundary)), abs=0.05)
    assert shown == pytest.approx(answer.summary["area_m2"] * (1 - finding(answer, "urban-boundary").measured), abs=1)


async def test_plan_use_and_limits(city: Database, view: View) -> None:
    plans = sample("plan_parcels.gpkg")
    homes = plans[plans["use_code"] == "070102"].iloc[0]
    inside = shapely.buffer(homes.geometry, -0.0001)
    asked = {
        "area": geojson(shapely.get_parts(inside)[0]),
        "use": "0701",
        "far": homes["far"],
        "height_m": homes["height_limit_m"],
    }
    context = await view(city)
    fits = await REVIEW.answer(asked, context)
    assert [finding(fits, rule).verdict for rule in ("plan-use", "plan-far", "plan-height")] == ["conforms"] * 3
    over = await REVIEW.answer(
        {**asked, "use": "1001", "far": homes["far"] + 0.01, "height_m": homes["height_limit_m"] + 1}, context
    )
    assert [finding(over, rule).verdict for rule in ("plan-use", "plan-far", "plan-height")] == ["not"] * 3
    unsaid = await REVIEW.answer({"area": asked["area"]}, context)
    assert [finding(unsaid, rule).verdict for rule in ("plan-use", "plan-far")] == ["not-assessed"] * 2


async def test_the_same_editions_give_the_same_numbers_after_the_data_changed(database: Database, view: View) -> None:
    """On a database of its own: a review again under the versions it names."""

    layer = schema("eco_redline")
    await publish_rows(database, [("a", 1.0, square(103.9, 30.9))], layer=layer, grade=Grade.INTERNAL)
    asked = {"area": geojson(shapely.box(103.9, 30.9, 103.9005, 30.9005))}
    before = await REVIEW.answer(asked, await view(database))
    await publish_rows(database, [("b", 1.0, square(104.0, 31.0))], layer=layer)
    after = await REVIEW.answer(asked, await view(database))
    pinned = {**asked, "data_versions": {"eco_redline": 1}}
    again = await REVIEW.answer(pinned, await view(database, **pinned))
    assert finding(before, "ecological-red-line").measured > 1000
    assert finding(after, "ecological-red-line").measured == 0
    assert finding(again, "ecological-red-line") == finding(before, "ecological-red-line")


def ring(*points: Any) -> dict[str, Any]:
    return {"type": "Polygon", "coordinates": [[list(point) for point in points]]}


A, B, C, D = (103.9, 31), (103.91, 31), (103.91, 31.01), (103.9, 31.01)
METRES = [(35400000, 3430000), (35400100, 3430000), (35400100, 3430100)]
BAD: dict[str, tuple[Any, str, str]] = {
    "open ring": (ring(A, B, C, D), "open", "parcel 1"),
    "crossing": (ring(A, C, B, D, A), "lines cross at longitude 103.905", "parcel 1"),
    "swapped": (ring(A[::-1], B[::-1], C[::-1], A[::-1]), "latitude first", "parcel 1"),
    "metres": (ring(*METRES, METRES[0]), "in metres", "parcel 1"),
    "abroad": (ring((2, 48), (2.1, 48), (2.1, 48.1), (2, 48)), "not in China", "parcel 1"),
    "a line": ({"type": "LineString", "coordinates": [A, B]}, "not an area", "parcel 1"),
    "nothing": ({"type": "FeatureCollection", "features": []}, "no polygon", "area"),
    "no GeoJSON": (7, "not GeoJSON", "area"),
    "too few": (ring(A, B, A), "3 points", "parcel 1"),
    "no numbers": (ring(("a", 31), B, C, ("a", 31)), "not a point", "parcel 1"),
}


@pytest.mark.parametrize("case", BAD)
async def test_bad_areas_name_parcel_and_point(database: Database, view: View, case: str) -> None:
    area, words, where = BAD[case]
    with pytest.raises(BadRequest) as caught:
        await REVIEW.answer({"area": area}, await view(database))
    assert words in caught.value.what
    assert caught.value.where == where
    assert caught.value.remedy


async def test_overlapping_parcels_and_too_many_corners(database: Database, view: View) -> None:
    features = [
        {
            "type": "Feature",
            "geometry": geojson(shapely.box(103.9 + k * 0.005, 31, 103.91 + k * 0.005, 31.01)),
            "properties": {"parcel_no": f"地{k}"},
        }
        for k in range(2)
    ]
    context = await view(database)
    with pytest.raises(BadRequest, match="overlaps parcel 地1 by") as caught:
        await REVIEW.answer({"area": {"type": "FeatureCollection", "features": features}}, context)
    assert caught.value.where == "parcel 地0"
    angle = np.linspace(0, 2 * np.pi, 100_001)[:-1]
    circle = shapely.Polygon(np.column_stack([103.9 + 0.01 * np.cos(angle), 31 + 0.01 * np.sin(angle)]))
    with pytest.raises(BadRequest, match="100001 corner points"):
        await REVIEW.answer({"area": geojson(circle)}, context)


async def test_unknown_inputs_red_lines_and_editions(database: Database, view: View) -> None:
    context = await view(database)
    with pytest.raises(BadRequest) as caught:
        await REVIEW.answer({"area": geojson(SITE), "colour": "red"}, context)
    assert caught.value.where == "inputs.colour"
    with pytest.raises(NotFound, match="rl_none"):
        await REVIEW.answer({"area": "rl_none"}, context)
    with pytest.raises(NotFound, match="no edition 9"):
        await REVIEW.answer({"area": geojson(SITE), "rules": 9}, context)
    async with database.writing("test") as connection:
        assert await connection.scalar(sa.text("SELECT count(*) FROM cim.redline")) == 0


def test_the_shipped_rules_name_only_layers_fields_and_lists_that_are_defined(shipped: Catalog) -> None:
    rules = read_rules(shipped_rules(NAME))
    check_names(rules, {name: frozenset(f.name for f in known.fields) for name, known in shipped.layers.items()})
    assert rules.three_way in shipped.crosswalks
    assert {rules.land_layer, rules.basic_farmland_layer, rules.bounds_layer} <= set(shipped.layers)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('layer = "eco_redline"', 'layer = "no_such"', "rule ecological-red-line: there is no layer 'no_such'"),
        ('field = "far"', 'field = "height"', "rule plan-far: the layer plan_parcels has no field 'height'"),
        ('test = "near"', 'test = "far-off"', "rule.geological-hazard.test"),
        ("distance_m = 200", "distance = 200", "rule.geological-hazard.distance"),
        ('id = "flash-flood"', 'id = "basic-farmland"', "rule basic-farmland stands twice"),
        ("sliver_m2 = 1.0", "sliver_m2 = ", "line"),
    ],
)
def test_rules_that_cannot_be_used_name_the_entry(shipped: Catalog, old: str, new: str, words: str) -> None:
    text = shipped_rules(NAME).text
    assert old in text
    fields = {name: frozenset(f.name for f in known.fields) for name, known in shipped.layers.items()}
    with pytest.raises(BadRequest) as caught:
        check_names(read_rules(RuleText(NAME, 1, text.replace(old, new, 1))), fields)
    assert words in caught.value.what


@pytest.mark.parametrize(
    ("figures", "authority"),
    [
        ({"collective_arable_outside_basic_farmland_m2": 350_000.0}, "四川省人民政府"),
        ({"collective_arable_outside_basic_farmland_m2": 350_000.01}, "国务院"),
        ({"collective_other_m2": 700_000.0}, "四川省人民政府"),
        ({"collective_other_m2": 700_000.01}, "国务院"),
        ({"collective_basic_farmland_m2": 0.01}, "国务院"),
        ({"collective_basic_farmland_m2": None}, "不能判定"),
    ],
)
def test_over_a_limit_is_not_at_it(figures: dict[Any, float | None], authority: str) -> None:
    found: dict[Any, float | None] = {**dict.fromkeys(MEASURE_NAMES, 0.0), "collective_m2": 1.0, **figures}
    table_of_acts = acts_table(read_rules(shipped_rules(NAME)), found, date(2026, 1, 1), "county", "510182")
    acts = {row[0]: row for row in table_of_acts.rows}
    assert acts["土地征收"][2] == authority
    assert acts["农用地转用"][1] == "不需要"


@pytest.mark.parametrize(("on", "region"), [(date(2019, 12, 31), "510182"), (date(2026, 1, 1), "110101")])
def test_acts_hold_in_their_time_and_region_only(on: date, region: str) -> None:
    found: dict[Any, float | None] = dict.fromkeys(MEASURE_NAMES, 1.0)
    rows = acts_table(read_rules(shipped_rules(NAME)), found, on, "county", region).rows
    assert {row[1] for row in rows} == {"不能判定"}
