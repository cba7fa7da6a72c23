"""The picture of an incident 事故周边态势: who and what is in rings around a place, or in an area, in one answer."""

import asyncio
from typing import Any

from cim.analysis.analysis import Analysis
from cim.analysis.context import Context
from cim.analysis.incident_picture import more_tables, tables
from cim.analysis.incident_picture.drawn import places
from cim.analysis.incident_picture.figures import Figure, figures
from cim.analysis.incident_picture.findings import findings
from cim.analysis.incident_picture.material import Material, gather
from cim.analysis.incident_picture.parameters import DAY, NIGHT, PictureParameters
from cim.analysis.incident_picture.zones import areas_m2
from cim.model.analysis import Answer, Title

STATEMENT = "本图由系统依据所列数据版本自动汇总，人数为推算，仅供应急研判参考，不代替现场核实。"


async def picture(asked: PictureParameters, context: Context) -> Answer:
    """Gather what is in and around the zones, and tell it."""
    found = await gather(asked, context)
    context.progress(85, "整理结果")
    return await asyncio.to_thread(_answer, found, context)


def _answer(found: Material, context: Context) -> Answer:
    numbers = figures(found)
    shown = [
        more_tables.place_table(found),
        tables.people_table(found, numbers),
        tables.facilities_table(found),
        tables.villages_table(found),
        *tables.facility_tables(found, context),
        *more_tables.network_tables(found, context),
        more_tables.models_table(found),
        more_tables.devices_table(found),
        more_tables.cameras_table(found),
        more_tables.alarms_table(found),
        more_tables.warnings_table(found),
    ]
    return Answer(
        summary=_summary(found, numbers, context),
        findings=findings(found, numbers),
        tables=[table for table in shown if table.rows or table.note],
        places=places(found, numbers),
        sources=sorted(found.sources, key=lambda one: one.layer),
        statement=STATEMENT,
    )


def _summary(found: Material, numbers: list[Figure], context: Context) -> dict[str, Any]:
    zones = found.zones
    total = {one.id: one.total for one in numbers} | _counts(found, None)
    persons = next(one for one in numbers if one.id == "persons")
    rings = []
    inner = (0.0, *zones.radii_m[:-1])
    for band, name in enumerate(zones.names):
        bounds = {"inner_m": inner[band], "outer_m": zones.radii_m[band]} if zones.radii_m else {}
        people = {one.id: one.bands[band] for one in numbers}
        rings.append({"name": name, **bounds, **people, **_counts(found, band)})
    sees = [one for one in found.cameras.lookings or () if one.first == "seen"]
    return {
        "place": [round(zones.lon, 7), round(zones.lat, 7)],
        "radii_m": list(zones.radii_m),
        "zone_m2": round(float(areas_m2(zones.shapes[-1:])[0]), 1),
        "time": DAY if found.by_day else NIGHT,
        "operator": context.operator,
        "county": found.ground.county,
        "total": total,
        "rings": rings,
        "persons_least": persons.least,
        "persons_most": persons.most,
        "persons_estimated": None if persons.total is None else round(found.people.estimate()),
        "models": len(found.models),
        "devices": len(found.devices.entries),
        "alarms": len(found.alarms),
        "warnings": len(found.warnings),
        "cameras_in_reach": None if found.cameras.lookings is None else len(found.cameras.lookings),
        "cameras_in_view": None if found.cameras.lookings is None else len(sees),
    }


def _counts(found: Material, band: int | None) -> dict[str, Any]:
    """The counts and sums of facilities, and the sizes of networks, in a band or in all of them."""
    counts: dict[str, Any] = {}
    for one in (*found.facilities, found.firms):
        counts[one.kind.layer] = one.count(band)
        for name, _ in one.kind.sums:
            value = one.total(name, band)
            counts[f"{one.kind.layer}_{name}"] = None if value is None else round(value)
    for network in found.networks:
        size = network.total(band)
        counts[f"{network.network.layer}_{network.network.unit}"] = None if size is None else round(size, 1)
    return counts


ANALYSIS: Analysis[PictureParameters] = Analysis(
    id="incident-picture",
    version="1",
    title=Title("事故周边态势", "Picture of an incident"),
    description=Title(
        "事故地点各圈层或划定范围内的人员、学校、医院、单位、危险源、管线道路、建筑模型、设备和摄像机，"
        "及圈外最近的队伍、避难场所和医院。",
        "People, schools, hospitals, firms, hazards, networks, building models, devices and cameras in rings around a "
        "place or in an area, and the nearest teams, shelters and hospitals outside.",
    ),
    parameters=PictureParameters,
    run=picture,
)
