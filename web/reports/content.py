"""What a report says, whatever its form: facts, findings, tables, editions, the statement. Chinese."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from cim.model.analysis import VERDICT_NAMES, Verdict
from cim.model.analysis_words import in_chinese

BEIJING = ZoneInfo("Asia/Shanghai")
WIDE_COLUMNS = 7
MOST_ROWS = 500
"""Of a table in a document; the workbook and the package have them all."""
NARROWEST, LONGEST, PADDING = 5, 40, 3
"""The widths of columns, in digits."""
_FACTS = (
    ("project", "项目名称"),
    ("project_code", "项目代码"),
    ("applicant", "申请单位"),
    ("on", "审查日期"),
    ("operator", "操作人"),
)


_SAID = frozenset({*(name for name, _ in _FACTS), "area_m2", "red_line", "closure"})


@dataclass(frozen=True, slots=True)
class ReportTable:
    """A table as text: headings with units, cells, which columns are numbers, and what was left out."""

    title: str
    headings: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]
    numeric: tuple[bool, ...]
    note: str = ""

    def widths(self) -> list[float]:
        """The share of the page's width that each column needs, by its longest texts; they sum to 1."""
        columns = [
            [_half_breakable(head), *(text_width(row[place]) for row in self.rows)]
            for place, head in enumerate(self.headings)
        ]
        wanted = [min(LONGEST, max(NARROWEST, *column)) + PADDING for column in columns]
        return [width / sum(wanted) for width in wanted]

    @property
    def wide(self) -> bool:
        """Whether it needs a page on its side."""
        return len(self.headings) > WIDE_COLUMNS


@dataclass(frozen=True, slots=True)
class ReportFinding:
    """A finding as text."""

    verdict: Verdict
    title: str
    measured: str
    limit: str
    message: str
    clause: str
    edition: str


@dataclass(frozen=True, slots=True)
class ReportContent:
    """A whole report. ``picture`` is a map as PNG where there is one."""

    title: str
    verdict: Verdict | None
    facts: Sequence[tuple[str, str]]
    findings: Sequence[ReportFinding]
    tables: Sequence[ReportTable]
    editions: ReportTable
    rules: Sequence[tuple[str, str]]
    statement: str
    picture: bytes | None = None

    @property
    def findings_title(self) -> str:
        """What the findings stand under: a review concludes, other analyses tell what must be known of them."""
        return "审查结论" if self.verdict is not None else "提示与说明"

    @property
    def findings_headings(self) -> tuple[str, ...]:
        """What the columns of the findings are called; the last has clause and edition, in a workbook apart."""
        return ("审查项" if self.verdict is not None else "事项", "结论", "实测", "限值", "说明", "条款与数据版本")


def report_content(
    document: Mapping[str, Any],
    title: str,
    made_at: datetime,
    picture: bytes | None = None,
    most: int | None = MOST_ROWS,
) -> ReportContent:
    """A report from the JSON of an answer; tables are cut after ``most`` rows, and say so."""
    summary = document["summary"]
    verdict = Verdict(summary["verdict"]) if summary.get("verdict") in set(Verdict) else None
    return ReportContent(
        title=title,
        verdict=verdict,
        facts=_facts(summary, made_at),
        findings=[_finding(entry) for entry in document["findings"]],
        tables=[report_table(entry, most) for entry in document["tables"]],
        editions=_editions(document["sources"]),
        rules=_rules(document["rules"]),
        statement=document["statement"],
        picture=picture,
    )


def _facts(summary: Mapping[str, Any], made_at: datetime) -> list[tuple[str, str]]:
    facts = [(label, str(summary[name])) for name, label in _FACTS if summary.get(name)]
    if "area_m2" in summary:
        area = float(summary["area_m2"])
        facts.append(("红线面积", f"{area:,.2f} 平方米（{area / 1e4:.4f} 公顷，{area * 3 / 2000:.4f} 亩）"))
    line = summary.get("red_line") or {}
    if line:
        facts.append(("红线坐标系", f"{line['crs']}（{line['evidence']}）"))
        facts.append(("红线校验值", str(line["sha256"])))
        facts += [("红线说明", str(note)) for note in line.get("notes", ())]
    closure = summary.get("closure") or {}
    if closure:
        text = f"各部分之和 {closure['parts_m2']:,.2f} 平方米，按交点加密的整体 {closure['noded_m2']:,.2f} 平方米，"
        facts.append(("面积闭合", f"{text}空缺 {closure['gap_m2']:.2f}、重叠 {closure['overlap_m2']:.2f} 平方米"))
    if "verdict" not in summary:
        facts += summary_facts({name: value for name, value in summary.items() if name not in _SAID})
    facts.append(("生成时间", f"{made_at.astimezone(BEIJING):%Y-%m-%d %H:%M:%S}（北京时间）"))
    return facts


