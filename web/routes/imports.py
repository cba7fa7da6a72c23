"""Imports: the newest ones, one with its checks, its faults as GeoJSON, and its report for people."""

import json
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query
from fastapi.responses import HTMLResponse, JSONResponse, Response

from cim.errors import NotFound
from cim.model.access import Operation
from cim.policy.policy import require
from cim.store.runs import faults_of, latest_runs, the_run
from web.import_report import report_html, report_workbook
from web.phrases import Language, run_told, told
from web.state import Caller, caller

router = APIRouter(tags=["imports"])
Who = Annotated[Caller, Depends(caller)]
GEOJSON = "application/geo+json"
WORKBOOK = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
REPORT_FAULTS = 50_000


@router.get("/imports", summary="The newest imports")
async def imports(
    who: Who, layer: str | None = None, limit: Annotated[int, Query(ge=1, le=200)] = 50, lang: Language = "en"
) -> dict[str, list[dict[str, Any]]]:
    """Newest first, for those who may import; of layers the caller may see."""
    require(who.principal, Operation.IMPORT)
    async with who.state.database.writing(who.request_id) as connection:
        found = await latest_runs(connection, limit, layer)
    return {"imports": [_document(run, lang) for run in found if _may_see(who, run)]}


@router.get("/imports/{number}", summary="One import")
async def one_import(number: int, who: Who, lang: Language = "en") -> dict[str, Any]:
    """An import with its account, findings, checks and lineage; messages in English, or in Chinese with ``lang=zh``."""
    return _document(await _run(number, who), lang)


@router.get("/imports/{number}/faults", summary="Faults of an import")
async def faults(
    number: int,
    who: Who,
    limit: Annotated[int, Query(ge=1, le=10_000)] = 1_000,
    after: Annotated[int, Query(ge=0)] = 0,
    lang: Language = "en",
) -> JSONResponse:
    """Faults with their places as GeoJSON in longitude and latitude, by number."""
    await _run(number, who)
    async with who.state.database.writing(who.request_id) as connection:
        found = await faults_of(connection, number, limit, after)
    features = [
        {
            "type": "Feature",
            "id": fault["number"],
            "properties": {
                **{key: fault[key] for key in ("rule", "action", "row")},
                "message": told(fault["message"], lang),
            },
            "geometry": json.loads(fault["geometry"]) if fault["geometry"] else None,
        }
        for fault in found
    ]
    links = []
    if len(found) == limit:
        href = f"{who.base}/imports/{number}/faults?limit={limit}&after={found[-1]['number']}"
        links.append({"rel": "next", "href": href, "type": GEOJSON})
    document = {"type": "FeatureCollection", "features": features, "numberReturned": len(features), "links": links}
    return JSONResponse(document, media_type=GEOJSON)


@router.get("/imports/{number}/report.{kind}", summary="Report of an import")
async def report(number: int, kind: Literal["html", "xlsx"], who: Who, lang: Language = "zh") -> Response:
    """The report for people, as a page or a workbook."""
    run = run_told(await _run(number, who), lang)
    async with who.state.database.writing(who.request_id) as connection:
        rows = await faults_of(connection, number, REPORT_FAULTS)
    found = [{**fault, "message": told(fault["message"], lang)} for fault in rows]
    if kind == "html":
        policy = "default-src 'none'; style-src 'unsafe-inline'"
        return HTMLResponse(report_html(run, found), headers={"content-security-policy": policy})
    headers = {"content-disposition": f'attachment; filename="import-{number}.xlsx"'}
    return Response(report_workbook(run, found), media_type=WORKBOOK, headers=headers)


async def _run(number: int, who: Caller) -> dict[str, Any]:
    require(who.principal, Operation.IMPORT)
    async with who.state.database.writing(who.request_id) as connection:
        run = await the_run(connection, number)
    if run is None or not _may_see(who, run):
        raise NotFound(f"there is no import {number}", where="number", remedy="/imports lists the newest")
    return run


def _may_see(who: Caller, run: dict[str, Any]) -> bool:
    """A run of a layer that exists is as visible as the layer; one that made none, as visible as a draft."""
    readable = {decision.collection.id for decision in [*who.readable(), *who.models()]}
    live = who.state.live
    return run["layer"] in readable or run["layer"] not in {**live.collections, **live.models}


def _document(run: dict[str, Any], lang: Language) -> dict[str, Any]:
    kept = {key: value for key, value in run_told(run, lang).items() if key not in {"started_at", "finished_at"}}
    finished = run["finished_at"].isoformat() if run["finished_at"] else None
    return {**kept, "started_at": run["started_at"].isoformat(), "finished_at": finished}
