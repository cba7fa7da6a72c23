"""What the GDAL-read vector formats share: inspecting and streaming a layer through Arrow."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyogrio
from pyogrio.raw import open_arrow

from cim.errors import ImportRefused
from cim.model.collection import FieldType
from cim.model.reference_systems import declared_crs, declared_height_datum
from importers.curves import has_curves, straightened
from importers.geometry_kinds import FAMILIES, family_of, kinds_of, stored_kind
from importers.importer import BATCH_ROWS, GEOMETRY_COLUMN
from importers.inspection import LayerInspection, Problem, SourceField
from importers.positions import second_position

SAMPLE_ROWS = 1_000
SAMPLES = 3


def inspect_layers(path: Path, *, evidence: str, encoding: str, **options: Any) -> list[LayerInspection]:
    """Every layer GDAL finds in a file; ImportRefused when it cannot be opened."""
    try:
        names = [str(name) for name in pyogrio.list_layers(path)[:, 0]]
        return [_inspect(path, name, evidence, encoding, options) for name in names]
    except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError, pa.ArrowInvalid, RuntimeError) as error:
        raise ImportRefused(
            "unreadable", "the file is damaged or not what it seems", where=path.name, remedy=_short(error)
        ) from error


def _inspect(path: Path, name: str, evidence: str, encoding: str, options: Mapping[str, Any]) -> LayerInspection:
    info = pyogrio.read_info(path, layer=name, force_feature_count=True, force_total_bounds=True, **options)
    count = int(info["features"])
    met: dict[str, int] = {}
    kinds, with_z = declared_kinds(info["geometry_type"], count)
    fields: tuple[SourceField, ...] = ()
    problems: list[Problem] = []
    span = mixed = None
    for number, batch in enumerate(read_layer(path, name, **options)):
        if number == 0:
            fields, problems = described_fields(batch)
            span = time_span(batch)
            mixed = second_position(batch)
        if kinds is not None or GEOMETRY_COLUMN not in batch.schema.names:
            break
        with_z += _add_kinds(met, batch)
    kinds = met if kinds is None else kinds
    if mixed is not None:
        problems.append(mixed)
    if with_z:
        problems.append(Problem("z-dropped", with_z, "heights in the geometry are not kept; the layer is stored in 2D"))
    srid, wkt = declared_crs(info["crs"])
    bounds = info["total_bounds"]
    bbox = tuple(float(side) for side in bounds) if bounds is not None and np.all(np.isfinite(bounds)) else None
    return LayerInspection(
        name=name,
        geometry_type=stored_kind(kinds),
        geometry_types=tuple(sorted(kinds)),
        feature_count=count,
        srid=srid,
        crs_wkt=wkt,
        crs_evidence=evidence if info["crs"] else "none declared",
        encoding=encoding,
        bbox=bbox,  # type: ignore[arg-type]  # four sides by construction
        fields=fields,
        problems=tuple(problems),
        height_datum=declared_height_datum(info["crs"]),
        time_span=span,
    )


def declared_kinds(declared: str | None, count: int) -> tuple[dict[str, int] | None, int]:
    """Kinds and heights as the file declares them; None for the kinds where it leaves them open.

    Files that declare single lines or areas may hold multi ones too, so both are expected.
    """
    if declared is None:
        return {}, 0
    name = declared.removeprefix("2.5D ").removeprefix("Measured ").split(" ")[0]
    heights = count if declared != name else 0
    family = family_of(name)
    if family is None:
        return None, 0
    return ({name: count} if family == "point" else dict.fromkeys(FAMILIES[family], count)), heights


def _add_kinds(kinds: dict[str, int], batch: pa.RecordBatch) -> int:
    found, heights = kinds_of(batch.column(GEOMETRY_COLUMN))
    for kind, count in found.items():
        kinds[kind] = kinds.get(kind, 0) + count
    return heights


def read_layer(path: Path, layer: str, **options: Any) -> Iterator[pa.RecordBatch]:
    """Record batches of a layer with its geometry as WKB in ``GEOMETRY_COLUMN``; curves come as their chords."""
    rows = 0
    with open_arrow(path, layer=layer, batch_size=BATCH_ROWS, use_pyarrow=True, **options) as (meta, reader):
        geometry = meta["geometry_name"] or "wkb_geometry"
        for raw in reader:
            if not raw.num_rows:
                continue
            batch = _renamed(raw, geometry)
            if has_curves(batch):
                break
            rows += batch.num_rows
            yield batch
        else:
            return
    yield from straightened(path, layer, batch.schema, rows, options)


def _renamed(batch: pa.RecordBatch, geometry: str) -> pa.RecordBatch:
    columns, names = [], []
    for field, column in zip(batch.schema, batch.columns, strict=True):
        if field.name == geometry:
            columns.append(_storage(column))
            names.append(GEOMETRY_COLUMN)
        else:
            columns.append(plain_column(column))
            names.append(field.name)
    return pa.RecordBatch.from_arrays(columns, names=names)


def plain_column(column: pa.Array) -> pa.Array:
    """A column as values a layer can keep: structures as JSON text, dictionaries decoded, decimals as numbers."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        return column.dictionary_decode()
    if pa.types.is_decimal(kind):
        return column.cast(pa.float64())
    return _as_text(_storage(column)) if _is_structured(kind) else column


