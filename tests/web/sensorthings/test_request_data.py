"""http://www.opengis.net/spec/iot_sensing/1.1/req/request-data: all query options but $filter, and paging."""

import asyncio

import pytest
import sqlalchemy as sa
from entities import Service, datastream, hour, station, thing
from serving import Served
from sqlalchemy import event

from cim.filters.odata_grammar import parsed
from cim.filters.odata_writing import written


async def test_expansions_nest_with_their_own_options(service: Service) -> None:
    made = await service.make("Things", station(observations=[hour(n) for n in range(5)]))
    inner = "$orderby=phenomenonTime desc;$top=2;$count=true;$select=result"
    expand = f"Datastreams($select=name;$expand=Observations({inner}),ObservedProperty),Locations/HistoricalLocations"
    found = await service.get(f"Things({made})", expand=expand)
    (stream,) = found["Datastreams"]
    assert stream["Observations@iot.count"] == 5
    assert [one["result"] for one in stream["Observations"]] == [4, 3]
    assert stream["ObservedProperty"]["name"] == "水温"
    assert "description" not in stream
    assert len(found["Locations"][0]["HistoricalLocations"]) == 1
    rest = await service.follow(stream["Observations@iot.nextLink"])
    assert [one["result"] for one in rest["value"]] == [2, 1]
    assert rest["@iot.count"] == 5


async def test_an_expansion_costs_the_same_however_many_entities(served: Served, service: Service) -> None:
    async def queries() -> int:
        count = 0

        def counted(*_: object) -> None:
            nonlocal count
            count += 1

        engine = served.database.reader.sync_engine
        event.listen(engine, "before_cursor_execute", counted)
        await service.get("Things", expand="Datastreams($expand=Sensor,Observations($count=true)),Locations")
        event.remove(engine, "before_cursor_execute", counted)
        return count

    await service.make("Things", station(observations=[hour(0)]))
    one = await queries()
    for name in "甲乙丙丁":
        await service.make("Things", station(name, observations=[hour(0)]))
    assert await queries() == one <= 9


async def test_select_gives_what_is_named(service: Service) -> None:
    await service.make("Things", station())
    (found,) = (await service.get("Things", select="id,name,Datastreams"))["value"]
    assert list(found) == ["@iot.id", "name", "Datastreams@iot.navigationLink"]
    await service.get("Things", status=400, select="height")


async def test_orders_go_by_paths_and_put_the_unknown_first_or_last(service: Service) -> None:
    for name, rank in (("甲", 2), ("乙", None), ("丙", 10)):
        body = thing(name)
        body["properties"] |= {"rank": rank} if rank else {}
        await service.make("Things", body | {"Datastreams": [datastream(f"{name}流")]})
    assert await service.names("Things", orderby="properties/rank") == ["乙", "甲", "丙"]
    assert await service.names("Things", orderby="properties/rank desc") == ["丙", "甲", "乙"]
    assert await service.names("Datastreams", orderby="Thing/properties/rank desc,id") == ["丙流", "甲流", "乙流"]
    await service.get("Things", status=400, orderby="Datastreams/name")
    for order in ("properties/rank", "properties/rank desc", "name desc,id", "length(name),description"):
        whole = await service.names("Things", orderby=order)
        assert [one["name"] for one in await service.every("Things", orderby=order, top=1)] == whole


@pytest.mark.parametrize("order", ["", "result desc", "phenomenonTime desc", "Datastream/id desc,result"])
async def test_pages_hold_each_that_was_there_once_while_others_come_in(service: Service, order: str) -> None:
    made = await service.make("Things", station(observations=[hour(n, n % 7) for n in range(0, 60, 2)]))
    (stream,) = (await service.get(f"Things({made})/Datastreams"))["value"]
    number = stream["@iot.id"]
    before = {one["@iot.id"] for one in (await service.get("Observations", top=100))["value"]}
    options = {"orderby": order} if order else {}
    page = await service.get("Observations", top=7, **options)
    seen = [one["@iot.id"] for one in page["value"]]
    for turn in range(20):
        if "@iot.nextLink" not in page:
            break
        await service.post(f"Datastreams({number})/Observations", hour(2 * turn + 1, turn))
        page = await service.follow(page["@iot.nextLink"])
        seen += [one["@iot.id"] for one in page["value"]]
    assert len(seen) == len(set(seen))
    assert before <= set(seen)


async def test_top_skip_and_count(service: Service) -> None:
    for number in range(5):
        await service.make("Things", thing(f"t{number}"))
    found = await service.get("Things", top=2, skip=1, count=True, filter="name ne 't0'")
    assert found["@iot.count"] == 4
    assert [one["name"] for one in found["value"]] == ["t2", "t3"]
    assert (await service.get("Things", top=0, count=True)) == {"@iot.count": 5, "value": []}
    assert len(await service.every("Things", top=2, skip=1)) == 4


