"""The records of the sample city's projects as rows: pre-review, conversion, expropriation, supply, registration."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import numpy as np
import pandas as pd
import shapely

from data_samples.business import ARABLE, Project
from data_samples.facilities import Layer
from data_samples.field import Floats
from data_samples.parcels import Parcels
from data_samples.place import COUNTY_CODE
from data_samples.plane import Geometries, ellipsoidal_areas

STAGES = ("prereview", "conversion", "expropriation", "supply", "registration")
PROVINCE, COUNTY = "合成省人民政府", "合成县自然资源局"
ALLOCATED = ("0801", "080403", "080601")


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
