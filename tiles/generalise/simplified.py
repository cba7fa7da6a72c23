"""Areas that all stay, with fewer vertices: those of a coverage keep the edges they share."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from cim.model.general import GeneralRow
from tiles.generalise.grid import Floats, Integers, encoded, shapes_from_units, to_units, unit_m

TOLERANCE_UNITS = 4.0
LEAST_UNITS2 = 4.0
"""What would be smaller is drawn as a square of whole units."""


@dataclass(frozen=True, slots=True)
class Features:
    """Areas in Web Mercator metres, and a point in each."""

    fid: Integers
    shapes: NDArray[Any]
    x: Floats
    y: Floats


def simplified(features: Features, zoom: int) -> list[GeneralRow]:
    """The rows of a zoom; they are one block, for an edge that is shared has no end at a block's border."""
    if not len(features.fid):
        return []
    unit = unit_m(zoom)
    shapes = _with_fewer_vertices(features.shapes, TOLERANCE_UNITS * unit)
    small = (shapely.area(shapes) < LEAST_UNITS2 * unit**2) | shapely.is_empty(shapes)
    shapes[small] = _squares(features, small, zoom)
    codes = encoded(shapes)
    homes = zip(features.x.tolist(), features.y.tolist(), strict=True)
    return [
        GeneralRow(block=(0, 0), home=home, wide=True, sums=(1,), attributes={}, fid=fid, shape=code)
        for fid, home, code in zip(features.fid.tolist(), homes, codes, strict=True)
    ]


def _with_fewer_vertices(shapes: NDArray[Any], tolerance: float) -> NDArray[Any]:
    if shapely.coverage_is_valid(shapes):
        return np.asarray(shapely.coverage_simplify(shapes, tolerance))
    return np.asarray(shapely.simplify(shapes, tolerance, preserve_topology=True))


def _squares(features: Features, small: NDArray[np.bool_], zoom: int) -> NDArray[Any]:
    """Squares of whole units around the features' points, about as large as the features."""
    area = shapely.area(features.shapes[small]) / unit_m(zoom) ** 2
    side = np.maximum(np.rint(np.sqrt(area)), 1)
    east, south = to_units(features.x[small], features.y[small], zoom)
    left, top = np.rint(east - side / 2), np.rint(south - side / 2)
    return shapes_from_units(shapely.box(left, top, left + side, top + side), zoom)
