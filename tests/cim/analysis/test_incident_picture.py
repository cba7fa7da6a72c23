"""The picture of an incident against sums made by hand on a made city, and general laws of rings."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyproj
import pytest
from clones import Clones
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from made_city import area_of, lonlat, put, view_of
from made_devices import make_devices
from models import SRID, building, import_made, placement

from cim.analysis.context import Context
from cim.analysis.incident_picture.parameters import time_of_day
from cim.analysis.registry import ANALYSES
from cim.errors import BadRequest, NotFound
from cim.model.access import Grade
from cim.model.analysis import Answer, Verdict
from cim.model.devices import Device
from cim.store.cluster_logins import Logins
from cim.store.database import Database, run

VILLAGE, COUNTY = "510182001001", (-5_000.0, -5_000.0, 10_000.0, 10_000.0)
ADULTS = {"age_0_6": 0, "age_7_17": 0, "age_60": 0, "mobility": 0}


def house(code: str, use: str = "residential", floors: int | None = 2, village: str = VILLAGE) -> dict[str, Any]:
    return {"building_code": code, "use": use, "floors": floors, "village_code": village}


def record(code: str, persons: int | None, day: int, households: int, **ages: int) -> dict[str, Any]:
    facts = {"building_code": code, "persons": persons, "day_persons": day, "households": households}
    return {"record_id": f"P-{code}", "village_code": VILLAGE, **facts, **ADULTS, **ages}


HOUSES = [
    (house("near"), (50.0, 0.0, 20.0, 10.0)),
    (house("cut"), (90.0, 0.0, 20.0, 0.02)),
    (house("middle"), (150.0, 0.0, 10.0, 10.0)),
    (house("shop", "commercial"), (0.0, 150.0, 10.0, 10.0)),
    (house("silent"), (0.0, -170.0, 20.0, 10.0)),
    (house("far"), (400.0, 0.0, 10.0, 10.0)),
]
RECORDS = [
    (record("near", 40, 10, 12, age_0_6=4, age_7_17=6, age_60=12, mobility=3), (60.0, 5.0)),
    (record("cut", 100, 50, 30), (95.0, 0.01)),
    (record("middle", 20, 8, 6, age_60=10), (155.0, 5.0)),
    (record("far", 1_000, 500, 300), (405.0, 5.0)),
    (record("lost", 7, 7, 2), (-30.0, 0.0)),
]
RADII = [100.0, 200.0]


async def fill(logins: Logins, folder: Path) -> None:
    city = Database(logins.reader_url, logins.writer_url, pool_size=4)
    await put(city, folder, "admin_county", [({"code": "510182", "name": "彭州市"}, COUNTY)])
    town = {"code": "510182001", "name": "天彭街道", "county_code": "510182"}
    await put(city, folder, "admin_town", [(town, COUNTY)])
    village = {"code": VILLAGE, "name": "甲村", "town_code": "510182001"}
    await put(city, folder, "admin_village", [(village, COUNTY)])
    await put(city, folder, "buildings", HOUSES)
    await put(city, folder, "population", RECORDS)
    firms = [
        ({"id": "O1", "name": "甲厂", "industry": "C", "employees": 30, "building_code": "shop"}, (5.0, 155.0)),
        ({"id": "O2", "name": "乙店", "industry": "F", "employees": 4, "building_code": "near"}, (60.0, 5.0)),
        ({"id": "O3", "name": "远厂", "industry": "C", "employees": 900, "building_code": "far"}, (405.0, 5.0)),
    ]
    await put(city, folder, "organisations", firms)
    schools = [
        ({"id": "S1", "name": "甲小学", "level": "primary", "students": 200}, (0.0, 120.0)),
        ({"id": "S2", "name": "乙小学", "level": "primary", "students": None}, (0.0, -50.0)),
        ({"id": "S3", "name": "远小学", "level": "primary", "students": 500}, (0.0, 900.0)),
    ]
    await put(city, folder, "schools", schools)
    teams = [
        ({"id": f"T{n}", "name": f"队{n}", "kind": "medical", "members": n}, (300.0 * n, 0.0)) for n in range(1, 6)
    ]
    await put(city, folder, "rescue_teams", teams)
    await put(
        city, folder, "water", [({"water_code": "W1", "class": "river", "name": "湔江"}, (-300.0, 50.0, 600.0, 10.0))]
    )
    camera = {"gb_code": "51018200001325000001", "name": "路口", "kind": "bullet", "bearing": 0, "fov": 90}
    seeing = {"range_m": 150, "height_m": 6.0, "status": "online"}
    await put(city, folder, "cameras", [({**camera, **seeing}, (0.0, -60.0))])
    lon, lat = lonlat([(10.0, 10.0)])[0]
    await make_devices(city, [Device("D1", "gas", "气体探头", grade=Grade.PUBLIC, lon=lon, lat=lat)])
    way = pyproj.Transformer.from_crs(4490, SRID, always_xy=True)
    await import_made(city, building("楼", 3, placement(*way.transform(lon, lat))), "tower")
    await city.close()


@pytest.fixture(scope="module")
def filled(clones: Clones, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Logins]:
    """A database with a handful of houses around a place."""
    with clones.made() as logins:
        run(fill(logins, tmp_path_factory.mktemp("picture")))
        yield logins


@pytest.fixture
async def city(filled: Logins) -> AsyncIterator[Database]:
    opened = Database(filled.reader_url, filled.writer_url, pool_size=4)
    yield opened
    await opened.close()


async def ask(context: Context, **inputs: Any) -> Answer:
    given = {"place": list(lonlat([(0.0, 0.0)])[0]), "radii_m": RADII, **inputs}
    if "area" in given:
        del given["place"]
    return await ANALYSES["incident-picture"].answer(given, context)


async def picture(city: Database, role: str = "administrator", **inputs: Any) -> Answer:
    return await ask(await view_of(city, role, None, **inputs), **inputs)


def told(answer: Answer) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for finding in answer.findings:
        found.setdefault(finding.rule, []).append(f"{finding.layer} {finding.message}")
    return found


async def test_night_figures_are_those_worked_out_by_hand(city: Database) -> None:
    answer = await picture(city)
    inner, outer = answer.summary["rings"]
    # the cut house is a line of 20 m that the circle of 100 m halves; the silent home has 160 persons by 560 m2
    floors = 2 * (200 + 100 + 0.4)
    guessed = 160 / floors * 2 * 200 * (1 + 0)
    assert inner["persons"] == (40 + 50 + 7)
    assert outer["persons"] == pytest.approx(50 + 20 + guessed * _known(floors), abs=1.0)
    assert answer.summary["total"]["persons"] == inner["persons"] + outer["persons"]
    assert (inner["children"], inner["elderly"], inner["need_help"]) == (10, 12, 3)
    assert (inner["homes_without_record"], outer["homes_without_record"]) == (0, 1)
    assert (inner["cut_buildings"], outer["cut_buildings"], answer.summary["total"]["cut_buildings"]) == (1, 1, 0)
    people = next(one for one in answer.findings if one.rule == "people")
    assert people.verdict is Verdict.INFORMATION
    assert answer.summary["persons_least"] == 40 + 100 + 20 + 7
    assert answer.summary["persons_most"] == pytest.approx(167 + 2 * guessed * _known(floors), abs=1.5)
    assert "lost" not in str(answer.summary)
    assert told(answer)["records-without-building"]
    assert told(answer)["homes-without-record"]


def _known(floors: float) -> float:
    """The far house is of the same village: it counts for the village's density."""
    whole = 2 * (200 + 100 + 100 + 0.4)
    return (1_160 / whole) / (160 / floors)


