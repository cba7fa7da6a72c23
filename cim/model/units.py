"""Units of measurement: whether two mean the same, and how a value in one becomes a value in the other.

The table is small on purpose: what is not in it is compared by its text and never converted.
"""

import functools
import re
from dataclasses import dataclass
from fractions import Fraction

from cim.errors import BadRequest

MASS, FRACTION = "mass concentration", "volume fraction"
_KINDS: dict[str, dict[str, str]] = {
    MASS: {
        "ng/m3": "1e-12",
        "µg/m3": "1e-9",
        "mg/m3": "1e-6",
        "g/m3": "1e-3",
        "ng/l": "1e-9",
        "µg/l": "1e-6",
        "mg/l": "1e-3",
        "g/l": "1",
    },
    FRACTION: {"ppb": "1e-9", "ppm": "1e-6", "%vol": "1e-2"},
    "temperature": {"k": "1", "°c": "1", "°f": "5/9"},
    "pressure": {"pa": "1", "hpa": "100", "kpa": "1e3", "mpa": "1e6"},
    "length": {"mm": "1e-3", "cm": "1e-2", "m": "1", "km": "1e3"},
    "speed": {"cm/s": "1e-2", "m/s": "1", "km/h": "5/18"},
    "flow": {"l/s": "1e-3", "m3/d": "1/86400", "m3/h": "1/3600", "m3/s": "1"},
    "conductivity": {"µs/cm": "1e-4", "ms/m": "1e-3", "ms/cm": "1e-1"},
    "mass": {"mg": "1e-6", "g": "1e-3", "kg": "1", "t": "1e3"},
    "voltage": {"mv": "1e-3", "v": "1"},
    "energy": {"wh": "1", "kwh": "1e3"},
    "power": {"w": "1", "kw": "1e3"},
    "share": {"%": "1e-2", "1": "1"},
    "level": {"db": "1"},
    "A-weighted level": {"db(a)": "1"},
    "acidity": {"ph": "1"},
    "turbidity": {"ntu": "1"},
}
"""By what is measured: how many of the unit that others of the kind are counted in one of each unit is."""
_OFFSETS = {"°c": Fraction("273.15"), "°f": Fraction("459.67") * Fraction(5, 9)}
_Known = tuple[str, Fraction, Fraction]
_TABLE: dict[str, _Known] = {
    unit: (kind, Fraction(factor), _OFFSETS.get(unit, Fraction(0)))
    for kind, units in _KINDS.items()
    for unit, factor in units.items()
}
"""By unit: what it measures, and the factor and offset that lead to the unit the others of its kind are counted in."""
_SAME = {
    "微克/立方米": "µg/m3",
    "毫克/立方米": "mg/m3",
    "毫克/升": "mg/l",
    "微克/升": "µg/l",
    "℃": "°c",
    "摄氏度": "°c",
    "c": "°c",
    "degc": "°c",
    "deg_c": "°c",
    "cel": "°c",
    "degreecelsius": "°c",
    "百帕": "hpa",
    "mbar": "hpa",
    "千帕": "kpa",
    "米": "m",
    "毫米": "mm",
    "厘米": "cm",
    "米/秒": "m/s",
    "立方米/秒": "m3/s",
    "分贝": "db(a)",
    "dba": "db(a)",
    "百分比": "%",
    "percent": "%",
    "无量纲": "1",
}


@dataclass(frozen=True, slots=True)
class Conversion:
    """How values become values of another unit: times ``factor``, plus ``offset``."""

    factor: float = 1.0
    offset: float = 0.0

    def __call__(self, value: float) -> float:
        """A value in the other unit."""
        return value if self.is_none else value * self.factor + self.offset

    @property
    def is_none(self) -> bool:
        """Whether values stay as they are."""
        return self.factor == 1.0 and self.offset == 0.0


def normal_unit(text: str) -> str:
    """A unit in one spelling, to be compared: small letters, no blanks, µ, digits for powers."""
    plain = re.sub(r"[\s·^]|\*\*", "", text.strip().casefold())
    plain = plain.replace("μ", "µ").replace("³", "3").replace("²", "2").replace("º", "°").replace("㎡", "m2")
    plain = re.sub(r"(?<=g)/?m-3$", "/m3", plain)
    plain = re.sub(r"^ug(?=/|$)", "µg", plain)
    plain = re.sub(r"^us(?=/cm)", "µs", plain)
    return _SAME.get(plain, plain)


@functools.lru_cache(maxsize=1_000)
def conversion(given: str, wanted: str) -> Conversion:
    """How values in the unit given become values in the unit wanted; BadRequest says why they do not."""
    first, second = normal_unit(given), normal_unit(wanted)
    if first == second:
        return Conversion()
    one, other = _TABLE.get(first), _TABLE.get(second)
    if one is None or other is None or one[0] != other[0]:
        raise BadRequest(
            _why(given, wanted, one, other), where="unit", remedy="convert the values, or correct the unit"
        )
    return Conversion(float(one[1] / other[1]), float((one[2] - other[2]) / other[1]))


def _why(given: str, wanted: str, one: _Known | None, other: _Known | None) -> str:
    if one and other and {one[0], other[0]} == {MASS, FRACTION}:
        return f"{given} of a gas cannot be told in {wanted} without the gas, its temperature and pressure"
    return f"the values are in {given}, the datastream is in {wanted}"
