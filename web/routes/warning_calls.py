"""Calls to people about a warning (叫应): making the list, reading it, confirming."""

from html import escape
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Request
from fastapi.responses import HTMLResponse, JSONResponse, Response
from pydantic import BaseModel, Field
from sqlalchemy.ext.asyncio import AsyncConnection

from cim.errors import BadRequest, StoreConflict
from cim.model.access import Grade, Operation
from cim.model.warning_course import CallState, HeldWarning, WarningState, answer_within
from cim.model.warning_documents import call_document, step_document
from cim.policy.policy import read_context
from cim.policy.rows import require_with
from cim.sensors.warning_channels import call_out
from cim.store import warning_calls as calling
from cim.store import warnings as store
from cim.store.audits import record
from cim.store.warning_contacts import CONTACTS
from web.state import Caller, ServerState, caller
from web.warnings.calling import whom_to_call

router = APIRouter(tags=["warnings"])
Who = Annotated[Caller, Depends(caller)]
Token = Annotated[str, Path(min_length=20, max_length=100, pattern=r"^[\w-]+$")]
Number = Annotated[int, Path(gt=0, lt=2**63)]
TOLD_WITHOUT = 100
_PRIVATE = {"cache-control": "private, no-store"}


class Confirmation(BaseModel, extra="forbid"):
    """Who answered, where an officer confirms on his behalf, and what he said."""

    by: str = Field("", max_length=100, pattern=r"^[^\x00]*$")
    note: str = Field("", max_length=2_000, pattern=r"^[^\x00]*$")


@router.post("/warnings/{code}/calls", summary="Call people about a warning")
async def make(code: str, who: Who) -> Response:
    """Make the call list of a warning in force and call; again calls only who was not called yet.

    ``without`` are regions and points nobody answers for in the directory, ``missing`` layers that were not looked at.
    """
    who.require(Operation.IMPORT)
    decisions = {one.collection.id: one for one in who.readable()}
    async with who.state.database.reading(read_context(who.principal, who.request_id)) as connection:
        held = await store.the_warning(connection, code)
        require_with(who.principal, Operation.IMPORT, Grade(held.grade), held.region_code)
        directory = who.decide(CONTACTS)
        area = await store.warning_area(connection, code)
        if area is None:
            raise BadRequest(
                "the warning has no area: nobody can be called", where="warning", remedy="see its findings"
            )
        if held.state is not WarningState.ACTIVE:
            raise StoreConflict(
                f"the warning is {held.state}: nobody is called", where="warning", remedy="call for one in force"
            )
        found = await whom_to_call(connection, decisions, directory, area)
    async with who.state.database.writing(who.request_id) as connection:
        within = answer_within(held.colour)
        made = await calling.make_calls(connection, code, found.calls.calls, grade=found.grade, within=within)
        channels = await call_out(connection, held, made, who.principal.name)
        detail = {"called": len(made), "people": len(found.calls.calls), "channels": channels, "drill": held.drill}
        await _record(connection, who, "warning calls", code, detail)
    without = found.calls.without
    body = {
        "drill": held.drill,
        "warning": code,
        "title": held.title,
        "called": len(made),
        "already_called": len(found.calls.calls) - len(made),
        "answer_within_min": within.total_seconds() / 60,
        "channels": channels,
        "calls": [call_document(one, held.drill, phone=True) for one in made],
        "without_count": len(without),
        "without": [one.document() for one in without[:TOLD_WITHOUT]],
        "missing": list(found.missing),
    }
    return JSONResponse(body, headers=_PRIVATE)


