"""MapLibre styles: of one layer, or of the whole map as the caller may see it."""

from collections.abc import Iterable
from typing import Annotated, Any

from fastapi import APIRouter, Depends

from cim.policy.policy import Decision
from layers.default_style import default_style
from tiles.tilejson import tilejson
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
        "sources": {decision.collection.id: _source(who, decision) for decision in shown},
        "layers": [layer for decision in shown for layer in _style_layers(who, decision)[0]],
    }


@router.get("/styles/{layer}.json", summary="MapLibre layers and legend of one layer")
async def one_layer(layer: str, who: Who) -> dict[str, Any]:
    """The layer's drawing rules, with source and source layer filled in, and its legend."""
    drawn, legend = _style_layers(who, who.decide(layer))
    return {"layers": drawn, "legend": legend}


def _default_visible(who: Caller, decision: Decision) -> bool:
    definition = who.state.catalog.layers.get(decision.collection.id)
    return bool(definition and definition.default_visible)


def _source(who: Caller, decision: Decision) -> dict[str, Any]:
    document = tilejson(who.base, decision, who.state.catalog.layers.get(decision.collection.id))
    kept = ("tiles", "minzoom", "maxzoom", "bounds", "attribution")
    return {"type": "vector", **{name: document[name] for name in kept}}


def _style_layers(who: Caller, decision: Decision) -> tuple[list[dict[str, Any]], list[Any]]:
    held = decision.collection
    definition = who.state.catalog.layers.get(held.id)
    style = who.state.catalog.styles.get(definition.style) if definition else None
    if style is None:
        style = default_style(held.id, held.schema.geometry)
    return _with_source(style.layers, held.id), list(style.legend)


def _with_source(layers: Iterable[Any], source: str) -> list[dict[str, Any]]:
    """The layers with their source; a style several layers share gets the source's name before its ids."""
    return [{**layer, "id": _own_id(layer["id"], source), "source": source, "source-layer": source} for layer in layers]


def _own_id(name: str, source: str) -> str:
    return name if name.startswith(source) else f"{source}-{name}"
