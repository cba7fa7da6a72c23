"""What an import found can be read by those who may import, as documents, GeoJSON, a page and a workbook."""

import io
import json
from pathlib import Path

import openpyxl
import pytest
from serving import Served

from importers.importer import ReadOptions
from importers.run import ImportRequest, import_file
from layers.catalog import Catalog
from layers.quality import QualityRule

SQUARE = [[[103.9, 30.9], [103.901, 30.9], [103.901, 30.901], [103.9, 30.901], [103.9, 30.9]]]


@pytest.fixture
async def number(served: Served, catalog: Catalog, tmp_path: Path) -> int:
    """An import of ``squares`` with one value out of range and one script in a text."""
    rule = QualityRule(check="range", field="height_m", most=100.0, action="warn")
    definition = catalog.layers["squares"].model_copy(update={"quality": (rule,)})
    rows = [("a", 5.0), ("<script>alert(1)</script>", 500.0)]
    features = [
        {
            "type": "Feature",
            "properties": {"code": code, "height_m": height},
            "geometry": {"type": "Polygon", "coordinates": SQUARE},
        }
        for code, height in rows
    ]
    path = tmp_path / "=squares<b>.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    request = ImportRequest(path, "test", "technician", "squares", options=ReadOptions(trust_file=True))
    changed = Catalog({**catalog.layers, "squares": definition}, catalog.themes, catalog.styles, catalog.codes)
    (report,) = await import_file(served.database, changed, request)
    assert [(check.rule, check.count) for check in report.checks] == [("range height_m", 1)]
    return report.run


async def test_those_who_may_import_read_an_import(served: Served, number: int) -> None:
    listed = (await served.technician.get("/imports")).json()["imports"]
    assert listed[0]["id"] == number
    one = (await served.technician.get(f"/imports/{number}")).json()
    assert one["checks"] == [{"rule": "range height_m", "action": "warn", "examined": 2, "count": 1, "note": ""}]
    assert one["lineage"]["crs_out"] == "EPSG:4490"
    for client, status in ((served.anonymous, 401), (served.viewer, 403)):
        for address in (
            "/imports",
            f"/imports/{number}",
            f"/imports/{number}/faults",
            f"/imports/{number}/report.html",
        ):
            assert (await client.get(address)).status_code == status, address
    assert (await served.technician.get("/imports/999999")).status_code == 404


async def test_faults_are_features_with_their_place(served: Served, number: int) -> None:
    found = (await served.technician.get(f"/imports/{number}/faults")).json()
    (fault,) = found["features"]
    assert fault["properties"]["row"] == 2
    assert "500.0" in fault["properties"]["message"]
    assert fault["geometry"]["type"] in {"Polygon", "MultiPolygon"}
    assert (await served.technician.get(f"/imports/{number}/faults", params={"after": 1})).json()["features"] == []


async def test_the_page_shows_texts_and_runs_none(served: Served, number: int) -> None:
    answer = await served.technician.get(f"/imports/{number}/report.html")
    assert "height_m" in answer.text
    assert "值域" in answer.text
    assert "<b>" not in answer.text
    policy = dict(part.strip().partition(" ")[::2] for part in answer.headers["content-security-policy"].split(";"))
    assert policy["script-src"] == "'self' 'wasm-unsafe-eval'"
    assert "default-src 'none'" in answer.headers["content-security-policy"]


async def test_the_workbook_has_no_formulas(served: Served, number: int) -> None:
    answer = await served.technician.get(f"/imports/{number}/report.xlsx")
    book = openpyxl.load_workbook(io.BytesIO(answer.content))
    assert book.sheetnames == ["概要", "质检项", "问题", "未入库", "修复", "来源"]
    cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row]
    assert all(cell.data_type != "f" for cell in cells)
    assert book["质检项"]["D2"].value == 1
