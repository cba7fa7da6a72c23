"""City layers in the three-dimensional view, held against the files they came from."""

import json
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyproj
import pytest
import sqlalchemy as sa
from city_models import load
from clones import Clones
from glb_reading import ReadTile, read_glb
from gltf_validator import faults_of
from sample_server import SAMPLES

from cim.errors import AnswerTooLarge, HeightsUnknown, NotFound
from cim.model.access import Principal
from cim.model.undulation import Undulation
from cim.policy.policy import read_context
from cim.store import scene_city
from cim.store.collections import all_collections
from cim.store.database import Database
from cim.store.identities import principal_for_role
from cim.store.scene_city_codes import buildings_of_city
from cim.store.selection import Selection
from tiles.changes import ChangeLog
from tiles.scene import layout
from tiles.scene.city_3d import CityContent
from tiles.scene.content import ScenePath
from tiles.scene.layouts import Layouts
from tiles.scene.tileset import SceneNode

RAISED_M = -41.25
CLOSE_M = 0.01
_CART = pyproj.Transformer.from_pipeline(
    "+proj=pipeline +step +proj=unitconvert +xy_in=deg +xy_out=rad +step +proj=cart +ellps=GRS80"
)
_BACK = pyproj.Transformer.from_pipeline(
    "+proj=pipeline +step +inv +proj=cart +ellps=GRS80 +step +proj=unitconvert +xy_in=rad +xy_out=deg"
)


@dataclass
class Drawn:
    """A layer's tree and all its tiles."""

    root: SceneNode
    features: int
    glbs: dict[str, bytes]
    tiles: dict[str, ReadTile]

    def objects(self) -> dict[str, np.ndarray]:
        """The geocentric triangles of every object by its id; AssertionError where one is drawn twice."""
        found: dict[str, np.ndarray] = {}
        for tile in self.tiles.values():
            for number, name in enumerate(tile.columns["object_id"]):
                assert name not in found
                found[name] = tile.of_feature(number)
        return found

    def colours(self, name: str) -> set[tuple[int, ...]]:
        for tile in self.tiles.values():
            if name in tile.columns["object_id"]:
                number = tile.columns["object_id"].index(name)
                return {
                    tuple(np.rint(colour * 255).astype(int).tolist())
                    for surface in tile.surfaces
                    if surface.colours is not None
                    for colour in surface.colours[surface.features == number]
                }
        raise AssertionError(name)


async def principal(database: Database) -> Principal:
    async with database.writing("test") as connection:
        return await principal_for_role(connection, "technician")


async def selected(database: Database, layer: str, *hidden: str) -> Selection:
    async with database.writing("test") as connection:
        collection = (await all_collections(connection))[layer]
    return Selection(collection, tuple(name for name in collection.schema.field_names if name not in hidden), None)


def content(database: Database, selection: Selection, raised_m: float | None = RAISED_M) -> CityContent:
    undulation = None if raised_m is None else Undulation.constant(raised_m)
    return CityContent(database, Layouts(ChangeLog()), selection, undulation, "all")


def leaves(node: SceneNode) -> Iterator[SceneNode]:
    if node.content is not None:
        yield node
    for child in node.children:
        yield from leaves(child)


def path_of(text: str) -> ScenePath:
    return ScenePath(*(int(part) for part in text.split("/")))


async def drawn(database: Database, selection: Selection) -> Drawn:
    who, held = await principal(database), content(database, selection)
    tree = await held.tree(who)
    assert tree is not None
    named = [leaf.content for leaf in leaves(tree.root) if leaf.content]
    glbs = {name: (await held.tile(who, path_of(name))).data for name in named}
    return Drawn(tree.root, tree.features, glbs, {name: read_glb(glb) for name, glb in glbs.items()})


def placed(points: np.ndarray, srid: int) -> np.ndarray:
    """Points in a projected system as geocentric ones, by PROJ alone."""
    lon, lat = pyproj.Transformer.from_crs(srid, 4490, always_xy=True).transform(points[:, 0], points[:, 1])
    return np.column_stack(_CART.transform(lon, lat, points[:, 2] + RAISED_M))


