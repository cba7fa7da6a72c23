"""Tiles of point clouds hold every point once, where pyproj puts it, in boxes that hold them, from coarse to fine."""

from pathlib import Path

import laspy
import numpy as np
import pyproj
import pytest
from cloud_tiles import read_points, tiles_in, unpacked
from gltf_validator import faults_of
from made_clouds import written_cloud

from cim.errors import BadRequest, HeightsUnknown
from importers.tilesets.files import files_of
from importers.tilesets.walking import walk
from tiles.clouds import building, octree
from tiles.clouds.building import build_cloud
from tiles.clouds.reading import CLASS_COLOURS, CloudSource

FEET = 1200 / 3937


def written(path: Path, points: int, *, colours: str = "rgb16", scale: float = 1.0) -> laspy.LasData:
    """A slope with houses on it; with colours of 8 or 16 bits, classes alone, or intensities alone."""
    random = np.random.default_rng(3)
    x, y = random.uniform(0, 120, (2, points))
    house = (x % 30 < 12) & (y % 30 < 12)
    z = (550 + x / 10 + house * random.uniform(0, 9, points)) / scale
    dimensions = {
        "classification": np.where(house & (colours != "intensity"), 6, 2).astype(np.uint8),
        "intensity": random.integers(0, 60_000, points).astype(np.uint16),
    }
    if colours.startswith("rgb"):
        most = 65_535 if colours == "rgb16" else 255
        for name in ("red", "green", "blue"):
            dimensions[name] = random.integers(0, most, points).astype(np.uint16)
    point_format = 7 if colours.startswith("rgb") else 6
    return laspy.read(written_cloud(path, (x, y, z), None, point_format=point_format, **dimensions))


def built(tmp_path: Path, cloud: laspy.LasData, crs: str = "EPSG:4544", unit: float = 1.0) -> Path:
    folder = tmp_path / "points"
    folder.mkdir()
    z = np.asarray(cloud.z) * unit
    source = CloudSource(tmp_path / "cloud.laz", crs, round(float(z.min()), 3), round(float(z.max()), 3))
    count = build_cloud(source, tmp_path / "set.3tz", folder)
    assert count == len(unpacked(tmp_path / "set.3tz")[1])
    assert not list(folder.glob("*.points"))
    return tmp_path / "set.3tz"


def on_earth(cloud: laspy.LasData, crs: str = "EPSG:4544", unit: float = 1.0) -> np.ndarray:
    plane = pyproj.Transformer.from_crs(crs, 4490, always_xy=True)
    lon, lat = plane.transform(np.asarray(cloud.x), np.asarray(cloud.y))
    way = pyproj.Transformer.from_crs(4979, 4978, always_xy=True)
    return np.column_stack(way.transform(lon, lat, np.asarray(cloud.z) * unit))


