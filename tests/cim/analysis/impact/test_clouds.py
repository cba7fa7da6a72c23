"""Gas clouds against formulas written a second time, and areas against counting; what is refused."""

import math
from typing import Any

import numpy as np
import pyproj
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from cim.analysis.impact.blast import blast_distance_m, overpressure_kpa
from cim.analysis.impact.contours import contour
from cim.analysis.impact.dispersion import Air, Plume, Puff, concentration, stability_of
from cim.analysis.impact.shapes import area_m2
from cim.analysis.impact.substances import found_substance, mg_m3, substance_data
from cim.analysis.registry import ANALYSES
from cim.errors import BadRequest
from cim.model.analysis import Answer, Verdict
from web.phrases import in_chinese

PLACE = {"type": "Point", "coordinates": [103.95, 30.99]}
GEOD = pyproj.Geod(ellps="GRS80")
LIGHT = {"place": PLACE, "substance": "一氧化碳", "rate_kg_s": 5.0, "wind_m_s": 3.0, "sky": "overcast"}


async def ask(process: str, **inputs: Any) -> Answer:
    answer: Answer = await ANALYSES[process].answer(inputs, None)  # type: ignore[arg-type]
    return answer


def briggs(x: float, stability: str, terrain: str) -> tuple[float, float]:
    """Briggs' widths as printed in Hanna, Briggs and Hosker 1982, table 4.5."""
    root = math.sqrt
    if terrain == "urban":
        y = {"A": 0.32, "B": 0.32, "C": 0.22, "D": 0.16, "E": 0.11, "F": 0.11}[stability] * x / root(1 + 0.0004 * x)
        if stability in "AB":
            return y, 0.24 * x * root(1 + 0.001 * x)
        return y, {"C": 0.2 * x, "D": 0.14 * x / root(1 + 0.0003 * x)}.get(stability, 0.08 * x / root(1 + 0.0015 * x))
    y = {"A": 0.22, "B": 0.16, "C": 0.11, "D": 0.08, "E": 0.06, "F": 0.04}[stability] * x / root(1 + 0.0001 * x)
    z = {
        "A": 0.2 * x,
        "B": 0.12 * x,
        "C": 0.08 * x / root(1 + 0.0002 * x),
        "D": 0.06 * x / root(1 + 0.0015 * x),
        "E": 0.03 * x / (1 + 0.0003 * x),
        "F": 0.016 * x / (1 + 0.0003 * x),
    }[stability]
    return y, z


AIRS = st.builds(Air, st.floats(0.5, 20), st.sampled_from("ABCDEF"), st.sampled_from(["rural", "urban"]), st.just(None))


@given(AIRS, st.floats(0.01, 100), st.floats(0, 100), st.floats(0, 50), st.floats(10, 20_000), st.floats(-2000, 2000))
def test_a_plume_is_the_closed_formula(air: Air, rate: float, h: float, z: float, x: float, y: float) -> None:
    sy, sz = briggs(x, air.stability, air.terrain)
    mirrored = math.exp(-((z - h) ** 2) / (2 * sz * sz)) + math.exp(-((z + h) ** 2) / (2 * sz * sz))
    wanted = rate * 1e6 / (2 * math.pi * air.wind_m_s * sy * sz) * math.exp(-y * y / (2 * sy * sy)) * mirrored
    found = concentration(Plume(rate, h, z, air), np.array([x]), np.array([y]))[0]
    assert found == pytest.approx(wanted, rel=1e-9, abs=1e-300)


@given(st.sampled_from("ABCDEF"), st.floats(1, 1e5), st.floats(0, 60), st.floats(20, 20_000), st.floats(-900, 900))
def test_a_puff_is_the_closed_formula(stability: Any, mass: float, h: float, x: float, y: float) -> None:
    a, b, c, d = {
        "A": (0.18, 0.92, 0.60, 0.75),
        "B": (0.14, 0.92, 0.53, 0.73),
        "C": (0.10, 0.92, 0.34, 0.71),
        "D": (0.06, 0.92, 0.15, 0.70),
        "E": (0.04, 0.92, 0.10, 0.65),
        "F": (0.02, 0.89, 0.05, 0.61),
    }[stability]
    s, sz = a * x**b, c * x**d
    wanted = 2e6 * mass / ((2 * math.pi) ** 1.5 * s * s * sz) * math.exp(-y * y / (2 * s * s) - h * h / (2 * sz * sz))
    found = concentration(Puff(mass, h, 0.0, Air(2.0, stability)), np.array([x]), np.array([y]))[0]
    assert found == pytest.approx(wanted, rel=1e-9, abs=1e-300)


