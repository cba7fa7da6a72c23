"""Map sheets as they are drawn: places on paper, colours, legend, PDF page, fonts and texts."""

import json
import re
import zlib
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import shapely
import skia
from pyproj import Transformer
from sheet_letters import letters, streams

from cim.errors import BadRequest
from layers.catalog import load_catalog
from layers.sheet import SheetOverlay
from tiles.picture_colour import parse_colour
from tiles.picture_drawing import Deadline, draw_layers
from tiles.picture_job import LayerJob
from tiles.sheet_boxes import PIXELS_A_MM, field_of
from tiles.sheet_drawing import draw_sheet_job
from tiles.sheet_job import LegendPart, SheetJob
from tiles.sheet_legend import Entry, draw_legend_box, legend_entries
from tiles.sheet_overlays import LEGEND_FIELD, MAX_OVERLAYS, overlay_features, overlay_job
from tiles.sheet_scale import placed

CATALOG = load_catalog()
REVIEW = CATALOG.sheets["compliance-review"]
PLACE = (103.9487, 30.9861)
STATUS = CATALOG.styles["land_status"].layers
NAMES = {code: f"{code} {name.zh}" for code, name in CATALOG.codes["third-survey"].names().items()}


def sheet(
    *layers: tuple[LegendPart, LayerJob],
    overlays: dict[str, Any] | None = None,
    scale: int = 1_000,
    dpi: int = 96,
    form: Any = "png",
    template: Any = REVIEW,
    srid: int | None = None,
) -> SheetJob:
    lon, lat = PLACE
    place = placed((lon, lat, lon, lat), srid, scale, field_of(template.map)[2:])
    above = []
    if overlays is not None:
        job = overlay_job(overlay_features(overlays), place.window, template.overlay, "zh")
        above = [(LegendPart("红线", class_field=LEGEND_FIELD), job)]
    both = [*layers, *above]
    texts = tuple(f"彭州市土地利用现状 {number}" for number in range(len(template.text)))
    return SheetJob(
        template,
        place.window,
        place.scale,
        tuple(job for _, job in both),
        tuple(part for part, _ in both),
        texts,
        "土地利用现状图",
        form,
        "zh",
        dpi,
        20,
        len(above),
    )


def pixels(png: bytes) -> np.ndarray:
    image = skia.Image.MakeFromEncoded(skia.Data.MakeWithCopy(png))
    return np.asarray(image.toarray(colorType=skia.kRGBA_8888_ColorType)).astype(int)


def square(half_deg: float, **properties: Any) -> dict[str, Any]:
    lon, lat = PLACE[0] + 1e-4, PLACE[1] - 5e-5
    ring = [(lon + x * half_deg, lat + y * half_deg) for x, y in ((-1, -1), (1, -1), (1, 1), (-1, 1), (-1, -1))]
    geometry = {"type": "Polygon", "coordinates": [ring]}
    return {"type": "Feature", "properties": properties, "geometry": geometry}


BLUE = {"fill": "#0000ff", "fill-opacity": 1, "stroke-width": 0}


@pytest.mark.parametrize(
    ("scale", "half_deg", "srid"), [(500, 2e-4, 4544), (1_000, 5e-4, 4523), (10_000, 4e-3, 4544), (50_000, 2e-2, 4523)]
)
def test_a_square_lies_on_the_paper_where_its_coordinates_say(scale: int, half_deg: float, srid: int) -> None:
    """By the paper alone: the middle of the map's box is the sheet's middle, a metre is 1000 / scale millimetres."""
    dpi, shape = 200, square(half_deg, **BLUE)
    picture = pixels(draw_sheet_job(sheet(overlays=shape, scale=scale, dpi=dpi, srid=srid)))
    left, top, width, height = REVIEW.map.box
    blue = (picture[:, :, 2] > 150) & (picture[:, :, 0] < 100) & (picture[:, :, 1] < 100)
    blue[round((top + height) / 25.4 * dpi) :] = False  # the legend
    columns, rows = np.flatnonzero(blue.any(axis=0)), np.flatnonzero(blue.any(axis=1))
    way = Transformer.from_crs("EPSG:4490", f"EPSG:{srid}", always_xy=True)
    middle = way.transform(*PLACE)
    corners = [way.transform(*corner) for corner in shape["geometry"]["coordinates"][0]]
    across = [left + width / 2 + (east - middle[0]) * 1000 / scale for east, _ in corners]
    down = [top + height / 2 - (north - middle[1]) * 1000 / scale for _, north in corners]
    found = [edge * 25.4 / dpi for edge in (columns[0], columns[-1] + 1, rows[0], rows[-1] + 1)]
    for mine, wanted in zip(found, (min(across), max(across), min(down), max(down)), strict=True):
        assert abs(mine - wanted) < 0.15  # millimetres: little more than a pixel


