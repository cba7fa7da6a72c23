"""Devices of the city: lists, the map at a glance, the directory, uptime, one device, its series, its binding."""

import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Path, Query, Request
from fastapi.responses import JSONResponse, Response
from sqlalchemy.ext.asyncio import AsyncConnection

from cim.errors import AnswerTooLarge, BadRequest
from cim.model.access import Operation
from cim.model.device_kinds import placements
from cim.policy.policy import read_context
from cim.store.device_figures import UptimeBy, device_counts, latest_columns, uptime
from cim.store.device_order import ordered_page
from cim.store.device_streams import streams_of
from cim.store.devices import DeviceQuery, aliases_of, count_devices, page_of_devices
from cim.store.regions import region_names
from web.device_answers import (
    LEVELS,
    alias_document,
    code_lists,
    counts_tree,
    csv_text,
    device_document,
    device_feature,
    devices_csv,
    stream_document,
    uptime_rows,
)
from web.device_binding import BindingPatch, patched
from web.device_pages import order_of, place_of, token_of
from web.device_series import SeriesParameters, series_document, span_of_request, the_series
from web.devices import DevicePage, PostedFilters, device_query, may_see, the_properties
from web.items import page_address
from web.state import Caller, caller
from web.things import the_device

router = APIRouter(tags=["devices"])
Who = Annotated[Caller, Depends(caller)]
Code = Annotated[str, Path(max_length=200, description="the code of a device, or an alias of it")]
MOST_IN_FILE = 100_000
TIMEOUT_MS = 60_000
LONGEST = timedelta(days=400)
GEOJSON = "application/geo+json"
PRIVATE = {"cache-control": "private, no-cache"}


@asynccontextmanager
async def _reading(who: Caller, timeout_ms: int = 15_000) -> AsyncIterator[AsyncConnection]:
    async with who.state.database.reading(read_context(who.principal, who.request_id, timeout_ms)) as connection:
        yield connection


@router.get("/devices", summary="Devices", response_class=JSONResponse)
async def devices(who: Who, request: Request, asked: Annotated[DevicePage, Query()]) -> Response:
    """Devices in the order of ``sortby``: by placement, place, binding, state, or what they measure."""
    return await _found(who, asked, request.query_params.multi_items())


@router.post("/devices", summary="Devices inside a polygon", response_class=JSONResponse)
async def devices_posted(who: Who, asked: PostedFilters) -> Response:
    """The same as GET, with the conditions as a document, for polygons that no address holds."""
    return await _found(who, asked, None)


@router.get("/devices/latest", summary="All devices at a glance", response_class=Response)
async def latest(
    who: Who, request: Request, measured: Annotated[str | None, Query(alias="property", max_length=100)] = None
) -> Response:
    """All devices the caller may see as columns: code, position, placement, state, newest value of a property."""
    async with _reading(who) as connection:
        chosen = None if measured is None else await the_properties(connection, measured)
        content = (await latest_columns(connection, chosen)).encode()
    tag = f'"{hashlib.sha256(content).hexdigest()[:24]}"'
    headers = {**PRIVATE, "etag": tag}
    if tag in [each.strip().removeprefix("W/") for each in request.headers.get("if-none-match", "").split(",")]:
        return Response(status_code=304, headers=headers)
    return Response(content, media_type="application/json", headers=headers)


@router.get("/devices/directory", summary="How many devices there are of what")
async def directory(
    who: Who, by: Annotated[str, Query(description="levels of the tree, from the top: region,placement,owner")] = ""
) -> dict[str, Any]:
    """Counts of devices and of their states as a tree by region (town), placement and owner."""
    levels = [each for each in by.split(",") if each] or list(LEVELS)
    unknown = [each for each in levels if each not in LEVELS]
    if unknown or len(set(levels)) < len(levels):
        raise BadRequest(f"{by[:60]!r} are no levels", where="by", remedy=f"name each once: {','.join(LEVELS)}")
    async with _reading(who) as connection:
        counts = await device_counts(connection)
        names = await region_names(connection)
    return {"by": levels, **counts_tree(counts, levels, names)}


@router.get("/devices/codelists", summary="Placements and kinds of devices")
async def lists(who: Who) -> dict[str, Any]:
    """The ten placements, and the kinds with the letters of their codes and how long each counts as online."""
    return code_lists()


@router.get("/devices/uptime", summary="Uptime of devices by month", response_class=JSONResponse)
async def uptime_by_month(
    who: Who,
    since: Annotated[str, Query(alias="from", max_length=40)],
    until: Annotated[str | None, Query(alias="to", max_length=40)] = None,
    by: UptimeBy = "owner",
    f: Literal["json", "csv"] = "json",
) -> Response:
    """Share of the hours in which devices should have sent values and did, by owner, placement or region (town)."""
    first, last = span_of_request(since, until)
    if last - first > LONGEST:
        raise BadRequest("the time is too long", where="from", remedy=f"ask for at most {LONGEST.days} days")
    async with _reading(who, TIMEOUT_MS) as connection:
        found = await uptime(connection, by, first, last)
        names = await region_names(connection) if by == "region" else {}
    if by == "placement":
        names = {code: title.zh for code, title in placements().items()}
    rows = uptime_rows(found, names)
    if f == "csv":
        columns = list(rows[0]) if rows else ["group", "month"]
        return _file(csv_text(columns, (list(row.values()) for row in rows)), f"uptime-{by}")
    return JSONResponse({"by": by, "from": first.isoformat(), "to": last.isoformat(), "groups": rows})


