"""The renderer: every shipped style, expressions, refusals, colours, labels, budgets."""

import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely
import skia

from cim.errors import BadRequest, DefinitionError, StoreUnavailable
from tiles.picture import MAX_SIDE_PIXELS, check_size
from tiles.picture_colour import parse_colour
from tiles.picture_drawing import draw_picture
from tiles.picture_expressions import compile_expression
from tiles.picture_job import LayerJob, LegendJob, PictureJob
from tiles.picture_legend import draw_legend
from tiles.picture_operators import NoValue
from tiles.picture_pool import PicturePool
from tiles.picture_style import compile_layer, style_fields
from tiles.picture_window import Window

STYLES = sorted((Path(__file__).parents[2] / "layers" / "styles").glob("*.json"))
WINDOW = Window(3857, 0, 0, 256, 256, 256, 256)
"""One metre a pixel: zoom 18.3."""


def picture(*layers: LayerJob, window: Window = WINDOW, seconds: float = 20) -> np.ndarray:
    content = draw_picture(PictureJob(window, layers, (255, 255, 255), "png", seconds))
    return skia.Image.MakeFromEncoded(skia.Data.MakeWithCopy(content)).toarray(colorType=skia.kRGBA_8888_ColorType)


def layer(style: list[dict[str, Any]], *features: tuple[Any, dict[str, Any]], seamless: bool = False) -> LayerJob:
    return LayerJob(tuple(style), [shape.wkb for shape, _ in features], [values for _, values in features], seamless)


@pytest.mark.parametrize("path", STYLES, ids=lambda path: path.stem)
def test_every_shipped_style_is_drawn_at_every_zoom(path: Path) -> None:
    style = json.loads(path.read_text("utf-8"))
    shapes = [shapely.Point(128, 128), shapely.LineString([(0, 0), (250, 250)]), shapely.box(20, 20, 230, 230)]
    fields = style_fields(tuple(style["layers"]))
    for values in ({}, dict.fromkeys(fields, "彭州市"), dict.fromkeys(fields, 3)):
        for size_m in (256, 4096, 65_536, 1_048_576):
            window = Window(3857, 0, 0, size_m, size_m, 256, 256)
            scaled = [shapely.transform(shape, lambda places, size_m=size_m: places * size_m / 256) for shape in shapes]
            assert picture(layer(style["layers"], *((s, values) for s in scaled)), window=window).shape == (256, 256, 4)
    assert draw_legend(LegendJob((("图例", tuple(style["legend"])),), "png"))


@pytest.mark.parametrize(
    ("expression", "properties", "value"),
    [
        (["get", "a"], {"a": 3}, 3),
        (["get", "a"], {}, None),
        (["has", "a"], {}, False),
        (["match", ["get", "a"], ["x", "y"], 1, "z", 2, 3], {"a": "y"}, 1),
        (["match", ["get", "a"], ["x", "y"], 1, "z", 2, 3], {}, 3),
        (["case", [">", ["get", "a"], 2], "big", "small"], {"a": 3}, "big"),
        (["step", ["zoom"], "a", 5, "b", 12, "c"], {}, "b"),
        (["interpolate", ["linear"], ["zoom"], 8, 0, 12, 8], {}, 4),
        (["interpolate", ["exponential", 2], ["zoom"], 8, 0, 12, 15], {}, 3),
        (["interpolate", ["linear"], ["zoom"], 8, "#000000", 12, "#ffffff"], {}, (0.5, 0.5, 0.5, 1)),
        (["coalesce", ["get", "a"], ["get", "b"], 7], {"b": 2}, 2),
        (["concat", ["to-string", ["get", "a"]], "F"], {"a": 6.0}, "6F"),
        (["all", ["has", "a"], ["!", ["has", "b"]]], {"a": 1}, True),
        (["any", ["==", ["get", "a"], 2], ["in", "x", ["literal", ["x"]]]], {}, True),
        (["max", 2.5, ["*", 3, ["get", "a"]]], {"a": 4}, 12),
        (["-", 0, ["sqrt", ["get", "a"]]], {"a": 9}, -3),
    ],
)
def test_expressions(expression: Any, properties: dict[str, Any], value: Any) -> None:
    found = compile_expression(expression, 10.0)(properties)
    assert found == pytest.approx(value) if isinstance(value, (int, float, tuple)) else found == value


def test_a_value_of_the_wrong_kind_takes_the_default() -> None:
    with pytest.raises(NoValue):
        compile_expression(["sqrt", ["get", "a"]], 10)({"a": "x"})
    style = compile_layer({"id": "a", "type": "circle", "paint": {"circle-radius": ["sqrt", ["get", "a"]]}}, 10)
    assert style is not None
    assert style.values({"a": "x"})["circle-radius"] == 5


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"paint": {"fill-color": ["within", {}]}}, "within"),
        ({"paint": {"fill-pattern": "wood"}}, "fill-pattern"),
        ({"paint": {"fill-color": {"stops": [[0, "red"]]}}}, "stops"),
        ({"type": "heatmap"}, "heatmap"),
        (
            {"paint": {"fill-color": ["interpolate", ["cubic-bezier", 0, 0, 1, 1], ["zoom"], 0, 1, 2, 3]}},
            "cubic-bezier",
        ),
    ],
)
def test_what_cannot_be_drawn_is_refused_by_name(changed: dict[str, Any], named: str) -> None:
    with pytest.raises(DefinitionError, match=named):
        compile_layer({"id": "a", "type": "fill", **changed}, 10)


