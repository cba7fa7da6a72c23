"""What is bought and set up: furniture, sanitary ware, equipment, pipes and ducts."""

from collections.abc import Iterable

from data_samples.bim.draft import Product
from data_samples.bim.shapes import Box


def _legs(width: float, depth: float, height: float, thick: float = 0.04) -> list[tuple[str, Box]]:
    xs, ys = (-width / 2, width / 2 - thick), (-depth / 2, depth / 2 - thick)
    return [("钢", (x, y, 0.0, thick, thick, height)) for x in xs for y in ys]


def furniture() -> Iterable[Product]:
    """Furniture, lifts and vehicles."""
    bed: list[tuple[str, Box]] = [
        *_legs(2.0, 0.9, 0.4),
        ("钢", (-1.0, -0.45, 0.4, 2.0, 0.9, 0.08)),
        ("织物", (-0.98, -0.43, 0.48, 1.96, 0.86, 0.12)),
    ]
    bed += [
        ("白色", (-1.05, -0.45, 0.3, 0.05, 0.9, 0.7)),
        ("白色", (1.0, -0.45, 0.3, 0.05, 0.9, 0.5)),
        ("白色", (-0.95, -0.3, 0.6, 0.4, 0.6, 0.08)),
    ]
    desk: list[tuple[str, Box]] = [
        *_legs(1.4, 0.7, 0.72),
        ("木", (-0.7, -0.35, 0.72, 1.4, 0.7, 0.03)),
        ("木", (0.25, -0.3, 0.1, 0.4, 0.6, 0.6)),
    ]
    chair: list[tuple[str, Box]] = [
        *_legs(0.42, 0.42, 0.43, 0.03),
        ("织物", (-0.22, -0.22, 0.43, 0.44, 0.44, 0.05)),
        ("织物", (-0.22, 0.18, 0.48, 0.44, 0.04, 0.45)),
    ]
    counter: list[tuple[str, Box]] = [
        ("木", (-2.4, -0.35, 0.0, 4.8, 0.7, 0.75)),
        ("白色", (-2.4, 0.25, 0.75, 4.8, 0.25, 0.35)),
    ]
    table: list[tuple[str, Box]] = [
        ("钢", (-0.3, -0.2, 0.0, 0.6, 0.4, 0.7)),
        ("织物", (-1.0, -0.26, 0.7, 2.0, 0.52, 0.12)),
    ]
    shelf: list[tuple[str, Box]] = [("木", (-0.9, -0.25, 0.5 * k, 1.8, 0.5, 0.03)) for k in range(5)]
    shelf += [("木", (x, -0.25, 0.0, 0.03, 0.5, 2.03)) for x in (-0.93, 0.9)]
    bench: list[tuple[str, Box]] = [(("钢"), (x, -0.25, 0.0, 0.05, 0.5, 0.42)) for x in (-1.0, 0.95)]
    bench += [("织物", (-1.05 + 0.7 * k, -0.25, 0.42, 0.65, 0.5, 0.05)) for k in range(3)]
    bunk: list[tuple[str, Box]] = [*_legs(2.0, 0.9, 0.4), ("织物", (-1.0, -0.45, 0.4, 2.0, 0.9, 0.2))]
    engine: list[tuple[str, Box]] = [
        ("防火门红", (-4.2, -1.2, 0.7, 6.0, 2.4, 2.6)),
        ("防火门红", (2.0, -1.2, 0.6, 2.2, 2.4, 2.4)),
        ("钢", (-4.2, -1.1, 0.45, 8.4, 2.2, 0.25)),
    ]
    engine += [("钢", (x, y, 0.0, 0.9, 0.35, 0.9)) for x in (-3.2, -2.0, 2.4) for y in (-1.2, 0.85)]
    for name, boxes, kind in (
        ("病床", bed, "BED"),
        ("床头柜", [("木", (-0.23, -0.23, 0.0, 0.46, 0.46, 0.76))], "SHELF"),
        ("陪护椅", chair, "CHAIR"),
        ("办公桌", desk, "DESK"),
        ("办公椅", chair, "CHAIR"),
        ("护士站台", counter, "DESK"),
        ("服务台", counter, "DESK"),
        ("手术床", table, "TABLE"),
        ("诊查床", table, "BED"),
        ("货架", shelf, "SHELF"),
        ("候诊椅", bench, "CHAIR"),
        ("宿舍床", bunk, "BED"),
    ):
        yield Product(
            "Furniture",
            name,
            kind,
            boxes,
            {"Pset_ManufacturerTypeInformation": {"ModelLabel": name}},
            ("30-22.10.00", "家具"),
        )
    yield Product(
        "TransportElement",
        "医用电梯 1600kg",
        "ELEVATOR",
        [("钢", (-0.8, -1.2, 0.0, 1.6, 2.4, 2.4))],
        {"Pset_TransportElementElevator": {"FireFightingLift": False, "ClearWidth": 1100.0}},
        ("30-16.10.00", "电梯"),
    )
    yield Product(
        "TransportElement",
        "消防电梯 1600kg",
        "ELEVATOR",
        [("钢", (-0.8, -1.2, 0.0, 1.6, 2.4, 2.4))],
        {"Pset_TransportElementElevator": {"FireFightingLift": True, "ClearWidth": 1100.0}},
        ("30-16.10.00", "电梯"),
    )
    yield Product("TransportElement", "消防车", "NOTDEFINED", engine, None, ("30-26.10.00", "车辆"))


