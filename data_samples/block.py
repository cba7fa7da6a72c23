"""A block of buildings around the hospital as a city model in CityJSON 2.0, level of detail 2.

Each building stands on its footprint of the buildings layer, from the ground there to the height it has there; its roof
is flat, a gable or a hip by its use. The hospital is made of two parts: the tower and the house of its lifts.
"""

import json
from collections.abc import Hashable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import shapely

from data_samples.bim.hospital_plan import PARAPET_M
from data_samples.field import Floats
from data_samples.landmarks import Landmark
from data_samples.place import SYNTHETIC
from data_samples.plane import PLANE_CRS, Geometries, degrees, to_plane

MODEL = "lod2_block"
COUNT = 72
SCALE_M = 0.001
VERSION, LOD = "2.0", "2.2"
EPSG = "http://www.opengis.net/def/crs/EPSG/0"
REFERENCE = f"https://www.opengis.net/def/crs-compound?1={EPSG}/{PLANE_CRS.split(':')[1]}&2={EPSG}/5737"
PITCHED = ("residential", "rural_house", "education", "agricultural")
PITCHED_STOREYS = 11
"""Higher buildings have a flat roof whatever their use."""
HIP_SHARE = 3
"""Of the buildings with a pitched roof, each third has a hip."""
LIFT_HOUSE_M = 3.75
Row = dict[Hashable, Any]
"""A row of the buildings layer."""
Ring = list[int]
Faces = list[tuple[str, list[Ring]]]
"""Surfaces of a solid: what each is, and its rings."""


class Vertices:
    """The vertices of the file: whole numbers of millimetres from a corner, equal ones once."""

    def __init__(self, corner: Floats) -> None:
        self.corner = corner
        self._known: dict[tuple[int, int, int], int] = {}

    def of(self, x: float, y: float, z: float) -> int:
        """The number of a vertex."""
        steps = np.round((np.array([x, y, z]) - self.corner) / SCALE_M).astype(int).tolist()
        return self._known.setdefault((steps[0], steps[1], steps[2]), len(self._known))

    def listed(self) -> list[list[int]]:
        """All of them in order."""
        return [list(steps) for steps in self._known]


def near(centres: Floats, index: int) -> np.ndarray:
    """The buildings of the block: those nearest to one, it first."""
    away = np.hypot(*(centres - centres[index]).T)
    return np.argsort(away, kind="stable")[:COUNT]


def write(path: Path, table: pd.DataFrame, shapes: Geometries, centres: Floats, mark: Landmark) -> int:
    """Write the block around a building with a model; returns its objects."""
    chosen = near(centres, mark.index)
    rings = {int(k): _ring(shapes[k]) for k in chosen}
    low = np.floor(np.vstack([ring.min(axis=0) for ring in rings.values()]).min(axis=0))
    vertices = Vertices(np.array([*low, np.floor(table.loc[chosen, "ground_m"].min())]))
    objects: dict[str, Any] = {}
    for number, index in enumerate(int(k) for k in chosen):
        row = table.iloc[index].to_dict()
        if index == mark.index:
            objects |= _hospital(row, rings[index], vertices)
        else:
            faces, roof = _house(row, rings[index], vertices, number)
            objects[row["building_code"]] = {
                "type": "Building",
                "attributes": _attributes(row, roof),
                "geometry": [_solid(faces)],
            }
    document = {
        "type": "CityJSON",
        "version": VERSION,
        "transform": {"scale": [SCALE_M] * 3, "translate": vertices.corner.tolist()},
        "metadata": {
            "title": f"住院楼周边建筑 {SYNTHETIC}",
            "identifier": MODEL,
            "referenceDate": "2026-01-01",
            "referenceSystem": REFERENCE,
            "geographicalExtent": _extent(vertices),
        },
        "CityObjects": objects,
        "vertices": vertices.listed(),
    }
    path.write_text(json.dumps(document, ensure_ascii=False, separators=(",", ":")) + "\n", "utf-8")
    return len(objects)


def _ring(shape: shapely.Geometry) -> Floats:
    """The four corners of a footprint as it is written, anticlockwise, a long side first."""
    ring = to_plane(degrees(shapely.get_coordinates(shape)[:4]))
    if not shapely.LinearRing(ring).is_ccw:
        ring = ring[::-1]
    long = np.hypot(*(ring[1] - ring[0])) >= np.hypot(*(ring[2] - ring[1]))
    return np.asarray(ring if long else np.roll(ring, -1, axis=0))


def _extent(vertices: Vertices) -> list[float]:
    found = vertices.corner + np.array(vertices.listed()) * SCALE_M
    return [round(float(each), 3) for each in (*found.min(axis=0), *found.max(axis=0))]


