"""The sample's change patches judged against plain overlays of the files, and every way a verdict comes out."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import geopandas
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from cim.analysis.analysis import Analysis
from cim.analysis.context import Context, Features
from cim.analysis.enforcement.judging import Ledger, Standing, judge
from cim.analysis.enforcement.material import Laid, Material, united_m2
from cim.analysis.enforcement.rules import EnforcementRules, read_rules
from cim.analysis.overlay import overlay
from cim.analysis.registry import the_analysis
from cim.analysis.rule_sets import RuleText, shipped_rules
from cim.errors import BadRequest
from cim.model.analysis import Answer, SourceEdition, Verdict
from cim.model.ellipsoid import ellipsoidal_areas_m2
from cim.model.redline import moved
from cim.store.database import Database

SAMPLES = Path(__file__).parents[4] / "data_samples" / "small"
CHECK: Analysis[Any] = the_analysis("enforcement")
RULES = read_rules(shipped_rules("enforcement"))
View = Callable[..., Awaitable[Context]]


def ledger(answer: Answer) -> dict[str, dict[str, Any]]:
    return {row["patch_no"]: row for row in answer.tables[1].document()["rows"]}


def sample(name: str) -> geopandas.GeoDataFrame:
    frame = geopandas.read_file(SAMPLES / name, encoding="GBK" if name.endswith(".shp") else None)
    if name.endswith(".shp"):
        frame["geometry"] = moved(frame.geometry.to_numpy(), 4523, 4490)
    return frame


def areas(shapes: Any) -> np.ndarray:
    return ellipsoidal_areas_m2(np.array(list(shapes), dtype=object))


def covered(shape: shapely.Geometry, others: geopandas.GeoDataFrame) -> float:
    near = others.geometry[shapely.intersects(others.geometry.to_numpy(), shape)]
    return float(areas([shapely.intersection(shape, shapely.union_all(near.to_numpy()))])[0]) if len(near) else 0.0


async def test_shares_arable_and_farmland_equal_plain_overlays(business: Database, view: View) -> None:
    context = await view(business, data_versions={"land_status": 1})
    answer = await CHECK.answer({"data_versions": {"land_status": 1}}, context)
    found = ledger(answer)
    patches = sample("change_patches.geojson")
    approvals = geopandas.pd.concat(
        [
            sample("land_conversion.geojson").rename(columns={"approved_on": "day"}),
            sample("land_supply.geojson").rename(columns={"contract_on": "day"}),
        ]
    )
    approvals = approvals[approvals["day"] <= "2025-11-20"]
    farmland, land = sample("basic_farmland.shp"), sample("land_status.shp")
    fields = land[land["DLBM"].isin(["0101", "0102", "0103"])].reset_index(drop=True)
    for number, shape in zip(patches["patch_no"], patches.geometry, strict=True):
        row = found[number]
        whole = float(areas([shape])[0])
        assert row["area_m2"] == pytest.approx(whole, abs=0.01)
        granted = covered(shape, approvals)
        assert row["granted_m2"] == pytest.approx(granted, abs=0.02)
        assert row["basic-farmland_m2"] == pytest.approx(covered(shape, farmland), abs=0.02)
        near = np.flatnonzero(shapely.intersects(fields.geometry.to_numpy(), shape))
        pieces = areas(shapely.intersection(fields.geometry.to_numpy()[near], shape))
        assert row["arable_m2"] == pytest.approx((pieces * (1 - fields["KCXS"][near])).sum(), abs=0.02)
    verdicts = {row["verdict"] for row in found.values()}
    assert verdicts == {"合法", "部分合法或需核实", "疑似违法", "未评估"}
    assert len(found) == len(patches) == answer.summary["patches"]
    suspected = [row for row in found.values() if row["verdict"] == "疑似违法"]
    assert any(row["basic-farmland_m2"] > 100 for row in suspected)
    assert answer.summary["suspected_arable_m2"] == pytest.approx(sum(row["arable_m2"] for row in suspected), abs=0.5)
    assert sum(row[1] for row in answer.tables[0].rows) == len(patches)
    assert len(answer.places) == len(patches)
    assert {source.layer for source in answer.sources} >= {"change_patches", "land_conversion", "urban_boundary"}


@pytest.mark.parametrize("layer", ["land_conversion", "land_supply"])
async def test_without_approvals_nothing_is_suspected_and_nothing_passes(
    business: Database, view: View, layer: str
) -> None:
    answer = await CHECK.answer({}, await view(business, data_versions={layer: 0}))
    assert answer.summary["suspected_count"] == answer.summary["legal_count"] == answer.summary["partly_count"] == 0
    (missing,) = [found for found in answer.findings if found.layer == layer]
    assert missing.verdict is Verdict.NOT_ASSESSED


async def test_without_a_control_layer_nothing_passes(business: Database, view: View) -> None:
    answer = await CHECK.answer({}, await view(business, data_versions={"basic_farmland": 0, "land_status": 0}))
    whole = await CHECK.answer({}, await view(business))
    assert whole.summary["legal_count"] > 0
    assert answer.summary["legal_count"] == 0
    assert answer.summary["suspected_count"] == whole.summary["suspected_count"]
    (control,) = [found for found in answer.findings if found.rule == "basic-farmland"]
    assert (control.verdict, control.measured) == (Verdict.NOT_ASSESSED, None)
    row = next(iter(ledger(answer).values()))
    assert row["basic-farmland_m2"] is None
    assert row["arable_m2"] is None
    assert answer.summary["suspected_arable_m2"] is None


async def test_days_and_area_choose_patches(business: Database, view: View) -> None:
    context = await view(business)
    assert (await CHECK.answer({"taken_from": "2025-11-21"}, context)).summary["patches"] == 0
    assert (await CHECK.answer({"taken_from": "2025-11-20"}, context)).summary["patches"] == 60
    shape = sample("change_patches.geojson").geometry[0]
    answer = await CHECK.answer({"area": dict(shapely.geometry.mapping(shape))}, context)
    assert 1 <= answer.summary["patches"] < 10


@pytest.mark.parametrize(
    ("inputs", "word"),
    [
        ({"taken_from": "2025-02-01", "taken_to": "2025-01-01"}, "taken_from is after"),
        ({"taken_from": "yesterday"}, "date"),
        ({"patches": "all"}, "Extra inputs"),
    ],
)
async def test_bad_input_is_named(business: Database, view: View, inputs: dict[str, Any], word: str) -> None:
    with pytest.raises(BadRequest, match=word):
        await CHECK.answer(inputs, await view(business))


async def test_without_patches_there_is_nothing_to_check(database: Database, view: View) -> None:
    with pytest.raises(BadRequest, match="change_patches"):
        await CHECK.answer({}, await view(database))


@pytest.mark.parametrize(
    ("old", "new", "word"),
    [
        ("part_share = 0.02", "part_share = 0.99", "part_share is not below"),
        ('id = "supply"', 'id = "conversion"', "conversion stands twice"),
        ("grants = true", "grants = false", "no approval grants"),
        ("sliver_m2 = 1.0", "sliver_m2 = -1", "sliver_m2"),
    ],
)
def test_rules_that_cannot_be_used_are_named(old: str, new: str, word: str) -> None:
    text = shipped_rules("enforcement").text
    assert old in text
    with pytest.raises(BadRequest, match=word):
        read_rules(RuleText("enforcement", 1, text.replace(old, new)))


def features(shapes: list[shapely.Geometry], version: int | None = 1, **columns: list[Any]) -> Features:
    held = np.array(shapes, dtype=object)
    fids = np.arange(len(shapes), dtype=np.int64)
    edition = SourceEdition("layer", "图层", version, note="没有")
    return Features(edition, fids, [str(k) for k in fids], columns, held)


PATCH = shapely.box(104.0, 31.0, 104.001, 31.001)
DAY = date(2025, 6, 1)


def case(after: str = "0601", before: str = "0101", seen: Any = DAY, **layers: tuple[float, Any]) -> Ledger:
    """One patch; each layer is the share of it that it covers from the west, and the day of the record."""
    patches = features([PATCH], taken_on=[seen], class_before=[before], class_after=[after])
    laid = {}
    for rule in (*RULES.approval, *RULES.control, *RULES.plan):
        share, day = layers.get(rule.id.replace("-", "_"), (0.0, None))
        shapes = [shapely.box(104.0, 31.0, 104.0 + 0.001 * share, 31.001)] if share > 0 else []
        columns = {"approved_on": [day], "contract_on": [day], "issued_on": [day]}
        names = {"approval_no": ["甲"], "supervision_no": ["乙"], "prereview_no": ["丙"]}
        held = {name: values[: len(shapes)] for name, values in {**columns, **names}.items()}
        found = features(shapes, None if share < 0 else 1, **held)
        laid[rule.id] = Laid(found, overlay(patches.shapes, found.shapes, 4490), day != "cut")
    land = laid["urban-boundary"]
    material = Material(patches, areas([PATCH]), 4490, laid, land, np.zeros(1))
    kinds = {"0601": "construction", "0701": "construction", "0101": "agricultural", "1104": "agricultural"}
    return judge(material, RULES, kinds.get)


WHOLE = {"conversion": (1.0, DAY)}


@pytest.mark.parametrize(
    ("layers", "standing", "word"),
    [
        (WHOLE, Standing.LEGAL, "100.0%"),
        ({"supply": (1.0, DAY)}, Standing.LEGAL, "100.0%"),
        ({"conversion": (0.981, DAY)}, Standing.LEGAL, "98.1%"),
        ({"conversion": (0.979, DAY)}, Standing.PARTLY, "97.9%"),
        ({"conversion": (0.5, DAY), "supply": (0.5, DAY)}, Standing.PARTLY, "50.0%"),
        ({"conversion": (0.021, DAY)}, Standing.PARTLY, "2.1%"),
        ({"conversion": (0.019, DAY)}, Standing.SUSPECTED, "没有批准记录"),
        ({}, Standing.SUSPECTED, "没有批准记录"),
        ({"prereview": (1.0, DAY)}, Standing.SUSPECTED, "预审不是用地批准"),
        ({"conversion": (1.0, date(2025, 6, 2))}, Standing.SUSPECTED, "之后才批准"),
        ({"conversion": (1.0, None)}, Standing.NOT_ASSESSED, "批准日期不明"),
        ({**WHOLE, "basic_farmland": (0.5, None)}, Standing.PARTLY, "国务院"),
        ({**WHOLE, "basic_farmland": (0.00008, None)}, Standing.LEGAL, "100.0%"),
        ({**WHOLE, "basic_farmland": (-1.0, None)}, Standing.NOT_ASSESSED, "永久基本农田"),
        ({**WHOLE, "heritage": (0.0, "cut")}, Standing.NOT_ASSESSED, "部分辖区"),
        ({"supply": (-1.0, None)}, Standing.NOT_ASSESSED, "土地供应"),
        ({"conversion": (0.0, "cut")}, Standing.NOT_ASSESSED, "部分辖区"),
        ({"basic_farmland": (1.0, None)}, Standing.SUSPECTED, "占永久基本农田"),
        ({"basic_farmland": (-1.0, None)}, Standing.SUSPECTED, "缺少图层"),
    ],
)
def test_verdicts_by_share_day_and_control(layers: dict[str, Any], standing: Standing, word: str) -> None:
    (found,) = case(**layers).judged
    assert (found.standing, word in found.reason) == (standing, True), found.reason
    assert bool(found.clause) == (standing is not Standing.NOT_ASSESSED)


@pytest.mark.parametrize(
    ("after", "before", "word"),
    [
        ("1104", "0101", "不是建设用地"),
        ("", "0101", "没有变化后地类"),
        ("9999", "0101", "未归入三大类"),
        ("0601", "0701", "已是建设用地"),
    ],
)
def test_what_is_not_for_this_check_is_not_assessed(after: str, before: str, word: str) -> None:
    (found,) = case(after, before).judged
    assert found.standing is Standing.NOT_ASSESSED
    assert word in found.reason


def test_a_patch_without_a_day_is_held_against_every_approval() -> None:
    assert case(seen=None, **WHOLE).judged[0].standing is Standing.LEGAL


def test_a_control_may_say_suspected() -> None:
    changed = replace_control(RULES, "basic-farmland", "suspected")
    ledger = case(**WHOLE, basic_farmland=(0.5, None))
    kinds = {"0601": "construction", "0101": "agricultural"}
    assert judge(ledger.material, changed, kinds.get).judged[0].standing is Standing.SUSPECTED


def replace_control(rules: EnforcementRules, name: str, beyond: str) -> EnforcementRules:
    controls = tuple(each.model_copy(update={"beyond": beyond}) if each.id == name else each for each in rules.control)
    return rules.model_copy(update={"control": controls})


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), st.floats(0, 0.9), st.floats(0.01, 0.5)), max_size=12))
def test_pieces_over_each_other_count_once(parts: list[tuple[int, float, float]]) -> None:
    area = np.array([owner for owner, _, _ in parts], dtype=np.int64)
    shapes = np.array([shapely.box(104 + a, 31, 104 + a + b, 31.1) for _, a, b in parts], dtype=object)
    found = united_m2(area, shapes, 4, 4490)
    for owner in range(4):
        mine = [shape for shape, of in zip(shapes, area, strict=True) if of == owner]
        expected = areas([shapely.union_all(mine)])[0] if mine else 0.0
        assert found[owner] == pytest.approx(expected, rel=1e-9, abs=1e-6)


async def test_progress_may_end_it(business: Database, view: View) -> None:
    def stop(_done: int, _what: str) -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        await CHECK.answer({}, replace(await view(business), progress=stop))
