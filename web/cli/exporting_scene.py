"""cim export of a layer or a building model as a folder of 3D Tiles that any web server can give out."""

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from cim.errors import BadRequest, NotFound
from cim.policy.policy import Decision
from cim.store import audits
from cim.store.database import run
from cim.store.deployment import Deployment, open_deployment
from tiles.scene.built import BuiltContent
from tiles.scene.content import SceneContent, SceneTree
from tiles.scene.findings import MEANINGS
from tiles.scene.tile_folder import TileFolder
from tiles.scene.tileset import SceneNode, tileset_document
from tiles.scene.whole import WholeCount
from tiles.scene.whole_tree import make_tree, paths_in
from web.cli.opening import ROLE, operator
from web.cli.seeding import role_principal, server_state
from web.scene_contents import SceneState, decision_of, scene_content
from web.scene_files import is_of_files
from web.state import Caller

FORM = "3dtiles"
DOCUMENT = "tileset.json"
LEFT_OUT = "left-out.json"
NOT_DRAWN = "not-drawn"
"""The code of what is left out of models and city layers, whose tilesets count it and say why in their extras."""


@dataclass(frozen=True, slots=True)
class _Made:
    """The tree that was made, how many features its tiles have, and what they have not.

    The latter as counts by code, the meanings of codes, and, where they are known, the features.
    """

    tree: SceneTree
    features: int
    left_out: Mapping[str, int]
    meanings: Mapping[str, Any]
    found: Sequence[Mapping[str, Any]] = ()

    @property
    def tiles(self) -> int:
        """How many tiles there are."""
        return sum(1 for _ in paths_in(self.tree.root))


def export_scene(
    layer: str, target: Path, role: str, *, overwrite: bool, gzipped: bool, data: Path | None, as_json: bool
) -> None:
    """Write the whole tileset of a layer or a building model.

    What could not be drawn is named in ``left-out.json`` beside it. The folder has its name when it is whole.
    ``gzipped`` leaves the tiles compressed, for servers that say so.
    """
    if target.exists() and not overwrite:
        raise BadRequest("the folder is there already", where=str(target), remedy="name another, or use --overwrite")
    if not target.absolute().parent.is_dir():
        raise BadRequest("the folder does not exist", where=str(target.absolute().parent), remedy="make it first")
    begun = target.with_name(f".{target.name}.partial")
    shutil.rmtree(begun, ignore_errors=True)
    begun.mkdir()
    try:
        with open_deployment(data) as deployment:
            deployment.migrate()
            made = run(_written(deployment, layer, role, begun, gzipped=gzipped))
        if target.exists():
            shutil.rmtree(target)
        begun.rename(target)
    finally:
        shutil.rmtree(begun, ignore_errors=True)
    _tell(layer, target, made, as_json=as_json)


async def _written(deployment: Deployment, layer: str, role: str, folder: Path, *, gzipped: bool) -> _Made:
    async with server_state(deployment, cached=False) as state:
        who = Caller(state, await role_principal(state.database, role), "export", "")
        decision = decision_of(who, layer)
        if is_of_files(decision):
            raise BadRequest(
                f"layer {layer} is registered as files, which are not written again",
                where="layer",
                remedy="copy the set or the cloud that was imported",
            )
        content = await scene_content(who, layer, SceneState())
        made = await _made(content, who, decision, TileFolder(folder, gzipped))
        version = decision.collection.version
        extras = {"layer": layer, "features": made.features}
        document = tileset_document(_named(made.tree.root), str(version), extras)
        (folder / DOCUMENT).write_text(json.dumps(document, ensure_ascii=False, allow_nan=False), "utf-8")
        left = {"counts": dict(made.left_out), "meanings": made.meanings, "features": made.found}
        (folder / LEFT_OUT).write_text(json.dumps(left, ensure_ascii=False), "utf-8")
        async with state.database.writing("cli") as connection:
            detail: dict[str, Any] = {"version": version, "features": made.features, "tiles": made.tiles}
            await audits.record(connection, actor=operator(), role=ROLE, action="export", subject=layer, detail=detail)
    return made


async def _made(content: SceneContent, who: Caller, decision: Decision, folder: TileFolder) -> _Made:
    """Make every tile: of a layer of features in one pass over its rows, of anything else tile after tile."""
    layer = decision.collection.id
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(layer, total=decision.collection.feature_count)
        if isinstance(content, BuiltContent):
            tree, count = await content.whole(
                who.principal, folder, lambda made: bar.update(task, completed=made.features + len(made.findings))
            )
            made = _passed(tree, count) if tree else None
        else:
            tree = await make_tree(
                content, who.principal, folder, lambda done, of: bar.update(task, completed=done, total=of)
            )
            made = _planned(tree) if tree else None
    if made is None:
        raise NotFound(f"{layer} has nothing to draw", where="layer", remedy="import something that has a shape")
    return made


def _passed(tree: SceneTree, count: WholeCount) -> _Made:
    """What a pass over rows made and found."""
    found = [{"fid": one.fid, "key": one.key, "code": one.code, "value": one.value} for one in count.findings]
    meanings: dict[str, Any] = {code: text.model_dump() for code, text in MEANINGS.items() if code in count.left_out}
    return _Made(tree, count.features, count.left_out, meanings, found)


def _planned(tree: SceneTree) -> _Made:
    """What a tileset says of itself as a whole, told as a layer's findings are."""
    number = int(tree.root.extras.get("left_out", 0))
    notes = tree.root.extras.get("notes", [])
    return _Made(tree, tree.features, {NOT_DRAWN: number} if number else {}, {NOT_DRAWN: notes} if number else {})


def _named(node: SceneNode) -> SceneNode:
    """The tree with the names of files."""
    uri = f"{node.content}.glb" if node.content is not None else None
    return SceneNode(node.region, node.error_m, uri, tuple(map(_named, node.children)), node.extras)


def _tell(layer: str, target: Path, made: _Made, *, as_json: bool) -> None:
    if as_json:
        told = {"tiles": made.tiles, "features": made.features, "left_out": dict(made.left_out)}
        typer.echo(json.dumps({"layer": layer, "files": [str(target)], **told}))
        return
    typer.echo(f"{layer}: {made.features} features in {made.tiles} tiles below {target}")
    for code, number in sorted(made.left_out.items()):
        typer.echo(f"  {number} left out: {code}, see {target / LEFT_OUT}")
