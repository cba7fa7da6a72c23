"""The road network: drawn main roads, street grids, lanes over the plain, valley lanes; noded into a routable graph."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import shapely
from numpy.typing import NDArray

from data_samples.field import Floats, Fractal, Warp, along, curve, resample
from data_samples.names import street
from data_samples.place import INTERCHANGES, MAIN_ROADS, MOTORWAY, TOWNS, MainRoad
from data_samples.plane import Geometries, degrees, from_km, point_array, snapped
from data_samples.rivers import Stream, front_distance

KINDS = ("motorway", "primary", "secondary", "arterial", "tertiary", "street", "rural", "track")
WIDTH_M = {
    "motorway": 12.0,
    "primary": 20.0,
    "secondary": 12.0,
    "arterial": 26.0,
    "tertiary": 9.0,
    "street": 12.0,
    "rural": 4.5,
    "track": 3.0,
}
LANES = {
    "motorway": 2,
    "primary": 4,
    "secondary": 2,
    "arterial": 6,
    "tertiary": 2,
    "street": 2,
    "rural": 1,
    "track": 1,
}
SPEED = {
    "motorway": 100,
    "primary": 60,
    "secondary": 60,
    "arterial": 50,
    "tertiary": 40,
    "street": 30,
    "rural": 20,
    "track": 15,
}
Ints = NDArray[np.int64]


@dataclass(slots=True)
class Sources:
    """Lines before noding, with class, name and direction."""

    lines: list[shapely.LineString]
    kinds: list[str]
    names: list[str]
    oneway: list[int]

    def add(self, line: Floats, kind: str, name: str, oneway: int = 0) -> None:
        """Add one line, put on the centimetre grid."""
        self.lines.append(shapely.LineString(snapped(line)))
        self.kinds.append(kind)
        self.names.append(name)
        self.oneway.append(oneway)


@dataclass(frozen=True, slots=True)
class Roads:
    """Noded segments: each runs from node to node and meets others only there."""

    lines: Geometries
    kinds: NDArray[np.str_]
    names: NDArray[np.str_]
    oneway: Ints
    start: Ints
    end: Ints

    def of(self, *kinds: str) -> Geometries:
        """Segments of the given classes."""
        return np.asarray(self.lines[np.isin(self.kinds, kinds)])

    def widths(self) -> Floats:
        """Paved width in metres of each segment."""
        return np.array([WIDTH_M[kind] for kind in self.kinds])


def main_lines(of: list[Stream], seed: int) -> Sources:
    """Drawn roads as curves; those in valleys keep beside their stream."""
    sources = Sources([], [], [], [])
    for number, road in enumerate(MAIN_ROADS):
        sources.add(_tied(_course(road, of, seed + number), sources), road.kind, road.name)
    centre = curve(from_km(MOTORWAY.path), 120.0)
    for side in (1, -1):
        carriageway = _offset(centre, side * 14.0)
        sources.add(carriageway if side < 0 else carriageway[::-1], "motorway", MOTORWAY.name, 1)
    return sources


def _tied(line: Floats, sources: Sources) -> Floats:
    """The line led on to a road drawn before where an end stops short of it."""
    for turn in (1, -1):
        end = shapely.Point(line[::turn][-1])
        for other in sources.lines:
            if 0.05 < other.distance(end) < 420.0:
                at = shapely.line_interpolate_point(other, shapely.line_locate_point(other, end))
                line = np.vstack([line[::turn], shapely.get_coordinates(at)])[::turn]
                break
    return line


def _course(road: MainRoad, of: list[Stream], seed: int) -> Floats:
    points = from_km(road.path)
    if not road.follows:
        line = resample(curve(points, 60.0), 60.0)
        ends = np.clip(np.minimum(along(line), along(line)[-1] - along(line)) / 500.0, 0, 1)[:, None]
        return np.asarray(line + (Warp(seed, 1100.0, 90.0)(line) - line) * ends)
    valley = next(s for s in of if s.name == road.follows and s.mountain)
    gaps = [int(np.argmin(np.hypot(*(valley.points - p).T))) for p in (points[0], points[-1])]
    stretch = valley.points[min(gaps) : max(gaps) + 1]
    beside = _offset(resample(stretch, 90.0), 55.0 + valley.width.max() / 2)
    beside = resample(curve(beside[::2], 30.0), 30.0)
    beside = beside[::-1] if gaps[0] > gaps[1] else beside
    joined = [points[:1], beside] if np.hypot(*(points[0] - beside[0])) > 30 else [beside]
    return np.vstack(joined)


def _offset(line: Floats, distance: float) -> Floats:
    step = np.gradient(line, axis=0)
    normal = np.column_stack([-step[:, 1], step[:, 0]]) / np.maximum(np.hypot(*step.T), 1e-9)[:, None]
    return np.asarray(line + normal * distance)


def add_streets(sources: Sources, seed: int) -> None:
    """Orthogonal grids in the seat and the town centres, and the seat's two ring roads."""
    rng, serial = np.random.default_rng(seed), 0
    for town in TOWNS:
        centre = from_km((town.east, town.north))
        seat = town.radius_m > 2000
        angle = np.radians(rng.uniform(-24, 24)) if not seat else np.radians(11)
        spacing = 205.0 if seat else 135.0
        axes = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
        bend = Warp(seed + serial, 1600.0, 40.0 if seat else 25.0)
        for direction in (0, 1):
            at = -town.radius_m
            while at < town.radius_m:
                at += spacing * rng.uniform(0.75, 1.25)
                half = _half_chord(town.radius_m, at) * rng.uniform(0.9, 1.04)
                if half < spacing:
                    continue
                line = np.column_stack([np.arange(-half, half, 40.0), np.full(len(np.arange(-half, half, 40.0)), at)])
                line = bend(centre + (line if direction == 0 else line[:, ::-1]) @ axes)
                main = seat and serial % 4 == 0
                sources.add(line, "arterial" if main else "street", street(serial), int(seat and serial % 7 == 3))
                serial += 1
        if seat:
            for radius, name in ((0.5, "内环路"), (1.04, "外环路")):
                sources.add(_ring(centre, town.radius_m * radius, axes), "arterial", name)


