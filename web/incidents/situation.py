"""What a situation report (快报、续报、终报) says: facts, clock, timeline, tasks, steps, marks, analyses."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from cim.model.incident_clock import clock_of, due_reports
from cim.model.incident_kinds import figure_texts, grade, lists, the_kind
from cim.model.incidents import ENTRY_KINDS, LEVELS, RECEIPTS, STEP_STATES, Entry, Incident, State, Task, Told
from web.incidents.analysed import Analysed, analysed, analysis_title, shape_title
from web.incidents.plain_text import local, plain
from web.reports.content import ReportTable

ReportKind = Literal["first", "follow", "final"]
REPORTS: dict[ReportKind, str] = {"first": "快报", "follow": "续报", "final": "终报"}
DUE_STATES = {"done": "按时", "late": "超时报告", "due": "待报", "overdue": "逾期未报"}
SYMBOLS = {
    "command-post": "指挥部",
    "cordon": "警戒区",
    "evacuation": "疏散",
    "shelter": "安置点",
    "roadblock": "封控点",
    "team": "救援队伍",
    "water": "水域",
}
"""What the usual symbols are called; others are written as they are."""
CHECKED = {"text": "已与原文核对", "reprint": "依据转载文本", "memory": "待与原文核对"}
DRILL_HEADER = "【演练】演练材料，非真实事件　DRILL - NOT A REAL INCIDENT"
_ROMAN = {"I": "Ⅰ级", "II": "Ⅱ级", "III": "Ⅲ级", "IV": "Ⅳ级"}
_MOST_TEXT = 2_000


@dataclass(frozen=True, slots=True)
class Situation:
    """A situation report as text. ``remarks`` say what it does not hold."""

    title: str
    number: str
    drill: bool
    facts: Sequence[tuple[str, str]]
    tables: Sequence[ReportTable]
    analyses: Sequence[Analysed]
    remarks: Sequence[str] = field(default_factory=tuple)


def situation(state: State, kind: ReportKind, made_at: datetime, author: str) -> Situation:
    """The report of an incident at a moment.

    A follow-up holds the timeline since the last report that went out, and says how many entries came before.
    """
    incident = state.incident
    shown, before = _timeline(state.entries, kind)
    remarks = []
    if before:
        remarks.append(f"此前 {before} 条记录见前期报告。")
    if kind == "final" and incident.state == "open":
        remarks.append("事件尚未结束，本报告为结束前编制。")
    return Situation(
        title=plain(f"{incident.title}　{REPORTS[kind]}"),
        number=incident.code,
        drill=incident.drill,
        facts=_facts(incident, made_at, author),
        tables=[table for table in _tables(state, shown, made_at) if table.rows],
        analyses=[analysed(entry) for entry in state.entries if entry.kind == "analysis"],
        remarks=remarks,
    )


def _timeline(entries: Sequence[Entry], kind: ReportKind) -> tuple[Sequence[Entry], int]:
    """The entries to show and how many come before them."""
    if kind != "follow":
        return entries, 0
    last = max((entry.number for entry in entries if entry.kind == "report"), default=0)
    return [entry for entry in entries if entry.number > last], last


def _facts(incident: Incident, made_at: datetime, author: str) -> list[tuple[str, str]]:
    kind = the_kind(incident.kind)
    grading = grade(incident.kind, incident.figures)
    unknown = "、".join(lists().figure[name].zh for name in grading.unknown)
    place = f"{incident.place_text or '—'}（东经 {incident.lon:.6f}°，北纬 {incident.lat:.6f}°，CGCS2000）"
    level = _ROMAN[incident.response_level] if incident.response_level else "未启动"
    facts = [
        ("事件编号", incident.code),
        ("性质", "演练（非真实事件）" if incident.drill else "真实事件"),
        ("事件类别", f"{lists().family[kind.family]['zh']} / {kind.zh}"),
        ("事发地点", place + ("（本县市域外）" if incident.outside else "")),
        ("发生时间", f"{local(incident.occurred_at)}（北京时间）"),
        ("接报时间", local(incident.reported_at)),
        ("报告人", incident.reporter or "—"),
        ("主要数据", "；".join(figure_texts(incident.figures)) or "—"),
        ("事件等级", _ROMAN[incident.grade] if incident.grade else "未定级"),
        ("定级依据", incident.grade_rule),
    ]
    if unknown and incident.grade == grading.grade:
        facts.append(("尚缺数据", f"{unknown}（可能使等级升高）"))
    facts += [
        ("响应级别", level),
        ("当前状态", "处置中" if incident.state == "open" else f"已结束（{local(incident.closed_at)}）"),
        ("编制", f"{author}，{local(made_at)}"),
    ]
    return [(name, plain(text)) for name, text in facts]


def _tables(state: State, shown: Sequence[Entry], now: datetime) -> list[ReportTable]:
    clock = clock_of(state.incident.kind)
    due = [
        (
            f"{'续报' if one.what == 'follow-up' else '报'}{LEVELS[one.to]}",
            "立即" if one.at_once else local(one.due_at),
            local(one.told_at),
            DUE_STATES[one.state],
        )
        for one in due_reports(state.incident, now)
    ]
    timeline = [
        (str(one.number), local(one.at), ENTRY_KINDS.get(one.kind, one.kind), _told(one), one.author) for one in shown
    ]
    tasks = [(str(one.number), one.recipient, one.what, local(one.due_at), _receipts(one)) for one in state.tasks]
    steps = [
        (
            str(one.number),
            local(one.due_at),
            one.role,
            one.what,
            STEP_STATES[one.state],
            "，".join(filter(None, (one.note, one.author, local(one.at) if one.at else ""))),
        )
        for one in state.steps
    ]
    marks = [
        (
            str(one.number),
            SYMBOLS.get(one.symbol, one.symbol),
            one.label or "—",
            shape_title(one.geometry),
            one.author,
            local(one.at),
        )
        for one in state.marks
    ]
    note = f"依据：{clock.source}（{CHECKED[clock.checked]}）"
    return [
        _table("信息报告时限", ("报告", "时限", "实际", "情况"), due, note),
        _table("时间线", ("序号", "时间", "类型", "内容", "记录人"), timeline),
        _table("任务与回执", ("序号", "承办", "任务", "时限", "回执"), tasks),
        _table("预案步骤", ("序号", "应办时间", "角色", "步骤", "状态", "说明"), steps),
        _table("标绘", ("序号", "符号", "标注", "图形", "标绘人", "时间"), marks),
    ]


def _table(title: str, headings: tuple[str, ...], rows: Sequence[tuple[str, ...]], note: str = "") -> ReportTable:
    cut = [tuple(plain(cell)[:_MOST_TEXT] for cell in row) for row in rows]
    return ReportTable(title, headings, cut, (False,) * len(headings), note)


def _told(entry: Entry) -> str:
    """The text of an entry; of a change, what was changed; of a report, to whom it went."""
    parts = [entry.text] if entry.text else []
    if entry.kind == "report":
        told = Told.model_validate({name: entry.body[name] for name in Told.model_fields})
        parts.insert(0, f"报{LEVELS[told.to]}（{REPORTS[told.kind]}，{local(told.at)}）")
    elif entry.kind == "analysis":
        parts.insert(0, analysis_title(entry.body["process"]).zh)
    elif "fields" in entry.body:
        parts += [_difference(one) for one in entry.body["fields"] if one["field"] in _NAMES]
    return "；".join(parts)


_NAMES = {
    "title": "标题",
    "figures": "数据",
    "grade": "等级",
    "response_level": "响应级别",
    "state": "状态",
    "place_text": "地点",
    "kind": "类别",
}


def _difference(one: Mapping[str, Any]) -> str:
    name = _NAMES[one["field"]]
    if one["field"] == "figures":
        return f"{name}：{'、'.join(figure_texts(one['after'])) or '—'}"
    return f"{name}：{one['before'] or '—'} → {one['after'] or '—'}"


def _receipts(task: Task) -> str:
    said = [
        f"{RECEIPTS[one.kind]} {local(one.at)} {one.author}{f'（{one.note}）' if one.note else ''}"
        for one in task.receipts
    ]
    return "\n".join(said) or "尚无回执"
