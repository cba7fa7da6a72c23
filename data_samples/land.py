"""The land-status layer: parcels as rows of the survey's DLTB table."""

import numpy as np
import pandas as pd

from data_samples.admin import Admin
from data_samples.parcels import Parcels
from data_samples.plane import ellipsoidal_areas

NAMES = {
    "0101": "水田",
    "0102": "水浇地",
    "0103": "旱地",
    "0201": "果园",
    "0202": "茶园",
    "0301": "乔木林地",
    "0302": "竹林地",
    "0305": "灌木林地",
    "0307": "其他林地",
    "0401": "天然牧草地",
    "05H1": "商业服务业设施用地",
    "0508": "物流仓储用地",
    "0601": "工业用地",
    "0701": "城镇住宅用地",
    "0702": "农村宅基地",
    "08H1": "机关团体新闻出版用地",
    "08H2": "科教文卫用地",
    "0809": "公用设施用地",
    "0810": "公园与绿地",
    "1003": "公路用地",
    "1004": "城镇村道路用地",
    "1006": "农村道路",
    "1101": "河流水面",
    "1107A": "干渠",
    "1201": "空闲地",
    "1202": "设施农用地",
    "1207": "裸岩石砾地",
}
STATE_OWNED = (
    "05H1",
    "0508",
    "0601",
    "0701",
    "08H1",
    "08H2",
    "0809",
    "0810",
    "1003",
    "1004",
    "1101",
    "1107A",
    "1201",
)


def table(parcels: Parcels, admin: Admin) -> pd.DataFrame:
    """Rows of DLTB in the order of the parcels; areas in m2 on the ellipsoid, field ridges deducted on slopes."""
    area = np.round(ellipsoidal_areas(parcels.shapes), 2)
    land, slope = parcels.land_class, parcels.slope
    arable = np.isin(land, ("0101", "0102", "0103"))
    grade = np.digitize(slope, [2, 6, 15, 25], right=True) + 1
    ridge = np.where(
        arable, np.select([grade == 1, grade == 2, grade == 3, grade == 4], [0.0, 0.06, 0.11, 0.16], 0.2), 0.0
    )
    deducted = np.round(area * ridge, 2)
    village = np.array(admin.codes)[parcels.village]
    name = np.array(admin.names)[parcels.village]
    state = np.isin(land, STATE_OWNED)
    count = len(land)
    urban = np.isin(land, ("05H1", "0508", "0601", "0701", "08H1", "08H2", "0809", "0810", "1201"))
    seat = np.char.startswith(village, "510182001")
    return pd.DataFrame(
        {
            "BSM": [f"5101822001{n:08d}" for n in range(1, count + 1)],
            "YSDM": "2001010100",
            "TBBH": [f"{n:07d}" for n in range(1, count + 1)],
            "DLBM": land,
            "DLMC": [NAMES[c] for c in land],
            "QSXZ": np.where(state, "20", "30"),
            "QSDWDM": np.char.add(village, "0000000"),
            "QSDWMC": name,
            "ZLDWDM": np.char.add(village, "0000000"),
            "ZLDWMC": name,
            "TBMJ": area,
            "KCDLBM": np.where(ridge > 0, "1203", ""),
            "KCXS": ridge,
            "KCMJ": deducted,
            "TBDLMJ": np.round(area - deducted, 2),
            "GDLX": np.where(arable & (grade > 1), np.where(grade > 2, "TT", "PD"), ""),
            "GDPDJB": np.where(arable, grade.astype(str), ""),
            "FRDBS": "0",
            "CZCSXM": np.where(urban, np.where(seat, "201", "202"), np.where(land == "0702", "203", "")),
            "SJNF": np.full(count, 2023, dtype=np.int32),
        }
    )
