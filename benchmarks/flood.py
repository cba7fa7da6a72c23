"""A flood step on five-metre heights of the seat, and reading the same heights alone.

The heights are the sample city's terrain on square grids of the plane around the seat, imported into a database of its
own; the river is the water there. Each round asks for a rise from the river over the whole window, as a process does,
and beside it reads the heights of the same cells: what a step cannot do without.
"""

import asyncio
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
import shapely
from rasterio.transform import Affine

from benchmarks.machine import spread
from cim.analysis.impact.flood import ANALYSIS
from cim.analysis.impact.grids import window_around
from cim.analysis.terrain.cells import lattice_over
from cim.model.heights import PointHeights
from cim.model.raster import RasterImage
from cim.model.redline import to_lonlat
from data_samples import imagery, rivers, terrain
from data_samples.city import SIZES
from data_samples.plane import geographic
from tiles.raster_points import sample_heights

CELL_M = 5.0
SIDES_M = (2_560.0, 5_000.0)
RISES_M = (1.0, 3.0)
REACH_S = 3.0
SEED = 7
