"""Sheets of an Excel workbook as tables of text."""

import datetime as dt
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow as pa
from openpyxl.utils.exceptions import InvalidFileException

from cim.errors import ImportRefused
from importers.importer import BATCH_ROWS

LIMIT_BYTES = 200 * 1024 * 1024


def sheets(path: Path) -> list[tuple[str, list[str]]]:
    """Sheet names with their column names; sheets whose first row is empty are left out."""
    if path.stat().st_size > LIMIT_BYTES:
        raise ImportRefused(
            "too-large", "workbooks are read up to 200 MB", where=path.name, remedy="save the sheet as CSV"
        )
    found = []
    book = _opened(path)
    try:
        for sheet in book.worksheets:
            header = next(sheet.iter_rows(max_row=1, values_only=True), ())
            names = _unique([_text(value) or f"column_{number}" for number, value in enumerate(header, 1)])
            if any(value is not None for value in header):
                found.append((str(sheet.title), names))
    finally:
        book.close()
    return found


def _opened(path: Path) -> Any:
    try:
        return openpyxl.load_workbook(path, read_only=True, data_only=True, keep_links=False)
    except (InvalidFileException, zipfile.BadZipFile, KeyError, ValueError, TypeError, OSError, SyntaxError) as error:
        raise ImportRefused(
            "unreadable", f"not a whole workbook: {str(error)[:120]}", where=path.name, remedy="save the workbook again"
        ) from error


def sheet_batches(path: Path, sheet: str, names: Sequence[str]) -> Iterator[pa.RecordBatch]:
    """Rows below a sheet's header in order, every value as text."""
    book = _opened(path)
    try:
        rows: list[list[str | None]] = []
        for values in book[sheet].iter_rows(min_row=2, max_col=len(names), values_only=True):
            row = [_text(value) for value in values]
            if any(value is not None for value in row):
                rows.append(row + [None] * (len(names) - len(row)))
            if len(rows) == BATCH_ROWS:
                yield _batch(rows, names)
                rows = []
        if rows:
            yield _batch(rows, names)
    except (zipfile.BadZipFile, KeyError, ValueError, TypeError, OSError, SyntaxError) as error:
        raise ImportRefused(
            "unreadable", f"the sheet {sheet} is damaged: {str(error)[:100]}", where=path.name, remedy="save it again"
        ) from error
    finally:
        book.close()


def _batch(rows: Sequence[Sequence[str | None]], names: Sequence[str]) -> pa.RecordBatch:
    columns = [pa.array([row[index] for row in rows], pa.string()) for index in range(len(names))]
    return pa.RecordBatch.from_arrays(columns, names=list(names))


def _text(value: object) -> str | None:
    """A cell as text: whole numbers without a decimal point, dates in ISO form, empty cells as missing."""
    if value is None:
        return None
    if isinstance(value, dt.datetime) and value.time() == dt.time(0):
        return value.date().isoformat()
    if isinstance(value, dt.datetime | dt.date | dt.time):
        return value.isoformat()
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return str(value).strip() or None


def _unique(names: Sequence[str]) -> list[str]:
    used: set[str] = set()
    out = []
    for name in names:
        found, number = name, 1
        while found in used:
            number += 1
            found = f"{name}_{number}"
        used.add(found)
        out.append(found)
    return out
