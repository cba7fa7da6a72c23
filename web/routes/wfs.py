"""Web Feature Service 2.0.0, reading: features as GML 3.2 or GeoJSON for desktops that speak nothing newer."""

import json
from dataclasses import dataclass, replace
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Request, Response

from cim.errors import CimError, NotFound
from cim.filters.compiler import compile_node
from cim.filters.scope import FieldScope
from cim.model.collection import BoundingBox
from cim.policy.policy import Decision, read_context
from cim.store.features import Feature, FeatureQuery, count_features, page_of_features
from cim.store.paging import fid_before, with_fids
from tiles.picture_window import transformer
from web.axes import swapped
from web.ogc import wfs_documents as documents
from web.ogc.faults import OWS_11, OgcFault, ows_report
from web.ogc.fes import FilterReader, read_xml, resource_ids
from web.ogc.kvp import Parameters
from web.ogc.systems import System, find_system
from web.ogc.wfs_documents import BY_ID, GML_FORMAT, JSON_FORMAT, OPERATIONS
from web.ogc.xml_names import plain_name
from web.problems import status_of
from web.state import Caller, caller

router = APIRouter(tags=["WFS"])
MAX_TYPES = 60
MAX_IDS = 1_000
TIMEOUT_MS = 8_000
_JSON_WORDS = ("application/geo+json", "application/json", "json", "geojson")
_GML_WORDS = (
    "application/gml+xml;+version=3.2",
    "application/gml+xml;version=3.2",
    "application/gml+xml",
    "text/xml;+subtype=gml/3.2",
    "text/xml;+subtype=gml/3.2.1",
    "text/xml;subtype=gml/3.2.1",
    "gml3",
    "gml32",
)
"""A plus sign that was not escaped arrives as a space, so both are written alike before the comparison."""


@dataclass(frozen=True, slots=True)
class _Page:
    query: FeatureQuery
    start: int
    count: int


@router.get("/wfs", summary="Web Feature Service 2.0.0, reading", response_class=Response)
async def wfs(request: Request, who: Annotated[Caller, Depends(caller)]) -> Response:
    """GetCapabilities, DescribeFeatureType, GetFeature and the stored queries; errors are OWS exception reports."""
    parameters = Parameters(request.query_params.multi_items())
    try:
        if parameters.get("service", "WFS").upper() != "WFS":
            raise OgcFault("InvalidParameterValue", "this is the WFS", where="SERVICE", remedy="write SERVICE=WFS")
        operation = parameters.one_of("request", OPERATIONS)
        if operation == "GetCapabilities":
            return _capabilities(who, parameters)
        _check_version(parameters)
        if operation == "GetFeature":
            return await _features(who, parameters)
        if operation == "DescribeFeatureType":
            names = _names(parameters)
            decisions = [who.decide(name) for name in names] if names else who.readable()
            return _xml(documents.schema(who, decisions), "application/gml+xml; version=3.2")
        described = operation == "DescribeStoredQueries"
        return _xml(documents.stored_queries(who.readable(), described=described))
    except CimError as error:
        report = ows_report(error, OWS_11, "2.0.0")
        return Response(report, status_of(error), {"cache-control": "no-store"}, "application/xml")


def _capabilities(who: Caller, parameters: Parameters) -> Response:
    wanted = parameters.items("acceptversions") or [parameters.get("version", "2.0.0")]
    if not any(version.startswith("2.0") for version in wanted):
        raise OgcFault("VersionNegotiationFailed", "this is WFS 2.0.0", where="AcceptVersions", remedy="ask for 2.0.0")
    return _xml(documents.capabilities(who, who.readable(), who.state.settings.page_limit))


def _check_version(parameters: Parameters) -> None:
    if not parameters.get("version", "2.0.0").startswith("2.0"):
        raise OgcFault("InvalidParameterValue", "this is WFS 2.0.0", where="VERSION", remedy="write VERSION=2.0.0")


