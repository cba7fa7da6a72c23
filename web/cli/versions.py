"""cim history, diff, rollback, lineage, prune: looking back at a layer, going back, and letting go."""

import json
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from cim.model.collection import Version
from cim.store import any_versions, audits
from cim.store import versions as store
from cim.store.city_shapes import remove_unnamed_shapes
from cim.store.collections import cloud_files, raster_files, the_collection, tileset_files
from cim.store.database import run
from cim.store.lineage import lineage_of_feature
from web.cli.opening import ROLE, opened, operator
from web.cli.options import AsJson, DataDir, LayerId
from web.cloud_tiles import clouds_of_all, tiles_of
from web.documents import difference_document, version_document

UNNAMED_FOR_S = 86_400.0
Number = Annotated[int, typer.Argument(min=0, help="Version number; 0 is the empty layer before the first.")]


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
            change, features = await any_versions.difference(connection, layer, older, newer)
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
            done = await any_versions.rollback(connection, layer, version, author=operator())
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


def lineage(
    layer: LayerId,
    fid: Annotated[int, typer.Argument(help="Feature id.")],
    data: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Show where a feature comes from: each version it goes back to, with source file, hash, tools and systems."""

    async def work() -> list[dict[str, Any]]:
        async with opened(data) as (_, database), database.writing("cli") as connection:
            return await lineage_of_feature(connection, layer, fid)

    steps = run(work())
    if as_json:
        typer.echo(json.dumps({"layer": layer, "fid": fid, "steps": steps}, ensure_ascii=False))
        return
    for step in steps:
        typer.echo(
            f"version {step['version']}: {step['origin']} by {step['author']}, {step['created_at']} {step['note']}"
        )
        made = step["import"]
        if made:
            way = made["lineage"]
            typer.echo(f"  import {made['id']}: {made['source_name']} ({made['driver']}, layer {made['source_layer']})")
            typer.echo(f"  sha256 {made['source_sha256']}")
            typer.echo(f"  {way.get('crs_in')} -> {way.get('crs_out')}: {way.get('operation')}")
            typer.echo(f"  {', '.join(f'{name} {number}' for name, number in way.get('tools', {}).items())}")


def prune(
    layer: LayerId,
    keep: Annotated[int, typer.Option("--keep", min=1, help="Newest versions whose rows are kept.")],
    data: DataDir = None,
) -> None:
    """Remove rows that only versions older than the newest ones hold; what is current is never touched."""

    async def work() -> int:
        async with opened(data) as (deployment, database), database.writing("cli", timeout_ms=0) as connection:
            gone = await any_versions.prune(connection, layer, keep)
            if (await the_collection(connection, layer)).schema.kind == "city":
                await remove_unnamed_shapes(connection, layer)
            files = deployment.files()
            files.remove_rasters_but(await raster_files(connection), UNNAMED_FOR_S)
            files.remove_clouds_but(await cloud_files(connection), UNNAMED_FOR_S)
            files.remove_tilesets_but(await tileset_files(connection), UNNAMED_FOR_S)
            clouds = {tiles_of(cloud) for cloud in await clouds_of_all(database)}
            files.remove_cloud_tiles_but(clouds, UNNAMED_FOR_S)
            detail = {"keep": keep, "rows": gone}
            await audits.record(
                connection, actor=operator(), role=ROLE, action="prune", subject=layer, result="done", detail=detail
            )
            return gone

    typer.echo(f"{layer}: {run(work())} states of features removed; the newest {keep} versions are kept")
