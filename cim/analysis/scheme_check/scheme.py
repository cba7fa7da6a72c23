"""The buildings of a scheme as handed in: footprints with storeys and heights."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from cim.analysis.area import red_line_from_geojson
from cim.analysis.overlay import Shapes
from cim.errors import BadRequest
from cim.model.redline import LONLAT_SRID, checked, moved

MOST_BUILDINGS = 2_000
_IMPORT = 'import the model (IFC, GLB, CityJSON) and name it: {"model": ID} or {"layer": ID}'
_HELP = 'give a GeoJSON FeatureCollection of footprints, each with the properties "floors" and "height_m"'


@dataclass(frozen=True, slots=True)
class Scheme:
    """Buildings by name, their footprints in longitude and latitude, storeys and heights; NaN where not given."""

    names: tuple[str, ...]
    footprints: Shapes
    floors: "np.ndarray[Any, np.dtype[np.float64]]"
    height_m: "np.ndarray[Any, np.dtype[np.float64]]"

    def in_system(self, srid: int) -> Shapes:
        """The footprints in another system."""
        return moved(self.footprints, LONLAT_SRID, srid)


def scheme_of(value: Any) -> Scheme:
    """The scheme that an input is; BadRequest names the building that cannot be used."""
    if isinstance(value, str) or (isinstance(value, Mapping) and "asset" in value):
        raise BadRequest("a file cannot be given here", where="scheme", remedy=_IMPORT)
    if not isinstance(value, Mapping) or value.get("type") not in ("Feature", "FeatureCollection"):
        raise BadRequest("the scheme is not GeoJSON with properties", where="scheme", remedy=_HELP)
    given = value.get("features") if value["type"] == "FeatureCollection" else [value]
    if not isinstance(given, list) or not 1 <= len(given) <= MOST_BUILDINGS:
        raise BadRequest(f"a scheme has 1 to {MOST_BUILDINGS} buildings", where="scheme", remedy=_HELP)
    read = [_building(feature, number) for number, feature in enumerate(given, 1)]
    names, shapes, floors, heights = zip(*read, strict=True)
    return Scheme(names, np.array(shapes, dtype=object), np.array(floors), np.array(heights))


def _building(feature: Any, number: int) -> tuple[str, Any, float, float]:
    facts = feature.get("properties") if isinstance(feature, Mapping) else None
    facts = facts if isinstance(facts, Mapping) else {}
    name = str(facts.get("name") or number)
    where = f"scheme, building {name[:60]}"
    try:
        line = checked(red_line_from_geojson({"type": "FeatureCollection", "features": [feature]}))
    except BadRequest as error:
        raise BadRequest(error.what, where=where, remedy=error.remedy) from error
    return name, line.parcels[0].shape, _number(facts, "floors", where), _number(facts, "height_m", where)


def _number(facts: Mapping[str, Any], name: str, where: str) -> float:
    value = facts.get(name)
    if value is None:
        return math.nan
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1000:
        raise BadRequest(f"{name} is {str(value)[:30]!r}", where=where, remedy="give a number from 0 to 1000")
    return float(value)
