"""Who may write to an incident, and the audit of what they wrote."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy.ext.asyncio import AsyncConnection

from cim.model.access import Grade, Operation
from cim.model.incidents import Entry, Incident
from cim.policy.policy import read_context
from cim.policy.rows import require_with
from cim.store.audits import record
from cim.store.incident_writing import Turn, begin
from cim.store.incidents import the_incident
from web.state import Caller


async def seen(who: Caller, code: str) -> Incident:
    """An incident that the caller may see; NotFound where there is none."""
    async with who.state.database.reading(read_context(who.principal, who.request_id)) as connection:
        return await the_incident(connection, code)


def require_write(who: Caller, access: Grade, region_code: str | None) -> None:
    """Raise unless the caller may write data of a grade in a region: the right to import it."""
    require_with(who.principal, Operation.IMPORT, access, region_code)


@asynccontextmanager
async def turn_of(who: Caller, code: str) -> AsyncIterator[Turn]:
    """The turn to write to an incident, in a transaction that is committed when the block ends.

    Raises NotFound where the caller may not see it, NotAllowed or NotIdentified where he may only see it.
    """
    found = await seen(who, code)
    require_write(who, found.access, found.region_code)
    async with who.state.database.writing(who.request_id) as connection:
        turn = await begin(connection, code, who.principal.name)
        require_write(who, turn.incident.access, turn.incident.region_code)
        yield turn


async def audit(connection: AsyncConnection, who: Caller, entry: Entry) -> None:
    """Record an entry in the audit log, in the transaction that makes it."""
    await record(
        connection,
        actor=who.principal.name,
        role=who.principal.role,
        action=f"incident {entry.kind}",
        subject=entry.incident,
        request_id=who.request_id,
        detail={"entry": entry.number, "text": entry.text[:500]},
    )
