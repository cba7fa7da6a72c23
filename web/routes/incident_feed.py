"""What happens in incidents, asked for again and again or followed as events: two browsers share what they draw."""

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Query, Request
from fastapi.responses import JSONResponse, Response

from cim.errors import CimError
from cim.model.access import Operation, Principal
from cim.model.incidents import Entry, Incident
from cim.policy.policy import read_context
from cim.policy.rows import may_with
from cim.store.incidents import Drills, entries_after, newest_entry
from web.change_feed import Subscription
from web.event_streams import EVENTS, KEEP_ALIVE_S, LAST_NUMBER, EventStream, end_event, event, event_number
from web.incidents.documents import news
from web.state import Caller, ServerState, caller, sender

router = APIRouter(tags=["incidents"])
MOST = 500


class Wanted:
    """Which entries somebody follows: of one incident or of all, with drills only where they are asked for."""

    def __init__(self, incident: str | None, drills: Drills) -> None:
        self._incident, self._drills = incident, drills

    def holds(self, incident: Incident) -> bool:
        """Whether the entries of an incident are wanted."""
        if self._incident is not None:
            return incident.code == self._incident
        return self._drills == "all" or incident.drill == (self._drills == "only")


@router.get("/incidents/feed", summary="What happens in incidents")
async def feed(
    who: Annotated[Caller, Depends(caller)],
    request: Request,
    since: Annotated[int | None, Query(ge=0, le=LAST_NUMBER)] = None,
    incident: Annotated[str | None, Query(max_length=60)] = None,
    drill: Drills = "none",
    accept: Annotated[str, Header()] = "",
    last_event_id: Annotated[str | None, Header()] = None,
) -> Response:
    """Entries after the number ``since`` with what they changed: marks, tasks, steps, facts.

    Of one ``incident``, or of all; drills only where they are asked for or named. With ``Accept: text/event-stream``
    they come as they happen, beginning after ``Last-Event-ID``, else after ``since``, else now. Without ``since`` only
    the newest number is told.
    """
    wanted = Wanted(incident, drill)
    if EVENTS in accept:
        after = event_number(last_event_id) if last_event_id else since
        return EventStream(_events(who.state, request, wanted, after))
    newest, found = await _read(who.state, who.principal, since)
    told = [news(entry, of) for entry, of in found if wanted.holds(of)]
    more = len(found) == MOST
    answer = {"entries": told, "seq": found[-1][0].seq if more else max(newest, since or 0), "more": more}
    return JSONResponse(answer, headers={"cache-control": "private, no-cache"})


async def _read(
    state: ServerState, principal: Principal, after: int | None
) -> tuple[int, list[tuple[Entry, Incident]]]:
    """The newest number of all that the caller may see, and the entries after a number."""
    async with state.database.reading(read_context(principal, "incidents")) as connection:
        newest = await newest_entry(connection)
        return newest, [] if after is None else await entries_after(connection, after, MOST)


async def _events(state: ServerState, request: Request, wanted: Wanted, after: int | None) -> AsyncIterator[str]:
    """What was missed, then what happens. Who asks is looked up again for every one."""
    try:
        with state.incidents.feed.subscribed() as subscription:
            newest, missed = await _read(state, await sender(state, request), after)
            after = newest if after is None else after
            yield ": incidents\n\n"
            while missed:
                for entry, incident in missed:
                    after = entry.seq
                    if wanted.holds(incident):
                        yield _event(entry, incident)
                _, missed = await _read(state, await sender(state, request), after)
            async for text in _live(state, request, wanted, after, subscription):
                yield text
    except CimError as error:
        yield end_event(error)


async def _live(
    state: ServerState,
    request: Request,
    wanted: Wanted,
    after: int,
    subscription: Subscription[tuple[Entry, Incident]],
) -> AsyncIterator[str]:
    while not subscription.cut:
        found = await subscription.next(KEEP_ALIVE_S)
        principal = await sender(state, request)
        if found is None:
            yield ": nothing new\n\n"
            continue
        entry, incident = found
        seen = may_with(principal, Operation.READ, incident.access, incident.region_code)
        if entry.seq > after and seen and wanted.holds(incident):
            yield _event(entry, incident)


def _event(entry: Entry, incident: Incident) -> str:
    """Events are named after what happened; those of drills have a name of their own, so that none is mixed up."""
    return event("drill" if incident.drill else "incident", news(entry, incident), entry.seq)
