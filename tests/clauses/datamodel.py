"""Clause 8, the entities: what the standard's tables say they have, beside the model of the server."""

from typing import Any

from clauses.standard import KINDS, requirement
from entities import MEASUREMENT, Service, datastream, location, observed_property, sensor, thing

ONE = {"Thing", "Sensor", "ObservedProperty", "Datastream", "FeatureOfInterest"}
PLURALS = {
    "thing": "Things",
    "location": "Locations",
    "historical-location": "HistoricalLocations",
    "datastream": "Datastreams",
    "sensor": "Sensors",
    "observed-property": "ObservedProperties",
    "observation": "Observations",
    "feature-of-interest": "FeaturesOfInterest",
}
RELATIONS = {
    "thing": {"Locations", "HistoricalLocations", "Datastreams"},
    "location": {"Things", "HistoricalLocations"},
    "historical-location": {"Thing", "Locations"},
    "datastream": {"Thing", "Sensor", "ObservedProperty", "Observations"},
    "sensor": {"Datastreams"},
    "observed-property": {"Datastreams"},
    "observation": {"Datastream", "FeatureOfInterest"},
    "feature-of-interest": {"Observations"},
}
REQUIRED_LINKS = {
    "historical-location": {"Thing", "Locations"},
    "datastream": {"Thing", "Sensor", "ObservedProperty"},
    "observation": {"Datastream"},
}
FILLED = {"phenomenonTime", "resultTime"}
"""Mandatory properties of an Observation that the service gives where the sender does not."""
MORE = {"properties": {"grade": "public", "owner": "水务局", "nested": {"list": [1, None]}}}
STREAM = {name: value for name, value in datastream("全").items() if name not in ("Sensor", "ObservedProperty")}
PLACE = {"encodingType": "application/geo+json", "feature": {"type": "Point", "coordinates": [103.9, 30.9]}}
MANDATORY: dict[str, dict[str, Any]] = {
    "thing": {"name": "全", "description": "all of it"},
    "location": location("全"),
    "historical-location": {"time": "2020-01-01T00:00:00Z"},
    "datastream": STREAM,
    "sensor": sensor("全"),
    "observed-property": observed_property("全"),
    "observation": {
        "phenomenonTime": "2026-01-01T00:00:00Z/2026-01-01T01:00:00Z",
        "resultTime": "2026-01-01T02:00:00Z",
        "result": 4.25,
    },
    "feature-of-interest": {"name": "全", "description": "all of it", **PLACE},
}
OPTIONAL: dict[str, dict[str, Any]] = {
    **dict.fromkeys(KINDS, MORE),
    "historical-location": {},
    "observation": {
        "resultQuality": {"code": "good"},
        "validTime": "2026-01-01T00:00:00Z/2027-01-01T00:00:00Z",
        "parameters": {"probe": 1},
    },
}
LINKED = {
    "historical-location": {"Thing": {"@iot.id": 3}, "Locations": [{"@iot.id": 3}]},
    "datastream": {name: {"@iot.id": 3} for name in ("Thing", "Sensor", "ObservedProperty")},
    "observation": {"Datastream": {"@iot.id": 3}},
}


def has_properties(kind: str) -> None:
    """Register: what is sent comes back, and without a mandatory property nothing is made."""

    @requirement(f"datamodel/{kind}/properties")
    async def check(service: Service) -> None:
        body = MANDATORY[kind] | OPTIONAL[kind]
        made = await service.post(PLURALS[kind], body | LINKED.get(kind, {}))
        found = await service.follow(made["@iot.selfLink"])
        assert body.items() <= found.items()
        for name in MANDATORY[kind].keys() - FILLED:
            lacking = {key: value for key, value in body.items() if key != name}
            await service.post(PLURALS[kind], lacking | LINKED.get(kind, {}), 400)
        if kind == "observation":
            made = await service.post("Observations", {"result": 1} | LINKED[kind])
            found = await service.follow(made["@iot.selfLink"])
            assert found["resultTime"] is None
            assert found["phenomenonTime"] > "2026-03-02"
        if kind == "datastream":
            assert (await service.get("Datastreams(2)")).keys() >= {"phenomenonTime", "resultTime", "observedArea"}
            assert found["observationType"] == MEASUREMENT


def has_relations(kind: str) -> None:
    """Register: each relation has a link to what is related, and without a mandatory one nothing is made."""

    @requirement(f"datamodel/{kind}/relations")
    async def check(service: Service) -> None:
        (found,) = (await service.get(PLURALS[kind], top=1, orderby="id"))["value"]
        links = {name.partition("@")[0]: value for name, value in found.items() if name.endswith("navigationLink")}
        assert links.keys() == RELATIONS[kind]
        for name, address in links.items():
            linked = await service.follow(address)
            ids = [linked["@iot.id"]] if name in ONE else [one["@iot.id"] for one in linked["value"]]
            assert ids, name
        for name in REQUIRED_LINKS.get(kind, ()):
            lacking = {key: value for key, value in LINKED[kind].items() if key != name}
            await service.post(PLURALS[kind], MANDATORY[kind] | lacking, 400)


for each in KINDS:
    has_properties(each)
    has_relations(each)


@requirement("datamodel/entity-control-information/common-control-information")
async def control_information(service: Service) -> None:
    """Every entity has an id that is its own, and a link to itself."""
    for plural in PLURALS.values():
        found = (await service.get(plural))["value"]
        assert len({one["@iot.id"] for one in found}) == len(found) > 0
        for one in found[:2]:
            assert (await service.follow(one["@iot.selfLink"])) == one
    made = await service.post("Things", thing("号") | {"@iot.id": 7_000})
    assert made["@iot.id"] != 7_000
