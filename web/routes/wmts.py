"""Web Map Tile Service 1.0.0, by key-value parameters and by REST addresses: pictures and vector tiles of layers."""

import gzip
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from cim.errors import CimError, NotFound
from cim.policy.policy import Decision
from tiles.grid import GRIDS, TILE_PIXELS, Grid
from tiles.picture_tiles import first_zoom, tile_window
from tiles.tilejson import WORLD
from web.ogc.caching import caching_headers, is_known, of_stand_in
from web.ogc.faults import OWS_11, OgcFault, ows_report
from web.ogc.feature_info import FORMATS as INFO_FORMATS
from web.ogc.feature_info import feature_info
from web.ogc.kvp import Parameters
from web.ogc.map_layers import decided_layers, drawable, picture_layer
from web.ogc.wmts_capabilities import FORMATS, MVT, STYLE, capabilities
from web.problems import status_of
from web.state import Caller, caller
from web.tile_contents import layer_tile

router = APIRouter(tags=["WMTS"])
Who = Annotated[Caller, Depends(caller)]
MAX_FEATURES = 10
_OPERATIONS = ("GetCapabilities", "GetTile", "GetFeatureInfo")
_SUFFIXES = {suffix: kind for kind, suffix in FORMATS.items()}


@dataclass(frozen=True, slots=True)
class _Tile:
    grid: Grid
    z: int
    x: int
    y: int


@router.get("/wmts", summary="Web Map Tile Service 1.0.0 by key-value parameters", response_class=Response)
async def wmts(request: Request, who: Who) -> Response:
    """GetCapabilities, GetTile and GetFeatureInfo; errors are OWS exception reports."""
    parameters = Parameters(request.query_params.multi_items())
    try:
        if parameters.need("service").upper() != "WMTS":
            raise OgcFault("InvalidParameterValue", "this is the WMTS", where="SERVICE", remedy="write SERVICE=WMTS")
        operation = parameters.need("request").lower()
        if operation == "getcapabilities":
            if parameters.has("acceptversions") and "1.0.0" not in parameters.items("acceptversions"):
                raise OgcFault("VersionNegotiationFailed", "this is version 1.0.0", remedy="write AcceptVersions=1.0.0")
            return _capabilities(who)
        if operation not in ("gettile", "getfeatureinfo"):
            raise OgcFault(
                "InvalidParameterValue",
                f"there is no operation {operation[:60]!r}",
                where="REQUEST",
                remedy=", ".join(_OPERATIONS),
            )
        layer, style = parameters.need("layer"), parameters.need("style")
        kind = parameters.need("format")
        tile = _find_tile(
            parameters.need("tilematrixset"),
            parameters.need("tilematrix"),
            parameters.whole("tilerow"),
            parameters.whole("tilecol"),
        )
        if operation == "gettile":
            return await _tile(request, who, layer, style, tile, kind)
        _check_style(style)
        pixel = _pixel(parameters)
        parameters.need("infoformat")
        return await _info(who, layer, tile, pixel, parameters.one_of("infoformat", INFO_FORMATS))
    except NotFound as error:
        return _fault(error, 400)
    except CimError as error:
        return _fault(error)


@router.get("/wmts/1.0.0/WMTSCapabilities.xml", summary="WMTS capabilities", response_class=Response)
async def rest_capabilities(request: Request, who: Who) -> Response:
    """The capabilities document at the address REST clients look for; 406 for a caller that takes no XML."""
    accepted = request.headers.get("accept", "*/*")
    if not any(kind in accepted for kind in ("xml", "*/*", "application/*", "text/*")):
        return Response("the capabilities are application/xml\n", 406, media_type="text/plain")
    return _capabilities(who)


@router.get(
    "/wmts/rest/{layer}/{style}/{tms}/{matrix}/{row}/{col}.{suffix}",
    summary="A WMTS tile by its address",
    response_class=Response,
)
async def rest_tile(
    layer: str, style: str, tms: str, matrix: str, row: str, col: str, suffix: str, request: Request, who: Who
) -> Response:
    """A tile as PNG or, with the suffix mvt, as vector tile."""
    try:
        place = Parameters([("tilerow", row), ("tilecol", col)])
        tile = _find_tile(tms, matrix, place.whole("tilerow"), place.whole("tilecol"))
        return await _tile(request, who, layer, style, tile, _SUFFIXES.get(suffix, suffix))
    except CimError as error:
        return _fault(error)


