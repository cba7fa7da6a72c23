"""Watercourses: curves with a height at every point, and the water surfaces along them."""

from dataclasses import dataclass

import numpy as np
import shapely

from data_samples.field import Floats, Warp, along, curve, resample
from data_samples.place import COURSES, FRONT, Course
from data_samples.plane import Geometries, from_km

STEP_M = 120.0


@dataclass(frozen=True, slots=True)
class Stream:
    """A watercourse downstream: plane points, water level (1985 height datum, m) and width (m) at each."""

    name: str
    kind: str
    points: Floats
    level: Floats
    width: Floats
    mountain: bool

    def line(self) -> shapely.LineString:
        """The centreline."""
        return shapely.LineString(self.points)


def front_distance(points: Floats) -> Floats:
    """Kilometres behind the foot of the mountains; negative on the plain."""
    start, end = from_km(FRONT)
    along_front = (end - start) / np.hypot(*(end - start))
    offset = points - start
    return np.asarray((offset[:, 1] * along_front[0] - offset[:, 0] * along_front[1]) / 1000.0)


def plain_height(points: Floats) -> Floats:
    """Height of the undisturbed alluvial plain in metres."""
    behind = front_distance(points)
    return np.asarray(676.0 + 8.8 * behind - 0.02 * behind**2)


def streams(seed: int) -> list[Stream]:
    """All watercourses: the drawn ones, and side valleys grown from those in the mountains."""
    drawn: list[Stream] = []
    for number, course in enumerate(COURSES):
        drawn.append(_drawn(course, number, seed, drawn))
    side = _side_valleys([s for s in drawn if s.mountain], seed + 100, 1500.0, 2600.0, 0.17)
    return [*drawn, *side, *_side_valleys(side, seed + 200, 900.0, 1000.0, 0.34)]


def _drawn(course: Course, number: int, seed: int, before: list[Stream]) -> Stream:
    raw = resample(curve(from_km(course.path), STEP_M), STEP_M)
    bend = Warp(seed + number, 1500.0, 260.0 if course.mountain else 170.0)
    ends = np.clip(np.minimum(along(raw), along(raw)[-1] - along(raw)) / 700.0, 0.0, 1.0)[:, None]
    points = raw + (bend(raw) - raw) * ends
    distance = along(points)
    width = np.interp(distance, [0, distance[-1]], course.width_m)
    if not course.mountain:
        return Stream(course.name, course.kind, points, plain_height(points) - 2.5, width, mountain=False)
    mouth = _level_near(points[-1], before)
    climb = (distance[-1] - distance) / 1000.0
    steep = (13.0, 1.15) if course.name == "湔江" else (30.0, 6.5)
    return Stream(
        course.name, course.kind, points, mouth + steep[0] * climb + steep[1] * climb**2, width, mountain=True
    )


def _level_near(point: Floats, before: list[Stream]) -> float:
    best, level = 2500.0, float(plain_height(point[None])[0])
    for stream in before:
        gaps = np.hypot(*(stream.points - point).T)
        nearest = int(np.argmin(gaps))
        if stream.mountain and gaps[nearest] < best:
            best, level = float(gaps[nearest]), float(stream.level[nearest])
    return level


def _side_valleys(parents: list[Stream], seed: int, spacing: float, length: float, grade: float) -> list[Stream]:
    rng, found = np.random.default_rng(seed), []
    bend = Warp(seed + 3, 900.0, 160.0)
    for parent in parents:
        distance = along(parent.points)
        side = 1
        for at in np.arange(spacing * 0.5, distance[-1] - 300.0, spacing):
            side = -side
            k = int(np.searchsorted(distance, at + rng.uniform(-0.2, 0.2) * spacing))
            k = min(max(k, 1), len(distance) - 1)
            heading = parent.points[k - 1] - parent.points[k]
            angle = np.arctan2(heading[1], heading[0]) + side * rng.uniform(0.75, 1.2)
            reach = length * rng.uniform(0.7, 1.35)
            away = np.linspace(0.0, reach, max(3, int(reach / STEP_M)))
            raw = parent.points[k] + away[:, None] * np.array([np.cos(angle), np.sin(angle)])
            points = raw + (bend(raw) - raw) * np.clip(away / 600.0, 0, 1)[:, None]
            rise = parent.level[k] + 1000.0 * grade * (away / 1000.0) * (0.7 + 0.3 * away / reach)
            width = np.linspace(4.0, 2.0, len(away))
            name = f"{parent.name}支沟"
            found.append(Stream(name, "stream", points[::-1], rise[::-1], width[::-1], mountain=True))
    return found


def surface(stream: Stream) -> shapely.Geometry:
    """The water surface: the centreline widened to its varying width."""
    line, width = stream.points, stream.width
    step = np.gradient(line, axis=0)
    normal = np.column_stack([-step[:, 1], step[:, 0]]) / np.hypot(*step.T)[:, None]
    half = (width / 2)[:, None]
    ring = np.vstack([line + normal * half, (line - normal * half)[::-1]])
    return shapely.buffer(shapely.make_valid(shapely.Polygon(ring)), 0)


def surfaces(of: list[Stream]) -> Geometries:
    """Water surface of each stream."""
    return np.array([surface(stream) for stream in of], dtype=object)
