"""Where a point cloud lies: its reference system by WKT, GeoTIFF keys or ``--crs``, its heights, and its outline."""

import functools
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyproj
import shapely

from cim.errors import ImportRefused
from cim.model.ellipsoid import ellipsoidal_areas_m2
from cim.model.reference_systems import (
    GEOGRAPHIC,
    Way,
    declared_crs,
    given_crs,
    way_to_degrees,
)
from importers.city.frames import height_datum
from importers.clouds.header import CloudHeader
from importers.clouds.points import Survey
from importers.coordinate_problems import coordinate_problems
from importers.importer import ReadOptions
from importers.inspection import Problem

PROJECTED, GEODETIC, VERTICAL, UNITS, VERTICAL_UNITS = 3072, 2048, 4096, 3076, 4099
"""Numbers of the GeoTIFF keys that are read."""
CODES = range(1024, 32_767)
UNIT_M = {9001: 1.0, 9002: 0.3048, 9003: 1200 / 3937}
APART_M = 1.0
"""Two declared systems that put a cloud no farther apart than this do not contradict each other."""
LEAST_SIDE_M, LEAST_SIDE_DEGREES = 1.0, 1e-5
LONGITUDES = 180.0


@dataclass(frozen=True, slots=True)
class Place:
    """The system of a cloud and of its heights. ``height_m`` is the unit of heights in metres, None where not known.

    ``declared`` is the text the file's own system was taken from, and ``evidence`` says where it stood; ``srid`` or
    ``wkt`` is that of the file or of ``--crs``, horizontally.
    """

    declared: str | None
    evidence: str
    srid: int | None
    wkt: str | None
    datum: str | None
    height_m: float | None
    problems: tuple[Problem, ...] = field(default=())

    @property
    def crs(self) -> str | None:
        """The horizontal system for people and programs."""
        return f"EPSG:{self.srid}" if self.srid else self.wkt


def place_of(header: CloudHeader, source: Any, survey: Survey, options: ReadOptions) -> Place:
    """The place an open source declares, or ``--crs`` says; what contradicts itself is among the problems."""
    wkt, keys = _records(source)
    geotiff, problems = _geotiff(keys)
    known = wkt is not None and declared_crs(wkt) != (None, None)
    declared = geotiff
    if known and (header.prefers_wkt or geotiff is None):
        declared, problems = wkt, []
    if wkt is not None and not known:
        problems.append(Problem("crs-unread", 1, "the WKT of the file describes no system that is known"))
    elif wkt is not None:
        problems += _contradiction(wkt, geotiff, declared, survey)
    if options.crs:
        problems = [Problem(one.code, one.count, one.message) for one in problems]
    srid, text = given_crs(options.crs) if options.crs else declared_crs(declared)
    datum = height_datum(declared, options)
    unit = _height_unit(options.crs or declared, keys, datum)
    if datum is None:
        remedy = "give --height-datum 1985 (or egm96, ellipsoidal, local)"
        problems.append(Problem("height-datum", 1, f"heights without a height system; {remedy}"))
    if unit is None:
        told = "the system is not in metres and no unit of heights is declared: heights are left empty"
        problems.append(Problem("height-unit", 1, f"{told}; give --height-datum or a compound --crs"))
    form = "WKT" if declared == wkt else "GeoTIFF keys"
    evidence = f"declared in the file ({form})" if declared else "none declared"
    return Place(declared, evidence, srid, text, datum, unit, tuple(problems))


