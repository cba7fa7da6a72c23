"""Change patches of the sample city, with and without approval, and land consolidation projects."""

from datetime import date

import numpy as np
import pandas as pd
import shapely

from data_samples.business import ARABLE, Project, inner_points, largest_part
from data_samples.business_records import areas_of
from data_samples.facilities import Layer
from data_samples.parcels import Parcels
from data_samples.place import COUNTY_CODE
from data_samples.plane import Geometries, ellipsoidal_areas, snapped
from data_samples.roads import Ints

BEFORE, TAKEN = date(2025, 1, 15), date(2025, 11, 20)
BUILT = ("0601", "05H1", "0701", "0508")
NEAR_SITES_M = 160.0
STRADDLES = 4


def change_patches(of: list[Project], found: Parcels, count: int, seed: int) -> Layer:
    """Patches on building sites, across their edges, and on fields nobody gave leave to build on."""
    rng = np.random.default_rng(seed)
    sites = [project for project in of if project.began.year > 2021]
    rows: list[tuple[str, str, str]] = []
    shapes: list[shapely.Geometry] = []
    for project in sites:
        if project.built is not None or project.stages == 1:
            shapes.append(_shrunk(project.shape, 6.0))
            rows.append(("0101", BUILT[project.number % 2], "satellite"))
    for project in [project for project in sites if project.stages in (2, 4) and project.built is None][:STRADDLES]:
        shapes.append(_straddling(project.shape))
        rows.append(("0101", "0601", "satellite"))
    for k in _fields_off(of, found, max(0, count - len(shapes)), rng):
        after = "1104" if rng.random() < 0.12 else BUILT[int(rng.integers(0, len(BUILT)))]
        shapes.append(_shrunk(found.shapes[k], 2.0))
        rows.append((str(found.land_class[k]), after, str(rng.choice(["satellite", "satellite", "patrol", "report"]))))
    out = np.array([shapely.transform(shape, snapped) for shape in shapes], dtype=object)
    table = pd.DataFrame(rows, columns=["class_before", "class_after", "source"])
    table.insert(0, "patch_no", [f"{COUNTY_CODE}2025{n:05d}" for n in range(1, len(out) + 1)])
    table = table.assign(before_on=BEFORE, taken_on=TAKEN, area_m2=np.round(ellipsoidal_areas(out), 2))
    return table, out


def _shrunk(shape: shapely.Geometry, by_m: float) -> shapely.Geometry:
    """The largest part of a shape without its edge; the shape where nothing is left."""
    inner = shapely.buffer(shape, -by_m, join_style="mitre")
    return shape if shapely.is_empty(inner) else largest_part(inner)


def _straddling(shape: shapely.Geometry) -> shapely.Geometry:
    """A rectangle half inside a shape, across its eastern edge."""
    _, south, east, north = (float(side) for side in shapely.bounds(shape))
    return shapely.box(east - 70.0, (south + north) / 2 - 25.0, east + 50.0, (south + north) / 2 + 25.0)


def _fields_off(of: list[Project], found: Parcels, count: int, rng: np.random.Generator) -> Ints:
    """Fields of some size that are not near the projects' sites."""
    area = shapely.area(found.shapes)
    fields = np.flatnonzero(np.isin(found.land_class, ARABLE) & (area > 400) & (area < 12_000))
    sites = shapely.union_all(shapely.buffer(np.array([project.shape for project in of]), NEAR_SITES_M))
    shapely.prepare(sites)
    points = inner_points(found.shapes[fields])
    fields = fields[~shapely.contains_xy(sites, points[:, 0], points[:, 1])]
    return np.sort(rng.permutation(fields)[:count])


def consolidation(found: Parcels, codes: list[str], seed: int) -> Layer:
    """Three projects in villages with much arable land: planned, under way and accepted."""
    rng = np.random.default_rng(seed)
    arable = np.isin(found.land_class, ARABLE)
    villages = np.bincount(found.village[arable], minlength=len(codes))
    chosen = [int(k) for k in np.argsort(-villages, kind="stable")[:3] if villages[k]]
    shapes: Geometries = np.array([_fields_of(found, village) for village in chosen], dtype=object)
    now = {
        name: areas_of(shapes, _only(found, land)).arable
        for name, land in (("paddy", "0101"), ("irrigated", "0102"), ("dry", "0103"))
    }
    facts = (
        ("consolidation", "planned", None, None),
        ("high-standard", "under", date(2025, 2, 1), None),
        ("consolidation", "accepted", date(2021, 10, 8), date(2023, 4, 26)),
    )
    rows = []
    for k, (kind, phase, started, accepted) in enumerate(facts[: len(shapes)]):
        other = {name: round(float(area[k]) * (1 + 0.06 * float(rng.random())), 2) for name, area in now.items()}
        current = {name: round(float(area[k]), 2) for name, area in now.items()}
        before, after = (current, other) if phase != "accepted" else (_less(current), current)
        rows.append(
            {
                "project_no": f"{COUNTY_CODE}ZZ{2021 + k}{k + 1:03d}",
                "project": f"合成土地整治项目{k + 1}",
                "kind": kind,
                "phase": phase,
                "started_on": started,
                "accepted_on": accepted,
                **{f"before_{name}_m2": area for name, area in before.items()},
                **{f"after_{name}_m2": area for name, area in after.items()},
            }
        )
    return pd.DataFrame(rows).assign(area_m2=np.round(ellipsoidal_areas(shapes), 2)), shapes


def _less(figures: dict[str, float]) -> dict[str, float]:
    return {name: round(area * 0.95, 2) for name, area in figures.items()}


def _fields_of(found: Parcels, village: int) -> shapely.Geometry:
    """The fields and orchards within 260 m of the middle of a village's fields that hang together."""
    arable = np.isin(found.land_class, ARABLE)
    farmed = arable | np.char.startswith(found.land_class, "02")
    mine = np.flatnonzero((found.village == village) & farmed)
    points = inner_points(found.shapes[mine])
    off = np.hypot(*(points - np.median(points[arable[mine]], axis=0)).T)
    return largest_part(shapely.coverage_union_all(found.shapes[mine[off < max(260.0, float(off.min()) + 1)]]))


def _only(found: Parcels, land: str) -> Parcels:
    kept = found.land_class == land
    arrays = (found.shapes, found.land_class, found.village, found.slope, found.height, found.urban)
    return Parcels(*(values[kept] for values in arrays))
