"""What happens to warnings, asked for again and again or followed as events."""

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Query, Request
from fastapi.responses import JSONResponse, Response

from cim.errors import CimError
from cim.model.access import Grade, Operation, Principal
from cim.model.warning_course import HeldWarning, WarningStep
from cim.model.warning_documents import event_name, news_document
from cim.policy.policy import read_context
from cim.policy.rows import may_with
from cim.store.warnings import newest_warning_step, warning_steps_after
from web.change_feed import Subscription
from web.event_streams import EVENTS, KEEP_ALIVE_S, LAST_NUMBER, EventStream, end_event, event, event_number
from web.state import Caller, ServerState, caller, sender

router = APIRouter(tags=["warnings"])
MOST = 500
News = tuple[WarningStep, HeldWarning]


@router.get("/warnings/feed", summary="What happens to warnings")
async def feed(
    who: Annotated[Caller, Depends(caller)],
    request: Request,
    since: Annotated[int | None, Query(ge=0, le=LAST_NUMBER)] = None,
    drills: Annotated[bool, Query()] = True,
    accept: Annotated[str, Header()] = "",
    last_event_id: Annotated[str | None, Header()] = None,
) -> Response:
    """Entries of history after the number ``since``: received, drafted, issued, updated, cancelled, expired.

    With ``Accept: text/event-stream`` they come as they happen, beginning after ``Last-Event-ID``, else after
    ``since``, else now. Events about real warnings have the name ``warning``, all others ``drill``; ``drills=false``
    leaves the latter out. Without ``since`` only the newest number is told.
    """
    if EVENTS in accept:
        return EventStream(_events(who.state, request, drills, event_number(last_event_id) if last_event_id else since))
    newest, found, last = await _read(who.state, who.principal, since)
    steps = [news_document(step, warning) for step, warning in found if drills or not warning.drill]
    answer = {"steps": steps, "seq": max(newest, since or 0) if last is None else last, "more": last is not None}
    return JSONResponse(answer, headers={"cache-control": "private, no-cache"})


async def _read(state: ServerState, principal: Principal, after: int | None) -> tuple[int, list[News], int | None]:
    """The newest number of all, the entries after a number that the caller may see, and where a full page ended."""
    async with state.database.reading(read_context(principal, "warnings")) as connection:
        newest = await newest_warning_step(connection)
        found = [] if after is None else await warning_steps_after(connection, after, MOST)
    last = found[-1][0].seq if len(found) == MOST else None
    return newest, [(step, warning) for step, warning, call in found if call is None], last


async def _events(state: ServerState, request: Request, drills: bool, after: int | None) -> AsyncIterator[str]:
    """What was missed, then what happens. Who asks is looked up again for every one."""
    try:
        with state.warnings.feed.subscribed() as subscription:
            newest, missed, last = await _read(state, await sender(state, request), after)
            after = newest if after is None else after
            yield ": warnings\n\n"
            while missed or last is not None:
                for step, warning in missed:
                    after = step.seq
                    if drills or not warning.drill:
                        yield event(event_name(warning), news_document(step, warning), step.seq)
                after = last if last is not None else after
                _, missed, last = await _read(state, await sender(state, request), after)
            async for text in _live(state, request, drills, after, subscription):
                yield text
    except CimError as error:
        yield end_event(error)


async def _live(
    state: ServerState, request: Request, drills: bool, after: int, subscription: Subscription[News]
) -> AsyncIterator[str]:
    while not subscription.cut:
        found = await subscription.next(KEEP_ALIVE_S)
        principal = await sender(state, request)
        if found is None:
            yield ": nothing new\n\n"
            continue
        step, warning = found
        seen = may_with(principal, Operation.READ, Grade(warning.grade), warning.region_code)
        if step.seq > after and seen and (drills or not warning.drill):
            yield event(event_name(warning), news_document(step, warning), step.seq)
