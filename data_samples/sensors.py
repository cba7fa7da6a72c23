"""Sensing: air and water stations, pollution sources, cameras with GB/T 28181 codes."""

import numpy as np
import pandas as pd
import shapely

from data_samples.facilities import Layer, Sites, spread
from data_samples.plane import snapped
from data_samples.rivers import Stream
from data_samples.roads import Roads
from data_samples.terrain import Terrain

AIR, WATER, POLLUTION, CAMERAS = 35, 6, 223, 9503
CENTRE_CODE, NETWORK_CAMERA = "51018200", "132"
CODE_EDITION = "GB/T 28181-2016"


def stations(sites: Sites, streams: list[Stream], terrain: Terrain) -> dict[str, Layer]:
    """Air stations and pollution sources beside roads, water stations on the rivers."""
    rng = sites.rng
    air, points = sites.rows("AQ", "空气监测站", spread(AIR))
    air["kind"] = [
        "national" if k == 0 else "provincial" if k < 3 else "town" if k < 16 else "micro" for k in range(len(air))
    ]
    air["mn"] = [f"510182AQ{k:016d}" for k in range(1, len(air) + 1)]
    air["parameters"] = "PM2.5,PM10,SO2,NO2,CO,O3"
    air["elevation_m"] = np.round(terrain.height(shapely.get_coordinates(points)), 1)
    sources, at = sites.rows("PS", "排放口", spread(POLLUTION))
    kinds = ("gas", "water", "dust", "vocs", "oil_fume")
    sources["kind"] = [kinds[k] for k in rng.integers(0, 5, len(sources))]
    sources["enterprise"] = [f"合成企业{k:03d}有限公司" for k in range(1, len(sources) + 1)]
    sources["mn"] = [f"510182PS{k:016d}" for k in range(1, len(sources) + 1)]
    sources["parameters"] = ["COD,NH3-N,TP,pH" if k == "water" else "颗粒物,SO2,NOx" for k in sources["kind"]]
    sources["limit_doc"] = ["GB 8978-1996" if k == "water" else "GB 16297-1996" for k in sources["kind"]]
    sources["permit"] = [f"合成{k:06d}" for k in range(1, len(sources) + 1)]
    return {
        "air_stations": (air, points),
        "pollution_sources": (sources, at),
        "water_stations": _water(sites, streams),
    }


def _water(sites: Sites, streams: list[Stream]) -> Layer:
    rivers = [s for s in streams if s.kind == "river" and not s.mountain]
    points = snapped(np.array([s.points[int(len(s.points) * 0.6)] for s in rivers[:WATER]]))
    village = sites.admin.village_at(points)
    table = pd.DataFrame(
        {
            "id": [f"WQ{k:04d}" for k in range(1, WATER + 1)],
            "name": [f"{s.name}水质自动站" for s in rivers[:WATER]],
            "address": [f"彭州市{sites.admin.names[v]}" for v in village],
            "town_code": [sites.admin.codes[v][:9] for v in village],
            "river": [s.name for s in rivers[:WATER]],
            "section": ["国控", "省控", "市控", "市控", "县控", "县控"],
            "mn": [f"510182WQ{k:016d}" for k in range(1, WATER + 1)],
            "parameters": "pH,DO,CODMn,NH3-N,TP,TN,水位,流量",
            "target": ["II", "III", "III", "III", "III", "III"],
        }
    )
    return table, np.asarray(shapely.points(points))


def cameras(sites: Sites, roads: Roads, area: shapely.Geometry, limit: int) -> Layer:
    """At most ``limit`` cameras at road junctions and along streets inside ``area``."""
    rng = sites.rng
    weight = np.select(
        [np.isin(roads.kinds, ("arterial", "primary")), roads.kinds == "street", roads.kinds == "rural"],
        [9.0, 6.0, 1.0],
        3.0,
    )
    inside = np.flatnonzero(shapely.covers(area, roads.lines) & (roads.kinds != "track"))
    pick = rng.choice(inside, limit, replace=True, p=weight[inside] / weight[inside].sum())
    lines = roads.lines[pick]
    spot = shapely.get_coordinates(shapely.line_interpolate_point(lines, rng.uniform(0, 1, limit), normalized=True))
    points = snapped(spot + rng.uniform(-7, 7, (limit, 2)))
    village = sites.admin.village_at(points)
    industry = np.array(["00", "01", "04", "05", "08", "11", "09"])[
        rng.choice(7, limit, p=[0.42, 0.2, 0.16, 0.05, 0.1, 0.04, 0.03])
    ]
    network = np.where(industry == "00", "5", np.where(industry == "08", "6", "8"))
    codes = [gb28181(i, n, k) for k, (i, n) in enumerate(zip(industry, network, strict=True), 1)]
    table = pd.DataFrame(
        {
            "gb_code": codes,
            "code_edition": CODE_EDITION,
            "name": [f"{sites.admin.names[v]}{k:04d}号" for k, v in enumerate(village, 1)],
            "kind": np.array(["ptz", "dome", "bullet", "panorama"])[rng.choice(4, limit, p=[0.35, 0.15, 0.45, 0.05])],
            "industry": industry,
            "network": network,
            "bearing": rng.integers(0, 360, limit),
            "fov": rng.choice([60, 78, 92, 110], limit),
            "range_m": rng.choice([50, 80, 150, 300], limit),
            "height_m": np.round(rng.uniform(3.5, 9.0, limit), 1),
            "status": np.where(rng.random(limit) < 0.95, "online", "offline"),
            "town_code": [sites.admin.codes[v][:9] for v in village],
            "village_code": [sites.admin.codes[v] for v in village],
        }
    )
    return table, np.asarray(shapely.points(points))


def gb28181(industry: str, network: str, serial: int) -> str:
    """A 20-digit code: centre (8), industry (2), type (3), network (1), serial (6)."""
    return f"{CENTRE_CODE}{industry}{NETWORK_CAMERA}{network}{serial:06d}"
