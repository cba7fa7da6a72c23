"""A report as XLSX: a sheet for what it is about, one for the findings, one for each table, all rows."""

import io
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from web.reports.content import ReportContent, text_width, verdict_text

NAME_LENGTH = 31
WIDEST = 60


def report_workbook(content: ReportContent, document: Mapping[str, Any]) -> bytes:
    """The report as a workbook; numbers are numbers, texts that look like formulas are texts."""
    import openpyxl  # noqa: PLC0415 - for workbooks only

    book = openpyxl.Workbook()
    book.remove(book.worksheets[0])
    overall = [("总体结论", verdict_text(content.verdict))] if content.verdict else []
    _sheet(book, "概要", ("项目", "内容"), [*overall, *content.facts, *content.rules, ("声明", content.statement)])
    if content.findings:
        heads = (*content.findings_headings[:-1], "条款", "数据版本")
        rows = [
            (f.title, verdict_text(f.verdict), f.measured, f.limit, f.message, f.clause, f.edition)
            for f in content.findings
        ]
        _sheet(book, content.findings_title, heads, rows)
    for shown, table in zip(content.tables, document["tables"], strict=True):
        names = [column["name"] for column in table["columns"]]
        formats = [_format(column) for column in table["columns"]]
        values = [tuple(row[name] for name in names) for row in table["rows"]]
        _sheet(book, shown.title, shown.headings, values, formats)
    _sheet(book, content.editions.title, content.editions.headings, content.editions.rows)
    written = io.BytesIO()
    book.save(written)
    return written.getvalue()


def _format(column: Mapping[str, Any]) -> str | None:
    if column["kind"] != "number":
        return None
    digits = int(column.get("digits", 2))
    return f"#,##0.{'0' * digits}" if digits else "#,##0"


def _sheet(
    book: Any,
    title: str,
    headings: Sequence[str],
    rows: Iterable[Sequence[Any]],
    formats: Sequence[str | None] | None = None,
) -> None:
    from openpyxl.styles import Font, PatternFill  # noqa: PLC0415
    from openpyxl.utils import get_column_letter  # noqa: PLC0415

    sheet = book.create_sheet(_name(book, title))
    widths = [text_width(head) for head in headings]
    for place, head in enumerate(headings, 1):
        cell = sheet.cell(1, place, head)
        cell.font, cell.fill = Font(bold=True), PatternFill("solid", fgColor="EEF1F4")
    for number, row in enumerate(rows, 2):
        for place, value in enumerate(row, 1):
            cell = sheet.cell(number, place)
            cell.value = value
            if isinstance(value, str):
                cell.data_type = "s"
            elif formats and formats[place - 1] and value is not None:
                cell.number_format = formats[place - 1]
            widths[place - 1] = max(widths[place - 1], text_width("" if value is None else str(value)))
    for place, width in enumerate(widths, 1):
        sheet.column_dimensions[get_column_letter(place)].width = min(WIDEST, width + 2)
    sheet.freeze_panes = "A2"


def _name(book: Any, title: str) -> str:
    """A name that a sheet can have and none has yet."""
    plain = re.sub(r"[\[\]:*?/\\]", " ", title)[:NAME_LENGTH] or "表"
    name, number = plain, 2
    while name in book.sheetnames:
        name, number = f"{plain[: NAME_LENGTH - 4]} {number}", number + 1
    return name
