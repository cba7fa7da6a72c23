"""Terrain tiles read back: heights against the files, edges against neighbours, spheres and horizons against rays."""

import math
import shutil
from pathlib import Path

import numpy as np
import pyproj
import pytest
import rasterio
from hypothesis import given, settings
from hypothesis import strategies as st
from terrain_meshes import ReadMesh, geocentric, read_mesh, tile_at, tile_box

from cim.errors import BadRequest, HeightsUnknown
from cim.model.raster import RasterImage
from cim.model.undulation import Undulation
from cim.store.files import FileStore
from tiles.terrain import EVERYWHERE, MeshAsked, allowed_m, available, draw_tile, tile_bbox
from tiles.terrain_mesh import mesh_of, sagitta_m
from tiles.terrain_posts import ground_heights

SAMPLES = Path(__file__).parents[2] / "data_samples" / "small" / "dem"
SEAT, MOUNTAINS, EDGE = (103.9455, 30.9865), (103.85, 31.25), (103.70, 31.405)
DEEPEST = 17
HERE = Undulation(np.array([[-38.0, -40.0], [-39.0, -42.0]]), west_deg=103.0, north_deg=32.0, step_deg=2.0)
SIDE_M = 113.0


def shown(name: str, cell_m: float, datum: str | None = "EPSG:5737") -> RasterImage:
    return RasterImage(name, name, cell_m, 1, "float32", "gray", datum)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> FileStore:
    root = tmp_path_factory.mktemp("files")
    (root / "rasters").mkdir()
    for name in ("county.tif", "seat.tif"):
        kept = root / "rasters" / name
        shutil.copyfile(SAMPLES / name, kept)
        with rasterio.open(kept, "r+") as dataset:
            dataset.build_overviews([2, 4, 8, 16], rasterio.enums.Resampling.average)
    return FileStore(root)


IMAGES = [shown("seat.tif", 5.0), shown("county.tif", SIDE_M)]


def tile(
    store: FileStore, z: int, x: int, y: int, *, normals: bool = False, images: list[RasterImage] = IMAGES
) -> ReadMesh:
    return read_mesh(draw_tile(store, images, HERE, MeshAsked(z, x, y, normals), math.inf))


def of_file(name: str, lon: np.ndarray, lat: np.ndarray) -> np.ndarray:
    """Heights of a file, bilinear between the middles of its cells, by rasterio and plain arithmetic."""
    with rasterio.open(SAMPLES / name) as source:
        cells = source.read(1, masked=True).astype(float).filled(np.nan)
        x, y = pyproj.Transformer.from_crs(4490, source.crs.to_epsg(), always_xy=True).transform(lon, lat)
        column, row = ~source.transform @ (np.asarray(x), np.asarray(y))
    c, r = column - 0.5, row - 0.5
    j, i = np.floor(c).astype(int), np.floor(r).astype(int)
    good = (i >= 0) & (j >= 0) & (i < cells.shape[0] - 1) & (j < cells.shape[1] - 1)
    i, j = np.where(good, i, 0), np.where(good, j, 0)
    u, v = c - j, r - i
    above = cells[i, j] * (1 - u) + cells[i, j + 1] * u
    below = cells[i + 1, j] * (1 - u) + cells[i + 1, j + 1] * u
    return np.where(good, above * (1 - v) + below * v, np.nan)


def test_the_deepest_level_is_the_model_of_heights(store: FileStore) -> None:
    """A thousand places around the mountains and the seat: half a metre at most, and the undulation of the place."""
    assert allowed_m(DEEPEST) <= 0.5
    rng = np.random.default_rng(3)
    worst = []
    for name, middle in (("county.tif", MOUNTAINS), ("seat.tif", SEAT)):
        x0, y0 = tile_at(DEEPEST, *middle)
        for x, y in ((x0, y0), (x0 + 3, y0), (x0, y0 + 2), (x0 + 1, y0 + 1)):
            west, south, east, north = tile_box(DEEPEST, x, y)
            u, v = rng.random((2, 150))
            lon, lat = west + u * (east - west), south + v * (north - south)
            expected = of_file(name, lon, lat) + HERE.at(lon, lat)
            found = tile(store, DEEPEST, x, y).height_at(u, v)
            assert not np.isnan(found).any()
            known = np.isfinite(expected)
            assert known.sum() > 100
            worst.append(np.abs(found - expected)[known].max())
    assert max(worst) <= allowed_m(DEEPEST) + 0.02, worst


