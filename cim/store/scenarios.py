"""Scenarios: what there are, and letting one go. ``cim.store.scenario_filling`` makes and changes them.

What a scenario does to a layer is one table ``scenario.<layer>__<id>`` in the shape of the layer's own. Its current
rows are the features added and changed; its ended rows stand for the published features it hides because they are
changed or removed, with their shape, so that row security lets exactly those see them who see what they hide.
"""

import re

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from cim.errors import BadRequest, NotFound
from cim.model.collection import VersionChange
from cim.model.scenarios import Scenario, ScenarioLayer
from cim.store import tables as t
from cim.store.collection_tables import SCENARIOS, quoted, scenario_table_name

_NAME = re.compile(r"^[^\s/\x00-\x1f\x7f][^/\x00-\x1f\x7f]{0,58}[^\s/\x00-\x1f\x7f]$|^[^\s/\x00-\x1f\x7f]$")


def check_scenario_name(name: str) -> str:
    """The name itself, when it can name a scenario: 1 to 60 characters of any script, no slash, no blank at an end."""
    if not _NAME.match(name) or any("\ud800" <= letter <= "\udfff" for letter in name):
        raise BadRequest(
            f"{name[:80]!r} cannot name a scenario",
            where="scenario",
            remedy="use 1 to 60 characters without / and without blanks at the ends, for example 方案A",
        )
    return name


async def all_scenarios(connection: AsyncConnection) -> list[Scenario]:
    """Every scenario by name."""
    return await _scenarios(connection, sa.true())


async def the_scenario(connection: AsyncConnection, name: str) -> Scenario:
    """One scenario; NotFound names how to see those there are."""
    found = await _scenarios(connection, t.scenario.c.name == check_scenario_name(name))
    if not found:
        raise no_scenario(name)
    return found[0]


def no_scenario(name: str) -> NotFound:
    """The answer where there is no scenario of this name, or none that the caller may know of."""
    return NotFound(
        f"there is no scenario {name[:80]!r} that you may see",
        where="scenario",
        remedy="GET /scenarios or `cim scenarios list` lists them",
    )


async def drop_scenario(connection: AsyncConnection, name: str) -> Scenario:
    """Remove a scenario with all it holds; returns what it was. No published layer changes."""
    scenario = await the_scenario(connection, name)
    for layer in scenario.layers:
        table = quoted(SCENARIOS, scenario_table_name(layer, scenario.id))
        await connection.execute(sa.text(f"DROP TABLE IF EXISTS {table}"))
    await connection.execute(sa.delete(t.scenario).where(t.scenario.c.id == scenario.id))
    await announce(connection, scenario.id)
    return scenario


async def announce(connection: AsyncConnection, scenario: int) -> None:
    """Tell every process that a scenario has changed."""
    await connection.execute(sa.select(sa.func.pg_notify("cim_change", f"scenario:{scenario}")))


async def _scenarios(connection: AsyncConnection, which: sa.ColumnElement[bool]) -> list[Scenario]:
    layers: dict[int, dict[str, ScenarioLayer]] = {}
    for row in await connection.execute(sa.select(t.scenario_layer).order_by(t.scenario_layer.c.layer)):
        change = VersionChange(row.added, row.changed, row.removed)
        layer = ScenarioLayer(row.layer, row.version, row.revision, change, row.updated_at)
        layers.setdefault(row.scenario, {})[row.layer] = layer
    rows = await connection.execute(sa.select(t.scenario).where(which).order_by(t.scenario.c.name))
    return [Scenario(row.id, row.name, row.author, row.created_at, layers.get(row.id, {})) for row in rows]
