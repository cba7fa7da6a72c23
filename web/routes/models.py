"""Building models: which there are, what is in one, its versions."""

from collections.abc import Iterable
from typing import Annotated, Any, Literal
from urllib.parse import urlencode

import sqlalchemy as sa
from fastapi import APIRouter, Depends, Query
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from cim.errors import BadRequest, NotFound
from cim.filters.literals import text_literal
from cim.model.access import Operation
from cim.policy.policy import Decision, read_context, require
from cim.store import audits
from cim.store.bim_conditions import within_box
from cim.store.bim_differences import model_difference
from cim.store.bim_elements import spatial_nodes, storeys_of
from cim.store.bim_models import ModelRow, describe_model, models_by_id
from cim.store.bim_versions import rollback_model
from cim.store.versions import history
from web.documents import version_document
from web.elements import Moment, Place, in_area, version_of
from web.models import footprint_feature, model_document, tree_of
from web.parameters import parse_bbox
from web.routes.versions import Target
from web.state import Caller, caller

router = APIRouter(tags=["models"])
Who = Annotated[Caller, Depends(caller)]
GEOJSON = "application/geo+json"
MOST_MODELS = 1_000


class ModelsParameters(Place):
    """Which models."""

    building_code: str | None = Field(None, description="models of the building with this code")
    limit: int = Field(100, ge=1, le=MOST_MODELS, description="models a page")
    after: str | None = Field(None, max_length=48, description="the id the page before ended with")
    f: Literal["json", "geojson"] = Field("json", description="geojson: footprints as features")


class Description(BaseModel, extra="forbid"):
    """What is said of a model; what is left out stays."""

    building_code: str | None = Field(None, min_length=1, max_length=100)
    cim_level: int | None = Field(None, ge=1, le=7)


@router.get("/models", summary="Building models the caller may read")
async def models(who: Who, asked: Annotated[ModelsParameters, Query()]) -> JSONResponse:
    """Models by id, those that meet a box or an area; as GeoJSON with their footprints."""
    decisions = {one.collection.id: one for one in who.models()}
    where = [*within_box(parse_bbox(asked.bbox))]
    if asked.area is not None:
        where.append(await in_area(who, asked.area))
    if asked.building_code is not None:
        text_literal(asked.building_code)
        where.append(sa.column("building_code") == asked.building_code)
    async with who.state.database.reading(read_context(who.principal, who.request_id)) as connection:
        rows = await models_by_id(connection, _versions(decisions.values()), where)
    page = [row for row in rows if asked.after is None or row.id > asked.after]
    shown = page[: asked.limit]
    links = [{"rel": "self", "href": f"{who.base}/models", "type": "application/json"}]
    if len(page) > asked.limit:
        given = asked.model_dump(exclude_none=True, exclude_defaults=True, exclude={"after", "limit"})
        href = f"{who.base}/models?{urlencode({**given, 'limit': asked.limit, 'after': shown[-1].id})}"
        links.append({"rel": "next", "href": href, "type": "application/json"})
    counts = {"numberMatched": len(rows), "numberReturned": len(shown), "links": links}
    if asked.f == "geojson":
        features = [footprint_feature(who.base, decisions[row.id], row) for row in shown]
        return JSONResponse({"type": "FeatureCollection", "features": features, **counts}, media_type=GEOJSON)
    listed = [model_document(who.base, decisions[row.id], row, whole=False) for row in shown]
    return JSONResponse({"models": listed, **counts})


@router.get("/models/{model}", summary="One building model")
async def model(model: str, who: Who) -> dict[str, Any]:
    """What a model's file says of it, how it lies on the map, its footprint and how many elements of each class."""
    decision, row = await the_model(who, model)
    return model_document(who.base, decision, row, whole=True)


@router.put("/models/{model}", summary="Say which building a model is of, and how fine it is")
async def describe(model: str, said: Description, who: Who) -> dict[str, Any]:
    """For those who may publish data of the model's grade; a member that is null is forgotten."""
    decision = who.model(model)
    require(who.principal, Operation.PUBLISH, decision.collection.grade)
    values = said.model_dump(exclude_unset=True)
    if not values:
        raise BadRequest("nothing is said of the model", where="body", remedy="give building_code or cim_level")
    if said.building_code is not None:
        text_literal(said.building_code)
    async with who.state.database.writing(who.request_id) as connection:
        await describe_model(connection, model, values)
        await audits.record(
            connection,
            actor=who.principal.name,
            role=who.principal.role,
            action="describe",
            subject=model,
            detail=values,
            request_id=who.request_id,
        )
    decision, row = await the_model(who, model)
    return model_document(who.base, decision, row, whole=True)


