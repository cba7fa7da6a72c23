"""Pipes, ducts and what hangs on them in the hospital: sprinklers, hydrants, air, light, smoke detectors."""

from data_samples.bim.hospital_outside import Frame
from data_samples.bim.level import Level
from data_samples.bim.shapes import Box, Entity

SPRINKLERS = ("DistributionSystem.FIREPROTECTION", "自动喷水灭火系统")
HYDRANTS = ("DistributionSystem.FIREPROTECTION", "室内消火栓系统")
ALARM = ("DistributionSystem.SECURITY", "火灾自动报警系统")
AIR = ("DistributionSystem.VENTILATION", "新风系统")
LIGHT = ("DistributionSystem.LIGHTING", "照明系统")


def add_services(level: Level, frame: Frame, spaces: dict[str, Entity], *, basement: bool) -> None:
    """Everything below the slab of a storey; a basement has no fresh air of its own."""
    top = level.clear
    middle = (frame.y[1] + frame.y[2]) / 2
    rows = ((frame.y[0] + 1.9, frame.y[1] - 1.9), (middle, middle), (frame.y[2] + 1.9, frame.y[3] - 1.9))
    _pipe(level, (frame.x[0] + 0.5, middle - 0.7, top - 0.45), frame.x[-1] - frame.x[0] - 1.0, 0.075)
    for module in range(12):
        x = (frame.x[module] + frame.x[module + 1]) / 2
        north = module in {0, 6, 7, 11}
        _branch(level, (x, frame.y[0] + 1.6, top - 0.35), (middle if north else frame.y[3] - 1.6) - frame.y[0] - 1.6)
        for row, ys in enumerate(rows):
            if row == 2 and north:
                continue
            for y in sorted(set(ys)):
                _hang(level, "FireSuppressionTerminal", "下垂型喷头 68℃", (x, y, top - 0.4), SPRINKLERS)
        _hang(level, "LightFixture", "LED 平板灯 36W", (x, middle, top - 0.3), LIGHT)
        _hang(level, "LightFixture", "LED 平板灯 36W", (x, (frame.y[0] + frame.y[1]) / 2, top - 0.3), LIGHT)
        for y in ((frame.y[0] + frame.y[1]) / 2 + 0.8, middle + 0.5):
            _hang(level, "Sensor", "点型感烟探测器", (x, y, top - 0.06), ALARM)
        if not basement:
            _air(level, frame, module, x, top)
    for x in (frame.x[1] + 0.7, frame.x[6] - 0.7, frame.x[11] - 0.7):
        _hang(level, "FireSuppressionTerminal", "室内消火栓箱 SN65", (x, frame.y[2] - 0.22, 0.8), HYDRANTS)


def _air(level: Level, frame: Frame, module: int, x: float, top: float) -> None:
    """A piece of the main duct above the corridor, a branch to the south and its outlet."""
    middle = (frame.y[1] + frame.y[2]) / 2
    width = 0.8 - 0.03 * module
    length = frame.x[module + 1] - frame.x[module] - 0.02
    _duct(level, (frame.x[module], middle + 0.45, top - 0.75), (1.0, 0.0), (0.0, -width / 2, 0.0, length, width, 0.32))
    start = middle + 0.45 - width / 2
    end = (frame.y[0] + frame.y[1]) / 2
    _duct(level, (x, start, top - 0.7), (0.0, -1.0), (0.0, -0.16, 0.0, start - end, 0.32, 0.2))
    _hang(level, "AirTerminal", "方形散流器 400", (x, end, top - 0.95), AIR)


def _duct(level: Level, at: tuple[float, float, float], along: tuple[float, float], box: Box) -> None:
    draft = level.draft
    shape = draft.shapes.body(draft.body, (draft.shapes.box(box),))
    made = draft.element(
        "DuctSegment",
        f"镀锌钢板风管 {level.name}",
        level.storey,
        draft.shapes.placement(level.place, at, along),
        shape,
        of="镀锌钢板风管",
        material="镀锌钢板",
        system=AIR,
        PredefinedType="RIGIDSEGMENT",
    )
    draft.quantities(
        made, "Qto_DuctSegmentBaseQuantities", {"Length": box[3], "OuterSurfaceArea": 2 * (box[4] + box[5]) * box[3]}
    )


def _pipe(
    level: Level, at: tuple[float, float, float], length: float, radius: float, along: tuple[float, float] = (1.0, 0.0)
) -> None:
    draft = level.draft
    shape = draft.shapes.body(draft.body, (draft.shapes.bar(radius, length),))
    draft.element(
        "PipeSegment",
        f"镀锌钢管 {level.name}",
        level.storey,
        draft.shapes.placement(level.place, at, along),
        shape,
        of="镀锌钢管",
        material="钢",
        system=SPRINKLERS,
        PredefinedType="RIGIDSEGMENT",
    )


def _branch(level: Level, at: tuple[float, float, float], length: float) -> None:
    _pipe(level, at, length, 0.025, (0.0, 1.0))


def _hang(level: Level, entity: str, name: str, at: tuple[float, float, float], system: tuple[str, str]) -> None:
    level.stand(name, entity, level.storey, at, system=system)