def test_every_level_keeps_to_its_error(store: FileStore) -> None:
    """Against the posts the level is made of, which are the file's own heights as long as cells are wide enough."""
    rng = np.random.default_rng(4)
    for z in range(12, DEEPEST):
        x, y = tile_at(z, *MOUNTAINS)
        west, south, east, north = tile_box(z, x, y)
        u, v = (rng.integers(0, 129, 200) / 128 for _ in range(2))
        lon, lat = west + u * (east - west), south + v * (north - south)
        expected = of_file("county.tif", lon, lat) + HERE.at(lon, lat)
        found = tile(store, z, x, y).height_at(u, v)
        known = np.isfinite(expected)
        assert np.abs(found - expected)[known].max() <= allowed_m(z) + 0.05, z


@pytest.mark.parametrize(
    ("z", "place"),
    [(0, SEAT), (4, SEAT), (7, EDGE), (10, EDGE), (11, SEAT), (12, MOUNTAINS), (13, EDGE), (15, SEAT), (17, MOUNTAINS)],
)
def test_neighbours_meet(store: FileStore, z: int, place: tuple[float, float]) -> None:
    """Along shared edges both draw the same line, to the step that heights are written in."""
    x, y = tile_at(z, *place)
    x = min(x, 2 ** (z + 1) - 2)
    y = min(y, max(2**z - 2, 0))
    here = tile(store, z, x, y)
    along = np.linspace(0, 1, 300)
    pairs = [(tile(store, z, x + 1, y), (np.ones(300), along), (np.zeros(300), along))]
    if z:
        pairs.append((tile(store, z, x, y + 1), (along, np.ones(300)), (along, np.zeros(300))))
    for other, mine, its in pairs:
        step = max(here.high - here.low, other.high - other.low) / 32767
        apart = np.abs(here.height_at(*mine) - other.height_at(*its)).max()
        assert apart <= step * 2, f"{apart} m, heights are written in steps of {step} m"


@pytest.mark.parametrize(("z", "place"), [(0, SEAT), (1, SEAT), (5, MOUNTAINS), (9, EDGE), (13, MOUNTAINS), (17, SEAT)])
def test_the_form_is_that_of_the_specification(store: FileStore, z: int, place: tuple[float, float]) -> None:
    x, y = tile_at(z, *place)
    mesh = tile(store, z, x, y, normals=True)
    west, south, east, north = tile_box(z, x, y)
    a, b, c = (np.stack([mesh.u[n], mesh.v[n]], axis=1) for n in mesh.triangles.T)
    areas = ((b - a)[:, 0] * (c - a)[:, 1] - (b - a)[:, 1] * (c - a)[:, 0]) / 2
    assert (areas > 0).all(), "every triangle turns left seen from above"
    assert areas.sum() == pytest.approx(1.0)
    for edge, at in zip(mesh.edges, (mesh.u == 0, mesh.v == 0, mesh.u == 1, mesh.v == 1), strict=True):
        assert sorted(edge) == sorted(np.flatnonzero(at))
    places = geocentric(west + mesh.u * (east - west), south + mesh.v * (north - south), mesh.heights)
    centre, radius = mesh.sphere
    away = np.linalg.norm(places - centre, axis=1)
    assert away.max() <= radius + 0.01
    assert radius <= away.max() + 0.01
    normals = np.frombuffer(mesh.extensions[1], np.uint8).reshape(-1, 2)
    assert len(normals) == len(mesh.u)


@pytest.mark.parametrize(("z", "place"), [(1, SEAT), (3, SEAT), (6, MOUNTAINS), (8, EDGE), (14, MOUNTAINS)])
def test_whoever_sees_a_vertex_sees_the_horizon_point(store: FileStore, z: int, place: tuple[float, float]) -> None:
    """Rays from a thousand eyes against the ellipsoid; and the point lies no higher than it must."""
    x, y = tile_at(z, *place)
    mesh = tile(store, z, x, y)
    west, south, east, north = tile_box(z, x, y)
    radii = np.array([6378137.0, 6378137.0, 6356752.314245179])
    places = geocentric(west + mesh.u * (east - west), south + mesh.v * (north - south), mesh.heights) / radii
    rng = np.random.default_rng(z)
    direction = rng.normal(size=(1000, 3))
    towards = places.mean(axis=0)
    direction[:800] = towards / np.linalg.norm(towards) + direction[:800] * rng.uniform(0, 1.2, (800, 1))
    eyes = direction / np.linalg.norm(direction, axis=1)[:, None] * (1 + 10 ** rng.uniform(-4, 0.7, (1000, 1)))
    seen, told = np.zeros(1000, bool), visible(eyes, mesh.horizon[None])[:, 0]
    for part in np.array_split(places, 10):
        seen |= visible(eyes, part).any(axis=1)
    assert 20 < seen.sum() < 1000
    assert not (seen & ~told).any()
    if z >= 6:
        assert (told & ~seen).sum() <= 60
        assert np.linalg.norm(mesh.horizon) < 1.01


