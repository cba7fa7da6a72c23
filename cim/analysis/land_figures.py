"""Land-status figures of an area as the survey keeps them.

A piece of a patch takes of the patch's register area TBMJ the share that its ellipsoidal area has of the patch's own.
Field ridges (KCDLBM, usually 1203) are split out of arable patches by their coefficient KCXS, and the net area is
what is left. Computed areas are those of the pieces; they are brought to the legal area of the red line, which differs
from their own sum by the shape of its edges only. What no patch covers is a figure of its own and is not spread.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cim.analysis.overlay import Floats, Ints, Overlay
from cim.model.ellipsoid import ellipsoidal_areas_m2
from cim.model.redline import to_lonlat

FIELDS = ("BSM", "TBBH", "DLBM", "DLMC", "QSXZ", "QSDWMC", "ZLDWMC", "TBMJ", "KCDLBM", "KCXS", "GDLX", "GDPDJB", "SJNF")
ARABLE = ("0101", "0102", "0103")
COLLECTIVE = ("3", "4")
"""First letters of tenure codes of land that collectives own or use."""
RIDGE = "1203"
MU_M2 = 2000 / 3
CENT_M2 = 0.01


@dataclass(frozen=True, slots=True)
class Patches:
    """What is known of each piece, in the order of the overlay: areas in m2, texts as the register has them."""

    computed_m2: Floats
    register_m2: Floats
    ridge_m2: Floats
    code: list[str]
    name: list[str]
    tenure: list[str]
    owner: list[str]
    location: list[str]
    ridge_code: list[str]
    number: list[str]

    @property
    def net_m2(self) -> Floats:
        """Register areas without the ridges."""
        return self.register_m2 - self.ridge_m2

    def at(self, pieces: Ints) -> "Patches":
        """The figures of some pieces."""

        def texts(values: list[str]) -> list[str]:
            return [values[int(piece)] for piece in pieces]

        return Patches(
            computed_m2=self.computed_m2[pieces],
            register_m2=self.register_m2[pieces],
            ridge_m2=self.ridge_m2[pieces],
            code=texts(self.code),
            name=texts(self.name),
            tenure=texts(self.tenure),
            owner=texts(self.owner),
            location=texts(self.location),
            ridge_code=texts(self.ridge_code),
            number=texts(self.number),
        )

    def arable(self) -> NDArray[np.bool_]:
        """Which pieces are arable land."""
        return np.isin(np.array(self.code, dtype=object), ARABLE)

    def collective(self) -> NDArray[np.bool_]:
        """Which pieces belong to collectives."""
        return np.array([tenure[:1] in COLLECTIVE for tenure in self.tenure], dtype=bool)


def patches(
    pieces: Overlay, columns: Mapping[str, Sequence[Any]], features: np.ndarray[Any, Any], srid: int
) -> Patches:
    """The figures of each piece from the fields (``FIELDS``) and whole shapes of the patches it is of.

    A patch without a register area counts with its computed one.
    """
    whole_m2 = _whole_areas(pieces, features, srid)
    register = np.array([_number(columns["TBMJ"][k]) for k in pieces.feature], dtype=float)
    share = np.divide(pieces.areas_m2, whole_m2, out=np.zeros(len(whole_m2)), where=whole_m2 > 0)
    register_m2 = np.where(np.isnan(register) | (register <= 0), pieces.areas_m2, register * share)
    coefficient = np.array([_number(columns["KCXS"][k]) for k in pieces.feature], dtype=float)
    ridged = (coefficient > 0) & (coefficient < 1)
    ridge_code = [_text(columns["KCDLBM"][k]) for k in pieces.feature]
    ridge_m2 = np.where(ridged, register_m2 * np.nan_to_num(coefficient), 0.0)
    of = {name: [_text(columns[name][k]) for k in pieces.feature] for name in FIELDS}
    return Patches(
        computed_m2=pieces.areas_m2,
        register_m2=register_m2,
        ridge_m2=ridge_m2,
        code=of["DLBM"],
        name=of["DLMC"],
        tenure=of["QSXZ"],
        owner=of["QSDWMC"],
        location=of["ZLDWMC"],
        ridge_code=[code or RIDGE for code in ridge_code],
        number=of["BSM"],
    )


def _whole_areas(pieces: Overlay, features: np.ndarray[Any, Any], srid: int) -> Floats:
    used, place = np.unique(pieces.feature, return_inverse=True)
    areas = ellipsoidal_areas_m2(to_lonlat(features[used], srid)) if len(used) else np.zeros(0)
    return np.asarray(areas[place])


@dataclass(frozen=True, slots=True)
class ClassFigures:
    """The figures of one land class, in m2, rounded to 0.01 so that they sum to the rounded total."""

    code: str
    computed_m2: float
    register_m2: float
    net_m2: float
    ridge_m2: float
    pieces: int


def by_class(found: Patches, factor: float, group: Callable[[int], str] | None = None) -> list[ClassFigures]:
    """Figures by land class, ridges as a class of their own; ``factor`` brings computed areas to the legal area.

    ``group`` may give another code for a piece than its class. Computed areas stay with the patch's class: ridges are
    inside it.
    """
    key = group or (lambda index: found.code[index])
    sums: dict[str, list[float]] = {}
    for index in range(len(found.code)):
        row = sums.setdefault(key(index), [0.0, 0.0, 0.0, 0.0, 0.0])
        row[0] += found.computed_m2[index] * factor
        row[1] += found.register_m2[index]
        row[2] += found.register_m2[index] - found.ridge_m2[index]
        row[3] += found.ridge_m2[index]
        row[4] += 1
    codes = sorted(sums)
    computed, register, net, ridge = (closed([sums[code][k] for code in codes]) for k in range(4))
    return [
        ClassFigures(code, computed[k], register[k], net[k], ridge[k], int(sums[code][4]))
        for k, code in enumerate(codes)
    ]


def closed(values: Sequence[float], unit: float = CENT_M2) -> list[float]:
    """Values rounded to ``unit`` whose sum is the rounded sum; the rest of rounding goes to the largest value."""
    if not values:
        return []
    rounded = [round(value / unit) for value in values]
    rest = round(sum(values) / unit) - sum(rounded)
    largest = max(range(len(values)), key=lambda k: values[k])
    rounded[largest] += rest
    digits = max(0, -int(np.floor(np.log10(unit))))
    return [round(value * unit, digits) for value in rounded]


def _number(value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        return float("nan")


def _text(value: Any) -> str:
    return "" if value is None else str(value)
