"""Which features a WFS request asks for: types, boxes, filters, ids and pages."""

from dataclasses import dataclass, replace
from typing import Any

from cim.filters.compiler import compile_node
from cim.filters.scope import FieldScope
from cim.model.collection import BoundingBox
from cim.policy.policy import Decision
from cim.store.features import FeatureQuery
from cim.store.paging import with_fids
from tiles.picture_window import transformer
from web.ogc.faults import OgcFault
from web.ogc.fes import FilterReader, read_xml, resource_ids
from web.ogc.kvp import Parameters
from web.ogc.systems import System, find_system
from web.ogc.xml_names import plain_name
from web.state import Caller

MAX_TYPES = 60
MAX_IDS = 1_000


@dataclass(frozen=True, slots=True)
class Page:
    """Features from the one after the first ``start``, ``count`` at most."""

    query: FeatureQuery
    start: int
    count: int


def one_type(who: Caller, parameters: Parameters) -> Decision:
    """The one layer a GetFeature request names."""
    names = type_names(parameters)
    if not names and parameters.get("resourceid"):
        names = [feature_id(parameters.items("resourceid")[0])[0]]
    if not names:
        parameters.need("typenames")
    if len(names) != 1:
        raise OgcFault("OptionNotSupported", "one type a request is read", where="TYPENAMES", remedy="ask type by type")
    return who.decide(names[0])


def type_names(parameters: Parameters) -> list[str]:
    """The layers a request names, without their prefix."""
    found = parameters.items("typenames") or parameters.items("typename")
    if len(found) > MAX_TYPES:
        raise OgcFault("InvalidParameterValue", "too many types", where="TYPENAMES", remedy=f"name {MAX_TYPES} at most")
    return [name.rsplit(":", 1)[-1].strip("()") for name in found if name]


def page_asked_for(who: Caller, parameters: Parameters, decision: Decision, system: System) -> Page:
    """The features a GetFeature request names, and which of them; OgcFault says what cannot be."""
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
    return Page(replace(query, where=_conditions(parameters, decision, system)), start, count)


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
    parsed = [feature_id(name) for name in names]
    return with_fids([fid for layer, fid in parsed if layer == decision.collection.id])


def feature_id(name: str) -> tuple[str, int]:
    """Layer and fid of a feature id."""
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
