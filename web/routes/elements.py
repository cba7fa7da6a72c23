"""Elements of building models: of one model, or of all that the caller may read."""

import json
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import JSONResponse, Response

from cim.errors import NotFound
from cim.model.ifc_classes import all_kinds_of
from cim.policy.policy import read_context
from cim.store.bim_conditions import equal_to
from cim.store.bim_elements import (
    ElementQuery,
    called,
    count_elements,
    one_element,
    page_of_elements,
    plan_elements,
)
from cim.store.bim_quantities import summed_quantities
from web.elements import (
    Found,
    FoundInModel,
    Moment,
    Page,
    Summed,
    SummedInModel,
    after_token,
    checked_global_id,
    conditions_of,
    feature,
    paged,
    version_of,
)
from web.items import page_address
from web.model_files import glb_of_element
from web.quantities import quantities_document
from web.state import Caller, caller

router = APIRouter(tags=["models"])
Who = Annotated[Caller, Depends(caller)]
GEOJSON = "application/geo+json"
GLB = "model/gltf-binary"
PLAN_ORDER = (
    ("space", ("IfcSpace",)),
    ("stair", ("IfcStair", "IfcStairFlight", "IfcRamp", "IfcRampFlight")),
    ("furnishing", ("IfcFurnishingElement",)),
    ("equipment", ("IfcDistributionElement", "IfcTransportElement")),
    ("wall", ("IfcWall",)),
    ("curtain-wall", ("IfcCurtainWall", "IfcPlate")),
    ("railing", ("IfcRailing",)),
    ("column", ("IfcColumn",)),
    ("window", ("IfcWindow",)),
    ("door", ("IfcDoor",)),
)
"""What a plan draws, from the bottom up; slabs, which would hide it, are left out."""
_PARTS = {name: (order, part) for order, (part, names) in enumerate(PLAN_ORDER) for name in all_kinds_of(names)}


class ElementParameters(Moment):
    """Which version of an element, in which form."""

    f: Literal["json", "glb"] = "json"


class ModelPage(Page, Moment):
    """A page of parts of a model."""


@router.get("/elements", summary="Elements of all models the caller may read")
async def elements(who: Who, request: Request, asked: Annotated[Found, Query()]) -> JSONResponse:
    """Elements as they are now, by class, storey, property, place or CQL2, in the order of model and GlobalId."""
    models = tuple(decision.collection.id for decision in who.models())
    query = ElementQuery(models, None, await conditions_of(who, asked))
    return await _page(who, request, query, asked, "/elements")


@router.get("/quantities", summary="Quantities of elements summed up over models")
async def quantities(who: Who, asked: Annotated[Summed, Query()]) -> dict[str, Any]:
    """Sums of quantities by class, storey or material of all elements that meet the conditions."""
    models = tuple(decision.collection.id for decision in who.models())
    query = ElementQuery(models, None, await conditions_of(who, asked))
    async with who.state.database.reading(read_context(who.principal, who.request_id)) as connection:
        groups = await summed_quantities(connection, query, asked.by)
    return quantities_document(groups, asked.by)


@router.get("/models/{model}/quantities", summary="Quantities of a model summed up")
async def model_quantities(model: str, who: Who, asked: Annotated[SummedInModel, Query()]) -> dict[str, Any]:
    """Sums of quantities by class, storey or material."""
    decision = who.model(model)
    where = await conditions_of(who, asked)
    async with who.state.database.reading(read_context(who.principal, who.request_id)) as connection:
        number = await version_of(connection, model, decision.collection.version, asked)
        groups = await summed_quantities(connection, ElementQuery((model,), number, where), asked.by)
    return {"model": model, **quantities_document(groups, asked.by)}


@router.get("/models/{model}/elements", summary="Elements of a model")
async def model_elements(
    model: str, who: Who, request: Request, asked: Annotated[FoundInModel, Query()]
) -> JSONResponse:
    """Elements that meet the conditions, in the order of GlobalId."""
    return await _in_model(who, request, model, asked, await conditions_of(who, asked), "elements")


@router.get("/models/{model}/spaces", summary="Spaces of a model")
async def spaces(model: str, who: Who, request: Request, asked: Annotated[FoundInModel, Query()]) -> JSONResponse:
    """Rooms, which may be asked for like elements."""
    where = (equal_to("kind", "space"), *await conditions_of(who, asked))
    return await _in_model(who, request, model, asked, where, "spaces")


@router.get("/models/{model}/systems", summary="Systems and groups of a model")
async def systems(model: str, who: Who, request: Request, asked: Annotated[FoundInModel, Query()]) -> JSONResponse:
    """Systems, zones and groups; ``system=`` of elements takes the GlobalId of one."""
    where = (equal_to("kind", "group"), *await conditions_of(who, asked))
    return await _in_model(who, request, model, asked, where, "systems")


