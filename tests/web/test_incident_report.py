"""Situation reports: what they say, that a drill says so on every page, that they hold only what one may see."""

import io
import json
from pathlib import Path
from typing import Any

import docx
import pytest
from incidents import SQUARE, made, sent
from serving import Served

from importers.importer import ReadOptions
from importers.run import ImportRequest, import_file
from web.incidents.plain_text import plain

SAMPLES = Path(__file__).parents[2] / "data_samples" / "small"
KINDS = {"first": "快报", "follow": "续报", "final": "终报"}
PICTURES = "application/vnd.openxmlformats-officedocument.drawingml.chart"


SHELTERS = {
    "id": "shelters",
    "title": {"zh": "启用的避难场所"},
    "columns": [
        {"name": "name", "title": {"zh": "名称"}},
        {"name": "room", "title": {"zh": "可容纳"}, "kind": "count", "unit": "人"},
    ],
    "rows": [{"name": "第一中学", "room": 812}, {"name": "体育馆"}],
}


async def reported(served: Served, code: str, kind: str = "first") -> Any:
    answer = await served.technician.get(f"/incidents/{code}/report", params={"kind": kind})
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "private, no-store"
    return docx.Document(io.BytesIO(answer.content))


def words(document: Any) -> str:
    cells = [cell.text for table in document.tables for row in table.rows for cell in row.cells]
    return "\n".join([*(paragraph.text for paragraph in document.paragraphs), *cells])


async def test_a_report_says_everything_that_happened(city: Served) -> None:
    code = (await made(city.technician, figures={"dead": 3}, reporter="园区值班室"))["code"]
    await sent(city.technician, f"{code}/entries", kind="situation", text="风向东北\x0b")
    await sent(city.technician, f"{code}/tasks", recipient="消防救援大队", what="侦检堵漏")
    await sent(city.technician, f"{code}/tasks/1/receipts", kind="done", note="已堵住")
    await sent(city.technician, f"{code}/marks", geometry=SQUARE, symbol="cordon", label="警戒区")
    await sent(city.technician, f"{code}/steps", plan="chemical-leak")
    analysis = {
        "process": "evacuation",
        "inputs": {"ready_min": 20, "of_old": 7},
        "summary": {"served": 1234, "moment": "night", "告知": "已通知", "unknown_name": 5},
        "tables": [SHELTERS],
    }
    await sent(city.technician, f"{code}/entries", kind="analysis", analysis=analysis)
    await sent(city.technician, f"{code}/entries", kind="report", report={"to": "city"}, text="电话")
    document = await reported(city, code)
    said = words(document)
    for part in ("液氯泄漏　快报", code, "Ⅲ级", "第493号", "园区值班室", "风向东北", "侦检堵漏", "已堵住", "警戒区"):
        assert part in said, part
    for part in ("输入：准备时间", "of_old", "已安置（人）", "1,234", "夜间", "已通知", "unknown_name"):
        assert part in said, part
    for part in (
        "可容纳（人）",
        "第一中学",
        "812",
        "—",
        "报市级（快报",
        "按时",
        "核实地点、物质",
        "真实事件",
        "尚缺数据",
    ):
        assert part in said, part
    assert "演练" not in said.replace("演练（非真实事件）", "")
    assert code in document.sections[0].footer.paragraphs[0].text
    assert "无图" in said
    await sent(city.technician, f"{code}/entries", text="已恢复交通")
    follow = words(await reported(city, code, "follow"))
    assert "此前 8 条记录见前期报告" in follow
    assert "已恢复交通" in follow
    assert "风向东北" not in follow
    assert "尚未结束" in words(await reported(city, code, "final"))


async def test_a_drill_says_so_on_every_page(city: Served) -> None:
    code = (await made(city.technician, drill=True))["code"]
    document = await reported(city, code)
    for section in document.sections:
        assert section.header.paragraphs[0].text.startswith("【演练】")
        assert section.footer.paragraphs[0].text.startswith("【演练】")
        assert not section.different_first_page_header_footer
    assert document.paragraphs[0].text.startswith("【演练】")
    assert document.core_properties.title.startswith("【演练】")
    assert "演练（非真实事件）" in words(document)
    answer = await city.technician.get(f"/incidents/{code}/report")
    assert code in answer.headers["content-disposition"]
    assert "%E6%BC%94%E7%BB%83" in answer.headers["content-disposition"]


async def test_reports_are_for_those_who_may_see_the_incident(city: Served) -> None:
    code = (await made(city.technician, access="restricted"))["code"]
    assert (await city.viewer.get(f"/incidents/{code}/report")).status_code == 404
    assert (await city.anonymous.get(f"/incidents/{code}/report")).status_code == 404
    assert (await city.technician.get(f"/incidents/{code}/report?kind=last")).status_code == 400


async def test_the_sheet_of_the_place_is_in_the_report(city: Served) -> None:
    for name in ("water.gpkg", "hospitals.geojson"):
        request = ImportRequest(SAMPLES / name, "test", "administrator", options=ReadOptions(trust_file=True))
        (report,) = await import_file(city.database, city.state.catalog, request)
        assert report.status == "published", report.message
    await city.state.live.refresh()
    areas = {"type": "FeatureCollection", "features": [{"type": "Feature", "geometry": SQUARE, "properties": {}}]}
    code = (await made(city.technician, drill=True))["code"]
    await sent(
        city.technician,
        f"{code}/entries",
        kind="analysis",
        analysis={"process": "plume", "summary": "影响 12 人", "areas": areas},
    )
    document = await reported(city, code)
    assert len(document.inline_shapes) == 2
    wrong = {"type": "FeatureCollection", "features": [{"type": "Feature", "geometry": None}]}
    for given in (wrong, {"type": "Point", "coordinates": [1, 2]}):
        analysis = {"process": "plume", "summary": "x", "areas": given}
        await sent(city.technician, f"{code}/entries", 400, kind="analysis", analysis=analysis)


async def test_values_that_cannot_be_kept_are_refused(city: Served) -> None:
    code = (await made(city.technician))["code"]
    for value in ('"\\ud800"', "NaN", '"\\u0000"', "1e999"):
        body = f'{{"kind": "analysis", "analysis": {{"process": "plume", "summary": {{"a": {value}}}}}}}'
        answer = await city.technician.post(
            f"/incidents/{code}/entries", content=body, headers={"content-type": "application/json"}
        )
        assert answer.status_code == 400, (value, answer.text)
    assert json.loads((await city.technician.get(f"/incidents/{code}/entries")).text)["entries"][-1]["number"] == 1


@pytest.mark.parametrize("text", ["\x00", "\x0b", "\ud800", "\ufffe"])
def test_characters_that_documents_cannot_hold_are_replaced(text: str) -> None:
    assert plain(f"a{text}b") == "a\ufffdb"
