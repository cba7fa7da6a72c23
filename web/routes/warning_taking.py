"""Taking messages of CAP, issuing what a form says, drafts from alarms."""

from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import JSONResponse, Response
from sqlalchemy.ext.asyncio import AsyncConnection

from cim.errors import StoreConflict
from cim.model.access import Grade, Operation
from cim.model.warning_course import HeldWarning, WarningState
from cim.model.warning_reading import MOST_BYTES, read_alert
from cim.model.warning_xml import alert_xml
from cim.model.warnings import Status
from cim.policy.policy import read_context
from cim.policy.rows import require_with
from cim.sensors.warning_channels import tell
from cim.store import warnings as store
from cim.store.alarms import the_alarm
from cim.store.audits import record
from cim.store.warning_writing import Kept, NewWarning, discard_draft, issue_draft, keep_warning, lock_warnings
from web.problems import language_of
from web.state import Caller, caller
from web.warnings.answers import warning_told
from web.warnings.bodies import form_of, whole_body
from web.warnings.forms import DraftForm, IssueForm, WarningForm
from web.warnings.issuing import drafted, filled_in, issued
from web.warnings.taking import judged, require_media

router = APIRouter(tags=["warnings"])
Who = Annotated[Caller, Depends(caller)]


@router.post("/warnings", status_code=201, summary="Take or issue a warning")
async def take(who: Who, request: Request) -> Response:
    """Keep a message of CAP 1.2 (``application/cap+xml``), or issue what the form (``application/json``) says.

    201 for a new one, 200 for one that is held already; what is to be said of it stands in ``findings``.
    """
    who.require(Operation.IMPORT)
    kind = require_media(request.headers.get("content-type", ""))
    body = await whole_body(request, MOST_BYTES)
    given = read_alert(body) if kind == "xml" else form_of(WarningForm, body)
    async with who.state.database.writing(who.request_id) as connection:
        await lock_warnings(connection)
        if isinstance(given, WarningForm):
            alert, said = await filled_in(connection, given, who.state.settings.warning_issuer)
            action = "drafted" if alert.status is Status.DRAFT else "issued"
            new = await judged(connection, alert, alert_xml(alert), who.principal.name, action=action, more=said)
        else:
            new = await judged(connection, given, body, who.principal.name)
        kept = await _kept(connection, who, new)
    return await _answer(who, request, kept)


@router.post("/warnings/drafts", status_code=201, summary="A draft from an alarm")
async def draft(
    who: Who, request: Request, alarm: Annotated[str, Query(max_length=100)], form: DraftForm | None = None
) -> Response:
    """Fill in a warning from an alarm: its event, its colour, a circle around its device. It is not sent anywhere."""
    who.require(Operation.IMPORT)
    async with who.state.database.reading(read_context(who.principal, who.request_id)) as connection:
        found = await the_alarm(connection, alarm)
    require_with(who.principal, Operation.IMPORT, Grade(found.grade), found.region_code)
    async with who.state.database.writing(who.request_id) as connection:
        await lock_warnings(connection)
        wanted = form or DraftForm.model_validate({})
        alert, said = await drafted(connection, found, wanted, who.state.settings.warning_issuer)
        name = who.principal.name
        new = await judged(connection, alert, alert_xml(alert), name, action="drafted", alarm=alarm, more=said)
        kept = await _kept(connection, who, new, Operation.IMPORT)
    return await _answer(who, request, kept)


@router.post("/warnings/{code}/issue", summary="Issue a draft")
async def issue(code: str, form: IssueForm, who: Who, request: Request) -> Response:
    """Send a draft out, as the real thing or as a drill, which has to be said; needs the right to publish."""
    await _visible(who, code)
    async with who.state.database.writing(who.request_id) as connection:
        await lock_warnings(connection)
        held = await store.the_warning(connection, code)
        if held.state is not WarningState.DRAFT:
            raise StoreConflict("the warning is no draft", where="warning", remedy="read the warning again")
        alert = issued(read_alert(await store.original_of(connection, code)), form)
        new = await judged(connection, alert, alert_xml(alert), who.principal.name, action="issued", alarm=held.alarm)
        require_with(who.principal, Operation.PUBLISH, Grade(new.grade), new.region_code)
        kept = await issue_draft(connection, code, new)
        await _record(connection, who, "warning issued", kept.code, {"status": alert.status})
        await tell(connection, await store.the_warning(connection, code), kept.steps)
    return await _answer(who, request, kept)


@router.post("/warnings/{code}/discard", status_code=204, summary="Put a draft aside")
async def discard(code: str, who: Who) -> None:
    """Put a draft aside; it stays in the history."""
    held = await _visible(who, code)
    require_with(who.principal, Operation.IMPORT, Grade(held.grade), held.region_code)
    async with who.state.database.writing(who.request_id) as connection:
        await discard_draft(connection, code, who.principal.name)
        await _record(connection, who, "warning draft discarded", code, {})


async def _kept(
    connection: AsyncConnection, who: Caller, new: NewWarning, operation: Operation = Operation.PUBLISH
) -> Kept:
    """Keep a message with the right for it, tell the channels, and write it down."""
    require_with(who.principal, operation, Grade(new.grade), new.region_code)
    kept = await keep_warning(connection, new)
    if kept.new:
        detail = {"status": new.alert.status, "kind": new.alert.kind, "identifier": new.alert.identifier}
        await _record(connection, who, f"warning {new.action}", kept.code, detail)
        await tell(connection, await store.the_warning(connection, kept.code), kept.steps)
    return kept


async def _answer(who: Caller, request: Request, kept: Kept) -> Response:
    async with who.state.database.writing(who.request_id) as connection:
        held = await store.the_warning(connection, kept.code)
    document = {**warning_told(held, language_of(request.headers.get("accept-language"))), "new": kept.new}
    headers = {"location": f"{who.base}/warnings/{quote(kept.code)}", "cache-control": "no-store"}
    return JSONResponse(document, status_code=201 if kept.new else 200, headers=headers)


async def _visible(who: Caller, code: str) -> HeldWarning:
    async with who.state.database.reading(read_context(who.principal, who.request_id)) as connection:
        return await store.the_warning(connection, code)


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