@router.get("/models/{model}/elements/{global_id}", summary="One element")
async def element(model: str, global_id: str, who: Who, asked: Annotated[ElementParameters, Query()]) -> Response:
    """The whole record of an element, with what its systems, space and building are called; ``f=glb`` its shape."""
    decision = who.model(model)
    checked_global_id(global_id)
    async with who.state.database.reading(read_context(who.principal, who.request_id)) as connection:
        number = await version_of(connection, model, decision.collection.version, asked)
        found = await one_element(connection, model, global_id, number)
        around = [*found["systems"], found["space"], found["building"]] if found else []
        names = await called(connection, model, [one for one in around if one], number)
    if found is None:
        raise NotFound(
            f"model {model} has no element {global_id!r}", where="GlobalId", remedy="it may have ended; see elements"
        )
    if asked.f == "glb":
        return Response(await glb_of_element(who, decision, global_id, number), media_type=GLB)
    href = f"{who.base}/models/{model}"
    links = [{"rel": "collection", "href": f"{href}/elements", "type": GEOJSON}]
    if found["has_mesh"]:
        links.append({"rel": "glb", "href": f"{href}/elements/{global_id}?f=glb", "type": GLB})
    document = {**feature(found), "names": names, "version": number or decision.collection.version, "links": links}
    return JSONResponse(document, media_type=GEOJSON)


@router.get("/models/{model}/storeys/{global_id}/plan", summary="Plan of a storey")
async def plan(model: str, global_id: str, who: Who, asked: Annotated[Moment, Query()]) -> JSONResponse:
    """Outlines of what a plan draws, from the bottom up: spaces, stairs, furniture, walls, columns, windows, doors.

    ``part`` is what each is drawn as and ``order`` its place.
    """
    decision = who.model(model)
    checked_global_id(global_id)
    async with who.state.database.reading(read_context(who.principal, who.request_id)) as connection:
        number = await version_of(connection, model, decision.collection.version, asked)
        storey = await one_element(connection, model, global_id, number)
        if storey is None or storey["class"] != "IfcBuildingStorey":
            raise NotFound(
                f"model {model} has no storey {global_id!r}", where="GlobalId", remedy=f"see /models/{model}/storeys"
            )
        found = await plan_elements(connection, model, global_id, number, sorted(_PARTS))
    drawn = sorted(found, key=lambda one: (_PARTS[one["class"]], one["global_id"]))
    document = {
        "type": "FeatureCollection",
        "model": model,
        "version": number or decision.collection.version,
        "storey": {name: storey[name] for name in ("global_id", "name", "storey_number", "elevation_m")},
        "features": [_drawn(one) for one in drawn],
    }
    return JSONResponse(document, media_type=GEOJSON)


def _drawn(one: dict[str, Any]) -> dict[str, Any]:
    order, part = _PARTS[one["class"]]
    properties = {name: value for name, value in one.items() if name != "geometry"}
    return {
        "type": "Feature",
        "id": one["global_id"],
        "geometry": json.loads(one["geometry"]),
        "properties": {**properties, "part": part, "order": order},
    }


async def _in_model(
    who: Caller, request: Request, model: str, asked: FoundInModel, where: tuple[Any, ...], part: str
) -> JSONResponse:
    decision = who.model(model)
    async with who.state.database.reading(read_context(who.principal, who.request_id)) as connection:
        number = await version_of(connection, model, decision.collection.version, asked)
    return await _page(who, request, ElementQuery((model,), number, where), asked, f"/models/{model}/{part}")


async def _page(who: Caller, request: Request, query: ElementQuery, page: Page, path: str) -> JSONResponse:
    wanted = paged(query, page, who.state.settings.page_limit)
    async with who.state.database.reading(read_context(who.principal, who.request_id)) as connection:
        found = await page_of_elements(connection, wanted)
        matched = await count_elements(connection, query)
    limit = wanted.limit - 1
    shown = found[:limit]
    given = request.query_params.multi_items()
    href = f"{who.base}{path}"
    links = [{"rel": "self", "href": page_address(href, given, limit, page.after), "type": GEOJSON}]
    if len(found) > limit:
        following = page_address(href, given, limit, after_token(shown[-1]))
        links.append({"rel": "next", "href": following, "type": GEOJSON})
    document = {
        "type": "FeatureCollection",
        "features": [feature(record) for record in shown],
        "numberMatched": matched,
        "numberReturned": len(shown),
        "links": links,
    }
    return JSONResponse(document, media_type=GEOJSON)
