"""Facilities of the emergency map and public services, and place names, for the whole county."""

import numpy as np
import pandas as pd
import shapely

from data_samples.admin import Admin
from data_samples.field import Floats
from data_samples.names import FIRST, SECOND
from data_samples.place import TOWNS
from data_samples.plane import Geometries, from_km, snapped
from data_samples.rivers import Stream
from data_samples.roads import Roads
from data_samples.terrain import Terrain

Layer = tuple[pd.DataFrame, Geometries]


class Sites:
    """Draws positions beside roads and makes the columns every facility has."""

    def __init__(self, admin: Admin, roads: Roads, seed: int) -> None:
        self.admin, self.rng = admin, np.random.default_rng(seed)
        kept = np.isin(roads.kinds, ("primary", "secondary", "tertiary", "street", "arterial"))
        self._lines = roads.lines[kept]
        middle = shapely.line_interpolate_point(self._lines, 0.5, normalized=True)
        self._town = admin.town_of[admin.village_at(shapely.get_coordinates(middle))]

    def beside(self, town: int, count: int) -> Floats:
        """Points 18 to 45 m beside streets of a town."""
        lines = self._lines[self._town == town]
        pick = lines[self.rng.integers(0, len(lines), count)]
        at = self.rng.uniform(0.1, 0.9, count) * shapely.length(pick)
        spot = shapely.get_coordinates(shapely.line_interpolate_point(pick, at))
        ahead = shapely.get_coordinates(shapely.line_interpolate_point(pick, at * 0.98))
        along = (spot - ahead) / np.maximum(np.hypot(*(spot - ahead).T), 1e-9)[:, None]
        side = (self.rng.choice([-1, 1], count) * self.rng.uniform(18, 45, count))[:, None]
        return snapped(spot + side * np.column_stack([-along[:, 1], along[:, 0]]))

    def rows(self, prefix: str, word: str, per_town: list[int]) -> Layer:
        """Id, name, address and town code of ``per_town`` sites in each town, with their points."""
        towns = np.repeat(np.arange(len(TOWNS)), per_town)
        points = np.vstack([self.beside(k, n) for k, n in enumerate(per_town) if n])
        village = self.admin.village_at(points)
        serial = pd.Series(towns).groupby(towns).cumcount().to_numpy()
        pairs = [
            FIRST[(k * 5 + n * 7) % len(FIRST)] + SECOND[(k * 3 + n) % len(SECOND)]
            for k, n in zip(towns, serial, strict=True)
        ]
        names = [
            f"{TOWNS[k].name[:-2] if len(TOWNS[k].name) > 3 else TOWNS[k].name[:-1]}{p if n else ''}{word}"
            for k, n, p in zip(towns, serial, pairs, strict=True)
        ]
        table = pd.DataFrame(
            {
                "id": [f"{prefix}{n:04d}" for n in range(1, len(towns) + 1)],
                "name": names,
                "address": [f"彭州市{TOWNS[k].name}{self.admin.names[v]}" for k, v in zip(towns, village, strict=True)],
                "town_code": [TOWNS[k].code for k in towns],
            }
        )
        return table, np.asarray(shapely.points(points))


def spread(total: int) -> list[int]:
    """``total`` shared out over the towns by their size, at least one each where it can be."""
    weight = np.array([town.radius_m**1.3 for town in TOWNS])
    counts = np.floor(total * weight / weight.sum()).astype(int)
    for k in range(total - int(counts.sum())):
        counts[np.argsort(counts, kind="stable")[0] if k < 2 * len(TOWNS) else 0] += 1
    return [int(c) for c in counts]


