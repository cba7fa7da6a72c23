"""Clause 9, resource paths and requests for data, and clause 13, arrays of data.

Thing 1 is 甲 with six observations of 0 to 5, Thing 2 乙 with three of 0, 10 and 20, each an hour after the other;
what is written goes to Thing 3.
"""

from itertools import pairwise
from typing import Any

from clauses.standard import requirement
from entities import ROOT, Service

FIRST, WRITTEN = "Datastreams(1)/Observations", "Datastreams(3)/Observations"


async def results(service: Service, condition: str = "true", path: str = FIRST, **options: object) -> list[Any]:
    """The results of observations that a condition finds."""
    return [one["result"] for one in (await service.get(path, filter=condition, **options))["value"]]


@requirement("resource-path/resource-path-to-entities")
async def resource_paths(service: Service) -> None:
    """The eight usages of clause 9.2."""
    root = await service.get("")
    assert {"value", "serverSettings"} <= root.keys()
    assert {one["url"].removeprefix(f"http://test{ROOT}/") for one in root["value"]} == {
        one["name"] for one in root["value"]
    }
    (first, *_) = (await service.get(FIRST, orderby="phenomenonTime"))["value"]
    inner = f"{FIRST}('{first['@iot.id']}')"
    assert (await service.get("Things(1)"))["name"] == "甲"
    assert await service.get("Datastreams(1)/unitOfMeasurement/symbol") == {"symbol": "°C"}
    assert await service.get(f"{inner}/resultTime", status=204) is None
    await service.get("Things(1)/height", status=404)
    value = await service.client.get(f"{ROOT}/{inner}/phenomenonTime/$value")
    assert (value.text, value.headers["content-type"]) == ("2026-03-01T00:00:00Z", "text/plain;charset=utf-8")
    assert (await service.get(f"{inner}/FeatureOfInterest"))["name"] == "桥头"
    links = (await service.get(f"{FIRST}/$ref"))["value"]
    assert {"@iot.selfLink": first["@iot.selfLink"]} in links


@requirement("request-data/status-code")
async def a_link_that_is_gone(service: Service) -> None:
    made = await service.post("Things", {"name": "去", "description": ""})
    assert (await service.client.delete(made["@iot.selfLink"])).status_code == 200
    assert (await service.client.get(made["@iot.selfLink"])).status_code == 404


@requirement("request-data/query-status-code")
async def options_that_are_not_supported(service: Service) -> None:
    for name in ("search", "apply", "compute", "nothing"):
        problem = await service.get("Things", status=501, **{name: "x"})
        assert problem["where"] == f"${name}"
    await service.get("Things(1)", status=501, format="json")
    await service.get("Things(1)", status=400, top=1)


@requirement("request-data/order")
async def order_of_evaluation(service: Service) -> None:
    """First filter, then count, order, skip and top, whatever their order in the address."""
    query = "$top=2&$skip=1&$orderby=result desc&$count=true&$select=result&$filter=result ge 1 and result lt 5"
    answer = (await service.client.get(f"{ROOT}/{FIRST}?{query}")).json()
    assert answer["@iot.count"] == 4
    assert answer["value"] == [{"result": 3}, {"result": 2}]


@requirement("request-data/expand")
async def expansions(service: Service) -> None:
    found = await service.get("Things(1)", expand="Datastreams/ObservedProperty,Locations")
    assert found["Datastreams"][0]["ObservedProperty"]["name"] == "水温"
    assert found["Locations"][0]["name"] == "桥头"
    inner = "$filter=result lt 3;$select=result;$orderby=result desc;$skip=1;$top=1;$count=true;$expand=Datastream"
    found = await service.get("Datastreams(1)", expand=f"Observations({inner})")
    (one,) = found["Observations"]
    assert (one["result"], one["Datastream"]["@iot.id"], found["Observations@iot.count"]) == (1, 1, 3)


@requirement("request-data/select")
async def selections(service: Service) -> None:
    assert await service.get("Datastreams(1)", select="name,unitOfMeasurement") == {
        "name": "水温",
        "unitOfMeasurement": {"name": "degree Celsius", "symbol": "°C", "definition": "ucum:Cel"},
    }
    found = await service.get("Datastreams(1)", select="id", expand="Thing($select=name)")
    assert found == {"@iot.id": 1, "Thing": {"name": "甲"}}
    assert (await service.get("Things(1)", select="Locations")).keys() == {"Locations@iot.navigationLink"}


