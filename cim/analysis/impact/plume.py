"""Gas cloud 气体扩散: where a released gas is above harmful concentrations; for dense gases the distances to keep."""

import asyncio
from collections.abc import Sequence
from typing import Any, Literal

from pydantic import Field

from cim.analysis.analysis import Analysis, Parameters
from cim.analysis.context import Context
from cim.analysis.impact.contours import RELIABLE_M, Contour, contour
from cim.analysis.impact.dense import dense_answer
from cim.analysis.impact.dispersion import (
    MOST_WIND_M_S,
    Air,
    Plume,
    Puff,
    Sky,
    Stability,
    Terrain,
    checked_wind,
    stability_of,
)
from cim.analysis.impact.shapes import Point, downwind, drawn, laid, stated, wind_from_field
from cim.analysis.impact.substances import (
    UNCHECKED,
    Spill,
    State,
    Substance,
    Threshold,
    mg_m3,
    substance_data,
    the_substance,
)
from cim.analysis.place import place_field, place_of
from cim.errors import BadRequest
from cim.model.analysis import Answer, Column, Finding, Place, Table, Title

METHOD = (
    "高斯扩散公式（地面全反射），连续源用 Briggs（1973）扩散参数，瞬时源用 Slade（1968）烟团参数；"
    "平坦地面、定常风、被动扩散，未计地形、建筑、沉降、反应和热抬升"
)
ERROR = "平坦开阔地 0.1–10 千米内浓度误差约 2–3 倍，风向偏差、静稳天气和复杂地形下更大"
STATEMENT = "本结果是按公式的估算，用于初期处置，须以现场监测修正，不代替专业预测。"
CLASS_NAMES = {"A": "极不稳定", "B": "不稳定", "C": "弱不稳定", "D": "中性", "E": "较稳定", "F": "稳定"}


class PlumeParameters(Parameters):
    """What is released where and how fast, and the weather."""

    place: Any = place_field()
    substance: str = Field(
        title="物质 Substance", max_length=60, description="名称、CAS 号或 UN 号 name, CAS or UN number"
    )
    state: State | None = Field(
        None,
        title="泄漏形态 State",
        description="气态 gas、液化 liquefied、液池蒸发 evaporating；不填按该物质最常见的",
    )
    release: Literal["continuous", "instantaneous"] = Field("continuous", title="泄漏方式 Release")
    rate_kg_s: float | None = Field(None, title="泄漏速率 Rate (kg/s)", gt=0, le=10_000)
    mass_kg: float | None = Field(None, title="泄漏量 Mass (kg)", gt=0, le=10_000_000)
    height_m: float = Field(1.0, title="泄漏高度 Source height (m)", ge=0, le=300)
    receptor_m: float = Field(1.5, title="计算高度 Receptor height (m)", ge=0, le=100)
    wind_m_s: float = Field(2.0, title="10 米风速 Wind at 10 m (m/s)", ge=0, le=MOST_WIND_M_S)
    wind_from_deg: float = wind_from_field()
    sky: Sky = Field(
        "night-clear", title="天空 Sky", description="强、中、弱日照，阴天，夜间多云，夜间少云；决定稳定度"
    )
    stability: Stability | None = Field(None, title="稳定度 Stability class", description="由风速和天空确定，除非给出")
    terrain: Terrain = Field("rural", title="下垫面 Ground")
    mixing_m: float | None = Field(None, title="混合层高度 Mixing height (m)", ge=50, le=5_000)
    temperature_c: float = Field(20.0, title="气温 Temperature (°C)", ge=-40, le=50)
    pressure_kpa: float = Field(95.0, title="气压 Pressure (kPa)", ge=50, le=110)
    levels_mg_m3: list[float] = Field(
        default_factory=list,
        title="浓度 Concentrations (mg/m3)",
        max_length=8,
        description="不填用该物质的阈值 the substance's thresholds when left out",
    )
    spill: Spill = Field(
        "large", title="泄漏规模 Spill", description="重气用：小量、大量、储罐或槽车整车 for dense gases"
    )
    night: bool | None = Field(None, title="夜间 Night", description="重气用；不填由天空确定 for dense gases")


