"""http://www.opengis.net/spec/iot_sensing/1.1/req/create-update-delete: making, changing and deleting entities."""

import asyncio
import itertools
from typing import Any

import pytest
import sqlalchemy as sa
from entities import ROOT, Service, datastream, hour, location, observed_property, sensor, station, thing
from serving import Served

from cim.errors import StoreUnavailable

BOW_TIE = {"type": "Polygon", "coordinates": [[[0, 0], [1, 1], [1, 0], [0, 1], [0, 0]]]}
SUMS = "SELECT sum(count)::int, sum(total), min(least), max(greatest) FROM sensing.{}"


async def sums(served: Served, table: str) -> tuple[Any, ...]:
    async with served.database.writing() as connection:
        return tuple((await connection.execute(sa.text(SUMS.format(table)))).one())


async def counts(service: Service) -> dict[str, int]:
    sets = ("Things", "Locations", "HistoricalLocations", "Datastreams", "Sensors", "ObservedProperties")
    every = (*sets, "Observations", "FeaturesOfInterest")
    return {name: (await service.get(name, top=0, count=True))["@iot.count"] for name in every}


async def test_create_entity_links_and_deep_insert(service: Service) -> None:
    """.../create-entity, link-to-existing-entities, deep-insert, deep-insert-status-code."""
    answer = await service.client.post(f"{ROOT}/Things", json=station(observations=[hour(0), hour(1)]))
    assert answer.status_code == 201
    made = await service.follow(answer.headers["location"])
    assert made["@iot.selfLink"] == answer.headers["location"] == answer.json()["@iot.selfLink"]
    assert set((await counts(service)).items()) >= {("Things", 1), ("Observations", 2), ("FeaturesOfInterest", 1)}
    number = made["@iot.id"]
    first = await service.get("Datastreams(1)", expand="Sensor,ObservedProperty")
    links = {name: {"@iot.id": first[name]["@iot.id"]} for name in ("Sensor", "ObservedProperty")}
    stream = await service.make("Datastreams", datastream("二", Thing={"@iot.id": number}, **links))
    other = await service.make(f"Things({number})/Datastreams", datastream("三", **links))
    for one in (stream, other):
        assert (await service.get(f"Datastreams({one})/Thing"))["@iot.id"] == number
    assert (await counts(service))["Sensors"] == 1
    observation = await service.post(f"Datastreams({stream})/Observations", {"result": 1})
    assert observation["@iot.id"].startswith(f"{stream}-")
    given = hour(3) | {
        "Datastream": {"@iot.id": stream},
        "FeatureOfInterest": {"name": "河段", "description": "", "encodingType": "text/plain", "feature": "reach 7"},
    }
    key = await service.make("Observations", given)
    feature = await service.get(f"Observations('{key}')/FeatureOfInterest")
    assert (feature["name"], feature["feature"]) == ("河段", "reach 7")
    again = hour(4) | {"FeatureOfInterest": {"@iot.id": feature["@iot.id"]}}
    await service.post(f"Datastreams({stream})/Observations", again)
    of_feature = await service.get(f"FeaturesOfInterest({feature['@iot.id']})/Observations")
    assert [one["result"] for one in of_feature["value"]] == [3, 4]


BAD: list[tuple[str, Any]] = [
    ("Things", {"name": "x"}),
    ("Things", []),
    ("Things", thing() | {"height": 3}),
    ("Things", thing() | {"properties": "x"}),
    ("Things", thing() | {"name": "a\0b"}),
    ("Things", thing(Locations={"@iot.id": 1})),
    ("Things", thing(Locations=[{"name": "x"}])),
    ("Datastreams", datastream()),
    ("Datastreams", datastream(Thing=thing()) | {"unitOfMeasurement": "°C"}),
    ("Datastreams", datastream(Thing=thing()) | {"unitOfMeasurement": {"name": "degree Celsius"}}),
    ("Datastreams", datastream(Thing=thing()) | {"unitOfMeasurement": {"name": 1, "symbol": "", "definition": ""}}),
    ("Datastreams", {k: v for k, v in datastream(Thing=thing()).items() if k != "Sensor"}),
    ("Datastreams", datastream(Thing={"name": "x"})),
    ("Locations", location(lon=1000)),
    ("Locations", location() | {"location": {"type": "Point"}}),
    ("Locations", location() | {"location": {"type": "GeometryCollection", "geometries": []}}),
    ("Locations", location() | {"location": BOW_TIE}),
    ("Locations", location() | {"location": {"type": "LineString", "coordinates": [[1, 1]] * 100_001}}),
    ("HistoricalLocations", {"time": "2026-01-01T00:00:00"}),
    ("Observations", {"result": 1}),
    ("Datastreams(1)/Observations", {"phenomenonTime": "2026-01-01T00:00:00Z"}),
    ("Datastreams(1)/Observations", {"result": "much"}),
    ("Datastreams(1)/Observations", {"result": True}),
    ("Datastreams(1)/Observations", {"result": 1, "phenomenonTime": "2026-01-01T00:00:00"}),
    ("Datastreams(1)/Observations", {"result": 1, "phenomenonTime": "2026-01-02T00:00:00Z/2026-01-01T00:00:00Z"}),
    ("Datastreams(1)/Observations", {"result": 1, "phenomenonTime": "2126-01-01T00:00:00Z"}),
    ("Datastreams(1)/Observations", {"result": 1, "phenomenonTime": "1970-01-01T00:00:05Z"}),
    ("Datastreams(1)/Observations", {"result": 1, "parameters": [1]}),
    ("Datastreams(1)/Observations", {"result": 1, "unit": "K"}),
    ("Datastreams(1)/Observations", {"result": 1e200}),
    ("Things(1)", thing()),
    ("Things(1)/name", "x"),
]


