"""Documents of the WFS 2.0: capabilities, schemas of feature types, stored queries, collections of features."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from lxml import etree

from cim.policy.policy import Decision
from cim.store.features import Feature
from tiles.tilejson import WORLD
from web.axes import swapped
from web.ogc.faults import OWS_11, document, legal
from web.ogc.fes import COMPARISONS, SPATIAL
from web.ogc.gml import GML, write_geometry
from web.ogc.map_layers import definition_of, title_of
from web.ogc.systems import ALWAYS, System
from web.ogc.wms_capabilities import TITLE, constraints
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
_CLASSES = {
    "ImplementsSimpleWFS": True,
    "ImplementsBasicWFS": False,
    "ImplementsTransactionalWFS": False,
    "ImplementsLockingWFS": False,
    "KVPEncoding": True,
    "XMLEncoding": False,
    "SOAPEncoding": False,
    "ImplementsResultPaging": True,
    "ImplementsStandardJoins": False,
}


def type_name(layer: str) -> str:
    """The feature type of a layer."""
    return f"cim:{layer}"


def urn(system: System) -> str:
    """The name of a system as GML writes it."""
    return f"urn:ogc:def:crs:EPSG::{system.code}" if system.code != 84 else "urn:ogc:def:crs:OGC:1.3:CRS84"


def capabilities(who: Caller, decisions: Sequence[Decision], page: int) -> bytes:
    """The capabilities document; ``page`` is the most features of one answer."""
    root = etree.Element(
        f"{{{WFS}}}WFS_Capabilities",
        {"version": "2.0.0"},
        nsmap={"wfs": WFS, "ows": OWS_11, "fes": FES, "gml": GML, "xlink": XLINK, "cim": CIM},
    )
    service = _add(root, OWS_11, "ServiceIdentification")
    _add(service, OWS_11, "Title", TITLE)
    _add(service, OWS_11, "ServiceType", "WFS")
    _add(service, OWS_11, "ServiceTypeVersion", "2.0.0")
    _add(service, OWS_11, "Fees", "none")
    _add(service, OWS_11, "AccessConstraints", constraints(who))
    _operations(root, who, page)
    types = _add(root, WFS, "FeatureTypeList")
    for decision in decisions:
        _feature_type(types, who, decision)
    _filter_capabilities(root)
    return document(root)


def _operations(root: etree._Element, who: Caller, page: int) -> None:
    metadata = _add(root, OWS_11, "OperationsMetadata")
    for name in OPERATIONS:
        operation = _add(metadata, OWS_11, "Operation")
        operation.set("name", name)
        get = _add(_add(_add(operation, OWS_11, "DCP"), OWS_11, "HTTP"), OWS_11, "Get")
        get.set(f"{{{XLINK}}}href", f"{who.base}/wfs?")
        if name == "GetFeature":
            _allowed(operation, "Parameter", "outputFormat", (GML_FORMAT, JSON_FORMAT))
            _allowed(operation, "Parameter", "resultType", ("results", "hits"))
    _allowed(metadata, "Parameter", "version", ("2.0.0",))
    for name, given in _CLASSES.items():
        _constraint(metadata, name, "TRUE" if given else "FALSE")
    _constraint(metadata, "CountDefault", str(page))


def _allowed(parent: etree._Element, kind: str, name: str, values: Sequence[str]) -> None:
    parameter = _add(parent, OWS_11, kind)
    parameter.set("name", name)
    allowed = _add(parameter, OWS_11, "AllowedValues")
    for value in values:
        _add(allowed, OWS_11, "Value", value)


def _constraint(parent: etree._Element, name: str, value: str, namespace: str = OWS_11) -> None:
    constraint = _add(parent, namespace, "Constraint")
    constraint.set("name", name)
    _add(constraint, OWS_11, "NoValues")
    _add(constraint, OWS_11, "DefaultValue", value)


def _feature_type(types: etree._Element, who: Caller, decision: Decision) -> None:
    definition = definition_of(who, decision)
    kind = _add(types, WFS, "FeatureType")
    _add(kind, WFS, "Name", type_name(decision.collection.id))
    _add(kind, WFS, "Title", title_of(who, decision))
    if definition and definition.description.zh:
        _add(kind, WFS, "Abstract", definition.description.zh)
    if decision.collection.schema.geometry == "none":
        _add(kind, WFS, "NoCRS")
        return
    _add(kind, WFS, "DefaultCRS", "urn:ogc:def:crs:EPSG::4490")
    others = {name for name in ALWAYS if name not in ("EPSG:4490", "CRS:84")}
    for name in sorted(others | {f"EPSG:{decision.collection.schema.srid}"} - {"EPSG:4490"}):
        _add(kind, WFS, "OtherCRS", f"urn:ogc:def:crs:EPSG::{name.removeprefix('EPSG:')}")
    _add(kind, WFS, "OtherCRS", "urn:ogc:def:crs:OGC:1.3:CRS84")
    west, south, east, north = decision.collection.bbox or WORLD
    box = _add(kind, OWS_11, "WGS84BoundingBox")
    _add(box, OWS_11, "LowerCorner", f"{west:.9f} {south:.9f}")
    _add(box, OWS_11, "UpperCorner", f"{east:.9f} {north:.9f}")


def _filter_capabilities(root: etree._Element) -> None:
    filters = _add(root, FES, "Filter_Capabilities")
    conformance = _add(filters, FES, "Conformance")
    for name, given in {
        "ImplementsQuery": True,
        "ImplementsAdHocQuery": True,
        "ImplementsResourceId": True,
        "ImplementsMinStandardFilter": True,
        "ImplementsStandardFilter": True,
        "ImplementsMinSpatialFilter": True,
        "ImplementsSpatialFilter": False,
        "ImplementsMinTemporalFilter": False,
        "ImplementsTemporalFilter": False,
        "ImplementsVersionNav": False,
        "ImplementsSorting": False,
        "ImplementsExtendedOperators": False,
    }.items():
        _constraint(conformance, name, "TRUE" if given else "FALSE", FES)
    identifiers = _add(_add(filters, FES, "Id_Capabilities"), FES, "ResourceIdentifier")
    identifiers.set("name", "fes:ResourceId")
    scalar = _add(filters, FES, "Scalar_Capabilities")
    _add(scalar, FES, "LogicalOperators")
    comparisons = _add(scalar, FES, "ComparisonOperators")
    for name in (*COMPARISONS, "PropertyIsBetween", "PropertyIsLike", "PropertyIsNull"):
        _add(comparisons, FES, "ComparisonOperator").set("name", name)
    spatial = _add(filters, FES, "Spatial_Capabilities")
    operands = _add(spatial, FES, "GeometryOperands")
    for name in ("Envelope", "Point", "LineString", "Polygon"):
        _add(operands, FES, "GeometryOperand").set("name", f"gml:{name}")
    operators = _add(spatial, FES, "SpatialOperators")
    for name in SPATIAL:
        _add(operators, FES, "SpatialOperator").set("name", name)


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
    query = _add(root, WFS, "StoredQueryDescription" if described else "StoredQuery")
    query.set("id", BY_ID)
    _add(query, WFS, "Title", "A feature by its id 按编号取要素")
    if not described:
        for decision in decisions:
            _add(query, WFS, "ReturnFeatureType", type_name(decision.collection.id))
        return document(root)
    parameter = _add(query, WFS, "Parameter")
    parameter.set("name", "id")
    parameter.set("type", "xsd:string")
    text = _add(query, WFS, "QueryExpressionText")
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
        _write_feature(_add(root, WFS, "member"), layer, feature, system)
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


def _add(parent: etree._Element, namespace: str, name: str, text: str | None = None) -> etree._Element:
    made = etree.SubElement(parent, f"{{{namespace}}}{name}")
    made.text = None if text is None else legal(text)
    return made
