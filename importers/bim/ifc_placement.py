"""Where a model lies on the map, in the order of what can be trusted, and what in the file speaks against it.

First a map conversion with its projected system, then the property sets ePset_MapConversion and ePset_ProjectedCRS,
then coordinates that are those of a system the user names, then the site's longitude and latitude with true north.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyproj
from numpy.typing import NDArray

from cim.errors import ImportRefused
from cim.model.bim import Placement
from cim.model.map_positions import covers, from_degrees, system_of, way_to_degrees, zone_at
from cim.model.reference_systems import declared_crs, declared_height_datum, given_crs
from importers.bim.height_datums import height_datum_of
from importers.bim.ifc_declared import Conversion, SitePlace, conversion_of, reference_of, site_of, true_north_of
from importers.bim.ifc_reference import from_reference, is_level, relative
from importers.bim.ifc_units import Units
from importers.importer import ReadOptions
from importers.inspection import Problem

FAR_M = 10_000.0
"""Coordinates farther than this from the model's origin are no longer those of one site."""
SITE_FAR_M = 5_000.0
SCALE_TOLERANCE = 0.01
_OUTSIDE = frozenset({"outside-area", "offset-twice"})
_M_PER_DEGREE = 111_320.0
_REMEDY = "place it with control points, or have the map conversion set in the program that wrote it"


@dataclass(frozen=True, slots=True)
class Placed:
    """The placement, None where there is none, and the problems met on the way."""

    placement: Placement | None
    problems: tuple[Problem, ...]

    @property
    def is_outside(self) -> bool:
        """Whether the model lies where the system is not used."""
        return any(problem.code in _OUTSIDE for problem in self.problems)

    def with_problem(self, code: str, message: str) -> "Placed":
        """The same with one more problem, which does not refuse it."""
        return replace(self, problems=(*self.problems, _said(code, message)))

    @property
    def required(self) -> Placement:
        """The placement; ImportRefused with what stands against it."""
        if self.placement is not None and not any(problem.refuses for problem in self.problems):
            return self.placement
        problem = next(problem for problem in self.problems if problem.refuses)
        raise ImportRefused(problem.code, problem.message, remedy=_REMEDY)


def placed(file: Any, units: Units, options: ReadOptions, reach_m: NDArray[np.float64]) -> Placed:
    """Find the placement; ``reach_m`` are some positions of elements in the model, shape (n, 3)."""
    conversion, site = conversion_of(file, units), site_of(file, units)
    if conversion is not None:
        found = _from_reference(conversion, reference_of(file, units), units, options, reach_m)
    elif options.crs and _is_far(reach_m):
        found = _by_coordinates(options, reach_m)
    elif site is not None:
        found = _by_site(site, true_north_of(file), options, reach_m)
    else:
        found = Placed(None, (_none("the file says nothing of where it lies on the map"),))
    return _with_checks(found, conversion, site, options)


def _from_reference(
    conversion: Conversion,
    reference: NDArray[np.float64] | None,
    units: Units,
    options: ReadOptions,
    reach_m: NDArray[np.float64],
) -> Placed:
    """By a conversion of coordinates relative to a reference; of plain ones where these alone lie in the system."""
    plain = _by_conversion(conversion, units, options, reach_m)
    if reference is None or plain.placement is None:
        return plain
    if not is_level(reference):
        return plain.with_problem("reference-tilted", "the world coordinate system is tilted; it is not applied")
    found = _by_conversion(conversion, units, options, relative(reference, reach_m))
    if found.placement is None or (found.is_outside and not plain.is_outside):
        return plain.with_problem(
            "reference-unused", "the world coordinate system would lead out of the map; it is not applied"
        )
    return Placed(from_reference(found.placement, reference), found.problems)


