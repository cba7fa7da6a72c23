"""Documents of the WFS 2.0: capabilities, schemas of feature types, stored queries, collections of features."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from lxml import etree

from cim.policy.policy import Decision
from cim.store.features import Feature
from web.axes import swapped
from web.ogc.faults import document, legal
from web.ogc.gml import GML, write_geometry
from web.ogc.map_layers import definition_of
from web.ogc.systems import System
from web.ogc.xml_names import xml_name
from web.state import Caller

WFS = "http://www.opengis.net/wfs/2.0"
FES = "http://www.opengis.net/fes/2.0"
XSD = "http://www.w3.org/2001/XMLSchema"
XLINK = "http://www.w3.org/1999/xlink"
XSI = "http://www.w3.org/2001/XMLSchema-instance"
CIM = "urn:onemap-cim:features"
GEOMETRY = "geom"
BY_ID = "urn:ogc:def:query:OGC-WFS::GetFeatureById"
GML_FORMAT = "application/gml+xml; version=3.2"
JSON_FORMAT = "application/geo+json"
OPERATIONS = ("GetCapabilities", "DescribeFeatureType", "GetFeature", "ListStoredQueries", "DescribeStoredQueries")
_TYPES = {
    "text": "xsd:string",
    "integer": "xsd:int",
    "bigint": "xsd:long",
    "double": "xsd:double",
    "boolean": "xsd:boolean",
    "date": "xsd:date",
    "timestamp": "xsd:dateTime",
}
_GEOMETRY_TYPES = {
    "Point": "gml:PointPropertyType",
    "MultiPoint": "gml:MultiPointPropertyType",
    "LineString": "gml:CurvePropertyType",
    "MultiLineString": "gml:MultiCurvePropertyType",
    "Polygon": "gml:SurfacePropertyType",
    "MultiPolygon": "gml:MultiSurfacePropertyType",
}


def type_name(layer: str) -> str:
    """The feature type of a layer."""
    return f"cim:{layer}"


def urn(system: System) -> str:
    """The name of a system as GML writes it."""
    return f"urn:ogc:def:crs:EPSG::{system.code}" if system.code != 84 else "urn:ogc:def:crs:OGC:1.3:CRS84"


def schema(who: Caller, decisions: Sequence[Decision]) -> bytes:
    """An XML schema of the feature types. A field whose name is no XML name is told in the annotation."""
    root = etree.Element(
        f"{{{XSD}}}schema",
        {"targetNamespace": CIM, "elementFormDefault": "qualified", "version": "1.0"},
        nsmap={"xsd": XSD, "gml": GML, "cim": CIM},
    )
    place = "http://schemas.opengis.net/gml/3.2.1/gml.xsd"
    etree.SubElement(root, f"{{{XSD}}}import", {"namespace": GML, "schemaLocation": place})
    for decision in decisions:
        layer = decision.collection.id
        attributes = {"name": layer, "type": f"cim:{layer}Type", "substitutionGroup": "gml:AbstractFeature"}
        etree.SubElement(root, f"{{{XSD}}}element", attributes)
        kind = etree.SubElement(root, f"{{{XSD}}}complexType", {"name": f"{layer}Type"})
        content = etree.SubElement(kind, f"{{{XSD}}}complexContent")
        extension = etree.SubElement(content, f"{{{XSD}}}extension", {"base": "gml:AbstractFeatureType"})
        _fields(etree.SubElement(extension, f"{{{XSD}}}sequence"), who, decision)
    return document(root)


def _fields(sequence: etree._Element, who: Caller, decision: Decision) -> None:
    definition = definition_of(who, decision)
    titles = {field.name: field.title.zh for field in definition.fields} if definition else {}
    for field in decision.fields:
        name = xml_name(field.name)
        element = etree.SubElement(
            sequence, f"{{{XSD}}}element", {"name": name, "type": _TYPES[field.type], "minOccurs": "0"}
        )
        told = [titles[field.name]] if field.name in titles else []
        told += [f"field {field.name}"] if name != field.name else []
        if told:
            note = etree.SubElement(element, f"{{{XSD}}}annotation")
            etree.SubElement(note, f"{{{XSD}}}documentation").text = legal("; ".join(told))
    kind = _GEOMETRY_TYPES.get(decision.collection.schema.geometry)
    if kind:
        etree.SubElement(sequence, f"{{{XSD}}}element", {"name": GEOMETRY, "type": kind, "minOccurs": "0"})


def stored_queries(decisions: Sequence[Decision], *, described: bool) -> bytes:
    """The one stored query, listed or described."""
    root = etree.Element(
        f"{{{WFS}}}{'DescribeStoredQueriesResponse' if described else 'ListStoredQueriesResponse'}",
        nsmap={"wfs": WFS, "xsd": XSD, "cim": CIM},
    )
    query = added(root, WFS, "StoredQueryDescription" if described else "StoredQuery")
    query.set("id", BY_ID)
    added(query, WFS, "Title", "A feature by its id 按编号取要素")
    if not described:
        for decision in decisions:
            added(query, WFS, "ReturnFeatureType", type_name(decision.collection.id))
        return document(root)
    parameter = added(query, WFS, "Parameter")
    parameter.set("name", "id")
    parameter.set("type", "xsd:string")
    text = added(query, WFS, "QueryExpressionText")
    text.set("returnFeatureTypes", " ".join(type_name(d.collection.id) for d in decisions))
    text.set("language", "urn:ogc:def:queryLanguage:OGC-WFS::WFS_QueryExpression")
    text.set("isPrivate", "true")
    return document(root)


def features(
    who: Caller,
    decision: Decision,
    found: Sequence[Feature],
    system: System,
    *,
    matched: int,
    returned: int,
    pages: Mapping[str, str],
) -> bytes:
    """A wfs:FeatureCollection; ``pages`` are the addresses of the next and the previous page."""
    root = etree.Element(
        f"{{{WFS}}}FeatureCollection", nsmap={"wfs": WFS, "gml": GML, "cim": CIM, "xsi": XSI, "xlink": XLINK}
    )
    root.set("timeStamp", datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"))
    root.set("numberMatched", str(matched))
    root.set("numberReturned", str(returned))
    for rel, href in pages.items():
        root.set(rel, href)
    layer = decision.collection.id
    described = f"{who.base}/wfs?SERVICE=WFS&VERSION=2.0.0&REQUEST=DescribeFeatureType&TYPENAMES={type_name(layer)}"
    root.set(f"{{{XSI}}}schemaLocation", f"{CIM} {described} {WFS} http://schemas.opengis.net/wfs/2.0/wfs.xsd")
    for feature in found:
        _write_feature(added(root, WFS, "member"), layer, feature, system)
    return document(root)


def one_feature(decision: Decision, feature: Feature, system: System) -> bytes:
    """A feature alone, as the stored query answers."""
    holder = etree.Element("holder", nsmap={"gml": GML, "cim": CIM})
    return document(_write_feature(holder, decision.collection.id, feature, system))


def _write_feature(parent: etree._Element, layer: str, feature: Feature, system: System) -> etree._Element:
    element = etree.SubElement(parent, f"{{{CIM}}}{layer}")
    name = f"{layer}.{feature.fid}"
    element.set(f"{{{GML}}}id", name)
    for field, value in feature.properties.items():
        if value is not None:
            etree.SubElement(element, f"{{{CIM}}}{xml_name(field)}").text = legal(_text(value))
    if feature.geometry is not None:
        geometry = swapped(feature.geometry) if system.north_first else feature.geometry
        write_geometry(etree.SubElement(element, f"{{{CIM}}}{GEOMETRY}"), geometry, name, urn(system))
    return element


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value.isoformat()) if hasattr(value, "isoformat") else str(value)


def added(parent: etree._Element, namespace: str, name: str, text: str | None = None) -> etree._Element:
    """A new last child."""
    made = etree.SubElement(parent, f"{{{namespace}}}{name}")
    made.text = None if text is None else legal(text)
    return made
