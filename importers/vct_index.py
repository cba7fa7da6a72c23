"""Where everything of a VCT file is: one pass that notes the place of each object and each table, and holds lines.

Objects come before their attributes, so a layer cannot be read in one pass. The index keeps 24 bytes for each object
and the boundary lines that areas are made of; it is kept for the file read last.
"""

from array import array
from collections import Counter
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import shapely

from cim.errors import ImportRefused
from importers.importer import ReadOptions
from importers.text_encoding import CHINESE
from importers.vct_head import VctHead, decoded, is_end, read_codes, read_head, read_tables, refuse_begin
from importers.vct_objects import ObjectReader
from importers.vct_rings import LineStore
from importers.vct_text import Place, VctLines, shown

LIMIT_BYTES = 1024**3
GEOMETRY_SECTIONS = ("Point", "Line", "Polygon", "Annotation")
TABLE_END = b"tableend"
SAMPLE_LINES = 50_000


@dataclass(slots=True)
class VctLayer:
    """One layer: the objects of some feature codes of one kind, with one table.

    ``kind`` is Point, Line, Polygon, Annotation, or empty for a table without objects. ``offsets`` and ``numbers`` are
    the places of its objects in file order, ``ids`` their ids.
    """

    name: str
    kind: str
    table: str
    codes: list[str] = field(default_factory=list)
    offsets: "array[int]" = field(default_factory=lambda: array("q"))
    numbers: "array[int]" = field(default_factory=lambda: array("q"))
    ids: "array[int]" = field(default_factory=lambda: array("q"))
    takes_loose_rows: bool = True

    def places(self) -> list[Place]:
        """Where its objects begin."""
        return [Place(offset, line) for offset, line in zip(self.offsets, self.numbers, strict=True)]


@dataclass(slots=True)
class VctIndex:
    """A file's declarations and where its contents are.

    ``tables`` has the place of the first row and the number of rows of each block of attributes. ``unread`` counts what
    becomes no layer: the objects by code and the lines by section.
    """

    head: VctHead = field(default_factory=VctHead)
    layers: list[VctLayer] = field(default_factory=list)
    tables: dict[str, list[tuple[Place, int]]] = field(default_factory=dict)
    lines: LineStore = field(default_factory=LineStore)
    boundary_codes: Counter[str] = field(default_factory=Counter)
    unknown_codes: Counter[str] = field(default_factory=Counter)
    unread_sections: Counter[str] = field(default_factory=Counter)
    unknown_tables: Counter[str] = field(default_factory=Counter)
    areas_of_lines: int = 0
    encoding: str = "UTF-8"
    encoding_evidence: str = "all texts are ASCII"

    def layer(self, name: str) -> VctLayer:
        """The layer of a name."""
        return next(layer for layer in self.layers if layer.name == name)


def index_of(path: Path, options: ReadOptions) -> VctIndex:
    """The index of a file; ImportRefused for another version, a file above 1 GB and the first fault of structure."""
    state = path.stat()
    if state.st_size > LIMIT_BYTES:
        raise ImportRefused(
            "file-too-large",
            "a VCT file is read up to 1 GB, because the lines that bound its areas are held in memory",
            where=path.name,
            remedy="ask for it in parts, or as a file geodatabase",
        )
    _check_encoding(path, options.encoding)
    return _index_of(path, state.st_size, state.st_mtime_ns, options.encoding)


def _check_encoding(path: Path, encoding: str | None) -> None:
    """Refuse an encoding that is none, or one in which ASCII stands for something else."""
    try:
        usable = encoding is None or b"0".decode(encoding) == "0"
    except (LookupError, UnicodeError):
        usable = False
    if not usable:
        raise ImportRefused(
            "encoding", f"{encoding!r} is no encoding of a VCT file", where=path.name, remedy="give GB18030 or UTF-8"
        )


@lru_cache(maxsize=1)
def _index_of(path: Path, size: int, changed: int, encoding: str | None) -> VctIndex:
    with path.open("rb") as file:
        index = _Scan(VctLines(file, path.name)).index()
    if encoding:
        index.encoding, index.encoding_evidence = encoding, "given by --encoding"
    return index


