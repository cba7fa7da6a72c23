"""The raster of an answer as a GeoTIFF, which can be imported as a layer."""

import base64
import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np
from rasterio import Affine
from rasterio.io import MemoryFile

from cim.errors import BadRequest

NO_DATA = -9999.0


def report_geotiff(answer: Mapping[str, Any]) -> bytes:
    """The raster as float32, -9999 where there is no value; BadRequest for an answer without a raster."""
    raster = answer.get("raster")
    if raster is None:
        raise BadRequest("this analysis makes no raster", where="f", remedy="ask for json, geojson, xlsx or a report")
    size = (raster["rows"], raster["columns"])
    values = np.frombuffer(zlib.decompress(base64.b64decode(raster["data"])), "<f4").reshape(size)
    profile = {
        "driver": "GTiff",
        "dtype": "float32",
        "count": 1,
        "height": size[0],
        "width": size[1],
        "crs": f"EPSG:{raster['srid']}",
        "transform": Affine(raster["cell_m"], 0, raster["west"], 0, -raster["cell_m"], raster["north"]),
        "nodata": NO_DATA,
        "compress": "deflate",
    }
    with MemoryFile() as memory:
        with memory.open(**profile) as target:
            target.write(np.where(np.isfinite(values), values, NO_DATA).astype(np.float32), 1)
            target.update_tags(unit=raster["unit"], property=str(answer["summary"].get("property", "")))
            target.set_band_unit(1, raster["unit"])
        content: bytes = memory.read()
    return content
