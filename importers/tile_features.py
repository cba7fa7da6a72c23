"""The features of an archive of vector tiles as layers: those of the highest zoom level, put together again.

Two passes over the tiles: a survey finds fields and ids, then the parts of each feature are joined as soon as its last
tile is read, so that only features cut by a tile's edge are held.
"""

import math
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import shapely
from numpy.typing import NDArray

from cim.errors import ImportRefused
from cim.model.collection import BoundingBox
from importers.geometry_kinds import stored_kind
from importers.importer import BATCH_ROWS, GEOMETRY_COLUMN
from importers.inspection import LayerInspection, Problem, SourceField
from importers.shapes import EARTH_RADIUS_M, MERCATOR
from importers.tile_content import TileFeature, Value, features_of
from importers.tile_joining import united
from importers.tile_source import TileSource
from importers.vector_source import SAMPLE_ROWS, described_fields

FEATURES_LIMIT = 2_000_000
"""Features of all tiles of the highest zoom level, each counted in every tile it is in."""
ID_FIELD = "mvt_id"
LATITUDE = 31.0
"""Degrees north at which resolutions are given in metres on the ground."""
_KIND_NAMES = {0: "Point", 1: "LineString", 3: "Polygon", 4: "MultiPoint", 5: "MultiLineString", 6: "MultiPolygon"}
_INT64 = range(-(2**63), 2**63)


@dataclass(slots=True)
class _Survey:
    """What all tiles together say of a layer: its fields, the kinds of their values, and how often an id is met.

    ``by_id`` holds while every feature has an id, no tile has one twice, and wherever an id returns it has the same
    values. ``extent`` is that of the coarsest tile.
    """

    extent: int
    fields: dict[str, set[str]] = field(default_factory=dict)
    by_id: bool = True
    tiles_of: Counter[int] = field(default_factory=Counter)
    signatures: dict[int, int] = field(default_factory=dict)

    def add(self, part: TileFeature, ids_of_tile: set[int]) -> None:
        """Take one part into account."""
        self.extent = min(self.extent, part.extent)
        for name, value in part.values.items():
            self.fields.setdefault(name, set()).add(_kind(value))
        if not self.by_id:
            return
        signature = hash((part.family, frozenset(part.values.items())))
        if part.id is None or part.id in ids_of_tile or self.signatures.setdefault(part.id, signature) != signature:
            self.by_id = False
            self.tiles_of.clear()
            self.signatures.clear()
            return
        ids_of_tile.add(part.id)
        self.tiles_of[part.id] += 1

    def columns(self) -> dict[str, pa.DataType]:
        """The Arrow type of each field."""
        columns = {name: _type(kinds) for name, kinds in self.fields.items() if name != GEOMETRY_COLUMN}
        if self.by_id and ID_FIELD not in columns:
            columns[ID_FIELD] = _type({_kind(number) for number in self.tiles_of})
        return columns


@dataclass(frozen=True, slots=True)
class _Feature:
    """A whole feature in EPSG:3857; without shape where the coordinates of a part are none."""

    layer: str
    values: Mapping[str, Value]
    shape: shapely.Geometry | None
    parts: int
    repaired: int


@dataclass(slots=True)
class _Found:
    """What the features of a layer turn out to be."""

    sample: list[_Feature] = field(default_factory=list)
    kinds: Counter[str] = field(default_factory=Counter)
    bounds: NDArray[np.float64] = field(default_factory=lambda: np.array([np.inf, np.inf, -np.inf, -np.inf]))
    count: int = 0
    joined: int = 0
    repaired: int = 0
    broken: int = 0

    def add(self, feature: _Feature) -> None:
        """Count one feature."""
        self.count += 1
        self.joined += feature.parts > 1
        self.repaired += feature.repaired
        if len(self.sample) < SAMPLE_ROWS:
            self.sample.append(feature)
        if feature.shape is None:
            self.broken += 1
            return
        self.kinds[_KIND_NAMES[int(shapely.get_type_id(feature.shape))]] += 1
        west, south, east, north = shapely.bounds(feature.shape)
        np.minimum(self.bounds[:2], (west, south), out=self.bounds[:2])
        np.maximum(self.bounds[2:], (east, north), out=self.bounds[2:])

    @property
    def bbox(self) -> BoundingBox | None:
        """The box of all shapes; None without any."""
        if not np.isfinite(self.bounds).all():
            return None
        west, south, east, north = (float(side) for side in self.bounds)
        return west, south, east, north


