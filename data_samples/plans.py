"""Plans and control lines: detailed-plan parcels, urban boundary, ecological red line, basic farmland."""

import numpy as np
import pandas as pd
import shapely
from rasterio.features import shapes as raster_shapes
from rasterio.transform import from_origin

from data_samples.admin import Admin
from data_samples.field import Noise
from data_samples.parcels import Parcels
from data_samples.place import TOWNS
from data_samples.plane import Geometries, ellipsoidal_areas, snapped
from data_samples.roads import Roads
from data_samples.settlement import Blocks
from data_samples.terrain import Terrain

PLAN_USE = {
    "residential": ("070102", "二类城镇住宅用地", 2.2, 60.0),
    "old_town": ("070102", "二类城镇住宅用地", 1.6, 24.0),
    "commercial": ("0901", "商业用地", 3.0, 60.0),
    "office": ("0801", "机关团体用地", 1.5, 40.0),
    "industrial": ("100101", "一类工业用地", 1.4, 30.0),
    "warehouse": ("1101", "物流仓储用地", 1.2, 24.0),
    "education": ("080403", "中小学用地", 0.9, 24.0),
    "medical": ("080601", "医院用地", 1.8, 50.0),
    "park": ("1401", "公园绿地", 0.05, 8.0),
    "utility": ("1303", "供电用地", 0.6, 15.0),
    "vacant": ("16", "留白用地", 0.0, 0.0),
}


def plan_parcels(blocks: Blocks, area: shapely.Geometry) -> tuple[pd.DataFrame, Geometries]:
    """Parcels of the detailed plan: town blocks inside their streets' red lines."""
    chosen = np.flatnonzero(shapely.within(blocks.shapes, area))
    inner = shapely.buffer(blocks.shapes[chosen], -9.0, join_style="mitre")
    keep = (shapely.get_type_id(inner) == 3) & (shapely.area(inner) > 900)
    chosen, inner = chosen[keep], inner[keep]
    inner = np.asarray(shapely.transform(inner, snapped))
    uses = [PLAN_USE[use] for use in blocks.use[chosen]]
    towns = [TOWNS[k].code for k in blocks.town[chosen]]
    numbers = range(1, len(chosen) + 1)
    table = pd.DataFrame(
        {
            "parcel_code": [f"{town}-{n:04d}" for town, n in zip(towns, numbers, strict=True)],
            "use_code": [u[0] for u in uses],
            "use_name": [u[1] for u in uses],
            "far": [u[2] for u in uses],
            "height_limit_m": [u[3] for u in uses],
            "density_pct": [0.0 if u[0] in ("1401", "16") else 30.0 for u in uses],
            "green_pct": [75.0 if u[0] == "1401" else 30.0 for u in uses],
            "unit_code": [f"{town}-U{n // 40 + 1:02d}" for town, n in zip(towns, numbers, strict=True)],
            "town_code": towns,
            "area_m2": np.round(ellipsoidal_areas(inner), 2),
            "approval": "合成〔2023〕1号",
        }
    )
    return table, inner


def urban_boundary(blocks: Blocks) -> tuple[pd.DataFrame, Geometries]:
    """Built area of each town (集中建设区) and a belt around it (弹性发展区)."""
    rows: list[tuple[str, str, str, str]] = []
    shapes: list[shapely.Geometry] = []
    before: shapely.Geometry = shapely.Polygon()
    for k, town in enumerate(TOWNS):
        mine = blocks.shapes[blocks.town == k]
        if len(mine) == 0:
            continue
        core = shapely.simplify(shapely.buffer(shapely.union_all(shapely.buffer(mine, 60)), -25), 8)
        belt = shapely.difference(shapely.simplify(shapely.buffer(core, 160), 10), shapely.union(core, before))
        for name, kind, shape in (
            ("集中建设区", "concentrated", shapely.difference(core, before)),
            ("弹性发展区", "flexible", belt),
        ):
            rows.append((f"{town.code}K{len(rows) + 1:02d}", f"{town.name}{name}", kind, town.code))
            shapes.append(shapely.transform(shape, snapped))
        before = shapely.union(before, shapely.union(core, belt))
    table = pd.DataFrame(rows, columns=["code", "name", "class", "town_code"])
    out = np.array(shapes, dtype=object)
    return table.assign(area_ha=np.round(ellipsoidal_areas(out) / 1e4, 4)), out


