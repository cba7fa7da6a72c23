"""Nothing of a graded Thing shows through any option, address or batch; who may not write changes nothing."""

from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from entities import ROOT, Service, datastream, hour, location, observed_property, sensor, station, thing
from serving import Served

CANARY = "金丝雀"


@pytest.fixture
async def hidden(service: Service) -> dict[str, int]:
    """A public station, and a restricted one that shares its observed property; the numbers of the latter."""
    shared = await service.make("ObservedProperties", observed_property("共用"))
    link = {"ObservedProperty": {"@iot.id": shared}}
    public = station("公开站", grade="public")
    public["Datastreams"] = [datastream("公开流", [hour(1)], **link)]
    await service.make("Things", public)
    secret = station(CANARY, grade="restricted")
    secret["Locations"][0]["name"] = CANARY
    secret["Datastreams"] = [datastream(CANARY, [hour(2, 4242)], **link, Sensor=sensor(CANARY))]
    number = await service.make("Things", secret)
    found = await service.get(f"Things({number})", expand="Datastreams($expand=Observations,Sensor),Locations")
    (stream,) = found["Datastreams"]
    return {
        "Things": number,
        "Datastreams": stream["@iot.id"],
        "Sensors": stream["Sensor"]["@iot.id"],
        "Locations": found["Locations"][0]["@iot.id"],
        "ObservedProperties": shared,
    }


def readers(served: Served) -> list[httpx.AsyncClient]:
    return [served.anonymous, served.viewer]


async def test_no_set_shows_it(served: Served, hidden: dict[str, int]) -> None:
    for client in readers(served):
        service = Service(client)
        for name in (
            "Things?$expand=Datastreams($expand=Observations,Sensor,ObservedProperty),Locations,HistoricalLocations",
            "Locations?$expand=Things,HistoricalLocations",
            "HistoricalLocations?$expand=Thing,Locations",
            "Datastreams?$expand=Thing,Sensor",
            "Sensors?$expand=Datastreams",
            "ObservedProperties?$expand=Datastreams($expand=Thing,Observations)",
            "Observations?$expand=Datastream($expand=Thing),FeatureOfInterest&$count=true",
            "Observations?$resultFormat=dataArray",
            "FeaturesOfInterest?$expand=Observations",
            f"ObservedProperties({hidden['ObservedProperties']})/Datastreams?$count=true",
        ):
            answer = await client.get(f"{ROOT}/{name}")
            assert answer.status_code == 200, answer.text
            assert CANARY not in answer.text
            assert "4242" not in answer.text
            assert answer.json().get("@iot.count", 1) == 1
        for name in ("Things", "Datastreams", "Sensors", "Locations"):
            await service.get(f"{name}({hidden[name]})", status=404)
            await service.get(f"{name}({hidden[name]})/name", status=404)
        await service.get(f"Datastreams({hidden['Datastreams']})/Observations", status=404)
        await service.get(f"Datastreams({hidden['Datastreams']})/ObservedProperty", status=404)


async def test_no_condition_or_order_tells_of_it(served: Served, hidden: dict[str, int]) -> None:
    del hidden
    service = Service(served.viewer)
    conditions = {
        "ObservedProperties": ["Datastreams/name eq '金丝雀'", "Datastreams/Thing/name eq '金丝雀'"],
        "Observations": ["result eq 4242", "Datastream/Thing/name eq '金丝雀'", "FeatureOfInterest/name eq '金丝雀'"],
        "Things": ["name eq '金丝雀'", "Locations/name eq '金丝雀'", "Datastreams/Observations/result eq 4242"],
        "Sensors": ["Datastreams/Observations/result eq 4242"],
        "Locations": ["Things/name eq '金丝雀'", "HistoricalLocations/Thing/name eq '金丝雀'"],
    }
    for name, texts in conditions.items():
        for text in texts:
            found = await service.get(name, filter=text, count=True)
            assert found == {"@iot.count": 0, "value": []}, text
    shown = await service.get("ObservedProperties", orderby="name desc", expand="Datastreams($orderby=name)")
    assert [one["name"] for one in shown["value"][0]["Datastreams"]] == ["公开流"]


async def test_a_batch_shows_no_more(served: Served, hidden: dict[str, int]) -> None:
    requests = [
        {"id": "1", "method": "get", "url": f"Things({hidden['Things']})"},
        {"id": "2", "method": "get", "url": "Observations?$filter=result%20eq%204242"},
        {"id": "3", "method": "delete", "url": f"Things({hidden['Things']})"},
    ]
    answer = await served.viewer.post(f"{ROOT}/$batch", json={"requests": requests})
    first, second, third = answer.json()["responses"]
    assert (first["status"], second["body"], third["status"]) == (404, {"value": []}, 403)
    assert CANARY not in answer.text


async def test_row_security_alone_holds_as_well(served: Served, hidden: dict[str, int]) -> None:
    del hidden
    async with served.database.reader.connect() as connection:
        await connection.execute(sa.text("SELECT set_config('cim.openings', 'public=*', false)"))
        for table in (
            "thing",
            "datastream",
            "location",
            "observation",
            "latest",
            "historical_location",
            "observed_feature",
        ):
            assert await connection.scalar(sa.text(f"SELECT count(*) FROM sensing.{table}")) == 1, table


