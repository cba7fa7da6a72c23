"""Conditions on elements of building models, on the bare columns of ``bim_elements.element_rows``."""

import re
from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from cim.errors import BadRequest
from cim.model.collection import BoundingBox, CollectionSchema
from cim.model.ifc_classes import all_kinds_of, class_named
from cim.store.selection import in_box

Condition = sa.ColumnElement[bool]
MOST_CLASSES = 40
_SHAPES = CollectionSchema("elements", "Polygon", 4490, ())
_CODE = re.compile(r"\d{2}-\d{2}(\.\d{2}){0,3}")
_GLOBAL_ID = re.compile(r"[0-9A-Za-z_$]{22}")


def of_classes(text: str, *, subclasses: bool) -> Condition:
    """Elements of IFC classes, named with commas between them, and of the classes that are kinds of these."""
    names = [class_named(name) for name in text.split(",") if name.strip()]
    if not 0 < len(names) <= MOST_CLASSES:
        raise BadRequest(f"{len(names)} classes are asked for", where="class", remedy=f"name 1 to {MOST_CLASSES}")
    wanted = all_kinds_of(names) if subclasses else frozenset(names)
    return sa.column("class", sa.Text).in_(sorted(wanted))


def on_storey(text: str) -> Condition:
    """Elements on a storey, which is named by its number, its GlobalId or its name."""
    try:
        number = int(text)
    except ValueError:
        name = sa.column("storey_name", sa.Text) == text
        return sa.or_(sa.column("storey", sa.Text) == text, name) if _GLOBAL_ID.fullmatch(text) else name
    if not -(2**31) <= number < 2**31:
        raise BadRequest("there is no such storey", where="storey", remedy="1 is the one at the ground, -1 below it")
    return sa.column("storey_number", sa.Integer) == number


def among(column: str, text: str) -> Condition:
    """Elements that have a text among those of a column: ``systems`` or ``materials``."""
    held: Condition = sa.column(column).op("@>", is_comparison=True)(sa.literal([text], ARRAY(sa.Text)))
    return held


def equal_to(column: str, text: str) -> Condition:
    """Elements whose text in a column is this one."""
    return sa.column(column, sa.Text) == text


def coded(code: str) -> Condition:
    """Elements with a classification code: this one, or one below it, pair by pair; pairs of 00 at the end are unused.

    BadRequest where it is no code of the form 14-10.20.03 (GB/T 51269), which may end early.
    """
    if not _CODE.fullmatch(code):
        raise BadRequest(
            f"{code[:40]!r} is no classification code",
            where="code",
            remedy="write 14-10.20.03, or the first pairs: 14-10.20",
        )
    prefix = code
    while prefix.endswith(".00"):
        prefix = prefix[:-3]
    item = sa.func.jsonb_array_elements(sa.column("classifications", JSONB)).table_valued("value").alias("item")
    held = sa.cast(item.c.value, JSONB).op("->>", return_type=sa.Text())("code")
    return sa.exists(sa.select(1).select_from(item).where(sa.or_(held == prefix, held.startswith(prefix + "."))))


def with_property(text: str, value_of: Any) -> Condition:
    """Elements with a property: ``Set.Name``, or ``Name`` in any set, each alone or with ``=VALUE`` (as text).

    ``value_of`` gives the JSON value of a ``Set.Name`` (``cim.filters.elements.set_value``).
    """
    name, equals, wanted = text.partition("=")
    if not name.strip() or len(name) > 200:
        raise BadRequest("no property is named", where="property", remedy="write Pset_DoorCommon.FireRating=甲级")
    as_text: sa.ColumnElement[Any] = sa.literal_column("'{}'::text[]")
    if "." in name:
        value: sa.ColumnElement[Any] = value_of(name)
        if not equals:
            return value.is_not(None)
        held: Condition = value.op("#>>", return_type=sa.Text())(as_text) == wanted
        return held
    each = sa.func.jsonb_each(sa.column("properties", JSONB)).table_valued("key", "value").alias("each")
    inside = sa.cast(each.c.value, JSONB).op("->>", return_type=sa.Text())(sa.literal(name, sa.Text))
    return sa.exists(sa.select(1).select_from(each).where(inside == wanted if equals else inside.is_not(None)))


def in_heights(low_m: float | None, high_m: float | None) -> Iterable[Condition]:
    """Elements that reach into a range of heights, in the height system of their model."""
    if low_m is not None:
        yield sa.column("z_max_m", sa.Double) >= low_m
    if high_m is not None:
        yield sa.column("z_min_m", sa.Double) <= high_m


def within_box(bbox: BoundingBox | None) -> tuple[Condition, ...]:
    """Elements whose outline touches a box in degrees."""
    return in_box(_SHAPES, bbox)