def _by_conversion(conversion: Conversion, units: Units, options: ReadOptions, reach_m: NDArray[np.float64]) -> Placed:
    system = _system(conversion, options)
    if isinstance(system, Problem):
        return Placed(None, (system,))
    srid, wkt = system
    problems = [] if conversion.same else [_said("map-conversions-differ", "contexts differ; the first one is taken")]
    if not conversion.even:
        problems.append(_said("map-factors", "the axes have different factors; that of the x axis is taken for all"))
    scale, scale_problem = _scale(conversion, units)
    length = float(np.hypot(conversion.abscissa, conversion.ordinate))
    if length == 0:
        problems.append(_said("map-axis", "the direction of the map conversion is zero; no turn is taken"))
    x, y = (conversion.abscissa / length, conversion.ordinate / length) if length else (1.0, 0.0)
    placement = Placement(
        srid=srid,
        wkt=wkt,
        east_m=conversion.eastings,
        north_m=conversion.northings,
        height_m=conversion.height,
        abscissa=x,
        ordinate=y,
        scale=scale,
        height_datum=None,
        evidence="property-set" if conversion.from_set else "map-conversion",
    )
    placement, unit_problem = _with_unit(placement, conversion, units, reach_m)
    problems += [problem for problem in (scale_problem, unit_problem) if problem is not None]
    return Placed(placement, tuple(problems))


def _system(conversion: Conversion, options: ReadOptions) -> tuple[int | None, str | None] | Problem:
    """The projected system, by the user first; else as the file names it."""
    if options.crs:
        srid, wkt = given_crs(options.crs)
    else:
        srid, wkt = declared_crs(conversion.crs)
    named = options.crs or conversion.crs
    if srid is None and wkt is None:
        what = f"{named[:60]!r}, which is no known system" if named else "no reference system"
        return Problem("crs-unknown", 1, f"the map conversion names {what}; give it with --crs", refuses=True)
    try:
        projected = system_of(srid, wkt).is_projected
    except pyproj.exceptions.CRSError:
        projected = False
    if not projected:
        return Problem("crs-unknown", 1, f"{named[:60]} is not a projected system; give one with --crs", refuses=True)
    return srid, wkt


def _scale(conversion: Conversion, units: Units) -> tuple[float, Problem | None]:
    """The scale between metres of the model and metres of the map, which is near 1 whatever the units are."""
    unit_m = conversion.map_unit_m or units.length_m
    written = conversion.scale
    if written is None:
        if abs(unit_m / units.length_m - 1) < SCALE_TOLERANCE:
            return 1.0, None
        return 1.0, _said("scale-blank", "the scale of the map conversion is blank, its units differ; 1 is taken")
    as_meant = written * unit_m / units.length_m
    for value, told in ((as_meant, False), (written, True), (written * units.length_m / unit_m, True)):
        if abs(value - 1) < SCALE_TOLERANCE:
            text = f"the scale of the map conversion is {written:g}, not between the file's units; {value:g} is taken"
            return value, _said("scale-units", text) if told else None
    return 1.0, _said("scale-wrong", f"the scale of the map conversion is {written:g}, no scale of a map; 1 is taken")


def _with_unit(
    placement: Placement, conversion: Conversion, units: Units, reach_m: NDArray[np.float64]
) -> tuple[Placement, Problem | None]:
    """The placement with offsets in metres, in the first unit by which the model lies where the system is used."""
    meant = conversion.map_unit_m or units.length_m
    for unit_m in (meant,) if _is_far(reach_m) else dict.fromkeys((meant, 1.0, units.length_m, 1e-3)):
        scaled = replace(
            placement,
            east_m=placement.east_m * unit_m,
            north_m=placement.north_m * unit_m,
            height_m=placement.height_m * unit_m,
        )
        if covers(scaled.srid, scaled.wkt, scaled.to_map(reach_m)[:, :2]):
            if unit_m == meant:
                return scaled, None
            text = f"offsets of the map conversion are in units of {unit_m:g} m, not of {meant:g} m as written"
            return scaled, _said("map-unit", text)
    first = replace(
        placement,
        east_m=placement.east_m * meant,
        north_m=placement.north_m * meant,
        height_m=placement.height_m * meant,
    )
    return first, _outside(first, reach_m)


def _outside(placement: Placement, reach_m: NDArray[np.float64]) -> Problem:
    name = f"EPSG:{placement.srid}" if placement.srid else "the system"
    if _is_far(reach_m) and max(abs(placement.east_m), abs(placement.north_m)) > FAR_M:
        return _said("offset-twice", f"coordinates and map conversion both hold the offset; outside the use of {name}")
    return _said("outside-area", f"the model lies outside the area that {name} is used in")


