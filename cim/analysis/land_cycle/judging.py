"""What the records say: the stage reached, and where the chain has gaps."""

from collections.abc import Mapping
from datetime import date
from typing import Any

import numpy as np
import shapely

from cim.analysis.context import Context
from cim.analysis.land_cycle.businesses import CHAIN
from cim.analysis.land_cycle.records import SRID, Records
from cim.analysis.land_cycle.rules import CycleRules, Need
from cim.analysis.overlay import Shapes
from cim.analysis.reaching import partial
from cim.model.analysis import Finding, Title, Verdict
from cim.model.ellipsoid import ellipsoidal_areas_m2
from cim.model.redline import to_lonlat

BUILT = (("start", "started_on"), ("finish", "finished_on"))


def days_of(of: Records, name: str) -> list[date]:
    """The days in a field of the records, in order."""
    return sorted(day for day in of.found.columns.get(name, ()) if isinstance(day, date))


def stages(records: Mapping[str, Records]) -> dict[str, list[date]]:
    """The days on which each stage was passed; a stage with records but no day has an empty list."""
    out = {name: days_of(of, of.business.day) for name, of in records.items() if of.found.keys}
    if "supply" in records:
        out |= {name: days for name, field in BUILT if (days := days_of(records["supply"], field))}
    return out


def reached(passed: Mapping[str, list[date]]) -> str:
    """The last stage of the chain that was passed; empty where none was."""
    return next((stage for stage in reversed(CHAIN) if stage in passed), "")


def area_m2(shape: shapely.Geometry) -> float:
    """The ellipsoidal area of one shape."""
    return float(ellipsoidal_areas_m2(to_lonlat(np.array([shape], dtype=object), SRID))[0])


def united(shapes: Shapes) -> shapely.Geometry:
    """Shapes as one."""
    return shapely.union_all(shapes) if len(shapes) else shapely.Polygon()


def findings(records: Mapping[str, Records], rules: CycleRules, context: Context) -> list[Finding]:
    """One finding for each need of a stage that has records, and one on building before supply."""
    found = [_need(need, records, rules, context) for need in rules.need if records[need.later].found.keys]
    return [*found, *_early_starts(records["supply"])]


def _need(need: Need, records: Mapping[str, Records], rules: CycleRules, context: Context) -> Finding:
    later, earlier = records[need.later], records[need.earlier]
    layer, edition = earlier.business.layer, earlier.found.edition
    whole = area_m2(united(later.found.shapes))
    if not earlier.found.present or partial(context, layer):
        text = edition.note if not earlier.found.present else "只能看到该图层的部分辖区"
        return _finding(need, Verdict.NOT_ASSESSED, None, layer, edition.text, text)
    gap = area_m2(shapely.difference(united(later.found.shapes), united(earlier.found.shapes)))
    limit = max(rules.sliver_m2, whole * rules.part_share)
    names = f"{later.business.zh} {whole:.2f} 平方米"
    if gap > limit:
        verdict = Verdict.NOT if whole - gap <= limit else Verdict.PARTLY
        text = f"{names}中有 {gap:.2f} 平方米没有{earlier.business.zh}记录"
        return _finding(need, verdict, gap, layer, edition.text, text)
    if late := _late(later, earlier):
        return _finding(need, Verdict.PARTLY, gap, layer, edition.text, late)
    return _finding(need, Verdict.CONFORMS, gap, layer, edition.text, f"{names}均有{earlier.business.zh}记录")


def _late(later: Records, earlier: Records) -> str:
    """What was done in the wrong order, among records that lie on each other."""
    tree = shapely.STRtree(earlier.found.shapes)
    first, second = later.found.columns[later.business.day], earlier.found.columns[earlier.business.day]
    wrong = []
    for k, shape in enumerate(later.found.shapes):
        for other in np.sort(tree.query(shape, predicate="intersects")):
            both = isinstance(first[k], date) and isinstance(second[other], date)
            if both and first[k] < second[other] and shapely.intersection(shape, earlier.found.shapes[other]).area > 0:
                wrong.append(
                    f"{later.business.zh} {later.found.keys[k]}（{first[k]}）"
                    f"早于{earlier.business.zh} {earlier.found.keys[int(other)]}（{second[other]}）"
                )
    return "；".join(wrong[:5])


def _finding(need: Need, verdict: Verdict, measured: float | None, layer: str, edition: str, message: str) -> Finding:
    gap = None if measured is None else round(measured, 2)
    title = Title(need.title.zh, need.title.en)
    return Finding(need.id, title, verdict, gap, 0.0, "m2", need.clause, layer, edition, message)


def _early_starts(supply: Records) -> list[Finding]:
    columns: Mapping[str, list[Any]] = supply.found.columns
    early = [
        f"{key}：{started} 动工，{contract} 签订合同"
        for key, started, contract in zip(supply.found.keys, columns["started_on"], columns["contract_on"], strict=True)
        if isinstance(started, date) and isinstance(contract, date) and started < contract
    ]
    if not early:
        return []
    title = Title("先动工后供应", "Building before supply")
    clause = "供应合同签订前不得动工（待核）"
    layer, edition = supply.business.layer, supply.found.edition.text
    return [
        Finding("start-supply", title, Verdict.NOT, len(early), 0, "count", clause, layer, edition, "；".join(early))
    ]
