"""What is taken out of an object's attributes into fields of its own, under the names that makers give it."""

import json
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

from cim.model.city_surfaces import level_of

NAMES: dict[str, tuple[str, ...]] = {
    "name": ("name", "gml:name", "名称", "建筑名称", "label"),
    "height": ("measuredheight", "height_m", "建筑高度"),
    "storeys": ("storeysaboveground", "storeys_above", "地上层数", "floors"),
    "function": ("function", "功能"),
    "usage": ("usage", "用途", "使用用途"),
    "roof": ("rooftype", "roof_type", "屋顶类型"),
    "year": ("yearofconstruction", "year", "建成年份", "oorspronkelijkbouwjaar", "dateofconstruction"),
    "building_code": (
        "building_code",
        "buildingcode",
        "unified_building_code",
        "unifiedbuildingcode",
        "建筑统一编码",
        "房屋建筑统一编码",
        "房屋统一编码",
        "建筑编码",
        "jztybm",
    ),
}
"""What each field is called by makers of models, in lower case; the first that has a value counts."""
_MEANT = {name: (meaning, rank) for meaning, names in NAMES.items() for rank, name in enumerate(names)}
TEXTURED_LEVEL = 4


def meant(attributes: Mapping[str, Any]) -> dict[str, str]:
    """The values that attributes have for the fields in ``NAMES``, as text."""
    found: dict[str, tuple[int, str]] = {}
    for name, value in attributes.items():
        known = _MEANT.get(name.casefold())
        if known is None or (known[0] in found and found[known[0]][0] <= known[1]):
            continue
        text = text_of(value)
        if text is not None:
            found[known[0]] = (known[1], text)
    return {meaning: text for meaning, (_, text) in found.items()}


def text_of(value: object) -> str | None:
    """A value as text; one with a code space is its value, a list its parts; None for nothing."""
    if isinstance(value, dict):
        value = value.get("value")
    if isinstance(value, list):
        value = ", ".join(str(item) for item in value if isinstance(item, str | int | float))
    if isinstance(value, str | int | float) and not isinstance(value, bool):
        return clean(str(value).strip()) or None
    return None


def whole_of(text: str | None, most: int) -> int | None:
    """The whole number from 0 to ``most`` that a text begins with."""
    found = re.match(r"\d{1,9}", text) if text else None
    return int(found[0]) if found and int(found[0]) <= most else None


def metres_of(text: str | None) -> float | None:
    """A text as metres."""
    try:
        value = float(text) if text else math.nan
    except ValueError:
        return None
    return value if math.isfinite(value) and value >= 0 else None


def cim_level(lods: Sequence[str], *, textured: bool) -> int | None:
    """The CIM level a shape stands for: one above its highest LoD, and 4 at least where pictures cover LoD 2."""
    if not lods:
        return None
    level = min(int(max(level_of(lod) for lod in lods)) + 1, 5)
    return max(level, TEXTURED_LEVEL) if textured and level >= TEXTURED_LEVEL - 1 else level


def as_json(attributes: object) -> str | None:
    """Attributes as JSON text; None where an object has none."""
    return clean(json.dumps(attributes, ensure_ascii=False)) if isinstance(attributes, dict) else None


def clean(text: str) -> str:
    """Text without halves of characters and without NUL, which a database text cannot hold."""
    if not text.isprintable():
        text = text.encode("utf-8", "replace").decode().replace("\x00", "")
    return text
