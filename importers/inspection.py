"""What a source holds, told before anything changes. Serialised as ``cim inspect --json`` prints it."""

import json
from dataclasses import asdict, dataclass, field
from typing import Any

from cim.model.collection import BoundingBox, FieldType, GeometryType, LayerKind
from importers.sensing.columns import reads_as


@dataclass(frozen=True, slots=True)
class Problem:
    """A fault of a source. ``refuses`` says that the layer cannot load because of it."""

    code: str
    count: int
    message: str
    refuses: bool = False


@dataclass(frozen=True, slots=True)
class SourceField:
    """A field as the source has it, with its type in ours; ``nulls`` counts the rows looked at for the samples."""

    name: str
    type: FieldType
    samples: tuple[str, ...] = ()
    nulls: int = 0


@dataclass(frozen=True, slots=True)
class LayerInspection:
    """One layer of a source. ``srid`` is the declared CRS as an EPSG code, ``crs_wkt`` any other declared CRS.

    ``geometry_types`` are all kinds met; ``geometry_type`` is what the layer would be stored as. ``member`` is the file
    of an archive it is in, ``source_name`` its name there. ``height_datum`` is the vertical reference system where
    heights have one, ``time_span`` the earliest and latest moment in the rows looked at. ``document`` is JSON of
    what the source says of itself as a whole, which is kept with the version.
    """

    name: str
    geometry_type: GeometryType
    geometry_types: tuple[str, ...]
    feature_count: int
    srid: int | None
    crs_wkt: str | None
    crs_evidence: str
    encoding: str
    bbox: BoundingBox | None
    fields: tuple[SourceField, ...]
    problems: tuple[Problem, ...] = ()
    member: str | None = None
    source_name: str | None = None
    kind: LayerKind = "vector"
    height_datum: str | None = None
    time_span: tuple[str, str] | None = None
    document: str | None = None

    @property
    def crs(self) -> str | None:
        """The CRS for people: an EPSG code, or the start of its WKT."""
        if self.srid is not None:
            return f"EPSG:{self.srid}"
        return self.crs_wkt[:80] if self.crs_wkt else None

    @property
    def loads(self) -> bool:
        """Whether nothing stands against loading the layer."""
        return not any(problem.refuses for problem in self.problems)


@dataclass(frozen=True, slots=True)
class Inspection:
    """A whole source: the format found by content, and its layers."""

    driver: str
    layers: tuple[LayerInspection, ...] = field(default=())

    @property
    def readable(self) -> bool:
        """Whether at least one layer can load."""
        return any(layer.loads for layer in self.layers)

    def to_json(self) -> str:
        """The document of ``cim inspect --json``."""
        return json.dumps(self._document(), ensure_ascii=False, indent=1)

    def _document(self) -> dict[str, Any]:
        return {"driver": self.driver, "readable": self.readable, "layers": [_layer(layer) for layer in self.layers]}


def _layer(layer: LayerInspection) -> dict[str, Any]:
    return {
        "name": layer.name,
        "member": layer.member,
        "kind": layer.kind,
        "geometry_type": layer.geometry_type,
        "geometry_types": list(layer.geometry_types),
        "feature_count": layer.feature_count,
        "crs": layer.crs,
        "crs_evidence": layer.crs_evidence,
        "height_datum": layer.height_datum,
        "time_span": layer.time_span,
        "encoding": layer.encoding,
        "bbox": layer.bbox,
        "fields": [asdict(item) for item in layer.fields],
        "problems": [{"code": p.code, "count": p.count, "message": p.message} for p in layer.problems],
        "reads_as": _reads_as(layer),
        "would_load": layer.feature_count if layer.loads else 0,
        "would_not_load": [p.message for p in layer.problems if p.refuses],
    }


def _reads_as(layer: LayerInspection) -> dict[str, Any] | None:
    """What else than a layer of features a table could be: a list of devices or a series, by its columns."""
    found = reads_as(field.name for field in layer.fields) if layer.kind == "vector" else None
    return found.document() if found else None


def inspection_from(document: dict[str, Any]) -> Inspection:
    """Rebuild an inspection that crossed from the reading child as plain data (see ``asdict``)."""
    layers = tuple(
        LayerInspection(
            **{
                **entry,
                "geometry_types": tuple(entry["geometry_types"]),
                "time_span": tuple(entry["time_span"]) if entry["time_span"] else None,
                "bbox": tuple(entry["bbox"]) if entry["bbox"] else None,
                "fields": tuple(SourceField(**{**f, "samples": tuple(f["samples"])}) for f in entry["fields"]),
                "problems": tuple(Problem(**p) for p in entry["problems"]),
            }
        )
        for entry in document["layers"]
    )
    return Inspection(document["driver"], layers)
