"""What may be drawn: layers that have images, the styles they can be drawn in, and how large a picture may be."""

import numpy as np

from cim.errors import BadRequest
from cim.model.collection import BoundingBox
from cim.model.raster import RasterFacts
from cim.policy.policy import Decision
from cim.store.raster_images import NEEDED
from layers.raster_styles import STYLES, RasterStyleId, styles_for
from tiles.raster_grid import PictureArea
from tiles.raster_painting import Look
from tiles.raster_pixels import Stretch

MAX_SIDE, MAX_PIXELS = 8_192, 16_777_216


def require_images(decision: Decision) -> None:
    """Raise BadRequest unless the layer is one of images."""
    schema = decision.collection.schema
    if schema.kind != "raster" or not set(schema.field_names) >= NEEDED:
        raise BadRequest(
            f"layer {schema.id} has no images", where="layer", remedy=f"its vector tiles are at /tiles/{schema.id}.json"
        )


def look_of(facts: RasterFacts, style: str | None, relief_m: tuple[float, float]) -> Look:
    """How a layer is drawn in a style; BadRequest for one that its images cannot be drawn in."""
    offered = [one.id for one in styles_for(heights=facts.heights)]
    chosen: RasterStyleId = offered[0]
    if style is not None:
        if style not in offered:
            raise BadRequest(
                f"this layer cannot be drawn as {style[:40]!r}", where="style", remedy=f"use {', '.join(offered)}"
            )
        chosen = STYLES[style].id
    return Look(chosen, relief_m, Stretch(facts.minimum or 0.0, facts.maximum if facts.maximum is not None else 255.0))


def checked_area(bounds: BoundingBox, srid: int, width: int, height: int) -> PictureArea:
    """The area of a picture somebody asks for; BadRequest for an empty box or too many pixels."""
    west, south, east, north = bounds
    if not (np.isfinite(bounds).all() and west < east and south < north):
        raise BadRequest("the box is empty or not finite", where="bbox", remedy="give west < east and south < north")
    if not (0 < width <= MAX_SIDE and 0 < height <= MAX_SIDE and width * height <= MAX_PIXELS):
        raise BadRequest(
            f"a picture of {width} x {height} pixels is not drawn",
            where="width, height",
            remedy=f"at most {MAX_SIDE} a side and {MAX_PIXELS} in all",
        )
    return PictureArea(srid, west, south, east, north, width, height)
