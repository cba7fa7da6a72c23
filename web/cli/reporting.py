"""cim report: what an import found, as text, JSON, HTML or a workbook."""

import json
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from cim.errors import NotFound
from cim.store.database import run as complete
from cim.store.runs import faults_of, latest_runs, the_run
from web.cli.opening import opened
from web.cli.options import DataDir
from web.import_report import report_html, report_workbook
from web.phrases import run_told, told

ALL_FAULTS = 200_000
SHOWN_RUNS = 20


class Format(StrEnum):
    """How a report is written."""

    TEXT = "text"
    JSON = "json"
    HTML = "html"
    XLSX = "xlsx"


class Lang(StrEnum):
    """The languages messages are told in."""

    EN = "en"
    ZH = "zh"


def report(
    number: Annotated[
        int | None, typer.Argument(min=1, help="Number of the import; the newest are listed without.")
    ] = None,
    as_format: Annotated[Format, typer.Option("--format", help="text, json, html or xlsx.")] = Format.TEXT,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="File to write; needed for xlsx.")] = None,
    lang: Annotated[Lang, typer.Option("--lang", help="Language of the messages.")] = Lang.EN,
    data: DataDir = None,
) -> None:
    """Show what an import checked and found, fault by fault; without a number, list the newest imports."""

    async def work() -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        async with opened(data) as (_, database), database.writing("cli") as connection:
            if number is None:
                return await latest_runs(connection, SHOWN_RUNS), []
            found = await the_run(connection, number)
            if found is None:
                raise NotFound(f"there is no import {number}", where="number", remedy="`cim report` lists the newest")
            return [found], await faults_of(connection, number, ALL_FAULTS)

    runs, faults = complete(work())
    if number is None:
        _list(runs)
        return
    said = [{**fault, "message": told(fault["message"], lang.value)} for fault in faults]
    content = _content(run_told(runs[0], lang.value), said, as_format)
    if out is not None:
        out.write_bytes(content)
        typer.echo(str(out))
    elif as_format is Format.XLSX:
        raise typer.BadParameter("a workbook is written to a file: give --out", param_hint="--out")
    else:
        typer.echo(content.decode())


def _content(run: dict[str, Any], faults: list[dict[str, Any]], as_format: Format) -> bytes:
    if as_format is Format.XLSX:
        return report_workbook(run, faults)
    if as_format is Format.HTML:
        return report_html(run, faults).encode()
    if as_format is Format.JSON:
        return json.dumps({**run, "faults": faults}, ensure_ascii=False, default=str, indent=1).encode()
    lines = [f"{run['layer']}: {run['status']} - {run['message']}"]
    lines += [
        f"  {c['rule']}: {c['count']} of {c['examined']} ({c['action']}) {c['note']}".rstrip() for c in run["checks"]
    ]
    lines += [f"  {f['rule']}, row {f['row'] or '-'}: {f['message']}" for f in faults]
    return "\n".join(lines).encode()


def _list(runs: list[dict[str, Any]]) -> None:
    table = Table("import", "layer", "source", "result", "read", "loaded", "at")
    for item in runs:
        at = f"{item['started_at'].astimezone():%Y-%m-%d %H:%M}"
        values = (item["id"], item["layer"], item["source_name"], item["status"], item["read"], item["loaded"], at)
        table.add_row(*(str(value) for value in values))
    Console().print(table)
