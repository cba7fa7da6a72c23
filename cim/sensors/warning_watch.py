"""The part of warnings that the clock drives: expiry, calls nobody answered, messages."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from cim.errors import CimError
from cim.model.alarms import Severity as Colour
from cim.model.warning_course import answer_within
from cim.sensors.outbound import Network
from cim.sensors.warning_channels import call_out, tell
from cim.sensors.warning_messages import send_warnings
from cim.store.audits import record
from cim.store.database import Database
from cim.store.warning_calls import expire_due, hand_on
from cim.store.warning_writing import lock_warnings, settle
from cim.store.warnings import the_warning

LOOK_EVERY_S = 2.0
SEND_EVERY_S = 1.0
AGAIN_AFTER_S = 2.0
TASK = "warnings"
_log = structlog.get_logger()


async def watch_warnings(database: Database, private: Sequence[Network] = ()) -> None:
    """Watch until cancelled; only one process of a server does so at a time, and another follows when it ends."""

    async def send() -> None:
        while await send_warnings(database, private):
            pass

    while True:
        try:
            async with database.alone(TASK) as mine:
                if mine:
                    async with asyncio.TaskGroup() as tasks:
                        tasks.create_task(_every(LOOK_EVERY_S, lambda: look(database)))
                        tasks.create_task(_every(SEND_EVERY_S, send))
        except (CimError, OSError) as error:
            _log.warning("warnings are not watched", reason=str(error))
        await asyncio.sleep(AGAIN_AFTER_S)


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


async def _every(seconds: float, work: Callable[[], Awaitable[None]]) -> None:
    while True:
        try:
            await work()
        except (CimError, OSError) as error:
            _log.warning("the watch over warnings failed and goes on", reason=str(error))
        await asyncio.sleep(seconds)
