"""A report as DOCX, to go on with in an office program: Song and Hei as Chinese documents have them."""

import io
from collections.abc import Iterable, Sequence
from typing import Any

from cim.model.analysis import Verdict
from web.reports.content import ReportContent, ReportTable, verdict_text

BODY_FONT, HEAD_FONT = "宋体", "黑体"
LATIN_FONT = "Times New Roman"
COLOURS = {Verdict.NOT: "B3261E", Verdict.PARTLY: "9A5B00", Verdict.CONFORMS: "1B6B36"}
BODY_PT, TABLE_PT = 10.5, 8.0
PICTURE_MM = 165


def report_docx(content: ReportContent) -> bytes:
    """The report as DOCX."""
    import docx  # noqa: PLC0415 - for documents only

    document = docx.Document()
    _styles(document)
    _page(document.sections[0], wide=False)
    document.add_heading(content.title, 0)
    if content.verdict is not None:
        line = document.add_paragraph("总体结论：")
        _coloured(line.add_run(verdict_text(content.verdict)), content.verdict)
    _facts(document, content.facts)
    if content.statement:
        document.add_paragraph(content.statement)
    if content.picture is not None:
        from docx.shared import Mm  # noqa: PLC0415

        document.add_heading("位置图", 1)
        document.add_picture(io.BytesIO(content.picture), width=Mm(PICTURE_MM))
    if content.findings:
        _wide(document, wide=True)
        _findings(document, content)
    _tables(document, [table for table in content.tables if table.rows])
    _wide(document, wide=False)
    _table(document, content.editions)
    if content.rules:
        document.add_heading("规则版本", 1)
        _facts(document, content.rules)
    written = io.BytesIO()
    document.save(written)
    return written.getvalue()


def _styles(document: Any) -> None:
    from docx.oxml.ns import qn  # noqa: PLC0415
    from docx.shared import Pt, RGBColor  # noqa: PLC0415

    fonts = {"Normal": BODY_FONT, "Title": HEAD_FONT, "Heading 1": HEAD_FONT}
    sizes = {"Normal": BODY_PT, "Title": 18.0, "Heading 1": 13.0}
    for name, font in fonts.items():
        style = document.styles[name]
        style.font.name = LATIN_FONT
        style.font.size = Pt(sizes[name])
        style.font.color.rgb = RGBColor(0x11, 0x11, 0x11)
        properties = style.element.get_or_add_rPr().get_or_add_rFonts()
        properties.set(qn("w:eastAsia"), font)
        for theme in ("w:asciiTheme", "w:hAnsiTheme", "w:eastAsiaTheme"):
            properties.attrib.pop(qn(theme), None)


def _page(section: Any, *, wide: bool) -> None:
    from docx.enum.section import WD_ORIENT  # noqa: PLC0415
    from docx.shared import Mm  # noqa: PLC0415

    section.orientation = WD_ORIENT.LANDSCAPE if wide else WD_ORIENT.PORTRAIT
    section.page_width, section.page_height = (Mm(297), Mm(210)) if wide else (Mm(210), Mm(297))
    section.left_margin = section.right_margin = Mm(18)
    section.top_margin = section.bottom_margin = Mm(18)


def _wide(document: Any, *, wide: bool) -> None:
    """Go on with pages of the other orientation, where they are not of it already."""
    if (document.sections[-1].page_width > document.sections[-1].page_height) != wide:
        _page(document.add_section(), wide=wide)


def _tables(document: Any, tables: Iterable[ReportTable]) -> None:
    for table in tables:
        _wide(document, wide=table.wide)
        _table(document, table)


def _findings(document: Any, content: ReportContent) -> None:
    document.add_heading("审查结论", 1)
    heads = ("审查项", "结论", "实测", "限值", "说明", "条款与数据版本")
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
    grid = _grid(document, heads, rows, (False, False, True, True, False, False), (30, 18, 34, 30, 85, 64))
    for row, each in zip(grid.rows[1:], content.findings, strict=True):
        for run in row.cells[1].paragraphs[0].runs:
            _coloured(run, each.verdict)


def _coloured(run: Any, verdict: Verdict) -> None:
    from docx.shared import RGBColor  # noqa: PLC0415

    run.bold = True
    if verdict in COLOURS:
        run.font.color.rgb = RGBColor.from_string(COLOURS[verdict])


def _facts(document: Any, facts: Iterable[tuple[str, str]]) -> None:
    grid = _grid(document, (), list(facts), (False, False), (32, 142))
    for row in grid.rows:
        for run in row.cells[0].paragraphs[0].runs:
            run.bold = True


def _table(document: Any, table: ReportTable) -> None:
    document.add_heading(table.title, 1)
    _grid(document, table.headings, table.rows, table.numeric, None)
    if table.note:
        document.add_paragraph(table.note)


def _grid(
    document: Any,
    headings: Sequence[str],
    rows: Sequence[Sequence[str]],
    numeric: Sequence[bool],
    widths_mm: Sequence[int] | None,
) -> Any:
    grid = document.add_table(rows=0, cols=len(numeric), style="Table Grid")
    if headings:
        _fill(grid.add_row(), headings, [False] * len(headings), widths_mm, bold=True)
        _repeat(grid.rows[0])
    for row in rows:
        _fill(grid.add_row(), row, numeric, widths_mm)
    return grid


def _fill(
    row: Any, texts: Sequence[str], numeric: Sequence[bool], widths_mm: Sequence[int] | None, *, bold: bool = False
) -> None:
    from docx.enum.text import WD_ALIGN_PARAGRAPH  # noqa: PLC0415
    from docx.shared import Mm, Pt  # noqa: PLC0415

    for place, (cell, text, number) in enumerate(zip(row.cells, texts, numeric, strict=True)):
        if widths_mm:
            cell.width = Mm(widths_mm[place])
        paragraph = cell.paragraphs[0]
        paragraph.paragraph_format.space_after = Pt(0)
        run = paragraph.add_run(text)
        run.font.size = Pt(TABLE_PT)
        run.bold = bold
        if number:
            paragraph.alignment = WD_ALIGN_PARAGRAPH.RIGHT


def _repeat(row: Any) -> None:
    """Show the row again at the top of every page."""
    from docx.oxml import OxmlElement  # noqa: PLC0415
    from docx.oxml.ns import qn  # noqa: PLC0415

    mark = OxmlElement("w:tblHeader")
    mark.set(qn("w:val"), "true")
    row._tr.get_or_add_trPr().append(mark)  # noqa: SLF001 - python-docx has no other way to it
