"""The tables of the picture about people and facilities, each row with its band, distance and bearing."""

import math
from collections.abc import Iterator, Sequence
from typing import Any

from cim.analysis.context import Context
from cim.analysis.incident_picture.facilities import Found
from cim.analysis.incident_picture.figures import Figure
from cim.analysis.incident_picture.material import Material
from cim.analysis.incident_picture.zones import Zones
from cim.analysis.overlay import Floats
from cim.model.analysis import Column, Table, Title

OUTSIDE = "范围外最近"
MOST_FIRMS, MOST_VILLAGES = 50, 100
_POINTS = ("北", "东北", "东", "东南", "南", "西南", "西", "西北")
DISTANCE = Column("distance_m", Title("距离", "Distance"), "number", "m", 0)
BEARING = Column("bearing", Title("方位", "Bearing"))
RING = Column("ring", Title("圈层", "Ring"))


def compass(bearing_deg: float) -> str:
    """A bearing as people say it: the point of the compass and the degrees."""
    return f"{_POINTS[round(bearing_deg / 45) % 8]} {round(bearing_deg) % 360}°"


def band_name(zones: Zones, band: int) -> str:
    """What a band is called; past the last one a place is outside."""
    return zones.names[band] if band < len(zones.shapes) else OUTSIDE


def band_columns(zones: Zones, kind: str = "count", unit: str = "", digits: int = 0) -> list[Column]:
    """A column for each band, and for all of them."""
    of: Any = kind
    names = [*zones.names, "合计"] if len(zones.shapes) > 1 else ["范围内"]
    return [Column(f"ring_{number}", Title(name, name), of, unit, digits) for number, name in enumerate(names, 1)]


def with_total(zones: Zones, values: Sequence[Any]) -> tuple[Any, ...]:
    """The values of the bands, and their total; None where one is not known."""
    if len(zones.shapes) == 1:
        return tuple(values)
    return (*values, None if any(value is None for value in values) else sum(values))


def people_table(found: Material, figures: Sequence[Figure]) -> Table:
    """Who is in each band."""
    columns = (
        Column("figure", Title("指标", "Figure")),
        *band_columns(found.zones),
        Column("least", Title("可能最少", "At least"), "count"),
        Column("most", Title("可能最多", "At most"), "count"),
    )
    rows = [
        (one.title.zh, *one.bands, *([one.total] if len(one.bands) > 1 else []), one.least, one.most) for one in figures
    ]
    time = "白天" if found.by_day else "夜间"
    return Table("people", Title(f"人员（{time}）", "People"), columns, rows, "每圈为圈间部分，不含内圈；“—”为不可知")


def villages_table(found: Material) -> Table:
    """The villages inside, with the residents that are inside."""
    persons = found.people.by_village() if "persons" in found.people.visible else None
    columns = (
        Column("town", Title("镇（街道）", "Town")),
        Column("village", Title("村（社区）", "Village")),
        Column("code", Title("代码", "Code")),
        Column("inside_ha", Title("范围内面积", "Area inside"), "number", "ha", 1),
        Column("persons", Title("范围内实有人口", "Residents inside"), "count"),
    )
    rows = [
        (one.town, one.name, one.code, round(one.inside_m2 / 1e4, 1), _persons(persons, one.code))
        for one in found.ground.villages[:MOST_VILLAGES]
    ]
    left_out = len(found.ground.villages) - len(rows)
    note = "人口按建筑所记的村计" + (f"；另有 {left_out} 个村未列" if left_out else "")
    return Table("villages", Title("涉及的镇村", "Towns and villages"), columns, rows, note)


def _persons(persons: dict[str, float] | None, code: str) -> int | None:
    return None if persons is None else round(persons.get(code, 0.0))


def facilities_table(found: Material) -> Table:
    """How many facilities of each kind lie in each band, and the sums of what they have."""
    columns = (Column("kind", Title("类别", "Kind")), *band_columns(found.zones))
    bands = range(len(found.zones.shapes))
    rows: list[tuple[Any, ...]] = []
    for one in (*found.facilities, found.firms):
        rows.append((f"{one.kind.title.zh}（处）", *with_total(found.zones, [one.count(band) for band in bands])))
        for name, title in one.kind.sums:
            sums = [_whole(one.total(name, band)) for band in bands]
            rows.append((f"　{title.zh}", *with_total(found.zones, sums)))
    return Table(
        "facilities", Title("设施与队伍", "Facilities and teams"), columns, rows, "“—”为图层缺少、为空或无权查看"
    )


def _whole(value: float | None) -> int | None:
    return None if value is None else round(value)


def facility_tables(found: Material, context: Context) -> Iterator[Table]:
    """A table for each kind that has something to list, nearest first."""
    for one in found.facilities:
        if len(one.features.keys):
            yield _listed(found.zones, one, context)
    if len(found.firms.features.keys):
        yield _industries(found, context)
        yield _listed(found.zones, found.firms, context, MOST_FIRMS)


def _listed(zones: Zones, one: Found, context: Context, most: int | None = None) -> Table:
    layer, titles = one.kind.layer, context.field_titles.get(one.kind.layer, {})
    fields = [name for name in one.kind.fields if name != "building_code"]
    shown = [Column(name, Title(titles.get(name, name), name)) for name in fields]
    rows = [
        (
            band_name(zones, int(one.placed.band[index])),
            *(_shown(context, layer, name, one.features.columns[name][index]) for name in fields),
            round(float(one.placed.distance_m[index])),
            compass(float(one.placed.bearing_deg[index])),
        )
        for index in range(len(one.features.keys))[:most]
    ]
    left_out = len(one.features.keys) - len(rows)
    note = f"另有 {left_out} 处未列" if left_out else ""
    title = Title(f"{one.kind.title.zh}名录", one.kind.title.en)
    return Table(layer, title, (RING, *shown, DISTANCE, BEARING), rows, note)


def _shown(context: Context, layer: str, name: str, value: Any) -> Any:
    if name == "emergency" and value is not None:
        return "有" if value else "无"
    return context.shown(layer, name, value)


def _industries(found: Material, context: Context) -> Table:
    """Employees by industry and band."""
    firms, zones = found.firms, found.zones
    groups: dict[str, list[int]] = {}
    for index, code in enumerate(firms.features.columns["industry"]):
        groups.setdefault(str(context.shown("organisations", "industry", code) or "未注明"), []).append(index)
    employees, visible = firms.numbers("employees"), "employees" in firms.visible
    rows: list[tuple[Any, ...]] = []
    for name, members in sorted(groups.items()):
        sums: list[float | None] = []
        for band in range(len(zones.shapes)):
            some = [employees[index] for index in members if firms.placed.band[index] == band]
            sums.append(round(sum(value for value in some if not math.isnan(value))) if visible else None)
        rows.append((name, len(members), *with_total(zones, sums)))
    columns = (
        Column("industry", Title("行业", "Industry")),
        Column("firms", Title("单位数", "Firms"), "count"),
        *band_columns(zones),
    )
    return Table("industries", Title("单位从业人员（按行业）", "Employees by industry"), columns, rows)


def rounded(values: Floats, digits: int = 1) -> list[float]:
    """Numbers with so many decimals."""
    return [round(float(value), digits) for value in values]
