"""Parts of DOCX documents as Chinese offices write them: styles, pages, tables."""

from collections.abc import Iterable, Sequence
from typing import Any

from web.reports.content import ReportTable

BODY_FONT, HEAD_FONT = "宋体", "黑体"
LATIN_FONT = "Times New Roman"
BODY_PT, TABLE_PT = 10.5, 8.0
PICTURE_MM = 165


def set_styles(document: Any) -> None:
    """The styles of Chinese documents: Song for text, Hei for headings."""
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


def set_page(section: Any, *, wide: bool) -> None:
    """A section as A4, upright or on its side."""
    from docx.enum.section import WD_ORIENT  # noqa: PLC0415
    from docx.shared import Mm  # noqa: PLC0415

    section.orientation = WD_ORIENT.LANDSCAPE if wide else WD_ORIENT.PORTRAIT
    section.page_width, section.page_height = (Mm(297), Mm(210)) if wide else (Mm(210), Mm(297))
    section.left_margin = section.right_margin = Mm(18)
    section.top_margin = section.bottom_margin = Mm(18)


def turn_page(document: Any, *, wide: bool) -> None:
    """Go on with pages of the other orientation, where they are not of it already."""
    if (document.sections[-1].page_width > document.sections[-1].page_height) != wide:
        set_page(document.add_section(), wide=wide)


def add_facts(document: Any, facts: Iterable[tuple[str, str]]) -> None:
    """Facts as a table of two columns, names in bold."""
    grid = add_grid(document, (), list(facts), (False, False), (32, 142))
    for row in grid.rows:
        for run in row.cells[0].paragraphs[0].runs:
            run.bold = True


def add_table(document: Any, table: ReportTable, widths_mm: Sequence[int] | None = None) -> None:
    """A table with its heading above and its note below."""
    document.add_heading(table.title, 1)
    add_grid(document, table.headings, table.rows, table.numeric, widths_mm)
    if table.note:
        document.add_paragraph(table.note)


def add_grid(
    document: Any,
    headings: Sequence[str],
    rows: Sequence[Sequence[str]],
    numeric: Sequence[bool],
    widths_mm: Sequence[int] | None,
) -> Any:
    """A table of texts; ``numeric`` columns are set right, the headings are repeated on every page."""
    grid = document.add_table(rows=0, cols=len(numeric), style="Table Grid")
    if headings:
        _fill(grid.add_row(), headings, [False] * len(headings), widths_mm, bold=True)
        _repeat(grid.rows[0])
    for row in rows:
        _fill(grid.add_row(), row, numeric, widths_mm)
    if widths_mm:
        _set_columns(grid, widths_mm)
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
    _say(row, "w:cantSplit")


def _set_columns(grid: Any, widths_mm: Sequence[int]) -> None:
    """The widths of the columns too, by which office programs other than Word go."""
    from docx.shared import Mm  # noqa: PLC0415

    grid.autofit = False
    for column, width_mm in zip(grid.columns, widths_mm, strict=True):
        column.width = Mm(width_mm)


def _repeat(row: Any) -> None:
    """Show the row again at the top of every page."""
    _say(row, "w:tblHeader")


def _say(row: Any, name: str) -> None:
    """Set a property of a row: that it is repeated, or not parted by the end of a page."""
    from docx.oxml import OxmlElement  # noqa: PLC0415
    from docx.oxml.ns import qn  # noqa: PLC0415

    mark = OxmlElement(name)
    mark.set(qn("w:val"), "true")
    row._tr.get_or_add_trPr().append(mark)  # noqa: SLF001 - python-docx has no other way to it
