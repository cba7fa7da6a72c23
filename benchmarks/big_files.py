"""Files of any number of features in every format, written as a stream; the same features in all of them.

Areas are small boxes, points lie at the same places; each has a text, a whole number and a number. A unique ``code`` is
there to be a key, or left out.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as arrow_csv
import pyarrow.parquet as pq
import pyogrio
import shapely
from numpy.typing import NDArray

from benchmarks.osm_extract import write_extract

BATCH_ROWS = 50_000
ROW_GROUP_ROWS = 1 << 20
"""What pyarrow and geopandas write as one row group."""
SIDE_DEG = 0.0001
PER_LINE = 4_000
WEST, SOUTH = 100.0, 26.0
KINDS = ("residential", "office", "school", "shed", "住宅", "厂房")
PARQUET_GEO = (
    '{"version":"1.0.0","primary_column":"geometry",'
    '"columns":{"geometry":{"encoding":"WKB","geometry_types":["Polygon"]}}}'
)


def write_file(name: str, folder: Path, rows: int, *, keyed: bool) -> Path:
    """Write one file of a format in ``FORMATS``; returns it."""
    suffix, write = FORMATS[name]
    path = folder / f"big{suffix}"
    write(path, rows, keyed)
    return path


def _places(first: int, count: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    number = np.arange(first, first + count)
    east, north = number % PER_LINE * 2, number // PER_LINE * 2
    return (WEST + east * SIDE_DEG).astype(np.float64), (SOUTH + north * SIDE_DEG).astype(np.float64)


def _attributes(first: int, count: int, keyed: bool) -> dict[str, pa.Array]:
    number = np.arange(first, first + count)
    code = {"code": pa.array([f"B{n:09d}" for n in number.tolist()], pa.string())} if keyed else {}
    return {
        **code,
        "kind": pa.array([KINDS[n % len(KINDS)] for n in number.tolist()], pa.string()),
        "floors": pa.array((number % 33).astype(np.int32)),
        "height_m": pa.array(number % 997 / 10),
    }


def _batches(rows: int, keyed: bool, shapes: Callable[[int, int], dict[str, pa.Array]]) -> Iterator[pa.RecordBatch]:
    for first in range(0, rows, BATCH_ROWS):
        count = min(BATCH_ROWS, rows - first)
        columns = {**_attributes(first, count, keyed), **shapes(first, count)}
        yield pa.RecordBatch.from_arrays(list(columns.values()), names=list(columns))


def _boxes(first: int, count: int) -> dict[str, pa.Array]:
    x, y = _places(first, count)
    return {"geometry": pa.array(shapely.to_wkb(shapely.box(x, y, x + SIDE_DEG, y + SIDE_DEG)), pa.binary())}


def _positions(first: int, count: int) -> dict[str, pa.Array]:
    x, y = _places(first, count)
    return {"lon": pa.array(np.round(x, 7)), "lat": pa.array(np.round(y, 7))}


def _reader(rows: int, keyed: bool) -> pa.RecordBatchReader:
    batches = _batches(rows, keyed, _boxes)
    first = next(batches)
    schema = first.schema.set(
        first.schema.get_field_index("geometry"),
        pa.field("geometry", pa.binary(), metadata={"ARROW:extension:name": "geoarrow.wkb"}),
    )

    def cast() -> Iterator[pa.RecordBatch]:
        yield pa.RecordBatch.from_arrays(first.columns, schema=schema)
        for batch in batches:
            yield pa.RecordBatch.from_arrays(batch.columns, schema=schema)

    return pa.RecordBatchReader.from_batches(schema, cast())


def _by_driver(driver: str, **options: str) -> Callable[[Path, int, bool], None]:
    def write(path: Path, rows: int, keyed: bool) -> None:
        pyogrio.write_arrow(
            _reader(rows, keyed),
            path,
            driver=driver,
            geometry_name="geometry",
            geometry_type="Polygon",
            crs="EPSG:4326" if driver == "GeoJSON" else "EPSG:4490",
            **options,
        )

    return write


def _csv(path: Path, rows: int, keyed: bool) -> None:
    batches = _batches(rows, keyed, _positions)
    first = next(batches)
    with arrow_csv.CSVWriter(path, first.schema) as writer:
        writer.write_batch(first)
        for batch in batches:
            writer.write_batch(batch)


def _parquet(path: Path, rows: int, keyed: bool) -> None:
    """Row groups of a million rows, which is the most that usual writers make."""
    batches = _batches(rows, keyed, _boxes)
    held: list[pa.RecordBatch] = [next(batches)]
    schema = held[0].schema.with_metadata({"geo": PARQUET_GEO})
    with pq.ParquetWriter(path, schema) as writer:
        for batch in batches:
            held.append(batch)
            if sum(item.num_rows for item in held) + BATCH_ROWS > ROW_GROUP_ROWS:
                _write_group(writer, held)
        _write_group(writer, held)


def _write_group(writer: pq.ParquetWriter, held: list[pa.RecordBatch]) -> None:
    if held:
        table = pa.Table.from_batches(held).replace_schema_metadata({"geo": PARQUET_GEO})
        writer.write_table(table, row_group_size=ROW_GROUP_ROWS)
        held.clear()


def _extract(path: Path, rows: int, keyed: bool) -> None:
    write_extract(path, rows)


FORMATS: dict[str, tuple[str, Callable[[Path, int, bool], None]]] = {
    "shapefile": (".shp", _by_driver("ESRI Shapefile", ENCODING="UTF-8")),
    "geopackage": (".gpkg", _by_driver("GPKG")),
    "flatgeobuf": (".fgb", _by_driver("FlatGeobuf")),
    "geojson": (".geojson", _by_driver("GeoJSON")),
    "csv": (".csv", _csv),
    "geoparquet": (".parquet", _parquet),
    "osm": (".osm.pbf", _extract),
}
"""By name: the suffix, and what writes so many rows, with a key or without; an extract has its own."""
