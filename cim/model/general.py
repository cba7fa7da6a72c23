"""How the content of a layer is generalised for low zooms, where its features are too small or too many to draw."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

GeneralMethod = Literal["cells", "classes", "lines", "points", "simplified", "none"]
"""cells: many small areas become built-up cells. classes: areas become a mosaic of classes. lines: a network on a grid.
points: one point a cell. simplified: every feature stays, with fewer vertices. none: only full content."""

SumKind = Literal["field", "area-times-field"]
TENTHS = 10
"""Sums are kept as whole tenths of their unit, so that they stay exact however often they are added up."""


@dataclass(frozen=True, slots=True)
class GeneralSum:
    """A sum that aggregates carry under ``name``: of a field, or of the ground area in m2 times the field."""

    name: str
    field: str
    kind: SumKind = "field"


@dataclass(frozen=True, slots=True)
class GeneralPlan:
    """What is made of a layer below ``full_zoom``, the first zoom that shows the features themselves.

    ``class_field`` is what classes, chains and the dominant class are told apart by; ``class_names`` are the names in
    words that go into ``class_name_field``. ``means`` are fields of which aggregates carry the mean. ``fields`` are the
    attributes of features that stay themselves.
    """

    method: GeneralMethod
    full_zoom: int
    fields: tuple[str, ...] = ()
    class_field: str | None = None
    class_name_field: str | None = None
    class_names: Mapping[str, str] = field(default_factory=dict)
    sums: tuple[GeneralSum, ...] = ()
    means: tuple[str, ...] = ()

    @property
    def count_name(self) -> str:
        """The attribute that says how many features one stands for."""
        return "point_count" if self.method == "points" else "count"

    @property
    def measure_name(self) -> str | None:
        """The attribute with the summed ground area (m2) or length (m), where there is one."""
        names = {"cells": "area_m2", "classes": "area_m2", "lines": "length_m"}
        return names.get(self.method)

    def class_attributes(self, kind: str | None) -> dict[str, object]:
        """The class and its name in words as attributes; nothing where it is not known."""
        if not kind or self.class_field is None:
            return {}
        named = {self.class_name_field: self.class_names[kind]} if kind in self.class_names else {}
        return {self.class_field: kind, **{name: text for name, text in named.items() if name}}

    @property
    def sources(self) -> dict[str, str | None]:
        """Every attribute of the content, with the field it came from; None for what geometry alone says."""
        own: dict[str, str | None] = {name: name for name in self.fields}
        classes = {name: name for name in (self.class_field, self.class_name_field) if name}
        derived: dict[str, str | None] = {self.count_name: None}
        if self.measure_name:
            derived[self.measure_name] = None
        return {**own, **classes, **{n: n for n in self.means}, **{s.name: s.field for s in self.sums}, **derived}


def hidden_attributes(sources: dict[str, str | None], fields: Iterable[str]) -> list[str]:
    """Attributes that a caller who sees ``fields`` may not see, in order."""
    seen = set(fields)
    return sorted(name for name, source in sources.items() if source is not None and source not in seen)


@dataclass(frozen=True, slots=True)
class GeneralRow:
    """One thing that a zoom draws. ``home`` is Web Mercator metres; ``sums`` are whole numbers, most of them tenths.

    ``shape`` is EWKB as hexadecimal in EPSG:3857 and in EPSG:4490; None takes the shape and the attributes of the
    feature ``fid``. ``parts`` are sums by class, ``cells`` the cells of the block that a class has, a bit each, row by
    row; both are kept for the next coarser zoom.
    """

    block: tuple[int, int]
    home: tuple[float, float]
    wide: bool
    sums: tuple[int, ...]
    attributes: dict[str, object]
    fid: int | None = None
    parts: dict[str, int] | None = None
    cells: bytes | None = None
    shape: tuple[str, str] | None = None
