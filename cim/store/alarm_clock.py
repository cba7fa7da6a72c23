"""What only the clock tells of alarms: silence, things that left an area, steps of escalation, what may be closed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from cim.model.alarms import State
from cim.store.alarm_rules import scope_query
from cim.store.alarm_tables import alarm_rule
from cim.store.sensing_tables import datastream, latest, thing_location
from cim.store.tables import event


@dataclass(frozen=True, slots=True)
class Silent:
    """A datastream that a rule of silence watches, and since when it has been silent."""

    rule: int
    datastream: int
    since: datetime
    over: bool


async def silent_streams(connection: AsyncConnection) -> list[Silent]:
    """The datastreams that have been silent for longer than their rule allows, or that have an alarm of it still.

    One that never had a value is silent since the rule was made.
    """
    heard = sa.func.coalesce(latest.c.received_at, alarm_rule.c.created_at)
    allowed = sa.cast(alarm_rule.c.body["condition"]["after_s"].astext, sa.Integer) * sa.text("interval '1 second'")
    over = heard < sa.func.now() - allowed
    has_alarm = sa.exists().where(
        event.c.kind == "alarm",
        event.c.state.in_((State.RAISED, State.ACKNOWLEDGED)),
        event.c.rule == alarm_rule.c.id,
        event.c.datastream == datastream.c.id,
    )
    query = scope_query(heard.label("since"), over.label("over"), has_alarm.label("has_alarm"))
    query = query.outerjoin(latest, latest.c.datastream_id == datastream.c.id).where(alarm_rule.c.kind == "silence")
    found = query.subquery()
    rows = await connection.execute(sa.select(found).where(found.c.over != found.c.has_alarm))
    return [Silent(row.rule, row.datastream, row.since, row.over) for row in rows]


@dataclass(frozen=True, slots=True)
class Fenced:
    """A thing that a rule of an area watches, and whether its place breaches it."""

    rule: int
    thing: int
    breached: bool


async def fenced_things(connection: AsyncConnection) -> list[Fenced]:
    """Things with a place that breach a rule of an area, or have an alarm of it still and do not breach it."""
    rows = await connection.execute(
        sa.text(f"""
        WITH fence AS MATERIALIZED (
            SELECT r.id, ST_SetSRID(ST_GeomFromGeoJSON(r.body -> 'condition' ->> 'area'), 4490) AS area,
                coalesce(r.body -> 'condition' ->> 'when', 'leaves') = 'enters' AS enters
            FROM sensing.alarm_rule r WHERE r.kind = 'geofence' AND r.enabled
        ), scope AS (
            SELECT DISTINCT s.rule, d.thing FROM ({_SCOPE}) AS s JOIN sensing.datastream d ON d.id = s.datastream
        ), placed AS (
            SELECT s.rule, s.thing, bool_or(ST_Intersects(l.geom, f.area)) = f.enters AS breached
            FROM scope s JOIN fence f ON f.id = s.rule
            JOIN sensing.thing_location tl ON tl.thing = s.thing JOIN sensing.location l ON l.id = tl.location
            WHERE l.geom IS NOT NULL GROUP BY s.rule, s.thing, f.enters
        )
        SELECT p.* FROM placed p WHERE p.breached <> EXISTS (
            SELECT FROM cim.event e WHERE e.kind = 'alarm' AND e.state IN ('raised', 'acknowledged')
                AND e.rule = p.rule AND e.subject = 'thing:' || p.thing)
        """)
    )
    return [Fenced(row.rule, row.thing, row.breached) for row in rows]


_SCOPE = str(scope_query().where(alarm_rule.c.kind == sa.literal_column("'geofence'")))


async def has_fences(connection: AsyncConnection) -> bool:
    """Whether any rule of an area is in force, and any thing has a place."""
    rule = sa.exists().where(alarm_rule.c.kind == "geofence", alarm_rule.c.enabled)
    return bool(await connection.scalar(sa.select(sa.and_(rule, sa.exists().select_from(thing_location)))))


@dataclass(frozen=True, slots=True)
class Unheeded:
    """A raised alarm that nobody has acknowledged."""

    code: str
    rule: int
    level: int
    raised_at: datetime


async def unheeded_alarms(connection: AsyncConnection, rules: Sequence[int]) -> list[Unheeded]:
    """Raised alarms of rules that escalate, the oldest first."""
    columns = (event.c.code, event.c.rule, event.c.level, event.c.happened_at)
    query = sa.select(*columns).where(event.c.kind == "alarm", event.c.state == State.RAISED, event.c.rule.in_(rules))
    return [Unheeded(*row) for row in await connection.execute(query.order_by(event.c.happened_at))]


async def orphans(connection: AsyncConnection) -> list[str]:
    """Codes of open alarms whose device or rule is gone, so that nothing will clear them."""
    gone = sa.or_(event.c.rule.is_(None), sa.and_(event.c.datastream.is_(None), event.c.thing.is_(None)))
    stream_gone = sa.and_(sa.func.starts_with(event.c.subject, "datastream:"), event.c.datastream.is_(None))
    query = sa.select(event.c.code).where(
        event.c.kind == "alarm", event.c.state.in_((State.RAISED, State.ACKNOWLEDGED)), sa.or_(gone, stream_gone)
    )
    return list(await connection.scalars(query))


async def closable(connection: AsyncConnection, heeded: timedelta, unheeded: timedelta, most: int) -> list[str]:
    """Codes of cleared alarms that have been cleared for long enough, sooner where they were acknowledged."""
    age = sa.func.now() - event.c.cleared_at
    old = sa.or_(sa.and_(event.c.acknowledged_at.is_not(None), age > heeded), age > unheeded)
    query = sa.select(event.c.code).where(event.c.kind == "alarm", event.c.state == State.CLEARED, old)
    return list(await connection.scalars(query.order_by(event.c.cleared_at).limit(most)))