def volume_of(triangles: np.ndarray) -> float:
    around = triangles - triangles.reshape(-1, 3).mean(axis=0)
    return float(np.einsum("ni,ni->n", around[:, 0], np.cross(around[:, 1], around[:, 2])).sum() / 6)


def area_of(triangles: np.ndarray) -> float:
    across = np.cross(triangles[:, 1] - triangles[:, 0], triangles[:, 2] - triangles[:, 0])
    return float(np.linalg.norm(across, axis=1).sum() / 2)


def ring_areas(points: np.ndarray, surface: list[list[int]]) -> float:
    """The area of a surface with holes, by Newell's sums."""
    sizes = []
    for ring in surface:
        corners = points[ring] - points[ring[0]]
        sizes.append(float(np.linalg.norm(np.cross(corners, np.roll(corners, -1, axis=0)).sum(axis=0)) / 2))
    return sizes[0] - sum(sizes[1:])


def shells(geometry: dict[str, Any]) -> list[list[list[int]]]:
    return geometry["boundaries"][0] if geometry["type"] == "Solid" else geometry["boundaries"]


@pytest.fixture(scope="module")
async def block(clones: Clones) -> AsyncIterator[Database]:
    """A database with the sample's buildings of LoD 2."""
    with clones.made() as logins:
        database = Database(logins.reader_url, logins.writer_url, pool_size=4)
        report = await load(database, SAMPLES / "lod2_block.city.json", "lod2_block")
        assert report.status == "published", report.message
        yield database
        await database.close()


async def test_objects_stand_where_their_file_has_them(block: Database) -> None:
    found = await drawn(block, await selected(block, "lod2_block"))
    file = json.loads((SAMPLES / "lod2_block.city.json").read_text("utf-8"))
    points = np.array(file["vertices"]) * file["transform"]["scale"] + file["transform"]["translate"]
    geocentric = placed(points, 4523)
    objects = found.objects()
    with_shapes = {name: one["geometry"] for name, one in file["CityObjects"].items() if one.get("geometry")}
    assert objects.keys() == with_shapes.keys()
    assert found.features == len(with_shapes)
    for name, (geometry,) in with_shapes.items():
        surfaces = shells(geometry)
        used = geocentric[sorted({place for surface in surfaces for ring in surface for place in ring})]
        corners = objects[name].reshape(-1, 3)
        apart = np.linalg.norm(used[:, None] - corners[None], axis=2)
        assert apart.min(axis=1).max() <= CLOSE_M, name
        assert apart.min(axis=0).max() <= CLOSE_M, name
        assert area_of(objects[name]) == pytest.approx(
            sum(ring_areas(geocentric, surface) for surface in surfaces), rel=1e-3
        )
        assert volume_of(objects[name]) > 0, name


async def test_tiles_carry_the_ids_and_values_of_the_layer_and_the_validator_finds_nothing(block: Database) -> None:
    found = await drawn(block, await selected(block, "lod2_block"))
    assert faults_of(found.glbs) == {}
    async with block.writing("test") as connection:
        names = "fid, object_id, object_type, name, building_code, height_m"
        rows = (await connection.execute(sa.text(f"SELECT {names} FROM city.lod2_block"))).all()
    told = {row.fid: tuple(row) for row in rows}
    (whole,) = {row.building_code for row in rows if row.object_id == "510182001010000120"}
    for tile in found.tiles.values():
        assert list(tile.columns) == names.split(", ")
        for record in zip(*tile.columns.values(), strict=True):
            wanted = list(told[record[0]])
            if wanted[2] == "BuildingPart":
                assert wanted[4] is None
                wanted[4] = whole
            assert list(record[:5]) == wanted[:5]
            assert record[5] == pytest.approx(wanted[5], abs=1e-4)
    normals = [surface.normals for tile in found.tiles.values() for surface in tile.surfaces]
    assert all(normal is not None for normal in normals)