def _half_chord(radius: float, at: float) -> float:
    """Half the chord of a rounded square of ``radius`` at distance ``at`` from its centre."""
    return float(radius * max(1 - (abs(at) / radius) ** 3.2, 0.0) ** (1 / 3.2))


def _ring(centre: Floats, radius: float, axes: Floats) -> Floats:
    t = np.linspace(0, 2 * np.pi, 97)
    square = np.column_stack(
        [np.sign(np.cos(t)) * np.abs(np.cos(t)) ** 0.6, np.sign(np.sin(t)) * np.abs(np.sin(t)) ** 0.6]
    )
    square[-1] = square[0]
    return np.asarray(centre + square * radius @ axes)


def add_lanes(sources: Sources, area: shapely.Geometry, water: Geometries, seed: int, spacing: float) -> None:
    """A loose net of village lanes over the plain and low hills inside ``area``; nodes near a main road join it."""
    mains = shapely.STRtree(np.array(sources.lines, dtype=object))
    nodes, edges = _lattice(area, seed, spacing)
    nodes, on_main = _joined_to_mains(nodes, sources, mains)
    keep = ~((on_main[edges[:, 0]] >= 0) & (on_main[edges[:, 1]] >= 0))
    lines = np.asarray(shapely.linestrings(nodes[edges]))
    wide = np.array([shapely.buffer(w, 2.0) for w in water], dtype=object)
    keep[shapely.STRtree(lines).query(wide, predicate="intersects")[1]] = False
    length = np.asarray(shapely.length(lines))
    keep &= (length > 25.0) & (length < 2.6 * spacing)
    rng = np.random.default_rng(seed + 1)
    keep &= rng.random(len(edges)) > 0.16
    bend = Warp(seed + 2, 260.0, 22.0)
    for k in np.flatnonzero(keep):
        a, b = nodes[edges[k]]
        t = np.linspace(0, 1, max(3, int(length[k] / 45.0)))[:, None]
        line = a + (b - a) * t
        line = line + (bend(line) - line) * (np.sin(np.pi * t) ** 0.7)
        sources.add(line, "rural", "")


