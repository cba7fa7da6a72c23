"""Values between stations against closed formulas, small systems solved by hand, and brute force."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cim.analysis.interpolation.methods import (
    Floats,
    Kriging,
    Variogram,
    fitted_variogram,
    idw,
    idw_left_out,
    semivariances,
)

RANDOM = np.random.default_rng(7)
STATIONS = RANDOM.uniform(0, 20_000, (30, 2))
VALUES = 50 + STATIONS[:, 0] / 1_000 + 5 * np.sin(STATIONS[:, 1] / 4_000) + RANDOM.normal(0, 0.5, 30)
SPHERICAL = Variogram("spherical", 0.5, 4.0, 8_000.0)


def test_inverse_distances_are_the_closed_formula() -> None:
    stations = np.array([[0.0, 0.0], [3.0, 4.0], [6.0, 8.0]])
    values = np.array([10.0, 20.0, 40.0])
    place = np.array([[3.0, 0.0]])
    apart = np.array([3.0, 4.0, np.sqrt(73.0)])
    for power in (1.0, 2.0, 3.5):
        weights = apart**-power
        assert idw(stations, values, place, power)[0] == pytest.approx((weights @ values) / weights.sum(), rel=1e-12)


def test_both_methods_keep_the_values_of_stations() -> None:
    assert np.array_equal(idw(STATIONS, VALUES, STATIONS), VALUES)
    kriged = Kriging(STATIONS, VALUES, SPHERICAL)(STATIONS)
    assert np.allclose(kriged, VALUES, atol=1e-8), "also with a nugget"


def test_kriging_between_two_stations_is_what_the_system_says() -> None:
    """Two stations h apart, a place on the line at a: the weight of the first is 1/2 + (g(h-a) - g(a)) / (2 g(h))."""
    stations, values = np.array([[0.0, 0.0], [1_000.0, 0.0]]), np.array([10.0, 30.0])
    kriging = Kriging(stations, values, SPHERICAL)

    def gamma(apart_m: float) -> float:
        relative = apart_m / 8_000
        return 0.5 + 4.0 * (1.5 * relative - 0.5 * relative**3)

    for at in (100.0, 500.0, 900.0):
        first = 0.5 + (gamma(1_000 - at) - gamma(at)) / (2 * gamma(1_000))
        (weights,) = kriging.weights(np.array([[at, 0.0]]))
        assert weights[:2] == pytest.approx([first, 1 - first], rel=1e-12)
        assert kriging(np.array([[at, 0.0]]))[0] == pytest.approx(10 * first + 30 * (1 - first))


def test_kriging_solves_its_system_for_every_place() -> None:
    places = RANDOM.uniform(0, 20_000, (40, 2))
    weights = Kriging(STATIONS, VALUES, SPHERICAL).weights(places)
    for place, found in zip(places, weights, strict=True):
        system = np.ones((31, 31))
        system[:30, :30] = SPHERICAL(np.linalg.norm(STATIONS[:, None] - STATIONS[None], axis=2))
        system[30, 30] = 0
        right = np.append(SPHERICAL(np.linalg.norm(STATIONS - place, axis=1)), 1.0)
        assert found == pytest.approx(np.linalg.solve(system, right), rel=1e-7, abs=1e-9)
    assert weights[:, :-1].sum(axis=1) == pytest.approx(1.0)


def test_far_from_all_and_without_structure_kriging_is_the_mean() -> None:
    nugget = Kriging(STATIONS, VALUES, Variogram("spherical", 3.0, 0.0, 1_000.0))
    assert nugget(np.array([[1e6, 1e6]]))[0] == pytest.approx(VALUES.mean())


def test_leaving_out_in_one_step_is_leaving_out_one_by_one() -> None:
    every = np.arange(30)
    one_by_one = [Kriging(STATIONS[every != k], VALUES[every != k], SPHERICAL)(STATIONS[k : k + 1])[0] for k in every]
    assert Kriging(STATIONS, VALUES, SPHERICAL).left_out() == pytest.approx(one_by_one, rel=1e-8)
    without = [idw(STATIONS[every != k], VALUES[every != k], STATIONS[k : k + 1])[0] for k in every]
    assert idw_left_out(STATIONS, VALUES) == pytest.approx(without)


def test_semivariances_are_those_of_the_pairs() -> None:
    apart_m, unlike, pairs = semivariances(STATIONS, VALUES)
    longest = max(np.hypot(*(a - b)) for a in STATIONS for b in STATIONS)
    near = [
        (np.hypot(*(STATIONS[i] - STATIONS[j])), (VALUES[i] - VALUES[j]) ** 2 / 2)
        for i in range(30)
        for j in range(i)
        if np.hypot(*(STATIONS[i] - STATIONS[j])) <= longest / 2
    ]
    assert pairs.sum() == len(near)
    assert (apart_m * pairs).sum() == pytest.approx(sum(h for h, _ in near))
    assert (unlike * pairs).sum() == pytest.approx(sum(g for _, g in near))


def test_a_fitted_variogram_finds_what_made_the_values() -> None:
    random = np.random.default_rng(3)
    stations = random.uniform(0, 30_000, (400, 2))
    true = Variogram("spherical", 0.2, 3.0, 9_000.0)
    covariance = 3.2 - true(np.linalg.norm(stations[:, None] - stations[None], axis=2))
    values = np.linalg.cholesky(covariance + 1e-9 * np.eye(400)) @ random.normal(size=400)
    found = fitted_variogram(stations, values)
    assert 0 <= found.nugget < 1.0
    assert 5_000 < found.range_m < 25_000
    at_4_km = np.array([4_000.0])
    assert float(found(at_4_km)[0]) == pytest.approx(float(true(at_4_km)[0]), rel=0.35)
    left_out = Kriging(stations, values, found).left_out()
    assert np.sqrt(((left_out - values) ** 2).mean()) < 0.75 * values.std(), "better than the mean"


@settings(max_examples=40)
@given(
    st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), min_size=5, max_size=25, unique=True),
    st.integers(0, 2**31),
)
def test_nothing_breaks_whatever_the_values(places: list[tuple[int, int]], seed: int) -> None:
    stations: Floats = np.array(places, dtype=np.float64) * 100
    random = np.random.default_rng(seed)
    for values in (np.zeros(len(places)), np.full(len(places), 7.0), random.normal(0, 10, len(places))):
        variogram = fitted_variogram(stations, values)
        assert variogram.nugget >= 0
        assert variogram.sill >= 0
        kriging = Kriging(stations, values, variogram)
        assert np.allclose(kriging(stations), values, atol=1e-5 * (1 + np.abs(values).max()))
        somewhere = random.uniform(0, 6_000, (50, 2))
        assert np.isfinite(kriging(somewhere)).all()
        assert np.isfinite(kriging.left_out()).all()
        estimated = idw(stations, values, somewhere)
        assert (estimated >= values.min() - 1e-9).all()
        assert (estimated <= values.max() + 1e-9).all()