def test_under_a_lid_nothing_gets_lost() -> None:
    air = Air(2.0, "A", "rural", 300.0)
    x, heights = np.array([3_000.0]), np.linspace(0, 300, 3001)
    across, _ = briggs(3_000.0, "A", "rural")
    axis = np.array([Plume(1.0, 50.0, z, air).axis(x)[0] for z in heights])
    flux = np.trapezoid(axis, heights) * across * math.sqrt(2 * math.pi) * 2.0 / 1e6
    assert flux == pytest.approx(1.0, rel=1e-4)
    assert concentration(Plume(1.0, 0.0, 0.0, air), np.array([-5.0]), np.array([0.0]))[0] == 0


@pytest.mark.parametrize(
    "cloud",
    [
        Plume(5.0, 1.0, 1.5, Air(3.0, "D")),
        Plume(40.0, 60.0, 1.5, Air(2.0, "B", "urban")),
        Puff(2000.0, 2.0, 1.5, Air(1.5, "F")),
    ],
)
@pytest.mark.parametrize("level", [0.5, 20.0, 300.0])
def test_the_area_of_a_contour_is_that_of_counted_cells(cloud: Plume | Puff, level: float) -> None:
    found = contour(cloud, level)
    assert found is not None
    side_x, side_y = found.reach_m / 1_000, found.half_width_m / 200
    columns = 1_000 if found.open else 1_100
    x, y = np.meshgrid((np.arange(columns) + 0.5) * side_x, (np.arange(-220, 220) + 0.5) * side_y)
    above = concentration(cloud, x, y) > level
    assert found.area_m2 == pytest.approx(above.sum() * side_x * side_y, rel=4e-3)
    assert above.any(axis=0).nonzero()[0][-1] * side_x == pytest.approx(found.reach_m, abs=2 * side_x)
    assert contour(cloud, 1e12) is None


def test_classes_of_stability() -> None:
    assert [stability_of(wind, "strong-sun") for wind in (1, 2.5, 4, 5.5, 7)] == ["A", "B", "B", "C", "C"]
    assert [stability_of(wind, "slight-sun") for wind in (1, 2.5, 4, 5.5, 7)] == ["B", "C", "C", "D", "D"]
    assert [stability_of(wind, "night-clear") for wind in (1, 2.5, 4, 5.5, 7)] == ["F", "F", "E", "D", "D"]
    assert stability_of(1.0, "overcast") == "D"


@pytest.mark.parametrize(("wind_from", "towards"), [(0.0, 180.0), (90.0, 270.0), (225.0, 45.0)])
async def test_the_cloud_drifts_away_from_where_the_wind_comes_from(wind_from: float, towards: float) -> None:
    answer = await ask("plume", **LIGHT, wind_from_deg=wind_from)
    widest = answer.places[0]
    corners = np.array(widest.geometry["coordinates"][0])
    bearing, _, away = GEOD.inv(np.full(len(corners), 103.95), np.full(len(corners), 30.99), *corners.T)
    far = int(np.argmax(away))
    assert (bearing[far] - towards + 180) % 360 - 180 == pytest.approx(0, abs=0.05)
    assert away[far] == pytest.approx(widest.properties["reach_m"], abs=0.2)
    row = answer.tables[0].rows[-1]
    assert widest.properties["area_m2"] == pytest.approx(row[5], rel=1e-4)
    assert answer.summary["bearing_deg"] == towards