async def test_bad_bodies_change_nothing(service: Service) -> None:
    await service.make("Things", station())
    before = await counts(service)
    for path, body in BAD:
        problem = await service.post(path, body, 400)
        assert problem["where"], (path, body)
        assert problem["remedy"], (path, body)
    assert await counts(service) == before


async def test_what_is_no_json_is_refused_with_its_place(service: Service) -> None:
    bodies = [
        b"",
        b"{",
        b'{"a": NaN}',
        b"[" * 100_000,
        b'{"result": 1e999}',
        "{'name': '甲'}".encode("gbk"),
        b'"\\ud800"',
    ]
    for path, body in itertools.product(("Things", "Observations", "CreateObservations", "$batch"), bodies):
        answer = await service.client.post(f"{ROOT}/{path}", content=body)
        assert answer.status_code == 400, answer.text
        assert "line" in answer.json()["detail"]


async def test_deep_nesting_is_refused(service: Service) -> None:
    bomb: Any = 1
    for _ in range(200):
        bomb = {"a": bomb}
    await service.post("Things", thing() | {"properties": bomb}, 400)
    await service.post("$batch", {"requests": [{"id": "1", "method": "post", "url": "Things", "body": bomb}]}, 200)
    answer = await service.client.post(f"{ROOT}/Things", content=b"x", headers={"content-length": str(10**9)})
    assert answer.status_code == 413


async def test_what_is_linked_to_must_be_there(service: Service) -> None:
    await service.post("Datastreams(1)/Observations", hour(0), 404)
    await service.post("Observations", hour(0) | {"Datastream": {"@iot.id": 7}}, 404)
    await service.post("Datastreams", datastream(Thing={"@iot.id": 7}), 404)
    await service.post("Things", thing(Locations=[{"@iot.id": "x"}]), 404)
    assert (await counts(service))["Sensors"] == 0


async def test_an_observation_needs_something_it_is_of(service: Service) -> None:
    await service.make("Things", thing(Datastreams=[datastream()]))
    problem = await service.post("Datastreams(1)/Observations", hour(0), 400)
    assert "Location" in problem["detail"]
    await service.post("Things", thing("x", Datastreams=[datastream(observations=[hour(0)])]), 400)
    assert (await counts(service))["Things"] == 1


async def test_historical_locations_come_of_themselves(service: Service) -> None:
    """.../historical-location-auto-creation."""
    number = await service.make("Things", station(observations=[hour(0)]))
    await service.make(f"Things({number})/Locations", location("桥尾", 103.95))
    assert await service.names(f"Things({number})/Locations") == ["桥尾"]
    history = (await service.get(f"Things({number})/HistoricalLocations", expand="Locations", orderby="id"))["value"]
    assert [one["Locations"][0]["name"] for one in history] == ["桥头", "桥尾"]
    await service.post("Datastreams(1)/Observations", hour(1))
    features = await service.every("Observations", expand="FeatureOfInterest")
    assert [one["FeatureOfInterest"]["name"] for one in features] == ["桥头", "桥尾"]
    area = (await service.get("Datastreams(1)"))["observedArea"]
    assert area["type"] == "LineString" or area["type"] == "Polygon"
    old = {"time": "2020-01-01T00:00:00Z", "Thing": {"@iot.id": number}, "Locations": [{"@iot.id": 1}]}
    await service.post("HistoricalLocations", old)
    assert await service.names(f"Things({number})/Locations") == ["桥尾"]
    changed = {"Locations": [{"@iot.id": 1}]}
    assert (await service.client.patch(f"{ROOT}/Things({number})", json=changed)).status_code == 200
    assert await service.names(f"Things({number})/Locations") == ["桥头"]
    assert (await counts(service))["HistoricalLocations"] == 4


