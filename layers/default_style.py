"""How a layer without a style of its own is drawn: plainly, in a colour taken from its id."""

import colorsys
import hashlib

from cim.model.collection import GeometryType
from layers.catalog import Style


def default_style(layer: str, geometry: GeometryType) -> Style:
    """MapLibre layers and a legend for points, lines or polygons; the same id always gets the same colour."""
    hue = int.from_bytes(hashlib.sha256(layer.encode()).digest()[:2]) / 65536
    red, green, blue = (round(255 * part) for part in colorsys.hls_to_rgb(hue, 0.42, 0.6))
    colour = f"#{red:02x}{green:02x}{blue:02x}"
    kind, layers = (
        "fill",
        [
            {"id": f"{layer}-fill", "type": "fill", "paint": {"fill-color": colour, "fill-opacity": 0.35}},
            {"id": f"{layer}-outline", "type": "line", "paint": {"line-color": colour, "line-width": 1}},
        ],
    )
    if geometry.endswith("LineString"):
        kind = "line"
        layers = [{"id": f"{layer}-line", "type": "line", "paint": {"line-color": colour, "line-width": 1.5}}]
    elif geometry.endswith("Point"):
        kind = "circle"
        paint = {"circle-color": colour, "circle-radius": 4, "circle-stroke-color": "#ffffff", "circle-stroke-width": 1}
        layers = [{"id": f"{layer}-circle", "type": "circle", "paint": paint}]
    legend = ({"label": {"zh": layer, "en": layer}, "kind": kind, "color": colour, "outline": colour},)
    return Style(tuple(layers), legend)