@pytest.fixture
def small_tiles(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tiles of few points, so that few points make a deep tree."""
    for name, value in (("AIM_POINTS", 800), ("MOST_POINTS", 2_000), ("LEAST_POINTS", 40), ("_TOP_LEVELS", 2)):
        monkeypatch.setattr(octree, name, value)
    monkeypatch.setattr(building, "SPILLED_POINTS", 7_000)


def test_every_point_is_there_once_and_where_it_belongs(tmp_path: Path, small_tiles: None) -> None:
    cloud = written(tmp_path / "cloud.laz", 40_000)
    document, contents = unpacked(built(tmp_path, cloud))
    parts = [read_points(data) for data in contents.values()]
    places = np.concatenate([part.places for part in parts])
    expected = on_earth(cloud)
    assert len(places) == len(expected)
    nearest = nearest_of(places, expected)
    apart = np.linalg.norm(places - expected[nearest], axis=1)
    assert apart.max() <= 0.01
    assert len(np.unique(nearest)) > 0.999 * len(expected)
    colours = np.stack([np.asarray(cloud[name]) >> 8 for name in ("red", "green", "blue")], axis=1)
    same = (np.concatenate([part.colours for part in parts]) == colours[nearest]).all(axis=1)
    assert same.mean() > 0.999
    classes = np.concatenate([part.classes for part in parts])
    assert (classes == np.asarray(cloud.classification)[nearest]).mean() > 0.999
    intensities = np.concatenate([part.intensities for part in parts])
    assert np.sort(intensities).tolist() == np.sort(np.asarray(cloud.intensity)).tolist()
    assert max(len(part.places) for part in parts) <= 3 * octree.MOST_POINTS
    depths = {len(above) for _, above in tiles_in(document)}
    assert max(depths) >= 3


def nearest_of(places: np.ndarray, expected: np.ndarray) -> np.ndarray:
    """For each place the nearest of those expected, by cells of a decimetre."""
    origin = expected.min(axis=0)
    cells: dict[tuple[int, ...], list[int]] = {}
    for number, cell in enumerate(np.floor((expected - origin) * 10).astype(int).tolist()):
        cells.setdefault(tuple(cell), []).append(number)
    steps = [(a, b, c) for a in (0, -1, 1) for b in (0, -1, 1) for c in (0, -1, 1)]
    found = np.empty(len(places), int)
    for number, (x, y, z) in enumerate(np.floor((places - origin) * 10).astype(int).tolist()):
        near = [one for a, b, c in steps for one in cells.get((x + a, y + b, z + c), [])]
        found[number] = near[int(np.argmin(np.linalg.norm(expected[near] - places[number], axis=1)))]
    return found


def test_the_tree_is_a_sound_tileset(tmp_path: Path, small_tiles: None) -> None:
    """By the checks of registered sets and Khronos' validator; boxes hold their points, errors fall, coarse is even."""
    path = built(tmp_path, written(tmp_path / "cloud.laz", 30_000))
    with files_of(path) as files:
        walked = walk(files)
    assert walked.faults.problems() == []
    assert walked.root is not None
    assert walked.root.on_earth
    document, contents = unpacked(path)
    assert faults_of({name: contents[name] for name in list(contents)[:4]}) == {}
    for tile, above in tiles_in(document):
        assert tile["geometricError"] == 0 or tile.get("children")
        assert not above or tile["geometricError"] < above[-1]["geometricError"]
        if "content" not in tile:
            continue
        places = read_points(contents[tile["content"]["uri"]]).places
        for outer in (tile, *above):
            numbers = np.array(outer["boundingVolume"]["box"])
            middle, axes = numbers[:3], numbers[3:].reshape(3, 3)
            along = (places - middle) @ axes.T / (axes**2).sum(axis=1)
            assert np.abs(along).max() <= 1 + 1e-6
    root = read_points(contents["0/0_0_0.glb"]).places
    everything = np.concatenate([read_points(data).places for data in contents.values()])
    spread = root.std(axis=0) / everything.std(axis=0)
    assert spread == pytest.approx(1, abs=0.15), "what is seen from afar is a fair sample"
    assert document["root"]["refine"] == "ADD"


@pytest.mark.parametrize("colours", ["rgb8", "classes", "intensity"])
def test_clouds_are_coloured_by_what_they_have(tmp_path: Path, colours: str) -> None:
    cloud = written(tmp_path / "cloud.laz", 4_000, colours=colours)
    _, contents = unpacked(built(tmp_path, cloud))
    (data,) = contents.values()
    part = read_points(data)
    assert len(part.places) == 4_000
    if colours == "rgb8":
        assert part.colours.max() > 240
        assert part.colours.min() < 15
    elif colours == "classes":
        assert {tuple(colour) for colour in part.colours.tolist()} == {CLASS_COLOURS[2], CLASS_COLOURS[6]}
        assert [tuple(c) for c in part.colours[:50].tolist()] == [CLASS_COLOURS[k] for k in part.classes[:50].tolist()]
    else:
        assert (part.colours[:, 0] == part.colours[:, 2]).all()
        brighter = np.corrcoef(part.colours[:, 0], part.intensities)[0, 1]
        assert brighter > 0.9


def test_heights_in_feet_are_metres_in_tiles(tmp_path: Path) -> None:
    cloud = written(tmp_path / "cloud.laz", 2_000, scale=FEET)
    _, contents = unpacked(built(tmp_path, cloud, unit=FEET))
    (data,) = contents.values()
    places, expected = read_points(data).places, on_earth(cloud, unit=FEET)
    apart = np.linalg.norm(places - expected[nearest_of(places, expected)], axis=1)
    assert apart.max() <= 0.01


def test_clouds_that_cannot_be_placed_are_told(tmp_path: Path) -> None:
    cloud = written(tmp_path / "cloud.laz", 500)
    with pytest.raises(HeightsUnknown, match="unit"):
        built(tmp_path, cloud, unit=0.5)
    (tmp_path / "points").rmdir()
    with pytest.raises(BadRequest):
        built(tmp_path, cloud, crs="no system")


def test_one_point_and_a_vertical_line_of_points(tmp_path: Path, small_tiles: None) -> None:
    for count in (1, 5_000):
        folder = tmp_path / str(count)
        folder.mkdir()
        level = np.zeros(count)
        written_cloud(folder / "cloud.laz", (level, level, np.linspace(500, 700, count)), None, point_format=6)
        _, contents = unpacked(built(folder, laspy.read(folder / "cloud.laz")))
        assert sum(len(read_points(data).places) for data in contents.values()) == count
