"""Building models over HTTP: what is told, found, paged, summed, written as files, and to whom."""

import json
import struct
from typing import Any

import ifcopenshell
import ifcopenshell.util.element as util
import numpy as np
import pytest
import sqlalchemy as sa
from httpx import AsyncClient
from models import EAST_M, NORTH_M, building, global_id, import_made, placement
from publishing import publish_rows, schema, square
from serving import Served

from cim.model.access import Grade
from cim.model.collection import CollectionSchema, Field
from cim.model.undulation import Undulation
from layers.search_index import index_behind
from web.access import ROUTE_ACCESS

HOSPITAL, SECRET = "hospital", "secret-house"
STOREY = global_id("医院", "IfcBuildingStorey", "2层")
DOOR = global_id("医院", "IfcDoor", "防火门 2")


@pytest.fixture
async def city(served: Served) -> Served:
    """A public hospital, a restricted house, and a fire station 500 m away."""
    await import_made(served.database, building("医院"), HOSPITAL, grade=Grade.PUBLIC)
    secret = building("密楼", at=placement(EAST_M + 100))
    await import_made(served.database, secret, SECRET, grade=Grade.RESTRICTED)
    far = building("消防站", storeys=2, at=placement(EAST_M + 500, NORTH_M, 30.0))
    await import_made(served.database, far, "fire-station", grade=Grade.PUBLIC)
    await served.state.live.refresh()
    return served


async def found(client: AsyncClient, path: str, **query: Any) -> dict[str, Any]:
    """What a request that must succeed answers."""
    answer = await client.get(path, params=query or None)
    assert answer.status_code == 200, answer.text
    document: dict[str, Any] = answer.json()
    return document


def names(document: dict[str, Any]) -> set[str]:
    return {feature["properties"]["name"] for feature in document["features"]}


async def test_models_are_listed_with_their_footprints_and_are_no_layers(city: Served) -> None:
    listed = await found(city.anonymous, "/models")
    assert [one["id"] for one in listed["models"]] == ["fire-station", HOSPITAL]
    assert [one["id"] for one in (await found(city.technician, "/models"))["models"]][-1] == SECRET
    shapes = await found(city.anonymous, "/models", f="geojson", limit=1)
    assert shapes["features"][0]["geometry"]["type"] == "MultiPolygon"
    assert (shapes["numberMatched"], shapes["numberReturned"]) == (2, 1)
    following = next(link["href"] for link in shapes["links"] if link["rel"] == "next")
    assert [f["id"] for f in (await found(city.anonymous, following))["features"]] == [HOSPITAL]
    for path in ("/collections/hospital", "/collections/hospital/items", "/tiles/hospital.json"):
        assert (await city.administrator.get(path)).status_code == 404
    layers = await found(city.administrator, "/collections")
    assert HOSPITAL not in json.dumps(layers)
    catalog = await found(city.administrator, "/catalog")
    assert HOSPITAL not in json.dumps(catalog["layers"])
    assert {HOSPITAL, SECRET} <= {one["id"] for one in catalog["models"]}
    assert SECRET not in json.dumps(await found(city.anonymous, "/catalog"))


async def test_tilesets_of_models_are_for_those_who_may_read_them(city: Served) -> None:
    city.state.undulation = Undulation.constant(-40.0)
    document = await found(city.anonymous, f"/3dtiles/{HOSPITAL}/tileset.json")
    assert document["extras"]["features"] == len([one for one in building("医院").elements if one.mesh])
    tile = document["root"]["children"][0]["children"][0]["content"]["uri"]
    assert (await city.anonymous.get(f"/3dtiles/{HOSPITAL}/{tile}")).status_code == 200
    for path in ("tileset.json", tile):
        assert (await city.anonymous.get(f"/3dtiles/{SECRET}/{path}")).status_code == 404
        assert (await city.technician.get(f"/3dtiles/{SECRET}/{path}")).status_code == 200
    codes = {
        one["id"]: (one["scene"] or {}).get("hides") for one in (await found(city.anonymous, "/catalog"))["models"]
    }
    assert codes == {HOSPITAL: [], "fire-station": []}


