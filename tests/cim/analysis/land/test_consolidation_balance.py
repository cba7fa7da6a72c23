"""Consolidation projects of the sample against its files: registered figures, and plain overlays of two versions."""

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
from cim.errors import BadRequest, NotFound
from cim.model.analysis import Verdict
from cim.model.ellipsoid import ellipsoidal_areas_m2
from cim.model.redline import moved
from cim.store.database import Database

SAMPLES = Path(__file__).parents[4] / "data_samples" / "small"
BALANCE: Analysis[Any] = the_analysis("consolidation-balance")
View = Callable[..., Awaitable[Context]]
NAMES = ("paddy", "irrigated", "dry")


def projects() -> geopandas.GeoDataFrame:
    return geopandas.read_file(SAMPLES / "land_consolidation.geojson").set_index("project_no")


@pytest.mark.slow
async def test_registered_figures_and_the_overlay_of_two_versions(
    business: Database, view: View, changed: geopandas.GeoDataFrame
) -> None:
    answer = await BALANCE.answer({"from_version": 1, "to_version": 2}, await view(business))
    frame = projects()
    first = geopandas.read_file(SAMPLES / "land_status.shp", encoding="GBK")
    per_project = {row["project_no"]: row for row in answer.tables[0].document()["rows"]}
    assert set(per_project) == set(frame.index)
    for row in answer.tables[1].document()["rows"]:
        name = dict(zip(("0101", "0102", "0103"), NAMES, strict=True))[row["class"][:4]]
        project = frame.loc[row["project_no"]]
        assert row["gain_m2"] == pytest.approx(project[f"after_{name}_m2"] - project[f"before_{name}_m2"], abs=0.011)
        for land, column in ((first, "computed_before_m2"), (changed, "computed_after_m2")):
            mine = land[land["DLBM"] == row["class"][:4]]
            shapes = moved(mine.geometry.to_numpy(), 4523, 4490)
            near = np.flatnonzero(shapely.intersects(shapes, project.geometry))
            pieces = ellipsoidal_areas_m2(shapely.intersection(shapes[near], project.geometry))
            expected = (pieces * (1 - mine["KCXS"].to_numpy()[near])).sum()
            assert row[column] == pytest.approx(expected, abs=0.02)
    for number, row in per_project.items():
        mine = [each for each in answer.tables[1].document()["rows"] if each["project_no"] == number]
        assert row["computed_gain_m2"] == pytest.approx(sum(each["computed_gain_m2"] for each in mine), abs=0.03)
    assert answer.summary["gain_m2"] == pytest.approx(sum(row["gain_m2"] for row in per_project.values()), abs=0.05)
    assert {(source.layer, source.version) for source in answer.sources} == {
        ("land_consolidation", 1),
        ("land_status", 1),
        ("land_status", 2),
    }


async def test_without_versions_only_the_register_speaks(business: Database, view: View) -> None:
    number = projects().index[2]
    answer = await BALANCE.answer({"project_no": number}, await view(business))
    assert answer.summary["projects"] == 1
    assert answer.summary["computed_gain_m2"] is None
    (found,) = answer.findings
    assert found.verdict is Verdict.CONFORMS
    others = await BALANCE.answer({}, await view(business))
    assert [each.verdict for each in others.findings].count(Verdict.INFORMATION) == 2


@pytest.mark.parametrize(
    ("inputs", "word"),
    [
        ({"from_version": 1}, "both"),
        ({"from_version": 2, "to_version": 2}, "not before"),
        ({"from_version": 0, "to_version": 2}, "greater than or equal to 1"),
    ],
)
async def test_bad_input_is_named(business: Database, view: View, inputs: dict[str, Any], word: str) -> None:
    with pytest.raises(BadRequest, match=word):
        await BALANCE.answer(inputs, await view(business))


async def test_a_version_that_is_not_there(business: Database, view: View) -> None:
    with pytest.raises(NotFound):
        await BALANCE.answer({"from_version": 1, "to_version": 9}, await view(business))
