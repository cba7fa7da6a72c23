"""Alarms raised, counted and cleared by rules; in the transaction of the caller, under the lock of their history.

Whoever writes alarms takes the lock first and keeps it until the commit: so numbers of steps grow in the order in which
they become visible, and two writers never wait for each other crosswise.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from cim.model.alarms import OPEN, Severity, State
from cim.store.tables import event

LOCK = sa.text("SELECT pg_advisory_xact_lock(hashtextextended('event:steps', 0))")
_PLACE = """
    (SELECT l.geom FROM sensing.thing_location tl JOIN sensing.location l ON l.id = tl.location
     WHERE tl.thing = t.id AND l.geom IS NOT NULL ORDER BY l.id LIMIT 1)
"""
_RAISE = sa.text(f"""
    WITH numbered AS MATERIALIZED (
        SELECT g.*, nextval('cim.event_number') AS number
        FROM jsonb_to_recordset(cast(:alarms AS jsonb)) AS g (rule integer, datastream integer, thing integer,
            name text, text text, severity text, actor text, value double precision, value_at timestamptz,
            last_value double precision, last_at timestamptz, count integer, cleared boolean, note text)
    ), given AS MATERIALIZED (
        SELECT n.*, 'A' || to_char(now() AT TIME ZONE 'Asia/Shanghai', 'YYYYMMDD') || '-' || n.number AS code
        FROM numbered n
    ), put AS (
        INSERT INTO cim.event (code, kind, title, state, happened_at, region_code, geom, grade, severity, text, rule,
            subject, datastream, thing, value, value_at, last_value, last_at, count, cleared_at, cleared_by)
        SELECT g.code, 'alarm', g.name || ' · ' || coalesce(d.name, t.name),
            CASE WHEN g.cleared THEN 'cleared' ELSE 'raised' END, now(), t.region_code, coalesce({_PLACE}, a.geom),
            t.grade, g.severity, g.text, g.rule,
            CASE WHEN d.id IS NULL THEN 'thing:' || t.id ELSE 'datastream:' || d.id END, d.id, t.id, g.value,
            g.value_at, g.last_value, g.last_at, g.count, CASE WHEN g.cleared THEN now() END,
            CASE WHEN g.cleared THEN g.actor END
        FROM given g LEFT JOIN sensing.datastream d ON d.id = g.datastream
        JOIN sensing.thing t ON t.id = coalesce(d.thing, g.thing) LEFT JOIN cim.asset a ON a.code = t.asset
        ON CONFLICT (rule, subject) WHERE kind = 'alarm' AND state IN ('raised', 'acknowledged') DO NOTHING
        RETURNING code
    )
    INSERT INTO cim.event_step (event, action, actor, note, state, severity, value)
    SELECT g.code, s.action, g.actor, CASE s.action WHEN 'clear' THEN g.note ELSE '' END,
        CASE s.action WHEN 'clear' THEN 'cleared' ELSE 'raised' END, g.severity,
        CASE s.action WHEN 'raise' THEN g.value END
    FROM given g JOIN put USING (code) JOIN (VALUES ('raise', 1), ('clear', 2)) AS s (action, place)
        ON s.action = 'raise' OR g.cleared
    ORDER BY g.number, s.place
""")
_FOLLOW = sa.text("""
    WITH given AS MATERIALIZED (
        SELECT * FROM jsonb_to_recordset(cast(:alarms AS jsonb)) AS g (code text, more integer,
            last_value double precision, last_at timestamptz, cleared boolean, actor text, note text)
    ), put AS (
        UPDATE cim.event e SET count = e.count + g.more, last_value = coalesce(g.last_value, e.last_value),
            last_at = coalesce(g.last_at, e.last_at), changed_at = now(),
            state = CASE WHEN g.cleared THEN 'cleared' ELSE e.state END,
            cleared_at = CASE WHEN g.cleared THEN now() END, cleared_by = CASE WHEN g.cleared THEN g.actor END
        FROM given g WHERE e.code = g.code AND e.state IN ('raised', 'acknowledged')
        RETURNING e.code, e.severity
    )
    INSERT INTO cim.event_step (event, action, actor, note, state, severity)
    SELECT g.code, 'clear', g.actor, g.note, 'cleared', put.severity FROM given g JOIN put USING (code)
    WHERE g.cleared ORDER BY g.code
""")


@dataclass(slots=True)
class NewAlarm:
    """An alarm to raise, of a datastream or of a thing; ``cleared`` where its reason is gone again already."""

    rule: int
    name: str
    text: str
    severity: Severity
    actor: str
    datastream: int | None = None
    thing: int | None = None
    value: float | None = None
    value_at: datetime | None = None
    last_value: float | None = None
    last_at: datetime | None = None
    count: int = 1
    cleared: bool = False
    note: str = ""


@dataclass(slots=True)
class Followed:
    """What became of an open alarm: its reason was met ``more`` times, or is gone."""

    code: str
    actor: str
    more: int = 0
    last_value: float | None = None
    last_at: datetime | None = None
    cleared: bool = False
    note: str = ""


@dataclass(frozen=True, slots=True)
class OpenAlarm:
    """An open alarm of a rule."""

    code: str
    rule: int
    datastream: int | None
    thing: int | None
    last_at: datetime | None


async def lock_steps(connection: AsyncConnection) -> None:
    """Wait for the turn to write alarms; it is held until the transaction ends."""
    await connection.execute(LOCK)


async def write_alarms(connection: AsyncConnection, followed: Sequence[Followed], new: Sequence[NewAlarm]) -> None:
    """Write what rules found: first what became of open alarms, then new ones; those that are open already stay."""
    if not followed and not new:
        return
    await lock_steps(connection)
    if followed:
        await connection.execute(_FOLLOW, {"alarms": _text(followed)})
    if new:
        await connection.execute(_RAISE, {"alarms": _text(new)})


async def open_alarms(
    connection: AsyncConnection, *, rules: Sequence[int], datastreams: Sequence[int] | None = None
) -> list[OpenAlarm]:
    """The open alarms of some rules; of some datastreams, or of all and of things."""
    columns = (event.c.code, event.c.rule, event.c.datastream, event.c.thing, event.c.last_at)
    query = sa.select(*columns).where(
        event.c.kind == "alarm", event.c.state.in_(OPEN), event.c.rule == sa.any_(sa.literal(list(rules), _INTEGERS))
    )
    if datastreams is not None:
        query = query.where(event.c.datastream == sa.any_(sa.literal(list(datastreams), _INTEGERS)))
    return [OpenAlarm(*row) for row in await connection.execute(query)]


async def clear_of_rule(connection: AsyncConnection, rule: int, actor: str, note: str) -> None:
    """Clear the open alarms of a rule that changes or goes."""
    found = await open_alarms(connection, rules=[rule])
    await write_alarms(connection, [Followed(one.code, actor, cleared=True, note=note) for one in found], [])


_INTEGERS = sa.ARRAY(sa.Integer)


def _text(rows: Sequence[NewAlarm] | Sequence[Followed]) -> str:
    return json.dumps([asdict(row) for row in rows], ensure_ascii=False, default=_plain)


def _plain(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


CLEARED = State.CLEARED
