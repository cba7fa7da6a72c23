"""Web Feature Service 2.0.0, reading: features as GML 3.2 or GeoJSON for desktops that speak nothing newer."""

import json
from dataclasses import replace
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Request, Response

from cim.errors import CimError, NotFound
from cim.policy.policy import Decision, read_context
from cim.store.features import Feature, FeatureQuery, count_features, page_of_features
from cim.store.paging import fid_before, with_fids
from web.axes import swapped
from web.ogc import wfs_documents as documents
from web.ogc.faults import OWS_11, OgcFault, ows_report
from web.ogc.kvp import Parameters
from web.ogc.systems import System, find_system
from web.ogc.wfs_capabilities import capabilities
from web.ogc.wfs_documents import BY_ID, GML_FORMAT, JSON_FORMAT, OPERATIONS
from web.ogc.wfs_query import Page, feature_id, one_type, page_asked_for, type_names
from web.problems import status_of
from web.state import Caller, caller

router = APIRouter(tags=["WFS"])
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
            names = type_names(parameters)
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
    return _xml(capabilities(who, who.readable(), who.state.settings.page_limit))


def _check_version(parameters: Parameters) -> None:
    if not parameters.get("version", "2.0.0").startswith("2.0"):
        raise OgcFault("InvalidParameterValue", "this is WFS 2.0.0", where="VERSION", remedy="write VERSION=2.0.0")


async def _features(who: Caller, parameters: Parameters) -> Response:
    if parameters.has("storedquery_id"):
        return await _stored_query(who, parameters)
    decision = one_type(who, parameters)
    system = find_system(parameters.get("srsname", "EPSG:4490"), where="SRSNAME")
    page = page_asked_for(who, parameters, decision, system)
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
    layer, fid = feature_id(name)
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


def _pages(who: Caller, parameters: Parameters, page: Page, matched: int) -> dict[str, str]:
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
