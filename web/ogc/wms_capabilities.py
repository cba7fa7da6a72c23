"""The WMS capabilities document: what the caller may see, as XML of WMS 1.3.0 or 1.1.1."""

from collections.abc import Sequence
from typing import Literal

from lxml import etree

from cim.model.collection import BoundingBox
from cim.policy.policy import Decision
from tiles.grid import PIXEL_M
from tiles.picture import MAX_LAYERS, MAX_SIDE_PIXELS
from tiles.picture_window import MERCATOR_WORLD_M, STYLE_TILE_PIXELS, transformer
from tiles.tilejson import WORLD
from web.ogc import feature_info
from web.ogc.faults import document, legal
from web.ogc.map_layers import definition_of, style_of, title_of
from web.ogc.systems import ALWAYS, find_system
from web.state import Caller

Version = Literal["1.3.0", "1.1.1"]
WMS = "http://www.opengis.net/wms"
XLINK = "http://www.w3.org/1999/xlink"
_XSI = "http://www.w3.org/2001/XMLSchema-instance"
FORMATS = ("image/png", "image/jpeg", "image/webp")
EXCEPTIONS: dict[Version, tuple[str, ...]] = {
    "1.3.0": ("XML", "INIMAGE", "BLANK"),
    "1.1.1": (
        "application/vnd.ogc.se_xml",
        "application/vnd.ogc.se_inimage",
        "application/vnd.ogc.se_blank",
    ),
}
TITLE = "OneMap CIM 城市信息模型平台 · 一张图"
LEGEND_WIDTH_PIXELS, LEGEND_ROW_PIXELS, LEGEND_MARGIN_PIXELS = 240, 24, 8
_MERCATOR_EDGE_DEG = 85.06


class _Writer:
    """Makes elements in the namespace of a version: 1.1.1 has none."""

    def __init__(self, version: Version) -> None:
        self.version = version
        self._prefix = f"{{{WMS}}}" if version == "1.3.0" else ""

    def add(self, parent: etree._Element, tag: str, text: str | None = None, /, **attributes: str) -> etree._Element:
        made = etree.SubElement(parent, f"{self._prefix}{tag}", attributes)
        made.text = None if text is None else legal(text)
        return made

    def root(self) -> etree._Element:
        name, nsmap = ("WMS_Capabilities", {None: WMS, "xlink": XLINK, "xsi": _XSI})
        if self.version == "1.1.1":
            name, nsmap = "WMT_MS_Capabilities", {"xlink": XLINK}
        made = etree.Element(f"{self._prefix}{name}", {"version": self.version}, nsmap=nsmap)
        if self.version == "1.3.0":
            place = "http://schemas.opengis.net/wms/1.3.0/capabilities_1_3_0.xsd"
            made.set(f"{{{_XSI}}}schemaLocation", f"{WMS} {place}")
        return made

    def link(self, parent: etree._Element, href: str) -> None:
        self.add(parent, "OnlineResource", None, **{f"{{{XLINK}}}type": "simple", f"{{{XLINK}}}href": href})


def capabilities(who: Caller, decisions: Sequence[Decision], version: Version) -> bytes:
    """The document for the layers the caller may read."""
    write = _Writer(version)
    root = write.root()
    _service(write, root, who)
    capability = write.add(root, "Capability")
    _requests(write, capability, who)
    faults = write.add(capability, "Exception")
    for kind in EXCEPTIONS[version]:
        write.add(faults, "Format", kind)
    top = write.add(capability, "Layer")
    write.add(top, "Title", TITLE)
    for name in ALWAYS:
        if version == "1.3.0" or name != "CRS:84":
            write.add(top, "CRS" if version == "1.3.0" else "SRS", name)
    _extent(write, top, _union([d.collection.bbox for d in decisions if d.collection.bbox]) or WORLD)
    for decision in decisions:
        _layer(write, top, who, decision)
    return document(root)


def _service(write: _Writer, root: etree._Element, who: Caller) -> None:
    service = write.add(root, "Service")
    write.add(service, "Name", "WMS" if write.version == "1.3.0" else "OGC:WMS")
    write.add(service, "Title", TITLE)
    write.add(service, "Abstract", "图层按样式绘制，含中文注记。Layers drawn by their styles, with Chinese labels.")
    write.link(service, f"{who.base}/")
    write.add(service, "Fees", "none")
    write.add(service, "AccessConstraints", constraints(who))
    if write.version == "1.3.0":
        write.add(service, "LayerLimit", str(MAX_LAYERS))
        write.add(service, "MaxWidth", str(MAX_SIDE_PIXELS))
        write.add(service, "MaxHeight", str(MAX_SIDE_PIXELS))


def constraints(who: Caller) -> str:
    """Who may see what, and the number of the map review where the operator gave one."""
    number = who.state.settings.review_number
    return "按图层密级授权 by the grade of each layer" + (f"；审图号 map review number {number}" if number else "")


