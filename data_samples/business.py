"""Land business of the sample city: projects from pre-review over conversion and supply to registration."""

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import shapely

from data_samples.admin import Admin
from data_samples.facilities import Layer
from data_samples.field import Floats
from data_samples.names import FIRST, SECOND
from data_samples.parcels import Parcels
from data_samples.place import COUNTY_CODE
from data_samples.plane import Geometries
from data_samples.roads import Ints

ARABLE = ("0101", "0102", "0103")
WORDS = {
    "070102": "居住小区",
    "0901": "商业综合体",
    "100101": "标准厂房",
    "0801": "办公用房",
    "080403": "学校",
    "080601": "医院",
}
SITE_M = 210.0
FINISHED = 16
NEW: tuple[tuple[int, date, date | None, bool | None, str], ...] = (
    (5, date(2022, 3, 10), date(2024, 6, 30), False, ""),
    (4, date(2022, 4, 12), date(2024, 3, 15), None, ""),
    (4, date(2022, 5, 20), date(2024, 10, 31), None, ""),
    (4, date(2023, 2, 6), date(2025, 5, 31), None, ""),
    (4, date(2023, 3, 3), date(2025, 9, 30), None, ""),
    (4, date(2024, 1, 8), date(2026, 9, 1), None, ""),
    (4, date(2023, 6, 1), date(2025, 8, 15), False, "conversion"),
    (3, date(2023, 8, 9), None, None, ""),
    (2, date(2024, 2, 22), None, None, ""),
    (2, date(2024, 5, 16), None, None, ""),
    (1, date(2025, 3, 4), None, None, ""),
    (1, date(2025, 6, 18), None, None, ""),
)
"""Of each new project: stages reached, day of the pre-review, agreed start, whether finished, stage left out."""


@dataclass(frozen=True, slots=True)
class Project:
    """One project: site, use, how many of the stages it has reached, and how its building goes on.

    ``due`` is the agreed day to start building; ``built`` whether it is finished, None where building has not begun;
    ``skips`` a stage that its chain lacks.
    """

    number: int
    shape: shapely.Geometry
    use: str
    far: float
    village: str
    stages: int
    began: date
    due: date | None
    built: bool | None
    skips: str = ""

    @property
    def code(self) -> str:
        """Project code as the national platform writes them."""
        return f"{self.began:%y%m}-{COUNTY_CODE}-04-01-{100_000 + self.number * 37:06d}"

    @property
    def name(self) -> str:
        """An invented name."""
        pair = FIRST[self.number * 5 % len(FIRST)] + SECOND[self.number * 3 % len(SECOND)]
        return f"{pair}{WORDS[self.use]}（合成）"

    @property
    def parcel_code(self) -> str:
        """19 characters: county, cadastral area and sub-area, state land for construction, number."""
        return f"{COUNTY_CODE}{self.village[6:9]}{self.village[9:12]}GB{self.number:05d}"

    @property
    def conversion_no(self) -> str:
        """Number of its conversion approval, empty where there is none."""
        has = self.stages > 1 and self.skips != "conversion"
        return f"合府土〔{self.after(210).year}〕{100 + self.number}号" if has else ""

    @property
    def supervision_no(self) -> str:
        """Electronic supervision number of its supply."""
        return f"{COUNTY_CODE}{self.after(560).year}B{self.number:05d}"

    def after(self, days: int) -> date:
        """A day some days after the pre-review."""
        return self.began + timedelta(days=days)


def projects(
    plan: Layer, found: Parcels, belt: shapely.Geometry, water: shapely.Geometry, admin: Admin, seed: int
) -> list[Project]:
    """Finished projects on parcels of the plan off the water, and newer ones on fields in the belt around the towns."""
    rng = np.random.default_rng(seed)
    table, shapes = plan
    usable = np.flatnonzero(np.isin(table["use_code"], list(WORDS)) & ~shapely.intersects(shapes, water))
    chosen = usable[:: max(1, len(usable) // FINISHED)][:FINISHED]
    new = _joined(found, _fields_in(found, belt), SITE_M)[: len(NEW)]
    sites = np.array([*shapes[chosen], *new], dtype=object)
    villages = [admin.codes[int(k)] for k in admin.village_at(inner_points(sites))] if len(sites) else []
    out = []
    for number, k in enumerate(chosen, 1):
        began = date(2015 + int(rng.integers(0, 6)), 3, 1) + timedelta(days=int(rng.integers(0, 200)))
        row, built = table.iloc[int(k)], bool(rng.random() < 0.8)
        due, use = began + timedelta(days=800), str(row["use_code"])
        out.append(
            Project(number, sites[number - 1], use, float(row["far"]), villages[number - 1], 5, began, due, built)
        )
    uses = list(WORDS)[:3]
    for number, (stages, first, agreed, started, skips) in enumerate(NEW[: len(new)], len(out) + 1):
        at = number - 1
        out.append(
            Project(number, sites[at], uses[number % 3], 1.8, villages[at], stages, first, agreed, started, skips)
        )
    return out


def _fields_in(found: Parcels, belt: shapely.Geometry) -> Ints:
    points = inner_points(found.shapes)
    shapely.prepare(belt)
    return np.flatnonzero(np.isin(found.land_class, ARABLE) & shapely.contains_xy(belt, points[:, 0], points[:, 1]))


def inner_points(shapes: Geometries) -> Floats:
    """A point inside each shape."""
    return np.asarray(shapely.get_coordinates(shapely.point_on_surface(shapes)))


def largest_part(shape: shapely.Geometry) -> shapely.Geometry:
    """The largest part of a shape."""
    parts = shapely.get_parts(shape)
    largest: shapely.Geometry = parts[int(np.argmax(shapely.area(parts)))]
    return largest


def _joined(found: Parcels, chosen: Ints, cell_m: float) -> list[shapely.Geometry]:
    """Chosen parcels joined by square cells: the largest connected part of each, largest first."""
    cells: dict[tuple[int, int], list[int]] = {}
    for k, (x, y) in zip(chosen, inner_points(found.shapes[chosen]) // cell_m, strict=True):
        cells.setdefault((int(x), int(y)), []).append(int(k))
    joined = [shapely.coverage_union_all(found.shapes[rows]) for _, rows in sorted(cells.items())]
    return sorted(
        map(largest_part, joined), key=lambda shape: (-round(float(shapely.area(shape))), tuple(shapely.bounds(shape)))
    )
