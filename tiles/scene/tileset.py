"""Documents of 3D Tiles 1.1: a tree of places with what is drawn there, refined by adding."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

SceneRegion = tuple[float, float, float, float, float, float]
"""West, south, east, north in degrees; lowest and highest ellipsoidal height in metres."""
WHOLE_ERROR_M = 100_000.0
"""What is missing where nothing of a tileset is drawn: enough that its first tile always is."""


@dataclass(frozen=True, slots=True)
class SceneNode:
    """One tile: where it is, what its content lacks of the whole (``error_m``), and its finer tiles.

    ``content`` is a URI relative to the document, None for a tile that only holds others. A leaf lacks nothing.
    """

    region: SceneRegion
    error_m: float
    content: str | None = None
    children: tuple["SceneNode", ...] = ()
    extras: Mapping[str, Any] = field(default_factory=dict)


def union(regions: Iterable[SceneRegion]) -> SceneRegion:
    """The region that holds all of them; there must be one at least."""
    sides = np.array(list(regions))
    low, high = sides.min(axis=0), sides.max(axis=0)
    west, south, east, north, lowest, highest = low[0], low[1], high[2], high[3], low[4], high[5]
    return float(west), float(south), float(east), float(north), float(lowest), float(highest)


def tileset_document(root: SceneNode, version: str, extras: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The tileset of a tree; ``version`` is what its asset says it shows."""
    document: dict[str, Any] = {
        "asset": {"version": "1.1", "tilesetVersion": version, "generator": "OneMap CIM"},
        "geometricError": max(WHOLE_ERROR_M, root.error_m),
        "root": {**_tile(root), "refine": "ADD"},
    }
    return document | ({"extras": dict(extras)} if extras else {})


def _tile(node: SceneNode) -> dict[str, Any]:
    west, south, east, north, low, high = node.region
    sides = [round(float(side), 9) for side in np.radians([west, south, east, north])]
    tile: dict[str, Any] = {
        "boundingVolume": {"region": [*sides, round(low, 2), round(high, 2)]},
        "geometricError": round(node.error_m, 3),
    }
    if node.content is not None:
        tile["content"] = {"uri": node.content}
    if node.children:
        tile["children"] = [_tile(child) for child in node.children]
    return tile | ({"extras": dict(node.extras)} if node.extras else {})
