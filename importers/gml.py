"""OGC GML simple features. City models in CityGML are another format."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from importers.importer import ReadOptions
from importers.inspection import LayerInspection
from importers.vector_source import inspect_layers, read_layer


class Gml:
    """Reads the feature types of a GML file; schemas and links elsewhere are not fetched."""

    name = "GML"

    def recognises(self, head: bytes, path: Path) -> bool:
        """XML that names the GML namespace near its start and is no city model."""
        return head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<") and (
            b"opengis.net/gml" in head and b"CityModel" not in head and b"citygml" not in head.lower()
        )

    def inspect(self, path: Path, options: ReadOptions) -> list[LayerInspection]:
        """All feature types, axes in the order of longitude before latitude."""
        return inspect_layers(path, evidence="srsName in the file", encoding="declared in the XML")

    def read(self, path: Path, layer: LayerInspection, options: ReadOptions) -> Iterator[Any]:
        """Features in file order."""
        return read_layer(path, layer.name)