@router.get("/warnings/{code}/calls", summary="The calls of a warning")
async def calls(code: str, who: Who) -> Response:
    """Who was called, by when to confirm, who did; phones only for who may see them in the directory."""
    async with who.state.database.reading(read_context(who.principal, who.request_id)) as connection:
        held = await store.the_warning(connection, code)
        found = await store.calls_of(connection, code)
        receipts = [step for step in await store.history(connection, code) if step.call is not None]
    directory = next((one for one in who.readable() if one.collection.id == CONTACTS), None)
    phone = directory is not None and "phone" in directory.field_names
    counts = {str(state): sum(call.state is state for call in found) for state in CallState}
    body = {
        "drill": held.drill,
        "warning": code,
        "title": held.title,
        "counts": counts,
        "calls": [call_document(one, held.drill, phone=phone) for one in found],
        "receipts": [step_document(step) for step in receipts],
    }
    return JSONResponse(body, headers=_PRIVATE)


@router.post("/warnings/{code}/calls/{number}/confirm", summary="Confirm a call on somebody's behalf")
async def confirm(code: str, number: Number, who: Who, given: Confirmation | None = None) -> dict[str, Any]:
    """Note that somebody answered, by telephone for example; kept with the officer's name."""
    told = given or Confirmation.model_validate({})
    async with who.state.database.reading(read_context(who.principal, who.request_id)) as connection:
        held = await store.the_warning(connection, code)
        call = await store.the_call(connection, code, number)
    require_with(who.principal, Operation.IMPORT, Grade(call.grade), call.region_code)
    async with who.state.database.writing(who.request_id) as connection:
        actor = f"{told.by.strip() or call.name} ({who.principal.name})"
        done = await calling.confirm(connection, number, actor, "officer", told.note.strip())
        await _record(connection, who, "warning call confirmed", code, {"call": number, "by": actor})
    return call_document(done, held.drill, phone=False)


@router.get("/warnings/confirm/{token}", summary="The page of a call")
async def page(token: Token, request: Request) -> Response:
    """What the person who was called sees; opening it confirms nothing, as programs open links too."""
    state: ServerState = request.app.state.server
    async with state.database.writing("confirm") as connection:
        call = await calling.call_of_token(connection, token)
        held = await store.the_warning(connection, call.warning)
    return _page(held, call.name, call.state)


@router.post("/warnings/confirm/{token}", summary="Confirm a call")
async def confirm_by_token(token: Token, request: Request) -> Response:
    """Confirm the call that the link was sent for; needs no account."""
    state: ServerState = request.app.state.server
    async with state.database.writing("confirm") as connection:
        call = await calling.call_of_token(connection, token)
        done = await calling.confirm(connection, call.id, call.name, "link")
        held = await store.the_warning(connection, call.warning)
        await record(
            connection,
            actor=f"call:{call.id}",
            role="called",
            action="warning call confirmed",
            subject=call.warning,
            request_id=request.scope.get("request_id", ""),
            detail={"call": call.id, "by": call.name},
        )
    return _page(held, done.name, done.state)


def _page(held: HeldWarning, name: str, state: CallState) -> HTMLResponse:
    """A page that works without scripts, on any telephone."""
    words = {
        CallState.CONFIRMED: "已确认收到 Confirmed",
        CallState.WITHDRAWN: "预警已解除，无需确认 The warning is over",
    }
    button = '<form method="post"><button style="font-size:1.5em;padding:.6em 1.2em">确认收到 Confirm</button></form>'
    below = f"<p><strong>{words[state]}</strong></p>" if state in words else button
    text = (
        '<!doctype html><html lang="zh"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f'<title>{escape(held.title)}</title><body style="font-family:sans-serif;margin:1em;font-size:1.1em">'
        f"<h1>{escape(held.title)}</h1><p>{escape(name)}</p>{below}</body></html>"
    )
    guard = "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'"
    headers = {"cache-control": "no-store", "referrer-policy": "no-referrer", "content-security-policy": guard}
    return HTMLResponse(text, headers=headers)


async def _record(connection: AsyncConnection, who: Caller, action: str, code: str, detail: dict[str, Any]) -> None:
    await record(
        connection,
        actor=who.principal.name,
        role=who.principal.role,
        action=action,
        subject=code,
        request_id=who.request_id,
        detail=detail,
    )
