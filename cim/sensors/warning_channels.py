"""Channels by which people are called and platforms told of warnings: adapters with one manner.

A channel that is not marked for drills gets nothing of a warning that is not real; no channel gets anything of a draft.
More channels (a gateway for short messages, broadcasts) are further classes here, or receivers of the webhook.
"""

from collections.abc import Sequence
from typing import Protocol

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from cim.model.warning_course import Call, HeldWarning, WarningState
from cim.model.warnings import Status
from cim.store.warning_deliveries import make_out_warnings
from cim.store.warning_writing import add_steps

_log = structlog.get_logger()


class Channel(Protocol):
    """One way to reach people."""

    @property
    def name(self) -> str:
        """What receipts call it."""
        ...

    @property
    def drills(self) -> bool:
        """Whether exercises and tests may be sent over it; a channel may decide for each receiver."""
        ...

    async def tell(self, connection: AsyncConnection, warning: HeldWarning, steps: Sequence[int]) -> None:
        """Send entries of a warning's history, in the transaction in which they were made."""
        ...


class LogChannel:
    """Writes a line to the server's log for each entry; always there. Lines hold no phone and no token."""

    name, drills = "log", True

    async def tell(self, connection: AsyncConnection, warning: HeldWarning, steps: Sequence[int]) -> None:
        """Write the lines, each marked where the warning is not real."""
        for step in steps:
            _log.info("warning", code=warning.code, title=warning.title, drill=warning.drill, step=step)


class WebhookChannel:
    """Posts to the receivers that take warnings, signed and tried again; drills only to those marked for them."""

    name, drills = "webhook", True

    async def tell(self, connection: AsyncConnection, warning: HeldWarning, steps: Sequence[int]) -> None:
        """Make out the messages; the watch over warnings sends them."""
        await make_out_warnings(connection, steps)


CHANNELS: tuple[Channel, ...] = (LogChannel(), WebhookChannel())


async def tell(
    connection: AsyncConnection, warning: HeldWarning, steps: Sequence[int], channels: Sequence[Channel] = CHANNELS
) -> list[str]:
    """Send entries of history over all channels that may; returns the names of these."""
    if warning.status is Status.DRAFT:
        return []
    used = [channel for channel in channels if channel.drills or not warning.drill]
    for channel in used:
        await channel.tell(connection, warning, steps)
    return [channel.name for channel in used]


async def call_out(
    connection: AsyncConnection,
    warning: HeldWarning,
    calls: Sequence[Call],
    actor: str,
    channels: Sequence[Channel] = CHANNELS,
) -> list[str]:
    """Call people over all channels that may; the receipt of each call says over which."""
    names = [channel.name for channel in channels if channel.drills or not warning.drill]
    rows = [
        {
            "warning": warning.code,
            "call": call.id,
            "action": "called",
            "actor": actor,
            "channel": " ".join(names),
            "note": call.name,
            "state": WarningState.ACTIVE,
        }
        for call in calls
    ]
    return await tell(connection, warning, await add_steps(connection, rows), channels)
