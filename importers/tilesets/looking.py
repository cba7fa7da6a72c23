"""Files of a set as its documents name them: found, opened once, checked, and remembered as parts to keep."""

import gzip
import io
import zlib
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from importers.tilesets.contents import GZIP, BadContent, Contents, content_of
from importers.tilesets.documents import MOST_JSON_BYTES, json_of
from importers.tilesets.faults import Faults
from importers.tilesets.files import TilesetFiles
from importers.tilesets.uris import DATA, BadUri, file_of


@dataclass(slots=True)
class SetFiles:
    """The files of a set. ``opens`` is off where documents alone are judged, whose files are not at hand.

    ``kept`` are the names of all that the set needs; ``kinds`` counts its contents by what they are.
    """

    files: TilesetFiles
    faults: Faults
    opens: bool = True
    sizes: dict[str, int] = field(default_factory=dict)
    kept: set[str] = field(default_factory=set)
    kinds: Counter[str] = field(default_factory=Counter)
    tilesets: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.sizes = self.files.sizes()

    def named(self, address: str, document: str, where: str) -> str | None:
        """The file an address means; None, with a fault, where it leads out of the set or the file is not there."""
        try:
            name = file_of(address, document)
        except BadUri as error:
            self.faults.add("tileset-uri", f"{document} {where}", str(error))
            return None
        if name in self.sizes:
            return name
        if self.opens:
            self.faults.add("tileset-missing", f"{document} {where}", f"{name[:120]} is not there")
        return None

    def bytes_of(self, name: str, most: int = MOST_JSON_BYTES) -> bytes:
        """The bytes of a file, unpacked where gzip packs them; ValueError where they are too many or damaged."""
        if self.sizes[name] > most:
            raise ValueError(f"the file is larger than {most // 1024**2} MB")
        self.kept.add(name)
        with self.files.open(name) as file:
            data = file.read(most + 1)
        if data[:2] != GZIP:
            return data
        try:
            with gzip.GzipFile(fileobj=io.BytesIO(data)) as packed:
                data = packed.read(most + 1)
        except (OSError, EOFError, zlib.error):
            raise ValueError("the gzip around it is damaged") from None
        if len(data) > most:
            raise ValueError(f"it unpacks to more than {most // 1024**2} MB")
        return data

    def json(self, name: str) -> Any:
        """The JSON of a file; None, with a fault, where it is none."""
        try:
            return json_of(self.bytes_of(name))
        except (ValueError, OSError) as error:
            self.faults.add("tileset-json", name, str(error))
            return None

    def content(self, address: str, document: str, where: str) -> Contents | None:
        """A content, which may be another tileset; None where it was looked at before or is broken."""
        name = self.named(address, document, where)
        if name is None or (name in self.kept and name not in self.tilesets):
            return None
        found = self._opened(name)
        if found is not None and found.document is not None:
            self.tilesets.add(name)
        if found is None:
            return None
        found.name = name
        return found

    def _opened(self, name: str) -> Contents | None:
        if name in self.tilesets:
            return Contents("json", document={})
        if not self.opens and not name.endswith(".json"):
            return None
        self.kept.add(name)
        try:
            with self.files.open(name) as file:
                found = content_of(file, self.sizes[name])
        except (BadContent, OSError) as error:
            self.faults.add("tileset-content", name, str(error))
            return None
        if found.document is not None:
            if not (isinstance(found.document, dict) and "root" in found.document):
                self.faults.add("tileset-content", name, "the JSON is neither a tileset nor a glTF")
                return None
            return found
        self.kinds[found.kind] += 1
        for note in found.notes[:1]:
            self.faults.note("tileset-content-note", name, note)
        for address in found.addresses:
            self._beside(address, name)
        return found

    def _beside(self, address: str, content: str) -> None:
        """A file that a glTF needs, or the glTF that an i3dm names."""
        if address.startswith(DATA):
            return
        name = self.named(address, content, "its glTF")
        if name is not None and name not in self.kept:
            if name.endswith((".glb", ".gltf")):
                self._opened(name)
            self.kept.add(name)
