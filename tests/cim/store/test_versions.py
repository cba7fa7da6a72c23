"""Versions: what publishing, editing, looking back and going back leave visible."""

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from publishing import publish_rows, schema, square

from cim.errors import BadRequest, NotFound, StoreConflict
from cim.model.access import Grade, ReadContext
from cim.model.collection import CollectionSchema, Field, ImportMode
from cim.store.collections import the_collection
from cim.store.database import Database
from cim.store.differences import difference
from cim.store.versions import history, rollback

A, B, C = ("a", 1.0, square(103.95, 30.98)), ("b", 2.0, square(103.96, 30.98)), ("c", 3.0, square(103.97, 30.98))
EVERYTHING = ReadContext(((Grade.PUBLIC, None),))


async def visible(database: Database, layer: str = "squares") -> dict[str, float]:
    async with database.reading(EVERYTHING) as connection:
        rows = await connection.execute(sa.text(f"SELECT code, height_m FROM city.{layer}"))
        return {row.code: row.height_m for row in rows}


async def test_first_import_is_version_1_and_the_same_again_changes_nothing(database: Database) -> None:
    first = await publish_rows(database, [A, B, C])
    assert first is not None
    assert (first.number, first.feature_count, first.change.added) == (1, 3, 3)
    assert await publish_rows(database, [C, A, B]) is None
    async with database.writing() as connection:
        assert len(await history(connection, "squares")) == 1


async def test_replace_adds_changes_and_ends(database: Database) -> None:
    await publish_rows(database, [A, B, C])
    second = await publish_rows(database, [A, ("b", 5.0, B[2]), ("d", 4.0, square(103.98, 30.98))])
    assert second is not None
    assert (second.change.added, second.change.changed, second.change.removed) == (1, 1, 1)
    assert await visible(database) == {"a": 1.0, "b": 5.0, "d": 4.0}
    async with database.writing() as connection:
        change, features = await difference(connection, "squares", 1, 2)
        assert (change.added, change.changed, change.removed) == (1, 1, 1)
        assert {(f.kind, f.key, f.fields) for f in features} == {
            ("changed", "b", ("height_m",)),
            ("removed", "c", ()),
            ("added", "d", ()),
        }


async def test_fid_stays_with_a_changed_feature(database: Database) -> None:
    await publish_rows(database, [A, B])
    await publish_rows(database, [("a", 9.0, A[2]), B])
    async with database.writing() as connection:
        fids = await connection.execute(sa.text("SELECT DISTINCT fid FROM history.squares WHERE key = 'a'"))
        assert len(list(fids)) == 1


async def test_upsert_ends_nothing_and_append_refuses_known_keys(database: Database) -> None:
    await publish_rows(database, [A, B])
    await publish_rows(database, [("b", 7.0, B[2]), C], mode=ImportMode.UPSERT)
    assert await visible(database) == {"a": 1.0, "b": 7.0, "c": 3.0}
    with pytest.raises(StoreConflict, match="already there: a"):
        await publish_rows(database, [A], mode=ImportMode.APPEND)
    assert await visible(database) == {"a": 1.0, "b": 7.0, "c": 3.0}


async def test_replace_area_ends_only_inside(database: Database) -> None:
    await publish_rows(database, [A, B, C])
    await publish_rows(database, [("n", 1.0, A[2])], mode=ImportMode.REPLACE_AREA, area=square(103.949, 30.97, 0.0105))
    assert await visible(database) == {"n": 1.0, "b": 2.0, "c": 3.0}


async def test_rollback_equals_the_old_version_and_is_itself_a_version(database: Database) -> None:
    await publish_rows(database, [A, B, C])
    await publish_rows(database, [A, ("b", 5.0, B[2])])
    async with database.writing() as connection:
        version = await rollback(connection, "squares", 1, author="test")
        assert version is not None
        assert version.number == 3
        assert (await difference(connection, "squares", 1, 3))[0].empty
    assert await visible(database) == {"a": 1.0, "b": 2.0, "c": 3.0}
    async with database.writing() as connection:
        assert await rollback(connection, "squares", 1, author="test") is None
        with pytest.raises(NotFound, match="no version 9"):
            await rollback(connection, "squares", 9, author="test")


