"""What is drawn of a city object: the surfaces of its highest level of detail, placed templates among them."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cim.model.city_bodies import listed, mapped
from cim.model.city_surfaces import SURFACES, level_of, lod_of
from tiles.scene.city_looks import Colour, said_looks

M_PER_DEGREE = 111_320.0
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class DrawnShape:
    """Geometries as CityJSON writes them, over ``points`` of shape (n, 3) in the system ``crs``, east first.

    ``looks`` are the colours that each geometry's materials say, as ``said_looks`` gives them.
    """

    geometries: list[Mapping[str, Any]]
    points: Floats
    looks: list[list[int] | int | None]
    crs: str
    height_datum: str | None


@dataclass(frozen=True, slots=True)
class _Part:
    """A geometry with surfaces, and the instance that sets it where it is a template."""

    geometry: Mapping[str, Any]
    instance: Mapping[str, Any] | None = None

    @property
    def level(self) -> float:
        return level_of(lod_of(self.geometry))


def drawn_shape(body: Mapping[str, Any], looks: dict[Colour, int], *, geographic: bool) -> DrawnShape | None:
    """The surfaces of a kept body; None where it has none. Colours that are met first are added to ``looks``.

    ``geographic`` says that the system of the body is in degrees.
    """
    found = [_part(mapped(one), body) for one in listed(body.get("geometry"))]
    parts = [part for part in found if part.geometry.get("type") in SURFACES]
    if not parts:
        return None
    highest = max(part.level for part in parts)
    transform = body["transform"]
    points = np.array(body["vertices"], np.float64).reshape(-1, 3) * transform["scale"] + transform["translate"]
    out = DrawnShape([], points, [], str(body.get("crs")), body.get("height_datum"))
    for part in parts:
        if part.level == highest:
            out = _with(out, part, body, looks, geographic=geographic)
    return out


def _with(
    shape: DrawnShape, part: _Part, body: Mapping[str, Any], looks: dict[Colour, int], *, geographic: bool
) -> DrawnShape:
    """The shape with one geometry more."""
    geometry, points, appearance = part.geometry, shape.points, mapped(body.get("appearance"))
    if part.instance is not None:
        appearance = mapped(mapped(body["templates"]).get("appearance"))
        geometry = {**geometry, "boundaries": _shifted(geometry["boundaries"], len(points))}
        points = np.concatenate([points, _set(part.instance, body, points, geographic=geographic)])
    said = said_looks(geometry, appearance, looks)
    return replace(shape, geometries=[*shape.geometries, geometry], points=points, looks=[*shape.looks, said])


def _part(geometry: Mapping[str, Any], body: Mapping[str, Any]) -> _Part:
    if geometry.get("type") != "GeometryInstance":
        return _Part(geometry)
    return _Part(mapped(listed(mapped(body.get("templates")).get("templates"))[geometry["template"]]), geometry)


def _set(instance: Mapping[str, Any], body: Mapping[str, Any], points: Floats, *, geographic: bool) -> Floats:
    """All vertices of templates where an instance puts them, in units of the body's system."""
    vertices = np.array(body["templates"]["vertices-templates"], np.float64).reshape(-1, 3)
    matrix = np.array(instance.get("transformationMatrix", np.eye(4).ravel()), np.float64).reshape(4, 4)
    moved = vertices @ matrix[:3, :3].T + matrix[:3, 3]
    if body.get("north_first"):
        moved = moved[:, [1, 0, 2]]
    anchor = points[instance["boundaries"][0]]
    if geographic:
        moved = moved / [M_PER_DEGREE * np.cos(np.radians(anchor[1])), M_PER_DEGREE, 1.0]
    return np.asarray(anchor + moved, dtype=np.float64)


def _shifted(boundaries: Any, by: int) -> Any:
    if isinstance(boundaries, list):
        return [_shifted(part, by) for part in boundaries]
    return boundaries + by
