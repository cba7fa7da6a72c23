"""The sequence of changes, for platforms that embed layers: asked for again and again, or followed as events."""

import json
from collections.abc import AsyncIterator, Collection
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Query, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse

from cim.errors import BadRequest, CimError
from cim.model.access import Principal, ReadContext
from cim.model.change import EVERY_LAYER, Change
from cim.policy.policy import Decision, decide, decide_model, readable, readable_models
from cim.store.changes import changes_after
from web.change_feed import Subscription
from web.live_catalog import LiveCatalog
from web.state import Caller, ServerState, caller, sender

router = APIRouter(tags=["changes"])
KEEP_ALIVE_S = 15.0
MOST = 1_000
EVENTS = "text/event-stream"
_LAST_SEQ = 2**63 - 1


@router.get("/changes", summary="What changed since")
async def changes(
    who: Annotated[Caller, Depends(caller)],
    request: Request,
    since: Annotated[int | None, Query(ge=0, le=_LAST_SEQ)] = None,
    layer: Annotated[str | None, Query(max_length=1_000)] = None,
    limit: Annotated[int, Query(ge=1, le=MOST)] = 100,
    accept: Annotated[str, Header()] = "",
    last_event_id: Annotated[str | None, Header()] = None,
) -> Response:
    """Changes after the number ``since``, of the layers the caller may see: number, layer, version, box, time.

    A box of null stands for the whole layer, the layer ``*`` for all of them. Without ``since`` only the newest number
    is told. With ``Accept: text/event-stream`` they come as they happen, beginning after ``Last-Event-ID``, else after
    ``since``, else now.
    """
    names = tuple(dict.fromkeys(layer.split(","))) if layer is not None else None
    for name in names or ():
        who.decide(name)
    newest = who.state.live.changes.seq
    if EVENTS in accept:
        begin = _event_id(last_event_id) if last_event_id else since
        events = _events(who.state, request, names, newest if begin is None else begin)
        return StreamingResponse(
            events, media_type=EVENTS, headers={"cache-control": "no-store", "x-accel-buffering": "no"}
        )
    seen = _seen(who.state, who.principal, names)
    found = [] if since is None else await _read(who.state, since, seen, limit)
    document = {
        "changes": [_document(change, seen) for change in found],
        "seq": found[-1].seq if found and len(found) == limit else max(newest, since or 0),
        "more": len(found) == limit,
    }
    return JSONResponse(document, headers={"cache-control": "private, no-cache"})


def _event_id(text: str) -> int:
    if not text.isdecimal() or int(text) > _LAST_SEQ:
        raise BadRequest(
            f"{text[:40]!r} is not the id of an event", where="Last-Event-ID", remedy="send the id of the last event"
        )
    return int(text)


def _seen(state: ServerState, principal: Principal, names: Collection[str] | None) -> dict[str, Decision]:
    """The layers whose changes are told, of those asked for."""
    live = state.live
    if names is None:
        found = [*readable(principal, live.collections.values()), *readable_models(principal, live.models.values())]
        return {one.collection.id: one for one in found}
    return {name: _one(live, principal, name) for name in names}


def _one(live: LiveCatalog, principal: Principal, name: str) -> Decision:
    if name in live.models:
        return decide_model(principal, live.models[name], name)
    return decide(principal, live.collections.get(name), name)


async def _read(state: ServerState, after: int, seen: Collection[str], limit: int) -> list[Change]:
    async with state.database.reading(ReadContext((), "changes", 2_000)) as connection:
        return await changes_after(connection, after, layers=seen, limit=limit)


def _document(change: Change, seen: dict[str, Decision]) -> dict[str, Any]:
    decision = seen.get(change.layer)
    everywhere = decision is None or decision.regions is not None
    return {
        "seq": change.seq,
        "layer": change.layer,
        "version": change.version,
        "bbox": None if everywhere else change.bbox,
        "at": change.at.isoformat(),
    }


async def _events(
    state: ServerState, request: Request, names: tuple[str, ...] | None, after: int
) -> AsyncIterator[str]:
    """Server-sent events: what is missed first, then what happens; a comment when nothing does.

    Who asks is looked up again for every one. The stream ends when the caller may not read on, or reads too slowly.
    """
    with state.feed.subscribed() as subscription:
        try:
            yield ": changes\n\n"
            while missed := await _read(state, after, _seen(state, await sender(state, request), names), MOST):
                for change in missed:
                    yield _event(change, _seen(state, await sender(state, request), names))
                after = missed[-1].seq
            async for text in _live(state, request, names, after, subscription):
                yield text
        except CimError as error:
            yield f"event: end\ndata: {json.dumps({'detail': error.what, 'remedy': error.remedy})}\n\n"


async def _live(
    state: ServerState, request: Request, names: tuple[str, ...] | None, after: int, subscription: Subscription[Change]
) -> AsyncIterator[str]:
    while not subscription.cut:
        change = await subscription.next(KEEP_ALIVE_S)
        seen = _seen(state, await sender(state, request), names)
        if change is None:
            yield ": nothing new\n\n"
        elif change.seq > after and (change.layer in seen or change.layer == EVERY_LAYER):
            yield _event(change, seen)


def _event(change: Change, seen: dict[str, Decision]) -> str:
    return f"id: {change.seq}\nevent: change\ndata: {json.dumps(_document(change, seen))}\n\n"
