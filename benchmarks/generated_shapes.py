"""Shapes of a generated IFC file: extrusions, meshes, and the types whose shape is placed many times."""

import itertools
from collections.abc import Sequence

from benchmarks.generated_model import Model
from benchmarks.step_text import Raw, Ref, Value

Box = tuple[float, float, float, float, float, float]
"""Least x, y, z and the size along each, in millimetres."""
DOORS = {
    "单扇门 900x2100": (900.0, 2100.0),
    "双扇门 1500x2100": (1500.0, 2100.0),
    "甲级防火门 1200x2100": (1200.0, 2100.0),
}
WINDOWS = {
    "推拉窗 1500x1500": (1500.0, 1500.0),
    "推拉窗 1800x1500": (1800.0, 1500.0),
    "固定窗 900x1500": (900.0, 1500.0),
}
COLUMNS = {"方柱 600x600": (600.0, 600.0), "方柱 500x700": (500.0, 700.0)}
MATERIALS = {
    "混凝土": (0.72, 0.72, 0.70),
    "加气砌块": (0.90, 0.88, 0.84),
    "木": (0.62, 0.44, 0.26),
    "钢": (0.55, 0.57, 0.60),
    "玻璃": (0.62, 0.80, 0.88),
}
BOX_SIDES = ((0, 3, 2, 1), (4, 5, 6, 7), (0, 1, 5, 4), (1, 2, 6, 5), (2, 3, 7, 6), (3, 0, 4, 7))


def extrusion(model: Model, outline: Sequence[tuple[float, float]], depth: float, z: float = 0.0) -> Ref:
    """A closed outline raised by ``depth`` from height ``z``."""
    add = model.step.add
    points = [add("IFCCARTESIANPOINT", point) for point in outline]
    curve = add("IFCPOLYLINE", [*points, points[0]])
    profile = add("IFCARBITRARYCLOSEDPROFILEDEF", Raw(".AREA."), None, curve)
    return _raised(model, profile, (0.0, 0.0, z), depth)


def box(model: Model, size: Box) -> Ref:
    """An upright box."""
    add = model.step.add
    x, y, z, dx, dy, dz = size
    middle = add("IFCAXIS2PLACEMENT2D", add("IFCCARTESIANPOINT", (x + dx / 2, y + dy / 2)), None)
    profile = add("IFCRECTANGLEPROFILEDEF", Raw(".AREA."), None, middle, dx, dy)
    return _raised(model, profile, (0.0, 0.0, z), dz)


def pipe(model: Model, radius: float, length: float) -> Ref:
    """A full round bar along x."""
    add = model.step.add
    middle = add("IFCAXIS2PLACEMENT2D", add("IFCCARTESIANPOINT", (0.0, 0.0)), None)
    profile = add("IFCCIRCLEPROFILEDEF", Raw(".AREA."), None, middle, radius)
    x, z = add("IFCDIRECTION", (0.0, 1.0, 0.0)), add("IFCDIRECTION", (1.0, 0.0, 0.0))
    place = add("IFCAXIS2PLACEMENT3D", add("IFCCARTESIANPOINT", (0.0, 0.0, 0.0)), z, x)
    return add("IFCEXTRUDEDAREASOLID", profile, place, add("IFCDIRECTION", (0.0, 0.0, 1.0)), length)


def mesh(model: Model, boxes: Sequence[Box]) -> Ref:
    """Boxes as one body of faces, as scanned and bought parts are given."""
    points: list[Value] = []
    faces: list[Value] = []
    for x, y, z, dx, dy, dz in boxes:
        first = len(points) + 1
        ring = ((x, y), (x + dx, y), (x + dx, y + dy), (x, y + dy))
        points += [(*corner, level) for level in (z, z + dz) for corner in ring]
        for side in BOX_SIDES:
            a, b, c, d = (first + corner for corner in side)
            faces += [(a, b, c), (a, c, d)]
    coordinates = model.step.add("IFCCARTESIANPOINTLIST3D", points)
    return model.step.add("IFCTRIANGULATEDFACESET", coordinates, None, True, faces, None)


