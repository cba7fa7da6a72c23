"""A situation report as DOCX; a drill says so at the top and the foot of every page."""

import io
from collections.abc import Sequence
from typing import Any

from web.incidents.analysed import Analysed
from web.incidents.situation import DRILL_HEADER, Situation
from web.reports.docx_parts import PICTURE_MM, add_facts, add_table, set_page, set_styles, turn_page

RED = "C00000"
PAGE_MM = (174, 261)
"""The room across a page, upright and on its side."""
WIDTHS_MM = {
    "信息报告时限": (40, 48, 48, 38),
    "时间线": (12, 36, 20, 80, 26),
    "任务与回执": (12, 28, 50, 30, 54),
    "预案步骤": (12, 36, 24, 50, 16, 36),
    "标绘": (12, 32, 48, 14, 30, 38),
}


def situation_docx(report: Situation, pictures: Sequence[bytes]) -> bytes:
    """The report as DOCX, with map sheets as PNG."""
    import docx  # noqa: PLC0415 - for documents only
    from docx.shared import Mm  # noqa: PLC0415

    document = docx.Document()
    set_styles(document)
    set_page(document.sections[0], wide=False)
    _edges(document.sections[0], report)
    _properties(document, report)
    document.add_heading(report.title, 0)
    if report.drill:
        _red(document.add_paragraph(), DRILL_HEADER, size_pt=14)
    add_facts(document, report.facts)
    for remark in report.remarks:
        document.add_paragraph(remark)
    document.add_heading("态势图", 1)
    for picture in pictures:
        document.add_picture(io.BytesIO(picture), width=Mm(PICTURE_MM))
    if not pictures:
        document.add_paragraph("没有可供绘制的图层（未入库或无权查看），本报告无图。")
    for table in report.tables:
        add_table(document, table, WIDTHS_MM.get(table.title))
    for one in report.analyses:
        _analysis(document, one)
    written = io.BytesIO()
    document.save(written)
    return written.getvalue()


def _analysis(document: Any, one: Analysed) -> None:
    turn_page(document, wide=False)
    document.add_heading(one.title, 1)
    add_facts(document, one.facts)
    for table in one.tables:
        turn_page(document, wide=table.wide)
        across_mm = PAGE_MM[1 if table.wide else 0]
        add_table(document, table, [round(share * across_mm) for share in table.widths()])


def _edges(section: Any, report: Situation) -> None:
    """The head and foot of every page."""
    head, foot = section.header.paragraphs[0], section.footer.paragraphs[0]
    if report.drill:
        _red(head, DRILL_HEADER, size_pt=12)
        _red(foot, "【演练】　", size_pt=9)
    else:
        head.add_run(report.title)
    foot.add_run(f"事件编号 {report.number}　第 ")
    _page_number(foot)
    foot.add_run(" 页")


def _properties(document: Any, report: Situation) -> None:
    """What file managers show: the title carries the mark of drills too."""
    document.core_properties.title = report.title
    document.core_properties.subject = "演练 DRILL" if report.drill else "突发事件信息"
    document.core_properties.author = ""


def _red(paragraph: Any, text: str, *, size_pt: float) -> None:
    from docx.enum.text import WD_ALIGN_PARAGRAPH  # noqa: PLC0415
    from docx.shared import Pt, RGBColor  # noqa: PLC0415

    paragraph.alignment = WD_ALIGN_PARAGRAPH.CENTER
    run = paragraph.add_run(text)
    run.bold = True
    run.font.size = Pt(size_pt)
    run.font.color.rgb = RGBColor.from_string(RED)


def _page_number(paragraph: Any) -> None:
    from docx.oxml import OxmlElement  # noqa: PLC0415
    from docx.oxml.ns import qn  # noqa: PLC0415

    field = OxmlElement("w:fldSimple")
    field.set(qn("w:instr"), "PAGE")
    paragraph._p.append(field)  # noqa: SLF001 - python-docx has no other way to it
