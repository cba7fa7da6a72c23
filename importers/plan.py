"""What an import is asked for, and how one source layer becomes one layer of the city."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from cim.errors import BadRequest, ImportRefused
from cim.model.access import Grade
from cim.model.bim import Placement
from cim.model.collection import Collection, CollectionSchema, GeometryType, ImportMode, LayerKind
from cim.model.reference_systems import GEOGRAPHIC, Way, given_crs, way_to_degrees, way_to_storage
from importers.coordinate_problems import coordinate_problems
from importers.geometry_kinds import family_of, stored_kind
from importers.importer import ReadOptions
from importers.inspection import LayerInspection
from importers.mapping import FieldMapping, map_fields
from importers.sandbox import Source
from importers.shapes import Target
from layers.catalog import Catalog
from layers.definition import LayerDefinition
from layers.romanise import romanised

KEYS: dict[LayerKind, str] = {"raster": "image", "city": "object_id", "pointcloud": "name", "tileset": "name"}
"""The fields that tell the features of a kind of layer apart where nobody says otherwise."""


@dataclass(frozen=True, slots=True)
class ImportRequest:
    """What somebody wants imported, and how. ``layer`` defaults to the source layer's name; ``area`` is EWKT.

    ``fields`` says which field of the file fills which of the layer; it is kept with the layer for later deliveries.
    With ``scenario`` nothing is published: the delivery fills the scenario of this name, over version ``over`` of the
    layer (None: whichever is current). A building model is tied to the building ``building_code`` and tagged with
    ``cim_level`` (1 to 7); ``placement`` replaces the file's own.
    """

    path: Path
    author: str
    role: str
    layer: str | None = None
    mode: ImportMode = ImportMode.REPLACE
    key: str | None = None
    area: str | None = None
    options: ReadOptions = field(default_factory=ReadOptions)
    dry_run: bool = False
    request_id: str = ""
    fields: Mapping[str, str] = field(default_factory=dict)
    scenario: str | None = None
    over: int | None = None
    building_code: str | None = None
    cim_level: int | None = None
    placement: Placement | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """How one source layer becomes one layer of the city."""

    layer: str
    inspection: LayerInspection
    schema: CollectionSchema
    mapping: FieldMapping
    way: Way | None
    target: Target
    grade: Grade
    definition: LayerDefinition | None


def chosen_layers(source: Source, request: ImportRequest) -> list[tuple[str, LayerInspection]]:
    """Source layers with the ids they get; kinds of geometry are parted where asked."""
    parts = [part for layer in source.inspection.layers for part in _parts(layer, split=request.options.split)]
    if not parts:
        raise ImportRefused("no-layers", "the file has no layer", where=request.path.name, remedy="check the file")
    if request.layer and len(parts) > 1:
        same = [part for part in parts if layer_id(part[0]) == request.layer]
        if len(same) != 1:
            names = ", ".join(name for name, _ in parts)
            raise ImportRefused(
                "many-layers",
                f"the file has {len(parts)} layers ({names}), --layer names one",
                where=request.path.name,
                remedy="leave --layer out; each becomes a layer under its own name",
            )
        parts = same
    ids = [request.layer or _id_for(name, layer, request) for name, layer in parts]
    counted = [
        name if ids[:place].count(name) == 0 else f"{name}_{ids[:place].count(name) + 1}"
        for place, name in enumerate(ids)
    ]
    return [(name, layer) for name, (_, layer) in zip(counted, parts, strict=True)]


def _id_for(name: str, layer: LayerInspection, request: ImportRequest) -> str:
    return model_id(request.path.stem) if layer.kind == "model" else layer_id(name)


def _parts(layer: LayerInspection, *, split: bool) -> list[tuple[str, LayerInspection]]:
    families = {family_of(kind) for kind in layer.geometry_types} - {None}
    if len(families) < 2 or not split:
        return [(layer.name, layer)]
    parts = []
    for family in sorted(str(name) for name in families):
        kinds = tuple(kind for kind in layer.geometry_types if family_of(kind) == family)
        kind = stored_kind(dict.fromkeys(kinds, 1))
        parts.append((f"{layer.name}_{family}", replace(layer, geometry_type=kind, geometry_types=kinds)))
    return parts


def layer_id(name: str) -> str:
    """A layer id for a source layer's name: lower case, Latin letters, digits and _; Chinese in pinyin."""
    plain = re.sub(r"[^\x00-\x7f]+", lambda found: romanised(found[0])[0], name)
    plain = re.sub(r"[^a-z0-9]+", "_", plain.lower()).strip("_")
    return (plain if plain[:1].isalpha() else f"layer_{plain}".rstrip("_"))[:48]


def model_id(name: str) -> str:
    """A model's id for a file's name: lower case, Latin letters, digits and -; Chinese in pinyin."""
    plain = layer_id(name).replace("_", "-")
    return plain.replace("layer-", "model-", 1) if plain.startswith("layer-") else plain