def equipment() -> Iterable[Product]:
    """Sanitary ware, fire protection, light, medical devices and plant."""
    pan: list[tuple[str, Box]] = [
        ("白色", (-0.18, -0.3, 0.0, 0.36, 0.55, 0.4)),
        ("白色", (-0.2, 0.15, 0.4, 0.4, 0.18, 0.38)),
    ]
    basin: list[tuple[str, Box]] = [
        ("白色", (-0.28, -0.22, 0.72, 0.56, 0.44, 0.14)),
        ("白色", (-0.08, -0.05, 0.0, 0.16, 0.2, 0.72)),
    ]
    head: list[tuple[str, Box]] = [
        ("钢", (-0.012, -0.012, 0.0, 0.024, 0.024, 0.06)),
        ("钢", (-0.025, -0.025, -0.02, 0.05, 0.05, 0.02)),
    ]
    vent: list[tuple[str, Box]] = [
        ("白色", (-0.2, -0.2, 0.0, 0.4, 0.4, 0.03)),
        ("镀锌钢板", (-0.15, -0.15, 0.03, 0.3, 0.3, 0.2)),
    ]
    lamp: list[tuple[str, Box]] = [("白色", (-0.6, -0.15, 0.0, 1.2, 0.3, 0.06))]
    cabinet: list[tuple[str, Box]] = [
        ("防火门红", (-0.35, -0.12, 0.0, 0.7, 0.24, 1.0)),
        ("玻璃", (-0.3, -0.125, 0.1, 0.6, 0.01, 0.8)),
    ]
    scanner: list[tuple[str, Box]] = [
        ("白色", (-1.1, -0.5, 0.0, 0.5, 1.0, 2.0)),
        ("白色", (0.6, -0.5, 0.0, 0.5, 1.0, 2.0)),
        ("白色", (-0.6, -0.5, 1.5, 1.2, 1.0, 0.5)),
        ("织物", (-0.25, -2.4, 0.8, 0.5, 3.0, 0.12)),
    ]
    shadowless: list[tuple[str, Box]] = [
        ("白色", (-0.35, -0.35, 0.0, 0.7, 0.7, 0.12)),
        ("钢", (-0.03, -0.03, 0.12, 0.06, 0.06, 0.9)),
    ]

    def plant(material: str, x: float, y: float, z: float) -> list[tuple[str, Box]]:
        return [
            ("钢筋混凝土", (-x / 2 - 0.1, -y / 2 - 0.1, 0.0, x + 0.2, y + 0.2, 0.15)),
            (material, (-x / 2, -y / 2, 0.15, x, y, z)),
        ]

    rows: tuple[tuple[str, str, str, list[tuple[str, Box]], str, str], ...] = (
        ("SanitaryTerminal", "坐便器", "TOILETPAN", pan, "30-13.10.00", "卫生器具"),
        ("SanitaryTerminal", "洗手盆", "WASHHANDBASIN", basin, "30-13.10.00", "卫生器具"),
        (
            "SanitaryTerminal",
            "淋浴器",
            "SHOWER",
            [("白色", (-0.4, -0.4, 0.0, 0.8, 0.8, 0.05)), ("钢", (-0.02, 0.36, 0.05, 0.04, 0.04, 2.0))],
            "30-13.10.00",
            "卫生器具",
        ),
        ("SanitaryTerminal", "刷手池", "SINK", [("钢", (-0.9, -0.3, 0.6, 1.8, 0.6, 0.4))], "30-13.10.00", "卫生器具"),
        ("FireSuppressionTerminal", "下垂型喷头 68℃", "SPRINKLER", head, "30-15.20.10", "消防设备"),
        ("FireSuppressionTerminal", "室内消火栓箱 SN65", "HOSEREEL", cabinet, "30-15.20.20", "消防设备"),
        (
            "Sensor",
            "点型感烟探测器",
            "SMOKESENSOR",
            [("白色", (-0.05, -0.05, 0.0, 0.1, 0.1, 0.04))],
            "30-15.30.00",
            "探测器",
        ),
        ("AirTerminal", "方形散流器 400", "DIFFUSER", vent, "30-14.20.00", "风口"),
        ("LightFixture", "LED 平板灯 36W", "POINTSOURCE", lamp, "30-17.10.00", "灯具"),
        ("LightFixture", "手术无影灯", "POINTSOURCE", shadowless, "30-17.10.00", "灯具"),
        ("MedicalDevice", "CT 机", "NOTDEFINED", scanner, "30-24.10.00", "医疗设备"),
        ("MedicalDevice", "DR 摄影机", "NOTDEFINED", scanner[:3], "30-24.10.00", "医疗设备"),
        (
            "MedicalDevice",
            "麻醉机",
            "NOTDEFINED",
            [("白色", (-0.35, -0.3, 0.0, 0.7, 0.6, 1.4))],
            "30-24.10.00",
            "医疗设备",
        ),
        ("Pump", "消防水泵", "ENDSUCTION", plant("防火门红", 1.2, 0.5, 0.7), "30-12.10.00", "水泵"),
        ("Tank", "生活水箱", "STORAGE", plant("钢", 2.4, 2.0, 2.0), "30-12.20.00", "水箱"),
        ("Chiller", "冷水机组", "WATERCOOLED", plant("白色", 3.0, 1.3, 1.8), "30-14.10.00", "制冷设备"),
        (
            "UnitaryEquipment",
            "组合式空调机组",
            "AIRHANDLER",
            plant("镀锌钢板", 2.6, 1.2, 1.4),
            "30-14.15.00",
            "空调设备",
        ),
        ("Fan", "防排烟风机", "CENTRIFUGALFORWARDCURVED", plant("镀锌钢板", 1.0, 1.0, 1.0), "30-14.30.00", "风机"),
        ("Transformer", "干式变压器 1000kVA", "VOLTAGE", plant("白色", 1.6, 1.1, 1.9), "30-17.20.00", "变配电设备"),
        (
            "ElectricDistributionBoard",
            "低压配电柜",
            "SWITCHBOARD",
            plant("白色", 0.8, 0.8, 2.0),
            "30-17.20.00",
            "变配电设备",
        ),
        (
            "ElectricGenerator",
            "柴油发电机组",
            "ENGINEGENERATOR",
            plant("钢", 3.2, 1.2, 1.5),
            "30-17.20.00",
            "变配电设备",
        ),
    )
    for entity, name, kind, boxes, code, title in rows:
        yield Product(
            entity, name, kind, boxes, {"Pset_ManufacturerTypeInformation": {"ModelLabel": name}}, (code, title)
        )
    for entity, name, kind, code in (
        ("DuctSegment", "镀锌钢板风管", "RIGIDSEGMENT", "30-14.40.00"),
        ("PipeSegment", "镀锌钢管", "RIGIDSEGMENT", "30-12.40.00"),
    ):
        yield Product(entity, name, kind, (), {f"Pset_{entity}TypeCommon": {"Reference": name}}, (code, "管道"))
    yield Product("StairFlight", "梯段", "STRAIGHT", (), None, ("14-20.50.00", "楼梯"))
    yield Product("Railing", "楼梯栏杆", "HANDRAIL", (), None, ("14-20.60.00", "栏杆"))