def _by_coordinates(options: ReadOptions, reach_m: NDArray[np.float64]) -> Placed:
    """The model's coordinates are those of the system that the user names."""
    srid, wkt = given_crs(options.crs or "")
    if not system_of(srid, wkt).is_projected:
        return Placed(None, (_none(f"{options.crs} is not a projected system"),))
    placement = Placement(srid, wkt, 0.0, 0.0, 0.0, 1.0, 0.0, 1.0, None, "coordinates")
    problems = [_said("map-coordinates", f"the file's coordinates are taken as those of {options.crs}")]
    if not covers(srid, wkt, placement.to_map(reach_m)[:, :2]):
        text = f"the file's coordinates lie outside the area that {options.crs} is used in; check --crs"
        problems.append(Problem("outside-area", 1, text, refuses=True))
    return Placed(placement, tuple(problems))


def _by_site(
    site: SitePlace, north: tuple[float, float] | None, options: ReadOptions, reach_m: NDArray[np.float64]
) -> Placed:
    """The origin of the site lies at its longitude and latitude, true north of the model is true north there."""
    if float(np.median(_distances(reach_m - site.origin_m))) > FAR_M:
        text = "the model's coordinates look like those of a map, which is not named; give the system with --crs"
        return Placed(None, (_none(text),))
    srid, wkt = given_crs(options.crs) if options.crs else (zone_at(site.lon, site.lat), None)
    place = np.array([[site.lon, site.lat], [site.lon, site.lat + 1e-4]])
    (east, north_m), above = from_degrees(srid, wkt, place)
    up = complex(above[0] - east, above[1] - north_m)
    turn = up / abs(up) / complex(*(north or (0.0, 1.0)))
    shift = turn * complex(site.origin_m[0], site.origin_m[1])
    placement = Placement(
        srid=srid,
        wkt=wkt,
        east_m=float(east - shift.real),
        north_m=float(north_m - shift.imag),
        height_m=(site.height_m or 0.0) - float(site.origin_m[2]),
        abscissa=float(turn.real),
        ordinate=float(turn.imag),
        scale=1.0,
        height_datum=None,
        evidence="site",
    )
    text = "placed by the site's longitude and latitude, which are seldom better than some metres"
    problems = [_said("placed-by-site", text)]
    if north is None:
        problems.append(_said("no-true-north", "the file does not say where north is; its y axis is taken"))
    if site.height_m is None:
        problems.append(_said("no-site-height", "the site has no height; the model stands at 0"))
    return Placed(placement, tuple(problems))


def _with_checks(found: Placed, conversion: Conversion | None, site: SitePlace | None, options: ReadOptions) -> Placed:
    """The height datum, the site against the placement, and all problems as notes of the placement."""
    placement = found.placement
    if placement is None:
        return found
    problems = list(found.problems)
    if conversion is not None and site is not None:
        problems += _site_problems(placement, site)
    written = conversion.vertical if conversion else ""
    compound = declared_height_datum(conversion.crs) if conversion else None
    datum = height_datum_of(options.height_datum, written, compound)
    if datum is None:
        why = f"the vertical datum {written[:40]!r} is not known" if written else "heights without a height system"
        problems.append(_said("height-datum", f"{why}; give --height-datum 1985 (or egm96, ellipsoidal, local)"))
    notes = tuple(problem.message for problem in problems)
    return Placed(replace(placement, height_datum=datum, notes=notes), tuple(problems))


def _site_problems(placement: Placement, site: SitePlace) -> list[Problem]:
    here = placement.to_map(site.origin_m.reshape(1, 3))[:, :2]
    lon, lat = way_to_degrees(placement.srid, placement.wkt)(here)[0]
    if not np.isfinite((lon, lat)).all():
        return []
    apart = np.hypot((lon - site.lon) * np.cos(np.radians(lat)), lat - site.lat) * _M_PER_DEGREE
    if apart < SITE_FAR_M:
        return []
    text = f"the site's longitude and latitude lie {apart / 1000:.0f} km from the map conversion, which is taken"
    return [_said("site-disagrees", text)]


def _is_far(reach_m: NDArray[np.float64]) -> bool:
    return float(np.median(_distances(reach_m))) > FAR_M


def _distances(points: NDArray[np.float64]) -> NDArray[np.float64]:
    distances: NDArray[np.float64] = np.hypot(points[:, 0], points[:, 1])
    return distances


def _said(code: str, message: str) -> Problem:
    return Problem(code, 1, message)


def _none(why: str) -> Problem:
    return Problem("no-placement", 1, f"{why}; place it with control points", refuses=True)
