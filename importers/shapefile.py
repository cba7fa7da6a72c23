"""ESRI Shapefile: .shp with .shx, .dbf, .prj and .cpg beside it, or a .dbf alone."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from importers.importer import ReadOptions
from importers.inspection import LayerInspection
from importers.text_encoding import dbf_encoding
from importers.vector_source import inspect_layers, read_layer

MAGIC = b"\x00\x00\x27\x0a"
DBF_VERSIONS = (b"\x02", b"\x03", b"\x30", b"\x31", b"\x83", b"\x8b", b"\xf5")
DBF_HEADER_BYTES = 32


class Shapefile:
    """Reads a .shp and its parts; the text encoding comes from .cpg, the language byte, or the texts themselves."""

    name = "ESRI Shapefile"

    def recognises(self, head: bytes, path: Path) -> bool:
        """A main file starts with the file code 9994; a .dbf alone is a table."""
        table = path.suffix.lower() == ".dbf" and head[:1] in DBF_VERSIONS and len(head) > DBF_HEADER_BYTES
        return head.startswith(MAGIC) or table

    def inspect(self, path: Path, options: ReadOptions) -> list[LayerInspection]:
        """The one layer of a Shapefile."""
        encoding, evidence = dbf_encoding(path, options.encoding)
        return inspect_layers(path, evidence="declared in .prj", encoding=f"{encoding} ({evidence})", ENCODING=encoding)

    def read(self, path: Path, layer: LayerInspection, options: ReadOptions) -> Iterator[Any]:
        """Rows in file order, texts recoded to UTF-8."""
        encoding, _ = dbf_encoding(path, options.encoding)
        return read_layer(path, layer.name, ENCODING=encoding)
