"""Chains of the sample's records against its files, by every code and by space."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import geopandas
import numpy as np
import pytest
import shapely

from cim.analysis.analysis import Analysis
from cim.analysis.context import Context
from cim.analysis.registry import the_analysis
from cim.errors import BadRequest
from cim.model.analysis import Answer, Finding, Verdict
from cim.model.ellipsoid import ellipsoidal_areas_m2
from cim.store.database import Database

SAMPLES = Path(__file__).parents[4] / "data_samples" / "small"
CYCLE: Analysis[Any] = the_analysis("land-cycle")
View = Callable[..., Awaitable[Context]]


def sample(name: str) -> geopandas.GeoDataFrame:
    return geopandas.read_file(SAMPLES / f"{name}.geojson")


def rows(answer: Answer, number: int) -> list[dict[str, Any]]:
    return list(answer.tables[number].document()["rows"])


def finding(answer: Answer, rule: str) -> Finding:
    return next(found for found in answer.findings if found.rule == rule)


@pytest.mark.parametrize("kind", ["project_code", "approval_no", "supervision_no", "parcel_code", "unit_no"])
async def test_every_code_of_a_project_leads_to_its_whole_chain(business: Database, view: View, kind: str) -> None:
    unit = sample("land_registration").iloc[0]
    supply = sample("land_supply").set_index("supervision_no").loc[unit["supervision_no"]]
    code = unit[kind] if kind in unit.index else supply[kind] if kind in supply.index else unit["supervision_no"]
    answer = await CYCLE.answer({kind: code}, await view(business))
    assert answer.summary["records"] == {
        "prereview": 1,
        "conversion": 1,
        "expropriation": 1,
        "supply": 1,
        "registration": 1,
        "consolidation": 0,
    }
    assert answer.summary["stage"] == "registration"
    assert answer.summary["gaps"] == 0
    assert {found.verdict for found in answer.findings} == {Verdict.INFORMATION, Verdict.CONFORMS}
    records = rows(answer, 0)
    area = float(ellipsoidal_areas_m2(np.array([supply.geometry], dtype=object))[0])
    for row in records:
        assert row["link"] == "代码、空间"
        assert row["overlap_m2"] == pytest.approx(area, abs=0.02)
    stages = {row["stage"]: row for row in rows(answer, 1)}
    assert stages["土地供应"]["first"] == supply["contract_on"].date().isoformat()
    assert stages["动工"]["first"] == supply["started_on"].date().isoformat()
    assert stages["土地供应"]["share"] == pytest.approx(100, abs=0.01)


async def test_unfinished_chains_tell_the_stage_reached(business: Database, view: View) -> None:
    context = await view(business)
    supplied = set(sample("land_supply")["project_code"])
    for name, stage in (("land_prereview", "prereview"), ("land_conversion", "conversion")):
        other = "land_conversion" if stage == "prereview" else "land_expropriation"
        later = supplied | set(sample(other)["project_code"])
        code = next(code for code in sample(name)["project_code"] if code not in later)
        answer = await CYCLE.answer({"project_code": code}, context)
        assert answer.summary["stage"] == stage


async def test_supplied_without_conversion_is_a_gap(business: Database, view: View) -> None:
    supply = sample("land_supply")
    (row,) = supply[~supply["project_code"].isin(sample("land_conversion")["project_code"])].itertuples()
    answer = await CYCLE.answer({"supervision_no": row.supervision_no}, await view(business))
    gap = finding(answer, "supply-conversion")
    assert gap.verdict is Verdict.NOT
    assert gap.measured == pytest.approx(
        float(ellipsoidal_areas_m2(np.array([row.geometry], dtype=object))[0]), abs=0.02
    )
    assert finding(answer, "supply-expropriation").verdict is Verdict.CONFORMS
    assert answer.summary["gaps"] == 1


async def test_an_area_finds_what_lies_on_it_by_space(business: Database, view: View) -> None:
    shape = sample("land_supply").geometry[17]
    west, south, east, north = shape.bounds
    half = shapely.box(west, south, (west + east) / 2, north)
    answer = await CYCLE.answer({"area": dict(shapely.geometry.mapping(half))}, await view(business))
    for name in ("prereview", "conversion", "expropriation", "supply"):
        frame = sample(f"land_{name}")
        pieces = np.array([half.intersection(each) for each in frame.geometry], dtype=object)
        areas = ellipsoidal_areas_m2(pieces)
        assert answer.summary["records"][name] == int((areas > 1).sum())
    assert {row["link"] for row in rows(answer, 0)} == {"空间"}


async def test_a_missing_layer_is_not_assessed(business: Database, view: View) -> None:
    number = sample("land_supply")["supervision_no"][0]
    context = await view(business, data_versions={"land_conversion": 0})
    answer = await CYCLE.answer({"supervision_no": number}, context)
    assert finding(answer, "supply-conversion").verdict is Verdict.NOT_ASSESSED
    assert finding(answer, "stage").verdict is Verdict.NOT_ASSESSED
    assert "农用地转用" in finding(answer, "stage").message


async def test_registration_stays_with_those_who_may_see_it(business: Database, view: View) -> None:
    unit = sample("land_registration").iloc[0]
    context = await view(business, role="viewer")
    answer = await CYCLE.answer({"unit_no": unit["unit_no"]}, context)
    assert answer.summary["records"]["registration"] == 0
    text = str(answer.document())
    assert unit["certificate_no"] not in text
    assert unit["holder"] not in str([row for row in rows(answer, 0) if row["business"] == "不动产登记"])


@pytest.mark.parametrize("code", ["nothing", "a' OR '1'='1", "'; DROP TABLE x; --", "%"])
async def test_a_code_nobody_has_finds_nothing(business: Database, view: View, code: str) -> None:
    answer = await CYCLE.answer({"supervision_no": code}, await view(business))
    assert sum(answer.summary["records"].values()) == 0
    assert answer.summary["stage"] == ""
    assert answer.findings[0].verdict is Verdict.NOT_ASSESSED
    assert answer.places == []


@pytest.mark.parametrize(
    "inputs", [{}, {"project_code": "a", "unit_no": "b"}, {"project_code": "  "}, {"unit_no": "x" * 81}]
)
async def test_bad_input_is_named(business: Database, view: View, inputs: dict[str, Any]) -> None:
    with pytest.raises(BadRequest, match=r"give one of|at most 80"):
        await CYCLE.answer(inputs, await view(business))
