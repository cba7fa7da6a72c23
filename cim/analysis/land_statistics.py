"""Land statistics 土地利用现状统计: areas by administrative region, class and tenure, as the register has them."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any, Literal

from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncConnection

from cim.analysis.analysis import Analysis, Parameters
from cim.analysis.context import Context
from cim.analysis.land_figures import MU_M2, closed
from cim.model.analysis import Answer, Column, Table, Title
from cim.store.grouped_sums import GroupedSum, grouped_sums
from cim.store.regions import region_names
from cim.store.selection import Selection

LAYER = "land_status"
LETTERS = {"county": 6, "town": 9, "village": 12}
SUMS = ("TBMJ", "KCMJ", "TBDLMJ")
THREE_WAY = {
    "agricultural": "third-survey-three-way-0404-agricultural",
    "unused": "third-survey-three-way-0404-unused",
}
THREE_NAMES = {"agricultural": "农用地", "construction": "建设用地", "unused": "未利用地", "": "未归入三大类"}
STATEMENT = "面积取自图斑登记面积（TBMJ），净面积为扣除田坎后的图斑地类面积（TBDLMJ）。"
Group = dict[tuple[str, ...], list[float]]


class StatisticsParameters(Parameters):
    """The inputs of land statistics."""

    level: Literal["county", "town", "village"] = Field("town", title="统计级别 Level of regions")
    region: str = Field(
        "", title="行政区代码 Region code", description="only regions whose code begins so", max_length=12
    )
    classes: Literal["second", "first", "three-way"] = Field("second", title="地类级别 Level of classes")
    tenure: bool = Field(False, title="分权属 By tenure")
    grassland: Literal["agricultural", "unused"] = Field(
        "agricultural", title="其他草地 0404 归类", description="which edition of the three classes counts"
    )
    computed: bool = Field(
        False, title="计算椭球面积 Computed areas", description="also from the shapes; takes a minute for a county"
    )
    data_versions: dict[str, int] = Field(default_factory=dict, title="数据版本 Data versions")


async def land_statistics(asked: StatisticsParameters, context: Context) -> Answer:
    """Register areas by region, class and, where asked, tenure; regions by the code of each patch's location."""
    async with context.reading() as connection:
        edition = await context.edition(connection, LAYER)
        if edition.version is None:
            return Answer({"total_m2": None, "message": edition.note}, sources=[edition])
        found = await _sums(connection, context, asked)
        names = await region_names(connection)
    rows = [each for each in found if each.group[0].startswith(asked.region)]
    tables = [_by_class(rows, asked, context, names), _three_way(rows, asked, context, names)]
    total = sum(each.sums["TBMJ"] for each in rows)
    return Answer(
        summary={
            "total_m2": round(total, 2),
            "total_ha": round(total / 1e4, 4),
            "total_mu": round(total / MU_M2, 4),
            "patches": sum(each.features for each in rows),
            "computed_m2": round(sum(each.computed_m2 or 0.0 for each in rows), 2) if asked.computed else None,
            "three_way": context.roll_ups[THREE_WAY[asked.grassland]].edition,
        },
        tables=tables,
        sources=[edition],
        statement=STATEMENT,
    )


async def _sums(connection: AsyncConnection, context: Context, asked: StatisticsParameters) -> list[GroupedSum]:
    decision = context.decisions[LAYER]
    collection = decision.collection
    held = set(decision.field_names)
    by = [("ZLDWDM", LETTERS[asked.level]), ("DLBM", None), *([("QSXZ", None)] if asked.tenure else [])]
    version = context.versions.get(LAYER)
    selection = Selection(
        collection,
        tuple(name for name in (*(field for field, _ in by), *SUMS) if name in held),
        decision.regions,
        version=None if version in (None, collection.version) else version,
    )
    return await grouped_sums(connection, selection, by, SUMS, computed=asked.computed)


