"""The reading child: ``python -m importers.child`` answers requests until its input ends.

A request is one line of JSON. An inspection is answered with one line of JSON; a reading with the byte 1 and an Arrow
IPC stream whose rows carry their number in the file, a rejection reason or a repair, and WKB in storage coordinates, or
with the byte 0 where there are no rows. A building model is answered likewise, by rows of ``importers.bim.records``. A
refusal is one line of JSON on standard error and exit status 3.
"""

import json
import sys
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.compute as pc

import importers.lean  # noqa: F401 - before anything imports pyogrio
from cim.errors import CimError, ImportRefused
from cim.model.bim import Placement
from cim.model.reference_systems import way_to_storage
from importers.ahead import Ahead
from importers.archive import Archive
from importers.bim.ifc import Ifc
from importers.bim.records import Row, batches
from importers.importer import GEOMETRY_COLUMN, ReadOptions
from importers.inspection import Inspection, LayerInspection, inspection_from
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
    elif request["command"] == "model":
        _write_batches(output, batches(_model_rows(request)))
    else:
        with Ahead(_prepared(request)) as ahead:
            _write_batches(output, ahead)
    output.flush()


def _inspect(request: dict[str, Any]) -> Inspection:
    path = Path(request["path"])
    importer = importer_for(path)
    return Inspection(importer.name, tuple(importer.inspect(path, ReadOptions(**request["options"]))))


def _layer(request: dict[str, Any]) -> LayerInspection:
    return inspection_from({"driver": "", "layers": [request["layer"]]}).layers[0]


def _write_batches(output: BinaryIO, batches: Iterable[pa.RecordBatch]) -> None:
    writer = None
    for batch in batches:
        if writer is None:
            output.write(ROWS_FOLLOW)
            writer = pa.ipc.new_stream(output, batch.schema)
        writer.write_batch(batch)
    if writer is None:
        output.write(NO_ROWS)
    else:
        writer.close()


def _model_rows(request: dict[str, Any]) -> Iterator[Row]:
    path, importer = Path(request["path"]), importer_named(request["driver"])
    if isinstance(importer, Archive):
        path, importer = importer.member(path, _layer(request))
    if not isinstance(importer, Ifc):
        raise ImportRefused("no-model", "the file holds no building model", where=path.name)
    known = {name: bytes.fromhex(text) for name, text in json.loads(Path(request["known"]).read_text("utf-8")).items()}
    given = request["placement"]
    placement = Placement(**{**given, "notes": tuple(given["notes"])}) if given else None
    return importer.model(path, ReadOptions(**request["options"]), known, placement)


def _prepared(request: dict[str, Any]) -> Iterator[pa.RecordBatch]:
    importer, layer, target = importer_named(request["driver"]), _layer(request), Target(**request["target"])
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