def test_the_map_has_the_prescribed_colours_and_the_legend_only_what_is_seen() -> None:
    window = sheet().window
    x, y = (window.west + window.east) / 2, (window.south + window.north) / 2
    codes = {"0101": (-20, 0), "0301": (0, 20), "1101": (5_000, 6_000)}
    shapes = [shapely.box(x + west, y - 20, x + east, y + 20).wkb for west, east in codes.values()]
    entry = next(entry for entry in CATALOG.sheets["land-status"].layer if entry.id == "land_status")
    style = tuple({**part, "paint": {**part["paint"], **entry.paint.get(part["id"], {})}} for part in STATUS[:1])
    job = LayerJob(style, shapes, [{"DLBM": code} for code in codes], seamless=True)
    part = LegendPart("土地利用现状", "", "DLBM", NAMES)
    dpi = 200
    picture = pixels(draw_sheet_job(sheet((part, job), dpi=dpi)))
    left, top, width, height = REVIEW.map.box
    wanted = {
        code: [round(255 * one) for one in parse_colour(CATALOG.codes["third-survey"].code[at].colour)[:3]]  # type: ignore[arg-type]
        for code in codes
        for at, known in enumerate(CATALOG.codes["third-survey"].code)
        if known.code == code
    }
    for code, away_mm in (("0101", -10), ("0301", 10)):
        column, row = (left + width / 2 + away_mm) / 25.4 * dpi, (top + height / 2) / 25.4 * dpi
        assert picture[round(row), round(column), :3].tolist() == wanted[code]
    legend = picture[round((top + height) / 25.4 * dpi) + 5 :, :, :3].reshape(-1, 3)
    counts = {code: int((legend == colour).all(axis=1).sum()) for code, colour in wanted.items()}
    assert counts["0101"] > 100
    assert counts["0301"] > 100
    assert counts["1101"] == 0


def test_legend_rows_follow_the_code_list_and_name_groups() -> None:
    window = sheet().window
    x, y = (window.west + window.east) / 2, (window.south + window.north) / 2
    box = shapely.box(x - 20, y - 20, x + 20, y + 20).wkb
    land = LayerJob(STATUS, [box, box, box], [{"DLBM": code} for code in ("1101", "0101", "9999")])
    around = shapely.box(x - 9_000, y - 9_000, x + 9_000, y + 9_000).wkb
    line = ({"id": "edge", "type": "line"},)
    county = LayerJob(line, [around], [{}])
    layers = [county, land]
    parts = [LegendPart("县级行政区"), LegendPart("土地利用现状", "", "DLBM", NAMES)]
    drawn = draw_layers(skia.Surface(10, 10).getCanvas(), window, layers, Deadline(5))
    frame = (0.0, 0.0, float(window.width), float(window.height))
    rows = [entry.label for entry in legend_entries(parts, drawn, frame, window.zoom)]
    assert rows == ["0101 水田", "1101 河流水面", "9999"]  # the county's line is nowhere on the sheet
    parts[0], layers[0] = LegendPart("县级行政区", "县级界"), replace(county, shapes=[box])
    drawn = draw_layers(skia.Surface(10, 10).getCanvas(), window, layers, Deadline(5))
    entries = legend_entries(parts, drawn, frame, window.zoom)
    assert [entry.label for entry in entries] == ["土地利用现状", "0101 水田", "1101 河流水面", "9999", "县级界"]
    assert [entry.dimension for entry in entries if entry.styles] == [2, 2, 2, 1]


