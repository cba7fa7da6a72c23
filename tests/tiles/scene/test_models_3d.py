"""Building models in the three-dimensional view, held against the database's meshes, matrices and placements."""

import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyproj
import pytest
import sqlalchemy as sa
import trimesh
from clones import Clones
from glb_reading import ReadTile, read_glb
from gltf_validator import faults_of
from models import MadeModel, box_mesh, building, import_made, placement
from sample_server import SAMPLES

from cim.errors import HeightsUnknown, NotFound
from cim.model.access import Grade, Principal
from cim.model.undulation import Undulation
from cim.store.any_versions import prune
from cim.store.collections import set_grade
from cim.store.database import Database
from cim.store.identities import principal_for_role
from cim.store.scene_models import buildings_of_models, drawn_elements
from importers.importer import ReadOptions
from importers.run import ImportRequest, import_file
from layers.catalog import load_catalog
from tiles.scene import model_plan
from tiles.scene.content import ScenePath
from tiles.scene.model_plan import Part
from tiles.scene.models_3d import ModelContent, ModelPlans
from tiles.scene.tileset import SceneNode

RAISED_M = -41.25
CLOSE_M = 0.01
_CART = pyproj.Transformer.from_pipeline(
    "+proj=pipeline +step +proj=unitconvert +xy_in=deg +xy_out=rad +step +proj=cart +ellps=GRS80"
)


@dataclass
class Drawn:
    """A model's tree and all its tiles."""

    root: SceneNode
    features: int
    glbs: dict[str, bytes]
    tiles: dict[str, ReadTile]

    def ids(self) -> list[str]:
        return [one for tile in self.tiles.values() for one in tile.columns["global_id"]]


async def principal(database: Database, role: str = "technician") -> Principal:
    async with database.writing("test") as connection:
        return await principal_for_role(connection, role)


def content(database: Database, model: str, version: int = 1, plans: ModelPlans | None = None) -> ModelContent:
    return ModelContent(database, plans or ModelPlans(), model, version, Undulation.constant(RAISED_M))


def leaves(node: SceneNode) -> Iterator[SceneNode]:
    if node.content is not None:
        yield node
    for child in node.children:
        yield from leaves(child)


def path_of(text: str) -> ScenePath:
    return ScenePath(*(int(part) for part in text.split("/")))


async def drawn(database: Database, model: str, version: int = 1) -> Drawn:
    who, held = await principal(database), content(database, model, version)
    tree = await held.tree(who)
    assert tree is not None
    named = [leaf.content for leaf in leaves(tree.root) if leaf.content]
    glbs = {name: (await held.tile(who, path_of(name))).data for name in named}
    return Drawn(tree.root, tree.features, glbs, {name: read_glb(glb) for name, glb in glbs.items()})


async def rows(database: Database, statement: str, **values: Any) -> list[Any]:
    async with database.writing("test") as connection:
        return list((await connection.execute(sa.text(statement), values)).all())


