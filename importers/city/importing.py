"""What the formats of city models share: inspecting a file, and reading its objects into rows and shapes."""

import gc
import json
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from cim.model.city_bodies import listed, mapped
from cim.model.city_surfaces import SOLIDS
from cim.model.collection import BoundingBox
from importers.city.faults import FAULTS
from importers.city.frames import Axes, Frame, axes_of, east_first, frame_of
from importers.city.model import CitySource, Family, Head, Pool
from importers.city.rows import FIELDS, KINDS, Looked, Looker
from importers.city.shape_file import ShapeFile
from importers.importer import ReadOptions
from importers.inspection import LayerInspection, Problem, SourceField
from importers.wire import SHAPES_FILE

EXAMINED = 2_000
"""Objects whose shapes an inspection checks; an import checks all."""
KEPT_MEMBERS_BYTES = 64 * 1024
MOST_NAMED = 3
INSIDE_OUT = f"{FAULTS[405]} (405)"
OPEN_SHELLS = frozenset(f"{FAULTS[code]} ({code})" for code in (302, 303, 307))


class CityImporter(ABC):
    """Reads one format of city models; siblings say how a file is opened."""

    name = ""

    @abstractmethod
    def open(self, path: Path, options: ReadOptions) -> CitySource:
        """The file as a city model."""

    def inspect(self, path: Path, options: ReadOptions) -> list[LayerInspection]:
        """One layer of all objects."""
        spare_collecting()
        source = self.open(path, options)
        return [_inspection(layer_name(path), source, options)]

    def read(self, path: Path, layer: LayerInspection, options: ReadOptions) -> Iterator[pa.RecordBatch]:
        """Rows object by object; their shapes are written to ``SHAPES_FILE`` in the working folder."""
        spare_collecting()
        source = self.open(path, options)
        north_first = bool(json.loads(layer.document or "{}").get("north_first"))
        frame = replace(frame_of(source.head.reference, options), north_first=north_first)
        with ShapeFile(Path.cwd() / SHAPES_FILE) as shapes:
            for looked in Looker(source.head, frame).batches(source.families()):
                batch = looked.to_batch()
                shapes.add(looked.bodies)
                yield batch


def spare_collecting() -> None:
    """Look for circles of objects rarely: models are great heaps of objects without any, and looking costs a third."""
    gc.set_threshold(500_000, 50, 1_000)


def layer_name(path: Path) -> str:
    """The name of a file without the suffixes city models have."""
    return path.stem.removesuffix(".city")


@dataclass(slots=True)
class _Met:
    """What an inspection has seen so far; ``low`` and ``high`` are the axes as written."""

    count: int = 0
    low: Any = field(default_factory=lambda: np.full(3, np.inf))
    high: Any = field(default_factory=lambda: np.full(3, -np.inf))
    samples: list[Family] = field(default_factory=list)
    sampled: int = 0
    pictures: set[str] = field(default_factory=set)

    @property
    def box(self) -> BoundingBox | None:
        """First and second axis, least and greatest; None where there are no vertices."""
        if not np.isfinite(self.low).all():
            return None
        return float(self.low[0]), float(self.low[1]), float(self.high[0]), float(self.high[1])


def _inspection(name: str, source: CitySource, options: ReadOptions) -> LayerInspection:
    head = source.head
    met = _met(source, head)
    frame = frame_of(head.reference, options)
    axes = axes_of(frame, met.box)
    looked = _looked(head, frame, axes, met)
    if axes.open and _mirrored(looked):
        axes = east_first(frame)
        looked = _looked(head, frame, axes, met)
    declared = frame_of(head.reference, ReadOptions())
    problems = [*_place_problems(frame, axes.note), *_object_problems(looked, met), *_picture_problems(met)]
    document = {"version": head.version, "members": dict(head.members), "north_first": axes.north_first}
    document |= {"scale": replace(frame, north_first=axes.north_first).order(head.scale)}
    document["reference"] = options.crs or head.reference
    if len(json.dumps(document)) > KEPT_MEMBERS_BYTES:
        problems.append(Problem("metadata-left-out", 1, "the file's metadata and extensions are too large to be kept"))
        document["members"] = {}
    box = met.box
    return LayerInspection(
        name=name,
        geometry_type="MultiPolygon",
        geometry_types=("MultiPolygon",),
        feature_count=met.count,
        srid=declared.srid,
        crs_wkt=declared.wkt,
        crs_evidence="declared in the file" if declared.crs else "none declared",
        encoding="UTF-8",
        bbox=(box[1], box[0], box[3], box[2]) if box and axes.north_first else box,
        fields=_fields(looked),
        problems=tuple(problems),
        kind="city",
        height_datum=frame.height_datum,
        document=json.dumps(document, ensure_ascii=False),
    )


