"""OGC API Tiles: tile matrix sets, tilesets and the vector tiles of a collection on every grid."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Response
from pydantic import BaseModel, ConfigDict, Field
from starlette.types import Receive, Scope, Send

from cim.errors import BadRequest
from cim.model.collection import BoundingBox
from cim.policy.policy import Decision
from tiles.grid import GRIDS, WEB_MERCATOR_QUAD, Grid, grid
from tiles.tilejson import WORLD, tile_fields
from web.parameters import CRS84
from web.state import Caller, caller
from web.tile_endpoint import TileEndpoint

router = APIRouter(tags=["OGC API Tiles"])
Who = Annotated[Caller, Depends(caller)]
MVT = "application/vnd.mapbox-vector-tile"
SCHEME = "http://www.opengis.net/def/rel/ogc/1.0/tiling-scheme"
CONFORMANCE = (
    "http://www.opengis.net/spec/ogcapi-common-2/1.0/conf/collections",
    "http://www.opengis.net/spec/ogcapi-tiles-1/1.0/conf/core",
    "http://www.opengis.net/spec/ogcapi-tiles-1/1.0/conf/tileset",
    "http://www.opengis.net/spec/ogcapi-tiles-1/1.0/conf/tilesets-list",
    "http://www.opengis.net/spec/ogcapi-tiles-1/1.0/conf/geodata-tilesets",
    "http://www.opengis.net/spec/ogcapi-tiles-1/1.0/conf/mvt",
    "http://www.opengis.net/spec/ogcapi-tiles-1/1.0/conf/oas30",
    "http://www.opengis.net/spec/tms/2.0/conf/tilematrixset",
    "http://www.opengis.net/spec/tms/2.0/conf/json-tilematrixset",
    "http://www.opengis.net/spec/tms/2.0/conf/tilesetmetadata",
    "http://www.opengis.net/spec/tms/2.0/conf/json-tilesetmetadata",
    "http://www.opengis.net/spec/tms/2.0/conf/tilematrixsetlimits",
    "http://www.opengis.net/spec/tms/2.0/conf/json-tilematrixsetlimits",
)


class TileParameters(BaseModel):
    """What a tile may be narrowed to; the tile's own endpoint reads them from the address."""

    model_config = ConfigDict(populate_by_name=True)
    v: str | None = Field(None, description="version of the layer; the current one makes the answer immutable")
    properties: str | None = Field(None, description="the attributes given out, parted by commas")
    filter: str | None = Field(None, description="CQL2")
    filter_lang: str | None = Field(None, alias="filter-lang", description="cql2-text or cql2-json")
    filter_crs: str | None = Field(None, alias="filter-crs", description="CRS of the geometries in filter")
    datetime: str | None = Field(None, description="an instant or interval: the version valid at it, or at its end")
    scenario: str | None = Field(None, description="a scenario to look at the layer under")


@router.get("/tileMatrixSets", operation_id="getTileMatrixSetsList", summary="Grids that tiles are offered on")
async def tile_matrix_sets(who: Who) -> dict[str, Any]:
    """The Web Mercator grid and the national geographic grid of CGCS2000."""
    href = f"{who.base}/tileMatrixSets"
    return {
        "links": [_link("self", href)],
        "tileMatrixSets": [
            {**_named(one), "crs": one.crs, "links": [_link("self", f"{href}/{one.id}", title=one.title)]}
            for one in GRIDS.values()
        ],
    }


@router.get("/tileMatrixSets/{tms}", operation_id="getTileMatrixSet", summary="One grid")
async def tile_matrix_set(tms: str, who: Who) -> dict[str, Any]:
    """Origin, cell sizes and counts of every matrix of a grid, as OGC Two Dimensional Tile Matrix Set JSON."""
    return grid(tms).document


@router.get("/tilesets", operation_id="getTileSetsList", summary="Tilesets of all layers the caller may read")
async def all_tilesets(who: Who) -> dict[str, Any]:
    """One tileset for each layer and grid."""
    decisions = [decision for decision in who.readable() if _is_drawn(decision)]
    found = [_tileset_item(who, decision, one) for decision in decisions for one in GRIDS.values()]
    return {"links": [_link("self", f"{who.base}/tilesets")], "tilesets": found}


@router.get(
    "/collections/{layer}/tiles", operation_id="collection.vector.getTileSetsList", summary="Tilesets of a layer"
)
async def tilesets(layer: str, who: Who) -> dict[str, Any]:
    """The layer's tileset on each grid."""
    decision = _drawn(who, layer)
    found = [_tileset_item(who, decision, one) for one in GRIDS.values()]
    return {"links": [_link("self", f"{who.base}/collections/{layer}/tiles")], "tilesets": found}


