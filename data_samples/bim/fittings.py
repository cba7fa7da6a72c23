"""What stands in the rooms of the hospital, by their use."""

import math

from data_samples.bim.level import Level, Rect, Set
from data_samples.bim.shapes import Entity

WATER = ("DistributionSystem.DOMESTICCOLDWATER", "给水系统")
BATH_M = (1.6, 2.2)


class Inside:
    """Places in a room: ``u`` along the corridor from the west, ``v`` from the corridor into the room."""

    def __init__(self, level: Level, space: Entity, rect: Rect, *, south: bool) -> None:
        self.level, self.space, self.rect, self.south = level, space, rect, south
        self.wide, self.deep = rect.east - rect.west, rect.north - rect.south

    def at(self, u: float, v: float) -> tuple[float, float]:
        """A place in the plan of the building."""
        return self.rect.west + u, self.rect.north - v if self.south else self.rect.south + v

    def put(
        self,
        entity: str,
        name: str,
        u: float,
        v: float,
        turn: int = 0,
        z: float = 0.0,
        system: tuple[str, str] | None = None,
    ) -> None:
        """Stand something at a place, turned by quarters."""
        along = (round(math.cos(turn * math.pi / 2), 9) + 0.0, round(math.sin(turn * math.pi / 2), 9) + 0.0)
        self.level.stand(name, entity, self.space, (*self.at(u, v), z), along, system)


def furnish(level: Level, space: Entity, label: str, use: str, rect: Rect, *, south: bool) -> dict[str, Entity]:
    """Furnish a room; returns rooms that were cut off from it."""
    inside = Inside(level, space, rect, south=south)
    if use == "ward":
        return _ward(inside, label)
    {
        "icu": _beds,
        "nurse": _counter,
        "office": _office,
        "duty": _duty,
        "clinic": _clinic,
        "treatment": _treatment,
        "waiting": _waiting,
        "hall": _waiting,
        "operating": _operating,
        "imaging": _imaging,
        "lab": _office,
        "control": _office,
        "store": _shelves,
        "drugs": _shelves,
        "wash": _wash,
        "plant": _plant,
    }[use](inside)
    return {}


def _ward(inside: Inside, label: str) -> dict[str, Entity]:
    """Three beds along the west wall, a bathroom at the corridor."""
    level = inside.level
    wide, deep = BATH_M
    corner, end = inside.at(wide + 0.05, 0.0), inside.at(wide + 0.05, deep)
    back = (inside.at(0.0, deep + 0.05), inside.at(wide + 0.1, deep + 0.05))
    door = [Set("M0821 卫生间门", 1.2, contained=False)]
    level.wall("隔墙 100", corner, end, level.clear, door)
    level.wall("隔墙 100", *back, level.clear)
    (x0, y0), (x1, y1) = inside.at(0.0, 0.0), inside.at(wide, deep)
    rect = Rect(x0, min(y0, y1), x1, max(y0, y1))
    bath = level.room(f"{label}W", "病房卫生间", rect, ("12-16.10.20", "卫生间"), "卫生间")
    within = Inside(level, bath, rect, south=inside.south)
    within.put("SanitaryTerminal", "坐便器", 0.4, 1.2, 1, system=WATER)
    within.put("SanitaryTerminal", "洗手盆", 0.4, 0.4, 1, system=WATER)
    within.put("SanitaryTerminal", "淋浴器", 1.15, 1.75, system=WATER)
    count = 1 if "单人" in str(inside.space.LongName) else 3
    for bed in range(count):
        v = 3.1 + 1.45 * bed
        inside.put("Furniture", "病床", 1.1, v)
        inside.put("Furniture", "床头柜", 0.3, v + 0.72)
        inside.put("Furniture", "陪护椅", inside.wide - 0.4, v, 3)
    level.draft.properties(inside.space, "医疗用房", {"床位数": count})
    return {f"{label}W": bath}


def _beds(inside: Inside) -> None:
    count = max(int((inside.wide - 0.6) / 2.2), 1)
    for bed in range(count):
        u = (bed + 0.5) * inside.wide / count
        inside.put("Furniture", "病床", u, inside.deep - 1.3, 3)
        inside.put("Furniture", "床头柜", u + 0.8, inside.deep - 0.35)
    inside.put("Furniture", "办公桌", inside.wide / 2, 2.4)
    inside.level.draft.properties(inside.space, "医疗用房", {"床位数": count})


def _counter(inside: Inside) -> None:
    inside.put("Furniture", "护士站台", inside.wide / 2, 0.8)
    for k in range(3):
        inside.put("Furniture", "办公椅", inside.wide / 2 - 1.4 + 1.4 * k, 1.7)
    for k in range(2):
        inside.put("Furniture", "货架", inside.wide / 2 - 1.2 + 2.4 * k, inside.deep - 0.4)


