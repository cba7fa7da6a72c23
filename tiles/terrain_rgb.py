"""Heights as colours in Mapbox's encoding: height_m = -10000 + (R * 65536 + G * 256 + B) / 10.

The format has no way to say that nothing is known: such places have the height 0, as MapLibre expects.
"""

import numpy as np
from numpy.typing import NDArray

BASE_M, STEP_M = -10_000.0, 0.1
LARGEST = 2**24 - 1


def encode_heights(heights_m: NDArray[np.floating]) -> NDArray[np.uint8]:
    """Red, green and blue of heights, rounded to 0.1 m; NaN becomes 0 m."""
    steps = np.rint((np.nan_to_num(heights_m.astype(np.float64)) - BASE_M) / STEP_M)
    number = np.clip(steps, 0, LARGEST).astype(np.uint32)
    return np.stack([number >> 16, (number >> 8) & 255, number & 255]).astype(np.uint8)


def decode_heights(rgb: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Heights in metres from red, green and blue."""
    red, green, blue = rgb[:3].astype(np.float64)
    heights: NDArray[np.float64] = BASE_M + (red * 65536 + green * 256 + blue) * STEP_M
    return heights
