"""Layers as map services offer them: title, style, scales, extent."""

from collections.abc import Sequence

from cim.errors import BadRequest
from cim.policy.policy import Decision, read_context
from layers.catalog import Style
from layers.default_style import default_style
from layers.definition import LayerDefinition
from layers.general_plan import general_plan
from tiles.picture import MAX_LAYERS, PictureLayer
from tiles.tilejson import tile_fields
from web.looking import state_of
from web.ogc.faults import OgcFault
from web.parameters import parse_datetime
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


def picture_layer(who: Caller, decision: Decision, version: int | None = None) -> PictureLayer:
    """What the renderer is given of a layer, in an older version where one is named."""
    definition = definition_of(who, decision)
    return PictureLayer(
        decision,
        style_of(who, decision).layers,
        tile_fields(decision, definition),
        general_plan(who.state.catalog, decision.collection),
        definition.tiles.minzoom if definition else 0,
        bool(definition and definition.coverage),
        version,
    )


async def versions_at(who: Caller, decisions: Sequence[Decision], time: str) -> list[int | None]:
    """For each layer the version valid at a TIME value; None for the current one.

    Raises OgcFault for what is no instant or interval, and for a time before a layer's first version.
    """
    if time.lower() in ("", "current"):
        return [None] * len(decisions)
    try:
        instant = parse_datetime(time, "TIME")
    except BadRequest as error:
        raise OgcFault("InvalidDimensionValue", error.what, where="TIME", remedy=error.remedy) from None
    found: list[int | None] = []
    async with who.state.database.reading(read_context(who.principal, who.request_id)) as connection:
        for decision in decisions:
            layer = decision.collection.id
            state = await state_of(connection, layer, {layer}, instant, None)
            if state.number == 0:
                raise OgcFault(
                    "InvalidDimensionValue",
                    f"layer {layer} did not exist at {time[:40]}",
                    where="TIME",
                    remedy=f"/collections/{layer}/versions lists its versions",
                )
            found.append(state.version)
    return found


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
