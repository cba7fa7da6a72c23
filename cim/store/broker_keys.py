"""API keys as accounts of a broker of MQTT."""

from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from cim.model.access import Principal
from cim.store import tables as t
from cim.store.identities import rights_of


@dataclass(frozen=True, slots=True)
class BrokerKey:
    """A valid key with the hash of its secret that the broker knows it by."""

    key_id: str
    broker_hash: str
    principal: Principal


async def broker_keys(connection: AsyncConnection) -> list[BrokerKey]:
    """The valid keys that have such a hash, in order."""
    key = t.api_key.c
    valid = (key.broker_hash.is_not(None), key.revoked_at.is_(None))
    lasting = sa.or_(key.expires_at.is_(None), key.expires_at > sa.func.now())
    rows = (await connection.execute(sa.select(t.api_key).where(*valid, lasting).order_by(key.id))).all()
    rights = {role: await rights_of(connection, role) for role in {row.role for row in rows}}
    return [BrokerKey(row.id, row.broker_hash, Principal(f"key:{row.id}", row.role, rights[row.role])) for row in rows]
