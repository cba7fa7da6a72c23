"""What one unified building code ties together: footprint, shape of LoD2, models, addresses, people, firms, devices."""

from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from cim.errors import NotFound
from cim.filters.literals import text_literal
from cim.filters.scope import FieldScope
from cim.filters.simple import equals
from cim.policy.policy import Decision
from cim.store.bim_buildings import BUILDINGS, CODE
from cim.store.bim_models import models_by_id, models_of_building
from cim.store.features import Feature, FeatureQuery, page_of_features
from web.feature_entry import feature_entry
from web.items import When
from web.linked import Reached, Walk
from web.models import model_document
from web.state import Caller

MOST_SHAPES = 20


async def building_document(connection: AsyncConnection, who: Caller, code: str, limit: int) -> dict[str, Any]:
    """Everything of a building that the caller may read; NotFound where that is nothing."""
    text_literal(code)
    models = await models_with(connection, who, code)
    building: dict[str, Any] | None = None
    groups: list[dict[str, Any]] = []
    decision = next((one for one in who.readable() if one.collection.id == BUILDINGS), None)
    if decision is not None:
        query, features = await _with_code(connection, decision, code)
        if features:
            building = feature_entry(decision, who.state.catalog.layers.get(BUILDINGS), features[0])
            walk = Walk(connection, who, When(datetime=None, scenario=None), limit)
            groups = await walk.groups(Reached(decision, query, [feature.fid for feature in features]), 1)
    shapes = await _city_objects(connection, who, code)
    if building is None and not models and not shapes:
        raise NotFound(f"there is no building {code[:60]!r}", where="code", remedy="see /search for buildings by name")
    return {"code": code, "building": building, "city_objects": shapes, "models": models, "groups": groups}


async def models_with(connection: AsyncConnection, who: Caller, code: Any) -> list[dict[str, Any]]:
    """The models of a building that the caller may read, by its code."""
    if not isinstance(code, str):
        return []
    decisions = {one.collection.id: one for one in who.models()}
    ids = (await models_of_building(connection, [code])).get(code, [])
    versions = {name: decisions[name].collection.version for name in ids if name in decisions}
    rows = await models_by_id(connection, versions) if versions else []
    return [model_document(who.base, decisions[row.id], row, whole=False) for row in rows]


async def _city_objects(connection: AsyncConnection, who: Caller, code: str) -> list[dict[str, Any]]:
    """Objects of city models with the code."""
    found: list[dict[str, Any]] = []
    for decision in who.readable():
        if decision.collection.schema.kind == "city":
            _, features = await _with_code(connection, decision, code)
            definition = who.state.catalog.layers.get(decision.collection.id)
            found += [feature_entry(decision, definition, feature) for feature in features]
    return found[:MOST_SHAPES]


async def _with_code(connection: AsyncConnection, decision: Decision, code: str) -> tuple[FeatureQuery, list[Feature]]:
    """The features of a layer with a building code; none where the layer has no such field open to the caller."""
    query = FeatureQuery(decision.collection, decision.field_names, decision.regions, limit=MOST_SHAPES)
    kinds = {field.name: field.type for field in decision.fields}
    if kinds.get(CODE) != "text":
        return query, []
    condition = equals(CODE, code, FieldScope(decision.collection.schema, decision.field_names)).condition
    found = FeatureQuery(
        decision.collection, decision.field_names, decision.regions, limit=MOST_SHAPES, where=(condition,)
    )
    return query, await page_of_features(connection, found)
