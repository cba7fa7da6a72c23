"""Statistics as JSON, as CSV for programs and as a workbook for people."""

import csv
import io
import math
from collections.abc import Mapping, Sequence
from typing import Any

from cim.model.city import RegionLevel
from cim.policy.policy import Decision
from cim.store.statistics import ByCell, ByField, ByRegion, Group, Grouping
from importers.spreadsheets import Sheet, write_workbook
from layers.catalog import Catalog
from web.statistics import Asked

_LEVELS = {
    RegionLevel.COUNTY: {"zh": "县级行政区", "en": "County"},
    RegionLevel.TOWN: {"zh": "乡镇街道", "en": "Town"},
    RegionLevel.VILLAGE: {"zh": "村（社区）", "en": "Village"},
    RegionLevel.GRID: {"zh": "网格", "en": "Grid"},
}
_FIGURES = {"sum": "合计 sum", "mean": "平均 mean", "min": "最小 min", "max": "最大 max"}
Names = Mapping[int, Mapping[str, Any]]
"""For each grouping whose values have names: the name in both languages by value."""


def statistics_document(
    decision: Decision, catalog: Catalog, asked: Asked, version: int, groups: Sequence[Group], names: Names
) -> dict[str, Any]:
    """The JSON answer: how it was grouped, and each group with its values, their names, count and figures."""
    return {
        "layer": decision.collection.id,
        "version": version,
        "count": sum(group.count for group in groups),
        "group_by": [_grouping(one, decision, catalog) for one in asked.groupings],
        "figures": _figures(asked, decision, catalog),
        "groups": [
            {
                "values": [_plain(value) for value in group.values],
                "names": [names.get(place, {}).get(str(value)) for place, value in enumerate(group.values)],
                "count": group.count,
            }
            | dict(zip(_figure_names(asked), _figure_values(asked, group), strict=True))
            for group in groups
        ],
    }


def statistics_csv(asked: Asked, groups: Sequence[Group], names: Names) -> bytes:
    """A line for each group, with names of fields as header and a mark for table programs."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow([*_key_columns(asked, names), "count", *_figure_names(asked)])
    writer.writerows(_rows(asked, groups, names))
    return text.getvalue().encode("utf-8-sig")


def statistics_workbook(document: Mapping[str, Any], asked: Asked, groups: Sequence[Group], names: Names) -> bytes:
    """The same as a workbook, with titles as header."""
    header: list[str] = []
    for place, (grouping, told) in enumerate(zip(asked.groupings, document["group_by"], strict=True)):
        title = told["title"]["zh"]
        if isinstance(grouping, ByCell):
            header += [f"{title} x（{told['unit']}）", f"{title} y（{told['unit']}）"]
        else:
            header += [title, f"{title}（名称）"] if place in names else [title]
    header.append("数量")
    header += [one["title"]["zh"] + (f"（{one['unit']}）" if one["unit"] else "") for one in document["figures"]]
    content = io.BytesIO()
    rows = _rows(asked, groups, names)
    origin = [("图层 layer", document["layer"]), ("版本 version", document["version"]), ("要素数", document["count"])]
    origin += [("网格坐标系 grid CRS", f"EPSG:{one.srid}") for one in asked.groupings if isinstance(one, ByCell)]
    write_workbook(content, [Sheet("统计", header, rows, [18] * len(header)), Sheet("来源", ("项目", "内容"), origin)])
    return content.getvalue()


def _grouping(grouping: Grouping, decision: Decision, catalog: Catalog) -> dict[str, Any]:
    match grouping:
        case ByField(field):
            title, unit = _field_text(field, decision, catalog)
            return {"kind": "field", "field": field, "title": title, "unit": unit}
        case ByRegion(level):
            return {"kind": "region", "level": str(level), "title": _LEVELS[level], "unit": ""}
        case ByCell(srid, size):
            title = {"zh": "网格西南角", "en": "South-west corner of the cell"}
            unit = "°" if srid == 4490 else "m"
            return {"kind": "grid", "crs": f"EPSG:{srid}", "size": size, "title": title, "unit": unit}


def _field_text(name: str, decision: Decision, catalog: Catalog) -> tuple[dict[str, str], str]:
    definition = catalog.layers.get(decision.collection.id)
    for field in definition.fields if definition else ():
        if field.name == name:
            return field.title.model_dump(), field.unit
    return {"zh": name, "en": name}, ""


def _figures(asked: Asked, decision: Decision, catalog: Catalog) -> list[dict[str, Any]]:
    found = []
    for name, figure in zip(_figure_names(asked), asked.figures, strict=True):
        title, unit = _field_text(figure.field, decision, catalog)
        zh, _, en = _FIGURES[figure.kind].partition(" ")
        told = {"zh": f"{title['zh']}{zh}", "en": f"{title['en']}, {en}"}
        found.append(
            {
                "name": name,
                "kind": figure.kind,
                "field": figure.field,
                "title": told,
                "unit": "m²" if name == "area_m2" else unit,
            }
        )
    return found


def _figure_names(asked: Asked) -> list[str]:
    names = [f"{figure.kind}_{figure.field}" for figure in asked.figures]
    return names if asked.area_field is None else [*names[:-1], "area_m2"]


def _figure_values(asked: Asked, group: Group) -> list[Any]:
    values = [_plain(value) for value in group.figures]
    if asked.area_field is not None and values[-1] is not None:
        values[-1] *= asked.area_factor
    return values


def _key_columns(asked: Asked, names: Names) -> list[str]:
    found: list[str] = []
    for place, grouping in enumerate(asked.groupings):
        match grouping:
            case ByField(field):
                name = field
            case ByRegion(level):
                name = f"region_{level}"
            case ByCell():
                found += ["grid_x", "grid_y"]
                continue
        found += [name, f"{name}_name"] if place in names else [name]
    return found


def _rows(asked: Asked, groups: Sequence[Group], names: Names) -> list[list[Any]]:
    return [[*_key_cells(asked, group, names), group.count, *_figure_values(asked, group)] for group in groups]


def _key_cells(asked: Asked, group: Group, names: Names) -> list[Any]:
    cells: list[Any] = []
    for place, (grouping, value) in enumerate(zip(asked.groupings, group.values, strict=True)):
        if isinstance(grouping, ByCell):
            cells += value or (None, None)
            continue
        cells.append(_plain(value))
        if place in names:
            told = names[place].get(str(value))
            cells.append(told["zh"] if told else None)
    return cells


def _plain(value: Any) -> Any:
    """A value as JSON and tables hold it; what is no finite number is none."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, tuple):
        return [round(part, 7) for part in value]
    return value.isoformat() if hasattr(value, "isoformat") else value
