"""Places as people say them."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cim.errors import BadRequest
from cim.model.incident_places import position_of_datum, position_of_metres, position_of_text

SAID = [
    "103°57'30\"E 30°59'10\"N",
    "东经103度57分30秒，北纬30度59分10秒",
    "E103°57.5' N30°59.166667'",
    "103.958333, 30.986111",
    "30.986111 103.958333",
    "北纬30°59′10″ 东经103°57′30″",
    "103.958333E;30.986111N",
]


@pytest.mark.parametrize("text", SAID)
def test_degrees_and_minutes_in_any_order(text: str) -> None:
    lon, lat = position_of_text(text)
    assert (lon, lat) == (pytest.approx(103.958333, abs=1e-5), pytest.approx(30.986111, abs=1e-5))


@given(st.floats(73, 135), st.floats(3, 54))
def test_degrees_minutes_and_seconds_give_the_degrees_back(lon: float, lat: float) -> None:
    def written(value: float, letter: str) -> str:
        whole = int(value)
        minutes = int((value - whole) * 60)
        seconds = ((value - whole) * 60 - minutes) * 60
        return f"{whole}°{minutes}'{min(seconds, 59.999999):.6f}\"{letter}"

    found = position_of_text(f"{written(lat, 'N')} {written(lon, 'E')}")
    assert found == (pytest.approx(lon, abs=1e-8), pytest.approx(lat, abs=1e-8))


@pytest.mark.parametrize(
    "text",
    ["", "103.9", "30 31", "103.9E 104E", "彭州", "103°61'E 30°N", "103.9N 30E", "E103.9 30.9", "1 2 3", "9" * 300],
)
def test_texts_that_are_no_position_are_refused(text: str) -> None:
    with pytest.raises(BadRequest) as told:
        position_of_text(text)
    assert told.value.where.startswith("place")


@given(st.text(max_size=60))
def test_any_text_is_a_position_or_refused(text: str) -> None:
    try:
        lon, lat = position_of_text(text)
    except BadRequest:
        return
    assert -180 <= lon <= 180
    assert -90 <= lat <= 90


def test_metres_of_a_zone_with_and_without_its_number() -> None:
    plain = position_of_metres(396_000.0, 3_429_000.0, "EPSG:4544")
    zoned = position_of_metres(35_396_000.0, 3_429_000.0, "EPSG:4523")
    assert plain == (pytest.approx(103.911, abs=1e-2), pytest.approx(30.98, abs=1e-2))
    assert zoned == (pytest.approx(plain[0], abs=1e-8), pytest.approx(plain[1], abs=1e-8))


@pytest.mark.parametrize(
    ("easting", "crs"),
    [(1.0, "EPSG:99999"), (1.0, "EPSG:4490"), (1.0, "GCJ-02"), (1e12, "EPSG:4544"), (math.nan, "EPSG:4544")],
)
def test_metres_that_cannot_be_are_refused(easting: float, crs: str) -> None:
    with pytest.raises(BadRequest):
        position_of_metres(easting, 3_429_000.0, crs)


def test_web_maps_are_some_hundred_metres_off() -> None:
    lon, lat = position_of_datum(103.95, 30.98, "GCJ-02")
    assert 100 < math.hypot((lon - 103.95) * 95_500, (lat - 30.98) * 110_900) < 800
    with pytest.raises(BadRequest):
        position_of_datum(103.95, 30.98, "MARS")
