"""Units in which stations send values, and how many of one make another."""

from fractions import Fraction

from cim.errors import BadRequest

_SCALES: tuple[dict[str, Fraction], ...] = (
    {"mg/m3": Fraction(1), "ug/m3": Fraction(1, 1000), "ng/m3": Fraction(1, 10**6), "g/m3": Fraction(1000)},
    {"mg/L": Fraction(1), "ug/L": Fraction(1, 1000), "ng/L": Fraction(1, 10**6), "g/L": Fraction(1000)},
    {"m3/s": Fraction(1), "L/s": Fraction(1, 1000), "m3/h": Fraction(1, 3600), "m3/d": Fraction(1, 86400)},
    {"kPa": Fraction(1), "hPa": Fraction(1, 10), "Pa": Fraction(1, 1000), "MPa": Fraction(1000)},
    {"m": Fraction(1), "cm": Fraction(1, 100), "mm": Fraction(1, 1000)},
    {"m/s": Fraction(1), "km/h": Fraction(1000, 3600), "cm/s": Fraction(1, 100)},
    {"kg": Fraction(1), "g": Fraction(1, 1000), "mg": Fraction(1, 10**6), "t": Fraction(1000)},
    {"V": Fraction(1), "mV": Fraction(1, 1000)},
    {"uS/cm": Fraction(1), "mS/cm": Fraction(1000), "mS/m": Fraction(10)},
)
"""Units of one quantity by how many of the first unit they are; ppm and ppb need a temperature and are in none."""


def convert(value: float, given: str, wanted: str) -> float:
    """A value in another unit of the same quantity; BadRequest when the units do not measure the same."""
    if given == wanted:
        return value
    for scale in _SCALES:
        if given in scale and wanted in scale:
            return value * float(scale[given] / scale[wanted])
    raise BadRequest(
        f"values in {given[:20]!r} cannot be turned into {wanted[:20]!r}",
        where="unit",
        remedy="name a unit of the same quantity, such as mg/m3 for ug/m3",
    )
