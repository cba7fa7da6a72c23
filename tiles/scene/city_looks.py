"""The colours of city objects' surfaces: those of their materials, else by what a surface or its object is."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cim.model.city_bodies import listed, mapped
from cim.model.city_surfaces import flat_values

Colour = tuple[float, float, float, float]
ROOF, WALL, GROUND = (0.68, 0.51, 0.45), (0.90, 0.87, 0.81), (0.56, 0.54, 0.50)
BY_SURFACE: Mapping[str, tuple[float, float, float]] = {
    "RoofSurface": ROOF,
    "WallSurface": WALL,
    "GroundSurface": GROUND,
    "OuterFloorSurface": ROOF,
    "OuterCeilingSurface": WALL,
    "InteriorWallSurface": (0.95, 0.94, 0.91),
    "CeilingSurface": (0.96, 0.96, 0.95),
    "FloorSurface": (0.74, 0.66, 0.56),
    "Window": (0.52, 0.68, 0.79),
    "Door": (0.45, 0.33, 0.25),
    "WaterSurface": (0.42, 0.62, 0.78),
    "WaterGroundSurface": (0.50, 0.48, 0.40),
    "TrafficArea": (0.50, 0.50, 0.52),
    "AuxiliaryTrafficArea": (0.62, 0.66, 0.55),
}
BY_OBJECT: Mapping[str, tuple[float, float, float]] = {
    "SolitaryVegetationObject": (0.40, 0.57, 0.32),
    "PlantCover": (0.47, 0.62, 0.37),
    "WaterBody": (0.42, 0.62, 0.78),
    "Road": (0.50, 0.50, 0.52),
    "Railway": (0.45, 0.42, 0.40),
    "TransportSquare": (0.62, 0.61, 0.58),
    "Waterway": (0.42, 0.62, 0.78),
    "TINRelief": (0.66, 0.64, 0.53),
    "LandUse": (0.70, 0.72, 0.60),
    "CityFurniture": (0.58, 0.60, 0.63),
}
STEEP = 0.4
"""Surfaces of a building that nothing tells apart are walls where the upward part of their normal is less."""
UNSAID = -1


def palette_of(looks: Mapping[Any, int]) -> NDArray[np.float64]:
    """Colours in the order of their places, of shape (n, 4)."""
    return np.array([*looks], np.float64).reshape(-1, 4)


def said_looks(
    geometry: Mapping[str, Any], appearance: Mapping[str, Any], looks: dict[Colour, int]
) -> list[int] | int | None:
    """The places among ``looks`` of the colours of surfaces, or of all of them; None where no material says any.

    Colours that are met first are added; ``UNSAID`` stands for a surface without one.
    """
    themes, materials = mapped(geometry.get("material")), listed(appearance.get("materials"))
    if not themes or not materials:
        return None
    theme = mapped(themes.get(str(appearance.get("default-theme-material"))) or next(iter(themes.values())))
    if "value" in theme:
        return _place(materials, theme["value"], looks)
    values = flat_values(theme, str(geometry.get("type"))) or []
    places = {value: _place(materials, value, looks) for value in {*values}}
    return [places[value] for value in values]


def usual_looks(
    kind_names: Sequence[str], kinds: NDArray[np.int64], of_object: Sequence[str], up: NDArray[np.float64]
) -> NDArray[np.float64]:
    """The usual colour of each surface, of shape (n, 4): by its kind, else its object's type, else how it leans.

    ``kinds`` are places in ``kind_names`` (-1 for none), ``of_object`` the type of each surface's object, ``up`` the
    upward part of its normal.
    """
    leaning = np.where(up[:, None] > STEEP, ROOF, np.where(up[:, None] < -STEEP, GROUND, WALL))
    types = {name: BY_OBJECT[name] for name in {*of_object} if name in BY_OBJECT}
    known = np.array([name in types for name in of_object], bool)
    colours = leaning
    if known.any():
        colours[known] = [types[name] for name in of_object if name in types]
    for place, name in enumerate(kind_names):
        if name in BY_SURFACE:
            colours[kinds == place] = BY_SURFACE[name]
    return np.column_stack([colours, np.ones(len(colours))])


def _place(materials: Sequence[Any], value: Any, looks: dict[Colour, int]) -> int:
    if not isinstance(value, int) or not 0 <= value < len(materials):
        return UNSAID
    material = mapped(materials[value])
    colour = listed(material.get("diffuseColor"))
    if len(colour) != 3:
        return UNSAID
    red, green, blue = (float(part) for part in colour)
    opacity = 1.0 - float(material.get("transparency") or 0.0)
    return looks.setdefault((red, green, blue, opacity), len(looks))
