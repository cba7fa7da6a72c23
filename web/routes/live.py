"""Newest values of sensors, as they come."""

from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Query, Request
from fastapi.responses import JSONResponse, Response

from cim.errors import BadRequest, CimError
from cim.model.access import ReadContext
from cim.policy.policy import read_context
from cim.store.live_values import Following, LiveValue, followed_streams, live_values
from web.event_streams import EVENTS, KEEP_ALIVE_S, EventStream, end_event, event
from web.live_readings import value_document
from web.parameters import parse_bbox
from web.state import Caller, ServerState, caller, sender

router = APIRouter(tags=["sensing"])
MOST_NAMED = 1_000
_HIGHEST = 2**31 - 1


@router.get("/devices/live", summary="Newest values as they come")
async def live(
    who: Annotated[Caller, Depends(caller)],
    request: Request,
    datastream: Annotated[str | None, Query(max_length=12_000)] = None,
    measured: Annotated[str | None, Query(alias="property", max_length=100)] = None,
    placement: Annotated[str | None, Query(max_length=100)] = None,
    bbox: Annotated[str | None, Query(max_length=200)] = None,
    accept: Annotated[str, Header()] = "",
) -> Response:
    """The newest value of each datastream that the caller may see and has chosen.

    With ``Accept: text/event-stream`` first all of them, then whatever is new, at most four times a second: events
    ``values``, each with the newest value of every datastream that changed. Without it, all of them once.
    """
    following = Following(_ids(datastream), measured, placement, parse_bbox(bbox))
    context = read_context(who.principal, who.request_id)
    if EVENTS in accept:
        return EventStream(_events(who.state, request, context, following))
    values = await _newest(who.state, context, following)
    return JSONResponse({"values": [value_document(one) for one in values]}, headers={"cache-control": "no-store"})


def _ids(text: str | None) -> tuple[int, ...]:
    if text is None:
        return ()
    parts = text.split(",")
    good = all(part.isascii() and part.isdecimal() and int(part[:11]) <= _HIGHEST for part in parts)
    if not good or len(parts) > MOST_NAMED:
        raise BadRequest(
            f"{text[:40]!r} is no list of datastreams",
            where="datastream",
            remedy=f"write up to {MOST_NAMED} ids between commas",
        )
    return tuple(sorted({int(part) for part in parts}))


async def _newest(state: ServerState, context: ReadContext, following: Following) -> list[LiveValue]:
    async with state.database.reading(context) as connection:
        return await live_values(connection, await followed_streams(connection, following))


async def _events(
    state: ServerState, request: Request, context: ReadContext, following: Following
) -> AsyncIterator[str]:
    """All newest values, then what is new; the stream ends when the caller's rights change or it reads too slowly."""
    try:
        async with state.readings.followed(context, following) as (newest, subscription):
            for text in newest:
                yield text
            while not subscription.cut:
                new = await subscription.next(KEEP_ALIVE_S)
                principal = await sender(state, request)
                if read_context(principal).setting != context.setting:
                    yield event("end", _CHANGED)
                    return
                yield new or ": nothing new\n\n"
            yield event("end", _SLOW)
    except CimError as error:
        yield end_event(error)


_CHANGED: dict[str, Any] = {"detail": "your rights have changed", "remedy": "connect again"}
_SLOW: dict[str, Any] = {"detail": "the events were not read fast enough", "remedy": "follow fewer datastreams"}
