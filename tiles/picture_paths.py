"""Features in pixels, and the Skia paths of areas and lines."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
import skia

from tiles.picture_window import Window

_POLYGON = 3


@dataclass(frozen=True)
class Shapes:
    """Features of one layer: geometries in pixels, dimensions (0 to 2), attributes, paths (None for points)."""

    geometries: Any
    dimensions: Sequence[int]
    attributes: Sequence[Mapping[str, Any]]
    paths: Sequence[Any]


def shapes_in_pixels(shapes: Sequence[bytes], attributes: Sequence[Mapping[str, Any]], window: Window) -> Shapes:
    """WKB in the window's system as geometries and paths counted in pixels from the upper left corner."""
    geometries = shapely.from_wkb(np.array(shapes, dtype=object))
    if not len(geometries):
        return Shapes(geometries, [], [], [])
    origin, cell = np.array([window.west, window.north]), np.array([window.cell[0], -window.cell[1]])
    moved = shapely.transform(geometries, lambda places: (places - origin) / cell)
    dimensions = shapely.get_dimensions(moved)
    return Shapes(moved, dimensions.tolist(), attributes, _paths(moved, dimensions))


def path_of(geometry: Any) -> Any:
    """The path of one area or line."""
    return _paths(np.array([geometry], dtype=object), np.array([shapely.get_dimensions(geometry)]))[0]


def _paths(geometries: Any, dimensions: Any) -> list[Any]:
    """An area smaller than a pixel becomes the box around it."""
    paths: list[Any] = [skia.Path() if dimension > 0 else None for dimension in dimensions.tolist()]
    bounds = shapely.bounds(geometries)
    tiny = (dimensions == 2) & (bounds[:, 2] - bounds[:, 0] < 1) & (bounds[:, 3] - bounds[:, 1] < 1)
    for at in np.flatnonzero(tiny).tolist():
        west, north, east, south = bounds[at].tolist()
        paths[at].addRect(skia.Rect.MakeLTRB(west, north, max(east, west + 0.3), max(south, north + 0.3)))
    chosen = np.flatnonzero((dimensions > 0) & ~tiny)
    parts, owners = shapely.get_parts(geometries[chosen], return_index=True)
    owners = chosen[owners]
    for closed in (True, False):
        mine = (shapely.get_type_id(parts) == _POLYGON) == closed
        lines, line_owners = parts[mine], owners[mine]
        if closed:
            lines, rings_of = shapely.get_rings(lines, return_index=True)
            line_owners = line_owners[rings_of]
        _add(paths, lines, line_owners.tolist(), closed)
    for at in np.flatnonzero(dimensions == 2).tolist():
        paths[at].setFillType(skia.PathFillType.kEvenOdd)
    return paths


def _add(paths: list[Any], lines: Any, owners: list[int], closed: bool) -> None:
    counts = shapely.get_num_coordinates(lines).tolist()
    points = [skia.Point(x, y) for x, y in shapely.get_coordinates(lines).tolist()]
    start = 0
    for owner, count in zip(owners, counts, strict=True):
        paths[owner].addPoly(points[start : start + count], closed)
        start += count
