"""Few boxes that cover areas closely, to look up in a spatial index."""

from typing import Any

import numpy as np
import shapely

from cim.model.collection import BoundingBox

MOST_BOXES = 24
WORTH = 0.75
METRES_PER_DEGREE = 110_500.0


def boxes_over(areas: np.ndarray[Any, Any], within_m: float = 0.0) -> list[BoundingBox]:
    """At most a couple of dozen boxes (degrees) that together cover areas in longitude and latitude.

    Boxes are quartered, and quarters that no area touches are left out, as far as that is worth their number.
    ``within_m`` widens each.
    """
    if len(areas) == 0:
        return []
    whole = shapely.geometrycollections(list(areas))
    bounds = [_sides(shapely.total_bounds(areas))]
    shapely.prepare(whole)
    smaller = bounds
    while True:
        smaller = [box for one in smaller for box in _quarters(one) if shapely.intersects(whole, shapely.box(*box))]
        if len(smaller) > MOST_BOXES:
            break
        if _size(smaller) < WORTH * _size(bounds):
            bounds = smaller
    wider = within_m / METRES_PER_DEGREE
    sideways = wider / max(0.1, float(np.cos(np.radians(bounds[0][1]))))
    return [(w - sideways, s - wider, e + sideways, n + wider) for w, s, e, n in bounds]


def _sides(bounds: np.ndarray[Any, Any]) -> BoundingBox:
    west, south, east, north = (float(side) for side in bounds)
    return (west, south, east, north)


def _quarters(box: BoundingBox) -> list[BoundingBox]:
    west, south, east, north = box
    x, y = (west + east) / 2, (south + north) / 2
    return [(west, south, x, y), (x, south, east, y), (west, y, x, north), (x, y, east, north)]


def _size(boxes: list[BoundingBox]) -> float:
    return sum((east - west) * (north - south) for west, south, east, north in boxes)
