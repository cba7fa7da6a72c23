"""The answer of an evacuation: figures, what is not placed and why, shelters, flows, busy roads, the map."""

from typing import Any

import numpy as np
import shapely

from cim.analysis.routing.asking import line_place, point_place
from cim.analysis.routing.evacuation_plan import EvacuationParameters, Plan, Timing, timing
from cim.analysis.routing.telling import STATEMENT, method, remark
from cim.analysis.routing.turns import NAMELESS
from cim.model.analysis import Answer, Column, Finding, Place, Table, Title, Verdict
from cim.model.road_network import Shapes

MOST_SECTIONS = 20
HOW = (
    "人口归并到最近道路的较近端点；分配为运输问题：先使安置人数最多，再使总行程时间最短（HiGHS 精确求解）；"
    "疏散时间 = 准备时间 + 行程时间，到达后按入口通过能力排队；"
    "并与各路线最繁忙路段按车道通过能力放行所需时间比较，取较大者；"
    "需协助转移人数按各点安置比例计"
)


def plan_answer(plan: Plan, asked: EvacuationParameters, areas: Shapes) -> Answer:
    """The answer that states a plan."""
    times = timing(plan, asked)
    people, origins = plan.people, plan.origins
    no_way = int(origins.persons[~plan.reachable].sum())
    full = people.total - plan.served - origins.off_road - no_way
    summary = {
        "people": people.total,
        "people_estimated": int(people.persons[people.estimated].sum()),
        "people_error": round(people.error, 1),
        "mobility": int(people.mobility.sum()),
        "served": plan.served,
        "mobility_served": plan.mobility_served,
        "unserved": people.total - plan.served,
        "unserved_off_road": origins.off_road,
        "unserved_no_way": no_way,
        "unserved_no_room": full,
        "shelters_used": len(np.unique(plan.found.destination)),
        "room": int(plan.shelters.room.sum()),
        "person_minutes": round(_person_minutes(plan), 1),
        "mean_travel_min": round(_person_minutes(plan) / plan.served, 2) if plan.served else None,
        "clearance_min": round(times.clearance_min, 1) if plan.served else None,
        "moment": asked.moment,
        "profile": asked.profile,
        "roads_closed": int(plan.ground.closed.edges.sum()),
    }
    findings = [*plan.ground.remarks, *people.remarks, *plan.shelters.remarks, *_unserved(plan, no_way, full)]
    return Answer(
        summary=summary,
        findings=[*findings, method(f"{HOW}；出行方式 {plan.ground.profile.title.zh}")],
        tables=[_shelter_table(plan, times), _flow_table(plan, asked), _road_table(plan, times)],
        places=_places(plan, areas),
        sources=[plan.ground.edition, *people.sources, plan.shelters.edition],
        statement=STATEMENT,
    )


def _person_minutes(plan: Plan) -> float:
    return float(sum(way.seconds / 60 * n for way, n in zip(plan.ways, plan.found.persons.tolist(), strict=True)))


def _unserved(plan: Plan, no_way: int, full: int) -> list[Finding]:
    origins, told = plan.origins, []
    if origins.off_road:
        limit_m = plan.ground.off_road_m
        text = (
            f"{origins.off_road} 人（需协助 {origins.off_mobility} 人）所在建筑离可通行道路超过 {limit_m:g} 米，未安置"
        )
        told.append(remark("off-road", text, measured=float(origins.off_road), limit=limit_m, verdict=Verdict.NOT))
    if no_way:
        every = "全部" if not plan.reachable.any() else "部分"
        text = f"{no_way} 人在行程上限内没有可达的避难场所（{every}路段不通或过远），未安置"
        told.append(remark("no-shelter", text, measured=float(no_way), verdict=Verdict.NOT))
    if full:
        text = f"{full} 人因避难场所容量不足未安置，可用容量共 {int(plan.shelters.room.sum())} 人"
        told.append(remark("unserved", text, measured=float(full), verdict=Verdict.NOT))
    lost = int((~plan.joined.on_road).sum())
    if lost:
        text = f"{lost} 处避难场所离最近的可通行道路超过 {plan.ground.off_road_m:g} 米，未采用"
        told.append(remark("shelters-left-out", text, measured=float(lost), verdict=Verdict.PARTLY))
    return told