def _requests(write: _Writer, capability: etree._Element, who: Caller) -> None:
    request = write.add(capability, "Request")
    document_type = "text/xml" if write.version == "1.3.0" else "application/vnd.ogc.wms_xml"
    for name, formats in (
        ("GetCapabilities", (document_type,)),
        ("GetMap", FORMATS),
        ("GetFeatureInfo", feature_info.FORMATS),
    ):
        operation = write.add(request, name)
        for kind in formats:
            write.add(operation, "Format", kind)
        get = write.add(write.add(write.add(operation, "DCPType"), "HTTP"), "Get")
        write.link(get, f"{who.base}/wms?")


def _layer(write: _Writer, top: etree._Element, who: Caller, decision: Decision) -> None:
    definition = definition_of(who, decision)
    collection = decision.collection
    layer = write.add(top, "Layer", None, queryable="1")
    write.add(layer, "Name", collection.id)
    write.add(layer, "Title", title_of(who, decision))
    if definition and definition.description.zh:
        write.add(layer, "Abstract", definition.description.zh)
    stored = f"EPSG:{collection.schema.srid}"
    if stored not in ALWAYS:
        write.add(layer, "CRS" if write.version == "1.3.0" else "SRS", stored)
    _extent(write, layer, collection.bbox or WORLD)
    if write.version == "1.3.0":
        shown = collection.updated_at.isoformat(timespec="seconds")
        options = {"name": "time", "units": "ISO8601", "default": "current", "nearestValue": "1", "current": "1"}
        write.add(layer, "Dimension", shown, **options)
    if definition and definition.attribution:
        attribution = write.add(layer, "Attribution")
        write.add(attribution, "Title", definition.attribution)
    style = write.add(layer, "Style")
    write.add(style, "Name", "default")
    write.add(style, "Title", title_of(who, decision))
    width, height = LEGEND_WIDTH_PIXELS, _legend_height(who, decision)
    legend = write.add(style, "LegendURL", None, width=str(width), height=str(height))
    write.add(legend, "Format", "image/png")
    asked = f"VERSION={write.version}&WIDTH={width}&HEIGHT={height}&LAYER={collection.id}"
    write.link(legend, f"{who.base}/wms?SERVICE=WMS&REQUEST=GetLegendGraphic&FORMAT=image/png&{asked}")
    if write.version == "1.3.0" and definition and definition.tiles.minzoom > 0:
        write.add(layer, "MaxScaleDenominator", repr(_denominator(definition.tiles.minzoom)))


def _legend_height(who: Caller, decision: Decision) -> int:
    return max(len(style_of(who, decision).legend), 1) * LEGEND_ROW_PIXELS + LEGEND_MARGIN_PIXELS


def _denominator(zoom: int) -> float:
    """The scale denominator at the equator of a zoom of the map in the browser."""
    return MERCATOR_WORLD_M / STYLE_TILE_PIXELS / float(2**zoom) / PIXEL_M


def _extent(write: _Writer, layer: etree._Element, extent: BoundingBox) -> None:
    west, south, east, north = extent
    if west > east:
        west, east = -180.0, 180.0
    if write.version == "1.3.0":
        box = write.add(layer, "EX_GeographicBoundingBox")
        for name, value in (
            ("westBoundLongitude", west),
            ("eastBoundLongitude", east),
            ("southBoundLatitude", south),
            ("northBoundLatitude", north),
        ):
            write.add(box, name, f"{value:.9f}")
    else:
        write.add(layer, "LatLonBoundingBox", None, **_corners((west, south, east, north)))
    for name in ALWAYS:
        if write.version == "1.1.1" and name == "CRS:84":
            continue
        system = find_system(name, east_first=write.version == "1.1.1")
        bounds = _in_system((west, south, east, north), system.srid)
        if bounds is not None:
            attribute = {"CRS" if write.version == "1.3.0" else "SRS": name}
            write.add(layer, "BoundingBox", None, **attribute, **_corners(system.as_given(bounds)))


def _corners(bounds: tuple[float, ...]) -> dict[str, str]:
    return {name: f"{value:.9f}" for name, value in zip(("minx", "miny", "maxx", "maxy"), bounds, strict=True)}


def _in_system(extent: BoundingBox, srid: int) -> BoundingBox | None:
    """The extent in a system; None where the system's use does not reach: a zone is for a few degrees."""
    west, south, east, north = extent
    if srid == 4490:
        return extent
    if srid == 3857:
        south, north = max(south, -_MERCATOR_EDGE_DEG), min(north, _MERCATOR_EDGE_DEG)
    elif east - west > 12:
        return None
    bounds = transformer(4490, srid).transform_bounds(west, south, east, north, densify_pts=21)
    return (bounds[0], bounds[1], bounds[2], bounds[3])


def _union(boxes: Sequence[BoundingBox | None]) -> BoundingBox | None:
    known = [box for box in boxes if box is not None]
    if not known:
        return None
    return (min(b[0] for b in known), min(b[1] for b in known), max(b[2] for b in known), max(b[3] for b in known))
