"""cim analyse: run an analysis on the server's data and print or keep what it finds."""

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table as ScreenTable

from cim.analysis.registry import ANALYSES, the_analysis
from cim.model.analysis import Answer, Table
from cim.store.database import run
from importers.importer import ReadOptions
from web.cli.analysis_run import carry_out, form_of, order, order_again
from web.cli.options import DataDir
from web.reports.package import differences, read_package
from web.reports.render import render

SHOWN_ROWS, SHOWN_DIFFERENCES = 40, 20


def analyse(
    name: Annotated[str | None, typer.Argument(help="Which analysis; all are listed when left out.")] = None,
    param: Annotated[
        list[str] | None,
        typer.Option("--param", "-p", help="NAME=VALUE; VALUE as JSON or plain text; for an area also a file."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="Keep the answer: .json, .geojson, .docx, .pdf, .xlsx, or .zip.")
    ] = None,
    again: Annotated[Path | None, typer.Option("--again", help="Run a result package once more and compare.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the answer as JSON.")] = False,
    crs: Annotated[str | None, typer.Option("--crs", help="The system of an area's file that does not say it.")] = None,
    trust_file: Annotated[bool, typer.Option("--trust-file", help="Read files without network isolation.")] = False,
    data: DataDir = None,
) -> None:
    """Run an analysis: `cim analyse compliance-review -p area=redline.txt -p use=0901 --out review.docx`."""
    if again is not None:
        _again(again, data)
        return
    if name is None:
        _list()
        return
    form = form_of(out)
    wanted = order(the_analysis(name), param or [], ReadOptions(crs=crs, trust_file=trust_file))
    answer, told = run(carry_out(wanted, data))
    if out is not None:
        out.write_bytes(render(told, form))
    if as_json:
        typer.echo(json.dumps(told.answer, ensure_ascii=False, indent=1))
    else:
        _show(answer)


def _again(path: Path, data: Path | None) -> None:
    package = read_package(path)
    _, told = run(carry_out(order_again(package), data))
    found = differences(package.answer, told.answer)
    for line in found[:SHOWN_DIFFERENCES]:
        typer.echo(line)
    if len(found) > SHOWN_DIFFERENCES:
        typer.echo(f"... {len(found) - SHOWN_DIFFERENCES} more")
    typer.echo("the same numbers" if not found else f"{len(found)} differences")
    if found:
        raise typer.Exit(1)


def _list() -> None:
    table = ScreenTable("id", "title", "parameters", box=None)
    for analysis in ANALYSES.values():
        names = ", ".join(analysis.parameters.model_fields)
        table.add_row(analysis.id, f"{analysis.title.zh} {analysis.title.en}", names)
    Console().print(table)


def _show(answer: Answer) -> None:
    console = Console()
    for finding in answer.findings:
        console.print(f"[bold]{finding.title.zh}[/] {finding.verdict}: {finding.message}")
    for table in answer.tables:
        console.print()
        console.print(_screen(table))
    console.print(f"\n{answer.statement}")


def _screen(table: Table) -> ScreenTable:
    screen = ScreenTable(title=table.title.zh, title_justify="left")
    for column in table.columns:
        unit = f" ({column.unit})" if column.unit else ""
        screen.add_column(f"{column.title.zh}{unit}", justify="left" if column.kind == "text" else "right")
    for row in list(table.rows)[:SHOWN_ROWS]:
        screen.add_row(*("" if value is None else str(value) for value in row))
    if len(table.rows) > SHOWN_ROWS:
        screen.caption = f"… {len(table.rows) - SHOWN_ROWS} more rows: --json has them all"
    return screen
