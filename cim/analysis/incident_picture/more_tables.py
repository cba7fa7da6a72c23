"""The tables of the picture about networks, models, devices, cameras, alarms and the place itself."""

from collections.abc import Iterator, Mapping
from typing import Any

from cim.analysis.context import Context
from cim.analysis.incident_picture.ground import LAND, PLAN
from cim.analysis.incident_picture.material import Material
from cim.analysis.incident_picture.networks import Measured
from cim.analysis.incident_picture.sensing import MOST_SHOWN
from cim.analysis.incident_picture.tables import (
    BEARING,
    DISTANCE,
    RING,
    band_columns,
    band_name,
    compass,
    rounded,
    with_total,
)
from cim.analysis.visibility.places import STATE_NAMES
from cim.analysis.visibility.view import seeable
from cim.model.analysis import Column, Table, Title
from cim.model.sensing import BEIJING

MOST_GROUPS, MOST_STREAMS = 60, 4
_STATES = {"online": "在线", "offline": "离线", "none": "无数据流"}
_COLOURS = {"red": "红", "orange": "橙", "yellow": "黄", "blue": "蓝"}
_ALARM_STATES = {"raised": "未确认", "acknowledged": "已确认"}


def place_table(found: Material) -> Table:
    """The place: coordinates, county, land and plan there."""
    zones, ground = found.zones, found.ground
    land, plan = ground.at[LAND], ground.at[PLAN]
    rows = [
        ("经度、纬度（CGCS2000）", f"{zones.lon:.6f}, {zones.lat:.6f}"),
        ("范围", f"半径 {'、'.join(f'{radius:g}' for radius in zones.radii_m)} 米" if zones.radii_m else "划定的范围"),
        ("县（市）", ground.county or "不在县域数据内或无法判断"),
        ("该处土地利用现状", " ".join(str(value) for value in land.values() if value) or "没有数据或无权查看"),
        ("该处规划用途", " ".join(str(value) for value in plan.values() if value) or "没有规划地块或无权查看"),
    ]
    columns = (Column("what", Title("项目", "What")), Column("value", Title("内容", "Value")))
    return Table("place", Title("地点", "Place"), columns, rows)


def network_tables(found: Material, context: Context) -> Iterator[Table]:
    """A table for each network that is there: groups by band."""
    for one in found.networks:
        if one.known:
            yield _network(found, one, context)


def _network(found: Material, one: Measured, context: Context) -> Table:
    layer, zones = one.network.layer, found.zones
    titles = context.field_titles.get(layer, {})
    groups = one.groups()
    rows = [
        (
            *(context.shown(layer, name, value) for name, value in zip(one.network.by, values, strict=True)),
            count,
            *with_total(zones, rounded(inside)),
        )
        for values, inside, count in groups[:MOST_GROUPS]
    ]
    columns = (
        *(Column(name, Title(titles.get(name, name), name)) for name in one.network.by),
        Column("count", Title("段数" if one.network.unit == "m" else "处数", "Features"), "count"),
        *band_columns(zones, "number", one.network.unit, 1),
    )
    left_out = len(groups) - len(rows)
    note = f"另有 {left_out} 组未列" if left_out else ("" if rows else "范围内没有")
    return Table(layer, one.network.title, columns, rows, note)


def models_table(found: Material) -> Table:
    """The storeys of the building models inside, with elements and spaces."""
    columns = (
        RING,
        Column("model", Title("模型", "Model")),
        Column("building", Title("建筑统一编码", "Building code")),
        Column("storey", Title("楼层", "Storey")),
        Column("elevation_m", Title("标高", "Elevation"), "number", "m", 2),
        Column("elements", Title("构件数", "Elements"), "count"),
        Column("spaces", Title("空间数", "Spaces"), "count"),
        DISTANCE,
    )
    rows: list[tuple[Any, ...]] = []
    for one in found.models:
        name, ring, away = one.row.name or one.row.id, band_name(found.zones, one.band), round(one.distance_m)
        if not one.storeys:
            rows.append((ring, name, one.row.building_code, "没有楼层或未列", None, None, None, away))
        for storey in one.storeys or ():
            title = storey["long_name"] or storey["name"] or storey["global_id"]
            spaces = one.spaces.get(storey["global_id"], 0)
            numbers = (storey["elevation_m"], storey["elements"], spaces, away)
            rows.append((ring, name, one.row.building_code, title, *numbers))
    return Table("models", Title("建筑信息模型（BIM）楼层", "Building models"), columns, rows)


