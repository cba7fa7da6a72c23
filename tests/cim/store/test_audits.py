"""The audit log cannot be changed by the server's logins, and a change by anybody is found."""

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import ProgrammingError

from cim.store.audits import first_broken_link, record
from cim.store.cluster_logins import Logins
from cim.store.database import Database


async def fill(database: Database) -> None:
    async with database.writing() as connection:
        for number in range(20):
            await record(connection, actor="me", role="technician", action="import", subject=f"layer {number}")


@pytest.mark.parametrize(
    "tampering",
    [
        "UPDATE cim.audit SET actor = 'you' WHERE seq = 7",
        "UPDATE cim.audit SET detail = '{\"x\": 1}' WHERE seq = 20",
        "UPDATE cim.audit SET at = at + interval '1 second' WHERE seq = 3",
        "DELETE FROM cim.audit WHERE seq = 5",
        "UPDATE cim.audit SET seq = -seq WHERE seq IN (8, 9)",
    ],
)
async def test_tampering_is_found(database: Database, logins: Logins, tampering: str) -> None:
    await fill(database)
    async with database.writing() as connection:
        assert await first_broken_link(connection) is None
    with logins.connect_admin() as admin:
        admin.execute(tampering.encode())
    async with database.writing() as connection:
        assert await first_broken_link(connection) is not None


@pytest.mark.parametrize(
    "statement", ["UPDATE cim.audit SET actor = 'x'", "DELETE FROM cim.audit", "TRUNCATE cim.audit"]
)
async def test_the_servers_logins_cannot_change_it(database: Database, statement: str) -> None:
    await fill(database)
    for engine in (database.writer, database.reader):
        async with engine.connect() as connection:
            with pytest.raises(ProgrammingError):
                await connection.execute(sa.text(statement))