async def placed_triangles(database: Database, model: str) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Of each element with a shape the geocentric triangles, by matrices and PROJ alone, and whether each is glass."""
    ((head,),) = await rows(database, "SELECT head FROM bim.model_version WHERE model = :m AND number = 1", m=model)
    at = head["placement"]
    to_degrees = pyproj.Transformer.from_crs(at["srid"], 4490, always_xy=True)
    on_map = np.eye(4)
    on_map[:2, :2] = at["scale"] * np.array([[at["abscissa"], -at["ordinate"]], [at["ordinate"], at["abscissa"]]])
    on_map[:3, 3] = at["east_m"], at["north_m"], at["height_m"]
    meshes = {
        bytes(hash_): _mesh(bytes(body), vertices, triangles, materials)
        for hash_, body, vertices, triangles, materials in await rows(
            database, "SELECT hash, body, vertices, triangles, materials FROM bim.mesh WHERE model = :m", m=model
        )
    }
    found = {}
    for global_id, kind, hash_, matrix in await rows(
        database, "SELECT global_id, kind, mesh, matrix FROM bim.element WHERE model = :m AND mesh IS NOT NULL", m=model
    ):
        corners, opacity = meshes[bytes(hash_)]
        whole = on_map @ np.vstack([np.array(matrix).reshape(3, 4), [0, 0, 0, 1]])
        east, north, height = (corners.reshape(-1, 3) @ whole[:3, :3].T + whole[:3, 3]).T
        lon, lat = to_degrees.transform(east, north)
        places = np.column_stack(_CART.transform(lon, lat, height + RAISED_M)).reshape(-1, 3, 3)
        found[global_id] = (places, (opacity < 0.98) | (kind == "space"))
    return found


def _mesh(body: bytes, vertices: int, triangles: int, materials: Any) -> tuple[np.ndarray, np.ndarray]:
    points = np.frombuffer(body, "<f4", vertices * 3).reshape(-1, 3).astype(np.float64)
    corners = np.frombuffer(body, "<u4", triangles * 3, vertices * 12).reshape(-1, 3)
    slots = np.frombuffer(body, "<u2", triangles, vertices * 12 + triangles * 12)
    return points[corners], np.array([materials[slot]["colour"][3] for slot in slots])


async def check_against_database(database: Database, model: str, found: Drawn) -> None:
    """Every element once, where it belongs to a centimetre, with what the database says of it."""
    wanted = await placed_triangles(database, model)
    assert sorted(found.ids()) == sorted(wanted)
    assert found.features == len(wanted)
    names = "global_id, ifc_class, name, storey, storey_number, space, kind"
    told = {
        row[0]: tuple(row) for row in await rows(database, f"SELECT {names} FROM bim.element WHERE model = :m", m=model)
    }
    furthest = 0.0
    for tile in found.tiles.values():
        for number, record in enumerate(zip(*(tile.columns[name] for name in names.split(", ")), strict=True)):
            assert record == tuple(value if value != "" else None for value in told[record[0]])
            places, glass = wanted[record[0]]
            there = tile.of_feature(number)
            ordered = np.concatenate([places[~glass], places[glass]])
            assert there.shape == ordered.shape, record
            furthest = max(furthest, float(np.abs(there - ordered).max()))
    assert furthest <= CLOSE_M


def check_surfaces(found: Drawn) -> int:
    """Normals go with the corners' order, closed shapes face outward; how many closed ones there were."""
    closed = 0
    for tile in found.tiles.values():
        for surface in tile.surfaces:
            assert surface.normals is not None
            assert surface.colours is not None
            assert (surface.colours[:, 3] < 0.99).all() == surface.translucent
            corners = surface.positions[surface.triangles]
            across = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
            size = np.linalg.norm(across, axis=1, keepdims=True)
            longest = np.linalg.norm(corners - np.roll(corners, 1, axis=1), axis=2).max(axis=1)
            broad = size[:, 0] > 0.05 * longest
            for corner in range(3):
                with_it = (across / size * surface.normals[surface.triangles[:, corner]]).sum(axis=1)
                assert (with_it[broad] > 0.85).all()
        for number in range(tile.count):
            triangles = tile.of_feature(number)
            points = (triangles - triangles.reshape(-1, 3).mean(axis=0)).reshape(-1, 3)
            shape = trimesh.Trimesh(points, np.arange(len(points)).reshape(-1, 3), process=False)
            shape.merge_vertices(digits_vertex=2)
            if shape.is_watertight:
                closed += 1
                assert shape.volume > 0, tile.columns["global_id"][number]
    return closed


def check_tree(found: Drawn) -> None:
    """Regions hold what is in them, errors fall, storeys say which they are, and only rooms are in tiles of rooms."""
    back = pyproj.Transformer.from_pipeline(
        "+proj=pipeline +step +inv +proj=cart +ellps=GRS80 +step +proj=unitconvert +xy_in=rad +xy_out=deg"
    )

    def check(node: SceneNode, above: SceneNode) -> None:
        assert node.error_m <= above.error_m
        assert (np.array(node.region[2:4]) <= above.region[2:4]).all()
        assert (np.array(node.region[:2]) >= above.region[:2]).all()
        assert node.region[4] >= above.region[4]
        assert node.region[5] <= above.region[5]
        if node.content:
            tile = found.tiles[node.content]
            assert 0 < tile.count <= model_plan.MOST_ELEMENTS
            points = np.concatenate([surface.positions for surface in tile.surfaces])
            lon, lat, height = back.transform(*points.T)
            west, south, east, north, low, high = node.region
            assert west <= lon.min()
            assert lon.max() <= east
            assert south <= lat.min()
            assert lat.max() <= north
            assert low <= height.min()
            assert height.max() <= high
            rooms = node.extras.get("kind") == "space"
            assert {kind == "space" for kind in tile.columns["kind"]} == {rooms}
            assert len([one for one in tile.surfaces if one.translucent]) <= 1
            assert len(tile.surfaces) <= 2
            assert not rooms or all(surface.translucent for surface in tile.surfaces)
        for child in node.children:
            check(child, node)

    check(found.root, found.root)
    for storey in found.root.children:
        inside = {
            (found.tiles[leaf.content].columns["storey"][0], found.tiles[leaf.content].columns["storey_number"][0])
            for leaf in leaves(storey)
            if leaf.content
        }
        assert inside == {(storey.extras["storey"], storey.extras["storey_number"])}
    numbers = [storey.extras["storey_number"] for storey in found.root.children]
    known = [number for number in numbers if number is not None]
    assert numbers == sorted(known) + [None] * (len(numbers) - len(known))


