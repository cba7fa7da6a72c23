"""Dense gases 重气: no plume, but the distances to isolate and to protect that responders' guides print."""

from typing import Any

from cim.analysis.impact.shapes import Point, circle, downwind, drawn, sector, stated
from cim.analysis.impact.substances import (
    UNCHECKED,
    Distances,
    Spill,
    State,
    Substance,
    distances_of,
    substance_data,
)
from cim.model.analysis import Answer, Column, Finding, Place, Table, Title

HALF_ANGLE_DEG = 30.0
CALM_M_S = 1.0
"""Below this wind has no direction to rely on: the protective zone is a circle."""
AIR_G = 28.96
STATES = {"gas": "气态", "liquefied": "液化（冷态）", "evaporating": "液池蒸发"}
SPILLS = {"small": "小量", "large": "大量", "tank": "储罐或整车"}
STATEMENT = "本结果按指南列表距离给出，用于到场前的初始隔离，须以现场监测修正。"


def dense_answer(
    substance: Substance,
    state: State,
    place: Point,
    spill: Spill,
    night: bool,
    wind_from_deg: float,
    wind_m_s: float,
) -> Answer:
    """The refusal of the plume with its reason, and the distances where the data have some."""
    found = distances_of(substance, spill)
    refusal = _refusal(substance, state)
    summary: dict[str, Any] = {
        "substance": substance.id,
        "substance_name": substance.zh,
        "state": state,
        "model": "protective-distances" if found else "none",
        "refused": True,
        "reason": refusal.message,
        "spill": found.spill if found else spill,
        "night": night,
        "wind_from_deg": wind_from_deg,
        "bearing_deg": downwind(wind_from_deg),
        "data_edition": substance_data().edition,
        "notes": [refusal.message],
    }
    if found is None:
        message = f"没有 {substance.zh} 的隔离和防护距离数据，请查应急处置指南并用圆形范围"
        missing = stated("no-distances", "没有距离数据", "No distances known", message, missing=True)
        return Answer(summary, findings=[refusal, missing], statement=STATEMENT)
    protective_m = found.night_m if night else found.day_m
    summary |= {"isolation_m": found.isolation_m, "protective_m": protective_m, "second_hand": found.second_hand}
    return Answer(
        summary,
        findings=[refusal, *_remarks(found, spill, wind_m_s)],
        tables=[_table(found, night)],
        places=_places(place, found, protective_m, wind_from_deg, wind_m_s),
        statement=STATEMENT,
    )


def _refusal(substance: Substance, state: State) -> Finding:
    ratio = substance.molar_g / AIR_G
    message = (
        f"{substance.zh}（{STATES[state]}）形成重气云，贴地扩散并可逆风，高斯烟羽公式不适用，不予计算；"
        f"改给初始隔离和下风向防护距离。摩尔质量为空气的 {ratio:.2f} 倍"
    )
    return stated("dense-gas", "重气不用高斯烟羽", "No Gaussian plume for a dense gas", message)


def _remarks(found: Distances, spill: Spill, wind_m_s: float) -> list[Finding]:
    out = []
    if found.second_hand:
        out.append(
            stated("second-hand", "距离来源", "Source of the distances", f"{UNCHECKED}：{found.source}", missing=True)
        )
    if found.spill != spill:
        text = f"没有“{SPILLS[spill]}”的距离，用“{SPILLS[found.spill]}”的，可能偏短"
        out.append(stated("spill", "泄漏规模", "Size of the spill", text))
    if found.beyond:
        out.append(stated("beyond", "距离下限", "So far or more", "指南注明夜间为该距离或更远"))
    if wind_m_s < CALM_M_S:
        out.append(stated("calm", "静风", "Calm", f"风速低于 {CALM_M_S:g} 米/秒，风向不可靠，防护范围按全圆"))
    return out


def _places(place: Point, found: Distances, protective_m: float, wind_from_deg: float, wind_m_s: float) -> list[Place]:
    width = 360.0 if wind_m_s < CALM_M_S else 2 * HALF_ANGLE_DEG
    zone = sector(place, downwind(wind_from_deg), width, protective_m)
    return [
        drawn(zone, {"kind": "protective", "title": "下风向防护区", "distance_m": protective_m}),
        drawn(
            circle(place, found.isolation_m),
            {"kind": "isolation", "title": "初始隔离区", "distance_m": found.isolation_m},
        ),
        Place({"type": "Point", "coordinates": list(place)}, {"kind": "source", "title": "泄漏点"}),
    ]


def _table(found: Distances, night: bool) -> Table:
    columns = (
        Column("zone", Title("范围", "Zone")),
        Column("distance_m", Title("距离", "Distance"), "number", "m", 0),
        Column("used", Title("采用", "Used")),
        Column("source", Title("依据", "Source")),
    )
    source = f"{found.source}（{UNCHECKED}）" if found.second_hand else found.source
    rows = [
        ("初始隔离（四周）", found.isolation_m, "是", source),
        ("下风向防护（白天）", found.day_m, "否" if night else "是", source),
        ("下风向防护（夜间）", found.night_m, "是" if night else "否", source),
    ]
    note = f"防护区按下风向左右各 {HALF_ANGLE_DEG:g}° 的扇形绘出"
    return Table("distances", Title("隔离和防护距离", "Isolation and protection"), columns, rows, note)
