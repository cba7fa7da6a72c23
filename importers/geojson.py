"""GeoJSON (RFC 7946), also as a bare array of features, as Chinese map portals hand out."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cim.errors import ImportRefused
from importers.importer import ReadOptions
from importers.inspection import LayerInspection
from importers.vector_source import inspect_layers, read_layer

BARE_ARRAY_LIMIT_BYTES = 200 * 1024 * 1024
_BOM = b"\xef\xbb\xbf"


class GeoJson:
    """Reads a FeatureCollection, a Feature or an array of Features; longitude comes first."""

    name = "GeoJSON"

    def recognises(self, head: bytes, path: Path) -> bool:
        """A JSON object or array."""
        return head.removeprefix(_BOM).lstrip()[:1] in {b"{", b"["}

    def inspect(self, path: Path, options: ReadOptions) -> list[LayerInspection]:
        """The one layer; its CRS is longitude and latitude of WGS 84 unless the file names another."""
        usable = _usable(path)
        return inspect_layers(usable, evidence="RFC 7946 or named in the file", encoding="UTF-8 (by the standard)")

    def read(self, path: Path, layer: LayerInspection, options: ReadOptions) -> Iterator[Any]:
        """Features in file order."""
        return read_layer(_usable(path), layer.name)


def _usable(path: Path) -> Path:
    """The file itself, or a copy beside it in which a bare array has become a FeatureCollection."""
    with path.open("rb") as file:
        head = file.read(64).removeprefix(_BOM).lstrip()
    if not head.startswith(b"["):
        return path
    wrapped = path.with_name(f"{path.stem}.wrapped.geojson")
    if wrapped.exists():
        return wrapped
    if path.stat().st_size > BARE_ARRAY_LIMIT_BYTES:
        raise ImportRefused(
            "too-large",
            "a bare array must be held whole and is limited to 200 MB",
            where=path.name,
            remedy="deliver a FeatureCollection",
        )
    try:
        features = json.loads(path.read_text("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise ImportRefused(
            "unreadable", f"not JSON: {error}"[:200], where=path.name, remedy="correct the file"
        ) from error
    if not all(isinstance(item, dict) and item.get("type") == "Feature" for item in features):
        raise ImportRefused(
            "unreadable", "the array holds something else than features", where=path.name, remedy="deliver GeoJSON"
        )
    wrapped.write_text(json.dumps({"type": "FeatureCollection", "features": features}, ensure_ascii=False), "utf-8")
    return wrapped
