"""The fire station: a hall of three bays for engines, two storeys of rooms, and a tower for training and hoses."""

from itertools import pairwise
from pathlib import Path

from data_samples.bim.draft import Draft, Ground
from data_samples.bim.fittings import Inside
from data_samples.bim.level import Level, Rect, Set
from data_samples.bim.products import add_products
from data_samples.bim.shapes import Entity
from data_samples.bim.stairs import add_stair

PLINTH_M, PARAPET_M, TOWER_PARAPET_M = 0.2, 0.9, 1.0
HEIGHTS_M = (5.4, 3.6, 3.6)
TOWER_M = (3.6, 3.6)
"""Heights of the storeys of the tower above the main roof."""
HEIGHT_M = round(PLINTH_M + sum(HEIGHTS_M) + PARAPET_M, 1)
"""From the ground outside to the top of the parapet of the main roof; the tower rises above it."""
STOREYS = len(HEIGHTS_M)
BAYS, BAY_SHARE = 3, 0.66
EDGE, CORRIDOR = 0.12, 1.8
SPRINKLERS = ("DistributionSystem.FIREPROTECTION", "自动喷水灭火系统")
HYDRANTS = ("DistributionSystem.FIREPROTECTION", "室内消火栓系统")
EXHAUST = ("DistributionSystem.EXHAUST", "车库排烟系统")
UPPER = {
    2: ("宿舍1", "宿舍2", "宿舍3", "学习室", "值班干部室", "盥洗室"),
    3: ("会议室", "体能训练室", "荣誉室", "文书室", "心理疏导室", "盥洗室"),
}
CODES = {
    "宿舍": ("12-10.20.20", "宿舍"),
    "盥洗": ("12-16.10.10", "卫生间"),
    "车库": ("12-17.10.10", "消防车库"),
    "值班": ("12-10.20.10", "值班"),
    "库": ("12-14.10.10", "库房"),
    "走廊": ("12-11.20.10", "走廊"),
    "": ("12-10.10.10", "办公"),
}
"""Code and name of a kind of space by a word in the title of the room."""


class Frame:
    """The lines of the plan: the hall of engines in the west, stair, rooms and tower in the east."""

    def __init__(self, width: float, depth: float) -> None:
        self.width, self.depth = width, depth
        hall = round(EDGE + (width - 2 * EDGE) * BAY_SHARE, 3)
        step = (hall - EDGE) / BAYS
        self.x = [EDGE, *(round(EDGE + step * k, 3) for k in range(1, BAYS + 1)), round(width - EDGE, 3)]
        middle = depth / 2
        self.y = [EDGE, round(middle - CORRIDOR / 2, 3), round(middle + CORRIDOR / 2, 3), round(depth - EDGE, 3)]
        self.outline = Rect(0.0, 0.0, width, depth)
        self.stair = Rect(self.x[-1] - EDGE - 3.2, self.y[2] + 0.1, self.x[-1] - EDGE, self.y[3] - EDGE)


def write_fire_station(path: Path, ground: Ground, width: float, depth: float, code: str, name: str) -> None:
    """Write the model over a footprint of ``width`` by ``depth`` metres as .ifczip; the file is in metres."""
    draft = Draft("fire-station", f"{name}工程", name, ground, millimetres=False)
    add_products(draft)
    draft.building.LongName = name
    values = {"BuildingID": code, "NumberOfStoreys": STOREYS, "OccupancyType": "消防站", "SprinklerProtection": True}
    draft.properties(draft.building, "Pset_BuildingCommon", values)
    draft.properties(draft.building, "建筑编码", {"建筑统一编码": code, "CIM级别": 6})
    frame, elevation = Frame(width, depth), 0.0
    for number, height in enumerate(HEIGHTS_M, 1):
        level = Level(draft, f"{number}层", number, elevation, height)
        _structure(level, frame)
        spaces = _ground(level, frame) if number == 1 else _upper(level, frame)
        _services(level, frame)
        draft.group("Zone", f"{number}层防火分区", spaces)
        elevation += height
    _roof(Level(draft, "屋面", STOREYS + 1, elevation, TOWER_M[0]), frame)
    top = Level(draft, "训练塔顶层", STOREYS + 2, elevation + TOWER_M[0], TOWER_M[1])
    _tower(top, frame, last=True)
    draft.write(path)


