"""Importing over the web: hand files in, read what is in them, start, watch and cancel the import.

The web process only receives and queues; ``cim worker`` reads the files, in the sandbox.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import JSONResponse, StreamingResponse
from pydantic import BaseModel, Field

from cim.errors import BadRequest, NotFound, StoreConflict
from cim.model.access import Operation
from cim.model.collection import ImportMode
from cim.policy.policy import require
from cim.store import uploads as store
from web.phrases import Language, told
from web.queue import IMPORT, INSPECT, put
from web.receiving import receive
from web.state import Caller, caller

router = APIRouter(tags=["imports"])
Who = Annotated[Caller, Depends(caller)]
EVENT_EVERY_S = 0.4
KEEP_ALIVE_S = 15.0
RESTING = frozenset({"inspected", *store.ENDED})


class GivenPlacement(BaseModel, extra="forbid"):
    """How a model's frame lies on the map, found by control points; see ``cim.model.bim.Placement``."""

    srid: int = Field(ge=1024, le=999_999)
    east_m: float = Field(allow_inf_nan=False)
    north_m: float = Field(allow_inf_nan=False)
    height_m: float = Field(allow_inf_nan=False)
    abscissa: float = Field(ge=-1, le=1)
    ordinate: float = Field(ge=-1, le=1)
    scale: float = Field(default=1.0, gt=0.9, lt=1.1)
    height_datum: str | None = Field(default=None, max_length=40)


Degrees = Annotated[float, Field(ge=-360, le=360, allow_inf_nan=False)]
Metres = Annotated[float, Field(ge=-12_000, le=12_000, allow_inf_nan=False)]


class StartOptions(BaseModel, extra="forbid"):
    """How an upload is imported; the words are those of ``cim import``."""

    layer: str | None = Field(default=None, max_length=48, pattern=r"^[a-z][a-z0-9_-]*$")
    crs: str | None = Field(default=None, max_length=2_000)
    timezone: str | None = Field(default=None, max_length=64)
    encoding: str | None = Field(default=None, max_length=40)
    mode: Literal["replace", "upsert", "append"] = ImportMode.REPLACE.value
    key: str | None = Field(default=None, max_length=63)
    split: bool = False
    height_datum: str | None = Field(default=None, max_length=40)
    fields: dict[str, str] = Field(default_factory=dict, description="the file's field -> the layer's field")
    building_code: str | None = Field(default=None, max_length=100, description="of a building model: its building")
    cim_level: int | None = Field(default=None, ge=1, le=7, description="of a building model: how fine it is")
    place: tuple[Degrees, Degrees, Metres, Degrees] | None = Field(
        default=None, description="of a mesh or set of tiles: longitude, latitude, height and heading of its own origin"
    )
    placement: GivenPlacement | None = Field(default=None, description="of a building model: instead of the file's own")


@router.post("/imports", status_code=201, summary="Hand a file in")
async def hand_in(request: Request, who: Who) -> JSONResponse:
    """Receive a file (multipart field ``file``; the parts of a Shapefile together) and queue its inspection.

    ``sha256`` as a further field is compared with what arrived. Nothing is imported before ``start``.
    """
    require(who.principal, Operation.IMPORT)
    received = await receive(request, who)
    async with who.state.database.writing(who.request_id) as connection:
        await store.add_upload(
            connection,
            id=received.upload,
            name=received.name,
            sha256=received.sha256,
            bytes=received.bytes,
            author=who.principal.name,
            role=who.principal.role,
        )
    await put(who.state.queue, INSPECT, received.upload)
    document = _document(await _own(received.upload, who), who)
    return JSONResponse(document, 201, {"location": f"{who.base}/imports/uploads/{received.upload}"})


@router.get("/imports/uploads", summary="The caller's uploads")
async def listed(
    who: Who, limit: Annotated[int, Query(ge=1, le=200)] = 50, lang: Language = "en"
) -> dict[str, list[dict[str, Any]]]:
    """Newest first; administrators see everybody's."""
    require(who.principal, Operation.IMPORT)
    async with who.state.database.writing(who.request_id) as connection:
        found = await store.newest_uploads(connection, None if _sees_all(who) else who.principal.name, limit)
    return {"uploads": [_document(entry, who, lang) for entry in found]}


@router.get("/imports/uploads/{upload}", summary="One upload")
async def one(upload: str, who: Who, lang: Language = "en") -> dict[str, Any]:
    """Where an upload stands: its inspection, options, progress and the imports it became."""
    return _document(await _own(upload, who), who, lang)


