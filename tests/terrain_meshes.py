"""A reader of quantized-mesh 1.0, written after its specification."""

import struct
from dataclasses import dataclass, field

import numpy as np

LARGEST = 32767
WGS84_A, WGS84_F = 6_378_137.0, 1 / 298.257223563


@dataclass
class ReadMesh:
    """What a tile says; places of vertices are shares of the tile from its south-west, heights metres."""

    centre: np.ndarray
    sphere: tuple[np.ndarray, float]
    horizon: np.ndarray
    low: float
    high: float
    u: np.ndarray
    v: np.ndarray
    heights: np.ndarray
    triangles: np.ndarray
    edges: list[np.ndarray]
    extensions: dict[int, bytes] = field(default_factory=dict)

    def height_at(self, u: np.ndarray, v: np.ndarray) -> np.ndarray:
        """Heights inside the triangles at shares of the tile; NaN where no triangle is."""
        result = np.full(len(u), np.nan)
        for a, b, c in self.triangles:
            (ax, ay), (bx, by), (cx, cy) = ((self.u[i], self.v[i]) for i in (a, b, c))
            twice = (bx - ax) * (cy - ay) - (cx - ax) * (by - ay)
            near = np.flatnonzero(
                (u >= min(ax, bx, cx) - 1e-9)
                & (u <= max(ax, bx, cx) + 1e-9)
                & (v >= min(ay, by, cy) - 1e-9)
                & (v <= max(ay, by, cy) + 1e-9)
            )
            s = ((u[near] - ax) * (cy - ay) - (cx - ax) * (v[near] - ay)) / twice
            t = ((bx - ax) * (v[near] - ay) - (u[near] - ax) * (by - ay)) / twice
            inside = (s >= -1e-9) & (t >= -1e-9) & (s + t <= 1 + 1e-9)
            ha, hb, hc = (self.heights[i] for i in (a, b, c))
            result[near[inside]] = (ha + s * (hb - ha) + t * (hc - ha))[inside]
        return result


def read_mesh(data: bytes) -> ReadMesh:
    """Decode a tile; every byte is accounted for."""
    numbers = struct.unpack_from("<3d2f7d", data)
    at = struct.calcsize("<3d2f7d")
    (count,) = struct.unpack_from("<I", data, at)
    at += 4
    axes = []
    for _ in range(3):
        coded = np.frombuffer(data, "<u2", count, at).astype(np.int64)
        axes.append(np.cumsum((coded >> 1) ^ -(coded & 1)))
        at += 2 * count
    kind, size = ("<u4", 4) if count > 65536 else ("<u2", 2)
    at += -at % size
    (triangles,) = struct.unpack_from("<I", data, at)
    coded = np.frombuffer(data, kind, 3 * triangles, at + 4).astype(np.int64)
    at += 4 + 3 * triangles * size
    highest, indices = 0, []
    for code in coded.tolist():
        indices.append(highest - code)
        highest += code == 0
    edges = []
    for _ in range(4):
        (length,) = struct.unpack_from("<I", data, at)
        edges.append(np.frombuffer(data, kind, length, at + 4).astype(np.int64))
        at += 4 + length * size
    extensions = {}
    while at < len(data):
        number, length = struct.unpack_from("<BI", data, at)
        extensions[number] = data[at + 5 : at + 5 + length]
        at += 5 + length
    assert at == len(data)
    low, high = numbers[3:5]
    return ReadMesh(
        np.array(numbers[:3]),
        (np.array(numbers[5:8]), numbers[8]),
        np.array(numbers[9:12]),
        low,
        high,
        axes[0] / LARGEST,
        axes[1] / LARGEST,
        low + axes[2] / LARGEST * (high - low),
        np.array(indices).reshape(-1, 3),
        edges,
        extensions,
    )


def tile_box(z: int, x: int, y: int) -> tuple[float, float, float, float]:
    """West, south, east, north of a tile of the TMS geographic scheme."""
    side = 180 / 2**z
    return (-180 + x * side, -90 + y * side, -180 + (x + 1) * side, -90 + (y + 1) * side)


def tile_at(z: int, lon: float, lat: float) -> tuple[int, int]:
    """The column and row of the tile that a place lies in."""
    side = 180 / 2**z
    return int((lon + 180) // side), int((lat + 90) // side)


def geocentric(lon: np.ndarray, lat: np.ndarray, height: np.ndarray) -> np.ndarray:
    """Places in degrees and metres as ECEF, by the textbook's formula."""
    lon, lat = np.radians(lon), np.radians(lat)
    squared = WGS84_F * (2 - WGS84_F)
    n = WGS84_A / np.sqrt(1 - squared * np.sin(lat) ** 2)
    x, y = (n + height) * np.cos(lat) * np.cos(lon), (n + height) * np.cos(lat) * np.sin(lon)
    return np.stack([x, y, (n * (1 - squared) + height) * np.sin(lat)], axis=-1)
