"""Pictures and terrain of raster layers: XYZ tiles, OGC API map tiles, TileJSON."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response

from cim.model.access import Grade
from cim.policy.policy import Decision
from layers.definition import LayerDefinition
from layers.raster_styles import DEFAULT_RELIEF_M
from tiles.grid import WEB_MERCATOR_QUAD
from tiles.raster import TileAsked
from tiles.raster_encoding import MEDIA_TYPES, PictureForm
from tiles.raster_looks import look_of
from tiles.raster_tilejson import raster_tilejson, terrain_tilejson
from web.state import Caller, caller

router = APIRouter(tags=["rasters"])
FORM = 1
"""Part of each ETag: a change in how pictures are drawn makes another one."""
Who = Annotated[Caller, Depends(caller)]
Style = Annotated[
    str | None,
    Query(description="shaded-relief, relief, hillshade, slope or value of heights; natural of pictures"),
]
PICTURE: dict[int | str, dict[str, Any]] = {
    200: {"description": "a tile, transparent where no image is", "content": {"image/png": {}, "image/webp": {}}}
}


@router.get("/rasters/{layer}.json", summary="TileJSON of a layer's pictures")
async def raster_document(layer: str, who: Who, style: Style = None) -> dict[str, Any]:
    """The versioned tile address in a style, zooms and bounds."""
    decision = who.decide(layer)
    facts = await who.state.rasters.facts(who.principal, decision)
    if facts is not None:
        look_of(facts, style, DEFAULT_RELIEF_M)
    return raster_tilejson(who.base, decision, _definition(who, decision), facts, style)


@router.get("/terrain/{layer}.json", summary="TileJSON of a layer's heights")
async def terrain_document(layer: str, who: Who) -> dict[str, Any]:
    """The versioned tile address, the encoding and the height system."""
    decision = who.decide(layer)
    facts = await who.state.rasters.facts(who.principal, decision)
    return terrain_tilejson(who.base, decision, _definition(who, decision), facts)


@router.get("/rasters/{layer}/{z}/{x}/{y}.png", summary="A picture tile", responses=PICTURE, response_class=Response)
async def png_tile(layer: str, z: int, x: int, y: int, request: Request, who: Who, style: Style = None) -> Response:
    """A tile of WebMercatorQuad as PNG."""
    return await _picture(request, who, layer, TileAsked(WEB_MERCATOR_QUAD, z, x, y, "png"), style)


@router.get("/rasters/{layer}/{z}/{x}/{y}.webp", summary="A picture tile", responses=PICTURE, response_class=Response)
async def webp_tile(layer: str, z: int, x: int, y: int, request: Request, who: Who, style: Style = None) -> Response:
    """A tile of WebMercatorQuad as WebP."""
    return await _picture(request, who, layer, TileAsked(WEB_MERCATOR_QUAD, z, x, y, "webp"), style)


@router.get(
    "/collections/{layer}/map/tiles/{tms}/{z}/{row}/{col}",
    summary="A map tile (OGC API Tiles)",
    responses=PICTURE,
    response_class=Response,
)
async def map_tile(
    layer: str,
    tms: str,
    z: int,
    row: int,
    col: int,
    request: Request,
    who: Who,
    style: Style = None,
    f: Annotated[PictureForm | None, Query(description="png or webp; by Accept when absent")] = None,
) -> Response:
    """A tile of WebMercatorQuad or CGCS2000Quad; the row comes before the column."""
    form = f or _accepted(request.headers.get("accept", ""))
    return await _picture(request, who, layer, TileAsked(tms, z, col, row, form), style)


@router.get(
    "/terrain/{layer}/rgb/{z}/{x}/{y}.png", summary="A tile of heights", responses=PICTURE, response_class=Response
)
async def terrain_tile(layer: str, z: int, x: int, y: int, request: Request, who: Who) -> Response:
    """Heights as Mapbox RGB; 0 m where none is known."""
    decision = who.decide(layer)
    headers = _headers(request, who, decision)
    if request.headers.get("if-none-match") == headers["etag"]:
        return Response(status_code=304, headers=headers)
    asked = TileAsked(WEB_MERCATOR_QUAD, z, x, y)
    body = await who.state.rasters.terrain(who.principal, decision, asked)
    return Response(body, media_type=MEDIA_TYPES["png"], headers=headers)


async def _picture(request: Request, who: Caller, layer: str, asked: TileAsked, style: str | None) -> Response:
    decision = who.decide(layer)
    headers = _headers(request, who, decision)
    if request.headers.get("if-none-match") == headers["etag"]:
        return Response(status_code=304, headers=headers)
    definition = _definition(who, decision)
    relief_m = definition.raster.relief_m if definition else DEFAULT_RELIEF_M
    body = await who.state.rasters.picture(who.principal, decision, asked, style, relief_m)
    return Response(body, media_type=MEDIA_TYPES[asked.form], headers=headers)


def _headers(request: Request, who: Caller, decision: Decision) -> dict[str, str]:
    """Immutable only for a versioned address of a layer open to anyone; everything graded is asked for again."""
    version = decision.collection.version
    cached = "private, no-cache"
    if decision.collection.grade is Grade.PUBLIC and who.principal.role == "anonymous":
        immutable = request.query_params.get("v") == str(version)
        cached = "public, max-age=31536000, immutable" if immutable else "public, no-cache"
    return {
        "etag": f'"{version}-{decision.policy_class}-{FORM}"',
        "cache-control": cached,
        "vary": "Accept, Authorization, Cookie",
    }


def _accepted(accept: str) -> PictureForm:
    return "webp" if "image/webp" in accept and "image/png" not in accept else "png"


def _definition(who: Caller, decision: Decision) -> LayerDefinition | None:
    return who.state.catalog.layers.get(decision.collection.id)
