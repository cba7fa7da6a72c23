"""Where the picture is of: rings around a place, or one area, on a plane in metres about it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import shapely

from cim.analysis.area import red_line_of
from cim.analysis.context import Context
from cim.analysis.incident_picture.parameters import PictureParameters
from cim.analysis.overlay import Floats, Ints, Shapes, areal
from cim.analysis.place import place_of
from cim.analysis.visibility.plane import Plane
from cim.errors import BadRequest
from cim.store.people_in_zones import Circles

QUARTER_CORNERS = 90
"""A circle is drawn with four times as many corners, which lie on it; its edges are within 0.004 % of the radius."""
LARGEST_M = 60_000.0


@dataclass(frozen=True, slots=True)
class Zones:
    """Nested zones from the inside out, on a plane about the middle; ``radii_m`` is empty for an area.

    The answer speaks of bands: what a zone has more than the one inside it.
    """

    lon: float
    lat: float
    plane: Plane
    radii_m: tuple[float, ...]
    shapes: Shapes

    @property
    def names(self) -> list[str]:
        """What the bands are called."""
        if not self.radii_m:
            return ["范围内"]
        inner = (0.0, *self.radii_m[:-1])
        return [f"{low:g}–{high:g} 米" for low, high in zip(inner, self.radii_m, strict=True)]

    @property
    def lonlat(self) -> Shapes:
        """The zones in longitude and latitude."""
        return self._placed(self.shapes)

    @property
    def bands_lonlat(self) -> Shapes:
        """The bands in longitude and latitude."""
        inner = [shapely.Polygon(), *self.shapes[:-1]]
        return self._placed(np.asarray(shapely.difference(self.shapes, np.array(inner, dtype=object)), dtype=object))

    @property
    def outer(self) -> Shapes:
        """The outermost zone in longitude and latitude."""
        return self.lonlat[-1:]

    def _placed(self, shapes: Shapes) -> Shapes:
        return np.asarray(shapely.transform(shapes, self.plane.lonlat), dtype=object)

    def on_plane(self, shapes: Shapes) -> Shapes:
        """Shapes in longitude and latitude on the plane."""
        if len(shapes) == 0:
            return shapes
        return np.asarray(shapely.transform(shapes, self.plane.metres), dtype=object)

    def places(self, points: Shapes) -> "Placed":
        """How points in longitude and latitude lie to the zones."""
        metres = self.plane.metres(shapely.get_coordinates(points)) if len(points) else np.zeros((0, 2))
        if self.radii_m:
            distance_m = np.hypot(metres[:, 0], metres[:, 1])
            band = np.searchsorted(np.array(self.radii_m), distance_m, side="left")
        else:
            distance_m = np.asarray(shapely.distance(self.shapes[0], shapely.points(metres)), dtype=np.float64)
            band = (distance_m > 0).astype(np.int64)
        bearing_deg = np.degrees(np.arctan2(metres[:, 0], metres[:, 1])) % 360.0
        return Placed(distance_m, bearing_deg, np.asarray(band, dtype=np.int64))

    def shares(self, shapes: Shapes, measure: Callable[[Shapes], Floats]) -> Floats:
        """How much of shapes on the plane lies in each band: a row for each shape."""
        held = np.zeros((len(shapes), len(self.shapes) + 1))
        if len(shapes) == 0:
            return np.diff(held, axis=1)
        for number, zone in enumerate(self.shapes, 1):
            own = shapely.from_wkb(shapely.to_wkb(zone))
            shapely.prepare(own)
            inside = shapely.covers(own, shapes)
            cut = shapely.intersects(own, shapes) & ~inside
            held[inside, number] = measure(shapes[inside])
            held[cut, number] = measure(np.asarray(shapely.intersection(shapes[cut], own), dtype=object))
        return np.diff(np.maximum.accumulate(held, axis=1), axis=1)

    def circles(self) -> Circles | bytes:
        """The zones as the database counts in them."""
        if not self.radii_m:
            return bytes(shapely.to_wkb(self.outer[0]))
        step = 0.01
        east, north = self.plane.metres(np.array([(self.lon + step, self.lat), (self.lon, self.lat + step)]))
        return Circles(self.lon, self.lat, float(east[0]) / step, float(north[1]) / step, self.radii_m)


@dataclass(frozen=True, slots=True)
class Placed:
    """Distances from the place, or an area's edge, bearings from its middle, and bands; past the last is outside."""

    distance_m: Floats
    bearing_deg: Floats
    band: Ints


def areas_m2(shapes: Shapes) -> Floats:
    """The areas of the polygons of shapes on a plane."""
    return np.asarray(shapely.area(areal(shapes)), dtype=np.float64)


def lengths_m(shapes: Shapes) -> Floats:
    """The lengths of lines on a plane."""
    return np.asarray(shapely.length(shapes), dtype=np.float64)


async def zones_of(asked: PictureParameters, context: Context) -> Zones:
    """The zones that are asked for; BadRequest names the input that cannot be used."""
    if (asked.place is None) == (asked.area is None):
        raise BadRequest(
            "a picture is of a place or of an area",
            where="place",
            remedy="give place (with radii_m) or area, and not both",
        )
    if asked.place is not None:
        return _rings(place_of(asked.place), asked.radii_m)
    red_line = await red_line_of(context, asked.area)
    area = shapely.union_all(red_line.lonlat())
    middle = shapely.point_on_surface(area)
    plane = Plane(middle.x, middle.y)
    shape = shapely.transform(area, plane.metres)
    if max(np.ptp(shapely.bounds(shape).reshape(2, 2), axis=0)) > LARGEST_M:
        raise BadRequest(
            f"the area is wider than {LARGEST_M / 1000:g} km", where="inputs.area", remedy="choose a smaller area"
        )
    return Zones(middle.x, middle.y, plane, (), np.array([shape], dtype=object))


def _rings(place: tuple[float, float], radii_m: Sequence[float]) -> Zones:
    plane = Plane(*place)
    circles = [shapely.Point(0, 0).buffer(radius, quad_segs=QUARTER_CORNERS) for radius in radii_m]
    return Zones(*place, plane, tuple(radii_m), np.array(circles, dtype=object))
