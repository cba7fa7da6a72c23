"""Heights above the ellipsoid: which systems have a way there, and which are refused."""

import numpy as np
import pyproj
import pytest

from cim.errors import HeightsUnknown
from cim.model.ellipsoidal_heights import HeightWay, height_way
from cim.model.undulation import Undulation

LON, LAT, HEIGHT_M = np.array([103.9, 104.1]), np.array([31.0, 31.2]), np.array([500.0, 610.25])
HERE = Undulation(np.array([[-39.0, -41.0]]), west_deg=103.9, north_deg=31.0, step_deg=0.2)


@pytest.mark.parametrize("datum", ["EPSG:5737", None])
def test_levelled_heights_get_the_undulation_of_their_place(datum: str | None) -> None:
    assert height_way(datum, HERE).apply(LON, LAT, HEIGHT_M) == pytest.approx([461.0, 569.25])
    with pytest.raises(HeightsUnknown, match="none is configured") as refused:
        height_way(datum, None)
    assert "CIM_UNDULATION_M" in refused.value.remedy


def test_ellipsoidal_heights_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    for undulation in (HERE, None):
        assert height_way("ellipsoidal", undulation).apply(LON, LAT, HEIGHT_M).tolist() == HEIGHT_M.tolist()


@pytest.mark.parametrize("datum", ["local", "EPSG:5736", "EPSG:5773", "EPSG:4490", "EPSG:999999", "nonsense", ""])
def test_what_has_no_way_but_a_guess_is_refused(datum: str) -> None:
    with pytest.raises(HeightsUnknown) as refused:
        height_way(datum, HERE)
    assert refused.value.remedy


def test_other_systems_go_the_way_of_proj_in_their_own_unit() -> None:
    """Heights above EGM96's vertical system in feet, by an operation written out here: no grid is shipped with PROJ."""
    feet = 0.3048
    operation = pyproj.Transformer.from_pipeline(
        f"+proj=pipeline +step +proj=unitconvert +z_in=ft +z_out=m +step +proj=affine +zoff={-39.5}"
    )
    way = HeightWay(operation=operation, unit_m=feet)
    assert way.apply(LON, LAT, HEIGHT_M) == pytest.approx(HEIGHT_M - 39.5)
    nowhere = HeightWay(operation=pyproj.Transformer.from_pipeline("+proj=affine +zoff=inf"))
    with pytest.raises(HeightsUnknown, match="not defined"):
        nowhere.apply(LON, LAT, HEIGHT_M)
