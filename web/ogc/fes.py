"""Filters of FES 2.0 as the tree that the one filter compiler takes. XML is read without DTD, entities or network."""

from lxml import etree

from cim.errors import BadRequest
from cim.filters.literals import text_literal
from cim.filters.nodes import Call, Geometry, Node, Property, call
from cim.filters.scope import FieldScope
from cim.filters.simple import read_value
from web.ogc.faults import OgcFault
from web.ogc.gml import is_gml, read_geometry
from web.ogc.systems import System
from web.ogc.xml_names import plain_name

MAX_CHARACTERS = 65_536
COMPARISONS = {
    "PropertyIsEqualTo": "=",
    "PropertyIsNotEqualTo": "<>",
    "PropertyIsLessThan": "<",
    "PropertyIsLessThanOrEqualTo": "<=",
    "PropertyIsGreaterThan": ">",
    "PropertyIsGreaterThanOrEqualTo": ">=",
}
SPATIAL = {
    "BBOX": "s_intersects",
    "Intersects": "s_intersects",
    "Within": "s_within",
    "Contains": "s_contains",
    "Disjoint": "s_disjoint",
    "Equals": "s_equals",
    "Touches": "s_touches",
    "Crosses": "s_crosses",
    "Overlaps": "s_overlaps",
}
_REFERENCES = ("ValueReference", "PropertyName")


def read_xml(text: str, where: str = "FILTER") -> etree._Element:
    """The root of an XML text; OgcFault for what is too long, not XML, or brings a DTD."""
    if len(text) > MAX_CHARACTERS:
        raise OgcFault(
            "OperationParsingFailed", "the XML is too long", where=where, remedy=f"at most {MAX_CHARACTERS} characters"
        )
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, remove_comments=True, remove_pis=True
    )
    try:
        root: etree._Element = etree.fromstring(text.encode(), parser)
    except (etree.XMLSyntaxError, ValueError):
        raise OgcFault("OperationParsingFailed", "this is not XML", where=where, remedy="send a fes:Filter") from None
    if root.getroottree().docinfo.doctype:
        raise OgcFault("OperationParsingFailed", "the XML has a DTD", where=where, remedy="leave it out")
    return root


def resource_ids(root: etree._Element) -> list[str] | None:
    """The feature ids of a filter that names nothing else; None for any other filter."""
    words = [etree.QName(child).localname for child in root]
    if not words or set(words) != {"ResourceId"}:
        return None
    return [child.get("rid", "") for child in root]


class FilterReader:
    """Reads the filter of one feature type; ``default`` is the system of geometries without srsName."""

    def __init__(self, scope: FieldScope, default: System) -> None:
        self._scope = scope
        self._default = default

    def read(self, root: etree._Element) -> Node:
        """The tree of a fes:Filter. OgcFault names what is not supported; the compiler checks names and types."""
        if etree.QName(root).localname != "Filter" or len(root) != 1:
            raise _unsupported("a filter needs one root condition in a fes:Filter")
        return self._condition(root[0])

    def _condition(self, element: etree._Element) -> Call:
        name = etree.QName(element).localname
        if name in ("And", "Or"):
            if len(element) < 2:
                raise _unsupported(f"{name} takes two conditions or more")
            return call(name.lower(), [self._condition(child) for child in element])
        if name == "Not" and len(element) == 1:
            return call("not", [self._condition(element[0])])
        if name in COMPARISONS:
            return self._comparison(element, COMPARISONS[name])
        if name in SPATIAL:
            return self._spatial(element, SPATIAL[name])
        return self._other_test(element, name)

    def _other_test(self, element: etree._Element, name: str) -> Call:
        if name in ("PropertyIsNull", "PropertyIsNil"):
            return call("isnull", [Property(_reference(element))])
        if name == "PropertyIsLike":
            return self._like(element)
        if name == "PropertyIsBetween":
            field, least, most = _reference(element), _below(element, "LowerBoundary"), _below(element, "UpperBoundary")
            return call("between", [Property(field), self._value(field, least), self._value(field, most)])
        raise _unsupported(f"the condition {name[:40]!r} is not supported")

    def _comparison(self, element: etree._Element, operator: str) -> Call:
        field = _reference(element)
        args: list[Node] = []
        for child in element:
            word = etree.QName(child).localname
            args.append(Property(field) if word in _REFERENCES else self._value(field, child.text or ""))
        if element.get("matchCase", "true").lower() == "false" and self._scope.find(field).type == "text":
            args = [call("casei", [arg]) for arg in args]
        return call(operator, args)

    def _value(self, field: str, text: str) -> Node:
        return read_value(self._scope.find(field).type, text.strip(), field[:80])

    def _like(self, element: etree._Element) -> Call:
        pattern = _below(element, "")
        many, one = element.get("wildCard", "*"), element.get("singleChar", ".")
        escape = element.get("escapeChar", element.get("escape", "\\"))
        if not (len(many) == len(one) == len(escape) == 1):
            raise _unsupported("wildCard, singleChar and escapeChar are one character each")
        literal = text_literal(_sql_pattern(pattern, many, one, escape))
        args: list[Node] = [Property(_reference(element)), literal]
        if element.get("matchCase", "true").lower() == "false":
            args = [call("casei", [arg]) for arg in args]
        return call("like", args)

    def _spatial(self, element: etree._Element, operator: str) -> Call:
        shapes = [child for child in element if is_gml(child)]
        if len(shapes) != 1:
            raise _unsupported("a spatial condition takes one GML geometry")
        return call(operator, [Property("geom"), Geometry(read_geometry(shapes[0], self._default))])


def _sql_pattern(pattern: str, many: str, one: str, escape: str) -> str:
    """A pattern of LIKE with % and _, its own wildcards and backslashes escaped."""
    found, characters = "", iter(pattern)
    for character in characters:
        if character == escape:
            found += _literally(next(characters, ""))
        elif character in (many, one):
            found += "%" if character == many else "_"
        else:
            found += _literally(character)
    return found


def _literally(character: str) -> str:
    return f"\\{character}" if character and character in "%_\\" else character


def _reference(element: etree._Element) -> str:
    for child in element.iter():
        if etree.QName(child).localname in _REFERENCES:
            return plain_name((child.text or "").strip())
    raise _unsupported(f"{etree.QName(element).localname} needs a ValueReference")


def _below(element: etree._Element, word: str) -> str:
    """The text of the Literal in a child of a name, or of the element's own Literal."""
    start = element if not word else next((c for c in element if etree.QName(c).localname == word), None)
    for child in start.iter() if start is not None else ():
        if etree.QName(child).localname == "Literal":
            return child.text or ""
    raise _unsupported(f"{etree.QName(element).localname} needs a Literal")


def _unsupported(what: str) -> BadRequest:
    return OgcFault("OperationParsingFailed", what, where="FILTER", remedy="docs/services.md lists what is supported")
