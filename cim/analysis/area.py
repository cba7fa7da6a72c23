"""The area an analysis is asked for: the id of a red line handed in, or GeoJSON drawn or sent."""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import shapely

from cim.analysis.context import Context
from cim.errors import BadRequest
from cim.model.redline import LONLAT_SRID, RedLine, RedLineParcel, checked

_HELP = "give a GeoJSON Polygon or MultiPolygon in longitude, latitude, a FeatureCollection of such, or a red line's id"
_CHINA = (70.0, 0.0, 140.0, 56.0)
_NUMBER_FIELDS = ("parcel_no", "number", "地块编号", "DKBH", "id")
_NAME_FIELDS = ("name", "地块名称", "DKMC")


async def red_line_of(context: Context, area: Any, *, apart: bool = False) -> RedLine:
    """The checked red line that an input stands for; BadRequest names parcel and point, NotFound an unknown id.

    ``apart`` as in ``cim.model.redline.checked``.
    """
    if isinstance(area, str):
        return checked(await context.red_line(area), apart=apart)
    return checked(red_line_from_geojson(area), apart=apart)


def red_line_from_geojson(value: Any) -> RedLine:
    """Parcels of GeoJSON in longitude and latitude: each feature is one; a bare geometry is one."""
    if not isinstance(value, Mapping):
        raise BadRequest("the area is not GeoJSON", where="area", remedy=_HELP)
    parcels = tuple(_parcels(value))
    if not parcels:
        raise BadRequest("the area has no polygon", where="area", remedy=_HELP)
    return RedLine(LONLAT_SRID, parcels, evidence="GeoJSON: longitude, latitude")


def _parcels(value: Mapping[str, Any]) -> Iterator[RedLineParcel]:
    kind = value.get("type")
    if kind == "FeatureCollection":
        for position, feature in enumerate(_list(value.get("features"), "features"), 1):
            yield _parcel(feature, position)
    else:
        yield _parcel(value if kind == "Feature" else {"type": "Feature", "geometry": value}, 1)


def _parcel(feature: Any, position: int) -> RedLineParcel:
    if not isinstance(feature, Mapping) or not isinstance(feature.get("geometry"), Mapping):
        raise BadRequest("it has no geometry", where=f"parcel {position}", remedy=_HELP)
    given = feature.get("properties")
    facts: Mapping[str, Any] = given if isinstance(given, Mapping) else {}
    number = str(_first(facts, _NUMBER_FIELDS) or position)
    return RedLineParcel(
        number,
        str(_first(facts, _NAME_FIELDS) or ""),
        _shape(feature["geometry"], f"parcel {number}"),
        _declared(facts),
        str(facts.get("use") or ""),
    )


def _first(facts: Mapping[str, Any], names: Sequence[str]) -> Any:
    return next((facts[name] for name in names if facts.get(name) not in (None, "")), None)


def _declared(facts: Mapping[str, Any]) -> float | None:
    for name, unit_m2 in (("area_m2", 1.0), ("area_ha", 10_000.0)):
        value = facts.get(name)
        if isinstance(value, int | float) and math.isfinite(value):
            return float(value) * unit_m2
    return None


def _shape(geometry: Mapping[str, Any], where: str) -> shapely.Geometry:
    kind, coordinates = geometry.get("type"), geometry.get("coordinates")
    if kind == "Polygon":
        return _polygon(coordinates, where)
    if kind == "MultiPolygon":
        return shapely.MultiPolygon([_polygon(part, where) for part in _list(coordinates, where)])
    raise BadRequest(f"it is a {str(kind)[:30]}, not an area", where=where, remedy=_HELP)


def _polygon(rings: Any, where: str) -> shapely.Polygon:
    read = [_ring(ring, number, where) for number, ring in enumerate(_list(rings, where), 1)]
    if not read:
        raise BadRequest("it has no corner points", where=where, remedy="give its corners or leave it out")
    return shapely.Polygon(read[0], read[1:])


def _ring(value: Any, number: int, where: str) -> list[tuple[float, float]]:
    points = [
        position(point, where, f"point {place} of ring {number}") for place, point in enumerate(_list(value, where), 1)
    ]
    if len(points) < 4:
        raise BadRequest(
            f"ring {number} has {len(points)} points",
            where=where,
            remedy="a ring needs three corners and its first again",
        )
    if points[0] != points[-1]:
        raise BadRequest(
            f"ring {number} is open: it begins at {_place(points[0])} and ends at {_place(points[-1])}",
            where=where,
            remedy="end each ring with its first point",
        )
    return points


def position(value: Any, where: str, at: str) -> tuple[float, float]:
    """A position of GeoJSON, called ``at`` in what is said of it; BadRequest unless it is degrees in China."""
    if not isinstance(value, Sequence) or isinstance(value, str) or len(value) < 2:
        raise BadRequest(f"{at} is not a point", where=where, remedy="write longitude, latitude")
    try:
        lon, lat = float(value[0]), float(value[1])
    except (TypeError, ValueError, OverflowError):
        raise BadRequest(f"{at} is not a point", where=where, remedy="write longitude, latitude") from None
    west, south, east, north = _CHINA
    if west <= lon <= east and south <= lat <= north:
        return lon, lat
    if abs(lon) > 360 or abs(lat) > 360:
        raise BadRequest(
            f"{at} ({lon:.3f}, {lat:.3f}) is in metres, and GeoJSON is in degrees",
            where=where,
            remedy="send the file to POST /redlines with its system, or convert it to longitude, latitude",
        )
    if west <= lat <= east and south <= lon <= north:
        raise BadRequest(
            f"{at} ({lon}, {lat}) has latitude first", where=where, remedy="GeoJSON has longitude first: swap them"
        )
    raise BadRequest(f"{at} ({lon}, {lat}) is not in China", where=where, remedy="check the coordinates")


def _place(point: tuple[float, float]) -> str:
    return f"{point[0]:.8f}, {point[1]:.8f}"


def _list(value: Any, where: str) -> list[Any]:
    if not isinstance(value, list | tuple):
        raise BadRequest("coordinates are not lists of points", where=where, remedy=_HELP)
    return list(value)
