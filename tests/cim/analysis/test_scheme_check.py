"""Schemes against the limits of a site made by hand."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pyproj
import pytest
from clones import Clones
from made_city import EASTING_M, NORTHING_M, area_of, geodesic_m2, put, view_of
from models import SRID, building, import_made, placement

from cim.analysis.registry import ANALYSES
from cim.errors import BadRequest
from cim.model.analysis import Answer, Finding
from cim.store.cluster_logins import Logins
from cim.store.database import Database, run

SITE = (0.0, 0.0, 200.0, 100.0)


def parcel(code: str, far: float, limit_m: float, density: float) -> dict[str, Any]:
    facts = {"far": far, "height_limit_m": limit_m, "density_pct": density, "green_pct": 30.0}
    return {"parcel_code": code, "use_code": "0901", "use_name": "商业用地", **facts}


PLANNED = [
    (parcel("P1", 2.0, 60.0, 30.0), (0.0, 0.0, 100.0, 100.0)),
    (parcel("P2", 1.0, 24.0, 20.0), (100.0, 0.0, 100.0, 100.0)),
]


@pytest.fixture(scope="module")
def filled(clones: Clones, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Logins]:
    """A database with two plan parcels."""

    async def fill(logins: Logins) -> None:
        database = Database(logins.reader_url, logins.writer_url, pool_size=4)
        await put(database, tmp_path_factory.mktemp("scheme"), "plan_parcels", PLANNED)
        await database.close()

    with clones.made() as logins:
        run(fill(logins))
        yield logins


@pytest.fixture
async def city(filled: Logins) -> AsyncIterator[Database]:
    opened = Database(filled.reader_url, filled.writer_url, pool_size=4)
    yield opened
    await opened.close()


def block(name: str, sides: tuple[float, float, float, float], **facts: Any) -> dict[str, Any]:
    return {"type": "Feature", "properties": {"name": name, **facts}, "geometry": area_of(*sides)}


async def check(city: Database, *buildings: Any, role: str = "administrator", **more: Any) -> Answer:
    scheme = {"type": "FeatureCollection", "features": list(buildings)}
    inputs = {"area": area_of(*SITE), "scheme": scheme, **more}
    return await ANALYSES["scheme-check"].answer(inputs, await view_of(city, role))


def verdicts(answer: Answer) -> dict[str, str]:
    return {finding.rule: str(finding.verdict) for finding in answer.findings}


def finding(answer: Answer, rule: str) -> Finding:
    return next(each for each in answer.findings if each.rule == rule)


async def test_a_scheme_within_its_limits(city: Database) -> None:
    tower, slab = (20.0, 20.0, 40.0, 50.0), (120.0, 15.0, 60.0, 30.0)
    answer = await check(
        city, block("甲", tower, floors=10, height_m=55.0), block("乙", slab, floors=5, height_m=20.0), setback_m=15.0
    )
    assert set(verdicts(answer).values()) == {"conforms"} == {answer.summary["verdict"]}
    floor_area = 10 * geodesic_m2(*tower) + 5 * geodesic_m2(*slab)
    assert answer.summary["floor_area_m2"] == pytest.approx(floor_area, abs=0.1)
    far = finding(answer, "far")
    assert (far.measured, far.limit) == (pytest.approx(floor_area / geodesic_m2(*SITE), abs=0.001), 1.5)
    assert finding(answer, "density").limit == 25.0
    assert finding(answer, "setback").measured == pytest.approx(15.0, abs=0.01)
    assert "第1版" in far.edition


async def test_each_limit_can_fail_by_itself(city: Database) -> None:
    high = await check(city, block("甲", (120.0, 20.0, 20.0, 20.0), floors=8, height_m=25.0))
    assert verdicts(high) == {
        "far": "conforms",
        "density": "conforms",
        "height": "not",
        "setback": "information",
        "outside": "conforms",
    }
    dense = await check(city, block("甲", (5.0, 5.0, 90.0, 90.0), floors=4, height_m=12.0), setback_m=6.0)
    found = verdicts(dense)
    assert (found["far"], found["density"], found["height"], found["setback"]) == ("not", "not", "conforms", "not")
    beyond = await check(city, block("甲", (190.0, 20.0, 20.0, 20.0), floors=3, height_m=10.0))
    assert verdicts(beyond)["outside"] == "not"
    assert finding(beyond, "outside").measured == pytest.approx(geodesic_m2(200.0, 20.0, 10.0, 20.0), abs=0.1)
    assert finding(beyond, "setback").measured == 0.0


async def test_what_is_not_known_is_no_pass(city: Database) -> None:
    bare = await check(city, block("甲", (20.0, 20.0, 10.0, 10.0)))
    assert (verdicts(bare)["far"], verdicts(bare)["height"]) == ("not-assessed", "not-assessed")
    assert bare.summary["floor_area_m2"] is None
    public = await check(city, block("甲", (20.0, 20.0, 10.0, 10.0), floors=1, height_m=3.0), role="anonymous")
    assert {verdicts(public)[rule] for rule in ("far", "density", "height")} == {"not-assessed"}
    assert public.summary["verdict"] == "not-assessed"


async def test_schemes_that_cannot_be_read(city: Database) -> None:
    bow = block("甲", (20.0, 20.0, 10.0, 10.0))
    corners = bow["geometry"]["coordinates"][0]
    corners[1], corners[2] = corners[2], corners[1]
    with pytest.raises(BadRequest, match=r"building 甲.*lines cross"):
        await check(city, bow)
    with pytest.raises(BadRequest, match="floors is"):
        await check(city, block("甲", (20.0, 20.0, 10.0, 10.0), floors="三层"))
    with pytest.raises(BadRequest, match="1 to 2000 buildings"):
        await check(city)
    context = await view_of(city)
    for model in ("scheme.ifc", {"asset": {"version": "2.0"}}):
        with pytest.raises(BadRequest, match="a file cannot be given here"):
            await ANALYSES["scheme-check"].answer({"area": area_of(*SITE), "scheme": model}, context)
    for kept in ({"model": "nowhere"}, {"layer": "nowhere"}):
        with pytest.raises(BadRequest, match="no 'nowhere' that you may see"):
            await ANALYSES["scheme-check"].answer({"area": area_of(*SITE), "scheme": kept}, context)


async def test_a_model_that_is_kept_is_a_scheme(city: Database) -> None:
    east, north = pyproj.Transformer.from_crs(4544, SRID).transform(NORTHING_M + 20.0, EASTING_M + 30.0)[::-1]
    await import_made(city, building("方案楼", storeys=3, at=placement(east, north)), "draft-house")
    asked = {"area": area_of(*SITE), "scheme": {"model": "draft-house"}}
    answer = await ANALYSES["scheme-check"].answer(asked, await view_of(city))
    assert answer.summary["buildings"] == 1
    assert answer.summary["footprint_m2"] == pytest.approx(geodesic_m2(30.0, 20.0, 12.0, 8.0), rel=1e-3)
    assert answer.summary["floor_area_m2"] == pytest.approx(3 * geodesic_m2(30.0, 20.0, 12.0, 8.0), rel=1e-3)
    assert finding(answer, "height").measured == pytest.approx(8.8, abs=1e-3)
    with pytest.raises(BadRequest, match="no 'draft-house' that you may see"):
        await ANALYSES["scheme-check"].answer(asked, await view_of(city, "anonymous"))


async def test_buildings_of_a_layer_are_a_scheme(city: Database, tmp_path: Path) -> None:
    facts = {"building_code": "1", "name": "东楼", "floors": 4, "height_m": 15.0}
    rows = [(facts, (20.0, 20.0, 30.0, 10.0)), ({**facts, "building_code": "2"}, (900.0, 900.0, 30.0, 10.0))]
    await put(city, tmp_path, "drafts", rows)
    asked = {"area": area_of(*SITE), "scheme": {"layer": "drafts"}}
    answer = await ANALYSES["scheme-check"].answer(asked, await view_of(city))
    (row,) = next(table for table in answer.tables if table.id == "buildings").rows
    assert (row[0], row[2], row[4]) == ("东楼", 4.0, 15.0)
    with pytest.raises(BadRequest, match="0 objects of the layer"):
        await ANALYSES["scheme-check"].answer(
            {"area": area_of(5000.0, 0.0, 50.0, 50.0), "scheme": {"layer": "drafts"}}, await view_of(city)
        )