async def _features(who: Caller, parameters: Parameters) -> Response:
    if parameters.has("storedquery_id"):
        return await _stored_query(who, parameters)
    decision = _one_type(who, parameters)
    system = find_system(parameters.get("srsname", "EPSG:4490"), where="SRSNAME")
    page = _page(who, parameters, decision, system)
    hits = parameters.one_of("resulttype", ("results", "hits"), "results") == "hits"
    as_json = _is_json(parameters)
    found: list[Feature] = []
    async with who.state.database.reading(read_context(who.principal, who.request_id, TIMEOUT_MS)) as connection:
        matched = await count_features(connection, page.query)
        if not hits and page.count > 0:
            after = await fid_before(connection, page.query, page.start)
            if after is not None:
                found = await page_of_features(connection, replace(page.query, after=after))
    pages = {} if hits else _pages(who, parameters, page, matched)
    if as_json:
        return _json(decision, found, system, matched, pages)
    content = documents.features(who, decision, found, system, matched=matched, returned=len(found), pages=pages)
    return _xml(content, GML_FORMAT)


async def _stored_query(who: Caller, parameters: Parameters) -> Response:
    if parameters.get("storedquery_id") not in (BY_ID, "http://www.opengis.net/def/query/OGC-WFS/0/GetFeatureById"):
        raise OgcFault(
            "InvalidParameterValue", "there is no such stored query", where="STOREDQUERY_ID", remedy=f"use {BY_ID}"
        )
    name = parameters.need("id")
    layer, fid = _feature_id(name)
    decision = who.decide(layer)
    system = find_system(parameters.get("srsname", "EPSG:4490"), where="SRSNAME")
    query = FeatureQuery(
        decision.collection,
        decision.field_names,
        decision.regions,
        where=(with_fids([fid]),),
        limit=1,
        srid=system.srid,
    )
    async with who.state.database.reading(read_context(who.principal, who.request_id, TIMEOUT_MS)) as connection:
        found = await page_of_features(connection, query)
    if not found:
        raise NotFound(f"there is no feature {name[:80]!r}", where="ID", remedy="it may have ended; see GetFeature")
    if _is_json(parameters):
        return _json(decision, found, system, 1, {})
    return _xml(documents.one_feature(decision, found[0], system), GML_FORMAT)


def _page(who: Caller, parameters: Parameters, decision: Decision, system: System) -> _Page:
    most = who.state.settings.page_limit
    count = min(parameters.whole("count", most), most)
    start = parameters.whole("startindex", 0)
    given = [name for name in ("filter", "bbox", "resourceid") if parameters.get(name)]
    if len(given) > 1:
        raise OgcFault(
            "InvalidParameterValue",
            f"{' and '.join(name.upper() for name in given)} exclude each other",
            where=given[1].upper(),
            remedy="give one of them",
        )
    if parameters.get("sortby"):
        raise OgcFault(
            "OptionNotSupported", "features come in the order of their ids", where="SORTBY", remedy="leave it out"
        )
    bbox = _bbox(parameters) if parameters.get("bbox") else None
    query = FeatureQuery(
        decision.collection,
        _fields(parameters, decision),
        decision.regions,
        bbox,
        limit=max(count, 1),
        srid=system.srid,
    )
    return _Page(replace(query, where=_conditions(parameters, decision, system)), start, count)


def _conditions(parameters: Parameters, decision: Decision, system: System) -> tuple[Any, ...]:
    if parameters.get("resourceid"):
        return (_with_ids(parameters.items("resourceid"), decision),)
    text = parameters.get("filter")
    if not text:
        return ()
    root = read_xml(text)
    ids = resource_ids(root)
    if ids is not None:
        return (_with_ids(ids, decision),)
    scope = FieldScope(decision.collection.schema, decision.field_names)
    return (compile_node(FilterReader(scope, system).read(root), scope).condition,)


def _with_ids(names: list[str], decision: Decision) -> Any:
    if len(names) > MAX_IDS:
        raise OgcFault("InvalidParameterValue", "too many ids", where="RESOURCEID", remedy=f"give {MAX_IDS} at most")
    parsed = [_feature_id(name) for name in names]
    return with_fids([fid for layer, fid in parsed if layer == decision.collection.id])


def _feature_id(name: str) -> tuple[str, int]:
    layer, _, number = name.rpartition(".")
    if not (layer and number.isascii() and number.isdigit() and len(number) < 19):
        raise OgcFault(
            "InvalidParameterValue", f"{name[:60]!r} is no feature id", where="ID", remedy="an id is layer.number"
        )
    return plain_name(layer), int(number)


