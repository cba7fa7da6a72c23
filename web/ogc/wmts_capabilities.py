"""The WMTS 1.0.0 capabilities document: what the caller may see, on every grid."""

from collections.abc import Sequence

from lxml import etree

from cim.policy.policy import Decision
from tiles.grid import GRIDS, TILE_PIXELS, Grid
from tiles.picture_tiles import first_zoom
from tiles.tilejson import WORLD
from web.ogc import feature_info
from web.ogc.faults import OWS_11, document, legal
from web.ogc.map_layers import definition_of, picture_layer, title_of
from web.ogc.wms_capabilities import TITLE, constraints
from web.state import Caller

WMTS = "http://www.opengis.net/wmts/1.0"
XLINK = "http://www.w3.org/1999/xlink"
XSI = "http://www.w3.org/2001/XMLSchema-instance"
SCHEMA = "http://schemas.opengis.net/wmts/1.0/wmtsGetCapabilities_response.xsd"
MVT = "application/vnd.mapbox-vector-tile"
FORMATS = {"image/png": "png", MVT: "mvt"}
ADVERTISED = {"image/png": "png"}
"""Clients take every format of a WMTS for a picture; vector tiles are advertised by OGC API Tiles."""
MERCATOR_URN = "urn:ogc:def:crs:EPSG:6.18:3:3857"
"""As Annex E of the standard names the system of GoogleMapsCompatible."""
STYLE = "default"
_HREF = f"{{{XLINK}}}href"


def capabilities(who: Caller, decisions: Sequence[Decision]) -> bytes:
    """The document for the layers the caller may read."""
    names = {None: WMTS, "ows": OWS_11, "xlink": XLINK, "xsi": XSI}
    root = etree.Element(f"{{{WMTS}}}Capabilities", {"version": "1.0.0"}, nsmap=names)
    root.set(f"{{{XSI}}}schemaLocation", f"{WMTS} {SCHEMA}")
    service = _ows(root, "ServiceIdentification")
    _ows(service, "Title", TITLE)
    _ows(service, "ServiceType", "OGC WMTS")
    _ows(service, "ServiceTypeVersion", "1.0.0")
    _ows(service, "Fees", "none")
    _ows(service, "AccessConstraints", constraints(who))
    provider = _ows(root, "ServiceProvider")
    _ows(provider, "ProviderName", TITLE)
    _ows(provider, "ServiceContact")
    _operations(root, who)
    contents = _add(root, "Contents")
    for decision in decisions:
        _layer(contents, who, decision)
    for one in GRIDS.values():
        _matrix_set(contents, one)
    _add(root, "ServiceMetadataURL").set(_HREF, f"{who.base}/wmts/1.0.0/WMTSCapabilities.xml")
    return document(root)


def _operations(root: etree._Element, who: Caller) -> None:
    metadata = _ows(root, "OperationsMetadata")
    for name in ("GetCapabilities", "GetTile", "GetFeatureInfo"):
        operation = _ows(metadata, "Operation")
        operation.set("name", name)
        get = _ows(_ows(_ows(operation, "DCP"), "HTTP"), "Get")
        get.set(_HREF, f"{who.base}/wmts?")
        constraint = _ows(get, "Constraint")
        constraint.set("name", "GetEncoding")
        _ows(_ows(constraint, "AllowedValues"), "Value", "KVP")


