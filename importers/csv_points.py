"""CSV tables with a longitude and a latitude, or an easting and a northing, on each row."""

import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import csv as arrow_csv

from cim.errors import ImportRefused
from importers.importer import BATCH_ROWS, HEAD_BYTES, ReadOptions
from importers.inspection import LayerInspection
from importers.table_points import inspect_table, located_rows
from importers.text_encoding import guess

BLOCK_BYTES = 4_000_000


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
        names = _columns(path, encoding)
        return [inspect_table(path.stem, names, _batches(path, encoding), f"{encoding} ({evidence})")]

    def read(self, path: Path, layer: LayerInspection, options: ReadOptions) -> Iterator[Any]:
        """Rows in file order, values as text for the mapping to type; a row without a position has a null geometry."""
        encoding, _ = _encoding(path, options)
        return located_rows(layer, _columns(path, encoding), _batches(path, encoding))


def _encoding(path: Path, options: ReadOptions) -> tuple[str, str]:
    if options.encoding:
        return options.encoding, "given by --encoding"
    with path.open("rb") as file:
        content = file.read(BLOCK_BYTES)
    if content.startswith(b"\xef\xbb\xbf"):
        return "UTF-8", "byte order mark"
    return guess(content)


def _columns(path: Path, encoding: str) -> list[str]:
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES * 4).removeprefix(b"\xef\xbb\xbf")
    first = head.decode(encoding, errors="replace").splitlines()[0]
    names = next(csv.reader(io.StringIO(first)), [])
    if len(set(names)) != len(names):
        raise ImportRefused("columns-repeat", "two columns have the same name", where=path.name, remedy="rename one")
    return names


def _batches(path: Path, encoding: str) -> Iterator[pa.RecordBatch]:
    read = arrow_csv.ReadOptions(block_size=BLOCK_BYTES, encoding=encoding)
    convert = arrow_csv.ConvertOptions(
        column_types={name: pa.string() for name in _columns(path, encoding)},
        strings_can_be_null=True,
        null_values=[""],
    )
    parse = arrow_csv.ParseOptions(newlines_in_values=True)
    try:
        with arrow_csv.open_csv(path, read_options=read, parse_options=parse, convert_options=convert) as reader:
            for block in reader:
                yield from (block.slice(first, BATCH_ROWS) for first in range(0, block.num_rows, BATCH_ROWS))
    except (pa.ArrowInvalid, UnicodeDecodeError) as error:
        raise ImportRefused(
            "unreadable", f"not a regular table: {str(error)[:160]}", where=path.name, remedy="correct the file"
        ) from error
