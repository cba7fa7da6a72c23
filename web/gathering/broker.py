"""The bridge to a broker of MQTT as a part of the gathering program."""

import asyncio
from pathlib import Path

from cim.sensors.intake import Intake
from cim.store.database import Database
from web.broker.bridge import Bridge
from web.broker.configuration import BrokerAddress
from web.broker.publishing import Publisher
from web.broker.starting import TASK, follow_keys
from web.gathering.parts import Part

LOOK_EVERY_S = 1.0


def broker_part(database: Database, intake: Intake, folder: Path, address: BrokerAddress) -> Part:
    """The part that takes observations from the broker and publishes new values; it ends with any of its tasks."""

    async def run(part: Part) -> None:
        bridge = Bridge(database, intake, address)
        work = [bridge.run(), Publisher(database, bridge).run(), follow_keys(database, folder, address)]
        tasks = [asyncio.create_task(one) for one in [*work, _watch(part, bridge)]]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    return Part(TASK, run)


async def _watch(part: Part, bridge: Bridge) -> None:
    """Tell readiness what the bridge says of itself."""
    while True:
        part.problem, part.detail = bridge.problem, dict(bridge.counts)
        await asyncio.sleep(LOOK_EVERY_S)
