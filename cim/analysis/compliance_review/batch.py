"""Many red lines in one run, each judged alone: a county's season of change patches."""

import asyncio
import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

import numpy as np
import shapely
from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncConnection

from cim.analysis.analysis import Analysis, Parameters, area_field
from cim.analysis.area import red_line_of
from cim.analysis.compliance_review.material import Material, gather
from cim.analysis.compliance_review.measuring import subject
from cim.analysis.compliance_review.parameters import ReviewParameters
from cim.analysis.compliance_review.review import STATEMENT, VERSION, Judged, judge, rules_document, sources_of
from cim.analysis.compliance_review.rules import Measure, ReviewRules, read_rules
from cim.analysis.context import Context
from cim.analysis.overlay import Ints
from cim.analysis.rule_sets import the_rules
from cim.errors import BadRequest
from cim.model.analysis import VERDICT_NAMES, Answer, Column, Place, SourceEdition, Table, Title, Verdict
from cim.model.redline import LONLAT_SRID, RedLine, RedLineParcel, checked, moved

AT_ONCE = 200
"""Patches that are read and laid over together: as many as lie near each other."""
MEASURED: tuple[tuple[Measure, str], ...] = (
    ("agricultural_m2", "农用地"),
    ("arable_m2", "耕地（净）"),
    ("construction_m2", "建设用地"),
    ("unused_m2", "未利用地"),
    ("basic_farmland_m2", "永久基本农田"),
    ("collective_m2", "集体土地"),
)


class BatchParameters(Parameters):
    """The inputs of a batch: patches as the parcels of one red line, or as the features of a layer."""

    area: Any = area_field(apart=True, default=None)
    layer: str = Field(
        "", title="图斑图层 Layer of patches", description="instead of an area: every feature of a layer"
    )
    where: str = Field("", title="筛选 Filter", description="CQL2 over the layer's fields")
    rules: int | None = Field(None, title="规则版本 Edition of rules", ge=0, description="the newest when left out")
    data_versions: dict[str, int] = Field(default_factory=dict, title="数据版本 Data versions")


async def review_batch(asked: BatchParameters, context: Context) -> Answer:
    """Judge every patch by every rule."""
    async with context.reading() as connection:
        text = await the_rules(connection, "compliance-review", asked.rules)
        rules = read_rules(text)
        red_line = await _patches(asked, context, connection)
        rows: dict[int, tuple[Any, ...]] = {}
        verdicts: dict[int, Verdict] = {}
        sources: list[SourceEdition] = []
        for chunk in _near_each_other(red_line):
            context.progress(int(100 * len(rows) / len(red_line.parcels)), f"{len(rows)} / {len(red_line.parcels)}")
            material = await gather(connection, context, rules, red_line.shapes[chunk], red_line.srid)
            sources = sources or sources_of(material)
            judged = await asyncio.to_thread(_judge_all, material, rules, context)
            for place, each in zip(chunk, judged, strict=True):
                rows[int(place)] = _row(red_line.parcels[place], each)
                verdicts[int(place)] = each.verdict
    ordered = sorted(rows)
    counts = Counter(verdicts.values())
    return Answer(
        summary={
            "patches": len(rows),
            "area_m2": round(float(sum(rows[k][2] for k in ordered)), 2),
            "verdicts": {str(verdict): counts.get(verdict, 0) for verdict in Verdict},
            "operator": context.operator,
            "red_line": {"name": red_line.name, "sha256": red_line.digest, "crs": f"EPSG:{red_line.srid}"}
            | {"evidence": red_line.evidence, "notes": list(red_line.notes)},
        },
        tables=[_counts(counts), Table("patches", Title("图斑", "Patches"), _columns(), [rows[k] for k in ordered])],
        places=_places(red_line, verdicts),
        sources=sources,
        rules=rules_document(text, rules, context),
        statement=STATEMENT,
    )


async def _patches(asked: BatchParameters, context: Context, connection: AsyncConnection) -> RedLine:
    if bool(asked.layer) == (asked.area is not None):
        raise BadRequest("give either an area or a layer", where="inputs", remedy="leave one of them out")
    if asked.layer:
        return await _of_layer(asked, context, connection)
    return await red_line_of(context, asked.area, apart=True)


