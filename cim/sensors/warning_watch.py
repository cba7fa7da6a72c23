"""The part of warnings that the clock drives: expiry, calls nobody answered, messages."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from cim.model.alarms import Severity as Colour
from cim.model.warning_course import answer_within
from cim.sensors.outbound import Network
from cim.sensors.warning_channels import call_out, tell
from cim.sensors.warning_messages import send_warnings
from cim.sensors.watching import watch
from cim.store.audits import record
from cim.store.database import Database
from cim.store.warning_calls import expire_due, hand_on
from cim.store.warning_writing import lock_warnings, settle
from cim.store.warnings import the_warning

LOOK_EVERY_S = 2.0
SEND_EVERY_S = 1.0
TASK = "warnings"


async def watch_warnings(database: Database, private: Sequence[Network] = ()) -> None:
    """Watch until cancelled; only one process of a server does so at a time, and another follows when it ends."""

    async def send() -> None:
        while await send_warnings(database, private):
            pass

    await watch(database, TASK, (LOOK_EVERY_S, lambda: look(database)), (SEND_EVERY_S, send))


async def look(database: Database) -> None:
    """Look once at everything that the clock tells: what is over first, so that nobody is called for it."""
    async with database.writing(TASK) as connection:
        await lock_warnings(connection)
        for code in await expire_due(connection):
            steps = await settle(connection, [code], TASK)
            await tell(connection, await the_warning(connection, code), steps)
            await _record(connection, "warning expired", code, {})
    async with database.writing(TASK) as connection:
        within = {colour: answer_within(colour) for colour in (*Colour, None)}
        for handed in await hand_on(connection, TASK, within):
            await call_out(connection, await the_warning(connection, handed.warning), handed.called, TASK)
            called = [call.id for call in handed.called]
            await _record(connection, "warning calls handed on", handed.warning, {"calls": called})


async def _record(connection: AsyncConnection, action: str, code: str, detail: dict[str, Any]) -> None:
    await record(connection, actor=TASK, role="server", action=action, subject=code, detail=detail)
