"""Warnings: lists, one with what it says and affects, taking messages of CAP, drafts from alarms, issuing."""

from datetime import datetime
from typing import Annotated, Any, Literal
from urllib.parse import quote, urlencode

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import JSONResponse, Response
from sqlalchemy.ext.asyncio import AsyncConnection

from cim.errors import BadRequest, StoreConflict
from cim.model.access import Grade, Operation
from cim.model.alarms import Severity as Colour
from cim.model.warning_course import HeldWarning, WarningState
from cim.model.warning_documents import alert_document, step_document, warning_document, warning_feature
from cim.model.warning_ids import parsed_id
from cim.model.warning_reading import MOST_BYTES, read_alert
from cim.model.warning_xml import MEDIA_TYPE, alert_xml
from cim.model.warnings import Status
from cim.policy.policy import read_context
from cim.policy.rows import require_with
from cim.sensors.warning_channels import tell
from cim.store import warnings as store
from cim.store.alarms import the_alarm
from cim.store.audits import record
from cim.store.warning_writing import Kept, NewWarning, discard_draft, issue_draft, keep_warning, lock_warnings
from web.parameters import parse_bbox, parse_datetime
from web.phrases import Language, told
from web.problems import language_of
from web.state import Caller, caller
from web.warnings.affected import affected
from web.warnings.atom import ATOM_TYPE, atom_feed
from web.warnings.bodies import form_of, whole_body
from web.warnings.forms import DraftForm, IssueForm, WarningForm
from web.warnings.issuing import drafted, filled_in, issued
from web.warnings.taking import judged, require_media

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
        _place(after),
        limit + 1,
        features,
    )
    async with who.state.database.reading(read_context(who.principal, who.request_id)) as connection:
        found = await store.warnings(connection, query)
    page, more = found[:limit], len(found) > limit
    links = [{"rel": "next", "href": _next(request, who.base, page[-1])}] if more else []
    if features:
        body = {"type": "FeatureCollection", "features": [warning_feature(one) for one in page], "links": links}
        return JSONResponse(body, headers=_PRIVATE, media_type=GEOJSON)
    language = language_of(request.headers.get("accept-language"))
    return JSONResponse({"warnings": [_told(one, language) for one in page], "links": links}, headers=_PRIVATE)


@router.get("/warnings.atom", summary="Warnings in force as a feed of Atom")
async def atom(who: Who) -> Response:
    """The warnings in force that the caller may see, the newest hundred; drills are marked."""
    query = store.WarningQuery(states=(WarningState.ACTIVE,))
    async with who.state.database.reading(read_context(who.principal, who.request_id)) as connection:
        found = await store.warnings(connection, query)
    return Response(atom_feed(found, who.base), media_type=ATOM_TYPE, headers=_PRIVATE)


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
    body = {**_told(held, language), "geometry": held.geometry, "national_id": parsed_id(held.identifier) is not None}
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
    document = {**_told(held, language_of(request.headers.get("accept-language"))), "new": kept.new}
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


def _told(warning: HeldWarning, language: Language) -> dict[str, Any]:
    document = warning_document(warning)
    return {**document, "findings": [told(text, language) for text in warning.findings]}


def _place(text: str | None) -> store.Place | None:
    if text is None:
        return None
    moment, _, code = text.partition("~")
    try:
        at = datetime.fromisoformat(moment)
    except ValueError:
        at = None
    if at is None or at.tzinfo is None or not code or "\0" in code:
        raise BadRequest(f"{text[:60]!r} is not where a page ended", where="after", remedy="follow the link next")
    return at, code


def _next(request: Request, base: str, last: HeldWarning) -> str:
    asked = [(name, value) for name, value in request.query_params.multi_items() if name != "after"]
    return f"{base}/warnings?{urlencode([*asked, ('after', f'{last.sent.isoformat()}~{last.code}')])}"
