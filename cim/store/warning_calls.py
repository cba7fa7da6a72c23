"""Calls to people about a warning: made once for each person, confirmed, or handed on to the next level."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from cim.errors import NotFound, StoreConflict
from cim.model.alarms import Severity as Colour
from cim.model.warning_course import Call, CallState, NewCall, WarningState
from cim.store.warning_tables import warning, warning_call, warning_token
from cim.store.warning_writing import add_steps, lock_warnings
from cim.store.warnings import as_call

TOKEN_BYTES = 32
MOST_DUE = 500
AT_ONCE = 500


async def make_calls(
    connection: AsyncConnection, code: str, new: Sequence[NewCall], *, grade: str, within: timedelta
) -> list[Call]:
    """Make the calls that are not made yet, each with a token; returns these. The warning is in force.

    StoreConflict where it is not any more.
    """
    await lock_warnings(connection)
    state = await connection.scalar(sa.select(warning.c.state).where(warning.c.code == code))
    if state != WarningState.ACTIVE:
        raise StoreConflict(
            f"the warning is {state}: nobody is called", where="warning", remedy="call for a warning that is in force"
        )
    rows = [
        {
            "warning": code,
            "contact": one.contact.key,
            "name": one.contact.name,
            "duty": one.contact.duty,
            "phone": one.contact.phone,
            "subjects": list(one.subjects),
            "ladder": list(one.ladder),
            "region_code": one.contact.region_code,
            "grade": grade,
            "answer_by": sa.func.now() + within,
        }
        for one in new
    ]
    return await _put(connection, rows)


async def confirm(connection: AsyncConnection, number: int, actor: str, channel: str, note: str = "") -> Call:
    """Confirm a call: who did, and by which way; once is enough, again changes nothing.

    A call whose next level was called already can still be confirmed. StoreConflict where it was withdrawn.
    """
    await lock_warnings(connection)
    open_states = (CallState.WAITING, CallState.SILENT)
    changed = (
        sa.update(warning_call)
        .where(warning_call.c.id == number, warning_call.c.state.in_(open_states))
        .values(state=CallState.CONFIRMED, confirmed_at=sa.func.now(), confirmed_by=actor)
    )
    done = (await connection.execute(changed)).rowcount == 1
    row = (await connection.execute(sa.select(warning_call).where(warning_call.c.id == number))).mappings().one()
    call = as_call(row)
    if call.state is CallState.WITHDRAWN:
        raise StoreConflict(
            "the call was withdrawn: its warning is not in force any more", where="call", remedy="read the warning"
        )
    if done:
        state = await connection.scalar(sa.select(warning.c.state).where(warning.c.code == call.warning))
        step = {"warning": call.warning, "call": number, "action": "confirmed", "actor": actor}
        await add_steps(connection, [{**step, "channel": channel, "note": note, "state": state}])
    return call


async def call_of_token(connection: AsyncConnection, token: str) -> Call:
    """The call that a token confirms; NotFound where there is none."""
    query = sa.select(warning_call).join(warning_token, warning_token.c.call == warning_call.c.id)
    row = (await connection.execute(query.where(warning_token.c.token == token))).mappings().first()
    if row is None:
        raise NotFound("there is no such call", where="token", remedy="open the link as it was sent")
    return as_call(row)


async def token_of(connection: AsyncConnection, number: int) -> str:
    """The token of a call."""
    return str(await connection.scalar(sa.select(warning_token.c.token).where(warning_token.c.call == number)))


@dataclass(frozen=True, slots=True)
class HandedOn:
    """Calls that the clock made: of which warning, and who is called now."""

    warning: str
    called: tuple[Call, ...]


async def hand_on(connection: AsyncConnection, actor: str, within: dict[Colour | None, timedelta]) -> list[HandedOn]:
    """Mark calls silent whose time is over, and call the next level for each that has one."""
    await lock_warnings(connection)
    query = (
        sa.select(warning_call, warning.c.colour)
        .join(warning, warning.c.code == warning_call.c.warning)
        .where(
            warning_call.c.state == CallState.WAITING,
            warning_call.c.answer_by <= sa.func.now(),
            warning.c.state == WarningState.ACTIVE,
        )
        .order_by(warning_call.c.id)
        .limit(MOST_DUE)
    )
    due = [
        (as_call(row), Colour(row["colour"]) if row["colour"] else None) for row in await _mappings(connection, query)
    ]
    numbers = [call.id for call, _ in due]
    silent = sa.update(warning_call).where(warning_call.c.id.in_(numbers)).values(state=CallState.SILENT)
    await connection.execute(silent)
    called: dict[str, list[Call]] = {}
    for call, colour in due:
        called.setdefault(call.warning, []).extend(await _next_level(connection, call, within[colour], actor))
    return [HandedOn(code, tuple(calls)) for code, calls in called.items()]


async def _next_level(connection: AsyncConnection, call: Call, within: timedelta, actor: str) -> list[Call]:
    """Call the first of the ladder who has not been silent himself; one who is called already gets the subjects too."""
    step = {"warning": call.warning, "call": call.id, "actor": actor, "state": WarningState.ACTIVE}
    for place, following in enumerate(call.ladder):
        made = await _taken_over(connection, call, following, call.ladder[place + 1 :], within)
        if made is not None:
            await add_steps(connection, [{**step, "action": "escalated", "note": f"no answer: {made.name} is called"}])
            return [made]
    await add_steps(connection, [{**step, "action": "silent", "note": "no answer, and nobody is left to call"}])
    return []


async def _taken_over(
    connection: AsyncConnection, call: Call, following: dict[str, Any], rest: list[dict[str, Any]], within: timedelta
) -> Call | None:
    """The call of the next person with the subjects of a silent one; None where he has been silent himself.

    Who had confirmed a call has to confirm again, as there is more that he answers for.
    """
    his = sa.and_(warning_call.c.warning == call.warning, warning_call.c.contact == following["key"])
    row = (await connection.execute(sa.select(warning_call).where(his))).mappings().first()
    if row is not None:
        held = as_call(row)
        if held.state is CallState.SILENT:
            return None
        answer_by = held.answer_by if held.state is CallState.WAITING else sa.func.now() + within
        more = [one for one in call.subjects if one not in held.subjects]
        values = {"subjects": [*held.subjects, *more], "state": CallState.WAITING, "answer_by": answer_by}
        changed = sa.update(warning_call).where(his).values(values).returning(*warning_call.c)
        return as_call((await connection.execute(changed)).mappings().one())
    new = {
        "warning": call.warning,
        "contact": following["key"],
        "name": following["name"],
        "duty": following["duty"],
        "phone": following["phone"],
        "subjects": call.subjects,
        "ladder": rest,
        "level": call.level + 1,
        "region_code": following["region"],
        "grade": call.grade,
        "answer_by": sa.func.now() + within,
    }
    (made,) = await _put(connection, [new])
    return made


async def _put(connection: AsyncConnection, rows: Sequence[dict[str, Any]]) -> list[Call]:
    """Put calls, but those of people who are called already."""
    made: list[Call] = []
    for start in range(0, len(rows), AT_ONCE):
        put = insert(warning_call).values(list(rows[start : start + AT_ONCE])).on_conflict_do_nothing()
        made += [as_call(row) for row in (await connection.execute(put.returning(*warning_call.c))).mappings()]
    if made:
        tokens = [{"call": call.id, "token": secrets.token_urlsafe(TOKEN_BYTES)} for call in made]
        await connection.execute(sa.insert(warning_token), tokens)
    return made


async def _mappings(connection: AsyncConnection, query: sa.Select[Any]) -> list[Any]:
    return list((await connection.execute(query)).mappings())


async def expire_due(connection: AsyncConnection) -> list[str]:
    """Codes of warnings in force whose time is over."""
    query = sa.select(warning.c.code).where(warning.c.state == WarningState.ACTIVE, warning.c.expires <= sa.func.now())
    return list(await connection.scalars(query.limit(MOST_DUE)))