def inspect_tiles(source: TileSource, definition: str) -> list[LayerInspection]:
    """The layers of an archive's highest zoom level, in Web Mercator; ``definition`` names the format saying so.

    ImportRefused where a tile is damaged or a picture, where there are no features, or more than ``FEATURES_LIMIT``.
    """
    surveys = _surveys(source)
    found = {name: _Found() for name in surveys}
    for feature in _whole_features(source, surveys):
        found[feature.layer].add(feature)
    if not any(layer.count for layer in found.values()):
        raise ImportRefused(
            "nothing-to-load",
            f"the tiles of zoom {source.zoom} hold no feature",
            where=source.path.name,
            remedy="ask for another archive",
        )
    return [_layer(name, surveys[name], found[name], source.zoom, definition) for name in surveys]


def read_tiles(source: TileSource, layer: LayerInspection) -> Iterator[pa.RecordBatch]:
    """Record batches of one layer, WKB in EPSG:3857, in the order of the features' last tiles."""
    surveys = _surveys(source, layer.name)
    features: list[_Feature] = []
    for feature in _whole_features(source, surveys, layer.name):
        features.append(feature)
        if len(features) == BATCH_ROWS:
            yield _batch(features, surveys[layer.name].columns())
            features = []
    if features:
        yield _batch(features, surveys[layer.name].columns())


def resolution_m(zoom: int, extent: int) -> float:
    """The distance of two grid lines on the ground at 31 degrees north, in metres."""
    return _tile_side(zoom) / extent * math.cos(math.radians(LATITUDE))


def _surveys(source: TileSource, only: str | None = None) -> dict[str, _Survey]:
    surveys: dict[str, _Survey] = {}
    count = 0
    for tile in source.tiles():
        ids: dict[str, set[int]] = {}
        for part in features_of(tile, source.path, only):
            count += 1
            if count > FEATURES_LIMIT:
                raise ImportRefused(
                    "too-large",
                    f"tiles are read up to {FEATURES_LIMIT} features, counted in each tile of zoom {source.zoom}",
                    where=source.path.name,
                    remedy="cut the archive into smaller areas, or deliver the layers themselves as GeoPackage",
                )
            survey = surveys.setdefault(part.layer, _Survey(part.extent))
            survey.add(part, ids.setdefault(part.layer, set()))
    return surveys


def _whole_features(source: TileSource, surveys: Mapping[str, _Survey], only: str | None = None) -> Iterator[_Feature]:
    """Every feature as soon as its last tile is read."""
    waiting: dict[tuple[str, int], list[tuple[shapely.Geometry | None, bool]]] = {}
    for tile in source.tiles():
        for part in features_of(tile, source.path, only):
            survey = surveys[part.layer]
            shapes = [part.shape()]
            if survey.by_id and part.id is not None:
                place = (part.layer, part.id)
                shapes = [*waiting.pop(place, []), *shapes]
                if len(shapes) < survey.tiles_of[part.id]:
                    waiting[place] = shapes
                    continue
            feature = _whole(part, shapes, survey, source.zoom)
            if feature is not None:
                yield feature


