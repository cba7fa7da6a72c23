"""Land business of the sample city: projects from pre-review over conversion and supply to registration."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd
import shapely

from data_samples.admin import Admin
from data_samples.facilities import Layer
from data_samples.field import Floats
from data_samples.names import FIRST, SECOND
from data_samples.parcels import Parcels
from data_samples.place import COUNTY_CODE
from data_samples.plane import Geometries, ellipsoidal_areas
from data_samples.roads import Ints

ARABLE = ("0101", "0102", "0103")
STAGES = ("prereview", "conversion", "expropriation", "supply", "registration")
PROVINCE, COUNTY = "合成省人民政府", "合成县自然资源局"
WORDS = {
    "070102": "居住小区",
    "0901": "商业综合体",
    "100101": "标准厂房",
    "0801": "办公用房",
    "080403": "学校",
    "080601": "医院",
}
ALLOCATED = ("0801", "080403", "080601")
SITE_M = 210.0
FINISHED = 22
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


def projects(plan: Layer, found: Parcels, belt: shapely.Geometry, admin: Admin, seed: int) -> list[Project]:
    """Finished projects on parcels of the plan, and newer ones on fields in the belt around the towns."""
    rng = np.random.default_rng(seed)
    table, shapes = plan
    usable = np.flatnonzero(np.isin(table["use_code"], list(WORDS)))
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
    for number, (stages, began, due, started, skips) in enumerate(NEW[: len(new)], len(out) + 1):
        at = number - 1
        out.append(Project(number, sites[at], uses[number % 3], 1.8, villages[at], stages, began, due, started, skips))
    return out


def _fields_in(found: Parcels, belt: shapely.Geometry) -> Ints:
    points = inner_points(found.shapes)
    shapely.prepare(belt)
    return np.flatnonzero(np.isin(found.land_class, ARABLE) & shapely.contains_xy(belt, points[:, 0], points[:, 1]))


def inner_points(shapes: Geometries) -> Floats:
    """A point inside each shape."""
    return np.asarray(shapely.get_coordinates(shapely.point_on_surface(shapes)))


def _joined(found: Parcels, chosen: Ints, cell_m: float) -> list[shapely.Geometry]:
    """Chosen parcels joined by square cells: the largest connected part of each, largest first."""
    cells: dict[tuple[int, int], list[int]] = {}
    for k, (x, y) in zip(chosen, inner_points(found.shapes[chosen]) // cell_m, strict=True):
        cells.setdefault((int(x), int(y)), []).append(int(k))
    joined = [shapely.get_parts(shapely.coverage_union_all(found.shapes[rows])) for _, rows in sorted(cells.items())]
    largest = [parts[int(np.argmax(shapely.area(parts)))] for parts in joined]
    return sorted(largest, key=lambda shape: (-round(shape.area), shape.bounds))


@dataclass(frozen=True, slots=True)
class Areas:
    """Areas of the projects' sites in m2: whole, agricultural and arable."""

    whole: Floats
    agricultural: Floats
    arable: Floats


def areas_of(shapes: Geometries, found: Parcels) -> Areas:
    """What of each site is agricultural and arable land."""
    arable = np.isin(found.land_class, ARABLE)
    farmed = arable | np.char.startswith(found.land_class, "02") | np.char.startswith(found.land_class, "03")
    whole = np.round(ellipsoidal_areas(shapes), 2)
    return Areas(whole, _within(shapes, found.shapes[farmed]), _within(shapes, found.shapes[arable]))


def _within(areas: Geometries, parcels: Geometries) -> Floats:
    area, parcel = shapely.STRtree(parcels).query(areas, predicate="intersects")
    pieces = ellipsoidal_areas(shapely.intersection(areas[area], parcels[parcel]))
    return np.asarray(np.round(np.bincount(area, weights=pieces, minlength=len(areas)), 2))


def records(of: list[Project], found: Parcels) -> dict[str, Layer]:
    """The five layers of records of projects, each with those that reached its stage."""
    shapes = np.array([project.shape for project in of], dtype=object)
    areas = areas_of(shapes, found)
    out = {}
    for stage, name in enumerate(STAGES):
        mine = [k for k, project in enumerate(of) if project.stages > stage and project.skips != name]
        if mine:
            rows = [{**_ROWS[name](of[k], k, areas), "area_m2": areas.whole[k]} for k in mine]
            out[f"land_{name}"] = (pd.DataFrame(rows), shapes[mine])
    return out


def _prereview(project: Project, at: int, areas: Areas) -> dict[str, Any]:
    return {
        "prereview_no": f"用字第{COUNTY_CODE}{project.began.year}{project.number:05d}号",
        "project_code": project.code,
        "project": project.name,
        "applicant": f"合成企业{project.number:03d}有限公司",
        "issued_on": project.began,
        "valid_until": project.after(1096),
        "authority": COUNTY,
        "level": "county",
        "agricultural_m2": areas.agricultural[at],
        "arable_m2": areas.arable[at],
    }


def _conversion(project: Project, at: int, areas: Areas) -> dict[str, Any]:
    return {
        "approval_no": project.conversion_no,
        "project_code": project.code,
        "project": project.name,
        "approved_on": project.after(210),
        "authority": PROVINCE,
        "level": "province",
        "agricultural_m2": areas.agricultural[at],
        "arable_m2": areas.arable[at],
    }


def _expropriation(project: Project, at: int, areas: Areas) -> dict[str, Any]:
    return {
        "approval_no": f"合府征〔{project.after(330).year}〕{300 + project.number}号",
        "conversion_no": project.conversion_no,
        "project_code": project.code,
        "project": project.name,
        "approved_on": project.after(330),
        "announced_on": project.after(345),
        "authority": PROVINCE,
        "level": "province",
        "collective_m2": areas.whole[at],
    }


def _supply(project: Project, at: int, areas: Areas) -> dict[str, Any]:
    due = project.due or project.after(740)
    started = None if project.built is None else due - timedelta(days=20 + project.number % 9)
    allocated = project.use in ALLOCATED
    return {
        "supervision_no": project.supervision_no,
        "parcel_code": project.parcel_code,
        "project_code": project.code,
        "project": project.name,
        "approval_no": project.conversion_no,
        "user": f"合成企业{project.number:03d}有限公司",
        "supply_kind": "allocation" if allocated else "grant",
        "use_code": project.use,
        "contract_on": project.after(560),
        "start_due_on": due,
        "started_on": started,
        "finish_due_on": due + timedelta(days=1096),
        "finished_on": due + timedelta(days=1000) if project.built else None,
        "far": project.far,
        "price_wan": None if allocated else round(float(areas.whole[at]) * 0.12, 2),
    }


def _registration(project: Project, _at: int, _areas: Areas) -> dict[str, Any]:
    building = f"F{project.number:04d}0001" if project.built else "W00000000"
    return {
        "unit_no": f"{project.parcel_code}{building}",
        "parcel_code": project.parcel_code,
        "supervision_no": project.supervision_no,
        "certificate_no": f"合成（{project.after(640).year}）彭州市不动产权第{project.number:07d}号",
        "holder": f"合成企业{project.number:03d}有限公司",
        "right_kind": "4" if project.built else "3",
        "use_code": project.use,
        "registered_on": project.after(640),
        "valid_until": project.after(640).replace(year=project.after(640).year + 50, day=1),
    }


_ROWS: dict[str, Callable[[Project, int, Areas], dict[str, Any]]] = {
    "prereview": _prereview,
    "conversion": _conversion,
    "expropriation": _expropriation,
    "supply": _supply,
    "registration": _registration,
}
