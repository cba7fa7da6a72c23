"""Analyses in a situation report: what was asked, what was answered, in Chinese."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cim.analysis.registry import the_analysis
from cim.errors import CimError
from cim.model.analysis import Title
from cim.model.incidents import Entry
from web.incidents.plain_text import local, plain
from web.reports.content import ReportTable, report_table, summary_facts

MOST_TEXT, MOST_NAME, MOST_ROWS = 300, 80, 60
REPEATED = ("operator", "place")
"""Entries of summaries that a report says elsewhere."""
SHAPES = {"Point": "点", "LineString": "线", "Polygon": "面"}
_CHINESE_PART = re.compile(r"^(.*[\u4e00-\u9fff）])\s+[A-Za-z(].*$")


@dataclass(frozen=True, slots=True)
class Analysed:
    """An analysis as text: its facts, and the tables that were kept of its answer."""

    title: str
    facts: Sequence[tuple[str, str]]
    tables: Sequence[ReportTable]


def analysed(entry: Entry) -> Analysed:
    """An entry of the kind analysis."""
    body, process = entry.body, entry.body["process"]
    facts = [
        ("时间", local(entry.at)),
        ("记录人", entry.author),
    ]
    if entry.text:
        facts.append(("说明", entry.text))
    facts += [(f"输入：{_input_title(process, name)}", _short(value)) for name, value in body.get("inputs", {}).items()]
    summary = body["summary"]
    facts += _summary(body) if isinstance(summary, dict) else [("结论", summary)]
    tables = [_table(one) for one in body.get("tables", ())]
    told = [(plain(name)[:MOST_NAME], plain(text)) for name, text in facts]
    return Analysed(plain(f"分析结果：{analysis_title(process).zh}"), told, tables)


def analysis_title(process: str) -> Title:
    """What an analysis is called; its id where it is not known here."""
    try:
        return the_analysis(process).title
    except CimError:
        return Title(process, process)


def shape_title(geometry: Mapping[str, Any]) -> str:
    """Point, line or area."""
    kind = str(geometry.get("type", "")).removeprefix("Multi")
    return SHAPES.get(kind, kind)


def _input_title(process: str, name: str) -> str:
    """The Chinese part of the title of an input."""
    try:
        field = the_analysis(process).parameters.model_fields.get(name)
    except CimError:
        return name
    title = field.title if field is not None and field.title else name
    chinese = _CHINESE_PART.match(title)
    return chinese.group(1) if chinese else title


def _summary(body: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Plain figures by their names, and what has parts as it is, in the order given; what was asked is not repeated."""
    given = body["summary"]
    names = [name for name in body.get("order", given) if name in given and name not in {*body["inputs"], *REPEATED}]
    facts = summary_facts({name: given[name] for name in names})
    return facts + [(name, _short(given[name])) for name in names if isinstance(given[name], dict)]


def _table(kept: Mapping[str, Any]) -> ReportTable:
    names = [column["name"] for column in kept["columns"]]
    rows = [{name: row.get(name) for name in names} for row in kept["rows"]]
    table = report_table({**kept, "rows": rows}, MOST_ROWS)
    cells = [tuple(plain(cell)[:MOST_TEXT] for cell in row) for row in table.rows]
    heads = tuple(plain(one) for one in table.headings)
    return ReportTable(plain(table.title), heads, cells, table.numeric, plain(table.note))


def _short(value: Any) -> str:
    if isinstance(value, dict) and "type" in value and "coordinates" in value:
        return _geometry(value)
    if value is None:
        return "—"
    text = "、".join(map(str, value)) if isinstance(value, list) else str(value)
    return text if len(text) <= MOST_TEXT else f"{text[:MOST_TEXT]}…"


def _geometry(value: Mapping[str, Any]) -> str:
    match value:
        case {"type": "Point", "coordinates": [int() | float() as lon, int() | float() as lat, *_]}:
            return f"东经 {lon:.6f}°，北纬 {lat:.6f}°"
    return f"{shape_title(value)}图形（见态势图）"
