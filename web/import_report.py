"""The report of an import for people: one HTML page that prints, and one workbook, Chinese first."""

import io
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

Row = Sequence[object]
STATUS = {
    "published": "已发布 published",
    "unchanged": "无变化 unchanged",
    "partial": "部分入库 partly loaded",
    "refused": "已拒绝 refused",
    "running": "进行中 running",
}
ACTIONS = {
    "refuse": "拒绝 refuse",
    "repair": "修复 repair",
    "quarantine": "隔离 quarantine",
    "warn": "警告 warn",
}
CHECKS = {
    "codes": "代码值 codes",
    "code-name": "代码与名称一致 code and name",
    "range": "值域 range",
    "pattern": "格式 pattern",
    "unique": "唯一性 unique",
    "declared-area": "面积一致 declared area",
    "duplicates": "重复图形 duplicates",
    "slivers": "碎面 slivers",
    "overlaps": "重叠 overlaps",
    "gaps": "缝隙 gaps",
    "inside": "范围 inside",
    "completeness": "完整性 completeness",
}
STYLE = """
body{font:14px/1.5 "Noto Sans CJK SC","Microsoft YaHei",sans-serif;margin:2rem auto;max-width:60rem;color:#1d2733}
h1{font-size:1.4rem;margin:0 0 .5rem}h2{font-size:1.05rem;margin:1.6rem 0 .4rem}
table{border-collapse:collapse;width:100%}th,td{border:1px solid #c5ced8;padding:.25rem .5rem;text-align:left;
vertical-align:top}th{background:#eef2f6;font-weight:600}td.n{text-align:right;font-variant-numeric:tabular-nums}
tr.bad td{background:#fdecea}.more{color:#5b6773}
"""


def report_html(run: Mapping[str, Any], faults: Sequence[Mapping[str, Any]], limit: int = 500) -> str:
    """A whole page; at most ``limit`` faults and rows of each kind are listed, and it says how many there are."""
    title = f"{escape(str(run['layer']))} 入库质检报告 import report {run['id']}"
    parts = [
        f"<!doctype html><html lang=zh><meta charset=utf-8><title>{title}</title><style>{STYLE}</style>",
        f"<h1>{title}</h1>",
        _table((), _summary(run)),
        "<h2>质检项 Checks</h2>",
        _table(("检查 check", "处置 action", "检查数 examined", "问题数 faults", "说明 note"), _checks(run), bad=3),
        "<h2>问题 Faults</h2>",
        _listed(("序号", "检查 check", "行 row", "说明 message"), [_fault(fault) for fault in faults], limit),
        "<h2>未入库的行 Rows set aside</h2>",
        _listed(("行 row", "原因 reason"), run["rejected"], limit),
        "<h2>已修复 Repairs</h2>",
        _listed(("行 row", "修复 repair"), run["repaired"], limit),
        "<h2>其他发现 Findings</h2>",
        _table(
            ("代码 code", "数量 count", "说明 message"),
            [(f["code"], f["count"], f["message"]) for f in run["findings"]],
        ),
        "<h2>来源 Lineage</h2>",
        _table((), _lineage(run)),
    ]
    return "\n".join(parts)


def report_workbook(run: Mapping[str, Any], faults: Sequence[Mapping[str, Any]]) -> bytes:
    """An .xlsx with a sheet each for summary, checks, faults, rows set aside, repairs and lineage."""
    import openpyxl  # noqa: PLC0415 - for workbooks only

    book = openpyxl.Workbook(write_only=True)
    sheets: tuple[tuple[str, Row, Iterable[Row]], ...] = (
        ("概要", ("项目", "内容"), _summary(run)),
        ("质检项", ("检查", "处置", "检查数", "问题数", "说明"), _checks(run)),
        ("问题", ("序号", "检查", "行", "说明"), (_fault(fault) for fault in faults)),
        ("未入库", ("行", "原因"), run["rejected"]),
        ("修复", ("行", "修复"), run["repaired"]),
        ("来源", ("项目", "内容"), _lineage(run)),
    )
    for title, header, rows in sheets:
        sheet = book.create_sheet(title)
        sheet.append(list(header))
        for row in rows:
            sheet.append([_plain(value) for value in row])
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()


def _summary(run: Mapping[str, Any]) -> list[Row]:
    loaded = f"读取 {run['read']} · 入库 {run['loaded']} · 未入库 {len(run['rejected'])} · 跳过 {run['skipped']}"
    return [
        ("图层 layer", run["layer"]),
        ("结果 result", STATUS.get(str(run["status"]), run["status"])),
        ("版本 version", str(run["version"] or "-")),
        ("数据文件 source", f"{run['source_name']} ({run['source_layer']})"),
        ("数量 rows", loaded),
        ("说明 message", run["message"]),
        ("操作人 by", run["author"]),
        ("时间 at", f"{run['started_at']:%Y-%m-%d %H:%M:%S}"),
    ]


def _checks(run: Mapping[str, Any]) -> list[Row]:
    return [
        (_check_name(c["rule"]), ACTIONS.get(c["action"], c["action"]), c["examined"], c["count"], c["note"])
        for c in run["checks"]
    ]


def _findings(run: Mapping[str, Any]) -> list[Row]:
    return [(finding["code"], finding["count"], finding["message"]) for finding in run["findings"]]


def _check_name(rule: str) -> str:
    check, _, field = rule.partition(" ")
    return f"{CHECKS.get(check, check)} {field}".rstrip()


def _fault(fault: Mapping[str, Any]) -> Row:
    return (fault["number"], _check_name(fault["rule"]), fault["row"] or "-", fault["message"])


def _lineage(run: Mapping[str, Any]) -> list[Row]:
    known = run["lineage"]
    entries: list[Row] = [("SHA-256", run["source_sha256"]), ("格式 driver", run["driver"]), ("方式 mode", run["mode"])]
    names = {"crs_in": "原坐标系 CRS in", "crs_evidence": "依据 evidence", "crs_out": "入库坐标系 CRS out",
             "operation": "变换 operation", "accuracy_m": "精度 accuracy (m)", "encoding": "编码 encoding"}  # fmt: skip
    entries += [(title, known[key]) for key, title in names.items() if known.get(key) is not None]
    entries += [(f"工具 {name}", version) for name, version in known.get("tools", {}).items()]
    return entries


def _listed(header: Row, rows: Sequence[Row], limit: int) -> str:
    if not rows:
        return "<p class=more>无 none</p>"
    more = f"<p class=more>共 {len(rows)} 条，列出前 {limit} 条 first {limit} of {len(rows)}</p>"
    return _table(header, rows[:limit]) + (more if len(rows) > limit else "")


def _table(header: Row, rows: Iterable[Row], bad: int | None = None) -> str:
    """``bad`` is the column whose numbers above zero mark their row."""
    head = "".join(f"<th>{escape(str(name))}</th>" for name in header)
    lines = []
    for row in rows:
        cells = "".join(
            f"<td class=n>{value}</td>" if isinstance(value, int | float) else f"<td>{escape(str(value))}</td>"
            for value in row
        )
        count = row[bad] if bad is not None else 0
        marked = isinstance(count, int) and count > 0
        lines.append(f"<tr class=bad>{cells}</tr>" if marked else f"<tr>{cells}</tr>")
    return f"<table>{f'<tr>{head}</tr>' if header else ''}{''.join(lines)}</table>"


def _plain(value: object) -> object:
    """A cell that no table program takes for a formula."""
    if isinstance(value, int | float) or value is None:
        return value
    text = str(value)
    return f"'{text}" if text[:1] in {"=", "+", "@"} else text
