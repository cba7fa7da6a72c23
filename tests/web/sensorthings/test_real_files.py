"""Files of real pilots: a groundwater well of the Netherlands, and stations of air quality."""

import csv
import json
from pathlib import Path

from entities import ROOT, Service, datastream, location, thing


async def test_groundwater(service: Service, real_data: Path) -> None:
    folder = real_data / "sensors"
    answer = await service.client.post(f"{ROOT}/Things", content=(folder / "groundwater_thing.json").read_bytes())
    assert answer.status_code == 400
    assert "line 8, column 3" in answer.json()["detail"]
    place = json.loads((folder / "groundwater_location.json").read_text("utf-8"))
    stream = json.loads((folder / "groundwater_dataStream1.json").read_text("utf-8"))
    number = await service.make("Things", thing(Locations=[place], Datastreams=[stream]))
    lines = (folder / "groundwater_observations1.json").read_text("utf-8").splitlines()
    read = [json.loads(line) for line in lines if line.strip()]
    names = ["phenomenonTime", "resultTime", "result"]
    array = {"Datastream": {"@iot.id": 1}, "components": names, "dataArray": [[o[n] for n in names] for o in read]}
    answers = await service.post("CreateObservations", [array])
    assert not [one for one in answers if one.startswith("error")]
    moments = {one["phenomenonTime"] for one in read}
    found = await service.get(f"Things({number})/Datastreams(1)/Observations", count=True, top=1, orderby="result desc")
    assert found["@iot.count"] == len(moments)
    assert found["value"][0]["result"] == max(one["result"] for one in read)
    near = "geo.distance(Locations/location, geography'POINT (-114.06 51.05)') lt 1"
    assert await service.names("Things", filter=near) == ["水位站"]


async def test_air_quality(service: Service, real_data: Path) -> None:
    folder = real_data / "sensors"
    with (folder / "air_quality_stations.csv").open(encoding="utf-8-sig") as file:
        places = {row["location"]: row for row in csv.DictReader(file)}
    with (folder / "air_quality_long.csv").open(encoding="utf-8-sig") as file:
        rows = list(csv.DictReader(file))
    streams: dict[tuple[str, str], int] = {}
    arrays = []
    for station, factor in sorted({(row["location"], row["parameter"]) for row in rows}):
        at = places[station]
        spot = location(station, float(at["coordinates.longitude"]), float(at["coordinates.latitude"]))
        body = thing(station, Locations=[spot], Datastreams=[datastream(factor)])
        number = await service.make("Things", body)
        streams[station, factor] = (await service.get(f"Things({number})/Datastreams"))["value"][0]["@iot.id"]
        values = [
            [row["date.utc"].replace(" ", "T"), float(row["value"])]
            for row in rows
            if (row["location"], row["parameter"]) == (station, factor)
        ]
        link = {"@iot.id": streams[station, factor]}
        arrays.append({"Datastream": link, "components": ["phenomenonTime", "result"], "dataArray": values})
    answers = await service.post("CreateObservations", arrays)
    assert len(answers) == 5272
    assert not [one for one in answers if one.startswith("error")]
    hot = await service.get("Observations", filter="Datastream/name eq 'no2' and result gt 60", count=True)
    kept = {(r["location"], r["date.utc"]) for r in rows if r["parameter"] == "no2" and float(r["value"]) > 60}
    assert hot["@iot.count"] == len(kept)