@requirement("request-data/orderby")
async def orders(service: Service) -> None:
    """Also by several, by what is linked, and with null before all else (after it when descending)."""
    both = {"filter": "Datastream/id le 2 and result le 1 and result ge 0", "select": "result", "expand": "Datastream"}
    rows = (await service.get("Observations", orderby="Datastream/id desc, result", **both))["value"]
    told = [(one["Datastream"]["@iot.id"], one["result"]) for one in rows]
    assert told[:2] == [(2, 0), (1, 0)]
    assert all(one < two for one, two in pairwise((-stream, result) for stream, result in told))
    assert (await results(service, orderby="result asc"))[:2] == [0, 1]
    await service.post("Things", {"name": "阶", "description": "rank", "properties": {"rank": 4}})
    for order, ends in (("properties/rank", [None, 4]), ("properties/rank desc", [4, None])):
        things = await service.every("Things", orderby=order, top=2)
        ranks = [one.get("properties", {}).get("rank") for one in things]
        assert [ranks[0], ranks[-1]] == ends
        assert len({one["@iot.id"] for one in things}) == len(things) > 2
    places = [str(one["location"]) for one in await service.every("Locations", orderby="location", top=2)]
    assert places == sorted(places)


@requirement("request-data/top")
async def tops(service: Service) -> None:
    assert await results(service, top=2, orderby="phenomenonTime") == [0, 1]
    assert await results(service, top=0) == []
    assert len(await results(service, top=1_000_000)) == 6
    await service.get("Things", status=400, top=-1)


@requirement("request-data/skip")
async def skips(service: Service) -> None:
    assert await results(service, skip=4, orderby="phenomenonTime") == [4, 5]
    assert await results(service, skip=2, top=2, orderby="phenomenonTime desc") == [3, 2]
    await service.get("Things", status=400, skip=-1)


@requirement("request-data/count")
async def counts(service: Service) -> None:
    found = await service.get(FIRST, count=True, top=1, skip=1, filter="result lt 3")
    assert found["@iot.count"] == 3
    assert "@iot.count" not in await service.get(FIRST, count=False)
    await service.get(FIRST, status=400, count="1")


@requirement("request-data/filter")
async def filters(service: Service) -> None:
    assert await results(service, "result lt 2.00") == [0, 1]
    assert await results(service, "resultTime lt now()") == []
    assert await results(service, "Datastream/id eq 2 and result gt 5", "Observations") == [10, 20]
    assert await service.names("Things", filter="Datastreams/Observations/result eq 20") == ["乙"]
    away = "geo.distance(Locations/location, geography'POINT(-122 43)') gt 1 and name eq '甲'"
    assert await service.names("Things", filter=away) == ["甲"]
    found = await service.get("Things", filter="id eq 1 and true", expand="Datastreams/Observations/FeatureOfInterest")
    assert len(found["value"]) == 1


OPERATIONS: list[tuple[str, list[int]]] = [
    ("Datastream/unitOfMeasurement/name eq 'degree Celsius' and result eq 2", [2]),
    ("result ne 2 and result le 3", [0, 1, 3]),
    ("result gt 3", [4, 5]),
    ("result ge 4", [4, 5]),
    ("result lt 1", [0]),
    ("result gt 4 or result le 0", [0, 5]),
    ("not startswith(FeatureOfInterest/name,'桥') or result eq 5", [5]),
    ("result add 5 gt 9", [5]),
    ("result sub 5 ge -1", [4, 5]),
    ("result mul 2 gt 8", [5]),
    ("result div 2 ge 2", [4, 5]),
    ("result mod 2 eq 0", [0, 2, 4]),
    ("(result sub 1) mul 2 eq 4", [3]),
    ("result gt 4 or result gt 0 and result lt 2", [1, 5]),
    ("result gt '3'", [4, 5]),
]


@requirement("request-data/built-in-filter-operations")
async def operations(service: Service) -> None:
    """Those of table 22, and their precedence."""
    for condition, expected in OPERATIONS:
        found = await results(service, condition, orderby="result")
        assert found == expected, condition