async def test_models_by_place(city: Served) -> None:
    box = (await found(city.anonymous, f"/models/{HOSPITAL}"))["bbox"]
    here = await found(city.anonymous, "/models", bbox=",".join(map(str, box)))
    assert [one["id"] for one in here["models"]] == [HOSPITAL]
    west, south, east, north = box
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    area = json.dumps({"type": "Polygon", "coordinates": [ring]})
    assert [one["id"] for one in (await found(city.anonymous, "/models", area=area))["models"]] == [HOSPITAL]
    doors = await found(city.anonymous, "/elements", area=area, limit=100, **{"class": "IfcDoor"})
    assert doors["numberMatched"] == 6
    assert {f["properties"]["model"] for f in doors["features"]} == {HOSPITAL}


async def test_a_model_tells_its_head_tree_and_storeys(city: Served) -> None:
    told = await found(city.anonymous, f"/models/{HOSPITAL}")
    assert told["schema"] == "IFC4"
    assert told["counts"]["IfcDoor"] == 6
    assert told["placement"]["east_m"] == EAST_M
    assert told["z_min_m"] == pytest.approx(499.8)
    (project,) = (await found(city.anonymous, f"/models/{HOSPITAL}/tree"))["tree"]
    (site,) = project["children"]
    (house,) = site["children"]
    assert [node["name"] for node in house["children"]] == ["1层", "2层", "3层"]
    assert house["children"][1]["elements"] == 8
    storeys = (await found(city.anonymous, f"/models/{HOSPITAL}/storeys"))["storeys"]
    assert [(one["storey_number"], one["elements"]) for one in storeys] == [(1, 9), (2, 9), (3, 9)]
    spaces = await found(city.anonymous, f"/models/{HOSPITAL}/spaces")
    assert names(spaces) == {"房间 1", "房间 2", "房间 3"}
    systems = await found(city.anonymous, f"/models/{HOSPITAL}/systems")
    assert names(systems) == {"消防"}


QUERIES: list[tuple[dict[str, Any], set[str]]] = [
    ({"class": "IfcDoor", "storey": 2}, {"防火门 2", "门 2"}),
    ({"class": "ifcdoor", "storey": "2层", "property": "Pset_DoorCommon.FireRating=甲级"}, {"防火门 2"}),
    ({"class": "IfcDoor", "property": "FireRating"}, {"防火门 1", "防火门 2", "防火门 3"}),
    ({"class": "IfcDoor", "property": ["Pset_DoorCommon.FireExit=false", "FireExit"], "storey": 1}, {"门 1"}),
    ({"class": "IfcWindow,IfcSlab", "storey": 1}, {"窗 1", "板 1"}),
    ({"class": "IfcWall", "storey": 3}, {f"墙 3-{side}" for side in range(1, 5)}),
    ({"class": "IfcWall", "subclasses": "false"}, set()),
    ({"material": "砂浆"}, {"墙 1-1", "墙 2-1", "墙 3-1"}),
    ({"code": "14-10.20.03", "storey": 1}, {f"墙 1-{side}" for side in range(1, 5)}),
    ({"code": "14-10", "storey": 1, "material": "砂浆"}, {"墙 1-1"}),
    ({"code": "14-10.00.00", "storey": 1, "material": "砂浆"}, {"墙 1-1"}),
    ({"code": "14-10.20.04"}, set()),
    ({"system": global_id("医院", "IfcSystem", "消防")}, {"防火门 1"}),
    ({"space": global_id("医院", "IfcSpace", "房间 1")}, {"防火门 1", "门 1", "窗 1"}),
    (
        {"filter": "class = 'IfcDoor' AND \"Pset_DoorCommon.FireRating\" = '甲级' AND storey_number > 1"},
        {"防火门 2", "防火门 3"},
    ),
    ({"filter": '"Pset_WallCommon.ThermalTransmittance" > 0.385 AND storey_number = 1'}, {"墙 1-4"}),
    (
        {"filter": '"Pset_WallCommon.IsExternal" AND "Qto_WallBaseQuantities.Length" > 10 AND storey_number = 1'},
        {"墙 1-1", "墙 1-2"},
    ),
    ({"filter": "\"Pset_DoorCommon.FireRating\" LIKE '甲%' AND storey_number = 3"}, {"防火门 3"}),
    ({"filter": "\"Pset_DoorCommon.FireRating\" IS NULL AND class = 'IfcDoor'"}, {"门 1", "门 2", "门 3"}),
    ({"max-height": 499.9, "class": "IfcSlab"}, {"板 1"}),
    ({"filter": "name = 'x'' OR ''1''=''1'"}, set()),
]


