"""People by building in nested zones, summed in the database.

Buildings and records of people are joined by the building's code. Where a building surely lies in one zone it is only
counted; those near the edge of a zone are told one by one, for an exact overlay in memory.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from cim.model.collection import BoundingBox
from cim.store.collection_tables import LONLAT_SRID, lonlat
from cim.store.meeting_features import touching
from cim.store.selection import Selection, compiling, selected_rows
from cim.store.tables import region

FIGURES = ("persons", "day_persons", "households", "age_0_6", "age_7_17", "age_60", "mobility")
BY_DAY = ("age_0_6", "age_60", "mobility")
SUMS = (*FIGURES, *(f"day_{name}" for name in BY_DAY))
"""What is summed: the record's figures, and, by day, those of a group who may be at home at most."""
Column = sa.ColumnElement[Any]
_SIDES = ("XMin", "YMin", "XMax", "YMax")


@dataclass(frozen=True, slots=True)
class Circles:
    """Circles around a place, from the inside out, on a plane in degrees with so many metres to each."""

    lon: float
    lat: float
    lon_m: float
    lat_m: float
    radii_m: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class PeopleQuery:
    """Which people: the layers of buildings and of records of people, the boxes, and the zones.

    ``zones`` are circles, or one area as WKB in longitude and latitude. ``homes`` are the uses that people live in.
    """

    buildings: Selection
    people: Selection
    boxes: tuple[BoundingBox, ...]
    zones: Circles | bytes
    homes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PeopleGroup:
    """Buildings that lie alike.

    They lie wholly in the zone ``first``; where ``first`` and ``last`` differ it is one building, ``fid``, that may
    reach from the one into the other (one past the last zone is outside). ``orphan``: records without a building.
    ``known`` counts the buildings with a record of people, ``lacking`` records without persons, ``homes`` those homes
    that have none, ``floor_deg2`` their floor area in square degrees, ``no_floors`` such without floors.
    """

    first: int
    last: int
    village: str
    fid: int | None
    orphan: bool
    buildings: int
    known: int
    lacking: int
    homes: int
    floor_deg2: float
    no_floors: int
    sums: dict[str, float]


_FACTS = tuple(name for name in PeopleGroup.__dataclass_fields__ if name != "sums")


async def people_in_zones(connection: AsyncConnection, query: PeopleQuery) -> list[PeopleGroup]:
    """The buildings and records of people that lie in the zones or may reach into them."""
    held = _held(query).subquery("held")
    count = len(query.zones.radii_m) if isinstance(query.zones, Circles) else 1
    loose = sa.case((held.c.first != held.c.last, held.c.fid), else_=None)
    keys: list[Column] = [held.c.first, held.c.last, held.c.village, loose, held.c.orphan]
    home = sa.and_(held.c.home, ~held.c.recorded)
    figures: list[Column] = [
        sa.func.count(),
        sa.func.count().filter(held.c.recorded),
        sa.func.count().filter(held.c.lacking),
        sa.func.count().filter(home),
        sa.func.coalesce(sa.func.sum(_floor_deg2(held)).filter(home), 0.0),
        sa.func.count().filter(sa.and_(home, held.c.floors.is_(None))),
        *(sa.func.coalesce(sa.func.sum(held.c[name]), 0) for name in SUMS),
    ]
    statement = sa.select(*keys, *figures).where(held.c.first < count).group_by(*keys)
    found = await connection.execute(statement, execution_options=compiling(query.buildings.where))
    return [_group(row) for row in found]


def _group(row: Any) -> PeopleGroup:
    facts = dict(zip(_FACTS, row[: len(_FACTS)], strict=True))
    sums = {name: float(value) for name, value in zip(SUMS, row[len(_FACTS) :], strict=True)}
    return PeopleGroup(**facts, sums=sums)


async def densities(
    connection: AsyncConnection, query: PeopleQuery, villages: Sequence[str]
) -> dict[str, tuple[float, dict[str, float]]]:
    """Of villages the floor area (square degrees) of all homes with a record of people, and the sums of these."""
    box = await connection.execute(
        sa.select(*(getattr(sa.func, f"ST_{side}")(sa.func.ST_Extent(region.c.geom)) for side in _SIDES)).where(
            region.c.code == _any(villages)
        )
    )
    sides = box.one()
    boxes = (
        query.boxes
        if sides[0] is None
        else ((float(sides[0]), float(sides[1]), float(sides[2]), float(sides[3])), *query.boxes)
    )
    held = _held(replace(query, boxes=boxes)).subquery("held")
    statement = (
        sa.select(
            held.c.village,
            sa.func.sum(_floor_deg2(held)),
            *(sa.func.coalesce(sa.func.sum(held.c[name]), 0) for name in SUMS),
        )
        .where(held.c.home, held.c.recorded, ~held.c.lacking, ~held.c.orphan)
        .where(held.c.village == _any(villages))
        .group_by(held.c.village)
    )
    found = await connection.execute(statement)
    return {row[0]: (float(row[1]), dict(zip(SUMS, map(float, row[2:]), strict=True))) for row in found if row[1]}


def _held(query: PeopleQuery) -> sa.Select[Any]:
    """Each building with the sums of its records, and each record that has no building, with the zones they lie in."""
    joined = _joined(query).subquery("joined")
    if isinstance(query.zones, Circles):
        rows = _reached(query.zones, joined).subquery("reached")
        first, last = _in_circles(query.zones, rows)
    else:
        rows = joined
        first, last = _in_area(query.zones, rows.c.place)
    certain = sa.case((rows.c.orphan, first), else_=last)
    return sa.select(*rows.c, first.label("first"), certain.label("last")).offset(0)


