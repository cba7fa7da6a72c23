"""Few boxes that cover areas closely, to look up in a spatial index."""

from typing import Any

import numpy as np
import shapely

from cim.model.collection import BoundingBox

MOST_BOXES = 24
WORTH = 0.75
METRES_PER_DEGREE = 110_500.0
Sides = np.ndarray[Any, np.dtype[np.float64]]


def boxes_over(areas: np.ndarray[Any, Any]) -> list[BoundingBox]:
    """At most a couple of dozen boxes (degrees) that together cover areas in longitude and latitude.

    Boxes are quartered, and quarters that no area touches are left out, as far as that is worth their number.
    """
    if len(areas) == 0:
        return []
    whole = shapely.geometrycollections(list(areas))
    shapely.prepare(whole)
    boxes = smaller = np.array([shapely.total_bounds(areas)])
    while True:
        smaller = _quarters(smaller)
        smaller = smaller[shapely.intersects(whole, shapely.box(*smaller.T))]
        if not 0 < len(smaller) <= MOST_BOXES:
            break
        if _size(smaller) < WORTH * _size(boxes):
            boxes = smaller
    return [(float(west), float(south), float(east), float(north)) for west, south, east, north in boxes]


def widened(boxes: list[BoundingBox], by_m: float) -> list[BoundingBox]:
    """Boxes in degrees, wider by some metres on each side."""
    found = []
    for west, south, east, north in boxes:
        upward = by_m / METRES_PER_DEGREE
        sideways = upward / max(0.1, float(np.cos(np.radians(max(abs(south), abs(north))))))
        found.append((west - sideways, south - upward, east + sideways, north + upward))
    return found


def _quarters(boxes: Sides) -> Sides:
    west, south, east, north = boxes.T
    x, y = (west + east) / 2, (south + north) / 2
    parts = [(west, south, x, y), (x, south, east, y), (west, y, x, north), (x, y, east, north)]
    return np.concatenate([np.stack(part, axis=1) for part in parts])


def _size(boxes: Sides) -> float:
    return float(((boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])).sum())
