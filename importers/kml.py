"""OGC KML, plain or zipped with its pictures as KMZ."""

import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from importers.importer import ReadOptions
from importers.inspection import LayerInspection
from importers.vector_source import inspect_layers, read_layer

ZIP_MAGIC = b"PK\x03\x04"


class Kml:
    """Reads every folder with placemarks as a layer; links to other places are not followed."""

    name = "KML"

    def recognises(self, head: bytes, path: Path) -> bool:
        """A kml element, or a zip whose first level holds a .kml and nothing a Shapefile or table would."""
        if head.startswith(ZIP_MAGIC):
            return path.suffix.lower() == ".kmz" and _has_document(path)
        return b"<kml" in head or b":kml" in head

    def inspect(self, path: Path, options: ReadOptions) -> list[LayerInspection]:
        """All folders that hold placemarks; longitude and latitude of WGS 84 by the standard."""
        return inspect_layers(path, evidence="WGS 84 by the standard", encoding="declared in the XML")

    def read(self, path: Path, layer: LayerInspection, options: ReadOptions) -> Iterator[Any]:
        """Placemarks in file order."""
        return read_layer(path, layer.name)


def _has_document(path: Path) -> bool:
    try:
        with zipfile.ZipFile(path) as archive:
            return any(name.lower().endswith(".kml") for name in archive.namelist())
    except (zipfile.BadZipFile, OSError, ValueError):
        return False
