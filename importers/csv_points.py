"""CSV tables with a longitude and a latitude, or an easting and a northing, on each row."""

import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import shapely
from numpy.typing import NDArray
from pyarrow import csv as arrow_csv

from cim.errors import ImportRefused
from cim.model.collection import FieldType
from importers.importer import GEOMETRY_COLUMN, HEAD_BYTES, ReadOptions
from importers.inspection import LayerInspection, Problem, SourceField
from importers.text_encoding import guess

X_NAMES = ("lon", "lng", "long", "longitude", "经度", "x", "easting", "东坐标")
Y_NAMES = ("lat", "latitude", "纬度", "y", "northing", "北坐标")
BLOCK_BYTES = 4_000_000
_PATTERNS: tuple[tuple[FieldType, str], ...] = (
    ("bigint", r"^(0|-?[1-9][0-9]{0,17})$"),
    ("double", r"^-?(0|[1-9][0-9]{0,14}|0?\.[0-9]+)(\.[0-9]*)?([eE][-+]?[0-9]+)?$"),
    ("date", r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"),
)


class CsvPoints:
    """Reads points from a table; the reference system must be given, because a table cannot declare one."""

    name = "CSV"

    def recognises(self, head: bytes, path: Path) -> bool:
        """Text in lines, named .csv, without the bytes of a binary format or of markup."""
        start = head.removeprefix(b"\xef\xbb\xbf").lstrip()[:1]
        return path.suffix.lower() == ".csv" and b"\x00" not in head and start not in {b"<", b"{", b"["}

    def inspect(self, path: Path, options: ReadOptions) -> list[LayerInspection]:
        """Columns with the types all their values have, and the box of the points."""
        encoding, evidence = _encoding(path, options)
        x_name, y_name, names = _columns(path, encoding)
        kinds: dict[str, set[FieldType]] = {name: {kind for kind, _ in _PATTERNS} for name in names}
        samples: dict[str, list[str]] = {name: [] for name in names}
        nulls = dict.fromkeys(names, 0)
        rows, sides, bad = 0, [np.inf, np.inf, -np.inf, -np.inf], 0
        for batch in _batches(path, encoding):
            rows += batch.num_rows
            for name in names:
                column = batch.column(name)
                nulls[name] += column.null_count
                samples[name] = samples[name] or [str(v)[:60] for v in column.drop_null()[:3].to_pylist()]
                kinds[name] = {k for k in kinds[name] if _all_match(column, dict(_PATTERNS)[k])}
            if x_name and y_name:
                x, y = _numbers(batch.column(x_name)), _numbers(batch.column(y_name))
                good = np.isfinite(x) & np.isfinite(y)
                bad += int((~good).sum())
                if good.any():
                    sides = [
                        min(sides[0], x[good].min()),
                        min(sides[1], y[good].min()),
                        max(sides[2], x[good].max()),
                        max(sides[3], y[good].max()),
                    ]
        problems = [Problem("no-position", bad, "rows without a usable position are rejected")] if bad else []
        fields = tuple(
            SourceField(n, _kind(kinds[n]) if nulls[n] < rows else "text", tuple(samples[n]), nulls[n]) for n in names
        )
        located = bool(x_name and y_name)
        return [
            LayerInspection(
                name=path.stem,
                geometry_type="Point" if located else "none",
                geometry_types=("Point",) if located else (),
                feature_count=rows,
                srid=None,
                crs_wkt=None,
                crs_evidence="a table declares none",
                encoding=f"{encoding} ({evidence})",
                bbox=(float(sides[0]), float(sides[1]), float(sides[2]), float(sides[3]))
                if sides[0] < np.inf
                else None,
                fields=fields,
                problems=tuple(problems),
            )
        ]

    def read(self, path: Path, layer: LayerInspection, options: ReadOptions) -> Iterator[Any]:
        """Rows in file order, values as text for the mapping to type; a row without a position has a null geometry."""
        encoding, _ = _encoding(path, options)
        x_name, y_name, _ = _columns(path, encoding)
        for batch in _batches(path, encoding):
            columns = [batch.column(field.name) for field in layer.fields]
            names = [field.name for field in layer.fields]
            if x_name and y_name:
                columns.append(_points(batch.column(x_name), batch.column(y_name)))
                names.append(GEOMETRY_COLUMN)
            yield pa.RecordBatch.from_arrays(columns, names=names)


def _encoding(path: Path, options: ReadOptions) -> tuple[str, str]:
    if options.encoding:
        return options.encoding, "given by --encoding"
    with path.open("rb") as file:
        content = file.read(BLOCK_BYTES)
    if content.startswith(b"\xef\xbb\xbf"):
        return "UTF-8", "byte order mark"
    return guess(content)


def _columns(path: Path, encoding: str) -> tuple[str | None, str | None, list[str]]:
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES * 4).removeprefix(b"\xef\xbb\xbf")
    first = head.decode(encoding, errors="replace").splitlines()[0]
    names = next(csv.reader(io.StringIO(first)), [])
    if len(set(names)) != len(names):
        raise ImportRefused("columns-repeat", "two columns have the same name", where=path.name, remedy="rename one")
    by_fold = {name.strip().casefold(): name for name in names}
    x = next((by_fold[name] for name in X_NAMES if name in by_fold), None)
    y = next((by_fold[name] for name in Y_NAMES if name in by_fold), None)
    return x, y, names


def _batches(path: Path, encoding: str) -> Iterator[pa.RecordBatch]:
    read = arrow_csv.ReadOptions(block_size=BLOCK_BYTES, encoding=encoding)
    convert = arrow_csv.ConvertOptions(
        column_types={name: pa.string() for name in _columns(path, encoding)[2]},
        strings_can_be_null=True,
        null_values=[""],
    )
    parse = arrow_csv.ParseOptions(newlines_in_values=True)
    try:
        with arrow_csv.open_csv(path, read_options=read, parse_options=parse, convert_options=convert) as reader:
            yield from reader
    except (pa.ArrowInvalid, UnicodeDecodeError) as error:
        raise ImportRefused(
            "unreadable", f"not a regular table: {str(error)[:160]}", where=path.name, remedy="correct the file"
        ) from error


def _all_match(column: pa.Array, pattern: str) -> bool:
    return bool(pc.all(pc.match_substring_regex(column, pattern), min_count=0).as_py())


def _kind(kinds: set[FieldType]) -> FieldType:
    return next((kind for kind, _ in _PATTERNS if kind in kinds), "text")


def _numbers(column: pa.Array) -> NDArray[np.float64]:
    clean = pc.utf8_trim_whitespace(column)
    numeric = pc.if_else(pc.match_substring_regex(clean, _PATTERNS[1][1]), clean, None)
    values: NDArray[np.float64] = pc.cast(numeric, pa.float64()).to_numpy(zero_copy_only=False).astype(np.float64)
    return values


def _points(x_column: pa.Array, y_column: pa.Array) -> pa.Array:
    x, y = _numbers(x_column), _numbers(y_column)
    good = np.isfinite(x) & np.isfinite(y)
    shapes = np.full(len(x), None, dtype=object)
    shapes[good] = shapely.points(x[good], y[good])
    return pa.array(shapely.to_wkb(shapes), type=pa.binary())