@router.get("/devices/{code}", summary="One device")
async def device(code: Code, who: Who) -> dict[str, Any]:
    """A device with parent, children, other codes, datastreams with newest values, binding, and uptime of 30 days."""
    async with _reading(who, TIMEOUT_MS) as connection:
        query = may_see(who)
        entry = await the_device(connection, query, code)
        children = await page_of_devices(connection, replace(query, parent=entry.code, limit=200))
        aliases = await aliases_of(connection, [entry.code])
        streams = await streams_of(connection, [entry.thing]) if entry.thing is not None else []
        names = await region_names(connection)
        until = datetime.now(UTC)
        hours = await uptime(connection, "owner", until - timedelta(days=30), until, [entry.code])
    expected = sum(one.expected_hours for one in hours)
    heard = sum(one.heard_hours for one in hours)
    document = device_document(who.base, entry)
    if entry.thing is not None:
        href = f"{who.base}/sensorthings/v1.1/Things({entry.thing})"
        document["links"].append({"rel": "thing", "href": href, "type": "application/json"})
    if entry.parent is not None:
        href = f"{who.base}/devices/{entry.parent}"
        document["links"].append({"rel": "parent", "href": href, "type": "application/json"})
    return {
        **document,
        "region_name": names.get(entry.region_code or "") or names.get((entry.region_code or "")[:9]),
        "aliases": [alias_document(one) for one in aliases.get(entry.code, [])],
        "children": [{"code": one.code, "name": one.name, "kind": one.kind, "state": one.state} for one in children],
        "datastreams": [stream_document(who.base, entry.code, row) for row in streams],
        "uptime": {
            "days": 30,
            "expected_hours": expected,
            "heard_hours": heard,
            "share": round(heard / expected, 4) if expected else None,
        },
    }


@router.get("/devices/{code}/series", summary="What a device measured", response_class=JSONResponse)
async def series(code: Code, who: Who, asked: Annotated[SeriesParameters, Query()]) -> Response:
    """Values of a datastream in buckets of time: count, mean, least, greatest, flagged; empty buckets are marked."""
    async with _reading(who, TIMEOUT_MS) as connection:
        entry = await the_device(connection, may_see(who), code)
        found = await the_series(connection, entry, asked)
    if asked.f == "csv":
        columns = ("start", "count", "mean", "least", "greatest", "flagged", "gap")
        rows = zip(*(found.columns[name] for name in columns), strict=True)
        return _file(csv_text(columns, rows), f"series-{found.stream['id']}")
    return JSONResponse(series_document(entry.code, found))


@router.patch("/devices/{code}", summary="Change where a device is and what it is bound to")
async def bind(code: Code, who: Who, given: BindingPatch) -> dict[str, Any]:
    """Change parent, placement, position and binding; what is null is taken away, what is left out stays."""
    who.require(Operation.IMPORT)
    query = may_see(who)
    async with _reading(who) as connection:
        entry = await the_device(connection, query, code)
    await patched(who, entry, given)
    async with _reading(who) as connection:
        return device_document(who.base, await the_device(connection, query, entry.code))


async def _found(who: Caller, asked: DevicePage, given: list[tuple[str, str]] | None) -> Response:
    async with _reading(who) as connection:
        query = await device_query(connection, who, asked)
        if asked.f == "csv":
            return await _csv(connection, query)
        limit, order = min(asked.limit, who.state.settings.page_limit), order_of(asked.sortby)
        after_this = place_of(asked.after, order)
        found = await ordered_page(connection, replace(query, limit=limit + 1), order, after_this)
        matched = await count_devices(connection, query)
    shown = [entry for entry, _ in found[:limit]]
    links = []
    href = f"{who.base}/devices"
    if given is not None:
        links.append({"rel": "self", "href": page_address(href, given, limit, asked.after), "type": "application/json"})
    after = token_of(found[limit - 1][1], order) if len(found) > limit else None
    if after is not None and given is not None:
        links.append({"rel": "next", "href": page_address(href, given, limit, after), "type": "application/json"})
    told = {"numberMatched": matched, "numberReturned": len(shown), "after": after, "links": links}
    if asked.f == "geojson":
        features = [device_feature(who.base, entry) for entry in shown]
        return JSONResponse({"type": "FeatureCollection", "features": features, **told}, media_type=GEOJSON)
    return JSONResponse({"devices": [device_document(who.base, entry) for entry in shown], **told})


async def _csv(connection: AsyncConnection, query: DeviceQuery) -> Response:
    entries = await page_of_devices(connection, replace(query, limit=MOST_IN_FILE + 1))
    if len(entries) > MOST_IN_FILE:
        raise AnswerTooLarge(f"more than {MOST_IN_FILE} devices are found", where="f", remedy="narrow the conditions")
    aliases = await aliases_of(connection, [entry.code for entry in entries])
    return _file(devices_csv(entries, aliases), "devices")


def _file(text: str, name: str) -> Response:
    headers = {"content-disposition": f'attachment; filename="{name}.csv"', **PRIVATE}
    return Response(text.encode(), media_type="text/csv; charset=utf-8", headers=headers)
