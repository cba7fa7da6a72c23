"""Warnings as readers meet them: lists, one with its history, what a reader may see of calls."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from cim.errors import NotFound
from cim.model.alarms import Severity as Colour
from cim.model.collection import BoundingBox
from cim.model.warning_course import Call, CallState, HeldWarning, WarningState, WarningStep
from cim.model.warnings import MessageType, Status
from cim.store.warning_tables import warning, warning_call, warning_step

Place = tuple[datetime, str]
"""Where a page ended: when the last warning was sent, and its code."""
MOST_STEPS, MOST_CALLS = 5_000, 5_000
_COLUMNS = [column for column in warning.c if column.name not in ("original", "content_hash", "geom", "reach")]
_SHAPE = sa.func.ST_AsGeoJSON(warning.c.geom, 7).label("geometry")


@dataclass(frozen=True, slots=True)
class WarningQuery:
    """Which warnings: all conditions that are given hold. ``after`` is where the page before ended."""

    states: tuple[WarningState, ...] = ()
    colours: tuple[Colour, ...] = ()
    bbox: BoundingBox | None = None
    drill: bool | None = None
    since: datetime | None = None
    after: Place | None = None
    limit: int = 100
    shapes: bool = False


async def warnings(connection: AsyncConnection, query: WarningQuery) -> list[HeldWarning]:
    """Warnings, the newest first, that this transaction may see."""
    columns = [*_COLUMNS, _SHAPE] if query.shapes else _COLUMNS
    chosen = sa.select(*columns).where(*_conditions(query)).order_by(warning.c.sent.desc(), warning.c.code.desc())
    return [_warning(row) for row in (await connection.execute(chosen.limit(query.limit))).mappings()]


async def the_warning(connection: AsyncConnection, code: str) -> HeldWarning:
    """One warning with its shape; NotFound where there is none that this transaction may see."""
    row = (await connection.execute(sa.select(*_COLUMNS, _SHAPE).where(warning.c.code == code))).mappings().first()
    if row is None:
        raise NotFound(
            f"there is no warning {code[:60]!r} that you may see", where="warning", remedy="GET /warnings lists them"
        )
    return _warning(row)


async def warning_area(connection: AsyncConnection, code: str) -> bytes | None:
    """The shape of a warning as WKB; None where it has none."""
    shape = await connection.scalar(sa.select(sa.func.ST_AsBinary(warning.c.geom)).where(warning.c.code == code))
    return None if shape is None else bytes(shape)


async def original_of(connection: AsyncConnection, code: str) -> bytes:
    """The document of a warning as it came, or as it was issued here."""
    return bytes((await connection.execute(sa.select(warning.c.original).where(warning.c.code == code))).scalar_one())


async def history(connection: AsyncConnection, code: str) -> list[WarningStep]:
    """What happened to a warning and to its calls, in order, as far as this transaction may see it."""
    query = sa.select(warning_step).where(warning_step.c.warning == code).order_by(warning_step.c.seq)
    return [_step(row) for row in (await connection.execute(query.limit(MOST_STEPS))).mappings()]


async def warning_steps_after(
    connection: AsyncConnection, seq: int, limit: int
) -> list[tuple[WarningStep, HeldWarning, int | None]]:
    """Entries with a higher number, in order, each with its warning as it is now and its call."""
    steps = [column.label(f"step_{column.name}") for column in warning_step.c]
    query = sa.select(*_COLUMNS, *steps).join(warning_step, warning_step.c.warning == warning.c.code)
    query = query.where(warning_step.c.seq > seq).order_by(warning_step.c.seq).limit(limit)
    rows = (await connection.execute(query)).mappings()
    return [(step := _step(row, "step_"), _warning(row), step.call) for row in rows]


async def newest_warning_step(connection: AsyncConnection) -> int:
    """The number of the newest entry."""
    return int(await connection.scalar(sa.select(sa.func.max(warning_step.c.seq))) or 0)


async def calls_of(connection: AsyncConnection, code: str) -> list[Call]:
    """The calls of a warning that this transaction may see, in the order of their making."""
    query = sa.select(warning_call).where(warning_call.c.warning == code).order_by(warning_call.c.id).limit(MOST_CALLS)
    return [as_call(row) for row in (await connection.execute(query)).mappings()]


async def the_call(connection: AsyncConnection, code: str, number: int) -> Call:
    """One call of a warning; NotFound where there is none that this transaction may see."""
    query = sa.select(warning_call).where(warning_call.c.warning == code, warning_call.c.id == number)
    row = (await connection.execute(query)).mappings().first()
    if row is None:
        raise NotFound(
            f"there is no call {number} of this warning that you may see",
            where="call",
            remedy="GET /warnings/{code}/calls lists them",
        )
    return as_call(row)


def _conditions(query: WarningQuery) -> list[sa.ColumnElement[bool]]:
    found: list[sa.ColumnElement[bool]] = []
    for column, values in ((warning.c.state, query.states), (warning.c.colour, query.colours)):
        if values:
            found.append(column.in_(values))
    if query.bbox is not None:
        found.append(sa.func.ST_Intersects(warning.c.geom, sa.func.ST_MakeEnvelope(*query.bbox, 4490)))
    if query.drill is not None:
        found.append((warning.c.status != Status.ACTUAL) == sa.literal(query.drill))
    if query.since is not None:
        found.append(warning.c.sent >= query.since)
    if query.after is not None:
        found.append(sa.tuple_(warning.c.sent, warning.c.code) < sa.tuple_(*map(sa.literal, query.after)))
    return found


_SAME = (
    *("code", "identifier", "sender", "sent", "scope", "event", "title", "effective", "expires", "replaced_by"),
    *("alarm", "region_code", "grade", "author", "received_at", "changed_at"),
)


def _warning(row: Any) -> HeldWarning:
    shape = row.get("geometry")
    return HeldWarning(
        **{name: row[name] for name in _SAME},
        status=Status(row["status"]),
        kind=MessageType(row["kind"]),
        state=WarningState(row["state"]),
        colour=Colour(row["colour"]) if row["colour"] else None,
        findings=tuple(row["findings"]),
        geometry=json.loads(shape) if shape else None,
    )


def as_call(row: Any) -> Call:
    """A row of calls as what it is."""
    same = {name: row[name] for name in Call.__dataclass_fields__ if name != "state"}
    return Call(**same, state=CallState(row["state"]))


def _step(row: Any, prefix: str = "") -> WarningStep:
    names = ("seq", "warning", "call", "action", "at", "actor", "channel", "note")
    return WarningStep(**{name: row[prefix + name] for name in names}, state=WarningState(row[f"{prefix}state"]))
