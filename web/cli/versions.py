"""cim history, diff, rollback: looking back at a layer, and going back."""

import json
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from cim.model.collection import Version
from cim.store import audits
from cim.store import versions as store
from cim.store.database import run
from cim.store.differences import difference
from web.cli.opening import ROLE, opened, operator
from web.cli.options import AsJson, DataDir, LayerId
from web.documents import difference_document, version_document

Number = Annotated[int, typer.Argument(min=1, help="Version number.")]


def history(layer: LayerId, data: DataDir = None, as_json: AsJson = False) -> None:
    """List a layer's versions, newest first."""

    async def work() -> list[Version]:
        async with opened(data) as (_, database), database.writing("cli") as connection:
            return await store.history(connection, layer)

    found = run(work())
    if as_json:
        typer.echo(json.dumps([version_document(version) for version in found], ensure_ascii=False, indent=1))
        return
    table = Table("version", "at", "origin", "by", "features", "added", "changed", "removed", "note")
    for version in found:
        at = version.created_at.astimezone().strftime("%Y-%m-%d %H:%M:%S")
        change = version.change
        table.add_row(
            str(version.number),
            at,
            version.origin,
            version.author,
            str(version.feature_count),
            str(change.added),
            str(change.changed),
            str(change.removed),
            version.note,
        )
    Console().print(table)


def diff(layer: LayerId, older: Number, newer: Number, data: DataDir = None, as_json: AsJson = False) -> None:
    """Show what changed in a layer between two versions."""

    async def work() -> None:
        async with opened(data) as (_, database), database.writing("cli") as connection:
            change, features = await difference(connection, layer, older, newer)
        if as_json:
            document = difference_document(layer, older, newer, change, features)
            typer.echo(json.dumps(document, ensure_ascii=False))
            return
        typer.echo(
            f"{layer} {older} -> {newer}: {change.added} added, {change.changed} changed, {change.removed} removed"
        )
        for feature in features[:50]:
            typer.echo(f"  {feature.kind:8} {feature.key}  {', '.join(feature.fields)}")
        if len(features) > 50:
            typer.echo(f"  ... and more; --json lists {len(features)}")

    run(work())


def rollback(layer: LayerId, version: Number, data: DataDir = None, as_json: AsJson = False) -> None:
    """Publish a new version of a layer that equals an older one."""

    async def work() -> Version | None:
        async with opened(data) as (_, database), database.writing("cli") as connection:
            done = await store.rollback(connection, layer, version, author=operator())
            await audits.record(
                connection,
                actor=operator(),
                role=ROLE,
                action="rollback",
                subject=layer,
                result="done" if done else "unchanged",
                detail={"to": version},
            )
            return done

    done = run(work())
    if as_json:
        typer.echo(
            json.dumps(
                {
                    "layer": layer,
                    "status": "published" if done else "unchanged",
                    "version": done.number if done else None,
                }
            )
        )
    elif done:
        typer.echo(f"{layer}: version {done.number} equals version {version} ({done.feature_count} features)")
    else:
        typer.echo(f"{layer}: the current version equals version {version} already")