async def test_elements_by_class_storey_property_code_and_filter(city: Served) -> None:
    for query, wanted in QUERIES:
        document = await found(city.anonymous, f"/models/{HOSPITAL}/elements", limit=100, **query)
        assert names(document) == wanted, query
        assert document["numberMatched"] == len(document["features"]), query


HOSTILE: list[tuple[str, dict[str, Any], int]] = [
    ("/elements", {"class": "IfcNothing"}, 400),
    ("/elements", {"class": "'; DROP TABLE element; --"}, 400),
    ("/elements", {"class": ","}, 400),
    ("/elements", {"storey": str(2**40)}, 400),
    ("/elements", {"storey": "a\x00b"}, 400),
    ("/elements", {"property": "=x"}, 400),
    ("/elements", {"property": "a\x00.b=c"}, 400),
    ("/elements", {"code": "14-10'; --"}, 400),
    ("/elements", {"code": "14-10.2"}, 400),
    ("/elements", {"bbox": "1,2,3"}, 400),
    ("/elements", {"area": "{not json"}, 400),
    ("/elements", {"area": '{"type":"Point","coordinates":[1,2]}'}, 400),
    ("/elements", {"area": '{"type":"Polygon","coordinates":[[[200,0],[201,0],[201,1],[200,0]]]}'}, 400),
    ("/elements", {"area": "no-such-line"}, 404),
    ("/elements", {"after": "x"}, 400),
    ("/elements", {"after": "WzEsMl0"}, 400),
    ("/elements", {"limit": 0}, 400),
    ("/elements", {"filter": '"a.b.c.d.e.f" = 1'}, 400),
    ("/elements", {"filter": "\"Pset.X\" > DATE('2026-01-01')"}, 400),
    ("/elements", {"filter": "nothing = 1"}, 400),
    ("/elements", {"filter": "(" * 60 + "TRUE" + ")" * 60}, 400),
    ("/elements", {"min-height": "nan"}, 400),
    (f"/models/{HOSPITAL}/elements", {"version": 99}, 404),
    (f"/models/{HOSPITAL}/elements", {"version": 1, "datetime": "2026-01-01"}, 400),
    (f"/models/{HOSPITAL}/elements/x'y", {}, 404),
    (f"/models/{HOSPITAL}/elements/%00", {}, 404),
    (f"/models/{HOSPITAL}/elements/{'x' * 300}", {}, 404),
    (f"/models/{HOSPITAL}/storeys/{DOOR}/plan", {}, 404),
    ("/models/nothing", {}, 404),
    ("/models/no'thing", {}, 404),
    (f"/models/{SECRET}", {}, 404),
    ("/buildings/none", {}, 404),
    ("/buildings/a%00b", {}, 400),
]


async def test_hostile_requests_are_refused_plainly(city: Served) -> None:
    for path, query, status in HOSTILE:
        answer = await city.anonymous.get(path, params=query)
        assert answer.status_code == status, (path, query, answer.text)
        assert set(answer.json()) >= {"title", "detail", "status"}
        assert "bim." not in answer.text


