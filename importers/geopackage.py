"""OGC GeoPackage: an SQLite file with layers."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from importers.importer import ReadOptions
from importers.inspection import LayerInspection
from importers.vector_source import inspect_layers, read_layer

MAGIC = b"SQLite format 3\x00"
APPLICATION_IDS = (b"GPKG", b"GP10", b"GP11")


class GeoPackage:
    """Reads every feature and attribute layer of a GeoPackage."""

    name = "GPKG"

    def recognises(self, head: bytes, path: Path) -> bool:
        """SQLite with the application id of GeoPackage, or named .gpkg where old writers left the id out."""
        return head.startswith(MAGIC) and (head[68:72] in APPLICATION_IDS or path.suffix.lower() == ".gpkg")

    def inspect(self, path: Path, options: ReadOptions) -> list[LayerInspection]:
        """All layers."""
        return inspect_layers(path, evidence="declared in the file", encoding="UTF-8 (by the standard)")

    def read(self, path: Path, layer: LayerInspection, options: ReadOptions) -> Iterator[Any]:
        """Rows in storage order."""
        return read_layer(path, layer.name)
