"""Control points give the placement that they were made with, and bad ones a reason."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cim.errors import BadRequest
from cim.model.bim import Placement
from importers.bim.control_points import fit_placement

MODEL = np.array([[0.0, 0.0, 0.0], [20.0, 0.0, 0.0], [20.0, 12.0, 3.0], [0.0, 12.0, 3.0]])


@given(
    turn=st.floats(-np.pi, np.pi),
    east=st.floats(-1e6, 4e7),
    north=st.floats(-1e6, 5e6),
    height=st.floats(-100, 5000),
    scale=st.sampled_from([1.0, 0.9996, 1.0003]),
)
def test_exact_points_give_their_placement(turn: float, east: float, north: float, height: float, scale: float) -> None:
    cos, sin = float(np.cos(turn)), float(np.sin(turn))
    true = Placement(4523, None, east, north, height, cos, sin, scale, None, "control-points")
    fit = fit_placement(MODEL, true.to_map(MODEL), srid=4523, free_scale=True)
    assert fit.placement.to_map(MODEL) == pytest.approx(true.to_map(MODEL), abs=1e-6)
    assert np.abs(fit.residuals_m).max() < 1e-6
    assert fit.placement.scale == pytest.approx(scale, abs=1e-7)


def test_residuals_show_the_point_that_is_wrong_and_the_scale_stays_one() -> None:
    wrong = MODEL + np.array([35_401_000.0, 3_428_000.0, 500.0])
    wrong[2, 0] += 0.3
    fit = fit_placement(MODEL, wrong, srid=4523, height_datum="EPSG:5737")
    assert (fit.placement.scale, fit.placement.height_datum) == (1.0, "EPSG:5737")
    assert int(np.abs(fit.residuals_m[:, :2]).max(axis=1).argmax()) == 2
    assert 0.1 < fit.rms_plan_m < 0.3
    assert fit.rms_height_m < 1e-9
    assert fit.residuals_m.mean(axis=0) == pytest.approx([0, 0, 0], abs=1e-6)


def test_two_points_fix_direction_and_position_without_a_scale() -> None:
    fit = fit_placement(MODEL[:2], np.array([[100.0, 100.0, 5.0], [100.0, 120.2, 5.0]]), srid=4523)
    assert (fit.placement.abscissa, fit.placement.ordinate) == pytest.approx((0.0, 1.0), abs=1e-9)
    assert np.abs(fit.residuals_m[:, 1]).max() == pytest.approx(0.1)


@pytest.mark.parametrize(
    ("model", "target"),
    [
        (MODEL[:1], MODEL[:1]),
        (np.zeros((3, 3)), MODEL[:3]),
        (MODEL[:3], np.zeros((3, 3))),
        (MODEL[:3], np.full((3, 3), np.nan)),
        (MODEL[:3], MODEL[:2]),
        (MODEL[:3, :2], MODEL[:3, :2]),
    ],
)
def test_points_that_fix_nothing_are_refused(model: np.ndarray, target: np.ndarray) -> None:
    with pytest.raises(BadRequest):
        fit_placement(model, target, srid=4523)