class _Scan:
    """The pass over a file."""

    def __init__(self, lines: VctLines) -> None:
        self._lines = lines
        self._index = VctIndex()
        self._by_code: dict[tuple[str, str], VctLayer] = {}
        self._texts = Counter[str]()

    def index(self) -> VctIndex:
        seen: set[str] = set()
        while (line := self._lines.take_any()) is not None:
            name = decoded(line)
            if not name.lower().endswith("begin"):
                raise self._lines.fault(f"{shown(line)} stands outside any section", "have the file written again")
            section = name[: -len("begin")].capitalize()
            if not seen and section != "Head":
                raise self._lines.fault("the file does not begin with HeadBegin", "ask for the whole file again")
            seen.add(section)
            self._section(section)
        missing = [name for name in ("Head", "Featurecode", "Tablestructure") if name not in seen]
        if missing:
            raise self._lines.fault(f"the file has no {missing[0]}Begin", "ask for the whole file again")
        self._finish()
        return self._index

    def _section(self, section: str) -> None:
        head = self._index.head
        if section == "Head":
            head.values = read_head(self._lines, section)
            self._lines.separator = head.separator
        elif section == "Featurecode":
            head.codes = read_codes(self._lines, "FeatureCode")
        elif section == "Tablestructure":
            head.tables = read_tables(self._lines, "TableStructure")
        elif section in GEOMETRY_SECTIONS:
            self._layers()
            self._objects(section)
        elif section == "Attribute":
            self._layers()
            self._attributes()
        else:
            self._pass(section)

    def _layers(self) -> None:
        """One layer for each kind of object a table has, once the declarations are read."""
        if self._index.layers:
            return
        head = self._index.head
        by_fold = {name.casefold(): name for name in head.tables}
        kinds: dict[str, list[str]] = {}
        for code in head.codes:
            if code.kind in GEOMETRY_SECTIONS:
                table = by_fold.get(code.table.casefold(), code.table)
                listed = kinds.setdefault(table or code.code, [])
                listed += [code.kind] if code.kind not in listed else []
        found: dict[tuple[str, str], VctLayer] = {}
        for code in head.codes:
            if code.kind in GEOMETRY_SECTIONS:
                table = by_fold.get(code.table.casefold(), code.table)
                title = table or code.code
                several = len(kinds[title]) > 1
                key = (title, code.kind)
                layer = found.setdefault(
                    key, VctLayer(f"{title}_{code.kind.lower()}" if several else title, code.kind, table)
                )
                layer.takes_loose_rows = kinds[title][0] == code.kind
                layer.codes.append(code.code)
                self._by_code[code.code, code.kind] = layer
        used = {layer.table for layer in found.values()}
        bare = [VctLayer(name, "", name) for name in head.tables if name not in used]
        names = {layer.name for layer in bare}
        for layer in found.values():
            while layer.name in names:
                layer.name += "_"
            names.add(layer.name)
        self._index.layers = [*found.values(), *bare]

    def _objects(self, section: str) -> None:
        reader = ObjectReader(self._lines, self._index.head.axes)
        while (found := reader.next(section)) is not None:
            layer = self._by_code.get((found.code, section))
            if layer is not None:
                layer.offsets.append(found.place.offset)
                layer.numbers.append(found.place.line)
                layer.ids.append(found.id)
            else:
                (self._index.boundary_codes if section == "Line" else self._index.unknown_codes)[found.code] += 1
            if section == "Line" and isinstance(found.shape, shapely.LineString):
                self._index.lines.add(found.id, shapely.get_coordinates(found.shape))
            if section == "Annotation":
                self._sample(found.raw_text)
            self._index.areas_of_lines += section == "Polygon" and bool(found.parts)

    def _attributes(self) -> None:
        by_fold = {name.casefold(): name for name in self._index.head.tables}
        while not is_end(line := self._lines.take("AttributeBegin"), "Attribute"):
            refuse_begin(self._lines, line, "Attribute")
            title = decoded(line)
            table = by_fold.get(title.casefold(), title)
            if table not in self._index.head.tables and self._lines.separator in line:
                raise self._lines.fault(f"{shown(line)} is no name of a table", "have the file written again")
            first, rows = self._lines.place, 0
            while (line := self._lines.take(f"table {title}")).lower() != TABLE_END:
                name = decoded(line).casefold() if self._lines.separator not in line else ""
                if name in by_fold or is_end(line, "Attribute"):
                    raise self._lines.fault(f"table {title} has no TableEnd", "have the file written again")
                if not rows:
                    first = self._lines.place
                rows += 1
                self._sample(line)
            if table in self._index.head.tables:
                self._index.tables.setdefault(table, []).append((first, rows))
            else:
                self._index.unknown_tables[title] += rows

    def _pass(self, section: str) -> None:
        while not is_end(line := self._lines.take(f"{section}Begin"), section):
            if line.lower() in {f"{name.lower()}begin".encode() for name in (*GEOMETRY_SECTIONS, "Attribute")}:
                raise self._lines.fault(f"{decoded(line)} stands before {section}End", "have the file written again")
            self._index.unread_sections[section] += 1

    def _sample(self, text: bytes) -> None:
        """Take a text into account for the encoding."""
        if text.isascii() or self._texts.total() >= 2 * SAMPLE_LINES:
            return
        for encoding in ("UTF-8", CHINESE):
            try:
                text.decode(encoding)
            except UnicodeDecodeError:
                self._texts["neither"] += 1
            else:
                self._texts[encoding] += 1

    def _finish(self) -> None:
        index = self._index
        self._layers()
        index.lines.seal()
        if self._texts:
            index.encoding = "UTF-8" if self._texts["UTF-8"] >= self._texts[CHINESE] else CHINESE
            index.encoding_evidence = f"texts are valid {index.encoding}"