def visible(eyes: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Which eyes see which places past the unit sphere: no part of the ray between lies inside it."""
    ray = places[None] - eyes[:, None]
    a, b = (ray**2).sum(-1), (ray * eyes[:, None]).sum(-1)
    nearest = np.clip(-b / a, 0, 1)
    least = ((eyes[:, None] + ray * nearest[..., None]) ** 2).sum(-1)
    outside = np.minimum((places**2).sum(-1)[None], 1.0) - 1e-9
    return least >= outside


def test_normals_stand_on_the_ground(store: FileStore) -> None:
    """On the plain they point up; in the mountains away from the slope, the same on both sides of an edge."""
    x, y = tile_at(15, *MOUNTAINS)
    left, right = tile(store, 15, x, y, normals=True), tile(store, 15, x + 1, y, normals=True)
    mine = {round(v * 128): n for v, n in zip(left.v[left.edges[2]], directions(left)[left.edges[2]], strict=True)}
    its = {round(v * 128): n for v, n in zip(right.v[right.edges[0]], directions(right)[right.edges[0]], strict=True)}
    shared = mine.keys() & its.keys()
    assert len(shared) >= 5
    for at in shared:
        assert mine[at] == pytest.approx(its[at])
    box = tile_box(15, x, y)
    up = geocentric(*(np.array([(box[i] + box[i + 2]) / 2]) for i in (0, 1)), np.array([0.0]))[0]
    tilts = directions(left) @ (up / np.linalg.norm(up))
    assert 0.3 < tilts.min() < 0.98
    flat = tile(store, 15, *tile_at(15, 110.0, 20.0), normals=True)
    box = tile_box(15, *tile_at(15, 110.0, 20.0))
    up = geocentric(np.array([box[0]]), np.array([box[1]]), np.array([0.0]))[0]
    assert (directions(flat) @ (up / np.linalg.norm(up))).min() > 0.999


def directions(mesh: ReadMesh) -> np.ndarray:
    """Oct-encoded normals as unit vectors, by the decoding that the extension's page gives."""
    xy = np.frombuffer(mesh.extensions[1], np.uint8).reshape(-1, 2).astype(float) / 255 * 2 - 1
    z = 1 - np.abs(xy).sum(axis=1)
    folded = (1 - np.abs(xy[:, ::-1])) * np.where(xy >= 0, 1, -1)
    vectors = np.column_stack([np.where(z[:, None] < 0, folded, xy), z])
    return vectors / np.linalg.norm(vectors, axis=1)[:, None]


def test_ground_without_heights_has_no_cliffs(tmp_path: Path) -> None:
    """A hole and the outside of a small model: the ground steps nowhere more than the model itself does."""
    (tmp_path / "rasters").mkdir()
    size, cell = 240, 0.0005
    rows, columns = np.indices((size, size))
    heights = (600 + rows * 2 + 60 * np.sin(columns / 20)).astype(np.float32)
    heights[100:140, 90:150] = -9999
    way = rasterio.Affine(cell, 0, 103.8, 0, -cell, 31.2)
    form = {"width": size, "height": size, "count": 1, "dtype": "float32", "nodata": -9999, "crs": "EPSG:4490"}
    with rasterio.open(tmp_path / "rasters" / "a.tif", "w", driver="GTiff", transform=way, **form) as target:
        target.write(heights, 1)
        target.build_overviews([2, 4, 8, 16], rasterio.enums.Resampling.average)
    images, store = [shown("a.tif", 50.0)], FileStore(tmp_path)
    sides = np.linspace(0, 1, 129)
    for z, place in ((12, (103.86, 31.14)), (12, (103.80, 31.20)), (13, (103.80, 31.1)), (11, (103.80, 31.20))):
        x, y = tile_at(z, *place)
        mesh = tile(store, z, x, y, images=images)
        u, v = np.meshgrid(sides, sides)
        grid = mesh.height_at(u.ravel(), v.ravel()).reshape(129, 129)
        assert not np.isnan(grid).any()
        post_m = 180 / 2**z / 128 * 111_000
        steps = max(np.abs(np.diff(grid, axis=axis)).max() for axis in (0, 1))
        assert steps <= post_m * 0.35 + allowed_m(z), (z, place, steps)
        assert grid.min() >= 500 - 45
    hole = tile(store, 13, *tile_at(13, 103.86, 31.14), images=images)
    assert 600 - 45 < hole.low < hole.high < 1150
    sea = tile(store, 5, *tile_at(5, -30.0, -40.0), images=images)
    assert (sea.low, sea.high) == (-39.0, -39.0)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from([4, 8, 16]), st.floats(0.01, 30.0), st.floats(0.1, 50.0))
