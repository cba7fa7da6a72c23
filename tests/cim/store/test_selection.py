"""Rows as they were and under scenarios: against dictionaries kept by hand, in plans, and below row security."""

from random import Random
from typing import Any

import pytest
import sqlalchemy as sa
from publishing import publish_grid, publish_rows, schema, square

from cim.errors import BadRequest, NotFound, StoreConflict
from cim.filters.compiler import compile_filter
from cim.filters.scope import FieldScope
from cim.model.access import Grade, ReadContext
from cim.model.collection import CollectionSchema, Field, ImportMode
from cim.store.as_of import version_at
from cim.store.collections import the_collection
from cim.store.database import Database
from cim.store.scenarios import all_scenarios, drop_scenario, the_scenario
from cim.store.selection import Selection, compiling, selected_rows
from cim.store.versions import history

ALL = ReadContext(((Grade.PUBLIC, None),))
Content = dict[str, float | None]


async def content(database: Database, context: ReadContext = ALL, layer: str = "squares", **of: Any) -> Content:
    """The codes and heights a selection holds."""
    async with database.reading(context) as connection:
        collection = await the_collection(connection, layer)
        regions = of.pop("regions", None)
        selection = Selection(collection, ("code", "height_m"), regions, **of)
        found = (await connection.execute(sa.select(selected_rows(selection)))).all()
        again = (await connection.execute(sa.select(selected_rows(selection, all_read=True)))).all()
    assert {row.fid for row in again} == {row.fid for row in found}
    assert len({row.fid for row in found}) == len(found)
    return {row.code: row.height_m for row in found}


def rows_of(held: Content, east: float = 0.0) -> list[tuple[str, float | None, str | None]]:
    return [(code, height, square(103.9 + int(code) / 1000 + east, 30.9)) for code, height in held.items()]


async def scenario_id(database: Database, name: str = "方案") -> int:
    async with database.reading(ALL) as connection:
        return (await the_scenario(connection, name)).id


async def test_every_version_holds_what_it_held(database: Database) -> None:
    random, versions, current = Random(7), [], Content()
    for _ in range(6):
        for code in map(str, range(30)):
            if random.random() < 0.4:
                current.pop(code, None)
            elif random.random() < 0.5:
                current[code] = float(random.randrange(9))
        await publish_rows(database, rows_of(current))
        versions.append(dict(current))
    for number, held in enumerate(versions, 1):
        assert await content(database, version=number) == held
    assert await content(database) == versions[-1]
    assert await content(database, version=0) == {}
    async with database.reading(ALL) as connection:
        for version in await history(connection, "squares"):
            assert await version_at(connection, "squares", version.created_at) == version.number


async def test_a_scenario_holds_what_its_deliveries_say(database: Database) -> None:
    """Upserts, appends and replacements at random, over a layer that moves on, against a dictionary."""
    random = Random(11)
    base: Content = {str(n): 1.0 for n in range(20)}
    await publish_rows(database, rows_of(base))
    changes: dict[str, float | None] = {}
    removed: set[str] = set()
    for _ in range(12):
        codes = random.sample([str(n) for n in range(30)], 6)
        delivery: Content = {code: float(random.choice([1, 2, 3])) for code in codes}
        mode = random.choice([ImportMode.UPSERT, ImportMode.UPSERT, ImportMode.REPLACE])
        await publish_rows(database, rows_of(delivery), mode=mode, scenario="方案")
        if mode is ImportMode.REPLACE:
            changes, removed = {}, set(base) - set(delivery)
        for code, height in delivery.items():
            changes.pop(code, None)
            removed.discard(code)
            if base.get(code, "none") != height:
                changes[code] = height
        expected = {code: height for code, height in base.items() if code not in removed} | changes
        assert await content(database, scenario=await scenario_id(database)) == expected
        assert await content(database) == base
        async with database.reading(ALL) as connection:
            change = (await the_scenario(connection, "方案")).layers["squares"].change
        assert change.added == len(set(changes) - set(base))
        assert change.changed == len(set(changes) & set(base))
        assert change.removed == len(removed)
    base = {code: height for code, height in base.items() if code not in ("3", "4")} | {"40": 7.0}
    await publish_rows(database, rows_of(base))
    expected = {code: height for code, height in base.items() if code not in removed} | changes
    assert await content(database, scenario=await scenario_id(database)) == expected


async def test_a_scenario_can_stand_on_a_version(database: Database) -> None:
    await publish_rows(database, rows_of({"1": 1.0, "2": 1.0}))
    await publish_rows(database, rows_of({"2": 2.0, "3": 2.0}))
    await publish_rows(database, rows_of({"1": 5.0}), mode=ImportMode.UPSERT, scenario="方案", over=1)
    number = await scenario_id(database)
    assert await content(database, scenario=number, version=1) == {"1": 5.0, "2": 1.0}
    with pytest.raises(BadRequest, match="stands on version 1"):
        await publish_rows(database, rows_of({"1": 5.0}), mode=ImportMode.UPSERT, scenario="方案", over=2)
    with pytest.raises(NotFound):
        await publish_rows(database, rows_of({"1": 5.0}), mode=ImportMode.UPSERT, scenario="另案", over=9)


