"""A surface as areas of a few bands of values, for the map."""

import numpy as np
import shapely
from rasterio import Affine
from rasterio.features import shapes
from shapely.geometry import mapping, shape

from cim.analysis.interpolation.methods import Floats
from cim.analysis.terrain.cells import Lattice
from cim.model.analysis import Place
from cim.model.redline import to_lonlat

BANDS = 8


def band_places(values: Floats, lattice: Lattice, unit: str) -> list[Place]:
    """The areas of up to eight bands of equal width, from the lowest up; cells without a value are in none."""
    known = np.isfinite(values)
    edges = np.linspace(values[known].min(), values[known].max(), BANDS + 1)
    if edges[0] == edges[-1]:
        edges = np.array([edges[0], edges[-1]])
    band = np.zeros(values.shape, dtype=np.uint8)
    band[known] = np.clip(np.searchsorted(edges, values[known], side="right"), 1, len(edges) - 1)
    way = Affine(lattice.cell_m, 0, lattice.west, 0, -lattice.cell_m, lattice.north)
    parts: dict[int, list[shapely.Geometry]] = {}
    for area, number in shapes(band, mask=known, transform=way):
        parts.setdefault(int(number), []).append(shape(area))
    places = []
    for number, areas in sorted(parts.items()):
        (whole,) = to_lonlat(np.array([shapely.union_all(areas)], dtype=object), lattice.srid)
        told = {"kind": "band", "from": float(edges[number - 1]), "to": float(edges[number]), "unit": unit}
        places.append(Place(mapping(shapely.set_precision(whole, 1e-7, mode="pointwise")), told))
    return places
