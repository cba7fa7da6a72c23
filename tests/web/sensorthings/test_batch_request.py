"""http://www.opengis.net/spec/iot_sensing/1.1/req/batch-request/batch-request, in the JSON form of OData 4.01."""

import json
from pathlib import Path

import pytest
from entities import Service, datastream, hour, location, station, thing

GROUP = "g"


def request(number: str, method: str, url: str, body: object = None, group: str | None = None) -> dict[str, object]:
    found: dict[str, object] = {"id": number, "method": method, "url": url}
    return found | ({"body": body} if body is not None else {}) | ({"atomicityGroup": group} if group else {})


async def test_requests_name_what_others_made(service: Service) -> None:
    link = {"Thing": {"@iot.id": "$t"}}
    requests = [
        request("l", "post", "Locations", location(), GROUP),
        request("t", "post", "/v1.1/Things", thing(Locations=[{"@iot.id": "$l"}]), GROUP),
        request("d", "post", "Datastreams", datastream(**link), GROUP),
        request("o", "post", "$d/Observations", hour(0), GROUP),
        request("p", "patch", "$t", {"description": "new"}, GROUP),
        request("r", "get", "$t?$expand=Datastreams/Observations"),
        request("x", "delete", "Things(99)"),
    ]
    responses = (await service.post("$batch", {"requests": requests}, 200))["responses"]
    assert [one["status"] for one in responses] == [201, 201, 201, 201, 200, 200, 404]
    read = responses[5]["body"]
    assert read["description"] == "new"
    assert read["Datastreams"][0]["Observations"][0]["result"] == 0
    assert responses[1]["location"] == read["@iot.selfLink"]


async def test_a_group_is_done_whole_or_not_at_all(service: Service) -> None:
    requests = [
        request("1", "post", "Things", station("甲", [hour(0)]), GROUP),
        request("2", "post", "Things", {"name": "x"}, GROUP),
        request("3", "post", "Things", thing("丙"), GROUP),
        request("4", "post", "Things", thing("丁")),
        request("5", "get", "$1"),
    ]
    responses = (await service.post("$batch", {"requests": requests}, 200))["responses"]
    assert [one["status"] for one in responses] == [424, 400, 424, 201, 404]
    assert "lacks" in responses[1]["body"]["detail"]
    assert await service.names("Things") == ["丁"]
    assert (await service.get("Observations"))["value"] == []


@pytest.mark.parametrize(
    "body",
    [
        [],
        {"requests": []},
        {"requests": [{"id": "1"}]},
        {"requests": [request("1", "trace", "Things")]},
        {"requests": [request("1", "get", "Things"), request("1", "get", "Things")]},
        {
            "requests": [
                request("1", "put", "a", {}, "g"),
                request("2", "get", "a"),
                request("3", "put", "a", {}, "g"),
            ]
        },
        {"requests": [request(str(n), "get", "Things") for n in range(1001)]},
    ],
)
async def test_what_is_no_batch_is_refused(service: Service, body: object) -> None:
    await service.post("$batch", body, 400)


async def test_a_batch_in_a_batch_and_reading_in_a_group_are_refused(service: Service) -> None:
    requests = [request("1", "post", "$batch", {"requests": []}), request("2", "get", "Things", None, GROUP)]
    responses = (await service.post("$batch", {"requests": requests}, 200))["responses"]
    assert [one["status"] for one in responses] == [400, 400]


async def test_the_real_batch_of_another_server(service: Service, real_data: Path) -> None:
    """It also makes users, roles and projects, which are none of SensorThings: the rest is done."""
    body = json.loads((real_data / "sensors" / "frost_dataBatchPost.json").read_text("utf-8"))
    responses = (await service.post("$batch", body, 200))["responses"]
    assert {one["status"] for one in responses} <= {404, 424}
    known = {"Things", "Locations", "Sensors", "ObservedProperties", "Datastreams", "Observations"}
    kept = [one for one in body["requests"] if one["url"] in known]
    for one in kept:
        one["body"].pop("Projects", None)
    responses = (await service.post("$batch", {"requests": kept}, 200))["responses"]
    assert {one["status"] for one in responses} == {201}, responses
    assert len(await service.names("Things")) == sum(one["url"] == "Things" for one in kept)
