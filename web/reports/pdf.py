"""A report as PDF: HTML laid out by WeasyPrint; wide tables on pages on their side. Nothing is fetched."""

from collections.abc import Iterable
from html import escape
from typing import Any

from cim.model.analysis import Verdict
from web.reports.content import ReportContent, ReportTable, verdict_text

PICTURE = "report:picture"
"""The address by which the page names its map."""
FINDING_WIDTHS = (0.11, 0.07, 0.13, 0.11, 0.33, 0.25)
STYLE = """
@page { size: A4; margin: 18mm 16mm 18mm;
  @bottom-center { content: "第 " counter(page) " 页 共 " counter(pages) " 页"; font-size: 8pt; color: #555 } }
@page wide { size: A4 landscape; }
* { box-sizing: border-box }
body { font: 9.5pt/1.5 "Noto Serif CJK SC", "Noto Serif CJK", serif; color: #111 }
h1, h2, th, .verdict { font-family: "Noto Sans CJK SC", "Noto Sans CJK", sans-serif }
h1 { font-size: 17pt; text-align: center; margin: 0 0 3mm }
h2 { font-size: 11.5pt; margin: 6mm 0 2mm; break-after: avoid }
table { border-collapse: collapse; width: 100%; font-size: 8.2pt; table-layout: fixed }
thead { display: table-header-group }
tr { break-inside: avoid }
th, td { border: .3pt solid #777; padding: .8mm 1.4mm; vertical-align: top; text-align: left; overflow-wrap: anywhere }
th { background: #eef1f4; font-weight: 600 }
td.n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap }
.wide { page: wide }
.note, .statement { color: #444; font-size: 8.2pt }
.statement { border: .6pt solid #777; padding: 2mm 3mm; margin-top: 4mm }
.verdict { font-weight: 600; white-space: nowrap }
.overall { text-align: center; font-size: 12pt; margin: 0 0 4mm }
.not { color: #b3261e } .partly { color: #9a5b00 } .conforms { color: #1b6b36 }
.not-assessed, .information { color: #4a5560 }
img.map { display: block; max-height: 232mm; max-width: 100%; margin: 0 auto }
.picture { break-before: page }
"""


def report_pdf(content: ReportContent) -> bytes:
    """The report as PDF."""
    from weasyprint import HTML  # noqa: PLC0415 - loads the text libraries of the system

    def fetch(url: str) -> dict[str, Any]:
        if url != PICTURE or content.picture is None:
            raise ValueError(f"a report fetches nothing: {url[:60]}")
        return {"string": content.picture, "mime_type": "image/png"}

    written: bytes = HTML(string=_page(content), url_fetcher=fetch).write_pdf()
    return written


def _page(content: ReportContent) -> str:
    parts = [
        f'<!doctype html><html lang="zh"><meta charset="utf-8"><title>{escape(content.title)}</title>',
        f"<style>{STYLE}</style><h1>{escape(content.title)}</h1>",
        _overall(content.verdict),
        _facts(content.facts),
        f'<p class="statement">{escape(content.statement)}</p>' if content.statement else "",
        _findings(content),
        _picture(content.picture),
        *(_table(table) for table in content.tables if table.rows),
        _table(content.editions),
        f"<h2>规则版本</h2>{_facts(content.rules)}" if content.rules else "",
    ]
    return "".join(parts)


def _overall(verdict: Verdict | None) -> str:
    if verdict is None:
        return ""
    return f'<p class="overall">总体结论：<span class="verdict {verdict}">{verdict_text(verdict)}</span></p>'


def _picture(picture: bytes | None) -> str:
    if picture is None:
        return ""
    return f'<section class="picture"><h2>位置图</h2><img class="map" alt="" src="{PICTURE}"></section>'


def _facts(facts: Iterable[tuple[str, str]]) -> str:
    rows = "".join(f"<tr><th>{escape(label)}</th><td>{escape(value)}</td></tr>" for label, value in facts)
    return f'<table class="facts">{_columns((0.16, 0.84))}{rows}</table>'


def _findings(content: ReportContent) -> str:
    if not content.findings:
        return ""
    rows = "".join(
        f'<tr><td>{escape(each.title)}</td><td class="verdict {each.verdict}">{verdict_text(each.verdict)}</td>'
        f'<td class="n">{escape(each.measured)}</td><td class="n">{escape(each.limit)}</td>'
        f"<td>{escape(each.message)}</td><td>{escape(each.clause)}<br><small>{escape(each.edition)}</small></td></tr>"
        for each in content.findings
    )
    heads = "".join(f"<th>{head}</th>" for head in content.findings_headings)
    grid = f"<table>{_columns(FINDING_WIDTHS)}<thead><tr>{heads}</tr></thead>{rows}</table>"
    return f'<section class="wide"><h2>{content.findings_title}</h2>{grid}</section>'


def _columns(widths: Iterable[float]) -> str:
    """Widths of columns as given: a layout that has to find them takes twice as long."""
    return "<colgroup>" + "".join(f'<col style="width:{width * 100:.2f}%">' for width in widths) + "</colgroup>"


def _table(table: ReportTable) -> str:
    heads = "".join(f"<th>{escape(head)}</th>" for head in table.headings)
    rows = "".join(
        "<tr>"
        + "".join(
            f'<td class="n">{escape(text)}</td>' if number else f"<td>{escape(text)}</td>"
            for text, number in zip(row, table.numeric, strict=True)
        )
        + "</tr>"
        for row in table.rows
    )
    note = f'<p class="note">{escape(table.note)}</p>' if table.note else ""
    grid = f"<table>{_columns(table.widths())}<thead><tr>{heads}</tr></thead>{rows}</table>"
    kind = "wide" if table.wide else "narrow"
    return f'<section class="{kind}"><h2>{escape(table.title)}</h2>{grid}{note}</section>'
