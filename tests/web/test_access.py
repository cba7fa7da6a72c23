"""Default deny holds by enumeration: every route and every table is classified, and the classes are true."""

from collections.abc import Iterable

import sqlalchemy as sa
from serving import Served

from cim.policy.tables import BIM_REACH, SENSING_REACH, TABLE_REACH
from cim.store import bim_tables, sensing_tables, warning_tables
from cim.store.tables import metadata
from web.access import ROUTE_ACCESS


def paths(routes: Iterable[object]) -> set[str]:
    found: set[str] = set()
    for route in routes:
        inner = getattr(route, "routes", None) or getattr(getattr(route, "original_router", None), "routes", None)
        if inner:
            found |= paths(inner)
        elif getattr(route, "path", None):
            found.add(route.path)
    return found


async def test_every_route_is_classified(served: Served) -> None:
    assert paths(served.api.routes) == set(ROUTE_ACCESS)


async def test_layer_routes_give_anonymous_nothing_of_a_graded_layer(served: Served) -> None:
    values = {"{layer}": "hidden", "{fid}": "1", "{z:int}": "0", "{x:int}": "0", "{y:int}": "0"}
    values |= {"{style}": "default", "{matrix}": "1", "{suffix}": "png", "{i}": "0", "{j}": "0"}
    values |= {"{tms}": "WebMercatorQuad", "{z}": "0", "{x}": "0", "{y}": "0", "{row}": "0", "{col}": "0"}
    for path, access in ROUTE_ACCESS.items():
        if access not in {"layer", "right"}:
            continue
        address = path
        for name, value in values.items():
            address = address.replace(name, value)
        query = {"lon": 103.9605, "lat": 30.9805, "q": "甲栋", "from": 1, "to": 1}
        answer = await served.anonymous.get(address, params=query)
        if answer.status_code == 405:
            answer = await served.anonymous.post(address, json={"version": 1})
        if "{layer}" in path:
            assert answer.status_code == 404, address
        assert "hidden" not in answer.text.replace(address, "").replace("'hidden'", ""), address


async def test_every_table_is_classified_and_the_grants_agree(served: Served) -> None:
    assert warning_tables.metadata is metadata
    assert set(TABLE_REACH) == {table.name for table in metadata.tables.values()} | {"alembic_version"}
    assert set(BIM_REACH) == {table.name for table in bim_tables.metadata.tables.values()}
    assert set(SENSING_REACH) == {table.name for table in sensing_tables.metadata.tables.values()}
    reaches = {f"cim.{name}": reach for name, reach in TABLE_REACH.items()}
    reaches |= {f"bim.{name}": reach for name, reach in BIM_REACH.items()}
    reaches |= {f"sensing.{name}": reach for name, reach in SENSING_REACH.items()}
    async with served.database.writing() as connection:
        for table, reach in reaches.items():
            asked = (
                "SELECT has_table_privilege('cim_reader', c.oid, 'SELECT') AS selects, relrowsecurity AS secured"
                " FROM pg_class c WHERE c.oid = CAST(:table AS regclass)"
            )
            found = (await connection.execute(sa.text(asked), {"table": table})).one()
            assert found.selects == (reach in {"open", "rows"}), table
            assert found.secured or reach != "rows", table
        writable = await connection.scalar(
            sa.text(
                "SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
                " WHERE n.nspname IN ('cim', 'city', 'history', 'bim', 'sensing') AND c.relkind IN ('r', 'v')"
                " AND has_table_privilege('cim_reader', c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE')"
            )
        )
        assert writable == 0


async def test_a_table_made_behind_our_back_is_not_served(served: Served) -> None:
    async with served.database.writing() as connection:
        await connection.execute(sa.text("CREATE TABLE city.sneaky AS SELECT 1 AS fid"))
    await served.state.live.refresh()
    for client in (served.anonymous, served.administrator):
        assert (await client.get("/collections/sneaky/items")).status_code == 404
