"""What is wrong with the surfaces of city objects.

The codes are those of val3dity, which the trade knows; tolerances are its defaults. Coordinates are metres.
"""

from collections.abc import Iterator

import numpy as np
import shapely

from cim.model.city_measures import (
    Flags,
    Measured,
    any_ring,
    following,
    plane_coordinates,
    polygons_of,
    sums_of,
    units_of,
    volumes_m3,
)
from cim.model.city_surfaces import Numbers

FLAT_M = 0.01
"""How far a point may lie off the plane of its surface."""
LEAST_AREA_M2 = 1e-6
FAULTS = {
    101: "a ring has fewer than three points",
    102: "a ring has the same point twice in a row",
    103: "a surface has no area",
    104: "a surface crosses or touches itself",
    203: f"a surface is not flat within {FLAT_M} m",
    302: "the shell is not closed",
    303: "more than two surfaces meet at an edge of the shell",
    307: "surfaces of the shell face opposite ways",
    405: "the shell is inside out",
}


def faults_of(found: Measured, ids: Numbers) -> Iterator[tuple[int, Numbers]]:
    """Each kind of fault met, with the places of the geometries that have it.

    ``ids`` number the vertices of the batch so that equal coordinates have equal numbers.
    """
    surfaces = found.surfaces
    if not len(surfaces.points):
        return
    of_surface = surfaces.surface_part
    ring_surface = np.repeat(np.arange(len(surfaces.surface_rings)), surfaces.surface_rings)
    short = surfaces.rings < 3
    same = ids[surfaces.points] == ids[surfaces.points[following(surfaces)]]
    doubled = sums_of(same.astype(np.float64), surfaces.rings) > 0
    empty = np.linalg.norm(found.normals, axis=1) < LEAST_AREA_M2
    yield 101, of_surface[ring_surface[short]]
    yield 102, of_surface[ring_surface[doubled & ~short]]
    broken = empty | any_ring(short, ring_surface, len(empty))
    yield 103, of_surface[empty]
    yield 203, of_surface[_uneven(found, ring_surface) & ~broken]
    yield 104, of_surface[_crossing(found, ring_surface, ~broken)]
    yield from _shell_faults(found, ids)


def _uneven(found: Measured, ring_surface: Numbers) -> Flags:
    """Surfaces with a point further than ``FLAT_M`` from the plane through the middle of their points."""
    surfaces = found.surfaces
    of_point = np.repeat(ring_surface, surfaces.rings)
    counts = np.bincount(of_point, minlength=len(surfaces.surface_rings)).astype(np.int64)
    middles = sums_of(found.xyz, counts) / np.maximum(counts, 1)[:, None]
    off = np.abs(((found.xyz - middles[of_point]) * units_of(found.normals)[of_point]).sum(axis=1))
    return any_ring(off > FLAT_M, of_point, len(counts))


def _crossing(found: Measured, ring_surface: Numbers, usable: Flags) -> Flags:
    """Surfaces that are no simple polygon when seen along their greatest direction."""
    surfaces = found.surfaces
    of_point = np.repeat(ring_surface, surfaces.rings)
    plane = plane_coordinates(found, of_point)
    out = np.zeros(len(usable), np.bool_)
    polygons, which = polygons_of(surfaces, plane, usable)
    out[which] = ~shapely.is_valid(polygons)
    return out


def _shell_faults(found: Measured, ids: Numbers) -> Iterator[tuple[int, Numbers]]:
    surfaces = found.surfaces
    shells = len(surfaces.shell_part)
    ring_surface = np.repeat(np.arange(len(surfaces.surface_rings)), surfaces.surface_rings)
    edge_shell = np.repeat(surfaces.surface_shell[ring_surface], surfaces.rings)
    start = ids[surfaces.points]
    end = start[following(surfaces)]
    real = (start != end) & surfaces.shell_closed[edge_shell]
    edge_shell, start, end = edge_shell[real], start[real], end[real]
    if not len(start):
        return
    low, high = np.minimum(start, end), np.maximum(start, end)
    order = np.lexsort((high, low, edge_shell))
    edge_shell, low, high, forward = edge_shell[order], low[order], high[order], (start < end)[order]
    new = np.ones(len(order), np.bool_)
    new[1:] = (edge_shell[1:] != edge_shell[:-1]) | (low[1:] != low[:-1]) | (high[1:] != high[:-1])
    begins = np.flatnonzero(new)
    uses = np.diff(np.append(begins, len(order)))
    ahead = np.add.reduceat(forward.astype(np.int64), begins)
    shell = edge_shell[begins]
    open_, crowded = any_ring(uses == 1, shell, shells), any_ring(uses > 2, shell, shells)
    turned = any_ring((uses == 2) & (ahead != 1), shell, shells)
    yield 302, surfaces.shell_part[open_]
    yield 303, surfaces.shell_part[crowded & ~open_]
    yield 307, surfaces.shell_part[turned & ~open_]
    sound = surfaces.shell_closed & ~(open_ | crowded | turned)
    volumes = volumes_m3(found)
    yield 405, surfaces.shell_part[sound & ((volumes < 0) != surfaces.shell_inner)]
