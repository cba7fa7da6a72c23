"""Senders of observations for tests: each notes what was acknowledged, and sends again what was not.

Every reading has a moment of its own and a value that follows from its number, a multiple of a quarter so that sums of
them are exact.
"""

import asyncio
import itertools
import json
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import paho.mqtt.client as mqtt
import sqlalchemy as sa
from entities import ROOT
from paho.mqtt.enums import CallbackAPIVersion

from cim.store.database import Database

FIRST = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(days=25)
STEP = timedelta(seconds=47)
AGAIN_AFTER_S = 0.2
ROWS = 20
Readings = dict[tuple[int, datetime], float]


@dataclass
class Sent:
    """What senders sent: the readings that were acknowledged, and how often each status was answered.

    ``by_mqtt`` is what the broker acknowledged. ``odd`` are answers that are neither a receipt nor a refusal with a
    remedy; ``slowest_s`` is the longest wait, ``last_s`` the time of the last receipt.
    """

    acknowledged: Readings = field(default_factory=dict)
    by_mqtt: Readings = field(default_factory=dict)
    statuses: Counter[int] = field(default_factory=Counter)
    odd: list[str] = field(default_factory=list)
    slowest_s: float = 0.0
    last_s: float = 0.0

    def note(self, answer: httpx.Response, began: float) -> bool:
        """Note an answer; whether it is a receipt."""
        self.statuses[answer.status_code] += 1
        self.slowest_s = max(self.slowest_s, time.monotonic() - began)
        if answer.status_code == 201 and "error" not in answer.text:
            self.last_s = time.monotonic()
            return True
        told = answer.status_code == 503 and answer.headers["content-type"] == "application/problem+json"
        if not told or not answer.json().get("remedy") or "retry-after" not in answer.headers:
            self.odd.append(f"{answer.status_code} {answer.text[:300]}")
        return False


def reading(stream: int, number: int) -> tuple[datetime, float]:
    """The moment and value of a stream's reading."""
    return FIRST + number * STEP, (number % 97) / 4 + stream


async def post_singles(client: httpx.AsyncClient, stream: int, over: asyncio.Event, sent: Sent) -> None:
    """Post one observation after another."""
    for number in itertools.count():
        if over.is_set():
            return
        at, value = reading(stream, number)
        body = {"phenomenonTime": at.isoformat(), "result": value}
        await _until_taken(client, f"{ROOT}/Datastreams({stream})/Observations", body, sent)
        sent.acknowledged[stream, at] = value


async def post_arrays(client: httpx.AsyncClient, streams: Sequence[int], over: asyncio.Event, sent: Sent) -> None:
    """Post data arrays with rows of several datastreams."""
    for turn in itertools.count():
        if over.is_set():
            return
        rows = {(one, *reading(one, turn * ROWS + k)) for one in streams for k in range(ROWS)}
        body = [
            {
                "Datastream": {"@iot.id": stream},
                "components": ["phenomenonTime", "result"],
                "dataArray": [[at.isoformat(), value] for of, at, value in rows if of == stream],
            }
            for stream in streams
        ]
        await _until_taken(client, f"{ROOT}/CreateObservations", body, sent)
        sent.acknowledged.update({(stream, at): value for stream, at, value in rows})


async def _until_taken(client: httpx.AsyncClient, path: str, body: Any, sent: Sent) -> None:
    while True:
        began = time.monotonic()
        try:
            answer = await client.post(path, json=body)
        except httpx.HTTPError as error:
            sent.odd.append(f"{type(error).__name__} {error}")
        else:
            if sent.note(answer, began):
                return
        await asyncio.sleep(AGAIN_AFTER_S)


class Device:
    """A device that posts by MQTT with quality 1; what the broker has not acknowledged its library sends again."""

    def __init__(self, stream: int) -> None:
        self.stream = stream
        self.client = mqtt.Client(CallbackAPIVersion.VERSION2, f"device-{stream}", clean_session=False)
        self.client.reconnect_delay_set(1, 1)
        self.client.max_inflight_messages_set(100)
        self.client.on_publish = lambda _, __, mid, *___: self._receipts.append(mid)
        self._receipts: list[int] = []
        self._sent: dict[int, tuple[datetime, float]] = {}
        self._number = 0

    def post(self) -> None:
        """Post the next reading."""
        at, value = reading(self.stream, self._number)
        self._number += 1
        body = json.dumps({"phenomenonTime": at.isoformat(), "result": value})
        self._sent[self.client.publish(f"v1.1/Datastreams({self.stream})/Observations", body, qos=1).mid] = (at, value)

    @property
    def acknowledged(self) -> Readings:
        """What the broker has acknowledged."""
        return {(self.stream, self._sent[mid][0]): self._sent[mid][1] for mid in list(self._receipts)}

    @property
    def everything(self) -> Readings:
        """All that was posted."""
        return {(self.stream, at): value for at, value in self._sent.values()}


@contextmanager
def devices(port: int, name: str, secret: str, streams: Sequence[int]) -> Iterator[list[Device]]:
    """Devices on their way to be connected, one for each datastream."""
    made = [Device(stream) for stream in streams]
    for one in made:
        one.client.username_pw_set(name, secret)
        one.client.connect_async("127.0.0.1", port)
        one.client.loop_start()
    try:
        yield made
    finally:
        for one in made:
            one.client.disconnect()
            one.client.loop_stop()


async def post_by_mqtt(made: Sequence[Device], every_s: float, over: asyncio.Event) -> None:
    """Have each device post at an even pace."""
    while not over.is_set():
        for one in made:
            one.post()
        await asyncio.sleep(every_s)


async def stored(database: Database) -> list[tuple[int, datetime, float, int]]:
    """Datastream, moment, value and number of revisions of every observation."""
    async with database.writing() as connection:
        rows = await connection.execute(
            sa.text("SELECT datastream_id, phenomenon_time, value, revision FROM sensing.observation")
        )
        return [(row[0], row[1], row[2], row[3]) for row in rows]


_SUMS = "count(*) AS count, sum(value) AS total, sum(value * value) AS squares, min(value) AS least"
_ROLL_UP = (
    "SELECT count(*) FROM (SELECT datastream_id, {truncated} AS {unit}, {sums}, max(value) AS greatest"
    " FROM sensing.observation GROUP BY 1, 2) o FULL JOIN sensing.{table} r USING (datastream_id, {unit})"
    " WHERE (o.count, o.total, o.squares, o.least, o.greatest, 0, 0)"
    " IS DISTINCT FROM (r.count, r.total, r.squares, r.least, r.greatest, r.flagged, r.others)"
)
_LATEST = (
    "SELECT count(*) FROM (SELECT DISTINCT ON (datastream_id) datastream_id, phenomenon_time, value"
    " FROM sensing.observation ORDER BY 1, 2 DESC) o FULL JOIN sensing.latest l USING (datastream_id)"
    " WHERE (o.phenomenon_time, o.value) IS DISTINCT FROM (l.at, l.value)"
)


async def wrong_sums(database: Database) -> dict[str, int]:
    """How many hours, days and latest values do not follow from the observations that are kept."""
    asked = {
        "hourly": _ROLL_UP.format(
            truncated="date_trunc('hour', phenomenon_time, 'UTC')", unit="hour", table="hourly", sums=_SUMS
        ),
        "daily": _ROLL_UP.format(
            truncated="(phenomenon_time AT TIME ZONE 'Asia/Shanghai')::date", unit="day", table="daily", sums=_SUMS
        ),
        "latest": _LATEST,
    }
    async with database.writing() as connection:
        return {name: int(await connection.scalar(sa.text(text)) or 0) for name, text in asked.items()}
