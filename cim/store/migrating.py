"""Bringing a database to the schema this version of the server needs."""

from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from cim.errors import StoreError

FOLDER = Path(__file__).parent / "migrations"
LOCK = "SELECT pg_advisory_lock(hashtextextended('cim.migrate', 0))"


def migrate(owner_url: str) -> str:
    """Apply every missing migration as the owner login; returns the revision reached.

    Two servers starting at once migrate one after the other. Each migration is one transaction and waits at most
    five seconds for a lock, so a busy table stops the migration and not the traffic behind it.
    """
    engine = sa.create_engine(owner_url, poolclass=sa.NullPool)
    config = _config()
    try:
        with engine.connect() as connection:
            connection.exec_driver_sql(LOCK)
            connection.exec_driver_sql("CREATE SCHEMA IF NOT EXISTS cim")
            connection.exec_driver_sql("SET lock_timeout = '5s'")
            connection.commit()
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
            connection.commit()
    except sa.exc.DBAPIError as error:
        raise StoreError(
            "the database could not be brought to the needed schema",
            where=str(error.orig).splitlines()[0],
            remedy="`cim doctor` tells what the owner login lacks",
        ) from error
    finally:
        engine.dispose()
    return needed_revision()


def needed_revision() -> str:
    """The newest migration this version of the server has."""
    return ScriptDirectory.from_config(_config()).get_current_head() or ""


def current_revision(url: str) -> str | None:
    """The migration a database is at; None for an empty database."""
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    try:
        with engine.connect() as connection:
            context = MigrationContext.configure(connection, opts={"version_table_schema": "cim"})
            return context.get_current_revision()
    finally:
        engine.dispose()


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(FOLDER))
    config.set_main_option("path_separator", "os")
    return config
