"""Where the things of assets are: they move with their assets, and keep what is noted of where they were."""

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from cim.store.sensing_entities_writing import place_thing
from cim.store.sensing_tables import location, thing
from cim.store.tables import asset

GEOJSON = "application/geo+json"


async def places_of(connection: AsyncConnection, codes: Sequence[str]) -> dict[str, bytes | None]:
    """The shapes of those assets that have a thing, by code, to be compared with later ones."""
    rows = await connection.execute(
        sa.select(asset.c.code, sa.func.ST_AsEWKB(asset.c.geom).label("shape"))
        .join(thing, thing.c.asset == asset.c.code)
        .where(asset.c.code == sa.func.any(sa.literal(list(codes), ARRAY(sa.Text))))
    )
    return {row.code: None if row.shape is None else bytes(row.shape) for row in rows}


async def follow_places(connection: AsyncConnection, before: dict[str, bytes | None]) -> None:
    """Put the things of assets that moved since ``before`` (``places_of``) where these are now.

    An asset that lost its place leaves its thing where it was; a thing put elsewhere stays there until its asset moves.
    """
    for code, shape in (await places_of(connection, list(before))).items():
        if shape is not None and shape != before[code]:
            number = await connection.scalar(sa.select(thing.c.id).where(thing.c.asset == code))
            where = await new_location(connection, code)
            if number is not None and where is not None:
                await place_thing(connection, int(number), [where])


async def new_location(connection: AsyncConnection, code: str) -> int | None:
    """A Location where an asset is, named like it; None where the asset has no place."""
    shape = sa.func.ST_AsGeoJSON(asset.c.geom, 9, 0)
    placed = sa.select(asset.c.name, sa.literal(GEOJSON), sa.cast(shape, location.c.location.type), asset.c.geom).where(
        asset.c.code == code, asset.c.geom.is_not(None)
    )
    columns = ["name", "encoding_type", "location", "geom"]
    made = sa.insert(location).from_select(columns, placed).returning(location.c.id)
    found = await connection.scalar(made)
    return None if found is None else int(found)
