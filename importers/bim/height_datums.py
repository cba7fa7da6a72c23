"""Height systems by the names that programs write."""

import re

import pyproj

from importers.raster_source import VERTICAL_NAMES

LOCAL = frozenset({"ellipsoidal", "local"})
_WORDS = (
    (r"1985|DHHN85", "EPSG:5737"),
    (r"1956", "EPSG:5736"),
    (r"EGM ?-?(96|1996)", "EPSG:5773"),
    (r"EGM ?-?(08|2008)", "EPSG:3855"),
    (r"DHHN ?2016", "EPSG:7837"),
    (r"DHHN ?92", "EPSG:5783"),
    (r"\bNAP\b|Amsterdam", "EPSG:5709"),
    (r"NAVD ?88", "EPSG:5703"),
    (r"ellipsoid", "ellipsoidal"),
)


def height_datum_of(given: str | None, written: str, compound: str | None) -> str | None:
    """The height system as authority and code: what the user gives, what the file names, that of a compound system.

    None where nothing says, or the name is not known. Heights are kept in their own system: no operation is made.
    """
    if given:
        return VERTICAL_NAMES.get(given.lower(), given)
    return _named(written) or compound


def _named(written: str) -> str | None:
    code = re.fullmatch(r"\s*(?:EPSG:?\s*)?(\d{4,5})\s*", written, re.IGNORECASE)
    if code and _is_vertical(int(code[1])):
        return f"EPSG:{code[1]}"
    return next((datum for pattern, datum in _WORDS if re.search(pattern, written, re.IGNORECASE)), None)


def _is_vertical(code: int) -> bool:
    try:
        return bool(pyproj.CRS.from_epsg(code).is_vertical)
    except pyproj.exceptions.CRSError:
        return False