def test_an_image_finer_than_the_window_fills_the_map() -> None:
    window = sheet().window
    image = np.zeros((window.height * 2, window.width * 2, 4), np.uint8)
    image[:, : window.width] = (255, 0, 0, 255)
    image[:, window.width :] = (0, 0, 255, 255)
    layer = LayerJob((), [], [], False, image.tobytes(), (window.width * 2, window.height * 2))
    picture = pixels(draw_sheet_job(sheet((LegendPart("影像"), layer))))
    left, top, width, height = (round(side) for side in field_of(REVIEW.map))
    row, middle = top + height // 2 + 7, left + width // 2
    assert picture[row, left + 5, :3].tolist() == picture[row, middle - 2, :3].tolist() == [255, 0, 0]
    assert picture[row, left + width - 5, :3].tolist() == picture[row, middle + 2, :3].tolist() == [0, 0, 255]


def test_names_lie_above_all_layers_but_below_what_came_with_the_order() -> None:
    window = sheet().window
    x, y = (window.west + window.east) / 2, (window.south + window.north) / 2
    named = ({"id": "name", "type": "symbol", "layout": {"text-field": "彭州", "text-size": 60},
              "paint": {"text-color": "#00ff00"}},)  # fmt: skip
    above = ({"id": "cover", "type": "fill", "paint": {"fill-color": "#ff00ff"}},)
    box = shapely.box(x - 60, y - 60, x + 60, y + 60).wkb
    lower = (LegendPart("a"), LayerJob(named, [shapely.Point(x, y).wkb], [{}]))
    upper = (LegendPart("b"), LayerJob(above, [box], [{}]))
    cover = {"fill": "#0000ff", "fill-opacity": 1, "stroke-width": 0}

    def green(job: SheetJob) -> int:
        picture = pixels(draw_sheet_job(job))
        return int(((picture[:, :, 1] > 200) & (picture[:, :, 0] < 60) & (picture[:, :, 2] < 60)).sum())

    assert green(sheet(lower, upper)) > 300
    assert green(sheet(lower, upper, overlays=square(6e-4, **cover))) == 0
    edge = (LegendPart("a"), LayerJob(named, [shapely.Point(window.west + 1, y).wkb], [{}]))
    assert green(sheet(edge, upper)) == 0


def test_a_legend_that_overflows_says_so_inside_its_box() -> None:
    look = REVIEW.legend
    wide, high = (round(side * PIXELS_A_MM) for side in REVIEW.paper_mm)
    surface = skia.Surface(wide, high)
    surface.getCanvas().clear(skia.ColorWHITE)
    draw_legend_box(surface.getCanvas(), [Entry(f"{n} 很长的地类名称地类名称") for n in range(400)], look, "zh")
    ink = (surface.makeImageSnapshot().toarray()[:, :, :3] < 250).any(axis=2)
    left, top, width, height = (side * PIXELS_A_MM for side in look.box)
    outside = ink.copy()
    outside[int(top) - 1 : int(top + height) + 2, int(left) - 1 : int(left + width) + 2] = False
    assert ink.any()
    assert not outside.any()


@pytest.mark.parametrize("name", sorted(CATALOG.sheets))
def test_a_pdf_is_one_page_of_its_paper_with_fonts_and_texts(name: str) -> None:
    template = CATALOG.sheets[name]
    pdf = draw_sheet_job(sheet(overlays=square(5e-4, label="甲地块"), form="pdf", template=template))
    assert pdf.startswith(b"%PDF-1.")
    boxes = re.findall(rb"/MediaBox \[([0-9. ]+)\]", pdf)
    assert len(boxes) == 1
    assert len(re.findall(rb"/Type /Page\b", pdf)) == 1
    sides = [float(part) * 25.4 / 72 for part in boxes[0].split()]
    assert sides == pytest.approx([0, 0, *template.paper_mm], abs=0.2)
    assert b"/FontFile" in pdf or b"/CharProcs" in pdf
    assert set("彭州市土地利用现状甲地块图例坐标北") <= set(letters(pdf))
    assert b"/Title" in pdf


def test_the_table_of_objects_of_a_pdf_holds_after_its_letters_were_put_right() -> None:
    pdf = draw_sheet_job(sheet(form="pdf"))
    assert not [letter for letter in letters(pdf) if "\u2f00" <= letter <= "\u2fdf"]
    table = int(re.findall(rb"startxref\n(\d+)\n%%EOF", pdf)[0])
    assert pdf[table:].startswith(b"xref\n0 ")
    offsets = [int(entry) for entry in re.findall(rb"(\d{10}) 00000 n", pdf[table:])]
    assert len(offsets) > 20
    for number, offset in enumerate(offsets, 1):
        assert pdf[offset:].startswith(b"%d 0 obj" % number)
    for head in re.finditer(rb"/Length (\d+)>> stream\n", pdf):
        assert pdf[head.end() + int(head[1]) :].startswith(b"\nendstream")