def _looked(head: Head, frame: Frame, axes: Axes, met: _Met) -> list[Looked]:
    placed = replace(frame, north_first=axes.north_first)
    fresh = [[replace(one, notes=list(one.notes)) for one in family] for family in met.samples]
    return list(Looker(head, placed).batches(fresh, bodies=False))


def _mirrored(looked: list[Looked]) -> bool:
    """Whether most of the closed shells are inside out."""
    texts = [{text for _, text in faults} for batch in looked for faults in batch.faults if batch.objects]
    solids = [
        any(mapped(geometry).get("type") in SOLIDS for geometry in listed(one.content.get("geometry")))
        for batch in looked
        for one in batch.objects
    ]
    turned = sum(INSIDE_OUT in told for told in texts)
    closed = sum(solid and not told & OPEN_SHELLS for solid, told in zip(solids, texts, strict=True))
    return turned * 2 > closed


def _met(source: CitySource, head: Head) -> _Met:
    """One pass over all objects: how many, where, and the first of them for a closer look."""
    met = _Met()
    last = None
    for family in source.families():
        met.count += len(family)
        if met.sampled < EXAMINED:
            met.samples.append(family)
            met.sampled += len(family)
        for pool in {id(one.pool): one.pool for one in family}.values():
            if pool is not last:
                met.pictures.update(_pictures(pool))
            if pool is not last and len(pool.vertices):
                met.low = np.minimum(met.low, pool.vertices.min(axis=0))
                met.high = np.maximum(met.high, pool.vertices.max(axis=0))
            last = pool
    met.low = met.low * np.array(head.scale) + np.array(head.translate)
    met.high = met.high * np.array(head.scale) + np.array(head.translate)
    return met


def _pictures(pool: Pool) -> Iterator[str]:
    for texture in listed(pool.appearance.get("textures")):
        yield str(mapped(texture).get("image"))[:120]


def _place_problems(frame: Frame, note: str | None) -> Iterator[Problem]:
    if note:
        yield Problem("axis-order", 1, note)
    if not frame.height_datum:
        message = "heights without a height system; give --height-datum 1985 (or egm96, ellipsoidal, local, EPSG:CODE)"
        yield Problem("height-datum", 1, message)


def _picture_problems(met: _Met) -> Iterator[Problem]:
    """Pictures are files of their own: their names, and where they lie on surfaces, are what is kept."""
    if met.pictures:
        named = ", ".join(sorted(met.pictures)[:MOST_NAMED])
        message = f"{len(met.pictures)} pictures of surfaces are kept by name only, the files are not: {named}"
        yield Problem("pictures-by-name", len(met.pictures), message)


def _object_problems(looked: list[Looked], met: _Met) -> Iterator[Problem]:
    """What is wrong with the objects looked at, kind by kind with the first ones' ids."""
    named: dict[tuple[str, str], list[str]] = {}
    for batch in looked:
        for one, faults in zip(batch.objects, batch.faults, strict=True):
            if one.refused:
                named.setdefault(("objects-rejected", one.refused), []).append(one.id)
            for text in {text for _, text in faults}:
                named.setdefault(("shape-fault", text), []).append(one.id)
            for text in one.notes:
                named.setdefault(("object-fault", text), []).append(one.id)
    seen = f" (of the first {met.sampled} objects)" if met.sampled < met.count else ""
    for (code, text), ids in named.items():
        listed = ", ".join(one[:80] for one in ids[:MOST_NAMED]) + (", ..." if len(ids) > MOST_NAMED else "")
        yield Problem(code, len(ids), f"{text}: {len(ids)} objects{seen}, {listed}")
    places = [
        shape is None and not one.refused
        for batch in looked
        for one, shape in zip(batch.objects, batch.shapes, strict=True)
    ]
    if any(places):
        yield Problem("no-footprint", sum(places), f"objects without an area in the plan{seen}; they have no footprint")


def _fields(looked: list[Looked]) -> tuple[SourceField, ...]:
    rows = [row for batch in looked for row in batch.rows]
    fields = []
    for name, kind in FIELDS.items():
        samples = [str(row[name])[:60] for row in rows[:50] if row.get(name) is not None][:MOST_NAMED]
        fields.append(SourceField(name, KINDS[kind], tuple(samples), sum(row.get(name) is None for row in rows)))
    return tuple(fields)