def _structure(level: Level, frame: Frame) -> None:
    lowest = level.number == 1
    hole = Rect(frame.stair.west, frame.stair.south + 1.8, frame.stair.east, frame.stair.north)
    level.slab("底板 400" if lowest else "楼板 120", frame.outline, 0.4 if lowest else 0.12, () if lowest else (hole,))
    xs = [min(max(x, 0.2), frame.width - 0.2) for x in frame.x]
    ys = [min(max(y, 0.2), frame.depth - 0.2) for y in (frame.y[0], frame.y[2], frame.y[3])]
    for x in xs:
        for y in ys:
            if not (lowest and y == ys[1] and x in xs[1:-2]):
                level.column("KZ 400x400", (x, y), level.clear)
    for y in ys:
        for west, east in pairwise(xs):
            level.beam("KL 300x700", (west + 0.2, y), (east - 0.2, y))
    for x in xs:
        for south, north in pairwise(ys):
            level.beam("KL 300x700", (x, south + 0.2), (x, north - 0.2))
    _outside(level, frame, xs, ys)


def _outside(level: Level, frame: Frame, xs: list[float], ys: list[float]) -> None:
    """Outer walls between the columns: gates of the hall in front, windows elsewhere."""
    height = level.height - 0.7
    for bay, (west, east) in enumerate(pairwise(xs)):
        length = east - west - 0.4
        gate = level.number == 1 and bay < BAYS
        front = [Set("HSM4045 车库滑升门", length / 2)] if gate else _pair(length)
        if level.number == 1 and bay == BAYS:
            front = [Set("M1521 双扇门", length / 3), Set("C1518 推拉窗", length * 0.75, 0.9)]
        level.wall("外墙 240", (west + 0.2, EDGE), (east - 0.2, EDGE), height, front)
        level.wall(
            "外墙 240", (west + 0.2, frame.depth - EDGE), (east - 0.2, frame.depth - EDGE), height, _pair(length)
        )
    for x in (EDGE, frame.width - EDGE):
        for south, north in pairwise(ys):
            window = [Set("C1518 推拉窗", (north - south - 0.4) / 2, 0.9)]
            level.wall("外墙 240", (x, south + 0.2), (x, north - 0.2), height, window)


def _pair(length: float) -> list[Set]:
    return [Set("C1518 推拉窗", length * share, 0.9) for share in (0.25, 0.75)]


def _room(level: Level, number: str, title: str, rect: Rect) -> Entity:
    code = next(code for word, code in CODES.items() if word in title)
    return level.room(number, title, rect, code, "车库" if title == "消防车库" else "用房")


def _ground(level: Level, frame: Frame) -> list[Entity]:
    """The hall with its engines, the watch room, the stair and the stores."""
    hall_east, clear = frame.x[BAYS], level.clear
    door = [Set("FM甲1521 甲级防火门", frame.depth / 2 - 1.0), Set("FM乙1221 乙级防火门", frame.depth / 4)]
    level.wall("内墙 200", (hall_east, 2 * EDGE), (hall_east, frame.depth - 2 * EDGE), clear, door)
    hall = _room(level, "101", "消防车库", Rect(2 * EDGE, 2 * EDGE, hall_east - 0.1, frame.depth - 2 * EDGE))
    for west, east in pairwise(frame.x[: BAYS + 1]):
        middle = (west + east) / 2
        level.stand("消防车", "TransportElement", hall, (middle, 6.2, 0.0), (0.0, -1.0))
        level.stand("防排烟风机", "Fan", hall, (middle, frame.depth - 1.6, 0.0), system=EXHAUST)
    west, east = hall_east + 0.1, frame.width - 2 * EDGE
    level.wall("内墙 200", (hall_east, frame.y[1]), (frame.x[-1], frame.y[1]), clear, [Set("M1021 单扇门", 1.6)])
    watch = _room(level, "102", "通信值班室", Rect(west, 2 * EDGE, east, frame.y[1] - 0.1))
    inside = Inside(level, watch, Rect(west, 2 * EDGE, east, frame.y[1] - 0.1), south=True)
    for k in range(2):
        inside.put("Furniture", "办公桌", 1.2 + 2.2 * k, 2.4)
        inside.put("Furniture", "办公椅", 1.2 + 2.2 * k, 3.0)
    return [hall, watch, *_east(level, frame, "器材库")]


