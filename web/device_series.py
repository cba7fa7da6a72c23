"""Values of a datastream of a device in buckets of time, with the buckets that nothing was heard in."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.ext.asyncio import AsyncConnection

from cim.errors import BadRequest, NotFound
from cim.filters.literals import instant
from cim.model.devices import DeviceEntry
from cim.model.sensing import BEIJING, Bucket
from cim.store.device_streams import streams_of
from cim.store.series import FINEST_S, MOST_BUCKETS, BucketSpan, buckets, fine_buckets

NAMED: tuple[BucketSpan, ...] = ("hour", "day", "month")
DAY = timedelta(days=1)


class SeriesParameters(BaseModel):
    """Which datastream, over which time, in which buckets."""

    model_config = ConfigDict(populate_by_name=True)
    datastream: int | None = Field(None, ge=1, le=2**31 - 1, description="may be left out where there is one")
    since: str | None = Field(
        None, alias="from", max_length=40, description="with a zone; a day before to when left out"
    )
    until: str | None = Field(None, alias="to", max_length=40, description="with a zone; now when left out")
    bucket: str = Field("hour", max_length=8, description="hour, day, month (of Beijing time), or seconds from 10 on")
    f: Literal["json", "csv"] = "json"


@dataclass(frozen=True, slots=True)
class Series:
    """Buckets of a datastream as columns; ``gap`` is true where nothing was heard."""

    stream: dict[str, Any]
    since: datetime
    until: datetime
    bucket: str
    columns: dict[str, list[Any]]


async def the_series(connection: AsyncConnection, entry: DeviceEntry, asked: SeriesParameters) -> Series:
    """The buckets of a request; NotFound where the device has no such datastream."""
    stream = await _stream(connection, entry, asked.datastream)
    since, until = span_of_request(asked.since, asked.until)
    if asked.bucket in NAMED:
        span: BucketSpan = asked.bucket
        since = start_of(since, span)
        starts = list(_checked(_named_starts(since, until, span)))
        found = await buckets(connection, stream["id"], since, until, span)
    else:
        seconds = _seconds(asked.bucket)
        if (until - since) / timedelta(seconds=seconds) > MOST_BUCKETS:
            raise _too_many()
        starts = list(_plain_starts(since, until, timedelta(seconds=seconds)))
        found = await fine_buckets(connection, stream["id"], since, until, seconds)
    return Series(stream, since, until, asked.bucket, _columns(starts, found))


def series_document(device: str, found: Series) -> dict[str, Any]:
    """A series as JSON, by columns."""
    return {
        "device": device,
        "datastream": found.stream["id"],
        "name": found.stream["name"],
        "unit": found.stream["unit"],
        "property": {"code": found.stream["property_code"], "name": found.stream["property_name"]},
        "from": found.since.isoformat(),
        "to": found.until.isoformat(),
        "bucket": found.bucket,
        **found.columns,
    }


def span_of_request(since: str | None, until: str | None) -> tuple[datetime, datetime]:
    """The time a request is about; BadRequest for moments without a zone, or in the wrong order."""
    last = datetime.now(UTC) if until is None else moment(until, "to")
    first = last - DAY if since is None else moment(since, "from")
    if first >= last:
        raise BadRequest("the time ends before it begins", where="from, to", remedy="give the earlier moment first")
    return first, last


def moment(text: str, name: str) -> datetime:
    """A moment of a request; BadRequest where it is none or has no zone."""
    value = instant(text.replace(" ", "+"), name).value
    if not isinstance(value, datetime):
        raise BadRequest(f"{text[:40]!r} is no moment", where=name, remedy="write 2026-01-31T08:00:00+08:00")
    return value


async def _stream(connection: AsyncConnection, entry: DeviceEntry, number: int | None) -> dict[str, Any]:
    streams = await streams_of(connection, [entry.thing]) if entry.thing is not None else []
    found = [row for row in streams if number is None or row["id"] == number]
    if len(found) == 1:
        return found[0]
    if not found:
        raise NotFound(
            f"device {entry.code} has no such datastream", where="datastream", remedy=f"see /devices/{entry.code}"
        )
    names = ", ".join(f"{row['id']} {row['name']}" for row in found[:20])
    raise BadRequest("the device has several datastreams", where="datastream", remedy=f"choose one of {names}")


def _seconds(text: str) -> int:
    if not text.isdecimal() or not FINEST_S <= int(text) <= 366 * 86_400:
        raise BadRequest(
            f"{text!r} is no bucket",
            where="bucket",
            remedy=f"use hour, day, month or a number of seconds >= {FINEST_S}",
        )
    return int(text)


def start_of(at: datetime, span: BucketSpan) -> datetime:
    """The start of the hour, or of the day or month in Beijing, that a moment lies in."""
    if span == "hour":
        return at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    local = at.astimezone(BEIJING).replace(hour=0, minute=0, second=0, microsecond=0)
    return local.replace(day=1) if span == "month" else local


def _named_starts(since: datetime, until: datetime, span: BucketSpan) -> Iterator[datetime]:
    at = since
    while at < until:
        yield at
        if span == "month":
            at = (at.replace(day=1) + timedelta(days=32)).replace(day=1)
        else:
            at += timedelta(hours=1) if span == "hour" else DAY


def _plain_starts(since: datetime, until: datetime, step: timedelta) -> Iterator[datetime]:
    at = since
    while at < until:
        yield at
        at += step


def _checked(starts: Iterator[datetime]) -> Iterator[datetime]:
    for place, start in enumerate(starts):
        if place >= MOST_BUCKETS:
            raise _too_many()
        yield start


def _too_many() -> BadRequest:
    return BadRequest(
        f"these are more than {MOST_BUCKETS} buckets", where="bucket", remedy="ask for a shorter time or longer buckets"
    )


def _columns(starts: list[datetime], found: list[Bucket]) -> dict[str, list[Any]]:
    by_start = {one.start: one for one in found}
    rows = [by_start.get(start, Bucket(start, 0, 0, None, None, None)) for start in starts]
    return {
        "start": [start.isoformat() for start in starts],
        "count": [row.normal for row in rows],
        "mean": [row.mean for row in rows],
        "least": [row.least for row in rows],
        "greatest": [row.greatest for row in rows],
        "flagged": [row.flagged for row in rows],
        "gap": [row.start not in by_start for row in rows],
    }
