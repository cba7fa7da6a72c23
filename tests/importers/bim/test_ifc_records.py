"""A made model comes out whole: tree, storeys by every way, properties, shapes, placement; and again by hashes."""

import os
import re
import signal
import time
import zipfile
from pathlib import Path
from typing import Any

import ifcopenshell
import numpy as np
import pyproj
import pytest
import shapely
from made_ifc import EAST_M, HEIGHT_M, NORTH_M, made_model, write_made
from read_ifc import Read, collected, read_here

from cim.errors import ImportRefused
from cim.model.bim import Classification, Mesh, Placement
from importers.bim import ifc_pool, ifc_shapes, memory_share
from importers.bim.ifc import Ifc
from importers.importer import ReadOptions
from importers.sandbox import open_source


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_made(tmp_path_factory.mktemp("ifc") / "made.ifc")


@pytest.fixture(scope="module")
def read(made: Path) -> Read:
    return read_here(made)


def test_the_sandboxed_child_gives_the_same_records(made: Path, read: Read) -> None:
    with open_source(made, ReadOptions(trust_file=True)) as source:
        (layer,) = source.inspection.layers
        assert (source.inspection.driver, layer.kind, layer.srid, layer.problems) == ("IFC", "model", 4523, ())
        again = collected(source.model(layer, {}))
        assert layer.feature_count == len(again.elements)
        kept = collected(source.model(layer, again.hashes))
    assert again.elements == read.elements
    assert again.meshes.keys() == read.meshes.keys()
    assert (kept.kept, kept.elements, kept.meshes) == (set(again.elements), {}, {})


def test_a_storey_is_reached_through_containment_room_filled_wall_and_whole(read: Read) -> None:
    found = {e.name: (e.storey_name, e.storey_number) for e in read.elements.values() if e.kind == "element"}
    assert found == {
        "墙": ("一层", 1),
        "墙 2": ("一层", 1),
        "椅": ("一层", 1),
        "门": ("一层", 1),
        "梯": ("二层", 2),
        "梯段": ("二层", 2),
    }
    assert read.named("地下一层").storey_number == -1
    assert {e.building for e in read.elements.values() if e.kind == "element"} == {read.named("楼").global_id}


def test_parents_say_by_which_relation(read: Read) -> None:
    door, flight, chair = read.named("门"), read.named("梯段"), read.named("椅")
    assert (door.parent, door.parent_relation) == (read.named("墙").global_id, "fills")
    assert (flight.parent, flight.parent_relation) == (read.named("梯").global_id, "aggregates")
    assert (chair.parent, chair.parent_relation) == (read.named("101").global_id, "contains")
    assert chair.space == read.named("101").global_id
    assert chair.systems == (read.named("送风").global_id,)
    assert read.named("送风").kind == "group"
    assert read.named("101").kind == "space"


def test_an_occurrence_counts_more_than_its_type_and_says_what_it_inherits(read: Read) -> None:
    door = read.named("门")
    assert door.properties == {"Pset_DoorCommon": {"FireRating": "乙级", "IsExternal": False, "Reference": "M1"}}
    assert set(door.inherited) == {"Pset_DoorCommon.IsExternal", "Pset_DoorCommon.Reference"}
    assert (door.type_name, door.predefined_type) == ("甲级防火门", "DOOR")
    assert door.classifications == (Classification("GB/T 51269", "30-11.20", "防火门"),)


def test_lengths_are_metres_and_layers_are_materials(read: Read) -> None:
    wall = read.named("墙")
    assert wall.quantities == {"Qto_WallBaseQuantities": {"Length": 4.0}}
    assert wall.materials == ("混凝土", "保温")
    assert (read.named("二层").elevation_m, read.head.length_unit_m) == (3.6, 0.001)


def test_openings_cut_walls_and_are_no_records(read: Read) -> None:
    assert "IfcOpeningElement" not in read.head.counts
    cut, whole = (read.meshes[read.named(name).mesh or b""] for name in ("墙", "墙 2"))
    assert len(whole.triangles) == 12
    assert _volume(cut) == pytest.approx(_volume(whole) - 0.9 * 0.2 * 2.1, abs=1e-6)


