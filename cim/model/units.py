"""Units of measurement: whether two mean the same, and how a value in one becomes a value in the other.

The table is small on purpose: what is not in it is compared by its text and never converted.
"""

import re
from dataclasses import dataclass

from cim.errors import BadRequest

MASS, FRACTION = "mass concentration", "volume fraction"
_TABLE: dict[str, tuple[str, float, float]] = {
    "ng/m3": (MASS, 1e-12, 0),
    "µg/m3": (MASS, 1e-9, 0),
    "mg/m3": (MASS, 1e-6, 0),
    "g/m3": (MASS, 1e-3, 0),
    "µg/l": (MASS, 1e-6, 0),
    "mg/l": (MASS, 1e-3, 0),
    "g/l": (MASS, 1, 0),
    "ppb": (FRACTION, 1e-9, 0),
    "ppm": (FRACTION, 1e-6, 0),
    "%vol": (FRACTION, 1e-2, 0),
    "k": ("temperature", 1, 0),
    "°c": ("temperature", 1, 273.15),
    "°f": ("temperature", 5 / 9, 459.67 * 5 / 9),
    "pa": ("pressure", 1, 0),
    "hpa": ("pressure", 100, 0),
    "kpa": ("pressure", 1_000, 0),
    "mpa": ("pressure", 1e6, 0),
    "mm": ("length", 1e-3, 0),
    "cm": ("length", 1e-2, 0),
    "m": ("length", 1, 0),
    "km": ("length", 1_000, 0),
    "m/s": ("speed", 1, 0),
    "km/h": ("speed", 1 / 3.6, 0),
    "l/s": ("flow", 1e-3, 0),
    "m3/h": ("flow", 1 / 3_600, 0),
    "m3/s": ("flow", 1, 0),
    "µs/cm": ("conductivity", 1e-4, 0),
    "ms/m": ("conductivity", 1e-3, 0),
    "ms/cm": ("conductivity", 1e-1, 0),
    "wh": ("energy", 1, 0),
    "kwh": ("energy", 1_000, 0),
    "w": ("power", 1, 0),
    "kw": ("power", 1_000, 0),
    "%": ("share", 1e-2, 0),
    "1": ("share", 1, 0),
    "db": ("level", 1, 0),
    "db(a)": ("A-weighted level", 1, 0),
    "ph": ("acidity", 1, 0),
    "ntu": ("turbidity", 1, 0),
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
    plain = re.sub(r"^ug(?=/|$)", "µg", plain)
    plain = re.sub(r"^us(?=/cm)", "µs", plain)
    plain = re.sub(r"(?<=g/)m-3$", "m3", plain)
    return _SAME.get(plain, plain)


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
    return Conversion(one[1] / other[1], (one[2] - other[2]) / other[1])


def _why(given: str, wanted: str, one: tuple[str, float, float] | None, other: tuple[str, float, float] | None) -> str:
    if one and other and {one[0], other[0]} == {MASS, FRACTION}:
        return f"{given} of a gas cannot be told in {wanted} without the gas, its temperature and pressure"
    return f"the values are in {given}, the datastream is in {wanted}"