@router.get("/models/{model}/tree", summary="Spatial structure of a model")
async def tree(model: str, who: Who, asked: Annotated[Moment, Query()]) -> dict[str, Any]:
    """Project, site, buildings, storeys and spaces as nested nodes, with the number of elements that hang on each."""
    decision = who.model(model)
    async with who.state.database.reading(read_context(who.principal, who.request_id)) as connection:
        number = await version_of(connection, model, decision.collection.version, asked)
        nodes = await spatial_nodes(connection, model, number)
    return {"model": model, "version": number or decision.collection.version, "tree": tree_of(nodes)}


@router.get("/models/{model}/storeys", summary="Storeys of a model")
async def storeys(model: str, who: Who, asked: Annotated[Moment, Query()]) -> dict[str, Any]:
    """From the lowest up: name, number, elevation, how many elements are on each and what heights they span."""
    decision = who.model(model)
    async with who.state.database.reading(read_context(who.principal, who.request_id)) as connection:
        number = await version_of(connection, model, decision.collection.version, asked)
        found = await storeys_of(connection, model, number)
    href = f"{who.base}/models/{model}/storeys"
    listed = [{**one, "plan": f"{href}/{one['global_id']}/plan"} for one in found]
    return {"model": model, "version": number or decision.collection.version, "storeys": listed}


@router.get("/models/{model}/versions", summary="Versions of a model")
async def versions(model: str, who: Who) -> dict[str, Any]:
    """All versions, newest first, for those who may import."""
    _importable(model, who)
    async with who.state.database.reading(read_context(who.principal, who.request_id)) as connection:
        found = await history(connection, model)
    return {"versions": [version_document(version) for version in found]}


@router.get("/models/{model}/diff", summary="What changed in a model between two versions")
async def diff(
    model: str,
    who: Who,
    older: Annotated[int, Query(alias="from", ge=0, le=2**31 - 1)],
    newer: Annotated[int, Query(alias="to", ge=0, le=2**31 - 1)],
    limit: Annotated[int, Query(ge=1, le=10_000)] = 1_000,
    after: Annotated[str, Query(max_length=64)] = "",
) -> dict[str, Any]:
    """Exact counts, and the elements added, changed (with the names of what differs) and removed, by GlobalId.

    The names are fields, ``geometry``, ``placement``, and ``Set.Name`` of properties and quantities.
    """
    _importable(model, who)
    text_literal(after)
    async with who.state.database.reading(read_context(who.principal, who.request_id)) as connection:
        change, found = await model_difference(connection, model, older, newer, limit=limit, after=after)
    elements = [
        {
            "kind": one.kind,
            "global_id": one.global_id,
            "class": one.ifc_class,
            "name": one.name,
            "storey_name": one.storey_name,
            "changes": list(one.changes),
        }
        for one in found
    ]
    counts = {"added": change.added, "changed": change.changed, "removed": change.removed}
    return {"model": model, "from": older, "to": newer, **counts, "elements": elements}


@router.post("/models/{model}/rollback", summary="Go back to a version of a model")
async def roll_back(model: str, target: Target, who: Who) -> dict[str, Any]:
    """Publish a new version that equals an older one; no version is lost by it."""
    _importable(model, who)
    async with who.state.database.writing(who.request_id) as connection:
        made = await rollback_model(connection, model, target.version, author=who.principal.name)
        await audits.record(
            connection,
            actor=who.principal.name,
            role=who.principal.role,
            action="rollback",
            subject=model,
            result="done" if made else "unchanged",
            detail={"to": target.version},
            request_id=who.request_id,
        )
    status = "published" if made else "unchanged"
    return {"model": model, "status": status, "version": version_document(made) if made else None}


async def the_model(who: Caller, model: str) -> tuple[Decision, ModelRow]:
    """A model the caller may read, as it is now."""
    decision = who.model(model)
    async with who.state.database.reading(read_context(who.principal, who.request_id)) as connection:
        rows = await models_by_id(connection, _versions([decision]))
    if not rows:
        raise NotFound(f"there is no model {model!r} that you may see", where="model", remedy="see GET /models")
    return decision, rows[0]


def _versions(decisions: Iterable[Decision]) -> dict[str, int]:
    return {one.collection.id: one.collection.version for one in decisions}


def _importable(model: str, who: Caller) -> None:
    decision = who.model(model)
    require(who.principal, Operation.IMPORT, decision.collection.grade)