def test_a_png_says_its_density() -> None:
    png = draw_sheet_job(sheet(dpi=150))
    assert pixels(png).shape[:2] == (round(297 / 25.4 * 150), round(210 / 25.4 * 150))
    at = png.index(b"pHYs")
    assert int.from_bytes(png[at + 4 : at + 8]) == round(150 / 0.0254)
    assert int.from_bytes(png[at + 13 : at + 17]) == zlib.crc32(png[at : at + 13])


def test_pdf_and_png_are_of_one_composition() -> None:
    """The red square's path in the PDF ends where the PNG has it: both are pixels of 1/96 inch of one canvas."""
    job = sheet(overlays=square(5e-4, **BLUE), form="pdf")
    content = max(streams(draw_sheet_job(job)), key=len).decode("latin-1")
    fill = content[content.index("0 0 1 R") :]
    numbers = re.findall(r"(-?[\d.]+) (-?[\d.]+) [ml]\n", fill)[:4]
    shape = shapely.from_wkb(job.layers[-1].shapes[0])
    wanted = [
        ((x - job.window.west) / job.window.cell[0], (job.window.north - y) / job.window.cell[1])
        for x, y in shape.exterior.coords[:4]
    ]
    assert np.allclose([[float(x), float(y)] for x, y in numbers], wanted, atol=0.01)


def dotted(properties: Any) -> dict[str, Any]:
    return {"type": "Feature", "properties": properties, "geometry": {"type": "Point", "coordinates": PLACE}}


@pytest.mark.parametrize(
    "document",
    [
        None,
        [],
        "text",
        {},
        {"type": 5},
        {"type": "Nonsense", "coordinates": []},
        {"type": "FeatureCollection"},
        {"type": "FeatureCollection", "features": [None]},
        {"type": "FeatureCollection", "features": [{"type": "Feature", "geometry": None}]},
        {"type": "FeatureCollection", "features": [{}] * (MAX_OVERLAYS + 1)},
        {"type": "Polygon", "coordinates": []},
        {"type": "Polygon", "coordinates": [[[104, 31], [104.1, 31]]]},
        {"type": "Polygon", "coordinates": [[["a", "b"]] * 4]},
        {"type": "Polygon", "coordinates": [[[400_000, 3_400_000], [400_100, 3_400_000], [400_000, 3_400_100]]]},
        {"type": "Point", "coordinates": [float("nan"), 31]},
        {"type": "Point", "coordinates": [31]},
        {"type": "GeometryCollection", "geometries": []},
        dotted({"stroke": "javascript:1"}),
        dotted({"stroke-width": "wide"}),
        dotted({"stroke-width": 1e9}),
        dotted({"fill-opacity": True}),
        dotted([1]),
    ],
)
def test_shapes_that_cannot_be_drawn_are_refused(document: Any) -> None:
    with pytest.raises(BadRequest) as raised:
        overlay_job(overlay_features(document), sheet().window, SheetOverlay(), "zh")
    assert raised.value.where.startswith("overlays")
    assert raised.value.remedy


def test_shapes_of_every_kind_are_drawn_with_their_labels() -> None:
    features = [
        square(4e-4, label="面"),
        {"type": "Feature", "geometry": {"type": "LineString", "coordinates": [PLACE, [PLACE[0] + 5e-4, PLACE[1]]]}},
        {
            "type": "Feature",
            "properties": {"name": "点"},
            "geometry": {"type": "Point", "coordinates": [*PLACE, 512.3]},
        },
        {"type": "MultiPoint", "coordinates": [PLACE]},
    ]
    document = {"type": "FeatureCollection", "features": features[:3]}
    job = sheet(overlays=json.loads(json.dumps(document)))
    assert len(job.layers[0].shapes) == 3
    picture = pixels(draw_sheet_job(job))
    assert ((picture[:, :, 0] > 200) & (picture[:, :, 1] < 60)).sum() > 1_000
    assert overlay_job(overlay_features(features[3]), job.window, SheetOverlay(), "en").attributes[0]["point"]
