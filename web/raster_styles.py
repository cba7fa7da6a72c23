"""What a map needs to draw a layer of images: sources, the styles it can choose from, and their legends."""

from typing import Any

from cim.policy.policy import Decision
from layers.catalog import Style
from layers.raster_styles import DEFAULT_RELIEF_M, raster_legend, styles_for
from tiles.raster_looks import look_of
from tiles.raster_tilejson import maplibre_source, raster_tilejson, terrain_tilejson
from web.state import Caller


def is_pictured(style: Style) -> bool:
    """Whether a style draws images and not the outlines of them."""
    return any(layer["type"] == "raster" for layer in style.layers)


async def raster_source(who: Caller, decision: Decision, style: str | None) -> dict[str, Any]:
    """The MapLibre source of a layer's pictures in a style."""
    facts = await who.state.rasters.facts(who.principal, decision)
    definition = who.state.catalog.layers.get(decision.collection.id)
    return maplibre_source(raster_tilejson(who.base, decision, definition, facts, style), "raster")


async def raster_style(who: Caller, decision: Decision, style: str | None) -> dict[str, Any]:
    """Source, style, styles to choose from, legend, and the terrain source where the images are heights.

    Raises BadRequest for a style the layer cannot be drawn in.
    """
    source = await raster_source(who, decision, style)
    facts = await who.state.rasters.facts(who.principal, decision)
    if facts is None:
        return {"source": source, "styles": []}
    definition = who.state.catalog.layers.get(decision.collection.id)
    relief_m = definition.raster.relief_m if definition else DEFAULT_RELIEF_M
    look = look_of(facts, style, relief_m)
    answer: dict[str, Any] = {
        "source": source,
        "style": look.style,
        "styles": [{"id": one.id, "title": one.title.model_dump()} for one in styles_for(heights=facts.heights)],
        "legend": raster_legend(look.style, relief_m),
    }
    if facts.heights:
        document = terrain_tilejson(who.base, decision, definition, facts)
        answer["terrain"] = maplibre_source(document, "raster-dem")
    return answer