def _office(inside: Inside) -> None:
    for row in range(3):
        v = 1.8 + 1.8 * row
        for u in (0.9, inside.wide - 0.9):
            inside.put("Furniture", "办公桌", u, v)
            inside.put("Furniture", "办公椅", u, v + 0.6)


def _duty(inside: Inside) -> None:
    for v in (2.4, 4.4, 6.2):
        inside.put("Furniture", "宿舍床", 1.1, v)
    inside.put("Furniture", "办公桌", inside.wide - 0.8, 4.4, 1)


def _clinic(inside: Inside) -> None:
    inside.put("Furniture", "办公桌", 0.9, 4.4, 1)
    inside.put("Furniture", "办公椅", 1.6, 4.4, 1)
    inside.put("Furniture", "诊查床", inside.wide - 0.5, inside.deep - 1.4, 1)
    inside.put("Furniture", "陪护椅", 0.9, 3.2)
    inside.put("SanitaryTerminal", "洗手盆", inside.wide - 0.4, 2.4, 3, system=WATER)


def _treatment(inside: Inside) -> None:
    inside.put("Furniture", "诊查床", inside.wide / 2, inside.deep - 2.2, 1)
    inside.put("Furniture", "货架", inside.wide / 2, inside.deep - 0.4)
    inside.put("SanitaryTerminal", "洗手盆", 0.4, 2.4, 1, system=WATER)


def _waiting(inside: Inside) -> None:
    rows = max(int(inside.wide / 3.4), 1)
    for column in range(rows):
        for v in (1.8, 3.2, 4.6):
            inside.put("Furniture", "候诊椅", (column + 0.5) * inside.wide / rows, v)


def _operating(inside: Inside) -> None:
    u, v = inside.wide / 2, inside.deep / 2
    inside.put("Furniture", "手术床", u, v)
    inside.put("LightFixture", "手术无影灯", u, v, z=2.1, system=("DistributionSystem.LIGHTING", "照明系统"))
    inside.put("MedicalDevice", "麻醉机", u - 1.6, v + 0.6)
    inside.put("SanitaryTerminal", "刷手池", 1.3, 0.4, system=WATER)
    inside.put("Furniture", "货架", u, inside.deep - 0.4)


def _imaging(inside: Inside) -> None:
    machine = "CT 机" if "CT" in str(inside.space.LongName) else "DR 摄影机"
    inside.put("MedicalDevice", machine, inside.wide / 2 + 0.6, inside.deep / 2 + 0.4)
    inside.put("Furniture", "办公桌", 1.0, 1.4)
    inside.put("Furniture", "办公椅", 1.0, 2.1)


def _shelves(inside: Inside) -> None:
    for row in range(3):
        for column in range(max(int(inside.wide / 2.6), 1)):
            inside.put("Furniture", "货架", 1.3 + 2.4 * column, 2.2 + 1.7 * row)


def _wash(inside: Inside) -> None:
    for k in range(3):
        inside.put("SanitaryTerminal", "坐便器", 0.5, 2.6 + 1.2 * k, 1, system=WATER)
        inside.put("SanitaryTerminal", "洗手盆", inside.wide - 0.4, 2.6 + 1.0 * k, 3, system=WATER)


def _plant(inside: Inside) -> None:
    power = ("DistributionSystem.ELECTRICAL", "变配电系统")
    name, entity, system = next(
        found
        for word, found in {
            "变配电": ("干式变压器 1000kVA", "Transformer", power),
            "发电机": ("柴油发电机组", "ElectricGenerator", power),
            "制冷": ("冷水机组", "Chiller", ("DistributionSystem.AIRCONDITIONING", "空调系统")),
            "生活水": ("生活水箱", "Tank", WATER),
            "消防水": ("消防水泵", "Pump", ("DistributionSystem.FIREPROTECTION", "室内消火栓系统")),
            "": ("组合式空调机组", "UnitaryEquipment", ("DistributionSystem.AIRCONDITIONING", "空调系统")),
        }.items()
        if word in str(inside.space.LongName)
    )
    count = max(int(inside.wide / 3.6), 1)
    for k in range(count):
        inside.put(entity, name, (k + 0.5) * inside.wide / count, inside.deep / 2 + 0.6, system=system)
    if entity == "Transformer":
        for k in range(8):
            inside.put("ElectricDistributionBoard", "低压配电柜", 1.2 + 1.1 * k, inside.deep - 0.9, system=system)
