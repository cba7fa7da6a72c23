"""The WFS 2.0 capabilities document: feature types, operations and filters, as the caller may see them."""

from collections.abc import Sequence

from lxml import etree

from cim.policy.policy import Decision
from tiles.tilejson import WORLD
from web.ogc.faults import OWS_11, document
from web.ogc.fes import COMPARISONS, SPATIAL
from web.ogc.gml import GML
from web.ogc.map_layers import definition_of, title_of
from web.ogc.systems import ALWAYS
from web.ogc.wfs_documents import CIM, FES, GML_FORMAT, JSON_FORMAT, OPERATIONS, WFS, XLINK, added, type_name
from web.ogc.wms_capabilities import TITLE, constraints
from web.state import Caller

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
_FILTER_CLASSES = {
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
}


def capabilities(who: Caller, decisions: Sequence[Decision], page: int) -> bytes:
    """The capabilities document; ``page`` is the most features of one answer."""
    root = etree.Element(
        f"{{{WFS}}}WFS_Capabilities",
        {"version": "2.0.0"},
        nsmap={"wfs": WFS, "ows": OWS_11, "fes": FES, "gml": GML, "xlink": XLINK, "cim": CIM},
    )
    service = added(root, OWS_11, "ServiceIdentification")
    added(service, OWS_11, "Title", TITLE)
    added(service, OWS_11, "ServiceType", "WFS")
    added(service, OWS_11, "ServiceTypeVersion", "2.0.0")
    added(service, OWS_11, "Fees", "none")
    added(service, OWS_11, "AccessConstraints", constraints(who))
    _operations(root, who, page)
    types = added(root, WFS, "FeatureTypeList")
    for decision in decisions:
        _feature_type(types, who, decision)
    _filter_capabilities(root)
    return document(root)


def _operations(root: etree._Element, who: Caller, page: int) -> None:
    metadata = added(root, OWS_11, "OperationsMetadata")
    for name in OPERATIONS:
        operation = added(metadata, OWS_11, "Operation")
        operation.set("name", name)
        get = added(added(added(operation, OWS_11, "DCP"), OWS_11, "HTTP"), OWS_11, "Get")
        get.set(f"{{{XLINK}}}href", f"{who.base}/wfs?")
        if name == "GetFeature":
            _allowed(operation, "Parameter", "outputFormat", (GML_FORMAT, JSON_FORMAT))
            _allowed(operation, "Parameter", "resultType", ("results", "hits"))
    _allowed(metadata, "Parameter", "version", ("2.0.0",))
    for name, given in _CLASSES.items():
        _constraint(metadata, name, "TRUE" if given else "FALSE")
    _constraint(metadata, "CountDefault", str(page))


def _allowed(parent: etree._Element, kind: str, name: str, values: Sequence[str]) -> None:
    parameter = added(parent, OWS_11, kind)
    parameter.set("name", name)
    allowed = added(parameter, OWS_11, "AllowedValues")
    for value in values:
        added(allowed, OWS_11, "Value", value)


def _constraint(parent: etree._Element, name: str, value: str, namespace: str = OWS_11) -> None:
    constraint = added(parent, namespace, "Constraint")
    constraint.set("name", name)
    added(constraint, OWS_11, "NoValues")
    added(constraint, OWS_11, "DefaultValue", value)


def _feature_type(types: etree._Element, who: Caller, decision: Decision) -> None:
    definition = definition_of(who, decision)
    kind = added(types, WFS, "FeatureType")
    added(kind, WFS, "Name", type_name(decision.collection.id))
    added(kind, WFS, "Title", title_of(who, decision))
    if definition and definition.description.zh:
        added(kind, WFS, "Abstract", definition.description.zh)
    if decision.collection.schema.geometry == "none":
        added(kind, WFS, "NoCRS")
        return
    added(kind, WFS, "DefaultCRS", "urn:ogc:def:crs:EPSG::4490")
    others = {name for name in ALWAYS if name not in ("EPSG:4490", "CRS:84")}
    for name in sorted(others | {f"EPSG:{decision.collection.schema.srid}"} - {"EPSG:4490"}):
        added(kind, WFS, "OtherCRS", f"urn:ogc:def:crs:EPSG::{name.removeprefix('EPSG:')}")
    added(kind, WFS, "OtherCRS", "urn:ogc:def:crs:OGC:1.3:CRS84")
    west, south, east, north = decision.collection.bbox or WORLD
    box = added(kind, OWS_11, "WGS84BoundingBox")
    added(box, OWS_11, "LowerCorner", f"{west:.9f} {south:.9f}")
    added(box, OWS_11, "UpperCorner", f"{east:.9f} {north:.9f}")


def _filter_capabilities(root: etree._Element) -> None:
    filters = added(root, FES, "Filter_Capabilities")
    conformance = added(filters, FES, "Conformance")
    for name, given in _FILTER_CLASSES.items():
        _constraint(conformance, name, "TRUE" if given else "FALSE", FES)
    identifiers = added(added(filters, FES, "Id_Capabilities"), FES, "ResourceIdentifier")
    identifiers.set("name", "fes:ResourceId")
    scalar = added(filters, FES, "Scalar_Capabilities")
    added(scalar, FES, "LogicalOperators")
    comparisons = added(scalar, FES, "ComparisonOperators")
    for name in (*COMPARISONS, "PropertyIsBetween", "PropertyIsLike", "PropertyIsNull"):
        added(comparisons, FES, "ComparisonOperator").set("name", name)
    spatial = added(filters, FES, "Spatial_Capabilities")
    operands = added(spatial, FES, "GeometryOperands")
    for name in ("Envelope", "Point", "LineString", "Polygon"):
        added(operands, FES, "GeometryOperand").set("name", f"gml:{name}")
    operators = added(spatial, FES, "SpatialOperators")
    for name in SPATIAL:
        added(operators, FES, "SpatialOperator").set("name", name)
