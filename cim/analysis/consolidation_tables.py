"""The figures of consolidation projects and their tables: registered beside computed."""

from collections.abc import Mapping

from cim.analysis.context import Context, Features
from cim.analysis.land_figures import MU_M2
from cim.analysis.overlay import Floats
from cim.model.analysis import Column, Table, Title

LAYER = "land_consolidation"
CLASSES = (
    ("paddy", "0101", "水田", "Paddy"),
    ("irrigated", "0102", "水浇地", "Irrigated"),
    ("dry", "0103", "旱地", "Dry"),
)
WHEN = (("before", "前"), ("after", "后"))
REGISTER = tuple(f"{when}_{name}_m2" for when, _ in WHEN for name, *_ in CLASSES)
Computed = Mapping[str, Floats]
"""For each class and time, as the register names them: net arable land in each project, in m2."""


def registered(projects: Features, name: str, k: int) -> float | None:
    """A figure of the register, None where it has none."""
    value = projects.columns[name][k]
    return None if value is None else float(value)


def rounded(value: float | None, digits: int = 2) -> float | None:
    """A figure as tables show it."""
    return None if value is None else round(value, digits)


def _square_metres(name: str, zh: str, en: str) -> Column:
    return Column(name, Title(zh, en), "number", "m2", 2)


def projects_table(
    projects: Features, gains: list[float | None], areas: Floats, counted: list[float] | None, context: Context
) -> Table:
    """One row for each project."""
    columns = (
        Column("project_no", Title("项目编号", "Number")),
        Column("project", Title("项目名称", "Project")),
        Column("kind", Title("类型", "Kind")),
        Column("phase", Title("阶段", "Phase")),
        _square_metres("area_m2", "项目椭球面积", "Area"),
        _square_metres("gain_m2", "净增耕地（登记）", "Gain, registered"),
        Column("gain_mu", Title("净增耕地（登记）", "Gain, registered"), "number", "亩", 4),
        _square_metres("computed_gain_m2", "净增耕地（计算）", "Gain, computed"),
        _square_metres("difference_m2", "计算减登记", "Computed less registered"),
    )
    rows = []
    for k, key in enumerate(projects.keys):
        gain = gains[k]
        found = None if counted is None else counted[k]
        rows.append(
            (
                key,
                projects.columns["project"][k],
                *(context.shown(LAYER, name, projects.columns[name][k]) for name in ("kind", "phase")),
                round(float(areas[k]), 2),
                rounded(gain),
                rounded(None if gain is None else gain / MU_M2, 4),
                rounded(found),
                rounded(None if gain is None or found is None else found - gain),
            )
        )
    return Table("projects", Title("土地整治项目", "Consolidation projects"), columns, rows)


def classes_table(projects: Features, computed: Computed | None) -> Table:
    """One row for each project and class of arable land."""
    columns = (
        Column("project_no", Title("项目编号", "Number")),
        Column("class", Title("地类", "Class")),
        *(_square_metres(f"{when}_m2", f"整治{word}（登记）", f"{when}, registered") for when, word in WHEN),
        _square_metres("gain_m2", "净增（登记）", "Gain, registered"),
        *(_square_metres(f"computed_{when}_m2", f"整治{word}（计算）", f"{when}, computed") for when, word in WHEN),
        _square_metres("computed_gain_m2", "净增（计算）", "Gain, computed"),
    )
    rows = []
    for k, key in enumerate(projects.keys):
        for name, code, zh, _ in CLASSES:
            before, after = (registered(projects, f"{when}_{name}_m2", k) for when, _ in WHEN)
            gain = None if before is None or after is None else after - before
            found = [None if computed is None else float(computed[f"{when}_{name}_m2"][k]) for when, _ in WHEN]
            counted = None if found[0] is None or found[1] is None else found[1] - found[0]
            values = (before, after, gain, *found, counted)
            rows.append((key, f"{code} {zh}", *(rounded(value) for value in values)))
    return Table("classes", Title("整治前后耕地", "Arable land before and after"), columns, rows)
