"""Map sheets over HTTP: what a caller may read is drawn, the rest is said; limits and errors."""

from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import skia
from serving import Served
from sheet_letters import letters

from cim.model.access import Grade, Operation, Principal, Right
from layers.catalog import Catalog, load_catalog
from tiles.sheet_boxes import field_of
from tiles.sheet_words import SheetOrder
from web.sheets import ordered_sheet
from web.state import Caller

TEMPLATE = """
id = "squares"
title = { zh = "方块图", en = "Squares" }
paper = "A4"
orientation = "portrait"
[values]
review_number = { zh = "未送审", en = "not reviewed" }
[map]
box = [10, 30, 190, 186]
grid = "none"
degrees = false
[legend]
box = [10, 219, 118, 46]
[north]
box = [132, 219, 16, 22]
[scale_bar]
box = [148, 220, 52, 18]
[[text]]
box = [10, 9, 190, 12]
text = { zh = "{title}", en = "{title}" }
[[text]]
box = [10, 266, 190, 20]
text = { zh = "{editions}|{sources}|{grade}|{not_drawn}|{review_number}|{crs}", en = "{editions}{sources}{not_drawn}{grade}" }
[[layer]]
id = "hidden"
[[layer]]
id = "squares"
"""  # noqa: E501
BOX = "103.955,30.978,103.985,30.984"
SHEET = "/sheets/squares"


@pytest.fixture
def catalog(catalog: Catalog, tmp_path: Path) -> Catalog:
    """The layers ``squares`` and ``hidden``, and a sheet of both."""
    folder = tmp_path / "layers"
    (folder / "sheets").mkdir()
    (folder / "sheets" / "squares.toml").write_text(TEMPLATE, "utf-8")
    text = (folder / "definitions" / "hidden.toml").read_text("utf-8")
    (folder / "definitions" / "hidden.toml").write_text(text.replace("方块", "暗层"), "utf-8")
    return load_catalog([folder])


def pixels(answer: httpx.Response) -> np.ndarray:
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "image/png"
    image = skia.Image.MakeFromEncoded(skia.Data.MakeWithCopy(answer.content))
    return np.asarray(image.toarray(colorType=skia.kRGBA_8888_ColorType)).astype(int)


async def asked(client: httpx.AsyncClient, **more: Any) -> httpx.Response:
    return await client.get(SHEET, params={"bbox": BOX, "f": "png", "dpi": 96} | more)


async def test_templates_are_listed_with_what_the_caller_may_read(served: Served) -> None:
    readable = {}
    for role in ("anonymous", "technician"):
        document = (await getattr(served, role).get("/sheets")).json()
        (listed,) = document["sheets"]
        assert (listed["id"], listed["paper_mm"], listed["title"]["zh"]) == ("squares", [210, 297], "方块图")
        assert listed["texts"]["review_number"]["zh"] == "未送审"
        assert 10_000 in document["scales"]
        readable[role] = {layer["id"] for layer in listed["layers"] if layer["readable"]}
    assert readable == {"anonymous": {"squares"}, "technician": {"squares", "hidden"}}


async def test_a_layer_the_caller_may_not_read_is_left_out_and_said(served: Served) -> None:
    """The restricted layer's colour is on nobody's sheet but the technician's, nor is its edition or its legend."""
    seen = {}
    for role in ("anonymous", "technician"):
        seen[role] = letters((await asked(getattr(served, role), f="pdf")).content)
    assert set("未绘出") <= set(seen["anonymous"])
    assert not set("未绘出入库权") & set(seen["technician"]) - set("未送审")
    assert set("公开") <= set(seen["anonymous"])
    assert set("受限") <= set(seen["technician"])
    pictures = {role: pixels(await asked(getattr(served, role))) for role in ("anonymous", "technician")}
    left, top, width, height = (round(side) for side in field_of(served.state.catalog.sheets["squares"].map))
    fields = {role: one[top : top + height, left : left + width] for role, one in pictures.items()}
    assert (fields["anonymous"] != fields["technician"]).any()
    layers = [served.state.catalog.sheets["squares"].layer[1]]
    only = served.state.catalog.sheets["squares"].model_copy(update={"layer": tuple(layers)})
    served.state.catalog.sheets["squares"] = only
    without = pixels(await asked(served.technician))[top : top + height, left : left + width]
    assert (without == fields["anonymous"]).all()


async def test_a_sheet_of_nothing_readable_is_refused(served: Served) -> None:
    only = served.state.catalog.sheets["squares"]
    served.state.catalog.sheets["squares"] = only.model_copy(update={"layer": only.layer[:1]})
    assert (await asked(served.anonymous)).status_code == 404
    assert (await asked(served.technician)).status_code == 200