def services(sites: Sites) -> dict[str, Layer]:
    """Shelters, teams, hospitals, fire stations, schools and hazard sources."""
    rng, out = sites.rng, {}

    def add(layer: str, prefix: str, word: str, total: int, **columns: list[object]) -> None:
        table, points = sites.rows(prefix, word, spread(total))
        for name, values in columns.items():
            pick = rng.integers(0, len(values), len(table))
            table[name] = [values[k] for k in pick]
        out[layer] = (table, points)

    add(
        "shelters",
        "SH",
        "应急避难场所",
        64,
        level=["county", "town", "village"],
        duration=["emergency", "short", "long"],
        capacity=[500, 1200, 3000, 6000],
        area_m2=[1200.0, 3000.0, 8000.0],
        indoor=["室外", "室内"],
        hazards=["地震,洪水", "地震", "山洪,滑坡"],
        radius_m=[500, 1000, 2500],
    )
    add(
        "rescue_teams",
        "RT",
        "应急救援队",
        28,
        kind=["comprehensive", "mountain", "flood", "chemical", "medical", "volunteer", "forest"],
        members=[12, 20, 35, 50],
        vehicles=[1, 2, 4, 6],
        equipment=["冲锋舟、抽水泵", "破拆、生命探测", "绳索、担架", "风力灭火机"],
    )
    add(
        "hospitals",
        "HO",
        "医院",
        32,
        level=["2A", "1", "1", "clinic"],
        beds=[20, 60, 150, 400],
        emergency=[0, 1, 1],
        building_code=[""],
    )
    add(
        "fire_stations",
        "FS",
        "消防站",
        16,
        kind=["1", "2", "small", "town"],
        vehicles=[2, 3, 5],
        members=[8, 15, 30],
        building_code=[""],
    )
    add(
        "schools",
        "SC",
        "学校",
        118,
        level=["kindergarten", "primary", "primary", "junior", "nine_year", "senior", "vocational"],
        students=[180, 420, 900, 1600],
        building_code=[""],
    )
    add(
        "hazards",
        "HZ",
        "重大危险源（合成）",
        36,
        substance=["液氨", "汽油", "天然气", "液氯", "甲醇"],
        quantity_t=[12.0, 40.0, 150.0, 900.0],
        r_value=[3.2, 8.5, 14.0, 32.0, 61.0, 118.0],
        beta=[1.0, 1.5, 2.0, 4.0],
        enterprise=["合成化工有限公司", "合成能源有限公司"],
    )
    hazards = out["hazards"][0]
    hazards["grade"] = [str(1 + sum(r < limit for limit in (100, 50, 10))) for r in hazards["r_value"]]
    return out


def stores(sites: Sites) -> Layer:
    """Stores of emergency supplies: the county's own, then those of towns and villages, with what they hold."""
    rng = sites.rng
    table, points = sites.rows("WZ", "应急物资储备库", spread(26))
    first = ~table["town_code"].duplicated().to_numpy()
    level = np.where(np.arange(len(table)) == 0, "county", np.where(first, "town", "village"))
    size = np.select([level == "county", level == "town"], [12, 4], 1)
    table["level"] = level
    kinds = np.array(["relief", "flood", "rescue", "fire"])
    table["kind"] = np.where(first, "comprehensive", kinds[rng.integers(0, len(kinds), len(table))])
    table["area_m2"] = size * rng.integers(60, 140, len(table)) * 1.0
    for name, most in (("tents", 40), ("quilts", 160), ("pumps", 4), ("boats", 2), ("generators", 3)):
        table[name] = size * rng.integers(1, most + 1, len(table))
    goods = ["编织袋、铅丝、救生衣", "折叠床、雨衣、应急灯", "破拆工具、绳索、警示带", "风力灭火机、防火服、水枪"]
    table["goods"] = [goods[k] for k in rng.integers(0, len(goods), len(table))]
    return table, points


