"""Transition matrix 转移矩阵: which land class became which between two versions of the land status.

Only features that differ are laid over each other; what stayed the same goes to the diagonal.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Literal, Self

import numpy as np
from pydantic import Field, model_validator
from sqlalchemy.ext.asyncio import AsyncConnection

from cim.analysis.analysis import Analysis, Parameters, area_field
from cim.analysis.context import Context, Features
from cim.analysis.overlay import Floats, Shapes, overlay
from cim.analysis.reaching import area_in, features_in, partial, places
from cim.analysis.transition_tables import matrix_table, transitions_table
from cim.errors import BadRequest
from cim.model.analysis import Answer, SourceEdition, Title
from cim.model.ellipsoid import ellipsoidal_areas_m2
from cim.model.redline import to_lonlat
from cim.store.as_of import version_at
from cim.store.selection import Selection
from cim.store.version_pairs import areas_by_value, begun_after, ended_by, lasting_to

LAYER, CLASS = "land_status", "DLBM"
LEAST_PLACE_M2 = 1.0
LISTS = {"first": "third-survey-first", "second": "third-survey", "three-way": "three-way"}
STATEMENT = "面积为 CGCS2000 椭球面积，含田坎；未变化的图斑计入对角线，只对有变化的图斑作叠加。"


class TransitionParameters(Parameters):
    """The two states: each a version or a moment; the last two versions when left out."""

    from_version: int | None = Field(None, title="前版本 From version", ge=1)
    to_version: int | None = Field(None, title="后版本 To version", ge=1)
    from_at: datetime | None = Field(None, title="前时点 From", description="the version valid then; with a zone")
    to_at: datetime | None = Field(None, title="后时点 To", description="the version valid then; with a zone")
    area: Any = area_field(default=None)
    level: Literal["first", "second", "three-way"] = Field("second", title="分类级别 Level of classes")
    three_way: Literal["0404-agricultural", "0404-unused"] = Field("0404-agricultural", title="三大类口径 Roll-up")

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        for name in ("from", "to"):
            moment = getattr(self, f"{name}_at")
            if moment is not None and getattr(self, f"{name}_version") is not None:
                raise ValueError(f"give {name}_version or {name}_at, not both")
            if moment is not None and moment.tzinfo is None:
                raise ValueError(f"{name}_at has no zone: write 2024-01-01T00:00:00+08:00")
        return self


@dataclass(frozen=True, slots=True)
class Transition:
    """What became of which class, in m2: ``cells`` by class before and after, the totals of each side."""

    cells: Mapping[tuple[str, str], float]
    before_m2: Mapping[str, float]
    after_m2: Mapping[str, float]


@dataclass(slots=True)
class _Sums:
    cells: dict[tuple[str, str], float] = field(default_factory=dict)
    before: dict[str, float] = field(default_factory=dict)
    after: dict[str, float] = field(default_factory=dict)

    def add(self, before: str, after: str, area_m2: float) -> None:
        self.cells[before, after] = self.cells.get((before, after), 0.0) + area_m2

    def keep(self, code: str, area_m2: float) -> None:
        self.add(code, code, area_m2)
        self.before[code] = self.before.get(code, 0.0) + area_m2
        self.after[code] = self.after.get(code, 0.0) + area_m2


@dataclass(frozen=True, slots=True)
class Side:
    """Pieces of land of one state with their classes and areas in m2."""

    shapes: Shapes
    code: list[str]
    areas_m2: Floats


@dataclass(frozen=True, slots=True)
class Changed:
    """Pieces that lie in both states: shapes, classes before and after, areas in m2."""

    shapes: Shapes
    before: list[str]
    after: list[str]
    areas_m2: Floats


def transition(older: Side, newer: Side, kept_m2: Mapping[str, float], srid: int) -> tuple[Transition, Changed]:
    """Lay the changed land of one state over that of the other; ``kept_m2`` is what both share, by class."""
    sums = _Sums()
    for code, area in kept_m2.items():
        sums.keep(code, area)
    for side, totals in ((older, sums.before), (newer, sums.after)):
        for code, area in zip(side.code, side.areas_m2, strict=True):
            totals[code] = totals.get(code, 0.0) + float(area)
    pieces = overlay(older.shapes, newer.shapes, srid)
    before = [older.code[int(k)] for k in pieces.area]
    after = [newer.code[int(k)] for k in pieces.feature]
    for old, new, area in zip(before, after, pieces.areas_m2, strict=True):
        sums.add(old, new, float(area))
    found = Transition(sums.cells, sums.before, sums.after)
    return found, Changed(pieces.shapes, before, after, pieces.areas_m2)


async def run(asked: TransitionParameters, context: Context) -> Answer:
    """Find the two versions, read what differs, lay it over, sum up."""
    schema = context.collection(LAYER).schema
    group = _grouping(asked, context)
    async with context.reading() as connection:
        older, newer = await _versions(connection, context, asked)
        area = await area_in(context, connection, asked.area, schema.srid)
        before, after = (replace(context, versions={**context.versions, LAYER: each}) for each in (older, newer))
        context.progress(10, "读取变化图斑")
        gone = await features_in(before, connection, LAYER, (CLASS,), area, schema.srid, more=(ended_by(newer),))
        come = await features_in(after, connection, LAYER, (CLASS,), area, schema.srid, more=(begun_after(older),))
        context.progress(40, "汇总未变化图斑")
        kept_m2 = await _kept(connection, before, older, newer, area)
    context.progress(70, "叠加")
    old, new = [await asyncio.to_thread(_side, found, area, group, schema.srid) for found in (gone, come)]
    kept: dict[str, float] = {}
    for code, m2 in kept_m2.items():
        kept[group(code)] = kept.get(group(code), 0.0) + m2
    found, changed = await asyncio.to_thread(transition, old, new, kept, schema.srid)
    names = context.codes[LISTS[asked.level]].names
    return _answer(
        asked, context, found, changed, (gone.edition, come.edition), names, (len(gone.keys), len(come.keys))
    )


def _grouping(asked: TransitionParameters, context: Context) -> Callable[[str], str]:
    """What a land class counts as on the asked level; a class without counterpart stays itself."""
    if asked.level == "second":
        return str
    name = "third-survey-first" if asked.level == "first" else f"third-survey-three-way-{asked.three_way}"
    of = context.roll_ups[name].of
    return lambda code: of(code) or code


async def _versions(connection: AsyncConnection, context: Context, asked: TransitionParameters) -> tuple[int, int]:
    decision = context.decisions[LAYER]
    if CLASS not in decision.field_names:
        raise BadRequest("you may not see the land classes", where=CLASS, remedy="ask for the right to see them")
    newer = asked.to_version or decision.collection.version
    if asked.to_at is not None:
        newer = await version_at(connection, LAYER, asked.to_at)
    older = asked.from_version or newer - 1
    if asked.from_at is not None:
        older = await version_at(connection, LAYER, asked.from_at)
    if not 0 < older < newer:
        raise BadRequest(
            f"there is no transition from version {older} to version {newer}",
            where="from_version",
            remedy=f"name two versions in order; the newest is {decision.collection.version}, the first 1",
        )
    return older, newer


async def _kept(
    connection: AsyncConnection, before: Context, older: int, newer: int, area: Shapes | None
) -> dict[str, float]:
    """Areas of what both versions share, by land class: summed in the database, or cut by the area."""
    decision, lasting = before.decisions[LAYER], lasting_to(newer)
    if area is None:
        selection = Selection(decision.collection, (CLASS,), decision.regions, (lasting,), older)
        return {str(code or ""): m2 for code, m2 in (await areas_by_value(connection, selection, CLASS)).items()}
    srid = decision.collection.schema.srid
    found = await features_in(before, connection, LAYER, (CLASS,), area, srid, more=(lasting,))
    side = await asyncio.to_thread(_side, found, area, str, srid)
    sums: dict[str, float] = {}
    for code, m2 in zip(side.code, side.areas_m2, strict=True):
        sums[code] = sums.get(code, 0.0) + float(m2)
    return sums


def _side(found: Features, area: Shapes | None, group: Callable[[str], str], srid: int) -> Side:
    code = [group(str(value or "")) for value in found.columns[CLASS]]
    if area is None:
        return Side(found.shapes, code, ellipsoidal_areas_m2(to_lonlat(found.shapes, srid)))
    cut = overlay(area, found.shapes, srid)
    return Side(cut.shapes, [code[int(k)] for k in cut.feature], cut.areas_m2)


def _answer(
    asked: TransitionParameters,
    context: Context,
    found: Transition,
    changed: Changed,
    editions: tuple[SourceEdition, SourceEdition],
    names: Mapping[str, str],
    rows: tuple[int, int],
) -> Answer:
    differ = np.array([old != new for old, new in zip(changed.before, changed.after, strict=True)], dtype=bool)
    shown = np.flatnonzero(differ & (changed.areas_m2 >= LEAST_PLACE_M2))
    shown = shown[np.argsort(-changed.areas_m2[shown], kind="stable")]
    facts = [
        {"from": changed.before[k], "to": changed.after[k], "area_m2": round(float(changed.areas_m2[k]), 2)}
        for k in shown
    ]
    matrix = matrix_table(found, names)
    srid = context.collection(LAYER).schema.srid
    text = STATEMENT + ("您只能查看部分辖区，结果只含可见部分。" if partial(context, LAYER) else "")
    return Answer(
        summary={
            "from_version": editions[0].version,
            "to_version": editions[1].version,
            "level": asked.level,
            "before_m2": round(sum(found.before_m2.values()), 2),
            "after_m2": round(sum(found.after_m2.values()), 2),
            "changed_m2": round(float(changed.areas_m2[differ].sum()), 2),
            "features_before": rows[0],
            "features_after": rows[1],
            "places_left_out": max(0, len(shown) - len(places(changed.shapes[shown], srid, facts))),
        },
        tables=[matrix, transitions_table(found, names)],
        places=places(changed.shapes[shown], srid, facts),
        sources=list(editions),
        statement=text,
    )


ANALYSIS: Analysis[TransitionParameters] = Analysis(
    id="transition-matrix",
    version="1",
    title=Title("土地利用转移矩阵", "Transition matrix"),
    description=Title(
        "两个版本的土地利用现状之间各地类相互转移的面积，行列之和与两期面积闭合，并给出变化图斑。",
        "Which land class became which between two versions of the land status, in m2; rows and columns close on the "
        "areas of either side.",
    ),
    parameters=TransitionParameters,
    run=run,
    long=True,
)
