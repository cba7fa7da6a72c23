"""What is taken out of an object's attributes into fields of its own, under the names that makers give it."""

import json
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

from importers.city.footprints import level_of

BUILDING_CODES = (
    "building_code",
    "buildingcode",
    "unified_building_code",
    "unifiedbuildingcode",
    "建筑统一编码",
    "房屋建筑统一编码",
    "房屋统一编码",
    "建筑编码",
    "jztybm",
)
NAMES = ("name", "gml:name", "名称", "建筑名称", "label")
STOREYS = ("storeysaboveground", "storeys_above", "地上层数", "floors")
FUNCTIONS, USAGES = ("function", "功能"), ("usage", "用途", "使用用途")
ROOFS, HEIGHTS = ("rooftype", "roof_type", "屋顶类型"), ("measuredheight", "height_m", "建筑高度")
YEARS = ("yearofconstruction", "year", "建成年份", "oorspronkelijkbouwjaar", "dateofconstruction")
TEXTURED_LEVEL = 4


def folded(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """The attributes by name in lower case; the first of equal names counts."""
    out: dict[str, Any] = {}
    for name, value in attributes.items():
        out.setdefault(name.casefold(), value)
    return out


def text_of(attributes: Mapping[str, Any], names: Sequence[str]) -> str | None:
    """The first of some attributes that has a value, as text; codes with a code space are their value."""
    for name in names:
        value = attributes.get(name)
        if isinstance(value, dict):
            value = value.get("value")
        if isinstance(value, list):
            value = ", ".join(str(item) for item in value if isinstance(item, str | int | float))
        if isinstance(value, str | int | float) and not isinstance(value, bool) and str(value).strip():
            return clean(str(value).strip())
    return None


def whole_of(attributes: Mapping[str, Any], names: Sequence[str], most: int) -> int | None:
    """The first of some attributes that begins with a whole number from 0 to ``most``."""
    found = re.match(r"\d{1,9}", text_of(attributes, names) or "")
    return int(found[0]) if found and int(found[0]) <= most else None


def metres_of(attributes: Mapping[str, Any], names: Sequence[str]) -> float | None:
    """The first of some attributes as metres."""
    try:
        value = float(text_of(attributes, names) or "")
    except ValueError:
        return None
    return value if math.isfinite(value) and value >= 0 else None


def cim_level(lods: Sequence[str], *, textured: bool) -> int | None:
    """The CIM level a shape stands for: one above its highest LoD, and 4 at least where pictures cover LoD 2."""
    if not lods:
        return None
    level = min(int(max(level_of(lod) for lod in lods)) + 1, 5)
    return max(level, TEXTURED_LEVEL) if textured and level >= TEXTURED_LEVEL - 1 else level


def as_json(attributes: Mapping[str, Any]) -> str | None:
    """Attributes as JSON text; None for none."""
    return clean(json.dumps(attributes, ensure_ascii=False)) if attributes else None


def clean(text: str) -> str:
    """Text without halves of characters and without NUL, which a database text cannot hold."""
    if not text.isprintable():
        text = text.encode("utf-8", "replace").decode().replace("\x00", "")
    return text
