"""What observations are of: the features that datastreams have of themselves, and those that observations name."""

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import distinct_on, insert
from sqlalchemy.ext.asyncio import AsyncConnection

from cim.store import sensing_tables as t

_GIVE = sa.text(
    "UPDATE sensing.datastream d SET feature = g.feature"
    " FROM unnest(cast(:streams AS integer[]), cast(:features AS integer[])) AS g (stream, feature)"
    " WHERE d.id = g.stream AND d.feature IS NULL"
)


async def made_features(connection: AsyncConnection, datastreams: Sequence[int]) -> dict[int, int]:
    """The features that observations of datastreams are of where they name none, made where there are none yet.

    They are made from the locations of things, one for each location (OGC 18-088 clause 10.2); datastreams of things
    without one are left out.
    """
    d = t.datastream
    held = sa.select(d.c.id, d.c.feature).where(d.c.id == _any(datastreams), d.c.feature.is_not(None))
    found = {row.id: row.feature for row in await connection.execute(held)}
    placed = await _places(connection, [one for one in datastreams if one not in found])
    if placed:
        features = await _of_places(connection, sorted(set(placed.values())))
        made = {stream: features[place] for stream, place in sorted(placed.items()) if place in features}
        await connection.execute(_GIVE, {"streams": list(made), "features": list(made.values())})
        await name_features(connection, made)
        found |= made
    return found


async def _places(connection: AsyncConnection, datastreams: Sequence[int]) -> dict[int, int]:
    """The location of the thing of each datastream; of several, one with a shape."""
    d, pair, place = t.datastream, t.thing_location, t.location
    chosen = (
        sa.select(d.c.id, place.c.id.label("place"))
        .ext(distinct_on(d.c.id))
        .join(pair, pair.c.thing == d.c.thing)
        .join(place, place.c.id == pair.c.location)
        .where(d.c.id == _any(datastreams))
        .order_by(d.c.id, place.c.geom.is_(None), place.c.id)
    )
    return {row.id: row.place for row in await connection.execute(chosen)} if datastreams else {}


async def _of_places(connection: AsyncConnection, locations: Sequence[int]) -> dict[int, int]:
    """The features made from locations, by location."""
    place, pair, thing, feature = t.location, t.thing_location, t.thing, t.feature
    chosen = (
        sa.select(place.c.name, place.c.description, place.c.encoding_type, place.c.location, place.c.geom)
        .add_columns(place.c.id, thing.c.reach)
        .ext(distinct_on(place.c.id))
        .join(pair, pair.c.location == place.c.id)
        .join(thing, thing.c.id == pair.c.thing)
        .where(place.c.id == _any(locations))
        .order_by(place.c.id, thing.c.id)
    )
    names = ["name", "description", "encoding_type", "feature", "geom", "made_from", "reach"]
    making = insert(feature).from_select(names, chosen)
    made = making.on_conflict_do_update(index_elements=["made_from"], set_={"made_from": making.excluded.made_from})
    rows = await connection.execute(made.returning(feature.c.made_from, feature.c.id))
    return {row.made_from: row.id for row in rows}


async def name_features(connection: AsyncConnection, named: Mapping[int, int]) -> None:
    """Note that observations of datastreams are of features, by datastream; the areas observed grow by them."""
    o = t.observed_feature
    pairs = [{"datastream_id": stream, "feature_id": feature} for stream, feature in sorted(named.items())]
    if not pairs:
        return
    noted = insert(o).values(pairs).on_conflict_do_nothing().returning(o.c.datastream_id, o.c.feature_id)
    new = (await connection.execute(noted)).all()
    if not new:
        return
    d, f = t.datastream, t.feature
    streams = [row.datastream_id for row in new]
    await connection.execute(
        sa.update(f)
        .where(f.c.id == o.c.feature_id, o.c.datastream_id == d.c.id, d.c.id == _any(streams), f.c.reach.is_(None))
        .values(reach=d.c.reach)
    )
    area = (
        sa.select(o.c.datastream_id, sa.func.ST_Envelope(sa.func.ST_Collect(f.c.geom)).label("area"))
        .join(f, f.c.id == o.c.feature_id)
        .where(o.c.datastream_id == _any(streams), f.c.geom.is_not(None))
        .group_by(o.c.datastream_id)
        .subquery()
    )
    document = sa.cast(sa.func.ST_AsGeoJSON(area.c.area, 9, 0), d.c.observed_area.type)
    await connection.execute(
        sa.update(d).where(d.c.id == area.c.datastream_id).values(observed_geom=area.c.area, observed_area=document)
    )


def _any(ids: Sequence[int]) -> Any:
    return sa.any_(sa.literal(list(ids), sa.ARRAY(sa.Integer)))
