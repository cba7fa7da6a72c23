"""3D Tiles 1.1: a tileset for each layer, its tiles, and the tileset that joins them."""

from collections import Counter
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response

from cim.errors import NotFound
from cim.model.collection import BoundingBox
from tiles.cache import TileKey
from tiles.scene.content import SceneContent, ScenePath
from tiles.scene.findings import MEANINGS
from tiles.scene.tileset import SceneNode, SceneRegion, tileset_document, union
from web.catalog_scene import model_parts, scene_parts
from web.parameters import parse_bbox
from web.scene_answers import GLB, caching, document_answer, gzipped_answer
from web.scene_contents import SceneState, check_path, decision_of, layer_content, scene_content
from web.scene_files import files_tileset, is_of_files
from web.state import Caller, caller

router = APIRouter(tags=["3D Tiles"])
Who = Annotated[Caller, Depends(caller)]
Datetime = Annotated[str | None, Query(description="the features as they were at this instant")]
Scenario = Annotated[str | None, Query(description="the features under this scenario")]
GRID = "3d"
LOWEST_M, HIGHEST_M = -500.0, 9_000.0
FROM_AFAR_M = 50_000.0
TILE: dict[int | str, dict[str, Any]] = {200: {"description": "binary glTF", "content": {GLB: {}}}}


@router.get("/3dtiles/tileset.json", summary="The tileset that joins all the caller may read")
async def joined_tileset(request: Request, who: Who) -> Response:
    """One tile for each layer and model, whose content is its own tileset."""
    parts = [*scene_parts(who), *model_parts(who)]
    if not parts:
        raise NotFound("nothing you may read has a tileset", where="tileset", remedy="log in, or import buildings")
    children = tuple(
        SceneNode(_region(part.bbox), FROM_AFAR_M, part.tileset.removeprefix("/3dtiles/"), (), {"layer": part.id})
        for part in parts
    )
    root = SceneNode(union(child.region for child in children), FROM_AFAR_M, None, children)
    return document_answer(request, tileset_document(root, "1"), "private, no-cache")


@router.get("/3dtiles/{layer}/tileset.json", summary="The tileset of a layer")
async def layer_tileset(
    layer: str, request: Request, who: Who, datetime: Datetime = None, scenario: Scenario = None
) -> Response:
    """The tree of tiles; each address names the newest change of its tile."""
    state = SceneState(datetime, scenario)
    decision = decision_of(who, layer)
    if is_of_files(decision):
        return await files_tileset(request, who, decision, state)
    content = await scene_content(who, layer, state)
    tree = await content.tree(who.principal)
    if tree is None:
        raise NotFound(f"layer {layer} has no feature to draw", where="layer", remedy="import some")
    root = _addressed(tree.root, who, layer, content, state)
    extras = {"layer": layer, "features": tree.features}
    document = tileset_document(root, str(decision.collection.version), extras)
    return document_answer(request, document, caching(who, decision, current=False))


@router.get("/3dtiles/{layer}/{z}/{x}/{y}.glb", summary="A tile", responses=TILE, response_class=Response)
async def layer_tile(
    layer: str, z: int, x: int, y: int, request: Request, who: Who, datetime: Datetime = None, scenario: Scenario = None
) -> Response:
    """Binary glTF, gzipped; the caller's rights are asked for each tile."""
    check_path(z, x, y)
    decision = decision_of(who, layer)
    content = await scene_content(who, layer, SceneState(datetime, scenario))
    path = ScenePath(z, x, y)
    bounds = await content.bounds(who.principal, path)
    key = TileKey(layer, content.name, GRID, z, x, y)
    tile = await who.state.scenes.kept_or_made(key, bounds, lambda: content.tile(who.principal, path))
    etag = tile.etag.decode()
    current = request.query_params.get("s") == etag.strip('"')
    return gzipped_answer(request, tile.data, GLB, etag, caching(who, decision, current=current))


@router.get("/3dtiles/{layer}/left-out", summary="What could not be drawn, and why")
async def left_out(layer: str, who: Who, bbox: str | None = None) -> dict[str, Any]:
    """Features of a layer that its tiles leave out, by fid and key, of a box or of the whole layer."""
    content = await layer_content(who, layer, SceneState())
    findings = await content.left_out(who.principal, parse_bbox(bbox))
    counts = Counter(one.code for one in findings)
    return {
        "layer": layer,
        "counts": counts,
        "meanings": {code: MEANINGS[code].model_dump() for code in counts},
        "features": [{"fid": one.fid, "key": one.key, "code": one.code, "value": one.value} for one in findings],
    }


def _addressed(node: SceneNode, who: Caller, layer: str, content: SceneContent, state: SceneState) -> SceneNode:
    """The tree with addresses that change whenever their tile does."""
    children = tuple(_addressed(child, who, layer, content, state) for child in node.children)
    uri = None
    if node.content is not None:
        z, x, y = (int(part) for part in node.content.split("/"))
        bounds: BoundingBox = node.region[:4]
        etag = who.state.scenes.known_etag(TileKey(layer, content.name, GRID, z, x, y), bounds)
        uri = f"{node.content}.glb?s={etag.decode().strip(chr(34))}{state.query}"
    return SceneNode(node.region, node.error_m, uri, children, node.extras)


def _region(bbox: BoundingBox) -> SceneRegion:
    return (*bbox, LOWEST_M, HIGHEST_M)
