"""The place an analysis is asked for: a GeoJSON Point, or longitude and latitude as two numbers."""

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from cim.analysis.area import position
from cim.errors import BadRequest

_HELP = 'write {"type": "Point", "coordinates": [longitude, latitude]}, or [longitude, latitude]'


def place_field(**more: Any) -> Any:
    """A parameter that is a place, as ``place_of`` reads it."""
    return Field(
        title="地点 Place",
        description="GeoJSON 点，或 [经度, 纬度] a GeoJSON Point, or [longitude, latitude]",
        json_schema_extra={"x-cim-input": "geojson", "x-cim-draw": "point", "type": ["object", "array"]},
        **more,
    )


def place_of(given: Any, where: str = "place") -> tuple[float, float]:
    """The longitude and latitude in degrees of a Point, a Feature of one, or two numbers; BadRequest for all else."""
    if not isinstance(given, Mapping):
        if not isinstance(given, list | tuple) or len(given) < 2:
            raise BadRequest("it is no place", where=where, remedy=_HELP)
        return position(given, where, "the place")
    geometry = given.get("geometry") if given.get("type") == "Feature" else given
    if not isinstance(geometry, Mapping) or geometry.get("type") != "Point":
        raise BadRequest("it is no GeoJSON Point", where=where, remedy=_HELP)
    return position(geometry.get("coordinates"), where, "the place")