def eco_redline(admin: Admin, terrain: Terrain, roads: Roads) -> tuple[pd.DataFrame, Geometries]:
    """High forest and alpine ground away from roads, by town."""
    smooth = terrain.heights + 180 * Noise(5, 1500.0)(*_grid(terrain))
    mask = (smooth[::-1] > 1500).astype(np.uint8)
    north = terrain.origin[1] + terrain.cell_m * (terrain.heights.shape[0] - 0.5)
    transform = from_origin(terrain.origin[0] - terrain.cell_m / 2, north, terrain.cell_m, terrain.cell_m)
    found = [shapely.geometry.shape(s) for s, value in raster_shapes(mask, mask > 0, transform=transform) if value]
    high = shapely.union_all([shapely.simplify(s.buffer(150).buffer(-150), 60) for s in found if s.area > 1e6])
    near = shapely.STRtree(roads.lines).query(high, predicate="dwithin", distance=220.0)
    high = shapely.difference(high, shapely.union_all(shapely.buffer(roads.lines[np.sort(near)], 220, quad_segs=3)))
    rows: list[tuple[str, str, str, str]] = []
    shapes: list[shapely.Geometry] = []
    kinds = (("water_conservation", "水源涵养"), ("biodiversity", "生物多样性维护"), ("soil", "水土保持"))
    for k, (town, outline) in enumerate(zip(TOWNS, admin.towns(), strict=True)):
        parts = shapely.get_parts(shapely.intersection(high, outline, grid_size=0.01))
        parts = parts[(shapely.get_type_id(parts) == 3) & (shapely.area(parts) > 3e5)]
        if len(parts):
            code, label = kinds[k % 3]
            rows.append((f"{town.code}H01", f"{town.name}{label}生态保护红线", code, "禁止开发性、生产性建设活动"))
            shapes.append(shapely.multipolygons(parts))
    out = np.array(shapes, dtype=object)
    table = pd.DataFrame(rows, columns=["code", "name", "class", "control"])
    return table.assign(area_ha=np.round(ellipsoidal_areas(out) / 1e4, 4)), out


def _grid(terrain: Terrain) -> tuple[np.ndarray, np.ndarray]:
    rows, columns = terrain.heights.shape
    x, y = np.meshgrid(np.arange(columns), np.arange(rows))
    return terrain.origin[0] + x * terrain.cell_m, terrain.origin[1] + y * terrain.cell_m


def basic_farmland(parcels: Parcels, codes: list[str], urban: shapely.Geometry) -> tuple[pd.DataFrame, Geometries]:
    """Protected arable land: fields off the towns, joined by village, land class and 300 m cell."""
    points = shapely.get_coordinates(shapely.point_on_surface(parcels.shapes))
    shapely.prepare(urban)
    protected = np.isin(parcels.land_class, ("0101", "0102", "0103")) & (parcels.slope < 15)
    protected &= Noise(17, 1900.0)(points[:, 0], points[:, 1]) > -0.52
    protected &= ~shapely.contains_xy(urban, points[:, 0], points[:, 1])
    index = np.flatnonzero(protected)
    cell = np.floor(points[index] / 300.0).astype(np.int64)
    keys = pd.DataFrame(
        {
            "village": parcels.village[index],
            "land": parcels.land_class[index],
            "i": cell[:, 0],
            "j": cell[:, 1],
        }
    )
    number = keys.groupby(["village", "land", "i", "j"], sort=True).ngroup().to_numpy()
    order = np.argsort(number, kind="stable")
    starts = np.flatnonzero(np.r_[True, np.diff(number[order]) > 0])
    members = np.split(index[order], starts[1:])
    shapes = np.array([shapely.coverage_union_all(parcels.shapes[rows]) for rows in members], dtype=object)
    area = np.round(ellipsoidal_areas(shapes), 2)
    first = [int(rows[0]) for rows in members]
    land = [str(parcels.land_class[row]) for row in first]
    village = [codes[int(parcels.village[row])] for row in first]
    table = pd.DataFrame(
        {
            "BSM": [f"510182B{n:09d}" for n in range(1, len(shapes) + 1)],
            "YSDM": "2005010300",
            "JBNTTBBH": [f"JB{n:06d}" for n in range(1, len(shapes) + 1)],
            "TBBH": [f"{n:06d}" for n in range(1, len(shapes) + 1)],
            "DLBM": land,
            "DLMC": [{"0101": "水田", "0102": "水浇地", "0103": "旱地"}[c] for c in land],
            "GDLX": ["TT" if c == "0103" else "" for c in land],
            "JBNTLX": "01",
            "PDJB": ["3" if c == "0103" else "1" for c in land],
            "ZLDWDM": village,
            "TBMJ": area,
            "JBNTMJ": np.round(area * 0.97, 2),
            "SJNF": np.full(len(shapes), 2023, dtype=np.int32),
        }
    )
    return table, shapes