async def plume(asked: PlumeParameters, _context: Context) -> Answer:
    """The areas above each threshold; for a dense cloud initial isolation and protective distances instead."""
    place = place_of(asked.place)
    substance = the_substance(asked.substance)
    state = asked.state or substance.usual
    if state in substance.dense_as:
        night = asked.sky.startswith("night") if asked.night is None else asked.night
        return dense_answer(substance, state, place, asked.spill, night, asked.wind_from_deg, asked.wind_m_s)
    return await asyncio.to_thread(_answer, asked, substance, state, place)


def _answer(asked: PlumeParameters, substance: Substance, state: State, place: Point) -> Answer:
    air = Air(
        checked_wind(asked.wind_m_s),
        asked.stability or stability_of(asked.wind_m_s, asked.sky),
        asked.terrain,
        asked.mixing_m,
    )
    cloud = _cloud(asked, air)
    levels = _levels(asked, substance)
    found = [(level, contour(cloud, level_mg)) for level, level_mg in levels]
    bearing = downwind(asked.wind_from_deg)
    summary: dict[str, Any] = {
        "substance": substance.id,
        "substance_name": substance.zh,
        "state": state,
        "model": "gaussian",
        "refused": False,
        "release": asked.release,
        "stability": air.stability,
        "terrain": air.terrain,
        "wind_m_s": air.wind_m_s,
        "wind_from_deg": asked.wind_from_deg,
        "bearing_deg": bearing,
        "reach_m": round(max((one.reach_m for _, one in found if one), default=0.0), 1),
        "data_edition": substance_data().edition,
        "notes": [METHOD, ERROR, f"大气稳定度 {air.stability}（{CLASS_NAMES[air.stability]}）"],
    }
    rows = [_row(level, mg, one, air) for (level, mg), (_, one) in zip(levels, found, strict=True)]
    return Answer(
        summary,
        findings=_findings(found, cloud),
        tables=[_table(rows)],
        places=_places(place, bearing, substance, found),
        statement=STATEMENT,
    )


def _cloud(asked: PlumeParameters, air: Air) -> Plume | Puff:
    if asked.release == "continuous":
        if asked.rate_kg_s is None:
            raise BadRequest(
                "a continuous release needs a rate",
                where="rate_kg_s",
                remedy="give kg/s, or release=instantaneous with mass_kg",
            )
        return Plume(asked.rate_kg_s, asked.height_m, asked.receptor_m, air)
    if asked.mass_kg is None:
        raise BadRequest(
            "an instantaneous release needs a mass",
            where="mass_kg",
            remedy="give kg, or release=continuous with rate_kg_s",
        )
    return Puff(asked.mass_kg, asked.height_m, asked.receptor_m, air)


def _levels(asked: PlumeParameters, substance: Substance) -> list[tuple[Threshold, float]]:
    """Thresholds from the highest down, with their mg/m3."""
    if asked.levels_mg_m3:
        if min(asked.levels_mg_m3) <= 0:
            raise BadRequest(
                "a concentration is not above 0", where="levels_mg_m3", remedy="a cloud has an end only above 0"
            )
        one_ppm = mg_m3(1.0, substance.molar_g, asked.temperature_c, asked.pressure_kpa)
        given = sorted(set(asked.levels_mg_m3), reverse=True)
        return [(Threshold(id=f"{mg:g} mg/m3", ppm=mg / one_ppm, source="给定 given"), mg) for mg in given]
    known = sorted(substance.all_thresholds, key=lambda one: -one.ppm)
    return [(one, mg_m3(one.ppm, substance.molar_g, asked.temperature_c, asked.pressure_kpa)) for one in known]


