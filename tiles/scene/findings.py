"""What is wrong with features that cannot stand up in three dimensions, each told by its code."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from cim.store.scene_rows import SceneRows
from layers.text import Text

FindingCode = Literal[
    "no-height", "absurd-height", "crossing-rings", "sliver", "no-ground", "below-terrain", "no-shape"
]

MEANINGS: dict[FindingCode, Text] = {
    "no-height": Text(zh="没有高度或高度不大于零，也没有层数", en="no height above zero, and no number of storeys"),
    "absurd-height": Text(zh="高度超出可信范围", en="a height beyond what can be true"),
    "crossing-rings": Text(zh="边界自相交", en="an outline that crosses itself"),
    "sliver": Text(zh="面积过小的碎面", en="an area too small to be one"),
    "no-ground": Text(zh="没有地面高程，地形模型也没有覆盖", en="no ground height, and no terrain there"),
    "below-terrain": Text(zh="整体位于地形以下", en="lies wholly below the terrain"),
    "no-shape": Text(zh="没有可画的形状", en="no shape that can be drawn"),
}


@dataclass(frozen=True, slots=True)
class SceneFinding:
    """A feature that was left out: why, and the number that says so, in metres, square metres or None."""

    fid: int
    key: str
    code: FindingCode
    value: float | None = None


Fault = tuple[FindingCode, NDArray[np.bool_], NDArray[np.float64]]
"""A code, which features it is true of, and the number of each that says so, NaN for none."""


def sorted_out(rows: SceneRows, faults: Sequence[Fault]) -> tuple[NDArray[np.int64], tuple[SceneFinding, ...]]:
    """The numbers of the features without any of the faults, and for the others the first that is true of them."""
    left_out = np.zeros(len(rows), bool)
    findings: list[SceneFinding] = []
    for code, faulty, values in faults:
        for row in np.flatnonzero(faulty & ~left_out).tolist():
            value = float(values[row])
            findings.append(SceneFinding(rows.fid[row], rows.key[row], code, None if np.isnan(value) else value))
        left_out |= faulty
    return np.flatnonzero(~left_out), tuple(findings)
