"""A collection is one layer's features under versions."""

from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from datetime import datetime
from enum import StrEnum
from typing import Literal

from cim.model.access import Grade

FieldType = Literal["text", "integer", "bigint", "double", "boolean", "date", "timestamp"]
LayerKind = Literal["vector", "raster", "city", "pointcloud", "tileset", "model"]
GeometryType = Literal["none", "Point", "MultiPoint", "LineString", "MultiLineString", "Polygon", "MultiPolygon"]
BoundingBox = tuple[float, float, float, float]
"""West, south, east, north in degrees (CRS84 unless said otherwise)."""


@dataclass(frozen=True, slots=True)
class Field:
    """One attribute column. ``grade`` is ``None`` where the layer's own grade holds."""

    name: str
    type: FieldType
    grade: Grade | None = None


@dataclass(frozen=True, slots=True)
class CollectionSchema:
    """The columns of a collection and how its features are told apart.

    ``srid`` is the storage CRS: the source's where that is of the CGCS2000 family, else 4490.
    A layer of kind ``raster`` has one feature for each image: its outline, and the name of the file that holds it. One
    of kind ``city`` has one for each city object: its footprint, and the hash of its shapes by level of detail. One of
    kind ``pointcloud`` has one for each file of points: its outline, and the name of the kept file. A ``model`` is a
    building model, whose elements are kept with those of all models (``cim.model.bim``).
    ``key`` names the field that identifies a feature across versions; ``None`` lets the content be the key.
    """

    id: str
    geometry: GeometryType
    srid: int
    fields: tuple[Field, ...]
    key: str | None = None
    kind: LayerKind = "vector"

    @property
    def field_names(self) -> tuple[str, ...]:
        """Names of the attribute columns in order."""
        return tuple(field.name for field in self.fields)


@dataclass(frozen=True, slots=True)
class Collection:
    """A collection as published: its schema, its current version and its extent."""

    schema: CollectionSchema
    grade: Grade
    version: int
    feature_count: int
    bbox: BoundingBox | None
    updated_at: datetime
    source_fields: Mapping[str, str] = dataclass_field(default_factory=dict)
    """Fields of deliveries under other names: the file's name, folded, to the layer's."""

    @property
    def id(self) -> str:
        """The layer id shared by collection, tiles and tileset."""
        return self.schema.id


class ImportMode(StrEnum):
    """How incoming features meet those already there.

    REPLACE: the source is the whole layer; features it lacks end. APPEND: only adds; a known key is refused.
    UPSERT: adds and changes, ends nothing. REPLACE_AREA: as REPLACE, but only inside a given area.
    """

    REPLACE = "replace"
    REPLACE_AREA = "replace-area"
    UPSERT = "upsert"
    APPEND = "append"


@dataclass(frozen=True, slots=True)
class VersionChange:
    """What one version did to its predecessor, in features."""

    added: int
    changed: int
    removed: int

    @property
    def empty(self) -> bool:
        """Whether the version would equal its predecessor."""
        return not (self.added or self.changed or self.removed)


@dataclass(frozen=True, slots=True)
class Version:
    """One published state of a collection. ``origin`` is import, edit or rollback."""

    layer: str
    number: int
    created_at: datetime
    origin: str
    author: str
    feature_count: int
    change: VersionChange
    run: int | None
    note: str


@dataclass(frozen=True, slots=True)
class FeatureDifference:
    """One feature that differs between two versions: added, changed (with the differing fields) or removed.

    ``geometry`` is GeoJSON text in longitude and latitude, where it was asked for: the newer shape, or the last one.
    """

    kind: Literal["added", "changed", "removed"]
    key: str
    fid: int
    fields: tuple[str, ...] = ()
    geometry: str | None = None
