"""Incidents: lists, one with all that hangs on it, new ones, changes of facts, closing, the replay."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import JSONResponse, Response

from cim.errors import BadRequest, StoreConflict
from cim.model.incident_kinds import Family, GradeName, kinds_document, lists, the_kind
from cim.model.incident_replay import at_moment
from cim.policy.policy import read_context
from cim.store import incidents as store
from cim.store.incident_writing import NewIncident as Made
from cim.store.incident_writing import change, create, refuse_stale
from web.incidents.bodies import ChangedIncident, Closing, NewIncident
from web.incidents.desk import audit, require_write, turn_of
from web.incidents.documents import incident_document, incident_feature, state_document
from web.incidents.facts import changed_facts, new_facts
from web.incidents.places import find_place
from web.parameters import parse_bbox, parse_datetime
from web.state import Caller, caller
from web.time_pages import next_href, place_after

router = APIRouter(tags=["incidents"])
Who = Annotated[Caller, Depends(caller)]
GEOJSON = "application/geo+json"
PRIVATE = {"cache-control": "private, no-cache"}


@router.get("/incidents/kinds", summary="Kinds of incidents")
async def kinds() -> dict[str, Any]:
    """Families, kinds with their scales and figures, and the clocks of reports, each with its source."""
    return kinds_document()


@router.get("/incidents", summary="Incidents")
async def incidents(
    who: Who,
    request: Request,
    state: Annotated[list[Literal["open", "closed"]] | None, Query()] = None,
    kind: Annotated[list[str] | None, Query(max_length=20)] = None,
    family: Annotated[Family | None, Query()] = None,
    grade: Annotated[list[GradeName] | None, Query()] = None,
    bbox: Annotated[str | None, Query(max_length=200)] = None,
    since: Annotated[str | None, Query(max_length=100)] = None,
    drill: Annotated[store.Drills, Query(description="drills are left out unless they are asked for")] = "none",
    after: Annotated[str | None, Query(max_length=100)] = None,
    limit: Annotated[int, Query(ge=1, le=1_000)] = 100,
    f: Annotated[Literal["json", "geojson"] | None, Query()] = None,
) -> Response:
    """Incidents that the caller may see, the newest first; ``next`` is the address of the page after.

    Drills are left out: ``drill=only`` gives them alone, ``drill=all`` with the others. ``since`` is the moment from
    which on they occurred. With ``f=geojson`` or ``Accept: application/geo+json`` they are features.
    """
    query = store.IncidentQuery(
        tuple(state or ()),
        _kinds(kind, family),
        tuple(grade or ()),
        parse_bbox(bbox),
        parse_datetime(since, "since"),
        drill,
        place_after(after),
        limit + 1,
    )
    async with who.state.database.reading(read_context(who.principal, who.request_id)) as connection:
        found = await store.incidents(connection, query)
    page, more = found[:limit], len(found) > limit
    links = (
        [{"rel": "next", "href": next_href(request, f"{who.base}/incidents", page[-1].occurred_at, page[-1].code)}]
        if more
        else []
    )
    headers = {**PRIVATE, "vary": "Accept"}
    if f == "geojson" or (f is None and GEOJSON in request.headers.get("accept", "")):
        features = [incident_feature(one) for one in page]
        body = {"type": "FeatureCollection", "features": features, "numberReturned": len(page), "links": links}
        return JSONResponse(body, headers=headers, media_type=GEOJSON)
    return JSONResponse({"incidents": [incident_document(one) for one in page], "links": links}, headers=headers)


@router.post("/incidents", status_code=201, summary="A new incident")
async def add(body: NewIncident, who: Who) -> dict[str, Any]:
    """Put an incident on the map, graded by the scale of its kind; it begins its timeline and its report clock."""
    the_kind(body.kind)
    place = await find_place(who, body.place, outside=body.outside)
    require_write(who, body.access, place.region_code)
    made = Made(place.county, body.drill, new_facts(body, place))
    async with who.state.database.writing(who.request_id) as connection:
        incident, entry = await create(connection, made, who.principal.name)
        await audit(connection, who, entry)
    return incident_document(incident, place.notes)


@router.get("/incidents/{code}", summary="One incident with all that hangs on it")
async def one(code: str, who: Who) -> JSONResponse:
    """An incident, its clock, tasks with receipts, marks, steps and its whole timeline."""
    async with who.state.database.reading(read_context(who.principal, who.request_id)) as connection:
        state = await store.the_state(connection, code)
    return JSONResponse(state_document(state), headers=PRIVATE)


@router.patch("/incidents/{code}", summary="Change facts of an incident")
async def edit(code: str, body: ChangedIncident, who: Who) -> dict[str, Any]:
    """Change facts; figures grade it anew. Refused (409, with what was changed) where somebody changed it meanwhile."""
    place = await find_place(who, body.place, outside=body.outside) if body.place else None
    async with turn_of(who, code) as turn:
        turn.require_open()
        await refuse_stale(turn, "incident", 0, body.revision, turn.incident.document())
        facts = changed_facts(body, turn.incident, place)
        if not facts:
            raise BadRequest("nothing is to change", where="body", remedy="send the facts that change")
        access = facts.get("access", turn.incident.access)
        require_write(who, access, facts.get("region_code", turn.incident.region_code))
        incident, entry = await change(turn, facts, "changed", body.note)
        await audit(turn.connection, who, entry)
    return incident_document(incident, place.notes if place else ())


@router.post("/incidents/{code}/{action}", summary="Close an incident, or open it again")
async def close(code: str, action: Literal["close", "reopen"], body: Closing, who: Who) -> dict[str, Any]:
    """Close an incident, or open a closed one again; what came to be known later is added as entries."""
    wanted = "closed" if action == "close" else "open"
    async with turn_of(who, code) as turn:
        await refuse_stale(turn, "incident", 0, body.revision, turn.incident.document())
        if turn.incident.state == wanted:
            raise StoreConflict(f"the incident is {wanted} already", where="incident", remedy="read it again")
        facts = {"state": wanted, "closed_at": turn.at if wanted == "closed" else None}
        incident, entry = await change(turn, facts, "closed" if wanted == "closed" else "reopened", body.note)
        await audit(turn.connection, who, entry)
    return incident_document(incident)


@router.get("/incidents/{code}/replay", summary="An incident as it was at a moment")
async def replay(code: str, who: Who, at: Annotated[str, Query(max_length=100)]) -> JSONResponse:
    """The incident, its tasks, marks, steps and timeline as they stood at a moment, put together from its entries."""
    moment = parse_datetime(at, "at")
    if moment is None:
        raise BadRequest("there is no moment", where="at", remedy="write 2026-01-31T08:00:00Z")
    async with who.state.database.reading(read_context(who.principal, who.request_id)) as connection:
        await store.the_incident(connection, code)
        entries = await store.entries(connection, code)
    state = at_moment(entries, moment)
    return JSONResponse({**state.document(), "replayed_at": moment.isoformat()}, headers=PRIVATE)


def _kinds(given: list[str] | None, family: Family | None) -> tuple[str, ...]:
    """The kinds asked for, of a family where one is given; a name that cannot be met where they have none in common."""
    for name in given or ():
        the_kind(name)
    if family is None:
        return tuple(given or ())
    of_family = [name for name, kind in lists().kind.items() if kind.family is family]
    return tuple(name for name in of_family if given is None or name in given) or ("none",)
