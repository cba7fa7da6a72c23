"""How a layer without a style of its own is drawn: plainly, in a colour taken from its id."""

import colorsys
import hashlib

from cim.model.collection import GeometryType, LayerKind
from layers.catalog import Style


def default_style(layer: str, geometry: GeometryType, kind: LayerKind = "vector") -> Style:
    """MapLibre layers and a legend for points, lines, polygons or images; the same id always gets the same colour."""
    if kind == "raster":
        return Style(({"id": f"{layer}-picture", "type": "raster", "paint": {"raster-fade-duration": 0}},), ())
    hue = int.from_bytes(hashlib.sha256(layer.encode()).digest()[:2]) / 65536
    red, green, blue = (round(255 * part) for part in colorsys.hls_to_rgb(hue, 0.42, 0.6))
    colour = f"#{red:02x}{green:02x}{blue:02x}"
    drawn, layers = (
        "fill",
        [
            {"id": f"{layer}-fill", "type": "fill", "paint": {"fill-color": colour, "fill-opacity": 0.35}},
            {"id": f"{layer}-outline", "type": "line", "paint": {"line-color": colour, "line-width": 1}},
        ],
    )
    if geometry.endswith("LineString"):
        drawn = "line"
        layers = [{"id": f"{layer}-line", "type": "line", "paint": {"line-color": colour, "line-width": 1.5}}]
    elif geometry.endswith("Point"):
        drawn = "circle"
        paint = {"circle-color": colour, "circle-radius": 4, "circle-stroke-color": "#ffffff", "circle-stroke-width": 1}
        layers = [{"id": f"{layer}-circle", "type": "circle", "paint": paint}]
    legend = ({"label": {"zh": layer, "en": layer}, "kind": drawn, "color": colour, "outline": colour},)
    return Style(tuple(layers), legend)