def test_a_mesh_is_never_farther_off_than_allowed(seed: int, side: int, allowed: float, rough: float) -> None:
    """Every post of a random surface against the triangle over it, and edges against the other square's."""
    rng = np.random.default_rng(seed)
    heights = rng.normal(0, rough, (side + 1, 2 * side + 1)) * (rng.random((side + 1, 2 * side + 1)) < 0.4)
    lines = []
    for part, along in ((heights[:, : side + 1], side), (heights[:, side:], 0)):
        mesh = mesh_of(part, allowed, 1e-7)
        read = ReadMesh(
            np.zeros(3),
            (np.zeros(3), 0.0),
            np.zeros(3),
            0,
            0,
            mesh.columns,
            mesh.rows,
            mesh.heights_m,
            mesh.triangles,
            [],
        )
        rows, columns = np.indices(part.shape)
        found = read.height_at(columns.ravel().astype(float), rows.ravel().astype(float)).reshape(part.shape)
        assert np.abs(found - part).max() <= allowed + 1e-6
        lines.append(read.height_at(np.full(201, float(along)), np.linspace(0, side, 201)))
    assert np.abs(lines[0] - lines[1]).max() <= 1e-6


def test_flat_ground_still_bends_with_the_globe() -> None:
    few = mesh_of(np.zeros((129, 129)), allowed_m(0), math.radians(180 / 128))
    assert len(few.triangles) > 100
    assert sagitta_m(math.radians(60)) == pytest.approx(6378137 * (1 - math.cos(math.radians(30))))
    assert len(mesh_of(np.zeros((129, 129)), allowed_m(15), math.radians(180 / 2**15 / 128)).triangles) == 2


def test_tiles_are_there_where_the_data_is() -> None:
    ranges = available((103.69, 30.92, 104.16, 31.42), DEEPEST)
    assert len(ranges) == DEEPEST + 1
    for z, (only,) in enumerate(ranges):
        x, y = tile_at(z, *MOUNTAINS)
        assert only["startX"] <= x <= only["endX"]
        assert only["startY"] <= y <= only["endY"]
        whole = only == {"startX": 0, "startY": 0, "endX": 2 ** (z + 1) - 1, "endY": 2**z - 1}
        assert whole == (z <= EVERYWHERE)
    for asked in ((-1, 0, 0), (20, 0, 0), (3, 16, 0), (3, 0, 8), (3, 0, -1)):
        with pytest.raises(BadRequest):
            tile_bbox(*asked)


def test_heights_of_no_known_system_are_refused(store: FileStore) -> None:
    for datum, undulation in (("local", HERE), ("EPSG:5737", None)):
        with pytest.raises(HeightsUnknown):
            draw_tile(
                store, [shown("county.tif", SIDE_M, datum)], undulation, MeshAsked(10, *tile_at(10, *SEAT)), math.inf
            )
    lon, lat = np.array([SEAT[0], MOUNTAINS[0], 10.0]), np.array([SEAT[1], MOUNTAINS[1], 10.0])
    levelled = ground_heights(store, IMAGES, HERE, lon, lat)
    stated = ground_heights(store, [shown(i.file, i.cell_m, "ellipsoidal") for i in IMAGES], None, lon, lat)
    assert levelled - stated == pytest.approx(HERE.at(lon, lat), nan_ok=True, abs=1e-6) or np.isnan(levelled[2])
    assert (levelled - stated)[:2] == pytest.approx(HERE.at(lon, lat)[:2], abs=1e-6)
    assert np.isnan(levelled[2])
