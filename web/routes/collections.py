"""OGC API Features: collections and items."""

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from fastapi.responses import JSONResponse

from cim.errors import BadRequest, NotFound
from cim.policy.policy import Decision, read_context
from cim.store.collections import the_collection
from cim.store.features import Feature, FeatureQuery, count_features, one_feature, page_of_features
from web.axes import swapped
from web.parameters import CRS84, LAT_FIRST, NORTH_FIRST, crs_uri, parse_bbox, parse_crs
from web.state import Caller, caller

router = APIRouter(tags=["features"])
GEOJSON = "application/geo+json"
MAX_COUNT_MS = 5_000
Who = Annotated[Caller, Depends(caller)]


@router.get("/collections", summary="Layers the caller may read")
async def collections(who: Who) -> dict[str, Any]:
    """Every readable layer with its extent and version."""
    return {
        "links": [_link("self", f"{who.base}/collections", "application/json")],
        "collections": [_collection(who, decision) for decision in who.readable()],
    }


@router.get("/collections/{layer}", summary="One layer")
async def collection(layer: str, who: Who) -> dict[str, Any]:
    """One readable layer with its extent and version."""
    return _collection(who, who.decide(layer))


@router.get("/collections/{layer}/schema", summary="The layer's fields as JSON Schema")
@router.get("/collections/{layer}/queryables", summary="Fields that can be asked for")
async def schema(layer: str, who: Who) -> JSONResponse:
    """Visible fields with type, title and unit."""
    decision = who.decide(layer)
    definition = who.state.catalog.layers.get(layer)
    titles = {field.name: field for field in definition.fields} if definition else {}
    properties: dict[str, Any] = {}
    for field in decision.fields:
        entry: dict[str, Any] = dict(_JSON_SCHEMA[field.type])
        known = titles.get(field.name)
        if known:
            entry["title"] = f"{known.title.zh} {known.title.en}"
            if known.unit:
                entry["x-ogc-unit"] = known.unit
        properties[field.name] = entry
    document = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"{who.base}/collections/{layer}/schema",
        "type": "object",
        "title": definition.title.zh if definition else layer,
        "properties": properties,
    }
    return JSONResponse(document, media_type="application/schema+json")


@router.get("/collections/{layer}/items", summary="Features of a layer")
async def items(
    layer: str,
    who: Who,
    bbox: Annotated[str | None, Query(description="west,south,east,north")] = None,
    limit: Annotated[int, Query(ge=1, description="features a page")] = 10,
    after: Annotated[int, Query(ge=0, description="last fid of the page before")] = 0,
    crs: Annotated[str | None, Query(description="CRS of the geometries given out")] = None,
    bbox_crs: Annotated[str | None, Query(alias="bbox-crs", description="CRS of bbox; CRS84 only")] = None,
) -> JSONResponse:
    """A page of features in fid order. ``limit`` above the server's most is cut to it, as the standard asks."""
    decision = who.decide(layer)
    if bbox_crs not in (None, CRS84):
        raise BadRequest("boxes are read in CRS84 only", where="bbox-crs", remedy="give longitude and latitude")
    srid = parse_crs(crs, _offered_crs(decision))
    limit = min(limit, who.state.settings.page_limit)
    query = FeatureQuery(
        decision.collection, decision.field_names, decision.regions, parse_bbox(bbox), after, limit + 1, srid or 4490
    )
    async with who.state.database.reading(read_context(who.principal, who.request_id)) as connection:
        found = await page_of_features(connection, query)
        held = await the_collection(connection, layer)
        plain = bbox is None and decision.regions is None
        matched = held.feature_count if plain else await count_features(connection, query)
    page = found[:limit]
    document = {
        "type": "FeatureCollection",
        "features": [_geojson(feature, srid) for feature in page],
        "numberMatched": matched,
        "numberReturned": len(page),
        "links": _page_links(who, layer, limit, bbox, crs, page[-1].fid if len(found) > limit else None),
    }
    headers = {"content-crs": f"<{crs_uri(srid)}>", "etag": f'W/"{held.version}"'}
    return JSONResponse(document, media_type=GEOJSON, headers=headers)