async def test_pages_hold_every_element_once_while_versions_come(city: Served) -> None:
    path = "/elements?limit=7&class=IfcElement"
    seen: list[str] = []
    made = building("医院")
    wanted = (await found(city.anonymous, "/elements", limit=1, **{"class": "IfcElement"}))["numberMatched"]
    while path:
        document = await found(city.anonymous, path)
        seen += [f["properties"]["model"] + f["id"] for f in document["features"]]
        path = next((link["href"] for link in document["links"] if link["rel"] == "next"), "")
        made.change("板 1", tag=str(len(seen)))
        await import_made(city.database, made, HOSPITAL)
    assert len(seen) == len(set(seen)) == wanted == 5 * 8
    assert seen == sorted(seen)


async def test_a_record_is_whole_and_older_versions_stay(city: Served) -> None:
    made = building("医院")
    made.change("防火门 2", properties={"Pset_DoorCommon": {"FireRating": "乙级"}})
    await import_made(city.database, made, HOSPITAL)
    await city.state.live.refresh()
    now = await found(city.anonymous, f"/models/{HOSPITAL}/elements/{DOOR}")
    old = await found(city.anonymous, f"/models/{HOSPITAL}/elements/{DOOR}", version=1)
    ratings = [one["properties"]["properties"]["Pset_DoorCommon"]["FireRating"] for one in (now, old)]
    assert ratings == ["乙级", "甲级"]
    assert (now["version"], old["version"]) == (2, 1)
    assert now["properties"]["storey_name"] == "2层"
    assert now["geometry"]["type"] == "Polygon"
    before = await found(city.anonymous, f"/models/{HOSPITAL}/elements", datetime="2020-01-01")
    assert before["numberMatched"] == 0
    diff = await found(city.technician, f"/models/{HOSPITAL}/diff", **{"from": 1, "to": 2})
    (one,) = diff["elements"]
    assert (one["class"], one["changes"]) == (
        "IfcDoor",
        ["Pset_DoorCommon.FireExit", "Pset_DoorCommon.FireRating"],
    )
    assert (await city.anonymous.get(f"/models/{HOSPITAL}/versions")).status_code == 401
    back = await city.technician.post(f"/models/{HOSPITAL}/rollback", json={"version": 1})
    assert back.json()["version"]["version"] == 3


async def test_quantities_are_summed(city: Served) -> None:
    by_class = await found(city.anonymous, f"/models/{HOSPITAL}/quantities")
    groups = {group["class"]: group for group in by_class["groups"]}
    slab = groups["IfcSlab"]["quantities"]["NetVolume"]
    assert slab == {"sum": pytest.approx(3 * 19.2), "elements": 3, "unit": "m3"}
    walls = await found(city.anonymous, f"/models/{HOSPITAL}/quantities", by="material", **{"class": "IfcWall"})
    sums = {group["material"]: group["quantities"]["NetVolume"]["sum"] for group in walls["groups"]}
    assert sums == {"砖": pytest.approx(3 * (6.72 + 2 * 4.256)), "砖 + 砂浆": pytest.approx(3 * 6.72)}
    storeys = await found(city.anonymous, "/quantities", by="storey", **{"class": "IfcSlab"})
    assert len(storeys["groups"]) == 5
    assert all(group["quantities"]["NetArea"]["sum"] == 96.0 for group in storeys["groups"])


async def test_a_plan_is_drawn_from_the_bottom_up(city: Served) -> None:
    plan = await found(city.anonymous, f"/models/{HOSPITAL}/storeys/{STOREY}/plan")
    parts = [feature["properties"]["part"] for feature in plan["features"]]
    assert parts == ["space", *["wall"] * 4, "window", "door", "door"]
    assert plan["storey"]["name"] == "2层"


def read_glb(body: bytes) -> tuple[dict[str, Any], bytes]:
    """The document and the binary of a GLB."""
    magic, version, length = struct.unpack_from("<4sII", body)
    assert (magic, version, length) == (b"glTF", 2, len(body))
    size, kind = struct.unpack_from("<I4s", body, 12)
    assert kind == b"JSON"
    document = json.loads(body[20 : 20 + size])
    return document, body[20 + size + 8 :]


