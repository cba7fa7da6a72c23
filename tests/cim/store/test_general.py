"""Generalised content in the database: true to the features, rebuilt where they change, read as tiles."""

import random
from typing import Any

import mapbox_vector_tile
import pytest
import sqlalchemy as sa
from publishing import publish_grid, publish_rows, schema, square
from shapely.geometry import box
from shapely.geometry import shape as shapely_shape

from cim.model.access import Grade, ReadContext
from cim.model.collection import CollectionSchema, Field
from cim.model.general import GeneralPlan
from cim.model.grid import TileSquare
from cim.store.collections import the_collection
from cim.store.database import Database
from cim.store.general_reduced import reduced_tile
from cim.store.general_tables import general_state
from cim.store.general_tiles import general_tile
from cim.store.selection import Selection
from cim.store.tile_content import TileContent
from cim.store.versions import prune
from cim.store.window_content import content_in_window
from cim.store.window_features import WindowQuery
from tiles.generalise.grid import tile_box
from tiles.generalise.job import bring_up_to_date
from tiles.grid import grid, tile_square

PLAN = GeneralPlan("cells", 14, ("code", "height_m"), class_field="code", means=("height_m",))
OPEN = ReadContext(((Grade.PUBLIC, None),))
FIELDS = ("code", "height_m")
COLUMNS = "zoom, block_x, block_y, fid, wide, home_x, home_y, sums, parts::text, attributes::text, ST_AsEWKB(geom_3857)"


async def content(database: Database, layer: str) -> list[tuple[Any, ...]]:
    async with database.writing() as connection:
        rows = await connection.execute(sa.text(f'SELECT {COLUMNS} FROM general."{layer}"'))
        return sorted((tuple(row) for row in rows), key=str)


async def tile(database: Database, layer: str, zoom: int, x: int, y: int, fields: tuple[str, ...] = FIELDS) -> Any:
    async with database.reading(OPEN) as connection:
        state = await general_state(connection, layer)
    assert state is not None
    made = await general_tile(database.tiles, layer, state, fields, zoom, tile_square(zoom, x, y), OPEN)
    return None if made is None else features(made.data, layer)


