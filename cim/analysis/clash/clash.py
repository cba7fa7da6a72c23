"""The clash test: which elements of two building models, or of two kinds, are in one another.

Boxes are compared by the database, then the shapes of the pairs that are left.
"""

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyproj
import shapely
from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncConnection

from cim.analysis.analysis import Analysis, Parameters
from cim.analysis.clash.solids import Body, Meeting, meeting
from cim.analysis.context import Context
from cim.errors import AnswerTooLarge, BadRequest
from cim.model.analysis import Answer, Column, Place, SourceEdition, Table, Title
from cim.model.bim import Mesh, Placement
from cim.model.ifc_classes import all_kinds_of, class_named
from cim.policy.policy import Decision
from cim.store.bim_clash import BoxedElement, Side, overlapping_boxes
from cim.store.bim_meshes import meshes_of
from cim.store.bim_models import models_by_id
from cim.store.versions import publishing_times

MOST_PAIRS = 20_000
MOST_BYTES = 400_000_000
TOLD_EVERY = 200
STATEMENT = "碰撞检测按三角网几何计算，相接或侵入不超过容差的不计；深度为估计值。结果供设计复核，不代替专业审查。"
Pair = tuple[BoxedElement, BoxedElement]


class ClashParameters(Parameters):
    """Two models, or two sets of classes of one."""

    model_a: str = Field(title="模型甲 Model A", description="the id of a model", max_length=48)
    model_b: str | None = Field(
        None, title="模型乙 Model B", description="the id of another model; the same one when left out", max_length=48
    )
    classes_a: list[str] = Field(
        default_factory=list, title="甲的类别 Classes of A", description="IFC classes; all when empty", max_length=40
    )
    classes_b: list[str] = Field(
        default_factory=list, title="乙的类别 Classes of B", description="IFC classes; all when empty", max_length=40
    )
    tolerance_m: float = Field(
        0.01, title="容差（米） Tolerance (m)", description="how deep is still no clash", ge=0.001, le=1
    )


@dataclass(frozen=True, slots=True)
class _Laid:
    """One side with what takes its shapes to the frame both share, metres east, north and up of ``origin``."""

    placement: Placement
    meshes: Mapping[bytes, Mesh]
    way: pyproj.Transformer | None

    def body(self, element: BoxedElement, origin: Any) -> Body | None:
        mesh = self.meshes.get(element.mesh)
        if mesh is None or not len(mesh.triangles):
            return None
        matrix = np.array(element.matrix, np.float64).reshape(3, 4)
        points = self.placement.to_map(mesh.positions.astype(np.float64) @ matrix[:, :3].T + matrix[:, 3])
        if self.way is not None:
            points[:, 0], points[:, 1] = self.way.transform(points[:, 0], points[:, 1])
        return Body((points - origin)[mesh.triangles])


async def clash(asked: ClashParameters, context: Context) -> Answer:
    """The pairs that are in one another, with where and about how deep."""
    one = _model(context, asked.model_a)
    other = _model(context, asked.model_b or asked.model_a)
    sides = (Side(one.collection.id, _classes(asked.classes_a)), Side(other.collection.id, _classes(asked.classes_b)))
    async with context.reading() as connection:
        pairs = await overlapping_boxes(connection, *sides, asked.tolerance_m, MOST_PAIRS + 1)
        if len(pairs) > MOST_PAIRS:
            raise AnswerTooLarge(
                f"more than {MOST_PAIRS} pairs of elements have boxes that overlap",
                where="classes_a, classes_b",
                remedy="test some classes against some others",
            )
        context.progress(20, "读取几何")
        laid = await _laid(connection, one, other, pairs)
        sources = [await _edition(connection, each) for each in {d.collection.id: d for d in (one, other)}.values()]
    found = await asyncio.to_thread(_met, pairs, laid, asked.tolerance_m, context)
    return _answer(asked, len(pairs), found, laid, sources)


def _model(context: Context, name: str) -> Decision:
    decision = context.models.get(name)
    if decision is None:
        raise BadRequest(
            f"there is no model {name[:60]!r} that you may see", where="model", remedy="GET /models lists them"
        )
    return decision


def _classes(names: Sequence[str]) -> tuple[str, ...]:
    return tuple(sorted(all_kinds_of(class_named(name, "classes") for name in names)))


async def _laid(
    connection: AsyncConnection, one: Decision, other: Decision, pairs: Sequence[Pair]
) -> tuple[_Laid, _Laid]:
    """Both sides in the first one's system; BadRequest where heights or systems cannot be compared."""
    versions = {each.collection.id: each.collection.version for each in (one, other)}
    rows = {row.id: row.placement for row in await models_by_id(connection, versions)}
    first, second = rows[one.collection.id], rows[other.collection.id]
    if first.height_datum != second.height_datum:
        raise BadRequest(
            f"the heights of the models are of {first.height_datum} and {second.height_datum}",
            where="model_b",
            remedy="import one of them with the height datum of the other",
        )
    crs = [f"EPSG:{each.srid}" if each.srid else each.wkt for each in (first, second)]
    way = pyproj.Transformer.from_crs(crs[1], crs[0], always_xy=True) if crs[0] != crs[1] else None
    meshes = [
        await meshes_of(connection, each.collection.id, {pair[place].mesh for pair in pairs}, MOST_BYTES)
        for place, each in enumerate((one, other))
    ]
    return _Laid(first, meshes[0], None), _Laid(second, meshes[1], way)


