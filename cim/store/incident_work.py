"""What is done in an incident: tasks with receipts, marks on the map, steps of plans; each an entry of the timeline."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from cim.errors import NotFound, StoreConflict
from cim.model.incidents import RECEIPTS, STEP_STATES, Change, Entry, Mark, Receipt, ReceiptKind, Step, StepState, Task
from cim.store import incident_tables as t
from cim.store.incident_writing import Turn, refuse_stale
from cim.store.incidents import marks, steps, tasks


async def add_task(turn: Turn, recipient: str, what: str, due_at: datetime | None) -> tuple[Task, Entry]:
    """Give somebody a task."""
    turn.require_open()
    number = await _next_number(turn, t.task)
    row = {**turn.ends, "number": number, "recipient": recipient, "what": what, "due_at": due_at, "state": "made"}
    made = Task.model_validate({**row, "drill": turn.incident.drill, "created_at": turn.at})
    await turn.connection.execute(sa.insert(t.task).values({**row, "created_at": turn.at}))
    text = f"任务{number}（{recipient}）：{what}"
    return made, await turn.put_down("task", text, {"task": number}, [_change("task", made)])


async def add_receipt(turn: Turn, number: int, kind: ReceiptKind, note: str) -> tuple[Task, Entry]:
    """Put down a receipt for a task; StoreConflict where it has that one, or a later one, already."""
    turn.require_open()
    held = next((one for one in await tasks(turn.connection, turn.code) if one.number == number), None)
    if held is None:
        raise _missing("task", number)
    order = list(RECEIPTS)
    if held.state != "made" and order.index(kind) <= order.index(held.state):
        last = held.receipts[-1]
        raise StoreConflict(
            f"task {number} is {held.state} already, said {last.author}", where="kind", remedy="read the task again"
        )
    said = Receipt(kind=kind, author=turn.author, at=turn.at, note=note)
    row = {"incident": turn.code, "task": number, **said.model_dump()}
    await turn.connection.execute(sa.insert(t.receipt).values(row))
    mine = (t.task.c.incident == turn.code, t.task.c.number == number)
    await turn.connection.execute(sa.update(t.task).where(*mine).values(state=kind))
    made = held.model_copy(update={"state": kind, "receipts": (*held.receipts, said)})
    text = f"任务{number}（{held.recipient}）{RECEIPTS[kind]}{f'：{note}' if note else ''}"
    return made, await turn.put_down("receipt", text, {"task": number, "kind": kind}, [_change("task", made)])


async def add_mark(turn: Turn, drawn: Mapping[str, Any]) -> tuple[Mark, Entry]:
    """Draw a mark: ``geometry``, ``symbol``, ``style`` and ``label``."""
    turn.require_open()
    return await _put_mark(turn, await _next_number(turn, t.mark), 1, drawn, removed=False)


async def change_mark(turn: Turn, number: int, version: int, drawn: Mapping[str, Any]) -> tuple[Mark, Entry]:
    """Draw a mark anew in place of the version that was read; EditConflict where it was changed since."""
    held = await _the_mark(turn, number, version)
    same = {name: getattr(held, name) for name in ("geometry", "symbol", "style", "label")}
    return await _put_mark(turn, number, held.version + 1, {**same, **drawn}, removed=False)


async def remove_mark(turn: Turn, number: int, version: int) -> tuple[Mark, Entry]:
    """Take a mark off the map; its versions stay for a replay."""
    held = await _the_mark(turn, number, version)
    same = {name: getattr(held, name) for name in ("geometry", "symbol", "style", "label")}
    return await _put_mark(turn, number, held.version + 1, same, removed=True)


async def _the_mark(turn: Turn, number: int, version: int) -> Mark:
    turn.require_open()
    held = next((one for one in await marks(turn.connection, turn.code) if one.number == number), None)
    if held is None:
        raise _missing("mark", number)
    await refuse_stale(turn, "mark", number, version, held.document())
    return held


async def _put_mark(
    turn: Turn, number: int, version: int, drawn: Mapping[str, Any], *, removed: bool
) -> tuple[Mark, Entry]:
    row = {**turn.ends, **drawn, "number": number, "version": version, "removed": removed, "at": turn.at}
    made = Mark.model_validate({**row, "drill": turn.incident.drill})
    await turn.connection.execute(sa.insert(t.mark).values(row))
    did = "删除" if removed else "新增" if version == 1 else "修改"
    text = f"{did}标绘{number}：{made.label or made.symbol}"
    return made, await turn.put_down("mark", text, {"mark": number, "version": version}, [_change("mark", made)])


async def take_plan(
    turn: Turn, plan: str, title: str, planned: Sequence[Mapping[str, Any]]
) -> tuple[Sequence[Step], Entry]:
    """Take up the steps of a plan, each due so long after the report; StoreConflict where it was taken up before."""
    turn.require_open()
    if any(one.plan == plan for one in await steps(turn.connection, turn.code)):
        raise StoreConflict(f"the plan {plan} was taken up already", where="plan", remedy="work on its steps")
    first = await _next_number(turn, t.step)
    rows = [
        {
            "incident": turn.code,
            "number": number,
            "plan": plan,
            **one,
            "due_at": turn.incident.reported_at + timedelta(minutes=one["offset_min"]),
            "state": "open",
            "note": "",
            "author": None,
            "at": None,
            "revision": 1,
        }
        for number, one in enumerate(planned, first)
    ]
    await turn.connection.execute(sa.insert(t.step), rows)
    made = [Step.model_validate({**row, "drill": turn.incident.drill}) for row in rows]
    text = f"启动预案“{title}”，{len(made)} 个步骤"
    return made, await turn.put_down("plan", text, {"plan": plan}, [_change("step", one) for one in made])


async def change_step(turn: Turn, number: int, revision: int, state: StepState, note: str) -> tuple[Step, Entry]:
    """Say that a step is done, does not apply or is open again; EditConflict where somebody said so since."""
    turn.require_open()
    held = next((one for one in await steps(turn.connection, turn.code) if one.number == number), None)
    if held is None:
        raise _missing("step", number)
    await refuse_stale(turn, "step", number, revision, held.document())
    new = {"state": state, "note": note, "author": turn.author, "at": turn.at, "revision": held.revision + 1}
    mine = (t.step.c.incident == turn.code, t.step.c.number == number)
    await turn.connection.execute(sa.update(t.step).where(*mine).values(new))
    made = Step.model_validate(held.model_dump() | new)
    text = f"步骤{number}“{held.what}”{STEP_STATES[state]}{f'：{note}' if note else ''}"
    return made, await turn.put_down("step", text, {"step": number, "state": state}, [_change("step", made)])


def _change(of: Any, made: Task | Mark | Step) -> Change:
    return Change(of=of, number=made.number, after=made.document())


async def _next_number(turn: Turn, table: sa.Table) -> int:
    held = await turn.connection.scalar(sa.select(sa.func.max(table.c.number)).where(table.c.incident == turn.code))
    return int(held or 0) + 1


def _missing(what: str, number: int) -> NotFound:
    return NotFound(
        f"the incident has no {what} {number}", where=what, remedy=f"GET /incidents/CODE/{what}s lists them"
    )