async def test_regions_hold_what_is_in_them(block: Database) -> None:
    found = await drawn(block, await selected(block, "lod2_block"))
    for leaf in leaves(found.root):
        assert leaf.content is not None
        points = np.concatenate([surface.positions for surface in found.tiles[leaf.content].surfaces])
        low, high = (side(_BACK.transform(*points.T), axis=1) for side in (np.min, np.max))
        west, south, east, north, lowest, highest = leaf.region
        assert (low >= [west - 1e-7, south - 1e-7, lowest]).all()
        assert (high <= [east + 1e-7, north + 1e-7, highest]).all()
    assert found.root.extras == {"height_datums": ["EPSG:5737"]}


async def test_roofs_and_walls_have_colours_of_their_own(block: Database) -> None:
    found = await drawn(block, await selected(block, "lod2_block"))
    (surface, *_) = (surface for tile in found.tiles.values() for surface in tile.surfaces)
    assert surface.normals is not None
    assert surface.colours is not None
    up = (surface.normals * (surface.positions / np.linalg.norm(surface.positions, axis=1, keepdims=True))).sum(axis=1)
    looks = Counter(
        ("up" if high > 0.5 else "down" if high < -0.5 else "side", tuple(np.rint(colour * 255).astype(int).tolist()))
        for high, colour in zip(up, surface.colours, strict=True)
    )
    assert {kind for kind, _ in looks} == {"up", "down", "side"}
    assert len({colour for _, colour in looks}) == 3
    assert not surface.translucent
    assert surface.two_sided


async def test_what_is_selected_is_what_is_drawn(block: Database) -> None:
    whole = await selected(block, "lod2_block", "building_code", "name")
    only = replace(whole, where=(sa.column("object_type", sa.Text) == "BuildingPart",))
    found = await drawn(block, only)
    assert len(found.objects()) == found.features == 2
    (columns,) = {tuple(tile.columns) for tile in found.tiles.values()}
    assert columns == ("fid", "object_id", "object_type", "height_m")
    who = await principal(block)
    none = content(block, replace(whole, where=(sa.false(),)))
    assert await none.tree(who) is None
    with pytest.raises(NotFound):
        await none.tile(who, path_of(next(iter(found.tiles))))
    for path in (ScenePath(11, 1614, 838), ScenePath(15, 0, 0)):
        with pytest.raises(NotFound):
            await content(block, whole).tile(who, path)


