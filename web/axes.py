"""Axis order of GeoJSON-like geometries for reference systems whose first axis points north."""

from collections.abc import Mapping
from typing import Any


def swapped(geometry: Mapping[str, Any]) -> dict[str, Any]:
    """The same geometry with the first two numbers of every position exchanged."""
    if geometry["type"] == "GeometryCollection":
        return {"type": "GeometryCollection", "geometries": [swapped(part) for part in geometry["geometries"]]}
    return {"type": geometry["type"], "coordinates": _swap(geometry["coordinates"])}


def _swap(value: Any) -> Any:
    if value and isinstance(value[0], (int, float)):
        return [value[1], value[0], *value[2:]]
    return [_swap(part) for part in value]
