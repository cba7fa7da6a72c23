"""Alarms as readers and people meet them: lists, one with its history, and what people do to it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from cim.errors import NotFound, StoreConflict
from cim.model.alarms import OPEN, Alarm, Severity, State, Step
from cim.model.collection import BoundingBox
from cim.store.alarm_writing import lock_steps
from cim.store.tables import event, event_step

Place = tuple[datetime, str]
"""Where a page ended: when the last alarm was raised, and its code."""
MOST_STEPS = 1_000


@dataclass(frozen=True, slots=True)
class AlarmQuery:
    """Which alarms: all conditions that are given hold. ``after`` is where the page before ended."""

    states: tuple[State, ...] = ()
    severities: tuple[Severity, ...] = ()
    bbox: BoundingBox | None = None
    since: datetime | None = None
    datastream: int | None = None
    rule: int | None = None
    after: Place | None = None
    limit: int = 100


async def alarms(connection: AsyncConnection, query: AlarmQuery) -> list[Alarm]:
    """Alarms, the newest first, that this transaction may see."""
    chosen = _alarms().where(*_conditions(query)).order_by(event.c.happened_at.desc(), event.c.code.desc())
    return [_alarm(row) for row in (await connection.execute(chosen.limit(query.limit))).mappings()]


async def the_alarm(connection: AsyncConnection, code: str) -> Alarm:
    """One alarm; NotFound where there is none that this transaction may see."""
    row = (await connection.execute(_alarms().where(event.c.code == code))).mappings().first()
    if row is None:
        raise NotFound(
            f"there is no alarm {code[:40]!r} that you may see", where="alarm", remedy="GET /alarms lists them"
        )
    return _alarm(row)


async def history(connection: AsyncConnection, code: str) -> list[Step]:
    """What happened to an alarm, in order."""
    query = sa.select(event_step).where(event_step.c.event == code).order_by(event_step.c.seq).limit(MOST_STEPS)
    return [_step(row) for row in (await connection.execute(query)).mappings()]


async def steps_after(connection: AsyncConnection, seq: int, limit: int) -> list[tuple[Step, Alarm]]:
    """Steps of all alarms with a higher number, in order, each with its alarm as it is now."""
    query = _alarms(event_step).join(event_step, event_step.c.event == event.c.code)
    query = query.where(event_step.c.seq > seq).order_by(event_step.c.seq).limit(limit)
    rows = (await connection.execute(query)).mappings().all()
    return [(_step(row, "step_"), _alarm(row)) for row in rows]


async def newest_step(connection: AsyncConnection) -> int:
    """The number of the newest step."""
    return int(await connection.scalar(sa.select(sa.func.max(event_step.c.seq))) or 0)


@dataclass(frozen=True, slots=True)
class Act:
    """What somebody does to an alarm."""

    action: str
    actor: str
    note: str = ""
    severity: Severity | None = None
    receiver: str | None = None


async def act(connection: AsyncConnection, code: str, deed: Act) -> Alarm:
    """Acknowledge, clear, escalate or comment an alarm; StoreConflict where its state does not allow it.

    Whoever acknowledges an alarm that is cleared already closes it.
    """
    await lock_steps(connection)
    found = await the_alarm(connection, code)
    changes = _changes(found, deed)
    state, severity = changes.get("state", found.state), changes.get("severity", found.severity)
    changed = sa.update(event).where(event.c.code == code).values(**changes, changed_at=sa.func.now())
    await connection.execute(changed)
    step = {"event": code, "action": deed.action, "actor": deed.actor, "note": deed.note}
    row = {**step, "state": state, "severity": severity, "receiver": deed.receiver}
    await connection.execute(sa.insert(event_step).values(row))
    return await the_alarm(connection, code)


def _changes(found: Alarm, deed: Act) -> dict[str, Any]:
    now = sa.func.now()
    if deed.action == "comment":
        return {}
    if deed.action == "acknowledge" and found.state in (State.RAISED, State.CLEARED) and not found.acknowledged_at:
        changes = {"acknowledged_at": now, "acknowledged_by": deed.actor}
        if found.state is State.RAISED:
            return {**changes, "state": State.ACKNOWLEDGED}
        return {**changes, "state": State.CLOSED, "closed_at": now}
    if deed.action == "clear" and found.state in OPEN:
        return {"state": State.CLEARED, "cleared_at": now, "cleared_by": deed.actor}
    if deed.action == "close" and found.state is State.CLEARED:
        return {"state": State.CLOSED, "closed_at": now}
    if deed.action == "escalate" and found.state in OPEN:
        severity = deed.severity or found.severity.next
        return {"severity": severity, "level": found.level + 1, "escalated_at": now}
    raise StoreConflict(
        f"the alarm is {found.state} already: it cannot take {deed.action!r}",
        where="alarm",
        remedy="read the alarm again, and see what has been done",
    )


def _alarms(step: sa.Table | None = None) -> sa.Select[Any]:
    middle = sa.func.ST_PointOnSurface(event.c.geom)
    columns = [
        column for column in event.c if column.name not in ("geom", "reach", "properties", "deadline_at", "subject")
    ]
    place = [sa.func.ST_X(middle).label("lon"), sa.func.ST_Y(middle).label("lat")]
    more = [column.label(f"step_{column.name}") for column in step.c] if step is not None else []
    return sa.select(*columns, *place, *more).where(event.c.kind == "alarm")


def _conditions(query: AlarmQuery) -> list[sa.ColumnElement[bool]]:
    found: list[sa.ColumnElement[bool]] = []
    if query.states:
        found.append(event.c.state.in_(query.states))
    if query.severities:
        found.append(event.c.severity.in_(query.severities))
    if query.bbox is not None:
        found.append(event.c.geom.ST_Intersects(sa.func.ST_MakeEnvelope(*query.bbox, 4490)))
    if query.since is not None:
        found.append(event.c.happened_at >= query.since)
    for column, value in ((event.c.datastream, query.datastream), (event.c.rule, query.rule)):
        if value is not None:
            found.append(column == value)
    if query.after is not None:
        found.append(sa.tuple_(event.c.happened_at, event.c.code) < sa.tuple_(*map(sa.literal, query.after)))
    return found


_SAME = (
    *("code", "title", "rule", "datastream", "thing", "value", "value_at", "last_value", "last_at", "count", "level"),
    *("text", "grade", "region_code", "lon", "lat", "acknowledged_at", "acknowledged_by", "cleared_at"),
    *("cleared_by", "escalated_at", "closed_at", "changed_at"),
)


def _alarm(row: Any) -> Alarm:
    same = {name: row[name] for name in _SAME}
    return Alarm(state=State(row["state"]), severity=Severity(row["severity"]), raised_at=row["happened_at"], **same)


def _step(row: Any, prefix: str = "") -> Step:
    names: Sequence[str] = ("seq", "action", "at", "actor", "note", "value", "receiver")
    same = {name: row[prefix + name] for name in names}
    state, severity = State(row[f"{prefix}state"]), Severity(row[f"{prefix}severity"])
    return Step(alarm=row[f"{prefix}event"], state=state, severity=severity, **same)
