"""A scheme checked against its site."""

import asyncio
import json
from typing import Any

import numpy as np
import shapely
from pydantic import Field

from cim.analysis.analysis import Analysis, Parameters, area_field
from cim.analysis.area import red_line_of
from cim.analysis.block_figures.material import PLAN, PLAN_FIELDS, BlockReader, Laid, changed_by
from cim.analysis.block_figures.planned import planned
from cim.analysis.compliance_review.review import overall
from cim.analysis.context import Context
from cim.analysis.scheme_check import findings
from cim.analysis.scheme_check.findings import Case, floor_area_m2, setbacks_m, united_m2
from cim.analysis.scheme_check.kept import the_scheme
from cim.analysis.scheme_check.scheme import Scheme
from cim.analysis.terrain.cells import metric_srid
from cim.model.analysis import Answer, Column, Place, Table, Title
from cim.model.ellipsoid import ellipsoidal_areas_m2
from cim.model.redline import LONLAT_SRID, RedLine, moved

STATEMENT = "本结果由系统依据所列数据版本自动计算，仅供方案研究参考，不代替规划审批和规划核实。"


class SchemeParameters(Parameters):
    """The site, the buildings, and the setback that is asked for."""

    area: Any = area_field()
    scheme: Any = Field(
        title="方案 Scheme",
        description=(
            "a GeoJSON FeatureCollection of footprints in longitude, latitude with floors and height_m; or what was"
            ' imported: {"model": ID} a building model, {"layer": ID} buildings or city objects on the site'
        ),
        json_schema_extra={"x-cim-input": "geojson", "type": "object"},
    )
    setback_m: float | None = Field(None, title="建筑退界 Setback (m)", ge=0, le=500)
    scenario: str | None = Field(None, title="规划情景 Scenario", description="limits as under this scenario")


async def scheme_check(asked: SchemeParameters, context: Context) -> Answer:
    """Check a scheme against the limits of its site."""
    async with context.reading() as connection:
        red_line = await red_line_of(context, asked.area)
        scheme = await the_scheme(connection, context, asked.scheme, red_line)
        changed = await changed_by(connection, context, asked.scenario)
        reader = BlockReader(connection, context, red_line.shapes, red_line.srid, changed)
        under = await reader.under_scenario(PLAN, PLAN_FIELDS)
        plan = under or await reader.laid(PLAN, PLAN_FIELDS)
    return await asyncio.to_thread(_answer, scheme, asked, red_line, plan)


def _answer(scheme: Scheme, asked: SchemeParameters, red_line: RedLine, plan: Laid) -> Answer:
    lonlat = red_line.lonlat()
    whole = np.arange(len(lonlat))
    site = shapely.union_all(lonlat)
    srid = metric_srid(float(shapely.centroid(site).x))
    flat = moved(np.array([site], dtype=object), LONLAT_SRID, srid)[0]
    limits = planned(red_line.areas_m2(), plan, whole)
    footprint_m2 = ellipsoidal_areas_m2(scheme.footprints)
    case = Case(scheme, asked.setback_m, site, flat, srid, plan, red_line.srid, limits, footprint_m2)
    found = [
        rule(case) for rule in (findings.far, findings.density, findings.height, findings.setback, findings.outside)
    ]
    known = bool(np.isfinite(scheme.floors).all())
    return Answer(
        summary={
            "verdict": str(overall(found)),
            "site_m2": round(float(red_line.areas_m2().sum()), 2),
            "planned_m2": _rounded(limits.covered_m2, 2),
            "buildings": len(scheme.names),
            "footprint_m2": round(united_m2(scheme.footprints), 2),
            "floor_area_m2": round(floor_area_m2(case), 2) if known else None,
            "notes": limits.notes,
        },
        findings=found,
        tables=[_buildings(case)],
        places=_places(case),
        sources=[plan.features.edition],
        statement=STATEMENT,
    )


def _buildings(case: Case) -> Table:
    columns = (
        Column("name", Title("建筑", "Building")),
        Column("footprint_m2", Title("基底面积", "Footprint"), "number", "m2"),
        Column("floors", Title("层数", "Floors"), "count"),
        Column("floor_area_m2", Title("建筑面积", "Floor area"), "number", "m2"),
        Column("height_m", Title("高度", "Height"), "number", "m"),
        Column("setback_m", Title("距用地边界", "To the site's edge"), "number", "m"),
    )
    scheme, distance_m = case.scheme, setbacks_m(case)
    rows = [
        (
            scheme.names[k],
            round(float(case.footprint_m2[k]), 2),
            _rounded(scheme.floors[k], 1),
            _rounded(scheme.floors[k] * case.footprint_m2[k], 2),
            _rounded(scheme.height_m[k], 2),
            round(float(distance_m[k]), 2),
        )
        for k in range(len(scheme.names))
    ]
    return Table("buildings", Title("方案建筑", "Buildings of the scheme"), columns, rows)


def _places(case: Case) -> list[Place]:
    texts = shapely.to_geojson(np.array([case.site, *case.scheme.footprints], dtype=object))
    facts = [{"kind": "site"}, *({"kind": "building", "name": name} for name in case.scheme.names)]
    return [Place(json.loads(text), fact) for text, fact in zip(texts, facts, strict=True)]


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None or not np.isfinite(value) else round(float(value), digits)


ANALYSIS: Analysis[SchemeParameters] = Analysis(
    id="scheme-check",
    version="1",
    title=Title("方案比对", "Scheme check"),
    description=Title(
        "方案的容积率、建筑密度、高度、退界和超出范围，与地块控制指标比对。",
        "A scheme's FAR, density, heights, setbacks and what stands outside, against the limits of its site.",
    ),
    parameters=SchemeParameters,
    run=scheme_check,
)