def make_plan(
    catalog: Catalog,
    request: ImportRequest,
    layer: str,
    inspection: LayerInspection,
    known: Collection | None,
) -> Plan:
    """Decide schema, fields, kind of geometry and way to storage; ImportRefused says what stands against it."""
    definition = catalog.layers.get(layer)
    _refuse_problems(inspection)
    if known is not None and known.schema.kind != inspection.kind:
        raise ImportRefused(
            "kind-of-layer",
            f"{layer} is a layer of kind {known.schema.kind}, the file is {inspection.kind}",
            where=inspection.name,
            remedy="import it as another layer with --layer",
        )
    held = known.schema if known else None
    geometry = _geometry(inspection, definition, held)
    srid, wkt = inspection.srid, inspection.crs_wkt
    if request.options.crs:
        srid, wkt = given_crs(request.options.crs)
    if definition and definition.content != inspection.kind:
        raise ImportRefused(
            "kind-of-layer",
            f"the layer holds {definition.content} data, the file is {inspection.kind}",
            where=inspection.name,
            remedy="deliver the right file, or import it as another layer with --layer",
        )
    way = None
    if geometry != "none":
        if srid is None and wkt is None:
            raise ImportRefused(
                "crs-missing",
                "the file does not say which coordinate system it is in",
                where=inspection.name,
                remedy="give it with --crs, for example --crs EPSG:4523 (a missing .prj can be asked for)",
            )
        outlines = _outlines_way(inspection, srid, wkt)
        if outlines:
            srid, wkt = GEOGRAPHIC, None
        for problem in coordinate_problems(srid, inspection.bbox):
            if problem.refuses:
                raise ImportRefused(problem.code, problem.message, where=inspection.name, remedy="check --crs")
        way = outlines or way_to_storage(srid, wkt)
    _check_chosen(inspection, request.fields)
    chosen = {**(known.source_fields if known else {}), **request.fields}
    mapping = map_fields(inspection, definition, held, chosen)
    key = request.key or mapping.key or KEYS.get(inspection.kind)
    fields = tuple(mapped.field for mapped in mapping.fields)
    if key is not None and key not in {item.name for item in fields}:
        raise BadRequest(
            f"there is no field {key!r}", where="--key", remedy=f"use one of {', '.join(f.name for f in fields)}"
        )
    schema = CollectionSchema(layer, geometry, way.srid if way else 4490, fields, key, inspection.kind)
    target = Target(geometry, srid, wkt, family_of(inspection.geometry_type))
    grade = definition.grade if definition else Grade.DRAFT
    return Plan(layer, inspection, schema, mapping, way, target, grade, definition)


def _outlines_way(inspection: LayerInspection, srid: int | None, wkt: str | None) -> Way | None:
    """The way of a layer whose outlines its importer brings to longitude and latitude itself; None of any other."""
    if inspection.kind in {"raster", "tileset"}:
        return way_to_storage(GEOGRAPHIC, None)
    if inspection.kind == "pointcloud":
        return replace(way_to_degrees(srid, wkt), move=None)
    return None


def _check_chosen(inspection: LayerInspection, chosen: Mapping[str, str]) -> None:
    have = {field.name.casefold() for field in inspection.fields}
    lacking = [source for source in chosen if source.casefold() not in have]
    if lacking:
        raise BadRequest(
            f"the file has no field {', '.join(lacking)}",
            where="--field",
            remedy=f"its fields are {', '.join(field.name for field in inspection.fields)}",
        )


def _refuse_problems(inspection: LayerInspection) -> None:
    families = {family_of(kind) for kind in inspection.geometry_types}
    if len(families) > 1:
        kinds = ", ".join(inspection.geometry_types)
        raise ImportRefused(
            "mixed-geometry",
            f"the layer mixes {kinds}",
            where=inspection.name,
            remedy="give --split for one layer each",
        )
    if families == {None} and inspection.geometry_types:
        raise ImportRefused(
            "geometry-kind",
            "the layer holds geometry collections, which are neither points, lines nor areas",
            where=inspection.name,
            remedy="have them parted by their owner",
        )
    if not inspection.fields and not inspection.geometry_types:
        raise ImportRefused(
            "nothing-to-load",
            "the layer has neither fields nor geometry",
            where=inspection.name,
            remedy="check the file",
        )
    if inspection.feature_count == 0:
        raise ImportRefused(
            "no-features", "the layer has no features", where=inspection.name, remedy="ask for the file again"
        )
    for problem in inspection.problems:
        if problem.refuses:
            raise ImportRefused(problem.code, problem.message, where=inspection.name, remedy="correct the file")


def _geometry(
    inspection: LayerInspection, definition: LayerDefinition | None, known: CollectionSchema | None
) -> GeometryType:
    """The kind the layer stores; the source's must be of the same family."""
    wanted = known.geometry if known else definition.geometry if definition else None
    if wanted is None or wanted == inspection.geometry_type:
        return inspection.geometry_type if wanted is None else wanted
    same = wanted != "none" and family_of(wanted) == family_of(inspection.geometry_type)
    if not same and wanted != "none":
        raise ImportRefused(
            "geometry-kind",
            f"the file has {inspection.geometry_type}, the layer holds {wanted}",
            where=inspection.name,
            remedy="deliver the right file, or import it as another layer with --layer",
        )
    return wanted
