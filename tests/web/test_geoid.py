"""The undulation an operator configures: a number or a grid, and what is said of wrong ones."""

import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import rasterio
from rasterio.transform import Affine

from cim.errors import SettingsError
from web.cli.doctor import _undulation as undulation_examined
from web.geoid import configured_undulation
from web.settings import ServerSettings

NODES = -40.0 + np.arange(30, dtype=np.float32).reshape(5, 6) / 10
"""Rows from the north: 5 rows of 6 nodes from 103 E, 32 N, half a degree eastward and a quarter southward."""
PLACES = np.array([103.0, 103.25, 105.5, 103.0, 90.0, 104.0]), np.array([32.0, 31.875, 31.0, 31.0, 40.0, 31.5])


def gtx(path: Path, nodes: np.ndarray, west: float = 103.0, step: tuple[float, float] = (0.25, 0.5)) -> Path:
    """A grid as NOAA's VDatum writes it: south first, big-endian."""
    south = 32.0 - step[0] * (len(nodes) - 1)
    head = struct.pack(">ddddii", south, west, *step, *nodes.shape)
    path.write_bytes(head + nodes[::-1].astype(">f4").tobytes())
    return path


def geotiff(path: Path, nodes: np.ndarray, crs: str = "EPSG:4979", kind: str = "Point") -> Path:
    way = Affine(0.5, 0, 102.75, 0, -0.25, 32.125)
    rows, columns = nodes.shape
    shape = {"width": columns, "height": rows, "count": 1, "dtype": nodes.dtype.name, "nodata": -999}
    with rasterio.open(path, "w", driver="GTiff", crs=crs, transform=way, **shape) as target:
        target.update_tags(AREA_OR_POINT=kind)
        target.write(nodes, 1)
    return path


@pytest.mark.parametrize("written", [gtx, geotiff])
def test_a_grid_gives_its_nodes_and_what_lies_between(tmp_path: Path, written: Callable[..., Path]) -> None:
    found = configured_undulation(ServerSettings(geoid_grid=written(tmp_path / "grid.gtx", NODES)))
    assert found is not None
    got = found.at(*PLACES)
    between = (NODES[0, 0] + NODES[0, 1] + NODES[1, 0] + NODES[1, 1]) / 4
    expected = [NODES[0, 0], between, NODES[4, 5], NODES[4, 0], NODES[0, 0], NODES[2, 2]]
    assert got == pytest.approx(expected, abs=1e-4)
    assert found.source == "grid.gtx"


def test_a_grid_of_the_world_from_greenwich_is_found_west_of_it(tmp_path: Path) -> None:
    nodes = np.tile(np.arange(36, dtype=np.float32), (3, 1))
    found = configured_undulation(ServerSettings(geoid_grid=gtx(tmp_path / "w.gtx", nodes, 0.0, (10.0, 10.0))))
    assert found is not None
    assert found.at(np.array([0.0, 104.0, -10.0, -180.0, 175.0]), np.full(5, 20.0)) == pytest.approx(
        [0, 10.4, 35, 18, 17.0 if found.west_deg > -180 else 17.5], abs=0.51
    )


def test_a_number_holds_everywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CIM_UNDULATION_M", "-39.5")
    found = configured_undulation(ServerSettings())
    assert found is not None
    assert found.at(np.array([103.9, -70.0]), np.array([31.0, 5.0])).tolist() == [-39.5, -39.5]
    monkeypatch.setenv("CIM_UNDULATION_M", "")
    monkeypatch.setenv("CIM_GEOID_GRID", "")
    assert configured_undulation(ServerSettings()) is None


def test_wrong_settings_are_told_with_a_remedy(tmp_path: Path) -> None:
    hole = NODES.copy()
    hole[2, 2] = -999
    (tmp_path / "text.gtx").write_text("no grid")
    far = geotiff(tmp_path / "far.tif", (NODES * 100).astype(np.float32))
    cases = [
        (ServerSettings(undulation_m=-39.5, geoid_grid=far), "both"),
        (ServerSettings(undulation_m=5000.0), "nowhere"),
        (ServerSettings(undulation_m=float("nan")), "nowhere"),
        (ServerSettings(geoid_grid=tmp_path / "missing.gtx"), "cannot be read"),
        (ServerSettings(geoid_grid=tmp_path / "text.gtx"), "cannot be read"),
        (ServerSettings(geoid_grid=far), "no undulations"),
        (ServerSettings(geoid_grid=geotiff(tmp_path / "hole.tif", hole)), "without a value"),
        (ServerSettings(geoid_grid=geotiff(tmp_path / "plane.tif", NODES, "EPSG:4523")), "degrees"),
    ]
    for settings, said in cases:
        with pytest.raises(SettingsError, match=said) as refused:
            configured_undulation(settings)
        assert refused.value.remedy
        assert "CIM_" in refused.value.where
        assert str(tmp_path) not in str(refused.value)


def test_a_word_for_a_number_ends_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CIM_UNDULATION_M", "minus forty")
    with pytest.raises(SettingsError, match="is no number"):
        ServerSettings()


@pytest.mark.parametrize(
    ("given", "well", "said"), [("-39.5", True, "-39.5 m"), ("900", False, "nowhere"), ("", True, "not configured")]
)
def test_the_doctor_says_which_one_holds(monkeypatch: pytest.MonkeyPatch, given: str, well: bool, said: str) -> None:
    monkeypatch.setenv("CIM_UNDULATION_M", given)
    found = undulation_examined()
    assert (found.name, found.well) == ("undulation", well)
    assert said in found.found
