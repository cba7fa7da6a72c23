"""CityJSON documents and text sequences, versions 1.1 and 2.0."""

import functools
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from cim.errors import ImportRefused
from cim.model.city_bodies import listed, mapped
from importers.city.importing import CityImporter
from importers.city.json_text import parsed
from importers.city.model import CityObject, Family, Head, Pool, Vertices
from importers.importer import ReadOptions

VERSIONS = ("1.1", "2.0")
DOCUMENT_BYTES = 160 * 1024**2
"""A document is held whole; a text sequence of any size is not."""
LINE_BYTES = 64 * 1024**2
_OWN_MEMBERS = frozenset(
    {"type", "version", "transform", "CityObjects", "vertices", "appearance", "geometry-templates"}
)
_NOTHING = np.empty((0, 3), np.int64)


class Document:
    """A CityJSON document, read whole."""

    def __init__(self, path: Path) -> None:
        if path.stat().st_size > DOCUMENT_BYTES:
            raise ImportRefused(
                "too-large",
                f"a CityJSON document of {path.stat().st_size / 1e6:.0f} MB would have to be held whole",
                where=path.name,
                remedy=f"deliver it as CityJSONSeq or in parts of at most {DOCUMENT_BYTES // 1024**2} MB",
            )
        held = parsed(path.read_bytes(), path.name)
        content = mapped(held.value)
        self.head = head_of(content, path.name)
        if not isinstance(content.get("CityObjects"), dict):
            raise ImportRefused("unreadable", "there is no CityObjects", where=path.name, remedy="check the file")
        self._objects: Mapping[str, Any] = content["CityObjects"]
        self._pool = Pool(vertices_of(content.get("vertices"), path.name), mapped(content.get("appearance")))
        self._repeated = [(name, value) for name, value in held.repeated if _looks_like_object(value)]

    def families(self) -> Iterator[Family]:
        """Its objects, those that belong together one after another."""
        yield from families_of(self._objects, self._pool)
        for name, value in self._repeated:
            yield [CityObject(name, value, self._pool, refused="another object has this id")]


class Sequenced:
    """A CityJSON text sequence: the head is the first line, every other a feature with vertices of its own."""

    def __init__(self, path: Path) -> None:
        self._path = path
        with path.open("rb") as file:
            content = mapped(parsed(_line(file.readline(LINE_BYTES + 1), path.name, 1), path.name).value)
        self.head = head_of(content, path.name)
        self._first = content

    def families(self) -> Iterator[Family]:
        """The objects line by line."""
        met: set[str] = set()
        if self._first.get("CityObjects"):
            pool = Pool(
                vertices_of(self._first.get("vertices"), self._path.name), mapped(self._first.get("appearance"))
            )
            yield from _new_ones(families_of(mapped(self._first["CityObjects"]), pool), met)
        with self._path.open("rb") as file:
            file.readline()
            for number in range(2, 2**62):
                line = file.readline(LINE_BYTES + 1)
                if not line:
                    return
                if line.strip():
                    yield from _new_ones(_feature(_line(line, self._path.name, number), number), met)


class CityJson(CityImporter):
    """Reads CityJSON documents."""

    name = "CityJSON"

    def recognises(self, head: bytes, path: Path) -> bool:
        """An object with the mark of CityJSON near its start, or the suffixes it is given."""
        if not _is_object(head):
            return False
        return (
            _marked(head, b"CityJSON")
            or path.name.lower().endswith((".city.json", ".cityjson"))
            or b'"CityObjects"' in head
        )

    def open(self, path: Path, options: ReadOptions) -> Document:
        """The document; a child that inspects and then reads parses it once."""
        return _document(path, path.stat().st_mtime_ns)


class CityJsonSeq(CityImporter):
    """Reads CityJSON text sequences."""

    name = "CityJSONSeq"

    def recognises(self, head: bytes, path: Path) -> bool:
        """A first line that is a CityJSON document, with features on the lines after it."""
        if not _is_object(head) or not path.is_file():
            return False
        if path.name.lower().endswith((".city.jsonl", ".cityjsonl")):
            return True
        with path.open("rb") as file:
            first, second = file.readline(LINE_BYTES), file.readline(LINE_BYTES)
        return first.rstrip().endswith(b"}") and _marked(first, b"CityJSON") and _marked(second, b"CityJSONFeature")

    def open(self, path: Path, options: ReadOptions) -> Sequenced:
        """The sequence."""
        return Sequenced(path)


@functools.lru_cache(maxsize=1)
def _document(path: Path, _changed_ns: int) -> Document:
    return Document(path)


def head_of(content: Mapping[str, Any], where: str) -> Head:
    """The head of a document or sequence; ImportRefused when it is no CityJSON that can be read."""
    version = str(content.get("version", "none"))
    if content.get("type") != "CityJSON":
        raise ImportRefused("unreadable", "this is JSON, but no CityJSON", where=where, remedy="check the file")
    if not version.startswith(VERSIONS):
        raise ImportRefused(
            "cityjson-version",
            f"the version is {version}; {' and '.join(VERSIONS)} are read",
            where=where,
            remedy="have it upgraded by its owner: cjio FILE upgrade save NEW",
        )
    transform = mapped(content.get("transform"))
    metadata = mapped(content.get("metadata"))
    reference = metadata.get("referenceSystem")
    return Head(
        version[:3],
        _three(transform.get("scale"), where, "scale"),
        _three(transform.get("translate"), where, "translate"),
        reference if isinstance(reference, str) and reference else None,
        {name: value for name, value in content.items() if name not in _OWN_MEMBERS},
        mapped(content.get("geometry-templates")),
        mapped(content.get("appearance")),
    )


