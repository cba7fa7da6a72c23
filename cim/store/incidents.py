"""Incidents as readers meet them: lists, one with all that hangs on it, its timeline, news of all of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.ext.asyncio import AsyncConnection

from cim.errors import NotFound
from cim.model.collection import BoundingBox
from cim.model.incidents import Entry, Incident, Mark, State, Step, Task, is_drill
from cim.store.incident_tables import entry, incident, mark, receipt, step, task

Place = tuple[datetime, str]
"""Where a page ended: when the last incident occurred, and its code."""
Drills = Literal["none", "only", "all"]


@dataclass(frozen=True, slots=True)
class IncidentQuery:
    """Which incidents: all conditions that are given hold; drills are left out unless they are asked for."""

    states: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    grades: tuple[str, ...] = ()
    bbox: BoundingBox | None = None
    since: datetime | None = None
    drills: Drills = "none"
    after: Place | None = None
    limit: int = 100


async def incidents(connection: AsyncConnection, query: IncidentQuery) -> list[Incident]:
    """Incidents that this transaction may see, the newest first."""
    chosen = _incidents().where(*_conditions(query)).order_by(incident.c.occurred_at.desc(), incident.c.code.desc())
    return [_incident(row) for row in (await connection.execute(chosen.limit(query.limit))).mappings()]


async def the_incident(connection: AsyncConnection, code: str) -> Incident:
    """One incident; NotFound where there is none that this transaction may see."""
    row = (await connection.execute(_incidents().where(incident.c.code == code))).mappings().first()
    if row is None:
        raise NotFound(
            f"there is no incident {code[:40]!r} that you may see", where="incident", remedy="GET /incidents lists them"
        )
    return _incident(row)


async def the_state(connection: AsyncConnection, code: str, entries_from: int = 1) -> State:
    """An incident with its tasks, marks and steps, and its timeline from a number on."""
    return State(
        incident=await the_incident(connection, code),
        tasks=tuple(await tasks(connection, code)),
        marks=tuple(await marks(connection, code)),
        steps=tuple(await steps(connection, code)),
        entries=tuple(await entries(connection, code, entries_from)),
    )


async def entries(connection: AsyncConnection, code: str, first: int = 1, limit: int | None = None) -> list[Entry]:
    """A timeline in order, from a number on."""
    query = sa.select(entry).where(entry.c.incident == code, entry.c.number >= first).order_by(entry.c.number)
    return [Entry.model_validate(dict(row)) for row in (await connection.execute(query.limit(limit))).mappings()]


async def tasks(connection: AsyncConnection, code: str) -> list[Task]:
    """The tasks of an incident by number, each with its receipts in order."""
    rows = (await connection.execute(_of(task, code))).mappings().all()
    wanted = sa.select(receipt).where(receipt.c.incident == code).order_by(receipt.c.task, receipt.c.at)
    receipts: dict[int, list[dict[str, Any]]] = {}
    for row in (await connection.execute(wanted)).mappings():
        said = {name: row[name] for name in ("kind", "author", "at", "note")}
        receipts.setdefault(row["task"], []).append(said)
    drill = is_drill(code)
    return [Task.model_validate({**row, "drill": drill, "receipts": receipts.get(row["number"], [])}) for row in rows]


async def marks(connection: AsyncConnection, code: str) -> list[Mark]:
    """What is on the map of an incident: the newest version of every mark that is not removed, by number."""
    newest = (
        sa.select(mark)
        .where(mark.c.incident == code)
        .ext(distinct_on(mark.c.number))
        .order_by(mark.c.number, mark.c.version.desc())
        .subquery()
    )
    query = sa.select(newest).where(~newest.c.removed).order_by(newest.c.number)
    drill = is_drill(code)
    return [Mark.model_validate({**row, "drill": drill}) for row in (await connection.execute(query)).mappings()]


async def steps(connection: AsyncConnection, code: str) -> list[Step]:
    """The steps of the plans that an incident took up, by number."""
    drill = is_drill(code)
    rows = (await connection.execute(_of(step, code))).mappings()
    return [Step.model_validate({**row, "drill": drill}) for row in rows]


async def entries_after(connection: AsyncConnection, seq: int, limit: int) -> list[tuple[Entry, Incident]]:
    """Entries of all incidents with a higher number, in order, each with its incident as it is now."""
    named = [column.label(f"entry_{column.name}") for column in entry.c]
    query = _incidents(*named).join(entry, entry.c.incident == incident.c.code)
    query = query.where(entry.c.seq > seq).order_by(entry.c.seq).limit(limit)
    rows = (await connection.execute(query)).mappings().all()
    return [(Entry.model_validate(_part(row, "entry_")), _incident(row)) for row in rows]


async def newest_entry(connection: AsyncConnection) -> int:
    """The number of the newest entry of all."""
    return int(await connection.scalar(sa.select(sa.func.max(entry.c.seq))) or 0)


_HIDDEN = ("geom", "reach")


def _incidents(*more: sa.ColumnElement[Any]) -> sa.Select[Any]:
    columns = [column for column in incident.c if column.name not in _HIDDEN]
    place = [sa.func.ST_X(incident.c.geom).label("lon"), sa.func.ST_Y(incident.c.geom).label("lat")]
    return sa.select(*columns, *place, *more).select_from(incident)


def _incident(row: Any) -> Incident:
    return Incident.model_validate({name: value for name, value in row.items() if not name.startswith("entry_")})


def _part(row: Any, prefix: str) -> dict[str, Any]:
    return {name.removeprefix(prefix): value for name, value in row.items() if name.startswith(prefix)}


def _of(table: sa.Table, code: str) -> sa.Select[Any]:
    return sa.select(table).where(table.c.incident == code).order_by(table.c.number)


def _conditions(query: IncidentQuery) -> list[sa.ColumnElement[bool]]:
    lists: Sequence[tuple[sa.Column[Any], tuple[str, ...]]] = (
        (incident.c.state, query.states),
        (incident.c.kind, query.kinds),
        (incident.c.grade, query.grades),
    )
    found: list[sa.ColumnElement[bool]] = [column.in_(wanted) for column, wanted in lists if wanted]
    if query.drills != "all":
        found.append(incident.c.drill if query.drills == "only" else ~incident.c.drill)
    if query.bbox is not None:
        found.append(incident.c.geom.ST_Intersects(sa.func.ST_MakeEnvelope(*query.bbox, 4490)))
    if query.since is not None:
        found.append(incident.c.occurred_at >= query.since)
    if query.after is not None:
        found.append(sa.tuple_(incident.c.occurred_at, incident.c.code) < sa.tuple_(*map(sa.literal, query.after)))
    return found
