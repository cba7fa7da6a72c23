"""How a layer of features stands up in the three-dimensional view, and how its features are shared out to tiles.

A feature belongs to the tile of WebMercatorQuad that holds the middle of its bounds. Its *place* is that square of zoom
``PLACE_ZOOM`` as one number whose leading bits are the coarser squares around it, so that what lies in a square has
numbers that follow each other. Features that are seen from afar belong to a coarser square by their size; all others
to a leaf, the finest squares being those that hold no more than a tile should.
"""

from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from typing import Any, Literal, NamedTuple, Self

SceneKind = Literal["extrusion", "volume", "tube"]
"""extrusion: footprints raised by their height. volume: the same, drawn translucent, up to a limit of height. tube:
lines below ground, as thick as their diameter."""
PLACE_ZOOM = 18
FAR, MIDDLE, NEAR = 11, 13, 15
"""The zooms of squares: of the largest features, of large ones, and the coarsest that leaves have."""
FAR_FROM_M, MIDDLE_FROM_M = 80.0, 30.0
"""A feature whose height or width is as large belongs to a square of zoom FAR or MIDDLE."""
_MIDDLE_BITS, _NEAR_BITS, _PLACE_BITS = 4, 4, 6


@dataclass(frozen=True, slots=True)
class ScenePlan:
    """Which fields say how features stand; each is None where the layer has none.

    ``height`` and ``ground`` are metres (the ground levelled in the layer's datum), ``storeys`` a count that stands in
    for a missing height, ``diameter_mm`` of tubes, ``depth_start`` and ``depth_end`` metres of soil above their ends.
    ``fields`` are the attributes that tiles carry. Definitions of layers hold one as their entry ``scene``.
    """

    kind: SceneKind
    height: str | None = None
    ground: str | None = None
    storeys: str | None = None
    diameter_mm: str | None = None
    depth_start: str | None = None
    depth_end: str | None = None
    fields: tuple[str, ...] = ()

    @property
    def standing(self) -> dict[str, str]:
        """The fields that say how features stand, by what they say."""
        named = {one.name: getattr(self, one.name) for one in fields(self) if one.name not in ("kind", "fields")}
        return {what: name for what, name in named.items() if name is not None}

    @property
    def named_fields(self) -> tuple[str, ...]:
        """Every field the plan names, once."""
        return tuple(dict.fromkeys([*self.fields, *self.standing.values()]))

    def seen_by(self, seen: Iterable[str]) -> Self | None:
        """The plan for somebody who sees these fields; None where what makes features stand is not to be seen."""
        known = frozenset(seen)
        hidden: dict[str, Any] = {what: None for what, name in self.standing.items() if name not in known}
        plan = replace(self, fields=tuple(name for name in self.fields if name in known), **hidden)
        needed = "diameter_mm" if self.kind == "tube" else "height"
        return plan if needed in plan.standing else None


class Square(NamedTuple):
    """A square of WebMercatorQuad: ``x`` counts columns from the west, ``y`` rows from the north."""

    z: int
    x: int
    y: int

    def parent(self, z: int) -> "Square":
        """The coarser square around it."""
        return Square(z, self.x >> (self.z - z), self.y >> (self.z - z))


def place_of(x: int, y: int) -> int:
    """The place of a square of zoom ``PLACE_ZOOM``."""
    far = (y >> 7) << FAR | x >> 7
    middle = (y >> 5 & 3) << 2 | x >> 5 & 3
    near = (y >> 3 & 3) << 2 | x >> 3 & 3
    return ((far << _MIDDLE_BITS | middle) << _NEAR_BITS | near) << _PLACE_BITS | (y & 7) << 3 | x & 7


def square_of(place: int) -> Square:
    """The square of zoom ``PLACE_ZOOM`` that a place stands for."""
    far, middle, near = place >> 14, place >> 10 & 15, place >> 6 & 15
    x = (far & (1 << FAR) - 1) << 7 | (middle & 3) << 5 | (near & 3) << 3 | place & 7
    y = (far >> FAR) << 7 | (middle >> 2) << 5 | (near >> 2) << 3 | place >> 3 & 7
    return Square(PLACE_ZOOM, x, y)
