"""The hospital: an inpatient tower of twelve storeys and a basement on the rectangle of its footprint."""

from itertools import pairwise
from pathlib import Path

from data_samples.bim.draft import Draft, Ground
from data_samples.bim.fittings import furnish
from data_samples.bim.hospital_outside import BEAM_M, COLUMN_M, EDGE, Frame, add_facade, add_roof, inward
from data_samples.bim.hospital_plan import PLANS, USES, Plan, Room
from data_samples.bim.hospital_services import add_services
from data_samples.bim.level import SLAB_M, Level, Rect, Set
from data_samples.bim.products import add_products
from data_samples.bim.shapes import Entity
from data_samples.bim.stairs import add_stair

LIFTS = ("医用电梯 1600kg", "医用电梯 1600kg", "消防电梯 1600kg")


def write_hospital(path: Path, ground: Ground, width: float, depth: float, code: str, name: str) -> None:
    """Write the model over a footprint of ``width`` by ``depth`` metres as .ifczip."""
    draft = Draft("hospital", f"{name}工程", name, ground, millimetres=True)
    add_products(draft)
    draft.building.LongName = name
    values = {
        "BuildingID": code,
        "NumberOfStoreys": 12,
        "OccupancyType": "医疗建筑",
        "FireProtectionClass": "一类高层",
        "SprinklerProtection": True,
    }
    draft.properties(draft.building, "Pset_BuildingCommon", values)
    draft.properties(draft.building, "建筑编码", {"建筑统一编码": code, "CIM级别": 6})
    frame, elevation = Frame(width, depth), -PLANS[0].height
    for plan in PLANS:
        level = Level(draft, plan.name, plan.number, elevation, plan.height)
        spaces = _storey(level, plan, frame)
        add_services(level, frame, spaces, basement=plan.number < 0)
        draft.group("Zone", f"{plan.name}防火分区", list(spaces.values()))
        elevation += plan.height
    add_roof(Level(draft, "屋面", len(PLANS), elevation, 4.2), frame)
    draft.write(path)


def _storey(level: Level, plan: Plan, frame: Frame) -> dict[str, Entity]:
    _structure(level, plan, frame)
    add_facade(level, plan, frame)
    spaces = _row(level, plan, plan.south, range(13), frame, south=True)
    spaces |= _row(level, plan, plan.north_west, range(2, 7), frame, south=False)
    spaces |= _row(level, plan, plan.north_east, range(8, 12), frame, south=False)
    spaces |= _core(level, frame)
    rect = Rect(frame.x[0] + EDGE, frame.y[1] + 0.1, frame.x[-1] - EDGE, frame.y[2] - 0.1)
    spaces["走廊"] = level.room(f"{_digits(level)}00", "走廊", rect, ("12-11.20.10", "走廊"), "交通")
    return spaces


def _digits(level: Level) -> str:
    return f"B{-level.number}" if level.number < 0 else f"{level.number:02d}"


def _structure(level: Level, plan: Plan, frame: Frame) -> None:
    """Floor, columns and beams."""
    lowest = plan.number < 0
    shafts = [Rect(r.west, r.south, r.east, r.north) for r in frame.lifts()]
    stairs = [Rect(r.west, r.south + 1.8, r.east, r.north) for r in map(frame.stair, (0, 11))]
    level.slab(
        "底板 400" if lowest else "楼板 120",
        frame.outline,
        0.4 if lowest else SLAB_M,
        () if lowest else (*shafts, *stairs),
    )
    name = "KZ 600x600" if plan.number < 8 else "KZ 500x500"
    side = COLUMN_M if plan.number < 8 else 0.5
    xs = [inward(x, side, frame.width) for x in frame.x[::2]]
    ys = [inward(y, side, frame.depth) for y in frame.y]
    for x in xs:
        for y in ys:
            level.column(name, (x, y), level.clear)
    for y in ys:
        for west, east in pairwise(xs):
            level.beam("KL 300x700", (west + side / 2, y), (east - side / 2, y))
    for x in xs:
        for south, north in pairwise(ys):
            level.beam("KL 300x700" if north - south > 3 else "L 250x600", (x, south + side / 2), (x, north - side / 2))


def _row(
    level: Level, plan: Plan, rooms: tuple[Room, ...], modules: range, frame: Frame, *, south: bool
) -> dict[str, Entity]:
    """Rooms side by side: the wall to the corridor with their doors, walls between them, and what they hold."""
    at, spaces = modules.start, {}
    inner, outer = (frame.y[1], frame.y[0]) if south else (frame.y[2], frame.y[3])
    for number, room in enumerate(rooms):
        west, east = frame.x[at], frame.x[at + room.modules]
        use = USES[room.use]
        door = "FM乙1221 乙级防火门" if room.title == "病案库" else use.door
        if door:
            front = [
                Set(door, (0.75 if room.use == "ward" else 0.5) * (east - west), 0.0, rating=_override(plan, room))
            ]
            level.wall("内墙 200", (west, inner), (east, inner), level.clear, front)
        if number:
            low, high = sorted((inner, outer))
            level.wall(
                "内墙 200",
                (west, low + 0.1),
                (west, high - EDGE),
                level.height - BEAM_M if at % 2 == 0 else level.clear,
            )
        low, high = (EDGE * 2, inner - 0.1) if south else (inner + 0.1, frame.depth - 2 * EDGE)
        left = 2 * EDGE if at == 0 else west + 0.1
        right = frame.width - 2 * EDGE if at + room.modules == 12 else east - 0.1
        label = f"{_digits(level)}{number + 1 + (0 if south else 20 if modules.start == 2 else 30):02d}"
        space = level.room(
            label,
            f"{plan.department}{room.title}" if room.use in {"ward", "nurse"} else room.title,
            Rect(left, low, right, high),
            use.code,
            use.category,
        )
        spaces[label] = space
        spaces |= furnish(level, space, label, room.use, Rect(left, low, right, high), south=south)
        at += room.modules
    return spaces