async def test_a_right_in_a_town_opens_what_lies_there(service: Service, served: Served) -> None:
    for code in ("510182001", "510182002"):
        body = thing(code, "internal", Datastreams=[datastream(code)])
        body["properties"]["region_code"] = code
        await service.make("Things", body)
    async with served.database.writing() as connection:
        await connection.execute(
            sa.text("UPDATE cim.role_right SET region_code = '510182001' WHERE role = 'viewer' AND grade = 'internal'")
        )
    served.state.identities.forget()
    assert await Service(served.viewer).names("Things", expand="Datastreams") == ["510182001"]
    assert await Service(served.viewer).names("Datastreams") == ["510182001"]


@pytest.mark.parametrize("role", ["anonymous", "viewer"])
async def test_who_may_not_import_changes_nothing(served: Served, service: Service, role: str) -> None:
    number = await service.make("Things", station(observations=[hour(1)]))
    client: httpx.AsyncClient = getattr(served, role)
    status = 401 if role == "anonymous" else 403
    calls: list[tuple[str, str, Any]] = [
        ("POST", "Things", thing()),
        ("POST", "Sensors", sensor()),
        ("POST", f"Things({number})/Datastreams", datastream()),
        ("POST", "Datastreams(1)/Observations", hour(2)),
        ("POST", "CreateObservations", []),
        ("PATCH", f"Things({number})", {"name": "x"}),
        ("PUT", f"Things({number})", thing("x")),
        ("DELETE", f"Things({number})", None),
        ("DELETE", f"Observations('1-{1772326800000000}')", None),
    ]
    for method, path, body in calls:
        answer = await client.request(method, f"{ROOT}/{path}", json=body)
        assert answer.status_code == status, (method, path, answer.text)
    assert await service.names("Things") == ["水位站"]
    assert (await service.get("Observations", count=True))["@iot.count"] == 1


async def test_what_a_writer_may_not_see_is_not_there_to_link_to(served: Served, hidden: dict[str, int]) -> None:
    async with served.database.writing() as connection:
        await connection.execute(
            sa.text(
                "UPDATE cim.role_right SET operations = '{read,import}' WHERE role = 'viewer' AND grade = 'internal'"
            )
        )
    served.state.identities.forget()
    viewer = Service(served.viewer)
    mine = await viewer.make("Things", thing("我的", None))
    for link, number in (("Sensor", hidden["Sensors"]), ("Thing", hidden["Things"])):
        body = datastream(**{"Thing": {"@iot.id": mine}, link: {"@iot.id": number}})
        await viewer.post("Datastreams", body, 404)
    await viewer.post("Things", thing("x", Locations=[{"@iot.id": hidden["Locations"]}]) | {"properties": {}}, 404)
    await viewer.post("Things", thing("x", "restricted"), 404)
    await viewer.post("Observations", hour(1) | {"Datastream": {"@iot.id": hidden["Datastreams"]}}, 404)
    await viewer.post("Observations", hour(1) | {"Datastream": {"@iot.id": 1}}, 403)
    for method in ("patch", "delete"):
        for name in ("Things", "Datastreams", "Sensors", "Locations"):
            body = {"json": {"name": "x"}} if method == "patch" else {}
            answer = await getattr(served.viewer, method)(f"{ROOT}/{name}({hidden[name]})", **body)
            assert answer.status_code == 404, answer.text


async def test_new_things_are_internal_and_changes_leave_a_trace(served: Served, service: Service) -> None:
    number = await service.make("Things", thing("内部", None, Datastreams=[datastream()]))
    assert await Service(served.anonymous).names("Things") == []
    assert await Service(served.viewer).names("Things") == ["内部"]
    answer = await served.technician.patch(f"{ROOT}/Things({number})", json={"properties": {"grade": "public"}})
    assert answer.status_code == 200, answer.text
    assert await Service(served.anonymous).names("Datastreams") == ["水温"]
    await service.post("Things", thing("x", "secret"), 400)
    async with served.database.writing() as connection:
        rows = await connection.execute(
            sa.text("SELECT action, object FROM cim.audit WHERE action LIKE 'sensing%' ORDER BY seq")
        )
        assert [tuple(row) for row in rows] == [
            ("sensing create", f"Things({number})"),
            ("sensing change", f"Things({number})"),
        ]


async def test_what_becomes_restricted_takes_all_its_places_along(served: Served, service: Service) -> None:
    number = await service.make("Things", station(observations=[hour(0)]))
    given = {"name": "河段", "description": "", "encodingType": "text/plain", "feature": "reach 7"}
    await service.post("Datastreams(1)/Observations", hour(1) | {"FeatureOfInterest": given})
    await service.make(f"Things({number})/Locations", location("桥尾"))
    anonymous = Service(served.anonymous)
    assert await anonymous.names("Locations") == ["桥头", "桥尾"]
    assert await anonymous.names("FeaturesOfInterest") == ["桥头", "河段"]
    await served.technician.patch(f"{ROOT}/Things({number})", json={"properties": {"grade": "restricted"}})
    for name in ("Things", "Locations", "HistoricalLocations", "Datastreams", "Sensors", "Observations"):
        assert (await anonymous.get(name))["value"] == [], name
    assert await anonymous.names("FeaturesOfInterest") == []
    assert await service.names("FeaturesOfInterest") == ["桥头", "河段"]
