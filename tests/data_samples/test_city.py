import hashlib
import json
import re
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyogrio
import pytest
import shapely
from numpy.typing import NDArray

from data_samples.city import SIZES, generate
from data_samples.plane import ellipsoidal_areas, to_plane
from data_samples.roads import components
from data_samples.sensors import gb28181
from data_samples.write import content_hash

pytestmark = pytest.mark.filterwarnings("ignore:Use `@` matmul:PendingDeprecationWarning")
SMALL = Path(__file__).parents[2] / "data_samples" / "small"


def shapes_of(path: Path) -> NDArray[np.object_]:
    return shapely.from_wkb(pyogrio.raw.read(path, columns=[])[2])


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("tiny")
    generate(SIZES["tiny"], 7, out)
    return out


def manifest(folder: Path) -> dict[str, dict[str, Any]]:
    return {entry["layer"]: entry for entry in json.loads((folder / "manifest.json").read_text("utf-8"))["layers"]}


@pytest.mark.timeout(120)
def test_the_same_seed_gives_the_same_features(tiny: Path, tmp_path: Path) -> None:
    generate(SIZES["tiny"], 7, tmp_path)
    assert manifest(tmp_path) == manifest(tiny)


@pytest.mark.parametrize("folder", ["tiny", "small"])
def test_parcels_tile_without_gap_or_overlap(folder: str, tiny: Path) -> None:
    path = tiny if folder == "tiny" else SMALL
    parcels = shapes_of(path / "land_status.shp")
    assert shapely.is_valid(parcels).all()
    assert shapely.coverage_is_valid(parcels)
    assert not shapely.get_parts(shapely.coverage_union_all(parcels)).size > 2


def test_buildings_lie_inside_the_county() -> None:
    county = shapes_of(SMALL / "admin_county.geojson")[0]
    assert shapely.within(shapes_of(SMALL / "buildings.gpkg"), county).all()


def test_administrative_areas_nest() -> None:
    villages, towns = shapes_of(SMALL / "admin_village.gpkg"), shapes_of(SMALL / "admin_town.geojson")
    county = shapes_of(SMALL / "admin_county.geojson")[0]
    codes = pyogrio.read_dataframe(SMALL / "admin_village.gpkg", read_geometry=False)["town_code"].to_numpy()
    town_codes = pyogrio.read_dataframe(SMALL / "admin_town.geojson", read_geometry=False)["code"].to_numpy()
    assert len(villages) == 202
    assert shapely.coverage_is_valid(villages)
    assert shapely.coverage_is_valid(towns)
    assert shapely.equals(shapely.coverage_union_all(towns), county)
    for code, town in zip(town_codes, towns, strict=True):
        assert shapely.equals(shapely.coverage_union_all(villages[codes == code]), town)


def test_the_road_graph_hangs_together_and_meets_at_nodes() -> None:
    table = pd.read_parquet(SMALL / "roads.parquet")
    lines = shapely.from_wkb(table["geometry"].to_numpy())
    start, end = table["from_node"].to_numpy(), table["to_node"].to_numpy()
    label = components(start, end)
    assert np.bincount(label[start]).max() / len(start) > 0.95
    places = {}
    for nodes, which in ((start, 0), (end, -1)):
        for node, point in zip(nodes, shapely.get_coordinates(shapely.get_point(lines, which)), strict=True):
            assert places.setdefault(node, tuple(point)) == tuple(point)


def test_camera_codes_are_gb28181_and_unique() -> None:
    codes = pd.read_csv(SMALL / "cameras.csv", dtype=str)["gb_code"]
    assert codes.is_unique
    assert all(re.fullmatch(r"51018200(0[0-7]|08|09|11)132[5-8]\d{6}", code) for code in codes)
    assert gb28181("08", "6", 1) == "51018200081326000001"


def test_the_committed_city_equals_its_manifest() -> None:
    for name, entry in manifest(SMALL).items():
        path = SMALL / entry["file"]
        assert path.exists(), name
        if path.suffix == ".csv":
            assert len(pd.read_csv(path)) == entry["features"]
        elif path.suffix == ".parquet":
            assert len(pd.read_parquet(path)) == entry["features"]
        elif entry["geometry"] == "model":
            with zipfile.ZipFile(path) as archive:
                assert hashlib.sha256(archive.read(archive.namelist()[0])).hexdigest() == entry["content"]
        elif entry["geometry"] == "city":
            assert hashlib.sha256(path.read_bytes()).hexdigest() == entry["content"]
            assert len(json.loads(path.read_text("utf-8"))["CityObjects"]) == entry["features"]
        elif entry["geometry"] == "raster":
            assert len(list(path.glob("*.tif"))) == entry["features"] if path.is_dir() else entry["features"] == 1
        else:
            assert pyogrio.read_info(path)["features"] == entry["features"]


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_committed_city_is_what_the_generator_makes(tmp_path: Path) -> None:
    generate(SIZES["small"], 7, tmp_path)
    assert manifest(tmp_path) == manifest(SMALL)


def test_the_committed_city_stays_small() -> None:
    assert sum(path.stat().st_size for path in SMALL.rglob("*") if path.is_file()) < 11_900_000


def test_the_trapezoid_sum_gives_the_published_area_of_a_cell() -> None:
    cell = shapely.transform(shapely.segmentize(shapely.box(103.94, 30.98, 103.95, 30.99), 0.0005), to_plane)
    assert ellipsoidal_areas(np.array([cell]))[0] == pytest.approx(1_059_013.882, abs=0.001)


def test_content_hash_sees_a_changed_attribute_and_a_moved_point() -> None:
    table, shapes = pd.DataFrame({"name": ["甲"]}), shapely.points([[1.0, 2.0]])
    first = content_hash(table, shapes)
    assert first != content_hash(pd.DataFrame({"name": ["乙"]}), shapes)
    assert first != content_hash(table, shapely.points([[1.0, 2.1]]))
