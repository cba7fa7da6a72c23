"""City layers over HTTP: shapes with their areas, CityJSON of one object and of many, and nothing of what is closed."""

import json
from pathlib import Path

import pytest
import sqlalchemy as sa
from city_models import load
from glb_reading import contents, read_glb
from serving import Served

from cim.model.access import Grade
from cim.model.undulation import Undulation
from cim.store.city_shapes import remove_unnamed_shapes
from cim.store.collections import set_grade
from cim.store.versions import prune

BOX = [[0, 0, 0], [10_000, 0, 0], [10_000, 8_000, 0], [0, 8_000, 0]]
BOX += [[x, y, 5_000] for x, y, _ in BOX]
SHELL = [[[0, 3, 2, 1]], [[4, 5, 6, 7]], [[0, 1, 5, 4]], [[1, 2, 6, 5]], [[2, 3, 7, 6]], [[3, 0, 4, 7]]]
MEANT = ["GroundSurface", "RoofSurface", *["WallSurface"] * 4]


def town(folder: Path, *, height_mm: int = 5_000) -> Path:
    """Two houses near the seat, the second 50 m east of the first."""
    solid = {"type": "Solid", "lod": "2", "boundaries": [SHELL]}
    solid["semantics"] = {"surfaces": [{"type": name} for name in MEANT], "values": [list(range(6))]}
    lines = [
        {
            "type": "CityJSON",
            "version": "2.0",
            "transform": {"scale": [0.001] * 3, "translate": [400_000.0, 3_430_000.0, 500.0]},
            "metadata": {"referenceSystem": "https://www.opengis.net/def/crs/EPSG/0/4544", "title": "镇"},
            "CityObjects": {},
            "vertices": [],
        }
    ]
    for number in range(2):
        vertices = [[x + 50_000 * number, y, height_mm if z else 0] for x, y, z in BOX]
        content = {"type": "Building", "attributes": {"name": f"楼{number}"}, "geometry": [solid]}
        lines.append({"type": "CityJSONFeature", "CityObjects": {f"b{number}": content}, "vertices": vertices})
    path = folder / "town.city.jsonl"
    path.write_text("\n".join(json.dumps(line) for line in lines), "utf-8")
    return path


@pytest.fixture
async def city(served: Served, tmp_path: Path) -> Served:
    """The application with the houses as an open layer."""
    await load(served.database, town(tmp_path), "town", height_datum="1985")
    async with served.database.writing() as connection:
        await set_grade(connection, "town", Grade.PUBLIC)
    await served.state.live.refresh()
    return served


async def test_one_object_tells_its_shapes_and_comes_as_cityjson(city: Served) -> None:
    answer = (await city.anonymous.get("/collections/town/items/1")).json()
    assert answer["properties"]["object_id"] == "b0"
    assert answer["properties"]["height_datum"] == "EPSG:5737"
    (shape,) = answer["shapes"]
    assert (shape["lod"], shape["type"], shape["volume_m3"]) == ("2", "Solid", 400.0)
    assert shape["surfaces"] == {
        "GroundSurface": {"count": 1, "area_m2": 80.0},
        "RoofSurface": {"count": 1, "area_m2": 80.0},
        "WallSurface": {"count": 4, "area_m2": 180.0},
    }
    one = await city.anonymous.get("/collections/town/items/2?f=cityjson")
    assert one.headers["content-type"] == "application/city+json"
    document = one.json()
    assert list(document["CityObjects"]) == ["b1"]
    assert document["metadata"]["title"] == "镇"
    assert min(x for x, _, _ in document["vertices"]) == 0


async def test_what_is_found_comes_as_a_file(city: Served) -> None:
    found = await city.anonymous.get("/collections/town/items?f=cityjson&object_id=b1")
    assert list(found.json()["CityObjects"]) == ["b1"]
    lines = (await city.anonymous.get("/collections/town/items?f=cityjsonseq")).text.strip().split("\n")
    assert [list(json.loads(line)["CityObjects"]) for line in lines] == [[], ["b0"], ["b1"]]
    wrong = await city.anonymous.get("/collections/squares/items?f=cityjson")
    assert (wrong.status_code, "no city objects" in wrong.json()["detail"]) == (400, True)
    for query in ("f=cityjson&properties=object_id", "f=cityjson&crs=http://www.opengis.net/def/crs/EPSG/0/3857"):
        assert (await city.anonymous.get(f"/collections/town/items?{query}")).status_code == 400


