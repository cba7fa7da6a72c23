"""Opening kept images: each thread keeps the few it used last open; a file that cannot be read is a clear error."""

import threading
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import PurePath
from typing import Any

import rasterio
import structlog
from rasterio._err import CPLE_BaseError  # reading lets these out, they have no public name
from rasterio.errors import RasterioError, RasterioIOError

from cim.errors import StoreError
from cim.model.raster import RasterImage
from cim.store.files import FileStore

OPEN_FILES = 24
GDAL_OPTIONS = {"GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR", "GDAL_CACHEMAX": 96, "GDAL_MAX_DATASET_POOL_SIZE": 32}
"""Nothing beside a file is looked for; blocks kept are bounded (MB, for the process)."""
_held = threading.local()
_log = structlog.get_logger()


@contextmanager
def reading_images() -> Iterator[None]:
    """Where images are opened and read; everything GDAL needs to be told holds inside."""
    with rasterio.Env(**GDAL_OPTIONS):
        yield


def open_image(files: FileStore, image: RasterImage) -> Any:
    """The image's file as a rasterio dataset for this thread only; it closes when nobody holds it any more.

    Raises StoreError, without a path in it, when the file is missing or is no image.
    """
    path = files.raster_path(image.file)
    opened: OrderedDict[str, Any] = _held.__dict__.setdefault("opened", OrderedDict())
    dataset = opened.get(str(path))
    if dataset is not None:
        opened.move_to_end(str(path))
        return dataset
    with telling(image):
        if PurePath(image.file).name != image.file:
            raise RasterioIOError(f"{image.file!r} is no name of a kept file")
        dataset = rasterio.open(path, driver="GTiff")
    opened[str(path)] = dataset
    while len(opened) > OPEN_FILES:
        opened.popitem(last=False)
    return dataset


@contextmanager
def telling(image: RasterImage) -> Iterator[None]:
    """Turn what reading an image raises into a StoreError; the log says which image and file it was."""
    try:
        yield
    except (RasterioError, RasterioIOError, CPLE_BaseError, OSError) as error:
        _log.error("an image cannot be read", image=image.name, file=image.file, reason=str(error))
        raise StoreError(
            "an image of this layer cannot be read: its file is missing or damaged",
            where="layer",
            remedy="tell the server's operator, whose log names the file; importing the image again repairs it",
        ) from error
