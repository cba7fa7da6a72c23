"""The undulation of the geoid as the operator gives it: one number, or a grid in GTX or GeoTIFF."""

from pathlib import Path

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio.errors import RasterioError, RasterioIOError

from cim.errors import SettingsError
from cim.model.undulation import Undulation
from web.settings import ServerSettings

NUMBER, GRID = "CIM_UNDULATION_M", "CIM_GEOID_GRID"
MOST_M = 120.0
"""The geoid is nowhere on Earth farther from the ellipsoid."""
MOST_NODES = 4_000_000
WORLD_DEG = 360.0


def configured_undulation(settings: ServerSettings) -> Undulation | None:
    """What the settings give, None where they give nothing.

    Raises SettingsError where both are given, the grid cannot be read, or values are absurd.
    """
    if settings.undulation_m is not None and settings.geoid_grid is not None:
        raise SettingsError(
            "an undulation and a geoid grid are both given", where=f"{NUMBER}, {GRID}", remedy="give one of them"
        )
    if settings.geoid_grid is not None:
        return _grid(settings.geoid_grid)
    if settings.undulation_m is None:
        return None
    if not abs(settings.undulation_m) <= MOST_M:
        raise SettingsError(
            f"an undulation of {settings.undulation_m:g} m exists nowhere on Earth",
            where=NUMBER,
            remedy=f"give metres between -{MOST_M:g} and {MOST_M:g}: how far the geoid lies above the ellipsoid here",
        )
    return Undulation.constant(settings.undulation_m)


def _grid(path: Path) -> Undulation:
    try:
        with rasterio.open(path, driver=_driver(path)) as source:
            _check_form(source, path)
            band = source.read(1, masked=True)
            values = band.astype(np.float64).filled(np.nan) * source.scales[0] + source.offsets[0]
            way = source.transform
    except (RasterioError, RasterioIOError, OSError, MemoryError) as error:
        raise _refused(path, "the file cannot be read as GTX or GeoTIFF") from error
    _check_values(values, path)
    west, north = way.c + way.a / 2, way.f + way.e / 2
    if values.shape[1] * way.a >= WORLD_DEG - way.a / 2:
        turned = round((west + WORLD_DEG / 2) / way.a)
        values, west = np.roll(values, turned, axis=1), west - turned * way.a
    elif west >= WORLD_DEG / 2:
        west -= WORLD_DEG
    return Undulation(values, west, north, way.a, source=path.name, step_north_deg=-way.e)


def _driver(path: Path) -> str:
    with path.open("rb") as file:
        return "GTiff" if file.read(2) in {b"II", b"MM"} else "GTX"


def _check_form(source: rasterio.DatasetReader, path: Path) -> None:
    way = source.transform
    if way.b or way.d or way.a <= 0 or way.e >= 0 or (source.crs is not None and not source.crs.is_geographic):
        raise _refused(path, "the grid is not in degrees of longitude and latitude, rows from the north")
    if source.width * source.height > MOST_NODES:
        raise SettingsError(
            f"the grid has {source.width} x {source.height} nodes, at most {MOST_NODES} are kept in memory",
            where=f"{GRID}={path.name}",
            remedy="cut it to the county: gdal_translate -projwin 103 32 105 30 GRID.gtx county.tif",
        )


def _check_values(values: NDArray[np.float64], path: Path) -> None:
    known = np.isfinite(values)
    if not known.all():
        raise _refused(path, "the grid has nodes without a value")
    if np.abs(values).max() > MOST_M:
        low, high = float(values.min()), float(values.max())
        raise _refused(path, f"its values, {low:g} to {high:g}, are no undulations in metres")


def _refused(path: Path, what: str) -> SettingsError:
    return SettingsError(
        what,
        where=f"{GRID}={path.name}",
        remedy=f"name a grid of geoid undulations in metres, readable by the server's account, or set {NUMBER}",
    )
