"""A report as DOCX, to go on with in an office program: Song and Hei as Chinese documents have them."""

import io
from collections.abc import Iterable
from typing import Any

from cim.model.analysis import Verdict
from web.reports.content import ReportContent, ReportTable, verdict_text
from web.reports.docx_parts import PICTURE_MM, add_facts, add_grid, add_table, set_page, set_styles, turn_page

FINDING_NUMERIC, FINDING_WIDTHS_MM = (False, False, True, True, False, False), (30, 18, 34, 30, 85, 64)
COLOURS = {Verdict.NOT: "B3261E", Verdict.PARTLY: "9A5B00", Verdict.CONFORMS: "1B6B36"}


def report_docx(content: ReportContent) -> bytes:
    """The report as DOCX."""
    import docx  # noqa: PLC0415 - for documents only

    document = docx.Document()
    set_styles(document)
    set_page(document.sections[0], wide=False)
    document.add_heading(content.title, 0)
    if content.verdict is not None:
        line = document.add_paragraph("总体结论：")
        _coloured(line.add_run(verdict_text(content.verdict)), content.verdict)
    add_facts(document, content.facts)
    if content.statement:
        document.add_paragraph(content.statement)
    if content.picture is not None:
        from docx.shared import Mm  # noqa: PLC0415

        document.add_heading("位置图", 1)
        document.add_picture(io.BytesIO(content.picture), width=Mm(PICTURE_MM))
    if content.findings:
        turn_page(document, wide=True)
        _findings(document, content)
    _tables(document, [table for table in content.tables if table.rows])
    turn_page(document, wide=False)
    add_table(document, content.editions)
    if content.rules:
        document.add_heading("规则版本", 1)
        add_facts(document, content.rules)
    written = io.BytesIO()
    document.save(written)
    return written.getvalue()


def _tables(document: Any, tables: Iterable[ReportTable]) -> None:
    for table in tables:
        turn_page(document, wide=table.wide)
        add_table(document, table)


def _findings(document: Any, content: ReportContent) -> None:
    document.add_heading(content.findings_title, 1)
    rows = [
        (
            each.title,
            verdict_text(each.verdict),
            each.measured,
            each.limit,
            each.message,
            f"{each.clause}\n{each.edition}",
        )
        for each in content.findings
    ]
    grid = add_grid(document, content.findings_headings, rows, FINDING_NUMERIC, FINDING_WIDTHS_MM)
    for row, each in zip(grid.rows[1:], content.findings, strict=True):
        for run in row.cells[1].paragraphs[0].runs:
            _coloured(run, each.verdict)


def _coloured(run: Any, verdict: Verdict) -> None:
    from docx.shared import RGBColor  # noqa: PLC0415

    run.bold = True
    if verdict in COLOURS:
        run.font.color.rgb = RGBColor.from_string(COLOURS[verdict])
