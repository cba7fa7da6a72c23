"""Rings and lines put together: boundary lines joined end to end, rings sorted into shells and holes, arcs drawn."""

from array import array
from collections.abc import Iterator, Sequence

import numpy as np
import shapely
from numpy.typing import NDArray

Coordinates = NDArray[np.float64]
GAP = 2e-11
"""How far ends of lines may lie apart, as a part of the coordinate: less than 1 mm at any easting."""
FLATTENING = 0.01
ARC_POINTS = 4_096


class LineStore:
    """Lines by id, held in memory: 16 bytes for each point and 40 for each line. Add all, then seal, then ask.

    ``repeated`` counts the ids that came again, ``turned`` the rings put together against the signs of their lines.
    """

    def __init__(self) -> None:
        self.repeated = 0
        self.turned = 0
        self._ids, self._ends, self._values = array("q"), array("q"), array("d")
        self._order: NDArray[np.int64] = np.zeros(0, np.int64)
        self._sorted = self._limits = self._order
        self._points: Coordinates = np.zeros((0, 2))

    def __len__(self) -> int:
        return len(self._ids)

    def add(self, line_id: int, points: Coordinates) -> None:
        """Hold a line; of lines with the same id the first counts."""
        self._ids.append(line_id)
        self._values.frombytes(np.ascontiguousarray(points, dtype=np.float64).tobytes())
        self._ends.append(len(self._values) // 2)

    def seal(self) -> None:
        """Make the lines ready to be asked for."""
        ids = np.frombuffer(self._ids, np.int64) if self._ids else self._order
        self._order = np.argsort(ids, kind="stable")
        self._sorted = ids[self._order]
        self._limits = np.concatenate([[0], np.frombuffer(self._ends, np.int64)]) if self._ids else np.zeros(1, int)
        self._points = np.frombuffer(self._values, np.float64).reshape(-1, 2) if self._values else self._points
        self.repeated = int((np.diff(self._sorted) == 0).sum())

    def points(self, signed_id: int) -> Coordinates:
        """The points of a line, backwards for a negative id; LookupError when there is none."""
        at = int(np.searchsorted(self._sorted, abs(signed_id)))
        if at == len(self._sorted) or self._sorted[at] != abs(signed_id):
            raise LookupError(f"there is no line {abs(signed_id)}")
        place = int(self._order[at])
        points = self._points[self._limits[place] : self._limits[place + 1]]
        return points if signed_id > 0 else points[::-1]

    def path(self, ids: Sequence[int]) -> Coordinates:
        """Lines joined end to end; LookupError when one is unknown or does not join."""
        path = [self.points(ids[0])]
        for signed_id in ids[1:]:
            points = self.points(signed_id)
            if not _meet(path[-1][-1], points[0]):
                raise LookupError(f"line {signed_id} does not begin where the line before it ends")
            path.append(points[1:])
        return np.concatenate(path)

    def rings(self, ids: Sequence[int]) -> list[Coordinates]:
        """The closed rings of signed ids with 0 between rings; LookupError when one is unknown or does not close.

        A ring that ends before the next 0 begins another one. Where the signs do not lead around a ring, but its lines
        close in one way only, they are taken so.
        """
        rings: list[Coordinates] = []
        for group in _groups(ids):
            rings += self._closed(group)
        if not rings:
            raise LookupError("it names no line")
        return rings

    def _closed(self, ids: Sequence[int]) -> list[Coordinates]:
        rings: list[Coordinates] = []
        path: list[Coordinates] = []
        for signed_id in ids:
            points = self.points(signed_id)
            if path and not _meet(path[-1][-1], points[0]):
                return [self._merged(ids)]
            path.append(points[1:] if path else points)
            if _meet(path[0][0], points[-1]):
                rings.append(_shut(np.concatenate(path)))
                path = []
        return [self._merged(ids)] if path else rings

    def _merged(self, ids: Sequence[int]) -> Coordinates:
        merged = shapely.line_merge(shapely.MultiLineString([self.points(signed_id) for signed_id in ids]))
        if not isinstance(merged, shapely.LineString) or not merged.is_closed:
            raise LookupError(f"the lines {', '.join(map(str, ids[:6]))} do not close a ring")
        self.turned += 1
        return shapely.get_coordinates(merged)


def area_of(rings: Sequence[Coordinates]) -> tuple[shapely.Geometry | None, str]:
    """The area between rings, closed where they are not, or the fault: a ring in an odd number of others is a hole."""
    closed = [_shut(ring) for ring in rings]
    short = next((ring for ring in closed if len(ring) < 4), None)
    if short is not None:
        return None, f"a ring has {len(short) - 1} corners"
    shapes = [shapely.Polygon(ring) for ring in closed]
    return (shapes[0] if len(shapes) == 1 else _nested(shapes)), ""


def joined(pieces: Sequence[Coordinates]) -> shapely.Geometry:
    """Pieces of a line as one where each begins at the end of the one before, else as a line of several parts."""
    lines = [pieces[0]]
    for piece in pieces[1:]:
        if _meet(lines[-1][-1], piece[0]):
            lines[-1] = np.concatenate([lines[-1], piece[1:]])
        else:
            lines.append(piece)
    return shapely.LineString(lines[0]) if len(lines) == 1 else shapely.MultiLineString(lines)


def drawn_arc(points: Coordinates) -> Coordinates:
    """The arc through three points as a polyline that leaves it by 1 cm (1e-7 degrees) at most."""
    centre = _centre(points)
    if centre is None:
        return points
    first, middle, last = (float(np.arctan2(y, x)) for x, y in points - centre)
    turn, half = (last - first) % (2 * np.pi), (middle - first) % (2 * np.pi)
    arc = _arc(centre, float(np.hypot(*(points[0] - centre))), first, turn if half <= turn else turn - 2 * np.pi)
    arc[0], arc[-1] = points[0], points[2]
    return arc


def drawn_circle(points: Coordinates, radius: float | None) -> Coordinates:
    """A circle around a point, or through three points, as a ring; as exact as an arc."""
    centre = points[0] if radius is not None else _centre(points[:3])
    if centre is None or len(points) not in {1, 3}:
        return points
    return _shut(_arc(centre, radius or float(np.hypot(*(points[0] - centre))), 0.0, 2 * np.pi)[:-1])


def _groups(ids: Sequence[int]) -> Iterator[Sequence[int]]:
    start = 0
    for place, signed_id in enumerate([*ids, 0]):
        if signed_id == 0:
            if place > start:
                yield ids[start:place]
            start = place + 1


def _meet(one: Coordinates, other: Coordinates) -> bool:
    return bool(one[0] == other[0] and one[1] == other[1]) or bool((np.abs(one - other) <= GAP * np.abs(one)).all())


def _shut(ring: Coordinates) -> Coordinates:
    if len(ring) == 0 or (ring[0] == ring[-1]).all():
        return ring
    if len(ring) > 1 and _meet(ring[0], ring[-1]):
        return np.concatenate([ring[:-1], ring[:1]])
    return np.concatenate([ring, ring[:1]])


def _nested(shapes: Sequence[shapely.Polygon]) -> shapely.Geometry:
    """Shells with their holes by how many other rings each ring lies in."""
    ordered = sorted(shapes, key=lambda shape: -shape.area)
    try:
        inner, outer = shapely.STRtree(ordered).query(ordered, predicate="within")
    except shapely.errors.GEOSException:
        return shapely.Polygon(shapes[0].exterior, [shape.exterior for shape in shapes[1:]])
    around: list[list[int]] = [[] for _ in ordered]
    for one, other in zip(inner.tolist(), outer.tolist(), strict=True):
        if other < one:
            around[one].append(other)
    holes: dict[int, list[shapely.LinearRing]] = {n: [] for n, rings in enumerate(around) if len(rings) % 2 == 0}
    for number, rings in enumerate(around):
        shells = [ring for ring in rings if ring in holes]
        if number not in holes and shells:
            holes[max(shells)].append(ordered[number].exterior)
    areas = [shapely.Polygon(ordered[number].exterior, inside) for number, inside in holes.items()]
    return areas[0] if len(areas) == 1 else shapely.MultiPolygon(areas)


def _centre(points: Coordinates) -> Coordinates | None:
    """The centre of the circle through three points; None where they lie on a line."""
    if len(points) != 3:
        return None
    (x, y), (u, v) = points[1] - points[0], points[2] - points[0]
    double = 2 * (x * v - y * u)
    if abs(double) < 1e-12 * (abs(x * v) + abs(y * u)) or double == 0:
        return None
    one, other = x * x + y * y, u * u + v * v
    centre: Coordinates = points[0] + np.array([(v * one - y * other) / double, (x * other - u * one) / double])
    return centre


def _arc(centre: Coordinates, radius: float, begin: float, turn: float) -> Coordinates:
    exact = FLATTENING if np.abs(centre).max() > 360 else FLATTENING * 1e-5
    step = 2 * np.arccos(max(1 - exact / radius, 0.0)) if radius > 0 else np.pi
    many = int(min(max(np.ceil(abs(turn) / max(step, 1e-6)), 8), ARC_POINTS))
    angles = begin + np.linspace(0.0, turn, many + 1)
    return centre + radius * np.column_stack([np.cos(angles), np.sin(angles)])
