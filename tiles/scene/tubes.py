"""Lines below ground drawn as tubes of their diameter."""

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from cim.model.ecef import LocalFrame, geocentric_along, upward
from cim.model.undulation import Undulation
from cim.store.scene_rows import SceneRows
from tiles.scene.extrusion import Block
from tiles.scene.findings import Fault, SceneFinding, sorted_out
from tiles.scene.standing import Corners, Floats, numbers
from tiles.scene.vectors import crossed, lengths

SIDES = 8
USUAL_DEPTH_M, USUAL_DIAMETER_MM = 1.0, 200.0
"""Of lines that do not say theirs."""
DEEPEST_M, WIDEST_MM = 200.0, 20_000.0
SHORTEST_M = 1e-3


@dataclass(frozen=True, slots=True)
class Tubes:
    """Tubes that can be drawn: rows, their block, and what was left out."""

    rows: SceneRows
    block: Block
    findings: tuple[SceneFinding, ...]


def tubes(
    rows: SceneRows, corners: Corners, terrain_m: Floats | None, undulation: Undulation, frame: LocalFrame
) -> Tubes:
    """Tubes whose tops lie as deep below the terrain as their ends say, evenly between.

    ``terrain_m`` are levelled heights at the corners, NaN where there are none; a line without terrain anywhere is left
    out. Depths are metres of soil over the tube.
    """
    if terrain_m is None:
        terrain_m = np.full(len(corners.lon), np.nan)
    kept, findings = _checked(rows, corners, terrain_m)
    number = np.full(len(rows), -1)
    number[kept] = np.arange(len(kept))
    drawn = rows.taken(kept.tolist())
    used = number[corners.owner] >= 0
    owner, lon, lat = number[corners.owner[used]], corners.lon[used], corners.lat[used]
    line = _lines(corners, used)
    radius_m = _diameters(drawn)[owner] / 2_000
    depth_m = _depths(drawn, owner, lon, lat)
    height_m = _filled(terrain_m[used], owner) - depth_m - radius_m + undulation.at(lon, lat)
    up = upward(lon, lat)
    points = frame.local(geocentric_along(up, height_m))
    return Tubes(drawn, _block(points, frame.turned(up), radius_m, owner, line), findings)


def _checked(
    rows: SceneRows, corners: Corners, terrain_m: Floats
) -> tuple[NDArray[np.int64], tuple[SceneFinding, ...]]:
    known = np.bincount(corners.owner[np.isfinite(terrain_m)], minlength=len(rows)) > 0
    length = np.nan_to_num(shapely.length(corners.shapes))
    said, diameter = numbers(rows.diameter_mm), _diameters(rows)
    deepest = np.fmax(np.abs(numbers(rows.depth_start_m)), np.abs(numbers(rows.depth_end_m)))
    absurd = (diameter < 0) | (diameter > WIDEST_MM) | (deepest > DEEPEST_M)
    faults: list[Fault] = [
        ("no-shape", length <= 0, said),
        ("absurd-height", absurd, said),
        ("no-ground", ~known, said),
    ]
    return sorted_out(rows, faults)


def _diameters(rows: SceneRows) -> Floats:
    """Diameters in millimetres, the usual one where none is said."""
    said = numbers(rows.diameter_mm)
    return np.where(np.isnan(said) | (said == 0), USUAL_DIAMETER_MM, said)


def _lines(corners: Corners, used: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Which single line each used corner is of."""
    parts = shapely.get_parts(corners.shapes)
    return np.asarray(shapely.get_coordinates(parts, return_index=True)[1][used], np.int64)


def _depths(rows: SceneRows, owner: NDArray[np.int64], lon: Floats, lat: Floats) -> Floats:
    """Depth at each corner, by its share of the way along its feature."""
    step = np.hypot(np.diff(lon, prepend=lon[:1]), np.diff(lat, prepend=lat[:1]))
    first = np.searchsorted(owner, np.arange(len(rows)))
    step[first[first < len(step)]] = 0
    way = np.cumsum(step)
    begin = way[first][owner] if len(owner) else way
    last = np.searchsorted(owner, np.arange(len(rows)), side="right") - 1
    whole = np.maximum(way[last][owner] - begin, 1e-15) if len(owner) else way
    said = numbers(rows.depth_start_m), numbers(rows.depth_end_m)
    start, end = (
        np.nan_to_num(np.where(np.isnan(one), other, one), nan=USUAL_DEPTH_M) for one, other in (said, said[::-1])
    )
    return np.asarray(start[owner] + (end - start)[owner] * (way - begin) / whole, np.float64)


def _filled(terrain_m: Floats, owner: NDArray[np.int64]) -> Floats:
    """Heights with the mean of their feature where there is none."""
    known = np.isfinite(terrain_m)
    count = int(owner.max()) + 1 if len(owner) else 0
    sums = np.bincount(owner[known], weights=terrain_m[known], minlength=count)
    mean = sums / np.maximum(np.bincount(owner[known], minlength=count), 1)
    return np.where(known, terrain_m, mean[owner])


def _block(points: Floats, up: Floats, radius_m: Floats, owner: NDArray[np.int64], line: NDArray[np.int64]) -> Block:
    joined = line[1:] == line[:-1]
    heading = _headings(points, joined)
    side = crossed(heading, up)
    steep = lengths(side) < SHORTEST_M
    side[steep] = (1.0, 0.0, 0.0)
    side /= lengths(side)[:, None]
    over = crossed(side, heading)
    angle = 2 * np.pi * np.arange(SIDES) / SIDES
    normals = side[:, None] * np.cos(angle)[:, None] + over[:, None] * np.sin(angle)[:, None]
    positions = points[:, None] + normals * radius_m[:, None, None]
    begin = np.flatnonzero(joined)[:, None] * SIDES
    here, there = np.arange(SIDES), (np.arange(SIDES) + 1) % SIDES
    quads = np.stack([here, there + SIDES, there, here, here + SIDES, there + SIDES], axis=1)
    triangles = (begin[:, :, None] + quads[None]).reshape(-1, 3)
    return Block(positions.reshape(-1, 3), normals.reshape(-1, 3), triangles, np.repeat(owner, SIDES))


def _headings(points: Floats, joined: NDArray[np.bool_]) -> Floats:
    """The direction of a line at each corner, of length 1: between those of the parts that meet there.

    Where these are none, or lead back, it is that of one of them, and north where a line has no length.
    """
    along = np.diff(points, axis=0)
    length = lengths(along)
    along[~joined | (length < SHORTEST_M)] = 0
    along /= np.maximum(length, SHORTEST_M)[:, None]
    none = np.zeros((1, 3))
    before, after = np.concatenate([none, along]), np.concatenate([along, none])
    heading = before + after
    for other in (before, after, np.broadcast_to((0.0, 1.0, 0.0), points.shape)):
        lost = lengths(heading) < SHORTEST_M
        heading[lost] = other[lost]
    return np.asarray(heading / lengths(heading)[:, None], dtype=np.float64)
