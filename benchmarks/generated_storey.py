"""One storey of a generated IFC file: offices on both sides of a corridor, with what is in them.

Lengths are millimetres. Walls stand at places that vary from bay to bay and storey to storey, so most of them have a
length of their own.
"""

import math

from benchmarks import generated_shapes as shapes
from benchmarks.generated_elements import SLAB_MM, Storey
from benchmarks.generated_model import Model
from benchmarks.step_text import Raw, Ref

BAYS, BAY = 18, 3600.0
DEPTH, CORRIDOR = 15_000.0, 2400.0
HEIGHT = 3480.0
OUTER, INNER = 240.0, 120.0


def write_storey(model: Model, storey: Ref, placement: Ref, key: str) -> None:
    """Write everything of a storey; ``key`` makes its GlobalIds."""
    made = Storey(model, key, placement)
    walls = [0.0, *(BAY * k + made.jitter(f"bay {k}", 280.0) for k in range(1, BAYS)), BAY * BAYS]
    near = (DEPTH - CORRIDOR) / 2 + made.jitter("corridor", 200.0)
    _frame(made)
    _outer_walls(made, walls)
    for side, (front, back) in enumerate(((0.0, near), (near + CORRIDOR, DEPTH))):
        _rooms(made, walls, side, front, back)
    _services(made, near + CORRIDOR / 2)
    model.rooted("IFCRELCONTAINEDINSPATIALSTRUCTURE", f"{key} contains", None, None, made.elements, storey)
    model.rooted("IFCRELAGGREGATES", f"{key} rooms", None, None, storey, made.spaces)


def _wall(
    made: Storey, name: str, start: tuple[float, float], end: tuple[float, float], width: float
) -> tuple[Ref, Ref, float]:
    """A wall between two points; it, its placement and its length."""
    model, add = made.model, made.model.step.add
    length = math.dist(start, end)
    along = ((end[0] - start[0]) / length, (end[1] - start[1]) / length)
    placement = model.place(made.placement, (*start, 0.0), along)
    ends = [add("IFCCARTESIANPOINT", (x, 0.0)) for x in (0.0, length)]
    height = made.own_height(HEIGHT)
    solid = shapes.box(model, (0.0, -width / 2, 0.0, length, width, height))
    shape = shapes.body(model, [solid], axis=add("IFCPOLYLINE", ends))
    material = "混凝土" if width == OUTER else "加气砌块"
    wall = made.element(
        "Wall", name, placement, shape, Raw(".NOTDEFINED."), of=name, material=material, size=(length, width, height)
    )
    return wall, placement, length


def _fill(made: Storey, wall: tuple[Ref, Ref, float], kind: str, name: str, sill: float, width: float) -> None:
    """An opening in the middle of a wall with a door or window in it."""
    model = made.model
    wide, high = (shapes.DOORS if kind == "Door" else shapes.WINDOWS)[name]
    placement = model.place(wall[1], (wall[2] / 2, 0.0, sill))
    solid = shapes.box(model, (-wide / 2, -width / 2 - 50, 0.0, wide, width + 100, high))
    key = f"{made.key} opening {made.made}"
    opening = model.rooted(
        "IFCOPENINGELEMENT", key, "洞口", None, None, placement, shapes.body(model, [solid]), None, Raw(".OPENING.")
    )
    model.rooted("IFCRELVOIDSELEMENT", f"{key} voids", None, None, wall[0], opening)
    inside = model.place(placement, (0.0, 0.0, 0.0))
    style = Raw(".SINGLE_SWING_LEFT." if kind == "Door" else ".DOUBLE_PANEL_VERTICAL.")
    rest = (high, wide, Raw(f".{kind.upper()}."), style, None)
    filler = made.element(kind, name, inside, shapes.placed(model, name), *rest, of=name, size=(wide, 100.0, high))
    model.rooted("IFCRELFILLSELEMENT", f"{key} filled", None, None, opening, filler)


def _outer_walls(made: Storey, walls: list[float]) -> None:
    names = list(shapes.WINDOWS)
    for side, y in enumerate((0.0, DEPTH)):
        for bay in range(BAYS):
            wall = _wall(made, "外墙 240", (walls[bay], y), (walls[bay + 1], y), OUTER)
            _fill(made, wall, "Window", names[(bay * 7 + side) % len(names)], 900.0, OUTER)
    for x in (0.0, BAY * BAYS):
        _wall(made, "外墙 240", (x, 0.0), (x, DEPTH), OUTER)


