"""Points of a kept LAZ file, piece by piece, in the level frame of the cloud."""

import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import laspy
import numpy as np
from numpy.typing import NDArray

from cim.errors import HeightsUnknown
from cim.model.ecef import LocalFrame, geocentric
from cim.model.reference_systems import given_crs, way_to_degrees
from tiles.clouds.point_glb import POINT

Floats = NDArray[np.float64]
CHUNK_POINTS = 1_000_000
UNITS_M = (1.0, 0.3048, 1200 / 3937)
SAME_M = 0.01
BYTE = 255
GREY_FROM = (200, 200, 200)
CLASS_COLOURS = {
    1: (190, 190, 190),
    2: (176, 142, 94),
    3: (160, 200, 110),
    4: (96, 176, 80),
    5: (40, 128, 56),
    6: (216, 88, 72),
    7: (255, 0, 255),
    8: (230, 200, 60),
    9: (70, 130, 220),
    10: (120, 110, 140),
    11: (130, 130, 130),
    13: (240, 180, 0),
    14: (240, 210, 90),
    15: (150, 90, 170),
    17: (170, 120, 80),
    18: (255, 0, 255),
}
"""Colours of classes of ASPRS where a cloud has none of its own; others are grey."""


@dataclass(frozen=True, slots=True)
class CloudSource:
    """A kept cloud and what its row says: the horizontal system, and its lowest and highest point in metres."""

    path: Path
    crs: str
    low_m: float
    high_m: float


@dataclass(frozen=True, slots=True)
class CloudSize:
    """What a first walk finds: number of points, true box in the file's own units, and how to read its values.

    ``shift`` brings colours to eight bits; ``colours`` and ``classes`` say what points can be coloured by; ``unit_m``
    are the metres in a unit of height; ``brightest`` is the greatest intensity.
    """

    points: int
    low: tuple[float, float, float]
    high: tuple[float, float, float]
    colours: bool
    shift: int
    classes: bool
    brightest: int
    unit_m: float


def size_of(source: CloudSource) -> CloudSize:
    """Walk over all points once; HeightsUnknown where no unit of heights agrees with the row."""
    low, high = np.full(3, np.inf), np.full(3, -np.inf)
    count, reddest, brightest = 0, 0, 0
    classes: set[int] = set()
    with laspy.open(source.path) as file:
        has_colours = "red" in set(file.header.point_format.dimension_names)
        for chunk in file.chunk_iterator(CHUNK_POINTS):
            places = np.stack([np.asarray(chunk.x), np.asarray(chunk.y), np.asarray(chunk.z)], axis=1)
            low, high = np.minimum(low, places.min(axis=0)), np.maximum(high, places.max(axis=0))
            count += len(chunk)
            brightest = max(brightest, int(np.asarray(chunk.intensity).max()))
            classes.update(np.unique(np.asarray(chunk.classification)).tolist())
            if has_colours:
                reddest = max(reddest, *(int(np.asarray(chunk[name]).max()) for name in ("red", "green", "blue")))
    shift = 8 if reddest > BYTE else 0
    a, b = _triple(low), _triple(high)
    return CloudSize(count, a, b, reddest > 0, shift, len(classes) > 1, brightest, _unit(source, a[2], b[2]))


def frame_of(source: CloudSource, size: CloudSize) -> LocalFrame:
    """A level frame at the middle of a cloud, at its lowest height; heights above the datum are taken as they are."""
    move = _way(source)
    middle = np.array([[(size.low[axis] + size.high[axis]) / 2 for axis in (0, 1)]])
    lon, lat = move(middle)[0]
    return LocalFrame.at(float(lon), float(lat), size.low[2] * size.unit_m)


def points_of(source: CloudSource, size: CloudSize, frame: LocalFrame) -> Iterator[NDArray[Any]]:
    """All points as ``POINT`` in order of the file, their level not yet set."""
    move = _way(source)
    with laspy.open(source.path) as file:
        for chunk in file.chunk_iterator(CHUNK_POINTS):
            lon, lat = move(np.stack([np.asarray(chunk.x), np.asarray(chunk.y)], axis=1)).T
            points = np.zeros(len(chunk), POINT)
            points["place"] = frame.local(geocentric(lon, lat, np.asarray(chunk.z) * size.unit_m))
            points["class"] = np.asarray(chunk.classification)
            points["intensity"] = np.asarray(chunk.intensity)
            points["colour"] = _colours(chunk, size)
            yield points


def seed_of(source: CloudSource) -> int:
    """A number that differs from cloud to cloud, for choices that must fall the same way each time."""
    return zlib.crc32(source.path.name.encode())


def _colours(chunk: Any, size: CloudSize) -> NDArray[Any]:
    if size.colours:
        bands = [np.asarray(chunk[name]) >> size.shift for name in ("red", "green", "blue")]
        return np.asarray(np.stack(bands, axis=1))
    if size.classes:
        return np.asarray(_palette()[np.asarray(chunk.classification)])
    share = np.asarray(chunk.intensity) / max(size.brightest, 1)
    grey = np.rint(60 + 180 * np.sqrt(share)) if size.brightest else np.full(len(chunk), GREY_FROM[0])
    return np.asarray(np.repeat(grey[:, None], 3, axis=1))


def _palette() -> NDArray[np.uint8]:
    table = np.full((256, 3), GREY_FROM, np.uint8)
    for number, colour in CLASS_COLOURS.items():
        table[number] = colour
    return table


def _way(source: CloudSource) -> Callable[[Floats], Floats]:
    move = way_to_degrees(*given_crs(source.crs)).move
    return move or (lambda places: places)


def _unit(source: CloudSource, low: float, high: float) -> float:
    """The unit of heights that brings the file's lowest and highest point to what its row says."""
    for unit in UNITS_M:
        if abs(low * unit - source.low_m) <= SAME_M and abs(high * unit - source.high_m) <= SAME_M:
            return unit
    raise HeightsUnknown(
        "the unit of the cloud's heights is not known", where="height datum", remedy="import it with --height-datum"
    )


def _triple(of: Floats) -> tuple[float, float, float]:
    x, y, z = of.tolist()
    return (x, y, z)
