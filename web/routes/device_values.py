"""What devices measure, the values of all of them in one hour or day, and the last hours of some."""

from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query
from fastapi.responses import JSONResponse, Response

from cim.errors import BadRequest
from cim.filters.literals import text_literal
from cim.model.sensing import BEIJING
from cim.policy.policy import read_context
from cim.sensors.indicator_classes import classes_of
from cim.store.device_values import (
    SPANS,
    DeviceBucket,
    ObservedThing,
    device_buckets,
    first_streams,
    observed_things,
    streams_of_devices,
)
from web.device_series import moment, start_of
from web.devices import the_properties
from web.state import Caller, caller

router = APIRouter(tags=["devices"])
Who = Annotated[Caller, Depends(caller)]
MOST_DEVICES = 200
HOUR = timedelta(hours=1)
PRIVATE = {"cache-control": "private, no-cache"}
FIGURES = ("mean", "least", "greatest", "count", "flagged")


@router.get("/devices/streams", summary="What devices measure", response_class=JSONResponse)
async def streams(who: Who) -> Response:
    """The observed properties of devices, with official classes where there are, and all datastreams as columns.

    ``property`` holds places in ``properties``. A value is of the first class whose ``least`` and ``most`` it keeps.
    """
    async with who.state.database.reading(read_context(who.principal, who.request_id)) as connection:
        observed = await observed_things(connection)
        held = await streams_of_devices(connection)
    places = {one.id: place for place, one in enumerate(observed)}
    held = [row for row in held if row[2] in places]
    document = {
        "properties": [_observed(one) for one in observed],
        "datastream": [row[0] for row in held],
        "device": [row[1] for row in held],
        "property": [places[row[2]] for row in held],
    }
    return JSONResponse(document, headers=PRIVATE)


@router.get("/devices/values", summary="Values of all devices in one hour or day", response_class=JSONResponse)
async def values(
    who: Who,
    at: Annotated[str, Query(max_length=40, description="a moment of the hour or day, with a zone")],
    property: Annotated[str, Query(max_length=100, description="code or name of an observed property")],  # noqa: A002 - its name in the address
    bucket: Annotated[Literal["hour", "day"], Query(description="days are days of Beijing")] = "hour",
) -> Response:
    """Mean, least and greatest normal value of each device that has any, from the roll-ups, as columns."""
    start = start_of(moment(at, "at"), bucket)
    async with who.state.database.reading(read_context(who.principal, who.request_id)) as connection:
        chosen = await the_properties(connection, property)
        found = await device_buckets(connection, chosen, start, start + SPANS[bucket], bucket)
    columns = {name: [getattr(one, name) for one in found] for name in FIGURES}
    document = {
        "property": property,
        "bucket": bucket,
        "start": start.astimezone(BEIJING).isoformat(),
        "code": [one.device for one in found],
        **columns,
    }
    return JSONResponse(document, headers=PRIVATE)


@router.get("/devices/trends", summary="The last hours of some devices", response_class=JSONResponse)
async def trends(
    who: Who,
    device: Annotated[str, Query(max_length=40_000, description="codes parted by commas")],
    property: Annotated[str | None, Query(max_length=100)] = None,  # noqa: A002 - its name in the address
    hours: Annotated[int, Query(ge=1, le=744)] = 24,
) -> Response:
    """Hourly means of one datastream of each device: the first of the property, or the first it has.

    A device that the caller may not see, or that has no such datastream, is left out; hours without a value are null.
    """
    codes = _codes(device)
    last = start_of(datetime.now(UTC), "hour")
    since = last - (hours - 1) * HOUR
    async with who.state.database.reading(read_context(who.principal, who.request_id)) as connection:
        chosen = None if property is None else await the_properties(connection, property)
        held = await first_streams(connection, chosen, codes)
        found = await device_buckets(connection, chosen, since, last + HOUR, "hour", codes)
    means = _by_hour(found, since, hours)
    document = {
        "from": since.isoformat(),
        "to": (last + HOUR).isoformat(),
        "hours": hours,
        "devices": {code: {**told, "mean": means.get(code, [None] * hours)} for code, told in held.items()},
    }
    return JSONResponse(document, headers=PRIVATE)


def _observed(one: ObservedThing) -> dict[str, Any]:
    unit = one.units[0] if len(one.units) == 1 else None
    classes = () if unit is None else classes_of(one.code, unit, datetime.now(BEIJING).date())
    plain = {"id": one.id, "code": one.code, "name": one.name, "devices": one.devices, "unit": unit}
    return {**plain, "classes": [asdict(each) for each in classes]}


def _codes(text: str) -> list[str]:
    text_literal(text)
    codes = list(dict.fromkeys(each for each in text.split(",") if each))
    if not 1 <= len(codes) <= MOST_DEVICES:
        raise BadRequest(
            f"these are {len(codes)} devices", where="device", remedy=f"name 1 to {MOST_DEVICES} between commas"
        )
    return codes


def _by_hour(found: list[DeviceBucket], since: datetime, hours: int) -> dict[str, list[float | None]]:
    means: dict[str, list[float | None]] = {}
    for one in found:
        means.setdefault(one.device, [None] * hours)[(one.start - since) // HOUR] = one.mean
    return means
