"""The shapes of one object as they are kept: lossless, with vertices of their own, packed and named by a hash.

A body is JSON in zlib: the object's members but for its type and attributes, as CityJSON writes them, with
``vertices`` and ``transform`` of its own (so that an object that did not move keeps its hash whatever file it comes
in), the ``appearance`` and ``templates`` its geometries use, ``crs`` and ``height_datum``. East comes first;
``north_first`` says that the source had it the other way.
"""

import hashlib
import json
import math
import zlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from cim.model.city_bodies import listed, mapped
from importers.city.appearance import Renumbered
from importers.city.frames import Frame
from importers.city.model import CityObject, Head, Vertices

HASH_BYTES = 16
LEVEL = 1
_APART = frozenset({"type", "attributes", "geometry"})


@dataclass(frozen=True, slots=True)
class Body:
    """A packed body, its hash, and the levels of detail it has."""

    hash: bytes
    lods: tuple[str, ...]
    content: bytes


class BodyMaker:
    """Makes the bodies of a file's objects."""

    def __init__(self, head: Head, frame: Frame) -> None:
        self._head = head
        self._scale = list(frame.order(head.scale))
        translate = frame.order(head.translate)
        self._steps = [round(t / s) for t, s in zip(translate, self._scale, strict=True)]
        self._rest = [t - k * s for t, k, s in zip(translate, self._steps, self._scale, strict=True)]
        self._digits = [max(0, 3 - math.floor(math.log10(s))) for s in self._scale]
        self._about = {"crs": frame.crs, "height_datum": frame.height_datum} | (
            {"north_first": True} if frame.north_first else {}
        )

    def made(self, one: CityObject, vertices: Vertices, lods: tuple[str, ...]) -> Body:
        """The body of an object; ``vertices`` are those of its pool, east first."""
        geometries = [dict(mapped(geometry)) for geometry in listed(one.content.get("geometry"))]
        rest = {name: value for name, value in one.content.items() if name not in _APART}
        places: dict[int, int] = {}
        own = lambda place: places.setdefault(place, len(places))  # noqa: E731 - a way of numbering, handed on
        looks = Renumbered(one.pool.appearance)
        templates = Renumbered(self._head.templates)
        for geometry in geometries:
            geometry["boundaries"] = renumbered(geometry.get("boundaries"), own)
            looks.take(geometry)
            if geometry.get("type") == "GeometryInstance":
                geometry["template"] = templates.number("templates", geometry.get("template"))
        if "address" in rest:
            rest["address"] = [_address(entry, own) for entry in listed(rest["address"])]
        content: dict[str, Any] = {"geometry": geometries, **rest, **self._placed(vertices, places), **self._about}
        if looks.used:
            content["appearance"] = looks.used
        if templates.used:
            content["templates"] = self._whole(templates.used)
        return packed(content, lods)

    def _placed(self, vertices: Vertices, places: Iterable[int]) -> dict[str, Any]:
        """The vertices at these places, and the transform that puts them where they were."""
        held = vertices[np.fromiter(places, np.int64)] + self._steps
        origin = held.min(axis=0) if len(held) else np.zeros(3, np.int64)
        translate = [
            round(rest + int(first) * scale, digits)
            for rest, first, scale, digits in zip(self._rest, origin, self._scale, self._digits, strict=True)
        ]
        return {"vertices": (held - origin).tolist(), "transform": {"scale": self._scale, "translate": translate}}

    def _whole(self, used: Mapping[str, Any]) -> dict[str, Any]:
        """Templates with the appearance they use, and the vertices they point to, which are few: all of the file's."""
        looks = Renumbered(self._head.appearance)
        templates = [dict(mapped(template)) for template in used["templates"]]
        for template in templates:
            looks.take(template)
        vertices = self._head.templates.get("vertices-templates", [])
        return {"templates": templates, "vertices-templates": vertices, "appearance": looks.used}


def packed(content: Mapping[str, Any], lods: tuple[str, ...]) -> Body:
    """A body from its content."""
    text = json.dumps(content, ensure_ascii=True, separators=(",", ":")).encode()
    return Body(hashlib.blake2b(text, digest_size=HASH_BYTES).digest(), lods, zlib.compress(text, LEVEL))


def renumbered(boundaries: Any, own: Callable[[int], int]) -> Any:
    """Boundaries of any depth with other places of vertices."""
    if not isinstance(boundaries, list):
        return boundaries
    if boundaries and isinstance(boundaries[0], int):
        return [own(place) for place in boundaries]
    return [renumbered(part, own) for part in boundaries]


def _address(entry: Any, own: Callable[[int], int]) -> Any:
    """An address, whose location is points."""
    location = mapped(mapped(entry).get("location"))
    if not location:
        return entry
    return {**entry, "location": {**location, "boundaries": renumbered(location.get("boundaries"), own)}}
