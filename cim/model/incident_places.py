"""Places as people give them by telephone: degrees and minutes, metres of a projected system, web maps' offsets."""

import re

import numpy as np

from cim.errors import BadRequest, CimError
from cim.model.map_positions import way_to_degrees
from cim.model.reference_systems import OFFSET_DATUMS, given_crs

Position = tuple[float, float]
"""Longitude and latitude in degrees of CGCS2000."""
EASTERN = 60.0
"""Of two bare numbers the greater than this is the longitude: no place of China has a latitude so high."""
_AXIS = r"(?P<before>[NSEW]|北纬|南纬|东经|西经)?"
_ANGLE = re.compile(
    _AXIS + r"\s*(?P<deg>-?\d{1,3}(?:\.\d+)?)\s*(?:[°度dº]\s*)?"
    r"(?:(?P<min>\d{1,2}(?:\.\d+)?)\s*['′’分m]\s*)?(?:(?P<sec>\d{1,2}(?:\.\d+)?)\s*(?:[\"″”秒s]|'')\s*)?"
    r"(?(before)|(?P<after>[NSEW])?)",
    re.IGNORECASE,
)
_NAMES = {"北纬": "N", "南纬": "S", "东经": "E", "西经": "W"}
_REMEDY = "write 103°57'30\"E 30°59'10\"N, 东经103度57分30秒 北纬30度59分10秒, or 103.9583, 30.9861"


def position_of_text(text: str) -> Position:
    """The position that a text gives in degrees, or degrees, minutes and seconds; BadRequest where it gives none."""
    angles = [_angle(part) for part in _parts(text)]
    if len(angles) != 2:
        raise BadRequest(f"{text[:80]!r} is no position", where="place.text", remedy=_REMEDY)
    found: dict[str, float] = {}
    for axis, value in angles:
        found[_axis(axis, value)] = value
    if len(found) != 2 or (angles[0][0] == "") != (angles[1][0] == ""):
        raise BadRequest(f"{text[:80]!r} leaves open which is the latitude", where="place.text", remedy=_REMEDY)
    return checked(found["lon"], found["lat"])


def _parts(text: str) -> list[re.Match[str]]:
    rest, found = text.strip()[:200], []
    while rest:
        match = _ANGLE.match(rest)
        if match is None or not match[0]:
            raise BadRequest(f"{text[:80]!r} is no position", where="place.text", remedy=_REMEDY)
        found.append(match)
        rest = rest[match.end() :].lstrip(" ,，;；、\t")
    return found


def _angle(match: re.Match[str]) -> tuple[str, float]:
    """The axis a match names (N, S, E, W or nothing) and its degrees, negative in the south and west."""
    degrees, minutes, seconds = (float(match[name] or 0) for name in ("deg", "min", "sec"))
    if minutes >= 60 or seconds >= 60:
        raise BadRequest(f"{match[0]!r} has 60 minutes or seconds or more", where="place.text", remedy=_REMEDY)
    named = match["before"] or match["after"] or ""
    axis = _NAMES.get(named, named.upper())
    value = degrees + (minutes / 60 + seconds / 3600) * (-1 if degrees < 0 else 1)
    return axis, -value if axis in ("S", "W") else value


def _axis(axis: str, value: float) -> str:
    if axis:
        return "lon" if axis in "EW" else "lat"
    return "lon" if abs(value) > EASTERN else "lat"


def position_of_metres(easting: float, northing: float, crs: str) -> Position:
    """The position of plane coordinates in a named projected system; Chinese maps call the northing X."""
    srid, wkt = given_crs(crs)
    if wkt in OFFSET_DATUMS or srid in (4490, 4326):
        raise BadRequest(f"{crs[:40]!r} has no metres", where="place.crs", remedy="name a projected one: EPSG:4544")
    try:
        lon, lat = (float(value) for value in way_to_degrees(srid, wkt)(np.array([[easting, northing]]))[0])
    except CimError as error:
        raise BadRequest(error.what, where="place.crs", remedy="name a CGCS2000 zone: EPSG:4544") from error
    return checked(lon, lat)


def position_of_datum(lon: float, lat: float, datum: str) -> Position:
    """The position of degrees as a web map (GCJ-02, BD-09) gives them; exact to a metre or two."""
    if datum not in OFFSET_DATUMS:
        raise BadRequest(
            f"{datum[:40]!r} is not offered", where="place.datum", remedy=f"one of {', '.join(OFFSET_DATUMS)}"
        )
    checked(lon, lat)
    moved = OFFSET_DATUMS[datum](np.array([[lon, lat]]))[0]
    return checked(float(moved[0]), float(moved[1]))


def checked(lon: float, lat: float) -> Position:
    """A position that exists; BadRequest hints at swapped axes."""
    if not (-180 <= lon <= 180 and -90 <= lat <= 90):
        swapped = abs(lat) > 90 and abs(lon) <= 90
        hint = "longitude and latitude seem to be swapped" if swapped else "check the numbers and the system"
        raise BadRequest("the position is not on earth", where="place", remedy=hint)
    return lon, lat
