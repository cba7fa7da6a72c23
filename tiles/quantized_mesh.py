"""Quantized-mesh 1.0, the form of terrain tiles that Cesium reads: header, quantized vertices, triangles, edges.

Written here and not by a library: those at hand keep longitudes as 32-bit numbers, 0.7 m apart in China, and cut
quantized places down instead of rounding them.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cim.model.collection import BoundingBox
from cim.model.ecef import geocentric
from tiles.terrain_mesh import Mesh

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]
LARGEST = 32_767
LONGEST_INDEX = 65_536
OCT_NORMALS = 1
RADII_M = np.array([6_378_137.0, 6_378_137.0, 6_356_752.314245179])
FARTHEST = 1e3
"""Where the horizon has no point for a tile, the point is so many radii away, and the tile is always taken for seen."""


@dataclass(frozen=True, slots=True)
class MeshTile:
    """A mesh in its tile: west, south, east, north in degrees, and the normals of its vertices, ECEF, (n, 3)."""

    bbox: BoundingBox
    side: int
    mesh: Mesh
    normals: Floats


def encoded_mesh(tile: MeshTile, *, normals: bool) -> bytes:
    """The bytes of a tile, with oct-encoded normals where they are wanted."""
    mesh = tile.mesh
    low, high = (np.float32(value) for value in (np.floor(mesh.heights_m.min()), np.ceil(mesh.heights_m.max())))
    u, v = (np.rint(part * (LARGEST / tile.side)).astype(np.int64) for part in (mesh.columns, mesh.rows))
    h = np.rint((mesh.heights_m - low) / max(float(high - low), 1e-3) * LARGEST).astype(np.int64)
    places = _places(tile.bbox, u, v, low + h / LARGEST * float(high - low))
    parts = [_header(places, low, high), np.uint32(len(u)).tobytes()]
    parts += [_zigzag(values).astype("<u2").tobytes() for values in (u, v, h)]
    index = "<u4" if len(u) > LONGEST_INDEX else "<u2"
    if index == "<u4" and sum(map(len, parts)) % 4:
        parts.append(bytes(2))
    parts += [np.uint32(len(mesh.triangles)).tobytes(), _high_water(mesh.triangles.ravel()).astype(index).tobytes()]
    for across, along, edge in ((u, v, 0), (v, u, 0), (u, v, LARGEST), (v, u, LARGEST)):
        found = np.flatnonzero(across == edge)
        found = found[np.argsort(along[found])]
        parts += [np.uint32(len(found)).tobytes(), found.astype(index).tobytes()]
    if normals:
        oct_ = _oct(tile.normals).tobytes()
        parts += [bytes([OCT_NORMALS]), np.uint32(len(oct_)).tobytes(), oct_]
    return b"".join(parts)


def horizon_point(places: Floats, towards: Floats) -> Floats:
    """The point whose rising above the horizon tells that some of the places may be seen, in radii of the ellipsoid.

    ``towards`` is the direction it is looked for in, from the middle of the Earth. See "Horizon Culling" by D. Ring.
    """
    scaled = places / RADII_M
    direction = towards / RADII_M
    direction = direction / np.linalg.norm(direction)
    length = np.maximum(np.linalg.norm(scaled, axis=1), 1.0)
    along = scaled / np.linalg.norm(scaled, axis=1)[:, None]
    cos_a = np.clip(along @ direction, -1, 1)
    sin_a = np.linalg.norm(np.cross(along, direction), axis=1)
    cos_b, sin_b = 1 / length, np.sqrt(length**2 - 1) / length
    lift = cos_a * cos_b - sin_a * sin_b
    with np.errstate(divide="ignore"):
        far = np.where(lift > 1 / FARTHEST, 1 / lift, FARTHEST).max()
    point: Floats = direction * far
    return point


def surface_normals(heights_m: Floats, bbox: BoundingBox, columns: Whole, rows: Whole) -> Floats:
    """Normals in ECEF of posts of a square, from heights that have one post more on each side."""
    west, south, east, north = bbox
    side = len(heights_m) - 3
    lon, lat = (np.radians(a + part * (b - a) / side) for a, b, part in ((west, east, columns), (south, north, rows)))
    step_m = np.radians((north - south) / side) * RADII_M[0]
    rise_east = (heights_m[rows + 1, columns + 2] - heights_m[rows + 1, columns]) / (2 * step_m)
    rise_north = (heights_m[rows + 2, columns + 1] - heights_m[rows, columns + 1]) / (2 * step_m)
    rise_east = rise_east / np.maximum(np.cos(lat), 1e-3)
    sin_lon, cos_lon, sin_lat, cos_lat = np.sin(lon), np.cos(lon), np.sin(lat), np.cos(lat)
    eastward = np.stack([-sin_lon, cos_lon, np.zeros_like(lon)], axis=1)
    northward = np.stack([-sin_lat * cos_lon, -sin_lat * sin_lon, cos_lat], axis=1)
    up = np.stack([cos_lat * cos_lon, cos_lat * sin_lon, sin_lat], axis=1)
    normal = up - eastward * rise_east[:, None] - northward * rise_north[:, None]
    normal = normal / np.linalg.norm(normal, axis=1)[:, None]
    return np.asarray(normal, dtype=np.float64)


def _places(bbox: BoundingBox, u: Whole, v: Whole, height_m: Floats) -> Floats:
    """ECEF of quantized vertices, in metres, as a reader of the tile places them."""
    west, south, east, north = bbox
    lon, lat = west + u / LARGEST * (east - west), south + v / LARGEST * (north - south)
    return geocentric(lon, lat, height_m)


def _header(places: Floats, low: np.float32, high: np.float32) -> bytes:
    middle = (places.min(axis=0) + places.max(axis=0)) / 2
    radius = np.linalg.norm(places - middle, axis=1).max()
    doubles = np.concatenate([middle, [0.0], middle, [radius], horizon_point(places, middle)]).astype("<f8").tobytes()
    return doubles[:24] + low.tobytes() + high.tobytes() + doubles[32:]


def _zigzag(values: Whole) -> Whole:
    steps = np.diff(values, prepend=0)
    return (steps << 1) ^ (steps >> 63)


def _high_water(numbers: Whole) -> Whole:
    """Vertex numbers, each counted down from the next that was never met before."""
    met = np.maximum.accumulate(numbers)
    before = np.concatenate([[0], met[:-1] + 1])
    return before - numbers


def _oct(normals: Floats) -> NDArray[np.uint8]:
    """Unit vectors on an octahedron unfolded to a square, two bytes each."""
    flat = normals[:, :2] / np.abs(normals).sum(axis=1)[:, None]
    folded = (1 - np.abs(flat[:, ::-1])) * np.where(flat >= 0, 1.0, -1.0)
    square = np.where(normals[:, 2:] < 0, folded, flat)
    return np.asarray(np.rint((square * 0.5 + 0.5) * 255), dtype=np.uint8)
