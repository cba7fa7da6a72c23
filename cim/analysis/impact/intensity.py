"""Intensity 地震烈度: nested ellipses of an earthquake by a published relation of attenuation."""

import functools
import math
import tomllib
from pathlib import Path
from typing import Any

from pydantic import Field

from cim.analysis.analysis import Analysis, Parameters
from cim.analysis.context import Context
from cim.analysis.impact.shapes import Point, area_m2, drawn, ellipse, stated
from cim.analysis.impact.substances import UNCHECKED
from cim.analysis.place import place_field, place_of
from cim.analysis.rule_sets import Strict
from cim.errors import BadRequest
from cim.model.analysis import Answer, Column, Finding, Place, Table, Title

DATA = Path(__file__).parent / "attenuation.toml"
LEAST_INTENSITY, MOST_INTENSITY = 4, 12
LONGMEN_STRIKE_DEG = 45.0
POINT_SOURCE_MS = 7.0
NUMERALS = {4: "Ⅳ", 5: "Ⅴ", 6: "Ⅵ", 7: "Ⅶ", 8: "Ⅷ", 9: "Ⅸ", 10: "Ⅹ", 11: "Ⅺ", 12: "Ⅻ"}
METHOD = "椭圆烈度衰减关系，震中为点源，长轴沿断层走向；各圈为该烈度的外界（中位值），未计场地和破裂方向"
STATEMENT = "本结果是震后初期的估计，以地震部门发布的烈度为准。"


class Axis(Strict):
    """One axis: I = a + b M - c lg(R + r0)."""

    a: float
    b: float
    c: float
    r0: float

    def intensity(self, magnitude: float, distance_m: float) -> float:
        """The intensity at a distance along the axis."""
        return self.a + self.b * magnitude - self.c * math.log10(distance_m / 1000 + self.r0)

    def reach_m(self, magnitude: float, intensity: float) -> float:
        """How far an intensity reaches along the axis; 0 or less where it is not reached at all."""
        return float((10 ** ((self.a + self.b * magnitude - intensity) / self.c) - self.r0) * 1000)


class Relation(Strict):
    """A relation of attenuation for a region, with the standard deviation of intensity."""

    id: str
    zh: str
    en: str
    long: Axis
    short: Axis
    sigma: float
    source: str
    second_hand: bool = False


class Attenuation(Strict):
    """All relations, and which is taken where none is named."""

    default: str
    relation: tuple[Relation, ...]


@functools.cache
def attenuation() -> Attenuation:
    """The shipped relations."""
    return Attenuation.model_validate(tomllib.loads(DATA.read_text("utf-8")))


class IntensityParameters(Parameters):
    """The earthquake, and which relation is taken."""

    place: Any = place_field()
    magnitude: float = Field(title="震级 Magnitude (Ms)", ge=4, le=8.5)
    strike_deg: float = Field(
        LONGMEN_STRIKE_DEG,
        title="断层走向 Strike (°)",
        ge=0,
        le=360,
        description="自真北顺时针；龙门山断裂约 45° clockwise from north",
    )
    relation: str | None = Field(None, title="衰减关系 Relation", max_length=40, description="默认青藏区")
    least: int = Field(6, title="最低烈度 Least intensity", ge=LEAST_INTENSITY, le=MOST_INTENSITY)


def the_relation(name: str | None) -> Relation:
    """A relation by id; BadRequest lists those there are."""
    known = attenuation()
    for one in known.relation:
        if one.id == (name or known.default):
            return one
    there = ", ".join(f"{one.id} {one.zh}" for one in known.relation)
    raise BadRequest(f"there is no relation {str(name)[:40]!r}", where="relation", remedy=f"there are {there}")


