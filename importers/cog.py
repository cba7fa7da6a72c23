"""Cloud-optimised GeoTIFF: the form every raster is kept in, tiled, with overviews, pixels unchanged.

Pixels are compressed without loss (DEFLATE with a predictor); a picture that comes in lossy JPEG stays JPEG, of high
quality. Overviews average, except where the numbers are classes.
"""

import hashlib
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cim.errors import ImportRefused

CACHE_MB = 256
JPEG_QUALITY = 92
BLOCK = 512
LOOK_CELLS = 512
FORM = "cog-1"
"""Part of each file's name, so that another way of writing makes another file."""


@dataclass(frozen=True, slots=True)
class CogFacts:
    """What is known of a written file: its name, size, and the range of its first band as its overviews show it."""

    name: str
    bytes: int
    minimum: float | None
    maximum: float | None


def write_cog(source: Path, driver: str, folder: Path, crs: str) -> CogFacts:
    """Write a raster as COG into a folder, named after its content; ImportRefused when its pixels cannot be read.

    ``crs`` goes into the name only: the same pixels declared to lie elsewhere are another file.
    """
    import rasterio  # noqa: PLC0415 - the reading child starts faster without it
    from rasterio._err import CPLE_BaseError  # noqa: PLC0415 - its copy lets these out, they have no public name
    from rasterio.shutil import copy  # noqa: PLC0415 - as above

    folder.mkdir(exist_ok=True)
    name = f"{_digest(source, crs)}.tif"
    target = folder / name
    try:
        with rasterio.Env(GDAL_CACHEMAX=CACHE_MB, GDAL_TIFF_INTERNAL_MASK=True):
            with rasterio.open(source, driver=driver) as dataset:
                copy(dataset, target, driver="COG", **_creation_options(dataset))
            minimum, maximum = _range(target)
    except (rasterio.errors.RasterioError, rasterio.errors.RasterioIOError, CPLE_BaseError) as error:
        raise ImportRefused(
            "unreadable",
            f"the pixels cannot be read: {str(error).splitlines()[0].split('/')[-1][:160]}",
            where=source.name,
            remedy="ask for the file again; it is damaged",
        ) from error
    return CogFacts(name, target.stat().st_size, minimum, maximum)


def _creation_options(dataset: Any) -> dict[str, Any]:
    classes = dataset.colorinterp[0].name == "palette"
    resampling = "NEAREST" if classes else "AVERAGE"
    options = {"BLOCKSIZE": BLOCK, "BIGTIFF": "IF_SAFER", "NUM_THREADS": "ALL_CPUS", "OVERVIEW_RESAMPLING": resampling}
    lossy = dataset.compression is not None and dataset.compression.name in {"jpeg", "ycbcr_jpeg"}
    if lossy and dataset.count in {1, 3} and dataset.dtypes[0] == "uint8":
        return options | {"COMPRESS": "JPEG", "QUALITY": JPEG_QUALITY}
    return options | {"COMPRESS": "DEFLATE", "PREDICTOR": "YES"}


def _range(path: Path) -> tuple[float | None, float | None]:
    """Least and greatest value of the first band, read at no more than ``LOOK_CELLS`` a side."""
    import numpy as np  # noqa: PLC0415 - see write_cog
    import rasterio  # noqa: PLC0415 - see write_cog

    with rasterio.open(path, driver="GTiff") as dataset:
        step = max(1, math.ceil(max(dataset.width, dataset.height) / LOOK_CELLS))
        shape = (max(1, dataset.height // step), max(1, dataset.width // step))
        band = dataset.read(1, out_shape=shape, masked=True)
    values = band.compressed()
    values = values[np.isfinite(values)] if values.dtype.kind == "f" else values
    return (float(values.min()), float(values.max())) if values.size else (None, None)


def _digest(source: Path, crs: str) -> str:
    digest = hashlib.sha256(f"{FORM} {crs}\n".encode())
    with source.open("rb") as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()[:40]