def _attributes(row: Row, roof: str) -> dict[str, Any]:
    named = {"name": row["name"]} if row["name"] else {}
    return {
        **named,
        "building_code": row["building_code"],
        "class": row["structure"],
        "function": row["use"],
        "usage": row["use"],
        "roofType": roof,
        "measuredHeight": round(float(row["height_m"]), 2),
        "storeysAboveGround": int(row["floors"]),
        "yearOfConstruction": int(row["year"]),
        "address_id": row["address_id"],
    }


def _hospital(row: Row, ring: Floats, vertices: Vertices) -> dict[str, Any]:
    """The tower up to its parapet, and the house of the lifts on its roof, as parts of one building."""
    ground, code = float(row["ground_m"]), row["building_code"]
    top = ground + float(row["height_m"])
    roof = top - PARAPET_M
    house = _within(ring, (0.5, 0.667), (0.59, 0.98))
    parts = {
        f"{code}-1": _flat(ring, ground, top, vertices),
        f"{code}-2": _flat(house, roof, roof + LIFT_HOUSE_M, vertices),
    }
    building = {"type": "Building", "attributes": _attributes(row, "flat"), "children": list(parts)}
    return {
        code: building,
        **{
            part: {
                "type": "BuildingPart",
                "parents": [code],
                "attributes": {"name": title, "roofType": "flat"},
                "geometry": [_solid(faces)],
            }
            for (part, faces), title in zip(parts.items(), ("住院楼主体", "电梯机房"), strict=True)
        },
    }


def _within(ring: Floats, u: tuple[float, float], v: tuple[float, float]) -> Floats:
    """A rectangle inside another by shares of its sides; ``v`` counts from the southern long side."""
    first = ring if ring[:2, 1].mean() < ring[2:, 1].mean() else np.roll(ring, -2, axis=0)
    along, across = first[1] - first[0], first[3] - first[0]
    return np.array(
        [first[0] + a * along + b * across for a, b in ((u[0], v[0]), (u[1], v[0]), (u[1], v[1]), (u[0], v[1]))]
    )


def _house(row: Row, ring: Floats, vertices: Vertices, number: int) -> tuple[Faces, str]:
    ground, height = float(row["ground_m"]), float(row["height_m"])
    depth = float(np.hypot(*(ring[2] - ring[1])))
    rise = min(round(depth * 0.28, 2), round(height * 0.35, 2))
    if row["use"] not in PITCHED or row["floors"] > PITCHED_STOREYS:
        return _flat(ring, ground, ground + height, vertices), "flat"
    hip = number % HIP_SHARE == 0
    return _pitched(
        ring, (ground, ground + height - rise, ground + height), vertices, hip=hip
    ), "hipped" if hip else "gabled"


def _flat(ring: Floats, low: float, high: float, vertices: Vertices) -> Faces:
    below, above = ([vertices.of(x, y, z) for x, y in ring] for z in (low, high))
    walls: Faces = [("WallSurface", [wall]) for wall in _walls(below, above)]
    return [("GroundSurface", [below[::-1]]), *walls, ("RoofSurface", [above])]


def _walls(below: Ring, above: Ring) -> list[Ring]:
    return [[below[k], below[(k + 1) % 4], above[(k + 1) % 4], above[k]] for k in range(4)]


def _pitched(ring: Floats, heights: tuple[float, float, float], vertices: Vertices, *, hip: bool) -> Faces:
    """A roof with a ridge along the long sides; on a hip it ends before the short sides."""
    low, eaves, top = heights
    below, above = ([vertices.of(x, y, z) for x, y in ring] for z in (low, eaves))
    start, end = (ring[3] + ring[0]) / 2, (ring[1] + ring[2]) / 2
    if hip:
        length, depth = np.hypot(*(end - start)), np.hypot(*(ring[2] - ring[1]))
        inset = min(depth / 2, 0.45 * length) * (end - start) / length
        start, end = start + inset, end - inset
    first, last = vertices.of(start[0], start[1], top), vertices.of(end[0], end[1], top)
    walls = _walls(below, above)
    a, b, c, d = above
    roofs = [[a, b, last, first], [c, d, first, last]]
    if hip:
        roofs += [[b, c, last], [d, a, first]]
    else:
        walls[1] = [*walls[1][:3], last, walls[1][3]]
        walls[3] = [*walls[3][:3], first, walls[3][3]]
    return [
        ("GroundSurface", [below[::-1]]),
        *(("WallSurface", [wall]) for wall in walls),
        *(("RoofSurface", [roof]) for roof in roofs),
    ]


def _solid(faces: Faces) -> dict[str, Any]:
    kinds = list(dict.fromkeys(kind for kind, _ in faces))
    return {
        "type": "Solid",
        "lod": LOD,
        "boundaries": [[rings for _, rings in faces]],
        "semantics": {
            "surfaces": [{"type": kind} for kind in kinds],
            "values": [[kinds.index(kind) for kind, _ in faces]],
        },
    }
