"""One body, two ways in: what HTTP keeps or refuses of an observation, MQTT keeps or refuses as well."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from entities import MEASUREMENT, ROOT, Service, datastream, location, station, thing
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sensing import made_datastreams
from serving import Served, serving

from cim.sensors.intake import Intake
from cim.store.database import Database
from cim.store.deployment import DatabaseUrls
from cim.store.files import FileStore
from cim.store.sensing_tables import observation
from layers.catalog import Catalog
from web.broker.messages import Message, Messages, columns_of
from web.sensorthings.observing import Observing

KINDS = ("Measurement", "CountObservation", "TruthObservation", "CategoryObservation", "Observation")
AT = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=3)
STREAMS = list(range(1, len(KINDS) + 1))
results = st.one_of(
    st.sampled_from([0, 1, -2.5, 3.0, 1e101, 1e-300, True, "12.5", "nan", "x" * 5_000, "\0", None, "高", "7 "]),
    st.floats(allow_nan=False, allow_infinity=False),
    st.recursive(st.none() | st.booleans() | st.text(max_size=3), lambda inner: st.lists(inner, max_size=2)),
    st.dictionaries(st.text(max_size=3), st.integers(-5, 5), max_size=2),
)
moments = st.one_of(
    st.integers(0, 9).map(lambda number: (AT + timedelta(seconds=number)).isoformat()),
    st.sampled_from(
        [5, "yesterday", "2026-10-01T00:00:00", "2099-01-01T00:00:00Z", "1970-01-01T00:00:00Z", "2026-10-01", ""]
    ),
    st.integers(-9, 9).map(lambda number: f"{AT.isoformat()}/{(AT + timedelta(seconds=number)).isoformat()}"),
)
identities = st.one_of(st.sampled_from([*STREAMS, 99, 0, -1, 2**40, "x", True, None, "3"]))
links = st.one_of(identities.map(lambda one: {"@iot.id": one}), identities.map(lambda one: {"id": one}))
bodies = st.one_of(
    st.fixed_dictionaries(
        {"phenomenonTime": moments, "result": results},
        optional={
            "Datastream": links,
            "FeatureOfInterest": links,
            "resultTime": moments,
            "validTime": moments,
            "resultQuality": st.sampled_from(["N", "D", "R", "good", 4, {"DQ": "fair"}, None, "\0"]),
            "parameters": st.sampled_from([{}, {"a": 1}, {"a": "\0"}, 5, [], None, {"a": "x" * 20_000}]),
            "@iot.id": st.just("1-2"),
            "colour": st.just("red"),
        },
    ),
    st.sampled_from([[], {}, None, 5, "x", {"result": 1}, {"Datastream": 5}, {"Datastream": {}, "result": 1}]),
)
addresses = st.sampled_from([None, *STREAMS, 99])


@dataclass
class Ways:
    """The two ways into one database."""

    served: Served
    messages: Messages
    intake: Intake

    async def over_http(self, body: str, stream: int | None) -> str | list[Mapping[str, Any]]:
        """What is kept of a body, or why it is refused."""
        path = "Observations" if stream is None else f"Datastreams({stream})/Observations"
        answer = await self.served.technician.post(f"{ROOT}/{path}", content=body)
        if answer.status_code == 201:
            return await self._taken()
        assert 400 <= answer.status_code < 500, answer.text
        told = answer.json()
        return f"{told['where']}: {told['detail']} - {told['remedy']}"

    async def over_mqtt(self, body: str, stream: int | None) -> str | list[Mapping[str, Any]]:
        """The same for a message."""
        topic = "v1.1/Observations" if stream is None else f"v1.1/Datastreams({stream})/Observations"
        rows, refused = await self.messages.read([Message(topic, body.encode(), 1, 1, 1)])
        if refused:
            return refused[0].message
        kept = await self.intake.keep_columns(columns_of(rows))
        return kept.reasons[0] if kept.reasons else await self._taken()

    async def _taken(self) -> list[Mapping[str, Any]]:
        """All observations, which are taken away."""
        async with self.served.database.writing() as connection:
            rows = await connection.execute(sa.delete(observation).returning(observation))
            return [{**row, "received_at": None} for row in rows.mappings()]


@pytest.fixture
async def ways(urls: DatabaseUrls, catalog: Catalog, files: FileStore) -> Any:
    """A datastream of every kind, all of one thing, and both ways to them."""
    database = Database(urls.reader_url, urls.writer_url, pool_size=4)
    async with serving(database, catalog, files) as served:
        kinds = [{**datastream(kind), "observationType": MEASUREMENT.replace("Measurement", kind)} for kind in KINDS]
        await Service(served.technician).make("Things", thing(Locations=[location()], Datastreams=kinds))
        intake = Intake(database)
        yield Ways(served, Messages(Observing(database, intake)), intake)


@given(body=bodies, stream=addresses)
@settings(max_examples=120, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
async def test_both_ways_have_the_same_outcome(ways: Ways, body: Any, stream: int | None) -> None:
    text = json.dumps(body)
    told, heard = await ways.over_http(text, stream), await ways.over_mqtt(text, stream)
    if isinstance(body, dict) and "phenomenonTime" not in body:
        told, heard = (
            one if isinstance(one, str) else [{**each, "phenomenon_time": AT} for each in one] for one in (told, heard)
        )
    assert told == heard


@pytest.mark.parametrize("text", ["", "x", '{"result": NaN}', '{"result": 1e999}', "[" * 5_000, '{"result": 1'])
async def test_what_is_no_json_is_refused_alike(ways: Ways, text: str) -> None:
    told = await ways.over_http(text, 1)
    assert isinstance(told, str)
    assert told == await ways.over_mqtt(text, 1)


@pytest.mark.parametrize(
    ("stream", "result", "word"),
    [(1, "many", "not a number"), (2, 1.5, "not a whole number"), (3, 1, "not true or false"), (4, 1, "not a text")],
)
async def test_a_message_must_fit_the_kind_of_its_datastream(ways: Ways, stream: int, result: Any, word: str) -> None:
    told = await ways.over_mqtt(json.dumps({"phenomenonTime": AT.isoformat(), "result": result}), stream)
    assert word in told


async def test_a_message_names_where_its_thing_is(ways: Ways) -> None:
    (kept,) = await ways.over_mqtt(json.dumps({"phenomenonTime": AT.isoformat(), "result": 1}), 1)
    assert isinstance(kept, Mapping)
    assert kept["feature_id"] is not None


async def test_entities_are_not_made_by_message(ways: Ways) -> None:
    inner = {"result": 1, "Datastream": datastream(Thing=station())}
    assert "yet to be made" in await ways.over_mqtt(json.dumps(inner), None)


async def test_a_message_of_a_thing_without_a_place_is_kept(ways: Ways) -> None:
    (stream,) = await made_datastreams(ways.served.database, 1)
    for number in range(2):
        at = (AT + timedelta(seconds=number)).isoformat()
        (kept,) = await ways.over_mqtt(json.dumps({"phenomenonTime": at, "result": 1}), stream)
        assert isinstance(kept, Mapping)
        assert kept["feature_id"] is None
