"""The tables of a transition: the matrix with its totals, and the list of what became what."""

from collections.abc import Mapping
from typing import Any, Protocol

from cim.analysis.land_figures import MU_M2
from cim.model.analysis import Column, Table, Title

NOTE = (
    "“无对应”为各行（列）合计与各单元之和的差：该期有图斑而另一期没有图斑的面积，减去图斑重叠，"
    "另含按交点加密边线产生的计算差；因此行列总与两期各地类面积闭合"
)


class Moved(Protocol):
    """Cells by class before and after, and the totals of each side, in m2."""

    @property
    def cells(self) -> Mapping[tuple[str, str], float]: ...  # noqa: D102
    @property
    def before_m2(self) -> Mapping[str, float]: ...  # noqa: D102
    @property
    def after_m2(self) -> Mapping[str, float]: ...  # noqa: D102


def matrix_table(found: Moved, names: Mapping[str, str]) -> Table:
    """Rows are classes before, columns classes after.

    Every cell is rounded to 0.01 m2; the column ``none`` and the row ``none`` hold what the cells leave of the rounded
    totals, so that rows and columns sum up to the areas of the two states exactly.
    """
    old, new = sorted(found.before_m2), sorted(found.after_m2)
    cents = {pair: round(area * 100) for pair, area in found.cells.items()}
    rows: list[tuple[Any, ...]] = []
    for before in old:
        line = [cents.get((before, after), 0) for after in new]
        total = round(found.before_m2[before] * 100)
        rows.append((before, names.get(before, ""), *(_m2(v) for v in (*line, total - sum(line), total))))
    totals = [round(found.after_m2[after] * 100) for after in new]
    rest = [
        total - sum(cents.get((before, after), 0) for before in old) for after, total in zip(new, totals, strict=True)
    ]
    rows.append(("none", "无对应", *(_m2(v) for v in rest), None, _m2(sum(rest))))
    rows.append(("total", "后期合计", *(_m2(v) for v in totals), None, _m2(sum(totals))))
    columns = (
        Column("from", Title("前期地类", "Class before")),
        Column("name", Title("名称", "Name")),
        *(_column(f"to_{after}", f"{after} {names.get(after, '')}".strip()) for after in new),
        Column("none", Title("无对应", "Without counterpart"), "number", "m2", 2),
        Column("total", Title("合计", "Total"), "number", "m2", 2),
    )
    return Table("matrix", Title("转移矩阵", "Transition matrix"), columns, rows, NOTE)


def transitions_table(found: Moved, names: Mapping[str, str]) -> Table:
    """What became something else, largest first."""
    columns = (
        Column("from", Title("前期地类", "From")),
        Column("from_name", Title("名称", "Name")),
        Column("to", Title("后期地类", "To")),
        Column("to_name", Title("名称", "Name")),
        Column("area_m2", Title("面积", "Area"), "number", "m2", 2),
        Column("area_ha", Title("面积", "Area"), "number", "ha", 4),
        Column("area_mu", Title("面积", "Area"), "number", "亩", 4),
        Column("share", Title("占前期该地类", "Share of class before"), "number", "%", 3),
    )
    moved = sorted(((area, pair) for pair, area in found.cells.items() if pair[0] != pair[1]), reverse=True)
    rows = [
        (
            before,
            names.get(before, ""),
            after,
            names.get(after, ""),
            round(area, 2),
            round(area / 1e4, 4),
            round(area / MU_M2, 4),
            round(100 * area / found.before_m2[before], 3),
        )
        for area, (before, after) in moved
        if round(area, 2) > 0
    ]
    return Table("transitions", Title("地类变化", "Changes of class"), columns, rows)


def _column(name: str, title: str) -> Column:
    return Column(name, Title(title, title), "number", "m2", 2)


def _m2(cents: int) -> float:
    return round(cents / 100, 2)
