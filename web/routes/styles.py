"""MapLibre styles: of one layer, or of the whole map as the caller may see it."""

from collections.abc import Iterable
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query

from cim.policy.policy import Decision
from layers.catalog import Style
from layers.default_style import default_style
from tiles.tilejson import tilejson
from web.raster_styles import is_pictured, raster_source, raster_style
from web.state import Caller, caller

router = APIRouter(tags=["styles"])
Who = Annotated[Caller, Depends(caller)]


@router.get("/styles/map.json", summary="One MapLibre style of all layers shown by default")
async def whole_map(who: Who) -> dict[str, Any]:
    """A complete style for a desktop or another platform's map."""
    shown = [decision for decision in who.readable() if _default_visible(who, decision)]
    return {
        "version": 8,
        "name": "OneMap CIM 一张图",
        "sources": {decision.collection.id: await _source(who, decision) for decision in shown},
        "layers": [layer for decision in shown for layer in _layers(who, decision)],
    }


@router.get("/styles/{layer}.json", summary="MapLibre layers and legend of one layer")
async def one_layer(
    layer: str,
    who: Who,
    style: Annotated[str | None, Query(description="of images: one of the answer's styles")] = None,
) -> dict[str, Any]:
    """The layer's drawing rules, with source and source layer filled in, and its legend.

    For images also the source in the style asked for, the styles there are, and the terrain source of heights.
    """
    decision = who.decide(layer)
    held = _style(who, decision)
    drawn = {"layers": _layers(who, decision), "legend": list(held.legend)}
    return drawn | await raster_style(who, decision, style) if is_pictured(held) else drawn


def _default_visible(who: Caller, decision: Decision) -> bool:
    definition = who.state.catalog.layers.get(decision.collection.id)
    return bool(definition and definition.default_visible)


async def _source(who: Caller, decision: Decision) -> dict[str, Any]:
    if is_pictured(_style(who, decision)):
        return await raster_source(who, decision, None)
    document = tilejson(who.base, decision, who.state.catalog.layers.get(decision.collection.id))
    kept = ("tiles", "minzoom", "maxzoom", "bounds", "attribution")
    return {"type": "vector", **{name: document[name] for name in kept}}


def _style(who: Caller, decision: Decision) -> Style:
    held = decision.collection
    definition = who.state.catalog.layers.get(held.id)
    style = who.state.catalog.styles.get(definition.style) if definition else None
    return style or default_style(held.id, held.schema.geometry, held.schema.kind)


def _layers(who: Caller, decision: Decision) -> list[dict[str, Any]]:
    return _with_source(_style(who, decision).layers, decision.collection.id)


def _with_source(layers: Iterable[Any], source: str) -> list[dict[str, Any]]:
    """The layers with their source; a style several layers share gets the source's name before its ids."""
    drawn = []
    for layer in layers:
        of = {"source": source} if layer["type"] == "raster" else {"source": source, "source-layer": source}
        drawn.append({**layer, "id": _own_id(layer["id"], source), **of})
    return drawn


def _own_id(name: str, source: str) -> str:
    return name if name.startswith(source) else f"{source}-{name}"
