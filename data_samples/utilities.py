"""Underground pipelines along the streets, each class at its own side and depth."""

import numpy as np
import pandas as pd
import shapely

from data_samples.facilities import Layer
from data_samples.plane import Geometries, snapped
from data_samples.roads import Roads

CLASSES = (
    ("water", 4.0, 1.2, "球墨铸铁", 300),
    ("sewage", -3.0, 3.2, "混凝土", 500),
    ("storm", 1.5, 2.4, "混凝土", 800),
    ("gas", -5.5, 1.1, "PE", 200),
    ("power", 6.0, 0.8, "电缆沟", 150),
    ("telecom", -7.0, 0.7, "排管", 110),
)
VALVED, EVERY = ("water", "gas"), 3


def pipelines(roads: Roads, area: shapely.Geometry, seed: int) -> Layer:
    """Lines beside the street centrelines inside ``area``; depths in metres at both ends."""
    rng = np.random.default_rng(seed)
    chosen = np.flatnonzero(np.isin(roads.kinds, ("street", "arterial", "primary")) & shapely.covers(area, roads.lines))
    chosen = chosen[shapely.length(roads.lines[chosen]) > 30]
    rows: list[tuple[object, ...]] = []
    shapes: list[shapely.Geometry] = []
    for name, side, depth, material, diameter in CLASSES:
        take = chosen[rng.random(len(chosen)) < 0.28]
        lines = shapely.offset_curve(roads.lines[take], side, join_style="mitre")
        for segment, line in zip(take, lines, strict=True):
            if line.geom_type != "LineString" or line.is_empty:
                continue
            start = depth + rng.uniform(-0.2, 0.3)
            rows.append(
                (
                    f"{name[:2].upper()}{len(rows) + 1:06d}",
                    name,
                    material,
                    diameter,
                    round(start, 2),
                    round(start + rng.uniform(0, 0.4), 2),
                    "中压" if name == "gas" else "",
                    int(rng.integers(1995, 2024)),
                    "合成管网公司",
                    f"R{segment + 1:06d}",
                )
            )
            shapes.append(shapely.transform(line, snapped))
    columns = [
        "pipe_id",
        "class",
        "material",
        "diam_mm",
        "depth_s",
        "depth_e",
        "pressure",
        "year",
        "owner",
        "road_id",
    ]
    return pd.DataFrame(rows, columns=columns), np.array(shapes, dtype=object)


def valves(table: pd.DataFrame, lines: Geometries) -> Layer:
    """Valves a metre from the start of every third water and gas pipe, and a supply point for each joined network."""
    rows: list[tuple[str, str, str, str, str]] = []
    points: list[shapely.Geometry] = []
    for name in VALVED:
        chosen = np.flatnonzero(table["class"] == name)
        supplied: dict[tuple[float, float], int] = {}
        ends = [[tuple(end) for end in shapely.get_coordinates(lines[k])[[0, -1]]] for k in chosen]
        for number, (k, both) in enumerate(zip(chosen, ends, strict=True)):
            pipe = str(table["pipe_id"][k])
            if number % EVERY == 0:
                rows.append((f"V{name[:2].upper()}{number:05d}", name, "valve", pipe, "open"))
                points.append(shapely.line_interpolate_point(lines[k], 1.0))
            joined = {supplied[end] for end in both if end in supplied}
            network = min(joined) if joined else number
            if not joined:
                rows.append((f"S{name[:2].upper()}{number:05d}", name, "source", pipe, "open"))
                points.append(shapely.get_point(lines[k], 0))
            supplied |= dict.fromkeys(both, network)
    columns = ["valve_id", "class", "kind", "pipe_id", "state"]
    return pd.DataFrame(rows, columns=columns), np.array(points, dtype=object)
