"""A feature of any layer as an entry of a list: what it is called, its visible fields, its place."""

from typing import Any

from cim.policy.policy import Decision
from cim.store.features import Feature
from layers.definition import LayerDefinition


def feature_entry(decision: Decision, definition: LayerDefinition | None, feature: Feature) -> dict[str, Any]:
    """Layer, fid, title (the key where the layer has no field for it), properties and GeoJSON geometry."""
    title = feature.properties.get(definition.title_field) if definition and definition.title_field else None
    return {
        "layer": decision.collection.id,
        "fid": feature.fid,
        "title": str(title or feature.key),
        "properties": {k: v.isoformat() if hasattr(v, "isoformat") else v for k, v in feature.properties.items()},
        "geometry": feature.geometry,
    }
