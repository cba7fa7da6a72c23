"""The lines of the hospital's plan, its outer walls and its roof."""

from itertools import pairwise

from data_samples.bim.hospital_plan import PARAPET_M, Plan
from data_samples.bim.level import Level, Rect, Set
from data_samples.bim.shapes import Box, Entity

BAYS, EDGE, CORRIDOR = 6, 0.12, 2.7
BEAM_M, COLUMN_M = 0.7, 0.6
LIFT_DEPTH_M = 3.0
ROOF_M = 0.15


class Frame:
    """The lines of the plan: edges of the 12 modules along x, and the middle lines of the walls along y."""

    def __init__(self, width: float, depth: float) -> None:
        self.width, self.depth = width, depth
        step = (width - 2 * EDGE) / (2 * BAYS)
        self.x = [round(EDGE + step * k, 3) for k in range(2 * BAYS + 1)]
        side = (depth - 2 * EDGE - CORRIDOR) / 2
        self.y = [EDGE, round(EDGE + side, 3), round(EDGE + side + CORRIDOR, 3), round(depth - EDGE, 3)]
        self.outline = Rect(0.0, 0.0, width, depth)

    def lifts(self) -> list[Rect]:
        """The clear shafts of the lifts, at the north wall."""
        west, step = self.x[6] + 0.1, (self.x[8] - self.x[6]) / 3
        south, north = self.y[3] - EDGE - LIFT_DEPTH_M, self.y[3] - EDGE
        return [Rect(west + step * k, south, west + step * (k + 1) - 0.2, north) for k in range(3)]

    def stair(self, module: int) -> Rect:
        """The clear rectangle of a stair in a northern module."""
        return Rect(self.x[module] + 0.1, self.y[2] + 0.1, self.x[module + 1] - 0.1, self.y[3] - EDGE)


def inward(at: float, side: float, whole: float) -> float:
    """A column whose face would stand outside is moved in to the outer face."""
    return min(max(at, side / 2), whole - side / 2)


def add_facade(level: Level, plan: Plan, frame: Frame) -> None:
    """Outer walls between the columns with their windows; glass at the entrance; earth walls below."""
    side = COLUMN_M if plan.number < 8 else 0.5
    height = level.height - BEAM_M
    below = plan.number < 0
    name, inset = ("挡土墙 300", 0.15) if below else ("外墙 240", EDGE)
    xs = [inward(x, side, frame.width) for x in frame.x[::2]]
    for bay, (west, east) in enumerate(pairwise(xs)):
        start, end = west + side / 2, east - side / 2
        for y in (inset, frame.depth - inset):
            front, shaft = y == inset, y != inset and bay == 3
            if front and plan.number in {1, 2} and bay in {2, 3}:
                _curtain(level, (start, end), y, height, entrance=plan.number == 1 and bay == 2)
                continue
            sets = [] if below or shaft else _windows(frame, bay, start, front, plan.number)
            level.wall(name, (start, y), (end, y), height, sets)
    ys = [inward(y, side, frame.depth) for y in frame.y]
    for x in (inset, frame.width - inset):
        for row, (south, north) in enumerate(pairwise(ys)):
            start, end = south + side / 2, north - side / 2
            window = () if below or row != 1 else (Set("C1518 推拉窗", (end - start) / 2, 0.9),)
            level.wall(name, (x, start), (x, end), height, window)


def _windows(frame: Frame, bay: int, start: float, front: bool, number: int) -> list[Set]:
    """A window for each module of a bay; stairs and shafts have a small one or none."""
    sets = []
    for module in (2 * bay, 2 * bay + 1):
        middle = (frame.x[module] + frame.x[module + 1]) / 2 - start
        if front:
            sets.append(Set("C2418 推拉窗", middle, 0.9))
        elif module in {0, 11}:
            sets.append(Set("C1215 上悬窗", middle, 1.1))
        elif module != 1 or number > 0:
            sets.append(Set("C1518 推拉窗", middle, 0.9))
    return sets


