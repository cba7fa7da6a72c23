"""OGC API Features: collections and items."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import JSONResponse, Response

from cim.errors import NotFound
from cim.policy.policy import Decision, read_context
from cim.store.features import Feature, FeatureQuery, count_features, one_feature, page_of_features
from layers.kinds import described
from web.axes import swapped
from web.city_files import object_as_cityjson, shapes_of
from web.items import (
    KNOWN,
    ItemView,
    Pairs,
    Parameters,
    after_token,
    in_its_state,
    is_plain,
    items_query,
    offered_srids,
    page_address,
)
from web.parameters import CRS84, LAT_FIRST, NORTH_FIRST, crs_uri, parse_crs
from web.result_files import result_file
from web.state import Caller, caller

router = APIRouter(tags=["features"])
GEOJSON = "application/geo+json"
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
async def schema(layer: str, who: Who) -> JSONResponse:
    """Visible fields with type, title and unit."""
    return _schema_document(layer, who, who.decide(layer), "schema")


@router.get("/collections/{layer}/queryables", summary="Fields that can be asked for")
async def queryables(layer: str, who: Who) -> JSONResponse:
    """Visible fields, and ``geom``, for filters."""
    return _schema_document(layer, who, who.decide(layer), "queryables")


def _schema_document(layer: str, who: Caller, decision: Decision, name: str) -> JSONResponse:
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
    geometry = decision.collection.schema.geometry
    if name == "queryables" and geometry != "none":
        properties["geom"] = {"format": f"geometry-{geometry.lower()}", "x-ogc-role": "primary-geometry"}
    document = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"{who.base}/collections/{layer}/{name}",
        "type": "object",
        "title": definition.title.zh if definition else layer,
        "properties": properties,
        "additionalProperties": False,
    }
    return JSONResponse(document, media_type="application/schema+json")


@router.get("/collections/{layer}/items", summary="Features of a layer", response_class=JSONResponse)
async def items(
    layer: str,
    who: Who,
    request: Request,
    asked: Parameters,
) -> Response:
    """A page of features: those that meet the box, the filter and the values of fields given as ``name=value``.

    They come in fid order, or sorted. ``limit`` above the server's most is cut to it, as the standard asks. With
    ``f=gpkg``, ``shp``, ``csv``, ``xlsx`` or ``geojson`` all that is found comes as one file.
    """
    decision = who.decide(layer)
    given = request.query_params.multi_items()
    others = [(name, value) for name, value in given if name not in KNOWN]
    query = items_query(decision, asked, others, who.state.settings.page_limit)
    if asked.f not in (None, "json"):
        return await result_file(who, query, asked, asked.f)
    srid = parse_crs(asked.crs, offered_srids(decision))
    async with who.state.database.reading(read_context(who.principal, who.request_id)) as connection:
        query, state = await in_its_state(connection, who, query, asked)
        found = await page_of_features(connection, query)
        matched = state.feature_count if is_plain(query) else await count_features(connection, query)
    limit = query.limit - 1
    page = found[:limit]
    document = {
        "type": "FeatureCollection",
        "features": [_geojson(feature, srid) for feature in page],
        "version": state.number,
        "timeStamp": datetime.now(UTC).isoformat(timespec="seconds"),
        "numberMatched": matched,
        "numberReturned": len(page),
        "links": _page_links(who, layer, given, limit, after_token(page[-1]) if len(found) > limit else None),
    }
    headers = {"content-crs": f"<{crs_uri(srid)}>", "etag": f'W/"{state.tag}"'}
    return JSONResponse(document, media_type=GEOJSON, headers=headers)


@router.get("/collections/{layer}/items/{fid}", summary="One feature")
async def item(layer: str, fid: int, who: Who, asked: Annotated[ItemView, Query()]) -> JSONResponse:
    """One feature by its stable id, now or as it was.

    One of a layer of city objects tells its levels of detail and the areas of its surfaces as ``shapes``;
    ``f=cityjson`` gives it whole.
    """
    decision = who.decide(layer)
    srid = parse_crs(asked.crs, offered_srids(decision))
    query = FeatureQuery(decision.collection, decision.field_names, decision.regions, srid=srid or 4490)
    feature = None
    if 0 <= fid < 2**63:
        async with who.state.database.reading(read_context(who.principal, who.request_id)) as connection:
            query, _ = await in_its_state(connection, who, query, asked)
            feature = await one_feature(connection, query, fid)
    if feature is None:
        raise NotFound(f"layer {layer} has no feature {fid}", where="fid", remedy="it may have ended; see items")
    if asked.f == "cityjson":
        return JSONResponse(await object_as_cityjson(who, query, feature), media_type="application/city+json")
    document = _geojson(feature, srid)
    if query.collection.schema.kind == "city":
        document["shapes"] = await shapes_of(who, layer, feature)
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


def _link(rel: str, href: str, kind: str) -> dict[str, str]:
    return {"rel": rel, "href": href, "type": kind}


def _collection(who: Caller, decision: Decision) -> dict[str, Any]:
    held = decision.collection
    definition = who.state.catalog.layers.get(held.id)
    href = f"{who.base}/collections/{held.id}"
    document: dict[str, Any] = {
        "id": held.id,
        "title": f"{definition.title.zh} {definition.title.en}" if definition else held.id,
        "description": described(definition.description if definition else None, held.schema.kind).zh,
        "attribution": definition.attribution if definition else "",
        "itemType": "feature",
        "crs": [CRS84, *(crs_uri(srid) for srid in sorted(offered_srids(decision)))],
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


def _page_links(who: Caller, layer: str, given: Pairs, limit: int, after: str | None) -> Sequence[dict[str, str]]:
    collection_href = f"{who.base}/collections/{layer}"
    href = f"{collection_href}/items"
    links = [
        _link("self", page_address(href, given, limit, dict(given).get("after")), GEOJSON),
        _link("collection", collection_href, "application/json"),
    ]
    return [*links, _link("next", page_address(href, given, limit, after), GEOJSON)] if after else links
