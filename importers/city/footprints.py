"""The footprint of each object in the plan: where it touches the ground, else all that it covers from above."""

from collections.abc import Sequence

import numpy as np
import shapely
from numpy.typing import NDArray

from cim.model.city_measures import Flags, Measured, Reals, polygons_of
from cim.model.city_surfaces import Numbers, level_of

Shapes = NDArray[np.object_]
GROUND = frozenset({"GroundSurface", "OuterFloorSurface"})
STEEPEST = 0.02
"""Surfaces whose normal leans less than this from the horizontal are walls, which cover nothing."""
LEAST_PLAN_M2 = 1e-4


def footprints(found: Measured, plan: Reals, objects: int) -> Shapes:
    """A (multi)polygon for each of ``objects`` objects in the coordinates of ``plan``, None where it covers nothing.

    ``plan`` holds x and y of the batch's points in the source's own system. Of an object the ground surfaces count,
    those of its least LoD first; else the surfaces of LoD 0; else everything that is not upright, at its highest LoD.
    """
    out: Shapes = np.full(objects, None, dtype=object)
    surfaces = found.surfaces
    if not len(surfaces.points):
        return out
    owners = np.array([part.owner for part in surfaces.parts], np.int64)
    polygons, which = polygons_of(surfaces, plan, _chosen(found, owners, objects))
    if not len(polygons):
        return out
    crooked = ~shapely.is_valid(polygons)
    polygons[crooked] = [_mended(polygon) for polygon in polygons[crooked]]
    of_object = owners[surfaces.surface_part[which]]
    order = np.argsort(of_object, kind="stable")
    polygons, of_object = polygons[order], of_object[order]
    begins = np.flatnonzero(np.concatenate([[True], np.diff(of_object) != 0]))
    for first, last in zip(begins, [*begins[1:], len(of_object)], strict=True):
        out[of_object[first]] = united(polygons[first:last])
    return out


def united(polygons: Sequence[shapely.Geometry] | Shapes) -> shapely.Geometry | None:
    """The polygons as one (multi)polygon without the lines and points left where they meet; None for none."""
    if len(polygons) == 1 and isinstance(polygons[0], shapely.Polygon):
        return polygons[0]
    try:
        whole = shapely.union_all(polygons)
    except shapely.errors.GEOSException:
        whole = shapely.convex_hull(shapely.GeometryCollection(list(polygons)))
    parts = [part for part in shapely.get_parts(whole) if part.geom_type == "Polygon" and not part.is_empty]
    if not parts:
        return None
    return parts[0] if len(parts) == 1 else shapely.MultiPolygon(parts)


def _mended(polygon: shapely.Polygon) -> shapely.Geometry:
    """A valid shape for one that is not; without its holes where they are too broken, empty where all of it is."""
    for shape in (polygon, shapely.Polygon(polygon.exterior)):
        try:
            return shapely.make_valid(shape)
        except shapely.errors.GEOSException:
            continue
    return shapely.Polygon()


def _chosen(found: Measured, owners: Numbers, objects: int) -> Flags:
    """The surfaces footprints are made of."""
    surfaces = found.surfaces
    of_surface = surfaces.surface_part
    owner = owners[of_surface]
    levels = np.array([level_of(part.lod) for part in surfaces.parts])[of_surface]
    lying = np.abs(found.normals[:, 2]) > STEEPEST * np.linalg.norm(found.normals, axis=1)
    lying &= np.abs(found.normals[:, 2]) > LEAST_PLAN_M2
    ground = np.array([name in GROUND for name in surfaces.kind_names] + [False])[surfaces.kinds] & lying
    flat = (levels < 1) & lying
    ranks = np.where(ground, 1_000 - levels, np.where(flat, 500 - levels, np.where(lying, levels, -1.0)))
    best = np.full(objects, -0.5)
    np.maximum.at(best, owner, ranks)
    chosen: Flags = (ranks == best[owner]) & lying
    return chosen
