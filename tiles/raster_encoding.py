"""Pixels as files for browsers: PNG without loss, WebP small."""

import functools
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from rasterio.io import MemoryFile

from tiles.raster_grid import TILE_PIXELS

PictureForm = Literal["png", "webp"]
MEDIA_TYPES: dict[PictureForm, str] = {"png": "image/png", "webp": "image/webp"}
_OPTIONS: dict[PictureForm, dict[str, int]] = {"png": {"ZLEVEL": 3}, "webp": {"QUALITY": 85}}


def encoded(bands: NDArray[np.uint8], form: PictureForm) -> bytes:
    """Three or four bands of rows and columns as a file; an alpha that hides nothing is left out."""
    if bands.shape[0] == 4 and bool((bands[3] == 255).all()):
        bands = bands[:3]
    count, height, width = bands.shape
    with MemoryFile() as file:
        with file.open(
            driver=form.upper(), count=count, height=height, width=width, dtype="uint8", **_OPTIONS[form]
        ) as picture:
            picture.write(bands)
        return bytes(file.read())


@functools.cache
def blank_tile(form: PictureForm) -> bytes:
    """A tile that shows nothing."""
    return encoded(np.zeros((4, TILE_PIXELS, TILE_PIXELS), np.uint8), form)