def test_prescribed_colours_are_exact() -> None:
    rows = json.loads((STYLES[0].parent / "land_status.json").read_text("utf-8"))["layers"][:1]
    rows[0]["paint"]["fill-opacity"] = 1
    codes = {"0101": "#f8d072", "05H1": "#e2a195", "1101": "#a3d6f5", "none": "#e6e6e6"}
    features = [(shapely.box(64 * at, 0, 64 * at + 64, 256), {"DLBM": code}) for at, code in enumerate(codes)]
    drawn = picture(layer(rows, *features, seamless=True))
    for at, colour in enumerate(codes.values()):
        wanted = [round(part * 255) for part in parse_colour(colour)]
        assert drawn[128, 64 * at + 32].tolist() == wanted


def test_areas_that_tile_the_ground_meet_without_a_seam() -> None:
    style = [{"id": "a", "type": "fill", "paint": {"fill-color": "#336699", "fill-opacity": 0.5}}]
    halves = [
        (shapely.Polygon([(0, 0), (100, 0), (157, 256), (0, 256)]), {}),
        (shapely.Polygon([(100, 0), (256, 0), (256, 256), (157, 256)]), {}),
    ]
    drawn = picture(layer(style, *halves, seamless=True))
    inner = drawn[10:-10, 10:-10, :3].reshape(-1, 3).astype(int)
    assert (inner.max(axis=0) - inner.min(axis=0)).max() <= 4  # of 255: not to be seen


def test_labels_do_not_overlap_and_the_upper_layer_wins() -> None:
    def labelled(name: str, colour: str) -> list[dict[str, Any]]:
        paint = {"text-color": colour}
        return [
            {"id": name, "type": "symbol", "layout": {"text-field": ["get", "name"], "text-size": 20}, "paint": paint}
        ]

    points = [(shapely.Point(128 + shift, 128), {"name": "彭州市政府"}) for shift in (-5, 0, 5)]
    one = picture(layer(labelled("a", "#ff0000"), points[0]))
    many = picture(layer(labelled("a", "#ff0000"), *points))
    assert (one == many).all()
    both = picture(layer(labelled("a", "#ff0000"), points[0]), layer(labelled("b", "#0000ff"), points[1]))
    dark = both[both[:, :, :3].sum(axis=2) < 400]
    assert len(dark) > 50
    assert (dark[:, 2] >= dark[:, 0]).all()


def test_a_filter_and_the_zooms_of_a_layer_hold() -> None:
    fill = {"id": "a", "type": "fill", "filter": ["==", ["get", "a"], 1], "paint": {"fill-color": "#000000"}}
    shape = shapely.box(50, 50, 200, 200)
    assert picture(layer([fill], (shape, {"a": 1})))[128, 128, 0] == 0
    assert picture(layer([fill], (shape, {"a": 2})))[128, 128, 0] == 255
    assert picture(layer([fill | {"maxzoom": 12}], (shape, {"a": 1})))[128, 128, 0] == 255
    assert picture(layer([fill | {"minzoom": 12}], (shape, {"a": 1})))[128, 128, 0] == 0


@pytest.mark.parametrize(
    ("srid", "place"), [(3857, (0, 0)), (4490, (0, 0)), (4523, (35_500_000, 0)), (4544, (500_000, 0))]
)
def test_the_zoom_is_the_same_in_every_system_at_the_equator(srid: int, place: tuple[float, float]) -> None:
    side = 256.0 if srid != 4490 else 256 / 111_319.4908
    window = Window(srid, place[0] - side / 2, place[1], place[0] + side / 2, place[1] + side, 256, 256)
    assert window.zoom == pytest.approx(16.2559, abs=0.002)


def test_budgets() -> None:
    for size in ((0, 5), (5, MAX_SIDE_PIXELS + 1), (-3, 5), (10**9, 10**9)):
        with pytest.raises(BadRequest):
            check_size(*size)
    style = [{"id": "a", "type": "fill", "paint": {"fill-color": ["get", "c"]}}]
    shape = shapely.box(0, 0, 100, 100)
    with pytest.raises(StoreUnavailable, match="longer"):
        picture(layer(style, *[(shape, {"c": "#123456"})] * 2_000), seconds=0.0001)


def hang(_: object) -> bytes:
    """A drawing that never ends."""
    time.sleep(600)
    return b""


def echo(job: bytes) -> bytes:
    """A drawing that is done at once."""
    return job


async def test_a_process_that_hangs_is_ended_and_replaced() -> None:
    pool = PicturePool(workers=1)
    try:
        assert await pool.run(echo, b"warm", 20) == b"warm"
        started = time.monotonic()
        with pytest.raises(StoreUnavailable):
            await pool.run(hang, b"", 0.5)
        assert time.monotonic() - started < 12
        assert await pool.run(echo, b"again", 20) == b"again"
        pool._running = 10_000
        with pytest.raises(StoreUnavailable, match="busy"):
            await pool.run(echo, b"", 1)
    finally:
        pool.close()


def test_images_lie_below_the_layers_above_them() -> None:
    pixels = np.zeros((256, 256, 4), np.uint8)
    pixels[:, :128] = (200, 100, 50, 255)
    pixels[:64, :128, 3] = 128
    image = LayerJob((), [], [], image=pixels.tobytes())
    black = [{"id": "a", "type": "fill", "paint": {"fill-color": "#000000"}}]
    drawn = picture(image, layer(black, (shapely.box(0, 0, 40, 40), {})))
    assert drawn[128, 100].tolist() == [200, 100, 50, 255]
    assert drawn[128, 200].tolist() == [255, 255, 255, 255]
    assert drawn[30, 100, 0] == pytest.approx(227, abs=2)
    assert drawn[240, 20].tolist() == [0, 0, 0, 255]
