"""What cameras see against a slow oracle that walks every line of sight, and against shadows worked out by hand."""

import shutil
import time
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
import shapely
from clones import Clones
from hypothesis import example, given
from hypothesis import strategies as st
from made_city import EASTING_M, NORTHING_M, area_of, lonlat, put, view_of
from rasterio.transform import Affine

from cim.analysis.context import Context
from cim.analysis.registry import ANALYSES
from cim.analysis.visibility import view as views
from cim.analysis.visibility.nearest_tables import stretches
from cim.analysis.visibility.plane import Plane, fan_over
from cim.analysis.visibility.sight import BUILT, GROUND, SEEN, Blocks, Rays, Relief, drop_m, look
from cim.errors import BadRequest
from cim.model.analysis import Answer
from cim.model.cameras import Camera, fov_of, pan_of
from cim.model.ellipsoid import ellipsoidal_areas_m2
from cim.store.cluster_logins import Logins
from cim.store.database import Database, run
from cim.store.files import FileStore
from importers.importer import ReadOptions
from importers.run import ImportRequest, import_file
from layers.catalog import load_catalog


def blocks(footprints: list[shapely.Polygon], tops_m: list[float]) -> Blocks:
    rings = [np.array(shape.exterior.coords) for shape in footprints]
    return Blocks(
        np.vstack([ring[:-1] for ring in rings]),
        np.vstack([ring[1:] for ring in rings]),
        np.repeat(np.arange(len(rings)), [len(ring) - 1 for ring in rings]),
        np.array(tops_m),
    )


def relief(surface: Callable[[np.ndarray, np.ndarray], np.ndarray], reach_m: float, step_m: float) -> Relief:
    axis = np.arange(-reach_m, reach_m + step_m / 2, step_m)
    return Relief(surface(*np.meshgrid(axis, axis)), -reach_m, -reach_m, step_m)


def walked(
    eye_m: float,
    x: float,
    y: float,
    ground: Relief,
    houses: list[shapely.Polygon],
    tops_m: list[float],
    target_m: float,
) -> bool:
    """Whether the target at a place is seen, by walking to it in steps of a few centimetres."""
    away_m = float(np.hypot(x, y))
    share = np.arange(0.02, away_m, 0.04) / away_m
    along_m = share * away_m
    height_m = ground.at(np.array([x]), np.array([y]))[0] + target_m - drop_m(np.array([away_m]))[0]
    line_m = eye_m + share * (height_m - eye_m) + drop_m(along_m)
    clear = bool((ground.at(share * x, share * y) <= line_m + 1e-9).all())
    for house, top_m in zip(houses, tops_m, strict=True):
        inside = shapely.intersects_xy(house, share * x, share * y)
        clear = clear and not bool((inside & (line_m < top_m)).any())
    return clear