def _whole(
    last: TileFeature, shapes: list[tuple[shapely.Geometry | None, bool]], survey: _Survey, zoom: int
) -> _Feature | None:
    """The feature of some parts; None where all of them belong to tiles the archive does not have."""
    values = last.values
    if survey.by_id and last.id is not None:
        values = {ID_FIELD: last.id, **values}
    kept = [shape for shape, _ in shapes if shape is not None and not shapely.is_empty(shape)]
    if last.family is None or any(shape is None for shape, _ in shapes):
        return _Feature(last.layer, values, None, len(shapes), 0)
    if not kept:
        return None
    shape = shapely.transform(united(kept, last.family, survey.extent), lambda tiles: _mercator(tiles, zoom))
    return _Feature(last.layer, values, shape, len(kept), sum(repaired for _, repaired in shapes))


def _tile_side(zoom: int) -> float:
    return 2 * math.pi * EARTH_RADIUS_M / (1 << zoom)


def _mercator(tiles: NDArray[np.float64], zoom: int) -> NDArray[np.float64]:
    half = math.pi * EARTH_RADIUS_M
    placed: NDArray[np.float64] = (tiles * _tile_side(zoom) - half) * (1, -1)
    return placed


def _kind(value: Value) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        return "int" if value in _INT64 else "str"
    return type(value).__name__


def _type(kinds: set[str]) -> pa.DataType:
    """The Arrow type that holds values of some kinds; text holds all."""
    if kinds == {"bool"}:
        return pa.bool_()
    if kinds == {"int"}:
        return pa.int64()
    return pa.float64() if kinds <= {"int", "float"} else pa.string()


def _batch(features: list[_Feature], columns: Mapping[str, pa.DataType]) -> pa.RecordBatch:
    arrays = [_column([feature.values.get(name) for feature in features], kind) for name, kind in columns.items()]
    arrays.append(pa.array([shapely.to_wkb(feature.shape) for feature in features], pa.binary()))
    return pa.RecordBatch.from_arrays(arrays, names=[*columns, GEOMETRY_COLUMN])


def _column(values: list[Any], kind: pa.DataType) -> pa.Array:
    if pa.types.is_string(kind):
        return pa.array([_text(value) for value in values], kind)
    if pa.types.is_floating(kind):
        return pa.array([None if value is None else float(value) for value in values], kind)
    return pa.array(values, kind)


def _text(value: Value | None) -> str | None:
    if isinstance(value, bool):
        return str(value).lower()
    return None if value is None else str(value)


def _layer(name: str, survey: _Survey, found: _Found, zoom: int, definition: str) -> LayerInspection:
    fields, problems = described_fields(_batch(found.sample, survey.columns()))
    grid = f"coordinates are those of zoom {zoom}, a grid of {resolution_m(zoom, survey.extent):.3g} m at 31 N"
    how = "parts joined by id" if survey.by_id else "parts not joined, the ids do not tell features apart"
    return LayerInspection(
        name=name,
        geometry_type=stored_kind(found.kinds),
        geometry_types=tuple(sorted(found.kinds)),
        feature_count=found.count,
        srid=MERCATOR,
        crs_wkt=None,
        crs_evidence=f"Web Mercator by definition of {definition}; {grid}; {how}",
        encoding="UTF-8 (by definition)",
        bbox=found.bbox,
        fields=tuple(SourceField(f.name, f.type, f.samples, f.nulls) for f in fields),
        problems=(Problem("tile-resolution", found.count, grid), *_problems(survey, found), *problems),
    )


def _problems(survey: _Survey, found: _Found) -> Iterator[Problem]:
    if not survey.by_id:
        text = "features cut by a tile's edge stay in parts: their ids are missing, or not the same in every tile"
        yield Problem("features-cut", found.count, text)
    elif found.joined:
        yield Problem("features-joined", found.joined, "features cut by tiles' edges were joined again by their id")
    if found.repaired:
        yield Problem("parts-repaired", found.repaired, "parts of areas in a tile were invalid and made valid")
    if found.broken:
        yield Problem("geometry-unreadable", found.broken, "features have coordinates that are no geometry")
    if GEOMETRY_COLUMN in survey.fields:
        yield Problem("field-left-out", 1, f"a field is named {GEOMETRY_COLUMN}, which is not kept")
