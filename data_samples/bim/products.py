"""What is built in and bought: the types of doors, windows, furniture and equipment of the sample buildings.

Codes are written in the manner of GB/T 51269 (table 14 elements, 30 products); they are examples, not the printed list.
"""

from collections.abc import Iterable

from data_samples.bim.draft import Draft, Product
from data_samples.bim.equipment import equipment, furniture
from data_samples.bim.shapes import Box

MATERIALS = {
    "钢筋混凝土": (0.74, 0.74, 0.72),
    "加气混凝土砌块": (0.93, 0.92, 0.88),
    "外墙涂料": (0.92, 0.88, 0.80),
    "木": (0.74, 0.58, 0.40),
    "钢": (0.58, 0.61, 0.65),
    "防火门红": (0.70, 0.22, 0.18),
    "玻璃": (0.60, 0.78, 0.86),
    "白色": (0.95, 0.96, 0.97),
    "织物": (0.55, 0.72, 0.78),
    "镀锌钢板": (0.70, 0.74, 0.78),
}
DOOR_CODE, WINDOW_CODE, WALL_CODE = ("30-11.10.00", "门"), ("30-11.20.00", "窗"), ("14-20.10.00", "墙")
FIRE_DOOR_CODE = ("30-11.10.30", "防火门")
DOORS = {
    "M0821 卫生间门": (0.8, 2.1, "木", None),
    "M1021 单扇门": (1.0, 2.1, "木", None),
    "M1321 子母门": (1.3, 2.1, "木", None),
    "M1521 双扇门": (1.5, 2.1, "木", None),
    "ZM1521 自动气密门": (1.5, 2.1, "白色", None),
    "BM2527 自动玻璃门": (2.5, 2.7, "玻璃", None),
    "DT1121 电梯层门": (1.1, 2.1, "钢", None),
    "FM甲1521 甲级防火门": (1.5, 2.1, "防火门红", "甲级"),
    "FM乙1221 乙级防火门": (1.2, 2.1, "防火门红", "乙级"),
    "FM乙1521 乙级防火门": (1.5, 2.1, "防火门红", "乙级"),
    "FM丙0918 丙级防火门": (0.9, 1.8, "防火门红", "丙级"),
    "HSM4045 车库滑升门": (4.0, 4.5, "钢", None),
}
"""Width and height in metres, material, class of fire resistance."""
FIRE_HOURS = {"甲级": 1.5, "乙级": 1.0, "丙级": 0.5}
WINDOWS = {
    "C2418 推拉窗": (2.4, 1.8),
    "C1518 推拉窗": (1.5, 1.8),
    "C1215 上悬窗": (1.2, 1.5),
    "C1836 固定窗": (1.8, 3.6),
}
BEAM, COLUMN, SLAB = ("14-20.30.10", "梁"), ("14-20.20.00", "柱"), ("14-20.40.00", "板")


def add_products(draft: Draft) -> None:
    """Materials and all types."""
    for name, colour in MATERIALS.items():
        draft.material(name, colour, 0.35 if name == "玻璃" else 1.0)
    for product in (*_doors(), *_windows(), *_structure(), *furniture(), *equipment()):
        draft.product(product)


def _doors() -> Iterable[Product]:
    for name, (width, height, material, rating) in DOORS.items():
        half, leaf_z = width / 2, 0.03 if rating else 0.01
        boxes: list[tuple[str, Box]] = [
            ("钢" if rating else material, (side, -0.06, 0.0, 0.05, 0.12, height)) for side in (-half, half - 0.05)
        ]
        boxes.append(("钢" if rating else material, (-half + 0.05, -0.06, height - 0.05, width - 0.1, 0.12, 0.05)))
        leaves = 2 if width > 1.25 else 1
        leaf = (width - 0.1) / leaves
        for k in range(leaves):
            x = -half + 0.05 + k * leaf
            boxes.append((material, (x + 0.003, -0.02, leaf_z, leaf - 0.006, 0.04, height - 0.05 - leaf_z)))
        psets: dict[str, dict[str, object]] = {
            "门窗参数": {"洞口宽": round(width * 1000), "洞口高": round(height * 1000)}
        }
        common: dict[str, object] = {"Reference": name.split()[0], "IsExternal": name.startswith(("BM", "HSM"))}
        if rating:
            common |= {"FireRating": rating, "SelfClosing": True, "SmokeStop": True}
            psets["防火门参数"] = {"防火等级": rating, "耐火极限": FIRE_HOURS[rating], "产品标准": "GB 12955"}
        code = FIRE_DOOR_CODE if rating else DOOR_CODE
        yield Product("Door", name, "DOOR", boxes, {"Pset_DoorCommon": common, **psets}, code)


def _windows() -> Iterable[Product]:
    for name, (width, height) in WINDOWS.items():
        half, bars = width / 2, 2 if width < 2 else 3
        step = (width - 0.06) / (bars - 1)
        boxes: list[tuple[str, Box]] = [
            ("白色", (-half + k * step, -0.04, 0.0, 0.06, 0.08, height)) for k in range(bars)
        ]
        boxes += [("白色", (-half, -0.04, z, width, 0.08, 0.06)) for z in (0.0, height - 0.06)]
        boxes.append(("玻璃", (-half + 0.06, -0.012, 0.06, width - 0.12, 0.024, height - 0.12)))
        common = {
            "Reference": name.split()[0],
            "IsExternal": True,
            "ThermalTransmittance": 2.2,
            "GlazingAreaFraction": 0.8,
        }
        yield Product("Window", name, "WINDOW", boxes, {"Pset_WindowCommon": common}, WINDOW_CODE)


def _structure() -> Iterable[Product]:
    walls = {
        "外墙 240": ("3.00 h", True, False),
        "内墙 200": ("2.00 h", False, False),
        "隔墙 100": ("1.00 h", False, False),
    }
    walls |= {
        "剪力墙 200": ("3.00 h", False, True),
        "女儿墙 240": ("3.00 h", True, False),
        "挡土墙 300": ("3.00 h", True, True),
    }
    for name, (rating, outside, bearing) in walls.items():
        common = {"Reference": name, "FireRating": rating, "IsExternal": outside, "LoadBearing": bearing}
        yield Product("Wall", name, "SOLIDWALL", (), {"Pset_WallCommon": common}, WALL_CODE)
    slab = {"Reference": "楼板 120", "FireRating": "1.50 h", "LoadBearing": True, "IsExternal": False}
    yield Product("Slab", "楼板 120", "FLOOR", (), {"Pset_SlabCommon": slab}, SLAB)
    yield Product(
        "Slab",
        "屋面板 150",
        "ROOF",
        (),
        {"Pset_SlabCommon": {**slab, "Reference": "屋面板 150", "IsExternal": True}},
        SLAB,
    )
    yield Product("Slab", "底板 400", "BASESLAB", (), {"Pset_SlabCommon": {**slab, "Reference": "底板 400"}}, SLAB)
    for name in ("KL 300x700", "L 250x600"):
        yield Product(
            "Beam",
            name,
            "BEAM",
            (),
            {"Pset_BeamCommon": {"Reference": name, "LoadBearing": True, "FireRating": "2.00 h"}},
            BEAM,
        )
    for name in ("KZ 600x600", "KZ 500x500", "KZ 400x400"):
        yield Product(
            "Column",
            name,
            "COLUMN",
            (),
            {"Pset_ColumnCommon": {"Reference": name, "LoadBearing": True, "FireRating": "3.00 h"}},
            COLUMN,
        )
