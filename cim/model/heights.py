"""Heights of the ground at some places, as a model of heights gives them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class PointHeights:
    """Heights in metres at places in the order asked for, NaN where there is none.

    ``cell_m`` is the side of the cells each comes from, NaN likewise; ``datums`` are the codes of the height systems
    they are above, None among them where an image does not say; ``images`` are the names of the images there.
    """

    height_m: NDArray[np.float64]
    cell_m: NDArray[np.float64]
    datums: tuple[str | None, ...]
    images: tuple[str, ...]

    @property
    def known(self) -> NDArray[np.bool_]:
        """Where there is a height."""
        return np.isfinite(self.height_m)
