"""Clause 10, making, changing and deleting entities; each check makes the Things it needs."""

from typing import Any

from clauses.standard import JSON_BATCH, requirement
from entities import ROOT, Service, datastream, hour, location, sensor, station, thing

GOES_ALONG: dict[str, set[str]] = {
    "Things": {"Datastreams", "HistoricalLocations", "Observations"},
    "Locations": {"HistoricalLocations"},
    "Datastreams": {"Observations"},
    "Sensors": {"Datastreams", "Observations"},
    "ObservedProperties": {"Datastreams", "Observations"},
    "Observations": set(),
    "FeaturesOfInterest": {"Observations"},
    "HistoricalLocations": set(),
}
"""The sets of which goes along what hangs on an entity of a set that is deleted (table 25)."""
STREAMS = "Datastreams($expand=Sensor,ObservedProperty,Observations($top=1;$expand=FeatureOfInterest))"


async def made(service: Service, name: str, **links: Any) -> int:
    """A station of its own with two observations."""
    return int(await service.make("Things", station(name, [hour(0), hour(1)]) | links))


async def only(service: Service, path: str) -> Any:
    """The first of a set."""
    return (await service.get(path))["value"][0]


@requirement("create-update-delete/create-entity")
async def create(service: Service) -> None:
    """201 with the link to it; an Observation is of the Location of its Thing, made a feature once."""
    number = await made(service, "建")
    answer = await service.client.post(f"{ROOT}/Things({number})/Datastreams", json=datastream("建"))
    assert answer.status_code == 201
    found = await service.follow(answer.headers["location"])
    assert (await service.follow(found["Thing@iot.navigationLink"]))["@iot.id"] == number
    address = f"Datastreams({found['@iot.id']})/Observations"
    features = set()
    for at in (0, 1):
        one = await service.post(address, hour(at))
        feature = await service.get(f"Observations('{one['@iot.id']}')/FeatureOfInterest")
        assert feature["feature"] == (await only(service, f"Things({number})/Locations"))["location"]
        features.add(feature["@iot.id"])
    assert len(features) == 1


@requirement("create-update-delete/link-to-existing-entities")
async def link(service: Service) -> None:
    number = await made(service, "连")
    links = {name: {"@iot.id": 1} for name in ("Sensor", "ObservedProperty")}
    stream = await service.make("Datastreams", datastream("连", Thing={"@iot.id": number}) | links)
    for name, expected in (("Thing", number), ("Sensor", 1), ("ObservedProperty", 1)):
        assert (await service.get(f"Datastreams({stream})/{name}"))["@iot.id"] == expected
    given = hour(0) | {"Datastream": {"@iot.id": stream}, "FeatureOfInterest": {"@iot.id": 2}}
    one = await service.make("Observations", given)
    assert (await service.get(f"Observations('{one}')/FeatureOfInterest"))["@iot.id"] == 2


@requirement("create-update-delete/deep-insert")
async def deep_insert(service: Service) -> None:
    """All is made and linked, with ids of the service's own; or nothing where a part cannot be."""
    inner = datastream("深", [hour(0)], Sensor=sensor("深") | {"@iot.id": 1})
    number = await service.make("Things", thing("深", Locations=[location("深")], Datastreams=[inner]))
    found = await service.get(f"Things({number})", expand="Locations,Datastreams/Observations,Datastreams/Sensor")
    (stream,) = found["Datastreams"]
    assert (stream["Sensor"]["name"], found["Locations"][0]["name"]) == ("深", "深")
    assert stream["Sensor"]["@iot.id"] != 1
    assert [one["result"] for one in stream["Observations"]] == [0]
    whole = hour(1) | {"FeatureOfInterest": {"@iot.id": 1, **MANDATORY_FEATURE}}
    one = await service.make(f"Datastreams({stream['@iot.id']})/Observations", whole)
    feature = await service.get(f"Observations('{one}')/FeatureOfInterest")
    assert feature["@iot.id"] != 1
    assert feature["name"] == "河段"
    bad = thing("残", Locations=[location("残")], Datastreams=[datastream("残"), {"name": "残"}])
    await service.post("Things", bad, 400)
    for plural in ("Things", "Locations", "Datastreams"):
        assert await service.names(plural, filter="name eq '残'") == []


MANDATORY_FEATURE = {"name": "河段", "description": "", "encodingType": "text/plain", "feature": "reach 7"}


@requirement("create-update-delete/deep-insert-status-code")
async def deep_insert_status(service: Service) -> None:
    answer = await service.client.post(f"{ROOT}/Things", json=station("码", [hour(0)]))
    assert answer.status_code == 201
    assert (await service.follow(answer.headers["location"]))["name"] == "码"


