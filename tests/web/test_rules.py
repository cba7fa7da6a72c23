"""Sets of rules over the web: read by all, kept as editions by who may publish, refused naming the entry."""

import asyncio
import tomllib

import pytest
import sqlalchemy as sa
from serving import Served

from cim.analysis.rule_sets import shipped_rules
from layers.catalog import Catalog, load_catalog

RULES = "/rules/compliance-review"
SHIPPED = shipped_rules("compliance-review").text


def usable(text: str) -> str:
    """The rules without those that look at layers which nobody has defined yet."""
    defined = load_catalog().layers
    head, *rules = text.split("[[rule]]")
    named = [tomllib.loads(f"[[rule]]{rule}")["rule"][0]["layer"] for rule in rules]
    return "[[rule]]".join([head, *(rule for rule, layer in zip(rules, named, strict=True) if layer in defined)])


TEXT = usable(SHIPPED)


@pytest.fixture
def catalog() -> Catalog:
    """The whole catalogue: the rules name its layers and fields."""
    return load_catalog()


async def test_an_edition_is_kept_read_and_written_down(served: Served) -> None:
    first = (await served.anonymous.get(RULES)).json()
    assert (first["number"], first["text"], first["editions"]) == (0, SHIPPED, [])
    changed = TEXT.replace("distance_m = 200", "distance_m = 300")
    kept = await served.technician.put(f"{RULES}?base=0", json={"text": changed, "note": "按市局通知"})
    assert (kept.status_code, kept.json()["number"]) == (201, 1), kept.text
    now = (await served.anonymous.get(RULES)).json()
    assert (now["number"], now["text"]) == (1, changed)
    assert [(one["number"], one["note"]) for one in now["editions"]] == [(1, "按市局通知")]
    assert now["editions"][0]["author"].startswith("key:")
    for number, text in ((0, SHIPPED), (1, changed)):
        answer = await served.anonymous.get(f"{RULES}/{number}")
        assert (answer.text, answer.headers["content-type"].split(";")[0]) == (text, "application/toml")
    assert (await served.anonymous.get("/rules")).json()["rules"][0]["number"] == 1
    async with served.database.writing() as connection:
        audited = await connection.scalar(sa.text("SELECT object FROM cim.audit WHERE action = 'rules'"))
    assert audited == "compliance-review 1"


async def test_who_may_not_publish_keeps_nothing(served: Served) -> None:
    for client, status in ((served.anonymous, 401), (served.viewer, 403)):
        assert (await client.put(RULES, json={"text": SHIPPED})).status_code == status
    assert (await served.anonymous.get(RULES)).json()["number"] == 0


async def test_of_two_changes_to_one_edition_one_is_kept(served: Served) -> None:
    texts = [TEXT.replace("distance_m = 200", f"distance_m = {n}") for n in (210, 220)]
    sent = [served.technician.put(f"{RULES}?base=0", json={"text": text}) for text in texts]
    assert sorted(answer.status_code for answer in await asyncio.gather(*sent)) == [201, 409]
    assert (await served.anonymous.get(RULES)).json()["number"] == 1


FAULTS = [
    ('test = "near"', 'test = "near"\nfarness = 3', "rule.geological-hazard.farness"),
    ('test = "near"', 'test = "far"', "rule.geological-hazard.test"),
    ("distance_m = 200", "distance_m = -1", "rule.geological-hazard.distance_m"),
    ('layer = "geohazards"', 'layer = "volcanoes"', "rule geological-hazard"),
    ('list_fields = ["id", "name", "kind"', 'list_fields = ["id", "name", "heat"', "'heat'"),
    ('id = "flash-flood"', 'id = "plan-far"', "rule plan-far stands twice"),
    ('test = "near"', "test = ", "line"),
    ('three_way = "', 'three_way = "x', "three_way"),
    ('name = "compliance-review"', 'name = "other"', "name"),
]


async def test_a_text_that_cannot_be_used_is_refused_naming_the_entry(served: Served) -> None:
    for old, new, named in FAULTS:
        assert old in TEXT
        answer = await served.technician.put(f"{RULES}?base=0", json={"text": TEXT.replace(old, new, 1)})
        assert answer.status_code == 400, answer.text
        assert named in answer.json()["detail"], answer.json()
        assert answer.json()["remedy"]
    assert (await served.anonymous.get(RULES)).json()["number"] == 0


async def test_what_is_not_there_is_not_found(served: Served) -> None:
    for address in ("/rules/gold", f"{RULES}/9"):
        assert (await served.viewer.get(address)).status_code == 404
    assert (await served.technician.put("/rules/gold", json={"text": "a"})).status_code == 404


async def test_browsers_get_the_pages(served: Served) -> None:
    page = await served.anonymous.get("/rules", headers={"Accept": "text/html,*/*"})
    if page.status_code == 404:
        assert page.json()["remedy"] == "run ./run setup"
        return
    assert page.headers["content-type"].startswith("text/html")
    assert page.headers["vary"] == "Accept"
    for address in ("/review", "/analyses"):
        assert "<title>" in (await served.anonymous.get(address)).text