@router.post("/imports/uploads/{upload}/start", status_code=202, summary="Import an upload")
async def start(upload: str, options: StartOptions, who: Who) -> dict[str, Any]:
    """Queue the import; it may be repeated with other options once it has ended."""
    entry = await _own(upload, who)
    if entry["inspection"] is None:
        raise StoreConflict(
            "the upload has not been looked into yet, or cannot be read", where=upload, remedy="see its status"
        )
    async with who.state.database.writing(who.request_id) as connection:
        await store.start_upload(connection, upload, options.model_dump())
    await put(who.state.queue, IMPORT, upload)
    return _document(await _own(upload, who), who)


@router.delete("/imports/uploads/{upload}", summary="Cancel or remove an upload")
async def remove(upload: str, who: Who) -> dict[str, Any]:
    """Stop an import under way, of which nothing then becomes visible; or remove an upload that rests."""
    entry = await _own(upload, who)
    async with who.state.database.writing(who.request_id) as connection:
        removed = await store.remove_upload(connection, upload)
        if not removed:
            await store.ask_to_cancel(connection, upload)
    if removed:
        who.state.files.remove_upload(upload)
        return _document({**entry, "status": "removed"}, who)
    return _document(await _own(upload, who), who)


@router.get("/imports/uploads/{upload}/events", summary="Progress of an upload")
async def events(upload: str, request: Request, who: Who, lang: Language = "en") -> StreamingResponse:
    """Server-sent events: the upload's document whenever it changed; the stream ends when the upload rests."""
    await _own(upload, who)
    headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
    return StreamingResponse(_follow(upload, request, who, lang), media_type="text/event-stream", headers=headers)


async def _follow(upload: str, request: Request, who: Caller, lang: Language) -> AsyncIterator[str]:
    sent, quiet_s = "", 0.0
    while not await request.is_disconnected():
        try:
            entry = await _own(upload, who)
        except NotFound:
            yield "event: removed\ndata: {}\n\n"
            return
        text = json.dumps(_document(entry, who, lang), ensure_ascii=False)
        if text != sent:
            sent, quiet_s = text, 0.0
            yield f"event: upload\ndata: {text}\n\n"
        if entry["status"] in RESTING:
            yield "event: rest\ndata: {}\n\n"
            return
        await asyncio.sleep(EVENT_EVERY_S)
        quiet_s += EVENT_EVERY_S
        if quiet_s >= KEEP_ALIVE_S:
            quiet_s = 0.0
            yield ": still here\n\n"


async def _own(upload: str, who: Caller) -> dict[str, Any]:
    """An upload the caller may see; another's is as good as none."""
    require(who.principal, Operation.IMPORT)
    if len(upload) > 64:
        raise BadRequest("this is no upload's id", where="upload", remedy="GET /imports/uploads lists them")
    async with who.state.database.writing(who.request_id) as connection:
        entry = await store.the_upload(connection, upload)
    if entry["author"] != who.principal.name and not _sees_all(who):
        raise NotFound(f"there is no upload {upload!r}", where="upload", remedy="POST /imports begins one")
    return entry


def _sees_all(who: Caller) -> bool:
    return any(Operation.ADMINISTER in right.operations for right in who.principal.rights)


def _document(entry: dict[str, Any], who: Caller, lang: Language = "en") -> dict[str, Any]:
    times = {name: entry[name].isoformat() if entry[name] else None for name in ("created_at", "finished_at")}
    shown = (
        "id",
        "name",
        "sha256",
        "bytes",
        "author",
        "status",
        "inspection",
        "options",
        "progress",
        "runs",
        "message",
    )
    href = f"{who.base}/imports/uploads/{entry['id']}"
    links = [{"rel": "self", "href": href}, {"rel": "monitor", "href": f"{href}/events"}]
    links += [{"rel": "import", "href": f"{who.base}/imports/{run}"} for run in entry["runs"]]
    document = {**{name: entry[name] for name in shown}, **times, "links": links}
    document["message"] = told(entry["message"], lang)
    document["inspection"] = _inspection_told(entry["inspection"], lang)
    return document


def _inspection_told(inspection: dict[str, Any] | None, lang: Language) -> dict[str, Any] | None:
    if inspection is None or lang == "en":
        return inspection
    layers = [
        {
            **layer,
            "problems": [{**one, "message": told(one["message"], lang)} for one in layer["problems"]],
            "would_not_load": [told(message, lang) for message in layer["would_not_load"]],
        }
        for layer in inspection["layers"]
    ]
    return {**inspection, "layers": layers}