@requirement("create-update-delete/update-entity")
async def patch(service: Service) -> None:
    """What is given is changed and all else stays; links lead to what exists; ids are passed over."""
    number = await made(service, "改")
    before = await service.get(f"Things({number})")
    change = {"description": "changed", "@iot.id": 1}
    assert (await service.client.patch(f"{ROOT}/Things({number})", json=change)).status_code == 200
    assert await service.get(f"Things({number})") == before | {"description": "changed"}
    stream = await only(service, f"Things({number})/Datastreams")
    address = stream["@iot.selfLink"]
    assert (await service.client.patch(address, json={"Sensor": {"@iot.id": 1}})).status_code == 200
    assert (await service.follow(f"{address}/Sensor"))["@iot.id"] == 1
    assert (await service.client.patch(address, json={"Sensor": sensor("x")})).status_code == 400
    assert (await service.client.patch(f"{ROOT}/Things(999999)", json=change)).status_code == 404


@requirement("create-update-delete/update-entity-put")
async def put(service: Service) -> None:
    """All properties are replaced; 400 where a mandatory one is left out."""
    number = await made(service, "换")
    assert (await service.client.put(f"{ROOT}/Things({number})", json={"name": "x"})).status_code == 400
    assert "properties" in await service.get(f"Things({number})")
    body = {"name": "换", "description": "replaced"}
    assert (await service.client.put(f"{ROOT}/Things({number})", json=body)).status_code == 200
    found = await service.get(f"Things({number})")
    assert found["description"] == "replaced"
    assert "properties" not in found


@requirement("create-update-delete/delete-entity")
async def delete(service: Service) -> None:
    """Each with what must not be without it, and nothing else."""
    for plural, along in GOES_ALONG.items():
        number = await service.make("Things", station(f"删{plural}", [hour(0)]))
        links = await _hanging(service, number)
        assert (await service.client.delete(links[plural])).status_code == 200
        for name, address in links.items():
            status = 404 if name == plural or name in along else 200
            assert (await service.client.get(address)).status_code == status, (plural, name)


async def _hanging(service: Service, number: int) -> dict[str, str]:
    """The addresses of what hangs on a station of one Datastream, by set."""
    found = await service.get(f"Things({number})", expand=f"Locations,HistoricalLocations,{STREAMS}")
    (stream,) = found["Datastreams"]
    (seen,) = stream["Observations"]
    entities = {
        "Things": found,
        "Locations": found["Locations"][0],
        "HistoricalLocations": found["HistoricalLocations"][0],
        "Datastreams": stream,
        "Sensors": stream["Sensor"],
        "ObservedProperties": stream["ObservedProperty"],
        "Observations": seen,
        "FeaturesOfInterest": seen["FeatureOfInterest"],
    }
    return {name: one["@iot.selfLink"] for name, one in entities.items()}


@requirement("create-update-delete/historical-location-auto-creation")
async def history_by_itself(service: Service) -> None:
    number = await made(service, "迁")
    await service.make(f"Things({number})/Locations", location("新址", 103.95))
    assert await service.names(f"Things({number})/Locations") == ["新址"]
    history = (await service.get(f"Things({number})/HistoricalLocations", expand="Locations", orderby="time"))["value"]
    assert [one["Locations"][0]["name"] for one in history] == ["桥头", "新址"]


@requirement("create-update-delete/historical-location-manual-creation")
async def history_by_hand(service: Service) -> None:
    """A later one moves the Thing, an earlier one does not."""
    number = await made(service, "移")
    place = await service.make("Locations", location("后址", 103.96))
    for at, expected in (("2020-01-01T00:00:00Z", "桥头"), ("2036-01-01T00:00:00Z", "后址")):
        body = {"time": at, "Thing": {"@iot.id": number}, "Locations": [{"@iot.id": place}]}
        await service.post("HistoricalLocations", body)
        assert await service.names(f"Things({number})/Locations") == [expected]


@requirement(JSON_BATCH)
async def batch(service: Service) -> None:
    """What one request made is named by others; a group is done whole or not at all."""
    whole: list[dict[str, Any]] = [
        {"id": "t", "atomicityGroup": "g", "method": "post", "url": "Things", "body": station("批")},
        {"id": "d", "atomicityGroup": "g", "method": "post", "url": "$t/Datastreams", "body": datastream("批")},
        {"id": "r", "method": "get", "url": "$t?$expand=Datastreams"},
    ]
    made, inner, read = (await service.post("$batch", {"requests": whole}, 200))["responses"]
    assert (made["status"], inner["status"], read["status"]) == (201, 201, 200)
    assert len(read["body"]["Datastreams"]) == 2
    broken = [{**whole[0], "body": station("破")}, {**whole[1], "body": {"name": "破"}}]
    answers = (await service.post("$batch", {"requests": broken}, 200))["responses"]
    assert [one["status"] for one in answers] == [424, 400]
    assert await service.names("Things", filter="name eq '破'") == []