@router.get(
    "/wmts/rest/{layer}/{style}/{tms}/{matrix}/{row}/{col}/{j}/{i}.json",
    summary="What is at a pixel of a WMTS tile",
    response_class=Response,
)
async def rest_info(
    layer: str, style: str, tms: str, matrix: str, row: str, col: str, j: str, i: str, who: Who
) -> Response:
    """Features at column ``i`` and row ``j`` of a tile as GeoJSON."""
    try:
        place = Parameters([("tilerow", row), ("tilecol", col), ("i", i), ("j", j)])
        tile = _find_tile(tms, matrix, place.whole("tilerow"), place.whole("tilecol"))
        _check_style(style)
        return await _info(who, layer, tile, _pixel(place), INFO_FORMATS[0])
    except CimError as error:
        return _fault(error)


def _capabilities(who: Caller) -> Response:
    content = capabilities(who, drawable(who))
    return Response(content, media_type="application/xml", headers={"cache-control": "private, no-cache"})


def _find_tile(tms: str, matrix: str, row: int, col: int) -> _Tile:
    grid = GRIDS.get(tms)
    if grid is None:
        raise OgcFault(
            "InvalidParameterValue",
            f"there is no tile matrix set {tms[:60]!r}",
            where="TileMatrixSet",
            remedy=f"use {' or '.join(GRIDS)}",
        )
    text = matrix.rsplit(":", 1)[-1]
    z = int(text) if text.isascii() and text.isdigit() and len(text) < 4 else -1
    if not grid.minzoom <= z <= grid.maxzoom:
        raise OgcFault(
            "InvalidParameterValue",
            f"there is no matrix {matrix[:60]!r}",
            where="TileMatrix",
            remedy=f"matrices of {tms} are {grid.minzoom} to {grid.maxzoom}",
        )
    for name, value, side in (("TileRow", row, grid.rows(z)), ("TileCol", col, grid.columns(z))):
        if value >= side:
            raise OgcFault("TileOutOfRange", f"{name} is {value}", where=name, remedy=f"it is 0 to {side - 1}")
    return _Tile(grid, z, col, row)


def _pixel(parameters: Parameters) -> tuple[int, int]:
    found = parameters.whole("i"), parameters.whole("j")
    for name, value in zip("IJ", found, strict=True):
        if value >= TILE_PIXELS:
            remedy = f"it is 0 to {TILE_PIXELS - 1}"
            raise OgcFault("TileOutOfRange", f"{name} is {value}", where=name, remedy=remedy)
    return found


def _check_limits(who: Caller, decision: Decision, tile: _Tile) -> None:
    """Tiles of a matrix the layer is shown in lie within its limits."""
    extent = decision.collection.bbox or WORLD
    if tile.z < first_zoom(tile.grid, picture_layer(who, decision)):
        return
    (limit,) = tile.grid.limits(extent, tile.z, tile.z)
    rows, columns = (limit.min_row, limit.max_row), (limit.min_column, limit.max_column)
    for name, value, (least, most) in (("TileRow", tile.y, rows), ("TileCol", tile.x, columns)):
        if not least <= value <= most:
            remedy = f"the layer's are {least} to {most}"
            raise OgcFault("TileOutOfRange", f"{name} is {value}", where=name, remedy=remedy)


def _check_style(style: str) -> None:
    if style not in ("", STYLE):
        raise OgcFault(
            "InvalidParameterValue", f"there is no style {style[:60]!r}", where="Style", remedy=f"use {STYLE}"
        )


async def _tile(request: Request, who: Caller, layer: str, style: str, tile: _Tile, kind: str) -> Response:
    kind = kind.lower()
    if kind not in FORMATS:
        raise OgcFault(
            "InvalidParameterValue", f"{kind[:60]!r} is not offered", where="Format", remedy=", ".join(FORMATS)
        )
    decisions = decided_layers(who, [layer], "Layer")
    _check_style(style)
    _check_limits(who, decisions[0], tile)
    headers = caching_headers(who, decisions, request.query_params.get("v"), kind)
    if is_known(request, headers):
        return Response(status_code=304, headers=headers)
    if kind == MVT:
        packed = await layer_tile(who, layer, tile.grid, tile.z, tile.x, tile.y)
        return Response(gzip.decompress(packed) if packed else b"", media_type=kind, headers=headers)
    chosen = picture_layer(who, decisions[0])
    picture = await who.state.picture_tiles.tile(
        who.principal, chosen, tile.grid, tile.z, tile.x, tile.y, who.request_id
    )
    return Response(picture.data, media_type=kind, headers=of_stand_in(headers) if picture.stand_in else headers)


async def _info(who: Caller, layer: str, tile: _Tile, pixel: tuple[int, int], kind: str) -> Response:
    decisions = decided_layers(who, [layer], "Layer")
    _check_limits(who, decisions[0], tile)
    window = tile_window(tile.grid, tile.z, tile.x, tile.y)
    return await feature_info(who, decisions, window, pixel, kind, MAX_FEATURES)


def _fault(error: CimError, status: int | None = None) -> Response:
    report = ows_report(error, OWS_11, "1.0.0")
    return Response(report, status or status_of(error), {"cache-control": "no-store"}, "application/xml")
