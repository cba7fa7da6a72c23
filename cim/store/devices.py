"""Finding devices: by what they are, where they stand, what they are bound to, and what was heard of them.

Rows are those of ``cim.asset`` that row-level security opens to the reader; models and buildings that the caller may
not read bind nothing for him (``DeviceQuery.models``, ``buildings``), nor does a parent that he may not see.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from cim.model.collection import BoundingBox, CollectionSchema
from cim.model.device_kinds import ONLINE_AFTER_S, kinds
from cim.model.devices import BINDING, DeviceEntry, DeviceState
from cim.store.selection import in_box
from cim.store.sensing_tables import datastream, latest, observation, observed_property, thing
from cim.store.tables import asset, asset_alias

DIGITS = 8
_POINTS = CollectionSchema("devices", "Point", 4490, ())
_RECORD = tuple(name for name in DeviceEntry.__dataclass_fields__ if name not in ("geometry", "online_after_s"))


@dataclass(frozen=True, slots=True)
class Threshold:
    """A bound on normal values of an observed property: of the newest value, or of ``any`` within the window.

    A newest value that is older than the window does not count; without a window it counts however old.
    """

    properties: tuple[int, ...]
    at_least: float | None = None
    at_most: float | None = None
    window: timedelta | None = None
    any_value: bool = False


@dataclass(frozen=True, slots=True)
class DeviceQuery:
    """Which devices; all conditions hold together.

    ``models`` are the building models the caller may read, ``buildings`` whether he may read which building a device
    stands in. ``region`` is the start of a region code; ``area`` GeoJSON text of a polygon in degrees.
    """

    models: tuple[str, ...] = ()
    buildings: bool = False
    codes: tuple[str, ...] | None = None
    placements: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    owner: str | None = None
    region: str | None = None
    state: DeviceState | None = None
    parent: str | None = None
    bbox: BoundingBox | None = None
    area: str | None = None
    building: str | None = None
    model: str | None = None
    storey: str | None = None
    storey_number: int | None = None
    properties: tuple[int, ...] | None = None
    threshold: Threshold | None = None
    text: str | None = None
    limit: int = 10
    after: str | None = None


def online_after() -> sa.ColumnElement[int]:
    """How many seconds a device counts as online after its newest value: its own word, else that of its kind."""
    by_kind = {name: kind.online_after_s for name, kind in kinds().items()}
    return sa.func.coalesce(asset.c.online_after_s, sa.case(by_kind, value=asset.c.kind, else_=ONLINE_AFTER_S))


def heard_at() -> sa.ColumnElement[Any]:
    """When a newest value is of: the end of its interval where it has one."""
    return sa.func.coalesce(latest.c.until, latest.c.at)


def state_of(newest: Any, streams: Any, seconds: Any) -> sa.ColumnElement[str]:
    """The state of a device from when it was heard of, how many datastreams it has and how long it counts as online."""
    fresh = newest > sa.func.now() - sa.func.make_interval(0, 0, 0, 0, 0, 0, seconds)
    return sa.case((streams == 0, "none"), (fresh, "online"), else_="offline")


def device_rows(query: DeviceQuery) -> sa.Subquery:
    """The devices asked for, whatever the page, as rows called ``found``: the columns of a DeviceEntry and shapes."""
    every = _everything(query).subquery("every")
    return sa.select(every).where(*_conditions(query, every)).subquery("found")


def entry_columns(rows: sa.Subquery) -> list[sa.ColumnElement[Any]]:
    """What a DeviceEntry is made of, out of ``device_rows``."""
    geometry = sa.func.ST_AsGeoJSON(rows.c.geom, DIGITS, 0).label("geometry")
    return [*(rows.c[name] for name in (*_RECORD, "online_after_s")), geometry]


async def page_of_devices(connection: AsyncConnection, query: DeviceQuery) -> list[DeviceEntry]:
    """Up to ``limit`` devices in the order of their codes, from the one after ``after``."""
    rows = device_rows(query)
    statement = sa.select(*entry_columns(rows)).order_by(rows.c.code).limit(query.limit)
    if query.after is not None:
        statement = statement.where(rows.c.code > query.after)
    return [DeviceEntry(**row) for row in (await connection.execute(statement)).mappings()]


async def count_devices(connection: AsyncConnection, query: DeviceQuery) -> int:
    """How many devices match, whatever the page."""
    return int(await connection.scalar(sa.select(sa.func.count()).select_from(device_rows(query))) or 0)


async def aliases_of(connection: AsyncConnection, codes: Sequence[str]) -> dict[str, list[dict[str, Any]]]:
    """The other codes of devices, by device."""
    a = asset_alias.c
    rows = await connection.execute(
        sa.select(a.asset, a.scheme, a.code, a.edition)
        .where(a.asset == sa.func.any(sa.literal(list(codes), ARRAY(sa.Text))))
        .order_by(a.asset, a.scheme, a.code)
    )
    found: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        found.setdefault(row.asset, []).append({"scheme": row.scheme, "code": row.code, "edition": row.edition})
    return found


async def properties_named(connection: AsyncConnection, text: str) -> tuple[int, ...]:
    """The observed properties that have a code or name, whatever its case."""
    p, wanted = observed_property.c, text.strip().casefold()
    rows = await connection.scalars(
        sa.select(p.id).where(sa.or_(sa.func.lower(p.code) == wanted, sa.func.lower(p.name) == wanted)).order_by(p.id)
    )
    return tuple(rows)


def _everything(query: DeviceQuery) -> sa.Select[Any]:
    heard = (
        sa.select(sa.func.count(datastream.c.id).label("streams"), sa.func.max(heard_at()).label("newest_at"))
        .select_from(datastream.outerjoin(latest, latest.c.datastream_id == datastream.c.id))
        .where(datastream.c.thing == thing.c.id)
        .lateral("heard")
    )
    hidden = _hidden(query)
    plain = [
        hidden.get(name, asset.c[name]).label(name)
        for name in (*_RECORD, "geom", "geom_3857")
        if name not in ("thing", "streams", "newest_at", "state")
    ]
    return sa.select(
        *plain,
        online_after().label("online_after_s"),
        thing.c.id.label("thing"),
        heard.c.streams,
        heard.c.newest_at,
        state_of(heard.c.newest_at, heard.c.streams, online_after()).label("state"),
    ).select_from(asset.outerjoin(thing, thing.c.asset == asset.c.code).join(heard, sa.true()))


def _hidden(query: DeviceQuery) -> dict[str, sa.ColumnElement[Any]]:
    """Bindings as the caller may see them: to nothing where he may not read the model or the buildings."""
    readable = asset.c.model == sa.func.any(sa.literal(list(query.models), ARRAY(sa.Text)))
    pole = asset.alias("pole")
    parent = sa.select(pole.c.code).where(pole.c.code == asset.c.parent).correlate(asset).scalar_subquery()
    hidden: dict[str, Any] = {"parent": parent}
    for name in BINDING:
        if name not in _OF_BUILDINGS:
            hidden[name] = sa.case((readable, asset.c[name]), else_=None)
    if not query.buildings:
        hidden["building_code"] = sa.cast(sa.null(), sa.Text)
        hidden["storey_number"] = sa.case((readable, asset.c.storey_number), else_=None)
    return hidden


_OF_BUILDINGS = frozenset({"building_code", "storey_number"})


def _conditions(query: DeviceQuery, rows: sa.Subquery) -> list[sa.ColumnElement[bool]]:
    c = rows.c
    equal = {
        c.owner: query.owner,
        c.parent: query.parent,
        c.state: query.state,
        c.building_code: query.building,
        c.model: query.model,
        c.storey: query.storey,
        c.storey_number: query.storey_number,
    }
    found = [column == value for column, value in equal.items() if value is not None]
    found += [
        column.in_(values) for column, values in ((c.placement, query.placements), (c.kind, query.kinds)) if values
    ]
    if query.codes is not None:
        found.append(c.code == sa.func.any(sa.literal(list(query.codes), ARRAY(sa.Text))))
    if query.region is not None:
        found.append(sa.func.starts_with(c.region_code, query.region))
    found += in_box(_POINTS, query.bbox)
    if query.area is not None:
        found.append(_inside(rows, query.area))
    found += _observing(query, rows)
    if query.text:
        found.append(_called(rows, query.text))
    return found


def _inside(rows: sa.Subquery, area: str) -> sa.ColumnElement[bool]:
    shape = sa.func.ST_SetSRID(sa.func.ST_GeomFromGeoJSON(area), 4490)
    near = rows.c.geom_3857.op("&&")(sa.func.ST_Transform(sa.func.ST_Envelope(shape), 3857))
    return sa.and_(near, sa.func.ST_Intersects(rows.c.geom, shape))


def _called(rows: sa.Subquery, text: str) -> sa.ColumnElement[bool]:
    wanted = text.strip()
    other = sa.exists().where(asset_alias.c.asset == rows.c.code, asset_alias.c.code == wanted)
    return sa.or_(
        rows.c.name.icontains(wanted, autoescape=True),
        rows.c.owner.icontains(wanted, autoescape=True),
        rows.c.code.istartswith(wanted, autoescape=True),
        other,
    )


def _observing(query: DeviceQuery, rows: sa.Subquery) -> list[sa.ColumnElement[bool]]:
    """What must be observed; a threshold says which properties by itself."""
    if query.threshold is not None:
        return [_one_of(rows.c.thing, _beyond(query.threshold))]
    if query.properties is not None:
        return [_one_of(rows.c.thing, sa.select(datastream.c.thing).where(_among(query.properties)))]
    return []


def _one_of(thing_id: sa.ColumnElement[Any], things: sa.Select[Any]) -> sa.ColumnElement[bool]:
    """Whether a thing is among others, looked up in one set of them.

    As a plain IN or EXISTS it would be planned as a join, whose rows cannot be estimated below row-level security: with
    12 000 devices two such joins became a nested loop of seconds.
    """
    return thing_id.in_(things).is_(sa.true())


def _beyond(bound: Threshold) -> sa.Select[Any]:
    since = None if bound.window is None else sa.func.now() - sa.literal(bound.window, sa.Interval)
    values = observation if bound.any_value else latest
    at: sa.ColumnElement[Any] = observation.c.phenomenon_time if bound.any_value else heard_at()
    tests = [values.c.datastream_id == datastream.c.id, values.c.quality == "N", _among(bound.properties)]
    if since is not None:
        tests.append(at >= since)
    if bound.at_least is not None:
        tests.append(values.c.value >= bound.at_least)
    if bound.at_most is not None:
        tests.append(values.c.value <= bound.at_most)
    return sa.select(datastream.c.thing).where(*tests)


def _among(properties: Sequence[int]) -> sa.ColumnElement[bool]:
    return datastream.c.observed_property == sa.func.any(sa.literal(list(properties), ARRAY(sa.Integer)))