def _upper(level: Level, frame: Frame) -> list[Entity]:
    """Rooms on both sides of a corridor over the hall, the stair in the east."""
    spaces, titles = [], UPPER[level.number]
    lines = frame.x[: BAYS + 1]
    for side, (inner, low, high) in enumerate(
        ((frame.y[1], 2 * EDGE, frame.y[1] - 0.1), (frame.y[2], frame.y[2] + 0.1, frame.depth - 2 * EDGE))
    ):
        for bay, (west, east) in enumerate(pairwise(lines)):
            level.wall("内墙 200", (west, inner), (east, inner), level.clear, [Set("M1021 单扇门", (east - west) / 2)])
            level.wall("内墙 200", (east, low), (east, high), level.clear)
            title = titles[side * BAYS + bay]
            rect = Rect(2 * EDGE if bay == 0 else west + 0.1, low, east - 0.1, high)
            room = _room(level, f"{level.number}{side * BAYS + bay + 1:02d}", title, rect)
            _furnish(Inside(level, room, rect, south=side == 0), title)
            spaces.append(room)
    rect = Rect(frame.x[BAYS] + 0.1, 2 * EDGE, frame.width - 2 * EDGE, frame.y[1] - 0.1)
    level.wall(
        "内墙 200", (frame.x[BAYS], frame.y[1]), (frame.x[-1], frame.y[1]), level.clear, [Set("M1021 单扇门", 1.6)]
    )
    office = _room(level, f"{level.number}07", "站长办公室" if level.number == 2 else "活动室", rect)
    _furnish(Inside(level, office, rect, south=True), "办公")
    corridor = Rect(2 * EDGE, frame.y[1] + 0.1, frame.width - 2 * EDGE, frame.y[2] - 0.1)
    way = _room(level, f"{level.number}00", "走廊", corridor)
    return [*spaces, office, way, *_east(level, frame, "库房")]


def _furnish(inside: Inside, title: str) -> None:
    if "宿舍" in title:
        for row in range(2):
            for u in (1.1, inside.wide - 1.1):
                inside.put("Furniture", "宿舍床", u, 1.6 + 2.2 * row)
    elif "盥洗" in title:
        for k in range(3):
            inside.put("SanitaryTerminal", "坐便器", 0.5, 1.2 + 1.3 * k, 1)
            inside.put("SanitaryTerminal", "洗手盆", inside.wide - 0.4, 1.2 + 1.3 * k, 3)
    else:
        for u in (inside.wide * 0.3, inside.wide * 0.7):
            inside.put("Furniture", "办公桌", u, 2.4)
            inside.put("Furniture", "办公椅", u, 3.1)


def _east(level: Level, frame: Frame, title: str) -> list[Entity]:
    """The stair behind a fire door, which the tower stands over, and a store beside it."""
    stair, south = frame.stair, frame.y[2]
    west, wall = frame.x[BAYS], stair.west - 0.1
    doors = [Set("M1021 单扇门", (wall - west) / 2)] if wall - west > 1.4 else []
    doors.append(Set("FM乙1221 乙级防火门", wall - west + 1.6, rating="甲级" if level.number == 1 else None))
    level.wall("剪力墙 200", (west, south), (frame.x[-1], south), level.clear, doors)
    level.wall("剪力墙 200", (wall, south + 0.1), (wall, frame.y[3] - EDGE), level.clear)
    add_stair(level, "疏散楼梯", stair, entry_south=True)
    store = Rect(west + 0.1, south + 0.1, wall - 0.1, frame.y[3] - EDGE)
    return [
        _room(level, f"{level.number}08", title, store),
        level.room(f"{level.number}S1", "疏散楼梯", stair, ("12-11.30.10", "楼梯间"), "交通"),
    ]


