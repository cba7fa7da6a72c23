"""The second net: what the database itself shows a transaction, and that it keeps the spatial index."""

import sqlalchemy as sa
from publishing import publish_rows, square

from cim.model.access import Grade, ReadContext
from cim.store.collections import the_collection
from cim.store.database import Database
from cim.store.features import FeatureQuery, count_features

ALL = ReadContext(((Grade.PUBLIC, None),))


async def many_squares(database: Database) -> None:
    rows = [(f"s{n}", float(n), square(103.7 + n % 60 * 0.005, 30.9 + n // 60 * 0.005, 0.004)) for n in range(3000)]
    await publish_rows(database, rows)


async def test_the_spatial_index_is_used_below_the_policy(database: Database) -> None:
    await many_squares(database)
    async with database.reading(ALL) as connection:
        plan = await connection.execute(
            sa.text(
                "EXPLAIN SELECT count(*) FROM history.squares WHERE valid_to_version IS NULL"
                " AND geom_3857 && ST_Transform(ST_MakeEnvelope(103.71, 30.91, 103.72, 30.92, 4490), 3857)"
            )
        )
        text = "\n".join(plan.scalars())
    assert "Index Scan" in text
    assert "InitPlan" in text


async def test_a_region_limits_rows_in_queries_and_below_them(database: Database) -> None:
    await many_squares(database)
    async with database.writing() as connection:
        await connection.execute(
            sa.text(
                "INSERT INTO cim.region (code, level, name, geom) VALUES"
                " ('west', 'town', '西', ST_MakeEnvelope(103, 30, 103.8, 32, 4490)),"
                " ('east', 'town', '东', ST_MakeEnvelope(103.8, 30, 105, 32, 4490))"
            )
        )
    counts = {}
    for region in ("west", "east"):
        context = ReadContext(((Grade.PUBLIC, (region,)),))
        async with database.reading(context) as connection:
            collection = await the_collection(connection, "squares")
            query = FeatureQuery(collection, (), (region,))
            counts[region] = await count_features(connection, query)
            below = await connection.scalar(sa.text("SELECT count(*) FROM city.squares"))
            assert below == counts[region]
    assert counts["west"] > 0
    assert counts["west"] + counts["east"] == 3000


async def test_settings_end_with_their_transaction(database: Database) -> None:
    await publish_rows(database, [("a", 1.0, square(103.95, 30.98))])
    for _ in range(5):
        async with database.reading(ALL) as connection:
            assert await connection.scalar(sa.text("SELECT count(*) FROM city.squares")) == 1
        async with database.reader.connect() as connection:
            assert await connection.scalar(sa.text("SELECT count(*) FROM city.squares")) == 0