@pytest.mark.parametrize("seed", range(4))
def test_sight_agrees_with_walking_every_line(seed: int) -> None:
    rng = np.random.default_rng(seed)
    amplitude = rng.uniform(0.5, 6)

    def surface(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        return 500 + amplitude * np.sin(x / 23) * np.cos(y / 31) + 0.02 * x

    ground = relief(surface, 130, 2.5)
    houses, tops = [], []
    while len(houses) < 12:
        around = rng.uniform(-110, 110, 2)
        shape = shapely.convex_hull(shapely.MultiPoint(around + rng.uniform(-14, 14, (6, 2))))
        if not shape.buffer(3).intersects(shapely.Point(0, 0)):
            houses.append(shape)
            tops.append(float(surface(*around) + rng.uniform(1, 25)))
    eye_m, target_m = float(surface(np.array(0.0), np.array(0.0))) + rng.uniform(3, 12), rng.choice([0.0, 1.6])
    fan = fan_over(rng.uniform(0, 360), 140.0, 120.0)
    labels = look(eye_m, Rays(fan.azimuth, fan.distance_m), ground, blocks(houses, tops), target_m)
    checked = wrong = 0
    for ray, cell in zip(rng.integers(1, fan.rays - 1, 500), rng.integers(1, fan.depth - 1, 500), strict=True):
        x, y = fan.distance_m[cell] * np.array([np.sin(fan.azimuth[ray]), np.cos(fan.azimuth[ray])])
        if shapely.intersects_xy(shapely.union_all(houses), x, y):
            assert labels[ray, cell] == BUILT
            continue
        assert labels[ray, cell] != BUILT
        checked += 1
        if (labels[ray, cell] == SEEN) != walked(eye_m, x, y, ground, houses, tops, target_m):
            wrong += 1
            assert len(set((labels[ray - 1 : ray + 2, cell - 1 : cell + 2] == SEEN).ravel())) == 2, "not at an edge"
    assert checked > 300
    assert wrong <= checked * 0.01


def test_the_shadow_of_one_wall_is_that_of_geometry() -> None:
    eye_m, target_m, top_m = 10.0, 1.6, 5.0
    wall = shapely.box(-20.0, 40.0, 20.0, 44.0)
    fan = fan_over(-45.0, 90.0, 100.0)
    level = Relief(np.zeros((2, 2)), -200.0, -200.0, 400.0)
    labels = look(eye_m, Rays(fan.azimuth, fan.distance_m), level, blocks([wall], [top_m]), target_m)
    parts = fan.parts(labels)
    stretched = (eye_m - target_m) / (eye_m - top_m)
    shadow = shapely.convex_hull(shapely.union(wall, shapely.affinity.scale(wall, stretched, stretched, origin=(0, 0))))
    sector = shapely.Polygon([(0, 0), *_arc(-45, 45, 100.0)])
    hidden = shapely.intersection(shapely.difference(shadow, wall), sector)
    assert set(parts) == {SEEN, BUILT, 0}
    assert parts[0].area == pytest.approx(hidden.area, rel=0.01)
    assert shapely.symmetric_difference(parts[0], hidden).area < 0.02 * hidden.area + fan.cell_m * hidden.length / 2
    assert parts[BUILT].area == pytest.approx(wall.area, rel=0.03)
    assert sum(part.area for part in parts.values()) == pytest.approx(sector.area, rel=1e-3)
    assert shapely.union_all(list(parts.values())).area == pytest.approx(sum(p.area for p in parts.values()), rel=1e-9)


def _arc(first_deg: float, last_deg: float, radius_m: float) -> list[tuple[float, float]]:
    angles = np.radians(np.linspace(first_deg, last_deg, 400))
    return [(radius_m * np.sin(a), radius_m * np.cos(a)) for a in angles]


def test_rays_through_corners_and_along_walls_meet_them_once() -> None:
    level = Relief(np.zeros((2, 2)), -200.0, -200.0, 400.0)
    house = shapely.Polygon([(10, 10), (20, 10), (20, 20), (15, 14), (10, 20)])
    azimuths = np.radians([45.0, np.degrees(np.arctan2(10, 20)), np.degrees(np.arctan2(20, 10)), 0.0, 180.0])
    distances = np.arange(0.25, 60, 0.5)
    for turn in (0.0, 90.0, 135.0, 180.0, 270.0, 333.0):
        turned = shapely.affinity.rotate(house, -turn, origin=(0, 0))
        rays = Rays(azimuths + np.radians(turn), distances)
        labels = look(5.0, rays, level, blocks([turned], [9.0]), 0.0)
        beyond = labels[:, distances > 30]
        assert (beyond[0] == 0).all()
        assert (beyond[3:] == SEEN).all()
        assert not (beyond == BUILT).any()


def test_courtyards_are_open_and_nearer_blocks_are_named() -> None:
    level = Relief(np.zeros((2, 2)), -200.0, -200.0, 400.0)
    outer, hole = shapely.box(-10, 20, 10, 40), shapely.box(-5, 25, 5, 35)
    rings = [np.array(outer.exterior.coords), np.array(hole.exterior.coords)]
    low = Blocks(
        np.vstack([r[:-1] for r in rings]), np.vstack([r[1:] for r in rings]), np.zeros(8, int), np.array([3.0])
    )
    distances = np.arange(0.5, 60.5)
    label = look(50.0, Rays(np.array([0.0]), distances), level, low, 1.6)[0]
    assert set(label[(distances > 20) & (distances < 25)]) == {BUILT}
    assert set(label[(distances > 27) & (distances < 35)]) == {SEEN}
    both = blocks([shapely.box(-5, 20, 5, 25), shapely.box(-5, 40, 5, 45)], [4.0, 30.0])
    label = look(6.0, Rays(np.array([0.0]), distances), level, both, 1.6)[0]
    assert set(label[(distances > 25) & (distances < 40)]) == {0}
    assert set(label[distances > 45]) == {1}


def test_far_ground_falls_away_with_the_curve_of_the_earth() -> None:
    level = Relief(np.zeros((2, 2)), -6_000.0, -6_000.0, 12_000.0)
    distances = np.arange(10.0, 5_000.0, 10.0)
    none = Blocks(np.zeros((0, 2)), np.zeros((0, 2)), np.zeros(0, int), np.zeros(0))
    label = look(0.5, Rays(np.array([1.0]), distances), level, none, 0.0)[0]
    horizon_m = np.sqrt(2 * 6_371_000 * 0.5 / (1 - 0.13))
    assert label[distances < horizon_m - 20].tolist() == [SEEN] * int((distances < horizon_m - 20).sum())
    assert set(label[distances > horizon_m + 20]) == {GROUND}


def test_one_camera_takes_little_time() -> None:
    rng = np.random.default_rng(5)
    houses = [shapely.box(x, y, x + 14, y + 10) for x, y in rng.uniform(-300, 300, (150, 2)) if np.hypot(x, y) > 25]
    many = blocks(houses, [512.0] * len(houses))
    ground = relief(lambda x, y: 500 + 3 * np.sin(x / 60) * np.cos(y / 50), 300, 2.5)
    camera = Camera("c", 103.95, 30.98, 20.0, 78.0, 300.0, 7.0)
    around = views.Around(
        Plane(camera.lon, camera.lat), 500.0, ground, many, np.arange(len(houses)), [str(n) for n in range(len(houses))]
    )
    taken = []
    for _ in range(5):
        begun = time.process_time()
        seen = views.view_of(camera, around, 1.6)
        taken.append(time.process_time() - begun)
    assert min(taken) < 0.2
    assert seen.area_m2() == pytest.approx(float(ellipsoidal_areas_m2(np.array([camera.sector()]))[0]), rel=1e-4)


angles = st.floats(0, 360, allow_nan=False)


@example(bearing=0.0, fov=359.99999999999994, range_m=20.0, to=0.0, share=0.5, ptz=False)
@example(bearing=0.0, fov=359.985, range_m=20.0, to=90.0, share=0.5, ptz=False)
@given(
    bearing=angles,
    fov=st.floats(1, 360),
    range_m=st.floats(20, 2000),
    to=angles,
    share=st.floats(0, 1.5),
    ptz=st.booleans(),
)
def test_a_sector_holds_what_its_polygon_holds(
    bearing: float, fov: float, range_m: float, to: float, share: float, ptz: bool
) -> None:
    camera = Camera("c", 103.95, 30.98, bearing, fov, range_m, 6.0, pan_deg=40.0 if ptz else 0.0)
    plane = Plane(camera.lon, camera.lat)
    away_m = share * range_m
    place = plane.lonlat(np.array([[away_m * np.sin(np.radians(to)), away_m * np.cos(np.radians(to))]]))[0]
    for turned in (False, True):
        sector = camera.sector(turned=turned)
        assert sector.is_valid
        edge = plane.metres(shapely.get_coordinates(sector.exterior))
        if shapely.LinearRing(edge).distance(shapely.Point(plane.metres(place[None, :])[0])) < 1e-3 * range_m + 0.01:
            continue
        assert camera.holds(*place, turned=turned) == shapely.intersects_xy(sector, *place)
        exact_m2 = np.radians(camera.width_deg(turned=turned)) / 2 * range_m**2
        assert ellipsoidal_areas_m2(np.array([sector], dtype=object))[0] == pytest.approx(exact_m2, rel=1e-3)


def test_what_a_record_does_not_say() -> None:
    assert Camera("c", 0, 0, None, 60, 100, 5).missing == ("bearing",)
    assert Camera("c", 0, 0, None, 360, 100, 5).missing == ()
    assert Camera("c", 0, 0, None, None, None, None).sector().is_empty
    assert not Camera("c", 0, 0, 10, None, 100, 5).holds(0, 0.0001)
    assert (pan_of("ptz"), pan_of("bullet"), fov_of("panorama", 60.0), fov_of("dome", 60.0)) == (360, 0, 360, 60)
    assert "height_m" in views.seeable(Camera("c", 0, 0, 10, 60, 100, None))
    assert "50000" in views.seeable(Camera("c", 0, 0, 10, 60, 50_000, 5))
    with pytest.raises(BadRequest, match="bearing"):
        views.require_seeable(Camera("c", 0, 0, None, 60, 100, 5))


def test_runs_of_seen_stations() -> None:
    bounds = np.array([0.0, 2.5, 7.5, 12.5, 15.0])
    found = list(stretches(np.array([True, False, True, True]), bounds))
    assert [(one.from_m, one.to_m) for one in found] == [(0.0, 2.5), (7.5, 15.0)]
    assert list(stretches(np.zeros(4, dtype=bool), bounds)) == []


# A plain with a ridge in the east, three houses, and cameras whose views are known.

HOUSE, TOWER, UNKNOWN = (190.0, 240.0, 20.0, 4.0), (60.0, 60.0, 10.0, 10.0), (300.0, 60.0, 8.0, 8.0)
CELL_M, SIDE = 5.0, 160


def camera(
    code: str, x: float, y: float, bearing: int | None, **more: Any
) -> tuple[dict[str, Any], tuple[float, float]]:
    facts = {"gb_code": code, "name": code, "kind": "bullet", "bearing": bearing, "fov": 90, "range_m": 100}
    return {**facts, "height_m": 10.0, "status": "online", **more}, (x, y)


A, B, C, D, E = (f"5101820000132500000{number}" for number in range(1, 6))
CAMERAS = [
    camera(A, 200, 200, 0),
    camera(B, 200, 330, 180, status="offline"),
    camera(C, 540, 200, 90, range_m=150, height_m=6.0),
    camera(D, 80, 200, 0, kind="ptz", fov=60),
    camera(E, 120, 120, None),
]


def ridge(x: np.ndarray, _: np.ndarray) -> np.ndarray:
    return 500 + np.maximum(0.0, 20 - np.abs(x - 600))


async def _fill(logins: Logins, folder: Path, files: FileStore) -> None:
    database = Database(logins.reader_url, logins.writer_url, pool_size=4)
    x, y = np.meshgrid((np.arange(SIDE) + 0.5) * CELL_M, (SIDE - 0.5 - np.arange(SIDE)) * CELL_M)
    corner = Affine(CELL_M, 0, EASTING_M, 0, -CELL_M, NORTHING_M + SIDE * CELL_M)
    facts = {"driver": "GTiff", "width": SIDE, "height": SIDE, "count": 1, "dtype": "float32"}
    with rasterio.open(folder / "dem.tif", "w", crs="EPSG:4544", transform=corner, **facts) as file:
        file.write(ridge(x, y).astype(np.float32), 1)
    options = ReadOptions(height_datum="1985", trust_file=True)
    request = ImportRequest(folder / "dem.tif", "test", "administrator", "dem", options=options)
    (report,) = await import_file(database, load_catalog(), request, files=files)
    assert report.status == "published", report.message
    houses = [("h1", 5.0, None, HOUSE), ("h2", None, 10, TOWER), ("h3", None, None, UNKNOWN)]
    rows = [({"building_code": code, "height_m": high, "floors": floors}, at) for code, high, floors, at in houses]
    await put(database, folder, "buildings", rows)
    await put(database, folder, "cameras", CAMERAS)
    await database.close()


@pytest.fixture(scope="module")
def filled(
    clones: Clones, run_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Logins, FileStore]]:
    root = run_folder / f"views-{uuid.uuid4().hex[:8]}"
    root.mkdir()
    with clones.made() as logins:
        run(_fill(logins, tmp_path_factory.mktemp("views"), FileStore(root)))
        yield logins, FileStore(root)
    shutil.rmtree(root, ignore_errors=True)


