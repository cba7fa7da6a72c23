"""Arcs and curved rings, which nothing else here knows, read as their chords."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyogrio

from importers.importer import BATCH_ROWS, GEOMETRY_COLUMN

CURVED = frozenset(range(8, 13))
"""WKB codes of CircularString, CompoundCurve, CurvePolygon, MultiCurve and MultiSurface; with Z and M by thousands."""
_Z_FLAG = 0x1FFFFFFF


def has_curves(batch: pa.RecordBatch) -> bool:
    """Whether a geometry of a batch is, by its WKB code, one that may have arcs."""
    if GEOMETRY_COLUMN not in batch.schema.names:
        return False
    heads = pc.unique(pc.binary_slice(batch.column(GEOMETRY_COLUMN), 0, 5)).drop_null().to_pylist()
    return any(len(head) == 5 and _code(head) in CURVED for head in heads)


def straightened(
    path: Path, layer: str, schema: pa.Schema, skip: int, options: Mapping[str, Any]
) -> Iterator[pa.RecordBatch]:
    """Batches of a layer from a row on, its curves as chords, in the schema that batches before them had."""
    while True:
        meta, _, shapes, columns = pyogrio.raw.read(
            path, layer=layer, skip_features=skip, max_features=BATCH_ROWS, force_2d=True, **options
        )
        count = len(shapes)
        if count == 0:
            return
        skip += count
        values = dict(zip(meta["fields"], columns, strict=True))
        arrays = [
            pa.array(shapes, pa.binary()).cast(field.type)
            if field.name == GEOMETRY_COLUMN
            else _column(values.get(field.name), field.type, count)
            for field in schema
        ]
        yield pa.RecordBatch.from_arrays(arrays, schema=schema)


def _column(values: Any, kind: pa.DataType, count: int) -> pa.Array:
    """Values as GDAL's plain reading gives them, in the type that its Arrow reading gave."""
    if values is None:
        return pa.nulls(count, kind)
    return pa.array(np.asarray(values), from_pandas=True).cast(kind, safe=False)


def _code(head: bytes) -> int:
    number = int.from_bytes(head[1:5], "little" if head[0] else "big")
    return (number & _Z_FLAG) % 1000
