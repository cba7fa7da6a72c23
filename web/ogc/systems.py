"""Reference systems by the names OGC services use, each with the axis order its standard asks.

CGCS2000 and WGS 84 are treated as equal, so EPSG:4326 and CRS:84 are read from the same stored longitude and latitude.
"""

import re
from dataclasses import dataclass

from cim.model.collection import BoundingBox
from web.ogc.faults import OgcFault
from web.parameters import LAT_FIRST, NORTH_FIRST

_NAME = re.compile(
    r"^(?:EPSG:|urn:(?:x-)?ogc:def:crs:EPSG:[0-9.]*:|https?://www\.opengis\.net/def/crs/EPSG/[0-9.]+/"
    r"|https?://www\.opengis\.net/gml/srs/epsg\.xml#)(\d{4,5})$",
    re.IGNORECASE,
)
_CRS84 = frozenset({"crs:84", "urn:ogc:def:crs:ogc:1.3:crs84", "http://www.opengis.net/def/crs/ogc/1.3/crs84"})
ALWAYS = ("EPSG:4490", "EPSG:4326", "CRS:84", "EPSG:3857", "EPSG:4523", "EPSG:4544")
"""The systems that every layer is advertised in; any CGCS2000 zone (EPSG:4513 to 4554) is answered."""


@dataclass(frozen=True, slots=True)
class System:
    """A system as asked for: ``srid`` is what to read, ``north_first`` whether its first axis points north."""

    name: str
    code: int
    srid: int
    north_first: bool

    def east_north(self, bounds: tuple[float, ...]) -> BoundingBox:
        """Two corners as given, with the axes in the order east, north."""
        first, second, third, fourth = bounds
        return (second, first, fourth, third) if self.north_first else (first, second, third, fourth)

    def as_given(self, bounds: BoundingBox) -> BoundingBox:
        """West, south, east, north in the order of the system's axes."""
        west, south, east, north = bounds
        return (south, west, north, east) if self.north_first else bounds


def find_system(name: str, *, where: str = "CRS", east_first: bool = False) -> System:
    """The system of a name; ``east_first`` for requests of old standards that know no other order."""
    if name.strip().lower() in _CRS84:
        return System("CRS:84", 84, 4490, north_first=False)
    match = _NAME.match(name.strip())
    code = int(match[1]) if match else 0
    code = 3857 if code in (900913, 102100) else code
    if code != 3857 and code not in LAT_FIRST and code not in NORTH_FIRST:
        raise OgcFault(
            "InvalidCRS",
            f"{name[:80]!r} is not offered",
            where=where,
            remedy="use CRS:84, EPSG:4490, EPSG:4326, EPSG:3857 or a CGCS2000 zone, EPSG:4513 to EPSG:4554",
        )
    north_first = not east_first and code != 3857
    return System(f"EPSG:{code}", code, 4490 if code == 4326 else code, north_first)
