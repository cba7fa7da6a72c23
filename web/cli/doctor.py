"""cim doctor: what is well, what is not, and what to do."""

import json
import shutil
from pathlib import Path

import typer

from cim.errors import CimError, SettingsError
from cim.model.ellipsoidal_heights import SETTINGS
from cim.store.cluster_account import disk_floor, free_disk_problem
from cim.store.deployment import open_deployment
from cim.store.examining import Examination, examine
from importers.canaries import self_test
from importers.sandbox import network_isolation
from web.cli.options import AsJson, DataDir
from web.geoid import configured_undulation
from web.settings import ServerSettings
from web.viewer_files import DIST


def doctor(data: DataDir = None, as_json: AsJson = False) -> None:
    """Examine disk, database, logins, sandbox and viewer; prints the SQL an administrator must run."""
    found: list[Examination] = []
    try:
        with open_deployment(data) as deployment:
            found.append(_disk(deployment.data_dir))
            kind = "private cluster" if deployment.cluster else "PostGIS named by CIM_DATABASE_URL"
            found.append(Examination("database", True, kind))
            found += examine(deployment.logins)
    except CimError as error:
        found.append(Examination("database", False, error.what, error.remedy))
    found += [_undulation(), _sandbox(), _hostile_files(), _viewer()]
    if as_json:
        rows = [{"name": e.name, "well": e.well, "found": e.found, "remedy": e.remedy, "sql": e.sql} for e in found]
        typer.echo(json.dumps(rows, ensure_ascii=False, indent=1))
    else:
        for item in found:
            typer.echo(f"{'ok ' if item.well else 'BAD'}  {item.name}: {item.found}")
            if not item.well:
                typer.echo(f"     {item.remedy}")
                typer.echo("".join(f"     {line}\n" for line in item.sql.splitlines()), nl=False)
    if not all(item.well for item in found):
        raise typer.Exit(1)


def _disk(data_dir: Path) -> Examination:
    problem = free_disk_problem(data_dir, disk_floor())
    free_gb = shutil.disk_usage(data_dir if data_dir.exists() else "/").free / 1e9
    return Examination("disk", not problem, problem or f"{free_gb:.1f} GB free at {data_dir}", "free some space")


def _undulation() -> Examination:
    try:
        found = configured_undulation(ServerSettings())
    except SettingsError as error:
        return Examination("undulation", False, f"{error.where}: {error.what}", error.remedy)
    if found is None:
        told = f"not configured: levelled heights are not shown in 3D until {SETTINGS} is set"
        return Examination("undulation", True, told)
    low, high = float(found.values_m.min()), float(found.values_m.max())
    told = found.source if low == high else f"{found.source}, {low:.2f} to {high:.2f} m"
    return Examination("undulation", True, told)


def _sandbox() -> Examination:
    isolation = network_isolation()
    return Examination(
        "import sandbox",
        isolation.isolated,
        isolation.how,
        "" if isolation.isolated else "uploads are refused; `cim import` needs --trust-file",
    )


def _hostile_files() -> Examination:
    results = self_test()
    loose = [f"{result.name}: {result.how}" for result in results if not result.held]
    text = f"{len(results) - len(loose)} of {len(results)} held"
    return Examination("hostile files", not loose, text, f"import nothing you do not trust; {'; '.join(loose)}")


def _viewer() -> Examination:
    built = (DIST / "index.html").is_file()
    return Examination("viewer", built, "built" if built else "not built", "run ./run setup")