def _bbox(parameters: Parameters) -> BoundingBox:
    """A box in degrees from four numbers and, after them, the system they are in."""
    parts = parameters.items("bbox")
    system = find_system(",".join(parts[4:]) or "EPSG:4490", where="BBOX")
    numbers = Parameters([("bbox", ",".join(parts[:4]))]).numbers("bbox", 4)
    west, south, east, north = system.east_north(numbers)
    if not (west <= east and south <= north):
        raise OgcFault(
            "InvalidParameterValue",
            "the box is upside down",
            where="BBOX",
            remedy="mind the axis order: EPSG:4490, which holds where no system is named, begins with latitude",
        )
    if system.srid != 4490:
        bounds = transformer(system.srid, 4490).transform_bounds(west, south, east, north, densify_pts=21)
        west, south, east, north = bounds
    if not (west >= -180 and east <= 180 and south >= -90 and north <= 90):
        raise OgcFault(
            "InvalidParameterValue",
            "the box is not on earth",
            where="BBOX",
            remedy="mind the axis order: EPSG:4490, which holds where no system is named, begins with latitude",
        )
    return (west, south, east, north)


def _fields(parameters: Parameters, decision: Decision) -> tuple[str, ...]:
    asked = [plain_name(name) for name in parameters.items("propertyname") if name not in ("", "*")]
    if not asked:
        return decision.field_names
    scope = FieldScope(decision.collection.schema, decision.field_names)
    wanted = {scope.find(name, "PROPERTYNAME").name for name in asked if not scope.is_geometry(name)}
    return tuple(name for name in decision.field_names if name in wanted)


def _one_type(who: Caller, parameters: Parameters) -> Decision:
    names = _names(parameters)
    if not names and parameters.get("resourceid"):
        names = [_feature_id(parameters.items("resourceid")[0])[0]]
    if not names:
        parameters.need("typenames")
    if len(names) != 1:
        raise OgcFault("OptionNotSupported", "one type a request is read", where="TYPENAMES", remedy="ask type by type")
    return who.decide(names[0])


def _names(parameters: Parameters) -> list[str]:
    found = parameters.items("typenames") or parameters.items("typename")
    if len(found) > MAX_TYPES:
        raise OgcFault("InvalidParameterValue", "too many types", where="TYPENAMES", remedy=f"name {MAX_TYPES} at most")
    return [name.rsplit(":", 1)[-1].strip("()") for name in found if name]


def _is_json(parameters: Parameters) -> bool:
    asked = parameters.get("outputformat", GML_FORMAT).lower()
    if asked.replace(" ", "+") in _JSON_WORDS:
        return True
    if asked.replace(" ", "+") not in _GML_WORDS:
        raise OgcFault(
            "InvalidParameterValue",
            f"{asked[:60]!r} is not offered",
            where="OUTPUTFORMAT",
            remedy=f"use {GML_FORMAT} or {JSON_FORMAT}",
        )
    return False


def _pages(who: Caller, parameters: Parameters, page: _Page, matched: int) -> dict[str, str]:
    def address(start: int) -> str:
        words = parameters.as_dict() | {"startindex": str(start), "count": str(page.count)}
        return f"{who.base}/wfs?{urlencode(words)}"

    found = {}
    if page.count and page.start + page.count < matched:
        found["next"] = address(page.start + page.count)
    if page.start > 0:
        found["previous"] = address(max(0, page.start - page.count))
    return found


def _json(decision: Decision, found: list[Feature], system: System, matched: int, pages: dict[str, str]) -> Response:
    features = [
        {
            "type": "Feature",
            "id": f"{decision.collection.id}.{feature.fid}",
            "geometry": swapped(feature.geometry) if system.north_first and feature.geometry else feature.geometry,
            "properties": {k: v.isoformat() if hasattr(v, "isoformat") else v for k, v in feature.properties.items()},
        }
        for feature in found
    ]
    document = {
        "type": "FeatureCollection",
        "crs": {"type": "name", "properties": {"name": documents.urn(system)}},
        "numberMatched": matched,
        "numberReturned": len(features),
        "features": features,
        "links": [{"rel": rel.replace("previous", "prev"), "href": href} for rel, href in pages.items()],
    }
    return Response(
        json.dumps(document, ensure_ascii=False), media_type=JSON_FORMAT, headers={"cache-control": "private, no-cache"}
    )


def _xml(content: bytes, kind: str = "application/xml") -> Response:
    return Response(content, media_type=kind, headers={"cache-control": "private, no-cache"})
