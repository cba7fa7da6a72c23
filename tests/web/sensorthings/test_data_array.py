"""http://www.opengis.net/spec/iot_sensing/1.1/req/data-array/data-array."""

import pytest
from entities import Service, hour, station, thing


async def test_created_and_refused_are_told_one_by_one(service: Service) -> None:
    await service.make("Things", station())
    await service.make("Things", station("二"))
    rows = [["2026-01-01T00:00:00Z", 1], ["2026-01-01T00:00:00", 2], ["x", 3], ["2026-01-01T01:00:00Z"], 7]
    body = [
        {"Datastream": {"@iot.id": 1}, "components": ["phenomenonTime", "result"], "dataArray": rows},
        {"Datastream": {"@iot.id": 99}, "components": ["result"], "dataArray": [[1]]},
        {
            "Datastream": {"@iot.id": 2},
            "components": ["phenomenonTime", "result", "FeatureOfInterest/id", "resultQuality"],
            "dataArray@iot.count": 2,
            "dataArray": [["2026-01-01T00:00:00Z", 5, 1, "M"], ["2026-01-01T01:00:00Z", 6, 77, "N"]],
        },
    ]
    answers = await service.post("CreateObservations", body)
    good = [one for one in answers if not one.startswith("error: ")]
    assert len(answers) == 8
    assert [answers.index(one) for one in good] == [0, 6]
    assert "zone" in answers[1]
    assert "Datastream 99" in answers[5]
    assert [(await service.follow(one))["result"] for one in good] == [1, 5]
    assert (await service.follow(good[1]))["resultQuality"] == "M"


async def test_arrays_come_back(service: Service) -> None:
    for name in "甲乙":
        await service.make("Things", station(name, observations=[hour(n) for n in range(3)]))
    options = {"resultFormat": "dataArray", "select": "phenomenonTime,result", "orderby": "phenomenonTime"}
    page = await service.get("Observations", count=True, **options)
    assert page["@iot.count"] == 6
    assert [one["dataArray@iot.count"] for one in page["value"]] == [3, 3]
    assert page["value"][0]["components"] == ["phenomenonTime", "result"]
    assert page["value"][0]["dataArray"][1] == ["2026-03-01T01:00:00Z", 1]


@pytest.mark.parametrize(
    "body",
    [{}, [1], [{}], [{"Datastream": {"@iot.id": 1}, "components": ["nothing"], "dataArray": []}]],
)
async def test_what_is_no_data_array_is_refused_whole(service: Service, body: object) -> None:
    await service.make("Things", thing())
    await service.post("CreateObservations", body, 400)