async def import_sample(database: Database, name: str) -> None:
    request = ImportRequest(SAMPLES / name, "test", "administrator", options=ReadOptions(trust_file=True))
    (report,) = await import_file(database, load_catalog(), request)
    assert report.status == "published", report.message


@pytest.fixture(scope="module")
async def station(clones: Clones) -> AsyncIterator[Database]:
    """A database with the sample's fire station."""
    with clones.made() as logins:
        database = Database(logins.reader_url, logins.writer_url, pool_size=4)
        await import_sample(database, "fire-station.ifczip")
        yield database
        await database.close()


async def test_the_fire_station_stands_where_the_database_has_it(station: Database) -> None:
    found = await drawn(station, "fire-station")
    await check_against_database(station, "fire-station", found)
    assert check_surfaces(found) > 300
    check_tree(found)


async def test_the_validator_finds_nothing_in_tiles_compressed_or_not(station: Database) -> None:
    found = await drawn(station, "fire-station")
    assert faults_of(found.glbs) == {}
    quantised = {name: glb for name, glb in found.glbs.items() if b"KHR_mesh_quantization" in glb}
    assert quantised == found.glbs


async def test_what_is_outside_comes_first_and_what_is_small_last(station: Database) -> None:
    found = await drawn(station, "fire-station")
    parts: dict[int, set[str]] = {part: set() for part in Part}
    for name, tile in found.tiles.items():
        parts[path_of(name).x] |= set(tile.columns["ifc_class"])
    assert {"IfcWall", "IfcSlab", "IfcWindow", "IfcColumn"} <= parts[Part.OUTSIDE]
    assert {"IfcDoor", "IfcStairFlight", "IfcBeam"} <= parts[Part.INSIDE]
    assert {"IfcFurniture", "IfcLightFixture", "IfcSanitaryTerminal"} <= parts[Part.FITTINGS]
    assert parts[Part.SPACES] == {"IfcSpace"}
    (ground,) = [one for one in found.root.children if one.extras["storey_number"] == 1]
    assert ground.extras["storey_name"] == "1层"
    gates = [child for child in ground.children if child.content is None]
    outside = [child for child in ground.children if child.content is not None]
    assert ground.error_m > max(gate.error_m for gate in gates) > min(gate.error_m for gate in gates) > 0
    assert all(leaf.error_m == 0 for leaf in outside)


async def test_a_tile_without_quantised_numbers_says_the_same(station: Database) -> None:
    held, who = content(station, "fire-station"), await principal(station)
    await held.tree(who)
    planned = await held._planned(who)
    path, tile = next((path, tile) for path, tile in planned.plan.tiles.items() if tile.part is Part.FITTINGS)
    from cim.policy.policy import read_context
    from cim.store.bim_meshes import meshes_of
    from tiles.scene.model_tile import model_glb

    async with station.reading(read_context(who)) as connection:
        elements = await drawn_elements(connection, "fire-station", tile.rows.tolist())
        meshes = await meshes_of(connection, "fire-station", [one.mesh for one in elements], 10**9)
    plain = model_glb(elements, meshes, planned.placement, planned.heights, quantised=False)
    packed = (await held.tile(who, path)).data
    assert faults_of({"plain": plain}) == {}
    assert read_glb(plain).columns == read_glb(packed).columns
    for one, other in zip(read_glb(plain).surfaces, read_glb(packed).surfaces, strict=True):
        assert np.abs(one.positions - other.positions).max() < CLOSE_M
        assert (one.triangles == other.triangles).all()
        assert (one.features == other.features).all()
    assert len(packed) < 0.7 * len(plain)