async def test_thresholds_are_converted_by_molar_mass_temperature_and_pressure() -> None:
    assert mg_m3(1.0, 17.03, 25.0, 101.325) == pytest.approx(0.696, abs=0.001)
    answer = await ask("plume", **LIGHT, wind_from_deg=0, temperature_c=25, pressure_kpa=101.325)
    by_name = {row[0]: row for row in answer.tables[0].rows}
    assert by_name["IDLH"][2] == pytest.approx(1200 * 28.01 / 24.465, rel=1e-3)
    assert all("二手" in row[7] for row in answer.tables[0].rows)
    given_levels = await ask("plume", **LIGHT, wind_from_deg=0, levels_mg_m3=[10, 1000, 1e9])
    assert [row[2] for row in given_levels.tables[0].rows] == [1e9, 1000, 10]
    assert given_levels.tables[0].rows[0][3] is None
    assert any(one.rule == "nowhere" for one in given_levels.findings)


@pytest.mark.parametrize("name", ["液氯", "chlorine", "LPG", "丙烷", "液氨", "1005", "UN1053"])
async def test_a_dense_gas_gets_distances_and_no_plume(name: str) -> None:
    answer = await ask("plume", place=PLACE, substance=name, wind_from_deg=270, wind_m_s=3, sky="night-clear")
    assert answer.summary["refused"] is True
    assert answer.summary["model"] == "protective-distances"
    assert "高斯" in answer.summary["reason"]
    assert answer.summary["second_hand"] is True
    assert {one.rule for one in answer.findings} >= {"dense-gas", "second-hand"}
    zone, isolation = answer.places[0], answer.places[1]
    radius = answer.summary["isolation_m"]
    assert isolation.properties["area_m2"] == pytest.approx(math.pi * radius**2, rel=2e-4)
    middle = shapely.centroid(shapely.geometry.shape(zone.geometry))
    bearing, _, _ = GEOD.inv(103.95, 30.99, middle.x, middle.y)
    assert bearing % 360 == pytest.approx(90, abs=0.5)
    calm = await ask("plume", place=PLACE, substance=name, wind_from_deg=270, wind_m_s=0)
    assert calm.places[0].properties["area_m2"] == pytest.approx(math.pi * calm.summary["protective_m"] ** 2, rel=2e-4)
    assert "calm" in {one.rule for one in calm.findings}


async def test_night_and_size_choose_the_distance() -> None:
    async def reach(**more: Any) -> float:
        answer = await ask("plume", place=PLACE, substance="氯", wind_from_deg=0, **more)
        return float(answer.summary["protective_m"])

    assert await reach(spill="small", night=False) < await reach(spill="small", night=True)
    assert await reach(spill="small") < await reach(spill="large") < await reach(spill="tank")
    petrol = await ask("plume", place=PLACE, substance="汽油", wind_from_deg=0, spill="tank")
    assert petrol.summary["spill"] == "large"
    assert "spill" in {one.rule for one in petrol.findings}


async def test_warm_ammonia_and_natural_gas_are_light() -> None:
    for name, state in (("氨", "gas"), ("天然气", None), ("苯", None)):
        answer = await ask("plume", **{**LIGHT, "substance": name}, state=state, wind_from_deg=0)
        assert answer.summary["refused"] is False
        assert answer.summary["reach_m"] > 0
    burst = await ask("plume", **LIGHT, release="instantaneous", mass_kg=500, wind_from_deg=0)
    assert "envelope" in {one.rule for one in burst.findings}


def test_every_substance_says_where_its_figures_are_from() -> None:
    data = substance_data()
    assert len({one.id for one in data.substance}) == len(data.substance)
    for one in data.substance:
        assert found_substance(one.zh) is one
        assert all(level.source for level in one.thresholds)
        assert any(known.substance == one.id and known.source for known in data.distance)


BAD: list[tuple[dict[str, Any], str, str]] = [
    ({"substance": "氪石"}, "substance", "chlorine"),
    ({"wind_m_s": 0}, "wind_m_s", "impact-area"),
    ({"wind_m_s": 0.3}, "wind_m_s", "impact-area"),
    ({"wind_m_s": -3}, "inputs.wind_m_s", "plume"),
    ({"wind_m_s": 4000}, "inputs.wind_m_s", "plume"),
    ({"wind_from_deg": 400}, "inputs.wind_from_deg", "plume"),
    ({"rate_kg_s": None}, "rate_kg_s", "kg/s"),
    ({"rate_kg_s": float("nan")}, "inputs.rate_kg_s", "plume"),
    ({"release": "instantaneous"}, "mass_kg", "kg"),
    ({"levels_mg_m3": [0]}, "levels_mg_m3", "0"),
    ({"place": {"type": "Point", "coordinates": [30.99, 103.95]}}, "place", "longitude"),
    ({"place": {"type": "LineString", "coordinates": []}}, "place", "Point"),
    ({"place": "here"}, "place", "Point"),
]


