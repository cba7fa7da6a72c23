"""The sequence of changes: in the order of committing, with boxes of what changed and no more."""

import asyncio

import psycopg
import pytest
import sqlalchemy as sa
from publishing import Row, publish_grid, publish_rows, schema, square

from cim.model.access import ReadContext
from cim.model.change import Change
from cim.store.changes import change_heads, changes_after
from cim.store.cluster_logins import Logins
from cim.store.database import Database
from cim.store.versions import rollback

MANY = 6_000
WEST, EAST = 103.9, 104.3


def rows(**heights: float) -> list[Row]:
    places = {"west": (WEST, 30.9), "east": (EAST, 31.1), "middle": (104.1, 31.0)}
    return [(name, height, square(*places[name])) for name, height in heights.items()]


async def changes(database: Database, after: int = 0) -> list[Change]:
    async with database.reading(ReadContext(())) as connection:
        return await changes_after(connection, after, layers=["squares"])


def touched(found: list[Change]) -> set[str]:
    """Which of the three places the boxes touch."""
    places = {"west": (WEST, 30.9), "east": (EAST, 31.1), "middle": (104.1, 31.0)}
    return {
        name
        for name, (lon, lat) in places.items()
        for change in found
        if change.bbox is None
        or (change.bbox[0] <= lon + 0.0005 <= change.bbox[2] and change.bbox[1] <= lat + 0.0005 <= change.bbox[3])
    }


def connect(logins: Logins) -> psycopg.AsyncConnection:
    url = sa.make_url(logins.writer_url).set(drivername="postgresql").render_as_string(hide_password=False)
    return psycopg.AsyncConnection.connect(url)  # type: ignore[return-value]


async def test_an_import_touches_what_it_changes(database: Database) -> None:
    await publish_rows(database, rows(west=1, east=1, middle=1))
    first = await changes(database)
    assert touched(first) == {"west", "east", "middle"}
    await publish_rows(database, rows(west=2, east=2, middle=1))
    second = await changes(database, first[-1].seq)
    assert len(second) == 4
    assert touched(second) == {"west", "east"}
    await publish_rows(database, rows(west=2, middle=1))
    third = await changes(database, second[-1].seq)
    assert touched(third) == {"east"}
    async with database.writing() as connection:
        await rollback(connection, "squares", 2, author="test")
    assert touched(await changes(database, third[-1].seq)) == {"east"}


async def test_many_changes_are_a_grid_of_boxes(database: Database) -> None:
    await publish_grid(database, 20_000, height="1")
    before = (await changes(database))[-1].seq
    await publish_grid(database, 20_000, height="CASE WHEN n <= 400 OR n > 19600 THEN 2 ELSE 1 END")
    found = await changes(database, before)
    assert 2 <= len(found) <= 64
    assert all(change.bbox and change.bbox[3] - change.bbox[1] < 0.002 for change in found)


async def test_many_boxes_of_one_edit_take_work_by_their_number(database: Database, logins: Logins) -> None:
    await publish_rows(database, rows(west=1))
    before = (await changes(database))[-1].seq
    blocks = "SELECT heap_blks_hit + idx_blks_hit FROM pg_statio_all_tables WHERE relname = 'pending_change'"
    async with await connect(logins) as writer:
        await writer.execute(
            "SELECT cim.touch('squares', 1, n, 0, n / 1e3, 0, n / 1e3, 0), pg_stat_force_next_flush()"
            f" FROM generate_series(1, {MANY}) AS n"
        )
        await writer.commit()
        (looked_at,) = await (await writer.execute(blocks)).fetchone() or (0,)
    assert len(await changes(database, before)) <= 64
    assert MANY < looked_at < 40 * MANY


async def test_edits_far_apart_are_boxes_of_their_own(database: Database, logins: Logins) -> None:
    await publish_rows(database, rows(west=1, east=1, middle=1))
    before = (await changes(database))[-1].seq
    async with await connect(logins) as writer:
        await writer.execute("UPDATE city.squares SET height_m = 5 WHERE code IN ('west', 'east')")
        await writer.execute("UPDATE city.squares SET height_m = 6 WHERE code = 'west'")
    found = await changes(database, before)
    assert touched(found) == {"west", "east"}
    assert {change.version for change in found} == {2}
    assert len(found) == 2
    async with await connect(logins) as writer:
        await writer.execute("UPDATE city.squares SET geom = ST_Translate(geom, 0.2, 0.1) WHERE code = 'west'")
    moved = await changes(database, found[-1].seq)
    assert touched(moved) == {"west", "middle"}
    assert len(moved) == 2


async def test_numbers_follow_the_order_of_committing(database: Database, logins: Logins) -> None:
    for layer in ("squares", "others"):
        await publish_rows(database, rows(west=1), layer=schema(layer))
    async with database.reading(ReadContext(())) as connection:
        before = max(head.seq for head in (await change_heads(connection)).values())
    async with await connect(logins) as slow, await connect(logins) as quick:
        await slow.execute("UPDATE city.squares SET height_m = 2")
        await quick.execute("UPDATE city.others SET height_m = 2")
        await quick.commit()
        async with database.reading(ReadContext(())) as connection:
            seen = await changes_after(connection, before)
        await slow.commit()
    assert [change.layer for change in seen] == ["others"]
    later = await changes(database, seen[-1].seq)
    assert [change.layer for change in later] == ["squares"]


async def test_an_abandoned_edit_is_no_change(database: Database, logins: Logins) -> None:
    await publish_rows(database, rows(west=1))
    before = await changes(database)
    async with await connect(logins) as writer:
        await writer.execute("UPDATE city.squares SET height_m = 2")
        await writer.rollback()
    assert await changes(database) == before


async def test_old_changes_become_one_without_a_box(database: Database, logins: Logins) -> None:
    await publish_rows(database, rows(west=1))
    async with await connect(logins) as writer:
        for _ in range(33):
            await writer.execute(
                "SELECT cim.touch('squares', 1, n, 0, n / 1e3, 0, n / 1e3, 0) FROM generate_series(1, 64) AS n"
            )
            await writer.commit()
    found = await changes(database)
    assert 1025 <= len(found) <= 2048 + 64
    assert found[0].bbox is None
    assert all(change.bbox for change in found[1:])
    async with database.reading(ReadContext(())) as connection:
        head = (await change_heads(connection))["squares"]
    assert (head.first, head.seq) == (found[0].seq, found[-1].seq)


async def test_the_servers_logins_cannot_rewrite_the_sequence(database: Database) -> None:
    for statement in ("DELETE FROM cim.change", "INSERT INTO cim.change (layer, version) VALUES ('x', 1)"):
        with pytest.raises(Exception, match="42501"):
            async with database.writing() as connection:
                await connection.execute(sa.text(statement))


async def test_writers_of_many_layers_do_not_block_each_other(database: Database, logins: Logins) -> None:
    layers = [f"layer_{number}" for number in range(4)]
    for layer in layers:
        await publish_rows(database, rows(west=1), layer=schema(layer))

    async def edit(layer: str) -> None:
        async with await connect(logins) as writer:
            for height in range(5):
                await writer.execute(f"UPDATE city.{layer} SET height_m = {height + 10}")
                await writer.commit()

    await asyncio.wait_for(asyncio.gather(*map(edit, layers)), 30)
    async with database.reading(ReadContext(())) as connection:
        found = [change for change in await changes_after(connection, 0) if change.version > 1]
    assert len(found) == 20
    assert [change.seq for change in found] == sorted(change.seq for change in found)