FUNCTIONS = [
    "substringof('our',Datastream/description)",
    "endswith(Datastream/description,'ly')",
    "startswith(Datastream/description,'hour')",
    "length(Datastream/description) eq 6",
    "indexof(Datastream/description,'our') eq 1",
    "substring(Datastream/description,1) eq 'ourly'",
    "substring(Datastream/description,2,3) eq 'url'",
    "tolower('HOURLY') eq Datastream/description",
    "toupper(Datastream/description) eq 'HOURLY'",
    "trim(' hourly ') eq Datastream/description",
    "concat(concat(Datastream/unitOfMeasurement/symbol,', '),Datastream/name) eq '°C, 水温'",
    "year(phenomenonTime) eq 2026 and month(phenomenonTime) eq 3 and day(phenomenonTime) eq 1",
    "hour(phenomenonTime) eq 3 and minute(phenomenonTime) eq 0 and second(phenomenonTime) eq 0",
    "fractionalseconds(phenomenonTime) eq 0 and totaloffsetminutes(phenomenonTime) eq 0",
    "date(phenomenonTime) ne date(2026-03-02T00:00:00Z) and time(phenomenonTime) eq 03:00:00",
    "phenomenonTime le now() and phenomenonTime gt mindatetime() and phenomenonTime lt maxdatetime()",
    "round(result add 0.4) eq 3 and floor(result add 0.9) eq 3 and ceiling(result sub 0.9) eq 3",
    "geo.distance(FeatureOfInterest/feature,geography'POINT (103.94 30.98)') lt 1",
    "geo.length(geography'LINESTRING (103 30, 103 31)') gt 110000",
    "geo.intersects(FeatureOfInterest/feature,geography'POLYGON ((103 30, 104 30, 104 31, 103 31, 103 30))')",
    "st_equals(FeatureOfInterest/feature,geography'POINT (103.94 30.98)')",
    "st_disjoint(FeatureOfInterest/feature,geography'POINT (103 30)')",
    "st_touches(FeatureOfInterest/feature,geography'LINESTRING (103.94 30.98, 104 31)')",
    "st_within(FeatureOfInterest/feature,geography'POLYGON ((103 30, 104 30, 104 31, 103 31, 103 30))')",
    "not st_overlaps(FeatureOfInterest/feature,geography'POINT (103.94 30.98)')",
    "not st_crosses(FeatureOfInterest/feature,geography'LINESTRING (103.94 30.98, 104 31)')",
    "st_intersects(FeatureOfInterest/feature,geography'POINT (103.94 30.98)')",
    "st_contains(FeatureOfInterest/feature,geography'POINT (103.94 30.98)')",
    "st_relate(FeatureOfInterest/feature,geography'POINT (103.94 30.98)','T********')",
]


@requirement("request-data/built-in-query-functions")
async def functions(service: Service) -> None:
    """Those of table 23, all true of the observation of 3, and each false of it when denied."""
    assert await results(service, " and ".join(["result eq 3", *FUNCTIONS])) == [3]
    for condition in FUNCTIONS:
        assert await results(service, f"result eq 3 and not ({condition})") == [], condition
    valid = {"validTime": "2026-01-30T00:00:00Z/2026-02-03T00:00:00Z"}
    await service.post(WRITTEN, {"result": 1, "phenomenonTime": "2026-02-01T00:00:00Z", **valid})
    found = "date(phenomenonTime) ne date(validTime) and day(validTime) eq 30 and validTime gt 2026-01-29T00:00:00Z"
    assert await results(service, found, WRITTEN) == [1]


@requirement("request-data/pagination")
async def pages(service: Service) -> None:
    page = await service.get(FIRST, top=4, orderby="result")
    rest = await service.follow(page["@iot.nextLink"])
    assert [one["result"] for one in page["value"] + rest["value"]] == [0, 1, 2, 3, 4, 5]
    assert "@iot.nextLink" not in rest


@requirement("data-array/data-array")
async def data_arrays(service: Service) -> None:
    """Observations are read and made as arrays; what cannot be kept is told in its place."""
    page = await service.get(FIRST, resultFormat="dataArray", select="phenomenonTime,result")
    (array,) = page["value"]
    assert array["components"] == ["phenomenonTime", "result"]
    assert array["dataArray"][1] == ["2026-03-01T01:00:00Z", 1]
    assert array["dataArray@iot.count"] == 6
    rows = [["2026-02-02T00:00:00Z", 1, 3], ["x", 2, 3], ["2026-02-02T02:00:00Z", 3, 3]]
    names = ["phenomenonTime", "result", "FeatureOfInterest/id"]
    body = {"Datastream": {"@iot.id": 3}, "components": names, "dataArray@iot.count": 3, "dataArray": rows}
    first, second, third = await service.post("CreateObservations", [body])
    assert [(await service.follow(address))["result"] for address in (first, third)] == [1, 3]
    assert second.startswith("error")
