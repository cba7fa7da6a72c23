"""cim import: files into layers."""

import json
from pathlib import Path
from typing import Annotated, Any

import shapely
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from cim.errors import BadRequest, ImportRefused
from cim.model.collection import ImportMode
from cim.model.imports import ImportReport
from cim.store.database import Database, run
from cim.store.files import FileStore
from cim.store.scenarios import check_scenario_name
from cim.store.staging import sweep_runs
from importers.accepting import Progress as Moved
from importers.importer import ReadOptions
from importers.run import ImportRequest, import_file
from importers.sandbox import sweep_jobs
from layers.catalog import Catalog
from web.cli.opening import ROLE, opened, operator, the_catalog
from web.cli.options import AsJson, DataDir
from web.cli.reading import Crs, Encoding, HeightDatum, Place, Timezone, TrustFile, existing, place_of
from web.settings import ServerSettings

SHOWN_ROWS = 10


def import_files(
    paths: Annotated[list[Path], typer.Argument(help="Files to import.")],
    layer: Annotated[
        str | None, typer.Option("--layer", help="Layer id; the file's own layer names when absent.")
    ] = None,
    crs: Crs = None,
    encoding: Encoding = None,
    mode: Annotated[
        ImportMode | None,
        typer.Option("--mode", help="How features meet those already there; replace, in a scenario upsert, if absent."),
    ] = None,
    key: Annotated[str | None, typer.Option("--key", help="Field that identifies a feature.")] = None,
    area: Annotated[Path | None, typer.Option("--area", help="GeoJSON polygon for --mode replace-area.")] = None,
    fields: Annotated[
        list[str] | None,
        typer.Option("--field", help="SOURCE=FIELD: which field of the file fills which of the layer; kept with it."),
    ] = None,
    split: Annotated[bool, typer.Option("--split", help="One layer for each kind of geometry.")] = False,
    height_datum: HeightDatum = None,
    place: Place = None,
    timezone: Timezone = None,
    scenario: Annotated[
        str | None, typer.Option("--scenario", help="Fill the scenario of this name; publishes nothing.")
    ] = None,
    over: Annotated[
        int | None, typer.Option("--over", min=1, help="Version the scenario stands on; the current one if absent.")
    ] = None,
    building_code: Annotated[
        str | None, typer.Option("--building-code", help="Of a building model: the unified code of its building.")
    ] = None,
    cim_level: Annotated[
        int | None, typer.Option("--cim-level", min=1, max=7, help="Of a building model: its CIM level.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Do everything but publish.")] = False,
    trust_file: TrustFile = False,
    data: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Import files into layers; each ends published, unchanged, partly loaded or refused, with reasons."""
    for path in paths:
        existing(path)
    options = ReadOptions(crs, encoding, split, trust_file, height_datum, place_of(place), timezone)
    if scenario is not None:
        check_scenario_name(scenario)
    elif over is not None:
        raise BadRequest("only a scenario stands on a version", where="--over", remedy="give --scenario NAME")
    ewkt = area_ewkt(area) if area else None
    chosen = _pairs(fields or [])

    async def work() -> list[ImportReport]:
        catalog = the_catalog(ServerSettings())
        reports = []
        async with opened(data) as (deployment, database):
            files = deployment.files()
            async with database.writing("cli") as connection:
                await sweep_runs(connection)
            files.sweep()
            sweep_jobs()
            with _bar(quiet=as_json) as bar:
                tasks: dict[str, Any] = {}

                def moved(name: str, done: int, total: int) -> None:
                    tasks.setdefault(name, bar.add_task(name, total=total))
                    bar.update(tasks[name], completed=done)

                for path in paths:
                    request = ImportRequest(
                        path,
                        operator(),
                        ROLE,
                        layer,
                        mode or (ImportMode.UPSERT if scenario else ImportMode.REPLACE),
                        key,
                        ewkt,
                        options,
                        dry_run,
                        fields=chosen,
                        scenario=scenario,
                        over=over,
                        building_code=building_code,
                        cim_level=cim_level,
                    )
                    reports += await _reports(database, catalog, request, moved, files)
        return reports

    reports = run(work())
    _show(reports, as_json)
    if any(report.status in {"refused", "partial"} for report in reports):
        raise typer.Exit(1)


async def _reports(
    database: Database, catalog: Catalog, request: ImportRequest, moved: Moved, files: FileStore
) -> list[ImportReport]:
    try:
        return await import_file(database, catalog, request, moved, files)
    except ImportRefused as error:
        return [ImportReport(0, request.layer or request.path.stem, None, 0, 0, (), 0, (), "refused", (), str(error))]


def _pairs(given: list[str]) -> dict[str, str]:
    """``SOURCE=FIELD`` words as a table."""
    pairs = {}
    for word in given:
        source, equals, name = word.partition("=")
        if not (source and equals and name):
            raise BadRequest(f"{word!r} is no pair", where="--field", remedy="write SOURCE=FIELD")
        pairs[source] = name
    return pairs


def area_ewkt(path: Path) -> str:
    """The union of a file's polygons in longitude and latitude, as EWKT."""
    import pyogrio  # noqa: PLC0415 - it brings geopandas, which only this option needs

    try:
        frame = pyogrio.read_dataframe(existing(path)).to_crs(4490)
    except (pyogrio.errors.DataSourceError, ValueError, AttributeError) as error:
        raise BadRequest("the area cannot be read", where=str(path), remedy="give GeoJSON with polygons") from error
    shape = shapely.union_all(frame.geometry.array)
    if shape.geom_type not in {"Polygon", "MultiPolygon"}:
        raise BadRequest(f"the area is a {shape.geom_type}", where=str(path), remedy="give polygons")
    return f"SRID=4490;{shape.wkt}"


def _bar(*, quiet: bool) -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        console=Console(stderr=True),
        disable=quiet,
        transient=True,
    )


def document(report: ImportReport) -> dict[str, Any]:
    """A report as ``cim import --json`` prints it."""
    return {
        "run": report.run,
        "layer": report.layer,
        "version": report.version,
        "read": report.read,
        "loaded": report.loaded,
        "rejected": [{"row": row.row, "reason": row.reason} for row in report.rejected],
        "skipped": report.skipped,
        "repaired": [{"row": row.row, "repair": row.repair} for row in report.repaired],
        "status": report.status,
        "findings": [
            {"code": f.code, "severity": f.severity, "count": f.count, "message": f.message} for f in report.findings
        ],
        "message": report.message,
    }


def _show(reports: list[ImportReport], as_json: bool) -> None:
    if as_json:
        documents = [document(report) for report in reports]
        typer.echo(json.dumps(documents[0] if len(documents) == 1 else documents, ensure_ascii=False))
        return
    for report in reports:
        version = f" version {report.version}" if report.version else ""
        typer.echo(f"{report.layer}: {report.status}{version} - {report.message}")
        if report.status != "refused":
            counts = f"rejected {len(report.rejected)}, repaired {len(report.repaired)}"
            typer.echo(f"  read {report.read}, loaded {report.loaded}, {counts}")
        for row in report.rejected[:SHOWN_ROWS]:
            typer.echo(f"  row {row.row} rejected: {row.reason}")
        for repair in report.repaired[:SHOWN_ROWS]:
            typer.echo(f"  row {repair.row} repaired: {repair.repair}")
        for finding in report.findings:
            if finding.severity != "refuse":
                typer.echo(f"  {finding.code}: {finding.message}")
