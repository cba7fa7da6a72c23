"""Consolidation 整治前后: arable land of each project before and after, by the register and by the land status."""

import asyncio
from dataclasses import replace
from typing import Any, Self

import numpy as np
from pydantic import Field, model_validator
from sqlalchemy.ext.asyncio import AsyncConnection

from cim.analysis import land_figures
from cim.analysis.analysis import Analysis, Parameters, area_field
from cim.analysis.consolidation_tables import (
    CLASSES,
    LAYER,
    REGISTER,
    WHEN,
    Computed,
    classes_table,
    projects_table,
    registered,
    rounded,
)
from cim.analysis.context import Context, Features
from cim.analysis.overlay import Floats, overlay
from cim.analysis.reaching import area_in, features_in, features_of_each, partial, places, taken
from cim.errors import BadRequest
from cim.model.analysis import Answer, Finding, SourceEdition, Title, Verdict
from cim.model.ellipsoid import ellipsoidal_areas_m2
from cim.model.redline import to_lonlat

LAND = "land_status"
FIELDS = ("project_no", "project", "kind", "phase", *REGISTER)
CLAUSE = "土地整治项目应当增加耕地面积、提高耕地质量（待核）"
STATEMENT = "登记值取自项目记录；计算值为两个版本现状图斑在项目范围内的椭球面积，耕地已扣除田坎。"


class BalanceParameters(Parameters):
    """Which projects; with two versions of the land status their figures are computed too."""

    area: Any = area_field(default=None)
    project_no: str = Field("", title="项目编号 Project number", max_length=80)
    from_version: int | None = Field(None, title="整治前现状版本 Land status before", ge=1)
    to_version: int | None = Field(None, title="整治后现状版本 Land status after", ge=1)
    data_versions: dict[str, int] = Field(default_factory=dict, title="数据版本 Data versions")

    @model_validator(mode="after")
    def _both(self) -> Self:
        if (self.from_version is None) != (self.to_version is None):
            raise ValueError("give both from_version and to_version, or neither")
        if self.from_version is not None and self.to_version is not None and self.from_version >= self.to_version:
            raise ValueError("from_version is not before to_version")
        return self


async def run(asked: BalanceParameters, context: Context) -> Answer:
    """Read the projects, and the land status of both versions in them."""
    srid = context.collection(LAYER).schema.srid
    async with context.reading() as connection:
        area = await area_in(context, connection, asked.area, srid)
        projects = await features_in(context, connection, LAYER, FIELDS, area, srid)
        if asked.project_no:
            rows = [k for k, key in enumerate(projects.columns["project_no"]) if key == asked.project_no]
            projects = taken(projects, np.array(rows, dtype=np.int64))
        editions = [projects.edition]
        computed: Computed | None = None
        if asked.from_version is not None:
            computed, used = await _computed(connection, context, projects, asked, srid)
            editions += used
    return await asyncio.to_thread(_answer, projects, computed, editions, srid, context)


async def _computed(
    connection: AsyncConnection, context: Context, projects: Features, asked: BalanceParameters, srid: int
) -> tuple[Computed, list[SourceEdition]]:
    context.collection(LAND)
    out: dict[str, Floats] = {}
    editions = []
    for (when, _), version in zip(WHEN, (asked.from_version, asked.to_version), strict=True):
        then = replace(context, versions={**context.versions, LAND: version or 0})
        land = await features_of_each(then, connection, LAND, land_figures.FIELDS, projects.shapes, srid)
        if not land.present:
            raise BadRequest("the land status cannot be read", where=LAND, remedy="leave the versions out")
        out |= await asyncio.to_thread(_net, projects, land, when, srid)
        editions.append(land.edition)
    return out, editions


def _net(projects: Features, land: Features, when: str, srid: int) -> dict[str, Floats]:
    pieces = overlay(projects.shapes, land.shapes, srid)
    found = land_figures.patches(pieces, land.columns, land.shapes, srid)
    net = 1 - np.divide(found.ridge_m2, found.register_m2, out=np.zeros(len(found.code)), where=found.register_m2 > 0)
    code = np.array(found.code, dtype=object)
    out = {}
    for name, known, *_ in CLASSES:
        weights = np.where(code == known, found.computed_m2 * net, 0.0)
        sums = np.bincount(pieces.area, weights=weights, minlength=len(projects.keys))
        out[f"{when}_{name}_m2"] = np.asarray(sums, dtype=np.float64)
    return out


def _sum(values: list[float | None]) -> float | None:
    """The sum, or None where a part is not known: a sum without it would be wrong."""
    known = [value for value in values if value is not None]
    return sum(known) if len(known) == len(values) else None


def _gain(projects: Features, k: int) -> float | None:
    before, after = (_sum([registered(projects, f"{when}_{name}_m2", k) for name, *_ in CLASSES]) for when, _ in WHEN)
    return None if before is None or after is None else after - before


def _answer(
    projects: Features, computed: Computed | None, editions: list[SourceEdition], srid: int, context: Context
) -> Answer:
    gains = [_gain(projects, k) for k in range(len(projects.keys))]
    areas = ellipsoidal_areas_m2(to_lonlat(projects.shapes, srid))
    columns = projects.columns
    facts = [
        {
            "project_no": key,
            "project": columns["project"][k],
            "phase": columns["phase"][k],
            "gain_m2": rounded(gains[k]),
        }
        for k, key in enumerate(projects.keys)
    ]
    gained = _sum(list(gains))
    counted = None if computed is None else [_computed_gain(computed, k) for k in range(len(gains))]
    return Answer(
        summary={
            "projects": len(projects.keys),
            "area_m2": round(float(areas.sum()), 2),
            "gain_m2": rounded(gained),
            "computed_gain_m2": None if counted is None else round(sum(counted), 2),
        },
        findings=[_finding(k, gains[k], projects, context) for k in range(len(gains))],
        tables=[projects_table(projects, gains, areas, counted, context), classes_table(projects, computed)],
        places=places(projects.shapes, srid, facts),
        sources=editions,
        statement=STATEMENT,
    )


def _computed_gain(computed: Computed, k: int) -> float:
    before, after = (sum(float(computed[f"{when}_{name}_m2"][k]) for name, *_ in CLASSES) for when, _ in WHEN)
    return after - before


def _finding(k: int, gain: float | None, projects: Features, context: Context) -> Finding:
    key = projects.keys[k]
    text = "没有完整的整治前后面积记录" if gain is None else f"耕地净增 {gain:.2f} 平方米（登记值）"
    verdict = Verdict.NOT_ASSESSED if gain is None else Verdict.CONFORMS if gain >= 0 else Verdict.NOT
    if verdict is Verdict.CONFORMS and projects.columns["phase"][k] != "accepted":
        verdict, text = Verdict.INFORMATION, f"{text}，项目尚未验收"
    if partial(context, LAYER):
        text += "（您只能查看部分辖区）"
    title = Title(f"{key} {projects.columns['project'][k] or ''}".strip(), f"Project {key}")
    return Finding(
        f"consolidation:{key}", title, verdict, rounded(gain), 0.0, "m2", CLAUSE, LAYER, projects.edition.text, text
    )


ANALYSIS: Analysis[BalanceParameters] = Analysis(
    id="consolidation-balance",
    version="1",
    title=Title("土地整治前后对比", "Consolidation balance"),
    description=Title(
        "土地整治项目前后各类耕地面积和净增耕地：取项目登记值；给出两个现状版本时另作叠加计算并比较差异。",
        "Arable land of consolidation projects before and after by class: registered, and, with two versions "
        "of the land status, computed.",
    ),
    parameters=BalanceParameters,
    run=run,
)
