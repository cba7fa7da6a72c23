"""Small point clouds as LAS files."""

from pathlib import Path

import laspy
import numpy as np
import pyproj
from numpy.typing import ArrayLike

CORNER = (400_000.0, 3_430_000.0)
"""South-west corner of most of them, metres east and north in EPSG:4544."""


def written_cloud(
    path: Path,
    points: tuple[ArrayLike, ArrayLike, ArrayLike],
    crs: str | None = "EPSG:4544+5737",
    *,
    corner: tuple[float, float] = CORNER,
    point_format: int = 7,
    version: str = "1.4",
    **dimensions: ArrayLike,
) -> Path:
    """A cloud of points: metres east and north of a corner, and heights; ``dimensions`` by their names in laspy.

    A dimension that no point format has becomes one of extra bytes, of its own type.
    """
    header = laspy.LasHeader(point_format=point_format, version=version)
    if crs:
        header.add_crs(pyproj.CRS.from_user_input(crs))
    header.scales, header.offsets = [0.001] * 3, [*corner, 0]
    known = set(header.point_format.dimension_names)
    for name in dimensions.keys() - known:
        header.add_extra_dim(laspy.ExtraBytesParams(name, np.asarray(dimensions[name]).dtype))
    cloud = laspy.LasData(header)
    x, y, z = points
    cloud.x, cloud.y, cloud.z = np.asarray(x) + corner[0], np.asarray(y) + corner[1], np.asarray(z)
    for name, values in dimensions.items():
        cloud[name] = values
    cloud.write(path)
    return path
