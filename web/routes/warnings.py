"""Warnings: lists, one with what it says, what it affects, and the feed of Atom."""

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import JSONResponse, Response

from cim.errors import BadRequest
from cim.model.alarms import Severity as Colour
from cim.model.warning_course import WarningState
from cim.model.warning_documents import alert_document, step_document, warning_feature
from cim.model.warning_ids import parsed_id
from cim.model.warning_reading import read_alert
from cim.model.warning_xml import MEDIA_TYPE
from cim.policy.policy import read_context
from cim.store import warnings as store
from web.parameters import parse_bbox, parse_datetime
from web.phrases import told
from web.problems import language_of
from web.state import Caller, caller
from web.time_pages import next_href, place_after
from web.warnings.affected import affected
from web.warnings.answers import warning_told
from web.warnings.atom import ATOM_TYPE, atom_feed

router = APIRouter(tags=["warnings"])
Who = Annotated[Caller, Depends(caller)]
GEOJSON = "application/geo+json"
_PRIVATE = {"cache-control": "private, no-cache", "vary": "Accept, Accept-Language"}


@router.get("/warnings", summary="Warnings")
async def warnings(
    who: Who,
    request: Request,
    state: Annotated[list[WarningState] | None, Query()] = None,
    colour: Annotated[list[Colour] | None, Query()] = None,
    bbox: Annotated[str | None, Query(max_length=200)] = None,
    drill: Annotated[bool | None, Query()] = None,
    since: Annotated[str | None, Query(max_length=100)] = None,
    after: Annotated[str | None, Query(max_length=200)] = None,
    limit: Annotated[int, Query(ge=1, le=1_000)] = 100,
    f: Annotated[Literal["json", "geojson"] | None, Query()] = None,
) -> Response:
    """Warnings that the caller may see, the newest first; ``next`` is the address of the page after.

    ``state`` and ``colour`` may be given several times; ``drill=false`` leaves out all that is not real. ``since`` is
    the moment from which on they were sent.
    """
    features = f == "geojson" or (f is None and GEOJSON in request.headers.get("accept", ""))
    query = store.WarningQuery(
        tuple(state or ()),
        tuple(colour or ()),
        parse_bbox(bbox),
        drill,
        parse_datetime(since, "since"),
        place_after(after),
        limit + 1,
        features,
    )
    async with who.state.database.reading(read_context(who.principal, who.request_id)) as connection:
        found = await store.warnings(connection, query)
    page, more = found[:limit], len(found) > limit
    links = (
        [{"rel": "next", "href": next_href(request, f"{who.base}/warnings", page[-1].sent, page[-1].code)}]
        if more
        else []
    )
    if features:
        body = {"type": "FeatureCollection", "features": [warning_feature(one) for one in page], "links": links}
        return JSONResponse(body, headers=_PRIVATE, media_type=GEOJSON)
    language = language_of(request.headers.get("accept-language"))
    return JSONResponse({"warnings": [warning_told(one, language) for one in page], "links": links}, headers=_PRIVATE)


@router.get("/warnings.atom", summary="Warnings in force as a feed of Atom")
async def atom(who: Who) -> Response:
    """The warnings in force that the caller may see, the newest hundred; drills are marked."""
    query = store.WarningQuery(states=(WarningState.ACTIVE,))
    async with who.state.database.reading(read_context(who.principal, who.request_id)) as connection:
        found = await store.warnings(connection, query)
    return Response(atom_feed(found, who.base), media_type=ATOM_TYPE, headers=_PRIVATE)


@router.get("/warnings/{code}", summary="One warning")
async def one_warning(
    code: str, who: Who, request: Request, f: Annotated[Literal["json", "cap", "geojson"] | None, Query()] = None
) -> Response:
    """A warning with all it says and its history; ``f=cap`` is the document as it came, ``f=geojson`` a feature."""
    async with who.state.database.reading(read_context(who.principal, who.request_id)) as connection:
        held = await store.the_warning(connection, code)
        original = await store.original_of(connection, code)
        steps = await store.history(connection, code)
    if f == "cap":
        return Response(original, media_type=MEDIA_TYPE, headers=_PRIVATE)
    if f == "geojson":
        return JSONResponse(warning_feature(held), headers=_PRIVATE, media_type=GEOJSON)
    language = language_of(request.headers.get("accept-language"))
    body = {
        **warning_told(held, language),
        "geometry": held.geometry,
        "national_id": parsed_id(held.identifier) is not None,
    }
    message, told_steps = alert_document(read_alert(original)), [step_document(step) for step in steps]
    return JSONResponse({**body, "message": message, "history": told_steps}, headers=_PRIVATE)


@router.get("/warnings/{code}/affected", summary="What a warning affects")
async def what_it_affects(
    code: str, who: Who, request: Request, limit: Annotated[int, Query(ge=0, le=1_000)] = 100
) -> Response:
    """People, schools, hospitals, firms, hazards, devices, cameras and villages inside its area, as the caller may see.

    Counts are of all, lists hold the first ``limit``; ``missing`` says which layers and fields could not be looked at.
    """
    decisions = {one.collection.id: one for one in who.readable()}
    async with who.state.database.reading(read_context(who.principal, who.request_id)) as connection:
        held = await store.the_warning(connection, code)
        area = await store.warning_area(connection, code)
        if area is None:
            raise BadRequest(
                "the warning has no area: what it affects is not known", where="warning", remedy="see its findings"
            )
        found = await affected(connection, decisions, area, limit)
    language = language_of(request.headers.get("accept-language"))
    found["missing"] = [{**one, "reason": told(one["reason"], language)} for one in found["missing"]]
    head = {"drill": held.drill, "warning": code, "title": held.title, "state": held.state}
    return JSONResponse({**head, **found}, headers=_PRIVATE)
