"""Newline-delimited GeoJSON and GeoJSON text sequences (RFC 8142): one feature on each line."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from importers.importer import ReadOptions
from importers.inspection import LayerInspection
from importers.vector_source import inspect_layers, read_layer

RECORD_SEPARATOR = b"\x1e"
FIRST_LINE_LIMIT = 16 * 1024 * 1024


class GeoJsonLines:
    """Reads one feature at a time, so a file of any size needs little memory."""

    name = "GeoJSON lines"

    def recognises(self, head: bytes, path: Path) -> bool:
        """A record separator, or a whole feature on the first line with another one after it."""
        if head.startswith(RECORD_SEPARATOR):
            return True
        if not head.lstrip().startswith(b"{"):
            return False
        with path.open("rb") as file:
            first, second = file.readline(FIRST_LINE_LIMIT), file.readline(64)
        return second.lstrip().startswith(b"{") and _is_feature(first)

    def inspect(self, path: Path, options: ReadOptions) -> list[LayerInspection]:
        """The one layer, in longitude and latitude of WGS 84."""
        return inspect_layers(_opened(path), evidence="RFC 7946", encoding="UTF-8 (by the standard)")

    def read(self, path: Path, layer: LayerInspection, options: ReadOptions) -> Iterator[Any]:
        """Features in file order."""
        return read_layer(_opened(path), layer.name)


def _is_feature(line: bytes) -> bool:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return False
    return isinstance(found, dict) and found.get("type") == "Feature"


def _opened(path: Path) -> Path:
    """The file under a name by which the driver knows the format."""
    named = path.with_name(f"{path.stem}.geojsonl")
    if not named.exists():
        named.symlink_to(path.name)
    return named
