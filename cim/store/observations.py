"""Observations on their way in: kept with their roll-ups and latest values, in the transaction of the caller."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from cim.model.sensing import Kept, Outcome, Reading
from cim.store.sensing_tables import observation

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_KEEP = sa.text(
    "SELECT outcomes, newest FROM sensing.keep(cast(:ids AS integer[]), cast(:at AS bigint[]),"
    " cast(:values AS double precision[]), cast(:flags AS text[]), cast(:until AS bigint[]),"
    " cast(:result_at AS bigint[]), cast(cast(:results AS text[]) AS jsonb[]), cast(:features AS integer[]),"
    " cast(cast(:details AS text[]) AS jsonb[]))"
)
_MONTHS = sa.text("SELECT sensing.make_months(cast(:months AS date[]))")
_LETTERS = {"A": Outcome.ADDED, "R": Outcome.REVISED, "U": Outcome.UNCHANGED}
_REASONS = {
    "?": "there is no such datastream",
    "X": "of this hour only the roll-up is still kept, which this value may be part of already",
}


def microseconds(at: datetime) -> int:
    """A moment as microseconds since 1970 in UTC, which is also the second half of an observation's id."""
    return (at - _EPOCH) // _MICROSECOND


def moment(microseconds_since_1970: int) -> datetime:
    """The moment of ``microseconds``."""
    return _EPOCH + timedelta(microseconds=microseconds_since_1970)


@dataclass(slots=True)
class ReadingColumns:
    """Readings by column, the form they go to the database in; the optional columns are empty or as long as the rest.

    ``at_us``, ``until_us`` and ``result_us`` are microseconds since 1970; ``results`` and ``details`` are JSON text,
    ``values`` the numbers among the results.
    """

    ids: list[int] = field(default_factory=list)
    at_us: list[int] = field(default_factory=list)
    values: list[float | None] = field(default_factory=list)
    flags: list[str] = field(default_factory=list)
    until_us: list[int | None] = field(default_factory=list)
    result_us: list[int | None] = field(default_factory=list)
    results: list[str | None] = field(default_factory=list)
    features: list[int | None] = field(default_factory=list)
    details: list[str | None] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.ids)

    @classmethod
    def of(cls, readings: Sequence[Reading]) -> "ReadingColumns":
        """Readings turned into columns."""
        numbers = [_number(one.result) for one in readings]
        columns = cls(
            [one.datastream for one in readings],
            [microseconds(one.at) for one in readings],
            numbers,
            [str(one.quality) for one in readings],
        )
        if any(one.until is not None for one in readings):
            columns.until_us = [_when(one.until) for one in readings]
        if any(one.result_at is not None for one in readings):
            columns.result_us = [_when(one.result_at) for one in readings]
        if any(number is None for number in numbers):
            columns.results = [
                None if n is not None else _text(one.result) for n, one in zip(numbers, readings, strict=True)
            ]
        if any(one.feature is not None for one in readings):
            columns.features = [one.feature for one in readings]
        if any(one.details for one in readings):
            columns.details = [_text(one.details) if one.details else None for one in readings]
        return columns

    def months(self) -> set[date]:
        """The first days of the months, in UTC, that these readings lie in."""
        days = {at // 86_400_000_000 for at in self.at_us}
        return {(_EPOCH + timedelta(days=day)).date().replace(day=1) for day in days}


async def keep_columns(connection: AsyncConnection, columns: ReadingColumns) -> Kept:
    """Keep readings and bring roll-ups and latest values up to date; all of it is part of the open transaction.

    The months they lie in must have been made (``make_months``).
    """
    if not len(columns):
        return Kept(())
    row = (
        await connection.execute(
            _KEEP,
            {
                "ids": _numbers(columns.ids),
                "at": _numbers(columns.at_us),
                "values": _numbers(columns.values),
                "flags": _texts(columns.flags),
                "until": _numbers(columns.until_us),
                "result_at": _numbers(columns.result_us),
                "results": _texts(columns.results),
                "features": _numbers(columns.features),
                "details": _texts(columns.details),
            },
        )
    ).one()
    letters: str = row.outcomes
    reasons = {place: _REASONS[letter] for place, letter in enumerate(letters) if letter in _REASONS}
    return Kept(tuple(_LETTERS.get(one, Outcome.REFUSED) for one in letters), reasons, tuple(row.newest or ()))


@dataclass(frozen=True, slots=True)
class StoredObservation:
    """An observation as it is kept: its properties as SensorThings writes them, and the feature it names."""

    values: dict[str, Any]
    feature: int | None


async def the_observation(connection: AsyncConnection, datastream: int, at: datetime) -> StoredObservation | None:
    """One observation, kept from other writers until the transaction ends; None where there is none."""
    o = observation
    this = sa.and_(o.c.datastream_id == datastream, o.c.phenomenon_time == at)
    row = (await connection.execute(sa.select(o).where(this).with_for_update())).mappings().first()
    if row is None:
        return None
    start, end, result_at = row["phenomenon_time"], row["phenomenon_end"], row["result_time"]
    values = {
        "phenomenonTime": start.isoformat() if end is None else f"{start.isoformat()}/{end.isoformat()}",
        "resultTime": None if result_at is None else result_at.isoformat(),
        "result": row["value"] if row["value"] is not None else row["result"],
        "resultQuality": row["quality"],
        **(row["details"] or {}),
    }
    return StoredObservation(values, row["feature_id"])


async def make_months(connection: AsyncConnection, months: Iterable[date]) -> None:
    """Make the tables of months that observations are to lie in; those that exist stay."""
    await connection.execute(_MONTHS, {"months": sorted(months)})


def _numbers(values: Iterable[float | None]) -> str:
    """Numbers as PostgreSQL writes arrays, an eighth of the work of handing each to the driver."""
    return "{" + ",".join(["NULL" if value is None else str(value) for value in values]) + "}"


def _texts(values: Sequence[str | None]) -> str:
    """Texts as PostgreSQL writes arrays."""
    written = {text: _quoted(text) for text in set(values)}
    return "{" + ",".join([written[text] for text in values]) + "}"


def _quoted(text: str | None) -> str:
    return "NULL" if text is None else '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _number(result: object) -> float | None:
    return None if isinstance(result, bool) or not isinstance(result, int | float) else float(result)


def _when(at: datetime | None) -> int | None:
    return None if at is None else microseconds(at)


def _text(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)
