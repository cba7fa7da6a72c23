"""Writing workbooks (.xlsx) row by row: what is text stays text, whatever it looks like."""

import datetime as dt
import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from cim.errors import AnswerTooLarge

MOST_ROWS = 1_048_575
"""Rows a sheet holds below its header."""
MOST_LETTERS = 32_767
CHINA_TIME = dt.timezone(dt.timedelta(hours=8))
_FORMULA_MARKS = ("=", "+", "-", "@")
_EXACT_DIGITS = 10**15
_FIRST_YEAR = 1900
_NOT_IN_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


@dataclass(frozen=True, slots=True)
class Sheet:
    """A sheet to write: its header stays in sight; ``widths`` are those of the columns, in letters."""

    title: str
    header: Sequence[str]
    rows: Iterable[Sequence[object]]
    widths: Sequence[int] = ()


def write_workbook(target: Path | IO[bytes], sheets: Iterable[Sheet]) -> None:
    """Write sheets one after another, holding one row at a time.

    Texts are never formulas, also when somebody edits their cell; numbers that a table program would round are texts;
    instants are given in China time (UTC+8). AnswerTooLarge when a sheet gets more rows than the format has.
    """
    import openpyxl  # noqa: PLC0415 - for workbooks only

    book = openpyxl.Workbook(write_only=True)
    for sheet in sheets:
        made = book.create_sheet(sheet.title)
        made.freeze_panes = "A2"
        for number, width in enumerate(sheet.widths, 1):
            made.column_dimensions[openpyxl.utils.get_column_letter(number)].width = width
        made.append([_cell(made, value, bold=True) for value in sheet.header])
        for count, row in enumerate(sheet.rows, 1):
            if count > MOST_ROWS:
                raise AnswerTooLarge(
                    f"a sheet holds {MOST_ROWS} rows",
                    where=sheet.title,
                    remedy="choose another format, like csv",
                )
            made.append([_cell(made, value) for value in row])
    book.save(target)


def column_letter(number: int) -> str:
    """The letters of a column, counted from 1."""
    from openpyxl.utils import get_column_letter  # noqa: PLC0415 - for workbooks only

    return get_column_letter(number)


def _cell(sheet: Any, value: object, *, bold: bool = False) -> object:
    plain = _plain(value)
    guarded = isinstance(plain, str) and plain.startswith(_FORMULA_MARKS)
    if not guarded and not bold:
        return plain
    from openpyxl.cell import WriteOnlyCell  # noqa: PLC0415 - for workbooks only
    from openpyxl.styles import Font  # noqa: PLC0415

    cell: Any = WriteOnlyCell(sheet, value=str(plain))
    if bold:
        cell.font = Font(bold=True)
    if guarded:
        cell.data_type, cell.quotePrefix = "s", True
    return cell


def _plain(value: object) -> object:
    """A value as a cell holds it; None where there is none."""
    match value:
        case None | bool():
            return value
        case int():
            return value if abs(value) < _EXACT_DIGITS else str(value)
        case float():
            return value if math.isfinite(value) else None
        case dt.datetime():
            local = value.astimezone(CHINA_TIME).replace(tzinfo=None) if value.tzinfo else value
            return local if local.year >= _FIRST_YEAR else local.isoformat(" ")
        case dt.date():
            return value if value.year >= _FIRST_YEAR else value.isoformat()
    return _NOT_IN_XML.sub("\ufffd", str(value))[:MOST_LETTERS]
