"""TileJSON 3.0: what a client needs to draw a layer's tiles."""

from typing import Any

from cim.model.general import GeneralPlan
from cim.policy.policy import Decision
from layers.definition import LayerDefinition

WORLD = (-180.0, -85.0511287798, 180.0, 85.0511287798)
_JSON_TYPES = {"integer": "Number", "bigint": "Number", "double": "Number", "boolean": "Boolean"}


def tile_url(base: str, decision: Decision) -> str:
    """The versioned URL template of a layer's tiles."""
    collection = decision.collection
    return f"{base}/tiles/{collection.id}/{{z}}/{{x}}/{{y}}.mvt?v={collection.version}"


def tile_fields(decision: Decision, definition: LayerDefinition | None) -> tuple[str, ...]:
    """Attributes that a layer's tiles carry: those its definition lists, or all visible ones of a draft."""
    wanted = definition.tiles.fields if definition else decision.field_names
    return tuple(name for name in wanted if name in decision.field_names)


def tilejson(
    base: str, decision: Decision, definition: LayerDefinition | None, plan: GeneralPlan | None = None
) -> dict[str, Any]:
    """The TileJSON document of a layer; ``base`` is the server's address as the client knows it.

    ``plan`` says how low zooms are generalised: aggregates carry attributes of their own.
    """
    collection = decision.collection
    bounds = collection.bbox or WORLD
    options = definition.tiles if definition else None
    return {
        "tilejson": "3.0.0",
        "tiles": [tile_url(base, decision)],
        "name": definition.title.zh if definition else collection.id,
        "description": definition.description.zh if definition else "",
        "attribution": definition.attribution if definition else "",
        "scheme": "xyz",
        "version": f"{collection.version}.0.0",
        "minzoom": options.minzoom if options else 0,
        "maxzoom": options.maxzoom if options else 16,
        "bounds": list(bounds),
        "center": [(bounds[0] + bounds[2]) / 2, (bounds[1] + bounds[3]) / 2, 12],
        "vector_layers": [
            {
                "id": collection.id,
                "fields": {**_aggregate_fields(decision, plan), **_own_fields(decision, definition)},
            }
        ],
    }


def _own_fields(decision: Decision, definition: LayerDefinition | None) -> dict[str, str]:
    types = {field.name: _JSON_TYPES.get(field.type, "String") for field in decision.fields}
    return {name: types[name] for name in tile_fields(decision, definition)}


def _aggregate_fields(decision: Decision, plan: GeneralPlan | None) -> dict[str, str]:
    """What aggregates carry beside the layer's own attributes: counts and sums, of visible fields only."""
    if plan is None or plan.method == "none":
        return {}
    visible = {*decision.field_names, None}
    return {name: "Number" for name, source in plan.sources.items() if source in visible and name not in plan.fields}
