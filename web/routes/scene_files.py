"""Files of registered sets of 3D Tiles; the policy is asked for every one."""

import asyncio
import gzip
from pathlib import PurePosixPath
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response

from cim.errors import NotFound
from tiles.registered import GZIP, SUFFIX
from web.scene_answers import VARY, caching
from web.scene_files import is_of_files
from web.state import Caller, caller

router = APIRouter(tags=["3D Tiles"])
Who = Annotated[Caller, Depends(caller)]
FORM = 1
"""Part of each ETag: a change in how files are given makes another one."""
TYPES = {
    ".json": "application/json",
    ".glb": "model/gltf-binary",
    ".gltf": "model/gltf+json",
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".webp": "image/webp",
    ".ktx2": "image/ktx2",
}
"""Media types by suffix; all else is bytes, whatever a file calls itself."""
FILE: dict[int | str, dict[str, Any]] = {200: {"description": "a document, tile or picture of the set"}}


@router.get(
    "/3dtiles/{layer}/files/{tileset}/{path:path}",
    summary="A file of a registered set",
    responses=FILE,
    response_class=Response,
)
async def set_file(layer: str, tileset: str, path: str, request: Request, who: Who) -> Response:
    """What tileset.json names below its own address."""
    decision = who.decide(layer)
    name, _, mark = tileset.partition("-")
    sets = await who.state.registered.sets(who.principal, decision) if is_of_files(decision) else []
    found = next((one for one in sets if one.file == f"{name}{SUFFIX}"), None)
    if found is None:
        raise _missing(layer)
    current = mark == who.state.terrain.mark
    headers = {
        "etag": f'"{name[:20]}-{who.state.terrain.mark}-{FORM}"',
        "cache-control": caching(who, decision, current=current),
        **VARY,
    }
    if request.headers.get("if-none-match") == headers["etag"]:
        return Response(status_code=304, headers=headers)
    body = await asyncio.to_thread(who.state.registered.read, found, path)
    if body is None:
        raise _missing(layer)
    if body.startswith(GZIP):
        if "gzip" in request.headers.get("accept-encoding", ""):
            headers["content-encoding"] = "gzip"
        else:
            body = await asyncio.to_thread(gzip.decompress, body)
    kind = TYPES.get(PurePosixPath(path).suffix.lower(), "application/octet-stream")
    return Response(body, media_type=kind, headers=headers)


def _missing(layer: str) -> NotFound:
    return NotFound(
        "there is no such file in this set of tiles", where="path", remedy=f"read /3dtiles/{layer}/tileset.json"
    )
