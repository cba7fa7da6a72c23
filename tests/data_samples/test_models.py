import hashlib
import importlib.util
import json
import os
import subprocess
import sys
import zipfile
from collections import Counter
from pathlib import Path
from types import ModuleType
from typing import Any

import ifcopenshell
import ifcopenshell.geom
import ifcopenshell.util.placement
import ifcopenshell.validate
import numpy as np
import pyogrio
import pytest
import rasterio
import shapely
from pyproj import Geod, Transformer

SMALL = Path(__file__).parents[2] / "data_samples" / "small"
WRITE_STATION = """
import sys
from pathlib import Path
from data_samples.bim.draft import Ground
from data_samples.bim.fire_station import write_fire_station
write_fire_station(Path(sys.argv[1]), Ground(4523, 35e6, 343e4, 0.8, 0.6, 500.2), 23.85, 14.96, "B1", "消防站")
"""


def _oracle() -> ModuleType:
    path = Path(__file__).parents[1] / "web" / "fire_doors_oracle.py"
    spec = importlib.util.spec_from_file_location("fire_doors_oracle", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


oracle = _oracle()


def opened(name: str) -> ifcopenshell.file:
    with zipfile.ZipFile(SMALL / f"{name}.ifczip") as archive:
        return ifcopenshell.file.from_string(archive.read(archive.namelist()[0]).decode())


@pytest.fixture(scope="module")
def hospital() -> ifcopenshell.file:
    return opened("hospital")


@pytest.fixture(scope="module")
def station() -> ifcopenshell.file:
    return opened("fire-station")


@pytest.fixture(scope="module")
def block() -> dict[str, Any]:
    return json.loads((SMALL / "lod2_block.city.json").read_text("utf-8"))


def footprint(model: ifcopenshell.file) -> dict[str, Any]:
    """The row of the buildings layer that the model names."""
    (building,) = model.by_type("IfcBuilding")
    sets = {rel.RelatingPropertyDefinition.Name: rel.RelatingPropertyDefinition for rel in building.IsDefinedBy}
    code = next(p.NominalValue.wrappedValue for p in sets["建筑编码"].HasProperties if p.Name == "建筑统一编码")
    frame = pyogrio.read_dataframe(SMALL / "buildings.gpkg", where=f"building_code = '{code}'")
    assert len(frame) == 1
    return dict(frame.iloc[0])


def floor_corners(model: ifcopenshell.file) -> tuple[np.ndarray, float]:
    """Corners in metres of the model's frame and upper face of the floor of the first storey."""
    settings = ifcopenshell.geom.settings()
    settings.set("use-world-coords", True)
    storey = next(s for s in model.by_type("IfcBuildingStorey") if s.Name == "1层")
    slab = next(e for rel in storey.ContainsElements for e in rel.RelatedElements if e.is_a("IfcSlab"))
    made = ifcopenshell.geom.create_shape(settings, slab)  # its geometry lives no longer than it does
    points = np.array(made.geometry.verts).reshape(-1, 3)
    (west, south, _), (east, north, top) = points.min(axis=0), points.max(axis=0)
    return np.array([(west, south), (east, south), (east, north), (west, north)]), float(top)


@pytest.mark.parametrize("name", ["hospital", "fire-station"])
def test_a_model_stands_on_its_footprint(name: str) -> None:
    model = opened(name)
    row, (corners, top) = footprint(model), floor_corners(model)
    (conversion,) = model.by_type("IfcMapConversion")
    (unit,) = [u for u in model.by_type("IfcUnitAssignment")[0].Units if u.UnitType == "LENGTHUNIT"]
    metre = 0.001 if unit.Prefix == "MILLI" else 1.0
    assert conversion.Scale == metre
    turn = np.array(
        [[conversion.XAxisAbscissa, conversion.XAxisOrdinate], [-conversion.XAxisOrdinate, conversion.XAxisAbscissa]]
    )
    assert np.hypot(*turn[0]) == pytest.approx(1.0, abs=1e-9)
    plane = corners @ turn + [conversion.Eastings, conversion.Northings]
    crs = conversion.TargetCRS
    assert (crs.Name, crs.VerticalDatum) == ("EPSG:4523", "EPSG:5737")
    lon, lat = Transformer.from_crs("EPSG:4523", "EPSG:4490", always_xy=True).transform(plane[:, 0], plane[:, 1])
    given = shapely.get_coordinates(row["geometry"])[:4]
    for x, y in zip(lon, lat, strict=True):
        away = [Geod(ellps="GRS80").inv(x, y, *corner)[2] for corner in given]
        assert min(away) < 0.01
    assert conversion.OrthogonalHeight + top == pytest.approx(row["ground_m"], abs=0.5)
    parapet = [wall for wall in model.by_type("IfcWall") if wall.ObjectPlacement and wall.Name.startswith("女儿墙")]
    roof = next(s for s in model.by_type("IfcBuildingStorey") if s.Name == "屋面")
    assert parapet
    above = 1.2 if name == "hospital" else 0.9
    height = conversion.OrthogonalHeight + roof.Elevation * metre + above - row["ground_m"]
    assert height == pytest.approx(row["height_m"], abs=0.01)
    assert row["floors"] == sum(s.Elevation >= 0 for s in model.by_type("IfcBuildingStorey")) - (
        1 if name == "hospital" else 2
    )


def test_the_ground_of_a_model_is_that_of_the_heights(hospital: ifcopenshell.file, station: ifcopenshell.file) -> None:
    for model in (hospital, station):
        row = footprint(model)
        with rasterio.open(SMALL / "dem" / "county.tif") as heights:
            (found,) = next(heights.sample([row["geometry"].centroid.coords[0]]))
        assert row["ground_m"] == pytest.approx(float(found), abs=2.5)


def test_the_hospital_holds_what_a_hospital_holds(hospital: ifcopenshell.file) -> None:
    storeys = sorted(hospital.by_type("IfcBuildingStorey"), key=lambda storey: storey.Elevation)
    assert [s.Name for s in storeys] == ["地下1层", *(f"{n}层" for n in range(1, 13)), "屋面"]
    counts = Counter(product.is_a() for product in hospital.by_type("IfcProduct"))
    assert sum(count for name, count in counts.items() if hospital.by_type(name)[0].is_a("IfcElement")) > 5_000
    assert counts["IfcSpace"] == 435
    assert counts["IfcDoor"] > 400
    assert counts["IfcCurtainWall"] == 4
    beds = [each for each in hospital.by_type("IfcFurniture") if each.ObjectType is None and "病床" in each.Name]
    assert len(beds) > 250
    titles = {space.LongName for space in hospital.by_type("IfcSpace")}
    assert {"手术室1", "走廊", "消防控制室", "骨科三人病房12"} <= titles
    systems = {system.Name for system in hospital.by_type("IfcSystem")}
    assert {"自动喷水灭火系统", "室内消火栓系统", "新风系统", "电梯系统"} <= systems
    codes = [reference.Identification for reference in hospital.by_type("IfcClassificationReference")]
    assert len(codes) == len(set(codes)) + sum(count - 1 for count in Counter(codes).values())
    assert all(code[2] == "-" and code.count(".") == 2 for code in codes)


def test_fire_ratings_lie_on_types_and_some_doors_have_their_own(hospital: ifcopenshell.file) -> None:
    rating_in, rating_of = oracle.rating_in, oracle.rating_of
    doors = hospital.by_type("IfcDoor")
    own = [door for door in doors if rating_in(tuple(r.RelatingPropertyDefinition for r in door.IsDefinedBy))]
    ratings = Counter(rating_of(door) for door in doors)
    assert set(ratings) == {None, "甲级", "乙级", "丙级"}
    assert 0 < len(own) < 20
    assert any(rating_of(d) != rating_in(tuple(d.IsTypedBy[0].RelatingType.HasPropertySets)) for d in own)
    third = oracle.fire_doors(SMALL / "hospital.ifczip", 3)
    assert len(third) == len(set(third)) == 8
    uncontained = [door for door in doors if door.GlobalId in third and not door.ContainedInStructure]
    assert len(uncontained) == 3


@pytest.mark.parametrize("name", [pytest.param("hospital", marks=pytest.mark.slow), "fire-station"])
def test_a_model_keeps_the_schema(name: str) -> None:
    model, log = opened(name), ifcopenshell.validate.json_logger()
    ifcopenshell.validate.validate(model, log)
    assert log.statements == []
    ids = [each.GlobalId for each in model.by_type("IfcRoot")]
    assert len(ids) == len(set(ids))


@pytest.mark.slow
def test_a_model_written_twice_is_the_same_file(tmp_path: Path) -> None:
    found = []
    for number in range(2):
        path = tmp_path / f"{number}.ifczip"
        environment = {**os.environ, "PYTHONHASHSEED": str(number)}
        subprocess.run([sys.executable, "-c", WRITE_STATION, str(path)], check=True, env=environment)
        found.append(hashlib.sha256(path.read_bytes()).hexdigest())
    assert found[0] == found[1]


def test_the_block_is_a_sound_city_model(block: dict[str, Any]) -> None:
    objects, count = block["CityObjects"], len(block["vertices"])
    assert (block["type"], block["version"]) == ("CityJSON", "2.0")
    assert block["metadata"]["referenceSystem"].endswith("4523&2=http://www.opengis.net/def/crs/EPSG/0/5737")
    used: set[int] = set()
    for name, one in objects.items():
        assert all(name in objects[child]["parents"] for child in one.get("children", []))
        assert all(name in objects[parent]["children"] for parent in one.get("parents", []))
        assert bool(one.get("parents")) == (one["type"] == "BuildingPart")
        for solid in one.get("geometry", []):
            (shell,), (kinds,) = solid["boundaries"], solid["semantics"]["values"]
            assert len(shell) == len(kinds)
            assert {solid["semantics"]["surfaces"][k]["type"] for k in kinds} == {
                "GroundSurface",
                "WallSurface",
                "RoofSurface",
            }
            edges = Counter((a, b) for (ring,) in shell for a, b in zip(ring, [*ring[1:], ring[0]], strict=True))
            assert all(edges[b, a] == 1 for a, b in edges), f"{name} is not closed"
            used |= {number for (ring,) in shell for number in ring}
    assert used == set(range(count))
    assert {one["attributes"]["roofType"] for one in objects.values()} == {"flat", "gabled", "hipped"}


def test_the_block_stands_on_the_footprints(block: dict[str, Any]) -> None:
    frame = pyogrio.read_dataframe(SMALL / "buildings.gpkg").set_index("building_code")
    to_degrees = Transformer.from_crs("EPSG:4523", "EPSG:4490", always_xy=True)
    points = np.array(block["vertices"]) * block["transform"]["scale"] + block["transform"]["translate"]
    for name, one in block["CityObjects"].items():
        row = frame.loc[name.split("-")[0]]
        if name.endswith("-2") or "geometry" not in one:
            continue
        (shell,) = one["geometry"][0]["boundaries"]
        corners = points[shell[0][0]]
        ring = np.column_stack(to_degrees.transform(corners[:, 0], corners[:, 1]))
        for x, y in ring:
            away = [Geod(ellps="GRS80").inv(x, y, *at)[2] for at in shapely.get_coordinates(row["geometry"])[:4]]
            assert min(away) < 0.001 + 1e-4
        body = points[np.unique([number for (ring_,) in shell for number in ring_])]
        assert body[:, 2].min() == pytest.approx(row["ground_m"], abs=0.001)
        assert np.ptp(body[:, 2]) == pytest.approx(row["height_m"], abs=0.002)


def test_facilities_name_the_buildings_that_have_a_model(
    hospital: ifcopenshell.file, station: ifcopenshell.file
) -> None:
    hospitals = pyogrio.read_dataframe(SMALL / "hospitals.geojson")
    stations = pyogrio.read_dataframe(SMALL / "fire_stations.csv")
    for model, frame in ((hospital, hospitals), (station, stations)):
        row = footprint(model)
        (named,) = frame.loc[frame["building_code"] == row["building_code"]].to_dict("records")
        assert row["name"].startswith(named["name"])
        at = (float(named["lon"]), float(named["lat"])) if "lon" in named else named["geometry"].coords[0]
        assert shapely.contains_xy(row["geometry"], *at)