async def test_sql_edits_of_one_transaction_are_one_version(database: Database) -> None:
    await publish_rows(database, [A, B])
    async with database.writing() as connection:
        await connection.execute(sa.text("UPDATE city.squares SET height_m = 9 WHERE code = 'a'"))
        await connection.execute(sa.text("UPDATE city.squares SET height_m = 10 WHERE code = 'a'"))
        await connection.execute(sa.text("DELETE FROM city.squares WHERE code = 'b'"))
        await connection.execute(
            sa.text("INSERT INTO city.squares (code, height_m, geom) VALUES ('z', 1, ST_GeomFromEWKT(:s))"), {"s": C[2]}
        )
    assert await visible(database) == {"a": 10.0, "z": 1.0}
    async with database.writing() as connection:
        newest = (await history(connection, "squares"))[0]
        assert (newest.number, newest.origin, newest.feature_count) == (2, "edit", 2)
        assert (newest.change.added, newest.change.changed, newest.change.removed) == (1, 1, 1)
        assert (await the_collection(connection, "squares")).feature_count == 2
    assert await publish_rows(database, [("a", 10.0, A[2]), ("z", 1.0, C[2])]) is None


async def test_readers_never_see_rows_without_an_opening(database: Database) -> None:
    await publish_rows(database, [A, B], grade=Grade.INTERNAL)
    assert await visible(database) == {}
    async with database.reading(ReadContext(())) as connection:
        assert (await connection.execute(sa.text("SELECT * FROM history.squares"))).all() == []


async def test_new_fields_widen_a_layer_and_other_differences_are_refused(database: Database) -> None:
    await publish_rows(database, [A])
    wider = CollectionSchema("squares", "Polygon", 4490, (*schema().fields, Field("用途", "text")), "code")
    await publish_rows(database, [("a", 2.0, A[2])], layer=wider)
    async with database.writing() as connection:
        assert "用途" in (await the_collection(connection, "squares")).schema.field_names
    with pytest.raises(BadRequest, match="coordinate system"):
        await publish_rows(database, [A], layer=schema(srid=4544))


async def test_a_failed_publish_leaves_nothing(database: Database) -> None:
    with pytest.raises(StoreConflict):
        await publish_rows(database, [A, A])
    async with database.writing() as connection:
        left = await connection.scalar(
            sa.text("SELECT count(*) FROM pg_tables WHERE schemaname IN ('staging', 'history')")
        )
        assert left == 0


STATES = st.lists(st.dictionaries(st.sampled_from("abcdef"), st.integers(0, 2), min_size=1), min_size=1, max_size=5)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(states=STATES)
async def test_every_version_can_be_looked_back_at(database: Database, states: list[dict[str, int]]) -> None:
    """Oracle: a list of dictionaries. Whatever is published in whatever order, as-of equals what was given then."""
    async with database.writing() as connection:
        await connection.execute(sa.text("DROP VIEW IF EXISTS city.squares"))
        await connection.execute(sa.text("DROP TABLE IF EXISTS history.squares"))
        await connection.execute(sa.text("DROP SEQUENCE IF EXISTS history.squares_fid"))
        await connection.execute(sa.text("DELETE FROM cim.collection"))
    expected: list[dict[str, int]] = []
    for state in states:
        rows = [(key, float(value), square(103.9 + ord(key) / 1000, 30.9)) for key, value in state.items()]
        version = await publish_rows(database, rows)
        if version is None:
            assert expected[-1] == state
        else:
            expected.append(state)
            assert version.number == len(expected)
    async with database.writing() as connection:
        for number, state in enumerate(expected, 1):
            rows_then = await connection.execute(
                sa.text(
                    "SELECT code, height_m FROM history.squares WHERE valid_from_version <= :n"
                    " AND coalesce(valid_to_version > :n, true)"
                ),
                {"n": number},
            )
            assert {row.code: row.height_m for row in rows_then} == state