async def intensity(asked: IntensityParameters, _context: Context) -> Answer:
    """The ellipses from the lowest intensity to the highest that is reached."""
    place, relation = place_of(asked.place), the_relation(asked.relation)
    zones = _zones(relation, asked.magnitude, asked.least)
    places, rows = _drawn(place, asked.strike_deg, zones)
    epicentral = min(relation.long.intensity(asked.magnitude, 0.0), relation.short.intensity(asked.magnitude, 0.0))
    summary: dict[str, Any] = {
        "magnitude": asked.magnitude,
        "relation": relation.id,
        "strike_deg": asked.strike_deg,
        "epicentral_intensity": round(epicentral, 2),
        "highest": max(zones, default=None),
        "notes": [METHOD, f"烈度标准差 {relation.sigma:g} 度；{relation.source}"],
    }
    return Answer(summary, _findings(asked, relation, zones, epicentral), [_table(rows)], places, statement=STATEMENT)


def _zones(relation: Relation, magnitude: float, least: int) -> dict[int, tuple[float, float]]:
    """Half axes in metres by intensity, of those that reach anywhere."""
    axes = {
        degree: (relation.long.reach_m(magnitude, degree), relation.short.reach_m(magnitude, degree))
        for degree in range(least, MOST_INTENSITY + 1)
    }
    return {degree: both for degree, both in axes.items() if min(both) > 0}


def _drawn(
    place: Point, strike_deg: float, zones: dict[int, tuple[float, float]]
) -> tuple[list[Place], list[tuple[Any, ...]]]:
    places, rows = [], []
    for degree, (along_m, across_m) in sorted(zones.items()):
        shape = ellipse(place, strike_deg, along_m, across_m)
        facts = {"kind": "intensity", "title": f"{NUMERALS[degree]} 度区外界", "intensity": degree}
        places.append(drawn(shape, {**facts, "long_m": round(along_m, 1), "short_m": round(across_m, 1)}))
        rows.append((NUMERALS[degree], degree, round(along_m, 1), round(across_m, 1), round(area_m2(shape), 2)))
    epicentre = Place({"type": "Point", "coordinates": list(place)}, {"kind": "epicentre", "title": "震中"})
    return [*places, epicentre], rows


def _findings(
    asked: IntensityParameters, relation: Relation, zones: dict[int, tuple[float, float]], epicentral: float
) -> list[Finding]:
    out = [stated("error", "误差", "Error", f"烈度标准差 {relation.sigma:g} 度，圈的位置可相差一度以上")]
    if relation.second_hand:
        out.append(stated("second-hand", "系数来源", "Source", f"{UNCHECKED}：{relation.source}", missing=True))
    if not zones:
        text = f"震中烈度约 {epicentral:.1f} 度，没有达到 {asked.least} 度的范围"
        out.append(stated("nowhere", "未达到", "Not reached", text))
    if asked.magnitude >= POINT_SOURCE_MS:
        text = "大震的破裂长几十至几百千米，点源椭圆沿断层方向偏短，须按余震和破裂范围修正"
        out.append(stated("point-source", "点源的局限", "Limits of a point source", text))
    return out


def _table(rows: list[tuple[Any, ...]]) -> Table:
    columns = (
        Column("name", Title("烈度", "Intensity")),
        Column("degree", Title("度", "Degree"), "count"),
        Column("long_m", Title("长半轴", "Half long axis"), "number", "m", 0),
        Column("short_m", Title("短半轴", "Half short axis"), "number", "m", 0),
        Column("area_m2", Title("面积（含内圈）", "Area with inner"), "number", "m2", 0),
    )
    return Table("intensity", Title("烈度圈", "Intensity"), columns, rows, METHOD)


ANALYSIS: Analysis[IntensityParameters] = Analysis(
    id="intensity",
    version="1",
    title=Title("地震烈度圈", "Earthquake intensity"),
    description=Title(
        "按震级、震中、走向和区域衰减关系估计的烈度椭圆。",
        "Ellipses of intensity by magnitude, epicentre, strike and a regional relation of attenuation.",
    ),
    parameters=IntensityParameters,
    run=intensity,
)