def _storage(column: pa.Array) -> pa.Array:
    return column.storage if isinstance(column, pa.ExtensionArray) else column


def _is_structured(kind: pa.DataType) -> bool:
    """Lists and objects, which are kept as JSON text."""
    return isinstance(kind, pa.BaseExtensionType) or pa.types.is_nested(kind)


def _as_text(column: pa.Array) -> pa.Array:
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        return column
    texts = [None if value is None else json.dumps(value, ensure_ascii=False) for value in column.to_pylist()]
    return pa.array(texts, pa.string())


def field_type(kind: pa.DataType) -> FieldType | None:
    """Our type for an Arrow type; None for what cannot be kept as one value."""
    tests: tuple[tuple[Any, FieldType], ...] = (
        (pa.types.is_boolean, "boolean"),
        (pa.types.is_int64, "bigint"),
        (pa.types.is_uint32, "bigint"),
        (pa.types.is_integer, "integer"),
        (pa.types.is_floating, "double"),
        (pa.types.is_date, "date"),
        (pa.types.is_timestamp, "timestamp"),
        (pa.types.is_string, "text"),
        (pa.types.is_large_string, "text"),
    )
    return next((ours for test, ours in tests if test(kind)), None)


def described_fields(batch: pa.RecordBatch) -> tuple[tuple[SourceField, ...], list[Problem]]:
    """The fields of a first batch with types and samples, and a problem for each that cannot be kept."""
    fields, problems = [], []
    sample = batch.slice(0, SAMPLE_ROWS)
    for field, column in zip(sample.schema, sample.columns, strict=True):
        if field.name == GEOMETRY_COLUMN:
            continue
        kind = field_type(field.type)
        if kind is None:
            problems.append(Problem("field-left-out", 1, f"field {field.name} holds {field.type}, which is not kept"))
            continue
        values = column.drop_null()
        samples = tuple(str(value)[:60] for value in values[:SAMPLES].to_pylist())
        fields.append(SourceField(field.name, kind, samples, column.null_count))
    return tuple(fields), problems


def time_span(batch: pa.RecordBatch) -> tuple[str, str] | None:
    """Earliest and latest moment in the columns of dates and times of a batch, as ISO 8601 text."""
    columns = [c for c in batch.columns if pa.types.is_date(c.type) or pa.types.is_timestamp(c.type)]
    moments = [moment.isoformat() for column in columns for moment in column.drop_null().to_pylist()]
    return (min(moments), max(moments)) if moments else None


def _short(error: Exception) -> str:
    return str(error).splitlines()[0].split("/")[-1][:160]