def _lattice(area: shapely.Geometry, seed: int, spacing: float) -> tuple[Floats, Ints]:
    """Jittered nodes on a lattice turned to the fall of the plain, and the edges between neighbours."""
    west, south, east, north = shapely.bounds(area)
    half = np.hypot(east - west, north - south) / 2
    centre = np.array([(east + west) / 2, (north + south) / 2])
    n = int(2 * half / spacing) + 2
    i, j = np.meshgrid(np.arange(n), np.arange(n), indexing="ij")
    rng = np.random.default_rng(seed)
    flat = np.column_stack([i.ravel(), j.ravel()]) * spacing - half + rng.uniform(-0.24, 0.24, (n * n, 2)) * spacing
    turn = np.radians(-32.0)
    nodes = flat @ np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]]) + centre
    nodes = Warp(seed + 9, 5200.0, 900.0)(nodes)
    foothill = 1.0 + 2.6 * Fractal(seed + 4, 2600.0, 3)(nodes[:, 0], nodes[:, 1])
    inside = shapely.contains_xy(area, nodes[:, 0], nodes[:, 1]) & (front_distance(nodes) < foothill)
    for town in TOWNS:
        inside &= np.hypot(*(nodes - from_km((town.east, town.north))).T) > town.radius_m * 0.97
    index = np.arange(n * n).reshape(n, n)
    pairs = np.vstack(
        [
            np.column_stack([index[:-1].ravel(), index[1:].ravel()]),
            np.column_stack([index[:, :-1].ravel(), index[:, 1:].ravel()]),
        ]
    )
    return nodes, pairs[inside[pairs].all(axis=1)]


def _joined_to_mains(nodes: Floats, sources: Sources, mains: shapely.STRtree) -> tuple[Floats, Ints]:
    """Nodes within 75 m of a drawn road move onto it, so that lanes end there instead of running beside it."""
    points = point_array(nodes)
    found, road = mains.query_nearest(points, max_distance=75.0, all_matches=False)
    out, on_main = nodes.copy(), np.full(len(nodes), -1)
    for k, r in zip(found, road, strict=True):
        if sources.kinds[r] == "motorway":
            continue
        line = sources.lines[r]
        out[k] = shapely.get_coordinates(
            shapely.line_interpolate_point(line, shapely.line_locate_point(line, points[k]))
        )[0]
        on_main[k] = r
    return out, on_main


def add_valley_lanes(sources: Sources, of: list[Stream], seed: int) -> None:
    """Lanes climbing the side valleys that open onto a valley road."""
    rng = np.random.default_rng(seed)
    mains = shapely.STRtree(np.array(sources.lines, dtype=object))
    for stream in of:
        if stream.kind != "stream" or rng.random() < 0.35 or stream.level[-1] > 1900:
            continue
        mouth = shapely.Point(stream.points[-1])
        near = mains.query_nearest(mouth, max_distance=220.0, all_matches=False)
        if len(near) == 0:
            continue
        road = sources.lines[int(near[0])]
        start = shapely.get_coordinates(shapely.line_interpolate_point(road, shapely.line_locate_point(road, mouth)))
        upward = _offset(stream.points[::-1], 26.0)[1:]
        part = upward[: max(3, int(len(upward) * rng.uniform(0.35, 0.9)))]
        sources.add(resample(curve(np.vstack([start, part]), 30.0), 30.0), "rural", "")


def add_interchanges(sources: Sources) -> None:
    """Ramps between both carriageways and the nearest crossing road: the motorway joins nowhere else."""
    ways = [k for k, kind in enumerate(sources.kinds) if kind == "motorway"]
    others = [k for k, kind in enumerate(sources.kinds) if kind in ("primary", "secondary", "tertiary")]
    tree = shapely.STRtree(np.array([sources.lines[k] for k in others], dtype=object))
    for point in point_array(from_km(INTERCHANGES)):
        for way in ways:
            line = sources.lines[way]
            at = shapely.line_locate_point(line, point)
            for shift, leaving in ((-350.0, True), (350.0, False)):
                leave = shapely.line_interpolate_point(line, at + shift)
                road = sources.lines[others[int(tree.query_nearest(leave, all_matches=False)[0])]]
                target = shapely.line_interpolate_point(road, shapely.line_locate_point(road, leave))
                ends = shapely.get_coordinates([leave, target] if leaving else [target, leave])
                sources.add(ends, "primary", f"{MOTORWAY.name}匝道", 1)


