"""Positions that a delivery gives twice: columns of longitude and latitude beside the geometry."""

import numpy as np
import pyarrow as pa
import pyarrow.types as pt
import shapely

from importers.importer import GEOMETRY_COLUMN
from importers.inspection import Problem

LON_NAMES = frozenset({"lon", "lng", "longitude", "经度"})
LAT_NAMES = frozenset({"lat", "latitude", "纬度"})
SAMPLE_ROWS = 1_000
M_PER_DEGREE = 111_320.0
APART_M, FAR_M = 50.0, 2_000.0
"""The offset of Chinese web maps is 100 m to 1 km: nearer is rounding, farther is another place."""


def second_position(batch: pa.RecordBatch) -> Problem | None:
    """A warning where columns of longitude and latitude disagree with the geometry as two datums do."""
    columns = {name.casefold(): name for name in batch.schema.names}
    lon = next((columns[name] for name in columns if name in LON_NAMES), None)
    lat = next((columns[name] for name in columns if name in LAT_NAMES), None)
    if lon is None or lat is None or GEOMETRY_COLUMN not in columns:
        return None
    sample = batch.slice(0, SAMPLE_ROWS)
    if not all(pt.is_floating(sample.column(name).type) for name in (lon, lat)):
        return None
    raw = sample.column(GEOMETRY_COLUMN).to_numpy(zero_copy_only=False)
    shapes = shapely.centroid(shapely.from_wkb(raw, on_invalid="ignore"))
    x, y = shapely.get_x(shapes), shapely.get_y(shapes)
    given_x, given_y = (sample.column(name).to_numpy(zero_copy_only=False) for name in (lon, lat))
    metres = np.hypot((given_x - x) * np.cos(np.radians(y)), given_y - y) * M_PER_DEGREE
    metres = metres[np.isfinite(metres)]
    if len(metres) == 0 or not APART_M < float(np.median(metres)) < FAR_M:
        return None
    text = f"columns {lon} and {lat} lie {np.median(metres):.0f} m from the geometry; the file mixes two datums"
    return Problem("two-datums", len(metres), text)
