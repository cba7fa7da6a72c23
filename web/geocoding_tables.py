"""Tables of addresses as people send them: CSV in UTF-8 or GB 18030, or the first sheet of a workbook."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cim.errors import BadRequest
from importers.text_encoding import CHINESE

NAMES = ("address", "地址", "标准地址", "详细地址", "addr")
KEYS = ("id", "编号", "序号", "address_id")
_REMEDY = f"call the column {' or '.join(NAMES[:2])}, or name it"


@dataclass(frozen=True, slots=True)
class AddressTable:
    """A table with the place of its column of addresses; every row has as many cells as the header."""

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    column: int

    @property
    def texts(self) -> list[str]:
        """The addresses, in order."""
        return [row[self.column] for row in self.rows]

    @property
    def keys(self) -> list[object]:
        """What each row is known by: its column of ids, else its number from 1."""
        at = next((place for place, name in enumerate(self.header) if name.strip().lower() in KEYS), None)
        return [row[at] if at is not None else number for number, row in enumerate(self.rows, 1)]


def table_of_csv(content: bytes, column: str | None = None, *, where: str = "body") -> AddressTable:
    """The table in a CSV file; BadRequest when it cannot be read or has no column of addresses."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        try:
            text = content.decode(CHINESE)
        except UnicodeDecodeError:
            raise BadRequest("the text is neither UTF-8 nor GB18030", where=where, remedy="save it as UTF-8") from None
    try:
        lines = [row for row in csv.reader(io.StringIO(text, newline=""), strict=True) if any(row)]
    except csv.Error as error:
        raise BadRequest(f"this is no CSV: {error}", where=where, remedy="quote cells that hold commas") from None
    return _table(lines, column, where)


def table_of_workbook(path: Path, column: str | None = None) -> AddressTable:
    """The table in the first sheet of a workbook that has a header row."""
    from importers.workbook import sheet_batches, sheets  # noqa: PLC0415 - for workbooks only

    found = sheets(path)
    if not found:
        raise BadRequest("no sheet has a header row", where=path.name, remedy=_REMEDY)
    name, header = found[0]
    lines = [list(header)]
    for batch in sheet_batches(path, name, header):
        columns = [batch.column(at).to_pylist() for at in range(len(header))]
        lines += [[value or "" for value in row] for row in zip(*columns, strict=True)]
    return _table(lines, column, path.name)


def plain_cell(value: object) -> object:
    """A cell that no table program takes for a formula."""
    return f"'{value}" if isinstance(value, str) and value[:1] in {"=", "+", "-", "@", "\t", "\r"} else value


def _table(lines: Sequence[Sequence[str]], column: str | None, where: str) -> AddressTable:
    if not lines:
        raise BadRequest("the table is empty", where=where, remedy="send a header and a row for each address")
    header = tuple(name.strip() for name in lines[0])
    width = len(header)
    for number, line in enumerate(lines[1:], 2):
        if len(line) > width:
            raise BadRequest(
                f"row {number} has {len(line)} cells below {width} headings",
                where=where,
                remedy="quote cells that hold commas",
            )
    rows = tuple(tuple(line) + ("",) * (width - len(line)) for line in lines[1:])
    return AddressTable(header, rows, _place(header, column, where))


def _place(header: Sequence[str], column: str | None, where: str) -> int:
    wanted = NAMES if column is None else (column.strip().lower(),)
    lowered = [name.lower() for name in header]
    for name in wanted:
        if name in lowered:
            return lowered.index(name)
    asked = f"a column {column[:80]!r}" if column is not None else "a column of addresses"
    raise BadRequest(f"there is not {asked} among {', '.join(header)[:200]}", where=where, remedy=_REMEDY)
