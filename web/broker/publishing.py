"""New values on their way to those who subscribed at the broker: the newest of each datastream, four times a second.

Each is published as an Observation to the topics of the standard, and to those of its grade for subscribers who may
read only some. Values that come faster than they are published are passed over.
"""

import asyncio
import json
import time
from collections.abc import Sequence
from datetime import datetime, timedelta

import structlog

from cim.errors import StoreError
from cim.store.database import Database
from cim.store.live_values import EVERYTHING, LiveValue, live_values, received_since
from cim.store.observations import microseconds
from web.broker.accounts import grade_topic
from web.broker.bridge import Bridge
from web.notices import Notices

APART_S = 0.25
MOST_AT_ONCE = 250
AGAIN_AFTER_S = 1.0
BUSY, APART_WHEN_BUSY_S = 500, 2.0
"""While so many messages wait to be kept, values are told more seldom."""
OVERLAP = timedelta(seconds=30)
"""How long a transaction may have taken whose values are still to be found after a notice that names none."""
_log = structlog.get_logger()


class Publisher:
    """Publishes new values through a bridge."""

    def __init__(self, database: Database, bridge: Bridge) -> None:
        self._database = database
        self._bridge = bridge
        self._changed: dict[int, None] = {}
        self._told: dict[int, tuple[datetime, datetime]] = {}
        self._anything = False
        self._wake = asyncio.Event()

    async def run(self) -> None:
        """Publish until cancelled."""
        notices = Notices(self._database)
        notices.on_values.append(self._hear)
        notices.start()
        try:
            while True:
                await self._wake.wait()
                began = time.monotonic()
                await self._publish()
                apart_s = APART_S if self._bridge.waiting < BUSY else APART_WHEN_BUSY_S
                await asyncio.sleep(max(0.0, apart_s - (time.monotonic() - began)))
        finally:
            await notices.stop()

    def _hear(self, datastreams: list[int] | None) -> None:
        if datastreams is None:
            self._anything = True
        else:
            self._changed.update(dict.fromkeys(datastreams))
        self._wake.set()

    async def _publish(self) -> None:
        """Publish some of what is new, and come again for the rest."""
        self._wake.clear()
        try:
            values = await self._newest()
        except (StoreError, OSError) as error:
            _log.warning("cannot read what is to be published", reason=str(error))
            self._anything = True
            self._wake.set()
            await asyncio.sleep(AGAIN_AFTER_S)
            return
        self._told.update({one.datastream: (one.at, one.received_at) for one in values})
        if self._bridge.connected:
            self._send(values)
        if self._changed:
            self._wake.set()

    async def _newest(self) -> list[LiveValue]:
        async with self._database.reading(EVERYTHING, aside=True) as connection:
            if self._anything:
                for one in await received_since(connection, OVERLAP):
                    self._changed[one] = None
                self._anything = False
            turn = list(self._changed)[:MOST_AT_ONCE]
            values = await live_values(connection, turn)
        for datastream in turn:
            self._changed.pop(datastream, None)
        return [one for one in values if self._told.get(one.datastream) != (one.at, one.received_at)]

    def _send(self, values: Sequence[LiveValue]) -> None:
        publish = self._bridge.client.publish
        for value in values:
            payload = observation_text(value)
            for topic in (f"v1.1/Datastreams({value.datastream})/Observations", "v1.1/Observations"):
                publish(topic, payload)
                publish(grade_topic(value.grade, topic), payload)


def observation_text(value: LiveValue) -> str:
    """A value as an Observation in JSON."""
    document = {
        "@iot.id": f"{value.datastream}-{microseconds(value.at)}",
        "phenomenonTime": value.at.isoformat().replace("+00:00", "Z"),
        "result": value.result,
        "resultQuality": value.quality,
        "Datastream": {"@iot.id": value.datastream},
    }
    return json.dumps(document, ensure_ascii=False)