def network(sources: Sources, seed: int) -> Roads:
    """Node the lines, give each piece the class of its source, and keep what hangs together."""
    kinds = np.array(sources.kinds)
    lines = np.array(sources.lines, dtype=object)
    ramps = np.array(["匝道" in name for name in sources.names])
    way = kinds == "motorway"
    ground = shapely.get_parts(shapely.unary_union(lines[~way & ~ramps], grid_size=0.01))
    ground = shapely.get_parts(shapely.line_merge(shapely.multilinestrings(ground)))
    ramp_ends = point_array(shapely.get_coordinates(lines[ramps]))
    ground = _split_at(ground, ramp_ends)
    ways = _split_at(lines[way], ramp_ends)
    pieces = np.concatenate([ground, ways, lines[ramps]])
    source = np.concatenate(
        [
            _source_of(ground, lines, np.flatnonzero(~way & ~ramps), kinds),
            _source_of(ways, lines, np.flatnonzero(way), kinds),
            np.flatnonzero(ramps),
        ]
    )
    pieces = _oriented(pieces, lines[source])
    kept = shapely.length(pieces) > 0.5
    return _connected(pieces[kept], source[kept], sources)


def _split_at(lines: Geometries, points: Geometries) -> Geometries:
    """Lines cut where a point lies on them; the cut vertex is the point itself."""
    if len(points) == 0:
        return lines
    hit, which = shapely.STRtree(points).query(lines, predicate="dwithin", distance=0.02)
    out: list[shapely.Geometry] = []
    cuts: dict[int, list[int]] = {}
    for line, point in zip(hit, which, strict=True):
        cuts.setdefault(int(line), []).append(int(point))
    for k, line in enumerate(lines):
        out.extend(_cut(line, [points[p] for p in cuts[k]]) if k in cuts else [line])
    return np.array(out, dtype=object)


def _cut(line: shapely.LineString, points: list[shapely.Point]) -> list[shapely.LineString]:
    at = {float(shapely.line_locate_point(line, point)): shapely.get_coordinates(point) for point in points}
    inner = sorted(d for d in at if 0.5 < d < line.length - 0.5)
    coordinates = shapely.get_coordinates(line)
    distance = along(coordinates)
    bounds = [0.0, *inner, float(distance[-1])]
    at |= {bounds[0]: coordinates[:1], bounds[-1]: coordinates[-1:]}
    pieces = []
    for low, high in pairwise(bounds):
        middle = coordinates[(distance > low + 0.01) & (distance < high - 0.01)]
        pieces.append(shapely.LineString(np.vstack([at[low], middle, at[high]])))
    return pieces


def _source_of(pieces: Geometries, lines: Geometries, among: Ints, kinds: NDArray[np.str_]) -> Ints:
    """The source of each piece: the one of the highest class that its middle lies on."""
    middle = shapely.line_interpolate_point(pieces, 0.5, normalized=True)
    tree = shapely.STRtree(lines[among])
    piece, hit = tree.query(middle, predicate="dwithin", distance=0.1)
    rank = np.array([KINDS.index(kind) for kind in kinds])
    out = np.full(len(pieces), -1)
    order = np.argsort(-rank[among[hit]], kind="stable")
    out[piece[order]] = among[hit[order]]
    lost = np.flatnonzero(out < 0)
    if len(lost):
        out[lost] = among[tree.nearest(middle[lost])]
    return out


def _oriented(pieces: Geometries, sources: Geometries) -> Geometries:
    """Pieces turned to run the way their source runs, so that a one-way flag means along the line."""
    ends = shapely.get_point(pieces, 0), shapely.get_point(pieces, -1)
    backward = shapely.line_locate_point(sources, ends[0]) > shapely.line_locate_point(sources, ends[1])
    return np.where(backward & ~shapely.is_closed(sources), shapely.reverse(pieces), pieces)


def _connected(pieces: Geometries, source: Ints, sources: Sources) -> Roads:
    """Nodes numbered from equal end points; pieces apart from the main network are left out."""
    ends = np.vstack([shapely.get_coordinates(shapely.get_point(pieces, k)) for k in (0, -1)])
    _, number = np.unique(degrees(ends), axis=0, return_inverse=True)
    start, end = number[: len(pieces)], number[len(pieces) :]
    label = components(start, end)
    keep = label[start] == np.bincount(label[start]).argmax()
    kinds, names = np.array(sources.kinds)[source], np.array(sources.names)[source]
    oneway = np.array(sources.oneway)[source]
    return Roads(pieces[keep], kinds[keep], names[keep], oneway[keep], start[keep], end[keep])


def components(start: Ints, end: Ints) -> Ints:
    """Label of the connected component of each node."""
    label = np.arange(int(max(start.max(), end.max())) + 1)
    while True:
        low = np.minimum(label[start], label[end])
        before = label.copy()
        np.minimum.at(label, start, low)
        np.minimum.at(label, end, low)
        label = label[label]
        if np.array_equal(before, label):
            return label
