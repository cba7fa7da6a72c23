"""Receivers of messages about alarms, and messages that could not be delivered."""

import secrets
from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query
from pydantic import BaseModel, Field
from sqlalchemy.ext.asyncio import AsyncConnection

from cim.model.access import Grade, Operation
from cim.model.alarms import Severity
from cim.sensors.outbound import private_networks, target
from cim.store import receivers as store
from cim.store.audits import record
from web.state import Caller, caller

router = APIRouter(tags=["alarms"])
Who = Annotated[Caller, Depends(caller)]
Name = Annotated[str, Path(max_length=100)]
SECRET_BYTES = 32


class ReceiverBody(BaseModel, extra="forbid"):
    """Where messages go, and which: of these severities and grades, in this region and below.

    One that is not ``standing`` gets only what is escalated to it by name. ``warnings`` sends warnings and calls there,
    ``drills`` those of exercises and tests too.
    """

    url: str = Field(max_length=2_000)
    severities: list[Severity] = Field([Severity.RED, Severity.ORANGE], min_length=1, max_length=4)
    grades: list[Grade] = Field([Grade.PUBLIC, Grade.INTERNAL], min_length=1, max_length=4)
    region_code: str | None = Field(None, pattern=r"^\d{2,12}$")
    standing: bool = True
    enabled: bool = True
    warnings: bool = False
    drills: bool = False

    def named(self, name: str) -> store.Receiver:
        """The receiver of this name."""
        severities, grades = tuple(map(str, self.severities)), tuple(map(str, self.grades))
        same = (self.region_code, self.standing, self.enabled, self.warnings, self.drills)
        return store.Receiver(name, self.url, severities, grades, *same)


class NewReceiver(ReceiverBody):
    """A new receiver with its name."""

    name: str = Field(min_length=1, max_length=100, pattern=r"^[\w .-]+$")


@router.get("/alarms/receivers", summary="Receivers of messages")
async def receivers(who: Who) -> dict[str, Any]:
    """All receivers by name, without their secrets."""
    who.require(Operation.ADMINISTER)
    async with who.state.database.writing(who.request_id) as connection:
        found = await store.all_receivers(connection)
    return {"receivers": [asdict(one) for one in found]}


@router.post("/alarms/receivers", status_code=201, summary="A new receiver")
async def add(body: NewReceiver, who: Who) -> dict[str, Any]:
    """Keep a receiver. Its secret, by which it knows our messages, is told this once."""
    who.require(Operation.ADMINISTER)
    await _may_call(who, body.url)
    secret = secrets.token_urlsafe(SECRET_BYTES)
    new = body.named(body.name)
    async with who.state.database.writing(who.request_id) as connection:
        await store.add_receiver(connection, new, secret, who.principal.name)
        await _record(connection, who, "alarm receiver", body.name, body.url)
    return {**asdict(new), "secret": secret}


@router.put("/alarms/receivers/{name}", summary="Change a receiver")
async def change(name: Name, body: ReceiverBody, who: Who) -> dict[str, Any]:
    """Change all of a receiver but its name and its secret."""
    who.require(Operation.ADMINISTER)
    await _may_call(who, body.url)
    async with who.state.database.writing(who.request_id) as connection:
        await store.change_receiver(connection, body.named(name))
        await _record(connection, who, "alarm receiver changed", name, body.url)
    return asdict(body.named(name))


@router.delete("/alarms/receivers/{name}", status_code=204, summary="Remove a receiver")
async def remove(name: Name, who: Who) -> None:
    """Remove a receiver, with what was on its way to it."""
    who.require(Operation.ADMINISTER)
    async with who.state.database.writing(who.request_id) as connection:
        await store.remove_receiver(connection, name)
        await _record(connection, who, "alarm receiver removed", name, "")


@router.get("/alarms/deliveries", summary="Messages that were given up")
async def deliveries(who: Who, limit: Annotated[int, Query(ge=1, le=1_000)] = 100) -> dict[str, Any]:
    """Messages that no try delivered, the newest first, each with what the last try met."""
    who.require(Operation.ADMINISTER)
    async with who.state.database.writing(who.request_id) as connection:
        return {"deliveries": await store.dead_deliveries(connection, limit)}


@router.post("/alarms/deliveries/{number}/again", status_code=204, summary="Try a message again")
async def again(number: Annotated[int, Path(gt=0, lt=2**63)], who: Who) -> None:
    """Put a message that was given up back among those that wait."""
    who.require(Operation.ADMINISTER)
    async with who.state.database.writing(who.request_id) as connection:
        await store.send_again(connection, number)
        await _record(connection, who, "alarm message again", str(number), "")


async def _may_call(who: Caller, url: str) -> None:
    await target(url, private_networks(who.state.settings.webhook_private))


async def _record(connection: AsyncConnection, who: Caller, action: str, subject: str, url: str) -> None:
    await record(
        connection,
        actor=who.principal.name,
        role=who.principal.role,
        action=action,
        subject=subject,
        request_id=who.request_id,
        detail={"url": url} if url else {},
    )
