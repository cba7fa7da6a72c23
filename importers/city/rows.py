"""City objects as the rows of a layer: fields, footprint, and the shapes beside them."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import shapely

from cim.model.city_bodies import listed, mapped
from cim.model.city_measures import Measured, Reals, measured
from cim.model.city_surfaces import BrokenGeometry, Collector, Numbers, lod_of
from cim.model.collection import FieldType
from importers.city import attributes as a
from importers.city.bodies import Body, BodyMaker
from importers.city.faults import FAULTS, faults_of
from importers.city.footprints import Shapes, footprints, united
from importers.city.frames import Frame
from importers.city.instances import reaches
from importers.city.model import CityObject, Family, Head, Pool
from importers.importer import GEOMETRY_COLUMN
from importers.wire import NOTED_COLUMN, REFUSED_COLUMN

BATCH_OBJECTS = 2_000
FIELDS: dict[str, pa.DataType] = {
    "object_id": pa.string(),
    "object_type": pa.string(),
    "parent": pa.string(),
    "name": pa.string(),
    "lods": pa.string(),
    "ground_m": pa.float64(),
    "roof_m": pa.float64(),
    "height_m": pa.float64(),
    "height_datum": pa.string(),
    "storeys_above": pa.int32(),
    "function": pa.string(),
    "usage": pa.string(),
    "roof_type": pa.string(),
    "year": pa.int32(),
    "building_code": pa.string(),
    "cim_level": pa.int32(),
    "attributes": pa.string(),
    "shape": pa.string(),
}
"""What is kept of a city object; heights are in ``height_datum``, ``shape`` names its shapes by their hash."""
KINDS: dict[pa.DataType, FieldType] = {pa.string(): "text", pa.int32(): "integer", pa.float64(): "double"}
MOST_TOLD = 8


@dataclass(slots=True)
class Looked:
    """Some families of objects looked at: rows, footprints, notes of faults and reasons to leave objects out."""

    objects: list[CityObject]
    rows: list[dict[str, Any]]
    shapes: Shapes
    bodies: list[Body | None]
    faults: list[set[tuple[str, str]]]

    def to_batch(self) -> pa.RecordBatch:
        """As the reading child hands rows on."""
        columns = [pa.array([row.get(name) for row in self.rows], kind) for name, kind in FIELDS.items()]
        wkb = pa.array(shapely.to_wkb(self.shapes, byte_order=1), pa.binary())
        refused = pa.array([one.refused and told_refusal(one) for one in self.objects], pa.string())
        noted = pa.array(
            [told_faults(one, faults) for one, faults in zip(self.objects, self.faults, strict=True)], pa.string()
        )
        names = [*FIELDS, GEOMETRY_COLUMN, REFUSED_COLUMN, NOTED_COLUMN]
        return pa.RecordBatch.from_arrays([*columns, wkb, refused, noted], names=names)


def told_refusal(one: CityObject) -> str:
    """Why an object is left out."""
    return a.clean(f"{one.id[:120]}: {one.refused}")


def told_faults(one: CityObject, faults: set[tuple[str, str]]) -> str | None:
    """What is wrong with an object that is loaded as it is; None for nothing."""
    told = [*one.notes, *(f"LoD {lod}: {text}" if lod else text for lod, text in sorted(faults))]
    if not told:
        return None
    more = f"; {len(told) - MOST_TOLD} more" if len(told) > MOST_TOLD else ""
    return a.clean(f"kept as delivered: {one.id[:120]}: {'; '.join(told[:MOST_TOLD])}{more}")


class Looker:
    """Looks at the objects of one file, batch by batch."""

    def __init__(self, head: Head, frame: Frame) -> None:
        self._head = head
        self._frame = frame
        self._maker = BodyMaker(head, frame)

    def batches(self, families: Iterable[Family], *, bodies: bool = True) -> Iterator[Looked]:
        """Every object, families whole; without ``bodies`` for an inspection."""
        held: list[Family] = []
        count = 0
        for family in families:
            held.append(family)
            count += len(family)
            if count >= BATCH_OBJECTS:
                yield self._looked(held, bodies=bodies)
                held, count = [], 0
        if held:
            yield self._looked(held, bodies=bodies)

    def _looked(self, families: Sequence[Family], *, bodies: bool) -> Looked:
        objects = [one for family in families for one in family]
        pools, starts = _pools(objects)
        steps = np.concatenate([pool.vertices for pool in pools]) if pools else np.empty((0, 3), np.int64)
        collector = Collector()
        for number, one in enumerate(objects):
            if one.refused is None:
                try:
                    geometries = listed(one.content.get("geometry"))
                    collector.add(number, geometries, len(one.pool.vertices), starts[id(one.pool)])
                except BrokenGeometry as error:
                    one.refused = str(error)
        coordinates = self._frame.ordered(steps * np.array(self._head.scale) + np.array(self._head.translate))
        found = measured(collector.done(), self._frame.metres(coordinates))
        plan = coordinates[found.surfaces.points][:, :2] if len(coordinates) else np.empty((0, 2))
        faults = self._faults(found, steps, len(objects))
        shapes = footprints(found, plan, len(objects))
        heights = _heights(found, coordinates, len(objects))
        self._reach(objects, shapes, heights)
        _inherit(families, shapes, heights)
        out = Looked(objects, [], shapes, [], faults)
        ordered = {id(pool): self._frame.ordered(pool.vertices) for pool in pools} if bodies else {}
        for number, one in enumerate(objects):
            lods = lods_of(one)
            body = self._body(one, ordered[id(one.pool)], lods) if bodies else None
            out.bodies.append(body)
            out.rows.append(self._row(one, lods, heights[number], body))
        return out

    def _body(self, one: CityObject, vertices: Numbers, lods: tuple[str, ...]) -> Body | None:
        if one.refused is not None:
            return None
        try:
            return self._maker.made(one, vertices, lods)
        except (ValueError, IndexError, TypeError, AttributeError, RecursionError) as error:
            one.refused = f"its appearance or geometry cannot be kept: {str(error)[:100]}"
            return None

    def _faults(self, found: Measured, steps: Numbers, objects: int) -> list[set[tuple[str, str]]]:
        out: list[set[tuple[str, str]]] = [set() for _ in range(objects)]
        for code, places in faults_of(found, _equal_ids(steps)):
            for place in set(places.tolist()):
                part = found.surfaces.parts[place]
                out[part.owner].add((part.lod, f"{FAULTS[code]} ({code})"))
        return out

    def _reach(self, objects: Sequence[CityObject], shapes: Shapes, heights: Reals) -> None:
        """Objects that are placed templates, points or lines have a box around them, or nothing."""
        for number, one in enumerate(objects):
            if one.refused is None and shapes[number] is None and one.content.get("geometry"):
                reach = reaches(one, self._head, self._frame)
                if reach is not None:
                    shapes[number] = shapely.box(*reach.box) if reach.has_area else None
                    heights[number] = (
                        np.fmin(heights[number][0], reach.low_m),
                        np.fmax(heights[number][1], reach.high_m),
                    )

    def _row(self, one: CityObject, lods: tuple[str, ...], heights: Reals, body: Body | None) -> dict[str, Any]:
        attributes = mapped(one.content.get("attributes"))
        meant = a.meant(attributes)
        ground, roof = (float(h) if np.isfinite(h) else None for h in heights)
        measured_m = a.metres_of(meant.get("height"))
        if measured_m is None and ground is not None and roof is not None:
            measured_m = round(roof - ground, 3)
        textured = any(mapped(geometry).get("texture") for geometry in listed(one.content.get("geometry")))
        return {
            "object_id": a.clean(one.id),
            "object_type": a.clean(str(one.content.get("type", ""))),
            "parent": a.clean(one.parents[0]) if one.parents else None,
            "name": meant.get("name"),
            "lods": ",".join(lods) or None,
            "ground_m": ground,
            "roof_m": roof,
            "height_m": measured_m,
            "height_datum": self._frame.height_datum if ground is not None else None,
            "storeys_above": a.whole_of(meant.get("storeys"), 1_000),
            "function": meant.get("function"),
            "usage": meant.get("usage"),
            "roof_type": meant.get("roof"),
            "year": a.whole_of(meant.get("year"), 9_999),
            "building_code": meant.get("building_code"),
            "cim_level": a.cim_level(lods, textured=textured),
            "attributes": a.as_json(one.content.get("attributes")),
            "shape": body.hash.hex() if body else None,
        }


def lods_of(one: CityObject) -> tuple[str, ...]:
    """The levels of detail an object has, in order."""
    return tuple(sorted({lod_of(mapped(geometry)) for geometry in listed(one.content.get("geometry"))} - {""}))


def _pools(objects: Sequence[CityObject]) -> tuple[list[Pool], dict[int, int]]:
    """The pools of some objects, and where the vertices of each begin among those of all."""
    pools: list[Pool] = []
    starts: dict[int, int] = {}
    count = 0
    for one in objects:
        if id(one.pool) not in starts:
            starts[id(one.pool)] = count
            pools.append(one.pool)
            count += len(one.pool.vertices)
    return pools, starts


def _equal_ids(steps: Numbers) -> Numbers:
    """Numbers that are equal for equal vertices."""
    if not len(steps):
        return np.empty(0, np.int64)
    mixed = (
        steps[:, 0] * np.int64(73_856_093) ^ steps[:, 1] * np.int64(19_349_663_111) ^ steps[:, 2] * np.int64(83_492_791)
    )
    ids: Numbers = np.unique(mixed, return_inverse=True)[1].astype(np.int64)
    return ids


def _heights(found: Measured, coordinates: Reals, objects: int) -> Reals:
    """Least and greatest height of each object, NaN where it has no surface."""
    out = np.full((objects, 2), np.nan)
    surfaces = found.surfaces
    if len(surfaces.points):
        ring_surface = np.repeat(np.arange(len(surfaces.surface_rings)), surfaces.surface_rings)
        owners = np.array([part.owner for part in surfaces.parts])[surfaces.surface_part[ring_surface]]
        of_point = np.repeat(owners, surfaces.rings)
        heights = coordinates[surfaces.points, 2]
        np.fmin.at(out[:, 0], of_point, heights)
        np.fmax.at(out[:, 1], of_point, heights)
    return out


def _inherit(families: Sequence[Family], shapes: Shapes, heights: Reals) -> None:
    """An object without surfaces of its own stands where its parts do."""
    first = 0
    for family in families:
        if len(family) > 1:
            numbers = {one.id: first + place for place, one in enumerate(family)}
            for place in range(len(family) - 1, -1, -1):
                _inherit_one(first + place, family[place], numbers, family, shapes, heights)
        first += len(family)


def _inherit_one(
    number: int, one: CityObject, numbers: dict[str, int], family: Family, shapes: Shapes, heights: Reals
) -> None:
    if shapes[number] is not None or one.content.get("geometry"):
        return
    below = [numbers[part.id] for part in family if one.id in part.parents and numbers[part.id] != number]
    held = [shapes[place] for place in below if shapes[place] is not None]
    if held:
        shapes[number] = united([polygon for shape in held for polygon in shapely.get_parts(shape)])
        heights[number] = np.nanmin(heights[below, 0]), np.nanmax(heights[below, 1])
