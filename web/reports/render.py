"""An answer in any of the forms it leaves the house in."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from cim.analysis.registry import the_analysis
from web.reports.content import report_content
from web.reports.docx import report_docx
from web.reports.geotiff import report_geotiff
from web.reports.package import Package, write_package
from web.reports.pdf import report_pdf
from web.reports.workbook import report_workbook

Form = Literal["json", "geojson", "docx", "pdf", "xlsx", "zip", "tif"]
MEDIA_TYPES: dict[str, str] = {
    "json": "application/json",
    "geojson": "application/geo+json",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "pdf": "application/pdf",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "zip": "application/zip",
    "tif": "image/tiff; application=geotiff",
}


@dataclass(frozen=True, slots=True)
class Run:
    """What was asked and answered: inputs as given, the answer as JSON, the red line where the area was one's id.

    ``picture`` is a map of it as PNG, ``rules_text`` the rules it was judged by, where there are such.
    """

    process: str
    inputs: Mapping[str, Any]
    answer: Mapping[str, Any]
    red_line: Mapping[str, Any] | None = None
    picture: bytes | None = None
    rules_text: str = ""


def render(run: Run, form: Form) -> bytes:
    """The answer as bytes of a form."""
    if form == "json":
        return json.dumps(run.answer, ensure_ascii=False).encode()
    if form == "geojson":
        return json.dumps(run.answer["geojson"], ensure_ascii=False).encode()
    if form == "tif":
        return report_geotiff(run.answer)
    if form == "zip":
        return _package(run)
    title = f"{the_analysis(run.process).title.zh}报告"
    if form == "xlsx":
        return report_workbook(report_content(run.answer, title, datetime.now(UTC), most=None), run.answer)
    content = report_content(run.answer, title, datetime.now(UTC), run.picture)
    return report_docx(content) if form == "docx" else report_pdf(content)


def _package(run: Run) -> bytes:
    forms: tuple[Form, ...] = ("docx", "pdf", "xlsx")
    files = {f"report.{form}": render(run, form) for form in forms}
    if run.rules_text:
        files["rules.toml"] = run.rules_text.encode()
    version = the_analysis(run.process).version
    return write_package(Package(run.process, version, run.inputs, run.answer, run.red_line), files)
