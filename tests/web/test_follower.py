"""A running server keeps the content of low zooms at the current version."""

import asyncio

import sqlalchemy as sa
from serving import Served

from cim.store.general_tables import GeneralState, general_states

WAIT_S = 30.0


async def states_at(served: Served, versions: dict[str, int]) -> dict[str, GeneralState]:
    """The states once they show the versions."""
    async with asyncio.timeout(WAIT_S):
        while True:
            async with served.database.writing() as connection:
                states = await general_states(connection)
            if {layer: state.version for layer, state in states.items()} == versions:
                return states
            await asyncio.sleep(0.05)


async def test_the_content_follows_edits(following: Served) -> None:
    before = await states_at(following, {"squares": 1, "hidden": 1})
    async with following.database.writing() as connection:
        await connection.execute(sa.text("UPDATE city.squares SET height_m = 99 WHERE code = '甲栋'"))
    after = await states_at(following, {"squares": 2, "hidden": 1})
    assert after["squares"].seq > before["squares"].seq
    assert after["hidden"].seq == before["hidden"].seq
    async with following.database.writing() as connection:
        highest = await connection.scalar(
            sa.text("SELECT max((attributes ->> 'height_m')::float8) FROM general.squares WHERE zoom = 13")
        )
    assert highest == 99


async def test_a_role_that_may_not_see_the_layer_sees_no_content(following: Served) -> None:
    await states_at(following, {"squares": 1, "hidden": 1})
    answer = await following.anonymous.get("/tiles/hidden/10/807/417.mvt")
    assert answer.status_code == 404
