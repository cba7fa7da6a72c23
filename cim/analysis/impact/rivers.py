"""The water that floods come from: features of the layer ``water``, and their cells on a grid."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import shapely

from cim.analysis.context import Context, Features
from cim.analysis.impact.grids import Grid, Mask, Window, mask_of, plane_points
from cim.analysis.impact.shapes import Point
from cim.analysis.overlay import Shapes
from cim.errors import BadRequest
from cim.model.analysis import SourceEdition

WATER = "water"
FIELDS = ("water_code", "name", "class", "width_m")
NEAR_M = 2_000.0


@dataclass(frozen=True, slots=True)
class River:
    """One water of a window, in all its features there: what people call it, shapes on the plane."""

    edition: SourceEdition
    name: str
    code: str
    shapes: Shapes
    distance_m: float

    def cells(self, grid: Grid) -> Mask:
        """Its cells: those whose middle lies in it and, where it is narrower than a cell, those that it touches."""
        middle = mask_of(self.shapes, grid.lattice) & grid.known
        return middle if middle.any() else mask_of(self.shapes, grid.lattice, touched=True) & grid.known


async def water_in(context: Context, window: Window, within_m: float = 0.0) -> Features:
    """The features of the layer ``water`` in a window, on its plane; absent where there is no such layer."""
    async with context.reading() as connection:
        area = np.array([window.plane], dtype=object)
        return await context.features(connection, WATER, FIELDS, area, window.srid, within_m=within_m)


def river_of(found: Features, window: Window, place: Point | None, wanted: str | None) -> River:
    """The named water, or the nearest to a place; BadRequest where there is none."""
    if not found.present:
        raise BadRequest(
            f"there is no layer {WATER} that you may see, so the river is not known",
            where=WATER,
            remedy="import the layer, or give the places that the water comes from as seeds",
        )
    names = [str(name or "") for name in found.columns["name"]]
    codes = [str(code or "") for code in found.columns["water_code"]]
    meets = shapely.intersects(found.shapes, window.plane) if len(found.shapes) else np.zeros(0, dtype=bool)
    here = np.flatnonzero(meets)
    if wanted is not None:
        here = np.array([k for k in here if wanted in (names[k], codes[k])], dtype=np.int64)
    middle = (
        shapely.centroid(window.plane)
        if place is None
        else shapely.Point(*plane_points(np.array([place]), window.srid)[0])
    )
    if not len(here):
        known = "、".join(dict.fromkeys(names[k] or codes[k] for k in np.flatnonzero(meets)))
        what = f"no water called {wanted[:40]!r} lies in the window" if wanted else "no river lies in the window"
        raise BadRequest(
            what,
            where=WATER,
            remedy=f"there are {known}" if known else "choose a wider window, another place, or give seeds",
        )
    away_m = shapely.distance(found.shapes[here], middle)
    nearest = int(here[int(np.argmin(away_m))])
    distance_m = float(away_m.min())
    if place is not None and wanted is None and distance_m > NEAR_M:
        raise BadRequest(
            f"the nearest river is {distance_m:.0f} m away, more than {NEAR_M:g} m",
            where="place",
            remedy="name the river (water), choose a place by it, or give seeds",
        )
    same = [k for k in np.flatnonzero(meets) if k == nearest or (names[nearest] and names[k] == names[nearest])]
    return River(found.edition, names[nearest], codes[nearest], _clipped(found.shapes[same], window), distance_m)


def _clipped(shapes: Sequence[shapely.Geometry] | Shapes, window: Window) -> Shapes:
    return np.asarray(shapely.intersection(np.asarray(shapes, dtype=object), window.plane), dtype=object)
