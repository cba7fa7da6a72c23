"""Where a warning holds, as one shape in longitude and latitude of CGCS2000."""

from typing import Any

import pyproj
import shapely

from cim.errors import BadRequest
from cim.model.warnings import Alert, Area, Circle, Position

CHINA = (73.0, 3.0, 136.0, 54.0)
"""A box around the country with its seas, degrees: west, south, east, north."""
CORNERS = 72
_GEOD = pyproj.Geod(ellps="GRS80")


def alert_shape(alert: Alert) -> shapely.Geometry | None:
    """The polygons and circles of a message as one shape; None where it has only codes, or no area.

    BadRequest where a ring crosses itself, and where all lies outside China, which is said to be swapped where it would
    lie inside with longitude and latitude changed.
    """
    shapes = [
        shape
        for k, info in enumerate(alert.infos, 1)
        for n, area in enumerate(info.areas, 1)
        for shape in _shapes(area, f"alert/info[{k}]/area[{n}]")
    ]
    if not shapes:
        return None
    whole = shapely.union_all(shapes)
    if not _in_china(whole.bounds):
        west, south, east, north = whole.bounds
        swapped = _in_china((south, west, north, east))
        raise BadRequest(
            "the area lies outside China" + ("; latitude and longitude are swapped" if swapped else ""),
            where="alert/info/area",
            remedy="write each place as latitude,longitude, for example 30.98,103.95",
        )
    return shapely.MultiPolygon([part for part in shapely.get_parts(whole) if part.geom_type == "Polygon"])


def geocodes_of(alert: Alert) -> list[str]:
    """The codes of regions that a message names, shortened to what they say: 510182000000 is 510182."""
    codes = [code for info in alert.infos for area in info.areas for _, code in area.geocodes]
    return list(dict.fromkeys(_short(code.strip()) for code in codes if code.strip()))


def circle_ring(circle: Circle) -> tuple[Position, ...]:
    """The ring of a circle on the ellipsoid."""
    (lon, lat), radius_m = circle.centre, circle.radius_km * 1000
    bearings = [360.0 * k / CORNERS for k in range(CORNERS)]
    lons, lats, _ = _GEOD.fwd([lon] * CORNERS, [lat] * CORNERS, bearings, [radius_m] * CORNERS)
    ring = list(zip(lons, lats, strict=True))
    return (*ring, ring[0])


def _shapes(area: Area, where: str) -> list[Any]:
    shapes = []
    for k, ring in enumerate(area.polygons, 1):
        shape = shapely.Polygon(ring)
        if not shape.is_valid or shape.area == 0:
            raise BadRequest(
                f"the polygon is not valid: {shapely.is_valid_reason(shape)}",
                where=f"{where}/polygon[{k}]",
                remedy="draw it without crossing itself",
            )
        shapes.append(shape)
    shapes += [shapely.Polygon(circle_ring(circle)) for circle in area.circles if circle.radius_km > 0]
    return shapes


def _in_china(bounds: tuple[float, ...]) -> bool:
    west, south, east, north = bounds
    return west < CHINA[2] and east > CHINA[0] and south < CHINA[3] and north > CHINA[1]


def _short(code: str) -> str:
    """A code without the zeros that fill it to twelve digits."""
    if len(code) == 12 and code.isascii() and code.isdecimal():
        for length in (6, 9):
            if code[length:] == "0" * (12 - length):
                return code[:length]
    return code
