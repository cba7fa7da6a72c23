"""Figures of parts of patches: shares of register areas, ridges split out, sums that close to the cent."""

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from cim.analysis.land_figures import FIELDS, by_class, closed, patches
from cim.analysis.overlay import overlay
from cim.model.ellipsoid import ellipsoidal_areas_m2

HALF = shapely.box(103.90, 31.00, 103.905, 31.01)
LEFT, RIGHT = shapely.box(103.90, 31.00, 103.91, 31.01), shapely.box(103.91, 31.00, 103.92, 31.01)


def columns(**given: list[object]) -> dict[str, list[object]]:
    count = len(next(iter(given.values())))
    return {name: given.get(name, [None] * count) for name in FIELDS}


def test_half_of_a_patch_has_half_of_its_register_area_and_its_ridges() -> None:
    shapes = np.array([LEFT, RIGHT], dtype=object)
    facts = columns(
        TBMJ=[1000.0, 500.0], KCXS=[0.11, 0], KCDLBM=["1203", None], DLBM=["0103", "0702"], QSXZ=["30", "20"]
    )
    found = patches(overlay(np.array([HALF], dtype=object), shapes, 4490), facts, shapes, 4490)
    assert found.register_m2.tolist() == [pytest.approx(500.0)]
    assert found.ridge_m2.tolist() == [pytest.approx(55.0)]
    assert found.net_m2.tolist() == [pytest.approx(445.0)]
    assert (found.arable().tolist(), found.collective().tolist()) == ([True], [True])
    (figures,) = by_class(found, 1.0)
    assert (figures.register_m2, figures.net_m2, figures.ridge_m2, figures.pieces) == (500.0, 445.0, 55.0, 1)


@pytest.mark.parametrize("register", [None, 0, -5, "text"])
def test_a_patch_without_register_area_counts_with_its_computed_one(register: object) -> None:
    shapes = np.array([LEFT], dtype=object)
    found = patches(overlay(shapes, shapes, 4490), columns(TBMJ=[register], DLBM=["0101"]), shapes, 4490)
    assert found.register_m2 == pytest.approx(ellipsoidal_areas_m2(shapes))


def test_a_coefficient_of_one_or_more_is_no_coefficient() -> None:
    shapes = np.array([LEFT], dtype=object)
    found = patches(overlay(shapes, shapes, 4490), columns(TBMJ=[100.0], KCXS=[11.0], DLBM=["0103"]), shapes, 4490)
    assert found.ridge_m2.tolist() == [0.0]


@given(st.lists(st.floats(0, 1e7), min_size=1, max_size=50))
def test_rounded_values_sum_to_the_rounded_sum(values: list[float]) -> None:
    rounded = closed(values)
    assert sum(round(value * 100) for value in rounded) == round(sum(values) / 0.01)
    largest = max(range(len(values)), key=lambda k: values[k])
    for k, (value, near) in enumerate(zip(values, rounded, strict=True)):
        assert abs(value - near) <= 0.005 + 1e-9 * value + (k == largest) * 0.005 * len(values)
