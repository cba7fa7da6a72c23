"""Plan outlines of meshes: what their triangles cover seen from above."""

from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

TRIANGLES_LIMIT = 1_500
"""Of more triangles facing up, the convex hull is taken."""
GRID_M = 1e-3
SIMPLE_M = 5e-3
THIN_M = 2e-3


def plan_outline(points: NDArray[np.float64], triangles: NDArray[np.uint32]) -> BaseGeometry | None:
    """The outline of a mesh in the plane of x and y, in metres: a polygon, or several; None where it covers nothing.

    Of a closed body the faces that look up cover as much as all do; of an open one all faces are taken.
    """
    corners = points[triangles][:, :, :2]
    first, second = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    doubled = first[:, 0] * second[:, 1] - first[:, 1] * second[:, 0]
    up = corners[doubled > GRID_M * GRID_M]
    down_m2, up_m2 = -doubled[doubled < 0].sum() / 2, doubled[doubled > 0].sum() / 2
    if abs(up_m2 - down_m2) > 0.01 * max(up_m2, down_m2):
        up = corners[np.abs(doubled) > GRID_M * GRID_M]
    if not len(up) or len(up) > TRIANGLES_LIMIT:
        return _hull(points)
    if _covers_box(up, np.abs(doubled).sum() / 4):
        return _hull(points)
    rings = shapely.polygons(shapely.linearrings(np.concatenate([up, up[:, :1]], axis=1)))
    try:
        outline = shapely.union_all(rings, grid_size=GRID_M)
    except shapely.errors.GEOSException:
        return _hull(points)
    outline = shapely.simplify(outline, SIMPLE_M)
    found: list[Any] = list(shapely.get_parts(outline))
    parts = [part for part in found if part.geom_type == "Polygon" and not part.is_empty]
    if not parts:
        return _hull(points)
    return shapely.MultiPolygon(parts) if len(parts) > 1 else shapely.Polygon(parts[0])


def _covers_box(up: NDArray[np.float64], plan_m2: float) -> bool:
    """Whether two triangles facing up fill a convex outline, as those of a box do."""
    if len(up) > 2:
        return False
    hull: Any = shapely.convex_hull(shapely.multipoints(up.reshape(-1, 2)))
    return abs(float(hull.area) - plan_m2) < GRID_M


def _hull(points: NDArray[np.float64]) -> BaseGeometry | None:
    """The convex hull; of what stands upright and covers nothing, a thin strip."""
    hull: Any = shapely.convex_hull(shapely.multipoints(points[:, :2]))
    if isinstance(hull, shapely.LineString):
        hull = shapely.buffer(hull, THIN_M, quad_segs=1, cap_style="square")
    return hull if isinstance(hull, shapely.Polygon) else None