@router.get(
    "/collections/{layer}/tiles/{tms}", operation_id="collection.vector.getTileSet", summary="One tileset of a layer"
)
async def tileset(layer: str, tms: str, who: Who) -> dict[str, Any]:
    """Metadata of a layer's vector tiles on one grid: limits, extent, attributes and the address of a tile."""
    decision, one = _drawn(who, layer), grid(tms)
    href = f"{who.base}/collections/{layer}"
    address = f"{href}/tiles/{tms}/{{tileMatrix}}/{{tileRow}}/{{tileCol}}?v={decision.collection.version}"
    document = _tileset_item(who, decision, one)
    document["links"] += [
        {"rel": "item", "href": address, "type": MVT, "templated": True, "title": "A tile 瓦片"},
        _link("http://www.opengis.net/def/rel/ogc/1.0/geodata", href),
    ]
    if one.id == WEB_MERCATOR_QUAD:
        document["links"].append(_link("alternate", f"{who.base}/tiles/{layer}.json", title="TileJSON"))
    document |= {
        "tileMatrixSetLimits": _limits(who, decision, one),
        "boundingBox": _bounding_box(decision.collection.bbox or WORLD),
        "layers": [_layer(who, decision)],
    }
    definition = who.state.catalog.layers.get(layer)
    if definition and definition.attribution:
        document["attribution"] = definition.attribution
    return document


@router.get(
    "/collections/{layer}/tiles/{tms}/{z}/{row}/{col}",
    operation_id="collection.vector.getTile",
    summary="A vector tile of a layer",
    response_class=Response,
    responses={200: {"content": {MVT: {}}}, 204: {"description": "The layer has nothing in this tile"}},
)
async def tile(
    layer: str, tms: str, z: int, row: int, col: int, who: Who, narrowed: Annotated[TileParameters, Query()]
) -> Response:
    """A Mapbox Vector Tile; the row comes before the column. 204 where the layer has nothing."""
    return _TileAnswer(who)


class _TileAnswer(Response):
    """The answer of the one endpoint for vector tiles, which has its own way through caches and policy."""

    def __init__(self, who: Caller) -> None:
        super().__init__()
        self._endpoint = TileEndpoint(who.state)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer the request."""
        await self._endpoint(scope, receive, send)


def _is_drawn(decision: Decision) -> bool:
    return decision.collection.schema.geometry != "none"


def _drawn(who: Caller, layer: str) -> Decision:
    decision = who.decide(layer)
    if not _is_drawn(decision):
        raise BadRequest(
            f"layer {layer} is a table without geometry", where="layer", remedy=f"read it at /collections/{layer}/items"
        )
    return decision


def _named(one: Grid) -> dict[str, Any]:
    uri = one.document.get("uri")
    return {"id": one.id, "title": one.title, **({"uri": uri} if uri else {})}


def _tileset_item(who: Caller, decision: Decision, one: Grid) -> dict[str, Any]:
    layer = decision.collection.id
    definition = who.state.catalog.layers.get(layer)
    title = f"{definition.title.zh} {definition.title.en}" if definition else layer
    scheme = f"{who.base}/tileMatrixSets/{one.id}"
    return {
        "title": f"{title} · {one.id}",
        "dataType": "vector",
        "crs": one.crs,
        "tileMatrixSetURI": one.document.get("uri") or scheme,
        "links": [
            _link("self", f"{who.base}/collections/{layer}/tiles/{one.id}"),
            _link(SCHEME, scheme, title=one.title),
        ],
    }


def _limits(who: Caller, decision: Decision, one: Grid) -> list[dict[str, Any]]:
    definition = who.state.catalog.layers.get(decision.collection.id)
    minzoom = definition.tiles.minzoom if definition else 0
    return [
        {
            "tileMatrix": str(limits.z),
            "minTileRow": limits.min_row,
            "maxTileRow": limits.max_row,
            "minTileCol": limits.min_column,
            "maxTileCol": limits.max_column,
        }
        for limits in one.limits(decision.collection.bbox or WORLD, minzoom, one.maxzoom)
    ]


def _bounding_box(extent: BoundingBox) -> dict[str, Any]:
    return {"lowerLeft": list(extent[:2]), "upperRight": list(extent[2:]), "crs": CRS84}


def _layer(who: Caller, decision: Decision) -> dict[str, Any]:
    schema = decision.collection.schema
    definition = who.state.catalog.layers.get(schema.id)
    known = {field.name: field for field in decision.fields}
    dimension = 0 if schema.geometry.endswith("Point") else 1 if schema.geometry.endswith("LineString") else 2
    kinds = {"integer": "integer", "bigint": "integer", "double": "number", "boolean": "boolean"}
    return {
        "id": schema.id,
        "title": definition.title.zh if definition else schema.id,
        "dataType": "vector",
        "geometryDimension": dimension,
        "propertiesSchema": {
            "type": "object",
            "properties": {
                name: {"type": kinds.get(known[name].type, "string")} for name in tile_fields(decision, definition)
            },
        },
    }


def _link(rel: str, href: str, kind: str = "application/json", title: str = "") -> dict[str, Any]:
    return {"rel": rel, "href": href, "type": kind, **({"title": title} if title else {})}