async def test_by_day_nobody_is_counted_at_home_and_away(city: Database) -> None:
    answer = await picture(city, time="day")
    total, (inner, outer) = answer.summary["total"], answer.summary["rings"]
    assert (total["employees"], total["students"]) == (34, 200)
    assert (inner["employees"], outer["employees"]) == (4, 30)
    assert inner["at_home"] == 10 + 25 + 7
    assert total["persons"] == total["at_home"] + 34 + 200
    # four employees in a house with ten people at home may be the same people
    assert answer.summary["persons_least"] == 10 + 50 + 8 + 7 + 34 + 200 - 4
    assert any("学校" in text for text in told(answer)["values-missing"])
    assert inner["elderly"] == 10


async def test_facilities_have_distance_and_bearing_and_the_nearest_outside_are_marked(city: Database) -> None:
    answer = await picture(city, nearest=2)
    tables = {table.id: table.document()["rows"] for table in answer.tables}
    teams = tables["rescue_teams"]
    assert [row["name"] for row in teams] == ["队1", "队2"]
    assert {row["ring"] for row in teams} == {"范围外最近"}
    assert [row["distance_m"] for row in teams] == pytest.approx([300, 600], abs=1)
    assert teams[0]["bearing"].startswith("东 ")
    assert [row["name"] for row in tables["schools"]] == ["乙小学", "甲小学", "远小学"]
    assert answer.summary["total"]["schools"] == 2
    assert answer.summary["total"]["rescue_teams"] == 0
    assert answer.summary["total"]["water_m2"] == pytest.approx(10 * 2 * (200**2 - 55**2) ** 0.5, rel=0.01)
    assert tables["cameras"][0]["in_view"] == "可见"
    assert tables["devices"][0]["code"] == "D1"
    assert tables["villages"][0]["village"] == "甲村"
    kinds = {place.properties["kind"] for place in answer.places}
    assert {"ring", "place", "rescue_teams", "schools", "camera", "device"} <= kinds


