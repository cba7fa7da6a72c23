"""GeoJSON (RFC 7946), also as a bare array of features, as Chinese map portals hand out."""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from cim.errors import ImportRefused
from importers.importer import HEAD_BYTES, ReadOptions
from importers.inspection import LayerInspection
from importers.vector_source import inspect_layers, read_layer

BARE_ARRAY_LIMIT_BYTES = 200 * 1024 * 1024
_BOM = b"\xef\xbb\xbf"
_TYPE = re.compile(rb'"type"\s*:\s*"(FeatureCollection|Feature|GeometryCollection|(Multi)?(Point|LineString|Polygon))"')
_TOPOLOGY = re.compile(rb'"type"\s*:\s*"Topology"')
_ANY_TYPE = re.compile(rb'"type"\s*:\s*"([^"]{1,40})"')


class GeoJson:
    """Reads a FeatureCollection, a Feature or an array of Features; longitude comes first."""

    name = "GeoJSON"

    def recognises(self, head: bytes, path: Path) -> bool:
        """A JSON object or array."""
        return head.removeprefix(_BOM).lstrip()[:1] in {b"{", b"["}

    def inspect(self, path: Path, options: ReadOptions) -> list[LayerInspection]:
        """The one layer; its CRS is longitude and latitude of WGS 84 unless the file names another."""
        evidence, encoding = "RFC 7946 or named in the file", "UTF-8 (by the standard)"
        layers = inspect_layers(_usable(path), evidence=evidence, encoding=encoding)
        return [
            replace(layer, name=path.stem, source_name=layer.name) if _is_wrapped(path) else layer for layer in layers
        ]

    def read(self, path: Path, layer: LayerInspection, options: ReadOptions) -> Iterator[Any]:
        """Features in file order."""
        return read_layer(_usable(path), layer.source_name or layer.name)


def _is_bare_array(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(64).removeprefix(_BOM).lstrip().startswith(b"[")


def _wrapped(path: Path) -> Path:
    return path.with_name(f"{path.stem}.wrapped.geojson")


def _is_wrapped(path: Path) -> bool:
    return _wrapped(path).exists()


def _refuse_other_json(path: Path) -> None:
    """Objects that are JSON but not GeoJSON are named for what they are."""
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
    if not _TOPOLOGY.search(head) and (
        _TYPE.search(head) or (path.stat().st_size > HEAD_BYTES and b'"features"' in head)
    ):
        return
    other = _ANY_TYPE.search(head)
    known = (
        f"an object of type {other.group(1).decode(errors='replace')}" if other else "an object without a GeoJSON type"
    )
    raise ImportRefused(
        "unreadable", f"the JSON is no GeoJSON but {known}", where=path.name, remedy="deliver a FeatureCollection"
    )


def _usable(path: Path) -> Path:
    """The file itself, or a copy beside it in which a bare array has become a FeatureCollection."""
    if not _is_bare_array(path):
        _refuse_other_json(path)
        return path
    wrapped = _wrapped(path)
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
