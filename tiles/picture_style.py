"""A style layer at one zoom: whether it is drawn, which features it takes, and the values it gives them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cim.errors import DefinitionError
from tiles.picture_expressions import (
    Compiled,
    Properties,
    compile_expression,
    fields_used,
    is_operator,
)
from tiles.picture_operators import NoValue, as_colour

_DEFAULTS: dict[str, dict[str, Any]] = {
    "fill": {"fill-color": "#000000", "fill-opacity": 1, "fill-outline-color": None, "fill-antialias": True},
    "line": {
        "line-color": "#000000",
        "line-opacity": 1,
        "line-width": 1,
        "line-dasharray": None,
        "line-offset": 0,
        "line-cap": "butt",
        "line-join": "miter",
        "line-sort-key": None,
    },
    "circle": {
        "circle-color": "#000000",
        "circle-opacity": 1,
        "circle-radius": 5,
        "circle-stroke-color": "#000000",
        "circle-stroke-opacity": 1,
        "circle-stroke-width": 0,
        "circle-sort-key": None,
    },
    "symbol": {
        "symbol-placement": "point",
        "symbol-sort-key": None,
        "symbol-spacing": 250,
        "text-field": "",
        "text-font": ["Noto Sans Regular"],
        "text-size": 16,
        "text-color": "#000000",
        "text-opacity": 1,
        "text-halo-color": "rgba(0,0,0,0)",
        "text-halo-width": 0,
        "text-anchor": "center",
        "text-offset": [0, 0],
        "text-max-width": 10,
        "text-line-height": 1.2,
        "text-letter-spacing": 0,
        "text-padding": 2,
        "text-allow-overlap": False,
        "text-ignore-placement": False,
        "text-optional": False,
        "text-keep-upright": True,
        "text-rotation-alignment": "auto",
    },
}
_LISTS = frozenset({"text-font", "text-offset", "line-dasharray"})
_EVERYWHERE = frozenset({"visibility"})
_UNFILLED = frozenset({"raster", "hillshade", "color-relief"})
"""Layers that draw the image of a raster source: the picture has it from elsewhere."""


@dataclass(frozen=True, slots=True)
class StyleLayer:
    """A compiled style layer; ``fields`` are the properties it reads."""

    id: str
    kind: str
    fields: frozenset[str]
    takes: Compiled
    _values: Mapping[str, Compiled]
    _defaults: Mapping[str, Any]
    _known: dict[tuple[Any, ...], dict[str, Any]] = field(default_factory=dict, compare=False)

    def accepts(self, properties: Properties) -> bool:
        """Whether the filter lets a feature through."""
        try:
            return bool(self.takes(properties))
        except NoValue:
            return False

    def values(self, properties: Properties) -> Mapping[str, Any]:
        """The value of every property for a feature, remembered for features with equal attributes."""
        seen = tuple(properties.get(name) for name in self.fields)
        known = self._known.get(seen)
        if known is None:
            known = {name: self._value(name, compiled, properties) for name, compiled in self._values.items()}
            self._known[seen] = known
        return known

    def _value(self, name: str, compiled: Compiled, properties: Properties) -> Any:
        try:
            value = compiled(properties)
            value = self._defaults[name] if value is None else value
            return as_colour(value) if name.endswith("-color") and value is not None else value
        except NoValue:
            default = self._defaults[name]
            return as_colour(default) if isinstance(default, str) and name.endswith("-color") else default


def compile_layer(layer: Mapping[str, Any], zoom: float) -> StyleLayer | None:
    """The style layer at a zoom, or None where it is not drawn; DefinitionError names what is not supported."""
    given = {**layer.get("layout", {}), **layer.get("paint", {})}
    kind = str(layer["type"])
    hidden = given.get("visibility") == "none"
    if hidden or kind in _UNFILLED or not layer.get("minzoom", 0) <= zoom < layer.get("maxzoom", 25):
        return None
    defaults = _DEFAULTS.get(kind)
    if defaults is None:
        raise _unsupported(layer, f"layers of type {kind!r}", f"use {', '.join(_DEFAULTS)}")
    unknown = sorted(set(given) - set(defaults) - _EVERYWHERE)
    if unknown:
        raise _unsupported(layer, f"the property {unknown[0]!r}", f"known ones are {', '.join(defaults)}")
    condition = layer.get("filter", True)
    values = {name: _compiled(name, given.get(name, default), zoom) for name, default in defaults.items()}
    fields = frozenset(set().union(*(fields_used(value) for value in given.values()), fields_used(condition)))
    return StyleLayer(str(layer["id"]), kind, fields, compile_expression(condition, zoom), values, defaults)


def _compiled(name: str, value: Any, zoom: float) -> Compiled:
    """A list of numbers or of fonts is a value, not an expression."""
    if name in _LISTS and isinstance(value, list) and not (isinstance(value[0], str) and is_operator(value[0])):
        return lambda _: value
    return compile_expression(value, zoom)


def style_fields(layers: tuple[Mapping[str, Any], ...]) -> frozenset[str]:
    """Every property that the style layers read."""
    found: set[str] = set()
    for layer in layers:
        for value in (*layer.get("layout", {}).values(), *layer.get("paint", {}).values(), layer.get("filter", True)):
            found |= fields_used(value)
    return frozenset(found)


def _unsupported(layer: Mapping[str, Any], what: str, remedy: str) -> DefinitionError:
    return DefinitionError(f"{what} cannot be drawn in pictures", where=f"style layer {layer['id']}", remedy=remedy)