@pytest.mark.parametrize(("wrong", "where", "help_"), BAD)
async def test_bad_input_is_told_with_place_and_remedy(wrong: dict[str, Any], where: str, help_: str) -> None:
    with pytest.raises(BadRequest) as caught:
        await ask("plume", **{**LIGHT, "wind_from_deg": 0, **wrong})
    assert caught.value.where == where
    if wrong.get("wind_m_s") == 0:
        assert in_chinese(str(caught.value).split(": ", 1)[1]).startswith("风速 0 米/秒")
    assert help_ in f"{caught.value.what} {caught.value.remedy}"


async def test_rings_and_sectors_have_the_areas_of_geometry() -> None:
    rings = await ask("impact-area", place=PLACE, radii_m=[1000, 500])
    assert [round(one.properties["to_m"]) for one in rings.places] == [1000, 500]
    assert rings.places[0].properties["area_m2"] == pytest.approx(math.pi * (1000**2 - 500**2), rel=2e-4)
    assert rings.summary["area_m2"] == pytest.approx(math.pi * 1000**2, rel=2e-4)
    sector = await ask("impact-area", shape="sector", place=PLACE, radii_m=[2000], wind_from_deg=90, angle_deg=60)
    found = shapely.geometry.shape(sector.places[0].geometry)
    assert area_m2(found) == pytest.approx(math.pi * 2000**2 / 6, rel=2e-4)
    inside = [GEOD.fwd(103.95, 30.99, bearing, 1500)[:2] for bearing in (241, 270, 299)]
    outside = [GEOD.fwd(103.95, 30.99, bearing, 1500)[:2] for bearing in (90, 239, 301)]
    assert [bool(shapely.intersects_xy(found, *xy)) for xy in (*inside, *outside)] == [True] * 3 + [False] * 3


async def test_blast_follows_the_cube_root() -> None:
    assert overpressure_kpa(np.array([45.0]), 1000.0, surface=False)[0] == pytest.approx(
        101.325 * 808 * 2 / math.sqrt((1 + (4.5 / 0.048) ** 2) * (1 + (4.5 / 0.32) ** 2) * (1 + (4.5 / 1.35) ** 2))
    )
    for kpa in (7.0, 50.0, 100.0):
        near, far = blast_distance_m(kpa, 100.0), blast_distance_m(kpa, 800.0)
        assert far == pytest.approx(2 * near, rel=1e-6)
        assert overpressure_kpa(np.array([near]), 100.0)[0] == pytest.approx(kpa, rel=1e-6)
    answer = await ask("impact-area", shape="blast", place=PLACE, fuel_kg=1000)
    radii = [row[1] for row in answer.tables[0].rows]
    assert radii == sorted(radii)
    assert "limits" in {one.rule for one in answer.findings}
    assert all(one.verdict == Verdict.INFORMATION for one in answer.findings)


@pytest.mark.parametrize(
    ("inputs", "where"),
    [
        ({"shape": "sector", "place": PLACE}, "wind_from_deg"),
        ({"shape": "blast", "place": PLACE}, "tnt_kg"),
        ({"shape": "blast", "place": PLACE, "tnt_kg": 0}, "inputs.tnt_kg"),
        ({"shape": "rings", "place": PLACE, "radii_m": [0]}, "radii_m"),
        ({"shape": "rings", "place": PLACE, "radii_m": [1e9]}, "radii_m"),
        ({"shape": "rings"}, "place"),
        ({"shape": "drawn"}, "area"),
        ({"shape": "grid", "layer": "dem"}, "layer"),
        ({"shape": "blob"}, "inputs.shape"),
    ],
)
async def test_what_an_area_lacks_is_named(inputs: dict[str, Any], where: str) -> None:
    with pytest.raises(BadRequest) as caught:
        await ask("impact-area", **inputs)
    assert caught.value.where == where
    assert caught.value.remedy
