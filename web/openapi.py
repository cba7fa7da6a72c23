"""The description of the interface at ``/api``: OpenAPI 3.0, which OGC API and most tools of other makers read.

FastAPI writes OpenAPI 3.1, whose schemas are those of JSON Schema 2020-12. What 3.0 says otherwise is rewritten:
``nullable`` for a type of null, one example for several, flags for exclusive limits.
"""

from collections.abc import Callable, Mapping
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from web.problems import MEDIA_TYPE

Schema = dict[str, Any]
BOX: Schema = {"type": "array", "minItems": 4, "maxItems": 6, "items": {"type": "number"}}
"""west,south,east,north, or with a lowest and highest height."""
_BOXES = frozenset({"bbox"})
_ITEMS = "/collections/{layer}/items"
_LEFT_OUT = frozenset({"propertyNames", "$schema", "unevaluatedProperties", "contains", "dependentRequired"})


def describe_interface(api: FastAPI, page_limit: int) -> Callable[[], dict[str, Any]]:
    """A function that gives the description of ``api`` as OpenAPI 3.0.3, made at the first call and kept.

    ``page_limit`` is told as the most features a page has: more may be asked for, and gives as many.
    """

    def description() -> dict[str, Any]:
        if api.openapi_schema is None:
            text = f"{api.summary}\n\n{api.description}".strip()
            newer = get_openapi(title=api.title, version=api.version, description=text, routes=api.routes)
            api.openapi_schema = _with_limit(as_openapi_30(newer), page_limit)
        return api.openapi_schema

    return description


def as_openapi_30(document: Mapping[str, Any]) -> dict[str, Any]:
    """An OpenAPI 3.1 document of FastAPI as 3.0.3; answers to a bad request are our problem documents."""
    paths = {path: _operations(item) for path, item in document["paths"].items()}
    components = {kind: _named(kind, parts) for kind, parts in document.get("components", {}).items()}
    schemas = components.setdefault("schemas", {})
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    schemas["Problem"] = _PROBLEM
    return {**document, "openapi": "3.0.3", "paths": paths, "components": components}


def _with_limit(document: dict[str, Any], most: int) -> dict[str, Any]:
    for parameter in document["paths"][_ITEMS]["get"]["parameters"]:
        if parameter["name"] == "limit":
            parameter["schema"]["maximum"] = most
    return document


def as_schema_30(schema: Any) -> Any:
    """A JSON Schema 2020-12 as OpenAPI 3.0 writes it."""
    if isinstance(schema, list):
        return [as_schema_30(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    plain = {name: _inner(name, value) for name, value in schema.items() if name not in _LEFT_OUT}
    for rewrite in (_nullable, _constant, _exclusive, _example, _binary, _tuple):
        plain = rewrite(plain)
    return plain


_PROBLEM: Schema = {
    "type": "object",
    "title": "Problem",
    "description": "RFC 9457: what was wrong, where, and what to do",
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "instance": {"type": "string"},
    },
}


def _operations(item: Mapping[str, Any]) -> dict[str, Any]:
    return {verb: _operation(part) if isinstance(part, dict) else part for verb, part in item.items()}


def _operation(operation: Mapping[str, Any]) -> dict[str, Any]:
    found = dict(operation)
    if "parameters" in found:
        found["parameters"] = [_parameter(each) for each in found["parameters"]]
    if "requestBody" in found:
        found["requestBody"] = _with_schemas(found["requestBody"])
    answers = {code: _with_schemas(answer) for code, answer in found.get("responses", {}).items() if code != "422"}
    problem = {"schema": {"$ref": "#/components/schemas/Problem"}}
    answers["default"] = {"description": "A problem", "content": {MEDIA_TYPE: problem}}
    return {**found, "responses": answers}


def _parameter(parameter: Mapping[str, Any]) -> dict[str, Any]:
    schema = as_schema_30(parameter.get("schema", {}))
    schema.pop("nullable", None)
    found = {**parameter, "schema": schema}
    if parameter["in"] == "query" and parameter["name"] in _BOXES:
        return {**found, "schema": BOX, "style": "form", "explode": False}
    if parameter["in"] == "query" and "style" not in parameter:
        found |= {"style": "form", "explode": schema.get("type") == "array"}
    return found


def _with_schemas(holder: Mapping[str, Any]) -> dict[str, Any]:
    content = {
        kind: {**part, "schema": as_schema_30(part["schema"])} if "schema" in part else part
        for kind, part in holder.get("content", {}).items()
    }
    return {**holder, "content": content} if content else dict(holder)


def _named(kind: str, parts: Mapping[str, Any]) -> dict[str, Any]:
    return {name: as_schema_30(part) if kind == "schemas" else part for name, part in parts.items()}


def _inner(name: str, value: Any) -> Any:
    if name in ("enum", "required", "default", "example", "examples", "const"):
        return value
    if name == "properties":
        return {key: as_schema_30(part) for key, part in value.items()}
    return as_schema_30(value)


def _nullable(schema: Schema) -> Schema:
    kinds = schema.get("type")
    if isinstance(kinds, list):
        named = [kind for kind in kinds if kind != "null"]
        return {**schema, "type": named[0] if named else "string"} | ({"nullable": True} if "null" in kinds else {})
    for word in ("anyOf", "oneOf"):
        choices = schema.get(word)
        if not choices or not any(choice.get("type") == "null" for choice in choices):
            continue
        left = [choice for choice in choices if choice.get("type") != "null"]
        rest = {name: value for name, value in schema.items() if name != word}
        if len(left) == 1 and "$ref" not in left[0]:
            return {**left[0], **rest, "nullable": True}
        return {**rest, word: left, "nullable": True}
    return schema


def _constant(schema: Schema) -> Schema:
    if "const" not in schema:
        return schema
    return {**{name: value for name, value in schema.items() if name != "const"}, "enum": [schema["const"]]}


def _exclusive(schema: Schema) -> Schema:
    found = dict(schema)
    for flag, limit in (("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")):
        value = found.get(flag)
        if value is not None and not isinstance(value, bool):
            found |= {limit: value, flag: True}
    return found


def _example(schema: Schema) -> Schema:
    if not isinstance(schema.get("examples"), list):
        return schema
    found = {name: value for name, value in schema.items() if name != "examples"}
    return {**found, "example": schema["examples"][0]} if schema["examples"] else found


def _binary(schema: Schema) -> Schema:
    if "contentMediaType" not in schema:
        return schema
    return {**{name: value for name, value in schema.items() if name != "contentMediaType"}, "format": "binary"}


def _tuple(schema: Schema) -> Schema:
    if "prefixItems" not in schema:
        return schema
    found = {name: value for name, value in schema.items() if name != "prefixItems"}
    number = len(schema["prefixItems"])
    return {"minItems": number, "maxItems": number, **found, "items": {"anyOf": schema["prefixItems"]}}
