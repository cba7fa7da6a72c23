"""Shapes that come with the order of a map sheet, a red line above all: GeoJSON, drawn over the layers.

A feature may say how it is drawn: ``stroke``, ``stroke-width`` (mm), ``fill``, ``fill-opacity``; ``label`` (or
``name``) is written at it and ``legend`` is what the legend calls it.
"""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import shapely
from shapely.errors import ShapelyError

from cim.errors import BadRequest, DefinitionError
from layers.sheet import SheetOverlay
from tiles.picture_colour import parse_colour
from tiles.picture_job import LayerJob
from tiles.picture_window import Window, transformer
from tiles.sheet_boxes import PIXELS_A_MM, PIXELS_A_POINT

MAX_OVERLAYS = 2_000
MAX_OVERLAY_POINTS = 200_000
MAX_WIDTH_MM = 5.0
MAX_LABEL = 200
LEGEND_FIELD = "legend"
_DOT_MM = 1.0
_CASING_MM = 0.5
_LABEL_FONT = ["Noto Sans Bold"]


def overlay_features(document: Any) -> list[Mapping[str, Any]]:
    """The features of a GeoJSON document: a collection, a feature, or a bare geometry."""
    kind = document.get("type") if isinstance(document, Mapping) else None
    if kind == "FeatureCollection" and isinstance(document.get("features"), list):
        features = document["features"]
    elif kind == "Feature":
        features = [document]
    elif isinstance(kind, str):
        features = [{"type": "Feature", "properties": {}, "geometry": document}]
    else:
        raise _wrong("this is no GeoJSON", "overlays")
    if len(features) > MAX_OVERLAYS:
        raise _wrong(f"{len(features)} features are too many, at most {MAX_OVERLAYS} are drawn", "overlays")
    return list(features)


def overlay_job(features: list[Mapping[str, Any]], window: Window, look: SheetOverlay, language: str) -> LayerJob:
    """Features in longitude and latitude as a layer above all others; BadRequest names the feature that is wrong."""
    shapes, attributes, points = [], [], 0
    for number, feature in enumerate(features):
        where = f"overlays.features[{number}]"
        shape = _shape(feature, where)
        points += int(shapely.get_num_coordinates(shape))
        if points > MAX_OVERLAY_POINTS:
            raise _wrong(f"the shapes have more than {MAX_OVERLAY_POINTS} points together", "overlays")
        shapes.append(shape)
        attributes.append(_attributes(feature, shape, look, language, where))
    way = transformer(4490, window.srid)
    moved = shapely.transform(np.array(shapes, dtype=object), lambda at: np.column_stack(way.transform(*at.T)))
    if not all(np.isfinite(shapely.bounds(one)).all() for one in moved):
        raise _wrong(f"a shape does not lie in EPSG:{window.srid}", "overlays")
    return LayerJob(_style(look), shapely.to_wkb(moved).tolist(), attributes)


def _shape(feature: Any, where: str) -> Any:
    geometry = feature.get("geometry") if isinstance(feature, Mapping) else None
    if not isinstance(geometry, Mapping) or geometry.get("type") == "GeometryCollection":
        raise _wrong("the feature has no geometry that can be drawn", where)
    try:
        shape = shapely.force_2d(shapely.geometry.shape(dict(geometry)))
    except (ShapelyError, ValueError, TypeError, KeyError, IndexError, AttributeError):
        raise _wrong("the geometry cannot be read", where) from None
    west, south, east, north = shape.bounds if not shape.is_empty else (math.nan,) * 4
    if not (-180 <= west <= east <= 180 and -90 <= south <= north <= 90):
        raise _wrong("the geometry is empty or not in longitude and latitude", where)
    return shape


def _attributes(
    feature: Mapping[str, Any], shape: Any, look: SheetOverlay, language: str, where: str
) -> dict[str, Any]:
    given = feature.get("properties") or {}
    if not isinstance(given, Mapping):
        raise _wrong("the properties are no object", where)
    width_mm = _number(given.get("stroke-width", look.width_mm), 0.0, MAX_WIDTH_MM, "stroke-width", where)
    return {
        "stroke": _colour(given.get("stroke", look.stroke), "stroke", where),
        "fill": _colour(given.get("fill", look.fill), "fill", where),
        "fill-opacity": _number(given.get("fill-opacity", look.fill_opacity), 0.0, 1.0, "fill-opacity", where),
        "width": width_mm * PIXELS_A_MM,
        "casing": (width_mm + _CASING_MM) * PIXELS_A_MM if width_mm else 0.0,
        "label": str(given.get("label") or given.get("name") or "")[:MAX_LABEL],
        LEGEND_FIELD: str(given.get("legend") or getattr(look.title, language))[:MAX_LABEL],
        "point": shapely.get_dimensions(shape) == 0,
    }


def _style(look: SheetOverlay) -> tuple[Mapping[str, Any], ...]:
    point, stroke = ["==", ["get", "point"], True], ["get", "stroke"]
    line = {"type": "line", "filter": ["!", point], "layout": {"line-join": "miter", "line-cap": "round"}}
    label = {
        "text-field": ["get", "label"],
        "text-font": _LABEL_FONT,
        "text-size": look.label_pt * PIXELS_A_POINT,
        "text-allow-overlap": True,
    }
    return (
        {
            "id": "overlay-fill",
            "type": "fill",
            "filter": ["!", point],
            "paint": {"fill-color": ["get", "fill"], "fill-opacity": ["get", "fill-opacity"]},
        },
        {
            "id": "overlay-casing",
            **line,
            "paint": {"line-color": "#ffffff", "line-opacity": 0.75, "line-width": ["get", "casing"]},
        },
        {"id": "overlay-line", **line, "paint": {"line-color": stroke, "line-width": ["get", "width"]}},
        {
            "id": "overlay-point",
            "type": "circle",
            "filter": point,
            "paint": {
                "circle-color": stroke,
                "circle-radius": _DOT_MM * PIXELS_A_MM,
                "circle-stroke-color": "#ffffff",
                "circle-stroke-width": 1,
            },
        },
        {
            "id": "overlay-label",
            "type": "symbol",
            "filter": ["!", point],
            "layout": label,
            "paint": {"text-color": stroke, "text-halo-color": "#ffffff", "text-halo-width": 1.6},
        },
        {
            "id": "overlay-point-label",
            "type": "symbol",
            "filter": point,
            "layout": {**label, "text-anchor": "top", "text-offset": [0, 0.6]},
            "paint": {"text-color": stroke, "text-halo-color": "#ffffff", "text-halo-width": 1.6},
        },
    )


def _colour(value: Any, name: str, where: str) -> str:
    try:
        parse_colour(str(value))
    except DefinitionError:
        raise _wrong(f"{name} is no colour", where, "write it as #rrggbb") from None
    return str(value)


def _number(value: Any, least: float, most: float, name: str, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not least <= value <= most:
        raise _wrong(f"{name} is no number from {least:g} to {most:g}", where, f"give {name} as such a number")
    return float(value)


def _wrong(
    what: str, where: str, remedy: str = "send a GeoJSON FeatureCollection in longitude and latitude"
) -> BadRequest:
    return BadRequest(what, where=where, remedy=remedy)
