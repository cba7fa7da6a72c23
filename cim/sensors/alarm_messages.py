"""Sending messages about alarms to their receivers: signed, at least once, tried again ever more seldom."""

import asyncio
import hashlib
import hmac
import json
import time
from collections.abc import Sequence
from datetime import UTC, datetime

import httpx
import structlog

from cim.errors import BadRequest
from cim.model.alarm_documents import alarm_document, step_document
from cim.model.alarms import QuietHours, Severity
from cim.sensors.outbound import Network, caller, post, target
from cim.store.alarms import steps_after
from cim.store.database import Database
from cim.store.deliveries import Message, delivered, due_messages, hold, make_out, not_delivered

AT_ONCE = 16
LOOK_AGAIN_S = 60.0
SIGNATURE = "x-cim-signature"
_log = structlog.get_logger()


def signature(secret: str, moment_s: int, body: bytes) -> str:
    """The header by which a receiver knows who sent a body, and when: ``t=SECONDS,v1=HMAC-SHA256`` of ``t.body``."""
    mac = hmac.new(secret.encode(), f"{moment_s}.".encode() + body, hashlib.sha256)
    return f"t={moment_s},v1={mac.hexdigest()}"


async def send_messages(database: Database, private: Sequence[Network] = ()) -> int:
    """Make out messages for what is new and send what is due; returns how many were tried."""
    more = True
    while more:
        async with database.writing("alarms") as connection:
            more = await make_out(connection)
    async with database.writing("alarms") as connection:
        found = await due_messages(connection, AT_ONCE)
        quiet = [one for one in found if _held(one)]
        for one in quiet:
            await hold(connection, one.id, LOOK_AGAIN_S)
    due = [one for one in found if one not in quiet]
    if due:
        async with caller() as client:
            await asyncio.gather(*(_send(database, client, one, private) for one in due))
    return len(due)


def _held(message: Message) -> bool:
    if message.quiet is None or message.severity == Severity.RED:
        return False
    return QuietHours.model_validate(message.quiet).hold(datetime.now(UTC))


async def _send(database: Database, client: httpx.AsyncClient, message: Message, private: Sequence[Network]) -> None:
    """Try one message, and keep what came of it."""
    fault = await _tried(database, client, message, private)
    async with database.writing("alarms") as connection:
        if not fault:
            await delivered(connection, message.id)
        else:
            await not_delivered(connection, message, fault)
    if fault:
        _log.warning(
            "a message about an alarm was not taken", delivery=message.id, tries=message.tries + 1, reason=fault
        )


async def _tried(database: Database, client: httpx.AsyncClient, message: Message, private: Sequence[Network]) -> str:
    async with database.writing("alarms") as connection:
        ((step, alarm),) = await steps_after(connection, message.step - 1, 1)
    document = {"delivery": message.id, "step": step_document(step), "alarm": alarm_document(alarm)}
    body = json.dumps(document, ensure_ascii=False).encode()
    headers = {"content-type": "application/json", SIGNATURE: signature(message.secret, int(time.time()), body)}
    try:
        status = await post(client, await target(message.url, private), body, headers)
    except BadRequest as error:
        return error.what
    except (httpx.HTTPError, OSError) as error:
        return f"no answer: {type(error).__name__}"
    return "" if 200 <= status < 300 else f"the receiver answered {status}"
