"""Situation reports of incidents as DOCX, with map sheets."""

import asyncio
from datetime import UTC, datetime
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Depends, Query
from fastapi.responses import Response

from cim.policy.policy import read_context
from cim.store.incidents import the_state
from web.incidents.pictures import situation_pictures
from web.incidents.report_docx import situation_docx
from web.incidents.situation import REPORTS, ReportKind, situation
from web.reports.readiness import Readiness
from web.reports.render import MEDIA_TYPES
from web.state import Caller, caller

router = APIRouter(tags=["incidents"])


@router.get("/incidents/{code}/report", summary="A situation report as DOCX", response_class=Response)
async def report(
    code: str, who: Annotated[Caller, Depends(caller)], kind: Annotated[ReportKind, Query()] = "first"
) -> Response:
    """A first report, a follow-up since the last one that went out, or a final report, with what the caller may see.

    That it went out is an entry of its own.
    """
    async with Readiness("docx", who.state.sheet_pool):
        async with who.state.database.reading(read_context(who.principal, who.request_id)) as connection:
            state = await the_state(connection, code)
        content = situation(state, kind, datetime.now(UTC), who.principal.name)
        pictures = await situation_pictures(who, state)
    document = await asyncio.to_thread(situation_docx, content, pictures)
    name = quote(f"{'演练-' if state.incident.drill else ''}{code}-{REPORTS[kind]}.docx")
    headers = {
        "cache-control": "private, no-store",
        "content-disposition": f"attachment; filename=\"{code}.docx\"; filename*=UTF-8''{name}",
    }
    return Response(document, media_type=MEDIA_TYPES["docx"], headers=headers)
