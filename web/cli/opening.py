"""Opening the database for one command; a private cluster that was not running is stopped again afterwards."""

import getpass
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from cim.store.database import Database
from cim.store.deployment import Deployment, open_deployment
from layers.catalog import SHIPPED, Catalog, load_catalog
from web.settings import ServerSettings

ROLE = "administrator"


def operator() -> str:
    """The name under which the command line writes the audit log."""
    try:
        return f"cli:{getpass.getuser()}"
    except (KeyError, OSError):
        return f"cli:{os.getuid()}"


def the_catalog(settings: ServerSettings) -> Catalog:
    """The shipped catalogue, with the office's own folder over it."""
    return load_catalog([SHIPPED, *([settings.layers] if settings.layers else [])])


@asynccontextmanager
async def opened(data: Path | None) -> AsyncIterator[tuple[Deployment, Database]]:
    """A migrated deployment and its database for one command."""
    with open_deployment(data) as deployment:
        deployment.migrate()
        database = Database(deployment.logins.reader_url, deployment.logins.writer_url, pool_size=4)
        try:
            yield deployment, database
        finally:
            await database.close()
