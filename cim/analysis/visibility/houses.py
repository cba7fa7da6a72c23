"""Buildings as blocks that stand in the way of sight."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import shapely

from cim.analysis.context import Context
from cim.analysis.visibility.plane import Floats, Plane, Shapes
from cim.analysis.visibility.sight import Blocks, Ints
from cim.model.analysis import SourceEdition
from cim.model.redline import LONLAT_SRID

BUILDINGS, STOREY_M = "buildings", 3.0


@dataclass(frozen=True, slots=True)
class Houses:
    """Buildings near some areas: ids, names, footprints in degrees, heights above ground, NaN unknown."""

    edition: SourceEdition
    fids: Ints
    names: Sequence[str]
    shapes: Shapes
    tall_m: Floats
    notes: Sequence[str]


async def houses_near(context: Context, areas: Shapes) -> Houses:
    """The buildings that may meet areas. One without height is as high as its storeys of three metres."""
    async with context.reading() as connection:
        found = await context.features(
            connection, BUILDINGS, ("building_code", "name", "height_m", "floors"), areas, LONLAT_SRID, within_m=1.0
        )
    columns = found.columns
    tall_m = np.array(
        [_tall(height, floors) for height, floors in zip(columns["height_m"], columns["floors"], strict=True)],
        dtype=np.float64,
    )
    names = [
        str(name or code or fid)
        for name, code, fid in zip(columns["name"], columns["building_code"], found.fids, strict=True)
    ]
    notes = [] if found.present else [f"{found.edition.note}，未计建筑遮挡"]
    unknown = int(np.isnan(tall_m).sum())
    if unknown:
        notes.append(f"{unknown} 栋建筑没有高度和层数，未计其遮挡")
    return Houses(found.edition, found.fids, names, found.shapes, tall_m, notes)


def _tall(height_m: float | None, floors: int | None) -> float:
    if height_m is not None:
        return float(height_m)
    return np.nan if floors is None else floors * STOREY_M


def blocks_of(footprints: Shapes, tops_m: Floats, plane: Plane) -> Blocks:
    """Footprints in longitude and latitude as blocks on a plane; courtyards are open."""
    rings, owner_of_ring = shapely.get_rings(_parts(footprints)[0], return_index=True)
    owners = _parts(footprints)[1][owner_of_ring]
    corners, ring = shapely.get_coordinates(rings, return_index=True)
    if len(corners) == 0:
        return Blocks(np.zeros((0, 2)), np.zeros((0, 2)), np.zeros(0, dtype=np.int64), tops_m)
    placed = plane.metres(corners)
    within = ring[1:] == ring[:-1]
    return Blocks(placed[:-1][within], placed[1:][within], owners[ring[1:][within]], tops_m)


def _parts(footprints: Shapes) -> tuple[Shapes, Ints]:
    parts, owners = shapely.get_parts(footprints, return_index=True)
    return np.asarray(parts, dtype=object), np.asarray(owners, dtype=np.int64)
