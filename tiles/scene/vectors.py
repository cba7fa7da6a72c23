"""Many vectors of three coordinates at once, by column: numpy's own functions are slow on rows so short."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def lengths(vectors: Floats) -> Floats:
    """The length of each vector of shape (n, 3)."""
    return np.asarray(np.sqrt(np.einsum("ij,ij->i", vectors, vectors)), np.float64)


def crossed(first: Floats, second: Floats) -> Floats:
    """The vector product of each of the first with that of the second, all of shape (n, 3)."""
    (a, b, c), (x, y, z) = first.T, second.T
    product = np.empty_like(first)
    product[:, 0] = b * z - c * y
    product[:, 1] = c * x - a * z
    product[:, 2] = a * y - b * x
    return product


def extent(points: Floats) -> tuple[Floats, Floats]:
    """The least and the greatest of each coordinate of points of shape (n, 3), of which there is one at least."""
    columns = [np.ascontiguousarray(points[:, column]) for column in range(3)]
    return np.array([column.min() for column in columns]), np.array([column.max() for column in columns])
