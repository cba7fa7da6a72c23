"""The content of vector tiles: unpacked within bounds, and taken apart into features (Mapbox Vector Tile 2.1).

Coordinates are in tiles of the archive's zoom level from its north-west corner, x to the east and y to the south, so
that the edges of tiles are whole numbers in every tile.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import shapely
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
from mapbox_vector_tile.decoder import TileData
from numpy.typing import NDArray

from cim.errors import ImportRefused
from importers.tile_source import Tile, refuse_raster, unpacked

_FAMILIES = {1: "point", 2: "line", 3: "area"}
_KINDS = {"point": (0, 4), "line": (1, 5), "area": (3, 6)}
"""By family, shapely's numbers of its single and multi kind."""
UNITED: dict[str, Any] = {
    "point": shapely.multipoints,
    "line": shapely.multilinestrings,
    "area": shapely.multipolygons,
}
Value = bool | int | float | str


@dataclass(frozen=True, slots=True)
class TileFeature:
    """One feature of one tile as it is coded; ``extent`` is the number of grid lines along the tile's side."""

    layer: str
    extent: int
    family: str | None
    id: int | None
    values: dict[str, Value]
    _tile: Tile
    _coded: Any

    def shape(self) -> tuple[shapely.Geometry | None, bool]:
        """The part of the feature inside its tile, and whether it had to be made valid.

        What lies in the buffer around the tile is cut off, it belongs to the next tile: a feature that lies only there
        has an empty shape. None where the coded geometry is none.
        """
        raw = self._raw()
        if raw is None or self.family is None:
            return None, False
        repaired = self.family == "area" and not bool(shapely.is_valid(raw))
        try:
            whole = parts_as_one(shapely.make_valid(raw), self.family) if repaired else raw
            inside = _inside(whole, self.extent, self.family)
        except shapely.errors.GEOSException:
            return None, False
        corner = (self._tile.x, self._tile.y)
        return shapely.transform(inside, lambda grid: grid / self.extent + corner), repaired

    def _raw(self) -> shapely.Geometry | None:
        try:
            coded = _DECODER.parse_geometry(
                self._coded.geometry, self._coded.type, self.extent, y_coord_down=True, transformer=None
            )
            found = shapely.geometry.shape(coded)
        except (ValueError, IndexError, TypeError, shapely.errors.GEOSException):
            return None
        bad = bool(shapely.is_empty(found)) or not np.isfinite(shapely.bounds(found)).all()
        return None if bad else found


_DECODER = TileData(b"")


def features_of(tile: Tile, path: Path, only: str | None = None) -> Iterator[TileFeature]:
    """The features of a tile, or of one layer in it; ImportRefused where it is damaged, too large or a picture."""
    content = unpacked(tile.content, path)
    refuse_raster(content, path)
    try:
        for layer in TileData(content).tile.layers:
            if only is not None and layer.name != only:
                continue
            if layer.extent < 1:
                _refuse(path, tile, "a layer without extent")
            names, values = list(layer.keys), [_DECODER.parse_value(value) for value in layer.values]
            if any(isinstance(text, bytes) for text in (layer.name, *names, *values)):
                _refuse(path, tile, "a text that is not UTF-8")
            for coded in layer.features:
                tags = list(coded.tags)
                if len(tags) % 2:
                    _refuse(path, tile, "a field without value")
                yield TileFeature(
                    layer.name,
                    layer.extent,
                    _FAMILIES.get(coded.type),
                    coded.id if coded.HasField("id") else None,
                    {names[name]: values[value] for name, value in zip(tags[::2], tags[1::2], strict=True)},
                    tile,
                    coded,
                )
    except (DecodeError, ValueError, IndexError) as error:
        _refuse(path, tile, str(error)[:100])


def parts_as_one(shape: shapely.Geometry, family: str) -> shapely.Geometry:
    """The parts of a shape that are of a family, as its single or multi kind; empty where there are none."""
    single, multi = _KINDS[family]
    kind = shapely.get_type_id(shape)
    if kind in (single, multi):
        return shape
    parts = shapely.get_parts(shapely.get_parts(shape))
    kept = parts[shapely.get_type_id(parts) == single]
    one: shapely.Geometry = kept[0] if len(kept) == 1 else UNITED[family](kept)
    return one


def _inside(shape: shapely.Geometry, extent: int, family: str) -> shapely.Geometry:
    """The part of a shape in grid coordinates that is this tile's; a point on an edge is of one tile only."""
    if family == "point":
        points: NDArray[np.float64] = shapely.get_coordinates(shape)
        kept = points[((points >= 0) & (points < extent)).all(axis=1)]
        if len(kept) == len(points):
            return shape
        return shapely.Point(kept[0]) if len(kept) == 1 else shapely.MultiPoint(kept)
    west, north, east, south = shapely.bounds(shape)
    if west >= 0 and north >= 0 and east <= extent and south <= extent:
        return shape
    return parts_as_one(shapely.intersection(shape, shapely.box(0, 0, extent, extent)), family)


def _refuse(path: Path, tile: Tile, what: str) -> NoReturn:
    raise ImportRefused(
        "unreadable",
        f"the tile {tile.x}/{tile.y} is damaged: {what}",
        where=path.name,
        remedy="ask for the archive again",
    )
