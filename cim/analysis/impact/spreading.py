"""Which low cells water reaches: those joined by their sides to a seed through cells below the water."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from cim.analysis.overlay import Floats

Mask = NDArray[np.bool_]
BY_SIDES = np.array([[0, 1, 0], [1, 1, 1], [0, 1, 0]], dtype=bool)
"""Water does not pass between two dry cells that meet at a corner."""


@dataclass(frozen=True, slots=True)
class Step:
    """One level of water: the cells that are flooded and how deep, NaN where they are dry."""

    offset_m: float
    flooded: Mask
    depth_m: Floats


def reached(below: Mask, seeds: Mask) -> Mask:
    """The cells of ``below`` that are joined by sides to a seed among them."""
    labels, count = ndimage.label(below, structure=BY_SIDES)
    wet = np.zeros(count + 1, dtype=bool)
    wet[labels[seeds & below]] = True
    wet[0] = False
    return np.asarray(wet[labels], dtype=bool)


def rising(ground_m: Floats, surface_m: Floats, seeds: Mask, offsets_m: Sequence[float]) -> Iterator[Step]:
    """The steps of water that stands ``offsets_m`` above a surface, each spreading from the one before.

    Cells without a height are never flooded, those without a surface have no water, and seeds that are not below the
    water give none.
    """
    flooded = seeds
    for offset_m in offsets_m:
        with np.errstate(invalid="ignore"):
            depth_m = surface_m + offset_m - ground_m
            below = depth_m > 0
        flooded = reached(below, seeds | flooded)
        yield Step(offset_m, flooded, np.where(flooded, depth_m, np.nan))


def nearest_values(values: Floats, at: Mask) -> Floats:
    """For every cell the value of the nearest cell in ``at``, by distance between middles; ``at`` may not be empty."""
    row, column = ndimage.distance_transform_edt(~at, return_distances=False, return_indices=True)
    return np.asarray(values[row, column], dtype=np.float64)
