"""Which elements of a building model are in which tile: by storey, by what is seen from how far, by place.

A tile's path counts storeys from the lowest (``z``), the parts of each (``x``) and the pieces of each part (``y``).
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import IntEnum
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cim.model.bim import ElementKind
from cim.model.ellipsoidal_heights import HeightWay
from cim.model.ifc_classes import all_kinds_of
from cim.store.scene_models import ElementBoxes, Storey
from tiles.scene.content import ScenePath
from tiles.scene.tileset import SceneNode, SceneRegion, union

MOST_ELEMENTS, MOST_TRIANGLES = 1_000, 200_000
"""Of a tile; one element may have more triangles than that."""
MOST_OF_ONE = 1_000_000
"""Elements with more triangles are left out."""
WIDEST_M = 1_000.0
"""How far apart the middles of a tile's elements may be, so that 16 bits hold their places."""
LARGE_M2, SMALL_M2 = 25.0, 1.0
MARGIN_M = 0.5
_M_A_DEGREE = 111_195.0
_OUTSIDE = ("IfcWall", "IfcSlab", "IfcRoof", "IfcCurtainWall", "IfcPlate", "IfcColumn", "IfcWindow", "IfcRamp")
_FITTINGS = ("IfcDistributionElement", "IfcFurnishingElement", "IfcElementComponent")
Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


class Part(IntEnum):
    """What of a storey shows from how far."""

    OUTSIDE = 0
    INSIDE = 1
    FITTINGS = 2
    SPACES = 3


SHOWN_FROM_M: Mapping[Part, float] = {
    Part.OUTSIDE: 2_000.0,
    Part.INSIDE: 400.0,
    Part.FITTINGS: 150.0,
    Part.SPACES: 150.0,
}
M_PER_ERROR = 43.3
"""From how many metres away an error of one is seen, at 16 pixels on a screen of 800 and 60 degrees."""


@dataclass(frozen=True, slots=True)
class PlannedTile:
    """The elements of a tile, as rows of ``ElementBoxes``, what part they are and the region that holds them."""

    rows: Integers
    part: Part
    region: SceneRegion


@dataclass(frozen=True, slots=True)
class ModelPlan:
    """The tiles of a version of a model, its storeys from the lowest up, and how many elements are left out."""

    tiles: Mapping[ScenePath, PlannedTile]
    storeys: tuple[Storey, ...]
    elements: int
    left_out: int

    def tree(self, extras: Mapping[str, Any]) -> SceneNode | None:
        """The tree of all tiles, ``extras`` at its root; None where there are none."""
        by_storey: dict[int, dict[Part, list[SceneNode]]] = {}
        for path, tile in sorted(self.tiles.items()):
            extra = {"kind": "space"} if tile.part is Part.SPACES else {}
            leaf = SceneNode(tile.region, 0.0, str(path), (), extra)
            by_storey.setdefault(path.z, {}).setdefault(tile.part, []).append(leaf)
        children = tuple(_storey_node(self.storeys[place], parts) for place, parts in by_storey.items())
        if not children:
            return None
        root = union(child.region for child in children)
        return SceneNode(root, _error(Part.OUTSIDE), None, children, dict(extras))


def plan_of(boxes: ElementBoxes, heights: HeightWay) -> ModelPlan:
    """The plan of a version's elements; ``heights`` is the way of the model's heights to the ellipsoid."""
    storeys = tuple(sorted(boxes.storeys, key=_from_the_lowest))
    place = np.array([storeys.index(storey) for storey in boxes.storeys], np.int64)[boxes.storey]
    sides = _sides(boxes)
    parts = _parts(boxes, sides)
    drawn = boxes.triangles <= MOST_OF_ONE
    regions = _regions(sides, heights)
    tiles: dict[ScenePath, PlannedTile] = {}
    keys = place * len(Part) + parts
    for key in np.unique(keys[drawn]).tolist():
        storey, part = divmod(key, len(Part))
        for piece, some in enumerate(_pieces(np.flatnonzero(drawn & (keys == key)), sides, boxes.triangles)):
            low, high = regions[some, :3].min(axis=0).tolist(), regions[some, 3:].max(axis=0).tolist()
            region = (low[0], low[1], high[0], high[1], low[2], high[2])
            tiles[ScenePath(storey, part, piece)] = PlannedTile(boxes.row[some], Part(part), region)
    return ModelPlan(tiles, storeys, int(drawn.sum()), int((~drawn).sum()))


