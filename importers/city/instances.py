"""Where objects without surfaces of their own lie: placed templates, points and lines."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from cim.model.city_bodies import listed, mapped
from importers.city.frames import M_PER_DEGREE, Frame, Reals
from importers.city.model import CityObject, Head


@dataclass(frozen=True, slots=True)
class Reach:
    """A box in the plan (west, south, east, north in the source's system) and between which heights it lies."""

    box: tuple[float, float, float, float]
    low_m: float
    high_m: float

    @property
    def has_area(self) -> bool:
        """Whether the box can be drawn as an area."""
        return self.box[0] < self.box[2] and self.box[1] < self.box[3]


def reaches(one: CityObject, head: Head, frame: Frame) -> Reach | None:
    """The box around an object's templates, else around its points; None where a place is missing."""
    points: list[Reals] = []
    try:
        for geometry in listed(one.content.get("geometry")):
            points += _points(mapped(geometry), one, head, frame)
    except (IndexError, TypeError, ValueError):
        one.refused = "a place of its geometry is missing"
        return None
    held = np.concatenate(points) if points else np.empty((0, 3))
    if not len(held) or not np.isfinite(held).all():
        return None
    low, high = held.min(axis=0).tolist(), held.max(axis=0).tolist()
    return Reach((low[0], low[1], high[0], high[1]), low[2], high[2])


def _points(geometry: Mapping[str, Any], one: CityObject, head: Head, frame: Frame) -> Iterator[Reals]:
    kind = geometry.get("type")
    places = list(_flat(geometry.get("boundaries")))
    if kind not in {"GeometryInstance", "MultiPoint", "MultiLineString"} or not places:
        return
    if min(places) < 0:
        raise IndexError
    anchors = frame.ordered(one.pool.vertices[places] * np.array(head.scale) + np.array(head.translate))
    if kind == "GeometryInstance":
        yield anchors[:1] + _template(geometry, head, frame, float(anchors[0, 1]))
    else:
        yield anchors


def _template(geometry: Mapping[str, Any], head: Head, frame: Frame, north: float) -> Reals:
    """The points of a template turned and scaled, from its anchor, in units of the model's system."""
    template = listed(head.templates.get("templates"))[geometry["template"]]
    vertices = np.array(head.templates["vertices-templates"], np.float64)
    matrix = np.array(geometry.get("transformationMatrix", np.eye(4).ravel()), np.float64).reshape(4, 4)
    points = vertices[sorted(set(_flat(template["boundaries"])))]
    moved: Reals = frame.ordered(points @ matrix[:3, :3].T + matrix[:3, 3])
    if frame.geographic:
        moved = moved / [M_PER_DEGREE * np.cos(np.radians(north)), M_PER_DEGREE, 1.0]
    return moved


def _flat(boundaries: object) -> Iterator[int]:
    for part in listed(boundaries):
        if isinstance(part, list):
            yield from _flat(part)
        else:
            yield part