def matrix_of(node: dict[str, Any]) -> Any:
    return np.array(node["matrix"]).reshape(4, 4).T


async def test_elements_as_glb_stand_where_the_map_says(city: Served) -> None:
    """The corners of a turned building through glTF's own matrices, against its placement."""
    answer = await city.anonymous.get("/models/fire-station/elements.glb", params={"class": "IfcSlab", "storey": 2})
    assert answer.headers["content-type"] == "model/gltf-binary"
    document, body = read_glb(answer.content)
    root, slab = document["nodes"]
    assert slab["extras"]["class"] == "IfcSlab"
    accessor = document["accessors"][document["meshes"][slab["mesh"]]["primitives"][0]["attributes"]["POSITION"]]
    view = document["bufferViews"][accessor["bufferView"]]
    points = np.frombuffer(body, "<f4", 3 * accessor["count"], view["byteOffset"]).reshape(-1, 3)
    drawn = (matrix_of(root) @ matrix_of(slab) @ np.column_stack([points, np.ones(len(points))]).T)[:3].T
    origin = root["extras"]["origin"]
    east, up, south = drawn.T
    on_map = np.column_stack([origin["east_m"] + east, origin["north_m"] - south, origin["height_m"] + up])
    wanted = placement(EAST_M + 500, NORTH_M, 30.0).to_map(points.astype(float) + np.array([0, 0, 2.8]))
    assert np.abs(on_map - wanted).max() < 1e-4
    assert root["extras"]["crs"] == "EPSG:4543"


async def test_meshes_are_written_once(city: Served) -> None:
    answer = await city.anonymous.get(f"/models/{HOSPITAL}/elements.glb", params={"class": "IfcDoor"})
    document, _ = read_glb(answer.content)
    assert (len(document["nodes"]), len(document["meshes"])) == (7, 1)
    one = await city.anonymous.get(f"/models/{HOSPITAL}/elements/{DOOR}", params={"f": "glb"})
    assert read_glb(one.content)[0]["nodes"][1]["extras"]["global_id"] == DOOR
    storey = await city.anonymous.get(f"/models/{HOSPITAL}/elements/{STOREY}", params={"f": "glb"})
    assert storey.status_code == 404


async def test_elements_as_ifc_are_read_again(city: Served) -> None:
    answer = await city.anonymous.get(f"/models/{HOSPITAL}/export.ifc", params={"storey": 2})
    assert answer.status_code == 200, answer.text
    file = ifcopenshell.file.from_string(answer.text)
    door = file.by_guid(DOOR)
    assert (door.is_a(), door.Name) == ("IfcDoor", "防火门 2")
    assert util.get_psets(door)["Pset_DoorCommon"]["FireRating"] == "甲级"
    assert util.get_container(door).GlobalId in {STOREY, global_id("医院", "IfcSpace", "房间 2")}
    slab = file.by_type("IfcSlab")[0]
    assert util.get_psets(slab)["Qto_SlabBaseQuantities"]["NetVolume"] == pytest.approx(19.2)
    assert util.get_material(slab).Name == "混凝土"
    (conversion,) = file.by_type("IfcMapConversion")
    assert (conversion.Eastings, conversion.TargetCRS.Name) == (EAST_M, "EPSG:4543")
    assert len(file.by_type("IfcBuildingStorey")) == 1
    assert len(file.by_type("IfcWall")) == 4


