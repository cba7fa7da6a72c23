"""Normals, areas, planes and volumes of the surfaces of city objects. Coordinates are metres."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from cim.model.city_surfaces import Numbers, Surfaces, starts_of

Reals = NDArray[np.float64]
Flags = NDArray[np.bool_]


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


def units_of(normals: Reals) -> Reals:
    """Vectors with length 1; those without a length stay."""
    lengths = np.linalg.norm(normals, axis=1, keepdims=True)
    units: Reals = normals / np.where(lengths == 0, 1, lengths)
    return units


def plane_coordinates(found: Measured, of_point: Numbers) -> Reals:
    """Two coordinates of each point in the plane of its surface, true to length."""
    units = units_of(found.normals)
    helper = np.where(np.abs(units[:, 2:]) < 0.9, [[0.0, 0.0, 1.0]], [[1.0, 0.0, 0.0]])
    across = units_of(np.cross(helper, units))
    along = np.cross(units, across)
    begins = np.concatenate([[True], np.diff(of_point) != 0])
    local = found.xyz - found.xyz[np.flatnonzero(begins)[np.cumsum(begins) - 1]]
    return np.column_stack([(local * across[of_point]).sum(axis=1), (local * along[of_point]).sum(axis=1)])


def any_ring(rings: Flags, ring_surface: Numbers, count: int) -> Flags:
    """Which of ``count`` surfaces have any of the flagged rings; ``ring_surface`` is the surface of each ring."""
    out = np.zeros(count, np.bool_)
    out[ring_surface[rings]] = True
    return out


def polygons_of(surfaces: Surfaces, plane: Reals, wanted: Flags) -> tuple[NDArray[np.object_], Numbers]:
    """Polygons of the wanted surfaces whose rings have three points or more, and which surfaces these are."""
    ring_surface = np.repeat(np.arange(len(surfaces.surface_rings)), surfaces.surface_rings)
    usable = wanted & ~any_ring(surfaces.rings < 3, ring_surface, len(wanted))
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


def volumes_m3(found: Measured) -> Reals:
    """The signed volume of each shell in cubic metres, positive where surfaces face outwards."""
    surfaces = found.surfaces
    first_point = np.minimum(surfaces.ring_starts[surfaces.surface_starts], len(found.xyz) - 1)
    counts = np.bincount(surfaces.surface_shell, minlength=len(surfaces.shell_part)).astype(np.int64)
    begins = starts_of(counts)
    origin = found.xyz[first_point[np.minimum(begins, len(first_point) - 1)]]
    local = found.xyz[first_point] - origin[surfaces.surface_shell]
    return sums_of((local * found.normals).sum(axis=1), counts) / 3