def _volume(mesh: Mesh) -> float:
    corners = mesh.positions.astype(float)[mesh.triangles]
    return float(np.einsum("ij,ij->i", corners[:, 0], np.cross(corners[:, 1], corners[:, 2])).sum() / 6)


def test_places_agree_with_a_computation_of_their_own_to_a_millimetre(read: Read) -> None:
    chair = read.named("椅")
    assert chair.outline is not None
    corners = np.array([(2.0, 3.0), (2.5, 3.0), (2.5, 3.5), (2.0, 3.5)])
    turned = corners @ np.array([[np.cos(np.pi / 6), 0.5], [-0.5, np.cos(np.pi / 6)]])
    back = pyproj.Transformer.from_crs(4490, 4523, always_xy=True)
    outline = shapely.transform(
        shapely.from_wkb(chair.outline), lambda xy: np.column_stack(back.transform(xy[:, 0], xy[:, 1]))
    )
    expected = shapely.Polygon(turned + np.array([EAST_M, NORTH_M]))
    assert shapely.hausdorff_distance(outline, expected) < 1e-3
    assert (chair.z_min_m, chair.z_max_m) == pytest.approx((HEIGHT_M, HEIGHT_M + 0.8), abs=1e-6)
    assert read.head.placement.height_datum == "EPSG:5737"


def test_what_has_no_shape_takes_its_heights_from_what_it_holds(read: Read) -> None:
    assert read.named("二层").z_min_m == pytest.approx(HEIGHT_M + 3.6)
    building = read.named("楼")
    assert (building.z_min_m, building.z_max_m) == pytest.approx((HEIGHT_M, HEIGHT_M + 7.2))
    assert read.named("地下一层").z_min_m is None


def test_equal_shapes_are_one_mesh(made: Path, tmp_path: Path) -> None:
    file = made_model()
    for number in range(20):
        chair = next(item for item in file.by_type("IfcFurniture"))
        copy = file.add(chair)
        copy = file.create_entity("IfcFurniture", ifcopenshell.guid.new(), None, f"椅 {number}")
        copy.Representation, copy.ObjectPlacement = chair.Representation, chair.ObjectPlacement
    file.write(str(tmp_path / "chairs.ifc"))
    read = read_here(tmp_path / "chairs.ifc")
    chairs = {e.mesh for e in read.elements.values() if e.ifc_class == "IfcFurniture"}
    assert len(chairs) == 1


def test_only_what_changed_is_sent_again_whatever_the_numbers(tmp_path: Path) -> None:
    file = made_model()
    file.write(str(tmp_path / "first.ifc"))
    first = read_here(tmp_path / "first.ifc")
    wall = next(item for item in file.by_type("IfcWall") if item.Name == "墙 2")
    ifcopenshell.api.pset.edit_pset(file, ifcopenshell.api.pset.add_pset(file, wall, "新"), properties={"值": 1.5})
    text = file.to_string().splitlines()
    (tmp_path / "second.ifc").write_text("\n".join(_renumbered(line) for line in text), "utf-8")
    second = read_here(tmp_path / "second.ifc", first.hashes)
    assert {e.name for e in second.elements.values()} == {"墙 2"}
    assert len(second.kept) == len(first.elements) - 1
    assert second.named("墙 2").properties["新"] == {"值": 1.5}


def _renumbered(line: str) -> str:
    return re.sub(r"#(\d+)", lambda found: f"#{int(found[1]) * 3 + 7}", line)


def test_a_type_that_changed_changes_its_occurrences(tmp_path: Path) -> None:
    file = made_model()
    file.write(str(tmp_path / "first.ifc"))
    first = read_here(tmp_path / "first.ifc")
    rating = next(p for p in file.by_type("IfcPropertySingleValue") if p.Name == "Reference")
    rating.NominalValue = file.create_entity("IfcIdentifier", "M2")
    file.write(str(tmp_path / "second.ifc"))
    second = read_here(tmp_path / "second.ifc", first.hashes)
    assert {e.name for e in second.elements.values()} == {"门"}


