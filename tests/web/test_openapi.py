"""The description at ``/api`` is OpenAPI 3.0: what 3.1 says otherwise is rewritten."""

from typing import Any

import pytest
from serving import Served

from web.openapi import as_schema_30

NEWER_WORDS = ("const", "prefixItems", "examples", "contentMediaType", "propertyNames")


def schemas(part: Any) -> list[dict[str, Any]]:
    """Every object in a document."""
    if isinstance(part, list):
        return [found for each in part for found in schemas(each)]
    if not isinstance(part, dict):
        return []
    return [part, *(found for each in part.values() for found in schemas(each))]


async def test_no_word_of_a_newer_openapi_is_left(served: Served) -> None:
    document = (await served.anonymous.get("/api")).json()
    assert document["openapi"].startswith("3.0.")
    for schema in schemas(document["components"]["schemas"]):
        assert schema.get("type") != "null"
        assert not isinstance(schema.get("type"), list)
        assert not set(NEWER_WORDS) & (schema.keys() if "type" in schema else set())
    assert "422" not in {
        code for path in document["paths"].values() for verb in path.values() for code in verb["responses"]
    }


async def test_parameters_of_items_are_as_ogc_api_features_asks(served: Served) -> None:
    document = (await served.anonymous.get("/api")).json()
    listed = document["paths"]["/collections/{layer}/items"]["get"]["parameters"]
    found = {parameter["name"]: parameter for parameter in listed}
    box, limit = found["bbox"], found["limit"]
    assert (box["style"], box["explode"], box["schema"]["minItems"], box["schema"]["maxItems"]) == ("form", False, 4, 6)
    assert limit["schema"]["maximum"] == served.state.settings.page_limit
    assert found["datetime"]["schema"]["type"] == "string"


@pytest.mark.parametrize(
    ("newer", "older"),
    [
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, {"type": "string", "nullable": True}),
        ({"type": ["integer", "null"]}, {"type": "integer", "nullable": True}),
        ({"const": "a"}, {"enum": ["a"]}),
        ({"type": "number", "exclusiveMinimum": 0}, {"type": "number", "minimum": 0, "exclusiveMinimum": True}),
        ({"type": "string", "examples": ["a", "b"]}, {"type": "string", "example": "a"}),
        ({"type": "string", "contentMediaType": "application/octet-stream"}, {"type": "string", "format": "binary"}),
        (
            {"type": "object", "properties": {"const": {"const": 1}}},
            {"type": "object", "properties": {"const": {"enum": [1]}}},
        ),
    ],
)
def test_schemas(newer: dict[str, Any], older: dict[str, Any]) -> None:
    assert as_schema_30(newer) == older


async def test_a_box_is_read_in_the_axes_of_its_system(served: Served) -> None:
    boxes = {
        None: "103.955,30.975,103.975,30.985",
        "http://www.opengis.net/def/crs/EPSG/0/4490": "30.975,103.955,30.985,103.975",
        "http://www.opengis.net/def/crs/EPSG/0/3857": "11572217,3629502,11574445,3630802",
    }
    for system, box in boxes.items():
        parameters = {"bbox": box, "limit": "10"} | ({"bbox-crs": system} if system else {})
        answer = await served.anonymous.get("/collections/squares/items", params=parameters)
        assert answer.status_code == 200, answer.text
        assert [feature["properties"]["code"] for feature in answer.json()["features"]] == ["甲栋", "乙栋"], system