async def test_models_stand_for_the_buildings_whose_codes_they_have(station: Database) -> None:
    async with station.writing("test") as connection:
        await connection.execute(sa.text("UPDATE bim.model SET building_code = 'B7' WHERE id = 'fire-station'"))
        assert await buildings_of_models(connection, ["fire-station", "none"]) == {"fire-station": ["B7"]}


async def test_elements_on_no_storey_and_a_crowded_storey(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    made = building(storeys=2)
    made.box("IfcWall", "围墙", (-20, -20, -3), (60, 0.2, 2.0))
    storey = next(one for one in made.elements if one.ifc_class == "IfcBuildingStorey")
    on_it = {"storey": storey.global_id, "storey_name": "1层", "storey_number": 1}
    for number in range(130):
        corner = (number % 13, number // 13 * 2.0, 0.1)
        made.box("IfcFurniture", f"椅 {number}", corner, (0.4, 0.4, 0.9 + number % 3 / 10), **on_it)
    await import_made(database, made)
    monkeypatch.setattr(model_plan, "MOST_ELEMENTS", 50)
    monkeypatch.setattr(model_plan, "MOST_TRIANGLES", 12 * 40)
    found = await drawn(database, "hospital")
    await check_against_database(database, "hospital", found)
    check_tree(found)
    chairs = [name for name, tile in found.tiles.items() if "椅 0" in tile.columns["name"] or tile.count > 20]
    assert len(chairs) >= 4
    assert [child.extras["storey"] for child in found.root.children][-1] is None
    last = [leaf.content for leaf in leaves(found.root.children[-1])]
    assert [found.tiles[name].columns["name"] for name in last if name] == [["围墙"]]


async def test_an_element_of_too_many_triangles_is_left_out_and_told(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = building(storeys=1)
    one = box_mesh(1, 1, 1)
    many = replace(one, hash=b"many" * 4, triangles=np.tile(one.triangles, (2, 1)), slots=np.tile(one.slots, 2))
    made.meshes[many.hash] = many
    made.change("门 1", mesh=many.hash)
    await import_made(database, made)
    monkeypatch.setattr(model_plan, "MOST_OF_ONE", 12)
    found = await drawn(database, "hospital")
    assert found.root.extras["left_out"] == 1
    assert "million" in found.root.extras["notes"][0]["en"]
    names = {name for tile in found.tiles.values() for name in tile.columns["name"]}
    assert "门 1" not in names
    assert "窗 1" in names
    monkeypatch.setattr(model_plan, "MOST_OF_ONE", 11)
    assert await content(database, "hospital").tree(await principal(database)) is None


async def test_an_element_far_away_has_a_tile_of_its_own_and_one_beyond_the_map_breaks_none(database: Database) -> None:
    made = building(storeys=1)
    storey = next(one for one in made.elements if one.ifc_class == "IfcBuildingStorey")
    on_it = {"storey": storey.global_id, "storey_name": "1层", "storey_number": 1}
    made.box("IfcWall", "远墙", (40_000, 0, 0), (5, 0.2, 3), **on_it)
    beyond = made.box("IfcWall", "界外墙", (0, 0, 0), (5, 0.2, 3), **on_it)
    shift = (1.0, 0.0, 0.0, 1e9, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0)
    made.elements = [replace(one, matrix=shift) if one is beyond else one for one in made.elements]
    await import_made(database, made)
    found = await drawn(database, "hospital")
    (far,) = [tile for tile in found.tiles.values() if "远墙" in tile.columns["name"]]
    assert far.columns["name"] == ["远墙"]
    assert faults_of(found.glbs) == {}
    (beside,) = [tile for tile in found.tiles.values() if "界外墙" in tile.columns["name"]]
    assert len(beside.of_feature(beside.columns["name"].index("界外墙"))) == 0
    assert len(beside.of_feature(beside.columns["name"].index("板 1"))) == 12


async def heights_of(database: Database, datum: str | None, undulation: Undulation | None) -> tuple[float, SceneNode]:
    """The lowest point of the model in the database above the ellipsoid, once it has a height system."""
    made = building(storeys=1, at=replace(placement(), height_datum=datum))
    name = f"m-{(datum or 'none').lower().replace(':', '')}"
    await import_made(database, made, name)
    held, who = ModelContent(database, ModelPlans(), name, 1, undulation), await principal(database)
    tree = await held.tree(who)
    assert tree is not None
    back = pyproj.Transformer.from_pipeline("+proj=pipeline +step +inv +proj=cart +ellps=GRS80")
    points = [
        surface.positions
        for leaf in leaves(tree.root)
        if leaf.content
        for surface in read_glb((await held.tile(who, path_of(leaf.content))).data).surfaces
    ]
    return float(back.transform(*np.concatenate(points).T)[2].min()), tree.root


async def test_heights_are_raised_by_what_they_are_above(database: Database) -> None:
    raised = Undulation.constant(RAISED_M)
    lowest = 500.0 - 0.2
    levelled, root = await heights_of(database, "EPSG:5737", raised)
    assert levelled == pytest.approx(lowest + RAISED_M, abs=CLOSE_M)
    assert "notes" not in root.extras
    kept, root = await heights_of(database, "ellipsoidal", raised)
    assert kept == pytest.approx(lowest, abs=CLOSE_M)
    assert root.extras["heights_taken_as"] == "ellipsoidal"
    same, _ = await heights_of(database, "ellipsoidal", None)
    assert same == kept
    taken, root = await heights_of(database, None, raised)
    assert taken == pytest.approx(levelled, abs=CLOSE_M)
    assert "height-datum" in root.extras["notes"][0]["en"]
    with pytest.raises(HeightsUnknown, match="CIM_UNDULATION_M"):
        await ModelContent(database, ModelPlans(), "m-none", 1, None).tree(await principal(database))
    with pytest.raises(HeightsUnknown, match="local"):
        await heights_of(database, "local", raised)


async def test_who_may_not_read_the_model_gets_nothing_even_of_a_plan_that_is_kept(database: Database) -> None:
    await import_made(database, building(storeys=1), grade=Grade.RESTRICTED)
    plans = ModelPlans()
    held = content(database, "hospital", plans=plans)
    assert await held.tree(await principal(database)) is not None
    other = await principal(database, "anonymous")
    path = next(iter((await held._planned(other)).plan.tiles))
    with pytest.raises(NotFound):
        await held.tile(other, path)
    with pytest.raises(NotFound):
        await content(database, "hospital").tree(other)
    with pytest.raises(NotFound):
        await held.tile(await principal(database), ScenePath(40, 0, 0))
    async with database.writing("test") as connection:
        await set_grade(connection, "hospital", Grade.PUBLIC)
    assert (await held.tile(other, path)).data


async def test_older_versions_have_tiles_of_their_own_until_they_are_pruned(database: Database) -> None:
    first = building(storeys=1)
    await import_made(database, first)
    renamed = [replace(one, name="门 甲") if one.name == "门 1" else one for one in first.elements]
    second = MadeModel(first.at, first.name, renamed, dict(first.meshes))
    gone = next(one for one in second.elements if one.name == "窗 1")
    second.elements.remove(gone)
    await import_made(database, second)
    old, new = await drawn(database, "hospital", 1), await drawn(database, "hospital", 2)
    assert gone.global_id in old.ids()
    assert sorted([*new.ids(), gone.global_id]) == sorted(old.ids())
    named = {name for tile in old.tiles.values() for name in tile.columns["name"]}
    assert {"门 1", "窗 1"} <= named
    assert content(database, "hospital", 1).name != content(database, "hospital", 2).name
    who, held = await principal(database), content(database, "hospital", 1)
    assert await held.tree(who)
    async with database.writing("test") as connection:
        await prune(connection, "hospital", 1)
    paths = (await held._planned(who)).plan.tiles
    outcomes = []
    for path in paths:
        try:
            outcomes.append((await held.tile(who, path)).data)
        except NotFound:
            outcomes.append(None)
    assert None in outcomes


@pytest.mark.slow
async def test_the_hospital_stands_where_the_database_has_it(clones: Clones) -> None:
    with clones.made() as logins:
        database = Database(logins.reader_url, logins.writer_url, pool_size=4)
        await import_sample(database, "hospital.ifczip")
        found = await drawn(database, "hospital")
        await check_against_database(database, "hospital", found)
        assert check_surfaces(found) > 5_000
        check_tree(found)
        assert faults_of(found.glbs) == {}
        assert json.dumps(found.root.extras)
        await database.close()
