"""cim export of a layer as a folder of 3D Tiles that any web server can give out."""

import gzip
import json
import shutil
from pathlib import Path
from typing import Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from cim.errors import BadRequest, NotFound
from cim.model.scene import Square
from cim.store import audits
from cim.store.database import run
from cim.store.deployment import Deployment, open_deployment
from tiles.scene.built import BuiltContent
from tiles.scene.findings import MEANINGS
from tiles.scene.tileset import SceneNode, tileset_document
from tiles.scene.whole import WholeCount
from web.cli.opening import ROLE, operator
from web.cli.seeding import role_principal, server_state
from web.scene_contents import SceneState, layer_content
from web.state import Caller

FORM = "3dtiles"
DOCUMENT = "tileset.json"
LEFT_OUT = "left-out.json"


def export_scene(
    layer: str, target: Path, role: str, *, overwrite: bool, gzipped: bool, data: Path | None, as_json: bool
) -> None:
    """Write a layer's whole tileset; what could not be drawn is named in ``left-out.json`` beside it.

    The folder has its name when it is whole. ``gzipped`` leaves the tiles compressed, for servers that say so.
    """
    if target.exists() and not overwrite:
        raise BadRequest("the folder is there already", where=str(target), remedy="name another, or use --overwrite")
    if not target.absolute().parent.is_dir():
        raise BadRequest("the folder does not exist", where=str(target.absolute().parent), remedy="make it first")
    partial = target.with_name(f".{target.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir()
    try:
        with open_deployment(data) as deployment:
            deployment.migrate()
            count = run(_written(deployment, layer, role, partial, gzipped=gzipped))
        if target.exists():
            shutil.rmtree(target)
        partial.rename(target)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    _tell(layer, target, count, as_json=as_json)


async def _written(deployment: Deployment, layer: str, role: str, folder: Path, *, gzipped: bool) -> WholeCount:
    async with server_state(deployment, cached=False) as state:
        who = Caller(state, await role_principal(state.database, role), "export", "")
        content = await layer_content(who, layer, SceneState())
        if not isinstance(content, BuiltContent):
            raise BadRequest(f"layer {layer} is not written as a folder", where="layer", remedy=f"use /3dtiles/{layer}")

        def put(square: Square, tile: bytes) -> None:
            place = folder / str(square.z) / str(square.x)
            place.mkdir(parents=True, exist_ok=True)
            (place / f"{square.y}.glb").write_bytes(tile if gzipped else gzip.decompress(tile))

        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
            task = bar.add_task(layer, total=who.decide(layer).collection.feature_count)
            tree, count = await content.whole(
                who.principal, put, lambda made: bar.update(task, completed=made.features + len(made.findings))
            )
        if tree is None:
            raise NotFound(f"layer {layer} has no feature to draw", where="layer", remedy="import some")
        version = who.decide(layer).collection.version
        document = tileset_document(_named(tree.root), str(version), {"layer": layer, "features": count.features})
        (folder / DOCUMENT).write_text(json.dumps(document, ensure_ascii=False, allow_nan=False), "utf-8")
        told = [{"fid": f.fid, "key": f.key, "code": f.code, "value": f.value} for f in count.findings]
        meanings = {code: text.model_dump() for code, text in MEANINGS.items() if code in count.left_out}
        (folder / LEFT_OUT).write_text(
            json.dumps({"counts": count.left_out, "meanings": meanings, "features": told}, ensure_ascii=False), "utf-8"
        )
        async with state.database.writing("cli") as connection:
            detail: dict[str, Any] = {"version": version, "features": count.features, "tiles": count.tiles}
            await audits.record(connection, actor=operator(), role=ROLE, action="export", subject=layer, detail=detail)
    return count


def _named(node: SceneNode) -> SceneNode:
    """The tree with the names of files."""
    uri = f"{node.content}.glb" if node.content is not None else None
    return SceneNode(node.region, node.error_m, uri, tuple(map(_named, node.children)), node.extras)


def _tell(layer: str, target: Path, count: WholeCount, *, as_json: bool) -> None:
    if as_json:
        told = {"tiles": count.tiles, "features": count.features, "left_out": count.left_out}
        typer.echo(json.dumps({"layer": layer, "files": [str(target)], **told}))
        return
    typer.echo(f"{layer}: {count.features} features in {count.tiles} tiles below {target}")
    for code, number in sorted(count.left_out.items()):
        typer.echo(f"  {number} left out: {code}, see {target / LEFT_OUT}")