def body(model: Model, items: Sequence[Ref], kind: str = "SweptSolid", axis: Ref | None = None) -> Ref:
    """The shape of a product from the items of its body, and its axis where it has one."""
    shown = [model.step.add("IFCSHAPEREPRESENTATION", model.body, "Body", kind, items)]
    if axis is not None:
        shown.insert(0, model.step.add("IFCSHAPEREPRESENTATION", model.axis, "Axis", "Curve2D", (axis,)))
    return model.step.add("IFCPRODUCTDEFINITIONSHAPE", None, None, shown)


def placed(model: Model, name: str) -> Ref:
    """The shape of a type once more."""
    add = model.step.add
    origin = add("IFCCARTESIANPOINT", (0.0, 0.0, 0.0))
    where = add("IFCCARTESIANTRANSFORMATIONOPERATOR3D", None, None, origin, None, None)
    return body(model, [add("IFCMAPPEDITEM", model.maps[name], where)], "MappedRepresentation")


def add_shared(model: Model) -> None:
    """Materials with their colours, and the types of everything."""
    styles = {name: _material(model, name, colour) for name, colour in MATERIALS.items()}
    for name, (width, height) in DOORS.items():
        half, leaf = width / 2, (-width / 2 + 50, -20.0, 0.0, width - 100, 40.0, height - 50)
        frame = [(-half, -50.0, 0.0, 50.0, 100.0, height), (half - 50, -50.0, 0.0, 50.0, 100.0, height)]
        lintel, handle = (-half, -50.0, height - 50, width, 100.0, 50.0), (half - 150, -60.0, 1000.0, 30.0, 120.0, 30.0)
        _type(
            model,
            "DOOR",
            name,
            [*frame, lintel, leaf, handle],
            styles["木"],
            ".DOOR.",
            ".SINGLE_SWING_LEFT.",
            None,
            None,
        )
    for name, (width, height) in WINDOWS.items():
        bars = [(x, -40.0, 0.0, 50.0, 80.0, height) for x in (-width / 2, -25.0, width / 2 - 50)]
        bars += [(-width / 2, -40.0, z, width, 80.0, 50.0) for z in (0.0, height - 50)]
        panes = [(x, -5.0, 50.0, width / 2 - 75, 10.0, height - 100) for x in (-width / 2 + 50, 25.0)]
        _type(model, "WINDOW", name, [*bars, *panes], styles["玻璃"], ".WINDOW.", ".DOUBLE_PANEL_VERTICAL.", None, None)
    for name, (width, depth) in COLUMNS.items():
        _type(
            model, "COLUMN", name, [(-width / 2, -depth / 2, 0.0, width, depth, 3600.0)], styles["混凝土"], ".COLUMN."
        )
    _furniture(model, styles)
    for entity, name in (
        ("WALL", "外墙 240"),
        ("WALL", "隔墙 120"),
        ("SLAB", "楼板 120"),
        ("BEAM", "主梁 300x600"),
        ("DUCTSEGMENT", "圆形风管"),
    ):
        _type(model, entity, name, [], None, ".NOTDEFINED.")


