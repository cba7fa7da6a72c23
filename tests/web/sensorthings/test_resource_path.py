"""http://www.opengis.net/spec/iot_sensing/1.1/req/resource-path/resource-path-to-entities."""

from entities import ROOT, Service, hour, station


async def test_every_set_entity_link_and_property_has_an_address(service: Service) -> None:
    await service.make("Things", station(observations=[hour(0), hour(1)]))
    root = await service.get("")
    assert [one["name"] for one in root["value"]] == [
        "Things",
        "Locations",
        "HistoricalLocations",
        "Datastreams",
        "Sensors",
        "ObservedProperties",
        "Observations",
        "FeaturesOfInterest",
    ]
    assert "http://www.opengis.net/spec/iot_sensing/1.1/req/datamodel" in root["serverSettings"]["conformance"]
    for one in root["value"]:
        (first, *_) = (await service.follow(one["url"]))["value"]
        assert await service.follow(first["@iot.selfLink"]) == first
        for name, address in first.items():
            if name.endswith("@iot.navigationLink"):
                linked = await service.follow(address)
                assert "value" in linked or "@iot.id" in linked
                references = await service.follow(f"{address}/$ref")
                assert set(references) <= {"value", "@iot.selfLink"}
            elif "@iot" not in name and first[name] is not None:
                assert await service.follow(f"{first['@iot.selfLink']}/{name}") == {name: first[name]}


async def test_addresses_nest(service: Service) -> None:
    thing = await service.make("Things", station(observations=[hour(0), hour(1)]))
    other = await service.make("Things", station("别站"))
    (stream,) = (await service.get(f"Things({thing})/Datastreams"))["value"]
    inner = f"Things({thing})/Datastreams({stream['@iot.id']})"
    observations = (await service.get(f"{inner}/Observations"))["value"]
    assert [one["result"] for one in observations] == [0, 1]
    assert (await service.get(f"{inner}/Thing/Locations"))["value"][0]["name"] == "桥头"
    one = f"Observations('{observations[0]['@iot.id']}')"
    assert (await service.get(f"{inner}/{one}/FeatureOfInterest"))["name"] == "桥头"
    assert (await service.get(f"{inner}/unitOfMeasurement/symbol")) == {"symbol": "°C"}
    await service.get(f"Things({other})/Datastreams({stream['@iot.id']})", status=404)


async def test_value_is_bare(service: Service) -> None:
    thing = await service.make("Things", station())
    answer = await service.client.get(f"{ROOT}/Things({thing})/name/$value")
    assert (answer.text, answer.headers["content-type"]) == ("水位站", "text/plain;charset=utf-8")


async def test_what_is_not_there_is_not_found(service: Service) -> None:
    thing = await service.make("Things", station())
    for path in (
        "Nothings",
        "Things(0)",
        "Things(99999999999999)",
        "Things(abc)",
        "Things('1')",
        f"Things({thing})/Nothing",
        f"Things({thing})/name/first",
        f"Things({thing})/Locations(99)",
        "Observations(1)",
        "Observations('1-99999999999999999')",
        "Things/Locations",
        "Things//name",
    ):
        await service.get(path, status=404)
    await service.get("/".join(["Things(1)"] * 20), status=400)
