"""The planning figures of one block, and what they stand on."""

import asyncio
import json
from collections.abc import Sequence

import numpy as np
import shapely

from cim.analysis.analysis import Analysis
from cim.analysis.area import red_line_of
from cim.analysis.block_figures import green as greens
from cim.analysis.block_figures import tables
from cim.analysis.block_figures.green import Green, green
from cim.analysis.block_figures.material import Material, gather
from cim.analysis.block_figures.parameters import BlockParameters
from cim.analysis.block_figures.planned import Planned, planned
from cim.analysis.block_figures.standing import Standing, standing
from cim.analysis.block_figures.tables import Side
from cim.analysis.context import Context
from cim.analysis.overlay import Ints
from cim.model.analysis import Answer, Place, SourceEdition, Title
from cim.model.redline import RedLine, to_lonlat

STATEMENT = "本结果由系统依据所列数据版本自动计算，仅供规划研究参考，不代替测绘成果和规划核实。"
METHOD = "建筑面积＝基底椭球面积×地上层数，不含地下；容积率和密度的现状值按整个范围的用地面积计"


async def block_figures(asked: BlockParameters, context: Context) -> Answer:
    """The figures of one block, all its parcels together and each by itself."""
    async with context.reading() as connection:
        red_line = await red_line_of(context, asked.area)
        context.progress(10, "读取图层")
        material = await gather(connection, context, red_line, asked.scenario)
    context.progress(60, "计算指标")
    return await asyncio.to_thread(_answer, material, red_line, context)


def _answer(material: Material, red_line: RedLine, context: Context) -> Answer:
    whole = np.arange(len(red_line.parcels))
    site_m2 = float(material.areas_m2.sum())
    now, land = standing(material, material.buildings, whole, with_people=True), green(material, whole)
    plan = planned(material.areas_m2, material.plan, whole)
    then = _then(material, whole)
    then_plan = planned(material.areas_m2, material.scenario_plan, whole) if material.scenario_plan else None
    sides = [
        Side("now", Title("现状", "Now"), tables.standing_figures(site_m2, now, land)),
        Side("plan", Title("规划", "Plan"), tables.planned_figures(plan)),
    ]
    if then_plan is not None:
        sides.append(Side("scenario_plan", Title("情景规划", "Scenario plan"), tables.planned_figures(then_plan)))
    if then is not None:
        figures = tables.standing_figures(site_m2, then, None)
        sides.append(Side("scenario", Title("情景建成", "Scenario built"), figures))
    notes = _notes(material, now, land, plan, then, then_plan)
    each = [
        (
            standing(material, material.buildings, one, with_people=False),
            planned(material.areas_m2, material.plan, one),
            area,
        )
        for one, area in zip(whole.reshape(-1, 1), material.areas_m2.tolist(), strict=True)
    ]
    codes = context.codes.get("building-use")
    summary = {side.id: tables.rounded(side.figures) for side in sides}
    return Answer(
        summary={**summary, "parcels": len(whole), "cut_buildings": now.cut, "scenario_name": material.scenario}
        | {"notes": notes},
        tables=[
            tables.figures_table(sides, "；".join(notes)),
            tables.uses_table(now, then, codes),
            tables.parcels_table(red_line, each),
        ],
        places=_places(material, red_line, each),
        sources=_sources(material),
        statement=STATEMENT,
    )


def _then(material: Material, whole: Ints) -> Standing | None:
    laid = material.scenario_buildings
    return standing(material, laid, whole, with_people=False) if laid else None


def _notes(
    material: Material, now: Standing, land: Green, plan: Planned, then: Standing | None, then_plan: Planned | None
) -> list[str]:
    found = [METHOD, greens.METHOD]
    groups: list[tuple[str, Sequence[str]]] = [("现状", now.notes), ("现状", land.notes), ("规划", plan.notes)]
    groups += [("情景建成", then.notes)] if then else []
    groups += [("情景规划", then_plan.notes)] if then_plan else []
    found += [f"{of}：{note}" for of, notes in groups for note in notes]
    if material.scenario is not None and then is None and then_plan is None:
        found.append(f"情景“{material.scenario}”没有改动建筑和规划地块，或您无权查看")
    return found


def _sources(material: Material) -> list[SourceEdition]:
    laid = [material.buildings, material.plan, material.land, material.water]
    return [*(each.features.edition for each in laid), material.people.edition]


def _places(material: Material, red_line: RedLine, each: Sequence[tuple[Standing, Planned, float]]) -> list[Place]:
    """The parcels, each with its main figures, in longitude and latitude."""
    texts = shapely.to_geojson(to_lonlat(material.areas, material.srid))
    places = []
    for text, parcel, (now, plan, site_m2) in zip(texts, red_line.parcels, each, strict=True):
        own = tables.rounded(tables.standing_figures(site_m2, now, None))
        facts = {"kind": "parcel", "number": parcel.number, "name": parcel.name, "plan_far": plan.far}
        places.append(Place(json.loads(text), facts | {name: own[name] for name in ("site_m2", "far", "density_pct")}))
    return places


ANALYSIS: Analysis[BlockParameters] = Analysis(
    id="block-figures",
    version="1",
    title=Title("地块指标", "Block figures"),
    description=Title(
        "任意范围的用地面积、建筑面积、容积率、建筑密度、绿地率、高度、用途构成和人口，与规划控制指标和规划情景对比。",
        "Site and floor area, FAR, density, green ratio, heights, uses and people of any block, beside the limits of "
        "the plan and a scenario.",
    ),
    parameters=BlockParameters,
    run=block_figures,
)