def _three(value: object, where: str, name: str) -> tuple[float, float, float]:
    numbers = [float(v) for v in listed(value) if isinstance(v, int | float) and not isinstance(v, bool)]
    usable = len(numbers) == 3 and all(np.isfinite(numbers)) and (name != "scale" or all(v > 0 for v in numbers))
    if not usable:
        raise ImportRefused(
            "transform",
            f"the transform has no {name} of three numbers, which CityJSON 1.1 and 2.0 need",
            where=where,
            remedy="have it written again by its owner",
        )
    return numbers[0], numbers[1], numbers[2]


def vertices_of(value: object, where: str) -> Vertices:
    """The list of vertices; ImportRefused names the first that is not three whole numbers."""
    rows = listed(value)
    if not rows:
        return _NOTHING
    try:
        made = np.array(rows)
    except (ValueError, OverflowError):
        made = np.empty(0)
    if made.dtype.kind == "i" and made.ndim == 2 and made.shape[1] == 3:
        return made.astype(np.int64)
    wrong = next((place for place, row in enumerate(rows) if not _is_vertex(row)), 0)
    raise ImportRefused(
        "vertices",
        f"vertex {wrong} is {str(rows[wrong])[:60]}, not three whole numbers",
        where=where,
        remedy="have it written again by its owner",
    )


def _is_vertex(row: object) -> bool:
    return isinstance(row, list) and len(row) == 3 and all(type(v) is int and abs(v) < 2**62 for v in row)


def families_of(objects: Mapping[str, Any], pool: Pool) -> Iterator[Family]:
    """The objects of a document or feature, each with everything below it, in the order of the topmost ones."""
    if len(objects) == 1:
        ((name, content),) = objects.items()
        if not {"parents", "children"} & {*mapped(content)}:
            yield [_object(name, content, pool, [])]
            return
    children: dict[str, list[str]] = {}
    tops = []
    notes: dict[str, list[str]] = {}
    for name, content in objects.items():
        parents = [parent for parent in listed(mapped(content).get("parents")) if isinstance(parent, str)]
        known = [parent for parent in parents if parent in objects]
        lost = [parent for parent in parents if parent not in objects]
        if lost:
            notes.setdefault(name, []).append(f"its parent {lost[0][:80]} is not in the file")
        if known:
            children.setdefault(known[0], []).append(name)
        else:
            tops.append(name)
        lacking = [child for child in listed(mapped(content).get("children")) if child not in objects]
        if lacking:
            notes.setdefault(name, []).append(f"its child {str(lacking[0])[:80]} is not in the file")
    met: set[str] = set()
    for top in tops:
        names = _below(top, children, met)
        yield [_object(name, objects[name], pool, notes.get(name, [])) for name in names]
    for name in objects:
        if name not in met:
            yield [_object(name, objects[name], pool, ["it is its own ancestor", *notes.get(name, [])])]


def _below(top: str, children: Mapping[str, Sequence[str]], met: set[str]) -> list[str]:
    names, waiting = [], [top]
    while waiting:
        name = waiting.pop()
        met.add(name)
        names.append(name)
        waiting += reversed(children.get(name, ()))
    return names


def _object(name: str, content: object, pool: Pool, notes: list[str]) -> CityObject:
    if not isinstance(content, dict) or not isinstance(content.get("type"), str):
        return CityObject(name, mapped(content), pool, refused="it has no type")
    return CityObject(name, content, pool, notes=notes)


def _feature(line: bytes, number: int) -> Iterator[Family]:
    """The objects of one line; a line that is no feature is one object that cannot be loaded."""
    pool = Pool(_NOTHING)
    try:
        held = parsed(line, f"line {number}")
        content = mapped(held.value)
        if content.get("type") != "CityJSONFeature":
            yield [CityObject(f"line {number}", {}, pool, refused="the line is no CityJSONFeature")]
            return
        pool = Pool(vertices_of(content.get("vertices"), f"line {number}"), mapped(content.get("appearance")))
    except ImportRefused as error:
        yield [CityObject(f"line {number}", {}, pool, refused=error.what)]
        return
    yield from families_of(mapped(content.get("CityObjects")), pool)
    for name, value in held.repeated:
        if _looks_like_object(value):
            yield [CityObject(name, value, pool, refused="another object has this id")]


def _new_ones(families: Iterable[Family], met: set[str]) -> Iterator[Family]:
    """The families with objects refused whose id an earlier line had."""
    for family in families:
        for one in family:
            if one.id in met and one.refused is None:
                one.refused = "another object has this id"
            met.add(one.id)
        yield family


def _line(line: bytes, where: str, number: int) -> bytes:
    if len(line) > LINE_BYTES:
        raise ImportRefused(
            "too-large",
            f"line {number} is longer than {LINE_BYTES // 1024**2} MB",
            where=where,
            remedy="have a feature for each object at the top",
        )
    return line.lstrip(b"\xef\xbb\xbf\x1e") if number == 1 else line.lstrip(b"\x1e")


def _marked(text: bytes, kind: bytes) -> bool:
    return re.search(rb'"type"\s*:\s*"' + kind + b'"', text) is not None


def _is_object(head: bytes) -> bool:
    return head.lstrip(b"\xef\xbb\xbf\x1e \t\r\n").startswith(b"{")


def _looks_like_object(value: object) -> bool:
    return (
        isinstance(value, dict) and isinstance(value.get("type"), str) and bool({"geometry", "attributes"} & {*value})
    )
