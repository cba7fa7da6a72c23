"""Idle land 闲置土地: supplied parcels on which building has not begun in the agreed time, and what follows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
from pydantic import Field

from cim.analysis.analysis import Analysis, Parameters, area_field
from cim.analysis.context import Context, Features
from cim.analysis.idle_rules import NAME, IdleRules, Stage, full_months, read_rules
from cim.analysis.reaching import area_in, features_in, partial, places
from cim.analysis.rule_sets import the_rules
from cim.model.analysis import Answer, Column, Finding, Table, Title, Verdict
from cim.model.ellipsoid import ellipsoidal_areas_m2
from cim.model.redline import to_lonlat

FIELDS = (
    "supervision_no",
    "parcel_code",
    "project",
    "user",
    "use_code",
    "contract_on",
    "start_due_on",
    "started_on",
    "finished_on",
    "price_wan",
)
STATEMENT = (
    "本结果按供应记录的约定开工日期和实际开工日期推算，是线索，不是闲置土地认定；"
    "不含“已动工但开发面积不足三分之一或投资不足百分之二十五、中止满一年”的情形，也不知道政府原因和不可抗力。"
)


class IdleParameters(Parameters):
    """The day as of which is asked, and where."""

    area: Any = area_field(default=None)
    on: date | None = Field(None, title="日期 Date", description="today when left out")
    rules: int | None = Field(None, title="规则版本 Edition of rules", ge=0, description="the newest when left out")
    data_versions: dict[str, int] = Field(default_factory=dict, title="数据版本 Data versions")


@dataclass(frozen=True, slots=True)
class State:
    """How one parcel stands on a day: ``word`` for people, whole months since the agreed day, the stage reached."""

    word: str
    verdict: Verdict
    months: int | None = None
    stage: Stage | None = None


def state_of(due: Any, started: Any, finished: Any, rules: IdleRules, on: date) -> State:
    """How a parcel stands; a start or finish later than the day has not happened yet."""
    begun = [day for day in (started, finished) if isinstance(day, date)]
    if any(day <= on for day in begun):
        return State("已动工", Verdict.CONFORMS)
    if not isinstance(due, date):
        return State("没有约定开工日期", Verdict.NOT_ASSESSED)
    months = full_months(due, on)
    if on <= due:
        return State("未到约定开工日期", Verdict.CONFORMS, months)
    stage = rules.stage_on(due, on)
    if stage is None:
        return State(f"逾期未动工，未满 {rules.stage[0].months} 个月", Verdict.PARTLY, months)
    return State(stage.title.zh, Verdict.NOT, months, stage)


async def run(asked: IdleParameters, context: Context) -> Answer:
    """Read the records of supply and see how each stands on the day."""
    on = asked.on or date.today()  # noqa: DTZ011 - the day at the office that asks
    async with context.reading() as connection:
        text = await the_rules(connection, NAME, asked.rules)
        rules = read_rules(text)
        srid = context.collection(rules.layer).schema.srid
        area = await area_in(context, connection, asked.area, srid)
        found = await features_in(context, connection, rules.layer, FIELDS, area, srid)
    columns = found.columns
    days = zip(columns["start_due_on"], columns["started_on"], columns["finished_on"], strict=True)
    states = [state_of(due, started, finished, rules, on) for due, started, finished in days]
    areas = ellipsoidal_areas_m2(to_lonlat(found.shapes, srid))
    shown = [k for k, state in enumerate(states) if state.verdict is not Verdict.CONFORMS]
    shown.sort(key=lambda k: (-(states[k].months or 0), found.keys[k]))
    facts = [
        {"supervision_no": found.keys[k], "state": states[k].word, "verdict": str(states[k].verdict)} for k in shown
    ]
    return Answer(
        summary={"on": on.isoformat(), "parcels": len(states), **_counts(states, areas, rules)},
        findings=[_whole(states, found, rules, context), *(_finding(k, states[k], found, rules) for k in shown)],
        tables=[_table(shown, states, found, areas, context, rules)],
        places=places(found.shapes[np.array(shown, dtype=np.int64)], srid, facts),
        sources=[found.edition],
        rules={
            "name": text.name,
            "number": text.number,
            "edition": rules.edition,
            "sha256": text.digest,
            "source": rules.source,
        },
        statement=STATEMENT,
    )


def _counts(states: Sequence[State], areas: np.ndarray[Any, Any], rules: IdleRules) -> Mapping[str, Any]:
    out: dict[str, Any] = {}
    for stage in rules.stage:
        mine = np.array([state.stage == stage for state in states], dtype=bool)
        name = stage.id.replace("-", "_")
        out |= {f"{name}_count": int(mine.sum()), f"{name}_m2": round(float(areas[mine].sum()), 2)}
    out["overdue_count"] = sum(state.verdict is Verdict.PARTLY for state in states)
    out["not_assessed_count"] = sum(state.verdict is Verdict.NOT_ASSESSED for state in states)
    return out


def _whole(states: Sequence[State], found: Features, rules: IdleRules, context: Context) -> Finding:
    """One finding on all parcels: a pass only where every one is known to be in time."""
    order = (Verdict.NOT, Verdict.PARTLY, Verdict.NOT_ASSESSED)
    verdict = next((each for each in order if any(state.verdict is each for state in states)), Verdict.CONFORMS)
    idle = sum(state.verdict is Verdict.NOT for state in states)
    text = f"{len(states)} 宗中 {idle} 宗达到闲置处置期限"
    if verdict is Verdict.CONFORMS and (partial(context, rules.layer) or not states):
        verdict, text = Verdict.NOT_ASSESSED, "没有供应记录" if not states else f"只能看到部分辖区；可见部分：{text}"
    title = Title(rules.title.zh, rules.title.en)
    return Finding(
        "idle-land", title, verdict, idle, 0, "count", rules.stage[0].clause, rules.layer, found.edition.text, text
    )


def _finding(k: int, state: State, found: Features, rules: IdleRules) -> Finding:
    stage = state.stage
    columns = found.columns
    name = columns["project"][k] or columns["parcel_code"][k] or ""
    due = columns["start_due_on"][k]
    since = f"约定 {due} 动工，已过 {state.months} 个整月，" if due else ""
    advice = f"。建议：{stage.advice}" if stage and stage.advice else ""
    return Finding(
        f"idle-land:{found.keys[k]}",
        Title(f"{found.keys[k]} {name}".strip(), f"Parcel {found.keys[k]}"),
        state.verdict,
        state.months,
        stage.months if stage else rules.stage[0].months,
        "month",
        stage.clause if stage else rules.stage[0].clause,
        rules.layer,
        found.edition.text,
        f"{since}{state.word}{advice}",
    )


def _table(
    shown: Sequence[int],
    states: Sequence[State],
    found: Features,
    areas: np.ndarray[Any, Any],
    context: Context,
    rules: IdleRules,
) -> Table:
    titles = context.field_titles.get(rules.layer, {})
    columns = (
        *(Column(name, Title(titles.get(name, name), name)) for name in FIELDS[:-1]),
        Column("area_m2", Title("椭球面积", "Area"), "number", "m2", 2),
        Column("months", Title("逾期整月数", "Months overdue"), "count"),
        Column("state", Title("状态", "State")),
        Column("fee_from", Title("闲置费起日", "Fee from")),
        Column("take_back_from", Title("可收回起日", "May be taken back from")),
        Column("fee_limit_wan", Title("闲置费（按价款比例）", "Fee by share of price"), "number", "万元", 2),
        Column("clause", Title("条款", "Clause")),
    )
    rows = [_row(k, states[k], found, float(areas[k]), context, rules) for k in shown]
    note = "只列未按期动工和不能判定的宗地；价款无权查看或没有记录的，闲置费为空"
    return Table("idle", Title("未按期动工宗地", "Parcels without a start in time"), columns, rows, note)


def _row(k: int, state: State, found: Features, area_m2: float, context: Context, rules: IdleRules) -> tuple[Any, ...]:
    columns = found.columns
    due, price = columns["start_due_on"][k], columns["price_wan"][k]
    first = {stage.id: rules.begins(stage, due).isoformat() if due else None for stage in rules.stage}
    share = next((stage.fee_share for stage in rules.stage if stage.fee_share and state.stage), None)
    return (
        *(context.shown(rules.layer, name, columns[name][k]) for name in FIELDS[:-1]),
        round(area_m2, 2),
        state.months,
        state.word,
        first.get("fee"),
        first.get("take-back"),
        round(price * share, 2) if share and price is not None else None,
        state.stage.clause if state.stage else "",
    )


ANALYSIS: Analysis[IdleParameters] = Analysis(
    id="idle-land",
    version="1",
    title=Title("闲置土地排查", "Idle land"),
    description=Title(
        "按约定开工日期和实际开工日期，列出逾期未动工的宗地、逾期整月数、征缴闲置费或可收回的期限和条款。",
        "Supplied parcels without a start in the agreed time: whole months overdue, fee or taking back, with clauses.",
    ),
    parameters=IdleParameters,
    run=run,
)
