"""FlatGeobuf: one layer with its spatial index."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from importers.importer import ReadOptions
from importers.inspection import LayerInspection
from importers.vector_source import inspect_layers, read_layer

MAGIC = b"fgb\x03fgb"


class FlatGeobuf:
    """Reads a FlatGeobuf file of version 3."""

    name = "FlatGeobuf"

    def recognises(self, head: bytes, path: Path) -> bool:
        """The magic bytes of version 3, whatever the patch level."""
        return head.startswith(MAGIC)

    def inspect(self, path: Path, options: ReadOptions) -> list[LayerInspection]:
        """The one layer."""
        return inspect_layers(path, evidence="declared in the file", encoding="UTF-8 (by the standard)")

    def read(self, path: Path, layer: LayerInspection, options: ReadOptions) -> Iterator[Any]:
        """Rows in file order."""
        return read_layer(path, layer.name)
