"""Which state of a layer a request looks at: now, as it was at an instant, or under a scenario."""

from collections.abc import Collection as Some
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from cim.errors import BadRequest
from cim.model.scenarios import Scenario, ScenarioLayer
from cim.store.as_of import version_at
from cim.store.collections import the_collection
from cim.store.scenarios import no_scenario, the_scenario
from cim.store.versions import the_version


@dataclass(frozen=True, slots=True)
class State:
    """A state of a layer: ``version`` and ``scenario`` as a ``Selection`` takes them, and the number of the version.

    ``feature_count`` is how many features the layer has now. ``tag`` differs whenever the state does.
    """

    version: int | None
    scenario: int | None
    number: int
    feature_count: int
    tag: str


async def state_of(
    connection: AsyncConnection, layer: str, readable: Some[str], instant: datetime | None, scenario: str | None
) -> State:
    """The state of a layer at an instant (None: now) or under a scenario.

    ``readable`` are the layers the caller may read: who may read none of a scenario's may not know of it.

    Raises NotFound for such a scenario, and for a version whose rows are gone.
    """
    held = await the_collection(connection, layer)
    if scenario is None:
        number = held.version if instant is None else await version_at(connection, layer, instant)
        return State(None if number == held.version else number, None, number, held.feature_count, f"{number}")
    if instant is not None:
        raise BadRequest(
            "a scenario stands on a version of its own", where="datetime", remedy="leave datetime or scenario out"
        )
    known = await the_scenario(connection, scenario)
    if not layers_of(known, readable):
        raise no_scenario(scenario)
    change = known.layers.get(layer)
    if change is None:
        return State(None, None, held.version, held.feature_count, f"{held.version}")
    if change.version is not None:
        await the_version(connection, layer, change.version)
    number = change.version or held.version
    version = None if number == held.version else number
    return State(version, known.id, number, held.feature_count, f"{number}-{known.id}.{change.revision}")


def layers_of(scenario: Scenario, readable: Some[str]) -> list[ScenarioLayer]:
    """What a scenario does to the layers that a caller may read."""
    return [change for layer, change in scenario.layers.items() if layer in readable]