def test_another_placement_changes_everything(made: Path, read: Read) -> None:
    moved = Placement(4523, None, 0.0, 0.0, 0.0, 1.0, 0.0, 1.0, None, "control-points")
    assert not read_here(made, read.hashes, moved).kept


def test_identities_that_are_wrong_are_told_and_kept_apart(tmp_path: Path) -> None:
    file = made_model()
    first, second = file.by_type("IfcWall")
    second.GlobalId = first.GlobalId
    door = file.by_type("IfcDoor")[0]
    text = file.to_string().replace(f"'{door.GlobalId}'", "''")
    (tmp_path / "ids.ifc").write_text(text)
    read = read_here(tmp_path / "ids.ifc")
    assert {defect.code for defect in read.defects} == {"duplicate-global-id", "no-global-id"}
    assert f"{first.GlobalId}~2" in read.elements
    assert read.named("门").global_id.startswith("~")


@pytest.mark.parametrize("way", ["crash", "hang", "error", "memory", "bad_alloc"])
def test_a_shape_that_ends_its_worker_is_lost_alone(made: Path, monkeypatch: pytest.MonkeyPatch, way: str) -> None:
    shape = ifc_shapes.Tessellator.shape

    def deadly(self: ifc_shapes.Tessellator, entity: Any, kernel: str) -> Any:
        if entity.is_a("IfcFurniture"):
            if way == "crash":
                os.kill(os.getpid(), signal.SIGKILL)
            if way == "hang":
                time.sleep(60)
            if way == "memory":
                np.ones(memory_share.LEAST_BYTES // 8)
            if way == "bad_alloc":
                raise RuntimeError("std::bad_alloc")
            raise RuntimeError("no such shape")
        return shape(self, entity, kernel)

    monkeypatch.setattr(ifc_shapes.Tessellator, "shape", deadly)
    monkeypatch.setattr(ifc_pool, "GROUP_LIMIT_S", 1.5)
    if way == "memory":
        monkeypatch.setattr(memory_share, "TOTAL_BYTES", 0)
    read = read_here(made)
    assert [(d.ifc_class, d.code, d.rejected) for d in read.defects] == [("IfcFurniture", "geometry-failed", False)]
    assert read.named("椅").mesh is None
    assert read.named("墙").mesh is not None
    assert len(read.elements) == sum(read.head.counts.values())
    again = read_here(made, read.hashes)
    assert (len(again.kept), again.defects) == (len(read.elements), read.defects), "what failed is told again"


def test_nothing_is_written_beside_a_file(made: Path, tmp_path: Path) -> None:
    text = made.read_text().replace("DATA;", "DATA;/* noted */", 1)
    plain, packed = tmp_path / "a.ifc", tmp_path / "a.ifczip"
    plain.write_text(text)
    with zipfile.ZipFile(packed, "w") as archive:
        archive.write(plain, "a.ifc")
    for path in (plain, packed):
        Ifc().inspect(path, ReadOptions())
        assert list(Ifc().model(path, ReadOptions(), {}, None))
    assert sorted(tmp_path.iterdir()) == [plain, packed]


def test_without_a_place_a_model_is_refused_and_control_points_place_it(tmp_path: Path) -> None:
    file = made_model()
    for item in (*file.by_type("IfcMapConversion"), *file.by_type("IfcProjectedCRS")):
        file.remove(item)
    file.write(str(tmp_path / "nowhere.ifc"))
    with open_source(tmp_path / "nowhere.ifc", ReadOptions(trust_file=True)) as source:
        (layer,) = source.inspection.layers
        assert [problem.code for problem in layer.problems if problem.refuses] == ["no-placement"]
        given = Placement(4523, None, EAST_M, NORTH_M, 0.0, 1.0, 0.0, 1.0, None, "control-points")
        assert collected(source.model(layer, {}, given)).head.placement == given
        with pytest.raises(ImportRefused) as refused:
            list(source.model(layer, {}))
    assert refused.value.code == "no-placement"