async def test_a_crowded_square_is_quartered(block: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = await drawn(block, await selected(block, "lod2_block"))
    monkeypatch.setattr(layout, "MOST_FEATURES", 20)
    found = await drawn(block, await selected(block, "lod2_block"))
    assert {path_of(name).z for name in whole.tiles} == {15}
    assert max(path_of(name).z for name in found.tiles) > 15
    assert found.objects().keys() == whole.objects().keys()
    assert max(tile.count for name, tile in found.tiles.items() if path_of(name).z < 18) <= 20


async def test_large_objects_are_left_out_and_told(block: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = await selected(block, "lod2_block")
    async with block.writing("test") as connection:
        sizes = "SELECT pg_column_size(body) FROM cim.city_shape WHERE layer = 'lod2_block' ORDER BY 1 DESC"
        largest = list((await connection.execute(sa.text(sizes))).scalars())
    monkeypatch.setattr(scene_city, "MOST_SHAPE_BYTES", largest[2])
    found = await drawn(block, chosen)
    assert found.root.extras["left_out"] == 73 - found.features > 0
    assert found.root.extras["notes"][0]["zh"]
    monkeypatch.setattr(scene_city, "MOST_TILE_BYTES", 100)
    with pytest.raises(AnswerTooLarge, match="packed"):
        await drawn(block, chosen)


async def test_the_codes_of_buildings_whose_objects_or_parts_stand_up(block: Database) -> None:
    chosen, who = await selected(block, "lod2_block"), await principal(block)
    async with block.reading(read_context(who)) as connection:
        codes = await buildings_of_city(connection, chosen)
        hidden = await buildings_of_city(connection, await selected(block, "lod2_block", "building_code"))
        parts = replace(chosen, where=(sa.column("object_type", sa.Text) == "BuildingPart",))
        without = await buildings_of_city(connection, parts)
    file = json.loads((SAMPLES / "lod2_block.city.json").read_text("utf-8"))
    attributes = [one.get("attributes", {}) for one in file["CityObjects"].values()]
    assert codes == sorted({one["building_code"] for one in attributes if "building_code" in one})
    assert "510182001010000120" in codes
    assert hidden == without == []


BOX = np.array([(0, 0, 0), (10, 0, 0), (10, 8, 0), (0, 8, 0), (0, 0, 5), (10, 0, 5), (10, 8, 5), (0, 8, 5)])
SHELL = [[[0, 3, 2, 1]], [[4, 5, 6, 7]], [[0, 1, 5, 4]], [[1, 2, 6, 5]], [[2, 3, 7, 6]], [[3, 0, 4, 7]]]
ORIGIN = (400_000.0, 3_430_000.0, 500.0)


def city_file(folder: Path, objects: dict[str, Any], points: np.ndarray, **more: Any) -> Path:
    document = {
        "type": "CityJSON",
        "version": "2.0",
        "transform": {"scale": [0.001] * 3, "translate": list(ORIGIN)},
        "metadata": {"referenceSystem": "https://www.opengis.net/def/crs/EPSG/0/4544"},
        "CityObjects": objects,
        "vertices": np.rint(points * 1000).astype(int).tolist(),
        **more,
    }
    path = folder / "town.city.json"
    path.write_text(json.dumps(document), "utf-8")
    return path


def box(lod: str, **more: Any) -> dict[str, Any]:
    return {"type": "Solid", "lod": lod, "boundaries": [SHELL], **more}


def shifted(points: np.ndarray, east: float, north: float) -> np.ndarray:
    return np.asarray(points) + np.array([east, north, 0])


def moved(boundaries: Any, by: int) -> Any:
    return [moved(part, by) for part in boundaries] if isinstance(boundaries, list) else boundaries + by


async def test_the_finest_shapes_with_holes_materials_and_templates(database: Database, tmp_path: Path) -> None:
    """A house of two levels, an arcade whose wall and floor have holes, a glass cube, a tree that is a template."""
    arcade = np.array([(20, 0, 0), (30, 0, 0), (30, 0, 6), (20, 0, 6), (22, 0, 1), (22, 0, 4), (28, 0, 4), (28, 0, 1)])
    floor = arcade[:, [0, 2, 1]]
    points = np.concatenate([BOX, BOX * (1, 1, 2), arcade, floor, shifted(BOX, 0, 20), [(50, 50, 1)]])
    house = [box("1"), {**box("2.2"), "boundaries": moved([SHELL], 8)}]
    glass = {**box("2"), "boundaries": moved([SHELL], 32), "material": {"look": {"values": [[0, 1, 1, 1, None, 1]]}}}
    wall = {"type": "MultiSurface", "lod": "3", "boundaries": moved([[[0, 1, 2, 3], [4, 5, 6, 7]]], 16)}
    wall["boundaries"] += moved(wall["boundaries"], 8)
    turned = [0, -1, 0, 0, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1]
    tree = {"type": "GeometryInstance", "template": 0, "boundaries": [40], "transformationMatrix": turned}
    objects = {
        "house": {"type": "Building", "geometry": house},
        "arcade": {"type": "Building", "geometry": [wall]},
        "glass": {"type": "Building", "geometry": [glass]},
        "tree": {"type": "SolitaryVegetationObject", "geometry": [tree]},
        "point": {"type": "CityFurniture", "geometry": [{"type": "MultiPoint", "lod": "1", "boundaries": [40]}]},
    }
    materials = [
        {"name": "red", "diffuseColor": [1.0, 0.0, 0.0]},
        {"name": "glass", "diffuseColor": [0.0, 0.0, 1.0], "transparency": 0.6},
    ]
    templates = {"templates": [box("2")], "vertices-templates": BOX.astype(float).tolist()}
    path = city_file(
        tmp_path, objects, points, appearance={"materials": materials}, **{"geometry-templates": templates}
    )
    report = await load(database, path, "town", height_datum="1985")
    assert report.status == "published", report.message
    found = await drawn(database, await selected(database, "town"))
    assert faults_of(found.glbs) == {}
    made = found.objects()
    assert made.keys() == {"house", "arcade", "glass", "tree"}
    assert volume_of(made["house"]) == pytest.approx(10 * 8 * 10, rel=1e-3)
    assert area_of(made["arcade"]) == pytest.approx(2 * (60 - 18), rel=1e-3)
    assert volume_of(made["tree"]) == pytest.approx(400, rel=1e-3)
    corners = placed(np.array([(50, 50, 1), (42, 60, 6)]) + ORIGIN, 4544)
    for corner in corners:
        assert np.linalg.norm(made["tree"].reshape(-1, 3) - corner, axis=1).min() <= CLOSE_M
    assert found.colours("glass") >= {(255, 0, 0, 255), (0, 0, 255, 102)}
    assert len(found.colours("glass")) == 3
    assert len(found.colours("tree")) == 1
    (glassy,) = (surface for tile in found.tiles.values() for surface in tile.surfaces if surface.translucent)
    assert len(glassy.triangles) == 8


async def test_objects_of_other_height_systems(database: Database, tmp_path: Path) -> None:
    house = {"house": {"type": "Building", "geometry": [box("2")]}}
    path = city_file(tmp_path, house, BOX)
    lows = {}
    for layer, datum in (("levelled", "1985"), ("undeclared", None), ("ellipsoid", "ellipsoidal"), ("local", "local")):
        await load(database, path, layer, **({"height_datum": datum} if datum else {}))
        chosen = await selected(database, layer)
        if layer == "local":
            with pytest.raises(HeightsUnknown, match="local"):
                await drawn(database, chosen)
            continue
        found = await drawn(database, chosen)
        lows[layer] = float(_BACK.transform(*found.objects()["house"].reshape(-1, 3).T)[2].min())
        assert ("notes" in found.root.extras) == (datum is None)
    assert lows["levelled"] == pytest.approx(500 + RAISED_M, abs=CLOSE_M)
    assert lows["undeclared"] == pytest.approx(lows["levelled"], abs=CLOSE_M)
    assert lows["ellipsoid"] == pytest.approx(500, abs=CLOSE_M)
    with pytest.raises(HeightsUnknown, match="CIM_UNDULATION_M"):
        await content(database, await selected(database, "levelled"), None).tree(await principal(database))


async def test_a_layer_of_two_height_systems_draws_what_it_can(database: Database, tmp_path: Path) -> None:
    from cim.model.collection import ImportMode
    from importers.importer import ReadOptions
    from importers.run import ImportRequest, import_file
    from layers.catalog import load_catalog

    await load(
        database,
        city_file(tmp_path, {"a": {"type": "Building", "geometry": [box("2")]}}, BOX),
        "town",
        height_datum="1985",
    )
    other = city_file(tmp_path, {"b": {"type": "Building", "geometry": [box("2")]}}, shifted(BOX, 30, 0))
    options = ReadOptions(trust_file=True, height_datum="local")
    request = ImportRequest(other, "test", "administrator", "town", options=options, mode=ImportMode.UPSERT)
    (report,) = await import_file(database, load_catalog(), request)
    assert report.status == "published", report.message
    found = await drawn(database, await selected(database, "town"))
    assert found.objects().keys() == {"a"}
    assert (found.features, found.root.extras["left_out"]) == (1, 1)
    assert "ellipsoid" in found.root.extras["notes"][0]["en"]


@pytest.mark.parametrize(
    ("name", "crs"),
    [
        ("3dbag_b2.city.json", None),
        pytest.param("vienna.city.jsonl", "EPSG:31256", marks=pytest.mark.slow),
        pytest.param("japanese.city.json", None, marks=pytest.mark.slow),
    ],
)
async def test_cities_of_real_publishers_have_tiles_without_faults(
    real_data: Path, database: Database, name: str, crs: str | None
) -> None:
    await load(database, real_data / "city" / name, "town", crs=crs, height_datum="1985")
    found = await drawn(database, await selected(database, "town"))
    assert faults_of(found.glbs) == {}
    assert 0 < len(found.objects()) <= found.features
    standing = [volume_of(triangles) for triangles in found.objects().values() if len(triangles) > 4]
    assert np.mean([volume > 0 for volume in standing]) > 0.95
