"""Normals, areas and heights of surfaces, and what is wrong with them.

The codes are those of val3dity, which the trade knows; tolerances are its defaults. Coordinates are metres.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from importers.city.surfaces import Numbers, Surfaces, starts_of

Reals = NDArray[np.float64]
Flags = NDArray[np.bool_]
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


@dataclass(frozen=True, slots=True)
class Measured:
    """Surfaces measured: ``normals`` are Newell's, as long as the area; ``ring_normals`` those of single rings."""

    surfaces: Surfaces
    xyz: Reals
    ring_normals: Reals
    normals: Reals

    @property
    def areas_m2(self) -> Reals:
        """The area of each surface in space, its holes taken off."""
        lengths: Reals = np.linalg.norm(self.ring_normals, axis=1)
        outer = lengths[self.surfaces.surface_starts] if len(lengths) else lengths
        return 2 * outer - sums_of(lengths, self.surfaces.surface_rings)


def measured(surfaces: Surfaces, coordinates: Reals) -> Measured:
    """Measure surfaces; ``coordinates`` are those of the batch's vertices in metres."""
    xyz = coordinates[surfaces.points]
    starts, counts = surfaces.ring_starts, surfaces.rings
    local = xyz - np.repeat(xyz[np.minimum(starts, max(len(xyz) - 1, 0))], counts, axis=0) if len(xyz) else xyz
    crossed = np.cross(local, local[following(surfaces)]) / 2
    ring_normals = sums_of(crossed, counts)
    return Measured(surfaces, xyz, ring_normals, sums_of(ring_normals, surfaces.surface_rings))


def following(surfaces: Surfaces) -> Numbers:
    """For each point the place of the one after it in its ring."""
    after = np.arange(1, len(surfaces.points) + 1)
    held = surfaces.rings > 0
    after[(surfaces.ring_starts + surfaces.rings - 1)[held]] = surfaces.ring_starts[held]
    return after


def sums_of(values: Reals, counts: Numbers) -> Reals:
    """Sums of consecutive groups of ``counts`` rows; an empty group has 0."""
    total: Reals = np.zeros((len(counts), *values.shape[1:]))
    held = counts > 0
    if held.any():
        total[held] = np.add.reduceat(values, starts_of(counts)[held], axis=0)
    return total


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
    broken = empty | _any_ring(short, ring_surface, len(empty))
    yield 103, of_surface[empty]
    yield 203, of_surface[_uneven(found, ring_surface) & ~broken]
    yield 104, of_surface[_crossing(found, ring_surface, ~broken)]
    yield from _shell_faults(found, ids)


def _any_ring(rings: Flags, ring_surface: Numbers, count: int) -> Flags:
    out = np.zeros(count, np.bool_)
    out[ring_surface[rings]] = True
    return out


def _units(normals: Reals) -> Reals:
    lengths = np.linalg.norm(normals, axis=1, keepdims=True)
    units: Reals = normals / np.where(lengths == 0, 1, lengths)
    return units


def _uneven(found: Measured, ring_surface: Numbers) -> Flags:
    """Surfaces with a point further than ``FLAT_M`` from the plane through the middle of their points."""
    surfaces = found.surfaces
    of_point = np.repeat(ring_surface, surfaces.rings)
    counts = np.bincount(of_point, minlength=len(surfaces.surface_rings)).astype(np.int64)
    middles = sums_of(found.xyz, counts) / np.maximum(counts, 1)[:, None]
    off = np.abs(((found.xyz - middles[of_point]) * _units(found.normals)[of_point]).sum(axis=1))
    return _any_ring(off > FLAT_M, of_point, len(counts))


def _crossing(found: Measured, ring_surface: Numbers, usable: Flags) -> Flags:
    """Surfaces that are no simple polygon when seen along their greatest direction."""
    surfaces = found.surfaces
    of_point = np.repeat(ring_surface, surfaces.rings)
    plane = plane_coordinates(found, of_point)
    out = np.zeros(len(usable), np.bool_)
    polygons, which = polygons_of(surfaces, plane, usable)
    out[which] = ~shapely.is_valid(polygons)
    return out


def plane_coordinates(found: Measured, of_point: Numbers) -> Reals:
    """Two coordinates of each point in the plane of its surface, true to length."""
    units = _units(found.normals)
    helper = np.where(np.abs(units[:, 2:]) < 0.9, [[0.0, 0.0, 1.0]], [[1.0, 0.0, 0.0]])
    across = _units(np.cross(helper, units))
    along = np.cross(units, across)
    begins = np.concatenate([[True], np.diff(of_point) != 0])
    local = found.xyz - found.xyz[np.flatnonzero(begins)[np.cumsum(begins) - 1]]
    return np.column_stack([(local * across[of_point]).sum(axis=1), (local * along[of_point]).sum(axis=1)])


def polygons_of(surfaces: Surfaces, plane: Reals, wanted: Flags) -> tuple[NDArray[np.object_], Numbers]:
    """Polygons of the wanted surfaces whose rings have three points or more, and which surfaces these are."""
    ring_surface = np.repeat(np.arange(len(surfaces.surface_rings)), surfaces.surface_rings)
    usable = wanted & ~_any_ring(surfaces.rings < 3, ring_surface, len(wanted))
    rings = usable[ring_surface]
    points = np.repeat(rings, surfaces.rings)
    which = np.flatnonzero(usable)
    if not len(which):
        return np.empty(0, dtype=object), which
    numbers = np.repeat(np.arange(int(rings.sum())), surfaces.rings[rings])
    linear: Any = shapely.linearrings(plane[points], indices=numbers)
    renumbered = np.cumsum(usable) - 1
    polygons: Any = shapely.polygons(linear, indices=renumbered[ring_surface[rings]])
    return polygons, which


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
    open_, crowded = _any_ring(uses == 1, shell, shells), _any_ring(uses > 2, shell, shells)
    turned = _any_ring((uses == 2) & (ahead != 1), shell, shells)
    yield 302, surfaces.shell_part[open_]
    yield 303, surfaces.shell_part[crowded & ~open_]
    yield 307, surfaces.shell_part[turned & ~open_]
    sound = surfaces.shell_closed & ~(open_ | crowded | turned)
    volumes = volumes_m3(found)
    yield 405, surfaces.shell_part[sound & ((volumes < 0) != surfaces.shell_inner)]


def volumes_m3(found: Measured) -> Reals:
    """The signed volume of each shell in cubic metres, positive where surfaces face outwards."""
    surfaces = found.surfaces
    first_point = np.minimum(surfaces.ring_starts[surfaces.surface_starts], len(found.xyz) - 1)
    counts = np.bincount(surfaces.surface_shell, minlength=len(surfaces.shell_part)).astype(np.int64)
    begins = starts_of(counts)
    origin = found.xyz[first_point[np.minimum(begins, len(first_point) - 1)]]
    local = found.xyz[first_point] - origin[surfaces.surface_shell]
    return sums_of((local * found.normals).sum(axis=1), counts) / 3