See = Callable[..., Any]


@pytest.fixture
async def see(filled: tuple[Logins, FileStore]) -> AsyncIterator[See]:
    logins, files = filled
    database = Database(logins.reader_url, logins.writer_url, pool_size=4)

    async def context(role: str = "administrator") -> Context:
        return await view_of(database, role, files)

    async def answer(process: str, role: str = "administrator", **inputs: Any) -> Answer:
        return await ANALYSES[process].answer(inputs, await context(role))

    yield answer
    await database.close()


async def test_coverage_of_known_views(see: See) -> None:
    area = area_of(150.0, 200.0, 100.0, 100.0)
    found = await see("camera-coverage", area=area)
    summary = found.summary
    open_m2 = 10_000 - HOUSE[2] * HOUSE[3]
    assert summary["open_m2"] == pytest.approx(open_m2, rel=2e-3)
    assert summary["cameras_by_status"] == {"online": 1, "offline": 1}
    sector = shapely.intersection(shapely.box(150, 200, 250, 300), shapely.Polygon([(200, 200), *_placed_arc()]))
    house = shapely.box(HOUSE[0], HOUSE[1], HOUSE[0] + HOUSE[2], HOUSE[1] + HOUSE[3])
    factor = (10.0 - 1.6) / (10.0 - 5.0)
    shadow = shapely.convex_hull(shapely.union(house, shapely.affinity.scale(house, factor, factor, origin=(200, 200))))
    hidden = shapely.intersection(shapely.difference(shadow, house), sector).area
    assert summary["hidden_m2"] == pytest.approx(hidden, rel=0.05)
    assert summary["covered_m2"] == pytest.approx(sector.area - hidden - house.area, rel=0.01)
    assert summary["out_of_reach_m2"] == pytest.approx(open_m2 - sector.area + house.area, rel=0.02)
    whole = summary["covered_m2"] + summary["hidden_m2"] + summary["out_of_reach_m2"]
    assert whole == pytest.approx(summary["open_m2"], abs=0.1)
    assert 0 < summary["only_offline_m2"] < summary["blind_m2"]
    assert {place.properties["kind"] for place in found.places} >= {"covered", "hidden", "out-of-reach", "only-offline"}
    assert [source.layer for source in found.sources] == ["cameras", "buildings", "dem"]
    low = (await see("camera-coverage", area=area, target="ground")).summary
    assert low["covered_m2"] < summary["covered_m2"]