def outline_of(place: Place, survey: Survey) -> shapely.MultiPolygon:
    """The cells with points, joined and cut to the box, in longitude and latitude of CGCS2000.

    Raises ImportRefused where there is no exact way there, or the coordinates are none of the system.
    """
    flat = _flat_outline(survey, LEAST_SIDE_DEGREES if _is_geographic(place) else LEAST_SIDE_M)
    try:
        (moved,) = _way(place.srid, place.wkt).apply(np.array([flat], dtype=object))
    except pyproj.exceptions.ProjError as error:
        raise ImportRefused("crs-no-operation", f"there is no way from {place.crs} to CGCS2000") from error
    west, south, east, north = shapely.bounds(moved).tolist()
    sound = np.isfinite([west, south, east, north]).all() and -90 <= south <= north <= 90
    if not sound or east - west > LONGITUDES:
        raise ImportRefused("crs-disagrees", f"the coordinates are none of {place.crs}; check --crs")
    parts = [part for part in shapely.get_parts(shapely.make_valid(moved)) if part.geom_type == "Polygon"]
    return shapely.MultiPolygon(parts)


def outlined(place: Place, survey: Survey) -> tuple[shapely.MultiPolygon | None, list[Problem]]:
    """The outline; or None, and what the coordinates say against the system where one is known."""
    if place.crs is None:
        return None, []
    box = (survey.low[0], survey.low[1], survey.high[0], survey.high[1])
    against = [problem for problem in coordinate_problems(place.srid, box) if problem.refuses]
    if against:
        return None, against
    try:
        return outline_of(place, survey), []
    except ImportRefused as error:
        return None, [Problem(error.code, 1, error.what, refuses=True)]


def area_m2(outline: shapely.MultiPolygon) -> float:
    """The ground an outline covers, on the ellipsoid."""
    return float(ellipsoidal_areas_m2(np.array([outline], dtype=object))[0])


@functools.lru_cache(maxsize=32)
def _way(srid: int | None, wkt: str | None) -> Way:
    """The way to degrees; a folder's clouds are mostly of one system, and looking for a way takes long."""
    return way_to_degrees(srid, wkt)


def _records(source: Any) -> tuple[str | None, dict[int, int]]:
    """WKT and GeoTIFF keys of an open source; keys that hold a number themselves only."""
    found = [*source.header.vlrs, *(source.header.evlrs or [])]
    texts = [str(one.string).strip() for one in found if type(one).__name__ == "WktCoordinateSystemVlr"]
    directories = [one.geo_keys for one in found if type(one).__name__ == "GeoKeyDirectoryVlr"]
    keys = {int(key.id): int(key.value_offset) for one in directories[:1] for key in one if key.tiff_tag_location == 0}
    return next((text for text in texts if text), None), keys


def _geotiff(keys: dict[int, int]) -> tuple[str | None, list[Problem]]:
    """The system that GeoTIFF keys name by code, and what is wrong with them."""
    code = next((keys[name] for name in (PROJECTED, GEODETIC) if keys.get(name) in CODES), None)
    described = [name for name in (PROJECTED, GEODETIC) if keys.get(name)]
    if code is None or keys.get(PROJECTED, code) != code:
        told = "the GeoTIFF keys describe a system by its parameters, which is not read; give --crs"
        return None, [Problem("crs-unread", 1, told)] if described else []
    compound = f"EPSG:{code}+{keys[VERTICAL]}" if keys.get(VERTICAL) in CODES else ""
    text = compound if compound and declared_crs(compound) != (None, None) else f"EPSG:{code}"
    if declared_crs(text) == (None, None):
        return None, [Problem("crs-unread", 1, f"the GeoTIFF keys name {text}, which is not known; give --crs")]
    problems = []
    if compound and text != compound:
        problems.append(Problem("height-unread", 1, f"the GeoTIFF keys name heights of {keys[VERTICAL]}, not known"))
    unit, own = UNIT_M.get(keys.get(UNITS, 0)), _unit_m(text)
    if unit is not None and own is not None and abs(unit - own) > 1e-9:
        told = f"the GeoTIFF keys name {text}, whose unit is {own:.9g} m, and say coordinates are in {unit:.9g} m"
        problems.append(Problem("crs-units", 1, f"{told}; give the true system with --crs", refuses=True))
    return text, problems