async def test_update_entity(service: Service) -> None:
    """.../update-entity, update-entity-put: PATCH merges, PUT replaces."""
    number = await service.make("Things", station())
    await service.make("Things", thing("别的"))
    for path, change in (
        (f"Things({number})", {"description": "new", "properties": {"a": {"b": 1}, "c": None}}),
        ("Locations(1)", {"location": {"type": "Point", "coordinates": [114.05, -50]}}),
        ("HistoricalLocations(1)", {"time": "2015-07-01T00:00:00Z"}),
        ("Sensors(1)", {"metadata": {"plate": 7}}),
        ("ObservedProperties(1)", {"description": "new"}),
        ("Datastreams(1)", {"unitOfMeasurement": {"symbol": "K"}, "Thing": {"@iot.id": number + 1}}),
    ):
        answer = await service.client.patch(f"{ROOT}/{path}", json=change)
        assert answer.status_code == 200, answer.text
    found = await service.get(f"Things({number})")
    assert found["properties"] == {"grade": "public", "a": {"b": 1}}
    assert (await service.get("Datastreams(1)"))["unitOfMeasurement"] == {
        "name": "degree Celsius",
        "symbol": "K",
        "definition": "ucum:Cel",
    }
    assert (await service.get("Datastreams(1)/Thing"))["name"] == "别的"
    assert (await service.get("Sensors(1)"))["metadata"] == {"plate": 7}
    far = "geo.distance(location, geography'POINT (114.05 -50)') lt 1"
    assert len((await service.get("Locations", filter=far))["value"]) == 1
    answer = await service.client.put(f"{ROOT}/Things({number})", json={"name": "新", "description": "d"})
    assert answer.status_code == 200
    assert "properties" not in await service.get(f"Things({number})")
    for method, path, body, status in (
        ("PUT", f"Things({number})", {"name": "x"}, 400),
        ("PATCH", f"Things({number})", {"Datastreams": [datastream()]}, 400),
        ("PATCH", "Datastreams(1)", {"Sensor": sensor()}, 400),
        ("PATCH", "Datastreams(1)", {"name": None}, 400),
        ("PATCH", "Things", {"name": "x"}, 400),
        ("PATCH", "Things(99)", {"name": "x"}, 404),
        ("PATCH", "Things(1)/name", {"name": "x"}, 400),
        ("OPTIONS", "Things", None, 400),
    ):
        answer = await service.client.request(method, f"{ROOT}/{path}", json=body)
        assert answer.status_code == status, (method, path, answer.text)


async def test_a_changed_observation_keeps_the_sums_right(served: Served, service: Service) -> None:
    number = await service.make("Things", station(observations=[hour(n) for n in range(30)]))
    first, second = "1-1772323200000000", "1-1772326800000000"
    assert (await service.client.patch(f"{ROOT}/Observations('{first}')", json={"result": 100})).status_code == 200
    assert (await service.get(f"Observations('{first}')"))["result"] == 100
    moved = {"phenomenonTime": "2026-02-01T00:00:00Z"}
    answer = await service.client.patch(f"{ROOT}/Observations('{second}')", json=moved)
    assert answer.json()["@iot.id"] == "1-1769904000000000"
    await service.get(f"Observations('{second}')", status=404)
    gone = (await service.get("Observations", orderby="phenomenonTime desc", top=2))["value"]
    for one in gone:
        assert (await service.client.delete(f"{ROOT}/Observations('{one['@iot.id']}')")).status_code == 200
    values = [100.0, 1.0, *map(float, range(2, 28))]
    for table in ("hourly", "daily"):
        assert await sums(served, table) == (28, sum(values), 1.0, 100.0)
    stream = await service.get(f"Things({number})/Datastreams(1)")
    assert stream["phenomenonTime"] == "2026-02-01T00:00:00Z/2026-03-02T03:00:00Z"
    for status in (200, 404):
        answer = await service.client.delete(f"{ROOT}/Observations('1-1769904000000000')")
        assert answer.status_code == status


async def test_the_same_moment_again_is_a_revision(service: Service) -> None:
    await service.make("Things", station(observations=[hour(0)]))
    key = await service.make("Datastreams(1)/Observations", hour(0, 7))
    assert (await service.get("Observations", count=True))["@iot.count"] == 1
    assert (await service.get(f"Observations('{key}')"))["result"] == 7