def _placed_arc() -> list[tuple[float, float]]:
    return [(200 + x, 200 + y) for x, y in _arc(-45, 45, 100.0)]


async def test_the_ridge_hides_what_is_behind_it(see: See) -> None:
    def at(x: float) -> dict[str, Any]:
        return {"type": "Point", "coordinates": lonlat([(x, 200.0)])[0]}

    states = {}
    for x in (560.0, 595.0, 625.0):
        answer = await see("nearest-cameras", place=at(x), most=1)
        row = answer.places[1].properties
        states[x] = (row["gb_code"], row["state"], row["in_view"])
    assert states == {560.0: (C, "seen", True), 595.0: (C, "seen", True), 625.0: (C, "terrain", False)}


async def test_cameras_around_a_place(see: See) -> None:
    place = {"type": "Point", "coordinates": lonlat([(200.0, 250.0)])[0]}
    answer = await see("nearest-cameras", place=place)
    rows = {one.properties["gb_code"]: one.properties for one in answer.places[1:]}
    assert [one.properties["gb_code"] for one in answer.places[1:3]] == [A, B]
    assert rows[A]["distance_m"] == pytest.approx(50, abs=0.05)
    assert (rows[A]["state"], rows[A]["hidden_by"]["name"]) == ("building", "h1")
    assert (rows[B]["state"], rows[B]["online"], rows[B]["in_view"]) == ("seen", False, True)
    assert rows[C]["state"] == "beyond"
    assert (rows[E]["state"], rows[E]["in_view"]) == ("unknown", None)
    assert "bearing" in rows[E]["reason"]
    assert (answer.summary["in_view"], answer.summary["in_view_online"]) == (1, 0)
    east = {"type": "Point", "coordinates": lonlat([(120.0, 200.0)])[0]}
    rows = {one.properties["gb_code"]: one.properties for one in (await see("nearest-cameras", place=east)).places[1:]}
    assert (rows[D]["state"], rows[D]["in_view"], rows[A]["state"]) == ("turned", False, "aside")
    tower = {"type": "Point", "coordinates": lonlat([(65.0, 65.0)])[0]}
    rows = {one.properties["gb_code"]: one.properties for one in (await see("nearest-cameras", place=tower)).places[1:]}
    assert rows[D]["state"] == "beyond"


