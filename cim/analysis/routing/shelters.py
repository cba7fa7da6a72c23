"""The shelters that people may be sent to: near enough, with room, outside the area, known to the caller."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from sqlalchemy.ext.asyncio import AsyncConnection

from cim.analysis.context import Context
from cim.analysis.reaching import partial
from cim.analysis.routing.asking import Ground
from cim.analysis.routing.telling import NotRouted, missing, remark
from cim.model.analysis import Finding, SourceEdition
from cim.model.redline import LONLAT_SRID
from cim.model.road_network import Floats, Ints, Shapes

SHELTERS = "shelters"


@dataclass(frozen=True, slots=True, eq=False)
class Shelters:
    """Places with room for some persons."""

    lonlat: Floats
    names: Sequence[str]
    fids: Ints
    room: Ints
    edition: SourceEdition
    remarks: Sequence[Finding]


async def shelters_for(
    connection: AsyncConnection, context: Context, ground: Ground, areas: Shapes, within_km: float, *, inside: bool
) -> Shelters:
    """The shelters within some kilometres of areas; NotRouted where none is known or none has room."""
    found = await context.features(
        connection,
        SHELTERS,
        ("name", "capacity"),
        areas,
        LONLAT_SRID,
        within_m=within_km * 1000,
        scenario=ground.scenarios.get(SHELTERS),
    )
    if not found.present:
        raise NotRouted("layer-missing", missing(found.edition).message, found.edition)
    points = shapely.point_on_surface(found.shapes)
    room = np.array([max(0, int(value or 0)) for value in found.columns["capacity"]], dtype=np.int64)
    within = shapely.intersects(points, shapely.union_all(areas)) if len(points) else np.zeros(0, dtype=bool)
    taken = (room > 0) & (~within | inside)
    if not taken.any():
        why = (
            f"其中 {int((room <= 0).sum())} 处没有容纳人数，{int(within.sum())} 处在疏散范围内"
            if len(room)
            else "图层在此没有要素"
        )
        raise NotRouted("no-shelter", f"周边 {within_km:g} 公里内没有可采用的避难场所；{why}", found.edition)
    remarks = []
    if partial(context, SHELTERS):
        remarks.append(remark("layer-partial", "只包括您有权查看的地区", found.edition, layer=SHELTERS))
    if not taken.all():
        text = (
            f"{int((~taken).sum())} 处未采用：{int((room <= 0).sum())} 处没有容纳人数，"
            f"{int((within & (room > 0)).sum()) if not inside else 0} 处在疏散范围内"
        )
        remarks.append(remark("shelters-left-out", text, found.edition, layer=SHELTERS))
    rows = np.flatnonzero(taken)
    return Shelters(
        shapely.get_coordinates(points[rows]),
        [str(found.columns["name"][k] or found.keys[k]) for k in rows.tolist()],
        found.fids[rows],
        room[rows],
        found.edition,
        remarks,
    )