@pytest.mark.parametrize(
    ("path", "left"),
    [
        ("Things(1)", {"Things": 0, "Datastreams": 0, "HistoricalLocations": 0, "Observations": 0, "Locations": 1}),
        ("Locations(1)", {"Locations": 0, "HistoricalLocations": 0, "Things": 1, "Observations": 2}),
        ("Datastreams(1)", {"Datastreams": 0, "Observations": 0, "Things": 1}),
        ("Sensors(1)", {"Sensors": 0, "Datastreams": 0, "Observations": 0}),
        ("ObservedProperties(1)", {"ObservedProperties": 0, "Datastreams": 0, "Observations": 0}),
        ("FeaturesOfInterest(1)", {"FeaturesOfInterest": 0, "Observations": 0, "Datastreams": 1}),
        ("HistoricalLocations(1)", {"HistoricalLocations": 0, "Locations": 1, "Observations": 2}),
    ],
)
async def test_delete_entity(served: Served, service: Service, path: str, left: dict[str, int]) -> None:
    """.../delete-entity: with what hangs on it."""
    await service.make("Things", station(observations=[hour(0), hour(1)]))
    assert (await service.client.delete(f"{ROOT}/{path}")).status_code == 200
    assert left.items() <= (await counts(service)).items()
    if not left.get("Observations", 1):
        assert (await sums(served, "hourly"))[0] is None
        assert (await sums(served, "daily"))[0] is None
    assert (await service.client.delete(f"{ROOT}/{path}")).status_code == 404


async def test_quality_and_results_of_every_kind(service: Service) -> None:
    """.../datamodel/observation: resultQuality, parameters, validTime, and results by observationType."""
    kinds = "http://www.opengis.net/def/observationType/OGC-OM/2.0/OM_"
    streams = {}
    place = await service.make("Things", thing(Locations=[location()]))
    for kind in ("Measurement", "CountObservation", "TruthObservation", "CategoryObservation", "Observation"):
        body = datastream(kind) | {"observationType": kinds + kind}
        streams[kind] = await service.make(f"Things({place})/Datastreams", body)
    for kind, good, bad in (
        ("Measurement", [1.5, "2.25"], ["x", True, [1]]),
        ("CountObservation", [3, "4"], [1.5, "x"]),
        ("TruthObservation", [True, False], [1, "true"]),
        ("CategoryObservation", ["晴", "雨"], [1, True]),
        ("Observation", [{"a": [1, None]}, [1, 2]], []),
    ):
        address = f"Datastreams({streams[kind]})/Observations"
        for number, result in enumerate(good):
            await service.post(address, hour(number) | {"result": result})
        for result in bad:
            await service.post(address, hour(9) | {"result": result}, 400)
        shown = [one["result"] for one in (await service.get(address))["value"]]
        assert shown == [float(one) if kind in ("Measurement", "CountObservation") else one for one in good]
    address = f"Datastreams({streams['Measurement']})/Observations"
    extra = {
        "resultQuality": "D",
        "parameters": {"probe": "甲"},
        "validTime": "2026-01-01T00:00:00Z/2027-01-01T00:00:00Z",
    }
    key = await service.make(address, hour(5, -1) | extra | {"resultTime": "2026-03-01T06:00:00+08:00"})
    found = await service.get(f"Observations('{key}')")
    assert extra.items() <= found.items()
    assert found["resultTime"] == "2026-02-28T22:00:00Z"
    key = await service.make(address, hour(6) | {"resultQuality": {"code": "good"}})
    assert (await service.get(f"Observations('{key}')"))["resultQuality"] == {"code": "good"}
    assert len((await service.get(address, filter="resultQuality eq 'D' and parameters/probe eq '甲'"))["value"]) == 1
    span = {"phenomenonTime": "2026-03-05T00:00:00Z/2026-03-05T01:00:00Z", "result": 1}
    key = await service.make(address, span)
    assert (await service.get(f"Observations('{key}')"))["phenomenonTime"] == span["phenomenonTime"]


async def test_observed_properties_and_sensors_can_be_made_first(service: Service, served: Served) -> None:
    await service.make("ObservedProperties", observed_property("先"))
    await service.make("Sensors", sensor("先"))
    for client, names in ((served.technician, ["先"]), (served.viewer, []), (served.anonymous, [])):
        assert await Service(client).names("Sensors") == names
        assert await Service(client).names("ObservedProperties") == names


async def test_who_comes_when_too_many_wait_is_told_to_come_again(
    service: Service, served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def full(*_: object) -> None:
        raise StoreUnavailable("more observations are waiting than can be kept at once")

    await service.make("Things", station())
    monkeypatch.setattr(served.state.intake, "keep_columns", full)
    answer = await service.client.post(f"{ROOT}/Datastreams(1)/Observations", json=hour(0))
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")


async def test_many_senders_at_once_are_all_kept(service: Service, served: Served) -> None:
    for name in "甲乙丙":
        await service.make("Things", station(name))
    posts = [(stream, number) for stream in (1, 2, 3) for number in range(40)]
    keys = await asyncio.gather(
        *(service.make(f"Datastreams({stream})/Observations", hour(number)) for stream, number in posts)
    )
    assert len(set(keys)) == 120
    assert (await sums(served, "daily"))[0] == 120
    assert len(await service.names("FeaturesOfInterest")) == 3
