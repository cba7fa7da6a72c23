"""What happens to alarms, asked for again and again or followed as events."""

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Query, Request
from fastapi.responses import JSONResponse, Response

from cim.errors import CimError
from cim.model.access import Grade, Operation, Principal
from cim.model.alarms import Alarm, Severity, Step
from cim.policy.policy import read_context
from cim.policy.rows import may_with
from cim.store.alarms import newest_step, steps_after
from web.alarm_answers import news
from web.change_feed import Subscription
from web.event_streams import EVENTS, KEEP_ALIVE_S, LAST_NUMBER, EventStream, end_event, event, event_number
from web.problems import language_of
from web.state import Caller, ServerState, caller, sender

router = APIRouter(tags=["alarms"])
MOST = 500


@router.get("/alarms/feed", summary="What happens to alarms")
async def feed(
    who: Annotated[Caller, Depends(caller)],
    request: Request,
    since: Annotated[int | None, Query(ge=0, le=LAST_NUMBER)] = None,
    severity: Annotated[list[Severity] | None, Query()] = None,
    accept: Annotated[str, Header()] = "",
    last_event_id: Annotated[str | None, Header()] = None,
) -> Response:
    """Steps of alarms after the number ``since``: raised, acknowledged, escalated, commented, cleared, closed.

    With ``Accept: text/event-stream`` they come as they happen, beginning after ``Last-Event-ID``, else after
    ``since``, else now. Without ``since`` only the newest number is told.
    """
    wanted = frozenset(severity or Severity)
    if EVENTS in accept:
        after = event_number(last_event_id) if last_event_id else since
        return EventStream(_events(who.state, request, wanted, after))
    newest, found = await _read(who.state, who.principal, since)
    language = language_of(request.headers.get("accept-language"))
    documents = [news(step, alarm, language) for step, alarm in found if alarm.severity in wanted]
    more = len(found) == MOST
    answer = {"steps": documents, "seq": found[-1][0].seq if more else max(newest, since or 0), "more": more}
    return JSONResponse(answer, headers={"cache-control": "private, no-cache"})


async def _read(state: ServerState, principal: Principal, after: int | None) -> tuple[int, list[tuple[Step, Alarm]]]:
    """The newest number of all, and the steps after a number that the caller may see."""
    async with state.database.reading(read_context(principal, "alarms")) as connection:
        newest = await newest_step(connection)
        return newest, [] if after is None else await steps_after(connection, after, MOST)


async def _events(
    state: ServerState, request: Request, wanted: frozenset[Severity], after: int | None
) -> AsyncIterator[str]:
    """What was missed, then what happens. Who asks is looked up again for every one."""
    language = language_of(request.headers.get("accept-language"))
    try:
        with state.alarms.feed.subscribed() as subscription:
            newest, missed = await _read(state, await sender(state, request), after)
            after = newest if after is None else after
            yield ": alarms\n\n"
            while missed:
                for step, alarm in missed:
                    after = step.seq
                    if alarm.severity in wanted:
                        yield event("alarm", news(step, alarm, language), step.seq)
                _, missed = await _read(state, await sender(state, request), after)
            async for text in _live(state, request, wanted, after, subscription):
                yield text
    except CimError as error:
        yield end_event(error)


async def _live(
    state: ServerState,
    request: Request,
    wanted: frozenset[Severity],
    after: int,
    subscription: Subscription[tuple[Step, Alarm]],
) -> AsyncIterator[str]:
    language = language_of(request.headers.get("accept-language"))
    while not subscription.cut:
        found = await subscription.next(KEEP_ALIVE_S)
        principal = await sender(state, request)
        if found is None:
            yield ": nothing new\n\n"
            continue
        step, alarm = found
        seen = may_with(principal, Operation.READ, Grade(alarm.grade), alarm.region_code)
        if step.seq > after and seen and alarm.severity in wanted:
            yield event("alarm", news(step, alarm, language), step.seq)