def _furniture(model: Model, styles: dict[str, Ref]) -> None:
    legs = [(x, y, 0.0, 50.0, 50.0, 700.0) for x, y in itertools.product((0.0, 1350.0), (0.0, 650.0))]
    drawers = [(950.0, 50.0, 100.0 + 190 * k, 400.0, 600.0, 170.0) for k in range(3)]
    _type(
        model,
        "FURNITURE",
        "办公桌",
        [*legs, *drawers, (0.0, 0.0, 700.0, 1400.0, 700.0, 30.0)],
        styles["木"],
        ".NOTDEFINED.",
        ".DESK.",
    )
    spokes = [(200.0 + 90 * k, 200.0 + 90 * j, 0.0, 60.0, 60.0, 430.0) for k in range(2) for j in range(2)]
    slats = [(0.0 + 45 * k, 470.0, 450.0, 35.0, 30.0, 450.0) for k in range(11)]
    _type(
        model,
        "FURNITURE",
        "办公椅",
        [*spokes, *slats, (0.0, 0.0, 430.0, 500.0, 500.0, 60.0)],
        styles["钢"],
        ".NOTDEFINED.",
        ".CHAIR.",
        meshed=True,
    )
    shelves = [(0.0, 0.0, 350.0 * k, 900.0, 400.0, 20.0) for k in range(7)]
    sides = [(x, 0.0, 0.0, 20.0, 400.0, 2120.0) for x in (-20.0, 900.0)]
    _type(model, "FURNITURE", "文件柜", [*shelves, *sides], styles["木"], ".NOTDEFINED.", ".SHELF.")
    head = [(-15.0, -15.0, -60.0, 30.0, 30.0, 60.0), (-30.0, -30.0, -80.0, 60.0, 60.0, 8.0)]
    _type(model, "FIRESUPPRESSIONTERMINAL", "喷头", head, styles["钢"], ".SPRINKLER.")
    vanes = [(-200.0 + 50 * k, -200.0, -30.0, 8.0, 400.0, 30.0) for k in range(9)]
    _type(model, "AIRTERMINAL", "散流器", vanes, styles["钢"], ".DIFFUSER.")


def _type(
    model: Model,
    entity: str,
    name: str,
    boxes: Sequence[Box],
    style: Ref | None,
    *rest: str | None,
    meshed: bool = False,
) -> None:
    maps = None
    if boxes:
        items = [mesh(model, boxes)] if meshed else [box(model, each) for each in boxes]
        for item in items:
            model.step.add("IFCSTYLEDITEM", item, (style,), None)
        shape = model.step.add(
            "IFCSHAPEREPRESENTATION", model.body, "Body", "Tessellation" if meshed else "SweptSolid", items
        )
        model.maps[name] = model.step.add("IFCREPRESENTATIONMAP", model.origin, shape)
        maps = (model.maps[name],)
    values: dict[str, tuple[str, Value]] = {
        "制造商": ("IFCLABEL", "合成厂家"),
        "型号": ("IFCLABEL", name),
        "造价": ("IFCREAL", 1200.0),
    }
    psets = [model.property_set(f"type {name}", "类型参数", values)]
    if entity == "DOOR":
        rating = {"FireRating": ("IFCLABEL", "甲级" if "防火" in name else "无"), "IsExternal": ("IFCBOOLEAN", False)}
        psets.append(model.property_set(f"type {name}", "Pset_DoorCommon", rating))
    own = [None if item is None else Raw(item) for item in rest]
    model.types[name] = model.rooted(
        f"IFC{entity}TYPE", f"type {name}", name, None, None, psets, maps, None, None, *own
    )


def _material(model: Model, name: str, colour: tuple[float, float, float]) -> Ref:
    add = model.step.add
    model.materials[name] = add("IFCMATERIAL", name, None, None)
    shade = add("IFCSURFACESTYLESHADING", add("IFCCOLOURRGB", None, *colour), 0.6 if name == "玻璃" else 0.0)
    return add("IFCSURFACESTYLE", name, Raw(".BOTH."), (shade,))


def _raised(model: Model, profile: Ref, at: tuple[float, float, float], depth: float) -> Ref:
    add = model.step.add
    place = add("IFCAXIS2PLACEMENT3D", add("IFCCARTESIANPOINT", at), None, None)
    return add("IFCEXTRUDEDAREASOLID", profile, place, add("IFCDIRECTION", (0.0, 0.0, 1.0)), depth)
