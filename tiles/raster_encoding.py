"""Pixels as files for browsers: PNG without loss, WebP small."""

import functools
import io
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tiles.raster_grid import TILE_PIXELS

PictureForm = Literal["png", "webp"]
MEDIA_TYPES: dict[PictureForm, str] = {"png": "image/png", "webp": "image/webp"}
_OPTIONS: dict[PictureForm, dict[str, Any]] = {"png": {"compress_level": 3}, "webp": {"quality": 85, "method": 2}}


def encoded(bands: NDArray[np.uint8], form: PictureForm) -> bytes:
    """Three or four bands of rows and columns as a file; an alpha that hides nothing is left out."""
    if bands.shape[0] == 4 and bool((bands[3] == 255).all()):
        bands = bands[:3]
    file = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(np.moveaxis(bands, 0, -1))).save(file, form, **_OPTIONS[form])
    return file.getvalue()


@functools.cache
def blank_tile(form: PictureForm) -> bytes:
    """A tile that shows nothing."""
    return encoded(np.zeros((4, TILE_PIXELS, TILE_PIXELS), np.uint8), form)
