"""Terrain for globes: layer.json and quantized-mesh tiles of layers of heights."""

import gzip
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response

from cim.model.access import Grade
from cim.policy.policy import Decision
from tiles.terrain import MeshAsked
from web.state import Caller, caller

router = APIRouter(tags=["3D"])
FORM = 1
"""Part of each ETag: a change in how terrain is made makes another one."""
MEDIA_TYPE = "application/vnd.quantized-mesh"
NORMALS = "octvertexnormals"
Who = Annotated[Caller, Depends(caller)]
TILE: dict[int | str, dict[str, Any]] = {
    200: {"description": "a mesh with ellipsoidal heights", "content": {MEDIA_TYPE: {}}},
    409: {"description": "heights cannot be brought above the ellipsoid: the problem says what is missing"},
}


@router.get("/terrain/{layer}/layer.json", summary="Terrain of a layer of heights, for globes")
async def terrain_layer(layer: str, who: Who, response: Response) -> dict[str, Any]:
    """Levels, ranges of tiles there are, and the versioned tile address, for CesiumJS and its kin."""
    decision = who.decide(layer)
    definition = who.state.catalog.layers.get(layer)
    name, attribution = (definition.title.zh, definition.attribution) if definition else (layer, "")
    response.headers["cache-control"] = "private, no-cache"
    return await who.state.terrain.document(who.principal, decision, name, attribution)


@router.get("/terrain/{layer}/{z}/{x}/{y}.terrain", summary="A terrain tile", responses=TILE, response_class=Response)
async def terrain_mesh(layer: str, z: int, x: int, y: int, request: Request, who: Who) -> Response:
    """Quantized-mesh 1.0, rows from the south; with normals of vertices where Accept names octvertexnormals."""
    decision = who.decide(layer)
    asked = MeshAsked(z, x, y, NORMALS in request.headers.get("accept", ""))
    headers = _headers(request, who, decision, asked)
    if request.headers.get("if-none-match") == headers["etag"]:
        return Response(status_code=304, headers=headers)
    body = await who.state.terrain.tile(who.principal, decision, asked)
    if "gzip" in request.headers.get("accept-encoding", ""):
        headers["content-encoding"] = "gzip"
    else:
        body = gzip.decompress(body)
    return Response(body, media_type=MEDIA_TYPE, headers=headers)


def _headers(request: Request, who: Caller, decision: Decision, asked: MeshAsked) -> dict[str, str]:
    """Immutable only for the address that layer.json gives, of a layer open to anyone; else asked for again."""
    version, mark = decision.collection.version, who.state.terrain.mark
    cached = "private, no-cache"
    if decision.collection.grade is Grade.PUBLIC and who.principal.role == "anonymous":
        named = (request.query_params.get("v"), request.query_params.get("u"))
        immutable = named == (str(version), mark)
        cached = "public, max-age=31536000, immutable" if immutable else "public, no-cache"
    form = f"{FORM}n" if asked.normals else f"{FORM}"
    return {
        "etag": f'"{version}-{decision.policy_class}-{mark}-{form}"',
        "cache-control": cached,
        "vary": "Accept, Accept-Encoding, Authorization, Cookie",
    }
