"""An analysis of tests: it takes as many steps as it is told to, and says the area it was given."""

import asyncio
from datetime import date
from typing import Any

from pydantic import Field

from cim.analysis.analysis import Analysis, Parameters, area_field
from cim.analysis.area import red_line_of
from cim.analysis.context import Context
from cim.model.analysis import Answer, Column, Table, Title

STEP_S = 0.02


class Steps(Parameters):
    """An area, and how many steps to take."""

    area: Any = area_field()
    steps: int = Field(1, ge=1, le=10_000)
    day: date | None = None


async def run(asked: Steps, context: Context) -> Answer:
    """Take the steps, telling each."""
    line = await red_line_of(context, asked.area)
    for step in range(asked.steps):
        context.progress(step * 100 // asked.steps, f"步骤 {step}")
        await asyncio.sleep(STEP_S)
    title = Title("日期", "Day")
    table = Table("days", title, (Column("day", title),), [(asked.day,)])
    return Answer({"area_m2": round(float(line.areas_m2().sum()), 2), "steps": asked.steps}, tables=[table])


def step_analysis(*, long: bool = False) -> Analysis[Any]:
    """The analysis under the id ``steps``."""
    return Analysis("steps", "1", Title("步骤", "Steps"), Title("测试", "A test"), Steps, run, long=long)
