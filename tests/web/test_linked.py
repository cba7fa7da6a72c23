"""What features are linked to, and that no link tells of what the caller may not see."""

from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from publishing import publish_rows, schema, square
from serving import Served, serving

from cim.errors import DefinitionError
from cim.model.access import Grade
from cim.model.collection import CollectionSchema, Field
from cim.store.database import Database
from cim.store.deployment import DatabaseUrls
from cim.store.files import FileStore
from layers.catalog import load_catalog

DEFINITION = """
id = "{id}"
title = {{ zh = "{id}层", en = "{id}" }}
category = "spatio-temporal-base"
theme = "base"
geometry = "{geometry}"
key = "code"
title_field = "code"
kind = {{ zh = "物", en = "thing" }}
{links}
[[fields]]
name = "code"
type = "text"
title = {{ zh = "编码", en = "Code" }}
[[fields]]
name = "height_m"
type = "double"
title = {{ zh = "高度", en = "Height" }}
"""
VALUES = '[[links]]\nlayer = "{}"\ntitle = {{ zh = "同高", en = "As high" }}\nfield = "height_m"\nto = "height_m"\n'
PLACE = '[[links]]\nlayer = "{}"\ntitle = {{ zh = "其内", en = "Inside" }}\nplace = "{}"\n'
NEAR = PLACE + "metres = {}\n"
LINKS = {
    "parcels": ("Polygon", PLACE.format("houses", "holds")),
    "houses": (
        "Polygon",
        VALUES.format("people") + PLACE.format("parcels", "within") + NEAR.format("secrets", "near", 50),
    ),
    "people": ("Point", VALUES.format("houses")),
    "secrets": ("Point", ""),
}


def write_definitions(folder: Path, **other: tuple[str, str]) -> Path:
    (folder / "definitions").mkdir(parents=True)
    (folder / "themes.toml").write_text('[[theme]]\nid = "base"\ntitle = { zh = "基", en = "Base" }\n', "utf-8")
    for name, (geometry, links) in (LINKS | other).items():
        (folder / f"definitions/{name}.toml").write_text(
            DEFINITION.format(id=name, geometry=geometry, links=links), "utf-8"
        )
    return folder


@pytest.fixture
async def town(urls: DatabaseUrls, files: FileStore, tmp_path: Path) -> Any:
    """Two parcels with two houses each, three people in each house, a secret beside the first house."""
    database = Database(urls.reader_url, urls.writer_url, pool_size=4)
    parcels = [(f"p{n}", None, square(103.9 + n / 100, 30.9, 0.005)) for n in (1, 2)]
    houses = [
        (f"h{n}{m}", float(10 * n + m), square(103.9 + n / 100 + m * 0.001, 30.901, 0.0002))
        for n in (1, 2)
        for m in (1, 2)
    ]
    people = [(f"m{code}{n}", height, "SRID=4490;POINT(104.5 30.5)") for code, height, _ in houses for n in range(3)]
    await publish_rows(database, parcels, layer=schema("parcels"))
    await publish_rows(database, houses, layer=schema("houses"))
    fields = (Field("code", "text"), Field("height_m", "double", Grade.INTERNAL))
    await publish_rows(database, people, layer=CollectionSchema("people", "Point", 4490, fields, "code"))
    secret = [("s", 1.0, "SRID=4490;POINT(103.9115 30.9011)"), ("far", 1.0, "SRID=4490;POINT(103.9140 30.9011)")]
    await publish_rows(database, secret, layer=schema("secrets", geometry="Point"), grade=Grade.RESTRICTED)
    async with serving(database, load_catalog([write_definitions(tmp_path / "layers")]), files) as served:
        yield served


async def groups(served: Served, path: str, role: str = "technician", **asked: int) -> list[dict[str, Any]]:
    answer = await getattr(served, role).get(f"/collections/{path}/linked", params=asked)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["groups"]
    return found


def told(found: list[dict[str, Any]]) -> dict[str, tuple[int, list[str]]]:
    return {group["layer"]: (group["count"], [feature["title"] for feature in group["features"]]) for group in found}