def _layer(contents: etree._Element, who: Caller, decision: Decision) -> None:
    definition = definition_of(who, decision)
    collection = decision.collection
    layer = _add(contents, "Layer")
    _ows(layer, "Title", title_of(who, decision))
    if definition and definition.description.zh:
        _ows(layer, "Abstract", definition.description.zh)
    west, south, east, north = collection.bbox or WORLD
    box = _ows(layer, "WGS84BoundingBox")
    _ows(box, "LowerCorner", f"{west:.9f} {south:.9f}")
    _ows(box, "UpperCorner", f"{east:.9f} {north:.9f}")
    _ows(layer, "Identifier", collection.id)
    style = _add(layer, "Style")
    style.set("isDefault", "true")
    _ows(style, "Title", title_of(who, decision))
    _ows(style, "Identifier", STYLE)
    legend = _add(style, "LegendURL")
    legend.set("format", "image/png")
    legend.set(_HREF, f"{who.base}/wms?SERVICE=WMS&REQUEST=GetLegendGraphic&FORMAT=image/png&LAYER={collection.id}")
    for kind in ADVERTISED:
        _add(layer, "Format", kind)
    for kind in feature_info.FORMATS[:1]:
        _add(layer, "InfoFormat", kind)
    for one in GRIDS.values():
        _matrix_set_link(layer, who, decision, one)
    address = f"{who.base}/wmts/rest/{collection.id}/{{Style}}/{{TileMatrixSet}}/{{TileMatrix}}/{{TileRow}}/{{TileCol}}"
    for kind, suffix in ADVERTISED.items():
        _resource(layer, "tile", kind, f"{address}.{suffix}")
    _resource(layer, "FeatureInfo", feature_info.FORMATS[0], f"{address}/{{J}}/{{I}}.json")


def _resource(layer: etree._Element, purpose: str, kind: str, template: str) -> None:
    resource = _add(layer, "ResourceURL")
    resource.set("format", kind)
    resource.set("resourceType", purpose)
    resource.set("template", template)


def _matrix_set_link(layer: etree._Element, who: Caller, decision: Decision, one: Grid) -> None:
    link = _add(layer, "TileMatrixSetLink")
    _add(link, "TileMatrixSet", one.id)
    limits = _add(link, "TileMatrixSetLimits")
    first = first_zoom(one, picture_layer(who, decision))
    for found in one.limits(decision.collection.bbox or WORLD, first, one.maxzoom):
        entry = _add(limits, "TileMatrixLimits")
        _add(entry, "TileMatrix", str(found.z))
        _add(entry, "MinTileRow", str(found.min_row))
        _add(entry, "MaxTileRow", str(found.max_row))
        _add(entry, "MinTileCol", str(found.min_column))
        _add(entry, "MaxTileCol", str(found.max_column))


def _matrix_set(contents: etree._Element, one: Grid) -> None:
    element = _add(contents, "TileMatrixSet")
    _ows(element, "Title", one.title)
    _ows(element, "Identifier", one.id)
    _ows(element, "SupportedCRS", MERCATOR_URN if one.srid == 3857 else f"urn:ogc:def:crs:EPSG::{one.srid}")
    if one.srid == 3857:
        _add(element, "WellKnownScaleSet", "urn:ogc:def:wkss:OGC:1.0:GoogleMapsCompatible")
    for z in range(one.minzoom, one.maxzoom + 1):
        square = one.square(z, 0, 0)
        corner = (square.north, square.west) if one.srid == 4490 else (square.west, square.north)
        matrix = _add(element, "TileMatrix")
        _ows(matrix, "Identifier", str(z))
        _add(matrix, "ScaleDenominator", repr(one.scale_denominator(z)))
        _add(matrix, "TopLeftCorner", f"{corner[0]!r} {corner[1]!r}")
        _add(matrix, "TileWidth", str(TILE_PIXELS))
        _add(matrix, "TileHeight", str(TILE_PIXELS))
        _add(matrix, "MatrixWidth", str(one.columns(z)))
        _add(matrix, "MatrixHeight", str(one.rows(z)))


def _add(parent: etree._Element, name: str, text: str | None = None) -> etree._Element:
    made = etree.SubElement(parent, f"{{{WMTS}}}{name}")
    made.text = None if text is None else legal(text)
    return made


def _ows(parent: etree._Element, name: str, text: str | None = None) -> etree._Element:
    made = etree.SubElement(parent, f"{{{OWS_11}}}{name}")
    made.text = None if text is None else legal(text)
    return made
