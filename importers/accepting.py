"""Rows on their way from the reading child to COPY: typed, keyed, hashed and accounted for."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc

from cim.model.imports import RejectedRow, RepairedRow
from cim.model.reference_systems import GEOGRAPHIC
from cim.store.collection_tables import derived_srids
from importers.copy_rows import HEADER, TRAILER, CopyColumn, content_hashes, rows_payload
from importers.importer import GEOMETRY_COLUMN
from importers.plan import Plan
from importers.quality.run import Quality, Shapes
from importers.row_notes import RowNotes
from importers.sandbox import Source
from importers.wire import DERIVED_COLUMNS, REJECTED_COLUMN, REPAIRED_COLUMN, ROW_COLUMN

Progress = Callable[[str, int, int], None]
"""Called with the layer, the rows read so far and the rows there are."""


@dataclass(slots=True)
class Account:
    """What became of the rows so far."""

    read: int = 0
    loaded: int = 0
    skipped: int = 0
    rejected: RowNotes[RejectedRow] = field(default_factory=lambda: RowNotes(RejectedRow))
    repaired: RowNotes[RepairedRow] = field(default_factory=lambda: RowNotes(RepairedRow))


def copy_payloads(
    source: Source, plan: Plan, account: Account, quality: Quality, progress: Progress
) -> Iterator[bytes | memoryview]:
    """COPY bytes batch by batch, with the account kept as rows pass."""
    yield HEADER
    for batch in source.batches(plan.inspection, plan.target):
        account.read += batch.num_rows
        kept = _accepted(batch, plan, account, quality)
        if kept is not None:
            yield kept
        progress(plan.layer, account.read, plan.inspection.feature_count)
    yield TRAILER


def _accepted(batch: pa.RecordBatch, plan: Plan, account: Account, quality: Quality) -> memoryview | None:
    columns, wrong = plan.mapping.columns(batch)
    rows = batch.column(ROW_COLUMN)
    looked = quality.look_at(plan, columns, rows, _shapes_of(batch, plan))
    columns = looked.columns
    reasons: dict[int, str] = {**looked.reasons, **wrong}
    for index in pc.indices_nonzero(batch.column(REJECTED_COLUMN).is_valid()).to_pylist():
        reasons[index] = batch.column(REJECTED_COLUMN)[index].as_py()
    keys = _keys(plan, columns)
    if keys is not None and keys.null_count:
        for index in pc.indices_nonzero(keys.is_null()).to_pylist():
            reasons.setdefault(index, f"the key {plan.schema.key} is empty")
    account.rejected.add((rows[i].as_py(), reason) for i, reason in sorted(reasons.items()))
    repairs = batch.column(REPAIRED_COLUMN)
    account.repaired.add(
        (rows[i].as_py(), repairs[i].as_py())
        for i in pc.indices_nonzero(repairs.is_valid()).to_pylist()
        if i not in reasons
    )
    account.repaired.add((rows[i].as_py(), text) for i, text in looked.repairs.items() if i not in reasons)
    shapes = _shape_columns(batch, plan)
    if reasons:
        take = pa.array([i for i in range(batch.num_rows) if i not in reasons], pa.int64())
        columns = [column.take(take) for column in columns]
        shapes = [CopyColumn(shape.kind, shape.values.take(take), shape.srid) for shape in shapes]
        keys = keys.take(take) if keys is not None else None
    count = batch.num_rows - len(reasons)
    if count == 0:
        return None
    payload = _payload(plan, columns, shapes, keys, account.loaded + 1, count)
    account.loaded += count
    return payload


def _shapes_of(batch: pa.RecordBatch, plan: Plan) -> Shapes | None:
    if plan.schema.geometry == "none":
        return None
    stored = batch.column(GEOMETRY_COLUMN)
    lonlat = stored if plan.schema.srid == GEOGRAPHIC else batch.column(DERIVED_COLUMNS[GEOGRAPHIC])
    return Shapes(stored, lonlat)


def _shape_columns(batch: pa.RecordBatch, plan: Plan) -> list[CopyColumn]:
    """The stored geometry and what is derived from it, in the order of the table's columns."""
    if plan.schema.geometry == "none":
        return []
    stored = CopyColumn("geometry", batch.column(GEOMETRY_COLUMN), plan.schema.srid)
    derived = derived_srids(plan.schema).values()
    return [stored, *(CopyColumn("geometry", batch.column(DERIVED_COLUMNS[srid]), srid) for srid in derived)]


def _keys(plan: Plan, columns: list[pa.Array]) -> pa.Array | None:
    if plan.schema.key is None:
        return None
    return columns[plan.schema.field_names.index(plan.schema.key)].cast(pa.string())


def _payload(
    plan: Plan, columns: list[pa.Array], shapes: list[CopyColumn], keys: pa.Array | None, first_fid: int, count: int
) -> memoryview:
    fields = [CopyColumn(f.type, column) for f, column in zip(plan.schema.fields, columns, strict=True)]
    hashes = content_hashes([*fields, *shapes[:1]])
    if keys is None:
        keys = pa.array([digest.hex() for digest in hashes.to_pylist()], pa.string())
    system = [
        CopyColumn("bigint", pa.array(range(first_fid, first_fid + count), pa.int64())),
        CopyColumn("text", keys),
        CopyColumn("bytea", hashes),
        CopyColumn("integer", pa.array([1] * count, pa.int32())),
    ]
    return rows_payload([*system, *fields, *shapes])