async def test_of_observations_ten_thousand_come_at_most(service: Service, served: Served) -> None:
    made = await service.make("Things", station(observations=[hour(0)]))
    async with served.database.writing() as connection:
        await connection.execute(
            sa.text(
                "INSERT INTO sensing.observation (datastream_id, phenomenon_time, value) SELECT 1,"
                " '2026-03-02'::timestamptz + n * interval '1 second', n FROM generate_series(1, 10500) AS n"
            )
        )
    page = await service.get(f"Things({made})/Datastreams(1)/Observations", top=20_000, select="result")
    assert len(page["value"]) == 10_000
    assert len((await service.follow(page["@iot.nextLink"]))["value"]) == 501


UNUSABLE: list[dict[str, object]] = [
    {"top": 10**18},
    {"top": -1},
    {"skip": 10**7},
    {"count": "yes"},
    {"filter": ""},
    {"filter": "name eq"},
    {"filter": "nothing eq 1"},
    {"filter": "(" * 60 + "name" + ")" * 60},
    {"filter": "not " * 200 + "true"},
    {"filter": "name eq '" + "x" * 17_000 + "'"},
    {"filter": "1 add " * 300 + "1 eq 1"},
    {"filter": "sleep(1) eq 1"},
    {"filter": "name eq 1"},
    {"filter": "name gt null"},
    {"filter": "st_relate(Locations/location, geography'POINT (1 1)', 'nonsense') eq true"},
    {"filter": "st_within(Locations/location, geography'POINT (1')"},
    {"filter": "st_within(Locations/location, geography'POINT (999 1)')"},
    {"filter": "now() gt 2026-01-01T00:00:00"},
    {"expand": "Nothing"},
    {"expand": "Datastreams/Observations/Datastream/Observations/Datastream/Observations"},
    {"expand": "Datastreams($top=5"},
    {"expand": "Datastreams($nothing=5)"},
    {"orderby": "name sideways"},
    {"resultFormat": "dataArray"},
    {"skiptoken": "nonsense"},
    {"skiptoken": "WzFd" * 2},
    {"orderby": "name", "skiptoken": "WyJcdWQ4MDAiLDFd"},
    {"orderby": "name", "skiptoken": "WyJcdTAwMDAiLDFd"},
    {"orderby": "properties/a", "skiptoken": "W1sianNvbiIsWyJcdTAwMDAiXV0sMV0"},
    {"skiptoken": "WzFlOTld"},
    {"filter": "result eq 1"},
    {"filter": "name eq '\x00'"},
]


async def test_what_cannot_be_used_is_refused_with_a_reason(service: Service) -> None:
    for options in UNUSABLE:
        problem = await service.get("Things", status=400, **options)
        assert problem["where"], options
        assert problem["remedy"], options


async def test_a_moment_out_of_range_is_the_askers_fault(service: Service) -> None:
    await service.make("Things", thing())
    early = "2026-01-01T00:00:00Z" + " sub duration'P999999D'" * 3
    await service.get("Things", status=400, filter=f"id gt 0 and {early} lt now()")


async def test_a_token_of_another_order_is_refused(service: Service) -> None:
    for name in "甲乙":
        await service.make("Things", thing(name))
    token = (await service.get("Things", top=1, orderby="name"))["@iot.nextLink"].partition("skiptoken=")[2]
    await service.get("Things", status=400, orderby="id", skiptoken=token)


async def test_an_answer_is_bounded(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("web.sensorthings.reading.MOST_ENTITIES", 20)
    await service.make("Things", station(observations=[hour(n) for n in range(40)]))
    await service.get("Things", status=413, expand="Datastreams/Observations")


async def test_readers_at_once(service: Service) -> None:
    await service.make("Things", station(observations=[hour(n) for n in range(5)]))
    answers = await asyncio.gather(*(service.get("Things", expand="Datastreams/Observations") for _ in range(12)))
    assert all(one == answers[0] for one in answers)


@pytest.mark.parametrize(
    "text",
    [
        "name eq 'it''s' and not (id gt 3 or properties/a-b/0 ne -3.5)",
        "st_within(Locations/location, geography'POINT (1 2)') eq true",
        "phenomenonTime add duration'P1DT2H' ge 2026-01-01T00:00:00+08:00",
        "time(phenomenonTime) lt 10:30:00 and date(phenomenonTime) eq 2026-01-31 and name ne null",
    ],
)
def test_options_written_out_read_the_same(text: str) -> None:
    tree = parsed(text, "filter", "$filter")
    assert parsed(written(tree), "filter", "$filter") == tree
