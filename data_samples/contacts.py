"""Who is called about warnings: posts, not people, with telephone numbers that are invented."""

import numpy as np
import pandas as pd
import shapely

from data_samples.admin import Admin
from data_samples.facilities import Layer
from data_samples.place import COUNTY_CODE, TOWNS
from data_samples.plane import from_km, snapped

Row = tuple[str, str, str, str]
"""Name, duty, subject and region code."""


def contacts(admin: Admin, services: dict[str, Layer], dangers: dict[str, Layer]) -> Layer:
    """The county's duty office, an officer for each town and village, and one contact for each point of danger."""
    rows: list[Row] = [("彭州市应急值班室", "county", COUNTY_CODE, COUNTY_CODE)]
    points = [np.asarray(from_km((TOWNS[0].east, TOWNS[0].north)))]
    for town in TOWNS:
        rows.append((f"{town.name}值班室", "town", town.code, town.code))
        points.append(np.asarray(from_km((town.east, town.north))))
    for shape, name, code in zip(admin.villages, admin.names, admin.codes, strict=True):
        rows.append((f"{name}值班员", "village", code, code))
        points.append(shapely.get_coordinates(shape.representative_point())[0])
    for layer, duty, word, of in (
        ("geohazards", "monitor", "监测员", dangers),
        ("schools", "school", "值班员", services),
        ("hazards", "firm", "安全员", services),
    ):
        table, shapes = of[layer]
        places = shapely.get_coordinates(shapes)
        villages = admin.village_at(places)
        rows += [
            (f"{name}{word}", duty, key, admin.codes[village])
            for key, name, village in zip(table["id"], table["name"], villages, strict=True)
        ]
        points += list(places)
    table = pd.DataFrame(rows, columns=["name", "duty", "subject", "region_code"])
    table.insert(0, "id", [f"CT{n:05d}" for n in range(1, len(rows) + 1)])
    table["phone"] = [f"000-{n:08d}" for n in range(1, len(rows) + 1)]
    return table, np.asarray(shapely.points(snapped(np.array(points))))