def _services(level: Level, frame: Frame) -> None:
    for west, east in pairwise(frame.x):
        for y in (frame.depth * 0.2, frame.depth * 0.5, frame.depth * 0.8):
            for share in (0.25, 0.75):
                at = (west + (east - west) * share, y, level.clear - 0.3)
                level.stand("下垂型喷头 68℃", "FireSuppressionTerminal", level.storey, at, system=SPRINKLERS)
            at = ((west + east) / 2, y, level.clear - 0.2)
            level.stand(
                "LED 平板灯 36W", "LightFixture", level.storey, at, system=("DistributionSystem.LIGHTING", "照明系统")
            )
    for x in (frame.x[0] + 0.6, frame.x[BAYS] - 0.6):
        at = (x, frame.y[2] - 0.25, 0.8)
        level.stand("室内消火栓箱 SN65", "FireSuppressionTerminal", level.storey, at, system=HYDRANTS)


def _roof(level: Level, frame: Frame) -> None:
    """The main roof with its parapet around the foot of the tower."""
    hole = Rect(frame.stair.west, frame.stair.south + 1.8, frame.stair.east, frame.stair.north)
    level.slab("屋面板 150", frame.outline, 0.15, (hole,))
    west, south = frame.stair.west - EDGE, frame.stair.south - EDGE
    for start, end in (
        ((0.0, EDGE), (frame.width, EDGE)),
        ((0.0, frame.depth - EDGE), (west - EDGE, frame.depth - EDGE)),
        ((EDGE, 2 * EDGE), (EDGE, frame.depth - 2 * EDGE)),
        ((frame.width - EDGE, 2 * EDGE), (frame.width - EDGE, south - EDGE)),
    ):
        level.wall("女儿墙 240", start, end, PARAPET_M)
    _tower(level, frame, last=False)


def _tower(level: Level, frame: Frame, *, last: bool) -> None:
    """A storey of the tower: four walls with openings to climb through, a stair, a roof on the last."""
    stair = frame.stair
    west, east, south, north = stair.west - EDGE, frame.width - EDGE, stair.south - EDGE, frame.depth - EDGE
    window = Set("C1518 推拉窗", (east - west) / 2, 0.9)
    door = Set("FM乙1221 乙级防火门", (east - west) / 2)
    level.wall("外墙 240", (west, south), (east, south), level.height, [window if last else door])
    level.wall("外墙 240", (west, north), (east, north), level.height, [window])
    for x in (west, east):
        level.wall("外墙 240", (x, south + EDGE), (x, north - EDGE), level.height)
    level.room(f"T{level.number}", "训练塔", stair, ("12-17.20.10", "训练塔"), "训练", level.height - 0.15)
    outline = Rect(west - EDGE, south - EDGE, east + EDGE, north + EDGE)
    if last:
        level.slab("楼板 120", Rect(stair.west, stair.south, stair.east, stair.south + 1.8), 0.12)
        level.slab("屋面板 150", outline, 0.15, top=level.height + 0.15)
        for start, end in (((west, south), (east, south)), ((west, north), (east, north))):
            level.wall("女儿墙 240", start, end, TOWER_PARAPET_M, base=level.height + 0.15)
        for x in (west, east):
            level.wall("女儿墙 240", (x, south + EDGE), (x, north - EDGE), TOWER_PARAPET_M, base=level.height + 0.15)
    else:
        add_stair(level, "训练塔楼梯", stair, entry_south=True)