def devices_table(found: Material) -> Table:
    """Devices with state and newest values, nearest first."""
    columns = (
        RING,
        Column("code", Title("设备编码", "Code")),
        Column("name", Title("名称", "Name")),
        Column("state", Title("状态", "State")),
        Column("values", Title("最新值", "Newest values")),
        Column("at", Title("最新时间", "At")),
        DISTANCE,
        BEARING,
    )
    held = found.devices
    rows = []
    for index, one in enumerate(held.entries[:MOST_SHOWN]):
        streams = held.streams.get(one.thing or -1, [])
        told = "；".join(_value(row) for row in streams[:MOST_STREAMS] if row["at"] is not None)
        rows.append(
            (
                band_name(found.zones, int(held.placed.band[index])),
                one.code,
                one.name,
                _STATES.get(str(one.state), str(one.state)),
                told or None,
                _moment(one.newest_at),
                round(float(held.placed.distance_m[index])),
                compass(float(held.placed.bearing_deg[index])),
            )
        )
    return Table("devices", Title("物联设备", "Devices"), columns, rows)


def _value(row: Mapping[str, Any]) -> str:
    unit = (row["unit"] or {}).get("symbol") or ""
    value = row["value"]
    shown = f"{value:g}" if isinstance(value, int | float) and not isinstance(value, bool) else str(value)[:40]
    return f"{row['property_name']} {shown} {unit}".strip()


def _moment(at: Any) -> str | None:
    return None if at is None else f"{at.astimezone(BEIJING):%Y-%m-%d %H:%M}"


def cameras_table(found: Material) -> Table:
    """Cameras within whose reach the place is, those that see it first."""
    columns = (
        Column("gb_code", Title("国标编码", "GB/T 28181 code")),
        Column("name", Title("名称", "Name")),
        Column("in_view", Title("能否看到该处", "In view")),
        Column("status", Title("状态", "Status")),
        DISTANCE,
        Column("from", Title("相机看向该处的方位", "Bearing from the camera")),
        Column("remark", Title("说明", "Remark")),
    )
    rows = []
    for one in found.cameras.lookings or ():
        state = one.states[0] if one.states else None
        remark = seeable(one.camera) or (state.name if state else "")
        facts = (one.camera.code, one.camera.name, STATE_NAMES[one.first], one.camera.status_name)
        rows.append((*facts, round(one.distance_m), compass(one.bearing_deg), remark))
    more = found.cameras.left_out
    note = "；".join([*found.cameras.notes, *([f"另有 {more} 台较远的未计算"] if more else [])])
    return Table("cameras", Title("能看到该处的摄像机", "Cameras"), columns, rows, note)


def alarms_table(found: Material) -> Table:
    """Open alarms inside, nearest first."""
    columns = (
        RING,
        Column("code", Title("编号", "Code")),
        Column("title", Title("报警", "Alarm")),
        Column("severity", Title("级别", "Severity")),
        Column("state", Title("状态", "State")),
        Column("raised_at", Title("发生时间", "Raised at")),
        DISTANCE,
    )
    rows = [
        (
            band_name(found.zones, band),
            one.code,
            one.title,
            _COLOURS.get(str(one.severity), str(one.severity)),
            _ALARM_STATES.get(str(one.state), str(one.state)),
            _moment(one.raised_at),
            round(distance_m),
        )
        for one, band, distance_m in found.alarms
    ]
    return Table(
        "alarms", Title("未解除的报警", "Open alarms"), columns, rows, "" if rows else "范围内没有您可查看的未解除报警"
    )


def warnings_table(found: Material) -> Table:
    """Warnings in force over the zones, the innermost first."""
    columns = (
        RING,
        Column("colour", Title("颜色", "Colour")),
        Column("title", Title("预警", "Warning")),
        Column("effective", Title("生效时间", "Effective")),
        Column("expires", Title("失效时间", "Expires")),
        Column("code", Title("编号", "Code")),
    )
    rows = [
        (
            band_name(found.zones, band),
            _COLOURS.get(str(one.colour), "") if one.colour else "",
            one.title or one.event,
            _moment(one.effective),
            _moment(one.expires) if one.expires else "",
            one.code,
        )
        for one, band in found.warnings
    ]
    note = "" if rows else "范围内没有您可查看的生效预警"
    return Table("warnings", Title("生效预警", "Warnings in force"), columns, rows, note)