def summary_facts(summary: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The plain figures and words of a summary under their Chinese names; what has parts of its own is in tables."""
    facts = []
    for name, value in summary.items():
        title, told = in_chinese(name, value)
        if isinstance(told, list) and told and all(isinstance(one, int | float) for one in told):
            facts.append((title, "、".join(_plain(one) for one in told)))
        elif told is None or (isinstance(told, str | int | float) and told != ""):
            facts.append((title, _plain(told)))
    return facts


def _plain(value: str | float | None) -> str:
    if value is None:
        return "—"
    if isinstance(value, bool):
        return "是" if value else "否"
    return value if isinstance(value, str) else f"{value:,}"


def _finding(entry: Mapping[str, Any]) -> ReportFinding:
    unit = {"m2": " 平方米", "m": " 米", "share": ""}.get(entry["unit"], f" {entry['unit']}" if entry["unit"] else "")

    def value(given: Any) -> str:
        if given is None:
            return "—"
        if entry["unit"] == "share" and isinstance(given, int | float):
            return f"{given * 100:.2f} %"
        return f"{given:,.2f}{unit}" if isinstance(given, float) else f"{given}{unit if isinstance(given, int) else ''}"

    return ReportFinding(
        Verdict(entry["verdict"]),
        entry["title"]["zh"],
        value(entry["measured"]),
        value(entry["limit"]),
        entry["message"],
        entry["clause"],
        entry["edition"] or "",
    )


def report_table(entry: Mapping[str, Any], most: int | None) -> ReportTable:
    """A table of an answer as text, cut after ``most`` rows."""
    columns = entry["columns"]
    rows = entry["rows"] if most is None else entry["rows"][:most]
    left_out = len(entry["rows"]) - len(rows)
    more = f"另有 {left_out} 行见电子表格。" if left_out else ""
    return ReportTable(
        entry["title"]["zh"],
        tuple(_heading(column) for column in columns),
        [tuple(cell(row[column["name"]], column) for column in columns) for row in rows],
        tuple(column["kind"] != "text" for column in columns),
        f"{entry.get('note', '')}{more}",
    )


def _heading(column: Mapping[str, Any]) -> str:
    unit = {"m2": "平方米", "ha": "公顷"}.get(column["unit"], column["unit"])
    return f"{column['title']['zh']}（{unit}）" if unit else str(column["title"]["zh"])


def cell(value: Any, column: Mapping[str, Any]) -> str:
    """A value of a column as text; numbers with the column's decimals."""
    if value is None:
        return "—"
    if column["kind"] == "number" and isinstance(value, int | float):
        return f"{value:,.{column.get('digits', 2)}f}"
    return str(value)


def _editions(sources: Sequence[Mapping[str, Any]]) -> ReportTable:
    rows = []
    for source in sources:
        version = "—" if source["version"] is None else f"第{source['version']}版"
        day = str(source["published_at"] or "")[:10]
        rows.append((source["title"], source["layer"], version, day, source["note"]))
    headings = ("数据", "图层", "版本", "入库日期", "说明")
    return ReportTable("数据版本", headings, rows, (False,) * 5)


def _rules(rules: Mapping[str, Any]) -> list[tuple[str, str]]:
    if not rules:
        return []
    number = "出厂版" if rules.get("number") == 0 else f"第{rules.get('number')}版"
    return [
        ("规则", f"{rules.get('name')}，{rules.get('edition')}（{number}）"),
        ("规则校验值", str(rules.get("sha256"))),
        ("条款来源", str(rules.get("source", ""))),
    ]


def text_width(text: str) -> int:
    """How wide a text is, in digits; Chinese letters are two."""
    return max((sum(2 if ord(letter) > 0x2E80 else 1 for letter in line) for line in text.splitlines()), default=0)


def _half_breakable(heading: str) -> int:
    """A heading may stand in two lines."""
    return text_width(heading) // 2 + 1


def verdict_text(verdict: Verdict) -> str:
    """The word for a verdict."""
    return VERDICT_NAMES[verdict]