async def test_links_by_place_and_value_are_followed_to_a_depth(town: Served) -> None:
    near = await groups(town, "parcels/items/1")
    assert told(near) == {"houses": (2, ["h11", "h12"])}
    assert near[0]["relation"] == {"zh": "其内", "en": "Inside"}
    assert near[0]["features"][0]["properties"] == {"code": "h11", "height_m": 11.0}
    assert near[0]["features"][0]["geometry"]["type"] == "Polygon"
    far = await groups(town, "parcels/items/1", depth=2, limit=2)
    assert told(far) == {"houses": (2, ["h11", "h12"]), "people": (6, ["mh110", "mh111"]), "secrets": (1, ["s"])}
    assert [group["path"] for group in far] == [["parcels"], ["parcels", "houses"], ["parcels", "houses"]]
    assert told(await groups(town, "parcels/items/1", depth=3)).keys() == told(far).keys(), "no way leads back"
    assert told(await groups(town, "people/items/4", depth=2))["parcels"] == (1, ["p1"])
    assert await groups(town, "secrets/items/1") == []


async def test_a_layer_the_caller_may_not_read_is_not_even_named(town: Served) -> None:
    for role in ("anonymous", "viewer"):
        answer = await getattr(town, role).get("/collections/parcels/items/1/linked?depth=3")
        assert "secret" not in answer.text
        assert (await getattr(town, role).get("/collections/secrets/items/1/linked")).status_code == 404
    assert set(told(await groups(town, "houses/items/1", "viewer"))) == {"people", "parcels"}
    assert set(told(await groups(town, "houses/items/1", "anonymous"))) == {"parcels"}, "people's height is hidden"
    assert await groups(town, "people/items/1", "anonymous") == []


async def test_links_keep_to_the_caller_s_region(town: Served) -> None:
    async with town.database.writing() as connection:
        await connection.execute(
            sa.text(
                "INSERT INTO cim.region (code, level, name, geom) VALUES ('1', 'town', '镇',"
                " ST_MakeEnvelope(103.9, 30.9, 103.9115, 30.91, 4490))"
            )
        )
        await connection.execute(sa.text("UPDATE cim.role_right SET region_code = '1' WHERE role = 'anonymous'"))
    town.state.identities.forget()
    assert (await town.anonymous.get("/collections/parcels/items/1/linked")).status_code == 404
    assert await groups(town, "houses/items/1", "anonymous") == []
    assert set(told(await groups(town, "houses/items/1"))) == {"people", "parcels", "secrets"}


async def test_what_cannot_be_followed_is_told(town: Served) -> None:
    for path, status in {
        "parcels/items/99/linked": 404,
        "parcels/items/99999999999999999999/linked": 404,
        "nothing/items/1/linked": 404,
        "parcels/items/1/linked?depth=9": 400,
        "parcels/items/1/linked?limit=0": 400,
        "parcels/items/1/linked?datetime=x": 400,
    }.items():
        answer = await town.viewer.get(f"/collections/{path}")
        assert answer.status_code == status, path
        assert answer.json()["remedy"]
    gone = await town.viewer.get("/collections/parcels/items/1/linked?datetime=1999-01-01")
    assert gone.status_code == 404


FAULTS = {
    'layer = "nowhere"\nplace = "holds"': "layer with shapes 'nowhere'",
    'layer = "houses"\nfield = "code"\nto = "nothing"': "field nothing",
    'layer = "houses"\nfield = "nothing"\nto = "code"': "not defined: nothing",
    'layer = "houses"\nfield = "code"': "both",
    'layer = "houses"': "either",
    'layer = "houses"\nplace = "near"': "metres",
    'layer = "houses"\nplace = "holds"\nmetres = 5': "metres",
    'layer = "houses"\nplace = "near"\nmetres = -5': "metres",
    'layer = "houses"\nplace = "around"': "holds",
}


@pytest.mark.parametrize("link", FAULTS)
def test_links_that_cannot_be_are_refused_with_their_file(tmp_path: Path, link: str) -> None:
    title = '\ntitle = { zh = "甲", en = "A" }\n'
    folder = write_definitions(tmp_path / "layers", people=("Point", f"[[links]]\n{link}{title}"))
    with pytest.raises(DefinitionError) as refused:
        load_catalog([folder])
    assert FAULTS[link] in str(refused.value)
    assert "people.toml" in str(refused.value)


def test_shipped_links_lead_from_a_parcel_to_people_firms_and_devices() -> None:
    catalog = load_catalog()
    reached, seen = {"plan_parcels"}, set[str]()
    for _ in range(2):
        seen |= reached
        reached = {link.layer for layer in reached for link in catalog.layers[layer].links}
    assert {"buildings", "addresses", "population", "organisations", "cameras"} <= seen | reached
