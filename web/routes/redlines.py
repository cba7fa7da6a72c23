"""Red lines: hand a file in, and use the id it gets as the area of an analysis."""

import asyncio
import json
from typing import Annotated, Any

import shapely
from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import JSONResponse

from cim.analysis.area import red_line_from_geojson
from cim.errors import BadRequest, ImportRefused, StoreUnavailable, TooLarge
from cim.model.redline import RedLine, checked
from cim.store import analysis_jobs as jobs
from cim.store import redlines as store
from cim.store.database import Database
from web.analysing import author_of
from web.phrases import Language, told
from web.problems import language_of
from web.queue import READ_REDLINE, put_analysis
from web.receiving import receive
from web.state import Caller, caller

router = APIRouter(tags=["redlines"])
Who = Annotated[Caller, Depends(caller)]
WAIT_S, LOOK_EVERY_S = 60.0, 0.05
MOST_GEOJSON_BYTES = 20 * 1024 * 1024
MOST_FILE_BYTES = 64 * 1024 * 1024


@router.post("/redlines", status_code=201, summary="Hand a red line in")
async def hand_in(
    request: Request,
    who: Who,
    crs: Annotated[str | None, Query(max_length=2_000, description="the system of a file that does not say it")] = None,
    apart: Annotated[bool, Query(description="for batches: parcels may overlap, and be many")] = False,
) -> JSONResponse:
    """Take a red line: a file (multipart field ``file``: national TXT, zipped Shapefile, DXF, GeoPackage, GeoJSON ...).

    GeoJSON may also be the body itself. The worker reads the file, in the sandbox; what cannot be used is refused,
    naming parcel and point, and nothing is kept.
    """
    author = author_of(who.principal)
    kind = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if kind in ("application/json", "application/geo+json"):
        red_line = await asyncio.to_thread(_from_geojson, await _body(request), apart=apart)
        async with who.state.database.writing(who.request_id) as connection:
            redline = await store.keep_redline(connection, red_line, author)
    else:
        redline = await _read_file(request, who, crs, apart=apart)
    document = await _document(request, who, redline, author)
    return JSONResponse(document, 201, {"location": f"{who.base}/redlines/{redline}"})


@router.get("/redlines/{redline}", summary="One red line")
async def one_red_line(redline: str, request: Request, who: Who) -> dict[str, Any]:
    """A red line of the caller's, with its parcels as GeoJSON."""
    return await _document(request, who, redline, author_of(who.principal))


@router.delete("/redlines/{redline}", status_code=204, summary="Forget a red line")
async def forget(redline: str, who: Who) -> None:
    """Remove a red line of the caller's."""
    async with who.state.database.writing(who.request_id) as connection:
        await store.forget_redline(connection, redline, author_of(who.principal))


async def _body(request: Request) -> bytes:
    """The request's body; TooLarge as soon as it is over the limit."""
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > MOST_GEOJSON_BYTES:
            raise TooLarge("the GeoJSON is over 20 MB", where="body", remedy="send it as a file, or in parts")
    return bytes(body)


def _from_geojson(body: bytes, *, apart: bool) -> RedLine:
    try:
        value = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise BadRequest(f"the body is not JSON: {error}"[:200], where="body", remedy="send GeoJSON") from error
    return checked(red_line_from_geojson(value), apart=apart)


async def _read_file(request: Request, who: Caller, crs: str | None, *, apart: bool) -> str:
    """Receive a file, have the worker read it, and wait for the red line; the file is gone afterwards."""
    received = await receive(request, who, most_bytes=MOST_FILE_BYTES)
    inputs = {"folder": received.upload, "name": received.name, "crs": crs, "apart": apart}
    principal = who.principal
    try:
        async with who.state.database.writing(who.request_id) as connection:
            job = await jobs.add_job(connection, READ_REDLINE, "1", inputs, principal.name, principal.role)
        await put_analysis(who.state.queue, READ_REDLINE, job)
        return await _result(who.state.database, job)
    finally:
        who.state.files.remove_upload(received.upload)


async def _result(database: Database, job: str) -> str:
    """The id of the red line that the worker read, once it has; raises what stands against it."""
    try:
        for _ in range(int(WAIT_S / LOOK_EVERY_S)):
            await asyncio.sleep(LOOK_EVERY_S)
            async with database.writing() as connection:
                found = await jobs.the_job(connection, job, with_answer=True)
            if found.answer is not None:
                return str(found.answer["redline"])
            if found.status == "failed":
                fault = json.loads(found.message)
                raise ImportRefused(fault["code"], fault["what"], where=fault["where"], remedy=fault["remedy"])
    finally:
        async with database.writing() as connection:
            await jobs.forget_job(connection, job)
    raise StoreUnavailable("the file was not read within a minute", remedy="see whether the worker runs (cim doctor)")


async def _document(request: Request, who: Caller, redline: str, author: str) -> dict[str, Any]:
    async with who.state.database.writing(who.request_id) as connection:
        found = await store.the_redline(connection, redline, author)
    language = language_of(request.headers.get("accept-language"))
    return await asyncio.to_thread(redline_document, redline, found, language)


def redline_document(redline: str, found: RedLine, language: Language) -> dict[str, Any]:
    """A red line as JSON: id, parcels with their areas, what was noted while reading, and its shapes as GeoJSON."""
    areas = found.areas_m2()
    texts = shapely.to_geojson(found.lonlat())
    parcels = [
        {
            "number": parcel.number,
            "name": parcel.name,
            "use": parcel.use,
            "area_m2": round(float(area), 2),
            "declared_m2": parcel.declared_m2,
        }
        for parcel, area in zip(found.parcels, areas, strict=True)
    ]
    features = [
        {"type": "Feature", "geometry": json.loads(text), "properties": {"parcel_no": p["number"], "name": p["name"]}}
        for text, p in zip(texts, parcels, strict=True)
    ]
    return {
        "id": redline,
        "name": found.name,
        "crs": f"EPSG:{found.srid}",
        "crs_evidence": told(found.evidence, language),
        "sha256": found.digest,
        "parcels": parcels,
        "area_m2": round(float(areas.sum()), 2),
        "problems": [told(note, language) for note in found.notes],
        "geojson": {"type": "FeatureCollection", "features": features},
    }