async def _of_layer(asked: BatchParameters, context: Context, connection: AsyncConnection) -> RedLine:
    """The features of a layer as parcels, in the layer's own system."""
    held = context.collection(asked.layer)
    if held.bbox is None or not held.schema.geometry.endswith("Polygon"):
        raise BadRequest("the layer has no areas", where="inputs.layer", remedy="name a layer of areas")
    extent = moved(np.array([shapely.box(*held.bbox)], dtype=object), LONLAT_SRID, held.schema.srid)
    found = await context.features(connection, asked.layer, (), extent, held.schema.srid, where=asked.where)
    parcels = tuple(RedLineParcel(key, "", shape) for key, shape in zip(found.keys, found.shapes, strict=True))
    return checked(RedLine(held.schema.srid, parcels, asked.layer, found.edition.text), apart=True)


def _near_each_other(red_line: RedLine) -> Iterator[Ints]:
    """Places of patches in groups, along a curve that keeps what is near together."""
    import geopandas  # noqa: PLC0415 - takes a second to load

    order = np.argsort(geopandas.GeoSeries(red_line.lonlat()).hilbert_distance().to_numpy(), kind="stable")
    for start in range(0, len(order), AT_ONCE):
        yield order[start : start + AT_ONCE]


def _judge_all(material: Material, rules: ReviewRules, context: Context) -> list[Judged]:
    asked = ReviewParameters.model_validate({"area": ""})
    return [judge(subject(material, np.array([k])), rules, asked, context) for k in range(len(material.areas))]


def _row(parcel: RedLineParcel, judged: Judged) -> tuple[Any, ...]:
    def named(verdict: Verdict) -> str:
        return "、".join(each.title.zh for each in judged.findings if each.verdict is verdict)

    figures = (judged.measures[name] for name, _ in MEASURED)
    return (
        parcel.number,
        parcel.name,
        round(judged.of.area_m2, 2),
        VERDICT_NAMES[judged.verdict],
        named(Verdict.NOT),
        named(Verdict.PARTLY),
        named(Verdict.NOT_ASSESSED),
        *(None if value is None else round(value, 2) for value in figures),
    )


def _columns() -> tuple[Column, ...]:
    return (
        Column("number", Title("图斑编号", "Patch")),
        Column("name", Title("名称", "Name")),
        Column("area_m2", Title("面积", "Area"), "number", "m2", 2),
        Column("verdict", Title("结论", "Verdict")),
        Column("not", Title("不符合项", "Does not conform")),
        Column("partly", Title("部分符合项", "Conforms in part")),
        Column("not_assessed", Title("未评估项", "Not assessed")),
        *(Column(name, Title(title, name), "number", "m2", 2) for name, title in MEASURED),
    )


def _counts(counts: Counter[Verdict]) -> Table:
    columns = (Column("verdict", Title("结论", "Verdict")), Column("patches", Title("图斑数", "Patches"), "count"))
    rows = [(VERDICT_NAMES[verdict], counts.get(verdict, 0)) for verdict in Verdict if verdict in counts]
    return Table("verdicts", Title("结论汇总", "Verdicts"), columns, rows)


def _places(red_line: RedLine, verdicts: dict[int, Verdict]) -> list[Place]:
    texts = shapely.to_geojson(red_line.lonlat())
    return [
        Place(json.loads(texts[k]), {"kind": "patch", "number": red_line.parcels[k].number, "verdict": str(verdict)})
        for k, verdict in sorted(verdicts.items())
    ]


ANALYSIS: Analysis[BatchParameters] = Analysis(
    id="compliance-review-batch",
    version=VERSION,
    title=Title("批量合规性审查", "Compliance review of many patches"),
    description=Title(
        "一次审查全部图斑，每个图斑单独给出结论和面积，例如全县一个季度的变化图斑。",
        "Every patch judged alone in one run, such as a county's season of change patches.",
    ),
    parameters=BatchParameters,
    run=review_batch,
    long=True,
)