def _shelter_table(plan: Plan, times: Timing) -> Table:
    columns = (
        Column("name", Title("避难场所", "Shelter")),
        Column("room", Title("容纳人数", "Room"), "count"),
        Column("persons", Title("安置人数", "Persons"), "count"),
        Column("share_pct", Title("占用", "Taken"), "number", "%", 1),
        Column("finish_min", Title("全部进入", "All in"), "number", "min", 1),
        Column("wait_min", Title("最长排队", "Longest queue"), "number", "min", 1),
        Column("fid", Title("要素号", "Feature"), "count"),
    )
    persons = np.bincount(plan.found.destination, plan.found.persons, len(plan.shelters.room)).astype(np.int64)
    rows = [
        (
            plan.shelters.names[k],
            int(plan.shelters.room[k]),
            int(persons[k]),
            round(100 * float(persons[k] / plan.shelters.room[k]), 1),
            round(float(times.finish_min[k]), 1),
            round(float(times.wait_min[k]), 1),
            int(plan.shelters.fids[k]),
        )
        for k in np.argsort(-persons, kind="stable").tolist()
        if persons[k]
    ]
    return Table("shelters", Title("避难场所安置", "Shelters"), columns, rows, "时间从通知起算，含准备时间")


def _flow_table(plan: Plan, asked: EvacuationParameters) -> Table:
    columns = (
        Column("node", Title("集合点", "Gathered at"), "count"),
        Column("lon", Title("经度", "Longitude"), "number", "°", 7),
        Column("lat", Title("纬度", "Latitude"), "number", "°", 7),
        Column("persons", Title("人数", "Persons"), "count"),
        Column("shelter", Title("避难场所", "Shelter")),
        Column("time_min", Title("行程时间", "Travel"), "number", "min", 1),
        Column("arrival_min", Title("到达", "Arrival"), "number", "min", 1),
        Column("length_m", Title("路程", "By road"), "number", "m", 0),
    )
    rows = []
    for k in np.argsort(-plan.found.persons, kind="stable").tolist():
        origin, way = int(plan.found.origin[k]), plan.ways[k]
        lon, lat = plan.origins.lonlat[origin].round(7).tolist()
        name = plan.shelters.names[int(plan.found.destination[k])]
        time_min = round(way.seconds / 60, 2)
        arrival_min = round(asked.ready_min + way.seconds / 60, 2)
        rows.append(
            (origin + 1, lon, lat, int(plan.found.persons[k]), name, time_min, arrival_min, round(way.length_m, 1))
        )
    return Table("flows", Title("转移去向", "Who goes where"), columns, rows)


def _road_table(plan: Plan, times: Timing) -> Table:
    columns = (
        Column("road", Title("道路", "Road")),
        Column("persons", Title("通过人数", "Persons"), "count"),
        Column("minutes", Title("放行所需", "To pass"), "number", "min", 1),
        Column("lanes", Title("车道", "Lanes"), "count"),
    )
    attributes = plan.ground.roads.network.attributes
    rows = [
        (
            attributes.names[load.edge] or NAMELESS,
            load.persons,
            round(load.minutes, 1),
            max(1, int(attributes.lanes[load.edge])),
        )
        for load in times.loads[:MOST_SECTIONS]
    ]
    note = f"每车道每分钟 {plan.ground.profile.per_lane:g} 人；只列最繁忙的 {MOST_SECTIONS} 段"
    return Table("roads", Title("最繁忙路段", "Busiest sections"), columns, rows, note)


def _places(plan: Plan, areas: Shapes) -> list[Place]:
    places = [Place(shapely.geometry.mapping(area), {"kind": "area", "title": "疏散范围"}) for area in areas]
    for k, way in enumerate(plan.ways):
        facts: dict[str, Any] = {
            "kind": "route",
            "title": f"至{plan.shelters.names[int(plan.found.destination[k])]}",
            "persons": int(plan.found.persons[k]),
            "shelter": plan.shelters.names[int(plan.found.destination[k])],
            "time_min": round(way.seconds / 60, 2),
            "length_m": round(way.length_m, 1),
        }
        if len(way.line) > 1:
            places.append(line_place(way.line, facts))
    for k in range(len(plan.origins.nodes)):
        left = int(plan.found.unserved[k])
        facts = {"kind": "unserved" if left else "gathered", "persons": int(plan.origins.persons[k]), "unserved": left}
        places.append(point_place(plan.origins.lonlat[k], facts))
    persons = np.bincount(plan.found.destination, plan.found.persons, len(plan.shelters.room))
    for k in np.flatnonzero(persons).tolist():
        facts = {
            "kind": "shelter",
            "name": plan.shelters.names[k],
            "persons": int(persons[k]),
            "room": int(plan.shelters.room[k]),
        }
        places.append(point_place(plan.shelters.lonlat[k], facts))
    return places
