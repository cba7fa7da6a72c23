"""Stairs of two flights with a landing between, as parts of one whole."""

import math

from data_samples.bim.level import Level, Rect
from data_samples.bim.shapes import Entity


def add_stair(level: Level, name: str, rect: Rect, entry_south: bool) -> Entity:
    """A stair of two flights and a landing in a clear rectangle; it begins at the south or the north side."""
    draft = level.draft
    turn = (1.0, 0.0) if entry_south else (-1.0, 0.0)
    corner = (rect.west, rect.south) if entry_south else (rect.east, rect.north)
    place = draft.shapes.placement(level.place, (*corner, 0.0), turn)
    stair = draft.element("Stair", f"{name} {level.name}", level.storey, place, PredefinedType="HALF_TURN_STAIR")
    draft.properties(stair, "Pset_StairCommon", {"Reference": name, "FireExit": True, "FireRating": "1.50 h"})
    wide, deep = rect.east - rect.west, rect.north - rect.south
    risers = math.ceil(level.height / 2 / 0.165)
    rise, tread = level.height / 2 / risers, 0.27
    run, flight = (risers - 1) * tread, (wide - 0.1) / 2
    first = 1.8 if deep - run > 3.4 else (deep - run) / 2
    for number, (x, up) in enumerate(((0.0, True), (flight + 0.1, False))):
        base = 0.0 if up else level.height / 2
        outline = _steps(first if up else first + run, 1.0 if up else -1.0, risers, rise, tread, base)
        shape = draft.shapes.body(draft.body, (draft.shapes.sheet(outline, flight),))
        own = draft.shapes.placement(place, (x, 0.0, 0.0))
        draft.element(
            "StairFlight",
            f"梯段 {name} {level.name}",
            None,
            own,
            shape,
            of="梯段",
            material="钢筋混凝土",
            whole=stair,
            PredefinedType="STRAIGHT",
            NumberOfRisers=risers,
            NumberOfTreads=risers - 1,
        )
        rail = _rail(first if up else first + run, 1.0 if up else -1.0, run, rise * risers, base)
        shape = draft.shapes.body(draft.body, (draft.shapes.sheet(rail, 0.05),))
        side = flight - 0.05 if number == 0 else 0.0
        own = draft.shapes.placement(place, (x + side, 0.0, 0.0))
        draft.element(
            "Railing",
            f"楼梯栏杆 {name} {level.name}",
            None,
            own,
            shape,
            of="楼梯栏杆",
            material="钢",
            whole=stair,
            PredefinedType="HANDRAIL",
        )
    landing = draft.shapes.prism(
        ((0.0, first + run), (wide, first + run), (wide, deep), (0.0, deep)), 0.12, level.height / 2 - 0.12
    )
    own = draft.shapes.placement(place, (0.0, 0.0, 0.0))
    shape = draft.shapes.body(draft.body, (landing,))
    draft.element(
        "Slab",
        f"休息平台 {name} {level.name}",
        None,
        own,
        shape,
        material="钢筋混凝土",
        whole=stair,
        PredefinedType="LANDING",
    )
    return stair


def _steps(start: float, way: float, risers: int, rise: float, tread: float, base: float) -> list[tuple[float, float]]:
    """The section of a flight: steps above, a sloped soffit below."""
    y, z = start, base
    line = [(y, z)]
    for step in range(risers):
        z += rise
        line.append((y, z))
        if step < risers - 1:
            y += way * tread
            line.append((y, z))
    line += (
        [(y, z - 0.16 - rise), (start, base - 0.16)] if base else [(y, z - 0.16 - rise), (start + way * tread, base)]
    )
    return line


def _rail(start: float, way: float, run: float, rise: float, base: float) -> list[tuple[float, float]]:
    end = start + way * run
    return [(start, base + 0.85), (end, base + rise + 0.85), (end, base + rise + 0.95), (start, base + 0.95)]
