"""A series of values into datastreams: stations and properties found, units compared, moments given their zone.

Values are kept in parts, each for good; a series that breaks off is imported again and adds only what is missing.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import tzinfo

from cim.errors import BadRequest, ImportRefused
from cim.model.sensing import Outcome, Quality, Reading
from cim.model.units import Conversion, conversion
from cim.sensors.checking import refusals
from cim.sensors.intake import Intake
from cim.store.assets import assets_named
from cim.store.database import Database
from cim.store.series_streams import SeriesStream, make_series_stream, streams_by_asset, streams_by_number
from importers.sensing.columns import Reading as Form
from importers.sensing.columns import series_columns
from importers.sensing.moments import moment_of, zone_of_column
from importers.sensing.rows import TableRow, table_batches
from importers.sensing.run import SensingJob

PART = 20_000
NO_VALUE = frozenset({"", "na", "n/a", "nan", "null", "none", "-", "--", "—", "缺测", "无数据"})
_FLAGS = {str(flag).casefold(): flag for flag in Quality}
_Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Told:
    """One value as a table tells it, in texts; ``stream`` is the number of a datastream where the table has that."""

    row: int
    station: str
    property: str
    time: str
    value: str
    unit: str | None
    quality: str
    stream: str = ""


class _Unkept(ValueError):
    """A value of a row is not kept; the text says why."""


@dataclass(slots=True)
class _Streams:
    """Datastreams met so far, by station and property or by number; a text says why there is none."""

    found: dict[_Key, SeriesStream | str] = field(default_factory=dict)
    ways: dict[tuple[int, str], Conversion | str] = field(default_factory=dict)


async def take_series(job: SensingJob) -> None:
    """Take in a series; datastreams of known devices that are not there yet are made, with the unit of the table."""
    names = [one.name for one in job.inspection.fields]
    form = series_columns(names, job.request.fields)
    if form is None:
        raise ImportRefused(
            "no-series",
            f"no columns are time, station, property and value; there are {', '.join(names)}",
            where=job.inspection.name,
            remedy="name them 时间, 站点编码, 指标, 数值, or give --field COLUMN=time and so on",
        )
    zone = job.zone or zone_of_column(form.columns["time"])
    streams, intake, made = _Streams(), Intake(job.database), {Outcome.REVISED: 0, Outcome.UNCHANGED: 0}
    for rows in table_batches(job, located=False):
        told = [one for row in rows for one in _told(row, form, job)]
        for first in range(0, len(told), PART):
            part = told[first : first + PART]
            await _find_streams(job, streams, part)
            await _keep(job, intake, streams, part, zone, made)
        job.progress(job.name, job.account.read, job.inspection.feature_count)
    job.account.changes = job.account.loaded
    what = "values in columns" if form.form == "wide" else "values"
    job.account.message = (
        f"{job.account.loaded} of {job.account.read} {what} loaded, {made[Outcome.REVISED]} of them as corrections;"
        f" {made[Outcome.UNCHANGED]} were there already"
    )


def _told(row: TableRow, form: Form, job: SensingJob) -> Iterator[Told]:
    """The values of a row; one without any value is skipped with that reason."""
    cells = {name: row.texts.get(column, "").strip() for name, column in form.columns.items()}
    if form.form == "long":
        job.account.read += 1
        if row.texts.get("fault"):
            job.account.reject(row.number, row.texts["fault"])
            return
        told = Told(
            row.number,
            cells.get("station", ""),
            cells.get("property", ""),
            cells["time"],
            cells["value"],
            cells.get("unit") or None,
            cells.get("quality", ""),
            cells.get("datastream", ""),
        )
        if _has_value(told, job):
            yield told
        return
    for one in form.wide:
        job.account.read += 1
        station = one.station or cells.get("station", "")
        value = row.texts.get(one.column, "").strip()
        told = Told(row.number, station, one.property, cells["time"], value, one.unit, cells.get("quality", ""))
        if _has_value(told, job):
            yield told


def _has_value(told: Told, job: SensingJob) -> bool:
    if told.value.casefold() in NO_VALUE:
        job.account.skip(told.row, f"no value of {told.property or told.stream}")
        return False
    return True


async def _find_streams(job: SensingJob, streams: _Streams, part: Sequence[Told]) -> None:
    """Learn the datastreams of all values of a part that were not met before, and make those that are missing."""
    new = {_key(one): one for one in part if _key(one) not in streams.found}
    numbered = [one.stream for one in new.values() if one.stream]
    if numbered:
        await _find_numbered(job.database, streams, numbered)
    named = [one for one in new.values() if not one.stream]
    async with job.database.writing(job.request.request_id) as connection:
        devices = await assets_named(connection, {one.station for one in named})
        held = await streams_by_asset(connection, {code for codes in devices.values() for code in codes})
        for one in named:
            codes = sorted(devices.get(one.station, ()))
            found = _chosen(one, codes, held.get(codes[0], []) if len(codes) == 1 else [])
            if found is None and one.unit is None:
                found = f"the unit of {one.property} is not given, and {one.station} has no datastream of it yet"
            if found is None:
                found = await make_series_stream(connection, codes[0], one.property, one.unit or "")
                held.setdefault(codes[0], []).append(found)
                job.account.find("datastreams-made", "datastreams were made for properties that devices did not have")
            streams.found[_key(one)] = found
        if job.request.dry_run:
            await connection.rollback()


async def _find_numbered(database: Database, streams: _Streams, numbers: Sequence[str]) -> None:
    async with database.writing("series") as connection:
        held = await streams_by_number(
            connection, [int(text) for text in numbers if text.isdecimal() and len(text) < 10]
        )
    for text in numbers:
        found = held.get(int(text)) if text.isdecimal() else None
        streams.found[(f"#{text}", "")] = found or f"there is no datastream {text[:40]}"


def _chosen(one: Told, codes: Sequence[str], held: Sequence[SeriesStream]) -> SeriesStream | str | None:
    """The datastream of a station and property, a reason why there can be none, or None where one is to be made."""
    if not one.station or not one.property:
        return "the station or the property is not told"
    if not codes:
        return f"there is no device with the code {one.station}; import its list first"
    if len(codes) > 1:
        return f"{one.station} is the code of several devices: {', '.join(codes)}"
    same = [stream for stream in held if stream.measures(one.property)]
    if len(same) > 1:
        numbers = ", ".join(str(stream.id) for stream in same)
        return f"{one.station} has several datastreams of {one.property}: {numbers}; give a column datastream"
    return same[0] if same else None


async def _keep(
    job: SensingJob,
    intake: Intake,
    streams: _Streams,
    part: Sequence[Told],
    zone: tzinfo | None,
    made: dict[Outcome, int],
) -> None:
    rows: list[int] = []
    readings: list[Reading] = []
    for one in part:
        try:
            readings.append(_reading(one, streams, zone))
            rows.append(one.row)
        except ValueError as error:
            job.account.reject(one.row, str(error))
    if job.request.dry_run:
        faults = refusals(readings)
        for place, reason in faults.items():
            job.account.reject(rows[place], reason)
        job.account.loaded += len(readings) - len(faults)
        return
    kept = await intake.keep(readings)
    for place, outcome in enumerate(kept.outcomes):
        if outcome is Outcome.REFUSED:
            job.account.reject(rows[place], kept.reasons[place])
        elif outcome is Outcome.UNCHANGED:
            job.account.skipped += 1
            made[outcome] += 1
        else:
            job.account.loaded += 1
            made[outcome] = made.get(outcome, 0) + 1


def _reading(one: Told, streams: _Streams, zone: tzinfo | None) -> Reading:
    """A value as a reading of its datastream; ValueError says why it is none."""
    stream = streams.found[_key(one)]
    if isinstance(stream, str):
        raise _Unkept(stream)
    at = moment_of(one.time, zone)
    try:
        value = float(one.value.replace("，", "").replace(",", ""))
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise ValueError(f"the value {one.value[:40]!r} is no number")
    flag = _FLAGS.get((one.quality or "N").casefold())
    if flag is None:
        raise ValueError(f"there is no flag {one.quality[:20]!r}; use {', '.join(sorted(Quality))}")
    return Reading(stream.id, at, _way(one, stream, streams)(value), quality=flag)


def _way(one: Told, stream: SeriesStream, streams: _Streams) -> Conversion:
    """How values become values of the datastream's unit; a table that tells no unit means that one."""
    key = (stream.id, one.unit or "")
    if key not in streams.ways:
        try:
            streams.ways[key] = Conversion() if one.unit is None else conversion(one.unit, stream.unit)
        except BadRequest as error:
            streams.ways[key] = error.what
    way = streams.ways[key]
    if isinstance(way, str):
        raise _Unkept(way)
    return way


def _key(one: Told) -> _Key:
    return (f"#{one.stream}", "") if one.stream else (one.station, one.property)
