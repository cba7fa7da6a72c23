"""All devices at a glance: their newest values in columns, how many there are of what, and how long they were heard."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, array
from sqlalchemy.ext.asyncio import AsyncConnection

from cim.store.devices import heard_at, online_after, state_of
from cim.store.sensing_tables import datastream, latest, thing
from cim.store.tables import asset

UptimeBy = Literal["owner", "placement", "region"]
TOWN_DIGITS = 9


async def latest_columns(connection: AsyncConnection, properties: Sequence[int] | None) -> str:
    """All devices the caller may see as one JSON object of columns, in the order of codes.

    ``at`` are seconds since 1970 of the newest value of the chosen properties, of any datastream where none is chosen;
    ``value`` is that value where it is a number, and ``quality`` its letter. Positions are degrees.
    """
    await _read_whole(connection)
    heard = _heard(properties)
    simple = sa.func.GeometryType(asset.c.geom) == "POINT"
    middle = sa.case((simple, asset.c.geom), else_=sa.func.ST_Centroid(asset.c.geom))
    chosen = heard.c.chosen
    at = _seconds(heard.c.newest_at) if properties is None else chosen[1]
    columns: dict[str, Any] = {
        "code": asset.c.code,
        "lon": sa.func.ST_X(middle),
        "lat": sa.func.ST_Y(middle),
        "placement": asset.c.placement,
        "kind": asset.c.kind,
        "state": state_of(heard.c.newest_at, sa.func.coalesce(heard.c.streams, 0), online_after()),
        "value": chosen[2],
        "quality": sa.func.chr(sa.cast(chosen[3], sa.Integer)),
        "at": sa.cast(at, sa.BigInteger),
    }
    rows = (
        sa.select(*(column.label(name) for name, column in columns.items()))
        .select_from(
            asset.outerjoin(thing, thing.c.asset == asset.c.code).outerjoin(heard, heard.c.thing == thing.c.id)
        )
        .order_by(asset.c.code)
        .subquery("devices")
    )
    parts = [part for name in columns for part in (sa.literal(name, sa.Text), sa.func.json_agg(rows.c[name]))]
    found: str | None = await connection.scalar(sa.select(sa.cast(sa.func.json_build_object(*parts), sa.Text)))
    return found or "{}"


def _heard(properties: Sequence[int] | None) -> sa.Subquery:
    """By thing: how many datastreams, when it was last heard of, and the newest value of the chosen properties.

    That is one array, moment, value and letter as numbers, so that one pass finds it: the greatest is the newest.
    """
    letter = sa.cast(sa.func.ascii(sa.cast(latest.c.quality, sa.Text)), sa.Double)
    parts = [_seconds(heard_at()), latest.c.value, letter]
    among = datastream.c.observed_property == sa.func.any(sa.literal(list(properties or ()), ARRAY(sa.Integer)))
    newest = sa.func.max(array(parts), type_=ARRAY(sa.Double)).filter(among, latest.c.at.is_not(None))
    return (
        sa.select(
            datastream.c.thing,
            sa.func.count().label("streams"),
            sa.func.max(heard_at()).label("newest_at"),
            newest.label("chosen"),
        )
        .select_from(datastream.outerjoin(latest, latest.c.datastream_id == datastream.c.id))
        .group_by(datastream.c.thing)
        .subquery("heard")
    )


def _seconds(at: Any) -> sa.ColumnElement[float]:
    """A moment as seconds since 1970."""
    return sa.func.date_part("epoch", at, type_=sa.Double)


async def _read_whole(connection: AsyncConnection) -> None:
    """Join by hashing until the transaction ends.

    The planner takes what row-level security lets through for a few rows, and would go through all of it once for each.
    """
    await connection.execute(sa.text("SELECT set_config('enable_nestloop', 'off', true)"))


@dataclass(frozen=True, slots=True)
class DeviceCount:
    """How many devices of a town, placement and owner are in a state; ``town`` is the first nine digits of a region."""

    town: str | None
    placement: str | None
    owner: str | None
    state: str
    count: int


async def device_counts(connection: AsyncConnection) -> list[DeviceCount]:
    """The devices the caller may see, counted by town, placement, owner and state."""
    await _read_whole(connection)
    heard = _heard(None)
    rows = (
        sa.select(
            sa.func.left(asset.c.region_code, TOWN_DIGITS).label("town"),
            asset.c.placement,
            asset.c.owner,
            state_of(heard.c.newest_at, sa.func.coalesce(heard.c.streams, 0), online_after()).label("state"),
        )
        .select_from(
            asset.outerjoin(thing, thing.c.asset == asset.c.code).outerjoin(heard, heard.c.thing == thing.c.id)
        )
        .subquery("devices")
    )
    names = [rows.c[name] for name in ("town", "placement", "owner", "state")]
    found = await connection.execute(
        sa.select(*names, sa.func.count().label("count")).group_by(*names).order_by(*(n.nulls_last() for n in names))
    )
    return [DeviceCount(**row) for row in found.mappings()]


@dataclass(frozen=True, slots=True)
class Uptime:
    """How many hours of a Beijing month devices of a group should have sent values in, and did.

    ``heard_hours`` have a value of any quality, ``normal_hours`` a normal one.
    """

    group: str | None
    month: str
    devices: int
    expected_hours: int
    heard_hours: int
    normal_hours: int


async def uptime(
    connection: AsyncConnection, by: UptimeBy, since: datetime, until: datetime, codes: Sequence[str] | None = None
) -> list[Uptime]:
    """Uptime of groups of devices by month, from ``since`` to before ``until`` or now.

    Hours are expected from a device from the day it was installed on, or else from its first value on; a device that
    has neither is not counted. ``codes`` limits it to some devices.
    """
    rows = await connection.execute(
        sa.text(_UPTIME.format(group=_GROUPS[by], some="" if codes is None else "AND a.code = ANY (:codes)")),
        {"since": since, "until": until, **({} if codes is None else {"codes": list(codes)})},
    )
    return [Uptime(*row) for row in rows]


_GROUPS = {"owner": "a.owner", "placement": "a.placement", "region": f"left(a.region_code, {TOWN_DIGITS})"}
_UPTIME = """
WITH device AS (
    SELECT {group} AS grp, t.id AS thing,
        greatest(cast(:since AS timestamptz), date_trunc('hour', least(
            a.installed_on::timestamp AT TIME ZONE 'Asia/Shanghai', min(l.first_at)))) AS since,
        least(cast(:until AS timestamptz), date_trunc('hour', now())) AS until
    FROM cim.asset a JOIN sensing.thing t ON t.asset = a.code
    JOIN sensing.datastream d ON d.thing = t.id LEFT JOIN sensing.latest l ON l.datastream_id = d.id
    WHERE true {some} GROUP BY a.code, t.id HAVING least(a.installed_on, min(l.first_at)::date) IS NOT NULL
), months AS (
    SELECT start AT TIME ZONE 'Asia/Shanghai' AS start,
        (start + interval '1 month') AT TIME ZONE 'Asia/Shanghai' AS stop
    FROM generate_series(date_trunc('month', cast(:since AS timestamptz) AT TIME ZONE 'Asia/Shanghai'),
        cast(:until AS timestamptz) AT TIME ZONE 'Asia/Shanghai', interval '1 month') AS start
), expected AS (
    SELECT d.grp, m.start, d.thing, greatest(d.since, m.start) AS since, least(d.until, m.stop) AS until
    FROM device d CROSS JOIN months m WHERE greatest(d.since, m.start) < least(d.until, m.stop)
), heard AS (
    SELECT e.thing, e.start, count(*) AS hours, count(*) FILTER (WHERE h.normal) AS normal FROM expected e
    JOIN LATERAL (
        SELECT h.hour, bool_or(h.count + h.others > 0) AS normal FROM sensing.datastream d
        JOIN sensing.hourly h ON h.datastream_id = d.id AND h.hour >= e.since AND h.hour < e.until
        WHERE d.thing = e.thing GROUP BY h.hour
    ) h ON true GROUP BY 1, 2
)
SELECT e.grp, to_char(e.start AT TIME ZONE 'Asia/Shanghai', 'YYYY-MM'), count(*)::integer,
    sum(extract(epoch FROM e.until - e.since) / 3600)::integer, coalesce(sum(h.hours), 0)::integer,
    coalesce(sum(h.normal), 0)::integer
FROM expected e LEFT JOIN heard h USING (thing, start) GROUP BY 1, 2 ORDER BY 1 NULLS LAST, 2
"""
