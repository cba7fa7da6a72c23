"""Raster layers in pictures: the raster painter's window as the renderer takes it."""

import numpy as np

from cim.model.access import Principal
from cim.policy.policy import Decision
from cim.store.database import Database
from cim.store.files import FileStore
from tiles.picture import RasterWindow
from tiles.picture_window import Window
from tiles.raster import raster_window


def raster_pictures(database: Database, files: FileStore) -> RasterWindow:
    """What paints raster layers for ``Pictures``, from the images below ``files``."""

    async def painted(principal: Principal, decision: Decision, window: Window, style: str) -> bytes:
        bounds = (window.west, window.south, window.east, window.north)
        size = window.width, window.height
        picture = await raster_window(database, files, principal, decision, bounds, window.srid, *size, style or None)
        return np.ascontiguousarray(np.moveaxis(picture, 0, -1)).tobytes()

    return painted