def mountain_dangers(streams: list[Stream], admin: Admin, terrain: Terrain, seed: int) -> dict[str, Layer]:
    """Geological hazard points on steep valley sides and flash-flood zones along mountain streams."""
    rng = np.random.default_rng(seed)
    mountain = [s for s in streams if s.mountain]
    beds = np.vstack([s.points for s in mountain])
    points = snapped(beds[rng.integers(0, len(beds), 900)] + rng.normal(0, 130, (900, 2)))
    keep = (
        shapely.contains_xy(admin.county, points[:, 0], points[:, 1])
        & (terrain.slope(points) > 14)
        & (terrain.height(points) < 2400)
    )
    points = points[keep][:178]
    village = admin.village_at(points)
    n, kinds = len(points), np.array(["landslide", "collapse", "debris_flow", "landslide"])
    kind = kinds[rng.integers(0, 4, n)]
    threatened = rng.integers(2, 140, n)
    table = pd.DataFrame(
        {
            "id": [f"GH{k:04d}" for k in range(1, n + 1)],
            "name": [f"{admin.names[v]}{k % 6 + 1}组隐患点" for k, v in enumerate(village)],
            "address": [f"彭州市{TOWNS[admin.town_of[v]].name}{admin.names[v]}" for v in village],
            "town_code": [admin.codes[v][:9] for v in village],
            "kind": kind,
            "scale": [("small", "medium", "large")[k] for k in rng.integers(0, 3, n)],
            "danger": np.where(threatened > 100, "大", np.where(threatened > 30, "中", "小")),
            "threatened": threatened,
            "loss_wan": np.round(threatened * rng.uniform(2, 9, n), 1),
            "elevation_m": np.round(terrain.height(points), 1),
        }
    )
    return {
        "geohazards": (table, np.asarray(shapely.points(points))),
        "flash_flood_zones": _flood_zones(mountain, admin, rng),
    }


def _flood_zones(mountain: list[Stream], admin: Admin, rng: np.random.Generator) -> Layer:
    rows: list[tuple[object, ...]] = []
    shapes: list[shapely.Geometry] = []
    for stream in [s for s in mountain if s.kind == "river"]:
        for k, part in enumerate(np.array_split(stream.points[len(stream.points) // 4 :], 6)):
            band = shapely.buffer(shapely.LineString(part), 70 + 12 * k, quad_segs=4)
            zone = shapely.intersection(shapely.transform(band, snapped), admin.county, grid_size=0.01)
            if zone.is_empty or zone.geom_type != "Polygon":
                continue
            village = int(admin.village_at(part[:1])[0])
            level, years = (("extreme", 5), ("high", 20), ("danger", 50))[int(rng.integers(0, 3))]
            rows.append(
                (
                    f"FF{len(rows) + 1:04d}",
                    f"{stream.name}第{k + 1}段山洪危险区",
                    level,
                    years,
                    int(rng.integers(0, 260)),
                    admin.codes[village][:9],
                )
            )
            shapes.append(zone)
    table = pd.DataFrame(rows, columns=["code", "name", "level", "return_years", "people", "town_code"])
    return table, np.array(shapes, dtype=object)


def places(admin: Admin, streams: list[Stream], services_of: dict[str, Layer]) -> Layer:
    """County seat, towns, villages, rivers, peaks and the named facilities."""
    rows = [("彭州", "county", 1, "彭州市", "510182001")]
    points = [from_km((TOWNS[0].east, TOWNS[0].north))]
    for town in TOWNS:
        rows.append((town.name, "town", 2, f"彭州市{town.name}", town.code))
        points.append(from_km((town.east, town.north)))
    for shape, name, code in zip(admin.villages, admin.names, admin.codes, strict=True):
        rows.append((name, "village", 3, "", code[:9]))
        points.append(shapely.get_coordinates(shape.representative_point())[0])
    for stream in [s for s in streams if s.kind == "river"]:
        rows.append((stream.name, "river", 3, "", ""))
        points.append(stream.points[len(stream.points) // 2])
    for layer in ("hospitals", "schools", "fire_stations"):
        table, shapes = services_of[layer]
        rows.extend(
            (n, "public", 4, a, t) for n, a, t in zip(table["name"], table["address"], table["town_code"], strict=True)
        )
        points.extend(shapely.get_coordinates(shapes))
    table = pd.DataFrame(rows, columns=["name", "class", "rank", "address", "town_code"])
    table.insert(0, "place_id", [f"PL{n:05d}" for n in range(1, len(rows) + 1)])
    return table, np.asarray(shapely.points(snapped(np.array(points))))
