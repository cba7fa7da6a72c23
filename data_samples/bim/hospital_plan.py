"""The storeys of the hospital as data: which rooms lie south and north of the corridor, in modules of half a bay.

South of the corridor are 12 modules. North of it modules 0, 1, 6, 7 and 11 are the stairs, shafts and lifts of every
storey; the free ones are 2 to 5 and 8 to 10.
"""

from dataclasses import dataclass

PARAPET_M = 1.2
PLINTH_M = 0.3
"""The floor of the first storey above the ground outside."""


@dataclass(frozen=True, slots=True)
class Use:
    """A use of rooms: its category, code of the kind of space, door, and whether its front to the corridor is open."""

    category: str
    code: tuple[str, str]
    door: str | None


@dataclass(frozen=True, slots=True)
class Room:
    """A room: what it is called, its use, how many modules it is wide."""

    title: str
    use: str
    modules: int = 1


@dataclass(frozen=True, slots=True)
class Plan:
    """A storey: its number, name, what it serves, height, and the rooms from west to east."""

    number: int
    name: str
    department: str
    height: float
    south: tuple[Room, ...]
    north_west: tuple[Room, ...]
    north_east: tuple[Room, ...]


USES = {
    "ward": Use("病房", ("12-13.10.10", "病房"), "M1321 子母门"),
    "icu": Use("病房", ("12-13.10.30", "重症监护"), "M1521 双扇门"),
    "nurse": Use("护士站", ("12-13.20.10", "护士站"), None),
    "office": Use("办公", ("12-10.10.10", "办公"), "M1021 单扇门"),
    "duty": Use("值班", ("12-10.20.10", "值班"), "M1021 单扇门"),
    "treatment": Use("医疗", ("12-13.20.20", "治疗与处置"), "M1321 子母门"),
    "clinic": Use("诊室", ("12-13.30.10", "诊室"), "M1021 单扇门"),
    "waiting": Use("候诊", ("12-13.30.20", "候诊"), None),
    "operating": Use("手术", ("12-13.40.10", "手术室"), "ZM1521 自动气密门"),
    "imaging": Use("医技", ("12-13.50.10", "影像检查"), "ZM1521 自动气密门"),
    "lab": Use("医技", ("12-13.50.20", "检验"), "M1321 子母门"),
    "store": Use("库房", ("12-14.10.10", "库房"), "M1021 单扇门"),
    "drugs": Use("药房", ("12-13.60.10", "药房"), "FM乙1221 乙级防火门"),
    "hall": Use("大厅", ("12-11.10.10", "门厅"), None),
    "plant": Use("设备", ("12-15.10.10", "设备用房"), "FM甲1521 甲级防火门"),
    "control": Use("设备", ("12-15.20.10", "消防控制室"), "FM乙1221 乙级防火门"),
    "wash": Use("卫生间", ("12-16.10.10", "卫生间"), "M1021 单扇门"),
}


def _several(title: str, use: str, count: int, modules: int = 1) -> tuple[Room, ...]:
    return tuple(Room(f"{title}{number}", use, modules) for number in range(1, count + 1))


def _wards(number: int, department: str) -> Plan:
    return Plan(
        number,
        f"{number}层",
        department,
        3.9,
        _several("三人病房", "ward", 12),
        (Room("污洗间", "store"), Room("处置室", "treatment"), Room("护士站", "nurse", 2)),
        (Room("治疗室", "treatment"), Room("医生办公室", "office"), Room("医护值班室", "duty")),
    )


PLANS = (
    Plan(
        -1,
        "地下1层",
        "设备用房",
        4.5,
        (
            Room("变配电室", "plant", 3),
            Room("柴油发电机房", "plant", 2),
            Room("制冷机房", "plant", 3),
            Room("生活水泵房", "plant", 2),
            Room("消防水泵房", "plant", 2),
        ),
        (Room("通风机房", "plant", 2), Room("药库", "drugs", 2)),
        (Room("总务库房", "store", 2), Room("病案库", "store")),
    ),
    Plan(
        1,
        "1层",
        "门厅与急诊",
        4.8,
        (
            Room("急诊抢救室", "icu", 2),
            Room("急诊诊室", "clinic"),
            Room("急诊候诊", "waiting"),
            Room("门厅", "hall", 4),
            Room("出入院办理", "office", 2),
            Room("住院药房", "drugs", 2),
        ),
        (Room("清创室", "treatment"), Room("公共卫生间", "wash"), Room("导医与挂号", "nurse", 2)),
        (Room("消防控制室", "control"), Room("安保值班室", "duty"), Room("商务服务", "office")),
    ),
    Plan(
        2,
        "2层",
        "门诊",
        4.5,
        (*_several("诊室", "clinic", 10), Room("专家诊室1", "clinic"), Room("专家诊室2", "clinic")),
        (Room("采血室", "treatment"), Room("公共卫生间", "wash"), Room("门诊候诊", "waiting", 2)),
        (Room("注射室", "treatment"), Room("换药室", "treatment"), Room("门诊办公室", "office")),
    ),
    Plan(
        3,
        "3层",
        "影像与检验",
        4.5,
        (
            Room("CT室", "imaging", 2),
            Room("DR室1", "imaging", 2),
            Room("DR室2", "imaging", 2),
            *_several("超声检查室", "clinic", 3),
            Room("检验科", "lab", 3),
        ),
        (Room("阅片室", "office"), Room("公共卫生间", "wash"), Room("检查候诊", "waiting", 2)),
        (Room("试剂库", "store"), Room("病理室", "lab"), Room("医技办公室", "office")),
    ),
    Plan(
        4,
        "4层",
        "手术部",
        4.5,
        _several("手术室", "operating", 6, 2),
        (Room("麻醉准备室", "treatment"), Room("无菌物品库", "store"), Room("复苏室", "icu", 2)),
        (Room("换床间", "treatment"), Room("男更衣室", "wash"), Room("女更衣室", "wash")),
    ),
    Plan(
        5,
        "5层",
        "重症医学科",
        4.5,
        (*_several("重症监护室", "icu", 5, 2), *_several("单人隔离病房", "ward", 2)),
        (Room("污洗间", "store"), Room("仪器室", "store"), Room("护士站", "nurse", 2)),
        (Room("治疗室", "treatment"), Room("医生办公室", "office"), Room("家属谈话室", "office")),
    ),
    *(
        _wards(number, department)
        for number, department in enumerate(("产科", "儿科", "普通外科", "骨科", "心血管内科", "神经内科", "肿瘤科"), 6)
    ),
)
HEIGHT_M = round(PLINTH_M + sum(plan.height for plan in PLANS if plan.number > 0) + PARAPET_M, 1)
"""From the ground outside to the top of the parapet, as the buildings layer has it."""
STOREYS = sum(plan.number > 0 for plan in PLANS)
