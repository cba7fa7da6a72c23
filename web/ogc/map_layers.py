"""Layers as map services offer them: title, style, scales, extent."""

from collections.abc import Sequence

from cim.policy.policy import Decision
from layers.catalog import Style
from layers.default_style import default_style
from layers.definition import LayerDefinition
from tiles.picture import MAX_LAYERS, PictureLayer
from tiles.tilejson import tile_fields
from web.ogc.faults import OgcFault
from web.state import Caller


def drawable(who: Caller) -> list[Decision]:
    """Decisions for every layer with geometry that the caller may read, in drawing order."""
    return [decision for decision in who.readable() if decision.collection.schema.geometry != "none"]


def definition_of(who: Caller, decision: Decision) -> LayerDefinition | None:
    """The layer's definition, where it has one."""
    return who.state.catalog.layers.get(decision.collection.id)


def title_of(who: Caller, decision: Decision) -> str:
    """The layer's Chinese title, or its id."""
    definition = definition_of(who, decision)
    return definition.title.zh if definition else decision.collection.id


def style_of(who: Caller, decision: Decision) -> Style:
    """The layer's style, or the plain one of a layer without."""
    definition = definition_of(who, decision)
    style = who.state.catalog.styles.get(definition.style) if definition else None
    return style or default_style(decision.collection.id, decision.collection.schema.geometry)


def picture_layer(who: Caller, decision: Decision) -> PictureLayer:
    """What the renderer is given of a layer."""
    definition = definition_of(who, decision)
    return PictureLayer(
        decision,
        style_of(who, decision).layers,
        tile_fields(decision, definition),
        definition.tiles.minzoom if definition else 0,
        bool(definition and definition.coverage),
    )


def decided_layers(who: Caller, names: Sequence[str], where: str) -> list[Decision]:
    """Decisions for the layers named, after their number was checked."""
    if len(names) > MAX_LAYERS:
        raise OgcFault("InvalidParameterValue", "too many layers", where=where, remedy=f"name {MAX_LAYERS} at most")
    decisions = [who.decide(name) for name in dict.fromkeys(names)]
    for decision in decisions:
        if decision.collection.schema.geometry == "none":
            raise OgcFault(
                "LayerNotDefined",
                f"layer {decision.collection.id} is a table without geometry",
                where=where,
                remedy=f"read it at /collections/{decision.collection.id}/items",
            )
    return decisions