async def test_storeys_of_models_inside_are_told(city: Database) -> None:
    answer = await picture(city)
    rows = next(table for table in answer.tables if table.id == "models").document()["rows"]
    assert answer.summary["models"] == 1
    assert len(rows) == 3
    assert all(row["elements"] > 0 for row in rows)
    assert sum(row["spaces"] for row in rows) > 0
    assert {place.properties["kind"] for place in answer.places} >= {"model"}
    hidden = await picture(city, "anonymous")
    assert hidden.summary["models"] == 0
    assert "no-models" in told(hidden)


async def test_every_missing_layer_is_named(city: Database) -> None:
    answer = await picture(city)
    missing = " ".join(told(answer)["layer-missing"])
    for layer in (
        "hospitals",
        "hazards",
        "geohazards",
        "shelters",
        "fire_stations",
        "pipelines",
        "roads",
        "land_status",
    ):
        assert layer in missing
    assert answer.summary["total"]["hospitals"] is None
    assert answer.summary["total"]["pipelines_m"] is None
    assert {source.layer: source.version for source in answer.sources}["hospitals"] is None
    assert {source.layer: source.version for source in answer.sources}["population"] == 1


async def test_who_may_not_see_people_gets_none_and_is_told(city: Database) -> None:
    answer = await picture(city, "anonymous")
    assert answer.summary["total"]["persons"] is None
    assert answer.summary["persons_most"] is None
    people = next(one for one in answer.findings if one.rule == "people")
    assert people.verdict is Verdict.NOT_ASSESSED
    missing = " ".join(told(answer)["layer-missing"])
    for layer in ("population", "organisations", "rescue_teams", "cameras"):
        assert layer in missing
    assert answer.summary["cameras_in_view"] is None
    assert "甲厂" not in str(answer.document())
    assert answer.summary["total"]["schools"] == 2


async def test_hidden_fields_and_regions_hold_and_are_told(city: Database) -> None:
    context = await view_of(city)
    held = context.decisions["population"]
    fields = tuple(field for field in held.fields if field.name not in ("persons", "mobility"))
    hiding = replace(context, decisions={**context.decisions, "population": replace(held, fields=fields)})
    answer = await ask(hiding, time="day")
    assert answer.summary["total"]["need_help"] is None
    assert answer.summary["total"]["persons"] > 0
    assert any("population" in text and "需协助转移" in text for text in told(answer)["layer-hidden"])
    assert (await ask(hiding)).summary["total"]["persons"] is None
    elsewhere = replace(context, decisions={**context.decisions, "population": replace(held, regions=("1",))})
    partly = await ask(elsewhere)
    assert partly.summary["total"]["persons"] == partly.summary["persons_estimated"] == 0
    assert any("部分辖区" in text for text in told(partly)["layer-partial"])
    uncoded = tuple(field for field in held.fields if field.name != "building_code")
    blind = replace(context, decisions={**context.decisions, "population": replace(held, fields=uncoded)})
    assert (await ask(blind)).summary["total"]["persons"] is None


