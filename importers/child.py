"""The reading child: ``python -m importers.child`` answers requests until its input ends.

A request is one line of JSON. An inspection is answered with one line of JSON; a reading with the byte 1 and an Arrow
IPC stream whose rows carry their number in the file, a rejection reason or a repair, and WKB in storage coordinates, or
with the byte 0 where there are no rows. A refusal is one line of JSON on standard error and exit status 3.
"""

import json
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.compute as pc

import importers.lean  # noqa: F401 - before anything imports pyogrio
from cim.errors import CimError, ImportRefused
from importers.ahead import Ahead
from importers.importer import GEOMETRY_COLUMN, ReadOptions
from importers.inspection import Inspection, LayerInspection, inspection_from
from importers.reference_systems import way_to_storage
from importers.registry import importer_for, importer_named
from importers.shapes import Target, prepared_shapes
from importers.wire import (
    DERIVED_COLUMNS,
    NO_ROWS,
    NOTED_COLUMN,
    REFUSED_COLUMN,
    REFUSED_STATUS,
    REJECTED_COLUMN,
    REPAIRED_COLUMN,
    ROW_COLUMN,
    ROWS_FOLLOW,
)


def main() -> int:
    """Answer the requests on standard input one after another."""
    try:
        for line in sys.stdin:
            _answer(json.loads(line), sys.stdout.buffer)
    except CimError as error:
        code = error.code if isinstance(error, ImportRefused) else "refused"
        fault = {"code": code, "what": error.what, "where": error.where, "remedy": error.remedy}
        sys.stderr.write(json.dumps(fault, ensure_ascii=False) + "\n")
        return REFUSED_STATUS
    return 0


def _answer(request: dict[str, Any], output: BinaryIO) -> None:
    if request["command"] == "inspect":
        output.write(json.dumps(asdict(_inspect(request)), ensure_ascii=False).encode() + b"\n")
    else:
        _read(request, output)
    output.flush()


def _inspect(request: dict[str, Any]) -> Inspection:
    path = Path(request["path"])
    importer = importer_for(path)
    return Inspection(importer.name, tuple(importer.inspect(path, ReadOptions(**request["options"]))))


def _read(request: dict[str, Any], output: BinaryIO) -> None:
    layer = inspection_from({"driver": "", "layers": [request["layer"]]}).layers[0]
    target = Target(**request["target"])
    writer = None
    with Ahead(_prepared(request, layer, target)) as batches:
        for batch in batches:
            if writer is None:
                output.write(ROWS_FOLLOW)
                writer = pa.ipc.new_stream(output, batch.schema)
            writer.write_batch(batch)
    if writer is None:
        output.write(NO_ROWS)
    else:
        writer.close()


def _prepared(request: dict[str, Any], layer: LayerInspection, target: Target) -> Iterator[pa.RecordBatch]:
    importer = importer_named(request["driver"])
    way = way_to_storage(target.source_srid, target.source_wkt) if target.geometry != "none" else None
    names = [field.name for field in layer.fields]
    row = 1
    with Ahead(importer.read(Path(request["path"]), layer, ReadOptions(**request["options"]))) as batches:
        for batch in batches:
            columns = {name: _kept(batch.column(name)) for name in names}
            count = batch.num_rows
            columns[ROW_COLUMN] = pa.array(range(row, row + count), pa.int64())
            row += count
            if way is None:
                columns[REJECTED_COLUMN] = columns[REPAIRED_COLUMN] = pa.nulls(count, pa.string())
            else:
                prepared = prepared_shapes(batch.column(GEOMETRY_COLUMN), target, way)
                columns[REJECTED_COLUMN], columns[REPAIRED_COLUMN] = prepared.rejected, prepared.repaired
                columns[GEOMETRY_COLUMN] = prepared.stored
                columns |= {DERIVED_COLUMNS[srid]: shapes for srid, shapes in prepared.derived.items()}
            if layer.kind == "city":
                columns |= _noted(batch, columns)
            yield pa.RecordBatch.from_arrays(list(columns.values()), names=list(columns))


def _noted(batch: pa.RecordBatch, columns: dict[str, pa.Array]) -> dict[str, pa.Array]:
    """What the format says of its rows goes first; a city object without a footprint is a row like others."""
    bare = batch.column(GEOMETRY_COLUMN).is_null()
    rejected = pc.if_else(bare, pa.scalar(None, pa.string()), columns[REJECTED_COLUMN])
    return {
        REJECTED_COLUMN: pc.coalesce(batch.column(REFUSED_COLUMN), rejected),
        REPAIRED_COLUMN: pc.coalesce(batch.column(NOTED_COLUMN), columns[REPAIRED_COLUMN]),
    }


def _kept(column: pa.Array) -> pa.Array:
    return column.cast(pa.string()) if pa.types.is_large_string(column.type) else column


if __name__ == "__main__":
    sys.exit(main())
