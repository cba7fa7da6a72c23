"""Sending messages about warnings to receivers: signed, at least once, tried again ever more seldom."""

import asyncio
import json
import time
from collections.abc import Sequence
from typing import Any

import httpx
import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from cim.errors import BadRequest
from cim.model.warning_documents import call_document, news_document
from cim.sensors.alarm_messages import SIGNATURE, signature
from cim.sensors.outbound import Network, caller, post, target
from cim.store.database import Database
from cim.store.warning_calls import token_of
from cim.store.warning_deliveries import (
    WarningMessage,
    due_warning_messages,
    warning_delivered,
    warning_not_delivered,
)
from cim.store.warning_writing import add_steps, lock_warnings
from cim.store.warnings import the_call, warning_steps_after

AT_ONCE = 16
CONFIRM_PATH = "/warnings/confirm/"
_log = structlog.get_logger()


async def send_warnings(database: Database, private: Sequence[Network] = ()) -> int:
    """Send what is due; returns how many were tried."""
    async with database.writing("warnings") as connection:
        due = await due_warning_messages(connection, AT_ONCE)
    if due:
        async with caller() as client:
            await asyncio.gather(*(_send(database, client, one, private) for one in due))
    return len(due)


async def _send(
    database: Database, client: httpx.AsyncClient, message: WarningMessage, private: Sequence[Network]
) -> None:
    async with database.writing("warnings") as connection:
        document = await message_document(connection, message)
    fault = await _tried(client, message, document, private)
    async with database.writing("warnings") as connection:
        last = False
        if fault:
            last = await warning_not_delivered(connection, message, fault)
        else:
            await warning_delivered(connection, message)
        if last or not fault:
            await _receipt(connection, message, document, fault)
    if fault:
        _log.warning("a message about a warning was not taken", delivery=message.id, reason=fault)


async def message_document(connection: AsyncConnection, message: WarningMessage) -> dict[str, Any]:
    """What a receiver is sent: what happened, the warning, and of a call who is called and how to confirm."""
    ((step, warning, number),) = await warning_steps_after(connection, message.step - 1, 1)
    document = {"delivery": message.id, **news_document(step, warning)}
    if number is None or step.action != "called":
        return document
    call = await the_call(connection, warning.code, number)
    confirm = CONFIRM_PATH + await token_of(connection, number)
    return {**document, "call": {**call_document(call, warning.drill, phone=True), "confirm": confirm}}


async def _tried(
    client: httpx.AsyncClient, message: WarningMessage, document: dict[str, Any], private: Sequence[Network]
) -> str:
    body = json.dumps(document, ensure_ascii=False).encode()
    headers = {"content-type": "application/json", SIGNATURE: signature(message.secret, int(time.time()), body)}
    try:
        status = await post(client, await target(message.url, private), body, headers)
    except BadRequest as error:
        return error.what
    except (httpx.HTTPError, OSError) as error:
        return f"no answer: {type(error).__name__}"
    return "" if 200 <= status < 300 else f"the receiver answered {status}"


async def _receipt(connection: AsyncConnection, message: WarningMessage, document: dict[str, Any], fault: str) -> None:
    """Note in the history that a receiver took a message, or that it was given up."""
    await lock_warnings(connection)
    step = document["step"]
    row = {"warning": step["warning"], "call": step["call"], "actor": message.receiver, "channel": "webhook"}
    action = "not delivered" if fault else "delivered"
    await add_steps(connection, [{**row, "action": action, "note": fault, "state": document["warning"]["state"]}])
