"""Blast of an explosion by TNT equivalence: peak overpressure by scaled distance (Kinney and Graham 1985)."""

from dataclasses import dataclass

import numpy as np

from cim.analysis.overlay import Floats

STANDARD_KPA = 101.325
TNT_MJ_KG = 4.52
SURFACE_FACTOR = 1.8
"""A charge on the ground acts like one so many times as heavy in free air."""
NEAREST_Z, FARTHEST_Z = 0.1, 500.0
HALVINGS = 80
METHOD = (
    "TNT 当量法：超压按 Kinney-Graham（1985）自由空气公式，地面爆炸按当量的 1.8 倍；"
    "不计地形、建筑遮挡、碎片、热辐射和多米诺效应；蒸气云爆炸近区偏大、远区偏小"
)
ERROR = "当量系数（3%–10%）使距离相差可达 1.5 倍"


@dataclass(frozen=True, slots=True)
class Damage:
    """What a peak overpressure does; second-hand values of usual tables."""

    kpa: float
    zh: str
    en: str


DAMAGES = (
    Damage(100.0, "大部分人员死亡", "most people killed"),
    Damage(50.0, "重伤或死亡", "severe injuries or death"),
    Damage(30.0, "中等损伤", "moderate injuries"),
    Damage(20.0, "轻微损伤，砖墙开裂", "slight injuries, brick walls crack"),
    Damage(7.0, "玻璃破碎", "windows break"),
)


def overpressure_kpa(distance_m: Floats, tnt_kg: float, *, surface: bool = True) -> Floats:
    """The peak overpressure at distances from a charge."""
    z = distance_m / ((SURFACE_FACTOR if surface else 1.0) * tnt_kg) ** (1 / 3)
    above = 808 * (1 + (z / 4.5) ** 2)
    below = np.sqrt(1 + (z / 0.048) ** 2) * np.sqrt(1 + (z / 0.32) ** 2) * np.sqrt(1 + (z / 1.35) ** 2)
    return np.asarray(STANDARD_KPA * above / below, dtype=np.float64)


def blast_distance_m(kpa: float, tnt_kg: float, *, surface: bool = True) -> float:
    """How far a peak overpressure reaches; it falls with distance, so halving finds it."""
    size = ((SURFACE_FACTOR if surface else 1.0) * tnt_kg) ** (1 / 3)
    near, far = NEAREST_Z * size, FARTHEST_Z * size
    for _ in range(HALVINGS):
        middle = (near + far) / 2
        if overpressure_kpa(np.array([middle]), tnt_kg, surface=surface)[0] > kpa:
            near = middle
        else:
            far = middle
    return float(near)


def tnt_of(mass_kg: float, heat_mj_kg: float, yield_share: float) -> float:
    """The TNT equivalent of a fuel: its heat of combustion times the share that makes blast."""
    return mass_kg * heat_mj_kg * yield_share / TNT_MJ_KG
