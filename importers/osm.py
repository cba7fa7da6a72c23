"""OpenStreetMap extracts, .osm.pbf and .osm: their roads, buildings and places."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyogrio

from cim.errors import ImportRefused
from cim.model.reference_systems import WGS84
from importers.geometry_kinds import kinds_of, stored_kind
from importers.importer import GEOMETRY_COLUMN, ReadOptions
from importers.inspection import LayerInspection, Problem, SourceField
from importers.vector_source import described_fields, read_layer

PBF_MARK = b"OSMHeader"
CONFIGURATION = Path(__file__).with_name("osmconf.ini")


@dataclass(frozen=True, slots=True)
class _Part:
    """One layer of ours: where its features stand, and which of these tags makes a feature one of it."""

    name: str
    source: str
    tags: tuple[str, ...]


PARTS = (
    _Part("roads", "lines", ("highway",)),
    _Part("buildings", "multipolygons", ("building",)),
    _Part("places", "points", ("place", "amenity", "shop", "tourism", "railway")),
)


class Osm:
    """Reads three layers out of an extract; everything else in it is counted and left out."""

    name = "OSM"

    def recognises(self, head: bytes, path: Path) -> bool:
        """The header blob of a .pbf, or the root element of the XML."""
        return PBF_MARK in head[:64] or (head.lstrip()[:1] == b"<" and b"<osm" in head[:1024])

    def inspect(self, path: Path, options: ReadOptions) -> list[LayerInspection]:
        """The three layers, those without features left out; WGS 84 by definition."""
        found, left_out = [], 0
        for part in PARTS:
            layer, others = _inspect(path, part)
            left_out += others
            if layer is not None:
                found.append(layer)
        if not found:
            raise ImportRefused(
                "nothing-to-load",
                "the extract holds no road, building or place",
                where=path.name,
                remedy="ask for another extract",
            )
        if left_out:
            problem = Problem("features-left-out", left_out, "features that are no road, building or place")
            found[0] = replace(found[0], problems=(*found[0].problems, problem))
        return found

    def read(self, path: Path, layer: LayerInspection, options: ReadOptions) -> Iterator[Any]:
        """Features in file order."""
        part = next(part for part in PARTS if part.name == layer.name)
        for batch in _batches(path, part):
            kept = batch.filter(_wanted(batch, part))
            if kept.num_rows:
                yield kept


def _inspect(path: Path, part: _Part) -> tuple[LayerInspection | None, int]:
    kinds: dict[str, int] = {}
    rows, others = 0, 0
    fields: tuple[SourceField, ...] = ()
    for batch in _batches(path, part):
        kept = batch.filter(_wanted(batch, part))
        others += batch.num_rows - kept.num_rows
        if kept.num_rows == 0:
            continue
        if rows == 0:
            fields, _ = described_fields(kept)
        rows += kept.num_rows
        for kind, count in kinds_of(kept.column(GEOMETRY_COLUMN))[0].items():
            kinds[kind] = kinds.get(kind, 0) + count
    if rows == 0:
        return None, others
    layer = LayerInspection(
        name=part.name,
        geometry_type=stored_kind(kinds),
        geometry_types=tuple(sorted(kinds)),
        feature_count=rows,
        srid=WGS84,
        crs_wkt=None,
        crs_evidence="WGS 84 by definition",
        encoding="UTF-8 (by definition)",
        bbox=None,
        fields=fields,
    )
    return layer, others


def _batches(path: Path, part: _Part) -> Iterator[pa.RecordBatch]:
    """Batches of one kind of feature; nodes may stand in any order, which a plain index allows."""
    try:
        yield from read_layer(path, part.source, CONFIG_FILE=str(CONFIGURATION), USE_CUSTOM_INDEXING="NO")
    except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError, pa.ArrowException, RuntimeError) as error:
        raise ImportRefused(
            "unreadable",
            f"the extract is damaged: {str(error)[:120]}",
            where=path.name,
            remedy="ask for the file again",
        ) from error


def _wanted(batch: pa.RecordBatch, part: _Part) -> pa.Array:
    mask = pa.array([False] * batch.num_rows)
    for tag in part.tags:
        if tag in batch.schema.names:
            mask = pc.or_(mask, batch.column(tag).is_valid())
    return mask
