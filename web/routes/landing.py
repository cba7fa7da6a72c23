"""The landing page, the conformance declaration."""

from html import escape
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, JSONResponse, Response

from web.routes import tilesets
from web.state import Caller, caller

router = APIRouter(tags=["OGC API"])

CONFORMANCE = (
    "http://www.opengis.net/spec/ogcapi-common-1/1.0/conf/core",
    "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/core",
    "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/oas30",
    "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/geojson",
    "http://www.opengis.net/spec/ogcapi-features-2/1.0/conf/crs",
    *tilesets.CONFORMANCE,
    "http://www.opengis.net/spec/ogcapi-features-3/1.0/conf/queryables",
    "http://www.opengis.net/spec/ogcapi-features-3/1.0/conf/queryables-query-parameters",
    "http://www.opengis.net/spec/ogcapi-features-3/1.0/conf/filter",
    "http://www.opengis.net/spec/ogcapi-features-3/1.0/conf/features-filter",
    "http://www.opengis.net/spec/cql2/1.0/conf/cql2-text",
    "http://www.opengis.net/spec/cql2/1.0/conf/cql2-json",
    "http://www.opengis.net/spec/cql2/1.0/conf/basic-cql2",
    "http://www.opengis.net/spec/cql2/1.0/conf/advanced-comparison-operators",
    "http://www.opengis.net/spec/cql2/1.0/conf/case-insensitive-comparison",
    "http://www.opengis.net/spec/cql2/1.0/conf/accent-insensitive-comparison",
    "http://www.opengis.net/spec/cql2/1.0/conf/basic-spatial-functions",
    "http://www.opengis.net/spec/cql2/1.0/conf/basic-spatial-functions-plus",
    "http://www.opengis.net/spec/cql2/1.0/conf/spatial-functions",
    "http://www.opengis.net/spec/cql2/1.0/conf/temporal-functions",
    "http://www.opengis.net/spec/cql2/1.0/conf/property-property",
    "http://www.opengis.net/spec/ogcapi-processes-1/1.0/conf/core",
    "http://www.opengis.net/spec/ogcapi-processes-1/1.0/conf/ogc-process-description",
    "http://www.opengis.net/spec/ogcapi-processes-1/1.0/conf/json",
    "http://www.opengis.net/spec/ogcapi-processes-1/1.0/conf/oas30",
    "http://www.opengis.net/spec/ogcapi-processes-1/1.0/conf/dismiss",
)
_LINKS = (
    ("self", "/", "application/json", "This document"),
    ("service-desc", "/api", "application/vnd.oai.openapi+json;version=3.0", "The API as OpenAPI"),
    ("conformance", "/conformance", "application/json", "Conformance classes"),
    ("data", "/collections", "application/json", "The layers 图层"),
    ("related", "/tilesets", "application/json", "Tiles 瓦片"),
    ("http://www.opengis.net/def/rel/ogc/1.0/tiling-schemes", "/tileMatrixSets", "application/json", "Grids 网格"),
    ("service", "/wms?SERVICE=WMS&REQUEST=GetCapabilities", "text/xml", "WMS 1.3.0"),
    ("service", "/wmts/1.0.0/WMTSCapabilities.xml", "application/xml", "WMTS 1.0.0"),
    ("service", "/wfs?SERVICE=WFS&REQUEST=GetCapabilities", "application/xml", "WFS 2.0.0"),
    ("http://www.opengis.net/def/rel/ogc/1.0/processes", "/processes", "application/json", "Analyses 分析"),
    ("http://www.opengis.net/def/rel/ogc/1.0/job-list", "/jobs", "application/json", "Jobs 任务"),
    ("alternate", "/review", "text/html", "Compliance review 合规性审查"),
    ("alternate", "/analyses", "text/html", "Analyses, in the browser 分析"),
    ("alternate", "/rules", "text/html", "Rules of reviews 审查规则"),
    ("alternate", "/map", "text/html", "The one map 一张图"),
)


@router.get("/", summary="Landing page")
async def landing(request: Request, who: Annotated[Caller, Depends(caller)]) -> Response:
    """Where everything is; JSON, or HTML for a browser."""
    links = [{"rel": rel, "href": who.base + path, "type": kind, "title": title} for rel, path, kind, title in _LINKS]
    if "text/html" in request.headers.get("accept", "") and request.query_params.get("f") != "json":
        items = "".join(f'<li><a href="{escape(link["href"])}">{link["title"]}</a></li>' for link in links[1:])
        return HTMLResponse(
            '<!doctype html><html lang="zh"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
            "<title>OneMap CIM 城市信息模型平台</title><h1>OneMap CIM 城市信息模型平台</h1>"
            f"<ul>{items}</ul></html>"
        )
    document: dict[str, Any] = {
        "title": "OneMap CIM 城市信息模型平台",
        "description": "One city: base maps, land and plans, buildings, sensors. 一张图。",
        "links": links,
    }
    return JSONResponse(document)


@router.get("/conformance", summary="Conformance classes")
async def conformance(who: Annotated[Caller, Depends(caller)]) -> dict[str, list[str]]:
    """The OGC conformance classes this server follows."""
    return {"conformsTo": list(CONFORMANCE)}