def features(data: bytes, layer: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = mapbox_vector_tile.decode(data).get(layer, {}).get("features", [])
    return found


async def tiles_of(database: Database, layer: str, zoom: int) -> list[tuple[int, int]]:
    async with database.writing() as connection:
        rows = await connection.execute(
            sa.text(
                f'SELECT DISTINCT block_x >> 3, block_y >> 3 FROM general."{layer}" WHERE zoom = {zoom} ORDER BY 1, 2'
            )
        )
        return [(row[0], row[1]) for row in rows]


async def edit(database: Database, *statements: str) -> None:
    async with database.writing() as connection:
        for statement in statements:
            await connection.execute(sa.text(statement))


@pytest.mark.parametrize("zoom", [13, 12, 11, 8, 3, 0])
async def test_counts_are_exact_over_the_tiles_of_a_zoom(database: Database, zoom: int) -> None:
    await publish_grid(database, 4_000, height="n % 7")
    await bring_up_to_date(database, "squares", PLAN)
    counts = [sum(f["properties"]["count"] for f in await tile(database, "squares", zoom, x, y))
              for x, y in await tiles_of(database, "squares", zoom)]  # fmt: skip
    assert sum(counts) == 4_000
    assert all(counts)


@pytest.mark.parametrize("method", ["cells", "classes"])
async def test_areas_in_a_tile_are_those_of_the_content(database: Database, method: str) -> None:
    await publish_grid(database, 4_000, height="n % 7")
    plan = GeneralPlan(method, 14, FIELDS, class_field="height_m")  # type: ignore[arg-type]
    await bring_up_to_date(database, "squares", plan)
    for zoom in (13, 11):
        for x, y in await tiles_of(database, "squares", zoom):
            shapes = [shapely_shape(f["geometry"]) for f in await tile(database, "squares", zoom, x, y)]
            assert all(shape.is_valid for shape in shapes)
            async with database.writing() as connection:
                west, south, east, north = tile_box(zoom, x, y)
                area = await connection.scalar(
                    sa.text(
                        "SELECT sum(ST_Area(ST_Intersection(geom_3857, ST_MakeEnvelope(:w, :s, :e, :n, 3857))))"
                        f" FROM general.squares WHERE zoom = {zoom}"
                    ),
                    {"w": west, "s": south, "e": east, "n": north},
                )
            drawn = sum(shape.intersection(box(0, 0, 4096, 4096)).area for shape in shapes)
            assert drawn == pytest.approx(area / ((east - west) / 4096) ** 2, rel=1e-3)


async def test_a_feature_over_a_border_is_drawn_in_both_tiles_and_counted_in_one(database: Database) -> None:
    _, south, east, _ = tile_box(13, 6460, 3340)
    west, north = east - 400, south + 1_400
    ring = [(west, south + 900), (east + 500, south + 900), (east + 500, north), (west, north), (west, south + 900)]
    shape = f"SRID=3857;POLYGON(({', '.join(f'{x} {y}' for x, y in ring)}))"
    await publish_rows(database, [("甲", 5.0, await as_degrees(database, shape))])
    await bring_up_to_date(database, "squares", PLAN)
    (left,) = await tile(database, "squares", 13, 6460, 3340)
    (right,) = await tile(database, "squares", 13, 6461, 3340)
    assert left["id"] == right["id"] == 1
    assert "count" not in left["properties"]
    assert right["properties"]["count"] == 1
    assert left["properties"]["code"] == right["properties"]["code"] == "甲"


async def as_degrees(database: Database, shape: str) -> str:
    async with database.writing() as connection:
        text = await connection.scalar(
            sa.text("SELECT ST_AsEWKT(ST_Transform(ST_GeomFromEWKT(:s), 4490))"), {"s": shape}
        )
    return str(text)


@pytest.mark.slow
@pytest.mark.parametrize("method", ["cells", "classes", "lines", "points"])
async def test_what_is_rebuilt_equals_what_is_built_anew(database: Database, method: str) -> None:
    chance = random.Random(method)
    kind = {"lines": "LineString", "points": "Point"}.get(method, "Polygon")
    plan = GeneralPlan(method, 13, FIELDS, class_field="code", means=("height_m",) if method == "points" else ())  # type: ignore[arg-type]
    layer = schema("things", geometry=kind)
    layer = CollectionSchema("things", layer.geometry, 4490, (*layer.fields, Field("n", "text")), "n")

    def shape() -> str:
        lon, lat = chance.uniform(103.8, 104.0), chance.uniform(30.9, 31.0)
        if method == "points":
            return f"SRID=4490;POINT({lon} {lat})"
        if method == "lines":
            steps = [(lon + chance.uniform(-0.02, 0.02), lat + chance.uniform(-0.02, 0.02)) for _ in range(4)]
            return f"SRID=4490;LINESTRING({', '.join(f'{x} {y}' for x, y in steps)})"
        return square(lon, lat, chance.uniform(0.0001, 0.004))

    await publish_rows(
        database, [(f"{chance.choice('abc')}", n, shape()) for n in range(1)], layer=schema("things", geometry=kind)
    )
    await edit(database, *(insert(n, chance, shape()) for n in range(200)))
    await bring_up_to_date(database, "things", plan)
    for step in range(3):
        key = chance.randrange(200)
        await edit(
            database,
            f"UPDATE city.things SET geom = ST_GeomFromEWKT('{shape()}') WHERE height_m = {key}",
            f"DELETE FROM city.things WHERE height_m = {(key + 7) % 200}",
            insert(300 + step, chance, shape()),
        )
        assert await bring_up_to_date(database, "things", plan)
    partial = await content(database, "things")
    await edit(database, "DELETE FROM cim.general_state")
    await bring_up_to_date(database, "things", plan)
    assert partial == await content(database, "things")


def insert(number: int, chance: random.Random, shape: str) -> str:
    return (
        f"INSERT INTO city.things (code, height_m, geom) VALUES ('{chance.choice('abc')}{number}', {number},"
        f" ST_GeomFromEWKT('{shape}'))"
    )


async def test_a_second_import_rebuilds_the_blocks_of_changed_features(database: Database) -> None:
    await publish_grid(database, 5_000, height="n")
    await bring_up_to_date(database, "squares", PLAN)
    await publish_grid(database, 5_000, height="CASE WHEN n BETWEEN 40 AND 50 THEN 1 ELSE n END", where="n <> 4000")
    assert await bring_up_to_date(database, "squares", PLAN)
    partial = await content(database, "squares")
    await edit(database, "DELETE FROM cim.general_state")
    await bring_up_to_date(database, "squares", PLAN)
    assert partial == await content(database, "squares")
    assert not await bring_up_to_date(database, "squares", PLAN)


async def test_removing_old_versions_leaves_nothing_of_what_they_held(database: Database) -> None:
    await publish_rows(database, [("a", 1.0, square(103.9, 30.9)), ("b", 2.0, square(104.9, 31.9))])
    await bring_up_to_date(database, "squares", PLAN)
    await publish_rows(database, [("a", 1.0, square(103.9, 30.9))])
    async with database.writing() as connection:
        await prune(connection, "squares", 1)
    await bring_up_to_date(database, "squares", PLAN)
    assert len(await tiles_of(database, "squares", 12)) == 1


async def test_a_tile_that_a_newer_change_meets_is_not_answered_from_old_content(database: Database) -> None:
    await publish_rows(database, [("a", 1.0, square(103.9, 30.9)), ("b", 2.0, square(104.9, 31.9))])
    await bring_up_to_date(database, "squares", PLAN)
    first, *_, last = await tiles_of(database, "squares", 12)
    await edit(database, "UPDATE city.squares SET height_m = 7 WHERE code = 'a'")
    assert await tile(database, "squares", 12, *first) is None
    assert await tile(database, "squares", 12, *last)
    await bring_up_to_date(database, "squares", PLAN)
    assert (await tile(database, "squares", 12, *first))[0]["properties"]["height_m"] == 7


async def test_attributes_of_hidden_fields_are_left_out(database: Database) -> None:
    await publish_rows(database, [("a", 1.0, square(103.9, 30.9)), ("a2", 2.0, square(103.9001, 30.9, 0.0001))])
    await bring_up_to_date(database, "squares", PLAN)
    (place, *_) = await tiles_of(database, "squares", 9)
    (seen,) = await tile(database, "squares", 9, *place)
    (hidden,) = await tile(database, "squares", 9, *place, ("code",))
    assert {"code", "height_m", "count", "area_m2"} == set(seen["properties"])
    assert set(seen["properties"]) - set(hidden["properties"]) == {"height_m"}


async def test_content_of_a_closed_layer_is_not_read(database: Database) -> None:
    await publish_rows(database, [("a", 1.0, square(103.9, 30.9))], grade=Grade.RESTRICTED)
    await bring_up_to_date(database, "squares", PLAN)
    (place,) = await tiles_of(database, "squares", 9)
    assert await tile(database, "squares", 9, *place) == []


async def test_readers_may_not_write_it(database: Database) -> None:
    await publish_rows(database, [("a", 1.0, square(103.9, 30.9))])
    await bring_up_to_date(database, "squares", PLAN)
    async with database.writing() as connection:
        may = await connection.scalar(
            sa.text("SELECT has_table_privilege('cim_reader', 'general.squares', 'INSERT, UPDATE, DELETE, TRUNCATE')")
        )
    assert may is False


async def test_it_is_announced(database: Database) -> None:
    await publish_rows(database, [("a", 1.0, square(103.9, 30.9))])
    notices = database.listen("cim_change")
    await bring_up_to_date(database, "squares", PLAN)
    first = await state_of(database)
    await edit(database, "UPDATE city.squares SET height_m = 7")
    await bring_up_to_date(database, "squares", PLAN)
    second = await state_of(database)
    assert second > first
    await notices.aclose()  # type: ignore[attr-defined]


async def state_of(database: Database) -> int:
    async with database.writing() as connection:
        state = await general_state(connection, "squares")
    assert state
    return state.seq


async def test_empty_missing_and_odd_geometries_are_no_obstacle(database: Database) -> None:
    await publish_rows(database, [("a", 1.0, square(103.9, 30.9))])
    await edit(
        database,
        "INSERT INTO city.squares (code, geom) VALUES ('none', NULL),"
        " ('empty', ST_GeomFromText('POLYGON EMPTY', 4490)),"
        " ('edge', ST_MakeEnvelope(179.9, 0, 180, 1, 4490))",
    )
    for method in ("cells", "classes", "simplified"):
        plan = GeneralPlan(method, 8, FIELDS, class_field="code")
        await bring_up_to_date(database, "squares", plan)
        assert len(await tile(database, "squares", 0, 0, 0)) >= 1


async def test_national_grid_tiles_show_the_same_counts(database: Database) -> None:
    await publish_grid(database, 2_000, height="n")
    await bring_up_to_date(database, "squares", PLAN)
    total = 0
    async with database.reading(OPEN) as connection:
        state = await general_state(connection, "squares")
    assert state is not None
    side = 360 / 2**10
    for x in range(int(283.7 / side), int(284.2 / side) + 1):
        for y in range(int(58.9 / side), int(59.2 / side) + 1):
            where = grid("CGCS2000Quad").square(10, x, y)
            made = await general_tile(database.tiles, "squares", state, FIELDS, 10, where, OPEN)
            assert made is not None
            total += sum(f["properties"].get("count", 0) for f in features(made.data, "squares"))
    assert total == 2_000


@pytest.mark.parametrize("method", ["cells", "classes", "points"])
async def test_a_reduced_tile_counts_the_chosen_rows(database: Database, method: str) -> None:
    await publish_grid(database, 3_000, height="n % 10")
    plan = GeneralPlan(method, 14, FIELDS, class_field="code", means=("height_m",))  # type: ignore[arg-type]
    total = 0
    async with database.reading(OPEN) as connection:
        collection = await the_collection(connection, "squares")
    chosen = Selection(collection, ("code",), None, (sa.column("height_m") < 3,))
    for x in (807, 808, 809):
        for y in (417, 418, 419):
            made = await reduced_tile(database.tiles, chosen, plan, tile_square(10, x, y), OPEN)
            found = features(made.data, "squares")
            total += sum(f["properties"][plan.count_name] for f in found)
            assert all("height_m" not in f["properties"] for f in found)
    assert total == 900


async def test_reduced_lines_and_areas(database: Database) -> None:
    line = "SRID=4490;LINESTRING(103.9 30.9,103.95 30.92,104.0 30.9)"
    await publish_rows(database, [("a", 1.0, line)], layer=schema("ways", geometry="LineString"))
    await publish_rows(database, [("a", 1.0, square(103.9, 30.9, 0.05))])
    for layer, method in (("ways", "lines"), ("squares", "simplified")):
        async with database.reading(OPEN) as connection:
            collection = await the_collection(connection, layer)
        plan = GeneralPlan(method, 14, FIELDS, class_field="code")  # type: ignore[arg-type]
        for where in (tile_square(8, 201, 104), TileSquare(4490, 103.5, 30.5, 104.5, 31.5)):
            made = await reduced_tile(database.tiles, Selection(collection, FIELDS, None), plan, where, OPEN)
            (found,) = features(made.data, layer)
            assert found["properties"]["code"] == "a"


@pytest.mark.parametrize("method", ["cells", "classes", "simplified"])
async def test_pictures_have_stand_ins_until_content_is_prepared(database: Database, method: str) -> None:
    await publish_rows(database, [("a", 5.0, square(103.95, 30.98)), ("b", 6.0, square(103.96, 30.98))])
    plan = GeneralPlan(method, 14, ("code", "height_m"), class_field="code")  # type: ignore[arg-type]
    async with database.reading(OPEN) as connection:
        selection = Selection(await the_collection(connection, "squares"), FIELDS, None)
        bounds = (11_560_000.0, 3_620_000.0, 11_590_000.0, 3_640_000.0)
        query = WindowQuery(selection, bounds, 3857, 30.0, 1_000)
        found = await content_in_window(connection, query, TileContent(selection, plan), None, 12)
    assert found.stand_in
    assert found.shapes
    assert {name for attributes in found.attributes for name in attributes} >= {"code"}