def _storey_node(storey: Storey, parts: Mapping[Part, list[SceneNode]]) -> SceneNode:
    """A storey: what is outside at once, the rest behind nodes that open when they are near."""
    inner = (_gate(part, parts[part]) for part in sorted(parts) if part is not Part.OUTSIDE)
    children = (*parts.get(Part.OUTSIDE, ()), *inner)
    extras = {"storey": storey.global_id, "storey_name": storey.name, "storey_number": storey.number}
    return SceneNode(union(child.region for child in children), _error(Part.OUTSIDE), None, children, extras)


def _gate(part: Part, leaves: Iterable[SceneNode]) -> SceneNode:
    children = tuple(leaves)
    return SceneNode(union(leaf.region for leaf in children), _error(part), None, children)


def _error(part: Part) -> float:
    return SHOWN_FROM_M[part] / M_PER_ERROR


def _from_the_lowest(storey: Storey) -> tuple[bool, bool, int, str]:
    return storey.global_id is None, storey.number is None, storey.number or 0, storey.global_id or ""


def _sides(boxes: ElementBoxes) -> Floats:
    """The boxes; where an element has none, that of all others."""
    known = boxes.boxes
    if not np.isfinite(known).any():
        return np.zeros_like(known)
    whole = np.concatenate([np.nanmin(known[:, :2], axis=0), np.nanmax(known[:, 2:4], axis=0)])
    whole = np.append(whole, [np.nanmin(known[:, 4]), np.nanmax(known[:, 5])])
    return np.where(np.isfinite(known), known, whole)


def _parts(boxes: ElementBoxes, sides: Floats) -> Integers:
    """The part of each element, by its class and by how large a face it shows."""
    usual = np.array([_usual_part(kind, name) for kind, name in boxes.classes], np.int64)
    part = usual[boxes.kind_class] if len(usual) else np.zeros(0, np.int64)
    shrunk = np.cos(np.radians(sides[:, 1]))
    across, along = (sides[:, 2] - sides[:, 0]) * _M_A_DEGREE * shrunk, (sides[:, 3] - sides[:, 1]) * _M_A_DEGREE
    face_m2 = np.maximum(boxes.plan_m2, np.hypot(across, along) * (sides[:, 5] - sides[:, 4]))
    changing = part != Part.SPACES
    part[changing & (face_m2 >= LARGE_M2)] = Part.OUTSIDE
    part[(part == Part.INSIDE) & (face_m2 < SMALL_M2)] = Part.FITTINGS
    return part


@cache
def _usual_part(kind: ElementKind, ifc_class: str) -> Part:
    if kind == "space":
        return Part.SPACES
    if kind == "spatial" or ifc_class in all_kinds_of(_OUTSIDE):
        return Part.OUTSIDE
    return Part.FITTINGS if ifc_class in all_kinds_of(_FITTINGS) else Part.INSIDE


def _regions(sides: Floats, heights: HeightWay) -> Floats:
    """West, south, lowest, east, north and highest of each element, heights above the ellipsoid, with a margin."""
    west, south, east, north, low, high = sides.T
    lon, lat = (west + east) / 2, (south + north) / 2
    bottom, top = heights.apply(lon, lat, low), heights.apply(lon, lat, high)
    margin = np.full(len(sides), MARGIN_M / _M_A_DEGREE)
    wide = margin / np.maximum(np.cos(np.radians(lat)), 0.01)
    return np.column_stack(
        [west - wide, south - margin, bottom - MARGIN_M, east + wide, north + margin, top + MARGIN_M]
    )


def _pieces(rows: Integers, sides: Floats, triangles: Integers) -> Iterator[Integers]:
    """Rows in pieces that are no more than a tile should hold, and not far apart, halved across their longer side."""
    middles = (sides[rows, :2] + sides[rows, 2:4]) / 2 * [np.cos(np.radians(sides[rows[0], 1])), 1.0]
    across = np.ptp(middles, axis=0) * _M_A_DEGREE
    near = len(rows) <= MOST_ELEMENTS and across.max() <= WIDEST_M
    if len(rows) <= 1 or (near and triangles[rows].sum() <= MOST_TRIANGLES):
        yield rows
        return
    axis = int(np.argmax(across))
    order = np.argsort(middles[:, axis], kind="stable")
    for half in np.array_split(order, 2):
        yield from _pieces(np.sort(rows[half]), sides, triangles)
