"""City layers as CityJSON 2.0 documents and text sequences, with everything that came in."""

import json
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from cim.errors import BadRequest
from cim.model.city_bodies import listed, mapped, unpacked
from cim.store.city_exporting import StoredObject
from importers.city.assembling import FinerGrid, Looks, Templates, Three, Vertices, object_of, same_frame

VERSION = "2.0"
CRS_URL = "https://www.opengis.net/def/crs/EPSG/0/"
GRID: Three = (0.001, 0.001, 0.001)
CITYJSON, CITYJSONSEQ = "cityjson", "cityjsonseq"
SUFFIXES = {CITYJSON: (".json", ".cityjson"), CITYJSONSEQ: (".jsonl", ".cityjsonl")}
Pages = Callable[[], Iterator[Sequence[StoredObject]]]
"""Gives the objects of a layer from the start each time it is called."""


@dataclass(frozen=True, slots=True)
class CityOrder:
    """What to write: ``document`` is what the file of the newest import said, ``tree`` all ids and parents."""

    form: str
    document: Mapping[str, Any]
    tree: Mapping[str, str | None]


def write_city(order: CityOrder, pages: Pages, target: Path, *, overwrite: bool = False) -> int:
    """Write a city layer beside the target and then give it its name; returns the number of objects."""
    if target.exists() and not overwrite:
        raise BadRequest("the file is there already", where=str(target), remedy="name another, or use --overwrite")
    if not target.parent.is_dir():
        raise BadRequest("the folder does not exist", where=str(target.parent), remedy="make it first")
    writer = _Document if order.form == CITYJSON else _Sequence
    scale: Three = GRID
    if listed(order.document.get("scale")):
        scale = three_of(order.document["scale"])
    with tempfile.TemporaryDirectory(prefix=".cim-export-", dir=target.parent) as name:
        while True:
            try:
                count = writer(order, scale, Path(name)).write(pages())
                break
            except FinerGrid as finer:
                scale = finer.scale
        shutil.move(Path(name) / "done", target)
    return count


class _Writer:
    """What documents and sequences share: the place of the file, and its objects one by one."""

    def __init__(self, order: CityOrder, scale: Three, folder: Path) -> None:
        self.order, self.scale, self.folder = order, scale, folder
        self.translate: Three | None = None
        self.frame: tuple[Any, Any] | None = None
        self.looks = Looks()
        self.templates = Templates(self.looks)
        self.count = 0

    @property
    def north_first(self) -> bool:
        """Whether coordinates are written with northings first, as they came."""
        return bool(self.order.document.get("north_first"))

    def opened(self, one: StoredObject) -> dict[str, Any]:
        """The body of an object, which must lie in the same system as all others."""
        body = unpacked(one.body) if one.body else {}
        if body.get("vertices"):
            self.frame = same_frame(body, self.frame)
            if self.translate is None:
                self.translate = three_of(body["transform"]["translate"])
        self.count += 1
        return body

    def vertices(self) -> Vertices:
        """An empty list of vertices on the file's grid."""
        return Vertices(self.scale, self.translate or (0.0, 0.0, 0.0))

    def made(self, one: StoredObject, body: Mapping[str, Any], vertices: Vertices, looks: Looks) -> dict[str, Any]:
        """An object with its vertices among those of the file."""
        places = vertices.places(body) if body.get("vertices") else []
        return object_of(one.type, one.attributes, body, places, looks, self.templates, self.order.tree)

    def axes(self, rows: Sequence[Any]) -> list[Any]:
        """Triples in the order of axes of the file."""
        return [[row[1], row[0], row[2]] for row in rows] if self.north_first else list(rows)

    def head(self) -> dict[str, Any]:
        """The members that stand first."""
        members = dict(mapped(self.order.document.get("members")))
        metadata = dict(mapped(members.pop("metadata", None)))
        crs, _ = self.frame or (None, None)
        reference = self.order.document.get("reference") or crs
        if reference:
            metadata["referenceSystem"] = re.sub(r"^EPSG:(\d+)$", rf"{CRS_URL}\1", str(reference))
        scale, translate = self.axes([self.scale, self.translate or (0.0, 0.0, 0.0)])
        head = {"type": "CityJSON", "version": VERSION, "transform": {"scale": scale, "translate": translate}}
        return head | ({"metadata": metadata} if metadata else {}) | members

    def tail(self) -> dict[str, Any]:
        """Templates and appearance, where there are any."""
        held = {"geometry-templates": self.templates.to_json(), "appearance": self.looks.to_json()}
        return {name: value for name, value in held.items() if value}


class _Document(_Writer):
    """One document; its vertices are held until the end."""

    def write(self, pages: Iterator[Sequence[StoredObject]]) -> int:
        vertices = None
        with (self.folder / "objects").open("w+", encoding="utf-8") as objects:
            for page in pages:
                for one in page:
                    body = self.opened(one)
                    vertices = vertices or (self.vertices() if self.translate else None)
                    made = self.made(one, body, vertices or self.vertices(), self.looks)
                    objects.write(f"{',' if self.count > 1 else ''}\n{_text(one.id)}:{_text(made)}")
            tail = self.tail()
            with (self.folder / "done").open("w", encoding="utf-8") as done:
                done.write(_text(self.head())[:-1] + ',"CityObjects":{')
                _copy(objects, done)
                rows = self.axes(vertices.entries if vertices else [])
                done.write(
                    '\n},"vertices":' + _text(rows) + "".join(f",{_text(n)}:{_text(v)}" for n, v in tail.items())
                )
                done.write("}\n")
        return self.count


class _Sequence(_Writer):
    """A line for each object at the top with all that belongs to it; families are held until they are whole."""

    def write(self, pages: Iterator[Sequence[StoredObject]]) -> int:
        tops = {name: self._top(name) for name in self.order.tree}
        sizes: dict[str, int] = {}
        for top in tops.values():
            sizes[top] = sizes.get(top, 0) + 1
        held: dict[str, list[StoredObject]] = {}
        with (self.folder / "objects").open("w+", encoding="utf-8") as objects:
            for page in pages:
                for one in page:
                    top = tops.get(one.id, one.id)
                    family = held.setdefault(top, [])
                    family.append(one)
                    if len(family) >= sizes.get(top, 1):
                        objects.write(_text(self._feature(top, held.pop(top))) + "\n")
            for top, family in held.items():
                objects.write(_text(self._feature(top, family)) + "\n")
            with (self.folder / "done").open("w", encoding="utf-8") as done:
                done.write(_text({**self.head(), "CityObjects": {}, "vertices": [], **self.tail()}) + "\n")
                _copy(objects, done)
        return self.count

    def _top(self, name: str) -> str:
        met = {name}
        while (parent := self.order.tree.get(name)) is not None and parent in self.order.tree and parent not in met:
            met.add(parent)
            name = parent
        return name

    def _feature(self, top: str, family: Sequence[StoredObject]) -> dict[str, Any]:
        bodies = [self.opened(one) for one in family]
        vertices, looks = self.vertices(), Looks()
        made = {one.id: self.made(one, body, vertices, looks) for one, body in zip(family, bodies, strict=True)}
        feature = {"type": "CityJSONFeature", "id": top, "CityObjects": made, "vertices": self.axes(vertices.entries)}
        return feature | ({"appearance": looks.to_json()} if looks.to_json() else {})


def three_of(values: Sequence[float]) -> Three:
    """Three numbers as such."""
    first, second, third = values
    return first, second, third


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _copy(source: TextIO, target: TextIO) -> None:
    source.seek(0)
    shutil.copyfileobj(source, target, 1 << 20)
