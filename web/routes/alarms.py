"""Alarms: lists, one with its history, and what people do to it."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, Field

from cim.errors import BadRequest
from cim.model.access import Grade, Operation
from cim.model.alarm_documents import alarm_document, alarm_feature
from cim.model.alarms import Severity, State
from cim.policy.policy import read_context
from cim.policy.rows import require_with
from cim.store import alarms as store
from cim.store.audits import record
from cim.store.receivers import refuse_unknown
from web.alarm_answers import step_told
from web.parameters import parse_bbox, parse_datetime
from web.problems import language_of
from web.state import Caller, caller
from web.time_pages import next_href, place_after

router = APIRouter(tags=["alarms"])
Who = Annotated[Caller, Depends(caller)]
Number = Annotated[int | None, Query(gt=0, lt=2**31)]
GEOJSON = "application/geo+json"


class Deed(BaseModel, extra="forbid"):
    """What somebody does to an alarm: why, and where it escalates, to which severity or receiver."""

    note: str = Field("", max_length=2_000, pattern=r"^[^\x00]*$")
    severity: Severity | None = None
    receiver: str | None = Field(None, max_length=100, pattern=r"^[^\x00]*$")


@router.get("/alarms", summary="Alarms")
async def alarms(
    who: Who,
    request: Request,
    state: Annotated[list[State] | None, Query()] = None,
    severity: Annotated[list[Severity] | None, Query()] = None,
    bbox: Annotated[str | None, Query(max_length=200)] = None,
    since: Annotated[str | None, Query(max_length=100)] = None,
    datastream: Number = None,
    rule: Number = None,
    after: Annotated[str | None, Query(max_length=100)] = None,
    limit: Annotated[int, Query(ge=1, le=1_000)] = 100,
    f: Annotated[Literal["json", "geojson"] | None, Query()] = None,
) -> Response:
    """Alarms that the caller may see, the newest first; ``next`` is the address of the page after.

    ``state`` and ``severity`` may be given several times. ``since`` is the moment from which on they were raised.
    With ``f=geojson`` or ``Accept: application/geo+json`` they are features.
    """
    query = store.AlarmQuery(
        tuple(state or ()),
        tuple(severity or ()),
        parse_bbox(bbox),
        parse_datetime(since, "since"),
        datastream,
        rule,
        place_after(after),
        limit + 1,
    )
    async with who.state.database.reading(read_context(who.principal, who.request_id)) as connection:
        found = await store.alarms(connection, query)
    page, more = found[:limit], len(found) > limit
    links = (
        [{"rel": "next", "href": next_href(request, f"{who.base}/alarms", page[-1].raised_at, page[-1].code)}]
        if more
        else []
    )
    headers = {"cache-control": "private, no-cache", "vary": "Accept"}
    if f == "geojson" or (f is None and GEOJSON in request.headers.get("accept", "")):
        features = [alarm_feature(one) for one in page]
        body = {"type": "FeatureCollection", "features": features, "numberReturned": len(page), "links": links}
        return JSONResponse(body, headers=headers, media_type=GEOJSON)
    return JSONResponse({"alarms": [alarm_document(one) for one in page], "links": links}, headers=headers)


@router.get("/alarms/{code}", summary="One alarm with its history")
async def one_alarm(code: str, request: Request, who: Who) -> dict[str, Any]:
    """An alarm and everything that happened to it, in order."""
    async with who.state.database.reading(read_context(who.principal, who.request_id)) as connection:
        alarm = await store.the_alarm(connection, code)
        steps = await store.history(connection, code)
    language = language_of(request.headers.get("accept-language"))
    return {**alarm_document(alarm), "history": [step_told(step, language) for step in steps]}


@router.post("/alarms/{code}/{action}", summary="Acknowledge, clear, close, escalate or comment an alarm")
async def act(
    code: str,
    action: Literal["acknowledge", "clear", "close", "escalate", "comment"],
    who: Who,
    deed: Deed | None = None,
) -> dict[str, Any]:
    """Do something to an alarm; it is kept in its history and in the audit log, with who did it."""
    given = deed or Deed.model_validate({})
    if action == "comment" and not given.note.strip():
        raise BadRequest("a comment needs a text", where="note", remedy="write what is to be kept")
    async with who.state.database.reading(read_context(who.principal, who.request_id)) as connection:
        alarm = await store.the_alarm(connection, code)
    require_with(who.principal, Operation.IMPORT, Grade(alarm.grade), alarm.region_code)
    what = store.Act(action, who.principal.name, given.note.strip())
    if action == "escalate":
        what = store.Act(action, who.principal.name, given.note.strip(), given.severity, given.receiver)
    async with who.state.database.writing(who.request_id) as connection:
        await refuse_unknown(connection, {what.receiver} if what.receiver else set())
        changed = await store.act(connection, code, what)
        await record(
            connection,
            actor=who.principal.name,
            role=who.principal.role,
            action=f"alarm {action}",
            subject=code,
            request_id=who.request_id,
            detail={"note": what.note, "state": changed.state},
        )
    return alarm_document(changed)
