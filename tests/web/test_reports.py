"""An answer as documents: what they say, that they open, and that a package gives the same numbers again."""

import contextlib
import io
import json
import re
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import docx
import openpyxl
import pytest
from PIL import Image

from cim.errors import BadRequest
from cim.model.analysis import Answer, Column, Finding, SourceEdition, Table, Title, Verdict
from web.reports.content import report_content
from web.reports.docx import report_docx
from web.reports.package import Package, differences, read_package, write_package
from web.reports.pdf import report_pdf
from web.reports.workbook import report_workbook

COLUMNS = (
    Column("code", Title("地类编码", "Class")),
    Column("area_m2", Title("面积", "Area"), "number", "m2", 2),
    Column("area_ha", Title("面积", "Area"), "number", "ha", 4),
)
ANSWER = Answer(
    summary={"verdict": "not", "area_m2": 12345.678, "project": "<b>项目</b>", "measures": {"arable_m2": 1.5}},
    findings=[
        Finding("a", Title("基本农田", "A"), Verdict.NOT, 12.5, 0.0, "m2", "第三十五条", "x", "第1版", "占用 & 避让"),
        Finding("b", Title("文物", "B"), Verdict.NOT_ASSESSED, None, None, "", "待核", "y", "", "未入库"),
        Finding("c", Title("边界", "C"), Verdict.PARTLY, 0.5, 1.0, "share", "—", "z", "", "一半"),
    ],
    tables=[
        Table("t", Title("现状", "T"), COLUMNS, [("0101", 1234.5, 0.1235), ("=1+1", None, None)], "说明"),
        Table("long", Title("清单/很长", "L"), COLUMNS[:1], [(str(n),) for n in range(700)]),
    ],
    sources=[SourceEdition("x", "基本农田", 3, datetime(2026, 1, 2, tzinfo=UTC))],
    rules={"name": "compliance-review", "number": 0, "edition": "2026-1", "sha256": "abc", "source": "来源"},
    statement="仅供辅助审查。",
)


@pytest.fixture
def document() -> dict[str, Any]:
    return dict(json.loads(json.dumps(ANSWER.document(), default=str)))


def content_of(document: Mapping[str, Any], most: int | None = 500) -> Any:
    return report_content(document, "审查报告", datetime(2026, 3, 4, 4, tzinfo=UTC), most=most)


def test_content_in_words_and_units(document: dict[str, Any]) -> None:
    content = content_of(document)
    facts = dict(content.facts)
    assert facts["红线面积"] == "12,345.68 平方米（1.2346 公顷，18.5185 亩）"
    assert facts["生成时间"] == "2026-03-04 12:00:00（北京时间）"
    assert [(each.measured, each.limit) for each in content.findings] == [
        ("12.50 平方米", "0.00 平方米"),
        ("—", "—"),
        ("50.00 %", "100.00 %"),
    ]
    assert content.tables[0].headings == ("地类编码", "面积（平方米）", "面积（公顷）")
    assert content.tables[0].rows[0] == ("0101", "1,234.50", "0.1235")
    assert (len(content.tables[1].rows), content.tables[1].note) == (500, "另有 200 行见电子表格。")


def test_docx_says_it_all_in_chinese_fonts(document: dict[str, Any]) -> None:
    opened = docx.Document(io.BytesIO(report_docx(content_of(document))))
    paragraphs = [paragraph.text for paragraph in opened.paragraphs]
    cells = {cell.text for table in opened.tables for row in table.rows for cell in row.cells}
    assert "总体结论：不符合" in paragraphs
    assert "仅供辅助审查。" in paragraphs
    assert {"未评估", "占用 & 避让", "1,234.50", "<b>项目</b>", "第3版"} <= cells
    assert 'w:eastAsia="宋体"' in opened.styles["Normal"].element.xml
    assert {section.page_width > section.page_height for section in opened.sections} == {True, False}


def test_pdf_is_one_with_pages_of_a4(document: dict[str, Any]) -> None:
    written = report_pdf(content_of(document))
    assert written.startswith(b"%PDF-")
    boxes = set(re.findall(rb"/MediaBox ?\[0 0 (\d+)", b"".join(_streams(written))))
    assert boxes == {b"595", b"841"}


@pytest.mark.parametrize("pictures", [0, 1])
def test_the_map_is_in_pdf_and_docx(document: dict[str, Any], pictures: int) -> None:
    drawn = io.BytesIO()
    Image.new("RGB", (40, 60), "red").save(drawn, "PNG")
    content = replace(content_of(document), picture=drawn.getvalue() if pictures else None)
    assert report_pdf(content).count(b"/Subtype /Image") == pictures
    assert len(docx.Document(io.BytesIO(report_docx(content))).inline_shapes) == pictures


def _streams(written: bytes) -> Iterator[bytes]:
    """The content of a PDF's compressed streams that can be unpacked."""
    for packed in re.findall(rb"stream\r?\n(.*?)\r?\nendstream", written, re.DOTALL):
        with contextlib.suppress(zlib.error):
            yield zlib.decompress(packed)


def test_workbook_has_numbers_as_numbers_all_rows_and_no_formulas(document: dict[str, Any]) -> None:
    book = openpyxl.load_workbook(io.BytesIO(report_workbook(content_of(document, None), document)))
    assert book.sheetnames == ["概要", "审查结论", "现状", "清单 很长", "数据版本"]
    sheet = book["现状"]
    assert [cell.value for cell in sheet[2]] == ["0101", 1234.5, 0.1235]
    assert sheet["B2"].number_format == "#,##0.00"
    assert (sheet["A3"].value, sheet["A3"].data_type) == ("=1+1", "s")
    assert book["清单 很长"].max_row == 701


def package_of(document: dict[str, Any]) -> Package:
    return Package("compliance-review", "1", {"area": "rl_1"}, document, {"srid": 4523, "parcels": []})


def test_packages_of_equal_content_are_equal_and_read_back(document: dict[str, Any], tmp_path: Path) -> None:
    first, second = (write_package(package_of(document), {"report.pdf": b"%PDF"}) for _ in range(2))
    assert first == second
    path = tmp_path / "review.zip"
    path.write_bytes(first)
    assert read_package(path) == package_of(document)
    manifest = json.loads(zipfile.ZipFile(path).read("manifest.json"))
    assert manifest["data_versions"] == {"x": 3}
    assert set(manifest["files"]) == {"answer.json", "inputs.json", "places.geojson", "redline.json", "report.pdf"}


def test_a_changed_package_is_refused(document: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "review.zip"
    path.write_bytes(write_package(package_of(document), {}))
    changed = tmp_path / "changed.zip"
    with zipfile.ZipFile(path) as source, zipfile.ZipFile(changed, "w") as target:
        for name in source.namelist():
            content = source.read(name)
            target.writestr(name, content.replace(b"12345.678", b"12345.679") if name == "answer.json" else content)
    with pytest.raises(BadRequest, match=r"answer\.json was changed"):
        read_package(changed)
    (tmp_path / "no.zip").write_bytes(b"nothing")
    with pytest.raises(BadRequest, match="not a result package"):
        read_package(tmp_path / "no.zip")


def test_differences_name_the_place(document: dict[str, Any]) -> None:
    other = json.loads(json.dumps(document))
    assert differences(document, other) == []
    other["findings"][0]["measured"] = 12.6
    other["summary"]["measures"]["arable_m2"] = 2
    assert differences(document, other) == ["findings.0.measured: 12.5 -> 12.6", "summary.measures.arable_m2: 1.5 -> 2"]
