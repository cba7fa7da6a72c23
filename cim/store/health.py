"""Whether the database can do its work."""

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from cim.store.migrating import needed_revision


async def database_id(connection: AsyncConnection) -> str:
    """A text that no other database has: what is kept outside for this one is worth nothing for another."""
    found = await connection.scalar(
        sa.text(
            "SELECT concat_ws('/', (SELECT system_identifier FROM pg_control_system()), oid) FROM pg_database"
            " WHERE datname = current_database()"
        )
    )
    return str(found)


async def is_ready(connection: AsyncConnection) -> str:
    """An empty text when the database is migrated and PostGIS answers, else what is wrong."""
    found = await connection.scalar(sa.text("SELECT version_num FROM cim.alembic_version"))
    if found != needed_revision():
        return f"the database is at migration {found}, this server needs {needed_revision()}"
    square = await connection.scalar(sa.text("SELECT ST_Area(ST_MakeEnvelope(0, 0, 1, 1))"))
    return "" if square == 1 else "PostGIS does not answer as it should"