async def _edition(connection: AsyncConnection, decision: Decision) -> SourceEdition:
    held = decision.collection
    times = await publishing_times(connection, {held.id: held.version})
    return SourceEdition(held.id, held.id, held.version, times.get((held.id, held.version)))


def _met(
    pairs: Sequence[Pair], laid: tuple[_Laid, _Laid], tolerance_m: float, context: Context
) -> list[tuple[Pair, Meeting]]:
    origin = laid[0].placement.to_map(np.zeros((1, 3)))[0]
    found = []
    kept: tuple[str, Body | None] = ("", None)
    for number, pair in enumerate(pairs):
        if number % TOLD_EVERY == 0:
            context.progress(20 + 75 * number // len(pairs), f"比较 {number}/{len(pairs)} 对构件")
        if kept[0] != pair[0].global_id:
            kept = (pair[0].global_id, laid[0].body(pair[0], origin))
        other = laid[1].body(pair[1], origin)
        met = meeting(kept[1], other, tolerance_m) if kept[1] is not None and other is not None else None
        if met is not None:
            x, y, z = (np.array(met.point) + origin).tolist()
            found.append((pair, Meeting(met.kind, (x, y, z), met.depth_m)))
    return found


def _answer(
    asked: ClashParameters,
    boxes: int,
    found: Sequence[tuple[Pair, Meeting]],
    laid: tuple[_Laid, _Laid],
    sources: Sequence[SourceEdition],
) -> Answer:
    crs = f"EPSG:{laid[0].placement.srid}" if laid[0].placement.srid else laid[0].placement.wkt
    to_lonlat = pyproj.Transformer.from_crs(crs, 4490, always_xy=True)
    rows, places = [], []
    for (a, b), met in found:
        east_m, north_m, height_m = met.point
        who = (a.global_id, a.ifc_class, a.name, b.global_id, b.ifc_class, b.name, a.storey or b.storey)
        where = (round(east_m, 3), round(north_m, 3), round(height_m, 3))
        rows.append((*who, met.kind, round(met.depth_m, 4), *where))
        lon, lat = to_lonlat.transform(east_m, north_m)
        point = json.loads(shapely.to_geojson(shapely.Point(round(lon, 8), round(lat, 8))))
        facts = {"kind": met.kind, "depth_m": round(met.depth_m, 4), "height_m": round(height_m, 3)}
        places.append(Place(point, {**facts, "a": a.global_id, "b": b.global_id}))
    summary = {
        "model_a": asked.model_a,
        "model_b": asked.model_b or asked.model_a,
        "tolerance_m": asked.tolerance_m,
        "box_pairs": boxes,
        "clashes": len(found),
        "crs": crs,
        "by_classes": _by_classes(found),
    }
    return Answer(summary, tables=[_table(rows)], places=places, sources=sources, statement=STATEMENT)


def _by_classes(found: Sequence[tuple[Pair, Meeting]]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for (a, b), _ in found:
        name = " / ".join(sorted((a.ifc_class, b.ifc_class)))
        counts[name] = counts.get(name, 0) + 1
    return dict(sorted(counts.items()))


def _table(rows: Sequence[tuple[Any, ...]]) -> Table:
    columns = (
        Column("a", Title("甲 GlobalId", "A GlobalId")),
        Column("a_class", Title("甲类别", "A class")),
        Column("a_name", Title("甲名称", "A name")),
        Column("b", Title("乙 GlobalId", "B GlobalId")),
        Column("b_class", Title("乙类别", "B class")),
        Column("b_name", Title("乙名称", "B name")),
        Column("storey", Title("楼层", "Storey")),
        Column("kind", Title("方式", "Kind")),
        Column("depth_m", Title("深度（估计）", "Depth (estimate)"), "number", "m", 3),
        Column("east_m", Title("东坐标", "Easting"), "number", "m", 3),
        Column("north_m", Title("北坐标", "Northing"), "number", "m", 3),
        Column("height_m", Title("高程", "Height"), "number", "m", 3),
    )
    return Table("clashes", Title("碰撞构件对", "Clashing pairs"), columns, rows, "crossing：相交；inside：包含或重合")


ANALYSIS = Analysis(
    id="clash",
    version="1",
    title=Title("模型碰撞检测", "Clash test"),
    description=Title(
        "两个建筑模型之间，或一个模型的两类构件之间，先比包围盒、再比几何，列出相互侵入的构件对",
        "Elements of two building models, or of two kinds in one, that are in one another: boxes first, then shapes",
    ),
    parameters=ClashParameters,
    run=clash,
    long=True,
)
