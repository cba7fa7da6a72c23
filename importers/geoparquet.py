"""GeoParquet: columns of Arrow types with WKB geometry."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pyproj

from cim.errors import ImportRefused
from cim.model.reference_systems import declared_crs
from importers.geometry_kinds import kinds_of, stored_kind
from importers.importer import BATCH_ROWS, GEOMETRY_COLUMN, ReadOptions
from importers.inspection import LayerInspection, Problem, SourceField
from importers.vector_source import described_fields, plain_column

MAGIC = b"PAR1"
DEFAULT_CRS = "EPSG:4326"
"""Longitude and latitude of WGS 84, what a file without a ``crs`` member is in."""


class GeoParquet:
    """Reads a Parquet file; without GeoParquet's metadata it is a table."""

    name = "Parquet"

    def recognises(self, head: bytes, path: Path) -> bool:
        """The magic bytes of Parquet."""
        return head.startswith(MAGIC)

    def inspect(self, path: Path, options: ReadOptions) -> list[LayerInspection]:
        """The one layer, its box and kinds taken from the geometries themselves."""
        crs, evidence = _crs(path)
        srid, wkt = declared_crs(crs)
        kinds: dict[str, int] = {}
        rows, heights = 0, 0
        fields: tuple[SourceField, ...] = ()
        problems: list[Problem] = []
        for batch in self.read(path, _nothing(path), options):
            if rows == 0:
                fields, problems = described_fields(batch)
            rows += batch.num_rows
            if GEOMETRY_COLUMN in batch.schema.names:
                found, with_z = kinds_of(batch.column(GEOMETRY_COLUMN))
                heights += with_z
                for kind, count in found.items():
                    kinds[kind] = kinds.get(kind, 0) + count
        if heights:
            problems.append(Problem("z-dropped", heights, "heights in the geometry are not kept; stored in 2D"))
        located = _geometry(path) is not None
        return [
            LayerInspection(
                name=path.stem,
                geometry_type=stored_kind(kinds) if located else "none",
                geometry_types=tuple(sorted(kinds)),
                feature_count=rows,
                srid=srid,
                crs_wkt=wkt,
                crs_evidence=evidence if located else "a table without geometry",
                encoding="UTF-8 (by the format)",
                bbox=_bbox(path),
                fields=fields,
                problems=tuple(problems),
            )
        ]

    def read(self, path: Path, layer: LayerInspection, options: ReadOptions) -> Iterator[Any]:
        """Rows in file order."""
        geometry = _geometry(path)
        try:
            with pq.ParquetFile(path) as file:
                for batch in file.iter_batches(BATCH_ROWS):
                    yield _plain(batch, geometry)
        except (pa.ArrowException, OSError) as error:
            raise _unreadable(path, error) from error


def _plain(batch: pa.RecordBatch, geometry: str | None) -> pa.RecordBatch:
    columns, names = [], []
    for field, column in zip(batch.schema, batch.columns, strict=True):
        if field.name == geometry:
            columns.append(column.cast(pa.binary()))
            names.append(GEOMETRY_COLUMN)
        else:
            columns.append(plain_column(column))
            names.append(field.name)
    return pa.RecordBatch.from_arrays(columns, names=names)


def _nothing(path: Path) -> LayerInspection:
    return LayerInspection(path.stem, "none", (), 0, None, None, "", "", None, ())


def _metadata(path: Path) -> dict[str, Any]:
    try:
        schema = pq.read_schema(path)
        found = json.loads((schema.metadata or {}).get(b"geo", b"{}"))
    except (pa.ArrowException, OSError, ValueError) as error:
        raise _unreadable(path, error) from error
    return found if isinstance(found, dict) else {}


def _column(path: Path) -> dict[str, Any]:
    geo = _metadata(path)
    column = geo.get("columns", {}).get(geo.get("primary_column"), {})
    return column if isinstance(column, dict) else {}


def _geometry(path: Path) -> str | None:
    name = _metadata(path).get("primary_column")
    if name is None:
        return None
    encoding = _column(path).get("encoding")
    if encoding != "WKB":
        raise ImportRefused(
            "unreadable",
            f"geometry is encoded as {encoding}, only WKB is read",
            where=path.name,
            remedy="write the file with WKB geometry",
        )
    return str(name)


def _crs(path: Path) -> tuple[str | None, str]:
    column = _column(path)
    if "crs" not in column:
        return DEFAULT_CRS, "by the standard, the file names none"
    if column["crs"] is None:
        return None, "none declared"
    try:
        return pyproj.CRS.from_json_dict(column["crs"]).to_wkt(), "declared in the file"
    except (pyproj.exceptions.CRSError, TypeError):
        return None, "declared, but not as a known system"


def _bbox(path: Path) -> tuple[float, float, float, float] | None:
    sides = _column(path).get("bbox")
    if not isinstance(sides, list) or len(sides) not in {4, 6}:
        return None
    half = len(sides) // 2
    return float(sides[0]), float(sides[1]), float(sides[half]), float(sides[half + 1])


def _unreadable(path: Path, error: Exception) -> ImportRefused:
    return ImportRefused(
        "unreadable", f"not a whole Parquet file: {str(error)[:120]}", where=path.name, remedy="ask for the file again"
    )