def _places(
    place: Point, bearing: float, substance: Substance, found: Sequence[tuple[Threshold, Contour | None]]
) -> list[Place]:
    """The areas from the widest to the innermost, and the source."""
    shown = [
        drawn(
            laid(place, bearing, one.corners_m),
            {
                "kind": "plume",
                "title": f"{substance.zh} {level.id}",
                "threshold": level.id,
                "mg_m3": round(one.level_mg_m3, 3),
                "reach_m": round(one.reach_m, 1),
            },
        )
        for level, one in reversed(found)
        if one is not None
    ]
    source = {"type": "Point", "coordinates": list(place)}
    return [*shown, Place(source, {"kind": "source", "title": f"{substance.zh}泄漏点"})]


def _findings(found: Sequence[tuple[Threshold, Contour | None]], cloud: Plume | Puff) -> list[Finding]:
    out = [stated("error", "误差", "Error", ERROR)]
    nowhere = [level.id for level, one in found if one is None]
    if nowhere:
        out.append(
            stated("nowhere", "未达到的浓度", "Not reached", f"计算高度上任何地方都不超过：{'、'.join(nowhere)}")
        )
    near, far = RELIABLE_M
    edge = [level.id for level, one in found if one and (one.reach_m < near or one.reach_m > far)]
    if edge:
        text = f"扩散参数适用于 {near:g} 米至 {far / 1000:g} 千米，以下范围在此之外，仅供参考：{'、'.join(edge)}"
        out.append(stated("beyond-widths", "超出参数范围", "Outside of the range of the widths", text))
    endless = [level.id for level, one in found if one and one.open]
    if endless:
        out.append(stated("open", "超出计算范围", "Goes on", f"50 千米处仍超过：{'、'.join(endless)}，请核对泄漏速率"))
    if isinstance(cloud, Puff):
        text = "烟团范围是漂移过程中各处出现过的最大浓度，不是同一时刻的范围"
        out.append(stated("envelope", "最大浓度包络", "Envelope of maxima", text))
    return out


def _row(level: Threshold, mg: float, one: Contour | None, air: Air) -> tuple[Any, ...]:
    source = f"{level.source}（{UNCHECKED}）" if level.second_hand else level.source
    reach: tuple[float | None, ...] = (None, None, None, None)
    if one is not None:
        reach = (
            round(one.reach_m, 1),
            round(2 * one.half_width_m, 1),
            round(one.area_m2, 1),
            round(one.reach_m / air.wind_m_s / 60, 1),
        )
    return (level.id, round(level.ppm, 3), round(mg, 3), *reach, source)


def _table(rows: Sequence[tuple[Any, ...]]) -> Table:
    columns = (
        Column("threshold", Title("阈值", "Threshold")),
        Column("ppm", Title("体积浓度", "By volume"), "number", "ppm"),
        Column("mg_m3", Title("质量浓度", "Concentration"), "number", "mg/m3"),
        Column("reach_m", Title("下风向最远", "Reach downwind"), "number", "m", 1),
        Column("width_m", Title("最大宽度", "Greatest width"), "number", "m", 1),
        Column("area_m2", Title("面积", "Area"), "number", "m2", 1),
        Column("minutes", Title("到达最远处", "Time to reach"), "number", "min", 1),
        Column("source", Title("依据", "Source")),
    )
    return Table("thresholds", Title("各阈值的范围", "Reach by threshold"), columns, rows, ERROR)


ANALYSIS: Analysis[PlumeParameters] = Analysis(
    id="plume",
    version="1",
    title=Title("气体扩散", "Gas cloud"),
    description=Title(
        "轻气和中性气体的高斯烟羽、烟团范围；重气给出初始隔离和下风向防护距离。",
        "Gaussian plume or puff of a light gas; for a dense one initial isolation and protective distances.",
    ),
    parameters=PlumeParameters,
    run=plume,
)
