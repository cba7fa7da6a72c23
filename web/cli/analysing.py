"""cim analyse: run an analysis on the server's data and print or keep what it finds."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table as ScreenTable

from cim.analysis.analysis import Analysis
from cim.analysis.area import red_line_from_geojson
from cim.analysis.registry import ANALYSES, the_analysis
from cim.errors import BadRequest
from cim.model.analysis import Answer, Table
from cim.model.redline import RedLine, checked
from cim.store.collections import all_collections
from cim.store.database import run
from cim.store.identities import principal_for_role
from cim.store.redlines import keep_redline
from importers.importer import ReadOptions
from importers.redline_reading import read_red_line
from web.analysing import AUDITED, keep_trace
from web.analysis_context import analysis_context
from web.cli.opening import ROLE, opened, operator, the_catalog
from web.cli.options import DataDir
from web.settings import ServerSettings

SHOWN_ROWS = 40


def analyse(
    name: Annotated[str | None, typer.Argument(help="Which analysis; all are listed when left out.")] = None,
    param: Annotated[
        list[str] | None,
        typer.Option("--param", "-p", help="NAME=VALUE; VALUE as JSON or plain text; for an area also a file."),
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", help="Keep the answer: .json or .geojson.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the answer as JSON.")] = False,
    crs: Annotated[str | None, typer.Option("--crs", help="The system of an area's file that does not say it.")] = None,
    trust_file: Annotated[bool, typer.Option("--trust-file", help="Read files without network isolation.")] = False,
    data: DataDir = None,
) -> None:
    """Run an analysis: `cim analyse compliance-review -p area=redline.txt -p use=0901`."""
    if name is None:
        _list()
        return
    analysis = the_analysis(name)
    if out is not None and out.suffix.lower() not in (".json", ".geojson"):
        raise BadRequest(
            f"the suffix {out.suffix!r} tells no form", where="--out", remedy="end it with .json or .geojson"
        )
    options = ReadOptions(crs=crs, trust_file=trust_file)
    inputs = _inputs(analysis, param or [])
    answer = run(_run(analysis, inputs, _red_lines(analysis, inputs, options), data))
    document = json.loads(json.dumps(answer.document(), default=str))
    if out is not None:
        kept = document["geojson"] if out.suffix.lower() == ".geojson" else document
        out.write_text(json.dumps(kept, ensure_ascii=False, indent=1) + "\n", "utf-8")
    if as_json:
        typer.echo(json.dumps(document, ensure_ascii=False, indent=1))
    else:
        _show(answer)


def _list() -> None:
    table = ScreenTable("id", "title", "parameters", box=None)
    for analysis in ANALYSES.values():
        names = ", ".join(analysis.parameters.model_fields)
        table.add_row(analysis.id, f"{analysis.title.zh} {analysis.title.en}", names)
    Console().print(table)


def _inputs(analysis: Analysis[Any], given: list[str]) -> dict[str, Any]:
    inputs: dict[str, Any] = {}
    for text in given:
        name, sign, value = text.partition("=")
        if not sign or name not in analysis.parameters.model_fields:
            names = ", ".join(analysis.parameters.model_fields)
            raise BadRequest(f"{text[:60]!r} gives no parameter", where="--param", remedy=f"NAME=VALUE of {names}")
        inputs[name] = _value(analysis, name, value)
    return inputs


def _value(analysis: Analysis[Any], name: str, value: str) -> Any:
    """The value as JSON where the parameter is not a text; a text stays as it is written. GeoJSON may be a file."""
    field = analysis.parameters.model_fields[name]
    if field.annotation is str:
        return value
    extra = field.json_schema_extra
    if isinstance(extra, dict) and extra.get("x-cim-input") == "geojson" and value.endswith("json"):
        return _geojson(Path(value))
    try:
        return json.loads(value)
    except ValueError:
        return value


def _geojson(path: Path) -> Any:
    try:
        return json.loads(path.read_text("utf-8-sig"))
    except (OSError, ValueError) as error:
        raise BadRequest(f"no JSON can be read: {error}", where=path.name, remedy="give a GeoJSON file") from error


def _red_lines(analysis: Analysis[Any], inputs: dict[str, Any], options: ReadOptions) -> dict[str, RedLine]:
    """The red lines in files that inputs name, by input."""
    found = {}
    for name, field in analysis.parameters.model_fields.items():
        extra = field.json_schema_extra
        value = inputs.get(name)
        is_area = isinstance(extra, dict) and extra.get("x-cim-input") == "area"
        if is_area and isinstance(value, str) and Path(value).exists():
            found[name] = _red_line(Path(value), options)
    return found


def _red_line(path: Path, options: ReadOptions) -> RedLine:
    if path.suffix.lower() not in (".geojson", ".json") or options.crs is not None:
        return read_red_line(path, options)
    try:
        return checked(red_line_from_geojson(json.loads(path.read_text("utf-8-sig"))))
    except ValueError as error:
        raise BadRequest(f"not JSON: {error}", where=path.name, remedy="give GeoJSON") from error


async def _run(
    analysis: Analysis[Any], inputs: dict[str, Any], red_lines: dict[str, RedLine], data: Path | None
) -> Answer:
    catalog = the_catalog(ServerSettings())
    async with opened(data) as (deployment, database):
        async with database.writing("cim analyse") as connection:
            kept = {name: await keep_redline(connection, line, operator()) for name, line in red_lines.items()}
            principal = await principal_for_role(connection, ROLE, operator())
            collections = await all_collections(connection)
        inputs = {**inputs, **kept}
        context = analysis_context(
            database, catalog, collections, principal, author=None, inputs=inputs, files=deployment.files()
        )
        answer = await analysis.answer(inputs, context)
        if analysis.id in AUDITED:
            await keep_trace(database, principal, analysis, inputs, answer, "")
        return answer


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