async def test_what_a_scenario_refuses_leaves_it_as_it_was(database: Database) -> None:
    with pytest.raises(NotFound):
        await publish_rows(database, rows_of({"1": 1.0}), mode=ImportMode.UPSERT, scenario="方案")
    await publish_rows(database, rows_of({"1": 1.0, "2": 1.0}))
    await publish_rows(database, rows_of({"2": 3.0, "5": 5.0}), mode=ImportMode.UPSERT, scenario="方案")
    number = await scenario_id(database)
    for code in ("1", "5"):
        with pytest.raises(StoreConflict, match="already there"):
            await publish_rows(database, rows_of({code: 9.0}), mode=ImportMode.APPEND, scenario="方案")
    await publish_rows(database, rows_of({"6": 6.0}), mode=ImportMode.APPEND, scenario="方案")
    for name in ("", " a", "a/b", "x" * 61, "a\nb"):
        with pytest.raises(BadRequest, match="cannot name"):
            await publish_rows(database, rows_of({"1": 1.0}), mode=ImportMode.UPSERT, scenario=name)
    with pytest.raises(BadRequest, match="by area"):
        await publish_rows(database, rows_of({"1": 1.0}), mode=ImportMode.REPLACE_AREA, scenario="方案")
    assert await content(database, scenario=number) == {"1": 1.0, "2": 3.0, "5": 5.0, "6": 6.0}
    async with database.writing() as connection:
        assert (await drop_scenario(connection, "方案")).name == "方案"
        assert await all_scenarios(connection) == []
        left = await connection.scalar(sa.text("SELECT count(*) FROM pg_tables WHERE schemaname = 'scenario'"))
    assert left == 0
    assert await content(database) == {"1": 1.0, "2": 1.0}


async def test_a_field_the_layer_gets_later_is_there_under_its_scenarios(database: Database) -> None:
    await publish_rows(database, rows_of({"1": 1.0}))
    await publish_rows(database, rows_of({"2": 2.0}), mode=ImportMode.UPSERT, scenario="方案")
    known = schema()
    wider = CollectionSchema("squares", "Polygon", 4490, (*known.fields, Field("use", "text")), "code")
    await publish_rows(database, rows_of({"1": 1.5}), layer=wider)
    async with database.reading(ALL) as connection:
        collection = await the_collection(connection, "squares")
        rows = selected_rows(Selection(collection, ("code", "use"), None, scenario=await scenario_id(database)))
        assert sorted((await connection.scalars(sa.select(rows.c.code))).all()) == ["1", "2"]


async def test_row_security_holds_for_scenarios(database: Database) -> None:
    """A caller limited to a region sees neither what a scenario moved out of it nor what it hides elsewhere."""
    await publish_rows(database, rows_of({"1": 1.0, "2": 1.0, "90": 1.0}))
    async with database.writing() as connection:
        await connection.execute(
            sa.text(
                "INSERT INTO cim.region (code, level, name, geom) VALUES"
                " ('west', 'town', '西', ST_MakeEnvelope(103, 30, 103.95, 32, 4490)),"
                " ('east', 'town', '东', ST_MakeEnvelope(103.95, 30, 105, 32, 4490))"
            )
        )
    await publish_rows(database, rows_of({"1": 2.0}, east=0.1), mode=ImportMode.UPSERT, scenario="方案")
    number = await scenario_id(database)
    expected: dict[str, Content] = {"west": {"2": 1.0}, "east": {"1": 2.0, "90": 1.0}}
    for region, held in expected.items():
        context = ReadContext(((Grade.PUBLIC, (region,)),))
        assert await content(database, context, scenario=number, regions=(region,)) == held
        assert await content(database, context, scenario=number) == held
    nobody = ReadContext(((Grade.INTERNAL, None),))
    assert await content(database, nobody, scenario=number) == {}
    async with database.reading(nobody) as connection:
        assert await connection.scalar(sa.text(f"SELECT count(*) FROM scenario.squares__{number}")) == 0


def test_only_small_filters_are_kept_compiled() -> None:
    scope = FieldScope(schema(), schema().field_names)
    small = compile_filter("height_m > 1 AND code LIKE 'a%'", scope)
    large = compile_filter(" OR ".join(["height_m = 1"] * 200), scope)
    assert compiling((small.condition,)) == {}
    assert compiling((small.condition, large.condition)) == {"compiled_cache": None}


async def plan_of(database: Database, **of: Any) -> str:
    async with database.reading(ALL) as connection:
        collection = await the_collection(connection, "squares")
        scope = FieldScope(collection.schema, collection.schema.field_names)
        near = compile_filter("S_INTERSECTS(geom, BBOX(103.81, 30.91, 103.812, 30.912)) AND height_m >= 0", scope)
        rows = selected_rows(Selection(collection, ("code",), None, (near.condition,), **of))
        statement = sa.select(rows.c.fid).compile(dialect=connection.dialect, compile_kwargs={"literal_binds": False})
        explained = await connection.exec_driver_sql(f"EXPLAIN {statement}", statement.params)
        return "\n".join(explained.scalars())


async def test_indexes_are_used_now_then_and_under_a_scenario(database: Database) -> None:
    await publish_grid(database, 20_000, height="n % 9")
    await publish_grid(database, 20_000, height="n % 7")
    await publish_rows(database, rows_of({"1": 2.0}), mode=ImportMode.UPSERT, scenario="方案")
    async with database.writing() as connection:
        await connection.execute(sa.text("ANALYZE history.squares"))
    for of, ended in (({}, False), ({"version": 1}, True), ({"scenario": await scenario_id(database)}, False)):
        plan = await plan_of(database, **of)
        assert "Seq Scan on squares " not in plan
        assert "squares_ended_geom" in plan or not ended
        assert "geom_3857" in plan