async def test_a_route_is_watched_in_its_order(see: See) -> None:
    line = {"type": "LineString", "coordinates": lonlat([(100.0, 236.0), (300.0, 236.0)])}
    answer = await see("nearest-cameras", place=line)
    by_code: dict[str, list[tuple[float, float]]] = {}
    for row in answer.tables[0].rows:
        by_code.setdefault(row[2], []).append((row[0], row[1]))
    assert by_code[A] == [(pytest.approx(64, abs=5), pytest.approx(136, abs=5))]
    assert (next(iter(by_code)), by_code[D]) == (D, [(0.0, pytest.approx(2.5, abs=0.1))])
    assert [round(one) for stretch in by_code[B] for one in stretch] == pytest.approx([66, 89, 111, 134], abs=5)
    assert [row[7] for row in answer.tables[0].rows if row[2] == B] == ["离线", "离线"]
    assert answer.summary["length_m"] == pytest.approx(200, abs=0.1)
    watched = answer.summary["watched_m"]
    assert watched == pytest.approx(72 + 2.5, abs=8)
    assert watched + answer.summary["unwatched_m"] == pytest.approx(200, abs=0.1)
    assert {place.properties["kind"] for place in answer.places} == {"watched", "watched-offline", "unwatched"}


async def test_wrong_input_and_missing_rights(see: See) -> None:
    with pytest.raises(BadRequest, match="no layer 'cameras' that you may see"):
        await see("camera-coverage", "viewer", area=area_of(150.0, 200.0, 50.0, 50.0))
    point = {"type": "Point", "coordinates": lonlat([(200.0, 250.0)])[0]}
    for role in ("anonymous", "viewer"):
        with pytest.raises(BadRequest, match="no layer 'cameras' that you may see"):
            await see("nearest-cameras", role, place=point)
    with pytest.raises(BadRequest, match="km2"):
        await see("camera-coverage", area=area_of(0.0, 0.0, 6_000.0, 6_000.0))
    with pytest.raises(BadRequest, match="neither a GeoJSON Point nor a LineString"):
        await see("nearest-cameras", place={"type": "MultiPoint", "coordinates": []})
    with pytest.raises(BadRequest, match="not a point"):
        await see("nearest-cameras", place={"type": "Point", "coordinates": None})
    with pytest.raises(BadRequest, match="latitude first"):
        await see("nearest-cameras", place={"type": "Point", "coordinates": [30.98, 103.95]})
    with pytest.raises(BadRequest):
        await see("nearest-cameras", place=point, target="tank")
    far = await see("camera-coverage", area=area_of(5_000.0, 0.0, 50.0, 50.0))
    assert (far.summary["cameras"], far.summary["covered_m2"]) == (0, 0)
    assert far.summary["out_of_reach_m2"] == pytest.approx(far.summary["open_m2"], abs=0.01)
