"""Joining the parts that tiles cut a feature into. Shapes are in tiles, as ``importers.tile_content`` has them."""

from collections.abc import Sequence

import numpy as np
import shapely
from numpy.typing import NDArray

from importers.tile_content import UNITED, parts_as_one

REACH_GRID_LINES = 1.5
"""Ends of a line cut by two tiles meet within this many grid lines: each tile rounds on its own."""
_EXACT = 1e-9


def united(parts: Sequence[shapely.Geometry], family: str, extent: int) -> shapely.Geometry:
    """One shape of the parts that neighbouring tiles have; single where they touch, else multi."""
    if len(parts) == 1:
        return parts[0]
    if family == "point":
        places = np.unique(np.concatenate([shapely.get_coordinates(part) for part in parts]), axis=0)
        return shapely.Point(places[0]) if len(places) == 1 else shapely.MultiPoint(places)
    singles = np.concatenate([shapely.get_parts(part) for part in parts])
    if family == "line":
        return _stitched(singles, REACH_GRID_LINES / extent)
    try:
        return parts_as_one(shapely.union_all(singles), family)
    except shapely.errors.GEOSException:
        whole: shapely.Geometry = UNITED[family](singles)
        return whole


def _stitched(lines: NDArray[np.object_], reach: float) -> shapely.Geometry:
    """Lines whose ends on the edges of tiles are moved onto each other where they are within reach, and merged."""
    points, owners = shapely.get_coordinates(lines, return_index=True)
    starts = np.flatnonzero(np.diff(owners, prepend=-1))
    ends = np.concatenate([starts, np.append(starts[1:], len(points)) - 1])
    on_edge = (np.abs(points[ends] - np.round(points[ends])) < _EXACT).any(axis=1)
    places = ends[on_edge]
    near = shapely.points(points[places])
    met = shapely.STRtree(near).query(near, predicate="dwithin", distance=reach)
    first = np.arange(len(places))
    np.minimum.at(first, met[0], met[1])
    points[places] = points[places[first]]
    moved = np.atleast_1d(np.asarray(shapely.linestrings(points, indices=owners)))
    kept = moved[shapely.length(moved) > 0]
    merged: shapely.Geometry = shapely.line_merge(UNITED["line"](kept if len(kept) else moved))
    return merged