def _contradiction(wkt: str, geotiff: str | None, taken: str | None, survey: Survey) -> Iterator[Problem]:
    """Whether WKT and GeoTIFF keys put the middle of a cloud in different places."""
    first, second = declared_crs(wkt), declared_crs(geotiff)
    if first == second or (None, None) in (first, second):
        return
    middle = np.array([[(survey.low[axis] + survey.high[axis]) / 2 for axis in (0, 1)]])
    places = []
    for system in (first, second):
        try:
            way = _way(*system)
            places.append(way.move(middle)[0] if way.move else middle[0])
        except (ImportRefused, pyproj.exceptions.ProjError):
            places.append(np.full(2, np.nan))
    (lon, lat), (other_lon, other_lat) = places
    far = "an unknown distance"
    if np.isfinite(places).all():
        apart_m = pyproj.Geod(ellps="GRS80").inv(lon, lat, other_lon, other_lat)[2]
        if apart_m <= APART_M:
            return
        far = f"{apart_m:.0f} m"
    names = [f"EPSG:{srid}" if srid else pyproj.CRS.from_wkt(text or "").name for srid, text in (first, second)]
    chosen = names[0] if taken == wkt else names[1]
    told = f"WKT says {names[0]}, GeoTIFF keys say {names[1]}, which is {far} away; {chosen} is taken"
    yield Problem("crs-contradiction", 1, f"{told}; --crs decides otherwise")


def _height_unit(reference: str | None, keys: dict[int, int], datum: str | None) -> float | None:
    """Metres in a unit of heights: of the declared vertical system, the key for it, the datum, or the horizontal."""
    for text in (reference, datum if datum and ":" in datum else None):
        unit = _vertical_unit_m(text)
        if unit is not None:
            return unit
        if text == reference and VERTICAL_UNITS in keys:
            return UNIT_M.get(keys[VERTICAL_UNITS])
    if datum is not None:
        return 1.0
    own = _unit_m(reference)
    return 1.0 if own is None or own == 1.0 else None


def _vertical_unit_m(text: str | None) -> float | None:
    system = _system(text)
    parts = [part for part in (system, *system.sub_crs_list) if part.is_vertical] if system else []
    axes = parts[-1].axis_info if parts else system.axis_info if system else []
    upright = [axis for axis in axes if axis.direction.lower() in {"up", "down"}]
    return float(upright[0].unit_conversion_factor) if upright else None


def _unit_m(text: str | None) -> float | None:
    """Metres in a horizontal unit; None where it is degrees or not known."""
    system = _system(text)
    while system is not None and system.is_compound:
        system = system.sub_crs_list[0]
    if system is None or not system.is_projected or not system.axis_info:
        return None
    return float(system.axis_info[0].unit_conversion_factor)


def _system(text: str | None) -> pyproj.CRS | None:
    try:
        return pyproj.CRS.from_user_input(text) if text else None
    except pyproj.exceptions.CRSError:  # names of ours, such as GCJ-02
        return None


def _is_geographic(place: Place) -> bool:
    if place.srid == GEOGRAPHIC:
        return True
    system = _system(place.crs)
    return system is None or not system.is_projected


def _flat_outline(survey: Survey, least: float) -> shapely.Geometry:
    """The outline in the file's own system, no narrower than ``least``."""
    origin = np.array(survey.origin)
    low, high = np.array(survey.low[:2]), np.array(survey.high[:2])
    narrow = np.maximum(least - (high - low), 0) / 2
    low, high = low - narrow, high + narrow
    sides = np.array(survey.cell)
    west, south = (survey.cells * sides + origin).T
    east, north = ((survey.cells + 1) * sides + origin).T
    box = shapely.Polygon([low, (high[0], low[1]), high, (low[0], high[1])])
    if narrow.any():
        return box
    cells = shapely.union_all(shapely.box(west, south, east, north))
    cut: shapely.Geometry = shapely.segmentize(shapely.intersection(cells, box), 8 * float(max(sides)))
    return cut