@router.get("/collections/{layer}/items/{fid}", summary="One feature")
async def item(layer: str, fid: int, who: Who, crs: str | None = None) -> JSONResponse:
    """One feature by its stable id."""
    decision = who.decide(layer)
    srid = parse_crs(crs, _offered_crs(decision))
    query = FeatureQuery(decision.collection, decision.field_names, decision.regions, srid=srid or 4490)
    feature = None
    if 0 <= fid < 2**63:
        async with who.state.database.reading(read_context(who.principal, who.request_id)) as connection:
            feature = await one_feature(connection, query, fid)
    if feature is None:
        raise NotFound(f"layer {layer} has no feature {fid}", where="fid", remedy="it may have ended; see items")
    document = _geojson(feature, srid)
    href = f"{who.base}/collections/{layer}"
    document["links"] = [_link("self", f"{href}/items/{fid}", GEOJSON), _link("collection", href, "application/json")]
    return JSONResponse(document, media_type=GEOJSON, headers={"content-crs": f"<{crs_uri(srid)}>"})


_JSON_SCHEMA: dict[str, dict[str, str]] = {
    "text": {"type": "string"},
    "integer": {"type": "integer"},
    "bigint": {"type": "integer"},
    "double": {"type": "number"},
    "boolean": {"type": "boolean"},
    "date": {"type": "string", "format": "date"},
    "timestamp": {"type": "string", "format": "date-time"},
}


def _offered_crs(decision: Decision) -> frozenset[int]:
    return frozenset({4490, 3857, 4326, decision.collection.schema.srid})


def _link(rel: str, href: str, kind: str) -> dict[str, str]:
    return {"rel": rel, "href": href, "type": kind}


def _collection(who: Caller, decision: Decision) -> dict[str, Any]:
    held = decision.collection
    definition = who.state.catalog.layers.get(held.id)
    href = f"{who.base}/collections/{held.id}"
    document: dict[str, Any] = {
        "id": held.id,
        "title": f"{definition.title.zh} {definition.title.en}" if definition else held.id,
        "description": definition.description.zh if definition else "",
        "attribution": definition.attribution if definition else "",
        "itemType": "feature",
        "crs": [CRS84, *(crs_uri(srid) for srid in sorted(_offered_crs(decision)))],
        "storageCrs": crs_uri(held.schema.srid),
        "grade": str(held.grade),
        "version": held.version,
        "links": [
            _link("self", href, "application/json"),
            _link("items", f"{href}/items", GEOJSON),
            _link("http://www.opengis.net/def/rel/ogc/1.0/queryables", f"{href}/queryables", "application/schema+json"),
            _link("alternate", f"{who.base}/tiles/{held.id}.json", "application/json"),
            _link("http://www.opengis.net/def/rel/ogc/1.0/tilesets-vector", f"{href}/tiles", "application/json"),
        ],
    }
    if held.bbox:
        document["extent"] = {"spatial": {"bbox": [list(held.bbox)], "crs": CRS84}}
    return document


def _geojson(feature: Feature, srid: int | None) -> dict[str, Any]:
    geometry = feature.geometry
    if geometry is not None and srid is not None and (srid in LAT_FIRST or srid in NORTH_FIRST):
        geometry = swapped(geometry)
    return {"type": "Feature", "id": feature.fid, "geometry": geometry, "properties": _plain(feature.properties)}


def _plain(properties: dict[str, Any]) -> dict[str, Any]:
    return {k: v.isoformat() if hasattr(v, "isoformat") else v for k, v in properties.items()}


def _page_links(
    who: Caller, layer: str, limit: int, bbox: str | None, crs: str | None, last: int | None
) -> Sequence[dict[str, str]]:
    href = f"{who.base}/collections/{layer}/items?limit={limit}"
    href += f"&bbox={bbox}" if bbox else ""
    href += f"&crs={crs}" if crs else ""
    links = [_link("self", href, GEOJSON), _link("collection", f"{who.base}/collections/{layer}", "application/json")]
    return [*links, _link("next", f"{href}&after={last}", GEOJSON)] if last is not None else links