def _override(plan: Plan, room: Room) -> str | None:
    """Doors whose class of fire resistance differs from that of their type."""
    if room.title in {"试剂库", "无菌物品库"}:
        return "乙级"
    return "甲级" if room.title == "药库" else None


def _core(level: Level, frame: Frame) -> dict[str, Entity]:
    """Stairs, shafts for pipes and cables, and lifts with their lobby."""
    spaces = {}
    south, north, digits = frame.y[2], frame.y[3], _digits(level)
    for module, name in ((0, "1号疏散楼梯"), (11, "2号疏散楼梯")):
        west, east = frame.x[module], frame.x[module + 1]
        level.wall(
            "剪力墙 200", (west, south), (east, south), level.clear, [Set("FM乙1221 乙级防火门", (east - west) / 2)]
        )
        inside = east if module == 0 else west
        level.wall("剪力墙 200", (inside, south + 0.1), (inside, north - EDGE), level.clear)
        rect = frame.stair(module)
        spaces[name] = level.room(f"{digits}S{1 if module == 0 else 2}", name, rect, ("12-11.30.10", "楼梯间"), "交通")
        add_stair(level, name, rect, entry_south=True)
    spaces |= _shafts(level, frame)
    lifts = frame.lifts()
    front = lifts[0].south - 0.1
    west, east = frame.x[6], frame.x[8]
    level.wall("剪力墙 200", (west, south), (east, south), level.clear, [Set("FM乙1521 乙级防火门", (east - west) / 2)])
    for x in (west, east):
        level.wall("剪力墙 200", (x, south + 0.1), (x, north - EDGE), level.clear)
    doors = [Set("DT1121 电梯层门", (rect.west + rect.east) / 2 - west) for rect in lifts]
    level.wall(
        "剪力墙 200", (west + 0.1, front), (east - 0.1, front), level.clear, [Set(d.name, d.at - 0.1) for d in doors]
    )
    for left in lifts[:-1]:
        level.wall("剪力墙 200", (left.east + 0.1, front + 0.1), (left.east + 0.1, north - EDGE), level.clear)
    lobby = Rect(west + 0.1, south + 0.1, east - 0.1, front - 0.1)
    spaces["前室"] = level.room(f"{digits}F1", "合用前室", lobby, ("12-11.30.20", "前室"), "交通")
    for number, rect in enumerate(lifts, 1):
        shaft = level.room(
            f"{digits}L{number}", f"{number}号电梯井", rect, ("12-11.40.10", "电梯井道"), "井道", level.height
        )
        if level.number == 1:
            at = ((rect.west + rect.east) / 2, (rect.south + rect.north) / 2, 0.0)
            level.stand(
                LIFTS[number - 1], "TransportElement", shaft, at, system=("BuildingSystem.TRANSPORT", "电梯系统")
            )
    return spaces


def _shafts(level: Level, frame: Frame) -> dict[str, Entity]:
    """Three shafts behind fire doors, known in the storey by their wall alone, and a fan room behind them."""
    west, east, south, north = frame.x[1], frame.x[2], frame.y[2], frame.y[3]
    step, back = (east - west) / 3, south + 1.8
    rating = "乙级" if level.number < 0 else None
    doors = [Set("FM丙0918 丙级防火门", step * (k + 0.5), 0.1, contained=False, rating=rating) for k in range(3)]
    level.wall("内墙 200", (west, south), (east, south), level.clear, doors)
    level.wall("内墙 200", (west + 0.1, back), (east - 0.1, back), level.clear)
    level.wall("内墙 200", (east, south + 0.1), (east, north - EDGE), level.clear, [Set("FM甲1521 甲级防火门", 4.2)])
    spaces, digits = {}, _digits(level)
    for number, title in enumerate(("强电井", "弱电井", "水暖井")):
        left, right = west + step * number, west + step * (number + 1)
        if number:
            level.wall("隔墙 100", (left, south + 0.1), (left, back - 0.1), level.clear)
        rect = Rect(left + 0.1, south + 0.1, right - 0.1, back - 0.1)
        spaces[title] = level.room(f"{digits}W{number + 1}", title, rect, ("12-15.30.10", "管井"), "井道")
    rect = Rect(west + 0.1, back + 0.1, east - 0.1, north - EDGE)
    spaces["风机房"] = level.room(f"{digits}K1", "防排烟机房", rect, ("12-15.10.20", "机房"), "设备")
    level.stand(
        "防排烟风机",
        "Fan",
        spaces["风机房"],
        ((west + east) / 2, back + 2.6, 0.0),
        system=("DistributionSystem.VENTILATION", "防排烟系统"),
    )
    return spaces
