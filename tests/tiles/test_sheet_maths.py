"""The arithmetic of map sheets: scales that fit, bars, grids and ticks, legends and texts in their box."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import Geod, Transformer

from cim.errors import BadRequest
from layers.sheet import FACE_PT
from tiles.picture_window import Window
from tiles.sheet_boxes import PIXELS_A_POINT
from tiles.sheet_grid import angle, degree_ticks, degrees, grid_lines
from tiles.sheet_legend import Columns, Entry, columns
from tiles.sheet_scale import (
    LEAST_SCALE,
    MOST_SCALE,
    SCALES,
    convergence_deg,
    metres_a_pixel,
    placed,
    round_at_least,
    round_at_most,
    scale_bar,
    zone_of,
)
from tiles.sheet_text import setting, shortened, width_of

FIELD = (1100.5, 900.25)
LONS, LATS = st.floats(74, 136), st.floats(5, 53)
SIDES_DEG = st.floats(0, 0.8)


@given(LONS, LATS, SIDES_DEG, SIDES_DEG)
def test_the_scale_that_is_taken_is_the_largest_standard_one_that_shows_the_box(
    lon: float, lat: float, wide: float, high: float
) -> None:
    bbox = (lon, lat, lon + wide, lat + high)
    place = placed(bbox, None, None, FIELD)
    window = place.window
    way = Transformer.from_crs(4490, window.srid, always_xy=True)
    left, low, right, top = way.transform_bounds(*bbox, densify_pts=21)
    seen_wide, seen_high = (side * metres_a_pixel(place.scale) for side in FIELD)
    assert right - left <= seen_wide * (1 + 1e-9)
    assert top - low <= seen_high * (1 + 1e-9)
    assert (window.west + window.east) / 2 == pytest.approx((left + right) / 2, abs=1e-3)
    assert (window.south + window.north) / 2 == pytest.approx((low + top) / 2, abs=1e-3)
    if place.scale != SCALES[0]:
        larger = metres_a_pixel(SCALES[SCALES.index(place.scale) - 1])
        assert right - left > FIELD[0] * larger or top - low > FIELD[1] * larger


@given(LONS, LATS, st.integers(LEAST_SCALE, MOST_SCALE // 4))
def test_the_scale_is_true_on_the_ground_at_the_middle(lon: float, lat: float, scale: int) -> None:
    window = placed((lon, lat, lon, lat), None, scale, FIELD).window
    back = Transformer.from_crs(window.srid, 4490, always_xy=True)
    x, y = (window.west + window.east) / 2, (window.south + window.north) / 2
    centimetre = 0.01 * scale
    _, _, ground_m = Geod(ellps="GRS80").inv(
        *back.transform(x - centimetre / 2, y), *back.transform(x + centimetre / 2, y)
    )
    assert ground_m == pytest.approx(centimetre, rel=1 / 2_700)
    assert window.cell[0] == pytest.approx(0.0254 / 96 * scale, rel=1e-9)
    assert window.width >= FIELD[0] > window.width - 1


@given(st.floats(1e-3, 1e7))
def test_round_numbers(value: float) -> None:
    above, below = round_at_least(value), round_at_most(value)
    assert below <= value * (1 + 1e-9)
    assert above >= value * (1 - 1e-9)
    assert below > value / 2.5001
    assert above < value * 2.5001
    for number in (above, below):
        assert round(number / 10 ** math.floor(math.log10(number) + 1e-9), 9) in (1, 2, 5)


@given(st.integers(LEAST_SCALE, MOST_SCALE), st.floats(40, 2_000))
def test_a_scale_bar_has_room_and_its_numbers_are_its_lengths(scale: int, room: float) -> None:
    bar = scale_bar(scale, room)
    assert room / 2.51 < bar.step_px * bar.parts <= room * (1 + 1e-9)
    *_, last = bar.labels
    number, unit = last.split(" ")
    metres = float(number) * {"m": 1, "km": 1_000}[unit]
    paper_m = bar.step_px * bar.parts * 0.0254 / 96
    assert metres == pytest.approx(paper_m * scale, rel=1e-5)


@settings(deadline=None)
@given(LONS, LATS, st.sampled_from(SCALES), st.floats(80, 400))
def test_grid_lines_are_round_apart_and_lie_in_the_field(lon: float, lat: float, scale: int, spacing: float) -> None:
    window = placed((lon, lat, lon, lat), None, scale, FIELD).window
    lines = grid_lines(window, spacing, FIELD)
    step_m = round_at_least(spacing * window.cell[0])
    for upright, side, size in ((True, FIELD[0], window.width), (False, FIELD[1], window.height)):
        mine = sorted((line for line in lines if line.upright == upright), key=lambda line: line.value_m)
        assert len(mine) >= math.floor(side / (step_m / window.cell[0]))
        for line in mine:
            assert line.value_m / step_m == pytest.approx(round(line.value_m / step_m), abs=1e-6)
            assert float(line.label) * 1000 == pytest.approx(line.value_m, abs=1e-6)
            inset = (size - side) / 2
            assert inset - 1e-6 <= line.place_px <= size - inset + 1e-6
            east, north = window.place(line.place_px, line.place_px)
            assert (east if upright else north) == pytest.approx(line.value_m, abs=1e-4)
        assert len({line.label for line in mine}) == len(mine)


@settings(deadline=None)
@given(LONS, LATS, st.sampled_from(SCALES))
def test_degree_ticks_lie_where_pyproj_says(lon: float, lat: float, scale: int) -> None:
    window = placed((lon, lat, lon, lat), None, scale, FIELD).window
    back = Transformer.from_crs(window.srid, 4490, always_xy=True)
    inset = ((window.width - FIELD[0]) / 2, (window.height - FIELD[1]) / 2)
    ticks = degree_ticks(window, 130, FIELD)
    for tick in ticks:
        edge = {"top": inset[1], "bottom": inset[1] + FIELD[1], "left": inset[0], "right": inset[0] + FIELD[0]}[
            tick.side
        ]
        level = tick.side in ("top", "bottom")
        column, row = (tick.place_px, edge) if level else (edge, tick.place_px)
        found = back.transform(*window.place(column, row))[0 if level else 1]
        a_pixel = abs(window.cell[0]) / (111_320 * math.cos(math.radians(lat)) if level else 110_570)
        assert abs(found - tick.value_deg) < 0.2 * a_pixel  # a twentieth of a millimetre
    if scale <= 500_000:
        assert {tick.side for tick in ticks} == {"top", "bottom", "left", "right"}


def test_angles_are_written_as_on_maps() -> None:
    assert [degrees(value) for value in (374_160, 374_175, 0, -60)] == ["103°56′", "103°56′15″", "0°00′", "-0°01′"]
    assert [angle(value) for value in (-0.54, 0.54, 0.0, 0.001, -1.999)] == [
        "-0°32′",
        "+0°32′",
        "0°00′",
        "0°00′",
        "-2°00′",
    ]


def test_grid_north_leans_west_of_true_north_west_of_the_meridian() -> None:
    for lon, sign in ((103.95, -1), (106.2, 1)):
        window = placed((lon, 31, lon, 31), 4544, 10_000, FIELD).window
        assert convergence_deg(window) == pytest.approx((lon - 105) * math.sin(math.radians(31)), abs=0.01)
        assert math.copysign(1, convergence_deg(window)) == sign


def test_the_county_lies_in_the_zone_of_105() -> None:
    assert [zone_of(lon) for lon in (103.7, 104.2, 106.4, 106.6, 103.4)] == [4544, 4544, 4544, 4545, 4543]
    assert placed((103.9, 30.9, 104, 31), 4523, None, FIELD).window.west > 35_000_000


@pytest.mark.parametrize(
    ("bbox", "srid", "scale", "where"),
    [
        ((10, 30, 11, 31), None, None, "bbox"),
        ((70, 30, 137, 31), None, None, "bbox"),
        ((104, 30, 103, 31), None, None, "bbox"),
        ((103, 30, 104, 31), 3857, None, "crs"),
        ((103, 30, 104, 31), 4490, None, "crs"),
        ((-70, 30, -69, 31), 4544, 10_000, "bbox"),
        ((103, 30, 104, 31), None, 0, "scale"),
        ((103, 30, 104, 31), None, -5, "scale"),
        ((103, 30, 104, 31), None, 10**9, "scale"),
    ],
)
def test_what_no_sheet_can_show_is_refused(
    bbox: tuple[float, float, float, float], srid: int | None, scale: int | None, where: str
) -> None:
    with pytest.raises(BadRequest) as raised:
        placed(bbox, srid, scale, FIELD).window.mercator_bounds()
    assert raised.value.where == where
    assert raised.value.remedy


LABELS = st.lists(st.text("地类水田abc 0123", min_size=1, max_size=30), max_size=120)


@settings(deadline=None)
@given(LABELS, st.floats(60, 600), st.floats(30, 600))
def test_a_legend_stays_in_its_box_or_says_what_it_leaves_out(labels: list[str], width: float, height: float) -> None:
    entries = [Entry(label, (), {}) for label in labels]
    laid: Columns = columns(entries, (width, height), 11.0, 7.0)
    assert len(laid.places) + laid.left_out == len(entries)
    assert len(set(laid.places)) == len(laid.places)
    row_height = 1.75 * laid.size
    for column, row in laid.places:
        assert column * (laid.column_width + 1.2 * laid.size) + laid.column_width <= width + 1e-6
        assert (row + 1) * row_height <= max(height, row_height) + 1e-6
    if laid.left_out:
        assert laid.size == 7.0
        last = (max(column for column, _ in laid.places), max(row for _, row in laid.places)) if laid.places else None
        free = math.floor(height / row_height) * (last[0] + 1) - len(laid.places) if last else 1
        assert free >= 1  # room for the row that says so


@settings(deadline=None)
@given(st.text("彭州市 land-use，。12", max_size=200), st.floats(20, 400), st.floats(8, 100), st.floats(6, 40))
def test_a_text_stays_in_its_box_or_ends_with_dots(text: str, width: float, height: float, size: float) -> None:
    made = setting(text, width, height, size)
    assert made.size <= size
    assert all(width_of(line, made.size) <= width + 1e-6 or line == "…" for line in made.lines)
    if made.cut:
        assert made.size <= max(FACE_PT * PIXELS_A_POINT, 1e-9) + 1e-9 or made.size == size
        assert any("…" in line for line in made.lines)
    else:
        assert made.height <= height + 0.5 * made.size + 1e-6
        assert "".join(made.lines).replace(" ", "") == text.replace(" ", "")


def test_a_text_is_shortened_from_its_end() -> None:
    assert shortened("土地利用", 1_000, 10) == "土地利用"
    assert shortened("土地利用现状图", 50, 10) == "土地利用…"


def test_the_window_is_one_the_renderer_takes() -> None:
    window = placed((103.9, 30.9, 104, 31), None, None, FIELD).window
    assert isinstance(window, Window)
    assert window.cell[0] == pytest.approx(window.cell[1], rel=1e-9)