def _curtain(level: Level, span: tuple[float, float], y: float, height: float, *, entrance: bool) -> None:
    """A curtain wall of posts, rails and panes; the one at the entrance leaves the door free."""
    draft, shapes = level.draft, level.draft.shapes
    place = shapes.placement(level.place, (span[0], y, 0.0))
    whole = draft.element("CurtainWall", f"玻璃幕墙 {level.name}", level.storey, place)
    draft.properties(whole, "Pset_CurtainWallCommon", {"IsExternal": True, "FireRating": "1.00 h"})
    panes, length = 5, span[1] - span[0]
    step = (length - 0.06) / panes
    doors = {2, 3} if entrance else set()
    for post in range(panes + 1):
        if entrance and post == 3:
            continue
        _part(level, whole, place, "Member", "幕墙立柱", "钢", (post * step, -0.07, 0.0, 0.06, 0.14, height))
    rows = (0.0, 2.7, height - 0.06)
    for pane in range(panes):
        for low, high in pairwise(rows):
            if pane in doors and low == 0.0:
                continue
            box = (pane * step + 0.06, -0.015, low + 0.06, step - 0.06, 0.03, high - low - 0.06)
            _part(level, whole, place, "Plate", "幕墙玻璃", "玻璃", box)
        for row in rows[1:] if pane in doors else rows:
            _part(
                level,
                whole,
                place,
                "Member",
                "幕墙横梁",
                "钢",
                (pane * step + 0.06, -0.05, row, step - 0.06, 0.1, 0.06),
            )

    if entrance:
        at = shapes.placement(place, (3 * step + 0.03, 0.0, 0.0))
        name = "BM2527 自动玻璃门"
        door = draft.element("Door", f"{name} {level.name}", level.storey, at, of=name, PredefinedType="DOOR")
        door.OverallHeight, door.OverallWidth = shapes.length(2.7), shapes.length(2.5)
        door.OperationType = "DOUBLE_DOOR_SLIDING"


def _part(
    level: Level,
    whole: Entity,
    place: Entity,
    entity: str,
    name: str,
    material: str,
    box: Box,
) -> None:
    draft = level.draft
    shape = draft.shapes.body(draft.body, (draft.shapes.box(box),))
    own = draft.shapes.placement(place, (0.0, 0.0, 0.0))
    kind = "MULLION" if entity == "Member" else "CURTAIN_PANEL"
    draft.element(entity, f"{name} {level.name}", None, own, shape, material=material, whole=whole, PredefinedType=kind)


def add_roof(level: Level, frame: Frame) -> None:
    """The roof with its parapet, and the houses of the stairs and the lift machines."""
    stairs = [frame.stair(0), frame.stair(11)]
    level.slab("屋面板 150", frame.outline, ROOF_M, [Rect(r.west, r.south + 1.8, r.east, r.north) for r in stairs])
    edge = EDGE
    for start, end in (
        ((0.0, edge), (frame.width, edge)),
        ((0.0, frame.depth - edge), (frame.width, frame.depth - edge)),
        ((edge, 2 * edge), (edge, frame.depth - 2 * edge)),
        ((frame.width - edge, 2 * edge), (frame.width - edge, frame.depth - 2 * edge)),
    ):
        level.wall("女儿墙 240", start, end, PARAPET_M)
    houses = ((0, 1, "1号楼梯间"), (11, 12, "2号楼梯间"), (6, 8, "电梯机房"))
    for number, (first, last, name) in enumerate(houses):
        west, east, south, north = frame.x[first], frame.x[last], frame.y[2], frame.depth - 3 * EDGE
        west, east = max(west, 3 * EDGE), min(east, frame.width - 3 * EDGE)
        door = [Set("FM甲1521 甲级防火门" if number == 2 else "FM乙1221 乙级防火门", (east - west) / 2)]
        level.wall("外墙 240", (west, south), (east, south), 3.6, door)
        level.wall("外墙 240", (west, north), (east, north), 3.6)
        for x in (west, east):
            level.wall("外墙 240", (x, south + EDGE), (x, north - EDGE), 3.6)
        level.slab("屋面板 150", Rect(west - EDGE, south - EDGE, east + EDGE, north + EDGE), ROOF_M, top=3.6 + ROOF_M)
        rect = Rect(west + EDGE, south + EDGE, east - EDGE, north - EDGE)
        level.room(f"RF{number + 1}", name, rect, ("12-15.10.20", "机房"), "设备", 3.6)
