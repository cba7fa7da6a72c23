"""Entities of SensorThings as rows: where each property lies, how entities are linked, which rows a caller sees.

Every FROM item carries the predicate of what is open to the caller, beside row-level security; so no condition,
order or expansion reaches a row that a plain request would not show.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncConnection

from cim.model.access import ReadContext
from cim.model.sensing_entities import ENTITIES, Entity
from cim.store import sensing_tables as t
from cim.store import tables

Kind = Literal[
    "text", "number", "boolean", "timestamp", "interval", "date", "clock", "duration",
    "document", "geometry", "result", "id", "null",
]  # fmt: skip
Sql = sa.ColumnElement[Any]
TABLES = {
    "Thing": t.thing,
    "Location": t.location,
    "HistoricalLocation": t.historical_location,
    "Datastream": t.datastream,
    "Sensor": t.sensor,
    "ObservedProperty": t.observed_property,
    "Observation": t.observation,
    "FeatureOfInterest": t.feature,
}
_COLUMNS: dict[str, tuple[str, Kind]] = {
    "name": ("name", "text"),
    "description": ("description", "text"),
    "properties": ("properties", "document"),
    "encodingType": ("encoding_type", "text"),
    "location": ("geom", "geometry"),
    "feature": ("geom", "geometry"),
    "observedArea": ("observed_geom", "geometry"),
    "time": ("time", "timestamp"),
    "observationType": ("observation_type", "text"),
    "unitOfMeasurement": ("unit", "document"),
    "metadata": ("metadata", "document"),
    "definition": ("definition", "text"),
    "resultTime": ("result_time", "timestamp"),
}
_SHOWN: dict[str, tuple[str, ...]] = {
    "location": ("location",),
    "feature": ("feature",),
    "observedArea": ("observed_area",),
    "phenomenonTime": ("phenomenon_time", "phenomenon_end"),
    "result": ("value", "result"),
    "resultQuality": ("quality", "details"),
    "validTime": ("details",),
    "parameters": ("details",),
}
"""The columns that a property is shown from, where they are not the one it is compared by."""
_MOMENT = r"^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)$"
_TO_ONE = {
    ("HistoricalLocation", "Thing"): "thing",
    ("Datastream", "Thing"): "thing",
    ("Datastream", "Sensor"): "sensor",
    ("Datastream", "ObservedProperty"): "observed_property",
    ("Observation", "Datastream"): "datastream_id",
}
_PAIRS = {
    ("Thing", "Locations"): (t.thing_location.c.thing, t.thing_location.c.location),
    ("Location", "Things"): (t.thing_location.c.location, t.thing_location.c.thing),
    ("HistoricalLocation", "Locations"): (
        t.historical_location_place.c.historical_location,
        t.historical_location_place.c.location,
    ),
    ("Location", "HistoricalLocations"): (
        t.historical_location_place.c.location,
        t.historical_location_place.c.historical_location,
    ),
}


@dataclass(frozen=True, slots=True)
class Seen:
    """What a caller sees: the reaches that are open, and whether also what belongs to no thing yet (writers)."""

    reaches: tuple[int, ...]
    unclaimed: bool = False


@dataclass(frozen=True, slots=True)
class Held:
    """A property in SQL.

    ``end`` is the later end of an interval, ``other`` a result that is no number, or what answers have of a geometry.
    """

    sql: Sql
    kind: Kind
    end: Sql | None = None
    nullable: bool = True
    other: Sql | None = None


async def open_reaches(connection: AsyncConnection, context: ReadContext) -> tuple[int, ...]:
    """The reaches whose rows are open to a caller; the rule that row-level security has, computed apart from it."""
    openings = dict(context.openings)
    rows = await connection.execute(sa.select(tables.reach.c.id, tables.reach.c.grade, tables.reach.c.region_code))
    return tuple(row.id for row in rows if row.grade in openings and _is_open(row.region_code, openings[row.grade]))


def _is_open(region_code: str | None, codes: Sequence[str] | None) -> bool:
    return codes is None or any(code and region_code and region_code.startswith(code) for code in codes)


class Rows:
    """The rows of one entity, as one FROM item with what is joined to it.

    ``joins`` grows as properties of linked entities are asked for; ``source`` and ``conditions`` are read last.
    """

    def __init__(self, entity: Entity, seen: Seen, *, within: "Rows | None" = None) -> None:
        self.entity = entity
        self.seen = seen
        self.table = TABLES[entity.name].alias()
        self._root: Rows = within or self
        self._joins: list[tuple[sa.FromClause, Sql]] = []
        self._linked: dict[str, Rows] = {}
        self._latest: sa.FromClause | None = None
        self._stream: Rows | None = None
        if entity.name == "Observation":
            self._stream = Rows(ENTITIES["Datastream"], seen, within=self)
            self._linked["Datastream"] = self._stream

    @property
    def c(self) -> Any:
        """The columns of the entity's own table."""
        return self.table.c

    def source(self) -> sa.FromClause:
        """What to select from."""
        joined: sa.FromClause = self.table
        if self._stream is not None:
            joined = joined.join(self._stream.table, self._stream.c.id == self.c.datastream_id)
        for table, condition in self._joins:
            joined = joined.outerjoin(table, condition)
        return joined

    def tables(self) -> list[sa.FromClause]:
        """Every table that ``source`` holds."""
        streams = [self._stream.table] if self._stream is not None else []
        return [self.table, *streams, *(table for table, _ in self._joins)]

    def conditions(self) -> list[sa.ColumnElement[bool]]:
        """What holds for each row that the caller sees."""
        return [self._stream.opened() if self._stream is not None else self.opened()]

    def opened(self) -> sa.ColumnElement[bool]:
        """Whether a row of the entity's own table is open to the caller."""
        name = self.entity.name
        found: sa.ColumnElement[bool]
        if name in ("Thing", "Datastream"):
            return self._reached(self.c.reach)
        if name in ("Location", "FeatureOfInterest"):
            found = self._reached(self.c.reach)
            return sa.or_(found, self.c.reach.is_(None)) if self.seen.unclaimed else found
        if name == "HistoricalLocation":
            found = self.c.thing.in_(sa.select(t.thing.c.id).where(self._reached(t.thing.c.reach)))
            return found
        if name == "Observation":
            streams = sa.select(t.datastream.c.id).where(self._reached(t.datastream.c.reach))
            found = self.c.datastream_id.in_(streams)
            return found
        return self._used(t.datastream.c.sensor if name == "Sensor" else t.datastream.c.observed_property)

    def _reached(self, reach: sa.Column[Any]) -> sa.ColumnElement[bool]:
        return reach == sa.any_(sa.literal(list(self.seen.reaches), sa.ARRAY(sa.Integer)))

    def _used(self, column: sa.Column[Any]) -> sa.ColumnElement[bool]:
        streams = t.datastream.alias()
        used = sa.select(streams.c.id).where(streams.c[column.name] == self.c.id, self._reached(streams.c.reach))
        using = sa.exists(used.correlate_except(streams))
        if not self.seen.unclaimed:
            return using
        word = "sensor_is_used" if self.entity.name == "Sensor" else "property_is_used"
        return sa.or_(using, sa.not_(getattr(sa.func.sensing, word)(self.c.id)))

    def ids(self) -> list[Sql]:
        """The columns that tell one entity from the others, in the order entities come in by themselves."""
        if self.entity.name == "Observation":
            return [self.c.datastream_id, self.c.phenomenon_time]
        return [self.c.id]

    def held(self, name: str) -> Held | None:
        """A property, or ``id``, as it is compared and ordered by; None where the entity has none of that name."""
        own = self.entity.name
        if name in ("id", "@iot.id"):
            return self._id()
        if name not in self.entity.properties:
            return None
        if own == "Observation" and name != "resultTime":
            return self._of_observation(name)
        if own == "Datastream" and name in ("phenomenonTime", "resultTime"):
            start, _, end = self._spans()[name]
            return Held(start, "interval", end)
        column, kind = _COLUMNS[name]
        found = self.c[column]
        written = self.c[_SHOWN[name][0]] if kind == "geometry" else None
        return Held(found, kind, nullable=found.nullable, other=written)

    def shown(self, name: str) -> list[Sql]:
        """The columns, labelled, that a property is shown from (``web.sensorthings.documents`` puts them together)."""
        if self.entity.name == "Datastream" and name in ("phenomenonTime", "resultTime"):
            start, word, end = self._spans()[name]
            return [start.label(f"{word}_first"), end.label(f"{word}_last")]
        columns = _SHOWN.get(name) or (_COLUMNS[name][0],)
        return [self.c[column].label(column) for column in columns]

    def key(self, link: str) -> Sql:
        """The number that a link goes by: of the one entity it leads to, or of this one where it leads to many."""
        own = self.entity.name
        if (own, link) == ("Observation", "FeatureOfInterest"):
            return sa.func.coalesce(self.c.feature_id, self._stream.c.feature if self._stream else sa.null())
        column = _TO_ONE.get((own, link))
        found: Sql = self.c[column or "id"]
        return found

    def led_to(self, origin: str, link: str, key: Sql) -> sa.ColumnElement[bool]:
        """Whether a row is one that ``link`` of the entity ``origin`` with this ``key`` leads to."""
        if (origin, link) in _PAIRS:
            near, far = _PAIRS[(origin, link)]
            pairs = near.table.alias()
            paired = sa.select(pairs.c[far.name]).where(pairs.c[near.name] == key)
            linked: sa.ColumnElement[bool] = self.c.id.in_(paired.correlate_except(pairs))
            return linked
        if (origin, link) == ("FeatureOfInterest", "Observations"):
            return self._observed(key)
        inverse = ENTITIES[origin].links[link].inverse
        column = _TO_ONE.get((self.entity.name, inverse)) if ENTITIES[origin].links[link].many else None
        condition: sa.ColumnElement[bool] = self.c[column or "id"] == key
        return condition

    def _observed(self, feature: Sql) -> sa.ColumnElement[bool]:
        named, streams = t.observed_feature.alias(), t.datastream.alias()
        either = sa.union_all(
            sa.select(named.c.datastream_id).where(named.c.feature_id == feature).correlate_except(named),
            sa.select(streams.c.id).where(streams.c.feature == feature).correlate_except(streams),
        )
        return sa.and_(self.c.datastream_id.in_(either), self.key("FeatureOfInterest") == feature)

    def linked(self, link: str) -> "Rows":
        """The rows a link to one leads to, joined to these; those that are closed to the caller are not there."""
        if link not in self._linked:
            target = ENTITIES[self.entity.links[link].target]
            other = Rows(target, self.seen, within=self._root)
            condition = sa.and_(other.led_to(self.entity.name, link, self.key(link)), other.opened())
            self._root.join(other.table, condition)
            self._linked[link] = other
        return self._linked[link]

    def join(self, table: sa.FromClause, condition: Sql) -> None:
        """Have a table joined, whose columns are null where there is no such row."""
        self._joins.append((table, condition))

    def _id(self) -> Held:
        if self.entity.name != "Observation":
            return Held(self.c.id, "number", nullable=False)
        micros = sa.cast(sa.extract("epoch", self.c.phenomenon_time) * 1_000_000, sa.BigInteger)
        text = sa.func.concat(self.c.datastream_id, "-", micros, type_=sa.Text)
        return Held(text, "id", nullable=False)

    def _spans(self) -> dict[str, tuple[Sql, str, Sql]]:
        """First and last moments of the observations of a datastream, with what their columns are called."""
        if self._latest is None:
            self._latest = newest = t.latest.alias()
            self._root.join(newest, newest.c.datastream_id == self.c.id)
        c = self._latest.c
        last = sa.func.greatest(c.at, c.until, type_=sa.TIMESTAMP(timezone=True))
        return {
            "phenomenonTime": (c.first_at, "phenomenon", last),
            "resultTime": (c.first_result_at, "result", c.last_result_at),
        }

    def _of_observation(self, name: str) -> Held:
        c = self.c
        if name == "phenomenonTime":
            return Held(c.phenomenon_time, "timestamp", nullable=False)
        if name == "result":
            return Held(c.value, "result", other=c.result)
        if name == "resultQuality":
            return Held(sa.cast(c.quality, sa.Text), "text", nullable=False)
        if name == "validTime":
            text = c.details.op("->>", return_type=sa.Text())(sa.literal(name, sa.Text))
            return Held(_moment_in(text, 1), "interval", _moment_in(text, 2))
        inner = c.details.op("->", return_type=JSONB())(sa.literal(name, sa.Text))
        return Held(inner, "document")


def _moment_in(text: Sql, part: int) -> Sql:
    """One end of an interval written as ``start/end``; unknown where it is none."""
    found = sa.func.substring(sa.func.split_part(text, "/", part), _MOMENT)
    return sa.cast(found, sa.TIMESTAMP(timezone=True))