async def test_nothing_of_a_closed_layer_comes_out(city: Served) -> None:
    async with city.database.writing() as connection:
        await set_grade(connection, "town", Grade.RESTRICTED)
    await city.state.live.refresh()
    for path in ("items/1", "items/1?f=cityjson", "items?f=cityjson", "items?f=cityjsonseq"):
        assert (await city.anonymous.get(f"/collections/town/{path}")).status_code == 404
    assert (await city.technician.get("/collections/town/items/1")).json()["shapes"]


async def test_shapes_that_no_version_names_are_let_go(city: Served, tmp_path: Path) -> None:
    await load(city.database, town(tmp_path, height_mm=6_000), "town", height_datum="1985")
    async with city.database.writing() as connection:
        count = sa.text("SELECT count(*) FROM cim.city_shape WHERE layer = 'town'")
        assert await connection.scalar(count) == 4
        assert await remove_unnamed_shapes(connection, "town") == 0
        await prune(connection, "town", 1)
        assert await remove_unnamed_shapes(connection, "town") == 2
        assert await connection.scalar(count) == 2
    await city.state.live.refresh()
    assert (await city.anonymous.get("/collections/town/items/1")).json()["shapes"][0]["volume_m3"] == 480.0


async def test_its_tiles_are_for_those_who_may_see_the_shapes(city: Served) -> None:
    city.state.undulation = Undulation.constant(-40.0)
    await city.state.live.refresh()
    catalog = (await city.anonymous.get("/catalog")).json()
    (entry,) = [layer for layer in catalog["layers"] if layer["id"] == "town"]
    assert entry["scene"] == {
        "tileset": "/3dtiles/town/tileset.json?v=1",
        "kind": "city",
        "fields": ["object_id", "object_type", "name", "building_code", "height_m"],
        "hides": [],
    }
    document = (await city.anonymous.get(entry["scene"]["tileset"])).json()
    assert document["extras"] == {"layer": "town", "features": 2}
    assert document["root"]["extras"] == {"height_datums": ["EPSG:5737"]}
    named = list(contents(document["root"]))
    read = [read_glb((await city.anonymous.get(f"/3dtiles/town/{uri}")).content) for uri in named]
    assert sorted(one for tile in read for one in tile.columns["object_id"]) == ["b0", "b1"]
    joined = (await city.anonymous.get("/3dtiles/tileset.json")).json()
    assert "town/tileset.json?v=1" in contents(joined["root"])
    async with city.database.writing() as connection:
        hide = "UPDATE cim.role_right SET hidden_fields = '{shape}' WHERE role = 'anonymous'"
        await connection.execute(sa.text(hide))
    city.state.identities.forget()
    for address in (entry["scene"]["tileset"], f"/3dtiles/town/{named[0]}"):
        assert (await city.anonymous.get(address)).status_code == 404
    catalog = (await city.anonymous.get("/catalog")).json()
    assert not [layer for layer in catalog["layers"] if layer["id"] == "town" and "scene" in layer]


async def test_a_layer_whose_codes_are_those_of_buildings_hides_their_blocks(city: Served, tmp_path: Path) -> None:
    city.state.undulation = Undulation.constant(-40.0)
    known = '"attributes": {'
    text = town(tmp_path).read_text("utf-8").replace(known, f'{known}"building_code": "B7", ', 1)
    (tmp_path / "town.city.jsonl").write_text(text, "utf-8")
    await load(city.database, tmp_path / "town.city.jsonl", "town", height_datum="1985")
    await city.state.live.refresh()
    catalog = (await city.anonymous.get("/catalog")).json()
    (entry,) = [layer for layer in catalog["layers"] if layer["id"] == "town"]
    assert entry["scene"]["hides"] == ["B7"]