async def test_models_are_found_by_name_and_by_building(city: Served) -> None:
    await index_behind(city.database, city.state.catalog)
    hits = await found(city.anonymous, "/search", q="yiyuan")
    assert [(one["layer"], one["kind"]) for one in hits["items"]] == [(HOSPITAL, "建筑信息模型")]
    assert (await found(city.anonymous, "/search", q="密楼"))["items"] == []
    put = await city.administrator.put(f"/models/{HOSPITAL}", json={"building_code": "B-1", "cim_level": 6})
    assert put.status_code == 200, put.text
    assert (await city.anonymous.put(f"/models/{HOSPITAL}", json={"cim_level": 1})).status_code == 401
    assert (await city.administrator.put(f"/models/{HOSPITAL}", json={"cim_level": 8})).status_code == 400
    assert (await city.administrator.put(f"/models/{HOSPITAL}", json={})).status_code == 400
    by_code = await found(city.anonymous, "/models", building_code="B-1")
    assert [(one["id"], one["cim_level"]) for one in by_code["models"]] == [(HOSPITAL, 6)]
    assert [one["id"] for one in (await found(city.anonymous, "/buildings/B-1"))["models"]] == [HOSPITAL]


async def test_nothing_of_a_closed_model_leaves_by_any_address(city: Served) -> None:
    """Every route that takes a model, and every one that lists across them, as anonymous."""
    async with city.database.writing() as connection:
        await connection.execute(sa.text("UPDATE bim.model SET building_code = 'B-9' WHERE id = 'secret-house'"))
    await index_behind(city.database, city.state.catalog)
    gid = global_id("密楼", "IfcDoor", "防火门 2")
    for path in ROUTE_ACCESS:
        if not (
            "{model}" in path
            or path in ("/models", "/elements", "/quantities", "/search", "/buildings/{code}", "/changes")
        ):
            continue
        address = path.replace("{model}", SECRET).replace("{global_id}", gid).replace("{code}", "B-9")
        query: dict[str, Any] = {"q": "密楼", "from": 0, "to": 1, "limit": 100}
        if path == "/changes":
            query["since"] = 0
        answer = await city.anonymous.get(address, params=query)
        if answer.status_code == 405:
            answer = await city.anonymous.post(address, json={"version": 1})
        if "{" in path:
            assert answer.status_code == 404, address
        text = answer.text.replace(address, "").replace(f"'{SECRET}'", "")
        assert SECRET not in text, address
        assert "密楼" not in text.replace("q=密楼", ""), address
    answer = await city.anonymous.get("/elements", params={"filter": f"model = '{SECRET}'"})
    assert answer.json()["numberMatched"] == 0


async def test_the_same_words_for_a_closed_model_and_for_none(city: Served) -> None:
    closed = (await city.anonymous.get(f"/models/{SECRET}")).json()["detail"]
    none = (await city.anonymous.get("/models/secret-hous2")).json()["detail"]
    assert closed.replace(SECRET, "") == none.replace("secret-hous2", "")


async def test_a_building_knows_its_models(served: Served) -> None:
    """The layer of buildings is any with that id and field; here one square around the model."""

    made = building("医院")
    await import_made(served.database, made, HOSPITAL, grade=Grade.PUBLIC)
    async with served.database.writing() as connection:
        box = await connection.scalar(sa.text("SELECT bbox FROM cim.collection WHERE id = 'hospital'"))
    layer = schema("buildings")
    fields = (*layer.fields, Field("building_code", "text"))
    layer = CollectionSchema("buildings", "Polygon", 4490, fields, "code")
    west, south = box[0] - 1e-5, box[1] - 1e-5
    await publish_rows(served.database, [("B-7", 9.0, square(west, south, 2e-4))], layer=layer)
    async with served.database.writing() as connection:
        await connection.execute(sa.text("UPDATE history.buildings SET building_code = code"))
    made.change("门 1", tag="neu")
    report = await import_made(served.database, made, HOSPITAL)
    assert "given to building B-7" in {f.code: f.message for f in report.findings}["building-matched"]
    await served.state.live.refresh()
    told = await found(served.anonymous, "/buildings/B-7")
    assert told["building"]["properties"]["building_code"] == "B-7"
    assert [one["id"] for one in told["models"]] == [HOSPITAL]
    linked = await found(served.anonymous, f"/collections/buildings/items/{told['building']['fid']}/linked")
    assert [one["id"] for one in linked["models"]] == [HOSPITAL]