def _joined(query: PeopleQuery) -> sa.Select[Any]:
    near = touching(query.boxes)
    b = selected_rows(replace(query.buildings, where=(*query.buildings.where, near)), name="houses")
    records = _records(replace(query.people, where=(*query.people.where, near))).subquery("records")
    use = _field(b, "use", sa.Text())
    return (
        sa.select(
            b.c.fid,
            sa.func.coalesce(_field(b, "village_code", sa.Text()), records.c.village, "").label("village"),
            b.c.fid.is_(None).label("orphan"),
            records.c.code.is_not(None).label("recorded"),
            sa.func.coalesce(records.c.lacking, sa.false()).label("lacking"),
            sa.func.coalesce(use == _any(query.homes), sa.false()).label("home"),
            _field(b, "floors", sa.Integer()).label("floors"),
            sa.func.coalesce(lonlat(b), records.c.place).label("place"),
            *(records.c[name] for name in SUMS),
        )
        .select_from(b.join(records, b.c.building_code == records.c.code, full=True))
        .offset(0)
    )


def _records(people: Selection) -> sa.Select[Any]:
    """The records of people by their building's code, several of one building together."""
    p = selected_rows(people, name="people")
    sums = {name: _field(p, name, sa.Double()) for name in FIGURES}
    day = {f"day_{name}": sa.func.least(sums[name], sums["day_persons"]) for name in BY_DAY}
    code = sa.func.coalesce(p.c.building_code, p.c.key)
    middle = [sa.func.avg(getattr(sa.func, f"ST_{letter}")(lonlat(p))) for letter in "XY"]
    return sa.select(
        code.label("code"),
        sa.func.min(_field(p, "village_code", sa.Text())).label("village"),
        sa.func.ST_SetSRID(sa.func.ST_MakePoint(*middle), LONLAT_SRID).label("place"),
        sa.func.bool_or(sums["persons"].is_(None)).label("lacking"),
        *(sa.func.sum(value).label(name) for name, value in (sums | day).items()),
    ).group_by(code)


def _any(texts: Sequence[str]) -> Column:
    return sa.func.any(sa.literal(list(texts), ARRAY(sa.Text)))


def _field(rows: sa.FromClause, name: str, kind: Any) -> Column:
    """A field as a kind of value; null where the caller does not see it."""
    return sa.cast(rows.c[name], kind) if name in rows.c else sa.cast(sa.null(), kind)


def _floor_deg2(held: sa.Subquery) -> Column:
    return sa.func.ST_Area(held.c.place) * sa.func.greatest(sa.func.coalesce(held.c.floors, 1), 1)


def _in_area(area: bytes, place: Column) -> tuple[Column, Column]:
    """The first zone that a shape may reach into, and the one that surely holds all of it: 1 is outside."""
    shape = sa.func.ST_GeomFromWKB(sa.literal(area, sa.LargeBinary), LONLAT_SRID)
    meets, within = sa.func.ST_Intersects(place, shape), sa.func.ST_CoveredBy(place, shape)
    return sa.case((meets, 0), else_=1), sa.case((within, 0), else_=1)


def _in_circles(zones: Circles, rows: sa.Subquery) -> tuple[Column, Column]:
    """The same among circles, by the squares of the distances; near a circle neither is told for sure.

    The plane's distances are less exact than those of the circles, the more the larger these are.
    """
    margins_m = [2.0 + radius * (0.0005 + radius / 6e6) for radius in zones.radii_m]
    pairs = list(enumerate(zip(zones.radii_m, margins_m, strict=True)))
    near = [(rows.c.near2 <= (radius + more) ** 2, number) for number, (radius, more) in pairs]
    far = [(rows.c.far2 < max(0.0, radius - more) ** 2, number) for number, (radius, more) in pairs]
    return sa.case(*near, else_=len(pairs)), sa.case(*far, else_=len(pairs))


def _reached(zones: Circles, joined: sa.Subquery) -> sa.Select[Any]:
    """The rows with the squares in m2 of the least and greatest distance of their boxes from the circles' middle.

    Each step is a subquery of its own, so that none is computed more than once for a row.
    """
    names = [column.name for column in joined.c]
    sides = sa.select(*joined.c, *_sides(zones, joined.c.place)).offset(0).subquery("sides")
    near = [sa.func.greatest(sides.c[f"low_{one}"], -sides.c[f"high_{one}"], 0.0) for one in "xy"]
    far = [sa.func.greatest(-sides.c[f"low_{one}"], sides.c[f"high_{one}"]) for one in "xy"]
    apart = sa.select(
        *(sides.c[name] for name in names),
        *(value.label(f"near_{one}") for one, value in zip("xy", near, strict=True)),
        *(value.label(f"far_{one}") for one, value in zip("xy", far, strict=True)),
    )
    rows = apart.offset(0).subquery("apart")
    square = [(rows.c[f"{of}_x"] * rows.c[f"{of}_x"] + rows.c[f"{of}_y"] * rows.c[f"{of}_y"]) for of in ("near", "far")]
    kept = (rows.c[name] for name in names)
    return sa.select(*kept, square[0].label("near2"), square[1].label("far2")).offset(0)


def _sides(zones: Circles, place: Column) -> list[sa.Label[Any]]:
    """The sides of a shape's box in metres from the middle of the circles."""
    found = []
    for letter, middle, metres in (("X", zones.lon, zones.lon_m), ("Y", zones.lat, zones.lat_m)):
        for name, of in (("low", "Min"), ("high", "Max")):
            side = getattr(sa.func, f"ST_{letter}{of}")(place)
            found.append(((side - middle) * metres).label(f"{name}_{letter.lower()}"))
    return found
