"""The attributes of a CityGML feature, also generic ones and those of extensions, as JSON values."""

from collections.abc import Callable
from typing import Any

from importers.city.gml_geometry import XLINK, Element, local

NUMBERS = frozenset({"measuredHeight", "storeysAboveGround", "storeysBelowGround", "averageHeight", "trunkDiameter"})
GENERIC = frozenset(
    {"stringAttribute", "intAttribute", "doubleAttribute", "dateAttribute", "uriAttribute", "measureAttribute"}
)
NUMERIC_GENERIC = frozenset({"intAttribute", "doubleAttribute", "measureAttribute"})
LEFT_OUT = frozenset({"boundedBy", "appearance", "appearanceMember"})
DEPTH = 40


def attributes_of(
    element: Element, is_geometry: Callable[[str], bool], is_structure: Callable[[Element], bool]
) -> dict[str, Any]:
    """Properties by local name; repeated ones are lists, nested ones objects, code lists their code."""
    out: dict[str, Any] = {}
    for prop in element:
        name = local(prop)
        if not name or is_geometry(name) or is_structure(prop) or (name in LEFT_OUT and len(prop)):
            continue
        if name in GENERIC:
            _add(out, prop.get("name") or name, _generic(prop, name))
        elif name == "genericAttributeSet":
            _add(out, prop.get("name") or name, attributes_of(prop, is_geometry, is_structure))
        elif name == "genericAttribute":
            for child in prop:
                if local(child):
                    _add(out, _text_below(child, "name") or local(child), value_of(_text_below(child, "value") or ""))
        else:
            value = _value(prop, name)
            if value not in (None, {}, ""):
                _add(out, name, value)
    _height(out)
    return out


def value_of(text: str) -> Any:
    """A number where the text is one, else the text."""
    try:
        return int(text)
    except ValueError:
        pass
    try:
        number = float(text)
    except ValueError:
        return text
    return number if abs(number) < 1e15 else text


def _generic(prop: Element, name: str) -> Any:
    text = _text_below(prop, "value") or ""
    return value_of(text) if name in NUMERIC_GENERIC else text


def _value(prop: Element, name: str, depth: int = 0) -> Any:
    children = [child for child in prop if local(child)]
    if children and depth < DEPTH:
        out: dict[str, Any] = {}
        for child in children:
            _add(out, local(child), _value(child, local(child), depth + 1))
        return out
    text = (prop.text or "").strip()
    if not text:
        return prop.get(XLINK)
    if prop.get("uom") and name not in NUMBERS:
        return {"value": value_of(text), "uom": prop.get("uom")}
    return value_of(text) if name in NUMBERS else text


def _add(out: dict[str, Any], name: str, value: Any) -> None:
    if name not in out:
        out[name] = value
    elif isinstance(out[name], list):
        out[name].append(value)
    else:
        out[name] = [out[name], value]


def _text_below(element: Element, name: str) -> str | None:
    return next(((child.text or "").strip() for child in element if local(child) == name), None)


def _height(out: dict[str, Any]) -> None:
    """CityGML 3.0 keeps a measured height as a record; it is given the name of 2.0 too."""
    height = out.get("height")
    record = height.get("Height") if isinstance(height, dict) else None
    value = record.get("value") if isinstance(record, dict) else None
    if isinstance(value, dict):
        value = value.get("value")
    number = value_of(value) if isinstance(value, str) else value
    if isinstance(number, int | float):
        out.setdefault("measuredHeight", number)
