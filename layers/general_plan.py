"""What is made of a layer at low zooms: as its definition says, or as fits its geometry where it says nothing."""

from cim.model.collection import Collection
from cim.model.general import GeneralMethod, GeneralPlan, GeneralSum
from layers.catalog import Catalog
from layers.definition import LayerDefinition
from layers.general import GeneralOptions

FULL_ZOOM: dict[GeneralMethod, int] = {
    "cells": 14,
    "classes": 14,
    "lines": 12,
    "points": 14,
    "simplified": 13,
    "none": 0,
}
"""The first zoom with full content where a definition names none, by measured size of tiles."""


def general_plan(catalog: Catalog, collection: Collection) -> GeneralPlan:
    """What is made of a layer at low zooms."""
    schema = collection.schema
    definition = catalog.layers.get(collection.id)
    options = definition.general if definition else GeneralOptions()
    method = options.method or _method(schema.geometry, definition)
    if schema.geometry == "none" or schema.kind == "raster":
        method = "none"
    have = set(schema.field_names)
    wanted = definition.tiles.fields if definition and definition.tiles.fields else schema.field_names
    field = options.class_field if options.class_field in have else None
    names = (catalog.code_names(collection.id, field) or {}) if field else {}
    return GeneralPlan(
        method=method,
        full_zoom=FULL_ZOOM[method] if options.full_zoom is None else options.full_zoom,
        fields=tuple(name for name in wanted if name in have),
        class_field=field,
        class_name_field=options.class_name if options.class_name in have else None,
        class_names={code: text.zh for code, text in names.items()} if options.class_name in have else {},
        sums=tuple(GeneralSum(s.name, s.field, s.kind) for s in options.sums if s.field in have),
        means=tuple(name for name in options.means if name in have),
    )


def _method(geometry: str, definition: LayerDefinition | None) -> GeneralMethod:
    if geometry.endswith("Point"):
        return "points"
    if geometry.endswith("LineString"):
        return "lines"
    if definition and definition.general.class_field and definition.coverage:
        return "classes"
    return "simplified" if definition and definition.coverage else "cells"
