"""How places stand to a camera: in view, out of range, aside of its sector, or hidden, and by what."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
import shapely

from cim.analysis.visibility.around import Around
from cim.analysis.visibility.plane import Floats, fan_over
from cim.analysis.visibility.sight import SEEN, Labels, Rays, look
from cim.analysis.visibility.view import part_of
from cim.model.cameras import AROUND_DEG, Camera

State = Literal["seen", "turned", "beyond", "aside", "terrain", "building", "built"]
HERE_M = 0.5
"""Nearer than this a place is where the camera is."""
STATE_NAMES: dict[str, str] = {
    "seen": "可见",
    "turned": "转动云台后可见",
    "beyond": "超出可视距离",
    "aside": "不在视域内",
    "terrain": "被地形遮挡",
    "building": "被建筑遮挡",
    "built": "在建筑内",
    "unknown": "资料不全，无法判断",
}


@dataclass(frozen=True, slots=True)
class Placed:
    """How a place stands to a camera.

    ``state``: it is ``seen``, or would be were the camera ``turned``; it lies ``beyond`` the range or ``aside`` of all
    the camera can be turned to; it is hidden by ``terrain`` or the ``building`` ``fid``, or ``built`` over.
    """

    state: State
    distance_m: float
    bearing_deg: float
    fid: int | None = None
    name: str = ""

    @property
    def seen(self) -> bool:
        """Whether the camera sees the place without being turned."""
        return self.state == "seen"


def placed(camera: Camera, around: Around, lon: Floats, lat: Floats, target_m: float) -> list[Placed]:
    """How places stand to a camera, each by a line of sight of its own.

    ``around`` must be that of all the camera can be turned to. Sight is exact to a cell of ``fan_over`` along the line.
    """
    bearing_deg, distance_m = camera.bearings_to(lon, lat)
    range_m = camera.range_m or 0.0
    labels = np.full(len(lon), SEEN, dtype=np.int32)
    near = np.flatnonzero(distance_m <= range_m)
    if len(near):
        labels[near] = _labels(camera, around, bearing_deg[near], distance_m[near], target_m)
    here = distance_m < HERE_M
    now, ever = camera.facing(bearing_deg) | here, camera.facing(bearing_deg, turned=True) | here
    return list(_told(around, labels, distance_m, bearing_deg, (distance_m > range_m, now, ever)))


def _labels(camera: Camera, around: Around, bearing_deg: Floats, distance_m: Floats, target_m: float) -> Labels:
    fan = fan_over(0.0, AROUND_DEG, camera.range_m or 0.0)
    eye_m = around.ground_m + (camera.height_m or 0.0)
    found = look(eye_m, Rays(np.radians(bearing_deg), fan.distance_m), around.relief, around.blocks, target_m)
    cell = np.minimum((distance_m / fan.cell_m).astype(np.intp), fan.depth - 1)
    return found[np.arange(len(found)), cell]


def _told(
    around: Around,
    labels: Labels,
    distance_m: Floats,
    bearing_deg: Floats,
    lies: tuple[np.ndarray[tuple[int], np.dtype[np.bool_]], ...],
) -> Iterator[Placed]:
    for number, label in enumerate(labels.tolist()):
        beyond, now, ever = (bool(one[number]) for one in lies)
        facts = float(distance_m[number]), float(bearing_deg[number])
        if beyond:
            yield Placed("beyond", *facts)
        elif not ever:
            yield Placed("aside", *facts)
        elif label == SEEN:
            yield Placed("seen" if now else "turned", *facts)
        else:
            part = part_of(label, shapely.Polygon(), 0.0, around)
            yield Placed(part.kind, *facts, part.fid, part.name)
