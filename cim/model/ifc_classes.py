"""The classes of IFC objects and what each is a kind of, in all schemas that can be read, as one table.

``ifc_classes.json`` names for each class the classes above it in any schema from IFC2X3 to IFC4X3_ADD2.
"""

import json
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from cim.errors import BadRequest

_TABLE = Path(__file__).with_name("ifc_classes.json")


@cache
def _parents() -> dict[str, list[str]]:
    table: dict[str, list[str]] = json.loads(_TABLE.read_text("utf-8"))
    return table


@cache
def _spelled() -> dict[str, str]:
    names = {*_parents(), *(name for above in _parents().values() for name in above)}
    return {name.casefold(): name for name in names}


def class_named(name: str, where: str = "class") -> str:
    """A class as the schema spells it, from whatever case; BadRequest where there is none of the name."""
    found = _spelled().get(name.strip().casefold())
    if found is None:
        raise BadRequest(
            f"there is no IFC class {name[:60]!r}", where=where, remedy="write for example IfcDoor, IfcWall or IfcSpace"
        )
    return found


@cache
def kinds_of(name: str) -> frozenset[str]:
    """A class and all classes that are kinds of it: of IfcWall also IfcWallStandardCase."""
    found = {name}
    while more := {child for child, above in _parents().items() if found.intersection(above)} - found:
        found |= more
    return frozenset(found)


def all_kinds_of(names: Iterable[str]) -> frozenset[str]:
    """The classes of some names and all kinds of them."""
    return frozenset().union(*(kinds_of(name) for name in names))
