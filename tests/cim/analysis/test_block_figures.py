"""Figures of a block against sums made by hand, with areas by geodesics; what is missing is None and said."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from clones import Clones
from made_city import area_of, geodesic_m2, put, view_of

from cim.analysis.block_figures.figures import ANALYSIS
from cim.errors import BadRequest, NotFound
from cim.model.analysis import Answer
from cim.store.cluster_logins import Logins
from cim.store.database import Database, run

SITE = (0.0, 0.0, 200.0, 100.0)
HOUSE = (20.0, 20.0, 20.0, 30.0)
SHOP = (180.0, 60.0, 40.0, 10.0)
FAR_AWAY = (500.0, 0.0, 30.0, 30.0)
COUNTY = (-5_000.0, -5_000.0, 10_000.0, 10_000.0)


def building(code: str, use: str, floors: int | None, height_m: float | None) -> dict[str, Any]:
    return {"building_code": code, "use": use, "floors": floors, "height_m": height_m}


def parcel(code: str, far: float | None, limit_m: float, density: float, green: float) -> dict[str, Any]:
    facts = {"far": far, "height_limit_m": limit_m, "density_pct": density, "green_pct": green}
    return {"parcel_code": code, "use_code": "0901", "use_name": "商业用地", **facts}


def patch(number: int, code: str, name: str, m2: float) -> dict[str, Any]:
    return {"BSM": f"51018201{number:06d}", "DLBM": code, "DLMC": name, "TBMJ": m2}


BUILT = [
    (building("a", "residential", 5, 15.0), HOUSE),
    (building("b", "commercial", 10, 40.0), SHOP),
    (building("c", "office", 30, 99.0), FAR_AWAY),
]
PLANNED = [
    (parcel("P1", 2.0, 60.0, 30.0, 35.0), (0.0, 0.0, 100.0, 100.0)),
    (parcel("P2", 1.0, 24.0, 40.0, 20.0), (100.0, 0.0, 50.0, 100.0)),
]
LAND = [
    (patch(1, "0701", "城镇住宅用地", 15_000.0), (0.0, 0.0, 150.0, 100.0)),
    (patch(2, "0810", "公园与绿地", 5_000.0), (150.0, 0.0, 50.0, 100.0)),
]


TOWER = (60.0, 20.0, 30.0, 30.0)


async def _fill(logins: Logins, folder: Path) -> None:
    city = Database(logins.reader_url, logins.writer_url, pool_size=4)
    await put(city, folder, "admin_county", [({"code": "510182", "name": "彭州市"}, COUNTY)])
    await put(city, folder, "buildings", BUILT)
    await put(city, folder, "plan_parcels", PLANNED)
    await put(city, folder, "land_status", LAND)
    await put(city, folder, "water", [({"water_code": "W1", "class": "pond"}, (140.0, 0.0, 20.0, 100.0))])
    people = {"record_id": "P1", "building_code": "b", "persons": 100, "households": 40}
    await put(city, folder, "population", [(people, (181.0, 61.0))])
    await put(city, folder, "buildings", [(building("d", "office", 20, 80.0), TOWER)], scenario="方案A")
    await put(city, folder, "plan_parcels", [(parcel("P1", 4.0, 100.0, 35.0, 30.0), PLANNED[0][1])], scenario="方案A")
    await put(city, folder, "buildings", [(building("e", "office", None, None), TOWER)], scenario="缺层数")
    await city.close()


@pytest.fixture(scope="module")
def filled(clones: Clones, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Logins]:
    """A database with one block and all that its figures need, and two scenarios over it."""
    with clones.made() as logins:
        run(_fill(logins, tmp_path_factory.mktemp("block")))
        yield logins


@pytest.fixture
async def city(filled: Logins) -> AsyncIterator[Database]:
    opened = Database(filled.reader_url, filled.writer_url, pool_size=4)
    yield opened
    await opened.close()


async def figures(city: Database, area: Any, role: str = "administrator", **more: Any) -> Answer:
    return await ANALYSIS.answer({"area": area, **more}, await view_of(city, role))


async def test_figures_are_those_worked_out_by_hand(city: Database) -> None:
    answer = await figures(city, area_of(*SITE))
    now, plan = answer.summary["now"], answer.summary["plan"]
    site, house, shop = geodesic_m2(*SITE), geodesic_m2(*HOUSE), geodesic_m2(180.0, 60.0, 20.0, 10.0)
    assert now["site_m2"] == pytest.approx(site, abs=0.01)
    assert now["floor_area_m2"] == pytest.approx(5 * house + 10 * shop, abs=0.05)
    assert now["far"] == pytest.approx((5 * house + 10 * shop) / site, abs=0.001)
    assert now["density_pct"] == pytest.approx((house + shop) / site * 100, abs=0.01)
    assert now["green_pct"] == pytest.approx(25.0, abs=0.01)
    assert now["blue_green_pct"] == pytest.approx(30.0, abs=0.01)
    assert now["max_height_m"] == 40.0
    assert now["mean_height_m"] == pytest.approx((15 * house + 40 * shop) / (house + shop), abs=0.01)
    assert (now["buildings"], answer.summary["cut_buildings"]) == (2, 1)
    assert (now["persons"], now["households"]) == (50, 20)
    uses = {row[0]: row[2] for row in answer.tables[1].rows}
    assert uses == pytest.approx({"residential": 5 * house, "commercial": 10 * shop}, abs=0.05)
    assert plan["site_m2"] == pytest.approx(geodesic_m2(0, 0, 150, 100), abs=0.1)
    assert plan["far"] == pytest.approx((2 * 100 + 1 * 50) / 150, abs=0.001)
    assert plan["density_pct"] == pytest.approx((30 * 100 + 40 * 50) / 150, abs=0.01)
    assert plan["green_pct"] == pytest.approx((35 * 100 + 20 * 50) / 150, abs=0.01)
    assert (plan["max_height_m"], plan["buildings"], plan["persons"]) == (60.0, None, None)
    told = "；".join(answer.summary["notes"])
    assert "1 栋建筑被范围线切割" in told
    assert "没有地块指标" in told
    assert "估算" in told
    difference = {row[0]: row[-1] for row in answer.tables[0].rows}
    assert difference["容积率"] == pytest.approx(plan["far"] - now["far"], abs=0.001)


async def test_a_scenario_is_a_column_of_its_own(city: Database) -> None:
    answer = await figures(city, area_of(*SITE), scenario="方案A")
    now, then = answer.summary["now"], answer.summary["scenario"]
    assert then["floor_area_m2"] - now["floor_area_m2"] == pytest.approx(20 * geodesic_m2(*TOWER), abs=0.05)
    assert (then["buildings"], then["max_height_m"], then["persons"]) == (3, 80.0, None)
    assert answer.summary["scenario_plan"]["far"] == pytest.approx((4 * 100 + 1 * 50) / 150, abs=0.001)
    assert answer.summary["plan"]["far"] == pytest.approx((2 * 100 + 1 * 50) / 150, abs=0.001)
    names = [column.name for column in answer.tables[0].columns]
    assert names == ["indicator", "unit", "now", "plan", "scenario_plan", "scenario", "difference"]
    with pytest.raises(NotFound):
        await figures(city, area_of(*SITE), scenario="方案Z")
    with pytest.raises(NotFound):
        await figures(city, area_of(*SITE), "nobody", scenario="方案A")


async def test_what_may_not_be_seen_or_is_not_there_is_none_and_said(city: Database) -> None:
    seen = await figures(city, area_of(*SITE), "viewer")
    assert seen.summary["now"]["persons"] is None
    assert seen.summary["now"]["floor_area_m2"] > 0
    assert any("人口不能计算" in note for note in seen.summary["notes"])
    public = (await figures(city, area_of(*SITE), "anonymous")).summary
    assert public["now"]["green_pct"] is public["plan"]["far"] is None
    assert public["now"]["far"] > 0

    answer = await figures(city, area_of(*SITE), scenario="缺层数")
    then = answer.summary["scenario"]
    assert then["floor_area_m2"] is then["far"] is then["max_height_m"] is then["mean_height_m"] is None
    assert then["density_pct"] > answer.summary["now"]["density_pct"] > 0
    assert any("其余建筑合计 4998." in note for note in answer.summary["notes"]), answer.summary["notes"]


async def test_areas_without_buildings_beyond_the_data_or_wrongly_drawn(city: Database) -> None:
    empty = (await figures(city, area_of(60.0, 60.0, 20.0, 20.0))).summary["now"]
    assert (empty["buildings"], empty["far"], empty["max_height_m"]) == (0, 0.0, None)
    beyond = await figures(city, area_of(9_000.0, 9_000.0, 50.0, 50.0))
    assert beyond.summary["now"]["buildings"] is beyond.summary["now"]["far"] is None
    assert beyond.summary["now"]["green_pct"] is beyond.summary["plan"]["far"] is None
    assert any("县域数据以外" in note for note in beyond.summary["notes"])
    bow = area_of(*SITE)
    corners = bow["coordinates"][0]
    corners[1], corners[2] = corners[2], corners[1]
    with pytest.raises(BadRequest, match="lines cross"):
        await figures(city, bow)
    with pytest.raises(BadRequest, match="no polygon"):
        await figures(city, {"type": "FeatureCollection", "features": []})


async def test_parcels_together_are_the_sum_of_each(city: Database) -> None:
    context = await view_of(city)

    async def totals(*sides: tuple[float, float, float, float]) -> list[float]:
        features = [{"type": "Feature", "properties": {}, "geometry": area_of(*one)} for one in sides]
        area = {"type": "FeatureCollection", "features": features}
        now = (await ANALYSIS.answer({"area": area}, context)).summary["now"]
        return [now[name] for name in ("site_m2", "floor_area_m2", "footprint_m2", "persons")]

    whole = await totals(SITE)
    for cut in (35.0, 190.0, 20.0):
        parts = await totals((0.0, 0.0, cut, 100.0), (cut, 0.0, 200.0 - cut, 100.0))
        assert parts == pytest.approx(whole, abs=0.05)
