"""cim backup and cim restore: the whole city in one verified file."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from cim.errors import ClusterError
from cim.store import backups
from cim.store.cluster import Cluster
from cim.store.deployment import open_deployment
from web.cli.options import AsJson, DataDir
from web.cli.reading import existing

FOREIGN = "a PostGIS that somebody else runs is backed up by its administrator: pg_dump as a superuser, and the files"


def backup(
    target: Annotated[Path, typer.Argument(help="File to write, or a folder for a file named after the time.")],
    data: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Write database, rights and files into one consistent set; a partial set never gets the name."""
    with open_deployment(data, progress=_say) as deployment:
        cluster = _private(deployment.cluster)
        deployment.migrate()
        done = backups.back_up(cluster, target, _say)
    size_mb = done.path.stat().st_size / 1e6
    if as_json:
        typer.echo(json.dumps({"path": str(done.path), **_summary(done.manifest)}))
    else:
        typer.echo(f"{done.path}: {len(done.manifest['tables'])} tables, {size_mb:.1f} MB")


def restore(
    path: Annotated[Path, typer.Argument(help="A set made by `cim backup`.")],
    replace: Annotated[bool, typer.Option("--replace", help="Replace a database that is not empty.")] = False,
    check: Annotated[bool, typer.Option("--check", help="Only verify the set.")] = False,
    data: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Verify a set, restore it beside the database in use, verify that, and only then put it in its place."""
    existing(path)
    if check:
        manifest = backups.check(path)
    else:
        with open_deployment(data, progress=_say) as deployment:
            manifest = backups.restore(_private(deployment.cluster), path, replace=replace, progress=_say)
    if as_json:
        typer.echo(json.dumps(_summary(manifest)))
    else:
        done = "is whole" if check else "is restored"
        rows = sum(int(count) for count, _ in manifest["tables"].values())
        typer.echo(f"{path.name} of {manifest['created_at']} {done}: {len(manifest['tables'])} tables, {rows} rows")


def _private(cluster: Cluster | None) -> Cluster:
    if cluster is None:
        raise ClusterError("only a private cluster can be backed up here", where="CIM_DATABASE_URL", remedy=FOREIGN)
    return cluster


def _summary(manifest: dict[str, Any]) -> dict[str, Any]:
    return {key: manifest[key] for key in ("created_at", "revision", "tables")}


def _say(text: str) -> None:
    typer.echo(text, err=True)