def _rooms(made: Storey, walls: list[float], side: int, front: float, back: float) -> None:
    model = made.model
    inner_y = back if side == 0 else front
    for bay in range(BAYS):
        west, east = walls[bay], walls[bay + 1]
        wall = _wall(made, "隔墙 120", (west, inner_y), (east, inner_y), INNER)
        doors = list(shapes.DOORS)
        _fill(made, wall, "Door", doors[2 if bay in {0, BAYS - 1} else bay % 2], 0.0, INNER)
        if bay:
            _wall(made, "隔墙 120", (west, front), (west, back), INNER)
        name = f"{side * BAYS + bay + 1:02d} 办公室"
        corners = ((west, front), (east, front), (east, back), (west, back))
        shape = shapes.body(model, [shapes.extrusion(model, corners, HEIGHT)])
        space = model.rooted(
            "IFCSPACE",
            f"{made.key} room {side} {bay}",
            name,
            None,
            None,
            model.place(made.placement, (0.0, 0.0, 0.0)),
            shape,
            "办公室",
            Raw(".ELEMENT."),
            Raw(".INTERNAL."),
            None,
        )
        made.spaces.append(space)
        _furnish(made, west, east, front, back)


def _furnish(made: Storey, west: float, east: float, front: float, back: float) -> None:
    middle = (west + east) / 2
    for name, x, y in (
        ("办公桌", west + 300, front + 900),
        ("办公桌", west + 300, front + 2700),
        ("办公椅", middle, front + 900),
        ("办公椅", middle, front + 2700),
        ("文件柜", east - 1300, back - 900),
    ):
        place = made.model.place(made.placement, (x, y, 0.0))
        made.element(
            "Furniture", name, place, shapes.placed(made.model, name), Raw(".NOTDEFINED."), of=name, material="木"
        )


def _frame(made: Storey) -> None:
    """Slab, columns and beams."""
    model = made.model
    stair = (
        (0.0, 0.0),
        (BAY * BAYS, 0.0),
        (BAY * BAYS, DEPTH),
        (6000 + made.jitter("stair", 900.0), DEPTH),
        (0.0, DEPTH),
    )
    place = model.place(made.placement, (0.0, 0.0, -SLAB_MM))
    shape = shapes.body(model, [shapes.extrusion(model, stair, made.own_height(SLAB_MM))])
    made.element(
        "Slab",
        "楼板 120",
        place,
        shape,
        Raw(".FLOOR."),
        of="楼板 120",
        material="混凝土",
        size=(BAY * BAYS, DEPTH, SLAB_MM),
    )
    for column in range(0, BAYS + 1, 2):
        for row, y in enumerate((0.0, 5800.0, 9200.0, DEPTH)):
            name = list(shapes.COLUMNS)[row % 2]
            place = model.place(made.placement, (column * BAY, y, 0.0))
            made.element("Column", name, place, shapes.placed(model, name), Raw(".COLUMN."), of=name, material="混凝土")
            if column < BAYS:
                length = 2 * BAY - 600 + made.jitter(f"beam {column} {row}", 40.0)
                place = model.place(made.placement, (column * BAY + 300, y, HEIGHT - 600))
                solid = shapes.box(model, (0.0, -150.0, 0.0, length, 300.0, made.own_height(600.0)))
                made.element(
                    "Beam",
                    "主梁 300x600",
                    place,
                    shapes.body(model, [solid]),
                    Raw(".BEAM."),
                    of="主梁 300x600",
                    material="混凝土",
                    size=(length, 300.0, 600.0),
                )


def _services(made: Storey, middle: float) -> None:
    """Ducts, diffusers and sprinklers above the corridor and the rooms, and parts with a mesh of their own."""
    model = made.model
    for bay in range(BAYS):
        length = BAY - 100 + made.jitter(f"duct {bay}", 60.0)
        place = model.place(made.placement, (bay * BAY, middle, 3000.0))
        shape = shapes.body(model, [shapes.pipe(model, 160.0 + 10 * (bay % 4), length)])
        duct = made.element(
            "DuctSegment",
            "圆形风管",
            place,
            shape,
            Raw(".RIGIDSEGMENT."),
            of="圆形风管",
            material="钢",
            size=(length, 320.0, 320.0),
        )
        model.of_system["送风系统"].append(duct)
        for y in (2500.0, middle, DEPTH - 2500):
            place = model.place(made.placement, (bay * BAY + 1800, y, 2900.0))
            shape = shapes.placed(model, "喷头")
            head = made.element(
                "FireSuppressionTerminal", "喷头", place, shape, Raw(".SPRINKLER."), of="喷头", material="钢"
            )
            model.of_system["自动喷水灭火系统"].append(head)
        place = model.place(made.placement, (bay * BAY + 900, middle, 2950.0))
        vent = made.element(
            "AirTerminal",
            "散流器",
            place,
            shapes.placed(model, "散流器"),
            Raw(".DIFFUSER."),
            of="散流器",
            material="钢",
        )
        model.of_system["送风系统"].append(vent)
    for part in range(6):
        bulk = [
            (k * 70.0 + made.jitter(f"part {part} {k}", 30.0), 0.0, 0.0, 50.0, 400.0, made.own_height(300.0 + 20 * k))
            for k in range(14)
        ]
        place = model.place(made.placement, (part * 10_000 + 1500, middle, 0.0))
        shape = shapes.body(model, [shapes.mesh(model, bulk)], "Tessellation")
        made.element(
            "BuildingElementProxy",
            "设备",
            place,
            shape,
            Raw(".NOTDEFINED."),
            material="钢",
            size=(1000.0, 400.0, 600.0),
        )
