"""City layers over HTTP: shapes with their areas, CityJSON of one object and of many, and nothing of what is closed."""

import json
from pathlib import Path

import pytest
import sqlalchemy as sa
from city_models import load
from serving import Served

from cim.model.access import Grade
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
    assert (await city.anonymous.get("/collections/town/items/1")).json()["shapes"][0]["volume_m3"] == 480.0
