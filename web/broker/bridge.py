"""The bridge from a broker of MQTT to the database: what is acknowledged to the broker is committed.

The session at the broker lasts while the bridge is away, so that the broker keeps what comes meanwhile. A message is
acknowledged after the commit of its observation; one that comes again adds nothing, as its moment is kept already.
What came before the connection was lost is kept all the same: a broker that was killed may not have it any more.
"""

import asyncio
from collections import deque
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import paho.mqtt.client as mqtt
import structlog
from paho.mqtt.properties import Properties

from cim.errors import StoreConflict, StoreError, StoreFull, StoreUnavailable
from cim.sensors.intake import Intake
from cim.store.database import Database
from cim.store.gaps import note_gap
from cim.store.refusals import Refused, keep_refusals
from web.broker.configuration import BrokerAddress
from web.broker.line import Line
from web.broker.messages import SOURCE, Message, Messages, Row, columns_of, refused_message
from web.broker.session import bridge_client, subscribe
from web.sensorthings.observing import Observing

AT_ONCE, TOGETHER = 2_000, 10
"""How many messages are read at once, and how many such batches are kept in one transaction at most."""
MOST_HELD = 100_000
"""Messages of quality 0 beyond these are dropped; of quality 1 the broker sends no more than may be unacknowledged."""
AGAIN_AFTER_S = 1.0
_log = structlog.get_logger()


@dataclass(slots=True)
class _Batch:
    """Messages as they were read: rows to be kept, and what of them is refused."""

    messages: list[Message]
    rows: list[Row]
    refused: list[Refused]

    def add(self, other: "_Batch") -> None:
        """Put what came later behind this."""
        self.messages += other.messages
        self.rows += other.rows
        self.refused += other.refused


