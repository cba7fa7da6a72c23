"""The buildings of the sample that have a model of their own, and the rectangle each model stands on."""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import shapely

from data_samples.admin import Admin
from data_samples.bim import fire_station, hospital_plan
from data_samples.bim.draft import Ground
from data_samples.buildings import Buildings
from data_samples.field import Floats
from data_samples.place import TOWNS
from data_samples.plane import PLANE_CRS, degrees, from_km, to_plane


@dataclass(frozen=True, slots=True)
class Landmark:
    """A building with a model: its model's id, where it is among the buildings, and what it is a building of.

    ``layer`` is the layer of facilities and ``chosen`` what the facility's columns say. Height and storeys are the
    model's; ``above_m`` is its first floor over the ground outside.
    """

    model: str
    index: int
    layer: str
    chosen: tuple[tuple[str, object], ...]
    part: str
    height_m: float
    storeys: int
    above_m: float


@dataclass(frozen=True, slots=True)
class Rectangle:
    """A rectangle of the plane: a corner, the direction of its long side with the short one to the north, its sides."""

    corner: Floats
    along: Floats
    width: float
    depth: float


def choose(houses: Buildings) -> tuple[Landmark, ...]:
    """The largest hospital building and utility building of the seat; none where the seat has none."""
    made = (
        ("hospital", "medical", "hospitals", (("level", "2A"), ("emergency", 1)), "住院楼", hospital_plan),
        ("fire-station", "utility", "fire_stations", (("kind", "2"),), "", fire_station),
    )
    near = np.hypot(*(houses.centres - from_km((TOWNS[0].east, TOWNS[0].north))).T) < TOWNS[0].radius_m * 1.2
    found = []
    for model, use, layer, chosen, part, plan in made:
        among = np.flatnonzero((houses.use == use) & near)
        if len(among):
            index = int(among[shapely.area(houses.shapes[among]).argmax()])
            above = plan.PLINTH_M
            found.append(Landmark(model, index, layer, chosen, part, plan.HEIGHT_M, plan.STOREYS, above))
    return tuple(found)


def as_modelled(houses: Buildings, marks: tuple[Landmark, ...]) -> Buildings:
    """The buildings with storeys and heights of those that have a model."""
    floors, height, use = houses.floors.copy(), houses.height.copy(), houses.use.copy()
    for mark in marks:
        floors[mark.index], height[mark.index] = mark.storeys, mark.height_m
        use[mark.index] = "public" if mark.layer == "fire_stations" else use[mark.index]
    return replace(houses, floors=floors, height=height, use=use)


def bind(
    marks: tuple[Landmark, ...],
    table: pd.DataFrame,
    centres: Floats,
    services: dict[str, tuple[pd.DataFrame, np.ndarray]],
    admin: Admin,
) -> None:
    """Move a facility of the seat into each building with a model, and name the building after it."""
    for mark in marks:
        facilities, points = services[mark.layer]
        fits = facilities["town_code"] == TOWNS[0].code
        for column, value in mark.chosen:
            fits &= facilities[column] == value
        row = int(np.flatnonzero(fits)[0]) if fits.any() else 0
        village = admin.names[int(admin.village_at(centres[[mark.index]])[0])]
        code, name = str(table["building_code"].iloc[mark.index]), str(facilities["name"].iloc[row])
        _set(facilities, "building_code", row, code)
        _set(facilities, "address", row, f"彭州市{TOWNS[0].name}{village}")
        points[row] = shapely.Point(np.round(centres[mark.index], 2))
        _set(table, "name", mark.index, f"{name}{mark.part}")
        _set(table, "structure", mark.index, "rc")


def _set(table: pd.DataFrame, column: str, row: int, value: str) -> None:
    values = table[column].tolist()
    values[row] = value
    table[column] = values


def rectangle(shape: shapely.Geometry) -> Rectangle:
    """The rectangle that lies best on a footprint as it is written, in degrees."""
    ring = to_plane(degrees(shapely.get_coordinates(shape)[:4]))
    if np.hypot(*(ring[1] - ring[0])) < np.hypot(*(ring[2] - ring[1])):
        ring = np.roll(ring, -1, axis=0)
    along = (ring[1] - ring[0]) + (ring[2] - ring[3])
    along /= np.hypot(*along)
    if along[0] < 0:
        along = -along
    across = np.array([-along[1], along[0]])
    u, v = (ring - ring.mean(axis=0)) @ along, (ring - ring.mean(axis=0)) @ across
    width, depth = (round(float(np.abs(each).mean()) * 2, 3) for each in (u, v))
    return Rectangle(ring.mean(axis=0) - along * width / 2 - across * depth / 2, along, width, depth)


def ground(mark: Landmark, rect: Rectangle, outside_m: float) -> Ground:
    """Where the model of a building stands; ``outside_m`` is the height of the ground there."""
    east, north = (round(float(each), 4) for each in rect.corner)
    abscissa, ordinate = (round(float(each), 12) for each in rect.along)
    return Ground(int(PLANE_CRS.split(":")[1]), east, north, abscissa, ordinate, round(outside_m + mark.above_m, 3))
