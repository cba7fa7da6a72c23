"""Geocentric coordinates and level frames, against pyproj."""

import numpy as np
import pyproj
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cim.model.ecef import LocalFrame, geocentric, upward

WAY = pyproj.Transformer.from_crs(4979, 4978, always_xy=True)
lons, lats = st.floats(-180, 180), st.floats(-89.9, 89.9)
heights = st.floats(-500, 9_000)


@given(lons, lats, heights)
def test_places_are_where_proj_has_them(lon: float, lat: float, height_m: float) -> None:
    found = geocentric(np.array([lon]), np.array([lat]), np.array([height_m]))[0]
    assert np.allclose(found, WAY.transform(lon, lat, height_m), atol=2e-4)  # two ellipsoids, 0.1 mm apart


@given(lons, lats, heights, st.floats(-2_000, 2_000), st.floats(-2_000, 2_000), st.floats(-100, 300))
def test_a_frame_is_level_and_turns_back(
    lon: float, lat: float, height_m: float, east: float, north: float, up: float
) -> None:
    frame = LocalFrame.at(lon, lat, height_m)
    assert np.allclose(frame.axes @ frame.axes.T, np.eye(3), atol=1e-12)
    assert np.allclose(frame.axes[2], upward(np.array([lon]), np.array([lat]))[0])
    point = frame.matrix() @ [east, north, up, 1]
    assert np.allclose(frame.local(point[None, :3])[0], [east, north, up], atol=1e-6)
    x, y, z = (frame.gltf_matrix() @ [east, north, up, 1])[:3]
    assert np.allclose([x, -z, y], point[:3])  # as 3D Tiles turns glTF's y up


def test_east_and_north_are_those_of_the_map() -> None:
    frame = LocalFrame.at(103.9, 31.0, 500.0)
    north = geocentric(np.array([103.9]), np.array([31.001]), np.array([500.0]))
    east = geocentric(np.array([103.901]), np.array([31.0]), np.array([500.0]))
    assert frame.local(north)[0] == pytest.approx([0.0, 110.87, 0.0], abs=0.2)
    assert frame.local(east)[0] == pytest.approx([95.48, 0.0, 0.0], abs=0.2)
