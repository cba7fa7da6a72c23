"""One tile of a city layer: objects in, GLB out. Pure work that runs in threads."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from cim.model.city_bodies import unpacked
from cim.model.city_measures import following, measured, plane_coordinates, units_of
from cim.model.city_surfaces import BrokenGeometry, Collector, Surfaces
from cim.model.ecef import LocalFrame, geocentric
from cim.model.ellipsoidal_heights import HeightWay
from cim.model.map_positions import system_of
from cim.model.reference_systems import given_crs, way_to_degrees
from cim.store.scene_city import CityRow
from tiles.scene.city_heights import HeightWays
from tiles.scene.city_looks import UNSAID, Colour, palette_of, usual_looks
from tiles.scene.city_shapes import DrawnShape, drawn_shape
from tiles.scene.columns import Column, ColumnKind, fid_kind
from tiles.scene.filling import filled
from tiles.scene.glb import Surface, glb_bytes
from tiles.scene.model_meshes import OPAQUE, linear

SMALLEST_M2 = 1e-6
COLUMNS: Mapping[str, ColumnKind] = {
    "object_id": "string",
    "object_type": "string",
    "name": "string",
    "building_code": "string",
    "height_m": "float32",
}
"""What tiles carry beside the fid, as far as the layer has it and the caller may see it."""
Floats = NDArray[np.float64]
Move = Callable[[Floats], Floats]


@dataclass(frozen=True, slots=True)
class CityTile:
    """A tile, and how many objects are drawn in it."""

    glb: bytes
    features: int


@dataclass(frozen=True, slots=True)
class _Batch:
    """Surfaces of the objects of a tile in its frame: the row of each object, its points, colours by surface."""

    frame: LocalFrame
    rows: list[CityRow]
    surfaces: Surfaces
    points: Floats
    looks: NDArray[np.int64]
    palette: Floats


def city_tile(
    rows: Sequence[CityRow],
    fields: Sequence[str],
    heights: HeightWays,
    *,
    quantised: bool = True,
) -> CityTile:
    """The tile of some objects; ``fields`` name their values, ``heights`` the ways of their heights.

    Objects without surfaces, and those whose heights have no way to the ellipsoid, are left out.
    """
    batch = _batch(rows, heights)
    if batch is None:
        return CityTile(glb_bytes(LocalFrame.at(0.0, 0.0, 0.0), [], _columns([], fields), quantised=quantised), 0)
    glb = glb_bytes(batch.frame, _surfaces(batch, fields), _columns(batch.rows, fields), quantised=quantised)
    return CityTile(glb, len(batch.rows))


def _columns(rows: Sequence[CityRow], fields: Sequence[str]) -> list[Column]:
    fids = [row.fid for row in rows]
    columns = [Column("fid", fid_kind(fids), fids)]
    for place, name in enumerate(fields):
        if name in COLUMNS:
            columns.append(Column(name, COLUMNS[name], [row.values[place] for row in rows]))
    return columns


def _batch(rows: Sequence[CityRow], heights: HeightWays) -> _Batch | None:
    looks: dict[Colour, int] = {}
    collector = Collector()
    kept: list[CityRow] = []
    shapes: list[DrawnShape] = []
    count = 0
    for row in rows:
        shape = _shape(row, looks)
        if shape is None or heights.of(shape.height_datum) is None:
            continue
        try:
            collector.add(len(kept), shape.geometries, len(shape.points), count)
        except BrokenGeometry:
            continue
        kept.append(row)
        shapes.append(replace(shape, geometries=[]))
        count += len(shape.points)
    surfaces = collector.done()
    if not len(surfaces.points):
        return None
    lon, lat, height_m = _places(shapes, heights)
    used = surfaces.points
    middle = [(float(side[used].min()) + float(side[used].max())) / 2 for side in (lon, lat, height_m)]
    frame = LocalFrame.at(*middle)
    points = frame.local(geocentric(lon, lat, height_m))
    return _Batch(frame, kept, surfaces, points, _said(shapes, surfaces), palette_of(looks))


def _said(shapes: Sequence[DrawnShape], surfaces: Surfaces) -> NDArray[np.int64]:
    """The place of the colour of each surface that its material says, else ``UNSAID``."""
    out = np.full(len(surfaces.surface_rings), UNSAID, np.int64)
    counts = np.bincount(surfaces.surface_part, minlength=len(surfaces.parts))
    ends = np.cumsum(counts)
    said = (looks for shape in shapes for looks in shape.looks)
    for end, count, looks in zip(ends.tolist(), counts.tolist(), said, strict=True):
        if isinstance(looks, int):
            out[end - count : end] = looks
        elif looks:
            out[end - count : end][: len(looks)] = looks[:count]
    return out


def _shape(row: CityRow, looks: dict[Colour, int]) -> DrawnShape | None:
    body = unpacked(row.body)
    if not body.get("vertices") or not body.get("crs"):
        return None
    return drawn_shape(body, looks, geographic=_way(str(body["crs"]))[1])


def _places(shapes: Sequence[DrawnShape], heights: HeightWays) -> tuple[Floats, Floats, Floats]:
    """Longitudes, latitudes and ellipsoidal heights of all points, shape after shape."""
    places = np.concatenate([shape.points for shape in shapes])
    of = np.repeat(np.arange(len(shapes)), [len(shape.points) for shape in shapes])
    frames = [(shape.crs, shape.height_datum) for shape in shapes]
    for frame in {*frames}:
        here = np.array([one == frame for one in frames], bool)[of]
        move, _ = _way(frame[0])
        lonlat = move(places[here, :2])
        way = heights.of(frame[1]) or HeightWay()
        places[here] = np.column_stack([lonlat, way.apply(lonlat[:, 0], lonlat[:, 1], places[here, 2])])
    return places[:, 0], places[:, 1], places[:, 2]


@lru_cache(maxsize=64)
def _way(crs: str) -> tuple[Move, bool]:
    """The way from a system to degrees, and whether it is in degrees itself."""
    srid, wkt = given_crs(crs)
    way = way_to_degrees(srid, wkt)
    offset = srid is None and wkt is not None and not wkt.lstrip().endswith("]")
    geographic = offset or bool(system_of(srid, wkt).is_geographic)
    return way.move or (lambda points: points), geographic


def _surfaces(batch: _Batch, fields: Sequence[str]) -> list[Surface]:
    surfaces = batch.surfaces
    found = measured(surfaces, batch.points)
    ring_surface = np.repeat(np.arange(len(surfaces.surface_rings)), surfaces.surface_rings)
    ring = np.repeat(np.arange(len(surfaces.rings)), surfaces.rings)
    of_point = ring_surface[ring]
    triangles = filled(plane_coordinates(found, of_point), of_point, ring, following(surfaces))
    corners = found.xyz[triangles]
    area_m2 = np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1) / 2
    triangles = triangles[area_m2 > SMALLEST_M2]
    normals = units_of(found.normals)
    owner = np.array([part.owner for part in surfaces.parts], np.int64)[surfaces.surface_part]
    colours = _colours(batch, fields, normals, owner)
    solid = colours[:, 3] >= OPAQUE
    return [
        _surface(found.xyz, triangles[keep[of_point[triangles[:, 0]]]], normals, colours, owner, of_point)
        for keep in (solid, ~solid)
    ]


def _colours(batch: _Batch, fields: Sequence[str], normals: Floats, owner: NDArray[np.int64]) -> NDArray[np.uint8]:
    """The colour of each surface as bytes that grow with the light."""
    types = [""] * len(batch.rows)
    if "object_type" in fields:
        place = list(fields).index("object_type")
        types = [row.values[place] or "" for row in batch.rows]
    of_object = [types[number] for number in owner.tolist()]
    colours = usual_looks(batch.surfaces.kind_names, batch.surfaces.kinds, of_object, normals[:, 2])
    said = batch.looks != UNSAID
    colours[said] = batch.palette[batch.looks[said]]
    known, of = np.unique(colours, axis=0, return_inverse=True)
    return np.array([linear(colour) for colour in known.tolist()], np.uint8)[of.ravel()]


def _surface(
    points: Floats,
    triangles: NDArray[np.int64],
    normals: Floats,
    colours: NDArray[np.uint8],
    owner: NDArray[np.int64],
    of_point: NDArray[np.int64],
) -> Surface:
    used = np.zeros(len(points), bool)
    used[triangles.ravel()] = True
    of = of_point[used]
    return Surface(
        points[used],
        owner[of].astype(np.uint32),
        (np.cumsum(used) - 1)[triangles].astype(np.uint32),
        normals[of],
        colours[of],
        translucent=bool(len(of)) and bool((colours[of, 3] < OPAQUE).all()),
        two_sided=True,
    )
