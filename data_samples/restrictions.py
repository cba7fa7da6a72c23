"""Further controls of the sample city: protected areas, city lines, a heritage site, mineral rights."""

from collections.abc import Sequence
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import shapely

from data_samples.admin import Admin
from data_samples.business import largest_part
from data_samples.facilities import Layer
from data_samples.field import Warp
from data_samples.place import COUNTY_CODE
from data_samples.plane import ellipsoidal_areas, from_km, snapped
from data_samples.rivers import Stream, surface

RESERVES = (
    ("雪岭自然保护区", "自然保护区", "province", (11.0, 48.0), 3800.0, 1900.0),
    ("石笋沟自然公园", "自然公园", "county", (22.0, 41.5), 2600.0, 1200.0),
)
MINES = (
    ("C", "仙源灰岩矿", "mining", "石灰岩", (31.4, 29.6), 420.0, date(2019, 5, 1), date(2029, 4, 30)),
    ("C", "桂溪页岩矿", "mining", "页岩", (11.6, 20.8), 300.0, date(2016, 9, 1), date(2024, 8, 31)),
    ("T", "云台沟铜矿普查", "exploration", "铜矿", (9.2, 33.4), 1500.0, date(2023, 7, 1), date(2028, 6, 30)),
)
BANK_M = 35.0


def protected_areas(admin: Admin) -> Layer:
    """A reserve and a nature park in the mountains, each with a core and a general control area."""
    rows: list[tuple[Any, ...]] = []
    shapes: list[shapely.Geometry] = []
    for number, (name, kind, level, at, reach, core) in enumerate(RESERVES, 1):
        whole = shapely.intersection(_round(at, reach, number), admin.county, grid_size=0.01)
        inner = shapely.intersection(_round(at, core, number), whole, grid_size=0.01)
        for zone, label, shape in (
            ("core", "核心保护区", inner),
            ("general", "一般控制区", shapely.difference(whole, inner, grid_size=0.01)),
        ):
            rows.append((f"{COUNTY_CODE}ZR{len(rows) + 1:03d}", f"{name}{label}（合成）", zone, kind, level))
            shapes.append(shape)
    return _in_hectares(rows, ["code", "name", "class", "kind", "level"], shapes)


def _round(at: tuple[float, float], reach_m: float, seed: int) -> shapely.Geometry:
    """A roundish outline around kilometres east and north."""
    circle = shapely.buffer(shapely.points(from_km(np.array([at]))[0]), reach_m, quad_segs=14)
    bent = shapely.transform(circle, lambda points: snapped(Warp(seed + 60, reach_m * 1.4, reach_m * 0.12)(points)))
    return largest_part(shapely.buffer(bent, 0))


def _in_hectares(rows: Sequence[tuple[Any, ...]], columns: list[str], shapes: Sequence[shapely.Geometry]) -> Layer:
    out = np.array([shapely.transform(shape, snapped) for shape in shapes], dtype=object)
    table = pd.DataFrame(rows, columns=columns)
    return table.assign(area_ha=np.round(ellipsoidal_areas(out) / 1e4, 4)), out


def control_lines(plan: Layer, streams: list[Stream], area: shapely.Geometry, county: shapely.Geometry) -> Layer:
    """Blue lines along the rivers of the plain, green around parks, yellow around utilities, purple in the old town."""
    table, shapes = plan
    rows, found = [], []
    reach = shapely.intersection(shapely.buffer(area, 1500), county)
    for stream in streams:
        if stream.kind == "river" and not stream.mountain:
            bank = shapely.buffer(surface(stream), BANK_M, quad_segs=2)
            parts = shapely.get_parts(shapely.intersection(shapely.simplify(bank, 4.0), reach))
            for part in parts[shapely.area(parts) > 2000]:
                rows.append(("blue", f"{stream.name}蓝线", "不得擅自填占水面、建设与防洪无关的建筑"))
                found.append(part)
    for use, kind, label in (("1401", "green", "公园绿线"), ("1303", "yellow", "供电设施黄线")):
        for at in np.flatnonzero(table["use_code"] == use):
            k = int(at)
            rows.append((kind, f"{label}{table['parcel_code'].iloc[k]}", "不得改作他用"))
            found.append(shapes[k])
    for k in _old_town(plan):
        rows.append(("purple", "旧城紫线（合成）", "保护历史建筑和街巷"))
        found.append(shapes[k])
    named = [(f"{COUNTY_CODE}SX{n:03d}", name, kind, control) for n, (kind, name, control) in enumerate(rows, 1)]
    return _in_hectares(named, ["code", "name", "class", "control"], found)


def _old_town(plan: Layer) -> list[int]:
    """The plan's parcel of dwellings that is nearest the middle of them all."""
    table, shapes = plan
    homes = np.flatnonzero(table["use_code"] == "070102")
    if len(homes) == 0:
        return []
    centres = shapely.get_coordinates(shapely.centroid(shapes[homes]))
    return [int(homes[int(np.argmin(np.hypot(*(centres - centres.mean(axis=0)).T)))])]


def heritage_zones(plan: Layer) -> Layer | None:
    """An invented temple in the old town: protection range, and a construction control belt around it."""
    old = _old_town(plan)
    if not old:
        return None
    middle = shapely.centroid(plan[1][old[0]])
    inner, outer = (shapely.buffer(middle, reach, quad_segs=4) for reach in (45.0, 110.0))
    shapes = [inner, shapely.difference(outer, inner)]
    out = np.array([shapely.transform(shape, snapped) for shape in shapes], dtype=object)
    rows = [
        (f"{COUNTY_CODE}WW001", "旧城文庙保护范围（合成）", "protection", "province"),
        (f"{COUNTY_CODE}WW002", "旧城文庙建设控制地带（合成）", "control-belt", "province"),
    ]
    table = pd.DataFrame(rows, columns=["code", "name", "class", "level"])
    return table.assign(area_m2=np.round(ellipsoidal_areas(out), 2)), out


def mineral_rights() -> Layer:
    """Two mines, the licence of one of them expired, and an exploration area."""
    rows: list[tuple[Any, ...]] = []
    shapes: list[shapely.Geometry] = []
    for number, (letter, name, kind, mineral, at, reach, since, until) in enumerate(MINES, 1):
        centre = from_km(np.array([at]))[0]
        shapes.append(shapely.box(*(centre - reach), *(centre + reach * 0.8)))
        code = f"{letter}{COUNTY_CODE}{since:%Y%m}71{number:08d}"
        rows.append((code, f"{name}（合成）", kind, mineral, f"合成矿业{number:02d}有限公司", since, until))
    columns = ["code", "name", "class", "mineral", "holder", "valid_from", "valid_until"]
    return _in_hectares(rows, columns, shapes)