class Bridge:
    """Takes observations from a broker; ``client`` may be used to publish to it."""

    def __init__(self, database: Database, intake: Intake, address: BrokerAddress) -> None:
        self._database = database
        self._intake = intake
        self._messages = Messages(Observing(database, intake))
        self._address = address
        self._inbox: deque[Message] = deque()
        self._wake = asyncio.Event()
        self._batches: asyncio.Queue[_Batch] = asyncio.Queue(TOGETHER - 1)
        self._session = 0
        self._came = 0
        self._lost_at: datetime | None = datetime.now(UTC)
        self._gaps: deque[tuple[datetime, datetime]] = deque()
        self.connected = False
        self.problem = "the broker has not been reached yet"
        self.counts = {"received": 0, "kept": 0, "refused": 0}
        self.client = self._made_client()
        self._line = Line(self.client, address, lambda: self._came, self._fail)

    async def run(self) -> None:
        """Take observations until cancelled; the broker may come and go."""
        tasks = [asyncio.create_task(one) for one in (self._line.run(), self._read_on(), self._keep_on())]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    @property
    def waiting(self) -> int:
        """How many messages wait to be kept."""
        counts = self.counts
        return len(self._inbox) + counts["received"] - counts["kept"] - counts["refused"]

    async def _read_on(self) -> None:
        """Read the messages that wait, as long as not too many of them are yet to be kept."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            await self._note_gaps()
            while self._inbox:
                await self._batches.put(await self._read(self._taken()))

    async def _keep_on(self) -> None:
        """Keep together all that was read while what came before it was being kept."""
        while True:
            batch = await self._batches.get()
            while not self._batches.empty():
                batch.add(self._batches.get_nowait())
            await self._keep_and_acknowledge(batch)

    def _made_client(self) -> mqtt.Client:
        client = bridge_client(self._address)
        client.max_queued_messages_set(MOST_HELD)
        client.on_connect = self._on_connect
        client.on_subscribe = self._on_subscribe
        client.on_disconnect = self._on_disconnect
        client.on_message = self._on_message
        return client

    def _on_connect(
        self, client: mqtt.Client, _: Any, flags: mqtt.ConnectFlags, reason: Any, __: Properties | None = None
    ) -> None:
        if reason.is_failure:
            self.problem = f"the broker refuses the bridge: {reason}"
            return
        self._session += 1
        subscribe(client)
        if flags.session_present:
            self._be_connected()

    def _on_subscribe(self, _: mqtt.Client, __: Any, ___: int, reasons: Any, ____: Properties | None = None) -> None:
        """Where the broker knows of no session, it passes on nothing before this."""
        refused = [str(one) for one in reasons if one.is_failure]
        if refused:
            self.connected, self.problem = False, f"the broker refuses the subscription: {refused[0]}"
        else:
            self._be_connected()

    def _be_connected(self) -> None:
        if self._lost_at is not None and self._session > 1:
            self._gaps.append((self._lost_at, datetime.now(UTC)))
        self._lost_at = None
        self.connected, self.problem = True, ""
        self._wake.set()

    def _fail(self, problem: str) -> None:
        self.problem = problem

    def _on_disconnect(self, _: mqtt.Client, __: Any, ___: Any, reason: Any, ____: Properties | None = None) -> None:
        """What waits is kept, but too much of it is left to the broker, which sends again what was not acknowledged."""
        self.connected = False
        if not self.problem.startswith("the broker refuses"):
            self.problem = f"the connection to the broker was lost: {reason}"
        self._lost_at = self._lost_at or datetime.now(UTC)
        self._session += 1
        if len(self._inbox) > MOST_HELD:
            self._inbox.clear()

    def _on_message(self, _: mqtt.Client, __: Any, message: mqtt.MQTTMessage) -> None:
        self._came += 1
        if message.qos or len(self._inbox) < MOST_HELD:
            self._inbox.append(Message(message.topic, bytes(message.payload), message.mid, message.qos, self._session))
            self._wake.set()

    def _taken(self) -> list[Message]:
        """The first of the messages that wait."""
        taken: list[Message] = []
        while self._inbox and len(taken) < AT_ONCE:
            taken.append(self._inbox.popleft())
        self.counts["received"] += len(taken)
        return taken

    async def _read(self, messages: list[Message]) -> _Batch:
        """The observations in messages, once the database tells what they are of."""
        while True:
            try:
                return _Batch(messages, *await self._messages.read(messages))
            except (StoreError, OSError) as error:
                self._wait_for_database(messages, error)
            await asyncio.sleep(AGAIN_AFTER_S)

    async def _keep_and_acknowledge(self, batch: _Batch) -> None:
        """Keep what was read, and acknowledge it once it is committed."""
        while True:
            try:
                refused = await self._kept(batch)
                break
            except (StoreError, OSError) as error:
                self._wait_for_database(batch.messages, error)
            await asyncio.sleep(AGAIN_AFTER_S)
        self.problem = "" if self.connected else self.problem
        self.counts["kept"] += len(batch.messages) - refused
        self.counts["refused"] += refused
        for message in batch.messages:
            if message.quality and message.session == self._session:
                self.client.ack(message.number, message.quality)

    async def _kept(self, batch: _Batch) -> int:
        """Keep observations, and the reasons of refused ones; how many are refused. Raises like ``_keep``."""
        refused = [*batch.refused, *await self._keep(batch.rows)]
        if refused:
            async with self._database.writing("mqtt") as connection:
                await keep_refusals(connection, refused)
        return len(refused)

    def _wait_for_database(self, messages: list[Message], error: Exception) -> None:
        self.problem = f"observations cannot be kept: {error}"
        _log.warning("observations of the broker wait", count=len(messages), reason=str(error))

    async def _keep(self, rows: list[Row]) -> list[Refused]:
        """Keep observations, and return those that cannot be; raises where the database is away or full.

        What the database refuses altogether is tried by halves, so that one bad value holds up no other.
        """
        if not rows:
            return []
        try:
            kept = await self._intake.keep_columns(columns_of(rows))
        except (StoreUnavailable, StoreFull, StoreConflict):
            raise
        except StoreError as error:
            if len(rows) == 1:
                return [refused_message(rows[0].message, error.what)]
            half = len(rows) // 2
            return await self._keep(rows[:half]) + await self._keep(rows[half:])
        return [refused_message(rows[place].message, reason) for place, reason in kept.reasons.items()]

    async def _note_gaps(self) -> None:
        while self._gaps:
            since, until = self._gaps[0]
            try:
                async with self._database.writing("mqtt") as connection:
                    await note_gap(connection, SOURCE, since, until, "the connection to the broker was lost")
            except StoreError:
                return
            self._gaps.popleft()
