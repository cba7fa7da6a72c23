"""Excel workbooks (.xlsx): each sheet with a header row is a table, with points where two columns are a position."""

import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from importers.importer import ReadOptions
from importers.inspection import LayerInspection
from importers.table_points import inspect_table, located_rows

ZIP_MAGIC = b"PK\x03\x04"


class XlsxPoints:
    """Reads the values of a workbook, formulas as their last result; limited to 200 MB of file."""

    name = "XLSX"

    def recognises(self, head: bytes, path: Path) -> bool:
        """A zip with a workbook inside."""
        if not head.startswith(ZIP_MAGIC):
            return False
        try:
            with zipfile.ZipFile(path) as archive:
                return "xl/workbook.xml" in archive.namelist()
        except (zipfile.BadZipFile, OSError, ValueError):
            return False

    def inspect(self, path: Path, options: ReadOptions) -> list[LayerInspection]:
        """Every sheet that has a header row."""
        from importers.workbook import sheet_batches, sheets  # noqa: PLC0415 - for workbooks only

        encoding = "UTF-8 (by the format)"
        return [
            inspect_table(name, header, sheet_batches(path, name, header), encoding) for name, header in sheets(path)
        ]

    def read(self, path: Path, layer: LayerInspection, options: ReadOptions) -> Iterator[Any]:
        """Rows of one sheet in order, values as text for the mapping to type."""
        from importers.workbook import sheet_batches, sheets  # noqa: PLC0415 - for workbooks only

        header = dict(sheets(path))[layer.name]
        return located_rows(layer, header, sheet_batches(path, layer.name, header))