async def test_a_region_is_said_when_only_part_of_a_layer_is_open(served: Served) -> None:
    right = Right(Grade.PUBLIC, frozenset({Operation.READ}), "510182001")
    who = Caller(served.state, Principal("x", "x", (right,)), "", "")
    template = served.state.catalog.sheets["squares"]
    order = SheetOrder(template, (103.955, 30.978, 103.985, 30.984), form="pdf")
    assert set("仅绘出有权查看的行政区") <= set(letters(await ordered_sheet(who, order)))


async def test_the_sheet_shows_features_texts_and_shapes_of_its_order(served: Served) -> None:
    ring = [[103.96, 30.979], [103.965, 30.979], [103.965, 30.983], [103.96, 30.983], [103.96, 30.979]]
    order = {
        "bbox": [float(part) for part in BOX.split(",")],
        "title": "红线图",
        "texts": {"review_number": "川S（2026）01号"},
        "overlays": {"type": "Polygon", "coordinates": [ring]},
        "f": "png",
        "dpi": 96,
        "crs": "EPSG:4544",
        "scale": 25_000,
    }
    with_shape = pixels(await served.viewer.post(SHEET, json=order))
    bare = pixels(await served.viewer.post(SHEET, json=order | {"overlays": None}))
    red = (with_shape[:, :, 0] > 200) & (with_shape[:, :, 1] < 60)
    assert red.sum() > 100
    assert not ((bare[:, :, 0] > 200) & (bare[:, :, 1] < 60)).any()
    pdf = await served.viewer.post(SHEET, json=order | {"f": "pdf"})
    assert pdf.headers["content-type"] == "application/pdf"
    assert "no-store" in pdf.headers["cache-control"]
    assert set("红线图川S2026号合成数据第1版2000国家大地坐标系") <= set(letters(pdf.content))


BAD_PARAMETERS: list[tuple[dict[str, str | None], str]] = [
    ({"bbox": "1,2,3"}, "bbox"),
    ({"bbox": "nan,30,104,31"}, "bbox"),
    ({"bbox": "30.9,103.9,31.0,104.0"}, "bbox"),
    ({"bbox": "10,30,11,31"}, "bbox"),
    ({"bbox": "80,20,130,50"}, "bbox"),
    ({"bbox": None}, "bbox"),
    ({"scale": "0"}, "scale"),
    ({"scale": "many"}, "scale"),
    ({"scale": "9" * 30}, "scale"),
    ({"dpi": "5000"}, "dpi"),
    ({"dpi": "0"}, "dpi"),
    ({"crs": "EPSG:3857"}, "crs"),
    ({"crs": "EPSG:4550"}, "bbox"),
    ({"f": "tiff"}, "f"),
    ({"language": "fr"}, "language"),
    ({"title": "长" * 501}, "title"),
    ({"title": "a\x07b"}, "title"),
]
GOOD = {"bbox": [103.955, 30.978, 103.985, 30.984]}
BAD_ORDERS: list[tuple[Any, int, str]] = [
    (b"", 400, "body"),
    (b"{", 400, "body"),
    (b"[]", 400, "body"),
    (b"{}", 400, "bbox"),
    (GOOD | {"bbox": [1, 2]}, 400, "bbox"),
    (GOOD | {"unknown": 1}, 400, "unknown"),
    (GOOD | {"texts": {"nothing": "x"}}, 400, "texts"),
    (GOOD | {"texts": {"review_number": "x" * 600}}, 400, "texts.review_number"),
    (GOOD | {"overlays": {"type": "Point", "coordinates": [400_000, 3_400_000]}}, 400, "overlays.features[0]"),
    (b"[" * 100_000, 400, "body"),
    (b" " * 8_000_001, 413, "body"),
]


async def test_bad_orders_are_told_by_what_is_wrong_in_them(served: Served) -> None:
    for changed, where in BAD_PARAMETERS:
        parameters = {key: value for key, value in ({"bbox": BOX, "f": "png"} | changed).items() if value is not None}
        answer = await served.anonymous.get(SHEET, params=parameters)
        assert (answer.status_code, answer.json()["where"]) == (400, where), (changed, answer.text)
        assert answer.json()["remedy"]
    for content, status, where in BAD_ORDERS:
        sent = {"content": content} if isinstance(content, bytes) else {"json": content}
        answer = await served.anonymous.post(SHEET, **sent)
        assert (answer.status_code, answer.json()["where"]) == (status, where), answer.text


async def test_a_sheet_that_is_not_there(served: Served) -> None:
    answer = await served.anonymous.get("/sheets/nothing", params={"bbox": BOX})
    assert answer.status_code == 404
    assert "squares" in answer.json()["remedy"]


async def test_too_large_a_png_is_refused_with_what_would_be_drawn(served: Served) -> None:
    large = served.state.catalog.sheets["squares"].model_copy(update={"paper": "A1"})
    served.state.catalog.sheets["squares"] = large
    answer = await asked(served.anonymous, dpi=400)
    assert answer.status_code == 400
    assert "PDF" in answer.json()["remedy"]
    assert (await asked(served.anonymous, dpi=400, f="pdf")).status_code == 200