async def test_a_place_outside_the_county_is_told(city: Database) -> None:
    lon, lat = lonlat([(50_000.0, 0.0)])[0]
    answer = await picture(city, place={"type": "Point", "coordinates": [lon, lat]})
    outside = next(one for one in answer.findings if one.rule == "outside-county")
    assert outside.verdict is Verdict.NOT_ASSESSED
    partly = await picture(city, place=list(lonlat([(4_950.0, 0.0)])[0]))
    beyond = next(one for one in partly.findings if one.rule == "outside-county")
    assert str(beyond.measured).startswith("34.")


async def test_an_area_counts_what_lies_in_it(city: Database) -> None:
    answer = await picture(city, area=area_of(-10.0, -20.0, 110.0, 60.0))
    (ring,) = answer.summary["rings"]
    assert ring["persons"] == 40 + 50
    assert answer.summary["total"]["cut_buildings"] == 1
    assert answer.summary["radii_m"] == []
    assert answer.summary["total"]["organisations"] == 1


async def test_bad_input_is_refused_by_name(city: Database) -> None:
    context = await view_of(city)
    for inputs in (
        {"place": [103.9, 30.9], "area": area_of(0, 0, 10, 10)},
        {},
        {"place": [30.9, 103.9]},
        {"place": {"type": "LineString", "coordinates": []}},
        {"place": [103.9, 30.9], "radii_m": []},
        {"place": [103.9, 30.9], "radii_m": [1e9]},
        {"place": [103.9, 30.9], "time": "noon"},
        {"place": [103.9, 30.9], "time": "2026-07-01T14:30:00"},
        {"place": [103.9, 30.9], "datetime": "2026-07-01T14:30:00"},
        {"place": [103.9, 30.9], "unknown": 1},
    ):
        with pytest.raises(BadRequest):
            await ANALYSES["incident-picture"].answer(inputs, context)
    with pytest.raises(NotFound):
        await ask(context, scenario="没有这个")


async def test_before_a_layer_was_published_it_is_missing(city: Database) -> None:
    answer = await picture(city, datetime="2001-01-01T00:00:00+08:00")
    assert answer.summary["total"]["persons"] is None
    assert "buildings" in " ".join(told(answer)["layer-missing"])


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        ("day", "day"),
        ("2026-07-01T08:00:00+08:00", "day"),
        ("2026-07-01T18:00:00+08:00", "night"),
        ("2026-07-01T00:30:00Z", "day"),
        ("2026-07-04T12:00:00+08:00", "night"),
    ],
)
def test_a_moment_decides_between_day_and_night(moment: str, expected: str) -> None:
    assert time_of_day(moment) == expected


SIZES = st.lists(st.floats(20, 600), min_size=1, max_size=4, unique=True)


@settings(max_examples=6, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(SIZES, st.floats(-200, 200), st.floats(-200, 200), st.sampled_from(["day", "night"]))
async def test_rings_sum_to_the_total_and_a_larger_one_loses_nobody(
    filled: Logins, radii: list[float], x: float, y: float, time: str
) -> None:
    database = Database(filled.reader_url, filled.writer_url, pool_size=2)
    context = await view_of(database)
    place = list(lonlat([(x, y)])[0])
    many = await ask(context, place=place, radii_m=radii, time=time)
    single = await ask(context, place=place, radii_m=[max(radii)], time=time)
    larger = await ask(context, place=place, radii_m=[max(radii) + 50], time=time)
    await database.close()
    for name, total in many.summary["total"].items():
        if total is None or name == "cut_buildings":
            continue
        assert sum(ring[name] for ring in many.summary["rings"]) == pytest.approx(total, abs=0.5)
        assert single.summary["total"][name] == pytest.approx(total, abs=1.0)
        assert larger.summary["total"][name] >= total - 0.5
    assert many.summary["persons_least"] <= many.summary["total"]["persons"] <= many.summary["persons_most"]
