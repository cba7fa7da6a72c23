"""Buildings with codes and addresses, registered population by building, organisations. No person is named."""

import numpy as np
import pandas as pd
import shapely

from data_samples.admin import Admin
from data_samples.buildings import Buildings
from data_samples.names import organisation
from data_samples.place import TOWNS
from data_samples.plane import Geometries
from data_samples.roads import Roads
from data_samples.terrain import Terrain

USE_NAME = {
    "education": "学校",
    "medical": "医院",
    "office": "办公楼",
    "commercial": "商业楼",
    "industrial": "厂房",
    "warehouse": "仓库",
    "residential": "住宅",
}
INDUSTRY = {
    "commercial": "FHK",
    "office": "LSJI",
    "industrial": "CCE",
    "warehouse": "GF",
    "medical": "Q",
    "education": "P",
}


def buildings(of: Buildings, admin: Admin, roads: Roads, terrain: Terrain) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Rows of the buildings layer and of the addresses layer, in the order of the buildings."""
    village = admin.village_at(of.centres)
    codes = np.array(admin.codes)[village]
    serial = pd.Series(codes).groupby(codes).cumcount().to_numpy() + 1
    code = np.array([f"{c}{n:06d}" for c, n in zip(codes, serial, strict=True)])
    named = roads.names != ""
    road = shapely.STRtree(roads.lines[named]).nearest(shapely.points(of.centres))
    streets = np.where(np.isin(of.use, ("rural_house", "agricultural")), "", roads.names[named][road])
    number = (
        pd.Series(np.char.add(codes.astype(str), streets)).groupby(np.char.add(codes.astype(str), streets)).cumcount()
        + 1
    )
    town = np.array([TOWNS[k].name for k in admin.town_of[village]])
    local = np.array(admin.names)[village]
    text = [
        f"彭州市{t}{s}{n}号" if s else f"彭州市{t}{v}{n // 40 + 1}组{n}号"
        for t, s, v, n in zip(town, streets, local, number, strict=True)
    ]
    title = [
        f"{v}{USE_NAME[u]}{n}号" if u in USE_NAME and u != "residential" else ""
        for v, u, n in zip(local, of.use, serial, strict=True)
    ]
    structure = np.select(
        [np.isin(of.use, ("industrial", "warehouse")), of.floors > 6, of.floors > 1],
        ["steel", "rc", "mixed"],
        "brick",
    )
    table = pd.DataFrame(
        {
            "building_code": code,
            "name": title,
            "height_m": of.height,
            "floors": of.floors.astype(np.int32),
            "use": of.use,
            "structure": structure,
            "year": of.year.astype(np.int32),
            "town_code": [c[:9] for c in codes],
            "village_code": codes,
            "address_id": np.char.add("A", code),
            "ground_m": np.round(terrain.height(of.centres), 1),
        }
    )
    addresses = pd.DataFrame(
        {
            "address_id": table["address_id"],
            "address": text,
            "street": streets,
            "number": [f"{n}号" for n in number],
            "building_code": code,
            "town_code": table["town_code"],
            "village_code": codes,
        }
    )
    return table, addresses


def population(table: pd.DataFrame, shapes: Geometries, seed: int) -> tuple[pd.DataFrame, np.ndarray]:
    """Registered population of each residential building and the rows' positions in ``table``."""
    rng = np.random.default_rng(seed)
    index = np.flatnonzero(table["use"].isin(["residential", "rural_house"]))
    rural = (table["use"] == "rural_house").to_numpy()[index]
    floors = table["floors"].to_numpy()[index]
    households = np.where(rural, 1, np.maximum(1, shapely.area(shapes[index]) * floors * 0.82 / 125).astype(int))
    persons = rng.binomial(households * 5, 0.54)
    share = rng.multinomial(persons, [0.06, 0.11, 0.58, 0.25])
    rows = table.iloc[index]
    out = pd.DataFrame(
        {
            "record_id": [f"P{n:07d}" for n in range(1, len(index) + 1)],
            "building_code": rows["building_code"].to_numpy(),
            "address_id": rows["address_id"].to_numpy(),
            "floors": floors,
            "households": households,
            "persons": persons,
            "registered": rng.binomial(persons, 0.8),
            "age_0_6": share[:, 0],
            "age_7_17": share[:, 1],
            "age_18_59": share[:, 2],
            "age_60": share[:, 3],
            "mobility": rng.binomial(share[:, 3], 0.12),
            "day_persons": rng.binomial(persons, 0.46),
            "village_code": rows["village_code"].to_numpy(),
        }
    )
    return out, index


def organisations(table: pd.DataFrame, addresses: pd.DataFrame, seed: int) -> tuple[pd.DataFrame, np.ndarray]:
    """Invented organisations in working buildings and the rows' positions in ``table``."""
    rng = np.random.default_rng(seed)
    index = np.flatnonzero(table["use"].isin(list(INDUSTRY)))
    index = np.repeat(index, rng.integers(1, 3, len(index)))
    rows, towns = table.iloc[index], {town.code: town.name for town in TOWNS}
    count = len(index)
    industry = [
        INDUSTRY[use][int(n) % len(INDUSTRY[use])]
        for use, n in zip(rows["use"], rng.integers(0, 9, count), strict=True)
    ]
    out = pd.DataFrame(
        {
            "id": [f"ORG{n:06d}" for n in range(1, count + 1)],
            "name": [organisation(n, towns[code]) for n, code in enumerate(rows["town_code"])],
            "address": addresses["address"].to_numpy()[index],
            "town_code": rows["town_code"].to_numpy(),
            "credit_code": [f"HC510182{n:010d}" for n in range(1, count + 1)],
            "industry": industry,
            "employees": np.round(rng.lognormal(2.6, 1.0, count)).astype(int) + 1,
            "building_code": rows["building_code"].to_numpy(),
            "address_id": rows["address_id"].to_numpy(),
            "floor": (rng.random(count) * rows["floors"].to_numpy()).astype(int) + 1,
        }
    )
    return out, index
