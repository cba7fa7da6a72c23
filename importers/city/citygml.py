"""CityGML 2.0 and 3.0, read as a stream: one member is held at a time.

The XML is taken without document types, entities, network or bottomless nesting. Links lead within the file only.
"""

import functools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from lxml import etree

from cim.errors import ImportRefused
from importers.city.frames import frame_of
from importers.city.gml_appearance import GmlAppearance
from importers.city.gml_geometry import Element, VertexList, id_of, local
from importers.city.gml_objects import Member
from importers.city.importing import CityImporter
from importers.city.model import Family, Head
from importers.importer import ReadOptions

METRES_STEP, DEGREES_STEP = 1e-4, 1e-9
"""Coordinates are kept on a grid of a tenth of a millimetre."""
LINKED_BYTES = 64 * 1024**2
MEMBERS = tuple("{*}" + name for name in ("cityObjectMember", "featureMember", "featureMembers"))
HREF = "{http://www.w3.org/1999/xlink}href"
_HREFS = etree.XPath("descendant-or-self::*/@xlink:href", namespaces={"xlink": "http://www.w3.org/1999/xlink"})
_IDS = etree.XPath("descendant-or-self::*/@*[local-name() = 'id']")
_SYSTEMS = etree.XPath("descendant-or-self::*/@srsName")


class GmlModel:
    """A CityGML file. A first pass finds system, appearances and what is linked from elsewhere in the file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._looks = GmlAppearance()
        self._linked: dict[str, Element] = {}
        systems: dict[str, None] = {}
        missing: set[str] = set()
        version = "none"
        for event, element in self._events("{*}Envelope", "{*}Appearance", "{*}CityModel"):
            if event == "root":
                version = _version(element)
                continue
            name = local(element)
            if name == "Appearance":
                self._looks.add(element)
            systems |= dict.fromkeys(str(system) for system in _SYSTEMS(element))
            if name.endswith(("Member", "Members")):
                hrefs = {str(href)[1:] for href in _HREFS(element) if str(href).startswith("#")}
                missing |= hrefs - {str(own) for own in _IDS(element)} if hrefs else set()
        if version == "none":
            raise ImportRefused("unreadable", "this is XML, but no CityModel", where=path.name, remedy="check the file")
        self._take_linked(missing)
        self.head = self._head_of(version, list(systems))

    def families(self) -> Iterator[Family]:
        """The members one after another."""
        number = 0
        for event, element in self._events():
            if event != "end":
                continue
            for feature in element:
                if local(feature) and local(feature) != "Appearance":
                    number += 1
                    yield self._member(feature, number)

    def _member(self, feature: Element, number: int) -> Family:
        own: dict[str, Element] = {}
        for below in feature.iter():
            name = id_of(below) if isinstance(below.tag, str) else None
            if name:
                own.setdefault(name, below)
        scale = np.array(self.head.scale)
        return Member(VertexList(scale), lambda name: own.get(name, self._linked.get(name)), self._looks, number).read(
            feature
        )

    def _head_of(self, version: str, systems: list[str]) -> Head:
        frames = {frame_of(system, ReadOptions()) for system in systems}
        if len({frame.crs for frame in frames}) > 1:
            raise ImportRefused(
                "mixed-crs",
                f"the file is in several systems: {', '.join(systems[:4])}",
                where=self._path.name,
                remedy="have it written in one",
            )
        compound = sorted(systems, key=lambda system: frame_of(system, ReadOptions()).height_datum is None)
        reference = compound[0] if compound else None
        step = DEGREES_STEP if any(frame.geographic for frame in frames) else METRES_STEP
        return Head(version, (step, step, METRES_STEP), (0.0, 0.0, 0.0), reference)

    def _take_linked(self, wanted: set[str]) -> None:
        """Keep the elements that members refer to in other members."""
        if not wanted:
            return
        held = 0
        for event, element in self._events():
            if event != "end":
                continue
            for below in element.iter():
                name = id_of(below) if isinstance(below.tag, str) else None
                if name in wanted and name not in self._linked:
                    text = etree.tostring(below)
                    held += len(text)
                    if held > LINKED_BYTES:
                        raise ImportRefused(
                            "too-large",
                            f"members share more than {LINKED_BYTES // 1024**2} MB of geometry by links",
                            where=self._path.name,
                            remedy="have it written with geometry in each member",
                        )
                    self._linked[name] = etree.fromstring(text, _parser())

    def _events(self, *more: str) -> Iterator[tuple[str, Any]]:
        """The root when it begins, then each member (and what else is named) when it ends; members are let go after."""
        members = frozenset(name.removeprefix("{*}") for name in MEMBERS)
        try:
            first = True
            parser = etree.iterparse(
                str(self._path),
                events=("start", "end"),
                tag=(*MEMBERS, *more, "{*}CityModel"),
                resolve_entities=False,
                load_dtd=False,
                no_network=True,
                huge_tree=False,
                remove_comments=True,
                remove_pis=True,
            )
            for event, element in parser:
                if first:
                    _check_prologue(element, self._path.name)
                    first = False
                    yield "root", element.getroottree().getroot()
                if event == "start" or local(element) == "CityModel":
                    continue
                yield "end", element
                if local(element) in members:
                    _let_go(element)
        except etree.XMLSyntaxError as error:
            raise ImportRefused(
                "unreadable",
                f"the XML cannot be read: {str(error)[:160]}",
                where=self._path.name,
                remedy="ask for the file again",
            ) from error


class CityGml(CityImporter):
    """Reads CityGML."""

    name = "CityGML"

    def recognises(self, head: bytes, path: Path) -> bool:
        """XML that names CityGML near its start."""
        plain = head.lstrip(b"\xef\xbb\xbf \t\r\n")
        return plain.startswith(b"<") and (b"citygml" in plain.lower() or b"CityModel" in plain)

    def open(self, path: Path, options: ReadOptions) -> GmlModel:
        """The model; a child that inspects and then reads makes the first pass once."""
        return _model(path, path.stat().st_mtime_ns)


@functools.lru_cache(maxsize=1)
def _model(path: Path, _changed_ns: int) -> GmlModel:
    return GmlModel(path)


def _parser() -> etree.XMLParser:
    return etree.XMLParser(resolve_entities=False, load_dtd=False, no_network=True, huge_tree=False)


def _check_prologue(element: Element, where: str) -> None:
    """A document type may declare entities: none is taken."""
    if element.getroottree().docinfo.doctype:
        raise ImportRefused(
            "xml-doctype",
            "the XML declares a document type, which city models have none of",
            where=where,
            remedy="have the DOCTYPE removed by its owner",
        )


def _version(root: Element) -> str:
    if local(root) != "CityModel":
        return "none"
    names = " ".join(str(uri) for uri in root.nsmap.values()).lower()
    return "3.0" if "citygml/3.0" in names or "/3.0" in str(root.tag).lower() else "2.0"


def _let_go(member: Element) -> None:
    member.clear()
    parent = member.getparent()
    while parent is not None and member.getprevious() is not None:
        del parent[0]