def _by_class(
    rows: Sequence[GroupedSum], asked: StatisticsParameters, context: Context, names: dict[str, str]
) -> Table:
    def key(each: GroupedSum) -> tuple[str, ...]:
        return (each.group[0], _class(each.group[1], asked, context), *each.group[2:])

    called = context.codes["third-survey"].names
    tenures = context.codes["tenure"].names
    body = []
    for group, figures in _grouped(rows, key):
        tenure = [f"{group[2]} {tenures.get(group[2], '')}".strip()] if asked.tenure else []
        label = THREE_NAMES.get(group[1]) or called.get(group[1], "")
        body.append((group[0], names.get(group[0], ""), group[1], label, *tenure, *figures))
    columns = (
        Column("region", Title("行政区代码", "Region code")),
        Column("region_name", Title("行政区", "Region")),
        Column("code", Title("地类编码", "Class")),
        Column("name", Title("地类名称", "Class name")),
        *([Column("tenure", Title("权属性质", "Tenure"))] if asked.tenure else []),
        *_figure_columns(computed=asked.computed),
    )
    return Table("classes", Title("分地类面积", "Areas by class"), columns, body)


def _three_way(
    rows: Sequence[GroupedSum], asked: StatisticsParameters, context: Context, names: dict[str, str]
) -> Table:
    """Areas by the three classes: patches net of ridges, and ridges (1203) as the agricultural land they are."""
    of = context.roll_ups[THREE_WAY[asked.grassland]].of
    sums: dict[str, dict[str, float]] = defaultdict(lambda: dict.fromkeys(THREE_NAMES, 0.0))
    for each in rows:
        into = sums[each.group[0]]
        into[of(each.group[1]) or ""] += each.sums["TBMJ"] - each.sums["KCMJ"]
        into["agricultural"] += each.sums["KCMJ"]
    body = [
        (code, names.get(code, ""), *closed(list(parts.values())), round(sum(parts.values()), 2))
        for code, parts in sorted(sums.items())
    ]
    columns = (
        Column("region", Title("行政区代码", "Region code")),
        Column("region_name", Title("行政区", "Region")),
        *(Column(name or "unclassified", Title(label, label), "number", "m2") for name, label in THREE_NAMES.items()),
        Column("total", Title("合计", "Total"), "number", "m2"),
    )
    edition = context.roll_ups[THREE_WAY[asked.grassland]].edition
    return Table("three_way", Title("三大类面积", "Three classes"), columns, body, f"三大类归类版本：{edition}")


def _class(code: str, asked: StatisticsParameters, context: Context) -> str:
    if asked.classes == "three-way":
        return context.roll_ups[THREE_WAY[asked.grassland]].of(code) or ""
    return code[:2] if asked.classes == "first" else code


def _grouped(
    rows: Sequence[GroupedSum], key: Callable[[GroupedSum], tuple[str, ...]]
) -> list[tuple[tuple[str, ...], tuple[Any, ...]]]:
    """Figures by group: patches, register m2, ha and mu, ridges, net, and the computed area where there is one."""
    sums: Group = {}
    for each in rows:
        into = sums.setdefault(key(each), [0.0] * 5)
        values = (each.features, *(each.sums[name] for name in SUMS), each.computed_m2 or 0.0)
        for place, value in enumerate(values):
            into[place] += value
    computed = any(each.computed_m2 is not None for each in rows)
    found = []
    for group, (patches, register, ridge, net, area) in sorted(sums.items()):
        figures = (int(patches), round(register, 2), round(register / 1e4, 4), round(register / MU_M2, 4))
        found.append((group, (*figures, round(ridge, 2), round(net, 2), *([round(area, 2)] if computed else []))))
    return found


def _figure_columns(*, computed: bool) -> tuple[Column, ...]:
    register = Title("图斑面积", "Register area")
    return (
        Column("patches", Title("图斑数", "Patches"), "count"),
        Column("register_m2", register, "number", "m2", 2),
        Column("register_ha", register, "number", "ha", 4),
        Column("register_mu", register, "number", "亩", 4),
        Column("ridge_m2", Title("田坎面积", "Ridges"), "number", "m2", 2),
        Column("net_m2", Title("地类净面积", "Net area"), "number", "m2", 2),
        *([Column("computed_m2", Title("椭球面积", "Ellipsoidal area"), "number", "m2", 2)] if computed else []),
    )


ANALYSIS: Analysis[StatisticsParameters] = Analysis(
    id="land-statistics",
    version="1",
    title=Title("土地利用现状统计", "Land statistics"),
    description=Title(
        "按行政区、地类、权属和三大类统计图斑面积、田坎面积和净面积。",
        "Register, ridge and net areas of land status by region, class, tenure and the three classes.",
    ),
    parameters=StatisticsParameters,
    run=land_statistics,
)
