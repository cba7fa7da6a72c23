"""TileJSON 3.0 and MapLibre sources of raster layers."""

import math
from typing import Any

from cim.model.collection import BoundingBox
from cim.model.raster import RasterFacts
from cim.policy.policy import Decision
from layers.definition import LayerDefinition
from tiles.raster import MAX_IMAGES
from tiles.raster_grid import TILE_PIXELS

WORLD: BoundingBox = (-180.0, -85.0511287798, 180.0, 85.0511287798)
MAX_ZOOM = 22
_WORLD_PIXEL_M = 40_075_016.685578488 / TILE_PIXELS


def raster_tilejson(
    base: str, decision: Decision, definition: LayerDefinition | None, facts: RasterFacts | None, style: str | None
) -> dict[str, Any]:
    """The TileJSON of a layer's pictures in a style; ``base`` is the server's address as the client knows it."""
    named = f"style={style}&" if style else ""
    held = decision.collection
    address = f"{base}/rasters/{held.id}/{{z}}/{{x}}/{{y}}.png?{named}v={held.version}"
    return _document(address, decision, definition, facts)


def terrain_tilejson(
    base: str, decision: Decision, definition: LayerDefinition | None, facts: RasterFacts | None
) -> dict[str, Any]:
    """The TileJSON of a layer's heights, with the encoding and the height system they are in."""
    held = decision.collection
    address = f"{base}/terrain/{held.id}/rgb/{{z}}/{{x}}/{{y}}.png?v={held.version}"
    document = _document(address, decision, definition, facts)
    datums = facts.height_datums if facts else ()
    return document | {"encoding": "mapbox", "height_datum": datums[0] if len(datums) == 1 else list(datums)}


def maplibre_source(document: dict[str, Any], kind: str) -> dict[str, Any]:
    """A MapLibre source of kind raster or raster-dem from a TileJSON document."""
    kept = ("tiles", "tileSize", "minzoom", "maxzoom", "bounds", "attribution", "encoding")
    return {"type": kind, **{name: document[name] for name in kept if name in document}}


def zooms(facts: RasterFacts | None, bounds: BoundingBox) -> tuple[int, int]:
    """The lowest zoom whose tiles hold no more images than are drawn, and the one whose pixels are as fine as cells."""
    if facts is None:
        return 0, MAX_ZOOM
    cosine = math.cos(math.radians((bounds[1] + bounds[3]) / 2))
    finest = math.ceil(math.log2(_WORLD_PIXEL_M * cosine / max(facts.finest_m, 1e-3)))
    lowest = 0
    if facts.count > MAX_IMAGES:
        side_m = facts.spread_m * math.sqrt(MAX_IMAGES) / 2
        lowest = math.ceil(math.log2(_WORLD_PIXEL_M * TILE_PIXELS * cosine / side_m))
    highest = min(MAX_ZOOM, max(finest, 1))
    return min(max(lowest, 0), highest), highest


def _document(
    address: str, decision: Decision, definition: LayerDefinition | None, facts: RasterFacts | None
) -> dict[str, Any]:
    bounds = decision.collection.bbox or WORLD
    minzoom, maxzoom = zooms(facts, bounds)
    return {
        "tilejson": "3.0.0",
        "tiles": [address],
        "tileSize": TILE_PIXELS,
        "name": definition.title.zh if definition else decision.collection.id,
        "description": definition.description.zh if definition else "",
        "attribution": definition.attribution if definition else "",
        "scheme": "xyz",
        "version": f"{decision.collection.version}.0.0",
        "minzoom": minzoom,
        "maxzoom": maxzoom,
        "bounds": list(bounds),
        "center": [(bounds[0] + bounds[2]) / 2, (bounds[1] + bounds[3]) / 2, min(12, maxzoom)],
    }
